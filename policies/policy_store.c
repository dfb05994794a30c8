/* policies/policy_store.c - bundles in PostgreSQL; policy_store.h says what
 * it promises. */
#include "policies/policy_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "policies/region_sign.h"
#include "policies/region_words.h"

/* One bundle: far more than a region of a dozen towns needs. */
#define FILES_MAX 4096
#define BYTES_MAX ((size_t)64 << 20)
#define FILE_MAX  ((size_t)4 << 20)
#define INT64_STR 24

static enum hub_err check_size(const struct region_file *, unsigned n);
static enum hub_err store(struct db *, const struct region_file *, unsigned n,
    const struct bundle_facts *, const unsigned char hash[SHA256_LEN],
    const char *by, const char *note, int64_t epoch, int64_t *bundle_r);

/* The head, and the hash (hex) of its bundle; hash[0] is NUL when none. */
static enum hub_err
head_get(struct db *db, struct bundle_head *head,
    char hash[2 * SHA256_LEN + 1])
{
	PGresult *res = NULL;
	struct bundle_head h;
	enum hub_err err;

	err = db_exec(db,
	    "SELECT coalesce(h.bundle_id, 0), h.epoch, "
	    "coalesce(encode(b.sha256, 'hex'), '') FROM hub.head h "
	    "LEFT JOIN hub.bundle b USING (bundle_id)",
	    0, NULL, &res);
	if (err != HUB_OK)
		return (err);
	err = PQntuples(res) == 1 ? HUB_OK : HUB_EIO;
	if (err == HUB_OK)
		err = db_int(res, 0, 0, &h.bundle);
	if (err == HUB_OK)
		err = db_int(res, 0, 1, &h.epoch);
	if (err == HUB_OK && PQgetlength(res, 0, 2) > 2 * SHA256_LEN)
		err = HUB_EIO;
	if (err == HUB_OK) {
		*head = h;
		memcpy(hash, PQgetvalue(res, 0, 2),
		    (size_t)PQgetlength(res, 0, 2) + 1);
	}
	PQclear(res);
	return (err);
}

enum hub_err
bundle_head_get(struct db *db, struct bundle_head *head)
{
	char hash[2 * SHA256_LEN + 1];

	return (head_get(db, head, hash));
}

enum hub_err
bundle_apply(struct db *db, const struct region_file *files, unsigned n,
    const struct bundle_facts *facts, const char *by, const char *note,
    int64_t seen_epoch, int64_t *bundle_r)
{
	char stored[2 * SHA256_LEN + 1], hex[2 * SHA256_LEN + 1];
	unsigned char hash[SHA256_LEN];
	struct bundle_head head;
	int64_t bundle;
	enum hub_err err = check_size(files, n);

	if (err == HUB_OK)
		err = head_get(db, &head, stored);
	if (err != HUB_OK)
		return (err);
	region_hash(files, n, hash);
	hex_encode(hash, sizeof(hash), hex);
	if (strcmp(hex, stored) == 0) {
		*bundle_r = head.bundle;
		return (HUB_EEXIST);
	}
	err = db_begin(db);
	if (err != HUB_OK)
		return (err);
	err = store(db, files, n, facts, hash, by, note, seen_epoch, &bundle);
	if (err == HUB_OK)
		err = db_commit(db);
	if (err != HUB_OK) {
		db_rollback(db);
		return (err);
	}
	*bundle_r = bundle;
	return (HUB_OK);
}

enum hub_err
bundle_parent(struct db *db, int64_t bundle, int64_t *parent_r)
{
	char id[INT64_STR];
	const char *params[] = { id };
	PGresult *res = NULL;
	enum hub_err err;

	(void)snprintf(id, sizeof(id), "%" PRId64, bundle);
	err = db_exec(db,
	    "SELECT coalesce(parent_id, 0) FROM hub.bundle "
	    "WHERE bundle_id = $1::bigint",
	    1, params, &res);
	if (err != HUB_OK)
		return (err);
	err = PQntuples(res) == 1 ? db_int(res, 0, 0, parent_r) : HUB_ENOENT;
	PQclear(res);
	return (err);
}

static enum hub_err
check_size(const struct region_file *files, unsigned n)
{
	size_t sum = 0;

	if (n == 0 || n > FILES_MAX)
		return (HUB_ERANGE);
	for (unsigned i = 0; i < n; i++) {
		if (files[i].bytes.len > FILE_MAX)
			return (HUB_ERANGE);
		sum += files[i].bytes.len;
	}
	return (sum <= BYTES_MAX ? HUB_OK : HUB_ERANGE);
}

