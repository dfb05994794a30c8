/* server/ledger/notice_write.c - a statement as JSON, CSV and a page;
 * notice.h says what is promised. */
#include <inttypes.h>

#include "server/ledger/alone.h"
#include "server/ledger/notice.h"
#include "server/ledger/report.h"
#include "server/ledger/sheet.h"

/* ---- JSON */

static void
add(struct buf *b, const char *key, const char *text)
{
	buf_addf(b, "\"%s\":", key);
	if (text == NULL)
		BUF_LIT(b, "null,");
	else {
		buf_add_json(b, str_of(text));
		buf_addc(b, ',');
	}
}

static void
json_line(struct buf *b, const struct notice_line *l)
{
	buf_addc(b, '{');
	add(b, "from", l->from);
	add(b, "to", l->to);
	add(b, "component", l->component);
	add(b, "key", l->key);
	add(b, "weight", l->weight);
	add(b, "of", l->weights);
	if (l->shared)
		buf_addf(b, "\"amount_cents\":%" PRId64 ",", l->to_share);
	else
		BUF_LIT(b, "\"amount_cents\":null,");
	buf_addf(b, "\"cents\":%" PRId64 "}", l->cents);
}

/* Nothing where there was none: what was made before is made the same. */
static void
json_digest(struct buf *b, const struct notice_cost *c)
{
	if (c->digest_block == NULL)
		return;
	buf_addf(b, "\"digest\":{\"block\":%s,", c->digest_block);
	add(b, "hash", c->digest_hash);
	BUF_LIT(b, "\"signed_at\":");
	buf_add_json(b, str_of(c->digest_at));
	BUF_LIT(b, "},");
}

static void
json_cost(struct buf *b, const struct notice_cost *c)
{
	buf_addc(b, '{');
	add(b, "cost", c->name);
	add(b, "title", c->title);
	add(b, "from", c->from);
	add(b, "to", c->to);
	add(b, "state", c->run != NULL ? "closed" : "provisional");
	add(b, "model", c->model);
	add(b, "clause", c->clause);
	add(b, "run", c->run);
	add(b, "run_sha256", c->sha256);
	json_digest(b, c);
	add(b, "tax", c->tax);
	add(b, "tax_basis", c->tax_basis);
	buf_addf(b, "\"tax_percent\":%u,\"bounds_wait\":%s,\"amount_cents\":%"
	    PRId64 ",\"lines\":[", c->tax_rate,
	    c->bounds_wait ? "true" : "false", c->amount);
	for (unsigned i = 0; i < c->nlines; i++) {
		buf_adds(b, i > 0 ? STR(",\n  ") : STR("\n  "));
		json_line(b, &c->lines[i]);
	}
	buf_addf(b, "],\"share_cents\":%" PRId64 ",\"tax_cents\":%" PRId64
	    ",\"alone_cents\":", c->share, c->tax_cents);
	if (c->alone < ALONE_UNKNOWN)
		buf_addf(b, "%" PRId64 "}", c->alone);
	else
		BUF_LIT(b, "null}");
}

static void
json_entry(struct buf *b, const struct notice_entry *e)
{
	buf_addc(b, '{');
	add(b, "entry", e->entry);
	add(b, "type", e->type);
	add(b, "service", e->service);
	add(b, "booked", e->booked);
	add(b, "cost", e->cost);
	add(b, "reverses", e->reverses);
	add(b, "reason", e->reason);
	buf_addf(b, "\"cents\":%" PRId64 "}", e->cents);
}

void
notice_json(const struct notice *n, struct buf *b)
{
	BUF_LIT(b, "{\"tenant\":");
	buf_add_json(b, n->tenant->name);
	BUF_LIT(b, ",\"ags\":");
	buf_add_json(b, n->tenant->ags);
	BUF_LIT(b, ",\"name\":");
	buf_add_json(b, n->tenant->title);
	buf_addc(b, ',');
	add(b, "period", n->period);
	BUF_LIT(b, "\"currency\":\"EUR\",\"costs\":[");
	for (unsigned i = 0; i < n->ncosts; i++) {
		buf_adds(b, i > 0 ? STR(",\n ") : STR("\n "));
		json_cost(b, &n->costs[i]);
	}
	buf_addf(b, "],\"share_cents\":%" PRId64 ",\"tax_cents\":%" PRId64
	    ",\n\"entries\":[", n->share, n->tax_cents);
	for (unsigned i = 0; i < n->nentries; i++) {
		buf_adds(b, i > 0 ? STR(",\n ") : STR("\n "));
		json_entry(b, &n->entries[i]);
	}
	buf_addf(b, "],\"posted_cents\":%" PRId64 "}", n->posted);
}

