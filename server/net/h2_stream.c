/* h2_stream.c - requests as they come in on streams; h2.h says what is
 * promised. */
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "server/net/h2_priv.h"

#define RESETS_BURST 200 /* streams that ended without their answer */
#define RESETS_RATE  20  /* a second */

static void on_stream_timer(void *);

/* ---- lists ---- */

static void
link_in(struct h2_stream **list, struct h2_stream *s)
{
	s->prev = NULL;
	s->next = *list;
	if (s->next != NULL)
		s->next->prev = s;
	*list = s;
}

static void
link_out(struct h2_stream **list, struct h2_stream *s)
{
	*(s->prev != NULL ? &s->prev->next : list) = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
}

static void
ready_add(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;

	s->state = H2_READY;
	s->ready = NULL;
	*h2->ready_end = s;
	h2->ready_end = &s->ready;
}

static void
ready_remove(struct h2_stream *s)
{
	struct h2_stream **at = &s->h2->ready;

	while (*at != s)
		at = &(*at)->ready;
	*at = s->ready;
	if (s->h2->ready_end == &s->ready)
		s->h2->ready_end = at;
}

/* ---- life ---- */

static struct h2_stream *
stream_new(struct h2 *h2, int32_t id)
{
	struct h2_stream *s = xcalloc(1, sizeof(*s));

	s->h2 = h2;
	s->id = id;
	h2_head_init(&s->head, h2->server->limits.header);
	timer_init(&s->timer, h2->loop, on_stream_timer, s);
	link_in(&h2->streams, s);
	h2->nstreams++;
	return (s);
}

void
stream_close(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;

	if (s->closed)
		return;
	s->closed = true;
	timer_clear(&s->timer);
	if (s->state == H2_READY)
		ready_remove(s);
	if (h2->heading == s)
		h2->heading = NULL;
	h2->unsent -= s->body.len > s->off ? s->body.len - s->off : 0;
	link_out(&h2->streams, s);
	link_in(&h2->closed, s);
	h2->nstreams--;
}

void
stream_drop_request(struct h2_stream *s)
{
	struct http_exchange *ex = s->ex;

	h2_head_clear(&s->head);
	if (ex == NULL)
		return;
	s->ex = NULL;
	s->h2->bodies -= ex->body.len;
	buf_clear(&ex->body);
	server_exchange_put(s->h2->server, ex);
}

/* Of the answer, as far as is known; once. */
static void
stream_tell_sent(struct h2_stream *s, bool whole)
{
	const struct conn *c = s->h2->conn;
	http_sent_fn *fn = s->on_sent;
	size_t bytes = s->off, left = c->out_len - c->out_off;
	int queued = 0;

	if (fn == NULL)
		return;
	s->on_sent = NULL;
	/* What the kernel still has (tcp(7), SIOCOUTQ). Which of it is whose is
	 * not known: all of it may be this one's. */
	if (!whole && ioctl(c->fd, SIOCOUTQ, &queued) == 0 && queued > 0)
		left += (size_t)queued;
	if (!whole)
		bytes -= left < bytes ? left : bytes;
	fn(s->sent_arg, bytes, whole);
}

void
stream_cut(struct h2_stream *s)
{
	if (s->state == H2_OPEN) {
		s->on_abort = s->ex->on_abort;
		s->abort_arg = s->ex->abort_arg;
	}
	stream_drop_request(s);
	stream_tell_sent(s, s->written);
}

void
stream_free(struct h2_stream *s)
{
	loop_fn *on_abort = s->on_abort;
	void *arg = s->abort_arg;

	buf_clear(&s->body);
	free(s);
	if (on_abort != NULL)
		on_abort(arg);
}

/* What its callbacks do may end the connection, and this with it. */
void
h2_sweep(struct h2 *h2, bool written)
{
	struct conn *c = h2->conn;
	struct h2_stream *s, *next;

	for (s = h2->closed; s != NULL; s = next) {
		next = s->next;
		s->written = s->framed && written;
		if (s->on_sent != NULL && s->framed && !written)
			continue;
		link_out(&h2->closed, s);
		stream_cut(s);
		stream_free(s);
		if (c->state != CONN_H2)
			return;
	}
}

/* ---- the request ---- */

void
h2_dispatch(struct h2 *h2)
{
	struct conn *c = h2->conn;
	struct h2_stream *s;

	while ((s = h2->ready) != NULL && h2->unsent <= H2_UNSENT_HIGH) {
		ready_remove(s);
		s->state = H2_OPEN;
		timer_clear(&s->timer);
		c->server->fn(s->ex, c->server->arg);
		if (c->state != CONN_H2)
			return;
	}
}

