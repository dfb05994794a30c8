/* tests/unit/test_source.c - what a source is asked, byte by byte; when it is
 * left alone; which connections outlive a new region. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/federation/source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CTX_URL	 "https://ctx.example/water.jsonld"

/* The source's and the dataset's own settings are put in. */
static const char base_text[] =
    "tenant alpha { name = A  kind = city }\n"
    "tenant beta { name = B  kind = city }\n"
    "context \"" CTX_URL "\" { file = \"water.jsonld\" }\n"
    "source sa { owner = alpha  %s }\n"
    "dataset da { source = sa  ids = {\"urn:a:*\", \"urn:b:1\"}  %s\n"
    "  type Gauge { } type Other { } }\n"
    "purpose p1 { title = P }\n"
    "agreement one { version = 1  provider = alpha  consumer = beta\n"
    "  dataset = da  purpose = p1  actions = {query, retrieve}\n"
    "  valid = \"2026-01-01..2026-12-31\"\n"
    "  signed-by = {\"alpha:m\", \"beta:n\"}\n"
    "  share Gauge { allow = {level} } }\n";
static const char water[] =
    "{\"@context\":{\"Gauge\":\"https://water.example/Gauge\","
    "\"level\":\"https://water.example/level\"}}";

struct world {
	struct arena *arena;
	struct region *region;
	struct policy_leg leg;
	struct source_access access;
	struct query query;
	struct source_ask ask;
	struct buf buf;
};

static void
world_init(struct world *w, const char *source, const char *dataset)
{
	struct region_message *m;
	unsigned n;

	memset(w, 0, sizeof(*w));
	w->arena = arena_new();
	struct region_file files[] = {
		{ STR("a.hub"), str_of(arena_printf(w->arena, base_text,
				    source, dataset)) },
		{ STR("water.jsonld"), str_of(water) },
	};
	buf_init(&w->buf, 65536);
	if (region_parse(files, COUNT(files), &w->region, w->arena, &m, &n) !=
	    HUB_OK)
		fail_msg("%s %s: %.*s", source, dataset, STR_FMT(m[0].text));
	w->leg.dataset = &w->region->datasets[0];
	w->ask = (struct source_ask){ .leg = &w->leg,
		.access = &w->access,
		.query = &w->query,
		.hub_name = STR("hub.example"),
		.limit = 100 };
}

static void
world_clear(struct world *w)
{
	buf_clear(&w->buf);
	region_free(w->region);
	arena_free(w->arena);
}

static const struct name *
term(struct world *w, const char *text)
{
	struct names *names = arena_alloc(w->arena, sizeof(*names));

	names_init(names, w->region->vocab, w->arena);
	return (context_expand(w->region->sources[0].context, names,
	    str_of(text)));
}

static const char *
request(struct world *w)
{
	assert_true(source_plan(&w->ask, w->arena));
	buf_reset(&w->buf);
	source_request(&w->ask, w->arena, &w->buf);
	assert_false(w->buf.failed);
	return (buf_cstr(&w->buf));
}

/* The first line of the request, without version. */
static void
assert_line(struct world *w, const char *want)
{
	const char *text = request(w);
	char *line = arena_printf(w->arena, "%s HTTP/1.1\r\n", want);

	if (strncmp(text, line, strlen(line)) != 0)
		fail_msg("%.*s, not %s", (int)strcspn(text, "\r"), text, want);
}

static void
assert_target(struct world *w, const char *want)
{
	assert_line(w, arena_printf(w->arena, "GET %s", want));
}

#define PLAIN "endpoint = \"http://127.0.0.1:1026\""

static void
writes_a_whole_request_and_nothing_of_the_client(void **state)
{
	const struct name *types[1], *attrs[2];
	struct world w;

	(void)state;
	world_init(&w, "endpoint = \"https://api.a.example/ctx/\"  context = \""
		       CTX_URL "\"", "upstream-tenant = pegel");
	types[0] = term(&w, "Gauge");
	attrs[0] = term(&w, "level");
	attrs[1] = term(&w, "name");
	w.ask.types = types;
	w.ask.ntypes = 1;
	w.ask.attrs = attrs;
	w.ask.nattrs = 2;
	w.ask.offset = 200;
	w.access.bearer = STR("abc.def");
	assert_string_equal(request(&w),
	    "GET /ctx/ngsi-ld/v1/entities?type=Gauge&attrs=level,name"
	    "&options=sysAttrs&count=true&limit=100&offset=200 HTTP/1.1\r\n"
	    "Host: api.a.example\r\n"
	    "Accept: application/json\r\n"
	    "User-Agent: drehscheibe\r\n"
	    "Via: HTTP/1.1 hub.example\r\n"
	    "Link: <" CTX_URL ">; "
	    "rel=\"http://www.w3.org/ns/json-ld#context\"; "
	    "type=\"application/ld+json\"\r\n"
	    "NGSILD-Tenant: pegel\r\n"
	    "Authorization: Bearer abc.def\r\n\r\n");
	world_clear(&w);
}

