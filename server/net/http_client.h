/* server/net/http_client.h - the side that brokers see: a keep-alive pool per
 * broker and worker, and calls through it.
 *
 * Non-blocking throughout, name resolution included (evdns; addresses cached
 * for 30 s; numeric addresses and "localhost" need none). A call that fails
 * on a reused connection before the first byte of its answer came is sent
 * once more on a fresh one (what only reads) and nobody sees it.
 *
 * Calls over the in-flight cap wait, for half their time at most: what goes
 * out later would be given up before its answer and cost the broker's time all
 * the same, until nothing is answered any more. Parties take turns, the calls
 * of one party go in order of arrival: so a call waits for one call of each
 * other party that waits, however many calls these have. When the queue is
 * full the party with the most calls in it loses its last. */
#ifndef HUB_NET_HTTP_CLIENT_H
#define HUB_NET_HTTP_CLIENT_H

#include "server/base/budget.h"
#include "server/base/buf.h"
#include "server/net/http_parse.h"
#include "server/net/loop.h"
#include "server/net/tls.h"

struct http_pool;
struct http_call;

struct http_pool_conf {
	struct str host;	/* name or address, without brackets; copied */
	uint16_t port;
	struct tls_client *tls; /* NULL: plain http; borrowed */
	unsigned in_flight;	/* calls on the wire at once, >= 1 */
	/* Calls waiting, of all parties and of each; the one too many fails
	 * with HUB_EAGAIN. */
	unsigned queued, queued_each;
	unsigned idle_max;	/* connections kept */
	int idle_ms;		/* how long */
	size_t header_max;	/* bytes of an answer's head; at most 32 KiB */
};

struct http_pool *http_pool_new(struct loop *, const struct http_pool_conf *)
    HUB_MUST_CHECK;
/* Cancels what runs (their fn is called with HUB_ECLOSED) and closes all. */
void http_pool_free(struct http_pool *);

struct http_call_conf {
	struct str bytes;     /* the whole request, head and body; copied */
	bool is_head, is_safe; /* HEAD; only reads: may be sent twice */
	uint64_t party;	      /* on whose behalf, for turns in the queue */
	int timeout_ms;	      /* from now to the last byte of the answer */
	size_t body_max;      /* larger answers fail with HUB_EFULL */
	/* What the body is taken from as it comes, until the call is freed;
	 * refused: HUB_EFULL or HUB_EAGAIN. May be NULL. */
	struct budget_claim *memory;
};

/* Called exactly once per call unless cancelled, never before
 * http_call_start returned. HUB_OK: head and body are complete. HUB_ELATE,
 * HUB_EIO (refused, reset, no such host, TLS failed), HUB_ESYNTAX (not HTTP),
 * HUB_ECLOSED (cut off), HUB_EFULL (too large), HUB_EAGAIN (too many waiting,
 * or no memory for the answer).
 * The call still belongs to the caller: it ends with http_call_free. */
typedef void http_call_fn(struct http_call *, enum hub_err, void *arg);

struct http_call *http_call_start(struct http_pool *,
    const struct http_call_conf *, http_call_fn *, void *arg) HUB_MUST_CHECK;
/* Ends it in any state; fn is not called (again). NULL is fine. */
void http_call_free(struct http_call *);

/* After HUB_OK, until http_call_free. */
const struct http_head *http_call_head(const struct http_call *);
struct str http_call_body(const struct http_call *);
/* Moves the body out, so that it outlives the call; what it takes of memory
 * (its len) is the caller's to give back. HUB_EFULL, HUB_EAGAIN: there is no
 * memory for it. */
enum hub_err http_call_body_take(struct http_call *, struct buf *body_r)
    HUB_MUST_CHECK;
/* Did it ever leave the queue? If not, its failure tells nothing of the
 * broker. */
bool http_call_was_out(const struct http_call *);
/* Microseconds from start to end, for the ledger. */
int64_t http_call_us(const struct http_call *);

/* Closes the thread's name resolver of a loop, before loop_free. */
void http_client_shutdown(struct loop *);

#endif
