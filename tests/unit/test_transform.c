/* tests/unit/test_transform.c - what each transform makes of values: borders,
 * signs, exponents, huge and wrong ones; and what travels along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/region.h"
#include "policies/transform.h"
#include "server/ngsild/geometry.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct number_case {
	const char *step, *in, *want;
};

/* NULL: dropped. */
static void
check_numbers(enum transform_kind kind, const struct number_case *cases,
    size_t n)
{
	struct transform t = { .kind = kind };
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < n; i++) {
		const struct number_case *c = &cases[i];
		bool ok;

		transform_step(&t, str_of(c->step));
		buf_reset(&b);
		ok = transform_number(&t, str_of(c->in), &b);
		if (ok != (c->want != NULL) ||
		    (ok && strcmp(buf_cstr(&b), c->want) != 0))
			fail_msg("%s of %s: %s, not %s", c->step, c->in,
			    ok ? buf_cstr(&b) : "dropped",
			    c->want != NULL ? c->want : "dropped");
	}
	buf_clear(&b);
}

static void
rounds_halves_away_from_zero(void **state)
{
	static const struct number_case cases[] = {
		{ "0.05", "3.474", "3.45" },
		{ "0.05", "3.475", "3.5" },
		{ "0.05", "3.47499999999999999999999999", "3.45" },
		{ "0.05", "-3.475", "-3.5" },
		{ "0.05", "-3.474", "-3.45" },
		{ "0.05", "0.025", "0.05" },
		{ "0.05", "0.02499999999999999999999", "0" },
		{ "0.05", "-0.024", "0" },
		{ "0.05", "0", "0" },
		{ "0.05", "-0.0", "0" },
		{ "0.05", "0e99999999999999999999", "0" },
		{ "1", "0.5", "1" },
		{ "1", "-0.5", "-1" },
		{ "1", "0.05", "0" },
		{ "1", "2.5", "3" },
		{ "1", "9.5", "10" },
		{ "1", "99.5", "100" },
		{ "10", "5", "10" },
		{ "10", "4.99", "0" },
		{ "10", "95", "100" },
		{ "10", "-95", "-100" },
		{ "3", "1.5", "3" },
		{ "3", "1.4999", "0" },
		{ "3", "4.5", "6" },
		{ "0.3", "0.45", "0.6" },
		{ "0.3", "0.44", "0.3" },
		{ "7", "3.49", "0" },
		{ "7", "3.5", "7" },
		{ "0.25", "21.10", "21" },
		{ "0.50", "21.30", "21.5" },
		{ "00.5", "1.2", "1" },
		{ "500", "12345", "12500" },
		/* the same number in other words */
		{ "0.1", "142", "142" },
		{ "0.1", "1.42e2", "142" },
		{ "0.1", "1.42E+2", "142" },
		{ "0.1", "14200e-2", "142" },
		{ "0.1", "0.00000142e8", "142" },
		{ "0.1", "142.00000000000000000", "142" },
		{ "1", "12345678901234567890", "12345678901234567890" },
		{ "10", "12345678901234567895", "12345678901234567900" },
		{ "1000000000000000", "1e20", "100000000000000000000" },
		{ "0.0000000000000001", "1.00000000000000005",
		    "1.0000000000000001" },
		{ "999999999999999999", "999999999999999999e1",
		    "9999999999999999990" },
		/* next to nothing, and next to everything */
		{ "0.05", "1e-999999999999999999999", "0" },
		{ "0.05", "-1e-7", "0" },
		{ "1", "1e400", NULL },
		{ "1", "1e99999999999999999999", NULL },
		{ "0.1", "-1e999", NULL },
	};

	(void)state;
	check_numbers(TRANSFORM_ROUND, cases, COUNT(cases));
}

