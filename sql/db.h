/* sql/db.h - PostgreSQL through libpq: a blocking side for threads that may
 * wait (hubctl, ledger loader) and a listening side for the control thread.
 *
 * A message of the server is for the log only, never for a client. */
#ifndef HUB_SQL_DB_H
#define HUB_SQL_DB_H

#include <libpq-fe.h>

#include "server/base/buf.h"

#include "server/base/str.h"
#include "server/net/loop.h"

struct db; /* one blocking connection */

/* conninfo: URI or key=value as libpq takes it. HUB_EIO when it cannot be
 * reached (within 5 s). Sets application_name and statement_timeout 60 s. */
enum hub_err db_open(const char *conninfo, struct db **, struct buf *why)
    HUB_MUST_CHECK;
/* conninfo as it may be shown: *** in place of passwords, and of all of it when
 * libpq cannot read it. */
void db_conninfo_mask(const char *conninfo, struct buf *);
void db_close(struct db *);
PGconn *db_conn(struct db *);
/* From another thread, while it is not being closed: whatever the connection
 * waits for fails, now and later. */
void db_interrupt(struct db *);
/* The last error, first line only, for the log or the operator. */
const char *db_why(struct db *);
/* Whoever used db_conn and got a result that is none, or NULL: its message is
 * the last error from here on. Its kind as of db_exec, never HUB_OK. */
enum hub_err db_failed(struct db *, const PGresult *) HUB_MUST_CHECK;

/* One statement with text parameters (NULL is SQL NULL). *res_r may be NULL
 * when no result is wanted; else the caller PQclear()s it. HUB_ECONFLICT for
 * serialization failures, unique and exclusion violations; HUB_EDENIED for
 * missing rights; HUB_EIO for the rest. */
enum hub_err db_exec(struct db *, const char *sql, int n,
    const char *const *params, PGresult **res_r) HUB_MUST_CHECK;
/* A bigint of a result; HUB_ESYNTAX or HUB_ERANGE for anything else, NULL too. */
enum hub_err db_int(const PGresult *, int row, int col, int64_t *value_r)
    HUB_MUST_CHECK;
/* Of a column that is a whole number by its type, and never NULL. */
int64_t db_bigint(const PGresult *, int row, int col);
/* The bytes of a value, as long as the result; none of NULL. */
struct str db_str(const PGresult *, int row, int col);
/* The bigints of the one row that a statement gives. HUB_EIO: it gives none,
 * or several. */
enum hub_err db_ask_ints(struct db *, const char *sql, int nparams,
    const char *const *params, int n, int64_t *values) HUB_MUST_CHECK;
/* Is there a table of that name? A schema of before may lack it. */
enum hub_err db_has(struct db *, const char *table, bool *there_r)
    HUB_MUST_CHECK;
/* In SQL: an instant as people and programs read it, in UTC. */
#define DB_INSTANT(sql)                                                        \
	"to_char(" sql " AT TIME ZONE 'UTC', "                                 \
	"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
/* READ COMMITTED. */
enum hub_err db_begin(struct db *) HUB_MUST_CHECK;
enum hub_err db_commit(struct db *) HUB_MUST_CHECK;
void db_rollback(struct db *);

/* Migrations: sql/schema/NNNN_name.sql, compiled into the library, applied in
 * order, each in its own transaction with its SHA-256 recorded in
 * hub.migration; a recorded one whose text changed is an error. */
struct migration {
	int number;
	const char *name, *sql;
};
extern const struct migration migrations[]; /* ends with number 0 */
/* Applies what is missing. on_step (may be NULL) is told each name. */
enum hub_err db_migrate(struct db *,
    void (*on_step)(const struct migration *, void *), void *arg,
    struct buf *why) HUB_MUST_CHECK;
/* How many are applied and how many known. */
enum hub_err db_migrate_status(struct db *, int *applied_r, int *known_r)
    HUB_MUST_CHECK;

/* LISTEN on one channel with reconnect (1 s to 30 s with jitter) on a loop.
 * All asynchronous. on_notify(NULL) after each (re)connect, so that the
 * listener reads the state itself; then per notification its payload.
 * on_state tells when the connection is lost or back. */
struct db_listener;
struct db_listener *db_listener_new(struct loop *, const char *conninfo,
    const char *channel, void (*on_notify)(const char *payload, void *),
    void (*on_state)(bool up, void *), void *arg) HUB_MUST_CHECK;
void db_listener_free(struct db_listener *);

#endif
