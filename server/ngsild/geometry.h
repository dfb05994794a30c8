/* server/ngsild/geometry.h - points, lines and polygons on the earth (RFC
 * 7946), good to a metre over the size of a region. Pure. */
#ifndef HUB_NGSILD_GEOMETRY_H
#define HUB_NGSILD_GEOMETRY_H

#include "server/base/arena.h"
#include "server/ngsild/json.h"

struct point {
	double lon, lat; /* degrees, WGS 84; in range, finite */
};

struct ring {
	unsigned n; /* vertices; the first is repeated at the end */
	const struct point *v;
};

/* Parts in order; part 0 of each polygon is its outer ring, the others are
 * holes. */
struct polygon {
	unsigned nrings;
	const struct ring *rings;
};

enum geometry_kind {
	GEOMETRY_POINT,
	GEOMETRY_MULTI_POINT,
	GEOMETRY_LINE,
	GEOMETRY_MULTI_LINE,
	GEOMETRY_POLYGON,
	GEOMETRY_MULTI_POLYGON
};

struct geometry {
	enum geometry_kind kind;
	unsigned npoints;
	const struct point *points; /* every vertex of every part */
	unsigned npolygons;         /* for the polygon kinds */
	const struct polygon *polygons;
	unsigned nlines; /* for the line kinds; open rings */
	const struct ring *lines;
	struct point min, max; /* bounding box */
};

/* A GeoJSON geometry object ("type", "coordinates"). HUB_ESYNTAX: not one, or
 * coordinates out of range, not finite, rings open or under 4 vertices;
 * HUB_EFULL: over max_vertices; HUB_ENOTSUP: GeometryCollection. A third
 * coordinate is ignored. */
enum hub_err geometry_parse(const struct json *, uint32_t node,
    unsigned max_vertices, struct arena *, struct geometry *) HUB_MUST_CHECK;
/* Metres along a great circle (haversine, R = 6371008.8). */
double geometry_distance(struct point, struct point);
/* Metres from a point to a geometry: 0 inside a polygon or on its border. */
double geometry_distance_to(const struct geometry *, struct point);
/* Inside a polygon kind; the border belongs to it. */
bool geometry_contains(const struct geometry *, struct point);
/* The same without the border. */
bool geometry_surrounds(const struct geometry *, struct point);

/* What a and b have to do with each other, as sets of points on the plane of
 * longitude and latitude. The border belongs to an area and the ends to a
 * line, everywhere: */
enum geometry_relation {
	GEOMETRY_INTERSECTS, /* a and b share a point, be it of the border */
	GEOMETRY_DISJOINT,   /* they do not */
	GEOMETRY_WITHIN,     /* every point of a belongs to b */
	GEOMETRY_CONTAINS,   /* every point of b belongs to a */
	GEOMETRY_EQUALS,     /* both */
	/* Both are areas and share an area (touching is not enough), both are
	 * lines and share a stretch (crossing is not enough), or both are
	 * points and share one; and neither contains the other. */
	GEOMETRY_OVERLAPS
};
/* HUB_EFULL: so tangled that judging it would take too long. Memory is taken
 * from scratch. */
enum hub_err geometry_relate(const struct geometry *a, enum geometry_relation,
    const struct geometry *b, struct arena *scratch,
    bool *holds_r) HUB_MUST_CHECK;
/* Metres between the nearest points of both; 0 when they intersect. */
enum hub_err geometry_distance_between(const struct geometry *a,
    const struct geometry *b, struct arena *scratch,
    double *metres_r) HUB_MUST_CHECK;

#endif
