/* tests/unit/test_q.c - the query language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/ngsild/query.h"

struct bench {
	struct arena *arena;
	struct vocab *vocab;
	struct names names;
	const struct context *core, *german;
};

/* A client's context that has its own word for a river. */
#define GERMAN "https://example.org/german.jsonld"
#define GERMAN_TEXT                                                           \
	"{\"@context\":{\"Fluss\":\"https://uri.etsi.org/ngsi-ld/"            \
	"default-context/River\",\"ex\":\"https://example.org/\"}}"

static const char gauge[] =
    "{\"id\":\"urn:ngsi-ld:FloodMonitoring:1\",\"type\":\"FloodMonitoring\","
    "\"scope\":[\"/a\",\"/b\"],"
    "\"createdAt\":\"2026-01-01T00:00:00Z\","
    "\"modifiedAt\":\"2026-11-01T00:00:00Z\","
    "\"currentLevel\":{\"type\":\"Property\",\"value\":1.250,"
    "\"observedAt\":\"2026-11-20T10:00:00Z\",\"unitCode\":\"MTR\","
    "\"createdAt\":\"2026-02-01T00:00:00Z\","
    "\"modifiedAt\":\"2026-11-20T10:00:01Z\","
    "\"accuracy\":{\"type\":\"Property\",\"value\":0.05,"
    "\"method\":{\"type\":\"Property\",\"value\":\"radar\"}}},"
    "\"huge\":{\"type\":\"Property\",\"value\":12345678901234567891},"
    "\"name\":{\"type\":\"Property\",\"value\":\"Ruhr in Schwerte\"},"
    "\"quoted\":{\"type\":\"Property\",\"value\":\"a\\\"b\\u00f6;|)\"},"
    "\"open\":{\"type\":\"Property\",\"value\":true},"
    "\"tags\":{\"type\":\"Property\",\"value\":[\"a\",\"b\",3]},"
    "\"none\":{\"type\":\"Property\",\"value\":[]},"
    "\"dateObserved\":{\"type\":\"Property\",\"value\":"
    "{\"@type\":\"DateTime\",\"@value\":\"2026-11-20T12:00:00+02:00\"}},"
    "\"dateText\":{\"type\":\"Property\","
    "\"value\":\"2026-11-20T10:00:00.000Z\"},"
    "\"day\":{\"type\":\"Property\",\"value\":\"2026-11-20\"},"
    "\"opens\":{\"type\":\"Property\",\"value\":\"08:30:00Z\"},"
    "\"address\":{\"type\":\"Property\",\"value\":{\"city\":\"Schwerte\","
    "\"geo\":{\"plz\":58239},\"list\":[{\"x\":1},{\"x\":2}]}},"
    "\"refDevice\":{\"type\":\"Relationship\","
    "\"object\":\"urn:ngsi-ld:Device:7\"},"
    "\"refs\":{\"type\":\"Relationship\","
    "\"object\":[\"urn:a:1\",\"urn:a:2\"]},"
    "\"refList\":{\"type\":\"ListRelationship\",\"objectList\":"
    "[{\"object\":\"urn:a:3\"},{\"object\":\"urn:a:4\"}]},"
    "\"list\":{\"type\":\"ListProperty\",\"valueList\":[1,2,3]},"
    "\"title\":{\"type\":\"LanguageProperty\",\"languageMap\":"
    "{\"de\":\"Pegel\",\"en\":[\"gauge\",\"level\"]}},"
    "\"water\":{\"type\":\"VocabProperty\",\"vocab\":\"River\"},"
    "\"raw\":{\"type\":\"JsonProperty\",\"json\":{\"a\":{\"b\":5}}},"
    "\"multi\":[{\"type\":\"Property\",\"value\":1},"
    "{\"type\":\"Property\",\"value\":20,\"datasetId\":\"urn:d:2\"}]}";

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct buf why;

	assert_non_null(b);
	b->arena = arena_new();
	b->vocab = vocab_new();
	buf_init(&why, 1000);
	if (vocab_add(b->vocab, STR(GERMAN), STR(GERMAN_TEXT), &why) != HUB_OK)
		fail_msg("%s", buf_cstr(&why));
	buf_clear(&why);
	b->core = vocab_core(b->vocab);
	b->german = vocab_context(b->vocab, STR(GERMAN));
	names_init(&b->names, b->vocab, b->arena);
	*state = b;
	return (0);
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	vocab_free(b->vocab);
	arena_free(b->arena);
	free(b);
	return (0);
}

