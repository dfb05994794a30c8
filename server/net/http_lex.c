/* server/net/http_lex.c - the bytes of a head; http_lex.h has the promises.
 *
 * Each step reads one element. A head that comes in pieces is only checked as
 * it grows, from where the last call stopped, and read once more when it is
 * complete: a byte is looked at twice at most. */
#include "server/net/http_lex.h"

#include "server/net/http_chars.h"

#define METHOD_MAX  32 /* bytes; longer: 400 */
#define BLANKS_MAX  2  /* empty lines before a request */
#define VERSION_LEN 8  /* "HTTP/1.1" */
#define STATE_BITS  3  /* of *scanned; the rest is a position */

struct lexer {
	const char *base, *p, *end; /* p moves behind what is settled */
	enum http_lex_state state;
	int status;	  /* what to answer when bad */
	unsigned nfields; /* may pass HTTP_FIELDS_MAX */
	struct str name;  /* of the field whose value comes */
	struct http_head *head;
};

/* Each returns HTTP_DONE with p and state moved on, or HTTP_MORE with p where
 * it wants to begin again. */
typedef enum http_parsed lex_fn(struct lexer *);
static lex_fn lex_method, lex_target, lex_version, lex_status, lex_reason,
    lex_name, lex_value;

static lex_fn *const steps[] = {
	[AT_METHOD] = lex_method,
	[AT_TARGET] = lex_target,
	[AT_VERSION] = lex_version,
	[AT_STATUS] = lex_status,
	[AT_REASON] = lex_reason,
	[AT_NAME] = lex_name,
	[AT_VALUE] = lex_value,
};

static enum http_parsed lex_run(struct lexer *, size_t, enum http_lex_state);

enum http_parsed
http_lex(struct str bytes, size_t *scanned, size_t max,
    enum http_lex_state start, struct http_head *head, int *status_r)
{
	struct lexer lx = { .head = head, .status = 400 };
	size_t at = *scanned >> STATE_BITS;
	enum http_parsed r = HTTP_DONE;

	memset(head, 0, offsetof(struct http_head, fields));
	if (bytes.len == 0)
		return (HTTP_MORE);
	lx.base = bytes.p;
	lx.end = bytes.p + (bytes.len < max ? bytes.len : max);
	assert(at <= (size_t)(lx.end - lx.base));
	if (at > 0) /* the fields it notes are cut, and overwritten below */
		r = lex_run(&lx, at,
		    (enum http_lex_state)(*scanned & ((1U << STATE_BITS) - 1)));
	if (r == HTTP_DONE)
		r = lex_run(&lx, 0, start);
	if (r == HTTP_MORE && bytes.len < max) {
		*scanned = (size_t)(lx.p - lx.base) << STATE_BITS |
		    (size_t)lx.state;
		return (HTTP_MORE);
	}
	if (r == HTTP_MORE)
		lx.status = lx.state == AT_TARGET ? 414 : 431;
	else if (r == HTTP_DONE && lx.nfields > HTTP_FIELDS_MAX)
		lx.status = 431;
	else if (r == HTTP_DONE) {
		head->nfields = lx.nfields;
		head->size = (size_t)(lx.p - lx.base);
		return (HTTP_DONE);
	}
	*status_r = lx.status;
	return (HTTP_BAD);
}

static enum http_parsed
lex_run(struct lexer *lx, size_t at, enum http_lex_state state)
{
	enum http_parsed r = HTTP_DONE;

	lx->p = lx->base + at;
	lx->state = state;
	lx->nfields = 0;
	while (r == HTTP_DONE && lx->state != AT_END)
		r = steps[lx->state](lx);
	return (r);
}

static enum http_parsed
lex_method(struct lexer *lx)
{
	static const struct str known[HTTP_OTHER] = {
		[HTTP_GET] = { "GET", 3 },
		[HTTP_HEAD] = { "HEAD", 4 },
		[HTTP_POST] = { "POST", 4 },
		[HTTP_PUT] = { "PUT", 3 },
		[HTTP_PATCH] = { "PATCH", 5 },
		[HTTP_DELETE] = { "DELETE", 6 },
		[HTTP_OPTIONS] = { "OPTIONS", 7 },
	};
	const char *p = lx->base, *from;
	struct str text;
	unsigned m = 0;

	/* RFC 9112, 2.2: some clients end a body with an extra CRLF. */
	for (unsigned i = 0; i < BLANKS_MAX && p < lx->end && *p == '\r'; i++) {
		if (lx->end - p < 2)
			return (HTTP_MORE);
		if (p[1] != '\n')
			return (HTTP_BAD);
		p += 2;
	}
	for (from = p; p < lx->end && http_char_is(*p, HC_TOKEN); p++)
		if (p - from == METHOD_MAX)
			return (HTTP_BAD);
	if (p == lx->end)
		return (HTTP_MORE);
	if (*p != ' ' || p == from)
		return (HTTP_BAD);
	text = (struct str){ from, (size_t)(p - from) };
	while (m < HTTP_OTHER && !str_eq(text, known[m]))
		m++;
	lx->head->method = (enum http_method)m;
	lx->head->method_text = text;
	lx->p = p + 1;
	lx->state = AT_TARGET;
	return (HTTP_DONE);
}

