/* tests/support/broker_conn.c - the connections of a fake broker: requests in,
 * answers out, right or wrong as the fault says. */
#include "tests/support/broker_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX   ((size_t)65536)
#define BODY_MAX   ((size_t)65536)
#define ANSWER_MAX ((size_t)256 << 20)
#define DRIP_MS	   1000
#define FILL	   65536

struct conn {
	struct conn *prev, *next;
	struct broker *broker;
	int fd;
	struct watch watch;
	struct timer timer;
	struct buf in, out;
	size_t scanned, sent, step; /* step: bytes per write, 0: all */
	bool answering, close, endless, mute;
};

static void on_conn(int fd, int what, void *arg);
static void on_timer(void *arg);
static void conn_next(struct conn *);

/* ---- connections */

static void
conn_free(struct conn *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		c->broker->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	watch_clear(&c->watch);
	timer_clear(&c->timer);
	(void)close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
}

void
broker_accept(int lfd, int what HUB_UNUSED, void *arg)
{
	struct broker *b = arg;
	struct conn *c;
	int fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	c->broker = b;
	c->fd = fd;
	c->next = b->conns;
	if (c->next != NULL)
		c->next->prev = c;
	b->conns = c;
	buf_init(&c->in, HEAD_MAX + BODY_MAX);
	buf_init(&c->out, ANSWER_MAX);
	watch_init(&c->watch, b->loop, fd, on_conn, c);
	watch_set(&c->watch, LOOP_READ);
	timer_init(&c->timer, b->loop, on_timer, c);
}

void
broker_close(struct broker *b)
{
	while (b->conns != NULL)
		conn_free(b->conns);
}

/* An abortive close: the peer sees a reset. */
static void
conn_reset(struct conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_free(c);
}

/* ---- sending */

/* One chunk of blanks, again and again: white space that never ends. */
static void
refill(struct conn *c)
{
	char *p;

	buf_reset(&c->out);
	c->sent = 0;
	buf_addf(&c->out, "%x\r\n", FILL);
	p = buf_room(&c->out, FILL);
	assert(p != NULL);
	memset(p, ' ', FILL);
	c->out.len += FILL;
	BUF_LIT(&c->out, "\r\n");
}

static void
conn_answered(struct conn *c)
{
	if (c->close) {
		conn_free(c);
		return;
	}
	buf_reset(&c->out);
	c->sent = 0;
	c->answering = false;
	watch_set(&c->watch, LOOP_READ);
	conn_next(c);
}

static void
conn_send(struct conn *c)
{
	size_t left = c->out.len - c->sent;
	ssize_t n;

	if (c->step > 0 && left > c->step)
		left = c->step;
	n = send(c->fd, c->out.p + c->sent, left, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_free(c);
		return;
	}
	c->sent += n > 0 ? (size_t)n : 0;
	if (c->sent < c->out.len && c->step > 0) {
		/* Reading shows us when the other side gives up. */
		watch_set(&c->watch, LOOP_READ);
		timer_set(&c->timer, DRIP_MS);
	} else if (c->sent < c->out.len) {
		watch_set(&c->watch, LOOP_READ | LOOP_WRITE);
	} else if (c->endless) {
		refill(c);
		watch_set(&c->watch, LOOP_READ | LOOP_WRITE);
	} else {
		conn_answered(c);
	}
}

static void
on_timer(void *arg)
{
	conn_send(arg);
}

/* ---- answers */

static void
reply(struct conn *c, int status, const char *type, struct str fields,
    struct str body, size_t promised)
{
	buf_addf(&c->out,
	    "HTTP/1.1 %d %s\r\nServer: %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n",
	    status, http_reason(status), c->broker->name, type, promised);
	buf_adds(&c->out, fields);
	BUF_LIT(&c->out, "\r\n");
	buf_adds(&c->out, body);
}

static void
reply_text(struct conn *c, int status, struct str body)
{
	reply(c, status, "text/plain; charset=utf-8", STR_NONE, body,
	    body.len);
}

static void
answer_control(struct conn *c, const struct http_head *h, struct str body)
{
	struct broker *b = c->broker;

	if (str_eq(h->target, STR("/_fault")) && h->method == HTTP_PUT) {
		if (broker_set_fault(b, body))
			reply_text(c, 200, STR("ok\n"));
		else
			reply_text(c, 400, STR("no such fault\n"));
	} else if (str_eq(h->target, STR("/_log")) &&
	    h->method == HTTP_DELETE) {
		buf_reset(&b->log);
		reply_text(c, 200, STR("ok\n"));
	} else if (str_eq(h->target, STR("/_log")) && h->method == HTTP_GET) {
		reply_text(c, 200, buf_str(&b->log));
	} else {
		reply_text(c, 404, STR("no such thing\n"));
	}
}

/* The answer as it should be. */
static void
answer_good(struct conn *c, const struct http_head *h, size_t extra)
{
	struct buf scratch, fields, body;
	struct http_uri uri;
	struct str dup;
	int status = 400;

	buf_init(&scratch, 2 * HTTP_TARGET_MAX);
	buf_init(&fields, 65536);
	buf_init(&body, ANSWER_MAX / 2);
	if (h->method != HTTP_GET && h->method != HTTP_HEAD)
		status = 405;
	else if (http_uri_parse(h->target, &scratch, &uri, &dup) == HUB_OK)
		status = broker_data_answer(c->broker->data, &uri, &fields,
		    &body);
	reply(c, status,
	    status == 200 ? "application/json" : "application/problem+json",
	    buf_str(&fields),
	    h->method == HTTP_HEAD ? STR_NONE : buf_str(&body),
	    body.len + extra);
	buf_clear(&scratch);
	buf_clear(&fields);
	buf_clear(&body);
}

