/* tests/unit/test_http_parse.c - heads and chunked bodies: what passes, what is
 * refused and with which status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/net/http_parse.h"

#define MAX ((size_t)16384)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define GET	 "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST	 "POST / HTTP/1.1\r\nHost: a\r\n"
#define OK	 "HTTP/1.1 200 OK\r\n"
#define CHUNKED	 "Transfer-Encoding: chunked\r\n"

static struct http_head head;

/* The status that refuses, 0 when done, 1 when more is wanted. */
static int
request_max(struct str s, size_t max)
{
	size_t scanned = 0;
	int status = -1;

	switch (http_parse_request(s, &scanned, max, &head, &status)) {
	case HTTP_DONE:
		return (0);
	case HTTP_MORE:
		return (1);
	default:
		return (status);
	}
}

static int
request(struct str s)
{
	return (request_max(s, MAX));
}

static enum http_parsed
answer(struct str s, bool to_head)
{
	size_t scanned = 0;

	return (http_parse_response(s, &scanned, MAX, to_head, &head));
}

static void
assert_str(struct str s, const char *want)
{
	if (!str_eq(s, str_of(want)))
		fail_msg("\"%.*s\", not \"%s\"", STR_FMT(s), want);
}

struct verdict {
	struct str bytes;
	int status;
};

static void
check_verdicts(const struct verdict *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int got = request(v[i].bytes);

		if (got != v[i].status)
			fail_msg("%d, not %d: %.*s", got, v[i].status,
			    STR_FMT(v[i].bytes));
	}
}

#define V(lit, status) { { lit, sizeof(lit) - 1 }, status }

static void
reads_a_usual_request(void **unused)
{
	static const char rq[] =
	    "GET /ngsi-ld/v1/entities?type=A&limit=5 HTTP/1.1\r\n"
	    "Host: hub.example:8443\r\n"
	    "ACCEPT:application/ld+json\r\n"
	    "X-Name: \t Dortmund H\xc3\xb6rde \t\r\n"
	    "X-Empty:\r\n"
	    "\r\nrest";

	(void)unused;
	assert_int_equal(request(str_of(rq)), 0);
	assert_int_equal(head.method, HTTP_GET);
	assert_str(head.method_text, "GET");
	assert_str(head.target, "/ngsi-ld/v1/entities?type=A&limit=5");
	assert_str(head.host, "hub.example:8443");
	assert_int_equal(head.minor, 1);
	assert_true(head.keep_alive);
	assert_false(head.expect_continue);
	assert_int_equal(head.framing, HTTP_BODY_NONE);
	assert_int_equal(head.size, sizeof(rq) - 1 - 4);
	assert_int_equal(head.nfields, 4);
	assert_str(http_field_find(&head, STR("accept"), NULL),
	    "application/ld+json");
	assert_str(http_field_find(&head, STR("x-name"), NULL),
	    "Dortmund H\xc3\xb6rde");
	assert_str(head.fields[3].value, "");
}

static void
knows_the_methods_by_exact_case(void **unused)
{
	static const struct {
		struct str bytes;
		enum http_method method;
	} cases[] = {
		{ { "GET /", 5 }, HTTP_GET },
		{ { "HEAD /", 6 }, HTTP_HEAD },
		{ { "POST /", 6 }, HTTP_POST },
		{ { "PUT /", 5 }, HTTP_PUT },
		{ { "PATCH /", 7 }, HTTP_PATCH },
		{ { "DELETE /", 8 }, HTTP_DELETE },
		{ { "OPTIONS *", 9 }, HTTP_OPTIONS },
		{ { "TRACE /", 7 }, HTTP_OTHER },
		{ { "get /", 5 }, HTTP_OTHER },
	};
	char rq[128];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(rq, sizeof(rq),
		    "%.*s HTTP/1.1\r\nHost: a\r\n\r\n",
		    STR_FMT(cases[i].bytes));
		assert_int_equal(request(str_of(rq)), 0);
		assert_int_equal(head.method, cases[i].method);
	}
}

