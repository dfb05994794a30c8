/* server/hubverify/usage.c - units by tenant and day, as the roll-ups have
 * them; see shares.h. rolls.c has compared these rows with the events. */
#include "server/hubverify/shares.h"

#include <stdlib.h>
#include <string.h>

/* Columns of usage_day. */
enum { DAY, BOOKED, CLASS, CONSUMER, PROVIDER, UNITS = 14 };

#define AGS_MAX	    16
#define BOOKED_FROM 10957 /* 2000: nothing is booked before, */
#define BOOKED_TO   84005 /* nor from 2200 on */

struct use {
	char ags[AGS_MAX];
	bool consumer;
	int32_t booked, day;
	uint64_t n[NUSAGE];
	wide sum[NUSAGE]; /* of all before it of the same tenant and month */
};
struct list {
	struct use *list;
	size_t n, cap;
	bool sorted;
};
struct usage {
	struct list rows, events; /* rows have units alone */
};

struct usage *
usage_new(void)
{
	struct usage *u = calloc(1, sizeof(*u));

	if (u == NULL)
		abort();
	return (u);
}

void
usage_free(struct usage *u)
{
	if (u == NULL)
		return;
	free(u->rows.list);
	free(u->events.list);
	free(u);
}

static void
add(struct list *u, const struct use *use, const char *ags)
{
	if (u->n == u->cap) {
		u->cap = u->cap == 0 ? 1024 : u->cap * 2;
		u->list = realloc(u->list, u->cap * sizeof(*u->list));
		if (u->list == NULL)
			abort();
	}
	u->list[u->n] = *use;
	(void)snprintf(u->list[u->n].ags, AGS_MAX, "%s", ags);
	u->n++;
	u->sorted = false;
}

/* Consumers bear what they asked for, providers what they gave; what could
 * only be estimated counts for both. */
static void
add_both(struct list *u, struct use *use, const struct usage_event *e)
{
	bool estimate = strcmp(e->class, "estimate") == 0;

	if (e->booked < BOOKED_FROM || e->booked >= BOOKED_TO ||
	    strlen(e->consumer) >= AGS_MAX || strlen(e->provider) >= AGS_MAX)
		return;
	use->booked = e->booked;
	use->day = e->day;
	memcpy(use->n, e->n, sizeof(use->n));
	use->consumer = true;
	if (estimate || strcmp(e->class, "access") == 0)
		add(u, use, e->consumer);
	use->consumer = false;
	if (estimate || strcmp(e->class, "leg") == 0)
		add(u, use, e->provider);
}

void
usage_add_event(struct usage *u, const struct usage_event *e)
{
	struct use use = { .day = 0 };

	add_both(&u->events, &use, e);
}

/* What is no row was said by rolls.c. */
void
usage_add(struct usage *u, const struct csv *row)
{
	struct use use = { .day = 0 };
	struct usage_event e = { .n = { 0 } };

	if (row->n <= UNITS || !read_date(row->field[DAY], &e.day) ||
	    !read_date(row->field[BOOKED], &e.booked) ||
	    !read_uint(row->field[UNITS], INT64_MAX, &e.n[USAGE_UNITS]))
		return;
	e.class = row->field[CLASS];
	e.consumer = row->field[CONSUMER];
	e.provider = row->field[PROVIDER];
	if (e.class != NULL && e.consumer != NULL && e.provider != NULL)
		add_both(&u->rows, &use, &e);
}

/* ---- sums */

static int
by_month(const struct use *a, const struct use *b)
{
	int order = strcmp(a->ags, b->ags);

	if (order == 0)
		order = (int)a->consumer - (int)b->consumer;
	if (order == 0)
		order = (a->booked > b->booked) - (a->booked < b->booked);
	return (order);
}

static int
by_day(const void *pa, const void *pb)
{
	const struct use *a = pa, *b = pb;
	int order = by_month(a, b);

	return (order != 0 ? order : (a->day > b->day) - (a->day < b->day));
}

