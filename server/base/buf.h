/* server/base/buf.h - bytes that grow up to a ceiling.
 *
 * A buf that hits its ceiling drops nothing it has, takes nothing more and
 * stays failed, so only the end of a long build-up needs a check. */
#ifndef HUB_BASE_BUF_H
#define HUB_BASE_BUF_H

#include <stdarg.h>

#include "server/base/str.h"

struct buf {
	char *p;
	size_t len, cap;
	size_t max;  /* ceiling in bytes, given to buf_init */
	bool failed; /* something did not fit */
};

/* Nothing is allocated until the first byte. max > 0. */
void buf_init(struct buf *, size_t max);
/* Frees the bytes; the buf may be used again with the same ceiling. */
void buf_clear(struct buf *);
/* Empty and not failed, memory kept. */
void buf_reset(struct buf *);

/* Room for n more bytes behind len; NULL (and failed) when over the ceiling.
 * The caller writes and adds to len itself. */
char *buf_room(struct buf *, size_t n);

/* Room for about n bytes to come, as far as the ceiling allows: so that a
 * build-up whose size is known roughly does not grow in steps. */
void buf_reserve(struct buf *, size_t n);

/* buf_add when the room that is there may not do. */
void buf_add_slow(struct buf *, const void *, size_t);

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n > 0 && n <= b->cap - b->len && !b->failed) {
		memcpy(b->p + b->len, p, n);
		b->len += n;
	} else
		buf_add_slow(b, p, n);
}

void buf_addf(struct buf *, const char *fmt, ...) HUB_PRINTF(2, 3);
void buf_vaddf(struct buf *, const char *fmt, va_list);
void buf_addu(struct buf *, uint64_t);
/* A JSON string with quotes: control characters, quote and backslash are
 * escaped, everything else passes. s must be UTF-8. */
void buf_add_json(struct buf *, struct str);
/* Percent-encoded: everything but the unreserved characters of RFC 3986,
 * 2.3 and those listed in also. */
void buf_add_url(struct buf *, struct str, const char *also);
/* Adds a NUL behind the last byte without counting it; "" when empty. A
 * failed buf gives what it holds. */
const char *buf_cstr(struct buf *);

static inline void
buf_adds(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.len);
}

static inline void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

#define BUF_LIT(b, lit) buf_add((b), "" lit, sizeof(lit) - 1)

static inline struct str
buf_str(const struct buf *b)
{
	return ((struct str){ b->p, b->len });
}

#endif
