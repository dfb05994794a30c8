/* tests/unit/test_geo_relate.c - the relations of whole geometries, on figures
 * that a sheet of squared paper settles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/ngsild/geometry.h"

struct figure {
	const char *type, *coordinates;
};

#define POINT(c)                                                               \
	{                                                                      \
		"Point", c                                                     \
	}
#define POINTS(c)                                                              \
	{                                                                      \
		"MultiPoint", c                                                \
	}
#define LINE(c)                                                                \
	{                                                                      \
		"LineString", c                                                \
	}
#define LINES(c)                                                               \
	{                                                                      \
		"MultiLineString", c                                           \
	}
#define AREA(c)                                                                \
	{                                                                      \
		"Polygon", c                                                   \
	}
#define AREAS(c)                                                               \
	{                                                                      \
		"MultiPolygon", c                                              \
	}
/* The rectangle from (a,b) to (c,d). */
#define BOX(a, b, c, d)                                                        \
	"[[" #a "," #b "],[" #c "," #b "],[" #c "," #d "],[" #a "," #d         \
	"],[" #a "," #b "]]"
/* 6 by 6 with a hole of 2 by 2 in the middle; 6 by 6 open to the north. */
#define HOLED  "[" BOX(0, 0, 6, 6) "," BOX(2, 2, 4, 4) "]"
#define U_FORM "[[[0,0],[6,0],[6,6],[4,6],[4,2],[2,2],[2,6],[0,6],[0,0]]]"

enum { I = 1, W = 2, C = 4, E = 8, O = 16 }; /* which relations hold */

