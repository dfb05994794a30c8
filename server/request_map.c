/* server/request_map.c - entity maps (ETSI GS CIM 009, 5.5.9.3, 5.14, 6.32,
 * 6.34): which one a query names, how one is made, and the resource itself.
 * Pages of a map are in request_map_page.c. */
#include <stdlib.h>

#include "server/request_priv.h"

#define ROOT STR("/ngsi-ld/v1/entityMaps/")

/* Longer locations are none of ours. */
#define LOCATION_MAX 1024
/* A query that was accepted, taken apart. */
#define QUESTION_MAX ((size_t)16 << 20)

static struct entity_map_owner
owner_of(const struct request *rq)
{
	struct entity_map_owner o = { .tenant = rq->identity.tenant->name,
		.generation = rq->snapshot->generation };

	if (rq->purpose != NULL)
		o.purpose = rq->purpose->name;
	return (o);
}

/* ---- the question: what must be the same on all pages */

/* How the answer looks and where it begins: free on each page. Whatever is
 * not here counts as a filter. */
static const struct str forms[] = {
	{ "limit", 5 },
	{ "offset", 6 },
	{ "count", 5 },
	{ "options", 7 },
	{ "format", 6 },
	{ "lang", 4 },
	{ "pick", 4 },
	{ "omit", 4 },
	{ "datasetId", 9 },
	{ "geometryProperty", 16 },
	{ "entityMap", 9 },
	{ "entityMapLifetime", 17 },
};

static bool
is_form(struct str name)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (str_eq(forms[i], name))
			return (true);
	return (false);
}

/* With its length before it: no two lists of parts give the same bytes. */
static void
add_part(struct buf *b, struct str s)
{
	uint64_t len = s.len;

	buf_add(b, &len, sizeof(len));
	buf_adds(b, s);
}

static int
param_cmp(const void *a, const void *b)
{
	const struct http_param *pa = a, *pb = b;

	return (str_cmp(pa->name, pb->name));
}

static void
add_params(const struct http_uri *u, struct buf *b)
{
	struct http_param sorted[HTTP_PARAMS_MAX];

	memcpy(sorted, u->params, u->nparams * sizeof(sorted[0]));
	qsort(sorted, u->nparams, sizeof(sorted[0]), param_cmp);
	for (unsigned i = 0; i < u->nparams; i++) {
		if (is_form(sorted[i].name))
			continue;
		add_part(b, sorted[i].name);
		add_part(b, sorted[i].value);
	}
}

/* A value without the blanks around its parts. */
static void
add_value(const struct json *j, uint32_t node, struct arena *a, struct buf *b)
{
	const struct json_node *n = j->nodes;

	for (uint32_t i = node; i < n[node].next; i++) {
		buf_addc(b, (char)n[i].kind);
		if (n[i].kind == JSON_ARRAY || n[i].kind == JSON_OBJECT)
			buf_add(b, &n[i].count, sizeof(n[i].count));
		else if (n[i].kind == JSON_STRING)
			add_part(b, json_text(j, i, a));
		else
			add_part(b, json_span(j, i));
	}
}

struct body_member {
	struct str name;
	uint32_t value;
};

static int
member_cmp(const void *a, const void *b)
{
	const struct body_member *ma = a, *mb = b;

	return (str_cmp(ma->name, mb->name));
}

static void
add_members(const struct json *j, struct arena *a, struct buf *b)
{
	const struct json_node *nodes = j->nodes;
	struct body_member *m = arena_array(a, nodes[0].count, sizeof(*m));
	uint32_t n = 0;

	for (uint32_t k = 1; k < nodes[0].next; k = nodes[k + 1].next)
		m[n++] = (struct body_member){ json_text(j, k, a), k + 1 };
	qsort(m, n, sizeof(*m), member_cmp);
	for (uint32_t i = 0; i < n; i++) {
		if (is_form(m[i].name))
			continue;
		add_part(b, m[i].name);
		add_value(j, m[i].value, a, b);
	}
}

