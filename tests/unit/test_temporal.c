/* tests/unit/test_temporal.c - evolutions: the parameters that ask for them,
 * what of a series is left, the forms, periods and sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/ngsild/temporal_priv.h"
#include "tests/support/query_bench.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int64_t
us(const char *text)
{
	struct wall_us at;

	if (wall_parse(str_of(text), &at) != HUB_OK)
		fail_msg("no time: %s", text);
	return (at.us);
}

static const char *
time_text(struct bench *b, struct wall_us at)
{
	buf_reset(&b->scratch);
	temporal_write_time(at, &b->scratch);
	return (arena_str(b->arena, buf_str(&b->scratch)).p);
}

/* ---- parameters */

static enum hub_err
parse(struct bench *b, const char *text, bool retrieve, struct query *q,
    struct temporal *t, struct query_error *error)
{
	struct http_uri uri;
	enum hub_err err;

	bench_target(b, "/ngsi-ld/v1/temporal/entities", text, &uri);
	*error = (struct query_error){ 0 };
	err = temporal_parse(
	    &uri, retrieve, b->core, &b->names, b->arena, q, t, error);
	bench_forget_target(b);
	return (err);
}

#define T0 "2026-01-01T00:00:00Z"
#define T1 "2026-01-02T00:00:00Z"
#define R  "type=A&timerel=after&timeAt=" T0

static void
reads_ranges(void **state)
{
	static const struct {
		const char *text, *from, *until; /* NULL: open */
	} cases[] = {
		{ "type=A&timerel=before&timeAt=" T0, NULL, T0 },
		{ R, T0, NULL },
		{ "type=A&timerel=between&timeAt=" T0 "&endTimeAt=" T1, T0,
		    T1 },
		{ "type=A&timerel=after&timeAt=2026-01-01T01:00:00%2B01:00",
		    T0, NULL },
		{ "type=A&timerel=between&timeAt=" T0 "&endTimeAt=" T0, T0,
		    T0 },
	};
	struct bench *b = *state;
	struct query_error e;
	struct temporal t;
	struct query q;

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (parse(b, cases[i].text, false, &q, &t, &e) != HUB_OK)
			fail_msg("%s: %s", cases[i].text, e.detail);
		assert_true(t.range.from.us == (cases[i].from == NULL ?
		    INT64_MIN : us(cases[i].from)));
		assert_true(t.range.until.us == (cases[i].until == NULL ?
		    INT64_MAX : us(cases[i].until)));
	}
	assert_int_equal(parse(b, "lastN=3", true, &q, &t, &e), HUB_OK);
	assert_true(t.range.from.us == INT64_MIN && t.last_n == 3);
}

static void
reads_the_rest_as_entity_queries_do(void **state)
{
	struct bench *b = *state;
	struct query_error e;
	struct temporal t;
	struct query q;

	assert_int_equal(parse(b, R "&attrs=a,b&limit=7&offset=3&count=true"
	    "&q=a==1&options=sysAttrs,temporalValues&timeproperty=modifiedAt",
	    false, &q, &t, &e), HUB_OK);
	assert_int_equal(q.nattrs, 2);
	assert_int_equal(q.limit, 7);
	assert_int_equal(q.offset, 3);
	assert_true(q.count && q.sys_attrs && q.q != NULL);
	assert_int_equal(t.form, TEMPORAL_VALUES);
	assert_int_equal(t.property, TIME_MODIFIED);
	assert_int_equal(parse(b, R "&options=temporalValues"
	    "&format=aggregatedValues&aggrMethods=max,sum,max", false, &q, &t,
	    &e), HUB_OK);
	assert_int_equal(t.form, TEMPORAL_AGGREGATED);
	assert_int_equal(t.methods, 1U << AGGR_MAX | 1U << AGGR_SUM);
}

