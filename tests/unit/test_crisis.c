/* tests/unit/test_crisis.c - when an event is in force, what it means in a
 * region, and what it adds to an agreement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/redact.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_US	 INT64_C(60000000)
#define HOUR_US	 (60 * MIN_US)
#define NOW	 "2026-11-22T18:00:00Z"

static const char region_text[] =
    "tenant pp { name = P  kind = city }\n"
    "tenant cc { name = C  kind = municipality }\n"
    "tenant kk { name = K  kind = district  crisis-authority = true }\n"
    "tenant ll { name = L  kind = district  crisis-authority = true }\n"
    "tenant mm { name = M  kind = district  crisis-authority = true\n"
    "  status = suspended }\n"
    "source ss { owner = pp  endpoint = \"https://a\" }\n"
    "dataset dd { source = ss  ids = {\"urn:a:*\"}  type T { } type U { } }\n"
    "purpose qq { title = Q }\n"
    "purpose rr { title = R }\n"
    "area box { ags = \"05978028\"  geojson-file = \"box.geojson\" }\n"
    "agreement aa { version = 1  provider = pp  consumer = cc\n"
    "  dataset = dd  purpose = qq  actions = {query}  quota = \"1/h\"\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"pp:m\", \"cc:n\"}\n"
    "  share T { allow = {v, f, g, location}  history = 1h\n"
    "    without-location = keep }\n"
    "  crisis flood { authority = kk  history = 10d  quota = \"9/h\"\n"
    "    max = 6h  report = 7d }\n"
    "  crisis fire { authority = kk  max = 72h  report = 7d } }\n"
    "agreement bb { version = 1  provider = pp  consumer = cc\n"
    "  dataset = dd  purpose = rr  actions = {query}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"pp:m\", \"cc:n\"}  share T { allow = {v} } }\n"
    "forbid ff { type = T  attribute = f  reason = x\n"
    "  crisis-override = true }\n"
    "forbid gg { type = T  attribute = g  reason = x }\n"
    "forbid uu { type = U  reason = x  crisis-override = true }\n";
static const char box[] = "{\"type\":\"Polygon\",\"coordinates\":"
			  "[[[7,51],[8,51],[8,52],[7,52],[7,51]]]}";

struct world {
	struct arena *arena;
	struct region *region;
	struct policy_set *set;
	struct names names;
};

static struct wall_us
at(const char *text)
{
	struct wall_us t;

	assert_int_equal(wall_parse(str_of(text), &t), HUB_OK);
	return (t);
}

static struct crisis_row
row_now(const char *kind)
{
	struct wall_us now = at(NOW);

	return ((struct crisis_row){ .id = 7,
	    .kind = str_of(kind),
	    .authority = STR("kk"),
	    .area = STR("box"),
	    .declared = now,
	    .until = { now.us + 72 * HOUR_US },
	    .deadline = { now.us + HOUR_US },
	    .confirmed = { now.us + MIN_US },
	    .ended = WALL_ABSENT });
}

/* kind NULL: in quiet times. */
static void
world_init(struct world *w, const char *kind)
{
	const struct region_file files[] = {
		{ STR("a.hub"), str_of(region_text) },
		{ STR("box.geojson"), str_of(box) },
	};
	struct region_message *m;
	struct crisis_event e;
	struct crisis_row row;
	unsigned n;

	w->arena = arena_new();
	if (region_parse(files, COUNT(files), &w->region, w->arena, &m, &n) !=
	    HUB_OK)
		fail_msg("%u: %.*s", m[0].line, STR_FMT(m[0].text));
	if (kind != NULL) {
		row = row_now(kind);
		assert_null(crisis_resolve(w->region, &row, &e));
	}
	w->set = policy_compile_crises(w->region, &e, kind != NULL);
	names_init(&w->names, w->region->vocab, w->arena);
}

static void
world_clear(struct world *w)
{
	policy_free(w->set);
	region_free(w->region);
	arena_free(w->arena);
}

