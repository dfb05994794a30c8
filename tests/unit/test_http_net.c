/* test_http_net.c - the HTTP server and client over loopback sockets: a hub
 * side in a loop of its own, and scripted peers that block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/http_client.h"
#include "server/net/http_conn.h"

#define BIG ((size_t)5 << 20)

static char dir[] = "/tmp/hub-test-XXXXXX", cert_file[64], key_file[64];
static struct tls_server *tls_server;
static struct tls_client *tls_client;

/* ---- a certificate ---- */

static void
write_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL,
	    NID_subject_alt_name, "DNS:localhost,DNS:*.hub.example");
	FILE *f = fopen(cert_file, "w");

	assert_non_null(f);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_set_version(x, X509_VERSION_3);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	(void)X509_set_pubkey(x, key);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	(void)X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_int_equal(X509_add_ext(x, san, -1), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	(void)fclose(f);
	X509_EXTENSION_free(san);
	X509_free(x);
}

static int
group_setup(void **state HUB_UNUSED)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	const char *why = "";
	FILE *f;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(cert_file, sizeof(cert_file), "%s/hub.pem", dir);
	(void)snprintf(key_file, sizeof(key_file), "%s/hub.key", dir);
	f = fopen(key_file, "w");
	assert_non_null(f);
	assert_int_equal(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(f);
	write_certificate(key);
	EVP_PKEY_free(key);
	assert_int_equal(tls_server_new(cert_file, key_file, NULL, &tls_server,
			     &why), HUB_OK);
	assert_int_equal(
	    tls_client_new(cert_file, NULL, NULL, &tls_client, &why), HUB_OK);
	return (0);
}

static int
group_teardown(void **state HUB_UNUSED)
{
	tls_server_free(tls_server);
	tls_client_free(tls_client);
	(void)unlink(cert_file);
	(void)unlink(key_file);
	(void)rmdir(dir);
	return (0);
}

/* ---- the server under test, in its thread ---- */

static struct hub {
	struct loop *loop;
	struct http_server *server;
	pthread_t thread;
	uint16_t port;
	struct http_limits limits;
	struct http_exchange *held;
	struct timer answer_later;
	atomic_int requests, aborts, drained;
	atomic_uint connections;
} hub;

static void
reply_text(struct http_exchange *ex, int status, const char *text)
{
	struct buf body;

	buf_init(&body, BIG);
	buf_adds(&body, str_of(text));
	http_reply(ex, status, STR("Content-Type: text/plain\r\n"), &body);
	assert_int_equal(body.len, 0);
}

static void
on_answer_later(void *arg HUB_UNUSED)
{
	reply_text(hub.held, 200, "late");
}

static void
on_aborted(void *arg HUB_UNUSED)
{
	timer_clear(&hub.answer_later);
	hub.aborts++;
}

static void
reply_big(struct http_exchange *ex)
{
	struct buf body;
	char *p;

	buf_init(&body, BIG);
	p = buf_room(&body, BIG);
	for (size_t i = 0; i < BIG; i++)
		p[i] = (char)('a' + i % 23);
	body.len = BIG;
	http_reply(ex, 200, STR_NONE, &body);
}

static void
on_request(struct http_exchange *ex, void *arg)
{
	struct str target = http_exchange_head(ex)->target;
	struct buf body;

	assert_ptr_equal(arg, &hub);
	hub.requests++;
	if (str_eq(target, STR("/echo"))) {
		buf_init(&body, BIG);
		buf_adds(&body, http_exchange_body(ex));
		http_reply(ex, 200, STR_NONE, &body);
	} else if (str_eq(target, STR("/big"))) {
		reply_big(ex);
	} else if (str_eq(target, STR("/none"))) {
		reply_text(ex, 204, "");
	} else if (str_eq(target, STR("/peer"))) {
		buf_init(&body, 99);
		buf_adds(&body, http_exchange_peer(ex));
		http_reply(ex, 200, STR_NONE, &body);
	} else if (str_eq(target, STR("/late"))) {
		hub.held = ex;
		http_exchange_on_abort(ex, on_aborted, NULL);
		timer_set(&hub.answer_later, 150);
	} else {
		reply_text(ex, 200, "hello");
	}
}

static void *
hub_thread(void *arg HUB_UNUSED)
{
	loop_run(hub.loop);
	return (NULL);
}

static void
hub_start(struct tls_server *tls)
{
	int fd;

	hub.loop = loop_new();
	hub.requests = hub.aborts = hub.drained = 0;
	timer_init(&hub.answer_later, hub.loop, on_answer_later, NULL);
	assert_int_equal(http_listen(STR("127.0.0.1:0"), &fd, &hub.port),
	    HUB_OK);
	hub.server = http_server_new(
	    hub.loop, fd, tls, &hub.limits, on_request, &hub);
	assert_int_equal(
	    pthread_create(&hub.thread, NULL, hub_thread, NULL), 0);
}

static void
hub_stop(void)
{
	loop_stop(hub.loop);
	(void)pthread_join(hub.thread, NULL);
	timer_clear(&hub.answer_later);
	http_server_free(hub.server);
	loop_free(hub.loop);
}

