/* tests/fuzz/fuzz_token.c - tokens and key sets from outside.
 *
 * The first byte picks the entrance: 't' a token as it comes (which can never
 * be good, since nobody else has the key), 's' a header line and a payload
 * that are signed first, so that what lies behind the signature is reached,
 * 'k' a key set. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "server/base/buf.h"
#include "server/base/hash.h"
#include "tenants/token.h"

#define NOW_US INT64_C(1800000000000000)
#define ISS    "https://idm.example"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct tenant tenants[] = {
	{ .name = { "froendenberg", 12 }, .index = 0 },
	{ .name = { "kamen", 5 }, .suspended = true, .index = 1 },
};
static const struct issuer_map map[] = {
	{ { "froendenberg", 12 }, &tenants[0] },
	{ { "kamen", 5 }, &tenants[1] },
};
#define ISSUER(name, at, kind, claim, path)                                   \
	{                                                                     \
		.iss = { name, sizeof(name) - 1 },                            \
		.audience = { "regional-hub", 12 },                           \
		.algorithms = ISSUER_RS256 | ISSUER_ES256, .typ = kind,       \
		.tenant_claim = { claim, sizeof(claim) - 1 },                 \
		.roles_path = { path, sizeof(path) - 1 }, .max_ttl_s = 3600,  \
		.skew_s = 30, .tokens_before = { INT64_MIN }, .nmap = 2,      \
		.map = map, .index = at                                       \
	}
static const struct issuer issuers[] = {
	ISSUER(ISS, 0, ISSUER_AT_JWT, "hub_tenant",
	    "resource_access.regional-hub.roles"),
	ISSUER(ISS "/old", 1, ISSUER_LEGACY_BEARER, "organization", "a.b.c"),
};
static const struct tenant_set set = { 2, 2, tenants, issuers };

static EVP_PKEY *key;
static struct keyring *ring;
static struct token_cache *cache;

/* RFC 4648, 5. */
static void
add_b64url(struct buf *out, const void *bytes, size_t n)
{
	char *p = buf_room(out, (n + 2) / 3 * 4 + 1);
	int len;

	assert(p != NULL);
	len = EVP_EncodeBlock((unsigned char *)p, bytes, (int)n);
	for (; len > 0 && p[len - 1] == '='; len--)
		;
	for (int i = 0; i < len; i++)
		p[i] = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
	out->len += (size_t)len;
}

static void
prepare(void)
{
	unsigned char point[65];
	struct keyset *sets[2];
	const char *why;
	struct buf b;
	size_t n;

	key = EVP_EC_gen("P-256");
	assert(key != NULL &&
	    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
		sizeof(point), &n) == 1 &&
	    n == 65);
	buf_init(&b, 4096);
	BUF_LIT(&b,
	    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e1\","
	    "\"x\":\"");
	add_b64url(&b, point + 1, 32);
	BUF_LIT(&b, "\",\"y\":\"");
	add_b64url(&b, point + 33, 32);
	BUF_LIT(&b, "\"}]}");
	if (keyset_parse(buf_str(&b), &sets[0], &why) != HUB_OK)
		abort();
	buf_clear(&b);
	sets[1] = sets[0];
	ring = keyring_new(1, 2, sets);
	keyset_unref(&sets[0]);
	cache = token_cache_new(16);
}

static void
add_signature(struct buf *token)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[80], raw[64];
	const unsigned char *p = sig;
	size_t len = sizeof(sig);
	ECDSA_SIG *rs;

	assert(ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, &len, (const unsigned char *)token->p,
		token->len) == 1);
	EVP_MD_CTX_free(ctx);
	rs = d2i_ECDSA_SIG(NULL, &p, (long)len);
	assert(rs != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, 32) == 32 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + 32, 32) == 32);
	ECDSA_SIG_free(rs);
	buf_addc(token, '.');
	add_b64url(token, raw, sizeof(raw));
}

