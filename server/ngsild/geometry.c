/* server/ngsild/geometry.c - points and polygons; geometry.h says what they
 * promise.
 *
 * Edges are straight in longitude and latitude (RFC 7946, 3.1.1); a geometry
 * across the antimeridian is expected to be cut there (3.1.9). A polygon that
 * crosses itself is judged by the even-odd rule. */
#include "server/ngsild/geometry_priv.h"

#include <math.h>

#define EARTH_RADIUS 6371008.8 /* metres, the mean of the ellipsoid */
#define DEGREE       (3.14159265358979323846 / 180.0)
/* The flat distance is within 5 % of the true one up to here. */
#define FLAT_TRUSTED 200000.0
#define FLAT_MARGIN  1.05

struct reader {
	const struct json *json;
	struct point *points;
	unsigned used;
	struct arena *arena;
};

static const struct kind {
	struct str name;
	enum geometry_kind kind;
	unsigned depth;    /* arrays around a position */
	unsigned min_line; /* vertices of the arrays of positions */
} kinds[] = {
	{ { "Point", 5 }, GEOMETRY_POINT, 0, 1 },
	{ { "MultiPoint", 10 }, GEOMETRY_MULTI_POINT, 1, 1 },
	{ { "LineString", 10 }, GEOMETRY_LINE, 1, 2 },
	{ { "MultiLineString", 15 }, GEOMETRY_MULTI_LINE, 2, 2 },
	{ { "Polygon", 7 }, GEOMETRY_POLYGON, 2, 4 },
	{ { "MultiPolygon", 12 }, GEOMETRY_MULTI_POLYGON, 3, 4 },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool
is_array(const struct json *j, uint32_t node)
{
	return (j->nodes[node].kind == JSON_ARRAY && j->nodes[node].count > 0);
}

static bool
read_position(struct reader *r, uint32_t node)
{
	const struct json_node *n = r->json->nodes;
	double lon, lat;

	if (!is_array(r->json, node) || n[node].count < 2 || n[node].count > 3)
		return (false);
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next)
		if (n[e].kind != JSON_NUMBER)
			return (false);
	if (!json_double(r->json, node + 1, &lon) ||
	    !json_double(r->json, node + 2, &lat))
		return (false);
	/* Written so that a NaN fails. */
	if (!(lon >= -180.0 && lon <= 180.0 && lat >= -90.0 && lat <= 90.0))
		return (false);
	r->points[r->used++] = (struct point){ lon, lat };
	return (true);
}

/* An array of positions; closed: the last is the first. */
static bool
read_line(struct reader *r, uint32_t node, unsigned min, bool closed,
    struct ring *ring)
{
	const struct json_node *n = r->json->nodes;
	unsigned first = r->used;
	const struct point *v = r->points + first;

	if (!is_array(r->json, node) || n[node].count < min)
		return (false);
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next)
		if (!read_position(r, e))
			return (false);
	*ring = (struct ring){ r->used - first, v };
	return (!closed || (v[0].lon == v[ring->n - 1].lon &&
			       v[0].lat == v[ring->n - 1].lat));
}

/* An array of arrays of positions. */
static bool
read_lines(struct reader *r, uint32_t node, unsigned min, bool closed,
    struct polygon *lines)
{
	const struct json_node *n = r->json->nodes;
	struct ring *rings;
	unsigned i = 0;

	if (!is_array(r->json, node))
		return (false);
	rings = arena_array(r->arena, n[node].count, sizeof(*rings));
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next)
		if (!read_line(r, e, min, closed, &rings[i++]))
			return (false);
	*lines = (struct polygon){ i, rings };
	return (true);
}

static bool
read_polygons(struct reader *r, uint32_t node, struct geometry *g)
{
	const struct json_node *n = r->json->nodes;
	struct polygon *polygons;
	unsigned i = 0;

	if (!is_array(r->json, node))
		return (false);
	polygons = arena_array(r->arena, n[node].count, sizeof(*polygons));
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next)
		if (!read_lines(r, e, 4, true, &polygons[i++]))
			return (false);
	g->npolygons = i;
	g->polygons = polygons;
	return (true);
}

static bool
read_coordinates(struct reader *r, const struct kind *kind, uint32_t node,
    struct geometry *g)
{
	struct polygon *part = arena_alloc(r->arena, sizeof(*part));
	struct ring *line = arena_alloc(r->arena, sizeof(*line));
	bool closed = kind->kind == GEOMETRY_POLYGON;

