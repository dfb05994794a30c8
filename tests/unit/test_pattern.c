/* tests/unit/test_pattern.c - patterns in linear time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/ngsild/query.h"

static void
expect(struct arena *a, const char *pattern, const char *text, bool match)
{
	struct pattern *p = NULL;
	const char *why = "";

	if (pattern_new(str_of(pattern), a, &p, &why) != HUB_OK)
		fail_msg("%s refused: %s", pattern, why);
	if (pattern_match(p, str_of(text)) != match)
		fail_msg("%s on %s: not %d", pattern, text, match);
}

static void
matches_as_posix_does(void **state HUB_UNUSED)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} cases[] = {
		{ "", "", true },
		{ "", "x", true },
		{ "abc", "xabcx", true },
		{ "abc", "xabx", false },
		{ "^abc", "abcd", true },
		{ "^abc", "xabc", false },
		{ "abc$", "xabc", true },
		{ "abc$", "abcx", false },
		{ "^$", "", true },
		{ "^$", "x", false },
		{ "^urn:ngsi-ld:(A|B):[0-9]+$", "urn:ngsi-ld:B:017", true },
		{ "^urn:ngsi-ld:(A|B):[0-9]+$", "urn:ngsi-ld:C:017", false },
		{ "^(a|ab)(c|bcd)(d*)$", "abcd", true },
		{ "^a.c$", "abc", true },
		{ "^a.c$", "ac", false },
		{ "^a?b+c*$", "bbb", true },
		{ "^a?b+c*$", "aac", false },
		{ "^a{2,3}$", "a", false },
		{ "^a{2,3}$", "aa", true },
		{ "^a{2,3}$", "aaa", true },
		{ "^a{2,3}$", "aaaa", false },
		{ "^a{2}$", "aaa", false },
		{ "^a{2,}$", "aaaaaaa", true },
		{ "^a{2,}$", "a", false },
		{ "^a{0}$", "", true },
		{ "^a{0}$", "a", false },
		{ "^(|a)b$", "b", true },
		{ "^()*$", "", true },
		{ "^(a*)*$", "aaaa", true },
		{ "^(a*)*$", "aab", false },
		{ "^(a|b|c|d)$", "d", true },
		{ "^(a|b|c|d)$", "e", false },
		{ "^[]a]$", "]", true },
		{ "^[^]a]$", "]", false },
		{ "^[a-]$", "-", true },
		{ "^[a-c]$", "b", true },
		{ "^[^a-c]$", "b", false },
		{ "^[[:digit:]x]+$", "12x", true },
		{ "^[[:upper:]]$", "a", false },
		{ "^[\\]\\-]$", "-", true },
		{ "^[\\]]$", "\\", false },
		{ "^a\\.b$", "a.b", true },
		{ "^a\\.b$", "axb", false },
		{ "a$b", "a$b", false },
		{ "^.$", "\xc3\xb6", true },
		{ "^..$", "\xc3\xb6", false },
		{ "^Fr\xc3\xb6ndenberg$", "Fr\xc3\xb6ndenberg", true },
		{ "^[\xc3\xa4\xc3\xb6]$", "\xc3\xb6", true },
		{ "^[\xc3\xa4\xc3\xb6]$", "\xc3\xbc", false },
		{ "^[\xc3\xa4-\xc3\xbc]$", "\xc3\xb6", true },
		{ "^[^x]$", "\xe2\x82\xac", true },
		{ "^\xf0\x9f\x8c\x8a?$", "\xf0\x9f\x8c\x8a", true },
		{ "^.*[[:space:]]ende$", "am ende", true },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect(a, cases[i].pattern, cases[i].text, cases[i].match);
	}
	arena_free(a);
}

static void
refuses_what_is_no_pattern_of_ours(void **state HUB_UNUSED)
{
	static const struct {
		const char *pattern;
		enum hub_err err;
	} cases[] = {
		{ "(a", HUB_ESYNTAX },
		{ "a)", HUB_ESYNTAX },
		{ "[a", HUB_ESYNTAX },
		{ "[]", HUB_ESYNTAX },
		{ "[z-a]", HUB_ESYNTAX },
		{ "[a-[:digit:]]", HUB_ESYNTAX },
		{ "[[:nope:]]", HUB_ESYNTAX },
		{ "[[.a.]]", HUB_ESYNTAX },
		{ "*a", HUB_ESYNTAX },
		{ "(?:a)", HUB_ESYNTAX },
		{ "(?i)a", HUB_ESYNTAX },
		{ "a**", HUB_ESYNTAX },
		{ "a+?", HUB_ESYNTAX },
		{ "^*", HUB_ESYNTAX },
		{ "a{", HUB_ESYNTAX },
		{ "a{101}", HUB_ESYNTAX },
		{ "a{3,2}", HUB_ESYNTAX },
		{ "a{1", HUB_ESYNTAX },
		{ "(a)\\1", HUB_ESYNTAX },
		{ "\\d+", HUB_ESYNTAX },
		{ "[\\w]", HUB_ESYNTAX },
		{ "a\\", HUB_ESYNTAX },
		{ "\xff", HUB_ESYNTAX },
		{ "((a{100}){100}){100}", HUB_EFULL },
		{ "((((){100}){100}){100}){100}", HUB_EFULL },
		{ "((((x{0}){100}){100}){100}){100}", HUB_EFULL },
		{ "(((((((((((((((((((((((((((((((((" /* 33 */
		  "a)))))))))))))))))))))))))))))))))",
		    HUB_EFULL },
	};
	struct arena *a = arena_new();
	struct pattern *p = NULL;
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why = NULL;
		if (pattern_new(str_of(cases[i].pattern), a, &p, &why) !=
			cases[i].err ||
		    p != NULL || why == NULL)
			fail_msg("%s", cases[i].pattern);
	}
	arena_free(a);
}

static void
refuses_a_pattern_over_512_bytes(void **state HUB_UNUSED)
{
	struct arena *a = arena_new();
	struct pattern *p = NULL;
	char text[513];
	const char *why;

	memset(text, 'a', sizeof(text));
	assert_int_equal(pattern_new((struct str){ text, 513 }, a, &p, &why),
	    HUB_EFULL);
	assert_int_equal(pattern_new((struct str){ text, 512 }, a, &p, &why),
	    HUB_OK);
	assert_false(pattern_match(p, (struct str){ text, 511 }));
	assert_true(pattern_match(p, (struct str){ text, 512 }));
	arena_free(a);
}

/* What takes 2^n steps by backtracking; here it would not end. */
static void
stays_linear_where_backtracking_explodes(void **state HUB_UNUSED)
{
	struct arena *a = arena_new();
	size_t n = 100000;
	char *text = malloc(n + 1);

	assert_non_null(text);
	memset(text, 'a', n);
	text[n - 1] = 'b';
	text[n] = '\0';
	expect(a, "^(a+)+$", text, false);
	expect(a, "^(a|aa|a?)*c", text, false);
	expect(a, "(.*a){20}c", text, false);
	free(text);
	arena_free(a);
}

static void
takes_malformed_text_byte_by_byte(void **state HUB_UNUSED)
{
	struct arena *a = arena_new();

	expect(a, "^..$", "\xff\xc3", true);
	expect(a, "\xc3\xb6", "\xc3", false);
	expect(a, "^.$", "\xe2\x82", false);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_as_posix_does),
		cmocka_unit_test(refuses_what_is_no_pattern_of_ours),
		cmocka_unit_test(refuses_a_pattern_over_512_bytes),
		cmocka_unit_test(stays_linear_where_backtracking_explodes),
		cmocka_unit_test(takes_malformed_text_byte_by_byte),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
