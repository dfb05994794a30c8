/* server/ngsild/temporal_aggregate.c - what a series comes to in each period
 * (ETSI GS CIM 009, 4.5.19); see temporal.h.
 *
 * Sums are kept as integers of the smallest place that occurs, so that what is
 * added in decimals is right in decimals; numbers too long for 128 bits are
 * added in long double, with what each addition loses kept beside it. */
#include "server/ngsild/temporal_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef __int128 int128;

/* 10^places is computed by that many multiplications. */
#define PLACES_MAX 38

/* ---- sums */

struct exact {
	bool lost; /* it had too many digits */
	unsigned places;
	int128 v; /* in 10^-places */
};

struct sums {
	size_t n;
	struct exact sum, squares;
	long double about, lost; /* the same as floating point */
	long double about_squares, lost_squares;
	long double mean, m2; /* Welford's */
};

struct decimal {
	int128 digits;
	unsigned places;
};

static bool
scale_up(int128 *v, unsigned places)
{
	if (places > PLACES_MAX)
		return (*v == 0);
	for (; places > 0; places--)
		if (__builtin_mul_overflow(*v, (int128)10, v))
			return (false);
	return (true);
}

/* A JSON number; false: it has too many digits. */
static bool
decimal_read(struct str s, struct decimal *d)
{
	bool point = false, negative = s.len > 0 && s.p[0] == '-';
	int64_t exponent = 0, places = 0;
	size_t i = negative;

	d->digits = 0;
	for (; i < s.len && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
		if (s.p[i] == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(d->digits, (int128)10,
			&d->digits) ||
		    __builtin_add_overflow(d->digits,
			(int128)(s.p[i] - '0'), &d->digits))
			return (false);
		places += point;
	}
	if (i < s.len) {
		s = str_from(s, i + 1);
		if (s.len > 0 && s.p[0] == '+')
			s = str_from(s, 1);
		if (str_int(s, -100, 100, &exponent) != HUB_OK)
			return (false);
	}
	places -= exponent;
	if (negative)
		d->digits = -d->digits;
	while (places > 0 && d->digits % 10 == 0) {
		d->digits /= 10;
		places--;
		if (d->digits == 0)
			places = 0;
	}
	if (places < 0 && !scale_up(&d->digits, (unsigned)-places))
		return (false);
	d->places = places > 0 ? (unsigned)places : 0;
	return (d->places <= PLACES_MAX / 2);
}

static bool
add_exactly(struct exact *sum, struct decimal d)
{
	unsigned places = d.places > sum->places ? d.places : sum->places;

	if (!scale_up(&d.digits, places - d.places) ||
	    !scale_up(&sum->v, places - sum->places))
		return (false);
	sum->places = places;
	return (!__builtin_add_overflow(sum->v, d.digits, &sum->v));
}

static void
add_decimal(struct sums *s, struct str number)
{
	struct decimal d;

	if (!decimal_read(number, &d)) {
		s->sum.lost = s->squares.lost = true;
		return;
	}
	if (!s->sum.lost)
		s->sum.lost = !add_exactly(&s->sum, d);
	d.places *= 2;
	if (!s->squares.lost)
		s->squares.lost =
		    __builtin_mul_overflow(d.digits, d.digits, &d.digits) ||
		    !add_exactly(&s->squares, d);
}

/* Neumaier: what the addition loses is added to *lost. */
static void
add_about(long double *sum, long double *lost, long double v)
{
	long double t = *sum + v;

	*lost += fabsl(*sum) >= fabsl(v) ? *sum - t + v : v - t + *sum;
	*sum = t;
}

static void
sums_add(struct sums *s, struct str number)
{
	char text[400];
	long double v, delta;

	/* What is longer has more digits than any double. */
	(void)snprintf(text, sizeof(text), "%.*s", (int)(number.len < 390 ?
	    number.len : 390), number.p);
	v = strtold(text, NULL);
	add_decimal(s, number);
	add_about(&s->about, &s->lost, v);
	add_about(&s->about_squares, &s->lost_squares, v * v);
	s->n++;
	delta = v - s->mean;
	s->mean += delta / (long double)s->n;
	s->m2 += delta * (v - s->mean);
}

static long double
power10(unsigned n)
{
	long double v = 1;

	while (n-- > 0)
		v *= 10;
	return (v);
}

