/* tests/support/broker_data.c - what a fake broker holds and how it answers:
 * entities leave as the bytes of the file. Filters are by type, id and attrs
 * only; q and geo are left to whoever asks, as many brokers do. */
#include "tests/support/hubtool.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/ngsild/context.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX     1000
#define TYPES_MAX     8
#define LIST_MAX      256
#define FALLBACK_TIME "2026-11-22T12:00:00Z"

struct held {
	uint32_t node;
	unsigned ntypes;
	const struct name *types[TYPES_MAX];
	struct str id, time; /* time: of sysAttrs, when an attribute has none */
};

struct broker_data {
	struct arena *arena;
	struct vocab *vocab;
	const struct context *context;
	struct str url;
	struct broker_paging paging;
	struct json json;
	unsigned n;
	struct held *held;
};

/* One request: what was asked, in names and raw text. */
struct asked {
	unsigned ntypes, nids, nattrs;
	bool any_type, sys_attrs, count;
	const struct name *types[LIST_MAX], *attrs[LIST_MAX];
	struct str ids[LIST_MAX];
	uint64_t limit, offset;
	struct names names;
};

/* ---- loading */

static struct str
time_of(struct broker_data *d, uint32_t entity)
{
	static const char *const names[] = { "dateObserved",
		"observationDateTime", "dateLastValueReported" };
	const struct json *j = &d->json;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t v = json_member(j, entity, str_of(names[i]));

		if (v != 0 && j->nodes[v].kind == JSON_OBJECT)
			v = json_member(j, v, STR("value"));
		if (v != 0 && j->nodes[v].kind == JSON_OBJECT)
			v = json_member(j, v, STR("@value"));
		if (v != 0 && j->nodes[v].kind == JSON_STRING)
			return (json_text(j, v, d->arena));
	}
	return (STR(FALLBACK_TIME));
}

static bool
add_type(struct broker_data *d, struct held *h, uint32_t node)
{
	if (d->json.nodes[node].kind != JSON_STRING || h->ntypes == TYPES_MAX)
		return (false);
	h->types[h->ntypes] = context_expand_build(d->context, d->vocab,
	    json_text(&d->json, node, d->arena));
	return (h->types[h->ntypes++] != NULL);
}

/* Every name becomes one of the vocabulary, so that names of requests can be
 * compared with it. */
static void
intern_members(struct broker_data *d, uint32_t entity)
{
	const struct json *j = &d->json;

	for (uint32_t k = entity + 1; k < j->nodes[entity].next;
	     k = j->nodes[k + 1].next)
		(void)context_expand_build(d->context, d->vocab,
		    json_text(j, k, d->arena));
}

static bool
load_one(struct broker_data *d, uint32_t node, struct held *h)
{
	const struct json *j = &d->json;
	uint32_t id, type;

	if (j->nodes[node].kind != JSON_OBJECT ||
	    (id = json_member(j, node, STR("id"))) == 0 ||
	    (type = json_member(j, node, STR("type"))) == 0 ||
	    j->nodes[id].kind != JSON_STRING)
		return (false);
	h->node = node;
	h->id = json_text(j, id, d->arena);
	h->time = time_of(d, node);
	intern_members(d, node);
	if (j->nodes[type].kind != JSON_ARRAY)
		return (add_type(d, h, type));
	for (uint32_t e = type + 1; e < j->nodes[type].next;
	     e = j->nodes[e].next)
		if (!add_type(d, h, e))
			return (false);
	return (h->ntypes > 0);
}

static bool
load_all(struct broker_data *d, struct str text)
{
	const struct json_limits limits = JSON_LIMITS_BROKER;
	const struct json *j = &d->json;

	if (json_parse(&d->json, text, &limits, d->arena) != HUB_OK ||
	    j->nodes[0].kind != JSON_ARRAY)
		return (false);
	d->held = arena_array(d->arena, (size_t)j->nodes[0].count + 1,
	    sizeof(*d->held));
	for (uint32_t e = 1; e < j->nodes[0].next; e = j->nodes[e].next)
		if (!load_one(d, e, &d->held[d->n++]))
			return (false);
	return (true);
}

struct broker_data *
broker_data_new(struct str entities, struct str context, struct str url,
    struct broker_paging paging)
{
	struct broker_data *d = xcalloc(1, sizeof(*d));
	struct buf why;

