/* script_bench.c - see script_bench.h. */
#include "tests/support/script_bench.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/http_conn.h"

struct broker broker;

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

void
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

void
broker_stop(void)
{
	(void)pthread_join(broker.thread, NULL);
	(void)close(broker.listener);
}
