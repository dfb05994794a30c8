/* server/net/http_chars.h - what a byte may be in a message or a target: one
 * table for the parsers of this folder, one bit per grammar rule. */
#ifndef HUB_NET_HTTP_CHARS_H
#define HUB_NET_HTTP_CHARS_H

#include <stdbool.h>

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

/* The value of a digit that is HC_HEX. */
static inline unsigned
http_hex(char c)
{
	return (c <= '9' ? (unsigned)(c - '0')
			 : (unsigned)((c | 0x20) - 'a' + 10));
}

#endif
