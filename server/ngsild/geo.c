/* server/ngsild/geo.c - the geo-query; query.h says what it promises. */
#include "server/ngsild/query.h"

#include <math.h>

#include "server/ngsild/narrow.h"

/* Of an entity's own geometry; a larger one is not looked at. */
#define ENTITY_VERTICES_MAX 10000
/* Of the core context. */
#define LOCATION "https://uri.etsi.org/ngsi-ld/location"

enum relation { GEO_NEAR_MAX, GEO_NEAR_MIN, GEO_RELATE };

struct geo {
	enum relation relation;
	enum geometry_relation how; /* for GEO_RELATE; entity to reference */
	double metres;
	struct geometry reference;
	const struct name *property;
};

/* A JSON number above zero; the standard's PositiveNumber. */
static bool
parse_metres(struct str text, struct arena *arena, double *metres_r)
{
	const struct json_limits limits = { 1, 1, 1 };
	struct json j;

	if (json_parse(&j, text, &limits, arena) != HUB_OK ||
	    j.nodes[0].kind != JSON_NUMBER || j.nodes[0].len != text.len)
		return (false);
	return (json_double(&j, 0, metres_r) && *metres_r > 0 &&
		isfinite(*metres_r));
}

static enum hub_err
parse_near(
    struct str rest, struct arena *arena, struct geo *geo, const char **why_r)
{
	static const struct {
		struct str name;
		enum relation relation;
	} modifiers[] = {
		{ { "maxDistance==", 13 }, GEO_NEAR_MAX },
		{ { "minDistance==", 13 }, GEO_NEAR_MIN },
	};

	for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
		if (!str_prefix(rest, modifiers[i].name))
			continue;
		geo->relation = modifiers[i].relation;
		if (parse_metres(str_from(rest, modifiers[i].name.len), arena,
			&geo->metres))
			return (HUB_OK);
		*why_r = "the distance in georel is no number above zero";
		return (HUB_ESYNTAX);
	}
	*why_r = "georel near needs maxDistance== or minDistance==";
	return (HUB_ESYNTAX);
}

static enum hub_err
parse_relation(
    struct str georel, struct arena *arena, struct geo *geo, const char **why_r)
{
	static const struct {
		struct str name;
		enum geometry_relation how;
	} relations[] = {
		{ { "equals", 6 }, GEOMETRY_EQUALS },
		{ { "disjoint", 8 }, GEOMETRY_DISJOINT },
		{ { "intersects", 10 }, GEOMETRY_INTERSECTS },
		{ { "contains", 8 }, GEOMETRY_CONTAINS },
		{ { "within", 6 }, GEOMETRY_WITHIN },
		{ { "overlaps", 8 }, GEOMETRY_OVERLAPS },
	};

	if (str_prefix(georel, STR("near;")))
		return (parse_near(str_from(georel, 5), arena, geo, why_r));
	for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
		if (str_eq(georel, relations[i].name)) {
			geo->relation = GEO_RELATE;
			geo->how = relations[i].how;
			return (HUB_OK);
		}
	*why_r = str_eq(georel, STR("near"))
		     ? "georel near needs maxDistance== or minDistance=="
		     : "georel is no relation of the standard";
	return (HUB_ESYNTAX);
}

/* coordinates is checked alone first, so it cannot add members when it is put
 * into an object. */
static enum hub_err
parse_reference(struct str geometry, struct str coordinates,
    struct arena *arena, struct geometry *g_r, const char **why_r)
{
	const struct json_limits limits = { 8, 4, 16384 };
	enum hub_err err;
	struct json j;
	char *text;

	*why_r = "coordinates are no JSON array";
	if (json_parse(&j, coordinates, &limits, arena) != HUB_OK ||
	    j.nodes[0].kind != JSON_ARRAY)
		return (HUB_ESYNTAX);
	text = arena_printf(arena, "{\"type\":\"%.*s\",\"coordinates\":%.*s}",
	    STR_FMT(geometry), STR_FMT(coordinates));
	if (json_parse(&j, str_of(text), &limits, arena) != HUB_OK)
		return (HUB_ESYNTAX);
	err = geometry_parse(&j, 0, GEO_VERTICES_MAX, arena, g_r);
	*why_r =
	    err == HUB_EFULL
		? "coordinates have more than 1000 vertices"
		: "coordinates do not fit the geometry or are out of range";
	return (err);
}

