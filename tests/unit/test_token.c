/* tests/unit/test_token.c - who gets in with which token. The ids in the
 * names (j1, t4) are rows of the attack list, design/policy.md §6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jwt.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/base/buf.h"
#include "server/base/hash.h"
#include "tenants/token.h"
#include "tests/support/signed_text.h"

#define NOW_S INT64_C(1800000000)
#define ISS   "https://idm.example/realms/region"
#define OLD   "https://legacy.example/realms/old"
#define OTHER "https://idm.schwerte.example"
#define HEAD(members) "{\"typ\":\"at+jwt\"," members "}"
#define RS_HEAD HEAD("\"alg\":\"RS256\",\"kid\":\"r1\"")
#define ES_HEAD HEAD("\"alg\":\"ES256\",\"kid\":\"e1\"")

enum { R1, R2, E1, E2, NKEYS }; /* r2 and e2 sign for nobody, or for OTHER */

static EVP_PKEY *keys[NKEYS];
static struct str private_pem[NKEYS];
static struct arena *group_arena, *arena;
static struct keyring *ring;
static const char *why;

static const struct tenant tenants[] = {
	{ .name = { "froendenberg", 12 }, .index = 0 },
	{ .name = { "schwerte", 8 }, .index = 1 },
	{ .name = { "kamen", 5 }, .suspended = true, .index = 2 },
	{ .name = { "dortmund", 8 }, .index = 3 },
};
static const struct issuer_map region_map[] = {
	{ { "froendenberg", 12 }, &tenants[0] },
	{ { "kamen", 5 }, &tenants[2] },
	{ { "dortmund", 8 }, &tenants[3] },
};
static const struct issuer_map old_map[] = {
	{ { "Fr\xc3\xb6ndenberg (Ruhr)", 19 }, &tenants[0] },
	{ { "dortmund", 8 }, &tenants[3] },
};
static const struct issuer_map other_map[] = {
	{ { "schwerte", 8 }, &tenants[1] },
};
static struct issuer issuers[] = {
	{ .iss = { ISS, sizeof(ISS) - 1 },
	    .audience = { "regional-hub", 12 },
	    .algorithms = ISSUER_RS256 | ISSUER_ES256,
	    .typ = ISSUER_AT_JWT,
	    .tenant_claim = { "hub_tenant", 10 },
	    .roles_path = { "resource_access.regional-hub.roles", 34 },
	    .max_ttl_s = 3600,
	    .skew_s = 30,
	    .tokens_before = { INT64_MIN },
	    .nmap = 3,
	    .map = region_map,
	    .index = 0 },
	{ .iss = { OLD, sizeof(OLD) - 1 },
	    .audience = { "regional-hub", 12 },
	    .algorithms = ISSUER_RS256,
	    .typ = ISSUER_LEGACY_BEARER,
	    .tenant_claim = { "organization", 12 },
	    .roles_path = { "resource_access.hub.kreis.example.roles", 39 },
	    .max_ttl_s = 3600,
	    .skew_s = 30,
	    .tokens_before = { INT64_MIN },
	    .nmap = 2,
	    .map = old_map,
	    .index = 1 },
	{ .iss = { OTHER, sizeof(OTHER) - 1 },
	    .audience = { "regional-hub", 12 },
	    .algorithms = ISSUER_RS256 | ISSUER_ES256,
	    .typ = ISSUER_AT_JWT,
	    .tenant_claim = { "hub_tenant", 10 },
	    .max_ttl_s = 3600,
	    .skew_s = 30,
	    .tokens_before = { INT64_MIN },
	    .nmap = 1,
	    .map = other_map,
	    .index = 2 },
};
static const struct tenant_set set = { 4, 3, tenants, issuers };

/* ---- making tokens ---- */

static void
add_b64url(struct buf *out, const void *bytes, size_t n)
{
	char *p = buf_room(out, (n + 2) / 3 * 4 + 1);
	int len = EVP_EncodeBlock((unsigned char *)p, bytes, (int)n);

	for (; len > 0 && p[len - 1] == '='; len--)
		;
	for (int i = 0; i < len; i++)
		p[i] = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
	out->len += (size_t)len;
}

static struct str
b64url(const void *bytes, size_t n)
{
	struct buf b;
	struct str s;

	buf_init(&b, 1 << 20);
	add_b64url(&b, bytes, n);
	s = arena_str(arena, buf_str(&b));
	buf_clear(&b);
	return (s);
}

/* RSA signatures, and those of ECDSA as 64 bytes or (der) as OpenSSL has
 * them. */
static size_t
sign(int key, struct str bytes, bool der, unsigned char *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *p = sig;
	size_t len = 1024;
	ECDSA_SIG *rs;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
			     keys[key]),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len,
			     (const unsigned char *)bytes.p, bytes.len),
	    1);
	EVP_MD_CTX_free(ctx);
	if (key < E1 || der)
		return (len);
	rs = d2i_ECDSA_SIG(NULL, &p, (long)len);
	assert_non_null(rs);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(rs), sig, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(rs), sig + 32, 32), 32);
	ECDSA_SIG_free(rs);
	return (64);
}

/* head and payload as they stand, so that both may be wrong. */
static struct str
unsigned_part(struct str head, struct str payload)
{
	struct str h = b64url(head.p, head.len);
	struct str p = b64url(payload.p, payload.len);

	return (str_of(arena_printf(arena, "%.*s.%.*s", STR_FMT(h),
	    STR_FMT(p))));
}

static struct str
with_signature(struct str part, const void *sig, size_t len)
{
	struct str s = b64url(sig, len);

	return (str_of(arena_printf(arena, "%.*s.%.*s", STR_FMT(part),
	    STR_FMT(s))));
}

static struct str
token_of(const char *head, struct str payload, int key)
{
	struct str part = unsigned_part(str_of(head), payload);
	unsigned char sig[1024];

	return (with_signature(part, sig, sign(key, part, false, sig)));
}

/* A good payload of ISS with one claim changed or added. */
static struct str
payload_with(const char *name, const char *value)
{
	static const struct change base[] = {
		{ "iss", "\"" ISS "\"" },
		{ "aud", "\"regional-hub\"" },
		{ "exp", "1800000300" },
		{ "iat", "1800000000" },
		{ "sub", "\"u-1\"" },
		{ "azp", "\"dashboard\"" },
		{ "hub_tenant", "\"froendenberg\"" },
		{ "scope", "\"openid hub.read purpose:hochwasserschutz\"" },
		{ "resource_access",
		    "{\"regional-hub\":{\"roles\":[\"data-reader\","
		    "\"auditor\",\"x\"]}}" },
	};

	return (object_with(arena, base, sizeof(base) / sizeof(base[0]), name,
	    value));
}

#define GOOD payload_with(NULL, NULL)

/* ---- asking ---- */

static enum token_verdict
ask_at(struct str token, int64_t now_s, struct identity *id)
{
	struct wall_us now = { now_s * 1000000 };
	enum token_verdict verdict;

	memset(id, 0, sizeof(*id));
	why = NULL;
	verdict = token_verify(&set, ring, token, now, arena, id, &why);
	assert_non_null(why);
	assert_int_equal(ERR_peek_error(), 0);
	if (verdict == TOKEN_DENIED) {
		assert_null(id->issuer);
		assert_null(id->tenant);
	}
	return (verdict);
}

static enum token_verdict
ask(struct str token)
{
	struct identity id;

	return (ask_at(token, NOW_S, &id));
}

