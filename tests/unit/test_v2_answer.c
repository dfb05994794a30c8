/* tests/unit/test_v2_answer.c - what the answers of NGSI-v2 sources mean, row
 * by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/federation/v2_answer.h"
#include "server/ngsild/entity.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct json_limits limits = JSON_LIMITS_BROKER;

static void
assert_answer(const char *body, const char *scope, const char *want)
{
	struct buf b;

	buf_init(&b, 65536);
	if (v2_answer(str_of(body), &limits, str_of(scope), &b) != HUB_OK)
		fail_msg("%s is refused", body);
	if (strcmp(buf_cstr(&b), want) != 0)
		fail_msg("%s\nis   %s\nwant %s", body, buf_cstr(&b), want);
	buf_clear(&b);
}

/* An attribute of an entity, as the source has it and as it then is. */
struct attr_case {
	const char *name, *v2, *ld;
};

static void
assert_attrs(const struct attr_case *cases, size_t n)
{
	char body[4096], want[4096];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(body, sizeof(body),
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"%s\":%s}]",
		    cases[i].name, cases[i].v2);
		(void)snprintf(want, sizeof(want),
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"%s\":%s}]",
		    cases[i].name, cases[i].ld);
		assert_answer(body, "", want);
	}
}

#define V2(type, value) "{\"type\":\"" type "\",\"value\":" value "}"
#define LD(type, member, value)                                               \
	"{\"type\":\"" type "\",\"" member "\":" value "}"
#define PROPERTY(value) LD("Property", "value", value)
#define GEO(value)	LD("GeoProperty", "value", value)
#define PAIR(type, value)                                                     \
	PROPERTY("{\"@type\":\"" type "\",\"@value\":\"" value "\"}")

static void
keeps_the_bytes_of_plain_values(void **state)
{
	static const struct attr_case cases[] = {
		{ "a", V2("Number", "21.10"), PROPERTY("21.10") },
		{ "a", V2("Number", "1E+2"), PROPERTY("1E+2") },
		{ "a", V2("Integer", "-0"), PROPERTY("-0") },
		{ "a", V2("Number", "12345678901234567890.5"),
		    PROPERTY("12345678901234567890.5") },
		{ "a", V2("Number", "\"7\""), PROPERTY("\"7\"") },
		{ "a", V2("Text", "\"B\\u00f6nen \\\"x\\\"\""),
		    PROPERTY("\"B\\u00f6nen \\\"x\\\"\"") },
		{ "a", V2("Text", "\"\""), PROPERTY("\"\"") },
		{ "a", V2("Boolean", "false"), PROPERTY("false") },
		{ "a", V2("StructuredValue", "{\"x\" : [1, null]}"),
		    PROPERTY("{\"x\" : [1, null]}") },
		{ "a", V2("StructuredValue", "[]"), PROPERTY("[]") },
		{ "a", V2("Property", "1"), PROPERTY("1") },
		{ "a", V2("my own type", "1"), PROPERTY("1") },
		{ "a", "{\"value\":1}", PROPERTY("1") },
		{ "a", "{\"type\":7,\"value\":1}", PROPERTY("1") },
		{ "a", "{\"value\":1,\"metadata\":{}}", PROPERTY("1") },
		{ "a", "{\"value\":1,\"metadata\":7}", PROPERTY("1") },
	};

	(void)state;
	assert_attrs(cases, COUNT(cases));
}

static void
leaves_no_value_where_there_is_none(void **state)
{
	static const struct attr_case cases[] = {
		{ "a", V2("Number", "null"), "{}" },
		{ "a", "{\"type\":\"Number\"}", "{}" },
		{ "a", "7", "{}" },
		{ "a", "[{\"value\":1}]", "{}" },
		{ "a", "{\"type\":\"geo:json\",\"value\":null,\"metadata\":"
		       "{\"unit\":{\"value\":\"x\"}}}", "{}" },
	};

	(void)state;
	assert_attrs(cases, COUNT(cases));
}

