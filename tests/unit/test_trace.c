/* traceparent and tracestate. The cases are those of the standard's own test
 * suite, as far as they are about a recipient's reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "server/net/trace.h"

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void
reads_what_the_standard_calls_a_parent(void **state)
{
	static const struct {
		const char *text;
		bool ok, sampled;
	} cases[] = {
		{ "00-" ID "-" SPAN "-01", true, true },
		{ "00-" ID "-" SPAN "-00", true, false },
		{ "00-" ID "-" SPAN "-02", true, false },
		{ "00-" ID "-" SPAN "-ff", true, true },
		/* later versions: what comes behind is theirs */
		{ "01-" ID "-" SPAN "-01", true, true },
		{ "cc-" ID "-" SPAN "-01", true, true },
		{ "cc-" ID "-" SPAN "-01-", true, true },
		{ "cc-" ID "-" SPAN "-01-what-the-future-brings", true, true },
		{ "cc-" ID "-" SPAN "-01.what", false, false },
		{ "cc-" ID "-" SPAN "-0g", false, false },
		{ "ff-" ID "-" SPAN "-01", false, false },
		/* version 00 is that long and no longer */
		{ "00-" ID "-" SPAN "-01-", false, false },
		{ "00-" ID "-" SPAN "-01-what", false, false },
		{ "00-" ID "-" SPAN "-1", false, false },
		{ "00-" ID "-" SPAN "-", false, false },
		{ "00-" ID "-" SPAN, false, false },
		{ "00-" ID "-" SPAN "-011", false, false },
		/* digits are small */
		{ "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false,
		    false },
		{ "00-" ID "-00F067AA0BA902B7-01", false, false },
		{ "00-" ID "-" SPAN "-0A", false, false },
		{ "0A-" ID "-" SPAN "-01", false, false },
		/* zeros are no ids */
		{ "00-00000000000000000000000000000000-" SPAN "-01", false,
		    false },
		{ "00-" ID "-0000000000000000-01", false, false },
		/* wrong places */
		{ "00_" ID "-" SPAN "-01", false, false },
		{ "00-" ID "_" SPAN "-01", false, false },
		{ "00-" ID "-" SPAN "_01", false, false },
		{ "0-" ID "-" SPAN "-01", false, false },
		{ "000-" ID "-" SPAN "-01", false, false },
		{ "00-" ID "a-" SPAN "-01", false, false },
		{ "00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-01", false,
		    false },
		{ "00-" ID "-00f067aa0ba902b-01", false, false },
		{ "00-.bf92f3577b34da6a3ce929d0e0e4736-" SPAN "-01", false,
		    false },
		{ " 00-" ID "-" SPAN "-01", false, false },
		{ "", false, false },
		{ "-", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace t = { .id = "untouched" };

		print_message("%s\n", cases[i].text);
		assert_int_equal(trace_read_parent(str_of(cases[i].text), &t),
		    cases[i].ok);
		assert_string_equal(t.id, cases[i].ok ? ID : "untouched");
		assert_string_equal(t.parent, cases[i].ok ? SPAN : "");
		assert_int_equal(t.sampled, cases[i].sampled);
	}
}

static void
reads_what_the_standard_calls_a_state(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "a=1", true },
		{ "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true },
		{ "a=1 , b=2,\tc=3", true },
		{ "a=1,,b=2,", true },
		{ "a0_-*/z=!~", true },
		{ "tenant@system=1", true },
		{ "0tenant@system=1", true },
		{ "a= x y", true },
		{ "", false },
		{ " , ,", false },
		{ "a", false },
		{ "a=", false },
		{ "a= ", false },
		{ "=1", false },
		{ "A=1", false },
		{ "0a=1", false },
		{ "a b=1", false },
		{ "a=b=c", false },
		{ "a=1,a=2", false },
		{ "a=1;b=2", false },
		{ "a@=1", false },
		{ "@a=1", false },
		{ "a@0=1", false },
		{ "a@b@c=1", false },
		{ "a@system78901234=1", true },
		{ "a@system789012345=1", false },
		{ "a=\x7f", false },
		{ "a=\xc3\xa4", false },
		{ "a=1\tb", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].text);
		/* "a=1;b=2" has a second "=": no value may hold one */
		assert_int_equal(trace_state_ok(str_of(cases[i].text)),
		    cases[i].ok);
	}
}

