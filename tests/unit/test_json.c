/* tests/unit/test_json.c - the span scanner, with and without vector code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/ngsild/json.h"

/* The same source once more, as it is built where there is no SSE2. */
enum hub_err scalar_parse(
    struct json *, struct str, const struct json_limits *, struct arena *);
uint32_t scalar_nodes_fit(size_t, size_t, const struct json_limits *);
size_t scalar_tape_bytes(size_t, uint32_t);
#define HUB_JSON_SCALAR
#define json_parse scalar_parse
#define json_nodes_fit scalar_nodes_fit
#define json_tape_bytes scalar_tape_bytes
#include "server/ngsild/json.c"
#undef json_parse
#undef json_nodes_fit
#undef json_tape_bytes

static const struct json_limits limits = JSON_LIMITS_BROKER;

/* Both builds must say the same; the text ends where its block ends, so that
 * a sanitizer sees a byte too many. */
static enum hub_err
parse_limited(struct json *j, struct str text, const struct json_limits *l,
    struct arena *arena)
{
	struct json a = { 0 }, b = { 0 };
	enum hub_err err = json_parse(&a, text, l, arena);

	assert_int_equal(err, scalar_parse(&b, text, l, arena));
	if (err != HUB_OK)
		return (err);
	assert_int_equal(a.n, b.n);
	for (uint32_t i = 0; i < a.n; i++) {
		assert_int_equal(a.nodes[i].off, b.nodes[i].off);
		assert_int_equal(a.nodes[i].len, b.nodes[i].len);
		assert_int_equal(a.nodes[i].next, b.nodes[i].next);
		assert_int_equal(a.nodes[i].count, b.nodes[i].count);
		assert_int_equal(a.nodes[i].kind, b.nodes[i].kind);
		assert_int_equal(a.nodes[i].escaped, b.nodes[i].escaped);
		assert_int_equal(a.nodes[i].name, b.nodes[i].name);
		assert_false(b.nodes[i].alike || b.nodes[i].same);
	}
	assert_int_equal(a.odd_names, b.odd_names);
	*j = a;
	return (HUB_OK);
}

static enum hub_err
parse(struct json *j, struct str text, struct arena *arena)
{
	return (parse_limited(j, text, &limits, arena));
}

static enum hub_err
verdict(struct str text)
{
	struct arena *arena = arena_new();
	char *exact = malloc(text.len > 0 ? text.len : 1);
	struct json j;
	enum hub_err err;

	assert_non_null(exact);
	if (text.len > 0)
		memcpy(exact, text.p, text.len);
	err = parse(&j, (struct str){ exact, text.len }, arena);
	free(exact);
	arena_free(arena);
	return (err);
}

