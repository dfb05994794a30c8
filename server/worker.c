/* server/worker.c - one serving thread; worker.h says what it promises. */
#include "server/worker.h"

#include <signal.h>
#include <stdlib.h>

#include "server/base/log.h"
#include "server/base/log_limit.h"
#include "server/counts.h"
#include "server/federation/answer_cache.h"
#include "server/gzip.h"
#include "server/recall.h"
#include "server/request.h"

#define TOKENS_CACHED 8192
#define SWEEP_MS      60000
#define BEAT_MS	      1000
#define HOLD_MS	      10000

/* ---- arenas */

struct arena *
worker_arena_get(struct worker *w)
{
	return (w->narenas > 0 ? w->arenas[--w->narenas] : arena_new());
}

void
worker_arena_put(struct worker *w, struct arena *a)
{
	if (w->narenas == sizeof(w->arenas) / sizeof(w->arenas[0])) {
		arena_free(a);
		return;
	}
	arena_reset(a);
	w->arenas[w->narenas++] = a;
}

/* ---- waiting for keys */

void
worker_await_keys(struct worker *w, struct key_waiter *k, loop_fn *fn,
    void *arg)
{
	assert(!k->linked);
	*k = (struct key_waiter){ .next = w->key_waiters,
		.fn = fn,
		.arg = arg,
		.linked = true };
	*(k->next != NULL ? &k->next->prev : &w->key_waiters_end) = k;
	w->key_waiters = k;
	w->nkey_waiters++;
}

void
worker_forget_keys(struct worker *w, struct key_waiter *k)
{
	if (!k->linked)
		return;
	*(k->prev != NULL ? &k->prev->next : &w->key_waiters) = k->next;
	*(k->next != NULL ? &k->next->prev : &w->key_waiters_end) = k->prev;
	k->linked = false;
	w->nkey_waiters--;
}

/* ---- what is in force */

struct publication {
	struct worker *worker;
	struct snapshot *snapshot;
	struct keyring *keyring;
	struct source_tokens *source_tokens;
};

static void
on_publication(void *arg)
{
	struct publication *p = arg;
	struct worker *w = p->worker;
	struct key_waiter *k;
	bool swapped = w->snapshot != p->snapshot;
	bool new_keys = w->keyring != p->keyring;

	snapshot_unref(&w->snapshot);
	keyring_unref(&w->keyring);
	source_tokens_unref(&w->source_tokens);
	w->snapshot = p->snapshot;
	w->keyring = p->keyring;
	w->source_tokens = p->source_tokens;
	free(p);
	if (swapped && w->hold_timer.armed)
		timer_set(&w->hold_timer, 0);
	if (swapped && w->recall != NULL)
		recall_forget(w->recall);
	if (swapped && w->pools != NULL)
		source_pools_trim(w->pools, w->snapshot->region,
		    w->snapshot->access);
	/* Each once, the first to come first: some will wait on. */
	for (unsigned n = new_keys ? w->nkey_waiters : 0;
	     n > 0 && (k = w->key_waiters_end) != NULL; n--) {
		worker_forget_keys(w, k);
		k->fn(k->arg);
	}
}

void
worker_publish(struct worker *w, struct snapshot *s, struct keyring *k,
    struct source_tokens *t)
{
	struct publication *p = xcalloc(1, sizeof(*p));

	*p = (struct publication){ w, s, k, t };
	loop_post(w->loop, on_publication, p);
}

struct denial {
	struct worker *worker;
	struct deny_set *denied;
};

static void
on_denial(void *arg)
{
	struct denial *d = arg;

	deny_set_unref(&d->worker->denied);
	d->worker->denied = d->denied;
	free(d);
}

void
worker_deny(struct worker *w, struct deny_set *denied)
{
	struct denial *d = xcalloc(1, sizeof(*d));

	*d = (struct denial){ w, denied };
	loop_post(w->loop, on_denial, d);
}

struct reload {
	struct worker *worker;
	struct tls_server *tls;
	const struct config *config;
};

static void
on_reload(void *arg)
{
	struct reload *r = arg;
	struct worker *w = r->worker;

	/* Connections made with the old one hold its SSL_CTX themselves. */
	if (w->server != NULL) {
		http_server_set_tls(w->server, r->tls);
		http_server_set_limits(w->server, &r->config->limits);
	}
	w->config = r->config;
	tls_server_free(w->tls);
	w->tls = r->tls;
	free(r);
}

