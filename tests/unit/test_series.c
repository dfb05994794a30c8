/* tests/unit/test_series.c - evolutions across sources: the same series in
 * whatever order they come, and what a source is asked for next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/federation/merge.h"
#include "server/federation/source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct view_text {
	const char *dataset; /* "aux...": an auxiliary one */
	int64_t priority;
	const char *text; /* one entity */
};

struct world {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	struct buf buf;
};

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->arena = arena_new();
	w->vocab = vocab_new();
	names_init(&w->names, w->vocab, w->arena);
	buf_init(&w->buf, 1 << 20);
	*state = w;
	return (0);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	buf_clear(&w->buf);
	vocab_free(w->vocab);
	arena_free(w->arena);
	free(w);
	return (0);
}

static struct json *
parse(struct world *w, const char *text)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct json *j = arena_alloc(w->arena, sizeof(*j));

	if (json_parse(j, str_of(text), &limits, w->arena) != HUB_OK)
		fail_msg("no JSON: %s", text);
	return (j);
}

static const char *
merge_text(struct world *w, const struct view_text *views,
    const unsigned *order, unsigned n)
{
	struct temporal t = { .range = TIME_RANGE_ALL };
	struct entity_out out = { .context = vocab_core(w->vocab),
		.names = &w->names };
	struct entity **all;
	struct merge m;
	size_t count;

	merge_init(&m, w->arena);
	m.series = &t;
	for (unsigned i = 0; i < n; i++) {
		const struct view_text *v = &views[order[i]];
		struct document *doc = arena_alloc(w->arena, sizeof(*doc));
		struct entity *e = arena_alloc(w->arena, sizeof(*e));

		doc->context = vocab_core(w->vocab);
		doc->priority = v->priority;
		doc->dataset = str_of(v->dataset);
		doc->auxiliary = str_prefix(doc->dataset, STR("aux"));
		doc->json = *parse(w, v->text);
		assert_int_equal(entity_read_series(doc, 0, &w->names,
		    w->arena, e), HUB_OK);
		merge_add(&m, e);
	}
	merge_run(&m, &all, &count);
	buf_reset(&w->buf);
	for (size_t i = 0; i < count; i++)
		temporal_write(all[i], &t, &out, &w->buf);
	assert_false(w->buf.failed);
	return (arena_str(w->arena, buf_str(&w->buf)).p);
}

#define E(...) "{\"id\":\"urn:a:1\",\"type\":\"A\"," __VA_ARGS__ "}"
#define V(v, t)                                                                \
	"{\"type\":\"Property\",\"value\":" v ",\"observedAt\":"               \
	"\"2026-01-01T00:00:" t "Z\"}"
#define VM(v, t, m)                                                            \
	"{\"type\":\"Property\",\"value\":" v ",\"observedAt\":"               \
	"\"2026-01-01T00:00:" t "Z\",\"modifiedAt\":\"2026-01-01T00:" m ":00Z\"}"
#define VD(v, t, d)                                                            \
	"{\"type\":\"Property\",\"value\":" v ",\"observedAt\":"               \
	"\"2026-01-01T00:00:" t "Z\",\"datasetId\":\"urn:x:" d "\"}"

static void
merges_series_in_any_order(void **state)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 },
		{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static const struct {
		struct view_text views[3];
		const char *want;
	} cases[] = {
		/* by time, one of each instant: the smaller priority number */
		{ { { "a", 100, E("\"a\":[" V("1", "03") "," V("2", "01") "]") },
		    { "b", 50, E("\"a\":[" V("3", "02") "," V("4", "03") "]") },
		    { "c", 100, E("\"a\":" V("5", "00")) } },
		    E("\"a\":[" V("5", "00") "," V("2", "01") ","
			V("3", "02") "," V("4", "03") "]") },
		/* newest modifiedAt, then the name of the dataset */
		{ { { "b", 100, E("\"a\":" VM("1", "03", "01")) },
		    { "a", 100, E("\"a\":" VM("2", "03", "02")) },
		    { "c", 1, E("\"a\":" VM("3", "03", "01") ",\"b\":"
			V("7", "01")) } },
		    E("\"a\":[" V("2", "03") "],\"b\":[" V("7", "01") "]") },
		{ { { "b", 100, E("\"a\":" V("1", "03")) },
		    { "a", 100, E("\"a\":" V("2", "03")) },
		    { "c", 100, E("\"a\":" V("3", "03")) } },
		    E("\"a\":[" V("2", "03") "]") },
		/* datasets one after the other, the default first */
		{ { { "a", 100, E("\"a\":" VD("1", "01", "z")) },
		    { "b", 100, E("\"a\":[" VD("2", "02", "y") ","
			V("3", "03") "]") },
		    { "c", 100, E("\"a\":" VD("4", "01", "y")) } },
		    E("\"a\":[" V("3", "03") "," VD("4", "01", "y") ","
			VD("2", "02", "y") "," VD("1", "01", "z") "]") },
		/* what is auxiliary fills instants that nobody else has */
		{ { { "aux", 1, E("\"a\":[" VM("1", "01", "09") ","
			V("2", "02") "]") },
		    { "b", 100, E("\"a\":" V("3", "01")) },
		    { "c", 100, E("\"b\":" V("4", "01")) } },
		    E("\"a\":[" V("3", "01") "," V("2", "02") "],\"b\":["
			V("4", "01") "]") },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t k = 0; k < COUNT(orders); k++)
			assert_string_equal(merge_text(w, cases[i].views,
			    orders[k], 3), cases[i].want);
}

static struct wall_us
at(const char *text)
{
	struct wall_us t;

	if (text == NULL)
		return ((struct wall_us){ 0 });
	assert_int_equal(wall_parse(str_of(text), &t), HUB_OK);
	return (t);
}

