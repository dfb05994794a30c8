/* server/ngsild/query_body.c - a query in a body (ETSI GS CIM 009, 5.2.23);
 * query.h says what they mean.
 *
 * The members are the URL's parameters in JSON, so each is handed to the same
 * reader. A member is taken, known and refused, or unknown. */
#include "server/ngsild/query_priv.h"

struct body {
	struct query_reader r;
	const struct json *json;
	bool query; /* "type": "Query" was there */
	unsigned npatterns;
	/* Selectors that have a type, an id. */
	unsigned typed, identified;
	uint32_t *temporal_q; /* NULL: a query of the present */
};

typedef enum hub_err (*member_fn)(struct body *, uint32_t node);
typedef enum hub_err (*text_fn)(struct query_reader *, struct str);

struct member_rule {
	struct str name;
	member_fn read;
	enum hub_err refusal; /* when read is NULL */
};

/* ---- JSON to text */

/* A string that is not empty, as the URL's parameters are. */
static enum hub_err
get_text(struct body *b, uint32_t node, struct str *text_r)
{
	if (b->json->nodes[node].kind != JSON_STRING)
		return (query_bad(&b->r,
		    "a member of the query is no string where it must be"));
	*text_r = json_text(b->json, node, b->r.arena);
	if (text_r->len == 0 || memchr(text_r->p, '\0', text_r->len) != NULL)
		return (query_bad(&b->r, "a string in the query is empty"));
	return (HUB_OK);
}

static enum hub_err
read_text(struct body *b, uint32_t node, text_fn read)
{
	struct str text = STR_NONE;
	enum hub_err err = get_text(b, node, &text);

	return (err == HUB_OK ? read(&b->r, text) : err);
}

/* An array of strings that is not empty. */
static enum hub_err
read_texts(struct body *b, uint32_t node, text_fn add)
{
	const struct json_node *n = b->json->nodes;
	enum hub_err err = HUB_OK;

	if (n[node].kind != JSON_ARRAY || n[node].count == 0)
		return (query_bad(&b->r,
		    "a member of the query is no list where it must be"));
	for (uint32_t e = node + 1; err == HUB_OK && e < n[node].next;
	     e = n[e].next)
		err = read_text(b, e, add);
	return (err);
}

/* Each member of an object by its rule; what names the object. */
static enum hub_err
read_members(struct body *b, uint32_t node, const struct member_rule *rules,
    size_t nrules, const char *what)
{
	const struct json_node *n = b->json->nodes;
	enum hub_err err = HUB_OK;
	size_t i;

	for (uint32_t k = node + 1; err == HUB_OK && k < n[node].next;
	     k = n[k + 1].next) {
		for (i = 0; i < nrules; i++)
			if (json_is(b->json, k, rules[i].name))
				break;
		if (i == nrules)
			return (query_unknown(
			    &b->r, what, json_text(b->json, k, b->r.arena)));
		err = rules[i].read != NULL
			  ? rules[i].read(b, k + 1)
			  : query_refuse_known(
				&b->r, rules[i].refusal, rules[i].name);
	}
	return (err);
}
#define READ_MEMBERS(b, node, rules, what)                                     \
	read_members(b, node, rules, sizeof(rules) / sizeof((rules)[0]), what)

static enum hub_err
skip(struct body *b HUB_UNUSED, uint32_t node HUB_UNUSED)
{
	return (HUB_OK);
}

/* ---- entities */

static struct selector *
selector_last(struct body *b)
{
	return (&b->r.query->selectors[b->r.query->nselectors]);
}

static enum hub_err
read_selector_type(struct body *b, uint32_t node)
{
	struct str text = STR_NONE;
	enum hub_err err = get_text(b, node, &text);

	b->typed++;
	return (err == HUB_OK
		    ? query_read_type(&b->r, text, &selector_last(b)->type_expr)
		    : err);
}

static enum hub_err
read_selector_id(struct body *b, uint32_t node)
{
	struct query *q = b->r.query;
	struct str text = STR_NONE;
	enum hub_err err = get_text(b, node, &text);

	if (err != HUB_OK)
		return (err);
	if (!query_is_uri(text))
		return (query_bad(&b->r, "id holds something that is no URI"));
	selector_last(b)->id = q->ids[b->identified++] = text;
	return (HUB_OK);
}

static enum hub_err
read_selector_pattern(struct body *b, uint32_t node)
{
	struct str text = STR_NONE;
	enum hub_err err = get_text(b, node, &text);

	if (err != HUB_OK)
		return (err);
	if (++b->npatterns > QUERY_PATTERNS_MAX)
		return (query_bad(
		    &b->r, "more than 10 selectors have an idPattern"));
	return (
	    query_read_pattern(&b->r, text, &selector_last(b)->id_pattern_re));
}

