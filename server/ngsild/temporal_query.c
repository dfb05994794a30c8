/* server/ngsild/temporal_query.c - the parameters of a temporal query;
 * temporal.h says what they mean.
 *
 * What is temporal is read here, one row each; the rest goes to the reader of
 * entity queries as if it stood alone. */
#include "server/ngsild/query_priv.h"
#include "server/ngsild/temporal.h"

struct reader {
	struct query_reader r; /* for refusals; query is not set */
	struct temporal t;
	struct str timerel;
	struct wall_us time_at, end_time_at;
	bool format_given, sys_attrs, period_given;
	unsigned given; /* 1 << row of the table */
};

typedef enum hub_err (*read_fn)(struct reader *, struct str);

/* ---- single parameters */

static enum hub_err
read_timerel(struct reader *r, struct str value)
{
	r->timerel = value;
	if (str_eq(value, STR("before")) || str_eq(value, STR("after")) ||
	    str_eq(value, STR("between")))
		return (HUB_OK);
	return (query_bad(&r->r, "timerel is not before, after or between"));
}

static enum hub_err
read_instant(struct reader *r, struct str value, struct wall_us *at)
{
	return (wall_parse(value, at) == HUB_OK ? HUB_OK :
		    query_bad(&r->r, "timeAt or endTimeAt is no DateTime"));
}

static enum hub_err
read_time_at(struct reader *r, struct str value)
{
	return (read_instant(r, value, &r->time_at));
}

static enum hub_err
read_end_time_at(struct reader *r, struct str value)
{
	return (read_instant(r, value, &r->end_time_at));
}

static const struct str properties[] = {
	[TIME_OBSERVED] = { "observedAt", 10 },
	[TIME_CREATED] = { "createdAt", 9 },
	[TIME_MODIFIED] = { "modifiedAt", 10 },
};

struct str
time_property_name(enum time_property p)
{
	return (properties[p]);
}

static enum hub_err
read_timeproperty(struct reader *r, struct str value)
{
	for (enum time_property p = TIME_OBSERVED; p <= TIME_MODIFIED; p++)
		if (str_eq(value, properties[p])) {
			r->t.property = p;
			return (HUB_OK);
		}
	if (str_eq(value, STR("deletedAt")))
		return (query_refuse(&r->r, HUB_ENOTSUP,
		    "this version does not do timeproperty=deletedAt"));
	return (query_bad(&r->r,
	    "timeproperty is not observedAt, createdAt or modifiedAt"));
}

/* Any number that is one; more than can be kept is all. */
static enum hub_err
read_last_n(struct reader *r, struct str value)
{
	uint64_t n = 0;
	enum hub_err err = str_uint(value, UINT32_MAX, &n);

	if (err == HUB_ERANGE)
		n = UINT32_MAX;
	else if (err != HUB_OK || n == 0)
		return (query_bad(&r->r, "lastN is no positive number"));
	r->t.last_n = (uint32_t)n;
	return (HUB_OK);
}

static const struct str methods[] = {
	[AGGR_TOTAL_COUNT] = { "totalCount", 10 },
	[AGGR_DISTINCT_COUNT] = { "distinctCount", 13 },
	[AGGR_SUM] = { "sum", 3 },
	[AGGR_AVG] = { "avg", 3 },
	[AGGR_MIN] = { "min", 3 },
	[AGGR_MAX] = { "max", 3 },
	[AGGR_STDDEV] = { "stddev", 6 },
	[AGGR_SUMSQ] = { "sumsq", 5 },
};

static enum hub_err
read_method(struct reader *r, struct str word)
{
	for (unsigned m = 0; m < AGGR_MAX_; m++)
		if (str_eq(word, methods[m])) {
			r->t.methods |= 1U << m;
			return (HUB_OK);
		}
	return (query_unknown(&r->r, "word in aggrMethods", word));
}

static enum hub_err
read_methods(struct reader *r, struct str value)
{
	enum hub_err err = HUB_OK;
	struct str word;

	while (err == HUB_OK && str_cut(&value, ',', &word))
		err = read_method(r, word);
	return (err);
}

static enum hub_err
read_period(struct reader *r, struct str value)
{
	r->period_given = true;
	return (iso_duration_parse(value, &r->t.period) == HUB_OK ? HUB_OK :
		    query_bad(&r->r, "aggrPeriodDuration is no duration"));
}

/* ---- representation */

static const struct form {
	struct str word;
	enum temporal_form form;
	bool later; /* known, and not in this version */
} forms[] = {
	{ { "normalized", 10 }, TEMPORAL_FULL, false },
	{ { "temporalValues", 14 }, TEMPORAL_VALUES, false },
	{ { "aggregatedValues", 16 }, TEMPORAL_AGGREGATED, false },
	{ { "concise", 7 }, TEMPORAL_FULL, true },
	{ { "audit", 5 }, TEMPORAL_FULL, true },
};

