/* tenants/token_claims.c - from a verified payload to an identity; policy.md
 * §5 has the contract. */
#include "server/base/hash.h"
#include "tenants/token_priv.h"

#define TEXT_MAX  255

struct claims {
	const json_t *payload;
	const struct issuer *issuer;
	struct wall_us now;
	struct arena *arena;
	int64_t exp, iat, nbf; /* seconds since 1970 */
	struct identity id;
};

static bool binding_ok(struct claims *);
static bool sender_ok(struct claims *);
static bool type_ok(struct claims *);
static bool audience_ok(struct claims *);
static bool times_ok(struct claims *);
static bool life_ok(struct claims *);
static bool not_expired(struct claims *);
static bool begun(struct claims *);
static bool not_revoked(struct claims *);
static bool subject_ok(struct claims *);
static bool client_ok(struct claims *);
static bool jti_ok(struct claims *);
static bool login_ok(struct claims *);
static bool scope_ok(struct claims *);
static bool roles_ok(struct claims *);
static enum token_verdict tenant_read(struct claims *, const char **why_r);

/* All must hold, in this order. */
static const struct {
	const char *refusal;
	bool (*ok)(struct claims *);
} checks[] = {
	{ "bound in an unknown way", binding_ok },
	{ "not bound as the issuer promises", sender_ok },
	{ "payload typ is not Bearer", type_ok },
	{ "audience", audience_ok },
	{ "times missing or malformed", times_ok },
	{ "lifetime", life_ok },
	{ "expired", not_expired },
	{ "not yet valid", begun },
	{ "issued before tokens-before", not_revoked },
	{ "subject missing or malformed", subject_ok },
	{ "client malformed", client_ok },
	{ "jti malformed", jti_ok },
	{ "acr or auth_time malformed", login_ok },
	{ "scope malformed", scope_ok },
	{ "roles malformed", roles_ok },
};

static const struct {
	const char *name;
	unsigned role;
} roles[] = {
	{ "data-reader", ROLE_DATA_READER },
	{ "source-admin", ROLE_SOURCE_ADMIN },
	{ "policy-editor", ROLE_POLICY_EDITOR },
	{ "policy-approver", ROLE_POLICY_APPROVER },
	{ "crisis-officer", ROLE_CRISIS_OFFICER },
	{ "crisis-confirmer", ROLE_CRISIS_CONFIRMER },
	{ "finance-reader", ROLE_FINANCE_READER },
	{ "auditor", ROLE_AUDITOR },
	{ "tenant-admin", ROLE_TENANT_ADMIN },
	{ "hub-operator", ROLE_HUB_OPERATOR },
};

static const struct {
	const char *name;
	unsigned scope;
} scopes[] = {
	{ "hub.read", SCOPE_HUB_READ },
	{ "hub.temporal", SCOPE_HUB_TEMPORAL },
	{ "hub.subscribe", SCOPE_HUB_SUBSCRIBE },
};

struct str
token_role_name(unsigned role)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i].role == role)
			return (str_of(roles[i].name));
	return (STR_NONE);
}

enum token_verdict
token_claims(const json_t *payload, const struct issuer *issuer,
    struct wall_us now, struct arena *arena, struct identity *id_r,
    const char **why_r)
{
	struct claims c = { .payload = payload,
		.issuer = issuer,
		.now = now,
		.arena = arena,
		.id = { .issuer = issuer } };
	enum token_verdict verdict;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (!checks[i].ok(&c)) {
			*why_r = checks[i].refusal;
			return (TOKEN_DENIED);
		}
	}
	verdict = tenant_read(&c, why_r);
	if (verdict == TOKEN_VALID || verdict == TOKEN_FORBIDDEN)
		*id_r = c.id;
	return (verdict);
}

/* One member of cnf: a SHA-256. */
static bool
bound_to(struct claims *c, struct str name, struct str value)
{
	static const struct {
		const char *name;
		unsigned bound;
		size_t field;
	} ways[] = {
		{ "x5t#S256", BOUND_CERT, offsetof(struct identity, x5t) },
		{ "jkt", BOUND_KEY, offsetof(struct identity, jkt) },
	};
	unsigned char *hash = arena_raw(c->arena, B64URL_MAX(43));
	struct str s = { (const char *)hash, SHA256_LEN };
	size_t n;

	if (value.len != 43 || b64url_decode(value, hash, &n) != HUB_OK ||
	    n != SHA256_LEN)
		return (false);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!str_eq(name, str_of(ways[i].name)))
			continue;
		memcpy((char *)&c->id + ways[i].field, &s, sizeof(s));
		c->id.bound |= ways[i].bound;
		return (true);
	}
	return (false);
}

/* RFC 7800, 3.1 binds a token to its holder. A binding that we cannot check
 * is no binding that we may ignore: an empty or unknown cnf is refused. */
static bool
binding_ok(struct claims *c)
{
	const json_t *cnf = json_object_get(c->payload, "cnf");
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)cnf, name, member) {
		if (!bound_to(c, str_of(name), json_str(member)))
			return (false);
	}
	return (cnf == NULL || c->id.bound != 0);
}

