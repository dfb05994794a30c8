/* fuzz_h2.c - a client that speaks something like HTTP/2: the first byte says
 * how the handler answers and how the bytes are cut, the rest is sent behind a
 * preface. What the handler sees must be what HTTP/1.1's parser lets through;
 * every request has one answer or one abort; what comes back are frames that
 * belong together, within the windows that were given. */
#include <stdlib.h>

#include "tests/support/h2_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define HEADER    ((size_t)4096)
#define BODY      ((size_t)5000)
#define HELD_MAX  H2_STREAMS_MAX
#define STREAMS   4096 /* numbers that are followed */
#define INPUT_MAX ((size_t)65536)

static struct fuzz {
	struct h2_world w;
	unsigned requests, replies, aborts, sents, told;
	struct http_exchange *held[HELD_MAX];
	unsigned nheld;
	uint8_t how;
	/* what has come back */
	uint8_t in[9 + (1 << 14)];
	size_t have;
	struct {
		bool head, end, reset;
	} stream[STREAMS];
	bool goaway;
} f;

static void
check_head(const struct http_head *h)
{
	assert(h->method_text.len > 0 && h->target.len > 0);
	assert(h->target.p[0] == '/' || str_eq(h->target, STR("*")));
	assert(h->host.len > 0 && h->nfields <= HTTP_FIELDS_MAX);
	assert(h->minor == 1 && h->framing != HTTP_BODY_EOF);
	assert(h->size <= HEADER + 64);
	for (unsigned i = 0; i < h->nfields; i++) {
		struct str name = h->fields[i].name, value = h->fields[i].value;

		assert(name.len > 0 && name.p[0] != ':');
		assert(!str_eq(name, STR("connection")));
		assert(!str_eq(name, STR("transfer-encoding")));
		assert(str_utf8(value));
		assert(str_chr(value, '\0') == value.len);
		assert(str_chr(value, '\r') == value.len);
		assert(str_chr(value, '\n') == value.len);
		for (size_t k = 0; k < name.len; k++)
			assert(name.p[k] > ' ' && name.p[k] < 0x7f &&
			       (name.p[k] < 'A' || name.p[k] > 'Z'));
	}
}

static void
on_sent(void *arg, uint64_t bytes, bool whole)
{
	const size_t *len = arg;

	assert(bytes <= *len && (!whole || bytes == *len));
	f.told++;
	free(arg);
}

static void
reply(struct http_exchange *ex)
{
	size_t n = http_exchange_head(ex)->target.len * (f.how >> 4) * 97;
	size_t *len = xmalloc(sizeof(*len));
	struct buf body;

	buf_init(&body, 1 << 24);
	if (n > 0) {
		memset(buf_room(&body, n), 'x', n);
		body.len = n;
	}
	*len = http_exchange_head(ex)->method == HTTP_HEAD ? 0 : n;
	http_exchange_on_sent(ex, on_sent, len);
	f.sents++;
	f.replies++;
	http_reply(ex, 200, STR("Request-Id: 1\r\nVary: Accept\r\n"), &body);
}

static void
on_abort(void *arg)
{
	struct http_exchange **slot = arg;

	assert(*slot != NULL);
	*slot = NULL;
	f.aborts++;
}

static void
on_request(struct http_exchange *ex, void *arg)
{
	assert(arg == &f);
	check_head(http_exchange_head(ex));
	assert(http_exchange_body(ex).len <= BODY);
	f.requests++;
	if ((f.how & 1) == 0) {
		reply(ex);
		return;
	}
	assert(f.nheld < HELD_MAX);
	f.held[f.nheld] = ex;
	http_exchange_on_abort(ex, on_abort, &f.held[f.nheld]);
	f.nheld++;
}

static void
reply_held(void)
{
	struct http_exchange *ex;

	for (unsigned i = 0; i < f.nheld; i++) {
		ex = f.held[i];
		f.held[i] = NULL;
		if (ex != NULL)
			reply(ex);
	}
	f.nheld = 0;
}

