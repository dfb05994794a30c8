/* tests/unit/test_persons.c - what a person is called in usage records: one
 * name a month, none that outlives its key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/persons.h"

#define SECOND	   INT64_C(1000000)
/* 2026-10-31T23:00:00Z: November begins in Germany. */
#define NOVEMBER   INT64_C(1793487600000000)
#define DECEMBER   (NOVEMBER + 30 * WALL_DAY_US)

static struct wall_us
at(int64_t us)
{
	return ((struct wall_us){ us });
}

static int
folder_make(void **state)
{
	char *path = strdup("/tmp/persons.XXXXXX");

	assert_non_null(mkdtemp(path));
	*state = path;
	return (0);
}

static int
folder_drop(void **state)
{
	persons_forget(*state);
	assert_int_equal(rmdir(*state), 0);
	free(*state);
	return (0);
}

static bool
has_key(const char *folder, const char *month)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/person-key-%s", folder, month);
	return (access(path, F_OK) == 0);
}

static struct identity
named(struct persons *ps, int64_t us, struct str iss, struct str sub)
{
	struct issuer issuer = { .iss = iss };
	struct identity id = { .issuer = &issuer, .subject = sub };

	persons_name(ps, at(us), &id);
	id.issuer = NULL;
	return (id);
}

static uint64_t
anna(struct persons *ps, int64_t us)
{
	return (named(ps, us, STR("https://idm"), STR("anna")).person);
}

static void
calls_a_person_the_same_for_a_month(void **state)
{
	struct persons *ps = persons_open(*state, at(NOVEMBER));
	uint64_t a = anna(ps, NOVEMBER), next;

	assert_int_not_equal(a, 0);
	assert_int_equal(anna(ps, DECEMBER - 1), a);
	assert_int_not_equal(named(ps, NOVEMBER, STR("https://idm"),
	    STR("bea")).person, a);
	/* The same letters, of another issuer. */
	assert_int_not_equal(named(ps, NOVEMBER, STR("https://idman"),
	    STR("na")).person, a);
	/* Nobody has turned yet: the key is there in time. */
	next = anna(ps, DECEMBER);
	assert_int_not_equal(next, 0);
	assert_int_not_equal(next, a);
	persons_turn(ps, at(DECEMBER + SECOND));
	assert_int_equal(anna(ps, DECEMBER + 2 * SECOND), next);
	assert_int_equal(anna(ps, DECEMBER - 1), 0); /* who was it? */
	persons_free(ps);
}

static void
says_until_when_a_name_is_good(void **state)
{
	struct persons *ps = persons_open(*state, at(NOVEMBER - 1));
	struct identity id = named(ps, NOVEMBER - 1, STR("i"), STR("anna"));

	assert_int_equal(id.person_until.us, NOVEMBER);
	id = named(ps, NOVEMBER, STR("i"), STR("anna"));
	assert_int_equal(id.person_until.us, DECEMBER);
	persons_free(ps);
}

static void
counts_no_programs(void **state)
{
	struct persons *ps = persons_open(*state, at(NOVEMBER));
	struct issuer issuer = { .iss = STR("i") };
	struct identity id = { .issuer = &issuer, .subject = STR("anna"),
		.client = STR("portal"), .program = true };

	persons_name(ps, at(NOVEMBER), &id);
	assert_int_equal(id.person, 0);
	assert_int_equal(id.person_until.us, DECEMBER);
	id.program = false;
	persons_name(ps, at(NOVEMBER), &id);
	assert_int_not_equal(id.person, 0);
	persons_free(ps);
}

static void
keeps_keys_over_a_restart_and_not_over_their_month(void **state)
{
	struct persons *ps = persons_open(*state, at(NOVEMBER));
	uint64_t a = anna(ps, NOVEMBER);

	persons_free(ps);
	assert_true(has_key(*state, "2026-11"));
	assert_true(has_key(*state, "2026-12"));
	ps = persons_open(*state, at(DECEMBER - SECOND));
	assert_int_equal(anna(ps, DECEMBER - SECOND), a);
	persons_turn(ps, at(DECEMBER - 1));
	assert_true(has_key(*state, "2026-11"));
	persons_turn(ps, at(DECEMBER));
	assert_false(has_key(*state, "2026-11"));
	assert_true(has_key(*state, "2026-12"));
	assert_true(has_key(*state, "2027-01"));
	persons_free(ps);
	persons_forget(*state);
	assert_false(has_key(*state, "2026-12"));
	assert_false(has_key(*state, "2027-01"));
}

static void
counts_nobody_while_the_key_cannot_be_read(void **state)
{
	char path[128];
	struct persons *ps;
	struct identity id;

	(void)snprintf(path, sizeof(path), "%s/person-key-2026-11",
	    (const char *)*state);
	assert_int_equal(mkdir(path, 0700), 0);
	ps = persons_open(*state, at(NOVEMBER));
	id = named(ps, NOVEMBER, STR("i"), STR("anna"));
	assert_int_equal(id.person, 0);
	/* It is asked again with the next request. */
	assert_true(id.person_until.us <= NOVEMBER);
	assert_int_equal(rmdir(path), 0);
	persons_turn(ps, at(NOVEMBER + 9 * SECOND));
	assert_int_equal(anna(ps, NOVEMBER), 0);
	persons_turn(ps, at(NOVEMBER + 10 * SECOND));
	assert_int_not_equal(anna(ps, NOVEMBER), 0);
	persons_free(ps);
}

#define CASE(test)                                                            \
	cmocka_unit_test_setup_teardown(test, folder_make, folder_drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(calls_a_person_the_same_for_a_month),
		CASE(says_until_when_a_name_is_good),
		CASE(counts_no_programs),
		CASE(keeps_keys_over_a_restart_and_not_over_their_month),
		CASE(counts_nobody_while_the_key_cannot_be_read),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