static void
pairs_times_with_their_type(void **state)
{
	static const struct attr_case cases[] = {
		{ "a", V2("DateTime", "\"2026-11-22T17:45:00.000Z\""),
		    PAIR("DateTime", "2026-11-22T17:45:00.000Z") },
		{ "a", V2("ISO8601", "\"2026-11-22T17:45:00Z\""),
		    PAIR("DateTime", "2026-11-22T17:45:00Z") },
		{ "a", V2("datetime", "\"2026-11-22T18:45:00.5+01:00\""),
		    PAIR("DateTime", "2026-11-22T17:45:00.500000Z") },
		{ "a", V2("DateTime", "\"2026-11-22T17:45:00,5Z\""),
		    PAIR("DateTime", "2026-11-22T17:45:00.500000Z") },
		{ "a", V2("DateTime", "\"\\u0032026-11-22T17:45:00Z\""),
		    PAIR("DateTime", "2026-11-22T17:45:00Z") },
		{ "a", V2("Date", "\"2026-11-22\""),
		    PAIR("Date", "2026-11-22") },
		{ "a", V2("Time", "\"17:45:00\""), PAIR("Time", "17:45:00") },
		{ "a", V2("DateTime", "\" \""), PROPERTY("\" \"") },
		{ "a", V2("DateTime", "1700000000"), PROPERTY("1700000000") },
		{ "a", V2("Date", "\"soon\""), PROPERTY("\"soon\"") },
		{ "a", V2("Time", "7"), PROPERTY("7") },
	};

	(void)state;
	assert_attrs(cases, COUNT(cases));
}

static void
swaps_and_closes_places(void **state)
{
	static const struct attr_case cases[] = {
		{ "a", V2("geo:point", "\"51.44, 7.60\""),
		    GEO("{\"type\":\"Point\",\"coordinates\":[7.60,51.44]}") },
		{ "a", V2("geo:point", "\"51.44,7\\u002e60\""),
		    GEO("{\"type\":\"Point\",\"coordinates\":[7.60,51.44]}") },
		{ "a", V2("geo:line", "[\"51.1,7.1\",\"51.2, 7.2\"]"),
		    GEO("{\"type\":\"LineString\",\"coordinates\":"
			"[[7.1,51.1],[7.2,51.2]]}") },
		{ "a", V2("geo:polygon", "[\"51,7\",\"51,8\",\"52,8\"]"),
		    GEO("{\"type\":\"Polygon\",\"coordinates\":"
			"[[[7,51],[8,51],[8,52],[7,51]]]}") },
		{ "a", V2("geo:polygon",
			   "[\"51,7\",\"51,8\",\"52,8\",\"51,7\"]"),
		    GEO("{\"type\":\"Polygon\",\"coordinates\":"
			"[[[7,51],[8,51],[8,52],[7,51]]]}") },
		{ "a", V2("geo:box", "[\"51.0,7.0\",\"52.0,8.0\"]"),
		    GEO("{\"type\":\"Polygon\",\"coordinates\":[[[7.0,51.0],"
			"[8.0,51.0],[8.0,52.0],[7.0,52.0],[7.0,51.0]]]}") },
		{ "a", V2("geo:json",
			   "{\"type\":\"Point\",\"coordinates\":[7.6, 51.44]}"),
		    GEO("{\"type\":\"Point\",\"coordinates\":[7.6, 51.44]}") },
		{ "a", V2("Polygon", "{\"coordinates\":[[]],\"type\":\"X\"}"),
		    GEO("{\"coordinates\":[[]],\"type\":\"X\"}") },
		{ "a", V2("geo:json", "{\"type\":\"Feature\",\"geometry\":"
			   "{\"type\":\"Point\",\"coordinates\":[7,51]}}"),
		    GEO("{\"type\":\"Point\",\"coordinates\":[7,51]}") },
		{ "a", V2("geo:json", "{\"features\":[{\"geometry\":"
			   "{\"type\":\"Point\",\"coordinates\":[7,51]}}]}"),
		    GEO("{\"type\":\"Point\",\"coordinates\":[7,51]}") },
	};
	static const char *const types[] = { "Point", "MultiPoint",
		"LineString", "MultiLineString", "Polygon", "MultiPolygon",
		"GeoProperty", "GEO:JSON" };
	char v2[200];

	(void)state;
	assert_attrs(cases, COUNT(cases));
	for (size_t i = 0; i < COUNT(types); i++) {
		struct attr_case one = { "a", v2,
			GEO("{\"type\":\"Any\",\"coordinates\":[]}") };

		(void)snprintf(v2, sizeof(v2), "{\"type\":\"%s\",\"value\":"
		    "{\"type\":\"Any\",\"coordinates\":[]}}", types[i]);
		assert_attrs(&one, 1);
	}
}

