/* policies/policy_compile.c - from agreements to sorted grants. */
#include <stdlib.h>

#include "policies/policy_priv.h"
#include "policies/redact.h"
#include "policies/region_priv.h"

_Static_assert(REGION_GRANTS_MAX <= REDACT_GRANTS_MAX,
    "a leg must not have more grants than redact can count");

static bool in_force(const struct region_agreement *);
static void compile_own(struct policy_set *, const struct region *);
static void compile_cells(struct policy_set *, const struct region *,
    const struct region_agreement **, unsigned n);
static void compile_group(struct policy_set *, const struct region *,
    struct group *, const struct region_agreement *const *, unsigned n);
static void compile_forbids(struct policy_set *, const struct region *,
    struct group *, const struct region_agreement *);
static const struct policy_grant *compile_grant(struct arena *,
    const struct region_agreement *);
static void compile_share(struct arena *, const struct region_dataset *,
    const struct region_share *, struct policy_share *);

static int
agreement_cmp(const void *a, const void *b)
{
	const struct region_agreement *x = *(
	    const struct region_agreement *const *)a;
	const struct region_agreement *y = *(
	    const struct region_agreement *const *)b;
	unsigned kx[4] = { x->consumer->index, x->purpose->index,
		x->dataset->index, x->index };
	unsigned ky[4] = { y->consumer->index, y->purpose->index,
		y->dataset->index, y->index };
	int i;

	for (i = 0; i < 4; i++)
		if (kx[i] != ky[i])
			return (kx[i] < ky[i] ? -1 : 1);
	return (0);
}

struct policy_set *
policy_compile(const struct region *region)
{
	struct arena *arena = arena_new();
	struct policy_set *set = arena_alloc(arena, sizeof(*set));
	const struct region_agreement **sorted;
	unsigned i, n = 0;

	set->arena = arena;
	set->nconsumers = region->tenants.ntenants;
	set->consumers = arena_array(arena, (size_t)set->nconsumers + 1,
	    sizeof(*set->consumers));
	sorted = xcalloc((size_t)region->nagreements + 1, sizeof(*sorted));
	for (i = 0; i < region->nagreements; i++)
		if (in_force(&region->agreements[i]))
			sorted[n++] = &region->agreements[i];
	qsort(sorted, n, sizeof(*sorted), agreement_cmp);
	compile_cells(set, region, sorted, n);
	compile_own(set, region);
	free(sorted);
	return (set);
}

void
policy_free(struct policy_set *set)
{
	if (set != NULL)
		arena_free(set->arena); /* holds the set itself */
}

/* Signed by both, neither of them suspended. The period is judged later. */
static bool
in_force(const struct region_agreement *ag)
{
	return (ag->signed_by_provider && ag->signed_by_consumer &&
	    !ag->provider->suspended && !ag->consumer->suspended &&
	    ag->dataset->source->owner == ag->provider);
}

static void
compile_own(struct policy_set *set, const struct region *region)
{
	struct consumer *c;
	unsigned i;

	for (i = 0; i < region->ndatasets; i++)
		set->consumers[region->datasets[i].source->owner->index]
		    .nown++;
	for (i = 0; i < set->nconsumers; i++) {
		c = &set->consumers[i];
		c->own = arena_array(set->arena, (size_t)c->nown + 1,
		    sizeof(*c->own));
		c->nown = 0;
	}
	for (i = 0; i < region->ndatasets; i++) {
		const struct tenant *t = region->datasets[i].source->owner;

		c = &set->consumers[t->index];
		if (!t->suspended)
			c->own[c->nown++] = &region->datasets[i];
	}
}

/* One past the last agreement that shares the first levels of the key with
 * the one at i: 1 consumer, 2 purpose, 3 dataset. */
static unsigned
run_end(const struct region_agreement **v, unsigned i, unsigned n, int levels)
{
	unsigned k;

	for (k = i + 1; k < n; k++)
		if (v[k]->consumer != v[i]->consumer ||
		    (levels > 1 && v[k]->purpose != v[i]->purpose) ||
		    (levels > 2 && v[k]->dataset != v[i]->dataset))
			break;
	return (k);
}

static unsigned
count_runs(const struct region_agreement **v, unsigned i, unsigned end,
    int levels)
{
	unsigned runs = 0;

	for (; i < end; i = run_end(v, i, end, levels))
		runs++;
	return (runs);
}

static void
compile_cell(struct policy_set *set, const struct region *region,
    struct cell *cell, const struct region_agreement **v, unsigned n)
{
	unsigned i, end;

	cell->purpose = v[0]->purpose;
	cell->groups = arena_array(set->arena, count_runs(v, 0, n, 3),
	    sizeof(*cell->groups));
	for (i = 0; i < n; i = end) {
		end = run_end(v, i, n, 3);
		compile_group(set, region, &cell->groups[cell->ngroups++],
		    v + i, end - i);
	}
}