/* "\x..." as bytea is written; the caller frees. */
static char *
bytea_text(struct str s)
{
	char *text = xmalloc(2 * s.len + 3);

	text[0] = '\\';
	text[1] = 'x';
	hex_encode((const unsigned char *)s.p, s.len, text + 2);
	return (text);
}

static enum hub_err
store_file(struct db *db, const char *bundle, const struct region_file *f)
{
	const char *params[3] = { bundle, NULL, NULL };
	char *path, *bytes;
	enum hub_err err;

	if (f->path.len > 1024 || memchr(f->path.p, 0, f->path.len) != NULL)
		return (HUB_ERANGE);
	path = xcalloc(1, f->path.len + 1);
	memcpy(path, f->path.p, f->path.len);
	bytes = bytea_text(f->bytes);
	params[1] = path;
	params[2] = bytes;
	err = db_exec(db, "SELECT hub.bundle_add($1::bigint, $2, $3::bytea)", 3,
	    params, NULL);
	free(bytes);
	free(path);
	return (err);
}

static enum hub_err
store_begin(struct db *db, const unsigned char hash[SHA256_LEN],
    bool widens, const char *by, const char *note, int64_t *bundle_r)
{
	char hex[2 * SHA256_LEN + 1];
	const char *params[] = { hex, by, note != NULL ? note : "",
		widens ? "t" : "f" };
	PGresult *res = NULL;
	enum hub_err err;

	hex_encode(hash, SHA256_LEN, hex);
	err = db_exec(db, "SELECT hub.bundle_begin(decode($1, 'hex'), $2, $3, "
	    "$4::boolean)",
	    4, params, &res);
	if (err != HUB_OK)
		return (err);
	err = PQntuples(res) == 1 ? db_int(res, 0, 0, bundle_r) : HUB_EIO;
	PQclear(res);
	return (err);
}

static enum hub_err
store_changes(struct db *db, const char *bundle, const struct bundle_facts *f)
{
	char number[16];
	enum hub_err err = HUB_OK;

	/* Texts of an arena end in NUL. */
	for (unsigned i = 0; err == HUB_OK && i < f->nchanges; i++) {
		const struct region_change *c = &f->changes[i];
		const char *params[] = { bundle, number,
			region_change_words[c->kind], c->subject.p, c->en.p };

		(void)snprintf(number, sizeof(number), "%u", i + 1);
		err = db_exec(db, "SELECT hub.bundle_tell($1::bigint, "
		    "$2::integer, $3, left($4, 1000), left($5, 10000))",
		    5, params, NULL);
	}
	return (err);
}

static enum hub_err
store_datasets(struct db *db, const char *bundle, const struct region *r)
{
	enum hub_err err = HUB_OK;

	for (unsigned i = 0; err == HUB_OK && i < r->ndatasets; i++) {
		const struct region_dataset *ds = &r->datasets[i];
		const char *params[] = { bundle, ds->name.p,
			ds->source->owner->name.p };

		err = db_exec(db, "SELECT hub.bundle_own($1::bigint, $2, $3)",
		    3, params, NULL);
	}
	return (err);
}

static enum hub_err
store_agreement(struct db *db, const char *bundle,
    const struct region_agreement *ag, struct arena *a)
{
	struct wall_us last = { ag->until.us - 1 };
	unsigned char hash[SHA256_LEN];
	char version[16], hex[2 * SHA256_LEN + 1];
	const char *params[] = { bundle, ag->name.p, version,
		ag->provider->name.p, ag->consumer->name.p, ag->dataset->name.p,
		words_day(ag->from, a).en.p, words_day(last, a).en.p, hex };

	(void)snprintf(version, sizeof(version), "%u", ag->version);
	region_agreement_hash(ag, hash);
	hex_encode(hash, sizeof(hash), hex);
	return (db_exec(db, "SELECT hub.bundle_agree($1::bigint, $2, "
	    "$3::integer, $4, $5, $6, $7::date, $8::date, decode($9, 'hex'))",
	    9, params, NULL));
}

static enum hub_err
store_facts(struct db *db, const char *bundle, const struct bundle_facts *f)
{
	struct arena *a = arena_new();
	enum hub_err err = store_changes(db, bundle, f);

	if (err == HUB_OK)
		err = store_datasets(db, bundle, f->region);
	for (unsigned i = 0; err == HUB_OK && i < f->region->nagreements; i++)
		err = store_agreement(db, bundle, &f->region->agreements[i],
		    a);
	arena_free(a);
	return (err);
}