static void
is_in_force_when_the_rules_say(void **state)
{
	enum { NO = -1 };
	/* Minutes after it was declared; NO: never happened. */
	static const struct {
		const char *what;
		int until, deadline, confirmed, ended;
		bool follows;
		int from_r, until_r;
	} cases[] = {
		{ "at once", 120, 60, NO, NO, false, 0, 60 },
		{ "shorter than its deadline", 30, 60, NO, NO, false, 0, 30 },
		{ "confirmed", 120, 60, 10, NO, false, 0, 120 },
		{ "ended", 120, 60, 10, 50, false, 0, 50 },
		{ "ended unconfirmed", 120, 60, NO, 5, false, 0, 5 },
		{ "three days at most", 9999, 60, 10, NO, false, 0, 4320 },
		{ "a chain waits", 120, 60, NO, NO, true, 60, 60 },
		{ "a chain confirmed", 120, 60, 10, NO, true, 10, 120 },
		{ "a chain ended", 120, 60, 10, 20, true, 10, 20 },
		{ "a chain ended before", 120, 60, NO, 5, true, 120, 120 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t t0 = at(NOW).us;
		struct wall_us from, until;
		struct crisis_row row = { .declared = { t0 },
			.until = { t0 + cases[i].until * MIN_US },
			.deadline = { t0 + cases[i].deadline * MIN_US },
			.confirmed = cases[i].confirmed == NO ? WALL_ABSENT :
			    (struct wall_us){ t0 +
				cases[i].confirmed * MIN_US },
			.ended = cases[i].ended == NO ? WALL_ABSENT :
			    (struct wall_us){ t0 + cases[i].ended * MIN_US },
			.follows = cases[i].follows };

		crisis_window(&row, &from, &until);
		if (cases[i].from_r == cases[i].until_r) {
			if (from.us < until.us)
				fail_msg("%s: in force", cases[i].what);
			continue;
		}
		if (from.us != t0 + cases[i].from_r * MIN_US ||
		    until.us != t0 + cases[i].until_r * MIN_US)
			fail_msg("%s: from %lld until %lld", cases[i].what,
			    (long long)((from.us - t0) / MIN_US),
			    (long long)((until.us - t0) / MIN_US));
	}
}

static void
means_nothing_unless_its_tenant_is_an_authority(void **state)
{
	static const struct {
		const char *authority, *area, *why;
	} cases[] = {
		{ "kk", "box", NULL },
		{ "nobody", "box", "its authority is no tenant" },
		{ "cc", "box", "its authority is none" },
		{ "mm", "box", "suspended" },
		{ "kk", "nowhere", "its area is not" },
	};
	struct world w;

	(void)state;
	world_init(&w, NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct crisis_row row = row_now("flood");
		struct crisis_event e;
		const char *why;

		row.authority = str_of(cases[i].authority);
		row.area = str_of(cases[i].area);
		why = crisis_resolve(w.region, &row, &e);
		if ((why == NULL) != (cases[i].why == NULL) ||
		    (why != NULL && strstr(why, cases[i].why) == NULL))
			fail_msg("%s %s: %s", cases[i].authority,
			    cases[i].area, why != NULL ? why : "-");
	}
	world_clear(&w);
}

static void
wakes_its_own_kind_for_the_time_agreed(void **state)
{
	static const struct {
		const char *kind, *authority;
		int hours; /* 0: nothing */
	} cases[] = {
		{ "flood", "kk", 6 },
		{ "fire", "kk", 72 },
		{ "storm", "kk", 0 },
		{ "flood", "ll", 0 },
	};
	struct world w;

	(void)state;
	world_init(&w, NULL);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct crisis_row row = row_now(cases[i].kind);
		const struct region_crisis *c;
		struct wall_us from, until;
		struct crisis_event e;

		row.authority = str_of(cases[i].authority);
		assert_null(crisis_resolve(w.region, &row, &e));
		c = crisis_block(&w.region->agreements[0], &e, &from, &until);
		assert_true((c != NULL) == (cases[i].hours > 0));
		if (c != NULL)
			assert_int_equal(until.us - from.us,
			    cases[i].hours * HOUR_US);
		assert_null(crisis_block(&w.region->agreements[1], &e, &from,
		    &until));
	}
	world_clear(&w);
}

static const struct policy_leg *
plan(struct world *w, const char *purpose, struct wall_us now)
{
	struct policy_query q = { .action = ACTION_QUERY, .at = now };
	const struct policy_leg *legs;
	unsigned n;

	q.consumer = tenant_find(&w->region->tenants, STR("cc"));
	q.purpose = region_purpose_find(w->region, str_of(purpose));
	policy_plan(w->set, &q, w->arena, &legs, &n);
	assert_int_equal(n, 1);
	return (&legs[0]);
}

