/* tests/unit/test_v2.c - what NGSI-v2 sources are asked, and how their ids are
 * known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/federation/v2_id.h"
#include "server/federation/v2_request.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- ids */

static void
knows_ids_there_and_back(void **state)
{
	static const struct {
		const char *type, *id, *ld;
	} cases[] = {
		{ "Room", "Room1", "urn:ngsi-ld:Room:Room1" },
		{ "Room", "1", "urn:ngsi-ld:Room:1" },
		{ "Room", "a b", "urn:ngsi-ld:Room:a%20b" },
		{ "Room", "100%", "urn:ngsi-ld:Room:100%25" },
		{ "a:b", "1", "urn:ngsi-ld:a%3Ab:1" },
		{ "Room", ":1", "urn:ngsi-ld:Room:%3A1" },
		{ "Room", "1:2", "urn:ngsi-ld:Room:1%3A2" },
		{ "Room", "x:", "urn:ngsi-ld:Room:x%3A" },
		{ "Room", "\xc3\xa4,~", "urn:ngsi-ld:Room:%C3%A4%2C~" },
		{ "Room", "urn:{1}", "urn:ngsi-ld:Room:urn%3A%7B1%7D" },
	};
	static const char *const uris[] = { "urn:ngsi-ld:Room:Room1",
		"urn:x:1", "https://x.example/1?a=b#c", "Room:1", "a+b-c.d:1",
		"urn:ngsi-ld:Room:%41" };
	struct arena *a = arena_new();
	struct str type, id;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_reset(&b);
		v2_id_write(str_of(cases[i].id), str_of(cases[i].type), &b);
		assert_string_equal(buf_cstr(&b), cases[i].ld);
		assert_true(v2_id_is_uri(buf_str(&b)));
		assert_true(v2_id_read(buf_str(&b), a, &type, &id));
		assert_true(str_eq(type, str_of(cases[i].type)));
		assert_true(str_eq(id, str_of(cases[i].id)));
	}
	for (size_t i = 0; i < COUNT(uris); i++) {
		buf_reset(&b);
		v2_id_write(str_of(uris[i]), STR("T"), &b);
		assert_string_equal(buf_cstr(&b), uris[i]);
	}
	buf_clear(&b);
	arena_free(a);
}

static void
reads_only_ids_that_it_would_write(void **state)
{
	static const char *const cases[] = { "", "urn:x:1", "urn:ngsi-ld:Room",
		"urn:ngsi-ld:Room:", "urn:ngsi-ld::1", "urn:ngsi-ld:Room:%41",
		"urn:ngsi-ld:Room:a%3ab", "urn:ngsi-ld:Room:%C3",
		"urn:ngsi-ld:Room:a%3", "urn:ngsi-ld:Room:a%",
		"urn:ngsi-ld:Room:a%GG", "urn:ngsi-ld:Room:a:b",
		"urn:ngsi-ld:Room:urn%3Ax%3A1", "urn:ngsi-ld:Room:a,b",
		"URN:ngsi-ld:Room:1" };
	struct arena *a = arena_new();
	struct str type, id;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (v2_id_read(str_of(cases[i]), a, &type, &id))
			fail_msg("%s: %.*s", cases[i], STR_FMT(id));
	arena_free(a);
}

/* ---- requests */

static const char region_text[] =
    "tenant alpha { name = A  kind = city }\n"
    "context \"https://c.example/c\" { file = c }\n"
    "source sa { owner = alpha  kind = ngsi-v2  "
    "context = \"https://c.example/c\"\n"
    "  endpoint = \"%s\" }\n"
    "dataset da { source = sa  ids = {\"urn:*\", \"x:*\"}  %s\n"
    "  type Gauge { } type Other { } }\n";
static const char terms[] =
    "{\"@context\":{\"Gauge\":\"https://w.example/Gauge\","
    "\"Other\":\"https://w.example/Other\","
    "\"level\":\"https://w.example/level\"}}";
#define LEVEL "https://w.example/level"
#define ENDPOINT "http://127.0.0.1:1026"

struct world {
	struct arena *arena;
	struct region *region;
	struct policy_leg leg;
	struct source_access access;
	struct query query;
	struct source_ask ask;
	struct names names;
	struct buf buf;
};

static void
world_init(struct world *w, const char *endpoint, const char *dataset)
{
	struct region_message *m = NULL;
	unsigned n = 0;

	memset(w, 0, sizeof(*w));
	w->arena = arena_new();
	struct region_file files[] = {
		{ STR("a.hub"), str_of(arena_printf(w->arena, region_text,
				    endpoint, dataset)) },
		{ STR("c"), str_of(terms) },
	};
	buf_init(&w->buf, 1 << 20);
	if (region_parse(files, COUNT(files), &w->region, w->arena, &m, &n) !=
	    HUB_OK)
		fail_msg("%s: %.*s", dataset, STR_FMT(m[0].text));
	names_init(&w->names, w->region->vocab, w->arena);
	w->leg.dataset = &w->region->datasets[0];
	w->ask = (struct source_ask){ .leg = &w->leg,
		.access = &w->access,
		.query = &w->query,
		.hub_name = STR("hub.example"),
		.limit = w->region->sources[0].page };
}