/* ---- CSV */

static const char *const csv_names[][2] = { { "cost", "Kosten" },
	{ "title", "Bezeichnung" }, { "state", "Stand" }, { "from", "Von" },
	{ "to", "Bis" }, { "component", "Bestandteil" }, { "key", "Schlüssel" },
	{ "weight", "Gewicht" }, { "weights", "Alle Gewichte" },
	{ "to_share", "Zu teilen" }, { "share", "Anteil" },
	{ "model", "Modell" }, { "clause", "Grundlage" } };

/* A weight has a point, or none, and becomes no text. */
static void
csv_weight(struct buf *b, bool german, const char *w)
{
	report_csv_cell(b, german, false, REPORT_INT, NULL);
	for (; w != NULL && *w != '\0'; w++)
		buf_addc(b, german && *w == '.' ? ',' : *w);
}

static void
csv_cents(struct buf *b, bool german, bool there, int64_t cents)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, cents);
	report_csv_cell(b, german, false, REPORT_CENTS, there ? text : NULL);
}

static void
csv_line(struct buf *b, bool german, const struct notice_cost *c,
    const struct notice_line *l)
{
	static const char *const states[2][2] = { { "provisional", "closed" },
		{ "vorläufig", "abgeschlossen" } };

	report_csv_cell(b, german, true, REPORT_TEXT, c->name);
	report_csv_cell(b, german, false, REPORT_TEXT, c->title);
	report_csv_cell(b, german, false, REPORT_TEXT,
	    states[german][c->run != NULL]);
	report_csv_cell(b, german, false, REPORT_DATE, l->from);
	report_csv_cell(b, german, false, REPORT_DATE, l->to);
	report_csv_cell(b, german, false, REPORT_TEXT, l->component);
	report_csv_cell(b, german, false, REPORT_TEXT, l->key);
	csv_weight(b, german, l->weight);
	csv_weight(b, german, l->weights);
	csv_cents(b, german, l->shared, l->to_share);
	csv_cents(b, german, true, l->cents);
	report_csv_cell(b, german, false, REPORT_TEXT, c->model);
	report_csv_cell(b, german, false, REPORT_TEXT, c->clause);
	BUF_LIT(b, "\r\n");
}

void
notice_csv(const struct notice *n, bool german, struct buf *b)
{
	report_csv_begin(german, b);
	for (size_t i = 0; i < sizeof(csv_names) / sizeof(csv_names[0]); i++)
		report_csv_cell(b, german, i == 0, REPORT_TEXT,
		    csv_names[i][german]);
	BUF_LIT(b, "\r\n");
	for (unsigned i = 0; i < n->ncosts; i++)
		for (unsigned k = 0; k < n->costs[i].nlines; k++)
			csv_line(b, german, &n->costs[i],
			    &n->costs[i].lines[k]);
}

/* ---- the page */

void
notice_amount(struct buf *b, int64_t cents, bool german)
{
	uint64_t n = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;
	char digits[24];
	size_t len;

	if (cents < 0)
		buf_addc(b, '-');
	len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n / 100);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_addc(b, german ? '.' : ',');
		buf_addc(b, digits[i]);
	}
	buf_addf(b, "%c%02u", german ? ',' : '.', (unsigned)(n % 100));
}

static void
html_day(struct buf *b, const char *d, bool german)
{
	if (german)
		buf_addf(b, "%.2s.%.2s.%.4s", d + 8, d + 5, d);
	else
		buf_addf(b, "%.10s", d);
}

