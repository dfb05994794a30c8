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

/* What the database has beside the bundle. */
static enum hub_err
read_beside(struct control *c, struct db *db, struct arena *a,
    struct snapshot_registered *reg)
{
	enum hub_err err = read_registrations(c, db, a, reg);

	if (err == HUB_OK)
		err = read_crises(c, db, a, reg);
	if (err == HUB_OK)
		err = read_signatures(c, db, a, reg);
	if (err != HUB_OK)
		return (err);
	c->registered = reg->epoch;
	c->signatures_read = c->signatures;
	c->crises_read = c->crises.epoch;
	return (HUB_OK);
}

static enum hub_err
take_bundle(struct control *c, struct db *db, int64_t bundle,
    const struct region_file *files, unsigned n,
    const struct snapshot_registered *reg, struct snapshot **snapshot_r)
{
	static uint64_t generation; /* of this one thread */
	enum hub_err err;
	struct buf why;

	buf_init(&why, 65536);
	err = snapshot_new(files, n, reg, bundle, ++generation, c->folder,
	    c->config->pseudonym_key, snapshot_r, &why);
	log_lines("region refused, the old one stays", bundle, buf_str(&why));
	buf_clear(&why);
	if (err != HUB_OK)
		return (HUB_ECONFLICT);
	crises_tell_providers(db, (*snapshot_r)->region, reg->crises,
	    reg->ncrises);
	/* Nobody is answered before the leases are there. */
	(void)!control_renew_leases(c, db);
	c->good = bundle;
	return (HUB_OK);
}

/* HUB_ECONFLICT: read and refused. HUB_EIO: not read, so that it is to be tried
 * again: for want of a right as well as of a connection. */
static enum hub_err
read_bundle(struct control *c, struct db *db, int64_t bundle,
    struct snapshot **snapshot_r)
{
	struct region_file *files = NULL;
	struct snapshot_registered reg = { 0 };
	struct arena *a = arena_new();
	unsigned n = 0;
	enum hub_err err = bundle_load(db, bundle, a, &files, &n);

	if (err == HUB_ECONFLICT)
		log_err("bundle is not what was stored: refused",
		    "bundle=%lld", (long long)bundle);
	else if (err != HUB_OK ||
	    read_beside(c, db, a, &reg) != HUB_OK) {
		err = HUB_EIO;
		if (log_limit_take(&c->trouble, "bundle", clock_mono()))
			log_err("bundle cannot be read, the region in force "
				"stays", "bundle=%lld why=\"%s\"",
			    (long long)bundle, db_why(db));
	} else
		err = take_bundle(c, db, bundle, files, n, &reg, snapshot_r);
	arena_free(a);
	return (err);
}

/* Other registrations, crises or signatures than in the bundle in force? */
static bool
has_moved(const struct control *c, int64_t registered)
{
	return (c->good != 0 && (registered != c->registered ||
		c->crises.epoch != c->crises_read ||
		c->signatures != c->signatures_read));
}

/* A new bundle, or the same one with what has moved beside it. What could not
 * be read, or was refused, is later than what is in force, and may end what
 * that allows: that is not confirmed then. */
static struct snapshot *
read_news(struct control *c, struct db *db, const struct bundle_head *head,
    int64_t registered)
{
	struct snapshot *s = NULL;

	if (head->bundle != 0 && head->bundle != c->bundle &&
	    read_bundle(c, db, head->bundle, &s) != HUB_EIO)
		c->bundle = head->bundle;
	if (s == NULL && has_moved(c, registered) &&
	    read_bundle(c, db, c->good, &s) != HUB_OK)
		log_warn("registrations, crises and signatures not taken, the "
			 "old ones stay", NULL);
	c->latest = (head->bundle == 0 || (head->bundle == c->bundle &&
	    c->bundle == c->good)) && !has_moved(c, registered);
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
		*snapshot_r = read_news(c, *db, &head, registered);
		if (c->latest)
			control_confirm(c);
	}
	return (up);
}
