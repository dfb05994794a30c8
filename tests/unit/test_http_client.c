/* test_http_client.c - the HTTP client against scripted brokers on loopback. */
#include <stdio.h>
#include <unistd.h>

#include "server/net/http_client.h"
#include "server/net/http_conn.h"
#include "tests/support/script_bench.h"

#define MAX_CALLS 8
static struct client {
	struct loop *loop;
	struct http_pool *pool;
	struct http_pool_conf conf;
	struct http_call *calls[MAX_CALLS];
	enum hub_err errs[MAX_CALLS];
	char order[MAX_CALLS + 1];
	int ncalls, done, timeout_ms;
	const char *parties; /* one letter for each call, or NULL */
	size_t body_max;
	bool unsafe;
	struct mono_us from;
	int64_t ms; /* of the last call to end */
} cl;

static void
on_call(struct http_call *call, enum hub_err err, void *arg)
{
	int i = (int)(intptr_t)arg;

	assert_ptr_equal(cl.calls[i], call); /* start has returned */
	cl.errs[i] = err;
	cl.order[cl.done++] = (char)('0' + i);
	cl.ms = ms_since(cl.from);
	if (cl.done == cl.ncalls)
		loop_stop(cl.loop);
}

static int
client_setup(void **state HUB_UNUSED)
{
	cl = (struct client){ .timeout_ms = 2000, .body_max = BIG };
	cl.conf = (struct http_pool_conf){ .host = STR("127.0.0.1"),
		.in_flight = 1, .queued = 4, .queued_each = 4, .idle_max = 2, .idle_ms = 5000,
		.header_max = 4096 };
	cl.loop = loop_new();
	return (0);
}

static void
client_open(void)
{
	if (cl.conf.port == 0)
		cl.conf.port = broker.port;
	cl.pool = http_pool_new(cl.loop, &cl.conf);
}

static void
client_start(void)
{
	const struct http_call_conf conf = { .bytes = GET("/", ""),
		.is_safe = !cl.unsafe,
		.party = cl.parties != NULL ?
		    (uint64_t)cl.parties[cl.ncalls] : 0,
		.timeout_ms = cl.timeout_ms,
		.body_max = cl.body_max };
	int i = cl.ncalls++;

	cl.calls[i] = http_call_start(
	    cl.pool, &conf, on_call, (void *)(intptr_t)i);
}

static void
client_run(int n)
{
	cl.from = clock_mono();
	for (int i = 0; i < n; i++)
		client_start();
	loop_run(cl.loop);
}

