/* tenants/jwk.c - JSON Web Keys to OpenSSL keys and back; see jwk.h. */
#include "tenants/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>

#include "tenants/jws.h"
#include "tenants/tenant.h"

#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 512
#define RSA_TEXT_MAX  684 /* of 512 bytes */
#define P256_TEXT     43  /* of 32 bytes */
#define JWK_TEXT_MAX  1024

struct kty;

static EVP_PKEY *rsa_read(const json_t *);
static EVP_PKEY *ec_read(const json_t *);
static bool	 key_good(EVP_PKEY *, const struct kty *, bool vouched);
static bool	 rsa_write(EVP_PKEY *, struct buf *);
static bool	 ec_write(EVP_PKEY *, struct buf *);

/* kty decides the algorithm and the reader; the rest must agree with it. The
 * members that make the key are in the order of RFC 7638, 3.2. */
static const struct kty {
	const char *name, *alg;
	unsigned algorithm;
	const char *members[4];
	EVP_PKEY *(*read)(const json_t *);
	bool (*write)(EVP_PKEY *, struct buf *);
} ktys[] = {
	{ "RSA", "RS256", ISSUER_RS256, { "e", "kty", "n", NULL }, rsa_read,
	    rsa_write },
	{ "EC", "ES256", ISSUER_ES256, { "crv", "kty", "x", "y" }, ec_read,
	    ec_write },
};

static struct str
member(const json_t *jwk, const char *name)
{
	return (json_str(json_object_get(jwk, name)));
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

static const struct kty *
kty_of(const json_t *jwk)
{
	/* A private key that was shown signs for everybody. */
	static const char *const private[] = { "d", "p", "q", "dp", "dq", "qi",
		"oth", "k", NULL };
	const struct kty *k = NULL;

	for (size_t i = 0; i < sizeof(ktys) / sizeof(ktys[0]); i++) {
		if (str_eq(member(jwk, "kty"), str_of(ktys[i].name)))
			k = &ktys[i];
	}
	if (k == NULL || jws_has(jwk, private) ||
	    !absent_or(jwk, "use", "sig") || !absent_or(jwk, "alg", k->alg) ||
	    !may_verify(jwk))
		return (NULL);
	return (k);
}

EVP_PKEY *
jwk_read(const json_t *jwk, bool vouched, unsigned *algorithm_r)
{
	const struct kty *k = kty_of(jwk);
	EVP_PKEY *pkey = k != NULL ? k->read(jwk) : NULL;

	if (pkey != NULL && !key_good(pkey, k, vouched)) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	if (pkey != NULL)
		*algorithm_r = k->algorithm;
	return (pkey);
}

bool
jwk_write(EVP_PKEY *pkey, struct buf *out)
{
	for (size_t i = 0; i < sizeof(ktys) / sizeof(ktys[0]); i++) {
		if (EVP_PKEY_is_a(pkey, ktys[i].name))
			return (ktys[i].write(pkey, out) && !out->failed);
	}
	return (false);
}

/* ---- thumbprints ---- */

/* Letters of base64url, and of the names of curves and types. */
static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			(s.p[i] >= 'a' && s.p[i] <= 'z') ||
			(s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' ||
			s.p[i] == '_'))
			return (false);
	}
	return (s.len > 0);
}

bool
jwk_thumbprint(const json_t *jwk, unsigned char out[SHA256_LEN])
{
	const struct kty *k = kty_of(jwk);
	char text[JWK_TEXT_MAX];
	struct str v;
	size_t n = 0;

	for (size_t i = 0; k != NULL && i < 4 && k->members[i] != NULL; i++) {
		v = member(jwk, k->members[i]);
		if (v.len > RSA_TEXT_MAX || !is_plain(v) ||
		    n + v.len + 16 > sizeof(text))
			return (false);
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%c\"%s\":\"%.*s\"", i == 0 ? '{' : ',', k->members[i],
		    STR_FMT(v));
	}
	if (k == NULL)
		return (false);
	text[n++] = '}';
	sha256((struct str){ text, n }, out);
	return (true);
}

