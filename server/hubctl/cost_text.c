/* server/hubctl/cost_text.c - the words and figures of shares, in German and
 * English. */
#include <inttypes.h>

#include "server/hubctl/cost.h"
#include "server/hubctl/progress.h"
#include "server/ledger/alone.h"

void
add_uint128(struct buf *b, uint128 n)
{
	char digits[40];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + (int)(n % 10));
		n /= 10;
	} while (n > 0);
	buf_add(b, digits + at, sizeof(digits) - at);
}

/* n parts of ten to the power of places. */
static void
add_decimal(struct buf *b, uint128 n, unsigned places, char mark)
{
	uint128 one = places == 3 ? 1000 : 100;
	unsigned rest = (unsigned)(n % one);

	add_uint128(b, n / one);
	buf_addf(b, places == 3 ? "%c%03u" : "%c%02u", mark, rest);
}

void
add_cents(struct buf *b, int64_t cents, char mark)
{
	if (cents < 0)
		buf_addc(b, '-');
	add_decimal(b, cents < 0 ? -(uint64_t)cents : (uint64_t)cents, 2, mark);
}

void
add_day(struct buf *b, struct wall_us day, enum ctl_lang lang)
{
	char text[WALL_STR_MAX];

	wall_format(day, text);
	if (lang == LANG_DE)
		buf_addf(b, "%.2s.%.2s.%.4s", text + 8, text + 5, text);
	else
		buf_addf(b, "%.10s", text);
}

/* ---- keys */

static const struct key_words {
	const char *word, *en, *de;
} keys[] = {
	[KEY_EQUAL] = { "equal", "equal parts", "gleiche Teile" },
	[KEY_POPULATION] = { "population", "inhabitants", "Einwohner" },
	[KEY_USAGE] = { "usage", "units used", "genutzte Einheiten" },
	[KEY_PREVIOUS_USAGE] = { "previous-year-usage",
	    "units used in the year before",
	    "genutzte Einheiten des Vorjahres" },
	[KEY_FIXED] = { "fixed", "fixed amounts", "feste Beträge" },
	[KEY_WEIGHTS] = { "weights", "agreed weights", "vereinbarte Gewichte" },
	[KEY_STEPDOWN] = { "stepdown", "inhabitants in tiers",
	    "Einwohner nach Staffel" },
	[KEY_SHAPLEY] = { "shapley", "Shapley value", "Shapley-Wert" },
};

static enum cost_key
key_used(const struct region_component *c, bool zero)
{
	if (!zero)
		return (c->key);
	return (c->on_zero == ZERO_POPULATION ? KEY_POPULATION : KEY_EQUAL);
}

const char *
key_word(enum cost_key key)
{
	return (keys[key].word);
}

const char *
zero_word(enum cost_zero zero)
{
	static const char *const words[] = { [ZERO_ERROR] = "error",
		[ZERO_EQUAL] = "equal", [ZERO_POPULATION] = "population" };

	return (words[zero]);
}

const char *
word_phrase(const char *word, enum ctl_lang lang)
{
	static const struct key_words more[] = {
		{ "bounds", "minimum and maximum, or to make up for those of "
			    "others", "Mindest- und Höchstbetrag, oder "
			    "Ausgleich derer von anderen" },
		{ "alone", "for comparison: what it would cost alone",
		    "zum Vergleich: was es allein kosten würde" },
		{ "instalment", "a twelfth of the planned year",
		    "Abschlag auf das geplante Jahr" },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].word, word) == 0)
			return (lang == LANG_DE ? keys[i].de : keys[i].en);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (strcmp(more[i].word, word) == 0)
			return (lang == LANG_DE ? more[i].de : more[i].en);
	return (word);
}

const char *
key_phrase(const struct region_component *c, bool zero, enum ctl_lang lang)
{
	const struct key_words *k = &keys[key_used(c, zero)];

	return (lang == LANG_DE ? k->de : k->en);
}

