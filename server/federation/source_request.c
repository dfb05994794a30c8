/* server/federation/source_request.c - how a source is asked and in which
 * bytes; source.h says what is promised. */
#include "server/federation/source.h"

#include "policies/registration.h"
#include "server/federation/v2_request.h"

/* Longer targets are refused by many servers and gateways on the way. */
#define TARGET_MAX 4000
/* Longer attribute lists are not sent: the filter does the work anyway. */
#define ATTRS_TEXT_MAX 3000
/* Of a target, without names and ids. */
#define TARGET_FIXED 200
/* Selectors of one batch query: each type with each id, up to this. */
#define SELECTORS_MAX 1000
/* Ids come from one request, tripled at most by escapes. */
#define TEXT_MAX ((size_t)4 << 20)
/* Of a field that a registration sets, in bytes. */
#define COPIED_MAX 1024

/* What the programs that speak NGSI-LD have of their own. Page sizes are in
 * policies/region_source.c. */
static const struct quirks {
	const char *entities;  /* the path of the collection */
	const char *sys_attrs; /* asks for createdAt and modifiedAt */
	const char *count;     /* asks for the total; "": not understood */
} dialects[] = {
	[DIALECT_GENERIC] = { "/entities", "options=sysAttrs",
	    "&count=true" },
	[DIALECT_STELLIO] = { "/entities", "options=sysAttrs",
	    "&count=true" },
	[DIALECT_ORION_LD] = { "/entities", "options=sysAttrs",
	    "&count=true" },
	/* Older ones know the collection with its slash only. */
	[DIALECT_SCORPIO] = { "/entities/", "options=sysAttrs",
	    "&count=true" },
};

/* ---- targets */

static void
add_names(struct buf *b, const char *key, const struct name *const *list,
    unsigned n, const struct context *ctx, struct arena *a)
{
	if (n == 0)
		return;
	buf_adds(b, str_of(key));
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		buf_add_url(b, context_compact(ctx, list[i], a), "");
	}
}

static void
add_attrs(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	size_t before = b->len;

	add_names(b, "&attrs=", ask->attrs, ask->nattrs,
	    ask->leg->dataset->source->context, a);
	if (b->len - before > ATTRS_TEXT_MAX)
		b->len = before;
}

static void
add_page(const struct source_ask *ask, const struct quirks *k, struct buf *b)
{
	buf_adds(b, str_of(k->sys_attrs));
	buf_adds(b, str_of(k->count));
	BUF_LIT(b, "&limit=");
	buf_addu(b, ask->limit);
	BUF_LIT(b, "&offset=");
	buf_addu(b, ask->offset);
}

/* A registration's own pattern: the source does not know what of it is
 * registered (4.3.6.1). */
static void
add_pattern(const struct source_ask *ask, struct buf *b)
{
	const struct registration *reg = ask->leg->dataset->registration;
	struct str pattern = STR_NONE;

	if (reg != NULL && ask->nids == 0)
		pattern = registration_pattern(reg);
	if (pattern.p == NULL)
		return;
	BUF_LIT(b, "&idPattern=");
	buf_add_url(b, pattern, ":");
}

/* Without a type there are attributes: a registration may name no more. */
static void
add_query(const struct source_ask *ask, const struct quirks *k,
    struct arena *a, struct buf *b)
{
	size_t begin;

	if (ask->time != NULL)
		BUF_LIT(b, "/temporal");
	buf_adds(b, str_of(k->entities));
	begin = b->len;
	add_names(b, "?type=", ask->types, ask->ntypes,
	    ask->leg->dataset->source->context, a);
	for (unsigned i = 0; i < ask->nids; i++) {
		buf_adds(b, i == 0 ? STR("&id=") : STR(","));
		buf_add_url(b, ask->ids[i], ":");
	}
	add_pattern(ask, b);
	add_attrs(ask, a, b);
	buf_addc(b, '&');
	add_page(ask, k, b);
	if (ask->time != NULL)
		source_add_time(ask->time, b);
	source_push_target(ask->push, SOURCE_NGSI_LD, b);
	if (!b->failed)
		b->p[begin] = '?';
}

