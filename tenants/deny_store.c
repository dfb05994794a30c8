/* tenants/deny_store.c - revocations in PostgreSQL; see deny_store.h. */
#include "tenants/deny_store.h"

#include <inttypes.h>
#include <stdio.h>

#define ROWS_MAX 10000 /* as the database has it */

enum hub_err
revocation_epoch_get(struct db *db, int64_t *epoch_r)
{
	bool there = false;
	enum hub_err err = db_has(db, "hub.revoked", &there);

	if (err == HUB_OK && there)
		return (db_ask_ints(db,
		    "SELECT (SELECT count(*) FROM hub.revocation) + "
		    "(SELECT count(*) FROM hub.revocation_lift)", 0, NULL, 1,
		    epoch_r));
	if (err == HUB_OK)
		*epoch_r = -1;
	return (err);
}

static enum hub_err
load_row(const PGresult *res, int row, struct arena *a, struct deny_entry *e)
{
	enum hub_err err = deny_kind_read(db_str(res, row, 0), &e->kind);

	if (err == HUB_OK)
		err = deny_value_read(e->kind, db_str(res, row, 1), a,
		    &e->value);
	e->issuer = arena_str(a, db_str(res, row, 2));
	e->until = WALL_ABSENT;
	if (err == HUB_OK && !PQgetisnull(res, row, 3))
		err = str_int(db_str(res, row, 3), 0, INT64_MAX, &e->until.us);
	return (err);
}

enum hub_err
revocation_load(struct db *db, struct arena *a, struct deny_entry **list_r,
    unsigned *n_r, unsigned *bad_r)
{
	struct deny_entry *list;
	PGresult *res = NULL;
	unsigned good = 0;
	enum hub_err err;
	int n;

	/* A time that no number holds, such as infinity, is for good: else that
	 * one row would keep hubs from reading all others. */
	err = db_exec(db,
	    "SELECT kind, value, issuer, CASE WHEN until_ts < '9999-01-01' "
	    "THEN (extract(epoch FROM until_ts) * 1000000)::bigint END "
	    "FROM hub.revoked ORDER BY rev_id LIMIT 10001", 0, NULL, &res);
	if (err != HUB_OK)
		return (err);
	n = PQntuples(res);
	if (n > ROWS_MAX) {
		PQclear(res);
		return (HUB_ERANGE);
	}
	list = arena_array(a, (size_t)n + 1, sizeof(*list));
	for (int i = 0; i < n; i++)
		if (load_row(res, i, a, &list[good]) == HUB_OK)
			good++;
	PQclear(res);
	*list_r = list;
	*n_r = good;
	*bad_r = (unsigned)n - good;
	return (HUB_OK);
}

enum hub_err
revocation_add(struct db *db, const char *kind, const char *value,
    const char *issuer, const char *reason, const char *until, int64_t *id_r)
{
	const char *params[] = { kind, value, issuer, reason, until };

	return (db_ask_ints(db,
	    "SELECT hub.revoke($1, $2, $3, $4, $5::timestamptz)", 5, params, 1,
	    id_r));
}

enum hub_err
revocation_lift(struct db *db, int64_t id, const char *reason)
{
	char text[24];
	const char *params[] = { text, reason };
	int64_t there = 0;
	enum hub_err err;

	(void)snprintf(text, sizeof(text), "%" PRId64, id);
	err = db_ask_ints(db, "SELECT count(*) FROM hub.revocation "
	    "WHERE rev_id = $1::bigint", 1, params, 1, &there);
	if (err == HUB_OK && there == 0)
		return (HUB_ENOENT);
	if (err == HUB_OK)
		err = db_exec(db, "SELECT hub.unrevoke($1::bigint, $2)", 2,
		    params, NULL);
	return (err == HUB_ECONFLICT ? HUB_EEXIST : err);
}
