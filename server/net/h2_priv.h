/* server/net/h2_priv.h - what h2_conn.c (the session and its connection),
 * h2_stream.c (requests), h2_reply.c (answers), h2_calm.c (what is too much)
 * and h2_mem.c share. */
#ifndef HUB_NET_H2_PRIV_H
#define HUB_NET_H2_PRIV_H

#include <nghttp2/nghttp2.h>

#include "server/net/h2.h"
#include "server/net/h2_head.h"

#define H2_STREAMS_MAX 100 /* open at a time; more are refused unprocessed */
/* Answers wait for a client that takes them slowly. Above the first mark its
 * requests wait, too; above the second an answer is dropped with its stream. */
#define H2_UNSENT_HIGH ((size_t)16 << 20)
#define H2_UNSENT_MAX  ((size_t)256 << 20)
/* Bodies that are held, in sizes of the largest one allowed. */
#define H2_BODIES 4

enum h2_state {
	H2_HEAD,
	H2_BODY,
	H2_READY, /* complete, for the handler */
	H2_OPEN,  /* the handler has it */
	H2_REPLY, /* has its answer, or needs none */
};

struct h2_stream {
	struct h2_stream *prev, *next; /* of the connection: open or closed */
	struct h2_stream *ready;       /* the next that waits for the handler */
	struct h2 *h2;
	struct http_exchange *ex; /* from the end of the head to the answer */
	struct timer timer;       /* of its body, or of its answer */
	struct h2_head head;
	struct buf body; /* of the answer; [off, len) is not yet framed */
	size_t off, body_len, seen; /* seen: off when the timer was set */
	http_sent_fn *on_sent;
	void *sent_arg;
	loop_fn *on_abort; /* of the exchange, when that is given back */
	void *abort_arg;
	int32_t id;
	enum h2_state state;
	bool ended;   /* the client has sent all of it */
	bool framed;  /* so have we, as far as frames go */
	bool written; /* and the socket has taken them */
	bool closed;  /* nghttp2 is done with it */
	bool is_head;
};

/* A bucket that leaks: what must not come too often. */
struct h2_calm {
	uint64_t level;
	struct mono_us at; /* when it was level */
};

struct h2 {
	struct conn *conn; /* NULL: it has closed */
	struct loop *loop;
	struct http_server *server;
	nghttp2_session *session;
	struct h2_stream *streams, *closed;
	struct h2_stream *heading; /* whose head is being read, or NULL */
	struct h2_stream *ready, **ready_end;
	unsigned nstreams; /* not closed */
	size_t unsent;     /* bytes of answers that are not framed */
	size_t bodies;     /* bytes of requests */
	struct timer leave;
	struct h2_calm frames, resets;
	void *block; /* of pages; or NULL */
	size_t block_len;
	bool leaving; /* the last GOAWAY is submitted */
	bool over;    /* it has been too much: ends when that is sent */
};

/* h2_conn.c */
/* No new streams; ends with the last one. */
void h2_goodbye(struct h2 *);
/* Ends at once, with an error code of RFC 9113, 7. */
void h2_terminate(struct h2 *, uint32_t code);
/* Enough for one write. */
bool h2_out_full(const struct h2 *);

/* h2_stream.c */
void stream_callbacks(nghttp2_session_callbacks *);
/* To the handler, in the order they were complete. */
void h2_dispatch(struct h2 *);
/* What has closed; who wants to know that it is sent waits for written: all
 * that was framed is. */
void h2_sweep(struct h2 *, bool written);
void stream_close(struct h2_stream *);
/* Gives back what it has of the connection and says how far its answer came;
 * then stream_free, which calls the abort. */
void stream_cut(struct h2_stream *);
void stream_free(struct h2_stream *);
/* The request is not needed any more. */
void stream_drop_request(struct h2_stream *);

/* h2_reply.c */
void reply_callbacks(nghttp2_session_callbacks *);
/* An answer of ours; the rest of the request is not wanted. */
void stream_refuse(struct h2_stream *, int status);

/* h2_mem.c */
/* For the session of h2, which must outlive it. */
nghttp2_mem h2_mem(struct h2 *);

/* h2_calm.c */
/* Each event raises the level by one; false: more than there may be. */
bool calm_ok(struct h2_calm *, struct mono_us now, unsigned burst,
    unsigned per_second) HUB_MUST_CHECK;
void calm_credit(struct h2_calm *, unsigned n);

#endif