	buf_init(&why, 4096);
	d->arena = arena_new();
	d->vocab = vocab_new();
	d->url = url;
	d->paging = paging;
	if (vocab_add(d->vocab, url, context, &why) != HUB_OK) {
		(void)fprintf(stderr, "hubtool: context: %s\n",
		    buf_cstr(&why));
	} else {
		d->context = vocab_context(d->vocab, url);
		if (load_all(d, entities)) {
			buf_clear(&why);
			return (d);
		}
		(void)fputs("hubtool: data: not an array of entities\n",
		    stderr);
	}
	buf_clear(&why);
	broker_data_free(d);
	return (NULL);
}

void
broker_data_free(struct broker_data *d)
{
	if (d == NULL)
		return;
	vocab_free(d->vocab);
	arena_free(d->arena);
	free(d);
}

/* ---- what is asked */

static struct str
param(const struct http_uri *uri, const char *name)
{
	const struct str *v = http_uri_param(uri, str_of(name));

	return (v != NULL ? *v : STR_NONE);
}

static unsigned
read_names(const struct broker_data *d, struct asked *a, struct str list,
    const struct name **out)
{
	struct str part;
	unsigned n = 0;

	while (list.p != NULL && n < LIST_MAX && str_cut(&list, ',', &part))
		out[n++] = context_expand(d->context, &a->names, part);
	return (n);
}

static uint64_t
read_number(struct str s, uint64_t fallback)
{
	uint64_t v;

	return (s.p != NULL && str_uint(s, 1000000, &v) == HUB_OK ? v :
								    fallback);
}

static void
read_asked(const struct broker_data *d, const struct http_uri *uri,
    struct arena *arena, struct asked *a)
{
	struct str type = param(uri, "type"), ids = param(uri, "id"), part;
	unsigned cap = d->paging.cap > 0 ? d->paging.cap : LIMIT_MAX;

	names_init(&a->names, d->vocab, arena);
	a->any_type = type.p == NULL || str_eq(type, STR("*"));
	if (!a->any_type)
		a->ntypes = read_names(d, a, type, a->types);
	a->nattrs = read_names(d, a, param(uri, "attrs"), a->attrs);
	while (ids.p != NULL && a->nids < LIST_MAX && str_cut(&ids, ',', &part))
		a->ids[a->nids++] = part;
	a->count = str_eq(param(uri, "count"), STR("true"));
	for (part = param(uri, "options"); part.p != NULL;) {
		struct str one;

		if (str_cut(&part, ',', &one) && str_eq(one, STR("sysAttrs")))
			a->sys_attrs = true;
	}
	a->offset = read_number(param(uri, "offset"), 0);
	a->limit = read_number(param(uri, "limit"), LIMIT_DEFAULT);
	if (a->limit > cap)
		a->limit = cap;
	if (d->paging.off) {
		a->limit = UINT64_MAX;
		a->offset = 0;
	}
}

/* ---- who fits */

static bool
has_type(const struct held *h, const struct asked *a)
{
	for (unsigned i = 0; i < h->ntypes; i++)
		for (unsigned k = 0; k < a->ntypes; k++)
			if (h->types[i] == a->types[k])
				return (true);
	return (a->any_type);
}

static bool
has_id(const struct held *h, const struct asked *a)
{
	for (unsigned i = 0; i < a->nids; i++)
		if (str_eq(h->id, a->ids[i]))
			return (true);
	return (a->nids == 0);
}

static bool
is_fixed(const struct json *j, uint32_t key)
{
	return (json_is(j, key, STR("id")) || json_is(j, key, STR("type")) ||
	    json_is(j, key, STR("@context")));
}

static bool
wants(const struct broker_data *d, struct asked *a, uint32_t key)
{
	const struct name *name;

	if (a->nattrs == 0)
		return (true);
	name = context_expand(d->context, &a->names,
	    json_text(&d->json, key, a->names.arena));
	for (unsigned i = 0; i < a->nattrs; i++)
		if (name != NULL && name == a->attrs[i])
			return (true);
	return (false);
}

static bool
has_attr(const struct broker_data *d, struct asked *a, const struct held *h)
{
	const struct json *j = &d->json;

	for (uint32_t k = h->node + 1; k < j->nodes[h->node].next;
	     k = j->nodes[k + 1].next)
		if (!is_fixed(j, k) && wants(d, a, k))
			return (true);
	return (a->nattrs == 0);
}

/* ---- writing */

static void
add_times(struct buf *b, struct str time)
{
	BUF_LIT(b, ", \"createdAt\": ");
	buf_add_json(b, time);
	BUF_LIT(b, ", \"modifiedAt\": ");
	buf_add_json(b, time);
}

/* One attribute object with its system times before the closing brace. */
static void
add_instance(const struct broker_data *d, uint32_t v, struct str time,
    struct buf *b)
{
	const struct json *j = &d->json;
	struct str span = json_span(j, v);
	uint32_t at = json_member(j, v, STR("observedAt"));

