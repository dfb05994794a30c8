/* tests/fuzz/fuzz_http_response.c - answers as brokers send them. The lowest
 * bit of the first byte says whether it answers a HEAD. */
#include <stdlib.h>

#include "server/net/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define MAX ((size_t)4096)

static void
check_head(const struct http_head *h, struct str in, bool to_head)
{
	assert(h->size <= in.len && h->size <= MAX);
	assert(h->status >= 100 && h->status <= 599 && h->status != 101);
	assert(h->nfields <= HTTP_FIELDS_MAX);
	assert(h->framing == HTTP_BODY_LENGTH || h->content_length == 0);
	assert(h->framing != HTTP_BODY_EOF || !h->keep_alive);
	if (to_head || h->status < 200 || h->status == 204 ||
	    h->status == 304)
		assert(h->framing == HTTP_BODY_NONE);
	else
		assert(h->framing != HTTP_BODY_NONE);
	for (unsigned i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->fields[i];

		assert(f->name.p > in.p && f->name.len > 0);
		assert(f->value.p > f->name.p);
		assert(f->value.p + f->value.len < in.p + h->size);
		assert(str_utf8(f->value));
	}
}

static void
check_drip(struct str in, bool to_head)
{
	enum http_parsed ra = HTTP_MORE, rb;
	size_t scanned = 0, alone;
	struct http_head a, b;

	for (size_t n = 0; n <= in.len && ra == HTTP_MORE; n++) {
		struct str part = { in.p, n };

		alone = 0;
		ra = http_parse_response(part, &scanned, MAX, to_head, &a);
		rb = http_parse_response(part, &alone, MAX, to_head, &b);
		assert(ra == rb);
		if (ra == HTTP_DONE)
			assert(a.size == b.size && a.status == b.status &&
			    a.nfields == b.nfields && a.framing == b.framing);
	}
}

static void
check_chunked(struct str in)
{
	struct http_chunked ch = { 0 };
	struct buf out;
	size_t used;

	buf_init(&out, in.len + 1);
	if (http_chunked_feed(&ch, in, &used, &out) == HTTP_MORE)
		assert(used == in.len);
	assert(used <= in.len && out.len <= used && !out.failed);
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct http_head head;
	size_t scanned = 0;
	bool to_head;

	if (size == 0)
		return (0);
	to_head = (data[0] & 1) != 0;
	in = str_from(in, 1);
	switch (http_parse_response(in, &scanned, MAX, to_head, &head)) {
	case HTTP_DONE:
		check_head(&head, in, to_head);
		if (head.framing == HTTP_BODY_CHUNKED)
			check_chunked(str_from(in, head.size));
		break;
	case HTTP_MORE:
		assert(in.len < MAX);
		break;
	case HTTP_BAD:
		break;
	}
	if (in.len <= 1024)
		check_drip(in, to_head);
	return (0);
}
