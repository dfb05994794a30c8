/* server/hubctl/cmd_period.c - hubctl period, correct and plan: months are
 * closed by two persons, and what is closed is put right by further entries.
 * The database keeps the rules (sql/schema/0013_period.sql); the shares are
 * made here, in the transaction that posts them. */
#include <inttypes.h>

#include "server/hubctl/cost.h"
#include "server/hubctl/progress.h"

/* Who acts, out of --as TENANT:PERSON; issuer is the tenant's title. */
struct actor {
	char tenant[64], person[256], issuer[1024];
};

static enum ctl_exit
actor_of(const struct ctl *ctl, const struct region *region,
    struct actor *actor)
{
	struct str rest = str_of(ctl->as), tenant;
	const struct tenant *t;

	if (ctl->as == NULL || !str_cut(&rest, ':', &tenant) ||
	    rest.p == NULL || !ctl_person(rest)) {
		ctl_warn("--as TENANT:PERSON is needed, such as "
			 "schwerte:c.weber");
		return (CTL_USAGE);
	}
	t = tenant_find(&region->tenants, tenant);
	if (t == NULL || tenant.len >= sizeof(actor->tenant)) {
		ctl_warn("no such tenant in the bundle in force");
		return (CTL_FAILED);
	}
	(void)snprintf(actor->tenant, sizeof(actor->tenant), "%.*s",
	    STR_FMT(tenant));
	(void)snprintf(actor->person, sizeof(actor->person), "%.*s",
	    STR_FMT(rest));
	(void)snprintf(actor->issuer, sizeof(actor->issuer), "%.*s",
	    STR_FMT(t->title));
	return (CTL_OK);
}

static bool
is_german(const struct ctl *ctl)
{
	return (ctl->lang == LANG_DE);
}

/* What every step here needs; one transaction. */
struct step {
	const struct ctl *ctl;
	struct arena *arena;
	struct db *db;
	struct region *region;
	int64_t bundle;
	struct actor actor;
	struct posting posting;
};

static enum ctl_exit
step_begin(const struct ctl *ctl, struct step *s)
{
	enum ctl_exit code;
	enum hub_err err;

	*s = (struct step){ .ctl = ctl, .arena = arena_new() };
	posting_init(&s->posting);
	s->posting.german = is_german(ctl) && ctl->output != OUTPUT_JSON;
	code = ctl_db(ctl, &s->db);
	if (code == CTL_OK)
		code = costs_in_force(s->db, s->arena, &s->region, &s->bundle);
	if (code == CTL_OK)
		code = actor_of(ctl, s->region, &s->actor);
	if (code != CTL_OK)
		return (code);
	err = db_begin(s->db);
	if (err == HUB_OK)
		err = db_exec(
		    s->db, "SELECT ledger.period_lock()", 0, NULL, NULL);
	return (err == HUB_OK ? CTL_OK : ctl_db_failed(s->db, err));
}

/* Commits what went well, unless it was a dry run. */
static enum ctl_exit
step_end(struct step *s, enum ctl_exit code)
{
	if (s->db != NULL && (code == CTL_OK || code == CTL_DIFFERS) &&
	    !s->ctl->dry_run) {
		enum hub_err err = db_commit(s->db);

		if (err != HUB_OK)
			code = ctl_db_failed(s->db, err);
	}
	/* Else it ends with the connection. */
	db_close(s->db);
	region_free(s->region);
	posting_clear(&s->posting);
	arena_free(s->arena);
	return (code);
}

/* A function of the ledger with text parameters; *res_r has its rows. */
static enum ctl_exit
step_call(struct step *s, const char *sql, int n, const char *const *params,
    PGresult **res_r)
{
	enum hub_err err = db_exec(s->db, sql, n, params, res_r);

	return (err == HUB_OK ? CTL_OK : ctl_db_failed(s->db, err));
}

static enum ctl_exit
month_of(const char *text, struct asked *asked)
{
	if (asked_parse(str_of(text), asked) == HUB_OK &&
	    asked->kind == ASKED_MONTH)
		return (CTL_OK);
	ctl_warn("%s is not a month (2026-11)", text);
	return (CTL_USAGE);
}

/* ---- period list */

