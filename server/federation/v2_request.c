/* server/federation/v2_request.c - requests to NGSI-v2 sources; see
 * v2_request.h. */
#include "server/federation/v2_request.h"

#include "server/federation/v2_id.h"

/* Longer lists are not sent: the hub leaves out what it has no use for. */
#define ATTRS_TEXT_MAX 3000
/* Selectors of one op/query: each type with each id, up to this. */
#define SELECTORS_MAX 1000
/* The times must be named; "*" stands for what the source made up itself. */
#define METADATA "dateCreated,dateModified,*"

/* What answers are made of beside the attributes asked for. TimeInstant is
 * no builtin: IoT agents write it. */
static const struct str extra_attrs[] = { { "TimeInstant", 11 },
	{ "dateCreated", 11 }, { "dateModified", 12 }, { "dateExpires", 11 } };
#define NEXTRA	   (sizeof(extra_attrs) / sizeof(extra_attrs[0]))
#define NEXTRA_ALL 1 /* those from here on are not in "*" */

static bool
has_comma(struct str s)
{
	return (str_chr(s, ',') < s.len);
}

/* ---- ids and forms */

/* The source's own name of a type or attribute; p NULL: it cannot have it. */
static struct str
name_text(const struct source_ask *ask, const struct name *name,
    struct arena *a)
{
	struct str s = context_compact(ask->leg->dataset->source->context,
	    name, a);

	return (v2_id_ok(s) && !has_comma(s) ? s : STR_NONE);
}

static bool
asks_type(const struct source_ask *ask, struct str type, struct arena *a)
{
	for (unsigned i = 0; i < ask->ntypes; i++) {
		struct str mine = name_text(ask, ask->types[i], a);

		if (mine.p != NULL && (type.p == NULL || str_eq(mine, type)))
			return (true);
	}
	return (false);
}

bool
v2_take_ids(struct source_ask *ask, struct arena *a)
{
	struct str *ids, type, id;
	unsigned n = 0;

	if (!asks_type(ask, STR_NONE, a))
		return (false);
	if (ask->nids == 0)
		return (true);
	ids = arena_array(a, (size_t)2 * ask->nids, sizeof(*ids));
	for (unsigned i = 0; i < ask->nids; i++) {
		if (v2_id_is_uri(ask->ids[i]) && v2_id_ok(ask->ids[i]))
			ids[n++] = ask->ids[i];
		if (v2_id_read(ask->ids[i], a, &type, &id) && v2_id_ok(id) &&
		    asks_type(ask, type, a))
			ids[n++] = id;
	}
	ask->ids = ids;
	ask->nids = n;
	return (n > 0);
}

/* One path: then the source holds an id once for each type. */
static bool
path_is_exact(const struct region_dataset *ds)
{
	return (str_chr(ds->service_path, '#') == ds->service_path.len &&
	    !has_comma(ds->service_path));
}

struct str
v2_scope(const struct region_dataset *ds)
{
	return (path_is_exact(ds) && ds->service_path.len > 1 ?
		ds->service_path : STR_NONE);
}

bool
v2_holds_once(const struct source_ask *ask)
{
	return (ask->ntypes == 1 && path_is_exact(ask->leg->dataset));
}

enum source_form
v2_form(const struct source_ask *ask, enum source_form form)
{
	const struct region_dataset *ds = ask->leg->dataset;
	bool comma = false;

	for (unsigned i = 0; i < ask->nids && !comma; i++)
		comma = has_comma(ask->ids[i]);
	if (form == FORM_RETRIEVE && !comma &&
	    (ds->operations & OP_QUERY) != 0 &&
	    (ask->nids > 1 || ask->ntypes > 1 || !path_is_exact(ds)))
		return (FORM_QUERY);
	if (form != FORM_QUERY || !comma)
		return (form);
	return ((ds->operations & OP_QUERY_BATCH) != 0 ? FORM_BATCH :
		(ds->operations & OP_RETRIEVE) != 0    ? FORM_RETRIEVE :
							 FORM_NONE);
}

/* ---- targets */

static void
add_types(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ask->ntypes; i++) {
		struct str type = name_text(ask, ask->types[i], a);

		if (type.p == NULL)
			continue;
		buf_adds(b, n++ == 0 ? STR("&type=") : STR(","));
		buf_add_url(b, type, "");
	}
}

static bool
is_extra(struct str attr)
{
	for (size_t i = 0; i < NEXTRA; i++)
		if (str_eq(attr, extra_attrs[i]))
			return (true);
	return (false);
}

/* What to name as attrs, in the arena. */
static unsigned
attr_list(const struct source_ask *ask, bool all, struct arena *a,
    struct str **list_r)
{
	struct str *list = arena_array(a, (size_t)ask->nattrs + NEXTRA + 1,
	    sizeof(*list));
	unsigned n = 0;

