/* tests/unit/test_entity_map.c - the store of entity maps: whose a map is,
 * how long it lives, what goes when there is no room. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/base/arena.h"
#include "server/entity_map.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND   INT64_C(1000000)
#define LIFE     (300 * SECOND)
#define LARGE    ((size_t)64 << 20)

static const struct wall_us now = { INT64_C(1700000000000000) };
static const struct entity_map_query question = { { 1, 2, 3 } };

static struct wall_us
after(int64_t us)
{
	return ((struct wall_us){ now.us + us });
}

static struct entity_map_owner
owner(const char *tenant)
{
	return ((struct entity_map_owner){ str_of(tenant), STR("flood"), 7 });
}

/* n ids of the given length, each held by the datasets 3 and 5. */
static struct entity_map_item *
items(struct arena *a, uint32_t n, int length)
{
	static const uint32_t datasets[] = { 3, 5 };
	struct entity_map_item *v = arena_array(a, n + 1, sizeof(*v));

	for (uint32_t i = 0; i < n; i++) {
		v[i].id = str_of(arena_printf(a, "urn:x:%0*u", length - 6, i));
		v[i].datasets = datasets;
		v[i].ndatasets = 2;
	}
	return (v);
}

static enum hub_err
add(struct entity_maps *s, const char *tenant, uint32_t n, int64_t life,
    struct entity_map **map_r)
{
	struct entity_map_owner o = owner(tenant);
	struct arena *a = arena_new();
	enum hub_err err = entity_maps_add(
	    s, &o, &question, items(a, n, 30), n, now, life, map_r);

	arena_free(a);
	return (err);
}

/* Made and given back at once; its id in out. */
static void
make(struct entity_maps *s, const char *tenant, uint32_t n,
    char out[ENTITY_MAP_ID_MAX])
{
	struct entity_map *m = NULL;

	assert_int_equal(add(s, tenant, n, LIFE, &m), HUB_OK);
	memcpy(out, entity_map_id(m).p, ENTITY_MAP_ID_MAX);
	entity_map_unref(&m);
}

static bool
is_there(struct entity_maps *s, const char *id, struct entity_map_owner o,
    struct wall_us at)
{
	struct entity_map *m = entity_maps_find(s, str_of(id), &o, at);
	bool there = m != NULL;

	entity_map_unref(&m);
	return (there);
}

static void
gives_back_what_it_was_given(void **state)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_map *m = NULL;
	struct entity_map_query other = question;
	char id[40];

	(void)state;
	assert_int_equal(add(s, "schwerte", 1000, LIFE, &m), HUB_OK);
	assert_int_equal(entity_map_count(m), 1000);
	assert_int_equal(entity_map_left(m), 1000);
	assert_int_equal(entity_map_expires(m).us, now.us + LIFE);
	for (uint32_t i = 0; i < 1000; i++) {
		struct entity_map_item it = entity_map_item(m, i);

		(void)snprintf(id, sizeof(id), "urn:x:%024u", i);
		assert_true(str_eq(it.id, str_of(id)));
		assert_int_equal(it.ndatasets, 2);
		assert_int_equal(it.datasets[0], 3);
		assert_int_equal(it.datasets[1], 5);
	}
	assert_true(entity_map_same_query(m, &question));
	other.hash[SHA256_LEN - 1] ^= 1;
	assert_false(entity_map_same_query(m, &other));
	entity_map_unref(&m);
	assert_null(m);
	assert_int_equal(add(s, "schwerte", 0, LIFE, &m), HUB_OK);
	assert_int_equal(entity_map_count(m), 0);
	entity_map_unref(&m);
	entity_map_unref(&m); /* none */
	entity_maps_free(s);
	entity_maps_free(NULL);
}

static void
draws_ids_that_nobody_guesses(void **state)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	char id[2][ENTITY_MAP_ID_MAX];
	struct uuid u[2];
	unsigned differ = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		make(s, "schwerte", 1, id[i]);
		assert_int_equal(strlen(id[i]), ENTITY_MAP_ID_MAX - 1);
		assert_memory_equal(id[i], "urn:ngsi-ld:entitymap:", 22);
		assert_int_equal(uuid_parse(str_of(id[i] + 22), &u[i]), HUB_OK);
		assert_int_equal(u[i].b[6] >> 4, 4);
		assert_int_equal(u[i].b[8] >> 6, 2);
	}
	for (size_t i = 0; i < sizeof(u[0].b); i++)
		differ += u[0].b[i] != u[1].b[i];
	assert_true(differ > 8);
	entity_maps_free(s);
}

