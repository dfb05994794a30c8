/* tests/unit/test_query.c - the parameters of a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/query_bench.h"

static enum hub_err
parse(struct bench *b, const char *text, bool retrieve, struct query *q,
    struct query_error *error)
{
	struct http_uri uri;
	enum hub_err err;

	bench_target(b, "/ngsi-ld/v1/entities", text, &uri);
	*error = (struct query_error){ 0 };
	err =
	    query_parse(&uri, retrieve, b->core, &b->names, b->arena, q, error);
	bench_forget_target(b);
	return (err);
}

static void
get(struct bench *b, const char *text, struct query *q)
{
	struct query_error error;

	if (parse(b, text, false, q, &error) != HUB_OK)
		fail_msg("%s: %d %s", text, error.status, error.detail);
}

struct refused {
	const char *text;
	int status;
};

static void
refuse_all(
    struct bench *b, const struct refused *cases, size_t n, bool retrieve)
{
	struct query_error error;
	struct query q;

	for (size_t i = 0; i < n; i++) {
		memset(&q, 0x55, sizeof(q));
		if (parse(b, cases[i].text, retrieve, &q, &error) == HUB_OK)
			fail_msg("%s taken", cases[i].text);
		if (error.status != cases[i].status || error.type == NULL ||
		    error.detail == NULL)
			fail_msg("%s: %d", cases[i].text, error.status);
		assert_int_equal(q.limit, 0x55555555); /* untouched */
	}
}
#define REFUSE_ALL(b, cases, retrieve)                                         \
	refuse_all(b, cases, sizeof(cases) / sizeof(cases[0]), retrieve)

static void
reads_all_that_it_knows(void **state)
{
	struct query q;

	get(*state,
	    "type=A,B%7CC,A&id=urn:a:1,urn:a:2&idPattern=%5Eurn&attrs=x,y"
	    "&q=x%3E1&georel=near;maxDistance==10&geometry=Point"
	    "&coordinates=%5B7,51%5D&geoproperty=place&limit=5&offset=10"
	    "&count=true&local=false&splitEntities=false"
	    "&options=sysAttrs,keyValues",
	    &q);
	assert_int_equal(q.ntypes, 3);
	assert_true(str_eq(q.types[2]->iri, STR(NGSILD_DEFAULT "C")));
	assert_int_equal(q.nids, 2);
	assert_true(str_eq(q.ids[1], STR("urn:a:2")));
	assert_true(str_eq(q.id_pattern, STR("^urn")));
	assert_true(pattern_match(q.id_pattern_re, STR("urn:x")));
	assert_int_equal(q.nattrs, 2);
	assert_true(str_eq(q.attrs[0]->iri, STR(NGSILD_DEFAULT "x")));
	assert_non_null(q.q);
	assert_true(str_eq(geo_name(q.geo)->iri, STR(NGSILD_DEFAULT "place")));
	assert_int_equal(q.limit, 5);
	assert_int_equal(q.offset, 10);
	assert_true(q.count);
	assert_false(q.local);
	assert_true(q.split_entities_given);
	assert_false(q.split_entities);
	assert_int_equal(q.format, ENTITY_KEY_VALUES);
	assert_true(q.sys_attrs);
}

static void
has_the_defaults_of_the_standard(void **state)
{
	struct query q;

	get(*state, "type=A", &q);
	assert_int_equal(q.limit, 20);
	assert_int_equal(q.offset, 0);
	assert_null(q.attrs);
	assert_null(q.id_pattern.p);
	assert_false(q.any_type || q.count || q.local || q.sys_attrs);
	assert_false(q.split_entities_given);
	assert_int_equal(q.format, ENTITY_NORMALIZED);
	get(*state,
	    "georel=near;minDistance==1&geometry=Point"
	    "&coordinates=[7,51]",
	    &q);
	assert_true(str_eq(geo_name(q.geo)->iri,
	    STR("https://uri.etsi.org/ngsi-ld/location")));
}

static void
takes_iris_as_names(void **state)
{
	struct bench *b = *state;
	struct query q;

	get(b, "type=https://example.org/T&attrs=https://example.org/a,b", &q);
	assert_true(str_eq(q.types[0]->iri, STR("https://example.org/T")));
	assert_true(str_eq(q.attrs[0]->iri, STR("https://example.org/a")));
	/* Both spellings are one name (policy.md §6, Q1). */
	get(b, "attrs=x," NGSILD_DEFAULT "x", &q);
	assert_int_equal(q.nattrs, 1);
}

