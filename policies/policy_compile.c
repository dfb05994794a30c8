/* policies/policy_compile.c - from agreements to sorted grants. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "policies/policy_priv.h"
#include "policies/redact.h"
#include "policies/region_priv.h"

_Static_assert(REGION_GRANTS_MAX <= REDACT_GRANTS_MAX,
    "a leg must not have more grants than redact can count");

static void compile_own(struct policy_set *, const struct region *);
static void compile_cells(struct policy_set *, const struct region *,
    const struct region_agreement **, unsigned n);
static void compile_group(struct policy_set *, const struct region *,
    struct group *, const struct region_agreement *const *, unsigned n);
static void compile_forbids(struct policy_set *, const struct region *,
    struct group *, const struct region_agreement *);
static const struct policy_grant *compile_grant(struct policy_set *,
    const struct region_agreement *);
static void compile_crises(struct policy_set *, struct group *,
    const struct policy_grant **, unsigned room);
static const struct policy_grant *compile_crisis(struct policy_set *,
    const struct policy_grant *, const struct crisis_event *);
static void group_bounds(struct group *);
static void compile_share(struct policy_set *, const struct region_agreement *,
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
	return (policy_compile_crises(region, NULL, 0));
}

static void
keep_events(struct policy_set *set, const struct crisis_event *events,
    unsigned n)
{
	struct crisis_event *kept = arena_array(set->arena, (size_t)n + 1,
	    sizeof(*kept));

	if (n > 0)
		memcpy(kept, events, n * sizeof(*kept));
	for (unsigned i = 0; i < n; i++)
		kept[i].kind = arena_str(set->arena, events[i].kind);
	set->events = kept;
	set->nevents = n;
}

struct policy_set *
policy_compile_crises(const struct region *region,
    const struct crisis_event *events, unsigned nevents)
{
	struct arena *arena = arena_new();
	struct policy_set *set = arena_alloc(arena, sizeof(*set));
	const struct region_agreement **sorted;
	unsigned i, n = 0;

	set->arena = arena;
	keep_events(set, events, nevents);
	set->nconsumers = region->tenants.ntenants;
	set->consumers = arena_array(arena, (size_t)set->nconsumers + 1,
	    sizeof(*set->consumers));
	sorted = xcalloc((size_t)region->nagreements + 1, sizeof(*sorted));
	for (i = 0; i < region->nagreements; i++)
		if (policy_in_force(&region->agreements[i]))
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
	if (set == NULL)
		return;
	if (set->keys != NULL)
		OPENSSL_cleanse(set->keys,
		    (size_t)set->npseudonyms * PSEUDONYM_KEY_LEN);
	free(set->keys);
	arena_free(set->arena); /* holds the set itself */
}

bool
policy_has_pseudonyms(const struct policy_set *set)
{
	return (set->npseudonyms > 0);
}

void
policy_pseudonym_key(struct policy_set *set, struct str master)
{
	unsigned char *key;

	if (set->npseudonyms == 0 || set->keys != NULL)
		return;
	key = set->keys = xcalloc(set->npseudonyms, PSEUDONYM_KEY_LEN);
	for (struct pseudonym *p = set->pseudonyms; p != NULL; p = p->next) {
		pseudonym_key(master, p->agreement, p->attr->iri, key);
		p->transform->key = key;
		key += PSEUDONYM_KEY_LEN;
	}
}

bool
policy_in_force(const struct region_agreement *ag)
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
	const struct policy_grant **grants;
	unsigned i, room = n;

	for (i = 0; i < n; i++)
		room += v[i]->ncrises > 0 ? set->nevents : 0;
	if (room > REDACT_GRANTS_MAX)
		room = REDACT_GRANTS_MAX; /* n is not above that */
	grants = arena_array(set->arena, room, sizeof(*grants));
	g->dataset = v[0]->dataset;
	g->grants = grants;
	g->ngrants = n;
	for (i = 0; i < n; i++)
		grants[i] = compile_grant(set, v[i]);
	compile_crises(set, g, grants, room);
	group_bounds(g);
	compile_forbids(set, region, g, v[0]);
}

static void
group_bounds(struct group *g)
{
	g->from = (struct wall_us){ INT64_MIN };
	g->until = (struct wall_us){ INT64_MAX };
	g->actions = ~0U;
	for (unsigned i = 0; i < g->ngrants; i++) {
		if (g->grants[i]->from.us > g->from.us)
			g->from = g->grants[i]->from;
		if (g->grants[i]->until.us < g->until.us)
			g->until = g->grants[i]->until;
		g->actions &= g->grants[i]->agreement->actions;
	}
}

/* Behind the agreements themselves, as far as there is room: what finds none
 * is not released. */