static void
accepts_what_rfc_8259_allows(void **state)
{
	static const char *const texts[] = { "0", "-0", "1", "-1.5", "1e5",
		"1E+05", "0.0e-0", "10.01", "true", "false", "null", "\"\"",
		"[]", "{}", " [ ] ", "\t\r\n{ }\n", "[1,2]", "[[],{}]",
		"{\"a\":1}", "{\"a\":{\"a\":{\"a\":[]}}}", "{\"\":0,\" \":1}",
		"{\"a\":1,\"A\":2}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uabCD\"",
		"\"\\ud83d\\ude00\"", "\"\xc2\x80\xdf\xbf\"",
		"\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
		"\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", "\"\x7f\"",
		"12345678901234567890123456789012345678901234567890",
		"\"0123456789abcdef0123456789abcde\xc3\xa4\"",
		"[0,\"a\",null,true,false,{},[]]" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (verdict(str_of(texts[i])) != HUB_OK)
			fail_msg("refused: %s", texts[i]);
}

static void
refuses_what_rfc_8259_does_not(void **state)
{
	static const char *const texts[] = { "", " ", "01", "-", "+1", "1.",
		".5", "1e", "1e+", "1.e1", "-01", "0x1", "NaN", "Infinity",
		"1 2", "[1 2]", "[1,]", "[,1]", "[,]", "[", "]", "[}", "{]",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}",
		"{\"a\":1 \"b\":2}", "{\"a\" 1}", "{\"a\"::1}", "'a'", "\"",
		"\"a", "\"\\", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u123g\"",
		"\"\\U0041\"", "\"\\ud800\"", "\"\\udc00\"",
		"\"\\ud800\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\u0041\"",
		"\"\\ud800\\", "\"a\nb\"", "\"\t\"", "\"\x1f\"", "tru", "truE",
		"nul", "nulll", "falsee", "[1]]", "{}{}", "[]x", "/**/1",
		"\xef\xbb\xbf"
		"1",
		"\"\x80\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xe0\x9f\xbf\"",
		"\"\xed\xa0\x80\"", "\"\xf0\x8f\xbf\xbf\"",
		"\"\xf4\x90\x80\x80\"", "\"\xf5\"", "\"\xff\"", "\"\xc3\"",
		"\"\xe2\x82\"", "\"\xf0\x9f\x98\"", "\"0123456789abcdef\xc3",
		"\"0123456789abcd\x01\"", "[\x0b]", "[\xc2\xa0]",
		"\xe2\x80\xa8"
		"1" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (verdict(str_of(texts[i])) != HUB_ESYNTAX)
			fail_msg("accepted: %s", texts[i]);
	assert_int_equal(verdict(STR("\"a\0b\"")), HUB_ESYNTAX);
	assert_int_equal(verdict(STR("\"\\\0\"")), HUB_ESYNTAX);
	assert_int_equal(verdict(STR("1\0")), HUB_ESYNTAX);
}

static void
sees_a_bad_byte_at_every_place_of_a_string(void **state)
{
	char text[160]; /* more than two blocks of 64 */

	(void)state;
	for (size_t len = 1; len < 140; len++)
		for (size_t at = 1; at <= len; at++) {
			memset(text, 'x', sizeof(text));
			text[0] = text[len + 1] = '"';
			assert_int_equal(
			    verdict((struct str){ text, len + 2 }), HUB_OK);
			text[at] = '\x02';
			assert_int_equal(verdict((struct str){ text, len + 2 }),
			    HUB_ESYNTAX);
			text[at] = '\x80';
			assert_int_equal(verdict((struct str){ text, len + 2 }),
			    HUB_ESYNTAX);
		}
}

static void
refuses_one_name_twice(void **state)
{
	static const char *const texts[] = { "{\"a\":1,\"a\":2}",
		"{\"a\":1,\"b\":{\"a\":1},\"a\":3}", "{\"\":1,\"\":2}",
		"{\"refDevice\":1,\"\\u0072efDevice\":2}",
		"{\"\\u0072\":1,\"\\u0072\":2}", "{\"\\/\":1,\"/\":2}",
		"{\"\xc3\xa4\":1,\"\\u00e4\":2}",
		"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}",
		"[{},{\"x\":[],\"y\":{\"z\":1,\"z\":2}}]",
		"{\"abcdefgh\":1,\"ab\":2,\"abcdefgh\":3}",
		"{\"type\":1,\"value\":{\"type\":2,\"value\":[{}]},"
		"\"type\":3}",
		"[{\"id\":1,\"list\":[[{\"id\":2}],{\"id\":3}],"
		"\"id\":4}]",
		"{\"12345678a12345678\":1,\"12345678b12345678\":2,"
		"\"12345678b12345678\":3}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (verdict(str_of(texts[i])) != HUB_ESYNTAX)
			fail_msg("accepted: %s", texts[i]);
	/* alike in length and at both ends, and yet not the same */
	assert_int_equal(verdict(STR("{\"12345678a12345678\":1,"
				     "\"12345678b12345678\":2}")),
	    HUB_OK);
}

/* An object of n members; the last one named like member twice, if below n. */
static enum hub_err
wide(uint32_t n, uint32_t twice)
{
	enum hub_err err;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addc(&b, '{');
	for (uint32_t i = 0; i < n; i++)
		buf_addf(&b, "%s\"%sk%u\":[%u]", i > 0 ? "," : "",
		    i % 2 == 1 ? "\\u0061" : "a",
		    i == n - 1 && twice < n ? twice : i, i);
	buf_addc(&b, '}');
	err = verdict(buf_str(&b));
	buf_clear(&b);
	return (err);
}

static void
finds_a_repeated_name_in_wide_objects(void **state)
{
	static const uint32_t sizes[] = { 2, 3, 15, 16, 17, 18, 31, 32, 33, 64,
		65, 500, 1023, 1024 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(wide(sizes[i], UINT32_MAX), HUB_OK);
		assert_int_equal(wide(sizes[i], 0), HUB_ESYNTAX);
		assert_int_equal(wide(sizes[i], sizes[i] - 2), HUB_ESYNTAX);
	}
	assert_int_equal(wide(1025, UINT32_MAX), HUB_EFULL);
}

static void
keeps_its_limits(void **state)
{
	static const struct {
		const char *text;
		struct json_limits limits;
		enum hub_err err;
	} cases[] = { { "[[1]]", { 2, 9, 9 }, HUB_OK },
		{ "[[[1]]]", { 2, 9, 9 }, HUB_EFULL },
		{ "[[],[],{}]", { 2, 9, 9 }, HUB_OK },
		{ "{\"a\":{}}", { 1, 9, 9 }, HUB_EFULL },
		{ "{\"a\":1,\"b\":2}", { 9, 2, 9 }, HUB_OK },
		{ "{\"a\":1,\"b\":2}", { 9, 1, 9 }, HUB_EFULL },
		{ "[1,2,3]", { 9, 1, 4 }, HUB_OK },
		{ "[1,2,3]", { 9, 1, 3 }, HUB_EFULL },
		{ "[[]]", { 9, 1, 1 }, HUB_EFULL },
		{ "1", { 0, 0, 1 }, HUB_OK }, { "1", { 9, 9, 0 }, HUB_EFULL },
		{ "[]", { 0, 9, 9 }, HUB_EFULL },
		{ "{\"a\":1}", { 9, 0, 9 }, HUB_EFULL } };
	struct arena *arena = arena_new();
	struct json j;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(parse_limited(&j, str_of(cases[i].text),
				     &cases[i].limits, arena),
		    cases[i].err);
	arena_free(arena);
}

static void
takes_no_more_memory_than_marks(void **state)
{
	struct arena *arena = arena_new();
	char text[4096];
	struct json j;

	(void)state;
	memset(text, '[', sizeof(text));
	assert_int_equal(json_parse(&j, (struct str){ text, sizeof(text) },
			     &(struct json_limits){ 32, 1024, 100 }, arena),
	    HUB_EFULL);
	assert_true(arena_used(arena) <= 100 * sizeof(struct json_node) + 16);
	arena_free(arena);
}

/* Objects with so many short values that the tape grows in them. */
/* What a tape may take is known before: texts that are read into many times
 * their bytes are refused where it is too much, and only there. */
static void
fits_into_the_room_there_is(void **state)
{
	static const struct {
		const char *unit;
		uint32_t nodes; /* of it */
	} cases[] = { { "1,", 1 }, { "[],", 1 }, { "{},", 1 }, { "\"\",", 1 },
		{ "[[]],", 2 }, { "{\"a\":1},", 3 }, { "\",,,,,\",", 1 },
		{ "12345678,", 1 } };
	const struct json_limits all = JSON_LIMITS_BROKER;
	struct json_limits less = all;
	struct json j;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&b);
		buf_addc(&b, '[');
		for (int k = 0; k < 2000; k++)
			buf_adds(&b, str_of(cases[i].unit));
		buf_adds(&b, STR("0]"));
		for (size_t room = 0; room < 400000; room += 20011) {
			struct arena *arena = arena_new();
			bool fits;

			less.nodes = json_nodes_fit(b.len, room, &all);
			fits = less.nodes >= 2000 * cases[i].nodes + 2;
			assert_true(less.nodes == 0 ||
			    json_tape_bytes(b.len, less.nodes) <= room);
			assert_int_equal(json_parse(&j, buf_str(&b), &less,
					     arena),
			    fits ? HUB_OK : HUB_EFULL);
			assert_true(arena_used(arena) <=
			    json_tape_bytes(b.len, less.nodes));
			assert_true(fits || room < 350000);
			arena_free(arena);
		}
	}
	buf_clear(&b);
	assert_true(json_nodes_fit(1000, SIZE_MAX, &all) >= 500);
	assert_int_equal(json_nodes_fit(1U << 30, SIZE_MAX, &all), all.nodes);
	assert_int_equal(json_nodes_fit(1000, 100, &all), 0);
}

