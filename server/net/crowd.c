/* server/net/crowd.c - counts of connections; crowd.h says what it promises.
 *
 * A seat is the entry of all who go by one name: it is there while one of them
 * is. Shards with a lock each; connections come and go far less often than
 * requests. */
#include "server/net/crowd.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/base/hash.h"

#define SHARDS 16U
#define CHAINS 256U

struct crowd_seat {
	struct crowd_seat *next;
	uint64_t hash;
	unsigned n;
	struct str who; /* behind the struct */
};

struct crowd {
	struct shard {
		pthread_mutex_t lock;
		struct crowd_seat *chains[CHAINS];
	} shards[SHARDS];
};

struct crowd *
crowd_new(void)
{
	struct crowd *c = xcalloc(1, sizeof(*c));

	for (unsigned i = 0; i < SHARDS; i++)
		(void)pthread_mutex_init(&c->shards[i].lock, NULL);
	return (c);
}

void
crowd_free(struct crowd *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < SHARDS; i++) {
		for (unsigned k = 0; k < CHAINS; k++)
			assert(c->shards[i].chains[k] == NULL);
		(void)pthread_mutex_destroy(&c->shards[i].lock);
	}
	free(c);
}

static struct shard *
shard_of(struct crowd *c, uint64_t hash)
{
	return (&c->shards[hash % SHARDS]);
}

static struct crowd_seat **
chain_of(struct shard *sh, uint64_t hash)
{
	return (&sh->chains[hash / SHARDS % CHAINS]);
}

static struct crowd_seat *
seat_new(struct crowd_seat **chain, uint64_t hash, struct str who)
{
	struct crowd_seat *s = xcalloc(1, sizeof(*s) + who.len);

	memcpy(s + 1, who.p, who.len);
	s->who = (struct str){ (const char *)(s + 1), who.len };
	s->hash = hash;
	s->next = *chain;
	*chain = s;
	return (s);
}

struct crowd_seat *
crowd_enter(struct crowd *c, struct str who, unsigned max)
{
	uint64_t hash = hash_str(who);
	struct shard *sh = shard_of(c, hash);
	struct crowd_seat **chain = chain_of(sh, hash), *s;

	assert(who.len > 0);
	if (max == 0)
		return (NULL);
	(void)pthread_mutex_lock(&sh->lock);
	for (s = *chain; s != NULL; s = s->next)
		if (s->hash == hash && str_eq(s->who, who))
			break;
	if (s == NULL)
		s = seat_new(chain, hash, who);
	if (s->n < max)
		s->n++;
	else
		s = NULL;
	(void)pthread_mutex_unlock(&sh->lock);
	return (s);
}

void
crowd_leave(struct crowd *c, struct crowd_seat **sp)
{
	struct crowd_seat *s = *sp, **at;
	struct shard *sh;

	*sp = NULL;
	if (s == NULL)
		return;
	sh = shard_of(c, s->hash);
	(void)pthread_mutex_lock(&sh->lock);
	if (--s->n == 0) {
		for (at = chain_of(sh, s->hash); *at != s;)
			at = &(*at)->next;
		*at = s->next;
		free(s);
	}
	(void)pthread_mutex_unlock(&sh->lock);
}

/* A name never changes while one sits there. */
bool
crowd_is(const struct crowd_seat *s, struct str who)
{
	return (s != NULL && str_eq(s->who, who));
}
