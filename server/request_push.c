/* server/request_push.c - which predicates a source may be left to select by:
 * what narrow.h can write, where nothing but that source can hold the same
 * entity, and policy lets it (policy.md, 3.2: 4 and 5). */
#include "server/request_priv.h"

/* Ids of all legs together, and looks at them; more are not compared. */
#define PATTERNS_MAX 200
#define LOOKS_MAX    UINT64_C(100000)

/* ---- may two sources hold one entity? */

/* What stands before the first "*" and behind the last. */
static struct str
front(struct str glob)
{
	return ((struct str){ glob.p, str_chr(glob, '*') });
}

static struct str
back(struct str glob)
{
	size_t n = glob.len;

	while (n > 0 && glob.p[n - 1] != '*')
		n--;
	return (str_from(glob, n));
}

/* Is there a text that both match? True where that is not sure. */
static bool
globs_meet(struct str a, struct str b)
{
	struct str x, y;

	if (front(a).len == a.len)
		return (str_glob(b, a));
	if (front(b).len == b.len)
		return (str_glob(a, b));
	x = front(a);
	y = front(b);
	if (!str_prefix(x, y) && !str_prefix(y, x))
		return (false);
	x = back(a);
	y = back(b);
	return (str_suffix(x, y) || str_suffix(y, x));
}

static bool
has_id(const struct region_dataset *ds, struct str id)
{
	for (unsigned i = 0; i < ds->nids; i++)
		if (str_glob(ds->ids[i], id))
			return (true);
	return (false);
}

static bool
datasets_meet(const struct query *q, const struct region_dataset *a,
    const struct region_dataset *b)
{
	for (unsigned i = 0; i < q->nids; i++)
		if (has_id(a, q->ids[i]) && has_id(b, q->ids[i]))
			return (true);
	if (q->nids > 0)
		return (false);
	for (unsigned i = 0; i < a->nids; i++)
		for (unsigned k = 0; k < b->nids; k++)
			if (globs_meet(a->ids[i], b->ids[k]))
				return (true);
	return (false);
}

static bool
is_alone(const struct request *rq, unsigned leg)
{
	const struct fanout *f = &rq->fanout;
	uint64_t n = 0;

	for (unsigned i = 0; i < f->n; i++)
		n += f->legs[i].policy->dataset->nids;
	if (f->n > 1 && (n > PATTERNS_MAX ||
			    n * f->n * rq->query.nids > LOOKS_MAX))
		return (false);
	for (unsigned i = 0; i < f->n; i++)
		if (i != leg && datasets_meet(&rq->query,
				    f->legs[leg].policy->dataset,
				    f->legs[i].policy->dataset))
			return (false);
	return (true);
}

/* ---- what policy lets a source select by */

static bool
is_filterable(const struct region_share *s, const struct name *name)
{
	for (unsigned i = 0; i < s->nfilterable; i++)
		if (s->filterable[i] == name)
			return (true);
	return (false);
}

/* Released as it is, and listed as filterable. */
static bool
share_lets(const struct policy_leg *pl, const struct policy_grant *g,
    const struct policy_share *ps, const struct name *name)
{
	const struct policy_attr *entry = policy_entry(ps, name);

	return (entry != NULL && entry->transform == NULL &&
	    is_filterable(ps->share, name) &&
	    policy_forbid(pl, g, ps->type, name) == NULL);
}

struct asker {
	const struct query *query;
	const struct policy_leg *leg;
};

static enum narrow_use
use_of(const struct name *name, void *arg)
{
	const struct asker *by = arg;
	const struct policy_leg *pl = by->leg;

	if (pl->own)
		return (NARROW_PUSH);
	if (!policy_may_show(pl, name))
		return (NARROW_ABSENT);
	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned s = 0; s < pl->grants[g]->nshares; s++) {
			const struct policy_share *ps =
			    &pl->grants[g]->shares[s];

			if (query_names_type(by->query, ps->type) &&
			    !share_lets(pl, pl->grants[g], ps, name))
				return (NARROW_LOCAL);
		}
	return (NARROW_PUSH);
}

static bool
scope_shown(const struct asker *by)
{
	const struct policy_leg *pl = by->leg;

	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned s = 0; s < pl->grants[g]->nshares; s++) {
			const struct policy_share *ps =
			    &pl->grants[g]->shares[s];

			if (query_names_type(by->query, ps->type) &&
			    !ps->share->system_scope)
				return (false);
		}
	return (true);
}

/* ---- places */

