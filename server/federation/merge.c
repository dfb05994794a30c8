/* server/federation/merge.c - one answer from many; see merge.h. */
#include "server/federation/merge_priv.h"

#include <stdlib.h>

#include "server/base/buf.h"
#include "server/base/hash.h"

/* Of one merged entity. */
#define SCOPES_MAX 64

void
merge_init(struct merge *m, struct arena *a)
{
	*m = (struct merge){ .arena = a, .to = SIZE_MAX };
}

void
merge_add(struct merge *m, struct entity *e)
{
	struct entity **bigger;

	if (m->n == m->cap) {
		m->cap = m->cap > 0 ? m->cap * 2 : 64;
		bigger = arena_raw(m->arena, m->cap * sizeof(*bigger));
		if (m->n > 0)
			memcpy(bigger, m->views, m->n * sizeof(*bigger));
		m->views = bigger;
	}
	m->views[m->n++] = e;
}

/* By id; among equals, what adds to the others comes after them, and the view
 * whose values win ties comes first. A view without an instance cannot be
 * here (redact_entity and drop_owned see to that). */
static int
view_cmp(const struct entity *a, const struct entity *b)
{
	const struct document *da, *db;
	int c = str_cmp(a->id, b->id);

	if (c != 0)
		return (c);
	da = a->instances->doc;
	db = b->instances->doc;
	if (da->auxiliary != db->auxiliary)
		return (da->auxiliary ? 1 : -1);
	if (da->priority != db->priority)
		return (da->priority < db->priority ? -1 : 1);
	return (str_cmp(da->dataset, db->dataset));
}

/* Natural merge sort: sources mostly answer in order, so the runs that are
 * there already are merged, two by two; stable, n log(runs). */
static size_t
run_end(struct entity **v, size_t i, size_t n)
{
	while (i + 1 < n && view_cmp(v[i], v[i + 1]) <= 0)
		i++;
	return (i + 1);
}

static void
merge_two(struct entity **from, size_t a, size_t mid, size_t end,
    struct entity **to)
{
	size_t b = mid;

	while (a < mid || b < end)
		*to++ = b == end || (a < mid &&
		    view_cmp(from[a], from[b]) <= 0) ? from[a++] : from[b++];
}

/* ends: where each of the runs ends; how many are left. */
static size_t
merge_pass(struct entity **from, struct entity **to, size_t *ends, size_t runs)
{
	size_t left = 0, a = 0;

	for (size_t r = 0; r < runs; r += 2) {
		size_t mid = ends[r], end = r + 1 < runs ? ends[r + 1] : mid;

		merge_two(from, a, mid, end, to + a);
		ends[left++] = a = end;
	}
	return (left);
}

static void
sort_views(struct merge *m)
{
	struct entity **spare, **tmp;
	size_t *ends, runs = 0, end = m->n > 0 ? run_end(m->views, 0, m->n) : 0;

	if (end == m->n)
		return;
	spare = arena_raw(m->arena, m->n * sizeof(*spare));
	ends = arena_raw(m->arena, m->n * sizeof(*ends));
	ends[runs++] = end;
	for (; end < m->n; ends[runs++] = end)
		end = run_end(m->views, end, m->n);
	while (runs > 1) {
		runs = merge_pass(m->views, spare, ends, runs);
		tmp = m->views;
		m->views = spare;
		spare = tmp;
	}
}

/* ---- what belongs to one dataset alone */

static int
owner_cmp(const void *a, const void *b)
{
	const struct merge_owner *oa = a, *ob = b;

	return (str_cmp(oa->id, ob->id));
}

/* The first owner of that id among sorted ones; m->nowners: there is none. */
static size_t
owner_first(const struct merge *m, struct str id)
{
	size_t lo = 0, hi = m->nowners;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(m->owners[mid].id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo < m->nowners && str_eq(m->owners[lo].id, id) ? lo :
								   m->nowners);
}

static bool
owns(const struct merge_owner *o, const struct name *attr)
{
	for (unsigned i = 0; i < o->nattrs; i++)
		if (o->attrs[i] == attr)
			return (true);
	return (false);
}

