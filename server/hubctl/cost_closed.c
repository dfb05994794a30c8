/* server/hubctl/cost_closed.c - a tenant's part of what is closed: read from
 * the ledger as it was then, whatever the region says by now; what was posted
 * for the period since stands apart. */
#include "server/hubctl/cost.h"
#include "server/hubctl/progress.h"

/* $1 first day, $2 last day, $3 AGS. The unit asked for alone: a month that is
 * a part of a settled year stays a month. */
#define RUNS                                                                  \
	"FROM report.allocation_run r WHERE r.kind IN ('month', "             \
	"'instalment', 'year') AND r.period_from = $1::date "                 \
	"AND r.period_to = $2::date "

static const char costs_sql[] =
    "SELECT json_build_object('cost', r.cost, 'title', r.title, "
    "'currency', 'EUR', 'from', r.doc::json->'from', "
    "'to', r.doc::json->'to', 'amount_cents', r.amount_cents, "
    "'whole_cents', r.doc::json->'whole_cents', "
    "'model', r.doc::json->'model', "
    "'booking', r.doc::json->'booking', 'items', r.doc::json->'items', "
    "'tax', r.doc::json->'tax', "
    "'bounds', r.doc::json->'bounds', "
    "'others_milli_units', r.doc::json->'others_milli_units', "
    "'state', 'closed', 'run', r.run_id, 'run_sha256', r.run_sha256, "
    "'days', m->'days', 'parts', (SELECT coalesce(json_agg("
    "json_build_object('from', s.\"from\", 'to', s.\"to\", "
    "'component', s.component, 'key', s.key, 'weight', s.weight, "
    "'of', s.weights, 'amount_cents', s.amount_cents, 'cents', s.cents) "
    "ORDER BY s.i), '[]') FROM report.statement_line s "
    "WHERE s.run_id = r.run_id AND s.ags = $3 "
    "AND s.key NOT IN ('bounds', 'instalment')), "
    "'raw_cents', m->'raw_cents', 'bound', m->'bound', "
    "'bounds_cents', (m->>'share_cents')::bigint "
    "- (m->>'raw_cents')::bigint, 'share_cents', m->'share_cents', "
    "'alone_cents', m->'alone_cents')::text, "
    "r.cost, r.title, to_char(r.period_from, 'YYYY-MM-DD'), "
    "to_char(r.period_to, 'YYYY-MM-DD'), r.amount_cents, r.model, "
    "r.model_version, r.doc::json->'model'->>'clause', r.kind, r.run_id, "
    "r.run_sha256, (m->>'share_cents')::bigint, r.tax, r.tax_rate, r.tax_basis "
    "FROM (SELECT r.* " RUNS ") r CROSS JOIN LATERAL "
    "json_array_elements(r.doc::json->'shares') m "
    "WHERE m->>'ags' = $3 ORDER BY r.run_id";
enum { C_JSON, C_COST, C_TITLE, C_FROM, C_TO, C_AMOUNT, C_MODEL, C_VERSION,
	C_CLAUSE, C_KIND, C_RUN, C_SHA256, C_SHARE, C_TAX, C_RATE, C_BASIS };

static const char lines_sql[] =
    "SELECT s.cost, s.\"from\", s.\"to\", s.component, s.key, s.weight, "
    "s.weights, round(s.amount_cents / 100.0, 2), "
    "round(s.cents / 100.0, 2), s.model || ' ' || s.model_version, s.clause "
    "FROM (SELECT l.run_id, l.i, l.cost, l.\"from\", l.\"to\", l.component, "
    "l.key, l.weight, l.weights, l.amount_cents, l.cents, l.model, "
    "l.model_version, l.clause FROM report.statement_line l "
    "WHERE l.ags = $3 UNION ALL "
    /* What is no share comes last. */
    "SELECT r.run_id, 2000000000, r.cost, r.period_from, r.period_to, "
    "'(alone)', 'alone', NULL, NULL, (m->>'alone_cents')::bigint, NULL, "
    "r.model, r.model_version, r.doc::json->'model'->>'clause' "
    "FROM report.allocation_run r CROSS JOIN LATERAL "
    "json_array_elements(r.doc::json->'shares') m "
    "WHERE m->>'ags' = $3 AND m->>'alone_cents' IS NOT NULL) s "
    "WHERE s.run_id IN (SELECT r.run_id " RUNS ") ORDER BY s.run_id, s.i";