#define S(s) "2026-01-01T00:00:" s "Z"

static void
writes_a_little_more_than_the_range(void **state)
{
	static const struct {
		const char *from, *until;
		uint32_t last_n;
		enum time_property property;
		const char *want;
	} cases[] = {
		{ S("10"), NULL, 0, TIME_OBSERVED,
		    "&timerel=after&timeAt=2026-01-01T00:00:09.999000Z" },
		{ NULL, S("10"), 3, TIME_OBSERVED,
		    "&timerel=before&timeAt=2026-01-01T00:00:10.001000Z"
		    "&lastN=3" },
		{ S("10"), S("20"), 0, TIME_MODIFIED,
		    "&timerel=between&timeAt=2026-01-01T00:00:09.999000Z"
		    "&endTimeAt=2026-01-01T00:00:20.001000Z"
		    "&timeproperty=modifiedAt" },
		{ NULL, NULL, 0, TIME_OBSERVED, "" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct source_time t = { cases[i].property, TIME_RANGE_ALL,
			cases[i].last_n };

		if (cases[i].from != NULL)
			t.range.from = at(cases[i].from);
		if (cases[i].until != NULL)
			t.range.until = at(cases[i].until);
		buf_reset(&w->buf);
		source_add_time(&t, &w->buf);
		assert_string_equal(buf_cstr(&w->buf), cases[i].want);
	}
}

static void
asks_on_from_where_a_source_stopped(void **state)
{
	static const struct {
		const char *range;
		bool again;
		enum source_rest want;
		const char *from, *until;
	} cases[] = {
		{ "date-time " S("10") "-" S("20") "/*", false,
		    SOURCE_REST_MORE, S("20"), S("59") },
		{ "date-time " S("59") "-" S("50") "/*", false,
		    SOURCE_REST_MORE, S("10"), "2026-01-01T00:00:50.000001Z" },
		{ "date-time " S("10") "-" S("59") "/*", false,
		    SOURCE_REST_NONE, NULL, NULL },
		{ "date-time " S("59") "-" S("09") "/*", false,
		    SOURCE_REST_NONE, NULL, NULL },
		/* it stays where it is */
		{ "date-time " S("10") "-" S("10") "/*", false,
		    SOURCE_REST_BAD, NULL, NULL },
		{ "date-time " S("10") "-" S("10") "/*", true,
		    SOURCE_REST_NONE, NULL, NULL },
		/* it begins anew */
		{ "date-time " S("01") "-" S("20") "/*", true,
		    SOURCE_REST_BAD, NULL, NULL },
		/* it is somewhere else */
		{ "date-time 2025-01-01T00:00:00Z-2025-01-02T00:00:00Z/*",
		    false, SOURCE_REST_BAD, NULL, NULL },
		{ "items 0-10/20", false, SOURCE_REST_BAD, NULL, NULL },
		{ NULL, false, SOURCE_REST_BAD, NULL, NULL },
	};
	struct world *w = *state;
	struct json *page = parse(w, "[{\"id\":\"urn:a:1\"},{\"id\":\"urn:a:2\"}]");

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct source_time t = { TIME_OBSERVED,
			{ at(S("10")), at(S("59")) }, 0 };
		struct source_ask ask = { .time = &t, .form = FORM_QUERY,
			.offset = 40 };

		assert_int_equal(source_ask_rest(&ask, page,
		    str_of(cases[i].range), cases[i].again, w->arena),
		    cases[i].want);
		if (cases[i].want != SOURCE_REST_MORE)
			continue;
		assert_int_equal(ask.nids, 2);
		assert_true(str_eq(ask.ids[1], STR("urn:a:2")));
		assert_int_equal(ask.offset, 0);
		assert_true(ask.time->range.from.us == at(cases[i].from).us);
		assert_true(ask.time->range.until.us == at(cases[i].until).us);
		assert_true(t.range.from.us == at(S("10")).us);
	}
}

/* Nobody knows which of the newest are missing. */
static void
asks_without_last_n_when_that_was_cut(void **state)
{
	struct world *w = *state;
	struct source_time t = { TIME_OBSERVED, TIME_RANGE_ALL, 5 };
	struct source_ask ask = { .time = &t, .form = FORM_RETRIEVE };

	assert_int_equal(source_ask_rest(&ask, parse(w, "{}"), STR_NONE, false,
	    w->arena), SOURCE_REST_MORE);
	assert_int_equal(ask.time->last_n, 0);
	assert_int_equal(source_ask_rest(&ask, parse(w, "{}"),
	    STR("date-time " S("10") "-" S("20") "/*"), true, w->arena),
	    SOURCE_REST_MORE);
	assert_true(ask.time->range.from.us == at(S("20")).us);
}

/* An entity without an id cannot be asked for again. */
static void
needs_ids_to_ask_on(void **state)
{
	static const char *const pages[] = { "[{\"id\":\"urn:a:1\"},{}]",
		"[7]", "[{\"id\":7}]", "[]", "{}" };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(pages); i++) {
		struct source_time t = { TIME_OBSERVED, TIME_RANGE_ALL, 0 };
		struct source_ask ask = { .time = &t, .form = FORM_QUERY };

		assert_int_equal(source_ask_rest(&ask, parse(w, pages[i]),
		    STR("date-time " S("10") "-" S("20") "/*"), false,
		    w->arena), SOURCE_REST_BAD);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(merges_series_in_any_order),
		T(writes_a_little_more_than_the_range),
		T(asks_on_from_where_a_source_stopped),
		T(asks_without_last_n_when_that_was_cut),
		T(needs_ids_to_ask_on),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
