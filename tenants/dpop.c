/* tenants/dpop.c - the gate for proofs of possession, and a maker of them;
 * dpop.h says what they promise.
 *
 * What costs little is checked first. A key is made and a signature verified
 * only for whoever names the very key that the token is bound to. */
#include "tenants/dpop.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "server/net/http_chars.h"
#include "tenants/jwk.h"
#include "tenants/jws.h"
#include "tenants/tenant.h"

#define JTI_BYTES 16
#define PART_MAX  ((size_t)65536) /* of what is made */

/* A proof on its way through the steps. */
struct gate {
	struct str proof;
	const struct dpop_demand *demand;
	struct wall_us now;
	struct arena *arena;
	const char *why;

	struct jws jws; /* parts of proof */
	json_t *head, *body;
	unsigned alg; /* ISSUER_... */
	struct str jti;
	struct dpop_mark mark;
};

static bool step_split(struct gate *);
static bool step_header(struct gate *);
static bool step_key(struct gate *);
static bool step_request(struct gate *);
static bool step_token(struct gate *);
static bool step_time(struct gate *);
static bool step_jti(struct gate *);
static bool step_signature(struct gate *);

/* All must hold, in this order. */
static bool (*const steps[])(struct gate *) = { step_split, step_header,
	step_key, step_request, step_token, step_time, step_jti,
	step_signature };

bool
dpop_verify(struct str proof, const struct dpop_demand *demand,
    struct wall_us now, struct arena *arena, struct dpop_mark *mark_r,
    const char **why_r)
{
	struct gate g = { .proof = proof,
		.demand = demand,
		.now = now,
		.arena = arena };
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(steps) / sizeof(steps[0]); i++)
		ok = steps[i](&g);
	if (ok)
		*mark_r = g.mark;
	json_decref(g.head);
	json_decref(g.body);
	/* What a refusal leaves here would end some other connection. */
	ERR_clear_error();
	*why_r = ok ? "proved" : g.why;
	return (ok);
}

static bool
deny(struct gate *g, const char *why)
{
	g->why = why;
	return (false);
}

static bool
step_split(struct gate *g)
{
	if (!jws_split(g->proof, DPOP_BYTES_MAX, &g->jws, &g->why))
		return (deny(g, "proof is not three parts of its size"));
	return (true);
}

/* RFC 9449, 4.3: points 4 to 6. */
static bool
step_header(struct gate *g)
{
	static const char *const unwanted[] = { "jku", "x5u", "x5c", "crit",
		"zip", "b64", "enc", NULL };

	g->head = jws_object(g->jws.head64, g->arena);
	if (g->head == NULL)
		return (deny(g, "proof: header is no strict JSON object"));
	if (!str_eq(json_str(json_object_get(g->head, "typ")),
		STR("dpop+jwt")))
		return (deny(g, "proof: typ"));
	if (jws_has(g->head, unwanted))
		return (deny(g, "proof: unwanted header member"));
	g->alg = jws_alg(g->head);
	if ((g->alg & g->demand->algorithms) == 0)
		return (deny(g, "proof: alg not allowed"));
	return (true);
}

/* Point 12: the key of the proof is the one that the token is bound to. */
static bool
step_key(struct gate *g)
{
	unsigned char thumbprint[SHA256_LEN];

	if (!jwk_thumbprint(json_object_get(g->head, "jwk"), thumbprint))
		return (deny(g, "proof: no public key to use"));
	if (g->demand->jkt.len != SHA256_LEN ||
	    !mem_eq_const(thumbprint, g->demand->jkt.p, SHA256_LEN))
		return (deny(g, "proof: another key than the token's"));
	return (true);
}

/* Without the port that the scheme has anyway (RFC 3986, 6.2.3). */
static struct str
without_port(struct str host, struct str port)
{
	if (str_suffix(host, port))
		host.len -= port.len;
	return (host);
}

static bool
is_unreserved(unsigned c)
{
	return ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '~');
}

/* The next character of a path as RFC 3986, 6.2.2 compares them: the escape
 * of one that needs none is that character, and hex digits have no case.
 * Escapes that are needed are numbers of their own. */
