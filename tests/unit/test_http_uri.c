/* tests/unit/test_http_uri.c - request targets, split and decoded once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/net/http_parse.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct buf scratch;
static struct http_uri uri;
static struct str dup_name;

static int
set_up(void **unused)
{
	(void)unused;
	buf_init(&scratch, 65536);
	return (0);
}

static int
tear_down(void **unused)
{
	(void)unused;
	buf_clear(&scratch);
	return (0);
}

static enum hub_err
parse(struct str target)
{
	buf_reset(&scratch);
	return (http_uri_parse(target, &scratch, &uri, &dup_name));
}

static void
assert_str(struct str s, const char *want)
{
	if (!str_eq(s, str_of(want)))
		fail_msg("\"%.*s\", not \"%s\"", STR_FMT(s), want);
}

static void
assert_param(const char *name, const char *want)
{
	const struct str *value = http_uri_param(&uri, str_of(name));

	assert_non_null(value);
	assert_str(*value, want);
}

static void
splits_path_and_query(void **unused)
{
	(void)unused;
	assert_int_equal(parse(STR("/ngsi-ld/v1/entities/urn:ngsi-ld:A:1"
				   "?attrs=a,b&q=x%3E1;y==2&flag")), HUB_OK);
	assert_str(uri.path, "/ngsi-ld/v1/entities/urn:ngsi-ld:A:1");
	assert_str(uri.query, "attrs=a,b&q=x%3E1;y==2&flag");
	assert_int_equal(uri.nsegments, 4);
	assert_str(uri.segments[0], "ngsi-ld");
	assert_str(uri.segments[3], "urn:ngsi-ld:A:1");
	assert_int_equal(uri.nparams, 3);
	assert_param("attrs", "a,b");
	assert_param("q", "x>1;y==2");
	assert_param("flag", "");
	assert_null(http_uri_param(&uri, STR("Flag")));
	assert_null(http_uri_param(&uri, STR("")));
}

static void
counts_segments(void **unused)
{
	static const struct {
		const char *target;
		unsigned n;
	} cases[] = {
		{ "/", 0 },
		{ "/?a=b", 0 },
		{ "/a", 1 },
		{ "/a/", 1 },
		{ "/a/?", 1 },
		{ "/a/b", 2 },
		{ "/...", 1 },
		{ "/.a/a..", 2 },
		{ "/1/2/3/4/5/6/7/8", 8 },
		{ "/1/2/3/4/5/6/7/8/", 8 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (parse(str_of(cases[i].target)) != HUB_OK)
			fail_msg("%s", cases[i].target);
		assert_int_equal(uri.nsegments, cases[i].n);
	}
}

static void
decodes_once(void **unused)
{
	(void)unused;
	assert_int_equal(parse(STR("/a+b/c%2520d/http:%2F%2fx%3By"
				   "?a+b=c+d%2Be&p=%2561&u=%C3%A4&s=%26%3d&"
				   "x=a=b?/[1]")), HUB_OK);
	assert_str(uri.segments[0], "a+b");
	assert_str(uri.segments[1], "c%20d");
	assert_str(uri.segments[2], "http://x;y");
	assert_param("a b", "c d+e");
	assert_param("p", "%61");
	assert_param("u", "\xc3\xa4");
	assert_param("s", "&=");
	assert_param("x", "a=b?/[1]");
}

static void
ignores_empty_parts_of_a_query(void **unused)
{
	(void)unused;
	assert_int_equal(parse(STR("/a?&x=1&&y=2&")), HUB_OK);
	assert_int_equal(uri.nparams, 2);
	assert_int_equal(parse(STR("/a?")), HUB_OK);
	assert_int_equal(uri.nparams, 0);
	assert_int_equal(parse(STR("/a?&&")), HUB_OK);
	assert_int_equal(uri.nparams, 0);
}

static void
refuses_what_could_be_read_two_ways(void **unused)
{
	static const struct str cases[] = {
		STR(""),
		STR("*"),
		STR("a/b"),
		STR("?a=b"),
		STR("http://h/a"),
		STR("//"),
		STR("//a"),
		STR("/a//b"),
		STR("/a//"),
		STR("/./a"),
		STR("/a/."),
		STR("/a/.."),
		STR("/a/../"),
		STR("/../a"),
		STR("/a/%2e%2E/b"),
		STR("/a/.%2e"),
		STR("/%2e"),
		STR("/ngsi-ld/v1/entities/..;x=1/admin"),
		STR("/a;b"),
		STR("/a%3Bb/c"),
		STR("/a\\b"),
		STR("/a%5Cb/c"),
		STR("/a#b"),
		STR("/a?b#c"),
		STR("/a%2Fb/c"),
		STR("/a%2fb/c/"),
		STR("/a b"),
		STR("/a\"b"),
		STR("/a[b"),
		STR("/a?b=\""),
		STR("/a?b=<c>"),
		STR("/a?b=c|d"),
		STR("/a?b=\\"),
		STR("/a?b=^"),
		STR("/\xc3\xa4"),
		STR("/a\0b"),
		STR("/a\x7f"),
		STR("/a%"),
		STR("/a%2"),
		STR("/a%2g"),
		STR("/a%g2"),
		STR("/a%/b"),
		STR("/a%00"),
		STR("/a?b=%00"),
		STR("/a?b%"),
		STR("/a?b=%2&c0=d"),
		STR("/a%C3"),
		STR("/a%C3/%A4"),
		STR("/a?b=%FF"),
		STR("/a?b=%ED%A0%80"),
		STR("/a?b=%C0%AF"),
		STR("/a?%C3=%A4"),
		STR("/a?=b"),
		STR("/a?="),
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (parse(cases[i]) != HUB_ESYNTAX)
			fail_msg("let pass: %.*s", STR_FMT(cases[i]));
}

static void
names_a_parameter_given_twice(void **unused)
{
	static const struct {
		const char *target, *name;
	} cases[] = {
		{ "/a?attrs=a&attrs=b", "attrs" },
		{ "/a?x=1&a=1&%61=2", "a" },
		{ "/a?a+b&x&a%20b", "a b" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		dup_name = STR_NONE;
		assert_int_equal(parse(str_of(cases[i].target)), HUB_EEXIST);
		assert_str(dup_name, cases[i].name);
	}
	/* Names differ by case and by brackets; whoever knows them decides. */
	assert_int_equal(parse(STR("/a?attrs=a&Attrs=b&attrs[]=c")), HUB_OK);
}