static void
compile_crises(struct policy_set *set, struct group *g,
    const struct policy_grant **grants, unsigned room)
{
	unsigned n = g->ngrants;

	for (unsigned e = 0; e < set->nevents; e++)
		for (unsigned i = 0; i < n && g->ngrants < room; i++) {
			grants[g->ngrants] = compile_crisis(set, grants[i],
			    &set->events[e]);
			g->ngrants += grants[g->ngrants] != NULL;
		}
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
compile_grant(struct policy_set *set, const struct region_agreement *ag)
{
	struct arena *arena = set->arena;
	struct policy_grant *grant = arena_alloc(arena, sizeof(*grant));
	struct policy_share *shares = arena_array(arena,
	    (size_t)ag->nshares + 1, sizeof(*shares));
	unsigned i;

	for (i = 0; i < ag->nshares; i++)
		compile_share(set, ag, &ag->shares[i], &shares[i]);
	grant->agreement = ag;
	grant->from = ag->from;
	grant->until = ag->until;
	grant->bucket = ag->rate.count > 0 ? ag->bucket : NO_BUCKET;
	grant->shares = shares;
	grant->nshares = ag->nshares;
	return (grant);
}

/* The share in a crisis: the same inside its area, further back. What has no
 * location is not inside. */
static void
widen_share(struct policy_set *set, const struct crisis_event *e,
    const struct region_crisis *c, struct policy_share *ps)
{
	struct region_share *s = arena_alloc(set->arena, sizeof(*s));

	*s = *ps->share;
	s->within = e->area;
	s->keep_without_location = false;
	if (s->history_us > 0 && c->history_us > s->history_us)
		s->history_us = c->history_us;
	ps->share = s;
}

/* What an event adds to an agreement; NULL: nothing. */
static const struct policy_grant *
compile_crisis(struct policy_set *set, const struct policy_grant *base,
    const struct crisis_event *e)
{
	const struct region_agreement *ag = base->agreement;
	const struct region_crisis *c;
	struct wall_us from, until;
	struct policy_share *shares;
	struct policy_grant *grant;

	c = crisis_block(ag, e, &from, &until);
	if (c == NULL || from.us >= until.us)
		return (NULL);
	grant = arena_alloc(set->arena, sizeof(*grant));
	shares = arena_array(set->arena, (size_t)base->nshares + 1,
	    sizeof(*shares));
	for (unsigned i = 0; i < base->nshares; i++) {
		shares[i] = base->shares[i];
		widen_share(set, e, c, &shares[i]);
	}
	*grant = *base;
	grant->event = e;
	grant->from = from;
	grant->until = until;
	if (base->bucket != NO_BUCKET && c->rate.count > 0)
		grant->bucket = c->bucket;
	grant->shares = shares;
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

static const struct transform *
compile_transform(struct policy_set *set, const struct region_agreement *ag,
    const struct region_transform *rt)
{
	struct transform *t = arena_alloc(set->arena, sizeof(*t));
	struct pseudonym *p;

	*t = rt->t;
	if (t->kind != TRANSFORM_PSEUDONYM)
		return (t);
	p = arena_alloc(set->arena, sizeof(*p));
	*p = (struct pseudonym){ set->pseudonyms, t, ag->name, rt->attr };
	set->pseudonyms = p;
	set->npseudonyms++;
	return (t);
}

/* The place of a name in the table, or the free one where it belongs. */
static struct policy_attr *
share_slot(struct policy_attr *attrs, uint32_t mask, const struct name *name)
{
	uint32_t at = attr_slot(name, mask);

	while (attrs[at].release != NULL && attrs[at].name != name)
		at = (at + 1) & mask;
	return (&attrs[at]);
}

/* What allow names, then what only transforms name. */
static void
compile_share(struct policy_set *set, const struct region_agreement *ag,
    const struct region_share *share, struct policy_share *ps)
{
	struct policy_attr *attrs, *slot;
	uint32_t mask = 3;

	while (mask < 2 * (share->nallow + share->ntransforms))
		mask = mask * 2 + 1;
	attrs = arena_array(set->arena, (size_t)mask + 1, sizeof(*attrs));
	for (unsigned i = 0; i < share->nallow + share->ntransforms; i++) {
		const struct region_transform *rt = i < share->nallow ? NULL :
		    &share->transforms[i - share->nallow];
		const struct name *name = rt != NULL ? rt->attr :
						      share->allow[i].attr;

		if ((rt == NULL && share->allow[i].sub != NULL) ||
		    !registered(ag->dataset, share->type, name))
			continue;
		slot = share_slot(attrs, mask, name);
		if (slot->release != NULL)
			continue; /* allow wins */
		slot->name = name;
		slot->release = compile_release(set->arena, share, name);
		if (rt != NULL)
			slot->transform = compile_transform(set, ag, rt);
	}
	ps->share = share;
	ps->type = share->type;
	ps->mask = mask;
	ps->attrs = attrs;
}
