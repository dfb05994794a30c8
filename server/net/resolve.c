/* resolve.c - evdns with a cache in front; resolve.h says what it promises.
 *
 * A name's entry owns its query, and askers hang on the entry: who gives up
 * only leaves the list, the query ends by itself and fills the cache. */
#include "server/net/resolve.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES	256
#define KEEP_US INT64_C(30000000)

struct name {
	struct name *next;
	struct resolver *resolver;
	char *host;
	struct resolve askers; /* circular */
	struct defer tell;
	struct mono_us until;  /* the answer holds */
	enum hub_err err;
	bool asking;
	struct addresses addrs;
};

struct resolver {
	struct loop *loop;
	struct evdns_base *dns;
	struct name *names;
	unsigned nnames, asking;
};

static bool
is_localhost(const char *host)
{
	return (str_caseeq(str_of(host), STR("localhost")));
}

static void
addresses_add(struct addresses *to, const struct sockaddr *sa)
{
	union address *a = &to->a[to->n];

	if (to->n == RESOLVE_MAX)
		return;
	if (sa->sa_family == AF_INET)
		memcpy(&a->in, sa, sizeof(a->in));
	else if (sa->sa_family == AF_INET6)
		memcpy(&a->in6, sa, sizeof(a->in6));
	else
		return;
	to->n++;
}

static void
addresses_set_port(struct addresses *addrs, uint16_t port)
{
	for (unsigned i = 0; i < addrs->n; i++) {
		if (addrs->a[i].sa.sa_family == AF_INET)
			addrs->a[i].in.sin_port = htons(port);
		else
			addrs->a[i].in6.sin6_port = htons(port);
	}
}

static void
addresses_localhost(struct addresses *to)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	addresses_add(to, (const struct sockaddr *)&v4);
	addresses_add(to, (const struct sockaddr *)&v6);
}

/* Without asking anybody. */
static bool
addresses_local(struct addresses *to, const char *host)
{
	union address a;

	memset(to, 0, sizeof(*to));
	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, host, &a.in.sin_addr) == 1)
		a.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1)
		a.sa.sa_family = AF_INET6;
	if (a.sa.sa_family != AF_UNSPEC)
		addresses_add(to, &a.sa);
	else if (is_localhost(host))
		addresses_localhost(to);
	return (to->n > 0);
}