void
add_weight(
    struct buf *b, const struct region_component *c, bool zero, uint128 weight)
{
	switch (key_used(c, zero)) {
	case KEY_USAGE:
	case KEY_PREVIOUS_USAGE:
		add_decimal(b, weight, 3, '.');
		break;
	case KEY_FIXED:
		add_decimal(b, weight, 2, '.');
		break;
	default:
		add_uint128(b, weight);
		break;
	}
}

bool
was_zero(const struct cost_run *run, unsigned range, unsigned component)
{
	for (unsigned i = 0; i < run->result.nsteps; i++) {
		const struct allocation_step *s = &run->result.steps[i];

		if (s->did == DID_ZERO && s->range == range &&
		    s->component == component)
			return (true);
	}
	return (false);
}

static const struct bound_words {
	const char *word, *en, *de;
} bounds[] = {
	[BOUND_NONE] = { NULL, "", "" },
	[BOUND_MINIMUM] = { "minimum", "minimum", "Mindestbetrag" },
	[BOUND_MAXIMUM] = { "maximum", "maximum", "Höchstbetrag" },
};

const char *
bound_word(enum allocation_bound bound)
{
	return (bounds[bound].word);
}

const char *
bound_phrase(enum allocation_bound bound, enum ctl_lang lang)
{
	return (lang == LANG_DE ? bounds[bound].de : bounds[bound].en);
}

/* ---- faults */

static const char *const fault_words[] = {
	[FAULT_NONE] = "",
	[FAULT_ZERO_WEIGHT] = "LEDGER_ZERO_WEIGHT: nobody has a weight in",
	[FAULT_INFEASIBLE] = "LEDGER_INFEASIBLE: minima and maxima",
	[FAULT_FIXED] = "LEDGER_FIXED: the amounts of",
	[FAULT_SHAPLEY] = "LEDGER_SHAPLEY: a value is below zero in",
	[FAULT_NO_MEMBER] = "LEDGER_NO_MEMBER: nobody is a member from",
};

static void
add_fault(
    struct buf *b, const struct cost_run *run, const struct allocation_why *why)
{
	const struct region_model *m = run->in.model;
	const struct period *range = &run->in.ranges[why->range];

	buf_addf(b, "%s ", fault_words[why->fault]);
	switch (why->fault) {
	case FAULT_INFEASIBLE:
		BUF_LIT(b, "allow ");
		add_cents(b, why->low, '.');
		if (why->high < INT64_MAX) {
			BUF_LIT(b, " to ");
			add_cents(b, why->high, '.');
		} else
			BUF_LIT(b, " or more");
		BUF_LIT(b, ", to share are ");
		add_cents(b, run->in.cents, '.');
		break;
	case FAULT_NO_MEMBER:
		add_day(b, range->from, LANG_EN);
		BUF_LIT(b, " to ");
		add_day(b, range->to, LANG_EN);
		break;
	case FAULT_FIXED:
		buf_addf(b, "component %.*s sum to ",
		    STR_FMT(m->components[why->component].name));
		add_cents(b, why->low, '.');
		BUF_LIT(b, ", the component is ");
		add_cents(b, why->high, '.');
		break;
	case FAULT_NONE:
	case FAULT_ZERO_WEIGHT:
	case FAULT_SHAPLEY:
		buf_addf(b, "component %.*s",
		    STR_FMT(m->components[why->component].name));
		break;
	}
}

void
say_fault(const struct cost_run *run, const struct allocation_why *why)
{
	struct buf b;

	buf_init(&b, 4096);
	add_fault(&b, run, why);
	ctl_warn("cost %.*s, model %.*s: %s", STR_FMT(run->cost->name),
	    STR_FMT(run->in.model->name), buf_cstr(&b));
	buf_clear(&b);
}

/* ---- tax */

const char *
tax_code(enum cost_tax tax)
{
	static const char *const codes[] = { [TAX_UNKNOWN] = NULL,
		[TAX_STANDARD] = "S", [TAX_EXEMPT] = "E",
		[TAX_OUTSIDE] = "O" };

	return (codes[tax]);
}

int64_t
tax_on_notices(const struct cost_run *run)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < run->result.nmembers; i++)
		sum += tax_on(
		    run->result.lines[i].share, run->cost->tax_rate);
	return (sum);
}

