/* server/hubctl/cmd_usage.c - hubctl usage: sums of the ledger's roll-ups
 * over days of German time. */
#include <stdlib.h>

#include "policies/policy_store.h"
#include "server/hubctl/hubctl.h"
#include "server/ledger/report.h"

/* What rows are grouped by. Tenants, purposes and types count requests of
 * clients; providers count the legs they answered (ledger.md, 10a). */
struct grouping {
	const char *name, *expression, *class;
	bool tenants;	      /* the key is an AGS: its name stands beside */
	struct column column; /* the first */
};

static const struct grouping groupings[] = {
	{ "tenant", "consumer", "access", true,
	    { "ags", "TENANT", "MANDANT", CELL_TEXT } },
	{ "provider", "provider", "leg", true,
	    { "ags", "PROVIDER", "ANBIETER", CELL_TEXT } },
	{ "purpose", "purpose", "access", false,
	    { "purpose", "PURPOSE", "ZWECK", CELL_TEXT } },
	{ "type", "types", "access", false,
	    { "type", "TYPE", "TYP", CELL_TEXT } },
	{ "month", "to_char(day, 'YYYY-MM')", "access", false,
	    { "month", "MONTH", "MONAT", CELL_DATE } },
};

static const struct column numbers[] = {
	{ "requests", "REQUESTS", "ANFRAGEN", CELL_INT },
	/* Denied, or nothing found: the ledger makes no difference. */
	{ "denied", "WITHOUT DATA", "OHNE DATEN", CELL_INT },
	{ "entities", "ENTITIES", "ENTITÄTEN", CELL_INT },
	{ "bytes", "BYTES", "BYTES", CELL_INT },
	{ "milli_units", "UNITS", "EINHEITEN", CELL_MILLI },
	/* Beside them: uses that could not be recorded. */
	{ "estimated", "ESTIMATED", "GESCHÄTZT", CELL_INT },
	{ "estimated_milli_units", "THEIR UNITS", "DEREN EINHEITEN",
	    CELL_MILLI },
	{ "p50", "HALF WITHIN", "HÄLFTE BIS", CELL_TEXT },
	{ "p95", "95 % WITHIN", "95 % BIS", CELL_TEXT },
};
#define NNUMBERS (sizeof(numbers) / sizeof(numbers[0]))
#define NCOLUMNS (NNUMBERS + 2)

struct period {
	const char *text; /* as it was given */
	char first[16];	  /* YYYY-MM-DD */
	const char *span; /* a PostgreSQL interval */
};

/* Two keys: who used whose data (cmd_report.c). */
static const struct grouping flow = { .name = "flow" };

static enum ctl_exit usage(const struct ctl *, struct db *,
    const struct grouping *, const struct period *);

/* 2026, 2026-11 or 2026-11-03; nothing else. */
static bool
period_parse(const char *text, struct period *p)
{
	static const struct {
		size_t len;
		const char *rest, *span;
	} forms[] = {
		{ 4, "-01-01", "1 year" },
		{ 7, "-01", "1 month" },
		{ 10, "", "1 day" },
	};
	size_t len = strlen(text);
	struct wall_us day;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (len != forms[i].len)
			continue;
		(void)snprintf(p->first, sizeof(p->first), "%s%s", text,
		    forms[i].rest);
		p->span = forms[i].span;
		p->text = text;
		return (wall_parse_date(str_of(p->first), &day) == HUB_OK);
	}
	return (false);
}

enum ctl_exit
cmd_usage(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	const struct grouping *by = NULL;
	struct period period;
	struct db *db = NULL;
	enum ctl_exit code;

	if (!period_parse(argv[0], &period)) {
		ctl_warn("%s is not a year (2026), a month (2026-11) or a day "
			 "(2026-11-03)", argv[0]);
		return (CTL_USAGE);
	}
	for (size_t i = 0; i < sizeof(groupings) / sizeof(groupings[0]); i++)
		if (strcmp(groupings[i].name, ctl->by) == 0)
			by = &groupings[i];
	if (strcmp(ctl->by, flow.name) == 0)
		by = &flow;
	if (by == NULL) {
		ctl_warn("--by %s: tenant, provider, purpose, type, month and "
			 "flow are known", ctl->by);
		return (CTL_USAGE);
	}
	code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = usage(ctl, db, by, &period);
	db_close(db);
	return (code);
}

/* The region in force, for names only: NULL when there is none or the
 * account may not read it. */
static struct region *
region_in_force(struct db *db, struct arena *a)
{
	struct region_message *messages;
	struct region *region = NULL;
	struct region_file *files;
	struct bundle_head head;
	unsigned n, nmessages;

	if (bundle_head_get(db, &head) != HUB_OK || head.bundle == 0 ||
	    bundle_load(db, head.bundle, a, &files, &n) != HUB_OK ||
	    region_parse(files, n, &region, a, &messages, &nmessages) !=
		HUB_OK)
		return (NULL);
	return (region);
}

/* An AGS as it is, else that of the tenant of this name; NULL: unknown. */
static const char *
tenant_ags(const struct region *region, const char *name, struct arena *a)
{
	const struct tenant *t;
	uint64_t digits;

	if (strlen(name) == 8 &&
	    str_uint(str_of(name), UINT64_C(99999999), &digits) == HUB_OK)
		return (name);
	t = region != NULL ? tenant_find(&region->tenants, str_of(name)) : NULL;
	return (t != NULL ? arena_str(a, t->ags).p : NULL);
}

