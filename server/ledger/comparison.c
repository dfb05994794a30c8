/* server/ledger/comparison.c - ways of having a platform, compared;
 * comparison.h says what it promises. */
#include "server/ledger/comparison.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "server/ledger/notice.h"
#include "server/ledger/report.h"

const unsigned comparison_years[COMPARISON_YEARS] = { 1, 3, 5, 10 };
#define CROSSING_MAX 50

#define NO     COMPARISON_UNKNOWN
#define TEXT(s) { (s), sizeof(s) - 1 }
#define ROW(n, en, de, once, year, own, heads)                                \
	{ .name = TEXT(n), .title = TEXT(en), .title_de = TEXT(de),           \
	    .setup = (once), .yearly = (year), .staff = NO, .alone = (own),   \
	    .inhabitants = (heads) }

/* Of the tender: the amounts of KDN are known, not what they buy; C is the
 * share of the worked example. */
static const struct scenario usual[] = {
	ROW("A-low", "own operation, low", "eigener Betrieb, günstig", 5500000,
	    5000000, NO, 46340),
	ROW("A-middle", "own operation, middle", "eigener Betrieb, mittel",
	    5500000, 5500000, NO, 46340),
	ROW("A-high", "own operation, high", "eigener Betrieb, teuer", 5500000,
	    6000000, NO, 46340),
	ROW("B1", "KDN minimum, paid once, fee unknown",
	    "KDN-Mindestbetrag, einmalig, Entgelt unbekannt", 2500000, NO, NO,
	    46340),
	ROW("B2", "KDN minimum, if yearly", "KDN-Mindestbetrag, falls jährlich",
	    0, 2500000, NO, 46340),
	ROW("B3", "KDN as Dortmund, paid once, fee unknown",
	    "KDN wie Dortmund, einmalig, Entgelt unbekannt", 15000000, NO, NO,
	    46340),
	ROW("B4", "KDN as Dortmund, if yearly",
	    "KDN wie Dortmund, falls jährlich", 0, 15000000, NO, 46340),
	ROW("C", "co-use: Schwerte's share and all of the set-up",
	    "Mitnutzung: Anteil von Schwerte und die ganze Einrichtung",
	    5500000, 1000000, 5500000, 46340),
	ROW("C-unna", "co-use: Unna's share, no set-up",
	    "Mitnutzung: Anteil von Unna, ohne Einrichtung", 0, 858303,
	    5500000, 58633),
};

struct str
scenario_title(const struct scenario *s, bool german)
{
	return (german && s->title_de.len > 0 ? s->title_de : s->title);
}

void
comparison_default(struct comparison *c)
{
	c->n = sizeof(usual) / sizeof(usual[0]);
	for (unsigned i = 0; i < c->n; i++)
		c->v[i] = usual[i];
}

int64_t
scenario_total(const struct scenario *s, unsigned years, unsigned *years_r,
    bool *setup_r)
{
	int64_t sum = s->setup == NO ? 0 : s->setup;

	*setup_r = s->setup == NO;
	*years_r = s->yearly == NO ? years : 0;
	/* At most 10^12 * (1 + CROSSING_MAX): far from the end of int64. */
	return (s->yearly == NO ? sum : sum + s->yearly * (int64_t)years);
}

static void
add_cents(struct buf *b, int64_t cents, char mark)
{
	buf_addf(b, "%" PRId64 "%c%02" PRId64, cents / 100, mark, cents % 100);
}

static void
add_sum(struct buf *b, int64_t cents, enum scenario_form form)
{
	if (form == SCENARIO_PAGE || form == SCENARIO_PAGE_DE)
		notice_amount(b, cents, form == SCENARIO_PAGE_DE);
	else
		add_cents(b, cents, form == SCENARIO_DE ? ',' : '.');
}

void
scenario_cell(const struct scenario *s, unsigned years,
    enum scenario_form form, struct buf *b)
{
	unsigned unknown;
	bool setup;
	int64_t sum = scenario_total(s, years, &unknown, &setup);
	size_t begun = b->len;

