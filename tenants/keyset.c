/* tenants/keyset.c - JSON Web Keys to OpenSSL keys; keyset.h says what they
 * promise. */
#include "tenants/keyset.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "server/base/hash.h"

#define KID_MAX	      128
#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 512
#define P256_BYTES    32

struct keyset {
	unsigned refs; /* atomic */
	unsigned n;
	struct arena *arena; /* holds kids and PEM texts */
	struct keyset_key keys[KEYSET_KEYS_MAX];
};

static bool	 key_read(const json_t *, struct arena *, struct keyset_key *);
static EVP_PKEY *rsa_read(const json_t *);
static EVP_PKEY *ec_read(const json_t *);

/* kty decides the algorithm and the reader; the rest must agree with it. */
static const struct kty {
	const char *name, *alg;
	unsigned algorithm;
	EVP_PKEY *(*read)(const json_t *);
} ktys[] = {
	{ "RSA", "RS256", ISSUER_RS256, rsa_read },
	{ "EC", "ES256", ISSUER_ES256, ec_read },
};

bool
keyset_kid_ok(struct str kid)
{
	char c;

	if (kid.len < 1 || kid.len > KID_MAX)
		return (false);
	for (size_t i = 0; i < kid.len; i++) {
		c = kid.p[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '_' ||
			c == ':' || c == '-'))
			return (false);
	}
	return (true);
}

static enum hub_err
keys_take(const json_t *list, struct keyset *set, const char **why_r)
{
	struct keyset_key key;
	json_t *jwk;
	size_t i;

	if (json_array_size(list) > KEYSET_KEYS_MAX) {
		*why_r = "more than 16 keys";
		return (HUB_EFULL);
	}
	json_array_foreach(list, i, jwk) {
		if (!json_is_object(jwk)) {
			*why_r = "a key is no object";
			return (HUB_ESYNTAX);
		}
		if (!key_read(jwk, set->arena, &key))
			continue;
		if (keyset_find(set, key.kid) != NULL) {
			EVP_PKEY_free(key.pkey);
			*why_r = "two keys of one kid";
			return (HUB_EEXIST);
		}
		set->keys[set->n++] = key;
	}
	return (HUB_OK);
}

enum hub_err
keyset_parse(struct str json, struct keyset **set_r, const char **why_r)
{
	enum hub_err err = HUB_ESYNTAX;
	struct keyset *set = NULL;
	json_t *root = NULL, *list;

	if (json.len > KEYSET_BYTES_MAX) {
		*why_r = "larger than 64 KiB";
		return (HUB_EFULL);
	}
	root = json_loadb(json.len > 0 ? json.p : "", json.len,
	    JSON_REJECT_DUPLICATES, NULL);
	list = json_object_get(root, "keys");
	if (!json_is_array(list)) {
		*why_r = root == NULL ? "not strict JSON" : "no list of keys";
		goto out;
	}
	set = xcalloc(1, sizeof(*set));
	set->refs = 1;
	set->arena = arena_new();
	err = keys_take(list, set, why_r);
	if (err != HUB_OK)
		goto out;
	*set_r = set;
	set = NULL;
out:
	ERR_clear_error();
	json_decref(root);
	keyset_unref(&set);
	return (err);
}

struct keyset *
keyset_ref(struct keyset *set)
{
	(void)__atomic_fetch_add(&set->refs, 1, __ATOMIC_RELAXED);
	return (set);
}

void
keyset_unref(struct keyset **setp)
{
	struct keyset *set = *setp;

	*setp = NULL;
	if (set == NULL ||
	    __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (unsigned i = 0; i < set->n; i++)
		EVP_PKEY_free(set->keys[i].pkey);
	arena_free(set->arena);
	free(set);
}

unsigned
keyset_size(const struct keyset *set)
{
	return (set->n);
}

const struct keyset_key *
keyset_find(const struct keyset *set, struct str kid)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (str_eq(set->keys[i].kid, kid))
			return (&set->keys[i]);
	}
	return (NULL);
}

struct keyring *
keyring_new(uint64_t generation, unsigned n, struct keyset *const *sets)
{
	struct keyring *ring;

	ring = xcalloc(1, sizeof(*ring) + n * sizeof(ring->sets[0]));
	ring->refs = 1;
	ring->generation = generation;
	ring->n = n;
	for (unsigned i = 0; i < n; i++)
		ring->sets[i] = sets[i] != NULL ? keyset_ref(sets[i]) : NULL;
	return (ring);
}

struct keyring *
keyring_ref(struct keyring *ring)
{
	(void)__atomic_fetch_add(&ring->refs, 1, __ATOMIC_RELAXED);
	return (ring);
}