/* One changed claim, everything else and the signature good. */
static void
expect(const char *name, const char *value, enum token_verdict want)
{
	struct str token = token_of(RS_HEAD, payload_with(name, value), R1);
	enum token_verdict got = ask(token);

	if (got != want)
		fail_msg("%s = %s: %d instead of %d (%s)", name,
		    value != NULL ? value : "nothing", got, want, why);
}

static void
expect_forbidden(const char *name, const char *value, const char *problem)
{
	struct identity id;

	expect(name, value, TOKEN_FORBIDDEN);
	(void)ask_at(token_of(RS_HEAD, payload_with(name, value), R1), NOW_S,
	    &id);
	assert_string_equal(id.forbidden, problem);
	assert_ptr_equal(id.issuer, &issuers[0]);
	assert_true(str_eq(id.subject, STR("u-1")));
}

/* ---- what passes ---- */

static void
reads_a_good_token(void **state HUB_UNUSED)
{
	struct identity id;

	for (int k = R1; k <= E1; k += E1 - R1) {
		assert_int_equal(ask_at(token_of(k == R1 ? RS_HEAD : ES_HEAD,
					    GOOD, k),
				     NOW_S, &id),
		    TOKEN_VALID);
		assert_ptr_equal(id.tenant, &tenants[0]);
		assert_ptr_equal(id.issuer, &issuers[0]);
		assert_true(str_eq(id.subject, STR("u-1")));
		assert_true(str_eq(id.client, STR("dashboard")));
		assert_int_equal(id.roles, ROLE_DATA_READER | ROLE_AUDITOR);
		assert_int_equal(id.scopes, SCOPE_HUB_READ);
		assert_int_equal(id.npurposes, 1);
		assert_true(str_eq(id.purposes[0], STR("hochwasserschutz")));
		assert_int_equal(id.expires.us, (NOW_S + 330) * 1000000);
		assert_null(id.forbidden);
	}
}

/* ECDSA draws a number each time: short r and s turn up among 200. */
static void
verifies_es256_signatures_of_every_length(void **state HUB_UNUSED)
{
	for (int i = 0; i < 200; i++)
		assert_int_equal(ask(token_of(ES_HEAD, GOOD, E1)), TOKEN_VALID);
}

static void
takes_optional_claims_as_they_are(void **state HUB_UNUSED)
{
	struct identity id;

	expect("azp", NULL, TOKEN_VALID);
	expect("scope", NULL, TOKEN_VALID);
	expect("resource_access", NULL, TOKEN_VALID);
	expect("resource_access", "{\"account\":{\"roles\":[]}}", TOKEN_VALID);
	expect("nbf", "1800000000", TOKEN_VALID);
	expect("aud", "[\"account\",\"regional-hub\"]", TOKEN_VALID);
	assert_int_equal(
	    ask(token_of("{\"typ\":\"application/at+jwt\",\"alg\":\"RS256\","
			 "\"kid\":\"r1\",\"x5t\":\"AA\"}",
		GOOD, R1)),
	    TOKEN_VALID);
	assert_int_equal(ask_at(token_of(RS_HEAD,
				    payload_with("realm_access",
					"{\"roles\":[\"hub-operator\"]}"),
				    R1),
			     NOW_S, &id),
	    TOKEN_VALID);
	assert_int_equal(id.roles, ROLE_DATA_READER | ROLE_AUDITOR);
}

static void
refuses_malformed_subject_client_scope_and_roles(void **state HUB_UNUSED)
{
	static const struct change cases[] = {
		{ "sub", NULL },
		{ "sub", "\"\"" },
		{ "sub", "7" },
		{ "sub", "\"a\\nb\"" },
		{ "azp", "7" },
		{ "azp", "\"\\u001b[2J\"" },
		{ "scope", "[\"hub.read\"]" },
		{ "scope", "null" },
		{ "resource_access",
		    "{\"regional-hub\":{\"roles\":\"auditor\"}}" },
		{ "resource_access", "{\"regional-hub\":{\"roles\":[1]}}" },
		{ "cnf", "{\"x5t#S256\":\"AA\"}" },
		{ "cnf", "{}" },
		{ "cnf", "null" },
		{ "iss", NULL },
		{ "iss", "7" },
		{ "iss", "\"\"" },
	};
	char sub[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(cases[i].name, cases[i].value, TOKEN_DENIED);
	(void)snprintf(sub, sizeof(sub), "\"%0255d\"", 0);
	expect("sub", sub, TOKEN_VALID);
	(void)snprintf(sub, sizeof(sub), "\"%0256d\"", 0);
	expect("sub", sub, TOKEN_DENIED);
}

#define HASH_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* RFC 8705, 3.1; RFC 9449, 6.1: what is named is not proved yet. */
static void
tells_what_a_token_is_bound_to(void **state HUB_UNUSED)
{
	static const struct {
		const char *cnf;
		unsigned bound; /* 0: denied */
	} cases[] = {
		{ "{\"x5t#S256\":\"" HASH_A "\"}", BOUND_CERT },
		{ "{\"jkt\":\"" HASH_A "\"}", BOUND_KEY },
		{ "{\"jkt\":\"" HASH_A "\",\"x5t#S256\":\"" HASH_A "\"}",
		    BOUND_CERT | BOUND_KEY },
		{ "{\"jkt\":\"" HASH_A "\",\"kid\":\"x\"}", 0 },
		{ "{\"jkt\":\"" HASH_A "\",\"jwk\":{}}", 0 },
		{ "{\"jkt\":\"" HASH_A "=\"}", 0 },
		{ "{\"jkt\":\"" HASH_A "A\"}", 0 },
		{ "{\"jkt\":\"AAAA\"}", 0 },
		{ "{\"jkt\":\"\"}", 0 },
		{ "{\"jkt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"}",
		    0 }, /* bits behind its end */
		{ "{\"jkt\":7}", 0 },
		{ "{\"x5t\":\"" HASH_A "\"}", 0 },
		{ "{\"X5T#S256\":\"" HASH_A "\"}", 0 },
		{ "\"" HASH_A "\"", 0 },
		{ "[\"jkt\"]", 0 },
		{ "true", 0 },
	};
	static const unsigned char zero[SHA256_LEN];
	struct identity id;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum token_verdict got = ask_at(token_of(RS_HEAD,
		    payload_with("cnf", cases[i].cnf), R1), NOW_S, &id);

		if (got != (cases[i].bound != 0 ? TOKEN_VALID : TOKEN_DENIED) ||
		    id.bound != cases[i].bound)
			fail_msg("%s: %d, %s", cases[i].cnf, got, why);
		assert_int_equal(id.jkt.len,
		    (id.bound & BOUND_KEY) != 0 ? SHA256_LEN : 0);
		assert_int_equal(id.x5t.len,
		    (id.bound & BOUND_CERT) != 0 ? SHA256_LEN : 0);
		if (id.jkt.len > 0)
			assert_memory_equal(id.jkt.p, zero, SHA256_LEN);
		if (id.x5t.len > 0)
			assert_memory_equal(id.x5t.p, zero, SHA256_LEN);
	}
	/* Also of those who get no further. */
	expect_forbidden("hub_tenant", "\"schwerte\"", "issuer-not-entitled");
}