/* A body that is not what its head says. */
static void
answer_fixed(struct conn *c, enum fault fault)
{
	static const struct {
		enum fault fault;
		const char *type, *body;
	} table[] = {
		{ FAULT_GARBAGE, "application/json",
		    "[{\"id\": \"urn:ngsi-ld:X:1\", \"type\": \"X\", " },
		{ FAULT_HTML, "text/html",
		    "<!DOCTYPE html><title>Wartung</title><p>Bitte sp&auml;ter"
		    " wieder." },
		{ FAULT_DUPLICATE, "application/json",
		    "[{\"id\":\"urn:ngsi-ld:WaterObserved:Twice\",\"type\":"
		    "\"WaterObserved\",\"waterLevel\":{\"type\":\"Property\","
		    "\"value\":1},\"waterLevel\":{\"type\":\"Property\","
		    "\"value\":2}}]" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].fault == fault)
			reply(c, 200, table[i].type, STR_NONE,
			    str_of(table[i].body), strlen(table[i].body));
}

/* Fills c->out and the ways it is sent. */
static void
answer_fault(struct conn *c, const struct http_head *h)
{
	switch (c->broker->fault) {
	case FAULT_HANG:
		c->mute = true;
		break;
	case FAULT_DRIP:
		answer_good(c, h, 0);
		c->step = 1;
		break;
	case FAULT_STATUS:
		reply(c, (int)c->broker->number, "application/problem+json",
		    STR_NONE, STR("{\"title\":\"on request\"}"), 22);
		break;
	case FAULT_GARBAGE:
	case FAULT_HTML:
	case FAULT_DUPLICATE:
		answer_fixed(c, c->broker->fault);
		break;
	case FAULT_TRUNCATE:
		answer_good(c, h, 100);
		c->close = true;
		break;
	case FAULT_OVERSIZE:
		BUF_LIT(&c->out, "HTTP/1.1 200 OK\r\nContent-Type: "
				 "application/json\r\nTransfer-Encoding: "
				 "chunked\r\n\r\n");
		c->endless = true;
		break;
	case FAULT_STALE:
		answer_good(c, h, 0);
		c->close = true;
		break;
	case FAULT_DELAY:
	case FAULT_NONE:
	case FAULT_RESET:
	default:
		answer_good(c, h, 0);
		break;
	}
}

/* Whatever does not fit is not kept: a test clears the log before it looks. */
static void
log_head(struct broker *b, struct str head)
{
	if (b->log.len + head.len <= BROKER_LOG_MAX)
		buf_adds(&b->log, head);
}

/* The request is complete. false: the connection is gone. */
static bool
conn_answer(struct conn *c, const struct http_head *h, struct str body)
{
	struct broker *b = c->broker;
	int64_t wait = 0;

	c->answering = true;
	c->close = !h->keep_alive;
	c->step = 0;
	if (str_prefix(h->target, STR("/_"))) {
		answer_control(c, h, body);
	} else {
		log_head(b, (struct str){ c->in.p, h->size });
		if (b->fault == FAULT_RESET) {
			conn_reset(c);
			return (false);
		}
		answer_fault(c, h);
		wait = b->fault == FAULT_DELAY ? (int64_t)b->number : 0;
	}
	if (wait > 0)
		timer_set(&c->timer, wait);
	else if (!c->mute)
		watch_set(&c->watch, LOOP_READ | LOOP_WRITE);
	return (true);
}

/* ---- receiving */

/* Answers the next request that is there in full. */
static void
conn_next(struct conn *c)
{
	struct http_head head;
	struct str body;
	size_t used;
	int status;

	if (c->in.len == 0)
		return;
	switch (http_parse_request(buf_str(&c->in), &c->scanned, HEAD_MAX,
	    &head, &status)) {
	case HTTP_MORE:
		return;
	case HTTP_DONE:
		break;
	case HTTP_BAD:
	default:
		conn_free(c);
		return;
	}
	if (head.framing == HTTP_BODY_CHUNKED ||
	    (head.framing == HTTP_BODY_LENGTH &&
		head.content_length > BODY_MAX)) {
		conn_free(c);
		return;
	}
	used = head.size + (head.framing == HTTP_BODY_LENGTH ?
	    (size_t)head.content_length : 0);
	if (c->in.len < used)
		return;
	body = (struct str){ c->in.p + head.size, used - head.size };
	if (!conn_answer(c, &head, body))
		return;
	memmove(c->in.p, c->in.p + used, c->in.len - used);
	c->in.len -= used;
	c->scanned = 0;
}

static void
on_conn(int fd, int what, void *arg)
{
	struct conn *c = arg;
	char bytes[16384];
	ssize_t n;

	if (what & LOOP_READ) {
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			conn_free(c);
			return;
		}
		if (n > 0)
			buf_add(&c->in, bytes, (size_t)n);
		if (c->in.failed) {
			conn_free(c);
			return;
		}
		if (!c->answering) {
			conn_next(c); /* may free c */
			return;
		}
	}
	if (what & LOOP_WRITE)
		conn_send(c);
}
