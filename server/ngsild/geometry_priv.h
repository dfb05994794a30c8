/* server/ngsild/geometry_priv.h - between geometry.c (points) and
 * geometry_relate.c (whole geometries). */
#ifndef HUB_NGSILD_GEOMETRY_PRIV_H
#define HUB_NGSILD_GEOMETRY_PRIV_H

#include "server/ngsild/geometry.h"

/* So near to an edge is on it: a tenth of a micrometre, which is what is left
 * of a double's precision after the products. */
#define BORDER_DEGREES 1e-12

bool geometry_on_edge(struct point a, struct point b, struct point p);

#endif
