/* server/ngsild/json_scan.h - the bytes of strings, numbers and words; for
 * json.c alone, whose loop they are inlined into. */
#ifndef HUB_NGSILD_JSON_SCAN_H
#define HUB_NGSILD_JSON_SCAN_H

#include "server/base/str.h"
#include "server/ngsild/json.h"
#include "server/ngsild/json_priv.h"

/* HUB_JSON_SCALAR: without vector code, as on other processors, and without
 * json_alike.h (tests compare with it). */
#if defined(__SSE2__) && !defined(HUB_JSON_SCALAR)
#include <emmintrin.h>
#define JSON_SSE2 1
#else
#define JSON_SSE2 0
#endif

#define INLINE   static inline __attribute__((always_inline))
#define UNUSUAL  static __attribute__((noinline))
#define USUAL(x) __builtin_expect((x), 1)

#if JSON_SSE2
static inline __m128i
load16(const char *p)
{
	return (_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* A bit where a byte is a comma, a colon or an opening bracket. */
static inline unsigned
marks16(const char *p)
{
	const __m128i x = load16(p), comma = _mm_set1_epi8(','),
		      colon = _mm_set1_epi8(':'), brace = _mm_set1_epi8('{'),
		      bit = _mm_set1_epi8(0x20);
	__m128i hit =
	    _mm_or_si128(_mm_cmpeq_epi8(x, comma), _mm_cmpeq_epi8(x, colon));

	/* '[' and '{' differ in bit 0x20 only */
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_or_si128(x, bit), brace));
	return ((unsigned)_mm_movemask_epi8(hit));
}

/* A bit where a byte is a quote, a backslash, a control or not ASCII. */
static inline unsigned
specials16(const char *p)
{
	const __m128i x = load16(p), slash = _mm_set1_epi8('\\'),
		      flip = _mm_set1_epi8(2), low = _mm_set1_epi8(0x21);

	/* xor 2 makes the quote a blank and lifts blank and '!' above it: then
	 * what is below 0x21, as a signed byte, was a quote, a control or not
	 * ASCII. */
	return ((unsigned)_mm_movemask_epi8(
	    _mm_or_si128(_mm_cmplt_epi8(_mm_xor_si128(x, flip), low),
		_mm_cmpeq_epi8(x, slash))));
}

/* The same for 64 bytes, the first in the lowest bit. */
static inline uint64_t
specials64(const char *p)
{
	return ((uint64_t)specials16(p) | (uint64_t)specials16(p + 16) << 16 |
		(uint64_t)specials16(p + 32) << 32 |
		(uint64_t)specials16(p + 48) << 48);
}

/* The special ones of the 64 bytes at base; none behind the end. */
UNUSUAL uint64_t
scan_block(const char *text, size_t base, size_t len)
{
	char last[64];

	if (len - base >= sizeof(last))
		return (specials64(text + base));
	memset(last, ' ', sizeof(last));
	memcpy(last, text + base, len - base);
	return (specials64(last));
}
#endif

/* ---- strings */

/* The first byte that needs a look (quote, backslash, control, not ASCII). */
INLINE size_t
skip_plain(const char *text, size_t at, size_t len)
{
#if JSON_SSE2
	unsigned mask;

	for (; at + 16 <= len; at += 16) {
		mask = specials16(text + at);
		if (mask != 0)
			return (at + (unsigned)__builtin_ctz(mask));
	}
#endif
	while (at < len && text[at] != '"' && text[at] != '\\' &&
	       (unsigned char)text[at] >= 0x20 &&
	       (unsigned char)text[at] < 0x80)
		at++;
	return (at);
}

/* The length of the well-formed UTF-8 sequence (RFC 3629) at p, else 0. */
static size_t
utf8_len(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (u[0] < 0xc2 || u[0] > 0xf4)
		return (0);
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if ((size_t)(end - p) < n)
		return (0);
	if (u[0] == 0xe0)
		low = 0xa0;
	else if (u[0] == 0xed)
		high = 0x9f;
	else if (u[0] == 0xf0)
		low = 0x90;
	else if (u[0] == 0xf4)
		high = 0x8f;
	if (u[1] < low || u[1] > high)
		return (0);
	for (size_t i = 2; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return (0);
	return (n);
}

/* The length of the escape at p, else 0. A surrogate comes as a pair. */
static size_t
escape_len(const char *p, const char *end)
{
	int hi, lo;

	if (end - p < 2)
		return (0);
	if (p[1] != 'u')
		return (
		    p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL ? 2 : 0);
	if (end - p < 6 || (hi = json_hex4(p + 2)) < 0)
		return (0);
	if (hi < 0xd800 || hi > 0xdfff)
		return (6);
	if (hi > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return (0);
	lo = json_hex4(p + 8);
	return (lo >= 0xdc00 && lo <= 0xdfff ? 12 : 0);
}

struct string_end {
	size_t at; /* behind the closing quote; 0: malformed */
	bool escaped;
};

/* From a byte of a string that is not plain. */
UNUSUAL struct string_end
scan_string_on(const char *text, size_t at, size_t len)
{
	struct string_end s = { 0, false };
	size_t n;

	for (; at < len; at = skip_plain(text, at + n, len)) {
		if (text[at] == '"') {
			s.at = at + 1;
			break;
		}
		if (text[at] == '\\') {
			n = escape_len(text + at, text + len);
			s.escaped = true;
		} else /* 0 for controls */
			n = utf8_len(text + at, text + len);
		if (n == 0)
			break;
	}
	return (s);
}

/* ---- numbers and words */

INLINE const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && (unsigned char)(*p - '0') < 10)
		p++;
	return (p);
}

/* RFC 8259, 6, to the letter; NULL when malformed. */
static inline const char *
scan_number(const char *p, const char *end)
{
	const char *from;

	if (*p == '-')
		p++;
	from = p;
	p = skip_digits(p, end);
	if (p == from || (*from == '0' && p - from > 1))
		return (NULL);
	if (p < end && *p == '.') {
		from = ++p;
		p = skip_digits(p, end);
		if (p == from)
			return (NULL);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		p = skip_digits(p, end);
		if (p == from)
			return (NULL);
	}
	return (p);
}

static inline const char *
scan_word(const char *p, const char *end, struct str word)
{
	if ((size_t)(end - p) < word.len || memcmp(p, word.p, word.len) != 0)
		return (NULL);
	return (p + word.len);
}

/* Sets *kind_r by the first byte, which is there. */
static inline size_t
scan_bare(const char *text, size_t at, size_t len, enum json_kind *kind_r)
{
	const char *p = text + at, *end = text + len;

	switch (*p) {
	case 't':
		*kind_r = JSON_TRUE;
		p = scan_word(p, end, STR("true"));
		break;
	case 'f':
		*kind_r = JSON_FALSE;
		p = scan_word(p, end, STR("false"));
		break;
	case 'n':
		*kind_r = JSON_NULL;
		p = scan_word(p, end, STR("null"));
		break;
	default:
		*kind_r = JSON_NUMBER;
		p = scan_number(p, end);
	}
	return (p != NULL ? (size_t)(p - text) : 0);
}

#endif