static void
demands_the_binding_that_an_issuer_promises(void **state HUB_UNUSED)
{
	static const char *const cnfs[] = { NULL,
		"{\"x5t#S256\":\"" HASH_A "\"}", "{\"jkt\":\"" HASH_A "\"}",
		"{\"jkt\":\"" HASH_A "\",\"x5t#S256\":\"" HASH_A "\"}" };
	static const char good[][5] = {
		[SENDER_NONE] = "yyyy",
		[SENDER_ANY] = "nyyy",
		[SENDER_MTLS] = "nyny",
		[SENDER_DPOP] = "nnyy",
	};

	for (int s = SENDER_NONE; s <= SENDER_DPOP; s++) {
		issuers[0].sender = (enum issuer_sender)s;
		for (size_t i = 0; i < 4; i++)
			expect("cnf", cnfs[i],
			    good[s][i] == 'y' ? TOKEN_VALID : TOKEN_DENIED);
	}
	issuers[0].sender = SENDER_NONE;
}

static void
counts_scopes_and_purposes(void **state HUB_UNUSED)
{
	struct identity id;
	struct buf b;

	assert_int_equal(
	    ask_at(token_of(RS_HEAD,
		       payload_with("scope",
			   "\"hub.temporal hub.subscribe HUB.READ hub.readx  "
			   "purpose: purpose:A purpose:ab purpose:ab "
			   "purpose:c/d purpose:x-1\""),
		       R1),
		NOW_S, &id),
	    TOKEN_VALID);
	assert_int_equal(id.scopes, SCOPE_HUB_TEMPORAL | SCOPE_HUB_SUBSCRIBE);
	assert_int_equal(id.npurposes, 2);
	assert_true(str_eq(id.purposes[0], STR("ab")));
	assert_true(str_eq(id.purposes[1], STR("x-1")));
	buf_init(&b, 4096);
	buf_addc(&b, '"');
	for (int i = 0; i < TOKEN_PURPOSES_MAX; i++)
		buf_addf(&b, "purpose:p%d ", i);
	buf_addc(&b, '"');
	expect("scope", buf_cstr(&b), TOKEN_VALID);
	b.len--;
	BUF_LIT(&b, "purpose:more\"");
	expect("scope", buf_cstr(&b), TOKEN_DENIED);
	buf_clear(&b);
}

static struct str
old_payload(const char *typ, const char *organization, const char *more)
{
	return (str_of(arena_printf(arena,
	    "{\"iss\":\"" OLD "\",\"aud\":[\"regional-hub\"],"
	    "\"exp\":1800000300,\"iat\":1800000000,\"sub\":\"s\","
	    "\"typ\":%s,\"organization\":%s%s}",
	    typ, organization, more)));
}

#define OLD_HEAD "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"r1\"}"

static enum token_verdict
ask_old(const char *typ, const char *organization, const char *more,
    struct identity *id)
{
	return (ask_at(token_of(OLD_HEAD, old_payload(typ, organization, more),
			   R1),
	    NOW_S, id));
}

/* A client id with dots is one step of the path, the longest name wins. */
static void
follows_a_roles_path_whose_client_id_holds_dots(void **state HUB_UNUSED)
{
	static const struct {
		const char *member;
		unsigned roles;
	} cases[] = {
		{ "{\"hub.kreis.example\":{\"roles\":[\"auditor\"]}}",
		    ROLE_AUDITOR },
		{ "{\"hub\":{\"kreis\":{\"example\":{\"roles\":[\"auditor\"]}}}"
		  "}",
		    ROLE_AUDITOR },
		{ "{\"hub\":{\"kreis.example.roles\":[\"tenant-admin\"]},"
		  "\"hub.kreis.example\":{\"roles\":[\"auditor\"]}}",
		    ROLE_AUDITOR },
		{ "{\"hub.kreis\":{},\"hub\":{\"kreis.example.roles\":"
		  "[\"auditor\"]}}",
		    0 },
		{ "{\"hub.kreis.exampl\":{\"roles\":[\"auditor\"]}}", 0 },
		{ "{\"\":{\"roles\":[\"auditor\"]}}", 0 },
		{ "[\"auditor\"]", 0 },
	};
	struct identity id;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ask_old("\"Bearer\"", "[\"dortmund\"]",
			arena_printf(arena, ",\"resource_access\":%s",
			    cases[i].member),
			&id) != TOKEN_VALID ||
		    id.roles != cases[i].roles)
			fail_msg("case %zu: roles %x, %s", i, id.roles, why);
	}
}

/* ---- the attack list ---- */

static void
j1_refuses_alg_none_and_empty_signatures(void **state HUB_UNUSED)
{
	static const char *const heads[] = {
		HEAD("\"alg\":\"none\",\"kid\":\"r1\""),
		HEAD("\"alg\":\"None\",\"kid\":\"r1\""),
		HEAD("\"alg\":\"NONE\",\"kid\":\"r1\""),
		HEAD("\"alg\":\"\",\"kid\":\"r1\""),
		HEAD("\"alg\":null,\"kid\":\"r1\""),
		HEAD("\"kid\":\"r1\""),
		HEAD("\"alg\":[\"RS256\"],\"kid\":\"r1\""),
		HEAD("\"alg\":\"rs256\",\"kid\":\"r1\""),
		RS_HEAD,
		ES_HEAD,
	};
	struct str part;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		part = unsigned_part(str_of(heads[i]), GOOD);
		assert_int_equal(ask(part), TOKEN_DENIED);
		assert_int_equal(ask(with_signature(part, "", 0)),
		    TOKEN_DENIED);
		assert_int_equal(ask(with_signature(part, "x", 1)),
		    TOKEN_DENIED);
		if (i < 8)
			assert_int_equal(ask(token_of(heads[i], GOOD, R1)),
			    TOKEN_DENIED);
	}
}

static void
j2_refuses_hs256_under_the_public_key(void **state HUB_UNUSED)
{
	static const char *const heads[] = {
		HEAD("\"alg\":\"HS256\",\"kid\":\"r1\""),
		RS_HEAD,
	};
	unsigned char *der[2] = { NULL, NULL }, mac[32];
	struct str secrets[3], part;
	unsigned n;

	secrets[0] = keyset_find(ring->sets[0], STR("r1"))->pem;
	secrets[1].len = (size_t)i2d_PUBKEY(keys[R1], &der[0]);
	secrets[1].p = (char *)der[0];
	secrets[2].len = (size_t)i2d_PublicKey(keys[R1], &der[1]);
	secrets[2].p = (char *)der[1];
	for (size_t i = 0; i < 6; i++) {
		part = unsigned_part(str_of(heads[i / 3]), GOOD);
		assert_non_null(HMAC(EVP_sha256(), secrets[i % 3].p,
		    (int)secrets[i % 3].len, (const unsigned char *)part.p,
		    part.len, mac, &n));
		assert_int_equal(ask(with_signature(part, mac, n)),
		    TOKEN_DENIED);
	}
	OPENSSL_free(der[0]);
	OPENSSL_free(der[1]);
}

