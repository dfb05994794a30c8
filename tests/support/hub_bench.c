/* hub_bench.c - see hub_bench.h. */
#include "tests/support/hub_bench.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct hub hub;

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

void
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

void
hub_stop(void)
{
	loop_stop(hub.loop);
	(void)pthread_join(hub.thread, NULL);
	timer_clear(&hub.answer_later);
	http_server_free(hub.server);
	loop_free(hub.loop);
}

int
hub_setup(void **state HUB_UNUSED)
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

void
do_drain(void *arg HUB_UNUSED)
{
	http_server_drain(hub.server, on_drained, NULL);
}

static void
do_count(void *arg HUB_UNUSED)
{
	hub.connections = http_server_connections(hub.server) + 1000;
}

unsigned
hub_connections(void)
{
	hub.connections = 0;
	loop_post(hub.loop, do_count, NULL);
	while (hub.connections == 0)
		(void)usleep(1000);
	return (hub.connections - 1000);
}

/* ---- a blocking client ---- */

struct peer
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

void
peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	(void)close(p->fd);
	buf_clear(&p->got);
}

void
peer_send(struct peer *p, struct str s)
{
	if (p->ssl != NULL)
		assert_int_equal(SSL_write(p->ssl, s.p, (int)s.len), s.len);
	else
		assert_int_equal(
		    send(p->fd, s.p, s.len, MSG_NOSIGNAL), s.len);
}

bool
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

size_t
times_in(const struct buf *b, const char *what)
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

void
peer_expect(struct peer *p, const char *what)
{
	while (times_in(&p->got, what) == 0)
		assert_true(peer_recv(p, 65536));
}

void
peer_expect_end(struct peer *p)
{
	while (peer_recv(p, 65536))
		continue;
}