void
worker_reload(struct worker *w, struct tls_server *tls,
    const struct config *config)
{
	struct reload *r = xcalloc(1, sizeof(*r));

	*r = (struct reload){ w, tls_server_ref(tls), config };
	loop_post(w->loop, on_reload, r);
}

/* ---- life */

static void
on_drained(void *arg)
{
	struct worker *w = arg;

	loop_stop(w->loop);
}

static void
on_drain(void *arg)
{
	struct worker *w = arg;

	timer_clear(&w->hold_timer);
	timer_set(&w->drain_timer, w->drain_ms);
	http_server_drain(w->server, on_drained, w);
}

void
worker_drain(struct worker *w, int ms)
{
	w->drain_ms = ms;
	loop_post(w->loop, on_drain, w);
}

void
worker_stop(struct worker *w)
{
	loop_post(w->loop, on_drained, w);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	timer_clear(&w->drain_timer);
	timer_clear(&w->sweep_timer);
	timer_clear(&w->beat_timer);
	timer_clear(&w->hold_timer);
	http_server_free(w->server);
	w->server = NULL;
	source_pools_free(w->pools);
	w->pools = NULL;
	http_client_shutdown(w->loop);
	loop_post(w->end_loop, w->on_end, w->end_arg);
	return (NULL);
}

static void
on_sweep(void *arg)
{
	struct worker *w = arg;

	recall_sweep(w->recall, loop_now(w->loop));
	answer_cache_sweep(w->kept, loop_now(w->loop));
	log_limit_sweep(w->refused, loop_now(w->loop));
	timer_set(&w->sweep_timer, SWEEP_MS);
}

static void
on_beat(void *arg)
{
	struct worker *w = arg;

	atomic_store(&w->beat_us, clock_mono().us);
	atomic_store(&w->connections, http_server_connections(w->server));
	timer_set(&w->beat_timer, BEAT_MS);
}

static void
on_hold_end(void *arg)
{
	struct worker *w = arg;

	http_server_go(w->server);
}

enum hub_err
worker_start(struct worker *w, int fd)
{
	sigset_t all, old;
	int rc;

	w->began = clock_mono();
	w->loop = loop_new();
	w->pools = source_pools_new(w->loop, w->config->limits.header);
	w->tokens = token_cache_new(TOKENS_CACHED);
	w->recall = recall_new();
	w->kept = answer_cache_new(w->memory,
	    w->config->cache_max / w->config->workers);
	w->counts = counts_new();
	w->refused = xcalloc(1, sizeof(*w->refused));
	w->refused->phrase = "tokens refused, more of them";
	w->server = http_server_new(w->loop, fd, w->tls, &w->config->limits,
	    request_start, w);
	http_server_set_crowd(w->server, w->crowd);
	http_server_on_refusal(w->server, request_log_refused);
	timer_init(&w->hold_timer, w->loop, on_hold_end, w);
	if (w->inherited) {
		http_server_hold(w->server);
		timer_set(&w->hold_timer, HOLD_MS);
	}
	timer_init(&w->drain_timer, w->loop, on_drained, w);
	timer_init(&w->sweep_timer, w->loop, on_sweep, w);
	timer_set(&w->sweep_timer, SWEEP_MS);
	atomic_store(&w->beat_us, w->began.us);
	timer_init(&w->beat_timer, w->loop, on_beat, w);
	timer_set(&w->beat_timer, BEAT_MS);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, worker_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return (HUB_EIO);
	return (HUB_OK);
}

void
worker_join(struct worker *w)
{
	(void)pthread_join(w->thread, NULL);
}

void
worker_clear(struct worker *w)
{
	/* What was posted since: requests whose records became durable when
	 * their clients had gone, and what was published. */
	loop_stop(w->loop);
	loop_run(w->loop);
	loop_free(w->loop);
	tls_server_free(w->tls);
	token_cache_free(w->tokens);
	recall_free(w->recall);
	gzip_free(w->gzip);
	answer_cache_free(w->kept);
	free(w->bearers);
	snapshot_unref(&w->snapshot);
	keyring_unref(&w->keyring);
	source_tokens_unref(&w->source_tokens);
	deny_set_unref(&w->denied);
	free(w->refused);
	counts_free(w->counts);
	while (w->narenas > 0)
		arena_free(w->arenas[--w->narenas]);
}
