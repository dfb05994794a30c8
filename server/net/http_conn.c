/* http_conn.c - connections of clients, their life and their waits;
 * http_conn.h says what they promise.
 *
 * A connection is one small state machine. conn_run() steps it until it must
 * wait; everything else (events, timers, http_reply) only notes what happened
 * and runs it. What a request needs (the exchange with its parsed head, the
 * buffers) is lent while the request is in flight, so an idle connection is
 * this struct, one event and OpenSSL's own state.
 *
 * The read watch stays on between requests and during them: no epoll_ctl per
 * request. If something arrives while an exchange is open, the watch pauses
 * (the bytes wait in the kernel, which holds the client back in turn) and is
 * set again for the next request.
 *
 * Who has gone away? A reset aborts the exchange. The end of the client's
 * sending side does not: shutdown(SHUT_WR) and a TLS close_notify say "no
 * more requests", and close() looks the same from here. Such a request is
 * answered, and if nobody is there any more, the write fails and ends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/h2.h"

#define RUN_BATCH    64		      /* steps before others have a turn */
#define LINGER_MS    1000	      /* for a refused client to read why */
#define LINGER_BYTES ((size_t)262144) /* and to stop sending */

static void on_conn(int, int, void *);
static void on_conn_timer(void *);
static void on_conn_again(void *);
static void conn_free(void *);

void
conn_new(struct http_server *s, int fd, const union conn_peer *peer,
    struct crowd_seat *address)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->server = s;
	c->fd = fd;
	c->peer = *peer;
	c->address = address;
	c->body.max = 1;
	c->prev = s->conns.prev;
	c->next = &s->conns;
	c->prev->next = c->next->prev = c;
	s->nconns++;
	watch_init(&c->watch, s->loop, fd, on_conn, c);
	timer_init(&c->timer, s->loop, on_conn_timer, c);
	if (s->tls != NULL) {
		c->ssl = tls_server_ssl(s->tls);
		c->shaking = true;
		if (SSL_set_fd(c->ssl, fd) != 1) {
			conn_close(c);
			return;
		}
	}
	c->wait = c->shaking ? WAIT_HANDSHAKE : WAIT_IDLE;
	timer_set(&c->timer,
	    c->shaking ? s->limits.handshake_ms : s->limits.idle_ms);
	watch_set(&c->watch, LOOP_READ);
}

void
conn_wait(struct conn *c, enum conn_wait wait)
{
	const struct http_limits *m = &c->server->limits;
	const int ms[] = {
		[WAIT_NOTHING] = 0,
		[WAIT_HANDSHAKE] = m->handshake_ms,
		[WAIT_IDLE] = m->idle_ms,
		[WAIT_HEADER] = m->header_ms,
		[WAIT_BODY] = m->body_ms,
		[WAIT_WRITE] = m->write_ms,
		[WAIT_LINGER] = LINGER_MS,
	};

	if (c->wait == wait)
		return;
	c->wait = wait;
	if (wait == WAIT_NOTHING)
		timer_clear(&c->timer);
	else
		timer_set(&c->timer, ms[wait]);
}

static void
on_conn_timer(void *arg)
{
	struct conn *c = arg;

	if (c->h2 != NULL) {
		h2_timeout(c);
		return;
	}
	switch (c->wait) {
	case WAIT_HEADER:
	case WAIT_BODY:
		conn_refuse(c, 408);
		conn_run(c);
		break;
	case WAIT_IDLE:
		conn_end(c);
		break;
	default:
		conn_close(c);
	}
}

bool
conn_is_idle(const struct conn *c)
{
	char byte;

	return (c->state == CONN_HEAD && c->in_len == 0 && !c->running &&
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0);
}

void
conn_leave(struct conn *c)
{
	c->wait = WAIT_IDLE;
	timer_set(&c->timer, LEAVE_MS);
}

/* ---- ending ---- */

void
conn_drop_in(struct conn *c)
{
	loop_buf_return(c->server->loop, c->in);
	c->in = NULL;
	c->in_from = c->in_len = c->scanned = 0;
}

void
conn_drop_out(struct conn *c)
{
	if (c->out_cap == LOOP_BUF_SIZE)
		loop_buf_return(c->server->loop, c->out);
	else
		free(c->out);
	c->out = NULL;
	c->out_cap = c->out_len = c->out_off = 0;
}

void
conn_drop_exchange(struct conn *c)
{
	struct http_exchange *ex = c->ex;

	if (ex == NULL)
		return;
	c->ex = NULL;
	buf_clear(&ex->body);
	server_exchange_put(c->server, ex);
}

void
conn_close(struct conn *c)
{
	loop_fn *on_abort = NULL;
	void *abort_arg = NULL;
	struct h2 *h2 = c->h2;

	if (c->state == CONN_DEAD)
		return;
	if (c->state == CONN_OPEN) {
		on_abort = c->ex->on_abort;
		abort_arg = c->ex->abort_arg;
	}
	conn_tell_sent(c, false);
	if (h2 != NULL)
		h2_cut(h2);
	c->state = CONN_DEAD;
	watch_clear(&c->watch);
	timer_clear(&c->timer);
	SSL_free(c->ssl);
	c->ssl = NULL;
	(void)close(c->fd);
	conn_drop_exchange(c);
	conn_drop_in(c);
	conn_drop_out(c);
	buf_clear(&c->body);
	crowd_leave(c->server->crowd, &c->address);
	crowd_leave(c->server->crowd, &c->owner);
	/* conn_run may be at work on it further up. */
	defer_set(c->server->loop, &c->defer, conn_free, c);
	server_bury(c->server, c);
	if (h2 != NULL)
		h2_end(h2);
	if (on_abort != NULL)
		on_abort(abort_arg);
}

