/* server/ngsild/query.c - the parameters of a query in a URL; query.h says what
 * they mean.
 *
 * A parameter is taken, known and refused, or unknown: one row each. Nothing
 * of the standard is silently ignored, since a filter that is left out answers
 * more than was asked for. */
#include "server/ngsild/query_priv.h"

#define OFFSET_MAX INT32_MAX

typedef enum hub_err (*read_fn)(struct query_reader *, struct str);

/* ---- lists */

static enum hub_err
read_list(struct query_reader *r, struct str value, read_fn add)
{
	struct str part;
	enum hub_err err = HUB_OK;

	while (err == HUB_OK && str_cut(&value, ',', &part))
		err = add(r, part);
	return (err);
}

static enum hub_err
read_type(struct query_reader *r, struct str value)
{
	r->type_given = true;
	return (query_read_type(r, value, &r->query->type_expr));
}

static enum hub_err
read_attrs(struct query_reader *r, struct str value)
{
	return (read_list(r, value, query_add_attr));
}

/* A brace would be a nested projection, and its commas none of ours. */
static enum hub_err
read_pick(struct query_reader *r, struct str value)
{
	return (str_chr(value, '{') < value.len
		    ? query_add_pick(r, value)
		    : read_list(r, value, query_add_pick));
}

static enum hub_err
read_omit(struct query_reader *r, struct str value)
{
	return (str_chr(value, '{') < value.len
		    ? query_add_omit(r, value)
		    : read_list(r, value, query_add_omit));
}

static enum hub_err
read_dataset_id(struct query_reader *r, struct str value)
{
	return (read_list(r, value, query_add_dataset));
}

static enum hub_err
read_id(struct query_reader *r, struct str value)
{
	struct query *q = r->query;
	struct str part, rest = value;
	unsigned n = 0;

	while (str_cut(&rest, ',', &part)) {
		if (++n > QUERY_IDS_MAX)
			return (query_bad(r, "more than 1000 ids"));
		if (!query_is_uri(part))
			return (
			    query_bad(r, "id holds something that is no URI"));
	}
	q->ids = arena_array(r->arena, n, sizeof(*q->ids));
	while (str_cut(&value, ',', &part))
		q->ids[q->nids++] = part;
	return (HUB_OK);
}

static enum hub_err
read_id_pattern(struct query_reader *r, struct str value)
{
	r->query->id_pattern = value;
	return (query_read_pattern(r, value, &r->query->id_pattern_re));
}

/* ---- place: four parameters, judged together */

static enum hub_err
read_georel(struct query_reader *r, struct str value)
{
	r->georel = value;
	return (HUB_OK);
}

static enum hub_err
read_geometry(struct query_reader *r, struct str value)
{
	r->geometry = value;
	return (HUB_OK);
}

static enum hub_err
read_coordinates(struct query_reader *r, struct str value)
{
	r->coordinates = value;
	return (HUB_OK);
}

static enum hub_err
read_geoproperty(struct query_reader *r, struct str value)
{
	r->geoproperty = value;
	return (HUB_OK);
}

/* ---- numbers and switches */

static enum hub_err
read_limit(struct query_reader *r, struct str value)
{
	uint64_t n;
	enum hub_err err = str_uint(value, QUERY_LIMIT_MAX, &n);

	if (err == HUB_ERANGE)
		return (query_refuse(r, HUB_ERANGE, "limit is above 1000"));
	if (err != HUB_OK)
		return (query_bad(r, "limit is no number"));
	r->query->limit = (uint32_t)n;
	return (HUB_OK);
}

static enum hub_err
read_offset(struct query_reader *r, struct str value)
{
	uint64_t n;

	if (str_uint(value, OFFSET_MAX, &n) != HUB_OK)
		return (query_bad(r, "offset is no number or too large"));
	r->query->offset = (uint32_t)n;
	return (HUB_OK);
}

static enum hub_err
read_switch(struct query_reader *r, struct str value, bool *on, const char *why)
{
	*on = str_eq(value, STR("true"));
	return (
	    *on || str_eq(value, STR("false")) ? HUB_OK : query_bad(r, why));
}

static enum hub_err
read_count(struct query_reader *r, struct str value)
{
	return (read_switch(
	    r, value, &r->query->count, "count takes true or false"));
}

static enum hub_err
read_local(struct query_reader *r, struct str value)
{
	return (read_switch(
	    r, value, &r->query->local, "local takes true or false"));
}