static const struct column period_columns[] = {
	{ "period", "MONTH", "MONAT", CELL_DATE },
	{ "state", "STATE", "STAND", CELL_TEXT },
	{ "proposed_by", "PROPOSED BY", "VORGESCHLAGEN VON", CELL_TEXT },
	{ "closed_by", "CLOSED BY", "ABGESCHLOSSEN VON", CELL_TEXT },
	{ "closed_at", "CLOSED", "ABGESCHLOSSEN", CELL_DATE },
	{ "requests", "REQUESTS", "ANFRAGEN", CELL_INT },
	{ "milli_units", "UNITS", "EINHEITEN", CELL_MILLI },
	{ "late_requests", "LATE REQUESTS", "NACHZÜGLER", CELL_INT },
	{ "late_milli_units", "LATE UNITS", "DAVON EINHEITEN", CELL_MILLI },
	{ "entries", "ENTRIES", "BELEGE", CELL_INT },
	{ "posted", "POSTED", "GEBUCHT", CELL_CENTS },
};
#define NPERIOD (sizeof(period_columns) / sizeof(period_columns[0]))

static const char *
state_word(const char *state, enum ctl_lang lang)
{
	static const char *const words[][2] = { { "open", "offen" },
		{ "grace", "abzuschließen" }, { "closed", "abgeschlossen" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (lang == LANG_DE && strcmp(words[i][0], state) == 0)
			return (words[i][1]);
	return (state);
}

enum ctl_exit
cmd_period_list(
    const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	const char *cells[NPERIOD];
	PGresult *res = NULL;
	struct db *db = NULL;
	struct table *t;
	enum hub_err err;
	enum ctl_exit code = ctl_db(ctl, &db);

	if (code != CTL_OK)
		return (code);
	err = db_exec(db,
	    "SELECT to_char(period, 'YYYY-MM'), state, "
	    "proposer_tenant || ':' || proposer, closer_tenant || ':' || "
	    "closer, to_char(closed_at AT TIME ZONE 'Europe/Berlin', "
	    "'YYYY-MM-DD'), requests, units, late_requests, late_units, "
	    "entries, shared_cents FROM report.period "
	    "ORDER BY period", 0, NULL, &res);
	if (err != HUB_OK) {
		code = ctl_db_failed(db, err);
		db_close(db);
		return (code);
	}
	t = table_new(period_columns, NPERIOD);
	for (int i = 0; i < PQntuples(res); i++) {
		for (int k = 0; k < (int)NPERIOD; k++)
			cells[k] = PQgetisnull(res, i, k) ?
			    NULL :
			    PQgetvalue(res, i, k);
		cells[1] = state_word(cells[1], ctl->lang);
		table_add(t, cells);
	}
	table_print_take(t, ctl);
	PQclear(res);
	db_close(db);
	return (CTL_OK);
}

/* ---- period close */

static void
print_runs(struct step *s)
{
	table_print_take(s->posting.table, s->ctl);
	s->posting.table = NULL;
}

/* Refused before it is calculated. */
static enum ctl_exit
check_obstacle(struct step *s, const char *day)
{
	const char *params[] = { day };
	PGresult *res = NULL;
	enum ctl_exit code = step_call(
	    s, "SELECT ledger.period_obstacle($1::date)", 1, params, &res);

	if (code == CTL_OK && !PQgetisnull(res, 0, 0)) {
		ctl_warn("%s", PQgetvalue(res, 0, 0));
		code = CTL_DENIED;
	}
	PQclear(res);
	return (code);
}

static enum ctl_exit
say_closed(const struct step *s, const char *month, const char *what)
{
	static const struct {
		const char *word, *en, *de;
		enum ctl_exit code;
	} words[] = {
		{ "proposed", "to be closed; another person closes it with "
			      "the same command",
		    "zum Abschluss vorgeschlagen; eine andere Person schließt "
		    "ihn mit demselben Befehl ab", CTL_OK },
		{ "changed", "has other figures by now than were proposed; "
			     "these are proposed instead",
		    "hat inzwischen andere Zahlen als vorgeschlagen; diese "
		    "sind jetzt vorgeschlagen", CTL_DIFFERS },
		{ "closed", "closed", "abgeschlossen", CTL_OK },
	};
	bool de = is_german(s->ctl);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, what) == 0) {
			fprintf(stderr, "%s: %s%s\n", month,
			    s->ctl->dry_run ? de ? "(Probelauf) " :
						   "(dry run) " :
					      "",
			    de ? words[i].de : words[i].en);
			return (words[i].code);
		}
	return (CTL_FAILED);
}

