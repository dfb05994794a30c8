/* tests/unit/test_entity_form.c - entities concise, in one language and as
 * GeoJSON: every form says the same, and says it so that it can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/entity_world.h"

#define AT	 "\"observedAt\":\"2026-11-22T17:45:00Z\""
#define POINT	 "{\"type\":\"Point\",\"coordinates\":[7.6,51.4]}"
#define LOCATION "https://uri.etsi.org/ngsi-ld/location"

static int
setup(void **state)
{
	struct world *w = world_new();

	vocab_seal(w->vocab);
	world_begin(w);
	*state = w;
	return (0);
}

/* members: what stands behind id and type. */
static void
load(struct world *w, const char *members, const struct release *r)
{
	char *text = arena_printf(w->arena, "{" HEAD ",%s}", members);

	assert_int_equal(world_read(w, text), HUB_OK);
	release(w, r);
}

static void
expect(struct world *w, const char *members)
{
	char *want = arena_printf(w->arena, "{" HEAD ",%s}", members);

	assert_string_equal(write_it(w), want);
}

static void
is_concise(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		/* a value alone */
		{ "{\"value\":1.50}", "1.50" },
		{ "{\"value\":\"x\"}", "\"x\"" },
		{ "{\"value\":null}", "null" },
		{ "{\"value\":[1,\"a\",[2]]}", "[1,\"a\",[2]]" },
		{ "{\"value\":{\"@type\":\"DateTime\",\"@value\":\"x\"}}",
		    "{\"@type\":\"DateTime\",\"@value\":\"x\"}" },
		{ "{\"value\":{\"type\":\"PostalAddress\",\"street\":1}}",
		    "{\"type\":\"PostalAddress\",\"street\":1}" },
		{ "{\"value\":" POINT ",\"type\":\"GeoProperty\"}", POINT },
		{ "{\"value\":" POINT "}", POINT },
		/* what is not released does not count */
		{ "{\"value\":1,\"secret\":{\"value\":2},\"createdAt\":"
		  "\"2026-01-01T00:00:00Z\",\"unitCode\":{\"a\":1}}", "1" },
		/* not alone */
		{ "{\"type\":\"Property\",\"value\":1,\"unitCode\":\"CMT\","
		  AT "}",
		    "{\"value\":1,\"unitCode\":\"CMT\"," AT "}" },
		{ "{\"value\":1,\"datasetId\":\"urn:d:1\"}",
		    "{\"value\":1,\"datasetId\":\"urn:d:1\"}" },
		{ "{\"value\":" POINT "," AT "}",
		    "{\"value\":" POINT "," AT "}" },
		/* alone it would be something else */
		{ "{\"value\":{\"value\":1}}", "{\"value\":{\"value\":1}}" },
		{ "{\"value\":{\"object\":\"urn:x:2\"}}",
		    "{\"value\":{\"object\":\"urn:x:2\"}}" },
		{ "{\"value\":{\"json\":1}}", "{\"value\":{\"json\":1}}" },
		{ "{\"value\":{\"type\":\"Relationship\"}}",
		    "{\"value\":{\"type\":\"Relationship\"}}" },
		{ "{\"value\":[{\"a\":1}]}", "{\"value\":[{\"a\":1}]}" },
		/* and "value" would tell another type */
		{ "{\"type\":\"Property\",\"value\":" POINT "}",
		    "{\"type\":\"Property\",\"value\":" POINT "}" },
		{ "{\"type\":\"GeoProperty\",\"value\":\"POINT(7 51)\"," AT "}",
		    "{\"type\":\"GeoProperty\",\"value\":\"POINT(7 51)\"," AT
		    "}" },
		/* the other kinds */
		{ "{\"type\":\"Relationship\",\"object\":\"urn:x:2\"," AT "}",
		    "{\"object\":\"urn:x:2\"," AT "}" },
		{ "{\"object\":[\"urn:x:2\",\"urn:x:3\"]}",
		    "{\"object\":[\"urn:x:2\",\"urn:x:3\"]}" },
		{ "{\"languageMap\":{\"de\":\"Rot\"}}",
		    "{\"languageMap\":{\"de\":\"Rot\"}}" },
		{ "{\"json\":{\"a\":1}}", "{\"json\":{\"a\":1}}" },
		{ "{\"vocab\":\"high\"}", "{\"vocab\":\"high\"}" },
		{ "{\"valueList\":[1,2]}", "{\"valueList\":[1,2]}" },
		{ "{\"objectList\":[{\"object\":\"urn:x:2\"}]}",
		    "{\"objectList\":[{\"object\":\"urn:x:2\"}]}" },
		/* several instances are never values alone */
		{ "[{\"value\":1},{\"value\":2,\"datasetId\":\"urn:d:1\"}]",
		    "[{\"value\":1},{\"value\":2,\"datasetId\":"
		    "\"urn:d:1\"}]" },
	};
	struct world *w = *state;

	w->out.format = ENTITY_CONCISE;
	w->out.sys_attrs = true;
	for (size_t i = 0; i < COUNT(cases); i++) {
		load(w, arena_printf(w->arena, "\"a\":%s", cases[i].in),
		    &release_bare);
		expect(w, arena_printf(w->arena, "\"a\":%s", cases[i].want));
	}
}