static void
j3_refuses_an_alg_that_is_not_the_keys(void **state HUB_UNUSED)
{
	static const char *const heads[] = {
		HEAD("\"alg\":\"RS256\",\"kid\":\"e1\""),
		HEAD("\"alg\":\"ES256\",\"kid\":\"r1\""),
		HEAD("\"alg\":\"PS256\",\"kid\":\"r1\""),
		HEAD("\"alg\":\"RS512\",\"kid\":\"r1\""),
		HEAD("\"alg\":\"EdDSA\",\"kid\":\"e1\""),
	};
	unsigned char sig[1024];
	struct str part;
	size_t len;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		assert_int_equal(ask(token_of(heads[i], GOOD, R1)),
		    TOKEN_DENIED);
		assert_int_equal(ask(token_of(heads[i], GOOD, E1)),
		    TOKEN_DENIED);
	}
	/* the worst one: what EC makes, called RS256 and as long as such a
	 * key's signatures may be, would verify */
	part = unsigned_part(STR(HEAD("\"alg\":\"RS256\",\"kid\":\"e1\"")),
	    GOOD);
	do
		len = sign(E1, part, true, sig);
	while (len != (size_t)EVP_PKEY_get_size(keys[E1]));
	assert_int_equal(ask(with_signature(part, sig, len)), TOKEN_DENIED);
	assert_string_equal(why, "alg is not the key's");
	/* an alg that the issuer is not listed for, key or not */
	issuers[0].algorithms = ISSUER_RS256;
	assert_int_equal(ask(token_of(ES_HEAD, GOOD, E1)), TOKEN_DENIED);
	issuers[0].algorithms = ISSUER_RS256 | ISSUER_ES256;
}

static void
j4_takes_a_kid_as_data_inside_its_issuers_set(void **state HUB_UNUSED)
{
	static const char *const kids[] = { "\"../../etc/x\"", "\"' OR 1=1\"",
		"\"\"", "7", "null", "{}", "\"r1\\u0000\"", "\"r1 \"" };
	char longest[10240];
	struct identity id;

	for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
		assert_int_equal(
		    ask(token_of(arena_printf(arena,
				     "{\"typ\":\"at+jwt\",\"alg\":\"RS256\","
				     "\"kid\":%s}",
				     kids[i]),
			GOOD, R1)),
		    TOKEN_DENIED);
	}
	assert_int_equal(ask(token_of(HEAD("\"alg\":\"RS256\""), GOOD, R1)),
	    TOKEN_DENIED);
	memset(longest, 'a', sizeof(longest));
	for (size_t len = 129; len < sizeof(longest); len += 5000) {
		assert_int_equal(
		    ask(token_of(arena_printf(arena,
				     "{\"typ\":\"at+jwt\",\"alg\":\"RS256\","
				     "\"kid\":\"%.*s\"}",
				     (int)len, longest),
			GOOD, R1)),
		    TOKEN_DENIED);
	}
	/* r1 is also a kid of OTHER, for another key */
	assert_int_equal(ask(token_of(RS_HEAD, GOOD, R2)), TOKEN_DENIED);
	assert_string_equal(why, "signature wrong");
	/* and e2 only there: unknown here, worth one fetch of this issuer */
	assert_int_equal(
	    ask_at(token_of(HEAD("\"alg\":\"ES256\",\"kid\":\"e2\""), GOOD, E2),
		NOW_S, &id),
	    TOKEN_UNKNOWN_KID);
	assert_ptr_equal(id.issuer, &issuers[0]);
	assert_null(id.tenant);
}

static void
j5_refuses_keys_and_rules_in_the_header(void **state HUB_UNUSED)
{
	static const char *const names[] = { "jku", "jwk", "x5u", "x5c",
		"crit", "zip", "b64", "enc" };
	static const char *const values[] = { "\"https://evil.example\"",
		"{}", "null", "[]", "true" };

	for (size_t i = 0; i < 8 * 5; i++) {
		assert_int_equal(
		    ask(token_of(arena_printf(arena,
				     "{\"typ\":\"at+jwt\",\"alg\":\"RS256\","
				     "\"kid\":\"r1\",\"%s\":%s}",
				     names[i / 5], values[i % 5]),
			GOOD, R1)),
		    TOKEN_DENIED);
	}
}

static void
j7_refuses_a_missing_or_foreign_audience(void **state HUB_UNUSED)
{
	static const char *const cases[] = { NULL, "\"account\"", "\"\"",
		"null", "7", "[]", "[\"account\"]", "[[\"regional-hub\"]]",
		"[\"regional-hub\",[\"x\"]]", "[\"regional-hub\",7]",
		"{\"regional-hub\":1}", "\"Regional-Hub\"",
		"\"regional-hub \"", "\"regional-hub2\"" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect("aud", cases[i], TOKEN_DENIED);
}

static void
j8_refuses_tokens_of_another_kind(void **state HUB_UNUSED)
{
	static const char *const typs[] = { "\"JWT\"", "\"dpop+jwt\"",
		"\"logout+jwt\"", "\"AT+JWT\"", "\"at+jwt \"", "7", "null" };
	static const char *const old[] = { "\"ID\"", "\"Refresh\"",
		"\"Offline\"", "\"Logout\"", "\"bearer\"", "null" };
	struct identity id;

	for (size_t i = 0; i < sizeof(typs) / sizeof(typs[0]); i++) {
		assert_int_equal(
		    ask(token_of(arena_printf(arena,
				     "{\"typ\":%s,\"alg\":\"RS256\","
				     "\"kid\":\"r1\"}",
				     typs[i]),
			GOOD, R1)),
		    TOKEN_DENIED);
	}
	assert_int_equal(ask(token_of("{\"alg\":\"RS256\",\"kid\":\"r1\"}",
			     GOOD, R1)),
	    TOKEN_DENIED);
	assert_int_equal(ask_old("\"Bearer\"", "[\"dortmund\"]", "", &id),
	    TOKEN_VALID);
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
		assert_int_equal(ask_old(old[i], "[\"dortmund\"]", "", &id),
		    TOKEN_DENIED);
	assert_int_equal(
	    ask(token_of(RS_HEAD,
		old_payload("\"Bearer\"", "[\"dortmund\"]", ""), R1)),
	    TOKEN_DENIED);
	/* Keycloak's name for what is bound to a key. */
	assert_int_equal(ask_old("\"DPoP\"", "[\"dortmund\"]", "", &id),
	    TOKEN_DENIED);
	assert_int_equal(ask_old("\"DPoP\"", "[\"dortmund\"]",
			     ",\"cnf\":{\"x5t#S256\":\"" HASH_A "\"}", &id),
	    TOKEN_DENIED);
	assert_int_equal(ask_old("\"DPoP\"", "[\"dortmund\"]",
			     ",\"cnf\":{\"jkt\":\"" HASH_A "\"}", &id),
	    TOKEN_VALID);
}

static void
j9_refuses_times_that_are_no_sane_integers(void **state HUB_UNUSED)
{
	static const char *const bad[] = { NULL, "1e308", "1e309", "1.8e9",
		"1800000300.0", "\"1800000300\"", "null", "true", "-1", "0",
		"9223372036854775807", "9223372036854775808",
		"18446744073709551616", "-9223372036854775808",
		"253402300800", "[1800000300]" };
	struct identity id;
	struct str token;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect("exp", bad[i], TOKEN_DENIED);
		expect("iat", bad[i], TOKEN_DENIED);
		if (bad[i] != NULL)
			expect("nbf", bad[i], TOKEN_DENIED);
	}
	expect("exp", "1800000000", TOKEN_DENIED); /* not after iat */
	expect("exp", "1800003600", TOKEN_VALID);
	expect("exp", "1800003601", TOKEN_DENIED); /* max_ttl */
	expect("iat", "1800000030", TOKEN_VALID);
	expect("iat", "1800000031", TOKEN_DENIED);
	expect("nbf", "1800000030", TOKEN_VALID);
	expect("nbf", "1800000031", TOKEN_DENIED);
	token = token_of(RS_HEAD, GOOD, R1);
	assert_int_equal(ask_at(token, NOW_S + 329, &id), TOKEN_VALID);
	assert_int_equal(ask_at(token, NOW_S + 330, &id), TOKEN_DENIED);
	assert_string_equal(why, "expired");
}

