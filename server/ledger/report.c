/* server/ledger/report.c - tables for finance staff; report.h says what they
 * promise. */
#include "server/ledger/report.h"

#include <assert.h>

/* ---- usage */

struct grouping {
	const char *name, *keys, *class;
	/* Whose rows a tenant sees. */
	const char *own;
	unsigned nkeys;
	struct report_column columns[2];
};

static const struct grouping groupings[] = {
	{ "tenant", "consumer", "access", "consumer = $3", 1,
	    { { "ags", "TENANT", "MANDANT", REPORT_TEXT } } },
	{ "provider", "provider", "leg", "provider = $3", 1,
	    { { "ags", "PROVIDER", "ANBIETER", REPORT_TEXT } } },
	{ "purpose", "purpose", "access", "consumer = $3", 1,
	    { { "purpose", "PURPOSE", "ZWECK", REPORT_TEXT } } },
	{ "type", "types", "access", "consumer = $3", 1,
	    { { "type", "TYPE", "TYP", REPORT_TEXT } } },
	{ "month", "to_char(day, 'YYYY-MM')", "access", "consumer = $3", 1,
	    { { "month", "MONTH", "MONAT", REPORT_DATE } } },
	{ "flow", "consumer, provider", "leg", "$3 IN (consumer, provider)", 2,
	    { { "consumer", "CONSUMER", "ABNEHMER", REPORT_TEXT },
		{ "provider", "PROVIDER", "ANBIETER", REPORT_TEXT } } },
};

static const struct report_column numbers[] = {
	{ "requests", "REQUESTS", "ANFRAGEN", REPORT_INT },
	{ "denied", "WITHOUT DATA", "OHNE DATEN", REPORT_INT },
	{ "entities", "ENTITIES", "ENTITÄTEN", REPORT_INT },
	{ "bytes", "BYTES", "BYTES", REPORT_INT },
	{ "milli_units", "UNITS", "EINHEITEN", REPORT_MILLI },
	{ "estimated", "ESTIMATED", "GESCHÄTZT", REPORT_INT },
	{ "estimated_milli_units", "THEIR UNITS", "DEREN EINHEITEN",
	    REPORT_MILLI },
	{ "p50", "HALF WITHIN", "HÄLFTE BIS", REPORT_TEXT },
	{ "p95", "95 % WITHIN", "95 % BIS", REPORT_TEXT },
};

static const struct grouping *
grouping_find(struct str by)
{
	for (size_t i = 0; i < sizeof(groupings) / sizeof(groupings[0]); i++)
		if (str_eq(by, str_of(groupings[i].name)))
			return (&groupings[i]);
	return (NULL);
}

void
report_latency_sql(struct buf *sql, const char *filter)
{
	static const int percents[] = { 50, 95 };

	for (int k = 0; k < 2; k++) {
		buf_adds(sql, k == 0 ? STR("report.latency(ARRAY[") :
				       STR(", report.latency(ARRAY["));
		for (int i = 1; i <= 10; i++)
			buf_addf(sql, "%ssum(latency_hist[%d]) FILTER (WHERE "
			    "%s)", i > 1 ? ", " : "", i, filter);
		buf_addf(sql, "]::bigint[], %d)", percents[k]);
	}
}

/* Columns that are there by their names in the table above; a leg that gave
 * nothing is not told of, since its consumer would learn of data it may not
 * know. */
