/* server/ngsild/entity_kind.c - what kind an instance of an attribute is, and
 * where its members are; see entity.h. */
#include "server/ngsild/entity_priv.h"

/* How kinds are called, and which member holds their value. */
static const struct {
	struct str type, member;
} kinds[] = {
	[ATTR_PROPERTY] = { { "Property", 8 }, { "value", 5 } },
	[ATTR_RELATIONSHIP] = { { "Relationship", 12 }, { "object", 6 } },
	[ATTR_GEO] = { { "GeoProperty", 11 }, { "value", 5 } },
	[ATTR_LANGUAGE] = { { "LanguageProperty", 16 }, { "languageMap", 11 } },
	[ATTR_JSON] = { { "JsonProperty", 12 }, { "json", 4 } },
	[ATTR_VOCAB] = { { "VocabProperty", 13 }, { "vocab", 5 } },
	[ATTR_LIST] = { { "ListProperty", 12 }, { "valueList", 9 } },
	[ATTR_LIST_RELATIONSHIP] = { { "ListRelationship", 16 },
	    { "objectList", 10 } },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

struct str
attr_kind_type(enum attr_kind kind)
{
	return (kinds[kind].type);
}

struct str
attr_kind_member(enum attr_kind kind)
{
	return (kinds[kind].member);
}

/* What one pass over an attribute's object finds. */
struct found {
	uint32_t values[NKINDS]; /* by kind; "value" at ATTR_PROPERTY */
	uint32_t type, dataset_id, unit_code;
};

/* Of a text whose length is known to be the word's: so it is compared in a
 * register or two. */
#define IS(s, word) (memcmp((s).p, word, sizeof(word) - 1) == 0)

/* Where a member's value is noted; NULL: it is none of those that classify.
 * By length first: this is asked of every member of every attribute. */
static uint32_t *
member_place(struct found *f, struct instance *in, struct str key)
{
	switch (key.len) {
	case 4:
		return (IS(key, "type")   ? &f->type
			: IS(key, "json") ? &f->values[ATTR_JSON]
					  : NULL);
	case 5:
		return (IS(key, "value")   ? &f->values[ATTR_PROPERTY]
			: IS(key, "vocab") ? &f->values[ATTR_VOCAB]
			: IS(key, "@type") ? &f->type
					   : NULL);
	case 6:
		return (
		    IS(key, "object") ? &f->values[ATTR_RELATIONSHIP] : NULL);
	case 8:
		return (IS(key, "unitCode") ? &f->unit_code : NULL);
	case 9:
		return (IS(key, "expiresAt")   ? &in->expires_at
			: IS(key, "datasetId") ? &f->dataset_id
			: IS(key, "valueList") ? &f->values[ATTR_LIST]
					       : NULL);
	case 10:
		return (IS(key, "observedAt")   ? &in->observed_at
			: IS(key, "modifiedAt") ? &in->modified_at
			: IS(key, "objectList")
			    ? &f->values[ATTR_LIST_RELATIONSHIP]
			    : NULL);
	case 11:
		return (
		    IS(key, "languageMap") ? &f->values[ATTR_LANGUAGE] : NULL);
	default:
		return (NULL);
	}
}

/* The kind of a name, ATTR_NONE if it is none. */
static enum attr_kind
kind_named(struct str s)
{
	switch (s.len) {
	case 8:
		return (IS(s, "Property") ? ATTR_PROPERTY : ATTR_NONE);
	case 11:
		return (IS(s, "GeoProperty") ? ATTR_GEO : ATTR_NONE);
	case 12:
		return (IS(s, "Relationship")   ? ATTR_RELATIONSHIP
			: IS(s, "JsonProperty") ? ATTR_JSON
			: IS(s, "ListProperty") ? ATTR_LIST
						: ATTR_NONE);
	case 13:
		return (IS(s, "VocabProperty") ? ATTR_VOCAB : ATTR_NONE);
	case 16:
		return (IS(s, "LanguageProperty")   ? ATTR_LANGUAGE
			: IS(s, "ListRelationship") ? ATTR_LIST_RELATIONSHIP
						    : ATTR_NONE);
	default:
		return (ATTR_NONE);
	}
}

/* The declared kind if there is one and its value is there; what the value
 * member says where "type" is missing or no kind of the standard
 * (sources.md §1, §4: real data has both). */
static enum attr_kind
judge_kind(const struct json *j, const struct found *f, struct arena *a)
{
	enum attr_kind k = ATTR_NONE;

	if (f->type != 0 && j->nodes[f->type].kind == JSON_STRING)
		k = kind_named(key_text(j, f->type, a));
	if (k != ATTR_NONE)
		return (f->values[k == ATTR_GEO ? ATTR_PROPERTY : k] != 0
			    ? k
			    : ATTR_NONE);
	for (size_t i = 1; i < NKINDS; i++) {
		if (f->values[i] == 0)
			continue;
		if (i == ATTR_PROPERTY && looks_like_geometry(j, f->values[i]))
			return (ATTR_GEO);
		return ((enum attr_kind)i);
	}
	return (ATTR_NONE);
}

/* The target of a relationship and nothing else: a string, or in a list also
 * {"object": string}. An object with more is an inlined entity, which never
 * travels. */
static bool
is_target(const struct json *j, uint32_t node, bool in_list)
{
	uint32_t object;

	if (j->nodes[node].kind == JSON_STRING)
		return (true);
	if (!in_list || j->nodes[node].kind != JSON_OBJECT ||
	    j->nodes[node].count != 1)
		return (false);
	object = json_member(j, node, STR("object"));
	return (object != 0 && j->nodes[object].kind == JSON_STRING);
}

static bool
are_targets(const struct json *j, uint32_t node, enum attr_kind kind)
{
	bool in_list = kind == ATTR_LIST_RELATIONSHIP;

	if (j->nodes[node].kind != JSON_ARRAY)
		return (is_target(j, node, in_list));
	for (uint32_t e = node + 1; e < j->nodes[node].next;
	     e = j->nodes[e].next)
		if (!is_target(j, e, in_list))
			return (false);
	return (true);
}

static bool
claims_kind(const struct json *j, const struct found *f, struct arena *a)
{
	bool claims = f->type != 0 && j->nodes[f->type].kind == JSON_STRING &&
		      kind_named(key_text(j, f->type, a)) != ATTR_NONE;

	for (size_t i = 1; i < NKINDS; i++)
		claims |= f->values[i] != 0;
	return (claims);
}

static bool
is_plain_string(const struct json *j, uint32_t node)
{
	return (j->nodes[node].kind == JSON_STRING && !j->nodes[node].escaped);
}

/* Type, value, then nothing but what always travels; no blanks between. */
static bool
is_whole(const struct json *j, const struct instance *in, const struct found *f)
{
	const struct json_node *o = &j->nodes[in->node];
	uint32_t type = in->node + 2, len = 1 + o->count;

	if (in->kind == ATTR_NONE || in->kind == ATTR_VOCAB ||
	    o->count != 2U + (in->observed_at != 0) + (f->unit_code != 0) ||
	    f->type != type || in->value != type + 2 ||
	    j->nodes[type - 1].len != sizeof("type") + 1 ||
	    j->nodes[type + 1].escaped || !is_plain_string(j, type) ||
	    !str_eq(json_raw(j, type), kinds[in->kind].type) ||
	    (in->observed_at != 0 && !is_plain_string(j, in->observed_at)) ||
	    (f->unit_code != 0 && !is_plain_string(j, f->unit_code)))
		return (false);
	for (uint32_t k = in->node + 1; k < o->next; k = j->nodes[k + 1].next)
		len += j->nodes[k].len + 1 + j->nodes[k + 1].len;
	return (len == o->len);
}

void
instance_classify(struct instance *in, struct arena *a)
{
	const struct json *j = &in->doc->json;
	struct found f = { 0 };
	uint32_t *place;
	size_t at;

	for (uint32_t k = in->node + 1; k < j->nodes[in->node].next;
	     k = j->nodes[k + 1].next) {
		place = member_place(&f, in, key_text(j, k, a));
		if (place != NULL)
			*place = k + 1;
	}
	in->kind = judge_kind(j, &f, a);
	at = in->kind == ATTR_GEO ? ATTR_PROPERTY : in->kind;
	in->value = f.values[at];
	if ((in->kind == ATTR_RELATIONSHIP ||
		in->kind == ATTR_LIST_RELATIONSHIP) &&
	    !are_targets(j, in->value, in->kind))
		in->kind = ATTR_NONE;
	if (f.dataset_id != 0 && j->nodes[f.dataset_id].kind == JSON_STRING)
		in->dataset_id = json_text(j, f.dataset_id, a);
	in->whole = is_whole(j, in, &f);
	in->broken = in->kind == ATTR_NONE && claims_kind(j, &f, a);
}
