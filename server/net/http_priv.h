/* server/net/http_priv.h - what http_server.c and the files of a connection
 * share. */
#ifndef HUB_NET_HTTP_PRIV_H
#define HUB_NET_HTTP_PRIV_H

#include <netinet/in.h>

#include "server/net/crowd.h"
#include "server/net/http_conn.h"

#define HTTP_DATE_LEN 29
#define HTTP_HEAD_MAX (LOOP_BUF_SIZE / 2) /* the rest is room for chunks */

enum conn_state {
	CONN_HEAD,   /* between requests, or within a head */
	CONN_BODY,
	CONN_OPEN,   /* the handler has it */
	CONN_REPLY,  /* an answer is being written */
	CONN_LINGER, /* refused; what still comes is thrown away */
	CONN_H2,     /* HTTP/2: its streams have states of their own */
	CONN_DEAD
};

/* What the one timer of a connection is waiting for. */
enum conn_wait {
	WAIT_NOTHING,
	WAIT_HANDSHAKE,
	WAIT_IDLE,
	WAIT_HEADER,
	WAIT_BODY,
	WAIT_WRITE,
	WAIT_LINGER
};

union conn_peer {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct h2;
struct h2_stream;

/* What a request has for itself, whether it is the one of its connection or
 * one of its streams. */
struct http_exchange {
	struct http_exchange *next; /* while unused */
	struct conn *conn;
	struct h2_stream *stream; /* NULL: HTTP/1.1 */
	struct http_head head;
	struct str body_str;
	struct buf body; /* what did not fit the read buffer */
	struct http_chunked chunked;
	loop_fn *on_abort;
	void *abort_arg;
	char peer[INET6_ADDRSTRLEN];
};

/* What is the connection's, of either version; the fields behind `body' are of
 * HTTP/1.1's one answer, which streams have for themselves. */
struct conn {
	struct conn *prev, *next; /* of the server: open or dead ones */
	struct http_server *server; /* NULL when it is gone before us */
	struct http_exchange *ex;   /* while a request is in flight (HTTP/1.1) */
	struct h2 *h2;		    /* of HTTP/2; or NULL */
	SSL *ssl;
	struct watch watch;
	struct timer timer;
	struct defer defer; /* to go on, or to be freed */
	enum conn_state state;
	enum conn_wait wait;
	int fd;
	bool running; /* conn_run is at work further up */
	bool shaking; /* the TLS handshake is not over */
	bool more;    /* something may be readable that epoll won't tell */
	bool close;   /* after this answer */
	bool refused; /* this answer is ours: linger */

	char *in;		/* lent; [in_from, in_len) is not consumed */
	size_t in_from, in_len, scanned;
	char *out;		/* a head and what fits behind it */
	size_t out_cap;		/* LOOP_BUF_SIZE: lent; else our own */
	size_t out_len, out_off;
	size_t lingered;
	union conn_peer peer;
	struct crowd_seat *address, *owner; /* where it counts; or NULL */
	struct buf body; /* of the answer */
	size_t body_off;
	http_sent_fn *on_sent; /* of the answer on its way; or NULL */
	void *sent_arg;
	size_t out_head, body_len; /* for on_sent */
};

struct http_server {
	struct loop *loop;
	struct tls_server *tls;
	struct crowd *crowd; /* or NULL */
	struct http_limits limits;
	http_handler_fn *fn;
	http_refused_fn *refused; /* or NULL */
	void *arg;
	int fd; /* -1: draining */
	bool shared; /* the queue of fd outlives us */
	struct watch watch;
	struct timer pause;
	struct conn conns, dead; /* heads of circular lists */
	unsigned nconns;
	struct http_exchange *spare;
	unsigned nspare;
	loop_fn *drained;
	void *drained_arg;
	struct defer drained_defer;
	int64_t date_s;
	char date[HTTP_DATE_LEN + 1];
};

/* http_conn.c */
void conn_new(struct http_server *, int fd, const union conn_peer *,
    struct crowd_seat *address);
/* Aborts its exchange; the memory stays until the turn is over. */
void conn_close(struct conn *);
/* With TLS's goodbye, after a complete answer or between requests. */
void conn_end(struct conn *);
/* Between requests, with no byte of one: nothing here, and nothing that the
 * kernel holds for us. */
bool conn_is_idle(const struct conn *);
/* It is idle, and ends soon: a request that is on its way is still taken. */
void conn_leave(struct conn *);

/* http_server.c */
/* Moves to the dead; tells who drains when it was the last. */
void server_bury(struct http_server *, struct conn *);
struct http_exchange *server_exchange(struct http_server *) HUB_MUST_CHECK;
void server_exchange_put(struct http_server *, struct http_exchange *);
/* RFC 9110, 5.6.7; made once a second. */
const char *server_date(struct http_server *);

#endif
