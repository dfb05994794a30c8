/* tests/unit/test_geo.c - geometry and the geo-query. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/ngsild/geometry.h"
#include "server/ngsild/query.h"

/* A square of 0.2 by 0.2 degrees around Schwerte with a hole of a tenth. */
#define SQUARE                                                                 \
	"[[[7.5,51.4],[7.7,51.4],[7.7,51.6],[7.5,51.6],[7.5,51.4]],"           \
	"[[7.55,51.45],[7.65,51.45],[7.65,51.55],[7.55,51.55],[7.55,51.45]]]"
/* A U, open to the north. */
#define NOTCHED "[[[0,0],[6,0],[6,6],[4,6],[4,2],[2,2],[2,6],[0,6],[0,0]]]"

struct bench {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	const struct context *core;
	const struct name *location;
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
	b->location = context_expand(b->core, &b->names, STR("location"));
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

static enum hub_err
read_geometry(
    struct bench *b, const char *text, unsigned max, struct geometry *g)
{
	static const struct json_limits limits = { 32, 100, 100000 };
	struct json *j = arena_alloc(b->arena, sizeof(*j));

	assert_int_equal(
	    json_parse(j, str_of(text), &limits, b->arena), HUB_OK);
	return (geometry_parse(j, 0, max, b->arena, g));
}

static void
get_geometry(struct bench *b, const char *type, const char *coordinates,
    struct geometry *g)
{
	if (read_geometry(b,
		arena_printf(b->arena, "{\"type\":\"%s\",\"coordinates\":%s}",
		    type, coordinates),
		100, g) != HUB_OK)
		fail_msg("%s %s", type, coordinates);
}

static void
refuses_what_is_no_geometry(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
	} cases[] = {
		{ "[7,51]", HUB_ESYNTAX },
		{ "{}", HUB_ESYNTAX },
		{ "{\"type\":\"Point\"}", HUB_ESYNTAX },
		{ "{\"type\":\"point\",\"coordinates\":[7,51]}", HUB_ESYNTAX },
		{ "{\"type\":1,\"coordinates\":[7,51]}", HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":7}", HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[]}", HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[7]}", HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[7,\"51\"]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[7,51,0,0]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[181,51]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[7,-90.1]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[1e400,51]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"Point\",\"coordinates\":[[7,51]]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"MultiPoint\",\"coordinates\":[]}", HUB_ESYNTAX },
		{ "{\"type\":\"LineString\",\"coordinates\":[[7,51]]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"Polygon\",\"coordinates\":[]}", HUB_ESYNTAX },
		{ "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[0,0]]]"
		  "}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],"
		  "[0,1]]]}",
		    HUB_ESYNTAX },
		{ "{\"type\":\"MultiPoint\",\"coordinates\":[[1,1],[2,2],[3,3]"
		  ",[4,4],[5,5],[6,6]]}",
		    HUB_EFULL },
		{ "{\"type\":\"GeometryCollection\",\"geometries\":[]}",
		    HUB_ENOTSUP },
		{ "{\"type\":\"Point\",\"coordinates\":[7,51,90]}", HUB_OK },
		{ "{\"type\":\"MultiPoint\",\"coordinates\":[[1,1],[2,2],[3,3]"
		  ",[4,4],[5,5]]}",
		    HUB_OK },
	};
	struct geometry g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (read_geometry(*state, cases[i].text, 5, &g) != cases[i].err)
			fail_msg("%s", cases[i].text);
}

static void
measures_great_circles(void **state HUB_UNUSED)
{
	struct point dortmund = { 7.4653, 51.5136 };
	struct point unna = { 7.6889, 51.5347 };
	double degree = 6371008.8 * 3.14159265358979323846 / 180;

	assert_true(geometry_distance(unna, unna) == 0);
	/* By an independent formula: the chord through the sphere. */
	/* By the chord through the sphere. */
	assert_true(fabs(geometry_distance(dortmund, unna) - 15646.4) < 0.1);
	assert_true(fabs(geometry_distance(
			     (struct point){ 7, 51 }, (struct point){ 7, 52 }) -
			 degree) < 0.001);
	assert_true(fabs(geometry_distance(
			     (struct point){ 0, 0 }, (struct point){ 180, 0 }) -
			 180 * degree) < 1);
}