static void
knows_the_representations(void **state)
{
	static const struct {
		const char *text;
		enum entity_format format;
		bool sys;
	} cases[] = {
		{ "options=keyValues", ENTITY_KEY_VALUES, false },
		{ "options=simplified", ENTITY_KEY_VALUES, false },
		{ "options=normalized", ENTITY_NORMALIZED, false },
		{ "options=concise", ENTITY_CONCISE, false },
		{ "options=concise,sysAttrs", ENTITY_CONCISE, true },
		{ "options=keyValues,simplified", ENTITY_KEY_VALUES, false },
		{ "format=concise&options=keyValues", ENTITY_CONCISE, false },
		{ "options=sysAttrs", ENTITY_NORMALIZED, true },
		{ "format=keyValues", ENTITY_KEY_VALUES, false },
		{ "format=simplified", ENTITY_KEY_VALUES, false },
		{ "format=normalized", ENTITY_NORMALIZED, false },
		{ "format=normalized&options=keyValues", ENTITY_NORMALIZED,
		    false },
		{ "options=keyValues&format=normalized", ENTITY_NORMALIZED,
		    false },
		{ "options=sysAttrs&format=simplified", ENTITY_KEY_VALUES,
		    true },
	};
	struct query_error error;
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    parse(*state, cases[i].text, true, &q, &error), HUB_OK);
		if (q.format != cases[i].format || q.sys_attrs != cases[i].sys)
			fail_msg("%s", cases[i].text);
	}
}

static void
answers_any_type_without_a_list(void **state)
{
	static const struct refused refused[] = {
		{ "type=*,A", 400 },
		{ "type=A,*", 400 },
	};
	struct query q;

	get(*state, "type=*", &q);
	assert_true(q.any_type);
	assert_int_equal(q.ntypes, 0);
	REFUSE_ALL(*state, refused, false);
}

static void
refuses_a_query_that_is_too_wide(void **state)
{
	static const struct refused refused[] = {
		{ "", 400 },
		{ "limit=5", 400 },
		{ "id=urn:a:b", 400 },
		{ "idPattern=.*", 400 },
		{ "id=urn:a:b&idPattern=.*", 400 },
		{ "local=false", 400 },
		{ "pick=a", 400 },
		{ "omit=a", 400 },
		{ "scopeQ=/a", 400 },
		{ "datasetId=urn:a:b", 400 },
	};
	static const char *const taken[] = { "type=A", "attrs=a", "q=a",
		"georel=near;maxDistance==1&geometry=Point&coordinates=[7,51]",
		"local=true", "id=urn:a:b&type=A", "id=urn:a:b&attrs=a" };
	struct query_error error;
	struct query q;

	REFUSE_ALL(*state, refused, false);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		get(*state, taken[i], &q);
	assert_int_equal(parse(*state, "", true, &q, &error), HUB_OK);
}

