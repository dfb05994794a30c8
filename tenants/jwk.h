/* tenants/jwk.h - one public key as JSON (RFC 7517, RFC 7518) and its
 * thumbprint (RFC 7638). */
#ifndef HUB_TENANTS_JWK_H
#define HUB_TENANTS_JWK_H

#include <jansson.h>
#include <openssl/types.h>

#include "server/base/buf.h"
#include "server/base/hash.h"

/* Strict: kty RSA (2048..4096 bit, e = 65537) for RS256 or kty EC, crv P-256
 * (on the curve) for ES256; use absent or "sig", alg absent or equal, key_ops
 * absent or with "verify", nothing of a private key. NULL for anything else;
 * *algorithm_r is ISSUER_RS256 or ISSUER_ES256. May leave errors in OpenSSL's
 * queue. vouched: it is known to be the key that an issuer named, so that an
 * RSA modulus need not be looked at closely. */
EVP_PKEY *jwk_read(const json_t *jwk, bool vouched, unsigned *algorithm_r)
    HUB_MUST_CHECK;
/* Of the members that make the key, without making it. false: jwk_read would
 * not take it either; true does not say that it would. */
bool jwk_thumbprint(const json_t *jwk, unsigned char out[SHA256_LEN])
    HUB_MUST_CHECK;
/* Its public part, with those members alone and in their order: what the
 * thumbprint is the hash of. false: neither RSA nor EC, or no room. */
bool jwk_write(EVP_PKEY *, struct buf *) HUB_MUST_CHECK;
bool jwk_thumbprint_of(EVP_PKEY *, unsigned char out[SHA256_LEN])
    HUB_MUST_CHECK;

#endif
