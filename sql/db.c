/* sql/db.c - one blocking connection; db.h says what it promises. */
#include "sql/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/log.h"

#define CONNECT_TIMEOUT_S "5"
#define WHY_MAX		  512

/* What every session starts with. */
static const char session_sql[] =
    "SET statement_timeout = '60s'; SET client_min_messages = warning; "
    "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; "
    "SET standard_conforming_strings = on; SET bytea_output = 'hex'";

struct db {
	PGconn *pg;
	int fd; /* our own of its socket, so that no other takes its number */
	char why[WHY_MAX]; /* the last error, first line */
};

static void keep_why(struct db *, const char *message);
static enum hub_err simple(struct db *, const char *sql, const char *tag);

static void
on_notice(void *arg HUB_UNUSED, const char *message)
{
	log_debug("database notice", "text=\"%s\"", message);
}

enum hub_err
db_open(const char *conninfo, struct db **db_r, struct buf *why)
{
	/* What stands behind dbname overrides the conninfo in it. */
	static const char *const keys[] = { "fallback_application_name",
		"dbname", "connect_timeout", "client_encoding", NULL };
	const char *const values[] = { program_invocation_short_name, conninfo,
		CONNECT_TIMEOUT_S, "UTF8", NULL };
	struct db *db = xcalloc(1, sizeof(*db));
	enum hub_err err = HUB_EIO;

	db->fd = -1;
	db->pg = PQconnectdbParams(keys, values, 1);
	if (db->pg == NULL || PQstatus(db->pg) != CONNECTION_OK) {
		keep_why(db, db->pg != NULL ? PQerrorMessage(db->pg) : "");
		goto out;
	}
	db->fd = fcntl(PQsocket(db->pg), F_DUPFD_CLOEXEC, 0);
	(void)PQsetNoticeProcessor(db->pg, on_notice, NULL);
	err = simple(db, session_sql, "SET");
out:
	if (err != HUB_OK) {
		buf_adds(why, str_of(db->why));
		db_close(db);
		return (HUB_EIO);
	}
	*db_r = db;
	return (HUB_OK);
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	if (db->fd >= 0)
		(void)close(db->fd);
	PQfinish(db->pg);
	free(db);
}

void
db_interrupt(struct db *db)
{
	if (db->fd >= 0)
		(void)shutdown(db->fd, SHUT_RDWR);
}

PGconn *
db_conn(struct db *db)
{
	return (db->pg);
}

/* key='value', as libpq reads it. */
static void
add_option(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, "%s%s='", b->len > 0 ? " " : "", key);
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *value);
	}
	buf_addc(b, '\'');
}

/* PQconnectdbParams takes what is neither for the name of a database. */
static bool
is_conninfo(struct str s)
{
	return (str_chr(s, '=') < s.len ||
	    str_prefix(s, STR("postgresql://")) ||
	    str_prefix(s, STR("postgres://")));
}

void
db_conninfo_mask(const char *conninfo, struct buf *b)
{
	PQconninfoOption *options;
	bool secret = false;

	if (!is_conninfo(str_of(conninfo))) {
		buf_adds(b, str_of(conninfo));
		return;
	}
	options = PQconninfoParse(conninfo, NULL);
	if (options == NULL) {
		BUF_LIT(b, "***");
		return;
	}
	/* libpq itself marks what is not to be shown. */
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		secret |= o->val != NULL && o->dispchar[0] == '*';
	for (const PQconninfoOption *o = options;
	     secret && o->keyword != NULL; o++)
		if (o->val != NULL)
			add_option(b, o->keyword,
			    o->dispchar[0] == '*' ? "***" : o->val);
	if (!secret)
		buf_adds(b, str_of(conninfo));
	PQconninfoFree(options);
}

const char *
db_why(struct db *db)
{
	return (db->why);
}

enum hub_err
db_exec(struct db *db, const char *sql, int n, const char *const *params,
    PGresult **res_r)
{
	PGresult *res = PQexecParams(db->pg, sql, n, NULL, params, NULL, NULL,
	    0);
	ExecStatusType status = PQresultStatus(res);
	enum hub_err err;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		err = db_failed(db, res);
		PQclear(res);
		return (err);
	}
	if (res_r != NULL)
		*res_r = res;
	else
		PQclear(res);
	return (HUB_OK);
}