/* Of a history attributes are asked for, too: it may be long. */
static void
add_retrieve(const struct source_ask *ask, const struct quirks *k,
    struct arena *a, struct buf *b)
{
	assert(ask->nids == 1);
	buf_adds(b, ask->time != NULL ? STR("/temporal/entities/") :
					STR("/entities/"));
	buf_add_url(b, ask->ids[0], ":");
	buf_addc(b, '?');
	buf_adds(b, str_of(k->sys_attrs));
	if (ask->time == NULL)
		return;
	add_attrs(ask, a, b);
	source_add_time(ask->time, b);
}

static void
add_target(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	const struct region_source *s = ask->leg->dataset->source;
	const struct quirks *k = &dialects[s->dialect];

	buf_adds(b, s->base);
	if (s->kind == SOURCE_NGSI_V2) {
		v2_add_target(ask, a, b);
		return;
	}
	switch (ask->form) {
	case FORM_RETRIEVE:
		add_retrieve(ask, k, a, b);
		break;
	case FORM_BATCH:
		BUF_LIT(b, "/entityOperations/query?");
		add_page(ask, k, b);
		break;
	case FORM_QUERY:
	case FORM_NONE:
	default:
		assert(ask->form == FORM_QUERY);
		add_query(ask, k, a, b);
		break;
	}
	if (ask->leg->dataset->local_only)
		BUF_LIT(b, "&local=true");
}

static size_t
target_length(const struct source_ask *ask, struct arena *a)
{
	struct buf b;
	size_t n;

	buf_init(&b, TEXT_MAX);
	add_target(ask, a, &b);
	n = b.failed ? TEXT_MAX : b.len;
	buf_clear(&b);
	return (n);
}

/* Is it short beyond doubt? A name is rarely longer than its IRI, and an
 * escape triples. */
static bool
surely_fits(const struct source_ask *ask)
{
	size_t n = TARGET_FIXED + ask->leg->dataset->source->base.len;

	for (unsigned i = 0; i < ask->ntypes; i++)
		n += 3 * ask->types[i]->iri.len + 1;
	for (unsigned i = 0; i < ask->nattrs; i++)
		n += 3 * ask->attrs[i]->iri.len + 1;
	for (unsigned i = 0; i < ask->nids && n <= TARGET_MAX; i++)
		n += 3 * ask->ids[i].len + 1;
	return (ask->push == NULL && n <= TARGET_MAX);
}

/* ---- how to ask */

static bool
dataset_has(const struct region_dataset *ds, struct str id)
{
	for (unsigned i = 0; i < ds->nids; i++)
		if (str_glob(ds->ids[i], id))
			return (ds->registration == NULL ||
			    registration_has_id(ds->registration, id));
	return (false);
}

/* What the dataset offers for the time asked for, as the operations on
 * entities are called; its history has no batch. */
static unsigned
operations(const struct source_ask *ask)
{
	unsigned ops = ask->leg->dataset->operations;

	if (ask->time == NULL)
		return (ops);
	return (((ops & OP_QUERY_TEMPORAL) != 0 ? OP_QUERY : 0U) |
	    ((ops & OP_RETRIEVE_TEMPORAL) != 0 ? OP_RETRIEVE : 0U));
}

/* The ids that a dataset registers if it registers no patterns: it is asked
 * for these even where the client names none (GS CIM 009, 4.3.6.1). */
static void
take_registered_ids(struct source_ask *ask)
{
	const struct region_dataset *ds = ask->leg->dataset;
	unsigned lists = operations(ask) & (OP_QUERY | OP_QUERY_BATCH);

	for (unsigned i = 0; i < ds->nids; i++)
		if (str_chr(ds->ids[i], '*') < ds->ids[i].len)
			return;
	if (lists != 0 && ds->nids > SOURCE_PARTS_MAX)
		return; /* many words for little */
	ask->ids = ds->ids;
	ask->nids = ds->nids;
}

