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

#include "tenants/token_priv.h"

/* A token on its way through the steps. */
struct gate {
	const struct tenant_set *tenants;
	const struct keyring *ring; /* may be NULL */
	struct str token;
	struct wall_us now;
	struct arena *arena;
	struct identity *id_r;
	const char *why;

	struct jws jws; /* parts of token */
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

static enum token_verdict
deny(struct gate *g, const char *why)
{
	g->why = why;
	return (TOKEN_DENIED);
}

static enum token_verdict
step_split(struct gate *g)
{
	return (jws_split(g->token, TOKEN_BYTES_MAX, &g->jws, &g->why) ?
	    TOKEN_VALID : TOKEN_DENIED);
}

static enum token_verdict
step_header(struct gate *g)
{
	/* RFC 7515, 4.1: other keys than ours, rules or wrappings that we do
	 * not know; RFC 7516, 4.1.2: enc marks an encrypted token. */
	static const char *const unwanted[] = { "jku", "jwk", "x5u", "x5c",
		"crit", "zip", "b64", "enc", NULL };

	g->head = jws_object(g->jws.head64, g->arena);
	if (g->head == NULL)
		return (deny(g, "header is no strict JSON object"));
	if (jws_has(g->head, unwanted))
		return (deny(g, "unwanted header member"));
	g->alg = jws_alg(g->head);
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

	g->body = jws_object(g->jws.body64, g->arena);
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

static enum token_verdict
step_signature(struct gate *g)
{
	return (jws_verify(&g->jws, g->alg, g->key->pkey, g->arena, &g->why) ?
	    TOKEN_VALID : TOKEN_DENIED);
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
		    STR_FMT(g->jws.body64)),
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
