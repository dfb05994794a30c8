/* tests/unit/test_quota.c - what a quota says, and buckets by a clock in the
 * test's hand. */
#include "tenants/quota.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND	 INT64_C(1000000)

static struct quota *
bucket(struct quota_book *book, const char *text)
{
	struct quota_rate rate;

	assert_int_equal(quota_parse(str_of(text), &rate), HUB_OK);
	return (quota_book_get(book, STR("c"), STR("a"), STR_NONE, &rate));
}

static bool
take(struct quota *q, int64_t us)
{
	struct quota_state s;

	return (quota_take(q, (struct mono_us){ us }, &s));
}

static void
reads_what_region_files_say(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
		uint32_t count, window_s, burst;
		int64_t interval_ns;
		uint32_t daily;
		bool strict;
	} cases[] = {
		{ "600/h daily 5000", HUB_OK, 600, 3600, 600, 6000000000, 5000,
		    false },
		{ "600/h burst 60 daily 5000 strict", HUB_OK, 600, 3600, 60,
		    6000000000, 5000, true },
		{ "600/h strict", HUB_OK, 600, 3600, 600, 6000000000, 0,
		    true },
		{ "600/h daily", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h daily 0", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h daily 5 burst 6", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h strict burst 6", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h burst 6 burst 6", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h", HUB_OK, 600, 3600, 600, 6000000000, 0, false },
		{ "600/h burst 60", HUB_OK, 600, 3600, 60, 6000000000, 0,
		    false },
		{ "1/s", HUB_OK, 1, 1, 1, 1000000000, 0, false },
		{ "7/min burst 1", HUB_OK, 7, 60, 1, 8571428572, 0, false },
		{ "1/d burst 366", HUB_OK, 1, 86400, 366, 86400000000000, 0,
		    false },
		{ "1/d burst 367", HUB_ERANGE, 0, 0, 0, 0, 0, false },
		{ "1/d burst 1000000", HUB_ERANGE, 0, 0, 0, 0, 0, false },
		{ "1000000000/s", HUB_OK, 1000000000, 1, 1000000000, 1, 0,
		    false },
		{ "1000000001/s", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "1/s burst 1000001", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "0/h", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "-1/h", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/w", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h ", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h burst", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h burst 0", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h burst 6 x", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
		{ "600/h bursts 6", HUB_ESYNTAX, 0, 0, 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct quota_rate r = { 0 };

		if (quota_parse(str_of(cases[i].text), &r) != cases[i].err ||
		    r.count != cases[i].count ||
		    r.window_s != cases[i].window_s ||
		    r.burst != cases[i].burst ||
		    r.interval_ns != cases[i].interval_ns ||
		    r.daily != cases[i].daily || r.strict != cases[i].strict)
			fail_msg("%s: %u %u %u %lld", cases[i].text, r.count,
			    r.window_s, r.burst, (long long)r.interval_ns);
	}
}

static void
gives_a_burst_then_one_by_one(void **state)
{
	/* When, whether there is one, what is left, until the next. */
	static const struct {
		int64_t at;
		bool taken;
		uint32_t left;
		int64_t next_us;
	} steps[] = {
		{ 0, true, 2, 10 * SECOND },
		{ 0, true, 1, 10 * SECOND },
		{ 4 * SECOND, true, 0, 6 * SECOND },
		{ 4 * SECOND, false, 0, 6 * SECOND },
		{ 10 * SECOND - 1, false, 0, 1 },
		{ 10 * SECOND, true, 0, 10 * SECOND },
		{ 15 * SECOND, false, 0, 5 * SECOND },
		{ 25 * SECOND, true, 0, 5 * SECOND },
		/* never more than the burst, however long it was quiet */
		{ 9000 * SECOND, true, 2, 10 * SECOND },
		{ 9000 * SECOND, true, 1, 10 * SECOND },
		{ 9000 * SECOND, true, 0, 10 * SECOND },
		{ 9000 * SECOND, false, 0, 10 * SECOND },
		/* another thread's clock is a little behind */
		{ 8999 * SECOND, false, 0, 10 * SECOND },
	};
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "6/min burst 3");

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct quota_state s;
		bool taken = quota_take(q, (struct mono_us){ steps[i].at }, &s);

		if (taken != steps[i].taken || s.left != steps[i].left ||
		    s.next_us != steps[i].next_us)
			fail_msg("step %zu: %d %u %lld", i, taken, s.left,
			    (long long)s.next_us);
	}
	quota_unref(&q);
	quota_book_clear(&book);
}

