/* tests/unit/test_dpop.c - proofs of possession, the keys in them, and that
 * none is taken twice. j13 is a row of the attack list, design/policy.md §6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>

#include "tenants/jwk.h"
#include "tenants/jws.h"
#include "tenants/replay.h"
#include "tenants/tenant.h"
#include "tests/support/signed_text.h"

#define NOW_S INT64_C(1800000000)
#define TOKEN "header.payload.signature"
#define URL   "https://hub.example/ngsi-ld/v1/entities"

enum { EC, EC2, RSA2048, NKEYS };

static EVP_PKEY *keys[NKEYS];
static struct str pem[NKEYS];
static unsigned char jkt[NKEYS][SHA256_LEN];
static struct arena *group_arena, *arena;
static const char *why;

static const unsigned algs[NKEYS] = { ISSUER_ES256, ISSUER_ES256,
	ISSUER_RS256 };

static struct dpop_demand
demand_of(int key)
{
	return ((struct dpop_demand){ .token = STR(TOKEN),
	    .jkt = { (const char *)jkt[key], SHA256_LEN },
	    .algorithms = ISSUER_RS256 | ISSUER_ES256,
	    .skew_s = 30,
	    .method = STR("GET"),
	    .host = STR("hub.example"),
	    .path = STR("/ngsi-ld/v1/entities"),
	    .tls = true });
}

static bool
ask_at(struct str proof, const struct dpop_demand *d, int64_t now_s,
    struct dpop_mark *mark)
{
	struct wall_us now = { now_s * 1000000 };
	bool ok;

	memset(mark, 0, sizeof(*mark));
	why = NULL;
	ok = dpop_verify(proof, d, now, arena, mark, &why);
	assert_non_null(why);
	assert_int_equal(ERR_peek_error(), 0);
	if (!ok)
		assert_int_equal(mark->until_s, 0);
	return (ok);
}

static bool
ask(struct str proof)
{
	struct dpop_demand d = demand_of(EC);
	struct dpop_mark mark;

	return (ask_at(proof, &d, NOW_S, &mark));
}

/* ---- making ---- */

static struct str
made(int key)
{
	struct str proof = STR_NONE;

	assert_int_equal(dpop_make(STR(TOKEN), STR("GET"), STR(URL), algs[key],
			     pem[key], (struct wall_us){ NOW_S * 1000000 },
			     arena, &proof),
	    HUB_OK);
	return (proof);
}

static struct str
jwk_text(int key)
{
	struct buf b;
	struct str s;

	buf_init(&b, 4096);
	assert_true(jwk_write(keys[key], &b));
	s = arena_str(arena, buf_str(&b));
	buf_clear(&b);
	return (s);
}

static struct str
signed_by(int key, struct str head, struct str payload)
{
	struct buf b;
	struct str s;

	buf_init(&b, 1 << 16);
	jws_add_b64url(&b, head.p, head.len);
	buf_addc(&b, '.');
	jws_add_b64url(&b, payload.p, payload.len);
	assert_true(jws_sign(&b, algs[key], keys[key]));
	s = arena_str(arena, buf_str(&b));
	buf_clear(&b);
	return (s);
}

static struct str
head_with(int key, const char *name, const char *value)
{
	const struct change base[] = { { "typ", "\"dpop+jwt\"" },
		{ "alg", key == RSA2048 ? "\"RS256\"" : "\"ES256\"" },
		{ "jwk", jwk_text(key).p } };

	return (object_with(arena, base, 3, name, value));
}

static struct str
claims_with(const char *name, const char *value)
{
	unsigned char hash[SHA256_LEN];
	struct buf ath;
	struct str s;

	sha256(STR(TOKEN), hash);
	buf_init(&ath, 64);
	buf_addc(&ath, '"');
	jws_add_b64url(&ath, hash, sizeof(hash));
	buf_addc(&ath, '"');
	const struct change base[] = { { "jti", "\"j\"" },
		{ "htm", "\"GET\"" }, { "htu", "\"" URL "\"" },
		{ "iat", "1800000000" }, { "ath", buf_cstr(&ath) } };

	s = object_with(arena, base, 5, name, value);
	buf_clear(&ath);
	return (s);
}