static void
usage_sql(const struct grouping *g, struct buf *sql)
{
	bool leg = strcmp(g->class, "leg") == 0;

	buf_addf(sql, "SELECT %s, ", g->keys);
	if (leg)
		BUF_LIT(sql, "coalesce(sum(requests - denied) FILTER (WHERE "
		    "class = 'leg'), 0)::bigint, NULL, ");
	else
		BUF_LIT(sql, "coalesce(sum(requests) FILTER (WHERE class = "
		    "'access'), 0)::bigint, coalesce(sum(denied) FILTER "
		    "(WHERE class = 'access'), 0)::bigint, ");
	buf_addf(sql,
	    "coalesce(sum(entities) FILTER (WHERE class = '%s'), 0)::bigint, "
	    /* An answer is of all providers together. */
	    "CASE WHEN NOT %s THEN coalesce(sum(bytes) FILTER (WHERE class = "
	    "'%s'), 0)::bigint END, "
	    "coalesce(sum(units) FILTER (WHERE class = '%s'), 0)::bigint, "
	    "coalesce(sum(requests) FILTER (WHERE class = 'estimate'), 0)"
	    "::bigint, coalesce(sum(units) FILTER (WHERE class = 'estimate'),"
	    " 0)::bigint, ",
	    g->class, leg ? "true" : "false", g->class, g->class);
	/* A histogram has what was denied, too. */
	if (leg)
		BUF_LIT(sql, "NULL, NULL");
	else
		report_latency_sql(sql, "class = 'access'");
	buf_addf(sql,
	    " FROM report.usage_day "
	    "WHERE class IN ('%s', 'estimate') AND day >= $1::date "
	    "AND day < $2::date AND ($3::text IS NULL OR %s) "
	    "AND (class <> 'leg' OR requests > denied) "
	    "AND ($4::text IS NULL OR purpose = $4) "
	    "AND ($5::text IS NULL OR types = $5) "
	    "AND ($3::text IS NULL OR consumer = $3 OR "
	    "($4::text IS NULL AND $5::text IS NULL)) "
	    "GROUP BY %s ORDER BY ",
	    g->class, g->own, g->keys);
	buf_adds(sql, g->nkeys == 2 ?
	    STR("consumer COLLATE \"C\", provider COLLATE \"C\"") :
	    STR("1"));
}

static enum hub_err
run(struct db *db, const struct report_ask *ask, const char *sql,
    struct report *r)
{
	const char *params[] = { ask->from, ask->before, ask->ags };

	return (db_exec(db, sql, 3, params, &r->rows));
}

static void
add_columns(struct report *r, const struct report_column *c, size_t n)
{
	assert(r->ncolumns + n <= REPORT_COLUMNS_MAX);
	for (size_t i = 0; i < n; i++)
		r->columns[r->ncolumns++] = c[i];
}

enum hub_err
report_usage(struct db *db, const struct report_ask *ask, struct str by,
    struct report *r)
{
	const struct grouping *g = grouping_find(by);
	const char *params[] = { ask->from, ask->before, ask->ags,
		ask->purpose, ask->type };
	enum hub_err err;
	struct buf sql;

	*r = (struct report){ 0 };
	if (g == NULL)
		return (HUB_ENOENT);
	add_columns(r, g->columns, g->nkeys);
	add_columns(r, numbers, sizeof(numbers) / sizeof(numbers[0]));
	buf_init(&sql, 8192);
	usage_sql(g, &sql);
	err = db_exec(db, buf_cstr(&sql), 5, params, &r->rows);
	buf_clear(&sql);
	return (err);
}

/* ---- costs and indicators */

static const struct report_column cost_columns[] = {
	{ "booked", "BOOKED", "GEBUCHT", REPORT_DATE },
	{ "service", "FOR", "FÜR", REPORT_DATE },
	{ "cost", "COST", "KOSTEN", REPORT_TEXT },
	{ "title", "TITLE", "BEZEICHNUNG", REPORT_TEXT },
	{ "type", "TYPE", "ART", REPORT_TEXT },
	{ "ags", "AGS", "AGS", REPORT_TEXT },
	{ "name", "NAME", "NAME", REPORT_TEXT },
	{ "share", "SHARE", "ANTEIL", REPORT_CENTS },
};
static const char cost_sql[] =
    "SELECT to_char(booked_period, 'YYYY-MM'), service, cost, title, type, "
    "ags, name, sum(amount_cents)::bigint FROM report.journal "
    "WHERE account = 'share' AND booked_period >= $1::date "
    "AND booked_period < $2::date AND ($3::text IS NULL OR ags = $3) "
    "GROUP BY booked_period, service, cost, title, type, ags, name "
    "ORDER BY booked_period, service COLLATE \"C\", cost COLLATE \"C\", "
    "title COLLATE \"C\", type COLLATE \"C\", ags COLLATE \"C\", "
    "name COLLATE \"C\"";

