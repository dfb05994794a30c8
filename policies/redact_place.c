/* policies/redact_place.c - see redact_place.h. */
#include "policies/redact_place.h"

#define AREA_VERTICES 10000

static bool
vertex_allowed(const struct region_share *s, struct point p)
{
	bool in = s->ninside == 0;

	for (unsigned i = 0; i < s->ninside && !in; i++)
		in = geometry_distance_to(&s->inside[i]->geometry, p) <=
		    s->buffer_m;
	for (unsigned i = 0; i < s->noutside && in; i++)
		in = geometry_distance_to(&s->outside[i]->geometry, p) >
		    s->buffer_m;
	if (s->within != NULL && in)
		in = geometry_distance_to(&s->within->geometry, p) <= 0;
	return (in);
}

bool
place_is_any(const struct region_share *s)
{
	return (s->ninside == 0 && s->noutside == 0 && s->within == NULL);
}

bool
place_holds(const struct region_share *s, const struct instance *in,
    struct arena *a)
{
	struct geometry g;

	if (in->kind != ATTR_GEO || arena_is_over(a) ||
	    geometry_parse(&in->doc->json, in->value, AREA_VERTICES, a, &g) !=
		HUB_OK)
		return (false);
	for (unsigned i = 0; i < g.npoints; i++)
		if (!vertex_allowed(s, g.points[i]))
			return (false);
	return (g.npoints > 0);
}
