/* tests/unit/allocation_case.h - models made in place for the tests of the
 * allocation: fill one in, run it, look at the result. */
#ifndef HUB_TESTS_UNIT_ALLOCATION_CASE_H
#define HUB_TESTS_UNIT_ALLOCATION_CASE_H

#include <stdio.h>

#include "server/ledger/allocation.h"

#define CASE_MEMBERS 12
#define CASE_RANGES  (2 * CASE_MEMBERS + 1)

/* The members of E1 in order of AGS. */
enum {
	BERGKAMEN,
	BOENEN,
	FROENDENBERG,
	HOLZWICKEDE,
	KAMEN,
	LUENEN,
	SCHWERTE,
	SELM,
	UNNA,
	WERNE
};
static const uint64_t e1_inhabitants[10] HUB_UNUSED = { 48725, 18107, 20766,
	17118, 42971, 86449, 46340, 26011, 58633, 29662 };
static const uint64_t e1_usage[10] HUB_UNUSED = { 310000, 40000, 95000, 25000,
	280000, 650000, 2400000, 120000, 900000, 180000 };

struct allocation_case {
	struct arena *arena;
	struct region_member members[CASE_MEMBERS];
	struct region_component components[8];
	uint64_t inhabitants[CASE_MEMBERS];
	uint64_t usage[CASE_RANGES * CASE_MEMBERS];
	struct region_model model;
	struct allocation_input in;
	struct allocation result;
	struct allocation_why why;
};

static inline struct wall_us
day(const char *text)
{
	struct wall_us w;

	assert_int_equal(wall_parse_date(str_of(text), &w), HUB_OK);
	return (w);
}

static inline struct period
days(const char *from, const char *to)
{
	return ((struct period){ day(from), day(to) });
}

static inline struct period
month_of(int year, unsigned month)
{
	char first[24], next[24];
	struct period p;

	(void)snprintf(first, sizeof(first), "%04d-%02u-01", year, month);
	(void)snprintf(next, sizeof(next), "%04d-%02u-01",
	    month == 12 ? year + 1 : year, month % 12 + 1);
	p = days(first, next);
	p.to.us -= WALL_DAY_US;
	return (p);
}

/* n members for the whole of 2026, without bounds, by population alone. */
static inline void
case_population(struct allocation_case *c, unsigned n, int64_t cents)
{
	assert_true(n <= CASE_MEMBERS);
	memset(c, 0, sizeof(*c));
	c->arena = arena_new();
	for (unsigned i = 0; i < n; i++)
		c->members[i] = (struct region_member){ .from = { INT64_MIN },
			.to = { INT64_MAX },
			.maximum = { INT64_MAX } };
	c->components[0] = (struct region_component){ .name = STR("einwohner"),
		.basis_points = 10000,
		.key = KEY_POPULATION,
		.inhabitants = c->inhabitants };
	c->model = (struct region_model){ .name = STR("modell"),
		.nmembers = n,
		.members = c->members,
		.ncomponents = 1,
		.components = c->components };
	c->in = (struct allocation_input){ .model = &c->model,
		.period = days("2026-01-01", "2026-12-31"),
		.cents = cents,
		.whole = cents,
		.bounds = true,
		.usage = c->usage,
		.previous_usage = c->usage };
}

/* The same bounds for everybody. */
static inline void
case_bounds(struct allocation_case *c, int64_t minimum, int64_t maximum)
{
	c->model.bounded = true;
	for (unsigned i = 0; i < c->model.nmembers; i++) {
		c->members[i].minimum.cents = minimum;
		c->members[i].maximum.cents = maximum;
	}
}

static inline void
case_e1(struct allocation_case *c)
{
	case_population(c, 10, 5500000);
	memcpy(c->inhabitants, e1_inhabitants, sizeof(e1_inhabitants));
	memcpy(c->usage, e1_usage, sizeof(e1_usage));
	c->components[1] = c->components[0];
	c->components[1].basis_points = 5000;
	c->components[0] = (struct region_component){
		.name = STR("sockel"), .basis_points = 2000, .key = KEY_EQUAL
	};
	c->components[2] = (struct region_component){ .name = STR("nutzung"),
		.basis_points = 3000,
		.key = KEY_USAGE,
		.on_zero = ZERO_POPULATION,
		.inhabitants = c->inhabitants };
	c->model.ncomponents = 3;
	case_bounds(c, 250000, 1000000);
}

static inline enum hub_err
case_try(struct allocation_case *c)
{
	struct period *ranges;

	c->in.nranges =
	    model_ranges(&c->model, c->in.period, c->arena, &ranges);
	c->in.ranges = ranges;
	return (allocate(&c->in, c->arena, &c->result, &c->why));
}

/* It sums to the cost, always. */
static inline void
case_run(struct allocation_case *c)
{
	int64_t sum = 0;

	assert_int_equal(case_try(c), HUB_OK);
	for (unsigned i = 0; i < c->result.nmembers; i++)
		sum += c->result.lines[i].share;
	assert_int_equal(sum, c->in.cents);
}

static inline void
case_refused(struct allocation_case *c, enum allocation_fault fault)
{
	assert_int_equal(case_try(c), HUB_ERANGE);
	assert_int_equal(c->why.fault, fault);
}

/* The steps of one kind, in order. */
static inline const struct allocation_step *
step_of(const struct allocation_case *c, enum allocation_did did, unsigned nth)
{
	for (unsigned i = 0; i < c->result.nsteps; i++)
		if (c->result.steps[i].did == did && nth-- == 0)
			return (&c->result.steps[i]);
	return (NULL);
}

static inline void
case_clear(struct allocation_case *c)
{
	arena_free(c->arena);
}

#endif
