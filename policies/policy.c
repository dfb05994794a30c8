/* policies/policy.c - plans; policy.h says what they promise. */
#include "policies/policy.h"

#include "policies/policy_priv.h"
#include "policies/registration.h"

/* What a dataset must offer for an action; subscribe: nothing serves it. */
static const struct {
	enum region_action action;
	unsigned operations;
} action_operations[] = {
	{ ACTION_QUERY, OP_QUERY | OP_RETRIEVE | OP_QUERY_BATCH },
	{ ACTION_RETRIEVE, OP_QUERY | OP_RETRIEVE | OP_QUERY_BATCH },
	{ ACTION_TEMPORAL, OP_QUERY_TEMPORAL | OP_RETRIEVE_TEMPORAL },
};

const struct policy_attr *
policy_entry(const struct policy_share *share, const struct name *name)
{
	uint32_t at;

	if (name->id == 0)
		return (NULL); /* no agreement names what the region does not */
	for (at = attr_slot(name, share->mask);
	     share->attrs[at].release != NULL; at = (at + 1) & share->mask)
		if (share->attrs[at].name == name)
			return (&share->attrs[at]);
	return (NULL);
}

const struct release *
policy_attr(const struct policy_share *share, const struct name *name)
{
	const struct policy_attr *entry = policy_entry(share, name);

	return (entry != NULL ? entry->release : NULL);
}

bool
policy_transforms(const struct policy_leg *leg, const struct name *attr)
{
	const struct policy_attr *entry;

	for (unsigned i = 0; i < leg->ngrants; i++)
		for (unsigned k = 0; k < leg->grants[i]->nshares; k++) {
			entry = policy_entry(&leg->grants[i]->shares[k], attr);
			if (entry != NULL && entry->transform != NULL)
				return (true);
		}
	return (false);
}

static bool
grant_valid(const struct policy_grant *grant, unsigned actions,
    const struct policy_query *q)
{
	for (unsigned i = 0; i < q->nvoid; i++)
		if (q->voids[i] == grant->agreement)
			return (false);
	return ((grant->agreement->actions & actions) == actions &&
	    grant->from.us <= q->at.us && q->at.us < grant->until.us);
}

static unsigned
operations_for(enum region_action action)
{
	size_t i;

	for (i = 0;
	     i < sizeof(action_operations) / sizeof(action_operations[0]); i++)
		if (action_operations[i].action == action)
			return (action_operations[i].operations);
	return (0);
}

/* Can the dataset hold an entity of one of the ids asked for? */
static bool
ids_match(const struct region_dataset *ds, const struct policy_query *q)
{
	unsigned i, k;
	bool any = q->nids == 0;

	for (k = 0; k < ds->nids; k++) {
		if (q->id.p != NULL && !str_glob(ds->ids[k], q->id))
			continue;
		if (q->nids == 0)
			return (true);
		for (i = 0; i < q->nids && !any; i++)
			any = (q->id.p == NULL || str_eq(q->id, q->ids[i])) &&
			    str_glob(ds->ids[k], q->ids[i]);
		if (any)
			return (true);
	}
	return (false);
}

static bool
type_asked(const struct policy_query *q, const struct name *type)
{
	unsigned i;

	for (i = 0; i < q->ntypes; i++)
		if (q->types[i] == type)
			return (true);
	return (q->ntypes == 0);
}

static bool
owned_type(const struct region_dataset *ds, const struct policy_query *q)
{
	unsigned i;

	if (ds->any_type)
		return (true);

	for (i = 0; i < ds->ntypes; i++)
		if (type_asked(q, ds->types[i].type))
			return (true);
	return (false);
}

static bool
granted_type(const struct policy_leg *leg, const struct policy_query *q)
{
	unsigned i, k;

	for (i = 0; i < leg->ngrants; i++)
		for (k = 0; k < leg->grants[i]->nshares; k++)
			if (type_asked(q, leg->grants[i]->shares[k].type))
				return (true);
	return (false);
}

/* The grants of a group that hold now; the leg stays without any else. */
static void
group_grants(const struct group *g, const struct policy_query *q,
    struct arena *arena, struct policy_leg *leg)
{
	const struct policy_grant **valid;
	unsigned i;

	if (q->nvoid == 0 && g->from.us <= q->at.us &&
	    q->at.us < g->until.us &&
	    (g->actions & q->action) == (unsigned)q->action) {
		leg->grants = g->grants;
		leg->ngrants = g->ngrants;
		return;
	}
	if (g->ngrants == 1 && q->nvoid == 0)
		return;
	valid = arena_array(arena, g->ngrants, sizeof(*valid));
	for (i = 0; i < g->ngrants; i++)
		if (grant_valid(g->grants[i], q->action, q))
			valid[leg->ngrants++] = g->grants[i];
	leg->grants = valid;
}

