/* server/federation/answer_cache.c - see answer_cache.h. */
#include "server/federation/answer_cache.h"

#include <stdlib.h>

#define SLOTS 512
/* One may take this part of the whole. */
#define SHARE 4

struct kept {
	struct kept_answer pub; /* first: what callers hold */
	struct answer_key key;
	struct mono_us made;
	unsigned refs;
	size_t size;
	char bytes[]; /* fields and body */
};

struct answer_cache {
	struct budget_claim memory;
	struct budget_share share;
	struct kept *slots[SLOTS];
};

/* What of a head is looked at later. */
static const struct str fields_kept[] = { { "Link", 4 },
	{ "NGSILD-Results-Count", 20 }, { "Fiware-Total-Count", 18 } };

struct answer_cache *
answer_cache_new(struct budget *budget, size_t max)
{
	struct answer_cache *c = xcalloc(1, sizeof(*c));

	c->memory = (struct budget_claim){ .budget = budget,
		.share = &c->share, .max = max };
	return (c);
}

static void
kept_unref(struct kept *k)
{
	if (k != NULL && --k->refs == 0)
		free(k);
}

void
kept_answer_unref(const struct kept_answer **kp)
{
	struct kept *k = (struct kept *)(uintptr_t)*kp;

	*kp = NULL;
	kept_unref(k);
}

/* One that is still held goes when it is let go; that is soon, and then it has
 * been paid for by the request that holds it. */
static void
clear_slot(struct answer_cache *c, struct kept **at)
{
	if (*at == NULL)
		return;
	budget_give(&c->memory, (*at)->size);
	kept_unref(*at);
	*at = NULL;
}

void
answer_cache_free(struct answer_cache *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		clear_slot(c, &c->slots[i]);
	free(c);
}

/* A hash of what nobody can choose freely: any bits of it will do. */
static struct kept **
place(struct answer_cache *c, const struct answer_key *key)
{
	return (&c->slots[(key->b[0] | (unsigned)key->b[1] << 8) % SLOTS]);
}

static bool
is_past(const struct kept *k, struct mono_us now, int64_t grace)
{
	return (now.us - k->pub.until.us >= grace);
}

const struct kept_answer *
answer_cache_find(struct answer_cache *c, const struct answer_key *key,
    struct mono_us now, bool stale)
{
	struct kept *k = *place(c, key);

	if (k == NULL || memcmp(&k->key, key, sizeof(*key)) != 0 ||
	    is_past(k, now, stale ? ANSWER_STALE_US : 0))
		return (NULL);
	k->refs++;
	return (&k->pub);
}

void
answer_cache_drop(struct answer_cache *c, const struct answer_key *key)
{
	struct kept **at = place(c, key);

	if (*at != NULL && memcmp(&(*at)->key, key, sizeof(*key)) == 0)
		clear_slot(c, at);
}

void
answer_cache_forget(struct answer_cache *c, uint64_t source)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (c->slots[i] != NULL && c->slots[i]->key.source == source)
			clear_slot(c, &c->slots[i]);
}

void
answer_cache_sweep(struct answer_cache *c, struct mono_us now)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (c->slots[i] != NULL &&
		    is_past(c->slots[i], now, ANSWER_STALE_US))
			clear_slot(c, &c->slots[i]);
}

/* ---- keeping */

static bool
is_kept(struct str name)
{
	for (size_t i = 0; i < sizeof(fields_kept) / sizeof(fields_kept[0]);
	     i++)
		if (str_caseeq(name, fields_kept[i]))
			return (true);
	return (false);
}

/* A directive in any of the fields (RFC 9111, 5.2). */
static bool
forbids_storing(const struct http_head *h)
{
	for (unsigned i = 0; i < h->nfields; i++) {
		struct str rest = h->fields[i].value, word;

		if (!str_caseeq(h->fields[i].name, STR("Cache-Control")))
			continue;
		while (str_cut(&rest, ',', &word))
			if (str_caseeq(str_trim(word), STR("no-store")))
				return (true);
	}
	return (false);
}

static struct kept **
oldest(struct answer_cache *c)
{
	struct kept **at = NULL;

	for (unsigned i = 0; i < SLOTS; i++)
		if (c->slots[i] != NULL &&
		    (at == NULL || c->slots[i]->made.us < (*at)->made.us))
			at = &c->slots[i];
	return (at);
}

static bool
make_room(struct answer_cache *c, size_t size)
{
	struct kept **at;

	if (size > c->memory.max / SHARE)
		return (false);
	while (budget_take(&c->memory, size) != HUB_OK) {
		at = oldest(c);
		if (at == NULL)
			return (false);
		clear_slot(c, at);
	}
	return (true);
}

static void
copy_head(struct kept *k, const struct http_head *h, char **to)
{
	struct http_head *mine = &k->pub.head;

	mine->status = h->status;
	for (unsigned i = 0; i < h->nfields; i++)
		if (is_kept(h->fields[i].name))
			mine->fields[mine->nfields++] = (struct http_field){
				str_put(to, h->fields[i].name),
				str_put(to, h->fields[i].value) };
}

void
answer_cache_put(struct answer_cache *c, const struct answer_key *key,
    const struct http_head *h, struct str body, bool translated, int64_t us,
    struct mono_us now)
{
	size_t size = sizeof(struct kept) + body.len;
	struct kept *k;
	char *to;

	if (forbids_storing(h))
		return;
	for (unsigned i = 0; i < h->nfields; i++)
		if (is_kept(h->fields[i].name))
			size += h->fields[i].name.len + h->fields[i].value.len;
	clear_slot(c, place(c, key));
	if (!make_room(c, size))
		return;
	k = xcalloc(1, size);
	k->key = *key;
	k->made = now;
	k->refs = 1;
	k->size = size;
	k->pub.translated = translated;
	k->pub.until.us = now.us + us;
	to = k->bytes;
	copy_head(k, h, &to);
	k->pub.body = str_put(&to, body);
	*place(c, key) = k;
}