static void
gives_the_border_to_the_polygon(void **state)
{
	static const struct {
		struct point p;
		bool in, surrounded;
	} cases[] = {
		{ { 7.51, 51.41 }, true, true },
		{ { 7.6, 51.5 }, false, false },  /* in the hole */
		{ { 7.55, 51.5 }, true, false },  /* the hole's border */
		{ { 7.55, 51.45 }, true, false }, /* its corner */
		{ { 7.5, 51.4 }, true, false },   /* a corner */
		{ { 7.6, 51.4 }, true, false },   /* an edge */
		{ { 7.7, 51.47 }, true, false },  /* another */
		{ { 7.7000001, 51.47 }, false, false },
		{ { 7.6, 51.3999999 }, false, false },
		{ { 7.4, 51.4 }, false, false },   /* on an edge's line */
		{ { 7.49, 51.45 }, false, false }, /* level with a vertex */
		{ { 7.52, 51.45 }, true, true },
	};
	struct geometry g;

	get_geometry(*state, "Polygon", SQUARE, &g);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (geometry_contains(&g, cases[i].p) != cases[i].in)
			fail_msg("case %zu", i);
		if (geometry_surrounds(&g, cases[i].p) != cases[i].surrounded)
			fail_msg("surrounded, case %zu", i);
	}
	get_geometry(*state, "MultiPolygon", "[" SQUARE "," NOTCHED "]", &g);
	assert_true(geometry_contains(&g, (struct point){ 1, 5 }));
	assert_false(geometry_contains(&g, (struct point){ 3, 5 }));
	assert_true(geometry_contains(&g, (struct point){ 7.51, 51.41 }));
	get_geometry(*state, "LineString", "[[0,0],[2,0]]", &g);
	assert_false(geometry_contains(&g, (struct point){ 1, 0 }));
}

/* The nearest point of an edge by trying very many. */
static double
distance_by_search(struct point p, struct point a, struct point b)
{
	double best = INFINITY, d, t;

	for (int i = 0; i <= 200000; i++) {
		t = i / 200000.0;
		d = geometry_distance(
		    p, (struct point){ a.lon + t * (b.lon - a.lon),
			   a.lat + t * (b.lat - a.lat) });
		best = fmin(best, d);
	}
	return (best);
}

static void
measures_to_edges_within_a_metre_at_50_km(void **state)
{
	static const struct {
		const char *line;
		struct point a, b, p;
	} cases[] = {
		{ "[[7.0,51.9],[8.2,52.1]]", { 7.0, 51.9 }, { 8.2, 52.1 },
		    { 7.6, 51.55 } },
		{ "[[7.0,51.2],[8.4,51.7]]", { 7.0, 51.2 }, { 8.4, 51.7 },
		    { 7.2, 51.65 } },
		{ "[[7.9,51.0],[8.0,52.0]]", { 7.9, 51.0 }, { 8.0, 52.0 },
		    { 7.3, 51.4 } },
		{ "[[7.9,51.9],[8.0,52.0]]", { 7.9, 51.9 }, { 8.0, 52.0 },
		    { 7.6, 51.55 } },
		{ "[[7.6,51.5],[7.6,51.5]]", { 7.6, 51.5 }, { 7.6, 51.5 },
		    { 7.5, 51.5 } },
	};
	struct geometry g;
	double d, want;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		get_geometry(*state, "LineString", cases[i].line, &g);
		d = geometry_distance_to(&g, cases[i].p);
		want = distance_by_search(cases[i].p, cases[i].a, cases[i].b);
		if (fabs(d - want) > 1)
			fail_msg("case %zu: %f for %f", i, d, want);
	}
}

