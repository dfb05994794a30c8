/* server/control_read.c - what the helper thread reads of the database, and
 * believes of it: the bundle with what is registered, signed and reported, the
 * head, the leases. See control_priv.h. */
#include "policies/crisis_store.h"
#include "policies/policy_store.h"
#include "policies/signature_store.h"
#include "server/base/log.h"
#include "server/base/log_limit.h"
#include "server/control_priv.h"
#include "server/crises.h"

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

enum hub_err
control_renew_leases(struct control *c, struct db *db)
{
	enum hub_err err = quota_leases_renew(&c->node, &c->quotas, db);

	if (err != HUB_OK && log_limit_take(&c->trouble, "leases",
		clock_mono()))
		log_warn("leases of quotas are not renewed: this hub goes on "
			 "with its last part", NULL);
	return (err);
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
		err = snapshot_new(files, n, &reg, bundle, ++generation,
		    c->folder,
		    c->config->pseudonym_key, snapshot_r, &why);
		log_lines("region refused, the old one stays", bundle,
		    buf_str(&why));
		if (err == HUB_OK)
			crises_tell_providers(db, (*snapshot_r)->region,
			    reg.crises, reg.ncrises);
		/* Nobody is answered before the leases are there. */
		if (err == HUB_OK)
			(void)!control_renew_leases(c, db);
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

/* Tells the database that we are here; false: it does not answer. */
static bool
beat(struct control *c, struct db *db)
{
	int64_t epoch;
	enum hub_err err = quota_node_beat(&c->node, db, &epoch);

	if (err == HUB_EEXIST &&
	    log_limit_take(&c->trouble, "spool.node", clock_mono()))
		log_err("another hub has the same spool.node: its usage and "
			"ours get mixed up", "node=%u", c->node.node);
	return (err == HUB_OK || err == HUB_EEXIST || err == HUB_ENOTSUP);
}

void
control_confirm(struct control *c)
{
	atomic_store(&c->confirmed_us, clock_mono().us);
}

/* One look at the database. */
bool
control_look(struct control *c, struct db **db, struct snapshot **snapshot_r)
{
	struct bundle_head head = { 0 };
	int64_t registered;
	struct buf why;
	bool up;

	buf_init(&why, 4096);
	if (*db == NULL && db_open(c->config->database, db, &why) == HUB_OK)
		control_show_db(c, *db);
	buf_clear(&why);
	up = *db != NULL && bundle_head_get(*db, &head) == HUB_OK &&
	    !is_behind(c, &head) &&
	    registration_epoch_get(*db, &registered) == HUB_OK &&
	    beat(c, *db) &&
	    denials_read_rows(&c->denials, *db) == HUB_OK &&
	    look_at_crises(c, *db) &&
	    signature_count(*db, &c->signatures) == HUB_OK;
	if (!up) {
		control_show_db(c, NULL);
		db_close(*db);
		*db = NULL;
	} else {
		control_confirm(c);
		*snapshot_r = read_news(c, *db, &head, registered);
	}
	return (up);
}
