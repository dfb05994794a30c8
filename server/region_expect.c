/* server/region_expect.c - what a region's test expected against what came;
 * region_test_priv.h says what is promised. */
#include "server/region_test_priv.h"

static bool same_value(const struct json *, uint32_t, const struct json *,
    uint32_t, struct arena *);

static bool
same_object(const struct json *a, uint32_t x, const struct json *b, uint32_t y,
    struct arena *arena)
{
	uint32_t other;

	for (uint32_t k = x + 1; k < a->nodes[x].next;
	     k = a->nodes[k + 1].next) {
		other = json_member(b, y, json_text(a, k, arena));
		if (other == 0 || !same_value(a, k + 1, b, other, arena))
			return (false);
	}
	return (true);
}

static bool
same_array(const struct json *a, uint32_t x, const struct json *b, uint32_t y,
    struct arena *arena)
{
	uint32_t f = y + 1;

	for (uint32_t e = x + 1; e < a->nodes[x].next; e = a->nodes[e].next) {
		if (!same_value(a, e, b, f, arena))
			return (false);
		f = b->nodes[f].next;
	}
	return (true);
}

/* Numbers as decimals, texts decoded, members in any order. */
static bool
same_value(const struct json *a, uint32_t x, const struct json *b, uint32_t y,
    struct arena *arena)
{
	if (a->nodes[x].kind != b->nodes[y].kind ||
	    a->nodes[x].count != b->nodes[y].count)
		return (false);
	switch ((enum json_kind)a->nodes[x].kind) {
	case JSON_NUMBER:
		return (json_number_cmp(json_span(a, x), json_span(b, y)) == 0);
	case JSON_STRING:
		return (str_eq(json_text(a, x, arena), json_text(b, y, arena)));
	case JSON_ARRAY:
		return (same_array(a, x, b, y, arena));
	case JSON_OBJECT:
		return (same_object(a, x, b, y, arena));
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
	default:
		return (true);
	}
}

static bool
holds(const struct json *list, uint32_t at, const struct json *j,
    uint32_t value, struct arena *a)
{
	if (list->nodes[at].kind != JSON_ARRAY)
		return (same_value(list, at, j, value, a));
	for (uint32_t e = at + 1; e < list->nodes[at].next;
	     e = list->nodes[e].next)
		if (same_value(list, e, j, value, a))
			return (true);
	return (false);
}

/* Types and scopes: "A" is ["A"], and their order says nothing. */
static bool
same_set(const struct json *a, uint32_t x, const struct json *b, uint32_t y,
    struct arena *arena)
{
	bool array = a->nodes[x].kind == JSON_ARRAY;

	if ((array ? a->nodes[x].count : 1) !=
	    (b->nodes[y].kind == JSON_ARRAY ? b->nodes[y].count : 1))
		return (false);
	if (!array)
		return (holds(b, y, a, x, arena));
	for (uint32_t e = x + 1; e < a->nodes[x].next; e = a->nodes[e].next)
		if (!holds(b, y, a, e, arena))
			return (false);
	return (true);
}

static struct str
member_of(const struct json *j, uint32_t object, const char *name,
    struct arena *a)
{
	uint32_t at = json_member(j, object, str_of(name));

	if (at == 0 || j->nodes[at].kind != JSON_STRING)
		return (STR_NONE);
	return (json_text(j, at, a));
}

/* The member of the same name, however it is spelled; 0: none. */
static uint32_t
find_member(struct trial *tr, const struct json *j, uint32_t object,
    struct str key)
{
	const struct name *name;
	uint32_t at = json_member(j, object, key);

	if (at != 0)
		return (at);
	name = context_expand(tr->t->context, &tr->names, key);
	for (uint32_t k = object + 1; name != NULL &&
	     k < j->nodes[object].next; k = j->nodes[k + 1].next)
		if (context_expand(tr->t->context, &tr->names,
			json_text(j, k, tr->arena)) == name)
			return (k + 1);
	return (0);
}

/* Of an entity that was expected, and came. */
static void
compare_entity(struct trial *tr, const struct json *want, uint32_t w,
    const struct json *got, uint32_t g, struct str id)
{
	struct arena *a = tr->arena;

	for (uint32_t k = w + 1; k < want->nodes[w].next;
	     k = want->nodes[k + 1].next) {
		struct str key = json_text(want, k, a);
		uint32_t v = find_member(tr, got, g, key);
		bool set = str_eq(key, STR("type")) ||
		    str_eq(key, STR("scope"));

		if (str_eq(key, STR("@context")))
			continue;
		if (v == 0)
			trial_say(tr, SAY_MISSING, id, key, STR_NONE,
			    json_span(want, k + 1));
		else if (!(set ? same_set : same_value)(want, k + 1, got, v, a))
			trial_say(tr, SAY_DIFFERS, id, key, json_span(got, v),
			    json_span(want, k + 1));
	}
	for (uint32_t k = g + 1; k < got->nodes[g].next;
	     k = got->nodes[k + 1].next) {
		struct str key = json_text(got, k, a);

		if (find_member(tr, want, w, key) == 0)
			trial_say(tr, SAY_MORE, id, key, json_span(got, k + 1),
			    STR_NONE);
	}
}

/* The entity of that id, or the one at that place where pick or omit left
 * ids out; 0: none. list is an array. */
static uint32_t
find_entity(struct trial *tr, const struct json *j, struct str id,
    unsigned place)
{
	for (uint32_t e = 1; e < j->nodes[0].next; e = j->nodes[e].next) {
		struct str other = member_of(j, e, "id", tr->arena);

		if (id.p != NULL && other.p != NULL ? str_eq(id, other) :
						      place == 0)
			return (e);
		place--;
	}
	return (0);
}

static struct str
label(struct str id)
{
	return (id.p != NULL ? id : STR("?"));
}

void
trial_compare(struct trial *tr, const struct json *want,
    const struct json *got)
{
	unsigned place = 0;
	struct str id;
	uint32_t g;

	for (uint32_t w = 1; w < want->nodes[0].next;
	     w = want->nodes[w].next) {
		id = member_of(want, w, "id", tr->arena);
		g = find_entity(tr, got, id, place++);
		if (g != 0)
			compare_entity(tr, want, w, got, g, label(id));
		else
			trial_say(tr, SAY_NO_ENTITY, label(id), STR_NONE,
			    STR_NONE, STR_NONE);
	}
	place = 0;
	for (g = 1; g < got->nodes[0].next; g = got->nodes[g].next) {
		id = member_of(got, g, "id", tr->arena);
		if (find_entity(tr, want, id, place++) == 0)
			trial_say(tr, SAY_MORE_ENTITY, label(id), STR_NONE,
			    STR_NONE, STR_NONE);
	}
}

void
trial_absent(struct trial *tr, const struct json *got)
{
	const struct region_test *t = tr->t;

	for (uint32_t e = 1; e < got->nodes[0].next; e = got->nodes[e].next)
		for (uint32_t k = e + 1; k < got->nodes[e].next;
		     k = got->nodes[k + 1].next) {
			struct str key = json_text(got, k, tr->arena);
			const struct name *name = context_expand(t->context,
			    &tr->names, key);

			for (unsigned i = 0; name != NULL && i < t->nabsent;
			     i++)
				if (t->absent[i] == name)
					trial_say(tr, SAY_ABSENT, label(
					    member_of(got, e, "id", tr->arena)),
					    key, json_span(got, k + 1),
					    STR_NONE);
		}
}