static void
asks_at_the_right_address(void **state)
{
	static const struct {
		const char *endpoint, *host, *path;
	} cases[] = {
		{ "http://127.0.0.1:1026", "127.0.0.1:1026", "" },
		{ "http://127.0.0.1", "127.0.0.1", "" },
		{ "http://127.0.0.1:80/", "127.0.0.1", "" },
		{ "http://127.0.0.1:443", "127.0.0.1:443", "" },
		{ "http://[::1]:1026/", "[::1]:1026", "" },
		{ "https://[2001:db8::1]", "[2001:db8::1]", "" },
		{ "https://a.example:443", "a.example", "" },
		{ "https://a.example:8443/x/y/", "a.example:8443", "/x/y" },
		{ "https://a.example/ngsi-ld/v1", "a.example", "" },
		{ "https://a.example/p/ngsi-ld/v1/", "a.example", "/p" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		char setting[200], want[200];
		const struct name *type;

		(void)snprintf(setting, sizeof(setting), "endpoint = \"%s\"",
		    cases[i].endpoint);
		world_init(&w, setting, "");
		type = term(&w, "Gauge");
		w.ask.types = &type;
		w.ask.ntypes = 1;
		(void)snprintf(want, sizeof(want),
		    "GET %s/ngsi-ld/v1/entities?type=Gauge&options=sysAttrs"
		    "&count=true&limit=100&offset=0 HTTP/1.1\r\nHost: %s\r\n",
		    cases[i].path, cases[i].host);
		if (strncmp(request(&w), want, strlen(want)) != 0)
			fail_msg("%s: %s", cases[i].endpoint, request(&w));
		/* no tenant, no credentials unless the region has them */
		assert_null(strstr(request(&w), "NGSILD-Tenant"));
		assert_null(strstr(request(&w), "Authorization"));
		assert_null(strstr(request(&w), "Link:"));
		world_clear(&w);
	}
}

static void
asks_for_the_ids_that_the_dataset_can_hold(void **state)
{
	struct str ids[] = { STR("urn:c:1"), STR("urn:a:1"), STR("urn:b:2"),
		STR("urn:a:\xc3\xa4&x=1"), STR("urn:b:1") };
	const struct name *types[2];
	struct world w;

	(void)state;
	world_init(&w, PLAIN, "");
	types[0] = term(&w, "Gauge");
	types[1] = term(&w, "https://x.example/a?b=c&d");
	w.ask.types = types;
	w.ask.ntypes = 2;
	w.query.ids = ids;
	w.query.nids = COUNT(ids);
	assert_target(&w,
	    "/ngsi-ld/v1/entities?type=Gauge,https%3A%2F%2Fx.example%2Fa%3Fb"
	    "%3Dc%26d&id=urn:a:1,urn:a:%C3%A4%26x%3D1,urn:b:1"
	    "&options=sysAttrs&count=true&limit=100&offset=0");
	w.query.nids = 1; /* none that it can hold */
	assert_false(source_plan(&w.ask, w.arena));
	world_clear(&w);
}

static void
retrieves_one_entity_by_its_id(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, PLAIN, "local-only = true");
	w.ask.id = STR("urn:a:x/../y?z\r\nHost: evil");
	assert_target(&w, "/ngsi-ld/v1/entities/urn:a:x%2F..%2Fy%3Fz%0D%0AHost"
			  ":%20evil?options=sysAttrs&local=true");
	world_clear(&w);
}

static void
keeps_the_chain_of_via_and_adds_itself(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, PLAIN, "");
	w.ask.id = STR("urn:a:1");
	w.ask.via = STR("1.1 one, HTTP/1.1 two:8080");
	assert_non_null(strstr(request(&w),
	    "\r\nVia: 1.1 one, HTTP/1.1 two:8080, HTTP/1.1 hub.example\r\n"));
	world_clear(&w);
}

