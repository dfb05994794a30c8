/* tenants/tenant.h - who is asking: tenants, issuers and the only path from
 * a token to a tenant. Pure and immutable once built; read by many threads.
 *
 * Built from a region by policies/; policy.md §0.4 and §5. */
#ifndef HUB_TENANTS_TENANT_H
#define HUB_TENANTS_TENANT_H

#include "server/base/arena.h"
#include "server/base/clock.h"
#include "server/base/str.h"

enum tenant_kind {
	TENANT_MUNICIPALITY,
	TENANT_DISTRICT,
	TENANT_CITY, /* kreisfreie Stadt */
	TENANT_UTILITY,
	TENANT_RESEARCH,
	TENANT_SERVICE
};

struct tenant {
	struct str name;  /* slug: ^[a-z][a-z0-9-]{1,40}$ */
	struct str title; /* "Stadt Fröndenberg/Ruhr" */
	struct str ags;	  /* eight digits (Amtlicher Gemeindeschlüssel) */
	enum tenant_kind kind;
	bool suspended;
	bool crisis_authority;
	bool failed_sources_error; /* failed-sources = error */
	unsigned index;		   /* dense, from 0, in the set */
	/* Where sources that it registers itself may be: "https://HOST" or
	 * "https://HOST:PORT", checked; none: nowhere. */
	unsigned nmay_register;
	const struct str *may_register;
	/* Pages that may read its answers: "https://HOST" or with a port, as
	 * browsers write it. */
	unsigned norigins;
	const struct str *origins;
};

enum issuer_typ { ISSUER_AT_JWT, ISSUER_LEGACY_BEARER };

/* What ties an issuer's tokens to who may use them: demanded of each. */
enum issuer_sender {
	SENDER_NONE, /* nothing need; what is there is checked */
	SENDER_ANY,  /* one of the two */
	SENDER_MTLS, /* a client certificate (RFC 8705) */
	SENDER_DPOP  /* a key (RFC 9449) */
};

#define ISSUER_RS256 1U
#define ISSUER_ES256 2U

/* One claim value and the tenant it stands for. */
struct issuer_map {
	struct str value;
	const struct tenant *tenant;
};

struct issuer {
	struct str iss; /* compared byte for byte */
	struct str jwks_url;  /* https (http only to loopback), or empty */
	struct str jwks_file; /* content of the file, when no URL is given */
	struct str jwks_ca;   /* PEM file path for the URL; empty: system */
	struct str audience;
	unsigned algorithms; /* ISSUER_RS256 | ISSUER_ES256 */
	enum issuer_typ typ;
	enum issuer_sender sender;
	struct str tenant_claim; /* one claim name */
	struct str step_up_acr;	 /* acr that crises demand; empty: none */
	struct str web_client;	 /* of the web page; empty: no login with it */
	struct str web_scope;	 /* what the page asks for; empty: as usual */
	struct str roles_path;	 /* dotted, but a client id may hold dots:
				    see token.c */
	int64_t max_ttl_s;	 /* exp - iat at most; default 3600 */
	int64_t skew_s;		 /* default 30, 0..60 */
	struct wall_us tokens_before; /* issued earlier: refused; or absent */
	unsigned nmap;
	const struct issuer_map *map;
	unsigned index; /* dense, from 0 */
};

struct tenant_set {
	unsigned ntenants, nissuers;
	const struct tenant *tenants;
	const struct issuer *issuers;
};

/* NULL when there is none. Exact bytes only. */
const struct tenant *tenant_find(const struct tenant_set *, struct str name);
/* May it register a source there? "*" in a pattern's host stands for any run
 * of characters, case does not count; a pattern without a port is good for
 * every port. */
bool tenant_may_register(const struct tenant *, bool https, struct str host,
    uint16_t port) HUB_MUST_CHECK;
/* Does it, does anyone list that Origin? Exact bytes only. */
bool tenant_has_origin(const struct tenant *, struct str) HUB_MUST_CHECK;
bool tenants_have_origin(const struct tenant_set *, struct str) HUB_MUST_CHECK;
const struct issuer *issuer_find(const struct tenant_set *, struct str iss);
/* The tenant for which this issuer may speak under that claim value. */
const struct tenant *issuer_tenant(const struct issuer *, struct str value);

#endif
