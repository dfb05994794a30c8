/* server/ngsild/json_names.h - does an object hold a name twice? For json.c
 * alone. */
#ifndef HUB_NGSILD_JSON_NAMES_H
#define HUB_NGSILD_JSON_NAMES_H

#include <stdlib.h>

#include "server/base/hash.h"
#include "server/ngsild/json_scan.h"

#define SUSPECT	    UINT64_MAX
#define FEW_MEMBERS 16 /* up to here every pair of keys is compared */
/* Odd, else at random; it gives the usual names of NGSI-LD different marks. */
#define NAME_FACTOR UINT64_C(0x16ac4191a26aa0af)

/* One more name in a set of 64 marks, from both its ends with the quotes.
 * Two alike, or one too short, make the object suspect. */
INLINE uint64_t
names_add(uint64_t seen, const char *key, size_t len)
{
	uint32_t head, tail;
	uint64_t mark;

	if (len < sizeof(head))
		return (SUSPECT);
	memcpy(&head, key, sizeof(head));
	memcpy(&tail, key + len - sizeof(tail), sizeof(tail));
	mark = ((uint64_t)tail << 32 | head) * NAME_FACTOR;
	mark = UINT64_C(1) << (mark >> 58);
	return ((seen & mark) != 0 ? SUSPECT : seen | mark);
}

struct names {
	const char *text;
	const struct json_node *nodes;
	struct arena *arena;
};

/* The key decoded; in an object with many escaped keys the copies together
 * are no longer than the text. */
static inline struct str
key_of(const struct names *s, uint32_t node)
{
	const struct json_node *k = &s->nodes[node];
	struct str raw = { s->text + k->off + 1, k->len - 2 };

	return (k->escaped ? json_decode(raw, s->arena) : raw);
}

static bool
few_repeat(const struct names *s, uint32_t obj)
{
	uint32_t n = 0, end = s->nodes[obj].next;
	struct str key[FEW_MEMBERS];

	for (uint32_t k = obj + 1; k < end; k = s->nodes[k + 1].next) {
		key[n] = key_of(s, k);
		for (uint32_t i = 0; i < n; i++)
			if (str_eq(key[i], key[n]))
				return (true);
		n++;
	}
	return (false);
}

/* Keyed hashes, since the names may have been chosen to collide. */
static bool
many_repeat(const struct names *s, uint32_t obj)
{
	struct slot {
		uint64_t hash;
		struct str key; /* p NULL: free */
	} * slots;
	const struct json_node *o = &s->nodes[obj];
	size_t size = 64, i;
	bool repeat = false;
	struct str key;
	uint64_t h;

	while (size < (size_t)o->count * 2)
		size *= 2;
	slots = xcalloc(size, sizeof(*slots));
	for (uint32_t k = obj + 1; k < o->next && !repeat;
	     k = s->nodes[k + 1].next) {
		key = key_of(s, k);
		h = hash_str(key);
		for (i = h & (size - 1); slots[i].key.p != NULL && !repeat;
		     i = (i + 1) & (size - 1))
			repeat =
			    slots[i].hash == h && str_eq(slots[i].key, key);
		if (!repeat) {
			slots[i].hash = h;
			slots[i].key = key;
		}
	}
	free(slots);
	return (repeat);
}

/* Does object obj, which is closed, hold a name twice? */
UNUSUAL bool
names_repeat(const char *text, const struct json_node *nodes, uint32_t obj,
    struct arena *arena)
{
	const struct names s = { text, nodes, arena };

	if (nodes[obj].count > FEW_MEMBERS)
		return (many_repeat(&s, obj));
	return (few_repeat(&s, obj));
}

#endif