static void
refuses_what_it_does_not_take(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "type=A", 400 },
		{ "timerel=after&timeAt=" T0, 400 },
		{ "type=A&timerel=after", 400 },
		{ "type=A&timeAt=" T0, 400 },
		{ "type=A&timerel=after&timeAt=" T0 "&endTimeAt=" T1, 400 },
		{ "type=A&timerel=between&timeAt=" T0, 400 },
		{ "type=A&timerel=between&timeAt=" T1 "&endTimeAt=" T0, 400 },
		{ "type=A&timerel=after&timeAt=2026-01-01", 400 },
		{ R "&lastN=0", 400 },
		{ R "&lastN=+1", 400 },
		{ R "&lastN=1.5", 400 },
		{ R "&options=aggregatedValues", 400 },
		{ R "&aggrMethods=sum", 400 },
		{ R "&options=aggregatedValues&aggrMethods=", 400 },
		{ R "&options=aggregatedValues&aggrMethods=sum,,avg", 400 },
		{ R "&aggrPeriodDuration=PT1H", 400 },
		{ R "&options=normalized,temporalValues", 400 },
		{ R "&options=keyValues", 400 },
		{ R "&geometryProperty=location", 400 },
		{ R "&unknown=1", 400 },
		{ R "&limit=1001", 403 },
		{ R "&options=concise", 501 },
		{ R "&timeproperty=deletedAt", 501 },
		{ R "&join=inline", 501 },
	};
	struct bench *b = *state;
	struct query_error e;
	struct temporal t;
	struct query q;

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (parse(b, cases[i].text, false, &q, &t, &e) == HUB_OK)
			fail_msg("taken: %s", cases[i].text);
		assert_int_equal(e.status, cases[i].status);
		assert_non_null(e.detail);
	}
}

static void
reads_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t months, seconds; /* months -1: refused */
	} cases[] = {
		{ "PT0S", 0, 0 },
		{ "P0D", 0, 0 },
		{ "PT1H", 0, 3600 },
		{ "P1W", 0, 604800 },
		{ "P3Y6M4DT12H30M5S", 42, 4 * 86400 + 45005 },
		{ "PT90M", 0, 5400 },
		{ "P1M", 1, 0 },
		{ "P10000Y", 120000, 0 },
		{ "P10001Y", -1, 0 },
		{ "PT9999999999H", -1, 0 },
		{ "P99999999999D", -1, 0 },
		{ "", -1, 0 },
		{ "P", -1, 0 },
		{ "PT", -1, 0 },
		{ "P1DT", -1, 0 },
		{ "1H", -1, 0 },
		{ "P1H", -1, 0 },
		{ "PT1D", -1, 0 },
		{ "PTT1H", -1, 0 },
		{ "PT1M1H", -1, 0 },
		{ "P1D1D", -1, 0 },
		{ "PT1.5S", -1, 0 },
		{ "P-1D", -1, 0 },
		{ "PT1H ", -1, 0 },
		{ "pt1h", -1, 0 },
	};
	struct duration d;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum hub_err err = iso_duration_parse(
		    str_of(cases[i].text), &d);

		if ((err == HUB_OK) != (cases[i].months >= 0))
			fail_msg("%s: %d", cases[i].text, (int)err);
		if (err != HUB_OK)
			continue;
		assert_true(d.months == cases[i].months);
		assert_true(d.us == cases[i].seconds * 1000000);
	}
}

static void
reads_content_ranges(void **state)
{
	static const struct {
		const char *text, *first, *last; /* NULL: refused */
	} cases[] = {
		{ "date-time 2026-01-01T00:00:00Z-2026-01-02T00:00:00Z/*", T0,
		    T1 },
		{ "date-time 2026-01-01T00:00:00-2026-01-02T00:00:00/100", T0,
		    T1 },
		{ "DateTime 2026-01-02T00:00:00-2026-01-01T00:00:00/*", T1,
		    T0 },
		{ "date-time 2025-12-31T23:00:00-01:00-2026-01-02T00:00:00Z/*",
		    T0, T1 },
		{ "date-time 2026-01-01T00:00:00.000000Z-2026-01-02T00:00:00Z",
		    T0, T1 },
		{ "", NULL, NULL },
		{ "date-time", NULL, NULL },
		{ "date-time */100", NULL, NULL },
		{ "bytes 0-1/2", NULL, NULL },
		{ "date-time 2026-01-01T00:00:00Z/*", NULL, NULL },
		{ "date-time 2026-01-01-2026-01-02/*", NULL, NULL },
	};
	struct wall_us a, z;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum hub_err err = temporal_span_parse(
		    str_of(cases[i].text), &a, &z);

		if ((err == HUB_OK) != (cases[i].first != NULL))
			fail_msg("%s: %d", cases[i].text, (int)err);
		if (err != HUB_OK)
			continue;
		assert_true(a.us == us(cases[i].first));
		assert_true(z.us == us(cases[i].last));
	}
}

/* ---- periods */

