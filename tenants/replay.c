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
	uint32_t until_s; /* since 1970, so until 2106; 0: never used */
	uint16_t owner;
};
_Static_assert(sizeof(struct slot) == 24, "as replay.h says");

struct shard {
	pthread_mutex_t lock;
	struct slot *slots;
	uint32_t n, used; /* n is a power of two, or 0 */
	int64_t full_s;	  /* the second in which no room was found */
	/* Slots of each owner, ended ones with them until the next count. */
	uint32_t owned[REPLAY_OWNERS];
	int64_t counted_s; /* the second of that */
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
	memset(sh->owned, 0, sizeof(sh->owned));
	for (uint32_t i = 0; i < nold; i++) {
		if (old[i].until_s < now_s)
			continue;
		*slot_for(sh, old[i].key, now_s, &found) = old[i];
		sh->used++;
		sh->owned[old[i].owner]++;
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

/* May the owner have another one? What has ended is counted out first, once a
 * second at most. */
static bool
shard_owner_room(struct shard *sh, uint32_t max, unsigned owner, int64_t now_s)
{
	if (sh->owned[owner] < max / REPLAY_PARTS)
		return (true);
	if (sh->counted_s == now_s)
		return (false);
	sh->counted_s = now_s;
	memset(sh->owned, 0, sizeof(sh->owned));
	for (uint32_t i = 0; i < sh->n; i++)
		sh->owned[sh->slots[i].owner] += sh->slots[i].until_s >= now_s;
	return (sh->owned[owner] < max / REPLAY_PARTS);
}

/* What had ended at the last count is not counted any more. */
static void
shard_disown(struct shard *sh, const struct slot *s)
{
	if (s->until_s != 0 && sh->owned[s->owner] > 0 &&
	    s->until_s >= sh->counted_s)
		sh->owned[s->owner]--;
}

static enum hub_err
shard_add(struct shard *sh, uint32_t max, unsigned owner,
    const struct dpop_mark *mark, int64_t now_s)
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
	if (!shard_owner_room(sh, max, owner, now_s) ||
	    !shard_room(sh, max, now_s))
		return (HUB_EFULL);
	s = slot_for(sh, key, now_s, &found);
	sh->used += s->until_s == 0;
	shard_disown(sh, s);
	sh->owned[owner]++;
	s->owner = (uint16_t)owner;
	memcpy(s->key, key, KEY_LEN);
	s->until_s = (uint32_t)(mark->until_s + KEEP_S);
	return (HUB_OK);
}

enum hub_err
replay_add(struct replay *r, unsigned owner, const struct dpop_mark *mark,
    struct wall_us now)
{
	struct shard *sh = &r->shards[mark->id[0] % SHARDS];
	int64_t now_s = now.us / 1000000;
	enum hub_err err;

	/* Unless the clock was set back since. */
	if (mark->issued_s < r->began_s && r->began_s <= now_s)
		return (HUB_ELATE);
	assert(mark->until_s >= now_s && mark->until_s > 0);
	(void)pthread_mutex_lock(&sh->lock);
	err = shard_add(sh, r->max, owner % REPLAY_OWNERS, mark, now_s);
	(void)pthread_mutex_unlock(&sh->lock);
	return (err);
}
