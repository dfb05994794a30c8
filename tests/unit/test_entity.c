/* tests/unit/test_entity.c - entities as real brokers send them and as
 * clients get them: bytes of values stay, names are translated, what is not
 * released does not leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/entity_world.h"

#define WATER_URL "https://water.example/context.jsonld"
#define HUB_URL	  "https://hub.example/context.jsonld"

/* Two contexts in which the same things have different names. */
static const char water_context[] =
    "{\"@context\":{\"w\":\"https://water.example/\","
    "\"Gauge\":\"w:Gauge\",\"level\":\"w:level\",\"accuracy\":\"w:accuracy\","
    "\"high\":\"w:high\",\"low\":\"w:low\",\"state\":\"w:state\"}}";
static const char hub_context[] =
    "{\"@context\":{\"Pegel\":\"https://water.example/Gauge\","
    "\"stand\":\"https://water.example/level\","
    "\"guete\":\"https://water.example/accuracy\","
    "\"hoch\":\"https://water.example/high\","
    "\"zustand\":\"https://water.example/state\"}}";

static int
setup(void **state)
{
	struct world *w = world_new();
	struct buf why;

	buf_init(&why, 1000);
	assert_int_equal(vocab_add(w->vocab, STR(WATER_URL),
			     str_of(water_context), &why), HUB_OK);
	assert_int_equal(vocab_add(w->vocab, STR(HUB_URL), str_of(hub_context),
			     &why), HUB_OK);
	buf_clear(&why);
	world_begin(w);
	*state = w;
	return (0);
}

static const struct name *
term(struct world *w, const char *text)
{
	return (context_expand(w->doc.context, &w->names, str_of(text)));
}

static void
refuses_what_is_no_entity(void **state)
{
	static const char *const cases[] = {
		"[]", "\"urn:x:1\"", "null", "{}",
		"{\"id\":\"urn:x:1\"}",
		"{\"type\":\"T\"}",
		"{\"id\":1,\"type\":\"T\"}",
		"{\"id\":\"\",\"type\":\"T\"}",
		"{\"id\":\"nourl\",\"type\":\"T\"}",
		"{\"id\":\":x\",\"type\":\"T\"}",
		"{\"id\":\"urn:\",\"type\":\"T\"}",
		"{\"id\":\"urn:a b\",\"type\":\"T\"}",
		"{\"id\":\"urn:a\\nb\",\"type\":\"T\"}",
		"{\"id\":\"urn:a\\\"b\",\"type\":\"T\"}",
		"{\"id\":\"urn:<a>\",\"type\":\"T\"}",
		"{\"id\":\"urn:x:1\",\"@id\":\"urn:x:2\",\"type\":\"T\"}",
		"{\"id\":\"urn:x:1\",\"type\":\"T\",\"@type\":\"U\"}",
		"{\"id\":\"urn:x:1\",\"type\":[]}",
		"{\"id\":\"urn:x:1\",\"type\":[1]}",
		"{\"id\":\"urn:x:1\",\"type\":{}}",
		"{\"id\":\"urn:x:1\",\"type\":\"@type\"}",
		"{\"id\":\"urn:x:1\",\"type\":[\"a\",\"b\",\"c\",\"d\",\"e\","
		"\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\",\"m\",\"n\",\"o\","
		"\"p\",\"q\"]}",
	};
	struct world *w = *state;
	char *text = xcalloc(1, 2000);

	for (size_t i = 0; i < COUNT(cases); i++)
		if (world_read(w, cases[i]) != HUB_ESYNTAX)
			fail_msg("taken: %s", cases[i]);
	(void)snprintf(text, 2000, "{\"id\":\"urn:%01021d\",\"type\":\"T\"}",
	    0);
	assert_int_equal(world_read(w, text), HUB_ESYNTAX);
	(void)snprintf(text, 2000, "{\"id\":\"urn:%01020d\",\"type\":\"T\"}",
	    0);
	assert_int_equal(world_read(w, text), HUB_OK);
	free(text);
}