static int
setup(void **state HUB_UNUSED)
{
	hub.limits = (struct http_limits){ .header = 4096, .body = 1 << 20,
		.connections = 10, .header_ms = 2000, .body_ms = 2000,
		.idle_ms = 2000, .handshake_ms = 2000, .write_ms = 2000 };
	return (0);
}

static void
on_drained(void *arg HUB_UNUSED)
{
	hub.drained++;
}

static void
do_drain(void *arg HUB_UNUSED)
{
	http_server_drain(hub.server, on_drained, NULL);
}

static void
do_count(void *arg HUB_UNUSED)
{
	hub.connections = http_server_connections(hub.server) + 1000;
}

static unsigned
hub_connections(void)
{
	hub.connections = 0;
	loop_post(hub.loop, do_count, NULL);
	while (hub.connections == 0)
		(void)usleep(1000);
	return (hub.connections - 1000);
}

/* ---- a blocking client ---- */

struct peer {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	struct buf got;
};

static int
dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval wait = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return (fd);
}

static struct peer
peer_open(bool tls, int max_version)
{
	struct peer p = { .fd = dial(hub.port) };

	buf_init(&p.got, BIG * 2);
	if (tls) {
		p.ctx = SSL_CTX_new(TLS_client_method());
		(void)SSL_CTX_set_min_proto_version(p.ctx, 0);
		SSL_CTX_set_security_level(p.ctx, 0);
		if (max_version != 0)
			(void)SSL_CTX_set_max_proto_version(
			    p.ctx, max_version);
		p.ssl = SSL_new(p.ctx);
		(void)SSL_set_fd(p.ssl, p.fd);
		SSL_set_connect_state(p.ssl);
	}
	return (p);
}

static void
peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	(void)close(p->fd);
	buf_clear(&p->got);
}

static void
peer_send(struct peer *p, struct str s)
{
	if (p->ssl != NULL)
		assert_int_equal(SSL_write(p->ssl, s.p, (int)s.len), s.len);
	else
		assert_int_equal(
		    send(p->fd, s.p, s.len, MSG_NOSIGNAL), s.len);
}

/* false at the end; a silence of 5 s is a failed test. */
static bool
peer_recv(struct peer *p, size_t max)
{
	char *to = buf_room(&p->got, max);
	ssize_t n;

	assert_non_null(to);
	if (p->ssl != NULL)
		n = SSL_read(p->ssl, to, (int)max);
	else
		n = recv(p->fd, to, max, 0);
	assert_false(n < 0 && p->ssl == NULL && errno == EAGAIN);
	if (n <= 0)
		return (false);
	p->got.len += (size_t)n;
	return (true);
}

static size_t
count(const struct buf *b, const char *what)
{
	size_t n = 0, len = strlen(what);
	const char *at = b->p, *end = b->p + b->len;

	while (at != NULL && (at = memmem(at, (size_t)(end - at), what, len)) !=
	    NULL) {
		n++;
		at += len;
	}
	return (n);
}

static void
peer_expect(struct peer *p, const char *what)
{
	while (count(&p->got, what) == 0)
		assert_true(peer_recv(p, 65536));
}

static void
peer_expect_end(struct peer *p)
{
	while (peer_recv(p, 65536))
		continue;
}

static int64_t
ms_since(struct mono_us from)
{
	return ((clock_mono().us - from.us) / 1000);
}

#define GET(path, more) STR("GET " path " HTTP/1.1\r\nHost: h\r\n" more "\r\n")

/* ---- server ---- */

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
			    count(&p.got, "Content-Length: 5\r\n"), 1);
			assert_int_equal(count(&p.got, " GMT\r\n"), 1);
			assert_int_equal(count(&p.got, "Connection"), 0);
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
		assert_int_equal(count(&p.got, "HTTP/1.1 200 OK\r\n"), 201);
		assert_int_equal(count(&p.got, "\r\n\r\n0000HTTP"), 1);
		assert_int_equal(count(&p.got, "\r\n\r\n0199HTTP"), 1);
		assert_int_equal(count(&p.got, "\r\n\r\nlateHTTP"), 1);
		assert_int_equal(count(&p.got, "HTTP/1.1 204 "), 1);
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
	assert_int_equal(count(&p.got, "Content-Length: 5\r\n"), 1);
	assert_int_equal(count(&p.got, "hello"), 0);
	assert_int_equal(count(&p.got, "Content-Length"), 1); /* not at 204 */
	assert_int_equal(count(&p.got, "\r\n\r\nHTTP/1.1 204"), 1);
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
	assert_int_equal(count(&p.got, "Connection: close\r\n"), 1);
	assert_int_equal(count(&p.got, "\r\n\r\n127.0.0.1"), 1);
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
	assert_int_equal(count(&p.got, "100 Continue"), 0);
	assert_int_equal(count(&p.got, "HTTP/1.1 413 "), 1);
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
		if (count(&p.got, line) != 1)
			fail_msg("%zu: no %d in %.*s", i, cases[i].status,
			    STR_FMT(buf_str(&p.got)));
		(void)snprintf(
		    line, sizeof(line), "\"status\":%d}", cases[i].status);
		assert_int_equal(count(&p.got, line), 1);
		assert_int_equal(
		    count(&p.got, "application/problem+json"), 1);
		assert_int_equal(count(&p.got, "Connection: close"), 1);
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

		(void)setup(NULL);
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
			assert_int_equal(count(&p.got, cases[i].answer), 2);
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
	assert_int_equal(count(&p.got, "\r\n\r\nlate"), 1);
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
	assert_int_equal(count(&busy.got, "Connection: close\r\n"), 1);
	assert_int_equal(count(&busy.got, "\r\n\r\nlate"), 1);
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
		assert_int_equal(count(&idle.got, "Connection: close\r\n"), 1);
		assert_int_equal(count(&idle.got, "hello"), 1);
		peer_expect_end(&fresh);
		assert_int_equal(count(&fresh.got, "hello"), tls ? 0 : 1);
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
	(void)snprintf(path, sizeof(path), "unix:%s/sock", dir);
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

