/* http_reply.c - an answer on its way out; http_conn.h says what is
 * promised. */
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "server/net/h2.h"

#define GATHER	  ((size_t)16384) /* one TLS record */
#define HEAD_ROOM ((size_t)256)	  /* of an answer, beside its fields */

static void
out_add(struct conn *c, const char *p, size_t n)
{
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
}

/* Room for n more bytes of answer. */
static void
out_room(struct conn *c, size_t n)
{
	char *bigger;

	if (c->out == NULL && n <= LOOP_BUF_SIZE) {
		c->out = loop_buf_borrow(c->server->loop);
		c->out_cap = LOOP_BUF_SIZE;
	}
	if (c->out_cap - c->out_len >= n)
		return;
	n += c->out_len + 1;
	/* One more than a lent one, which out_cap tells apart. */
	if (n <= LOOP_BUF_SIZE)
		n = LOOP_BUF_SIZE + 1;
	bigger = xmalloc(n);
	if (c->out != NULL && c->out_len > 0)
		memcpy(bigger, c->out, c->out_len);
	if (c->out_cap == LOOP_BUF_SIZE)
		loop_buf_return(c->server->loop, c->out);
	else
		free(c->out);
	c->out = bigger;
	c->out_cap = n;
}

void
conn_out_add(struct conn *c, const char *p, size_t n)
{
	out_room(c, n);
	out_add(c, p, n);
}

void
conn_continue(struct conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	out_room(c, sizeof(go_on));
	out_add(c, go_on, sizeof(go_on) - 1);
}

int
conn_flush(struct conn *c)
{
	int want = LOOP_WRITE;
	bool progress = false;
	ssize_t r = 1;

	while (r > 0 && c->out_off < c->out_len) {
		r = tls_write(c->ssl, c->fd, c->out + c->out_off,
		    c->out_len - c->out_off, &want);
		if (r > 0)
			c->out_off += (size_t)r;
		progress |= r > 0;
	}
	while (r > 0 && c->body_off < c->body.len) {
		r = tls_write(c->ssl, c->fd, c->body.p + c->body_off,
		    c->body.len - c->body_off, &want);
		if (r > 0)
			c->body_off += (size_t)r;
		progress |= r > 0;
	}
	if (r < 0)
		return (-1);
	if (r == 0) {
		/* Nothing is read meanwhile: who does not take answers
		 * cannot send requests. */
		watch_set(&c->watch, want);
		if (c->state == CONN_REPLY || c->state == CONN_H2) {
			if (progress)
				conn_wait(c, WAIT_NOTHING);
			conn_wait(c, WAIT_WRITE);
		}
		return (0);
	}
	conn_drop_out(c);
	return (1);
}

/* Bytes of the body that are written. */
static size_t
body_written(const struct conn *c)
{
	if (c->body_off > 0 && c->out_off == c->out_len)
		return (c->body_off);
	return (c->out_off > c->out_head ? c->out_off - c->out_head : 0);
}

void
conn_tell_sent(struct conn *c, bool whole)
{
	http_sent_fn *fn = c->on_sent;
	uint64_t bytes = c->body_len;
	int queued = 0;

	if (fn == NULL)
		return;
	c->on_sent = NULL;
	if (!whole) {
		bytes = body_written(c);
		/* What the kernel still has (tcp(7), SIOCOUTQ). */
		if (ioctl(c->fd, SIOCOUTQ, &queued) == 0 && queued > 0)
			bytes -= (uint64_t)queued < bytes ? (uint64_t)queued
							  : bytes;
	}
	fn(c->sent_arg, bytes, whole);
}

/* The answer is written. */
static enum step
conn_answered(struct conn *c)
{
	size_t left = c->in_len - c->in_from;

	conn_tell_sent(c, true);
	buf_clear(&c->body);
	if (c->refused || ((c->close || c->server->fd < 0) &&
			      (left > 0 || c->more))) {
		conn_linger(c);
		return (STEP_WAIT);
	}
	if (c->close || c->server->fd < 0) {
		conn_end(c);
		return (STEP_WAIT);
	}
	c->state = CONN_HEAD;
	if (left > 0 && c->in_from > 0)
		memmove(c->in, c->in + c->in_from, left);
	c->in_from = c->scanned = 0;
	c->in_len = left;
	watch_set(&c->watch, LOOP_READ);
	conn_wait(c, WAIT_IDLE);
	if (left > 0 || c->more)
		return (STEP_MORE);
	conn_drop_in(c);
	return (STEP_WAIT);
}

