/* server/ledger/allocation_days.c - periods, ranges of days and the parts of a
 * cost that fall into them; allocation.h says what is promised. */
#include <stdlib.h>

#include "server/ledger/allocation_priv.h"

int64_t
period_days(struct period p)
{
	return ((p.to.us - p.from.us) / WALL_DAY_US + 1);
}

static struct wall_us
later(struct wall_us a, struct wall_us b)
{
	return (a.us > b.us ? a : b);
}

static struct wall_us
earlier(struct wall_us a, struct wall_us b)
{
	return (a.us < b.us ? a : b);
}

bool
member_present(const struct region_member *m, struct period p)
{
	return (m->from.us <= p.from.us && m->to.us >= p.to.us);
}

/* Noon of a calendar day is the same day in Germany, whatever the season. */
static void
calendar(struct wall_us day, int *year, int *month, int *dom)
{
	struct wall_us noon = { day.us + WALL_DAY_US / 2 };

	wall_berlin_date(noon, year, month, dom);
}

unsigned
period_turn(struct period p)
{
	int year, month, dom;

	calendar(p.from, &year, &month, &dom);
	return (12 * (unsigned)year + (unsigned)month - 1);
}

/* The last day of the month that the day is in. */
static struct wall_us
month_end(struct wall_us day)
{
	int year, month, dom, m;

	calendar(day, &year, &month, &dom);
	day.us += (27 - dom + 1) * WALL_DAY_US; /* the 28th */
	for (;;) {
		struct wall_us next = { day.us + WALL_DAY_US };

		calendar(next, &year, &m, &dom);
		if (m != month)
			return (day);
		day = next;
	}
}

struct period
calendar_unit(struct wall_us day, enum cost_per per)
{
	struct period unit = { day, month_end(day) };
	int year, month, dom;

	calendar(day, &year, &month, &dom);
	unit.from.us -= (dom - 1) * WALL_DAY_US;
	for (int m = month; per == PER_YEAR && m > 1; m--) {
		struct wall_us before = { unit.from.us - WALL_DAY_US };

		calendar(before, &year, &month, &dom);
		unit.from.us -= dom * WALL_DAY_US;
	}
	for (int m = 0; per == PER_YEAR && m < 12; m++) {
		struct wall_us next = { unit.to.us + WALL_DAY_US };

		calendar(next, &year, &month, &dom);
		if (month == 1)
			break;
		unit.to = month_end(next);
	}
	return (unit);
}

/* What both have; it ends before it begins when that is nothing. */
struct period
period_meet(struct period a, struct period b)
{
	return ((struct period){ later(a.from, b.from), earlier(a.to, b.to) });
}

/* ---- months of a cost */

struct month {
	struct period days; /* of the cost in it */
	bool whole;
};

static unsigned
months_of(struct period cost, struct arena *a, struct month **months_r)
{
	size_t max = (size_t)period_days(cost) / 28 + 2;
	struct month *v = arena_array(a, max, sizeof(*v));
	struct wall_us day = cost.from;
	unsigned n = 0;

	while (day.us <= cost.to.us) {
		struct wall_us end = month_end(day);
		int year, month, dom;

		calendar(day, &year, &month, &dom);
		assert(n < max);
		v[n++] = (struct month){ { day, earlier(end, cost.to) },
			dom == 1 && end.us <= cost.to.us };
		day.us = end.us + WALL_DAY_US;
	}
	*months_r = v;
	return (n);
}

static unsigned
months_weigh(const struct month *months, unsigned n, uint64_t *weights)
{
	bool whole = true;

	for (unsigned i = 0; i < n; i++)
		whole = whole && months[i].whole;
	for (unsigned i = 0; i < n; i++)
		weights[i] = whole ? 1 : (uint64_t)period_days(months[i].days);
	return (n);
}

bool
cost_part(int64_t cents, struct period cost, struct period asked,
    int64_t *cents_r, struct period *part_r)
{
	struct arena *a = arena_new();
	struct month *months;
	unsigned n = months_of(cost, a, &months);
	uint64_t *weights = arena_array(a, n, sizeof(*weights));
	int64_t *parts = arena_array(a, n, sizeof(*parts)), sum = 0;
	bool any = false;

	assert(n <= ALLOCATION_MEMBERS_MAX);
	apportion(cents, weights, months_weigh(months, n, weights), 0, parts);
	for (unsigned i = 0; i < n; i++) {
		const struct period *days = &months[i].days;

		if (days->from.us < asked.from.us ||
		    days->from.us > asked.to.us)
			continue;
		if (!any)
			part_r->from = days->from;
		part_r->to = days->to;
		sum += parts[i];
		any = true;
	}
	if (any)
		*cents_r = sum;
	arena_free(a);
	return (any);
}

/* ---- ranges of the same members */

static int
day_cmp(const void *a, const void *b)
{
	const struct wall_us *da = a, *db = b;

	return ((da->us > db->us) - (da->us < db->us));
}

unsigned
model_ranges(const struct region_model *model, struct period period,
    struct arena *a, struct period **ranges_r)
{
	size_t max = 2 * (size_t)model->nmembers + 2;
	struct wall_us *cuts = arena_array(a, max, sizeof(*cuts));
	struct period *ranges = arena_array(a, max, sizeof(*ranges));
	unsigned ncuts = 0, n = 0;

	/* A range begins with the period, on the first day of a member and on
	 * the day after the last of one. */
	cuts[ncuts++] = period.from;
	for (unsigned i = 0; i < model->nmembers; i++) {
		const struct region_member *m = &model->members[i];

		cuts[ncuts++] = later(m->from, period.from);
		if (m->to.us < period.to.us && m->to.us >= period.from.us)
			cuts[ncuts++].us = m->to.us + WALL_DAY_US;
	}
	qsort(cuts, ncuts, sizeof(*cuts), day_cmp);
	for (unsigned i = 0; i < ncuts; i++) {
		if (cuts[i].us > period.to.us ||
		    (i > 0 && cuts[i].us == cuts[i - 1].us))
			continue;
		if (n > 0)
			ranges[n - 1].to.us = cuts[i].us - WALL_DAY_US;
		ranges[n++] = (struct period){ cuts[i], period.to };
	}
	*ranges_r = ranges;
	return (n);
}
