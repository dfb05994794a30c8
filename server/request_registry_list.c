/* server/request_registry_list.c - which of its registrations a tenant asks
 * for (ETSI GS CIM 009, 5.10, 6.8.3.2). */
#include "server/request_priv.h"

/* Of a time query; the rest is read like that of an entity query. */
struct period {
	struct str timerel, at, end, property_name;
	/* what they mean */
	enum time_property property;
	struct time_range range;
};

/* What a query for registrations has of the parameters of one for entities. */
static const char *const shared[] = { "type", "id", "idPattern", "attrs",
	"csf", "scopeQ", "georel", "geometry", "coordinates", "geoproperty",
	"datasetId", "limit", "offset", "count", "options", NULL };

static bool
is_shared(struct str name)
{
	for (size_t i = 0; shared[i] != NULL; i++)
		if (str_eq(name, str_of(shared[i])))
			return (true);
	return (false);
}

static struct str *
period_slot(struct period *p, struct str name)
{
	return (str_eq(name, STR("timerel"))	   ? &p->timerel
		: str_eq(name, STR("timeAt"))	   ? &p->at
		: str_eq(name, STR("endTimeAt"))   ? &p->end
		: str_eq(name, STR("timeproperty")) ? &p->property_name
						   : NULL);
}

/* Splits the parameters; "local" lets none of them be needed, for a tenant
 * may list all that it has. */
static const char *
split(const struct http_uri *all, struct http_uri *u, struct period *p)
{
	*u = *all;
	u->nparams = 0;
	for (unsigned i = 0; i < all->nparams; i++) {
		struct str *slot = period_slot(p, all->params[i].name);

		if (slot != NULL)
			*slot = all->params[i].value;
		else if (is_shared(all->params[i].name))
			u->params[u->nparams++] = all->params[i];
		else
			return ("a parameter that registrations do not have");
	}
	if (u->nparams == HTTP_PARAMS_MAX)
		return ("too many parameters");
	u->params[u->nparams++] = (struct http_param){ STR("local"),
		STR("true") };
	return (NULL);
}

static bool
read_property(struct str text, enum time_property *p_r)
{
	*p_r = TIME_OBSERVED;
	if (text.p == NULL)
		return (true);
	for (; !str_eq(text, time_property_name(*p_r)); ++*p_r)
		if (*p_r == TIME_MODIFIED)
			return (false);
	return (true);
}

/* NULL: fine. */
static const char *
read_period(struct period *p)
{
	bool between = str_eq(p->timerel, STR("between"));
	struct wall_us at, end;

	p->range = TIME_RANGE_ALL;
	if (p->timerel.p == NULL)
		return (p->at.p != NULL || p->end.p != NULL ||
			    p->property_name.p != NULL ?
			"timeAt, endTimeAt and timeproperty need timerel" :
			NULL);
	if (!between && !str_eq(p->timerel, STR("before")) &&
	    !str_eq(p->timerel, STR("after")))
		return ("timerel is before, after or between");
	if (p->at.p == NULL || wall_parse(p->at, &at) != HUB_OK)
		return ("timerel needs timeAt, a DateTime");
	if (between != (p->end.p != NULL) ||
	    (between && wall_parse(p->end, &end) != HUB_OK))
		return ("timerel between, and only that, needs endTimeAt");
	if (str_eq(p->timerel, STR("before")))
		p->range.until = at;
	else
		p->range.from = at;
	if (between)
		p->range.until = end;
	return (read_property(p->property_name, &p->property) ? NULL :
		"timeproperty is observedAt, createdAt or modifiedAt");
}

static bool
in_place(struct request *rq, const struct registration *reg)
{
	const struct geo *geo = rq->query.geo;
	const struct registration_place *p = &reg->location;
	struct str iri;

	if (geo == NULL)
		return (true);
	iri = geo_name(geo)->iri;
	if (str_suffix(iri, STR("/observationSpace")))
		p = &reg->observation_space;
	else if (str_suffix(iri, STR("/operationSpace")))
		p = &reg->operation_space;
	else if (geo_name(geo) != names_location(&rq->names))
		return (false);
	return (p->raw.p != NULL && geo_holds(geo, &p->geometry, rq->arena));
}

static bool
is_asked_for(struct request *rq, const struct region_registration *rr,
    const struct period *p)
{
	const struct registration *reg = rr->registration;
	const struct query *q = &rq->query;
	const struct registration_query rqq = { .query = q,
		.nattrs = q->nattrs,
		.attrs = q->attrs };
	struct registration_state state;
	struct entity e;

	if (rr->tenant != rq->identity.tenant || reg == NULL ||
	    (reg->expires.text.p != NULL &&
		reg->expires.at.us <= rq->now.us) ||
	    !registration_match(reg, &rqq, rq->arena) || !in_place(rq, reg))
		return (false);
	if (p->timerel.p != NULL &&
	    !registration_in_time(reg, p->property, p->range, false))
		return (false);
	if (q->csf == NULL && q->scope_q == NULL)
		return (true);
	state = registration_state(rq->snapshot, rr);
	return (registration_entity(reg, &state, &rq->names, rq->arena, &e) ==
		HUB_OK &&
	    query_scope_match(q, &e) &&
	    (q->csf == NULL || q_match(q->csf, &e, &rq->names)));
}

static void
write_page(struct request *rq, const struct region_registration **v, size_t n)
{
	const struct query *q = &rq->query;
	size_t from = q->offset < n ? q->offset : n;
	size_t to = n - from < q->limit ? n : from + q->limit;

	buf_addc(&rq->body, '[');
	for (size_t i = from; i < to; i++) {
		struct registration_state state =
		    registration_state(rq->snapshot, v[i]);
		struct registration_out out = { .context = rq->context,
			.arena = rq->arena,
			.ld = rq->ld,
			.sys_attrs = q->sys_attrs,
			.state = &state };

		if (i > from)
			buf_addc(&rq->body, ',');
		registration_write(v[i]->registration, &out, &rq->body);
	}
	buf_addc(&rq->body, ']');
	rq->total = n;
	rq->next = to < n ? to : 0;
}

enum step_next
registrations_list(struct request *rq)
{
	const struct region *r = rq->snapshot->region;
	const struct region_registration **v = arena_array(rq->arena,
	    (size_t)r->nregistrations + 1, sizeof(*v));
	struct query_error e = { 0 };
	struct period p = { .timerel = STR_NONE };
	struct http_uri u;
	const char *bad = split(&rq->uri, &u, &p);
	size_t n = 0;

	if (bad == NULL)
		bad = read_period(&p);
	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	if (query_parse(&u, false, rq->context, &rq->names, rq->arena,
		&rq->query, &e) != HUB_OK)
		return (refuse_query(rq, &e));
	if (rq->query.format != ENTITY_NORMALIZED)
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "options of registrations is sysAttrs"));
	for (unsigned i = 0; i < r->nregistrations; i++)
		if (is_asked_for(rq, &r->registrations[i], &p))
			v[n++] = &r->registrations[i];
	write_page(rq, v, n);
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	rq->status = 200;
	answer_common_fields(rq);
	answer_content_fields(rq);
	answer_paging(rq, &rq->fields);
	return (answer_send(rq));
}