static bool
same(const struct identity *a, const struct identity *b)
{
	if (a->tenant != b->tenant || a->issuer != b->issuer ||
	    a->roles != b->roles || a->scopes != b->scopes ||
	    a->npurposes != b->npurposes || a->bound != b->bound ||
	    !str_eq(a->x5t, b->x5t) || !str_eq(a->jkt, b->jkt) ||
	    a->expires.us != b->expires.us || !str_eq(a->subject, b->subject) ||
	    !str_eq(a->client, b->client))
		return (false);
	for (unsigned i = 0; i < a->npurposes; i++) {
		if (!str_eq(a->purposes[i], b->purposes[i]))
			return (false);
	}
	return (true);
}

static void
check_identity(const struct identity *id, enum token_verdict verdict)
{
	assert(id->issuer == &issuers[0] || id->issuer == &issuers[1]);
	assert(id->subject.len >= 1 && id->subject.len <= 255);
	assert(str_utf8(id->subject) && str_utf8(id->client));
	assert(id->npurposes <= TOKEN_PURPOSES_MAX);
	assert(id->expires.us > NOW_US);
	assert(id->expires.us <= NOW_US + INT64_C(3660000000));
	assert(id->roles < ROLE_HUB_OPERATOR * 2 && id->scopes < 8);
	assert(id->x5t.len == ((id->bound & BOUND_CERT) != 0 ? SHA256_LEN : 0));
	assert(id->jkt.len == ((id->bound & BOUND_KEY) != 0 ? SHA256_LEN : 0));
	if (verdict == TOKEN_VALID)
		assert(id->tenant == &tenants[0] && id->forbidden == NULL);
	else
		assert(id->tenant != &tenants[0] && id->forbidden != NULL);
}

static void
check_token(struct str token, bool ours)
{
	struct identity id = { .tenant = NULL }, again = { .tenant = NULL };
	const struct wall_us now = { NOW_US };
	struct arena *arena = arena_new();
	const struct identity *found;
	enum token_verdict verdict;
	const char *why = NULL;

	verdict = token_verify(&set, ring, token, now, arena, &id, &why);
	assert(why != NULL && ERR_peek_error() == 0);
	assert(ours || verdict == TOKEN_DENIED || verdict == TOKEN_UNKNOWN_KID);
	if (verdict == TOKEN_DENIED)
		assert(id.issuer == NULL && id.tenant == NULL);
	if (verdict == TOKEN_UNKNOWN_KID)
		assert(id.issuer != NULL && id.tenant == NULL);
	if (verdict == TOKEN_VALID || verdict == TOKEN_FORBIDDEN)
		check_identity(&id, verdict);
	assert(token_verify(&set, ring, token, now, arena, &again, &why) ==
	    verdict);
	assert(same(&id, &again));
	if (verdict == TOKEN_VALID) {
		token_cache_put(cache, token, &id, now, 1, 1);
		found = token_cache_find(cache, token, now, 1, 1);
		assert(found != NULL && same(found, &id));
		assert(token_cache_find(cache, token, id.expires, 1, 1) ==
		    NULL);
	}
	arena_free(arena);
}

static void
check_signed(struct str rest)
{
	struct str head = STR_NONE;
	struct buf token;

	if (!str_cut(&rest, '\n', &head) || rest.p == NULL ||
	    head.len + rest.len > TOKEN_BYTES_MAX)
		return;
	buf_init(&token, 4 * TOKEN_BYTES_MAX);
	add_b64url(&token, head.p, head.len);
	buf_addc(&token, '.');
	add_b64url(&token, rest.p, rest.len);
	add_signature(&token);
	check_token(buf_str(&token), true);
	buf_clear(&token);
}

static void
check_keyset(struct str json)
{
	struct keyset *ks = NULL;
	const char *why = NULL;

	if (keyset_parse(json, &ks, &why) != HUB_OK) {
		assert(ks == NULL && why != NULL);
	} else {
		assert(keyset_size(ks) <= KEYSET_KEYS_MAX);
		keyset_unref(&ks);
	}
	assert(ERR_peek_error() == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str rest = { (const char *)bytes + 1, n - 1 };

	if (key == NULL)
		prepare();
	if (n < 2)
		return (0);
	switch (bytes[0]) {
	case 't':
		check_token(rest, false);
		break;
	case 's':
		check_signed(rest);
		break;
	case 'k':
		check_keyset(rest);
		break;
	}
	return (0);
}
