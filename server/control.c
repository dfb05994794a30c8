/* server/control.c - the control thread; control.h says what it promises. */
#include "server/control.h"

#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "policies/policy_store.h"
#include "server/base/log.h"
#include "server/jwks.h"
#include "server/oauth.h"

#define POLL_MS	    10000
#define ISSUERS_MAX 256
#define WAIT_US	    INT64_C(600000)
#define COOLDOWN_US INT64_C(30000000)

struct control {
	struct loop *loop;
	const struct config *config;
	struct worker *workers;
	unsigned nworkers;
	struct spool *spool;
	struct loader *loader;
	char *folder; /* of hubd.conf; credentials are relative to it */

	struct jwks *jwks;
	struct oauth *oauth;
	/* In force, and what belongs to it. */
	struct snapshot *snapshot;
	struct keyring *keyring;
	struct source_tokens *source_tokens;
	struct db_listener *listener;
	struct timer poll;
	bool db_up, draining;
	struct mono_us checked; /* last time the database told its head */
	atomic_llong key_tried[ISSUERS_MAX]; /* mono us; 0: never */

	/* The helper thread that may block. */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool wanted, stopping;
	struct db *db; /* the helper's; under the lock only to interrupt it */
	int64_t bundle; /* the last one that was read, good or bad */
};

/* ---- the helper thread */

struct finding {
	struct control *control;
	bool db_up;
	struct snapshot *snapshot; /* NULL: nothing new, or refused */
};

static void on_finding(void *);

static void
report(struct control *c, bool db_up, struct snapshot *s)
{
	struct finding *f = xcalloc(1, sizeof(*f));

	*f = (struct finding){ c, db_up, s };
	loop_post(c->loop, on_finding, f);
}

/* With the database hung, an end would wait for it as long as it likes. */
static void
show_db(struct control *c, struct db *db)
{
	(void)pthread_mutex_lock(&c->lock);
	c->db = db;
	if (db != NULL && c->stopping)
		db_interrupt(db);
	(void)pthread_mutex_unlock(&c->lock);
}

static void
log_lines(const char *phrase, int64_t bundle, struct str why)
{
	struct str line;

	while (why.p != NULL && str_cut(&why, '\n', &line))
		if (line.len > 0)
			log_err(phrase, "bundle=%lld why=\"%.*s\"",
			    (long long)bundle, STR_FMT(line));
}

static enum hub_err
read_bundle(struct control *c, struct db *db, int64_t bundle,
    struct snapshot **snapshot_r)
{
	static uint64_t generation; /* of this one thread */
	struct region_file *files = NULL;
	struct arena *a = arena_new();
	unsigned n = 0;
	enum hub_err err;
	struct buf why;

	buf_init(&why, 65536);
	err = bundle_load(db, bundle, a, &files, &n);
	if (err == HUB_ECONFLICT)
		log_err("bundle is not what was stored: refused",
		    "bundle=%lld", (long long)bundle);
	if (err == HUB_OK) {
		err = snapshot_new(files, n, bundle, ++generation, c->folder,
		    snapshot_r, &why);
		log_lines("region refused, the old one stays", bundle,
		    buf_str(&why));
	}
	buf_clear(&why);
	arena_free(a);
	return (err);
}

/* One look at the database. */
static void
look(struct control *c, struct db **db)
{
	struct bundle_head head = { 0 };
	struct snapshot *s = NULL;
	struct buf why;
	bool up;

	buf_init(&why, 4096);
	if (*db == NULL && db_open(c->config->database, db, &why) == HUB_OK)
		show_db(c, *db);
	buf_clear(&why);
	up = *db != NULL && bundle_head_get(*db, &head) == HUB_OK;
	if (!up) {
		show_db(c, NULL);
		db_close(*db);
		*db = NULL;
	} else if (head.bundle != 0 && head.bundle != c->bundle) {
		if (read_bundle(c, *db, head.bundle, &s) != HUB_EIO)
			c->bundle = head.bundle;
	}
	report(c, up, s);
}

static void *
helper_main(void *arg)
{
	struct control *c = arg;
	struct db *db = NULL;

	for (;;) {
		(void)pthread_mutex_lock(&c->lock);
		while (!c->wanted && !c->stopping)
			(void)pthread_cond_wait(&c->wake, &c->lock);
		c->wanted = false;
		if (c->stopping) {
			(void)pthread_mutex_unlock(&c->lock);
			break;
		}
		(void)pthread_mutex_unlock(&c->lock);
		look(c, &db);
	}
	show_db(c, NULL);
	db_close(db);
	return (NULL);
}