static void
counts_periods(void **state)
{
	static const struct {
		const char *duration, *origin, *at, *from, *until;
	} cases[] = {
		{ "PT1H", T0, "2026-01-01T05:59:59Z", "2026-01-01T05:00:00Z",
		    "2026-01-01T06:00:00Z" },
		{ "PT1H", T0, T1, T1, "2026-01-02T01:00:00Z" },
		{ "P1M", T0, "2026-03-31T23:59:59Z", "2026-03-01T00:00:00Z",
		    "2026-04-01T00:00:00Z" },
		{ "P1M", "2026-01-31T06:00:00Z", "2026-02-28T05:59:59Z",
		    "2026-01-31T06:00:00Z", "2026-02-28T06:00:00Z" },
		{ "P1M", "2026-01-31T06:00:00Z", "2026-03-31T06:00:00Z",
		    "2026-03-31T06:00:00Z", "2026-04-30T06:00:00Z" },
		{ "P1Y", "2024-02-29T00:00:00Z", "2028-02-28T23:00:00Z",
		    "2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z" },
		{ "P1MT1H", T0, "2026-02-01T00:30:00Z", T0,
		    "2026-02-01T01:00:00Z" },
		{ "P1M", "0001-01-01T00:00:00Z", "2026-11-23T00:00:00Z",
		    "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z" },
		{ "P1W", "0001-01-01T00:00:00Z", "2026-11-23T00:00:00Z",
		    "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z" },
		{ "P10000Y", T0, T1, T0, "9999-12-31T23:59:59.999999Z" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wall_us origin = { us(cases[i].origin) };
		struct duration d;
		int64_t k;

		assert_int_equal(iso_duration_parse(
		    str_of(cases[i].duration), &d), HUB_OK);
		k = duration_count(origin, d,
		    (struct wall_us){ us(cases[i].at) });
		assert_string_equal(time_text(b, duration_after(origin, d, k)),
		    cases[i].from);
		assert_string_equal(
		    time_text(b, duration_after(origin, d, k + 1)),
		    cases[i].until);
	}
}

/* ---- series */

static struct entity *
read_text(struct bench *b, const char *text)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct document *doc = arena_alloc(b->arena, sizeof(*doc));
	struct entity *e = arena_alloc(b->arena, sizeof(*e));

	doc->context = b->core;
	if (json_parse(&doc->json, str_of(text), &limits, b->arena) != HUB_OK)
		fail_msg("no JSON: %s", text);
	assert_int_equal(
	    entity_read_series(doc, 0, &b->names, b->arena, e), HUB_OK);
	return (e);
}

/* "1@3 2@5;d ..." as one attribute "a": values, seconds of an hour, and the
 * name of a dataset. */
static struct entity *
series_of(struct bench *b, const char *text)
{
	const char *list = "";
	char value[64], dataset[16];
	unsigned at;
	int n;

	while (sscanf(text, "%63[^@]@%u%n", value, &at, &n) == 2) {
		text += n;
		dataset[0] = '\0';
		if (sscanf(text, ";%15[a-z]%n", dataset, &n) == 1)
			text += n;
		text += *text == ' ';
		list = arena_printf(b->arena, "%s%s{\"type\":\"Property\","
		    "\"value\":%s,\"observedAt\":"
		    "\"2026-01-01T00:%02u:%02uZ\"%s%s%s}", list,
		    *list != '\0' ? "," : "", value, at / 60, at % 60,
		    dataset[0] != '\0' ? ",\"datasetId\":\"urn:x:" : "",
		    dataset, dataset[0] != '\0' ? "\"" : "");
	}
	assert_int_equal(*text, '\0');
	return (read_text(b, arena_printf(b->arena,
	    "{\"id\":\"urn:a:1\",\"type\":\"A\",\"a\":[%s]}", list)));
}

/* The values that are left, one after the other. */
static const char *
values_of(struct bench *b, const struct entity *e)
{
	const char *s = "";

	for (unsigned i = 0; i < e->ninstances; i++) {
		struct str v = json_span(&e->instances[i].doc->json,
		    e->instances[i].value);

		s = arena_printf(b->arena, "%s%s%.*s", s, i > 0 ? " " : "",
		    STR_FMT(v));
	}
	return (s);
}

