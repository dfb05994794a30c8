/* tenants/dpop.h - proofs that a client holds the key its token is bound to
 * (RFC 9449, policy.md §5). A verifier of its own: neither takes a proof for a
 * token nor the reverse (RFC 8725, 3.12). Pure.
 *
 * Nonces of the hub (RFC 9449, 8) are not asked for: proofs are short-lived
 * and taken once. */
#ifndef HUB_TENANTS_DPOP_H
#define HUB_TENANTS_DPOP_H

#include "server/base/arena.h"
#include "server/base/clock.h"
#include "server/base/hash.h"

#define DPOP_BYTES_MAX ((size_t)4096)
#define DPOP_LIFE_S    60 /* from iat on; the issuer's skew comes on top */
#define DPOP_JTI_MAX   256

/* What the proof must be for. */
struct dpop_demand {
	struct str token;    /* the access token as it was sent */
	struct str jkt;	     /* its cnf.jkt: SHA256_LEN bytes */
	unsigned algorithms; /* ISSUER_..., of the token's issuer */
	int64_t skew_s;	     /* of the token's issuer */
	struct str method;   /* as sent */
	struct str host;     /* authority of the request, with its port */
	struct str path;     /* as sent, without the query */
	bool tls;	     /* else https or http: who ends TLS before us? */
};

/* What tells a good proof from all others, and how long it would stay good. */
struct dpop_mark {
	unsigned char id[SHA256_LEN]; /* of key and jti */
	int64_t issued_s, until_s;    /* seconds since 1970, both included */
};

/* proof: the only DPoP field. *why_r: a static phrase for the log. *mark_r is
 * for replay_add: without that a proof is good more than once. The thread's
 * OpenSSL error queue is empty when it returns. */
bool dpop_verify(struct str proof, const struct dpop_demand *,
    struct wall_us now, struct arena *, struct dpop_mark *mark_r,
    const char **why_r) HUB_MUST_CHECK;

/* Makes one, for tests and for trying: key is a PEM private key, alg
 * ISSUER_RS256 or ISSUER_ES256, url without query and fragment; jti is drawn.
 * HUB_ESYNTAX: key, method or url are not usable. */
enum hub_err dpop_make(struct str token, struct str method, struct str url,
    unsigned alg, struct str key_pem, struct wall_us now, struct arena *,
    struct str *proof_r) HUB_MUST_CHECK;

#endif
