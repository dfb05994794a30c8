/* server/ngsild/temporal_period.c - durations, their multiples, and the spans of
 * time that sources tell; see temporal.h. */
#include "server/ngsild/temporal_priv.h"

#include <time.h>

/* ---- durations */

/* Digits, then the letter of the unit. */
static bool
cut_number(struct str *s, uint64_t *n_r, char *unit_r)
{
	size_t i = 0;

	while (i < s->len && s->p[i] >= '0' && s->p[i] <= '9')
		i++;
	if (i == 0 || i == s->len ||
	    str_uint((struct str){ s->p, i }, 9999999999, n_r) != HUB_OK)
		return (false);
	*unit_r = s->p[i];
	*s = str_from(*s, i + 1);
	return (true);
}

#define DURATION_MONTHS_MAX INT64_C(120000)
#define DURATION_US_MAX	    (INT64_C(3660000) * WALL_DAY_US)

static bool
add_part(struct duration *d, uint64_t n, int64_t months, int64_t us)
{
	int64_t more;

	if (__builtin_mul_overflow((int64_t)n, months + us, &more))
		return (false);
	if (months > 0)
		d->months += more;
	else if (more > DURATION_US_MAX)
		return (false);
	else
		d->us += more;
	return (d->months <= DURATION_MONTHS_MAX && d->us <= DURATION_US_MAX);
}

enum hub_err
iso_duration_parse(struct str s, struct duration *d_r)
{
	static const struct {
		char unit;
		bool time; /* behind the T */
		int64_t months, us;
	} units[] = {
		{ 'Y', false, 12, 0 },
		{ 'M', false, 1, 0 },
		{ 'W', false, 0, 7 * WALL_DAY_US },
		{ 'D', false, 0, WALL_DAY_US },
		{ 'H', true, 0, INT64_C(3600000000) },
		{ 'M', true, 0, 60000000 },
		{ 'S', true, 0, 1000000 },
	};
	const size_t n = sizeof(units) / sizeof(units[0]);
	struct duration d = { 0, 0 };
	bool time = false, any = false;
	size_t i = 0;
	uint64_t number;
	char unit;

	if (s.len == 0 || s.p[0] != 'P')
		return (HUB_ESYNTAX);
	s = str_from(s, 1);
	while (s.len > 0) {
		if (!time && s.p[0] == 'T') {
			time = true;
			any = false; /* something must follow */
			s = str_from(s, 1);
			continue;
		}
		if (!cut_number(&s, &number, &unit))
			return (HUB_ESYNTAX);
		while (i < n && (units[i].unit != unit ||
				    units[i].time != time))
			i++;
		if (i == n || !add_part(&d, number, units[i].months,
				  units[i].us))
			return (HUB_ESYNTAX);
		any = true;
		i++; /* each once, in this order */
	}
	if (!any)
		return (HUB_ESYNTAX);
	*d_r = d;
	return (HUB_OK);
}

/* ---- multiples */

#define YEAR_9999 INT64_C(253402300800000000) /* its end */

static struct wall_us
add_months(struct wall_us at, int64_t months)
{
	int64_t us = (at.us % 1000000 + 1000000) % 1000000;
	time_t secs = (time_t)((at.us - us) / 1000000);
	struct tm tm, there;
	int day;

	if (months == 0 || gmtime_r(&secs, &tm) == NULL)
		return (at);
	day = tm.tm_mday;
	tm.tm_mday = 1;
	tm.tm_mon += (int)months;
	secs = timegm(&tm);
	if (gmtime_r(&secs, &there) == NULL)
		return (at);
	/* The 31st of a short month is its last day. */
	there.tm_mday = day;
	tm = there;
	secs = timegm(&tm);
	while (tm.tm_mon != there.tm_mon) {
		there.tm_mday--;
		tm = there;
		secs = timegm(&tm);
	}
	return ((struct wall_us){ (int64_t)secs * 1000000 + us });
}

struct wall_us
duration_after(struct wall_us origin, struct duration d, int64_t k)
{
	int64_t months, us;
	struct wall_us at;

	if (__builtin_mul_overflow(d.months, k, &months) || months > 240000 ||
	    __builtin_mul_overflow(d.us, k, &us) || us > 4 * YEAR_9999)
		return ((struct wall_us){ YEAR_9999 });
	at = add_months(origin, months);
	at.us += us;
	return (at.us < YEAR_9999 ? at : (struct wall_us){ YEAR_9999 });
}

int64_t
duration_count(struct wall_us origin, struct duration d, struct wall_us at)
{
	int64_t span = at.us - origin.us, lo, hi, mid;

	if (d.months == 0)
		return (span / d.us);
	/* A month has 28 to 31 days. */
	lo = span / (d.months * 31 * WALL_DAY_US + d.us);
	hi = span / (d.months * 28 * WALL_DAY_US + d.us) + 2;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (duration_after(origin, d, mid).us <= at.us)
			lo = mid;
		else
			hi = mid;
	}
	return (lo);
}

/* ---- Content-Range */

static bool
lax_time(struct str s, struct wall_us *at_r)
{
	char text[48];

	if (wall_parse(s, at_r) == HUB_OK)
		return (true);
	if (s.len < 19 || s.len >= sizeof(text))
		return (false);
	memcpy(text, s.p, s.len);
	text[s.len] = 'Z';
	return (wall_parse((struct str){ text, s.len + 1 }, at_r) == HUB_OK);
}

enum hub_err
temporal_span_parse(
    struct str value, struct wall_us *first_r, struct wall_us *last_r)
{
	struct wall_us first, last;
	struct str unit;

	value = str_trim(value);
	if (!str_cut(&value, ' ', &unit) || value.p == NULL ||
	    value.len > 128 ||
	    (!str_caseeq(unit, STR("date-time")) &&
		!str_caseeq(unit, STR("DateTime"))))
		return (HUB_ESYNTAX);
	value.len = str_chr(value, '/');
	/* Both times have hyphens of their own: one of them lies between. */
	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] == '-' &&
		    lax_time((struct str){ value.p, i }, &first) &&
		    lax_time(str_from(value, i + 1), &last)) {
			*first_r = first;
			*last_r = last;
			return (HUB_OK);
		}
	return (HUB_ESYNTAX);
}
