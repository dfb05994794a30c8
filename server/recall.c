/* server/recall.c - see recall.h. */
#include "server/recall.h"

#include <stdlib.h>

#include "server/base/hash.h"

struct slot {
	struct recalled known; /* first: what callers hold */
	unsigned refs;
	struct mono_us made;
	struct str coded;
	char bytes[]; /* key, answer and bodies */
};

struct recall {
	struct slot *slots[RECALL_SLOTS];
};

struct recall *
recall_new(void)
{
	return (xcalloc(1, sizeof(struct recall)));
}

static void
slot_unref(struct slot *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	free((char *)(uintptr_t)s->coded.p);
	free(s);
}

void
recalled_unref(const struct recalled **kp)
{
	struct slot *s = (struct slot *)(uintptr_t)*kp;

	*kp = NULL;
	slot_unref(s);
}

void
recall_forget(struct recall *r)
{
	for (unsigned i = 0; i < RECALL_SLOTS; i++) {
		slot_unref(r->slots[i]);
		r->slots[i] = NULL;
	}
}

static bool
is_old(const struct slot *s, struct mono_us now)
{
	return (now.us - s->made.us >= RECALL_US);
}

void
recall_sweep(struct recall *r, struct mono_us now)
{
	for (unsigned i = 0; i < RECALL_SLOTS; i++)
		if (r->slots[i] != NULL && is_old(r->slots[i], now)) {
			slot_unref(r->slots[i]);
			r->slots[i] = NULL;
		}
}

void
recall_free(struct recall *r)
{
	if (r == NULL)
		return;
	recall_forget(r);
	free(r);
}

/* Whoever makes two keys meet here only drives out what is known. */
static struct slot **
place(struct recall *r, struct str key)
{
	return (&r->slots[hash_fast(key) % RECALL_SLOTS]);
}

const struct recalled *
recall_find(struct recall *r, struct str key, struct mono_us now)
{
	struct slot **at = place(r, key), *s = *at;

	if (s == NULL)
		return (NULL);
	if (is_old(s, now) || !str_eq(s->known.key, key))
		return (NULL);
	s->refs++;
	return (&s->known);
}

void
recall_put(struct recall *r, const struct recalled *k, struct mono_us now)
{
	size_t size = sizeof(struct slot) + k->key.len + k->answer.len;
	struct slot **at, *s;
	char *to;

	assert(k->nlegs <= RECALL_LEGS);
	for (unsigned i = 0; i < k->nlegs; i++)
		size += k->legs[i].known.body.len;
	if (size > RECALL_BYTES)
		return;
	s = xmalloc(size);
	s->known = *k;
	s->refs = 1;
	s->made = now;
	s->coded = STR_NONE;
	to = s->bytes;
	s->known.key = str_put(&to, k->key);
	s->known.answer = str_put(&to, k->answer);
	for (unsigned i = 0; i < k->nlegs; i++)
		s->known.legs[i].known.body = str_put(&to, k->legs[i].known.body);
	at = place(r, k->key);
	slot_unref(*at);
	*at = s;
}

struct str
recalled_coded(const struct recalled *k)
{
	return (((const struct slot *)(const void *)k)->coded);
}

void
recalled_put_coded(const struct recalled *k, struct str coded)
{
	struct slot *s = (struct slot *)(uintptr_t)k;
	char *copy;

	if (s->coded.p != NULL || coded.len == 0 || coded.len > RECALL_BYTES)
		return;
	copy = xmalloc(coded.len);
	memcpy(copy, coded.p, coded.len);
	s->coded = (struct str){ copy, coded.len };
}