/* Does the instance belong to another dataset than the one it came from? */
static bool
owned_elsewhere(const struct merge *m, size_t first, const struct instance *in)
{
	const struct merge_owner *o = &m->owners[first];

	for (size_t i = first; i < m->nowners && str_eq(m->owners[i].id, o->id);
	     i++)
		if (!str_eq(m->owners[i].dataset, in->doc->dataset) &&
		    owns(&m->owners[i], in->name))
			return (true);
	return (false);
}

/* Takes out of the views what others own, and the views of which nothing is
 * left: they are as if the source did not have the entity. */
static void
drop_owned(struct merge *m)
{
	size_t left = 0;

	if (m->nowners == 0)
		return;
	qsort(m->owners, m->nowners, sizeof(*m->owners), owner_cmp);
	for (size_t v = 0; v < m->n; v++) {
		struct entity *e = m->views[v];
		size_t first = owner_first(m, e->id);
		unsigned n = 0;

		for (unsigned i = 0;
		     first < m->nowners && i < e->ninstances; i++)
			if (!owned_elsewhere(m, first, &e->instances[i]))
				e->instances[n++] = e->instances[i];
		if (first < m->nowners)
			e->ninstances = n;
		if (e->ninstances > 0)
			m->views[left++] = e;
	}
	m->n = left;
}

/* ---- one entity */

static struct wall_us
instance_time(const struct instance *in, uint32_t node)
{
	return (entity_time(in->doc, node));
}

/* Does b, of a later view, beat a? What only adds never does; else newest
 * observedAt, then newest modifiedAt (absent is oldest); then a stays, since
 * it came first. */
bool
merge_beats(const struct instance *b, const struct instance *a)
{
	struct wall_us ta = instance_time(a, a->observed_at);
	struct wall_us tb = instance_time(b, b->observed_at);

	if (b->doc->auxiliary && !a->doc->auxiliary)
		return (false);
	if (ta.us != tb.us)
		return (tb.us > ta.us);
	ta = instance_time(a, a->modified_at);
	tb = instance_time(b, b->modified_at);
	return (tb.us > ta.us);
}

/* What is merged of one id. Open addressing over n instances in order of
 * arrival: what a hostile source sends a million times costs a million
 * probes. */
struct gather {
	struct instance *all; /* one for each name and datasetId */
	uint32_t n, mask;
	uint32_t *slots; /* index into all, plus 1 */
};

static uint64_t
key_hash(const struct instance *in)
{
	uint64_t h = (uint64_t)(uintptr_t)in->name * 0xff51afd7ed558ccdULL;

	return (in->dataset_id.p != NULL ? h ^ hash_str(in->dataset_id) :
					   h ^ (h >> 32));
}

static bool
same_key(const struct instance *a, const struct instance *b)
{
	return (a->name == b->name && str_eq(a->dataset_id, b->dataset_id) &&
	    (a->dataset_id.p == NULL) == (b->dataset_id.p == NULL));
}

static void
gather_put(struct gather *g, const struct instance *in)
{
	uint32_t at = (uint32_t)key_hash(in) & g->mask;

	for (; g->slots[at] != 0; at = (at + 1) & g->mask) {
		struct instance *have = &g->all[g->slots[at] - 1];

		if (!same_key(have, in))
			continue;
		if (merge_beats(in, have))
			*have = *in;
		return;
	}
	g->all[g->n++] = *in;
	g->slots[at] = g->n;
}

/* The instances again, those of one name side by side: names in order of
 * arrival, and so are the instances of each. */
