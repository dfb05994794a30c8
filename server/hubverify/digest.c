/* server/hubverify/digest.c - signed digests: one line of JSON in one form
 * only, so that no byte of it can be another one; see verify.h.
 *
 *	{"block":N,"hash":"HEX","hub":"NAME","key":"HEX",
 *	"signature":"HEX","time":"YYYY-MM-DDThh:mm:ssZ"}
 *
 * without the line break, and a line feed at its end. The signature (Ed25519)
 * is of "drehscheibe digest/1", a line feed, and the same line without its
 * member signature and without the line feed at the end. key is the begin of
 * the SHA-256 of the public key. */
#include "server/hubverify/verify.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_MAX 1024
#define KEY_LEN	   32
#define SIG_LEN	   64
#define HUB_MAX	   128
#define PREFIX	   "drehscheibe digest/1\n"

static const struct digest_fault FORM = { "hat nicht die Form eines Digests",
	"has not the form of a digest", false };
static const struct digest_fault OTHER_KEY = {
	"wurde mit einem anderen Schlüssel unterschrieben",
	"was signed with another key", true };
static const struct digest_fault SIGNATURE = {
	"trägt keine gültige Unterschrift", "bears no valid signature",
	false };

EVP_PKEY *
key_read(const char *file, struct say *s)
{
	FILE *f = fopen(file, "rbe");
	EVP_PKEY *key = NULL;

	if (f == NULL) {
		say_blind(s, "%s: %s", "%s: %s", file, strerror(errno));
		return (NULL);
	}
	key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	(void)fclose(f);
	if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
		say_blind(s, "%s: kein öffentlicher Ed25519-Schlüssel (PEM)",
		    "%s: no public Ed25519 key (PEM)", file);
		EVP_PKEY_free(key);
		return (NULL);
	}
	return (key);
}

/* What stands between two fixed texts; p moves behind it. */
static bool
part(const char **p, const char *before, const char *chars, size_t min,
    size_t max, char *out)
{
	size_t n = strlen(before);

	if (strncmp(*p, before, n) != 0)
		return (false);
	*p += n;
	n = strspn(*p, chars);
	if (n < min || n > max)
		return (false);
	memcpy(out, *p, n);
	out[n] = '\0';
	*p += n;
	return (true);
}

#define HEX    "0123456789abcdef"
#define DIGITS "0123456789"
#define NAME                                                                  \
	DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:_-"

static bool
signed_by(EVP_PKEY *key, const char *text, size_t n,
    const unsigned char sig[SIG_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig, SIG_LEN, (const unsigned char *)text,
		n) == 1;

	EVP_MD_CTX_free(ctx);
	return (ok);
}

static bool
is_key(EVP_PKEY *key, const char *id)
{
	unsigned char raw[KEY_LEN], sum[HASH_LEN];
	size_t n = sizeof(raw);
	char hex[17];

	if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
		return (false);
	sha256_of(raw, n, sum);
	hex_write(sum, 8, hex);
	return (strcmp(hex, id) == 0);
}

const struct digest_fault *
digest_read(const char *text, size_t len, EVP_PKEY *key, struct digest *d_r)
{
	char block[24], hash[HEX_LEN], hub[HUB_MAX + 1], id[17];
	char sig[2 * SIG_LEN + 1], at[24], line[DIGEST_MAX + 1];
	char content[DIGEST_MAX + 64];
	unsigned char raw[SIG_LEN];
	struct digest d = { 0 };
	const char *p = line;
	int n;

	if (len == 0 || len > DIGEST_MAX || memchr(text, '\0', len) != NULL)
		return (&FORM);
	memcpy(line, text, len);
	line[len] = '\0';
	if (!part(&p, "{\"block\":", DIGITS, 1, 20, block) ||
	    !part(&p, ",\"hash\":\"", HEX, 64, 64, hash) ||
	    !part(&p, "\",\"hub\":\"", NAME, 1, HUB_MAX, hub) ||
	    !part(&p, "\",\"key\":\"", HEX, 16, 16, id) ||
	    !part(&p, "\",\"signature\":\"", HEX, 128, 128, sig) ||
	    !part(&p, "\",\"time\":\"", DIGITS "-:TZ", 20, 20, at) ||
	    strcmp(p, "\"}\n") != 0 ||
	    !read_uint(block, INT64_MAX, &d.block) ||
	    !hex_read(hash, d.hash, HASH_LEN) || !hex_read(sig, raw, SIG_LEN))
		return (&FORM);
	memcpy(d.time, at, sizeof(d.time));
	sha256_of(text, len, d.sum);
	*d_r = d;
	if (key == NULL)
		return (NULL);
	if (!is_key(key, id))
		return (&OTHER_KEY);
	n = snprintf(content, sizeof(content), PREFIX "{\"block\":%s,"
	    "\"hash\":\"%s\",\"hub\":\"%s\",\"key\":\"%s\",\"time\":\"%s\"}",
	    block, hash, hub, id, at);
	if (n < 0 || (size_t)n >= sizeof(content) ||
	    !signed_by(key, content, (size_t)n, raw))
		return (&SIGNATURE);
	return (NULL);
}

bool
digest_load(const char *file, EVP_PKEY *key, struct digest *d_r,
    struct say *s)
{
	char text[DIGEST_MAX + 1];
	const struct digest_fault *fault;
	FILE *f = fopen(file, "rbe");
	size_t n;

	if (f == NULL) {
		say_blind(s, "%s: %s", "%s: %s", file, strerror(errno));
		return (false);
	}
	n = fread(text, 1, sizeof(text), f);
	if (ferror(f) != 0) {
		say_blind(s, "%s: nicht lesbar", "%s: cannot be read", file);
		(void)fclose(f);
		return (false);
	}
	(void)fclose(f);
	fault = digest_read(text, n, key, d_r);
	if (fault != NULL) {
		say_tampered(s, "der Digest %s %s", "the digest %s %s", file,
		    s->german ? fault->de : fault->en);
		return (false);
	}
	d_r->file = strdup(file);
	if (d_r->file == NULL)
		abort();
	return (true);
}