static void
refuses_bad_values(void **state)
{
	static const struct refused cases[] = {
		{ "type=", 400 },
		{ "type=,", 400 },
		{ "type=A,", 400 },
		{ "type=A%7C%7CB", 400 },
		{ "type=A+B", 400 },
		{ "type=@id", 400 },
		{ "type=(A;B", 400 },
		{ "type=A;B)", 400 },
		{ "type=(((((((((((((((((A)))))))))))))))))", 400 },
		{ "type=A;", 400 },
		{ "type=()", 400 },
		{ "type=A(B)", 400 },
		{ "type=(A)B", 400 },
		{ "type=A;;B", 400 },
		{ "attrs=", 400 },
		{ "attrs=,", 400 },
		{ "attrs=a,,b", 400 },
		{ "attrs=%2561", 400 },
		{ "attrs=a%3C", 400 },
		{ "attrs=@type", 400 },
		{ "type=A&id=", 400 },
		{ "type=A&id=abc", 400 },
		{ "type=A&id=urn:a:1,", 400 },
		{ "type=A&id=urn:a:%20b", 400 },
		{ "type=A&id=1urn:a", 400 },
		{ "type=A&id=urn:", 400 },
		{ "type=A&idPattern=", 400 },
		{ "type=A&idPattern=(a)%5C1", 400 },
		{ "type=A&idPattern=((a%7B100%7D)%7B100%7D)%7B100%7D", 400 },
		{ "q=", 400 },
		{ "q=a%3D", 400 },
		{ "q=https://example.org/a", 400 },
		{ "type=A&geoproperty=a", 400 },
		{ "type=A&geometry=Point", 400 },
		{ "type=A&coordinates=[7,51]", 400 },
		{ "georel=near;maxDistance==1", 400 },
		{ "georel=near;maxDistance==1&geometry=Point", 400 },
		{ "georel=near;maxDistance==1&geometry=Point"
		  "&coordinates=[7,151]",
		    400 },
		{ "georel=near;maxDistance==1&geometry=Point"
		  "&coordinates=[7,51]&geoproperty=a,b",
		    400 },
		{ "georel=crosses&geometry=Point&coordinates=[7,51]", 400 },
		{ "georel=near;maxDistance==1&geometry=Circle"
		  "&coordinates=[7,51]",
		    400 },
		{ "type=A&pick=", 400 },
		{ "type=A&pick=a,,b", 400 },
		{ "type=A&pick=@id", 400 },
		{ "type=A&pick=a&attrs=a", 400 },
		{ "type=A&pick=id&attrs=a", 400 },
		{ "type=A&pick=a%7Bb,c%7D", 501 },
		{ "type=A&omit=a,b%7Bc%7D", 501 },
		{ "type=A&pick=b%7D", 400 },
		{ "type=A&omit=,", 400 },
		{ "type=A&lang=d_e", 400 },
		{ "type=A&lang=de,", 400 },
		{ "type=A&lang=deutschland", 400 },
		{ "type=A&lang=1de", 400 },
		{ "type=A&lang=de;q=2", 400 },
		{ "type=A&lang=de;q=0.1234", 400 },
		{ "type=A&lang=de;r=1", 400 },
		{ "type=A&datasetId=abc", 400 },
		{ "type=A&datasetId=@all", 400 },
		{ "type=A&datasetId=urn:a:b,", 400 },
		{ "type=A&scopeQ=a", 400 },
		{ "type=A&scopeQ=/", 400 },
		{ "type=A&scopeQ=/a//b", 400 },
		{ "type=A&scopeQ=/a/", 400 },
		{ "type=A&scopeQ=/%23/a", 400 },
		{ "type=A&scopeQ=/a%2B", 400 },
		{ "type=A&scopeQ=(/a", 400 },
		{ "type=A&csf=a%3D", 400 },
		{ "type=A&geometryProperty=a,b", 400 },
		{ "type=A&limit=", 400 },
		{ "type=A&limit=-1", 400 },
		{ "type=A&limit=1e2", 400 },
		{ "type=A&limit=0", 400 },
		{ "type=A&limit=0&count=false", 400 },
		{ "type=A&limit=1001", 403 },
		{ "type=A&limit=99999999999999999999999", 403 },
		{ "type=A&offset=-1", 400 },
		{ "type=A&offset=99999999999999999999999", 400 },
		{ "type=A&count=1", 400 },
		{ "type=A&count=TRUE", 400 },
		{ "type=A&local=1", 400 },
		{ "type=A&splitEntities=yes", 400 },
		{ "type=A&options=", 400 },
		{ "type=A&options=keyValues,", 400 },
		{ "type=A&options=keyvalues", 400 },
		{ "type=A&options=keyValues,normalized", 400 },
		{ "type=A&options=concise,keyValues", 400 },
		{ "type=A&options=sysAttrs,audit", 501 },
		{ "type=A&format=geojson", 400 },
		{ "type=A&format=sysAttrs", 400 },
		{ "type=A&format=keyValues,normalized", 400 },
	};

	REFUSE_ALL(*state, cases, false);
}

static void
reads_how_long_an_entity_map_is_wanted(void **state)
{
	static const struct {
		const char *text;
		bool map;
		int64_t us; /* 0: not said */
	} cases[] = {
		{ "type=A", false, 0 },
		{ "type=A&entityMap=false", false, 0 },
		{ "type=A&entityMap=true", true, 0 },
		{ "entityMapLifetime=PT1M30S&type=A", false, 90000000 },
		{ "type=A&entityMap=true&entityMapLifetime=PT0S", true, 1 },
		{ "type=A&entityMapLifetime=P1DT1S", false, 86401000000 },
		{ "type=A&entityMapLifetime=P1Y", false, INT64_MAX },
	};
	static const struct refused refused[] = {
		{ "type=A&entityMap=1", 400 },
		{ "type=A&entityMap=TRUE", 400 },
		{ "type=A&entityMap=", 400 },
		{ "type=A&entityMapLifetime=", 400 },
		{ "type=A&entityMapLifetime=60", 400 },
		{ "type=A&entityMapLifetime=P", 400 },
		{ "type=A&entityMapLifetime=PT", 400 },
		{ "type=A&entityMapLifetime=PT-1S", 400 },
		{ "type=A&entityMapLifetime=PT1S1M", 400 },
		{ "entityMap=true", 400 }, /* too wide */
	};
	static const struct refused retrievals[] = {
		{ "entityMap=true", 501 },
		{ "entityMapLifetime=PT1M", 501 },
	};
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get(*state, cases[i].text, &q);
		if (q.entity_map != cases[i].map ||
		    q.entity_map_us != cases[i].us)
			fail_msg("%s: %lld", cases[i].text,
			    (long long)q.entity_map_us);
	}
	REFUSE_ALL(*state, refused, false);
	REFUSE_ALL(*state, retrievals, true);
}