static void
begins_and_ends_by_the_clock(void **state)
{
	static const struct {
		int64_t after;
		const char *purpose;
		unsigned grants;
	} cases[] = {
		{ -1, "qq", 1 },
		{ 0, "qq", 2 },
		{ 0, "rr", 1 },
		{ 6 * HOUR_US - 1, "qq", 2 },
		{ 6 * HOUR_US, "qq", 1 },
	};
	struct world w;

	(void)state;
	world_init(&w, "flood");
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct policy_leg *leg = plan(&w, cases[i].purpose,
		    (struct wall_us){ at(NOW).us + cases[i].after });

		if (leg->ngrants != cases[i].grants)
			fail_msg("case %zu: %u grants", i, leg->ngrants);
		assert_null(leg->grants[0]->event);
		if (leg->ngrants < 2)
			continue;
		assert_int_equal(leg->grants[1]->event->id, 7);
		assert_true(leg->grants[0]->bucket != leg->grants[1]->bucket);
	}
	world_clear(&w);
	/* Without a quota of its own it is counted with the agreement. */
	world_init(&w, "fire");
	const struct policy_leg *leg = plan(&w, "qq", at(NOW));
	assert_int_equal(leg->ngrants, 2);
	assert_int_equal(leg->grants[0]->bucket, leg->grants[1]->bucket);
	assert_true(plan(&w, "rr", at(NOW))->grants[0]->bucket == NO_BUCKET);
	world_clear(&w);
}

#define V(n, t)                                                                \
	"\"" n "\":{\"type\":\"Property\",\"value\":1,\"observedAt\":\"" t \
	"\"}"
#define AT(lon)                                                                \
	"\"location\":{\"type\":\"GeoProperty\",\"value\":{"                  \
	"\"type\":\"Point\",\"coordinates\":[" lon ",51.5]}}"
#define OLD    "2026-11-20T00:00:00Z" /* below 10 d */
#define OLDER  "2026-11-01T00:00:00Z"
#define E(...) "{\"id\":\"urn:a:1\",\"type\":\"T\"," __VA_ARGS__ "}"

/* The attributes that are left, in order, and by which grants. */
static const char *
view(struct world *w, const char *text, uint64_t *grants_r)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	const struct policy_leg *leg = plan(w, "qq", at(NOW));
	struct document *doc = arena_alloc(w->arena, sizeof(*doc));
	char *names = arena_alloc(w->arena, 16);
	struct entity e;

	doc->context = vocab_core(w->region->vocab);
	assert_int_equal(json_parse(&doc->json, str_of(text), &limits,
	    w->arena), HUB_OK);
	assert_int_equal(entity_read(doc, 0, &w->names, w->arena, &e),
	    HUB_OK);
	*grants_r = 0;
	if (!redact_entity(leg, &e, at(NOW), &w->names, w->arena))
		return ("-");
	*grants_r = redact_grants(&e);
	for (unsigned i = 0; i < e.ninstances; i++) {
		struct str s = context_compact(doc->context,
		    e.instances[i].name, w->arena);

		names[i] = s.p[0];
	}
	return (names);
}

