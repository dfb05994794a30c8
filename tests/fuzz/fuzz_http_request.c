/* tests/fuzz/fuzz_http_request.c - requests as clients send them: the head, its
 * target, a chunked body behind it. */
#include <stdlib.h>

#include "server/net/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MAX ((size_t)4096)

static bool
within(struct str s, struct str whole)
{
	return (s.p >= whole.p && s.len <= whole.len &&
	    (size_t)(s.p - whole.p) <= whole.len - s.len);
}

static void
check_head(const struct http_head *h, struct str in)
{
	assert(h->size <= in.len && h->size <= MAX);
	assert(memcmp(in.p + h->size - 4, "\r\n\r\n", 4) == 0);
	assert(h->nfields <= HTTP_FIELDS_MAX);
	in.len = h->size;
	assert(within(h->method_text, in) && within(h->target, in));
	assert(h->method_text.len > 0 && h->target.len > 0);
	assert(h->target.p[0] == '/' || str_eq(h->target, STR("*")));
	assert(h->minor == 0 || h->host.len > 0);
	assert(h->host.len == 0 || within(h->host, in));
	assert(h->framing != HTTP_BODY_EOF);
	for (unsigned i = 0; i < h->nfields; i++) {
		assert(within(h->fields[i].name, in));
		assert(within(h->fields[i].value, in));
		assert(h->fields[i].name.len > 0);
		assert(str_utf8(h->fields[i].value));
		assert(str_chr(h->fields[i].value, '\0') ==
		    h->fields[i].value.len);
		assert(str_chr(h->fields[i].value, '\n') ==
		    h->fields[i].value.len);
	}
}

/* Byte by byte, each verdict must be that of the prefix alone. Quadratic on
 * purpose, so only for short inputs. */
static void
check_drip(struct str in)
{
	struct http_head a, b;
	enum http_parsed ra = HTTP_MORE, rb;
	size_t scanned = 0, alone;
	int sa = 0, sb = 0;

	for (size_t n = 0; n <= in.len && ra == HTTP_MORE; n++) {
		struct str part = { in.p, n };

		alone = 0;
		ra = http_parse_request(part, &scanned, MAX, &a, &sa);
		rb = http_parse_request(part, &alone, MAX, &b, &sb);
		assert(ra == rb && sa == sb);
		if (ra == HTTP_DONE)
			assert(a.size == b.size && a.nfields == b.nfields &&
			    a.framing == b.framing && a.host.p == b.host.p);
	}
}

static void
check_uri(struct str target)
{
	struct http_uri uri;
	struct buf scratch;
	struct str dup, all;
	enum hub_err err;

	buf_init(&scratch, 2 * target.len + 1);
	err = http_uri_parse(target, &scratch, &uri, &dup);
	assert(!scratch.failed);
	all = buf_str(&scratch);
	if (err == HUB_EEXIST)
		assert(within(dup, all));
	if (err == HUB_OK) {
		assert(within(uri.path, target) && within(uri.query, target));
		for (unsigned i = 0; i < uri.nsegments; i++) {
			assert(uri.segments[i].len > 0);
			assert(within(uri.segments[i], all));
			assert(str_utf8(uri.segments[i]));
			assert(!str_eq(uri.segments[i], STR("..")));
		}
		for (unsigned i = 0; i < uri.nparams; i++) {
			assert(within(uri.params[i].name, all));
			assert(within(uri.params[i].value, all));
			assert(str_utf8(uri.params[i].value));
			assert(http_uri_param(&uri, uri.params[i].name) ==
			    &uri.params[i].value);
		}
	}
	buf_clear(&scratch);
}

static enum http_parsed
feed(struct str in, size_t step, size_t *eaten_r, struct buf *out)
{
	struct http_chunked ch = { 0 };
	enum http_parsed r = HTTP_MORE;
	size_t used, eaten = 0;
	struct str part;

	buf_init(out, in.len + 1);
	while (r == HTTP_MORE && eaten < in.len) {
		part = str_from(in, eaten);
		if (part.len > step)
			part.len = step;
		r = http_chunked_feed(&ch, part, &used, out);
		assert(used <= part.len);
		assert(r != HTTP_MORE || used == part.len);
		eaten += used;
	}
	assert(!out->failed);
	*eaten_r = eaten;
	return (r);
}

static void
check_chunked(struct str in)
{
	struct buf a, b;
	size_t na, nb;

	assert(feed(in, in.len, &na, &a) == feed(in, 1, &nb, &b));
	assert(na == nb && str_eq(buf_str(&a), buf_str(&b)));
	assert(a.len <= na);
	buf_clear(&a);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct http_head head;
	size_t scanned = 0;
	int status = 0;

	switch (http_parse_request(in, &scanned, MAX, &head, &status)) {
	case HTTP_DONE:
		check_head(&head, in);
		check_uri(head.target);
		if (head.framing == HTTP_BODY_CHUNKED)
			check_chunked(str_from(in, head.size));
		break;
	case HTTP_MORE:
		assert(size < MAX);
		break;
	case HTTP_BAD:
		assert(status == 400 || status == 414 || status == 431 ||
		    status == 501 || status == 505);
		break;
	}
	if (size <= 1024)
		check_drip(in);
	if (size > 0) {
		check_uri(in);
		check_chunked(in);
	}
	return (0);
}