static enum http_parsed
lex_target(struct lexer *lx)
{
	const char *p, *from;

	/* A method is short: its end is found again sooner than remembered. */
	from = memchr(lx->base, ' ', (size_t)(lx->end - lx->base));
	assert(from != NULL);
	from++;
	p = http_skip_text(lx->p, lx->end, '!');
	if ((size_t)(p - from) > HTTP_TARGET_MAX) {
		lx->status = 414;
		return (HTTP_BAD);
	}
	lx->p = p;
	if (p == lx->end)
		return (HTTP_MORE);
	if (*p != ' ' || p == from)
		return (HTTP_BAD);
	lx->head->target = (struct str){ from, (size_t)(p - from) };
	lx->p = p + 1;
	lx->state = AT_VERSION;
	return (HTTP_DONE);
}

/* "HTTP/1.0" or "HTTP/1.1" at p. */
static enum http_parsed
lex_http(struct lexer *lx, const char *p)
{
	size_t n = (size_t)(lx->end - p);

	if (memcmp(p, "HTTP/", n < 5 ? n : 5) != 0)
		return (HTTP_BAD);
	if (n < VERSION_LEN)
		return (HTTP_MORE);
	if (p[5] < '0' || p[5] > '9' || p[6] != '.' || p[7] < '0' ||
	    p[7] > '9')
		return (HTTP_BAD);
	if (p[5] != '1' || p[7] > '1') {
		lx->status = 505;
		return (HTTP_BAD);
	}
	lx->head->minor = p[7] - '0';
	return (HTTP_DONE);
}

/* CRLF at p; moves behind it. */
static enum http_parsed
lex_crlf(struct lexer *lx, const char *p, enum http_lex_state next)
{
	if (p == lx->end)
		return (HTTP_MORE);
	if (*p != '\r')
		return (HTTP_BAD);
	if (lx->end - p < 2)
		return (HTTP_MORE);
	if (p[1] != '\n')
		return (HTTP_BAD);
	lx->p = p + 2;
	lx->state = next;
	return (HTTP_DONE);
}

static enum http_parsed
lex_version(struct lexer *lx)
{
	enum http_parsed r = lex_http(lx, lx->p);

	if (r != HTTP_DONE)
		return (r);
	return (lex_crlf(lx, lx->p + VERSION_LEN, AT_NAME));
}

/* "HTTP/1.1 200", then a blank and a phrase, or neither. */
static enum http_parsed
lex_status(struct lexer *lx)
{
	const char *p = lx->base + VERSION_LEN;
	enum http_parsed r = lex_http(lx, lx->base);
	int status = 0;

	if (r != HTTP_DONE)
		return (r);
	if (p < lx->end && *p++ != ' ')
		return (HTTP_BAD);
	for (int i = 0; i < 3 && p < lx->end; i++, p++) {
		if (*p < '0' || *p > '9')
			return (HTTP_BAD);
		status = status * 10 + (*p - '0');
	}
	if (p == lx->end)
		return (HTTP_MORE);
	if (status < 100 || status > 599 || (*p != ' ' && *p != '\r'))
		return (HTTP_BAD);
	lx->head->status = status;
	lx->p = p;
	lx->state = AT_REASON;
	return (HTTP_DONE);
}

/* Whether a UTF-8 sequence begins at p: HTTP_MORE when it may. */
static enum http_parsed
lex_utf8(const struct lexer *lx, const char *p, size_t *n_r)
{
	unsigned char lead = (unsigned char)*p;
	size_t n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	size_t left = (size_t)(lx->end - p);

	for (size_t i = 1; i < n && i < left; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return (HTTP_BAD);
	if (left < n)
		return (HTTP_MORE);
	*n_r = n;
	return (str_utf8((struct str){ p, n }) ? HTTP_DONE : HTTP_BAD);
}

/* Text up to CRLF; text_r ends there. */
static enum http_parsed
lex_line(struct lexer *lx, const char **text_end_r)
{
	const char *p = lx->p;
	enum http_parsed r;
	size_t n;

	for (;;) {
		p = http_skip_text(p, lx->end, ' ');
		lx->p = p;
		if (p == lx->end)
			return (HTTP_MORE);
		if ((unsigned char)*p >= 0x80) {
			r = lex_utf8(lx, p, &n);
			if (r != HTTP_DONE)
				return (r);
			p += n;
		} else if (*p == '\t')
			p++;
		else
			break;
	}
	*text_end_r = p;
	return (lex_crlf(lx, p, AT_NAME));
}

static enum http_parsed
lex_reason(struct lexer *lx)
{
	const char *end;

	return (lex_line(lx, &end));
}

static enum http_parsed
lex_name(struct lexer *lx)
{
	const char *from = lx->p, *p = from;
	bool at_start = from[-1] == '\n';

	if (at_start && p < lx->end && *p == '\r')
		return (lex_crlf(lx, p, AT_END));
	p = http_skip_token(p, lx->end);
	if (p == lx->end) {
		lx->p = p;
		return (HTTP_MORE);
	}
	if (*p != ':' || (at_start && p == from))
		return (HTTP_BAD);
	lx->name = (struct str){ from, (size_t)(p - from) };
	lx->p = p + 1;
	lx->state = AT_VALUE;
	return (HTTP_DONE);
}

static enum http_parsed
lex_value(struct lexer *lx)
{
	const char *from = lx->p, *end;
	enum http_parsed r = lex_line(lx, &end);

	if (r != HTTP_DONE)
		return (r);
	if (lx->nfields < HTTP_FIELDS_MAX)
		lx->head->fields[lx->nfields] = (struct http_field){ lx->name,
			str_trim((struct str){ from, (size_t)(end - from) }) };
	lx->nfields++;
	return (r);
}
