/* tests/unit/test_context.c - JSON-LD contexts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/ngsild/context.h"

#define NGSI  "https://uri.etsi.org/ngsi-ld/"
#define WATER "https://ctx.example/water.jsonld"
#define TREES "https://ctx.example/trees.jsonld"

struct fixture {
	struct vocab *vocab;
	struct arena *arena;
	struct names names;
};

static enum hub_err
add(struct vocab *v, const char *url, const char *document)
{
	enum hub_err err;
	struct buf why;

	buf_init(&why, 4096);
	err = vocab_add(v, str_of(url), str_of(document), &why);
	assert_int_equal(err != HUB_OK, why.len > 0); /* a reason, always */
	assert_true(str_utf8(buf_str(&why)));
	buf_clear(&why);
	return (err);
}

static int
set_up(void **state)
{
	static struct fixture f;

	f.vocab = vocab_new();
	assert_int_equal(
	    add(f.vocab, WATER,
		"{\"@context\":{"
		"\"water\":\"https://water.example/\","
		"\"waterLevel\":\"water:waterLevel\","
		"\"level\":{\"@id\":\"waterLevel\"},"
		"\"refDevice\":{\"@id\":\"water:refDevice\","
		"\"@type\":\"@id\"},"
		"\"tags\":{\"@id\":\"https://water.example/t#tags\","
		"\"@container\":\"@list\"},"
		"\"hidden\":null,\"nothing\":{\"@id\":null},"
		"\"identifier\":\"@id\","
		"\"location\":\"https://water.example/evil\","
		"\"shared\":\"https://water.example/shared\","
		"\"noPrefix\":\"https://np.example/x\","
		"\"asked\":{\"@id\":\"https://asked.example/x\","
		"\"@prefix\":true},"
		"\"N-TOT\":\"water:n-tot\"}}"),
	    HUB_OK);
	assert_int_equal(add(f.vocab, TREES,
			     "{\"@context\":[{\"@vocab\":"
			     "\"https://trees.example/\","
			     "\"species\":\"species\","
			     "\"crown\":{\"@type\":\"@id\"},"
			     "\"shared\":\"https://trees.example/shared\","
			     "\"hidden\":\"https://trees.example/hidden\","
			     "\"waterLevel\":null},"
			     "\"" NGSILD_CORE_URL "\"]}"),
	    HUB_OK);
	f.arena = arena_new();
	names_init(&f.names, f.vocab, f.arena);
	*state = &f;
	return (0);
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	vocab_free(f->vocab);
	return (0);
}

static void
assert_means(struct fixture *f, const struct context *c, const char *term,
    const char *iri)
{
	const struct name *n = context_expand(c, &f->names, str_of(term));

	if (iri == NULL) {
		if (n != NULL)
			fail_msg("%s means %.*s", term, STR_FMT(n->iri));
		return;
	}
	if (n == NULL || !str_eq(n->iri, str_of(iri)))
		fail_msg("%s means %.*s, not %s", term,
		    STR_FMT(n != NULL ? n->iri : STR("nothing")), iri);
	assert_ptr_equal(n, context_expand(c, &f->names, str_of(term)));
	assert_ptr_equal(n, names_iri(&f->names, str_of(iri)));
	assert_ptr_equal(
	    n, context_expand(c, &f->names, context_compact(c, n, f->arena)));
}

static void
assert_written(struct fixture *f, const struct context *c, const char *iri,
    const char *text)
{
	const struct name *n = names_iri(&f->names, str_of(iri));
	struct str s = context_compact(c, n, f->arena);

	if (!str_eq(s, str_of(text)))
		fail_msg("%s is written %.*s, not %s", iri, STR_FMT(s), text);
	assert_ptr_equal(n, context_expand(c, &f->names, s));
}

