/* tenants/token_priv.h - what the token's files share. */
#ifndef HUB_TENANTS_TOKEN_PRIV_H
#define HUB_TENANTS_TOKEN_PRIV_H

#include <jansson.h>

#include "tenants/token.h"

#define P256_BYTES 32

/* What a verified payload says about who asks. TOKEN_VALID and
 * TOKEN_FORBIDDEN fill *id_r; never TOKEN_UNKNOWN_KID. */
enum token_verdict token_claims(const json_t *payload, const struct issuer *,
    struct wall_us now, struct arena *, struct identity *id_r,
    const char **why_r) HUB_MUST_CHECK;

/* "RS256" for ISSUER_RS256 and so on; NULL for anything else. */
const char *token_alg_name(unsigned alg);

/* STR_NONE when it is no string; valid as long as the value. */
static inline struct str
json_str(const json_t *v)
{
	if (!json_is_string(v))
		return (STR_NONE);
	return ((struct str){ json_string_value(v), json_string_length(v) });
}

#endif
