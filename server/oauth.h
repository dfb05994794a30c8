/* server/oauth.h - the hub's own tokens towards sources: OAuth 2 client
 * credentials (RFC 6749, 4.4). Fetched ahead of their end, kept in memory
 * alone, each for the one source it was fetched for. Control thread only. */
#ifndef HUB_SERVER_OAUTH_H
#define HUB_SERVER_OAUTH_H

#include "server/net/http_client.h"
#include "server/snapshot.h"

struct oauth;

/* on_tokens borrows the tokens; called each time one came or ended, never
 * from within oauth_region. They are indexed by the sources of the snapshot
 * given to oauth_region last. */
struct oauth *oauth_new(struct loop *,
    void (*on_tokens)(struct source_tokens *, void *),
    void *arg) HUB_MUST_CHECK;
void oauth_free(struct oauth *);
/* A new region is in force (borrowed snapshot; a reference is taken). Tokens
 * of sources that ask the same endpoint with the same credentials are kept.
 * Returns the caller's reference to the tokens for that snapshot, to be
 * published with it. */
struct source_tokens *oauth_region(
    struct oauth *, struct snapshot *) HUB_MUST_CHECK;
/* The source has answered 401: another token, if the last try is over 10 s
 * ago. The old one stays until then. */
void oauth_want(struct oauth *, unsigned source_index);
/* Sources whose token is missing, for readiness. */
unsigned oauth_missing(const struct oauth *);

#endif