static bool
plan_group(const struct group *g, const struct policy_query *q,
    struct arena *arena, struct policy_leg *leg)
{
	*leg = (struct policy_leg){ .dataset = g->dataset };
	group_grants(g, q, arena, leg);
	if (leg->ngrants == 0 || !granted_type(leg, q))
		return (false);
	leg->forbids = g->forbids;
	leg->nforbids = g->nforbids;
	return (true);
}

static bool
plan_own(const struct region_dataset *ds, const struct policy_query *q,
    struct policy_leg *leg)
{
	*leg = (struct policy_leg){ .dataset = ds, .own = true };
	return (owned_type(ds, q));
}

static const struct cell *
cell_find(const struct consumer *c, const struct region_purpose *purpose)
{
	unsigned lo = 0, hi = c->ncells, mid;

	if (purpose == NULL)
		return (NULL);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (c->cells[mid].purpose == purpose)
			return (&c->cells[mid]);
		if (c->cells[mid].purpose->index < purpose->index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (NULL);
}

/* A registration ends without anybody touching it. */
static bool
has_expired(const struct region_dataset *ds, struct wall_us at)
{
	return (ds->registration != NULL &&
	    ds->registration->expires.text.p != NULL &&
	    ds->registration->expires.at.us <= at.us);
}

void
policy_plan(const struct policy_set *set, const struct policy_query *q,
    struct arena *arena, const struct policy_leg **legs_r, unsigned *n_r)
{
	const struct consumer *c;
	const struct cell *cell;
	unsigned operations = operations_for(q->action);
	unsigned g = 0, o = 0, n = 0, ngroups;
	struct policy_leg *legs;

	assert(q->consumer->index < set->nconsumers);
	c = &set->consumers[q->consumer->index];
	cell = cell_find(c, q->purpose);
	ngroups = cell != NULL ? cell->ngroups : 0;
	legs = arena_array(arena, (size_t)ngroups + c->nown + 1,
	    sizeof(*legs));
	while (g < ngroups || o < c->nown) {
		bool own = g == ngroups ||
		    (o < c->nown &&
			c->own[o]->index < cell->groups[g].dataset->index);
		const struct region_dataset *ds =
		    own ? c->own[o] : cell->groups[g].dataset;

		if ((ds->operations & operations) != 0 &&
		    !has_expired(ds, q->at) && ids_match(ds, q) &&
		    (own ? plan_own(ds, q, &legs[n])
			 : plan_group(&cell->groups[g], q, arena, &legs[n])))
			n++;
		o += own;
		g += !own;
	}
	*legs_r = legs;
	*n_r = n;
}

const struct region_forbid *
policy_forbid(const struct policy_leg *leg, const struct policy_grant *grant,
    const struct name *type, const struct name *attr)
{
	unsigned i;

	for (i = 0; i < leg->nforbids; i++)
		if (policy_forbid_binds(leg->forbids[i], grant) &&
		    (leg->forbids[i]->type == NULL ||
			leg->forbids[i]->type == type) &&
		    (leg->forbids[i]->attribute == NULL ||
			leg->forbids[i]->attribute == attr))
			return (leg->forbids[i]);
	return (NULL);
}

bool
policy_may_show(const struct policy_leg *leg, const struct name *attr)
{
	const struct policy_share *ps;
	unsigned i, k;

	for (i = 0; i < leg->ngrants; i++)
		for (k = 0; k < leg->grants[i]->nshares; k++) {
			ps = &leg->grants[i]->shares[k];
			if (policy_attr(ps, attr) != NULL &&
			    policy_forbid(leg, leg->grants[i], ps->type,
				attr) == NULL)
				return (true);
		}
	return (leg->own);
}

static bool
cell_valid(const struct cell *cell, const struct policy_query *q)
{
	unsigned g, i;

	for (g = 0; g < cell->ngroups; g++)
		for (i = 0; i < cell->groups[g].ngrants; i++)
			if (grant_valid(cell->groups[g].grants[i], 0, q))
				return (true);
	return (false);
}

const struct region_purpose *
policy_only_purpose(const struct policy_set *set, const struct tenant *consumer,
    struct wall_us at, bool *several_r)
{
	const struct policy_query q = { .consumer = consumer, .at = at };

	return (policy_query_purpose(set, &q, several_r));
}

const struct region_purpose *
policy_query_purpose(const struct policy_set *set,
    const struct policy_query *q, bool *several_r)
{
	const struct region_purpose *only = NULL;
	const struct consumer *c;
	unsigned i;

	assert(q->consumer->index < set->nconsumers);
	c = &set->consumers[q->consumer->index];
	*several_r = false;
	for (i = 0; i < c->ncells; i++) {
		if (!cell_valid(&c->cells[i], q))
			continue;
		if (only != NULL) {
			*several_r = true;
			return (NULL);
		}
		only = c->cells[i].purpose;
	}
	return (only);
}