static void
write_exact(int128 v, unsigned places, struct buf *b)
{
	char text[64];
	size_t at = sizeof(text);
	bool negative = v < 0, fraction = false;

	for (unsigned i = 0; i < places || v != 0 || i == places; i++) {
		int digit = (int)(v % 10);

		v /= 10;
		digit = digit < 0 ? -digit : digit;
		if (i == places && fraction)
			text[--at] = '.';
		fraction = fraction || digit != 0;
		if (i >= places || fraction)
			text[--at] = (char)('0' + digit);
	}
	if (negative)
		buf_addc(b, '-');
	buf_add(b, text + at, sizeof(text) - at);
}

/* The shortest that reads back as the same double; false: it is none. */
static bool
write_about(long double v, struct buf *b)
{
	double d = (double)v;
	char text[40];

	if (!isfinite(d))
		return (false);
	if (d == 0)
		d = 0; /* no sign */
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	buf_adds(b, str_of(text));
	return (true);
}

static bool
write_avg(const struct sums *s, struct buf *b)
{
	long double sum = s->sum.lost ? s->about + s->lost :
	    (long double)s->sum.v / power10(s->sum.places);

	return (write_about(sum / (long double)s->n, b));
}

static bool
write_sum(const struct exact *sum, long double about, struct buf *b)
{
	if (sum->lost)
		return (write_about(about, b));
	write_exact(sum->v, sum->places, b);
	return (true);
}

/* Of a sample, as databases have it: one value alone has none. */
static bool
write_stddev(const struct sums *s, struct buf *b)
{
	long double n = (long double)s->n, unit = power10(s->squares.places);
	int128 a, c;

	if (s->n < 2)
		return (false);
	/* Both have the most places that a number had, the squares twice. */
	if (!s->sum.lost && !s->squares.lost &&
	    !__builtin_mul_overflow(s->squares.v, (int128)s->n, &a) &&
	    !__builtin_mul_overflow(s->sum.v, s->sum.v, &c))
		return (write_about(sqrtl((long double)(a - c) /
		    (n * (n - 1)) / unit), b));
	return (write_about(sqrtl(s->m2 / (n - 1)), b));
}

/* ---- one method over one period */

struct scalar {
	uint8_t kind;
	struct str text; /* of a string decoded, else as it stands */
};

static int
scalar_cmp(const void *a, const void *b)
{
	const struct scalar *x = a, *y = b;

	if (x->kind != y->kind)
		return (x->kind < y->kind ? -1 : 1);
	if (x->kind == JSON_NUMBER)
		return (json_number_cmp(x->text, y->text));
	return (str_cmp(x->text, y->text));
}

static size_t
count_distinct(const struct instance *const *v, size_t n, struct arena *a)
{
	struct scalar *list = arena_raw(a, n * sizeof(*list));
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) {
		const struct json *j = &v[i]->doc->json;
		uint32_t node = v[i]->value;

		list[i].kind = j->nodes[node].kind;
		list[i].text = list[i].kind == JSON_STRING ?
		    json_text(j, node, a) : json_span(j, node);
	}
	qsort(list, n, sizeof(*list), scalar_cmp);
	for (size_t i = 0; i < n; i++)
		distinct += i == 0 || scalar_cmp(&list[i - 1], &list[i]) != 0;
	return (distinct);
}

/* The number that an instance has, or p NULL. */
static struct str
number_of(const struct instance *in)
{
	const struct json *j = &in->doc->json;

	if (in->kind != ATTR_PROPERTY ||
	    j->nodes[in->value].kind != JSON_NUMBER)
		return (STR_NONE);
	return (json_span(j, in->value));
}

/* The smallest (sign 1) or greatest (-1), as its source wrote it. */
static bool
write_extreme(const struct instance *const *v, size_t n, int sign,
    struct buf *b)
{
	struct str best = STR_NONE, number;

	for (size_t i = 0; i < n; i++) {
		number = number_of(v[i]);
		if (number.p != NULL && (best.p == NULL ||
		    json_number_cmp(number, best) * sign < 0))
			best = number;
	}
	buf_adds(b, best);
	return (best.p != NULL);
}

/* What a method comes to; false: nothing, and nothing was written. */
static bool
write_result(enum aggregate method, const struct instance *const *v, size_t n,
    struct arena *a, struct buf *b)
{
	struct sums s = { 0 };
	struct str number;

