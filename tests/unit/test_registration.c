/* tests/unit/test_registration.c - registrations of context sources: read,
 * written, changed, matched; and what becomes of them in a region. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/policy.h"
#include "policies/registration.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEAD	                                                               \
	"\"type\":\"ContextSourceRegistration\","                              \
	"\"endpoint\":\"https://a.example\""
#define INFO(text) "\"information\":[" text "]"
#define ID(id)	   "{\"id\":\"" id "\",\"type\":\"T\"}"

struct world {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
};

static void
world_init(struct world *w)
{
	w->arena = arena_new();
	w->vocab = vocab_new();
	vocab_seal(w->vocab);
	names_init(&w->names, w->vocab, w->arena);
}

static void
world_clear(struct world *w)
{
	vocab_free(w->vocab);
	arena_free(w->arena);
}

static enum hub_err
read_text(struct world *w, const char *text, bool update,
    struct registration *reg, const char **why_r)
{
	static const struct json_limits limits = { 32, 1024, 20000 };
	const struct registration_reader how = { .context =
						     vocab_core(w->vocab),
		.names = &w->names,
		.arena = w->arena };
	struct json j;

	if (json_parse(&j, str_of(text), &limits, w->arena) != HUB_OK)
		fail_msg("no JSON: %s", text);
	return (registration_read(&j, &how, update, reg, why_r));
}

static struct registration
must_read(struct world *w, const char *text)
{
	struct registration reg;
	const char *why = "";

	if (read_text(w, text, false, &reg, &why) != HUB_OK)
		fail_msg("%s: %s", text, why);
	return (reg);
}

static struct str
written(struct world *w, const struct registration *reg)
{
	const struct registration_out out = { .context =
						  vocab_core(w->vocab),
		.arena = w->arena };
	struct str text;
	struct buf b;

	buf_init(&b, 65536);
	registration_write(reg, &out, &b);
	text = arena_str(w->arena, buf_str(&b));
	buf_clear(&b);
	return (text);
}

static void
leaves_nothing_of_what_it_refuses(void **state)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		"{" INFO("{\"propertyNames\":[\"p\"]}") "}",
		"{" HEAD "}",
		"{" HEAD "," INFO("{}") "}",
		"{" HEAD "," INFO("{\"entities\":[{\"type\":[]}]}") "}",
		"{" HEAD "," INFO("{\"entities\":[{\"type\":\"@id\"}]}") "}",
		"{" HEAD "," INFO("{\"propertyNames\":[null]}") "}",
		"{" HEAD "," INFO("{\"propertyNames\":[\"p\"]}")
		    ",\"refreshRate\":\"P\"}",
		"{" HEAD "," INFO("{\"propertyNames\":[\"p\"]}")
		    ",\"refreshRate\":\"PT\"}",
		"{" HEAD "," INFO("{\"propertyNames\":[\"p\"]}")
		    ",\"refreshRate\":\"PT5M1H\"}",
		"{" HEAD "," INFO("{\"propertyNames\":[\"p\"]}")
		    ",\"tenant\":\"\\u0000\"}",
		"{" HEAD "," INFO("{\"propertyNames\":[\"p\"]}")
		    ",\"a\":1,\"https://uri.etsi.org/ngsi-ld/"
		    "default-context/a\":2}",
		"{" HEAD "," INFO("{\"propertyNames\":[\"p\"]}")
		    ",\"description\":null}",
	};
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct registration reg = { .id = STR("as before") };
		const char *why = NULL;

		if (read_text(&w, cases[i], false, &reg, &why) == HUB_OK)
			fail_msg("taken: %s", cases[i]);
		assert_non_null(why);
		assert_int_equal(reg.information.n, 0);
		assert_true(str_eq(reg.id, STR("as before")));
	}
	world_clear(&w);
}

static void
bounds_what_it_takes(void **state)
{
	static const struct {
		const char *part, *sep;
		unsigned most;
		const char *before, *after;
	} cases[] = {
		{ "{\"propertyNames\":[\"p\"]}", ",", REGISTRATION_INFOS_MAX,
		    "\"information\":[", "]" },
		{ "{\"type\":\"T\"}", ",", REGISTRATION_ENTITIES_MAX,
		    "\"information\":[{\"entities\":[", "]}]" },
		{ "{\"type\":\"T\",\"idPattern\":\"a\"}", ",",
		    REGISTRATION_PATTERNS_MAX,
		    "\"information\":[{\"entities\":[", "]}]" },
		{ "\"/a\"", ",", REGISTRATION_LIST_MAX,
		    INFO("{\"propertyNames\":[\"p\"]}") ",\"scope\":[", "]" },
	};
	struct registration reg;
	struct world w;
	const char *why;
	struct buf b;

	(void)state;
	world_init(&w);
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < COUNT(cases); i++)
		for (unsigned over = 0; over < 2; over++) {
			buf_reset(&b);
			buf_addf(&b, "{" HEAD ",%s", cases[i].before);
			for (unsigned k = 0; k < cases[i].most + over; k++)
				buf_addf(&b, "%s%s",
				    k > 0 ? cases[i].sep : "", cases[i].part);
			buf_addf(&b, "%s}", cases[i].after);
			if ((read_text(&w, buf_cstr(&b), false, &reg, &why) ==
				HUB_OK) != (over == 0))
				fail_msg("case %zu over %u", i, over);
		}
	buf_clear(&b);
	world_clear(&w);
}

static void
changes_what_an_update_says_and_nothing_else(void **state)
{
	static const char whole[] = "{" HEAD ",\"id\":\"urn:r:1\","
	    INFO("{\"propertyNames\":[\"p\"]}")
	    ",\"mode\":\"redirect\",\"operations\":[\"queryTemporal\"],"
	    "\"scope\":\"/a\",\"own\":1,\"other\":{\"b\":2}}";
	static const struct {
		const char *update, *want; /* what must be in the text */
		const char *gone;
	} cases[] = {
		{ "{\"mode\":\"auxiliary\"}", "\"mode\":\"auxiliary\"",
		    "redirect" },
		{ "{\"mode\":null}", "\"scope\":\"/a\"", "\"mode\"" },
		{ "{\"scope\":[\"/b\"]}", "\"scope\":[\"/b\"]", "\"/a\"" },
		{ "{\"own\":\"urn:ngsi-ld:null\"}", "other", "own\"" },
		{ "{\"own\":[3]}", "own\":[3]", "own\":1" },
		{ "{\"operations\":null}", "other", "queryTemporal" },
	};
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct registration reg = must_read(&w, whole);
		const char *why = "";
		const char *text;

		if (read_text(&w, cases[i].update, true, &reg, &why) != HUB_OK)
			fail_msg("%s: %s", cases[i].update, why);
		text = written(&w, &reg).p;
		if (strstr(text, cases[i].want) == NULL ||
		    strstr(text, cases[i].gone) != NULL)
			fail_msg("%s: %s", cases[i].update, text);
	}
	world_clear(&w);
}