static const struct context *
of_json(struct fixture *f, const char *text, enum hub_err want)
{
	const struct context *c = NULL;
	struct str url = STR_NONE;
	struct json j;
	enum hub_err err;

	assert_int_equal(
	    json_parse(&j, str_of(text), &JSON_LIMITS_BROKER, f->arena),
	    HUB_OK);
	err = context_of_json(&f->names, &j, 0, &c, &url);
	assert_int_equal(err, want);
	assert_int_equal(err == HUB_ENOENT, url.p != NULL);
	assert_int_equal(err == HUB_OK, c != NULL);
	return (c);
}

static void
knows_the_terms_of_the_core_context(void **state)
{
	static const char *const terms[][2] = { { "Property", NGSI "Property" },
		{ "Relationship", NGSI "Relationship" },
		{ "GeoProperty", NGSI "GeoProperty" },
		{ "LanguageProperty", NGSI "LanguageProperty" },
		{ "JsonProperty", NGSI "JsonProperty" },
		{ "VocabProperty", NGSI "VocabProperty" },
		{ "ListRelationship", NGSI "ListRelationship" },
		{ "DateTime", NGSI "DateTime" },
		{ "EntityMap", NGSI "EntityMap" },
		{ "Snapshot", NGSI "Snapshot" },
		{ "Point", "https://purl.org/geojson/vocab#Point" },
		{ "MultiPolygon",
		    "https://purl.org/geojson/vocab#MultiPolygon" },
		{ "Feature", "https://purl.org/geojson/vocab#Feature" },
		{ "bbox", "https://purl.org/geojson/vocab#bbox" },
		{ "coordinates", "https://purl.org/geojson/vocab#coordinates" },
		{ "features", "https://purl.org/geojson/vocab#features" },
		{ "geometry", "https://purl.org/geojson/vocab#geometry" },
		{ "properties", "https://purl.org/geojson/vocab#properties" },
		{ "containedBy", NGSI "isContainedBy" },
		{ "createdAt", NGSI "createdAt" },
		{ "dataset", NGSI "hasDataset" },
		{ "datasetId", NGSI "datasetId" },
		{ "description", "http://purl.org/dc/terms/description" },
		{ "title", "http://purl.org/dc/terms/title" },
		{ "entityMapLifetime", NGSI "hasEntityMapLifetime" },
		{ "json", NGSI "hasJSON" }, { "key", NGSI "hasKey" },
		{ "joinLevel", NGSI "hasJoinLevel" },
		{ "languageMap", NGSI "hasLanguageMap" },
		{ "langString",
		    "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString" },
		{ "location", NGSI "location" },
		{ "modifiedAt", NGSI "modifiedAt" },
		{ "object", NGSI "hasObject" },
		{ "objectList", NGSI "hasObjectList" },
		{ "observedAt", NGSI "observedAt" },
		{ "operationSpace", NGSI "operationSpace" },
		{ "previousValue", NGSI "hasPreviousValue" },
		{ "scope", NGSI "scope" },
		{ "splitEntities", NGSI "hasSplitEntities" },
		{ "unitCode", NGSI "unitCode" }, { "value", NGSI "hasValue" },
		{ "valueList", NGSI "hasValueList" },
		{ "vocab", NGSI "hasVocab" },
		{ "ngsildproof", NGSI "ngsildproof" }, { "ngsi-ld", NGSI },
		{ "geojson", "https://purl.org/geojson/vocab#" },
		{ "id", NULL }, { "type", NULL } };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		assert_means(f, vocab_core(f->vocab), terms[i][0], terms[i][1]);
		if (terms[i][1] != NULL)
			assert_written(
			    f, vocab_core(f->vocab), terms[i][1], terms[i][0]);
	}
}