/* Names mean what the context says, so it belongs to the question (5.5.9). */
static bool
hash_question(struct request *rq, const struct json *j)
{
	struct buf b;
	bool ok;

	buf_init(&b, QUESTION_MAX);
	add_part(&b, context_url(rq->context));
	add_part(&b, j != NULL ? STR("body") : STR("url"));
	add_params(&rq->uri, &b);
	if (j != NULL)
		add_members(j, rq->arena, &b);
	ok = !b.failed;
	if (ok)
		sha256(buf_str(&b), rq->map_query.hash);
	buf_clear(&b);
	return (ok);
}

/* ---- a query begins */

/* The id in a location: a path of ours, the same behind an authority, or the
 * id alone. What is none is as unknown as any other. */
static struct str
location_id(struct str location)
{
	size_t at = location.len;

	while (at > 0 && location.p[at - 1] != '/')
		at--;
	return (str_from(location, at));
}

static bool
is_location(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return (false);
	return (s.len > 0 && s.len <= LOCATION_MAX);
}

/* One that expired, or was made by somebody else, for another purpose or
 * under another policy, is not there: a new one is made (5.7.2.4). */
static enum step_next
find_map(struct request *rq, struct str location)
{
	struct entity_map_owner owner = owner_of(rq);

	rq->map = entity_maps_find(
	    rq->worker->maps, location_id(location), &owner, rq->now);
	if (rq->map == NULL)
		rq->query.entity_map = true;
	else if (!entity_map_same_query(rq->map, &rq->map_query))
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "the entity map was made with other filters or another "
		    "@context"));
	else
		rq->query.entity_map = false;
	return (go(rq, &STEP_DECIDE));
}

enum step_next
map_begin(struct request *rq, const struct json *j)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	unsigned n = 0;
	struct str location = STR_NONE;

	if (rq->retrieve)
		return (go(rq, &STEP_DECIDE));
	if (rq->map_only)
		rq->query.entity_map = true;
	else
		location = http_field_find(h, STR("NGSILD-EntityMap"), &n);
	if (n > 1 || (n == 1 && !is_location(location)))
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "NGSILD-EntityMap must be one location"));
	if ((n == 1 || rq->query.entity_map) && !hash_question(rq, j))
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "the query is too large for an entity map"));
	return (n == 1 ? find_map(rq, location) : go(rq, &STEP_DECIDE));
}

static enum step_next
run_create(struct request *rq)
{
	rq->map_only = true;
	return (go(rq, &STEP_QUERY));
}

const struct step STEP_MAP_CREATE = { "map-create", run_create };

/* ---- a map is made */

static int
view_cmp(const void *a, const void *b)
{
	const struct map_view *va = a, *vb = b;
	int c = str_cmp(va->id, vb->id);

	if (c != 0)
		return (c);
	return (va->dataset < vb->dataset ? -1 : va->dataset > vb->dataset);
}

/* Entities and views are both in order of id; a source may have given an
 * entity twice. */
static struct entity_map_item *
items_of(struct request *rq, const struct map_views *views)
{
	struct entity_map_item *items =
	    arena_array(rq->arena, rq->nfound, sizeof(*items));
	uint32_t *datasets = arena_raw(rq->arena, views->n * sizeof(*datasets));
	size_t v = 0;

	for (size_t i = 0; i < rq->nfound; i++) {
		struct entity_map_item *it = &items[i];

		it->id = rq->found[i]->id;
		it->datasets = datasets;
		while (v < views->n && str_cmp(views->v[v].id, it->id) < 0)
			v++;
		for (; v < views->n && str_eq(views->v[v].id, it->id); v++)
			if (it->ndatasets == 0 ||
			    datasets[-1] != views->v[v].dataset) {
				*datasets++ = views->v[v].dataset;
				it->ndatasets++;
			}
	}
	return (items);
}