void
add_tax_line(struct buf *b, const char *code, unsigned percent,
    struct str basis, enum ctl_lang lang)
{
	static const struct {
		const char *code, *en, *de;
	} words[] = { { "S", "subject to tax", "steuerpflichtig" },
		{ "E", "exempt", "steuerfrei" },
		{ "O", "not taxable", "nicht steuerbar" } };

	buf_adds(b, str_of(lang == LANG_DE ? "Umsatzsteuer: " :
					     "Value added tax: "));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].code, code) == 0)
			buf_adds(b, str_of(lang == LANG_DE ? words[i].de :
							     words[i].en));
	if (percent > 0)
		buf_addf(b, ", %u %%", percent);
	buf_addf(b, " (%s, ", code);
	buf_adds(b, basis);
	BUF_LIT(b, ")");
}

/* The sum of notices is not the tax on their sum: both, and why. */
static void
add_tax(struct buf *b, const struct cost_run *run, enum ctl_lang lang)
{
	const struct region_cost *cost = run->cost;
	int64_t notices = tax_on_notices(run),
		total = tax_on(run->in.cents, cost->tax_rate);
	bool de = lang == LANG_DE;

	if (cost->tax == TAX_UNKNOWN)
		return;
	add_tax_line(b, tax_code(cost->tax), cost->tax_rate, cost->tax_basis,
	    lang);
	BUF_LIT(b, "\n");
	if (cost->tax != TAX_STANDARD)
		return;
	buf_adds(b, str_of(de ? "Steuer je Bescheid, zusammen: " :
				"Tax of each notice, together: "));
	add_cents(b, notices, de ? ',' : '.');
	buf_adds(b, str_of(de ? " EUR; auf die Summe: " :
				" EUR; on the total: "));
	add_cents(b, total, de ? ',' : '.');
	buf_adds(b, str_of(de ? " EUR; Unterschied " : " EUR; difference "));
	add_cents(b, notices - total, de ? ',' : '.');
	buf_adds(b, str_of(de ? " EUR, weil jeder Bescheid für sich auf Cent "
				"gerundet wird.\n" :
				" EUR, since each notice is rounded to the "
				"cent.\n"));
}

/* ---- what it is made of and where it is booked */

static void
add_items(struct buf *b, const struct cost_run *run, enum ctl_lang lang)
{
	bool de = lang == LANG_DE;
	int64_t sums[2] = { 0, 0 }; /* charges, credits */

	if (run->items == NULL)
		return;
	for (unsigned i = 0; i < run->cost->nitems; i++)
		sums[run->items[i] < 0] += run->items[i];
	buf_addf(b, de ? "%u Positionen: Belastungen " :
			 "%u items: charges ", run->cost->nitems);
	add_cents(b, sums[0], de ? ',' : '.');
	buf_adds(b, str_of(de ? " EUR, Gutschriften " : " EUR, credits "));
	add_cents(b, sums[1], de ? ',' : '.');
	BUF_LIT(b, " EUR\n");
}

static void
add_accounts(struct buf *b, const struct region_cost *cost, enum ctl_lang lang)
{
	const struct {
		const char *en, *de;
		struct str value;
	} v[] = { { "cost centre", "Kostenstelle", cost->cost_centre },
		{ "cost unit", "Kostenträger", cost->cost_unit },
		{ "account", "Sachkonto", cost->account } };
	size_t before = b->len;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (v[i].value.len == 0)
			continue;
		buf_addf(b, "%s%s ", b->len > before ? ", " : "",
		    lang == LANG_DE ? v[i].de : v[i].en);
		buf_adds(b, v[i].value);
	}
	if (b->len > before)
		BUF_LIT(b, "\n");
}

/* ---- the head of a table */

static void
add_period(struct buf *b, struct period p, enum ctl_lang lang)
{
	add_day(b, p.from, lang);
	buf_adds(b, lang == LANG_DE ? STR(" bis ") : STR(" to "));
	add_day(b, p.to, lang);
}

