/* server/request_data.c - asking, waiting, redacting, merging, filtering: the
 * steps scatter, gather and merge. */
#include "server/base/hash.h"
#include "server/control.h"
#include "server/request_priv.h"

/* ---- scatter */

static void
on_unauthorized(const struct region_source *source, void *arg)
{
	struct request *rq = arg;

	control_want_token(rq->worker->control, rq->snapshot->generation,
	    source);
}

static enum step_next
run_scatter(struct request *rq)
{
	struct fanout *f = &rq->fanout;

	f->loop = rq->worker->loop;
	f->arena = rq->arena;
	f->names = &rq->names;
	f->party = hash_str(rq->identity.tenant->name);
	f->answer_max = rq->worker->config->source_answer_max;
	f->memory = rq->worker->memory;
	f->wake = request_wake;
	f->unauthorized = on_unauthorized;
	f->arg = rq;
	rq->step = &STEP_GATHER;
	recall_begin(rq);
	fanout_start(f, rq->worker->pools);
	return (NEXT_MORE);
}

const struct step STEP_SCATTER = { "scatter", run_scatter };

/* ---- gather */

static void take_leg(struct request *, unsigned i);

/* What has come is read while it is warm and others are waited for. What is
 * known is not read at all, unless another leg's answer is new; a history may
 * need the place that another leg brings; a page of a map is one of several. */
static void
take_arrived(struct request *rq)
{
	const struct fanout *f = &rq->fanout;
	bool now = rq->map == NULL && rq->temporal == NULL;

	for (unsigned i = 0; now && i < f->n; i++)
		if (!f->legs[i].open && !f->legs[i].recalled)
			take_leg(rq, i);
}

static enum step_next
run_gather(struct request *rq)
{
	take_arrived(rq);
	if (rq->fanout.open > 0)
		return (NEXT_WAIT); /* a leg wakes us, at its deadline at last */
	if (recall_holds(rq))
		return (go(rq, &STEP_RECALLED));
	return (go(rq, rq->map != NULL ? &STEP_MAP_TAKE : &STEP_MERGE));
}

const struct step STEP_GATHER = { "gather", run_gather };

/* ---- merge */

/* A source may heed attrs or send everything, and policy looks at more than
 * was asked for: the answer must be the same. false: nothing is left. */
static bool
keep_needed(const struct request *rq, struct entity *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->ninstances; i++)
		for (unsigned k = 0; k < rq->nneeded; k++)
			if (e->instances[i].name == rq->needed[k]) {
				instance_keep(e->instances, n++,
				    &e->instances[i]);
				break;
			}
	if (rq->nneeded > 0)
		e->ninstances = n;
	return (e->ninstances > 0);
}

/* A source may send what it was not asked for, and it chose by types of which
 * the view may have none: what is not selected in the view is not there. */
static bool
is_asked(const struct request *rq, const struct entity *e)
{
	return (query_asked(&rq->query, e) &&
	    (!rq->retrieve || str_eq(e->id, request_entity_id(rq))));
}

/* HUB_ENOENT: it is not in the view. */
static enum hub_err
read_present(struct request *rq, const struct policy_leg *pl,
    const struct document *doc, uint32_t node, struct entity *e)
{
	enum hub_err err = entity_read(doc, node, &rq->names, rq->arena, e);

	if (err != HUB_OK)
		return (err);
	rq->timed |= e->ends;
	return (redact_entity(pl, e, rq->now, &rq->names, rq->arena) ?
		HUB_OK : HUB_ENOENT);
}

