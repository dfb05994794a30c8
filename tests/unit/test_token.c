/* tests/unit/test_token.c - who gets in with which token, and what it says. */
#include "tests/support/token_bench.h"

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
knows_a_program_from_a_person(void **state HUB_UNUSED)
{
	static const struct {
		const char *claim, *value;
		bool program;
	} cases[] = {
		{ "nbf", "1800000000", false },
		{ "sub", "\"dashboard\"", true }, /* RFC 9068, 2.2 */
		{ "preferred_username", "\"anna\"", false },
		{ "preferred_username", "\"service-account-dashboard\"",
		    true },
		{ "preferred_username", "\"service-account-\"", false },
		{ "preferred_username", "\"service-account-other\"", false },
		{ "preferred_username", "7", false },
	};
	struct identity id;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ask_at(token_of(RS_HEAD,
					    payload_with(cases[i].claim,
						cases[i].value),
					    R1),
				     NOW_S, &id),
		    TOKEN_VALID);
		assert_int_equal(id.program, cases[i].program);
	}
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads_a_good_token),
		T(verifies_es256_signatures_of_every_length),
		T(takes_optional_claims_as_they_are),
		T(knows_a_program_from_a_person),
		T(refuses_malformed_subject_client_scope_and_roles),
		T(tells_what_a_token_is_bound_to),
		T(demands_the_binding_that_an_issuer_promises),
		T(counts_scopes_and_purposes),
		T(follows_a_roles_path_whose_client_id_holds_dots),
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
