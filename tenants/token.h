/* tenants/token.h - access tokens: the strict gate, the signature, the claims
 * (policy.md §5; RFC 7519, RFC 8725, RFC 9068). The only user of libjwt.
 *
 * Every failed step denies; there is one way out. Zero is "denied". */
#ifndef HUB_TENANTS_TOKEN_H
#define HUB_TENANTS_TOKEN_H

#include "tenants/keyset.h"
#include "tenants/tenant.h"

#define TOKEN_BYTES_MAX	 ((size_t)8192)
#define TOKEN_CACHED_MAX ((size_t)4096) /* longer: verified each time */
#define TOKEN_PURPOSES_MAX 16

enum token_verdict {
	TOKEN_DENIED = 0,  /* 401, one body for every cause */
	TOKEN_UNKNOWN_KID, /* 401 unless a fresh key set knows it */
	TOKEN_FORBIDDEN,   /* 403: issuer-not-entitled, ambiguous-tenant,
			      suspended */
	TOKEN_VALID
};

enum role {
	ROLE_DATA_READER = 1 << 0,
	ROLE_SOURCE_ADMIN = 1 << 1,
	ROLE_POLICY_EDITOR = 1 << 2,
	ROLE_POLICY_APPROVER = 1 << 3,
	ROLE_CRISIS_OFFICER = 1 << 4,
	ROLE_CRISIS_CONFIRMER = 1 << 5,
	ROLE_FINANCE_READER = 1 << 6,
	ROLE_AUDITOR = 1 << 7,
	ROLE_TENANT_ADMIN = 1 << 8,
	ROLE_HUB_OPERATOR = 1 << 9
};

/* Its name in a token; empty: no one role. */
struct str token_role_name(unsigned role);

#define SCOPE_HUB_READ	    1U
#define SCOPE_HUB_TEMPORAL  2U
#define SCOPE_HUB_SUBSCRIBE 4U

#define BOUND_CERT 1U /* cnf.x5t#S256 (RFC 8705) */
#define BOUND_KEY  2U /* cnf.jkt (RFC 9449) */

/* What a verified token says. Spans point into the arena given. */
struct identity {
	const struct tenant *tenant; /* borrowed from the tenant_set */
	const struct issuer *issuer;
	struct str subject;    /* sub, at most 255 bytes */
	struct str client;     /* azp or client_id; may be empty */
	bool program;	       /* no person is behind it, as far as it says */
	struct str jti;	       /* may be empty */
	struct str acr;	       /* how they have shown who they are, or empty */
	int64_t auth_s;	       /* and when, seconds since 1970; 0: unknown */
	unsigned roles;	       /* ROLE_... */
	unsigned scopes;       /* SCOPE_... */
	unsigned npurposes;    /* purpose:<name> of the scope */
	struct str purposes[TOKEN_PURPOSES_MAX];
	unsigned bound;	       /* BOUND_...: each must be proved, each time */
	struct str x5t, jkt;   /* SHA256_LEN bytes each, if bound to it */
	struct wall_us expires; /* exp plus skew: refused from then on */
	const char *forbidden; /* TOKEN_FORBIDDEN: the problem's name */
	/* What the token does not say and whoever verified it may add: what the
	 * person is called in usage records, 0: nobody, and until when. */
	uint64_t person;
	struct wall_us person_until;
};

/* token: what followed "Bearer " or "DPoP ". A token that is bound
 * (id_r->bound) is good only with its proof, which is not looked at here: a
 * cached identity needs it as well. *why_r: a static phrase for the log ("alg
 * not allowed"). TOKEN_VALID and TOKEN_FORBIDDEN fill *id_r. TOKEN_UNKNOWN_KID
 * fills only id_r->issuer, whose keys should be fetched. The thread's OpenSSL
 * error queue is empty when it returns. */
enum token_verdict token_verify(const struct tenant_set *,
    const struct keyring *, struct str token, struct wall_us now,
    struct arena *, struct identity *id_r, const char **why_r) HUB_MUST_CHECK;

/* Signs claims (a JSON object) for tests and the demo issuer only: key is a
 * PEM private key, alg ISSUER_RS256 or ISSUER_ES256. *token_r lives in the
 * arena. HUB_ESYNTAX: claims, kid, typ or key are not usable; HUB_ERANGE: more
 * than TOKEN_BYTES_MAX. */
enum hub_err token_mint(struct str claims_json, unsigned alg, struct str kid,
    struct str typ, struct str key_pem, struct arena *, struct str *token_r)
    HUB_MUST_CHECK;

/* Verified tokens, one cache per worker (not shared): found by a keyed hash,
 * compared whole. An entry lives until min(exp + skew, 60 s) and
 * is void when either generation changed. Bounded; the oldest give way. Only
 * TOKEN_VALID is kept. entries: 1 to 2^20, rounded up to a power of two. */
struct token_cache;
struct token_cache *token_cache_new(unsigned entries) HUB_MUST_CHECK;
void token_cache_free(struct token_cache *);
/* Valid until the next token_cache_put; NULL: not there. */
const struct identity *token_cache_find(struct token_cache *, struct str token,
    struct wall_us now, uint64_t region_generation,
    uint64_t keyring_generation);
/* Copies what *id points to. */
void token_cache_put(struct token_cache *, struct str token,
    const struct identity *id, struct wall_us now, uint64_t region_generation,
    uint64_t keyring_generation);

#endif
