/* server/base/arena.c - block lists; arena.h says what they promise. */
#include "server/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_MIN ((size_t)16384)

struct block {
	struct block *next;
	size_t cap, used;
	_Alignas(16) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the newest first */
	size_t used, watched;
};

struct arena *
arena_new(void)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	a->watched = SIZE_MAX;
	return (a);
}

static void
blocks_free(struct block *b)
{
	struct block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	blocks_free(a->blocks);
	free(a);
}

void
arena_reset(struct arena *a)
{
	struct block *keep = a->blocks;

	a->used = 0;
	a->watched = SIZE_MAX;
	if (keep == NULL)
		return;
	if (keep->cap > 16 * BLOCK_MIN) {
		blocks_free(keep);
		a->blocks = NULL;
		return;
	}
	blocks_free(keep->next);
	keep->next = NULL;
	keep->used = 0;
}

void *
arena_raw(struct arena *a, size_t n)
{
	struct block *b = a->blocks;
	size_t cap;
	void *p;

	assert(n < SIZE_MAX / 4);
	n = (n + 15) & ~(size_t)15;
	if (b == NULL || b->cap - b->used < n) {
		cap = b == NULL ? BLOCK_MIN : b->cap * 2;
		if (cap > 64 * BLOCK_MIN)
			cap = 64 * BLOCK_MIN;
		if (cap < n)
			cap = n;
		b = xmalloc(sizeof(*b) + cap);
		b->next = a->blocks;
		b->cap = cap;
		b->used = 0;
		a->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += n;
	a->used += n;
	return (p);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return (memset(arena_raw(a, n), 0, n));
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		assert(!"array too large");
	return (arena_alloc(a, total));
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p = arena_raw(a, s.len + 1);

	if (s.len > 0)
		memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return ((struct str){ p, s.len });
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char small[256], *p;
	va_list ap, again;
	size_t size;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	assert(n >= 0);
	size = (size_t)n + 1;
	p = arena_raw(a, size);
	if (size <= sizeof(small))
		memcpy(p, small, size);
	else
		(void)vsnprintf(p, size, fmt, again);
	va_end(again);
	va_end(ap);
	return (p);
}

size_t
arena_used(const struct arena *a)
{
	return (a->used);
}

void
arena_watch(struct arena *a, size_t used)
{
	a->watched = used;
}

bool
arena_is_over(const struct arena *a)
{
	return (a->used > a->watched);
}
