/* tests/unit/test_narrow.c - what of q, geo and scopeQ is left to a source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/ngsild/narrow.h"

struct bench {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	const struct context *core, *source;
};

/* The source calls the level pegel, and a word of its vocabulary otherwise. */
#define SOURCE "https://example.org/source.jsonld"
#define SOURCE_TEXT                                                           \
	"{\"@context\":{\"pegel\":\"https://uri.etsi.org/ngsi-ld/"            \
	"default-context/level\",\"River\":\"https://example.org/Strom\","    \
	"\"ex\":\"https://example.org/\",\"scope2\":\"https://uri.etsi.org/"  \
	"ngsi-ld/default-context/flow\"}}"

static int
bench_setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct buf why;

	buf_init(&why, 1000);
	b->arena = arena_new();
	b->vocab = vocab_new();
	assert_int_equal(vocab_add(b->vocab, STR(SOURCE), STR(SOURCE_TEXT),
			     &why), HUB_OK);
	buf_clear(&why);
	b->core = vocab_core(b->vocab);
	b->source = vocab_context(b->vocab, STR(SOURCE));
	names_init(&b->names, b->vocab, b->arena);
	*state = b;
	return (0);
}

static int
bench_teardown(void **state)
{
	struct bench *b = *state;

	arena_free(b->arena);
	vocab_free(b->vocab);
	free(b);
	return (0);
}

/* Names that begin with "hidden" are seen by nobody, those with "hub" are the
 * hub's to judge. */
static enum narrow_use
use_of(const struct name *name, void *arg)
{
	static const char ns[] =
	    "https://uri.etsi.org/ngsi-ld/default-context/";
	struct str rest = str_from(name->iri, sizeof(ns) - 1);

	(void)arg;
	if (str_prefix(rest, STR("hidden")))
		return (NARROW_ABSENT);
	return (str_prefix(rest, STR("hub")) ? NARROW_LOCAL : NARROW_PUSH);
}

static const char *
narrowed(struct bench *b, const char *text, const struct narrow *how)
{
	struct narrow n = *how;
	const char *why = NULL;
	struct q *q = NULL;
	struct str s;

	assert_int_equal(q_parse(str_of(text), b->core, &b->names, b->arena,
			     &q, &why), HUB_OK);
	n.context = b->source;
	n.names = &b->names;
	n.arena = b->arena;
	n.use = use_of;
	s = narrow_q(q, &n);
	return (s.p == NULL ? "" : arena_printf(b->arena, "%.*s", STR_FMT(s)));
}

struct row {
	const char *q, *want;
};

static void
check_rows(struct bench *b, const struct row *rows, const struct narrow *how)
{
	for (; rows->q != NULL; rows++)
		assert_string_equal(narrowed(b, rows->q, how), rows->want);
}

static const struct narrow ld = { .alternatives = true, .uris = true,
	.quote = '"' };
static const struct narrow v2 = { .quote = '\'' };

static void
leaves_plain_comparisons_to_the_source_in_its_words(void **state)
{
	static const struct row rows[] = {
		{ "level", "pegel" },
		{ "level==5", "pegel==5" },
		{ "level>2.50", "pegel>=2.50" },
		{ "level<-3", "pegel<=-3" },
		{ "level>=1;level<=9", "pegel>=1;pegel<=9" },
		{ "level==1,2..3", "pegel==1,2..3" },
		{ "open==true", "open==true" },
		{ "name==\"Villigst an der Ruhr\"",
		    "name==\"Villigst an der Ruhr\"" },
		{ "name==\"Fr\\u00f6ndenberg\"", "name==\"Fröndenberg\"" },
		{ "ref==urn:ngsi-ld:Device:7", "ref==urn:ngsi-ld:Device:7" },
		{ "(level>1|open==true);name",
		    "(pegel>=1|open==true);name" },
		{ "level>1;open|name", "(pegel>=1;open)|name" },
		{ NULL, NULL },
	};

	check_rows(*state, rows, &ld);
}

static void
keeps_to_itself_what_brokers_judge_otherwise(void **state)
{
	static const char *const texts[] = { "!level", "level!=5",
		"level~=\"^5\"", "level!~=\"5\"", "level.accuracy>1",
		"level.observedAt>2026-01-01T00:00:00Z", "level[a.b]==1",
		"level>\"abc\"", "level==\"a\"..\"b\"",
		"level>2026-01-01T00:00:00Z", "level==2026-01-01",
		"level==\"2026-01-01\"", "level==\"08:30:00Z\"",
		"level==\"a;b\"", "level==\"a\\\"b\"", "level==\"\"",
		"level==\" a\"", "level==\"it's\"", "level==1e5",
		"level==1,\"a|b\"", "level==1234567890123456789012345",
		"modifiedAt>2026-01-01T00:00:00Z", "scope==\"/a\"",
		"level==\"River\"", "\xc3\xa4hre==1" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (narrowed(*state, texts[i], &ld)[0] != '\0')
			fail_msg("%s: %s", texts[i],
			    narrowed(*state, texts[i], &ld));
}

static void
drops_terms_of_and_but_no_arm_of_or(void **state)
{
	static const struct row rows[] = {
		{ "level>1;!name", "pegel>=1" },
		{ "level>1|!name", "" },
		{ "level>1;(name|hubs==1)", "pegel>=1" },
		{ "(level>1;hubs==1)|name", "pegel>=1|name" },
		{ "hubs==1;hubs==2", "" },
		{ "((level==1))", "pegel==1" },
		{ NULL, NULL },
	};

	check_rows(*state, rows, &ld);
}

static void
names_nothing_that_nobody_sees(void **state)
{
	static const struct row rows[] = {
		{ "hidden==1", "" },
		{ "hidden==1|level>1", "pegel>=1" },
		{ "hidden==1;level>1", "" },
		{ "!hidden;level>1", "pegel>=1" },
		{ "!hidden|level>1", "" },
		{ "(hidden|hidden2)|level", "pegel" },
		{ "level;(hidden|hidden2)", "" },
		{ NULL, NULL },
	};

	check_rows(*state, rows, &ld);
}

static void
writes_what_ngsi_v2_reads(void **state)
{
	static const struct row rows[] = {
		{ "level>1;name==\"West\"", "pegel>=1;name=='West'" },
		{ "level>1|open", "" },
		{ "name==\"West\";(level>1|open)", "name=='West'" },
		{ "hidden|level==1..5", "pegel==1..5" },
		{ "ref==urn:ngsi-ld:Device:7", "" },
		{ "ref==\"urn:x:7\"", "" },
		{ NULL, NULL },
	};

	check_rows(*state, rows, &v2);
}

static void
sends_no_endless_text(void **state)
{
	struct bench *b = *state;
	char text[4096] = "level==1";
	size_t n = strlen(text);

	while (n < 1200)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",1%08zu",
		    n);
	assert_string_equal(narrowed(b, text, &ld), "");
}

