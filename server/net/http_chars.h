/* server/net/http_chars.h - what a byte may be in a message or a target: one
 * table for the parsers of this folder, one bit per grammar rule. */
#ifndef HUB_NET_HTTP_CHARS_H
#define HUB_NET_HTTP_CHARS_H

#include <stdbool.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum http_char {
	HC_TOKEN = 1,	/* tchar (RFC 9110, 5.6.2) */
	HC_TEXT = 2,	/* HTAB, SP and VCHAR (RFC 9110, 5.5), ASCII only */
	HC_SEGMENT = 4, /* pchar (RFC 3986, 3.3) without '%' and ';' */
	HC_QUERY = 8,	/* pchar and ";/?[]", without '%' */
	HC_HOST = 16,	/* letters, digits, "-._" */
	HC_HEX = 32
};

extern const unsigned char http_chars[256];

static inline bool
http_char_is(char c, enum http_char what)
{
	return ((http_chars[(unsigned char)c] & (unsigned)what) != 0);
}

/* The first byte from p on that is below low, DEL or not ASCII; end if there is
 * none. Most of a head is text without such. */
static inline const char *
http_skip_text(const char *p, const char *end, char low)
{
#ifdef __SSE2__
	const __m128i least = _mm_set1_epi8((char)(low - 1)),
		      del = _mm_set1_epi8(0x7f);
	unsigned text;
	__m128i x;

	for (; end - p >= 16; p += 16) {
		x = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* as signed bytes those that are not ASCII are below 0 */
		text = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(
		    _mm_cmpeq_epi8(x, del), _mm_cmpgt_epi8(x, least)));
		if (text != 0xffff)
			return (p + __builtin_ctz(~text));
	}
#endif
	while (p < end && *p >= low && *p < 0x7f)
		p++;
	return (p);
}

/* The first byte from p on that is no token's; end if there is none. Names of
 * fields are mostly letters, digits and hyphens. */
static inline const char *
http_skip_token(const char *p, const char *end)
{
#ifdef __SSE2__
	__m128i x, lower, letter, digit;
	unsigned name;

	if (end - p >= 16) {
		x = _mm_loadu_si128((const __m128i *)(const void *)p);
		lower = _mm_or_si128(x, _mm_set1_epi8(0x20));
		letter = _mm_and_si128(
		    _mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
		    _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
		digit = _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('0' - 1)),
		    _mm_cmplt_epi8(x, _mm_set1_epi8('9' + 1)));
		name = (unsigned)_mm_movemask_epi8(
		    _mm_or_si128(_mm_or_si128(letter, digit),
			_mm_cmpeq_epi8(x, _mm_set1_epi8('-'))));
		p += __builtin_ctz(~name);
	}
#endif
	while (p < end && http_char_is(*p, HC_TOKEN))
		p++;
	return (p);
}

/* The value of a digit that is HC_HEX. */
static inline unsigned
http_hex(char c)
{
	return (c <= '9' ? (unsigned)(c - '0')
			 : (unsigned)((c | 0x20) - 'a' + 10));
}

#endif