static void
refuses_one_attribute_under_two_spellings(void **state)
{
	static const char *const cases[] = {
		"{" HEAD ",\"level\":{\"value\":1},"
		"\"https://water.example/level\":{\"value\":2}}",
		"{" HEAD ",\"level\":{\"value\":1},\"w:level\":{\"value\":2}}",
		"{" HEAD ",\"level\":{\"value\":1},"
		"\"w:level\":[{\"value\":2}]}",
	};
	struct world *w = *state;

	w->doc.context = vocab_context(w->vocab, STR(WATER_URL));
	for (size_t i = 0; i < COUNT(cases); i++)
		if (world_read(w, cases[i]) != HUB_ESYNTAX)
			fail_msg("taken: %s", cases[i]);
	/* the same term escaped is a duplicate for the JSON reader already */
	assert_int_equal(world_read(w,
			     "{" HEAD ",\"lev\\u0065l\":{\"value\":1}}"),
	    HUB_OK);
	assert_ptr_equal(w->e.instances[0].name, term(w, "level"));
}

static void
limits_the_instances_of_one_entity(void **state)
{
	struct world *w = *state;
	struct buf b;

	for (unsigned n = ENTITY_INSTANCES_MAX; n <= ENTITY_INSTANCES_MAX + 1;
	     n++) {
		buf_init(&b, 1 << 20);
		BUF_LIT(&b, "{" HEAD ",\"a\":[");
		for (unsigned i = 0; i < n; i++)
			buf_addf(&b, "%s{\"value\":%u}", i > 0 ? "," : "", i);
		BUF_LIT(&b, "]}");
		assert_int_equal(world_read(w, buf_cstr(&b)),
		    n > ENTITY_INSTANCES_MAX ? HUB_ESYNTAX : HUB_OK);
		buf_clear(&b);
	}
}