static unsigned
next_char(struct str *s)
{
	unsigned c = (unsigned char)s->p[0], escaped;

	if (c == '%' && s->len >= 3 && http_char_is(s->p[1], HC_HEX) &&
	    http_char_is(s->p[2], HC_HEX)) {
		escaped = http_hex(s->p[1]) << 4 | http_hex(s->p[2]);
		*s = str_from(*s, 3);
		return (is_unreserved(escaped) ? escaped : escaped | 0x100);
	}
	*s = str_from(*s, 1);
	return (c);
}

static bool
same_path(struct str a, struct str b)
{
	while (a.len > 0 && b.len > 0) {
		if (next_char(&a) != next_char(&b))
			return (false);
	}
	return (a.len == b.len);
}

/* The hub's own URL as this request named it. A query or fragment in it does
 * not fit any path (point 9 knows none). */
static bool
htu_ok(struct str htu, const struct dpop_demand *d)
{
	static const struct {
		struct str scheme, port;
	} schemes[] = { { { "https://", 8 }, { ":443", 4 } },
		{ { "http://", 7 }, { ":80", 3 } } };
	struct str rest, host;

	for (size_t i = 0; i < (d->tls ? 1 : 2); i++) {
		struct str scheme = schemes[i].scheme;

		if (htu.len < scheme.len ||
		    !str_caseeq((struct str){ htu.p, scheme.len }, scheme))
			continue;
		rest = str_from(htu, scheme.len);
		host = (struct str){ rest.p, str_chr(rest, '/') };
		rest = str_from(rest, host.len);
		return (str_caseeq(without_port(host, schemes[i].port),
			    without_port(d->host, schemes[i].port)) &&
		    same_path(rest.len > 0 ? rest : STR("/"), d->path));
	}
	return (false);
}

/* Points 8 and 9. */
static bool
step_request(struct gate *g)
{
	struct str htm, htu;

	g->body = jws_object(g->jws.body64, g->arena);
	if (g->body == NULL)
		return (deny(g, "proof: payload is no strict JSON object"));
	htm = json_str(json_object_get(g->body, "htm"));
	htu = json_str(json_object_get(g->body, "htu"));
	if (htm.len == 0 || !str_eq(htm, g->demand->method))
		return (deny(g, "proof: another method"));
	if (!htu_ok(htu, g->demand))
		return (deny(g, "proof: another URL"));
	return (true);
}

/* Point 12: ath is the hash of the access token beside the proof. */
static bool
step_token(struct gate *g)
{
	struct str ath = json_str(json_object_get(g->body, "ath"));
	unsigned char said[B64URL_MAX(43)], hash[SHA256_LEN];
	size_t n;

	if (ath.len != 43 || b64url_decode(ath, said, &n) != HUB_OK ||
	    n != SHA256_LEN)
		return (deny(g, "proof: ath missing or malformed"));
	sha256(g->demand->token, hash);
	if (!mem_eq_const(said, hash, SHA256_LEN))
		return (deny(g, "proof: another token"));
	return (true);
}

/* Point 11; exp and nbf are not asked for, but mean what they say. */
static bool
step_time(struct gate *g)
{
	const json_t *exp = json_object_get(g->body, "exp");
	const json_t *nbf = json_object_get(g->body, "nbf");
	int64_t now = g->now.us / 1000000, skew = g->demand->skew_s;
	int64_t iat, until, from;

	if (!jws_seconds(json_object_get(g->body, "iat"), &iat))
		return (deny(g, "proof: iat missing or malformed"));
	until = iat + DPOP_LIFE_S;
	from = iat;
	if ((exp != NULL && !jws_seconds(exp, &until)) ||
	    (nbf != NULL && !jws_seconds(nbf, &from)))
		return (deny(g, "proof: exp or nbf malformed"));
	if (until > iat + DPOP_LIFE_S)
		until = iat + DPOP_LIFE_S;
	if (now > until + skew)
		return (deny(g, "proof: stale"));
	if (now < iat - skew || now < from - skew)
		return (deny(g, "proof: not yet valid"));
	g->mark.issued_s = iat;
	g->mark.until_s = until + skew;
	return (true);
}