static void
leaves_out_a_list_of_attributes_that_is_too_long(void **state)
{
	const struct name *attrs[40], *type;
	struct world w;

	(void)state;
	world_init(&w, PLAIN, "operations = {retrieveOps}");
	type = term(&w, "Gauge");
	w.ask.types = &type;
	w.ask.ntypes = 1;
	w.ask.attrs = attrs;
	for (unsigned i = 0; i < COUNT(attrs); i++)
		attrs[i] = term(&w, arena_printf(w.arena, "%0100u", i));
	w.ask.nattrs = 20;
	assert_non_null(strstr(request(&w), "&attrs="));
	w.ask.nattrs = 40;
	assert_target(&w, "/ngsi-ld/v1/entities?type=Gauge&options=sysAttrs"
			  "&count=true&limit=100&offset=0");
	world_clear(&w);
}

/* ---- operations */

#define QUERY_A                                                               \
	"GET /ngsi-ld/v1/entities?type=Gauge&id=urn:a:1&options=sysAttrs"     \
	"&count=true&limit=100&offset=0"
#define BATCH                                                                 \
	"POST /ngsi-ld/v1/entityOperations/query?options=sysAttrs"            \
	"&count=true&limit=100&offset=0"

static void
asks_by_the_cheapest_operation_offered(void **state)
{
	static const char one[] = "GET /ngsi-ld/v1/entities/urn:a:1"
				  "?options=sysAttrs";
	static const struct {
		const char *operations;
		bool retrieve;
		unsigned nids;
		const char *line; /* NULL: it cannot be asked */
	} cases[] = {
		{ "federationOps", true, 0, one },
		{ "retrieveEntity", true, 0, one },
		{ "queryEntity", true, 0, QUERY_A },
		{ "queryBatch", true, 0, BATCH },
		{ "queryEntity, queryBatch", true, 0, QUERY_A },
		{ "retrieveEntity, queryBatch", true, 0, one },
		{ "federationOps", false, 1, QUERY_A },
		{ "retrieveEntity", false, 1, one },
		{ "queryBatch", false, 1, BATCH },
		{ "retrieveEntity, queryBatch", false, 1, one },
		{ "retrieveEntity, queryBatch", false, 2, BATCH },
		{ "retrieveEntity, queryBatch", false, 0, BATCH },
		{ "retrieveEntity", false, 0, NULL },
		{ "queryTemporal", false, 1, NULL },
	};
	struct str ids[] = { STR("urn:a:1"), STR("urn:a:2") };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		char setting[100];
		const struct name *type;

		(void)snprintf(setting, sizeof(setting), "operations = {%s}",
		    cases[i].operations);
		world_init(&w, PLAIN, setting);
		type = term(&w, "Gauge");
		w.ask.types = &type;
		w.ask.ntypes = 1;
		w.query.ids = ids;
		w.query.nids = cases[i].nids;
		if (cases[i].retrieve)
			w.ask.id = ids[0];
		if (cases[i].line != NULL)
			assert_line(&w, cases[i].line);
		else
			assert_false(source_plan(&w.ask, w.arena));
		world_clear(&w);
	}
}

