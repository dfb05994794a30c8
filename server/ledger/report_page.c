/* server/ledger/report_page.c - a report as a page to print; report.h says what
 * is promised. */
#include <assert.h>

#include "server/ledger/report.h"
#include "server/ledger/sheet.h"

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
	struct buf cell;

	if (c->kind == REPORT_TEXT) {
		sheet_cell(b, text, false);
		return;
	}
	buf_init(&cell, 256); /* a number, a day or yes or no */
	report_csv_cell(&cell, german, true, c->kind, text);
	assert(!cell.failed);
	sheet_cell(b, buf_cstr(&cell), is_number(c->kind));
	buf_clear(&cell);
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
	sheet_begin(b, title, of, r->ncolumns, german);
	sheet_table(b);
	for (unsigned c = 0; c < r->ncolumns; c++)
		sheet_heading(b, german ? r->columns[c].de : r->columns[c].en,
		    is_number(r->columns[c].kind));
	BUF_LIT(b, "</tr></thead><tbody>\n");
	for (int row = 0; row < PQntuples(r->rows); row++)
		add_row(b, r, row, german);
	sheet_table_end(b, PQntuples(r->rows) == 0, german);
	sheet_end(b);
}
