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
queue_add(struct http_pool *p, struct http_call *call)
{
	call->qprev = p->queue_end;
	call->qnext = NULL;
	*(p->queue_end != NULL ? &p->queue_end->qnext : &p->queue) = call;
	p->queue_end = call;
	p->nqueued++;
}

void
queue_remove(struct http_pool *p, struct http_call *call)
{
	*(call->qprev != NULL ? &call->qprev->qnext : &p->queue) = call->qnext;
	*(call->qnext != NULL ? &call->qnext->qprev : &p->queue_end) =
	    call->qprev;
	call->qprev = call->qnext = NULL;
	p->nqueued--;
}

void
pool_pump(struct http_pool *p)
{
	struct http_call *call;

	if (p->pumping || p->closing)
		return;
	p->pumping = true;
	while ((call = p->queue) != NULL && p->in_flight < p->conf.in_flight) {
		queue_remove(p, call);
		call_go(call);
	}
	p->pumping = false;
}
