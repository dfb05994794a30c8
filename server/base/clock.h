/* server/base/clock.h - two kinds of time that cannot be mixed up.
 *
 * mono_us: CLOCK_MONOTONIC, for timers. wall_us: UTC microseconds since
 * 1970, for contracts and the ledger. Read once a loop turn and handed in. */
#ifndef HUB_BASE_CLOCK_H
#define HUB_BASE_CLOCK_H

#include "server/base/str.h"

struct mono_us {
	int64_t us;
};

struct wall_us {
	int64_t us; /* INT64_MIN: absent, older than everything */
};

#define WALL_ABSENT ((struct wall_us){ INT64_MIN })
#define WALL_DAY_US INT64_C(86400000000)

struct mono_us clock_mono(void);
struct wall_us clock_wall(void);

/* ISO 8601 as NGSI-LD has it (RFC 3339): date "T" time with "Z" or an offset,
 * any number of fraction digits (beyond microseconds they are cut). A date
 * alone is HUB_ESYNTAX here; years 1 to 9999. */
enum hub_err wall_parse(struct str, struct wall_us *) HUB_MUST_CHECK;
/* "YYYY-MM-DD", midnight UTC. */
enum hub_err wall_parse_date(struct str, struct wall_us *) HUB_MUST_CHECK;

/* "2026-11-22T17:45:00.123456Z"; out has room for WALL_STR_MAX bytes. */
#define WALL_STR_MAX 28
void wall_format(struct wall_us, char *out);

/* First instant of the given German calendar day (Europe/Berlin, EU summer
 * time rule), as UTC. day is a midnight-UTC date of wall_parse_date. */
struct wall_us wall_berlin_day(struct wall_us day);
/* The German calendar date of an instant: year, month 1..12, day 1..31. */
void wall_berlin_date(struct wall_us, int *year, int *month, int *day);

#endif
