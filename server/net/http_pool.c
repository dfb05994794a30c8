/* http_pool.c - the connections and calls of one broker; http_client.h says
 * what is promised. */
#include <stdlib.h>

#include "server/net/http_client_priv.h"

struct http_pool *
http_pool_new(struct loop *l, const struct http_pool_conf *conf)
{
	struct http_pool *p = xcalloc(1, sizeof(*p));

	assert(conf->in_flight > 0);
	p->loop = l;
	p->conf = *conf;
	p->host = xmalloc(conf->host.len + 1);
	memcpy(p->host, conf->host.p, conf->host.len);
	p->host[conf->host.len] = '\0';
	p->conf.host = str_of(p->host);
	if (p->conf.header_max > LOOP_BUF_SIZE / 2)
		p->conf.header_max = LOOP_BUF_SIZE / 2;
	p->calls.prev = p->calls.next = &p->calls;
	p->idle.prev = p->idle.next = &p->idle;
	resolve_prepare(l, p->host);
	return (p);
}

void
http_pool_free(struct http_pool *p)
{
	struct http_call *call;

	if (p == NULL)
		return;
	p->closing = true; /* nothing new starts */
	while ((call = p->calls.next) != &p->calls) {
		if (call->state == CALL_QUEUED || call->state == CALL_WIRE)
			call_fail(call, HUB_ECLOSED);
		assert(call->prev != NULL); /* it is listed */
		call->prev->next = call->next;
		call->next->prev = call->prev;
		call->prev = call->next = NULL;
		call->pool = NULL;
		if (call->defer.queued) {
			defer_clear(call->loop, &call->defer);
			call_on_failed(call);
		}
	}
	while (p->idle.next != &p->idle)
		link_free(p->idle.next);
	while ((call = p->spare) != NULL) {
		p->spare = call->next;
		buf_clear(&call->request);
		free(call);
	}
	free(p->host);
	free(p);
}

void
http_client_shutdown(struct loop *l)
{
	resolve_shutdown(l);
}

void
pool_pump(struct http_pool *p)
{
	if (p->pumping || p->closing)
		return;
	p->pumping = true;
	while (p->nqueued > 0 && p->in_flight < p->conf.in_flight)
		call_go(queue_take(p));
	p->pumping = false;
}