	if (all)
		list[n++] = STR("*");
	for (unsigned i = 0; !all && i < ask->nattrs; i++) {
		list[n] = name_text(ask, ask->attrs[i], a);
		if (list[n].p != NULL && !is_extra(list[n]))
			n++;
	}
	for (size_t i = all ? NEXTRA_ALL : 0; i < NEXTRA; i++)
		list[n++] = extra_attrs[i];
	*list_r = list;
	return (n);
}

static void
add_attrs(const struct source_ask *ask, bool all, struct arena *a,
    struct buf *b)
{
	struct str *list;
	unsigned n = attr_list(ask, all, a, &list);

	for (unsigned i = 0; i < n; i++) {
		buf_adds(b, i == 0 ? STR("&attrs=") : STR(","));
		buf_add_url(b, list[i], "*");
	}
}

/* The list of attributes; it would be too long: all. */
static void
add_view(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	size_t before = b->len;

	add_attrs(ask, ask->nattrs == 0, a, b);
	if (b->len - before > ATTRS_TEXT_MAX) {
		b->len = before;
		add_attrs(ask, true, a, b);
	}
}

static void
add_page(const struct source_ask *ask, struct buf *b)
{
	BUF_LIT(b, "?options=count&limit=");
	buf_addu(b, ask->limit);
	BUF_LIT(b, "&offset=");
	buf_addu(b, ask->offset);
}

static void
add_one(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	assert(ask->nids == 1);
	BUF_LIT(b, "/entities/");
	buf_add_url(b, ask->ids[0], ":");
	BUF_LIT(b, "?metadata=" METADATA);
	if (ask->ntypes == 1)
		add_types(ask, a, b);
	add_view(ask, a, b);
}

static void
add_list(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	BUF_LIT(b, "/entities");
	add_page(ask, b);
	BUF_LIT(b, "&metadata=" METADATA);
	add_types(ask, a, b);
	for (unsigned i = 0; i < ask->nids; i++) {
		buf_adds(b, i == 0 ? STR("&id=") : STR(","));
		buf_add_url(b, ask->ids[i], ":");
	}
	add_view(ask, a, b);
	source_push_target(ask->push, SOURCE_NGSI_V2, b);
}

void
v2_add_target(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	switch (ask->form) {
	case FORM_RETRIEVE:
		add_one(ask, a, b);
		break;
	case FORM_BATCH:
		BUF_LIT(b, "/op/query");
		add_page(ask, b);
		break;
	case FORM_QUERY:
	case FORM_NONE:
	default:
		assert(ask->form == FORM_QUERY);
		add_list(ask, a, b);
		break;
	}
}

/* ---- fields and bodies */

void
v2_add_fields(const struct region_dataset *ds, struct buf *b)
{
	if (ds->upstream_tenant.len > 0) {
		BUF_LIT(b, "\r\nFiware-Service: ");
		buf_adds(b, ds->upstream_tenant);
	}
	BUF_LIT(b, "\r\nFiware-ServicePath: ");
	buf_adds(b, ds->service_path);
}

/* type or id with p NULL: any. */
static void
add_selector(struct str type, struct str id, unsigned *n, struct buf *b)
{
	if ((*n)++ > 0)
		buf_addc(b, ',');
	if (id.p != NULL) {
		BUF_LIT(b, "{\"id\":");
		buf_add_json(b, id);
	} else
		BUF_LIT(b, "{\"idPattern\":\".*\"");
	if (type.p != NULL) {
		BUF_LIT(b, ",\"type\":");
		buf_add_json(b, type);
	}
	buf_addc(b, '}');
}

/* Each type with each id; where that would be too many, the ids alone: other
 * types are left out when the answer is read. */
static void
add_selectors(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	bool alone = ask->nids > SELECTORS_MAX / ask->ntypes;
	unsigned n = 0;

	for (unsigned i = 0; alone && i < ask->nids; i++)
		add_selector(STR_NONE, ask->ids[i], &n, b);
	for (unsigned t = 0; !alone && t < ask->ntypes; t++) {
		struct str type = name_text(ask, ask->types[t], a);

		if (type.p == NULL)
			continue;
		for (unsigned i = 0; i < ask->nids; i++)
			add_selector(type, ask->ids[i], &n, b);
		if (ask->nids == 0)
			add_selector(type, STR_NONE, &n, b);
	}
}

void
v2_add_body(const struct source_ask *ask, struct arena *a, struct buf *b)
{
	struct str *list;
	unsigned n = attr_list(ask, ask->nattrs == 0, a, &list);

	BUF_LIT(b, "{\"entities\":[");
	add_selectors(ask, a, b);
	for (unsigned i = 0; i < n; i++) {
		buf_adds(b, i == 0 ? STR("],\"attrs\":[") : STR(","));
		buf_add_json(b, list[i]);
	}
	BUF_LIT(b, "],\"metadata\":[\"dateCreated\",\"dateModified\",\"*\"]");
	if (ask->push != NULL && ask->push->q.p != NULL) {
		BUF_LIT(b, ",\"expression\":{\"q\":");
		buf_add_json(b, ask->push->q);
		buf_addc(b, '}');
	}
	buf_addc(b, '}');
}
