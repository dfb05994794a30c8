/* policies/signature_store.c - signatures in PostgreSQL; signature_store.h
 * says what it promises. */
#include "policies/signature_store.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/base/hash.h"

#define SIGNATURES_MAX 100000

enum hub_err
signature_count(struct db *db, int64_t *count_r)
{
	bool there = false;
	enum hub_err err = db_has(db, "hub.signature", &there);

	/* Not the largest number: those may come to be seen out of order. */
	if (err == HUB_OK && there)
		return (db_ask_ints(db, "SELECT count(*) FROM hub.signature",
		    0, NULL, 1, count_r));
	if (err == HUB_OK)
		*count_r = -1;
	return (err);
}

static enum hub_err
load_row(const PGresult *res, int i, struct arena *a,
    struct region_signature *s)
{
	unsigned char *bytes;
	size_t len;

	bytes = PQunescapeBytea((unsigned char *)PQgetvalue(res, i, 3), &len);
	if (bytes == NULL || len != sizeof(s->hash)) {
		PQfreemem(bytes);
		return (HUB_EIO);
	}
	memcpy(s->hash, bytes, sizeof(s->hash));
	PQfreemem(bytes);
	s->agreement = arena_str(a, db_str(res, i, 0));
	s->tenant = arena_str(a, db_str(res, i, 1));
	s->person = arena_str(a, db_str(res, i, 2));
	return (HUB_OK);
}

enum hub_err
signature_load(struct db *db, struct arena *a, struct region_signature **rows_r,
    unsigned *n_r)
{
	struct region_signature *rows;
	PGresult *res = NULL;
	int64_t count;
	enum hub_err err = signature_count(db, &count);

	*rows_r = NULL;
	*n_r = 0;
	if (err != HUB_OK || count <= 0)
		return (err);
	if (count > SIGNATURES_MAX)
		return (HUB_ERANGE);
	err = db_exec(db,
	    "SELECT agreement, tenant, person, content_sha256 "
	    "FROM hub.signature ORDER BY signature_id LIMIT 100000",
	    0, NULL, &res);
	if (err != HUB_OK)
		return (err);
	rows = arena_array(a, (size_t)PQntuples(res) + 1, sizeof(*rows));
	for (int i = 0; err == HUB_OK && i < PQntuples(res); i++)
		err = load_row(res, i, a, &rows[i]);
	if (err == HUB_OK) {
		*rows_r = rows;
		*n_r = (unsigned)PQntuples(res);
	}
	PQclear(res);
	return (err);
}

enum hub_err
signature_store(struct db *db, const struct signature_new *s)
{
	char version[16], bundle[24], hex[2 * sizeof(s->hash) + 1];
	const char *params[] = { s->agreement, version, hex, s->tenant,
		s->provider ? "provider" : "consumer", s->person, bundle };

	(void)snprintf(version, sizeof(version), "%u", s->version);
	(void)snprintf(bundle, sizeof(bundle), "%" PRId64, s->bundle);
	hex_encode(s->hash, sizeof(s->hash), hex);
	return (db_exec(db,
	    "SELECT hub.signature_add($1, $2::integer, decode($3, 'hex'), $4, "
	    "$5, $6, $7::bigint)",
	    7, params, NULL));
}