static void
finds_the_nearest_of_all_parts(void **state)
{
	struct point p = { 7.6, 51.3 };
	struct geometry g;

	get_geometry(*state, "Polygon", SQUARE, &g);
	assert_true(geometry_distance_to(&g, (struct point){ 7.5, 51.5 }) == 0);
	assert_true(
	    fabs(geometry_distance_to(&g, p) -
		 geometry_distance(p, (struct point){ 7.6, 51.4 })) < 0.5);
	/* In the hole the way out is the hole's border. */
	p = (struct point){ 7.6, 51.54 };
	assert_true(
	    fabs(geometry_distance_to(&g, p) -
		 geometry_distance(p, (struct point){ 7.6, 51.55 })) < 0.5);
	get_geometry(*state, "MultiLineString",
	    "[[[0,0],[1,0]],[[7.6,51.6],[7.7,51.6]]]", &g);
	assert_int_equal(g.nlines, 2);
	assert_true(
	    fabs(geometry_distance_to(&g, p) -
		 geometry_distance(p, (struct point){ 7.6, 51.6 })) < 0.5);
	get_geometry(*state, "MultiPoint", "[[0,0],[7.6,51.6]]", &g);
	assert_true(geometry_distance_to(&g, p) ==
		    geometry_distance(p, (struct point){ 7.6, 51.6 }));
}

static void
reads_a_geo_query_or_says_why_not(void **state)
{
	static const struct {
		const char *georel, *geometry, *coordinates;
		enum hub_err err;
	} cases[] = {
		{ "near;maxDistance==2000", "Point", "[7.6,51.5]", HUB_OK },
		{ "near;minDistance==0.5e3", "Point", "[7.6,51.5]", HUB_OK },
		{ "within", "Polygon", SQUARE, HUB_OK },
		{ "near", "Point", "[7.6,51.5]", HUB_ESYNTAX },
		{ "near;maxDistance=5", "Point", "[7.6,51.5]", HUB_ESYNTAX },
		{ "near;maxDistance==0", "Point", "[7.6,51.5]", HUB_ESYNTAX },
		{ "near;maxDistance==-1", "Point", "[7.6,51.5]", HUB_ESYNTAX },
		{ "near;maxDistance==1e999", "Point", "[7,51]", HUB_ESYNTAX },
		{ "near;maxDistance==NaN", "Point", "[7,51]", HUB_ESYNTAX },
		{ "near;maxDistance==5;x", "Point", "[7,51]", HUB_ESYNTAX },
		{ "near;maxDistance==", "Point", "[7,51]", HUB_ESYNTAX },
		{ "near;maxDistance== 5", "Point", "[7,51]", HUB_ESYNTAX },
		{ "near;maxDistance==5", "Polygon", SQUARE, HUB_OK },
		{ "near;maxDistance==5", "Circle", "[7,51]", HUB_ESYNTAX },
		{ "within", "Point", "[7,51]", HUB_OK },
		{ "within", "MultiPolygon", "[" SQUARE "]", HUB_OK },
		{ "intersects", "Polygon", SQUARE, HUB_OK },
		{ "disjoint", "LineString", "[[7,51],[8,51]]", HUB_OK },
		{ "equals", "MultiPoint", "[[7,51]]", HUB_OK },
		{ "contains", "Point", "[7,51]", HUB_OK },
		{ "overlaps", "MultiLineString", "[[[7,51],[8,51]]]", HUB_OK },
		{ "Intersects", "Point", "[7,51]", HUB_ESYNTAX },
		{ "intersects;", "Point", "[7,51]", HUB_ESYNTAX },
		{ "intersects", "GeometryCollection", "[]", HUB_ESYNTAX },
		{ "intersects", "Point\",\"x\":\"", "[7,51]", HUB_ESYNTAX },
		{ "coveredBy", "Polygon", SQUARE, HUB_ESYNTAX },
		{ "within", "Polygon", "[7,51]", HUB_ESYNTAX },
		{ "within", "Polygon", "nonsense", HUB_ESYNTAX },
		{ "within", "Polygon", "{}", HUB_ESYNTAX },
		{ "within", "Polygon", "", HUB_ESYNTAX },
		{ "near;maxDistance==5", "Point", "[7,51],\"x\":1",
		    HUB_ESYNTAX },
		{ "near;maxDistance==5", "Point", "[51,97]", HUB_ESYNTAX },
		{ "near;maxDistance==5", "Point", "[NaN,51]", HUB_ESYNTAX },
	};
	struct bench *b = *state;
	struct geo *geo;
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		geo = NULL;
		why = NULL;
		if (geo_parse(str_of(cases[i].georel),
			str_of(cases[i].geometry), str_of(cases[i].coordinates),
			b->location, b->arena, &geo, &why) != cases[i].err)
			fail_msg(
			    "%s %s", cases[i].georel, cases[i].coordinates);
		assert_true((geo != NULL) == (cases[i].err == HUB_OK));
		assert_true(geo != NULL || why != NULL);
		assert_true(geo == NULL || geo_name(geo) == b->location);
	}
}