static void
grows_where_values_stand_close(void **state)
{
	struct arena *arena = arena_new();
	struct json j;
	struct buf b;

	(void)state;
	for (uint32_t n = 1; n < 80; n++) {
		buf_init(&b, 1 << 16);
		BUF_LIT(&b, "{\"type\":{\"type\":[");
		for (uint32_t i = 0; i < n; i++)
			BUF_LIT(&b, "[],");
		BUF_LIT(&b, "{\"k\":1}],\"value\":2},\"value\":{},\"");
		assert_int_equal(verdict(buf_str(&b)), HUB_ESYNTAX);
		buf_adds(&b, n % 2 == 0 ? STR("type") : STR("name"));
		BUF_LIT(&b, "\":3}");
		if (n % 2 == 0)
			assert_int_equal(verdict(buf_str(&b)), HUB_ESYNTAX);
		else {
			assert_int_equal(parse(&j, buf_str(&b), arena), HUB_OK);
			assert_int_equal(j.n, n + 14);
			assert_int_equal(j.nodes[0].count, 3);
			assert_int_equal(j.nodes[2].count, 2);
			assert_int_equal(j.nodes[4].count, n + 1);
			assert_int_equal(j.nodes[1].next, 2);
			assert_int_equal(j.nodes[3].next, 4);
			assert_int_equal(j.nodes[1].count, 0);
			assert_int_equal(j.nodes[3].count, 0);
		}
		buf_clear(&b);
	}
	arena_free(arena);
}

