/* server/control_state.c - how the hub is, in words and in numbers. See
 * control.h. */
#include "server/control_priv.h"

#include "server/jwks.h"
#include "server/ledger/estimate.h"
#include "server/oauth.h"

/* Since the database was asked last with success. */
static int64_t
age_ms(const struct control *c)
{
	return ((clock_mono().us - atomic_load(&c->confirmed_us)) / 1000);
}

/* A database that hangs for a while has not said that nothing is confirmed. */
static bool
is_older(const struct control *c, int ms)
{
	int64_t age = age_ms(c);

	return (age > ms &&
	    (atomic_load(&c->unconfirmed) || age > 2 * CONTROL_POLL_MS));
}

bool
control_is_stale(const struct control *c)
{
	return (is_older(c, c->config->stale_ms));
}

static void
tell_policy(const struct control_state *st, struct buf *b)
{
	if (st->stale)
		buf_addf(b, "degraded: policy not confirmed for %lld s, "
		    "restricted datasets are refused\n",
		    (long long)(st->age_ms / 1000));
	else if (st->degraded)
		buf_addf(b, "degraded: policy not confirmed for %lld s\n",
		    (long long)(st->age_ms / 1000));
	if (st->unread_denials)
		BUF_LIT(b, "degraded: the deny list cannot be read\n");
	if (st->bad_denials > 0)
		buf_addf(b, "degraded: %u line(s) of the deny list are not "
		    "understood\n", st->bad_denials);
}

static void
tell_ledger(const struct control_state *st, struct buf *b)
{
	const struct spool_stats *sp = &st->spool;

	buf_addf(b, "spool: %llu of %llu bytes, %s%s\n",
	    (unsigned long long)sp->bytes_used,
	    (unsigned long long)sp->bytes_max, spool_level_name(sp->level),
	    sp->failed ? ", the disk has failed" : "");
	if (sp->clock_odd)
		BUF_LIT(b, "clock: in doubt, records are marked\n");
	if (sp->sync_failures > 0)
		buf_addf(b, "spool: the disk refused %llu write(s)\n",
		    (unsigned long long)sp->sync_failures);
	if (sp->quarantined > 0)
		buf_addf(b, "spool: %llu bad record(s) in quarantine\n",
		    (unsigned long long)sp->quarantined);
	if (st->estimates > 0)
		buf_addf(b, "estimates: %llu use(s) wait for room\n",
		    (unsigned long long)st->estimates);
	buf_addf(b, "ledger: %s, %llu records loaded, %llu conflicts\n",
	    st->loader.up ? "loading" : "waiting for the database",
	    (unsigned long long)st->loader.loaded,
	    (unsigned long long)st->loader.conflicts);
}

bool
control_ready(struct control *c, struct buf *b)
{
	struct control_state st;

	control_state(c, &st);
	if (st.snapshot == NULL)
		BUF_LIT(b, "region: none in force\n");
	else
		buf_addf(b, "region: bundle %lld in force\n",
		    (long long)st.bundle);
	buf_addf(b, "database: %s\n", st.db_up ? "reached" :
		"away, the hub goes on with its region and its spool");
	tell_policy(&st, b);
	buf_addf(b, "keys: %u issuer(s) without a usable key set\n",
	    st.keys_missing);
	buf_addf(b, "tokens: %u source(s) without one\n", st.tokens_missing);
	tell_ledger(&st, b);
	if (st.draining)
		BUF_LIT(b, "draining: the hub is about to end\n");
	return (st.ready);
}

void
control_state(struct control *c, struct control_state *st)
{
	struct wall_us now = clock_wall();

	*st = (struct control_state){ .snapshot = c->snapshot,
		.bundle = c->snapshot != NULL ? c->snapshot->bundle : 0,
		.age_ms = age_ms(c),
		.draining = c->draining,
		.db_up = c->db_up,
		.stale = is_older(c, c->config->stale_ms),
		.degraded = is_older(c, c->config->degraded_ms),
		.reload_failed = c->reload_failed,
		.unread_denials = c->denials.unread,
		.bad_denials = c->denials.bad,
		.keys_missing = jwks_missing(c->jwks),
		.tokens_missing = oauth_missing(c->oauth),
		.nworkers = c->nworkers,
		.estimates = estimates_waiting(c->workers[0].estimates),
		.digest_us = -1,
		.began = c->began };
	spool_stats(c->spool, &st->spool);
	loader_stats(c->loader, &st->loader);
	if (st->spool.oldest_unloaded.us != WALL_ABSENT.us &&
	    st->spool.oldest_unloaded.us < now.us)
		st->lag_us = now.us - st->spool.oldest_unloaded.us;
	if (st->loader.digest.us != WALL_ABSENT.us)
		st->digest_us = st->loader.digest.us < now.us ?
		    now.us - st->loader.digest.us : 0;
	st->ready = !c->draining && c->snapshot != NULL && !st->spool.failed &&
	    st->spool.level < SPOOL_FULL;
}

const struct metrics *
control_metrics(const struct control *c)
{
	return (&c->metrics);
}

bool
control_key_age(const struct control *c, unsigned i, struct str *iss_r,
    int64_t *us_r)
{
	return (jwks_age(c->jwks, i, iss_r, us_r));
}