/* The client's ids that this dataset can hold. */
static void
take_ids(struct source_ask *ask, struct arena *a)
{
	const struct query *q = ask->query;
	struct str *ids;

	if (ask->ids_chosen)
		return;
	ask->nids = 0;
	if (ask->id.p != NULL) {
		ids = arena_raw(a, sizeof(*ids));
		ids[0] = ask->id;
		ask->ids = ids;
		ask->nids = 1;
		return;
	}
	if (q->nids == 0) {
		take_registered_ids(ask);
		return;
	}
	ids = arena_raw(a, q->nids * sizeof(*ids));
	for (unsigned i = 0; i < q->nids; i++)
		if (dataset_has(ask->leg->dataset, q->ids[i]))
			ids[ask->nids++] = q->ids[i];
	ask->ids = ids;
}

/* Would the query not go into one target with all that it asks for? */
static bool
too_long(const struct source_ask *ask, struct arena *a)
{
	struct source_ask whole = *ask;
	struct buf b;
	bool cut;

	if (surely_fits(ask))
		return (false);
	buf_init(&b, TEXT_MAX);
	add_names(&b, "&attrs=", ask->attrs, ask->nattrs,
	    ask->leg->dataset->source->context, a);
	cut = b.failed || b.len > ATTRS_TEXT_MAX;
	buf_clear(&b);
	whole.form = FORM_QUERY;
	return (cut || target_length(&whole, a) > TARGET_MAX);
}

/* The cheapest form that the dataset offers: one GET before one POST before
 * many GETs. */
static enum source_form
cheapest(const struct source_ask *ask, struct arena *a)
{
	unsigned ops = operations(ask);
	bool batch = (ops & OP_QUERY_BATCH) != 0;

	if ((ops & OP_RETRIEVE) != 0 &&
	    (ask->id.p != NULL || ((ops & OP_QUERY) == 0 && ask->nids == 1)))
		return (FORM_RETRIEVE);
	if ((ops & OP_QUERY) != 0)
		return (batch && too_long(ask, a) ? FORM_BATCH : FORM_QUERY);
	if (batch)
		return (FORM_BATCH);
	if ((ops & OP_RETRIEVE) != 0 && ask->nids > 0)
		return (FORM_RETRIEVE);
	return (FORM_NONE);
}

bool
source_plan(struct source_ask *ask, struct arena *a)
{
	bool v2 = ask->leg->dataset->source->kind == SOURCE_NGSI_V2;

	take_ids(ask, a);
	if (ask->nids == 0 && ask->query->nids > 0)
		return (false);
	if (v2 && !v2_take_ids(ask, a))
		return (false);
	ask->form = cheapest(ask, a);
	if (v2)
		ask->form = v2_form(ask, ask->form);
	return (ask->form != FORM_NONE);
}

/* A target too long is worse than too much in an answer. */
void
source_push(struct source_ask *ask, const struct source_push *push,
    struct arena *a)
{
	struct source_ask with = *ask;

	/* Of two versions of one entity it would select the older. */
	if (ask->leg->dataset->source->kind == SOURCE_NGSI_V2 &&
	    !v2_holds_once(ask))
		return;
	with.push = push;
	with.nids = with.nids > 0 ? 1 : 0;
	if (ask->form == FORM_BATCH ||
	    (ask->form == FORM_QUERY && target_length(&with, a) <= TARGET_MAX))
		ask->push = push;
}

