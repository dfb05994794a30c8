/* test_http_server.c - the HTTP server over loopback sockets, in a loop of its
 * own, and clients that block. */
#include <openssl/err.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/hub_bench.h"

static void
answers_many_requests_on_one_connection(void **state HUB_UNUSED)
{
	for (int tls = 0; tls < 2; tls++) {
		struct peer p;

		hub_start(tls ? tls_server : NULL);
		p = peer_open(tls, 0);
		for (int i = 0; i < 50; i++) {
			buf_reset(&p.got);
			peer_send(&p, GET("/", ""));
			peer_expect(&p, "\r\n\r\nhello");
			assert_int_equal(
			    times_in(&p.got, "Content-Length: 5\r\n"), 1);
			assert_int_equal(times_in(&p.got, " GMT\r\n"), 1);
			assert_int_equal(times_in(&p.got, "Connection"), 0);
		}
		assert_int_equal(hub_connections(), 1);
		peer_close(&p);
		hub_stop();
		assert_int_equal(hub.requests, 50);
	}
}

static void
answers_pipelined_requests_in_order(void **state HUB_UNUSED)
{
	for (int tls = 0; tls < 2; tls++) {
		struct buf many;
		struct peer p;

		hub_start(tls ? tls_server : NULL);
		p = peer_open(tls, 0);
		buf_init(&many, 1 << 20);
		for (int i = 0; i < 200; i++)
			buf_addf(&many, "POST /echo HTTP/1.1\r\nHost: h\r\n"
			    "Content-Length: 4\r\n\r\n%04d", i);
		buf_adds(&many, GET("/late", ""));
		buf_adds(&many, GET("/none", "Connection: close\r\n"));
		peer_send(&p, buf_str(&many));
		peer_expect_end(&p);
		assert_int_equal(times_in(&p.got, "HTTP/1.1 200 OK\r\n"), 201);
		assert_int_equal(times_in(&p.got, "\r\n\r\n0000HTTP"), 1);
		assert_int_equal(times_in(&p.got, "\r\n\r\n0199HTTP"), 1);
		assert_int_equal(times_in(&p.got, "\r\n\r\nlateHTTP"), 1);
		assert_int_equal(times_in(&p.got, "HTTP/1.1 204 "), 1);
		buf_clear(&many);
		peer_close(&p);
		hub_stop();
	}
}

static void
sends_no_body_where_there_is_none(void **state HUB_UNUSED)
{
	struct peer p;

	hub_start(NULL);
	p = peer_open(false, 0);
	peer_send(&p, STR("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"));
	peer_send(&p, GET("/none", "Connection: close\r\n"));
	peer_expect_end(&p);
	assert_int_equal(times_in(&p.got, "Content-Length: 5\r\n"), 1);
	assert_int_equal(times_in(&p.got, "hello"), 0);
	assert_int_equal(times_in(&p.got, "Content-Length"), 1); /* not at 204 */
	assert_int_equal(times_in(&p.got, "\r\n\r\nHTTP/1.1 204"), 1);
	peer_close(&p);
	hub_stop();
}

static void
closes_after_http_1_0(void **state HUB_UNUSED)
{
	struct peer p;

	hub_start(NULL);
	p = peer_open(false, 0);
	peer_send(&p, STR("GET /peer HTTP/1.0\r\n\r\n"));
	peer_expect_end(&p);
	assert_int_equal(times_in(&p.got, "Connection: close\r\n"), 1);
	assert_int_equal(times_in(&p.got, "\r\n\r\n127.0.0.1"), 1);
	peer_close(&p);
	hub_stop();
}

