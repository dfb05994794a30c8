/* server/request_merge.c - merging what was taken, filtering and writing it:
 * the step merge. */
#include "server/request_priv.h"

#include <stdlib.h>

/* The leg's views to those before; it may be asked again. */
static void
add_leg(struct request *rq, unsigned i, struct merge *m)
{
	struct leg_use *use = &rq->uses[i];

	take_leg(rq, i);
	for (size_t v = 0; v < use->views.n; v++)
		merge_add(m, use->views.views[v]);
	use->taken = false;
	use->views.n = 0;
}

/* The client's predicates, on the merged view and nothing else. */
static bool
matches(struct request *rq, const struct entity *e)
{
	const struct query *q = &rq->query;

	if (rq->retrieve)
		return (str_eq(e->id, request_entity_id(rq)) &&
		    query_attrs_match(q, e));
	return (query_match(q, e, &rq->names));
}

bool
request_failed_strictly(const struct request *rq, enum problem *p_r)
{
	unsigned failed = 0, late = 0;

	for (unsigned i = 0; i < rq->fanout.n; i++) {
		failed += rq->fanout.legs[i].warning != WARN_NONE;
		late += rq->fanout.legs[i].late;
	}
	*p_r = failed == late ? PROBLEM_SOURCES_LATE : PROBLEM_SOURCES_FAILED;
	return (failed > 0 &&
	    (rq->strict || rq->identity.tenant->failed_sources_error));
}

static void
write_entity(struct request *rq, size_t i, const struct entity_out *out)
{
	const struct name *property = rq->query.geometry_property;

	if (!rq->geo) {
		entity_write(rq->found[i], out, &rq->body);
		return;
	}
	if (property == NULL)
		property = names_location(&rq->names);
	entity_write_feature(rq->found[i], out, property, &rq->body);
}

static void
write_list(struct request *rq, size_t from, size_t n,
    const struct entity_out *out)
{
	buf_addc(&rq->body, '[');
	for (size_t i = from; i < from + n; i++) {
		if (i > from)
			buf_addc(&rq->body, ',');
		write_entity(rq, i, out);
	}
	buf_addc(&rq->body, ']');
}

/* The @context is the collection's, not each feature's. */
static void
write_collection(struct request *rq, size_t from, size_t n,
    const struct entity_out *out)
{
	struct entity_out feature = *out;
	struct buf *b = &rq->body;

	feature.ld = false;
	BUF_LIT(b, "{\"type\":\"FeatureCollection\",\"features\":");
	write_list(rq, from, n, &feature);
	if (out->ld) {
		BUF_LIT(b, ",\"@context\":");
		buf_add_json(b, context_url(rq->context));
	}
	buf_addc(b, '}');
}

static void
write_entities(struct request *rq)
{
	const struct query *q = &rq->query;
	struct entity_out out = { .format = q->format,
		.sys_attrs = q->sys_attrs,
		.ld = media_context_inside(rq),
		.lang = q->lang,
		.hide_id = q->hide_id,
		.hide_type = q->hide_type,
		.context = rq->context,
		.names = &rq->names,
		.nattrs = q->nattrs,
		.attrs = q->nattrs > 0 ? q->attrs : NULL };
	size_t from = rq->first < rq->nfound ? rq->first : rq->nfound;
	size_t n = rq->nfound - from;
	uint64_t received = 0;

	for (unsigned i = 0; i < rq->fanout.n; i++)
		received += rq->fanout.legs[i].bytes;
	buf_reserve(&rq->body, (size_t)received);
	if (n > q->limit && !rq->retrieve)
		n = q->limit;
	rq->nshown = (uint32_t)n;
	for (size_t i = from; i < from + n; i++)
		query_project(q, rq->found[i]);
	if (rq->temporal != NULL) {
		temporal_answer(rq, &out, from, n);
		return;
	}
	if (rq->retrieve) {
		write_entity(rq, 0, &out);
		return;
	}
	if (rq->geo)
		write_collection(rq, from, n, &out);
	else
		write_list(rq, from, n, &out);
}

/* The attributes of an exclusive registration that the consumer could see of
 * it. */
static unsigned
exclusive_attrs(const struct policy_leg *pl, struct arena *a,
    const struct name *const **attrs_r)
{
	const struct region_dataset *ds = pl->dataset;
	const struct name **attrs;
	unsigned n = 0, max = 0;

	for (unsigned t = 0; t < ds->ntypes; t++)
		max += ds->types[t].nattributes;
	attrs = arena_array(a, max, sizeof(*attrs));
	for (unsigned t = 0; t < ds->ntypes; t++)
		for (unsigned i = 0; i < ds->types[t].nattributes; i++)
			if (policy_may_show(pl, ds->types[t].attributes[i]))
				attrs[n++] = ds->types[t].attributes[i];
	*attrs_r = attrs;
	return (n);
}

/* What exclusive datasets keep to themselves, also those that failed. What is
 * outside the consumer's view does not exist for it: it owns nothing. */
static void
note_owners(struct request *rq, struct merge *m)
{
	const struct name *const *attrs;
	unsigned nattrs, n, max = 0;
	const struct leg *legs = request_plan(rq, &n);

	for (unsigned i = 0; i < n; i++)
		if (legs[i].policy->dataset->mode == MODE_EXCLUSIVE)
			max += legs[i].policy->dataset->nids;
	m->owners = arena_array(rq->arena, max, sizeof(*m->owners));
	for (unsigned i = 0; max > 0 && i < n; i++) {
		const struct region_dataset *ds = legs[i].policy->dataset;

		if (ds->mode != MODE_EXCLUSIVE)
			continue;
		nattrs = exclusive_attrs(legs[i].policy, rq->arena, &attrs);
		for (unsigned k = 0; nattrs > 0 && k < ds->nids; k++)
			m->owners[m->nowners++] = (struct merge_owner){
				ds->ids[k], ds->name, nattrs, attrs };
	}
}

