/* policies/transform_number.c - the nearest multiple and the one below, in
 * decimals of any length: digits by hand, no floating point. */
#include <assert.h>

#include "policies/transform.h"

void
transform_step(struct transform *t, struct str decimal)
{
	bool fraction = false;

	t->step = 0;
	t->places = 0;
	for (size_t i = 0; i < decimal.len; i++) {
		if (decimal.p[i] == '.') {
			fraction = true;
			continue;
		}
		t->step = t->step * 10 + (uint64_t)(decimal.p[i] - '0');
		t->places += fraction;
	}
	assert(t->step > 0 && decimal.len <= TRANSFORM_STEP_CHARS);
	while (t->places > 0 && t->step % 10 == 0) {
		t->step /= 10;
		t->places--;
	}
}

/* 0.d[0]d[1]... * 10^point; d[0] is not 0. n 0: zero. */
struct decimal {
	bool negative;
	bool more; /* further digits, not all of them 0 */
	int64_t point;
	size_t n;
	unsigned char d[TRANSFORM_DIGITS_MAX + 1];
};

static void
decimal_digit(struct decimal *v, unsigned char digit)
{
	if (v->n < sizeof(v->d))
		v->d[v->n++] = digit;
	else
		v->more |= digit != 0;
}

/* Saturated far beyond what a text can outweigh with its digits. */
static int64_t
exponent(struct str s)
{
	bool negative = s.len > 0 && s.p[0] == '-';
	int64_t e = 0;

	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9' && e < INT64_C(1) << 50)
			e = e * 10 + (s.p[i] - '0');
	return (negative ? -e : e);
}

static void
decimal_read(struct str s, struct decimal *v)
{
	bool fraction = false;
	size_t i = 0;

	v->negative = v->more = false;
	v->point = 0;
	v->n = 0;
	if (s.len > 0 && s.p[0] == '-') {
		v->negative = true;
		i = 1;
	}
	for (; i < s.len && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
		if (s.p[i] == '.') {
			fraction = true;
			continue;
		}
		if (s.p[i] == '0' && v->n == 0) {
			v->point -= fraction;
			continue;
		}
		v->point += !fraction;
		decimal_digit(v, (unsigned char)(s.p[i] - '0'));
	}
	if (i < s.len)
		v->point += exponent(str_from(s, i + 1));
}

/* A whole number, most significant digit first. */
struct whole {
	size_t n;
	unsigned char d[TRANSFORM_DIGITS_MAX + 2 + TRANSFORM_STEP_CHARS];
};

/* The first n digits of v (zeros behind its last) divided by step. */
static uint64_t
divide(const struct decimal *v, size_t n, uint64_t step, struct whole *q)
{
	uint64_t rest = 0;
	unsigned char digit;

	q->n = 0;
	for (size_t i = 0; i < n; i++) {
		/* below 10 * step, which is below 10^19 */
		rest = rest * 10 + (i < v->n ? v->d[i] : 0);
		digit = (unsigned char)(rest / step);
		rest %= step;
		if (digit != 0 || q->n > 0)
			q->d[q->n++] = digit;
	}
	return (rest);
}

static void
add_one(struct whole *q)
{
	size_t i = q->n;

	while (i > 0 && q->d[i - 1] == 9)
		q->d[--i] = 0;
	if (i > 0) {
		q->d[i - 1]++;
		return;
	}
	memmove(q->d + 1, q->d, q->n++);
	q->d[0] = 1;
}

static void
multiply(struct whole *q, uint64_t step)
{
	uint64_t carry = 0;
	size_t extra = 0;

	for (size_t i = q->n; i > 0; i--) {
		/* at most 9 * 10^18 + 10^18 */
		carry += q->d[i - 1] * step;
		q->d[i - 1] = (unsigned char)(carry % 10);
		carry /= 10;
	}
	for (uint64_t c = carry; c > 0; c /= 10)
		extra++;
	memmove(q->d + extra, q->d, q->n);
	q->n += extra;
	for (; extra > 0; carry /= 10)
		q->d[--extra] = (unsigned char)(carry % 10);
}

/* q / 10^places, without zeros at the end of the fraction. */
static void
write_number(const struct whole *q, unsigned places, bool negative,
    struct buf *b)
{
	size_t whole = q->n > places ? q->n - places : 0, end = q->n;

	while (end > whole && q->d[end - 1] == 0)
		end--;
	if (negative && q->n > 0)
		buf_addc(b, '-');
	if (whole == 0)
		buf_addc(b, '0');
	for (size_t i = 0; i < whole; i++)
		buf_addc(b, (char)('0' + q->d[i]));
	if (end == whole)
		return;
	buf_addc(b, '.');
	for (size_t i = q->n; i < places; i++)
		buf_addc(b, '0');
	for (size_t i = whole; i < end; i++)
		buf_addc(b, (char)('0' + q->d[i]));
}

/* Is the multiple wanted the one further from zero? n digits were divided,
 * rest is left over, and behind it the digits of v from n on. */
static bool
is_further(const struct transform *t, const struct decimal *v, int64_t n,
    uint64_t rest)
{
	unsigned char next = 0;

	if (t->kind == TRANSFORM_BUCKET)
		return (v->negative && (rest > 0 || v->more ||
			(int64_t)v->n > (n > 0 ? n : 0)));
	if (n >= 0 && (size_t)n < v->n)
		next = v->d[n];
	return (2 * rest >= t->step ||
	    (2 * rest == t->step - 1 && next >= 5));
}

/* Digits behind the last that is not 0 would look like a rest. */
static void
decimal_trim(struct decimal *v)
{
	while (!v->more && v->n > 0 && v->d[v->n - 1] == 0)
		v->n--;
}

bool
transform_number(const struct transform *t, struct str number,
    struct buf *out)
{
	struct decimal v;
	struct whole q;
	uint64_t rest;
	int64_t n;

	decimal_read(number, &v);
	decimal_trim(&v);
	n = v.point + t->places;
	if (v.n == 0)
		n = 0;
	if (n > TRANSFORM_DIGITS_MAX)
		return (false);
	rest = divide(&v, n > 0 ? (size_t)n : 0, t->step, &q);
	if (v.n > 0 && is_further(t, &v, n, rest))
		add_one(&q);
	multiply(&q, t->step);
	write_number(&q, t->places, v.negative, out);
	return (true);
}
