/* server/ngsild/entity_like.c - the entities of one answer mostly have the same
 * members in the same places (json.h, alike): what was found out about one of
 * them holds for those behind it, but for values that were looked at, which are
 * the id, types and datasetIds.
 *
 * Kept is the list of instances as it was read, since policy takes out of an
 * entity's own list. */
#include "server/ngsild/entity_priv.h"

/* Members of an instance that were looked at; 0: it has none. */
struct like_instance {
	uint32_t type, dataset_id;
};

struct entity_like {
	const struct document *doc;
	const struct context *context;
	const struct json_node *nodes;
	uint32_t node; /* the entity that was read; the uint32_t below, too */
	uint32_t last; /* the last one that is like it */
	uint32_t id, type;
	struct entity e; /* instances: as in it, the array is our own */
	struct like_instance *looked;
	unsigned cap; /* of both arrays */
};

/* The member whose text decides; 0 also where another spelling of it would
 * have to be looked at. */
static uint32_t
only_member(const struct json *j, uint32_t obj, struct str name, struct str ld)
{
	uint32_t at = json_member(j, obj, name);
	uint32_t other = json_member(j, obj, ld);

	return (at == 0 ? other : other == 0 ? at : 0);
}

/* Does it stand at b as at a, in the entity that was kept? What is as in the
 * entity before, which was found like that one, needs no look. */
static bool
same_span(const struct json *j, uint32_t a, uint32_t b)
{
	const struct json_node *na = &j->nodes[a], *nb = &j->nodes[b];

	if (nb->kind < JSON_ARRAY && nb->same)
		return (true);
	return (na->len == nb->len &&
	    memcmp(j->text + na->off, j->text + nb->off, na->len) == 0);
}

static struct entity_like *
like_room(struct names *names, unsigned n)
{
	struct entity_like *l = names->like;

	if (l == NULL)
		l = names->like = arena_alloc(names->arena, sizeof(*l));
	if (n > l->cap) {
		l->cap = n > 2 * l->cap ? n : 2 * l->cap;
		l->e.instances = arena_raw(
		    names->arena, l->cap * sizeof(*l->e.instances));
		l->looked =
		    arena_raw(names->arena, l->cap * sizeof(*l->looked));
	}
	return (l);
}

/* False: it has members that are not looked at here. */
static bool
keep_instance(const struct instance *in, struct like_instance *looked)
{
	const struct json *j = &in->doc->json;

	*looked = (struct like_instance){ 0, 0 };
	if (j->nodes[in->node].kind != JSON_OBJECT)
		return (true);
	if (in->whole) { /* its first member, and none of the others */
		looked->type = in->node + 2;
		return (true);
	}
	looked->type = json_member(j, in->node, STR("type"));
	if (in->dataset_id.p != NULL)
		looked->dataset_id =
		    json_member(j, in->node, STR("datasetId"));
	return (json_member(j, in->node, STR("@type")) == 0);
}

void
entity_like_keep(const struct document *doc, uint32_t node,
    const struct entity *e, struct names *names)
{
	const struct json *j = &doc->json;
	const uint32_t behind = j->nodes[node].next;
	struct entity_like *l;
	struct instance *list;

	if (behind >= j->n || !j->nodes[behind].alike)
		return;
	l = like_room(names, e->ninstances);
	l->doc = NULL;
	for (unsigned i = 0; i < e->ninstances; i++)
		if (!keep_instance(&e->instances[i], &l->looked[i]))
			return;
	l->id = only_member(j, node, STR("id"), STR("@id"));
	l->type = only_member(j, node, STR("type"), STR("@type"));
	if (l->id == 0 || l->type == 0)
		return;
	list = l->e.instances;
	if (e->ninstances > 0) /* else there may be no list at all */
		memcpy(list, e->instances, e->ninstances * sizeof(*list));
	l->e = *e;
	l->e.instances = list;
	l->node = l->last = node;
	l->doc = doc;
	l->context = doc->context;
	l->nodes = j->nodes;
}

/* A place in the entity that was kept, by so much further. */
static inline uint32_t
moved(uint32_t node, uint32_t by)
{
	return (node != 0 ? node + by : 0);
}

static inline struct member
moved_member(struct member m, uint32_t by)
{
	m.node = moved(m.node, by);
	return (m);
}

static bool
like_instances(const struct entity_like *l, const struct json *j, uint32_t by,
    struct arena *a, struct entity *e)
{
	const struct instance *from = l->e.instances;
	const struct like_instance *looked = l->looked;
	struct instance *in = e->instances;

	for (unsigned i = l->e.ninstances; i > 0; i--, in++, from++, looked++) {
		if (looked->type != 0 &&
		    !same_span(j, looked->type, looked->type + by))
			return (false);
		*in = *from;
		in->node += by;
		in->value = moved(in->value, by);
		in->observed_at = moved(in->observed_at, by);
		in->modified_at = moved(in->modified_at, by);
		in->expires_at = moved(in->expires_at, by);
		if (looked->dataset_id != 0)
			in->dataset_id =
			    json_text(j, looked->dataset_id + by, a);
	}
	return (true);
}

bool
entity_like_read(const struct document *doc, uint32_t node, struct arena *a,
    struct names *names, struct entity *e)
{
	const struct json *j = &doc->json;
	const uint32_t rows = j->nodes[node].next - node;
	struct entity_like *l = names->like;
	uint32_t by;

	if (!j->nodes[node].alike || l == NULL || l->doc != doc ||
	    l->nodes != j->nodes || l->context != doc->context ||
	    l->last != node - rows)
		return (false);
	by = node - l->node;
	e->id = json_text(j, l->id + by, a);
	if (!entity_is_uri(e->id) || !same_span(j, l->type, l->type + by))
		return (false);
	e->instances = arena_raw(a, l->e.ninstances * sizeof(*e->instances));
	if (!like_instances(l, j, by, a, e))
		return (false);
	e->ninstances = l->e.ninstances;
	e->ntypes = l->e.ntypes;
	memcpy(e->types, l->e.types, e->ntypes * sizeof(e->types[0]));
	e->ends = l->e.ends;
	e->scope = moved_member(l->e.scope, by);
	e->created_at = moved_member(l->e.created_at, by);
	e->modified_at = moved_member(l->e.modified_at, by);
	e->expires_at = moved_member(l->e.expires_at, by);
	l->last = node;
	return (true);
}