/* All entries for days of the period: of a year those of its months, too. */
static const char entries_sql[] =
    "SELECT json_build_object('entry', entry_id, 'type', type, "
    "'service', service, 'booked', to_char(booked_period, 'YYYY-MM'), "
    "'cost', cost, 'cents', sum(amount_cents), 'reverses', reverses, "
    "'reason', reason, 'posted_at', " DB_INSTANT("posted_at")
    ")::text, entry_id, type, service, "
    "to_char(booked_period, 'YYYY-MM'), cost, "
    "round(sum(amount_cents) / 100.0, 2), reverses, reason, "
    "sum(amount_cents), type IN ('CORRECTION', 'REVERSAL') "
    "FROM report.journal WHERE service_from >= $1::date "
    "AND service_to <= $2::date AND ags = $3 AND account = 'share' "
    "GROUP BY entry_id, type, service, booked_period, cost, reverses, "
    "reason, posted_at ORDER BY entry_id";
enum { E_JSON, E_ENTRY, E_TYPE, E_SERVICE, E_BOOKED, E_COST, E_AMOUNT,
	E_REVERSES, E_REASON, E_CENTS, E_LATER };

static const char deferred_sql[] =
    "SELECT coalesce(sum(cents), 0)::bigint FROM report.deferral "
    "WHERE taken_up_by IS NULL AND period_from >= $1::date "
    "AND period_to <= $2::date AND ags = $3";

static void
day_text(struct wall_us day, char out[WALL_STR_MAX])
{
	wall_format(day, out);
	out[10] = '\0';
}

enum hub_err
closed_read(struct db *db, const struct asked *asked,
    const struct tenant *tenant, struct closed *out)
{
	char from[WALL_STR_MAX], to[WALL_STR_MAX], ags[16];
	const char *params[] = { from, to, ags };
	PGresult *deferred = NULL;
	enum hub_err err;

	*out = (struct closed){ 0 };
	day_text(asked->days.from, from);
	day_text(asked->days.to, to);
	(void)snprintf(ags, sizeof(ags), "%.*s", STR_FMT(tenant->ags));
	err = db_exec(db, costs_sql, 3, params, &out->costs);
	if (err == HUB_OK)
		err = db_exec(db, lines_sql, 3, params, &out->lines);
	if (err == HUB_OK)
		err = db_exec(db, entries_sql, 3, params, &out->entries);
	if (err == HUB_OK)
		err = db_exec(db, deferred_sql, 3, params, &deferred);
	if (err != HUB_OK)
		return (err);
	out->deferred = db_bigint(deferred, 0, 0);
	PQclear(deferred);
	for (int i = 0; i < PQntuples(out->costs); i++)
		out->share += db_bigint(out->costs, i, C_SHARE);
	for (int i = 0; i < PQntuples(out->entries); i++) {
		int64_t cents = db_bigint(out->entries, i, E_CENTS);

		out->posted += cents;
		if (PQgetvalue(out->entries, i, E_LATER)[0] == 't')
			out->corrections += cents;
	}
	return (HUB_OK);
}

void
closed_clear(struct closed *c)
{
	PQclear(c->costs);
	PQclear(c->lines);
	PQclear(c->entries);
}

bool
closed_has(const struct closed *c, struct str cost)
{
	for (int i = 0; i < PQntuples(c->costs); i++)
		if (str_eq(str_of(PQgetvalue(c->costs, i, C_COST)), cost))
			return (true);
	return (false);
}

/* ---- for people */

static void
add_closed_day(struct buf *b, const char *day, enum ctl_lang lang)
{
	struct wall_us at = WALL_ABSENT;

	if (wall_parse_date(str_of(day), &at) != HUB_OK)
		assert(!"the ledger's days");
	add_day(b, at, lang);
}

static void
add_tax(struct buf *b, const struct closed *c, int i, enum ctl_lang lang)
{
	int64_t share = db_bigint(c->costs, i, C_SHARE), tax;
	unsigned percent = (unsigned)db_bigint(c->costs, i, C_RATE);
	char mark = lang == LANG_DE ? ',' : '.';

	if (PQgetisnull(c->costs, i, C_TAX))
		return;
	tax = tax_on(share, percent);
	add_tax_line(b, PQgetvalue(c->costs, i, C_TAX), percent,
	    str_of(PQgetvalue(c->costs, i, C_BASIS)), lang);
	buf_adds(b, str_of(lang == LANG_DE ? ": netto " : ": net "));
	add_cents(b, share, mark);
	buf_adds(b, str_of(lang == LANG_DE ? " EUR, Steuer " : " EUR, tax "));
	add_cents(b, tax, mark);
	buf_adds(b, str_of(lang == LANG_DE ? " EUR, brutto " :
					     " EUR, gross "));
	add_cents(b, share + tax, mark);
	BUF_LIT(b, " EUR\n");
}

