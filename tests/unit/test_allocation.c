/* tests/unit/test_allocation.c - shares to the cent: the worked numbers and
 * cases of ledger.md (§6.2, §10), each under its own name. Those of keys and of
 * days are in test_allocation_keys.c, properties in test_allocation_rules.c, a
 * second implementation is in flow/allocation.t. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/allocation_case.h"

/* ---- E1 */

static const int64_t e1_parts[10][3] = { { 110000, 339412, 102300 },
	{ 110000, 126131, 13200 }, { 110000, 144653, 31350 },
	{ 110000, 119242, 8250 }, { 110000, 299330, 92400 },
	{ 110000, 602193, 214500 }, { 110000, 322798, 792000 },
	{ 110000, 181189, 39600 }, { 110000, 408430, 297000 },
	{ 110000, 206622, 59400 } };
static const int64_t e1_raw[10] = { 551712, 249331, 286003, 237492, 501730,
	926693, 1224798, 330789, 815430, 376022 };
static const int64_t e1_share[10] = { 580719, 262440, 301040, 250000, 528109,
	975416, 1000000, 348181, 858303, 395792 };

static void
T1_shares_the_example_to_the_cent(void **state)
{
	struct allocation_case c;

	(void)state;
	case_e1(&c);
	case_run(&c);
	assert_int_equal(c.result.components[0], 1100000);
	assert_int_equal(c.result.components[1], 2750000);
	assert_int_equal(c.result.components[2], 1650000);
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(
			    c.result.lines[i].parts[k], e1_parts[i][k]);
		assert_int_equal(c.result.lines[i].raw, e1_raw[i]);
		assert_int_equal(c.result.lines[i].share, e1_share[i]);
		assert_int_equal(
		    c.result.lines[i].bound, i == HOLZWICKEDE ? BOUND_MINIMUM
					     : i == SCHWERTE  ? BOUND_MAXIMUM
							      : BOUND_NONE);
	}
	case_clear(&c);
}

static int64_t
tried(const struct allocation_case *c, unsigned round, unsigned member)
{
	for (unsigned i = 0; i < c->result.nsteps; i++) {
		const struct allocation_step *s = &c->result.steps[i];

		if (s->did == DID_TRY && s->round == round &&
		    s->member == member)
			return (s->cents);
	}
	return (-1);
}

static void
T1_tells_the_rounds_of_the_example(void **state)
{
	static const struct {
		int64_t rest, low, high;
	} rounds[] = { { 5500000, 13177, 224798 }, { 4500000, 20, 0 },
		{ 4250000, 0, 0 } };
	struct allocation_case c;

	(void)state;
	case_e1(&c);
	case_run(&c);
	for (unsigned r = 0; r < 3; r++) {
		const struct allocation_step *s = step_of(&c, DID_ROUND, r);

		assert_non_null(s);
		assert_int_equal(s->round, r + 1);
		assert_int_equal(s->cents, rounds[r].rest);
		assert_int_equal(s->low, rounds[r].low);
		assert_int_equal(s->high, rounds[r].high);
	}
	assert_null(step_of(&c, DID_ROUND, 3));
	assert_int_equal(step_of(&c, DID_FREEZE, 0)->member, SCHWERTE);
	assert_int_equal(step_of(&c, DID_FREEZE, 0)->cents, 1000000);
	assert_int_equal(step_of(&c, DID_FREEZE, 1)->member, HOLZWICKEDE);
	assert_int_equal(step_of(&c, DID_FREEZE, 1)->cents, 250000);
	assert_null(step_of(&c, DID_FREEZE, 2));
	/* A clamp of all at once would hold Bönen at its minimum. */
	assert_int_equal(tried(&c, 1, BOENEN), 249331);
	assert_int_equal(tried(&c, 2, BOENEN), 262441);
	assert_int_equal(tried(&c, 2, HOLZWICKEDE), 249980);
	case_clear(&c);
}