/* ends: for each leg the number of views up to its last. */
static void
note_views(struct request *rq, const struct merge *m, const size_t *ends,
    struct map_views *views)
{
	size_t v = 0;

	views->v = arena_raw(rq->arena, m->n * sizeof(*views->v));
	for (unsigned i = 0; i < rq->fanout.n; i++)
		for (; v < ends[i]; v++)
			views->v[v] = (struct map_view){ m->views[v]->id,
				rq->fanout.legs[i].policy->dataset->index };
	views->n = v;
}

/* A view before it is merged. */
struct seen {
	struct str id;
	uint64_t grants;
};

static struct seen *
note_seen(struct request *rq, const struct merge *m)
{
	struct seen *v = arena_raw(rq->arena, m->n * sizeof(*v));

	for (size_t i = 0; i < m->n; i++)
		v[i] = (struct seen){ m->views[i]->id,
			redact_grants(m->views[i]) };
	return (v);
}

static int
cmp_id(const void *id, const void *found)
{
	const struct entity *const *e = found;

	return (str_cmp(*(const struct str *)id, (*e)->id));
}

/* What is booked, and under whose terms an answer is given, is of what was
 * selected: else it would tell which sources select by themselves. */
static void
count_selected(struct request *rq, const struct seen *v, const size_t *ends)
{
	size_t at = 0;

	for (unsigned i = 0; i < rq->fanout.n; i++) {
		struct leg_use *use = &rq->uses[i];

		use->entities = 0;
		use->grants_used = 0;
		for (; at < ends[i]; at++)
			if (rq->nfound > 0 && bsearch(&v[at].id, rq->found,
			    rq->nfound, sizeof(rq->found[0]), cmp_id) != NULL) {
				use->entities++;
				use->grants_used |= v[at].grants;
			}
	}
}

/* Does each view that was taken have one of the attributes asked for? (Each has
 * one of those that are needed: keep_needed.) */
static bool
has_attrs(const struct request *rq)
{
	const struct query *q = &rq->query;
	bool all = q->nattrs == 0 || rq->nneeded > 0;

	for (unsigned i = 0; q->nattrs > 0 && all && i < rq->nneeded; i++) {
		all = false;
		for (unsigned k = 0; !all && k < q->nattrs; k++)
			all = rq->needed[i] == q->attrs[k];
	}
	return (all);
}

/* Where each id that there is will be in the answer, only those on the page
 * need be put together: with "limit=20" few of what all sources sent. */
static void
choose_part(const struct request *rq, struct merge *m)
{
	const struct query *q = &rq->query;

	if (rq->retrieve || rq->map != NULL || rq->temporal != NULL ||
	    !has_attrs(rq) || query_selects_late(q))
		return;
	m->from = q->offset;
	m->to = m->from + q->limit;
}

void
request_merge(struct request *rq, struct map_views *views)
{
	size_t *ends = arena_array(rq->arena, rq->fanout.n, sizeof(*ends));
	struct seen *seen = NULL;
	struct merge m;
	size_t n = 0;

	merge_init(&m, rq->arena);
	m.series = rq->temporal;
	choose_part(rq, &m);
	note_owners(rq, &m);
	for (unsigned i = 0; i < rq->fanout.n; i++) {
		if (rq->fanout.legs[i].aside)
			temporal_take_places(rq, &rq->fanout.legs[i]);
		else {
			add_leg(rq, i, &m);
			rq->places.n = 0;
		}
		ends[i] = m.n;
	}
	if (views != NULL)
		note_views(rq, &m, ends, views);
	if (!rq->retrieve && query_selects_late(&rq->query))
		seen = note_seen(rq, &m);
	merge_run(&m, &rq->found, &n);
	rq->nfound = 0;
	for (size_t i = 0; i < n; i++)
		if (matches(rq, rq->found[i]))
			rq->found[rq->nfound++] = rq->found[i];
	if (seen != NULL)
		count_selected(rq, seen, ends);
}

enum step_next
request_conclude(struct request *rq, int status)
{
	rq->status = status;
	if (rq->map_only)
		map_write(rq);
	else if (status != 404)
		write_entities(rq);
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	return (go(rq, &STEP_ACCOUNT));
}

void
request_choose_page(struct request *rq)
{
	uint64_t next = (uint64_t)rq->query.offset + rq->query.limit;

	rq->first = rq->query.offset;
	rq->total = rq->nfound;
	rq->next = next < rq->nfound ? next : 0;
}

static enum step_next
run_merge(struct request *rq)
{
	bool keep = rq->query.entity_map;
	struct map_views views = { 0 };
	const char *why = NULL;
	enum problem p;

	request_merge(rq, keep ? &views : NULL);
	/* A retrieve fails strictly only when the entity was not found. */
	if (request_failed_strictly(rq, &p) && !(rq->retrieve && rq->nfound > 0))
		return (refuse(rq, p, NULL));
	request_choose_page(rq);
	p = map_make(rq, &views, &why);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	return (request_conclude(rq, keep		      ? 201 :
		rq->retrieve && rq->nfound == 0 ? 404 :
						  200));
}

const struct step STEP_MERGE = { "merge", run_merge };
