/* server/net/http_lex.h - the lexer under http_parse.c, of no use elsewhere: it
 * knows the grammar of a head, not what its fields mean. */
#ifndef HUB_NET_HTTP_LEX_H
#define HUB_NET_HTTP_LEX_H

#include "server/net/http_parse.h"

enum http_lex_state {
	AT_METHOD, /* the start of a request: *scanned is 0 */
	AT_TARGET,
	AT_VERSION,
	AT_STATUS, /* the start of an answer */
	AT_REASON,
	AT_NAME, /* also the blank line */
	AT_VALUE,
	AT_END
};

/* Fills what stands in the start line, minor, size and the fields; the rest of
 * *head is zeroed, but for the unused fields. *scanned is opaque. Whether a
 * prefix is HTTP_BAD does not depend on how it was cut into calls. *status_r
 * is set at HTTP_BAD only: 400, 414, 431 or 505. */
enum http_parsed http_lex(struct str bytes, size_t *scanned, size_t max,
    enum http_lex_state start, struct http_head *, int *status_r)
    HUB_MUST_CHECK;

#endif
