/* server/hubctl/cmd_token.c - hubctl token mint|proof|inspect. */
#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "server/base/hash.h"
#include "server/hubctl/hubctl.h"
#include "tenants/dpop.h"
#include "tenants/jwk.h"
#include "tenants/jws.h"
#include "tenants/token.h"

#define KEY_MAX	   ((size_t)65536)
#define CLAIMS_MAX ((size_t)65536)

static enum ctl_exit inspect(struct str token);

/* A file of any of these kinds, cleansed and freed. */
static void
drop_secret(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_clear(b);
}

/* ISSUER_..., or 0 with a message. */
static unsigned
read_alg(const char *alg)
{
	if (strcmp(alg, "RS256") == 0)
		return (ISSUER_RS256);
	if (strcmp(alg, "ES256") == 0)
		return (ISSUER_ES256);
	ctl_warn("--alg %s: RS256 and ES256 are known", alg);
	return (0);
}

/* ---- mint */

static bool
cert_thumbprint(struct str pem, unsigned char out[SHA256_LEN])
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *cert = NULL;
	unsigned n = 0;
	bool ok;

	if (bio != NULL)
		cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ok = cert != NULL && X509_digest(cert, EVP_sha256(), out, &n) == 1;
	X509_free(cert);
	BIO_free(bio);
	return (ok);
}

static bool
key_thumbprint(struct str pem, unsigned char out[SHA256_LEN])
{
	EVP_PKEY *pkey = jws_private_key(pem, ISSUER_ES256);
	bool ok;

	if (pkey == NULL)
		pkey = jws_private_key(pem, ISSUER_RS256);
	ok = pkey != NULL && jwk_thumbprint_of(pkey, out);
	EVP_PKEY_free(pkey);
	return (ok);
}

/* RFC 8705, 3.1 and RFC 9449, 6.1: a member of cnf from what is in the file;
 * without a file nothing. */
static enum ctl_exit
add_cnf(const char *path, const char *name,
    bool (*thumbprint)(struct str, unsigned char *), json_t *cnf)
{
	unsigned char hash[SHA256_LEN];
	enum ctl_exit code;
	struct buf pem, text;

	if (path == NULL)
		return (CTL_OK);
	buf_init(&pem, KEY_MAX);
	buf_init(&text, 64);
	code = ctl_read(path, &pem);
	if (code == CTL_OK && (pem.len == 0 ||
				  !thumbprint(buf_str(&pem), hash))) {
		ctl_warn("%s: neither certificate nor key that would do", path);
		code = CTL_CONFIG;
	}
	if (code == CTL_OK) {
		jws_add_b64url(&text, hash, sizeof(hash));
		(void)json_object_set_new(cnf, name,
		    json_stringn(text.p, text.len));
	}
	buf_clear(&text);
	drop_secret(&pem);
	return (code);
}

/* Writes the claims anew with what they are bound to, if to anything. */
static enum ctl_exit
bind_claims(const struct ctl *ctl, struct buf *claims)
{
	json_t *object, *cnf = json_object();
	enum ctl_exit code;
	char *text;

	code = add_cnf(ctl->cnf_x5t, "x5t#S256", cert_thumbprint, cnf);
	if (code == CTL_OK)
		code = add_cnf(ctl->cnf_jkt, "jkt", key_thumbprint, cnf);
	if (code == CTL_OK && json_object_size(cnf) > 0) {
		object = json_loadb(claims->len > 0 ? claims->p : "",
		    claims->len, JSON_REJECT_DUPLICATES, NULL);
		(void)json_object_set(object, "cnf", cnf);
		text = json_dumps(object, JSON_COMPACT);
		buf_reset(claims);
		buf_adds(claims, str_of(text)); /* none: nothing to sign */
		free(text);
		json_decref(object);
	}
	json_decref(cnf);
	return (code);
}

enum ctl_exit
cmd_token_mint(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct arena *a = arena_new();
	struct buf claims, key;
	struct str token;
	unsigned alg = 0;
	enum ctl_exit code = CTL_USAGE;
	enum hub_err err;

	buf_init(&claims, CLAIMS_MAX);
	buf_init(&key, KEY_MAX);
	if (ctl->key == NULL || ctl->alg == NULL || ctl->kid == NULL) {
		ctl_warn("token mint needs --key, --alg and --kid");
		goto out;
	}
	alg = read_alg(ctl->alg);
	if (alg == 0)
		goto out;
	code = ctl_read(ctl->key, &key);
	if (code == CTL_OK)
		code = ctl_read(argv[0], &claims);
	if (code == CTL_OK)
		code = bind_claims(ctl, &claims);
	if (code != CTL_OK)
		goto out;
	err = token_mint(buf_str(&claims), alg, str_of(ctl->kid),
	    str_of(ctl->typ), buf_str(&key), a, &token);
	if (err == HUB_OK)
		printf("%.*s\n", STR_FMT(token));
	else
		ctl_warn("cannot sign: %s (key, algorithm and claims must "
			 "fit)", hub_err_str(err));
	code = ctl_exit_of(err);
out:
	drop_secret(&key);
	buf_clear(&claims);
	arena_free(a);
	return (code);
}

