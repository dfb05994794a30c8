/* tests/unit/test_token_cache.c - tokens that the hub makes, and those that it
 * remembers. */
#include "tests/support/token_bench.h"

#include <jwt.h>
#include <openssl/err.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
