/* tests/unit/test_redact.c - what of one entity a consumer sees: attributes,
 * members, types, places, times, forbids; and what its owner sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/redact.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW	 "2026-11-22T18:00:00Z"

/* The share blocks and what stands beside the agreement are put in. */
static const char base_text[] =
    "tenant pp { name = P  kind = city }\n"
    "tenant cc { name = C  kind = municipality }\n"
    "source ss { owner = pp  endpoint = \"https://a\" }\n"
    "dataset dd { source = ss  ids = {\"urn:a:*\", \"urn:b:1\"}\n"
    "  type T { } type U { } }\n"
    "purpose qq { title = Q }\n"
    "area box { ags = \"05978028\"  geojson-file = \"areas/box.geojson\" }\n"
    "area far { ags = \"05978012\"  geojson-file = \"areas/far.geojson\" }\n"
    "agreement aa { version = 1  provider = pp  consumer = cc\n"
    "  dataset = dd  purpose = qq  actions = {query}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"pp:m\", \"cc:n\"}\n  %s }\n%s\n";
static const char box[] = "{\"type\":\"Polygon\",\"coordinates\":"
			  "[[[7,51],[8,51],[8,52],[7,52],[7,51]]]}";
static const char far_away[] = "{\"type\":\"Polygon\",\"coordinates\":"
			       "[[[9,51],[10,51],[10,52],[9,52],[9,51]]]}";

struct world {
	struct arena *arena;
	struct region *region;
	struct policy_set *set;
	struct names names;
	struct buf buf;
	bool series; /* entities are evolutions */
};

static void
world_init(struct world *w, const char *shares, const char *more)
{
	struct region_message *m;
	unsigned n;

	w->series = false;
	w->arena = arena_new();
	buf_init(&w->buf, 65536);
	struct region_file files[] = {
		{ STR("a.hub"),
		    str_of(arena_printf(w->arena, base_text, shares, more)) },
		{ STR("areas/box.geojson"), str_of(box) },
		{ STR("areas/far.geojson"), str_of(far_away) },
	};
	if (region_parse(files, COUNT(files), &w->region, w->arena, &m, &n) !=
	    HUB_OK)
		fail_msg("%s:%u: %.*s", shares, m[0].line,
		    STR_FMT(m[0].text));
	w->set = policy_compile(w->region);
	names_init(&w->names, w->region->vocab, w->arena);
}

static void
world_clear(struct world *w)
{
	buf_clear(&w->buf);
	policy_free(w->set);
	region_free(w->region);
	arena_free(w->arena);
}

/* What a tenant may see, and when that was. */
static const struct policy_leg *
leg_at(struct world *w, const char *tenant, const char *now,
    struct wall_us *at_r)
{
	struct policy_query q = { .action = ACTION_QUERY };
	const struct policy_leg *legs;
	unsigned n;

	q.consumer = tenant_find(&w->region->tenants, str_of(tenant));
	q.purpose = region_purpose_find(w->region, STR("qq"));
	assert_int_equal(wall_parse(str_of(now), &q.at), HUB_OK);
	policy_plan(w->set, &q, w->arena, &legs, &n);
	assert_int_equal(n, 1);
	*at_r = q.at;
	return (&legs[0]);
}

/* The view of a leg as text, or "-" when the entity is not in it. */
static const char *
view_of(struct world *w, const struct policy_leg *leg, const char *text,
    struct wall_us at, uint64_t *grants_r)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct entity_out out = { .context = vocab_core(w->region->vocab),
		.names = &w->names,
		.sys_attrs = true };
	struct document *doc = arena_alloc(w->arena, sizeof(*doc));
	struct entity e;

	doc->context = vocab_core(w->region->vocab);
	if (json_parse(&doc->json, str_of(text), &limits, w->arena) != HUB_OK)
		fail_msg("no JSON: %s", text);
	assert_int_equal((w->series ? entity_read_series : entity_read)(doc, 0,
	    &w->names, w->arena, &e), HUB_OK);
	if (!(w->series ? redact_series : redact_entity)(leg, &e, at,
		&w->names, w->arena))
		return ("-");
	if (grants_r != NULL)
		*grants_r = redact_grants(&e);
	buf_reset(&w->buf);
	entity_write(&e, &out, &w->buf);
	return (buf_cstr(&w->buf));
}

static const char *
view_at(struct world *w, const char *tenant, const char *text,
    const char *now, uint64_t *grants_r)
{
	struct wall_us at;
	const struct policy_leg *leg = leg_at(w, tenant, now, &at);

	return (view_of(w, leg, text, at, grants_r));
}

struct redact_case {
	const char *shares, *more, *in, *want;
};

static void
check(const struct redact_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct world w;
		const char *got;

		world_init(&w, cases[i].shares, cases[i].more);
		got = view_at(&w, "cc", cases[i].in, NOW, NULL);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%zu: %s\n%s\n%s\n%s", i, cases[i].shares,
			    cases[i].in, got, cases[i].want);
		world_clear(&w);
	}
}