static void
notes_where_each_value_stands(void **state)
{
	static const struct {
		enum json_kind kind;
		const char *span;
		uint32_t next, count;
	} nodes[] = { { JSON_OBJECT, "{\"a\" : [1, \"x\\n\", {}],\"b\":-2.50}",
			  8, 2 },
		{ JSON_STRING, "\"a\"", 2, 0 },
		{ JSON_ARRAY, "[1, \"x\\n\", {}]", 6, 3 },
		{ JSON_NUMBER, "1", 4, 0 }, { JSON_STRING, "\"x\\n\"", 5, 0 },
		{ JSON_OBJECT, "{}", 6, 0 }, { JSON_STRING, "\"b\"", 7, 0 },
		{ JSON_NUMBER, "-2.50", 8, 0 } };
	struct arena *arena = arena_new();
	struct json j;

	(void)state;
	assert_int_equal(
	    parse(&j, STR(" {\"a\" : [1, \"x\\n\", {}],\"b\":-2.50} "), arena),
	    HUB_OK);
	assert_int_equal(j.n, 8);
	for (uint32_t i = 0; i < j.n; i++) {
		assert_int_equal(j.nodes[i].kind, nodes[i].kind);
		assert_true(str_eq(json_span(&j, i), str_of(nodes[i].span)));
		assert_int_equal(j.nodes[i].next, nodes[i].next);
		assert_int_equal(j.nodes[i].count, nodes[i].count);
		assert_int_equal(j.nodes[i].escaped, i == 4);
	}
	arena_free(arena);
}

static void
decodes_escapes(void **state)
{
	static const struct {
		const char *text;
		struct str is;
	} cases[] = { { "\"plain\"", { "plain", 5 } },
		{ "\"\\u0072efDevice\"", { "refDevice", 9 } },
		{ "\"a\\u0000b\"", { "a\0b", 3 } },
		{ "\"\\b\\f\\n\\r\\t\\\"\\\\\\/\"", { "\b\f\n\r\t\"\\/", 8 } },
		{ "\"\\u00e4\\u20AC\\ud83d\\ude00\"",
		    { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9 } },
		{ "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		    { "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11 } },
		{ "\"\"", { "", 0 } } };
	struct arena *arena = arena_new();
	struct json j;
	struct str s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    parse(&j, str_of(cases[i].text), arena), HUB_OK);
		s = json_text(&j, 0, arena);
		assert_true(str_eq(s, cases[i].is));
		assert_true(json_is(&j, 0, cases[i].is));
		assert_false(json_is(&j, 0, STR("another")));
		if (s.len > 0) {
			s.len--;
			assert_false(json_is(&j, 0, s));
		}
	}
	arena_free(arena);
}

static void
finds_members_by_their_decoded_name(void **state)
{
	struct arena *arena = arena_new();
	struct json j;

	(void)state;
	assert_int_equal(parse(&j,
			     STR("{\"x\":{\"id\":0},\"\\u0069d\":\"u\","
				 "\"n\":null}"),
			     arena),
	    HUB_OK);
	assert_true(json_is(&j, json_member(&j, 0, STR("id")), STR("u")));
	assert_int_equal(j.nodes[json_member(&j, 0, STR("n"))].kind, JSON_NULL);
	assert_int_equal(json_member(&j, 0, STR("no")), 0);
	assert_int_equal(json_member(&j, 1, STR("id")), 0); /* a string */
	assert_false(json_is(&j, 0, STR("")));
	arena_free(arena);
}