static void
client_close(void)
{
	for (int i = 0; i < cl.ncalls; i++)
		http_call_free(cl.calls[i]);
	http_pool_free(cl.pool);
	http_client_shutdown(cl.loop);
	loop_free(cl.loop);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* A script for one call and how it ends. */
static void
ends_each_call_as_the_answer_deserves(void **state HUB_UNUSED)
{
	static const struct {
		const char *answer;
		enum hub_err err;
		const char *body;
	} cases[] = {
		{ OK_HEAD "Content-Length: 5\r\n\r\nhello", HUB_OK, "hello" },
		{ OK_HEAD "Content-Length: 0\r\n\r\n", HUB_OK, "" },
		{ OK_HEAD "\r\nuntil the end", HUB_OK, "until the end" },
		{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n"
			  "de\r\n0\r\n\r\n", HUB_OK, "abcde" },
		{ "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_HEAD
		  "Content-Length: 1\r\n\r\nx", HUB_OK, "x" },
		{ "HTTP/1.1 204 No Content\r\n\r\n", HUB_OK, "" },
		{ OK_HEAD "Content-Length: 50\r\n\r\ncut", HUB_ECLOSED, NULL },
		{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		    HUB_ECLOSED, NULL },
		{ "HTTP/1.1 200", HUB_ECLOSED, NULL },
		{ "", HUB_ECLOSED, NULL },
		{ OK_HEAD "Content-Length: 101\r\n\r\n", HUB_EFULL, NULL },
		{ OK_HEAD "Transfer-Encoding: chunked\r\n\r\n41\r\n"
		  "0123456789012345678901234567890123456789012345678901234567"
		  "8901234\r\n41\r\n0123456789012345678901234567890123456789",
		    HUB_EFULL, NULL },
		{ "ICY 200 OK\r\n\r\n", HUB_ESYNTAX, NULL },
		{ OK_HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		    HUB_ESYNTAX, NULL },
		{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", HUB_ESYNTAX,
		    NULL },
	};

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t k = i / 2;
		const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
			{ ACT_READ, NULL, 0 },
			{ ACT_SEND, cases[k].answer, 0 },
			{ ACT_CLOSE, NULL, 0 }, { ACT_END, NULL, 0 } };

		if (i > 0)
			(void)client_setup(NULL);
		cl.body_max = 100;
		cl.conf.host = STR("localhost");
		cl.conf.tls = i % 2 ? tls_client : NULL;
		broker_start(script, i % 2);
		client_open();
		client_run(1);
		if (cl.errs[0] != cases[k].err)
			fail_msg("%zu: %s", i, hub_err_str(cl.errs[0]));
		if (cases[k].body != NULL) {
			struct buf taken;

			assert_true(str_eq(http_call_body(cl.calls[0]),
			    str_of(cases[k].body)));
			assert_int_equal(http_call_body_take(cl.calls[0],
					     &taken), HUB_OK);
			assert_true(str_eq(buf_str(&taken),
			    str_of(cases[k].body)));
			buf_clear(&taken);
		}
		client_close();
		broker_stop();
	}
}

static void
takes_a_large_answer_without_keeping_the_loop(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 }, { ACT_BIG, NULL, 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 2\r\n\r\nok", 0 },
		{ ACT_END, NULL, 0 } };

	for (int tls = 0; tls < 2; tls++) {
		struct str body;

		if (tls)
			(void)client_setup(NULL);
		cl.conf.host = STR("localhost");
		cl.conf.tls = tls ? tls_client : NULL;
		broker_start(script, tls);
		client_open();
		client_run(1);
		assert_int_equal(cl.errs[0], HUB_OK);
		body = http_call_body(cl.calls[0]);
		assert_int_equal(body.len, BIG);
		for (size_t i = 0; i < BIG; i += 4099)
			assert_int_equal(body.p[i], 'z');
		client_run(1); /* over the same connection */
		assert_int_equal(cl.errs[1], HUB_OK);
		assert_true(http_call_us(cl.calls[0]) > 0);
		client_close();
		broker_stop();
		assert_int_equal(broker.accepted, 1);
	}
}

static void
ends_a_silent_or_dripping_broker_at_the_deadline(void **state HUB_UNUSED)
{
	static const struct act scripts[][4] = {
		{ { ACT_ACCEPT, NULL, 0 }, { ACT_READ, NULL, 0 },
		    { ACT_SLEEP, NULL, 400 }, { ACT_END, NULL, 0 } },
		{ { ACT_ACCEPT, NULL, 0 },
		    { ACT_SEND, OK_HEAD "Content-Length: 50\r\n\r\n", 0 },
		    { ACT_DRIP, NULL, 400 }, { ACT_END, NULL, 0 } },
		{ { ACT_SLEEP, NULL, 400 }, { ACT_ACCEPT, NULL, 0 },
		    { ACT_END, NULL, 0 } },
	};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (i > 0)
			(void)client_setup(NULL);
		cl.timeout_ms = 250;
		broker_start(scripts[i], false);
		client_open();
		client_run(1);
		assert_int_equal(cl.errs[0], HUB_ELATE);
		assert_in_range(cl.ms, 245, 300);
		client_close();
		broker_stop();
	}
}