static void
read_entity(struct bench *b, const char *text, const struct release *release,
    struct entity *e)
{
	static const struct json_limits limits = { 32, 100, 10000 };
	struct document *doc = arena_alloc(b->arena, sizeof(*doc));

	doc->context = b->core;
	assert_int_equal(json_parse(&doc->json, str_of(text), &limits,
			     b->arena),
	    HUB_OK);
	assert_int_equal(entity_read(doc, 0, &b->names, b->arena, e), HUB_OK);
	for (unsigned i = 0; i < e->ninstances; i++)
		e->instances[i].release = release;
}

static bool
ask(struct bench *b, const struct context *context, const char *text,
    const struct entity *e)
{
	struct q *q = NULL;
	const char *why = "";

	if (q_parse(str_of(text), context, &b->names, b->arena, &q, &why) !=
	    HUB_OK)
		fail_msg("%s: %s", text, why);
	return (q_match(q, e, &b->names));
}

struct asked {
	const char *q;
	bool match;
};

static void
ask_all(struct bench *b, const struct asked *cases, size_t n,
    const struct release *release)
{
	struct entity e;

	read_entity(b, gauge, release, &e);
	for (size_t i = 0; i < n; i++)
		if (ask(b, b->core, cases[i].q, &e) != cases[i].match)
			fail_msg("%s is not %d", cases[i].q, cases[i].match);
}
#define ASK_ALL(b, cases, release)                                            \
	ask_all(b, cases, sizeof(cases) / sizeof(cases[0]), release)

static void
compares_numbers_as_decimals(void **state)
{
	static const struct asked cases[] = {
		{ "currentLevel==1.25", true },
		{ "currentLevel==125e-2", true },
		{ "currentLevel==1.2500000000000000000000001", false },
		{ "currentLevel!=1.2500000000000000000000001", true },
		{ "currentLevel>1.2499999999999999999999", true },
		{ "currentLevel>1.25", false },
		{ "currentLevel>=1.25", true },
		{ "currentLevel<1.25", false },
		{ "currentLevel<=1.25", true },
		{ "currentLevel<-1", false },
		{ "huge==12345678901234567891", true },
		{ "huge==12345678901234567890", false },
		{ "huge<12345678901234567892", true },
		{ "currentLevel==1..2", true },
		{ "currentLevel==1.25..1.25", true },
		{ "currentLevel==2..3", false },
		{ "currentLevel==3..1", false },
		{ "currentLevel!=1..2", false },
		{ "currentLevel!=2..3", true },
		{ "currentLevel==7,1.25,9", true },
		{ "currentLevel==7,1..1.5", true },
		{ "currentLevel==7,8", false },
		{ "currentLevel!=7,8", true },
		{ "currentLevel==\"1.25\"", false },
		{ "currentLevel!=\"1.25\"", true },
		{ "currentLevel>\"1\"", false },
		{ "currentLevel==true", false },
	};

	ASK_ALL(*state, cases, &release_bare);
}

static void
compares_every_kind_of_value(void **state)
{
	static const struct asked cases[] = {
		{ "name==\"Ruhr in Schwerte\"", true },
		{ "name==\"Ruhr\"", false },
		{ "name>\"Ruhr\"", true },
		{ "name<\"Ruhr\"", false },
		{ "name==\"R\"..\"S\"", true },
		{ "quoted==\"a\\\"b\\u00f6;|)\"", true },
		{ "quoted==\"a\\\"b\xc3\xb6;|)\"", true },
		{ "open==true", true },
		{ "open==false", false },
		{ "open!=false", true },
		{ "open==\"true\"", false },
		{ "tags==\"b\"", true },
		{ "tags==3", true },
		{ "tags==\"c\",\"d\"", false },
		{ "tags!=\"b\"", false },
		{ "tags!=\"c\"", true },
		{ "tags>2", false },
		{ "none==1", false },
		{ "none!=1", true },
		{ "none", true },
		{ "list==2", true },
		{ "list==4..9", false },
		{ "refDevice==urn:ngsi-ld:Device:7", true },
		{ "refDevice==\"urn:ngsi-ld:Device:7\"", true },
		{ "refDevice==urn:ngsi-ld:Device:8", false },
		{ "refDevice!=urn:ngsi-ld:Device:8", true },
		{ "refDevice==urn:a:1,urn:ngsi-ld:Device:7", true },
		{ "refs==urn:a:2", true },
		{ "refs==urn:a:3", false },
		{ "refList==urn:a:4", true },
		{ "refList!=urn:a:4", false },
		{ "title==\"Pegel\"", true },
		{ "title==\"level\"", true },
		{ "title[de]==\"Pegel\"", true },
		{ "title[en]==\"Pegel\"", false },
		{ "title[en]==\"level\"", true },
		{ "title[fr]", false },
		{ "!title[fr]", true },
		{ "multi==20", true },
		{ "multi==1", true },
		{ "multi>19", true },
		{ "multi!=1", true },
		{ "multi.datasetId==urn:d:2", true },
		{ "scope==\"/b\"", true },
		{ "scope==\"/c\"", false },
	};

	ASK_ALL(*state, cases, &release_bare);
}