/* Reads and redacts one entity of a page into the merge. */
static enum hub_err
take_entity(struct request *rq, struct leg *leg, struct leg_use *use,
    const struct document *doc, uint32_t node, struct merge *m)
{
	struct entity *e = arena_raw(rq->arena, sizeof(*e));
	enum hub_err err;

	if (doc == NULL)
		return (HUB_ENOENT);
	if (rq->temporal != NULL)
		err = temporal_read(rq, leg->policy, doc, node, e);
	else
		err = read_present(rq, leg->policy, doc, node, e);
	if (err == HUB_ENOENT)
		return (HUB_OK);
	if (err != HUB_OK)
		return (err);
	if (!is_asked(rq, e) || !keep_needed(rq, e) ||
	    (rq->temporal != NULL && !temporal_take(rq, e)))
		return (HUB_OK);
	use->entities++;
	use->grants_used |= redact_grants(e);
	merge_add(m, e);
	return (HUB_OK);
}

#define READ_UNCLAIMED ((size_t)64 << 10)
#define READ_MEMORY    3 /* what is read, and twice that to merge it */

/* Entities read are taken from the leg's memory, and so is what it takes to
 * merge them: not for each of them, but before they are many. */
static enum hub_err
claim_read(struct request *rq, struct leg *leg, size_t *claimed, size_t least)
{
	size_t n = arena_used(rq->arena) - *claimed;

	if (n < least)
		return (HUB_OK);
	*claimed += n;
	return (fanout_take_memory(leg, n * READ_MEMORY));
}

/* A long series may grow many times over while it is changed for the view:
 * what could not be claimed behind it is not made. */
static void
watch_read(struct request *rq, const struct leg *leg, size_t claimed)
{
	arena_watch(rq->arena,
	    claimed + fanout_memory_left(leg) / READ_MEMORY);
}

static enum hub_err
take_page(struct request *rq, struct leg *leg, struct leg_use *use,
    const struct leg_page *page, struct merge *m)
{
	const struct json *j = &page->doc.json;
	const struct document *doc = NULL;
	uint32_t first = page->single ? 0 : 1;
	size_t claimed = arena_used(rq->arena);
	enum hub_err err = HUB_OK;

	for (uint32_t n = first; err == HUB_OK && n < j->n;
	     n = j->nodes[n].next) {
		doc = fanout_entity_document(page, n, doc, &rq->names,
		    rq->arena);
		watch_read(rq, leg, claimed);
		err = take_entity(rq, leg, use, doc, n, m);
		if (err == HUB_OK)
			err = claim_read(rq, leg, &claimed, READ_UNCLAIMED);
	}
	if (err == HUB_OK)
		err = claim_read(rq, leg, &claimed, 1);
	arena_watch(rq->arena, SIZE_MAX);
	return (err);
}

/* One bad entity makes the whole answer of that source unusable (warning 111
 * "rejected whole"): nothing partial of it stays. */
static void
take_leg(struct request *rq, unsigned i)
{
	struct leg *leg = &rq->fanout.legs[i];
	struct leg_use *use = &rq->uses[i];
	enum hub_err err = HUB_OK;

	if (use->taken)
		return;
	use->taken = true;
	merge_init(&use->views, rq->arena);
	for (const struct leg_page *p = leg->pages; err == HUB_OK && p != NULL;
	     p = p->next)
		err = take_page(rq, leg, use, p, &use->views);
	if (err == HUB_OK)
		return;
	*use = (struct leg_use){ .taken = true };
	fanout_reject(leg, err);
}

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

void
request_merge(struct request *rq, struct map_views *views)
{
	size_t *ends = arena_array(rq->arena, rq->fanout.n, sizeof(*ends));
	struct merge m;
	size_t n = 0;

	merge_init(&m, rq->arena);
	m.series = rq->temporal;
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
	merge_run(&m, &rq->found, &n);
	rq->nfound = 0;
	for (size_t i = 0; i < n; i++)
		if (matches(rq, rq->found[i]))
			rq->found[rq->nfound++] = rq->found[i];
}

enum step_next
request_conclude(struct request *rq, int status)
{
	rq->status = status;
	if (rq->map_only)
		map_write(rq);
	else if (status != 404) {
		for (size_t i = 0; i < rq->nfound; i++)
			query_project(&rq->query, rq->found[i]);
		write_entities(rq);
	}
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	recall_keep(rq);
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