	if (j->nodes[v].kind != JSON_OBJECT ||
	    json_member(j, v, STR("modifiedAt")) != 0) {
		buf_adds(b, span);
		return;
	}
	if (at != 0 && j->nodes[at].kind == JSON_STRING)
		time = json_raw(j, at);
	span.len--;
	buf_adds(b, span);
	add_times(b, time);
	buf_addc(b, '}');
}

static void
add_value(const struct broker_data *d, const struct asked *a,
    const struct held *h, uint32_t v, struct buf *b)
{
	const struct json *j = &d->json;

	if (!a->sys_attrs) {
		buf_adds(b, json_span(j, v));
	} else if (j->nodes[v].kind == JSON_ARRAY) {
		buf_addc(b, '[');
		for (uint32_t e = v + 1; e < j->nodes[v].next;
		     e = j->nodes[e].next) {
			if (e != v + 1)
				buf_addc(b, ',');
			add_instance(d, e, h->time, b);
		}
		buf_addc(b, ']');
	} else {
		add_instance(d, v, h->time, b);
	}
}

static void
add_entity(const struct broker_data *d, struct asked *a, const struct held *h,
    struct buf *b)
{
	const struct json *j = &d->json;
	const char *sep = "{";

	if (a->nattrs == 0 && !a->sys_attrs) {
		buf_adds(b, json_span(j, h->node));
		return;
	}
	for (uint32_t k = h->node + 1; k < j->nodes[h->node].next;
	     k = j->nodes[k + 1].next) {
		bool fixed = is_fixed(j, k);

		if (!fixed && !wants(d, a, k))
			continue;
		buf_adds(b, str_of(sep));
		sep = ", ";
		buf_adds(b, json_span(j, k));
		BUF_LIT(b, ": ");
		if (fixed)
			buf_adds(b, json_span(j, k + 1));
		else
			add_value(d, a, h, k + 1, b);
	}
	if (a->sys_attrs)
		add_times(b, h->time);
	buf_addc(b, '}');
}

/* ---- answering */

static int
problem(int status, const char *type, struct buf *body)
{
	buf_addf(body,
	    "{\"type\":\"https://uri.etsi.org/ngsi-ld/errors/%s\","
	    "\"title\":\"%s\",\"status\":%d}",
	    type, http_reason(status), status);
	return (status);
}

static int
query(const struct broker_data *d, struct asked *a, struct buf *fields,
    struct buf *body)
{
	uint64_t seen = 0;
	const char *sep = "";

	buf_addc(body, '[');
	for (unsigned i = 0; i < d->n; i++) {
		const struct held *h = &d->held[i];

		if (!has_type(h, a) || !has_id(h, a) || !has_attr(d, a, h))
			continue;
		if (seen >= a->offset && seen - a->offset < a->limit) {
			buf_adds(body, str_of(sep));
			add_entity(d, a, h, body);
			sep = ",\n";
		}
		seen++;
	}
	buf_addc(body, ']');
	if (a->count)
		buf_addf(fields, "NGSILD-Results-Count: %llu\r\n",
		    (unsigned long long)seen);
	return (200);
}

static int
retrieve(const struct broker_data *d, struct asked *a, struct str id,
    struct buf *body)
{
	for (unsigned i = 0; i < d->n; i++)
		if (str_eq(d->held[i].id, id) && has_attr(d, a, &d->held[i])) {
			add_entity(d, a, &d->held[i], body);
			return (200);
		}
	return (problem(404, "ResourceNotFound", body));
}

int
broker_data_answer(const struct broker_data *d, const struct http_uri *uri,
    struct buf *fields, struct buf *body)
{
	struct arena *arena = arena_new();
	struct asked *a = arena_alloc(arena, sizeof(*a));
	int status;

	read_asked(d, uri, arena, a);
	buf_adds(fields, STR("Link: <"));
	buf_adds(fields, d->url);
	BUF_LIT(fields, ">; rel=\"http://www.w3.org/ns/json-ld#context\"; "
			"type=\"application/ld+json\"\r\n");
	if (uri->nsegments < 3 || !str_eq(uri->segments[0], STR("ngsi-ld")) ||
	    !str_eq(uri->segments[1], STR("v1")) ||
	    !str_eq(uri->segments[2], STR("entities")) || uri->nsegments > 4)
		status = problem(404, "ResourceNotFound", body);
	else if (uri->nsegments == 4)
		status = retrieve(d, a, uri->segments[3], body);
	else
		status = query(d, a, fields, body);
	arena_free(arena);
	return (status);
}