#define HEAD(key) head_with(key, NULL, NULL)
#define CLAIMS	  claims_with(NULL, NULL)

/* ---- what passes ---- */

static void
takes_a_proof_of_each_algorithm(void **state HUB_UNUSED)
{
	struct dpop_mark mark, other;

	for (int k = 0; k < NKEYS; k++) {
		struct dpop_demand d = demand_of(k);

		if (!ask_at(made(k), &d, NOW_S, &mark))
			fail_msg("key %d: %s", k, why);
		assert_int_equal(mark.issued_s, NOW_S);
		assert_int_equal(mark.until_s, NOW_S + 60 + 30);
		assert_true(ask_at(made(k), &d, NOW_S, &other));
		assert_memory_not_equal(mark.id, other.id, SHA256_LEN);
		assert_true(ask_at(signed_by(k, HEAD(k), CLAIMS), &d, NOW_S,
		    &mark));
		assert_true(ask_at(signed_by(k, HEAD(k), CLAIMS), &d, NOW_S,
		    &other));
		assert_memory_equal(mark.id, other.id, SHA256_LEN);
	}
}

/* RFC 9449, 7.1: request and proof of figure 13, the token's key of 6.1. */
static void
takes_the_proof_of_the_standard(void **state HUB_UNUSED)
{
	static const char proof[] =
	    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik"
	    "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdC"
	    "RnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1"
	    "JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHR"
	    "tIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90Z"
	    "WN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0R"
	    "aNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L"
	    "-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
	struct dpop_demand d = demand_of(EC);
	unsigned char hash[B64URL_MAX(43)];
	struct dpop_mark mark;
	size_t n;

	assert_int_equal(
	    b64url_decode(STR("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
		hash, &n),
	    HUB_OK);
	d.jkt = (struct str){ (const char *)hash, n };
	d.token = STR("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
	d.host = STR("resource.example.org");
	d.path = STR("/protectedresource");
	if (!ask_at(str_of(proof), &d, 1562262618, &mark))
		fail_msg("%s", why);
	assert_false(ask_at(str_of(proof), &d, NOW_S, &mark));
}

static void
takes_its_own_url_in_every_spelling(void **state HUB_UNUSED)
{
	static const struct {
		const char *htu, *host, *path;
		bool tls, good;
	} cases[] = {
		{ "https://hub.example/a", "hub.example", "/a", true, true },
		{ "HTTPS://HUB.example/a", "hub.EXAMPLE", "/a", true, true },
		{ "https://hub.example:443/a", "hub.example", "/a", true,
		    true },
		{ "https://hub.example/a", "hub.example:443", "/a", true,
		    true },
		{ "https://hub.example:8443/a", "hub.example:8443", "/a", true,
		    true },
		{ "https://[::1]:8443/a", "[::1]:8443", "/a", true, true },
		{ "https://hub.example", "hub.example", "/", true, true },
		{ "https://hub.example/%61%3a%2F", "hub.example", "/a%3A%2f",
		    true, true },
		{ "https://hub.example/a~", "hub.example", "/a%7e", true,
		    true },
		{ "http://hub.example/a", "hub.example", "/a", true, false },
		{ "http://hub.example/a", "hub.example", "/a", false, true },
		{ "http://hub.example:80/a", "hub.example", "/a", false,
		    true },
		{ "https://hub.example/a", "hub.example", "/a", false, true },
		{ "https://hub.example:80/a", "hub.example", "/a", false,
		    false },
		{ "https://hub.example:8443/a", "hub.example", "/a", true,
		    false },
		{ "https://hub.example/a", "hub.example:8443", "/a", true,
		    false },
		{ "https://hub.example:/a", "hub.example", "/a", true, false },
		{ "https://hub.example.evil/a", "hub.example", "/a", true,
		    false },
		{ "https://u@hub.example/a", "hub.example", "/a", true,
		    false },
		{ "https://hub.example/a?b", "hub.example", "/a", true,
		    false },
		{ "https://hub.example/a#b", "hub.example", "/a", true,
		    false },
		{ "https://hub.example/a/", "hub.example", "/a", true, false },
		{ "https://hub.example/a", "hub.example", "/a/", true, false },
		{ "https://hub.example/A", "hub.example", "/a", true, false },
		{ "https://hub.example/b%2Fa", "hub.example", "/b/a", true,
		    false },
		{ "https://hub.example/a%", "hub.example", "/a%25", true,
		    false },
		{ "https://hub.example/a%2", "hub.example", "/a%2", true,
		    true },
		{ "/a", "hub.example", "/a", true, false },
		{ "https:///a", "hub.example", "/a", true, false },
		{ "https://", "", "/", true, true },
		{ "ftp://hub.example/a", "hub.example", "/a", false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dpop_demand d = demand_of(EC);
		struct dpop_mark mark;

		d.host = str_of(cases[i].host);
		d.path = str_of(cases[i].path);
		d.tls = cases[i].tls;
		if (ask_at(signed_by(EC, HEAD(EC), claims_with("htu",
				   arena_printf(arena, "\"%s\"",
				       cases[i].htu))),
			&d, NOW_S, &mark) != cases[i].good)
			fail_msg("%s: %s", cases[i].htu, why);
	}
}

/* ---- what does not ---- */

static void
j13_refuses_other_heads(void **state HUB_UNUSED)
{
	static const struct change cases[] = {
		{ "typ", NULL }, { "typ", "\"JWT\"" }, { "typ", "\"at+jwt\"" },
		{ "typ", "\"DPOP+JWT\"" }, { "typ", "[\"dpop+jwt\"]" },
		{ "alg", NULL }, { "alg", "\"none\"" }, { "alg", "\"HS256\"" },
		{ "alg", "\"RS256\"" }, { "alg", "\"es256\"" },
		{ "jwk", NULL }, { "jwk", "{}" }, { "jwk", "null" },
		{ "jwk", "\"x\"" }, { "jwk", "[]" },
		{ "jwk", "{\"kty\":\"oct\",\"k\":\"AAAA\"}" },
		{ "jku", "\"https://evil.example\"" }, { "x5u", "\"\"" },
		{ "x5c", "[]" }, { "crit", "[]" }, { "zip", "\"DEF\"" },
		{ "b64", "false" }, { "enc", "\"\"" },
	};
	static const char *const private[] = { "d", "p", "q", "dp", "dq", "qi",
		"oth", "k" };
	struct str jwk = jwk_text(EC);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ask(signed_by(EC, head_with(EC, cases[i].name,
					  cases[i].value),
			CLAIMS)))
			fail_msg("case %zu: %s", i, cases[i].name);
	}
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
		if (ask(signed_by(EC,
			head_with(EC, "jwk",
			    arena_printf(arena, "%.*s,\"%s\":\"AA\"}",
				(int)jwk.len - 1, jwk.p, private[i])),
			CLAIMS)))
			fail_msg("private key: %s", private[i]);
	}
	assert_true(ask(signed_by(EC, head_with(EC, "kid", "\"x\""), CLAIMS)));
}