static void
repeats_a_safe_call_on_a_stale_connection_once(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n1", 0 },
		{ ACT_READ, NULL, 0 }, { ACT_CLOSE, NULL, 0 },
		{ ACT_ACCEPT, NULL, 0 }, { ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n2", 0 },
		{ ACT_READ, NULL, 0 }, { ACT_CLOSE, NULL, 0 },
		{ ACT_ACCEPT, NULL, 0 }, { ACT_READ, NULL, 0 },
		{ ACT_CLOSE, NULL, 0 }, { ACT_END, NULL, 0 } };

	broker_start(script, false);
	client_open();
	client_run(1);
	assert_int_equal(cl.errs[0], HUB_OK);
	client_run(1); /* read, closed, repeated */
	assert_int_equal(cl.errs[1], HUB_OK);
	assert_int_equal(http_call_body(cl.calls[1]).p[0], '2');
	assert_int_equal(broker.accepted, 2);
	client_run(1); /* the fresh one closes as well: not again */
	assert_int_equal(cl.errs[2], HUB_ECLOSED);
	client_close();
	broker_stop();
	assert_int_equal(broker.accepted, 3);
}

static void
does_not_repeat_an_unsafe_call(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n1", 0 },
		{ ACT_READ, NULL, 0 }, { ACT_CLOSE, NULL, 0 },
		{ ACT_END, NULL, 0 } };

	broker_start(script, false);
	client_open();
	cl.unsafe = true;
	client_run(1);
	client_run(1);
	assert_int_equal(cl.errs[1], HUB_ECLOSED);
	client_close();
	broker_stop();
	assert_int_equal(broker.read, 2);
}

static void
on_nap_over(void *arg HUB_UNUSED)
{
	loop_stop(cl.loop);
}

static void
drops_an_idle_connection_that_the_broker_closed(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n1", 0 },
		{ ACT_CLOSE, NULL, 0 }, { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n2", 0 },
		{ ACT_END, NULL, 0 } };
	struct timer nap;

	broker_start(script, false);
	client_open();
	client_run(1);
	timer_init(&nap, cl.loop, on_nap_over, NULL);
	timer_set(&nap, 50);
	loop_run(cl.loop);
	cl.unsafe = true; /* so that a repetition would not hide it */
	client_run(1);
	assert_int_equal(cl.errs[1], HUB_OK);
	client_close();
	broker_stop();
}

/* They would be taken for the answer to a call that nobody has read. */
static void
takes_no_bytes_that_came_before_the_call(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n1", 0 },
		{ ACT_SLEEP, NULL, 50 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\nX", 0 },
		{ ACT_ACCEPT, NULL, 0 }, { ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n2", 0 },
		{ ACT_END, NULL, 0 } };

	for (int tls = 0; tls < 2; tls++) {
		if (tls)
			(void)client_setup(NULL);
		broker_start(script, tls);
		cl.unsafe = true;
		cl.conf.host = STR("localhost");
		cl.conf.tls = tls ? tls_client : NULL;
		client_open();
		client_run(1);
		assert_int_equal(cl.errs[0], HUB_OK);
		(void)usleep(150000); /* no turn of the loop in between */
		client_run(1);
		assert_int_equal(cl.errs[1], HUB_OK);
		assert_int_equal(http_call_body(cl.calls[1]).p[0], '2');
		client_close();
		broker_stop();
	}
}

static void
queues_calls_in_order_and_refuses_too_many(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 }, { ACT_SLEEP, NULL, 50 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n0", 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n1", 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n2", 0 },
		{ ACT_END, NULL, 0 } };

	cl.conf.queued = 2;
	broker_start(script, false);
	client_open();
	client_run(4);
	assert_string_equal(cl.order, "3012");
	assert_int_equal(cl.errs[3], HUB_EAGAIN);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(cl.errs[i], HUB_OK);
		assert_int_equal(http_call_body(cl.calls[i]).p[0], '0' + i);
	}
	client_close();
	broker_stop();
	assert_int_equal(broker.accepted, 1);
}

/* Call 0 is out at once; the others wait. Parties take turns, and who has
 * the most waiting gives way when the queue is full. */