static void
orders_numbers_as_decimals(void **state)
{
	static const struct {
		const char *a, *b;
		int c;
	} cases[] = { { "0", "-0", 0 }, { "0e99", "-0.00e-7", 0 },
		{ "1", "1.0", 0 }, { "100", "1e2", 0 }, { "1E2", "100.000", 0 },
		{ "0.001", "1e-3", 0 }, { "0.00120", "12e-4", 0 },
		{ "1.5e1", "15", 0 }, { "21.10", "21.1", 0 }, { "1", "2", -1 },
		{ "-1", "1", -1 }, { "-2", "-1", -1 }, { "9", "10", -1 },
		{ "-9", "-10", 1 }, { "0", "0.0001", -1 },
		{ "0", "-0.0001", 1 }, { "1.05", "1.5", -1 },
		{ "12345678901234567890", "12345678901234567891", -1 },
		{ "0.1", "0.10000000000000000000000000000001", -1 },
		{ "1e400", "1e401", -1 }, { "1e-400", "1e-401", 1 },
		{ "-1e400", "-1e401", 1 },
		{ "1e00000000000000000003", "1e3", 0 },
		{ "1e99999999999999999999", "1e99999999999999999998", 1 },
		{ "10e99999999999999999998", "1e99999999999999999999", 0 },
		{ "1e-99999999999999999999", "1e99999999999999999999", -1 },
		{ "1e-99999999999999999999", "0", 1 },
		{ "0.1e-99999999999999999998", "1e-99999999999999999999", 0 },
		{ "1e+5", "1e5", 0 }, { "1e-0", "1e+0", 0 },
		{ "1e100000000000000000000", "9e99999999999999999999", 1 },
		{ "1000e-3", "1", 0 }, { "5e-1", "0.49", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str a = str_of(cases[i].a), b = str_of(cases[i].b);

		if (json_number_cmp(a, b) != cases[i].c ||
		    json_number_cmp(b, a) != -cases[i].c)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
		assert_int_equal(json_number_cmp(a, a), 0);
	}
}

static void
weighs_a_long_exponent_against_many_digits(void **state)
{
	char digits[1107];

	(void)state;
	memset(digits, '0', sizeof(digits));
	digits[0] = '1';
	assert_int_equal(json_number_cmp(STR("1e1106"),
			     (struct str){ digits, sizeof(digits) }),
	    0);
	assert_int_equal(json_number_cmp(STR("1e1105"),
			     (struct str){ digits, sizeof(digits) }),
	    -1);
}

/* Against what doubles say of numbers that they hold exactly. */
static void
orders_numbers_as_doubles_do(void **state)
{
	char text[200][32];
	double value[200];
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		seed = seed * 1664525 + 1013904223;
		(void)snprintf(text[i], sizeof(text[i]), "%s%u.%03ue%d",
		    (seed & 1) != 0 ? "-" : "", seed >> 8 & 0xf,
		    (seed >> 12 & 7) * 125, (int)(seed >> 16 & 7) - 3);
		value[i] = strtod(text[i], NULL);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < 200; k++)
			assert_int_equal(
			    json_number_cmp(str_of(text[i]), str_of(text[k])),
			    (value[i] > value[k]) - (value[i] < value[k]));
}

static void
gives_doubles_that_are_numbers(void **state)
{
	struct arena *arena = arena_new();
	char many[1024];
	double v = 7;
	struct json j;

	(void)state;
	assert_int_equal(
	    parse(&j, STR("[7.5705,-1e2,1e999,\"1\",0]"), arena), HUB_OK);
	assert_true(json_double(&j, 1, &v));
	assert_true(v > 7.57049 && v < 7.57051);
	assert_true(json_double(&j, 2, &v));
	assert_true(v > -100.1 && v < -99.9);
	assert_false(json_double(&j, 3, &v));
	assert_false(json_double(&j, 4, &v));
	assert_true(v < -99); /* untouched */
	assert_true(json_double(&j, 5, &v));
	memset(many, '1', sizeof(many));
	assert_int_equal(
	    parse(&j, (struct str){ many, sizeof(many) }, arena), HUB_OK);
	assert_false(json_double(&j, 0, &v));
	arena_free(arena);
}

/* Which elements of an array, as letters: A alike, . not. Before them is a long
 * string, so that there is room on the tape. */