enum problem
map_make(struct request *rq, const struct map_views *views, const char **why_r)
{
	int64_t life = rq->query.entity_map_us;
	struct entity_map_owner owner = owner_of(rq);
	enum hub_err err = HUB_EFULL;

	if (!rq->query.entity_map)
		return (PROBLEM_MAX);
	if (rq->nfound <= ENTITY_MAP_IDS_MAX) {
		qsort(views->v, views->n, sizeof(*views->v), view_cmp);
		err = entity_maps_add(rq->worker->maps, &owner, &rq->map_query,
		    items_of(rq, views), (uint32_t)rq->nfound, rq->now,
		    life > 0 ? life : ENTITY_MAP_LIFE_US, &rq->map);
	}
	*why_r = "too many entities for an entity map; ask for less";
	return (err == HUB_OK ? PROBLEM_MAX : PROBLEM_TOO_MANY_RESULTS);
}

void
map_fields(const struct request *rq, struct buf *b)
{
	if (rq->map == NULL)
		return;
	BUF_LIT(b, "NGSILD-EntityMap: ");
	buf_adds(b, ROOT);
	buf_adds(b, entity_map_id(rq->map));
	BUF_LIT(b, "\r\n");
}

/* ---- its document (5.2.39) */

/* Which datasets the consumer may ask now: an agreement may have ended since
 * the map was made. By index in the region. */
static bool *
known_datasets(struct request *rq)
{
	struct policy_query pq = { .consumer = rq->identity.tenant,
		.purpose = rq->purpose,
		.action = ACTION_QUERY,
		.at = rq->now,
		.nvoid = rq->nvoid,
		.voids = rq->voids };
	const struct policy_leg *legs = NULL;
	bool *known = arena_array(
	    rq->arena, rq->snapshot->region->ndatasets, sizeof(*known));
	unsigned n = 0;

	policy_plan(rq->snapshot->policy, &pq, rq->arena, &legs, &n);
	for (unsigned i = 0; i < n; i++)
		known[legs[i].dataset->index] = true;
	return (known);
}

/* A registration's id is a URI; a dataset of a region file has a name. */
static void
add_registration(const struct request *rq, uint32_t dataset, struct buf *b)
{
	struct str name = rq->snapshot->region->datasets[dataset].name;

	if (query_is_uri(name)) {
		buf_add_json(b, name);
		return;
	}
	BUF_LIT(b, "\"urn:ngsi-ld:ContextSourceRegistration:");
	buf_add_url(b, name, "");
	buf_addc(b, '"');
}

/* false: nothing of it is known, and nothing was written. */
static bool
add_item(const struct request *rq, const struct entity_map_item *it,
    const bool *known, bool more, struct buf *b)
{
	bool any = false;

	for (unsigned k = 0; k < it->ndatasets; k++) {
		if (!known[it->datasets[k]])
			continue;
		if (!any) {
			if (more)
				buf_addc(b, ',');
			buf_add_json(b, it->id);
			buf_addc(b, ':');
		}
		buf_addc(b, any ? ',' : '[');
		any = true;
		add_registration(rq, it->datasets[k], b);
	}
	if (any)
		buf_addc(b, ']');
	return (any);
}

static void
add_items(struct request *rq, struct buf *b)
{
	const bool *known = known_datasets(rq);
	uint32_t at[64], from = 0, n;

	while ((n = entity_map_places(rq->map, &from, 0, at, 64)) > 0)
		for (uint32_t i = 0; i < n; i++) {
			struct entity_map_item it =
			    entity_map_item(rq->map, at[i]);

			if (add_item(rq, &it, known, rq->nnames > 0, b))
				rq->nnames++;
		}
}

