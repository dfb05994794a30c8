/* tests/fuzz/fuzz_trace.c - traceparent and tracestate from outside.
 *
 * The first byte picks the entrance: 'p' a traceparent, 's' a tracestate, else
 * the fields of a head. Checked beside memory: what is taken is what a naive
 * second reading takes; what is passed on is read again as the same trace, and
 * cannot end its header field. */
#include <stdlib.h>

#include "server/net/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
is_lower_hex(const char *p, size_t n)
{
	return (strspn(p, "0123456789abcdef") >= n);
}

static bool
all_zeros(const char *p, size_t n)
{
	return (strspn(p, "0") >= n);
}

/* As the standard's grammar stands there, on a text with a NUL behind it. */
static bool
naive(const char *p, size_t n)
{
	bool later = n >= 2 && strncmp(p, "00", 2) != 0;

	return (n >= 55 && (n == 55 || (later && p[55] == '-')) &&
	    is_lower_hex(p, 2) && strncmp(p, "ff", 2) != 0 && p[2] == '-' &&
	    is_lower_hex(p + 3, 32) && !all_zeros(p + 3, 32) && p[35] == '-' &&
	    is_lower_hex(p + 36, 16) && !all_zeros(p + 36, 16) &&
	    p[52] == '-' && is_lower_hex(p + 53, 2));
}

static void
check_written(const struct trace *t)
{
	struct trace again = { .id = "" };
	struct buf b;

	buf_init(&b, TRACE_PARENT_LEN);
	trace_write_parent(t, &b);
	assert(!b.failed && b.len == TRACE_PARENT_LEN);
	assert(trace_read_parent(buf_str(&b), &again));
	assert(strcmp(again.id, t->id) == 0);
	assert(strcmp(again.parent, t->span) == 0);
	assert(again.sampled == t->sampled);
	buf_clear(&b);
}

static void
check_parent(struct str s)
{
	struct trace t = { .span = "00f067aa0ba902b7" };
	char *text = str_dup(s);
	bool ok = trace_read_parent(s, &t);

	assert(ok == naive(text, s.len));
	assert(ok || (t.id[0] == '\0' && t.parent[0] == '\0' && !t.sampled));
	if (ok) {
		assert(memcmp(t.id, s.p + 3, 32) == 0);
		assert(memcmp(t.parent, s.p + 36, 16) == 0);
		check_written(&t);
	}
	free(text);
}

static void
check_state(struct str s)
{
	struct str rest = s, part, name;
	unsigned members = 0;

	if (!trace_state_ok(s))
		return;
	for (size_t i = 0; i < s.len; i++)
		assert(s.p[i] == '\t' || (s.p[i] >= 0x20 && s.p[i] < 0x7f));
	while (rest.p != NULL && str_cut(&rest, ',', &part)) {
		part = str_trim(part);
		if (part.len == 0)
			continue;
		members++;
		assert(str_cut(&part, '=', &name) && part.p != NULL);
		assert(name.len > 0 && name.len <= 256 && part.len > 0 &&
		    part.len <= 256);
		assert(str_chr(part, '=') == part.len);
	}
	assert(members > 0 && members <= 32);
}

static void
check_head(struct str fields)
{
	struct arena *a = arena_new();
	struct http_head head;
	struct trace t, again;
	size_t scanned = 0;
	struct buf b;
	int status;

	buf_init(&b, 1 << 20);
	BUF_LIT(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	buf_adds(&b, fields);
	BUF_LIT(&b, "\r\n");
	if (http_parse_request(buf_str(&b), &scanned, 1 << 20, &head,
		&status) == HTTP_DONE) {
		trace_begin(&t, &head, a);
		check_written(&t);
		assert(t.state.len <= TRACE_STATE_MAX);
		assert(t.state.len == 0 ||
		    (t.parent[0] != '\0' && trace_state_ok(t.state)));
		trace_begin(&again, &head, a);
		assert((strcmp(again.id, t.id) == 0) == (t.parent[0] != '\0'));
	}
	buf_clear(&b);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data + 1, size - 1 };

	if (size == 0)
		return (0);
	if (data[0] == 'p')
		check_parent(rest);
	else if (data[0] == 's')
		check_state(rest);
	else
		check_head(rest);
	return (0);
}