static void
buckets_begin_at_their_lower_edge(void **state)
{
	static const struct number_case cases[] = {
		{ "5", "0", "0" },
		{ "5", "-0", "0" },
		{ "5", "4.999999999999999999999", "0" },
		{ "5", "5", "5" },
		{ "5", "5.0000", "5" },
		{ "5", "9.99", "5" },
		{ "5", "-0.0000000000000001", "-5" },
		{ "5", "-1e-400", "-5" },
		{ "5", "1e-400", "0" },
		{ "5", "-5", "-5" },
		{ "5", "-5.0", "-5" },
		{ "5", "-50e-1", "-5" },
		{ "5", "-5.01", "-10" },
		{ "5", "-9.5", "-10" },
		{ "0.5", "1.49", "1" },
		{ "0.5", "-1.49", "-1.5" },
		{ "0.5", "-1.50", "-1.5" },
		{ "20", "142", "140" },
		{ "20", "1.42e2", "140" },
		{ "20", "-142", "-160" },
		{ "1", "-99.5", "-100" },
		{ "1", "1e401", NULL },
		{ "1", "-1e401", NULL },
	};

	(void)state;
	check_numbers(TRANSFORM_BUCKET, cases, COUNT(cases));
}

static void
keeps_hundreds_of_digits(void **state)
{
	struct transform t = { .kind = TRANSFORM_ROUND };
	char in[900], want[900];
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	transform_step(&t, STR("1"));
	memset(in, '9', 399);
	strcpy(in + 399, ".5");
	want[0] = '1';
	memset(want + 1, '0', 399);
	want[400] = '\0';
	assert_true(transform_number(&t, str_of(in), &b));
	assert_string_equal(buf_cstr(&b), want);
	/* a fraction of any length, which only its first digits decide */
	buf_reset(&b);
	strcpy(in, "2.4");
	memset(in + 3, '9', 800);
	in[803] = '\0';
	assert_true(transform_number(&t, str_of(in), &b));
	assert_string_equal(buf_cstr(&b), "2");
	/* the last that is taken, and one digit more */
	buf_reset(&b);
	assert_true(transform_number(&t, STR("1e399"), &b));
	assert_int_equal(b.len, 400);
	assert_false(transform_number(&t, STR("1e400"), &b));
	buf_clear(&b);
}

/* ---- instances */

static const unsigned char key[PSEUDONYM_KEY_LEN] = "secret";

#define ROUND	 { .kind = TRANSFORM_ROUND, .step = 5, .places = 2 }
#define BUCKET	 { .kind = TRANSFORM_BUCKET, .step = 5 }
#define GRID	 { .kind = TRANSFORM_GRID, .metres = 500 }
#define TRUNC	 { .kind = TRANSFORM_TRUNC_TIME, .us = 900000000 }
#define DAY	 { .kind = TRANSFORM_TRUNC_TIME, .us = WALL_DAY_US }
#define YEAR	 { .kind = TRANSFORM_TRUNC_TIME, .us = 366 * WALL_DAY_US }
#define SUPPRESS { .kind = TRANSFORM_SUPPRESS, .below = 3 }
#define PSEUDO	 { .kind = TRANSFORM_PSEUDONYM, .key = key }
#define NO_KEY	 { .kind = TRANSFORM_PSEUDONYM }
#define CONST(s) { .kind = TRANSFORM_CONSTANT, .text = { s, sizeof(s) - 1 } }

struct instance_case {
	struct transform t;
	const char *in, *want; /* NULL: dropped */
};

static void
check_instances(const struct instance_case *cases, size_t n)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;

	for (size_t i = 0; i < n; i++) {
		struct arena *a = arena_new();
		struct document doc = { .priority = 7,
			.dataset = STR("dd"),
			.auxiliary = true };
		struct instance in = { .doc = &doc, .release = &release_bare };
		bool ok;

		if (json_parse(&doc.json, str_of(cases[i].in), &limits, a) !=
		    HUB_OK)
			fail_msg("no JSON: %s", cases[i].in);
		instance_classify(&in, a);
		ok = transform_apply(&cases[i].t, &in, a);
		if (ok != (cases[i].want != NULL))
			fail_msg("%zu: %s is %s", i, cases[i].in,
			    ok ? "kept" : "dropped");
		if (ok) {
			struct str got = json_span(&in.doc->json, in.node);

			if (!str_eq(got, str_of(cases[i].want)))
				fail_msg("%zu: %s\n%.*s\n%s", i, cases[i].in,
				    STR_FMT(got), cases[i].want);
			assert_int_equal(in.doc->priority, 7);
			assert_true(in.doc->auxiliary);
			assert_true(str_eq(in.doc->dataset, STR("dd")));
			assert_true(in.release == &release_bare);
		}
		arena_free(a);
	}
}

