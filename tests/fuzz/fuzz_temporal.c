/* tests/fuzz/fuzz_temporal.c - any answer of a source about the past: series
 * are in order, each instant once, the same whichever comes first; what is
 * written is JSON without a name twice. The first two bytes choose what is
 * asked for. */
#include <stdlib.h>

#include "server/federation/merge.h"
#include "server/federation/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define VIEWS_MAX 16

static struct vocab *vocab;

static struct temporal
choose(uint8_t a, uint8_t b)
{
	static const struct duration periods[] = { { 0, 0 }, { 0, 1000000 },
		{ 1, 0 }, { 1, 3600000000 } };
	static const uint32_t last[] = { 0, 1, 3, 1000 };
	struct temporal t = { .range = TIME_RANGE_ALL };

	t.property = (enum time_property)((a & 3) % 3);
	t.form = (enum temporal_form)((a >> 2 & 3) % 3);
	t.last_n = last[a >> 4 & 3];
	t.period = periods[a >> 6];
	t.methods = b;
	if ((b & 1) != 0)
		t.range.from.us = INT64_C(1767225600000000);
	if ((b & 2) != 0)
		t.range.until.us = INT64_C(1767312000000000);
	return (t);
}

static void
check_series(const struct temporal *t, const struct entity *e)
{
	const struct instance *in = e->instances;
	int64_t before;

	for (unsigned i = 0; i < e->ninstances; i++) {
		int64_t at = temporal_instant(t, &in[i]).us;

		assert(at >= t->range.from.us && at < t->range.until.us);
		if (i == 0 || in[i].name != in[i - 1].name ||
		    !str_eq(in[i].dataset_id, in[i - 1].dataset_id) ||
		    (in[i].dataset_id.p == NULL) !=
			(in[i - 1].dataset_id.p == NULL))
			continue;
		before = temporal_instant(t, &in[i - 1]).us;
		assert(before < at);
	}
}

static void
check_json(const struct buf *b, struct arena *a)
{
	static const struct json_limits limits = { 64, 8192, 8000000 };
	struct json j;

	assert(!b->failed);
	if (json_parse(&j, buf_str(b), &limits, a) != HUB_OK)
		abort();
	assert(j.nodes[0].kind == JSON_OBJECT);
}

static void
write_one(struct entity *e, struct temporal *t, struct names *names,
    struct arena *a, struct buf *b)
{
	struct entity_out out = { .context = vocab_core(vocab),
		.names = names, .sys_attrs = true };
	struct wall_us first, last;
	unsigned before = e->ninstances;
	size_t start = b->len;
	struct buf one;

	check_series(t, e);
	temporal_last(t, e);
	if (temporal_cut(t, &e, 1, 4, a, &first, &last))
		assert(e->ninstances > 0 && e->ninstances < before &&
		    (e->ninstances <= 4 || first.us == last.us));
	check_series(t, e);
	temporal_write(e, t, &out, b);
	buf_init(&one, b->max);
	buf_add(&one, b->p + start, b->len - start);
	check_json(&one, a);
	buf_clear(&one);
}

/* All that the answer has, in one order or the other, into text. false: the
 * answer is none. */
static bool
evolve(const struct json *j, struct temporal *t, bool backwards,
    struct names *names, struct arena *a, struct buf *text)
{
	struct entity *views[VIEWS_MAX], **all;
	struct merge m;
	size_t n = 0, count;

	merge_init(&m, a);
	m.series = t;
	for (uint32_t k = 1; k < j->nodes[0].next && n < VIEWS_MAX;
	     k = j->nodes[k].next) {
		struct document *doc = arena_alloc(a, sizeof(*doc));
		struct entity *e = arena_alloc(a, sizeof(*e));
		unsigned left = 0;

		*doc = (struct document){ .json = *j,
			.context = vocab_core(vocab),
			.priority = (int64_t)(n % 3),
			.dataset = str_of(arena_printf(a, "d%zu", n)),
			.auxiliary = n % 4 == 3 };
		if (entity_read_series(doc, k, names, a, e) != HUB_OK)
			return (false);
		/* What redaction does. */
		for (unsigned i = 0; i < e->ninstances; i++)
			if (e->instances[i].kind != ATTR_NONE) {
				e->instances[left] = e->instances[i];
				e->instances[left++].release =
				    n % 2 == 0 ? &release_all : &release_bare;
			}
		e->ninstances = left;
		temporal_narrow(t, e);
		if (e->ninstances > 0)
			views[n++] = e;
	}
	for (size_t i = 0; i < n; i++)
		merge_add(&m, views[backwards ? n - 1 - i : i]);
	merge_run(&m, &all, &count);
	for (size_t i = 0; i < count; i++)
		write_one(all[i], t, names, a, text);
	return (true);
}

/* The texts in which sources and clients tell times. */
static void
check_texts(struct str s, const struct json *j, struct arena *a)
{
	struct source_time t = { TIME_OBSERVED, TIME_RANGE_ALL, 0 };
	struct source_ask ask = { .time = &t, .form = FORM_QUERY };
	struct wall_us first, last;
	struct duration d;

	s.len = str_chr(s, '[');
	if (iso_duration_parse(s, &d) == HUB_OK)
		assert(d.months >= 0 && d.us >= 0);
	if (temporal_span_parse(s, &first, &last) == HUB_OK)
		assert(first.us != WALL_ABSENT.us);
	if (source_ask_rest(&ask, j, s, false, a) == SOURCE_REST_MORE)
		assert(ask.nids > 0 && ask.time != &t &&
		    (ask.time->range.from.us > t.range.from.us ||
			ask.time->range.until.us < t.range.until.us));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct str text = { (const char *)data + 2, size - 2 };
	struct arena *a;
	struct names names;
	struct buf one, other;
	struct temporal t;
	struct json j;
	bool good;

	if (size < 4)
		return (0);
	if (vocab == NULL)
		vocab = vocab_new();
	a = arena_new();
	names_init(&names, vocab, a);
	buf_init(&one, 1 << 24);
	buf_init(&other, 1 << 24);
	t = choose(data[0], data[1]);
	/* What stands before the answer is its Content-Range. */
	if (json_parse(&j, str_from(text, str_chr(text, '[')), &limits, a) !=
	    HUB_OK || j.nodes[0].kind != JSON_ARRAY)
		goto out;
	check_texts(text, &j, a);
	good = evolve(&j, &t, false, &names, a, &one);
	assert(evolve(&j, &t, true, &names, a, &other) == good);
	assert(!good || str_eq(buf_str(&one), buf_str(&other)));
out:
	buf_clear(&one);
	buf_clear(&other);
	arena_free(a);
	return (0);
}
