/* server/ledger/report.h - what finance staff ask of the ledger, as tables:
 * for hubctl and for GET /hub/v1. Only ever reads.
 *
 * With an AGS it tells of that tenant alone: what it asked for, and what its
 * own data was used for; never what others' data was denied. */
#ifndef HUB_LEDGER_REPORT_H
#define HUB_LEDGER_REPORT_H

#include "sql/db.h"

enum report_cell {
	REPORT_TEXT,
	REPORT_INT,
	REPORT_MILLI, /* thousandths of a unit */
	REPORT_CENTS,
	REPORT_DATE, /* YYYY-MM or YYYY-MM-DD */
	REPORT_BOOL  /* t or f */
};
struct report_column {
	const char *key, *en, *de;
	enum report_cell kind;
};

#define REPORT_COLUMNS_MAX 16

/* Rows are those of a result, in the order of the columns. */
struct report {
	unsigned ncolumns;
	struct report_column columns[REPORT_COLUMNS_MAX];
	PGresult *rows;
};

/* Days as YYYY-MM-DD, the last one not included; ags NULL: of all tenants. Of
 * usage also one purpose and what was asked for together, as by type tells it;
 * NULL: all. */
struct report_ask {
	const char *from, *before, *ags;
	const char *purpose, *type;
};

/* Two columns of SQL: within which time half of the requests and 95 percent of
 * them were answered, of the rows of report.usage_day that match. */
void report_latency_sql(struct buf *, const char *filter);
/* By tenant, provider, purpose, type, month or flow (who used whose data);
 * HUB_ENOENT: none of these. With a purpose or a type a tenant is told of its
 * own use alone: what else another asked for is not its provider's business. */
enum hub_err report_usage(struct db *, const struct report_ask *,
    struct str by, struct report *) HUB_MUST_CHECK;
/* Booked in the months of these days: by cost, member and kind of entry. */
enum hub_err report_costs(struct db *, const struct report_ask *,
    struct report *) HUB_MUST_CHECK;
/* The impact indicators I1 to I4 (ledger.md, 8). */
enum hub_err report_indicators(struct db *, const struct report_ask *,
    struct report *) HUB_MUST_CHECK;
/* How the ledger stands (ledger.md, 8, R9), in one row that is the same for
 * everybody. What counts the use that others make of the hub from moment to
 * moment is not in it: no events and no blocks but those of the last digest,
 * and the hour up to which all is loaded. The whole chain is looked at, for
 * five seconds; if it is longer, chain_holds is null. In a transaction. */
enum hub_err report_integrity(struct db *, struct report *) HUB_MUST_CHECK;
void report_clear(struct report *);

/* An array of objects; amounts are cents, units thousandths. */
void report_json(const struct report *, struct buf *);
/* RFC 4180, or for German Excel: byte order mark, ";" and decimal comma. What
 * a spreadsheet would take for a formula gets a leading apostrophe. */
void report_csv(const struct report *, bool german, struct buf *);
/* A page to print, without script and without anything to fetch; of: the period,
 * title and it without markup. */
void report_page(const struct report *, const char *title, const char *of,
    bool german, struct buf *);
/* A row of such a file, cell by cell. */
void report_csv_begin(bool german, struct buf *);
void report_csv_cell(struct buf *, bool german, bool first,
    enum report_cell kind, const char *text);

#endif