static enum hub_err
read_selector(struct body *b, uint32_t node)
{
	static const struct member_rule rules[] = {
		{ { "id", 2 }, read_selector_id, 0 },
		{ { "idPattern", 9 }, read_selector_pattern, 0 },
		{ { "type", 4 }, read_selector_type, 0 },
	};
	enum hub_err err;

	if (b->json->nodes[node].kind != JSON_OBJECT)
		return (query_bad(&b->r, "entities holds no selector"));
	err = READ_MEMBERS(b, node, rules, "member of entities");
	b->r.query->nselectors++;
	return (err);
}

/* Names and ids go to planning only if no selector does without. */
static enum hub_err
read_entities(struct body *b, uint32_t node)
{
	const struct json_node *n = b->json->nodes;
	struct query *q = b->r.query;
	enum hub_err err = HUB_OK;

	if (n[node].kind != JSON_ARRAY || n[node].count == 0 ||
	    n[node].count > QUERY_SELECTORS_MAX)
		return (query_bad(
		    &b->r, "entities is no list of 1 to 100 selectors"));
	q->selectors =
	    arena_array(b->r.arena, n[node].count, sizeof(*q->selectors));
	q->ids = arena_array(b->r.arena, n[node].count, sizeof(*q->ids));
	for (uint32_t e = node + 1; err == HUB_OK && e < n[node].next;
	     e = n[e].next)
		err = read_selector(b, e);
	b->r.type_given = b->typed == q->nselectors;
	if (!b->r.type_given)
		q->ntypes = 0;
	q->nids = b->identified == q->nselectors ? b->identified : 0;
	return (err);
}

/* ---- the rest */

static enum hub_err
read_kind(struct body *b, uint32_t node)
{
	if (b->json->nodes[node].kind != JSON_STRING ||
	    !json_is(b->json, node, STR("Query")))
		return (query_bad(&b->r, "the type of the body is not Query"));
	b->query = true;
	return (HUB_OK);
}

static enum hub_err
read_attrs(struct body *b, uint32_t node)
{
	return (read_texts(b, node, query_add_attr));
}

static enum hub_err
read_pick(struct body *b, uint32_t node)
{
	return (read_texts(b, node, query_add_pick));
}

static enum hub_err
read_omit(struct body *b, uint32_t node)
{
	return (read_texts(b, node, query_add_omit));
}

/* A list, or one alone. */
static enum hub_err
read_dataset_id(struct body *b, uint32_t node)
{
	return (b->json->nodes[node].kind == JSON_STRING
		    ? read_text(b, node, query_add_dataset)
		    : read_texts(b, node, query_add_dataset));
}

static enum hub_err
read_q(struct body *b, uint32_t node)
{
	return (read_text(b, node, query_read_q));
}

static enum hub_err
read_csf(struct body *b, uint32_t node)
{
	return (read_text(b, node, query_read_csf));
}

static enum hub_err
read_scope_q(struct body *b, uint32_t node)
{
	return (read_text(b, node, query_read_scope_q));
}

static enum hub_err
read_lang(struct body *b, uint32_t node)
{
	return (read_text(b, node, query_read_lang));
}

static enum hub_err
read_switch(struct body *b, uint32_t node, bool *on, const char *why)
{
	enum json_kind kind = (enum json_kind)b->json->nodes[node].kind;

	*on = kind == JSON_TRUE;
	return (kind == JSON_TRUE || kind == JSON_FALSE
		    ? HUB_OK
		    : query_bad(&b->r, why));
}

static enum hub_err
read_split(struct body *b, uint32_t node)
{
	b->r.query->split_entities_given = true;
	return (read_switch(b, node, &b->r.query->split_entities,
	    "splitEntities takes true or false"));
}

/* The URL may have them, too; what the body says counts. */
static enum hub_err
read_entity_map(struct body *b, uint32_t node)
{
	return (read_switch(b, node, &b->r.query->entity_map,
	    "entityMap takes true or false"));
}

static enum hub_err
read_map_life(struct body *b, uint32_t node)
{
	return (read_text(b, node, query_read_map_life));
}

static enum hub_err
read_georel(struct body *b, uint32_t node)
{
	return (get_text(b, node, &b->r.georel));
}

static enum hub_err
read_geometry(struct body *b, uint32_t node)
{
	return (get_text(b, node, &b->r.geometry));
}

static enum hub_err
read_geoproperty(struct body *b, uint32_t node)
{
	return (get_text(b, node, &b->r.geoproperty));
}

