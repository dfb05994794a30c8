/* tests/support/token_bench.c - see token_bench.h. */
#include "tests/support/token_bench.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

EVP_PKEY *keys[NKEYS];
struct str private_pem[NKEYS];
struct arena *arena;

static struct arena *group_arena;
struct keyring *ring;
const char *why;

const struct tenant tenants[] = {
	{ .name = { "froendenberg", 12 }, .index = 0 },
	{ .name = { "schwerte", 8 }, .index = 1 },
	{ .name = { "kamen", 5 }, .suspended = true, .index = 2 },
	{ .name = { "dortmund", 8 }, .index = 3 },
};
static const struct issuer_map region_map[] = {
	{ { "froendenberg", 12 }, &tenants[0] },
	{ { "kamen", 5 }, &tenants[2] },
	{ { "dortmund", 8 }, &tenants[3] },
};
static const struct issuer_map old_map[] = {
	{ { "Fr\xc3\xb6ndenberg (Ruhr)", 19 }, &tenants[0] },
	{ { "dortmund", 8 }, &tenants[3] },
};
static const struct issuer_map other_map[] = {
	{ { "schwerte", 8 }, &tenants[1] },
};
struct issuer issuers[] = {
	{ .iss = { ISS, sizeof(ISS) - 1 },
	    .audience = { "regional-hub", 12 },
	    .algorithms = ISSUER_RS256 | ISSUER_ES256,
	    .typ = ISSUER_AT_JWT,
	    .tenant_claim = { "hub_tenant", 10 },
	    .roles_path = { "resource_access.regional-hub.roles", 34 },
	    .max_ttl_s = 3600,
	    .skew_s = 30,
	    .tokens_before = { INT64_MIN },
	    .nmap = 3,
	    .map = region_map,
	    .index = 0 },
	{ .iss = { OLD, sizeof(OLD) - 1 },
	    .audience = { "regional-hub", 12 },
	    .algorithms = ISSUER_RS256,
	    .typ = ISSUER_LEGACY_BEARER,
	    .tenant_claim = { "organization", 12 },
	    .roles_path = { "resource_access.hub.kreis.example.roles", 39 },
	    .max_ttl_s = 3600,
	    .skew_s = 30,
	    .tokens_before = { INT64_MIN },
	    .nmap = 2,
	    .map = old_map,
	    .index = 1 },
	{ .iss = { OTHER, sizeof(OTHER) - 1 },
	    .audience = { "regional-hub", 12 },
	    .algorithms = ISSUER_RS256 | ISSUER_ES256,
	    .typ = ISSUER_AT_JWT,
	    .tenant_claim = { "hub_tenant", 10 },
	    .max_ttl_s = 3600,
	    .skew_s = 30,
	    .tokens_before = { INT64_MIN },
	    .nmap = 1,
	    .map = other_map,
	    .index = 2 },
};
const struct tenant_set set = { 4, 3, tenants, issuers };

/* ---- making tokens ---- */

void
add_b64url(struct buf *out, const void *bytes, size_t n)
{
	char *p = buf_room(out, (n + 2) / 3 * 4 + 1);
	int len = EVP_EncodeBlock((unsigned char *)p, bytes, (int)n);

	for (; len > 0 && p[len - 1] == '='; len--)
		;
	for (int i = 0; i < len; i++)
		p[i] = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
	out->len += (size_t)len;
}

struct str
b64url(const void *bytes, size_t n)
{
	struct buf b;
	struct str s;

	buf_init(&b, 1 << 20);
	add_b64url(&b, bytes, n);
	s = arena_str(arena, buf_str(&b));
	buf_clear(&b);
	return (s);
}

/* RSA signatures, and those of ECDSA as 64 bytes or (der) as OpenSSL has
 * them. */
size_t
sign(int key, struct str bytes, bool der, unsigned char *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const unsigned char *p = sig;
	size_t len = 1024;
	ECDSA_SIG *rs;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
			     keys[key]),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len,
			     (const unsigned char *)bytes.p, bytes.len),
	    1);
	EVP_MD_CTX_free(ctx);
	if (key < E1 || der)
		return (len);
	rs = d2i_ECDSA_SIG(NULL, &p, (long)len);
	assert_non_null(rs);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(rs), sig, 32), 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(rs), sig + 32, 32), 32);
	ECDSA_SIG_free(rs);
	return (64);
}

/* head and payload as they stand, so that both may be wrong. */
struct str
unsigned_part(struct str head, struct str payload)
{
	struct str h = b64url(head.p, head.len);
	struct str p = b64url(payload.p, payload.len);

	return (str_of(arena_printf(arena, "%.*s.%.*s", STR_FMT(h),
	    STR_FMT(p))));
}

struct str
with_signature(struct str part, const void *sig, size_t len)
{
	struct str s = b64url(sig, len);

	return (str_of(arena_printf(arena, "%.*s.%.*s", STR_FMT(part),
	    STR_FMT(s))));
}

struct str
token_of(const char *head, struct str payload, int key)
{
	struct str part = unsigned_part(str_of(head), payload);
	unsigned char sig[1024];

	return (with_signature(part, sig, sign(key, part, false, sig)));
}

