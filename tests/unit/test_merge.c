/* tests/unit/test_merge.c - many views, one answer: who wins, what is joined,
 * and the same bytes in whatever order the sources answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/federation/merge.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define DOCS_MAX   8
#define ANSWER_MAX ((size_t)64 << 20)

struct view_text {
	const char *dataset; /* "aux...": an auxiliary one */
	int64_t priority;
	const char *text; /* an array of entities */
};

struct world {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	struct buf buf;
	size_t nowners;
	struct merge_owner owners[3];
	bool own; /* the views are of the reader's own data */
	size_t count; /* of entities, as merged last */
};

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->arena = arena_new();
	w->vocab = vocab_new();
	names_init(&w->names, w->vocab, w->arena);
	buf_init(&w->buf, ANSWER_MAX);
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

static void
add_view(struct world *w, struct merge *m, const struct view_text *v)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct document *doc = arena_alloc(w->arena, sizeof(*doc));
	const struct json *j = &doc->json;

	doc->context = vocab_core(w->vocab);
	doc->priority = v->priority;
	doc->dataset = str_of(v->dataset);
	doc->auxiliary = str_prefix(doc->dataset, STR("aux"));
	if (json_parse(&doc->json, str_of(v->text), &limits, w->arena) !=
	    HUB_OK)
		fail_msg("no JSON: %s", v->text);
	for (uint32_t n = 1; n < j->nodes[0].next; n = j->nodes[n].next) {
		struct entity *e = arena_alloc(w->arena, sizeof(*e));

		assert_int_equal(entity_read(doc, n, &w->names, w->arena, e),
		    HUB_OK);
		for (unsigned i = 0; w->own && i < e->ninstances; i++)
			e->instances[i].release = &release_all;
		if (e->ninstances > 0) /* redact_entity sees to that */
			merge_add(m, e);
	}
}

/* The merged views, one entity a line; views in the order given. Of the list
 * that results, only those from..to. */
static const char *
merge_part(struct world *w, const struct view_text *views,
    const unsigned *order, unsigned n, size_t from, size_t to)
{
	struct entity_out out = { .context = vocab_core(w->vocab),
		.names = &w->names,
		.sys_attrs = true };
	struct entity **all;
	struct merge m;
	size_t count;

	merge_init(&m, w->arena);
	m.owners = arena_array(w->arena, w->nowners, sizeof(*m.owners));
	m.nowners = w->nowners;
	memcpy(m.owners, w->owners, w->nowners * sizeof(*m.owners));
	for (unsigned i = 0; i < n; i++)
		add_view(w, &m, &views[order != NULL ? order[i] : i]);
	m.from = from;
	m.to = to;
	merge_run(&m, &all, &count);
	buf_reset(&w->buf);
	for (size_t i = 0; i < count; i++) {
		assert_true(
		    i == 0 || str_cmp(all[i - 1]->id, all[i]->id) < 0);
		if (i < from || i >= to)
			continue;
		if (i > from)
			BUF_LIT(&w->buf, ",\n");
		entity_write(all[i], &out, &w->buf);
	}
	assert_false(w->buf.failed);
	w->count = count;
	return (buf_cstr(&w->buf));
}

static const char *
merge_text(struct world *w, const struct view_text *views,
    const unsigned *order, unsigned n)
{
	return (merge_part(w, views, order, n, 0, SIZE_MAX));
}

static const char *
data_file(struct world *w, const char *name)
{
	const char *root = getenv("HUB_SRCDIR");
	char *path = arena_printf(w->arena, "%s/tests/data/overlaps/%s",
	    root != NULL ? root : ".", name);
	FILE *f = fopen(path, "re");
	char *text = arena_alloc(w->arena, 65536);

	if (f == NULL)
		fail_msg("cannot read %s", path);
	assert_true(fread(text, 1, 65535, f) < 65535);
	(void)fclose(f);
	return (text);
}

/* Seven entities that two of three brokers hold, and two that one holds. */
static void
merges_the_overlaps_of_three_brokers_in_any_order(void **state)
{
	static const unsigned orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 },
		{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct world *w = *state;
	const struct view_text views[] = {
		{ "dortmund", 100, data_file(w, "dortmund.json") },
		{ "kreis-unna", 100, data_file(w, "kreis-unna.json") },
		{ "schwerte", 100, data_file(w, "schwerte.json") },
	};
	const char *want = data_file(w, "merged.json");

	for (size_t i = 0; i < COUNT(orders); i++) {
		const char *got = arena_printf(w->arena, "[\n%s\n]\n",
		    merge_text(w, views, orders[i], 3));

		assert_string_equal(got, want);
	}
}

