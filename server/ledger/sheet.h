/* server/ledger/sheet.h - what pages to print are made of: no script, nothing to
 * fetch, and no text of others as markup. What does not fit fails the buf. */
#ifndef HUB_LEDGER_SHEET_H
#define HUB_LEDGER_SHEET_H

#include "server/base/buf.h"

/* What a page begins and ends with. title and of (a period) hold no markup.
 * ncolumns is that of its widest table: with many it is printed on its side. */
void sheet_begin(struct buf *, const char *title, const char *of,
    size_t ncolumns, bool german);
void sheet_end(struct buf *);

/* A table: begun, its headings, "</tr></thead><tbody>", rows of cells between
 * <tr> and </tr>, its end. Texts may be NULL; numbers stand to the right. */
void sheet_table(struct buf *);
void sheet_heading(struct buf *, const char *text, bool number);
void sheet_cell(struct buf *, const char *text, bool number);
/* empty: there was no row, which is said. */
void sheet_table_end(struct buf *, bool empty, bool german);

/* Text for such a page, or for XML: nothing in it is markup. */
void markup_text(struct buf *, const char *);

#endif
