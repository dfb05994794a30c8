/* server/hubctl/cmd_journal.c - hubctl export journal, bookings, statement, usage,
 * focus and protocol, and hubctl period deferred: what finance staff take away, as
 * a table, JSON, CSV or a page. Of closed months the same bytes come each time. */
#include "server/hubctl/cost.h"

/* $1 and $2 are the first and the last day of the period. */
struct report {
	const char *sql;
	const struct column *columns;
	size_t ncolumns;
	bool english;	   /* in all languages: the names are a standard's */
	const char *title; /* of the page to print, or NULL: none is offered */
};

static const struct column journal_columns[] = {
	{ "entry", "ENTRY", "Beleg", CELL_INT },
	{ "line", "LINE", "Zeile", CELL_INT },
	{ "type", "TYPE", "Art", CELL_TEXT },
	{ "booked", "BOOKED", "Buchungsmonat", CELL_DATE },
	{ "from", "FROM", "Leistung von", CELL_DATE },
	{ "to", "TO", "Leistung bis", CELL_DATE },
	{ "cost", "COST", "Kosten", CELL_TEXT },
	{ "title", "TITLE", "Bezeichnung", CELL_TEXT },
	{ "account", "ACCOUNT", "Konto", CELL_TEXT },
	{ "ags", "AGS", "AGS", CELL_TEXT },
	{ "name", "NAME", "Name", CELL_TEXT },
	{ "component", "COMPONENT", "Bestandteil", CELL_TEXT },
	{ "key", "KEY", "Schlüssel", CELL_TEXT },
	{ "amount", "AMOUNT", "Betrag", CELL_CENTS },
	{ "model", "MODEL", "Modell", CELL_TEXT },
	{ "tax", "TAX", "Steuerkennzeichen", CELL_TEXT },
	{ "tax_percent", "TAX %", "Steuersatz", CELL_INT },
	{ "tax_basis", "TAX BASIS", "Steuergrundlage", CELL_TEXT },
	{ "reverses", "REVERSES", "Storniert", CELL_INT },
	{ "reason", "REASON", "Grund", CELL_TEXT },
	{ "by", "BY", "Durch", CELL_TEXT },
	{ "posted_at", "POSTED", "Gebucht (UTC)", CELL_TEXT },
	{ "run", "RUN", "Berechnung", CELL_INT },
	{ "run_sha256", "RUN SHA-256", "SHA-256 der Berechnung", CELL_TEXT },
};
static const char journal_sql[] =
    "SELECT entry_id, line_no, type, to_char(booked_period, 'YYYY-MM'), "
    "to_char(service_from, 'YYYY-MM-DD'), to_char(service_to, "
    "'YYYY-MM-DD'), cost, title, account, nullif(ags, ''), name, "
    "nullif(component, ''), nullif(key, ''), amount_cents, "
    "model || ' ' || model_version, tax, "
    "CASE WHEN tax IS NOT NULL THEN tax_rate END, nullif(tax_basis, ''), "
    "reverses, reason, tenant || ':' || person, "
    DB_INSTANT("posted_at") ", "
    "run_id, run_sha256 FROM report.journal "
    "WHERE booked_period BETWEEN $1::date AND $2::date "
    "ORDER BY entry_id, line_no";

/* On paper, what a person looks for. */
static const struct column sheet_columns[] = {
	{ "entry", "ENTRY", "Beleg", CELL_INT },
	{ "type", "TYPE", "Art", CELL_TEXT },
	{ "booked", "BOOKED", "Buchungsmonat", CELL_DATE },
	{ "from", "FROM", "Leistung von", CELL_DATE },
	{ "to", "TO", "Leistung bis", CELL_DATE },
	{ "title", "TITLE", "Bezeichnung", CELL_TEXT },
	{ "ags", "AGS", "AGS", CELL_TEXT },
	{ "name", "NAME", "Name", CELL_TEXT },
	{ "component", "COMPONENT", "Bestandteil", CELL_TEXT },
	{ "amount", "AMOUNT", "Betrag", CELL_CENTS },
	{ "reason", "REASON", "Grund", CELL_TEXT },
};
static const char sheet_sql[] =
    "SELECT entry_id, type, to_char(booked_period, 'YYYY-MM'), "
    "to_char(service_from, 'YYYY-MM-DD'), to_char(service_to, "
    "'YYYY-MM-DD'), title, nullif(ags, ''), name, nullif(component, ''), "
    "amount_cents, reason FROM report.journal "
    "WHERE booked_period BETWEEN $1::date AND $2::date "
    "ORDER BY entry_id, line_no";