/* A page of the list is the same lines, and the list is as long. */
static void
puts_together_a_part_as_it_does_the_whole(void **state)
{
	struct world *w = *state;
	const struct view_text views[] = {
		{ "dortmund", 100, data_file(w, "dortmund.json") },
		{ "kreis-unna", 100, data_file(w, "kreis-unna.json") },
		{ "schwerte", 100, data_file(w, "schwerte.json") },
	};
	struct str whole = arena_str(w->arena,
	    str_of(merge_text(w, views, NULL, 3))), rest = whole, line;
	const size_t count = w->count;
	size_t i = 0;

	assert_int_equal(count, 9);
	while (str_cut(&rest, '\n', &line)) {
		if (line.p[line.len - 1] == ',')
			line.len--;
		assert_string_equal(merge_part(w, views, NULL, 3, i, i + 1),
		    arena_str(w->arena, line).p);
		assert_int_equal(w->count, count);
		i++;
	}
	assert_int_equal(i, count);
	assert_string_equal(merge_part(w, views, NULL, 3, 0, count), whole.p);
	assert_string_equal(merge_part(w, views, NULL, 3, count, SIZE_MAX), "");
	assert_int_equal(w->count, count);
}

#define A(...)	"{\"id\":\"urn:x:1\",\"type\":\"T\"," __VA_ARGS__ "}"
#define V(v)	"\"a\":{\"type\":\"Property\",\"value\":" v "}"
#define VO(v, t)                                                              \
	"\"a\":{\"type\":\"Property\",\"value\":" v ",\"observedAt\":\"" t "\"}"
#define VM(v, t)                                                              \
	"\"a\":{\"type\":\"Property\",\"value\":" v ",\"modifiedAt\":\"" t "\"}"
#define VD(v, d)                                                              \
	"{\"type\":\"Property\",\"value\":" v ",\"datasetId\":\"urn:d:" d "\"}"
#define T1 "2026-11-22T17:00:00Z"
#define T2 "2026-11-22T17:00:01Z"

static void
lets_the_right_value_win(void **state)
{
	static const struct {
		const char *title;
		int64_t pa, pb;
		const char *a, *b, *want;
	} cases[] = {
		{ "newest observedAt", 1, 100, A(VO("1", T1)), A(VO("2", T2)),
		    A(VO("2", T2)) },
		{ "instants, not strings", 100, 100,
		    A(VO("1", "2026-11-22T17:30:00Z")),
		    A(VO("2", "2026-11-22T18:15:00+01:00")),
		    A(VO("1", "2026-11-22T17:30:00Z")) },
		{ "milliseconds do not win", 100, 100, A(VO("1", T1)),
		    A(VO("2", "2026-11-22T17:00:00.000Z")), A(VO("1", T1)) },
		{ "any observedAt over none", 1, 100, A(V("1")),
		    A(VO("2", T1)), A(VO("2", T1)) },
		{ "observedAt that is none", 1, 100, A(VO("1", "now")),
		    A(VO("2", T1)), A(VO("2", T1)) },
		{ "observedAt over modifiedAt", 1, 100, A(VM("1", T2)),
		    A(VO("2", T1)), A(VO("2", T1)) },
		{ "newest modifiedAt", 1, 100, A(VM("1", T1)), A(VM("2", T2)),
		    A(V("2")) },
		{ "modifiedAt over none", 1, 100, A(V("1")), A(VM("2", T1)),
		    A(V("2")) },
		{ "smaller priority", 100, 10, A(VO("1", T1)), A(VO("2", T1)),
		    A(VO("2", T1)) },
		{ "negative priority", 0, -1, A(V("1")), A(V("2")),
		    A(V("2")) },
		{ "dataset in byte order", 100, 100, A(V("1")), A(V("2")),
		    A(V("1")) },
		{ "datasets are joined", 100, 100, A(V("1")),
		    A("\"a\":" VD("2", "2")),
		    A("\"a\":[{\"type\":\"Property\",\"value\":1},"
		      VD("2", "2") "]") },
		{ "each instance for itself", 100, 1,
		    A("\"a\":[" VD("1", "1") "," VD("2", "2") "]"),
		    A("\"a\":[" VD("3", "2") "," VD("4", "3") "]"),
		    A("\"a\":[" VD("3", "2") "," VD("4", "3") ","
		      VD("1", "1") "]") },
		{ "one source says it twice", 100, 100,
		    A("\"a\":[{\"value\":1,\"observedAt\":\"" T1 "\"},"
		      "{\"value\":2,\"observedAt\":\"" T2 "\"},"
		      "{\"value\":3,\"observedAt\":\"" T1 "\"}]"),
		    "", A(VO("2", T2)) },
		{ "unlike kinds do not mix", 100, 100, A(VO("1", T1)),
		    A("\"a\":{\"type\":\"Relationship\",\"object\":\"urn:y:1\","
		      "\"observedAt\":\"" T2 "\"}"),
		    A("\"a\":{\"type\":\"Relationship\",\"object\":\"urn:y:1\","
		      "\"observedAt\":\"" T2 "\"}") },
		{ "attributes are joined", 100, 100, A(V("1")),
		    A("\"b\":{\"value\":2}"),
		    A(V("1") ",\"b\":{\"type\":\"Property\",\"value\":2}") },
		{ "the unit travels with its value", 100, 100,
		    A("\"a\":{\"value\":142,\"unitCode\":\"CMT\","
		      "\"observedAt\":\"" T1 "\"}"),
		    A("\"a\":{\"value\":1.43,\"observedAt\":\"" T2 "\"}"),
		    A(VO("1.43", T2)) },
	};
	static const unsigned orders[][2] = { { 0, 1 }, { 1, 0 } };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct view_text views[] = {
			{ "aa", cases[i].pa,
			    arena_printf(w->arena, "[%s]", cases[i].a) },
			{ "b", cases[i].pb,
			    arena_printf(w->arena, "[%s]", cases[i].b) },
		};

		for (size_t k = 0; k < 2; k++) {
			const char *got = merge_text(w, views, orders[k], 2);

			if (strcmp(got, cases[i].want) != 0)
				fail_msg("%s:\n%s\n%s", cases[i].title, got,
				    cases[i].want);
		}
	}
}

