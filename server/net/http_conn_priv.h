/* server/net/http_conn_priv.h - what http_conn.c, http_receive.c and
 * http_reply.c share: the steps of a connection, and what they leave to each
 * other. */
#ifndef HUB_NET_HTTP_CONN_PRIV_H
#define HUB_NET_HTTP_CONN_PRIV_H

#include "server/net/http_priv.h"

#define LEAVE_MS 250 /* idle ones, while the server drains */

/* MORE: another step can be made now. WAIT: an event or a timer wakes it. */
enum step { STEP_WAIT, STEP_MORE };

/* http_conn.c */
/* Steps until it must wait. */
void conn_run(struct conn *);
/* At the end of this turn of the loop. */
void conn_run_later(struct conn *);
/* One wait at a time; waiting on for the same thing does not extend it. */
void conn_wait(struct conn *, enum conn_wait);
void conn_drop_in(struct conn *);
void conn_drop_out(struct conn *);
void conn_drop_exchange(struct conn *);
/* Closing with bytes unread resets the connection, and the client would never
 * see the answer: so take what comes for a while (RFC 9112, 9.6). */
void conn_linger(struct conn *);

/* http_receive.c */
/* Like tls_read; at 0 the watch is set for what is missing. */
ssize_t conn_read(struct conn *, char *, size_t);
enum step step_head(struct conn *);
enum step step_body(struct conn *);
enum step step_open(struct conn *);

/* http_reply.c */
enum step step_reply(struct conn *);
/* The body of an answer of ours; http_reply's kind of fields are not in it. */
void http_refusal(int status, struct buf *body_r);
/* To what is written next; the lent buffer becomes one of our own when it does
 * not hold it. */
void conn_out_add(struct conn *, const char *, size_t);
/* An answer of ours; the connection ends with it. */
void conn_refuse(struct conn *, int status);
void conn_continue(struct conn *);
/* Tells who wants to know that the answer is written, or will not be. */
void conn_tell_sent(struct conn *, bool whole);
/* 1: all is written, 0: must wait (the watch is set), -1: failed. */
int conn_flush(struct conn *);

#endif
