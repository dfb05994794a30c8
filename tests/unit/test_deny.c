/* tests/unit/test_deny.c - what is revoked: the file, the set; and the counts
 * of connections and of log lines. */
#include "tenants/deny.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/log.h"
#include "server/base/log_limit.h"
#include "server/net/crowd.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEX32	 "00112233445566778899aabbccddeeff"
#define HEX64	 HEX32 HEX32
#define NOW	 ((struct wall_us){ 1000000 })

static void
on_bad(unsigned line, void *arg)
{
	unsigned *sum = arg;

	*sum = *sum * 100 + line;
}

static struct deny_set *
set_of(const char *text, unsigned *bad)
{
	struct arena *a = arena_new();
	struct deny_entry *list = NULL;
	struct deny_set *s;
	unsigned n = 0;

	*bad = 0;
	assert_int_equal(deny_list_read(str_of(text), a, &list, &n, on_bad,
	    bad), HUB_OK);
	s = deny_set_new(list, n, NULL, 0);
	arena_free(a); /* the set has its own */
	return (s);
}

static void
reads_lines_and_tells_which_are_none(void **state)
{
	static const struct {
		const char *text;
		unsigned bad; /* numbers of lines, two digits each */
		unsigned counts[DENY_KINDS];
	} cases[] = {
		{ "", 0, { 0 } },
		{ "\n# all quiet\n  \t\r\n", 0, { 0 } },
		{ "jti a\nclient b # c\n\tsubject  c\r\n", 0, { 1, 1, 1 } },
		{ "tenant x\nagreement y", 0, { 0, 0, 0, 0, 1, 1 } },
		{ "certificate " HEX64 "\n", 0, { 0, 0, 0, 1 } },
		{ "client x issuer=https://a.example/r", 0, { 0, 1 } },
		{ "client\ntenant a\nplanet x\n", 103, { 0, 0, 0, 0, 1 } },
		{ "tenant a issuer=https://a\nclient a issuer=\n"
		  "client a b\nclient a issuer=x y\n", 1020304, { 0 } },
		{ "certificate " HEX32 "\ncertificate " HEX64 "0\n", 102,
		    { 0 } },
		{ "Tenant a\n", 1, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned bad;
		struct deny_set *s = set_of(cases[i].text, &bad);

		if (bad != cases[i].bad)
			fail_msg("case %zu: bad %u", i, bad);
		for (unsigned k = 0; k < DENY_KINDS; k++)
			if (deny_count(s, (enum deny_kind)k) !=
			    cases[i].counts[k])
				fail_msg("case %zu: kind %u: %u", i, k,
				    deny_count(s, (enum deny_kind)k));
		deny_set_unref(&s);
	}
}

static void
finds_by_kind_value_and_issuer(void **state)
{
	static const struct {
		enum deny_kind kind;
		const char *value, *issuer;
		bool found;
	} cases[] = {
		{ DENY_CLIENT, "web", "https://a", true },
		{ DENY_CLIENT, "web", "https://b", false },
		{ DENY_CLIENT, "web", "", false },
		{ DENY_CLIENT, "any", "https://b", true },
		{ DENY_SUBJECT, "web", "https://a", false },
		{ DENY_CLIENT, "we", "https://a", false },
		{ DENY_CLIENT, "", "https://a", false },
		{ DENY_TENANT, "schwerte", "", true },
		{ DENY_AGREEMENT, "schwerte", "", false },
	};
	unsigned bad;
	struct deny_set *s = set_of("client web issuer=https://a\n"
	    "client any\ntenant schwerte\n", &bad);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (deny_find(s, cases[i].kind, str_of(cases[i].value),
			str_of(cases[i].issuer), NOW) != cases[i].found)
			fail_msg("case %zu", i);
	assert_false(deny_find(NULL, DENY_TENANT, STR("schwerte"), STR_NONE,
	    NOW));
	deny_set_unref(&s);
}

static void
compares_certificates_by_their_bytes(void **state)
{
	static const char *const texts[] = { HEX64,
		"00112233445566778899AABBCCDDEEFF" HEX32,
		"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
		"00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
		"ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8" };
	struct arena *a = arena_new();
	struct str first, value;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(deny_value_read(DENY_CERTIFICATE,
		    str_of(texts[i]), a, &value), HUB_OK);
		if (i == 0)
			first = value;
		assert_true(str_eq(first, value));
	}
	arena_free(a);
}