static const struct column booking_columns[] = {
	{ "entry", "ENTRY", "Beleg", CELL_INT },
	{ "line", "LINE", "Zeile", CELL_INT },
	{ "type", "TYPE", "Art", CELL_TEXT },
	{ "booked", "BOOKED", "Buchungsmonat", CELL_DATE },
	{ "posted", "POSTED", "Belegdatum", CELL_DATE },
	{ "from", "FROM", "Leistung von", CELL_DATE },
	{ "to", "TO", "Leistung bis", CELL_DATE },
	{ "cost_centre", "COST CENTRE", "Kostenstelle", CELL_TEXT },
	{ "cost_unit", "COST UNIT", "Kostenträger", CELL_TEXT },
	{ "account", "ACCOUNT", "Sachkonto", CELL_TEXT },
	{ "ags", "AGS", "AGS", CELL_TEXT },
	{ "name", "NAME", "Name", CELL_TEXT },
	{ "amount", "AMOUNT", "Betrag", CELL_CENTS },
	{ "currency", "CURRENCY", "Währung", CELL_TEXT },
	{ "tax", "TAX", "Steuerkennzeichen", CELL_TEXT },
	{ "tax_percent", "TAX %", "Steuersatz", CELL_INT },
	{ "cost", "COST", "Kosten", CELL_TEXT },
	{ "title", "TITLE", "Bezeichnung", CELL_TEXT },
	{ "vouchers", "VOUCHERS", "Belege der Kosten", CELL_TEXT },
	{ "reverses", "REVERSES", "Storniert", CELL_INT },
	{ "reason", "REASON", "Grund", CELL_TEXT },
	{ "run", "RUN", "Berechnung", CELL_INT },
};
static const char booking_sql[] =
    "SELECT entry_id, line_no, type, to_char(booked_period, 'YYYY-MM'), "
    "to_char(posted_at AT TIME ZONE 'Europe/Berlin', 'YYYY-MM-DD'), "
    "to_char(service_from, 'YYYY-MM-DD'), to_char(service_to, "
    "'YYYY-MM-DD'), cost_centre, cost_unit, account, ags, name, "
    "amount_cents, 'EUR', tax, CASE WHEN tax IS NOT NULL THEN tax_rate END, "
    "cost, title, vouchers, reverses, reason, run_id FROM report.booking "
    "WHERE booked_period BETWEEN $1::date AND $2::date "
    "ORDER BY entry_id, line_no";

static const struct column statement_columns[] = {
	{ "ags", "AGS", "AGS", CELL_TEXT },
	{ "name", "NAME", "Name", CELL_TEXT },
	{ "cost", "COST", "Kosten", CELL_TEXT },
	{ "title", "TITLE", "Bezeichnung", CELL_TEXT },
	{ "from", "FROM", "Von", CELL_DATE },
	{ "to", "TO", "Bis", CELL_DATE },
	{ "component", "COMPONENT", "Bestandteil", CELL_TEXT },
	{ "key", "KEY", "Schlüssel", CELL_TEXT },
	{ "weight", "WEIGHT", "Gewicht", CELL_DECIMAL },
	{ "weights", "ALL WEIGHTS", "Alle Gewichte", CELL_DECIMAL },
	{ "amount", "TO SHARE", "Zu teilen", CELL_CENTS },
	{ "share", "SHARE", "Anteil", CELL_CENTS },
	{ "model", "MODEL", "Modell", CELL_TEXT },
	{ "clause", "CLAUSE", "Grundlage", CELL_TEXT },
	{ "run", "RUN", "Berechnung", CELL_INT },
};
static const char statement_sql[] =
    "SELECT ags, name, cost, title, to_char(\"from\", 'YYYY-MM-DD'), "
    "to_char(\"to\", 'YYYY-MM-DD'), component, key, weight, weights, "
    "amount_cents, cents, model || ' ' || model_version, clause, run_id "
    "FROM report.statement_line WHERE period_from = $1::date "
    "AND period_to = $2::date AND kind IN ('month', 'instalment', 'year') "
    "ORDER BY ags COLLATE \"C\", run_id, i";