/* What the issuer promises for each of its tokens must be so. */
static bool
sender_ok(struct claims *c)
{
	static const unsigned one_of[] = {
		[SENDER_ANY] = BOUND_CERT | BOUND_KEY,
		[SENDER_MTLS] = BOUND_CERT,
		[SENDER_DPOP] = BOUND_KEY,
	};

	return (c->issuer->sender == SENDER_NONE ||
	    (c->id.bound & one_of[c->issuer->sender]) != 0);
}

/* Keycloak writes ID, Refresh, Offline and Logout here for the others, and
 * DPoP for what is bound to a key. */
static bool
type_ok(struct claims *c)
{
	struct str typ = json_str(json_object_get(c->payload, "typ"));

	return (c->issuer->typ != ISSUER_LEGACY_BEARER ||
	    str_eq(typ, STR("Bearer")) ||
	    (str_eq(typ, STR("DPoP")) && (c->id.bound & BOUND_KEY) != 0));
}

/* RFC 7519, 4.1.3: a string or strings; without any it is for nobody. */
static bool
audience_ok(struct claims *c)
{
	const json_t *aud = json_object_get(c->payload, "aud"), *v;
	bool ours = false;
	size_t i;

	if (c->issuer->audience.len == 0)
		return (false);
	if (json_is_string(aud))
		return (str_eq(json_str(aud), c->issuer->audience));
	json_array_foreach(aud, i, v) {
		if (!json_is_string(v))
			return (false);
		if (str_eq(json_str(v), c->issuer->audience))
			ours = true;
	}
	return (ours);
}

static bool
times_ok(struct claims *c)
{
	const json_t *nbf = json_object_get(c->payload, "nbf");

	return (jws_seconds(json_object_get(c->payload, "exp"), &c->exp) &&
	    jws_seconds(json_object_get(c->payload, "iat"), &c->iat) &&
	    (nbf == NULL || jws_seconds(nbf, &c->nbf)));
}

static bool
life_ok(struct claims *c)
{
	return (c->exp > c->iat && c->exp - c->iat <= c->issuer->max_ttl_s);
}

/* RFC 7519, 4.1.4: refused from exp on; the skew moves that. */
static bool
not_expired(struct claims *c)
{
	c->id.expires.us = (c->exp + c->issuer->skew_s) * 1000000;
	return (c->now.us < c->id.expires.us);
}

static bool
begun(struct claims *c)
{
	int64_t from = c->iat > c->nbf ? c->iat : c->nbf;

	return ((from - c->issuer->skew_s) * 1000000 <= c->now.us);
}

static bool
not_revoked(struct claims *c)
{
	return (c->iat * 1000000 >= c->issuer->tokens_before.us);
}

/* Goes to the ledger and to people's screens: no control characters. */
static bool
text_ok(struct str s)
{
	if (s.len < 1 || s.len > TEXT_MAX)
		return (false);
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (false);
	}
	return (true);
}

static bool
subject_ok(struct claims *c)
{
	struct str sub = json_str(json_object_get(c->payload, "sub"));

	if (!text_ok(sub))
		return (false);
	c->id.subject = arena_str(c->arena, sub);
	return (true);
}

/* The subject is the client itself (RFC 9068, 2.2), or the account that
 * Keycloak has made for it. The name is looked at and not kept. */
static bool
is_program(const struct claims *c)
{
	static const struct str prefix = STR("service-account-");
	struct str name = json_str(json_object_get(c->payload,
	    "preferred_username"));

	return (str_eq(c->id.subject, c->id.client) ||
	    (str_prefix(name, prefix) &&
		str_caseeq(str_from(name, prefix.len), c->id.client)));
}

static bool
client_ok(struct claims *c)
{
	const json_t *v = json_object_get(c->payload, "azp");

	if (v == NULL)
		v = json_object_get(c->payload, "client_id");
	if (v == NULL)
		return (true);
	if (!text_ok(json_str(v)))
		return (false);
	c->id.client = arena_str(c->arena, json_str(v));
	c->id.program = is_program(c);
	return (true);
}

/* What it says is what a token is revoked by. */
static bool
jti_ok(struct claims *c)
{
	const json_t *v = json_object_get(c->payload, "jti");

	if (v == NULL)
		return (true);
	if (!text_ok(json_str(v)))
		return (false);
	c->id.jti = arena_str(c->arena, json_str(v));
	return (true);
}

/* RFC 9470, 6.2: acr and auth_time. */
static bool
login_ok(struct claims *c)
{
	const json_t *acr = json_object_get(c->payload, "acr");
	const json_t *at = json_object_get(c->payload, "auth_time");

	if (acr != NULL && !text_ok(json_str(acr)))
		return (false);
	if (acr != NULL)
		c->id.acr = arena_str(c->arena, json_str(acr));
	return (at == NULL || jws_seconds(at, &c->id.auth_s));
}