static void
conn_free(void *arg)
{
	struct conn *c = arg;

	c->prev->next = c->next;
	c->next->prev = c->prev;
	free(c);
}

static void
conn_goodbye(struct conn *c)
{
	if (c->ssl == NULL || c->shaking)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(c->ssl);
	ERR_clear_error();
}

void
conn_end(struct conn *c)
{
	conn_goodbye(c);
	conn_close(c);
}

void
conn_linger(struct conn *c)
{
	conn_goodbye(c);
	(void)shutdown(c->fd, SHUT_WR);
	c->state = CONN_LINGER;
	conn_wait(c, WAIT_LINGER);
	watch_set(&c->watch, LOOP_READ);
}

static enum step
step_linger(struct conn *c)
{
	char trash[4096];
	ssize_t n;

	n = recv(c->fd, trash, sizeof(trash), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return (STEP_WAIT);
	if (n > 0)
		c->lingered += (size_t)n;
	if (n > 0 && c->lingered <= LINGER_BYTES)
		return (STEP_MORE);
	conn_close(c);
	return (STEP_WAIT);
}

/* ---- the machine ---- */

void
conn_run(struct conn *c)
{
	static enum step (*const steps[])(struct conn *) = {
		[CONN_HEAD] = step_head,
		[CONN_BODY] = step_body,
		[CONN_OPEN] = step_open,
		[CONN_REPLY] = step_reply,
		[CONN_LINGER] = step_linger,
		[CONN_H2] = step_h2,
	};
	enum step next = STEP_MORE;

	if (c->running)
		return;
	c->running = true;
	for (int i = 0; i < RUN_BATCH && next == STEP_MORE &&
	    c->state != CONN_DEAD; i++)
		next = steps[c->state](c);
	c->running = false;
	if (next == STEP_MORE && c->state != CONN_DEAD)
		conn_run_later(c);
}

void
conn_run_later(struct conn *c)
{
	defer_set(c->server->loop, &c->defer, on_conn_again, c);
}

static void
on_conn_again(void *arg)
{
	conn_run(arg);
}

static void
on_conn(int fd HUB_UNUSED, int what HUB_UNUSED, void *arg)
{
	struct conn *c = arg;

	/* HTTP/2 is read at any time, but only when there is something. */
	if (c->h2 != NULL)
		c->more = true;
	conn_run(c);
}

/* ---- what a handler may ask ---- */

const struct http_head *
http_exchange_head(const struct http_exchange *ex)
{
	return (&ex->head);
}

struct str
http_exchange_body(const struct http_exchange *ex)
{
	return (ex->body_str);
}

struct loop *
http_exchange_loop(const struct http_exchange *ex)
{
	return (ex->conn->server->loop);
}

bool
http_exchange_is_tls(const struct http_exchange *ex)
{
	return (ex->conn->ssl != NULL);
}

/* OpenSSL keeps the certificate as long as the connection. It is looked at
 * each time, for it can expire meanwhile. */
bool
http_exchange_client_cert(
    const struct http_exchange *ex, unsigned char out[SHA256_LEN])
{
	return (ex->conn->ssl != NULL &&
	    tls_peer_thumbprint(ex->conn->ssl, out));
}

bool
http_exchange_seat(struct http_exchange *ex, struct str who, unsigned max)
{
	struct conn *c = ex->conn;
	struct crowd *crowd = c->server->crowd;
	struct crowd_seat *seat;

	if (crowd == NULL || max == 0 || crowd_is(c->owner, who))
		return (true);
	seat = crowd_enter(crowd, who, max);
	if (seat == NULL) {
		c->close = true;
		return (false);
	}
	crowd_leave(crowd, &c->owner);
	c->owner = seat;
	return (true);
}

void
http_exchange_on_abort(struct http_exchange *ex, loop_fn *fn, void *arg)
{
	ex->on_abort = fn;
	ex->abort_arg = arg;
}

void
http_exchange_on_sent(struct http_exchange *ex, http_sent_fn *fn, void *arg)
{
	if (ex->stream != NULL) {
		h2_on_sent(ex, fn, arg);
		return;
	}
	ex->conn->on_sent = fn;
	ex->conn->sent_arg = arg;
}

struct str
http_exchange_peer(struct http_exchange *ex)
{
	char *text = ex->peer;
	const union conn_peer *peer = &ex->conn->peer;
	const void *bytes;

	switch (peer->sa.sa_family) {
	case AF_INET:
		bytes = &peer->in.sin_addr;
		return (str_of(inet_ntop(
		    AF_INET, bytes, text, INET6_ADDRSTRLEN)));
	case AF_INET6:
		bytes = &peer->in6.sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr))
			return (str_of(inet_ntop(AF_INET,
			    peer->in6.sin6_addr.s6_addr + 12, text,
			    INET6_ADDRSTRLEN)));
		return (str_of(inet_ntop(
		    AF_INET6, bytes, text, INET6_ADDRSTRLEN)));
	default:
		return (STR("unix"));
	}
}
