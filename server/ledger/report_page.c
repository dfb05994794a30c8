/* server/ledger/report_page.c - a report as a page to print; report.h says what
 * is promised. */
#include "server/ledger/notice.h"
#include "server/ledger/report.h"

static bool
is_number(enum report_cell kind)
{
	return (kind == REPORT_INT || kind == REPORT_MILLI ||
	    kind == REPORT_CENTS);
}

/* As a file for a spreadsheet has it, but for what such a file escapes. */
static void
add_cell(struct buf *b, const struct report_column *c, const char *text,
    bool german)
{
	buf_adds(b, is_number(c->kind) ? STR("<td class=\"n\">") :
					 STR("<td>"));
	if (c->kind == REPORT_TEXT)
		markup_text(b, text);
	else
		report_csv_cell(b, german, true, c->kind, text);
	BUF_LIT(b, "</td>");
}

static void
add_row(struct buf *b, const struct report *r, int row, bool german)
{
	BUF_LIT(b, "<tr>");
	for (unsigned c = 0; c < r->ncolumns; c++)
		add_cell(b, &r->columns[c], PQgetisnull(r->rows, row, (int)c) ?
		    NULL : PQgetvalue(r->rows, row, (int)c), german);
	BUF_LIT(b, "</tr>\n");
}

void
report_page(const struct report *r, const char *title, const char *of,
    bool german, struct buf *b)
{
	sheet_begin(b, title, of, german);
	BUF_LIT(b, "<table><thead><tr>");
	for (unsigned c = 0; c < r->ncolumns; c++) {
		buf_adds(b, is_number(r->columns[c].kind) ?
		    STR("<th scope=\"col\" class=\"n\">") :
		    STR("<th scope=\"col\">"));
		markup_text(b, german ? r->columns[c].de : r->columns[c].en);
		BUF_LIT(b, "</th>");
	}
	BUF_LIT(b, "</tr></thead><tbody>\n");
	for (int row = 0; row < PQntuples(r->rows); row++)
		add_row(b, r, row, german);
	BUF_LIT(b, "</tbody></table>\n");
	if (PQntuples(r->rows) == 0)
		buf_adds(b, german ? STR("<p>Es gibt nichts.</p>\n") :
				     STR("<p>There is nothing.</p>\n"));
	sheet_end(b);
}