const char *
ctl_tenant_ags(struct db *db, const char *name, struct arena *a)
{
	struct region *region = region_in_force(db, a);
	const char *ags = tenant_ags(region, name, a);

	if (ags == NULL)
		ctl_warn("no tenant %s in the bundle in force", name);
	region_free(region);
	return (ags);
}

static const char *
tenant_title(const struct region *region, const char *ags, struct arena *a)
{
	const struct tenant_set *set;

	if (region == NULL)
		return (NULL);
	set = &region->tenants;
	for (unsigned i = 0; i < set->ntenants; i++)
		if (str_eq(set->tenants[i].ags, str_of(ags)))
			return (arena_str(a, set->tenants[i].title).p);
	return (NULL);
}

static void
print(const struct ctl *ctl, const struct grouping *by, const PGresult *res,
    const struct period *period, const struct region *region, struct arena *a)
{
	struct column columns[NCOLUMNS];
	const char *cells[NCOLUMNS];
	size_t n = 0, first;
	struct table *t;

	columns[n++] = by->column;
	if (by->tenants)
		columns[n++] =
		    (struct column){ "name", "NAME", "NAME", CELL_TEXT };
	first = n;
	for (size_t i = 0; i < NNUMBERS; i++)
		columns[n++] = numbers[i];
	t = table_new(columns, n);
	for (int row = 0; row < PQntuples(res); row++) {
		cells[0] = PQgetvalue(res, row, 0);
		if (by->tenants)
			cells[1] = tenant_title(region, cells[0], a);
		for (size_t i = 0; i < NNUMBERS; i++)
			cells[first + i] = PQgetisnull(res, row, (int)i + 1) ?
			    NULL : PQgetvalue(res, row, (int)i + 1);
		table_add(t, cells);
	}
	table_report_take(t, ctl, "Usage", "Nutzung", period->text);
}

#define SUM(column)                                                            \
	"coalesce(sum(" column ") FILTER (WHERE class = $1), 0)::bigint"

static enum hub_err
query(struct db *db, const struct grouping *by, const struct period *period,
    const char *ags, PGresult **res_r)
{
	const char *params[] = { by->class, period->first, period->span, ags };
	struct buf sql;
	enum hub_err err;

	buf_init(&sql, 8192);
	/* The expression is one of the table above, nothing from outside. */
	buf_addf(&sql,
	    "SELECT (%s) COLLATE \"C\", "
	    SUM("requests") ", " SUM("denied") ", " SUM("entities") ", "
	    /* An answer is of all providers together. */
	    "CASE WHEN $1 = 'access' THEN " SUM("bytes") " END, "
	    SUM("units") ", "
	    "coalesce(sum(requests) FILTER (WHERE class = 'estimate'), 0)"
	    "::bigint, "
	    "coalesce(sum(units) FILTER (WHERE class = 'estimate'), 0)"
	    "::bigint, ",
	    by->expression);
	report_latency_sql(&sql, "class = $1");
	BUF_LIT(&sql, " FROM report.usage_day WHERE class IN ($1, 'estimate') "
	    "AND day >= $2::date "
	    "AND day < $2::date + $3::interval "
	    "AND ($4::text IS NULL OR consumer = $4) "
	    "GROUP BY 1 ORDER BY 1");
	err = db_exec(db, buf_cstr(&sql), 4, params, res_r);
	buf_clear(&sql);
	return (err);
}

static enum ctl_exit
flow_of(const struct ctl *ctl, struct db *db, const struct period *period,
    const char *ags)
{
	const char *params[] = { period->first, period->span };
	PGresult *res = NULL;
	enum ctl_exit code;
	enum hub_err err = db_exec(db, "SELECT to_char($1::date + "
	    "$2::interval, 'YYYY-MM-DD')", 2, params, &res);

	code = err != HUB_OK ? ctl_db_failed(db, err) :
	    report_flow(ctl, db, period->text, period->first,
	    PQgetvalue(res, 0, 0), ags);
	PQclear(res);
	return (code);
}

static enum ctl_exit
usage(const struct ctl *ctl, struct db *db, const struct grouping *by,
    const struct period *period)
{
	struct arena *a = arena_new();
	struct region *region = region_in_force(db, a);
	const char *ags = NULL;
	PGresult *res = NULL;
	enum ctl_exit code = CTL_OK;
	enum hub_err err;

	if (ctl->tenant != NULL) {
		ags = tenant_ags(region, ctl->tenant, a);
		if (ags == NULL) {
			ctl_warn("no tenant %s in the bundle in force",
			    ctl->tenant);
			code = CTL_FAILED;
			goto out;
		}
	}
	if (by == &flow) {
		code = flow_of(ctl, db, period, ags);
		goto out;
	}
	err = query(db, by, period, ags, &res);
	if (err == HUB_OK)
		print(ctl, by, res, period, region, a);
	else
		code = ctl_db_failed(db, err);
	if (err == HUB_OK && PQntuples(res) == 0 && ctl->output == OUTPUT_TABLE)
		ctl_warn("nothing is booked there; what was asked in the last "
			 "seconds may still be on its way");
out:
	PQclear(res);
	region_free(region);
	arena_free(a);
	return (code);
}
