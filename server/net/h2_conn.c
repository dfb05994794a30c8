/* h2_conn.c - the session of a connection and how its bytes move; h2.h says
 * what is promised.
 *
 * Writing comes before reading: while the socket takes no more, nothing is
 * read, so a client that only asks fills its own buffers and not ours. What is
 * ready in one turn goes out together, up to a lent buffer's size. */
#include <stdlib.h>

#include <openssl/ssl.h>

#include "config.h"

#include "server/net/h2_priv.h"

#define FILL_MAX       ((size_t)32768) /* of a lent buffer; a frame above it */
#define HPACK_SEND     2048            /* bytes: what our answers repeat */
#define HPACK_RECEIVE  4096            /* bytes: a token, mostly */
#define CONTINUATIONS  8
#define SETTINGS_MAX   32   /* in one frame */
#define ACKS_MAX       256  /* that wait to be sent */
#define FRAMES_BURST   2000 /* that ask nothing of us; per second less */
#define FRAMES_RATE    200
#define LIBRARY_RESETS 4000 /* nghttp2's own limit, above ours */
#define LIBRARY_RATE   400

static void on_leave(void *);
static nghttp2_session *session_new(struct h2 *);

void
h2_begin(struct conn *c)
{
	struct h2 *h2 = xcalloc(1, sizeof(*h2));
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX },
		{ NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, HPACK_RECEIVE },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		    (uint32_t)c->server->limits.header },
		/* RFC 9218, 2.1: no tree of clients' making. */
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};

	h2->conn = c;
	h2->loop = c->server->loop;
	h2->server = c->server;
	h2->ready_end = &h2->ready;
	h2->frames.at = h2->resets.at = loop_now(h2->loop);
	timer_init(&h2->leave, h2->loop, on_leave, h2);
	h2->session = session_new(h2);
	c->h2 = h2;
	c->state = CONN_H2;
	if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
		sizeof(settings) / sizeof(settings[0])) != 0)
		h2->over = true;
	if (c->server->fd < 0)
		h2_leave(c);
}

/* ---- what is too much ---- */

static int
on_begin_frame(
    nghttp2_session *session HUB_UNUSED, const nghttp2_frame_hd *hd, void *arg)
{
	struct h2 *h2 = arg;

	/* What asks for something is bounded by streams and windows. */
	if (hd->type == NGHTTP2_HEADERS ||
	    (hd->type == NGHTTP2_DATA && hd->length > 0))
		calm_credit(&h2->frames, 1);
	else if (!calm_ok(&h2->frames, loop_now(h2->loop), FRAMES_BURST,
		     FRAMES_RATE))
		h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
	return (0);
}

/* Without it frames of types unknown would be passed over uncounted. */
static int
on_unknown(nghttp2_session *session HUB_UNUSED, void **payload HUB_UNUSED,
    const nghttp2_frame_hd *hd HUB_UNUSED, void *arg HUB_UNUSED)
{
	return (NGHTTP2_ERR_CANCEL);
}

void
h2_terminate(struct h2 *h2, uint32_t code)
{
	if (h2->over)
		return;
	h2->over = true;
	(void)nghttp2_session_terminate_session(h2->session, code);
}

static nghttp2_option *
options_new(void)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		abort(); /* as xcalloc would */
	nghttp2_option_set_max_deflate_dynamic_table_size(o, HPACK_SEND);
	/* Above it an answer's fields would not go out; ours are below. */
	nghttp2_option_set_max_send_header_block_length(o, 4 * LOOP_BUF_SIZE);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_max_outbound_ack(o, ACKS_MAX);
	nghttp2_option_set_max_settings(o, SETTINGS_MAX);
	for (unsigned type = NGHTTP2_CONTINUATION + 1; type < 256; type++)
		nghttp2_option_set_user_recv_extension_type(o, (uint8_t)type);
#ifdef HAVE_NGHTTP2_OPTION_SET_STREAM_RESET_RATE_LIMIT
	nghttp2_option_set_stream_reset_rate_limit(
	    o, LIBRARY_RESETS, LIBRARY_RATE);
#endif
#ifdef HAVE_NGHTTP2_OPTION_SET_MAX_CONTINUATIONS
	nghttp2_option_set_max_continuations(o, CONTINUATIONS);
#endif
	return (o);
}

static nghttp2_session *
session_new(struct h2 *h2)
{
	nghttp2_option *o = options_new();
	nghttp2_mem mem = h2_mem(h2);
	nghttp2_session_callbacks *cb;
	nghttp2_session *session;

	if (nghttp2_session_callbacks_new(&cb) != 0)
		abort();
	nghttp2_session_callbacks_set_on_begin_frame_callback(
	    cb, on_begin_frame);
	nghttp2_session_callbacks_set_unpack_extension_callback(cb, on_unknown);
	stream_callbacks(cb);
	reply_callbacks(cb);
	if (nghttp2_session_server_new3(&session, cb, h2, o, &mem) != 0)
		abort();
	nghttp2_session_callbacks_del(cb);
	nghttp2_option_del(o);
	return (session);
}

/* ---- ending ---- */

void
h2_goodbye(struct h2 *h2)
{
	if (h2->leaving || h2->over)
		return;
	h2->leaving = true;
	timer_clear(&h2->leave);
	(void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h2->session),
	    NGHTTP2_NO_ERROR, NULL, 0);
}