/* Every case is judged both ways round. */
static const struct {
	struct figure a, b;
	int holds;
} cases[] = {
	/* points */
	{ POINT("[1,1]"), POINT("[1,1]"), I | W | C | E },
	{ POINT("[1,1]"), POINT("[1,2]"), 0 },
	{ POINT("[1,1]"), POINTS("[[1,1],[1,1]]"), I | W | C | E },
	{ POINT("[1,1]"), POINTS("[[1,1],[2,2]]"), I | W },
	{ POINTS("[[1,1],[3,3]]"), POINTS("[[1,1],[2,2]]"), I | O },
	{ POINTS("[[3,3],[4,4]]"), POINTS("[[1,1],[2,2]]"), 0 },
	/* a point and a line */
	{ POINT("[1,1]"), LINE("[[0,0],[2,2]]"), I | W },
	{ POINT("[2,2]"), LINE("[[0,0],[2,2]]"), I | W },
	{ POINT("[3,3]"), LINE("[[0,0],[2,2]]"), 0 },
	{ POINTS("[[1,1],[1,2]]"), LINE("[[0,0],[2,2]]"), I },
	/* lines */
	{ LINE("[[0,0],[2,2]]"), LINE("[[0,2],[2,0]]"), I },
	{ LINE("[[0,0],[2,2]]"), LINE("[[1,1],[2,0]]"), I },
	{ LINE("[[0,0],[2,2]]"), LINE("[[2,2],[3,0]]"), I },
	{ LINE("[[0,0],[2,2]]"), LINE("[[0,1],[2,3]]"), 0 },
	{ LINE("[[0,0],[4,0]]"), LINE("[[1,0],[2,0]]"), I | C },
	{ LINE("[[0,0],[4,0]]"), LINE("[[4,0],[1,0],[0,0]]"), I | W | C | E },
	{ LINE("[[0,0],[4,0]]"), LINE("[[2,0],[6,0]]"), I | O },
	{ LINE("[[0,0],[4,0]]"), LINE("[[4,0],[6,0]]"), I },
	{ LINE("[[0,0],[4,0],[4,4]]"), LINE("[[2,0],[4,0],[4,2]]"), I | C },
	/* over the corner both ends are on it, the middle is not */
	{ LINE("[[0,0],[4,0],[4,4]]"), LINE("[[3,0],[4,1]]"), I },
	{ LINES("[[[0,0],[2,0]],[[2,0],[4,0]]]"), LINE("[[0,0],[4,0]]"),
	    I | W | C | E },
	{ LINES("[[[0,0],[1,0]],[[2,0],[4,0]]]"), LINE("[[0,0],[4,0]]"),
	    I | W },
	{ LINES("[[[0,0],[1,0]],[[2,0],[4,0]]]"), LINE("[[1.2,0],[1.8,0]]"),
	    0 },
	/* a point and an area */
	{ POINT("[1,1]"), AREA(HOLED), I | W },
	{ POINT("[0,1]"), AREA(HOLED), I | W },
	{ POINT("[2,3]"), AREA(HOLED), I | W },
	{ POINT("[3,3]"), AREA(HOLED), 0 },
	{ POINT("[7,3]"), AREA(HOLED), 0 },
	{ POINTS("[[1,1],[3,3]]"), AREA(HOLED), I },
	/* a line and an area */
	{ LINE("[[1,1],[1,5]]"), AREA(HOLED), I | W },
	{ LINE("[[1,1],[5,5]]"), AREA(HOLED), I },
	{ LINE("[[0,0],[6,0]]"), AREA(HOLED), I | W },
	{ LINE("[[2,3],[4,3]]"), AREA(HOLED), I },
	{ LINE("[[2,2],[4,2]]"), AREA(HOLED), I | W },
	{ LINE("[[2.5,3],[3.5,3]]"), AREA(HOLED), 0 },
	{ LINE("[[-1,-1],[7,7]]"), AREA(HOLED), I },
	{ LINE("[[-1,0],[0,-1]]"), AREA(HOLED), 0 },
	{ LINE("[[-1,1],[1,-1]]"), AREA(HOLED), I }, /* at the corner */
	{ LINE("[[-1,3],[7,3]]"), AREA(U_FORM), I },
	{ LINE("[[1,5],[5,5]]"), AREA(U_FORM), I },
	{ LINE("[[2,6],[4,6]]"), AREA(U_FORM), I },
	/* out by one corner and in by the next, its middle inside */
	{ LINE("[[0,1],[6,1]]"),
	    AREA("[[[0,0],[6,0],[6,1],[5,1],[4.5,0.5],[4,1],[0,1],[0,0]]]"),
	    I },
	/* areas */
	{ AREA("[" BOX(0, 0, 2, 2) "]"), AREA("[" BOX(1, 1, 3, 3) "]"), I | O },
	{ AREA("[" BOX(0, 0, 2, 2) "]"), AREA("[" BOX(2, 0, 4, 2) "]"), I },
	{ AREA("[" BOX(0, 0, 2, 2) "]"), AREA("[" BOX(2, 2, 4, 4) "]"), I },
	{ AREA("[" BOX(0, 0, 2, 2) "]"), AREA("[" BOX(3, 0, 4, 2) "]"), 0 },
	{ AREA("[" BOX(0, 0, 4, 4) "]"), AREA("[" BOX(1, 1, 2, 2) "]"), I | C },
	{ AREA("[" BOX(0, 0, 4, 4) "]"), AREA("[" BOX(0, 0, 2, 2) "]"), I | C },
	{ AREA("[" BOX(0, 0, 4, 2) "]"), AREA("[" BOX(1, -1, 2, 3) "]"),
	    I | O }, /* a cross */
	{ AREA("[" BOX(0, 0, 2, 2) "]"),
	    AREA("[[[2,2],[0,2],[0,0],[1,0],[2,0],[2,2]]]"), I | W | C | E },
	{ AREA(HOLED), AREA("[" BOX(0, 0, 6, 6) "]"), I | W },
	{ AREA(HOLED), AREA("[" BOX(2, 2, 4, 4) "]"), I }, /* in the hole */
	{ AREA(HOLED), AREA("[" BOX(2.5, 2.5, 3.5, 3.5) "]"), 0 },
	{ AREA(HOLED), AREA("[" BOX(1, 1, 5, 5) "]"), I | O },
	{ AREA(HOLED), AREA("[" BOX(0, 0, 2, 6) "]"), I | C },
	{ AREA(HOLED), AREA(U_FORM), I | C }, /* its notch is wider */
	{ AREA(HOLED), AREA(HOLED), I | W | C | E },
	/* several */
	{ AREAS("[[" BOX(0, 0, 2, 2) "],[" BOX(2, 0, 4, 2) "]]"),
	    AREA("[" BOX(0, 0, 4, 2) "]"), I | W | C | E },
	{ AREAS("[[" BOX(0, 0, 2, 2) "],[" BOX(2, 0, 4, 2) "]]"),
	    AREA("[" BOX(1, 0, 3, 2) "]"), I | C },
	{ AREAS("[[" BOX(0, 0, 2, 2) "],[" BOX(3, 0, 4, 2) "]]"),
	    AREA("[" BOX(1, 0, 3.5, 2) "]"), I | O },
	{ AREAS("[[" BOX(0, 0, 2, 2) "],[" BOX(5, 5, 6, 6) "]]"),
	    AREAS("[[" BOX(0, 0, 2, 2) "],[" BOX(8, 8, 9, 9) "]]"), I | O },
	{ AREAS("[[" BOX(0, 0, 2, 2) "],[" BOX(5, 5, 6, 6) "]]"),
	    LINE("[[3,3],[4,4]]"), 0 },
	{ AREAS("[[" BOX(0, 0, 2, 2) "],[" BOX(5, 5, 6, 6) "]]"),
	    LINES("[[[1,1],[2,2]],[[5,5],[6,6]]]"), I | C },
};
#define NCASES (sizeof(cases) / sizeof(cases[0]))

