/* test_shares.c - the arithmetic by which hubverify makes shares again, by the
 * worked examples of ledger.md, 6 and 10; what it takes as seen of usage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/hubverify/shares.h"

static void
splits_as_the_examples_do(void **state)
{
	static const struct {
		int64_t cents;
		uint64_t weights[5];
		size_t n;
		unsigned turn;
		int64_t want[5];
	} cases[] = {
		/* E2 */
		{ 1000000, { 587010, 46340, 58633 }, 3, 0,
		    { 848301, 66967, 84732 } },
		/* E6: the first of equals goes round. */
		{ 10000, { 1, 1, 1 }, 3, 0, { 3334, 3333, 3333 } },
		{ 10000, { 1, 1, 1 }, 3, 1, { 3333, 3334, 3333 } },
		{ 10000, { 1, 1, 1 }, 3, 24305, { 3333, 3333, 3334 } },
		/* T14: one cent more, and one has less. */
		{ 9, { 560487, 236963, 752373, 3, 1 }, 5, 0,
		    { 3, 2, 4, 0, 0 } },
		{ 10, { 560487, 236963, 752373, 3, 1 }, 5, 0,
		    { 4, 1, 5, 0, 0 } },
		{ -10, { 560487, 236963, 752373, 3, 1 }, 5, 0,
		    { -4, -1, -5, 0, 0 } },
		/* T9, T15 */
		{ 0, { 5, 6 }, 2, 0, { 0, 0 } },
		{ 1, { 0, 7 }, 2, 0, { 0, 1 } },
		{ CENTS_MAX, { INT64_MAX, INT64_MAX, 1 }, 3, 0,
		    { CENTS_MAX / 2, CENTS_MAX / 2, 0 } },
	};
	static const uint64_t none[2] = { 0, 0 };
	int64_t got[5];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(split(cases[i].cents, cases[i].weights, cases[i].n,
		    cases[i].turn, got));
		for (size_t k = 0; k < cases[i].n; k++)
			assert_int_equal(got[k], cases[i].want[k]);
	}
	assert_false(split(5, none, 2, 0, got));
}

/* T8 */
static void
twelve_instalments_are_the_share(void **state)
{
	static const int64_t shares[] = { 1000000, 262440, -1000000, 7,
		CENTS_MAX };

	(void)state;
	assert_int_equal(twelfth(1000000, 1), 83333);
	assert_int_equal(twelfth(1000000, 3), 83334);
	assert_int_equal(twelfth(262440, 12), 21870);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		int64_t sum = 0;

		for (unsigned m = 1; m <= 12; m++)
			sum += twelfth(shares[i], m);
		assert_int_equal(sum, shares[i]);
	}
}

/* T22 */
static void
tax_goes_half_a_cent_up(void **state)
{
	(void)state;
	assert_int_equal(tax_of(5500000, 19), 1045000);
	assert_int_equal(tax_of(50, 19), 10);
	assert_int_equal(tax_of(-50, 19), -10);
	assert_int_equal(tax_of(49, 19), 9);
	assert_int_equal(tax_of(CENTS_MAX, 99), CENTS_MAX / 100 * 99);
}

static void
tiers_weigh_what_is_above_the_one_before(void **state)
{
	static const struct tier tiers[] = { { 20000, 3 }, { 0, 1 } };

	(void)state;
	assert_int_equal(tiers_weigh(tiers, 2, 0), 0);
	assert_int_equal(tiers_weigh(tiers, 2, 20000), 60000);
	assert_int_equal(tiers_weigh(tiers, 2, 42971), 82971);
}

/* E5: an equal part of what all have in common, and what is one's own. */
static void
shapley_is_the_equal_part_and_the_own_one(void **state)
{
	static const int64_t own[] = { 600000, 300000, 100000 };
	int64_t cost[8] = { 0 }, shares[3];
	uint64_t got[3];

	(void)state;
	for (unsigned s = 1; s < 8; s++) {
		cost[s] = 5000000;
		for (unsigned i = 0; i < 3; i++)
			cost[s] += (s & 1U << i) != 0 ? own[i] : 0;
	}
	assert_true(shapley(cost, 3, got));
	assert_true(split(6000000, got, 3, 0, shares));
	assert_int_equal(shares[0], 2266667);
	assert_int_equal(shares[1], 1966667);
	assert_int_equal(shares[2], 1766666);
}

static void
what_is_not_declared_costs_its_cheapest_division(void **state)
{
	/* By bits: a 100, b 200, c 250, a and c 280. */
	int64_t cost[8] = { 0, 100, 200, -1, 250, 280, -1, -1 };
	int64_t alone[4] = { 0, -1, 200, 5 }, falling[4] = { 0, 100, 9, 5 };
	uint64_t got[3];

	(void)state;
	assert_true(shapley(cost, 3, got));
	assert_int_equal(cost[3], 300);
	assert_int_equal(cost[6], 450);
	assert_int_equal(cost[7], 480);
	/* lcm(1, 2, 3) times 65, 200, 215. */
	assert_int_equal(got[0], 390);
	assert_int_equal(got[1], 1200);
	assert_int_equal(got[2], 1290);
	assert_false(shapley(alone, 2, got)); /* a alone is not declared */
	assert_false(shapley(falling, 2, got)); /* b would be paid */
}