static void
j10_refuses_json_that_can_be_read_in_two_ways(void **state HUB_UNUSED)
{
	static const char *const tails[] = {
		",\"hub_tenant\":\"dortmund\"}",
		",\"a\":{\"b\":1,\"b\":2}}",
		",\"a\":\"\xff\"}",
		",\"a\":\"\xc0\xaf\"}",
		",\"a\":\"\xed\xa0\x80\"}",
		",\"a\":\"\\ud800\"}",
		",\"a\":\"\\u0000\"}",
		",\"a\\u0000\":1}",
		",\"hub\\u005ftenant\":\"dortmund\"}",
		"} ,",
		"}{}",
		"",
		",}",
	};
	static const char bom[] = "\xef\xbb\xbf";
	struct str good = GOOD, p;

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		p = str_of(arena_printf(arena, "%.*s%s", (int)good.len - 1,
		    good.p, tails[i]));
		if (ask(token_of(RS_HEAD, p, R1)) != TOKEN_DENIED)
			fail_msg("tail %zu", i);
	}
	p = str_of(arena_printf(arena, "%s%s", bom, good.p));
	assert_int_equal(ask(token_of(RS_HEAD, p, R1)), TOKEN_DENIED);
	p = (struct str){ good.p, good.len + 1 }; /* with its NUL */
	assert_int_equal(ask(token_of(RS_HEAD, p, R1)), TOKEN_DENIED);
	p = str_of(arena_printf(arena, "[%s]", good.p));
	assert_int_equal(ask(token_of(RS_HEAD, p, R1)), TOKEN_DENIED);
	assert_int_equal(
	    ask(token_of(HEAD("\"alg\":\"RS256\",\"alg\":\"RS256\","
			      "\"kid\":\"r1\""),
		GOOD, R1)),
	    TOKEN_DENIED);
	assert_int_equal(
	    ask(token_of(arena_printf(arena, "%s%s", bom, RS_HEAD), GOOD, R1)),
	    TOKEN_DENIED);
}

static void
j11_refuses_loose_base64_and_other_serialisations(void **state HUB_UNUSED)
{
	struct str good = token_of(RS_HEAD, GOOD, R1), head, body, sig;
	struct str rest = good;
	const char *cases[16];
	size_t n = 0;
	char last;

	assert_true(str_cut(&rest, '.', &head) && str_cut(&rest, '.', &body) &&
	    str_cut(&rest, '.', &sig));
	/* 256 bytes leave four bits in the last of 342 characters. */
	last = sig.p[sig.len - 1];
	cases[n++] = arena_printf(arena, "%.*s%c", (int)good.len - 1, good.p,
	    last == 'A' ? 'B' : last == 'Q' ? 'R' : last == 'g' ? 'h' : 'x');
	cases[n++] = arena_printf(arena, "%s==", good.p);
	cases[n++] = arena_printf(arena, "%s=", good.p);
	cases[n++] = arena_printf(arena, " %s", good.p);
	cases[n++] = arena_printf(arena, "%s ", good.p);
	cases[n++] = arena_printf(arena, "%s\n", good.p);
	cases[n++] = arena_printf(arena, "%.*s=.%.*s.%.*s", STR_FMT(head),
	    STR_FMT(body), STR_FMT(sig));
	cases[n++] = arena_printf(arena, "%.*s.%.*s .%.*s", STR_FMT(head),
	    STR_FMT(body), STR_FMT(sig));
	cases[n++] = arena_printf(arena, "%s.", good.p);
	cases[n++] = arena_printf(arena, ".%s", good.p);
	cases[n++] = arena_printf(arena, "%s.AAAA", good.p);
	cases[n++] = arena_printf(arena, "%s.AAAA.AAAA", good.p);
	cases[n++] = arena_printf(arena, "%.*s..%.*s", STR_FMT(head),
	    STR_FMT(sig));
	cases[n++] = arena_printf(arena,
	    "{\"protected\":\"%.*s\",\"payload\":\"%.*s\","
	    "\"signature\":\"%.*s\"}",
	    STR_FMT(head), STR_FMT(body), STR_FMT(sig));
	cases[n++] = "..";
	cases[n++] = "";
	assert_int_equal(ask(good), TOKEN_VALID);
	for (size_t i = 0; i < n; i++) {
		if (ask(str_of(cases[i])) != TOKEN_DENIED)
			fail_msg("case %zu: %s", i, cases[i]);
	}
	assert_int_equal(ask((struct str){ good.p, good.len + 1 }),
	    TOKEN_DENIED);
	assert_int_equal(ask(STR_NONE), TOKEN_DENIED);
}

static void
j14_takes_es256_signatures_as_64_raw_bytes_only(void **state HUB_UNUSED)
{
	static const unsigned char order[32] = { 0xff, 0xff, 0xff, 0xff, 0, 0,
		0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
		0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca,
		0xc2, 0xfc, 0x63, 0x25, 0x51 };
	struct str part = unsigned_part(STR(ES_HEAD), GOOD);
	unsigned char sig[1024], raw[64];
	size_t len;

	len = sign(E1, part, true, sig);
	assert_int_equal(ask(with_signature(part, sig, len)), TOKEN_DENIED);
	assert_string_equal(why, "signature form");
	assert_int_equal(sign(E1, part, false, sig), 64);
	memset(sig + 64, 0, 2);
	assert_int_equal(ask(with_signature(part, sig, 64)), TOKEN_VALID);
	assert_int_equal(ask(with_signature(part, sig, 63)), TOKEN_DENIED);
	assert_int_equal(ask(with_signature(part, sig, 65)), TOKEN_DENIED);
	for (size_t half = 0; half < 64; half += 32) {
		memcpy(raw, sig, 64);
		memset(raw + half, 0, 32);
		assert_int_equal(ask(with_signature(part, raw, 64)),
		    TOKEN_DENIED);
		assert_string_equal(why, "signature form");
		memcpy(raw + half, order, 32);
		assert_int_equal(ask(with_signature(part, raw, 64)),
		    TOKEN_DENIED);
		assert_string_equal(why, "signature form");
		memset(raw + half, 0xff, 32);
		assert_int_equal(ask(with_signature(part, raw, 64)),
		    TOKEN_DENIED);
	}
	memset(raw, 0, 64);
	assert_int_equal(ask(with_signature(part, raw, 64)), TOKEN_DENIED);
	memcpy(raw, sig, 64);
	raw[40] ^= 1;
	assert_int_equal(ask(with_signature(part, raw, 64)), TOKEN_DENIED);
	assert_string_equal(why, "signature wrong");
}

static void
refuses_rs256_signatures_of_another_length(void **state HUB_UNUSED)
{
	struct str part = unsigned_part(STR(RS_HEAD), GOOD);
	unsigned char sig[1024];

	assert_int_equal(sign(R1, part, false, sig), 256);
	sig[256] = 0;
	assert_int_equal(ask(with_signature(part, sig, 256)), TOKEN_VALID);
	assert_int_equal(ask(with_signature(part, sig, 255)), TOKEN_DENIED);
	assert_string_equal(why, "signature form");
	assert_int_equal(ask(with_signature(part, sig, 257)), TOKEN_DENIED);
	assert_string_equal(why, "signature form");
}