static void
j13_refuses_other_claims(void **state HUB_UNUSED)
{
	static const struct change cases[] = {
		{ "htm", NULL }, { "htm", "\"POST\"" }, { "htm", "\"get\"" },
		{ "htm", "\"\"" }, { "htm", "null" }, { "htu", NULL },
		{ "htu", "\"\"" }, { "htu", "7" }, { "jti", NULL },
		{ "jti", "\"\"" }, { "jti", "7" }, { "ath", NULL },
		{ "ath", "\"\"" }, { "ath", "null" },
		{ "ath",
		    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"" },
		{ "iat", NULL }, { "iat", "\"1800000000\"" },
		{ "iat", "1800000000.0" }, { "iat", "-1" }, { "iat", "0" },
		{ "iat", "9223372036854775807" }, { "iat", "1799999909" },
		{ "iat", "1800000031" }, { "exp", "\"x\"" },
		{ "exp", "1799999969" }, { "exp", "null" },
		{ "nbf", "1800000031" }, { "nbf", "1e9" },
	};
	static const struct change good[] = {
		{ "iat", "1799999910" }, { "iat", "1800000030" },
		{ "exp", "1799999970" }, { "exp", "1900000000" },
		{ "nbf", "1800000030" }, { "nonce", "\"not ours\"" },
	};
	char jti[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ask(signed_by(EC, HEAD(EC),
			claims_with(cases[i].name, cases[i].value))))
			fail_msg("case %zu: %s", i, cases[i].name);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!ask(signed_by(EC, HEAD(EC),
			claims_with(good[i].name, good[i].value))))
			fail_msg("good %zu: %s", i, why);
	}
	(void)snprintf(jti, sizeof(jti), "\"%0256d\"", 0);
	assert_true(ask(signed_by(EC, HEAD(EC), claims_with("jti", jti))));
	(void)snprintf(jti, sizeof(jti), "\"%0257d\"", 0);
	assert_false(ask(signed_by(EC, HEAD(EC), claims_with("jti", jti))));
}

