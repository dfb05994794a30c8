/* server/request_decide.c - what they may have, and whom to ask for it: the
 * step decide. */
#include "server/request_priv.h"

#define STALE_RETRY_S 30

/* A list of names without repetition, in the arena. */
struct name_list {
	const struct name **v;
	unsigned n, cap;
	struct arena *arena;
};

static void
list_add(struct name_list *l, const struct name *name)
{
	const struct name **bigger;

	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i] == name)
			return;
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 16;
		bigger = arena_raw(l->arena, l->cap * sizeof(*bigger));
		if (l->n > 0)
			memcpy(bigger, l->v, l->n * sizeof(*bigger));
		l->v = bigger;
	}
	l->v[l->n++] = name;
}

static void
list_add_cb(const struct name *name, void *arg)
{
	list_add(arg, name);
}

/* What the client's query needs to see: its attrs and its predicates; empty
 * when everything. */
static void
names_needed(const struct request *rq, struct name_list *l)
{
	const struct query *q = &rq->query;

	for (unsigned i = 0; i < q->nattrs; i++)
		list_add(l, q->attrs[i]);
	if (l->n == 0)
		return;
	if (q->q != NULL)
		q_names(q->q, list_add_cb, l);
	if (q->geo != NULL)
		list_add(l, geo_name(q->geo));
}

/* What the policy itself must see of an entity to decide. */
static void
add_policy_names(struct request *rq, const struct policy_leg *leg,
    const struct region_share *s, struct name_list *l)
{
	const struct name *name;

	if (s->ninside > 0 || s->noutside > 0 || s->within != NULL)
		list_add(l, names_location(&rq->names));
	if (s->history_us == 0 && s->delay_us == 0)
		return;
	name = context_expand(leg->dataset->source->context, &rq->names,
	    STR("dateObserved"));
	if (name != NULL)
		list_add(l, name);
}

/* The source does not know what of it is registered: it is asked for that
 * alone (GS CIM 009, 4.3.6.1). */
static void
ask_registered(const struct request *rq, const struct registration *reg,
    struct name_list *attrs)
{
	bool all;
	struct registration_names names =
	    registration_attrs(reg, &all, rq->arena);

	for (unsigned i = 0; !all && i < names.n; i++)
		for (unsigned k = 0; k < rq->nneeded || k == 0; k++)
			if (rq->nneeded == 0 || rq->needed[k] == names.v[i])
				list_add(attrs, names.v[i]);
	for (unsigned i = 0; all && i < rq->nneeded; i++)
		list_add(attrs, rq->needed[i]);
}

static void
ask_own(const struct request *rq, const struct policy_leg *leg,
    struct name_list *types, struct name_list *attrs)
{
	const struct region_dataset *ds = leg->dataset;
	const struct query *q = &rq->query;

	for (unsigned i = 0; i < ds->ntypes; i++)
		if (query_names_type(q, ds->types[i].type))
			list_add(types, ds->types[i].type);
	for (unsigned i = 0; ds->any_type && i < q->ntypes; i++)
		list_add(types, q->types[i]);
	if (ds->registration != NULL)
		ask_registered(rq, ds->registration, attrs);
	for (unsigned i = 0; ds->registration == NULL && i < rq->nneeded; i++)
		list_add(attrs, rq->needed[i]);
}

/* Released and wanted: what no agreement releases is not even asked for. An
 * entity of several types may be found under the one and show what is released
 * under another: types are asked as the request has them, attributes for all.
 * false: nothing could be in the answer. */
static bool
ask_share(struct request *rq, const struct policy_leg *leg,
    const struct policy_grant *grant, const struct policy_share *ps,
    struct name_list *types, struct name_list *attrs,
    struct name_list *released)
{
	const struct region_share *s = ps->share;
	bool any = false, asked = query_names_type(&rq->query, ps->type);

	for (unsigned i = 0;
	     rq->nneeded == 0 && i < s->nallow + s->ntransforms; i++) {
		const struct name *attr = i < s->nallow ? s->allow[i].attr :
		    s->transforms[i - s->nallow].attr;

		if (policy_forbid(leg, grant, ps->type, attr) == NULL) {
			list_add(attrs, attr);
			if (asked)
				list_add(released, attr);
			any = true;
		}
	}
	for (unsigned i = 0; i < rq->nneeded; i++)
		if (policy_attr(ps, rq->needed[i]) != NULL &&
		    policy_forbid(leg, grant, ps->type, rq->needed[i]) ==
			NULL) {
			list_add(attrs, rq->needed[i]);
			if (asked)
				list_add(released, rq->needed[i]);
			any = true;
		}
	if (asked)
		list_add(types, ps->type);
	add_policy_names(rq, leg, s, attrs);
	return (any);
}

