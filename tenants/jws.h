/* tenants/jws.h - signed JSON in compact form (RFC 7515, 7.1), taken apart and
 * put together: what access tokens and proofs of possession have in common.
 * What each must say is checked by its own reader (RFC 8725, 3.12). */
#ifndef HUB_TENANTS_JWS_H
#define HUB_TENANTS_JWS_H

#include <jansson.h>
#include <openssl/types.h>

#include "server/base/arena.h"
#include "server/base/buf.h"

#define P256_BYTES 32

/* Parts of the text, borrowed. */
struct jws {
	struct str head64, body64, sig64;
	struct str signed64; /* head and body with the dot */
};

/* False unless text has at most max bytes and three parts, none empty;
 * *why_r is a static phrase then, here and below. */
bool jws_split(struct str text, size_t max, struct jws *, const char **why_r)
    HUB_MUST_CHECK;
/* NULL unless it is base64url without padding of one JSON object in UTF-8,
 * no name twice at any depth, no NUL even escaped. */
json_t *jws_object(struct str s64, struct arena *) HUB_MUST_CHECK;

/* "RS256" for ISSUER_RS256 and so on; NULL for anything else, and back: 0. */
const char *jws_alg_name(unsigned alg);
unsigned jws_alg(const json_t *head);
/* Has it one of these members? The list ends in NULL. */
bool jws_has(const json_t *object, const char *const *names);

/* Strict in the signature's form; the key must be one of that algorithm.
 * May leave errors in OpenSSL's queue. */
bool jws_verify(const struct jws *, unsigned alg, EVP_PKEY *, struct arena *,
    const char **why_r) HUB_MUST_CHECK;
/* Appends the dot and the signature of what is there. */
bool jws_sign(struct buf *, unsigned alg, EVP_PKEY *) HUB_MUST_CHECK;
/* The private key in a PEM text if it is one for that algorithm, else NULL. */
EVP_PKEY *jws_private_key(struct str pem, unsigned alg) HUB_MUST_CHECK;
/* RFC 4648, 5, without padding. */
void jws_add_b64url(struct buf *, const void *, size_t);

/* A JSON integer of seconds before the year 10000: neither real nor string. */
bool jws_seconds(const json_t *, int64_t *seconds_r) HUB_MUST_CHECK;

/* STR_NONE when it is no string; valid as long as the value. */
static inline struct str
json_str(const json_t *v)
{
	if (!json_is_string(v))
		return (STR_NONE);
	return ((struct str){ json_string_value(v), json_string_length(v) });
}

#endif
