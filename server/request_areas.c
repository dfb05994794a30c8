/* server/request_areas.c - GET /hub/v1/areas: outlines for the page's map, as
 * GeoJSON (RFC 7946).
 *
 * A tenant is shown its own area, those of the tenants that it has an
 * agreement with, and those that its agreements name: of an area that only
 * others agreed on, not even the name. An area is a tenant's own if it has its
 * name. */
#include "server/request_hub.h"

static bool
names_area(const struct region_share *s, const struct region_area *area)
{
	for (unsigned i = 0; i < s->ninside; i++)
		if (s->inside[i] == area)
			return (true);
	for (unsigned i = 0; i < s->noutside; i++)
		if (s->outside[i] == area)
			return (true);
	return (false);
}

static bool
agreement_shows(const struct region_agreement *ag, const struct tenant *t,
    const struct region_area *area)
{
	if (ag->provider != t && ag->consumer != t)
		return (false);
	if (str_eq(area->name, ag->provider->name) ||
	    str_eq(area->name, ag->consumer->name))
		return (true);
	for (unsigned i = 0; i < ag->nshares; i++)
		if (names_area(&ag->shares[i], area))
			return (true);
	return (false);
}

static bool
is_shown(const struct request *rq, const struct region_area *area)
{
	const struct region *r = rq->snapshot->region;
	const struct tenant *t = rq->identity.tenant;

	if (str_eq(area->name, t->name))
		return (true);
	for (unsigned i = 0; i < r->nagreements; i++)
		if (agreement_shows(&r->agreements[i], t, area))
			return (true);
	return (false);
}

/* ---- GeoJSON */

static void
add_ring(struct buf *b, const struct ring *ring)
{
	buf_addc(b, '[');
	for (unsigned i = 0; i < ring->n; i++)
		buf_addf(b, "%s[%.9g,%.9g]", i > 0 ? "," : "",
		    ring->v[i].lon, ring->v[i].lat);
	buf_addc(b, ']');
}

static void
add_polygons(struct buf *b, const struct geometry *g)
{
	BUF_LIT(b, "{\"type\":\"MultiPolygon\",\"coordinates\":[");
	for (unsigned i = 0; i < g->npolygons; i++) {
		buf_adds(b, i > 0 ? STR(",[") : STR("["));
		for (unsigned k = 0; k < g->polygons[i].nrings; k++) {
			if (k > 0)
				buf_addc(b, ',');
			add_ring(b, &g->polygons[i].rings[k]);
		}
		buf_addc(b, ']');
	}
	BUF_LIT(b, "]}");
}

static void
add_area(struct request *rq, const struct region_area *area, const char *sep)
{
	const struct tenant *t =
	    tenant_find(&rq->snapshot->region->tenants, area->name);
	struct buf *b = &rq->body;

	buf_addf(b, "%s{\"type\":\"Feature\",\"properties\":{\"name\":", sep);
	buf_add_json(b, area->name);
	BUF_LIT(b, ",\"title\":");
	buf_add_json(b, t != NULL ? t->title : area->name);
	BUF_LIT(b, "},\"geometry\":");
	add_polygons(b, &area->geometry);
	buf_addc(b, '}');
}

static enum step_next
run_areas(struct request *rq)
{
	const struct region *r = rq->snapshot->region;
	const char *bad = hub_format(rq), *sep = "";

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	BUF_LIT(&rq->body, "{\"type\":\"FeatureCollection\",\"features\":[");
	for (unsigned i = 0; i < r->nareas; i++)
		if (r->areas[i].geometry.npolygons > 0 &&
		    is_shown(rq, &r->areas[i])) {
			add_area(rq, &r->areas[i], sep);
			sep = ",";
		}
	BUF_LIT(&rq->body, "]}");
	return (hub_answer(rq, "application/geo+json"));
}

const struct step STEP_HUB_AREAS = { "areas", run_areas };
