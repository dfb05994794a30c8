/* tests/fuzz/fuzz_dpop.c - proofs of possession from outside.
 *
 * The first byte picks the entrance: 'p' a proof as it comes (which can never
 * be good, since nobody else has the key), 's' a header line and a payload that
 * are signed first, so that what lies behind the signature is reached: '@' in
 * the header stands for the key, in the payload for the hash of the token;
 * 'u' a URL and a path that are compared as htu and target, a line each. */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "server/base/buf.h"
#include "tenants/jwk.h"
#include "tenants/jws.h"
#include "tenants/replay.h"
#include "tenants/tenant.h"

#define NOW_S INT64_C(1800000000)
#define TOKEN "header.payload.signature"
#define PATH  "/ngsi-ld/v1/entities"
#define HTU   "https://hub.example" PATH

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static EVP_PKEY *key;
static unsigned char jkt[SHA256_LEN];
static struct buf jwk, ath;

static void
prepare(void)
{
	unsigned char hash[SHA256_LEN];

	key = EVP_EC_gen("P-256");
	assert(key != NULL);
	if (!jwk_thumbprint_of(key, jkt))
		assert(!"thumbprint");
	buf_init(&jwk, 4096);
	if (!jwk_write(key, &jwk))
		assert(!"key");
	buf_init(&ath, 64);
	sha256(STR(TOKEN), hash);
	jws_add_b64url(&ath, hash, sizeof(hash));
}

static struct dpop_demand
demand_of(struct str path)
{
	return ((struct dpop_demand){ .token = STR(TOKEN),
	    .jkt = { (const char *)jkt, sizeof(jkt) },
	    .algorithms = ISSUER_RS256 | ISSUER_ES256,
	    .skew_s = 30,
	    .method = STR("GET"),
	    .host = STR("hub.example"),
	    .path = path,
	    .tls = true });
}

/* What a good proof says, read by other means than the gate's. */
static void
check_good(struct str proof, const struct dpop_mark *mark)
{
	struct arena *arena = arena_new();
	const struct wall_us now = { NOW_S * 1000000 };
	struct replay *replay = replay_new(256, now);
	const char *why;
	struct jws jws;
	json_t *body;

	if (!jws_split(proof, DPOP_BYTES_MAX, &jws, &why))
		assert(!"split");
	body = jws_object(jws.body64, arena);
	assert(str_eq(json_str(json_object_get(body, "htm")), STR("GET")));
	assert(json_is_integer(json_object_get(body, "iat")));
	assert(str_eq(json_str(json_object_get(body, "ath")), buf_str(&ath)));
	assert(json_string_length(json_object_get(body, "jti")) > 0);
	assert(mark->issued_s >= NOW_S - 90 && mark->issued_s <= NOW_S + 30);
	assert(mark->until_s >= NOW_S && mark->until_s <= NOW_S + 120);
	if (mark->issued_s >= NOW_S) {
		assert(replay_add(replay, 7, mark, now) == HUB_OK);
		assert(replay_add(replay, 7, mark, now) == HUB_EEXIST);
	} else {
		assert(replay_add(replay, 7, mark, now) == HUB_ELATE);
	}
	json_decref(body);
	replay_free(replay);
	arena_free(arena);
}

/* Twice, so that an answer that depends on chance is seen. */
static bool
check_proof(struct str proof, struct str path, bool ours)
{
	const struct wall_us now = { NOW_S * 1000000 };
	struct dpop_demand d = demand_of(path);
	struct dpop_mark mark = { .until_s = -1 }, again = mark;
	struct arena *arena = arena_new();
	const char *why = NULL;
	bool ok;

	ok = dpop_verify(proof, &d, now, arena, &mark, &why);
	assert(why != NULL && ERR_peek_error() == 0);
	assert(ours || !ok);
	assert(dpop_verify(proof, &d, now, arena, &again, &why) == ok);
	if (ok) {
		assert(memcmp(&mark, &again, sizeof(mark)) == 0);
		check_good(proof, &mark);
		/* For anything else it is no proof. */
		d.method = STR("POST");
		assert(!dpop_verify(proof, &d, now, arena, &again, &why));
		d = demand_of(path);
		d.token = STR("another");
		assert(!dpop_verify(proof, &d, now, arena, &again, &why));
		d = demand_of(path);
		d.host = STR("elsewhere.example");
		assert(!dpop_verify(proof, &d, now, arena, &again, &why));
	} else {
		assert(mark.until_s == -1);
	}
	arena_free(arena);
	return (ok);
}

/* The text with what stands for '@'. */
static void
add_part(struct buf *out, struct str text, const struct buf *at)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '@')
			buf_adds(&b, buf_str(at));
		else
			buf_addc(&b, text.p[i]);
	}
	jws_add_b64url(out, b.p, b.len);
	buf_clear(&b);
}

static bool
check_signed(struct str head, struct str body, struct str path)
{
	struct buf proof;
	bool ok = false;

	if (head.len + body.len > DPOP_BYTES_MAX)
		return (false);
	buf_init(&proof, 4 << 20);
	add_part(&proof, head, &jwk);
	buf_addc(&proof, '.');
	add_part(&proof, body, &ath);
	if (!jws_sign(&proof, ISSUER_ES256, key))
		assert(!"sign");
	ok = check_proof(buf_str(&proof), path, true);
	buf_clear(&proof);
	return (ok);
}

/* One that fits a path fits it when it is turned round as well. */
static void
check_url(struct str htu, struct str path)
{
	const struct str head =
	    STR("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":@}");
	struct buf body;
	bool fits;

	if (!str_utf8(htu) || !str_utf8(path) ||
	    memchr(htu.p, '@', htu.len) != NULL || path.len == 0 ||
	    path.p[0] != '/' || memchr(path.p, '@', path.len) != NULL)
		return;
	for (int turn = 0; turn < 2; turn++) {
		bool now_fits;

		buf_init(&body, 1 << 16);
		BUF_LIT(&body, "{\"jti\":\"j\",\"htm\":\"GET\",\"ath\":\"@\","
			       "\"iat\":1800000000,\"htu\":");
		if (turn == 0) {
			buf_add_json(&body, htu);
		} else {
			struct buf b;

			buf_init(&b, 1 << 16);
			BUF_LIT(&b, "https://hub.example");
			buf_adds(&b, path);
			buf_add_json(&body, buf_str(&b));
			buf_clear(&b);
		}
		BUF_LIT(&body, "}");
		now_fits = check_signed(head, buf_str(&body),
		    turn == 0 || !str_prefix(htu, STR("https://hub.example/"))
			? path : str_from(htu, 19));
		buf_clear(&body);
		if (turn == 0)
			fits = now_fits;
		else if (str_prefix(htu, STR("https://hub.example/")))
			assert(now_fits == fits);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str rest = { (const char *)bytes + 1, n - 1 }, line;

	if (key == NULL)
		prepare();
	if (n < 2)
		return (0);
	switch (bytes[0]) {
	case 'p':
		(void)check_proof(rest, STR(PATH), false);
		break;
	case 's':
		if (str_cut(&rest, '\n', &line) && rest.p != NULL)
			(void)check_signed(line, rest, STR(PATH));
		break;
	case 'u':
		if (str_cut(&rest, '\n', &line) && rest.p != NULL)
			check_url(line, rest);
		break;
	}
	return (0);
}