void
control_poke(struct control *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->wanted = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

/* ---- what is in force */

static void
publish(struct control *c)
{
	for (unsigned i = 0; i < c->nworkers; i++)
		worker_publish(&c->workers[i], snapshot_ref(c->snapshot),
		    keyring_ref(c->keyring),
		    source_tokens_ref(c->source_tokens));
}

static void
on_keyring(struct keyring *k, void *arg)
{
	struct control *c = arg;

	keyring_unref(&c->keyring);
	c->keyring = keyring_ref(k);
	publish(c);
}

static void
on_tokens(struct source_tokens *tokens, void *arg)
{
	struct control *c = arg;

	source_tokens_unref(&c->source_tokens);
	c->source_tokens = source_tokens_ref(tokens);
	publish(c);
}

static void
note_database(struct control *c, bool up)
{
	if (up)
		c->checked = loop_now(c->loop);
	if (up == c->db_up || c->draining) /* the end interrupts it itself */
		return;
	c->db_up = up;
	if (up)
		log_info("database reached", NULL);
	else
		log_warn("database away: going on with the bundle in force "
			 "and the spool", NULL);
}

static void
on_finding(void *arg)
{
	struct finding *f = arg;
	struct control *c = f->control;

	note_database(c, f->db_up);
	if (f->snapshot != NULL) {
		snapshot_unref(&c->snapshot);
		c->snapshot = f->snapshot;
		log_info("region in force",
		    "bundle=%lld tenants=%u sources=%u agreements=%u",
		    (long long)c->snapshot->bundle,
		    c->snapshot->region->tenants.ntenants,
		    c->snapshot->region->nsources,
		    c->snapshot->region->nagreements);
		source_tokens_unref(&c->source_tokens);
		c->source_tokens = oauth_region(c->oauth, c->snapshot);
		jwks_region(c->jwks, c->snapshot); /* publishes all */
	}
	free(f);
}

static void
on_poll(void *arg)
{
	struct control *c = arg;
	struct spool_stats sp = { 0 };

	control_poke(c);
	spool_stats(c->spool, &sp);
	if (sp.failed && !c->draining) {
		/* Nothing can be answered any more; a restart begins a new
		 * segment (ledger.md §4). */
		log_err("the spool's disk has failed: ending", NULL);
		(void)kill(getpid(), SIGTERM);
	}
	timer_set(&c->poll, POLL_MS);
}

static void
on_notify(const char *payload, void *arg)
{
	(void)payload; /* the head is read, not believed from here */
	control_poke(arg);
}

static void
on_listener(bool up, void *arg)
{
	struct control *c = arg;

	if (!up)
		note_database(c, false);
}

/* ---- keys */

struct key_wish {
	struct control *control;
	unsigned issuer;
};

static void
on_key_wish(void *arg)
{
	struct key_wish *w = arg;

	jwks_want(w->control->jwks, w->issuer);
	free(w);
}

bool
control_keys_fresh(struct control *c, const struct issuer *issuer)
{
	int64_t tried, ago;

	if (issuer->jwks_url.len == 0 || issuer->index >= ISSUERS_MAX)
		return (true);
	tried = atomic_load(&c->key_tried[issuer->index]);
	ago = clock_mono().us - tried;
	return (tried != 0 && ago > WAIT_US && ago < COOLDOWN_US);
}

void
control_want_keys(struct control *c, const struct issuer *issuer)
{
	struct key_wish *w;
	int64_t now = clock_mono().us, tried;

	if (issuer->index >= ISSUERS_MAX)
		return;
	tried = atomic_load(&c->key_tried[issuer->index]);
	if (tried != 0 && now - tried < COOLDOWN_US)
		return; /* somebody asked; its answer wakes us too */
	atomic_store(&c->key_tried[issuer->index], now);
	w = xcalloc(1, sizeof(*w));
	*w = (struct key_wish){ c, issuer->index };
	loop_post(c->loop, on_key_wish, w);
}

/* ---- tokens towards sources */

struct token_wish {
	struct control *control;
	uint64_t generation;
	unsigned source;
};

static void
on_token_wish(void *arg)
{
	struct token_wish *w = arg;
	struct control *c = w->control;

	/* An index means nothing in another region. */
	if (c->snapshot != NULL && c->snapshot->generation == w->generation)
		oauth_want(c->oauth, w->source);
	free(w);
}

void
control_want_token(struct control *c, uint64_t generation,
    const struct region_source *source)
{
	struct token_wish *w;

	if (source->oauth_token_url.len == 0)
		return;
	w = xcalloc(1, sizeof(*w));
	*w = (struct token_wish){ c, generation, source->index };
	loop_post(c->loop, on_token_wish, w);
}

/* ---- readiness */

void
control_drain(struct control *c)
{
	c->draining = true;
}

bool
control_ready(struct control *c, struct buf *b)
{
	int64_t age = (loop_now(c->loop).us - c->checked.us) / 1000;
	struct spool_stats sp = { 0 };
	struct loader_stats ld = { 0 };
	unsigned missing = jwks_missing(c->jwks);
	/* A database that hangs is not away; it just tells nothing. */
	bool stale = age > c->config->stale_ms &&
	    (!c->db_up || age > 2 * POLL_MS);

	spool_stats(c->spool, &sp);
	loader_stats(c->loader, &ld);
	if (c->snapshot == NULL)
		BUF_LIT(b, "region: none in force\n");
	else
		buf_addf(b, "region: bundle %lld in force\n",
		    (long long)c->snapshot->bundle);
	buf_addf(b, "database: %s\n", c->db_up ? "reached" :
		"away, the hub goes on with its region and its spool");
	if (stale)
		buf_addf(b, "policy: not confirmed for %lld s\n",
		    (long long)(age / 1000));
	buf_addf(b, "keys: %u issuer(s) without a usable key set\n", missing);
	buf_addf(b, "tokens: %u source(s) without one\n",
	    oauth_missing(c->oauth));
	buf_addf(b, "spool: %llu of %llu bytes%s\n",
	    (unsigned long long)sp.bytes_used,
	    (unsigned long long)sp.bytes_max,
	    sp.failed ? ", the disk has failed" : "");
	buf_addf(b, "ledger: %s, %llu records loaded, %llu conflicts\n",
	    ld.up ? "loading" : "waiting for the database",
	    (unsigned long long)ld.loaded, (unsigned long long)ld.conflicts);
	if (c->draining)
		BUF_LIT(b, "draining: the hub is about to end\n");
	return (!c->draining && c->snapshot != NULL && !stale && !sp.failed &&
	    sp.bytes_used < sp.bytes_max);
}

/* ---- life */

static char *
folder_of(const char *path)
{
	char *copy = xstrdup(path), *folder = xstrdup(dirname(copy));

	free(copy);
	return (folder);
}

struct control *
control_new(struct loop *loop, const struct config *config,
    struct worker *workers, unsigned nworkers, struct spool *spool,
    struct loader *loader)
{
	struct control *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->config = config;
	c->workers = workers;
	c->nworkers = nworkers;
	c->spool = spool;
	c->loader = loader;
	c->folder = folder_of(config->path);
	c->db_up = true; /* the first failure is news */
	c->checked = loop_now(loop);
	c->jwks = jwks_new(loop, c->folder, on_keyring, c);
	c->oauth = oauth_new(loop, on_tokens, c);
	for (unsigned i = 0; i < nworkers; i++)
		workers[i].control = c;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_cond_init(&c->wake, NULL);
	if (pthread_create(&c->thread, NULL, helper_main, c) != 0)
		assert(!"no thread");
	c->listener = db_listener_new(loop, config->database, POLICY_CHANNEL,
	    on_notify, on_listener, c);
	timer_init(&c->poll, loop, on_poll, c);
	timer_set(&c->poll, POLL_MS);
	control_poke(c);
	return (c);
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->stopping = true;
	if (c->db != NULL)
		db_interrupt(c->db);
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);
	/* What it and the workers have posted since the loop ended. */
	loop_stop(c->loop);
	loop_run(c->loop);
	timer_clear(&c->poll);
	db_listener_free(c->listener);
	jwks_free(c->jwks);
	oauth_free(c->oauth);
	snapshot_unref(&c->snapshot);
	keyring_unref(&c->keyring);
	source_tokens_unref(&c->source_tokens);
	(void)pthread_mutex_destroy(&c->lock);
	(void)pthread_cond_destroy(&c->wake);
	free(c->folder);
	free(c);
}
