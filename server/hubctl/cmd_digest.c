/* server/hubctl/cmd_digest.c - hubctl digest: the end of the ledger's chain,
 * signed once a day for the municipalities to keep; hubctl integrity.
 *
 * A digest is one line of JSON in one form only (ledger.md §5.1):
 *	{"block":N,"hash":"HEX","hub":"NAME","key":"HEX","signature":"HEX",
 *	"time":"2026-11-23T01:00:00Z"}
 * without the line break here. Ed25519 signs "drehscheibe digest/1", a line
 * feed, and the same without the member signature. The key is no business of
 * hubd: who breaks into the hub must not be able to sign. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/hash.h"
#include "server/config.h"
#include "server/hubctl/hubctl.h"

#define DIGEST_MAX 1024
#define SIG_LEN	   64
#define PUBLIC_LEN 32
#define KEY_ID_LEN 8
#define PREFIX	   "drehscheibe digest/1\n"

/* ---- keys */

static enum ctl_exit
key_load(const char *path, EVP_PKEY **key_r)
{
	FILE *f = fopen(path, "rbe");
	struct stat st;

	if (f == NULL) {
		ctl_warn("%s: %s", path, strerror(errno));
		return (CTL_CONFIG);
	}
	if (fstat(fileno(f), &st) == 0 && (st.st_mode & 077) != 0) {
		ctl_warn("%s: others may read this key (mode 0%o); chmod 600",
		    path, (unsigned)st.st_mode & 0777);
		(void)fclose(f);
		return (CTL_CONFIG);
	}
	/* No password is asked for: what is encrypted is refused. */
	*key_r = PEM_read_PrivateKey(f, NULL, NULL, (void *)(uintptr_t)"");
	(void)fclose(f);
	if (*key_r != NULL && EVP_PKEY_get_id(*key_r) == EVP_PKEY_ED25519)
		return (CTL_OK);
	EVP_PKEY_free(*key_r);
	*key_r = NULL;
	ctl_warn("%s: no Ed25519 key in PEM without a password", path);
	return (CTL_CONFIG);
}

/* The begin of the SHA-256 of the public key. */
static void
key_id(EVP_PKEY *key, char hex[2 * KEY_ID_LEN + 1])
{
	unsigned char raw[PUBLIC_LEN], sum[SHA256_LEN];
	size_t n = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
		assert(!"an Ed25519 key");
	sha256((struct str){ (const char *)raw, n }, sum);
	hex_encode(sum, KEY_ID_LEN, hex);
}

/* A new file for a key; NULL: it was said why not. */
static FILE *
key_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;

	if (f == NULL)
		ctl_warn("%s: %s", path, strerror(errno));
	return (f);
}

static bool
file_close(FILE *f, bool ok)
{
	ok = fflush(f) == 0 && fsync(fileno(f)) == 0 && ok;
	return (fclose(f) == 0 && ok);
}

static enum ctl_exit
key_write(EVP_PKEY *key, const char *path)
{
	char hex[2 * KEY_ID_LEN + 1], public[4096];
	FILE *f = NULL;
	bool ok = false;
	int n = snprintf(public, sizeof(public), "%s.pub", path);

	if (n < 0 || (size_t)n >= sizeof(public)) {
		ctl_warn("the name of the file is too long");
		return (CTL_USAGE);
	}
	f = key_file(path, 0600);
	if (f != NULL)
		ok = file_close(f, PEM_write_PrivateKey(f, key, NULL, NULL, 0,
		    NULL, NULL) == 1);
	f = ok ? key_file(public, 0644) : NULL;
	ok = f != NULL && file_close(f, PEM_write_PUBKEY(f, key) == 1);
	if (!ok) {
		ctl_warn("%s: the keys are not written", path);
		return (CTL_FAILED);
	}
	key_id(key, hex);
	printf("%s: secret, for digest.key in hubd.conf\n%s: public, for the "
	       "municipalities; its number is %s\n", path, public, hex);
	return (CTL_OK);
}

enum ctl_exit
cmd_digest_keygen(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	EVP_PKEY *key;
	enum ctl_exit code;

	if (ctl->dry_run) {
		printf("would write %s and %s.pub\n", argv[0], argv[0]);
		return (CTL_OK);
	}
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert(key != NULL);
	code = key_write(key, argv[0]);
	EVP_PKEY_free(key);
	return (code);
}

