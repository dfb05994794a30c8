/* server/ngsild/entity_form.c - attributes concise, simplified and in one
 * language (ETSI GS CIM 009, 4.5, 4.15); see entity.h.
 *
 * Made of the same released members as the normalized form, so that no form
 * shows more than another. */
#include "server/base/hash.h"
#include "server/ngsild/entity_priv.h"

#define LANG_TAG_MAX 256

/* ---- language */

/* The key of a tag, whatever its case, or 0. */
static uint32_t
find_tag(const struct json *j, uint32_t map, struct str tag, struct arena *a)
{
	for (uint32_t k = map + 1; k < j->nodes[map].next;
	     k = j->nodes[k + 1].next)
		if (str_caseeq(json_text(j, k, a), tag))
			return (k);
	return (0);
}

/* Without the last subtag, nor a single letter before it. */
static size_t
cut_subtag(const char *tag, size_t len)
{
	while (len > 0 && tag[len - 1] != '-')
		len--;
	if (len > 0)
		len--;
	if (len > 1 && tag[len - 2] == '-')
		len -= 2;
	return (len);
}

/* RFC 4647, 3.4: the range gets shorter until it is a tag there. A "*" says
 * nothing in a lookup. */
static uint32_t
lookup(const struct json *j, uint32_t map, struct str range, struct arena *a)
{
	char tag[LANG_TAG_MAX + 1];
	size_t len = 0;
	struct str part;
	uint32_t key = 0;

	while (str_cut(&range, '-', &part)) {
		if (str_eq(part, STR("*")) ||
		    len + 1 + part.len > LANG_TAG_MAX)
			continue;
		if (len > 0)
			tag[len++] = '-';
		memcpy(tag + len, part.p, part.len);
		len += part.len;
	}
	for (; key == 0 && len > 0; len = cut_subtag(tag, len))
		key = find_tag(j, map, (struct str){ tag, len }, a);
	return (key);
}

/* Thousandths of "q=0.8"; 1000 without one. query.c has checked the form. */
static unsigned
weight(struct str param)
{
	unsigned w = 0, unit = 1000;

	param = str_trim(param);
	if (!str_prefix(param, STR("q=")))
		return (1000);
	for (size_t i = 2; i < param.len; i++) {
		if (param.p[i] == '.')
			continue;
		w += (unsigned)(param.p[i] - '0') * unit;
		unit /= 10;
	}
	return (w);
}

/* The key to show: what was asked for before anything else, by weight and
 * then in the client's order; else what belongs to no language, else English,
 * else the first (4.15 leaves that to us). 0: the map is empty. */
static uint32_t
choose_language(const struct json *j, uint32_t map, struct str langs,
    struct arena *a)
{
	unsigned best = 0, w;
	uint32_t found = 0, key;
	struct str range, params;

	while (str_cut(&langs, ',', &params)) {
		params = str_trim(params);
		(void)str_cut(&params, ';', &range);
		w = weight(params);
		if (w <= best)
			continue;
		key = lookup(j, map, str_trim(range), a);
		if (key != 0) {
			found = key;
			best = w;
		}
	}
	if (found == 0)
		found = find_tag(j, map, STR("@none"), a);
	if (found == 0)
		found = find_tag(j, map, STR("en"), a);
	if (found == 0 && j->nodes[map].count > 0)
		found = map + 1;
	return (found);
}

/* What of an instance is written: itself, or a LanguageProperty in one
 * language as the Property it then is. */
struct shape {
	enum attr_kind kind;
	uint32_t value;
	uint32_t language; /* key node in its map; 0: none was chosen */
};

static struct shape
shape_of(const struct instance *in, const struct entity_out *o)
{
	const struct json *j = &in->doc->json;
	struct shape s = { in->kind, in->value, 0 };

	if (o->lang.p == NULL || in->kind != ATTR_LANGUAGE ||
	    j->nodes[in->value].kind != JSON_OBJECT)
		return (s);
	s.language = choose_language(j, in->value, o->lang, o->names->arena);
	if (s.language != 0) {
		s.kind = ATTR_PROPERTY;
		s.value = s.language + 1;
	}
	return (s);
}

/* ---- as an object */

static void
write_object(const struct instance *in, const struct shape *s, bool type,
    const struct entity_out *o, struct buf *b)
{
	buf_addc(b, '{');
	if (type) {
		BUF_LIT(b, "\"type\":\"");
		buf_adds(b, attr_kind_type(s->kind));
		BUF_LIT(b, "\",");
	}
	buf_addc(b, '"');
	buf_adds(b, attr_kind_member(s->kind));
	BUF_LIT(b, "\":");
	entity_write_value(in->doc, s->value, s->kind, o, b);
	if (s->language != 0) {
		BUF_LIT(b, ",\"lang\":");
		buf_adds(b, json_span(&in->doc->json, s->language));
	}
	entity_write_members(in, o, b);
	buf_addc(b, '}');
}

/* ---- concise */

/* Would an object standing for an attribute be read as something else than a
 * Property's value? */
static bool
reads_as_attribute(const struct json *j, uint32_t node)
{
	uint32_t type = json_member(j, node, STR("type"));

	if (looks_like_geometry(j, node))
		return (true);
	for (enum attr_kind k = ATTR_PROPERTY; k <= ATTR_LIST_RELATIONSHIP;
	     k++)
		if (json_member(j, node, attr_kind_member(k)) != 0 ||
		    (type != 0 && j->nodes[type].kind == JSON_STRING &&
			json_is(j, type, attr_kind_type(k))))
			return (true);
	return (false);
}

