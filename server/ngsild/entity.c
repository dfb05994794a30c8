/* server/ngsild/entity.c - reading entities off a tape; see entity.h. */
#include "server/ngsild/entity_priv.h"

const struct release release_all = { .all = true,
	.created_at = true,
	.modified_at = true };
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

/* A key as text; only keys with escapes are copied. */
static struct str
key_text(const struct json *j, uint32_t key, struct arena *a)
{
	return (j->nodes[key].escaped ? json_text(j, key, a) :
					json_raw(j, key));
}

/* What one pass over an attribute's object finds. */
struct found {
	uint32_t values[NKINDS]; /* by kind; "value" at ATTR_PROPERTY */
	uint32_t type, dataset_id;
};

static void
note_member(struct found *f, struct instance *in, struct str key,
    uint32_t value)
{
	static const struct {
		struct str key;
		enum attr_kind kind;
	} table[] = {
		{ { "value", 5 }, ATTR_PROPERTY },
		{ { "object", 6 }, ATTR_RELATIONSHIP },
		{ { "languageMap", 11 }, ATTR_LANGUAGE },
		{ { "json", 4 }, ATTR_JSON },
		{ { "vocab", 5 }, ATTR_VOCAB },
		{ { "valueList", 9 }, ATTR_LIST },
		{ { "objectList", 10 }, ATTR_LIST_RELATIONSHIP },
	};

	if (str_eq(key, STR("type")) || str_eq(key, STR("@type"))) {
		f->type = value;
		return;
	}
	if (str_eq(key, STR("observedAt"))) {
		in->observed_at = value;
		return;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_eq(key, table[i].key)) {
			f->values[table[i].kind] = value;
			return;
		}
	if (str_eq(key, STR("modifiedAt")))
		in->modified_at = value;
	else if (str_eq(key, STR("expiresAt")))
		in->expires_at = value;
	else if (str_eq(key, STR("datasetId")))
		f->dataset_id = value;
}

/* The declared kind if there is one and its value is there; what the value
 * member says where "type" is missing or no kind of the standard
 * (sources.md §1, §4: real data has both). */
static enum attr_kind
judge_kind(const struct json *j, const struct found *f)
{
	for (size_t k = 1; f->type != 0 && k < NKINDS; k++) {
		if (j->nodes[f->type].kind != JSON_STRING ||
		    !json_is(j, f->type, kinds[k].type))
			continue;
		if (k == ATTR_GEO)
			return (f->values[ATTR_PROPERTY] != 0 ? ATTR_GEO :
								ATTR_NONE);
		return (f->values[k] != 0 ? (enum attr_kind)k : ATTR_NONE);
	}
	for (size_t k = 1; k < NKINDS; k++) {
		if (f->values[k] == 0)
			continue;
		if (k == ATTR_PROPERTY && looks_like_geometry(j, f->values[k]))
			return (ATTR_GEO);
		return ((enum attr_kind)k);
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

void
instance_classify(struct instance *in, struct arena *a)
{
	const struct json *j = &in->doc->json;
	struct found f = { 0 };
	size_t at;

	for (uint32_t k = in->node + 1; k < j->nodes[in->node].next;
	     k = j->nodes[k + 1].next)
		note_member(&f, in, key_text(j, k, a), k + 1);
	in->kind = judge_kind(j, &f);
	at = in->kind == ATTR_GEO ? ATTR_PROPERTY : in->kind;
	in->value = f.values[at];
	if ((in->kind == ATTR_RELATIONSHIP ||
		in->kind == ATTR_LIST_RELATIONSHIP) &&
	    !are_targets(j, in->value, in->kind))
		in->kind = ATTR_NONE;
	if (f.dataset_id != 0 && j->nodes[f.dataset_id].kind == JSON_STRING)
		in->dataset_id = json_text(j, f.dataset_id, a);
}

static void
read_instance(const struct document *doc, const struct name *name,
    uint32_t node, struct arena *a, struct instance *in)
{
	*in = (struct instance){ .name = name,
		.doc = doc,
		.node = node,
		.release = &release_bare };
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
		name = context_expand(doc->context, names,
		    key_text(j, t, a));
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

/* The names of the attributes read so far, twice as many places as there can
 * be names: a thousand of them cost no million comparisons. */
struct seen {
	const struct name **slots; /* open addressing; NULL: free */
	size_t mask;
};
#define SEEN_SMALL 32 /* names whose places need no arena */
_Static_assert((ENTITY_INSTANCES_MAX & (ENTITY_INSTANCES_MAX - 1)) == 0,
    "the places of names are a power of two");

static bool
seen_before(struct seen *s, const struct name *name)
{
	uint64_t hash = (uint64_t)(uintptr_t)name * 0x9e3779b97f4a7c15ULL;
	size_t at = (size_t)(hash >> 32) & s->mask;

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
	if (seen_before(seen, name))
		return (false);
	if (!is_instance_array(j, value)) {
		read_instance(doc, name, value, a,
		    &e->instances[e->ninstances++]);
		return (true);
	}
	for (uint32_t i = value + 1; i < j->nodes[value].next;
	     i = j->nodes[i].next)
		read_instance(doc, name, i, a,
		    &e->instances[e->ninstances++]);
	return (true);
}

enum hub_err
entity_read(const struct document *doc, uint32_t node, struct names *names,
    struct arena *a, struct entity *e)
{
	const struct name *small[2 * SEEN_SMALL] = { NULL };
	struct seen seen = { small, 2 * SEEN_SMALL - 1 };
	const struct json *j = &doc->json;
	size_t room = 0;
	bool ok = true;

	*e = (struct entity){ 0 };
	if (j->nodes[node].kind != JSON_OBJECT)
		return (HUB_ESYNTAX);
	for (uint32_t k = node + 1; k < j->nodes[node].next;
	     k = j->nodes[k + 1].next)
		room += count_instances(j, k + 1);
	if (room > ENTITY_INSTANCES_MAX + NSYSTEM)
		return (HUB_ESYNTAX);
	if (room > SEEN_SMALL) {
		seen.mask = 2 * ENTITY_INSTANCES_MAX - 1;
		seen.slots = arena_array(a, seen.mask + 1, sizeof(*small));
	}
	e->instances = arena_raw(a, room * sizeof(struct instance));
	for (uint32_t k = node + 1; ok && k < j->nodes[node].next;
	     k = j->nodes[k + 1].next) {
		struct str key = key_text(j, k, a);

		if (!read_system(doc, key, k + 1, names, a, e, &ok))
			ok = read_attr(doc, key, k + 1, names, a, &seen,
			    e);
	}
	if (!ok || e->id.p == NULL || e->ntypes == 0 ||
	    e->ninstances > ENTITY_INSTANCES_MAX)
		return (HUB_ESYNTAX);
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

	return (&below[r->created_at][r->modified_at]);
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

uint32_t
instance_sub(const struct instance *in, struct names *names,
    const struct name *sub)
{
	const struct json *j = &in->doc->json;

	if (!release_has(in->release, sub))
		return (0);
	for (uint32_t k = in->node + 1; k < j->nodes[in->node].next;
	     k = j->nodes[k + 1].next)
		if (k + 1 != in->value &&
		    context_expand(in->doc->context, names,
			key_text(j, k, names->arena)) == sub)
			return (k + 1);
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