static void
expands_under_the_core_alone(void **state)
{
	static const char *const terms[][2] = { { "waterLevel", NGSILD_DEFAULT
						    "waterLevel" },
		{ "ngsi-ld:hasValue", NGSI "hasValue" },
		{ "ngsi-ld:new", NGSI "new" }, { "ngsi-ld://x", "ngsi-ld://x" },
		{ "https://a.example/b", "https://a.example/b" },
		{ "urn:x:y", "urn:x:y" }, { "schema:name", "schema:name" },
		{ "1:2", NGSILD_DEFAULT "1:2" }, { ":x", NGSILD_DEFAULT ":x" },
		{ "a b:c", NGSILD_DEFAULT "a b:c" },
		{ "a:b c", NGSILD_DEFAULT "a:b c" },
		{ "a/b", NGSILD_DEFAULT "a/b" },
		{ "<x>", NGSILD_DEFAULT "<x>" }, { "<", NGSILD_DEFAULT "<" },
		{ "\xc3\xa4", NGSILD_DEFAULT "\xc3\xa4" }, { "", NULL },
		{ "@id", NULL }, { "@type", NULL }, { "@other", NULL },
		{ "@", NULL }, { "_:b0", NULL } };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		assert_means(f, vocab_core(f->vocab), terms[i][0], terms[i][1]);
}

static void
expands_under_a_context_of_the_region(void **state)
{
	static const char *const terms[][2] = {
		{ "waterLevel", "https://water.example/waterLevel" },
		{ "level", "https://water.example/waterLevel" },
		{ "refDevice", "https://water.example/refDevice" },
		{ "tags", "https://water.example/t#tags" },
		{ "N-TOT", "https://water.example/n-tot" },
		{ "water:x", "https://water.example/x" },
		{ "water:", "https://water.example/" },
		{ "water", "https://water.example/" },
		{ "noPrefix:x", "noPrefix:x" },
		{ "asked:x", "https://asked.example/xx" },
		{ "tags:x", "tags:x" }, { "hidden", NULL }, { "nothing", NULL },
		{ "identifier", NULL }, { "hidden:x", "hidden:x" },
		{ "location", NGSI "location" }, /* protected */
		{ "value", NGSI "hasValue" },
		{ "species", NGSILD_DEFAULT "species" }
	};
	struct fixture *f = *state;
	const struct context *c = vocab_context(f->vocab, STR(WATER));

	assert_non_null(c);
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		assert_means(f, c, terms[i][0], terms[i][1]);
}

static void
uses_a_vocabulary_for_the_definitions_of_its_document(void **state)
{
	struct fixture *f = *state;
	const struct context *c = vocab_context(f->vocab, STR(TREES));

	assert_means(f, c, "species", "https://trees.example/species");
	assert_means(f, c, "crown", "https://trees.example/crown");
	/* the core is last: what no term defines is of its vocabulary */
	assert_means(f, c, "root", NGSILD_DEFAULT "root");
}

static void
writes_the_shortest_that_reads_back(void **state)
{
	struct fixture *f = *state;
	const struct context *w = vocab_context(f->vocab, STR(WATER)),
			     *core = vocab_core(f->vocab);

	assert_written(f, w, "https://water.example/waterLevel", "level");
	assert_written(f, core, "https://water.example/waterLevel",
	    "https://water.example/waterLevel");
	assert_written(f, w, "https://water.example/other", "water:other");
	assert_written(f, w, "https://water.example/t#other", "water:t#other");
	assert_written(
	    f, w, "https://water.example///x", "https://water.example///x");
	assert_written(f, w, NGSILD_DEFAULT "temperature", "temperature");
	/* vocabulary-relative, but the text means something else */
	assert_written(
	    f, w, NGSILD_DEFAULT "level", "ngsi-ld:default-context/level");
	assert_written(
	    f, core, NGSILD_DEFAULT "id", "ngsi-ld:default-context/id");
	assert_written(
	    f, core, NGSILD_DEFAULT "@x", "ngsi-ld:default-context/@x");
	assert_written(
	    f, core, NGSILD_DEFAULT "urn:x", "ngsi-ld:default-context/urn:x");
	assert_written(f, core, NGSILD_DEFAULT, "ngsi-ld:default-context/");
	assert_written(f, core, NGSI "hasValue", "value");
	assert_written(
	    f, core, "https://np.example/xy", "https://np.example/xy");
}

