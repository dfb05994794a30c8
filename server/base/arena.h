/* server/base/arena.h - memory that dies in one stroke.
 *
 * Not for sharing between threads. Nothing is freed singly. */
#ifndef HUB_BASE_ARENA_H
#define HUB_BASE_ARENA_H

#include "server/base/str.h"

struct arena;

struct arena *arena_new(void) HUB_MUST_CHECK;
/* Frees all; accepts NULL. */
void arena_free(struct arena *);
/* Forgets all allocations, keeps one block for reuse. */
void arena_reset(struct arena *);

/* Zeroed, aligned to 16; never NULL. */
void *arena_alloc(struct arena *, size_t) HUB_MUST_CHECK;
/* n * size with the overflow asserted away; zeroed. */
void *arena_array(struct arena *, size_t n, size_t size) HUB_MUST_CHECK;
/* The same without zeroing, for what is written at once. */
void *arena_raw(struct arena *, size_t) HUB_MUST_CHECK;
/* A copy; a NUL stands behind its last byte. */
struct str arena_str(struct arena *, struct str) HUB_MUST_CHECK;
char *arena_printf(struct arena *, const char *fmt, ...) HUB_PRINTF(2, 3)
    HUB_MUST_CHECK;
/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *);

/* For loops whose sum is not known before: says when more than that many bytes
 * have been handed out. Until the next reset; SIZE_MAX: never. */
void arena_watch(struct arena *, size_t used);
bool arena_is_over(const struct arena *);

#endif