static void
lets_parties_take_turns(void **state HUB_UNUSED)
{
	static const struct {
		const char *parties;
		unsigned queued, each;
		const char *refused, *order;
	} cases[] = {
		{ "AAAA", 9, 9, "", "0123" },
		{ "AAAAAAB", 9, 9, "", "0162345" },
		{ "AAABBBC", 9, 9, "", "0136245" },
		{ "ABBBBA", 9, 9, "", "015234" },
		{ "AAAAB", 9, 2, "3", "0142" },
		{ "AAAAB", 3, 9, "3", "0142" },
		{ "AABA", 2, 9, "3", "012" },
		{ "AAAABC", 3, 9, "32", "0145" },
	};
	char want[MAX_CALLS + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct act script[2 * MAX_CALLS + 3] = { { ACT_ACCEPT, NULL,
		    0 }, { ACT_READ, NULL, 0 }, { ACT_SLEEP, NULL, 20 } };
		size_t calls = strlen(cases[i].parties), n = 3;

		for (size_t k = strlen(cases[i].order); k > 0; k--) {
			script[n++] = (struct act){ ACT_SEND, OK_HEAD
			    "Content-Length: 1\r\n\r\nx", 0 };
			script[n++] = (struct act){ k > 1 ? ACT_READ : ACT_END,
				NULL, 0 };
		}
		if (i > 0)
			(void)client_setup(NULL);
		cl.parties = cases[i].parties;
		cl.conf.queued = cases[i].queued;
		cl.conf.queued_each = cases[i].each;
		broker_start(script, false);
		client_open();
		client_run((int)calls);
		(void)snprintf(want, sizeof(want), "%s%s", cases[i].refused,
		    cases[i].order);
		if (strcmp(cl.order, want) != 0)
			fail_msg("%s: %s, want %s", cases[i].parties, cl.order,
			    want);
		for (size_t k = 0; k < calls; k++) {
			bool out = strchr(cases[i].refused, '0' + (int)k) ==
			    NULL;

			assert_int_equal(cl.errs[k], out ? HUB_OK :
							   HUB_EAGAIN);
			assert_int_equal(http_call_was_out(cl.calls[k]), out);
		}
		client_close();
		broker_stop();
	}
}

static void
ends_waiting_calls_at_their_deadline(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 }, { ACT_SLEEP, NULL, 300 },
		{ ACT_END, NULL, 0 } };

	cl.timeout_ms = 150;
	broker_start(script, false);
	client_open();
	client_run(3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(cl.errs[i], HUB_ELATE);
	assert_string_equal(cl.order, "120"); /* two never left the queue */
	for (int i = 0; i < 3; i++)
		assert_int_equal(http_call_was_out(cl.calls[i]), i == 0);
	assert_in_range(cl.ms, 145, 200);
	client_close();
	broker_stop();
}

static void
cancels_what_runs_when_the_pool_goes(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 }, { ACT_END, NULL, 0 } };

	broker_start(script, false);
	client_open();
	cl.ncalls = 0;
	for (int i = 0; i < 3; i++)
		client_start();
	http_call_free(cl.calls[1]); /* a waiting one: not called back */
	http_pool_free(cl.pool);
	cl.pool = NULL;
	assert_string_equal(cl.order, "02");
	assert_int_equal(cl.errs[0], HUB_ECLOSED);
	cl.calls[1] = NULL;
	client_close();
	(void)close(dial(broker.port)); /* lets the script go on */
	broker_stop();
}

