/* server/hubctl/cost_close.c - what a close, a correction or a plan posts: one
 * calculation for each cost and month or year, as JSON for the functions of
 * sql/schema/0013_period.sql, which judge it again. */
#include <inttypes.h>

#include "server/hubctl/cost.h"

#define JSON_MAX ((size_t)256 << 20)

static const struct column run_columns[] = {
	{ "kind", "CALCULATION", "BERECHNUNG", CELL_TEXT },
	{ "cost", "COST", "KOSTEN", CELL_TEXT },
	{ "from", "FROM", "VON", CELL_DATE },
	{ "to", "TO", "BIS", CELL_DATE },
	{ "amount", "AMOUNT", "BETRAG", CELL_CENTS },
	{ "members", "MEMBERS", "MITGLIEDER", CELL_INT },
	{ "model", "MODEL", "MODELL", CELL_TEXT },
};
#define NRUN (sizeof(run_columns) / sizeof(run_columns[0]))

/* One calculation on its way into the array. */
struct part {
	const char *kind; /* month, instalment, year, plan, correction */
	struct period unit;
	int64_t bundle, supersedes; /* 0: none */
	int64_t correct_from; /* cents; of a correction that may wait */
	const char *reason;   /* of one that waited; NULL */
	const struct region_cost *cost;
	int64_t cents;
	unsigned members;
};

void
posting_init(struct posting *p)
{
	*p = (struct posting){ .table = table_new(run_columns, NRUN) };
	buf_init(&p->json, JSON_MAX);
	buf_addc(&p->json, '[');
}

void
posting_clear(struct posting *p)
{
	table_free(p->table);
	buf_clear(&p->json);
}

static void
day_text(struct wall_us day, char out[WALL_STR_MAX])
{
	wall_format(day, out);
	out[10] = '\0';
}

