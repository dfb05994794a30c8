/* server/hubverify/text.c - strict readers of fields; see verify.h. */
#include "server/hubverify/verify.h"

#include <string.h>

#define DAY_US	INT64_C(86400000000)
#define HOUR_US INT64_C(3600000000)

bool
read_uint(const char *s, uint64_t max, uint64_t *v_r)
{
	uint64_t v = 0;

	if (s == NULL || s[0] == '\0' || (s[0] == '0' && s[1] != '\0'))
		return (false);
	for (; *s != '\0'; s++)
		if (*s < '0' || *s > '9' ||
		    __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return (false);
	*v_r = v;
	return (v <= max);
}

bool
read_int(const char *s, int64_t *v_r)
{
	bool minus = s != NULL && s[0] == '-';
	uint64_t v;

	if (!read_uint(s != NULL && minus ? s + 1 : s,
		(uint64_t)INT64_MAX + minus, &v) || (minus && v == 0))
		return (false);
	*v_r = minus ? -(int64_t)(v - 1) - 1 : (int64_t)v;
	return (true);
}

/* The calendar as in Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms": years begin in March. */
int32_t
days_of_date(int year, unsigned month, unsigned day)
{
	int y = month <= 2 ? year - 1 : year;
	int era = (y >= 0 ? y : y - 399) / 400;
	unsigned of_era = (unsigned)(y - era * 400);
	unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 +
	    day - 1;

	return (era * 146097 + (int32_t)(of_era * 365 + of_era / 4 -
	    of_era / 100 + of_year) - 719468);
}

void
date_of_days(int32_t days, int *year, unsigned *month, unsigned *day)
{
	int32_t z = days + 719468;
	int era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = (int)yoe + era * 400 + (*month <= 2);
}

bool
read_date(const char *s, int32_t *days_r)
{
	unsigned part[3] = { 0 };
	char again[16];
	int y;

	if (s == NULL || strlen(s) != 10 || s[4] != '-' || s[7] != '-')
		return (false);
	for (unsigned i = 0; i < 10; i++) {
		if (i == 4 || i == 7)
			continue;
		if (s[i] < '0' || s[i] > '9')
			return (false);
		part[i < 4 ? 0 : i < 7 ? 1 : 2] *= 10;
		part[i < 4 ? 0 : i < 7 ? 1 : 2] += (unsigned)(s[i] - '0');
	}
	if (part[1] < 1 || part[1] > 12)
		return (false);
	*days_r = days_of_date((int)part[0], part[1], part[2]);
	/* 31 June is not a day. */
	date_of_days(*days_r, &y, &part[1], &part[2]);
	(void)snprintf(again, sizeof(again), "%04d-%02u-%02u", y, part[1],
	    part[2]);
	return (strcmp(again, s) == 0);
}

bool
read_uuid(const char *s, unsigned char out[16])
{
	char digits[33];
	unsigned n = 0;

	if (s == NULL || strlen(s) != 36)
		return (false);
	for (unsigned i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return (false);
		} else
			digits[n++] = s[i];
	}
	digits[n] = '\0';
	return (hex_read(digits, out, 16));
}

/* 01:00 UTC of the last Sunday of a month of 31 days. */
static int64_t
switch_us(int year, unsigned month)
{
	int32_t last = days_of_date(year, month, 31);
	int32_t weekday = (last % 7 + 7 + 4) % 7; /* 1970-01-01: Thursday, 4 */

	return ((int64_t)(last - weekday) * DAY_US + HOUR_US);
}

int32_t
german_day(int64_t us)
{
	int64_t local;
	unsigned m, d;
	int year;

	date_of_days((int32_t)(us / DAY_US), &year, &m, &d);
	local = us + HOUR_US;
	if (us >= switch_us(year, 3) && us < switch_us(year, 10))
		local += HOUR_US;
	return ((int32_t)(local / DAY_US));
}
