/* server/hubctl/cmd_crisis.c - hubctl crisis: declare, confirm, end, report,
 * list. The database keeps the rules of who may do what when; whether somebody
 * is a crisis authority, and what an event would wake, is in the region. */
#include <inttypes.h>
#include <stdlib.h>

#include "policies/crisis_store.h"
#include "policies/policy_store.h"
#include "server/hubctl/hubctl.h"

static bool
is_german(const struct ctl *ctl)
{
	return (ctl->lang == LANG_DE);
}

/* The region in force; *code_r says why not. */
static struct region *
load_region(struct db *db, struct arena *a, enum ctl_exit *code_r)
{
	struct bundle_head head = { 0, 0 };
	struct region_message *messages;
	struct region *region = NULL;
	struct region_file *files;
	unsigned n, nmessages;
	enum hub_err err = bundle_head_get(db, &head);

	if (err == HUB_OK && head.bundle == 0) {
		ctl_warn("no bundle has been applied yet");
		*code_r = CTL_FAILED;
		return (NULL);
	}
	if (err == HUB_OK)
		err = bundle_load(db, head.bundle, a, &files, &n);
	if (err != HUB_OK)
		*code_r = ctl_db_failed(db, err);
	else if (region_parse(files, n, &region, a, &messages, &nmessages) !=
	    HUB_OK) {
		ctl_warn("bundle %" PRId64 " cannot be read by this version",
		    head.bundle);
		*code_r = CTL_CONFIG;
	}
	return (region);
}

/* ---- declare */

/* How long, within what is allowed. */
static enum ctl_exit
check_declaration(const struct ctl *ctl, const struct region *region,
    const char *kind, int64_t *us_r, struct crisis_wakes *w)
{
	bool denied = false;
	const char *why;

	if (duration_parse(str_of(ctl->length), us_r) != HUB_OK ||
	    *us_r < 60000000) {
		ctl_warn("--for %s: a duration such as 90min or 2h, of a "
			 "minute at least", ctl->length);
		return (CTL_USAGE);
	}
	why = crisis_may_declare(region, str_of(ctl->as), str_of(kind),
	    str_of(ctl->area), *us_r, &denied, w);
	if (why == NULL)
		return (CTL_OK);
	ctl_warn("crisis %s of %s in %s for %s: %s", kind, ctl->as, ctl->area,
	    ctl->length, why);
	return (denied ? CTL_DENIED : CTL_FAILED);
}

