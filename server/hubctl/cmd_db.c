/* server/hubctl/cmd_db.c - hubctl db init|migrate|status. */
#include <stdlib.h>

#include "server/hubctl/hubctl.h"

#define MAINTENANCE_DB "postgres"

static enum ctl_exit ensure_database(const struct ctl *);
static enum ctl_exit migrate(const struct ctl *, struct db *);
static enum ctl_exit would_migrate(struct db *);

enum ctl_exit
cmd_db_init(const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	enum ctl_exit code = ensure_database(ctl);
	struct db *db = NULL;

	if (code == CTL_DIFFERS) /* a dry run on a server without it */
		return (CTL_OK);
	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = migrate(ctl, db);
	db_close(db);
	return (code);
}

enum ctl_exit
cmd_db_migrate(const struct ctl *ctl, int argc HUB_UNUSED,
    char **argv HUB_UNUSED)
{
	struct db *db = NULL;
	enum ctl_exit code = ctl_db(ctl, &db);

	if (code == CTL_OK)
		code = migrate(ctl, db);
	db_close(db);
	return (code);
}

static void
on_step(const struct migration *m, void *arg)
{
	int *n = arg;

	printf("applied %s\n", m->name);
	++*n;
}

static enum ctl_exit
migrate(const struct ctl *ctl, struct db *db)
{
	struct buf why;
	enum hub_err err;
	int n = 0;

	if (ctl->dry_run)
		return (would_migrate(db));
	buf_init(&why, 8192);
	err = db_migrate(db, on_step, &n, &why);
	if (err != HUB_OK)
		ctl_warn("%s", buf_cstr(&why));
	else if (n == 0)
		puts("unchanged");
	buf_clear(&why);
	/* A schema that is not the expected one stays so: no 75 for it. */
	return (err == HUB_ECONFLICT ? CTL_FAILED : ctl_exit_of(err));
}

static enum ctl_exit
would_migrate(struct db *db)
{
	int applied, known;
	enum hub_err err = db_migrate_status(db, &applied, &known);

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	for (int i = applied; i < known; i++)
		printf("would apply %s\n", migrations[i].name);
	if (applied >= known)
		puts("unchanged");
	return (CTL_OK);
}

enum ctl_exit
cmd_db_status(const struct ctl *ctl, int argc HUB_UNUSED,
    char **argv HUB_UNUSED)
{
	static const struct column columns[] = {
		{ "migration", "MIGRATION", "MIGRATION", CELL_TEXT },
		{ "applied", "APPLIED", "ANGEWANDT", CELL_BOOL },
	};
	struct db *db = NULL;
	struct table *t;
	int applied, known;
	enum ctl_exit code = ctl_db(ctl, &db);
	enum hub_err err;

	if (code != CTL_OK)
		return (code);
	err = db_migrate_status(db, &applied, &known);
	if (err != HUB_OK) {
		code = ctl_db_failed(db, err);
		db_close(db);
		return (code);
	}
	db_close(db);
	t = table_new(columns, 2);
	for (int i = 0; i < known; i++)
		table_add(t, (const char *[]){ migrations[i].name,
				 i < applied ? "t" : "f" });
	table_print_take(t, ctl);
	if (applied > known)
		ctl_warn("the database has %d migrations more than this "
			 "program knows", applied - known);
	return (applied == known ? CTL_OK : CTL_DIFFERS);
}

/* keyword='value' with the quoting of libpq, PostgreSQL 15, 34.1.1.1. */
static void
add_keyword(struct buf *b, const char *keyword, const char *value)
{
	buf_addf(b, "%s='", keyword);
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *value);
	}
	BUF_LIT(b, "' ");
}

/* The same server, the maintenance database; name_r: the one meant. */
static enum ctl_exit
maintenance(const char *conninfo, struct buf *other, struct buf *name)
{
	char *message = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &message);

	if (options == NULL) {
		ctl_warn("database: %.*s", (int)strcspn(message, "\r\n"),
		    message);
		PQfreemem(message);
		return (CTL_CONFIG);
	}
	for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
		if (o->val == NULL)
			continue;
		if (strcmp(o->keyword, "dbname") == 0)
			buf_adds(name, str_of(o->val));
		else
			add_keyword(other, o->keyword, o->val);
	}
	add_keyword(other, "dbname", MAINTENANCE_DB);
	PQconninfoFree(options);
	if (name->len == 0 && getenv("PGDATABASE") != NULL)
		buf_adds(name, str_of(getenv("PGDATABASE")));
	if (name->len > 0)
		return (CTL_OK);
	ctl_warn("the connection names no database");
	return (CTL_CONFIG);
}

static enum ctl_exit
create(const struct ctl *ctl, struct db *db, const char *name)
{
	char *quoted;
	struct buf sql;
	enum hub_err err;

	if (ctl->dry_run) {
		printf("would create database %s\n", name);
		for (size_t i = 0; migrations[i].number != 0; i++)
			printf("would apply %s\n", migrations[i].name);
		return (CTL_DIFFERS);
	}
	quoted = PQescapeIdentifier(db_conn(db), name, strlen(name));
	if (quoted == NULL) {
		ctl_warn("database name: %s", PQerrorMessage(db_conn(db)));
		return (CTL_CONFIG);
	}
	buf_init(&sql, 4096);
	/* Byte order everywhere: files of a bundle sort as they hash. */
	buf_addf(&sql,
	    "CREATE DATABASE %s ENCODING 'UTF8' LOCALE 'C' "
	    "TEMPLATE template0",
	    quoted);
	PQfreemem(quoted);
	err = sql.failed ? HUB_ERANGE :
			   db_exec(db, buf_cstr(&sql), 0, NULL, NULL);
	buf_clear(&sql);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	printf("created database %s\n", name);
	return (CTL_OK);
}

static enum ctl_exit
create_if_missing(const struct ctl *ctl, struct db *db, const char *name)
{
	PGresult *res = NULL;
	enum hub_err err;
	bool there;

	err = db_exec(db, "SELECT FROM pg_database WHERE datname = $1", 1,
	    &name, &res);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	there = PQntuples(res) > 0;
	PQclear(res);
	return (there ? CTL_OK : create(ctl, db, name));
}

/* The database itself is tried first: an account may own it and have no way
 * into the maintenance database. CTL_DIFFERS: missing, and a dry run. */
static enum ctl_exit
ensure_database(const struct ctl *ctl)
{
	struct buf conninfo, other, name, why, ignored;
	struct db *db = NULL;
	enum ctl_exit code;

	buf_init(&conninfo, 65536);
	buf_init(&other, 65536);
	buf_init(&name, 1024);
	buf_init(&why, 4096);
	buf_init(&ignored, 4096);
	code = ctl_conninfo(ctl, &conninfo);
	if (code != CTL_OK || db_open(buf_cstr(&conninfo), &db, &why) == HUB_OK)
		goto out;
	code = maintenance(buf_cstr(&conninfo), &other, &name);
	if (code != CTL_OK)
		goto out;
	if (other.failed || name.failed ||
	    db_open(buf_cstr(&other), &db, &ignored) != HUB_OK) {
		ctl_warn("%s", buf_cstr(&why));
		code = CTL_UNAVAILABLE;
		goto out;
	}
	code = create_if_missing(ctl, db, buf_cstr(&name));
out:
	db_close(db);
	buf_clear(&conninfo);
	buf_clear(&other);
	buf_clear(&name);
	buf_clear(&why);
	buf_clear(&ignored);
	return (code);
}