static void
sort(struct list *u)
{
	wide sum[NUSAGE] = { 0 };

	if (u->n > 0)
		qsort(u->list, u->n, sizeof(*u->list), by_day);
	for (size_t i = 0; i < u->n; i++) {
		if (i > 0 && by_month(&u->list[i - 1], &u->list[i]) != 0)
			memset(sum, 0, sizeof(sum));
		memcpy(u->list[i].sum, sum, sizeof(sum));
		for (unsigned k = 0; k < NUSAGE; k++)
			sum[k] += u->list[i].n[k];
	}
	u->sorted = true;
}

/* The first that does not come before. */
static size_t
place(const struct list *u, const struct use *use)
{
	size_t low = 0, high = u->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (by_day(&u->list[mid], use) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return (low);
}

/* Of the tenant and month of group, before the i-th. */
static void
sum_to(const struct list *u, const struct use *group, size_t i,
    wide out[NUSAGE])
{
	memset(out, 0, NUSAGE * sizeof(*out));
	if (i < u->n && by_month(&u->list[i], group) == 0)
		memcpy(out, u->list[i].sum, NUSAGE * sizeof(*out));
	else if (i > 0 && by_month(&u->list[i - 1], group) == 0)
		for (unsigned k = 0; k < NUSAGE; k++)
			out[k] = u->list[i - 1].sum[k] + u->list[i - 1].n[k];
}

/* Units, or what a meter weighs; no more than 2^20 * 2^63 * 2^40 rows. */
static wide
sum_of_days(const struct list *u, struct use group, int32_t from, int32_t to,
    const uint64_t *meter)
{
	wide before[NUSAGE], after[NUSAGE], sum = 0;

	if (from > to)
		return (0);
	group.day = from;
	sum_to(u, &group, place(u, &group), before);
	group.day = to + 1;
	sum_to(u, &group, place(u, &group), after);
	if (meter == NULL)
		return (after[USAGE_UNITS] - before[USAGE_UNITS]);
	for (unsigned k = 0; k < 3; k++)
		sum += meter[k] * (after[k + 1] - before[k + 1]);
	return (sum);
}

static int32_t
month_after(int32_t day)
{
	unsigned m, d;
	int y;

	date_of_days(day, &y, &m, &d);
	return (days_of_date(m == 12 ? y + 1 : y, m == 12 ? 1 : m + 1, 1));
}

static struct used
sum_seen(struct list *u, const struct asked *a, const uint64_t *meter)
{
	struct use group = { .consumer = a->consumer, .booked = BOOKED_FROM,
		.day = INT32_MIN };
	struct used used = { 0, 0 };
	size_t i;

	if (strlen(a->ags) >= AGS_MAX)
		return (used);
	(void)snprintf(group.ags, AGS_MAX, "%s", a->ags);
	if (!u->sorted)
		sort(u);
	/* Each month in which something was booked: no more than there are. */
	while ((i = place(u, &group)) < u->n &&
	    strcmp(u->list[i].ags, a->ags) == 0 &&
	    u->list[i].consumer == a->consumer) {
		int32_t booked = group.booked = u->list[i].booked;
		int32_t next = month_after(booked);
		wide sum = sum_of_days(u, group, a->from, a->to, meter);

		if (booked < a->seen.sure) {
			used.least += sum;
			used.most += sum;
		} else if (!a->seen.exact && booked == a->seen.sure)
			used.most += sum;
		else if (!a->seen.exact) /* of months that were all open */
			used.most += sum_of_days(u, group,
			    a->from > booked ? a->from : booked,
			    a->to < next - 1 ? a->to : next - 1, meter);
		group.booked = next;
		group.day = INT32_MIN;
	}
	return (used);
}

bool
usage_of(struct usage *u, const struct asked *a, const uint64_t *meter,
    struct used *used_r)
{
	struct used rows = sum_seen(&u->rows, a, NULL), events;

	*used_r = rows;
	if (meter == NULL)
		return (true);
	/* Where events are pruned, or none had units to weigh. */
	events = sum_seen(&u->events, a, NULL);
	if (events.least != rows.least || events.most != rows.most)
		return (false);
	*used_r = sum_seen(&u->events, a, meter);
	return (true);
}
