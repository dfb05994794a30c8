/* server/ledger/notice.c - reads what a tenant bears; notice.h says what is
 * promised. */
#include "server/ledger/notice.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/base/arena.h"
#include "server/ledger/alone.h"

/* $1 first day, $2 last day, $3 AGS. The unit asked for alone: a month that is
 * part of a settled year stays a month. */
#define RUNS_FROM                                                             \
	"FROM report.allocation_run r CROSS JOIN LATERAL "                    \
	"json_array_elements(r.doc::json->'shares') m "
#define RUNS_WHERE                                                            \
	"WHERE r.kind IN ('month', 'instalment', 'year') "                    \
	"AND r.period_from = $1::date AND r.period_to = $2::date "            \
	"AND m->>'ags' = $3 "
#define RUNS RUNS_FROM RUNS_WHERE

static const char costs_sql[] =
    "SELECT r.cost, r.title, to_char(r.period_from, 'YYYY-MM-DD'), "
    "to_char(r.period_to, 'YYYY-MM-DD'), r.model || ' ' || r.model_version, "
    "r.doc::json->'model'->>'clause', r.run_id, r.run_sha256, r.tax, "
    "r.tax_basis, r.tax_rate, r.amount_cents, "
    "coalesce((m->>'share_cents')::bigint, 0), "
    "r.doc::json->>'bounds' = 'waiting', g.block_no, g.hash, "
    DB_INSTANT("g.made_at") ", (m->>'alone_cents')::bigint " RUNS_FROM
    "LEFT JOIN report.run_digest g ON g.run_id = r.run_id " RUNS_WHERE
    "ORDER BY r.run_id";
enum { C_COST, C_TITLE, C_FROM, C_TO, C_MODEL, C_CLAUSE, C_RUN, C_SHA256,
	C_TAX, C_BASIS, C_RATE, C_AMOUNT, C_SHARE, C_WAIT, C_BLOCK, C_HASH,
	C_AT, C_ALONE };

static const char lines_sql[] =
    "SELECT s.run_id, to_char(s.\"from\", 'YYYY-MM-DD'), "
    "to_char(s.\"to\", 'YYYY-MM-DD'), s.component, s.key, s.weight, "
    "s.weights, s.amount_cents, s.cents FROM report.statement_line s "
    "WHERE s.ags = $3 AND s.run_id IN (SELECT r.run_id " RUNS ") "
    "ORDER BY s.run_id, s.i";
enum { L_RUN, L_FROM, L_TO, L_COMPONENT, L_KEY, L_WEIGHT, L_WEIGHTS, L_AMOUNT,
	L_CENTS };

static const char entries_sql[] =
    "SELECT entry_id, type, service, to_char(booked_period, 'YYYY-MM'), "
    "cost, reverses, reason, sum(amount_cents)::bigint FROM report.journal "
    "WHERE service_from >= $1::date AND service_to <= $2::date AND ags = $3 "
    "AND account = 'share' GROUP BY entry_id, type, service, booked_period, "
    "cost, reverses, reason ORDER BY entry_id";
enum { E_ENTRY, E_TYPE, E_SERVICE, E_BOOKED, E_COST, E_REVERSES, E_REASON,
	E_CENTS };

static const char *const key_words[] = {
	[KEY_EQUAL] = "equal",
	[KEY_POPULATION] = "population",
	[KEY_USAGE] = "usage",
	[KEY_PREVIOUS_USAGE] = "previous-year-usage",
	[KEY_FIXED] = "fixed",
	[KEY_WEIGHTS] = "weights",
	[KEY_STEPDOWN] = "stepdown",
	[KEY_SHAPLEY] = "shapley",
};
static const char *const tax_codes[] = { [TAX_UNKNOWN] = NULL,
	[TAX_STANDARD] = "S", [TAX_EXEMPT] = "E", [TAX_OUTSIDE] = "O" };

static const char *
cell(const PGresult *res, int row, int column, struct arena *a)
{
	if (PQgetisnull(res, row, column))
		return (NULL);
	return (arena_str(a, str_of(PQgetvalue(res, row, column))).p);
}

static const char *
day_text(struct wall_us day, struct arena *a)
{
	char text[WALL_STR_MAX];

	wall_format(day, text);
	return (arena_printf(a, "%.10s", text));
}

/* ---- what is closed */

static void
closed_lines(const PGresult *res, struct arena *a, struct notice_cost *c)
{
	int n = PQntuples(res);

	c->lines = arena_array(a, (size_t)n + 1, sizeof(*c->lines));
	for (int i = 0; i < n; i++) {
		if (strcmp(PQgetvalue(res, i, L_RUN), c->run) != 0)
			continue;
		c->lines[c->nlines++] = (struct notice_line){
			.from = cell(res, i, L_FROM, a),
			.to = cell(res, i, L_TO, a),
			.component = cell(res, i, L_COMPONENT, a),
			.key = cell(res, i, L_KEY, a),
			.weight = cell(res, i, L_WEIGHT, a),
			.weights = cell(res, i, L_WEIGHTS, a),
			.shared = !PQgetisnull(res, i, L_AMOUNT),
			.to_share = PQgetisnull(res, i, L_AMOUNT) ? 0 :
			    db_bigint(res, i, L_AMOUNT),
			.cents = db_bigint(res, i, L_CENTS) };
	}
}

