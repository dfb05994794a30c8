/* tenants/token_cache.c - tokens that were verified a moment ago; token.h
 * says what it promises.
 *
 * A table of slots with chains through them and a clock hand (second chance)
 * that looks for the slot to reuse. */
#include <stdlib.h>

#include "server/base/hash.h"
#include "tenants/token.h"

#define LIFE_US	    INT64_C(60000000)
#define ENTRIES_MAX (1U << 20)
#define NONE	    UINT32_MAX

struct slot {
	uint64_t hash;
	struct str token; /* in block, compared whole */
	uint32_t next;	  /* in the chain of its bucket */
	bool used, seen;
	struct wall_us since, until;
	uint64_t region, keyring; /* generations */
	struct identity id;	  /* its texts are in block, too */
	char *block;
	size_t size;
};

struct token_cache {
	uint32_t n;    /* slots; a power of two, as many buckets */
	uint32_t free; /* slots from here on were never used */
	uint32_t hand;
	uint32_t *buckets; /* first slot or NONE */
	struct slot *slots;
};

struct token_cache *
token_cache_new(unsigned entries)
{
	struct token_cache *c = xcalloc(1, sizeof(*c));

	assert(entries > 0 && entries <= ENTRIES_MAX);
	for (c->n = 1; c->n < entries;)
		c->n *= 2;
	c->buckets = xcalloc(c->n, sizeof(c->buckets[0]));
	c->slots = xcalloc(c->n, sizeof(c->slots[0]));
	for (uint32_t i = 0; i < c->n; i++)
		c->buckets[i] = NONE;
	return (c);
}

void
token_cache_free(struct token_cache *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->n; i++)
		if (c->slots[i].block != NULL) {
			explicit_bzero(c->slots[i].block, c->slots[i].size);
			free(c->slots[i].block);
		}
	free(c->slots);
	free(c->buckets);
	free(c);
}

/* The end of a token is its signature, which is as good as random in every
 * token that was ever put; keyed all the same, so that whoever can pick among
 * tokens cannot pick a bucket. */
static uint64_t
token_hash(struct str token)
{
	return (hash_str(token.len > 64 ? str_from(token, token.len - 64) :
					  token));
}

static uint32_t *
bucket_of(struct token_cache *c, uint64_t hash)
{
	return (&c->buckets[hash & (c->n - 1)]);
}

static struct slot *
slot_find(struct token_cache *c, uint64_t hash, struct str token)
{
	struct slot *s;

	for (uint32_t i = *bucket_of(c, hash); i != NONE; i = s->next) {
		s = &c->slots[i];
		if (s->hash == hash && str_eq(s->token, token))
			return (s);
	}
	return (NULL);
}

static void
slot_drop(struct token_cache *c, struct slot *s)
{
	uint32_t *link = bucket_of(c, s->hash), at = (uint32_t)(s - c->slots);

	while (*link != at)
		link = &c->slots[*link].next;
	*link = s->next;
	explicit_bzero(s->block, s->size);
	free(s->block);
	s->block = NULL;
	s->used = false;
}

/* A clock set back must not lengthen a life, so it also ends one. */
static bool
slot_good(const struct slot *s, struct wall_us now, uint64_t region,
    uint64_t keyring)
{
	return (s->region == region && s->keyring == keyring &&
	    now.us >= s->since.us && now.us < s->until.us);
}

const struct identity *
token_cache_find(struct token_cache *c, struct str token, struct wall_us now,
    uint64_t region_generation, uint64_t keyring_generation)
{
	struct slot *s = slot_find(c, token_hash(token), token);

	if (s == NULL)
		return (NULL);
	if (!slot_good(s, now, region_generation, keyring_generation)) {
		slot_drop(c, s);
		return (NULL);
	}
	s->seen = true;
	return (&s->id);
}

/* A slot that is in no chain: unused, else the first that the hand finds not
 * seen since its last round. */
static struct slot *
slot_take(struct token_cache *c)
{
	struct slot *s;

	if (c->free < c->n)
		return (&c->slots[c->free++]);
	for (;;) {
		s = &c->slots[c->hand];
		c->hand = (c->hand + 1) & (c->n - 1);
		if (!s->used)
			return (s);
		if (!s->seen) {
			slot_drop(c, s);
			return (s);
		}
		s->seen = false;
	}
}

static void
text_copy(struct str *s, char **room)
{
	if (s->len > 0)
		memcpy(*room, s->p, s->len);
	s->p = *room;
	*room += s->len;
}

/* The token and all texts of the identity, in one block of the slot. */
static void
slot_fill(struct slot *s, struct str token, const struct identity *id)
{
	size_t total = token.len + id->subject.len + id->client.len +
	    id->jti.len + id->acr.len +
	    id->x5t.len + id->jkt.len;
	char *room;

	for (unsigned i = 0; i < id->npurposes; i++)
		total += id->purposes[i].len;
	s->size = total;
	s->block = room = xmalloc(total + 1);
	s->id = *id;
	s->token = token;
	text_copy(&s->token, &room);
	text_copy(&s->id.subject, &room);
	text_copy(&s->id.client, &room);
	text_copy(&s->id.jti, &room);
	text_copy(&s->id.acr, &room);
	text_copy(&s->id.x5t, &room);
	text_copy(&s->id.jkt, &room);
	for (unsigned i = 0; i < id->npurposes; i++)
		text_copy(&s->id.purposes[i], &room);
}

void
token_cache_put(struct token_cache *c, struct str token,
    const struct identity *id, struct wall_us now, uint64_t region_generation,
    uint64_t keyring_generation)
{
	uint64_t hash;
	uint32_t *bucket;
	struct slot *s;

	assert(id->tenant != NULL && id->forbidden == NULL);
	if (now.us >= id->expires.us || token.len > TOKEN_CACHED_MAX)
		return;
	hash = token_hash(token);
	s = slot_find(c, hash, token);
	if (s != NULL)
		slot_drop(c, s);
	else
		s = slot_take(c);
	s->hash = hash;
	slot_fill(s, token, id);
	s->since = now;
	s->until.us = id->expires.us - now.us < LIFE_US ? id->expires.us :
							   now.us + LIFE_US;
	s->region = region_generation;
	s->keyring = keyring_generation;
	s->used = true;
	s->seen = false;
	bucket = bucket_of(c, hash);
	s->next = *bucket;
	*bucket = (uint32_t)(s - c->slots);
}