static void
j15_refuses_a_rotated_out_key_and_revoked_tokens(void **state HUB_UNUSED)
{
	struct str token = token_of(RS_HEAD, GOOD, R1);
	struct keyring *whole = ring;
	struct keyset *rotated[1] = { ring->sets[2] };
	struct identity id;

	/* another key under the old kid; no set yet; no ring at all */
	ring = keyring_new(2, 1, rotated);
	assert_int_equal(ask(token), TOKEN_DENIED);
	keyring_unref(&ring);
	rotated[0] = NULL;
	ring = keyring_new(2, 1, rotated);
	assert_int_equal(ask_at(token, NOW_S, &id), TOKEN_UNKNOWN_KID);
	assert_ptr_equal(id.issuer, &issuers[0]);
	keyring_unref(&ring);
	ring = keyring_new(2, 0, NULL);
	assert_int_equal(ask(token), TOKEN_UNKNOWN_KID);
	keyring_unref(&ring);
	assert_int_equal(ask(token), TOKEN_UNKNOWN_KID);
	ring = whole;
	assert_int_equal(ask(token_of(HEAD("\"alg\":\"RS256\",\"kid\":\"r0\""),
			     GOOD, R1)),
	    TOKEN_UNKNOWN_KID);

	issuers[0].tokens_before.us = NOW_S * 1000000 + 1;
	assert_int_equal(ask(token), TOKEN_DENIED);
	issuers[0].tokens_before.us = NOW_S * 1000000;
	assert_int_equal(ask(token), TOKEN_VALID);
	issuers[0].tokens_before = WALL_ABSENT;
}

static void
j16_compares_issuers_byte_for_byte(void **state HUB_UNUSED)
{
	static const char *const cases[] = { "\"" ISS "/\"",
		"\"https://IDM.example/realms/region\"",
		"\"HTTPS://idm.example/realms/region\"",
		"\"https://idm.example:443/realms/region\"",
		"\"https://idm.example/realms/regio\"", "\" " ISS "\"",
		"\"https://idm.example/realms/%72egion\"",
		"[\"" ISS "\"]" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect("iss", cases[i], TOKEN_DENIED);
}

static void
t4_forbids_a_tenant_the_issuer_may_not_speak_for(void **state HUB_UNUSED)
{
	struct str payload = str_of(arena_printf(arena,
	    "{\"iss\":\"" OTHER "\",\"aud\":\"regional-hub\","
	    "\"exp\":1800000300,\"iat\":1800000000,\"sub\":\"s\","
	    "\"hub_tenant\":\"dortmund\"}"));
	struct identity id;

	assert_int_equal(ask_at(token_of(RS_HEAD, payload, R2), NOW_S, &id),
	    TOKEN_FORBIDDEN);
	assert_string_equal(id.forbidden, "issuer-not-entitled");
	assert_string_equal(why, "issuer-not-entitled");
	assert_ptr_equal(id.issuer, &issuers[2]);
	assert_null(id.tenant);
	expect_forbidden("hub_tenant", "\"schwerte\"", "issuer-not-entitled");
	expect_forbidden("hub_tenant", "\"kamen\"", "tenant-suspended");
	/* what is denied stays denied, forbidden tenant or not */
	payload = payload_with("hub_tenant", "\"schwerte\"");
	assert_int_equal(ask(token_of(RS_HEAD, payload, R2)), TOKEN_DENIED);
	assert_int_equal(ask_at(token_of(RS_HEAD, payload, R1), NOW_S + 330,
			     &id),
	    TOKEN_DENIED);
}

static void
t5_takes_an_organisation_claim_that_names_exactly_one(void **state HUB_UNUSED)
{
	static const struct {
		const char *claim;
		enum token_verdict want;
		const char *forbidden;
	} cases[] = {
		{ "\"dortmund\"", TOKEN_VALID, NULL },
		{ "[\"dortmund\"]", TOKEN_VALID, NULL },
		{ "{\"dortmund\":{\"id\":\"4\"}}", TOKEN_VALID, NULL },
		{ "{\"dortmund\":{}}", TOKEN_VALID, NULL },
		{ "[\"Fr\\u00f6ndenberg (Ruhr)\"]", TOKEN_VALID, NULL },
		{ "[\"dortmund\",\"Fr\xc3\xb6ndenberg (Ruhr)\"]",
		    TOKEN_FORBIDDEN, "ambiguous-tenant" },
		{ "[\"dortmund\",\"dortmund\"]", TOKEN_FORBIDDEN,
		    "ambiguous-tenant" },
		{ "{\"dortmund\":{},\"x\":{}}", TOKEN_FORBIDDEN,
		    "ambiguous-tenant" },
		{ "[\"x\"]", TOKEN_FORBIDDEN, "issuer-not-entitled" },
		{ "{}", TOKEN_DENIED, NULL },
		{ "[]", TOKEN_DENIED, NULL },
		{ "\"\"", TOKEN_DENIED, NULL },
		{ "{\"\":{}}", TOKEN_DENIED, NULL },
		{ "null", TOKEN_DENIED, NULL },
		{ "true", TOKEN_DENIED, NULL },
		{ "7", TOKEN_DENIED, NULL },
		{ "[7]", TOKEN_DENIED, NULL },
		{ "[\"dortmund\",7]", TOKEN_DENIED, NULL },
		{ "[[\"dortmund\"]]", TOKEN_DENIED, NULL },
		{ "{\"dortmund\":1}", TOKEN_DENIED, NULL },
	};
	struct identity id;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ask_old("\"Bearer\"", cases[i].claim, "", &id) !=
			cases[i].want ||
		    (cases[i].want == TOKEN_FORBIDDEN &&
			strcmp(id.forbidden, cases[i].forbidden) != 0))
			fail_msg("%s: %s", cases[i].claim, why);
	}
	/* the lists are Keycloak's; a plain claim is a string or nothing */
	expect("hub_tenant", "[\"froendenberg\"]", TOKEN_DENIED);
	expect("hub_tenant", "{\"froendenberg\":{}}", TOKEN_DENIED);
	expect("hub_tenant", NULL, TOKEN_DENIED);
}

