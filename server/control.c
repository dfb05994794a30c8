/* server/control.c - the control thread; control.h says what it promises. */
#include "server/control.h"

#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "policies/crisis_store.h"
#include "policies/policy_store.h"
#include "policies/signature_store.h"
#include "server/base/log.h"
#include "server/jwks.h"
#include "server/oauth.h"
#include "server/registry.h"

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
	int64_t good;	/* the last good one; 0: none yet */
	int64_t epoch;	/* of the head that was read last */
	int64_t registered; /* epoch of the registrations read last */
	int64_t signatures, signatures_read; /* how many; -1: no such table */
	struct source_uses uses;
	struct quota_book quotas;
	struct crisis_state crises; /* as of the last look */
	int64_t crises_read; /* epoch of the events read last */
	struct registry_job *jobs; /* under the lock; the first first */
	unsigned njobs;
};

/* ---- the helper thread */

struct finding {
	struct control *control;
	bool db_up;
	struct snapshot *snapshot; /* NULL: nothing new, or refused */
	struct registry_job *jobs; /* done with it */
};

static void on_finding(void *);

static void
report(struct control *c, bool db_up, struct snapshot *s,
    struct registry_job *jobs)
{
	struct finding *f = xcalloc(1, sizeof(*f));

	*f = (struct finding){ c, db_up, s, jobs };
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

/* Of too many each tenant has its share: the rest of the region goes on. */
static enum hub_err
read_registrations(struct control *c, struct db *db, struct arena *a,
    struct snapshot_registered *reg)
{
	struct registration_row *rows = NULL;
	bool cut = false;
	int64_t epoch;
	enum hub_err err = registration_epoch_get(db, &epoch);

	*reg = (struct snapshot_registered){ .epoch = epoch,
		.uses = &c->uses,
		.quotas = &c->quotas };
	if (err == HUB_OK && epoch >= 0)
		err = registration_load(db, a, &rows, &reg->n, &reg->epoch,
		    &cut);
	reg->rows = rows;
	if (cut)
		log_err("more registrations than a region can have: each "
			"tenant's oldest are read", "rows=%u", reg->n);
	return (err);
}

/* Too many of them are none: nothing is wider than agreed. */
static enum hub_err
read_crises(struct control *c, struct db *db, struct arena *a,
    struct snapshot_registered *reg)
{
	struct crisis_row *rows = NULL;
	enum hub_err err = HUB_OK;

	if (c->crises.epoch >= 0)
		err = crisis_load(db, a, &rows, &reg->ncrises);
	reg->crises = rows;
	if (err != HUB_ERANGE)
		return (err);
	log_err("more crisis events than there can be: none is in force",
	    NULL);
	return (HUB_OK);
}

/* Without them agreements are as the files have them. */
static enum hub_err
read_signatures(struct control *c, struct db *db, struct arena *a,
    struct snapshot_registered *reg)
{
	struct region_signature *rows = NULL;
	enum hub_err err = HUB_OK;

	if (c->signatures >= 0)
		err = signature_load(db, a, &rows, &reg->nsignatures);
	reg->signatures = rows;
	if (err != HUB_ERANGE)
		return (err);
	log_err("more signatures than there can be: none counts", NULL);
	return (HUB_OK);
}

static enum hub_err
read_bundle(struct control *c, struct db *db, int64_t bundle,
    struct snapshot **snapshot_r)
{
	static uint64_t generation; /* of this one thread */
	struct region_file *files = NULL;
	struct snapshot_registered reg = { 0 };
	struct arena *a = arena_new();
	unsigned n = 0;
	enum hub_err err;
	struct buf why;