static struct instance *
gather_group(struct gather *g, struct arena *a)
{
	struct instance *out = arena_raw(a, g->n * sizeof(*out));
	uint32_t *next = arena_array(a, g->n, sizeof(*next));
	uint32_t *last = arena_array(a, g->n, sizeof(*last));
	bool *first = arena_array(a, g->n, sizeof(*first));
	uint32_t o = 0, at;

	memset(g->slots, 0, ((size_t)g->mask + 1) * sizeof(*g->slots));
	for (uint32_t i = 0; i < g->n; i++) {
		struct instance key = { .name = g->all[i].name };

		at = (uint32_t)key_hash(&key) & g->mask;
		while (g->slots[at] != 0 &&
		    g->all[g->slots[at] - 1].name != key.name)
			at = (at + 1) & g->mask;
		if (g->slots[at] == 0) {
			g->slots[at] = i + 1;
			first[i] = true;
		} else
			next[last[g->slots[at] - 1]] = i;
		last[g->slots[at] - 1] = i;
	}
	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t k = i; first[i]; k = next[k]) {
			out[o++] = g->all[k];
			if (next[k] == 0)
				break;
		}
	return (out);
}

/* A time that is none would be older than all: it never replaces one. */
static void
oldest(struct member *a, struct member b)
{
	struct wall_us ta = entity_time(a->doc, a->node);
	struct wall_us tb = entity_time(b.doc, b.node);

	if (b.node != 0 &&
	    (a->node == 0 || ta.us == WALL_ABSENT.us ||
		(tb.us != WALL_ABSENT.us && tb.us < ta.us)))
		*a = b;
}

static void
newest(struct member *a, struct member b)
{
	if (b.node != 0 &&
	    (a->node == 0 || entity_time(b.doc, b.node).us >
		entity_time(a->doc, a->node).us))
		*a = b;
}

/* Scopes without repetition; what is over the ceiling stays out. */
struct scopes {
	unsigned n;
	struct str v[SCOPES_MAX];
};

static void
scopes_add(struct scopes *s, const struct json *j, uint32_t node,
    struct arena *a)
{
	struct str text;

	if (j->nodes[node].kind != JSON_STRING || s->n == SCOPES_MAX)
		return;
	text = json_text(j, node, a);
	for (unsigned i = 0; i < s->n; i++)
		if (str_eq(s->v[i], text))
			return;
	s->v[s->n++] = text;
}

static void
scopes_add_all(struct scopes *s, struct member m, struct arena *a)
{
	const struct json *j = &m.doc->json;

	if (j->nodes[m.node].kind != JSON_ARRAY)
		scopes_add(s, j, m.node, a);
	else
		for (uint32_t e = m.node + 1; e < j->nodes[m.node].next;
		     e = j->nodes[e].next)
			scopes_add(s, j, e, a);
}

/* {"scope":[...]}: a member has a document, so the union gets one. */
static struct member
scopes_member(const struct scopes *s, const struct document *like,
    struct arena *a)
{
	static const struct json_limits limits = { 2, 1, SCOPES_MAX + 3 };
	struct document *doc = arena_alloc(a, sizeof(*doc));
	struct buf b;
	enum hub_err err;

	buf_init(&b, UINT32_MAX / 2); /* of texts that were in answers */
	BUF_LIT(&b, "{\"scope\":[");
	for (unsigned i = 0; i < s->n; i++) {
		if (i > 0)
			buf_addc(&b, ',');
		buf_add_json(&b, s->v[i]);
	}
	BUF_LIT(&b, "]}");
	*doc = *like;
	err = json_parse(&doc->json, arena_str(a, buf_str(&b)), &limits, a);
	buf_clear(&b);
	return (err == HUB_OK ? (struct member){ doc, 2 } :
				(struct member){ NULL, 0 });
}

static void
unite_scopes(struct entity *e, struct member other, struct arena *a)
{
	struct scopes all = { 0 };
	struct member both;
	unsigned before;

	if (other.node == 0)
		return;
	if (e->scope.node == 0) {
		e->scope = other;
		return;
	}
	scopes_add_all(&all, e->scope, a);
	before = all.n;
	scopes_add_all(&all, other, a);
	if (all.n == before)
		return;
	both = scopes_member(&all, e->scope.doc, a);
	if (both.node != 0)
		e->scope = both;
}

