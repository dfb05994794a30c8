/* tests/unit/test_region_test.c - test blocks of region files: what holds, and
 * what is said of what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/region.h"
#include "server/region_test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The keys of the test block are put in; it begins in line 19. */
static const char base_text[] =
    "tenant pp { name = P  kind = city }\n"
    "tenant cc { name = C  kind = municipality }\n"
    "context \"https://x/c.jsonld\" { file = \"c.jsonld\" }\n"
    "source ss { owner = pp  endpoint = \"https://a\"\n"
    "  context = \"https://x/c.jsonld\" }\n"
    "dataset dd { source = ss  ids = {\"urn:a:*\"}  type T { } type U { } }\n"
    "dataset ee { source = ss  ids = {\"urn:a:*\"}  type T { } }\n"
    "purpose qq { title = Q }  purpose rr { title = R }\n"
    "agreement aa { version = 1  provider = pp  consumer = cc\n"
    "  dataset = dd  purpose = qq  actions = {query}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"pp:m\", \"cc:n\"}\n"
    "  share T { allow = {y, location} round x { to = 0.5 }\n"
    "    pseudonym who { } grid location { to = 1km } } }\n"
    "agreement bb { version = 1  provider = pp  consumer = cc\n"
    "  dataset = ee  purpose = %s  actions = {query}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"pp:m\", \"cc:n\"}  share T { allow = {w} } }\n"
    "test \"Zwölf\" { as = %s  at = \"2026-07-01T12:00:00Z\"  %s }\n";
static const char context[] =
    "{\"@context\":{\"T\":\"https://x/T\",\"x\":\"https://x/x\"}}";

struct heard {
	unsigned n, line;
	char text[20][400];
};

static void
on_say(struct str file, unsigned line, struct str text, void *arg)
{
	struct heard *h = arg;

	assert_true(str_eq(file, STR("a.hub")));
	assert_true(str_utf8(text));
	for (size_t i = 0; i < text.len; i++)
		assert_true((unsigned char)text.p[i] >= 0x20);
	h->line = line;
	assert_true(h->n < COUNT(h->text));
	(void)snprintf(h->text[h->n++], sizeof(h->text[0]), "%.*s",
	    STR_FMT(text));
}

static unsigned
run(const char *second_purpose, const char *as, const char *keys, bool german,
    struct heard *h)
{
	struct arena *a = arena_new();
	struct region_file files[] = { { STR("a.hub"),
		str_of(arena_printf(a, base_text, second_purpose, as, keys)) },
		{ STR("c.jsonld"), str_of(context) } };
	struct region_message *m;
	struct region *region;
	unsigned n, failed;

	*h = (struct heard){ 0 };
	if (region_parse(files, COUNT(files), &region, a, &m, &n) != HUB_OK)
		fail_msg("%s: line %u: %.*s", keys, m[0].line,
		    STR_FMT(m[0].text));
	failed = region_tests_run(region, german, on_say, h);
	assert_int_equal(failed, h->n > 0);
	region_free(region);
	arena_free(a);
	return (failed);
}

#define ENTITY(...)                                                            \
	"entity = '{\"id\":\"urn:a:1\",\"type\":\"T\"," __VA_ARGS__ "}' "
#define X     "\"x\":{\"type\":\"Property\",\"value\":1.26}"
#define XR    "\"x\":{\"type\":\"Property\",\"value\":1.5}"
#define Y     "\"y\":{\"type\":\"Property\",\"value\":7}"
#define W     "\"w\":{\"type\":\"Property\",\"value\":8}"
#define E(...) "{\"id\":\"urn:a:1\",\"type\":\"T\"," __VA_ARGS__ "}"

struct test_case {
	const char *as, *keys;
	const char *want; /* messages, each behind "|" */
};

static void
check(const struct test_case *cases, size_t n, bool german)
{
	for (size_t i = 0; i < n; i++) {
		char got[4000] = "";
		struct heard h;

		run("qq", cases[i].as, cases[i].keys, german, &h);
		for (unsigned k = 0; k < h.n; k++) {
			assert_int_equal(h.line, 19);
			assert_memory_equal(h.text[k], "test \"Zwölf\": ", 15);
			strcat(got, "|");
			strcat(got, h.text[k] + 15);
		}
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%zu: %s\n%s\n%s", i, cases[i].keys, got,
			    cases[i].want);
	}
}