/* Fills the ask of one leg; false: no use in asking. */
static bool
ask_leg(struct request *rq, const struct policy_leg *pl, bool alone,
    struct leg *leg, struct name_list *released)
{
	struct name_list types = { .arena = rq->arena };
	struct name_list attrs = { .arena = rq->arena };
	const struct region_source *src = pl->dataset->source;
	bool any = pl->own;

	if (!registration_asked(rq, pl))
		return (false);
	if (pl->own)
		ask_own(rq, pl, &types, &attrs);
	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned s = 0; s < pl->grants[g]->nshares; s++)
			any |= ask_share(rq, pl, pl->grants[g],
			    &pl->grants[g]->shares[s], &types, &attrs,
			    released);
	leg->policy = pl;
	leg->ask = (struct source_ask){ .leg = pl,
		.access = &rq->snapshot->access[src->index],
		.token = source_tokens_get(rq->source_tokens, src->index),
		.query = &rq->query,
		.via = rq->via,
		.client = http_exchange_head(rq->exchange),
		.trace = &rq->trace,
		.trace_to = rq->worker->config->trace_sources,
		.hub_name = rq->worker->config->name,
		.limit = src->page,
		.types = types.v,
		.ntypes = types.n,
		.attrs = attrs.v,
		.nattrs = attrs.n };
	if (rq->retrieve)
		leg->ask.id = request_entity_id(rq);
	if (rq->temporal != NULL && !temporal_ask(rq, alone, &leg->ask))
		return (false);
	/* What is registered without types is asked for its attributes. */
	return (any && (types.n > 0 || (pl->own && pl->dataset->any_type &&
				       attrs.n > 0)) &&
	    source_plan(&leg->ask, rq->arena));
}

static void
add_leg(struct request *rq, const struct policy_leg *pl, bool alone,
    struct name_list *released)
{
	struct leg *at = &rq->fanout.legs[rq->fanout.n];
	struct leg leg = { 0 };
	unsigned before = released->n;

	if (!ask_leg(rq, pl, alone, &leg, released)) {
		released->n = before;
		return;
	}
	rq->decided.all |= pl->own && rq->nneeded == 0;
	for (unsigned i = 0; pl->own && i < rq->nneeded; i++)
		list_add(released, rq->needed[i]);
	if (rq->temporal != NULL && temporal_ask_places(rq, &leg, at)) {
		at++;
		rq->fanout.n++;
	}
	*at = leg;
	rq->fanout.n++;
}

static enum step_next
run_decide(struct request *rq)
{
	const struct query *q = &rq->query;
	struct policy_query pq = { .consumer = rq->identity.tenant,
		.purpose = rq->purpose,
		.action = rq->temporal != NULL ? ACTION_TEMPORAL :
			  rq->retrieve	       ? ACTION_RETRIEVE :
						 ACTION_QUERY,
		.at = rq->now,
		.ntypes = q->ntypes,
		.types = q->types,
		.nids = q->nids,
		.ids = q->ids,
		.nvoid = rq->nvoid,
		.voids = rq->voids };
	struct name_list needed = { .arena = rq->arena };
	struct name_list released = { .arena = rq->arena };
	const struct policy_leg *legs = NULL;
	unsigned n = 0;

	if (rq->retrieve)
		pq.id = request_entity_id(rq);
	names_needed(rq, &needed);
	rq->needed = needed.v;
	rq->nneeded = needed.n;
	/* The hub holds nothing itself (federation.md §1.2). */
	if (!q->any_type && !q->local)
		policy_plan(rq->snapshot->policy, &pq, rq->arena, &legs, &n);
	/* Twice as many: of the past there may be one beside each. */
	rq->fanout.legs = arena_array(rq->arena, 2 * (size_t)n,
	    sizeof(struct leg));
	rq->uses = arena_array(rq->arena, 2 * (size_t)n,
	    sizeof(struct leg_use));
	for (unsigned i = 0; i < n; i++)
		add_leg(rq, &legs[i], n == 1, &released);
	rq->decided.planned = true;
	rq->decided.released = released.v;
	rq->decided.nreleased = released.n;
	request_push(rq);
	if (!request_confirmed(rq)) {
		rq->retry_after = STALE_RETRY_S;
		return (refuse(rq, PROBLEM_POLICY_STALE, NULL));
	}
	if (!quota_admit(rq))
		return (refuse(rq, PROBLEM_QUOTA_SPENT, NULL));
	return (go(rq, rq->map != NULL ? &STEP_MAP_ASK : &STEP_SCATTER));
}

const struct step STEP_DECIDE = { "decide", run_decide };
