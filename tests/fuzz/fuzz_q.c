/* tests/fuzz/fuzz_q.c - any q, any pattern, any geo-query on one entity.
 *
 * The first line is a q, what follows up to the next line end coordinates,
 * the rest an attribute's JSON. Checked beside memory: a refusal has a reason
 * and no result, the same question has the same answer, "!path" is the
 * opposite of "path", and what is left of either to a source (narrow.h) can be
 * read again and selects all that is selected. */
#include <stdlib.h>

#include "server/ngsild/narrow.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct vocab *vocab;

static const char standing[] =
    "{\"type\":\"Property\",\"value\":{\"a\":[1,\"x\",{\"b\":true}]},"
    "\"observedAt\":\"2026-11-20T10:00:00Z\","
    "\"b\":{\"type\":\"Property\",\"value\":[1,2,\"2026-11-20\"]}}";

static struct str
line(struct str *rest)
{
	struct str part = STR_NONE;

	if (!str_cut(rest, '\n', &part))
		part = STR_NONE;
	return (part);
}

/* a is one of each kind, b what the input says, if it says JSON. */
static bool
make_entity(struct document *doc, struct str attr, struct names *names,
    struct arena *arena, struct entity *e)
{
	static const struct json_limits limits = { 32, 64, 4096 };
	const char *text = arena_printf(arena,
	    "{\"id\":\"urn:a:b\",\"type\":\"T\",\"a\":%s,\"b\":%.*s}", standing,
	    STR_FMT(attr));

	doc->context = vocab_core(vocab);
	return (
	    json_parse(&doc->json, str_of(text), &limits, arena) == HUB_OK &&
	    entity_read(doc, 0, names, arena, e) == HUB_OK);
}

/* Everything may be left to the source, or only what concerns a. */
static enum narrow_use
use_of(const struct name *name, void *arg)
{
	return (arg == NULL || str_suffix(name->iri, STR("/a")) ? NARROW_PUSH :
								  NARROW_LOCAL);
}

static void
narrow(const struct q *q, bool all, bool match, const struct entity *e,
    struct names *names, struct arena *arena)
{
	struct narrow n = { .context = vocab_core(vocab),
		.alternatives = true, .uris = all, .quote = '"',
		.names = names, .arena = arena, .use = use_of,
		.arg = all ? NULL : &vocab };
	struct str text = narrow_q(q, &n);
	struct q *less = NULL;
	const char *why = NULL;

	if (text.p == NULL)
		return;
	assert(text.len <= NARROW_TEXT_MAX);
	if (q_parse(text, n.context, names, arena, &less, &why) != HUB_OK)
		abort();
	assert(!match || q_match(less, e, names));
}

static void
ask(struct str text, const struct entity *e, struct names *names,
    struct arena *arena)
{
	struct q *q = NULL, *not = NULL;
	const char *why = NULL, *negated;
	bool match;

	if (q_parse(text, vocab_core(vocab), names, arena, &q, &why) !=
	    HUB_OK) {
		assert(q == NULL && why != NULL);
		return;
	}
	assert(q != NULL);
	match = q_match(q, e, names);
	assert(match == q_match(q, e, names));
	narrow(q, true, match, e, names, arena);
	narrow(q, false, match, e, names, arena);
	negated = arena_printf(arena, "!%.*s", STR_FMT(text));
	/* Only a lone path may have a "!" in front and nothing else changed. */
	if (text.p[0] != '!' && str_chr(text, ';') == text.len &&
	    str_chr(text, '|') == text.len &&
	    q_parse(str_of(negated), vocab_core(vocab), names, arena, &not,
		&why) == HUB_OK)
		assert(q_match(not, e, names) != match);
}

enum relation { EQUALS, DISJOINT, INTERSECTS, CONTAINS, WITHIN, OVERLAPS };

/* What follows from what, for one geometry that could be judged. */
static void
check_relations(const bool *holds)
{
	assert(!(holds[DISJOINT] && holds[INTERSECTS]));
	if (holds[EQUALS])
		assert(holds[WITHIN] && holds[CONTAINS]);
	if (holds[WITHIN] || holds[CONTAINS])
		assert(!holds[DISJOINT] && !holds[OVERLAPS]);
	if (holds[OVERLAPS])
		assert(!holds[DISJOINT]);
}

static void
reach(const struct geo *geo, const struct entity *e, const struct name *name,
    struct arena *arena)
{
	struct geo *wider = NULL;
	const char *why = NULL;
	struct geo_reach r;
	struct geo_text t;

	if (!geo_reach(geo, &r))
		return;
	t = geo_reach_text(&r, arena);
	if (geo_parse(t.georel, t.geometry, t.coordinates, name, arena, &wider,
		&why) != HUB_OK)
		abort();
	assert(!geo_match(geo, e) || geo_match(wider, e));
}

static bool
holds(const char *georel, const char *geometry, struct str coordinates,
    const struct entity *e, const struct name *name, struct arena *arena)
{
	const char *why = NULL;
	struct geo *geo = NULL;

	if (geo_parse(str_of(georel), str_of(geometry), coordinates, name,
		arena, &geo, &why) == HUB_OK) {
		reach(geo, e, name, arena);
		return (geo_match(geo, e));
	}
	assert(geo == NULL && why != NULL);
	return (false);
}

static void
place(struct str coordinates, const struct entity *e, const struct name *name,
    struct arena *arena)
{
	static const char *const kinds[] = { "Point", "MultiPoint",
		"LineString", "MultiLineString", "Polygon", "MultiPolygon" };
	static const char *const relations[] = { "equals", "disjoint",
		"intersects", "contains", "within", "overlaps" };
	bool held[sizeof(relations) / sizeof(relations[0])];
	unsigned instances = 0;

	for (unsigned i = 0; i < e->ninstances; i++)
		instances += e->instances[i].name == name;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		(void)holds("near;maxDistance==1000", kinds[k], coordinates, e,
		    name, arena);
		(void)holds("near;minDistance==1000", kinds[k], coordinates, e,
		    name, arena);
		for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
			held[i] = holds(relations[i], kinds[k], coordinates, e,
			    name, arena);
		if (instances == 1)
			check_relations(held);
	}
}

static void
match(struct str pattern, struct str text, struct arena *arena)
{
	struct pattern *p = NULL;
	const char *why = NULL;

	if (pattern_new(pattern, arena, &p, &why) != HUB_OK)
		assert(p == NULL && why != NULL);
	else
		assert(pattern_match(p, text) == pattern_match(p, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, q, coordinates;
	struct document doc = { 0 };
	struct arena *arena;
	struct names names;
	struct entity e;

	if (size == 0 || size > 8192)
		return (0);
	if (vocab == NULL)
		vocab = vocab_new();
	arena = arena_new();
	names_init(&names, vocab, arena);
	q = line(&rest);
	coordinates = line(&rest);
	match(q, rest, arena);
	if (!make_entity(&doc, rest, &names, arena, &e) &&
	    !make_entity(&doc, STR("1"), &names, arena, &e))
		abort();
	if (q.len > 0)
		ask(q, &e, &names, arena);
	place(coordinates, &e, context_expand(doc.context, &names, STR("b")),
	    arena);
	arena_free(arena);
	return (0);
}