static void
on_stream_timer(void *arg)
{
	struct h2_stream *s = arg;
	struct h2 *h2 = s->h2;

	if (s->state == H2_BODY) {
		stream_refuse(s, 408);
	} else if (s->off > s->seen) {
		s->seen = s->off;
		timer_set(&s->timer, h2->server->limits.write_ms);
	} else {
		(void)nghttp2_submit_rst_stream(
		    h2->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
	}
	conn_run(h2->conn);
}

static void
stream_continue(struct h2_stream *s)
{
	const nghttp2_nv nv = { (uint8_t *)":status", (uint8_t *)"100", 7, 3,
		NGHTTP2_NV_FLAG_NONE };

	(void)nghttp2_submit_headers(
	    s->h2->session, NGHTTP2_FLAG_NONE, s->id, NULL, &nv, 1, NULL);
}

/* Its head is complete. */
static void
stream_begin(struct h2_stream *s, bool ended)
{
	const struct http_limits *m = &s->h2->server->limits;
	struct http_exchange *ex = server_exchange(s->h2->server);
	int status;

	ex->conn = s->h2->conn;
	ex->stream = s;
	s->ex = ex;
	s->ended = ended;
	s->is_head = h2_head_is_head(&s->head);
	status = h2_head_finish(&s->head, ended, &ex->head);
	if (status == 0 && ex->head.framing == HTTP_BODY_LENGTH &&
	    ex->head.content_length > m->body)
		status = 413;
	if (status != 0) {
		stream_refuse(s, status);
		return;
	}
	if (ended) {
		ready_add(s);
		return;
	}
	buf_init(&ex->body, m->body > 0 ? m->body : 1);
	s->state = H2_BODY;
	timer_set(&s->timer, m->body_ms);
	if (ex->head.expect_continue)
		stream_continue(s);
}

static void
stream_body(struct h2_stream *s, struct str data)
{
	struct h2 *h2 = s->h2;
	size_t max = h2->server->limits.body;
	struct buf *b = &s->ex->body;

	if (data.len > max || b->len > max - data.len) {
		stream_refuse(s, 413);
		return;
	}
	if (h2->bodies + data.len > H2_BODIES * max) {
		(void)nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE,
		    s->id, NGHTTP2_ENHANCE_YOUR_CALM);
		return;
	}
	buf_adds(b, data);
	if (b->failed) { /* of a limit that has been raised since */
		stream_refuse(s, 413);
		return;
	}
	h2->bodies += data.len;
}

static void
stream_ended(struct h2_stream *s)
{
	s->ended = true;
	if (s->state != H2_BODY)
		return;
	timer_clear(&s->timer);
	s->ex->body_str = buf_str(&s->ex->body);
	ready_add(s);
}

/* ---- what nghttp2 reports ---- */

static struct h2_stream *
stream_of(nghttp2_session *session, int32_t id)
{
	return (nghttp2_session_get_stream_user_data(session, id));
}

static int
on_begin_headers(
    nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;

	if (frame->hd.type != NGHTTP2_HEADERS ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return (0); /* trailers: nobody reads them */
	h2->heading = stream_new(h2, frame->hd.stream_id);
	return (nghttp2_session_set_stream_user_data(
	    session, frame->hd.stream_id, h2->heading));
}

static int
on_header(nghttp2_session *session HUB_UNUSED, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags HUB_UNUSED, void *arg)
{
	struct h2 *h2 = arg;

	if (h2->heading != NULL && h2->heading->id == frame->hd.stream_id)
		h2_head_field(&h2->heading->head,
		    (struct str){ (const char *)name, name_len },
		    (struct str){ (const char *)value, value_len });
	return (0);
}

/* nghttp2 would leave it out and go on. */
static int
on_invalid_header(nghttp2_session *session HUB_UNUSED,
    const nghttp2_frame *frame, const uint8_t *name HUB_UNUSED,
    size_t name_len HUB_UNUSED, const uint8_t *value HUB_UNUSED,
    size_t value_len HUB_UNUSED, uint8_t flags HUB_UNUSED, void *arg)
{
	struct h2 *h2 = arg;

	if (h2->heading != NULL && h2->heading->id == frame->hd.stream_id &&
	    h2->heading->head.status == 0)
		h2->heading->head.status = 400;
	return (0);
}

static int
on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct h2 *h2 = arg;
	struct h2_stream *s;

	if (frame->hd.type == NGHTTP2_HEADERS &&
	    frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		s = h2->heading;
		h2->heading = NULL;
		if (s != NULL)
			stream_begin(s, ended);
	} else if (ended && (frame->hd.type == NGHTTP2_HEADERS ||
				frame->hd.type == NGHTTP2_DATA)) {
		s = stream_of(session, frame->hd.stream_id);
		if (s != NULL)
			stream_ended(s);
	}
	return (0);
}

static int
on_data(nghttp2_session *session, uint8_t flags HUB_UNUSED, int32_t id,
    const uint8_t *data, size_t len, void *arg HUB_UNUSED)
{
	struct h2_stream *s = stream_of(session, id);

	if (s != NULL && s->state == H2_BODY)
		stream_body(s, (struct str){ (const char *)data, len });
	return (0);
}

/* Whoever ended it: a client can make us do so as well as do it itself. */
static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct h2_stream *s = stream_of(session, id);
	struct h2 *h2 = arg;

	if (s == NULL)
		return (0);
	if ((!s->framed || code != NGHTTP2_NO_ERROR) &&
	    !calm_ok(
		&h2->resets, loop_now(h2->loop), RESETS_BURST, RESETS_RATE))
		h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
	stream_close(s);
	return (0);
}

void
stream_callbacks(nghttp2_session_callbacks *cb)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(
	    cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(
	    cb, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
}