/* What is called like a member of the standard, but by its IRI, is the owner's
 * own and stays apart from it. */
static void
keeps_its_own_members_apart(void **state)
{
	static const char *const iris[] = {
		"https://uri.etsi.org/ngsi-ld/endpoint",
		"https://uri.etsi.org/ngsi-ld/default-context/endpoint",
		"https://uri.etsi.org/ngsi-ld/default-context/localOnly",
		"https://uri.etsi.org/ngsi-ld/status",
		"https://uri.etsi.org/ngsi-ld/default-context/timesSent",
	};
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < COUNT(iris); i++) {
		struct registration reg = must_read(&w, arena_printf(w.arena,
		    "{" HEAD ",\"id\":\"urn:r:1\","
		    INFO("{\"propertyNames\":[\"p\"]}") ",\"%s\":7}",
		    iris[i])), again;

		again = must_read(&w, written(&w, &reg).p);
		assert_int_equal(again.nproperties, 1);
		assert_true(str_eq(again.properties[0].name->iri,
		    str_of(iris[i])));
		assert_true(str_eq(again.endpoint.text,
		    STR("https://a.example")));
	}
	world_clear(&w);
}

static void
asks_by_federation_ops_if_none_are_named(void **state)
{
	static const struct {
		const char *operations;
		unsigned bits;
	} cases[] = {
		{ "", OP_QUERY | OP_RETRIEVE | OP_QUERY_BATCH },
		{ ",\"operations\":[\"retrieveOps\"]", OP_QUERY | OP_RETRIEVE },
		{ ",\"operations\":[\"updateOps\",\"createEntity\"]", 0 },
		{ ",\"operations\":[\"queryBatch\",\"queryTemporal\"]",
		    OP_QUERY_BATCH | OP_QUERY_TEMPORAL },
	};
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(must_read(&w, arena_printf(w.arena,
		    "{" HEAD "," INFO("{\"propertyNames\":[\"p\"]}") "%s}",
		    cases[i].operations)).operations.bits, cases[i].bits);
	world_clear(&w);
}