bool
jwk_thumbprint_of(EVP_PKEY *pkey, unsigned char out[SHA256_LEN])
{
	struct buf b;
	bool ok;

	buf_init(&b, JWK_TEXT_MAX);
	ok = jwk_write(pkey, &b);
	if (ok)
		sha256(buf_str(&b), out);
	buf_clear(&b);
	return (ok);
}

/* ---- writing ---- */

/* As an unsigned big-endian number; width 0: as short as it is. */
static bool
add_number(struct buf *out, EVP_PKEY *pkey, const char *param, int width)
{
	unsigned char bytes[RSA_BYTES_MAX];
	BIGNUM *n = NULL;
	int len = -1;

	if (EVP_PKEY_get_bn_param(pkey, param, &n) == 1) {
		if (width == 0)
			width = BN_num_bytes(n);
		if ((size_t)width <= sizeof(bytes))
			len = BN_bn2binpad(n, bytes, width);
	}
	BN_free(n);
	if (len > 0)
		jws_add_b64url(out, bytes, (size_t)len);
	return (len > 0);
}

static bool
rsa_write(EVP_PKEY *pkey, struct buf *out)
{
	bool ok;

	BUF_LIT(out, "{\"e\":\"");
	ok = add_number(out, pkey, OSSL_PKEY_PARAM_RSA_E, 0);
	BUF_LIT(out, "\",\"kty\":\"RSA\",\"n\":\"");
	ok = ok && add_number(out, pkey, OSSL_PKEY_PARAM_RSA_N, 0);
	BUF_LIT(out, "\"}");
	return (ok);
}

static bool
ec_write(EVP_PKEY *pkey, struct buf *out)
{
	char group[32];
	bool ok;

	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, "prime256v1") != 0)
		return (false);
	BUF_LIT(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	ok = add_number(out, pkey, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES);
	BUF_LIT(out, "\",\"y\":\"");
	ok = ok &&
	    add_number(out, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES);
	BUF_LIT(out, "\"}");
	return (ok);
}

/* ---- reading ---- */

static EVP_PKEY *
key_make(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (params == NULL || make == NULL ||
	    EVP_PKEY_fromdata_init(make) != 1 ||
	    EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(make);
	OSSL_PARAM_free(params);
	return (pkey);
}

/* For EC that the point is on the curve and not infinity, which is all there
 * is to P-256 (SP 800-56A, 5.6.2.3.4); for RSA that n is odd, composite and
 * without small factors. The latter takes milliseconds: too long for a key that
 * comes with each request and can harm nobody but its owner. */
static bool
key_good(EVP_PKEY *pkey, const struct kty *k, bool vouched)
{
	EVP_PKEY_CTX *ctx;
	bool ok;

	if (vouched && k->algorithm == ISSUER_RS256)
		return (true);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	ok = ctx != NULL && EVP_PKEY_public_check_quick(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return (ok);
}

/* RFC 7518, 6.3.1: n and e big-endian without leading zero octets. */
static EVP_PKEY *
rsa_read(const json_t *jwk)
{
	static const unsigned char e65537[] = { 1, 0, 1 };
	struct str n64 = member(jwk, "n"), e64 = member(jwk, "e");
	unsigned char n[B64URL_MAX(RSA_TEXT_MAX)], e[B64URL_MAX(4)];
	OSSL_PARAM_BLD *build = NULL;
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *pkey = NULL;
	size_t nlen, elen;

	if (n64.len > RSA_TEXT_MAX || e64.len != 4 ||
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

	if (!str_eq(member(jwk, "crv"), STR("P-256")) || x.len != P256_TEXT ||
	    y.len != P256_TEXT ||
	    b64url_decode(x, point + 1, &xlen) != HUB_OK ||
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