static void
joins_the_members_of_the_entity(void **state)
{
	static const struct {
		const char *a, *b, *want;
	} cases[] = {
		{ "\"createdAt\":\"" T2 "\",\"modifiedAt\":\"" T1 "\",",
		    "\"createdAt\":\"" T1 "\",\"modifiedAt\":\"" T2 "\",",
		    ",\"createdAt\":\"" T1 "\",\"modifiedAt\":\"" T2 "\"" },
		{ "", "\"createdAt\":\"" T1 "\",\"modifiedAt\":\"" T2 "\",",
		    ",\"createdAt\":\"" T1 "\",\"modifiedAt\":\"" T2 "\"" },
		{ "\"createdAt\":\"long ago\",", "\"createdAt\":\"" T1 "\",",
		    ",\"createdAt\":\"" T1 "\"" },
		{ "\"createdAt\":\"" T1 "\",", "\"createdAt\":\"long ago\",",
		    ",\"createdAt\":\"" T1 "\"" },
		/* removed if any version lacks it, else the latest */
		{ "\"expiresAt\":\"" T1 "\",", "\"expiresAt\":\"" T2 "\",",
		    ",\"expiresAt\":\"" T2 "\"" },
		{ "\"expiresAt\":\"" T1 "\",", "", "" },
		{ "", "\"expiresAt\":\"" T1 "\",", "" },
		/* types and scopes: union */
		{ "\"scope\":\"/a\",", "\"scope\":[\"/b\",\"/a\"],",
		    ",\"scope\":[\"/a\",\"/b\"]" },
		{ "\"scope\":\"/a\",", "\"scope\":\"/a\",",
		    ",\"scope\":\"/a\"" },
		{ "", "\"scope\":\"/b\",", ",\"scope\":\"/b\"" },
	};
	static const unsigned orders[][2] = { { 0, 1 }, { 1, 0 } };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct view_text views[] = {
			{ "a", 100, arena_printf(w->arena,
			    "[{\"id\":\"urn:x:1\",\"type\":\"T\",%s" V("1")
			    "}]", cases[i].a) },
			{ "b", 100, arena_printf(w->arena,
			    "[{\"id\":\"urn:x:1\",\"type\":[\"T\",\"U\"],%s"
			    V("2") "}]", cases[i].b) },
		};
		const char *want = arena_printf(w->arena,
		    "{\"id\":\"urn:x:1\",\"type\":[\"T\",\"U\"]%s," V("1")
		    "}", cases[i].want);

		for (size_t k = 0; k < 2; k++)
			assert_string_equal(
			    merge_text(w, views, orders[k], 2), want);
	}
}