static void
closed_cost(const PGresult *res, int i, const PGresult *lines, struct arena *a,
    struct notice_cost *c)
{
	*c = (struct notice_cost){ .name = cell(res, i, C_COST, a),
		.title = cell(res, i, C_TITLE, a),
		.from = cell(res, i, C_FROM, a),
		.to = cell(res, i, C_TO, a),
		.model = cell(res, i, C_MODEL, a),
		.clause = cell(res, i, C_CLAUSE, a),
		.run = cell(res, i, C_RUN, a),
		.sha256 = cell(res, i, C_SHA256, a),
		.digest_block = cell(res, i, C_BLOCK, a),
		.digest_hash = cell(res, i, C_HASH, a),
		.digest_at = cell(res, i, C_AT, a),
		.tax = cell(res, i, C_TAX, a),
		.tax_basis = cell(res, i, C_BASIS, a),
		.tax_rate = (unsigned)db_bigint(res, i, C_RATE),
		.amount = db_bigint(res, i, C_AMOUNT),
		.share = db_bigint(res, i, C_SHARE),
		.alone = PQgetisnull(res, i, C_ALONE) ? ALONE_UNKNOWN :
		    db_bigint(res, i, C_ALONE),
		.bounds_wait = PQgetvalue(res, i, C_WAIT)[0] == 't' };
	closed_lines(lines, a, c);
}

static void
take_entries(const PGresult *res, struct arena *a, struct notice *n)
{
	n->entries = arena_array(a, (size_t)PQntuples(res) + 1,
	    sizeof(*n->entries));
	for (int i = 0; i < PQntuples(res); i++) {
		struct notice_entry *e = &n->entries[n->nentries++];

		*e = (struct notice_entry){ .entry = cell(res, i, E_ENTRY, a),
			.type = cell(res, i, E_TYPE, a),
			.service = cell(res, i, E_SERVICE, a),
			.booked = cell(res, i, E_BOOKED, a),
			.cost = cell(res, i, E_COST, a),
			.reverses = cell(res, i, E_REVERSES, a),
			.reason = cell(res, i, E_REASON, a),
			.cents = db_bigint(res, i, E_CENTS) };
		n->posted += e->cents;
	}
}

static enum hub_err
read_closed(struct db *db, const struct asked *asked, unsigned more,
    struct arena *a, struct notice *n)
{
	const char *params[] = { day_text(asked->days.from, a),
		day_text(asked->days.to, a), arena_str(a, n->tenant->ags).p };
	PGresult *costs = NULL, *lines = NULL, *entries = NULL;
	enum hub_err err = db_exec(db, costs_sql, 3, params, &costs);

	if (err == HUB_OK)
		err = db_exec(db, lines_sql, 3, params, &lines);
	if (err == HUB_OK)
		err = db_exec(db, entries_sql, 3, params, &entries);
	if (err == HUB_OK) {
		n->ncosts = (unsigned)PQntuples(costs);
		n->costs = arena_array(a, (size_t)n->ncosts + more + 1,
		    sizeof(*n->costs));
		for (unsigned i = 0; i < n->ncosts; i++)
			closed_cost(costs, (int)i, lines, a, &n->costs[i]);
		take_entries(entries, a, n);
	}
	PQclear(costs);
	PQclear(lines);
	PQclear(entries);
	return (err);
}

/* ---- what is not */

static const char *
weight_text(uint128 n, enum cost_key key, struct arena *a)
{
	unsigned one = key == KEY_USAGE || key == KEY_PREVIOUS_USAGE ? 1000 :
	    key == KEY_FIXED ? 100 : 1;
	char digits[48];
	size_t at = sizeof(digits) - 1;
	unsigned rest = (unsigned)(n % one);

	digits[at] = '\0';
	n /= one;
	do {
		digits[--at] = (char)('0' + (int)(n % 10));
		n /= 10;
	} while (n > 0);
	return (one == 1 ? arena_printf(a, "%s", digits + at) :
	    one == 100 ? arena_printf(a, "%s.%02u", digits + at, rest) :
			 arena_printf(a, "%s.%03u", digits + at, rest));
}

static bool
zero_used(const struct cost_run *run, const struct allocation_step *part)
{
	for (unsigned i = 0; i < run->result.nsteps; i++) {
		const struct allocation_step *s = &run->result.steps[i];

		if (s->did == DID_ZERO && s->range == part->range &&
		    s->component == part->component)
			return (true);
	}
	return (false);
}