/* One frame of the hub's (RFC 9113, 6). */
static void
check_frame(const uint8_t *p, size_t len)
{
	unsigned type = p[3], flags = p[4];
	uint32_t id = (uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 |
		      (uint32_t)p[7] << 8 | p[8];

	assert((id & 0x80000000) == 0);
	if (type == NGHTTP2_GOAWAY)
		f.goaway = true;
	if (type == NGHTTP2_SETTINGS || type == NGHTTP2_PING ||
	    type == NGHTTP2_GOAWAY) {
		assert(id == 0);
		return;
	}
	assert(type == NGHTTP2_DATA || type == NGHTTP2_HEADERS ||
	       type == NGHTTP2_CONTINUATION || type == NGHTTP2_RST_STREAM ||
	       type == NGHTTP2_WINDOW_UPDATE);
	if (id == 0 || id >= STREAMS)
		return;
	assert(id % 2 == 1);
	if (type == NGHTTP2_HEADERS) {
		assert(!f.stream[id].end && !f.stream[id].reset && len > 0);
		f.stream[id].head = true;
	} else if (type == NGHTTP2_DATA) {
		assert(f.stream[id].head && !f.stream[id].end &&
		       !f.stream[id].reset);
	} else if (type == NGHTTP2_RST_STREAM) {
		assert(len == 4);
		f.stream[id].reset = true;
	}
	if (type <= NGHTTP2_HEADERS && (flags & NGHTTP2_FLAG_END_STREAM) != 0)
		f.stream[id].end = true;
}

static void
take_answers(void)
{
	size_t len;
	ssize_t n;

	for (;;) {
		n = recv(f.w.fd, f.in + f.have, sizeof(f.in) - f.have, 0);
		if (n <= 0)
			return;
		f.have += (size_t)n;
		while (f.have >= 9) {
			len = (size_t)f.in[0] << 16 | (size_t)f.in[1] << 8 |
			      f.in[2];
			assert(len <= 1 << 14);
			if (f.have < 9 + len)
				break;
			check_frame(f.in, len);
			f.have -= 9 + len;
			memmove(f.in, f.in + 9 + len, f.have);
		}
	}
}

static void
give(const uint8_t *p, size_t n, size_t step)
{
	ssize_t sent;

	while (n > 0) {
		sent = send(f.w.fd, p, n < step ? n : step, MSG_NOSIGNAL);
		if (sent < 0)
			return; /* it has closed */
		p += sent;
		n -= (size_t)sent;
		world_turn(&f.w);
		take_answers();
		if (f.nheld > HELD_MAX / 2 || (f.how & 2) != 0)
			reply_held();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct http_limits limits = { .header = HEADER,
		.body = BODY,
		.connections = 4,
		.header_ms = 60000,
		.body_ms = 60000,
		.idle_ms = 60000,
		.handshake_ms = 60000,
		.write_ms = 60000 };
	static const uint8_t settings[9] = { 0, 0, 0, NGHTTP2_SETTINGS };

	if (n < 1 || n > INPUT_MAX)
		return (0);
	memset(&f, 0, sizeof(f));
	f.how = p[0];
	world_open(&f.w, &limits, on_request, &f);
	(void)world_connect(&f.w);
	give((const uint8_t *)NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN,
	    99);
	give(settings, sizeof(settings), 99);
	give(p + 1, n - 1, (f.how & 4) != 0 ? 7 : INPUT_MAX);
	reply_held();
	for (int i = 0; i < 4; i++) {
		world_turn(&f.w);
		take_answers();
	}
	if ((f.how & 8) != 0)
		http_server_drain(f.w.server, on_world_stop, &f.w);
	world_turn(&f.w);
	world_hang_up(&f.w);
	world_turn(&f.w);
	world_turn(&f.w);
	world_close(&f.w);
	assert(f.requests == f.replies + f.aborts);
	assert(f.sents == f.told);
	return (0);
}
