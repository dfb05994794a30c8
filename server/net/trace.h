/* server/net/trace.h - which trace a request belongs to (W3C Trace Context,
 * https://www.w3.org/TR/trace-context/): the client's, if it names one, else
 * a new one. Pure but for the random bytes of new ids.
 *
 * An id is text for the logs and for whoever is asked next, and decides
 * nothing: anybody can name any. */
#ifndef HUB_NET_TRACE_H
#define HUB_NET_TRACE_H

#include "server/base/arena.h"
#include "server/net/http_parse.h"

#define TRACE_ID_LEN	32
#define TRACE_SPAN_LEN	16
#define TRACE_STATE_MAX 512 /* 3.3.1.5: what is passed on at least */

/* Lower-case hexadecimal digits, with a NUL behind them. */
struct trace {
	char id[TRACE_ID_LEN + 1];
	char span[TRACE_SPAN_LEN + 1];	 /* our part of it */
	char parent[TRACE_SPAN_LEN + 1]; /* the client's; empty: it has none */
	bool sampled;			 /* the client records it */
	struct str state;		 /* its tracestate; or empty */
};

/* What of it a source is told (trace-sources of hubd.conf). */
enum trace_to { TRACE_NONE, TRACE_ID, TRACE_ALL };

/* Goes on with the trace in the head: exactly one traceparent, well-formed; the
 * tracestate, in one field or several, only beside such a one, and only when it
 * is well-formed and not longer than TRACE_STATE_MAX. Else begins one. state
 * lies in the arena. */
void trace_begin(struct trace *, const struct http_head *, struct arena *);

/* Reads id, parent and sampled; false, and nothing is touched, if it is none:
 * version 00 to the letter (3.2.2), of a later one what version 00 knows (4.3,
 * "versioning"); ids of zeros and version ff are none. */
bool trace_read_parent(struct str, struct trace *) HUB_MUST_CHECK;
/* 3.3.1: at most 32 members, each key once; empty members are none. */
bool trace_state_ok(struct str) HUB_MUST_CHECK;

/* The value of traceparent for who is asked on our behalf. */
#define TRACE_PARENT_LEN 55
void trace_write_parent(const struct trace *, struct buf *);

#endif
