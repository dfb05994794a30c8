/* server/federation/v2_geo.c - places of NGSI-v2; see v2_geo.h. */
#include "server/federation/v2_geo.h"

#include "server/ngsild/geometry.h"

#define POINTS_MAX 10000
#define NUMBER_MAX 40 /* characters of a coordinate */

struct position {
	struct str lon, lat; /* as written */
};

/* ---- GeoJSON */

static bool
is_geometry(const struct json *j, uint32_t node)
{
	uint32_t type = json_member(j, node, STR("type"));
	uint32_t at = json_member(j, node, STR("coordinates"));

	return (type != 0 && j->nodes[type].kind == JSON_STRING && at != 0 &&
	    j->nodes[at].kind == JSON_ARRAY);
}

/* The geometry of a Feature, or of the only one of a FeatureCollection, as
 * Orion takes them for the location of an entity. 0: there is none. */
static uint32_t
geometry_in(const struct json *j, uint32_t node)
{
	uint32_t at = json_member(j, node, STR("features"));

	if (at != 0) {
		if (j->nodes[at].kind != JSON_ARRAY || j->nodes[at].count != 1)
			return (0);
		node = at + 1;
	}
	at = json_member(j, node, STR("geometry"));
	if (at != 0)
		node = at;
	return (is_geometry(j, node) ? node : 0);
}

static bool
write_json(const struct json *j, uint32_t value, struct buf *b)
{
	uint32_t node = geometry_in(j, value);

	if (node == 0)
		return (false);
	buf_adds(b, json_span(j, node));
	return (true);
}

/* ---- texts */

/* Characters of numbers only; whether they are one is for the parser. */
static bool
looks_like_number(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '\0' || strchr("0123456789.+-eE", s.p[i]) == NULL)
			return (false);
	return (s.len > 0 && s.len <= NUMBER_MAX);
}

/* "lat, lon" */
static bool
read_position(const struct json *j, uint32_t node, struct arena *a,
    struct position *p)
{
	struct str rest, lat;

	if (j->nodes[node].kind != JSON_STRING)
		return (false);
	rest = json_text(j, node, a);
	if (!str_cut(&rest, ',', &lat) || rest.p == NULL)
		return (false);
	*p = (struct position){ str_trim(rest), str_trim(lat) };
	return (looks_like_number(p->lon) && looks_like_number(p->lat));
}

/* The texts of an array; 0: one of them is no position. */
static unsigned
read_positions(const struct json *j, uint32_t node, struct arena *a,
    struct position **list_r)
{
	struct position *list;
	unsigned n = 0;

	if (j->nodes[node].kind != JSON_ARRAY ||
	    j->nodes[node].count > POINTS_MAX)
		return (0);
	list = arena_array(a, j->nodes[node].count, sizeof(*list));
	for (uint32_t e = node + 1; e < j->nodes[node].next;
	     e = j->nodes[e].next)
		if (!read_position(j, e, a, &list[n++]))
			return (0);
	*list_r = list;
	return (n);
}

static void
add_position(struct str lon, struct str lat, struct buf *b)
{
	if (b->len > 0 && b->p[b->len - 1] == ']')
		buf_addc(b, ',');
	buf_addc(b, '[');
	buf_adds(b, lon);
	buf_addc(b, ',');
	buf_adds(b, lat);
	buf_addc(b, ']');
}

static void
add_ring(const struct position *p, unsigned n, struct buf *b)
{
	for (unsigned i = 0; i < n; i++)
		add_position(p[i].lon, p[i].lat, b);
	if (!str_eq(p[0].lon, p[n - 1].lon) || !str_eq(p[0].lat, p[n - 1].lat))
		add_position(p[0].lon, p[0].lat, b);
}

/* From one corner to the opposite one. */
static void
add_box(const struct position *p, struct buf *b)
{
	add_position(p[0].lon, p[0].lat, b);
	add_position(p[1].lon, p[0].lat, b);
	add_position(p[1].lon, p[1].lat, b);
	add_position(p[0].lon, p[1].lat, b);
	add_position(p[0].lon, p[0].lat, b);
}

static bool
add_texts(const struct json *j, uint32_t value, enum v2_geo kind,
    struct arena *a, struct buf *b)
{
	struct position one, *p = &one;
	unsigned n;

	if (kind == V2_GEO_POINT) {
		if (!read_position(j, value, a, &one))
			return (false);
		BUF_LIT(b, "{\"type\":\"Point\",\"coordinates\":");
		add_position(one.lon, one.lat, b);
		buf_addc(b, '}');
		return (true);
	}
	n = read_positions(j, value, a, &p);
	if (n < 2 || (kind == V2_GEO_BOX && n != 2))
		return (false);
	if (kind == V2_GEO_LINE)
		BUF_LIT(b, "{\"type\":\"LineString\",\"coordinates\":[");
	else
		BUF_LIT(b, "{\"type\":\"Polygon\",\"coordinates\":[[");
	if (kind == V2_GEO_POLYGON)
		add_ring(p, n, b);
	else if (kind == V2_GEO_BOX)
		add_box(p, b);
	else
		for (unsigned i = 0; i < n; i++)
			add_position(p[i].lon, p[i].lat, b);
	buf_adds(b, kind == V2_GEO_LINE ? STR("]}") : STR("]]}"));
	return (true);
}

/* Is what was put together a geometry? */
static bool
is_sound(struct str text, struct arena *a)
{
	static const struct json_limits limits = { 8, 8, 6 * POINTS_MAX };
	struct geometry g;
	struct json j;

	return (json_parse(&j, text, &limits, a) == HUB_OK &&
	    geometry_parse(&j, 0, POINTS_MAX + 1, a, &g) == HUB_OK);
}

bool
v2_geo_write(const struct json *j, uint32_t value, enum v2_geo kind,
    struct arena *a, struct buf *b)
{
	struct buf text;
	bool ok;

	if (kind == V2_GEO_JSON)
		return (write_json(j, value, b));
	buf_init(&text, (size_t)2 * (NUMBER_MAX + 2) * (POINTS_MAX + 4));
	ok = add_texts(j, value, kind, a, &text) && !text.failed &&
	    is_sound(buf_str(&text), a);
	if (ok)
		buf_adds(b, buf_str(&text));
	buf_clear(&text);
	return (ok);
}