static void
conflicts_over_an_attribute_of_an_entity(void **state)
{
	static const char x[] = "{" HEAD ",\"mode\":\"exclusive\","
	    INFO("{\"entities\":[" ID("urn:a:1") "],"
		 "\"propertyNames\":[\"p\"],\"relationshipNames\":[\"r\"]}")
	    "}";
	static const struct {
		const char *mode, *info;
		bool conflict;
	} cases[] = {
		{ "exclusive", "{\"entities\":[" ID("urn:a:1") "],"
			       "\"propertyNames\":[\"p\"]}", true },
		{ "exclusive", "{\"entities\":[" ID("urn:a:1") "],"
			       "\"propertyNames\":[\"q\"]}", false },
		{ "exclusive", "{\"entities\":[" ID("urn:a:2") "],"
			       "\"propertyNames\":[\"p\"]}", false },
		{ "exclusive", "{\"entities\":[{\"id\":\"urn:a:1\",\"type\":"
			       "\"U\"}],\"propertyNames\":[\"r\"]}", true },
		{ "redirect", "{\"entities\":[{\"type\":\"T\"}]}", true },
		{ "redirect", "{\"entities\":[{\"type\":\"U\"}]}", false },
		{ "redirect", "{\"entities\":[{\"type\":\"T\",\"idPattern\":"
			      "\":1$\"}]}", true },
		{ "redirect", "{\"entities\":[{\"type\":\"T\",\"idPattern\":"
			      "\":2$\"}]}", false },
		{ "redirect", "{\"propertyNames\":[\"p\"]}", true },
		{ "redirect", "{\"propertyNames\":[\"q\"]}", false },
		{ "inclusive", "{\"entities\":[" ID("urn:a:1") "]}", false },
		{ "auxiliary", "{\"entities\":[" ID("urn:a:1") "]}", false },
	};
	struct registration mine, theirs;
	struct world w;

	(void)state;
	world_init(&w);
	mine = must_read(&w, x);
	for (size_t i = 0; i < COUNT(cases); i++) {
		theirs = must_read(&w, arena_printf(w.arena,
		    "{" HEAD ",\"mode\":\"%s\"," INFO("%s") "}", cases[i].mode,
		    cases[i].info));
		if (registration_conflict(&mine, &theirs) !=
			cases[i].conflict ||
		    registration_conflict(&theirs, &mine) !=
			cases[i].conflict)
			fail_msg("%s %s", cases[i].mode, cases[i].info);
	}
	world_clear(&w);
}

static void
lets_no_registration_speak_for_the_client(void **state)
{
	static const struct {
		const char *key, *value;
		bool sent, copied;
	} cases[] = {
		{ "X-Key", "v", true, false },
		{ "Authorization", "Bearer x", true, false },
		{ "Authorization", "urn:ngsi-ld:request", false, true },
		{ "accept-language", "urn:ngsi-ld:request", true, true },
		{ "Cookie", "urn:ngsi-ld:request", false, true },
		{ "HOST", "v", false, false },
		{ "content-length", "v", false, false },
		{ "Transfer-Encoding", "v", false, false },
		{ "via", "v", false, false },
		{ "ngsild-tenant", "v", false, false },
		{ "Range", "v", false, false },
		{ "jsonldContext", "v", false, false },
	};
	bool copied;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct registration_pair p = { str_of(cases[i].key),
			str_of(cases[i].value) };

		copied = false;
		if (registration_header(&p, &copied) != cases[i].sent ||
		    (cases[i].sent && copied != cases[i].copied))
			fail_msg("%s: %s", cases[i].key, cases[i].value);
	}
}