/* A good payload of ISS with one claim changed or added. */
struct str
payload_with(const char *name, const char *value)
{
	static const struct change base[] = {
		{ "iss", "\"" ISS "\"" },
		{ "aud", "\"regional-hub\"" },
		{ "exp", "1800000300" },
		{ "iat", "1800000000" },
		{ "sub", "\"u-1\"" },
		{ "azp", "\"dashboard\"" },
		{ "hub_tenant", "\"froendenberg\"" },
		{ "scope", "\"openid hub.read purpose:hochwasserschutz\"" },
		{ "resource_access",
		    "{\"regional-hub\":{\"roles\":[\"data-reader\","
		    "\"auditor\",\"x\"]}}" },
	};

	return (object_with(arena, base, sizeof(base) / sizeof(base[0]), name,
	    value));
}

/* ---- asking ---- */

enum token_verdict
ask_at(struct str token, int64_t now_s, struct identity *id)
{
	struct wall_us now = { now_s * 1000000 };
	enum token_verdict verdict;

	memset(id, 0, sizeof(*id));
	why = NULL;
	verdict = token_verify(&set, ring, token, now, arena, id, &why);
	assert_non_null(why);
	assert_int_equal(ERR_peek_error(), 0);
	if (verdict == TOKEN_DENIED) {
		assert_null(id->issuer);
		assert_null(id->tenant);
	}
	return (verdict);
}

enum token_verdict
ask(struct str token)
{
	struct identity id;

	return (ask_at(token, NOW_S, &id));
}

/* One changed claim, everything else and the signature good. */
void
expect(const char *name, const char *value, enum token_verdict want)
{
	struct str token = token_of(RS_HEAD, payload_with(name, value), R1);
	enum token_verdict got = ask(token);

	if (got != want)
		fail_msg("%s = %s: %d instead of %d (%s)", name,
		    value != NULL ? value : "nothing", got, want, why);
}

void
expect_forbidden(const char *name, const char *value, const char *problem)
{
	struct identity id;

	expect(name, value, TOKEN_FORBIDDEN);
	(void)ask_at(token_of(RS_HEAD, payload_with(name, value), R1), NOW_S,
	    &id);
	assert_string_equal(id.forbidden, problem);
	assert_ptr_equal(id.issuer, &issuers[0]);
	assert_true(str_eq(id.subject, STR("u-1")));
}

/* ---- the tokens of an older issuer ---- */

struct str
old_payload(const char *typ, const char *organization, const char *more)
{
	return (str_of(arena_printf(arena,
	    "{\"iss\":\"" OLD "\",\"aud\":[\"regional-hub\"],"
	    "\"exp\":1800000300,\"iat\":1800000000,\"sub\":\"s\","
	    "\"typ\":%s,\"organization\":%s%s}",
	    typ, organization, more)));
}


enum token_verdict
ask_old(const char *typ, const char *organization, const char *more,
    struct identity *id)
{
	return (ask_at(token_of(OLD_HEAD, old_payload(typ, organization, more),
			   R1),
	    NOW_S, id));
}

/* A client id with dots is one step of the path, the longest name wins. */

/* ---- set-up ---- */

static void
jwks_rsa(struct buf *out, const char *kid, EVP_PKEY *key)
{
	unsigned char n[512];
	BIGNUM *bn = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &bn),
	    1);
	buf_addf(out, "{\"kty\":\"RSA\",\"kid\":\"%s\",\"e\":\"AQAB\",\"n\":\"",
	    kid);
	add_b64url(out, n, (size_t)BN_bn2bin(bn, n));
	BUF_LIT(out, "\"}");
	BN_free(bn);
}

static void
jwks_ec(struct buf *out, const char *kid, EVP_PKEY *key)
{
	unsigned char point[65];
	size_t n;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key,
			     OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n),
	    1);
	assert_int_equal(n, 65);
	buf_addf(out,
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"", kid);
	add_b64url(out, point + 1, 32);
	BUF_LIT(out, "\",\"y\":\"");
	add_b64url(out, point + 33, 32);
	BUF_LIT(out, "\"}");
}

struct keyset *
keyset_of(int rsa, int ec, const char *ec_kid)
{
	struct keyset *ks = NULL;
	struct buf b;

	buf_init(&b, KEYSET_BYTES_MAX);
	BUF_LIT(&b, "{\"keys\":[");
	jwks_rsa(&b, "r1", keys[rsa]);
	buf_addc(&b, ',');
	jwks_ec(&b, ec_kid, keys[ec]);
	BUF_LIT(&b, "]}");
	assert_int_equal(keyset_parse(buf_str(&b), &ks, &why), HUB_OK);
	assert_int_equal(keyset_size(ks), 2);
	buf_clear(&b);
	return (ks);
}

int
group_setup(void **state HUB_UNUSED)
{
	struct keyset *sets[3];

	group_arena = arena_new();
	for (int i = 0; i < NKEYS; i++) {
		keys[i] = i < E1 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
		if (keys[i] == NULL)
			return (-1);
		private_pem[i] = pem_of(keys[i], group_arena);
	}
	sets[0] = keyset_of(R1, E1, "e1");
	sets[1] = keyset_ref(sets[0]);
	sets[2] = keyset_of(R2, E2, "e2");
	ring = keyring_new(1, 3, sets);
	for (int i = 0; i < 3; i++)
		keyset_unref(&sets[i]);
	return (0);
}

int
group_teardown(void **state HUB_UNUSED)
{
	keyring_unref(&ring);
	for (int i = 0; i < NKEYS; i++)
		EVP_PKEY_free(keys[i]);
	arena_free(group_arena);
	return (0);
}

int
setup(void **state HUB_UNUSED)
{
	arena = arena_new();
	return (0);
}

int
teardown(void **state HUB_UNUSED)
{
	arena_free(arena);
	return (0);
}
