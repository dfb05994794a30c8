/* tests/fuzz/fuzz_query_body.c - any body of a query, asked of one entity.
 *
 * The first line is the URL's query, the rest the body. Checked beside memory:
 * a refusal has a status and a reason and leaves no query, none is too wide,
 * an entity that matches is one that planning would have asked for, and
 * projecting twice is projecting once. */
#include <stdlib.h>

#include "server/ngsild/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct vocab *vocab;

static const char standing[] =
    "{\"id\":\"urn:a:1\",\"type\":[\"A\",\"B\"],\"scope\":[\"/a/b\",\"/c\"],"
    "\"x\":[{\"type\":\"Property\",\"value\":1},"
    "{\"type\":\"Property\",\"value\":2,\"datasetId\":\"urn:d:1\"}],"
    "\"location\":{\"type\":\"GeoProperty\",\"value\":{\"type\":"
    "\"LineString\",\"coordinates\":[[7,51],[7.5,51.5],[8,51]]}}}";

static const struct json_limits limits = { 32, 1024, 20000 };

static void
make_entity(struct document *doc, struct names *names, struct arena *arena,
    struct entity *e)
{
	doc->context = vocab_core(vocab);
	if (json_parse(&doc->json, str_of(standing), &limits, arena) !=
		HUB_OK ||
	    entity_read(doc, 0, names, arena, e) != HUB_OK)
		abort();
}

static bool
read_uri(struct str line, struct arena *arena, struct buf *scratch,
    struct http_uri *uri)
{
	const char *target = arena_printf(
	    arena, "/ngsi-ld/v1/entityOperations/query?%.*s", STR_FMT(line));
	struct str dup;

	return (http_uri_parse(str_of(target), scratch, uri, &dup) == HUB_OK);
}

/* Would planning, which knows types and ids, have asked for it? */
static void
check_planned(const struct query *q, const struct entity *e)
{
	bool typed = q->ntypes == 0, named = q->nids == 0;

	for (unsigned i = 0; i < q->ntypes; i++)
		typed |= entity_has_type(e, q->types[i]);
	for (unsigned i = 0; i < q->nids; i++)
		named |= str_eq(q->ids[i], e->id);
	assert(typed || q->any_type);
	assert(named);
}

static void
check_projected(const struct query *q, struct entity *e)
{
	unsigned n;

	query_project(q, e);
	n = e->ninstances;
	query_project(q, e);
	assert(e->ninstances == n);
	assert(q->pick == NULL || q->npick > 0 || n == 0);
	assert(!q->hide_scope || e->scope.node == 0);
}

static void
ask(const struct query *q, struct names *names, struct arena *arena)
{
	struct document doc = { 0 };
	struct entity e;

	make_entity(&doc, names, arena, &e);
	assert(q->ntypes > 0 || q->any_type || q->nattrs > 0 || q->q != NULL ||
	       q->geo != NULL || q->local);
	assert(q->nselectors <= QUERY_SELECTORS_MAX);
	assert(q->limit <= QUERY_LIMIT_MAX && (q->limit > 0 || q->count));
	if (query_selectors_match(q, &e))
		check_planned(q, &e);
	assert(query_scope_match(q, &e) == query_scope_match(q, &e));
	if (q->q != NULL)
		(void)q_match(q->q, &e, names);
	if (q->geo != NULL)
		(void)geo_match(q->geo, &e);
	check_projected(q, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, line = STR_NONE;
	struct query_error error = { 0 };
	struct query q = { 0 };
	struct arena *arena;
	struct names names;
	struct http_uri uri;
	struct json j;
	struct buf scratch;

	if (size == 0 || size > 8192)
		return (0);
	if (vocab == NULL)
		vocab = vocab_new();
	arena = arena_new();
	names_init(&names, vocab, arena);
	buf_init(&scratch, 32768);
	if (str_cut(&rest, '\n', &line) && rest.p != NULL &&
	    read_uri(line, arena, &scratch, &uri) &&
	    json_parse(&j, rest, &limits, arena) == HUB_OK) {
		if (query_parse_body(&j, &uri, vocab_core(vocab), &names, arena,
			&q, &error) == HUB_OK)
			ask(&q, &names, arena);
		else
			assert(error.status >= 400 && error.type != NULL &&
			       error.detail != NULL && q.limit == 0);
	}
	buf_clear(&scratch);
	arena_free(arena);
	return (0);
}
