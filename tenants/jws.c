/* tenants/jws.c - the compact form, its algorithms and its numbers; see jws.h.
 */
#include "tenants/jws.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "server/base/hash.h"
#include "tenants/keyset.h"

#define DER_SIG_MAX 72
#define SIG_MAX	    1024
#define YEAR_9999   INT64_C(253402300799)

static const struct {
	const char *name;
	unsigned alg;
} algs[] = { { "RS256", ISSUER_RS256 }, { "ES256", ISSUER_ES256 } };

const char *
jws_alg_name(unsigned alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (algs[i].alg == alg)
			return (algs[i].name);
	}
	return (NULL);
}

unsigned
jws_alg(const json_t *head)
{
	struct str alg = json_str(json_object_get(head, "alg"));

	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (str_eq(alg, str_of(algs[i].name)))
			return (algs[i].alg);
	}
	return (0);
}

bool
jws_has(const json_t *object, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (json_object_get(object, *names) != NULL)
			return (true);
	}
	return (false);
}

bool
jws_seconds(const json_t *v, int64_t *seconds_r)
{
	if (!json_is_integer(v) || json_integer_value(v) < 1 ||
	    json_integer_value(v) > YEAR_9999)
		return (false);
	*seconds_r = json_integer_value(v);
	return (true);
}

/* ---- reading ---- */

/* The JSON serialisations and the five parts of an encrypted token do not
 * pass. */
bool
jws_split(struct str text, size_t max, struct jws *jws, const char **why_r)
{
	struct str rest = text;

	if (text.len == 0 || text.len > max) {
		*why_r = "size";
		return (false);
	}
	if (!str_cut(&rest, '.', &jws->head64) ||
	    !str_cut(&rest, '.', &jws->body64) ||
	    !str_cut(&rest, '.', &jws->sig64) || rest.p != NULL) {
		*why_r = "not three parts";
		return (false);
	}
	if (jws->head64.len == 0 || jws->body64.len == 0 ||
	    jws->sig64.len == 0) {
		*why_r = "an empty part";
		return (false);
	}
	jws->signed64 = (struct str){ text.p,
		jws->head64.len + 1 + jws->body64.len };
	return (true);
}

json_t *
jws_object(struct str s64, struct arena *arena)
{
	unsigned char *bytes = arena_raw(arena, B64URL_MAX(s64.len));
	json_t *v;
	size_t n;

	if (b64url_decode(s64, bytes, &n) != HUB_OK)
		return (NULL);
	v = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
	if (v != NULL && !json_is_object(v)) {
		json_decref(v);
		v = NULL;
	}
	return (v);
}

/* One INTEGER of a DER sequence, from 32 big-endian bytes. */
static size_t
der_integer(const unsigned char *v, unsigned char *out)
{
	size_t skip = 0, pad, n;

	while (skip < P256_BYTES - 1 && v[skip] == 0)
		skip++;
	pad = v[skip] >= 0x80;
	n = P256_BYTES - skip;
	out[0] = 0x02;
	out[1] = (unsigned char)(n + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, v + skip, n);
	return (2 + pad + n);
}

/* RFC 7518, 3.4: 64 bytes, r and s each from 1 to n - 1. 0: not so. */
static size_t
der_signature(const unsigned char *raw, size_t len, unsigned char *out)
{
	static const unsigned char order[P256_BYTES] = { 0xff, 0xff, 0xff, 0xff,
		0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9,
		0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	static const unsigned char zero[P256_BYTES];
	size_t n = 2;

	if (len != 2 * P256_BYTES)
		return (0);
	for (size_t at = 0; at < len; at += P256_BYTES) {
		if (memcmp(raw + at, zero, P256_BYTES) == 0 ||
		    memcmp(raw + at, order, P256_BYTES) >= 0)
			return (0);
		n += der_integer(raw + at, out + n);
	}
	out[0] = 0x30;
	out[1] = (unsigned char)(n - 2);
	return (n);
}

static bool
signature_ok(EVP_PKEY *pkey, struct str bytes, const unsigned char *sig,
    size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	/* Only 1 is yes: 0 is a bad signature, below 0 an error. */
	ok = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, sig, len, (const unsigned char *)bytes.p,
		bytes.len) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok);
}

