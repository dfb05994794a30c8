/* server/ledger/sheet.c - pages to print; sheet.h says what is promised. */
#include "server/ledger/sheet.h"

#include <string.h>

#define WIDE 7 /* columns: more than an upright page holds */
#define LONG 40 /* bytes without a space: a hash */

static const char style[] =
    "body{font:11pt/1.4 \"Liberation Sans\",Arial,sans-serif;max-width:50em;"
    "margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid #767676;padding:.25em .5em;"
    "text-align:left;vertical-align:top}"
    ".n{text-align:right;white-space:nowrap}"
    "tfoot th,tfoot td{border-top:2px solid #111;font-weight:bold}"
    "svg{display:block;width:100%;max-width:38em;margin:1em 0;"
    "fill:currentColor}"
    "svg text{font-size:13px}"
    ".hash{overflow-wrap:anywhere;font-size:.85em}"
    ".wide{max-width:none;page:wide}.wide table{font-size:.8em}"
    ".wide .hash{min-width:16em}"
    "@page{size:A4;margin:2cm}@page wide{size:A4 landscape}"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}"
    "svg,tr,tfoot{break-inside:avoid}thead{display:table-header-group}"
    "tfoot{display:table-row-group}}"; /* a sum stands once */

void
markup_text(struct buf *b, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		switch (*text) {
		case '&':
			BUF_LIT(b, "&amp;");
			break;
		case '<':
			BUF_LIT(b, "&lt;");
			break;
		case '>':
			BUF_LIT(b, "&gt;");
			break;
		case '"':
			BUF_LIT(b, "&quot;");
			break;
		case '\'':
			BUF_LIT(b, "&#39;");
			break;
		default:
			/* XML 1.0, 2.2: other control characters are none. */
			buf_addc(b, (unsigned char)*text < 0x20 &&
			    *text != '\n' && *text != '\t' ? ' ' : *text);
		}
}

void
sheet_begin(struct buf *b, const char *title, const char *of, size_t ncolumns,
    bool german)
{
	buf_addf(b, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta "
	    "charset=\"utf-8\">\n<meta name=\"viewport\" content=\""
	    "width=device-width\">\n<title>%s %s</title>\n<style>%s</style>"
	    "</head>\n<body%s><main>\n<h1>%s %s</h1>\n",
	    german ? "de" : "en", title, of, style,
	    ncolumns > WIDE ? " class=\"wide\"" : "", title, of);
}

void
sheet_end(struct buf *b)
{
	BUF_LIT(b, "</main></body></html>\n");
}

void
sheet_table(struct buf *b)
{
	BUF_LIT(b, "<table><thead><tr>");
}

void
sheet_heading(struct buf *b, const char *text, bool number)
{
	buf_adds(b, number ? STR("<th scope=\"col\" class=\"n\">") :
			     STR("<th scope=\"col\">"));
	markup_text(b, text);
	BUF_LIT(b, "</th>");
}

void
sheet_cell(struct buf *b, const char *text, bool number)
{
	bool is_long = text != NULL && strcspn(text, " ") > LONG;

	buf_adds(b, number ? STR("<td class=\"n\">") :
		is_long	   ? STR("<td class=\"hash\">") :
			     STR("<td>"));
	markup_text(b, text);
	BUF_LIT(b, "</td>");
}

void
sheet_table_end(struct buf *b, bool empty, bool german)
{
	BUF_LIT(b, "</tbody></table>\n");
	if (empty)
		buf_adds(b, german ? STR("<p>Es gibt nichts.</p>\n") :
				     STR("<p>There is nothing.</p>\n"));
}
