/* policies/crisis_store.c - events in PostgreSQL; see crisis_store.h. */
#include "policies/crisis_store.h"

#include <inttypes.h>
#include <stdio.h>

#define INT64_STR 24
/* Not over yet, of a region: far more than anybody can look after. */
#define ROWS_MAX 1000
/* Of one authority: it alone must not reach that. */
#define OPEN_MAX 20

/* INT64_MIN: NULL. */
static enum hub_err
get_int(const PGresult *res, int row, int col, int64_t *value_r)
{
	if (!PQgetisnull(res, row, col))
		return (db_int(res, row, col, value_r));
	*value_r = INT64_MIN;
	return (HUB_OK);
}

enum hub_err
crisis_state_get(struct db *db, struct crisis_state *state)
{
	int64_t v[2] = { -1, 0 };
	bool there = false;
	enum hub_err err = db_has(db, "hub.crisis", &there);

	if (err == HUB_OK && there)
		err = db_ask_ints(db,
		    "SELECT (SELECT count(*) FROM hub.crisis_event) + "
		    "(SELECT count(*) FROM hub.crisis_step), "
		    "(SELECT count(*) FROM hub.crisis WHERE overdue)",
		    0, NULL, 2, v);
	if (err == HUB_OK)
		*state = (struct crisis_state){ v[0], v[1] };
	return (err);
}

static enum hub_err
load_row(const PGresult *res, int i, struct arena *a, struct crisis_row *row)
{
	int64_t follows = 0;
	int64_t *numbers[] = { &row->id, &row->declared.us, &row->until.us,
		&row->deadline.us, &row->confirmed.us, &row->ended.us,
		&follows };
	enum hub_err err = HUB_OK;

	row->kind = arena_str(a, db_str(res, i, 0));
	row->authority = arena_str(a, db_str(res, i, 1));
	row->area = arena_str(a, db_str(res, i, 2));
	for (int k = 0;
	     err == HUB_OK && k < (int)(sizeof(numbers) / sizeof(numbers[0]));
	     k++)
		err = get_int(res, i, 3 + k, numbers[k]);
	row->follows = follows != 0;
	return (err);
}

enum hub_err
crisis_load(struct db *db, struct arena *a, struct crisis_row **rows_r,
    unsigned *n_r)
{
	struct crisis_row *rows;
	PGresult *res = NULL;
	enum hub_err err;
	int n;

	err = db_exec(db,
	    "SELECT kind, authority, area, event_id, "
	    "(extract(epoch FROM declared_at) * 1000000)::bigint, "
	    "(extract(epoch FROM until) * 1000000)::bigint, "
	    "(extract(epoch FROM confirm_deadline) * 1000000)::bigint, "
	    "(extract(epoch FROM confirmed_at) * 1000000)::bigint, "
	    "(extract(epoch FROM ended_at) * 1000000)::bigint, "
	    "(follows IS NOT NULL)::int FROM hub.crisis "
	    "WHERE until > now() AND ended_at IS NULL AND (confirmed_at "
	    "IS NOT NULL OR confirm_deadline > now()) "
	    "ORDER BY event_id LIMIT 1001",
	    0, NULL, &res);
	if (err != HUB_OK)
		return (err);
	n = PQntuples(res);
	if (n > ROWS_MAX) {
		PQclear(res);
		return (HUB_ERANGE);
	}
	rows = arena_array(a, (size_t)n + 1, sizeof(*rows));
	for (int i = 0; err == HUB_OK && i < n; i++)
		err = load_row(res, i, a, &rows[i]);
	PQclear(res);
	*rows_r = rows;
	*n_r = err == HUB_OK ? (unsigned)n : 0;
	return (err);
}

/* As crisis_load counts them. */
static enum hub_err
check_open(struct db *db, const char *authority)
{
	int64_t n = 0;
	enum hub_err err = db_ask_ints(db,
	    "SELECT count(*) FROM hub.crisis WHERE authority = $1 "
	    "AND until > now() AND ended_at IS NULL AND (confirmed_at "
	    "IS NOT NULL OR confirm_deadline > now())", 1, &authority, 1, &n);

	return (err == HUB_OK && n > OPEN_MAX ? HUB_EFULL : err);
}

static enum hub_err
insert_event(
    struct db *db, const struct crisis_declaration *d, int64_t *id_r)
{
	char length[INT64_STR], report[INT64_STR];
	const char *params[] = { d->kind, d->authority, d->area, d->reason,
		d->by, length, report };

	(void)snprintf(length, sizeof(length), "%" PRId64,
	    d->length_us / 1000000);
	(void)snprintf(report, sizeof(report), "%" PRId64,
	    d->report_us / 1000000);
	return (db_ask_ints(db,
	    "SELECT hub.crisis_declare($1, $2, $3, $4, $5, $6::bigint, "
	    "$7::bigint)",
	    7, params, 1, id_r));
}

/* Counted behind it: whoever declares has the turn until the end of the
 * transaction (0015_turns.sql), so no two count the same. */