#define E(...)	   "{\"id\":\"urn:a:1\",\"type\":\"T\"," __VA_ARGS__ "}"
#define ETU(...)   "{\"id\":\"urn:a:1\",\"type\":[\"T\",\"U\"]," __VA_ARGS__ "}"
#define EU(...)	   "{\"id\":\"urn:a:1\",\"type\":\"U\"," __VA_ARGS__ "}"
#define V(n, v)	   "\"" n "\":{\"type\":\"Property\",\"value\":" v "}"
#define VO(n, v, t)                                                           \
	"\"" n "\":{\"type\":\"Property\",\"value\":" v ",\"observedAt\":\"" t \
	"\"}"
#define VM(n, v, t)                                                           \
	"\"" n "\":{\"type\":\"Property\",\"value\":" v ",\"modifiedAt\":\"" t \
	"\"}"
#define G(g)	   "\"location\":{\"type\":\"GeoProperty\",\"value\":" g "}"
#define POINT(c)   G("{\"type\":\"Point\",\"coordinates\":[" c "]}")
#define X	   V("x", "1")

static void
shows_what_is_allowed_and_nothing_else(void **state)
{
	static const struct redact_case cases[] = {
		{ "share T { allow = {x} }", "", E(X "," V("y", "2")), E(X) },
		{ "share T { allow = {x} }", "", E(V("y", "2")), "-" },
		{ "share T { allow = {x} }", "", EU(X), "-" },
		{ "share T { allow = {x} }", "",
		    "{\"id\":\"urn:c:1\",\"type\":\"T\"," X "}", "-" },
		{ "share T { allow = {x} }", "",
		    "{\"id\":\"urn:b:11\",\"type\":\"T\"," X "}", "-" },
		{ "share T { allow = {x} }", "",
		    "{\"id\":\"urn:b:1\",\"type\":\"T\"," X "}",
		    "{\"id\":\"urn:b:1\",\"type\":\"T\"," X "}" },
		/* members by path; system members by their own list */
		{ "share T { allow = {x} }", "",
		    E("\"scope\":\"/s\",\"createdAt\":\"" NOW "\","
		      "\"modifiedAt\":\"" NOW "\",\"x\":{\"value\":1,"
		      "\"unitCode\":\"CMT\",\"q\":{\"value\":2},"
		      "\"createdAt\":\"" NOW "\",\"modifiedAt\":\"" NOW "\"}"),
		    E("\"x\":{\"type\":\"Property\",\"value\":1,"
		      "\"unitCode\":\"CMT\"}") },
		{ "share T { allow = {x, \"x.q\"}  "
		  "system = {scope, createdAt, modifiedAt} }", "",
		    E("\"scope\":\"/s\",\"createdAt\":\"" NOW "\","
		      "\"x\":{\"value\":1,\"q\":{\"value\":2},"
		      "\"z\":{\"value\":3},\"modifiedAt\":\"" NOW "\"}"),
		    E("\"scope\":\"/s\",\"createdAt\":\"" NOW "\","
		      "\"x\":{\"type\":\"Property\",\"value\":1,"
		      "\"q\":{\"type\":\"Property\",\"value\":2},"
		      "\"modifiedAt\":\"" NOW "\"}") },
		/* a relationship's target, not the entity behind it */
		{ "share T { allow = {x} }", "",
		    E("\"x\":{\"type\":\"Relationship\",\"object\":\"urn:a:2\","
		      "\"entity\":{\"id\":\"urn:a:2\"}}"),
		    E("\"x\":{\"type\":\"Relationship\",\"object\":"
		      "\"urn:a:2\"}") },
		{ "share T { allow = {x} }", "",
		    E("\"x\":{\"type\":\"Relationship\",\"object\":"
		      "{\"id\":\"urn:a:2\",\"secret\":1}}"), "-" },
		{ "share T { allow = {x} }", "", E("\"x\":{}"), "-" },
	};

	(void)state;
	check(cases, COUNT(cases));
}

static void
joins_what_several_types_grant(void **state)
{
	static const struct redact_case cases[] = {
		{ "share T { allow = {x} }", "", ETU(X "," V("y", "2")),
		    E(X) },
		{ "share T { allow = {x} } share U { allow = {y} }", "",
		    ETU(X "," V("y", "2") "," V("z", "3")),
		    ETU(X "," V("y", "2")) },
		/* a granted type is named, unless the place is another */
		{ "share T { allow = {x} } share U { allow = {y} }", "",
		    ETU(X), ETU(X) },
		{ "share T { allow = {x} }"
		  " share U { allow = {y}  outside = {box} }", "",
		    ETU(X "," POINT("7.5,51.5")), E(X) },
		{ "share T { allow = {x, \"x.q\"} }"
		  " share U { allow = {x, \"x.r\"} }", "",
		    ETU("\"x\":{\"value\":1,\"q\":{\"value\":2},"
			"\"r\":{\"value\":3},\"s\":{\"value\":4}}"),
		    ETU("\"x\":{\"type\":\"Property\",\"value\":1,"
			"\"q\":{\"type\":\"Property\",\"value\":2},"
			"\"r\":{\"type\":\"Property\",\"value\":3}}") },
	};

	(void)state;
	check(cases, COUNT(cases));
}