uint128
units_of_others(const struct cost_run *run)
{
	uint128 sum = 0;

	for (unsigned i = 0; i < run->in.nranges; i++)
		sum += (uint128)run->others[i] + run->previous_others[i];
	return (sum);
}

/* Is a share at most what the member would pay alone? */
static void
add_alone(struct buf *b, const struct cost_run *run, enum ctl_lang lang)
{
	bool de = lang == LANG_DE;
	unsigned known = 0, above = 0;

	for (unsigned i = 0; i < run->result.nmembers; i++)
		known += run->result.lines[i].days > 0 &&
		    alone_cents(run, i) < ALONE_UNKNOWN;
	if (known == 0)
		return;
	buf_adds(b, str_of(de ? "Mehr als allein zahlt: " :
				"More than alone pays: "));
	for (unsigned i = 0; i < run->result.nmembers; i++) {
		if (run->result.lines[i].share <= alone_cents(run, i))
			continue;
		buf_adds(b, above++ > 0 ? STR(", ") : STR(""));
		buf_adds(b, run->in.model->members[i].tenant->title);
	}
	if (above == 0)
		buf_adds(b, str_of(de ? "niemand" : "nobody"));
	buf_addf(b, de ? " (bekannt für %u von %u)\n" :
			 " (known of %u of %u)\n", known, run->result.nmembers);
}

static void
add_notes(struct buf *b, const struct cost_run *run, enum ctl_lang lang)
{
	uint128 others = units_of_others(run);
	bool de = lang == LANG_DE;

	if (run->bounds_wait)
		buf_adds(b, str_of(de ? "Mindest- und Höchstbetrag gelten für "
					"das Jahr und sind "
					"in diesem Monat nicht angewandt.\n"
				      : "Minimum and maximum are for the year; "
					"they are not "
					"applied to this month.\n"));
	if (others > 0) {
		buf_adds(b, str_of(de ? "Nutzung von Nichtmitgliedern: "
				      : "Used by others than members: "));
		add_decimal(b, others, 3, de ? ',' : '.');
		buf_adds(b, str_of(de ? " Einheiten, nicht umgelegt.\n"
				      : " units, not part of any share.\n"));
	}
	add_alone(b, run, lang);
	buf_adds(
	    b, str_of(de ? "Vorläufig: berechnet aus dem, was bis jetzt "
			   "gezählt ist.\n"
			 : "Provisional: made of what is counted so far.\n"));
}

void
print_head(const struct ctl *ctl, const struct cost_run *run)
{
	const struct region_model *m = run->in.model;
	bool de = ctl->lang == LANG_DE;
	struct buf b;

	buf_init(&b, 65536);
	buf_addf(&b, "%.*s: ", STR_FMT(run->cost->name));
	buf_adds(&b, run->cost->title);
	BUF_LIT(&b, "\n");
	add_period(&b, run->period, ctl->lang);
	BUF_LIT(&b, ": ");
	add_cents(&b, run->in.cents, de ? ',' : '.');
	BUF_LIT(&b, " EUR");
	if (run->in.cents != run->in.whole) {
		buf_adds(&b, str_of(de ? " von " : " of "));
		add_cents(&b, run->in.whole, de ? ',' : '.');
		BUF_LIT(&b, " EUR (");
		add_period(&b,
		    (struct period){ run->cost->from, run->cost->to },
		    ctl->lang);
		BUF_LIT(&b, ")");
	}
	buf_addf(&b,
	    de ? "\nModell %.*s, Version %u" : "\nModel %.*s, version %u",
	    STR_FMT(m->name), m->version);
	if (m->clause.len > 0) {
		BUF_LIT(&b, ", ");
		buf_adds(&b, m->clause);
	}
	BUF_LIT(&b, "\n");
	add_items(&b, run, ctl->lang);
	add_accounts(&b, run->cost, ctl->lang);
	add_tax(&b, run, ctl->lang);
	add_notes(&b, run, ctl->lang);
	progress_end();
	fwrite(b.p, 1, b.len, stdout);
	fputc('\n', stdout);
	buf_clear(&b);
}