/* Its own key's jti: what others call theirs does not matter. */
static bool
step_jti(struct gate *g)
{
	struct str jti = json_str(json_object_get(g->body, "jti"));
	char bytes[SHA256_LEN + DPOP_JTI_MAX];

	if (jti.len == 0 || jti.len > DPOP_JTI_MAX)
		return (deny(g, "proof: jti missing or too long"));
	memcpy(bytes, g->demand->jkt.p, SHA256_LEN);
	memcpy(bytes + SHA256_LEN, jti.p, jti.len);
	sha256((struct str){ bytes, SHA256_LEN + jti.len }, g->mark.id);
	return (true);
}

/* Point 7. The key has the one algorithm that its kind has. */
static bool
step_signature(struct gate *g)
{
	const char *why = "proof: key not usable";
	unsigned alg = 0;
	EVP_PKEY *pkey =
	    jwk_read(json_object_get(g->head, "jwk"), true, &alg);
	bool ok = false;

	if (pkey != NULL && alg != g->alg)
		why = "proof: alg is not the key's";
	else if (pkey != NULL)
		ok = jws_verify(&g->jws, alg, pkey, g->arena, &why);
	EVP_PKEY_free(pkey);
	return (ok ? true : deny(g, why));
}

/* ---- making ---- */

static void
add_part(struct buf *out, const struct buf *json)
{
	if (json->failed)
		out->failed = true;
	else
		jws_add_b64url(out, json->p, json->len);
}

static bool
add_header(struct buf *out, unsigned alg, EVP_PKEY *pkey)
{
	struct buf json;
	bool ok;

	buf_init(&json, PART_MAX);
	buf_addf(&json, "{\"typ\":\"dpop+jwt\",\"alg\":\"%s\",\"jwk\":",
	    jws_alg_name(alg));
	ok = jwk_write(pkey, &json);
	BUF_LIT(&json, "}");
	add_part(out, &json);
	buf_clear(&json);
	return (ok);
}

static void
add_claims(struct buf *out, struct str token, struct str method,
    struct str url, struct wall_us now)
{
	unsigned char jti[JTI_BYTES], ath[SHA256_LEN];
	struct buf json;

	random_bytes(jti, sizeof(jti));
	sha256(token, ath);
	buf_init(&json, PART_MAX);
	BUF_LIT(&json, "{\"jti\":\"");
	jws_add_b64url(&json, jti, sizeof(jti));
	BUF_LIT(&json, "\",\"htm\":");
	buf_add_json(&json, method);
	BUF_LIT(&json, ",\"htu\":");
	buf_add_json(&json, url);
	buf_addf(&json, ",\"iat\":%lld,\"ath\":\"",
	    (long long)(now.us / 1000000));
	jws_add_b64url(&json, ath, sizeof(ath));
	BUF_LIT(&json, "\"}");
	add_part(out, &json);
	buf_clear(&json);
}

enum hub_err
dpop_make(struct str token, struct str method, struct str url, unsigned alg,
    struct str key_pem, struct wall_us now, struct arena *arena,
    struct str *proof_r)
{
	enum hub_err err = HUB_ESYNTAX;
	EVP_PKEY *pkey = NULL;
	struct buf out;

	buf_init(&out, PART_MAX);
	if (jws_alg_name(alg) == NULL || !str_utf8(method) || !str_utf8(url))
		goto out;
	pkey = jws_private_key(key_pem, alg);
	if (pkey == NULL || !add_header(&out, alg, pkey))
		goto out;
	buf_addc(&out, '.');
	add_claims(&out, token, method, url, now);
	err = HUB_EIO;
	if (!out.failed && !jws_sign(&out, alg, pkey))
		goto out;
	err = HUB_ERANGE;
	if (out.failed || out.len > DPOP_BYTES_MAX)
		goto out;
	*proof_r = arena_str(arena, buf_str(&out));
	err = HUB_OK;
out:
	ERR_clear_error();
	EVP_PKEY_free(pkey);
	buf_clear(&out);
	return (err);
}