static void
writes_a_batch_query_with_its_body(void **state)
{
	static const char body[] =
	    "{\"type\":\"Query\",\"entities\":["
	    "{\"type\":\"Gauge\",\"id\":\"urn:a:1\"},"
	    "{\"type\":\"Gauge\",\"id\":\"urn:a:\\\"x\"},"
	    "{\"type\":\"Other\",\"id\":\"urn:a:1\"},"
	    "{\"type\":\"Other\",\"id\":\"urn:a:\\\"x\"}],"
	    "\"attrs\":[\"level\",\"name\"]}";
	struct str ids[] = { STR("urn:a:1"), STR("urn:c:1"),
		STR("urn:a:\"x") };
	const struct name *types[2], *attrs[2];
	struct world w;

	(void)state;
	world_init(&w, "endpoint = \"https://api.a.example/ctx/\"  context = \""
		       CTX_URL "\"",
	    "upstream-tenant = pegel  operations = {queryBatch}"
	    "  local-only = true");
	types[0] = term(&w, "Gauge");
	types[1] = term(&w, "Other");
	attrs[0] = term(&w, "level");
	attrs[1] = term(&w, "name");
	w.ask.types = types;
	w.ask.ntypes = 2;
	w.ask.attrs = attrs;
	w.ask.nattrs = 2;
	w.query.ids = ids;
	w.query.nids = COUNT(ids);
	assert_string_equal(request(&w),
	    arena_printf(w.arena,
		"POST /ctx/ngsi-ld/v1/entityOperations/query?options=sysAttrs"
		"&count=true&limit=100&offset=0&local=true HTTP/1.1\r\n"
		"Host: api.a.example\r\n"
		"Accept: application/json\r\n"
		"User-Agent: drehscheibe\r\n"
		"Via: HTTP/1.1 hub.example\r\n"
		"Link: <" CTX_URL ">; "
		"rel=\"http://www.w3.org/ns/json-ld#context\"; "
		"type=\"application/ld+json\"\r\n"
		"NGSILD-Tenant: pegel\r\n"
		"Content-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n%s", strlen(body), body));
	w.query.nids = 0;
	assert_non_null(strstr(request(&w),
	    "\r\n\r\n{\"type\":\"Query\",\"entities\":[{\"type\":\"Gauge\"},"
	    "{\"type\":\"Other\"}],\"attrs\":[\"level\",\"name\"]}"));
	world_clear(&w);
}

/* Many ids of that length that the dataset can hold. */
static void
long_ids(struct world *w, unsigned n, size_t length)
{
	struct str *ids = arena_array(w->arena, n, sizeof(*ids));

	for (unsigned i = 0; i < n; i++)
		ids[i] = str_of(arena_printf(w->arena, "urn:a:%0*u",
		    (int)length - 6, i));
	w->query.ids = ids;
	w->query.nids = n;
}

static void
makes_a_long_query_a_batch_or_several(void **state)
{
	const struct name *type;
	struct world w;
	unsigned n, total = 0, parts = 0;

	(void)state;
	world_init(&w, PLAIN, "");
	type = term(&w, "Gauge");
	w.ask.types = &type;
	w.ask.ntypes = 1;
	long_ids(&w, 300, 20); /* over 6000 bytes of URL */
	assert_line(&w, BATCH);
	assert_int_equal(source_ids_fit(&w.ask, w.arena), 300);
	long_ids(&w, 30, 20);
	(void)request(&w);
	assert_int_equal(w.ask.form, FORM_QUERY);
	world_clear(&w);

	world_init(&w, PLAIN, "operations = {queryEntity}");
	type = term(&w, "Gauge");
	w.ask.types = &type;
	long_ids(&w, 300, 20);
	w.ask.ntypes = 1;
	assert_true(source_plan(&w.ask, w.arena));
	assert_int_equal(w.ask.form, FORM_QUERY);
	assert_int_equal(w.ask.nids, 300);
	while (w.ask.nids > 0) {
		struct source_ask part = w.ask;

		n = source_ids_fit(&w.ask, w.arena);
		assert_true(n > 0 && n <= w.ask.nids);
		part.nids = n;
		buf_reset(&w.buf);
		source_request(&part, w.arena, &w.buf);
		assert_true(strcspn(buf_cstr(&w.buf), "\r") <= 4000 +
			strlen("GET  HTTP/1.1"));
		w.ask.ids += n;
		w.ask.nids -= n;
		total += n;
		parts++;
	}
	assert_int_equal(total, 300);
	assert_int_equal(parts, 2);
	/* one that is too long alone goes alone */
	long_ids(&w, 2, 1024 * 4);
	assert_true(source_plan(&w.ask, w.arena));
	assert_int_equal(source_ids_fit(&w.ask, w.arena), 1);
	world_clear(&w);
}