static void
is_concise_below_as_well(void **state)
{
	struct world *w = *state;

	w->out.format = ENTITY_CONCISE;
	load(w, "\"a\":{\"value\":1,\"q\":{\"type\":\"Property\",\"value\":2,"
		"\"s\":{\"type\":\"Property\",\"value\":3}},\"r\":{\"object\":"
		"\"urn:x:2\"},\"t\":[{\"value\":4},{\"value\":5}],\"u\":7}",
	    &release_all);
	expect(w, "\"a\":{\"value\":1,\"q\":{\"value\":2,\"s\":3},"
		  "\"r\":{\"object\":\"urn:x:2\"},"
		  "\"t\":[{\"value\":4},{\"value\":5}],\"u\":7}");
}

static void
shows_times_of_concise_attributes_when_asked(void **state)
{
	static const char created[] =
	    "\"createdAt\":\"2026-01-01T00:00:00Z\"";
	struct release r = { .created_at = true };
	struct world *w = *state;

	w->out.format = ENTITY_CONCISE;
	load(w, arena_printf(w->arena, "\"a\":{\"value\":1,%s}", created), &r);
	expect(w, "\"a\":1");
	w->out.sys_attrs = true;
	expect(w, arena_printf(w->arena, "\"a\":{\"value\":1,%s}", created));
}

/* Nothing stays of the object that was begun, at the ceiling neither. */
static void
fails_concise_at_every_ceiling(void **state)
{
	struct world *w = *state;
	struct buf small;
	size_t whole;

	w->out.format = ENTITY_CONCISE;
	load(w, "\"a\":{\"value\":1},\"b\":{\"value\":\"xyz\"," AT "},"
		"\"c\":{\"value\":[1]}", &release_bare);
	expect(w, "\"a\":1,\"b\":{\"value\":\"xyz\"," AT "},\"c\":[1]");
	whole = w->buf.len;
	for (size_t max = 1; max < whole; max++) {
		buf_init(&small, max);
		entity_write(&w->e, &w->out, &small);
		assert_true(small.failed);
		assert_true(small.len <= max);
		buf_clear(&small);
	}
}

#define MAP                                                                   \
	"{\"de\":\"Rot\",\"de-AT\":\"R\\u00f6tlich\",\"en\":[\"red\"],"      \
	"\"zh-Hant\":\"x\"}"

