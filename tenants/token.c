/* tenants/token.c - the gate in front of a token's claims: form, header,
 * issuer, key, signature. token.h says what it promises, policy.md §5 why.
 *
 * libjwt never sees a token before OpenSSL verified it under a key that was
 * chosen by issuer and kid and that has one algorithm only (RFC 8725, 3.1).
 * Its release 1.10.2 takes no typ but "JWT", so that it reads the payload
 * alone, as a second pair of eyes. */
#include "tenants/token.h"

#include <jansson.h>
#include <jwt.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "server/base/hash.h"
#include "tenants/token_priv.h"

#define DER_SIG_MAX 72

/* A token on its way through the steps. */
struct gate {
	const struct tenant_set *tenants;
	const struct keyring *ring; /* may be NULL */
	struct str token;
	struct wall_us now;
	struct arena *arena;
	struct identity *id_r;
	const char *why;

	struct str head64, body64, sig64, signed64; /* parts of token */
	json_t *head, *body;
	unsigned alg; /* ISSUER_... */
	const struct issuer *issuer;
	const struct keyset_key *key;
};

static enum token_verdict step_split(struct gate *);
static enum token_verdict step_header(struct gate *);
static enum token_verdict step_issuer(struct gate *);
static enum token_verdict step_key(struct gate *);
static enum token_verdict step_signature(struct gate *);
static enum token_verdict step_reread(struct gate *);
static enum token_verdict step_claims(struct gate *);

/* TOKEN_VALID goes on to the next, anything else is the answer. */
static enum token_verdict (*const steps[])(struct gate *) = { step_split,
	step_header, step_issuer, step_key, step_signature, step_reread,
	step_claims };

static const struct {
	const char *name;
	unsigned alg;
} algs[] = { { "RS256", ISSUER_RS256 }, { "ES256", ISSUER_ES256 } };

enum token_verdict
token_verify(const struct tenant_set *tenants, const struct keyring *ring,
    struct str token, struct wall_us now, struct arena *arena,
    struct identity *id_r, const char **why_r)
{
	struct gate g = { .tenants = tenants,
		.ring = ring,
		.token = token,
		.now = now,
		.arena = arena,
		.id_r = id_r };
	enum token_verdict verdict = TOKEN_DENIED;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		verdict = steps[i](&g);
		if (verdict != TOKEN_VALID)
			break;
	}
	json_decref(g.head);
	json_decref(g.body);
	/* What a refusal leaves here would end some other connection. */
	ERR_clear_error();
	*why_r = verdict == TOKEN_VALID ? "valid" : g.why;
	return (verdict);
}

const char *
token_alg_name(unsigned alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (algs[i].alg == alg)
			return (algs[i].name);
	}
	return (NULL);
}

static enum token_verdict
deny(struct gate *g, const char *why)
{
	g->why = why;
	return (TOKEN_DENIED);
}

/* RFC 7515, 7.1: three parts. The JSON serialisations and the five parts of
 * an encrypted token do not pass. */
static enum token_verdict
step_split(struct gate *g)
{
	struct str rest = g->token;

	if (g->token.len == 0 || g->token.len > TOKEN_BYTES_MAX)
		return (deny(g, "token size"));
	if (!str_cut(&rest, '.', &g->head64) ||
	    !str_cut(&rest, '.', &g->body64) ||
	    !str_cut(&rest, '.', &g->sig64) || rest.p != NULL)
		return (deny(g, "not three parts"));
	if (g->head64.len == 0 || g->body64.len == 0 || g->sig64.len == 0)
		return (deny(g, "an empty part"));
	g->signed64 = (struct str){ g->token.p,
		g->head64.len + 1 + g->body64.len };
	return (TOKEN_VALID);
}

/* NULL unless it is base64url without padding of one JSON object in UTF-8,
 * no name twice at any depth, no NUL even escaped. */
static json_t *
object_read(struct str s64, struct arena *arena)
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

static enum token_verdict
step_header(struct gate *g)
{
	/* RFC 7515, 4.1: other keys than ours, rules or wrappings that we do
	 * not know; RFC 7516, 4.1.2: enc marks an encrypted token. */
	static const char *const unwanted[] = { "jku", "jwk", "x5u", "x5c",
		"crit", "zip", "b64", "enc" };
	struct str alg;

	g->head = object_read(g->head64, g->arena);
	if (g->head == NULL)
		return (deny(g, "header is no strict JSON object"));
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
		if (json_object_get(g->head, unwanted[i]) != NULL)
			return (deny(g, "unwanted header member"));
	}
	alg = json_str(json_object_get(g->head, "alg"));
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (str_eq(alg, str_of(algs[i].name)))
			g->alg = algs[i].alg;
	}
	if (g->alg == 0)
		return (deny(g, "alg unknown"));
	if (!keyset_kid_ok(json_str(json_object_get(g->head, "kid"))))
		return (deny(g, "kid missing or malformed"));
	return (TOKEN_VALID);
}

