/* server/hubctl/cost_table.c - shares and how they came about, as tables and
 * CSV. A table ends with a line of sums; CSV has none, so that sums made of
 * it do not double (ledger.md §8). */
#include <stdlib.h>

#include "server/hubctl/cost.h"
#include "server/ledger/alone.h"

/* Cells of one row, made in an arena. */
static const char *
cell(struct arena *a, struct buf *b)
{
	const char *text = arena_str(a, buf_str(b)).p;

	buf_reset(b);
	return (text);
}

static const char *
cents_cell(struct arena *a, int64_t cents)
{
	struct buf b;
	const char *text;

	buf_init(&b, 64);
	add_cents(&b, cents, '.');
	text = cell(a, &b);
	buf_clear(&b);
	return (text);
}

/* ---- allocate: a row for each member, a column for each component */

static const struct column share_first[] = {
	{ "ags", "AGS", "AGS", CELL_TEXT },
	{ "name", "NAME", "NAME", CELL_TEXT },
	{ "days", "DAYS", "TAGE", CELL_INT },
};
static const struct column share_last[] = {
	{ "raw", "BEFORE BOUNDS", "VOR GRENZEN", CELL_DECIMAL },
	{ "bound", "BOUND", "GRENZE", CELL_TEXT },
	{ "share", "SHARE", "ANTEIL", CELL_DECIMAL },
};
/* Of what the model says its members would pay on their own. */
static const struct column share_alone[] = {
	{ "alone", "ALONE", "ALLEIN", CELL_DECIMAL },
	{ "shapley", "SHAPLEY", "SHAPLEY", CELL_DECIMAL },
};
#define NALONE (sizeof(share_alone) / sizeof(share_alone[0]))
#define NFIRST (sizeof(share_first) / sizeof(share_first[0]))
#define NLAST  (sizeof(share_last) / sizeof(share_last[0]))

/* How many columns of share_alone there are; the values of the second. */
static size_t
columns_alone(const struct cost_run *run, struct arena *a, int64_t **shapley_r)
{
	int64_t *v = arena_array(a, run->result.nmembers, sizeof(*v));

	*shapley_r = v;
	if (alone_shapley(run, v))
		return (2);
	for (unsigned i = 0; i < run->result.nmembers; i++)
		if (alone_cents(run, i) < ALONE_UNKNOWN)
			return (1);
	return (0);
}

static size_t
share_columns(const struct cost_run *run, size_t nalone, struct arena *a,
    struct column *columns)
{
	const struct region_model *m = run->in.model;
	size_t n = 0;

	for (size_t i = 0; i < NFIRST; i++)
		columns[n++] = share_first[i];
	for (unsigned c = 0; c < m->ncomponents; c++) {
		const char *name = arena_str(a, m->components[c].name).p;

		columns[n++] =
		    (struct column){ name, name, name, CELL_DECIMAL };
	}
	for (size_t i = 0; i < NLAST; i++)
		columns[n++] = share_last[i];
	for (size_t i = 0; i < nalone; i++)
		columns[n++] = share_alone[i];
	return (n);
}

static const char *
alone_cell(const struct cost_run *run, unsigned member, struct arena *a)
{
	int64_t cents = alone_cents(run, member);

	return (cents < ALONE_UNKNOWN ? cents_cell(a, cents) : NULL);
}

static void
add_member(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    unsigned i, int64_t shapley, struct arena *a, const char **cells)
{
	const struct allocation_line *line = &run->result.lines[i];
	const struct tenant *tenant = run->in.model->members[i].tenant;
	size_t n = 0;

	cells[n++] = arena_str(a, tenant->ags).p;
	cells[n++] = arena_str(a, tenant->title).p;
	cells[n++] = arena_printf(a, "%u", line->days);
	for (unsigned c = 0; c < run->result.ncomponents; c++)
		cells[n++] = cents_cell(a, line->parts[c]);
	cells[n++] = cents_cell(a, line->raw);
	cells[n++] = bound_phrase(line->bound, ctl->lang);
	cells[n++] = cents_cell(a, line->share);
	/* The table takes as many as it has columns. */
	cells[n++] = alone_cell(run, i, a);
	cells[n++] = cents_cell(a, shapley);
	table_add(t, cells);
}