/* Also the ids that are registered without a pattern narrow the question. */
static void
asks_for_registered_ids_where_the_client_names_none(void **state)
{
	static const struct {
		const char *second, *setting;
		unsigned nids;
	} cases[] = {
		{ "urn:a:2", "", 2 },
		{ "urn:a:*", "", 0 },
		{ "urn:a:2", "operations = {retrieveEntity}", 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		struct region_dataset ds;
		struct str ids[] = { STR("urn:a:1"),
			str_of(cases[i].second) };
		const struct name *type;

		world_init(&w, PLAIN, cases[i].setting);
		ds = *w.leg.dataset;
		ds.ids = ids;
		ds.nids = COUNT(ids);
		w.leg.dataset = &ds;
		type = term(&w, "Gauge");
		w.ask.types = &type;
		w.ask.ntypes = 1;
		assert_true(source_plan(&w.ask, w.arena));
		assert_int_equal(w.ask.nids, cases[i].nids);
		world_clear(&w);
	}
}

static void
speaks_the_dialect_of_the_source(void **state)
{
	static const struct {
		const char *setting;
		unsigned page;
		const char *path;
	} cases[] = {
		{ "", 100, "/entities" },
		{ "page = 1000", 1000, "/entities" },
		{ "dialect = generic", 100, "/entities" },
		{ "dialect = stellio", 100, "/entities" },
		{ "dialect = stellio  page = 30", 30, "/entities" },
		{ "dialect = stellio  page = 500", 100, "/entities" },
		{ "dialect = orion-ld", 1000, "/entities" },
		{ "dialect = scorpio  page = 50", 50, "/entities/" },
		{ "dialect = scorpio", 1000, "/entities/" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		char setting[200];
		const struct name *type;

		(void)snprintf(setting, sizeof(setting), PLAIN "  %s",
		    cases[i].setting);
		world_init(&w, setting, "");
		assert_int_equal(w.region->sources[0].page, cases[i].page);
		w.ask.limit = w.region->sources[0].page;
		type = term(&w, "Gauge");
		w.ask.types = &type;
		w.ask.ntypes = 1;
		assert_target(&w, arena_printf(w.arena,
		    "/ngsi-ld/v1%s?type=Gauge&options=sysAttrs&count=true"
		    "&limit=%u&offset=0", cases[i].path, cases[i].page));
		w.ask.id = STR("urn:a:1"); /* no slash of its own here */
		assert_target(&w,
		    "/ngsi-ld/v1/entities/urn:a:1?options=sysAttrs");
		world_clear(&w);
	}
}

/* ---- breakers and lanes */

#define MS(n) ((struct mono_us){ (n) * INT64_C(1000) })

static void
leaves_a_failing_source_alone_for_a_while(void **state)
{
	struct source_lane l = { 0 };
	const struct region_source *s;
	struct world w;

	(void)state;
	world_init(&w, PLAIN "  breaker = \"3/5s\"", "");
	s = &w.region->sources[0];
	for (int i = 0; i < 2; i++) {
		source_lane_result(&l, s, false, MS(1000));
		assert_true(source_lane_ready(&l, MS(1000)));
	}
	source_lane_result(&l, s, true, MS(1000)); /* in a row, that is */
	for (int i = 0; i < 3; i++) {
		assert_true(source_lane_ready(&l, MS(1000)));
		source_lane_result(&l, s, false, MS(1000));
	}
	assert_false(source_lane_ready(&l, MS(1000)));
	assert_false(source_lane_ready(&l, MS(5999)));
	assert_true(source_lane_ready(&l, MS(6000))); /* one may try */
	assert_false(source_lane_ready(&l, MS(6000)));
	assert_false(source_lane_ready(&l, MS(20000)));
	source_lane_result(&l, s, false, MS(7000)); /* in vain */
	assert_false(source_lane_ready(&l, MS(11999)));
	assert_true(source_lane_ready(&l, MS(12000)));
	/* A trial that told nothing, and the next, which does. */
	source_lane_unused(&l, MS(12001));
	assert_int_equal(l.failures, 4);
	assert_true(source_lane_ready(&l, MS(12001)));
	source_lane_result(&l, s, true, MS(12001));
	source_lane_unused(&l, MS(12001)); /* closed it stays */
	assert_true(source_lane_ready(&l, MS(12001)));
	assert_true(source_lane_ready(&l, MS(12001)));
	assert_int_equal(l.failures, 0);
	world_clear(&w);
}

static void
keeps_lanes_as_long_as_their_address_and_credentials(void **state)
{
	struct source_access plain = { 0 }, first = { .serial = 1 },
			     second = { .serial = 2 };
	struct loop *loop = loop_new();
	struct source_pools *pools = source_pools_new(loop, 16384);
	const struct region_source *s;
	struct source_lane *lane, *held;
	struct world w;

	(void)state;
	world_init(&w, PLAIN, "");
	s = &w.region->sources[0];
	lane = source_pools_lane(pools, s, &plain);
	assert_ptr_equal(source_pools_lane(pools, s, &plain), lane);
	source_pools_trim(pools, w.region, &plain);
	assert_ptr_equal(source_pools_lane(pools, s, &plain), lane);
	/* another TLS context is another lane, wherever it lies */
	held = source_pools_lane(pools, s, &first);
	assert_ptr_not_equal(held, lane);
	held->users = 1;
	source_pools_trim(pools, w.region, &second);
	assert_ptr_not_equal(source_pools_lane(pools, s, &second), held);
	assert_ptr_equal(source_pools_lane(pools, s, &first), held);
	held->users = 0;
	source_pools_trim(pools, NULL, NULL);
	source_pools_free(pools);
	source_pools_free(NULL);
	loop_free(loop);
	world_clear(&w);
}

/* One could let the other's source rest by failures of its own. */
static void
gives_two_tenants_with_one_id_a_lane_each(void **state)
{
	static const struct tenant tenants[2] = { { .name = { "aa", 2 } },
		{ .name = { "bb", 2 } } };
	struct source_access access[2] = { { .serial = 0 } };
	struct region_source s[2] = { { .index = 0 } };
	struct loop *loop = loop_new();
	struct source_pools *pools = source_pools_new(loop, 16384);

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		s[i] = (struct region_source){ .index = i,
			.name = STR("urn:r:1"),
			.owner = &tenants[i],
			.host = STR("127.0.0.1"),
			.port = 1026,
			.in_flight = 1 };
	assert_ptr_not_equal(source_pools_lane(pools, &s[0], &access[0]),
	    source_pools_lane(pools, &s[1], &access[1]));
	source_pools_free(pools);
	loop_free(loop);
}

/* ---- credentials */

static void
reads_bearer_tokens_from_files(void **state)
{
	static const struct {
		const char *text;
		enum hub_err err;
		const char *token;
	} cases[] = {
		{ "abc.def\n", HUB_OK, "abc.def" },
		{ "  abc \r\nrest\n", HUB_OK, "abc" },
		{ "abc", HUB_OK, "abc" },
		{ "", HUB_ENOENT, NULL },
		{ "\nabc\n", HUB_ENOENT, NULL },
		{ "a b\n", HUB_ENOENT, NULL },
		{ "a\rHost: x\n", HUB_ENOENT, NULL },
		{ "\xc3\xa4\n", HUB_ENOENT, NULL },
	};
	char folder[] = "/tmp/test_source.XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/token", folder);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct source_access *access = NULL;
		FILE *f = fopen(path, "we");
		struct world w;
		struct buf why;

		assert_non_null(f);
		assert_true(fputs(cases[i].text, f) >= 0);
		(void)fclose(f);
		world_init(&w, PLAIN "  bearer-file = token", "");
		buf_init(&why, 1000);
		if (source_access_new(w.region, folder, &access, &why) !=
		    cases[i].err)
			fail_msg("%s: %s", cases[i].text, buf_cstr(&why));
		if (access != NULL)
			assert_true(str_eq(access[0].bearer,
			    str_of(cases[i].token)));
		else
			assert_non_null(strstr(buf_cstr(&why),
			    "source sa: cannot read a token from "
			    "bearer-file "));
		source_access_free(access, w.region->nsources);
		buf_clear(&why);
		world_clear(&w);
	}
	(void)unlink(path);
	(void)rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    writes_a_whole_request_and_nothing_of_the_client),
		cmocka_unit_test(asks_at_the_right_address),
		cmocka_unit_test(asks_for_the_ids_that_the_dataset_can_hold),
		cmocka_unit_test(retrieves_one_entity_by_its_id),
		cmocka_unit_test(keeps_the_chain_of_via_and_adds_itself),
		cmocka_unit_test(
		    leaves_out_a_list_of_attributes_that_is_too_long),
		cmocka_unit_test(asks_by_the_cheapest_operation_offered),
		cmocka_unit_test(writes_a_batch_query_with_its_body),
		cmocka_unit_test(makes_a_long_query_a_batch_or_several),
		cmocka_unit_test(
		    asks_for_registered_ids_where_the_client_names_none),
		cmocka_unit_test(speaks_the_dialect_of_the_source),
		cmocka_unit_test(leaves_a_failing_source_alone_for_a_while),
		cmocka_unit_test(
		    keeps_lanes_as_long_as_their_address_and_credentials),
		cmocka_unit_test(gives_two_tenants_with_one_id_a_lane_each),
		cmocka_unit_test(reads_bearer_tokens_from_files),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