/* RFC 9068, 2.1 has two spellings; the payload's typ of a legacy issuer is
 * looked at with the claims. */
static bool
typ_ok(enum issuer_typ want, struct str typ)
{
	if (want == ISSUER_LEGACY_BEARER)
		return (str_eq(typ, STR("JWT")));
	return (str_eq(typ, STR("at+jwt")) ||
	    str_eq(typ, STR("application/at+jwt")));
}

static enum token_verdict
step_issuer(struct gate *g)
{
	struct str iss;

	g->body = object_read(g->body64, g->arena);
	if (g->body == NULL)
		return (deny(g, "payload is no strict JSON object"));
	iss = json_str(json_object_get(g->body, "iss"));
	if (iss.len > 0)
		g->issuer = issuer_find(g->tenants, iss);
	if (g->issuer == NULL)
		return (deny(g, "issuer unknown"));
	if ((g->issuer->algorithms & g->alg) == 0)
		return (deny(g, "alg not allowed"));
	if (!typ_ok(g->issuer->typ, json_str(json_object_get(g->head, "typ"))))
		return (deny(g, "typ not that of an access token"));
	return (TOKEN_VALID);
}

/* The kid counts inside this issuer's set only. */
static enum token_verdict
step_key(struct gate *g)
{
	struct str kid = json_str(json_object_get(g->head, "kid"));
	const struct keyset *set = NULL;

	if (g->ring != NULL && g->issuer->index < g->ring->n)
		set = g->ring->sets[g->issuer->index];
	if (set != NULL)
		g->key = keyset_find(set, kid);
	if (g->key == NULL) {
		g->id_r->issuer = g->issuer;
		g->why = "kid unknown";
		return (TOKEN_UNKNOWN_KID);
	}
	if (g->key->algorithm != g->alg)
		return (deny(g, "alg is not the key's"));
	return (TOKEN_VALID);
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
signature_ok(const struct keyset_key *key, struct str bytes,
    const unsigned char *sig, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	/* Only 1 is yes: 0 is a bad signature, below 0 an error. */
	ok = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) ==
		1 &&
	    EVP_DigestVerify(ctx, sig, len, (const unsigned char *)bytes.p,
		bytes.len) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok);
}

static enum token_verdict
step_signature(struct gate *g)
{
	unsigned char *sig = arena_raw(g->arena, B64URL_MAX(g->sig64.len));
	unsigned char der[DER_SIG_MAX];
	size_t len;

	if (b64url_decode(g->sig64, sig, &len) != HUB_OK)
		return (deny(g, "signature encoding"));
	if (g->alg == ISSUER_ES256) {
		len = der_signature(sig, len, der);
		sig = der;
	} else if (len != (size_t)EVP_PKEY_get_size(g->key->pkey)) {
		len = 0;
	}
	if (len == 0)
		return (deny(g, "signature form"));
	if (!signature_ok(g->key, g->signed64, sig, len))
		return (deny(g, "signature wrong"));
	return (TOKEN_VALID);
}

/* The payload is verified by now. libjwt gets it as an unsecured token (RFC
 * 7519, 6) and has to see the same issuer and times; it can only refuse. */
static enum token_verdict
step_reread(struct gate *g)
{
	static const char unsecured[] = "eyJhbGciOiJub25lIn0"; /* alg none */
	static const char *const ints[] = { "exp", "iat" };
	jwt_t *jwt = NULL;
	const char *iss;
	const json_t *v;
	bool same;

	if (jwt_decode(&jwt,
		arena_printf(g->arena, "%s.%.*s.", unsecured,
		    STR_FMT(g->body64)),
		NULL, 0) != 0)
		return (deny(g, "libjwt cannot read the claims"));
	iss = jwt_get_grant(jwt, "iss");
	same = iss != NULL && str_eq(str_of(iss), g->issuer->iss);
	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		v = json_object_get(g->body, ints[i]);
		if (json_is_integer(v) &&
		    jwt_get_grant_int(jwt, ints[i]) != json_integer_value(v))
			same = false;
	}
	jwt_free(jwt);
	return (same ? TOKEN_VALID : deny(g, "claims are read in two ways"));
}

static enum token_verdict
step_claims(struct gate *g)
{
	return (token_claims(g->body, g->issuer, g->now, g->arena, g->id_r,
	    &g->why));
}