static void
draw(const struct figure *f, struct arena *a, struct geometry *g)
{
	static const struct json_limits limits = { 32, 100, 100000 };
	struct json *j = arena_alloc(a, sizeof(*j));
	const char *text = arena_printf(
	    a, "{\"type\":\"%s\",\"coordinates\":%s}", f->type, f->coordinates);

	if (json_parse(j, str_of(text), &limits, a) != HUB_OK ||
	    geometry_parse(j, 0, 10000, a, g) != HUB_OK)
		fail_msg("%s", text);
}

static void
expect(size_t i, const struct geometry *a, const struct geometry *b, int holds,
    struct arena *arena)
{
	const struct {
		enum geometry_relation relation;
		bool holds;
	} wanted[] = {
		{ GEOMETRY_INTERSECTS, holds & I },
		{ GEOMETRY_DISJOINT, !(holds & I) },
		{ GEOMETRY_WITHIN, holds & W },
		{ GEOMETRY_CONTAINS, holds & C },
		{ GEOMETRY_EQUALS, holds & E },
		{ GEOMETRY_OVERLAPS, holds & O },
	};
	bool got;

	for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++) {
		assert_int_equal(
		    geometry_relate(a, wanted[k].relation, b, arena, &got),
		    HUB_OK);
		if (got != wanted[k].holds)
			fail_msg("case %zu: %s %s / %s %s: relation %zu", i,
			    cases[i].a.type, cases[i].a.coordinates,
			    cases[i].b.type, cases[i].b.coordinates, k);
	}
}

static void
relates_figures_as_paper_does(void **state HUB_UNUSED)
{
	struct arena *arena = arena_new();
	struct geometry a, b;
	int turned;

	for (size_t i = 0; i < NCASES; i++) {
		draw(&cases[i].a, arena, &a);
		draw(&cases[i].b, arena, &b);
		expect(i, &a, &b, cases[i].holds, arena);
		turned = cases[i].holds & (I | E | O);
		turned |= (cases[i].holds & W) ? C : 0;
		turned |= (cases[i].holds & C) ? W : 0;
		expect(i, &b, &a, turned, arena);
		expect(i, &a, &a, I | W | C | E, arena);
	}
	arena_free(arena);
}

/* Slanted, small and far from the origin, where products round. */
static void
does_not_depend_on_where_a_figure_lies(void **state HUB_UNUSED)
{
	static const struct figure
	    whole = AREA("[[[7.4653,51.5136],[7.6889,51.5347],[7.5731,51.6123],"
			 "[7.4653,51.5136]]]"),
	    middle = LINE("[[7.4653,51.5136],[7.5771,51.52415]]");
	struct arena *arena = arena_new();
	struct geometry g, h;
	bool holds;

	draw(&whole, arena, &g);
	draw(&middle, arena, &h); /* from a corner to the middle of an edge */
	assert_int_equal(
	    geometry_relate(&h, GEOMETRY_WITHIN, &g, arena, &holds), HUB_OK);
	assert_true(holds);
	assert_int_equal(
	    geometry_relate(&g, GEOMETRY_EQUALS, &g, arena, &holds), HUB_OK);
	assert_true(holds);
	arena_free(arena);
}