unsigned
source_ids_fit(const struct source_ask *ask, struct arena *a)
{
	struct source_ask none = *ask;
	struct buf b;
	size_t n;
	unsigned i;

	if (ask->form == FORM_RETRIEVE)
		return (1);
	if (ask->form != FORM_QUERY || ask->nids < 2 || surely_fits(ask))
		return (ask->nids);
	none.nids = 0;
	n = target_length(&none, a) + strlen("&id=");
	buf_init(&b, TEXT_MAX);
	for (i = 0; i < ask->nids; i++) {
		buf_reset(&b);
		buf_add_url(&b, ask->ids[i], ":");
		n += b.len + 1;
		if (i > 0 && n > TARGET_MAX)
			break;
	}
	buf_clear(&b);
	return (i);
}

/* ---- bytes */

static void
add_selector(struct str type, const struct str *id, struct buf *b)
{
	if (b->len > 0 && b->p[b->len - 1] == '}')
		buf_addc(b, ',');
	BUF_LIT(b, "{\"type\":");
	buf_add_json(b, type);
	if (id != NULL) {
		BUF_LIT(b, ",\"id\":");
		buf_add_json(b, *id);
	}
	buf_addc(b, '}');
}

/* All types as one selection (4.17). */
static struct str
types_joined(const struct source_ask *ask, struct arena *a)
{
	const struct context *ctx = ask->leg->dataset->source->context;
	struct buf b;
	struct str s;

	buf_init(&b, TEXT_MAX);
	for (unsigned i = 0; i < ask->ntypes; i++) {
		if (i > 0)
			buf_addc(&b, ',');
		buf_adds(&b, context_compact(ctx, ask->types[i], a));
	}
	s = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (s);
}

/* Each type with each id, as every broker reads it; where that would be too
 * many, all types with each id. */
static void
add_selectors(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	const struct context *ctx = ask->leg->dataset->source->context;
	bool joined = ask->nids > SELECTORS_MAX / ask->ntypes;
	unsigned n = joined ? 1 : ask->ntypes;

	for (unsigned t = 0; t < n; t++) {
		struct str type = joined ? types_joined(ask, a) :
		    context_compact(ctx, ask->types[t], a);

		for (unsigned i = 0; i < ask->nids; i++)
			add_selector(type, &ask->ids[i], b);
		if (ask->nids == 0)
			add_selector(type, NULL, b);
	}
}

/* A Query object (5.2.23). */
static void
add_body(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	const struct context *ctx = ask->leg->dataset->source->context;

	BUF_LIT(b, "{\"type\":\"Query\"");
	if (ask->ntypes > 0) {
		BUF_LIT(b, ",\"entities\":[");
		add_selectors(ask, a, b);
		buf_addc(b, ']');
	}
	for (unsigned i = 0; i < ask->nattrs; i++) {
		buf_adds(b, i == 0 ? STR(",\"attrs\":[") : STR(","));
		buf_add_json(b, context_compact(ctx, ask->attrs[i], a));
	}
	if (ask->nattrs > 0)
		buf_addc(b, ']');
	source_push_body(ask->push, b);
	buf_addc(b, '}');
}

static void
add_host(const struct region_source *s, struct buf *b)
{
	bool v6 = str_chr(s->host, ':') < s->host.len;

	if (v6)
		buf_addc(b, '[');
	buf_adds(b, s->host);
	if (v6)
		buf_addc(b, ']');
	if (s->port != (s->https ? 443 : 80)) {
		buf_addc(b, ':');
		buf_addu(b, s->port);
	}
}

/* ---- the trace */

static const struct str trace_fields[2] = { STR("traceparent"),
	STR("tracestate") };

/* Does the registration name the field? */
static bool
is_named(const struct registration *reg, struct str field)
{
	for (unsigned i = 0; reg != NULL && i < reg->source_info.n; i++)
		if (str_caseeq(reg->source_info.v[i].key, field))
			return (true);
	return (false);
}

/* Not a copy of what the client sent, but the trace gone on with: what was
 * malformed ends here. */
