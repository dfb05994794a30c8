/* tests/unit/test_token_attack.c - who does not get in. The ids in the names
 * (j1, t4) are rows of the attack list, policy.md §6. */
#include "tests/support/token_bench.h"

#include <openssl/hmac.h>
#include <openssl/x509.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