enum hub_err
db_int(const PGresult *res, int row, int col, int64_t *value_r)
{
	return (str_int(db_str(res, row, col), INT64_MIN, INT64_MAX, value_r));
}

int64_t
db_bigint(const PGresult *res, int row, int col)
{
	int64_t n = 0;

	if (db_int(res, row, col, &n) != HUB_OK)
		assert(!"another column was asked for");
	return (n);
}

struct str
db_str(const PGresult *res, int row, int col)
{
	return ((struct str){ PQgetvalue(res, row, col),
	    (size_t)PQgetlength(res, row, col) });
}

enum hub_err
db_ask_ints(struct db *db, const char *sql, int nparams,
    const char *const *params, int n, int64_t *values)
{
	PGresult *res = NULL;
	enum hub_err err = db_exec(db, sql, nparams, params, &res);

	if (err == HUB_OK && PQntuples(res) != 1)
		err = HUB_EIO;
	for (int i = 0; err == HUB_OK && i < n; i++)
		err = db_int(res, 0, i, &values[i]);
	PQclear(res);
	return (err);
}

enum hub_err
db_has(struct db *db, const char *table, bool *there_r)
{
	int64_t there;
	enum hub_err err = db_ask_ints(db,
	    "SELECT (to_regclass($1) IS NOT NULL)::int", 1, &table, 1, &there);

	if (err == HUB_OK)
		*there_r = there != 0;
	return (err);
}

enum hub_err
db_begin(struct db *db)
{
	/* Whatever is the database's or the account's default. */
	return (simple(db, "BEGIN ISOLATION LEVEL READ COMMITTED", "BEGIN"));
}

enum hub_err
db_commit(struct db *db)
{
	/* In a failed transaction COMMIT succeeds and says ROLLBACK. */
	return (simple(db, "COMMIT", "COMMIT"));
}

void
db_rollback(struct db *db)
{
	PQclear(PQexec(db->pg, "ROLLBACK"));
}

/* The first line, without what could break a log line. */
static void
keep_why(struct db *db, const char *message)
{
	size_t len = strcspn(message, "\r\n");

	if (len == 0) {
		message = "no answer from the database";
		len = strlen(message);
	}
	if (len > sizeof(db->why) - 1)
		len = sizeof(db->why) - 1;
	memcpy(db->why, message, len);
	db->why[len] = '\0';
}

/* SQLSTATE to error; PostgreSQL 15, appendix A. */
static enum hub_err
sqlstate_err(const char *state)
{
	static const struct {
		const char *prefix;
		enum hub_err err;
	} map[] = {
		{ "40", HUB_ECONFLICT },    /* rolled back: try again */
		{ "23505", HUB_ECONFLICT }, /* unique violation */
		{ "23P01", HUB_ECONFLICT }, /* exclusion violation */
		{ "42501", HUB_EDENIED },   /* insufficient privilege */
		{ "28", HUB_EDENIED },	    /* invalid authorization */
	};

	if (state == NULL)
		return (HUB_EIO);
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (str_prefix(str_of(state), str_of(map[i].prefix)))
			return (map[i].err);
	return (HUB_EIO);
}

enum hub_err
db_failed(struct db *db, const PGresult *res)
{
	const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	keep_why(db, primary != NULL ? primary : PQerrorMessage(db->pg));
	return (sqlstate_err(PQresultErrorField(res, PG_DIAG_SQLSTATE)));
}

/* Text without parameters or rows; the command tag must be as expected. */
static enum hub_err
simple(struct db *db, const char *sql, const char *tag)
{
	PGresult *res = PQexec(db->pg, sql);
	enum hub_err err = HUB_OK;

	if (PQresultStatus(res) != PGRES_COMMAND_OK) {
		err = db_failed(db, res);
	} else if (strcmp(PQcmdStatus(res), tag) != 0) {
		keep_why(db, "the transaction had failed before its end");
		err = HUB_EIO;
	}
	PQclear(res);
	return (err);
}
