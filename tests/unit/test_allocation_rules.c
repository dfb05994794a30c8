/* tests/unit/test_allocation_rules.c - what holds of every allocation
 * (ledger.md §9), on made-up models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/allocation_case.h"

#define ROUNDS 4000

static uint64_t seed;

static uint64_t
below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed % n);
}

static uint64_t
some_weight(void)
{
	static const uint64_t tops[] = { 1, 2, 10, 1000000, INT64_MAX };

	return (below(tops[below(5)]));
}

/* Weights of which at least one is not 0. */
static unsigned
some_weights(uint64_t *weights, unsigned max)
{
	unsigned n = 1 + (unsigned)below(max);

	for (unsigned k = 0; k < n; k++)
		weights[k] = some_weight();
	weights[below(n)] = 1 + below(INT64_MAX);
	return (n);
}

static int64_t
some_cents(void)
{
	static const uint64_t tops[] = { 2, 100, 1000000, MONEY_MAX_CENTS + 1 };

	return ((int64_t)below(tops[below(4)]));
}

static int
setup(void **state)
{
	(void)state;
	seed = UINT64_C(0x9e3779b97f4a7c15);
	return (0);
}

static void
P1_shares_sum_to_the_cost(void **state)
{
	uint64_t weights[CASE_MEMBERS];
	int64_t share[CASE_MEMBERS];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned n = some_weights(weights, CASE_MEMBERS);
		int64_t cents = some_cents() * (below(2) ? 1 : -1), sum = 0;

		apportion(cents, weights, n, (unsigned)below(50), share);
		for (unsigned k = 0; k < n; k++)
			sum += share[k];
		assert_int_equal(sum, cents);
	}
}

/* A model of everything; case_try says whether it can hold. */
static void
some_case(struct allocation_case *c)
{
	case_e1(c);
	c->in.cents = c->in.whole = 1 + some_cents() % 100000000;
	for (unsigned i = 0; i < 10; i++) {
		struct region_member *m = &c->members[i];
		int64_t mean = c->in.cents / 10;

		c->inhabitants[i] = below(100000);
		for (unsigned r = 0; r < CASE_RANGES; r++)
			c->usage[r * 10 + i] = below(3) ? below(1000000) : 0;
		m->minimum.cents = (int64_t)below((uint64_t)mean + 2);
		m->maximum.cents =
		    m->minimum.cents + (int64_t)below((uint64_t)mean * 3 + 2);
		if (below(4) == 0)
			m->from.us = c->in.period.from.us +
				     (int64_t)below(400) * WALL_DAY_US;
	}
	c->members[0].from.us = INT64_MIN;
}

static void
P2_shares_keep_their_bounds_or_the_model_is_refused(void **state)
{
	unsigned held = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct allocation_case c;
		int64_t sum = 0;

		some_case(&c);
		if (case_try(&c) != HUB_OK) {
			assert_int_equal(c.why.fault, FAULT_INFEASIBLE);
			assert_true(
			    c.why.low > c.in.cents || c.why.high < c.in.cents);
			case_clear(&c);
			continue;
		}
		held++;
		for (unsigned m = 0; m < 10; m++) {
			const struct allocation_line *l = &c.result.lines[m];

			sum += l->share;
			if (l->days == 0) {
				assert_int_equal(l->share, 0);
				continue;
			}
			assert_true(l->share >= l->minimum);
			assert_true(l->share <= l->maximum);
			/* For all days the bound is what the model says. */
			if (l->days == 365)
				assert_int_equal(
				    l->minimum, c.members[m].minimum.cents);
		}
		assert_int_equal(sum, c.in.cents);
		case_clear(&c);
	}
	assert_in_range(held, ROUNDS / 10, ROUNDS);
}

static void
P3_P4_shares_are_the_exact_ones_within_a_cent(void **state)
{
	uint64_t weights[CASE_MEMBERS];
	int64_t share[CASE_MEMBERS];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned n = some_weights(weights, CASE_MEMBERS);
		int64_t cents = some_cents();
		uint128 sum = 0;

		apportion(cents, weights, n, (unsigned)below(50), share);
		for (unsigned k = 0; k < n; k++)
			sum += weights[k];
		for (unsigned k = 0; k < n; k++) {
			uint128 exact = (uint128)cents * weights[k];
			uint128 got = (uint128)share[k] * sum;
			uint128 off = got > exact ? got - exact : exact - got;

			assert_true(off < sum);
			if (weights[k] == 0)
				assert_int_equal(share[k], 0);
		}
	}
}