static void
bounds_the_parts_of_a_state(void **state)
{
	char text[1024];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 32; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "k%d=1,", i);
	assert_true(trace_state_ok((struct str){ text, n - 1 }));
	assert_true(trace_state_ok((struct str){ text, n }));
	n += (size_t)snprintf(text + n, sizeof(text) - n, "k32=1");
	assert_false(trace_state_ok((struct str){ text, n }));

	memset(text, 'a', sizeof(text)); /* a key of 256, a value of 256 */
	text[256] = '=';
	assert_true(trace_state_ok((struct str){ text, 256 + 1 + 256 }));
	assert_false(trace_state_ok((struct str){ text, 256 + 1 + 257 }));
	text[257] = '=';
	text[256] = 'a';
	assert_false(trace_state_ok((struct str){ text, 257 + 1 + 1 }));
	memset(text, 'a', sizeof(text));
	text[241] = '@';
	text[243] = '=';
	assert_true(trace_state_ok((struct str){ text, 245 }));
	memset(text, 'a', sizeof(text));
	text[242] = '@';
	text[244] = '=';
	assert_false(trace_state_ok((struct str){ text, 246 }));
}

/* ---- of a request */

static struct http_head head;

static void
set_head(const char *fields)
{
	static char text[4096];
	size_t scanned = 0;
	int status = 0, n;

	n = snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	assert_true(n > 0 && (size_t)n < sizeof(text));
	assert_int_equal(http_parse_request((struct str){ text, (size_t)n },
	    &scanned, sizeof(text), &head, &status), HTTP_DONE);
}

#define PARENT "traceparent: 00-" ID "-" SPAN "-01\r\n"

static void
goes_on_with_a_good_trace_alone(void **state)
{
	static const struct {
		const char *fields;
		bool ours; /* a new one */
		const char *trace_state;
	} cases[] = {
		{ "", true, "" },
		{ PARENT, false, "" },
		{ "TraceParent: 00-" ID "-" SPAN "-01\r\n", false, "" },
		{ PARENT "tracestate: a=1\r\n", false, "a=1" },
		{ "tracestate: a=1\r\n" PARENT "tracestate: b=2\r\n", false,
		    "a=1,b=2" },
		{ PARENT "tracestate: a=1\r\ntracestate: a=2\r\n", false, "" },
		{ PARENT "tracestate: A=1\r\n", false, "" },
		{ PARENT "tracestate:\r\n", false, "" },
		{ PARENT PARENT, true, "" },
		{ PARENT PARENT "tracestate: a=1\r\n", true, "" },
		{ "tracestate: a=1\r\n", true, "" },
		{ "traceparent: nonsense\r\ntracestate: a=1\r\n", true, "" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trace t;

		print_message("%s\n", cases[i].fields);
		set_head(cases[i].fields);
		trace_begin(&t, &head, a);
		assert_int_equal(strcmp(t.id, ID) != 0, cases[i].ours);
		assert_string_equal(t.parent, cases[i].ours ? "" : SPAN);
		assert_int_equal(t.sampled, !cases[i].ours);
		assert_int_equal(strlen(t.id), TRACE_ID_LEN);
		assert_int_equal(strlen(t.span), TRACE_SPAN_LEN);
		assert_string_not_equal(t.span, SPAN);
		assert_true(str_eq(t.state, str_of(cases[i].trace_state)));
	}
	arena_free(a);
}

static void
drops_a_state_that_is_too_long(void **state)
{
	struct arena *a = arena_new();
	char fields[2048];
	struct trace t;

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		(void)snprintf(fields, sizeof(fields),
		    PARENT "tracestate: a=%0250d,b=%0250d,c=%0*d\r\n", 1, 2,
		    4 + extra, 3);
		set_head(fields);
		trace_begin(&t, &head, a);
		assert_int_equal(t.state.len, extra ? 0 : TRACE_STATE_MAX);
	}
	arena_free(a);
}

static void
says_its_own_part_to_who_is_asked(void **state)
{
	struct trace t, next = { .id = "" }, other;
	struct arena *a = arena_new();
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	set_head(PARENT);
	trace_begin(&t, &head, a);
	trace_begin(&other, &head, a);
	assert_string_not_equal(t.span, other.span);
	trace_write_parent(&t, &b);
	assert_int_equal(b.len, TRACE_PARENT_LEN);
	assert_true(trace_read_parent(buf_str(&b), &next));
	assert_string_equal(next.id, ID);
	assert_string_equal(next.parent, t.span);
	assert_true(next.sampled);

	/* Of two new ones neither is the other's, and nobody records them. */
	set_head("");
	trace_begin(&t, &head, a);
	trace_begin(&other, &head, a);
	assert_string_not_equal(t.id, other.id);
	buf_reset(&b);
	trace_write_parent(&t, &b);
	assert_true(trace_read_parent(buf_str(&b), &next));
	assert_false(next.sampled);
	buf_clear(&b);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_standard_calls_a_parent),
		cmocka_unit_test(reads_what_the_standard_calls_a_state),
		cmocka_unit_test(bounds_the_parts_of_a_state),
		cmocka_unit_test(goes_on_with_a_good_trace_alone),
		cmocka_unit_test(drops_a_state_that_is_too_long),
		cmocka_unit_test(says_its_own_part_to_who_is_asked),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