#define P(v) "{\"type\":\"Property\",\"value\":" v "}"
#define G(v) "{\"type\":\"GeoProperty\",\"value\":" v "}"
#define R(v) "{\"type\":\"Relationship\",\"object\":" v "}"
#define L(v) "{\"type\":\"ListRelationship\",\"objectList\":" v "}"
#define AT(v, t)                                                               \
	"{\"type\":\"Property\",\"value\":" v ",\"observedAt\":\"" t "\"}"

static void
drops_values_of_the_wrong_kind(void **state)
{
	static const struct instance_case cases[] = {
		{ ROUND, P("\"3.47\""), NULL },
		{ ROUND, P("true"), NULL },
		{ ROUND, P("null"), NULL },
		{ ROUND, P("[3.47]"), NULL },
		{ ROUND, P("{\"@value\":3.47}"), NULL },
		{ ROUND, "{\"type\":\"JsonProperty\",\"json\":3.47}", NULL },
		{ ROUND, "{\"type\":\"ListProperty\",\"valueList\":[3.47]}",
		    NULL },
		{ ROUND, R("\"urn:a:3\""), NULL },
		{ ROUND, "{\"type\":\"Property\"}", NULL },
		{ BUCKET, P("\"7\""), NULL },
		{ BUCKET, P("{}"), NULL },
		{ SUPPRESS, P("\"7\""), NULL },
		{ SUPPRESS, P("[7]"), NULL },
		{ GRID, P("\"7\""), NULL },
		{ GRID, P("3"), NULL },
		{ GRID, G("{\"type\":\"MultiPoint\",\"coordinates\":"
			  "[[7.5,51.4]]}"), NULL },
		{ GRID, G("{\"type\":\"Polygon\",\"coordinates\":"
			  "[[[7,51],[8,51],[8,52],[7,51]]]}"), NULL },
		{ GRID, G("{\"type\":\"Point\",\"coordinates\":[7.5]}"), NULL },
		{ GRID, G("{\"type\":\"Point\",\"coordinates\":[181,0]}"),
		    NULL },
		{ GRID, G("\"somewhere\""), NULL },
		{ TRUNC, P("17"), NULL },
		{ TRUNC, P("\"2026-11-22\""), NULL },
		{ TRUNC, P("\"soon\""), NULL },
		{ TRUNC, P("{\"value\":\"2026-11-22T17:45:00Z\"}"), NULL },
		{ TRUNC, AT("3", "2026-11-22T17:45:00Z"), NULL },
		{ TRUNC, AT("\"2026-11-22T17:45:00Z\"", "soon"), NULL },
		{ PSEUDO, P("17"), NULL },
		{ PSEUDO, P("[\"a\"]"), NULL },
		{ PSEUDO, G("{\"type\":\"Point\",\"coordinates\":[7,51]}"),
		    NULL },
		{ PSEUDO, "{\"type\":\"LanguageProperty\",\"languageMap\":"
			  "{\"de\":\"a\"}}", NULL },
		{ NO_KEY, P("\"a\""), NULL },
		{ NO_KEY, R("\"urn:a:1\""), NULL },
		{ CONST("x"), G("{\"type\":\"Point\",\"coordinates\":[7,51]}"),
		    NULL },
		{ CONST("no uri"), R("\"urn:a:1\""), NULL },
		{ CONST("nouri"), R("\"urn:a:1\""), NULL },
		{ CONST("x"), L("[\"urn:a:1\"]"), NULL },
	};

	(void)state;
	check_instances(cases, COUNT(cases));
}

