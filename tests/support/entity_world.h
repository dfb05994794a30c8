/* tests/support/entity_world.h - what tests of entities share: one is read off
 * its text, and written. After cmocka.h. */
#ifndef HUB_TESTS_ENTITY_WORLD_H
#define HUB_TESTS_ENTITY_WORLD_H

#include <stdlib.h>

#include "server/ngsild/entity.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEAD	 "\"id\":\"urn:x:1\",\"type\":\"T\""

struct world {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	struct document doc;
	struct entity e;
	struct entity_out out;
	struct buf buf;
};

/* Contexts may be added to its vocabulary; then world_begin. */
static inline struct world *
world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->arena = arena_new();
	w->vocab = vocab_new();
	return (w);
}

static inline void
world_begin(struct world *w)
{
	names_init(&w->names, w->vocab, w->arena);
	w->doc.context = vocab_core(w->vocab);
	w->out = (struct entity_out){ .context = vocab_core(w->vocab),
		.names = &w->names };
	buf_init(&w->buf, 1 << 20);
}

static inline int
teardown(void **state)
{
	struct world *w = *state;

	buf_clear(&w->buf);
	vocab_free(w->vocab);
	arena_free(w->arena);
	free(w);
	return (0);
}

/* Reads the entity; text must be JSON. */
static inline enum hub_err
world_read(struct world *w, const char *text)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;

	if (json_parse(&w->doc.json, str_of(text), &limits, w->arena) !=
	    HUB_OK)
		fail_msg("no JSON: %s", text);
	return (entity_read(&w->doc, 0, &w->names, w->arena, &w->e));
}

static inline const char *
write_it(struct world *w)
{
	buf_reset(&w->buf);
	entity_write(&w->e, &w->out, &w->buf);
	assert_false(w->buf.failed);
	return (buf_cstr(&w->buf));
}

static inline void
release(struct world *w, const struct release *r)
{
	for (unsigned i = 0; i < w->e.ninstances; i++)
		w->e.instances[i].release = r;
}

#endif