/* ---- the digest of today */

static void
members(struct buf *b, const char *block, const char *hash, struct str hub,
    const char *id)
{
	buf_addf(b, "{\"block\":%s,\"hash\":\"%s\",\"hub\":", block, hash);
	buf_add_json(b, hub);
	buf_addf(b, ",\"key\":\"%s\"", id);
}

/* now: to the second. */
static void
digest_write(struct buf *out, EVP_PKEY *key, const char *block,
    const char *hash, struct str hub, struct wall_us now)
{
	char id[2 * KEY_ID_LEN + 1], at[WALL_STR_MAX];
	char hex[2 * SIG_LEN + 1];
	unsigned char sig[SIG_LEN];
	size_t n = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf signed_;

	buf_init(&signed_, DIGEST_MAX);
	key_id(key, id);
	wall_format(now, at);
	memcpy(at + 19, "Z", 2);
	BUF_LIT(&signed_, PREFIX);
	members(&signed_, block, hash, hub, id);
	buf_addf(&signed_, ",\"time\":\"%s\"}", at);
	if (ctx == NULL || signed_.failed ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, (const unsigned char *)signed_.p,
		signed_.len) != 1 || n != sizeof(sig))
		assert(!"Ed25519");
	hex_encode(sig, sizeof(sig), hex);
	members(out, block, hash, hub, id);
	buf_addf(out, ",\"signature\":\"%s\",\"time\":\"%s\"}\n", hex, at);
	buf_clear(&signed_);
	EVP_MD_CTX_free(ctx);
}

/* Under its name at once or not at all, never over another one. */
static enum ctl_exit
digest_store(const char *path, const struct buf *doc)
{
	char part[4096];
	int n = snprintf(part, sizeof(part), "%s.new", path);
	FILE *f = NULL;
	bool ok;

	if (n > 0 && (size_t)n < sizeof(part)) {
		(void)unlink(part); /* of a run that did not come so far */
		f = key_file(part, 0644);
	}
	if (f == NULL)
		return (CTL_FAILED);
	ok = file_close(f, fwrite(doc->p, 1, doc->len, f) == doc->len);
	if (ok && link(part, path) != 0) {
		ctl_warn("%s: %s", path, strerror(errno));
		ok = false;
	}
	(void)unlink(part);
	return (ok ? CTL_OK : CTL_FAILED);
}

/* To the database, from which the municipalities read it. */
static enum ctl_exit
digest_tell(struct db *db, const char *block, struct buf *doc)
{
	const char *params[] = { block, buf_cstr(doc) };
	enum hub_err err = db_exec(db, "SELECT ledger.digest_add($1::bigint, "
	    "$2)", 2, params, NULL);

	return (err == HUB_OK ? CTL_OK : ctl_db_failed(db, err));
}

/* False: there is no such digest. */
static bool
digest_show(const char *path, enum ctl_exit *code_r)
{
	struct buf text;

	if (access(path, F_OK) != 0)
		return (false);
	buf_init(&text, DIGEST_MAX);
	*code_r = ctl_read(path, &text);
	if (*code_r == CTL_OK)
		(void)fwrite(text.p, 1, text.len, stdout);
	buf_clear(&text);
	return (true);
}

/* The head of the chain; *res_r has its number and hash. */
static enum ctl_exit
head_read(struct db *db, PGresult **res_r)
{
	enum hub_err err = db_exec(db,
	    "SELECT block_no, encode(hash, 'hex') FROM ledger.block "
	    "ORDER BY block_no DESC LIMIT 1", 0, NULL, res_r);

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (PQntuples(*res_r) == 1)
		return (CTL_OK);
	ctl_warn("the ledger has no block yet: there is nothing to sign");
	return (CTL_FAILED);
}

