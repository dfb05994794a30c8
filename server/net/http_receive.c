/* http_receive.c - a request as it comes in: its head, its body, and what may
 * come while it is answered; http_conn.h says what is promised. */
#include <errno.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "server/net/h2.h"

#define BODY_STEP ((size_t)65536) /* room made ahead of a body */

ssize_t
conn_read(struct conn *c, char *p, size_t n)
{
	int want = LOOP_READ;
	ssize_t r = tls_read(c->ssl, c->fd, p, n, &want);

	if (c->shaking && SSL_is_init_finished(c->ssl)) {
		c->shaking = false;
		conn_wait(c, WAIT_IDLE);
		if (tls_is_h2(c->ssl))
			h2_begin(c);
	}
	/* OpenSSL may hold bytes that epoll knows nothing of; a plain socket
	 * that gave less than there was room for is empty. */
	c->more = r > 0 &&
	    (c->ssl != NULL ? SSL_has_pending(c->ssl) == 1 : (size_t)r == n);
	if (r == 0)
		watch_set(&c->watch, want);
	return (r);
}

static enum step
conn_dispatch(struct conn *c)
{
	c->state = CONN_OPEN;
	conn_wait(c, WAIT_NOTHING);
	c->server->fn(c->ex, c->server->arg);
	return (c->state == CONN_OPEN ? STEP_WAIT : STEP_MORE);
}

static enum step
begin_body(struct conn *c)
{
	struct http_exchange *ex = c->ex;
	size_t here = c->in_len - c->in_from;

	if (ex->head.framing == HTTP_BODY_LENGTH) {
		if (ex->head.content_length > c->server->limits.body) {
			conn_refuse(c, 413);
			return (STEP_MORE);
		}
		if (ex->head.content_length <= here) {
			ex->body_str.p = c->in + c->in_from;
			ex->body_str.len = (size_t)ex->head.content_length;
			c->in_from += ex->body_str.len;
			return (conn_dispatch(c));
		}
	}
	buf_init(&ex->body,
	    c->server->limits.body > 0 ? c->server->limits.body : 1);
	c->state = CONN_BODY;
	conn_wait(c, WAIT_BODY);
	if (ex->head.framing == HTTP_BODY_LENGTH) {
		buf_add(&ex->body, c->in + c->in_from, here);
		c->in_from = c->in_len;
	}
	if (ex->head.expect_continue && ex->head.minor > 0 && here == 0)
		conn_continue(c);
	return (STEP_MORE);
}

static enum step
conn_begin(struct conn *c)
{
	struct http_exchange *ex = c->ex;

	c->in_from = ex->head.size;
	if (ex->head.framing == HTTP_BODY_NONE)
		return (conn_dispatch(c));
	return (begin_body(c));
}

static enum step
head_parse(struct conn *c)
{
	const struct str bytes = { c->in, c->in_len };
	int status = 400;

	if (c->ex == NULL) {
		c->ex = server_exchange(c->server);
		c->ex->conn = c;
		c->ex->stream = NULL;
		c->ex->body_str = STR_NONE;
		c->ex->body = (struct buf){ .p = NULL };
		memset(&c->ex->chunked, 0, sizeof(c->ex->chunked));
		c->ex->on_abort = NULL;
	}
	switch (http_parse_request(bytes, &c->scanned, c->server->limits.header,
	    &c->ex->head, &status)) {
	case HTTP_DONE:
		return (conn_begin(c));
	case HTTP_MORE:
		/* Only the deadline of the head counts, whatever drips in. */
		conn_wait(c, WAIT_HEADER);
		return (STEP_WAIT);
	case HTTP_BAD:
	default:
		conn_refuse(c, status);
		return (STEP_MORE);
	}
}

enum step
step_head(struct conn *c)
{
	ssize_t r;

	if (c->in == NULL)
		c->in = loop_buf_borrow(c->server->loop);
	if (c->in_len > 0) {
		if (head_parse(c) == STEP_MORE)
			return (STEP_MORE);
		if (c->state != CONN_HEAD)
			return (STEP_WAIT);
	}
	assert(c->in_len < LOOP_BUF_SIZE); /* the parser refuses before */
	r = conn_read(c, c->in + c->in_len, LOOP_BUF_SIZE - c->in_len);
	if (r > 0) {
		c->in_len += (size_t)r;
		return (STEP_MORE);
	}
	if (r == -1)
		conn_end(c);
	else if (r < 0)
		conn_close(c);
	else if (c->state == CONN_H2) /* which has something to say first */
		return (STEP_MORE);
	else if (c->in_len == 0 && c->server->fd < 0 && !c->shaking)
		conn_end(c); /* what could be read was no request */
	else if (c->in_len == 0)
		conn_drop_in(c);
	return (STEP_WAIT);
}

/* What there is of a chunked body; STEP_WAIT: more is needed. */
static enum step
body_feed(struct conn *c)
{
	struct http_exchange *ex = c->ex;
	const struct str here = { c->in + c->in_from, c->in_len - c->in_from };
	enum http_parsed r;
	size_t used = 0;

	r = http_chunked_feed(&ex->chunked, here, &used, &ex->body);
	c->in_from += used;
	if (ex->body.failed || ex->body.len > c->server->limits.body) {
		conn_refuse(c, 413);
		return (STEP_MORE);
	}
	if (r == HTTP_BAD) {
		conn_refuse(c, 400);
		return (STEP_MORE);
	}
	if (r == HTTP_DONE) {
		ex->body_str = buf_str(&ex->body);
		return (conn_dispatch(c));
	}
	assert(c->in_from == c->in_len);
	c->in_from = c->in_len = ex->head.size;
	return (STEP_WAIT);
}

static ssize_t
body_read(struct conn *c)
{
	struct http_exchange *ex = c->ex;
	size_t room;
	ssize_t r;
	char *p;

	if (ex->head.framing == HTTP_BODY_CHUNKED) {
		r = conn_read(c, c->in + c->in_len, LOOP_BUF_SIZE - c->in_len);
		if (r > 0)
			c->in_len += (size_t)r;
		return (r);
	}
	room = (size_t)ex->head.content_length - ex->body.len;
	if (room > BODY_STEP)
		room = BODY_STEP;
	p = buf_room(&ex->body, room);
	assert(p != NULL); /* content_length is within the ceiling */
	r = conn_read(c, p, room);
	if (r > 0)
		ex->body.len += (size_t)r;
	return (r);
}

enum step
step_body(struct conn *c)
{
	struct http_exchange *ex = c->ex;
	ssize_t r;

	if (c->out != NULL) { /* 100 Continue */
		switch (conn_flush(c)) {
		case 0:
			return (STEP_WAIT);
		case -1:
			conn_close(c);
			return (STEP_WAIT);
		default:
			watch_set(&c->watch, LOOP_READ);
		}
	}
	if (ex->head.framing == HTTP_BODY_CHUNKED) {
		if (c->in_from < c->in_len &&
		    (body_feed(c) == STEP_MORE || c->state != CONN_BODY))
			return (c->state == CONN_OPEN ? STEP_WAIT : STEP_MORE);
	} else if (ex->body.len == ex->head.content_length) {
		ex->body_str = buf_str(&ex->body);
		return (conn_dispatch(c));
	}
	r = body_read(c);
	if (r > 0)
		return (STEP_MORE);
	if (r < 0)
		conn_close(c);
	return (STEP_WAIT);
}

/* Something can be read while the handler is at work. */
enum step
step_open(struct conn *c)
{
	char peeked;

	if (recv(c->fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
		watch_set(&c->watch, 0);
		c->more = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		conn_close(c);
	}
	return (STEP_WAIT);
}
