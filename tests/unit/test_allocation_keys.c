/* tests/unit/test_allocation_keys.c - shares by tiers and by Shapley values,
 * and for the days that a member takes part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/allocation_case.h"

static void
T44_divides_the_cost_when_a_member_leaves(void **state)
{
	struct allocation_case c;

	(void)state;
	case_population(&c, 3, 5500000);
	c.inhabitants[0] = c.inhabitants[1] = c.inhabitants[2] = 1;
	c.members[2].to = day("2026-06-30");
	case_run(&c);
	assert_int_equal(c.in.nranges, 2);
	assert_int_equal(step_of(&c, DID_RANGE, 0)->weight, 181);
	assert_int_equal(step_of(&c, DID_RANGE, 0)->cents, 2727397);
	assert_int_equal(step_of(&c, DID_RANGE, 1)->weight, 184);
	assert_int_equal(step_of(&c, DID_RANGE, 1)->cents, 2772603);
	assert_int_equal(c.result.lines[2].days, 181);
	assert_in_range(c.result.lines[2].share, 909132, 909133);
	assert_in_range(c.result.lines[0].share, 2295433, 2295436);
	case_clear(&c);
}

/* ---- Shapley */

static void
E5_shares_as_shapley_has_it(void **state)
{
	static const int64_t own[] = { 600000, 300000, 100000 };
	static const int64_t want[] = { 2266667, 1966667, 1766666 };
	struct cost_coalition all[7];
	struct allocation_case c;
	uint64_t weights[3];

	(void)state;
	case_population(&c, 3, 6000000);
	c.components[0].key = KEY_SHAPLEY;
	c.components[0].ncoalitions = 7;
	c.components[0].coalitions = all;
	for (uint32_t s = 1; s < 8; s++) {
		all[s - 1] = (struct cost_coalition){ s, { INT64_C(5000000) } };
		for (unsigned i = 0; i < 3; i++)
			if (s & 1U << i)
				all[s - 1].amount.cents += own[i];
	}
	case_run(&c);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(c.result.lines[i].share, want[i]);
	/* lcm(1, 2, 3) = 6 times F / 3 + v. */
	assert_true(shapley_weights(&c.components[0], 3, 7, weights));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(weights[i], 10000000 + 6 * own[i]);
	/* Without the second, the others share the base by halves. */
	assert_true(shapley_weights(&c.components[0], 3, 5, weights));
	assert_int_equal(weights[0], 5000000 + 2 * own[0]);
	assert_int_equal(weights[1], 0);
	assert_int_equal(weights[2], 5000000 + 2 * own[2]);
	case_clear(&c);
}

/* What is not declared costs what its cheapest division costs. */
static void
E5_fills_in_coalitions_that_are_not_declared(void **state)
{
	static const struct cost_coalition some[] = { { 1, { 100 } },
		{ 2, { 100 } }, { 4, { 100 } }, { 3, { 120 } }, { 6, { 90 } } };
	struct region_component c = { .ncoalitions = 5, .coalitions = some };
	uint64_t weights[3];

	(void)state;
	/* {0,2} = 200, all = min(120 + 100, 90 + 100, 200 + 100) = 190 */
	assert_true(shapley_weights(&c, 3, 7, weights));
	assert_int_equal(weights[0] + weights[1] + weights[2], 6 * 190);
	assert_int_equal(weights[0], 2 * 100 + 20 + 100 + 2 * 100);
	assert_int_equal(weights[1], 2 * 100 + 20 + -10 + 2 * -10);
	assert_int_equal(weights[2], 2 * 100 + 100 + -10 + 2 * 70);
}

static void
E5_refuses_a_value_below_zero(void **state)
{
	static const struct cost_coalition some[] = { { 1, { 100 } },
		{ 2, { 900 } }, { 3, { 50 } } };
	struct allocation_case c;

	(void)state;
	case_population(&c, 2, 10000);
	c.components[0].key = KEY_SHAPLEY;
	c.components[0].ncoalitions = 3;
	c.components[0].coalitions = some;
	case_refused(&c, FAULT_SHAPLEY);
	case_clear(&c);
}