static void
add_head(struct buf *b, const struct closed *c, int i, enum ctl_lang lang)
{
	bool de = lang == LANG_DE;

	buf_addf(b, "%s: %s\n", PQgetvalue(c->costs, i, C_COST),
	    PQgetvalue(c->costs, i, C_TITLE));
	add_closed_day(b, PQgetvalue(c->costs, i, C_FROM), lang);
	buf_adds(b, str_of(de ? " bis " : " to "));
	add_closed_day(b, PQgetvalue(c->costs, i, C_TO), lang);
	BUF_LIT(b, ": ");
	add_cents(b, db_bigint(c->costs, i, C_AMOUNT), de ? ',' : '.');
	buf_addf(b, de ? " EUR\nModell %s, Version %s" :
			 " EUR\nModel %s, version %s",
	    PQgetvalue(c->costs, i, C_MODEL),
	    PQgetvalue(c->costs, i, C_VERSION));
	if (PQgetvalue(c->costs, i, C_CLAUSE)[0] != '\0')
		buf_addf(b, ", %s", PQgetvalue(c->costs, i, C_CLAUSE));
	BUF_LIT(b, "\n");
	add_tax(b, c, i, lang);
	buf_addf(b, de ? "Abgeschlossen: Berechnung %s, %s\n\n" :
			 "Closed: calculation %s, %s\n\n",
	    PQgetvalue(c->costs, i, C_RUN),
	    PQgetvalue(c->costs, i, C_SHA256));
}

void
closed_head(const struct ctl *ctl, const struct closed *c)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < PQntuples(c->costs); i++)
		add_head(&b, c, i, ctl->lang);
	progress_end();
	if (b.len > 0)
		fwrite(b.p, 1, b.len, stdout);
	buf_clear(&b);
}

static const struct column entry_columns[] = {
	{ "entry", "ENTRY", "BELEG", CELL_INT },
	{ "type", "TYPE", "ART", CELL_TEXT },
	{ "service", "FOR", "FÜR", CELL_DATE },
	{ "booked", "BOOKED", "GEBUCHT", CELL_DATE },
	{ "cost", "COST", "KOSTEN", CELL_TEXT },
	{ "amount", "AMOUNT", "BETRAG", CELL_DECIMAL },
	{ "reverses", "REVERSES", "STORNIERT", CELL_INT },
	{ "reason", "REASON", "GRUND", CELL_TEXT },
};
#define NENTRY (sizeof(entry_columns) / sizeof(entry_columns[0]))

const char *
entry_type(const char *word, enum ctl_lang lang)
{
	static const char *const words[][3] = {
		{ "ALLOCATION", "share", "Umlage" },
		{ "INSTALMENT", "instalment", "Abschlag" },
		{ "SETTLEMENT", "settlement", "Jahresabrechnung" },
		{ "CORRECTION", "correction", "Berichtigung" },
		{ "REVERSAL", "reversal", "Storno" },
		{ "DEFERRED", "deferred", "zurückgestellt" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], word) == 0)
			return (words[i][lang == LANG_DE ? 2 : 1]);
	return (word);
}

void
closed_entries(const struct ctl *ctl, const struct closed *c)
{
	const char *cells[NENTRY] = { NULL };
	struct table *t;
	struct buf b;

	if (PQntuples(c->entries) == 0)
		return;
	buf_init(&b, 64);
	fputs(ctl->lang == LANG_DE ? "\nGebucht:\n" : "\nPosted:\n", stdout);
	t = table_new(entry_columns, NENTRY);
	for (int i = 0; i < PQntuples(c->entries); i++) {
		for (int k = 0; k < (int)NENTRY; k++)
			cells[k] = PQgetisnull(c->entries, i, k + E_ENTRY) ?
			    NULL :
			    PQgetvalue(c->entries, i, k + E_ENTRY);
		cells[1] = entry_type(cells[1], ctl->lang);
		table_add(t, cells);
	}
	memset(cells, 0, sizeof(cells));
	cells[1] = ctl->lang == LANG_DE ? "Summe" : "sum";
	add_cents(&b, c->posted, '.');
	cells[5] = buf_cstr(&b);
	table_add(t, cells);
	table_print_take(t, ctl);
	if (c->deferred != 0 && ctl->output == OUTPUT_TABLE) {
		b.len = 0;
		add_cents(&b, c->deferred, ctl->lang == LANG_DE ? ',' : '.');
		printf(ctl->lang == LANG_DE ?
			"Zurückgestellt bis zum Abschluss des Jahres: %s EUR\n" :
			"Deferred to the close of the year: %s EUR\n",
		    buf_cstr(&b));
	}
	buf_clear(&b);
}
