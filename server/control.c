/* server/control.c - the control thread: what is in force, and what it waits
 * for; control.h says what it promises. */
#include "server/control_priv.h"

#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "policies/policy_store.h"
#include "server/base/log.h"
#include "server/counts.h"
#include "server/jwks.h"
#include "server/ledger/estimate.h"
#include "server/oauth.h"

#define FILE_MS	    1000 /* between looks at the deny list */
#define WAIT_US	    INT64_C(600000)
#define COOLDOWN_US INT64_C(30000000)

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
	if (up == c->db_up || c->draining) /* the end interrupts it itself */
		return;
	c->db_up = up;
	if (up)
		log_info("database reached", NULL);
	else
		log_warn("database away: going on with the bundle in force "
			 "and the spool", NULL);
}

/* What is revoked, if anything of it is new. */
static void
hand_denials(struct control *c)
{
	struct deny_set *denied = denials_take(&c->denials);

	for (unsigned i = 0; denied != NULL && i < c->nworkers; i++)
		worker_deny(&c->workers[i], deny_set_ref(denied));
	deny_set_unref(&denied);
}

static void
on_file_timer(void *arg)
{
	struct control *c = arg;

	denials_read_file(&c->denials, false);
	hand_denials(c);
	timer_set(&c->file_timer, FILE_MS);
}

void
control_on_finding(void *arg)
{
	struct finding *f = arg;
	struct control *c = f->control;

	note_database(c, f->db_up);
	/* Before the region: what is revoked is never in force for a moment. */
	hand_denials(c);
	if (f->snapshot != NULL) {
		snapshot_unref(&c->snapshot);
		c->snapshot = f->snapshot;
		metrics_region(&c->metrics, c->snapshot);
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
	estimates_write(c->workers[0].estimates, c->spool, c->loop, false);
	spool_stats(c->spool, &sp);
	if (sp.failed && !c->draining) {
		/* Nothing can be answered any more; a restart begins a new
		 * segment (ledger.md §4). */
		log_err("the spool's disk has failed: ending", NULL);
		(void)kill(getpid(), SIGTERM);
	}
	timer_set(&c->poll, CONTROL_POLL_MS);
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

	if (issuer->jwks_url.len == 0 || issuer->index >= CONTROL_ISSUERS_MAX)
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

	if (issuer->index >= CONTROL_ISSUERS_MAX)
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

/* ---- another configuration, and the end */

void
control_drain(struct control *c)
{
	c->draining = true;
}

void
control_reloaded(struct control *c, const struct config *config)
{
	c->reload_failed = config == NULL;
	if (config == NULL)
		return;
	c->config = config;
	denials_read_file(&c->denials, true);
	hand_denials(c);
	control_reload(c);
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
	struct uuid id;

	c->loop = loop;
	c->config = config;
	c->workers = workers;
	c->nworkers = nworkers;
	c->spool = spool;
	c->loader = loader;
	c->began = clock_wall();
	c->metrics = (struct metrics){ .workers = workers,
		.nworkers = nworkers };
	metric_names_init(&c->metrics.tenants, COUNTS_TENANTS);
	metric_names_init(&c->metrics.sources, COUNTS_SOURCES);
	c->folder = folder_of(config->path);
	c->db_up = true; /* the first failure is news */
	atomic_init(&c->confirmed_us, clock_mono().us);
	id = uuid7(clock_wall());
	uuid_format(&id, c->boot);
	c->node = (struct quota_node){ .node = config->spool_node,
		.boot = c->boot };
	c->trouble.phrase = "trouble among hubs, more often";
	denials_init(&c->denials, config->deny_list);
	denials_read_file(&c->denials, false);
	c->jwks = jwks_new(loop, c->folder, on_keyring, c);
	c->oauth = oauth_new(loop, on_tokens, c);
	for (unsigned i = 0; i < nworkers; i++)
		workers[i].control = c;
	control_helper_start(c);
	c->listener = db_listener_new(loop, config->database, POLICY_CHANNEL,
	    on_notify, on_listener, c);
	timer_init(&c->poll, loop, on_poll, c);
	timer_set(&c->poll, CONTROL_POLL_MS);
	timer_init(&c->file_timer, loop, on_file_timer, c);
	timer_set(&c->file_timer, FILE_MS);
	control_poke(c);
	return (c);
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	control_helper_stop(c);
	/* What it and the workers have posted since the loop ended. */
	loop_stop(c->loop);
	loop_run(c->loop);
	timer_clear(&c->poll);
	timer_clear(&c->file_timer);
	db_listener_free(c->listener);
	jwks_free(c->jwks);
	oauth_free(c->oauth);
	snapshot_unref(&c->snapshot);
	keyring_unref(&c->keyring);
	source_tokens_unref(&c->source_tokens);
	source_uses_clear(&c->uses);
	quota_book_clear(&c->quotas);
	quota_book_clear(&c->changes);
	denials_clear(&c->denials);
	metric_names_clear(&c->metrics.tenants);
	metric_names_clear(&c->metrics.sources);
	control_helper_clear(c);
	free(c->folder);
	free(c);
}
