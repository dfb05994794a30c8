/* tests/unit/test_recall.c - what a worker keeps of its last answers. */
#include "server/recall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct mono_us start = { 1000000 };

static struct mono_us
after(int64_t us)
{
	return ((struct mono_us){ start.us + us });
}

static struct recalled
made(const char *key, const char *body, const char *answer)
{
	return ((struct recalled){ .key = str_of(key),
	    .answer = str_of(answer),
	    .found = 3,
	    .shown = 2,
	    .nlegs = 1,
	    .legs = { { .known = { .body = str_of(body), .count = 4 },
		.entities = 3,
		.grants_used = 5 } } });
}

static void
assert_str(struct str s, const char *want)
{
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(s.p, want, s.len);
}

static void
keeps_a_coded_form_once_and_no_longer_than_the_answer(void **state)
{
	struct recall *r = recall_new();
	struct recalled k = made("key", "[1]", "[2]");
	const struct recalled *found, *again;
	char coded[] = "coded";

	(void)state;
	memcpy(k.etag, "0123456789abcdef0123456789abcdef", sizeof(k.etag));
	recall_put(r, &k, start);
	found = recall_find(r, STR("key"), start);
	assert_non_null(found);
	assert_string_equal(found->etag, k.etag);
	assert_int_equal(recalled_coded(found).len, 0);
	recalled_put_coded(found, str_of(coded));
	memset(coded, 'x', sizeof(coded) - 1);
	assert_str(recalled_coded(found), "coded");
	recalled_put_coded(found, STR("another"));
	assert_str(recalled_coded(found), "coded");
	recall_put(r, &k, start); /* another answer in its place */
	again = recall_find(r, STR("key"), start);
	assert_non_null(again);
	assert_int_equal(recalled_coded(again).len, 0);
	assert_str(recalled_coded(found), "coded"); /* as long as it is held */
	recalled_unref(&found);
	recalled_unref(&again);
	recall_free(r);
}

static void
gives_back_copies_of_what_was_put(void **state)
{
	struct recall *r = recall_new();
	char key[] = "key", body[] = "[1]", answer[] = "[2]";
	struct recalled k = made(key, body, answer);
	const struct recalled *found;

	(void)state;
	recall_put(r, &k, start);
	memset(key, 'x', sizeof(key));
	memset(body, 'x', sizeof(body));
	memset(answer, 'x', sizeof(answer));
	found = recall_find(r, STR("key"), start);
	assert_non_null(found);
	assert_str(found->key, "key");
	assert_str(found->answer, "[2]");
	assert_str(found->legs[0].known.body, "[1]");
	assert_int_equal(found->nlegs, 1);
	assert_int_equal(found->found, 3);
	assert_int_equal(found->shown, 2);
	assert_int_equal(found->legs[0].known.count, 4);
	assert_int_equal(found->legs[0].entities, 3);
	assert_int_equal(found->legs[0].grants_used, 5);
	recalled_unref(&found);
	assert_null(found);
	recall_free(r);
}

static void
finds_by_the_whole_key_only(void **state)
{
	static const char *const others[] = { "", "ke", "kez", "keyy", "Key" };
	struct recall *r = recall_new();
	struct recalled k = made("key", "[1]", "[2]");

	(void)state;
	recall_put(r, &k, start);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_null(recall_find(r, str_of(others[i]), start));
	recall_free(r);
}

static void
forgets_what_is_old(void **state)
{
	struct recall *r = recall_new();
	struct recalled k = made("key", "[1]", "[2]");
	const struct recalled *found;

	(void)state;
	recall_put(r, &k, start);
	found = recall_find(r, STR("key"), after(RECALL_US - 1));
	assert_non_null(found);
	recalled_unref(&found);
	assert_null(recall_find(r, STR("key"), after(RECALL_US)));
	recall_sweep(r, after(RECALL_US - 1));
	found = recall_find(r, STR("key"), start);
	assert_non_null(found);
	recalled_unref(&found);
	recall_sweep(r, after(RECALL_US));
	assert_null(recall_find(r, STR("key"), start));
	recall_free(r);
}

static void
the_newer_takes_the_place(void **state)
{
	struct recall *r = recall_new();
	struct recalled one = made("key", "[1]", "[1]");
	struct recalled two = made("key", "[2]", "[2]");
	const struct recalled *held, *found;

	(void)state;
	recall_put(r, &one, start);
	held = recall_find(r, STR("key"), start);
	recall_put(r, &two, start);
	found = recall_find(r, STR("key"), start);
	assert_str(found->answer, "[2]");
	assert_str(held->answer, "[1]"); /* until its holder is done */
	recalled_unref(&found);
	recall_forget(r);
	assert_null(recall_find(r, STR("key"), start));
	assert_str(held->answer, "[1]");
	recalled_unref(&held);
	recall_free(r);
}

static void
keeps_nothing_large(void **state)
{
	struct recall *r = recall_new();
	char *big = malloc(RECALL_BYTES + 1);
	struct recalled k;

	(void)state;
	assert_non_null(big);
	memset(big, ' ', RECALL_BYTES);
	big[RECALL_BYTES] = '\0';
	k = made("body", big, "[]");
	recall_put(r, &k, start);
	k = made("answer", "[]", big);
	recall_put(r, &k, start);
	assert_null(recall_find(r, STR("body"), start));
	assert_null(recall_find(r, STR("answer"), start));
	free(big);
	recall_free(r);
}

static void
is_bounded_whatever_is_put(void **state)
{
	struct recall *r = recall_new();
	const struct recalled *found;
	unsigned kept = 0;
	struct recalled k;
	char key[32];

	(void)state;
	for (unsigned i = 0; i < 20 * RECALL_SLOTS; i++) {
		(void)snprintf(key, sizeof(key), "key %u", i);
		k = made(key, "[1]", "[2]");
		recall_put(r, &k, start);
	}
	for (unsigned i = 0; i < 20 * RECALL_SLOTS; i++) {
		(void)snprintf(key, sizeof(key), "key %u", i);
		found = recall_find(r, str_of(key), start);
		kept += found != NULL;
		recalled_unref(&found);
	}
	assert_in_range(kept, RECALL_SLOTS / 2, RECALL_SLOTS);
	recall_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    keeps_a_coded_form_once_and_no_longer_than_the_answer),
		cmocka_unit_test(gives_back_copies_of_what_was_put),
		cmocka_unit_test(finds_by_the_whole_key_only),
		cmocka_unit_test(forgets_what_is_old),
		cmocka_unit_test(the_newer_takes_the_place),
		cmocka_unit_test(keeps_nothing_large),
		cmocka_unit_test(is_bounded_whatever_is_put),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
