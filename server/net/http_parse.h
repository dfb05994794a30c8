/* server/net/http_parse.h - strict HTTP/1.1 messages (RFC 9112), requests of
 * clients and answers of brokers. Pure: bytes in, spans out.
 *
 * Refused, always: bare LF or CR, obs-fold, blanks around a field name, empty
 * field names, NUL and control characters in values, bytes >= 0x80 that are
 * not UTF-8, names with characters outside tchar, two Hosts, none (1.1),
 * Content-Length with anything but digits or twice (even when equal),
 * Content-Length beside Transfer-Encoding, any Transfer-Encoding but exactly
 * "chunked" (case-insensitive) and any on HTTP/1.0, chunk sizes with "0x",
 * blanks or more than 15 digits, control bytes in chunk extensions, trailers
 * that are not well-formed fields (they are discarded). */
#ifndef HUB_NET_HTTP_PARSE_H
#define HUB_NET_HTTP_PARSE_H

#include "server/base/buf.h"
#include "server/base/str.h"

#define HTTP_FIELDS_MAX 64	  /* more: 431 (answers: malformed) */
#define HTTP_TARGET_MAX ((size_t)8192) /* longer: 414 */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER /* a token, but none of these (TRACE, CONNECT, ...) */
};

enum http_framing {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_EOF /* answers only: until the connection closes */
};

struct http_field {
	struct str name;  /* as sent; compare with str_caseeq */
	struct str value; /* trimmed */
};

struct http_head {
	/* requests */
	enum http_method method;
	struct str method_text;
	struct str target; /* origin-form "/..." or "*"; absolute-form is
			      accepted with its authority in host */
	struct str host;   /* Host, or the authority of an absolute-form */
	bool expect_continue;
	/* answers */
	int status; /* 100..599 */
	/* both */
	int minor; /* HTTP/1.minor: 0 or 1 */
	bool keep_alive;
	enum http_framing framing;
	uint64_t content_length; /* for HTTP_BODY_LENGTH */
	size_t size;		 /* bytes of the head with its blank line */
	unsigned nfields;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* The value of the only field of that name; p is NULL when there is none or
 * more than one. *count_r (may be NULL) says how many there are. */
struct str http_field_find(const struct http_head *, struct str name,
    unsigned *count_r);

enum http_parsed { HTTP_BAD = 0, HTTP_MORE, HTTP_DONE };

/* bytes is everything received of this message so far, starting at its first
 * byte; *scanned (0 at first, opaque) remembers what earlier calls saw, so that
 * a head dripping in byte by byte costs linear time. max: ceiling of the head
 * in bytes. At HTTP_BAD *status_r is what to answer: 400, 414, 431, 501
 * (transfer coding) or 505, and the connection must close. Bad bytes are
 * reported as soon as they are seen, not at the end of the head. The spans of
 * *head point into bytes. Empty lines (CRLF) before a request line are
 * skipped (at most 2) and count into size. */
enum http_parsed http_parse_request(struct str bytes, size_t *scanned,
    size_t max, struct http_head *head_r, int *status_r);

/* The same for an answer. to_head: it answers a HEAD, so no body follows. 1xx,
 * 204 and 304 have none either. An interim 1xx is reported like any other;
 * the caller skips it. 101 is HTTP_BAD (we never upgrade). */
enum http_parsed http_parse_response(struct str bytes, size_t *scanned,
    size_t max, bool to_head, struct http_head *head_r);

/* Chunked bodies. Zeroed is the start. */
struct http_chunked {
	int state;
	uint64_t left;	    /* of the current chunk */
	unsigned digits;    /* of the current size */
	size_t overhead;    /* extension and trailer bytes, capped at 4 KiB */
};
/* Consumes up to in.len bytes, appends the data to out (its ceiling is the
 * caller's limit: check out->failed), *used_r says how many were eaten.
 * HTTP_DONE after the last CRLF; bytes behind it are not eaten. */
enum http_parsed http_chunked_feed(struct http_chunked *, struct str in,
    size_t *used_r, struct buf *out);

/* A request target split and decoded. */
#define HTTP_SEGMENTS_MAX 8
#define HTTP_PARAMS_MAX	  32
struct http_param {
	struct str name, value; /* decoded once; '+' is a blank */
};
struct http_uri {
	struct str path; /* raw, without query */
	unsigned nsegments;
	struct str segments[HTTP_SEGMENTS_MAX]; /* decoded once */
	unsigned nparams;
	struct http_param params[HTTP_PARAMS_MAX];
	struct str query; /* raw, without '?' */
};
/* Decodes into scratch (ceiling is the caller's; 2 * target.len is enough).
 * One trailing slash is ignored. HUB_ESYNTAX: not starting with '/', empty,
 * "." or ".." segments (also percent-encoded), ';', '\\', '#', bytes outside
 * the URI alphabet of RFC 3986, bad or NUL escapes, escapes that are not
 * UTF-8 when decoded, %2F before the last segment, an empty parameter name.
 * HUB_EFULL: too many segments or parameters. HUB_EEXIST: one parameter name
 * twice (*dup_r names it). "a&&b" has empty parts, which are ignored. */
enum hub_err http_uri_parse(struct str target, struct buf *scratch,
    struct http_uri *uri_r, struct str *dup_r) HUB_MUST_CHECK;
/* The parameter, or NULL. */
const struct str *http_uri_param(const struct http_uri *, struct str name);

/* The standard phrase, "Unknown" if none. */
const char *http_reason(int status);

#endif
