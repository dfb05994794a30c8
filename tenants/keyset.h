/* tenants/keyset.h - the public keys of one issuer (RFC 7517).
 *
 * Immutable once parsed, counted, shared by threads. */
#ifndef HUB_TENANTS_KEYSET_H
#define HUB_TENANTS_KEYSET_H

#include <openssl/types.h>

#include "server/base/str.h"
#include "tenants/tenant.h"

#define KEYSET_BYTES_MAX ((size_t)65536)
#define KEYSET_KEYS_MAX	 16

struct keyset;

/* Strict: at most 64 KiB, 16 keys, no duplicate JSON members. Taken: kty RSA
 * (2048..4096 bit, e = 65537) for RS256 and kty EC, crv P-256 (on the curve)
 * for ES256, with a kid of ^[A-Za-z0-9._:-]{1,128}$, use absent or "sig", alg
 * absent or equal, key_ops absent or with "verify". Everything else in the set
 * is skipped ("oct" always, and a private key that was published); two
 * taken keys of one kid make the set invalid. *why_r is a static phrase. */
enum hub_err keyset_parse(struct str json, struct keyset **, const char **why_r)
    HUB_MUST_CHECK;
struct keyset *keyset_ref(struct keyset *) HUB_MUST_CHECK;
void keyset_unref(struct keyset **);
unsigned keyset_size(const struct keyset *);

struct keyset_key {
	struct str kid;
	unsigned algorithm; /* exactly one of ISSUER_RS256, ISSUER_ES256 */
	EVP_PKEY *pkey;	    /* borrowed from the set */
	struct str pem;	    /* the same key as PEM text */
};
/* ^[A-Za-z0-9._:-]{1,128}$: data for a look-up, nothing else. */
bool keyset_kid_ok(struct str kid);
/* NULL when unknown. */
const struct keyset_key *keyset_find(const struct keyset *, struct str kid);

/* The key sets of all issuers at one time, indexed like tenant_set.issuers;
 * an entry is NULL until its first fetch succeeded. Immutable, counted. */
struct keyring {
	unsigned refs; /* atomic; the module's own */
	uint64_t generation;
	unsigned n;
	struct keyset *sets[];
};
/* Takes references of its own on the sets. */
struct keyring *keyring_new(uint64_t generation, unsigned n,
    struct keyset *const *sets) HUB_MUST_CHECK;
struct keyring *keyring_ref(struct keyring *) HUB_MUST_CHECK;
void keyring_unref(struct keyring **);

#endif