static void
is_there_for_its_owner_only(void **state)
{
	static const struct {
		struct entity_map_owner owner;
		bool there;
	} cases[] = {
		{ { { "schwerte", 8 }, { "flood", 5 }, 7 }, true },
		{ { { "unna", 4 }, { "flood", 5 }, 7 }, false },
		{ { { "schwert", 7 }, { "eflood", 6 }, 7 }, false },
		{ { { "schwerte", 8 }, { "floods", 6 }, 7 }, false },
		{ { { "schwerte", 8 }, { "", 0 }, 7 }, false },
		{ { { "schwerte", 8 }, { NULL, 0 }, 7 }, false },
		{ { { "schwerte", 8 }, { "flood", 5 }, 8 }, false },
		{ { { "schwerte", 8 }, { "flood", 5 }, 6 }, false },
	};
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_map_owner none = { STR("unna"), STR_NONE, 7 };
	struct entity_map_owner empty = { STR("unna"), STR(""), 7 };
	struct entity_map *m = NULL;
	char id[ENTITY_MAP_ID_MAX];

	(void)state;
	make(s, "schwerte", 3, id);
	for (size_t i = 0; i < COUNT(cases); i++)
		if (is_there(s, id, cases[i].owner, now) != cases[i].there)
			fail_msg("case %zu", i);
	assert_int_equal(
	    entity_maps_add(s, &none, &question, NULL, 0, now, LIFE, &m),
	    HUB_OK);
	memcpy(id, entity_map_id(m).p, sizeof(id));
	entity_map_unref(&m);
	assert_true(is_there(s, id, none, now));
	assert_false(is_there(s, id, empty, now));
	id[ENTITY_MAP_ID_MAX - 2] ^= 1;
	assert_false(is_there(s, id, none, now));
	assert_false(is_there(s, "", none, now));
	entity_maps_free(s);
}

static void
lives_as_long_as_asked_for_within_bounds(void **state)
{
	static const struct {
		int64_t asked, lives;
	} cases[] = {
		{ SECOND, SECOND },
		{ 1, SECOND },
		{ -5, SECOND },
		{ 90 * SECOND, 90 * SECOND },
		{ 3600 * SECOND, 3600 * SECOND },
		{ 3601 * SECOND, 3600 * SECOND },
		{ INT64_MAX, 3600 * SECOND },
	};
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_maps_stats st;
	struct entity_map *m = NULL;
	char id[ENTITY_MAP_ID_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t end = cases[i].lives;

		assert_int_equal(add(s, "a", 5, cases[i].asked, &m), HUB_OK);
		memcpy(id, entity_map_id(m).p, sizeof(id));
		assert_true(is_there(s, id, owner("a"), after(end - 1)));
		assert_false(is_there(s, id, owner("a"), after(end)));
		assert_int_equal(entity_map_count(m), 5); /* still held */
		entity_map_unref(&m);
	}
	make(s, "b", 5, id);
	entity_maps_sweep(s, after(LIFE));
	entity_maps_stats(s, &st);
	assert_int_equal(st.maps, 0);
	assert_int_equal(st.bytes, 0);
	entity_maps_free(s);
}

static void
ends_when_it_is_told_to(void **state)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_map *m = NULL;
	char id[ENTITY_MAP_ID_MAX];

	(void)state;
	assert_int_equal(add(s, "a", 5, LIFE, &m), HUB_OK);
	memcpy(id, entity_map_id(m).p, sizeof(id));
	entity_map_set_expires(m, after(10), now);
	assert_true(is_there(s, id, owner("a"), after(9)));
	entity_map_set_expires(m, after(7200 * SECOND), after(9));
	assert_int_equal(entity_map_expires(m).us, now.us + 9 + 3600 * SECOND);
	assert_true(is_there(s, id, owner("a"), after(LIFE)));
	entity_maps_remove(m);
	assert_false(is_there(s, id, owner("a"), now));
	entity_maps_remove(m); /* once is enough */
	assert_true(str_eq(
	    entity_map_item(m, 4).id, STR("urn:x:000000000000000000000004")));
	entity_map_unref(&m);
	entity_maps_free(s);
}