static void
releases_more_within_its_area_only(void **state)
{
	static const struct {
		const char *in, *quiet, *crisis;
		uint64_t grants; /* in the crisis: 1 quiet, 2 crisis */
	} cases[] = {
		{ E(V("v", NOW) "," AT("7.5")), "vl", "vl", 1 },
		{ E(V("v", OLD) "," AT("7.5")), "l", "vl", 3 },
		/* the border belongs to it */
		{ E(V("v", OLD) "," AT("8")), "l", "vl", 3 },
		{ E(V("v", OLD) "," AT("8.001")), "l", "l", 1 },
		{ E(V("v", OLDER) "," AT("7.5")), "l", "l", 1 },
		/* what has no location is not in the area */
		{ E(V("v", OLD)), "-", "-", 0 },
		{ E(V("v", NOW)), "v", "v", 1 },
		/* forbids, with crisis-override and without */
		{ E(V("f", NOW) "," AT("7.5")), "l", "fl", 3 },
		{ E(V("f", NOW) "," AT("9")), "l", "l", 1 },
		{ E(V("f", OLDER) "," AT("7.5")), "l", "l", 1 },
		{ E(V("g", NOW) "," AT("7.5")), "l", "l", 1 },
		/* what no share allows */
		{ E(V("x", NOW) "," AT("7.5")), "l", "l", 1 },
		/* a forbid of the whole entity */
		{ "{\"id\":\"urn:a:1\",\"type\":[\"T\",\"U\"]," V("v", NOW) ","
		  AT("7.5") "}", "-", "vl", 2 },
		{ "{\"id\":\"urn:a:1\",\"type\":[\"T\",\"U\"]," V("v", NOW) ","
		  AT("9") "}", "-", "-", 0 },
	};
	struct world quiet, crisis;
	uint64_t grants;
	const char *got;

	(void)state;
	world_init(&quiet, NULL);
	world_init(&crisis, "flood");
	for (size_t i = 0; i < COUNT(cases); i++) {
		got = view(&quiet, cases[i].in, &grants);
		if (strcmp(got, cases[i].quiet) != 0)
			fail_msg("%zu quiet: %s", i, got);
		got = view(&crisis, cases[i].in, &grants);
		if (strcmp(got, cases[i].crisis) != 0 ||
		    grants != cases[i].grants)
			fail_msg("%zu crisis: %s by %llu", i, got,
			    (unsigned long long)grants);
	}
	world_clear(&quiet);
	world_clear(&crisis);
}

static void
releases_more_of_the_past_within_its_area(void **state)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	static const struct {
		const char *lon;
		bool crisis;
		unsigned left; /* values of v: one of now, one old, one older */
	} cases[] = { { "7.5", false, 1 }, { "7.5", true, 2 },
		{ "9", true, 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct document doc = { 0 };
		unsigned left = 0;
		struct world w;
		struct entity e;

		world_init(&w, cases[i].crisis ? "flood" : NULL);
		doc.context = vocab_core(w.region->vocab);
		assert_int_equal(json_parse(&doc.json, str_of(arena_printf(
		    w.arena, "{\"id\":\"urn:a:1\",\"type\":\"T\",\"v\":["
		    "{\"type\":\"Property\",\"value\":1,\"observedAt\":\"" NOW
		    "\"},{\"type\":\"Property\",\"value\":2,\"observedAt\":\""
		    OLD "\"},{\"type\":\"Property\",\"value\":3,"
		    "\"observedAt\":\"" OLDER "\"}],\"location\":[{"
		    "\"type\":\"GeoProperty\",\"observedAt\":\"" NOW "\","
		    "\"value\":{\"type\":\"Point\",\"coordinates\":[%s,51.5]"
		    "}}]}", cases[i].lon)), &limits, w.arena), HUB_OK);
		assert_int_equal(entity_read_series(&doc, 0, &w.names, w.arena,
		    &e), HUB_OK);
		assert_true(redact_series(plan(&w, "qq", at(NOW)), &e, at(NOW),
		    &w.names, w.arena));
		for (unsigned k = 0; k < e.ninstances; k++)
			left += e.instances[k].kind == ATTR_PROPERTY;
		if (left != cases[i].left)
			fail_msg("case %zu: %u", i, left);
		world_clear(&w);
	}
}

static void
keeps_agreements_when_events_are_many(void **state)
{
	struct crisis_event events[200];
	struct crisis_row row = row_now("flood");
	struct world w;
	const struct policy_leg *leg;

	(void)state;
	world_init(&w, NULL);
	for (size_t i = 0; i < COUNT(events); i++)
		assert_null(crisis_resolve(w.region, &row, &events[i]));
	policy_free(w.set);
	w.set = policy_compile_crises(w.region, events, COUNT(events));
	leg = plan(&w, "qq", at(NOW));
	assert_int_equal(leg->ngrants, REDACT_GRANTS_MAX);
	assert_null(leg->grants[0]->event);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_in_force_when_the_rules_say),
		cmocka_unit_test(
		    means_nothing_unless_its_tenant_is_an_authority),
		cmocka_unit_test(wakes_its_own_kind_for_the_time_agreed),
		cmocka_unit_test(begins_and_ends_by_the_clock),
		cmocka_unit_test(releases_more_within_its_area_only),
		cmocka_unit_test(releases_more_of_the_past_within_its_area),
		cmocka_unit_test(keeps_agreements_when_events_are_many),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
