/* server/net/h2.h - a connection that speaks HTTP/2 (RFC 9113), chosen by ALPN:
 * what http_conn.c and http_reply.c ask of it. Frames and HPACK are nghttp2's.
 *
 * A connection has one session, and each request of it is a stream with an
 * exchange of its own; the handler is HTTP/1.1's and cannot tell the two apart.
 *
 * What stays the connection's: its socket and TLS, peer, seats in the crowd,
 * watch and timer, the buffers lent while bytes move. What is a stream's: the
 * exchange, the text of its head, its body, its answer and how much of that is
 * framed, who wants to know that it was sent, and its own deadline.
 *
 * The session is never touched from within its own callbacks but by its submit
 * functions: what they saw is acted upon when it has returned. */
#ifndef HUB_NET_H2_H
#define HUB_NET_H2_H

#include "server/net/http_conn_priv.h"

struct h2;
struct h2_stream;

/* After the handshake, before the first byte is read as a request. */
void h2_begin(struct conn *);
/* One turn: requests that wait are handed on, what can be sent is, what came
 * is read. */
enum step step_h2(struct conn *);
/* The connection's timer: idle, or a head that does not end. */
void h2_timeout(struct conn *);
/* The server drains: what is under way, and what comes within a moment, is
 * answered, then it ends. */
void h2_leave(struct conn *);
/* The connection closes, in two steps: first, with its socket still open, its
 * streams give back what is the connection's or the server's; last of all every
 * open exchange sees its abort. */
void h2_cut(struct h2 *);
void h2_end(struct h2 *);

/* http_reply and http_exchange_on_sent of an exchange that is a stream's. */
void h2_reply(
    struct http_exchange *, int status, struct str fields, struct buf *body);
void h2_on_sent(struct http_exchange *, http_sent_fn *, void *arg);

#endif
