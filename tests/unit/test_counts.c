/* test_counts.c - what workers count, and the page's choice of a format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/counts.h"
#include "server/metrics.h"

static void
bounds_belong_to_the_bucket_below(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = histogram_bound(i);

		assert_true(bound > last);
		assert_int_equal(histogram_bucket(bound), i);
		assert_int_equal(histogram_bucket(last + 1), i);
		last = bound;
	}
	assert_int_equal(last, UINT64_MAX);
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bound(0), 256);
	assert_int_equal(histogram_bound(HISTOGRAM_BUCKETS - 2), 67108864);
}

static void
adds_up_what_took_how_long(void **state)
{
	static const int64_t took[] = { -5, 0, 256, 257, 384, 385, 1000000,
		INT64_MAX };
	struct histogram h = { 0 };
	uint64_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(took) / sizeof(took[0]); i++)
		histogram_add(&h, took[i]);
	assert_int_equal(h.buckets[0], 3);
	assert_int_equal(h.buckets[1], 2);
	assert_int_equal(h.buckets[2], 1);
	assert_int_equal(h.buckets[HISTOGRAM_BUCKETS - 1], 1);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h.buckets[i];
	assert_int_equal(n, 8);
}

static void
tells_statuses_apart(void **state)
{
	static const int known[] = { 200, 206, 304, 400, 401, 404, 421, 429, 503,
		508 };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_int_equal(counts_code_status(counts_code(known[i])),
		    known[i]);
	assert_int_equal(counts_code(0), 0);
	assert_int_equal(counts_code(299), 0);
	assert_int_equal(counts_code(-1), 0);
	assert_int_equal(counts_code_status(COUNTS_CODES), 0);
}

static void
a_name_keeps_its_slot_and_the_rest_is_other(void **state)
{
	struct metric_names m;

	(void)state;
	metric_names_init(&m, 3);
	assert_int_equal(metric_names_slot(&m, STR("unna")), 1);
	assert_int_equal(metric_names_slot(&m, STR("kamen")), 2);
	assert_int_equal(metric_names_slot(&m, STR("unna")), 1);
	assert_int_equal(metric_names_slot(&m, STR("boenen")), 0);
	assert_true(str_eq(metric_names_get(&m, 2), STR("kamen")));
	assert_true(str_eq(metric_names_get(&m, 0), STR("other")));
	assert_true(str_eq(metric_names_get(&m, 99), STR("other")));
	metric_names_clear(&m);
}

static void
a_slot_that_is_none_counts_as_other(void **state)
{
	struct counts *c = counts_new();

	(void)state;
	assert_ptr_equal(counts_tenant(c, COUNTS_TENANTS), counts_tenant(c, 0));
	assert_ptr_equal(counts_source(c, COUNTS_SOURCES), counts_source(c, 0));
	assert_ptr_not_equal(counts_tenant(c, 1), counts_tenant(c, 0));
	counts_free(c);
	counts_free(NULL);
}

static void
chooses_the_format_that_is_asked_for(void **state)
{
#define OPEN "application/openmetrics-text"
	static const struct {
		const char *accept;
		bool open;
	} cases[] = {
		{ OPEN, true }, { OPEN ";version=1.0.0", true },
		{ OPEN ";q=0.5,text/plain;q=0.4", true },
		{ OPEN ";q=0.4,text/plain;q=0.5", false },
		{ OPEN ";q=0.123,text/plain;q=0.122", true },
		{ "text/plain," OPEN, true }, { OPEN ";q=0", false },
		{ OPEN ";q=", true }, { OPEN ";q", true }, { "", false },
		{ "text/plain", false }, { "*/*", false }, { ",,;;", false },
		{ "text/html;q=1;" OPEN, false }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(metrics_wants_open(str_of(cases[i].accept)),
		    cases[i].open);
	assert_false(metrics_wants_open(STR_NONE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_belong_to_the_bucket_below),
		cmocka_unit_test(adds_up_what_took_how_long),
		cmocka_unit_test(tells_statuses_apart),
		cmocka_unit_test(a_name_keeps_its_slot_and_the_rest_is_other),
		cmocka_unit_test(a_slot_that_is_none_counts_as_other),
		cmocka_unit_test(chooses_the_format_that_is_asked_for),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
