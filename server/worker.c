/* server/worker.c - one serving thread; worker.h says what it promises. */
#include "server/worker.h"

#include <signal.h>
#include <stdlib.h>

#include "server/base/log.h"
#include "server/recall.h"
#include "server/request.h"

#define TOKENS_CACHED 8192
#define SWEEP_MS      60000

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

struct tls_change {
	struct worker *worker;
	struct tls_server *tls;
};

static void
on_tls(void *arg)
{
	struct tls_change *c = arg;

	/* Connections made with the old one hold its SSL_CTX themselves. */
	if (c->worker->server != NULL)
		http_server_set_tls(c->worker->server, c->tls);
	tls_server_free(c->worker->tls);
	c->worker->tls = c->tls;
	free(c);
}

void
worker_set_tls(struct worker *w, struct tls_server *tls)
{
	struct tls_change *c = xcalloc(1, sizeof(*c));

	*c = (struct tls_change){ w, tls_server_ref(tls) };
	loop_post(w->loop, on_tls, c);
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
	timer_set(&w->sweep_timer, SWEEP_MS);
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
	w->server = http_server_new(w->loop, fd, w->tls, &w->config->limits,
	    request_start, w);
	timer_init(&w->drain_timer, w->loop, on_drained, w);
	timer_init(&w->sweep_timer, w->loop, on_sweep, w);
	timer_set(&w->sweep_timer, SWEEP_MS);
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
	snapshot_unref(&w->snapshot);
	keyring_unref(&w->keyring);
	source_tokens_unref(&w->source_tokens);
	while (w->narenas > 0)
		arena_free(w->arenas[--w->narenas]);
}
