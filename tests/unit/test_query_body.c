/* tests/unit/test_query_body.c - a query in a body, and what types, selectors,
 * scopes and projections say of an entity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/ngsild/query.h"

struct bench {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	const struct context *core;
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->arena = arena_new();
	b->vocab = vocab_new();
	b->core = vocab_core(b->vocab);
	names_init(&b->names, b->vocab, b->arena);
	*state = b;
	return (0);
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	vocab_free(b->vocab);
	arena_free(b->arena);
	free(b);
	return (0);
}

/* In the cases ' stands for ". */
static struct str
quoted(struct bench *b, const char *text)
{
	char *copy = arena_printf(b->arena, "%s", text);

	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	return (str_of(copy));
}

/* As a name of the core context has it. */
static bool
is_term(const struct name *name, const char *term)
{
	struct str prefix = STR(NGSILD_DEFAULT);

	return (str_prefix(name->iri, prefix) &&
		str_eq(str_from(name->iri, prefix.len), str_of(term)));
}

static enum hub_err
parse(struct bench *b, const char *body, const char *url, struct query *q,
    struct query_error *error)
{
	static const struct json_limits limits = { 32, 1024, 100000 };
	const char *target = arena_printf(
	    b->arena, "/ngsi-ld/v1/entityOperations/query?%s", url);
	struct json j;
	struct http_uri uri;
	struct buf scratch;
	struct str dup;
	enum hub_err err;

	buf_init(&scratch, 65536);
	assert_int_equal(
	    http_uri_parse(str_of(target), &scratch, &uri, &dup), HUB_OK);
	if (json_parse(&j, quoted(b, body), &limits, b->arena) != HUB_OK)
		fail_msg("no JSON: %s", body);
	*error = (struct query_error){ 0 };
	err =
	    query_parse_body(&j, &uri, b->core, &b->names, b->arena, q, error);
	buf_clear(&scratch);
	return (err);
}

static void
get(struct bench *b, const char *body, struct query *q)
{
	struct query_error error;

	if (parse(b, body, "", q, &error) != HUB_OK)
		fail_msg("%s: %d %s", body, error.status, error.detail);
}

static void
reads_a_whole_query(void **state)
{
	struct query_error error;
	struct query q;

	assert_int_equal(
	    parse(*state,
		"{'@context':['https://a.example/c'],'type':'Query',"
		"'entities':[{'id':'urn:a:1','type':'A|B'},"
		"{'id':'urn:a:2','idPattern':'2$','type':'(B;C)'}],"
		"'attrs':['x','y'],'omit':['y','type'],'q':'x>1','csf':'n==1',"
		"'geoQ':{'georel':'within','geometry':'Polygon',"
		"'coordinates':[[[7,51],[8,51],[8,52],[7,51]]],"
		"'geoproperty':'place'},'scopeQ':'/a/#','lang':'de',"
		"'datasetId':['@none','urn:d:1'],'splitEntities':true}",
		"limit=5&offset=2&count=true&options=sysAttrs,concise"
		"&geometryProperty=place",
		&q, &error),
	    HUB_OK);
	assert_int_equal(q.nselectors, 2);
	assert_int_equal(q.ntypes, 3);
	assert_true(is_term(q.types[2], "C"));
	assert_null(q.type_expr);
	assert_int_equal(q.nids, 2);
	assert_true(str_eq(q.ids[1], STR("urn:a:2")));
	assert_int_equal(q.nattrs, 2);
	assert_int_equal(q.nomit, 1);
	assert_true(q.hide_type && !q.hide_id);
	assert_true(q.q != NULL && q.csf != NULL && q.scope_q != NULL);
	assert_true(is_term(geo_name(q.geo), "place"));
	assert_true(str_eq(q.lang, STR("de")));
	assert_true(q.default_instance && q.ndatasets == 1);
	assert_true(q.split_entities && q.split_entities_given);
	assert_int_equal(q.limit, 5);
	assert_int_equal(q.offset, 2);
	assert_true(q.count && q.sys_attrs);
	assert_int_equal(q.format, ENTITY_CONCISE);
}

