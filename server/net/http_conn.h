/* server/net/http_conn.h - the side that clients see: listeners, connections
 * and exchanges (one request and its answer).
 *
 * One exchange of a connection is open at a time; pipelined requests wait in
 * the kernel and in the connection's one read buffer. Everything is bounded
 * by struct http_limits. A request the parser refuses is answered here with
 * problem+json and the connection closes; the handler never sees it. */
#ifndef HUB_NET_HTTP_CONN_H
#define HUB_NET_HTTP_CONN_H

#include "server/base/buf.h"
#include "server/net/http_parse.h"
#include "server/net/loop.h"
#include "server/net/tls.h"

struct http_limits {
	size_t header;	      /* bytes of a request head; 431 (max. 32 KiB) */
	size_t body;	      /* bytes of a request body; 413 */
	unsigned connections; /* of this server; more are closed at accept */
	unsigned per_address; /* of all servers of a crowd; 0: no limit */
	int header_ms;	      /* from first byte to end of head; 408 */
	int body_ms;	      /* from head to end of body; 408 */
	int idle_ms;	      /* keep-alive without a request; closed */
	int handshake_ms;     /* TLS; closed */
	int write_ms;	      /* without one byte taken by the client; closed */
};

struct crowd;
struct http_server;
struct http_exchange;

/* The request is complete. The handler (or something it starts) must call
 * http_reply once, unless aborted first. It may do so before it returns. */
typedef void http_handler_fn(struct http_exchange *, void *arg);

/* fd: a listening, non-blocking socket (any family); taken over. tls: NULL
 * for plain; borrowed, must outlive the server. */
struct http_server *http_server_new(struct loop *, int fd, struct tls_server *,
    const struct http_limits *, http_handler_fn *, void *arg) HUB_MUST_CHECK;
/* Stops accepting, answers what is under way, and what idle connections ask
 * within a moment, with "Connection: close", closes them, then calls fn(arg)
 * once (never before it returned). */
void http_server_drain(struct http_server *, loop_fn *, void *arg);
/* Closes everything at once; open exchanges see their abort. NULL is fine. */
void http_server_free(struct http_server *);
/* The listening socket is another's, too, and its queue outlives us: nothing is
 * accepted until http_server_go, and who has queued when it drains is left to
 * who serves the socket next. Before the loop runs. */
void http_server_hold(struct http_server *);
void http_server_go(struct http_server *);
/* A new TLS context for new connections (reload). */
void http_server_set_tls(struct http_server *, struct tls_server *);
/* Likewise for waits and sizes that begin from now on. */
void http_server_set_limits(struct http_server *, const struct http_limits *);
/* Where connections are counted: for limits.per_address, which is refused by
 * closing at accept, and for http_exchange_seat. Borrowed; before the first
 * connection. IPv6 addresses count by their /64, as one client has all of it;
 * unix sockets do not count. */
void http_server_set_crowd(struct http_server *, struct crowd *);
/* Told of each refusal of something that the handler never sees (malformed, too
 * large, too slow). Before the first connection. */
typedef void http_refused_fn(int status, void *arg);
void http_server_on_refusal(struct http_server *, http_refused_fn *);
unsigned http_server_connections(const struct http_server *);

/* A listening socket on "address:port", "[v6]:port" or "unix:/path" (numeric
 * addresses only; port 0: any). SO_REUSEADDR, SO_REUSEPORT (several workers),
 * TCP_NODELAY (inherited), close-on-exec. *port_r: the port bound. */
enum hub_err http_listen(struct str address, int *fd_r, uint16_t *port_r)
    HUB_MUST_CHECK;
/* Of a listening socket; 0: it has none. */
uint16_t http_listen_port(int fd) HUB_MUST_CHECK;

/* Valid until http_reply or the abort callback. */
const struct http_head *http_exchange_head(const struct http_exchange *);
struct str http_exchange_body(const struct http_exchange *);
struct loop *http_exchange_loop(const struct http_exchange *);
/* Numeric peer address for the log; "unix" for unix sockets. */
struct str http_exchange_peer(struct http_exchange *);
bool http_exchange_is_tls(const struct http_exchange *);
/* SHA-256 of the certificate that the client has shown to be its own, as
 * tls_peer_thumbprint has it; false: there is none. */
bool http_exchange_client_cert(
    const struct http_exchange *, unsigned char out[SHA256_LEN]);
/* Its connection counts for who, until it ends or counts for another. false:
 * max do already, and the connection ends with the answer. */
bool http_exchange_seat(struct http_exchange *, struct str who, unsigned max)
    HUB_MUST_CHECK;
/* fn(arg) when the client has gone before http_reply: the exchange must not
 * be touched afterwards. A client that only shut down its sending side has
 * not gone away. */
void http_exchange_on_abort(struct http_exchange *, loop_fn *, void *arg);

/* fn(arg, bytes, whole) once after http_reply: when the body is written, or
 * the connection ended before; bytes of it are what the client's side has
 * acknowledged, as far as the kernel knows. It must not touch the exchange. */
typedef void http_sent_fn(void *arg, uint64_t bytes, bool whole);
void http_exchange_on_sent(struct http_exchange *, http_sent_fn *, void *arg);

/* Sends the answer; the exchange is over. fields: complete header lines each
 * with CRLF, without Content-Length, Date and Connection, which are added
 * here; may be empty. body: its bytes are taken over (*body is left empty).
 * The body of a HEAD is counted, not sent. Status 204 and 304 have none. The
 * handler may be called with the connection's next request before this
 * returns, if that one was pipelined. */
void http_reply(struct http_exchange *, int status, struct str fields,
    struct buf *body);

#endif