static void
chooses_one_language(void **state)
{
	static const struct {
		const char *lang, *map, *key, *value;
	} cases[] = {
		{ "de", MAP, "de", "\"Rot\"" },
		{ "DE", MAP, "de", "\"Rot\"" },
		{ "de-at", MAP, "de-AT", "\"R\\u00f6tlich\"" },
		{ "de-CH", MAP, "de", "\"Rot\"" },
		{ "de-*-AT", MAP, "de-AT", "\"R\\u00f6tlich\"" },
		{ "en-GB-x-a", MAP, "en", "[\"red\"]" },
		{ "zh-Hant-CN-x-private1", MAP, "zh-Hant", "\"x\"" },
		/* a shorter range finds no longer tag */
		{ "zh", MAP, "en", "[\"red\"]" },
		/* by weight, then in the order given */
		{ "en,de", MAP, "en", "[\"red\"]" },
		{ "fr,de;q=0.5,en;q=0.7", MAP, "en", "[\"red\"]" },
		{ "fr, de;q=0.75 ,en;q=0.8", MAP, "en", "[\"red\"]" },
		{ "de;q=0,zh-Hant;q=0.001", MAP, "zh-Hant", "\"x\"" },
		{ "de;q=1.000,en", MAP, "de", "\"Rot\"" },
		{ "*,de;q=0.1", MAP, "de", "\"Rot\"" },
		/* nothing fits */
		{ "fr", MAP, "en", "[\"red\"]" },
		{ "*", MAP, "en", "[\"red\"]" },
		{ "fr", "{\"de\":\"Rot\",\"en\":\"red\",\"@none\":7}", "@none",
		    "7" },
		{ "fr", "{\"nl\":\"rood\",\"de\":\"Rot\"}", "nl", "\"rood\"" },
		{ "d", "{\"nl\":\"rood\"}", "nl", "\"rood\"" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		w->out.lang = str_of(cases[i].lang);
		load(w, arena_printf(w->arena, "\"a\":{\"type\":"
		    "\"LanguageProperty\",\"languageMap\":%s," AT "}",
		    cases[i].map), &release_bare);
		w->out.format = ENTITY_NORMALIZED;
		expect(w, arena_printf(w->arena, "\"a\":{\"type\":"
		    "\"Property\",\"value\":%s,\"lang\":\"%s\"," AT "}",
		    cases[i].value, cases[i].key));
		w->out.format = ENTITY_CONCISE;
		expect(w, arena_printf(w->arena, "\"a\":{\"value\":%s,"
		    "\"lang\":\"%s\"," AT "}", cases[i].value, cases[i].key));
		w->out.format = ENTITY_KEY_VALUES;
		expect(w, arena_printf(w->arena, "\"a\":%s",
		    cases[i].value));
	}
}

static void
leaves_alone_what_has_no_languages(void **state)
{
	static const char *const cases[] = {
		"\"a\":{\"type\":\"LanguageProperty\",\"languageMap\":{}}",
		"\"a\":{\"type\":\"LanguageProperty\",\"languageMap\":\"x\"}",
		"\"a\":{\"type\":\"Property\",\"value\":{\"de\":\"Rot\"}}",
		"\"a\":{\"type\":\"JsonProperty\",\"json\":{\"de\":1}}",
	};
	struct world *w = *state;

	w->out.lang = STR("de");
	for (size_t i = 0; i < COUNT(cases); i++) {
		load(w, cases[i], &release_bare);
		expect(w, cases[i]);
	}
}

static void
chooses_the_language_of_each_instance_and_below(void **state)
{
	struct world *w = *state;

	w->out.lang = STR("de");
	load(w, "\"a\":[{\"languageMap\":{\"de\":\"Rot\",\"en\":\"red\"}},"
		"{\"languageMap\":{\"en\":\"pink\"},\"datasetId\":"
		"\"urn:d:1\"}],\"b\":{\"value\":1,\"n\":{\"languageMap\":"
		"{\"de\":\"Eins\"},\"lang\":\"spoofed\"}}", &release_all);
	expect(w, "\"a\":[{\"type\":\"Property\",\"value\":\"Rot\",\"lang\":"
		  "\"de\"},{\"type\":\"Property\",\"value\":\"pink\",\"lang\":"
		  "\"en\",\"datasetId\":\"urn:d:1\"}],\"b\":{\"type\":"
		  "\"Property\",\"value\":1,\"n\":{\"type\":\"Property\","
		  "\"value\":\"Eins\",\"lang\":\"de\"}}");
	w->out.format = ENTITY_CONCISE;
	expect(w, "\"a\":[{\"value\":\"Rot\",\"lang\":\"de\"},{\"value\":"
		  "\"pink\",\"lang\":\"en\",\"datasetId\":\"urn:d:1\"}],"
		  "\"b\":{\"value\":1,\"n\":{\"value\":\"Eins\",\"lang\":"
		  "\"de\"}}");
	w->out.format = ENTITY_KEY_VALUES;
	expect(w, "\"a\":{\"dataset\":{\"@none\":\"Rot\",\"urn:d:1\":"
		  "\"pink\"}},\"b\":1");
}

/* No source should send one dataset twice; an object cannot hold it. */
static void
simplifies_each_dataset_once(void **state)
{
	struct world *w = *state;

	w->out.format = ENTITY_KEY_VALUES;
	load(w, "\"a\":[{\"value\":1},{\"value\":2,\"datasetId\":\"urn:d:1\"},"
		"{\"value\":3},{\"value\":4,\"datasetId\":\"urn:d:1\"},"
		"{\"value\":5,\"datasetId\":\"@none\"}]", &release_bare);
	expect(w, "\"a\":{\"dataset\":{\"@none\":1,\"urn:d:1\":2}}");
}

static void
expect_feature(struct world *w, const char *want)
{
	buf_reset(&w->buf);
	entity_write_feature(&w->e, &w->out,
	    names_iri(&w->names, STR(LOCATION)), &w->buf);
	assert_string_equal(buf_cstr(&w->buf), want);
}

static void
is_a_feature(void **state)
{
	struct world *w = *state;

	load(w, "\"location\":{\"type\":\"GeoProperty\",\"value\":" POINT
		"},\"a\":{\"value\":1," AT "}", &release_bare);
	expect_feature(w, "{\"id\":\"urn:x:1\",\"type\":\"Feature\","
	    "\"geometry\":" POINT ",\"properties\":{\"type\":\"T\","
	    "\"location\":{\"type\":\"GeoProperty\",\"value\":" POINT "},"
	    "\"a\":{\"type\":\"Property\",\"value\":1," AT "}}}");
	w->out.format = ENTITY_KEY_VALUES;
	w->out.ld = true;
	expect_feature(w, "{\"id\":\"urn:x:1\",\"type\":\"Feature\","
	    "\"geometry\":" POINT ",\"properties\":{\"type\":\"T\","
	    "\"location\":" POINT ",\"a\":1},\"@context\":\""
	    NGSILD_CORE_URL "\"}");
	w->out.ld = false;
	w->out.hide_id = w->out.hide_type = true;
	w->out.attrs = (const struct name *[]){ context_expand(
	    w->doc.context, &w->names, STR("a")) };
	w->out.nattrs = 1;
	expect_feature(w, "{\"type\":\"Feature\",\"geometry\":null,"
	    "\"properties\":{\"a\":1}}");
	w->e.ninstances = 0;
	expect_feature(w, "{\"type\":\"Feature\",\"geometry\":null,"
	    "\"properties\":{}}");
}

static void
takes_the_geometry_of_a_geo_property_only(void **state)
{
	static const struct {
		const char *attr, *geometry;
	} cases[] = {
		{ "{\"value\":" POINT "}", POINT },
		{ "[{\"value\":{\"type\":\"Point\",\"coordinates\":[1,2]},"
		  "\"datasetId\":\"urn:d:1\"},{\"value\":" POINT "}]", POINT },
		{ "[{\"value\":" POINT ",\"datasetId\":\"urn:d:1\"},"
		  "{\"value\":{\"type\":\"Point\",\"coordinates\":[1,2]},"
		  "\"datasetId\":\"urn:d:2\"}]", POINT },
		{ "{\"type\":\"GeoProperty\",\"value\":{\"type\":"
		  "\"GeometryCollection\",\"geometries\":[" POINT "]}}",
		    "{\"type\":\"GeometryCollection\",\"geometries\":[" POINT
		    "]}" },
		{ "{\"type\":\"Property\",\"value\":" POINT "}", "null" },
		{ "{\"type\":\"GeoProperty\",\"value\":\"POINT(7 51)\"}",
		    "null" },
		{ "{\"type\":\"GeoProperty\",\"value\":{\"type\":\"Blob\","
		  "\"coordinates\":[7,51]}}", "null" },
		{ "{\"type\":\"GeoProperty\",\"value\":{\"type\":\"Point\","
		  "\"coordinates\":\"7,51\"}}", "null" },
		{ "{\"type\":\"GeoProperty\",\"value\":{\"type\":7,"
		  "\"coordinates\":[7,51]}}", "null" },
		{ "{\"object\":\"urn:x:2\"}", "null" },
		{ "{\"json\":" POINT "}", "null" },
	};
	static const char end[] = ",\"properties\":";
	struct world *w = *state;
	const char *got, *want;

	for (size_t i = 0; i < COUNT(cases); i++) {
		load(w, arena_printf(w->arena, "\"location\":%s",
		    cases[i].attr), &release_bare);
		want = arena_printf(w->arena, "{\"id\":\"urn:x:1\",\"type\":"
		    "\"Feature\",\"geometry\":%s%s", cases[i].geometry, end);
		buf_reset(&w->buf);
		entity_write_feature(&w->e, &w->out,
		    names_iri(&w->names, STR(LOCATION)), &w->buf);
		got = buf_cstr(&w->buf);
		if (strncmp(got, want, strlen(want)) != 0)
			fail_msg("%s: %s", cases[i].attr, got);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(is_concise),
		T(is_concise_below_as_well),
		T(shows_times_of_concise_attributes_when_asked),
		T(fails_concise_at_every_ceiling),
		T(chooses_one_language),
		T(leaves_alone_what_has_no_languages),
		T(chooses_the_language_of_each_instance_and_below),
		T(simplifies_each_dataset_once),
		T(is_a_feature),
		T(takes_the_geometry_of_a_geo_property_only),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
