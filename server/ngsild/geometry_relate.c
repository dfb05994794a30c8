/* server/ngsild/geometry_relate.c - how two geometries lie to each other;
 * geometry.h says what the relations mean.
 *
 * An edge is cut wherever it meets the other geometry. Each piece between two
 * cuts then lies on one side of it as a whole, so its middle speaks for it. */
#include <math.h>
#include <stdlib.h>

#include "server/ngsild/geometry_priv.h"

/* Edges looked at in judging one pair; a tenth of a second. */
#define WORK_MAX 50000000
/* Shorter is no piece but what rounding leaves between two equal cuts. */
#define PIECE_MIN 1e-11
/* So far beside an edge is off it, and nowhere else yet. */
#define BESIDE 1e-9

struct shape {
	const struct geometry *g;
	int dimension;
	unsigned nrings, nedges;
	const struct ring **rings; /* lines, or all rings of all polygons */
};

struct judge {
	struct shape a, b;
	double *cuts; /* along one edge: 0, 1, and at most two an edge */
	unsigned ncuts;
	int64_t work; /* left; below zero the verdict is worth nothing */
};

struct piece {
	const struct shape *own, *other;
	struct point middle, left, right;
};

typedef bool (*piece_fn)(struct judge *, const struct piece *);

static int
dimension(enum geometry_kind kind)
{
	return (kind >= GEOMETRY_POLYGON ? 2 : kind >= GEOMETRY_LINE ? 1 : 0);
}

static void
shape_init(struct shape *s, const struct geometry *g, struct arena *scratch)
{
	unsigned n = g->nlines;

	for (unsigned i = 0; i < g->npolygons; i++)
		n += g->polygons[i].nrings;
	*s = (struct shape){ .g = g, .dimension = dimension(g->kind) };
	s->rings = arena_array(scratch, n, sizeof(*s->rings));
	for (unsigned i = 0; i < g->nlines; i++)
		s->rings[s->nrings++] = &g->lines[i];
	for (unsigned i = 0; i < g->npolygons; i++)
		for (unsigned k = 0; k < g->polygons[i].nrings; k++)
			s->rings[s->nrings++] = &g->polygons[i].rings[k];
	for (unsigned i = 0; i < s->nrings; i++)
		s->nedges += s->rings[i]->n - 1;
}

static void
judge_init(struct judge *j, const struct geometry *a, const struct geometry *b,
    struct arena *scratch)
{
	size_t edges;

	shape_init(&j->a, a, scratch);
	shape_init(&j->b, b, scratch);
	edges = j->a.nedges > j->b.nedges ? j->a.nedges : j->b.nedges;
	j->cuts = arena_array(scratch, 2 * edges + 2, sizeof(*j->cuts));
	j->ncuts = 0;
	j->work = WORK_MAX;
}

/* ---- points */

static bool
near(struct point p, struct point q)
{
	return (hypot(p.lon - q.lon, p.lat - q.lat) <= BORDER_DEGREES);
}

static bool
on_lines(const struct shape *s, struct point p)
{
	const struct ring *r;

	for (unsigned i = 0; i < s->nrings; i++) {
		r = s->rings[i];
		for (unsigned k = 0; k + 1 < r->n; k++)
			if (geometry_on_edge(r->v[k], r->v[k + 1], p))
				return (true);
	}
	return (false);
}

/* Does p belong to the shape? */
static bool
has_point(struct judge *j, const struct shape *s, struct point p)
{
	if (p.lon < s->g->min.lon - BORDER_DEGREES ||
	    p.lon > s->g->max.lon + BORDER_DEGREES ||
	    p.lat < s->g->min.lat - BORDER_DEGREES ||
	    p.lat > s->g->max.lat + BORDER_DEGREES)
		return (false);
	j->work -= s->g->npoints;
	if (s->dimension == 2)
		return (geometry_contains(s->g, p));
	if (s->dimension == 1)
		return (on_lines(s, p));
	for (unsigned i = 0; i < s->g->npoints; i++)
		if (near(s->g->points[i], p))
			return (true);
	return (false);
}

static bool
has_all_points(struct judge *j, const struct shape *s, const struct shape *of)
{
	for (unsigned i = 0; i < of->g->npoints && j->work >= 0; i++)
		if (!has_point(j, s, of->g->points[i]))
			return (false);
	return (true);
}

static bool
has_any_point(struct judge *j, const struct shape *s, const struct shape *of)
{
	for (unsigned i = 0; i < of->g->npoints && j->work >= 0; i++)
		if (has_point(j, s, of->g->points[i]))
			return (true);
	return (false);
}

/* ---- edges */

/* Do the boxes around two edges meet? */
static bool
boxes_meet(struct point a, struct point b, struct point c, struct point d)
{
	return (fmax(a.lon, b.lon) >= fmin(c.lon, d.lon) - BORDER_DEGREES &&
		fmax(c.lon, d.lon) >= fmin(a.lon, b.lon) - BORDER_DEGREES &&
		fmax(a.lat, b.lat) >= fmin(c.lat, d.lat) - BORDER_DEGREES &&
		fmax(c.lat, d.lat) >= fmin(a.lat, b.lat) - BORDER_DEGREES);
}