/* May the value stand for the whole attribute? An array of objects may not: it
 * could be several instances. */
static bool
may_be_bare(const struct json *j, const struct shape *s)
{
	uint32_t node = s->value;

	if (s->kind != ATTR_PROPERTY || s->language != 0)
		return (s->kind == ATTR_GEO);
	if (j->nodes[node].kind == JSON_OBJECT)
		return (!reads_as_attribute(j, node));
	if (j->nodes[node].kind == JSON_ARRAY)
		for (uint32_t e = node + 1; e < j->nodes[node].next;
		     e = j->nodes[e].next)
			if (j->nodes[e].kind == JSON_OBJECT)
				return (false);
	return (true);
}

/* A type stays where "value" would tell another: who reads takes a geometry
 * for a GeoProperty and all else for a Property. */
static bool
needs_type(const struct json *j, const struct shape *s)
{
	if (s->kind != ATTR_PROPERTY && s->kind != ATTR_GEO)
		return (false);
	return (looks_like_geometry(j, s->value) != (s->kind == ATTR_GEO));
}

/* The object, or its value alone when nothing else came to stand in it. */
static void
write_bare(const struct instance *in, const struct shape *s,
    const struct entity_out *o, struct buf *b)
{
	size_t start = b->len, value, end;

	BUF_LIT(b, "{\"value\":");
	value = b->len;
	entity_write_value(in->doc, s->value, s->kind, o, b);
	end = b->len;
	entity_write_members(in, o, b);
	if (b->len > end || b->failed) {
		buf_addc(b, '}');
		return;
	}
	memmove(b->p + start, b->p + value, end - value);
	b->len = start + (end - value);
}

static void
write_concise(const struct instance *in, bool many,
    const struct entity_out *o, struct buf *b)
{
	const struct json *j = &in->doc->json;
	struct shape s = shape_of(in, o);
	bool type = needs_type(j, &s);

	if (!many && !type && may_be_bare(j, &s))
		write_bare(in, &s, o, b);
	else
		write_object(in, &s, type, o, b);
}

/* ---- simplified */

/* Property, GeoProperty and Relationship as their value, the other kinds as
 * an object of one member (4.5.4). */
static void
write_simple(const struct instance *in, const struct entity_out *o,
    struct buf *b)
{
	struct shape s = shape_of(in, o);
	bool plain = s.kind == ATTR_PROPERTY || s.kind == ATTR_GEO ||
	    s.kind == ATTR_RELATIONSHIP;

	if (!plain) {
		BUF_LIT(b, "{\"");
		buf_adds(b, attr_kind_member(s.kind));
		BUF_LIT(b, "\":");
	}
	entity_write_value(in->doc, s.value, s.kind, o, b);
	if (!plain)
		buf_addc(b, '}');
}

static struct str
dataset_name(const struct instance *in)
{
	return (in->dataset_id.p != NULL ? in->dataset_id : STR("@none"));
}

/* Places of the datasets written, twice as many as there can be. */
#define PLACES (2 * ENTITY_INSTANCES_MAX)

/* Has one before it the same dataset? No source should send that, and one
 * object cannot hold it: the first is shown. */
static bool
is_repeated(uint16_t places[PLACES], const struct instance *first,
    const struct instance *in)
{
	struct str name = dataset_name(in);
	size_t at = (size_t)hash_str(name) % PLACES;

	for (; places[at] != 0; at = (at + 1) % PLACES)
		if (str_eq(dataset_name(&first[places[at] - 1]), name))
			return (true);
	places[at] = (uint16_t)(in - first + 1);
	return (false);
}

static void
write_datasets(const struct instance *first, const struct instance *end,
    const struct entity_out *o, struct buf *b)
{
	uint16_t places[PLACES] = { 0 };

	BUF_LIT(b, "{\"dataset\":{");
	for (const struct instance *in = first; in < end; in++) {
		if (is_repeated(places, first, in))
			continue;
		if (in != first)
			buf_addc(b, ',');
		buf_add_json(b, dataset_name(in));
		buf_addc(b, ':');
		write_simple(in, o, b);
	}
	BUF_LIT(b, "}}");
}

/* ---- each */

void
entity_write_form(const struct instance *in, bool many,
    const struct entity_out *o, struct buf *b)
{
	struct shape s;

	switch (o->format) {
	case ENTITY_KEY_VALUES:
		write_simple(in, o, b);
		break;
	case ENTITY_CONCISE:
		write_concise(in, many, o, b);
		break;
	case ENTITY_NORMALIZED:
		s = shape_of(in, o);
		write_object(in, &s, true, o, b);
		break;
	}
}

void
entity_write_forms(const struct instance *first, const struct instance *end,
    const struct entity_out *o, struct buf *b)
{
	bool many = end - first > 1;

	if (many && o->format == ENTITY_KEY_VALUES) {
		write_datasets(first, end, o, b);
		return;
	}
	if (many)
		buf_addc(b, '[');
	for (const struct instance *in = first; in < end; in++) {
		if (in != first)
			buf_addc(b, ',');
		entity_write_form(in, many, o, b);
	}
	if (many)
		buf_addc(b, ']');
}