static void
refuses_a_bad_request_line(void **unused)
{
	static const struct verdict cases[] = {
		V("\r\n\r\n" GET "\r\n", 0),
		V("\r\n\r\n\r\n" GET "\r\n", 400),
		V("\n" GET "\r\n", 400),
		V("\rG", 400),
		V(" GET / HTTP/1.1\r\n", 400),
		V("G@T / HTTP/1.1\r\n", 400),
		V("GET", 1),
		V("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", 1),
		V("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", 400),
		V("GET  / HTTP/1.1\r\n", 400),
		V("GET /\r\n", 400),
		V("GET /a\tb HTTP/1.1\r\n", 400),
		V("GET /\xc3\xa4 HTTP/1.1\r\n", 400),
		V("GET /\x7f", 400),
		V("GET /\0", 400),
		V("GET / HTTP/1.1 \r\n", 400),
		V("GET / HTTP/1.1\n", 400),
		V("GET / HTTP/1.1\r\r", 400),
		V("GET / http/1.1\r\n", 400),
		V("GET / HTTP/11", 1),
		V("GET / HTTP/11.", 400),
		V("GET / HTTP/1.1x", 400),
		V("GET / HTTP/0.9\r\n", 505),
		V("GET / HTTP/1.2\r\n", 505),
		V("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
		V("\x16\x03\x01\x02", 400),
	};

	(void)unused;
	check_verdicts(cases, COUNT(cases));
}

static void
refuses_bad_field_lines(void **unused)
{
	static const struct verdict cases[] = {
		V(GET "A : b\r\n\r\n", 400),
		V(GET " A: b\r\n\r\n", 400),
		V(GET "A: b\r\n c\r\n\r\n", 400),
		V(GET "A: b\r\n\tc\r\n\r\n", 400),
		V(GET ": b\r\n\r\n", 400),
		V(GET "A\r\n\r\n", 400),
		V(GET "A(: b\r\n\r\n", 400),
		V(GET "\xc3\xa4: b\r\n\r\n", 400),
		V(GET "A: b\n\r\n", 400),
		V(GET "A: b\rc\r\n\r\n", 400),
		V(GET "A: b\r\n\n", 400),
		V(GET "A: b\0c\r\n\r\n", 400),
		V(GET "A: b\x01\r\n\r\n", 400),
		V(GET "A: b\x7f\r\n\r\n", 400),
		V(GET "A: 1234567\x1f", 400),
		V(GET "A: 1234\x7f" "56789012\r\n", 400),
		V(GET "A: 1234\x80" "56789012\r\n", 400),
		V(GET "A: \xff\r\n\r\n", 400),
		V(GET "A: \xc3\r\n\r\n", 400),
		V(GET "A: \xc0\xaf\r\n\r\n", 400),
		V(GET "A: \xed\xa0\x80\r\n\r\n", 400),
		V(GET "A: \xf4\x90\x80\x80\r\n\r\n", 400),
		V(GET "A: \xf0\x9f\x9a\x8b\r\n\r\n", 0),
		V(GET "A: \xf0\x9f\x9a", 1),
		V(GET "A: b\tc\r\n\r\n", 0),
		V(GET "A: b\r\n\r", 1),
	};

	(void)unused;
	check_verdicts(cases, COUNT(cases));
}

static void
wants_exactly_one_host(void **unused)
{
	static const struct verdict cases[] = {
		V("GET / HTTP/1.1\r\n\r\n", 400),
		V("GET / HTTP/1.0\r\n\r\n", 0),
		V(GET "host: a\r\n\r\n", 400),
		V("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: a:65535\r\n\r\n", 0),
		V("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n", 0),
		V("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400),
		V("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400),
	};

	(void)unused;
	check_verdicts(cases, COUNT(cases));
}

static void
takes_the_authority_of_an_absolute_form(void **unused)
{
	static const struct verdict cases[] = {
		V("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
		V("GET http://b?x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
		V("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
		V("GET http://u@b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
		V("GET ftp://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
		V("GET http://b/x HTTP/1.1\r\n\r\n", 400),
		V("GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
		V("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
		V("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0),
		V("CONNECT b:443 HTTP/1.1\r\nHost: b\r\n\r\n", 400),
	};

	(void)unused;
	check_verdicts(cases, COUNT(cases));
	assert_int_equal(request(STR("GET HTTPS://b:8443/x?y HTTP/1.1\r\n"
				     "Host: a\r\n\r\n")), 0);
	assert_str(head.host, "b:8443");
	assert_str(head.target, "/x?y");
}

static void
frames_a_request_body_one_way_only(void **unused)
{
	static const struct verdict cases[] = {
		V(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
		V(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
		V(POST "Content-Length: 5, 5\r\n\r\n", 400),
		V(POST "Content-Length: +5\r\n\r\n", 400),
		V(POST "Content-Length: -5\r\n\r\n", 400),
		V(POST "Content-Length: 0x5\r\n\r\n", 400),
		V(POST "Content-Length: 5x\r\n\r\n", 400),
		V(POST "Content-Length: 5 5\r\n\r\n", 400),
		V(POST "Content-Length:\r\n\r\n", 400),
		V(POST "Content-Length: 99999999999999999999\r\n\r\n", 400),
		V(POST "Content-Length: 9223372036854775808\r\n\r\n", 400),
		V(POST "Content-Length: 9223372036854775807\r\n\r\n", 0),
		V(POST CHUNKED "Content-Length: 5\r\n\r\n", 400),
		V(POST "Content-Length: 0\r\n" CHUNKED "\r\n", 400),
		V(POST CHUNKED CHUNKED "\r\n", 400),
		V(POST "Transfer-Encoding: chunked,\r\n\r\n", 400),
		V(POST "Transfer-Encoding: , chunked\r\n\r\n", 400),
		V(POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400),
		V(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400),
		V(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400),
		V(POST "Transfer-Encoding: chunked;a=b\r\n\r\n", 400),
		V(POST "Transfer-Encoding: chun ked\r\n\r\n", 400),
		V(POST "Transfer-Encoding:\r\n\r\n", 400),
		V(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
		V(POST "Transfer-Encoding: xchunked\r\n\r\n", 501),
		V(POST "Transfer-Encoding: identity\r\n\r\n", 501),
		V("POST / HTTP/1.0\r\n" CHUNKED "\r\n", 400),
	};

	(void)unused;
	check_verdicts(cases, COUNT(cases));
	assert_int_equal(request(STR(POST "content-length: 12\r\n\r\n")), 0);
	assert_int_equal(head.framing, HTTP_BODY_LENGTH);
	assert_int_equal(head.content_length, 12);
	assert_int_equal(request(STR(POST "transfer-encoding:\tChunked\r\n"
					  "\r\n")), 0);
	assert_int_equal(head.framing, HTTP_BODY_CHUNKED);
}

static void
keeps_alive_by_version_and_connection(void **unused)
{
	static const struct {
		const char *rest;
		bool keep;
	} cases[] = {
		{ "1.1\r\n", true },
		{ "1.0\r\n", false },
		{ "1.0\r\nConnection: keep-alive\r\n", true },
		{ "1.0\r\nConnection: x, Keep-Alive\r\n", true },
		{ "1.0\r\nConnection: keep-alive, close\r\n", false },
		{ "1.1\r\nConnection: close\r\n", false },
		{ "1.1\r\nConnection: upgrade ,\tCLOSE\r\n", false },
		{ "1.1\r\nConnection: x\r\nConnection: close\r\n", false },
		{ "1.1\r\nConnection: closed\r\n", true },
		{ "1.1\r\nConnection:\r\n", true },
		{ "1.1\r\nX-Connection: close\r\n", true },
	};
	char rq[128];

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(rq, sizeof(rq), "GET / HTTP/%sHost: a\r\n\r\n",
		    cases[i].rest);
		assert_int_equal(request(str_of(rq)), 0);
		if (head.keep_alive != cases[i].keep)
			fail_msg("%s", rq);
	}
}

static void
expects_continue_on_1_1_only(void **unused)
{
	(void)unused;
	assert_int_equal(request(STR(POST "Expect: 100-Continue\r\n\r\n")), 0);
	assert_true(head.expect_continue);
	assert_int_equal(request(STR(POST "Expect: 200-ok\r\n\r\n")), 0);
	assert_false(head.expect_continue);
	assert_int_equal(request(STR("POST / HTTP/1.0\r\n"
				     "Expect: 100-continue\r\n\r\n")), 0);
	assert_false(head.expect_continue);
}

/* A request with a target of n bytes and f fields besides Host. */
static struct str
long_request(struct buf *b, size_t n, unsigned f)
{
	buf_reset(b);
	BUF_LIT(b, "GET /");
	for (size_t i = 1; i < n; i++)
		buf_addc(b, 'a');
	BUF_LIT(b, " HTTP/1.1\r\nHost: a\r\n");
	while (f-- > 0)
		BUF_LIT(b, "A: b\r\n");
	BUF_LIT(b, "\r\n");
	return (buf_str(b));
}

static void
limits_target_fields_and_head(void **unused)
{
	struct buf b;
	struct str s;

	(void)unused;
	buf_init(&b, 65536);
	assert_int_equal(request(long_request(&b, HTTP_TARGET_MAX, 0)), 0);
	assert_int_equal(request(long_request(&b, HTTP_TARGET_MAX + 1, 0)),
	    414);
	s = long_request(&b, 6000, 0);
	s.len = 5000;
	assert_int_equal(request_max(s, 5000), 414);
	assert_int_equal(request(long_request(&b, 1, HTTP_FIELDS_MAX - 1)), 0);
	assert_int_equal(head.nfields, HTTP_FIELDS_MAX);
	assert_int_equal(request(long_request(&b, 1, HTTP_FIELDS_MAX)), 431);
	s = long_request(&b, 1, 3);
	assert_int_equal(request_max(s, s.len), 0);
	assert_int_equal(request_max(s, s.len - 1), 431);
	s.len -= 2;
	assert_int_equal(request_max(s, s.len), 431);
	assert_int_equal(request_max(s, s.len + 1), 1);
	buf_clear(&b);
}

static void
leaves_results_alone_until_done(void **unused)
{
	struct http_head mine;
	unsigned char *raw = (unsigned char *)&mine;
	size_t scanned = 0;
	int status = 7;

	(void)unused;
	memset(raw, 0x5a, sizeof(mine));
	assert_int_equal(http_parse_request(STR(GET), &scanned, MAX, &mine,
			     &status),
	    HTTP_MORE);
	assert_int_equal(status, 7);
	assert_int_equal(http_parse_request(STR(GET "\n"), &scanned, MAX,
			     &mine, &status),
	    HTTP_BAD);
	assert_int_equal(status, 400);
	for (size_t i = 0; i < sizeof(mine); i++)
		assert_int_equal(raw[i], 0x5a);
}

/* Every prefix in turn: the verdict must be that of the prefix seen alone. */
static void
drip(struct str s, bool is_answer)
{
	size_t scanned = 0, alone;
	enum http_parsed r = HTTP_MORE, want;
	struct http_head a, b;
	int sa = 0, sb = 0;

	for (size_t n = 1; n <= s.len && r == HTTP_MORE; n++) {
		struct str part = { s.p, n };

		alone = 0;
		if (is_answer) {
			r = http_parse_response(part, &scanned, 90, false, &a);
			want = http_parse_response(part, &alone, 90, false,
			    &b);
		} else {
			r = http_parse_request(part, &scanned, 90, &a, &sa);
			want = http_parse_request(part, &alone, 90, &b, &sb);
		}
		if (r != want || sa != sb)
			fail_msg("at %zu of %.*s", n, STR_FMT(s));
		if (r == HTTP_DONE) {
			assert_int_equal(a.size, b.size);
			assert_int_equal(a.nfields, b.nfields);
			assert_memory_equal(a.fields, b.fields,
			    a.nfields * sizeof(a.fields[0]));
		}
	}
	assert_int_not_equal(r, HTTP_MORE);
}

static void
judges_a_dripping_head_like_a_whole_one(void **unused)
{
	static const struct str requests[] = {
		STR(GET "Accept: \xc3\xa4\t\xe2\x82\xac \r\nNo:\r\n\r\n"),
		STR("\r\n\r\nPOST /x HTTP/1.0\r\n\r\n"),
		STR("GET / HTTP/2.0\r\n\r\n"),
		STR(GET "A\x80: b\r\n"),
		STR(GET "A: \xe2\x82 \r\n\r\n"),
	};
	static const struct str answers[] = {
		STR(OK "A: b\r\n\r\n"),
		STR("HTTP/1.1 404\r\n\r\n"),
		STR("HTTP/1.1 4x4"),
	};
	char tail[200];

	(void)unused;
	for (size_t i = 0; i < COUNT(requests); i++)
		drip(requests[i], false);
	/* One that never ends runs into the ceiling of 90. */
	(void)snprintf(tail, sizeof(tail), GET "A: %0100d", 0);
	drip(str_of(tail), false);
	(void)snprintf(tail, sizeof(tail), "GET /%0100d", 0);
	drip(str_of(tail), false);
	for (size_t i = 0; i < COUNT(answers); i++)
		drip(answers[i], true);
}

static void
finds_a_field_only_when_it_is_alone(void **unused)
{
	unsigned count = 9;

	(void)unused;
	assert_int_equal(request(STR(GET "A: 1\r\nB: 2\r\na: 3\r\n\r\n")), 0);
	assert_null(http_field_find(&head, STR("a"), &count).p);
	assert_int_equal(count, 2);
	assert_str(http_field_find(&head, STR("b"), &count), "2");
	assert_int_equal(count, 1);
	assert_null(http_field_find(&head, STR("c"), &count).p);
	assert_int_equal(count, 0);
}

static void
frames_answers(void **unused)
{
	static const struct {
		const char *bytes;
		bool to_head;
		enum http_framing framing;
		uint64_t length;
		bool keep;
	} cases[] = {
		{ OK "Content-Length: 9\r\n\r\n", false, HTTP_BODY_LENGTH, 9,
		    true },
		{ OK "Content-Length: 0\r\n\r\n", false, HTTP_BODY_LENGTH, 0,
		    true },
		{ OK "Transfer-Encoding: chunked\r\n\r\n", false,
		    HTTP_BODY_CHUNKED, 0, true },
		{ OK "\r\n", false, HTTP_BODY_EOF, 0, false },
		{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", false,
		    HTTP_BODY_EOF, 0, false },
		{ OK "Content-Length: 9\r\n\r\n", true, HTTP_BODY_NONE, 0,
		    true },
		{ OK "\r\n", true, HTTP_BODY_NONE, 0, true },
		{ "HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n", false,
		    HTTP_BODY_NONE, 0, true },
		{ "HTTP/1.1 204 \r\n\r\n", false, HTTP_BODY_NONE, 0, true },
		{ "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", false,
		    HTTP_BODY_NONE, 0, true },
		{ "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", false,
		    HTTP_BODY_NONE, 0, false },
		{ "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
		    false, HTTP_BODY_NONE, 0, false },
		{ "HTTP/1.1 100 Continue\r\n\r\n", false, HTTP_BODY_NONE, 0,
		    true },
		{ "HTTP/1.1 500 x\r\nConnection: close\r\n"
		  "Content-Length: 1\r\n\r\n", false, HTTP_BODY_LENGTH, 1,
		    false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(answer(str_of(cases[i].bytes),
				     cases[i].to_head),
		    HTTP_DONE);
		if (head.framing != cases[i].framing ||
		    head.content_length != cases[i].length ||
		    head.keep_alive != cases[i].keep)
			fail_msg("%s", cases[i].bytes);
		assert_int_equal(head.size, strlen(cases[i].bytes));
	}
	assert_int_equal(head.status, 500);
}

static void
refuses_bad_answers(void **unused)
{
	static const struct str cases[] = {
		STR("\r\n" OK "\r\n"),
		STR("HTTP/1.1 101 Switching\r\n\r\n"),
		STR("HTTP/1.1 099 x\r\n\r\n"),
		STR("HTTP/1.1 600 x\r\n\r\n"),
		STR("HTTP/1.1 20\r\n\r\n"),
		STR("HTTP/1.1 2000\r\n\r\n"),
		STR("HTTP/1.1  200 OK\r\n\r\n"),
		STR("HTTP/1.1\t200 OK\r\n\r\n"),
		STR("HTTP/2.0 200 OK\r\n\r\n"),
		STR("ICY 200 OK\r\n\r\n"),
		STR("HTTP/1.1 200 OK\n\n"),
		STR("HTTP/1.1 200 O\x01\r\n\r\n"),
		STR("HTTP/1.1 200 \xe4\r\n\r\n"),
		STR("HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n"),
		STR("HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
		STR("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
		STR(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
		STR(OK "Content-Length: 5\r\n" CHUNKED "\r\n"),
		STR(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"),
		STR(OK "Content-Length: 5x\r\n\r\n"),
		STR(OK "A : b\r\n\r\n"),
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (int to_head = 0; to_head < 2; to_head++)
			if (answer(cases[i], to_head) != HTTP_BAD)
				fail_msg("%.*s", STR_FMT(cases[i]));
}

struct chunked_case {
	const char *in, *out; /* out is NULL when refused */
	size_t used;	      /* before the bad byte, if refused */
};

static const struct chunked_case chunked_cases[] = {
	{ "0\r\n\r\n", "", 5 },
	{ "5\r\nhello\r\n0\r\n\r\nGET /", "hello", 15 },
	{ "00A;x=\"y\tz\"\r\n0123456789\r\n0;\r\nA: b\r\nC:\r\n\r\n",
	    "0123456789", 41 },
	{ "1\r\na\r\n01\r\nb\r\n000\r\n\r\n", "ab", 20 },
	{ "000000000000000\r\n\r\n", "", 19 },
	{ "00000001\r\na\r\n00000001\r\nb\r\n0\r\n\r\n", "ab", 31 },
	{ "0000000000000000", NULL, 15 },
	{ "1\r\na\r\n\r\n", NULL, 6 },
	{ "0x5\r\n", NULL, 1 },
	{ "+5\r\n", NULL, 0 },
	{ "\r\n", NULL, 0 },
	{ ";x\r\n", NULL, 0 },
	{ " 5\r\n", NULL, 0 },
	{ "5 \r\n", NULL, 1 },
	{ "5 ;x\r\n", NULL, 1 },
	{ "5\n", NULL, 1 },
	{ "5\rx", NULL, 2 },
	{ "5;\n", NULL, 2 },
	{ "5;a\x01", NULL, 3 },
	{ "5;a\x80", NULL, 3 },
	{ "1\r\nab\r\n", NULL, 4 },
	{ "1\r\na\n", NULL, 4 },
	{ "1\r\na\rx", NULL, 5 },
	{ "0\r\nA : b\r\n", NULL, 4 },
	{ "0\r\n A: b\r\n", NULL, 3 },
	{ "0\r\n: b\r\n", NULL, 3 },
	{ "0\r\nA\r\n", NULL, 4 },
	{ "0\r\nA: b\n", NULL, 7 },
	{ "0\r\nA: b\r\r", NULL, 8 },
	{ "0\r\nA: b\x7f", NULL, 7 },
	{ "0\r\n\n", NULL, 3 },
	{ "0\r\n\rx", NULL, 4 },
};

static void
check_chunked(const struct chunked_case *c, size_t step)
{
	struct http_chunked ch = { 0 };
	struct str rest = str_of(c->in), part;
	enum http_parsed r = HTTP_MORE;
	size_t used, eaten = 0;
	struct buf out;

	buf_init(&out, 4096);
	while (r == HTTP_MORE && rest.len > 0) {
		part = rest;
		if (part.len > step)
			part.len = step;
		r = http_chunked_feed(&ch, part, &used, &out);
		rest = str_from(rest, used);
		eaten += used;
	}
	if (c->out == NULL) {
		if (r != HTTP_BAD)
			fail_msg("let pass: %s", c->in);
		assert_int_equal(eaten, c->used + 1); /* with the bad one */
	} else {
		if (r != HTTP_DONE || eaten != c->used)
			fail_msg("%d, %zu eaten: %s", r, eaten, c->in);
		assert_str(buf_str(&out), c->out);
	}
	used = 9; /* the end and a refusal are final */
	assert_int_equal(http_chunked_feed(&ch, STR("0\r\n\r\n"), &used, &out),
	    r);
	assert_int_equal(used, 0);
	buf_clear(&out);
}

static void
reads_chunks_however_they_are_cut(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(chunked_cases); i++)
		for (size_t step = 1; step < 60; step += 3)
			check_chunked(&chunked_cases[i], step);
}

/* What is sent besides the data: first, then n times again, then last. */
static enum http_parsed
feed_overhead(const char *first, size_t n, const char *again,
    const char *last)
{
	struct http_chunked ch = { 0 };
	struct buf in, out;
	enum http_parsed r;
	size_t used;

	buf_init(&in, 65536);
	buf_init(&out, 1);
	buf_adds(&in, str_of(first));
	while (n-- > 0)
		buf_adds(&in, str_of(again));
	buf_adds(&in, str_of(last));
	assert_false(in.failed);
	r = http_chunked_feed(&ch, buf_str(&in), &used, &out);
	buf_clear(&in);
	buf_clear(&out);
	return (r);
}

static void
caps_extensions_and_trailers_together(void **unused)
{
	(void)unused;
	assert_int_equal(feed_overhead("0;", 4096, "x", "\r\n\r\n"), HTTP_DONE);
	assert_int_equal(feed_overhead("0;", 4097, "x", "\r\n\r\n"), HTTP_BAD);
	assert_int_equal(feed_overhead("0\r\n", 1300, "A:b\r\n", "\r\n"),
	    HTTP_DONE);
	assert_int_equal(feed_overhead("0\r\n", 2100, "A:b\r\n", "\r\n"),
	    HTTP_BAD);
	assert_int_equal(feed_overhead("0;xx\r\n", 4000, "A", ":b\r\n\r\n"),
	    HTTP_DONE);
	assert_int_equal(feed_overhead("0;xx\r\n", 4094, "A", ":b\r\n\r\n"),
	    HTTP_BAD);
}

static void
stops_at_the_ceiling_of_a_body(void **unused)
{
	struct http_chunked ch = { 0 };
	struct buf out;
	size_t used;

	(void)unused;
	buf_init(&out, 4);
	assert_int_equal(http_chunked_feed(&ch, STR("4\r\nabcd\r\n"), &used,
			     &out),
	    HTTP_MORE);
	assert_false(out.failed);
	(void)http_chunked_feed(&ch, STR("1\r\ne\r\n"), &used, &out);
	assert_true(out.failed);
	buf_clear(&out);
}

static void
names_the_statuses(void **unused)
{
	(void)unused;
	assert_string_equal(http_reason(200), "OK");
	assert_string_equal(http_reason(421), "Misdirected Request");
	assert_string_equal(http_reason(431),
	    "Request Header Fields Too Large");
	assert_string_equal(http_reason(508), "Loop Detected");
	for (int s = -1; s < 100; s++)
		assert_string_equal(http_reason(s), "Unknown");
	assert_string_equal(http_reason(299), "Unknown");
	assert_string_equal(http_reason(512), "Unknown");
	assert_string_equal(http_reason(100000), "Unknown");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_usual_request),
		cmocka_unit_test(knows_the_methods_by_exact_case),
		cmocka_unit_test(refuses_a_bad_request_line),
		cmocka_unit_test(refuses_bad_field_lines),
		cmocka_unit_test(wants_exactly_one_host),
		cmocka_unit_test(takes_the_authority_of_an_absolute_form),
		cmocka_unit_test(frames_a_request_body_one_way_only),
		cmocka_unit_test(keeps_alive_by_version_and_connection),
		cmocka_unit_test(expects_continue_on_1_1_only),
		cmocka_unit_test(limits_target_fields_and_head),
		cmocka_unit_test(leaves_results_alone_until_done),
		cmocka_unit_test(judges_a_dripping_head_like_a_whole_one),
		cmocka_unit_test(finds_a_field_only_when_it_is_alone),
		cmocka_unit_test(frames_answers),
		cmocka_unit_test(refuses_bad_answers),
		cmocka_unit_test(reads_chunks_however_they_are_cut),
		cmocka_unit_test(caps_extensions_and_trailers_together),
		cmocka_unit_test(stops_at_the_ceiling_of_a_body),
		cmocka_unit_test(names_the_statuses),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