static void
obeys_forbids_on_the_types_the_source_gave(void **state)
{
	static const char both[] =
	    "share T { allow = {x, y} } share U { allow = {x, y} }";
	const struct redact_case cases[] = {
		{ both, "forbid ff { attribute = x  reason = R }",
		    E(X "," V("y", "2")), E(V("y", "2")) },
		{ both, "forbid ff { type = U  attribute = x  reason = R }",
		    E(X "," V("y", "2")), E(X "," V("y", "2")) },
		{ both, "forbid ff { type = U  attribute = x  reason = R }",
		    ETU(X "," V("y", "2")), ETU(V("y", "2")) },
		{ "share T { allow = {x} }",
		    "forbid ff { type = U  reason = R }",
		    ETU(X), "-" },
		{ both, "forbid ff { type = W  reason = R }", E(X), E(X) },
		{ both,
		    "forbid ff { consumer = pp  attribute = x  reason = R }",
		    E(X), E(X) },
		{ both,
		    "forbid ff { consumer = cc  attribute = x  reason = R }",
		    E(X), "-" },
	};

	(void)state;
	check(cases, COUNT(cases));
}

#define CELLS "share T { inside = {box}  grid location { to = 100km } }"

static void
shows_only_what_transforms_make_of_values(void **state)
{
	static const struct redact_case cases[] = {
		{ "share T { round x { to = 0.5 } }", "",
		    E(V("x", "1.26") "," V("y", "2.26")), E(V("x", "1.5")) },
		{ "share T { allow = {y} round x { to = 0.5 } }", "",
		    E(V("x", "1.26") "," V("y", "2.26")),
		    E(V("x", "1.5") "," V("y", "2.26")) },
		{ "share T { round x { to = 0.5 } }", "",
		    E(V("x", "\"1.26\"")), "-" },
		{ "share T { allow = {y} round x { to = 0.5 } }", "",
		    E(V("x", "\"1.26\"") "," V("y", "2")), E(V("y", "2")) },
		/* allow beats it, in one share or in two types */
		{ "share T { allow = {x} round x { to = 0.5 } }", "",
		    E(V("x", "1.26")), E(V("x", "1.26")) },
		{ "share T { round x { to = 0.5 } } share U { allow = {x} }",
		    "", ETU(V("x", "1.26")), ETU(V("x", "1.26")) },
		{ "share T { allow = {x} } "
		  "share U { suppress x { below = 3 } }",
		    "", ETU(V("x", "1.26")), ETU(V("x", "1.26")) },
		/* one idea under two types; two ideas make nothing */
		{ "share T { round x { to = 0.5 } } "
		  "share U { round x { to = 0.50 } }", "",
		    ETU(V("x", "1.26")), ETU(V("x", "1.5")) },
		{ "share T { allow = {y} round x { to = 0.5 } } "
		  "share U { bucket x { by = 1 } }", "",
		    ETU(V("x", "1.26") "," V("y", "2")), ETU(V("y", "2")) },
		{ "share T { allow = {y} suppress x { below = 3 } } "
		  "share U { round x { to = 0.5 } }", "",
		    ETU(V("x", "1.26") "," V("y", "2")), ETU(V("y", "2")) },
		{ "share T { allow = {y} round x { to = 0.5 } } "
		  "share U { suppress x { below = 3 } }", "",
		    ETU(V("x", "1.26") "," V("y", "2")), ETU(V("y", "2")) },
		/* each instance by itself */
		{ "share T { suppress x { below = 3 } }", "",
		    E("\"x\":[{\"value\":2},"
		      "{\"value\":3,\"datasetId\":\"urn:d:1\"}]"),
		    E("\"x\":{\"type\":\"Property\",\"value\":3,"
		      "\"datasetId\":\"urn:d:1\"}") },
		/* a forbid is stronger; times are judged before */
		{ "share T { allow = {y} round x { to = 0.5 } }",
		    "forbid ff { attribute = x  reason = R }",
		    E(V("x", "1.26") "," V("y", "2")), E(V("y", "2")) },
		{ "share T { history = 1d  trunc-time x { to = 7d } }", "",
		    E(VO("x", "\"2026-11-22T17:00:00Z\"",
			"2026-11-22T17:00:00Z")),
		    E(VO("x", "\"2026-11-19T00:00:00Z\"",
			"2026-11-19T00:00:00Z")) },
		/* members by the share's own list, sub-attributes never */
		{ "share T { system = {modifiedAt}  round x { to = 0.5 } }", "",
		    E("\"x\":{\"value\":1.26,\"q\":{\"value\":1.26},"
		      "\"createdAt\":\"" NOW "\","
		      "\"modifiedAt\":\"" NOW "\"}"),
		    E("\"x\":{\"type\":\"Property\",\"value\":1.5,"
		      "\"modifiedAt\":\"" NOW "\"}") },
		/* the place is judged where it is, and shown where it is not */
		{ CELLS, "",
		    E(POINT("7.01,51.01")),
		    E(POINT("6.389698,50.754581")) },
		{ CELLS, "",
		    E(POINT("6.99,51.01")), "-" },
		{ CELLS, "",
		    E(G("{\"type\":\"LineString\",\"coordinates\":"
			"[[7.1,51.1],[7.2,51.2]]}")), "-" },
		/* no key in this process */
		{ "share T { allow = {y} pseudonym x { } }", "",
		    E(V("x", "\"a\"") "," V("y", "2")), E(V("y", "2")) },
	};

	(void)state;
	check(cases, COUNT(cases));
}