static const struct {
	const char *word, *en, *de;
} words[] = {
	{ "equal", "equal parts", "gleiche Teile" },
	{ "population", "inhabitants", "Einwohner" },
	{ "usage", "units used", "genutzte Einheiten" },
	{ "previous-year-usage", "units of the year before",
	    "Einheiten des Vorjahres" },
	{ "fixed", "fixed amounts", "feste Beträge" },
	{ "weights", "agreed weights", "vereinbarte Gewichte" },
	{ "stepdown", "inhabitants in tiers", "Einwohner nach Staffel" },
	{ "shapley", "Shapley value", "Shapley-Wert" },
	{ "bounds", "minimum and maximum, also of others",
	    "Mindest- und Höchstbetrag, auch von anderen" },
	{ "instalment", "a twelfth of the planned year",
	    "Abschlag auf das geplante Jahr" },
	{ "ALLOCATION", "share", "Umlage" },
	{ "INSTALMENT", "instalment", "Abschlag" },
	{ "SETTLEMENT", "settlement", "Jahresabrechnung" },
	{ "CORRECTION", "correction", "Berichtigung" },
	{ "REVERSAL", "reversal", "Storno" },
};

static void
html_word(struct buf *b, const char *word, bool german)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			word = german ? words[i].de : words[i].en;
	markup_text(b, word);
}

static void
html_weight(struct buf *b, const char *w, bool german)
{
	BUF_LIT(b, "<td class=\"n\">");
	for (; w != NULL && *w != '\0'; w++)
		buf_addc(b, german && *w == '.' ? ',' : *w);
	BUF_LIT(b, "</td>");
}

static void
html_line(struct buf *b, const struct notice_line *l, bool german)
{
	BUF_LIT(b, "<tr><td>");
	markup_text(b, l->component[0] == '(' ? "" : l->component);
	BUF_LIT(b, "</td><td>");
	html_word(b, l->key, german);
	BUF_LIT(b, "</td>");
	html_weight(b, l->weight, german);
	html_weight(b, l->weights, german);
	BUF_LIT(b, "<td class=\"n\">");
	if (l->shared)
		notice_amount(b, l->to_share, german);
	BUF_LIT(b, "</td><td class=\"n\">");
	notice_amount(b, l->cents, german);
	BUF_LIT(b, "</td></tr>\n");
}

static void
html_sum(struct buf *b, const char *name, int64_t cents, bool german)
{
	buf_addf(b, "<tr><th scope=\"row\" colspan=\"5\">%s</th>"
	    "<td class=\"n\">", name);
	notice_amount(b, cents, german);
	BUF_LIT(b, " EUR</td></tr>\n");
}

static void
html_tax(struct buf *b, const struct notice_cost *c, bool german)
{
	if (c->tax == NULL) {
		buf_adds(b, german ?
		    STR("<p>Über die Umsatzsteuer ist nicht entschieden; sie "
			"ist nicht enthalten.</p>\n") :
		    STR("<p>Value added tax is not decided and not "
			"included.</p>\n"));
		return;
	}
	buf_addf(b, german ? "<p>Umsatzsteuer: Kategorie %s, %u %%. " :
			     "<p>Value added tax: category %s, %u %%. ",
	    c->tax, c->tax_rate);
	markup_text(b, c->tax_basis);
	BUF_LIT(b, "</p>\n");
}

static void
html_digest(struct buf *b, const struct notice_cost *c, bool german)
{
	if (c->digest_block == NULL)
		return;
	buf_adds(b, german ? STR("</p>\n<p>Letzter Digest davor: ") :
			     STR("</p>\n<p>Last digest before it: "));
	html_day(b, c->digest_at, german);
	buf_addf(b, german ? ", Block %s" : ", block %s", c->digest_block);
	BUF_LIT(b, " <span class=\"hash\">");
	markup_text(b, c->digest_hash);
	BUF_LIT(b, "</span>");
}

static void
html_alone(struct buf *b, const struct notice_cost *c, bool german)
{
	if (c->alone == ALONE_UNKNOWN)
		return;
	buf_adds(b, german ? STR("<p>Zum Vergleich: allein würde es ") :
			     STR("<p>For comparison: alone it would cost "));
	notice_amount(b, c->alone, german);
	buf_adds(b, german ? STR(" EUR kosten.</p>\n") : STR(" EUR.</p>\n"));
}