bool
jws_verify(const struct jws *jws, unsigned alg, EVP_PKEY *pkey,
    struct arena *arena, const char **why_r)
{
	unsigned char *sig = arena_raw(arena, B64URL_MAX(jws->sig64.len));
	unsigned char der[DER_SIG_MAX];
	size_t len;

	*why_r = "signature encoding";
	if (b64url_decode(jws->sig64, sig, &len) != HUB_OK)
		return (false);
	if (alg == ISSUER_ES256) {
		len = der_signature(sig, len, der);
		sig = der;
	} else if (len != (size_t)EVP_PKEY_get_size(pkey)) {
		len = 0;
	}
	*why_r = "signature form";
	if (len == 0)
		return (false);
	*why_r = "signature wrong";
	return (signature_ok(pkey, jws->signed64, sig, len));
}

/* ---- writing ---- */

void
jws_add_b64url(struct buf *out, const void *bytes, size_t n)
{
	char *p = buf_room(out, (n + 2) / 3 * 4 + 1);
	size_t len;

	if (p == NULL)
		return;
	len = (size_t)EVP_EncodeBlock((unsigned char *)p, bytes, (int)n);
	while (len > 0 && p[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '+')
			p[i] = '-';
		else if (p[i] == '/')
			p[i] = '_';
	}
	out->len += len;
}

/* An encrypted key would have OpenSSL ask at the terminal. */
static int
no_passphrase(char *out HUB_UNUSED, int size HUB_UNUSED, int rw HUB_UNUSED,
    void *arg HUB_UNUSED)
{
	return (-1);
}

EVP_PKEY *
jws_private_key(struct str pem, unsigned alg)
{
	EVP_PKEY *pkey = NULL;
	char group[32];
	BIO *bio;
	bool fits;

	if (pem.len == 0 || pem.len > KEYSET_BYTES_MAX)
		return (NULL);
	bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	if (bio != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (pkey == NULL)
		return (NULL);
	if (alg == ISSUER_RS256)
		fits = EVP_PKEY_is_a(pkey, "RSA") &&
		    EVP_PKEY_get_bits(pkey) >= 2048 &&
		    EVP_PKEY_get_bits(pkey) <= 4096;
	else
		fits = EVP_PKEY_is_a(pkey, "EC") &&
		    EVP_PKEY_get_group_name(pkey, group, sizeof(group),
			NULL) == 1 &&
		    strcmp(group, "prime256v1") == 0;
	if (!fits) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return (pkey);
}

/* RFC 7518, 3.4: r and s side by side instead of DER. */
static bool
raw_signature(unsigned char *sig, size_t *len)
{
	const unsigned char *p = sig;
	ECDSA_SIG *rs = d2i_ECDSA_SIG(NULL, &p, (long)*len);
	bool ok;

	ok = rs != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(rs), sig, P256_BYTES) > 0 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(rs), sig + P256_BYTES, P256_BYTES) >
		0;
	ECDSA_SIG_free(rs);
	*len = 2 * P256_BYTES;
	return (ok);
}

bool
jws_sign(struct buf *out, unsigned alg, EVP_PKEY *pkey)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[SIG_MAX];
	size_t len = sizeof(sig);
	bool ok;

	ok = ctx != NULL && !out->failed &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, sig, &len, (const unsigned char *)out->p,
		out->len) == 1 &&
	    (alg != ISSUER_ES256 || raw_signature(sig, &len));
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return (false);
	buf_addc(out, '.');
	jws_add_b64url(out, sig, len);
	return (true);
}