enum hub_err
crisis_declare(struct db *db, const struct crisis_declaration *d, int64_t *id_r)
{
	enum hub_err err = db_begin(db);

	if (err != HUB_OK)
		return (err);
	err = insert_event(db, d, id_r);
	if (err == HUB_OK)
		err = check_open(db, d->authority);
	if (err == HUB_OK)
		err = db_commit(db);
	if (err != HUB_OK)
		db_rollback(db);
	return (err);
}

enum hub_err
crisis_step(struct db *db, int64_t id, const char *step, const char *by,
    const char *note)
{
	char text[INT64_STR];
	const char *params[] = { text, step, by, note != NULL ? note : "" };
	enum hub_err err;

	(void)snprintf(text, sizeof(text), "%" PRId64, id);
	err = db_exec(db, "SELECT hub.crisis_do($1::bigint, $2, $3, $4)", 4,
	    params, NULL);
	return (err == HUB_ECONFLICT ? HUB_EEXIST : err);
}

enum hub_err
crisis_note(struct db *db, int64_t event, const struct region_agreement *ag,
    struct str widens, bool *new_r)
{
	char text[INT64_STR], name[64], provider[64], consumer[64], what[4001];
	const char *params[] = { text, name, provider, consumer, what };
	PGresult *res = NULL;
	enum hub_err err;

	(void)snprintf(text, sizeof(text), "%" PRId64, event);
	(void)snprintf(name, sizeof(name), "%.*s", STR_FMT(ag->name));
	(void)snprintf(provider, sizeof(provider), "%.*s",
	    STR_FMT(ag->provider->name));
	(void)snprintf(consumer, sizeof(consumer), "%.*s",
	    STR_FMT(ag->consumer->name));
	(void)snprintf(what, sizeof(what), "%.*s", STR_FMT(widens));
	err = db_exec(db, "SELECT hub.crisis_note($1::bigint, $2, $3, $4, $5)",
	    5, params, &res);
	if (err == HUB_OK)
		*new_r = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
	PQclear(res);
	return (err);
}

enum hub_err
crisis_step_of(struct db *db, const char *authority, int64_t id,
    const char *step, const char *by)
{
	char text[INT64_STR];
	const char *params[] = { text, step, by, authority };
	PGresult *res = NULL;
	enum hub_err err;

	(void)snprintf(text, sizeof(text), "%" PRId64, id);
	err = db_exec(db, "SELECT hub.crisis_do(c.event_id, $2, $3, '') "
	    "FROM hub.crisis_event c WHERE c.event_id = $1::bigint "
	    "AND c.authority = $4", 4, params, &res);
	if (err == HUB_OK && PQntuples(res) == 0)
		err = HUB_ENOENT;
	PQclear(res);
	return (err == HUB_ECONFLICT ? HUB_EEXIST : err);
}

#define WHEN DB_INSTANT

/* Who acted is for the authority alone. */
static const char list_sql[] =
    "SELECT coalesce(json_agg(x), '[]')::text FROM (SELECT "
    "c.event_id AS \"event\", c.kind, c.authority, c.area, c.state, "
    "c.reason, " WHEN("c.declared_at") " AS \"declaredAt\", "
    WHEN("c.until") " AS \"until\", "
    "CASE WHEN c.confirmed_at IS NULL THEN " WHEN("c.confirm_deadline")
    " END AS \"confirmBy\", " WHEN("c.confirmed_at") " AS \"confirmedAt\", "
    WHEN("c.ended_at") " AS \"endedAt\", CASE WHEN c.began < c.finished THEN "
    WHEN("c.report_due") " END AS \"reportDue\", " WHEN("c.reported_at")
    " AS \"reportedAt\", CASE WHEN c.authority = $1 THEN c.declared_by END "
    "AS \"declaredBy\", CASE WHEN c.authority = $1 THEN c.confirmed_by END "
    "AS \"confirmedBy\", coalesce((SELECT json_agg(json_build_object("
    "'agreement', n.agreement, 'provider', n.provider, 'consumer', "
    "n.consumer, 'widens', n.widens, 'notedAt', " WHEN("n.noted_at")
    ") ORDER BY n.agreement) FROM hub.crisis_notice n "
    "WHERE n.event_id = c.event_id AND $1 IN (c.authority, n.provider, "
    "n.consumer)), '[]') AS \"agreements\" FROM hub.crisis c "
    "WHERE c.authority = $1 OR EXISTS (SELECT FROM hub.crisis_notice n "
    "WHERE n.event_id = c.event_id AND $1 IN (n.provider, n.consumer)) "
    "ORDER BY c.event_id DESC LIMIT 200) x";

enum hub_err
crisis_list_json(struct db *db, const char *tenant, struct buf *b)
{
	PGresult *res = NULL;
	enum hub_err err = db_exec(db, list_sql, 1, &tenant, &res);

	if (err == HUB_OK)
		buf_adds(b, db_str(res, 0, 0));
	PQclear(res);
	return (err == HUB_OK && b->failed ? HUB_EFULL : err);
}