/* ---- proof */

enum ctl_exit
cmd_token_proof(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct arena *a = arena_new();
	enum ctl_exit code = CTL_USAGE;
	struct buf key, token;
	struct str proof, t;
	enum hub_err err;
	unsigned alg = 0;

	buf_init(&key, KEY_MAX);
	buf_init(&token, TOKEN_BYTES_MAX + 64);
	if (ctl->key == NULL || ctl->alg == NULL || ctl->token == NULL)
		ctl_warn("token proof needs --key, --alg and --token");
	else
		alg = read_alg(ctl->alg);
	if (alg == 0)
		goto out;
	code = ctl_read(ctl->key, &key);
	if (code == CTL_OK)
		code = ctl_read(ctl->token, &token);
	if (code != CTL_OK)
		goto out;
	t = buf_str(&token);
	while (t.len > 0 && strchr(" \t\r\n", t.p[t.len - 1]) != NULL)
		t.len--;
	err = dpop_make(t, str_of(argv[0]), str_of(argv[1]), alg,
	    buf_str(&key), clock_wall(), a, &proof);
	if (err == HUB_OK)
		printf("%.*s\n", STR_FMT(proof));
	else
		ctl_warn("cannot sign: %s (key and algorithm must fit)",
		    hub_err_str(err));
	code = ctl_exit_of(err);
out:
	drop_secret(&key);
	drop_secret(&token);
	arena_free(a);
	return (code);
}

/* ---- inspect */

enum ctl_exit
cmd_token_inspect(const struct ctl *ctl HUB_UNUSED, int argc HUB_UNUSED,
    char **argv)
{
	struct buf token;
	enum ctl_exit code = CTL_OK;

	buf_init(&token, TOKEN_BYTES_MAX + 64);
	if (strcmp(argv[0], "-") == 0)
		code = ctl_read("-", &token);
	else
		buf_adds(&token, str_of(argv[0]));
	if (token.failed && code == CTL_OK) {
		ctl_warn("longer than any token (%zu bytes)", TOKEN_BYTES_MAX);
		code = CTL_FAILED;
	}
	if (code == CTL_OK) {
		struct str s = buf_str(&token);

		while (s.len > 0 && strchr(" \t\r\n", s.p[s.len - 1]) != NULL)
			s.len--;
		code = inspect(s);
	}
	drop_secret(&token);
	return (code);
}

/* One part as a JSON object, or NULL with a message. */
static json_t *
decode(const char *what, struct str part)
{
	unsigned char *bytes = xcalloc(1, B64URL_MAX(part.len));
	json_error_t error;
	json_t *object = NULL;
	size_t len;

	if (b64url_decode(part, bytes, &len) != HUB_OK) {
		ctl_warn("%s: not base64url", what);
	} else {
		object = json_loadb((const char *)bytes, len,
		    JSON_REJECT_DUPLICATES, &error);
		if (object == NULL)
			ctl_warn("%s: %s", what, error.text);
	}
	if (object != NULL && !json_is_object(object)) {
		ctl_warn("%s: not a JSON object", what);
		json_decref(object);
		object = NULL;
	}
	OPENSSL_cleanse(bytes, B64URL_MAX(part.len));
	free(bytes);
	return (object);
}

/* RFC 7519, 2: seconds since 1970, given again for people. */
static void
add_times(json_t *out, const json_t *claims)
{
	static const char *const names[] = { "iat", "nbf", "exp" };
	char text[WALL_STR_MAX];
	json_t *times = json_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *v = json_object_get(claims, names[i]);
		json_int_t s = json_integer_value(v);

		if (!json_is_integer(v) || s < 0 || s > INT64_C(253402300799))
			continue;
		wall_format((struct wall_us){ s * 1000000 }, text);
		(void)json_object_set_new(times, names[i], json_string(text));
	}
	(void)json_object_set_new(out, "times", times);
}

static enum ctl_exit
inspect(struct str token)
{
	struct str rest = token, header, payload, signature;
	json_t *h = NULL, *p = NULL, *out;

	if (!str_cut(&rest, '.', &header) || !str_cut(&rest, '.', &payload) ||
	    !str_cut(&rest, '.', &signature) || rest.p != NULL) {
		ctl_warn("not a JWS in compact form (RFC 7515, 7.1): three "
			 "parts with dots between");
		return (CTL_FAILED);
	}
	h = decode("header", header);
	p = decode("claims", payload);
	if (h == NULL || p == NULL) {
		json_decref(h);
		json_decref(p);
		return (CTL_FAILED);
	}
	out = json_object();
	(void)json_object_set_new(out, "verified", json_false());
	(void)json_object_set_new(out, "header", h);
	(void)json_object_set(out, "claims", p);
	add_times(out, p);
	json_decref(p);
	(void)json_dumpf(out, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(out);
	ctl_warn("nothing is verified here: neither signature nor issuer nor "
		 "time; anyone can write such a token");
	return (CTL_OK);
}