static void
measures_between_whole_figures(void **state HUB_UNUSED)
{
	static const struct {
		struct figure a, b;
		struct point from, to; /* the nearest */
	} near[] = {
		{ POINT("[7,51]"), POINTS("[[8,51],[7,51.1]]"), { 7, 51 },
		    { 7, 51.1 } },
		{ LINE("[[7,51],[8,51]]"), POINT("[7.5,51]"), { 7, 51 },
		    { 7, 51 } },
		{ LINE("[[7,51],[8,51]]"), LINE("[[7.5,50],[7.5,52]]"),
		    { 7, 51 }, { 7, 51 } },
		{ LINE("[[7,51],[7,52]]"), LINE("[[7,52.5],[7,53]]"), { 7, 52 },
		    { 7, 52.5 } },
		{ AREA("[" BOX(7, 51, 8, 52) "]"), POINT("[7.5,51.5]"),
		    { 7, 51 }, { 7, 51 } },
		{ AREA("[" BOX(7, 51, 8, 52) "]"),
		    AREA("[" BOX(7.2, 51.2, 7.4, 51.4) "]"), { 7, 51 },
		    { 7, 51 } },
		{ AREA("[" BOX(7, 51, 8, 52) "]"),
		    AREA("[" BOX(7, 52.5, 8, 53) "]"), { 7, 52 }, { 7, 52.5 } },
		/* in the hole */
		{ AREA(HOLED), POINT("[3,3.5]"), { 3, 3.5 }, { 3, 4 } },
	};
	struct arena *arena = arena_new();
	struct geometry a, b;
	double d, want;

	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
		draw(&near[i].a, arena, &a);
		draw(&near[i].b, arena, &b);
		want = geometry_distance(near[i].from, near[i].to);
		assert_int_equal(
		    geometry_distance_between(&a, &b, arena, &d), HUB_OK);
		if (fabs(d - want) > 1)
			fail_msg("case %zu: %f for %f", i, d, want);
		assert_int_equal(
		    geometry_distance_between(&b, &a, arena, &d), HUB_OK);
		if (fabs(d - want) > 1)
			fail_msg("case %zu turned: %f for %f", i, d, want);
	}
	arena_free(arena);
}

/* Forth and back between two lines of points: every edge meets every other. */
static void
zigzag(struct buf *b, unsigned n, bool turned)
{
	buf_reset(b);
	for (unsigned i = 0; i < n; i++) {
		double far = i % 2 == 0 ? 0 : 10, step = 10.0 * i / n;

		buf_addf(b, "%s[%.9f,%.9f]", i == 0 ? "[" : ",",
		    turned ? far : step, turned ? step : far);
	}
	buf_addc(b, ']');
}

static void
gives_up_on_a_tangle(void **state HUB_UNUSED)
{
	struct arena *arena = arena_new();
	struct figure f = LINE("");
	struct geometry a, b;
	bool holds = true;
	struct buf t;

	buf_init(&t, 1 << 20);
	zigzag(&t, 9000, false);
	f.coordinates = buf_cstr(&t);
	draw(&f, arena, &a);
	assert_int_equal(
	    geometry_relate(&a, GEOMETRY_EQUALS, &a, arena, &holds), HUB_EFULL);
	assert_true(holds); /* untouched */
	zigzag(&t, 1000, true);
	f.coordinates = buf_cstr(&t);
	draw(&f, arena, &b);
	assert_int_equal(
	    geometry_relate(&a, GEOMETRY_OVERLAPS, &b, arena, &holds),
	    HUB_EFULL);
	assert_int_equal(
	    geometry_relate(&a, GEOMETRY_INTERSECTS, &b, arena, &holds),
	    HUB_OK);
	assert_true(holds);
	buf_clear(&t);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relates_figures_as_paper_does),
		cmocka_unit_test(does_not_depend_on_where_a_figure_lies),
		cmocka_unit_test(measures_between_whole_figures),
		cmocka_unit_test(gives_up_on_a_tangle),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