static bool
has_options(const struct ctl *ctl, unsigned needed)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = { { OPT_AS, "--as TENANT" }, { OPT_BY, "--by PERSON" },
		{ OPT_AREA, "--area AREA" }, { OPT_REASON, "--reason TEXT" },
		{ OPT_FOR, "--for DURATION" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((needed & ~ctl->given & names[i].bit) != 0) {
			ctl_warn("%s is missing", names[i].name);
			return (false);
		}
	return (true);
}

static enum ctl_exit
tell_declared(const struct ctl *ctl, struct db *db, int64_t id)
{
	char text[24];
	const char *params[] = { text };
	PGresult *res = NULL;
	enum hub_err err;
	bool live;

	(void)snprintf(text, sizeof(text), "%" PRId64, id);
	err = db_exec(db,
	    "SELECT follows IS NULL, to_char(confirm_deadline AT TIME ZONE "
	    "'Europe/Berlin', 'HH24:MI') FROM hub.crisis "
	    "WHERE event_id = $1::bigint", 1, params, &res);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	live = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
	if (live)
		printf(is_german(ctl) ?
			"Krise %s: in Kraft; sie verfällt um %s, wenn keine "
			"zweite Person sie bestätigt\n" :
			"crisis %s: in force; it lapses at %s unless a second "
			"person confirms it\n",
		    text, PQgetvalue(res, 0, 1));
	else
		printf(is_german(ctl) ?
			"Krise %s: folgt auf eine andere; erst in Kraft, wenn "
			"eine weitere Person sie bestätigt, bis %s\n" :
			"crisis %s: follows on another; not in force until "
			"yet another person confirms it, by %s\n",
		    text, PQgetvalue(res, 0, 1));
	PQclear(res);
	return (CTL_OK);
}

static enum ctl_exit
too_many(const struct crisis_declaration *d)
{
	ctl_warn("20 crises of %s are not over: end some of them first",
	    d->authority);
	return (CTL_DENIED);
}

static enum ctl_exit
declare(const struct ctl *ctl, struct db *db, const char *kind)
{
	struct crisis_declaration d = { .kind = kind,
		.authority = ctl->as,
		.area = ctl->area,
		.reason = ctl->reason,
		.by = ctl->by };
	enum ctl_exit code = CTL_OK;
	struct arena *a = arena_new();
	struct region *region = load_region(db, a, &code);
	struct crisis_wakes w = { 0 };
	enum hub_err err;
	int64_t id;

	if (code == CTL_OK)
		code = check_declaration(ctl, region, kind, &d.length_us, &w);
	d.report_us = w.report_us;
	if (code == CTL_OK && ctl->dry_run)
		printf(is_german(ctl) ? "würde %u Vereinbarungen erweitern\n" :
					"would widen %u agreements\n",
		    w.n);
	else if (code == CTL_OK) {
		err = crisis_declare(db, &d, &id);
		code = err == HUB_OK   ? tell_declared(ctl, db, id) :
		    err == HUB_EFULL ? too_many(&d) :
				       ctl_db_failed(db, err);
	}
	region_free(region);
	arena_free(a);
	return (code);
}

enum ctl_exit
cmd_crisis_declare(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct db *db = NULL;
	enum ctl_exit code;

	if (!has_options(ctl,
		OPT_AS | OPT_BY | OPT_AREA | OPT_REASON | OPT_FOR))
		return (CTL_USAGE);
	code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = declare(ctl, db, argv[0]);
	db_close(db);
	return (code);
}

/* ---- confirm, end */

/* The number of an event that there is. */
static enum ctl_exit
find_event(struct db *db, const char *text, int64_t *id_r)
{
	PGresult *res = NULL;
	enum hub_err err;
	bool found;

	if (str_int(str_of(text), 1, INT64_MAX, id_r) != HUB_OK) {
		ctl_warn("%s is not the number of a crisis", text);
		return (CTL_USAGE);
	}
	err = db_exec(db, "SELECT FROM hub.crisis_event "
		"WHERE event_id = $1::bigint", 1, &text, &res);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	found = PQntuples(res) == 1;
	PQclear(res);
	if (found)
		return (CTL_OK);
	ctl_warn("no crisis %s", text);
	return (CTL_FAILED);
}

static enum ctl_exit
do_step(const struct ctl *ctl, struct db *db, int64_t id, const char *step)
{
	enum hub_err err = ctl->dry_run ? db_begin(db) : HUB_OK;

	/* Tried and taken back: the rules are the database's. */
	if (err == HUB_OK)
		err = crisis_step(db, id, step, ctl->by, ctl->note);
	if (err == HUB_EEXIST) {
		ctl_warn("crisis %" PRId64 ": done already", id);
		return (CTL_FAILED);
	}
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (ctl->dry_run)
		db_rollback(db);
	printf("%s %" PRId64 ": %s%s\n", is_german(ctl) ? "Krise" : "crisis",
	    id, ctl->dry_run ? "(dry run) " : "", step);
	return (CTL_OK);
}

static enum ctl_exit
run_step(const struct ctl *ctl, const char *event, const char *step)
{
	struct db *db = NULL;
	enum ctl_exit code;
	int64_t id;

	if (!has_options(ctl, OPT_BY))
		return (CTL_USAGE);
	code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = find_event(db, event, &id);
	if (code == CTL_OK)
		code = do_step(ctl, db, id, step);
	db_close(db);
	return (code);
}

enum ctl_exit
cmd_crisis_confirm(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	return (run_step(ctl, argv[0], "confirm"));
}

enum ctl_exit
cmd_crisis_end(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	return (run_step(ctl, argv[0], "end"));
}

/* ---- list */

enum ctl_exit
cmd_crisis_list(const struct ctl *ctl, int argc HUB_UNUSED,
    char **argv HUB_UNUSED)
{
	static const struct column columns[] = {
		{ "event", "EVENT", "EREIGNIS", CELL_INT },
		{ "kind", "KIND", "ART", CELL_TEXT },
		{ "authority", "AUTHORITY", "BEHÖRDE", CELL_TEXT },
		{ "area", "AREA", "GEBIET", CELL_TEXT },
		{ "state", "STATE", "STAND", CELL_TEXT },
		{ "declared_at", "DECLARED", "AUSGERUFEN", CELL_TEXT },
		{ "declared_by", "BY", "VON", CELL_TEXT },
		{ "confirmed_at", "CONFIRMED", "BESTÄTIGT", CELL_TEXT },
		{ "confirmed_by", "BY", "VON", CELL_TEXT },
		{ "until", "UNTIL", "BIS", CELL_TEXT },
		{ "report_due", "REPORT DUE", "BERICHT BIS", CELL_TEXT },
		{ "overdue", "OVERDUE", "ÜBERFÄLLIG", CELL_BOOL },
		{ "reason", "REASON", "GRUND", CELL_TEXT },
	};
	static const struct ctl_query query = {
		.sql = "SELECT event_id, kind, authority, area, state, "
		DB_INSTANT("declared_at") ", declared_by, "
		DB_INSTANT("confirmed_at") ", confirmed_by, "
		DB_INSTANT("finished") ", CASE WHEN began < finished "
		"AND reported_at IS NULL THEN " DB_INSTANT("report_due")
		" END, overdue, reason FROM hub.crisis ORDER BY event_id",
		.nparams = 0, .columns = columns,
		.ncolumns = sizeof(columns) / sizeof(columns[0])
	};
	struct db *db = NULL;
	enum ctl_exit code = ctl_db(ctl, &db);

	if (code == CTL_OK)
		code = ctl_print_query(ctl, db, &query, NULL);
	db_close(db);
	return (code);
}

/* ---- report */

/* The head of a draft, for people; programs have crisis list. */
static enum ctl_exit
print_head(const struct ctl *ctl, struct db *db, const char *event)
{
	static const char *const rows[][2] = {
		{ "Draft report on crisis", "Entwurf des Berichts zur Krise" },
		{ "Kind", "Art" },
		{ "Authority", "Behörde" },
		{ "Area", "Gebiet" },
		{ "Reason", "Grund" },
		{ "In force from", "In Kraft von" },
		{ "until", "bis" },
		{ "Declared by", "Ausgerufen von" },
		{ "Confirmed by", "Bestätigt von" },
		{ "Ended by", "Beendet von" },
		{ "State", "Stand" },
		{ "Report due", "Bericht fällig" },
		{ "Report", "Bericht" },
	};
	PGresult *res = NULL;
	enum hub_err err = db_exec(db,
	    "SELECT event_id, kind, authority, area, reason, "
	    DB_INSTANT("began") ", " DB_INSTANT("finished") ", declared_by, "
	    "coalesce(confirmed_by, '-'), coalesce(ended_by, '-'), state, "
	    DB_INSTANT("report_due") ", coalesce(report_ref, '-') "
	    "FROM hub.crisis WHERE event_id = $1::bigint", 1, &event, &res);

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	for (int i = 0; i < PQnfields(res); i++)
		printf("%s: %s\n", rows[i][is_german(ctl) ? 1 : 0],
		    PQgetvalue(res, 0, i));
	putchar('\n');
	PQclear(res);
	return (CTL_OK);
}

/* Who was told of what. */
static enum ctl_exit
print_notices(const struct ctl *ctl, struct db *db, const char *event)
{
	static const struct column columns[] = {
		{ "provider", "TOLD", "UNTERRICHTET", CELL_TEXT },
		{ "noted_at", "AT", "AM", CELL_TEXT },
		{ "agreement", "AGREEMENT", "VEREINBARUNG", CELL_TEXT },
		{ "consumer", "CONSUMER", "ABNEHMER", CELL_TEXT },
		{ "widens", "WIDENS", "ERWEITERT", CELL_TEXT },
	};
	static const struct ctl_query query = {
		.sql = "SELECT provider, " DB_INSTANT("noted_at") ", agreement, "
		"consumer, widens FROM hub.crisis_notice "
		"WHERE event_id = $1::bigint "
		"ORDER BY provider, agreement",
		.nparams = 1, .columns = columns,
		.ncolumns = sizeof(columns) / sizeof(columns[0])
	};
	enum ctl_exit code = ctl_print_query(ctl, db, &query, &event);

	if (code == CTL_OK)
		putchar('\n');
	return (code);
}

static enum ctl_exit
print_use(const struct ctl *ctl, struct db *db, const char *event)
{
	static const struct column columns[] = {
		{ "consumer", "CONSUMER", "ABNEHMER", CELL_TEXT },
		{ "provider", "PROVIDER", "ANBIETER", CELL_TEXT },
		{ "purpose", "PURPOSE", "ZWECK", CELL_TEXT },
		{ "agreement", "AGREEMENT", "VEREINBARUNG", CELL_TEXT },
		{ "dataset", "DATASET", "DATENSATZ", CELL_TEXT },
		{ "first", "FIRST", "ERSTMALS", CELL_TEXT },
		{ "last", "LAST", "ZULETZT", CELL_TEXT },
		{ "requests", "REQUESTS", "ANFRAGEN", CELL_INT },
		{ "entities", "ENTITIES", "ENTITÄTEN", CELL_INT },
		{ "widens", "WIDENS", "ERWEITERT", CELL_TEXT },
	};
	static const struct ctl_query query = {
		.sql = "SELECT consumer, provider, purpose, agreement, dataset, "
		DB_INSTANT("first") ", " DB_INSTANT("last") ", requests, "
		"entities, (SELECT n.widens FROM hub.crisis_notice n "
		"WHERE n.event_id = $1::bigint AND n.agreement = u.agreement) "
		"FROM hub.crisis_usage($1::bigint) u",
		.nparams = 1, .columns = columns,
		.ncolumns = sizeof(columns) / sizeof(columns[0])
	};

	return (ctl_print_query(ctl, db, &query, &event));
}

/* Draws it up from the ledger; with --note, the reference under which the
 * report was handed in, that is noted as well. */
enum ctl_exit
cmd_crisis_report(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct db *db = NULL;
	enum ctl_exit code;
	int64_t id;

	if ((ctl->given & (OPT_NOTE | OPT_BY)) != 0 &&
	    (ctl->given & (OPT_NOTE | OPT_BY)) != (OPT_NOTE | OPT_BY)) {
		ctl_warn("a report that was handed in needs --note REFERENCE "
			 "and --by PERSON");
		return (CTL_USAGE);
	}
	code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = find_event(db, argv[0], &id);
	if (code == CTL_OK && (ctl->given & OPT_NOTE) != 0)
		code = do_step(ctl, db, id, "report");
	else if (code == CTL_OK) {
		if (ctl->output == OUTPUT_TABLE)
			code = print_head(ctl, db, argv[0]);
		if (code == CTL_OK && ctl->output == OUTPUT_TABLE)
			code = print_notices(ctl, db, argv[0]);
		if (code == CTL_OK)
			code = print_use(ctl, db, argv[0]);
	}
	db_close(db);
	return (code);
}
