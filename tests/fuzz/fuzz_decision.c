/* tests/fuzz/fuzz_decision.c - a line of the decision log. What is read can be
 * written, is then read as the same, and can be told in words. */
#include "server/decision.h"
#include "server/decision_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct str
write_again(const struct decision *d, struct arena *a)
{
	struct str s;
	struct buf b;

	buf_init(&b, 16 * DECISION_LINE_MAX);
	decision_write(d, &b);
	buf_addc(&b, '}');
	assert(!b.failed);
	s = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct decision d, again;
	const struct decision_words *w;
	struct str line, second;

	if (decision_read((struct str){ (const char *)data, size }, a, &d) ==
	    HUB_OK) {
		assert(d.request_id.len > 0 &&
		    d.request_id.len <= DECISION_TEXT_MAX);
		assert(d.nsources <= DECISION_SOURCES_MAX);
		line = write_again(&d, a);
		if (line.len <= DECISION_LINE_MAX) {
			assert(decision_read(line, a, &again) == HUB_OK);
			second = write_again(&again, a);
			assert(str_eq(line, second));
		}
		w = decision_words(&d, a);
		for (unsigned i = 0; i < w->n; i++)
			assert(w->v[i].text.en.len > 0 &&
			    w->v[i].text.de.len > 0);
	}
	arena_free(a);
	return (0);
}