static void
t6_compares_tenant_names_byte_for_byte(void **state HUB_UNUSED)
{
	static const char *const cases[] = { "\"Froendenberg\"",
		"\"FROENDENBERG\"", "\"froendenberg \"", "\" froendenberg\"",
		"\"fr\xd0\xbe\x65ndenberg\"", "\"froendenberg%00\"",
		"\"%66roendenberg\"", "\"froendenber\"", "\"froendenbergg\"" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_forbidden("hub_tenant", cases[i], "issuer-not-entitled");
	/* no JSON text with NUL is read at all */
	expect("hub_tenant", "\"froendenberg\\u0000\"", TOKEN_DENIED);
}

static void
refuses_any_changed_character(void **state HUB_UNUSED)
{
	struct str good = token_of(ES_HEAD, GOOD, E1);
	char *copy = arena_raw(arena, good.len);

	for (size_t i = 0; i < good.len; i++) {
		memcpy(copy, good.p, good.len);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		if (ask((struct str){ copy, good.len }) == TOKEN_VALID)
			fail_msg("character %zu", i);
	}
}

static void
reads_tokens_up_to_8_kib(void **state HUB_UNUSED)
{
	struct str token;
	char pad[6200];
	size_t longest = 0;

	for (int n = 5300; n < 6100; n++) {
		(void)snprintf(pad, sizeof(pad), "\"%0*d\"", n, 0);
		token = token_of(ES_HEAD, payload_with("pad", pad), E1);
		if (token.len <= TOKEN_BYTES_MAX)
			longest = token.len;
		if (token.len < 8180 || token.len > 8210) {
			arena_reset(arena);
			continue;
		}
		if ((ask(token) == TOKEN_VALID) !=
		    (token.len <= TOKEN_BYTES_MAX))
			fail_msg("%zu bytes: %s", token.len, why);
	}
	assert_in_range(longest, 8190, TOKEN_BYTES_MAX);
}

/* ---- minting ---- */

static void
mints_tokens_that_verify(void **state HUB_UNUSED)
{
	static const struct {
		unsigned alg;
		int key;
		const char *kid;
	} cases[] = { { ISSUER_RS256, R1, "r1" }, { ISSUER_ES256, E1, "e1" } };
	struct str token;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(token_mint(GOOD, cases[i].alg,
				     str_of(cases[i].kid), STR("at+jwt"),
				     private_pem[cases[i].key], arena, &token),
		    HUB_OK);
		assert_int_equal(ask(token), TOKEN_VALID);
	}
}

static void
mints_only_what_it_can_sign(void **state HUB_UNUSED)
{
	static const struct {
		const char *claims, *kid;
		unsigned alg;
		int key;
	} cases[] = {
		{ "[]", "r1", ISSUER_RS256, R1 },
		{ "{\"a\":1,\"a\":1}", "r1", ISSUER_RS256, R1 },
		{ "", "r1", ISSUER_RS256, R1 },
		{ "{}", "", ISSUER_RS256, R1 },
		{ "{}", "a b", ISSUER_RS256, R1 },
		{ "{}", "r1", ISSUER_RS256 | ISSUER_ES256, R1 },
		{ "{}", "r1", 0, R1 },
		{ "{}", "r1", ISSUER_ES256, R1 },
		{ "{}", "r1", ISSUER_RS256, E1 },
	};
	struct str token = STR("untouched");
	char *claims;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (token_mint(str_of(cases[i].claims), cases[i].alg,
			str_of(cases[i].kid), STR("at+jwt"),
			private_pem[cases[i].key], arena,
			&token) != HUB_ESYNTAX)
			fail_msg("case %zu", i);
	}
	assert_int_equal(token_mint(STR("{}"), ISSUER_RS256, STR("r1"),
			     STR("JWT"), STR("no key"), arena, &token),
	    HUB_ESYNTAX);
	claims = arena_printf(arena, "{\"a\":\"%08000d\"}", 0);
	assert_int_equal(token_mint(str_of(claims), ISSUER_RS256, STR("r1"),
			     STR("JWT"), private_pem[R1], arena, &token),
	    HUB_ERANGE);
	assert_true(str_eq(token, STR("untouched")));
	assert_int_equal(ERR_peek_error(), 0);
}

/* Two implementations that know nothing of each other. */
static void
agrees_with_libjwt_about_signatures(void **state HUB_UNUSED)
{
	static const struct {
		unsigned alg;
		jwt_alg_t theirs;
		int key;
		const char *kid;
	} cases[] = { { ISSUER_RS256, JWT_ALG_RS256, R1, "r1" },
		{ ISSUER_ES256, JWT_ALG_ES256, E1, "e1" } };
	struct str payload = old_payload("\"Bearer\"", "[\"dortmund\"]", "");
	const struct keyset_key *key;
	struct str token;
	char *text;
	jwt_t *jwt;

	issuers[1].algorithms |= ISSUER_ES256;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(jwt_new(&jwt), 0);
		assert_int_equal(jwt_add_header(jwt, "kid", cases[i].kid), 0);
		assert_int_equal(jwt_add_grants_json(jwt, payload.p), 0);
		assert_int_equal(
		    jwt_set_alg(jwt, cases[i].theirs,
			(const unsigned char *)private_pem[cases[i].key].p,
			(int)private_pem[cases[i].key].len),
		    0);
		text = jwt_encode_str(jwt);
		assert_non_null(text);
		jwt_free(jwt);
		ERR_clear_error();
		assert_int_equal(ask(str_of(text)), TOKEN_VALID);
		free(text);

		assert_int_equal(token_mint(payload, cases[i].alg,
				     str_of(cases[i].kid), STR("JWT"),
				     private_pem[cases[i].key], arena, &token),
		    HUB_OK);
		key = keyset_find(ring->sets[1], str_of(cases[i].kid));
		assert_int_equal(jwt_decode(&jwt, token.p,
				     (const unsigned char *)key->pem.p,
				     (int)key->pem.len),
		    0);
		assert_int_equal(jwt_get_alg(jwt), cases[i].theirs);
		jwt_free(jwt);
		ERR_clear_error();
	}
	issuers[1].algorithms = ISSUER_RS256;
}

/* ---- the cache ---- */

static struct identity
someone(void)
{
	return ((struct identity){ .tenant = &tenants[0],
	    .issuer = &issuers[0],
	    .subject = arena_str(arena, STR("subject")),
	    .client = STR_NONE,
	    .roles = ROLE_AUDITOR,
	    .bound = BOUND_KEY,
	    .jkt = arena_str(arena, STR("32 bytes")),
	    .npurposes = 2,
	    .purposes = { arena_str(arena, STR("one")),
		arena_str(arena, STR("three")) },
	    .expires = { 100 * 1000000 } });
}

static struct wall_us
at(int64_t s)
{
	return ((struct wall_us){ s * 1000000 });
}

static void
cache_keeps_its_own_copy(void **state HUB_UNUSED)
{
	struct token_cache *c = token_cache_new(8);
	struct identity id = someone();
	const struct identity *found;

	token_cache_put(c, STR("token"), &id, at(50), 1, 1);
	memset((char *)id.subject.p, 'x', id.subject.len);
	memset((char *)id.purposes[1].p, 'x', id.purposes[1].len);
	memset((char *)id.jkt.p, 'x', id.jkt.len);
	found = token_cache_find(c, STR("token"), at(50), 1, 1);
	assert_non_null(found);
	assert_true(str_eq(found->subject, STR("subject")));
	assert_int_equal(found->client.len, 0);
	assert_true(str_eq(found->purposes[0], STR("one")));
	assert_true(str_eq(found->purposes[1], STR("three")));
	assert_ptr_equal(found->tenant, &tenants[0]);
	assert_int_equal(found->roles, ROLE_AUDITOR);
	assert_int_equal(found->bound, BOUND_KEY);
	assert_true(str_eq(found->jkt, STR("32 bytes")));
	assert_int_equal(found->x5t.len, 0);
	assert_null(token_cache_find(c, STR("tokem"), at(50), 1, 1));
	assert_null(token_cache_find(c, STR("toke"), at(50), 1, 1));
	token_cache_free(c);
	token_cache_free(NULL);
}

