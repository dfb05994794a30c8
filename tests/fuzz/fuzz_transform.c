/* tests/fuzz/fuzz_transform.c - any attribute of a broker under any transform.
 * The first byte chooses the transform, the second its step; the rest is the
 * attribute. Rounding is checked with OpenSSL's big integers: the result is a
 * multiple, the nearest or the one below, and stays what it is. */
#include <openssl/bn.h>
#include <stdlib.h>

#include "policies/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Exponents beyond are only run, not checked. */
#define EXPONENT_MAX 600

static const char *const steps[] = { "1", "0.05", "0.3", "7", "10", "0.5",
	"999999999999999999", "0.0000000000000001", "123.456", "3",
	"1000000000000000", "00.250" };
static const unsigned char key[PSEUDONYM_KEY_LEN] = "fuzz";

static void
multiply_power(BIGNUM *b, unsigned long exponent)
{
	BIGNUM *ten = BN_new(), *e = BN_new(), *power = BN_new();
	BN_CTX *ctx = BN_CTX_new();

	if (!BN_set_word(ten, 10) || !BN_set_word(e, exponent) ||
	    !BN_exp(power, ten, e, ctx) || !BN_mul(b, b, power, ctx))
		abort();
	BN_free(ten);
	BN_free(e);
	BN_free(power);
	BN_CTX_free(ctx);
}

/* A decimal times 10^scale as an integer, or NULL when that is none or its
 * exponent is over the limit. */
static BIGNUM *
scaled(struct str s, long scale)
{
	char digits[4097], text[16] = "";
	size_t n = 0, i = 0;
	long places = 0, e = 0;
	bool fraction = false;
	BIGNUM *b = NULL;

	if (s.len > 4096)
		return (NULL);
	for (; i < s.len && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
		fraction |= s.p[i] == '.';
		if (s.p[i] == '.')
			continue;
		places += fraction;
		digits[n++] = s.p[i];
	}
	if (s.len - i > 8)
		return (NULL);
	if (i < s.len) {
		memcpy(text, s.p + i + 1, s.len - i - 1);
		e = strtol(text, NULL, 10);
	}
	scale += e - places;
	if (labs(e) > EXPONENT_MAX || scale < 0)
		return (NULL);
	digits[n] = '\0';
	if (BN_dec2bn(&b, digits) == 0)
		abort();
	multiply_power(b, (unsigned long)scale);
	return (b);
}

/* 0 <= v - r < step for a bucket; |2(v - r)| <= step for rounding, and where
 * it is the step, r is further from zero than v. */
static void
check_distance(enum transform_kind kind, const BIGNUM *v, const BIGNUM *r,
    const BIGNUM *step)
{
	BIGNUM *d = BN_new();
	int c;

	if (!BN_sub(d, v, r))
		abort();
	if (kind == TRANSFORM_BUCKET) {
		assert(!BN_is_negative(d) && BN_cmp(d, step) < 0);
	} else {
		if (!BN_lshift1(d, d))
			abort();
		c = BN_ucmp(d, step);
		assert(c <= 0);
		assert(c < 0 || BN_ucmp(r, v) > 0);
	}
	BN_free(d);
}

static void
check_number(const struct transform *t, struct str in, struct str step)
{
	/* makes both whole, and all numbers that are checked */
	long scale = EXPONENT_MAX + 4096;
	BIGNUM *v, *r, *s, *rest;
	struct buf out, again;
	BN_CTX *ctx;

	buf_init(&out, 1 << 16);
	buf_init(&again, 1 << 16);
	if (transform_number(t, in, &out)) {
		assert(!out.failed);
		assert(transform_number(t, buf_str(&out), &again));
		assert(str_eq(buf_str(&out), buf_str(&again)));
		v = scaled(in, scale);
		if (v != NULL) {
			r = scaled(buf_str(&out), scale);
			s = scaled(step, scale);
			rest = BN_new();
			ctx = BN_CTX_new();
			assert(r != NULL && s != NULL);
			if (!BN_mod(rest, r, s, ctx))
				abort();
			assert(BN_is_zero(rest));
			check_distance(t->kind, v, r, s);
			BN_free(r);
			BN_free(s);
			BN_free(rest);
			BN_CTX_free(ctx);
		}
		BN_free(v);
	}
	buf_clear(&out);
	buf_clear(&again);
}

/* What is left: the value and what travels with it. */
static void
check_members(const struct instance *in)
{
	static const char *const known[] = { "type", "observedAt", "unitCode",
		"datasetId", "createdAt", "modifiedAt" };
	const struct json *j = &in->doc->json;

	for (uint32_t k = in->node + 1; k < j->nodes[in->node].next;
	     k = j->nodes[k + 1].next) {
		bool ok = k + 1 == in->value;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			ok |= json_is(j, k, str_of(known[i]));
		assert(ok);
	}
}

static void
check_instance(const struct transform *t, struct str text, struct str step)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct arena *a = arena_new();
	struct document doc = { .priority = 1 };
	struct instance in = { .doc = &doc, .release = &release_bare };
	struct instance twice;
	enum attr_kind kind;

	if (json_parse(&doc.json, text, &limits, a) != HUB_OK)
		goto out;
	if (doc.json.nodes[0].kind == JSON_NUMBER &&
	    (t->kind == TRANSFORM_ROUND || t->kind == TRANSFORM_BUCKET))
		check_number(t, json_span(&doc.json, 0), step);
	if (doc.json.nodes[0].kind != JSON_OBJECT)
		goto out;
	instance_classify(&in, a);
	kind = in.kind;
	if (transform_apply(t, &in, a)) {
		assert(in.kind == kind && kind != ATTR_NONE);
		assert(in.doc != &doc && in.release == &release_bare);
		check_members(&in);
		/* but for pseudonyms and cells, once is as good as twice */
		twice = in;
		if (!transform_apply(t, &twice, a))
			abort();
		assert(t->kind == TRANSFORM_PSEUDONYM ||
		    t->kind == TRANSFORM_GRID ||
		    str_eq(json_span(&twice.doc->json, 0),
			json_span(&in.doc->json, 0)));
	}
out:
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transform t = { .below = 3 };
	struct str step;

	if (size < 3)
		return (0);
	step = str_of(steps[data[1] % (sizeof(steps) / sizeof(steps[0]))]);
	t.kind = (enum transform_kind)(data[0] % TRANSFORM_KINDS);
	transform_step(&t, step);
	t.metres = 1 + data[1] * 400.0;
	t.us = (1 + data[1] * (int64_t)123456) * 1000000;
	t.text = (data[1] & 1) != 0 ? STR("urn:x:1") : STR("\"x\\");
	t.key = key;
	check_instance(&t,
	    (struct str){ (const char *)data + 2, size - 2 }, step);
	return (0);
}