static void
finds_a_name_in_via(void **state)
{
	static const struct {
		const char *via, *name;
		bool there;
	} cases[] = {
		{ "1.1 a", "a", true }, { "HTTP/1.1 a, 1.1 b", "B", true },
		{ "1.1 a (x), 1.0 b", "b", true }, { "1.1 ab", "a", false },
		{ "", "a", false }, { "a", "a", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (via_has(str_of(cases[i].via), str_of(cases[i].name)) !=
		    cases[i].there)
			fail_msg("%s in %s", cases[i].name, cases[i].via);
	assert_false(via_has(STR_NONE, STR("a")));
}

static void
knows_where_a_tenant_may_register(void **state)
{
	static const struct str list[] = { { "https://*.a.example", 19 },
		{ "https://b.example:8443", 22 }, { "http://127.0.0.1", 16 },
		{ "http://[::1]:1026", 17 } };
	static const struct {
		bool https;
		const char *host;
		uint16_t port;
		bool may;
	} cases[] = {
		{ true, "x.a.example", 443, true },
		{ true, "X.y.A.Example", 9, true },
		{ true, "a.example", 443, false },
		{ true, "x.a.example.", 443, false },
		{ true, "x.a.example.b", 443, false },
		{ false, "x.a.example", 80, false },
		{ true, "b.example", 8443, true },
		{ true, "b.example", 443, false },
		{ false, "127.0.0.1", 1026, true },
		{ true, "127.0.0.1", 443, false },
		{ false, "::1", 1026, true }, { false, "::1", 1027, false },
		{ true, "", 443, false },
	};
	const struct tenant none = { .nmay_register = 0 };
	const struct tenant some = { .nmay_register = COUNT(list),
		.may_register = list };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (tenant_may_register(&some, cases[i].https,
			str_of(cases[i].host), cases[i].port) != cases[i].may)
			fail_msg("%s:%u", cases[i].host, cases[i].port);
		assert_false(tenant_may_register(&none, cases[i].https,
		    str_of(cases[i].host), cases[i].port));
	}
}

/* ---- in a region */

static const char region_text[] =
    "tenant aa { name = A  kind = city"
    "  may-register = {\"https://a.example\"} }\n"
    "tenant bb { name = B  kind = city"
    "  may-register = {\"https://a.example\"} }\n"
    "purpose qq { title = Q }\n"
    "agreement ab { version = 1  provider = aa  consumer = bb\n"
    "  dataset = \"urn:r:1\"  purpose = qq  actions = {query}\n"
    "  valid = \"2020-01-01..2099-12-31\"\n"
    "  signed-by = {\"aa:m\", \"bb:n\"}\n"
    "  share T { allow = {p} } }\n";

#define ROW(tenant, id, document)                                              \
	{ STR(tenant), STR(id), STR_NONE, STR(document), 1, { 0 }, { 0 } }
#define DOC(id, type)                                                          \
	"{" HEAD ",\"id\":\"" id "\"," INFO("{\"entities\":[{\"type\":\"" type \
	"\"}]}") "}"

static struct region *
must_build(struct arena *a, const struct registration_row *rows, unsigned n)
{
	const struct region_file file = { STR("a.hub"), str_of(region_text) };
	struct region_message *m = NULL;
	struct region *region = NULL;
	unsigned nmessages = 0;

	if (region_parse_registered(&file, 1, rows, n, &region, a, &m,
		&nmessages) != HUB_OK)
		fail_msg("%u: %.*s", m[0].line, STR_FMT(m[0].text));
	return (region);
}

static void
puts_no_row_in_force_that_does_not_hold(void **state)
{
	static const struct {
		struct registration_row row;
		const char *why;
	} cases[] = {
		{ ROW("aa", "urn:r:2", "{"), "JSON" },
		{ ROW("aa", "urn:r:2", "{}"), "type" },
		{ ROW("aa", "urn:r:2", DOC("urn:r:3", "T")), "another id" },
		{ ROW("cc", "urn:r:2", DOC("urn:r:2", "T")), "tenant" },
		{ ROW("aa", "urn:r:2",
		      "{\"type\":\"ContextSourceRegistration\","
		      "\"id\":\"urn:r:2\",\"endpoint\":\"https://b.example\","
		      INFO("{\"propertyNames\":[\"p\"]}") "}"),
		    "may-register" },
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct region *r = must_build(a, &cases[i].row, 1);

		assert_int_equal(r->nregistrations, 1);
		assert_null(r->registrations[0].dataset);
		assert_int_equal(r->ndatasets, 0);
		if (strstr(r->registrations[0].why, cases[i].why) == NULL)
			fail_msg("case %zu: %s", i, r->registrations[0].why);
		region_free(r);
	}
	arena_free(a);
}

/* Of which tenant with the purpose, how many legs. */
static unsigned
legs_of(const struct region *r, const char *tenant, struct wall_us at)
{
	struct policy_set *set = policy_compile(r);
	struct arena *a = arena_new();
	struct policy_query q = { .consumer = tenant_find(&r->tenants,
				      str_of(tenant)),
		.purpose = &r->purposes[0],
		.action = ACTION_QUERY,
		.at = at };
	const struct policy_leg *legs;
	unsigned n;

	policy_plan(set, &q, a, &legs, &n);
	arena_free(a);
	policy_free(set);
	return (n);
}

static void
shares_only_what_the_agreement_was_made_over(void **state)
{
	static const struct {
		struct registration_row row;
		unsigned aa, bb; /* datasets that each may ask */
	} cases[] = {
		{ ROW("aa", "urn:r:1", DOC("urn:r:1", "T")), 1, 1 },
		{ ROW("aa", "urn:r:2", DOC("urn:r:2", "T")), 1, 0 },
		/* of the other tenant: its own, not the provider's */
		{ ROW("bb", "urn:r:1", DOC("urn:r:1", "T")), 0, 1 },
		/* the shares do not fit */
		{ ROW("aa", "urn:r:1", DOC("urn:r:1", "U")), 1, 0 },
	};
	struct arena *a = arena_new();
	struct wall_us at;

	(void)state;
	assert_int_equal(wall_parse(STR("2026-01-01T00:00:00Z"), &at), HUB_OK);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct region *r = must_build(a, &cases[i].row, 1);

		if (legs_of(r, "aa", at) != cases[i].aa ||
		    legs_of(r, "bb", at) != cases[i].bb)
			fail_msg("case %zu: %u %u", i, legs_of(r, "aa", at),
			    legs_of(r, "bb", at));
		region_free(r);
	}
	arena_free(a);
}