static void
html_head(struct buf *b, const struct notice_cost *c, bool german)
{
	BUF_LIT(b, "<h2>");
	markup_text(b, c->title);
	BUF_LIT(b, "</h2>\n<p>");
	html_day(b, c->from, german);
	buf_adds(b, german ? STR(" bis ") : STR(" to "));
	html_day(b, c->to, german);
	buf_adds(b, german ? STR(", zu teilen ") : STR(", to share "));
	notice_amount(b, c->amount, german);
	buf_adds(b, german ? STR(" EUR. Modell ") : STR(" EUR. Model "));
	markup_text(b, c->model);
	BUF_LIT(b, ", ");
	markup_text(b, c->clause);
	BUF_LIT(b, "</p>\n<p>");
	if (c->run == NULL)
		buf_adds(b, german ?
		    STR("<strong>Vorläufig:</strong> nach dem Stand von "
			"jetzt, nicht abgeschlossen.") :
		    STR("<strong>Provisional:</strong> as it looks now, not "
			"closed."));
	else {
		buf_adds(b, german ? STR("Abgeschlossen: Berechnung ") :
				     STR("Closed: calculation "));
		markup_text(b, c->run);
		BUF_LIT(b, " <span class=\"hash\">");
		markup_text(b, c->sha256);
		BUF_LIT(b, "</span>");
		html_digest(b, c, german);
	}
	BUF_LIT(b, "</p>\n");
}

/* ---- its lines as bars */

#define BAR_WIDTH 600
#define BAR_ROW	  34

static void
html_bar(struct buf *b, const struct notice_line *l, int64_t most,
    unsigned row, bool german)
{
	int64_t cents = l->cents > 0 ? l->cents : 0;

	buf_addf(b, "<text x=\"0\" y=\"%u\">", row * BAR_ROW + 13);
	if (l->component[0] != '(') {
		markup_text(b, l->component);
		BUF_LIT(b, ", ");
	}
	html_word(b, l->key, german);
	BUF_LIT(b, ": ");
	notice_amount(b, l->cents, german);
	buf_addf(b, " EUR</text><rect x=\"0\" y=\"%u\" width=\"%" PRId64
	    "\" height=\"12\"/>\n", row * BAR_ROW + 18,
	    (int64_t)((__int128)cents * BAR_WIDTH / most));
}

/* What the table below says in figures: a drawing in whole parts, from which
 * nobody is to read an amount. One bar would tell nothing. */
static void
html_bars(struct buf *b, const struct notice_cost *c, bool german)
{
	int64_t most = 0;

	for (unsigned i = 0; i < c->nlines; i++)
		if (c->lines[i].cents > most)
			most = c->lines[i].cents;
	if (most == 0 || c->nlines < 2)
		return;
	buf_addf(b, "<svg role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %d "
	    "%u\">\n", german ? "Anteile nach Bestandteilen; die Zahlen "
	    "stehen in der Tabelle darunter" : "Shares by component; the "
	    "table below has the figures", BAR_WIDTH, c->nlines * BAR_ROW);
	for (unsigned i = 0; i < c->nlines; i++)
		html_bar(b, &c->lines[i], most, i, german);
	BUF_LIT(b, "</svg>\n");
}