/* What is suppressed names no agreement either. */
static void
names_no_grant_for_what_it_drops(void **state)
{
	static const char shares[] =
	    "share T { allow = {y} } }\n"
	    "agreement bb { version = 1  provider = pp  consumer = cc\n"
	    "  dataset = dd  purpose = qq  actions = {query}\n"
	    "  valid = \"2026-01-01..2026-12-31\"\n"
	    "  signed-by = {\"pp:m\", \"cc:n\"}\n"
	    "  share T { suppress x { below = 3 } }";
	struct world w;
	uint64_t grants;

	(void)state;
	world_init(&w, shares, "");
	assert_string_equal(view_at(&w, "cc", E(V("x", "2") "," V("y", "7")),
	    NOW, &grants), E(V("y", "7")));
	assert_int_equal(grants, 1);
	assert_string_equal(view_at(&w, "cc", E(V("x", "3") "," V("y", "7")),
	    NOW, &grants), E(V("x", "3") "," V("y", "7")));
	assert_int_equal(grants, 3);
	world_clear(&w);
}

static void
gives_owners_their_own_values(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, "share T { round x { to = 0.5 } }", "");
	assert_string_equal(view_at(&w, "pp", E(V("x", "1.26")), NOW, NULL),
	    E(V("x", "1.26")));
	world_clear(&w);
}

static void
gives_each_agreement_its_own_pseudonyms(void **state)
{
	static const char shares[] =
	    "share T { pseudonym x { } pseudonym y { } } "
	    "share U { pseudonym x { } }";
	const char *got;
	struct world w;

	(void)state;
	world_init(&w, shares, "");
	assert_true(policy_has_pseudonyms(w.set));
	policy_pseudonym_key(w.set, STR("key"));
	got = view_at(&w, "cc", ETU(V("x", "\"a\"") "," V("y", "\"a\"")), NOW,
	    NULL);
	/* HMAC(HMAC("key", "2:aa" IRI), "a"): python3, hmac */
	assert_string_equal(got,
	    ETU(V("x", "\"b30469628241d13a7ea0f36d2bdc88d2\"") ","
		V("y", "\"f320e8275c3ccf2d90f30cbacdc939a6\"")));
	world_clear(&w);
}

#define IN   "share T { allow = {x}  inside = {box} }"
#define OUT  "share T { allow = {x}  outside = {box} }"
#define KEEP "share T { allow = {x}  inside = {box}  without-location = keep }"
#define BUF  "share T { allow = {x}  inside = {box}  buffer = 2km }"
#define BOUT "share T { allow = {x}  outside = {box}  buffer = 2km }"
#define TWO  "share T { allow = {x}  inside = {box, far} }"