/* ---- places */

static bool
reach_of(struct bench *b, const char *georel, const char *geometry,
    const char *coordinates, struct geo_reach *r)
{
	const char *why = NULL;
	struct geo *geo = NULL;

	if (geo_parse(str_of(georel), str_of(geometry), str_of(coordinates),
		names_location(&b->names), b->arena, &geo, &why) != HUB_OK)
		fail_msg("%s", why);
	return (geo_reach(geo, r));
}

#define SQUARE "[[[7.5,51.4],[7.6,51.4],[7.6,51.5],[7.5,51.5],[7.5,51.4]]]"

static void
asks_around_a_place(void **state)
{
	static const struct {
		const char *georel, *geometry, *coordinates, *want;
	} rows[] = {
		{ "near;maxDistance==1000", "Point", "[7.5,51.4]",
		    "near;maxDistance==1030" },
		{ "within", "Polygon", SQUARE, "within" },
		{ "equals", "Polygon", SQUARE, "within" },
		{ "intersects", "Polygon", SQUARE, "intersects" },
		{ "overlaps", "Polygon", SQUARE, "intersects" },
		{ "contains", "Point", "[7.5,51.4]", "intersects" },
		{ "near;maxDistance==9", "LineString",
		    "[[7.5,51.4],[7.6,51.5]]", "intersects" },
	};
	struct bench *b = *state;
	struct geo_reach r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct geo_text t;

		assert_true(reach_of(b, rows[i].georel, rows[i].geometry,
		    rows[i].coordinates, &r));
		t = geo_reach_text(&r, b->arena);
		assert_true(str_eq(t.georel, str_of(rows[i].want)));
		if (r.circle)
			continue;
		/* It reads as a geometry, and is wider by some 60 metres. */
		assert_true(reach_of(b, "within", "Polygon",
		    arena_printf(b->arena, "%.*s", STR_FMT(t.coordinates)),
		    &r));
		assert_true(r.min.lon < 7.4992 && r.min.lat < 51.3995);
	}
}

static void
asks_nowhere_in_particular(void **state)
{
	struct bench *b = *state;
	struct geo_reach r;

	assert_false(reach_of(b, "near;minDistance==10", "Point",
	    "[7.5,51.4]", &r));
	assert_false(reach_of(b, "disjoint", "Polygon", SQUARE, &r));
	assert_false(reach_of(b, "near;maxDistance==20000000", "Point",
	    "[7.5,51.4]", &r));
	assert_false(reach_of(b, "within", "Polygon",
	    "[[[0,51],[20,51],[20,52],[0,52],[0,51]]]", &r));
	assert_false(reach_of(b, "within", "Polygon",
	    "[[[0,79],[1,79],[1,81],[0,81],[0,79]]]", &r));
	assert_false(reach_of(b, "within", "Polygon",
	    "[[[179.9,1],[180,1],[180,2],[179.9,2],[179.9,1]]]", &r));
}

/* A great circle between the lower corners runs north of the parallel. */
static void
widens_long_boxes_by_the_bend_of_the_earth(void **state)
{
	struct geo_reach shorter, longer;
	struct point min = { 7, 51 }, max = { 7.1, 51.1 };

	(void)state;
	assert_true(geo_reach_box(min, max, 0, &shorter));
	max.lon = 11;
	assert_true(geo_reach_box(min, max, 0, &longer));
	assert_true(longer.min.lat < 51 - 0.027); /* 3 km of 280 */
	assert_true(shorter.min.lat > 51 - 0.003);
}

static void
writes_scopes_again(void **state)
{
	static const struct row rows[] = {
		{ "/a/b", "/a/b" },
		{ "/a/#,/b/+;/c", "/a/#,(/b/+;/c)" },
		{ "(/a|/b);/c", "(/a,/b);/c" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct boolexpr *e = NULL;
		const char *why = NULL;

		assert_int_equal(scope_q_parse(str_of(rows[i].q), b->arena, &e,
				     &why), HUB_OK);
		assert_true(str_eq(narrow_scope(e, b->arena),
		    str_of(rows[i].want)));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, \
    bench_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(leaves_plain_comparisons_to_the_source_in_its_words),
		T(keeps_to_itself_what_brokers_judge_otherwise),
		T(drops_terms_of_and_but_no_arm_of_or),
		T(names_nothing_that_nobody_sees),
		T(writes_what_ngsi_v2_reads),
		T(sends_no_endless_text),
		T(asks_around_a_place),
		T(asks_nowhere_in_particular),
		T(widens_long_boxes_by_the_bend_of_the_earth),
		T(writes_scopes_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