static const struct column usage_columns[] = {
	{ "service", "FOR", "Leistungsmonat", CELL_DATE },
	{ "booked", "BOOKED", "Buchungsmonat", CELL_DATE },
	{ "class", "CLASS", "Klasse", CELL_TEXT },
	{ "consumer", "CONSUMER", "Abnehmer", CELL_TEXT },
	{ "provider", "PROVIDER", "Anbieter", CELL_TEXT },
	{ "agreement", "AGREEMENT", "Vereinbarung", CELL_TEXT },
	{ "purpose", "PURPOSE", "Zweck", CELL_TEXT },
	{ "dataset", "DATASET", "Datensatz", CELL_TEXT },
	{ "types", "TYPES", "Typen", CELL_TEXT },
	{ "operation", "OPERATION", "Vorgang", CELL_TEXT },
	{ "requests", "REQUESTS", "Anfragen", CELL_INT },
	{ "denied", "WITHOUT DATA", "Ohne Daten", CELL_INT },
	{ "entities", "ENTITIES", "Entitäten", CELL_INT },
	{ "bytes", "BYTES", "Bytes", CELL_INT },
	{ "milli_units", "UNITS", "Einheiten", CELL_MILLI },
};
static const char usage_sql[] =
    "SELECT to_char(service_period, 'YYYY-MM'), to_char(booked_period, "
    "'YYYY-MM'), class, consumer, provider, agreement, purpose, dataset, "
    "types, operation, requests, denied, entities, bytes, units "
    "FROM report.usage_month "
    "WHERE booked_period BETWEEN $1::date AND $2::date "
    "ORDER BY booked_period, service_period, class COLLATE \"C\", "
    "consumer COLLATE \"C\", provider COLLATE \"C\", "
    "agreement COLLATE \"C\", purpose COLLATE \"C\", dataset COLLATE \"C\", "
    "types COLLATE \"C\", operation COLLATE \"C\"";

#define FOCUS(name, kind) { name, name, name, kind }
static const struct column focus_columns[] = {
	FOCUS("BilledCost", CELL_DECIMAL),
	FOCUS("BillingAccountId", CELL_TEXT),
	FOCUS("BillingAccountName", CELL_TEXT),
	FOCUS("BillingCurrency", CELL_TEXT),
	FOCUS("BillingPeriodEnd", CELL_TEXT),
	FOCUS("BillingPeriodStart", CELL_TEXT),
	FOCUS("ChargeCategory", CELL_TEXT),
	FOCUS("ChargeClass", CELL_TEXT),
	FOCUS("ChargeDescription", CELL_TEXT),
	FOCUS("ChargePeriodEnd", CELL_TEXT),
	FOCUS("ChargePeriodStart", CELL_TEXT),
	FOCUS("ContractedCost", CELL_DECIMAL),
	FOCUS("EffectiveCost", CELL_DECIMAL),
	FOCUS("InvoiceIssuerName", CELL_TEXT),
	FOCUS("ListCost", CELL_DECIMAL),
	FOCUS("PricingQuantity", CELL_DECIMAL),
	FOCUS("PricingUnit", CELL_TEXT),
	FOCUS("ProviderName", CELL_TEXT),
	FOCUS("PublisherName", CELL_TEXT),
	FOCUS("ServiceCategory", CELL_TEXT),
	FOCUS("ServiceName", CELL_TEXT),
	FOCUS("ConsumedQuantity", CELL_DECIMAL),
	FOCUS("ConsumedUnit", CELL_TEXT),
	FOCUS("ChargeFrequency", CELL_TEXT),
	FOCUS("ServiceSubcategory", CELL_TEXT),
	FOCUS("x_Component", CELL_TEXT),
	FOCUS("x_ModelVersion", CELL_TEXT),
	FOCUS("x_Weight", CELL_DECIMAL),
	FOCUS("x_EntryId", CELL_INT),
	FOCUS("x_CorrectsPeriod", CELL_TEXT),
};
static const char focus_sql[] =
    "SELECT \"BilledCost\", \"BillingAccountId\", \"BillingAccountName\", "
    "\"BillingCurrency\", \"BillingPeriodEnd\", \"BillingPeriodStart\", "
    "\"ChargeCategory\", \"ChargeClass\", \"ChargeDescription\", "
    "\"ChargePeriodEnd\", \"ChargePeriodStart\", \"BilledCost\", "
    "\"BilledCost\", \"InvoiceIssuerName\", \"BilledCost\", "
    "\"PricingQuantity\", \"PricingUnit\", \"InvoiceIssuerName\", "
    "\"InvoiceIssuerName\", 'Integration', \"ServiceName\", "
    /* What is billed by use is what was used. */
    "CASE WHEN \"ChargeCategory\" = 'Usage' THEN \"PricingQuantity\" END, "
    "CASE WHEN \"ChargeCategory\" = 'Usage' THEN \"PricingUnit\" END, "
    "CASE WHEN \"ChargeCategory\" = 'Usage' THEN 'Usage-Based' "
    "ELSE 'Recurring' END, 'API Management', "
    "\"x_Component\", \"x_ModelVersion\", \"x_Weight\", entry_id, "
    "\"x_CorrectsPeriod\" FROM report.focus "
    "WHERE booked_period BETWEEN $1::date AND $2::date "
    "ORDER BY entry_id, line_no";