static void
knows_no_place_where_none_is_said(void **state)
{
	static const struct {
		const char *type, *value;
	} cases[] = {
		{ "geo:point", "\"51.44\"" },
		{ "geo:point", "\"51.44;7.6\"" },
		{ "geo:point", "\"51,44, 7,60\"" },
		{ "geo:point", "\"north, east\"" },
		{ "geo:point", "\", \"" },
		{ "geo:point", "\"91, 7\"" },
		{ "geo:point", "\"7, 181\"" },
		{ "geo:point", "\"1e999, 7\"" },
		{ "geo:point", "\"NaN, 7\"" },
		{ "geo:point", "\"05, 7\"" },
		{ "geo:point", "\"5],[6, 7\"" },
		{ "geo:point", "\"5.00000000000000000000000000000000000000000,"
			       " 7\"" },
		{ "geo:point", "[\"51.44, 7.6\"]" },
		{ "geo:point", "51" },
		{ "geo:line", "\"51,7\"" },
		{ "geo:line", "[\"51,7\"]" },
		{ "geo:line", "[\"51,7\",8]" },
		{ "geo:line", "[]" },
		{ "geo:polygon", "[\"51,7\",\"51,8\"]" },
		{ "geo:box", "[\"51,7\"]" },
		{ "geo:box", "[\"51,7\",\"52,8\",\"53,9\"]" },
		{ "geo:json", "\"51,7\"" },
		{ "geo:json", "{\"type\":\"Point\"}" },
		{ "geo:json", "{\"coordinates\":[7,51]}" },
		{ "geo:json", "{\"type\":\"Point\",\"coordinates\":\"7,51\"}" },
		{ "geo:json", "{\"features\":[]}" },
		{ "geo:json", "{\"features\":[{\"geometry\":{\"type\":"
			      "\"Point\",\"coordinates\":[7,51]}},{}]}" },
		{ "geo:json", "{\"geometry\":null}" },
	};
	char v2[400];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct attr_case one = { "location", v2, "{}" };

		(void)snprintf(v2, sizeof(v2), "{\"type\":\"%s\",\"value\":%s}",
		    cases[i].type, cases[i].value);
		assert_attrs(&one, 1);
	}
}

static void
tells_classes_by_type_name_and_value(void **state)
{
	static const struct attr_case cases[] = {
		{ "at", V2("Relationship", "\"urn:ngsi-ld:D:1\""),
		    LD("Relationship", "object", "\"urn:ngsi-ld:D:1\"") },
		{ "at", V2("relationship", "[\"urn:d:1\",\"urn:d:2\"]"),
		    LD("Relationship", "object", "[\"urn:d:1\",\"urn:d:2\"]") },
		{ "at", V2("Relationship", "\"D1\""), PROPERTY("\"D1\"") },
		{ "at", V2("Relationship", "[\"urn:d:1\",\"D1\"]"),
		    PROPERTY("[\"urn:d:1\",\"D1\"]") },
		{ "at", V2("Relationship", "[]"), PROPERTY("[]") },
		{ "at", V2("Relationship", "7"), PROPERTY("7") },
		{ "refDevice", V2("Text", "\"urn:ngsi-ld:D:1\""),
		    LD("Relationship", "object", "\"urn:ngsi-ld:D:1\"") },
		{ "refDevice", "{\"value\":\"urn:ngsi-ld:D:1\"}",
		    LD("Relationship", "object", "\"urn:ngsi-ld:D:1\"") },
		{ "refDevice", V2("Text", "\"D1\""), PROPERTY("\"D1\"") },
		{ "reference", V2("Text", "\"urn:ngsi-ld:D:1\""),
		    PROPERTY("\"urn:ngsi-ld:D:1\"") },
		{ "ref", V2("Text", "\"urn:ngsi-ld:D:1\""),
		    PROPERTY("\"urn:ngsi-ld:D:1\"") },
		{ "at", V2("Text", "\"urn:ngsi-ld:D:1\""),
		    PROPERTY("\"urn:ngsi-ld:D:1\"") },
		{ "refSeen", V2("Date", "\"2026-11-22\""),
		    PAIR("Date", "2026-11-22") },
		{ "a", V2("LanguageProperty", "{\"de\":\"Pegel\"}"),
		    LD("LanguageProperty", "languageMap",
			"{\"de\":\"Pegel\"}") },
		{ "a", V2("LanguageProperty", "\"x\""), PROPERTY("\"x\"") },
		{ "a", V2("JsonProperty", "[1,{\"x\":2}]"),
		    LD("JsonProperty", "json", "[1,{\"x\":2}]") },
		{ "a", V2("VocabProperty", "\"open\""),
		    LD("VocabProperty", "vocab", "\"open\"") },
		{ "a", V2("VocabProperty", "[\"open\",\"new\"]"),
		    LD("VocabProperty", "vocab", "[\"open\",\"new\"]") },
		{ "a", V2("VocabProperty", "7"), PROPERTY("7") },
		{ "a", V2("ListProperty", "[2,1]"),
		    LD("ListProperty", "valueList", "[2,1]") },
		{ "a", V2("ListProperty", "2"), PROPERTY("2") },
		{ "a", V2("ListRelationship", "[\"urn:d:1\"]"),
		    LD("ListRelationship", "objectList", "[\"urn:d:1\"]") },
		{ "a", V2("ListRelationship", "\"urn:d:1\""),
		    PROPERTY("\"urn:d:1\"") },
	};

	(void)state;
	assert_attrs(cases, COUNT(cases));
}