static void
forgets_an_expiry_that_one_of_three_lacks(void **state)
{
	static const struct view_text views[] = {
		{ "a", 1, "[" A("\"expiresAt\":\"" T1 "\"," V("1")) "]" },
		{ "b", 1, "[" A(V("2")) "]" },
		{ "c", 1, "[" A("\"expiresAt\":\"" T2 "\"," V("3")) "]" },
	};
	struct world *w = *state;

	assert_string_equal(merge_text(w, views, NULL, 3), A(V("1")));
}

static void
limits_the_types_of_a_union(void **state)
{
	struct view_text views[3];
	struct world *w = *state;
	const char *got;
	unsigned types = 1;

	for (unsigned i = 0; i < COUNT(views); i++) {
		struct buf b;

		buf_init(&b, 4096);
		buf_addf(&b, "[{\"id\":\"urn:x:1\"," V("1") ",\"type\":[");
		for (unsigned t = 0; t < 10; t++)
			buf_addf(&b, "%s\"T%u\"", t > 0 ? "," : "",
			    10 * i + t);
		BUF_LIT(&b, "]}]");
		views[i] = (struct view_text){ "a", i,
			arena_str(w->arena, buf_str(&b)).p };
		buf_clear(&b);
	}
	got = merge_text(w, views, NULL, COUNT(views));
	for (const char *p = strchr(got, '['); *p != ']'; p++)
		types += *p == ',';
	assert_int_equal(types, ENTITY_TYPES_MAX);
}