/* linkedMaps stays empty: sources are asked for entities, not for maps. */
void
map_write(struct request *rq)
{
	char expires[WALL_STR_MAX];
	struct buf *b = &rq->body;

	wall_format(entity_map_expires(rq->map), expires);
	BUF_LIT(b, "{\"id\":");
	buf_add_json(b, entity_map_id(rq->map));
	buf_addf(b, ",\"type\":\"EntityMap\",\"expiresAt\":\"%s\"", expires);
	BUF_LIT(b, ",\"entityMap\":{");
	add_items(rq, b);
	BUF_LIT(b, "},\"linkedMaps\":{}");
	if (rq->ld) {
		BUF_LIT(b, ",\"@context\":");
		buf_add_json(b, context_url(rq->context));
	}
	buf_addc(b, '}');
}

/* ---- the resource: retrieve, update, delete */

/* 204 */
static enum step_next
send_nothing(struct request *rq)
{
	rq->status = 204;
	answer_common_fields(rq);
	return (answer_send(rq));
}

/* What an update may hold. The members that only the hub writes are ignored,
 * so that a map may be sent back as it was read (5.14.2.4). */
static const char *
check_update(const struct request *rq, const struct json *j)
{
	static const struct str members[] = { { "id", 2 }, { "type", 4 },
		{ "expiresAt", 9 }, { "entityMap", 9 }, { "linkedMaps", 10 },
		{ "@context", 8 } };
	const size_t n = sizeof(members) / sizeof(members[0]);
	uint32_t id = json_member(j, 0, STR("id"));
	uint32_t type = json_member(j, 0, STR("type"));
	size_t i;

	for (uint32_t k = 1; k < j->nodes[0].next; k = j->nodes[k + 1].next) {
		for (i = 0; i < n && !json_is(j, k, members[i]); i++)
			;
		if (i == n)
			return ("a member that no EntityMap has");
	}
	if (type != 0 && (j->nodes[type].kind != JSON_STRING ||
			     !json_is(j, type, STR("EntityMap"))))
		return ("the type is not EntityMap");
	if (id != 0 && (j->nodes[id].kind != JSON_STRING ||
			   !json_is(j, id, rq->uri.segments[3])))
		return ("the id cannot be changed");
	return (NULL);
}

static enum step_next
run_update(struct request *rq)
{
	struct wall_us at = WALL_ABSENT;
	const char *why = NULL;
	struct json j;
	enum problem p = media_read_body(rq, &j, &why);
	uint32_t node;

	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	why = check_update(rq, &j);
	if (why != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, why));
	node = json_member(&j, 0, STR("expiresAt"));
	if (node == 0 || j.nodes[node].kind != JSON_STRING ||
	    wall_parse(json_text(&j, node, rq->arena), &at) != HUB_OK)
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "expiresAt must be there, a DateTime"));
	if (at.us <= rq->now.us)
		return (refuse(
		    rq, PROBLEM_BAD_REQUEST, "expiresAt is not in the future"));
	entity_map_set_expires(rq->map, at, rq->now);
	return (send_nothing(rq));
}

/* Whoever reads a map reads ids of its view: in the ledger, like discovery. */
static enum step_next
run_read(struct request *rq)
{
	rq->map_only = true;
	return (request_conclude(rq, 200));
}

static enum step_next
run_map(struct request *rq)
{
	struct entity_map_owner owner = owner_of(rq);
	struct str id = rq->uri.segments[3];

	if (rq->uri.nparams > 0)
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "a parameter that this resource does not have"));
	if (!query_is_uri(id))
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "the id of an entity map is a URI"));
	rq->map = entity_maps_find(rq->worker->maps, id, &owner, rq->now);
	if (rq->map == NULL)
		return (refuse(rq, PROBLEM_NO_ROUTE, NULL));
	switch (http_exchange_head(rq->exchange)->method) {
	case HTTP_PATCH:
		return (run_update(rq));
	case HTTP_DELETE:
		entity_maps_remove(rq->map);
		return (send_nothing(rq));
	default:
		return (run_read(rq));
	}
}

const struct step STEP_MAP = { "map", run_map };
