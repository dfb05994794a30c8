/* h2_reply.c - answers on streams; h2.h says what is promised.
 *
 * A body stays where the handler made it. Its frames are cut when the windows
 * of stream and connection let them go, and copied once, beside what else goes
 * out in that turn. */
#include <stdlib.h>

#include "server/net/h2_priv.h"

#define FRAME_HEAD 9 /* bytes */
#define OWN_FIELDS 3 /* :status, date, content-length */

static ssize_t on_read(nghttp2_session *, int32_t, uint8_t *, size_t,
    uint32_t *, nghttp2_data_source *, void *);

static nghttp2_nv
field_nv(struct str name, struct str value, uint8_t flags)
{
	return ((nghttp2_nv){ (uint8_t *)(uintptr_t)name.p,
	    (uint8_t *)(uintptr_t)value.p, name.len, value.len, flags });
}

static size_t
count_lines(struct str fields)
{
	size_t n = 0;

	for (const char *p = fields.p, *end = fields.p + fields.len;
	     p != NULL && p < end && (p = memchr(p, '\n', (size_t)(end - p)));
	     p++)
		n++;
	return (n);
}

/* "Name: value\r\n" lines: names in lower case, into lower. What is new with
 * each answer would only push the rest out of the table. */
static size_t
read_lines(struct str fields, char *lower, nghttp2_nv *nv)
{
	static const struct str unique[] = { { "request-id", 10 },
		{ "client-request-id", 17 } };
	struct str line, name;
	size_t n = 0, colon;
	uint8_t flags;

	while (fields.len > 0 && str_cut(&fields, '\n', &line)) {
		assert(line.len > 0 && line.p[line.len - 1] == '\r');
		line.len--;
		colon = str_chr(line, ':');
		assert(colon > 0 && colon < line.len);
		for (size_t i = 0; i < colon; i++)
			lower[i] = line.p[i] >= 'A' && line.p[i] <= 'Z'
				       ? (char)(line.p[i] | 0x20)
				       : line.p[i];
		name = (struct str){ lower, colon };
		lower += colon;
		flags = str_eq(name, unique[0]) || str_eq(name, unique[1])
			    ? NGHTTP2_NV_FLAG_NO_INDEX
			    : NGHTTP2_NV_FLAG_NONE;
		nv[n++] =
		    field_nv(name, str_trim(str_from(line, colon + 1)), flags);
	}
	return (n);
}

static struct str
number(char text[20], uint64_t v)
{
	size_t at = 20;

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return ((struct str){ text + at, 20 - at });
}

/* false: nghttp2 does not take it. */
static bool
submit(struct h2_stream *s, int status, struct str fields, size_t length,
    bool bare)
{
	size_t lines = count_lines(fields), n = 0;
	nghttp2_nv *nv =
	    xmalloc((lines + OWN_FIELDS) * sizeof(*nv) + fields.len);
	const nghttp2_data_provider provider = { .source.ptr = s,
		.read_callback = on_read };
	char code[20], len[20];
	int rc;

	nv[n++] = field_nv(STR(":status"), number(code, (uint64_t)status), 0);
	nv[n++] = field_nv(STR("date"),
	    (struct str){ server_date(s->h2->server), HTTP_DATE_LEN }, 0);
	if (status != 204 && status != 304)
		nv[n++] =
		    field_nv(STR("content-length"), number(len, length), 0);
	n += read_lines(fields, (char *)(nv + lines + OWN_FIELDS), nv + n);
	rc = nghttp2_submit_response(
	    s->h2->session, s->id, nv, n, bare ? NULL : &provider);
	free(nv);
	return (rc == 0);
}

static void
stream_reset(struct h2_stream *s, uint32_t code)
{
	(void)nghttp2_submit_rst_stream(
	    s->h2->session, NGHTTP2_FLAG_NONE, s->id, code);
}

static void
stream_answer(
    struct h2_stream *s, int status, struct str fields, struct buf *body)
{
	bool bare =
	    s->is_head || status == 204 || status == 304 || body->len == 0;
	struct h2 *h2 = s->h2;
	size_t length = body->len;

