/* server/hubctl/cost_json.c - shares for programs: amounts in cents, weights
 * as integers in the unit of their key, of any length. */
#include <inttypes.h>
#include <stdlib.h>

#include "server/hubctl/cost.h"
#include "server/ledger/alone.h"

#define JSON_MAX ((size_t)256 << 20)

static void
add_text(struct buf *b, const char *key, struct str value)
{
	buf_addf(b, "\"%s\":", key);
	buf_add_json(b, value);
	buf_addc(b, ',');
}

static void
add_date(struct buf *b, const char *key, struct wall_us day)
{
	buf_addf(b, "\"%s\":\"", key);
	add_day(b, day, LANG_EN);
	BUF_LIT(b, "\",");
}

/* "key":"word" or "key":null */
static void
add_word(struct buf *b, const char *key, const char *word)
{
	if (word != NULL)
		buf_addf(b, "\"%s\":\"%s\",", key, word);
	else
		buf_addf(b, "\"%s\":null,", key);
}

static void
add_tax(struct buf *b, const struct region_cost *cost)
{
	if (cost->tax == TAX_UNKNOWN) {
		BUF_LIT(b, "\"tax\":null,");
		return;
	}
	BUF_LIT(b, "\"tax\":{");
	add_word(b, "code", tax_code(cost->tax));
	buf_addf(b, "\"percent\":%u,", cost->tax_rate);
	add_text(b, "basis", cost->tax_basis);
	b->len--;
	BUF_LIT(b, "},");
}

void
add_booking(struct buf *b, const struct region_cost *cost)
{
	if (cost->cost_centre.len + cost->cost_unit.len + cost->account.len ==
	    0)
		return;
	BUF_LIT(b, "\"booking\":{");
	add_text(b, "cost_centre", cost->cost_centre);
	add_text(b, "cost_unit", cost->cost_unit);
	add_text(b, "account", cost->account);
	b->len--;
	BUF_LIT(b, "},");
}

static void
add_items(struct buf *b, const struct cost_run *run)
{
	if (run->items == NULL)
		return;
	BUF_LIT(b, "\"items\":[");
	for (unsigned i = 0; i < run->cost->nitems; i++) {
		const struct region_item *item = &run->cost->items[i];

		buf_addf(b, "%s\n {", i > 0 ? "," : "");
		add_text(b, "item", item->name);
		add_text(b, "title", item->title);
		add_word(b, "kind", item->amount.cents < 0 ? "credit" :
							     "charge");
		add_text(b, "voucher", item->voucher);
		add_date(b, "from", item->from);
		add_date(b, "to", item->to);
		buf_addf(b, "\"whole_cents\":%" PRId64 ",\"cents\":%" PRId64
		    "}", item->amount.cents, run->items[i]);
	}
	BUF_LIT(b, "],\n");
}

static void
add_run(struct buf *b, const struct cost_run *run, const char *state)
{
	const struct region_model *m = run->in.model;

	add_text(b, "cost", run->cost->name);
	add_text(b, "title", run->cost->title);
	BUF_LIT(b, "\"currency\":\"EUR\",");
	add_date(b, "from", run->period.from);
	add_date(b, "to", run->period.to);
	buf_addf(b, "\"amount_cents\":%" PRId64 ",\"whole_cents\":%" PRId64 ",",
	    run->in.cents, run->in.whole);
	BUF_LIT(b, "\"model\":{");
	add_text(b, "name", m->name);
	buf_addf(b, "\"version\":%u,", m->version);
	add_text(b, "clause", m->clause);
	add_word(b, "usage_party",
	    m->party == PARTY_CONSUMER ? "consumer" : "provider");
	buf_addf(b, "\"meter\":[%u,%u,%u]},", m->meter.access,
	    m->meter.entity, m->meter.kib);
	add_booking(b, run->cost);
	add_items(b, run);
	add_tax(b, run->cost);
	add_word(b, "bounds",
	    run->bounds_wait ? "waiting"
	    : m->bounded     ? "applied"
			     : NULL);
	BUF_LIT(b, "\"others_milli_units\":");
	add_uint128(b, units_of_others(run));
	BUF_LIT(b, ",");
	add_word(b, "state", state);
}

/* ---- what weights are made of, so that hubverify can make them again; of the
 * members that have a share */