static void
takes_the_same_in_other_words(void **state)
{
	struct query q;

	get(*state,
	    "{'type':'Query','datasetId':'urn:d:1','q':'a',"
	    "'geoQ':{'georel':'near;maxDistance==5','geometry':'Point'"
	    ",'coordinates':'[7,51]'}}",
	    &q);
	assert_int_equal(q.ndatasets, 1);
	assert_true(is_term(geo_name(q.geo), "location") ||
		    str_eq(geo_name(q.geo)->iri,
			STR("https://uri.etsi.org/ngsi-ld/location")));
	assert_int_equal(q.limit, QUERY_LIMIT_DEFAULT);
	get(*state, "{'type':'Query','entities':[{'type':'*'}]}", &q);
	assert_true(q.any_type);
	get(*state, "{'\\u0074ype':'Quer\\u0079','q':'a'}", &q);
}

static void
plans_only_with_what_every_selector_says(void **state)
{
	struct query q;

	get(*state, "{'type':'Query','q':'a','entities':[{'type':'A'},{}]}",
	    &q);
	assert_int_equal(q.ntypes, 0);
	assert_int_equal(q.nids, 0);
	get(*state,
	    "{'type':'Query','q':'a','entities':[{'id':'urn:a:1'},"
	    "{'type':'A'}]}",
	    &q);
	assert_int_equal(q.ntypes, 0);
	assert_int_equal(q.nids, 0);
	get(*state,
	    "{'type':'Query','entities':[{'type':'A','id':'urn:a:1'},"
	    "{'type':'A'}]}",
	    &q);
	assert_int_equal(q.ntypes, 1);
	assert_int_equal(q.nids, 0);
}

static void
refuses_other_bodies(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *detail; /* a part of it, or NULL */
	} cases[] = {
		{ "[]", 400, NULL },
		{ "'Query'", 400, NULL },
		{ "{}", 400, NULL },
		{ "{'q':'a'}", 400, "type Query" },
		{ "{'type':'query','q':'a'}", 400, NULL },
		{ "{'type':['Query'],'q':'a'}", 400, NULL },
		{ "{'type':'Query'}", 400, "too wide" },
		{ "{'type':'Query','entities':[{}]}", 400, "too wide" },
		{ "{'type':'Query','entities':[{'id':'urn:a:1'}]}", 400,
		    "too wide" },
		{ "{'type':'Query','entities':[{'type':'A'},{}]}", 400,
		    "too wide" },
		{ "{'type':'Query','pick':['a'],'scopeQ':'/a'}", 400,
		    "too wide" },
		{ "{'type':'Query','entities':[]}", 400, NULL },
		{ "{'type':'Query','entities':{}}", 400, NULL },
		{ "{'type':'Query','entities':['urn:a:1']}", 400, NULL },
		{ "{'type':'Query','entities':[{'type':['A']}]}", 400, NULL },
		{ "{'type':'Query','entities':[{'type':''}]}", 400, NULL },
		{ "{'type':'Query','entities':[{'type':'A;'}]}", 400, NULL },
		{ "{'type':'Query','entities':[{'type':'A','id':'a'}]}", 400,
		    NULL },
		{ "{'type':'Query','entities':[{'type':'A','typ':'B'}]}", 400,
		    "unknown member of entities: typ" },
		{ "{'type':'Query','q':'a','idPattern':'x'}", 400,
		    "unknown member of the query: idPattern" },
		{ "{'type':'Query','q':'a','limit':5}", 400,
		    "unknown member of the query: limit" },
		{ "{'type':'Query','q':''}", 400, NULL },
		{ "{'type':'Query','q':'a\\u0000b'}", 400, NULL },
		{ "{'type':'Query','q':1}", 400, NULL },
		{ "{'type':'Query','q':null}", 400, NULL },
		{ "{'type':'Query','attrs':'a'}", 400, NULL },
		{ "{'type':'Query','attrs':[]}", 400, NULL },
		{ "{'type':'Query','attrs':['a,b']}", 400, NULL },
		{ "{'type':'Query','attrs':['a'],'pick':['a']}", 400, NULL },
		{ "{'type':'Query','q':'a','pick':['a{b}']}", 501, NULL },
		{ "{'type':'Query','q':'a','geoQ':{}}", 400, NULL },
		{ "{'type':'Query','q':'a','geoQ':[]}", 400, NULL },
		{ "{'type':'Query','q':'a','geoQ':{'geometry':'Point'}}", 400,
		    NULL },
		{ "{'type':'Query','geoQ':{'georel':'within',"
		  "'geometry':'Point','coordinates':{}}}",
		    400, NULL },
		{ "{'type':'Query','geoQ':{'georel':'within','geometrie':'P'}}",
		    400, "unknown member of geoQ: geometrie" },
		{ "{'type':'Query','q':'a','splitEntities':'true'}", 400,
		    NULL },
		{ "{'type':'Query','q':'a','lang':['de']}", 400, NULL },
		{ "{'type':'Query','q':'a','datasetId':[]}", 400, NULL },
		{ "{'type':'Query','q':'a','temporalQ':{}}", 400, "temporalQ" },
		{ "{'type':'Query','q':'a','orderBy':'a'}", 400, "orderBy" },
		{ "{'type':'Query','q':'a','join':'inline'}", 501, "join" },
		{ "{'type':'Query','q':'a','jsonKeys':['a']}", 501,
		    "jsonKeys" },
	};
	struct query_error error;
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&q, 0x55, sizeof(q));
		if (parse(*state, cases[i].body, "", &q, &error) == HUB_OK)
			fail_msg("%s taken", cases[i].body);
		if (error.status != cases[i].status || error.detail == NULL ||
		    (cases[i].detail != NULL &&
			strstr(error.detail, cases[i].detail) == NULL))
			fail_msg("%s: %d %s", cases[i].body, error.status,
			    error.detail);
		assert_int_equal(q.limit, 0x55555555); /* untouched */
	}
}