static enum hub_err
store(struct db *db, const struct region_file *files, unsigned n,
    const struct bundle_facts *facts, const unsigned char hash[SHA256_LEN],
    const char *by, const char *note, int64_t epoch, int64_t *bundle_r)
{
	char id[INT64_STR], seen[INT64_STR];
	const char *params[] = { id, seen };
	enum hub_err err = store_begin(db, hash, facts->widens, by, note,
	    bundle_r);

	if (err != HUB_OK)
		return (err);
	(void)snprintf(id, sizeof(id), "%" PRId64, *bundle_r);
	(void)snprintf(seen, sizeof(seen), "%" PRId64, epoch);
	for (unsigned i = 0; err == HUB_OK && i < n; i++)
		err = store_file(db, id, &files[i]);
	if (err == HUB_OK)
		err = store_facts(db, id, facts);
	if (err != HUB_OK)
		return (err);
	return (db_exec(db, "SELECT hub.head_move($1::bigint, $2::bigint)", 2,
	    params, NULL));
}

/* One row (path, bytes) copied into the arena. */
static enum hub_err
load_file(const PGresult *res, int row, struct arena *a,
    struct region_file *f)
{
	unsigned char *bytes;
	size_t len;

	bytes = PQunescapeBytea((unsigned char *)PQgetvalue(res, row, 1), &len);
	if (bytes == NULL)
		return (HUB_EIO);
	f->path = arena_str(a,
	    (struct str){ PQgetvalue(res, row, 0),
		(size_t)PQgetlength(res, row, 0) });
	f->bytes = arena_str(a, (struct str){ (const char *)bytes, len });
	PQfreemem(bytes);
	return (HUB_OK);
}

static enum hub_err
load_rows(struct db *db, const char *id, struct arena *a,
    struct region_file **files_r, unsigned *n_r)
{
	PGresult *res = NULL;
	struct region_file *files;
	enum hub_err err;
	int n;

	err = db_exec(db,
	    "SELECT path, bytes FROM hub.bundle_file "
	    "WHERE bundle_id = $1::bigint ORDER BY path COLLATE \"C\"",
	    1, &id, &res);
	if (err != HUB_OK)
		return (err);
	n = PQntuples(res);
	files = arena_array(a, (size_t)n, sizeof(*files));
	for (int i = 0; err == HUB_OK && i < n; i++)
		err = load_file(res, i, a, &files[i]);
	PQclear(res);
	if (err == HUB_OK) {
		*files_r = files;
		*n_r = (unsigned)n;
	}
	return (err);
}

/* The stored hash, and that the rows are few and small enough to fetch. */
static enum hub_err
load_hash(struct db *db, const char *id, char hex[2 * SHA256_LEN + 1])
{
	PGresult *res = NULL;
	int64_t n, bytes;
	enum hub_err err;

	err = db_exec(db,
	    "SELECT encode(b.sha256, 'hex'), count(f.path), "
	    "coalesce(sum(octet_length(f.bytes)), 0) FROM hub.bundle b "
	    "LEFT JOIN hub.bundle_file f USING (bundle_id) "
	    "WHERE b.bundle_id = $1::bigint GROUP BY b.bundle_id",
	    1, &id, &res);
	if (err != HUB_OK)
		return (err);
	if (PQntuples(res) != 1)
		err = HUB_ENOENT;
	else if (PQgetlength(res, 0, 0) != 2 * SHA256_LEN)
		err = HUB_ECONFLICT;
	else if ((err = db_int(res, 0, 1, &n)) == HUB_OK &&
	    (err = db_int(res, 0, 2, &bytes)) == HUB_OK &&
	    (n > FILES_MAX || bytes > (int64_t)BYTES_MAX))
		err = HUB_ERANGE;
	if (err == HUB_OK)
		memcpy(hex, PQgetvalue(res, 0, 0), 2 * SHA256_LEN + 1);
	PQclear(res);
	return (err);
}

enum hub_err
bundle_load(struct db *db, int64_t bundle, struct arena *a,
    struct region_file **files_r, unsigned *n_r)
{
	char id[INT64_STR], stored[2 * SHA256_LEN + 1],
	    hex[2 * SHA256_LEN + 1];
	unsigned char hash[SHA256_LEN];
	struct region_file *files;
	unsigned n;
	enum hub_err err;

	(void)snprintf(id, sizeof(id), "%" PRId64, bundle);
	err = load_hash(db, id, stored);
	if (err == HUB_OK)
		err = load_rows(db, id, a, &files, &n);
	if (err != HUB_OK)
		return (err);
	region_hash(files, n, hash);
	hex_encode(hash, sizeof(hash), hex);
	if (strcmp(hex, stored) != 0)
		return (HUB_ECONFLICT);
	*files_r = files;
	*n_r = n;
	return (HUB_OK);
}