static struct resolver *
resolver_get(struct loop *l)
{
	void **slot = loop_slot(l, LOOP_RESOLVER);
	struct resolver *r = *slot;

	if (r != NULL)
		return (r);
	r = xcalloc(1, sizeof(*r));
	r->loop = l;
	r->dns = evdns_base_new(
	    loop_base(l), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	assert(r->dns != NULL);
	/* A system without servers still has its hosts file; queries then
	 * fail, and that is what the caller is told. */
	(void)evdns_base_resolv_conf_parse(
	    r->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
	(void)evdns_base_set_option(r->dns, "timeout:", "2");
	(void)evdns_base_set_option(r->dns, "attempts:", "3");
	*slot = r;
	return (r);
}

void
resolve_prepare(struct loop *l, const char *host)
{
	struct addresses unused;

	if (!addresses_local(&unused, host))
		(void)resolver_get(l);
}

static void
name_free(struct name *n)
{
	defer_clear(n->resolver->loop, &n->tell);
	n->resolver->nnames--;
	free(n->host);
	free(n);
}

/* Forgets names whose answer is old and that nobody waits for. */
static void
resolver_sweep(struct resolver *r)
{
	struct mono_us now = loop_now(r->loop);
	struct name **at = &r->names, *n;

	while ((n = *at) != NULL) {
		if (!n->asking && n->askers.next == &n->askers &&
		    n->until.us <= now.us) {
			*at = n->next;
			name_free(n);
		} else {
			at = &n->next;
		}
	}
}

static struct name *
name_find(struct resolver *r, const char *host)
{
	struct str want = str_of(host);

	for (struct name *n = r->names; n != NULL; n = n->next)
		if (str_caseeq(str_of(n->host), want))
			return (n);
	return (NULL);
}

static struct name *
name_new(struct resolver *r, const char *host)
{
	struct name *n;

	if (r->nnames >= NAMES)
		resolver_sweep(r);
	if (r->nnames >= NAMES)
		return (NULL);
	n = xcalloc(1, sizeof(*n));
	n->resolver = r;
	n->host = xstrdup(host);
	n->askers.prev = n->askers.next = &n->askers;
	n->next = r->names;
	r->names = n;
	r->nnames++;
	return (n);
}

/* An asker may cancel others, so the list is read anew after each. */
static void
name_tell(void *arg)
{
	struct name *n = arg;
	struct addresses addrs;
	struct resolve *q;

	while ((q = n->askers.next) != &n->askers) {
		addrs = n->addrs;
		addresses_set_port(&addrs, q->port);
		resolve_cancel(q);
		q->fn(q, n->err, &addrs, q->arg);
	}
}

static void
on_answer(int rc, struct evutil_addrinfo *list, void *arg)
{
	struct name *n = arg;

	n->asking = false;
	n->resolver->asking--;
	memset(&n->addrs, 0, sizeof(n->addrs));
	if (rc == 0)
		for (struct evutil_addrinfo *ai = list; ai != NULL;
		    ai = ai->ai_next)
			addresses_add(&n->addrs, ai->ai_addr);
	if (list != NULL)
		evutil_freeaddrinfo(list);
	n->err = n->addrs.n > 0 ? HUB_OK : HUB_EIO;
	n->until.us = loop_now(n->resolver->loop).us + KEEP_US;
	/* evdns answers from the hosts file before it returns; we do not. */
	defer_set(n->resolver->loop, &n->tell, name_tell, n);
}

static void
name_ask(struct name *n)
{
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP,
		.ai_flags = EVUTIL_AI_ADDRCONFIG };

	n->asking = true;
	n->resolver->asking++;
	(void)evdns_getaddrinfo(
	    n->resolver->dns, n->host, NULL, &hints, on_answer, n);
}

enum hub_err
resolve_start(struct resolve *q, struct loop *l, const char *host,
    uint16_t port, struct addresses *addrs_r, resolve_fn *fn, void *arg)
{
	struct resolver *r;
	struct name *n;

	if (addresses_local(addrs_r, host)) {
		addresses_set_port(addrs_r, port);
		return (HUB_OK);
	}
	r = resolver_get(l);
	n = name_find(r, host);
	if (n == NULL && (n = name_new(r, host)) == NULL)
		return (HUB_EIO);
	if (!n->asking && !n->tell.queued &&
	    n->until.us > loop_now(l).us) {
		*addrs_r = n->addrs;
		addresses_set_port(addrs_r, port);
		return (n->err);
	}
	*q = (struct resolve){ .fn = fn, .arg = arg, .port = port };
	q->prev = n->askers.prev;
	q->next = &n->askers;
	q->prev->next = q;
	n->askers.prev = q;
	if (!n->asking && !n->tell.queued)
		name_ask(n);
	return (HUB_EAGAIN);
}

void
resolve_cancel(struct resolve *q)
{
	if (q->next == NULL)
		return;
	q->prev->next = q->next;
	q->next->prev = q->prev;
	q->prev = q->next = NULL;
}

void
resolve_shutdown(struct loop *l)
{
	void **slot = loop_slot(l, LOOP_RESOLVER);
	struct resolver *r = *slot;
	struct name *n;

	if (r == NULL)
		return;
	*slot = NULL;
	/* Fails what is open, through the loop: let it say so. */
	evdns_base_free(r->dns, 1);
	for (int i = 0; i < 16 && r->asking > 0; i++)
		(void)event_base_loop(loop_base(l), EVLOOP_NONBLOCK);
	while ((n = r->names) != NULL) {
		r->names = n->next;
		name_free(n);
	}
	free(r);
}
