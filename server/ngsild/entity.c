/* server/ngsild/entity.c - reading entities off a tape; see entity.h. */
#include "server/ngsild/entity_priv.h"

const struct release release_all = {
	.all = true, .own = true, .created_at = true, .modified_at = true
};
const struct release release_bare;

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

static enum hub_err read_entity(const struct document *, uint32_t node,
    unsigned max, struct names *, struct arena *, struct entity *);

/* A key as text; only keys with escapes are copied. */
static struct str
key_text(const struct json *j, uint32_t key, struct arena *a)
{
	return (
	    j->nodes[key].escaped ? json_text(j, key, a) : json_raw(j, key));
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

static void
read_instance(const struct document *doc, const struct name *name,
    uint32_t node, struct arena *a, struct instance *in)
{
	*in = (struct instance){
		.name = name, .doc = doc, .node = node, .release = &release_bare
	};
	if (doc->json.nodes[node].kind == JSON_OBJECT)
		instance_classify(in, a);
}

/* An attribute is an object or an array of objects. Anything else is one
 * instance without a value: nobody sees it, but policy must know that there
 * is, say, a location that says nothing. */
static bool
is_instance_array(const struct json *j, uint32_t node)
{
	if (j->nodes[node].kind != JSON_ARRAY || j->nodes[node].count == 0)
		return (false);
	for (uint32_t e = node + 1; e < j->nodes[node].next;
	     e = j->nodes[e].next)
		if (j->nodes[e].kind != JSON_OBJECT)
			return (false);
	return (true);
}

static uint32_t
count_instances(const struct json *j, uint32_t node)
{
	return (is_instance_array(j, node) ? j->nodes[node].count : 1);
}

static bool
read_types(const struct document *doc, uint32_t node, struct names *names,
    struct arena *a, struct entity *e)
{
	const struct json *j = &doc->json;
	const struct name *name;
	uint32_t first = node, end = j->nodes[node].next;

	if (j->nodes[node].kind == JSON_ARRAY)
		first = node + 1;
	else if (j->nodes[node].kind != JSON_STRING)
		return (false);
	for (uint32_t t = first; t < end; t = j->nodes[t].next) {
		if (j->nodes[t].kind != JSON_STRING ||
		    e->ntypes == ENTITY_TYPES_MAX)
			return (false);
		name = context_expand(doc->context, names, key_text(j, t, a));
		if (name == NULL)
			return (false);
		if (!entity_has_type(e, name))
			e->types[e->ntypes++] = name;
	}
	return (e->ntypes > 0);
}

/* An id is a URI (RFC 3986, 3): a scheme, a colon, something; no blanks,
 * quotes, controls or angle brackets. */
static bool
is_uri(struct str s)
{
	/* Bit c % 32 of word c / 32: controls, blank " < > \\ ^ ` { | } DEL. */
	static const uint32_t bad[8] = { 0xffffffff, 0x50000005, 0x50000000,
		0xb8000001 };
	size_t colon = str_chr(s, ':');

	if (s.len > 1024 || colon == 0 || colon + 1 >= s.len)
		return (false);
	for (size_t i = 0; i < s.len; i++)
		if (bad[(unsigned char)s.p[i] >> 5] >> (s.p[i] & 31) & 1)
			return (false);
	return (true);
}

/* Members of an entity that are not attributes: at most so many. */
#define NSYSTEM 10

static bool
read_system(const struct document *doc, struct str key, uint32_t value,
    struct names *names, struct arena *a, struct entity *e, bool *ok)
{
	const struct json *j = &doc->json;
	struct member m = { doc, value };

	switch (key.len) {
	case 2:
	case 3:
		if (!str_eq(key, STR("id")) && !str_eq(key, STR("@id")))
			return (false);
		*ok = j->nodes[value].kind == JSON_STRING && e->id.p == NULL;
		if (*ok) {
			e->id = json_text(j, value, a);
			*ok = is_uri(e->id);
		}
		return (true);
	case 4:
	case 5:
		if (str_eq(key, STR("type")) || str_eq(key, STR("@type"))) {
			*ok = e->ntypes == 0 &&
			      read_types(doc, value, names, a, e);
			return (true);
		}
		if (str_eq(key, STR("scope"))) {
			e->scope = m;
			return (true);
		}
		return (false);
	case 8:
		return (str_eq(key, STR("@context")));
	case 9:
		if (str_eq(key, STR("createdAt")))
			e->created_at = m;
		else if (str_eq(key, STR("expiresAt")))
			e->expires_at = m;
		else
			return (str_eq(key, STR("deletedAt")));
		return (true);
	case 10:
		if (!str_eq(key, STR("modifiedAt")))
			return (false);
		e->modified_at = m;
		return (true);
	default:
		return (false);
	}
}

/* The names of the attributes read so far: few are compared one by one, of
 * many a table is kept, twice as many places as there can be names: a thousand
 * of them cost no million comparisons. */
struct seen {
	const struct name **slots; /* open addressing; NULL: free */
	size_t mask;               /* 0: no table */
};
#define SEEN_FEW 16
_Static_assert((ENTITY_INSTANCES_MAX & (ENTITY_INSTANCES_MAX - 1)) == 0,
    "the places of names are a power of two");

static bool
seen_before(struct seen *s, const struct entity *e, const struct name *name)
{
	uint64_t hash = (uint64_t)(uintptr_t)name * 0x9e3779b97f4a7c15ULL;
	size_t at = (size_t)(hash >> 32) & s->mask;

	if (s->mask == 0) {
		for (unsigned i = 0; i < e->ninstances; i++)
			if (e->instances[i].name == name)
				return (true);
		return (false);
	}
	for (; s->slots[at] != NULL; at = (at + 1) & s->mask)
		if (s->slots[at] == name)
			return (true);
	s->slots[at] = name;
	return (false);
}

/* false: one attribute under two spellings (a term and its IRI, say), which
 * is a duplicate member in disguise. */
static bool
read_attr(const struct document *doc, struct str key, uint32_t value,
    struct names *names, struct arena *a, struct seen *seen, struct entity *e)
{
	const struct json *j = &doc->json;
	const struct name *name;

	name = context_expand(doc->context, names, key);
	if (name == NULL)
		return (true);
	if (seen_before(seen, e, name))
		return (false);
	if (!is_instance_array(j, value)) {
		read_instance(
		    doc, name, value, a, &e->instances[e->ninstances++]);
		return (true);
	}
	for (uint32_t i = value + 1; i < j->nodes[value].next;
	     i = j->nodes[i].next)
		read_instance(doc, name, i, a, &e->instances[e->ninstances++]);
	return (true);
}

enum hub_err
entity_read(const struct document *doc, uint32_t node, struct names *names,
    struct arena *a, struct entity *e)
{
	return (read_entity(doc, node, ENTITY_INSTANCES_MAX, names, a, e));
}

enum hub_err
entity_read_series(const struct document *doc, uint32_t node,
    struct names *names, struct arena *a, struct entity *e)
{
	return (read_entity(doc, node, ENTITY_SERIES_MAX, names, a, e));
}

static enum hub_err
read_entity(const struct document *doc, uint32_t node, unsigned max,
    struct names *names, struct arena *a, struct entity *e)
{
	struct seen seen = { NULL, 0 };
	const struct json *j = &doc->json;
	size_t room = 0;
	bool ok = true;

	*e = (struct entity){ 0 };
	if (j->nodes[node].kind != JSON_OBJECT)
		return (HUB_ESYNTAX);
	for (uint32_t k = node + 1; k < j->nodes[node].next;
	     k = j->nodes[k + 1].next)
		room += count_instances(j, k + 1);
	if (room > (size_t)max + NSYSTEM)
		return (HUB_ESYNTAX);
	if (room > SEEN_FEW) {
		seen.mask = 2 * ENTITY_INSTANCES_MAX - 1;
		seen.slots =
		    arena_array(a, seen.mask + 1, sizeof(const struct name *));
	}
	e->instances = arena_raw(a, room * sizeof(struct instance));
	for (uint32_t k = node + 1; ok && k < j->nodes[node].next;
	     k = j->nodes[k + 1].next) {
		struct str key = key_text(j, k, a);

		if (!read_system(doc, key, k + 1, names, a, e, &ok))
			ok = read_attr(doc, key, k + 1, names, a, &seen, e);
	}
	if (!ok || e->id.p == NULL || e->ntypes == 0 || e->ninstances > max)
		return (HUB_ESYNTAX);
	e->ends = e->expires_at.node != 0;
	for (unsigned i = 0; i < e->ninstances; i++)
		e->ends |= e->instances[i].expires_at != 0;
	return (HUB_OK);
}

uint32_t
member_text(const struct json *j, uint32_t node)
{
	uint32_t inner = node;

	if (j->nodes[node].kind == JSON_OBJECT) {
		/* {"@type":"DateTime","@value":...}, or a v2 metadata passed
		 * through as {"type":"Property","value":...} */
		inner = json_member(j, node, STR("@value"));
		if (inner == 0)
			inner = json_member(j, node, STR("value"));
	}
	return (inner != 0 && j->nodes[inner].kind == JSON_STRING ? inner : 0);
}

struct wall_us
entity_time(const struct document *doc, uint32_t node)
{
	const struct json *j;
	struct wall_us w;

	if (node == 0)
		return (WALL_ABSENT); /* nobody's: doc may be NULL */
	j = &doc->json;
	node = member_text(j, node);
	if (node == 0 || j->nodes[node].escaped ||
	    wall_parse(json_raw(j, node), &w) != HUB_OK)
		return (WALL_ABSENT);
	return (w);
}

const struct release *
release_below(const struct release *r)
{
	static const struct release below[2][2] = {
		{ { .all = true }, { .all = true, .modified_at = true } },
		{ { .all = true, .created_at = true },
		    { .all = true, .created_at = true, .modified_at = true } },
	};

	return (r->own ? &release_all : &below[r->created_at][r->modified_at]);
}

bool
release_has(const struct release *r, const struct name *sub)
{
	if (r->all)
		return (true);
	for (unsigned i = 0; i < r->nsubs; i++)
		if (r->subs[i] == sub)
			return (true);
	return (false);
}

bool
entity_sub_sound(const struct document *doc, uint32_t node, struct arena *a)
{
	const struct json *j = &doc->json;
	struct instance in = { .doc = doc, .node = node };

	if (j->nodes[node].kind == JSON_OBJECT) {
		instance_classify(&in, a);
		return (!in.broken);
	}
	if (j->nodes[node].kind == JSON_ARRAY)
		for (uint32_t e = node + 1; e < j->nodes[node].next;
		     e = j->nodes[e].next)
			if (!entity_sub_sound(doc, e, a))
				return (false);
	return (true);
}

uint32_t
instance_sub(
    const struct instance *in, struct names *names, const struct name *sub)
{
	const struct json *j = &in->doc->json;

	if (!release_has(in->release, sub))
		return (0);
	for (uint32_t k = in->node + 1; k < j->nodes[in->node].next;
	     k = j->nodes[k + 1].next) {
		struct str key = key_text(j, k, names->arena);

		if (k + 1 != in->value &&
		    context_expand(in->doc->context, names, key) == sub &&
		    entity_is_sub(key, in->release) &&
		    entity_sub_sound(in->doc, k + 1, names->arena))
			return (k + 1);
	}
	return (0);
}

const struct instance *
entity_attr(const struct entity *e, const struct name *name)
{
	const struct instance *any = NULL;

	for (unsigned i = 0; i < e->ninstances; i++) {
		if (e->instances[i].name != name)
			continue;
		if (e->instances[i].dataset_id.p == NULL)
			return (&e->instances[i]);
		if (any == NULL)
			any = &e->instances[i];
	}
	return (any);
}

bool
entity_has_type(const struct entity *e, const struct name *name)
{
	for (unsigned i = 0; i < e->ntypes; i++)
		if (e->types[i] == name)
			return (true);
	return (false);
}