static enum hub_err
read_split(struct query_reader *r, struct str value)
{
	r->query->split_entities_given = true;
	return (read_switch(r, value, &r->query->split_entities,
	    "splitEntities takes true or false"));
}

static enum hub_err
read_entity_map(struct query_reader *r, struct str value)
{
	return (read_switch(
	    r, value, &r->query->entity_map, "entityMap takes true or false"));
}

/* ---- representation */

enum form { FORM_NORMALIZED, FORM_CONCISE, FORM_SIMPLE, FORM_SYS, FORM_LATER };

/* One word of options or the word of format. */
static enum hub_err
read_form(
    struct query_reader *r, struct str word, bool format, enum form *form_r)
{
	static const struct {
		struct str word;
		enum form form;
		bool format; /* also a value of format */
	} table[] = {
		{ { "normalized", 10 }, FORM_NORMALIZED, true },
		{ { "concise", 7 }, FORM_CONCISE, true },
		{ { "keyValues", 9 }, FORM_SIMPLE, true },
		{ { "simplified", 10 }, FORM_SIMPLE, true },
		{ { "sysAttrs", 8 }, FORM_SYS, false },
		{ { "audit", 5 }, FORM_LATER, false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!str_eq(word, table[i].word) ||
		    (format && !table[i].format))
			continue;
		*form_r = table[i].form;
		return (
		    *form_r != FORM_LATER
			? HUB_OK
			: query_refuse_known(r, HUB_ENOTSUP, table[i].word));
	}
	return (query_unknown(r, format ? "format" : "word in options", word));
}

static const enum entity_format form_formats[] = {
	[FORM_NORMALIZED] = ENTITY_NORMALIZED,
	[FORM_CONCISE] = ENTITY_CONCISE,
	[FORM_SIMPLE] = ENTITY_KEY_VALUES,
};

static enum hub_err
read_format(struct query_reader *r, struct str value)
{
	enum form form = FORM_NORMALIZED;
	enum hub_err err = read_form(r, value, true, &form);

	if (err != HUB_OK)
		return (err);
	r->format_given = true;
	r->query->format = form_formats[form];
	return (HUB_OK);
}

static enum hub_err
read_options(struct query_reader *r, struct str value)
{
	enum form form, shape = FORM_NORMALIZED;
	bool shaped = false;
	struct str word;
	enum hub_err err;

	while (str_cut(&value, ',', &word)) {
		err = read_form(r, word, false, &form);
		if (err != HUB_OK)
			return (err);
		if (form == FORM_SYS) {
			r->query->sys_attrs = true;
			continue;
		}
		if (shaped && form != shape)
			return (
			    query_bad(r, "options names two representations"));
		shaped = true;
		shape = form;
	}
	if (!r->format_given)
		r->query->format = form_formats[shape];
	return (HUB_OK);
}

/* ---- the table */

enum where {
	QUERIES = 1,    /* GET entities */
	RETRIEVALS = 2, /* GET entities/{id} */
	BODIES = 4,     /* POST entityOperations/query: beside the body */
	GETS = QUERIES | RETRIEVALS,
	ALL = GETS | BODIES
};

