/* server/ngsild/narrow_geo.c - places for a source; narrow.h says what they
 * promise. */
#include "server/ngsild/narrow.h"

#include <math.h>
#include <stdlib.h>

#define METRES_OF_DEGREE 111000.0 /* a little less than there are */
#define EARTH_METRES     6371008.8
#define DEGREES_MAX      10.0 /* wider boxes are not sent */
#define LATITUDE_MAX     80.0
/* Of a distance and of the way across a box: the sphere and the ellipsoid
 * differ by half of that. */
#define MARGIN        0.01
#define MARGIN_METRES 50.0
#define RADIANS       (3.14159265358979323846 / 180)

/* By how much a great circle leaves the parallel between two corners, and half
 * as much again. */
static double
bulge(double width_metres, double latitude)
{
	return (1.5 * width_metres * width_metres / (8 * EARTH_METRES) *
	    tan(fabs(latitude) * RADIANS));
}

bool
geo_reach_box(struct point min, struct point max, double metres,
    struct geo_reach *r)
{
	double lat = fmax(fabs(min.lat), fabs(max.lat)), width, height;

	if (!(max.lon - min.lon <= DEGREES_MAX) ||
	    !(max.lat - min.lat <= DEGREES_MAX) || !(lat <= LATITUDE_MAX) ||
	    !(metres <= DEGREES_MAX * METRES_OF_DEGREE))
		return (false);
	width = (max.lon - min.lon) * METRES_OF_DEGREE;
	height = (max.lat - min.lat) * METRES_OF_DEGREE;
	metres += MARGIN_METRES + MARGIN * (width + height + metres) +
	    bulge(width + 2 * metres, lat);
	*r = (struct geo_reach){ .min = min, .max = max };
	r->min.lat -= metres / METRES_OF_DEGREE;
	r->max.lat += metres / METRES_OF_DEGREE;
	lat = fmax(fabs(r->min.lat), fabs(r->max.lat));
	if (lat > LATITUDE_MAX)
		return (false);
	r->min.lon -= metres / METRES_OF_DEGREE / cos(lat * RADIANS);
	r->max.lon += metres / METRES_OF_DEGREE / cos(lat * RADIANS);
	return (r->min.lon >= -180 && r->max.lon <= 180);
}

/* ---- text */

/* Six decimals are a tenth of a metre. */
static void
add_degrees(double degrees, struct buf *b)
{
	long long micro = llround(degrees * 1e6);

	if (micro < 0)
		buf_addc(b, '-');
	micro = llabs(micro);
	buf_addf(b, "%lld.%06lld", micro / 1000000, micro % 1000000);
}

static void
add_point(double lon, double lat, struct buf *b)
{
	buf_addc(b, '[');
	add_degrees(lon, b);
	buf_addc(b, ',');
	add_degrees(lat, b);
	buf_addc(b, ']');
}

static void
add_box(const struct geo_reach *r, struct buf *b)
{
	BUF_LIT(b, "[[");
	add_point(r->min.lon, r->min.lat, b);
	buf_addc(b, ',');
	add_point(r->max.lon, r->min.lat, b);
	buf_addc(b, ',');
	add_point(r->max.lon, r->max.lat, b);
	buf_addc(b, ',');
	add_point(r->min.lon, r->max.lat, b);
	buf_addc(b, ',');
	add_point(r->min.lon, r->min.lat, b);
	BUF_LIT(b, "]]");
}

struct geo_text
geo_reach_text(const struct geo_reach *r, struct arena *a)
{
	struct geo_text t = { STR("intersects"), STR("Polygon"), STR_NONE };
	struct buf b;

	buf_init(&b, NARROW_TEXT_MAX);
	if (r->circle) {
		add_point(r->centre.lon, r->centre.lat, &b);
		t.geometry = STR("Point");
		t.georel = str_of(arena_printf(a, "near;maxDistance==%lld",
		    llround(ceil(r->metres))));
	} else {
		add_box(r, &b);
		if (r->within)
			t.georel = STR("within");
	}
	t.coordinates = arena_str(a, buf_str(&b));
	assert(!b.failed);
	buf_clear(&b);
	return (t);
}