static void
closes_up_where_something_is_gone(void **state)
{
	static const uint32_t gone[] = { 0, 63, 64, 129, 64 };
	static const struct {
		uint32_t from, skip, max, n, first, last, behind;
	} cases[] = {
		{ 0, 0, 3, 3, 1, 3, 4 },
		{ 0, 62, 2, 2, 65, 66, 67 },
		{ 0, 125, 9, 1, 128, 128, 130 },
		{ 0, 126, 9, 0, 0, 0, 130 },
		{ 0, UINT32_MAX, 9, 0, 0, 0, 130 },
		{ 62, 0, 2, 2, 62, 65, 66 },
		{ 130, 0, 9, 0, 0, 0, 130 },
		{ 0, 0, 0, 0, 0, 0, 0 },
	};
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_map *m = NULL;
	uint32_t at[16], from;

	(void)state;
	assert_int_equal(add(s, "a", 130, LIFE, &m), HUB_OK);
	entity_map_drop(m, gone, COUNT(gone));
	assert_int_equal(entity_map_left(m), 126);
	assert_int_equal(entity_map_count(m), 130);
	for (size_t i = 0; i < COUNT(cases); i++) {
		from = cases[i].from;
		assert_int_equal(entity_map_places(
				     m, &from, cases[i].skip, at, cases[i].max),
		    cases[i].n);
		assert_int_equal(from, cases[i].behind);
		if (cases[i].n == 0)
			continue;
		assert_int_equal(at[0], cases[i].first);
		assert_int_equal(at[cases[i].n - 1], cases[i].last);
	}
	entity_map_unref(&m);
	entity_maps_free(s);
}

static size_t
size_of_one(uint32_t n)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_maps_stats st;
	char id[ENTITY_MAP_ID_MAX];

	make(s, "a", n, id);
	entity_maps_stats(s, &st);
	entity_maps_free(s);
	return (st.bytes);
}

static void
makes_room_by_the_oldest_of_the_same_tenant(void **state)
{
	size_t one = size_of_one(100);
	struct entity_maps *s = entity_maps_new(4 * one + one / 2);
	struct entity_maps_stats st;
	char other[ENTITY_MAP_ID_MAX], id[6][ENTITY_MAP_ID_MAX];

	(void)state;
	make(s, "b", 100, other);
	for (int i = 0; i < 6; i++) {
		make(s, "a", 100, id[i]);
		entity_maps_stats(s, &st);
		assert_true(st.bytes <= 4 * one + one / 2);
	}
	assert_int_equal(st.maps, 4);
	assert_true(is_there(s, other, owner("b"), now));
	for (int i = 0; i < 6; i++)
		assert_int_equal(is_there(s, id[i], owner("a"), now), i >= 3);
	entity_maps_free(s);
}

static void
makes_room_by_who_uses_most(void **state)
{
	size_t one = size_of_one(100);
	struct entity_maps *s = entity_maps_new(4 * one + one / 2);
	char first[ENTITY_MAP_ID_MAX], id[4][ENTITY_MAP_ID_MAX];
	struct entity_map *m = NULL;

	(void)state;
	make(s, "b", 100, first);
	for (int i = 0; i < 3; i++)
		make(s, "a", 100, id[i]);
	make(s, "c", 100, id[3]);
	assert_false(is_there(s, id[0], owner("a"), now));
	assert_true(is_there(s, first, owner("b"), now));
	assert_true(is_there(s, id[1], owner("a"), now));
	/* Now b, c and a have 1, 1 and 2: nobody has more than 3. */
	assert_int_equal(add(s, "d", 300, LIFE, &m), HUB_EFULL);
	assert_true(is_there(s, id[1], owner("a"), now));
	assert_null(m);
	entity_maps_free(s);
}

static void
ends_with_its_policy(void **state)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_map_owner newer = owner("b"), older = owner("b");
	struct entity_map *m = NULL;
	struct entity_maps_stats st;
	char id[ENTITY_MAP_ID_MAX];

	(void)state;
	newer.generation++;
	make(s, "a", 5, id);
	assert_int_equal(
	    entity_maps_add(s, &newer, &question, NULL, 0, now, LIFE, &m),
	    HUB_OK);
	entity_map_unref(&m);
	assert_false(is_there(s, id, owner("a"), now));
	entity_maps_stats(s, &st);
	assert_int_equal(st.maps, 1);
	/* A request that began before the swap may still make one. */
	assert_int_equal(
	    entity_maps_add(s, &older, &question, NULL, 0, now, LIFE, &m),
	    HUB_OK);
	entity_map_unref(&m);
	entity_maps_stats(s, &st);
	assert_int_equal(st.maps, 2);
	entity_maps_free(s);
}

