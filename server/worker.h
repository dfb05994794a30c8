/* server/worker.h - one thread, one loop, one listener; shares nothing but
 * counted snapshots. */
#ifndef HUB_SERVER_WORKER_H
#define HUB_SERVER_WORKER_H

#include <pthread.h>

#include "server/base/budget.h"
#include "server/config.h"
#include "server/ledger/spool.h"
#include "server/snapshot.h"
#include "tenants/deny.h"
#include "tenants/token.h"

struct control;
struct counts;
struct crowd;
struct log_limit;
struct decision_log;
struct decision_bearers;
struct entity_maps;
struct estimates;
struct gzip;
struct key_waiter;
struct persons;
struct recall;
struct replay;
struct reports;

struct worker {
	unsigned index;
	const struct config *config;
	struct control *control;
	struct spool *spool;
	struct estimates *estimates; /* shared by all workers */
	struct budget *memory; /* for what sources send, of all workers */
	struct loop *loop;
	struct http_server *server;
	struct tls_server *tls; /* counted; also for Host (421) */
	struct source_pools *pools;
	struct entity_maps *maps; /* shared by all workers */
	struct token_cache *tokens;
	struct replay *proofs; /* taken; shared by all workers */
	struct crowd *crowd; /* of clients' connections; shared */
	struct recall *recall;
	struct gzip *gzip; /* NULL until it is needed */
	struct answer_cache *kept; /* of sources that say for how long */
	struct decision_log *decisions; /* shared; NULL: there is none */
	struct decision_bearers *bearers; /* that it has met */
	struct persons *persons; /* shared; NULL: they are not counted */
	struct reports *reports; /* of the ledger; shared */
	/* In force; replaced together by worker_publish, since a keyring is
	 * indexed by its snapshot's issuers, tokens by its sources. NULL
	 * before the first bundle. */
	struct snapshot *snapshot;
	struct keyring *keyring;
	struct source_tokens *source_tokens;
	/* What is revoked, whatever a request began with; NULL: nothing. */
	struct deny_set *denied;
	struct log_limit *refused; /* lines about tokens */
	struct {
		int64_t second; /* mono */
		unsigned n;	/* lines in it */
		uint64_t skipped; /* and since the last that was said */
	} unknown; /* requests of unknown callers in the log */
	/* Requests waiting for a new keyring, the latest first. */
	struct key_waiter *key_waiters, *key_waiters_end;
	unsigned nkey_waiters;
	struct arena *arenas[64];	/* free ones */
	unsigned narenas;
	struct counts *counts; /* of its requests; read by all */
	/* Written once a second by its loop: the watchdog's proof of life. */
	atomic_llong beat_us; /* mono */
	atomic_uint connections;
	struct timer beat_timer;
	struct mono_us began;
	atomic_ulong requests; /* answered */
	atomic_ulong recalled; /* of what was made before */
	atomic_ulong open;     /* under way */
	pthread_t thread;
	struct timer sweep_timer; /* of what is recalled */
	struct timer drain_timer;
	int drain_ms;
	/* The socket was handed over: who connects while there is no region yet
	 * waits, for some seconds at most. */
	bool inherited;
	struct timer hold_timer;
	/* Posted when the thread has nothing left to do. */
	struct loop *end_loop;
	loop_fn *on_end;
	void *end_arg;
};

/* A request that waits for keys: woken (once, unlinked first) when a new
 * keyring arrived; it may wait on then. Owned by the request, which unlinks it
 * when it gives up. */
struct key_waiter {
	struct key_waiter *prev, *next;
	loop_fn *fn;
	void *arg;
	bool linked;
};
void worker_await_keys(struct worker *, struct key_waiter *, loop_fn *, void *);
void worker_forget_keys(struct worker *, struct key_waiter *);

/* Arenas of requests, reused so that a request costs no malloc. Worker's
 * thread only. */
struct arena *worker_arena_get(struct worker *) HUB_MUST_CHECK;
void worker_arena_put(struct worker *, struct arena *);

/* fd: this worker's own SO_REUSEPORT listening socket; taken over. Starts
 * the thread, which serves requests by request_start (server/request.h). */
enum hub_err worker_start(struct worker *, int fd) HUB_MUST_CHECK;
/* From the control thread: all come into force for requests that begin from
 * now on. The worker takes the three references given. When the keyring
 * changed, waiters for keys are woken; when the snapshot changed, unused
 * source pools are dropped. */
void worker_publish(struct worker *, struct snapshot *, struct keyring *,
    struct source_tokens *);
/* From the control thread: that is refused from now on, also where a request
 * is under way and not yet admitted. The worker takes the reference given. */
void worker_deny(struct worker *, struct deny_set *);
/* From the control thread: both are good for requests and connections that
 * begin from now on. The worker takes a reference of its own to the first,
 * NULL: there is none; the second must outlive it. */
void worker_reload(struct worker *, struct tls_server *,
    const struct config *);
/* Drains within ms, then the thread ends; worker_join waits for it. After
 * the spool was closed, whose jobs report to the loop, worker_clear frees the
 * rest. worker_stop ends it at once, also while it drains. */
void worker_drain(struct worker *, int ms);
void worker_stop(struct worker *);
void worker_join(struct worker *);
void worker_clear(struct worker *);

#endif