/* ^[a-z][a-z0-9-]{1,40}$, as purposes are named in a region. */
static bool
slug_ok(struct str s)
{
	if (s.len < 2 || s.len > 41 || s.p[0] < 'a' || s.p[0] > 'z')
		return (false);
	for (size_t i = 1; i < s.len; i++) {
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') ||
			(s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
			return (false);
	}
	return (true);
}

/* False when there are more than we hold: none is dropped in silence. */
static bool
purpose_add(struct identity *id, struct str name, struct arena *arena)
{
	for (unsigned i = 0; i < id->npurposes; i++) {
		if (str_eq(id->purposes[i], name))
			return (true);
	}
	if (id->npurposes == TOKEN_PURPOSES_MAX)
		return (false);
	id->purposes[id->npurposes++] = arena_str(arena, name);
	return (true);
}

static unsigned
scope_bit(struct str word)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (str_eq(word, str_of(scopes[i].name)))
			return (scopes[i].scope);
	}
	return (0);
}

/* RFC 8693, 4.2: one string, words apart by single spaces. Words that are not
 * ours are for other services. */
static bool
scope_ok(struct claims *c)
{
	const json_t *v = json_object_get(c->payload, "scope");
	struct str rest = json_str(v), word, prefix = STR("purpose:");

	if (v != NULL && !json_is_string(v))
		return (false);
	while (str_cut(&rest, ' ', &word)) {
		c->id.scopes |= scope_bit(word);
		if (str_prefix(word, prefix) &&
		    slug_ok(str_from(word, prefix.len)) &&
		    !purpose_add(&c->id, str_from(word, prefix.len), c->arena))
			return (false);
	}
	return (true);
}

/* Follows a dotted path. A client id may hold dots itself, so that at every
 * level the longest name that begins the path is taken, and no other is tried
 * after it: one path has one meaning. NULL when it leads nowhere. */
static const json_t *
path_find(const json_t *v, struct str path)
{
	const char *name, *best;
	struct str key;
	json_t *member;
	size_t taken;

	while (path.len > 0) {
		taken = 0;
		best = NULL;
		json_object_foreach((json_t *)v, name, member) {
			key = str_of(name);
			if (key.len > taken && str_prefix(path, key) &&
			    (key.len == path.len || path.p[key.len] == '.')) {
				taken = key.len;
				best = name;
			}
		}
		if (best == NULL)
			return (NULL);
		v = json_object_get(v, best);
		path = str_from(path, taken);
		if (path.len == 1)
			return (NULL); /* ends in a dot */
		if (path.len > 0)
			path = str_from(path, 1);
	}
	return (v);
}

static unsigned
role_bit(struct str name)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (str_eq(name, str_of(roles[i].name)))
			return (roles[i].role);
	}
	return (0);
}

static bool
roles_ok(struct claims *c)
{
	const json_t *list, *v;
	size_t i;

	if (c->issuer->roles_path.len == 0)
		return (true);
	list = path_find(c->payload, c->issuer->roles_path);
	if (list == NULL)
		return (true);
	if (!json_is_array(list))
		return (false);
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return (false);
		c->id.roles |= role_bit(json_str(v));
	}
	return (true);
}

/* How many organisations Keycloak's claim names, as a list or as the names of
 * a map; 0 when it is neither or malformed. *value_r is the last one's. */
static size_t
organizations(const json_t *v, struct str *value_r)
{
	const char *name;
	json_t *member;
	size_t i, n = 0;

	json_array_foreach(v, i, member) {
		if (!json_is_string(member))
			return (0);
		*value_r = json_str(member);
		n++;
	}
	json_object_foreach((json_t *)v, name, member) {
		if (!json_is_object(member))
			return (0);
		*value_r = str_of(name);
		n++;
	}
	return (n);
}

static enum token_verdict
forbid(struct claims *c, const char *problem, const char **why_r)
{
	c->id.forbidden = *why_r = problem;
	return (TOKEN_FORBIDDEN);
}

static enum token_verdict
tenant_read(struct claims *c, const char **why_r)
{
	struct str claim = c->issuer->tenant_claim, value = STR_NONE;
	const char *name;
	const json_t *v = NULL;
	json_t *member;
	size_t n;

	json_object_foreach((json_t *)c->payload, name, member) {
		if (str_eq(str_of(name), claim))
			v = member;
	}
	n = json_is_string(v);
	if (n == 1)
		value = json_str(v);
	else if (str_eq(claim, STR("organization")))
		n = organizations(v, &value);
	if (n == 0 || (n == 1 && value.len == 0)) {
		*why_r = "tenant claim missing or malformed";
		return (TOKEN_DENIED);
	}
	if (n > 1)
		return (forbid(c, "ambiguous-tenant", why_r));
	c->id.tenant = issuer_tenant(c->issuer, value);
	if (c->id.tenant == NULL)
		return (forbid(c, "issuer-not-entitled", why_r));
	if (c->id.tenant->suspended)
		return (forbid(c, "tenant-suspended", why_r));
	return (TOKEN_VALID);
}