static void
compile_cells(struct policy_set *set, const struct region *region,
    const struct region_agreement **v, unsigned n)
{
	unsigned i, k, end, cell_end;

	for (i = 0; i < n; i = end) {
		struct consumer *c = &set->consumers[v[i]->consumer->index];

		end = run_end(v, i, n, 1);
		c->cells = arena_array(set->arena, count_runs(v, i, end, 2),
		    sizeof(*c->cells));
		for (k = i; k < end; k = cell_end) {
			cell_end = run_end(v, k, end, 2);
			compile_cell(set, region, &c->cells[c->ncells++],
			    v + k, cell_end - k);
		}
	}
}

static void
compile_group(struct policy_set *set, const struct region *region,
    struct group *g, const struct region_agreement *const *v, unsigned n)
{
	const struct policy_grant **grants = arena_array(set->arena, n,
	    sizeof(*grants));
	unsigned i;

	g->dataset = v[0]->dataset;
	g->grants = grants;
	g->ngrants = n;
	g->from = (struct wall_us){ INT64_MIN };
	g->until = (struct wall_us){ INT64_MAX };
	g->actions = ~0U;
	for (i = 0; i < n; i++) {
		grants[i] = compile_grant(set->arena, v[i]);
		if (v[i]->from.us > g->from.us)
			g->from = v[i]->from;
		if (v[i]->until.us < g->until.us)
			g->until = v[i]->until;
		g->actions &= v[i]->actions;
	}
	compile_forbids(set, region, g, v[0]);
}

static void
compile_forbids(struct policy_set *set, const struct region *region,
    struct group *g, const struct region_agreement *ag)
{
	const struct region_forbid **out = arena_array(set->arena,
	    (size_t)region->nforbids + 1, sizeof(*out));
	unsigned i;

	for (i = 0; i < region->nforbids; i++) {
		const struct region_forbid *f = &region->forbids[i];

		if ((f->dataset == NULL || f->dataset == ag->dataset) &&
		    (f->consumer == NULL || f->consumer == ag->consumer) &&
		    (f->purpose == NULL || f->purpose == ag->purpose))
			out[g->nforbids++] = f;
	}
	g->forbids = out;
}

static const struct policy_grant *
compile_grant(struct arena *arena, const struct region_agreement *ag)
{
	struct policy_grant *grant = arena_alloc(arena, sizeof(*grant));
	struct policy_share *shares = arena_array(arena,
	    (size_t)ag->nshares + 1, sizeof(*shares));
	unsigned i;

	for (i = 0; i < ag->nshares; i++)
		compile_share(arena, ag->dataset, &ag->shares[i], &shares[i]);
	grant->agreement = ag;
	grant->shares = shares;
	grant->nshares = ag->nshares;
	return (grant);
}

/* Is it in the dataset's registration of that type? */
static bool
registered(const struct region_dataset *ds, const struct name *type,
    const struct name *attr)
{
	unsigned i, k;

	for (i = 0; i < ds->ntypes; i++) {
		const struct region_type *t = &ds->types[i];

		if (t->type != type)
			continue;
		for (k = 0; k < t->nattributes; k++)
			if (t->attributes[k] == attr)
				return (true);
		return (t->nattributes == 0);
	}
	return (false);
}

static const struct release *
compile_release(struct arena *arena, const struct region_share *share,
    const struct name *attr)
{
	struct release *r = arena_alloc(arena, sizeof(*r));
	const struct name **subs = arena_array(arena,
	    (size_t)share->nallow + 1, sizeof(*subs));
	unsigned i;

	r->created_at = share->system_created_at;
	r->modified_at = share->system_modified_at;
	r->subs = subs;
	for (i = 0; i < share->nallow; i++)
		if (share->allow[i].attr == attr && share->allow[i].sub != NULL)
			subs[r->nsubs++] = share->allow[i].sub;
	return (r);
}

/* Only what allow names has an entry: a transform gives none. */
static void
compile_share(struct arena *arena, const struct region_dataset *ds,
    const struct region_share *share, struct policy_share *ps)
{
	struct policy_attr *attrs;
	uint32_t mask = 3, at;
	unsigned i;

	while (mask < 2 * share->nallow)
		mask = mask * 2 + 1;
	attrs = arena_array(arena, (size_t)mask + 1, sizeof(*attrs));
	for (i = 0; i < share->nallow; i++) {
		const struct name *name = share->allow[i].attr;

		if (share->allow[i].sub != NULL ||
		    !registered(ds, share->type, name))
			continue;
		for (at = attr_slot(name, mask); attrs[at].release != NULL;
		     at = (at + 1) & mask)
			assert(attrs[at].name != name);
		attrs[at].name = name;
		attrs[at].release = compile_release(arena, share, name);
	}
	ps->share = share;
	ps->type = share->type;
	ps->mask = mask;
	ps->attrs = attrs;
}