/* What a source writes, and what leaves in both representations. */
static void
understands_what_real_brokers_send(void **state)
{
	static const struct {
		const char *in, *normalized, *simple;
	} cases[] = {
		{ "{\"type\":\"Property\",\"value\":1.10e+2}",
		    "{\"type\":\"Property\",\"value\":1.10e+2}", "1.10e+2" },
		/* arrays of one, no type (cassiopeia) */
		{ "[{\"value\":1.34,\"observedAt\":"
		  "\"2026-11-22T17:45:00.000Z\"}]",
		    "{\"type\":\"Property\",\"value\":1.34,\"observedAt\":"
		    "\"2026-11-22T17:45:00.000Z\"}", "1.34" },
		{ "[{\"object\":\"urn:x:2\"}]",
		    "{\"type\":\"Relationship\",\"object\":\"urn:x:2\"}",
		    "\"urn:x:2\"" },
		/* Smart Data Models examples */
		{ "{\"type\":\"string\",\"value\":\"a\"}",
		    "{\"type\":\"Property\",\"value\":\"a\"}", "\"a\"" },
		{ "{\"type\":\"Geo\",\"value\":{\"type\":\"Point\","
		  "\"coordinates\":[7,51]}}",
		    "{\"type\":\"GeoProperty\",\"value\":{\"type\":\"Point\","
		    "\"coordinates\":[7,51]}}",
		    "{\"type\":\"Point\",\"coordinates\":[7,51]}" },
		/* lepus: metadata as an object */
		{ "{\"type\":\"Property\",\"value\":1,\"observedAt\":{\"type\":"
		  "\"Property\",\"value\":\"2026-11-22T17:45:00Z\"},"
		  "\"valueType\":\"Number\"}",
		    "{\"type\":\"Property\",\"value\":1,\"observedAt\":"
		    "\"2026-11-22T17:45:00Z\"}", "1" },
		{ "{\"@type\":\"Property\",\"value\":{\"@type\":\"DateTime\","
		  "\"@value\":\"2026-11-22T17:45:00Z\"}}",
		    "{\"type\":\"Property\",\"value\":{\"@type\":\"DateTime\","
		    "\"@value\":\"2026-11-22T17:45:00Z\"}}",
		    "{\"@type\":\"DateTime\",\"@value\":"
		    "\"2026-11-22T17:45:00Z\"}" },
		{ "{\"type\":\"Relationship\",\"object\":[\"urn:x:2\","
		  "\"urn:x:3\"]}",
		    "{\"type\":\"Relationship\",\"object\":[\"urn:x:2\","
		    "\"urn:x:3\"]}", "[\"urn:x:2\",\"urn:x:3\"]" },
		{ "{\"languageMap\":{\"de\":\"Rot\",\"en\":\"red\"}}",
		    "{\"type\":\"LanguageProperty\",\"languageMap\":{\"de\":"
		    "\"Rot\",\"en\":\"red\"}}",
		    "{\"languageMap\":{\"de\":\"Rot\",\"en\":\"red\"}}" },
		{ "{\"json\":{\"object\":1}}",
		    "{\"type\":\"JsonProperty\",\"json\":{\"object\":1}}",
		    "{\"json\":{\"object\":1}}" },
		{ "{\"valueList\":[1, 2]}",
		    "{\"type\":\"ListProperty\",\"valueList\":[1, 2]}",
		    "{\"valueList\":[1, 2]}" },
		{ "{\"objectList\":[{\"object\":\"urn:x:2\"}]}",
		    "{\"type\":\"ListRelationship\",\"objectList\":[{"
		    "\"object\":\"urn:x:2\"}]}",
		    "{\"objectList\":[{\"object\":\"urn:x:2\"}]}" },
		/* bytes of values stay */
		{ "{ \"value\" : { \"b\" : [ 1 , 2.50 ], "
		  "\"\\u0061\":\"\\/\" } }",
		    "{\"type\":\"Property\",\"value\":{ \"b\" : [ 1 , 2.50 ], "
		    "\"\\u0061\":\"\\/\" }}",
		    "{ \"b\" : [ 1 , 2.50 ], \"\\u0061\":\"\\/\" }" },
		/* what travels, and what does not */
		{ "{\"value\":1,\"unitCode\":\"CMT\",\"secret\":{\"value\":2},"
		  "\"createdAt\":\"2026-01-01T00:00:00Z\",\"instanceId\":"
		  "\"urn:i:1\",\"previousValue\":7,\"expiresAt\":"
		  "\"2030-01-01T00:00:00Z\",\"@context\":[],"
		  "\"id\":\"urn:q:1\"}",
		    "{\"type\":\"Property\",\"value\":1,\"unitCode\":\"CMT\"}",
		    "1" },
		{ "{\"value\":1,\"unitCode\":{\"secret\":7},\"observedAt\":"
		  "{\"secret\":7},\"datasetId\":{\"secret\":7}}",
		    "{\"type\":\"Property\",\"value\":1}", "1" },
		{ "{\"type\":\"Relationship\",\"object\":\"urn:x:2\","
		  "\"entity\":{\"id\":\"urn:x:2\"},\"objectType\":\"T\"}",
		    "{\"type\":\"Relationship\",\"object\":\"urn:x:2\"}",
		    "\"urn:x:2\"" },
	};
	struct world *w = *state;
	char text[600], want[600];

	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof(text), "{" HEAD ",\"a\":%s}",
		    cases[i].in);
		assert_int_equal(world_read(w, text), HUB_OK);
		(void)snprintf(want, sizeof(want), "{" HEAD ",\"a\":%s}",
		    cases[i].normalized);
		w->out.format = ENTITY_NORMALIZED;
		assert_string_equal(write_it(w), want);
		(void)snprintf(want, sizeof(want), "{" HEAD ",\"a\":%s}",
		    cases[i].simple);
		w->out.format = ENTITY_KEY_VALUES;
		assert_string_equal(write_it(w), want);
	}
}