/* Who stands where only says who gets an odd cent: without ties it says
 * nothing. */
static void
P5_the_order_of_different_weights_does_not_matter(void **state)
{
	uint64_t weights[CASE_MEMBERS], turned[CASE_MEMBERS];
	int64_t share[CASE_MEMBERS], again[CASE_MEMBERS];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned n = 2 + (unsigned)below(CASE_MEMBERS - 1);
		int64_t cents = some_cents();

		/* A sum above all products: no two remainders are equal. */
		for (unsigned k = 0; k < n; k++)
			weights[k] = 1 + below(INT64_MAX - 1);
		for (unsigned k = 0; k < n; k++)
			turned[k] = weights[n - 1 - k];
		apportion(cents, weights, n, 0, share);
		apportion(cents, turned, n, 0, again);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(share[k], again[n - 1 - k]);
	}
}

static void
P6_a_credit_is_the_negative(void **state)
{
	uint64_t weights[CASE_MEMBERS];
	int64_t share[CASE_MEMBERS], credit[CASE_MEMBERS];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned n = some_weights(weights, CASE_MEMBERS);
		int64_t cents = some_cents();
		unsigned turn = (unsigned)below(50);

		apportion(cents, weights, n, turn, share);
		apportion(-cents, weights, n, turn, credit);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(credit[k], -share[k]);
	}
}

static void
P12_a_correction_sums_to_the_change_of_the_cost(void **state)
{
	unsigned compared = 0;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct allocation_case before, after;
		int64_t sum = 0;

		some_case(&before);
		if (case_try(&before) == HUB_OK) {
			after = before;
			after.model.members = after.members;
			after.model.components = after.components;
			after.in.model = &after.model;
			after.in.usage = after.usage;
			after.usage[below(10)] += below(1000000);
			assert_int_equal(case_try(&after), HUB_OK);
			for (unsigned m = 0; m < 10; m++)
				sum += after.result.lines[m].share -
				       before.result.lines[m].share;
			assert_int_equal(sum, 0);
			compared++;
		}
		case_clear(&before);
	}
	assert_in_range(compared, ROUNDS / 10, ROUNDS);
}

static void
P16_instalments_sum_to_the_share(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t share = some_cents() * (below(2) ? 1 : -1), sum = 0;

		for (unsigned m = 1; m <= 12; m++) {
			int64_t paid = instalment(share, m);

			assert_in_range(labs(paid) - labs(share) / 12, 0, 1);
			sum += paid;
		}
		assert_int_equal(sum, share);
	}
}

/* The parts of a cost in all months are the cost, wherever it begins. */
static void
P1_months_sum_to_the_cost(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 20; i++) {
		struct period cost = days("2026-01-01", "2026-01-01"), part;
		int64_t cents = some_cents(), sum = 0, got, covered = 0;

		cost.from.us += (int64_t)below(800) * WALL_DAY_US;
		cost.to.us = cost.from.us + (int64_t)below(800) * WALL_DAY_US;
		for (int year = 2026; year <= 2031; year++)
			for (unsigned m = 1; m <= 12; m++)
				if (cost_part(cents, cost, month_of(year, m),
					&got, &part)) {
					sum += got;
					covered += part.to.us - part.from.us +
						   WALL_DAY_US;
				}
		assert_int_equal(sum, cents);
		assert_int_equal(
		    covered, cost.to.us - cost.from.us + WALL_DAY_US);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(P1_shares_sum_to_the_cost, setup),
		cmocka_unit_test_setup(P1_months_sum_to_the_cost, setup),
		cmocka_unit_test_setup(
		    P2_shares_keep_their_bounds_or_the_model_is_refused, setup),
		cmocka_unit_test_setup(
		    P3_P4_shares_are_the_exact_ones_within_a_cent, setup),
		cmocka_unit_test_setup(
		    P5_the_order_of_different_weights_does_not_matter, setup),
		cmocka_unit_test_setup(P6_a_credit_is_the_negative, setup),
		cmocka_unit_test_setup(
		    P12_a_correction_sums_to_the_change_of_the_cost, setup),
		cmocka_unit_test_setup(P16_instalments_sum_to_the_share, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