static void
writes_what_json_ld_cannot_say_in_brackets(void **state)
{
	struct fixture *f = *state;
	const struct context *w = vocab_context(f->vocab, STR(WATER));

	assert_written(f, vocab_core(f->vocab), "water:x", "water:x");
	assert_written(f, w, "water:x", "<water:x>");
	/* a prefix lets a blank in, and the core alone has no such prefix */
	assert_means(f, w, "water:a b", "https://water.example/a b");
	assert_written(f, vocab_core(f->vocab), "https://water.example/a b",
	    "<https://water.example/a b>");
	assert_written(f, w, "https://water.example/x", "water:x");
	assert_means(f, w, "<https://a.example/b>",
	    NGSILD_DEFAULT "<https://a.example/b>");
}

static void
keeps_names_of_a_request_apart_from_the_vocab(void **state)
{
	struct fixture *f = *state;
	uint32_t size = vocab_size(f->vocab);
	const struct name *known, *local, *many[300];
	char iri[64];

	known = names_iri(&f->names, STR(NGSI "hasValue"));
	local = names_iri(&f->names, STR("https://x.example/local"));
	assert_true(known->id >= 1 && known->id <= size);
	assert_int_equal(local->id, 0);
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 300; i++) {
			(void)snprintf(iri, sizeof(iri), "urn:x:%u", i);
			if (round == 0)
				many[i] = names_iri(&f->names, str_of(iri));
			else
				assert_ptr_equal(
				    many[i], names_iri(&f->names, str_of(iri)));
		}
	assert_ptr_equal(
	    local, names_iri(&f->names, STR("https://x.example/local")));
	assert_int_equal(vocab_size(f->vocab), size);
	assert_ptr_equal(known, vocab_intern(f->vocab, known->iri));
	assert_int_equal(vocab_intern(f->vocab, STR("urn:new"))->id, size + 1);
	assert_int_equal(
	    context_expand_build(vocab_core(f->vocab), f->vocab, STR("dew"))
		->id,
	    size + 2);
	assert_null(
	    context_expand_build(vocab_core(f->vocab), f->vocab, STR("id")));
	/* known by now, but younger than the context's own list */
	assert_written(f, vocab_core(f->vocab), NGSILD_DEFAULT "dew", "dew");
}

static void
expands_names_longer_than_its_room(void **state)
{
	struct fixture *f = *state;
	char term[2000];
	const struct name *n;

	memset(term, 'x', sizeof(term));
	n = context_expand(vocab_core(f->vocab), &f->names,
	    (struct str){ term, sizeof(term) });
	assert_int_equal(n->iri.len, sizeof(NGSILD_DEFAULT) - 1 + 2000);
	assert_int_equal(
	    context_compact(vocab_core(f->vocab), n, f->arena).len, 2000);
}

static void
takes_every_core_url_for_the_core(void **state)
{
	static const struct {
		const char *rest;
		bool core;
	} urls[] = { { ".jsonld", true }, { "-v1.3.jsonld", true },
		{ "-v1.8.jsonld", true }, { "-v1.9.jsonld", true },
		{ "-v1.2.jsonld", false }, { "-v1.10.jsonld", false },
		{ "-v2.3.jsonld", false }, { "", false }, { ".json", false },
		{ "-v1.9.jsonldx", false }, { "-v1.:.jsonld", false } };
	struct fixture *f = *state;
	char url[128];

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		(void)snprintf(url, sizeof(url),
		    NGSI "v1/ngsi-ld-core-context%s", urls[i].rest);
		assert_ptr_equal(vocab_context(f->vocab, str_of(url)),
		    urls[i].core ? vocab_core(f->vocab) : NULL);
	}
	assert_null(vocab_context(f->vocab, STR("https://ctx.example/")));
	assert_true(
	    str_eq(context_url(vocab_core(f->vocab)), STR(NGSILD_CORE_URL)));
	assert_true(str_eq(
	    context_url(vocab_context(f->vocab, STR(WATER))), STR(WATER)));
}