static void
refuses_what_it_does_not_do_by_name(void **state)
{
	static const struct {
		const char *name;
		int status;
	} cases[] = {
		{ "join", 501 },
		{ "joinLevel", 501 },
		{ "containedBy", 501 },
		{ "jsonKeys", 501 },
		{ "expandValues", 501 },
		{ "audit", 501 },
		{ "timerel", 501 },
		{ "timeAt", 501 },
		{ "endTimeAt", 501 },
		{ "timeproperty", 501 },
		{ "lastN", 501 },
		{ "aggrMethods", 501 },
		{ "aggrPeriodDuration", 501 },
		{ "orderBy", 400 },
		{ "collation", 400 },
		{ "orderFrom", 400 },
	};
	struct bench *b = *state;
	struct query_error error;
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_not_equal(
		    parse(b,
			arena_printf(b->arena, "type=A&%s=x", cases[i].name),
			false, &q, &error),
		    HUB_OK);
		if (error.status != cases[i].status ||
		    strstr(error.detail, cases[i].name) == NULL)
			fail_msg("%s: %d %s", cases[i].name, error.status,
			    error.detail);
	}
}

static void
refuses_unknown_parameters(void **state)
{
	static const struct refused queries[] = {
		{ "type=A&foo=1", 400 },
		{ "Type=A", 400 },
		{ "type=A&attrs%5B%5D=a", 400 },
		{ "type=A&Attrs=a", 400 },
	};
	static const struct refused retrievals[] = {
		{ "id=urn:a:b", 400 },
		{ "q=a", 400 },
		{ "limit=5", 400 },
		{ "count=true", 400 },
		{ "georel=near;maxDistance==1", 400 },
		{ "orderBy=a", 400 },
		{ "scopeQ=/a", 400 },
		{ "csf=a", 400 },
		{ "splitEntities=true", 400 },
		{ "join=inline", 501 },
	};

	REFUSE_ALL(*state, queries, false);
	REFUSE_ALL(*state, retrievals, true);
}

static void
names_what_it_does_not_know(void **state)
{
	static const struct {
		const char *text, *detail;
	} cases[] = {
		{ "type=A&typ=B", "unknown parameter: typ" },
		{ "typ%C3%A4=B", "unknown parameter: typ??" },
		{ "a%20b%0Ac=B", "unknown parameter: a?b?c" },
		{ "a123456789b123456789c123456789d123456789e123456789"
		  "f123456789g123456789=B",
		    "unknown parameter: a123456789b123456789c123456789"
		    "d123456789e123456789f123456789g123" },
		{ "type=A&options=keyvalues",
		    "unknown word in options: keyvalues" },
		{ "type=A&format=Concise", "unknown format: Concise" },
	};
	struct query_error error;
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_not_equal(
		    parse(*state, cases[i].text, false, &q, &error), HUB_OK);
		assert_string_equal(error.detail, cases[i].detail);
	}
}

static void
reads_projections_and_instances(void **state)
{
	struct query_error error;
	struct query q;

	get(*state,
	    "type=A&pick=id,type,x&omit=type,y,scope"
	    "&datasetId=urn:d:1,@none,urn:d:2&lang=de-CH,en;q=0.5,*"
	    "&scopeQ=/a&csf=b%3E1&geometryProperty=place",
	    &q);
	assert_int_equal(q.npick, 1);
	assert_true(str_eq(q.pick[0]->iri, STR(NGSILD_DEFAULT "x")));
	assert_int_equal(q.nomit, 1);
	assert_true(str_eq(q.omit[0]->iri, STR(NGSILD_DEFAULT "y")));
	assert_false(q.hide_id);
	assert_true(q.hide_type && q.hide_scope);
	assert_int_equal(q.ndatasets, 2);
	assert_true(str_eq(q.datasets[1], STR("urn:d:2")));
	assert_true(q.default_instance);
	assert_true(str_eq(q.lang, STR("de-CH,en;q=0.5,*")));
	assert_non_null(q.scope_q);
	assert_non_null(q.csf);
	assert_null(q.q);
	assert_true(
	    str_eq(q.geometry_property->iri, STR(NGSILD_DEFAULT "place")));
	get(*state, "type=A", &q);
	assert_true(q.pick == NULL && q.omit == NULL && q.lang.p == NULL);
	assert_false(q.hide_id || q.hide_type || q.hide_scope);
	/* No attribute at all is a projection too. */
	get(*state, "type=A&pick=id", &q);
	assert_non_null(q.pick);
	assert_int_equal(q.npick, 0);
	assert_true(q.hide_type && q.hide_scope && !q.hide_id);
	get(*state, "type=A&omit=id&attrs=a", &q);
	assert_true(q.hide_id && !q.hide_type);
	assert_int_equal(parse(*state, "pick=a&omit=b&lang=*&datasetId=@none",
			     true, &q, &error),
	    HUB_OK);
}