static void
holds_when_the_answer_is_as_expected(void **state)
{
	static const struct test_case cases[] = {
		{ "cc", ENTITY(X "," Y) "expect = '" E(XR "," Y) "'", "" },
		{ "cc", ENTITY(X "," Y) "expect = '[" E(Y "," XR) "]'", "" },
		/* other spellings of the same */
		{ "cc", ENTITY(X) "expect = '{\"type\":[\"T\"],"
			"\"https://x/x\":{\"value\":15e-1,\"type\":"
			"\"Property\"},\"id\":\"urn:a:1\"}'", "" },
		/* two datasets have it: what both show is joined */
		{ "cc", ENTITY(X "," W) "expect = '" E(XR "," W) "'", "" },
		/* the owner sees all; nobody sees nothing */
		{ "pp", ENTITY(X "," Y) "expect = '" E(X "," Y) "'", "" },
		{ "cc", ENTITY("\"z\":{\"type\":\"Property\",\"value\":1}")
			"expect = \"[]\"", "" },
		{ "cc", ENTITY(X "," Y) "absent = {z, w}", "" },
		/* the request is a real one: on what is seen */
		{ "cc", ENTITY(X) "request = \"type=T&q=x==1.5\" expect = '"
			E(XR) "'", "" },
		{ "cc", ENTITY(X) "request = \"type=T&q=x<1.3\" "
			"expect = \"[]\"", "" },
		{ "cc", ENTITY(X) "request = \"type=T&q=x%3C1.3\" "
			"expect = \"[]\"", "" },
		{ "cc", ENTITY(X "," Y) "request = \"type=T&attrs=y\" "
			"expect = '" E(Y) "' absent = {x}", "" },
		{ "cc", ENTITY(X) "request = \"type=U\" expect = \"[]\"", "" },
		{ "cc", ENTITY(X) "request = \"type=T&id=urn:a:2\" "
			"expect = \"[]\"", "" },
		{ "cc", ENTITY(X) "request = \"type=T&local=true\" "
			"expect = \"[]\"", "" },
		{ "cc", ENTITY(X) "request = \"type=T&options=keyValues\" "
			"expect = '" E("\"x\":1.5") "'", "" },
		{ "cc", ENTITY(X) "request = \"type=T&pick=x\" "
			"expect = '{" XR "}'", "" },
		{ "cc", ENTITY(X) "request = \"type=T&limit=1&offset=1\" "
			"expect = \"[]\"", "" },
		{ "cc", "entity = '[" E(X) ",{\"id\":\"urn:a:2\","
			"\"type\":\"T\"," Y "}]' request = \"type=T&q=y\" "
			"expect = '{\"id\":\"urn:a:2\",\"type\":\"T\"," Y "}'",
		    "" },
		/* with the key of tests: python3, hmac */
		{ "cc", ENTITY("\"who\":{\"type\":\"Property\",\"value\":"
			       "\"a\"}") "expect = '" E("\"who\":{\"type\":"
			"\"Property\",\"value\":"
			"\"f411d23707358012a539e2b52f056de9\"}") "'", "" },
	};

	(void)state;
	check(cases, COUNT(cases), false);
}