static bool
has_share(const struct cost_run *run, unsigned i)
{
	return (run->result.lines[i].days > 0);
}

static void
add_figures(struct buf *b, const struct cost_run *run, const char *key,
    const uint64_t *figures)
{
	const char *sep = "";

	if (figures == NULL)
		return;
	buf_addf(b, ",\"%s\":[", key);
	for (unsigned i = 0; i < run->result.nmembers; i++)
		if (has_share(run, i)) {
			buf_addf(b, "%s%" PRIu64, sep, figures[i]);
			sep = ",";
		}
	buf_addc(b, ']');
}

static void
add_tiers(struct buf *b, const struct region_component *c)
{
	BUF_LIT(b, ",\"tiers\":[");
	for (unsigned i = 0; i < c->ntiers; i++)
		buf_addf(b, "%s{\"to\":%" PRIu64 ",\"weight\":%u}",
		    i > 0 ? "," : "", c->tiers[i].up_to, c->tiers[i].weight);
	buf_addc(b, ']');
}

static bool
all_have_shares(const struct cost_run *run, uint32_t members)
{
	for (unsigned i = 0; i < run->result.nmembers; i++)
		if ((members & UINT32_C(1) << i) != 0 && !has_share(run, i))
			return (false);
	return (true);
}

static void
add_coalition(struct buf *b, const struct cost_run *run,
    const struct cost_coalition *c)
{
	const char *sep = "";

	BUF_LIT(b, "{\"members\":[");
	for (unsigned i = 0; i < run->result.nmembers; i++)
		if ((c->members & UINT32_C(1) << i) != 0) {
			buf_adds(b, str_of(sep));
			buf_add_json(b, run->in.model->members[i].tenant->name);
			sep = ",";
		}
	buf_addf(b, "],\"cents\":%" PRId64 "}", c->amount.cents);
}

static void
add_coalitions(struct buf *b, const struct cost_run *run,
    const struct region_component *c)
{
	const char *sep = "";

	BUF_LIT(b, ",\"coalitions\":[");
	for (unsigned i = 0; i < c->ncoalitions; i++)
		if (all_have_shares(run, c->coalitions[i].members)) {
			buf_adds(b, str_of(sep));
			add_coalition(b, run, &c->coalitions[i]);
			sep = ",";
		}
	buf_addc(b, ']');
}

static void
add_key(struct buf *b, const struct cost_run *run,
    const struct region_component *c)
{
	add_figures(b, run, "inhabitants", c->inhabitants);
	add_figures(b, run, "given", c->given);
	if (c->key == KEY_STEPDOWN)
		add_tiers(b, c);
	if (c->key == KEY_SHAPLEY)
		add_coalitions(b, run, c);
}

static void
add_components(struct buf *b, const struct cost_run *run)
{
	const struct region_model *m = run->in.model;

	BUF_LIT(b, "\"components\":[");
	for (unsigned c = 0; c < m->ncomponents; c++) {
		if (c > 0)
			buf_addc(b, ',');
		buf_addc(b, '{');
		add_text(b, "name", m->components[c].name);
		add_word(b, "key", key_word(m->components[c].key));
		add_word(b, "on_zero", zero_word(m->components[c].on_zero));
		buf_addf(b, "\"basis_points\":%u,\"cents\":%" PRId64,
		    m->components[c].basis_points, run->result.components[c]);
		add_key(b, run, &m->components[c]);
		buf_addc(b, '}');
	}
	BUF_LIT(b, "],");
}

static void
add_bounds(struct buf *b, const struct cost_run *run,
    const struct allocation_line *line)
{
	if (!run->in.model->bounded || !run->in.bounds || run->in.cents <= 0)
		return;
	buf_addf(b, "\"minimum_cents\":%" PRId64 ",\"maximum_cents\":",
	    line->minimum);
	if (line->maximum == INT64_MAX)
		BUF_LIT(b, "null,");
	else
		buf_addf(b, "%" PRId64 ",", line->maximum);
}

/* Nothing of what is not known. shapley may be NULL. */
static void
add_alone(struct buf *b, const struct cost_run *run, unsigned member,
    const int64_t *shapley)
{
	int64_t alone = alone_cents(run, member);

	if (alone < ALONE_UNKNOWN)
		buf_addf(b, ",\"alone_cents\":%" PRId64, alone);
	if (shapley != NULL)
		buf_addf(b, ",\"shapley_cents\":%" PRId64, shapley[member]);
}