#define META(text) "{\"type\":\"Number\",\"value\":1,\"metadata\":{" text "}}"
#define WITH(text) "{\"type\":\"Property\",\"value\":1" text "}"
#define T1	   "2026-11-22T17:45:00.000Z"
#define T2	   "2026-11-22T18:00:00Z"
#define T3	   "2026-11-22T18:15:00Z"

static void
turns_metadata_into_members(void **state)
{
	static const struct attr_case cases[] = {
		{ "a", META("\"TimeInstant\":{\"type\":\"DateTime\",\"value\":"
			    "\"" T1 "\"}"),
		    WITH(",\"observedAt\":\"" T1 "\"") },
		{ "a", META("\"timestamp\":{\"value\":\"" T2 "\"}"),
		    WITH(",\"observedAt\":\"" T2 "\"") },
		{ "a", META("\"observedAt\":{\"value\":\"" T2 "\"}"),
		    WITH(",\"observedAt\":\"" T2 "\"") },
		{ "a", META("\"timestamp\":{\"value\":\"" T2 "\"},"
			    "\"TimeInstant\":{\"value\":\"" T1 "\"}"),
		    WITH(",\"observedAt\":\"" T1 "\"") },
		{ "a", META("\"timestamp\":{\"value\":\"" T2 "\"},"
			    "\"TimeInstant\":{\"value\":\" \"}"),
		    WITH(",\"observedAt\":\"" T2 "\"") },
		{ "a", META("\"TimeInstant\":{\"value\":\"now\"}"), WITH("") },
		{ "a", META("\"TimeInstant\":\"" T1 "\""), WITH("") },
		{ "a", META("\"unitCode\":{\"value\":\"CMT\"}"),
		    WITH(",\"unitCode\":\"CMT\"") },
		{ "a", META("\"unit\":{\"value\":\"CMT\"}"),
		    WITH(",\"unitCode\":\"CMT\"") },
		/* what does not become the member stays what it is */
		{ "a", META("\"unit\":{\"value\":\"cm\"},"
			    "\"unitCode\":{\"value\":\"CMT\"}"),
		    WITH(",\"unitCode\":\"CMT\",\"unit\":" PROPERTY(
			"\"cm\"")) },
		{ "a", META("\"dateModified\":{\"value\":\"" T2 "\"},"
			    "\"dateCreated\":{\"value\":\"" T1 "\"}"),
		    WITH(",\"createdAt\":\"" T1 "\",\"modifiedAt\":\"" T2
			 "\"") },
		{ "a", META("\"accuracy\":" V2("Number", "0.50")),
		    WITH(",\"accuracy\":" PROPERTY("0.50")) },
		{ "a", META("\"seen\":{\"type\":\"DateTime\",\"value\":\"" T2
			    "\"},\"where\":{\"type\":\"geo:point\",\"value\":"
			    "\"51,7\"}"),
		    WITH(",\"seen\":" PAIR("DateTime", T2) ",\"where\":" GEO(
			"{\"type\":\"Point\",\"coordinates\":[7,51]}")) },
		{ "a", META("\"refMap\":{\"value\":\"urn:m:1\"}"),
		    WITH(",\"refMap\":" LD("Relationship", "object",
			"\"urn:m:1\"")) },
		{ "a", META("\"x\":{\"value\":null},\"y\":7,\"where\":"
			    "{\"type\":\"geo:point\",\"value\":\"51\"}"),
		    WITH("") },
		{ "a", META("\"type\":{\"value\":1},\"value\":{\"value\":1},"
			    "\"object\":{\"value\":1},\"datasetId\":"
			    "{\"value\":\"urn:d:1\"},\"createdAt\":"
			    "{\"value\":1},\"\\u0040type\":{\"value\":1},"
			    "\"expiresAt\":{\"value\":\"" T1 "\"}"), WITH("") },
	};

	(void)state;
	assert_attrs(cases, COUNT(cases));
}