static void
suppresses_below_the_limit_only(void **state)
{
	static const struct instance_case cases[] = {
		{ SUPPRESS, P("2"), NULL },
		{ SUPPRESS, P("-7"), NULL },
		{ SUPPRESS, P("2.999999999999999999999999"), NULL },
		{ SUPPRESS, P("0.3e-9999999999999"), NULL },
		{ SUPPRESS, P("3"), P("3") },
		{ SUPPRESS, P("3.0"), P("3.0") },
		{ SUPPRESS, P("0.3e1"), P("0.3e1") },
		{ SUPPRESS, P("12345678901234567890"),
		    P("12345678901234567890") },
	};

	(void)state;
	check_instances(cases, COUNT(cases));
}

static void
truncates_times_downwards_in_utc(void **state)
{
	static const struct instance_case cases[] = {
		{ TRUNC, P("\"2026-11-22T17:59:59.999Z\""),
		    P("\"2026-11-22T17:45:00Z\"") },
		{ TRUNC, P("\"2026-11-22T17:45:00Z\""),
		    P("\"2026-11-22T17:45:00Z\"") },
		{ TRUNC, P("\"2026-11-22T18:50:00+01:00\""),
		    P("\"2026-11-22T17:45:00Z\"") },
		{ TRUNC, P("\"1969-12-31T23:59:59Z\""),
		    P("\"1969-12-31T23:45:00Z\"") },
		{ TRUNC, P("{\"@type\":\"DateTime\",\"@value\":"
			   "\"2026-11-22T17:59:59Z\",\"secret\":1}"),
		    P("{\"@type\":\"DateTime\",\"@value\":"
		      "\"2026-11-22T17:45:00Z\"}") },
		{ TRUNC, AT("\"2026-11-22T17:59:59Z\"",
			    "2026-11-22T18:01:02.5Z"),
		    AT("\"2026-11-22T17:45:00Z\"", "2026-11-22T18:00:00Z") },
		{ DAY, AT("\"2026-11-22T00:30:00+01:00\"",
			  "2026-11-22T23:59:00Z"),
		    AT("\"2026-11-21T00:00:00Z\"", "2026-11-22T00:00:00Z") },
		/* what no year from 1 to 9999 holds is gone */
		{ YEAR, P("\"0001-01-01T00:00:00+14:00\""), NULL },
		{ YEAR, P("\"0001-11-28T00:00:00Z\""), NULL },
		{ YEAR, P("\"0001-12-28T00:00:00Z\""),
		    P("\"0001-12-05T00:00:00Z\"") },
		{ TRUNC, P("\"9999-12-31T23:59:59-14:00\""), NULL },
		{ TRUNC, P("\"9999-12-31T23:59:59Z\""),
		    P("\"9999-12-31T23:45:00Z\"") },
	};

	(void)state;
	check_instances(cases, COUNT(cases));
}

#define POINT(c) G("{\"type\":\"Point\",\"coordinates\":[" c "]}")

/* As the formula has it, worked out apart (python3, math.cos). */
static void
puts_points_into_the_middle_of_their_cell(void **state)
{
	static const struct instance_case cases[] = {
		{ GRID, POINT("7.5936,51.4389,112.5"),
		    POINT("7.591128,51.439544") },
		{ GRID, POINT("7.59360001,51.43890001"),
		    POINT("7.591128,51.439544") },
		{ GRID, POINT("0,0"), POINT("0.002246,0.002246") },
		{ GRID, POINT("-0.001,-0.001"), POINT("-0.002246,-0.002246") },
		{ GRID, POINT("180,0"), POINT("180.000000,0.002246") },
		{ GRID, POINT("-180,90"), POINT("-180.000000,89.999551") },
		{ GRID, POINT("7.5936,-90"), POINT("180.000000,-89.999551") },
		{ GRID, G("{\"coordinates\":[0,0],\"type\":\"Point\","
			  "\"bbox\":[7.59,51.43,7.60,51.44]}"),
		    POINT("0.002246,0.002246") },
		/* larger than the globe is high: its rows have two middles */
		{ { .kind = TRANSFORM_GRID, .metres = 100000000 },
		    POINT("7,51"), POINT("180.000000,90.000000") },
		{ { .kind = TRANSFORM_GRID, .metres = 100000000 },
		    POINT("-7,-51"), POINT("-180.000000,-90.000000") },
	};

	(void)state;
	check_instances(cases, COUNT(cases));
}