static void
compares_times_as_instants(void **state)
{
	static const struct asked cases[] = {
		{ "dateObserved==2026-11-20T10:00:00Z", true },
		{ "dateObserved==2026-11-20T11:00:00+01:00", true },
		{ "dateObserved>2026-11-20T10:00:00Z", false },
		{ "dateObserved>=2026-11-20T10:00:00.000Z", true },
		{ "dateObserved==2026-11-20T09:00:00Z..2026-11-20T11:00:00Z",
		    true },
		{ "dateObserved>2026-11-20", true },
		{ "dateObserved<2026-11-21", true },
		{ "dateObserved==\"2026-11-20T12:00:00+02:00\"", true },
		{ "dateText==2026-11-20T10:00:00Z", true },
		{ "dateText<2026-11-20T10:00:00.001Z", true },
		{ "day==2026-11-20", true },
		{ "day>2026-11-20", false },
		{ "opens==08:30:00Z", true },
		{ "opens<09:00:00Z", true },
		{ "opens>09:00:00Z", false },
		{ "name>2026-11-20", false },
		{ "name<2026-11-20", false },
		{ "currentLevel.observedAt>=2026-11-20T10:00:00Z", true },
		{ "currentLevel.observedAt>2026-11-20T10:00:00Z", false },
	};

	ASK_ALL(*state, cases, &release_bare);
}

static void
walks_paths(void **state)
{
	static const struct asked cases[] = {
		{ "address[city]==\"Schwerte\"", true },
		{ "address[geo.plz]==58239", true },
		{ "address[geo]", true },
		{ "address[geo.nope]", false },
		{ "address[list.x]==2", true },
		{ "address[list.x]==3", false },
		{ "address[city.x]", false },
		{ "raw[a.b]==5", true },
		{ "raw[a.c]", false },
		{ "currentLevel.accuracy==0.05", true },
		{ "currentLevel.accuracy<0.1", true },
		{ "currentLevel.accuracy.method==\"radar\"", true },
		{ "currentLevel.method", false },
		{ "currentLevel.unitCode==\"MTR\"", true },
		{ "currentLevel.unitCode.x", false },
		{ "currentLevel[x]", false },
		{ "nope", false },
		{ "!nope", true },
		{ "!currentLevel", false },
		{ "nope.accuracy", false },
		{ "nope==1", false },
		{ "nope!=1", false },
		{ "nope~=.*", false },
		{ "nope!~=x", false },
		{ "createdAt==2026-01-01", true },
		{ "modifiedAt>2026-10-31", true },
		{ "expiresAt", false },
	};

	ASK_ALL(*state, cases, &release_all);
}

/* policy.md §6, Q4 and Q5: an answer must not depend on what is hidden. */
static void
sees_nothing_that_is_not_released(void **state)
{
	static const struct asked cases[] = {
		{ "currentLevel.accuracy", false },
		{ "!currentLevel.accuracy", true },
		{ "currentLevel.accuracy==0.05", false },
		{ "currentLevel.accuracy!=0.05", false },
		{ "currentLevel.accuracy.method~=r.*", false },
		{ "currentLevel.createdAt", false },
		{ "currentLevel.modifiedAt>2000-01-01", false },
		{ "!currentLevel.modifiedAt", true },
		{ "currentLevel.unitCode", true },
		{ "createdAt", false },
		{ "modifiedAt>2000-01-01", false },
		{ "!scope", true },
	};
	static const struct asked released[] = {
		{ "currentLevel.accuracy==0.05", true },
		{ "currentLevel.createdAt==2026-02-01", true },
		{ "currentLevel.modifiedAt", false },
	};
	struct bench *b = *state;
	const struct name *accuracy = context_expand(b->core, &b->names,
	    STR("accuracy"));
	const struct release one = { .created_at = true, .nsubs = 1,
		.subs = &accuracy };
	struct entity e;

	read_entity(b, gauge, &release_bare, &e);
	e.created_at.node = e.modified_at.node = e.scope.node = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ask(b, b->core, cases[i].q, &e) != cases[i].match)
			fail_msg("%s", cases[i].q);
	ASK_ALL(b, released, &one);
}

