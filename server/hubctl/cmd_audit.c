/* server/hubctl/cmd_audit.c - who changed what, and whether the chain of
 * changes holds. */
#include <inttypes.h>

#include "policies/audit_store.h"
#include "server/hubctl/hubctl.h"
#include "server/hubctl/progress.h"

struct listing {
	const struct ctl *ctl;
	struct table *table; /* NULL: nothing is listed */
	struct wall_us since;
	struct audit_end end; /* how far it was followed */
};

static const char *
fault_text(enum audit_fault fault, enum ctl_lang lang)
{
	static const char *const texts[AUDIT_GOOD][2] = {
		[AUDIT_BROKEN] = { "it is not what was written",
		    "sie ist nicht, was geschrieben wurde" },
		[AUDIT_GAP] = { "a row before it is missing",
		    "davor fehlt eine Zeile" },
		[AUDIT_TORN] = { "it does not follow on the row before it",
		    "sie schließt nicht an die Zeile davor an" },
	};

	return (texts[fault][lang]);
}

static enum ctl_exit
tampered(const struct ctl *ctl, int64_t id, const char *why)
{
	ctl_warn(ctl->lang == LANG_DE ?
	    "die Kette der Änderungen ist verletzt, Zeile %" PRId64 ": %s" :
	    "the chain of changes is broken, row %" PRId64 ": %s", id, why);
	return (CTL_FAILED);
}

static void
list_row(struct listing *l, const struct audit_row *row)
{
	struct wall_us at = WALL_ABSENT;
	char id[24], hash[2 * SHA256_LEN + 1];

	if (l->table == NULL || wall_parse(row->at, &at) != HUB_OK ||
	    at.us < l->since.us)
		return;
	(void)snprintf(id, sizeof(id), "%" PRId64, row->id);
	hex_encode(row->hash, sizeof(row->hash), hash);
	/* Texts of the arena end in NUL. */
	table_add(l->table, (const char *[]){ id, row->at.p, row->actor.p,
	    row->tenant.p, row->db_user.p, row->table.p, row->key.p,
	    row->op.p, row->before.p, row->after.p, hash });
}

static enum ctl_exit
take_rows(struct listing *l, const struct audit_row *rows, unsigned n)
{
	enum audit_fault fault;

	for (unsigned i = 0; i < n; i++) {
		fault = audit_follow(&l->end, &rows[i]);
		if (fault != AUDIT_GOOD && (l->ctl->given & OPT_VERIFY) != 0)
			return (tampered(l->ctl, rows[i].id,
			    fault_text(fault, l->ctl->lang)));
		/* Listed all the same; only who wants to know is told. */
		l->end.id = rows[i].id;
		progress_at((uint64_t)rows[i].id, 0);
		memcpy(l->end.hash, rows[i].hash, sizeof(l->end.hash));
		list_row(l, &rows[i]);
	}
	return (CTL_OK);
}

static enum ctl_exit
follow(struct listing *l, struct db *db)
{
	struct audit_row *rows = NULL;
	enum ctl_exit code = CTL_OK;
	struct arena *a;
	enum hub_err err;
	unsigned n = 0;

	do {
		a = arena_new();
		err = audit_load(db, l->end.id, a, &rows, &n);
		if (err != HUB_OK && err != HUB_ECONFLICT)
			code = ctl_db_failed(db, err);
		else
			code = take_rows(l, rows, n);
		if (code == CTL_OK && err == HUB_ECONFLICT)
			code = tampered(l->ctl, l->end.id + 1,
			    fault_text(AUDIT_BROKEN, l->ctl->lang));
		arena_free(a);
	} while (code == CTL_OK && n > 0);
	return (code);
}

/* The end that the database remembers must be the one that was come to. */
static enum ctl_exit
check_end(struct listing *l, struct db *db)
{
	static const struct column columns[] = {
		{ "intact", "INTACT", "UNVERSEHRT", CELL_BOOL },
		{ "rows", "ROWS", "ZEILEN", CELL_INT },
		{ "sha256", "SHA-256 OF THE LAST", "SHA-256 DER LETZTEN",
		    CELL_TEXT },
	};
	char rows[24], hash[2 * SHA256_LEN + 1];
	struct audit_end end;
	struct table *t;
	enum hub_err err = audit_end_get(db, &end);

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (end.id != l->end.id ||
	    memcmp(end.hash, l->end.hash, sizeof(end.hash)) != 0)
		return (tampered(l->ctl, l->end.id + 1,
		    l->ctl->lang == LANG_DE ? "das Ende fehlt" :
					      "the end is missing"));
	(void)snprintf(rows, sizeof(rows), "%" PRId64, end.id);
	hex_encode(end.hash, sizeof(end.hash), hash);
	t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	table_add(t, (const char *[]){ "t", rows, hash });
	table_print_take(t, l->ctl);
	return (CTL_OK);
}

static struct table *
new_table(void)
{
	static const struct column columns[] = {
		{ "change", "CHANGE", "ÄNDERUNG", CELL_INT },
		{ "at", "AT", "ZEIT", CELL_TEXT },
		{ "actor", "BY", "VON", CELL_TEXT },
		{ "tenant", "TENANT", "MANDANT", CELL_TEXT },
		{ "db_user", "ACCOUNT", "KONTO", CELL_TEXT },
		{ "table", "TABLE", "TABELLE", CELL_TEXT },
		{ "key", "KEY", "SCHLÜSSEL", CELL_TEXT },
		{ "op", "OPERATION", "VORGANG", CELL_TEXT },
		{ "old", "OLD", "ALT", CELL_TEXT },
		{ "new", "NEW", "NEU", CELL_TEXT },
		{ "sha256", "SHA-256", "SHA-256", CELL_TEXT },
	};

	return (table_new(columns, sizeof(columns) / sizeof(columns[0])));
}

/* A day (German time) or a moment. */
static bool
read_since(const char *text, struct wall_us *at)
{
	struct wall_us day;

	if (wall_parse_date(str_of(text), &day) == HUB_OK) {
		*at = wall_berlin_day(day);
		return (true);
	}
	return (wall_parse(str_of(text), at) == HUB_OK);
}

enum ctl_exit
cmd_audit(const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	struct listing l = { .ctl = ctl, .since = { INT64_MIN } };
	bool verify = (ctl->given & OPT_VERIFY) != 0;
	struct db *db = NULL;
	enum ctl_exit code;
	enum hub_err err = HUB_OK;

	if (ctl->since != NULL && !read_since(ctl->since, &l.since)) {
		ctl_warn("--since takes a day (2026-11-03) or a time "
			 "(2026-11-03T12:00:00Z)");
		return (CTL_USAGE);
	}
	code = ctl_db(ctl, &db);
	if (code != CTL_OK)
		return (code);
	if (!verify)
		l.table = new_table();
	/* Rows and end as of one moment, while others go on. */
	err = db_exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0,
	    NULL, NULL);
	code = err != HUB_OK ? ctl_db_failed(db, err) : follow(&l, db);
	if (code == CTL_OK && verify)
		code = check_end(&l, db);
	if (l.table != NULL)
		table_print_take(l.table, ctl);
	db_close(db);
	return (code);
}