static void
knows_no_attribute_without_a_value(void **state)
{
	static const char *const cases[] = {
		"{}", "{\"type\":\"Property\"}",
		"{\"type\":\"Property\",\"object\":\"urn:x:2\"}",
		"{\"type\":\"GeoProperty\",\"coordinates\":[7,51]}",
		"{\"type\":\"Relationship\",\"value\":1}",
		/* an inlined entity is no target */
		"{\"type\":\"Relationship\",\"object\":{\"id\":\"urn:x:2\"}}",
		"{\"object\":[\"urn:x:2\",{\"id\":\"urn:x:2\"}]}",
		"{\"object\":7}",
		"{\"objectList\":[{\"object\":\"urn:x:2\",\"entity\":{}}]}",
		"{\"objectList\":[{\"object\":{}}]}",
	};
	struct world *w = *state;
	char text[200];

	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof(text), "{" HEAD ",\"a\":%s}",
		    cases[i]);
		assert_int_equal(world_read(w, text), HUB_OK);
		assert_int_equal(w->e.ninstances, 1);
		if (w->e.instances[0].kind != ATTR_NONE)
			fail_msg("of a kind: %s", cases[i]);
	}
	/* no attributes by their form */
	assert_int_equal(world_read(w, "{" HEAD ",\"a\":1,\"b\":\"x\",\"c\":[],"
				 "\"d\":[1],\"e\":[{\"value\":1},2],"
				 "\"f\":null,\"@context\":[\"\"]}"), HUB_OK);
	assert_int_equal(w->e.ninstances, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(w->e.instances[i].kind, ATTR_NONE);
}

static void
writes_instances_of_several_datasets(void **state)
{
	static const char text[] =
	    "{" HEAD ",\"pm10\":[{\"type\":\"Property\",\"value\":16.4},"
	    "{\"type\":\"Property\",\"value\":15.8,\"datasetId\":"
	    "\"urn:d:\\u0031\"}],\"b\":{\"value\":1,"
	    "\"datasetId\":\"urn:d:2\"}}";
	struct world *w = *state;

	assert_int_equal(world_read(w, text), HUB_OK);
	assert_string_equal(write_it(w),
	    "{" HEAD ",\"pm10\":[{\"type\":\"Property\",\"value\":16.4},"
	    "{\"type\":\"Property\",\"value\":15.8,\"datasetId\":"
	    "\"urn:d:\\u0031\"}],\"b\":{\"type\":\"Property\",\"value\":1,"
	    "\"datasetId\":\"urn:d:2\"}}");
	w->out.format = ENTITY_KEY_VALUES;
	assert_string_equal(write_it(w),
	    "{" HEAD ",\"pm10\":{\"dataset\":{\"@none\":16.4,"
	    "\"urn:d:1\":15.8}},\"b\":1}");
	assert_null(entity_attr(&w->e, term(w, "pm10"))->dataset_id.p);
	assert_non_null(entity_attr(&w->e, term(w, "b"))->dataset_id.p);
	assert_null(entity_attr(&w->e, term(w, "c")));
}

static void
writes_the_clients_names(void **state)
{
	static const char text[] =
	    "{\"id\":\"urn:x:1\",\"type\":[\"Gauge\",\"Other\",\"w:Gauge\"],"
	    "\"level\":{\"value\":1,\"accuracy\":{\"value\":2,"
	    "\"low\":{\"value\":3}}},"
	    "\"state\":{\"vocab\":[\"high\",\"low\",\"odd\"]},"
	    "\"w:new\":{\"vocab\":\"high\"},\"name\":{\"value\":4}}";
	struct world *w = *state;
	const struct name *subs[1];
	struct release r = { .nsubs = 1, .subs = subs };

	w->doc.context = vocab_context(w->vocab, STR(WATER_URL));
	assert_int_equal(world_read(w, text), HUB_OK);
	assert_int_equal(w->e.ntypes, 2); /* one type in two spellings */
	subs[0] = term(w, "accuracy");
	release(w, &r);
	w->out.context = vocab_context(w->vocab, STR(HUB_URL));
	assert_string_equal(write_it(w),
	    "{\"id\":\"urn:x:1\",\"type\":[\"Pegel\",\"Other\"],"
	    "\"stand\":{\"type\":\"Property\",\"value\":1,"
	    "\"guete\":{\"type\":\"Property\",\"value\":2,"
	    "\"https://water.example/low\":{\"type\":\"Property\","
	    "\"value\":3}}},"
	    "\"zustand\":{\"type\":\"VocabProperty\",\"vocab\":[\"hoch\","
	    "\"https://water.example/low\",\"odd\"]},"
	    "\"https://water.example/new\":{\"type\":\"VocabProperty\","
	    "\"vocab\":\"hoch\"},"
	    "\"name\":{\"type\":\"Property\",\"value\":4}}");
	w->out.context = w->doc.context;
	w->out.ld = true;
	w->e.ninstances = 2;
	assert_string_equal(write_it(w),
	    "{\"id\":\"urn:x:1\",\"type\":[\"Gauge\",\"Other\"],"
	    "\"level\":{\"type\":\"Property\",\"value\":1,"
	    "\"accuracy\":{\"type\":\"Property\",\"value\":2,"
	    "\"low\":{\"type\":\"Property\",\"value\":3}}},"
	    "\"state\":{\"type\":\"VocabProperty\",\"vocab\":[\"high\","
	    "\"low\",\"odd\"]},\"@context\":\"" WATER_URL "\"}");
}