static void
T2_shares_the_example_with_other_costs(void **state)
{
	static const struct {
		int64_t cents, share[10];
	} cases[] = {
		{ 5000000, { 509714, 250000, 264232, 250000, 463537, 856151,
			       1000000, 305609, 753358, 347399 } },
		{ 6000000, { 659054, 297841, 341649, 283699, 599348, 1000000,
			       1000000, 395148, 974081, 449180 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct allocation_case c;

		case_e1(&c);
		c.in.cents = c.in.whole = cases[i].cents;
		case_run(&c);
		for (unsigned m = 0; m < 10; m++)
			assert_int_equal(
			    c.result.lines[m].share, cases[i].share[m]);
		case_clear(&c);
	}
}

/* E2: by population among three, in order of AGS. */
static void
T3_shares_by_population_alone(void **state)
{
	static const uint64_t inhabitants[] = { 587010, 46340, 58633 };
	int64_t share[3];

	(void)state;
	apportion(1000000, inhabitants, 3, 12 * 2026, share);
	assert_int_equal(share[0], 848301);
	assert_int_equal(share[1], 66967);
	assert_int_equal(share[2], 84732);
}

static const int64_t e3_part[10] = { 203647, 75679, 86792, 71545, 179598,
	361315, 193679, 108714, 245058, 123973 };

static void
T4_falls_back_to_population_without_usage(void **state)
{
	struct allocation_case c;

	(void)state;
	case_e1(&c);
	memset(c.usage, 0, sizeof(c.usage));
	case_run(&c);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(c.result.lines[i].parts[2], e3_part[i]);
	assert_non_null(step_of(&c, DID_ZERO, 0));
	assert_int_equal(step_of(&c, DID_ZERO, 0)->component, 2);
	case_clear(&c);
}

static void
T4_refuses_no_usage_where_that_is_an_error(void **state)
{
	struct allocation_case c;

	(void)state;
	case_e1(&c);
	memset(c.usage, 0, sizeof(c.usage));
	c.components[2].on_zero = ZERO_ERROR;
	case_refused(&c, FAULT_ZERO_WEIGHT);
	assert_int_equal(c.why.component, 2);
	case_clear(&c);
}

/* E4: eleven members with Dortmund first; nobody above 35 %. */
static void
T5_caps_the_largest_member(void **state)
{
	static const int64_t want[] = { 840000, 192540, 71551, 82058, 67642,
		169802, 341607, 183114, 102784, 231691, 117211 };
	struct allocation_case c;

	(void)state;
	case_population(&c, 11, 2400000);
	for (unsigned i = 1; i < 11; i++)
		c.inhabitants[i] = e1_inhabitants[i - 1];
	c.inhabitants[0] = 587010;
	c.in.bounds = false;
	case_run(&c);
	assert_int_equal(c.result.lines[0].share, 1434952);
	case_clear(&c);

	case_population(&c, 11, 2400000);
	for (unsigned i = 1; i < 11; i++)
		c.inhabitants[i] = e1_inhabitants[i - 1];
	c.inhabitants[0] = 587010;
	case_bounds(&c, 0, 840000);
	case_run(&c);
	for (unsigned i = 0; i < 11; i++)
		assert_int_equal(c.result.lines[i].share, want[i]);
	case_clear(&c);
}

static void
T6_rotates_who_gets_the_odd_cent(void **state)
{
	static const uint64_t equal[] = { 1, 1, 1 };
	int64_t share[3];

	(void)state;
	for (unsigned turn = 0; turn < 7; turn++) {
		apportion(10000, equal, 3, turn, share);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(share[i], i == turn % 3 ? 3334 : 3333);
	}
}

static void
T7_divides_a_year_among_its_months(void **state)
{
	struct period year = days("2026-01-01", "2026-12-31"), part;
	int64_t cents, sum = 0;

	(void)state;
	for (unsigned m = 1; m <= 12; m++) {
		struct period month = month_of(2026, m);

		assert_true(cost_part(5500000, year, month, &cents, &part));
		assert_int_equal(cents, m <= 4 ? 458334 : 458333);
		assert_int_equal(part.from.us, month.from.us);
		assert_int_equal(part.to.us, month.to.us);
		sum += cents;
	}
	assert_int_equal(sum, 5500000);
	assert_false(
	    cost_part(5500000, year, month_of(2027, 1), &cents, &part));
}

/* §7: set-up over 60 months. A cost that begins inside a month goes by days. */
static void
T7_divides_other_costs_among_their_months(void **state)
{
	struct period cost = days("2026-03-01", "2031-02-28"), part;
	unsigned more = 0;
	int64_t cents;

	(void)state;
	for (unsigned m = 0; m < 60; m++) {
		assert_true(cost_part(5500000, cost,
		    month_of(2026 + (int)((m + 2) / 12), (m + 2) % 12 + 1),
		    &cents, &part));
		assert_in_range(cents, 91666, 91667);
		more += cents == 91667;
	}
	assert_int_equal(more, 40);
	cost = days("2026-01-16", "2026-02-28"); /* 16 + 28 days */
	assert_true(cost_part(4400, cost, month_of(2026, 1), &cents, &part));
	assert_int_equal(cents, 1600);
	assert_int_equal(part.from.us, day("2026-01-16").us);
	assert_true(cost_part(
	    4400, cost, days("2026-01-01", "2026-12-31"), &cents, &part));
	assert_int_equal(cents, 4400);
}

static void
T8_makes_instalments_of_a_share(void **state)
{
	static const int64_t a[] = { 83333, 83333, 83334 };

	(void)state;
	for (unsigned m = 1; m <= 12; m++) {
		assert_int_equal(instalment(1000000, m), a[(m - 1) % 3]);
		assert_int_equal(instalment(262440, m), 21870);
		assert_int_equal(instalment(-1000000, m), -a[(m - 1) % 3]);
	}
}

static void
T9_shares_nothing_and_a_single_cent(void **state)
{
	struct allocation_case c;
	unsigned got = 0;

	(void)state;
	case_e1(&c);
	c.in.cents = c.in.whole = 0;
	case_run(&c);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(c.result.lines[i].share, 0);
	case_clear(&c);
	case_e1(&c);
	c.in.bounds = false;
	c.in.cents = c.in.whole = 1;
	case_run(&c);
	for (unsigned i = 0; i < 10; i++) {
		assert_in_range(c.result.lines[i].share, 0, 1);
		got += c.result.lines[i].share == 1;
	}
	assert_int_equal(got, 1);
	case_clear(&c);
}

static void
T10_credits_are_the_exact_negatives(void **state)
{
	struct allocation_case c;

	(void)state;
	case_e1(&c); /* with its bounds: a credit is never bounded */
	c.in.cents = c.in.whole = -5500000;
	case_run(&c);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(c.result.lines[i].share, -e1_raw[i]);
	case_clear(&c);
}

static void
T11_refuses_bounds_that_cannot_hold(void **state)
{
	struct allocation_case c;

	(void)state;
	case_e1(&c);
	case_bounds(&c, 600000, 1000000);
	case_refused(&c, FAULT_INFEASIBLE);
	assert_int_equal(c.why.low, 6000000);
	assert_int_equal(c.why.high, 10000000);
	case_clear(&c);
	case_e1(&c);
	case_bounds(&c, 0, 549999);
	case_refused(&c, FAULT_INFEASIBLE);
	case_clear(&c);
}

static void
T12_clamps_all_when_violations_are_equal(void **state)
{
	struct allocation_case c;

	(void)state;
	case_population(&c, 2, 30000);
	c.inhabitants[0] = c.inhabitants[1] = 7;
	c.model.bounded = true;
	c.members[0].minimum.cents = 25000;
	c.members[0].maximum.cents = 30000;
	c.members[1].maximum.cents = 5000;
	case_run(&c);
	assert_int_equal(c.result.lines[0].share, 25000);
	assert_int_equal(c.result.lines[1].share, 5000);
	assert_null(step_of(&c, DID_ROUND, 1));
	case_clear(&c);
}

/* One takes all by weight and is capped: the others, of weight 0, share the
 * rest alike. */
static void
T13_shares_alike_when_only_zeros_are_left(void **state)
{
	struct allocation_case c;

	(void)state;
	case_population(&c, 4, 100000);
	c.inhabitants[2] = 9;
	c.model.bounded = true;
	c.members[2].maximum.cents = 40000;
	case_run(&c);
	assert_int_equal(c.result.lines[0].share, 20000);
	assert_int_equal(c.result.lines[1].share, 20000);
	assert_int_equal(c.result.lines[2].share, 40000);
	assert_int_equal(c.result.lines[3].share, 20000);
	case_clear(&c);
}

/* More to share may give one less: known of largest remainders, one cent. */
static void
T14_may_give_a_cent_less_of_a_cent_more(void **state)
{
	static const uint64_t weights[] = { 560487, 236963, 752373, 3, 1 };
	static const int64_t nine[] = { 3, 2, 4, 0, 0 };
	static const int64_t ten[] = { 4, 1, 5, 0, 0 };
	int64_t share[5];

	(void)state;
	apportion(9, weights, 5, 0, share);
	assert_memory_equal(share, nine, sizeof(nine));
	apportion(10, weights, 5, 0, share);
	assert_memory_equal(share, ten, sizeof(ten));
}

static void
T15_is_exact_at_the_limits(void **state)
{
	static uint64_t weights[ALLOCATION_MEMBERS_MAX];
	static int64_t share[ALLOCATION_MEMBERS_MAX];
	int64_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < ALLOCATION_MEMBERS_MAX; i++)
		weights[i] = INT64_MAX - i % 2;
	apportion(MONEY_MAX_CENTS, weights, ALLOCATION_MEMBERS_MAX, 0, share);
	for (unsigned i = 0; i < ALLOCATION_MEMBERS_MAX; i++) {
		assert_in_range(share[i], 244140625, 244140625);
		sum += share[i];
	}
	assert_int_equal(sum, MONEY_MAX_CENTS);
	/* 2^63 - 1 and 1: the big one has all but what is below a cent. */
	weights[0] = INT64_MAX;
	weights[1] = 1;
	apportion(MONEY_MAX_CENTS, weights, 2, 0, share);
	assert_int_equal(share[0], MONEY_MAX_CENTS);
	assert_int_equal(share[1], 0);
	apportion(-MONEY_MAX_CENTS, weights, 2, 1, share);
	assert_int_equal(share[0], -MONEY_MAX_CENTS);
}

/* The vector of a correction: the same model, other usage. */
static void
T34_a_correction_is_the_difference_of_two_runs(void **state)
{
	static const int64_t want[] = { -4351, -1287, -1810, 0, 29978, -8186, 0,
		-2162, -9428, -2754 };
	struct allocation_case before, after;
	int64_t sum = 0;

	(void)state;
	case_e1(&before);
	case_run(&before);
	case_e1(&after);
	after.usage[KAMEN] += 100000;
	case_run(&after);
	for (unsigned i = 0; i < 10; i++) {
		int64_t d =
		    after.result.lines[i].share - before.result.lines[i].share;

		assert_int_equal(d, want[i]);
		sum += d;
	}
	assert_int_equal(sum, 0);
	case_clear(&before);
	case_clear(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(T1_shares_the_example_to_the_cent),
		cmocka_unit_test(T1_tells_the_rounds_of_the_example),
		cmocka_unit_test(T2_shares_the_example_with_other_costs),
		cmocka_unit_test(T3_shares_by_population_alone),
		cmocka_unit_test(T4_falls_back_to_population_without_usage),
		cmocka_unit_test(T4_refuses_no_usage_where_that_is_an_error),
		cmocka_unit_test(T5_caps_the_largest_member),
		cmocka_unit_test(T6_rotates_who_gets_the_odd_cent),
		cmocka_unit_test(T7_divides_a_year_among_its_months),
		cmocka_unit_test(T7_divides_other_costs_among_their_months),
		cmocka_unit_test(T8_makes_instalments_of_a_share),
		cmocka_unit_test(T9_shares_nothing_and_a_single_cent),
		cmocka_unit_test(T10_credits_are_the_exact_negatives),
		cmocka_unit_test(T11_refuses_bounds_that_cannot_hold),
		cmocka_unit_test(T12_clamps_all_when_violations_are_equal),
		cmocka_unit_test(T13_shares_alike_when_only_zeros_are_left),
		cmocka_unit_test(T14_may_give_a_cent_less_of_a_cent_more),
		cmocka_unit_test(T15_is_exact_at_the_limits),
		cmocka_unit_test(
		    T34_a_correction_is_the_difference_of_two_runs),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