static enum hub_err
check_geometry(struct str geometry, const char **why_r)
{
	static const struct str known[] = { { "Point", 5 },
		{ "MultiPoint", 10 }, { "LineString", 10 },
		{ "MultiLineString", 15 }, { "Polygon", 7 },
		{ "MultiPolygon", 12 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_eq(geometry, known[i]))
			return (HUB_OK);
	*why_r = "geometry is no geometry of the standard";
	return (HUB_ESYNTAX);
}

enum hub_err
geo_parse(struct str georel, struct str geometry, struct str coordinates,
    const struct name *geoproperty, struct arena *arena, struct geo **geo_r,
    const char **why_r)
{
	struct geo *geo = arena_alloc(arena, sizeof(*geo));
	enum hub_err err;

	if (coordinates.len > HTTP_TARGET_MAX * 8) {
		*why_r = "coordinates are too long";
		return (HUB_EFULL);
	}
	err = parse_relation(georel, arena, geo, why_r);
	if (err != HUB_OK)
		return (err);
	err = check_geometry(geometry, why_r);
	if (err != HUB_OK)
		return (err);
	err = parse_reference(
	    geometry, coordinates, arena, &geo->reference, why_r);
	if (err != HUB_OK)
		return (err);
	geo->property = geoproperty;
	*geo_r = geo;
	return (HUB_OK);
}

const struct name *
geo_name(const struct geo *geo)
{
	return (geo->property);
}

/* ---- evaluation */

/* A verdict that would take too long is none. */
static bool
holds(const struct geo *geo, const struct geometry *g, struct arena *scratch)
{
	double metres = 0;
	bool hit = false;

	if (geo->relation == GEO_RELATE)
		return (geometry_relate(g, geo->how, &geo->reference, scratch,
			    &hit) == HUB_OK &&
			hit);
	if (geo->reference.kind == GEOMETRY_POINT)
		metres = geometry_distance_to(g, geo->reference.points[0]);
	else if (geometry_distance_between(
		     g, &geo->reference, scratch, &metres) != HUB_OK)
		return (false);
	return (geo->relation == GEO_NEAR_MAX ? metres <= geo->metres
					      : metres >= geo->metres);
}

bool
geo_holds(const struct geo *geo, const struct geometry *g, struct arena *a)
{
	return (holds(geo, g, a));
}

/* What is disjoint or far away may lie anywhere; all else meets the reference
 * and hence the area around it. */
bool
geo_may_hold(const struct geo *geo, const struct geometry *area,
    struct arena *scratch)
{
	double metres = 0;
	bool apart = false;

	if (!str_eq(geo->property->iri, STR(LOCATION)))
		return (true);
	if (geo->relation == GEO_NEAR_MAX)
		return (geometry_distance_between(area, &geo->reference,
			    scratch, &metres) != HUB_OK ||
			metres <= geo->metres);
	if (geo->relation == GEO_NEAR_MIN || geo->how == GEOMETRY_DISJOINT)
		return (true);
	return (geometry_relate(area, GEOMETRY_DISJOINT, &geo->reference,
		    scratch, &apart) != HUB_OK ||
		!apart);
}

/* True if an instance of the property holds. Memory is scratch: an answer may
 * have thousands of entities. */
bool
geo_match(const struct geo *geo, const struct entity *e)
{
	struct arena *scratch = NULL;
	struct geometry g;
	bool hit = false;

	for (unsigned i = 0; i < e->ninstances && !hit; i++) {
		const struct instance *in = &e->instances[i];

		if (in->name != geo->property || in->kind != ATTR_GEO)
			continue;
		if (scratch == NULL)
			scratch = arena_new();
		if (geometry_parse(&in->doc->json, in->value,
			ENTITY_VERTICES_MAX, scratch, &g) == HUB_OK)
			hit = holds(geo, &g, scratch);
	}
	arena_free(scratch);
	return (hit);
}

/* ---- for a source */

#define NEAR_SLACK  1.01
#define NEAR_METRES 20.0

bool
geo_reach(const struct geo *geo, struct geo_reach *r)
{
	const struct geometry *ref = &geo->reference;
	double metres = geo->relation == GEO_NEAR_MAX ? geo->metres : 0;

	if (geo->relation == GEO_NEAR_MIN ||
	    (geo->relation == GEO_RELATE && geo->how == GEOMETRY_DISJOINT))
		return (false);
	if (geo->relation == GEO_NEAR_MAX && ref->kind == GEOMETRY_POINT) {
		*r = (struct geo_reach){ .circle = true,
			.centre = ref->points[0],
			.metres = metres * NEAR_SLACK + NEAR_METRES };
		return (r->metres <= 1e7);
	}
	if (!geo_reach_box(ref->min, ref->max, metres, r))
		return (false);
	r->within = geo->relation == GEO_RELATE &&
	    (geo->how == GEOMETRY_WITHIN || geo->how == GEOMETRY_EQUALS);
	return (true);
}
