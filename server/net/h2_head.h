/* server/net/h2_head.h - a request's field section (RFC 9113, 8) made into the
 * head that HTTP/1.1 would have had, so that one parser, http_parse.h, judges
 * both. Pure: fields in, spans out.
 *
 * Refused here: what that text could not show. Pseudo-fields twice, unknown,
 * missing or behind others; a scheme but https; an :authority that Host
 * contradicts; a :path that is no origin-form; names with upper case; values
 * with CR, LF or NUL or with blanks around them; fields that belong to a
 * connection; TE but "trailers". What the parser finds in the text must be as
 * many fields as were put in, and end where it ends. */
#ifndef HUB_NET_H2_HEAD_H
#define HUB_NET_H2_HEAD_H

#include "server/net/http_parse.h"

enum h2_pseudo { H2_METHOD, H2_SCHEME, H2_AUTHORITY, H2_PATH, H2_PSEUDOS };

struct h2_head {
	struct buf text;  /* the pseudo-fields' values, then the head */
	size_t max, list; /* bytes as RFC 9113, 6.5.2 counts them */
	size_t start;     /* of the head in text; 0: not begun */
	struct {
		size_t at, len;
		bool seen;
	} pseudo[H2_PSEUDOS];
	unsigned nfields; /* lines of the head */
	int status;       /* that refuses; 0: none yet */
};

/* max: ceiling of the section; 431 above it. */
void h2_head_init(struct h2_head *, size_t max);
void h2_head_clear(struct h2_head *);
/* One field, as it came. Once refused, fields cost nothing more. */
void h2_head_field(struct h2_head *, struct str name, struct str value);
/* 0, or the status that refuses: 400, 414, 431. ended: no DATA follows. Spans
 * of *head_r live until h2_head_clear. framing is as of HTTP/1.1; a body whose
 * length is not told is HTTP_BODY_CHUNKED. */
int h2_head_finish(
    struct h2_head *, bool ended, struct http_head *head_r) HUB_MUST_CHECK;
/* Of a section that was refused, too. */
bool h2_head_is_head(const struct h2_head *);

#endif