static enum hub_err
read_form(struct reader *r, struct str word, const char *what,
    enum temporal_form *form_r)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!str_eq(word, forms[i].word))
			continue;
		*form_r = forms[i].form;
		return (!forms[i].later ? HUB_OK :
			    query_refuse_known(&r->r, HUB_ENOTSUP, word));
	}
	return (query_unknown(&r->r, what, word));
}

static enum hub_err
read_format(struct reader *r, struct str value)
{
	r->format_given = true;
	return (read_form(r, value, "format", &r->t.form));
}

/* format stands above options, wherever it is. */
static enum hub_err
read_options(struct reader *r, struct str value)
{
	enum temporal_form form = TEMPORAL_FULL, shape = TEMPORAL_FULL;
	enum hub_err err = HUB_OK;
	bool shaped = false;
	struct str word;

	while (err == HUB_OK && str_cut(&value, ',', &word)) {
		if (str_eq(word, STR("sysAttrs"))) {
			r->sys_attrs = true;
			continue;
		}
		err = read_form(r, word, "word in options", &form);
		if (err == HUB_OK && shaped && form != shape)
			err = query_bad(&r->r,
			    "options names two representations");
		if (err == HUB_OK)
			shape = form;
		shaped = true;
	}
	if (err == HUB_OK && !r->format_given)
		r->t.form = shape;
	return (err);
}

/* Of GeoJSON, which evolutions do not have. */
static enum hub_err
refuse_geometry_property(struct reader *r, struct str value HUB_UNUSED)
{
	return (query_bad(&r->r, "unknown parameter: geometryProperty"));
}

/* ---- the table */

enum where {
	QUERIES = 1,	/* GET temporal/entities */
	RETRIEVALS = 2, /* GET temporal/entities/{id} */
	BODIES = 4,	/* POST temporal/entityOperations/query: the URL */
	MEMBERS = 8,	/* and its temporalQ */
	GETS = QUERIES | RETRIEVALS,
	TIMES = GETS | MEMBERS,
	URLS = GETS | BODIES,
	ALL = URLS | MEMBERS
};

static const struct parameter {
	struct str name;
	enum where where;
	read_fn read;
} parameters[] = {
	{ { "timerel", 7 }, TIMES, read_timerel },
	{ { "timeAt", 6 }, TIMES, read_time_at },
	{ { "endTimeAt", 9 }, TIMES, read_end_time_at },
	{ { "timeproperty", 12 }, TIMES, read_timeproperty },
	{ { "lastN", 5 }, ALL, read_last_n },
	{ { "aggrMethods", 11 }, ALL, read_methods },
	{ { "aggrPeriodDuration", 18 }, ALL, read_period },
	{ { "options", 7 }, URLS, read_options },
	{ { "format", 6 }, URLS, read_format },
	{ { "geometryProperty", 16 }, URLS, refuse_geometry_property },
};
#define NPARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

/* The row, or NPARAMETERS. */
static size_t
find_parameter(struct str name, enum where where)
{
	size_t i = 0;

	while (i < NPARAMETERS && ((parameters[i].where & where) == 0 ||
				      !str_eq(name, parameters[i].name)))
		i++;
	return (i);
}

static enum hub_err
read_parameter(struct reader *r, size_t row, struct str value)
{
	if (value.len == 0)
		return (query_bad(&r->r, "a parameter is empty"));
	if ((r->given >> row & 1) != 0)
		return (query_bad(&r->r,
		    "a parameter is in the URL and in temporalQ"));
	r->given |= 1U << row;
	return (parameters[row].read(r, value));
}

/* Reads what is temporal; *rest is the URL without it. */
static enum hub_err
read_url(struct reader *r, const struct http_uri *uri, enum where where,
    struct http_uri *rest)
{
	enum hub_err err = HUB_OK;
	size_t row;

	*rest = *uri;
	rest->nparams = 0;
	for (unsigned i = 0; err == HUB_OK && i < uri->nparams; i++) {
		row = find_parameter(uri->params[i].name, where);
		if (row < NPARAMETERS)
			err = read_parameter(r, row, uri->params[i].value);
		else
			rest->params[rest->nparams++] = uri->params[i];
	}
	/* Its own word is out, so there is a place. */
	if (r->sys_attrs)
		rest->params[rest->nparams++] =
		    (struct http_param){ STR("options"), STR("sysAttrs") };
	return (err);
}

/* ---- judged together */