static enum ctl_exit
close_month(struct step *s, const char *text, const struct asked *asked)
{
	char day[16];
	const char *params[] = { day, s->actor.tenant, s->actor.person,
		s->actor.issuer, NULL };
	PGresult *res = NULL;
	enum ctl_exit code;

	(void)snprintf(day, sizeof(day), "%s-01", text);
	code = check_obstacle(s, day);
	if (code == CTL_OK)
		code = posting_close(s->db, s->region, s->bundle, asked->days,
		    &s->posting);
	params[4] = buf_cstr(&s->posting.json);
	assert(!s->posting.json.failed);
	if (code == CTL_OK)
		code = step_call(s,
		    "SELECT ledger.period_close($1::date, $2, $3, $4, "
		    "$5::json)", 5, params, &res);
	if (code == CTL_OK) {
		print_runs(s);
		warn_untaxed(s->ctl, s->region, asked->days);
		code = say_closed(s, text, PQgetvalue(res, 0, 0));
	}
	PQclear(res);
	return (code);
}

enum ctl_exit
cmd_period_close(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct asked asked;
	struct step s;
	enum ctl_exit code = month_of(argv[0], &asked);

	if (code != CTL_OK)
		return (code);
	code = step_begin(ctl, &s);
	if (code == CTL_OK)
		code = close_month(&s, argv[0], &asked);
	return (step_end(&s, code));
}

/* ---- period retire */

enum ctl_exit
cmd_period_retire(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	PGresult *res = NULL;
	struct step s;
	uint64_t node;
	enum ctl_exit code;

	if (str_uint(str_of(argv[0]), 65535, &node) != HUB_OK ||
	    ctl->reason == NULL) {
		ctl_warn("the number of a node and --reason TEXT are needed");
		return (CTL_USAGE);
	}
	code = step_begin(ctl, &s);
	if (code == CTL_OK)
		code = step_call(&s,
		    "SELECT " DB_INSTANT("ledger.node_retire($1::int, $2, $3, "
			"$4)"), 4,
		    (const char *[]){ argv[0], s.actor.tenant, s.actor.person,
			ctl->reason }, &res);
	if (code == CTL_OK)
		printf(is_german(ctl) ?
			"Auf Knoten %s wartet kein Abschluss mehr; er meldete "
			"zuletzt %s\n" :
			"no close waits for node %s any more; it last reported "
			"%s\n",
		    argv[0], PQgetvalue(res, 0, 0));
	PQclear(res);
	return (step_end(&s, code));
}

/* ---- correct */

static const struct column line_columns[] = {
	{ "entry", "ENTRY", "BELEG", CELL_INT },
	{ "type", "TYPE", "ART", CELL_TEXT },
	{ "service", "FOR", "FÜR", CELL_DATE },
	{ "booked", "BOOKED", "GEBUCHT", CELL_DATE },
	{ "cost", "COST", "KOSTEN", CELL_TEXT },
	{ "ags", "AGS", "AGS", CELL_TEXT },
	{ "name", "NAME", "NAME", CELL_TEXT },
	{ "amount", "AMOUNT", "BETRAG", CELL_CENTS },
};
#define NLINE (sizeof(line_columns) / sizeof(line_columns[0]))

/* What the entries came to for each member, and what of this transaction
 * waits. */
static enum ctl_exit
print_entries(struct step *s, const char *entries)
{
	const char *params[] = { entries };
	const char *cells[NLINE];
	PGresult *res = NULL;
	struct table *t;
	bool waits = false;
	enum ctl_exit code = step_call(s,
	    "SELECT entry_id, type, service, to_char(booked_period, "
	    "'YYYY-MM'), cost, ags, name, sum(amount_cents) "
	    "FROM report.journal WHERE account = 'share' "
	    "AND entry_id = ANY ($1::bigint[]) "
	    "GROUP BY entry_id, type, service, booked_period, cost, ags, name "
	    "UNION ALL SELECT NULL, 'DEFERRED', service, NULL, cost, ags, "
	    "name, cents FROM report.deferral WHERE made_at = now() "
	    "ORDER BY entry_id, service, cost, ags", 1, params, &res);

	if (code != CTL_OK)
		return (code);
	t = table_new(line_columns, NLINE);
	for (int i = 0; i < PQntuples(res); i++) {
		for (int k = 0; k < (int)NLINE; k++)
			cells[k] = PQgetisnull(res, i, k) ?
			    NULL :
			    PQgetvalue(res, i, k);
		waits |= cells[0] == NULL;
		if (s->ctl->output == OUTPUT_TABLE)
			cells[1] = entry_type(cells[1], s->ctl->lang);
		table_add(t, cells);
	}
	table_print_take(t, s->ctl);
	if (waits)
		fputs(is_german(s->ctl) ?
			"zurückgestellt bis zum Abschluss des Jahres: für kein "
			"Mitglied so viel wie correct-from\n" :
			"deferred to the close of the year: for no member as "
			"much as correct-from\n",
		    stderr);
	PQclear(res);
	if (s->ctl->dry_run)
		fputs(is_german(s->ctl) ? "Probelauf, nichts gebucht\n" :
					  "dry run, nothing is posted\n",
		    stderr);
	return (CTL_OK);
}

