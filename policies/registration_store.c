/* policies/registration_store.c - registrations in PostgreSQL;
 * registration_store.h says what it promises. */
#include "policies/registration_store.h"

#include <inttypes.h>
#include <stdio.h>

/* Of all tenants: far more than a region of a dozen towns needs. */
#define ROWS_MAX  10000
#define BYTES_MAX (INT64_C(64) << 20)

enum hub_err
registration_epoch_get(struct db *db, int64_t *epoch_r)
{
	bool there = false;
	enum hub_err err = db_has(db, "hub.registration_head", &there);

	if (err == HUB_OK && there)
		return (db_ask_ints(db,
		    "SELECT epoch FROM hub.registration_head", 0, NULL, 1,
		    epoch_r));
	if (err == HUB_OK)
		*epoch_r = -1;
	return (err);
}

static enum hub_err
load_row(const PGresult *res, int i, struct arena *a,
    struct registration_row *row)
{
	enum hub_err err;

	row->tenant = arena_str(a, db_str(res, i, 1));
	row->id = arena_str(a, db_str(res, i, 2));
	row->context = arena_str(a, db_str(res, i, 3));
	row->document = arena_str(a, db_str(res, i, 4));
	err = db_int(res, i, 5, &row->version);
	if (err == HUB_OK)
		err = db_int(res, i, 6, &row->created.us);
	if (err == HUB_OK)
		err = db_int(res, i, 7, &row->modified.us);
	return (err);
}

/* The first column is the epoch, also where there is no row else. */
static enum hub_err
load_rows(const PGresult *res, struct arena *a,
    struct registration_row **rows_r, unsigned *n_r, int64_t *epoch_r)
{
	int n = PQntuples(res);
	struct registration_row *rows = arena_array(a, (size_t)n + 1,
	    sizeof(*rows));
	enum hub_err err = n > 0 ? db_int(res, 0, 0, epoch_r) : HUB_EIO;

	if (n == 1 && PQgetisnull(res, 0, 1))
		n = 0;
	for (int i = 0; err == HUB_OK && i < n; i++)
		err = load_row(res, i, a, &rows[i]);
	*rows_r = rows;
	*n_r = (unsigned)n;
	return (err);
}

/* Of each tenant its oldest, so many and of so many bytes. */
static const char load_sql[] =
    "SELECT h.epoch, r.tenant, r.id, r.context, r.document, r.version, "
    "(extract(epoch FROM r.created_at) * 1000000)::bigint, "
    "(extract(epoch FROM r.modified_at) * 1000000)::bigint "
    "FROM hub.registration_head h LEFT JOIN ("
    "SELECT *, row_number() OVER w AS place, "
    "sum(octet_length(document)) OVER w AS bytes FROM hub.registration "
    "WINDOW w AS (PARTITION BY tenant ORDER BY created_at, id)"
    ") r ON r.place <= $1::bigint AND r.bytes <= $2::bigint "
    "ORDER BY r.tenant, r.id";

enum hub_err
registration_load(struct db *db, struct arena *a,
    struct registration_row **rows_r, unsigned *n_r, int64_t *epoch_r,
    bool *cut_r)
{
	PGresult *res = NULL;
	int64_t size[3], rows = INT64_MAX, bytes = INT64_MAX;
	char most[2][24];
	const char *params[] = { most[0], most[1] };
	enum hub_err err = db_ask_ints(db,
	    "SELECT count(*), coalesce(sum(octet_length(document)), 0)::bigint, "
	    "count(DISTINCT tenant) FROM hub.registration", 0, NULL, 3, size);

	if (err != HUB_OK)
		return (err);
	*cut_r = size[0] > ROWS_MAX || size[1] > BYTES_MAX;
	if (*cut_r) {
		rows = ROWS_MAX / size[2];
		bytes = BYTES_MAX / size[2];
	}
	(void)snprintf(most[0], sizeof(most[0]), "%" PRId64, rows);
	(void)snprintf(most[1], sizeof(most[1]), "%" PRId64, bytes);
	err = db_exec(db, load_sql, 2, params, &res);
	if (err != HUB_OK)
		return (err);
	err = load_rows(res, a, rows_r, n_r, epoch_r);
	PQclear(res);
	return (err);
}

/* ---- changes */

static enum hub_err
outcome(struct str word)
{
	static const struct {
		const char *word;
		enum hub_err err;
	} table[] = { { "done", HUB_OK }, { "moved", HUB_EAGAIN },
		{ "exists", HUB_EEXIST }, { "none", HUB_ENOENT },
		{ "full", HUB_EFULL } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_eq(word, str_of(table[i].word)))
			return (table[i].err);
	return (HUB_EIO);
}

enum hub_err
registration_store(struct db *db, const struct registration_change *c)
{
	static const struct {
		const char *sql;
		int n;
	} verbs[] = {
		[REGISTRATION_CREATE] = { "SELECT hub.registration_create("
					  "$1, $2, $3::bigint, $4, $5, "
					  "$6::bigint)", 6 },
		[REGISTRATION_UPDATE] = { "SELECT hub.registration_update("
					  "$1, $2, $3::bigint, $4, $5)", 5 },
		[REGISTRATION_DELETE] = { "SELECT hub.registration_delete("
					  "$1, $2)", 2 },
	};
	char epoch[24], most[24];
	const char *params[] = { c->tenant, c->id, epoch, c->context,
		c->document, most };
	PGresult *res = NULL;
	enum hub_err err;

	(void)snprintf(epoch, sizeof(epoch), "%" PRId64, c->epoch);
	(void)snprintf(most, sizeof(most), "%d", REGISTRATIONS_MAX);
	err = db_exec(db, verbs[c->verb].sql, verbs[c->verb].n, params, &res);
	if (err != HUB_OK)
		return (err == HUB_ECONFLICT ? HUB_EAGAIN : HUB_EIO);
	err = PQntuples(res) == 1 ? outcome(db_str(res, 0, 0)) : HUB_EIO;
	PQclear(res);
	return (err);
}