static void
add_member(struct buf *b, const struct cost_run *run, unsigned i,
    const int64_t *shapley)
{
	const struct allocation_line *line = &run->result.lines[i];
	const struct tenant *t = run->in.model->members[i].tenant;

	buf_addc(b, '{');
	add_text(b, "ags", t->ags);
	add_text(b, "tenant", t->name);
	add_text(b, "name", t->title);
	buf_addf(b, "\"days\":%u,\"parts_cents\":[", line->days);
	for (unsigned c = 0; c < run->result.ncomponents; c++)
		buf_addf(b, "%s%" PRId64, c > 0 ? "," : "", line->parts[c]);
	buf_addf(b, "],\"raw_cents\":%" PRId64 ",", line->raw);
	add_bounds(b, run, line);
	add_word(b, "bound", bound_word(line->bound));
	buf_addf(b, "\"share_cents\":%" PRId64, line->share);
	add_alone(b, run, i, shapley);
	buf_addc(b, '}');
}

static const char *const step_names[] = {
	[DID_RANGE] = "days",
	[DID_COMPONENT] = "component",
	[DID_ZERO] = "zero",
	[DID_PART] = "part",
	[DID_RAW] = "raw",
	[DID_ROUND] = "round",
	[DID_TRY] = "attempt",
	[DID_FREEZE] = "freeze",
	[DID_SHARE] = "share",
};

static void
add_step(
    struct buf *b, const struct cost_run *run, const struct allocation_step *s)
{
	const struct region_model *m = run->in.model;
	bool component =
	    s->did == DID_COMPONENT || s->did == DID_ZERO || s->did == DID_PART;
	bool member = s->did != DID_RANGE && s->did != DID_COMPONENT &&
		      s->did != DID_ZERO && s->did != DID_ROUND;

	buf_addc(b, '{');
	add_word(b, "step", step_names[s->did]);
	if (component || s->did == DID_RANGE) {
		add_date(b, "from", run->in.ranges[s->range].from);
		add_date(b, "to", run->in.ranges[s->range].to);
	}
	if (component)
		add_text(b, "component", m->components[s->component].name);
	if (member)
		add_text(b, "tenant", m->members[s->member].tenant->name);
	if (s->round > 0)
		buf_addf(b, "\"round\":%u,", s->round);
	if (s->sum > 0) {
		buf_addf(b, "\"weight\":%" PRIu64 ",\"of\":", s->weight);
		add_uint128(b, s->sum);
		buf_addc(b, ',');
	}
	if (s->did == DID_ROUND)
		buf_addf(b,
		    "\"below_cents\":%" PRId64 ",\"above_cents\":%" PRId64 ",",
		    s->low, s->high);
	if (s->bound != BOUND_NONE)
		add_word(b, "bound", bound_word(s->bound));
	buf_addf(b, "\"cents\":%" PRId64 "}", s->cents);
}

static void
print(struct buf *b)
{
	assert(!b->failed);
	fwrite(b->p, 1, b->len, stdout);
	fputc('\n', stdout);
	buf_clear(b);
}

/* Tax on each notice and on the total: they may differ by some cents. */
static void
add_tax_sums(struct buf *b, const struct cost_run *run)
{
	int64_t notices = tax_on_notices(run),
		total = tax_on(run->in.cents, run->cost->tax_rate);

	buf_addf(b,
	    "\"tax_cents\":{\"notices\":%" PRId64 ",\"total\":%" PRId64
	    ",\"difference\":%" PRId64 "},",
	    notices, total, notices - total);
}

void
add_shares(
    struct buf *b, const struct cost_run *run, bool trace, const char *state)
{
	const char *sep = "";
	int64_t *shapley = xcalloc(run->result.nmembers, sizeof(*shapley));
	bool known = alone_shapley(run, shapley);

	buf_addc(b, '{');
	add_run(b, run, state);
	add_tax_sums(b, run);
	add_components(b, run);
	BUF_LIT(b, "\"shares\":[");
	for (unsigned i = 0; i < run->result.nmembers; i++) {
		if (run->result.lines[i].days == 0)
			continue;
		buf_addf(b, "%s\n ", sep);
		add_member(b, run, i, known ? shapley : NULL);
		sep = ",";
	}
	free(shapley);
	BUF_LIT(b, "]");
	if (trace)
		BUF_LIT(b, ",\n\"trace\":[");
	for (unsigned i = 0; trace && i < run->result.nsteps; i++) {
		buf_addf(b, "%s\n ", i > 0 ? "," : "");
		add_step(b, run, &run->result.steps[i]);
	}
	if (trace)
		BUF_LIT(b, "]");
	BUF_LIT(b, "}");
}