static void
verifies_the_host_of_a_broker(void **state HUB_UNUSED)
{
	static const struct {
		const char *host;
		bool tls;
		enum hub_err err;
	} cases[] = {
		{ "localhost", true, HUB_OK },
		{ "127.0.0.1", true, HUB_EIO },  /* not in the certificate */
		{ "localhost", false, HUB_EIO }, /* does not speak TLS */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
			{ ACT_READ, NULL, 0 },
			{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\nx", 0 },
			{ ACT_END, NULL, 0 } };
		/* A plain broker does not see the end of a TLS hello. */
		static const struct act plain[] = { { ACT_ACCEPT, NULL, 0 },
			{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\nx", 0 },
			{ ACT_END, NULL, 0 } };

		if (i > 0)
			(void)client_setup(NULL);
		cl.conf.host = str_of(cases[i].host);
		cl.conf.tls = tls_client;
		broker_start(cases[i].tls ? script : plain, cases[i].tls);
		client_open();
		client_run(1);
		if (cl.errs[0] != cases[i].err)
			fail_msg("%zu: %s", i, hub_err_str(cl.errs[0]));
		client_close();
		broker_stop();
		assert_int_equal(broker.read, i == 0);
	}
}

static void
fails_where_nobody_listens_or_no_name_is(void **state HUB_UNUSED)
{
	static const struct {
		const char *host;
	} cases[] = { { "127.0.0.1" }, { "localhost" },
		{ "no-such-host.invalid" } };
	uint16_t port;
	int fd;

	/* A port that was ours a moment ago. */
	assert_int_equal(http_listen(STR("127.0.0.1:0"), &fd, &port), HUB_OK);
	(void)close(fd);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (i > 0)
			(void)client_setup(NULL);
		cl.conf.host = str_of(cases[i].host);
		cl.conf.port = port;
		cl.timeout_ms = 1000;
		client_open();
		client_run(1);
		/* Without any network, DNS may be silent: then the deadline
		 * ends it. */
		if (i < 2 || cl.errs[0] != HUB_ELATE)
			assert_int_equal(cl.errs[0], HUB_EIO);
		assert_true(cl.ms < 1100);
		client_close();
	}
}

static void
lets_go_of_a_name_that_is_still_asked_for(void **state HUB_UNUSED)
{
	for (int freed_first = 0; freed_first < 2; freed_first++) {
		if (freed_first)
			(void)client_setup(NULL);
		cl.conf.host = STR("also-no-such-host.invalid");
		cl.conf.port = 80;
		client_open();
		client_start();
		client_start(); /* waits behind the first */
		if (freed_first) {
			http_call_free(cl.calls[0]);
			cl.calls[0] = NULL;
		} else {
			http_pool_free(cl.pool);
			cl.pool = NULL;
			assert_string_equal(cl.order, "01");
		}
		client_close();
	}
}

static void
ends_idle_connections_in_time(void **state HUB_UNUSED)
{
	static const struct act script[] = { { ACT_ACCEPT, NULL, 0 },
		{ ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n1", 0 },
		{ ACT_ACCEPT, NULL, 0 }, { ACT_READ, NULL, 0 },
		{ ACT_SEND, OK_HEAD "Content-Length: 1\r\n\r\n2", 0 },
		{ ACT_END, NULL, 0 } };
	struct timer nap;

	cl.conf.idle_ms = 30; /* the first connection ends by itself */
	broker_start(script, false);
	client_open();
	client_run(1);
	timer_init(&nap, cl.loop, on_nap_over, NULL);
	timer_set(&nap, 80);
	loop_run(cl.loop);
	cl.unsafe = true;
	client_run(1);
	assert_int_equal(cl.errs[1], HUB_OK);
	client_close();
	broker_stop();
	assert_int_equal(broker.accepted, 2);
}

int
main(void)
{
#define C(f) cmocka_unit_test_setup(f, client_setup)
	const struct CMUnitTest tests[] = {
		C(ends_each_call_as_the_answer_deserves),
		C(takes_a_large_answer_without_keeping_the_loop),
		C(ends_a_silent_or_dripping_broker_at_the_deadline),
		C(repeats_a_safe_call_on_a_stale_connection_once),
		C(does_not_repeat_an_unsafe_call),
		C(drops_an_idle_connection_that_the_broker_closed),
		C(takes_no_bytes_that_came_before_the_call),
		C(queues_calls_in_order_and_refuses_too_many),
		C(lets_parties_take_turns),
		C(ends_waiting_calls_at_their_deadline),
		C(cancels_what_runs_when_the_pool_goes),
		C(verifies_the_host_of_a_broker),
		C(fails_where_nobody_listens_or_no_name_is),
		C(lets_go_of_a_name_that_is_still_asked_for),
		C(ends_idle_connections_in_time),
	};

	return (cmocka_run_group_tests(tests, net_setup, net_teardown));
}
