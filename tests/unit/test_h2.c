/* test_h2.c - HTTP/2: field sections, buckets, and a connection turn by turn
 * with nghttp2's client at the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/h2_world.h"

#define BIG ((size_t)5 << 20)

/* ---- field sections ---- */

struct field {
	const char *name, *value;
};

#define GET                                                                    \
	{ ":method", "GET" }, { ":scheme", "https" },                          \
	    { ":authority", "hub.example" },                                   \
	{                                                                      \
		":path", "/a?b=c"                                              \
	}

static const struct head_case {
	int status; /* 0: it is good */
	bool ended;
	struct field fields[8];
} head_cases[] = {
	{ 0, true, { GET } },
	{ 0, true, { GET, { "host", "hub.example" } } },
	{ 0, true, { GET, { "host", "HUB.example" } } },
	{ 0, true, { GET, { "te", "trailers" }, { "x", "" } } },
	{ 0, true,
	    { { ":path", "/" }, { ":scheme", "https" }, { ":method", "PATCH" },
		{ "host", "a:1" } } },
	{ 0, true,
	    { { ":method", "OPTIONS" }, { ":scheme", "https" },
		{ ":path", "*" }, { ":authority", "a" } } },
	{ 0, false, { GET, { "content-length", "5" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "https" },
		{ ":path", "/" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":path", "/" }, { ":authority", "a" } } },
	{ 400, true,
	    { { ":scheme", "https" }, { ":path", "/" },
		{ ":authority", "a" } } },
	{ 400, true, { { ":method", "CONNECT" }, { ":authority", "a:1" } } },
	{ 400, true, { GET, { ":path", "/" } } },
	{ 400, true, { GET, { "a", "b" }, { ":x", "/" } } },
	{ 400, true, { { ":status", "200" }, GET } },
	{ 400, true, { GET, { "host", "other.example" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "http" }, { ":path", "/" },
		{ ":authority", "a" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "https" },
		{ ":path", "https://a/" }, { ":authority", "a" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "https" }, { ":path", "*" },
		{ ":authority", "a" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "https" },
		{ ":path", "/ HTTP/1.1\r\nx: y" }, { ":authority", "a" } } },
	{ 400, true,
	    { { ":method", "GET /" }, { ":scheme", "https" }, { ":path", "/" },
		{ ":authority", "a" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/" },
		{ ":authority", "a\r\nx: y" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/" },
		{ ":authority", "a@b" } } },
	{ 400, true,
	    { { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/" },
		{ ":authority", "" } } },
	{ 400, true, { GET, { "X", "y" } } },
	{ 400, true, { GET, { "", "y" } } },
	{ 400, true, { GET, { "x y", "z" } } },
	{ 400, true, { GET, { "x:", "z" } } },
	{ 400, true, { GET, { "x", "y\r\nz: a" } } },
	{ 400, true, { GET, { "x", "y\r\n\r\n" } } },
	{ 400, true, { GET, { "x", "y\n" } } },
	{ 400, true, { GET, { "x", " y" } } },
	{ 400, true, { GET, { "x", "y\t" } } },
	{ 400, true, { GET, { "x", "\177" } } },
	{ 400, true, { GET, { "x", "\377" } } },
	{ 400, true, { GET, { "connection", "x" } } },
	{ 400, true, { GET, { "keep-alive", "x" } } },
	{ 400, true, { GET, { "proxy-connection", "x" } } },
	{ 400, true, { GET, { "upgrade", "x" } } },
	{ 400, true, { GET, { "transfer-encoding", "chunked" } } },
	{ 400, true, { GET, { "te", "gzip" } } },
	{ 400, true,
	    { GET, { "content-length", "1" }, { "content-length", "1" } } },
	{ 400, true, { GET, { "content-length", "+1" } } },
};

static void
h8_judges_field_sections_as_http_1_does(void **state HUB_UNUSED)
{
	for (size_t i = 0; i < sizeof(head_cases) / sizeof(head_cases[0]);
	     i++) {
		const struct head_case *t = &head_cases[i];
		struct http_head head;
		struct h2_head h;
		int status;

		h2_head_init(&h, 4096);
		for (unsigned k = 0; k < 8 && t->fields[k].name != NULL; k++)
			h2_head_field(&h, str_of(t->fields[k].name),
			    str_of(t->fields[k].value));
		status = h2_head_finish(&h, t->ended, &head);
		if (status != t->status)
			print_error("case %zu: %d\n", i, status);
		assert_int_equal(status, t->status);
		h2_head_clear(&h);
	}
}

static void
shows_what_was_sent(void **state HUB_UNUSED)
{
	struct http_head head;
	struct h2_head h;

	h2_head_init(&h, 4096);
	h2_head_field(&h, STR(":path"), STR("/a?b=c"));
	h2_head_field(&h, STR(":method"), STR("POST"));
	h2_head_field(&h, STR(":authority"), STR("hub.example:8443"));
	h2_head_field(&h, STR(":scheme"), STR("https"));
	h2_head_field(&h, STR("x-y"), STR("gr\xc3\xbcn"));
	assert_int_equal(h2_head_finish(&h, false, &head), 0);
	assert_int_equal(head.method, HTTP_POST);
	assert_true(str_eq(head.method_text, STR("POST")));
	assert_true(str_eq(head.target, STR("/a?b=c")));
	assert_true(str_eq(head.host, STR("hub.example:8443")));
	assert_int_equal(head.framing, HTTP_BODY_CHUNKED);
	assert_int_equal(head.nfields, 2);
	assert_true(str_eq(
	    http_field_find(&head, STR("x-y"), NULL), STR("gr\xc3\xbcn")));
	h2_head_clear(&h);
}

static void
h8_bounds_field_sections(void **state HUB_UNUSED)
{
	char text[5000];
	struct http_head head;
	struct h2_head h;

	memset(text, 'a', sizeof(text));
	text[0] = '/';
	/* More fields than HTTP/1.1 takes; the 64th is host. */
	for (unsigned n = 63; n <= 64; n++) {
		h2_head_init(&h, 64 * 40);
		h2_head_field(&h, STR(":method"), STR("G"));
		h2_head_field(&h, STR(":scheme"), STR("https"));
		h2_head_field(&h, STR(":authority"), STR("a"));
		h2_head_field(&h, STR(":path"), STR("/"));
		for (unsigned i = 0; i < n; i++)
			h2_head_field(&h, STR("x"), STR("y"));
		assert_int_equal(
		    h2_head_finish(&h, true, &head), n == 63 ? 0 : 431);
		h2_head_clear(&h);
	}
	/* RFC 9113, 6.5.2: 32 bytes a field beside its own. */
	for (size_t n = 63; n <= 64; n++) {
		h2_head_init(&h, 100);
		h2_head_field(&h, STR(":path"), (struct str){ text, n });
		assert_int_equal(h.status, n == 63 ? 0 : 414);
		h2_head_clear(&h);
	}
	h2_head_init(&h, 4096);
	h2_head_field(&h, STR(":path"), (struct str){ text, sizeof(text) });
	assert_int_equal(h2_head_finish(&h, true, &head), 414);
	h2_head_clear(&h);
	h2_head_init(&h, 4096);
	h2_head_field(&h, STR("x"), (struct str){ text, sizeof(text) });
	assert_int_equal(h2_head_finish(&h, true, &head), 431);
	h2_head_clear(&h);
}

static void
lets_a_bucket_leak(void **state HUB_UNUSED)
{
	struct h2_calm calm = { .level = 0 };
	struct mono_us t = { 1000 };

	calm.at = t;
	for (unsigned i = 0; i < 10; i++)
		assert_true(calm_ok(&calm, t, 10, 5));
	assert_false(calm_ok(&calm, t, 10, 5));
	t.us += 199999; /* less than one drop in all */
	assert_false(calm_ok(&calm, t, 12, 5) && calm_ok(&calm, t, 12, 5));
	calm.level = 10;
	t.us += 400000;
	assert_true(calm_ok(&calm, t, 10, 5));
	calm_credit(&calm, 100);
	assert_int_equal(calm.level, 0);
	calm.level = 10;
	t.us += INT64_MAX / 2;
	assert_true(calm_ok(&calm, t, 10, 5));
	assert_int_equal(calm.level, 1);
}

/* ---- a client ---- */

static struct test {
	struct h2_world w;
	struct http_limits limits;
	nghttp2_session *client;
	/* the handler */
	unsigned requests, aborts, told, whole;
	uint64_t told_bytes;
	size_t answer; /* bytes of it */
	bool hold, free_server;
	struct http_exchange *held[200];
	unsigned nheld;
	/* what the client saw */
	unsigned closed, reset, goaways;
	uint32_t code; /* of the last stream that closed */
	int32_t last_stream;
	size_t bytes;
	int status;
	bool windows_stay; /* it gives no more than the first */
} t;

static void
on_sent(void *arg HUB_UNUSED, uint64_t bytes, bool whole)
{
	t.told++;
	t.whole += whole;
	t.told_bytes += bytes;
}

static void
reply(struct http_exchange *ex)
{
	struct buf body;

	buf_init(&body, (size_t)300 << 20);
	if (t.answer > 0) {
		memset(buf_room(&body, t.answer), 'x', t.answer);
		body.len = t.answer;
	}
	http_exchange_on_sent(ex, on_sent, NULL);
	http_reply(ex, 200, STR("Content-Type: text/plain\r\n"), &body);
	assert_int_equal(body.len, 0);
}

static void
on_abort(void *arg HUB_UNUSED)
{
	t.aborts++;
}

static void
on_request(struct http_exchange *ex, void *arg HUB_UNUSED)
{
	t.requests++;
	http_exchange_on_abort(ex, on_abort, NULL);
	if (t.free_server) {
		http_server_free(t.w.server);
		t.w.server = NULL;
	} else if (t.hold) {
		t.held[t.nheld++] = ex;
	} else {
		reply(ex);
	}
}

static int
on_client_frame(nghttp2_session *s HUB_UNUSED, const nghttp2_frame *frame,
    void *arg HUB_UNUSED)
{
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		t.goaways++;
		t.last_stream = frame->goaway.last_stream_id;
		t.code = frame->goaway.error_code;
	}
	return (0);
}

static int
on_client_close(nghttp2_session *s HUB_UNUSED, int32_t id HUB_UNUSED,
    uint32_t code, void *arg HUB_UNUSED)
{
	t.closed++;
	t.reset += code != NGHTTP2_NO_ERROR;
	t.code = code;
	return (0);
}

static int
on_client_data(nghttp2_session *s HUB_UNUSED, uint8_t flags HUB_UNUSED,
    int32_t id HUB_UNUSED, const uint8_t *p HUB_UNUSED, size_t len,
    void *arg HUB_UNUSED)
{
	t.bytes += len;
	return (0);
}

static int
on_client_header(nghttp2_session *s HUB_UNUSED,
    const nghttp2_frame *frame HUB_UNUSED, const uint8_t *name, size_t len,
    const uint8_t *value, size_t value_len HUB_UNUSED, uint8_t flags HUB_UNUSED,
    void *arg HUB_UNUSED)
{
	if (len == 7 && memcmp(name, ":status", 7) == 0)
		t.status = atoi((const char *)value);
	return (0);
}

static void
client_new(void)
{
	nghttp2_session_callbacks *cb;
	nghttp2_option *o;

	(void)nghttp2_session_callbacks_new(&cb);
	nghttp2_session_callbacks_set_on_frame_recv_callback(
	    cb, on_client_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(
	    cb, on_client_close);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
	    cb, on_client_data);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_client_header);
	(void)nghttp2_option_new(&o);
	nghttp2_option_set_no_auto_window_update(o, t.windows_stay);
	nghttp2_option_set_peer_max_concurrent_streams(o, 1000);
	assert_int_equal(
	    nghttp2_session_client_new2(&t.client, cb, NULL, o), 0);
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(cb);
	(void)nghttp2_submit_settings(t.client, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void
ask(const char *path)
{
#define NV(n, v)                                                               \
	{                                                                      \
		(uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v),          \
		    strlen(n), strlen(v), 0                                    \
	}
	const nghttp2_nv nv[] = { NV(":method", "GET"), NV(":scheme", "https"),
		NV(":authority", "a"), NV(":path", path) };

	assert_true(
	    nghttp2_submit_request(t.client, NULL, nv, 4, NULL, NULL) > 0);
}

/* Both sides, until neither has more to say; false: the hub has closed. */
static bool
talk(void)
{
	static uint8_t in[65536];
	const uint8_t *out;
	bool open = true;
	ssize_t n;

	for (unsigned idle = 0; idle < 3; idle++) {
		while ((n = nghttp2_session_mem_send(t.client, &out)) > 0) {
			assert_true(
			    send(t.w.fd, out, (size_t)n, MSG_NOSIGNAL) == n ||
			    !open);
			idle = 0;
		}
		world_turn(&t.w);
		while ((n = recv(t.w.fd, in, sizeof(in), 0)) > 0) {
			assert_int_equal(
			    nghttp2_session_mem_recv(t.client, in, (size_t)n),
			    n);
			idle = 0;
		}
		open = open && n < 0;
	}
	return (open);
}

static int
setup(void **state HUB_UNUSED)
{
	memset(&t, 0, sizeof(t));
	t.limits = (struct http_limits){ .header = 4096,
		.body = 1 << 20,
		.connections = 10,
		.header_ms = 60000,
		.body_ms = 60000,
		.idle_ms = 60000,
		.handshake_ms = 60000,
		.write_ms = 60000 };
	return (0);
}

static struct conn *
begin(void)
{
	struct conn *c;

	world_open(&t.w, &t.limits, on_request, NULL);
	client_new();
	c = world_connect(&t.w);
	assert_true(talk());
	return (c);
}

static int
teardown(void **state HUB_UNUSED)
{
	nghttp2_session_del(t.client);
	world_close(&t.w);
	return (0);
}

static void
answers_many_on_one_connection(void **state HUB_UNUSED)
{
	struct conn *c = begin();

	t.answer = 1000;
	for (unsigned i = 0; i < 90; i++)
		ask("/");
	assert_true(talk());
	assert_int_equal(t.requests, 90);
	assert_int_equal(t.closed, 90);
	assert_int_equal(t.reset, 0);
	assert_int_equal(t.bytes, 90 * t.answer);
	assert_int_equal(t.told, 90);
	assert_int_equal(t.whole, 90);
	assert_int_equal(t.told_bytes, 90 * t.answer);
	/* Between requests there is nothing but the session. */
	assert_null(c->in);
	assert_null(c->out);
	assert_null(c->h2->streams);
	assert_null(c->h2->closed);
	assert_int_equal(c->h2->unsent, 0);
	assert_int_equal(c->h2->bodies, 0);
	assert_int_equal(c->wait, WAIT_IDLE);
}

static void
keeps_answers_until_there_is_a_window(void **state HUB_UNUSED)
{
	struct conn *c;

	t.windows_stay = true;
	t.answer = BIG;
	c = begin();
	ask("/");
	ask("/");
	assert_true(talk());
	assert_int_equal(t.bytes, 65535);
	assert_int_equal(c->h2->unsent, 2 * BIG - 65535);
	assert_null(c->out); /* no more of it than the answers */
	(void)nghttp2_session_consume_connection(t.client, 65535);
	(void)nghttp2_submit_window_update(
	    t.client, NGHTTP2_FLAG_NONE, 0, 1 << 30);
	(void)nghttp2_submit_window_update(
	    t.client, NGHTTP2_FLAG_NONE, 1, 1 << 30);
	assert_true(talk());
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.told, 1);
	(void)nghttp2_submit_rst_stream(
	    t.client, NGHTTP2_FLAG_NONE, 3, NGHTTP2_CANCEL);
	assert_true(talk());
	assert_int_equal(t.told, 2);
	assert_int_equal(t.whole, 1);
	assert_in_range(t.told_bytes, BIG, BIG + 65535);
	assert_int_equal(c->h2->unsent, 0);
}

static void
h8_lets_requests_wait_while_answers_do(void **state HUB_UNUSED)
{
	struct conn *c;

	t.windows_stay = true;
	t.answer = H2_UNSENT_HIGH;
	c = begin();
	for (unsigned i = 0; i < 5; i++)
		ask("/");
	assert_true(talk());
	/* The first is partly on its way; the second fills what there is. */
	assert_int_equal(t.requests, 2);
	assert_true(c->h2->unsent > H2_UNSENT_HIGH);
	(void)nghttp2_submit_rst_stream(
	    t.client, NGHTTP2_FLAG_NONE, 1, NGHTTP2_CANCEL);
	(void)nghttp2_submit_rst_stream(
	    t.client, NGHTTP2_FLAG_NONE, 9, NGHTTP2_CANCEL);
	assert_true(talk());
	assert_int_equal(t.requests, 3);
	(void)nghttp2_submit_rst_stream(
	    t.client, NGHTTP2_FLAG_NONE, 3, NGHTTP2_CANCEL);
	(void)nghttp2_submit_rst_stream(
	    t.client, NGHTTP2_FLAG_NONE, 5, NGHTTP2_CANCEL);
	assert_true(talk());
	assert_int_equal(t.requests, 4); /* 9 was let go of before */
}

static void
h8_drops_answers_that_are_too_many(void **state HUB_UNUSED)
{
	struct conn *c;

	t.windows_stay = true;
	t.hold = true;
	t.answer = H2_UNSENT_MAX / 2;
	c = begin();
	for (unsigned i = 0; i < 4; i++)
		ask("/");
	assert_true(talk());
	assert_int_equal(t.requests, 4);
	for (unsigned i = 0; i < 4; i++) {
		reply(t.held[i]);
		assert_true(talk());
	}
	assert_int_equal(t.reset, 2);
	assert_int_equal(t.told, 2);
	assert_int_equal(t.code, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(c->h2->unsent, H2_UNSENT_MAX - 65535);
}

static void
tells_who_has_let_go(void **state HUB_UNUSED)
{
	struct conn *c;

	t.hold = true;
	c = begin();
	for (unsigned i = 0; i < 3; i++)
		ask("/");
	assert_true(talk());
	(void)nghttp2_submit_rst_stream(
	    t.client, NGHTTP2_FLAG_NONE, 3, NGHTTP2_CANCEL);
	assert_true(talk());
	assert_int_equal(t.aborts, 1);
	reply(t.held[0]);
	assert_true(talk());
	assert_int_equal(t.told, 1);
	/* The rest goes with the connection. */
	assert_int_equal(c->h2->nstreams, 1);
	world_hang_up(&t.w);
	world_turn(&t.w);
	world_turn(&t.w);
	assert_int_equal(t.aborts, 2);
	assert_int_equal(http_server_connections(t.w.server), 0);
}

static void
h8_refuses_streams_beyond_the_limit(void **state HUB_UNUSED)
{
	t.hold = true;
	(void)begin();
	nghttp2_session_del(t.client);
	world_close(&t.w);
	/* A client that has not seen our SETTINGS yet. */
	world_open(&t.w, &t.limits, on_request, NULL);
	client_new();
	(void)world_connect(&t.w);
	for (unsigned i = 0; i < 120; i++)
		ask("/");
	assert_true(talk());
	assert_int_equal(t.requests, H2_STREAMS_MAX);
	assert_int_equal(t.reset, 20);
	assert_int_equal(t.code, NGHTTP2_REFUSED_STREAM);
}

static void
on_test_drained(void *arg HUB_UNUSED)
{
	t.w.drained = true;
}

static void
drains(void **state HUB_UNUSED)
{
	t.hold = true;
	(void)begin();
	ask("/");
	assert_true(talk());
	http_server_drain(t.w.server, on_test_drained, NULL);
	assert_true(talk());
	assert_int_equal(t.goaways, 1);
	assert_int_equal(t.last_stream, INT32_MAX);
	for (unsigned i = 0; t.goaways < 2 && i < 400; i++) {
		(void)usleep(5000);
		assert_true(talk());
	}
	assert_int_equal(t.last_stream, 1);
	assert_false(t.w.drained);
	reply(t.held[0]);
	assert_false(talk()); /* answered, and closed */
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.reset, 0);
	world_hang_up(&t.w);
	for (unsigned i = 0; !t.w.drained && i < 400; i++) {
		(void)usleep(5000);
		world_turn(&t.w);
	}
	assert_true(t.w.drained);
}

static void
a_handler_may_end_it_all(void **state HUB_UNUSED)
{
	t.free_server = true;
	(void)begin();
	for (unsigned i = 0; i < 5; i++)
		ask("/");
	assert_false(talk());
	assert_int_equal(t.requests, 1);
	assert_int_equal(t.aborts, 1);
}

int
main(void)
{
#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h8_judges_field_sections_as_http_1_does),
		cmocka_unit_test(shows_what_was_sent),
		cmocka_unit_test(h8_bounds_field_sections),
		cmocka_unit_test(lets_a_bucket_leak),
		WORLD(answers_many_on_one_connection),
		WORLD(keeps_answers_until_there_is_a_window),
		WORLD(h8_lets_requests_wait_while_answers_do),
		WORLD(h8_drops_answers_that_are_too_many),
		WORLD(tells_who_has_let_go),
		WORLD(h8_refuses_streams_beyond_the_limit),
		WORLD(drains),
		WORLD(a_handler_may_end_it_all),
	};

	return (cmocka_run_group_tests_name("h2", tests, NULL, NULL));
}