static void
fold(struct entity *e, const struct entity *other, struct arena *a)
{
	for (unsigned t = 0; t < other->ntypes; t++)
		if (!entity_has_type(e, other->types[t]) &&
		    e->ntypes < ENTITY_TYPES_MAX)
			e->types[e->ntypes++] = other->types[t];
	unite_scopes(e, other->scope, a);
	oldest(&e->created_at, other->created_at);
	newest(&e->modified_at, other->modified_at);
	/* "removed if any version lacks it, otherwise the latest" */
	if (other->expires_at.node == 0)
		e->expires_at = other->expires_at;
	else if (e->expires_at.node != 0)
		newest(&e->expires_at, other->expires_at);
}

/* An attribute does not outlive its entity; the merged entity may live longer
 * than the version that it came from. */
static void
push_expiry(struct entity *e)
{
	struct wall_us at = entity_time(e->expires_at.doc, e->expires_at.node);

	for (unsigned i = 0; at.us != WALL_ABSENT.us && i < e->ninstances;
	     i++) {
		struct instance *in = &e->instances[i];
		struct wall_us own = instance_time(in, in->expires_at);

		assert(in->doc == e->expires_at.doc); /* not merged yet */
		if (own.us == WALL_ABSENT.us || own.us > at.us)
			in->expires_at = e->expires_at.node;
	}
}

/* Does a source give an attribute more than once? */
static bool
has_arrays(const struct entity *e)
{
	for (unsigned i = 1; i < e->ninstances; i++)
		if (e->instances[i].name == e->instances[i - 1].name)
			return (true);
	return (false);
}

/* What is one of the entity, not of its instances. */
static void
fold_views(struct merge *m, struct entity **views, size_t n)
{
	bool adding = views[0]->instances->doc->auxiliary;

	for (size_t i = 1; i < n; i++)
		if (adding || !views[i]->instances->doc->auxiliary)
			fold(views[0], views[i], m->arena);
}

static struct entity *
merge_evolution(struct merge *m, struct entity **views, size_t n)
{
	struct instance *all;
	unsigned nall;

	for (size_t i = 0; n > 1 && i < n; i++)
		push_expiry(views[i]);
	all = merge_series(m, views, n, &nall);
	fold_views(m, views, n);
	views[0]->instances = all;
	views[0]->ninstances = nall;
	return (views[0]);
}

/* views[0..n) have one id. */
static struct entity *
merge_one(struct merge *m, struct entity **views, size_t n)
{
	struct entity *e = views[0];
	struct gather g = { 0 };
	size_t total = 0, slots = 4;

	if (m->series != NULL)
		return (merge_evolution(m, views, n));
	if (n == 1 && !has_arrays(e))
		return (e);
	for (size_t i = 0; i < n; i++)
		total += views[i]->ninstances;
	assert(total < UINT32_MAX / 4); /* each is a node of some tape */
	while (slots < 2 * total)
		slots *= 2;
	g.mask = (uint32_t)slots - 1;
	g.slots = arena_array(m->arena, slots, sizeof(*g.slots));
	g.all = arena_raw(m->arena, total * sizeof(*g.all));
	for (size_t i = 0; i < n; i++) {
		if (n > 1)
			push_expiry(views[i]);
		for (unsigned k = 0; k < views[i]->ninstances; k++)
			gather_put(&g, &views[i]->instances[k]);
	}
	fold_views(m, views, n);
	e->instances = gather_group(&g, m->arena);
	e->ninstances = g.n;
	return (e);
}

void
merge_run(struct merge *m, struct entity ***entities_r, size_t *n_r)
{
	size_t n = 0, i = 0, k;

	drop_owned(m);
	sort_views(m);
	while (i < m->n) {
		for (k = i + 1; k < m->n &&
		     str_eq(m->views[k]->id, m->views[i]->id);)
			k++;
		/* n <= i: the place is read already */
		m->views[n] = n < m->from || n >= m->to ? m->views[i] :
			      merge_one(m, m->views + i, k - i);
		n++;
		i = k;
	}
	*entities_r = m->views;
	*n_r = n;
}