	switch (kind->depth) {
	case 0:
		return (read_position(r, node));
	case 1:
		g->nlines = kind->kind == GEOMETRY_LINE;
		g->lines = line;
		return (read_line(r, node, kind->min_line, false, line));
	case 2:
		if (!read_lines(r, node, kind->min_line, closed, part))
			return (false);
		g->npolygons = closed;
		g->polygons = part;
		g->nlines = closed ? 0 : part->nrings;
		g->lines = part->rings;
		return (true);
	default:
		return (read_polygons(r, node, g));
	}
}

/* Arrays that start with a number: an upper bound of the positions. */
static unsigned
count_positions(const struct json *j, uint32_t node)
{
	unsigned n = 0;

	for (uint32_t e = node; e < j->nodes[node].next; e++)
		n += is_array(j, e) && j->nodes[e + 1].kind == JSON_NUMBER;
	return (n);
}

static void
bound(struct geometry *g)
{
	g->min = g->max = g->points[0];
	for (unsigned i = 1; i < g->npoints; i++) {
		g->min.lon = fmin(g->min.lon, g->points[i].lon);
		g->min.lat = fmin(g->min.lat, g->points[i].lat);
		g->max.lon = fmax(g->max.lon, g->points[i].lon);
		g->max.lat = fmax(g->max.lat, g->points[i].lat);
	}
}

static const struct kind *
find_kind(const struct json *j, uint32_t node)
{
	if (node == 0 || j->nodes[node].kind != JSON_STRING)
		return (NULL);
	for (size_t i = 0; i < NKINDS; i++)
		if (json_is(j, node, kinds[i].name))
			return (&kinds[i]);
	return (NULL);
}

enum hub_err
geometry_parse(const struct json *j, uint32_t node, unsigned max_vertices,
    struct arena *arena, struct geometry *g_r)
{
	struct reader r = { .json = j, .arena = arena };
	struct geometry g = { 0 };
	const struct kind *kind;
	uint32_t type, coordinates;
	unsigned n;

	if (j->nodes[node].kind != JSON_OBJECT)
		return (HUB_ESYNTAX);
	type = json_member(j, node, STR("type"));
	kind = find_kind(j, type);
	if (kind == NULL)
		return (type != 0 && j->nodes[type].kind == JSON_STRING &&
				json_is(j, type, STR("GeometryCollection"))
			    ? HUB_ENOTSUP
			    : HUB_ESYNTAX);
	coordinates = json_member(j, node, STR("coordinates"));
	if (coordinates == 0)
		return (HUB_ESYNTAX);
	n = count_positions(j, coordinates);
	if (n > max_vertices)
		return (HUB_EFULL);
	r.points = arena_array(arena, n, sizeof(*r.points));
	if (!read_coordinates(&r, kind, coordinates, &g))
		return (HUB_ESYNTAX);
	g.kind = kind->kind;
	g.points = r.points;
	g.npoints = r.used;
	bound(&g);
	*g_r = g;
	return (HUB_OK);
}

double
geometry_distance(struct point a, struct point b)
{
	double s = sin((b.lat - a.lat) * DEGREE / 2);
	double t = sin((b.lon - a.lon) * DEGREE / 2);
	double h = s * s + cos(a.lat * DEGREE) * cos(b.lat * DEGREE) * t * t;

	return (2 * EARTH_RADIUS * asin(fmin(1.0, sqrt(h))));
}

/* The point of the edge next to p on a plane whose degrees of longitude are
 * shorter by the factor. */
static struct point
nearest_flat(struct point p, struct point a, struct point b, double factor)
{
	double dx = (b.lon - a.lon) * factor, dy = b.lat - a.lat;
	double px = (p.lon - a.lon) * factor, py = p.lat - a.lat;
	double len = dx * dx + dy * dy;
	double t = len > 0 ? (px * dx + py * dy) / len : 0;

	t = fmin(1.0, fmax(0.0, t));
	return ((struct point){
	    a.lon + t * (b.lon - a.lon), a.lat + t * (b.lat - a.lat) });
}

static double
distance_flat(struct point a, struct point b, double factor)
{
	return (hypot((b.lon - a.lon) * factor, b.lat - a.lat) * DEGREE *
		EARTH_RADIUS);
}