static void
keeps_to_the_area(void **state)
{
	static const struct {
		const char *share, *location;
		bool shown;
	} cases[] = {
		{ IN, POINT("7.5,51.5"), true },
		{ IN, POINT("8.5,51.5"), false },
		{ IN, POINT("8,51.5"), true }, /* the border belongs to it */
		{ IN, POINT("7,51"), true },
		{ OUT, POINT("7.5,51.5"), false },
		{ OUT, POINT("8.5,51.5"), true },
		{ OUT, POINT("8,51.5"), false },
		{ TWO, POINT("9.5,51.5"), true },
		{ TWO, POINT("8.5,51.5"), false },
		/* 0.02 degrees here are 1.4 km, 0.04 are 2.8 */
		{ BUF, POINT("8.02,51.5"), true },
		{ BUF, POINT("8.04,51.5"), false },
		{ BOUT, POINT("8.02,51.5"), false },
		{ BOUT, POINT("8.04,51.5"), true },
		/* every vertex, every instance */
		{ IN, G("{\"type\":\"LineString\",\"coordinates\":"
			"[[7.1,51.1],[7.9,51.9]]}"), true },
		{ IN, G("{\"type\":\"LineString\",\"coordinates\":"
			"[[7.1,51.1],[8.1,51.9]]}"), false },
		{ OUT, G("{\"type\":\"LineString\",\"coordinates\":"
			 "[[8.1,51.1],[7.9,51.9]]}"), false },
		{ IN, "\"location\":[{\"type\":\"GeoProperty\",\"value\":"
		      "{\"type\":\"Point\",\"coordinates\":[7.5,51.5]}},"
		      "{\"type\":\"GeoProperty\",\"datasetId\":\"urn:d:1\","
		      "\"value\":{\"type\":\"Point\",\"coordinates\":"
		      "[8.5,51.5]}}]", false },
		/* no location */
		{ IN, "\"z\":{}", false },
		{ OUT, "\"z\":{}", false },
		{ KEEP, "\"z\":{}", true },
		{ KEEP, POINT("8.5,51.5"), false },
		/* none that is valid */
		{ KEEP, POINT("8.5"), false },
		{ KEEP, POINT("200,51.5"), false },
		{ KEEP, POINT("\"7.5\",51.5"), false },
		{ KEEP, G("null"), false },
		{ KEEP, "\"location\":\"51.4,7.5\"", false },
		{ KEEP, "\"location\":[]", false },
		{ KEEP, G("{\"type\":\"Polygon\",\"coordinates\":[]}"), false },
		{ KEEP, G("{\"type\":\"GeometryCollection\",\"geometries\":"
			  "[]}"), false },
		{ KEEP, "\"location\":{\"type\":\"Property\",\"value\":"
			"\"7.5,51.5\"}", false },
		{ KEEP, "\"location\":{\"type\":\"Point\",\"coordinates\":"
			"[8.5,51.5]}", false },
		{ KEEP, "\"location\":{}", false },
		/* without an area nobody asks */
		{ "share T { allow = {x} }", POINT("200,51.5"), true },
		{ "share T { allow = {x} }", "\"location\":{}", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		char text[500];
		const char *got;

		world_init(&w, cases[i].share, "");
		(void)snprintf(text, sizeof(text), E(X ",%s"),
		    cases[i].location);
		got = view_at(&w, "cc", text, NOW, NULL);
		if (strcmp(got, cases[i].shown ? E(X) : "-") != 0)
			fail_msg("%s %s: %s", cases[i].share,
			    cases[i].location, got);
		world_clear(&w);
	}
}

#define HISTORY "share T { allow = {x, y}  history = 2h }"
#define DELAY	"share T { allow = {x, y}  delay = 15min }"
#define BOTH	"share T { allow = {x, y}  history = 2h  delay = 15min }"
#define SEEN(t) V("dateObserved", "\"" t "\"")
#define AT(v, t)                                                              \
	"{\"type\":\"Property\",\"value\":" v ",\"observedAt\":\"" t "\"}"
#define LD(t)                                                                 \
	V("dateObserved", "{\"@type\":\"DateTime\",\"@value\":\"" t "\"}")

static void
binds_values_to_their_time(void **state)
{
	static const struct redact_case cases[] = {
		/* exactly as old as the limit is released */
		{ HISTORY, "", E(VO("x", "1", "2026-11-22T16:00:00Z")),
		    E(VO("x", "1", "2026-11-22T16:00:00Z")) },
		{ HISTORY, "", E(VO("x", "1", "2026-11-22T15:59:59.999999Z")),
		    "-" },
		{ DELAY, "", E(VO("x", "1", "2026-11-22T17:45:00Z")),
		    E(VO("x", "1", "2026-11-22T17:45:00Z")) },
		{ DELAY, "", E(VO("x", "1", "2026-11-22T17:45:00.000001Z")),
		    "-" },
		{ BOTH, "", E(VO("x", "1", "2026-11-22T17:00:00Z") ","
			      VO("y", "2", "2026-11-22T17:50:00Z")),
		    E(VO("x", "1", "2026-11-22T17:00:00Z")) },
		{ BOTH, "", E(VO("x", "1", "2026-11-22T15:00:00Z") ","
			      VO("y", "2", "2026-11-22T17:00:00+01:00")),
		    E(VO("y", "2", "2026-11-22T17:00:00+01:00")) },
		/* else the entity's dateObserved */
		{ HISTORY, "", E(X "," SEEN("2026-11-22T17:00:00Z")), E(X) },
		{ HISTORY, "", E(X "," SEEN("2026-11-22T15:00:00Z")), "-" },
		{ HISTORY, "", E(X "," LD("2026-11-22T15:00:00Z")), "-" },
		{ HISTORY, "", E(VO("x", "1", "2026-11-22T17:00:00Z") ","
				 SEEN("2026-11-22T15:00:00Z")),
		    E(VO("x", "1", "2026-11-22T17:00:00Z")) },
		/* ... as it came, whatever of the others is kept before */
		{ HISTORY, "", E(V("z", "1") "," SEEN("2026-11-22T15:00:00Z")
			",\"x\":[" AT("1", "2026-11-22T17:00:00Z") ","
			"{\"value\":2,\"datasetId\":\"urn:d:1\","
			"\"observedAt\":\"2026-11-22T15:00:00Z\"},"
			"{\"value\":3,\"datasetId\":\"urn:d:2\","
			"\"observedAt\":\"2026-11-22T17:00:00Z\"}],"
			V("y", "2")),
		    E("\"x\":[" AT("1", "2026-11-22T17:00:00Z") ","
			"{\"type\":\"Property\",\"value\":3,"
			"\"datasetId\":\"urn:d:2\","
			"\"observedAt\":\"2026-11-22T17:00:00Z\"}]") },
		{ DELAY, "", E(X "," LD("2026-11-22T17:45:00Z")), E(X) },
		{ DELAY, "", E(X "," LD("2026-11-22T17:46:00Z")), "-" },
		/* neither: static for history, dropped for delay */
		{ HISTORY, "", E(X), E(X) },
		{ HISTORY, "", E(VM("x", "1", "2026-11-22T10:00:00Z")), E(X) },
		{ DELAY, "", E(X), "-" },
		{ DELAY, "", E(VM("x", "1", "2026-11-22T17:45:00Z")), E(X) },
		{ DELAY, "", E(VM("x", "1", "2026-11-22T17:45:01Z")), "-" },
		{ DELAY, "", E(VO("x", "1", "soon")), "-" },
		{ BOTH, "", E(X), "-" },
	};

	(void)state;
	check(cases, COUNT(cases));
}

static void
drops_what_has_expired(void **state)
{
	static const char all[] = "share T { allow = {x, y} }";
	static const struct redact_case cases[] = {
		{ all, "", E("\"expiresAt\":\"2026-11-22T18:00:00Z\"," X),
		    "-" },
		{ all, "", E("\"expiresAt\":\"2026-11-22T18:00:01Z\"," X),
		    E(X) },
		{ all, "", E("\"expiresAt\":\"never\"," X), E(X) },
		{ all, "", E("\"x\":{\"value\":1,\"expiresAt\":\"" NOW "\"},"
			     V("y", "2")), E(V("y", "2")) },
		{ all, "", E("\"x\":[{\"value\":1,\"expiresAt\":\"" NOW "\"},"
			     "{\"value\":2,\"datasetId\":\"urn:d:1\"}]"),
		    E("\"x\":{\"type\":\"Property\",\"value\":2,"
		      "\"datasetId\":\"urn:d:1\"}") },
	};

	(void)state;
	check(cases, COUNT(cases));
}

static void
shows_its_owner_everything(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ E("\"scope\":\"/s\",\"createdAt\":\"" NOW "\",\"x\":{"
		    "\"value\":1,\"createdAt\":\"" NOW "\",\"q\":{\"value\":2},"
		    "\"instanceId\":\"urn:i:1\"}," V("unlisted", "3")),
		    E("\"scope\":\"/s\",\"createdAt\":\"" NOW "\",\"x\":{"
		      "\"type\":\"Property\",\"value\":1,\"createdAt\":\"" NOW
		      "\",\"q\":{\"type\":\"Property\",\"value\":2},"
		      "\"instanceId\":\"urn:i:1\"}," V("unlisted", "3")) },
		{ "{\"id\":\"urn:a:1\",\"type\":[\"T\",\"Unlisted\"]," X "}",
		    "{\"id\":\"urn:a:1\",\"type\":[\"T\",\"Unlisted\"]," X
		    "}" },
		{ "{\"id\":\"urn:a:1\",\"type\":\"Unlisted\"," X "}", "-" },
		{ "{\"id\":\"urn:c:1\",\"type\":\"T\"," X "}", "-" },
		{ E("\"expiresAt\":\"" NOW "\"," X), "-" },
		{ E("\"x\":{}"), "-" },
		{ E(POINT("8.5,51.5")), E(POINT("8.5,51.5")) },
	};
	struct world w;

	(void)state;
	world_init(&w, IN, "forbid ff { attribute = x  reason = R }");
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(view_at(&w, "pp", cases[i].in, NOW, NULL),
		    cases[i].want);
	world_clear(&w);
}

