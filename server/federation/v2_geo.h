/* server/federation/v2_geo.h - places as NGSI-v2 writes them, as GeoJSON.
 *
 * geo:point "lat, lon"; geo:line, geo:polygon and geo:box are arrays of such
 * texts: coordinates are swapped, a ring is closed, a box (two corners) is a
 * polygon. Numbers stay as they were written. Pure. */
#ifndef HUB_FEDERATION_V2_GEO_H
#define HUB_FEDERATION_V2_GEO_H

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/ngsild/json.h"

enum v2_geo {
	V2_GEO_JSON, /* a geometry, a Feature, or a collection of one */
	V2_GEO_POINT,
	V2_GEO_LINE,
	V2_GEO_POLYGON,
	V2_GEO_BOX
};

/* Appends the geometry; false and nothing appended: it is none, of another
 * form, or (texts) off the earth. */
bool v2_geo_write(const struct json *, uint32_t value, enum v2_geo,
    struct arena *, struct buf *) HUB_MUST_CHECK;

#endif