#define LEVEL                                                                 \
	"\"a\":{\"value\":1,\"createdAt\":\"2026-01-01T00:00:00Z\","           \
	"\"modifiedAt\":\"2026-01-02T00:00:00Z\",\"q\":{\"value\":2},"         \
	"\"r\":7,\"expiresAt\":\"2030-01-01T00:00:00Z\"}"

static void
releases_members_by_name(void **state)
{
	static const struct {
		bool all, created, modified, sub, sys;
		const char *want;
	} cases[] = {
		{ false, false, false, false, true, "" },
		{ false, true, true, false, false, "" },
		{ false, true, false, false, true,
		    ",\"createdAt\":\"2026-01-01T00:00:00Z\"" },
		{ false, false, true, false, true,
		    ",\"modifiedAt\":\"2026-01-02T00:00:00Z\"" },
		{ false, false, false, true, true,
		    ",\"q\":{\"type\":\"Property\",\"value\":2}" },
		{ true, true, true, false, false,
		    ",\"q\":{\"type\":\"Property\",\"value\":2},\"r\":7,"
		    "\"expiresAt\":\"2030-01-01T00:00:00Z\"" },
		{ true, true, true, false, true,
		    ",\"createdAt\":\"2026-01-01T00:00:00Z\","
		    "\"modifiedAt\":\"2026-01-02T00:00:00Z\","
		    "\"q\":{\"type\":\"Property\",\"value\":2},\"r\":7,"
		    "\"expiresAt\":\"2030-01-01T00:00:00Z\"" },
	};
	struct world *w = *state;
	char want[400];

	assert_int_equal(world_read(w, "{" HEAD "," LEVEL "}"), HUB_OK);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct name *sub = term(w, "q");
		struct release r = { .all = cases[i].all,
			.own = cases[i].all,
			.created_at = cases[i].created,
			.modified_at = cases[i].modified,
			.nsubs = cases[i].sub ? 1 : 0,
			.subs = &sub };

		release(w, &r);
		w->out.sys_attrs = cases[i].sys;
		(void)snprintf(want, sizeof(want),
		    "{" HEAD ",\"a\":{\"type\":\"Property\",\"value\":1%s}}",
		    cases[i].want);
		assert_string_equal(write_it(w), want);
		assert_int_equal(instance_sub(&w->e.instances[0], &w->names,
				     sub) != 0, cases[i].sub || cases[i].all);
	}
}

/* The times of a sub-attribute tell what those of its attribute would. */
static void
hides_the_times_of_sub_attributes_with_those_above(void **state)
{
	static const char created[] = ",\"createdAt\":\"2026-01-01T00:00:00Z\"",
	    modified[] = ",\"modifiedAt\":\"2026-01-02T00:00:00Z\"";
	struct world *w = *state;
	const struct name *sub = term(w, "q");
	char text[400], want[400];

	(void)snprintf(text, sizeof(text),
	    "{" HEAD ",\"a\":{\"value\":1,\"q\":[{\"value\":2%s%s,"
	    "\"s\":{\"value\":3%s}}]}}", created, modified, modified);
	assert_int_equal(world_read(w, text), HUB_OK);
	w->out.sys_attrs = true;
	for (unsigned i = 0; i < 4; i++) {
		struct release r = { .created_at = i & 1,
			.modified_at = i >> 1,
			.nsubs = 1,
			.subs = &sub };

		release(w, &r);
		(void)snprintf(want, sizeof(want),
		    "{" HEAD ",\"a\":{\"type\":\"Property\",\"value\":1,"
		    "\"q\":[{\"type\":\"Property\",\"value\":2%s%s,"
		    "\"s\":{\"type\":\"Property\",\"value\":3%s}}]}}",
		    r.created_at ? created : "", r.modified_at ? modified : "",
		    r.modified_at ? modified : "");
		assert_string_equal(write_it(w), want);
	}
}