static void
world_clear(struct world *w)
{
	buf_clear(&w->buf);
	region_free(w->region);
	arena_free(w->arena);
}

/* A list of terms or IRIs, ended by NULL. */
static const struct name *const *
names_of(struct world *w, const char *const *texts, unsigned *n_r)
{
	const struct name **list = arena_array(w->arena, 8, sizeof(*list));

	for (*n_r = 0; texts[*n_r] != NULL; (*n_r)++)
		list[*n_r] = context_expand(w->region->sources[0].context,
		    &w->names, str_of(texts[*n_r]));
	return (list);
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

#define EXTRA ",TimeInstant,dateCreated,dateModified,dateExpires"
#define ALL   "&attrs=*,dateCreated,dateModified,dateExpires"
#define META_PAR "metadata=dateCreated,dateModified,*"
#define LIST(offset)                                                          \
	"entities?options=count&limit=1000&offset=" offset "&" META_PAR

static void
writes_a_whole_request_and_nothing_of_the_client(void **state)
{
	static const char *const types[] = { "Gauge", "Other", NULL };
	static const char *const attrs[] = { "level", "name", "TimeInstant",
		"https://other.example/x", NULL };
	struct world w;

	(void)state;
	world_init(&w, "https://api.a.example/ctx/v2/",
	    "upstream-tenant = pegel_1  service-path = \"/ruhr/#,/lippe\"");
	w.ask.types = names_of(&w, types, &w.ask.ntypes);
	w.ask.attrs = names_of(&w, attrs, &w.ask.nattrs);
	w.ask.offset = 2000;
	w.access.bearer = STR("abc.def");
	assert_string_equal(request(&w),
	    "GET /ctx/v2/" LIST("2000") "&type=Gauge,Other&attrs=level,name"
	    EXTRA " HTTP/1.1\r\n"
	    "Host: api.a.example\r\n"
	    "Accept: application/json\r\n"
	    "User-Agent: drehscheibe\r\n"
	    "Via: HTTP/1.1 hub.example\r\n"
	    "Fiware-Service: pegel_1\r\n"
	    "Fiware-ServicePath: /ruhr/#,/lippe\r\n"
	    "Authorization: Bearer abc.def\r\n\r\n");
	world_clear(&w);
}

static void
asks_for_every_id_that_may_be_meant(void **state)
{
	static const struct {
		const char *dataset, *types[3], *id, *target;
	} cases[] = {
		/* a URI of ours may be the source's own, or made from its id */
		{ "", { "Gauge", NULL }, "urn:ngsi-ld:Gauge:G%211",
		    LIST("0") "&type=Gauge&id=urn:ngsi-ld:Gauge:G%25211,G%211"
		    ALL },
		{ "", { "Gauge", NULL }, "urn:x:1",
		    LIST("0") "&type=Gauge&id=urn:x:1" ALL },
		/* of a type that is not asked for */
		{ "", { "Other", NULL }, "urn:ngsi-ld:Gauge:1",
		    LIST("0") "&type=Other&id=urn:ngsi-ld:Gauge:1" ALL },
		/* one path, one type, one id: it is there once */
		{ "service-path = \"/ruhr\"", { "Gauge", NULL }, "urn:x:1",
		    "entities/urn:x:1?" META_PAR "&type=Gauge" ALL },
		{ "service-path = \"/ruhr\"", { "Gauge", "Other", NULL },
		    "urn:x:1", LIST("0") "&type=Gauge,Other&id=urn:x:1" ALL },
		{ "service-path = \"/ruhr\"", { "Gauge", NULL },
		    "urn:ngsi-ld:Gauge:1", LIST("0") "&type=Gauge"
		    "&id=urn:ngsi-ld:Gauge:1,1" ALL },
		/* the dataset offers nothing else */
		{ "operations = {retrieveEntity}", { "Gauge", NULL }, "urn:x:1",
		    "entities/urn:x:1?" META_PAR "&type=Gauge" ALL },
		{ "operations = {retrieveEntity}", { "Gauge", "Other", NULL },
		    "urn:x:1", "entities/urn:x:1?" META_PAR ALL },
		/* a list in a URL has no ids with commas */
		{ "", { "Gauge", NULL }, "x:a,b",
		    "entities/x:a%2Cb?" META_PAR "&type=Gauge" ALL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		char want[400];

		world_init(&w, ENDPOINT, cases[i].dataset);
		w.ask.types = names_of(&w, cases[i].types, &w.ask.ntypes);
		w.ask.id = str_of(cases[i].id);
		(void)snprintf(want, sizeof(want), "GET /v2/%s HTTP/1.1\r\n",
		    cases[i].target);
		if (strncmp(request(&w), want, strlen(want)) != 0)
			fail_msg("%s\nwant %s", request(&w), want);
		world_clear(&w);
	}
}

static void
asks_for_nothing_that_cannot_be_there(void **state)
{
	static const struct {
		const char *dataset, *type, *id;
		unsigned ids; /* left; 0: it is not asked */
	} cases[] = {
		/* the URI itself could be there */
		{ "", "Gauge", "urn:ngsi-ld:Gauge:a%2Fb", 1 },
		{ "", "Gauge", "urn:ngsi-ld:Gauge:a%20b", 1 },
		{ "", "Gauge", "urn:ngsi-ld:Gauge:.", 1 },
		{ "", "Gauge", "urn:ngsi-ld:Gauge:..", 1 },
		{ "", "Gauge", "urn:ngsi-ld:Gauge:...", 2 },
		{ "", "Gauge", "urn:x:a/b", 0 },
		{ "", "Gauge", "urn:x:a=b", 0 },
		{ "", "Gauge", "urn:x:a(b)", 0 },
		{ "", "Gauge", "urn:x:'", 0 },
		{ "", "Gauge", "x:?", 0 },
		{ "", "https://w.example/a/b", "urn:x:1", 0 },
		{ "operations = {queryEntity}", "Gauge", "x:a,b", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		const char *types[2] = { cases[i].type, NULL };

		world_init(&w, ENDPOINT, cases[i].dataset);
		w.ask.types = names_of(&w, types, &w.ask.ntypes);
		w.ask.id = str_of(cases[i].id);
		assert_int_equal(source_plan(&w.ask, w.arena),
		    cases[i].ids > 0);
		if (cases[i].ids > 0)
			assert_int_equal(w.ask.nids, cases[i].ids);
		world_clear(&w);
	}
}

static void
asks_by_post_what_is_long_for_a_url(void **state)
{
	static const char *const types[] = { "Gauge", NULL };
	static const char *const attrs[] = { "level", NULL };
	struct str ids[200];
	struct world w;
	const char *text;

	(void)state;
	world_init(&w, ENDPOINT, "upstream-tenant = a");
	w.ask.types = names_of(&w, types, &w.ask.ntypes);
	w.ask.attrs = names_of(&w, attrs, &w.ask.nattrs);
	for (size_t i = 0; i < COUNT(ids); i++)
		ids[i] = str_of(arena_printf(w.arena,
		    "urn:ngsi-ld:Gauge:\xc3\xa4-%zu", i));
	w.query.ids = ids;
	w.query.nids = COUNT(ids);
	text = request(&w);
	assert_int_equal(w.ask.form, FORM_BATCH);
	assert_ptr_equal(strstr(text, "POST /v2/op/query?options=count"
	    "&limit=1000&offset=0 HTTP/1.1\r\n"), text);
	assert_non_null(strstr(text, "\r\nFiware-Service: a\r\n"
	    "Fiware-ServicePath: /#\r\n"));
	assert_non_null(strstr(text, "\r\n\r\n{\"entities\":[{\"id\":"
	    "\"urn:ngsi-ld:Gauge:\xc3\xa4-0\",\"type\":\"Gauge\"},"));
	assert_non_null(strstr(text, "\"}],\"attrs\":[\"level\","
	    "\"TimeInstant\",\"dateCreated\",\"dateModified\","
	    "\"dateExpires\"],\"metadata\":[\"dateCreated\",\"dateModified\",\"*\"]}"));
	world_clear(&w);
	/* where POST is not offered, in parts */
	world_init(&w, ENDPOINT, "operations = {queryEntity}");
	w.ask.types = names_of(&w, types, &w.ask.ntypes);
	for (size_t i = 0; i < COUNT(ids); i++)
		ids[i] = str_of(arena_printf(w.arena, "urn:x:%080zu", i));
	w.query.ids = ids;
	w.query.nids = COUNT(ids);
	assert_true(source_plan(&w.ask, w.arena));
	assert_int_equal(w.ask.form, FORM_QUERY);
	assert_true(source_ids_fit(&w.ask, w.arena) < 50);
	world_clear(&w);
}

static void
names_the_types_where_it_may_not_list_ids(void **state)
{
	static const char *const types[] = { "Gauge", "Other", NULL };
	struct world w;

	(void)state;
	world_init(&w, ENDPOINT, "operations = {queryBatch}");
	w.ask.types = names_of(&w, types, &w.ask.ntypes);
	assert_non_null(strstr(request(&w), "{\"entities\":["
	    "{\"idPattern\":\".*\",\"type\":\"Gauge\"},"
	    "{\"idPattern\":\".*\",\"type\":\"Other\"}],"
	    "\"attrs\":[\"*\",\"dateCreated\",\"dateModified\","
	    "\"dateExpires\"],"));
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_ids_there_and_back),
		cmocka_unit_test(reads_only_ids_that_it_would_write),
		cmocka_unit_test(
		    writes_a_whole_request_and_nothing_of_the_client),
		cmocka_unit_test(asks_for_every_id_that_may_be_meant),
		cmocka_unit_test(asks_for_nothing_that_cannot_be_there),
		cmocka_unit_test(asks_by_post_what_is_long_for_a_url),
		cmocka_unit_test(names_the_types_where_it_may_not_list_ids),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
