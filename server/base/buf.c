/* server/base/buf.c - growing bytes; buf.h says what they promise. */
#include "server/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

void
buf_init(struct buf *b, size_t max)
{
	assert(max > 0);
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

char *
buf_room(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->failed || n > b->max || b->len > b->max - n) {
		b->failed = true;
		return (NULL);
	}
	need = b->len + n;
	if (need > b->cap) {
		cap = b->cap > 0 ? b->cap : 256;
		while (cap < need)
			cap *= 2;
		if (cap > b->max)
			cap = b->max; /* what fits cap may be added */
		b->p = xrealloc(b->p, cap);
		b->cap = cap;
	}
	return (b->p + b->len);
}

void
buf_reserve(struct buf *b, size_t n)
{
	if (!b->failed && n <= b->max - b->len)
		(void)buf_room(b, n);
}

void
buf_add_slow(struct buf *b, const void *p, size_t n)
{
	char *to;

	if (n == 0)
		return;
	to = buf_room(b, n);
	if (to != NULL) {
		memcpy(to, p, n);
		b->len += n;
	}
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256], *big;
	va_list again;
	size_t len;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	assert(n >= 0);
	len = (size_t)n;
	if (len < sizeof(small))
		buf_add(b, small, len);
	else if (buf_room(b, len) != NULL) {
		big = xmalloc(len + 1); /* room for vsnprintf's NUL */
		(void)vsnprintf(big, len + 1, fmt, again);
		buf_add(b, big, len);
		free(big);
	}
	va_end(again);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_addu(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof(tmp);

	if (v < 10) { /* most numbers are small */
		buf_addc(b, (char)('0' + v));
		return;
	}
	do {
		tmp[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, tmp + i, sizeof(tmp) - i);
}

/* Has a word a byte below 0x20, a quote or a backslash? Such a byte leaves its
 * top bit (Mycroft's zero test). */
static bool
word_needs_escape(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101ULL, tops = ones << 7;
	uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');

	return (((((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) |
		     ((slash - ones) & ~slash)) & tops) != 0);
}

static bool
byte_needs_escape(char c)
{
	return ((unsigned char)c < 0x20 || c == '"' || c == '\\');
}

#ifdef __SSE2__
/* As many bytes as can be looked at sixteen at a time. */
static size_t
plain_blocks(const char *p, size_t n)
{
	const __m128i low = _mm_set1_epi8(0x1f), quote = _mm_set1_epi8('"'),
		      slash = _mm_set1_epi8('\\');
	size_t i = 0;

	for (; n - i >= 16; i += 16) {
		__m128i x = _mm_loadu_si128((const void *)(p + i));
		__m128i bad = _mm_or_si128(_mm_cmpeq_epi8(x, quote),
		    _mm_cmpeq_epi8(x, slash));

		bad = _mm_or_si128(bad, _mm_cmpeq_epi8(_mm_min_epu8(x, low),
					    x));
		if (_mm_movemask_epi8(bad) != 0)
			break;
	}
	return (i);
}
#else
static size_t
plain_blocks(const char *p HUB_UNUSED, size_t n HUB_UNUSED)
{
	return (0);
}
#endif

/* How many bytes from i on need no escape: sixteen, then eight at a time, the
 * last eight may overlap those before. */
static size_t
plain_run(struct str s, size_t i)
{
	size_t from = i;
	uint64_t w;

	i += plain_blocks(s.p + i, s.len - i);
	for (; s.len - i >= 8; i += 8) {
		memcpy(&w, s.p + i, 8);
		if (word_needs_escape(w))
			break;
	}
	if (s.len - i < 8 && s.len - from >= 8) {
		memcpy(&w, s.p + s.len - 8, 8);
		if (!word_needs_escape(w))
			return (s.len - from);
	}
	while (i < s.len && !byte_needs_escape(s.p[i]))
		i++;
	return (i - from);
}

static void
add_escaped(struct buf *b, char c)
{
	static const char hex[] = "0123456789abcdef";
	char esc[6] = { '\\', 'u', '0', '0' };

	if ((unsigned char)c >= 0x20) {
		esc[1] = c;
		buf_add(b, esc, 2);
		return;
	}
	esc[4] = hex[(unsigned char)c >> 4];
	esc[5] = hex[(unsigned char)c & 15];
	buf_add(b, esc, 6);
}

void
buf_add_json(struct buf *b, struct str s)
{
	size_t i = 0, n;

	buf_addc(b, '"');
	while (s.len > 0) {
		n = plain_run(s, i);
		buf_add(b, s.p + i, n);
		i += n;
		if (i == s.len)
			break;
		add_escaped(b, s.p[i++]);
	}
	buf_addc(b, '"');
}

/* RFC 3986, 2.3. */
static bool
is_unreserved(char c)
{
	return (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~');
}

void
buf_add_url(struct buf *b, struct str s, const char *also)
{
	static const char hex[] = "0123456789ABCDEF";
	char esc[3] = { '%' };
	size_t i = 0, from;

	while (i < s.len) {
		for (from = i; i < s.len && is_unreserved(s.p[i]);)
			i++;
		buf_add(b, s.p + from, i - from);
		if (i == s.len)
			break;
		if (s.p[i] != '\0' && strchr(also, s.p[i]) != NULL) {
			buf_addc(b, s.p[i++]);
			continue;
		}
		esc[1] = hex[(unsigned char)s.p[i] >> 4];
		esc[2] = hex[(unsigned char)s.p[i++] & 15];
		buf_add(b, esc, 3);
	}
}

const char *
buf_cstr(struct buf *b)
{
	/* Not by buf_room: the NUL neither counts against the ceiling nor
	 * hides what a failed buf still holds. */
	if (b->len == b->cap)
		b->p = xrealloc(b->p, b->cap + 1);
	b->p[b->len] = '\0';
	return (b->p);
}