/* A sub-attribute that is released is released with all below it, but not as
 * what it only says it is. */
static void
drops_broken_sub_attributes_and_inlined_entities(void **state)
{
#define DEVICE "{\"id\":\"urn:d\",\"type\":\"D\",\"s\":{\"value\":1}}"
#define TO_D   "{\"type\":\"Relationship\",\"object\":\"urn:d\"}"
	static const struct {
		const char *sub, *want; /* NULL: it is not there */
	} cases[] = {
		{ "{\"type\":\"Relationship\",\"object\":" DEVICE "}", NULL },
		{ "{\"object\":[\"urn:e\"," DEVICE "]}", NULL },
		{ "{\"objectList\":[{\"object\":" DEVICE "}]}", NULL },
		{ "[" TO_D ",{\"object\":" DEVICE "}]", NULL },
		{ "{\"type\":\"Property\",\"q\":1}", NULL },
		{ "{\"type\":\"GeoProperty\",\"object\":\"urn:d\"}", NULL },
		{ "{\"type\":\"Relationship\",\"object\":\"urn:d\","
		  "\"entity\":" DEVICE ",\"entityList\":[" DEVICE "]}", TO_D },
		{ "{\"type\":\"Property\",\"value\":1,\"t\":{\"object\":"
		    DEVICE "}}", "{\"type\":\"Property\",\"value\":1}" },
		{ "{\"lat\":1}", "{\"lat\":1}" },
		{ "[1,\"x\",null]", "[1,\"x\",null]" },
		{ "7", "7" },
	};
	struct world *w = *state;
	const struct name *sub = term(w, "q");
	struct release r = { .nsubs = 1, .subs = &sub };
	char text[400], want[400];

	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof(text),
		    "{" HEAD ",\"a\":{\"value\":1,\"q\":%s}}", cases[i].sub);
		(void)snprintf(want, sizeof(want),
		    "{" HEAD ",\"a\":{\"type\":\"Property\",\"value\":1%s%s}}",
		    cases[i].want != NULL ? ",\"q\":" : "",
		    cases[i].want != NULL ? cases[i].want : "");
		assert_int_equal(world_read(w, text), HUB_OK);
		release(w, &r);
		assert_string_equal(write_it(w), want);
		assert_int_equal(instance_sub(&w->e.instances[0], &w->names,
				     sub) != 0, cases[i].want != NULL);
	}
}

static void
writes_system_members_when_asked(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_read(w,
	    "{" HEAD ",\"scope\":[\"/a\",\"/b\"],\"createdAt\":"
	    "\"2026-01-01T00:00:00Z\",\"modifiedAt\":\"2026-01-02T00:00:00Z\","
	    "\"expiresAt\":\"2030-01-01T00:00:00Z\",\"deletedAt\":\"x\","
	    "\"a\":{\"value\":1},\"b\":{\"value\":2}}"), HUB_OK);
	assert_string_equal(write_it(w),
	    "{" HEAD ",\"scope\":[\"/a\",\"/b\"],\"a\":{\"type\":\"Property\","
	    "\"value\":1},\"b\":{\"type\":\"Property\",\"value\":2}}");
	w->out.sys_attrs = true;
	w->out.nattrs = 1;
	w->out.attrs = (const struct name *[]){ term(w, "b") };
	w->out.format = ENTITY_KEY_VALUES;
	assert_string_equal(write_it(w),
	    "{" HEAD ",\"scope\":[\"/a\",\"/b\"],\"createdAt\":"
	    "\"2026-01-01T00:00:00Z\",\"modifiedAt\":\"2026-01-02T00:00:00Z\","
	    "\"expiresAt\":\"2030-01-01T00:00:00Z\",\"b\":2}");
}