static void
keeps_the_kind_of_a_constant(void **state)
{
	static const struct instance_case cases[] = {
		{ CONST("Gerät"), P("\"a\""), P("\"Gerät\"") },
		{ CONST("\"\\"), P("17"), P("\"\\\"\\\\\"") },
		{ CONST("urn:x:1"), R("[\"urn:a:1\",\"urn:a:2\"]"),
		    R("\"urn:x:1\"") },
		{ CONST("urn:x:1"), L("[{\"object\":\"urn:a:1\"}]"),
		    L("[\"urn:x:1\"]") },
		{ CONST("x"), "{\"type\":\"LanguageProperty\",\"languageMap\":"
			      "{\"de\":\"a\"}}",
		    "{\"type\":\"LanguageProperty\",\"languageMap\":"
		    "{\"@none\":\"x\"}}" },
		{ CONST("x"), "{\"type\":\"JsonProperty\",\"json\":{\"a\":1}}",
		    "{\"type\":\"JsonProperty\",\"json\":\"x\"}" },
		{ CONST("x"), "{\"type\":\"VocabProperty\",\"vocab\":\"a\"}",
		    "{\"type\":\"VocabProperty\",\"vocab\":\"x\"}" },
		{ CONST("x"), "{\"type\":\"ListProperty\",\"valueList\":[1]}",
		    "{\"type\":\"ListProperty\",\"valueList\":[\"x\"]}" },
	};

	(void)state;
	check_instances(cases, COUNT(cases));
}

static void
lets_only_bare_members_travel(void **state)
{
	static const struct instance_case cases[] = {
		{ ROUND, "{\"accuracy\":{\"value\":3.4712},"
			 "\"unitCode\":\"MTR\","
			 "\"value\":3.4712,\"datasetId\":\"urn:d:1\","
			 "\"previousValue\":3.4711,"
			 "\"observedAt\":{\"@type\":\"DateTime\",\"@value\":"
			 "\"2026-11-22T17:45:00Z\",\"hint\":3.4712},"
			 "\"modifiedAt\":\"2026-11-22T17:45:01Z\","
			 "\"expiresAt\":\"2027-11-22T17:45:01Z\"}",
		    "{\"type\":\"Property\",\"value\":3.45,"
		    "\"unitCode\":\"MTR\",\"datasetId\":\"urn:d:1\","
		    "\"observedAt\":\"2026-11-22T17:45:00Z\","
		    "\"modifiedAt\":\"2026-11-22T17:45:01Z\"}" },
		/* names written with escapes are the same names */
		{ ROUND, "{\"v\\u0061lue\":3.4712,\"unitCod\\u0065\":"
			 "\"M\\u0054R\",\"\\u0061ccuracy\":3.4712}",
		    "{\"type\":\"Property\",\"value\":3.45,"
		    "\"unitCod\\u0065\":\"M\\u0054R\"}" },
		{ ROUND, "{\"value\":3.4712,\"unitCode\":17,\"datasetId\":4}",
		    P("3.45") },
	};

	(void)state;
	check_instances(cases, COUNT(cases));
}

/* ---- pseudonyms */

static struct str
pseudonym(const char *text, const unsigned char *k, struct arena *a)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct transform t = { .kind = TRANSFORM_PSEUDONYM, .key = k };
	struct document *doc = arena_alloc(a, sizeof(*doc));
	struct instance in = { .doc = doc };

	assert_int_equal(json_parse(&doc->json, str_of(text), &limits, a),
	    HUB_OK);
	instance_classify(&in, a);
	assert_true(transform_apply(&t, &in, a));
	return (json_span(&in.doc->json, in.value));
}