static void
j13_refuses_other_keys_and_forms(void **state HUB_UNUSED)
{
	struct str good = made(EC), head = HEAD(EC), twice;
	struct dpop_demand d = demand_of(EC);
	struct dpop_mark mark;
	const char *cases[] = {
		"", ".", "..", "...",
		arena_printf(arena, "%.*s=", STR_FMT(good)),
		arena_printf(arena, "%.*s.x", STR_FMT(good)),
		arena_printf(arena, " %.*s", STR_FMT(good)),
		arena_printf(arena, "%.*s", (int)good.len - 1, good.p),
		arena_printf(arena, "%.*s%04096d", STR_FMT(good), 0),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ask(str_of(cases[i])))
			fail_msg("form %zu", i);
	}
	/* The other's key, the other's signature, and RSA called EC. */
	assert_false(ask(made(EC2)));
	assert_string_equal(why, "proof: another key than the token's");
	assert_false(ask(signed_by(EC2, head, CLAIMS)));
	assert_string_equal(why, "signature wrong");
	d = demand_of(RSA2048);
	assert_false(ask_at(signed_by(RSA2048,
		head_with(RSA2048, "alg", "\"ES256\""), CLAIMS),
	    &d, NOW_S, &mark));
	assert_string_equal(why, "proof: alg is not the key's");
	/* What the issuer does not use, its tokens' holders do not either. */
	d.algorithms = ISSUER_ES256;
	assert_false(ask_at(made(RSA2048), &d, NOW_S, &mark));
	assert_string_equal(why, "proof: alg not allowed");
	/* Duplicates are never last-wins. */
	twice = str_of(arena_printf(arena, "%.*s,\"htm\":\"GET\"}",
	    (int)CLAIMS.len - 1, CLAIMS.p));
	assert_false(ask(signed_by(EC, head, twice)));
	/* A demand without a key takes none. */
	d = demand_of(EC);
	d.jkt = STR_NONE;
	assert_false(ask_at(good, &d, NOW_S, &mark));
}

/* ---- thumbprints ---- */

