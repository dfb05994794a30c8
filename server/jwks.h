/* server/jwks.h - keeps the issuers' key sets fresh (policy.md §5): files at
 * once, URLs every 10 min and on demand at most once per 30 s, stale ones for
 * 24 h when the issuer is away. Control thread only. */
#ifndef HUB_SERVER_JWKS_H
#define HUB_SERVER_JWKS_H

#include "server/net/http_client.h"
#include "server/snapshot.h"
#include "tenants/keyset.h"

struct jwks;

/* on_keyring borrows the keyring; called each time a set changed (and once
 * for every jwks_region). CA files are relative to folder. */
struct jwks *jwks_new(struct loop *, const char *folder,
    void (*on_keyring)(struct keyring *, void *), void *arg) HUB_MUST_CHECK;
void jwks_free(struct jwks *);
/* A new region is in force (borrowed snapshot; a reference is taken): sets of
 * issuers that are the same (iss, URL, file content) are kept. Calls
 * on_keyring before it returns, with a keyring for that snapshot's issuers,
 * so that control can publish the pair (worker_publish). */
void jwks_region(struct jwks *, struct snapshot *);
void jwks_want(struct jwks *, unsigned issuer_index);
/* Issuers whose set is missing or older than 24 h, for readiness. */
unsigned jwks_missing(const struct jwks *);
/* Of the i-th issuer, with its name: since its set was fetched; -1: it has
 * none, or it is in a file. false: there are no more. */
bool jwks_age(const struct jwks *, unsigned i, struct str *iss_r, int64_t *us_r)
    HUB_MUST_CHECK;

#endif