enum step
step_reply(struct conn *c)
{
	switch (conn_flush(c)) {
	case 0:
		return (STEP_WAIT);
	case 1:
		return (conn_answered(c));
	default:
		conn_close(c);
		return (STEP_WAIT);
	}
}

static void
out_number(struct conn *c, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	out_add(c, text + at, sizeof(text) - at);
}

#define OUT_LIT(c, lit) out_add((c), "" lit, sizeof(lit) - 1)

static void
reply_head(struct conn *c, int status, struct str fields, size_t length)
{
	const char *reason = http_reason(status);

	assert(status >= 200 && status <= 599 && strlen(reason) < 64);
	out_room(c, HEAD_ROOM + fields.len);
	OUT_LIT(c, "HTTP/1.1 ");
	out_number(c, (uint64_t)status);
	OUT_LIT(c, " ");
	out_add(c, reason, strlen(reason));
	OUT_LIT(c, "\r\nDate: ");
	out_add(c, server_date(c->server), HTTP_DATE_LEN);
	if (status != 204 && status != 304) {
		OUT_LIT(c, "\r\nContent-Length: ");
		out_number(c, length);
	}
	if (c->close)
		OUT_LIT(c, "\r\nConnection: close");
	OUT_LIT(c, "\r\n");
	if (fields.len > 0)
		out_add(c, fields.p, fields.len);
	OUT_LIT(c, "\r\n");
}

/* Puts what fits of the body into the head's record; the rest will be written
 * from where it is. */
static void
reply_body(struct conn *c, struct buf *body)
{
	size_t n = 0;

	if (c->out_len < GATHER) {
		n = GATHER - c->out_len;
		if (n > body->len)
			n = body->len;
		out_room(c, n);
		if (n > 0)
			out_add(c, body->p, n);
	}
	if (n == body->len) {
		buf_clear(body);
		return;
	}
	c->body = *body;
	c->body_off = n;
	*body = (struct buf){ .max = body->max };
}

static void
conn_reply(struct conn *c, int status, struct str fields, struct buf *body,
    bool is_head)
{
	bool bare = is_head || status == 204 || status == 304;

	reply_head(c, status, fields, body->len);
	c->body_off = 0;
	c->out_head = c->out_len;
	c->body_len = bare ? 0 : body->len;
	if (bare)
		buf_clear(body);
	else
		reply_body(c, body);
	conn_drop_exchange(c);
	conn_wait(c, WAIT_NOTHING);
	c->state = CONN_REPLY;
}

void
http_refusal(int status, struct buf *body_r)
{
	buf_init(body_r, 256);
	BUF_LIT(body_r, "{\"type\":\"about:blank\",\"title\":");
	buf_add_json(body_r, str_of(http_reason(status)));
	buf_addf(body_r, ",\"status\":%d}", status);
}

void
conn_refuse(struct conn *c, int status)
{
	struct buf body;

	if (c->server->refused != NULL)
		c->server->refused(status, c->server->arg);
	http_refusal(status, &body);
	c->close = c->refused = true;
	conn_reply(c, status,
	    STR("Content-Type: application/problem+json\r\n"), &body, false);
}

void
http_reply(struct http_exchange *ex, int status, struct str fields,
    struct buf *body)
{
	struct conn *c = ex->conn;
	bool is_head = ex->head.method == HTTP_HEAD;

	if (ex->stream != NULL) {
		h2_reply(ex, status, fields, body);
		return;
	}
	assert(c->state == CONN_OPEN && c->ex == ex);
	c->close |= !ex->head.keep_alive || ex->head.minor == 0 ||
	    c->server->fd < 0;
	conn_reply(c, status, fields, body, is_head);
	conn_run(c);
}