/* RFC 7638, 3.1. */
static void
has_the_thumbprint_of_the_standard(void **state HUB_UNUSED)
{
	static const char text[] =
	    "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiA"
	    "FbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4"
	    "n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ"
	    "R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91C"
	    "bOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBni"
	    "Iqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\","
	    "\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}";
	unsigned char hash[SHA256_LEN], want[B64URL_MAX(43)], again[SHA256_LEN];
	json_t *jwk = json_loads(text, 0, NULL);
	unsigned alg = 0;
	EVP_PKEY *pkey;
	size_t n;

	assert_int_equal(
	    b64url_decode(STR("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
		want, &n),
	    HUB_OK);
	assert_true(jwk_thumbprint(jwk, hash));
	assert_memory_equal(hash, want, SHA256_LEN);
	pkey = jwk_read(jwk, false, &alg);
	assert_non_null(pkey);
	assert_int_equal(alg, ISSUER_RS256);
	assert_true(jwk_thumbprint_of(pkey, again));
	assert_memory_equal(again, want, SHA256_LEN);
	EVP_PKEY_free(pkey);
	json_decref(jwk);
}

/* No text may stand for two keys. */
static void
takes_no_thumbprint_of_other_letters(void **state HUB_UNUSED)
{
	static const char *const cases[] = {
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"A\\\",\\\"y\\\":"
		"\\\"B\",\"y\":\"C\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA=\",\"y\":\"B\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":7}",
		"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\",\"d\":\"AA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
		"{\"kty\":\"oct\",\"k\":\"AA\"}", "{}", "[]",
	};
	unsigned char hash[SHA256_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *jwk = json_loads(cases[i], 0, NULL);

		assert_non_null(jwk);
		if (jwk_thumbprint(jwk, hash))
			fail_msg("case %zu", i);
		json_decref(jwk);
	}
}

/* ---- replay ---- */

static struct dpop_mark
mark_of(unsigned i, int64_t until_s)
{
	struct dpop_mark m = { .issued_s = NOW_S, .until_s = until_s };

	sha256((struct str){ (const char *)&i, sizeof(i) }, m.id);
	return (m);
}

/* Of one of many owners. */
static enum hub_err
add_at(struct replay *r, unsigned i, int64_t until_s, int64_t now_s)
{
	struct dpop_mark m = mark_of(i, until_s);

	return (replay_add(r, i % 499, &m, (struct wall_us){ now_s * 1000000 }));
}

static void
j13_takes_each_mark_once_until_it_ends(void **state HUB_UNUSED)
{
	struct replay *r = replay_new(1 << 16,
	    (struct wall_us){ NOW_S * 1000000 });

	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(add_at(r, i, NOW_S + 60 + i % 7, NOW_S),
		    HUB_OK);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(add_at(r, i, NOW_S + 60, NOW_S + i % 60),
		    HUB_EEXIST);
	/* While old ones end, new ones come: none of those is lost. */
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(add_at(r, 10000 + i, NOW_S + 1000,
				     NOW_S + 900),
		    HUB_OK);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(add_at(r, 10000 + i, NOW_S + 1000,
				     NOW_S + 1000),
		    HUB_EEXIST);
	replay_free(r);
}

static void
j13_refuses_new_marks_when_full_rather_than_forget(void **state HUB_UNUSED)
{
	struct replay *r = replay_new(1024,
	    (struct wall_us){ NOW_S * 1000000 });
	unsigned taken = 0;
	bool in[4000];

	for (unsigned i = 0; i < 4000; i++) {
		enum hub_err err = add_at(r, i, NOW_S + 90, NOW_S);

		assert_true(err == HUB_OK || err == HUB_EFULL);
		in[i] = err == HUB_OK;
		taken += in[i];
	}
	assert_in_range(taken, 512, 1024);
	for (unsigned i = 0; i < 4000; i++)
		assert_int_equal(add_at(r, i, NOW_S + 90, NOW_S + 1),
		    in[i] ? HUB_EEXIST : HUB_EFULL);
	/* Later there is room again. */
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(add_at(r, i, NOW_S + 1000, NOW_S + 900),
		    HUB_OK);
	replay_free(r);
	replay_free(NULL);
}

static void
j13_lets_no_tenant_fill_it_for_others(void **state HUB_UNUSED)
{
	struct replay *r = replay_new(1024,
	    (struct wall_us){ NOW_S * 1000000 });
	const struct wall_us now = { NOW_S * 1000000 };
	unsigned taken = 0;

	for (unsigned i = 0; i < 4000; i++) {
		struct dpop_mark m = mark_of(i, NOW_S + 90);

		taken += replay_add(r, 777, &m, now) == HUB_OK;
	}
	assert_in_range(taken, 1024 / REPLAY_PARTS / 2, 1024 / REPLAY_PARTS);
	for (unsigned i = 4000; i < 4100; i++)
		assert_int_equal(add_at(r, i, NOW_S + 90, NOW_S), HUB_OK);
	/* What has ended is the flood's to use again. */
	taken = 0;
	for (unsigned i = 5000; i < 5100; i++) {
		struct dpop_mark m = mark_of(i, NOW_S + 1090);

		taken += replay_add(r, 777, &m,
		    (struct wall_us){ (NOW_S + 900) * 1000000 }) == HUB_OK;
	}
	assert_in_range(taken, 1024 / REPLAY_PARTS / 2, 100);
	replay_free(r);
}