static void
add_sums(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    struct arena *a, const char **cells)
{
	size_t n = 0;

	cells[n++] = NULL;
	cells[n++] = ctl->lang == LANG_DE ? "Summe" : "sum";
	cells[n++] = NULL;
	for (unsigned c = 0; c < run->result.ncomponents; c++)
		cells[n++] = cents_cell(a, run->result.components[c]);
	cells[n++] = cents_cell(a, run->in.cents);
	cells[n++] = NULL;
	cells[n++] = cents_cell(a, run->in.cents);
	cells[n++] = NULL;
	cells[n++] = cents_cell(a, run->in.cents);
	table_add(t, cells);
}

void
shares_table(const struct ctl *ctl, const struct cost_run *run)
{
	struct column columns[COST_COMPONENTS_MAX + NFIRST + NLAST + NALONE];
	const char *cells[COST_COMPONENTS_MAX + NFIRST + NLAST + NALONE];
	struct arena *a = arena_new();
	int64_t *shapley;
	size_t nalone = columns_alone(run, a, &shapley);
	struct table *t =
	    table_new(columns, share_columns(run, nalone, a, columns));

	for (unsigned i = 0; i < run->result.nmembers; i++)
		if (run->result.lines[i].days > 0)
			add_member(t, ctl, run, i, shapley[i], a, cells);
	if (ctl->output == OUTPUT_TABLE)
		add_sums(t, ctl, run, a, cells);
	table_print_take(t, ctl);
	arena_free(a);
}

/* ---- the trace: a row for each step */

static const struct column trace_columns[] = {
	{ "step", "STEP", "SCHRITT", CELL_TEXT },
	{ "component", "COMPONENT", "BESTANDTEIL", CELL_TEXT },
	{ "member", "MEMBER", "MITGLIED", CELL_TEXT },
	{ "weight", "WEIGHT", "GEWICHT", CELL_DECIMAL },
	{ "of", "OF", "VON", CELL_DECIMAL },
	{ "amount", "AMOUNT", "BETRAG", CELL_DECIMAL },
	{ "note", "NOTE", "ERLÄUTERUNG", CELL_TEXT },
};
enum { T_STEP, T_COMPONENT, T_MEMBER, T_WEIGHT, T_OF, T_AMOUNT, T_NOTE, T_MAX };

static const struct {
	const char *en, *de;
	bool component, member, weight;
} step_words[] = {
	[DID_RANGE] = { "days", "Zeitraum", false, false, true },
	[DID_COMPONENT] = { "component", "Bestandteil", true, false, true },
	[DID_ZERO] = { "no weights", "ohne Gewichte", true, false, false },
	[DID_PART] = { "part", "Teil", true, true, true },
	[DID_RAW] = { "before bounds", "vor Grenzen", false, true, false },
	[DID_ROUND] = { "round", "Runde", false, false, false },
	[DID_TRY] = { "attempt", "Versuch", false, true, false },
	[DID_FREEZE] = { "fixed", "festgelegt", false, true, false },
	[DID_SHARE] = { "share", "Anteil", false, true, false },
};

static void
add_range_note(struct buf *b, const struct cost_run *run, unsigned range,
    enum ctl_lang lang)
{
	add_day(b, run->in.ranges[range].from, lang);
	buf_adds(b, str_of(lang == LANG_DE ? " bis " : " to "));
	add_day(b, run->in.ranges[range].to, lang);
}

static void
add_round_note(
    struct buf *b, const struct allocation_step *s, enum ctl_lang lang)
{
	bool de = lang == LANG_DE;