static void
forgets_what_has_ended(void **state)
{
	struct deny_entry e = { DENY_JTI, STR("t"), STR_NONE, { 2000000 } };
	struct deny_set *s = deny_set_new(NULL, 0, &e, 1);

	(void)state;
	assert_true(deny_find(s, DENY_JTI, STR("t"), STR_NONE,
	    (struct wall_us){ 1999999 }));
	assert_false(deny_find(s, DENY_JTI, STR("t"), STR_NONE,
	    (struct wall_us){ 2000000 }));
	deny_set_unref(&s);
}

static void
holds_as_many_as_there_can_be(void **state)
{
	static char names[DENY_ENTRIES_MAX][8];
	struct deny_entry *list = calloc(DENY_ENTRIES_MAX, sizeof(*list));
	struct deny_set *s;

	(void)state;
	for (unsigned i = 0; i < DENY_ENTRIES_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "n%u", i);
		list[i] = (struct deny_entry){ DENY_JTI, str_of(names[i]),
			STR_NONE, WALL_ABSENT };
	}
	s = deny_set_new(list, DENY_ENTRIES_MAX, list, DENY_ENTRIES_MAX);
	for (unsigned i = 0; i < DENY_ENTRIES_MAX; i++)
		assert_true(deny_find(s, DENY_JTI, str_of(names[i]), STR_NONE,
		    NOW));
	assert_false(deny_find(s, DENY_JTI, STR("n20000"), STR_NONE, NOW));
	deny_set_unref(&s);
	free(list);
}

static void
counts_connections_by_name(void **state)
{
	struct crowd *c = crowd_new();
	struct crowd_seat *a[3], *b;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_non_null(a[i] = crowd_enter(c, STR("anna"), 3));
	assert_null(crowd_enter(c, STR("anna"), 3));
	assert_non_null(b = crowd_enter(c, STR("bert"), 1));
	assert_null(crowd_enter(c, STR("bert"), 1));
	assert_null(crowd_enter(c, STR("carl"), 0));
	assert_true(crowd_is(b, STR("bert")));
	assert_false(crowd_is(b, STR("anna")));
	assert_false(crowd_is(NULL, STR("anna")));
	crowd_leave(c, &a[0]);
	assert_null(a[0]);
	assert_non_null(a[0] = crowd_enter(c, STR("anna"), 3));
	for (int i = 0; i < 3; i++)
		crowd_leave(c, &a[i]);
	crowd_leave(c, &b);
	crowd_leave(c, &b);
	crowd_free(c);
}

static void
lets_the_first_lines_of_a_cause_through(void **state)
{
	static char causes[LOG_LIMIT_CAUSES + 10][8];
	struct log_limit l = { .phrase = "more" };
	struct mono_us t = { 100000000 };
	char path[64], text[1024];
	unsigned n = 0, m = 0;
	FILE *f;

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/test_deny.%ld",
	    (long)getpid());
	for (unsigned i = 0; i < 100; i++) {
		n += log_limit_take(&l, "expired", t);
		m += i < 5 && log_limit_take(&l, "forged", t);
	}
	assert_int_equal(n, LOG_LIMIT_EACH);
	assert_int_equal(m, 5);
	t.us += 60000000;
	assert_int_equal(log_open(path), HUB_OK);
	assert_true(log_limit_take(&l, "expired", t));
	f = fopen(path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	(void)unlink(path);
	assert_non_null(strstr(text, "msg=\"more\" more=80 why=\"expired\""));
	assert_null(strstr(text, "forged")); /* all of it was told */
	/* However many causes there are, there is an end. */
	for (unsigned i = 0; i < COUNT(causes); i++)
		(void)snprintf(causes[i], sizeof(causes[i]), "c%u", i);
	n = 0;
	for (unsigned k = 0; k < 100; k++)
		for (unsigned i = 0; i < COUNT(causes); i++)
			n += log_limit_take(&l, causes[i], t);
	assert_in_range(n, LOG_LIMIT_EACH,
	    LOG_LIMIT_EACH * LOG_LIMIT_CAUSES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lines_and_tells_which_are_none),
		cmocka_unit_test(finds_by_kind_value_and_issuer),
		cmocka_unit_test(compares_certificates_by_their_bytes),
		cmocka_unit_test(forgets_what_has_ended),
		cmocka_unit_test(holds_as_many_as_there_can_be),
		cmocka_unit_test(counts_connections_by_name),
		cmocka_unit_test(lets_the_first_lines_of_a_cause_through),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