static void
refuses_what_is_too_large(void **state)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_maps *small = entity_maps_new(size_of_one(100) - 1);
	struct entity_map *m = NULL;
	char id[ENTITY_MAP_ID_MAX];

	(void)state;
	assert_int_equal(
	    add(s, "a", ENTITY_MAP_IDS_MAX + 1, LIFE, &m), HUB_EFULL);
	assert_int_equal(add(s, "a", ENTITY_MAP_IDS_MAX, LIFE, &m), HUB_OK);
	entity_map_unref(&m);
	make(small, "a", 99, id);
	assert_int_equal(add(small, "a", 100, LIFE, &m), HUB_EFULL);
	assert_true(is_there(small, id, owner("a"), now)); /* not for that */
	entity_maps_free(small);
	entity_maps_free(s);
}

static void
keeps_so_many_of_a_tenant(void **state)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	char first[ENTITY_MAP_ID_MAX], second[ENTITY_MAP_ID_MAX];
	char id[ENTITY_MAP_ID_MAX];
	struct entity_maps_stats st;

	(void)state;
	make(s, "a", 1, first);
	make(s, "a", 1, second);
	make(s, "b", 1, id);
	for (int i = 1; i < ENTITY_MAPS_PER_TENANT; i++)
		make(s, "a", 1, id);
	assert_false(is_there(s, first, owner("a"), now));
	assert_true(is_there(s, second, owner("a"), now));
	entity_maps_stats(s, &st);
	assert_int_equal(st.maps, ENTITY_MAPS_PER_TENANT + 1);
	entity_maps_free(s);
}

/* ---- several workers */

struct party {
	struct entity_maps *store;
	const char *shared;
	const char *tenant;
};

static void *
use_store(void *arg)
{
	const struct party *p = arg;
	struct entity_map_owner all = owner("all");
	struct entity_map *m = NULL;
	uint32_t at[50], from, n;

	for (int i = 0; i < 200; i++) {
		m = NULL;
		if (add(p->store, p->tenant, 50, LIFE, &m) == HUB_OK &&
		    i % 2 == 0)
			entity_maps_remove(m);
		entity_map_unref(&m);
		m = entity_maps_find(p->store, str_of(p->shared), &all, now);
		if (m == NULL)
			continue;
		from = 0;
		n = entity_map_places(m, &from, 0, at, 50);
		if (n > 0)
			entity_map_drop(m, at, 1);
		entity_map_set_expires(m, after(SECOND + i), now);
		entity_map_unref(&m);
	}
	entity_maps_sweep(p->store, now);
	return (NULL);
}

static void
serves_several_workers(void **state)
{
	struct entity_maps *s = entity_maps_new(LARGE);
	struct entity_maps_stats st;
	struct entity_map *m = NULL;
	char id[ENTITY_MAP_ID_MAX];
	struct party parties[3] = { { s, id, "a" }, { s, id, "b" },
		{ s, id, "a" } };
	pthread_t threads[3];

	(void)state;
	assert_int_equal(add(s, "all", 2000, LIFE, &m), HUB_OK);
	memcpy(id, entity_map_id(m).p, sizeof(id));
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, use_store, &parties[i]),
		    0);
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	/* Two may have dropped the same one. */
	assert_in_range(entity_map_left(m), 1400, 1800);
	entity_map_unref(&m);
	entity_maps_stats(s, &st);
	assert_int_equal(st.maps, 301);
	entity_maps_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_it_was_given),
		cmocka_unit_test(draws_ids_that_nobody_guesses),
		cmocka_unit_test(is_there_for_its_owner_only),
		cmocka_unit_test(lives_as_long_as_asked_for_within_bounds),
		cmocka_unit_test(ends_when_it_is_told_to),
		cmocka_unit_test(closes_up_where_something_is_gone),
		cmocka_unit_test(makes_room_by_the_oldest_of_the_same_tenant),
		cmocka_unit_test(makes_room_by_who_uses_most),
		cmocka_unit_test(ends_with_its_policy),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(keeps_so_many_of_a_tenant),
		cmocka_unit_test(serves_several_workers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