static void
refuses_a_polygon_of_more_than_1000_vertices(void **state)
{
	struct bench *b = *state;
	struct geo *geo = NULL;
	const char *why;
	struct buf t;

	buf_init(&t, 100000);
	BUF_LIT(&t, "[[[0,0]");
	for (unsigned i = 0; i < 999; i++)
		buf_addf(&t, ",[%u,1]", i % 180);
	BUF_LIT(&t, ",[0,0]]]");
	assert_int_equal(geo_parse(STR("within"), STR("Polygon"), buf_str(&t),
			     b->location, b->arena, &geo, &why),
	    HUB_EFULL);
	buf_clear(&t);
}

static bool
ask(struct bench *b, const char *georel, const char *geometry,
    const char *coordinates, const char *attrs)
{
	static const struct json_limits limits = { 32, 100, 10000 };
	struct document *doc = arena_alloc(b->arena, sizeof(*doc));
	struct geo *geo;
	struct entity e;
	const char *why = "", *text = arena_printf(b->arena,
				  "{\"id\":\"urn:a:b\",\"type\":\"T\"%s%s}",
				  *attrs != '\0' ? "," : "", attrs);

	doc->context = b->core;
	assert_int_equal(
	    json_parse(&doc->json, str_of(text), &limits, b->arena), HUB_OK);
	assert_int_equal(entity_read(doc, 0, &b->names, b->arena, &e), HUB_OK);
	if (geo_parse(str_of(georel), str_of(geometry), str_of(coordinates),
		b->location, b->arena, &geo, &why) != HUB_OK)
		fail_msg("%s", why);
	return (geo_match(geo, &e));
}

#define GEO(type, coordinates)                                                 \
	"{\"type\":\"GeoProperty\",\"value\":{\"type\":\"" type                \
	"\",\"coordinates\":" coordinates "}}"
#define AT(type, coordinates) "\"location\":" GEO(type, coordinates)