/* How a month was closed (R5). */
static const struct column protocol_columns[] = {
	{ "item", "ITEM", "Angabe", CELL_TEXT },
	{ "number", "NUMBER", "Nummer", CELL_INT },
	{ "what", "WHAT", "Wer oder was", CELL_TEXT },
	{ "at", "AT", "Zeit (UTC)", CELL_TEXT },
	{ "count", "COUNT", "Anzahl", CELL_INT },
	{ "amount", "AMOUNT", "Betrag", CELL_CENTS },
	{ "sha256", "SHA-256", "SHA-256", CELL_TEXT },
};
#define NPROTOCOL (sizeof(protocol_columns) / sizeof(protocol_columns[0]))
static const char protocol_sql[] =
    "SELECT item, number, what, " DB_INSTANT("at") ", count, cents, sha256 "
    "FROM report.protocol WHERE period = $1::date ORDER BY n, number";

#define REPORT(name, english, title)                                          \
	{ name##_sql, name##_columns,                                         \
	    sizeof(name##_columns) / sizeof(name##_columns[0]), english, title }
static const struct report journal = REPORT(journal, false, NULL),
			   sheet = REPORT(sheet, false, "Journal"),
			   booking = REPORT(booking, false, NULL),
			   statement = REPORT(statement, false, NULL),
			   usage = REPORT(usage, false, NULL),
			   focus = REPORT(focus, true, NULL);

static const struct column deferred_columns[] = {
	{ "run", "RUN", "BERECHNUNG", CELL_INT },
	{ "cost", "COST", "KOSTEN", CELL_TEXT },
	{ "service", "FOR", "FÜR", CELL_DATE },
	{ "ags", "AGS", "AGS", CELL_TEXT },
	{ "name", "NAME", "NAME", CELL_TEXT },
	{ "amount", "AMOUNT", "BETRAG", CELL_CENTS },
	{ "below", "BELOW", "UNTER", CELL_CENTS },
	{ "reason", "REASON", "GRUND", CELL_TEXT },
	{ "by", "BY", "DURCH", CELL_TEXT },
	{ "at", "AT", "AM", CELL_DATE },
	{ "taken_up_by", "TAKEN UP BY", "AUFGENOMMEN VON", CELL_INT },
};
static const char deferred_sql[] =
    "SELECT run_id, cost, service, ags, name, cents, below_cents, reason, "
    "tenant || ':' || person, to_char(made_at AT TIME ZONE 'Europe/Berlin', "
    "'YYYY-MM-DD'), taken_up_by FROM report.deferral "
    "ORDER BY run_id, ags COLLATE \"C\"";

enum ctl_exit
cmd_period_deferred(
    const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	PGresult *res = NULL;
	struct db *db = NULL;
	enum ctl_exit code = ctl_db(ctl, &db);
	enum hub_err err;
	struct table *t;

	if (code != CTL_OK)
		return (code);
	err = db_exec(db, deferred_sql, 0, NULL, &res);
	if (err != HUB_OK)
		code = ctl_db_failed(db, err);
	else {
		t = table_new(deferred_columns, sizeof(deferred_columns) /
		    sizeof(deferred_columns[0]));
		table_add_result(t, res);
		table_print_take(t, ctl);
	}
	PQclear(res);
	db_close(db);
	return (code);
}

/* Figures of a month that is not closed may still grow. */
static enum hub_err
warn_open(struct db *db, const char *period, const char *last)
{
	const char *params[] = { last };
	PGresult *res = NULL;
	enum hub_err err = db_exec(db,
	    "SELECT coalesce($1::date < ledger.first_open(), false)", 1,
	    params, &res);

	if (err == HUB_OK && PQgetvalue(res, 0, 0)[0] != 't')
		ctl_warn("%s is not closed: more may be added", period);
	PQclear(res);
	return (err);
}

static enum ctl_exit
print_report(const struct ctl *ctl, struct db *db, const struct report *r,
    const char *period, const struct asked *asked)
{
	char from[WALL_STR_MAX], to[WALL_STR_MAX];
	const char *params[] = { from, to };
	const struct ctl_query query = { r->sql, 2, r->columns, r->ncolumns,
		r->title, r->title, period }; /* a word of both languages */
	struct ctl form = *ctl;
	enum hub_err err;

	wall_format(asked->days.from, from);
	wall_format(asked->days.to, to);
	from[10] = to[10] = '\0';
	err = warn_open(db, period, to);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (r->english)
		form.lang = LANG_EN;
	return (ctl_print_query(&form, db, &query, params));
}

static enum ctl_exit
export(const struct ctl *ctl, const char *period, const struct report *r)
{
	struct asked asked;
	struct db *db = NULL;
	enum ctl_exit code = cost_period(period, &asked);

	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = print_report(ctl, db, r, period, &asked);
	db_close(db);
	return (code);
}

enum ctl_exit
cmd_export_journal(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	return (export(ctl, argv[0],
	    (ctl->given & OPT_HTML) != 0 ? &sheet : &journal));
}

enum ctl_exit
cmd_export_bookings(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	return (export(ctl, argv[0], &booking));
}

enum ctl_exit
cmd_export_statement(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	return (export(ctl, argv[0], &statement));
}

enum ctl_exit
cmd_export_usage(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	return (export(ctl, argv[0], &usage));
}

enum ctl_exit
cmd_export_focus(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	return (export(ctl, argv[0], &focus));
}

/* ---- the closing protocol */

static const struct {
	const char *word, *en, *de;
} protocol_words[] = {
	{ "proposed", "proposed by", "vorgeschlagen von" },
	{ "closed", "closed by", "abgeschlossen von" },
	{ "figures", "figures", "Zahlen" },
	{ "days", "sums by day", "Tagessummen" },
	{ "months", "sums by month", "Monatssummen" },
	{ "run", "calculation", "Berechnung" },
	{ "node", "node, reported up to; missing",
	    "Knoten, gemeldet bis; fehlend" },
	{ "conflicts", "conflicts", "Widersprüche" },
	{ "block", "block", "Block" },
	{ "previous", "block before", "Block davor" },
	{ "reported", "has reported all", "vollständig gemeldet" },
	{ "retired", "retired", "abgemeldet" },
};

/* For people; programs get the word. */
static const char *
protocol_word(const struct ctl *ctl, const char *word)
{
	const size_t n = sizeof(protocol_words) / sizeof(protocol_words[0]);
	bool german = ctl->lang == LANG_DE;

	if (ctl->output == OUTPUT_JSON ||
	    (ctl->output == OUTPUT_CSV && !german))
		return (word);
	for (size_t i = 0; i < n; i++)
		if (strcmp(protocol_words[i].word, word) == 0)
			return (german ? protocol_words[i].de :
					 protocol_words[i].en);
	return (word);
}

static void
protocol_print(const struct ctl *ctl, const PGresult *res, const char *month)
{
	struct table *t = table_new(protocol_columns, NPROTOCOL);
	const char *cells[NPROTOCOL];

	for (int i = 0; i < PQntuples(res); i++) {
		for (int k = 0; k < (int)NPROTOCOL; k++)
			cells[k] = PQgetisnull(res, i, k) ?
			    NULL :
			    PQgetvalue(res, i, k);
		if (strcmp(cells[0], "node") == 0)
			cells[2] = protocol_word(ctl, cells[2]);
		cells[0] = protocol_word(ctl, cells[0]);
		table_add(t, cells);
	}
	table_report_take(t, ctl, "Closing protocol", "Abschlussprotokoll",
	    month);
}

enum ctl_exit
cmd_export_protocol(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	char day[16];
	const char *params[] = { day };
	PGresult *res = NULL;
	struct db *db = NULL;
	struct asked asked;
	enum ctl_exit code;
	enum hub_err err;

	if (asked_parse(str_of(argv[0]), &asked) != HUB_OK ||
	    asked.kind != ASKED_MONTH) {
		ctl_warn("%s is not a month (2026-11)", argv[0]);
		return (CTL_USAGE);
	}
	(void)snprintf(day, sizeof(day), "%s-01", argv[0]);
	code = ctl_db(ctl, &db);
	if (code != CTL_OK)
		return (code);
	err = db_exec(db, protocol_sql, 1, params, &res);
	if (err != HUB_OK)
		code = ctl_db_failed(db, err);
	else if (PQntuples(res) == 0) {
		ctl_warn("%s is not closed", argv[0]);
		code = CTL_FAILED;
	} else
		protocol_print(ctl, res, argv[0]);
	PQclear(res);
	db_close(db);
	return (code);
}