static void
takes_only_the_page_from_the_url(void **state)
{
	static const char body[] = "{'type':'Query','q':'a'}";
	static const struct {
		const char *url;
		int status; /* 0: taken */
	} cases[] = {
		{ "limit=1000", 0 },
		{ "limit=1001", 403 },
		{ "limit=0", 400 },
		{ "limit=0&count=true", 0 },
		{ "local=true", 0 },
		{ "format=keyValues", 0 },
		{ "type=A", 400 },
		{ "q=a", 400 },
		{ "attrs=a", 400 },
		{ "splitEntities=true", 400 },
		{ "entityMap=true", 0 },
		{ "entityMap=yes", 400 },
		{ "entityMapLifetime=PT1M", 0 },
		{ "entityMapLifetime=1M", 400 },
		{ "typ=A", 400 },
	};
	struct query_error error;
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)!parse(*state, body, cases[i].url, &q, &error);
		if (error.status != cases[i].status)
			fail_msg("%s: %d", cases[i].url, error.status);
	}
}

static void
bounds_its_selectors(void **state)
{
	static const struct {
		const char *selector;
		unsigned max;
	} cases[] = {
		{ "{\"type\":\"A\"}", 100 },
		{ "{\"type\":\"A\",\"idPattern\":\"a\"}", 10 },
	};
	struct query_error error;
	struct query q;
	struct buf t;

	buf_init(&t, 60000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&t);
		buf_addf(&t, "{\"type\":\"Query\",\"entities\":[%s",
		    cases[i].selector);
		for (unsigned n = 1; n < cases[i].max; n++)
			buf_addf(&t, ",%s", cases[i].selector);
		BUF_LIT(&t, "]}");
		get(*state, buf_cstr(&t), &q);
		t.len -= 2;
		buf_addf(&t, ",%s]}", cases[i].selector);
		assert_int_equal(
		    parse(*state, buf_cstr(&t), "", &q, &error), HUB_ESYNTAX);
		assert_int_equal(error.status, 400);
	}
	buf_clear(&t);
}

/* ---- matching */

static void
make(struct bench *b, const char *text, struct entity *e)
{
	static const struct json_limits limits = { 32, 100, 10000 };
	struct document *doc = arena_alloc(b->arena, sizeof(*doc));

	doc->context = b->core;
	assert_int_equal(
	    json_parse(&doc->json, quoted(b, text), &limits, b->arena), HUB_OK);
	assert_int_equal(entity_read(doc, 0, &b->names, b->arena, e), HUB_OK);
}