static void
html_cost(struct buf *b, const struct notice_cost *c, bool german)
{
	html_head(b, c, german);
	html_bars(b, c, german);
	buf_adds(b, german ?
	    STR("<table><thead><tr><th scope=\"col\">Bestandteil</th>"
		"<th scope=\"col\">Schlüssel</th><th scope=\"col\" "
		"class=\"n\">Gewicht</th><th scope=\"col\" class=\"n\">von "
		"allen</th><th scope=\"col\" class=\"n\">zu teilen</th>"
		"<th scope=\"col\" class=\"n\">Anteil</th></tr></thead>\n"
		"<tbody>\n") :
	    STR("<table><thead><tr><th scope=\"col\">Component</th>"
		"<th scope=\"col\">Shared by</th><th scope=\"col\" "
		"class=\"n\">Weight</th><th scope=\"col\" class=\"n\">of "
		"all</th><th scope=\"col\" class=\"n\">To share</th>"
		"<th scope=\"col\" class=\"n\">Share</th></tr></thead>\n"
		"<tbody>\n"));
	for (unsigned i = 0; i < c->nlines; i++)
		html_line(b, &c->lines[i], german);
	BUF_LIT(b, "</tbody><tfoot>\n");
	html_sum(b, german ? "Anteil" : "Share", c->share, german);
	if (c->tax != NULL && c->tax_rate > 0) {
		html_sum(b, german ? "Umsatzsteuer" : "Value added tax",
		    c->tax_cents, german);
		html_sum(b, german ? "Brutto" : "Gross",
		    c->share + c->tax_cents, german);
	}
	BUF_LIT(b, "</tfoot></table>\n");
	html_tax(b, c, german);
	html_alone(b, c, german);
}

static void
html_entry(struct buf *b, const struct notice_entry *e, bool german)
{
	BUF_LIT(b, "<tr><td>");
	markup_text(b, e->entry);
	BUF_LIT(b, "</td><td>");
	html_word(b, e->type, german);
	BUF_LIT(b, "</td><td>");
	markup_text(b, e->service);
	BUF_LIT(b, "</td><td>");
	markup_text(b, e->booked);
	BUF_LIT(b, "</td><td>");
	markup_text(b, e->reason);
	BUF_LIT(b, "</td><td class=\"n\">");
	notice_amount(b, e->cents, german);
	BUF_LIT(b, "</td></tr>\n");
}

static void
html_entries(struct buf *b, const struct notice *n, bool german)
{
	if (n->nentries == 0)
		return;
	buf_adds(b, german ?
	    STR("<h2>Gebucht</h2>\n<table><thead><tr><th scope=\"col\">Beleg"
		"</th><th scope=\"col\">Art</th><th scope=\"col\">Für</th>"
		"<th scope=\"col\">Gebucht</th><th scope=\"col\">Grund</th>"
		"<th scope=\"col\" class=\"n\">Betrag</th></tr></thead>\n"
		"<tbody>\n") :
	    STR("<h2>Posted</h2>\n<table><thead><tr><th scope=\"col\">Entry"
		"</th><th scope=\"col\">Type</th><th scope=\"col\">For</th>"
		"<th scope=\"col\">Booked</th><th scope=\"col\">Reason</th>"
		"<th scope=\"col\" class=\"n\">Amount</th></tr></thead>\n"
		"<tbody>\n"));
	for (unsigned i = 0; i < n->nentries; i++)
		html_entry(b, &n->entries[i], german);
	BUF_LIT(b, "</tbody><tfoot>\n");
	html_sum(b, german ? "Summe" : "Sum", n->posted, german);
	BUF_LIT(b, "</tfoot></table>\n");
}

static void
html_text(struct buf *b, struct str s)
{
	struct buf text;

	buf_init(&text, s.len + 2);
	buf_adds(&text, s);
	markup_text(b, buf_cstr(&text));
	buf_clear(&text);
}

void
notice_html(const struct notice *n, bool german, struct buf *b)
{
	sheet_begin(b, german ? "Kostenaufstellung" : "Statement", n->period,
	    0, german);
	BUF_LIT(b, "<p>");
	html_text(b, n->tenant->title);
	BUF_LIT(b, ", AGS ");
	html_text(b, n->tenant->ags);
	BUF_LIT(b, "</p>\n");
	for (unsigned i = 0; i < n->ncosts; i++)
		html_cost(b, &n->costs[i], german);
	buf_addf(b, "<h2>%s</h2>\n<p>", german ? "Zusammen" : "Together");
	notice_amount(b, n->share, german);
	buf_adds(b, german ? STR(" EUR netto, Umsatzsteuer ") :
			     STR(" EUR net, value added tax "));
	notice_amount(b, n->tax_cents, german);
	BUF_LIT(b, " EUR.</p>\n");
	html_entries(b, n, german);
	sheet_end(b);
}
