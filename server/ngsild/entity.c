/* server/ngsild/entity.c - reading entities off a tape; see entity.h. */
#include "server/ngsild/entity_priv.h"

const struct release release_all = {
	.all = true, .own = true, .created_at = true, .modified_at = true
};
const struct release release_bare;

static enum hub_err read_entity(const struct document *, uint32_t node,
    unsigned max, struct names *, struct arena *, struct entity *);

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
bool
entity_is_uri(struct str s)
{
	/* controls, blank " < > \\ ^ ` { | } DEL */
	static const bool bad[256] = {
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 00 */
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 10 */
		1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 20 */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, /* 30 */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 40 */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, /* 50 */
		1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 60 */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, /* 70 */
	};
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.len;
	size_t colon = str_chr(s, ':');
	bool any = false;

	if (s.len > 1024 || colon == 0 || colon + 1 >= s.len)
		return (false);
	for (; end - p >= 4; p += 4)
		any |= bad[p[0]] | bad[p[1]] | bad[p[2]] | bad[p[3]];
	for (; p < end; p++)
		any |= bad[*p];
	return (!any);
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
			*ok = entity_is_uri(e->id);
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
	enum hub_err err;

	if (entity_like_read(doc, node, a, names, e))
		return (HUB_OK);
	err = read_entity(doc, node, ENTITY_INSTANCES_MAX, names, a, e);
	if (err == HUB_OK)
		entity_like_keep(doc, node, e, names);
	return (err);
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