static void
selects_by_type_and_selector(void **state)
{
	/* The entity is urn:a:1 of types A and B. */
	static const struct {
		const char *entities;
		bool match;
	} cases[] = {
		{ "{'type':'A'}", true },
		{ "{'type':'C'}", false },
		{ "{'type':'A;B'}", true },
		{ "{'type':'A;C'}", false },
		{ "{'type':'A;C,B'}", true }, /* ; binds tighter */
		{ "{'type':'B|A;C'}", true },
		{ "{'type':'(B|A);C'}", false },
		{ "{'type':'(C|A);(B,D)'}", true },
		{ "{'type':'((A))'}", true },
		{ "{'type':'A','id':'urn:a:1'}", true },
		{ "{'type':'A','id':'urn:a:2'}", false },
		{ "{'type':'A','idPattern':'1$'}", true },
		{ "{'type':'A','idPattern':'2$'}", false },
		{ "{'type':'A','id':'urn:a:1','idPattern':'2$'}", false },
		{ "{'type':'C'},{'type':'B'}", true },
		{ "{'type':'A','id':'urn:a:2'},{'type':'C','id':'urn:a:1'}",
		    false },
		{ "{}", true },
		{ "{'type':'C'},{}", true },
		{ "{'id':'urn:a:1'}", true },
	};
	struct bench *b = *state;
	struct entity e;
	struct query q;

	make(b, "{'id':'urn:a:1','type':['A','B']}", &e);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get(b,
		    arena_printf(b->arena,
			"{'type':'Query','q':'x','entities':[%s]}",
			cases[i].entities),
		    &q);
		assert_true(query_type_match(&q, &e));
		if (query_selectors_match(&q, &e) != cases[i].match)
			fail_msg("%s", cases[i].entities);
	}
	get(b, "{'type':'Query','q':'x'}", &q);
	assert_true(query_selectors_match(&q, &e));
}

/* What a source was asked for: some type that is named, some id; the rest of
 * the question is for the merged view. */
static void
knows_what_was_asked_for(void **state)
{
	static const struct {
		const char *entities;
		bool asked;
	} cases[] = {
		{ "{'type':'A'}", true },
		{ "{'type':'C'}", false },
		{ "{'type':'A;C'}", true }, /* another source may have C */
		{ "{'type':'C'},{'type':'B'}", true },
		{ "{'type':'C'},{'idPattern':'x'}", true },
		{ "{'type':'A','id':'urn:a:1'}", true },
		{ "{'type':'A','id':'urn:a:2'}", false },
		{ "{'type':'A','id':'urn:a:2'},{'type':'C','id':'urn:a:1'}",
		    true },
		{ "{'type':'A','idPattern':'2$'}", true },
	};
	struct bench *b = *state;
	struct entity e;
	struct query q;

	make(b, "{'id':'urn:a:1','type':['A','B']}", &e);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get(b,
		    arena_printf(b->arena,
			"{'type':'Query','q':'x','entities':[%s]}",
			cases[i].entities),
		    &q);
		if (query_asked(&q, &e) != cases[i].asked)
			fail_msg("%s", cases[i].entities);
	}
}

