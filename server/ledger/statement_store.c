/* server/ledger/statement_store.c - what tenants used, for the shares of a
 * cost: sums of the roll-ups, or of events where the model weighs them in its
 * own way. */
#include <stdio.h>

#include "server/ledger/statement.h"

/* The meter by which the loader fills the roll-ups (ledger.md §3). */
static const struct region_meter usual = { 1000, 10, 1 };

/* $1 class, $2 first day, $3 day after the last. What could only be estimated
 * was used all the same. */
#define WHERE "WHERE class IN ($1, 'estimate') AND day >= $2::date AND day < $3::date"

static const char *const rolled_up[] = {
	[PARTY_CONSUMER] = "SELECT consumer, sum(units), 0 "
			   "FROM report.usage_day " WHERE " GROUP BY 1",
	[PARTY_PROVIDER] = "SELECT provider, sum(units), 0 "
			   "FROM report.usage_day " WHERE " GROUP BY 1",
};
/* Beside it how much the roll-ups have more than the events. $4 to $6 are the
 * weights. */
#define METERED(party)                                                         \
	"SELECT coalesce(e.ags, r.ags), coalesce(e.units, 0), "                \
	"coalesce(r.units, 0) - coalesce(e.usual, 0) "                         \
	"FROM (SELECT " party " AS ags, "                                      \
	"sum($4::numeric * accesses + $5::numeric * entities "                 \
	"+ $6::numeric * kib) AS units, sum(units) AS usual "                  \
	"FROM report.metered_day " WHERE " GROUP BY 1) e "                     \
	"FULL JOIN (SELECT " party " AS ags, sum(units) AS units "             \
	"FROM report.usage_day " WHERE " GROUP BY 1) r ON r.ags = e.ags"
static const char *const metered[] = {
	[PARTY_CONSUMER] = METERED("consumer"),
	[PARTY_PROVIDER] = METERED("provider"),
};

static void
day_text(struct wall_us day, char out[WALL_STR_MAX])
{
	wall_format(day, out);
	out[10] = '\0';
}

static int
member_of_ags(const struct region_model *m, struct str ags)
{
	for (unsigned i = 0; i < m->nmembers; i++)
		if (str_eq(m->members[i].tenant->ags, ags))
			return ((int)i);
	return (-1);
}

static enum hub_err
take_rows(const struct region_model *m, const PGresult *res, uint64_t *units,
    uint64_t *others)
{
	for (int row = 0; row < PQntuples(res); row++) {
		int i = member_of_ags(m, str_of(PQgetvalue(res, row, 0)));
		uint64_t n;

		if (strcmp(PQgetvalue(res, row, 2), "0") != 0)
			return (HUB_ECONFLICT);
		if (str_uint(str_of(PQgetvalue(res, row, 1)), INT64_MAX, &n) !=
		    HUB_OK)
			return (HUB_ERANGE);
		if (i >= 0)
			units[i] = n;
		else if (__builtin_add_overflow(*others, n, others))
			return (HUB_ERANGE);
	}
	return (HUB_OK);
}

/* Units by member, of the days of a range. */
static enum hub_err
usage_of(struct db *db, const struct region_model *m, struct period days,
    uint64_t *units, uint64_t *others)
{
	static const char *const classes[] = {
		[PARTY_CONSUMER] = "access", [PARTY_PROVIDER] = "leg"
	};
	bool own = memcmp(&m->meter, &usual, sizeof(usual)) != 0;
	char first[WALL_STR_MAX], next[WALL_STR_MAX], weights[3][16];
	const char *params[] = { classes[m->party], first, next, weights[0],
		weights[1], weights[2] };
	PGresult *res = NULL;
	enum hub_err err;

	day_text(days.from, first);
	day_text((struct wall_us){ days.to.us + WALL_DAY_US }, next);
	(void)snprintf(weights[0], sizeof(weights[0]), "%u", m->meter.access);
	(void)snprintf(weights[1], sizeof(weights[1]), "%u", m->meter.entity);
	(void)snprintf(weights[2], sizeof(weights[2]), "%u", m->meter.kib);
	err = db_exec(db, own ? metered[m->party] : rolled_up[m->party],
	    own ? 6 : 3, params, &res);
	if (err == HUB_OK)
		err = take_rows(m, res, units, others);
	PQclear(res);
	return (err);
}

enum hub_err
cost_run_usage(struct db *db, struct cost_run *run)
{
	const struct region_model *m = run->in.model;
	enum hub_err err = HUB_OK;

	for (unsigned r = 0; r < run->in.nranges && err == HUB_OK; r++) {
		size_t at = (size_t)r * m->nmembers;

		if (model_asks(m, KEY_USAGE))
			err = usage_of(db, m, run->in.ranges[r],
			    &run->usage[at], &run->others[r]);
		if (err == HUB_OK && model_asks(m, KEY_PREVIOUS_USAGE))
			err = usage_of(db, m, year_before(run->in.ranges[r]),
			    &run->previous[at], &run->previous_others[r]);
	}
	return (err);
}
