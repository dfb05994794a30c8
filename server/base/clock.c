/* server/base/clock.c - reading, parsing and printing time. */
#include "server/base/clock.h"

#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		assert(!"clock_gettime");
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

struct mono_us
clock_mono(void)
{
	return ((struct mono_us){ read_clock(CLOCK_MONOTONIC) });
}

struct wall_us
clock_wall(void)
{
	return ((struct wall_us){ read_clock(CLOCK_REALTIME) });
}

/* Days since 1970-01-01 of a Gregorian date (H. Hinnant's algorithm). */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return (era * 146097 + doe - 719468);
}

static void
date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

/* Exactly n digits at p. */
static bool
digits(const char *p, size_t n, int *value_r)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return (false);
		v = v * 10 + (p[i] - '0');
	}
	*value_r = v;
	return (true);
}

enum hub_err
wall_parse_date(struct str s, struct wall_us *wall_r)
{
	static const int last[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int y, m, d;

	if (s.len != 10 || s.p[4] != '-' || s.p[7] != '-' ||
	    !digits(s.p, 4, &y) || !digits(s.p + 5, 2, &m) ||
	    !digits(s.p + 8, 2, &d))
		return (HUB_ESYNTAX);
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > last[m - 1])
		return (HUB_ERANGE);
	if (m == 2 && d == 29 &&
	    !((y % 4 == 0 && y % 100 != 0) || y % 400 == 0))
		return (HUB_ERANGE);
	wall_r->us = days_of(y, m, d) * WALL_DAY_US;
	return (HUB_OK);
}

/* "Z", "+hh:mm" or "-hh:mm", as minutes east of UTC. */
static enum hub_err
parse_offset(struct str s, int *minutes_r)
{
	int h, m;

	if (s.len == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')) {
		*minutes_r = 0;
		return (HUB_OK);
	}
	if (s.len != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' ||
	    !digits(s.p + 1, 2, &h) || !digits(s.p + 4, 2, &m))
		return (HUB_ESYNTAX);
	if (h > 23 || m > 59)
		return (HUB_ERANGE);
	*minutes_r = (s.p[0] == '-' ? -1 : 1) * (h * 60 + m);
	return (HUB_OK);
}

enum hub_err
wall_parse(struct str s, struct wall_us *wall_r)
{
	int h, m, sec, off;
	int64_t frac = 0, unit = 100000;
	struct wall_us day;
	enum hub_err err;
	size_t i = 19;

	if (s.len < 20 || (s.p[10] != 'T' && s.p[10] != 't'))
		return (HUB_ESYNTAX);
	err = wall_parse_date((struct str){ s.p, 10 }, &day);
	if (err != HUB_OK)
		return (err);
	if (s.p[13] != ':' || s.p[16] != ':' || !digits(s.p + 11, 2, &h) ||
	    !digits(s.p + 14, 2, &m) || !digits(s.p + 17, 2, &sec))
		return (HUB_ESYNTAX);
	if (h > 23 || m > 59 || sec > 60)
		return (HUB_ERANGE);
	if (s.p[i] == '.' || s.p[i] == ',') {
		for (i++; i < s.len && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
			frac += (s.p[i] - '0') * unit;
			unit /= 10;
		}
		if (i == 20)
			return (HUB_ESYNTAX);
	}
	err = parse_offset(str_from(s, i), &off);
	if (err != HUB_OK)
		return (err);
	wall_r->us = day.us +
	    ((int64_t)h * 3600 + (int64_t)m * 60 + sec - (int64_t)off * 60) *
		1000000 + frac;
	return (HUB_OK);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return (a / b - (a % b != 0 && (a < 0) != (b < 0)));
}

/* n digits of v, the last of them before end. */
static void
put_digits(char *end, unsigned n, unsigned v)
{
	while (n-- > 0) {
		*--end = (char)('0' + v % 10);
		v /= 10;
	}
}

void
wall_format(struct wall_us w, char *out)
{
	int64_t days = floor_div(w.us, WALL_DAY_US);
	int64_t rest = w.us - days * WALL_DAY_US;
	unsigned secs = (unsigned)(rest / 1000000);
	int y, m, d;

	date_of(days, &y, &m, &d);
	assert(y >= 0 && y <= 9999);
	memcpy(out, "0000-00-00T00:00:00.000000Z", WALL_STR_MAX);
	put_digits(out + 4, 4, (unsigned)y);
	put_digits(out + 7, 2, (unsigned)m);
	put_digits(out + 10, 2, (unsigned)d);
	put_digits(out + 13, 2, secs / 3600);
	put_digits(out + 16, 2, secs / 60 % 60);
	put_digits(out + 19, 2, secs % 60);
	put_digits(out + 26, 6, (unsigned)(rest % 1000000));
}

/* The last Sunday of a month with 31 days, 01:00 UTC: when the EU changes
 * its clocks (directive 2000/84/EC). */
static int64_t
change_us(int year, int month)
{
	int64_t days = days_of(year, month, 31);
	int64_t weekday = (days % 7 + 7 + 4) % 7; /* 1970-01-01: a Thursday */

	return ((days - weekday) * WALL_DAY_US + INT64_C(3600000000));
}

static int64_t
berlin_offset_us(struct wall_us w)
{
	int y, m, d;
	bool summer;

	date_of(floor_div(w.us, WALL_DAY_US), &y, &m, &d);
	summer = w.us >= change_us(y, 3) && w.us < change_us(y, 10);
	return (summer ? INT64_C(7200000000) : INT64_C(3600000000));
}

struct wall_us
wall_berlin_day(struct wall_us day)
{
	/* Clocks change at night, never within two hours of midnight. */
	struct wall_us guess = { day.us - INT64_C(7200000000) };

	return ((struct wall_us){ day.us - berlin_offset_us(guess) });
}

void
wall_berlin_date(struct wall_us w, int *year, int *month, int *day)
{
	date_of(floor_div(w.us + berlin_offset_us(w), WALL_DAY_US), year, month,
	    day);
}