/* ---- the client, against scripted brokers ---- */

/* One line of a script: what the broker does on its n-th connection. */
struct act {
	enum { ACT_END, ACT_ACCEPT, ACT_READ, ACT_SEND, ACT_CLOSE, ACT_SLEEP,
		ACT_DRIP, ACT_BIG } what;
	const char *text;
	int ms;
};

static struct broker {
	pthread_t thread;
	const struct act *script;
	bool tls;
	int listener;
	uint16_t port;
	atomic_int accepted, read;
} broker;

struct wire {
	int fd;
	SSL *ssl;
};

static void
wire_send(struct wire *w, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t r = w->ssl != NULL ? SSL_write(w->ssl, p, (int)n) :
		    send(w->fd, p, n, MSG_NOSIGNAL);

		if (r <= 0)
			return; /* the test's other side looks at the result */
		p += r;
		n -= (size_t)r;
	}
}

static void
wire_read_request(struct wire *w)
{
	char text[4096];
	size_t n = 0;

	while (n < sizeof(text) && (n < 4 || memmem(text, n, "\r\n\r\n", 4) ==
	    NULL)) {
		ssize_t r = w->ssl != NULL ? SSL_read(w->ssl, text + n,
		    (int)(sizeof(text) - n)) :
		    recv(w->fd, text + n, sizeof(text) - n, 0);

		if (r <= 0)
			return;
		n += (size_t)r;
	}
	broker.read++;
}

static void
wire_big(struct wire *w)
{
	char *p = xmalloc(BIG);
	char head[64];

	memset(p, 'z', BIG);
	(void)snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", BIG);
	wire_send(w, head, strlen(head));
	wire_send(w, p, BIG);
	free(p);
}

static void
wire_close(struct wire *w)
{
	if (w->ssl != NULL)
		(void)SSL_shutdown(w->ssl);
	SSL_free(w->ssl);
	if (w->fd >= 0)
		(void)close(w->fd);
	*w = (struct wire){ .fd = -1 };
}

static void
wire_accept(struct wire *w)
{
	wire_close(w);
	w->fd = accept(broker.listener, NULL, NULL);
	broker.accepted++;
	if (broker.tls) {
		w->ssl = tls_server_ssl(tls_server);
		(void)SSL_set_fd(w->ssl, w->fd);
		(void)SSL_accept(w->ssl);
	}
}

static void *
broker_thread(void *arg HUB_UNUSED)
{
	struct wire w = { .fd = -1 };

	for (const struct act *a = broker.script; a->what != ACT_END; a++) {
		switch (a->what) {
		case ACT_ACCEPT:
			wire_accept(&w);
			break;
		case ACT_READ:
			wire_read_request(&w);
			break;
		case ACT_SEND:
			wire_send(&w, a->text, strlen(a->text));
			break;
		case ACT_DRIP:
			for (int i = 0; i < a->ms / 20; i++) {
				wire_send(&w, "x", 1);
				(void)usleep(20000);
			}
			break;
		case ACT_BIG:
			wire_big(&w);
			break;
		case ACT_SLEEP:
			(void)usleep((useconds_t)a->ms * 1000);
			break;
		case ACT_CLOSE:
		case ACT_END:
		default:
			wire_close(&w);
		}
	}
	wire_close(&w);
	ERR_clear_error();
	return (NULL);
}

static void
broker_start(const struct act *script, bool tls)
{
	broker.script = script;
	broker.tls = tls;
	broker.accepted = broker.read = 0;
	assert_int_equal(
	    http_listen(STR("127.0.0.1:0"), &broker.listener, &broker.port),
	    HUB_OK);
	(void)fcntl(broker.listener, F_SETFL, 0);
	assert_int_equal(
	    pthread_create(&broker.thread, NULL, broker_thread, NULL), 0);
}

static void
broker_stop(void)
{
	(void)pthread_join(broker.thread, NULL);
	(void)close(broker.listener);
}

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
#define S(f) cmocka_unit_test_setup(f, setup)
#define C(f) cmocka_unit_test_setup(f, client_setup)
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
		S(knows_the_hosts_of_its_certificate),
		S(says_which_file_is_wrong),
		S(listens_where_it_is_told),
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

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
