/* server/ngsild/entity_geojson.c - an entity as a GeoJSON Feature (RFC 7946;
 * ETSI GS CIM 009, 4.5.16); see entity.h. */
#include "server/ngsild/entity_priv.h"

static bool
is_geojson(const struct json *j, uint32_t node)
{
	static const struct {
		struct str type, member;
	} table[] = {
		{ { "Point", 5 }, { "coordinates", 11 } },
		{ { "MultiPoint", 10 }, { "coordinates", 11 } },
		{ { "LineString", 10 }, { "coordinates", 11 } },
		{ { "MultiLineString", 15 }, { "coordinates", 11 } },
		{ { "Polygon", 7 }, { "coordinates", 11 } },
		{ { "MultiPolygon", 12 }, { "coordinates", 11 } },
		{ { "GeometryCollection", 18 }, { "geometries", 10 } },
	};
	uint32_t type, value;

	if (j->nodes[node].kind != JSON_OBJECT)
		return (false);
	type = json_member(j, node, STR("type"));
	if (type == 0 || j->nodes[type].kind != JSON_STRING)
		return (false);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!json_is(j, type, table[i].type))
			continue;
		value = json_member(j, node, table[i].member);
		return (value != 0 && j->nodes[value].kind == JSON_ARRAY);
	}
	return (false);
}

/* From the view and the projection like everything else: what is not among
 * the attributes is no geometry either. */
static void
write_geometry(const struct entity *e, const struct entity_out *o,
    const struct name *property, struct buf *b)
{
	const struct instance *in = entity_attr(e, property);

	if (in != NULL && in->kind == ATTR_GEO && entity_wanted(o, property) &&
	    is_geojson(&in->doc->json, in->value))
		buf_adds(b, json_span(&in->doc->json, in->value));
	else
		BUF_LIT(b, "null");
}

void
entity_write_feature(const struct entity *e, const struct entity_out *o,
    const struct name *property, struct buf *b)
{
	struct entity_out properties = *o;

	properties.ld = false;
	properties.hide_id = true;
	buf_addc(b, '{');
	if (!o->hide_id) {
		BUF_LIT(b, "\"id\":");
		buf_add_json(b, e->id);
		buf_addc(b, ',');
	}
	BUF_LIT(b, "\"type\":\"Feature\",\"geometry\":");
	write_geometry(e, o, property, b);
	BUF_LIT(b, ",\"properties\":");
	entity_write(e, &properties, b);
	if (o->ld) {
		BUF_LIT(b, ",\"@context\":");
		buf_add_json(b, context_url(o->context));
	}
	buf_addc(b, '}');
}