static void
never_gives_more_than_was_agreed(void **state)
{
	static const struct {
		const char *text;
		int64_t step_us, most; /* in an hour: a burst and the rate */
	} cases[] = {
		{ "600/h burst 60", 1000, 660 },
		{ "7/min burst 1", 1000, 421 },
		{ "1/s burst 5", 7777, 3605 },
		{ "11/d burst 2", 100000, 3 },
	};
	struct quota_book book = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct quota *q = bucket(&book, cases[i].text);
		int64_t n = 0;

		for (int64_t t = 0; t < 3600 * SECOND; t += cases[i].step_us)
			n += take(q, t);
		if (n > cases[i].most || n < cases[i].most - 2)
			fail_msg("%s: %lld", cases[i].text, (long long)n);
		quota_unref(&q);
	}
	quota_book_clear(&book);
}

static void
takes_back_what_was_taken_for_nothing(void **state)
{
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1/h burst 2");

	(void)state;
	assert_true(take(q, 0));
	assert_true(take(q, 0));
	assert_false(take(q, 0));
	quota_give(q);
	assert_true(take(q, 0));
	assert_false(take(q, 0));
	quota_unref(&q);
	quota_book_clear(&book);
}

static void
keeps_buckets_of_the_same_agreement_and_rate(void **state)
{
	static const struct {
		const char *consumer, *agreement, *what, *rate;
		bool same;
	} cases[] = {
		{ "c", "a", "", "1/h burst 2", true },
		{ "c", "a", "", "1/h burst 3", false },
		{ "c", "a", "", "2/h burst 2", false },
		{ "c", "a", "", "1/min burst 2", false },
		{ "d", "a", "", "1/h burst 2", false },
		{ "c", "b", "", "1/h burst 2", false },
		{ "c", "a", "flood", "1/h burst 2", false },
		/* no name runs into the other */
		{ "", "ca", "", "1/h burst 2", false },
	};
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1/h burst 2"), *other;
	struct quota_rate rate;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(quota_parse(str_of(cases[i].rate), &rate),
		    HUB_OK);
		other = quota_book_get(&book, str_of(cases[i].consumer),
		    str_of(cases[i].agreement), str_of(cases[i].what), &rate);
		if ((q == other) != cases[i].same)
			fail_msg("case %zu", i);
		quota_unref(&other);
	}
	/* A region that still has it keeps what is spent. */
	assert_true(take(q, 0));
	assert_true(take(q, 0));
	quota_book_trim(&book);
	other = bucket(&book, "1/h burst 2");
	assert_ptr_equal(q, other);
	quota_unref(&q);
	assert_false(take(other, 0));
	quota_unref(&other);
	quota_book_trim(&book);
	q = bucket(&book, "1/h burst 2");
	assert_true(take(q, 0));
	quota_unref(&q);
	quota_book_clear(&book);
}

#define THREADS 4
#define TRIES	20000

static void *
take_many(void *arg)
{
	intptr_t n = 0;

	for (int i = 0; i < TRIES; i++)
		n += take(arg, 1000);
	return ((void *)n);
}

static void
gives_threads_together_no_more_than_one(void **state)
{
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1/h burst 366");
	pthread_t t[THREADS];
	intptr_t sum = 0;
	void *n;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_many, q), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &n), 0);
		sum += (intptr_t)n;
	}
	assert_int_equal(sum, 366);
	quota_unref(&q);
	quota_book_clear(&book);
}

/* ---- leases */