/* Twice the signed area of the triangle. */
static double
area(struct point a, struct point b, struct point c)
{
	return ((b.lon - a.lon) * (c.lat - a.lat) -
		(b.lat - a.lat) * (c.lon - a.lon));
}

/* Do the edges cross in a point inside both? *t_r: how far along a-b. */
static bool
edges_cross(
    struct point a, struct point b, struct point c, struct point d, double *t_r)
{
	double from = area(c, d, a), to = area(c, d, b);
	double left = area(a, b, c), right = area(a, b, d);

	if (!((from < 0 && to > 0) || (from > 0 && to < 0)) ||
	    !((left < 0 && right > 0) || (left > 0 && right < 0)))
		return (false);
	*t_r = from / (from - to);
	return (true);
}

/* How far along a-b is p, which is on it? */
static double
along(struct point a, struct point b, struct point p)
{
	double dx = b.lon - a.lon, dy = b.lat - a.lat;
	double len = dx * dx + dy * dy;

	return (
	    len > 0 ? ((p.lon - a.lon) * dx + (p.lat - a.lat) * dy) / len : 0);
}

static void
add_cut(struct judge *j, double t)
{
	if (t > 0 && t < 1)
		j->cuts[j->ncuts++] = t;
}

static int
cmp_cuts(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return ((x > y) - (x < y));
}

/* Where the shape's edges meet a-b, in order. */
static void
cut_edge(struct judge *j, struct point a, struct point b, const struct shape *s)
{
	const struct point *v;
	double t;

	j->ncuts = 0;
	j->cuts[j->ncuts++] = 0;
	j->work -= s->nedges;
	for (unsigned i = 0; i < s->nrings; i++) {
		v = s->rings[i]->v;
		for (unsigned k = 0; k + 1 < s->rings[i]->n; k++) {
			if (!boxes_meet(a, b, v[k], v[k + 1]))
				continue;
			if (edges_cross(a, b, v[k], v[k + 1], &t)) {
				add_cut(j, t);
				continue;
			}
			if (geometry_on_edge(a, b, v[k]))
				add_cut(j, along(a, b, v[k]));
			if (geometry_on_edge(a, b, v[k + 1]))
				add_cut(j, along(a, b, v[k + 1]));
		}
	}
	j->cuts[j->ncuts++] = 1;
	qsort(j->cuts, j->ncuts, sizeof(*j->cuts), cmp_cuts);
}

static bool
any_piece_of(struct judge *j, struct point a, struct point b,
    const struct shape *own, const struct shape *other, piece_fn fn)
{
	struct piece p = { .own = own, .other = other };
	double dx = b.lon - a.lon, dy = b.lat - a.lat, len = hypot(dx, dy);
	double t;

	cut_edge(j, a, b, other);
	for (unsigned i = 0; i + 1 < j->ncuts && j->work >= 0; i++) {
		if ((j->cuts[i + 1] - j->cuts[i]) * len < PIECE_MIN)
			continue;
		t = (j->cuts[i] + j->cuts[i + 1]) / 2;
		p.middle = (struct point){ a.lon + t * dx, a.lat + t * dy };
		p.left = (struct point){ p.middle.lon - dy / len * BESIDE,
			p.middle.lat + dx / len * BESIDE };
		p.right = (struct point){ p.middle.lon + dy / len * BESIDE,
			p.middle.lat - dx / len * BESIDE };
		if (fn(j, &p))
			return (true);
	}
	return (false);
}

/* Is fn true of a piece of own's edges, cut where they meet other? */
static bool
any_piece(struct judge *j, const struct shape *own, const struct shape *other,
    piece_fn fn)
{
	const struct ring *r;

	for (unsigned i = 0; i < own->nrings; i++) {
		r = own->rings[i];
		for (unsigned k = 0; k + 1 < r->n && j->work >= 0; k++)
			if (any_piece_of(
				j, r->v[k], r->v[k + 1], own, other, fn))
				return (true);
	}
	return (false);
}

static bool
edges_meet(struct judge *j)
{
	const struct ring *r, *s;
	double t;

	for (unsigned i = 0; i < j->a.nrings; i++)
		for (unsigned k = 0; k < j->b.nrings; k++) {
			r = j->a.rings[i];
			s = j->b.rings[k];
			j->work -= (int64_t)r->n * s->n;
			if (j->work < 0)
				return (false);
			for (unsigned m = 0; m + 1 < r->n; m++)
				for (unsigned n = 0; n + 1 < s->n; n++)
					if (boxes_meet(r->v[m], r->v[m + 1],
						s->v[n], s->v[n + 1]) &&
					    edges_cross(r->v[m], r->v[m + 1],
						s->v[n], s->v[n + 1], &t))
						return (true);
		}
	return (false);
}

/* ---- what may be true of a piece */