static const struct parameter {
	struct str name;
	enum where where;
	read_fn read;
	enum hub_err refusal; /* when read is NULL */
} parameters[] = {
	{ { "type", 4 }, GETS, read_type, 0 },
	{ { "id", 2 }, QUERIES, read_id, 0 },
	{ { "idPattern", 9 }, QUERIES, read_id_pattern, 0 },
	{ { "attrs", 5 }, GETS, read_attrs, 0 },
	{ { "pick", 4 }, GETS, read_pick, 0 },
	{ { "omit", 4 }, GETS, read_omit, 0 },
	{ { "q", 1 }, QUERIES, query_read_q, 0 },
	{ { "csf", 3 }, QUERIES, query_read_csf, 0 },
	{ { "scopeQ", 6 }, QUERIES, query_read_scope_q, 0 },
	{ { "georel", 6 }, QUERIES, read_georel, 0 },
	{ { "geometry", 8 }, QUERIES, read_geometry, 0 },
	{ { "coordinates", 11 }, QUERIES, read_coordinates, 0 },
	{ { "geoproperty", 11 }, QUERIES, read_geoproperty, 0 },
	{ { "lang", 4 }, GETS, query_read_lang, 0 },
	{ { "datasetId", 9 }, GETS, read_dataset_id, 0 },
	{ { "limit", 5 }, QUERIES | BODIES, read_limit, 0 },
	{ { "offset", 6 }, QUERIES | BODIES, read_offset, 0 },
	{ { "count", 5 }, QUERIES | BODIES, read_count, 0 },
	{ { "local", 5 }, ALL, read_local, 0 },
	{ { "splitEntities", 13 }, QUERIES, read_split, 0 },
	{ { "options", 7 }, ALL, read_options, 0 },
	{ { "format", 6 }, ALL, read_format, 0 },
	{ { "geometryProperty", 16 }, ALL, query_read_geometry_property, 0 },
	{ { "join", 4 }, ALL, NULL, HUB_ENOTSUP },
	{ { "joinLevel", 9 }, ALL, NULL, HUB_ENOTSUP },
	{ { "containedBy", 11 }, ALL, NULL, HUB_ENOTSUP },
	{ { "entityMap", 9 }, QUERIES | BODIES, read_entity_map, 0 },
	{ { "entityMapLifetime", 17 }, QUERIES | BODIES, query_read_map_life,
	    0 },
	{ { "entityMap", 9 }, RETRIEVALS, NULL, HUB_ENOTSUP },
	{ { "entityMapLifetime", 17 }, RETRIEVALS, NULL, HUB_ENOTSUP },
	{ { "jsonKeys", 8 }, ALL, NULL, HUB_ENOTSUP },
	{ { "expandValues", 12 }, ALL, NULL, HUB_ENOTSUP },
	{ { "audit", 5 }, ALL, NULL, HUB_ENOTSUP },
	{ { "timerel", 7 }, GETS, NULL, HUB_ENOTSUP },
	{ { "timeAt", 6 }, GETS, NULL, HUB_ENOTSUP },
	{ { "endTimeAt", 9 }, GETS, NULL, HUB_ENOTSUP },
	{ { "timeproperty", 12 }, GETS, NULL, HUB_ENOTSUP },
	{ { "lastN", 5 }, GETS, NULL, HUB_ENOTSUP },
	{ { "aggrMethods", 11 }, GETS, NULL, HUB_ENOTSUP },
	{ { "aggrPeriodDuration", 18 }, GETS, NULL, HUB_ENOTSUP },
	{ { "orderBy", 7 }, QUERIES | BODIES, NULL, HUB_ESYNTAX },
	{ { "collation", 9 }, QUERIES | BODIES, NULL, HUB_ESYNTAX },
	{ { "orderFrom", 9 }, QUERIES | BODIES, NULL, HUB_ESYNTAX },
};

static enum hub_err
read_parameter(
    struct query_reader *r, const struct http_param *given, enum where where)
{
	const struct parameter *p;

	if (given->value.len == 0)
		return (query_bad(r, "a parameter is empty"));
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]);
	     i++) {
		p = &parameters[i];
		if ((p->where & where) == 0 || !str_eq(given->name, p->name))
			continue;
		if (p->read != NULL)
			return (p->read(r, arena_str(r->arena, given->value)));
		return (query_refuse_known(r, p->refusal, p->name));
	}
	return (query_unknown(r, "parameter", given->name));
}

static enum hub_err
read_parameters(
    struct query_reader *r, const struct http_uri *uri, enum where where)
{
	enum hub_err err = HUB_OK;

	for (unsigned i = 0; err == HUB_OK && i < uri->nparams; i++)
		err = read_parameter(r, &uri->params[i], where);
	return (err);
}

enum hub_err
query_read_page(struct query_reader *r, const struct http_uri *uri)
{
	return (read_parameters(r, uri, BODIES));
}

enum hub_err
query_parse(const struct http_uri *uri, bool retrieve,
    const struct context *context, struct names *names, struct arena *arena,
    struct query *query_r, struct query_error *error_r)
{
	struct query query = { .limit = QUERY_LIMIT_DEFAULT };
	struct query_reader r = { .query = &query,
		.context = context,
		.names = names,
		.arena = arena,
		.error = error_r };
	enum hub_err err;

	err = read_parameters(&r, uri, retrieve ? RETRIEVALS : QUERIES);
	if (err == HUB_OK)
		err = query_finish(&r, retrieve);
	if (err == HUB_OK)
		*query_r = query;
	return (err);
}