static void
ends_at_the_instant_it_says(void **state)
{
	static const struct registration_row row = ROW("aa", "urn:r:1",
	    "{" HEAD ",\"id\":\"urn:r:1\","
	    "\"expiresAt\":\"2026-01-01T00:00:00Z\","
	    INFO("{\"entities\":[{\"type\":\"T\"}]}") "}");
	struct arena *a = arena_new();
	struct region *r = must_build(a, &row, 1);
	struct wall_us at;

	(void)state;
	assert_int_equal(wall_parse(STR("2026-01-01T00:00:00Z"), &at), HUB_OK);
	assert_int_equal(legs_of(r, "aa", at), 0);
	at.us--;
	assert_int_equal(legs_of(r, "aa", at), 1);
	region_free(r);
	arena_free(a);
}

static void
tells_two_tenants_apart_that_chose_one_id(void **state)
{
	static const struct registration_row rows[] = {
		ROW("aa", "urn:r:1", DOC("urn:r:1", "T")),
		ROW("bb", "urn:r:1", DOC("urn:r:1", "T")),
	};
	struct arena *a = arena_new();
	struct region *r = must_build(a, rows, 2);

	(void)state;
	assert_int_equal(r->ndatasets, 2);
	assert_false(str_eq(r->datasets[0].name, r->datasets[1].name));
	assert_true(str_eq(r->sources[0].name, r->sources[1].name));
	for (unsigned i = 0; i < 2; i++) {
		const struct region_registration *rr =
		    region_registration_find(r, &r->tenants.tenants[i],
			STR("urn:r:1"));

		assert_non_null(rr);
		assert_ptr_equal(rr->dataset, &r->datasets[i]);
	}
	region_free(r);
	arena_free(a);
}