static bool
surrounds(struct judge *j, const struct shape *s, struct point p)
{
	j->work -= s->g->npoints;
	return (geometry_surrounds(s->g, p));
}

/* Neither the piece nor, of the border of an area, what lies beside it in
 * that area may be outside the other. */
static bool
piece_outside(struct judge *j, const struct piece *p)
{
	return (!has_point(j, p->other, p->middle) ||
		(p->own->dimension == 2 &&
		    ((surrounds(j, p->own, p->left) &&
			 !has_point(j, p->other, p->left)) ||
			(surrounds(j, p->own, p->right) &&
			    !has_point(j, p->other, p->right)))));
}

static bool
piece_shared(struct judge *j, const struct piece *p)
{
	return (has_point(j, p->other, p->middle));
}

/* Of the border of an area: is what lies beside it inside both areas? */
static bool
piece_of_common_area(struct judge *j, const struct piece *p)
{
	return ((surrounds(j, p->own, p->left) &&
		    surrounds(j, p->other, p->left)) ||
		(surrounds(j, p->own, p->right) &&
		    surrounds(j, p->other, p->right)));
}

/* Of the border of an area: does the area end there amid the other? The
 * border between two parts of one area is no end. */
static bool
piece_ends_amid(struct judge *j, const struct piece *p)
{
	return (surrounds(j, p->other, p->middle) &&
		(!has_point(j, p->own, p->left) ||
		    !has_point(j, p->own, p->right)));
}

/* ---- relations */

static bool
boxes_apart(const struct geometry *a, const struct geometry *b)
{
	return (!boxes_meet(a->min, a->max, b->min, b->max));
}

/* Either ends of edges touch, which are points, or edges cross. */
static bool
intersect(struct judge *j)
{
	return (!boxes_apart(j->a.g, j->b.g) &&
		(has_any_point(j, &j->a, &j->b) ||
		    has_any_point(j, &j->b, &j->a) || edges_meet(j)));
}

/* Does every point of inner belong to outer? All along inner's border they
 * must, and outer must not end (at a hole, say) amid inner. */
static bool
covers(struct judge *j, const struct shape *outer, const struct shape *inner)
{
	if (inner->dimension > outer->dimension ||
	    !has_all_points(j, outer, inner) ||
	    any_piece(j, inner, outer, piece_outside))
		return (false);
	return (inner->dimension < 2 ||
		!any_piece(j, outer, inner, piece_ends_amid));
}

static bool
interiors_meet(struct judge *j)
{
	switch (j->a.dimension) {
	case 0:
		return (has_any_point(j, &j->a, &j->b));
	case 1:
		return (any_piece(j, &j->a, &j->b, piece_shared));
	default:
		return (any_piece(j, &j->a, &j->b, piece_of_common_area) ||
			any_piece(j, &j->b, &j->a, piece_of_common_area));
	}
}

static bool
overlap(struct judge *j)
{
	return (j->a.dimension == j->b.dimension &&
		!boxes_apart(j->a.g, j->b.g) && interiors_meet(j) &&
		!covers(j, &j->a, &j->b) && !covers(j, &j->b, &j->a));
}

enum hub_err
geometry_relate(const struct geometry *a, enum geometry_relation relation,
    const struct geometry *b, struct arena *scratch, bool *holds_r)
{
	struct judge j;
	bool holds = false;

	judge_init(&j, a, b, scratch);
	switch (relation) {
	case GEOMETRY_INTERSECTS:
	case GEOMETRY_DISJOINT:
		holds = intersect(&j) == (relation == GEOMETRY_INTERSECTS);
		break;
	case GEOMETRY_WITHIN:
		holds = covers(&j, &j.b, &j.a);
		break;
	case GEOMETRY_CONTAINS:
		holds = covers(&j, &j.a, &j.b);
		break;
	case GEOMETRY_EQUALS:
		holds = covers(&j, &j.b, &j.a) && covers(&j, &j.a, &j.b);
		break;
	case GEOMETRY_OVERLAPS:
		holds = overlap(&j);
		break;
	}
	if (j.work < 0)
		return (HUB_EFULL);
	*holds_r = holds;
	return (HUB_OK);
}

/* Where they do not meet, a corner of one is nearest to the other. */
enum hub_err
geometry_distance_between(const struct geometry *a, const struct geometry *b,
    struct arena *scratch, double *metres_r)
{
	double best = INFINITY;
	struct judge j;

	judge_init(&j, a, b, scratch);
	if (2 * (int64_t)a->npoints * b->npoints > WORK_MAX)
		return (HUB_EFULL);
	if (intersect(&j))
		best = 0;
	if (j.work < 0)
		return (HUB_EFULL);
	for (unsigned i = 0; best > 0 && i < a->npoints; i++)
		best = fmin(best, geometry_distance_to(b, a->points[i]));
	for (unsigned i = 0; best > 0 && i < b->npoints; i++)
		best = fmin(best, geometry_distance_to(a, b->points[i]));
	*metres_r = best;
	return (HUB_OK);
}