static void
tells_which_agreements_released_something(void **state)
{
	static const char second[] =
	    "agreement bb { version = 1  provider = pp  consumer = cc\n"
	    "  dataset = dd  purpose = qq  actions = {query}\n"
	    "  valid = \"2026-01-01..2026-12-31\"\n"
	    "  signed-by = {\"pp:m\", \"cc:n\"}  share T { allow = {y} } }";
	static const struct {
		const char *in;
		uint64_t used;
	} cases[] = {
		{ E(X), 1 },
		{ E(V("y", "2")), 2 },
		{ E(X "," V("y", "2")), 3 },
	};
	uint64_t used = 0;
	struct world w;

	(void)state;
	world_init(&w, "share T { allow = {x} }", second);
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_string_equal(view_at(&w, "cc", cases[i].in, NOW, &used),
		    cases[i].in);
		assert_true(used == cases[i].used);
	}
	world_clear(&w);
}

/* Who leaves out an attribute leaves out what released it. */
static void
knows_by_which_agreements_each_instance_is_released(void **state)
{
	struct entity e = { .ninstances = 2,
		.instances = (struct instance[]){ { .grants = 5 },
		    { .grants = 2 } } };

	(void)state;
	assert_true(redact_grants(&e) == 7);
	e.ninstances = 1;
	assert_true(redact_grants(&e) == 5);
	e.ninstances = 0;
	assert_true(redact_grants(&e) == 0);
}

