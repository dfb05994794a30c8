/* tenants/replay.c - a set of marks with an end each; replay.h says what it
 * promises.
 *
 * Shards with a lock each, chosen by the mark's first bytes, which are those
 * of a SHA-256: whoever picks them picks only among his own. A shard is a table
 * with open addressing. Nothing is taken out of it; a slot whose mark has
 * ended is used again, and when few are left the table is written anew without
 * such slots, larger if it must be. */
#include "tenants/replay.h"

#include <pthread.h>
#include <stdlib.h>

#define SHARDS	    16U
#define SLOTS_FIRST 64U
#define KEY_LEN	    16 /* of the mark: no two will ever be alike by chance */
#define KEEP_S	    10 /* longer than needed: clocks of workers lag a little */

struct slot {
	unsigned char key[KEY_LEN];
	int64_t until_s; /* 0: never used */
};

struct shard {
	pthread_mutex_t lock;
	struct slot *slots;
	uint32_t n, used; /* n is a power of two, or 0 */
	int64_t full_s;	  /* the second in which no room was found */
};

struct replay {
	int64_t began_s;
	uint32_t max; /* slots of a shard */
	struct shard shards[SHARDS];
};

struct replay *
replay_new(unsigned entries, struct wall_us began)
{
	struct replay *r = xcalloc(1, sizeof(*r));

	assert(entries >= 256 && entries <= 1U << 26);
	r->began_s = began.us / 1000000;
	for (r->max = 16; r->max < entries / SHARDS;)
		r->max *= 2;
	for (unsigned i = 0; i < SHARDS; i++)
		(void)pthread_mutex_init(&r->shards[i].lock, NULL);
	return (r);
}

void
replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < SHARDS; i++) {
		(void)pthread_mutex_destroy(&r->shards[i].lock);
		free(r->shards[i].slots);
	}
	free(r);
}

/* The slot of that key, else one that may take it. There is always one that
 * was never used. *found_r: it is there and has not ended. */
static struct slot *
slot_for(const struct shard *sh, const unsigned char *key, int64_t now_s,
    bool *found_r)
{
	struct slot *free_slot = NULL, *s;
	uint32_t at;

	memcpy(&at, key, sizeof(at));
	*found_r = false;
	for (;; at++) {
		s = &sh->slots[at & (sh->n - 1)];
		if (s->until_s == 0)
			return (free_slot != NULL ? free_slot : s);
		if (s->until_s < now_s) {
			if (free_slot == NULL)
				free_slot = s;
		} else if (memcmp(s->key, key, KEY_LEN) == 0) {
			*found_r = true;
			return (s);
		}
	}
}

static void
shard_rewrite(struct shard *sh, uint32_t n, int64_t now_s)
{
	struct slot *old = sh->slots;
	uint32_t nold = sh->n;
	bool found;

	sh->slots = xcalloc(n, sizeof(*sh->slots));
	sh->n = n;
	sh->used = 0;
	for (uint32_t i = 0; i < nold; i++) {
		if (old[i].until_s < now_s)
			continue;
		*slot_for(sh, old[i].key, now_s, &found) = old[i];
		sh->used++;
	}
	free(old);
}

/* Room for one more: false when there is none even without what has ended. */
static bool
shard_room(struct shard *sh, uint32_t max, int64_t now_s)
{
	uint32_t live = 0, n = sh->n;

	if (n > 0 && sh->used < n / 4 * 3)
		return (true);
	if (sh->full_s == now_s) /* looked for a moment ago */
		return (false);
	for (uint32_t i = 0; i < n; i++)
		live += sh->slots[i].until_s >= now_s;
	if (n == 0)
		n = max < SLOTS_FIRST ? max : SLOTS_FIRST;
	else if (live >= n / 2 && n < max)
		n *= 2;
	/* At its largest it is worth the work only if a good part is free. */
	if (live >= n / 8 * 5) {
		sh->full_s = now_s;
		return (false);
	}
	shard_rewrite(sh, n, now_s);
	return (true);
}

static enum hub_err
shard_add(struct shard *sh, uint32_t max, const struct dpop_mark *mark,
    int64_t now_s)
{
	/* The other bytes than those that chose the shard. */
	const unsigned char *key = mark->id + SHA256_LEN - KEY_LEN;
	struct slot *s;
	bool found = false;

	if (sh->n > 0) {
		(void)slot_for(sh, key, now_s, &found);
		if (found)
			return (HUB_EEXIST);
	}
	if (!shard_room(sh, max, now_s))
		return (HUB_EFULL);
	s = slot_for(sh, key, now_s, &found);
	sh->used += s->until_s == 0;
	memcpy(s->key, key, KEY_LEN);
	s->until_s = mark->until_s + KEEP_S;
	return (HUB_OK);
}

enum hub_err
replay_add(struct replay *r, const struct dpop_mark *mark, struct wall_us now)
{
	struct shard *sh = &r->shards[mark->id[0] % SHARDS];
	int64_t now_s = now.us / 1000000;
	enum hub_err err;

	/* Unless the clock was set back since. */
	if (mark->issued_s < r->began_s && r->began_s <= now_s)
		return (HUB_ELATE);
	assert(mark->until_s >= now_s && mark->until_s > 0);
	(void)pthread_mutex_lock(&sh->lock);
	err = shard_add(sh, r->max, mark, now_s);
	(void)pthread_mutex_unlock(&sh->lock);
	return (err);
}