static void
says_what_came_and_what_was_expected(void **state)
{
	static const struct test_case cases[] = {
		{ "cc", ENTITY(X) "expect = '" E(X) "'",
		    "|urn:a:1: x is {\"type\":\"Property\",\"value\":1.5}, "
		    "expected was {\"type\":\"Property\",\"value\":1.26}" },
		{ "cc", ENTITY(X) "expect = '" E(XR "," Y) "'",
		    "|urn:a:1: y is not in the answer, expected was "
		    "{\"type\":\"Property\",\"value\":7}" },
		{ "cc", ENTITY(X "," Y) "expect = '" E(XR) "'",
		    "|urn:a:1: y is in the answer and was not expected: "
		    "{\"type\":\"Property\",\"value\":7}" },
		{ "cc", ENTITY(X) "expect = \"[]\"",
		    "|urn:a:1 is in the answer and was not expected" },
		{ "cc", ENTITY("\"z\":{\"value\":1}") "expect = '" E(X) "'",
		    "|urn:a:1 is not in the answer" },
		{ "cc", ENTITY(X "," Y) "absent = {\"https://x/x\"}",
		    "|urn:a:1: x is in the answer and must be absent: "
		    "{\"type\":\"Property\",\"value\":1.5}" },
		{ "cc", ENTITY(X) "expect = '" E(X) "' absent = {x}",
		    "|urn:a:1: x is {\"type\":\"Property\",\"value\":1.5}, "
		    "expected was {\"type\":\"Property\",\"value\":1.26}"
		    "|urn:a:1: x is in the answer and must be absent: "
		    "{\"type\":\"Property\",\"value\":1.5}" },
		/* a difference of kind, of number, of form */
		{ "cc", ENTITY(X) "expect = '{\"id\":\"urn:a:1\",\"type\":"
			"[\"T\",\"U\"]," XR "}'",
		    "|urn:a:1: type is \"T\", expected was [\"T\",\"U\"]" },
		{ "cc", ENTITY(Y) "expect = '" E("\"y\":{\"type\":\"Property\","
			"\"value\":\"7\"}") "'",
		    "|urn:a:1: y is {\"type\":\"Property\",\"value\":7}, "
		    "expected was {\"type\":\"Property\",\"value\":\"7\"}" },
		{ "cc", ENTITY(Y) "expect = '" E("\"y\":{\"type\":\n"
			"\"Property\"}") "'",
		    "|urn:a:1: y is {\"type\":\"Property\",\"value\":7}, "
		    "expected was {\"type\": \"Property\"}" },
		{ "cc", ENTITY(X) "request = \"type=T&csq=x\" "
			"expect = \"[]\"",
		    "|the hub refuses the request: unknown parameter: csq" },
		{ "cc", ENTITY(X) "request = \"type=T&type=U\" "
			"expect = \"[]\"",
		    "|the hub refuses the request: a parameter is there "
		    "twice" },
		{ "cc", ENTITY(X) "request = \"x=%zz\" expect = \"[]\"",
		    "|the hub refuses the request: no parameters of a URL" },
		{ "cc", "entity = '{\"id\":\"urn:a:1\"," X "}' "
			"expect = \"[]\"",
		    "|entity is no NGSI-LD entity in normalized form" },
	};

	(void)state;
	check(cases, COUNT(cases), false);
}

static void
speaks_german(void **state)
{
	static const struct test_case cases[] = {
		{ "cc", ENTITY(X) "expect = '" E(X) "'",
		    "|urn:a:1: x ist {\"type\":\"Property\",\"value\":1.5}, "
		    "erwartet war {\"type\":\"Property\",\"value\":1.26}" },
		{ "cc", ENTITY(X "," Y) "absent = {y}",
		    "|urn:a:1: y steht in der Antwort und muss fehlen: "
		    "{\"type\":\"Property\",\"value\":7}" },
	};

	(void)state;
	check(cases, COUNT(cases), true);
}

static void
needs_a_purpose_where_there_are_several(void **state)
{
	struct heard h;

	(void)state;
	assert_int_equal(run("rr", "cc", ENTITY(X) "expect = \"[]\"", false,
	    &h), 1);
	assert_non_null(strstr(h.text[0], "the test needs purpose"));
	assert_int_equal(run("rr", "cc", "purpose = qq " ENTITY(X "," W)
	    "expect = '" E(XR) "'", false, &h), 0);
	assert_int_equal(run("rr", "cc", "purpose = rr " ENTITY(X "," W)
	    "expect = '" E(W) "'", false, &h), 0);
}

static void
says_at_most_ten_things_of_a_test(void **state)
{
	char keys[2000] = ENTITY(X) "expect = '" "{\"id\":\"urn:a:1\"";
	struct heard h;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		(void)snprintf(keys + strlen(keys), 30, ",\"a%u\":1", i);
	strcat(keys, "}'");
	assert_int_equal(run("qq", "cc", keys, false, &h), 1);
	assert_int_equal(h.n, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_when_the_answer_is_as_expected),
		cmocka_unit_test(says_what_came_and_what_was_expected),
		cmocka_unit_test(speaks_german),
		cmocka_unit_test(needs_a_purpose_where_there_are_several),
		cmocka_unit_test(says_at_most_ten_things_of_a_test),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