static void
keeps_all_names_of_a_type_expression(void **state)
{
	struct query q;

	get(*state, "type=(A;B),C%7C((A;D))", &q);
	assert_int_equal(q.ntypes, 4);
	assert_non_null(q.type_expr);
	assert_true(str_eq(q.types[3]->iri, STR(NGSILD_DEFAULT "D")));
	get(*state, "type=((((((((((((((((A))))))))))))))))", &q);
	assert_int_equal(q.ntypes, 1);
}

static void
bounds_its_lists(void **state)
{
	static const struct {
		const char *first, *more;
		unsigned max;
	} cases[] = {
		{ "attrs=a", ",a%u", 200 },
		{ "type=T&pick=a", ",a%u", 200 },
		{ "type=T&datasetId=a:b", ",a:%u", 100 },
		{ "type=a", ",a%u", 200 },
		{ "type=T&id=a:b", ",a:%u", 1000 },
	};
	struct bench *b = *state;
	struct query_error error;
	struct query q;
	struct buf t;

	buf_init(&t, 60000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&t);
		buf_adds(&t, str_of(cases[i].first));
		for (unsigned n = 1; n < cases[i].max; n++) {
			struct str more = str_of(cases[i].more);

			more.len -= 2;
			buf_adds(&t, more);
			buf_addu(&t, n);
		}
		get(b, buf_cstr(&t), &q);
		buf_addf(&t, "%cz:z", cases[i].more[0]);
		assert_int_not_equal(
		    parse(b, buf_cstr(&t), false, &q, &error), HUB_OK);
		assert_int_equal(error.status, 400);
	}
	buf_clear(&t);
}

static void
knows_what_only_the_whole_entity_shows(void **state)
{
	static const struct {
		const char *text;
		bool late;
	} cases[] = {
		{ "type=A", false },
		{ "type=A,B", false },
		{ "type=(A%7CB),C", false },
		{ "type=A&idPattern=1$&attrs=x&id=urn:a:1", false },
		{ "type=A;B", true },
		{ "type=C,(A;B)", true },
		{ "type=A&q=x", true },
		{ "type=A&scopeQ=/a", true },
		{ "type=A&georel=near;maxDistance==5&geometry=Point"
		  "&coordinates=[7.5,51.4]", true },
	};
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get(*state, cases[i].text, &q);
		if (query_selects_late(&q) != cases[i].late)
			fail_msg("%s", cases[i].text);
	}
}

static void
asks_each_part_for_its_id(void **state)
{
	struct bench *b = *state;
	struct entity e = { .id = STR("urn:a:1") };
	struct query q;

	get(b, "attrs=x&idPattern=1$", &q);
	assert_true(query_asked(&q, &e));
	e.id = STR("urn:a:2");
	assert_false(query_asked(&q, &e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_only_the_whole_entity_shows),
		cmocka_unit_test(asks_each_part_for_its_id),
		cmocka_unit_test(reads_all_that_it_knows),
		cmocka_unit_test(has_the_defaults_of_the_standard),
		cmocka_unit_test(takes_iris_as_names),
		cmocka_unit_test(knows_the_representations),
		cmocka_unit_test(answers_any_type_without_a_list),
		cmocka_unit_test(refuses_a_query_that_is_too_wide),
		cmocka_unit_test(refuses_bad_values),
		cmocka_unit_test(reads_how_long_an_entity_map_is_wanted),
		cmocka_unit_test(refuses_what_it_does_not_do_by_name),
		cmocka_unit_test(refuses_unknown_parameters),
		cmocka_unit_test(names_what_it_does_not_know),
		cmocka_unit_test(reads_projections_and_instances),
		cmocka_unit_test(keeps_all_names_of_a_type_expression),
		cmocka_unit_test(bounds_its_lists),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