static void
tries_patterns_on_text_only(void **state)
{
	static const struct asked cases[] = {
		{ "name~=Ruhr", true },
		{ "name~=\"^Ruhr in\"", true },
		{ "name~=^Ruhr$", false },
		{ "name!~=Lippe", true },
		{ "name!~=Ruhr", false },
		{ "name~=(Lippe|Ruhr)", true },
		{ "name~=(Lippe|Emscher);open", false },
		{ "name~=Lippe|name~=Ruhr", true },
		{ "(name~=Ruhr)", true },
		{ "name~=[;|)R]uhr", true },
		{ "quoted~=\"\\\"b\"", true },
		{ "dateText~=\"00\\.000Z$\"", true },
		{ "dateText~=\"00\\\\.000Z$\"", true },
		{ "currentLevel~=1", false },
		{ "currentLevel!~=1", false },
		{ "tags~=^b$", true },
		{ "tags!~=^b$", false },
		{ "tags!~=^c$", true },
		{ "refDevice~=:7$", true },
		{ "title~=^Peg", true },
	};

	ASK_ALL(*state, cases, &release_bare);
}

static void
tries_no_pattern_on_long_text(void **state)
{
	static const char frame[] = "{\"id\":\"urn:a:b\",\"type\":\"T\","
				    "\"a\":{\"type\":\"Property\","
				    "\"value\":\"%0*d\"}}";
	struct bench *b = *state;
	struct entity e;

	read_entity(b, arena_printf(b->arena, frame, 4094, 0), &release_bare,
	    &e);
	assert_true(ask(b, b->core, "a~=0", &e));
	read_entity(b, arena_printf(b->arena, frame, 4095, 0), &release_bare,
	    &e);
	assert_false(ask(b, b->core, "a~=0", &e));
	assert_false(ask(b, b->core, "a!~=1", &e));
}

static void
binds_and_tighter_than_or(void **state)
{
	static const struct asked cases[] = {
		{ "open;name", true },
		{ "open;nope", false },
		{ "nope|open", true },
		{ "open|nope;nope", true },
		{ "(open|nope);nope", false },
		{ "nope;open|open", true },
		{ "nope;(open|open)", false },
		{ "((((open))))", true },
		{ "!nope;!nope2;open==true", true },
	};

	ASK_ALL(*state, cases, &release_bare);
}

static void
compares_names_and_vocabulary_by_iri(void **state)
{
	struct bench *b = *state;
	struct entity e;

	read_entity(b, gauge, &release_bare, &e);
	assert_true(ask(b, b->core, "water==\"River\"", &e));
	assert_true(ask(b, b->german, "water==\"Fluss\"", &e));
	assert_true(ask(b, b->core,
	    "water==https://uri.etsi.org/ngsi-ld/default-context/River", &e));
	assert_false(ask(b, b->core, "water==\"Fluss\"", &e));
	assert_true(ask(b, b->core, "water!=\"Lake\"", &e));
	assert_false(ask(b, b->core, "water>\"A\"", &e));
}