static void
limits_segments_and_parameters(void **unused)
{
	struct buf b;

	(void)unused;
	assert_int_equal(parse(STR("/1/2/3/4/5/6/7/8/9")), HUB_EFULL);
	buf_init(&b, 4096);
	BUF_LIT(&b, "/a?");
	for (unsigned i = 0; i < HTTP_PARAMS_MAX; i++)
		buf_addf(&b, "p%u=%u&", i, i);
	assert_int_equal(parse(buf_str(&b)), HUB_OK);
	assert_int_equal(uri.nparams, HTTP_PARAMS_MAX);
	assert_param("p31", "31");
	BUF_LIT(&b, "p=");
	assert_int_equal(parse(buf_str(&b)), HUB_EFULL);
	buf_clear(&b);
}

static void
stays_within_the_scratch_buffer(void **unused)
{
	struct buf small;

	(void)unused;
	uri.nparams = 77;
	buf_init(&small, 3);
	assert_int_equal(http_uri_parse(STR("/abcd"), &small, &uri, &dup_name),
	    HUB_EFULL);
	assert_int_equal(uri.nparams, 77); /* untouched on failure */
	buf_clear(&small);
	buf_init(&small, 6);
	BUF_LIT(&small, "x");
	assert_int_equal(http_uri_parse(STR("/abcd"), &small, &uri, &dup_name),
	    HUB_OK);
	assert_str(buf_str(&small), "xabcd");
	assert_ptr_equal(uri.segments[0].p, small.p + 1);
	buf_clear(&small);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_path_and_query),
		cmocka_unit_test(counts_segments),
		cmocka_unit_test(decodes_once),
		cmocka_unit_test(ignores_empty_parts_of_a_query),
		cmocka_unit_test(refuses_what_could_be_read_two_ways),
		cmocka_unit_test(names_a_parameter_given_twice),
		cmocka_unit_test(limits_segments_and_parameters),
		cmocka_unit_test(stays_within_the_scratch_buffer),
	};

	return (cmocka_run_group_tests(tests, set_up, tear_down));
}
