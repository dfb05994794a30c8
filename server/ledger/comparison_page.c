/* server/ledger/comparison_page.c - ways of having a platform as a page to
 * print; comparison.h says what is promised. */
#include "server/ledger/comparison.h"
#include "server/ledger/notice.h"
#include "server/ledger/sheet.h"

#include <stdio.h>

static void
add_amount(struct buf *b, int64_t cents, bool german)
{
	BUF_LIT(b, "<td class=\"n\">");
	if (cents == COMPARISON_UNKNOWN)
		buf_adds(b, german ? STR("unbekannt") : STR("unknown"));
	else
		notice_amount(b, cents, german);
	BUF_LIT(b, "</td>");
}

static void
add_way(struct buf *b, const struct scenario *s, bool german)
{
	int64_t head = COMPARISON_UNKNOWN;

	BUF_LIT(b, "<tr><td>");
	markup_text(b, s->name.p);
	BUF_LIT(b, ", ");
	markup_text(b, scenario_title(s, german).p);
	BUF_LIT(b, "</td>");
	for (unsigned i = 0; i < COMPARISON_YEARS; i++) {
		BUF_LIT(b, "<td class=\"n\">");
		scenario_cell(s, comparison_years[i],
		    german ? SCENARIO_PAGE_DE : SCENARIO_PAGE, b);
		BUF_LIT(b, "</td>");
	}
	if (!scenario_per_head(s, &head))
		head = COMPARISON_UNKNOWN;
	add_amount(b, head, german);
	BUF_LIT(b, "</tr>\n");
}

static void
add_ways(struct buf *b, const struct comparison *c, bool german)
{
	char years[32];

	sheet_table(b);
	sheet_heading(b, german ? "Weg" : "Way", false);
	for (unsigned i = 0; i < COMPARISON_YEARS; i++) {
		unsigned n = comparison_years[i];

		(void)snprintf(years, sizeof(years), "%u %s%s", n,
		    german ? "Jahr" : "year",
		    n == 1 ? "" : german ? "e" : "s");
		sheet_heading(b, years, true);
	}
	sheet_heading(b, german ? "je Kopf, Jahr" : "head, year", true);
	BUF_LIT(b, "</tr></thead><tbody>\n");
	for (unsigned i = 0; i < c->n; i++)
		add_way(b, &c->v[i], german);
	sheet_table_end(b, false, german);
}

static void
add_names(struct buf *b, const char *before, const struct scenario *s,
    const char *between, const struct scenario *other)
{
	buf_addf(b, "<li>%s", before);
	markup_text(b, s->name.p);
	buf_addf(b, " %s ", between);
	markup_text(b, other->name.p);
}

/* What is known of two ways, or nothing. */
static void
add_pair(struct buf *b, const struct scenario *s, const struct scenario *o,
    bool german)
{
	unsigned year = scenario_cheaper_from(s, o);
	char from[64];
	int64_t cents;

	if (scenario_break_even(s, o, &cents)) {
		add_names(b, "", s, german ? "und" : "and", o);
		buf_addf(b, german ? " kosten in %u Jahren gleich viel, wenn f "
		    "im Jahr " : " cost the same in %u years if f is ",
		    COMPARISON_SPAN);
		notice_amount(b, cents, german);
		buf_adds(b, german ? STR(" EUR ist.</li>\n") :
				     STR(" EUR a year.</li>\n"));
	}
	if (year > 0) {
		(void)snprintf(from, sizeof(from), german ?
		    "Ab dem Jahr %u ist " : "From year %u on ", year);
		add_names(b, from, s, german ? "günstiger als" :
					       "is cheaper than", o);
		BUF_LIT(b, ".</li>\n");
	}
}

void
comparison_page(const struct comparison *c, bool german, struct buf *b)
{
	size_t begun;

	sheet_begin(b, german ? "Was eine Plattform auf verschiedenen Wegen "
	    "kostet" : "What a platform costs in several ways", "",
	    2 + COMPARISON_YEARS, german);
	buf_adds(b, german ?
	    STR("<p>EUR, ohne Verzinsung und Preissteigerung. f ist ein "
		"Jahresbetrag, s eine Einrichtung, die niemand kennt; ein "
		"Sieger wird nicht genannt.</p>\n") :
	    STR("<p>EUR, without interest or rise of prices. f is a yearly "
		"amount and s a set-up that nobody knows; no winner is "
		"named.</p>\n"));
	add_ways(b, c, german);
	buf_addf(b, "<h2>%s</h2>\n<ul>\n", german ? "Je zwei Wege" :
						    "Two ways each");
	begun = b->len;
	for (unsigned i = 0; i < c->n; i++)
		for (unsigned k = 0; k < c->n; k++)
			add_pair(b, &c->v[i], &c->v[k], german);
	if (b->len == begun)
		buf_adds(b, german ? STR("<li>Dazu ist nichts bekannt.</li>\n")
				   : STR("<li>Nothing is known.</li>\n"));
	BUF_LIT(b, "</ul>\n");
	sheet_end(b);
}