static void
judges_context_documents(void **state)
{
	static const struct {
		const char *document;
		enum hub_err err;
	} cases[] = { { "{\"@context\":{}}", HUB_OK },
		{ "{\"@context\":[]}", HUB_OK },
		{ "{\"@context\":\"" WATER "\"}", HUB_OK },
		{ "{\"@context\":[\"" WATER "\",{\"a\":\"water:a\"}]}",
		    HUB_OK },
		{ "{\"x\":1,\"@context\":{\"@version\":1.1,"
		  "\"@protected\":true,\"id\":\"@id\",\"type\":\"@type\"}}",
		    HUB_OK },
		{ "{\"@context\":{\"a\":{\"@id\":\"urn:a\",\"@type\":\"@json\","
		  "\"@container\":[\"@set\",\"@index\"],\"@protected\":false}}"
		  "}",
		    HUB_OK },
		/* not read at all: a term of the core */
		{ "{\"@context\":{\"ngsildproof\":{\"@context\":{}}}}",
		    HUB_OK },
		{ "{\"@context\":{\"https://a.example/b\":"
		  "\"https://a.example/b\"}}",
		    HUB_OK },
		{ "", HUB_ESYNTAX }, { "[]", HUB_ESYNTAX },
		{ "{}", HUB_ESYNTAX }, { "{\"@context\":1}", HUB_ESYNTAX },
		{ "{\"@context\":null}", HUB_ESYNTAX },
		{ "{\"@context\":[null]}", HUB_ESYNTAX },
		{ "{\"@context\":[[]]}", HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":1}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":[]}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"\":\"urn:a\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"<a>\":\"urn:a\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"@id\":\"urn:a\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"@version\":1.0}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"@vocab\":1}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":{\"@id\":1}}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":{\"@id\":\"urn:a\",\"x\":1}}}",
		    HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":{\"@id\":\"urn:a\","
		  "\"@container\":\"@bag\"}}}",
		    HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":\"a:x\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":\"b:x\",\"b\":\"a:y\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":\"b\",\"b\":\"a\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"urn:a\":\"urn:b\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"p\":\"https://p.example/\","
		  "\"p:a\":\"https://q.example/a\"}}",
		    HUB_ESYNTAX },
		{ "{\"@context\":{\"a\":\"urn:a b\"}}", HUB_ESYNTAX },
		{ "{\"@context\":{\"p:q\":{\"@id\":\"p:q\","
		  "\"@prefix\":true}}}",
		    HUB_ESYNTAX },
		{ "{\"@context\":\"https://no.example/\"}", HUB_ENOENT },
		{ "{\"@context\":{\"@import\":\"" WATER "\"}}", HUB_ENOTSUP },
		{ "{\"@context\":{\"@propagate\":false}}", HUB_ENOTSUP },
		{ "{\"@context\":{\"@base\":\"urn:x\"}}", HUB_ENOTSUP },
		{ "{\"@context\":{\"@language\":\"de\"}}", HUB_ENOTSUP },
		{ "{\"@context\":{\"@vocab\":\"\"}}", HUB_ENOTSUP },
		{ "{\"@context\":{\"a\":{\"@reverse\":\"urn:a\"}}}",
		    HUB_ENOTSUP },
		{ "{\"@context\":{\"a\":{\"@id\":\"urn:a\","
		  "\"@context\":{}}}}",
		    HUB_ENOTSUP },
		{ "{\"@context\":{\"a\":{\"@id\":\"urn:a\","
		  "\"\\u0040context\":{}}}}",
		    HUB_ENOTSUP },
		{ "{\"@context\":{\"list\":\"@list\"}}", HUB_ENOTSUP },
		{ "{\"@context\":{\"a\":\"@graph\"}}", HUB_ENOTSUP } };
	struct fixture *f = *state;
	uint32_t size = vocab_size(f->vocab);
	char url[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum hub_err err;

		(void)snprintf(url, sizeof(url), "https://t.example/%zu", i);
		err = add(f->vocab, url, cases[i].document);
		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].document, hub_err_str(err));
		assert_int_equal(err == HUB_OK,
		    vocab_context(f->vocab, str_of(url)) != NULL);
		if (err != HUB_OK)
			assert_int_equal(size, vocab_size(f->vocab));
		size = vocab_size(f->vocab);
	}
	assert_int_equal(add(f->vocab, WATER, "{\"@context\":{}}"), HUB_EEXIST);
	assert_int_equal(
	    add(f->vocab, NGSILD_CORE_URL, "{\"@context\":{}}"), HUB_EEXIST);
	assert_int_equal(
	    add(f->vocab, "nowhere", "{\"@context\":{}}"), HUB_ESYNTAX);
}