static void
serves_a_large_body_to_a_slow_reader(void **state HUB_UNUSED)
{
	for (int tls = 0; tls < 2; tls++) {
		struct peer p;
		const char *body;

		hub_start(tls ? tls_server : NULL);
		p = peer_open(tls, 0);
		peer_send(&p, GET("/big", ""));
		for (int i = 0; i < 20; i++) {
			(void)usleep(5000);
			assert_true(peer_recv(&p, 10000));
		}
		while (p.got.len < BIG ||
		    p.got.len - (size_t)((char *)memmem(p.got.p, p.got.len,
			"\r\n\r\n", 4) + 4 - p.got.p) < BIG)
			assert_true(peer_recv(&p, 65536));
		body = (char *)memmem(p.got.p, p.got.len, "\r\n\r\n", 4) + 4;
		for (size_t i = 0; i < BIG; i++)
			if (body[i] != (char)('a' + i % 23))
				fail_msg("byte %zu differs", i);
		buf_reset(&p.got);
		peer_send(&p, GET("/", "")); /* and goes on */
		peer_expect(&p, "hello");
		peer_close(&p);
		hub_stop();
	}
}

static void
takes_bodies_of_all_framings(void **state HUB_UNUSED)
{
	for (int tls = 0; tls < 2; tls++) {
		struct buf body;
		struct peer p;

		hub_start(tls ? tls_server : NULL);
		p = peer_open(tls, 0);
		buf_init(&body, BIG);
		buf_addf(&body, "POST /echo HTTP/1.1\r\nHost: h\r\n"
		    "Content-Length: 300000\r\n\r\n");
		for (int i = 0; i < 300000; i++)
			buf_addc(&body, "xy"[i % 2]);
		peer_send(&p, buf_str(&body));
		peer_expect(&p, "Content-Length: 300000\r\n");
		while (p.got.len < 300000)
			assert_true(peer_recv(&p, 65536));
		peer_send(&p, STR("POST /echo HTTP/1.1\r\nHost: h\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
		(void)usleep(20000);
		peer_send(&p, STR("4\r\ndefg\r\n0\r\n\r\n"));
		peer_expect(&p, "\r\n\r\nabcdefg");
		peer_send(&p, GET("/", ""));
		peer_expect(&p, "hello");
		buf_clear(&body);
		peer_close(&p);
		hub_stop();
	}
}

static void
says_continue_before_the_body(void **state HUB_UNUSED)
{
	struct peer p;

	hub_start(NULL);
	p = peer_open(false, 0);
	peer_send(&p, STR("POST /echo HTTP/1.1\r\nHost: h\r\n"
	    "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
	peer_expect(&p, "HTTP/1.1 100 Continue\r\n\r\n");
	peer_send(&p, STR("abc"));
	peer_expect(&p, "\r\n\r\nabc");
	buf_reset(&p.got);
	peer_send(&p, STR("POST /echo HTTP/1.1\r\nHost: h\r\n"
	    "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"));
	peer_expect_end(&p);
	assert_int_equal(times_in(&p.got, "100 Continue"), 0);
	assert_int_equal(times_in(&p.got, "HTTP/1.1 413 "), 1);
	peer_close(&p);
	hub_stop();
}

static void
refuses_what_breaks_a_limit(void **state HUB_UNUSED)
{
	static char long_field[5000];
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: h\r\nX: ", 431 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\n"
		  "Content-Length: 1048577\r\n\r\n", 413 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
		  "Content-Length: 1\r\n\r\nx", 400 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
		  "gzip, chunked\r\n\r\n", 501 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
		  "chunked\r\n\r\n0x5\r\n", 400 },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
		  "chunked\r\n\r\nFFFFFFF\r\n", 413 },
		{ "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505 },
	};

	memset(long_field, 'x', sizeof(long_field));
	hub_start(NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p = peer_open(false, 0);
		char line[64];

		peer_send(&p, str_of(cases[i].request));
		if (cases[i].status == 431)
			peer_send(&p, (struct str){ long_field,
					  sizeof(long_field) });
		/* Enough data for the ceiling to be met. */
		for (int k = 0; k < 250 && i == 5; k++)
			(void)!send(p.fd, long_field, sizeof(long_field),
			    MSG_NOSIGNAL);
		peer_expect_end(&p);
		(void)snprintf(
		    line, sizeof(line), "HTTP/1.1 %d ", cases[i].status);
		if (times_in(&p.got, line) != 1)
			fail_msg("%zu: no %d in %.*s", i, cases[i].status,
			    STR_FMT(buf_str(&p.got)));
		(void)snprintf(
		    line, sizeof(line), "\"status\":%d}", cases[i].status);
		assert_int_equal(times_in(&p.got, line), 1);
		assert_int_equal(
		    times_in(&p.got, "application/problem+json"), 1);
		assert_int_equal(times_in(&p.got, "Connection: close"), 1);
		peer_close(&p);
	}
	hub_stop();
	assert_int_equal(hub.requests, 0);
}

static void
ends_every_wait_at_its_deadline(void **state HUB_UNUSED)
{
	static const struct {
		const char *sent;
		bool tls, drip;
		size_t limit; /* of struct http_limits */
		const char *answer;
	} cases[] = {
		{ "", false, false, offsetof(struct http_limits, idle_ms), "" },
		{ "", true, false,
		    offsetof(struct http_limits, handshake_ms), "" },
		{ "GET /", false, true,
		    offsetof(struct http_limits, header_ms), "408" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: "
		  "5000\r\n\r\nab", false, true,
		    offsetof(struct http_limits, body_ms), "408" },
		{ "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
		  "chunked\r\n\r\n5000\r\n", false, true,
		    offsetof(struct http_limits, body_ms), "408" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mono_us from = clock_mono();
		struct peer p;

		(void)hub_setup(NULL);
		*(int *)(void *)((char *)&hub.limits + cases[i].limit) = 200;
		hub_start(cases[i].tls ? tls_server : NULL);
		p = peer_open(false, 0);
		if (cases[i].sent[0] != '\0')
			peer_send(&p, str_of(cases[i].sent));
		for (int k = 0; k < 4 && cases[i].drip; k++) {
			(void)usleep(40000);
			peer_send(&p, STR("x"));
		}
		peer_expect_end(&p);
		assert_in_range(ms_since(from), 195, 600);
		if (cases[i].answer[0] != '\0')
			assert_int_equal(times_in(&p.got, cases[i].answer), 2);
		else
			assert_int_equal(p.got.len, 0);
		peer_close(&p);
		hub_stop();
	}
}

static void
closes_on_a_client_that_takes_nothing(void **state HUB_UNUSED)
{
	struct peer p;

	hub.limits.write_ms = 150;
	hub_start(NULL);
	p = peer_open(false, 0);
	peer_send(&p, GET("/big", ""));
	(void)usleep(50000);
	assert_int_equal(hub_connections(), 1);
	(void)usleep(300000);
	assert_int_equal(hub_connections(), 0);
	peer_close(&p);
	hub_stop();
}

static void
answers_a_client_that_only_stopped_sending(void **state HUB_UNUSED)
{
	struct peer p;

	hub_start(NULL);
	p = peer_open(false, 0);
	peer_send(&p, GET("/late", ""));
	assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
	peer_expect_end(&p);
	assert_int_equal(times_in(&p.got, "\r\n\r\nlate"), 1);
	assert_int_equal(hub.aborts, 0);
	peer_close(&p);
	hub_stop();
}

static void
tells_the_handler_of_a_reset(void **state HUB_UNUSED)
{
	const struct linger reset = { .l_onoff = 1 };
	struct peer p;

	hub_start(NULL);
	p = peer_open(false, 0);
	peer_send(&p, GET("/late", ""));
	while (hub.requests == 0)
		(void)usleep(1000);
	(void)setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	peer_close(&p);
	for (int i = 0; i < 100 && hub.aborts == 0; i++)
		(void)usleep(1000);
	assert_int_equal(hub.aborts, 1);
	assert_int_equal(hub_connections(), 0);
	hub_stop();
}

static void
aborts_open_exchanges_when_freed(void **state HUB_UNUSED)
{
	struct peer p;

	hub_start(NULL);
	p = peer_open(false, 0);
	peer_send(&p, GET("/late", ""));
	while (hub.requests == 0)
		(void)usleep(1000);
	loop_stop(hub.loop);
	(void)pthread_join(hub.thread, NULL);
	http_server_free(hub.server);
	assert_int_equal(hub.aborts, 1);
	loop_free(hub.loop);
	peer_close(&p);
}

static void
drains_without_losing_an_answer(void **state HUB_UNUSED)
{
	struct peer idle, busy;

	hub_start(tls_server);
	idle = peer_open(true, 0);
	busy = peer_open(true, 0);
	peer_send(&idle, GET("/", ""));
	peer_expect(&idle, "hello");
	peer_send(&busy, GET("/late", ""));
	while (hub.requests < 2)
		(void)usleep(1000);
	loop_post(hub.loop, do_drain, NULL);
	/* What is idle has a moment left for a request on its way. */
	(void)usleep(50000);
	assert_int_equal(hub.drained, 0);
	peer_expect_end(&idle);
	peer_expect_end(&busy);
	assert_int_equal(times_in(&busy.got, "Connection: close\r\n"), 1);
	assert_int_equal(times_in(&busy.got, "\r\n\r\nlate"), 1);
	for (int i = 0; i < 200 && hub.drained == 0; i++)
		(void)usleep(1000);
	assert_int_equal(hub.drained, 1);
	peer_close(&idle);
	peer_close(&busy);
	hub_stop();
}

static void
do_nap(void *arg HUB_UNUSED)
{
	(void)usleep(300000);
}

/* Requests that the kernel has taken and the loop has not seen. */
static void
answers_what_came_before_it_drains(void **state HUB_UNUSED)
{
	struct peer idle, fresh, silent;

	for (int tls = 0; tls < 2; tls++) {
		hub_start(tls ? tls_server : NULL);
		idle = peer_open(tls, 0);
		peer_send(&idle, GET("/", ""));
		peer_expect(&idle, "hello");
		loop_post(hub.loop, do_nap, NULL);
		loop_post(hub.loop, do_drain, NULL);
		(void)usleep(50000); /* in its nap */
		buf_reset(&idle.got);
		peer_send(&idle, GET("/", ""));
		fresh = peer_open(false, 0);
		silent = peer_open(false, 0);
		peer_send(&fresh, tls ? STR("no handshake, long enough") :
					GET("/", ""));
		peer_expect_end(&idle);
		assert_int_equal(times_in(&idle.got, "Connection: close\r\n"), 1);
		assert_int_equal(times_in(&idle.got, "hello"), 1);
		peer_expect_end(&fresh);
		assert_int_equal(times_in(&fresh.got, "hello"), tls ? 0 : 1);
		peer_expect_end(&silent);
		for (int i = 0; i < 200 && hub.drained == 0; i++)
			(void)usleep(1000);
		assert_int_equal(hub.drained, 1);
		peer_close(&idle);
		peer_close(&fresh);
		peer_close(&silent);
		hub_stop();
	}
}

static void
caps_the_number_of_connections(void **state HUB_UNUSED)
{
	struct peer a, b;

	hub.limits.connections = 1;
	hub_start(NULL);
	a = peer_open(false, 0);
	peer_send(&a, GET("/", ""));
	peer_expect(&a, "hello");
	b = peer_open(false, 0);
	peer_expect_end(&b);
	peer_send(&a, GET("/peer", ""));
	peer_expect(&a, "127.0.0.1");
	peer_close(&a);
	peer_close(&b);
	hub_stop();
}

static void
accepts_again_when_descriptors_are_back(void **state HUB_UNUSED)
{
	struct rlimit was, few;
	struct peer a;
	int64_t waited;
	struct mono_us from;

	hub_start(NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	a = peer_open(false, 0); /* its other end takes the next number */
	peer_send(&a, GET("/", ""));
	peer_expect(&a, "hello");
	few = was;
	/* The client below gets the last one and the server none. */
	few.rlim_cur = (rlim_t)dup(a.fd) + 1;
	(void)close((int)few.rlim_cur - 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	from = clock_mono();
	buf_reset(&a.got);
	{
		struct peer b = peer_open(false, 0);

		(void)usleep(30000);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		peer_send(&b, GET("/", ""));
		peer_expect(&b, "hello");
		waited = ms_since(from);
		peer_close(&b);
	}
	assert_in_range(waited, 90, 500);
	peer_close(&a);
	hub_stop();
}

static void
refuses_old_and_weak_tls(void **state HUB_UNUSED)
{
	static const struct {
		int max;
		const char *ciphers, *groups;
		bool good;
	} cases[] = {
		{ TLS1_3_VERSION, NULL, NULL, true },
		{ TLS1_2_VERSION, NULL, NULL, true },
		{ TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384",
		    "P-384:P-256", true },
		{ TLS1_1_VERSION, NULL, NULL, false },
		{ TLS1_VERSION, NULL, NULL, false },
		{ TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", NULL, false },
		{ TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", NULL,
		    false },
		{ TLS1_3_VERSION, NULL, "X25519", false },
	};

	hub_start(tls_server);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p = peer_open(true, cases[i].max);

		if (cases[i].ciphers != NULL)
			(void)SSL_set_cipher_list(p.ssl, cases[i].ciphers);
		if (cases[i].groups != NULL)
			(void)SSL_set1_groups_list(p.ssl, cases[i].groups);
		if ((SSL_connect(p.ssl) == 1) != cases[i].good)
			fail_msg("case %zu", i);
		peer_close(&p);
		ERR_clear_error();
	}
	hub_stop();
}

static void
refuses_renegotiation(void **state HUB_UNUSED)
{
	struct peer p;

	hub_start(tls_server);
	p = peer_open(true, TLS1_2_VERSION);
	peer_send(&p, GET("/", ""));
	peer_expect(&p, "hello");
	(void)SSL_renegotiate(p.ssl);
	assert_int_not_equal(SSL_do_handshake(p.ssl), 1);
	ERR_clear_error();
	peer_close(&p);
	hub_stop();
}

static bool
has_bytes(EVP_PKEY *key)
{
	unsigned char *bytes = NULL;
	bool has = EVP_PKEY_get1_encoded_public_key(key, &bytes) > 0;

	OPENSSL_free(bytes);
	EVP_PKEY_free(key);
	return (has);
}

/* Both sides are ours here, as they are to clients and to brokers. */
static void
keeps_no_ephemeral_key(void **state HUB_UNUSED)
{
	static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
	char got[8] = "";

	for (size_t i = 0; i < 2; i++) {
		SSL *ends[2] = { tls_server_ssl(tls_server),
			tls_client_ssl(tls_client, "localhost") };
		EVP_PKEY *key;
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK,
				     0, fds), 0);
		assert_int_equal(SSL_set_max_proto_version(ends[1],
				     versions[i]), 1);
		for (int j = 0; j < 2; j++)
			(void)SSL_set_fd(ends[j], fds[j]);
		for (int j = 0; j < 20; j++)
			(void)SSL_do_handshake(ends[j % 2]);
		assert_int_equal(SSL_write(ends[0], "here", 4), 4);
		assert_int_equal(SSL_read(ends[1], got, 4), 4);
		assert_int_equal(SSL_write(ends[1], "back", 4), 4);
		assert_int_equal(SSL_read(ends[0], got, 4), 4);
		for (int j = 0; j < 2; j++) {
			if (SSL_get_tmp_key(ends[j], &key) == 1)
				assert_false(has_bytes(key));
			if (SSL_get_peer_tmp_key(ends[j], &key) == 1)
				assert_false(has_bytes(key));
			SSL_free(ends[j]);
			(void)close(fds[j]);
		}
	}
	assert_string_equal(got, "back");
}

static void
knows_the_hosts_of_its_certificate(void **state HUB_UNUSED)
{
	static const struct {
		const char *host;
		bool is;
	} cases[] = {
		{ "localhost", true }, { "LOCALHOST", true },
		{ "localhost.", true }, { "a.hub.example", true },
		{ "a.b.hub.example", false }, { "hub.example", false },
		{ ".hub.example", false }, { "127.0.0.1", false },
		{ "[::1]", false }, { "", false }, { "test", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (tls_server_is_host(tls_server, str_of(cases[i].host)) !=
		    cases[i].is)
			fail_msg("%s", cases[i].host);
}

static void
says_which_file_is_wrong(void **state HUB_UNUSED)
{
	struct tls_server *s = NULL;
	const char *why = NULL;

	assert_int_equal(tls_server_new("/nowhere.pem", key_file, NULL, &s,
			     &why), HUB_EIO);
	assert_non_null(strstr(why, "/nowhere.pem"));
	assert_int_equal(tls_server_new(cert_file, cert_file, NULL, &s, &why),
	    HUB_EIO);
	assert_non_null(strstr(why, "key"));
	assert_null(s);
}

static void
listens_where_it_is_told(void **state HUB_UNUSED)
{
	static const struct {
		const char *address;
		enum hub_err err;
	} cases[] = {
		{ "127.0.0.1:0", HUB_OK }, { "[::1]:0", HUB_OK },
		{ "localhost:0", HUB_ESYNTAX }, { "127.0.0.1", HUB_ESYNTAX },
		{ "127.0.0.1:65536", HUB_ERANGE }, { ":80", HUB_ESYNTAX },
		{ "[::1:0", HUB_ESYNTAX }, { "::1:0", HUB_ESYNTAX },
		{ "unix:relative", HUB_ESYNTAX }, { "", HUB_ESYNTAX },
		{ "192.0.2.1:80", HUB_EIO },
	};
	char path[80];
	uint16_t port;
	int fd;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum hub_err err =
		    http_listen(str_of(cases[i].address), &fd, &port);

		if (err != cases[i].err)
			fail_msg("%s: %s", cases[i].address, hub_err_str(err));
		if (err == HUB_OK) {
			assert_true(port > 0);
			(void)close(fd);
		}
	}
	(void)snprintf(path, sizeof(path), "unix:%s/sock", net_dir);
	for (int i = 0; i < 2; i++) { /* also over a socket left behind */
		assert_int_equal(
		    http_listen(str_of(path), &fd, &port), HUB_OK);
		if (i == 0)
			(void)close(fd);
	}
	{
		int other;

		assert_int_equal(
		    http_listen(str_of(path), &other, &port), HUB_EIO);
	}
	(void)close(fd);
	(void)unlink(path + 5);
}

int
main(void)
{
#define S(f) cmocka_unit_test_setup(f, hub_setup)
	const struct CMUnitTest tests[] = {
		S(answers_many_requests_on_one_connection),
		S(answers_pipelined_requests_in_order),
		S(sends_no_body_where_there_is_none),
		S(closes_after_http_1_0),
		S(serves_a_large_body_to_a_slow_reader),
		S(takes_bodies_of_all_framings),
		S(says_continue_before_the_body),
		S(refuses_what_breaks_a_limit),
		S(ends_every_wait_at_its_deadline),
		S(closes_on_a_client_that_takes_nothing),
		S(answers_a_client_that_only_stopped_sending),
		S(tells_the_handler_of_a_reset),
		S(aborts_open_exchanges_when_freed),
		S(drains_without_losing_an_answer),
		S(answers_what_came_before_it_drains),
		S(caps_the_number_of_connections),
		S(accepts_again_when_descriptors_are_back),
		S(refuses_old_and_weak_tls),
		S(refuses_renegotiation),
		S(keeps_no_ephemeral_key),
		S(knows_the_hosts_of_its_certificate),
		S(says_which_file_is_wrong),
		S(listens_where_it_is_told),
	};

	return (cmocka_run_group_tests(tests, net_setup, net_teardown));
}