static void
reads_times_in_every_form(void **state)
{
	static const struct {
		const char *text;
		bool known;
	} cases[] = {
		{ "\"2026-11-22T17:45:00Z\"", true },
		{ "\"2026-11-22T18:45:00.000+01:00\"", true },
		{ "{\"type\":\"Property\",\"value\":\"2026-11-22T17:45:00Z\"}",
		    true },
		{ "{\"@type\":\"DateTime\",\"@value\":"
		  "\"2026-11-22T17:45:00Z\"}", true },
		{ "\"2026-11-22\"", false },
		{ "\"\"", false },
		{ "1795369500", false },
		{ "null", false },
		{ "[\"2026-11-22T17:45:00Z\"]", false },
		{ "{\"value\":{\"value\":\"2026-11-22T17:45:00Z\"}}", false },
		{ "{}", false },
	};
	struct world *w = *state;
	struct wall_us at, want;
	char text[200];

	assert_int_equal(wall_parse(STR("2026-11-22T17:45:00Z"), &want),
	    HUB_OK);
	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof(text),
		    "{" HEAD ",\"a\":{\"value\":1,\"observedAt\":%s}}",
		    cases[i].text);
		assert_int_equal(world_read(w, text), HUB_OK);
		at = entity_time(&w->doc, w->e.instances[0].observed_at);
		assert_true(at.us == (cases[i].known ? want.us :
						       WALL_ABSENT.us));
	}
	assert_true(entity_time(&w->doc, 0).us == WALL_ABSENT.us);
}

static bool
same_instance(const struct instance *a, const struct instance *b)
{
	return (a->name == b->name && a->doc == b->doc && a->node == b->node &&
	    a->release == b->release && a->grants == b->grants &&
	    a->value == b->value && a->observed_at == b->observed_at &&
	    a->modified_at == b->modified_at &&
	    a->expires_at == b->expires_at && a->kind == b->kind &&
	    a->whole == b->whole && a->broken == b->broken &&
	    (a->dataset_id.p == NULL) == (b->dataset_id.p == NULL) &&
	    str_eq(a->dataset_id, b->dataset_id));
}

static bool
same_entity(const struct entity *a, const struct entity *b)
{
	bool same = str_eq(a->id, b->id) && a->ntypes == b->ntypes &&
	    a->ninstances == b->ninstances && a->ends == b->ends &&
	    a->scope.node == b->scope.node &&
	    a->created_at.node == b->created_at.node &&
	    a->modified_at.node == b->modified_at.node &&
	    a->expires_at.node == b->expires_at.node;

	for (unsigned i = 0; same && i < a->ntypes; i++)
		same = a->types[i] == b->types[i];
	for (unsigned i = 0; same && i < a->ninstances; i++)
		same = same_instance(&a->instances[i], &b->instances[i]);
	return (same);
}

/* Each of a list as it is read behind those before it, and for itself, which
 * is how an evolution is read. What policy takes out of one must not be missed
 * in the next. */
static void
read_list(struct world *w, struct str text)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	const struct json *j = &w->doc.json;
	struct entity alone;
	enum hub_err err;

	if (json_parse(&w->doc.json, text, &limits, w->arena) != HUB_OK)
		return;
	for (uint32_t n = 2; n < j->n; n = j->nodes[n].next) {
		err = entity_read_series(
		    &w->doc, n, &w->names, w->arena, &alone);
		assert_int_equal(entity_read(&w->doc, n, &w->names, w->arena,
				     &w->e), err);
		if (err != HUB_OK)
			continue;
		assert_true(same_entity(&w->e, &alone));
		memset(w->e.instances, 0,
		    w->e.ninstances * sizeof(*w->e.instances));
	}
}

/* Before the entities is a long string, so that there is room on the tape and
 * they are known to be alike; then every byte in turn becomes another one. */