	buf_addf(b,
	    de ? "Runde %u: unter Mindestbeträgen fehlen "
	       : "round %u: below minima are missing ",
	    s->round);
	add_cents(b, s->low, de ? ',' : '.');
	buf_adds(b,
	    str_of(de ? ", über Höchstbeträgen sind " : ", above maxima are "));
	add_cents(b, s->high, de ? ',' : '.');
}

static void
add_note(struct buf *b, const struct cost_run *run,
    const struct allocation_step *s, enum ctl_lang lang)
{
	const struct region_component *c =
	    &run->in.model->components[s->component];
	bool de = lang == LANG_DE;

	switch (s->did) {
	case DID_RANGE:
		add_range_note(b, run, s->range, lang);
		break;
	case DID_COMPONENT:
		buf_adds(b, str_of(key_phrase(c, false, lang)));
		break;
	case DID_ZERO:
		buf_adds(b, str_of(de ? "statt dessen: " : "instead: "));
		buf_adds(b, str_of(key_phrase(c, true, lang)));
		break;
	case DID_ROUND:
		add_round_note(b, s, lang);
		break;
	case DID_TRY:
		buf_addf(b, de ? "Runde %u" : "round %u", s->round);
		break;
	case DID_FREEZE:
	case DID_SHARE:
		buf_adds(b, str_of(bound_phrase(s->bound, lang)));
		break;
	case DID_PART:
	case DID_RAW:
		break;
	}
}

static void
weigh_step(const struct cost_run *run, const struct allocation_step *s,
    struct arena *a, struct buf *b, const char **cells)
{
	static const struct region_component plain = { .key = KEY_EQUAL };
	bool part = s->did == DID_PART;
	const struct region_component *c =
	    part ? &run->in.model->components[s->component] : &plain;
	bool zero = part && was_zero(run, s->range, s->component);

	add_weight(b, c, zero, s->weight);
	cells[T_WEIGHT] = cell(a, b);
	add_weight(b, c, zero, s->sum);
	cells[T_OF] = cell(a, b);
}

static void
add_step(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    const struct allocation_step *s, struct arena *a)
{
	const struct region_model *m = run->in.model;
	const char *cells[T_MAX] = { NULL };
	struct buf b;

	buf_init(&b, 4096);
	cells[T_STEP] = ctl->lang == LANG_DE ? step_words[s->did].de
					     : step_words[s->did].en;
	if (step_words[s->did].component)
		cells[T_COMPONENT] =
		    arena_str(a, m->components[s->component].name).p;
	if (step_words[s->did].member)
		cells[T_MEMBER] =
		    arena_str(a, m->members[s->member].tenant->title).p;
	if (step_words[s->did].weight)
		weigh_step(run, s, a, &b, cells);
	if (s->did != DID_ZERO)
		cells[T_AMOUNT] = cents_cell(a, s->cents);
	add_note(&b, run, s, ctl->lang);
	cells[T_NOTE] = cell(a, &b);
	table_add(t, cells);
	buf_clear(&b);
}

/* What falls into the period of each item. */
static void
add_items(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    struct arena *a)
{
	for (unsigned i = 0; run->items != NULL && i < run->cost->nitems; i++) {
		const struct region_item *item = &run->cost->items[i];
		const char *cells[T_MAX] = { NULL };
		bool both = item->voucher.len > 0 && item->title.len > 0;

		cells[T_STEP] = ctl->lang == LANG_DE ? "Position" : "item";
		cells[T_COMPONENT] = arena_str(a, item->name).p;
		cells[T_AMOUNT] = cents_cell(a, run->items[i]);
		cells[T_NOTE] = arena_printf(a, "%.*s%s%.*s",
		    STR_FMT(item->voucher), both ? ", " : "",
		    STR_FMT(item->title));
		table_add(t, cells);
	}
}

void
trace_table(const struct ctl *ctl, const struct cost_run *run)
{
	struct table *t = table_new(trace_columns, T_MAX);
	struct arena *a = arena_new();

	if (ctl->output == OUTPUT_TABLE)
		fputc('\n', stdout);
	add_items(t, ctl, run, a);
	for (unsigned i = 0; i < run->result.nsteps; i++)
		add_step(t, ctl, run, &run->result.steps[i], a);
	table_print_take(t, ctl);
	arena_free(a);
}

