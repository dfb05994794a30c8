/* server/ngsild/temporal.c - evolutions cut to what was asked for; temporal.h
 * says what it promises. */
#include "server/ngsild/temporal_priv.h"

#include <stdlib.h>

uint32_t
temporal_time_node(const struct temporal *t, const struct instance *in)
{
	const struct release *r = in->release;

	switch (t->property) {
	case TIME_OBSERVED:
		return (in->observed_at);
	case TIME_MODIFIED:
		return (in->modified_at); /* redaction takes it out */
	case TIME_CREATED:
	default:
		return (r->all || r->created_at ?
			json_member(&in->doc->json, in->node,
			    STR("createdAt")) : 0);
	}
}

struct wall_us
temporal_instant(const struct temporal *t, const struct instance *in)
{
	return (entity_time(in->doc, temporal_time_node(t, in)));
}

static bool
is_text(const struct json *j, uint32_t node)
{
	if (j->nodes[node].kind != JSON_ARRAY)
		return (j->nodes[node].kind == JSON_STRING);
	for (uint32_t e = node + 1; e < j->nodes[node].next;
	     e = j->nodes[e].next)
		if (j->nodes[e].kind != JSON_STRING)
			return (false);
	return (true);
}

void
temporal_narrow(const struct temporal *t, struct entity *e)
{
	struct wall_us at;
	unsigned n = 0;

	for (unsigned i = 0; i < e->ninstances; i++) {
		at = temporal_instant(t, &e->instances[i]);
		if (at.us != WALL_ABSENT.us && at.us >= t->range.from.us &&
		    at.us < t->range.until.us)
			e->instances[n++] = e->instances[i];
	}
	e->ninstances = n;
	if (e->scope.node != 0 && !is_text(&e->scope.doc->json, e->scope.node))
		e->scope = (struct member){ 0 };
}

void
temporal_keep(struct entity *e, const struct name *const *names, unsigned n)
{
	unsigned left = 0, k;

	for (unsigned i = 0; i < e->ninstances; i++) {
		for (k = 0; k < n && names[k] != e->instances[i].name;)
			k++;
		if (k < n)
			e->instances[left++] = e->instances[i];
	}
	e->ninstances = left;
}

static bool
same_series(const struct instance *a, const struct instance *b)
{
	return (a->name == b->name && str_eq(a->dataset_id, b->dataset_id) &&
		(a->dataset_id.p == NULL) == (b->dataset_id.p == NULL));
}

void
temporal_last(const struct temporal *t, struct entity *e)
{
	unsigned left = 0, i = 0, end, from;

	if (t->last_n == 0)
		return;
	for (; i < e->ninstances; i = end) {
		for (end = i + 1; end < e->ninstances &&
		     same_series(&e->instances[i], &e->instances[end]);)
			end++;
		from = end - i > t->last_n ? end - t->last_n : i;
		for (; from < end; from++)
			e->instances[left++] = e->instances[from];
	}
	e->ninstances = left;
}

/* ---- what one answer holds */

static int
older_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return ((x > y) - (x < y));
}

static void
take_out(const struct temporal *t, struct entity *e, int64_t from, int64_t to)
{
	unsigned n = 0;
	int64_t at;

	for (unsigned i = 0; i < e->ninstances; i++) {
		at = temporal_instant(t, &e->instances[i]).us;
		if (at >= from && at <= to)
			e->instances[n++] = e->instances[i];
	}
	e->ninstances = n;
}

/* The last place of at most max from the first on that does not part equal
 * instants; v has more. */
static size_t
cut_place(const int64_t *v, size_t n, size_t max)
{
	size_t k = max;

	while (k > 0 && v[k] == v[k - 1])
		k--;
	if (k == 0)
		while (k < n && v[k] == v[0])
			k++;
	return (k);
}

/* The newest max, mirrored. */
static size_t
cut_place_back(const int64_t *v, size_t n, size_t max)
{
	size_t k = n - max;

	while (k < n && v[k] == v[k - 1])
		k++;
	if (k == n)
		while (k > 0 && v[k - 1] == v[n - 1])
			k--;
	return (k);
}

bool
temporal_cut(const struct temporal *t, struct entity *const *e, size_t n,
    size_t max, struct arena *a, struct wall_us *first_r,
    struct wall_us *last_r)
{
	size_t total = 0, from = 0, end, o = 0;
	int64_t *v;

	for (size_t i = 0; i < n; i++)
		total += e[i]->ninstances;
	if (total <= max)
		return (false);
	v = arena_raw(a, total * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < e[i]->ninstances; k++)
			v[o++] = temporal_instant(t, &e[i]->instances[k]).us;
	qsort(v, total, sizeof(*v), older_first);
	end = total;
	if (t->last_n > 0)
		from = cut_place_back(v, total, max);
	else
		end = cut_place(v, total, max);
	if (from == 0 && end == total)
		return (false); /* all of one instant */
	for (size_t i = 0; i < n; i++)
		take_out(t, e[i], v[from], v[end - 1]);
	first_r->us = v[t->last_n > 0 ? end - 1 : from];
	last_r->us = v[t->last_n > 0 ? from : end - 1];
	return (true);
}
