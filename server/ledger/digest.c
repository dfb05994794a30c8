/* server/ledger/digest.c - digests in PostgreSQL; digest.h says what is
 * promised. */
#include "server/ledger/digest.h"

#include <inttypes.h>
#include <stdio.h>

#define INT64_STR 24

/* To the microsecond: it is what the next page is asked for by. */
#define SIGNED(at)                                                            \
	"to_char(" at " AT TIME ZONE 'UTC', "                                 \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define NEWEST(d)                                                             \
	"ORDER BY " d "made_at DESC, " d "block_no DESC, "                    \
	d "doc COLLATE \"C\" DESC"

static const struct report_column columns[] = {
	{ "signed_at", "SIGNED", "UNTERSCHRIEBEN", REPORT_TEXT },
	{ "block", "BLOCK", "BLOCK", REPORT_INT },
	{ "hash", "HASH", "HASH", REPORT_TEXT },
	{ "sha256", "SHA-256 OF THE LINE", "SHA-256 DER ZEILE", REPORT_TEXT },
	{ "line", "LINE", "ZEILE", REPORT_TEXT },
	{ "ags", "KEPT BY", "VERWAHRT VON", REPORT_TEXT },
	{ "received_at", "SINCE", "SEIT", REPORT_TEXT },
	{ "receipt", "RECEIPT", "BELEG", REPORT_TEXT },
};
static const char list_sql[] =
    "SELECT " SIGNED("d.made_at") ", d.block_no, d.hash, d.sha256, d.doc, "
    "a.ags, " DB_INSTANT("a.received_at") ", a.receipt FROM (SELECT * FROM "
    "report.digest WHERE $1::bigint IS NULL OR made_at < 'epoch'::timestamptz "
    "+ $1::bigint * interval '1 microsecond' " NEWEST("") " LIMIT $2::int) d "
    "LEFT JOIN report.digest_ack a ON a.block_no = d.block_no "
    "AND ($3::text IS NULL OR a.ags = $3) "
    NEWEST("d.") ", a.ags COLLATE \"C\"";

enum hub_err
digest_list(struct db *db, const char *ags, struct wall_us before,
    unsigned limit, struct report *r)
{
	char n[INT64_STR], us[INT64_STR];
	const char *params[] = { before.us != WALL_ABSENT.us ? us : NULL, n,
		ags };

	*r = (struct report){ 0 };
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		r->columns[r->ncolumns++] = columns[i];
	(void)snprintf(us, sizeof(us), "%" PRId64, before.us);
	(void)snprintf(n, sizeof(n), "%u", limit);
	return (db_exec(db, list_sql, 3, params, &r->rows));
}

enum hub_err
digest_latest(struct db *db, struct buf *line)
{
	PGresult *res = NULL;
	enum hub_err err = db_exec(db, "SELECT doc FROM report.digest "
	    "ORDER BY block_no DESC, made_at DESC, doc COLLATE \"C\" DESC "
	    "LIMIT 1", 0, NULL, &res);

	if (err == HUB_OK && PQntuples(res) == 0)
		err = HUB_ENOENT;
	if (err == HUB_OK)
		buf_adds(line, db_str(res, 0, 0));
	PQclear(res);
	return (err);
}

enum hub_err
digest_acknowledge(struct db *db, const struct digest_receipt *r,
    enum digest_said *said)
{
	static const char *const words[] = { [DIGEST_UNKNOWN] = "unknown",
		[DIGEST_DIFFERS] = "differs", [DIGEST_OTHER] = "other",
		[DIGEST_SAME] = "same", [DIGEST_MADE] = "made" };
	char text[INT64_STR];
	const char *params[] = { text, r->ags, r->sha256, r->receipt };
	PGresult *res = NULL;
	enum hub_err err;

	(void)snprintf(text, sizeof(text), "%" PRId64, r->block);
	err = db_exec(db, "SELECT ledger.digest_acknowledge($1::bigint, $2, "
	    "$3, $4)", 4, params, &res);
	if (err != HUB_OK)
		return (err);
	err = HUB_EIO;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(PQgetvalue(res, 0, 0), words[i]) == 0) {
			*said = (enum digest_said)i;
			err = HUB_OK;
		}
	PQclear(res);
	return (err);
}