/* An array, or as in a URL its text (5.2.13). */
static enum hub_err
read_coordinates(struct body *b, uint32_t node)
{
	if (b->json->nodes[node].kind != JSON_ARRAY)
		return (get_text(b, node, &b->r.coordinates));
	b->r.coordinates = json_span(b->json, node);
	return (HUB_OK);
}

static enum hub_err
read_geo_q(struct body *b, uint32_t node)
{
	static const struct member_rule rules[] = {
		{ { "georel", 6 }, read_georel, 0 },
		{ { "geometry", 8 }, read_geometry, 0 },
		{ { "coordinates", 11 }, read_coordinates, 0 },
		{ { "geoproperty", 11 }, read_geoproperty, 0 },
	};

	if (b->json->nodes[node].kind != JSON_OBJECT ||
	    b->json->nodes[node].count == 0)
		return (query_bad(&b->r, "geoQ is no geo-query"));
	return (READ_MEMBERS(b, node, rules, "member of geoQ"));
}

/* Read by who asks about the past (temporal.h). */
static enum hub_err
read_temporal_q(struct body *b, uint32_t node)
{
	if (b->temporal_q == NULL)
		return (query_refuse_known(
		    &b->r, HUB_ESYNTAX, STR("temporalQ")));
	*b->temporal_q = node;
	return (HUB_OK);
}

static const struct member_rule members[] = {
	{ { "type", 4 }, read_kind, 0 },
	{ { "@context", 8 }, skip, 0 },
	{ { "entities", 8 }, read_entities, 0 },
	{ { "attrs", 5 }, read_attrs, 0 },
	{ { "pick", 4 }, read_pick, 0 },
	{ { "omit", 4 }, read_omit, 0 },
	{ { "q", 1 }, read_q, 0 },
	{ { "csf", 3 }, read_csf, 0 },
	{ { "scopeQ", 6 }, read_scope_q, 0 },
	{ { "geoQ", 4 }, read_geo_q, 0 },
	{ { "lang", 4 }, read_lang, 0 },
	{ { "datasetId", 9 }, read_dataset_id, 0 },
	{ { "splitEntities", 13 }, read_split, 0 },
	{ { "join", 4 }, NULL, HUB_ENOTSUP },
	{ { "joinLevel", 9 }, NULL, HUB_ENOTSUP },
	{ { "containedBy", 11 }, NULL, HUB_ENOTSUP },
	{ { "entityMap", 9 }, read_entity_map, 0 },
	{ { "entityMapLifetime", 17 }, read_map_life, 0 },
	{ { "jsonKeys", 8 }, NULL, HUB_ENOTSUP },
	{ { "expandValues", 12 }, NULL, HUB_ENOTSUP },
	{ { "audit", 5 }, NULL, HUB_ENOTSUP },
	{ { "temporalQ", 9 }, read_temporal_q, 0 },
	{ { "orderBy", 7 }, NULL, HUB_ESYNTAX },
	{ { "collation", 9 }, NULL, HUB_ESYNTAX },
	{ { "orderFrom", 9 }, NULL, HUB_ESYNTAX },
};

static enum hub_err
read_body(struct body *b)
{
	enum hub_err err;

	if (b->json->nodes[0].kind != JSON_OBJECT)
		return (query_bad(&b->r, "the body is no Query"));
	err = READ_MEMBERS(b, 0, members, "member of the query");
	if (err == HUB_OK && !b->query)
		err = query_bad(&b->r, "the body lacks the type Query");
	return (err);
}

enum hub_err
query_parse_body(const struct json *json, const struct http_uri *uri,
    const struct context *context, struct names *names, struct arena *arena,
    struct query *query_r, struct query_error *error_r)
{
	return (query_parse_body_temporal(json, uri, context, names, arena,
	    query_r, NULL, error_r));
}

enum hub_err
query_parse_body_temporal(const struct json *json, const struct http_uri *uri,
    const struct context *context, struct names *names, struct arena *arena,
    struct query *query_r, uint32_t *temporal_q_r,
    struct query_error *error_r)
{
	struct query query = { .limit = QUERY_LIMIT_DEFAULT };
	struct body b = { .json = json,
		.temporal_q = temporal_q_r,
		.r = { .query = &query,
		    .context = context,
		    .names = names,
		    .arena = arena,
		    .error = error_r } };
	enum hub_err err = query_read_page(&b.r, uri);

	if (err == HUB_OK)
		err = read_body(&b);
	if (err == HUB_OK)
		err = query_finish(&b.r, false);
	if (err == HUB_OK)
		*query_r = query;
	return (err);
}