#define MA(v, t)                                                              \
	"{\"type\":\"Property\",\"value\":" v ",\"modifiedAt\":\"" t "\"}"
#define GAT(c, t)                                                             \
	"{\"type\":\"GeoProperty\",\"value\":{\"type\":\"Point\","           \
	"\"coordinates\":[" c "]},\"observedAt\":\"" t "\"}"
#define LOC(...) "\"location\":[" __VA_ARGS__ "]"
#define XS(...)	 "\"x\":[" __VA_ARGS__ "]"
#define OLD	 "2026-11-22T11:00:00Z"
#define YOUNG	 "2026-11-22T17:30:00Z"
#define FRESH	 "2026-11-22T17:59:00Z"

/* Of what is written the first instance alone is no array. */
static void
judges_each_instance_of_a_series_by_itself(void **state)
{
	static const struct redact_case cases[] = {
		{ "share T { allow = {x}  history = 6h  delay = 10min }", "",
		    E(XS(AT("1", OLD) "," AT("2", YOUNG) "," AT("3", FRESH))),
		    E("\"x\":" AT("2", YOUNG)) },
		/* without observedAt: when it was changed; else not at all */
		{ "share T { allow = {x}  history = 6h }", "",
		    E(XS(MA("1", OLD) "," MA("2", YOUNG) ","
			"{\"type\":\"Property\",\"value\":3}")),
		    E(V("x", "2")) },
		/* the entity's dateObserved is a series, too */
		{ "share T { allow = {x}  history = 6h }", "",
		    E(VO("dateObserved", "\"" YOUNG "\"", YOUNG) ","
			XS("{\"type\":\"Property\",\"value\":3}")), "-" },
		{ "share T { allow = {x, location}  inside = {box} }", "",
		    E(LOC(GAT("7.5,51.5", OLD) "," GAT("9,51.5", YOUNG)) ","
			XS(AT("1", OLD) "," AT("2", YOUNG))),
		    E("\"location\":" GAT("7.5,51.5", OLD) ","
			XS(AT("1", OLD) "," AT("2", YOUNG))) },
		{ "share T { allow = {x, location}  inside = {box} }", "",
		    E(LOC(GAT("9,51.5", OLD) "," GAT("9.1,51.5", YOUNG)) ","
			XS(AT("1", OLD))), "-" },
		{ "share T { allow = {x, location}  outside = {box} }", "",
		    E(LOC(GAT("7.5,51.5", OLD) "," GAT("9,51.5", YOUNG)) ","
			XS(AT("1", OLD))),
		    E("\"location\":" GAT("9,51.5", YOUNG) ",\"x\":"
			AT("1", OLD)) },
		{ "share T { allow = {x}  inside = {box} }", "",
		    E(XS(AT("1", OLD))), "-" },
		{ "share T { allow = {x}  inside = {box}"
		  "  without-location = keep }", "", E(XS(AT("1", OLD))),
		    E("\"x\":" AT("1", OLD)) },
		/* a location that says nothing is no missing one */
		{ "share T { allow = {x}  inside = {box}"
		  "  without-location = keep }", "",
		    E("\"location\":7," XS(AT("1", OLD))), "-" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		const char *got;

		world_init(&w, cases[i].shares, cases[i].more);
		w.series = true;
		got = view_at(&w, "cc", cases[i].in, NOW, NULL);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%zu: %s\n%s\n%s", i, cases[i].in, got,
			    cases[i].want);
		world_clear(&w);
	}
}

/* A number of five characters becomes one of hundreds. */
static void
makes_no_more_of_a_series_than_is_watched_for(void **state)
{
	const size_t most = 1 << 20;
	struct world w;
	struct buf text;
	size_t before;

	(void)state;
	world_init(&w, "share T { round p { to = 1 } }", "");
	w.series = true;
	buf_init(&text, 1 << 20);
	BUF_LIT(&text, "{\"id\":\"urn:a:1\",\"type\":\"T\",\"p\":[");
	for (unsigned i = 0; i < 4000; i++)
		buf_addf(&text, "%s{\"type\":\"Property\",\"value\":1e300,"
		    "\"datasetId\":\"urn:d:%u\"}", i > 0 ? "," : "", i);
	BUF_LIT(&text, "]}");
	before = arena_used(w.arena);
	arena_watch(w.arena, before + most);
	(void)view_at(&w, "cc", buf_cstr(&text), NOW, NULL);
	/* What was read of it comes on top, and is in proportion to it. */
	assert_true(arena_used(w.arena) - before < most + 16 * text.len);
	assert_true(arena_is_over(w.arena));
	buf_clear(&text);
	world_clear(&w);
}

/* What was found about one entity may be used for the next one of the answer:
 * whichever that is, it is seen as it is alone. */