/* ---- statement: a row for each component of each cost */

static const struct column statement_columns[] = {
	{ "cost", "COST", "KOSTEN", CELL_TEXT },
	{ "from", "FROM", "VON", CELL_DATE },
	{ "to", "TO", "BIS", CELL_DATE },
	{ "component", "COMPONENT", "BESTANDTEIL", CELL_TEXT },
	{ "key", "SHARED BY", "SCHLÜSSEL", CELL_TEXT },
	{ "weight", "WEIGHT", "GEWICHT", CELL_DECIMAL },
	{ "weights", "ALL WEIGHTS", "ALLE GEWICHTE", CELL_DECIMAL },
	{ "amount", "TO SHARE", "ZU TEILEN", CELL_DECIMAL },
	{ "share", "SHARE", "ANTEIL", CELL_DECIMAL },
	/* Tables for people have it above. */
	{ "model", "MODEL", "MODELL", CELL_TEXT },
	{ "clause", "CLAUSE", "GRUNDLAGE", CELL_TEXT },
};
enum {
	S_COST,
	S_FROM,
	S_TO,
	S_COMPONENT,
	S_KEY,
	S_WEIGHT,
	S_WEIGHTS,
	S_AMOUNT,
	S_SHARE,
	S_MODEL,
	S_CLAUSE,
	S_MAX
};

static const char *
day_cell(struct arena *a, struct wall_us day)
{
	struct buf b;
	const char *text;

	buf_init(&b, 64);
	add_day(&b, day, LANG_EN);
	text = cell(a, &b);
	buf_clear(&b);
	return (text);
}

static void
add_basis(const struct cost_run *run, struct arena *a, const char **cells)
{
	const struct region_model *m = run->in.model;

	cells[S_MODEL] =
	    arena_printf(a, "%.*s %u", STR_FMT(m->name), m->version);
	cells[S_CLAUSE] = arena_str(a, m->clause).p;
}

static void
add_part(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    const struct allocation_step *s, int64_t cents, struct arena *a)
{
	const struct region_component *c =
	    &run->in.model->components[s->component];
	const struct period *range = &run->in.ranges[s->range];
	bool zero = was_zero(run, s->range, s->component);
	const char *cells[S_MAX];
	struct buf b;

	buf_init(&b, 4096);
	cells[S_COST] = arena_str(a, run->cost->name).p;
	cells[S_FROM] = day_cell(a, range->from);
	cells[S_TO] = day_cell(a, range->to);
	cells[S_COMPONENT] = arena_str(a, c->name).p;
	cells[S_KEY] = key_phrase(c, zero, ctl->lang);
	add_weight(&b, c, zero, s->weight);
	cells[S_WEIGHT] = cell(a, &b);
	add_weight(&b, c, zero, s->sum);
	cells[S_WEIGHTS] = cell(a, &b);
	cells[S_AMOUNT] = cents_cell(a, cents);
	cells[S_SHARE] = cents_cell(a, s->cents);
	add_basis(run, a, cells);
	table_add(t, cells);
	buf_clear(&b);
}

/* What is no component. */
static const char *
line_word(const char *key, enum ctl_lang lang)
{
	static const char *const words[][3] = {
		{ "bounds", "bounds", "Grenzen" },
		{ "instalment", "instalment", "Abschlag" },
		{ "alone", "alone", "allein" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], key) == 0)
			return (words[i][lang == LANG_DE ? 2 : 1]);
	return (key);
}

