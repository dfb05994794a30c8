/* tenants/quota_store.c - leases of quotas; see quota_store.h. */
#include "tenants/quota_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Of one question to the database. */
#define BATCH 500
#define ITEMS_MAX ((size_t)1 << 20)
/* Shares settle in that many rounds after a hub has come or gone. */
#define ROUNDS_FULL 4
/* With others there, what nobody asks for is given up again so often. */
#define ROUNDS_IDLE 10

struct batch {
	unsigned n;
	struct quota *quotas[BATCH];
	struct quota_report reports[BATCH];
	struct buf items;
};

/* ---- who is there */

static enum hub_err
has_tables(struct quota_node *n, struct db *db)
{
	PGresult *res = NULL;
	enum hub_err err = db_exec(db,
	    "SELECT to_regprocedure('hub.quota_lease(integer, jsonb)') "
	    "IS NOT NULL", 0, NULL, &res);

	if (err == HUB_OK)
		n->none = strcmp(PQgetvalue(res, 0, 0), "t") != 0;
	PQclear(res);
	return (err);
}

enum hub_err
quota_node_beat(struct quota_node *n, struct db *db, int64_t *epoch_r)
{
	char node[16];
	const char *params[] = { node, n->boot };
	PGresult *res = NULL;
	int64_t live = 1;
	enum hub_err err = HUB_OK;
	bool other = false;

	if (!n->beaten && (err = has_tables(n, db)) != HUB_OK)
		return (err);
	if (n->none)
		return (HUB_ENOTSUP);
	(void)snprintf(node, sizeof(node), "%u", n->node);
	err = db_exec(db, "SELECT live, epoch, was FROM "
	    "hub.node_beat($1::integer, $2)", 2, params, &res);
	if (err != HUB_OK)
		return (err);
	err = db_int(res, 0, 0, &live);
	if (err == HUB_OK)
		err = db_int(res, 0, 1, epoch_r);
	/* Once we were there nobody else can have our number. */
	other = n->beaten && !PQgetisnull(res, 0, 2) &&
	    strcmp(PQgetvalue(res, 0, 2), n->boot) != 0;
	PQclear(res);
	if (err != HUB_OK)
		return (err);
	if (!n->beaten || n->live != (unsigned)live)
		n->full = ROUNDS_FULL;
	n->beaten = true;
	n->live = (unsigned)live;
	return (other ? HUB_EEXIST : HUB_OK);
}

/* ---- leases */

static void
add_item(struct batch *b, struct quota *q, struct mono_us now)
{
	const struct quota_rate *rate = quota_rate(q);
	struct quota_report *r = &b->reports[b->n];
	struct str consumer, agreement, what;
	struct buf *o = &b->items;

	quota_names(q, &consumer, &agreement, &what);
	*r = quota_report(q, now);
	buf_adds(o, b->n == 0 ? STR("[{\"c\":") : STR(",{\"c\":"));
	buf_add_json(o, consumer);
	BUF_LIT(o, ",\"a\":");
	buf_add_json(o, agreement);
	BUF_LIT(o, ",\"w\":");
	buf_add_json(o, what);
	buf_addf(o, ",\"r\":\"%u/%u/%u\",\"i\":%" PRId64 ",\"d\":%" PRId64
	    ",\"y\":%u,\"u\":%" PRId64 ",\"s\":%" PRId64 ",\"k\":%s}",
	    rate->count, rate->window_s, rate->burst, rate->interval_ns,
	    rate->interval_ns * rate->burst, rate->daily, r->used,
	    r->since_us * 1000, r->asked ? "true" : "false");
	b->quotas[b->n++] = q;
}

static enum hub_err
take_lease(const struct quota_node *n, struct batch *b, const PGresult *res,
    int row)
{
	int64_t v[5];
	struct quota_lease l;

	for (int i = 0; i < 5; i++)
		if (db_int(res, row, i, &v[i]) != HUB_OK)
			return (HUB_EIO);
	if (v[0] < 1 || v[0] > b->n || b->quotas[v[0] - 1] == NULL ||
	    v[2] < 0 || v[2] > UINT16_MAX || v[3] < 0 ||
	    v[4] < 0 || v[4] > INT64_C(90000000000))
		return (HUB_EIO);
	l = (struct quota_lease){ v[1], (unsigned)v[2], n->live, v[3], v[4] };
	quota_set_lease(b->quotas[v[0] - 1], &l, clock_mono());
	b->quotas[v[0] - 1] = NULL;
	return (HUB_OK);
}

/* Those that were not answered keep what they had to tell. */
static enum hub_err
batch_send(const struct quota_node *n, struct batch *b, struct db *db)
{
	char node[16];
	const char *params[2] = { node, NULL };
	PGresult *res = NULL;
	enum hub_err err;

	if (b->n == 0)
		return (HUB_OK);
	buf_addc(&b->items, ']');
	params[1] = buf_cstr(&b->items);
	(void)snprintf(node, sizeof(node), "%u", n->node);
	err = b->items.failed ? HUB_EFULL :
	    db_exec(db, "SELECT place, level_ns, share, day_left, day_ends_us "
		"FROM hub.quota_lease($1::integer, $2::jsonb)", 2, params,
		&res);
	for (int i = 0; err == HUB_OK && i < PQntuples(res); i++)
		err = take_lease(n, b, res, i);
	for (unsigned i = 0; err != HUB_OK && i < b->n; i++)
		if (b->quotas[i] != NULL)
			quota_unreport(b->quotas[i], &b->reports[i]);
	PQclear(res);
	b->n = 0;
	buf_reset(&b->items);
	return (err);
}

static enum hub_err
renew(const struct quota_node *n, struct quota_book *book, bool all,
    struct db *db)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	struct quota *q = NULL;
	enum hub_err err = HUB_OK;

	buf_init(&b->items, ITEMS_MAX);
	while (err == HUB_OK && (q = quota_book_next(book, q)) != NULL) {
		if (!all && !quota_is_due(q)) {
			quota_renew(q, clock_mono());
			continue;
		}
		add_item(b, q, clock_mono());
		if (b->n == BATCH)
			err = batch_send(n, b, db);
	}
	if (err == HUB_OK)
		err = batch_send(n, b, db);
	buf_clear(&b->items);
	free(b);
	return (err);
}

enum hub_err
quota_leases_renew(struct quota_node *n, struct quota_book *book,
    struct db *db)
{
	bool all = n->full > 0 ||
	    (n->live > 1 && n->rounds % ROUNDS_IDLE == 0);
	enum hub_err err;

	if (!n->beaten)
		return (HUB_OK);
	err = renew(n, book, all, db);
	if (err != HUB_OK)
		return (err);
	n->rounds++;
	n->full -= n->full > 0;
	return (HUB_OK);
}

enum hub_err
quota_node_leave(struct quota_node *n, struct quota_book *book, struct db *db)
{
	char node[16];
	const char *params[] = { node, n->boot };
	enum hub_err err;

	if (!n->beaten)
		return (HUB_OK);
	err = renew(n, book, false, db);
	(void)snprintf(node, sizeof(node), "%u", n->node);
	if (err == HUB_OK)
		err = db_exec(db, "SELECT hub.node_leave($1::integer, $2)", 2,
		    params, NULL);
	n->beaten = false;
	return (err);
}