static void
selects_by_scope(void **state)
{
	static const struct {
		const char *scope_q, *scope;
		bool match;
	} cases[] = {
		{ "/a/b", "'/a/b'", true },
		{ "/a/b", "'a/b'", true },
		{ "/a/b", "'/a'", false },
		{ "/a/b", "'/a/b/c'", false },
		{ "/a/b", "'/a/B'", false },
		{ "/a/b", "'/a/bc'", false },
		{ "/a/+", "'/a/b'", true },
		{ "/a/+", "'/a'", false },
		{ "/a/+", "'/a/b/c'", false },
		{ "/+/b", "'/a/b'", true },
		{ "/+/+", "'/a'", false },
		{ "/a/#", "'/a/b/c'", true },
		{ "/a/#", "'/a'", true },
		{ "/a/#", "'/ab'", false },
		{ "/a/+/#", "'/a'", false },
		{ "/a/+/#", "'/a/b'", true },
		{ "/#", "'/a'", true },
		{ "/#", "''", false },
		{ "/#", "[]", false },
		{ "/#", "1", false },
		{ "/#", "[1,{'a':1}]", false },
		{ "/a/b", "['/x','/a/b']", true },
		{ "/a/b,/c", "'/c'", true },
		{ "/a/b|/c", "'/c'", true },
		{ "/a;/c", "'/c'", false },
		{ "/a;/c", "['/c','/a']", true },
		{ "(/a|/b);/c", "['/c','/b']", true },
		{ "/a|/b;/c", "['/b']", false },
		{ "/a/b", "'\\u002fa\\/b'", true },
		{ "/\\u00e4/b", "'/\\u00e4/b'", true },
	};
	struct bench *b = *state;
	struct entity e;
	struct query q;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get(b,
		    arena_printf(b->arena,
			"{'type':'Query','q':'x','scopeQ':'%s'}",
			cases[i].scope_q),
		    &q);
		make(b,
		    arena_printf(b->arena,
			"{'id':'urn:a:1','type':'A','scope':%s}",
			cases[i].scope),
		    &e);
		if (query_scope_match(&q, &e) != cases[i].match)
			fail_msg("%s %s", cases[i].scope_q, cases[i].scope);
		e.scope.node = 0; /* not released */
		assert_false(query_scope_match(&q, &e));
	}
	get(b, "{'type':'Query','q':'x'}", &q);
	assert_true(query_scope_match(&q, &e));
}

static void
shows_what_is_picked_and_not_omitted(void **state)
{
	static const char entity[] =
	    "{'id':'urn:a:1','type':'A','scope':'/s',"
	    "'x':[{'type':'Property','value':1},"
	    "{'type':'Property','value':2,'datasetId':'urn:d:1'}],"
	    "'y':{'type':'Property','value':3,'datasetId':'urn:d:2'},"
	    "'z':{'type':'Property','value':4}}";
	static const struct {
		const char *members, *shown; /* a digit a value, s a scope */
	} cases[] = {
		{ "'q':'x'", "1234s" },
		{ "'pick':['x','scope']", "12s" },
		{ "'pick':['x']", "12" },
		{ "'pick':['id']", "" },
		{ "'pick':['none']", "" },
		{ "'omit':['x']", "34s" },
		{ "'omit':['id','scope']", "1234" },
		{ "'pick':['x','y'],'omit':['x','z']", "3" },
		{ "'datasetId':'@none'", "14s" },
		{ "'datasetId':['urn:d:1','urn:d:2']", "23s" },
		{ "'datasetId':['urn:d:1'],'pick':['x']", "2" },
		{ "'datasetId':['urn:d:1','@none'],'omit':['z']", "12s" },
	};
	struct bench *b = *state;
	char shown[8];
	struct entity e;
	struct query q;
	size_t n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get(b,
		    arena_printf(b->arena,
			"{'type':'Query','entities':[{'type':'A'}],%s}",
			cases[i].members),
		    &q);
		make(b, entity, &e);
		query_project(&q, &e);
		for (n = 0; n < e.ninstances; n++)
			shown[n] = *json_span(
			    &e.instances[n].doc->json, e.instances[n].value)
					.p;
		if (e.scope.node != 0)
			shown[n++] = 's';
		shown[n] = '\0';
		assert_string_equal(shown, cases[i].shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_whole_query),
		cmocka_unit_test(takes_the_same_in_other_words),
		cmocka_unit_test(plans_only_with_what_every_selector_says),
		cmocka_unit_test(refuses_other_bodies),
		cmocka_unit_test(takes_only_the_page_from_the_url),
		cmocka_unit_test(bounds_its_selectors),
		cmocka_unit_test(selects_by_type_and_selector),
		cmocka_unit_test(knows_what_was_asked_for),
		cmocka_unit_test(selects_by_scope),
		cmocka_unit_test(shows_what_is_picked_and_not_omitted),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