static enum ctl_exit
digest_make(const struct ctl *ctl, const struct config *config,
    const char *path)
{
	EVP_PKEY *key = NULL;
	PGresult *res = NULL;
	struct db *db = NULL;
	enum ctl_exit code;
	struct buf doc;

	buf_init(&doc, DIGEST_MAX);
	if (config->digest_key == NULL) {
		ctl_warn("%s names no digest.key; \"hubctl digest keygen\" "
			 "makes one", config->path);
		return (CTL_CONFIG);
	}
	code = key_load(config->digest_key, &key);
	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = head_read(db, &res);
	if (code != CTL_OK)
		goto out;
	digest_write(&doc, key, PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 1),
	    config->name, clock_wall());
	if (doc.failed) {
		ctl_warn("the hub's name is too long for a digest");
		code = CTL_CONFIG;
		goto out;
	}
	/* First the ledger: there is no digest that it does not know. */
	if (!ctl->dry_run)
		code = digest_tell(db, PQgetvalue(res, 0, 0), &doc);
	if (code == CTL_OK && !ctl->dry_run)
		code = digest_store(path, &doc);
	if (code == CTL_OK)
		(void)fwrite(doc.p, 1, doc.len, stdout);
out:
	PQclear(res);
	db_close(db);
	EVP_PKEY_free(key);
	buf_clear(&doc);
	return (code);
}

enum ctl_exit
cmd_digest(const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	struct config *config = NULL;
	struct wall_us day = WALL_ABSENT;
	char path[4096];
	enum ctl_exit code;
	int n, y, m, d;

	wall_berlin_date(clock_wall(), &y, &m, &d);
	if (ctl->date != NULL &&
	    wall_parse_date(str_of(ctl->date), &day) != HUB_OK) {
		ctl_warn("%s is no day (2026-11-23)", ctl->date);
		return (CTL_USAGE);
	}
	if (ctl->date != NULL)
		wall_berlin_date((struct wall_us){ day.us + WALL_DAY_US / 2 },
		    &y, &m, &d);
	code = ctl_config(ctl, true, &config);
	if (code != CTL_OK)
		return (code);
	n = snprintf(path, sizeof(path), "%s/digest-%04d-%02d-%02d.json",
	    config->digest_directory, y, m, d);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		ctl_warn("digest.directory: the name is too long");
		code = CTL_CONFIG;
	} else if (!digest_show(path, &code)) {
		if (ctl->date == NULL)
			code = digest_make(ctl, config, path);
		else {
			ctl_warn("%s: no digest of that day", path);
			code = CTL_FAILED;
		}
	}
	config_free(config);
	return (code);
}

/* ---- how things stand (report R9) */

enum ctl_exit
cmd_integrity(const struct ctl *ctl, int argc HUB_UNUSED,
    char **argv HUB_UNUSED)
{
	static const struct column columns[] = {
		{ "block", "LAST BLOCK", "LETZTER BLOCK", CELL_INT },
		{ "hash", "HASH", "HASH", CELL_TEXT },
		{ "chain_holds", "CHAIN HOLDS", "KETTE HÄLT", CELL_BOOL },
		{ "events", "EVENTS", "EREIGNISSE", CELL_INT },
		{ "digest_block", "DIGEST OF BLOCK", "DIGEST ZU BLOCK",
		    CELL_INT },
		{ "digest_at", "SIGNED", "UNTERSCHRIEBEN", CELL_TEXT },
		{ "missing", "MISSING", "FEHLEND", CELL_INT },
		{ "conflicts", "CONFLICTS", "WIDERSPRÜCHE", CELL_INT },
		{ "estimates", "ESTIMATES", "SCHÄTZUNGEN", CELL_INT },
		{ "loaded_to", "LOADED TO", "GELADEN BIS", CELL_TEXT },
	};
	PGresult *res = NULL;
	struct db *db = NULL;
	enum ctl_exit code = ctl_db(ctl, &db);
	enum hub_err err = HUB_OK;
	struct table *t;

	if (code != CTL_OK)
		goto out;
	err = db_exec(db, "SELECT block_no, hash, broken IS NULL, leaves, "
	    "digest_block, " DB_INSTANT("digest_at") ", missing, conflicts, "
	    "estimates, " DB_INSTANT("loaded_to") " FROM report.integrity", 0,
	    NULL, &res);
	if (err != HUB_OK) {
		code = ctl_db_failed(db, err);
		goto out;
	}
	t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	table_add_result(t, res);
	table_report_take(t, ctl, "The ledger", "Das Ledger", "");
	/* hubverify looks at the rows; this looks at the chain alone. */
	if (strcmp(PQgetvalue(res, 0, 2), "t") != 0)
		code = CTL_DIFFERS;
out:
	PQclear(res);
	db_close(db);
	return (code);
}
