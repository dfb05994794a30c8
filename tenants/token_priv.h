/* tenants/token_priv.h - what the token's files share. */
#ifndef HUB_TENANTS_TOKEN_PRIV_H
#define HUB_TENANTS_TOKEN_PRIV_H

#include "tenants/jws.h"
#include "tenants/token.h"

/* What a verified payload says about who asks. TOKEN_VALID and
 * TOKEN_FORBIDDEN fill *id_r; never TOKEN_UNKNOWN_KID. */
enum token_verdict token_claims(const json_t *payload, const struct issuer *,
    struct wall_us now, struct arena *, struct identity *id_r,
    const char **why_r) HUB_MUST_CHECK;

#endif