/* {"@context": {"t0": <first>, "t1": ..., }} with n terms. */
static enum hub_err
add_many(struct vocab *v, const char *url, unsigned n, const char *fmt)
{
	enum hub_err err;
	struct buf b;

	buf_init(&b, 4 << 20);
	BUF_LIT(&b, "{\"@context\":{\"t0\":\"https://t.example/\"");
	for (unsigned i = 1; i < n; i++) {
		buf_addf(&b, ",\"t%u\":\"", i);
		/* the one number of fmt: the term before this */
		buf_addf(&b, "%.*s%u%s", (int)(strchr(fmt, '#') - fmt), fmt,
		    i - 1, strchr(fmt, '#') + 1);
		buf_addc(&b, '"');
	}
	BUF_LIT(&b, "}}");
	err = add(v, url, buf_cstr(&b));
	buf_clear(&b);
	return (err);
}

static void
bounds_context_documents(void **state)
{
	struct fixture *f = *state;
	char *blank;

	assert_int_equal(
	    add_many(f->vocab, "https://m.example/1", 20000, "urn:x:#"),
	    HUB_OK);
	assert_int_equal(
	    add_many(f->vocab, "https://m.example/2", 20001, "urn:x:#"),
	    HUB_EFULL);
	/* a ladder: each term stands on the one before it */
	assert_int_equal(
	    add_many(f->vocab, "https://m.example/3", 20, "t#:a/"), HUB_OK);
	assert_means(f, vocab_context(f->vocab, STR("https://m.example/3")),
	    "t2:b", "https://t.example/a/a/b");
	assert_int_equal(
	    add_many(f->vocab, "https://m.example/4", 400, "t#:a/"), HUB_OK);
	assert_int_equal(
	    add_many(f->vocab, "https://m.example/5", 600, "t#:a/"),
	    HUB_EFULL); /* prefixes */
	assert_int_equal(add_many(f->vocab, "https://m.example/6", 400,
			     "t#:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"),
	    HUB_EFULL); /* one IRI */
	blank = malloc((1 << 20) + 2);
	assert_non_null(blank);
	memset(blank, ' ', (1 << 20) + 1);
	blank[(1 << 20) + 1] = '\0';
	assert_int_equal(
	    add(f->vocab, "https://m.example/7", blank), HUB_EFULL);
	free(blank);
}

static void
does_not_recurse_without_end(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	buf_init(&b, 1 << 20);
	BUF_LIT(&b, "{\"@context\":{");
	for (unsigned i = 0; i < 2000; i++)
		buf_addf(&b, "\"t%u\":\"t%u\",", i, i + 1);
	BUF_LIT(&b, "\"t2000\":\"urn:x\"}}");
	assert_int_equal(
	    add(f->vocab, "https://r.example/", buf_cstr(&b)), HUB_EFULL);
	buf_clear(&b);
}