enum hub_err
report_costs(struct db *db, const struct report_ask *ask, struct report *r)
{
	*r = (struct report){ 0 };
	add_columns(r, cost_columns,
	    sizeof(cost_columns) / sizeof(cost_columns[0]));
	return (run(db, ask, cost_sql, r));
}

static const struct report_column indicator_columns[] = {
	{ "indicator", "INDICATOR", "KENNZAHL", REPORT_TEXT },
	{ "measure", "MEASURE", "MASS", REPORT_TEXT },
	{ "of", "OF", "VON", REPORT_TEXT },
	/* A text: people below five are told as "<5". */
	{ "value", "VALUE", "WERT", REPORT_TEXT },
	{ "previous", "YEAR BEFORE", "VORJAHR", REPORT_TEXT },
	{ "estimated", "WITH ESTIMATES", "MIT SCHÄTZUNGEN", REPORT_BOOL },
};

enum hub_err
report_indicators(struct db *db, const struct report_ask *ask,
    struct report *r)
{
	*r = (struct report){ 0 };
	add_columns(r, indicator_columns,
	    sizeof(indicator_columns) / sizeof(indicator_columns[0]));
	return (run(db, ask, "SELECT * FROM report.indicators($1::date, "
	    "$2::date, $3)", r));
}

/* ---- integrity */

static const struct report_column integrity_columns[] = {
	{ "chain_holds", "CHAIN HOLDS", "KETTE HÄLT", REPORT_BOOL },
	{ "digest_block", "DIGEST OF BLOCK", "DIGEST ZU BLOCK", REPORT_INT },
	{ "digest_hash", "ITS HASH", "DESSEN HASH", REPORT_TEXT },
	{ "digest_at", "SIGNED", "UNTERSCHRIEBEN", REPORT_TEXT },
	{ "missing", "MISSING", "FEHLEND", REPORT_INT },
	{ "conflicts", "CONFLICTS", "WIDERSPRÜCHE", REPORT_INT },
	{ "estimates", "ESTIMATES", "SCHÄTZUNGEN", REPORT_INT },
	{ "loaded_to", "LOADED TO", "GELADEN BIS", REPORT_TEXT },
};
/* The hash is taken from the text, since nobody promises that it is JSON. */
#define INTEGRITY_SQL(chain_holds)                                            \
	"SELECT " chain_holds ", digest_block, "                              \
	"substring(digest FROM '\"hash\":\"([0-9a-f]{64})\"'), "              \
	DB_INSTANT("digest_at") ", missing, conflicts, estimates, "           \
	"to_char(loaded_to AT TIME ZONE 'UTC', "                              \
	"'YYYY-MM-DD\"T\"HH24:00:00\"Z\"') FROM report.integrity"

enum hub_err
report_integrity(struct db *db, struct report *r)
{
	enum hub_err err;

	*r = (struct report){ 0 };
	add_columns(r, integrity_columns,
	    sizeof(integrity_columns) / sizeof(integrity_columns[0]));
	err = db_exec(db, "SAVEPOINT chain", 0, NULL, NULL);
	if (err == HUB_OK)
		err = db_exec(db, "SET LOCAL statement_timeout = '5s'", 0,
		    NULL, NULL);
	if (err == HUB_OK)
		err = db_exec(db, INTEGRITY_SQL("broken IS NULL"), 0, NULL,
		    &r->rows);
	if (err != HUB_EIO)
		return (err);
	/* All but the chain is found at once. */
	err = db_exec(db, "ROLLBACK TO chain", 0, NULL, NULL);
	if (err == HUB_OK)
		err = db_exec(db, INTEGRITY_SQL("NULL"), 0, NULL, &r->rows);
	return (err);
}

void
report_clear(struct report *r)
{
	PQclear(r->rows);
	r->rows = NULL;
}

/* ---- JSON */