static void
sees_each_entity_as_if_it_were_alone(void **state)
{
	static const char *const shares[] = {
		"share T { allow = {x, y}  system = {scope} }",
		"share T { allow = {y} } share U { allow = {x} }",
		"share T { allow = {y} round x { to = 0.5 } }",
		"share T { allow = {x} } share U { round x { to = 0.5 } }",
		"share T { allow = {x, y}  inside = {box} }",
		"share T { allow = {x, y, location}  outside = {box}"
		"  without-location = keep }",
		HISTORY,
		DELAY,
		"share T { allow = {y}  history = 2h  round x { to = 0.5 } }"
		"  share U { allow = {x, dateObserved} }",
	};
	static const char *const forbids[] = { "",
		"forbid ff { attribute = x  reason = R }",
		"forbid ff { type = U  attribute = y  reason = R }",
		"forbid ff { type = U  reason = R }" };
	static const char *const entities[] = {
		E(X "," V("y", "2")), E(V("x", "2.4") "," V("y", "\"a\"")),
		EU(X "," V("y", "2")), ETU(X "," V("y", "2")),
		E(V("y", "2") "," X), E(X), E(X "," V("z", "3")),
		E("\"scope\":\"/s\"," X "," V("y", "2")),
		"{\"id\":\"urn:c:1\",\"type\":\"T\"," X ","
		    V("y", "2") "}",
		E("\"x\":{}," V("y", "2")), E("\"x\":["
		    "{\"value\":1},{\"value\":2,\"datasetId\":\"urn:d:1\"}]"),
		E("\"x\":{\"value\":1,\"expiresAt\":"
		    "\"2026-01-01T00:00:00Z\"}," V("y", "2")),
		E("\"x\":{\"value\":1,\"expiresAt\":"
		    "\"2027-01-01T00:00:00Z\"}," V("y", "2")),
		E("\"expiresAt\":\"2026-01-01T00:00:00Z\"," X ","
		    V("y", "2")),
		E(X "," POINT("7.5,51.5")), E(X "," POINT("9,51.5")),
		E(X ",\"location\":7"),
		E(VO("x", "1", "2026-11-22T17:00:00Z") "," V("y", "2")),
		E(VO("x", "1", "2026-11-22T12:00:00Z") "," V("y", "2")),
		E(SEEN("2026-11-22T17:00:00Z") "," X "," V("y", "2")),
		E(SEEN("2026-11-22T12:00:00Z") "," X "," V("y", "2")),
		ETU(SEEN("2026-11-22T17:00:00Z") "," X "," V("y", "2")),
	};
	const struct policy_leg *leg;
	struct policy_leg none;
	uint64_t alone, after;
	struct wall_us at;
	struct world w;
	char want[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(shares) * COUNT(forbids); i++) {
		world_init(&w, shares[i / COUNT(forbids)],
		    forbids[i % COUNT(forbids)]);
		leg = leg_at(&w, "cc", NOW, &at);
		for (size_t k = 0; k < COUNT(entities) * COUNT(entities); k++) {
			const char *a = entities[k / COUNT(entities)];
			const char *b = entities[k % COUNT(entities)];

			alone = after = 0;
			names_init(&w.names, w.region->vocab, w.arena);
			(void)snprintf(want, sizeof(want), "%s",
			    view_of(&w, leg, b, at, &alone));
			names_init(&w.names, w.region->vocab, w.arena);
			(void)view_of(&w, leg, a, at, NULL);
			assert_string_equal(view_of(&w, leg, b, at, &after),
			    want);
			assert_int_equal(after, alone);
		}
		/* of another source nothing was found yet */
		none = *leg;
		none.ngrants = 0;
		names_init(&w.names, w.region->vocab, w.arena);
		(void)view_of(&w, leg, entities[0], at, NULL);
		assert_string_equal(
		    view_of(&w, &none, entities[0], at, NULL), "-");
		world_clear(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_each_entity_as_if_it_were_alone),
		cmocka_unit_test(shows_what_is_allowed_and_nothing_else),
		cmocka_unit_test(joins_what_several_types_grant),
		cmocka_unit_test(shows_only_what_transforms_make_of_values),
		cmocka_unit_test(
		    makes_no_more_of_a_series_than_is_watched_for),
		cmocka_unit_test(names_no_grant_for_what_it_drops),
		cmocka_unit_test(gives_owners_their_own_values),
		cmocka_unit_test(gives_each_agreement_its_own_pseudonyms),
		cmocka_unit_test(obeys_forbids_on_the_types_the_source_gave),
		cmocka_unit_test(keeps_to_the_area),
		cmocka_unit_test(binds_values_to_their_time),
		cmocka_unit_test(judges_each_instance_of_a_series_by_itself),
		cmocka_unit_test(drops_what_has_expired),
		cmocka_unit_test(shows_its_owner_everything),
		cmocka_unit_test(tells_which_agreements_released_something),
		cmocka_unit_test(knows_by_which_agreements_each_instance_is_released),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
