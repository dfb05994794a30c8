/* server/oauth_token.h - what is said to a token endpoint and what it may
 * answer (RFC 6749, 4.4: client credentials). Pure. */
#ifndef HUB_SERVER_OAUTH_TOKEN_H
#define HUB_SERVER_OAUTH_TOKEN_H

#include "server/base/buf.h"
#include "server/url.h"

#define OAUTH_ANSWER_MAX ((size_t)65536)

struct oauth_client {
	struct str id, secret, scope; /* scope may be empty */
};
/* The whole POST request: client_secret_basic (RFC 6749, 2.3.1). The caller
 * wipes it. */
void oauth_request(
    const struct oauth_client *, const struct url_parts *, struct buf *);

struct oauth_answer {
	struct str token; /* malloc'd; ends with oauth_answer_clear */
	int64_t life_s;   /* 1 to a day */
};
/* The answer of a token endpoint, strictly read. HUB_EDENIED: it refused;
 * HUB_ESYNTAX: not what RFC 6749, 5.1 describes. *why_r is a static phrase and
 * never holds bytes of the answer. */
enum hub_err oauth_answer_parse(int status, struct str body,
    struct oauth_answer *, const char **why_r) HUB_MUST_CHECK;
void oauth_answer_clear(struct oauth_answer *);
/* After how many ms of its life a token is fetched anew: at 80 %, at least
 * 30 s before the end, but never in the first half. */
int64_t oauth_refresh_ms(int64_t life_s);
/* How long to wait after that many failures in a row: 1 s doubled to 60 s, of
 * which random (any 32 bits) takes away up to half. */
int64_t oauth_retry_ms(unsigned failures, uint32_t random);

#endif
