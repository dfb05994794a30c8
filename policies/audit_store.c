/* policies/audit_store.c - reads the chain; audit_store.h says what it
 * promises. */
#include "policies/audit_store.h"

#include <inttypes.h>
#include <stdio.h>

/* NULL is no value, which is not the empty one. */
static struct str
cell(const PGresult *res, int row, int col, struct arena *a)
{
	if (PQgetisnull(res, row, col))
		return (STR_NONE);
	return (arena_str(a, (struct str){ PQgetvalue(res, row, col),
	    (size_t)PQgetlength(res, row, col) }));
}

static int
lower_hex(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

static enum hub_err
get_hash(const PGresult *res, int row, int col, unsigned char out[SHA256_LEN])
{
	const char *hex = PQgetvalue(res, row, col);
	int high, low;

	if (PQgetlength(res, row, col) != 2 * SHA256_LEN)
		return (HUB_ECONFLICT);
	for (int i = 0; i < SHA256_LEN; i++) {
		high = lower_hex(hex[2 * i]);
		low = lower_hex(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return (HUB_ECONFLICT);
		out[i] = (unsigned char)(high * 16 + low);
	}
	return (HUB_OK);
}

enum hub_err
audit_end_get(struct db *db, struct audit_end *end)
{
	PGresult *res = NULL;
	enum hub_err err = db_exec(db, "SELECT change_id, "
	    "encode(hash, 'hex') FROM audit.head", 0, NULL, &res);

	if (err != HUB_OK)
		return (err);
	err = PQntuples(res) == 1 ? db_int(res, 0, 0, &end->id) : HUB_EIO;
	if (err == HUB_OK)
		err = get_hash(res, 0, 1, end->hash);
	PQclear(res);
	return (err);
}

static enum hub_err
load_row(const PGresult *res, int i, struct arena *a, struct audit_row *row)
{
	struct str *const texts[] = { &row->at, &row->actor, &row->tenant,
		&row->db_user, &row->table, &row->key, &row->op, &row->before,
		&row->after };
	enum { N = sizeof(texts) / sizeof(texts[0]) };
	enum hub_err err = db_int(res, i, 0, &row->id);

	for (int k = 0; k < N; k++)
		*texts[k] = cell(res, i, k + 1, a);
	if (err == HUB_OK)
		err = get_hash(res, i, N + 1, row->prev);
	if (err == HUB_OK)
		err = get_hash(res, i, N + 2, row->hash);
	return (err);
}

enum hub_err
audit_load(struct db *db, int64_t behind, struct arena *a,
    struct audit_row **rows_r, unsigned *n_r)
{
	char id[24];
	const char *params[] = { id };
	PGresult *res = NULL;
	struct audit_row *rows;
	enum hub_err err;
	unsigned n = 0;

	(void)snprintf(id, sizeof(id), "%" PRId64, behind);
	err = db_exec(db,
	    "SELECT change_id, to_char(at AT TIME ZONE 'UTC', "
	    "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), actor, actor_tenant, "
	    "db_user, tbl, key, op, old::text, new::text, "
	    "encode(prev_hash, 'hex'), encode(hash, 'hex') "
	    "FROM audit.change WHERE change_id > $1::bigint "
	    "ORDER BY change_id LIMIT 1000",
	    1, params, &res);
	if (err != HUB_OK)
		return (err);
	rows = arena_array(a, (size_t)PQntuples(res) + 1, sizeof(*rows));
	for (int i = 0; err == HUB_OK && i < PQntuples(res); i++) {
		err = load_row(res, i, a, &rows[i]);
		n += err == HUB_OK;
	}
	PQclear(res);
	*rows_r = rows;
	*n_r = n;
	return (err);
}
