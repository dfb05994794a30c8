/* policies/registration_info.c - which entities and attributes a registration
 * is about; registration_priv.h says what it promises. */
#include "policies/registration_priv.h"

/* With "*" it would be a pattern where ids are globs. */
static bool
entity_id(struct reader *r, uint32_t node, void *to)
{
	struct registration_entity *e = to;

	return (reader_uri(r, node, &e->id) &&
	    str_chr(e->id, '*') == e->id.len);
}

static bool
entity_pattern(struct reader *r, uint32_t node, void *to)
{
	struct registration_entity *e = to;
	const char *why;

	return (reader_text(r, node, &e->id_pattern) &&
	    ++r->npatterns <= REGISTRATION_PATTERNS_MAX &&
	    pattern_new(e->id_pattern, r->how->arena, &e->pattern, &why) ==
		HUB_OK);
}

static bool
entity_types(struct reader *r, uint32_t node, void *to)
{
	struct registration_entity *e = to;

	return (reader_names(r, node, true, &e->types));
}

static bool
info_entities(struct reader *r, uint32_t node, void *to)
{
	static const struct reader_part parts[] = { { { "id", 2 }, entity_id },
		{ { "idPattern", 9 }, entity_pattern },
		{ { "type", 4 }, entity_types } };
	const struct json_node *n = r->j->nodes;
	struct registration_info *info = to;
	struct registration_entity *v;
	unsigned i = 0;

	if (n[node].kind != JSON_ARRAY || n[node].count == 0)
		return (reader_bad(r, "information: entities is no list"));
	r->nentities += n[node].count;
	if (r->nentities > REGISTRATION_ENTITIES_MAX)
		return (reader_bad(r, "information: more than 500 entities"));
	v = arena_array(r->how->arena, n[node].count, sizeof(*v));
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next, i++)
		if (!READER_PARTS(r, e, parts, &v[i]) || v[i].types.n == 0 ||
		    (v[i].id.p != NULL && v[i].id_pattern.p != NULL))
			return (reader_bad(r,
			    "information: each of entities has a type, and "
			    "either an id (a URI without \"*\") or an "
			    "idPattern or neither"));
	info->entities = v;
	info->nentities = i;
	return (true);
}

static bool
info_properties(struct reader *r, uint32_t node, void *to)
{
	struct registration_info *info = to;

	return (reader_names(r, node, false, &info->properties) ||
	    reader_bad(r, "information: propertyNames is no list of names"));
}

static bool
info_relationships(struct reader *r, uint32_t node, void *to)
{
	struct registration_info *info = to;

	return (reader_names(r, node, false, &info->relationships) ||
	    reader_bad(r, "information: relationshipNames is no list of names"));
}

bool
read_information(struct reader *r, uint32_t node, struct registration *reg)
{
	static const struct reader_part parts[] = {
		{ { "entities", 8 }, info_entities },
		{ { "propertyNames", 13 }, info_properties },
		{ { "relationshipNames", 17 }, info_relationships },
	};
	const struct json_node *n = r->j->nodes;
	struct registration_info *v;
	unsigned i = 0;

	if (n[node].kind != JSON_ARRAY || n[node].count == 0 ||
	    n[node].count > REGISTRATION_INFOS_MAX)
		return (reader_bad(r, "information is a list of 1 to 100 objects"));
	v = arena_array(r->how->arena, n[node].count, sizeof(*v));
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next, i++)
		if (!READER_PARTS(r, e, parts, &v[i]) ||
		    v[i].nentities + v[i].properties.n +
			    v[i].relationships.n == 0)
			return (reader_bad(r,
			    "information: each has entities, propertyNames "
			    "or relationshipNames, and nothing else"));
	reg->information.v = v;
	reg->information.n = i;
	return (true);
}
