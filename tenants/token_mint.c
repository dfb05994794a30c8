/* tenants/token_mint.c - signs tokens for tests and the demo issuer.
 *
 * libjwt 1.10.2 writes "JWT" as typ whatever it is told, and an access token
 * of RFC 9068 is "at+jwt": so OpenSSL signs. */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "server/base/buf.h"
#include "tenants/token_priv.h"

#define SIG_MAX 1024

/* RFC 4648, 5, without padding. */
static void
add_b64url(struct buf *out, const void *bytes, size_t n)
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

static EVP_PKEY *
private_read(struct str pem, unsigned alg)
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

static bool
sign(EVP_PKEY *pkey, unsigned alg, struct str bytes, unsigned char *sig,
    size_t *len_r)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIG_MAX;
	bool ok;

	ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	    EVP_DigestSign(ctx, sig, &len, (const unsigned char *)bytes.p,
		bytes.len) == 1 &&
	    (alg != ISSUER_ES256 || raw_signature(sig, &len));
	EVP_MD_CTX_free(ctx);
	*len_r = len;
	return (ok);
}

static bool
is_object(struct str json)
{
	json_t *v = json_loadb(json.len > 0 ? json.p : "", json.len,
	    JSON_REJECT_DUPLICATES, NULL);
	bool ok = json_is_object(v);

	json_decref(v);
	return (ok);
}

static void
add_header(struct buf *out, unsigned alg, struct str kid, struct str typ)
{
	struct buf head;

	buf_init(&head, TOKEN_BYTES_MAX);
	buf_addf(&head, "{\"alg\":\"%s\",\"typ\":", token_alg_name(alg));
	buf_add_json(&head, typ);
	BUF_LIT(&head, ",\"kid\":");
	buf_add_json(&head, kid);
	BUF_LIT(&head, "}");
	if (head.failed)
		out->failed = true;
	else
		add_b64url(out, head.p, head.len);
	buf_clear(&head);
}

enum hub_err
token_mint(struct str claims, unsigned alg, struct str kid, struct str typ,
    struct str key_pem, struct arena *arena, struct str *token_r)
{
	enum hub_err err = HUB_ESYNTAX;
	unsigned char sig[SIG_MAX];
	EVP_PKEY *pkey = NULL;
	struct buf out;
	size_t len;

	/* Room for what the encoder writes before it is cut. */
	buf_init(&out, TOKEN_BYTES_MAX + 8);
	if (token_alg_name(alg) == NULL || !keyset_kid_ok(kid) ||
	    !str_utf8(typ) || !is_object(claims))
		goto out;
	pkey = private_read(key_pem, alg);
	if (pkey == NULL)
		goto out;
	add_header(&out, alg, kid, typ);
	buf_addc(&out, '.');
	if (claims.len <= TOKEN_BYTES_MAX)
		add_b64url(&out, claims.p, claims.len);
	err = HUB_ERANGE;
	if (claims.len > TOKEN_BYTES_MAX || out.failed)
		goto out;
	err = HUB_EIO;
	if (!sign(pkey, alg, buf_str(&out), sig, &len))
		goto out;
	buf_addc(&out, '.');
	add_b64url(&out, sig, len);
	err = HUB_ERANGE;
	if (out.failed || out.len > TOKEN_BYTES_MAX)
		goto out;
	*token_r = arena_str(arena, buf_str(&out));
	err = HUB_OK;
out:
	ERR_clear_error();
	EVP_PKEY_free(pkey);
	buf_clear(&out);
	return (err);
}