#define HOUR_NS INT64_C(3600000000000)

/* All that was used has been told. */
static void
lease(struct quota *q, int64_t tokens, unsigned share, unsigned live,
    int64_t day_left, int64_t at)
{
	(void)!quota_report(q, (struct mono_us){ at }).used;
	quota_set_lease(q, &(struct quota_lease){ tokens * HOUR_NS, share, live,
	    day_left, 86400 * SECOND }, (struct mono_us){ at });
}

static unsigned
take_all(struct quota *q, int64_t at)
{
	unsigned n = 0;

	while (n < 1000 && take(q, at))
		n++;
	return (n);
}

static void
reports_what_was_used_and_takes_it_off_the_lease(void **state)
{
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1/h burst 20");
	struct quota_report r;

	(void)state;
	assert_true(quota_is_due(q)); /* it has none yet */
	lease(q, 20, 1, 1, 0, 1);
	assert_false(quota_is_due(q));
	assert_true(take(q, SECOND));
	assert_true(take(q, 3 * SECOND));
	assert_true(quota_is_due(q));
	r = quota_report(q, (struct mono_us){ 5 * SECOND });
	assert_int_equal(r.used, 2);
	assert_int_equal(r.since_us, 4 * SECOND);
	assert_true(r.asked);
	/* What was used after the report is not in the lease yet. */
	assert_true(take(q, 6 * SECOND));
	quota_set_lease(q, &(struct quota_lease){ 10 * HOUR_NS, 1, 1, 0,
	    86400 * SECOND }, (struct mono_us){ 7 * SECOND });
	assert_int_equal(take_all(q, 7 * SECOND), 9);
	r = quota_report(q, (struct mono_us){ 8 * SECOND });
	assert_int_equal(r.used, 10);
	/* A report that reaches nobody is made again. */
	quota_unreport(q, &r);
	r = quota_report(q, (struct mono_us){ 9 * SECOND });
	assert_int_equal(r.used, 10);
	r = quota_report(q, (struct mono_us){ 9 * SECOND });
	assert_int_equal(r.used, 0);
	quota_unref(&q);
	quota_book_clear(&book);
}

static void
bears_leases_that_cannot_be(void **state)
{
	static const int64_t levels[] = { INT64_MIN + 1, INT64_MIN / 2,
		INT64_MAX };
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1/h burst 20");
	struct quota_state s;

	(void)state;
	for (size_t i = 0; i < COUNT(levels); i++) {
		quota_set_lease(q, &(struct quota_lease){ levels[i], 65535, 2,
		    0, 86400 * SECOND }, (struct mono_us){ SECOND });
		/* No more than the bucket, and never soon for nothing. */
		assert_int_equal(take_all(q, SECOND), levels[i] > 0 ? 20 : 0);
		assert_false(quota_take(q, (struct mono_us){ SECOND }, &s));
		assert_true(s.next_us > INT64_C(65535) * 3600 * SECOND / 2);
		(void)!quota_report(q, (struct mono_us){ SECOND }).used;
	}
	/* The longest that a rate can last, for as many as can be. */
	quota_unref(&q);
	q = bucket(&book, "1/d burst 366");
	quota_set_lease(q, &(struct quota_lease){ INT64_MIN / 2, 65535, 2, 0,
	    86400 * SECOND }, (struct mono_us){ SECOND });
	assert_false(quota_take(q, (struct mono_us){ SECOND }, &s));
	assert_true(s.next_us > INT64_MAX / 2000);
	quota_unref(&q);
	quota_book_clear(&book);
}

static void
has_its_part_of_what_comes_back(void **state)
{
	/* Of an hour's token, for one hub of so many. */
	static const struct {
		unsigned share;
		int64_t hours;
		unsigned tokens;
	} cases[] = { { 1, 4, 4 }, { 2, 4, 2 }, { 4, 4, 1 }, { 0, 4, 0 } };
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1/h burst 20");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		lease(q, 0, cases[i].share, 4, 0, SECOND);
		/* Renewed by hand: else it is over. */
		quota_renew(q, (struct mono_us){
		    cases[i].hours * 3600 * SECOND + SECOND });
		assert_int_equal(take_all(q, cases[i].hours * 3600 * SECOND +
		    SECOND), cases[i].tokens);
	}
	quota_unref(&q);
	quota_book_clear(&book);
}