static void
narrows_to_the_range(void **state)
{
	struct temporal t = { .range = TIME_RANGE_ALL };
	struct bench *b = *state;
	struct entity *e = series_of(b, "1@1 2@2 3@3 4@4");

	t.range.from.us = us("2026-01-01T00:00:02Z");
	t.range.until.us = us("2026-01-01T00:00:04Z");
	temporal_narrow(&t, e);
	assert_string_equal(values_of(b, e), "2 3");
	t.property = TIME_MODIFIED; /* they do not say */
	temporal_narrow(&t, e);
	assert_int_equal(e->ninstances, 0);
	e = read_text(b, "{\"id\":\"urn:a:1\",\"type\":\"A\",\"scope\":[\"/a\","
	    "{\"type\":\"Property\",\"value\":\"/secret\"}],\"a\":7}");
	temporal_narrow(&t, e);
	assert_int_equal(e->scope.node, 0);
}

static void
leaves_the_newest(void **state)
{
	static const struct {
		const char *in;
		uint32_t n;
		const char *want;
	} cases[] = {
		{ "1@1 2@2 3@3", 2, "2 3" },
		{ "1@1 2@2 3@3", 3, "1 2 3" },
		{ "1@1 2@2 3@3", 0, "1 2 3" },
		{ "1@1 2@2 3@1;d 4@2;d 5@1;e", 1, "2 4 5" },
		{ "1@1", UINT32_MAX, "1" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct temporal t = { .last_n = cases[i].n };
		struct entity *e = series_of(b, cases[i].in);

		temporal_last(&t, e);
		assert_string_equal(values_of(b, e), cases[i].want);
	}
}

static void
cuts_without_parting_instants(void **state)
{
	static const struct {
		const char *one, *two;
		uint32_t last_n;
		size_t max;
		const char *want_one, *want_two; /* NULL: nothing cut */
		unsigned first, last;
	} cases[] = {
		{ "1@1 2@2", "3@1 4@3", 0, 4, NULL, NULL, 0, 0 },
		{ "1@1 2@2", "3@1 4@3", 0, 3, "1 2", "3", 1, 2 },
		{ "1@1 2@2", "3@1 4@3", 0, 2, "1", "3", 1, 1 },
		{ "1@1 2@2", "3@1 4@3", 0, 1, "1", "3", 1, 1 },
		{ "1@1 2@3", "3@3 4@3", 0, 2, "1", "", 1, 1 },
		{ "1@1 2@1", "3@1 4@1", 0, 2, NULL, NULL, 0, 0 },
		{ "1@1 2@2", "3@1 4@3", 9, 2, "2", "4", 3, 2 },
		{ "1@1 2@2", "3@1 4@3", 9, 3, "2", "4", 3, 2 },
		{ "1@1 2@3", "3@3 4@3", 9, 2, "2", "3 4", 3, 3 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct temporal t = { .last_n = cases[i].last_n };
		struct entity *e[] = { series_of(b, cases[i].one),
			series_of(b, cases[i].two) };
		struct wall_us first = WALL_ABSENT, last = WALL_ABSENT;
		bool cut = temporal_cut(&t, e, 2, cases[i].max, b->arena,
		    &first, &last);

		if (cut != (cases[i].want_one != NULL))
			fail_msg("%zu: cut %d", i, cut);
		if (!cut)
			continue;
		assert_string_equal(values_of(b, e[0]), cases[i].want_one);
		assert_string_equal(values_of(b, e[1]), cases[i].want_two);
		assert_true(first.us == us(T0) + cases[i].first * 1000000LL);
		assert_true(last.us == us(T0) + cases[i].last * 1000000LL);
	}
}

/* ---- forms */

static const char *
text_of(struct bench *b, const struct entity *e, const struct temporal *t,
    const char *lang)
{
	struct entity_out out = { .context = b->core, .names = &b->names,
		.lang = str_of(lang) };

	buf_reset(&b->scratch);
	temporal_write(e, t, &out, &b->scratch);
	assert_false(b->scratch.failed);
	return (buf_cstr(&b->scratch));
}

#define AT(s)	   "\"observedAt\":\"2026-01-01T00:00:0" s "Z\""
#define HEAD	   "{\"id\":\"urn:a:1\",\"type\":\"A\","

static void
writes_each_kind_in_each_form(void **state)
{
	static const struct {
		const char *in, *full, *values, *lang;
	} cases[] = {
		{ "{\"type\":\"Property\",\"value\":1.50,\"unitCode\":\"MTR\","
		  AT("1") "}",
		    "[{\"type\":\"Property\",\"value\":1.50,\"unitCode\":"
		    "\"MTR\"," AT("1") "}]",
		    "{\"type\":\"Property\",\"values\":[[1.50,"
		    "\"2026-01-01T00:00:01Z\"]]}", NULL },
		{ "[{\"type\":\"Relationship\",\"object\":\"urn:b:1\"," AT("1")
		  "},{\"type\":\"Relationship\",\"object\":\"urn:b:2\","
		  AT("2") "}]",
		    "[{\"type\":\"Relationship\",\"object\":\"urn:b:1\","
		    AT("1") "},{\"type\":\"Relationship\",\"object\":"
		    "\"urn:b:2\"," AT("2") "}]",
		    "{\"type\":\"Relationship\",\"objects\":[[\"urn:b:1\","
		    "\"2026-01-01T00:00:01Z\"],[\"urn:b:2\","
		    "\"2026-01-01T00:00:02Z\"]]}", NULL },
		{ "[{\"type\":\"LanguageProperty\",\"languageMap\":"
		  "{\"de\":\"Ruhr\",\"en\":\"Ruhr river\"}," AT("1") "}]",
		    "[{\"type\":\"LanguageProperty\",\"languageMap\":"
		    "{\"de\":\"Ruhr\",\"en\":\"Ruhr river\"}," AT("1") "}]",
		    "{\"type\":\"LanguageProperty\",\"languageMaps\":[["
		    "{\"de\":\"Ruhr\",\"en\":\"Ruhr river\"},"
		    "\"2026-01-01T00:00:01Z\"]]}",
		    "{\"type\":\"Property\",\"values\":[[\"Ruhr\","
		    "\"2026-01-01T00:00:01Z\"]]}" },
		{ "[{\"type\":\"Property\",\"value\":1," AT("1") ",\"datasetId\":"
		  "\"urn:x:d\"},{\"type\":\"Property\",\"value\":2," AT("1")
		  ",\"datasetId\":\"urn:x:e\"}]",
		    "[{\"type\":\"Property\",\"value\":1," AT("1")
		    ",\"datasetId\":\"urn:x:d\"},{\"type\":\"Property\","
		    "\"value\":2," AT("1") ",\"datasetId\":\"urn:x:e\"}]",
		    "[{\"type\":\"Property\",\"datasetId\":\"urn:x:d\","
		    "\"values\":[[1,\"2026-01-01T00:00:01Z\"]]},"
		    "{\"type\":\"Property\",\"datasetId\":\"urn:x:e\","
		    "\"values\":[[2,\"2026-01-01T00:00:01Z\"]]}]", NULL },
	};
	struct temporal full = { .range = TIME_RANGE_ALL };
	struct temporal values = full;
	struct bench *b = *state;

	values.form = TEMPORAL_VALUES;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct entity *e = read_text(b, arena_printf(b->arena,
		    HEAD "\"a\":%s}", cases[i].in));

		assert_string_equal(text_of(b, e, &full, NULL), arena_printf(
		    b->arena, HEAD "\"a\":%s}", cases[i].full));
		assert_string_equal(text_of(b, e, &values, NULL), arena_printf(
		    b->arena, HEAD "\"a\":%s}", cases[i].values));
		if (cases[i].lang != NULL)
			assert_string_equal(text_of(b, e, &values, "de"),
			    arena_printf(b->arena, HEAD "\"a\":%s}",
				cases[i].lang));
	}
}

static void
aggregates_exactly(void **state)
{
	static const struct {
		const char *in;
		enum aggregate method;
		const char *want; /* the number; "": none */
	} cases[] = {
		{ "0.1@1 0.2@2", AGGR_SUM, "0.3" },
		{ "0.10@1 0.20@2", AGGR_SUM, "0.3" },
		{ "1@1 -1@2", AGGR_SUM, "0" },
		{ "-0.5@1 0.25@2", AGGR_SUM, "-0.25" },
		{ "12345678901234567890@1 0.01@2", AGGR_SUM,
		    "12345678901234567890.01" },
		{ "1e3@1 2E-3@2", AGGR_SUM, "1000.002" },
		{ "100@1 -0@2", AGGR_SUM, "100" },
		{ "1e300@1 1e300@2", AGGR_SUM, "2e+300" },
		{ "1e400@1 1@2", AGGR_SUM, "" },
		{ "0.1@1 0.3@2", AGGR_SUMSQ, "0.1" },
		{ "1@1 2@2 4@3", AGGR_AVG, "2.3333333333333335" },
		{ "0.1@1 0.2@2", AGGR_AVG, "0.15" },
		{ "2@1 4@2 4@3 4@4 5@5 5@6 7@7 9@8", AGGR_STDDEV,
		    "2.138089935299395" },
		{ "1@1", AGGR_STDDEV, "" },
		{ "1000000000.1@1 1000000000.2@2", AGGR_STDDEV,
		    "0.07071067811865475" },
		{ "21.10@1 21.1@2 3@3", AGGR_MAX, "21.10" },
		{ "5@1 -1e1@2 -9.99@3", AGGR_MIN, "-1e1" },
		{ "\"a\"@1 true@2", AGGR_MAX, "" },
		{ "\"a\"@1 true@2", AGGR_TOTAL_COUNT, "2" },
		{ "1@1 1.0@2 \"1\"@3 \"\\u0031\"@4 true@5 true@6",
		    AGGR_DISTINCT_COUNT, "3" },
	};
	static const char *const names[] = { "totalCount", "distinctCount",
		"sum", "avg", "min", "max", "stddev", "sumsq" };
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct temporal t = { .range = { { us(T0) }, { us(T1) } },
			.form = TEMPORAL_AGGREGATED,
			.methods = 1U << cases[i].method };
		const char *name = names[cases[i].method];
		const char *want = cases[i].want[0] == '\0' ?
		    arena_printf(b->arena, HEAD "\"a\":{\"type\":\"Property\","
			"\"%s\":[]}}", name) :
		    arena_printf(b->arena, HEAD "\"a\":{\"type\":\"Property\","
			"\"%s\":[[%s,\"" T0 "\",\"" T1 "\"]]}}", name,
			cases[i].want);

		assert_string_equal(
		    text_of(b, series_of(b, cases[i].in), &t, NULL), want);
	}
}