static void
add_trace(const struct source_ask *ask, struct buf *b)
{
	const struct registration *reg = ask->leg->dataset->registration;
	const struct trace *t = ask->trace;

	if (t == NULL)
		return;
	if (ask->trace_to >= TRACE_ID || is_named(reg, trace_fields[0])) {
		BUF_LIT(b, "\r\ntraceparent: ");
		trace_write_parent(t, b);
	}
	if (t->state.len > 0 && (ask->trace_to == TRACE_ALL ||
				    is_named(reg, trace_fields[1]))) {
		BUF_LIT(b, "\r\ntracestate: ");
		buf_adds(b, t->state);
	}
}

/* contextSourceInfo (4.3.6.5). */
static void
add_registered_fields(const struct source_ask *ask,
    const struct registration *reg, struct buf *b)
{
	for (unsigned i = 0; i < reg->source_info.n; i++) {
		const struct registration_pair *p = &reg->source_info.v[i];
		struct str value = p->value;
		bool from_client = false;

		if (!registration_header(p, &from_client) ||
		    str_caseeq(p->key, trace_fields[0]) ||
		    str_caseeq(p->key, trace_fields[1]))
			continue;
		if (from_client)
			value = ask->client == NULL ? STR_NONE :
			    http_field_find(ask->client, p->key, NULL);
		if (value.len == 0 || value.len > COPIED_MAX)
			continue;
		BUF_LIT(b, "\r\n");
		buf_adds(b, p->key);
		BUF_LIT(b, ": ");
		buf_adds(b, value);
	}
}

static void
add_fields(const struct source_ask *ask, struct buf *b)
{
	const struct region_dataset *ds = ask->leg->dataset;
	const struct region_source *s = ds->source;
	struct str bearer =
	    ask->token.len > 0 ? ask->token : ask->access->bearer;

	BUF_LIT(b, "\r\nHost: ");
	add_host(s, b);
	BUF_LIT(b, "\r\nAccept: application/json\r\n"
		   "User-Agent: drehscheibe\r\nVia: ");
	if (ask->via.len > 0) {
		buf_adds(b, ask->via);
		BUF_LIT(b, ", ");
	}
	BUF_LIT(b, "HTTP/1.1 ");
	buf_adds(b, ask->hub_name);
	if (s->context_url.len > 0 && s->kind == SOURCE_NGSI_LD) {
		BUF_LIT(b, "\r\nLink: <");
		buf_adds(b, s->context_url);
		BUF_LIT(b, ">; rel=\"http://www.w3.org/ns/json-ld#context\"; "
			   "type=\"application/ld+json\"");
	}
	if (s->kind == SOURCE_NGSI_V2)
		v2_add_fields(ds, b);
	else if (ds->upstream_tenant.len > 0) {
		BUF_LIT(b, "\r\nNGSILD-Tenant: ");
		buf_adds(b, ds->upstream_tenant);
	}
	if (bearer.len > 0) {
		BUF_LIT(b, "\r\nAuthorization: Bearer ");
		buf_adds(b, bearer);
	}
	add_trace(ask, b);
	if (ds->registration != NULL)
		add_registered_fields(ask, ds->registration, b);
}

void
source_request(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	struct buf body;

	buf_adds(b, ask->form == FORM_BATCH ? STR("POST ") : STR("GET "));
	add_target(ask, a, b);
	BUF_LIT(b, " HTTP/1.1");
	add_fields(ask, b);
	if (ask->form != FORM_BATCH) {
		BUF_LIT(b, "\r\n\r\n");
		return;
	}
	buf_init(&body, TEXT_MAX);
	if (ask->leg->dataset->source->kind == SOURCE_NGSI_V2)
		v2_add_body(ask, a, &body);
	else
		add_body(ask, a, &body);
	BUF_LIT(b, "\r\nContent-Type: application/json\r\nContent-Length: ");
	buf_addu(b, body.len);
	BUF_LIT(b, "\r\n\r\n");
	buf_adds(b, buf_str(&body));
	b->failed |= body.failed;
	buf_clear(&body);
}