static void
asks_how_near_an_entity_is(void **state)
{
	/* 7.6 to 7.61 at 51.5 north are 692.2 m. */
	static const struct {
		const char *georel, *attrs;
		bool match;
	} cases[] = {
		{ "near;maxDistance==693", AT("Point", "[7.61,51.5]"), true },
		{ "near;maxDistance==692", AT("Point", "[7.61,51.5]"), false },
		{ "near;minDistance==692", AT("Point", "[7.61,51.5]"), true },
		{ "near;minDistance==693", AT("Point", "[7.61,51.5]"), false },
		{ "near;maxDistance==1", AT("Point", "[7.6,51.5]"), true },
		{ "near;maxDistance==1", "", false },
		{ "near;minDistance==1", "", false },
		{ "near;maxDistance==1",
		    "\"other\":" GEO("Point", "[7.6,51.5]"), false },
		{ "near;maxDistance==1", AT("Point", "[7.6,95]"), false },
		{ "near;minDistance==1", AT("Point", "[7.6,95]"), false },
		{ "near;maxDistance==1",
		    AT("Polygon", "[[[7,51],[8,51],[8,52],[7,52],[7,51]]]"),
		    true },
		{ "near;maxDistance==5",
		    "\"location\":[" GEO("Point", "[1,1]") "," GEO(
			"Point", "[7.6,51.5]") "]",
		    true },
		{ "near;maxDistance==1",
		    "\"location\":{\"type\":\"Property\",\"value\":1}", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ask(*state, cases[i].georel, "Point", "[7.6,51.5]",
			cases[i].attrs) != cases[i].match)
			fail_msg("%s %s", cases[i].georel, cases[i].attrs);
}

static void
asks_whether_an_entity_lies_within(void **state)
{
	static const struct {
		const char *area, *attrs;
		bool match;
	} cases[] = {
		{ SQUARE, AT("Point", "[7.51,51.41]"), true },
		{ SQUARE, AT("Point", "[7.5,51.4]"), true },
		{ SQUARE, AT("Point", "[7.6,51.5]"), false },
		{ SQUARE, AT("Point", "[51.41,7.51]"), false },
		{ SQUARE, AT("MultiPoint", "[[7.51,51.41],[7.52,51.41]]"),
		    true },
		{ SQUARE, AT("MultiPoint", "[[7.51,51.41],[7.6,51.5]]"),
		    false },
		{ SQUARE, AT("LineString", "[[7.52,51.42],[7.52,51.58]]"),
		    true },
		/* across the hole */
		{ SQUARE, AT("LineString", "[[7.52,51.5],[7.68,51.5]]"),
		    false },
		{ SQUARE, AT("Polygon", SQUARE), true },
		/* around the hole, which it swallows */
		{ SQUARE,
		    AT("Polygon",
			"[[[7.52,51.42],[7.68,51.42],[7.68,51.58],[7.52,51.58]"
			",[7.52,51.42]]]"),
		    false },
		{ NOTCHED, AT("LineString", "[[1,5],[1,1],[5,1]]"), true },
		/* over the notch, both ends inside */
		{ NOTCHED, AT("LineString", "[[1,5],[5,5]]"), false },
		/* over the notch from corner to corner, crossing nothing */
		{ NOTCHED, AT("LineString", "[[2,6],[4,6]]"), false },
		{ NOTCHED, AT("LineString", "[[2,2],[4,2]]"), true },
		{ NOTCHED, AT("Polygon", "[[[0,0],[6,0],[6,2],[0,2],[0,0]]]"),
		    true },
		{ NOTCHED, AT("Polygon", "[[[0,0],[6,0],[6,3],[0,3],[0,0]]]"),
		    false },
		{ NOTCHED, "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ask(*state, "within", "Polygon", cases[i].area,
			cases[i].attrs) != cases[i].match)
			fail_msg("case %zu: %s", i, cases[i].attrs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_geometry),
		cmocka_unit_test(measures_great_circles),
		cmocka_unit_test(gives_the_border_to_the_polygon),
		cmocka_unit_test(measures_to_edges_within_a_metre_at_50_km),
		cmocka_unit_test(finds_the_nearest_of_all_parts),
		cmocka_unit_test(reads_a_geo_query_or_says_why_not),
		cmocka_unit_test(refuses_a_polygon_of_more_than_1000_vertices),
		cmocka_unit_test(asks_how_near_an_entity_is),
		cmocka_unit_test(asks_whether_an_entity_lies_within),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