static void
tells_the_bounds_of_an_open_range_from_its_values(void **state)
{
	struct temporal t = { .range = TIME_RANGE_ALL,
		.form = TEMPORAL_AGGREGATED, .methods = 1U << AGGR_SUM };
	struct bench *b = *state;
	struct entity *e = series_of(b, "1@1 2@2 4@61");

	assert_string_equal(text_of(b, e, &t, NULL), HEAD "\"a\":{\"type\":"
	    "\"Property\",\"sum\":[[7,\"2026-01-01T00:00:01Z\","
	    "\"2026-01-01T00:01:01Z\"]]}}");
	t.period.us = 60000000;
	assert_string_equal(text_of(b, e, &t, NULL), HEAD "\"a\":{\"type\":"
	    "\"Property\",\"sum\":[[3,\"2026-01-01T00:00:00Z\","
	    "\"2026-01-01T00:01:00Z\"],[4,\"2026-01-01T00:01:00Z\","
	    "\"2026-01-01T00:02:00Z\"]]}}");
}

/* Any number of instances within the ceiling, and not one more. */
static void
bounds_the_instances_of_one_entity(void **state)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct bench *b = *state;
	struct document doc = { .context = b->core };
	struct entity e;
	struct buf text;

	buf_init(&text, 1 << 22);
	for (size_t over = 0; over < 2; over++) {
		buf_reset(&text);
		BUF_LIT(&text, "{\"id\":\"urn:a:1\",\"type\":\"A\",\"a\":[{}");
		for (size_t i = 1; i < ENTITY_SERIES_MAX + over; i++)
			BUF_LIT(&text, ",{}");
		BUF_LIT(&text, "]}");
		assert_int_equal(json_parse(&doc.json, buf_str(&text), &limits,
		    b->arena), HUB_OK);
		assert_int_equal(entity_read_series(&doc, 0, &b->names,
		    b->arena, &e), over == 0 ? HUB_OK : HUB_ESYNTAX);
		assert_int_equal(entity_read(&doc, 0, &b->names, b->arena,
		    &e), HUB_ESYNTAX);
	}
	buf_clear(&text);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(reads_ranges),
		T(reads_the_rest_as_entity_queries_do),
		T(refuses_what_it_does_not_take),
		T(reads_durations),
		T(reads_content_ranges),
		T(counts_periods),
		T(narrows_to_the_range),
		T(leaves_the_newest),
		T(cuts_without_parting_instants),
		T(writes_each_kind_in_each_form),
		T(aggregates_exactly),
		T(tells_the_bounds_of_an_open_range_from_its_values),
		T(bounds_the_instances_of_one_entity),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