/* Lowers *best. First on the plane through p, which tells the edges that
 * cannot win; then on the plane through the middle, whose error in the foot's
 * place counts only squared in the distance: under a metre at 50 km. */
static void
line_nearer(const struct ring *line, struct point p, double *best)
{
	double factor = cos(p.lat * DEGREE), flat;
	struct point q;

	for (unsigned i = 0; i + 1 < line->n; i++) {
		q = nearest_flat(p, line->v[i], line->v[i + 1], factor);
		flat = distance_flat(p, q, factor);
		if (flat < FLAT_TRUSTED && flat > *best * FLAT_MARGIN)
			continue;
		q = nearest_flat(p, line->v[i], line->v[i + 1],
		    cos((p.lat + q.lat) / 2 * DEGREE));
		*best = fmin(*best, geometry_distance(p, q));
	}
}

double
geometry_distance_to(const struct geometry *g, struct point p)
{
	double best = INFINITY;

	if (geometry_contains(g, p))
		return (0);
	for (unsigned i = 0; i < g->nlines; i++)
		line_nearer(&g->lines[i], p, &best);
	for (unsigned i = 0; i < g->npolygons; i++)
		for (unsigned k = 0; k < g->polygons[i].nrings; k++)
			line_nearer(&g->polygons[i].rings[k], p, &best);
	if (g->nlines == 0 && g->npolygons == 0)
		for (unsigned i = 0; i < g->npoints; i++)
			best = fmin(best, geometry_distance(p, g->points[i]));
	return (best);
}

bool
geometry_on_edge(struct point a, struct point b, struct point p)
{
	double dx = b.lon - a.lon, dy = b.lat - a.lat;
	double px = p.lon - a.lon, py = p.lat - a.lat;
	double len = hypot(dx, dy);

	if (p.lon < fmin(a.lon, b.lon) - BORDER_DEGREES ||
	    p.lon > fmax(a.lon, b.lon) + BORDER_DEGREES ||
	    p.lat < fmin(a.lat, b.lat) - BORDER_DEGREES ||
	    p.lat > fmax(a.lat, b.lat) + BORDER_DEGREES)
		return (false);
	return (fabs(dx * py - dy * px) <= BORDER_DEGREES * len ||
		hypot(px, py) <= BORDER_DEGREES);
}

enum place { OUTSIDE, BORDER, INSIDE };

/* Even-odd: a ray to the east crosses the ring's edges. An edge owns its lower
 * end only, so that a vertex on the ray counts once. */
static enum place
ring_place(const struct ring *r, struct point p)
{
	struct point a, b;
	bool in = false;

	for (unsigned i = 0; i + 1 < r->n; i++) {
		a = r->v[i];
		b = r->v[i + 1];
		if (geometry_on_edge(a, b, p))
			return (BORDER);
		if ((a.lat > p.lat) != (b.lat > p.lat) &&
		    p.lon < a.lon + (p.lat - a.lat) / (b.lat - a.lat) *
					(b.lon - a.lon))
			in = !in;
	}
	return (in ? INSIDE : OUTSIDE);
}

static enum place
polygon_place(const struct polygon *poly, struct point p)
{
	enum place place = ring_place(&poly->rings[0], p), hole;

	for (unsigned i = 1; place == INSIDE && i < poly->nrings; i++) {
		hole = ring_place(&poly->rings[i], p);
		if (hole == BORDER)
			return (BORDER);
		if (hole == INSIDE)
			return (OUTSIDE);
	}
	return (place);
}

static enum place
geometry_place(const struct geometry *g, struct point p)
{
	enum place place, best = OUTSIDE;

	if (p.lon < g->min.lon - BORDER_DEGREES ||
	    p.lon > g->max.lon + BORDER_DEGREES ||
	    p.lat < g->min.lat - BORDER_DEGREES ||
	    p.lat > g->max.lat + BORDER_DEGREES)
		return (OUTSIDE);
	for (unsigned i = 0; i < g->npolygons; i++) {
		place = polygon_place(&g->polygons[i], p);
		if (place > best)
			best = place;
	}
	return (best);
}

bool
geometry_contains(const struct geometry *g, struct point p)
{
	return (geometry_place(g, p) != OUTSIDE);
}

bool
geometry_surrounds(const struct geometry *g, struct point p)
{
	return (geometry_place(g, p) == INSIDE);
}