	if (setup)
		buf_addc(b, 's');
	if (sum > 0 || (!setup && unknown == 0)) {
		if (b->len > begun)
			buf_addc(b, '+');
		add_sum(b, sum, form);
	}
	if (unknown == 0)
		return;
	if (b->len > begun)
		buf_addc(b, '+');
	if (unknown > 1)
		buf_addf(b, "%u", unknown);
	buf_addc(b, 'f');
}

bool
scenario_break_even(const struct scenario *s, const struct scenario *other,
    int64_t *cents_r)
{
	unsigned mine, theirs;
	bool my_setup, their_setup;
	int64_t fixed = scenario_total(s, COMPARISON_SPAN, &mine, &my_setup);
	int64_t sum = scenario_total(other, COMPARISON_SPAN, &theirs,
	    &their_setup);

	if (mine == 0 || my_setup || theirs != 0 || their_setup ||
	    sum < fixed)
		return (false);
	*cents_r = (sum - fixed) / COMPARISON_SPAN;
	return (true);
}

unsigned
scenario_cheaper_from(const struct scenario *s, const struct scenario *other)
{
	unsigned unknown;
	bool setup;

	if (s->setup == NO || s->yearly == NO || other->setup == NO ||
	    other->yearly == NO || s->setup <= other->setup)
		return (0);
	for (unsigned n = 1; n <= CROSSING_MAX; n++)
		if (scenario_total(s, n, &unknown, &setup) <
		    scenario_total(other, n, &unknown, &setup))
			return (n);
	return (0);
}

bool
scenario_per_head(const struct scenario *s, int64_t *cents_r)
{
	unsigned unknown;
	bool setup;
	int64_t sum = scenario_total(s, COMPARISON_SPAN, &unknown, &setup);
	int64_t heads;

	if (unknown != 0 || setup || s->inhabitants <= 0)
		return (false);
	heads = s->inhabitants * COMPARISON_SPAN;
	*cents_r = (sum + heads / 2) / heads;
	return (true);
}

/* ---- JSON */

static void
add_amount(struct buf *b, const char *key, int64_t cents)
{
	buf_addf(b, ",\"%s\":", key);
	if (cents == NO)
		BUF_LIT(b, "null");
	else
		buf_addf(b, "%" PRId64, cents);
}

static void
add_word(struct buf *b, const char *key, struct str text)
{
	buf_addf(b, ",\"%s\":", key);
	if (text.len == 0)
		BUF_LIT(b, "null");
	else
		buf_add_json(b, text);
}

static void
add_totals(struct buf *b, const struct scenario *s)
{
	BUF_LIT(b, ",\"totals\":[");
	for (unsigned i = 0; i < COMPARISON_YEARS; i++) {
		unsigned unknown;
		bool setup;
		int64_t sum = scenario_total(s, comparison_years[i], &unknown,
		    &setup);

		buf_addf(b, "%s{\"years\":%u", i > 0 ? "," : "",
		    comparison_years[i]);
		add_amount(b, "cents", unknown != 0 || setup ? NO : sum);
		BUF_LIT(b, ",\"formula\":\"");
		scenario_cell(s, comparison_years[i], SCENARIO_PLAIN, b);
		BUF_LIT(b, "\"}");
	}
	buf_addc(b, ']');
}

static void
add_unknown(struct buf *b, const struct scenario *s)
{
	const struct {
		const char *name;
		bool is;
	} inputs[] = {
		{ "setup", s->setup == NO },
		{ "yearly", s->yearly == NO },
		{ "staff", s->staff == NO },
		{ "inhabitants", s->inhabitants == NO },
		{ "influence", s->influence.len == 0 },
		{ "location", s->location.len == 0 },
		{ "leaving", s->leaving.len == 0 },
	};
	const char *sep = "";

	BUF_LIT(b, ",\"unknown\":[");
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		if (inputs[i].is) {
			buf_addf(b, "%s\"%s\"", sep, inputs[i].name);
			sep = ",";
		}
	buf_addc(b, ']');
}