static void
sees_elements_that_are_alike(void **state)
{
	static const struct {
		const char *text, *alike;
	} cases[] = {
		{ "{\"a\":1},{\"a\":2},{\"a\":\"3\"}", ".A." },
		{ "{\"a\":1},{\"a\":-1.5e3},{\"a\":null}", ".AA" },
		{ "{\"a\":\"x\"},{\"a\":\"\xc3\xbc\"},{\"a\":\"\\n\"}", ".A." },
		{ "{\"a\":1},{\"b\":1},{\"b\":1,\"a\":1},{\"a\":1}", "...." },
		{ "{\"a\":[]},{\"a\":[]},{\"a\":[1]},{\"a\":[2]}", ".A.A" },
		{ "{},{},[],[],{},{}", ".A...A" },
		{ "{\"a\":1}, {\"a\":1},{\"a\": 1},{ \"a\":1}", ".A.." },
		{ "{\"a\":[{\"b\":1}]},{\"a\":[{\"b\":2}]}", ".A" },
		{ "[{\"a\":1}],{\"a\":1},1,{\"a\":1}", "...." },
		{ "{\"a\":{\"b\":[1,{}]}},{\"a\":{\"b\":[10,{}]}}", ".A" },
	};
	struct arena *arena = arena_new();
	struct json j;
	size_t i;

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		assert_int_equal(parse(&j, str_of(arena_printf(arena,
		    "[\"%0200d\",%s]", 0, cases[c].text)), arena), HUB_OK);
		i = 0;
		for (uint32_t e = 2; e < j.n; e = j.nodes[e].next)
			assert_int_equal(j.nodes[e].alike ? 'A' : '.',
			    cases[c].alike[i++]);
		assert_int_equal(cases[c].alike[i], '\0');
	}
	arena_free(arena);
}

/* One byte changed, left out or put in, wherever it is: what is alike is read
 * as by itself, and never more is (parse compares with the other build). */
static void
reads_what_is_alike_as_what_is_not(void **state)
{
	static const char text[] =
	    "[\"a long string makes room for nodes on the tape, as long values "
	    "do in an answer; without room elements are read one by one\","
	    "{\"i\":\"u:1\",\"n\":{\"t\":\"P\",\"v\":-1.5},"
	    "\"l\":[[1,{}],true]},"
	    "{\"i\":\"u:22\",\"n\":{\"t\":\"P\",\"v\":70},\"l\":[[0,{}],null]},"
	    "{\"i\":\"u:\xc3\xbc\",\"n\":{\"t\":\"\",\"v\":7},"
	    "\"l\":[[3,{}],1]}]";
	static const char bytes[] = "\"\\,:{}[] 0-.eniv\xc3\x01";
	char changed[sizeof(text) + 1];
	const size_t len = sizeof(text) - 1;
	struct arena *arena = arena_new();
	struct json j;

	(void)state;
	assert_int_equal(parse(&j, str_of(text), arena), HUB_OK);
	assert_true(j.nodes[j.nodes[2].next].alike);
	for (size_t at = 0; at < len; at++)
		for (size_t k = 0; k < sizeof(bytes); k++) {
			memcpy(changed, text, len);
			changed[at] = bytes[k];
			(void)parse(&j, (struct str){ changed, len }, arena);
			memcpy(changed + at + 1, text + at, len - at);
			(void)parse(
			    &j, (struct str){ changed, len + 1 }, arena);
			memcpy(changed + at, text + at + 1, len - at - 1);
			(void)parse(
			    &j, (struct str){ changed, len - 1 }, arena);
			arena_reset(arena);
		}
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_rfc_8259_allows),
		cmocka_unit_test(refuses_what_rfc_8259_does_not),
		cmocka_unit_test(sees_a_bad_byte_at_every_place_of_a_string),
		cmocka_unit_test(refuses_one_name_twice),
		cmocka_unit_test(finds_a_repeated_name_in_wide_objects),
		cmocka_unit_test(keeps_its_limits),
		cmocka_unit_test(takes_no_more_memory_than_marks),
		cmocka_unit_test(fits_into_the_room_there_is),
		cmocka_unit_test(grows_where_values_stand_close),
		cmocka_unit_test(notes_where_each_value_stands),
		cmocka_unit_test(sees_elements_that_are_alike),
		cmocka_unit_test(reads_what_is_alike_as_what_is_not),
		cmocka_unit_test(decodes_escapes),
		cmocka_unit_test(finds_members_by_their_decoded_name),
		cmocka_unit_test(orders_numbers_as_decimals),
		cmocka_unit_test(weighs_a_long_exponent_against_many_digits),
		cmocka_unit_test(orders_numbers_as_doubles_do),
		cmocka_unit_test(gives_doubles_that_are_numbers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