static void
turns_whole_entities(void **state)
{
	static const struct {
		const char *scope, *v2, *ld;
	} cases[] = {
		{ "", "[]", "[]" },
		{ "", "{\"id\":\"urn:x:1\",\"type\":\"T\"}",
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\"}]" },
		{ "", "[{\"id\":\"Raum 1\",\"type\":\"T\"},"
		      "{\"type\":\"T\\u00e4\",\"id\":\"\\u00e4/1\"}]",
		    "[{\"id\":\"urn:ngsi-ld:T:Raum%201\",\"type\":\"T\"},"
		    "{\"id\":\"urn:ngsi-ld:T%C3%A4:%C3%A4%2F1\","
		    "\"type\":\"T\\u00e4\"}]" },
		{ "/a/b", "[{\"id\":\"urn:x:1\",\"type\":\"T\","
			  "\"scope\":{\"value\":\"/secret\"}}]",
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\","
		    "\"scope\":\"/a/b\"}]" },
		/* times of the entity; its TimeInstant where there is none */
		{ "", "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"a\":{\"value\":1},"
		      "\"b\":{\"value\":2,\"metadata\":{\"timestamp\":"
		      "{\"value\":\"" T2 "\"}}},"
		      "\"TimeInstant\":{\"type\":\"DateTime\",\"value\":\"" T1
		      "\"},\"dateExpires\":{\"value\":\"" T3 "\"},"
		      "\"dateModified\":{\"type\":\"DateTime\",\"value\":\"" T2
		      "\"},\"dateCreated\":{\"value\":\"" T1 "\"}}]",
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"createdAt\":\"" T1
		    "\",\"modifiedAt\":\"" T2 "\",\"expiresAt\":\"" T3 "\","
		    "\"a\":" WITH(",\"observedAt\":\"" T1 "\"") ",\"b\":"
		    "{\"type\":\"Property\",\"value\":2,\"observedAt\":\"" T2
		    "\"}}]" },
		{ "", "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"TimeInstant\":"
		      "{\"value\":\" \"},\"dateCreated\":{\"value\":1},"
		      "\"a\":{\"value\":1}}]",
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\","
		    "\"a\":" WITH("") "}]" },
		/* one entity's time is not the next one's */
		{ "", "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"TimeInstant\":"
		      "{\"value\":\"" T2 "\"}},{\"id\":\"urn:x:2\","
		      "\"type\":\"T\",\"a\":{\"value\":1}}]",
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\"},{\"id\":\"urn:x:2\","
		    "\"type\":\"T\",\"a\":" WITH("") "}]" },
		/* what would be no attribute any more */
		{ "", "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"@context\":"
		      "{\"value\":\"http://evil\"},\"createdAt\":{\"value\":1},"
		      "\"expiresAt\":{\"value\":1},\"\\u0040id\":{\"value\":1}"
		      "}]",
		    "[{\"id\":\"urn:x:1\",\"type\":\"T\"}]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_answer(cases[i].v2, cases[i].scope, cases[i].ld);
}

static void
refuses_what_is_no_answer(void **state)
{
	static const char *const cases[] = { "", "null", "7", "\"x\"", "{}",
		"[7]", "[[]]", "[{}]", "[{\"id\":\"x\"}]",
		"[{\"type\":\"T\"}]", "[{\"id\":7,\"type\":\"T\"}]",
		"[{\"id\":\"x\",\"type\":[\"T\"]}]",
		"[{\"id\":\"x\",\"type\":null}]",
		"{\"error\":\"BadRequest\",\"description\":\"x\"}",
		"[{\"id\":\"x\",\"type\":\"T\",\"a\":{},\"a\":{}}]",
		"[{\"id\":\"x\",\"type\":\"T\"},", "[{\"id\":\"\xff\"}]" };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_init(&b, 1000);
		if (v2_answer(str_of(cases[i]), &limits, STR_NONE, &b) !=
		    HUB_ESYNTAX)
			fail_msg("%s is taken", cases[i]);
		buf_clear(&b);
	}
}

static void
writes_no_more_than_it_may(void **state)
{
	static const char body[] =
	    "[{\"id\":\"urn:x:1\",\"type\":\"T\",\"a\":" V2("geo:box",
		"[\"51,7\",\"52,8\"]") "}]";
	struct buf b;
	size_t need;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(v2_answer(str_of(body), &limits, STR_NONE, &b),
	    HUB_OK);
	need = b.len;
	buf_clear(&b);
	for (size_t max = 1; max <= need; max++) {
		buf_init(&b, max);
		assert_int_equal(v2_answer(str_of(body), &limits, STR_NONE, &b),
		    max < need ? HUB_EFULL : HUB_OK);
		assert_true(b.len <= max);
		buf_clear(&b);
	}
	buf_init(&b, 1000);
	assert_int_equal(v2_answer(str_of(body),
	    &(struct json_limits){ 32, 1024, 5 }, STR_NONE, &b), HUB_EFULL);
	buf_clear(&b);
}

static void
is_read_like_any_other_answer(void **state)
{
	static const char body[] =
	    "[{\"id\":\"7\",\"type\":\"T\",\"a\":" META(
		"\"TimeInstant\":{\"value\":\"" T1 "\"}")
	    ",\"location\":" V2("geo:point", "\"99, 7\"")
	    ",\"refX\":" V2("Text", "\"urn:x:1\"") "}]";
	static const enum attr_kind kinds[] = { ATTR_PROPERTY, ATTR_NONE,
		ATTR_RELATIONSHIP };
	struct arena *a = arena_new();
	struct vocab *vocab = vocab_new();
	struct document doc = { .context = vocab_core(vocab) };
	struct names names;
	struct entity e;
	struct buf b;

	(void)state;
	names_init(&names, vocab, a);
	buf_init(&b, 1000);
	assert_int_equal(v2_answer(str_of(body), &limits, STR_NONE, &b),
	    HUB_OK);
	assert_int_equal(json_parse(&doc.json, buf_str(&b), &limits, a),
	    HUB_OK);
	assert_int_equal(entity_read(&doc, 1, &names, a, &e), HUB_OK);
	assert_true(str_eq(e.id, STR("urn:ngsi-ld:T:7")));
	assert_int_equal(e.ninstances, COUNT(kinds));
	for (unsigned i = 0; i < e.ninstances; i++)
		assert_int_equal(e.instances[i].kind, kinds[i]);
	assert_true(entity_time(&doc, e.instances[0].observed_at).us !=
	    WALL_ABSENT.us);
	buf_clear(&b);
	vocab_free(vocab);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_bytes_of_plain_values),
		cmocka_unit_test(leaves_no_value_where_there_is_none),
		cmocka_unit_test(pairs_times_with_their_type),
		cmocka_unit_test(swaps_and_closes_places),
		cmocka_unit_test(knows_no_place_where_none_is_said),
		cmocka_unit_test(tells_classes_by_type_name_and_value),
		cmocka_unit_test(turns_metadata_into_members),
		cmocka_unit_test(turns_whole_entities),
		cmocka_unit_test(refuses_what_is_no_answer),
		cmocka_unit_test(writes_no_more_than_it_may),
		cmocka_unit_test(is_read_like_any_other_answer),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
