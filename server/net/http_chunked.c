/* server/net/http_chunked.c - chunked bodies (RFC 9112, 7.1); http_parse.h says
 * what is promised. */
#include "server/net/http_chars.h"
#include "server/net/http_parse.h"

#define SIZE_DIGITS_MAX 15 /* 60 bits */
#define OVERHEAD_MAX	4096

enum {
	IN_SIZE, /* zero: the start of every chunk */
	IN_EXTENSION,
	AT_SIZE_LF,
	IN_DATA,
	AT_DATA_CR,
	AT_DATA_LF,
	AT_TRAILER, /* the start of a trailer line, or the last one */
	IN_TRAILER_NAME,
	IN_TRAILER_VALUE,
	AT_TRAILER_LF,
	AT_LAST_LF,
	AT_END,
	BROKEN
};

static int chunked_byte(struct http_chunked *, char);

enum http_parsed
http_chunked_feed(struct http_chunked *ch, struct str in, size_t *used_r,
    struct buf *out)
{
	size_t i = 0, n;

	while (i < in.len && ch->state != AT_END && ch->state != BROKEN) {
		if (ch->state != IN_DATA) {
			ch->state = chunked_byte(ch, in.p[i++]);
			continue;
		}
		n = in.len - i;
		if (n > ch->left)
			n = (size_t)ch->left;
		buf_add(out, in.p + i, n);
		i += n;
		ch->left -= n;
		if (ch->left == 0)
			ch->state = AT_DATA_CR;
	}
	*used_r = i;
	if (ch->state == AT_END)
		return (HTTP_DONE);
	return (ch->state == BROKEN ? HTTP_BAD : HTTP_MORE);
}

static int
size_byte(struct http_chunked *ch, char c)
{
	if (http_char_is(c, HC_HEX)) {
		if (++ch->digits > SIZE_DIGITS_MAX)
			return (BROKEN);
		ch->left = ch->left << 4 | http_hex(c);
		return (IN_SIZE);
	}
	if (ch->digits == 0)
		return (BROKEN);
	ch->digits = 0;
	if (c == ';')
		return (IN_EXTENSION);
	return (c == '\r' ? AT_SIZE_LF : BROKEN);
}

/* A byte of an extension or a trailer: CR ends it, only those of kind stay.
 * Nobody reads these bytes, so there is no reason to let any but ASCII in. */
static int
skipped_byte(struct http_chunked *ch, char c, enum http_char kind, int lf)
{
	if (c == '\r' && lf != BROKEN)
		return (lf);
	if (++ch->overhead > OVERHEAD_MAX || !http_char_is(c, kind))
		return (BROKEN);
	return (ch->state);
}

static int
trailer_byte(struct http_chunked *ch, char c)
{
	if (ch->state == IN_TRAILER_VALUE)
		return (skipped_byte(ch, c, HC_TEXT, AT_TRAILER_LF));
	if (ch->state == AT_TRAILER) {
		if (c == '\r')
			return (AT_LAST_LF);
		ch->state = IN_TRAILER_NAME; /* of one byte at least */
	} else if (c == ':')
		return (IN_TRAILER_VALUE);
	return (skipped_byte(ch, c, HC_TOKEN, BROKEN));
}

/* The state after c; never called with IN_DATA. */
static int
chunked_byte(struct http_chunked *ch, char c)
{
	switch (ch->state) {
	case IN_SIZE:
		return (size_byte(ch, c));
	case IN_EXTENSION:
		return (skipped_byte(ch, c, HC_TEXT, AT_SIZE_LF));
	case AT_SIZE_LF:
		if (c != '\n')
			return (BROKEN);
		return (ch->left > 0 ? IN_DATA : AT_TRAILER);
	case AT_DATA_CR:
		return (c == '\r' ? AT_DATA_LF : BROKEN);
	case AT_DATA_LF:
		return (c == '\n' ? IN_SIZE : BROKEN);
	case AT_TRAILER_LF:
		return (c == '\n' ? AT_TRAILER : BROKEN);
	case AT_LAST_LF:
		return (c == '\n' ? AT_END : BROKEN);
	default:
		return (trailer_byte(ch, c));
	}
}
