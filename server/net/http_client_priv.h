/* server/net/http_client_priv.h - what http_pool.c, http_call.c and
 * http_link.c share.
 *
 * A call owns its bytes, a link owns a socket; the two know each other while
 * the call is on the wire. A call that fails says so at the end of the loop
 * turn, a call that succeeds at once, from the event that brought the last
 * byte: so nobody is called back before http_call_start returned, and the
 * call back is always the last thing done with a call or its pool. */
#ifndef HUB_NET_HTTP_CLIENT_PRIV_H
#define HUB_NET_HTTP_CLIENT_PRIV_H

#include "server/net/http_client.h"
#include "server/net/resolve.h"

enum link_state { LINK_RESOLVING, LINK_CONNECTING, LINK_BUSY, LINK_IDLE };

struct link {
	struct link *prev, *next; /* of the pool's idle ones */
	struct http_pool *pool;
	struct http_call *call; /* NULL: idle */
	enum link_state state;
	bool reused;
	int fd;
	SSL *ssl;
	struct watch watch;
	struct timer timer; /* idle, or one of several addresses */
	struct resolve resolve;
	struct addresses addrs;
	unsigned addr; /* the one being tried */
};

enum call_state { CALL_QUEUED, CALL_WIRE, CALL_FAILED, CALL_DONE };

struct http_call {
	struct http_call *prev, *next;	 /* of the pool, all */
	struct http_call *qprev, *qnext; /* of its line in the queue */
	struct line *line;		 /* NULL: it does not wait */
	struct http_pool *pool;		 /* NULL: gone before us */
	struct loop *loop;
	struct link *link;
	http_call_fn *fn;
	void *arg;
	enum call_state state;
	enum hub_err err;
	bool is_head, is_safe, retried, was_out;
	uint64_t party;
	struct timer deadline;
	struct defer defer;
	struct mono_us from, to, until;
	size_t body_max;
	struct budget_claim *memory;
	size_t claimed; /* of it */

	struct buf request;
	size_t sent;
	char *in; /* lent */
	size_t in_from, in_len, scanned;
	bool headed; /* head is parsed */
	unsigned interim;
	struct http_head head;
	struct http_chunked chunked;
	struct buf body;     /* unless it is all in the read buffer: */
	struct str body_str;
};

struct http_pool {
	struct loop *loop;
	struct http_pool_conf conf;
	char *host;
	struct http_call calls; /* head of a circular list */
	struct line *lines, *lines_end; /* who waits; http_queue.c */
	unsigned nqueued, in_flight, nidle, nspare;
	struct link idle; /* head of a circular list, latest first */
	struct http_call *spare;
	bool pumping, closing;
};

/* http_queue.c */
void queue_add(struct http_pool *, struct http_call *);
void queue_remove(struct http_pool *, struct http_call *);
/* Whose turn it is, out of the queue; NULL: nobody waits. */
struct http_call *queue_take(struct http_pool *);
/* Which call must give way since this one was added; NULL: there is room. */
struct http_call *queue_surplus(const struct http_pool *,
    const struct http_call *added);

/* http_pool.c */
/* Starts what may start, the parties in turn. */
void pool_pump(struct http_pool *);

/* http_call.c */
/* On a link: an idle one, the latest used first, or a new one. */
void call_go(struct http_call *);
void call_fail(struct http_call *, enum hub_err);
/* The failure as its owner learns of it: call_fail defers it. */
void call_on_failed(void *call);
/* The whole answer is here. */
void call_done(struct http_call *, bool keep);
enum got { GOT_MORE, GOT_ALL, GOT_BAD, GOT_TOO_MUCH, GOT_NO_ROOM };
/* What has come of the answer. */
enum got answer_take(struct http_call *);
/* Where the next bytes go: straight into the body if its length is known. */
char *answer_room(struct http_call *, size_t *n_r);
void answer_add(struct http_call *, size_t n);

/* http_link.c */
/* An idle link that can be read is closed, or has bytes that are no answer to
 * what is sent now: it must not carry another call, however lately it was in
 * use, for the next answer may be another tenant's. */
bool link_is_quiet(const struct link *);
void link_reuse(struct link *, struct http_call *);
void link_start(struct http_pool *, struct http_call *);
void link_idle(struct link *);
void link_free(struct link *);

#endif