/* What minimum and maximum did to the share, be it that of others. */
static void
add_bounds(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    const struct allocation_line *line, struct arena *a)
{
	const char *cells[S_MAX] = { NULL };

	cells[S_COST] = arena_str(a, run->cost->name).p;
	cells[S_FROM] = day_cell(a, run->period.from);
	cells[S_TO] = day_cell(a, run->period.to);
	cells[S_COMPONENT] = line_word("bounds", ctl->lang);
	cells[S_KEY] =
	    line->bound != BOUND_NONE ? bound_phrase(line->bound, ctl->lang)
	    : ctl->lang == LANG_DE    ? "Ausgleich der Grenzen anderer"
				      : "to make up for the bounds of others";
	cells[S_SHARE] = cents_cell(a, line->share - line->raw);
	add_basis(run, a, cells);
	table_add(t, cells);
}

/* A row beside the shares, without one: sums do not have it. */
static void
add_alone(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    unsigned member, struct arena *a)
{
	const char *cells[S_MAX] = { NULL };

	cells[S_AMOUNT] = alone_cell(run, member, a);
	if (cells[S_AMOUNT] == NULL)
		return;
	cells[S_COST] = arena_str(a, run->cost->name).p;
	cells[S_FROM] = day_cell(a, run->period.from);
	cells[S_TO] = day_cell(a, run->period.to);
	cells[S_COMPONENT] = line_word("alone", ctl->lang);
	cells[S_KEY] = word_phrase("alone", ctl->lang);
	add_basis(run, a, cells);
	table_add(t, cells);
}

static void
add_cost(struct table *t, const struct ctl *ctl, const struct cost_run *run,
    unsigned member, struct arena *a)
{
	const struct allocation_line *line = &run->result.lines[member];
	int64_t cents = 0;

	for (unsigned i = 0; i < run->result.nsteps; i++) {
		const struct allocation_step *s = &run->result.steps[i];

		if (s->did == DID_COMPONENT)
			cents = s->cents;
		else if (s->did == DID_PART && s->member == member)
			add_part(t, ctl, run, s, cents, a);
	}
	if (line->share != line->raw)
		add_bounds(t, ctl, run, line, a);
	add_alone(t, ctl, run, member, a);
}

/* Cells come in the table's order; words of the ledger become phrases. */
static void
add_closed(struct table *t, const struct ctl *ctl, const PGresult *lines)
{
	const char *cells[S_MAX];

	for (int i = 0; i < PQntuples(lines); i++) {
		for (int c = 0; c < S_MAX; c++)
			cells[c] = PQgetisnull(lines, i, c) ?
			    NULL :
			    PQgetvalue(lines, i, c);
		if (cells[S_COMPONENT][0] == '(')
			cells[S_COMPONENT] = line_word(cells[S_KEY],
			    ctl->lang);
		cells[S_KEY] = word_phrase(cells[S_KEY], ctl->lang);
		table_add(t, cells);
	}
}

void
statement_table(const struct ctl *ctl, const struct closed *closed,
    const struct cost_run *runs, unsigned n, const struct tenant *tenant)
{
	struct table *t = table_new(
	    statement_columns, ctl->output == OUTPUT_TABLE ? S_MODEL : S_MAX);
	const char *cells[S_MAX] = { NULL };
	struct arena *a = arena_new();
	int64_t sum = closed->share;

	if (ctl->output == OUTPUT_TABLE)
		closed_head(ctl, closed);
	add_closed(t, ctl, closed->lines);
	for (unsigned i = 0; i < n; i++) {
		unsigned member = (unsigned)run_member(&runs[i], tenant);

		if (ctl->output == OUTPUT_TABLE)
			print_head(ctl, &runs[i]);
		add_cost(t, ctl, &runs[i], member, a);
		sum += runs[i].result.lines[member].share;
	}
	if (ctl->output == OUTPUT_TABLE) {
		cells[S_COST] = ctl->lang == LANG_DE ? "Summe" : "sum";
		cells[S_KEY] = arena_str(a, tenant->title).p;
		cells[S_SHARE] = cents_cell(a, sum);
		table_add(t, cells);
	}
	table_print_take(t, ctl);
	if (ctl->output == OUTPUT_TABLE)
		closed_entries(ctl, closed);
	arena_free(a);
}