/* Twelve at the largest amounts: lcm(1..12) times them still fits. */
static void
E5_is_exact_for_twelve_members(void **state)
{
	struct cost_coalition alone[COST_SHAPLEY_MAX];
	struct region_component c = { .ncoalitions = COST_SHAPLEY_MAX,
		.coalitions = alone };
	uint64_t weights[COST_SHAPLEY_MAX];

	(void)state;
	for (unsigned i = 0; i < COST_SHAPLEY_MAX; i++)
		alone[i] = (struct cost_coalition){ UINT32_C(1) << i,
			{ MONEY_MAX_CENTS - (int64_t)i } };
	assert_true(shapley_weights(&c, COST_SHAPLEY_MAX, 4095, weights));
	for (unsigned i = 0; i < COST_SHAPLEY_MAX; i++)
		assert_int_equal(weights[i],
		    UINT64_C(27720) * (uint64_t)(MONEY_MAX_CENTS - (int64_t)i));
}

/* The first 20000 weigh 100 each, those up to 50000 60, the rest 10. */
static void
shares_by_inhabitants_in_tiers(void **state)
{
	static const struct cost_tier tiers[] = { { 20000, 100 }, { 50000, 60 },
		{ 0, 10 } };
	static const struct {
		uint64_t inhabitants, weight;
	} cases[] = { { 0, 0 }, { 1, 100 }, { 20000, 2000000 },
		{ 20001, 2000060 }, { 50000, 3800000 }, { 86449, 4164490 } };
	struct allocation_case c;

	(void)state;
	case_population(&c, 6, 12345);
	c.components[0].key = KEY_STEPDOWN;
	c.components[0].ntiers = 3;
	c.components[0].tiers = tiers;
	for (unsigned i = 0; i < 6; i++)
		c.inhabitants[i] = cases[i].inhabitants;
	case_run(&c);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(
		    step_of(&c, DID_PART, i)->weight, cases[i].weight);
	case_clear(&c);
}

/* 184 of 365 days: the minimum down, the maximum up, to the cent; both in
 * each year that the period touches. */
static void
T44_bounds_go_by_days_of_membership(void **state)
{
	struct allocation_case c;

	(void)state;
	case_population(&c, 2, 100000);
	c.inhabitants[0] = c.inhabitants[1] = 1;
	c.members[1].from = day("2026-07-01");
	case_bounds(&c, 1001, 99999);
	case_run(&c);
	assert_int_equal(c.result.lines[0].minimum, 1001);
	assert_int_equal(c.result.lines[0].maximum, 99999);
	assert_int_equal(c.result.lines[1].minimum, 504);   /* 504.61 */
	assert_int_equal(c.result.lines[1].maximum, 50411); /* 50410.4 */
	case_clear(&c);

	case_population(&c, 2, 100000);
	c.inhabitants[0] = c.inhabitants[1] = 1;
	c.in.period = days("2027-07-01", "2028-06-30");
	case_bounds(&c, 1001, 99999);
	case_run(&c);
	/* 184 of 365 and 182 of 366 days */
	assert_int_equal(c.result.lines[0].minimum, 504 + 497);
	assert_int_equal(c.result.lines[0].maximum, 50411 + 49727);
	case_clear(&c);

	/* by month: 30 of 30 and 15 of 31 days */
	case_population(&c, 2, 100000);
	c.inhabitants[0] = c.inhabitants[1] = 1;
	c.model.per = PER_MONTH;
	c.in.period = days("2026-11-01", "2026-12-15");
	case_bounds(&c, 1001, 99999);
	case_run(&c);
	assert_int_equal(c.result.lines[0].minimum, 1001 + 484);
	assert_int_equal(c.result.lines[0].maximum, 99999 + 48387);
	case_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T44_divides_the_cost_when_a_member_leaves),
		cmocka_unit_test(E5_shares_as_shapley_has_it),
		cmocka_unit_test(E5_fills_in_coalitions_that_are_not_declared),
		cmocka_unit_test(E5_refuses_a_value_below_zero),
		cmocka_unit_test(E5_is_exact_for_twelve_members),
		cmocka_unit_test(shares_by_inhabitants_in_tiers),
		cmocka_unit_test(T44_bounds_go_by_days_of_membership),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