static void
reads_the_context_of_an_answer(void **state)
{
	struct fixture *f = *state;
	const struct context *core = vocab_core(f->vocab),
			     *water = vocab_context(f->vocab, STR(WATER));

	assert_ptr_equal(of_json(f, "\"" WATER "\"", HUB_OK), water);
	assert_ptr_equal(
	    of_json(f, "\"https:\\/\\/ctx.example\\/water.jsonld\"", HUB_OK),
	    water);
	assert_ptr_equal(of_json(f, "\"" NGSILD_CORE_URL "\"", HUB_OK), core);
	assert_ptr_equal(of_json(f, "[]", HUB_OK), core);
	assert_ptr_equal(of_json(f, "[\"\"]", HUB_OK), core);
	assert_ptr_equal(
	    of_json(f, "[\"" NGSILD_CORE_URL "\",\"" WATER "\",\"\"]", HUB_OK),
	    water);
	assert_ptr_equal(
	    of_json(f, "[\"" WATER "\",\"" WATER "\"]", HUB_OK), water);
	of_json(f, "\"https://no.example/\"", HUB_ENOENT);
	of_json(f, "[\"" WATER "\",\"https://no.example/\"]", HUB_ENOENT);
	of_json(f, "\"\"", HUB_ENOENT);
	of_json(f, "{}", HUB_ENOTSUP);
	of_json(f, "[{\"a\":\"urn:a\"}]", HUB_ENOTSUP);
	of_json(f, "[[\"" WATER "\"]]", HUB_ENOTSUP);
	of_json(f, "[null]", HUB_ENOTSUP);
	of_json(f, "null", HUB_ENOTSUP);
	of_json(f, "7", HUB_ENOTSUP);
}

static void
lets_the_later_of_two_contexts_win(void **state)
{
	struct fixture *f = *state;
	const struct context *wt, *tw;

	wt = of_json(f, "[\"" WATER "\",\"" TREES "\"]", HUB_OK);
	tw = of_json(f, "[\"" TREES "\",\"" WATER "\"]", HUB_OK);
	assert_means(f, wt, "shared", "https://trees.example/shared");
	assert_means(f, tw, "shared", "https://water.example/shared");
	assert_means(f, wt, "hidden", "https://trees.example/hidden");
	assert_means(f, tw, "hidden", NULL);
	assert_means(f, wt, "waterLevel", NULL);
	assert_means(f, wt, "location", NGSI "location");
	assert_means(f, wt, "id", NULL);
	assert_means(f, wt, "water:x", "https://water.example/x");
	assert_means(f, wt, "root", NGSILD_DEFAULT "root");
	assert_written(f, wt, "https://water.example/shared", "water:shared");
	assert_written(f, wt, "https://trees.example/shared", "shared");
	assert_written(f, wt, "https://water.example/waterLevel", "level");
	assert_written(f, tw, "https://trees.example/hidden",
	    "https://trees.example/hidden");
	assert_written(f, wt, NGSI "hasValue", "value");
	assert_int_equal(context_url(wt).len, 0);
}

static void
bounds_the_contexts_of_an_answer(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	buf_init(&b, 1 << 16);
	for (int n = 16; n <= 17; n++) {
		buf_reset(&b);
		for (int i = 0; i < n; i++)
			buf_addf(&b, "%s\"%s\"", i == 0 ? "[" : ",",
			    i % 2 == 0 ? WATER : TREES);
		BUF_LIT(&b, "]");
		of_json(f, buf_cstr(&b), n == 16 ? HUB_OK : HUB_ENOTSUP);
	}
	buf_clear(&b);
}

#define REL "rel=\"http://www.w3.org/ns/json-ld#context\""