void
shares_json(const struct cost_run *run, bool trace)
{
	struct buf b;

	buf_init(&b, JSON_MAX);
	add_shares(&b, run, trace, "provisional");
	print(&b);
}

/* ---- statement */

static void
add_part(struct buf *b, const struct cost_run *run,
    const struct allocation_step *s, int64_t cents)
{
	const struct region_component *c =
	    &run->in.model->components[s->component];
	bool zero = was_zero(run, s->range, s->component);

	buf_addc(b, '{');
	add_date(b, "from", run->in.ranges[s->range].from);
	add_date(b, "to", run->in.ranges[s->range].to);
	add_text(b, "component", c->name);
	add_word(b, "key", key_word(c->key));
	buf_addf(b, "\"on_zero\":%s,\"weight\":%" PRIu64 ",\"of\":",
	    zero ? "true" : "false", s->weight);
	add_uint128(b, s->sum);
	buf_addf(b, ",\"amount_cents\":%" PRId64 ",\"cents\":%" PRId64 "}",
	    cents, s->cents);
}

static void
add_cost(struct buf *b, const struct cost_run *run, unsigned member)
{
	const struct allocation_line *line = &run->result.lines[member];
	const char *sep = "";
	int64_t cents = 0;

	buf_addc(b, '{');
	add_run(b, run, "provisional");
	buf_addf(b, "\"days\":%u,\"parts\":[", line->days);
	for (unsigned i = 0; i < run->result.nsteps; i++) {
		const struct allocation_step *s = &run->result.steps[i];

		if (s->did == DID_COMPONENT)
			cents = s->cents;
		if (s->did != DID_PART || s->member != member)
			continue;
		buf_addf(b, "%s\n  ", sep);
		add_part(b, run, s, cents);
		sep = ",";
	}
	buf_addf(b, "],\"raw_cents\":%" PRId64 ",", line->raw);
	add_word(b, "bound", bound_word(line->bound));
	buf_addf(b,
	    "\"bounds_cents\":%" PRId64 ",\"share_cents\":%" PRId64
	    ",\"tax_cents\":%" PRId64,
	    line->share - line->raw, line->share,
	    tax_on(line->share, run->cost->tax_rate));
	add_alone(b, run, member, NULL);
	buf_addc(b, '}');
}

void
statement_json(const struct closed *closed, const struct cost_run *runs,
    unsigned n, const struct tenant *tenant)
{
	int64_t sum = closed->share;
	struct buf b;

	buf_init(&b, JSON_MAX);
	buf_addc(&b, '{');
	add_text(&b, "tenant", tenant->name);
	add_text(&b, "ags", tenant->ags);
	add_text(&b, "name", tenant->title);
	BUF_LIT(&b, "\"currency\":\"EUR\",\"costs\":[");
	for (int i = 0; i < PQntuples(closed->costs); i++)
		buf_addf(&b, "%s\n %s", i > 0 ? "," : "",
		    PQgetvalue(closed->costs, i, 0));
	for (unsigned i = 0; i < n; i++) {
		unsigned member = (unsigned)run_member(&runs[i], tenant);

		buf_addf(&b, "%s\n ",
		    i > 0 || PQntuples(closed->costs) > 0 ? "," : "");
		add_cost(&b, &runs[i], member);
		sum += runs[i].result.lines[member].share;
	}
	buf_addf(&b, "],\"share_cents\":%" PRId64 ",\n\"entries\":[", sum);
	for (int i = 0; i < PQntuples(closed->entries); i++)
		buf_addf(&b, "%s\n %s", i > 0 ? "," : "",
		    PQgetvalue(closed->entries, i, 0));
	buf_addf(&b,
	    "],\"corrections_cents\":%" PRId64 ",\"posted_cents\":%" PRId64
	    ",\"deferred_cents\":%" PRId64 "}",
	    closed->corrections, closed->posted, closed->deferred);
	print(&b);
}