static void
gives_the_same_pseudonym_to_the_same_name(void **state)
{
	struct arena *a = arena_new();
	struct str one = pseudonym(P("\"urn:a:1\""), key, a);
	struct str urn = pseudonym(R("\"urn:a:1\""), key, a);
	struct str list = pseudonym(R("[\"urn:a:1\",\"urn:a:2\"]"), key, a);
	struct str objects = pseudonym(
	    L("[{\"object\":\"urn:a:1\"},\"urn:a:2\"]"), key, a);
	const char *want;

	(void)state;
	assert_int_equal(one.len, 34);
	/* HMAC-SHA-256 under "secret" and 26 zeros, cut: python3, hmac */
	assert_true(str_eq(one, STR("\"fccabb90c378547b69b947b4423f5243\"")));
	assert_true(str_eq(one, pseudonym(P("\"urn\\u003aa:1\""), key, a)));
	assert_false(str_eq(one, pseudonym(P("\"urn:a:2\""), key, a)));
	want = arena_printf(a, "\"urn:ngsi-ld:Pseudonym:%.*s",
	    STR_FMT(str_from(one, 1)));
	assert_true(str_eq(urn, str_of(want)));
	assert_true(str_prefix(list,
	    str_of(arena_printf(a, "[%s,\"urn:ngsi-ld:Pseudonym:", want))));
	assert_true(str_prefix(objects,
	    str_of(arena_printf(a, "[{\"object\":%s},\"urn:ngsi", want))));
	arena_free(a);
}

static void
derives_a_key_for_each_use(void **state)
{
	static const char *const pairs[][2] = { { "a", "bc" }, { "ab", "c" },
		{ "a", "b" }, { "1", "1:a" }, { "1:1", "a" } };
	unsigned char keys[COUNT(pairs)][PSEUDONYM_KEY_LEN];
	unsigned char other[PSEUDONYM_KEY_LEN];

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		pseudonym_key(STR("master"), str_of(pairs[i][0]),
		    str_of(pairs[i][1]), keys[i]);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(keys[i], keys[k],
			    PSEUDONYM_KEY_LEN);
	}
	pseudonym_key(STR("master"), STR("a"), STR("bc"), other);
	assert_memory_equal(other, keys[0], PSEUDONYM_KEY_LEN);
	pseudonym_key(STR("Master"), STR("a"), STR("bc"), other);
	assert_memory_not_equal(other, keys[0], PSEUDONYM_KEY_LEN);
}

static void
knows_its_like(void **state)
{
	static const unsigned char copy[PSEUDONYM_KEY_LEN] = "secret";
	static const unsigned char another[PSEUDONYM_KEY_LEN] = "Secret";
	static const struct transform all[] = { ROUND, BUCKET, GRID, TRUNC,
		DAY, SUPPRESS, PSEUDO, CONST("x"), CONST("y"), NO_KEY,
		{ .kind = TRANSFORM_PSEUDONYM, .key = another },
		{ .kind = TRANSFORM_BUCKET, .step = 5, .places = 1 },
		{ .kind = TRANSFORM_SUPPRESS, .below = 4 } };
	struct transform t;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++)
		for (size_t k = 0; k < COUNT(all); k++)
			assert_int_equal(transform_same(&all[i], &all[k]),
			    i == k);
	t = (struct transform){ .kind = TRANSFORM_PSEUDONYM, .key = copy };
	assert_true(transform_same(&t, &(struct transform)PSEUDO));
	/* without keys nobody knows */
	t.key = NULL;
	assert_false(transform_same(&t, &(struct transform)NO_KEY));
	transform_step(&t, STR("0.050"));
	t.kind = TRANSFORM_ROUND;
	assert_true(transform_same(&t, &(struct transform)ROUND));
}

/* ---- in region files */

static const char base_text[] =
    "tenant pp { name = P  kind = city }\n"
    "tenant cc { name = C  kind = municipality }\n"
    "tenant ee { name = E  kind = municipality }\n"
    "source ss { owner = pp  endpoint = \"https://a\" }\n"
    "dataset dd { source = ss  ids = {\"urn:a:*\"}  type T { } type U { } }\n"
    "dataset ff { source = ss  ids = {\"urn:b:*\"}  type T { } }\n"
    "purpose qq { title = Q }  purpose rr { title = R }\n"
    "agreement aa { version = 1  provider = pp  consumer = cc\n"
    "  dataset = dd  purpose = qq  actions = {query, retrieve}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  share T { round x { to = 0.5 } pseudonym y { } } }\n"
    "agreement bb { version = 1  provider = pp  consumer = %s\n"
    "  dataset = %s  purpose = %s  actions = {%s}\n"
    "  valid = \"%s\"\n"
    "  share %s { %s } }\n";