static void
refuses_marks_from_before_it_began(void **state HUB_UNUSED)
{
	struct replay *r = replay_new(1024,
	    (struct wall_us){ (NOW_S + 1) * 1000000 });

	assert_int_equal(add_at(r, 1, NOW_S + 90, NOW_S + 5), HUB_ELATE);
	/* The clock was set back: else all would be refused for long. */
	assert_int_equal(add_at(r, 1, NOW_S + 90, NOW_S), HUB_OK);
	replay_free(r);
}

struct racer {
	struct replay *replay;
	unsigned won;
};

static void *
race(void *arg)
{
	struct racer *me = arg;

	for (unsigned i = 0; i < 20000; i++)
		me->won += add_at(me->replay, i, NOW_S + 90, NOW_S) == HUB_OK;
	return (NULL);
}

static void
gives_each_mark_to_one_thread(void **state HUB_UNUSED)
{
	struct replay *r = replay_new(1 << 16,
	    (struct wall_us){ NOW_S * 1000000 });
	struct racer racers[4];
	pthread_t threads[4];
	unsigned won = 0;

	for (int i = 0; i < 4; i++) {
		racers[i] = (struct racer){ r, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		(void)pthread_join(threads[i], NULL);
		won += racers[i].won;
	}
	assert_int_equal(won, 20000);
	replay_free(r);
}

static void
costs_less_than_a_few_milliseconds(void **state HUB_UNUSED)
{
	static const char *const names[] = { "ES256", "ES256", "RS256" };
	enum { ROUNDS = 200 };

	for (int k = EC; k < NKEYS; k += RSA2048 - EC) {
		struct dpop_demand d = demand_of(k);
		struct str proof = made(k);
		struct mono_us begun = clock_mono();
		struct dpop_mark mark;
		double us;

		for (int i = 0; i < ROUNDS; i++)
			assert_true(ask_at(proof, &d, NOW_S, &mark));
		us = (double)(clock_mono().us - begun.us) / ROUNDS;
		print_message("%s: %.0f us a proof\n", names[k], us);
		assert_true(us < 20000);
	}
}

/* ---- */

static int
group_setup(void **state HUB_UNUSED)
{
	group_arena = arena_new();
	keys[EC] = EVP_EC_gen("P-256");
	keys[EC2] = EVP_EC_gen("P-256");
	keys[RSA2048] = EVP_RSA_gen(2048);
	for (int k = 0; k < NKEYS; k++) {
		assert_non_null(keys[k]);
		pem[k] = pem_of(keys[k], group_arena);
		assert_true(jwk_thumbprint_of(keys[k], jkt[k]));
	}
	return (0);
}

static int
group_teardown(void **state HUB_UNUSED)
{
	for (int k = 0; k < NKEYS; k++)
		EVP_PKEY_free(keys[k]);
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

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(takes_a_proof_of_each_algorithm),
		T(takes_the_proof_of_the_standard),
		T(takes_its_own_url_in_every_spelling),
		T(j13_refuses_other_heads),
		T(j13_refuses_other_claims),
		T(j13_refuses_other_keys_and_forms),
		T(has_the_thumbprint_of_the_standard),
		T(takes_no_thumbprint_of_other_letters),
		T(j13_takes_each_mark_once_until_it_ends),
		T(j13_refuses_new_marks_when_full_rather_than_forget),
		T(j13_lets_no_tenant_fill_it_for_others),
		T(refuses_marks_from_before_it_began),
		T(gives_each_mark_to_one_thread),
		T(costs_less_than_a_few_milliseconds),
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