static void
add_scenario(struct buf *b, const struct scenario *s)
{
	int64_t head;

	BUF_LIT(b, "{\"scenario\":");
	buf_add_json(b, s->name);
	add_word(b, "title", s->title);
	add_amount(b, "setup_cents", s->setup);
	add_amount(b, "yearly_cents", s->yearly);
	add_amount(b, "staff_cents", s->staff);
	add_amount(b, "alone_cents", s->alone);
	add_amount(b, "inhabitants", s->inhabitants);
	add_totals(b, s);
	add_amount(b, "per_head_and_year_cents",
	    scenario_per_head(s, &head) ? head : NO);
	BUF_LIT(b, ",\"not_dearer_than_alone\":");
	if (s->alone == NO || s->yearly == NO)
		BUF_LIT(b, "null");
	else
		buf_adds(b, s->yearly <= s->alone ? STR("true") :
						    STR("false"));
	add_word(b, "influence", s->influence);
	add_word(b, "location", s->location);
	add_word(b, "leaving", s->leaving);
	add_unknown(b, s);
	buf_addc(b, '}');
}

static void
add_pairs(struct buf *b, const struct comparison *c, bool prices)
{
	const char *sep = "";

	for (unsigned i = 0; i < c->n; i++)
		for (unsigned k = 0; k < c->n; k++) {
			const struct scenario *s = &c->v[i], *o = &c->v[k];
			int64_t cents = 0;
			unsigned year = 0;

			if (prices ? !scenario_break_even(s, o, &cents) :
				     (year = scenario_cheaper_from(s, o)) == 0)
				continue;
			buf_addf(b, "%s\n {\"scenario\":", sep);
			buf_add_json(b, s->name);
			add_word(b, "other", o->name);
			if (prices)
				add_amount(b, "yearly_cents", cents);
			else
				buf_addf(b, ",\"year\":%u", year);
			buf_addc(b, '}');
			sep = ",";
		}
}

void
comparison_json(const struct comparison *c, struct buf *b)
{
	assert(c->n <= COMPARISON_MAX);
	BUF_LIT(b, "{\"currency\":\"EUR\",\"scenarios\":[");
	for (unsigned i = 0; i < c->n; i++) {
		buf_adds(b, i > 0 ? STR(",\n ") : STR("\n "));
		add_scenario(b, &c->v[i]);
	}
	buf_addf(b, "],\"break_even_years\":%u,\"break_even\":[",
	    COMPARISON_SPAN);
	add_pairs(b, c, true);
	BUF_LIT(b, "],\"cheaper_from\":[");
	add_pairs(b, c, false);
	BUF_LIT(b, "]}");
}

/* ---- CSV */

static void
csv_cents(struct buf *b, bool german, int64_t cents)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, cents);
	report_csv_cell(b, german, false, REPORT_CENTS,
	    cents == NO ? NULL : text);
}

/* The default scenarios' texts end with a NUL, others' are in an arena. */
static void
csv_scenario(struct buf *b, bool german, const struct scenario *s)
{
	struct buf cell;
	int64_t head;

	report_csv_cell(b, german, true, REPORT_TEXT, s->name.p);
	report_csv_cell(b, german, false, REPORT_TEXT,
	    scenario_title(s, german).p);
	csv_cents(b, german, s->setup);
	csv_cents(b, german, s->yearly);
	buf_init(&cell, 128);
	for (unsigned i = 0; i < COMPARISON_YEARS; i++) {
		buf_reset(&cell);
		scenario_cell(s, comparison_years[i], german ? SCENARIO_DE :
		    SCENARIO_PLAIN, &cell);
		report_csv_cell(b, german, false, REPORT_INT, buf_cstr(&cell));
	}
	buf_clear(&cell);
	csv_cents(b, german, scenario_per_head(s, &head) ? head : NO);
	BUF_LIT(b, "\r\n");
}

void
comparison_csv(const struct comparison *c, bool german, struct buf *b)
{
	static const char *const names[][2] = { { "scenario", "Variante" },
		{ "title", "Bezeichnung" }, { "setup", "Einrichtung" },
		{ "yearly", "Im Jahr" }, { "years_1", "1 Jahr" },
		{ "years_3", "3 Jahre" }, { "years_5", "5 Jahre" },
		{ "years_10", "10 Jahre" },
		{ "head", "Je Einwohner und Jahr" } };

	report_csv_begin(german, b);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		report_csv_cell(b, german, i == 0, REPORT_TEXT,
		    names[i][german]);
	BUF_LIT(b, "\r\n");
	for (unsigned i = 0; i < c->n; i++)
		csv_scenario(b, german, &c->v[i]);
}