static enum ctl_exit
reverse(struct step *s, const char *entry)
{
	PGresult *res = NULL;
	char list[32];
	enum ctl_exit code = step_call(s,
	    "SELECT ledger.reverse($1::bigint, $2, $3, $4, $5)", 5,
	    (const char *[]){ entry, s->actor.tenant, s->actor.person,
		s->ctl->reason, s->actor.issuer }, &res);

	if (code == CTL_OK) {
		(void)snprintf(
		    list, sizeof(list), "{%s}", PQgetvalue(res, 0, 0));
		code = print_entries(s, list);
	}
	PQclear(res);
	return (code);
}

static enum ctl_exit
correct(struct step *s, const char *text, const struct asked *asked)
{
	const char *params[] = { s->actor.tenant, s->actor.person,
		s->ctl->reason, s->actor.issuer, NULL };
	PGresult *res = NULL, *waits = NULL;
	enum ctl_exit code = posting_correct(
	    s->db, s->region, asked, text, &s->posting);

	if (code != CTL_OK)
		return (code);
	assert(!s->posting.json.failed);
	params[4] = buf_cstr(&s->posting.json);
	code = step_call(s,
	    "SELECT array_agg(e) FROM ledger.correct($1, $2, $3, $4, "
	    "$5::json) e", 5, params, &res);
	if (code == CTL_OK)
		code = step_call(s, "SELECT FROM report.deferral "
		    "WHERE made_at = now() LIMIT 1", 0, NULL, &waits);
	if (code == CTL_OK && PQgetisnull(res, 0, 0) &&
	    PQntuples(waits) == 0) {
		progress_end();
		fputs(is_german(s->ctl) ? "nichts zu berichtigen\n" :
					  "nothing to correct\n",
		    stderr);
		/* A calculation that changes nothing is not kept. */
		db_rollback(s->db);
		code = step_call(s, "BEGIN", 0, NULL, NULL);
	} else if (code == CTL_OK)
		code = print_entries(s, PQgetisnull(res, 0, 0) ?
			"{}" :
			PQgetvalue(res, 0, 0));
	PQclear(waits);
	PQclear(res);
	return (code);
}

enum ctl_exit
cmd_correct(const struct ctl *ctl, int argc, char **argv)
{
	struct asked asked = { .kind = ASKED_WHOLE };
	struct step s;
	uint64_t entry;
	enum ctl_exit code = CTL_OK;

	if (ctl->reason == NULL || (argc == 1) == (ctl->reverse != NULL)) {
		ctl_warn("a period or --reverse ENTRY, and --reason TEXT are "
			 "needed");
		return (CTL_USAGE);
	}
	if (argc == 1)
		code = cost_period(argv[0], &asked);
	else if (str_uint(str_of(ctl->reverse), INT64_MAX, &entry) != HUB_OK) {
		ctl_warn("%s is not the number of an entry", ctl->reverse);
		code = CTL_USAGE;
	}
	if (code != CTL_OK)
		return (code);
	code = step_begin(ctl, &s);
	if (code == CTL_OK)
		code = argc == 1 ? correct(&s, argv[0], &asked) :
				   reverse(&s, ctl->reverse);
	return (step_end(&s, code));
}

/* ---- plan */

static enum ctl_exit
plan(struct step *s, const char *name, const struct asked *asked)
{
	const struct region_cost *cost =
	    region_cost_find(s->region, str_of(name));
	const char *params[] = { s->actor.tenant, s->actor.person, NULL };
	enum ctl_exit code;

	if (cost == NULL) {
		ctl_warn("no cost %s in the bundle in force", name);
		return (CTL_FAILED);
	}
	code = posting_plan(
	    s->db, cost, s->bundle, asked->days, &s->posting);
	if (code != CTL_OK)
		return (code);
	params[2] = buf_cstr(&s->posting.json);
	code = step_call(s, "SELECT ledger.plan($1, $2, $3::json->0)", 3,
	    params, NULL);
	if (code == CTL_OK)
		print_runs(s);
	return (code);
}

enum ctl_exit
cmd_plan(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct asked asked;
	struct step s;
	enum ctl_exit code = cost_period(argv[1], &asked);

	if (code == CTL_OK && asked.kind != ASKED_YEAR) {
		ctl_warn("%s is not a year (2026)", argv[1]);
		code = CTL_USAGE;
	}
	if (code != CTL_OK)
		return (code);
	code = step_begin(ctl, &s);
	if (code == CTL_OK)
		code = plan(&s, argv[0], &asked);
	return (step_end(&s, code));
}