static enum hub_err
finish_range(struct reader *r, bool required)
{
	bool has_at = r->time_at.us != WALL_ABSENT.us;
	bool has_end = r->end_time_at.us != WALL_ABSENT.us;
	bool between = str_eq(r->timerel, STR("between"));

	r->t.range = TIME_RANGE_ALL;
	if (r->timerel.p == NULL && required)
		return (query_bad(&r->r, "a temporal query needs timerel"));
	if (r->timerel.p == NULL && (has_at || has_end))
		return (query_bad(&r->r, "timeAt and endTimeAt need timerel"));
	if (r->timerel.p == NULL)
		return (HUB_OK);
	if (!has_at || between != has_end)
		return (query_bad(&r->r,
		    "timerel needs timeAt, and between alone endTimeAt"));
	if (between && r->end_time_at.us < r->time_at.us)
		return (query_bad(&r->r, "endTimeAt is before timeAt"));
	if (str_eq(r->timerel, STR("before")))
		r->t.range.until = r->time_at;
	else
		r->t.range.from = r->time_at;
	if (between)
		r->t.range.until = r->end_time_at;
	return (HUB_OK);
}

static enum hub_err
finish(struct reader *r, bool required)
{
	bool aggregated = r->t.form == TEMPORAL_AGGREGATED;
	enum hub_err err = finish_range(r, required);

	if (err == HUB_OK && aggregated != (r->t.methods != 0))
		err = query_bad(&r->r,
		    "aggrMethods and aggregatedValues need each other");
	if (err == HUB_OK && r->period_given && !aggregated)
		err = query_bad(&r->r,
		    "aggrPeriodDuration needs aggregatedValues");
	return (err);
}

static struct reader
reader_of(struct arena *a, struct query_error *e)
{
	return ((struct reader){ .r = { .arena = a, .error = e },
	    .time_at = WALL_ABSENT,
	    .end_time_at = WALL_ABSENT });
}

enum hub_err
temporal_parse(const struct http_uri *uri, bool retrieve,
    const struct context *context, struct names *names, struct arena *arena,
    struct query *query_r, struct temporal *temporal_r,
    struct query_error *error_r)
{
	struct reader r = reader_of(arena, error_r);
	struct http_uri rest;
	enum hub_err err =
	    read_url(&r, uri, retrieve ? RETRIEVALS : QUERIES, &rest);

	if (err == HUB_OK)
		err = finish(&r, !retrieve);
	if (err == HUB_OK)
		err = query_parse(&rest, retrieve, context, names, arena,
		    query_r, error_r);
	if (err == HUB_OK)
		*temporal_r = r.t;
	return (err);
}

/* ---- temporalQ */

/* The text of a number or a string; of a list of strings the words with
 * commas. */
static enum hub_err
member_value(struct reader *r, const struct json *j, uint32_t node,
    struct str *value_r)
{
	const struct json_node *n = j->nodes;
	const char *text = "";
	struct str word;

	if (n[node].kind == JSON_STRING)
		*value_r = json_text(j, node, r->r.arena);
	else if (n[node].kind == JSON_NUMBER)
		*value_r = json_span(j, node);
	else if (n[node].kind == JSON_ARRAY && n[node].count <= AGGR_MAX_) {
		for (uint32_t e = node + 1; e < n[node].next; e = n[e].next) {
			if (n[e].kind != JSON_STRING || n[e].len > 32)
				return (HUB_ESYNTAX);
			word = json_text(j, e, r->r.arena);
			text = arena_printf(r->r.arena, "%s%s%.*s", text,
			    e == node + 1 ? "" : ",", STR_FMT(word));
		}
		*value_r = str_of(text);
	} else
		return (HUB_ESYNTAX);
	return (HUB_OK);
}

static enum hub_err
read_temporal_q(struct reader *r, const struct json *j, uint32_t node)
{
	enum hub_err err = HUB_OK;
	struct str name, value;
	size_t row;

	if (j->nodes[node].kind != JSON_OBJECT)
		return (query_bad(&r->r, "temporalQ is no temporal query"));
	for (uint32_t k = node + 1; err == HUB_OK && k < j->nodes[node].next;
	     k = j->nodes[k + 1].next) {
		name = json_text(j, k, r->r.arena);
		row = find_parameter(name, MEMBERS);
		if (row == NPARAMETERS)
			return (query_unknown(
			    &r->r, "member of temporalQ", name));
		if (member_value(r, j, k + 1, &value) != HUB_OK)
			return (query_bad(&r->r,
			    "temporalQ has a value of the wrong kind"));
		err = read_parameter(r, row, value);
	}
	return (err);
}

enum hub_err
temporal_parse_body(const struct json *json, const struct http_uri *uri,
    const struct context *context, struct names *names, struct arena *arena,
    struct query *query_r, struct temporal *temporal_r,
    struct query_error *error_r)
{
	struct reader r = reader_of(arena, error_r);
	struct http_uri rest;
	uint32_t temporal_q = 0;
	enum hub_err err = read_url(&r, uri, BODIES, &rest);

	if (err == HUB_OK)
		err = query_parse_body_temporal(json, &rest, context, names,
		    arena, query_r, &temporal_q, error_r);
	if (err == HUB_OK && temporal_q != 0)
		err = read_temporal_q(&r, json, temporal_q);
	if (err == HUB_OK)
		err = finish(&r, true);
	if (err == HUB_OK)
		*temporal_r = r.t;
	return (err);
}
