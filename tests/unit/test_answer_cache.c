/* tests/unit/test_answer_cache.c - what is kept of sources' answers. */
#include "server/federation/answer_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
static const struct mono_us start = { 5 * SECOND };

static struct mono_us
after(int64_t us)
{
	return ((struct mono_us){ start.us + us });
}

static struct answer_key
key_of(unsigned n)
{
	struct answer_key k = { .b = { 0 } };

	k.b[0] = (unsigned char)n;
	k.b[1] = (unsigned char)(n >> 8);
	return (k);
}

static struct http_head
head_of(const char *name, const char *value)
{
	struct http_head h = { .status = 200, .nfields = 1 };

	h.fields[0] = (struct http_field){ str_of(name), str_of(value) };
	return (h);
}

static void
put(struct answer_cache *c, unsigned n, struct str body, int64_t at)
{
	struct answer_key k = key_of(n);
	struct http_head h = head_of("nGsild-Results-Count", "7");

	answer_cache_put(c, &k, &h, body, false, SECOND, after(at));
}

static const struct kept_answer *
find(struct answer_cache *c, unsigned n, int64_t at, bool stale)
{
	struct answer_key k = key_of(n);

	return (answer_cache_find(c, &k, after(at), stale));
}

static bool
has(struct answer_cache *c, unsigned n, int64_t at, bool stale)
{
	const struct kept_answer *k = find(c, n, at, stale);
	bool there = k != NULL;

	if (there)
		kept_answer_unref(&k);
	return (there);
}

static void
gives_back_copies_until_their_time(void **state)
{
	struct answer_cache *c = answer_cache_new(NULL, 1 << 20);
	char body[] = "[1]";
	const struct kept_answer *k;

	(void)state;
	put(c, 1, str_of(body), 0);
	body[1] = '2';
	k = find(c, 1, SECOND - 1, false);
	assert_non_null(k);
	assert_true(str_eq(k->body, STR("[1]")));
	assert_int_equal(k->head.status, 200);
	assert_int_equal(k->head.nfields, 1);
	assert_true(str_eq(k->head.fields[0].value, STR("7")));
	answer_cache_sweep(c, after(2 * ANSWER_STALE_US));
	assert_true(str_eq(k->body, STR("[1]"))); /* held */
	kept_answer_unref(&k);
	assert_false(has(c, 1, 0, false));
	answer_cache_free(c);
}

static void
gives_what_is_past_its_time_to_who_wants_it(void **state)
{
	struct answer_cache *c = answer_cache_new(NULL, 1 << 20);
	static const struct {
		int64_t at;
		bool stale, there;
	} rows[] = {
		{ 0, false, true },
		{ SECOND, false, false },
		{ SECOND, true, true },
		{ SECOND + ANSWER_STALE_US - 1, true, true },
		{ SECOND + ANSWER_STALE_US, true, false },
	};

	(void)state;
	put(c, 1, STR("[]"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(has(c, 1, rows[i].at, rows[i].stale),
		    rows[i].there);
	answer_cache_free(c);
}

static void
knows_only_the_same_key(void **state)
{
	struct answer_cache *c = answer_cache_new(NULL, 1 << 20);
	struct answer_key k = key_of(1);

	(void)state;
	put(c, 1, STR("[]"), 0);
	k.b[31] = 1; /* of the same place */
	assert_null(answer_cache_find(c, &k, start, false));
	answer_cache_drop(c, &k);
	assert_true(has(c, 1, 0, false));
	k.b[31] = 0;
	answer_cache_drop(c, &k);
	assert_false(has(c, 1, 0, false));
	answer_cache_free(c);
}

static void
stores_nothing_that_must_not_be_stored(void **state)
{
	static const struct {
		const char *name, *value;
		bool kept;
	} rows[] = {
		{ "Cache-Control", "max-age=5", true },
		{ "Cache-Control", "no-store", false },
		{ "cache-control", "private, No-Store", false },
		{ "X-Cache-Control", "no-store", true },
	};
	struct answer_cache *c = answer_cache_new(NULL, 1 << 20);

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_head h = head_of(rows[i].name, rows[i].value);
		struct answer_key k = key_of(i);

		answer_cache_put(c, &k, &h, STR("[]"), false, SECOND, start);
		assert_int_equal(has(c, i, 0, false), rows[i].kept);
	}
	answer_cache_free(c);
}

static void
stays_within_its_ceiling(void **state)
{
	struct budget budget = { .max = 1 << 20 };
	struct answer_cache *c = answer_cache_new(&budget, 200000);
	struct str body = { xcalloc(1, 20000), 20000 };
	unsigned there = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		put(c, i, body, i);
		assert_true(budget.used <= 200000);
	}
	for (unsigned i = 0; i < 100; i++)
		there += has(c, i, 100, false);
	assert_in_range(there, 5, 10);
	assert_true(has(c, 99, 100, false)); /* the oldest go first */
	assert_false(has(c, 0, 100, false));
	put(c, 200, (struct str){ body.p, 20000 }, 100);
	answer_cache_free(c);
	assert_int_equal(budget.used, 0);
	free((void *)(uintptr_t)body.p);
}

static void
takes_no_room_that_others_need(void **state)
{
	struct budget budget = { .max = 100000 };
	struct budget_claim other = { .budget = &budget, .max = 100000 };
	struct answer_cache *c = answer_cache_new(&budget, 100000);
	struct str body = { xcalloc(1, 20000), 20000 };

	(void)state;
	assert_int_equal(budget_take(&other, 90000), HUB_OK);
	put(c, 1, body, 0);
	assert_false(has(c, 1, 0, false));
	budget_end(&other);
	put(c, 1, body, 0);
	assert_true(has(c, 1, 0, false));
	answer_cache_free(c);
	c = answer_cache_new(&budget, 0);
	put(c, 1, body, 0);
	assert_false(has(c, 1, 0, false));
	answer_cache_free(c);
	free((void *)(uintptr_t)body.p);
}

static void
forgets_all_of_a_source_and_nothing_of_others(void **state)
{
	struct answer_cache *c = answer_cache_new(NULL, 1 << 20);
	struct http_head h = head_of("Link", "x");

	(void)state;
	for (unsigned n = 1; n <= 4; n++) {
		struct answer_key k = key_of(n);

		k.source = n % 2;
		answer_cache_put(c, &k, &h, STR("[1]"), false, SECOND, start);
	}
	answer_cache_forget(c, 1);
	for (unsigned n = 1; n <= 4; n++) {
		struct answer_key k = key_of(n);
		const struct kept_answer *kept;

		k.source = n % 2;
		kept = answer_cache_find(c, &k, start, true);
		assert_true((kept != NULL) == (n % 2 == 0));
		if (kept != NULL)
			kept_answer_unref(&kept);
	}
	answer_cache_free(c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_copies_until_their_time),
		cmocka_unit_test(gives_what_is_past_its_time_to_who_wants_it),
		cmocka_unit_test(knows_only_the_same_key),
		cmocka_unit_test(stores_nothing_that_must_not_be_stored),
		cmocka_unit_test(stays_within_its_ceiling),
		cmocka_unit_test(takes_no_room_that_others_need),
		cmocka_unit_test(
		    forgets_all_of_a_source_and_nothing_of_others),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