	buf_init(&why, 65536);
	err = bundle_load(db, bundle, a, &files, &n);
	if (err == HUB_ECONFLICT)
		log_err("bundle is not what was stored: refused",
		    "bundle=%lld", (long long)bundle);
	if (err == HUB_OK)
		err = read_registrations(c, db, a, &reg);
	if (err == HUB_OK)
		err = read_crises(c, db, a, &reg);
	if (err == HUB_OK)
		err = read_signatures(c, db, a, &reg);
	if (err == HUB_OK) {
		c->registered = reg.epoch;
		c->signatures_read = c->signatures;
		c->crises_read = c->crises.epoch;
		err = snapshot_new(files, n, &reg, bundle, ++generation, c->folder,
		    c->config->pseudonym_key, snapshot_r, &why);
		log_lines("region refused, the old one stays", bundle,
		    buf_str(&why));
	}
	buf_clear(&why);
	arena_free(a);
	if (err == HUB_OK)
		c->good = bundle;
	return (err);
}

/* A new bundle, or the same one with other registrations, crises or
 * signatures. */
static struct snapshot *
read_news(struct control *c, struct db *db, const struct bundle_head *head,
    int64_t registered)
{
	struct snapshot *s = NULL;

	if (head->bundle != 0 && head->bundle != c->bundle &&
	    read_bundle(c, db, head->bundle, &s) != HUB_EIO)
		c->bundle = head->bundle;
	if (s == NULL && c->good != 0 && (registered != c->registered ||
		c->crises.epoch != c->crises_read ||
		c->signatures != c->signatures_read) &&
	    read_bundle(c, db, c->good, &s) != HUB_OK)
		log_warn("registrations, crises and signatures not read, the "
			 "old ones stay", NULL);
	source_uses_trim(&c->uses);
	quota_book_trim(&c->quotas);
	return (s);
}

/* The alarm of a missing report (policy.md, A6), once for each number. */
static bool
look_at_crises(struct control *c, struct db *db)
{
	int64_t before = c->crises.overdue;

	if (crisis_state_get(db, &c->crises) != HUB_OK)
		return (false);
	if (c->crises.overdue > before)
		log_err("the report of a crisis is overdue: hubctl crisis list",
		    "events=%lld", (long long)c->crises.overdue);
	return (true);
}

/* A database that is behind what was read from it before (a standby that lags,
 * an older backup) would bring back what was revoked meanwhile (policy.md, C5):
 * it is as good as away. After a restore the hub is started anew. */
static bool
is_behind(struct control *c, const struct bundle_head *head)
{
	if (head->epoch < c->epoch) {
		log_err("the database is older than the region in force: not "
			"believed", "epoch=%lld seen=%lld",
		    (long long)head->epoch, (long long)c->epoch);
		return (true);
	}
	c->epoch = head->epoch;
	return (false);
}

/* One look at the database. */
static bool
look(struct control *c, struct db **db, struct snapshot **snapshot_r)
{
	struct bundle_head head = { 0 };
	int64_t registered;
	struct buf why;
	bool up;

	buf_init(&why, 4096);
	if (*db == NULL && db_open(c->config->database, db, &why) == HUB_OK)
		show_db(c, *db);
	buf_clear(&why);
	up = *db != NULL && bundle_head_get(*db, &head) == HUB_OK &&
	    !is_behind(c, &head) &&
	    registration_epoch_get(*db, &registered) == HUB_OK &&
	    look_at_crises(c, *db) &&
	    signature_count(*db, &c->signatures) == HUB_OK;
	if (!up) {
		show_db(c, NULL);
		db_close(*db);
		*db = NULL;
	} else
		*snapshot_r = read_news(c, *db, &head, registered);
	return (up);
}

/* A connection may have died since it was used last: it is tried first, and a
 * new one then. What the jobs have changed is looked at before they end. */
static void
work(struct control *c, struct db **db, struct registry_job *jobs)
{
	struct snapshot *s = NULL, *newer = NULL;
	bool up = look(c, db, &s);

	if (!up && jobs != NULL)
		up = look(c, db, &s);
	if (jobs != NULL) {
		registry_jobs_run(jobs, *db);
		if (up)
			up = look(c, db, &newer);
	}
	if (newer != NULL) {
		snapshot_unref(&s);
		s = newer;
	}
	report(c, up, s, jobs);
}

static void *
helper_main(void *arg)
{
	struct control *c = arg;
	struct registry_job *jobs;
	struct db *db = NULL;
	bool stopping;

	for (;;) {
		(void)pthread_mutex_lock(&c->lock);
		while (!c->wanted && !c->stopping && c->jobs == NULL)
			(void)pthread_cond_wait(&c->wake, &c->lock);
		c->wanted = false;
		jobs = c->jobs;
		c->jobs = NULL;
		c->njobs = 0;
		stopping = c->stopping;
		(void)pthread_mutex_unlock(&c->lock);
		if (stopping)
			break;
		work(c, &db, jobs);
	}
	registry_jobs_free(jobs);
	show_db(c, NULL);
	db_close(db);
	return (NULL);
}

bool
control_register(struct control *c, struct registry_job *job)
{
	struct registry_job **end;
	bool room;

	(void)pthread_mutex_lock(&c->lock);
	room = c->njobs < REGISTRY_JOBS_MAX && !c->stopping;
	if (room) {
		for (end = &c->jobs; *end != NULL; end = &(*end)->next)
			;
		*end = job;
		c->njobs++;
		(void)pthread_cond_signal(&c->wake);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return (room);
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
	registry_jobs_end(f->jobs, c->workers, c->nworkers);
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
	source_uses_clear(&c->uses);
	quota_book_clear(&c->quotas);
	(void)pthread_mutex_destroy(&c->lock);
	(void)pthread_cond_destroy(&c->wake);
	free(c->folder);
	free(c);
}