static void
on_leave(void *arg)
{
	struct h2 *h2 = arg;

	h2_goodbye(h2);
	conn_run(h2->conn);
}

void
h2_leave(struct conn *c)
{
	struct h2 *h2 = c->h2;

	if (h2->leaving || h2->over)
		return;
	/* RFC 9113, 6.8: a warning first, since requests are on their way. */
	(void)nghttp2_submit_shutdown_notice(h2->session);
	timer_set(&h2->leave, LEAVE_MS);
	conn_run_later(c);
}

void
h2_timeout(struct conn *c)
{
	switch (c->wait) {
	case WAIT_IDLE:
		h2_goodbye(c->h2);
		break;
	case WAIT_HEADER:
		h2_terminate(c->h2, NGHTTP2_ENHANCE_YOUR_CALM);
		break;
	default:
		conn_close(c);
		return;
	}
	conn_run(c);
}

/* All that there was to say is said. */
static void
h2_finish(struct conn *c)
{
	struct h2 *h2 = c->h2;

	h2_cut(h2);
	conn_drop_in(c);
	conn_drop_out(c);
	conn_linger(c);
	h2_end(h2);
}

/* ---- bytes ---- */

/* What may be sent now, to the connection's buffer; false: failed. */
static bool
h2_fill(struct h2 *h2)
{
	struct conn *c = h2->conn;
	const uint8_t *p;
	ssize_t n = 0;

	while (c->out_len < FILL_MAX) {
		n = nghttp2_session_mem_send(h2->session, &p);
		if (n <= 0)
			break;
		conn_out_add(c, (const char *)p, (size_t)n);
	}
	return (n >= 0);
}

bool
h2_out_full(const struct h2 *h2)
{
	return (h2->conn->out_len >= FILL_MAX);
}

static void
h2_feed(struct h2 *h2)
{
	struct conn *c = h2->conn;
	ssize_t n;

	n = nghttp2_session_mem_recv(
	    h2->session, (const uint8_t *)c->in, c->in_len);
	c->in_len = 0;
	if (n >= 0)
		return;
	/* Its own limits have other names from version to version. */
	h2_terminate(
	    h2, n == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? NGHTTP2_PROTOCOL_ERROR
		: n == NGHTTP2_ERR_NOMEM || n == NGHTTP2_ERR_CALLBACK_FAILURE
		    ? NGHTTP2_INTERNAL_ERROR
		    : NGHTTP2_ENHANCE_YOUR_CALM);
}

static enum step
h2_read(struct conn *c)
{
	ssize_t r;

	if (c->in == NULL)
		c->in = loop_buf_borrow(c->server->loop);
	if (c->in_len == 0) { /* else it came with the handshake's end */
		r = conn_read(c, c->in, LOOP_BUF_SIZE);
		if (r < 0) {
			conn_close(c);
			return (STEP_WAIT);
		}
		c->in_len = (size_t)r;
	}
	if (c->in_len > 0)
		h2_feed(c->h2);
	return (STEP_MORE);
}

/* Nothing is to be done until something happens. */
static enum step
h2_rest(struct conn *c)
{
	struct h2 *h2 = c->h2;

	if (h2->over || (!nghttp2_session_want_read(h2->session) &&
			    !nghttp2_session_want_write(h2->session))) {
		h2_finish(c);
		return (STEP_WAIT);
	}
	conn_drop_in(c);
	watch_set(&c->watch, LOOP_READ);
	if (h2->heading != NULL)
		conn_wait(c, WAIT_HEADER);
	else
		conn_wait(c, h2->nstreams == 0 ? WAIT_IDLE : WAIT_NOTHING);
	return (STEP_WAIT);
}

/* What is ready to go, goes. */
static enum step
h2_write(struct conn *c)
{
	switch (conn_flush(c)) {
	case 0:
		return (STEP_WAIT);
	case 1:
		h2_sweep(c->h2, true);
		return (STEP_MORE);
	default:
		conn_close(c);
		return (STEP_WAIT);
	}
}

enum step
step_h2(struct conn *c)
{
	struct h2 *h2 = c->h2;

	h2_sweep(h2, c->out_len == 0);
	if (c->state == CONN_H2 && !h2->over)
		h2_dispatch(h2);
	if (c->state != CONN_H2)
		return (STEP_WAIT);
	if (!h2_fill(h2)) {
		conn_close(c);
		return (STEP_WAIT);
	}
	if (c->out_len > 0)
		return (h2_write(c));
	if (!h2->over && (c->more || c->in_len > 0))
		return (h2_read(c));
	return (h2_rest(c));
}

/* ---- the end of it ---- */

void
h2_cut(struct h2 *h2)
{
	struct h2_stream *s;

	timer_clear(&h2->leave);
	while ((s = h2->streams) != NULL)
		stream_close(s);
	for (s = h2->closed; s != NULL; s = s->next)
		stream_cut(s);
	h2->conn->h2 = NULL;
	h2->conn = NULL;
}

void
h2_end(struct h2 *h2)
{
	struct h2_stream *s;

	nghttp2_session_del(h2->session);
	while ((s = h2->closed) != NULL) {
		h2->closed = s->next;
		stream_free(s);
	}
	free(h2);
}