static void
reads_entities_that_are_alike_as_each_for_itself(void **state)
{
	static const char *const cases[] = {
		"{\"id\":\"urn:x:1\",\"type\":\"T\","
		"\"a\":{\"type\":\"Property\","
		"\"value\":1,\"unitCode\":\"CEL\"}},"
		"{\"id\":\"urn:x:2\",\"type\":\"T\","
		"\"a\":{\"type\":\"Property\","
		"\"value\":2,\"unitCode\":\"KEL\"}},"
		"{\"id\":\"urn:x:3\",\"type\":\"U\","
		"\"a\":{\"type\":\"Property\","
		"\"value\":3,\"unitCode\":\"CEL\"}},"
		"{\"id\":\"urn:x:4\",\"type\":\"U\","
		"\"a\":{\"type\":\"Proberty\","
		"\"value\":3,\"unitCode\":\"CEL\"}},"
		"{\"id\":\"urn x:5\",\"type\":\"U\","
		"\"a\":{\"type\":\"Proberty\","
		"\"value\":3,\"unitCode\":\"CEL\"}}",
		"{\"@id\":\"urn:x:1\",\"@type\":[\"T\",\"U\"],\"scope\":\"/a\","
		"\"a\":[{\"value\":1,\"datasetId\":\"urn:d:1\"},{\"value\":2}],"
		"\"b\":{\"type\":\"Relationship\",\"object\":\"urn:x:9\","
		"\"observedAt\":\"2026\",\"modifiedAt\":1,\"expiresAt\":2},"
		"\"expiresAt\":\"2026-11-22T17:45:00Z\",\"c\":7},"
		"{\"@id\":\"urn:x:2\",\"@type\":[\"U\",\"T\"],\"scope\":\"/b\","
		"\"a\":[{\"value\":3,\"datasetId\":\"urn:d:22\"},"
		"{\"value\":4}],"
		"\"b\":{\"type\":\"Property\",\"object\":\"urn:x:9\","
		"\"observedAt\":\"2026\",\"modifiedAt\":1,\"expiresAt\":2},"
		"\"expiresAt\":\"2026-11-22T17:45:01Z\",\"c\":8},"
		"{\"@id\":\"urn:x:3\",\"@type\":[\"U\",\"T\"],\"scope\":\"/c\","
		"\"a\":[{\"value\":3,\"datasetId\":\"urn:d:333\"},"
		"{\"value\":5}],"
		"\"b\":{\"type\":\"Property\",\"object\":\"urn:x:9\","
		"\"observedAt\":\"2026\",\"modifiedAt\":1,\"expiresAt\":2},"
		"\"expiresAt\":\"2026-11-22T17:45:01Z\",\"c\":8}",
		"{\"id\":\"urn:x:1\",\"type\":\"T\","
		"\"a\":{\"@type\":\"Property\","
		"\"value\":1}},"
		"{\"id\":\"urn:x:2\",\"type\":\"T\","
		"\"a\":{\"@type\":\"Relationship\","
		"\"value\":1}}",
	};
	static const char bytes[] = "\"\\:,{}[] 1PTU@";
	struct world *w = *state;
	char text[2000];
	size_t len, from;
	char was;

	for (size_t c = 0; c < COUNT(cases); c++) {
		len = (size_t)snprintf(
		    text, sizeof(text), "[\"%0300d\",%s]", 0, cases[c]);
		from = len - strlen(cases[c]) - 1;
		read_list(w, (struct str){ text, len });
		assert_true(w->names.like != NULL);
		for (size_t at = from; at < len; at++) {
			was = text[at];
			for (size_t b = 0; b < COUNT(bytes) - 1; b++) {
				text[at] = bytes[b];
				read_list(w, (struct str){ text, len });
			}
			text[at] = was;
		}
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(refuses_what_is_no_entity),
		T(refuses_one_attribute_under_two_spellings),
		T(limits_the_instances_of_one_entity),
		T(understands_what_real_brokers_send),
		T(knows_no_attribute_without_a_value),
		T(writes_instances_of_several_datasets),
		T(writes_the_clients_names),
		T(releases_members_by_name),
		T(hides_the_times_of_sub_attributes_with_those_above),
		T(drops_broken_sub_attributes_and_inlined_entities),
		T(writes_system_members_when_asked),
		T(reads_times_in_every_form),
		T(reads_entities_that_are_alike_as_each_for_itself),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