static void
says_why_it_refuses(void **state)
{
	static const struct {
		const char *q;
		enum hub_err err;
	} cases[] = {
		{ "", HUB_ESYNTAX },
		{ "a;", HUB_ESYNTAX },
		{ "a||b", HUB_ESYNTAX },
		{ "(a", HUB_ESYNTAX },
		{ "a)", HUB_ESYNTAX },
		{ "()", HUB_ESYNTAX },
		{ "!(a)", HUB_ESYNTAX },
		{ "!a==1", HUB_ESYNTAX },
		{ "!!a", HUB_ESYNTAX },
		{ "a=1", HUB_ESYNTAX },
		{ "a==", HUB_ESYNTAX },
		{ "a==open", HUB_ESYNTAX },
		{ "a==\"x", HUB_ESYNTAX },
		{ "a==\"\\x\"", HUB_ESYNTAX },
		{ "a==\"x\"y", HUB_ESYNTAX },
		{ "a==1,", HUB_ESYNTAX },
		{ "a==1..", HUB_ESYNTAX },
		{ "a==1..\"x\"", HUB_ESYNTAX },
		{ "a==true..false", HUB_ESYNTAX },
		{ "a==01", HUB_ESYNTAX },
		{ "a==1 ", HUB_ESYNTAX },
		{ "a == 1", HUB_ESYNTAX },
		{ "a==2026-13-01", HUB_ESYNTAX },
		{ "a>1,2", HUB_ESYNTAX },
		{ "a>1..2", HUB_ESYNTAX },
		{ "a>true", HUB_ESYNTAX },
		{ "a>urn:a:b", HUB_ESYNTAX },
		{ "a~=", HUB_ESYNTAX },
		{ "a~=\"\"", HUB_ESYNTAX },
		{ "a~=(a+)\\1", HUB_ESYNTAX },
		{ "a..b", HUB_ESYNTAX },
		{ ".a", HUB_ESYNTAX },
		{ "a[", HUB_ESYNTAX },
		{ "a[]", HUB_ESYNTAX },
		{ "a[b]c", HUB_ESYNTAX },
		{ "a[b].c", HUB_ESYNTAX },
		{ "id==urn:a:b", HUB_ESYNTAX },
		{ "type==\"T\"", HUB_ESYNTAX },
		{ "https://example.org/level>1", HUB_ESYNTAX },
		{ "ex:level>1", HUB_ESYNTAX },
		{ "urn:x:y", HUB_ESYNTAX },
		{ "a.b.c.d.e.f.g.h", HUB_OK },
		{ "a.b.c.d.e.f.g.h.i", HUB_EFULL },
		{ "((((((((((((((((a))))))))))))))))", HUB_OK },
		{ "(((((((((((((((((a)))))))))))))))))", HUB_EFULL },
		{ "a~=((x{100}){100}){100}", HUB_EFULL },
		{ "\xff", HUB_ESYNTAX },
	};
	struct bench *b = *state;
	struct q *q;
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		q = NULL;
		why = NULL;
		if (q_parse(str_of(cases[i].q), b->german, &b->names, b->arena,
			&q, &why) != cases[i].err)
			fail_msg("%s: %s", cases[i].q, why);
		assert_true((q != NULL) == (cases[i].err == HUB_OK));
		assert_true(q != NULL || why != NULL);
	}
}

static enum hub_err
repeat(struct bench *b, const char *first, const char *more, unsigned n)
{
	enum hub_err err;
	struct q *q;
	const char *why;
	struct buf t;

	buf_init(&t, 100000);
	buf_adds(&t, str_of(first));
	for (unsigned i = 1; i < n; i++)
		buf_adds(&t, str_of(more));
	err = q_parse(buf_str(&t), b->core, &b->names, b->arena, &q, &why);
	buf_clear(&t);
	return (err);
}

static void
bounds_terms_values_and_length(void **state)
{
	assert_int_equal(repeat(*state, "a", ";a", 64), HUB_OK);
	assert_int_equal(repeat(*state, "a", ";a", 65), HUB_EFULL);
	assert_int_equal(repeat(*state, "a==1", ",1", 200), HUB_OK);
	assert_int_equal(repeat(*state, "a==1", ",1", 201), HUB_EFULL);
	assert_int_equal(repeat(*state, "a", "a", 4096), HUB_OK);
	assert_int_equal(repeat(*state, "a", "a", 4097), HUB_EFULL);
	assert_int_equal(repeat(*state, "(", "(", 4096), HUB_EFULL);
}

static void
collect(const struct name *name, void *arg)
{
	struct buf *b = arg;

	buf_adds(b, str_from(name->iri, strlen(NGSILD_DEFAULT)));
	buf_addc(b, ' ');
}

static void
names_the_attributes_it_needs(void **state)
{
	struct bench *b = *state;
	struct q *q;
	const char *why;
	struct buf t;

	buf_init(&t, 1000);
	assert_int_equal(
	    q_parse(STR("xa.xb==1;(!xc|xd[e]>2);createdAt"), b->core,
		&b->names, b->arena, &q, &why),
	    HUB_OK);
	q_names(q, collect, &t);
	assert_string_equal(buf_cstr(&t), "xa xc xd ");
	buf_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_numbers_as_decimals),
		cmocka_unit_test(compares_every_kind_of_value),
		cmocka_unit_test(compares_times_as_instants),
		cmocka_unit_test(walks_paths),
		cmocka_unit_test(sees_nothing_that_is_not_released),
		cmocka_unit_test(tries_patterns_on_text_only),
		cmocka_unit_test(tries_no_pattern_on_long_text),
		cmocka_unit_test(binds_and_tighter_than_or),
		cmocka_unit_test(compares_names_and_vocabulary_by_iri),
		cmocka_unit_test(says_why_it_refuses),
		cmocka_unit_test(bounds_terms_values_and_length),
		cmocka_unit_test(names_the_attributes_it_needs),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