	if (method == AGGR_TOTAL_COUNT || method == AGGR_DISTINCT_COUNT) {
		buf_addu(b, method == AGGR_TOTAL_COUNT ? n :
				count_distinct(v, n, a));
		return (true);
	}
	if (method == AGGR_MIN || method == AGGR_MAX)
		return (write_extreme(v, n, method == AGGR_MIN ? 1 : -1, b));
	for (size_t i = 0; i < n; i++) {
		number = number_of(v[i]);
		if (number.p != NULL)
			sums_add(&s, number);
	}
	if (s.n == 0)
		return (false);
	switch (method) {
	case AGGR_AVG:
		return (write_avg(&s, b));
	case AGGR_STDDEV:
		return (write_stddev(&s, b));
	case AGGR_SUMSQ:
		return (write_sum(&s.squares,
		    s.about_squares + s.lost_squares, b));
	default:
		return (write_sum(&s.sum, s.about + s.lost, b));
	}
}

/* ---- all periods */

/* Periods begin at timeAt; where the range is open at its beginning, at the
 * first day of our calendar, a Monday, so that they depend on no value. */
#define DAY_ONE INT64_C(-62135596800000000)

/* The period that the instant lies in. */
static void
find_period(const struct temporal *t, const struct series *s,
    struct wall_us at, struct time_range *p)
{
	const struct time_range *all = &t->range;
	struct wall_us origin = { all->from.us == INT64_MIN ? DAY_ONE :
							      all->from.us };
	int64_t k;

	if (t->period.months == 0 && t->period.us == 0) {
		*p = *all;
		if (all->from.us == INT64_MIN)
			p->from = temporal_instant(t, s->v[0]);
		if (all->until.us == INT64_MAX)
			p->until = temporal_instant(t, s->v[s->n - 1]);
		return;
	}
	if (at.us < origin.us) /* an offset may reach into the year 0 */
		at = origin;
	k = duration_count(origin, t->period, at);
	p->from = duration_after(origin, t->period, k);
	p->until = duration_after(origin, t->period, k + 1);
}

struct period {
	struct time_range range;
	size_t end; /* behind its last instance */
};

/* Those that hold an instance. */
static struct period *
find_periods(const struct temporal *t, const struct series *s,
    struct arena *a, size_t *n_r)
{
	struct period *list = arena_raw(a, s->n * sizeof(*list));
	bool whole = t->period.months == 0 && t->period.us == 0;
	struct period *p = NULL;
	struct wall_us at;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		at = temporal_instant(t, s->v[i]);
		if (p == NULL || (!whole && at.us >= p->range.until.us)) {
			p = &list[n++];
			find_period(t, s, at, &p->range);
		}
		p->end = i + 1;
	}
	*n_r = n;
	return (list);
}

static void
write_range(const struct time_range *p, struct buf *b)
{
	BUF_LIT(b, ",\"");
	temporal_write_time(p->from, b);
	BUF_LIT(b, "\",\"");
	temporal_write_time(p->until, b);
	BUF_LIT(b, "\"]");
}

static void
write_method(enum aggregate method, const struct series *s,
    const struct period *periods, size_t n, struct arena *a, struct buf *b)
{
	size_t before, from = 0;
	bool any = false;

	for (size_t i = 0; i < n; from = periods[i++].end) {
		before = b->len;
		buf_adds(b, any ? STR(",[") : STR("["));
		if (!write_result(method, s->v + from, periods[i].end - from,
			a, b)) {
			if (!b->failed)
				b->len = before;
			continue;
		}
		any = true;
		write_range(&periods[i].range, b);
	}
}

void
temporal_write_aggregates(const struct series *s, const struct temporal *t,
    const struct entity_out *o, struct buf *b)
{
	static const char *const names[] = { [AGGR_TOTAL_COUNT] = "totalCount",
		[AGGR_DISTINCT_COUNT] = "distinctCount",
		[AGGR_SUM] = "sum",
		[AGGR_AVG] = "avg",
		[AGGR_MIN] = "min",
		[AGGR_MAX] = "max",
		[AGGR_STDDEV] = "stddev",
		[AGGR_SUMSQ] = "sumsq" };
	struct arena *a = o->names->arena;
	size_t n = 0;
	const struct period *periods = find_periods(t, s, a, &n);

	for (enum aggregate m = AGGR_TOTAL_COUNT; m < AGGR_MAX_; m++) {
		if ((t->methods >> m & 1) == 0)
			continue;
		BUF_LIT(b, ",\"");
		buf_adds(b, str_of(names[m]));
		BUF_LIT(b, "\":[");
		write_method(m, s, periods, n, a, b);
		buf_addc(b, ']');
	}
}
