/* server/base/str.h - a borrowed view of bytes, and strict readers of it.
 *
 * A str need not end in NUL and may hold any byte. Only str_dup allocates. */
#ifndef HUB_BASE_STR_H
#define HUB_BASE_STR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "server/base/err.h"

struct str {
	const char *p; /* borrowed; may be NULL only when len is 0 */
	size_t len;
};

/* A str from a literal (compile-time length) and from a C string. */
#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })

/* For printf("%.*s", STR_FMT(s)); len must be known to be small. */
#define STR_FMT(s) (int)(s).len, (s).p

static inline struct str
str_of(const char *s)
{
	return ((struct str){ s, s != NULL ? strlen(s) : 0 });
}

static inline bool
str_eq(struct str a, struct str b)
{
	return (a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0));
}

/* Byte order; a prefix is smaller than what it begins. */
int str_cmp(struct str, struct str);
/* ASCII case folding only. */
bool str_caseeq_bytes(const char *, const char *, size_t n);
static inline bool
str_caseeq(struct str a, struct str b)
{
	return (a.len == b.len && str_caseeq_bytes(a.p, b.p, a.len));
}
bool str_prefix(struct str s, struct str prefix);
bool str_suffix(struct str s, struct str suffix);
/* s without its first n bytes (n at most s.len). */
struct str str_from(struct str s, size_t n);
/* Without leading and trailing SP and HTAB. */
struct str str_trim(struct str);
/* Index of the first c, or s.len. */
size_t str_chr(struct str s, char c);
/* Cuts the part before the first sep off *rest; false when *rest was used up
 * (its p is NULL). An empty string has one empty part. */
bool str_cut(struct str *rest, char sep, struct str *part_r);
/* The bytes and a NUL behind them; the caller frees it. */
char *str_dup(struct str) HUB_MUST_CHECK;
/* The same bytes at *to, which has room for them and is moved behind them. */
struct str str_put(char **to, struct str);
/* `*` in the pattern matches any run of bytes; all else is itself. At most
 * pattern.len * s.len steps. */
bool str_glob(struct str pattern, struct str s);

/* Decimal digits only (a leading '-' for str_int), no leading '+', no blanks,
 * no overflow, min <= value <= max; else HUB_ESYNTAX or HUB_ERANGE. */
enum hub_err str_uint(struct str, uint64_t max, uint64_t *value_r)
    HUB_MUST_CHECK;
enum hub_err str_int(struct str, int64_t min, int64_t max, int64_t *value_r)
    HUB_MUST_CHECK;

/* Well-formed UTF-8 (RFC 3629): no surrogates, no overlong forms. NUL is
 * allowed; ask memchr where it is not. */
bool str_utf8(struct str);

/* Damerau-free Levenshtein distance, at most 64 bytes looked at; to name the
 * nearest known word in an error message. */
unsigned str_distance(struct str, struct str);

#endif