static const char *
kind_word(const char *kind, bool german)
{
	static const char *const words[][2] = { { "month", "Monat" },
		{ "instalment", "Abschlag" }, { "year", "Jahr" },
		{ "plan", "Abschlagsplan" }, { "correction", "Berichtigung" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (german && strcmp(words[i][0], kind) == 0)
			return (words[i][1]);
	return (kind);
}

static void
add_row(struct posting *p, const struct part *part)
{
	const struct region_cost *cost = part->cost;
	char from[WALL_STR_MAX], to[WALL_STR_MAX], members[16];
	struct arena *a = arena_new();
	char amount[24];

	(void)snprintf(amount, sizeof(amount), "%" PRId64, part->cents);
	day_text(part->unit.from, from);
	day_text(part->unit.to, to);
	(void)snprintf(members, sizeof(members), "%u", part->members);
	table_add(p->table,
	    (const char *[]){ kind_word(part->kind, p->german),
		arena_str(a, cost->name).p, from, to, amount, members,
		arena_printf(a, "%.*s %u", STR_FMT(cost->model->name),
		    cost->model->version) });
	arena_free(a);
}

/* doc is carried as a string, so that its bytes stay what was hashed. */
static void
add_part(struct posting *p, const struct part *part, const struct buf *doc)
{
	const struct region_cost *cost = part->cost;
	const char *code = tax_code(cost->tax);
	char from[WALL_STR_MAX], to[WALL_STR_MAX];
	struct buf *b = &p->json;

	day_text(part->unit.from, from);
	day_text(part->unit.to, to);
	buf_addf(b,
	    "%s{\"kind\":\"%s\",\"from\":\"%s\",\"to\":\"%s\",\"bundle\":%"
	    PRId64,
	    p->n++ > 0 ? "," : "", part->kind, from, to, part->bundle);
	if (code != NULL)
		buf_addf(b, ",\"tax\":\"%s\"", code);
	buf_addf(b, ",\"tax_rate\":%u,\"tax_basis\":", cost->tax_rate);
	buf_add_json(b, cost->tax_basis);
	if (part->supersedes != 0)
		buf_addf(b, ",\"supersedes\":%" PRId64
		    ",\"correct_from\":%" PRId64, part->supersedes,
		    part->correct_from);
	if (part->reason != NULL) {
		BUF_LIT(b, ",\"reason\":");
		buf_add_json(b, str_of(part->reason));
	}
	BUF_LIT(b, ",\"doc\":");
	buf_add_json(b, buf_str(doc));
	buf_addc(b, '}');
	add_row(p, part);
}

/* Shares of a cost in a unit of the calendar. *none: nothing falls into it. */
static enum ctl_exit
add_run(struct db *db, struct posting *p, struct part *part,
    enum asked_kind kind)
{
	struct asked asked = { kind, part->unit };
	struct arena *a = arena_new();
	enum ctl_exit code = CTL_OK;
	struct cost_run run;
	struct buf doc;

	if (cost_run_begin(part->cost, &asked, a, &run)) {
		code = cost_share(db, &run, a);
		buf_init(&doc, JSON_MAX);
		if (code == CTL_OK) {
			add_shares(&doc, &run, true, "closed");
			part->cents = run.in.cents;
			part->members = run.result.nmembers;
			add_part(p, part, &doc);
		}
		buf_clear(&doc);
	}
	arena_free(a);
	return (code);
}

/* ---- what was closed before */

struct known {
	PGresult *res; /* kind, cost, first day, last day, run */
};

static enum hub_err
known_read(struct db *db, struct known *known)
{
	known->res = NULL;
	return (db_exec(db,
	    "SELECT kind, cost, to_char(period_from, 'YYYY-MM-DD'), "
	    "to_char(period_to, 'YYYY-MM-DD'), run_id "
	    "FROM report.allocation_run WHERE kind <> 'correction' "
	    "ORDER BY run_id", 0, NULL, &known->res));
}

/* The run of a cost for exactly these days, a plan or what is no plan; NULL:
 * there is none. */
static const char *
known_run(const struct known *known, const struct region_cost *cost,
    struct period unit, bool plan)
{
	char from[WALL_STR_MAX], to[WALL_STR_MAX];

	day_text(unit.from, from);
	day_text(unit.to, to);
	for (int i = 0; i < PQntuples(known->res); i++)
		if (str_eq(str_of(PQgetvalue(known->res, i, 1)), cost->name) &&
		    strcmp(PQgetvalue(known->res, i, 2), from) == 0 &&
		    strcmp(PQgetvalue(known->res, i, 3), to) == 0 &&
		    (strcmp(PQgetvalue(known->res, i, 0), "plan") == 0) == plan)
			return (PQgetvalue(known->res, i, 4));
	return (NULL);
}

/* ---- instalments */

static void
add_instalment_head(struct buf *b, const struct part *part, const char *plan)
{
	const struct region_cost *cost = part->cost;
	char from[WALL_STR_MAX], to[WALL_STR_MAX];

	day_text(part->unit.from, from);
	day_text(part->unit.to, to);
	BUF_LIT(b, "{\"cost\":");
	buf_add_json(b, cost->name);
	BUF_LIT(b, ",\"title\":");
	buf_add_json(b, cost->title);
	buf_addf(b,
	    ",\"currency\":\"EUR\",\"from\":\"%s\",\"to\":\"%s\","
	    "\"plan\":%s,\"amount_cents\":%" PRId64 ",\"model\":{\"name\":",
	    from, to, plan, part->cents);
	buf_add_json(b, cost->model->name);
	buf_addf(b, ",\"version\":%u,\"clause\":", cost->model->version);
	buf_add_json(b, cost->model->clause);
	BUF_LIT(b, "},");
	add_booking(b, cost);
	BUF_LIT(b, "\"state\":\"closed\",\"components\":[],\"shares\":[");
}

static void
add_instalment_share(struct buf *b, const PGresult *res, int i, int64_t cents)
{
	static const char *const names[] = { "ags", "tenant", "name" };

	buf_addf(b, "%s\n {", i > 0 ? "," : "");
	for (int k = 0; k < 3; k++) {
		buf_addf(b, "\"%s\":", names[k]);
		buf_add_json(b, str_of(PQgetvalue(res, i, k)));
		buf_addc(b, ',');
	}
	buf_addf(b,
	    "\"parts_cents\":[],\"raw_cents\":0,\"bound\":null,"
	    "\"share_cents\":%" PRId64 "}",
	    cents);
}

/* A twelfth of each planned share, so that twelve of them are the share
 * (ledger.md, 6, rule 7). */
static enum ctl_exit
add_instalment(struct db *db, struct posting *p, struct part *part,
    const char *plan)
{
	const char *params[] = { plan };
	PGresult *res = NULL;
	struct buf shares, doc;
	int64_t share, cents;
	unsigned month;
	enum hub_err err = db_exec(db,
	    "SELECT m->>'ags', m->>'tenant', m->>'name', m->>'share_cents' "
	    "FROM report.allocation_run r, "
	    "json_array_elements(r.doc::json->'shares') WITH ORDINALITY "
	    "x(m, i) WHERE r.run_id = $1::bigint ORDER BY i", 1, params, &res);

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	buf_init(&shares, JSON_MAX);
	buf_init(&doc, JSON_MAX);
	month = period_turn(part->unit) % 12 + 1;
	part->cents = 0;
	part->members = (unsigned)PQntuples(res);
	for (int i = 0; i < PQntuples(res); i++) {
		if (str_int(str_of(PQgetvalue(res, i, 3)), -MONEY_MAX_CENTS,
			MONEY_MAX_CENTS, &share) != HUB_OK)
			assert(!"the shares of a plan");
		cents = instalment(share, month);
		part->cents += cents;
		add_instalment_share(&shares, res, i, cents);
	}
	add_instalment_head(&doc, part, plan);
	buf_adds(&doc, buf_str(&shares));
	BUF_LIT(&doc, "],\"trace\":[]}");
	add_part(p, part, &doc);
	buf_clear(&shares);
	buf_clear(&doc);
	PQclear(res);
	return (CTL_OK);
}

/* ---- a close */

static enum ctl_exit
close_month(struct db *db, const struct known *known,
    const struct region_cost *cost, int64_t bundle, struct period month,
    struct posting *p)
{
	struct part part = { .kind = "month", .unit = month, .bundle = bundle,
		.cost = cost };
	const char *plan = known_run(known, cost,
	    calendar_unit(month.from, PER_YEAR), true);

	if (known_run(known, cost, month, false) != NULL)
		return (CTL_OK);
	if (plan == NULL)
		return (add_run(db, p, &part, ASKED_MONTH));
	part.kind = "instalment";
	return (add_instalment(db, p, &part, plan));
}

/* A year is settled with its last month, or with the cost's last one. */
static bool
settles(const struct known *known, const struct region_cost *cost,
    struct period month)
{
	struct period year = calendar_unit(month.from, PER_YEAR);

	return (cost->model->per == PER_YEAR &&
	    (month.to.us >= year.to.us || month.to.us >= cost->to.us) &&
	    known_run(known, cost, year, false) == NULL);
}

static enum ctl_exit
close_year(struct db *db, const struct known *known,
    const struct region_cost *cost, int64_t bundle, struct period month,
    struct posting *p)
{
	struct part part = { .kind = "year",
		.unit = calendar_unit(month.from, PER_YEAR), .bundle = bundle,
		.cost = cost };

	if (!settles(known, cost, month))
		return (CTL_OK);
	return (add_run(db, p, &part, ASKED_YEAR));
}

static enum ctl_exit
close_costs(struct db *db, const struct known *known,
    const struct region *region, int64_t bundle, struct period month,
    struct posting *p)
{
	enum ctl_exit code = CTL_OK;

	for (unsigned i = 0; i < region->ncosts && code == CTL_OK; i++) {
		const struct region_cost *cost = &region->costs[i];
		struct period m = calendar_unit(cost->from, PER_MONTH);

		while (code == CTL_OK && m.from.us <= cost->to.us &&
		    m.from.us <= month.from.us) {
			code = close_month(db, known, cost, bundle, m, p);
			if (code == CTL_OK)
				code = close_year(
				    db, known, cost, bundle, m, p);
			m = calendar_unit(
			    (struct wall_us){ m.to.us + WALL_DAY_US },
			    PER_MONTH);
		}
	}
	return (code);
}

/* ---- a correction */

/* Runs that stand for themselves: years, and months of no settled year. */
static const char closed_sql[] =
    "SELECT r.run_id, r.cost, to_char(r.period_from, 'YYYY-MM-DD'), "
    "to_char(r.period_to, 'YYYY-MM-DD'), r.kind, r.bundle_id "
    "FROM report.allocation_run r WHERE r.kind IN ('month', 'year') "
    "AND r.period_from >= $1::date AND r.period_to <= $2::date "
    "AND NOT EXISTS (SELECT FROM report.allocation_run y "
    "WHERE y.kind = 'year' AND r.kind = 'month' AND y.cost = r.cost "
    "AND y.period_from <= r.period_from AND y.period_to >= r.period_to) "
    "ORDER BY r.run_id";

static enum ctl_exit
bundle_of(struct db *db, const PGresult *res, int i, int64_t *bundle_r,
    struct arena *a, struct region **region)
{
	int64_t bundle;

	if (str_int(str_of(PQgetvalue(res, i, 5)), 1, INT64_MAX, &bundle) !=
	    HUB_OK)
		return (CTL_FAILED);
	if (bundle == *bundle_r)
		return (CTL_OK);
	region_free(*region);
	*region = NULL;
	*bundle_r = bundle;
	return (costs_of_bundle(db, bundle, a, region));
}

/* As it was then, with the amount of now; it is booked where it was, unless
 * that was not said. */
static struct region_cost
cost_then(const struct region_cost *was, const struct region_cost *is)
{
	struct region_cost cost = *was;

	if (is == NULL)
		return (cost);
	cost.amount = is->amount;
	cost.nitems = is->nitems;
	cost.items = is->items;
	cost.correct_from = is->correct_from;
	if (was->cost_centre.len + was->cost_unit.len + was->account.len > 0)
		return (cost);
	cost.cost_centre = is->cost_centre;
	cost.cost_unit = is->cost_unit;
	cost.account = is->account;
	return (cost);
}

/* By the model of then. */
static enum ctl_exit
correct_one(struct db *db, const PGresult *res, int i,
    const struct region *then, const struct region *now, int64_t bundle,
    struct posting *p)
{
	struct str name = str_of(PQgetvalue(res, i, 1));
	const struct region_cost *was = region_cost_find(then, name),
				 *is = region_cost_find(now, name);
	struct region_cost cost;
	struct part part = { .kind = "correction", .bundle = bundle,
		.cost = &cost, .reason = PQnfields(res) > 6 ?
		PQgetvalue(res, i, 6) : NULL };

	if (was == NULL ||
	    str_int(str_of(PQgetvalue(res, i, 0)), 1, INT64_MAX,
		&part.supersedes) != HUB_OK ||
	    wall_parse_date(str_of(PQgetvalue(res, i, 2)), &part.unit.from) !=
		HUB_OK ||
	    wall_parse_date(str_of(PQgetvalue(res, i, 3)), &part.unit.to) !=
		HUB_OK) {
		ctl_warn("cost %.*s is not in bundle %" PRId64, STR_FMT(name),
		    bundle);
		return (CTL_FAILED);
	}
	cost = cost_then(was, is);
	part.correct_from = cost.correct_from.cents;
	return (add_run(db, p, &part,
	    strcmp(PQgetvalue(res, i, 4), "year") == 0 ? ASKED_YEAR :
							 ASKED_MONTH));
}

/* Each of these runs again. */
static enum ctl_exit
correct_all(struct db *db, const PGresult *res, const struct region *now,
    struct posting *p)
{
	struct arena *a = arena_new();
	struct region *then = NULL;
	enum ctl_exit code = CTL_OK;
	int64_t bundle = 0;

	for (int i = 0; code == CTL_OK && i < PQntuples(res); i++) {
		code = bundle_of(db, res, i, &bundle, a, &then);
		if (code == CTL_OK)
			code = correct_one(db, res, i, then, now, bundle, p);
	}
	region_free(then);
	arena_free(a);
	return (code);
}

enum ctl_exit
posting_correct(struct db *db, const struct region *now,
    const struct asked *asked, const char *text, struct posting *p)
{
	char from[WALL_STR_MAX], to[WALL_STR_MAX];
	const char *params[] = { from, to };
	PGresult *res = NULL;
	enum ctl_exit code;
	enum hub_err err;

	day_text(asked->days.from, from);
	day_text(asked->days.to, to);
	err = db_exec(db, closed_sql, 2, params, &res);
	if (err != HUB_OK)
		code = ctl_db_failed(db, err);
	else if (PQntuples(res) == 0) {
		ctl_warn("%s has nothing to correct: it is not closed, or its "
			 "year is settled and is corrected as a year", text);
		code = CTL_FAILED;
	} else
		code = correct_all(db, res, now, p);
	PQclear(res);
	buf_addc(&p->json, ']');
	return (code);
}

/* ---- a close, with what waited for it */

/* What waits, as closed_sql has it, and why. A settlement of the same close
 * takes up the months of its year. */
static const char waiting_sql[] =
    "SELECT DISTINCT r.run_id, r.cost, to_char(r.period_from, 'YYYY-MM-DD'), "
    "to_char(r.period_to, 'YYYY-MM-DD'), r.kind, r.bundle_id, d.reason "
    "FROM report.deferral d JOIN report.allocation_run r "
    "ON r.run_id = d.supersedes WHERE d.taken_up_by IS NULL "
    "AND NOT (r.kind = 'month' AND r.cost = ANY ($1::text[]) "
    "AND r.period_from >= date_trunc('year', $2::date)) ORDER BY r.run_id";

static enum ctl_exit
close_waiting(struct db *db, const struct known *known,
    const struct region *region, struct period month, struct posting *p)
{
	char day[WALL_STR_MAX];
	const char *params[] = { NULL, day };
	PGresult *res = NULL;
	enum ctl_exit code;
	enum hub_err err;
	struct buf names;

	if (month.to.us < calendar_unit(month.from, PER_YEAR).to.us)
		return (CTL_OK);
	buf_init(&names, JSON_MAX);
	buf_addc(&names, '{');
	for (unsigned i = 0; i < region->ncosts; i++)
		if (settles(known, &region->costs[i], month))
			buf_addf(&names, "%s%.*s", names.len > 1 ? "," : "",
			    STR_FMT(region->costs[i].name));
	buf_addc(&names, '}');
	params[0] = buf_cstr(&names);
	day_text(month.from, day);
	err = db_exec(db, waiting_sql, 2, params, &res);
	code = err == HUB_OK ? correct_all(db, res, region, p) :
			       ctl_db_failed(db, err);
	PQclear(res);
	buf_clear(&names);
	return (code);
}

enum ctl_exit
posting_close(struct db *db, const struct region *region, int64_t bundle,
    struct period month, struct posting *p)
{
	struct known known;
	enum hub_err err = known_read(db, &known);
	enum ctl_exit code = err == HUB_OK ? CTL_OK : ctl_db_failed(db, err);

	if (code == CTL_OK)
		code = close_costs(db, &known, region, bundle, month, p);
	if (code == CTL_OK)
		code = close_waiting(db, &known, region, month, p);
	PQclear(known.res);
	buf_addc(&p->json, ']');
	return (code);
}

/* ---- a plan */

enum ctl_exit
posting_plan(struct db *db, const struct region_cost *cost, int64_t bundle,
    struct period year, struct posting *p)
{
	struct part part = { .kind = "plan", .unit = year, .bundle = bundle,
		.cost = cost };
	enum ctl_exit code;

	if (cost->from.us > year.from.us || cost->to.us < year.to.us ||
	    cost->model->per != PER_YEAR) {
		ctl_warn("cost %.*s is not one of the whole year, shared by "
			 "the year", STR_FMT(cost->name));
		return (CTL_FAILED);
	}
	code = add_run(db, p, &part, ASKED_YEAR);
	buf_addc(&p->json, ']');
	return (code);
}
