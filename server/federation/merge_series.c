/* server/federation/merge_series.c - the evolutions that several sources have
 * of one entity, as one (ETSI GS CIM 009, 5.7.4.4); see merge.h. */
#include "server/federation/merge_priv.h"

#include <stdlib.h>

/* An instance and what it is sorted by; the number is that of its arrival, so
 * that the order does not depend on the sort. */
struct place {
	const struct instance *in;
	uint32_t rank; /* of its name */
	uint32_t number;
	int64_t at;
};

static int
place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c;

	if (x->rank != y->rank)
		return (x->rank < y->rank ? -1 : 1);
	if ((x->in->dataset_id.p == NULL) != (y->in->dataset_id.p == NULL))
		return (x->in->dataset_id.p == NULL ? -1 : 1);
	c = str_cmp(x->in->dataset_id, y->in->dataset_id);
	if (c != 0)
		return (c);
	if (x->at != y->at)
		return (x->at < y->at ? -1 : 1);
	return (x->number < y->number ? -1 : 1);
}

/* The names in order of arrival. A name's instances stand together in each
 * view, so few are looked up. */
struct ranks {
	uint32_t n, mask;
	struct slot {
		const struct name *name;
		uint32_t rank;
	} *slots;
};

static uint32_t
rank_of(struct ranks *r, const struct name *name)
{
	uint64_t h = (uint64_t)(uintptr_t)name * 0x9e3779b97f4a7c15ULL;
	uint32_t at = (uint32_t)(h >> 32) & r->mask;

	while (r->slots[at].name != NULL && r->slots[at].name != name)
		at = (at + 1) & r->mask;
	if (r->slots[at].name == NULL)
		r->slots[at] = (struct slot){ name, r->n++ };
	return (r->slots[at].rank);
}

/* Names change at most so often from one instance to the next. */
static uint32_t
count_names(struct entity *const *views, size_t nviews)
{
	uint32_t n = 0;

	for (size_t v = 0; v < nviews; v++)
		for (unsigned i = 0; i < views[v]->ninstances; i++)
			n += i == 0 || views[v]->instances[i].name !=
			    views[v]->instances[i - 1].name;
	return (n);
}

static struct place *
find_places(const struct merge *m, struct entity *const *views, size_t nviews,
    size_t *n_r)
{
	uint32_t names = count_names(views, nviews), size = 4, total = 0;
	struct ranks r = { 0 };
	struct place *p;
	uint32_t n = 0;

	while (size < 2 * names)
		size *= 2;
	r.mask = size - 1;
	r.slots = arena_array(m->arena, size, sizeof(*r.slots));
	for (size_t v = 0; v < nviews; v++)
		total += views[v]->ninstances;
	p = arena_raw(m->arena, (total + (size_t)1) * sizeof(*p));
	for (size_t v = 0; v < nviews; v++)
		for (unsigned i = 0; i < views[v]->ninstances; i++, n++) {
			const struct instance *in = &views[v]->instances[i];

			p[n] = (struct place){ in, rank_of(&r, in->name), n,
				temporal_instant(m->series, in).us };
		}
	*n_r = n;
	return (p);
}

static bool
same_place(const struct place *a, const struct place *b)
{
	return (a->rank == b->rank && a->at == b->at &&
	    str_eq(a->in->dataset_id, b->in->dataset_id) &&
	    (a->in->dataset_id.p == NULL) == (b->in->dataset_id.p == NULL));
}

struct instance *
merge_series(const struct merge *m, struct entity *const *views, size_t nviews,
    unsigned *n_r)
{
	struct instance *out;
	struct place *p;
	unsigned o = 0;
	size_t n = 0;

	p = find_places(m, views, nviews, &n);
	qsort(p, n, sizeof(*p), place_cmp);
	out = arena_raw(m->arena, (n + 1) * sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !same_place(&p[i - 1], &p[i]))
			out[o++] = *p[i].in;
		else if (merge_beats(p[i].in, &out[o - 1]))
			out[o - 1] = *p[i].in;
	}
	*n_r = o;
	return (out);
}