static void
refuses_two_ideas_of_one_attribute(void **state)
{
#define YEAR_2026 "2026-01-01..2026-12-31"
	static const struct {
		const char *consumer, *dataset, *purpose, *actions, *valid,
		    *type, *rules;
		bool bad;
	} cases[] = {
		{ "cc", "dd", "qq", "query", YEAR_2026, "T",
		    "round x { to = 0.05 }", true },
		{ "cc", "dd", "qq", "query", YEAR_2026, "T",
		    "bucket x { by = 0.5 }", true },
		{ "cc", "dd", "qq", "retrieve, temporal", YEAR_2026, "T",
		    "allow = {x} bucket x { by = 0.5 }", true },
		{ "cc", "dd", "qq", "query", "2026-12-31..2027-12-31", "T",
		    "round x { to = 0.05 }", true },
		/* of each agreement its own */
		{ "cc", "dd", "qq", "query", YEAR_2026, "T",
		    "pseudonym y { }", true },
		{ "cc", "dd", "qq", "query", YEAR_2026, "T",
		    "round x { to = 0.50 }", false },
		{ "cc", "dd", "qq", "query", YEAR_2026, "T",
		    "allow = {x}", false },
		{ "cc", "dd", "qq", "query", YEAR_2026, "T",
		    "round z { to = 0.05 }", false },
		{ "ee", "dd", "qq", "query", YEAR_2026, "T",
		    "round x { to = 0.05 }", false },
		{ "cc", "ff", "qq", "query", YEAR_2026, "T",
		    "round x { to = 0.05 }", false },
		{ "cc", "dd", "rr", "query", YEAR_2026, "T",
		    "round x { to = 0.05 }", false },
		{ "cc", "dd", "qq", "temporal", YEAR_2026, "T",
		    "round x { to = 0.05 }", false },
		{ "cc", "dd", "qq", "query", "2027-01-01..2027-12-31", "T",
		    "round x { to = 0.05 }", false },
		{ "cc", "dd", "qq", "query", YEAR_2026, "U",
		    "round x { to = 0.05 }", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_new();
		struct region_file file = { STR("a.hub"),
			str_of(arena_printf(a, base_text, cases[i].consumer,
			    cases[i].dataset, cases[i].purpose,
			    cases[i].actions, cases[i].valid, cases[i].type,
			    cases[i].rules)) };
		struct region_message *m;
		struct region *region;
		unsigned n, errors = 0;
		enum hub_err err = region_parse(&file, 1, &region, a, &m, &n);

		for (unsigned k = 0; k < n; k++)
			if (!m[k].warning) {
				errors++;
				assert_int_equal(m[k].line, 15);
				assert_non_null(strstr(arena_str(a,
				    m[k].text).p, "a.hub:11, agreement aa, "
				    "makes something else of it"));
			}
		if ((err != HUB_OK) != cases[i].bad ||
		    errors != cases[i].bad)
			fail_msg("%zu: %u errors", i, errors);
		region_free(region);
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_halves_away_from_zero),
		cmocka_unit_test(buckets_begin_at_their_lower_edge),
		cmocka_unit_test(keeps_hundreds_of_digits),
		cmocka_unit_test(drops_values_of_the_wrong_kind),
		cmocka_unit_test(suppresses_below_the_limit_only),
		cmocka_unit_test(truncates_times_downwards_in_utc),
		cmocka_unit_test(puts_points_into_the_middle_of_their_cell),
		cmocka_unit_test(keeps_the_kind_of_a_constant),
		cmocka_unit_test(lets_only_bare_members_travel),
		cmocka_unit_test(gives_the_same_pseudonym_to_the_same_name),
		cmocka_unit_test(derives_a_key_for_each_use),
		cmocka_unit_test(knows_its_like),
		cmocka_unit_test(refuses_two_ideas_of_one_attribute),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
