/* tenants/token_mint.c - signs tokens for tests and the demo issuer.
 *
 * libjwt 1.10.2 writes "JWT" as typ whatever it is told, and an access token
 * of RFC 9068 is "at+jwt": so OpenSSL signs. */
#include <openssl/err.h>
#include <openssl/evp.h>

#include "server/base/buf.h"
#include "tenants/token_priv.h"

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
	buf_addf(&head, "{\"alg\":\"%s\",\"typ\":", jws_alg_name(alg));
	buf_add_json(&head, typ);
	BUF_LIT(&head, ",\"kid\":");
	buf_add_json(&head, kid);
	BUF_LIT(&head, "}");
	if (head.failed)
		out->failed = true;
	else
		jws_add_b64url(out, head.p, head.len);
	buf_clear(&head);
}

enum hub_err
token_mint(struct str claims, unsigned alg, struct str kid, struct str typ,
    struct str key_pem, struct arena *arena, struct str *token_r)
{
	enum hub_err err = HUB_ESYNTAX;
	EVP_PKEY *pkey = NULL;
	struct buf out;

	/* Room for what the encoder writes before it is cut. */
	buf_init(&out, TOKEN_BYTES_MAX + 8);
	if (jws_alg_name(alg) == NULL || !keyset_kid_ok(kid) ||
	    !str_utf8(typ) || !is_object(claims))
		goto out;
	pkey = jws_private_key(key_pem, alg);
	if (pkey == NULL)
		goto out;
	add_header(&out, alg, kid, typ);
	buf_addc(&out, '.');
	if (claims.len <= TOKEN_BYTES_MAX)
		jws_add_b64url(&out, claims.p, claims.len);
	err = HUB_ERANGE;
	if (claims.len > TOKEN_BYTES_MAX || out.failed)
		goto out;
	err = HUB_EIO;
	if (!jws_sign(&out, alg, pkey))
		goto out;
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