static void
finds_the_context_in_a_link_header(void **state)
{
	static const struct {
		const char *value;
		enum hub_err err;
		const char *url; /* NULL: none */
	} cases[] = { { "<" WATER ">; " REL "; type=\"application/ld+json\"",
			  HUB_OK, WATER },
		{ "<" WATER ">;" REL, HUB_OK, WATER },
		{ " <u> ; " REL " ", HUB_OK, "u" },
		{ "<u>; rel=http://www.w3.org/ns/json-ld#context", HUB_OK,
		    "u" },
		{ "<u>; REL=\"HTTP://www.w3.org/ns/json-ld#context\"", HUB_OK,
		    "u" },
		{ "<u>; rel=\"next http://www.w3.org/ns/json-ld#context\"",
		    HUB_OK, "u" },
		{ "<a>; rel=next, <u>; " REL ", <b>; rel=\"prev\"", HUB_OK,
		    "u" },
		{ "<a,b;c>; title=\"x, \\\"<y>\\\"\"; " REL, HUB_OK, "a,b;c" },
		{ ",,<u>; " REL ",", HUB_OK, "u" },
		{ "<u>; " REL ";", HUB_OK, "u" },
		{ "<u>; rel=next; " REL, HUB_OK, NULL },
		{ "<u>; " REL "; rel=next", HUB_OK, "u" },
		{ "<u>; anchor=\"/x\"; " REL, HUB_OK, NULL },
		{ "<u>; title*=UTF-8''x; " REL, HUB_OK, "u" },
		{ "<u>; flag; " REL, HUB_OK, "u" }, { "<u>", HUB_OK, NULL },
		{ "", HUB_OK, NULL },
		{ "<u>; rel=\"http://www.w3.org/ns/json-ld#contextx\"", HUB_OK,
		    NULL },
		{ "<a>; " REL ", <b>; " REL, HUB_EEXIST, NULL },
		{ "<a>; " REL ", <a>; " REL, HUB_EEXIST, NULL },
		{ "u; " REL, HUB_ESYNTAX, NULL },
		{ "<u; " REL, HUB_ESYNTAX, NULL },
		{ "<u> " REL, HUB_ESYNTAX, NULL },
		{ "<u>; rel=\"http://www.w3.org/ns/json-ld#context",
		    HUB_ESYNTAX, NULL },
		{ "<u>; rel=\"x\\", HUB_ESYNTAX, NULL },
		{ "<u>; =x", HUB_ESYNTAX, NULL },
		{ "<u>; " REL " x", HUB_ESYNTAX, NULL },
		{ "<>; " REL, HUB_ESYNTAX, NULL },
		{ "<u\r>; " REL, HUB_ESYNTAX, NULL },
		{ "<a>; " REL " <b>", HUB_ESYNTAX, NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str url = STR("untouched");
		enum hub_err err;

		err = context_link_parse(str_of(cases[i].value), &url);
		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].value, hub_err_str(err));
		if (err != HUB_OK)
			assert_true(str_eq(url, STR("untouched")));
		else if (!str_eq(url, str_of(cases[i].url)) ||
			 (url.p == NULL) != (cases[i].url == NULL))
			fail_msg("%s: %.*s", cases[i].value, STR_FMT(url));
	}
	assert_int_equal(
	    context_link_parse(STR("<u\0>"), &(struct str){ NULL, 0 }),
	    HUB_ESYNTAX);
}

#define WITH_VOCAB(test)                                                       \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_VOCAB(knows_the_terms_of_the_core_context),
		WITH_VOCAB(expands_under_the_core_alone),
		WITH_VOCAB(expands_under_a_context_of_the_region),
		WITH_VOCAB(
		    uses_a_vocabulary_for_the_definitions_of_its_document),
		WITH_VOCAB(writes_the_shortest_that_reads_back),
		WITH_VOCAB(writes_what_json_ld_cannot_say_in_brackets),
		WITH_VOCAB(keeps_names_of_a_request_apart_from_the_vocab),
		WITH_VOCAB(expands_names_longer_than_its_room),
		WITH_VOCAB(takes_every_core_url_for_the_core),
		WITH_VOCAB(judges_context_documents),
		WITH_VOCAB(bounds_context_documents),
		WITH_VOCAB(does_not_recurse_without_end),
		WITH_VOCAB(reads_the_context_of_an_answer),
		WITH_VOCAB(lets_the_later_of_two_contexts_win),
		WITH_VOCAB(bounds_the_contexts_of_an_answer),
		cmocka_unit_test(finds_the_context_in_a_link_header),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