/* A document with so many types and names, from a number on. */
static struct str
large_document(struct arena *a, const char *id, unsigned ntypes,
    unsigned nnames, unsigned from)
{
	struct str text;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addf(&b, "{" HEAD ",\"id\":\"%s\",\"information\":[{\"entities\":"
	    "[{\"type\":[", id);
	for (unsigned i = 0; i < ntypes; i++)
		buf_addf(&b, "%s\"T%u\"", i > 0 ? "," : "", i);
	BUF_LIT(&b, "]}],\"propertyNames\":[");
	for (unsigned i = 0; i < nnames; i++)
		buf_addf(&b, "%s\"p%u\"", i > 0 ? "," : "", from + i);
	BUF_LIT(&b, "]}]}");
	text = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (text);
}

static void
keeps_one_list_of_attributes_for_types_of_the_same_parts(void **state)
{
	struct arena *a = arena_new();
	struct registration_row row = ROW("aa", "urn:r:1", "");
	struct region *r;

	(void)state;
	row.document = large_document(a, "urn:r:1", 500, 500, 0);
	r = must_build(a, &row, 1);
	assert_int_equal(r->ndatasets, 1);
	assert_int_equal(r->datasets[0].ntypes, 500);
	for (unsigned i = 0; i < 500; i++) {
		const struct region_type *t = &r->datasets[0].types[i];

		assert_int_equal(t->nattributes, 500);
		assert_ptr_equal(t->attributes,
		    r->datasets[0].types[0].attributes);
	}
	assert_true(arena_used(r->arena) < (1U << 20));
	region_free(r);
	arena_free(a);
}

/* Each tenant has its own measure, whatever stands before its rows. */
static void
takes_no_more_new_names_than_a_tenant_may_bring(void **state)
{
	struct registration_row rows[8] = { 0 };
	struct arena *a = arena_new();
	uint32_t before;
	struct region *r = must_build(a, NULL, 0);

	(void)state;
	before = vocab_size(r->vocab);
	region_free(r);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const char *id = arena_printf(a, "urn:r:%u", i);

		rows[i].tenant = i < 7 ? STR("aa") : STR("bb");
		rows[i].id = str_of(id);
		rows[i].document = large_document(a, id, 1, 999, i * 999);
	}
	r = must_build(a, rows, COUNT(rows));
	for (unsigned i = 0; i < COUNT(rows); i++)
		assert_int_equal(r->registrations[i].dataset != NULL,
		    i != 6);
	assert_non_null(strstr(r->registrations[6].why, "names"));
	assert_true(vocab_size(r->vocab) - before <=
	    2 * REGISTRATION_NEW_NAMES_MAX);
	region_free(r);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_nothing_of_what_it_refuses),
		cmocka_unit_test(bounds_what_it_takes),
		cmocka_unit_test(changes_what_an_update_says_and_nothing_else),
		cmocka_unit_test(keeps_its_own_members_apart),
		cmocka_unit_test(asks_by_federation_ops_if_none_are_named),
		cmocka_unit_test(conflicts_over_an_attribute_of_an_entity),
		cmocka_unit_test(lets_no_registration_speak_for_the_client),
		cmocka_unit_test(finds_a_name_in_via),
		cmocka_unit_test(knows_where_a_tenant_may_register),
		cmocka_unit_test(puts_no_row_in_force_that_does_not_hold),
		cmocka_unit_test(shares_only_what_the_agreement_was_made_over),
		cmocka_unit_test(ends_at_the_instant_it_says),
		cmocka_unit_test(tells_two_tenants_apart_that_chose_one_id),
		cmocka_unit_test(
		    keeps_one_list_of_attributes_for_types_of_the_same_parts),
		cmocka_unit_test(
		    takes_no_more_new_names_than_a_tenant_may_bring),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
