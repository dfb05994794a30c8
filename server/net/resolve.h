/* server/net/resolve.h - names to addresses without blocking (evdns: the
 * servers of /etc/resolv.conf, the names of /etc/hosts).
 *
 * Numeric addresses and "localhost" need no server. Answers, also "no such
 * name", are kept for 30 s and 256 names per loop; askers of one name share
 * one query. */
#ifndef HUB_NET_RESOLVE_H
#define HUB_NET_RESOLVE_H

#include <netinet/in.h>

#include "server/net/loop.h"

#define RESOLVE_MAX 8 /* addresses of a name; more are not tried */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};
struct addresses {
	unsigned n;
	union address a[RESOLVE_MAX]; /* with port */
};

struct resolve;
/* HUB_OK: addrs has at least one address. HUB_EIO: there are none. */
typedef void resolve_fn(struct resolve *, enum hub_err,
    const struct addresses *, void *arg);

/* One asker; embedded, zeroed at first. */
struct resolve {
	struct resolve *prev, *next; /* the module's own */
	resolve_fn *fn;
	void *arg;
	uint16_t port;
};

/* HUB_OK: known at once, *addrs_r is filled. HUB_EAGAIN: fn will be called,
 * never before this returned. HUB_EIO: known to be no name. */
enum hub_err resolve_start(struct resolve *, struct loop *, const char *host,
    uint16_t port, struct addresses *addrs_r, resolve_fn *, void *arg)
    HUB_MUST_CHECK;
/* fn is not called any more. Harmless when nothing was asked. */
void resolve_cancel(struct resolve *);

/* Reads the system's configuration now, not at the first query: only if host
 * is a name. */
void resolve_prepare(struct loop *, const char *host);
/* Ends the resolver of a loop; nobody may be asking. */
void resolve_shutdown(struct loop *);

#endif
