/* sql/migrate.c - applies the schema; db.h says what it promises. */
#include <stdio.h>

#include "sql/db.h"

#include "server/base/hash.h"

/* "hub mig" in ASCII: one migration at a time per database. */
#define LOCK_SQL   "SELECT pg_advisory_lock(29397093862271335)"
#define UNLOCK_SQL "SELECT pg_advisory_unlock(29397093862271335)"
#define HEX_LEN	   (2 * SHA256_LEN + 1)

static enum hub_err migrate_locked(struct db *,
    void (*)(const struct migration *, void *), void *, struct buf *);
static enum hub_err check_recorded(struct db *, int *applied_r, struct buf *);
static enum hub_err apply(struct db *, const struct migration *, struct buf *);
static enum hub_err read_recorded(struct db *, PGresult **);
static void text_hash(const struct migration *, char out[HEX_LEN]);

static int
known(void)
{
	int n = 0;

	while (migrations[n].number != 0)
		n++;
	return (n);
}

enum hub_err
db_migrate(struct db *db, void (*on_step)(const struct migration *, void *),
    void *arg, struct buf *why)
{
	enum hub_err err;

	err = db_exec(db, LOCK_SQL, 0, NULL, NULL);
	if (err != HUB_OK) {
		buf_addf(why, "another migration is running: %s", db_why(db));
		return (err);
	}
	err = migrate_locked(db, on_step, arg, why);
	/* If this fails the connection is gone, and the lock with it. */
	if (db_exec(db, UNLOCK_SQL, 0, NULL, NULL) != HUB_OK && err == HUB_OK) {
		buf_adds(why, str_of(db_why(db)));
		err = HUB_EIO;
	}
	return (err);
}

enum hub_err
db_migrate_status(struct db *db, int *applied_r, int *known_r)
{
	PGresult *res = NULL;
	enum hub_err err = read_recorded(db, &res);

	if (err != HUB_OK)
		return (err);
	*applied_r = PQntuples(res);
	*known_r = known();
	PQclear(res);
	return (HUB_OK);
}

static enum hub_err
migrate_locked(struct db *db,
    void (*on_step)(const struct migration *, void *), void *arg,
    struct buf *why)
{
	int applied;
	enum hub_err err = check_recorded(db, &applied, why);

	if (err != HUB_OK)
		return (err);
	for (const struct migration *m = &migrations[applied];
	    err == HUB_OK && m->number != 0; m++) {
		err = apply(db, m, why);
		if (err == HUB_OK && on_step != NULL)
			on_step(m, arg);
	}
	return (err);
}

/* What is recorded must be what we know, from the first on, unchanged. */
static enum hub_err
check_recorded(struct db *db, int *applied_r, struct buf *why)
{
	PGresult *res = NULL;
	enum hub_err err = read_recorded(db, &res);
	char hex[HEX_LEN], number[16];
	int n;

	if (err != HUB_OK) {
		buf_adds(why, str_of(db_why(db)));
		return (err);
	}
	n = PQntuples(res);
	if (n > known()) {
		buf_addf(why, "the database has %d migrations, this program "
		    "knows %d: it is older than the database", n, known());
		err = HUB_ENOTSUP;
	}
	for (int i = 0; err == HUB_OK && i < n; i++) {
		text_hash(&migrations[i], hex);
		(void)snprintf(number, sizeof(number), "%d",
		    migrations[i].number);
		if (strcmp(PQgetvalue(res, i, 0), number) != 0 ||
		    strcmp(PQgetvalue(res, i, 1), hex) != 0) {
			buf_addf(why, "migration %s was applied with another "
			    "text than this program has", migrations[i].name);
			err = HUB_ECONFLICT;
		}
	}
	PQclear(res);
	if (err == HUB_OK)
		*applied_r = n;
	return (err);
}

/* Many statements: only the simple protocol takes them in one go. */
static enum hub_err
run_text(struct db *db, const struct migration *m, struct buf *why)
{
	PGresult *res = PQexec(db_conn(db), m->sql);
	bool ok = PQresultStatus(res) == PGRES_COMMAND_OK ||
	    PQresultStatus(res) == PGRES_TUPLES_OK;

	if (!ok)
		buf_addf(why, "%s: %s", m->name, PQresultErrorMessage(res));
	PQclear(res);
	/* A text that ends its transaction would be half applied one day. */
	if (ok && PQtransactionStatus(db_conn(db)) != PQTRANS_INTRANS) {
		buf_addf(why, "%s: ends its own transaction", m->name);
		ok = false;
	}
	return (ok ? HUB_OK : HUB_EIO);
}

static enum hub_err
record(struct db *db, const struct migration *m)
{
	char number[16], hex[HEX_LEN];
	const char *params[] = { number, m->name, hex };

	(void)snprintf(number, sizeof(number), "%d", m->number);
	text_hash(m, hex);
	return (db_exec(db,
	    "INSERT INTO hub.migration (number, name, sha256) "
	    "VALUES ($1::integer, $2, decode($3, 'hex'))",
	    3, params, NULL));
}

static enum hub_err
apply(struct db *db, const struct migration *m, struct buf *why)
{
	enum hub_err err = db_begin(db);

	if (err == HUB_OK)
		err = db_exec(db, "SET LOCAL statement_timeout = 0", 0, NULL,
		    NULL);
	if (err == HUB_OK && (err = run_text(db, m, why)) != HUB_OK) {
		db_rollback(db);
		return (err);
	}
	if (err == HUB_OK)
		err = record(db, m);
	if (err == HUB_OK)
		err = db_commit(db);
	if (err != HUB_OK) {
		buf_addf(why, "%s: %s", m->name, db_why(db));
		db_rollback(db);
	}
	return (err);
}

/* Number and hash (hex) in order; no rows when nothing was ever applied. */
static enum hub_err
read_recorded(struct db *db, PGresult **res_r)
{
	PGresult *res = NULL;
	bool there;
	enum hub_err err;

	err = db_exec(db, "SELECT to_regclass('hub.migration') IS NOT NULL", 0,
	    NULL, &res);
	if (err != HUB_OK)
		return (err);
	there = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
	PQclear(res);
	return (db_exec(db,
	    there ? "SELECT number, encode(sha256, 'hex') FROM hub.migration "
		    "ORDER BY number" :
		    "SELECT 0, '' WHERE false",
	    0, NULL, res_r));
}

static void
text_hash(const struct migration *m, char out[HEX_LEN])
{
	unsigned char hash[SHA256_LEN];

	sha256(str_of(m->sql), hash);
	hex_encode(hash, sizeof(hash), out);
}
