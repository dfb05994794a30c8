/* tests/support/query_bench.h - what tests of query parameters share. After
 * cmocka.h. */
#ifndef HUB_TESTS_QUERY_BENCH_H
#define HUB_TESTS_QUERY_BENCH_H

#include <stdlib.h>

#include "server/ngsild/query.h"

#define BENCH_SCRATCH ((size_t)1 << 20)

struct bench {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	const struct context *core;
	struct buf scratch;
};

static inline int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->arena = arena_new();
	b->vocab = vocab_new();
	b->core = vocab_core(b->vocab);
	names_init(&b->names, b->vocab, b->arena);
	buf_init(&b->scratch, BENCH_SCRATCH);
	*state = b;
	return (0);
}

static inline int
teardown(void **state)
{
	struct bench *b = *state;

	buf_clear(&b->scratch);
	vocab_free(b->vocab);
	arena_free(b->arena);
	free(b);
	return (0);
}

/* The target path?text, decoded into the scratch. */
static inline void
bench_target(struct bench *b, const char *path, const char *text,
    struct http_uri *uri)
{
	const char *target = arena_printf(b->arena, "%s?%s", path, text);
	struct str dup;

	buf_reset(&b->scratch);
	if (http_uri_parse(str_of(target), &b->scratch, uri, &dup) != HUB_OK)
		fail_msg("no target: %s", target);
}

/* After it was read: nothing may point into the target any more. */
static inline void
bench_forget_target(struct bench *b)
{
	memset(b->scratch.p, '#', b->scratch.len);
}

#endif