static void
goes_on_with_its_part_when_the_lease_is_over(void **state)
{
	const int64_t late = QUOTA_LEASE_US + 2 * SECOND;
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1/h burst 20");
	struct quota *strict = bucket(&book, "1/h burst 20 strict");

	(void)state;
	assert_int_equal(take_all(strict, 1), 0); /* never had one */
	lease(q, 5, 1, 2, 0, SECOND);
	lease(strict, 5, 1, 2, 0, SECOND);
	assert_true(take(strict, SECOND));
	assert_int_equal(take_all(q, late), 5);
	assert_int_equal(take_all(strict, late), 0);
	/* A token comes back in two hours, since there were two hubs. */
	assert_int_equal(take_all(q, late + 7100 * SECOND), 0);
	assert_int_equal(take_all(q, late + 7300 * SECOND), 1);
	lease(strict, 3, 1, 2, 0, late);
	assert_int_equal(take_all(strict, late), 3);
	quota_unref(&q);
	quota_unref(&strict);
	quota_book_clear(&book);
}

static void
keeps_to_what_is_left_of_the_day(void **state)
{
	struct quota_book book = { 0 };
	struct quota *q = bucket(&book, "1000/s burst 1000 daily 30");
	struct quota_state s;

	(void)state;
	quota_set_lease(q, &(struct quota_lease){ 1000 * INT64_C(1000000), 1, 2,
	    7, 3600 * SECOND }, (struct mono_us){ SECOND });
	assert_int_equal(take_all(q, SECOND), 7);
	assert_false(quota_take(q, (struct mono_us){ 601 * SECOND }, &s));
	assert_int_equal(s.left, 0);
	assert_int_equal(s.next_us, 3000 * SECOND);
	/* On the next day it has its part of it, database or not. */
	assert_int_equal(take_all(q, 3602 * SECOND), 15);
	quota_unref(&q);
	quota_book_clear(&book);
}

static void
finds_each_bucket_of_the_book_once(void **state)
{
	struct quota_book book = { 0 };
	struct quota *q = NULL, *held[300];
	struct quota_rate rate;
	unsigned n = 0;
	char name[16];

	(void)state;
	assert_null(quota_book_next(&book, NULL));
	assert_int_equal(quota_parse(STR("1/h"), &rate), HUB_OK);
	for (unsigned i = 0; i < COUNT(held); i++) {
		(void)snprintf(name, sizeof(name), "a%u", i);
		held[i] = quota_book_get(&book, STR("c"), str_of(name),
		    STR_NONE, &rate);
	}
	while ((q = quota_book_next(&book, q)) != NULL)
		n++;
	assert_int_equal(n, COUNT(held));
	for (unsigned i = 0; i < COUNT(held); i++)
		quota_unref(&held[i]);
	quota_book_clear(&book);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_region_files_say),
		cmocka_unit_test(gives_a_burst_then_one_by_one),
		cmocka_unit_test(never_gives_more_than_was_agreed),
		cmocka_unit_test(takes_back_what_was_taken_for_nothing),
		cmocka_unit_test(keeps_buckets_of_the_same_agreement_and_rate),
		cmocka_unit_test(gives_threads_together_no_more_than_one),
		cmocka_unit_test(
		    reports_what_was_used_and_takes_it_off_the_lease),
		cmocka_unit_test(bears_leases_that_cannot_be),
		cmocka_unit_test(has_its_part_of_what_comes_back),
		cmocka_unit_test(goes_on_with_its_part_when_the_lease_is_over),
		cmocka_unit_test(keeps_to_what_is_left_of_the_day),
		cmocka_unit_test(finds_each_bucket_of_the_book_once),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