/* ---- usage */

static void
add(struct usage *u, const char *class, int32_t day, int32_t booked,
    uint64_t units)
{
	struct usage_event e = { class, "1", "2", booked, day,
		{ units, 1, 2, 3 } };
	char text[3][24];
	struct csv row = { .n = 16, .field = { text[0], text[1],
		(char *)(uintptr_t)class, text[2], text[2] } };
	int year;
	unsigned m, d;

	date_of_days(day, &year, &m, &d);
	(void)snprintf(text[0], sizeof(text[0]), "%04d-%02u-%02u", year, m, d);
	date_of_days(booked, &year, &m, &d);
	(void)snprintf(text[1], sizeof(text[1]), "%04d-%02u-%02u", year, m, d);
	(void)snprintf(text[2], sizeof(text[2]), "%llu",
	    (unsigned long long)units);
	row.field[14] = text[2];
	row.field[3] = (char *)(uintptr_t)"1";
	row.field[4] = (char *)(uintptr_t)"2";
	usage_add(u, &row);
	usage_add_event(u, &e);
}

#define DAY(m, d) days_of_date(2025, (m), (d))

static void
used_is(struct usage *u, bool consumer, struct seen seen, uint64_t least,
    uint64_t most)
{
	struct asked a = { consumer ? "1" : "2", consumer, DAY(1, 1),
		DAY(3, 31), seen };
	struct used used;

	assert_true(usage_of(u, &a, NULL, &used));
	assert_int_equal((uint64_t)used.least, least);
	assert_int_equal((uint64_t)used.most, most);
}

static void
what_could_be_seen_of_usage(void **state)
{
	struct usage *u = usage_new();

	(void)state;
	add(u, "access", DAY(1, 5), DAY(1, 1), 1);
	add(u, "access", DAY(1, 6), DAY(2, 1), 10); /* came in February */
	add(u, "access", DAY(2, 7), DAY(2, 1), 100);
	add(u, "access", DAY(3, 31), DAY(3, 1), 1000);
	add(u, "access", DAY(2, 8), DAY(4, 1), 10000);
	add(u, "access", DAY(4, 1), DAY(4, 1), 5); /* of other days */
	add(u, "leg", DAY(1, 5), DAY(1, 1), 7);
	add(u, "estimate", DAY(1, 9), DAY(1, 1), 3);
	/* With the closes of January to April. */
	used_is(u, true, (struct seen){ DAY(2, 1), true }, 4, 4);
	used_is(u, true, (struct seen){ DAY(3, 1), true }, 114, 114);
	used_is(u, true, (struct seen){ DAY(4, 1), true }, 1114, 1114);
	used_is(u, true, (struct seen){ DAY(5, 1), true }, 11114, 11114);
	/* While February was open: some of its rows, and of later days. */
	used_is(u, true, (struct seen){ DAY(2, 1), false }, 4, 1114);
	/* Before anything was closed each row has the month of its day. */
	used_is(u, true, (struct seen){ INT32_MIN, false }, 0, 1104);
	used_is(u, false, (struct seen){ DAY(5, 1), true }, 10, 10);
	usage_free(u);
}

static void
a_meter_of_its_own_wants_all_events(void **state)
{
	static const uint64_t meter[] = { 5, 0, 7 };
	struct usage *u = usage_new();
	struct asked a = { "1", true, DAY(1, 1), DAY(1, 31),
		{ DAY(2, 1), true } };
	struct csv row = { .n = 16, .field = { (char *)(uintptr_t)"2025-01-07",
		(char *)(uintptr_t)"2025-01-01", (char *)(uintptr_t)"access",
		(char *)(uintptr_t)"1", (char *)(uintptr_t)"2",
		[14] = (char *)(uintptr_t)"1" } };
	struct used used;

	(void)state;
	add(u, "access", DAY(1, 5), DAY(1, 1), 1);
	add(u, "access", DAY(1, 6), DAY(1, 1), 1);
	assert_true(usage_of(u, &a, meter, &used));
	assert_int_equal((uint64_t)used.least, 2 * (5 + 21));
	usage_add(u, &row); /* its event is pruned */
	assert_false(usage_of(u, &a, meter, &used));
	usage_free(u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_as_the_examples_do),
		cmocka_unit_test(twelve_instalments_are_the_share),
		cmocka_unit_test(tax_goes_half_a_cent_up),
		cmocka_unit_test(tiers_weigh_what_is_above_the_one_before),
		cmocka_unit_test(shapley_is_the_equal_part_and_the_own_one),
		cmocka_unit_test(
		    what_is_not_declared_costs_its_cheapest_division),
		cmocka_unit_test(what_could_be_seen_of_usage),
		cmocka_unit_test(a_meter_of_its_own_wants_all_events),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
