/* server/ledger/statement.c - a cost of the region in a period; statement.h
 * says what is promised. */
#include "server/ledger/statement.h"

#include <stdio.h>

enum hub_err
asked_parse(struct str text, struct asked *asked_r)
{
	bool year = text.len == 4;
	struct asked asked = { year ? ASKED_YEAR : ASKED_MONTH,
		{ WALL_ABSENT, WALL_ABSENT } };
	char day[16];
	enum hub_err err;

	if (text.len != 4 && text.len != 7)
		return (HUB_ESYNTAX);
	(void)snprintf(
	    day, sizeof(day), "%.*s%s", STR_FMT(text), year ? "-01-01" : "-01");
	err = wall_parse_date(str_of(day), &asked.days.from);
	if (err == HUB_OK) {
		asked.days =
		    calendar_unit(asked.days.from, year ? PER_YEAR : PER_MONTH);
		*asked_r = asked;
	}
	return (err);
}

int64_t
tax_on(int64_t net, unsigned percent)
{
	/* |net| <= 10^12 cents, percent below 100 */
	int64_t whole = (net < 0 ? -net : net) * (int64_t)percent;

	assert(percent < 100);
	whole = (whole + 50) / 100;
	return (net < 0 ? -whole : whole);
}

const struct region_cost *
region_cost_find(const struct region *region, struct str name)
{
	for (unsigned i = 0; i < region->ncosts; i++)
		if (str_eq(region->costs[i].name, name))
			return (&region->costs[i]);
	return (NULL);
}

bool
model_asks(const struct region_model *m, enum cost_key key)
{
	for (unsigned c = 0; c < m->ncomponents; c++)
		if (m->components[c].key == key)
			return (true);
	return (false);
}

struct period
year_before(struct period range)
{
	struct wall_us day = calendar_unit(range.from, PER_YEAR).from;

	day.us -= WALL_DAY_US;
	return (calendar_unit(day, PER_YEAR));
}

/* Each item by its own days, of which all are days of the cost. */
static int64_t
sum_items(const struct region_cost *cost, const struct asked *asked,
    int64_t *items)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < cost->nitems; i++) {
		const struct region_item *item = &cost->items[i];
		struct period days = { item->from, item->to }, part;
		int64_t cents = item->amount.cents;

		if (asked->kind != ASKED_WHOLE &&
		    !cost_part(cents, days, asked->days, &cents, &part))
			cents = 0;
		if (items != NULL)
			items[i] = cents;
		sum += cents;
	}
	return (sum);
}

bool
cost_cents(const struct region_cost *cost, const struct asked *asked,
    int64_t *items, int64_t *cents_r, struct period *part_r)
{
	struct period whole = { cost->from, cost->to };

	*cents_r = cost->amount.cents;
	*part_r = whole;
	if (asked->kind != ASKED_WHOLE &&
	    !cost_part(cost->amount.cents, whole, asked->days, cents_r, part_r))
		return (false);
	if (cost->nitems > 0)
		*cents_r = sum_items(cost, asked, items);
	return (true);
}

bool
cost_run_begin(const struct region_cost *cost, const struct asked *asked,
    struct arena *a, struct cost_run *run)
{
	const struct region_model *m = cost->model;
	struct period *ranges;
	size_t cells;

	*run = (struct cost_run){ .cost = cost };
	run->in = (struct allocation_input){ .model = m,
		.whole = cost->amount.cents };
	if (cost->nitems > 0)
		run->items =
		    arena_array(a, cost->nitems, sizeof(*run->items));
	if (!cost_cents(cost, asked, run->items, &run->in.cents, &run->period))
		return (false);
	run->in.period = run->period;
	run->bounds_wait =
	    m->bounded && m->per == PER_YEAR && asked->kind == ASKED_MONTH;
	run->in.bounds = !run->bounds_wait;
	run->in.nranges = model_ranges(m, run->period, a, &ranges);
	run->in.ranges = ranges;
	cells = (size_t)run->in.nranges * m->nmembers;
	run->usage = arena_array(a, cells + 1, sizeof(*run->usage));
	run->previous = arena_array(a, cells + 1, sizeof(*run->previous));
	run->in.usage = run->usage;
	run->in.previous_usage = run->previous;
	run->others = arena_array(a, run->in.nranges, sizeof(*run->others));
	run->previous_others =
	    arena_array(a, run->in.nranges, sizeof(*run->previous_others));
	return (true);
}

enum hub_err
cost_run_share(
    struct cost_run *run, struct arena *a, struct allocation_why *why)
{
	return (allocate(&run->in, a, &run->result, why));
}