static void
cache_entries_end_with_time_and_generation(void **state HUB_UNUSED)
{
	static const struct {
		int64_t put_s, find_s;
		uint64_t region, keyring;
		bool found;
	} cases[] = {
		{ 10, 10, 1, 1, true },
		{ 10, 69, 1, 1, true },
		{ 10, 70, 1, 1, false }, /* 60 s */
		{ 90, 99, 1, 1, true },
		{ 90, 100, 1, 1, false },  /* exp and skew */
		{ 100, 100, 1, 1, false }, /* never taken */
		{ 50, 49, 1, 1, false },   /* the clock was set back */
		{ 10, 10, 2, 1, false },
		{ 10, 10, 1, 2, false },
		{ 10, 10, 0, 1, false },
	};
	const struct identity id = someone();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token_cache *c = token_cache_new(1);

		token_cache_put(c, STR("t"), &id, at(cases[i].put_s), 1, 1);
		if ((token_cache_find(c, STR("t"), at(cases[i].find_s),
			 cases[i].region, cases[i].keyring) != NULL) !=
		    cases[i].found)
			fail_msg("case %zu", i);
		/* what was found void is gone, and can be put again */
		token_cache_put(c, STR("t"), &id, at(60), 5, 5);
		assert_non_null(token_cache_find(c, STR("t"), at(60), 5, 5));
		token_cache_free(c);
	}
}

static void
cache_is_bounded_and_keeps_what_is_asked_for(void **state HUB_UNUSED)
{
	struct token_cache *c = token_cache_new(64);
	const struct identity id = someone();
	char name[32];
	unsigned held = 0;

	token_cache_put(c, STR("often"), &id, at(50), 1, 1);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof(name), "token-%d", i);
		token_cache_put(c, str_of(name), &id, at(50), 1, 1);
		assert_non_null(
		    token_cache_find(c, STR("often"), at(50), 1, 1));
		if (i % 3 == 0) /* holes for the hand to meet */
			assert_null(token_cache_find(c, str_of(name), at(50),
			    2, 1));
	}
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof(name), "token-%d", i);
		if (token_cache_find(c, str_of(name), at(50), 1, 1) != NULL)
			held++;
	}
	assert_in_range(held, 32, 63);
	token_cache_free(c);
}

static void
cache_answers_within_microseconds(void **state HUB_UNUSED)
{
	struct token_cache *c = token_cache_new(8192);
	const struct identity id = someone();
	struct mono_us start;
	int64_t us;
	char tokens[64][600];

	for (int i = 0; i < 64; i++) {
		memset(tokens[i], 'a' + i % 26, sizeof(tokens[i]));
		tokens[i][0] = (char)i;
		token_cache_put(c, (struct str){ tokens[i], 600 }, &id, at(50),
		    1, 1);
	}
	start = clock_mono();
	for (int i = 0; i < 20000; i++)
		assert_non_null(token_cache_find(c,
		    (struct str){ tokens[i % 64], 600 }, at(50), 1, 1));
	us = clock_mono().us - start.us;
	print_message("%.3f us a hit\n", (double)us / 20000);
	assert_true(us < 20000 * 50); /* generous: sanitizers, busy machine */
	token_cache_free(c);
}

/* ---- set-up ---- */

static void
jwks_rsa(struct buf *out, const char *kid, EVP_PKEY *key)
{
	unsigned char n[512];
	BIGNUM *bn = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &bn),
	    1);
	buf_addf(out, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"e\":\"AQAB\",\"n\":\"",
	    kid);
	add_b64url(out, n, (size_t)BN_bn2bin(bn, n));
	BUF_LIT(out, "\"}");
	BN_free(bn);
}

static void
jwks_ec(struct buf *out, const char *kid, EVP_PKEY *key)
{
	unsigned char point[65];
	size_t n;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key,
			     OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n),
	    1);
	assert_int_equal(n, 65);
	buf_addf(out,
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"", kid);
	add_b64url(out, point + 1, 32);
	BUF_LIT(out, "\",\"y\":\"");
	add_b64url(out, point + 33, 32);
	BUF_LIT(out, "\"}");
}

static struct keyset *
keyset_of(int rsa, int ec, const char *ec_kid)
{
	struct keyset *ks = NULL;
	struct buf b;

	buf_init(&b, KEYSET_BYTES_MAX);
	BUF_LIT(&b, "{\"keys\":[");
	jwks_rsa(&b, "r1", keys[rsa]);
	buf_addc(&b, ',');
	jwks_ec(&b, ec_kid, keys[ec]);
	BUF_LIT(&b, "]}");
	assert_int_equal(keyset_parse(buf_str(&b), &ks, &why), HUB_OK);
	assert_int_equal(keyset_size(ks), 2);
	buf_clear(&b);
	return (ks);
}

static int
group_setup(void **state HUB_UNUSED)
{
	struct keyset *sets[3];

	group_arena = arena_new();
	for (int i = 0; i < NKEYS; i++) {
		keys[i] = i < E1 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
		if (keys[i] == NULL)
			return (-1);
		private_pem[i] = pem_of(keys[i], group_arena);
	}
	sets[0] = keyset_of(R1, E1, "e1");
	sets[1] = keyset_ref(sets[0]);
	sets[2] = keyset_of(R2, E2, "e2");
	ring = keyring_new(1, 3, sets);
	for (int i = 0; i < 3; i++)
		keyset_unref(&sets[i]);
	return (0);
}

static int
group_teardown(void **state HUB_UNUSED)
{
	keyring_unref(&ring);
	for (int i = 0; i < NKEYS; i++)
		EVP_PKEY_free(keys[i]);
	arena_free(group_arena);
	return (0);
}

static int
setup(void **state HUB_UNUSED)
{
	arena = arena_new();
	return (0);
}

static int
teardown(void **state HUB_UNUSED)
{
	arena_free(arena);
	return (0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads_a_good_token),
		T(verifies_es256_signatures_of_every_length),
		T(takes_optional_claims_as_they_are),
		T(refuses_malformed_subject_client_scope_and_roles),
		T(tells_what_a_token_is_bound_to),
		T(demands_the_binding_that_an_issuer_promises),
		T(counts_scopes_and_purposes),
		T(follows_a_roles_path_whose_client_id_holds_dots),
		T(j1_refuses_alg_none_and_empty_signatures),
		T(j2_refuses_hs256_under_the_public_key),
		T(j3_refuses_an_alg_that_is_not_the_keys),
		T(j4_takes_a_kid_as_data_inside_its_issuers_set),
		T(j5_refuses_keys_and_rules_in_the_header),
		T(j7_refuses_a_missing_or_foreign_audience),
		T(j8_refuses_tokens_of_another_kind),
		T(j9_refuses_times_that_are_no_sane_integers),
		T(j10_refuses_json_that_can_be_read_in_two_ways),
		T(j11_refuses_loose_base64_and_other_serialisations),
		T(j14_takes_es256_signatures_as_64_raw_bytes_only),
		T(refuses_rs256_signatures_of_another_length),
		T(j15_refuses_a_rotated_out_key_and_revoked_tokens),
		T(j16_compares_issuers_byte_for_byte),
		T(t4_forbids_a_tenant_the_issuer_may_not_speak_for),
		T(t5_takes_an_organisation_claim_that_names_exactly_one),
		T(t6_compares_tenant_names_byte_for_byte),
		T(refuses_any_changed_character),
		T(reads_tokens_up_to_8_kib),
		T(mints_tokens_that_verify),
		T(mints_only_what_it_can_sign),
		T(agrees_with_libjwt_about_signatures),
		T(cache_keeps_its_own_copy),
		T(cache_entries_end_with_time_and_generation),
		T(cache_is_bounded_and_keeps_what_is_asked_for),
		T(cache_answers_within_microseconds),
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