static void
put_place(struct request *rq, const struct geo_reach *reach,
    struct str property, struct source_push *push)
{
	if (property.p == NULL)
		return;
	push->geo = geo_reach_text(reach, rq->arena);
	if (!str_eq(property, STR("location")))
		push->geoproperty = property;
}

/* What the client asks for. false: it does not ask by place. */
static bool
push_geo(struct request *rq, struct asker *by, const struct narrow *n,
    struct source_push *push)
{
	const struct geo *geo = rq->query.geo;
	struct geo_reach reach;

	if (geo == NULL)
		return (false);
	if (use_of(geo_name(geo), by) == NARROW_PUSH && geo_reach(geo, &reach))
		put_place(rq, &reach, narrow_name(geo_name(geo), n->context,
		    rq->arena), push);
	return (true);
}

struct extent {
	bool any;
	struct point min, max;
	double metres;
};

static void
extend(struct extent *e, const struct region_share *s)
{
	for (unsigned i = 0; i < s->ninside; i++) {
		const struct geometry *g = &s->inside[i]->geometry;

		if (!e->any) {
			e->min = g->min;
			e->max = g->max;
		}
		e->any = true;
		e->min.lon = e->min.lon < g->min.lon ? e->min.lon : g->min.lon;
		e->min.lat = e->min.lat < g->min.lat ? e->min.lat : g->min.lat;
		e->max.lon = e->max.lon > g->max.lon ? e->max.lon : g->max.lon;
		e->max.lat = e->max.lat > g->max.lat ? e->max.lat : g->max.lat;
	}
	if (e->metres < s->buffer_m)
		e->metres = s->buffer_m;
}

/* Whatever is released lies in a place then. */
static bool
is_bound(const struct request *rq, const struct policy_share *ps)
{
	const struct policy_attr *place =
	    policy_entry(ps, rq->names.location);

	return (ps->share->ninside > 0 && !ps->share->keep_without_location &&
	    (place == NULL || place->transform == NULL));
}

/* Of several types an entity may show what any share gives of it: each must
 * be bound to a place. */
static bool
area_of(struct request *rq, const struct policy_leg *pl, struct extent *e)
{
	(void)names_location(&rq->names);
	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned s = 0; s < pl->grants[g]->nshares; s++) {
			const struct policy_share *ps =
			    &pl->grants[g]->shares[s];

			if (!is_bound(rq, ps))
				return (false);
			extend(e, ps->share);
		}
	return (e->any && !pl->own);
}

static void
push_area(struct request *rq, const struct policy_leg *pl,
    const struct narrow *n, struct source_push *push)
{
	struct extent e = { 0 };
	struct geo_reach reach;

	if (!area_of(rq, pl, &e) ||
	    !geo_reach_box(e.min, e.max, e.metres, &reach))
		return;
	reach.within = true;
	put_place(rq, &reach, narrow_name(names_location(&rq->names),
	    n->context, rq->arena), push);
}

/* ---- legs */

/* The area binds what is in the view of this source, whoever else has it;
 * what the client asks for is asked of the merged view. */
static void
push_leg(struct request *rq, struct leg *leg, bool alone)
{
	const struct query *q = &rq->query;
	struct asker by = { q, leg->policy };
	struct narrow n = { .names = &rq->names, .arena = rq->arena,
		.use = use_of, .arg = &by };
	struct source_push *push;
	bool geo = false, scope = false, asks_place = false;

	if (!source_reads(leg->policy->dataset->source, &n, &geo, &scope))
		return;
	push = arena_alloc(rq->arena, sizeof(*push));
	if (alone && q->q != NULL)
		push->q = narrow_q(q->q, &n);
	if (alone && scope && q->scope_q != NULL && scope_shown(&by))
		push->scope_q = narrow_scope(q->scope_q, rq->arena);
	if (alone && geo)
		asks_place = push_geo(rq, &by, &n, push);
	if (geo && !asks_place)
		push_area(rq, leg->policy, &n, push);
	if (push->q.p != NULL || push->scope_q.p != NULL ||
	    push->geo.georel.p != NULL)
		source_push(&leg->ask, push, rq->arena);
}

/* Pages of a map are asked for by their ids, and the past for what it was. */
void
request_push(struct request *rq)
{
	const struct query *q = &rq->query;
	struct fanout *f = &rq->fanout;
	bool asks = q->q != NULL || q->geo != NULL || q->scope_q != NULL;

	if (!rq->worker->config->push_down || rq->retrieve ||
	    rq->temporal != NULL || rq->map != NULL)
		return;
	for (unsigned i = 0; i < f->n; i++)
		push_leg(rq, &f->legs[i],
		    asks && (request_unsplit(rq) || is_alone(rq, i)));
}