void
keyring_unref(struct keyring **ringp)
{
	struct keyring *ring = *ringp;

	*ringp = NULL;
	if (ring == NULL ||
	    __atomic_sub_fetch(&ring->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (unsigned i = 0; i < ring->n; i++)
		keyset_unref(&ring->sets[i]);
	free(ring);
}

/* ---- one key ---- */

/* STR_NONE when the member is absent or no string; valid as long as jwk. */
static struct str
member(const json_t *jwk, const char *name)
{
	const json_t *v = json_object_get(jwk, name);

	if (!json_is_string(v))
		return (STR_NONE);
	return ((struct str){ json_string_value(v), json_string_length(v) });
}

static bool
absent_or(const json_t *jwk, const char *name, const char *value)
{
	return (json_object_get(jwk, name) == NULL ||
	    str_eq(member(jwk, name), str_of(value)));
}

/* RFC 7517, 4.3: where the operations are listed, verifying is among them. */
static bool
may_verify(const json_t *jwk)
{
	const json_t *ops = json_object_get(jwk, "key_ops"), *op;
	size_t i;

	json_array_foreach(ops, i, op) {
		if (json_is_string(op) &&
		    strcmp(json_string_value(op), "verify") == 0)
			return (true);
	}
	return (ops == NULL);
}

static struct str
pem_write(EVP_PKEY *pkey, struct arena *arena)
{
	struct str pem = STR_NONE;
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
		n = BIO_get_mem_data(bio, &p);
		pem = arena_str(arena, (struct str){ p, (size_t)n });
	}
	BIO_free(bio);
	return (pem);
}

static bool
key_read(const json_t *jwk, struct arena *arena, struct keyset_key *key_r)
{
	struct str kid = member(jwk, "kid"), kty = member(jwk, "kty");
	const struct kty *k = NULL;
	struct str pem;
	EVP_PKEY *pkey;

	for (size_t i = 0; i < sizeof(ktys) / sizeof(ktys[0]); i++) {
		if (str_eq(kty, str_of(ktys[i].name)))
			k = &ktys[i];
	}
	if (k == NULL || !keyset_kid_ok(kid) || !absent_or(jwk, "use", "sig") ||
	    !absent_or(jwk, "alg", k->alg) || !may_verify(jwk))
		return (false);
	/* A private key that was published signs for everybody. */
	if (json_object_get(jwk, "d") != NULL)
		return (false);
	pkey = k->read(jwk);
	if (pkey == NULL)
		return (false);
	pem = pem_write(pkey, arena);
	if (pem.len == 0) {
		EVP_PKEY_free(pkey);
		return (false);
	}
	*key_r = (struct keyset_key){ .kid = arena_str(arena, kid),
		.algorithm = k->algorithm,
		.pkey = pkey,
		.pem = pem };
	return (true);
}

/* A public key of these parameters, checked: for RSA that n is odd, composite
 * and without small factors, for EC that the point is on the curve and not
 * infinity. NULL when it is not so. */
static EVP_PKEY *
key_make(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY_CTX *check = NULL;
	EVP_PKEY *pkey = NULL;
	bool ok = false;

	if (params == NULL || make == NULL ||
	    EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		goto out;
	check = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	ok = check != NULL && EVP_PKEY_public_check(check) == 1;
out:
	if (!ok) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(make);
	OSSL_PARAM_free(params);
	return (pkey);
}

/* RFC 7518, 6.3.1: n and e big-endian without leading zero octets. */
static EVP_PKEY *
rsa_read(const json_t *jwk)
{
	static const unsigned char e65537[] = { 1, 0, 1 };
	struct str n64 = member(jwk, "n"), e64 = member(jwk, "e");
	unsigned char n[B64URL_MAX(684)], e[B64URL_MAX(4)];
	OSSL_PARAM_BLD *build = NULL;
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *pkey = NULL;
	size_t nlen, elen;

	if (n64.len > 684 || e64.len != 4 ||
	    b64url_decode(n64, n, &nlen) != HUB_OK ||
	    b64url_decode(e64, e, &elen) != HUB_OK ||
	    elen != sizeof(e65537) || memcmp(e, e65537, elen) != 0)
		return (NULL);
	/* The top bit set where the length is the least. */
	if (nlen < RSA_BYTES_MIN || nlen > RSA_BYTES_MAX || n[0] == 0 ||
	    (nlen == RSA_BYTES_MIN && (n[0] & 0x80) == 0))
		return (NULL);
	bn = BN_bin2bn(n, (int)nlen, NULL);
	be = BN_bin2bn(e, (int)elen, NULL);
	build = OSSL_PARAM_BLD_new();
	if (bn != NULL && be != NULL && build != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		pkey = key_make("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(be);
	BN_free(bn);
	return (pkey);
}

/* RFC 7518, 6.2.1: both coordinates at full length. */
static EVP_PKEY *
ec_read(const json_t *jwk)
{
	struct str x = member(jwk, "x"), y = member(jwk, "y");
	/* Uncompressed; the decoder may write a byte past the end. */
	unsigned char point[2 * P256_BYTES + 8] = { 4 };
	OSSL_PARAM_BLD *build;
	EVP_PKEY *pkey = NULL;
	size_t xlen, ylen;

	if (!str_eq(member(jwk, "crv"), STR("P-256")) || x.len != 43 ||
	    y.len != 43 || b64url_decode(x, point + 1, &xlen) != HUB_OK ||
	    b64url_decode(y, point + 1 + P256_BYTES, &ylen) != HUB_OK ||
	    xlen != P256_BYTES || ylen != P256_BYTES)
		return (NULL);
	build = OSSL_PARAM_BLD_new();
	if (build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
		"prime256v1", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
		point, 1 + 2 * P256_BYTES) == 1)
		pkey = key_make("EC", build);
	OSSL_PARAM_BLD_free(build);
	return (pkey);
}