static const unsigned orders3[][3] = { { 0, 1, 2 }, { 0, 2, 1 },
	{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

/* Three views, in all orders; a text of "" is a source without the entity. */
static void
assert_merged(struct world *w, const char *title,
    const char *const datasets[3], const char *const texts[3],
    const char *want)
{
	struct view_text views[3];

	for (unsigned i = 0; i < 3; i++)
		views[i] = (struct view_text){ datasets[i], 100,
			arena_printf(w->arena, "[%s]", texts[i]) };
	for (size_t k = 0; k < COUNT(orders3); k++) {
		const char *got = merge_text(w, views, orders3[k], 3);

		if (strcmp(got, want) != 0)
			fail_msg("%s, order %zu:\n%s\n%s", title, k, got,
			    want);
	}
}

#define B(v) "\"b\":{\"type\":\"Property\",\"value\":" v "}"

static void
lets_auxiliary_sources_only_add(void **state)
{
	static const char *const one[] = { "a", "aux", "b" };
	static const char *const two[] = { "a", "aux1", "aux2" };
	static const struct {
		const char *title;
		const char *const *datasets;
		const char *texts[3], *want;
	} cases[] = {
		{ "a newer value does not win", one,
		    { A(VO("1", T1)), A(VO("2", T2)), "" }, A(VO("1", T1)) },
		{ "against a value without a time neither", one,
		    { "", A(VO("2", T2)), A(V("1")) }, A(V("1")) },
		{ "it adds an attribute", one,
		    { A(V("1")), A(V("2") "," B("3")), "" },
		    A(V("1") "," B("3")) },
		{ "it adds an instance", one,
		    { A(V("1")), A("\"a\":" VD("2", "2")), "" },
		    A("\"a\":[{\"type\":\"Property\",\"value\":1},"
		      VD("2", "2") "]") },
		{ "an instance that any other has it does not", one,
		    { A(V("1")), A("\"a\":" VD("2", "2")),
			A("\"a\":" VD("3", "2")) },
		    A("\"a\":[{\"type\":\"Property\",\"value\":1},"
		      VD("3", "2") "]") },
		{ "alone it is an answer", one, { "", A(V("2")), "" },
		    A(V("2")) },
		{ "among auxiliary ones the newest wins", two,
		    { A(B("0")), A(VO("1", T1)), A(VO("2", T2)) },
		    A(B("0") "," VO("2", T2)) },
		{ "also without any other", two,
		    { "", A(VO("1", T2)), A(VO("2", T1)) }, A(VO("1", T2)) },
		{ "what is not an attribute is not added", one,
		    { "{\"id\":\"urn:x:1\",\"type\":\"T\",\"modifiedAt\":\"" T1
		      "\"," V("1") "}",
			"{\"id\":\"urn:x:1\",\"type\":[\"T\",\"U\"],"
			"\"scope\":\"/a\",\"createdAt\":\"" T1
			"\",\"modifiedAt\":\"" T2 "\"," B("2") "}", "" },
		    "{\"id\":\"urn:x:1\",\"type\":\"T\",\"modifiedAt\":\"" T1
		    "\"," V("1") "," B("2") "}" },
		{ "and its expiry neither stays nor ends another's", one,
		    { "{\"id\":\"urn:x:1\",\"type\":\"T\",\"expiresAt\":\"" T1
		      "\"," V("1") "}",
			A(B("2")), "" },
		    "{\"id\":\"urn:x:1\",\"type\":\"T\",\"expiresAt\":\"" T1
		    "\"," V("1") "," B("2") "}" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_merged(*state, cases[i].title, cases[i].datasets,
		    cases[i].texts, cases[i].want);
}

static const struct name *
attr(struct world *w, const char *term)
{
	return (context_expand(vocab_core(w->vocab), &w->names,
	    str_of(term)));
}

static void
leaves_exclusive_attributes_to_their_source(void **state)
{
	static const char *const datasets[] = { "p", "owner", "q" };
	static const struct {
		const char *title, *texts[3], *want;
	} cases[] = {
		{ "newer values of others are dropped",
		    { A(VO("1", T2)), A(VO("2", T1)), A(V("3")) },
		    A(VO("2", T1)) },
		{ "so are other instances",
		    { A("\"a\":" VD("1", "1")), A(V("2")), "" }, A(V("2")) },
		{ "its other attributes compete",
		    { A(V("1") "," B("1")), A(V("2") "," B("2")), "" },
		    A(V("2") "," B("2")) },
		{ "also when it has nothing", { A(V("1") "," B("1")), "",
			A(V("3")) }, A(B("1")) },
		{ "and when nothing else is left", { A(V("1")), "",
			A(V("3")) }, "" },
		{ "other entities are not concerned",
		    { "{\"id\":\"urn:x:0\",\"type\":\"T\"," V("1") "}",
			A(V("2")),
			"{\"id\":\"urn:x:2\",\"type\":\"T\"," V("3") "}" },
		    "{\"id\":\"urn:x:0\",\"type\":\"T\"," V("1") "},\n"
		    A(V("2"))
		    ",\n{\"id\":\"urn:x:2\",\"type\":\"T\"," V("3") "}" },
		{ "a view without owned attributes counts for the rest",
		    { "{\"id\":\"urn:x:1\",\"type\":\"U\"," V("1") "}",
			A(V("2")), "" }, A(V("2")) },
	};
	struct world *w = *state;
	const struct name *a = attr(w, "a"), *other = attr(w, "c");

	/* The order of owners does not matter either. */
	w->owners[0] = (struct merge_owner){ STR("urn:x:9"), STR("q"), 1, &a };
	w->owners[1] = (struct merge_owner){ STR("urn:x:1"), STR("q"), 1,
		&other };
	w->owners[2] = (struct merge_owner){ STR("urn:x:1"), STR("owner"), 1,
		&a };
	w->nowners = 3;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_merged(w, cases[i].title, datasets, cases[i].texts,
		    cases[i].want);
}

static void
lets_no_attribute_outlive_its_version_of_the_entity(void **state)
{
#define E(t, ...)                                                             \
	"{\"id\":\"urn:x:1\",\"type\":\"T\",\"expiresAt\":\"" t "\","          \
	__VA_ARGS__ "}"
#define VE(n, v, t)                                                           \
	"\"" n "\":{\"type\":\"Property\",\"value\":" v                       \
	",\"expiresAt\":\"" t "\"}"
	static const char *const datasets[] = { "a", "b", "aux" };
	static const struct {
		const char *title, *texts[3], *want;
	} cases[] = {
		{ "lacking one", { E(T1, V("1")), A(B("2")), "" },
		    A(VE("a", "1", T1) "," B("2")) },
		{ "having a later one", { E(T1, VE("a", "1", T2)), A(B("2")),
			"" }, A(VE("a", "1", T1) "," B("2")) },
		{ "having an earlier one", { E(T2, VE("a", "1", T1)),
			A(B("2")), "" }, A(VE("a", "1", T1) "," B("2")) },
		{ "having nonsense", { E(T1, VE("a", "1", "soon")), A(B("2")),
			"" }, A(VE("a", "1", T1) "," B("2")) },
		{ "each its own", { E(T1, V("1")), E(T2, B("2")), "" },
		    E(T2, VE("a", "1", T1) "," VE("b", "2", T2)) },
		{ "of one source it stays with the entity",
		    { E(T1, V("1")), "", "" }, E(T1, V("1")) },
		{ "nonsense is not passed on", { E("soon", V("1")), A(B("2")),
			"" }, A(V("1") "," B("2")) },
		{ "what is added has its own end, too",
		    { A(V("1")), "", E(T1, B("2")) },
		    A(V("1") "," VE("b", "2", T1)) },
	};
	struct world *w = *state;

	w->own = true;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_merged(w, cases[i].title, datasets, cases[i].texts,
		    cases[i].want);
}

/* The orders of legs are many; every sixth of 8! is enough to find one that
 * matters. */
static void
gives_the_same_bytes_for_shuffled_legs(void **state)
{
	struct view_text views[DOCS_MAX];
	unsigned order[DOCS_MAX];
	struct world *w = *state;
	uint64_t seed = 88172645463325252ULL;
	char *want = NULL;

	for (unsigned d = 0; d < DOCS_MAX; d++) {
		struct buf b;

		buf_init(&b, 1 << 16);
		buf_addc(&b, '[');
		for (unsigned e = 0; e < 12; e++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			buf_addf(&b,
			    "%s{\"id\":\"urn:x:%u\",\"type\":\"T%u\",\"a%u\":"
			    "{\"value\":%u,\"observedAt\":"
			    "\"2026-11-22T17:00:0%uZ\"},\"b\":[{\"value\":%u},"
			    "{\"value\":%u,\"datasetId\":\"urn:d:%u\"}]}",
			    e > 0 ? "," : "", (unsigned)(seed % 9), d % 3,
			    (unsigned)(seed >> 8) % 3, 100 * d + e,
			    (unsigned)(seed >> 16) % 3, 100 * d + e,
			    100 * d + e, (unsigned)(seed >> 24) % 3);
		}
		buf_addc(&b, ']');
		views[d] = (struct view_text){
			arena_printf(w->arena, "d%u", d), d % 2,
			arena_str(w->arena, buf_str(&b)).p };
		buf_clear(&b);
		order[d] = d;
	}
	for (unsigned round = 0; round < 300; round++) {
		const char *got = merge_text(w, views, order, DOCS_MAX);

		if (want == NULL)
			want = xstrdup(got);
		assert_string_equal(got, want);
		for (unsigned i = DOCS_MAX - 1; i > 0; i--) {
			unsigned k, t = order[i];

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			k = (unsigned)(seed % (i + 1));
			order[i] = order[k];
			order[k] = t;
		}
	}
	free(want);
}

/* One id a thousand times over, each time with other instances: what costs a
 * hostile source a line must not cost the hub a square. */
static void
takes_a_flood_of_one_id_in_its_stride(void **state)
{
	struct world *w = *state;
	struct view_text view = { "a", 1, NULL };
	struct buf b;
	size_t instances = 0;

	buf_init(&b, ANSWER_MAX);
	buf_addc(&b, '[');
	for (unsigned e = 0; e < 300; e++) {
		buf_addf(&b, "%s{\"id\":\"urn:x:1\",\"type\":\"T\",\"a\":[",
		    e > 0 ? "," : "");
		for (unsigned i = 0; i < 1000; i++)
			buf_addf(&b, "%s" VD("1", "%u"), i > 0 ? "," : "",
			    1000 * e + i);
		BUF_LIT(&b, "]}");
	}
	buf_addc(&b, ']');
	view.text = buf_cstr(&b);
	for (const char *p = merge_text(w, &view, NULL, 1); *p != '\0'; p++)
		instances += *p == 'P'; /* of "Property" */
	assert_int_equal(instances, 300000);
	buf_clear(&b);
}

static void
gives_nothing_for_nothing(void **state)
{
	struct world *w = *state;
	struct entity **all;
	struct merge m;
	size_t n = 7;

	merge_init(&m, w->arena);
	merge_run(&m, &all, &n);
	assert_int_equal(n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(merges_the_overlaps_of_three_brokers_in_any_order),
		T(puts_together_a_part_as_it_does_the_whole),
		T(lets_the_right_value_win),
		T(joins_the_members_of_the_entity),
		T(forgets_an_expiry_that_one_of_three_lacks),
		T(lets_auxiliary_sources_only_add),
		T(leaves_exclusive_attributes_to_their_source),
		T(lets_no_attribute_outlive_its_version_of_the_entity),
		T(limits_the_types_of_a_union),
		T(gives_the_same_bytes_for_shuffled_legs),
		T(takes_a_flood_of_one_id_in_its_stride),
		T(gives_nothing_for_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