static void
json_cell(struct buf *b, const struct report_column *c, const char *text)
{
	buf_addf(b, "\"%s%s\":", c->key,
	    c->kind == REPORT_CENTS ? "_cents" : "");
	if (text == NULL)
		BUF_LIT(b, "null");
	else if (c->kind == REPORT_BOOL)
		buf_adds(b, text[0] == 't' ? STR("true") : STR("false"));
	else if (c->kind == REPORT_TEXT || c->kind == REPORT_DATE)
		buf_add_json(b, str_of(text));
	else
		buf_adds(b, str_of(text));
}

static const char *
cell_of(const struct report *r, int row, unsigned column)
{
	return (PQgetisnull(r->rows, row, (int)column) ? NULL :
	    PQgetvalue(r->rows, row, (int)column));
}

void
report_json(const struct report *r, struct buf *b)
{
	buf_addc(b, '[');
	for (int row = 0; row < PQntuples(r->rows); row++) {
		buf_adds(b, row > 0 ? STR(",\n {") : STR("\n {"));
		for (unsigned c = 0; c < r->ncolumns; c++) {
			if (c > 0)
				buf_addc(b, ',');
			json_cell(b, &r->columns[c], cell_of(r, row, c));
		}
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

/* ---- CSV */

/* Digits of an integer with a mark before the last places. */
static void
add_places(struct buf *b, const char *digits, size_t places, char mark)
{
	size_t len;

	if (*digits == '-') {
		buf_addc(b, '-');
		digits++;
	}
	len = strlen(digits);
	if (len > places)
		buf_add(b, digits, len - places);
	else
		buf_addc(b, '0');
	buf_addc(b, mark);
	for (size_t i = len; i < places; i++)
		buf_addc(b, '0');
	buf_adds(b, str_from(str_of(digits), len > places ? len - places : 0));
}

static void
add_text(struct buf *b, const char *text, bool german)
{
	bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
	bool quoted = strpbrk(text, german ? ";\"\r\n" : ",\"\r\n") != NULL;

	if (quoted)
		buf_addc(b, '"');
	if (formula)
		buf_addc(b, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_addc(b, '"');
		buf_addc(b, *text);
	}
	if (quoted)
		buf_addc(b, '"');
}

static void
add_date(struct buf *b, const char *d, bool german)
{
	if (german && strlen(d) == 10)
		buf_addf(b, "%.2s.%.2s.%.4s", d + 8, d + 5, d);
	else if (german && strlen(d) == 7)
		buf_addf(b, "%.2s.%.4s", d + 5, d);
	else
		buf_adds(b, str_of(d));
}

void
report_csv_begin(bool german, struct buf *b)
{
	if (german)
		BUF_LIT(b, "\xEF\xBB\xBF");
}

void
report_csv_cell(struct buf *b, bool german, bool first, enum report_cell kind,
    const char *text)
{
	char mark = german ? ',' : '.';

	if (!first)
		buf_addc(b, german ? ';' : ',');
	if (text == NULL)
		return;
	switch (kind) {
	case REPORT_TEXT:
		add_text(b, text, german);
		break;
	case REPORT_DATE:
		add_date(b, text, german);
		break;
	case REPORT_CENTS:
		add_places(b, text, 2, mark);
		break;
	case REPORT_MILLI:
		add_places(b, text, 3, mark);
		break;
	case REPORT_BOOL:
		buf_adds(b, text[0] == 't' ?
		    german ? STR("ja") : STR("yes") :
		    german ? STR("nein") : STR("no"));
		break;
	case REPORT_INT:
		buf_adds(b, str_of(text));
		break;
	}
}

void
report_csv(const struct report *r, bool german, struct buf *b)
{
	report_csv_begin(german, b);
	for (unsigned c = 0; c < r->ncolumns; c++)
		report_csv_cell(b, german, c == 0, REPORT_TEXT, german ?
		    r->columns[c].de : r->columns[c].key);
	BUF_LIT(b, "\r\n");
	for (int row = 0; row < PQntuples(r->rows); row++) {
		for (unsigned c = 0; c < r->ncolumns; c++)
			report_csv_cell(b, german, c == 0, r->columns[c].kind,
			    cell_of(r, row, c));
		BUF_LIT(b, "\r\n");
	}
}