static void
open_line(const struct cost_run *run, const struct allocation_step *s,
    int64_t to_share, struct arena *a, struct notice_line *line)
{
	const struct region_component *c =
	    &run->in.model->components[s->component];
	enum cost_key key = c->key;

	if (zero_used(run, s))
		key = c->on_zero == ZERO_POPULATION ? KEY_POPULATION :
						      KEY_EQUAL;
	*line = (struct notice_line){
		.from = day_text(run->in.ranges[s->range].from, a),
		.to = day_text(run->in.ranges[s->range].to, a),
		.component = arena_str(a, c->name).p,
		.key = key_words[key],
		.weight = weight_text(s->weight, key, a),
		.weights = weight_text(s->sum, key, a),
		.shared = true,
		.to_share = to_share,
		.cents = s->cents };
}

static void
open_lines(const struct cost_run *run, unsigned member, struct arena *a,
    struct notice_cost *c)
{
	const struct allocation_line *line = &run->result.lines[member];
	int64_t to_share = 0;

	c->lines = arena_array(a, (size_t)run->result.nsteps + 1,
	    sizeof(*c->lines));
	for (unsigned i = 0; i < run->result.nsteps; i++) {
		const struct allocation_step *s = &run->result.steps[i];

		if (s->did == DID_COMPONENT)
			to_share = s->cents;
		else if (s->did == DID_PART && s->member == member)
			open_line(run, s, to_share, a,
			    &c->lines[c->nlines++]);
	}
	if (line->share != line->raw)
		c->lines[c->nlines++] = (struct notice_line){ .from = c->from,
			.to = c->to,
			.component = "(bounds)",
			.key = "bounds",
			.cents = line->share - line->raw };
}

static void
open_cost(const struct cost_run *run, unsigned member, struct arena *a,
    struct notice_cost *c)
{
	const struct region_cost *cost = run->cost;

	*c = (struct notice_cost){ .name = arena_str(a, cost->name).p,
		.title = arena_str(a, cost->title).p,
		.from = day_text(run->period.from, a),
		.to = day_text(run->period.to, a),
		.model = arena_printf(a, "%.*s %u",
		    STR_FMT(run->in.model->name), run->in.model->version),
		.clause = arena_str(a, run->in.model->clause).p,
		.tax = tax_codes[cost->tax],
		.tax_basis = arena_str(a, cost->tax_basis).p,
		.tax_rate = cost->tax_rate,
		.amount = run->in.cents,
		.share = run->result.lines[member].share,
		.alone = alone_cents(run, member),
		.bounds_wait = run->bounds_wait };
	open_lines(run, member, a, c);
}

static int
member_of(const struct region_model *m, const struct tenant *t)
{
	for (unsigned i = 0; i < m->nmembers; i++)
		if (m->members[i].tenant == t)
			return ((int)i);
	return (-1);
}

static bool
is_closed(const struct notice *n, struct str cost)
{
	for (unsigned i = 0; i < n->ncosts; i++)
		if (n->costs[i].run != NULL &&
		    str_eq(str_of(n->costs[i].name), cost))
			return (true);
	return (false);
}

static enum hub_err
add_open(struct db *db, const struct region_cost *cost,
    const struct asked *asked, struct arena *a, struct notice *n)
{
	int member = member_of(cost->model, n->tenant);
	struct allocation_why why;
	struct cost_run run;
	enum hub_err err;

	if (member < 0 || is_closed(n, cost->name) ||
	    !cost_run_begin(cost, asked, a, &run))
		return (HUB_OK);
	err = cost_run_usage(db, &run);
	if (err == HUB_OK && cost_run_share(&run, a, &why) != HUB_OK)
		err = HUB_ECONFLICT;
	if (err == HUB_OK && run.result.lines[member].days > 0)
		open_cost(&run, (unsigned)member, a, &n->costs[n->ncosts++]);
	return (err);
}

enum hub_err
notice_read(struct db *db, const struct region *region,
    const struct tenant *tenant, struct str period, struct arena *a,
    struct notice *out)
{
	struct notice n = { .tenant = tenant };
	struct asked asked;
	enum hub_err err = asked_parse(period, &asked);

	if (err != HUB_OK)
		return (err);
	n.period = arena_str(a, period).p;
	err = read_closed(db, &asked, region->ncosts, a, &n);
	for (unsigned i = 0; i < region->ncosts && err == HUB_OK; i++)
		err = add_open(db, &region->costs[i], &asked, a, &n);
	if (err != HUB_OK)
		return (err);
	for (unsigned i = 0; i < n.ncosts; i++) {
		struct notice_cost *c = &n.costs[i];

		c->tax_cents = tax_on(c->share, c->tax_rate);
		n.share += c->share;
		n.tax_cents += c->tax_cents;
	}
	*out = n;
	return (HUB_OK);
}