	assert(status >= 200 && status <= 599);
	if (h2->heading == s)
		h2->heading = NULL;
	s->state = H2_REPLY;
	if (bare) {
		buf_clear(body);
	} else {
		s->body = *body;
		s->body_len = body->len;
		*body = (struct buf){ .max = body->max };
		h2->unsent += s->body_len;
	}
	if (h2->unsent > H2_UNSENT_MAX && h2->unsent > s->body_len)
		stream_reset(s, NGHTTP2_ENHANCE_YOUR_CALM);
	else if (!submit(s, status, fields, length, bare))
		stream_reset(s, NGHTTP2_INTERNAL_ERROR);
	stream_drop_request(s);
	timer_set(&s->timer, h2->server->limits.write_ms);
}

void
stream_refuse(struct h2_stream *s, int status)
{
	const struct http_server *server = s->h2->conn->server;
	struct buf body;

	if (server->refused != NULL)
		server->refused(status, server->arg);
	http_refusal(status, &body);
	stream_answer(s, status,
	    STR("Content-Type: application/problem+json\r\n"), &body);
}

void
h2_reply(
    struct http_exchange *ex, int status, struct str fields, struct buf *body)
{
	struct h2_stream *s = ex->stream;
	struct h2 *h2 = s->h2;
	struct conn *c = h2->conn;

	assert(s->state == H2_OPEN && s->ex == ex);
	if (s->closed) { /* the client has let go of it in this turn */
		s->state = H2_REPLY;
		buf_clear(body);
		return;
	}
	stream_answer(s, status, fields, body);
	if (c->close)
		h2_goodbye(h2);
	/* Answers of one turn go out together. */
	if (!c->running)
		conn_run_later(c);
}

void
h2_on_sent(struct http_exchange *ex, http_sent_fn *fn, void *arg)
{
	ex->stream->on_sent = fn;
	ex->stream->sent_arg = arg;
}

/* ---- what nghttp2 asks for ---- */

/* How much goes into the next frame; nothing is copied yet. */
static ssize_t
on_read(nghttp2_session *session HUB_UNUSED, int32_t id HUB_UNUSED,
    uint8_t *to HUB_UNUSED, size_t length, uint32_t *flags,
    nghttp2_data_source *source, void *arg HUB_UNUSED)
{
	const struct h2_stream *s = source->ptr;
	size_t left = s->body_len - s->off;

	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (length >= left) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		length = left;
	}
	return ((ssize_t)length);
}

static int
on_send_data(nghttp2_session *session HUB_UNUSED,
    nghttp2_frame *frame HUB_UNUSED, const uint8_t *head, size_t length,
    nghttp2_data_source *source, void *arg)
{
	struct h2_stream *s = source->ptr;
	struct h2 *h2 = arg;

	if (h2_out_full(h2))
		return (NGHTTP2_ERR_WOULDBLOCK);
	conn_out_add(h2->conn, (const char *)head, FRAME_HEAD);
	conn_out_add(h2->conn, s->body.p + s->off, length);
	s->off += length;
	h2->unsent -= length;
	if (s->off == s->body_len)
		buf_clear(&s->body);
	/* It may tell us of its windows as often as we use them. */
	calm_credit(&h2->frames, 4);
	return (0);
}

static int
on_frame_send(
    nghttp2_session *session, const nghttp2_frame *frame, void *arg HUB_UNUSED)
{
	struct h2_stream *s;

	if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
	    (frame->hd.type != NGHTTP2_DATA &&
		frame->hd.type != NGHTTP2_HEADERS))
		return (0);
	s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (s == NULL)
		return (0);
	s->framed = true;
	if (!s->ended) /* RFC 9113, 8.1: what still comes is not wanted */
		stream_reset(s, NGHTTP2_NO_ERROR);
	return (0);
}

static int
on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame,
    int rc HUB_UNUSED, void *arg HUB_UNUSED)
{
	struct h2_stream *s;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return (0);
	s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (s != NULL && !s->closed)
		stream_reset(s, NGHTTP2_INTERNAL_ERROR);
	return (0);
}

void
reply_callbacks(nghttp2_session_callbacks *cb)
{
	nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_send);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(
	    cb, on_frame_not_sent);
}
