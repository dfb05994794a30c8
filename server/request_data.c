/* server/request_data.c - asking, waiting, redacting, merging, filtering: the
 * steps scatter, gather and merge. */
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
	f->answer_max = rq->worker->config->source_answer_max;
	f->wake = request_wake;
	f->unauthorized = on_unauthorized;
	f->arg = rq;
	rq->step = &STEP_GATHER;
	fanout_start(f, rq->worker->pools);
	return (NEXT_MORE);
}

const struct step STEP_SCATTER = { "scatter", run_scatter };

/* ---- gather */

static enum step_next
run_gather(struct request *rq)
{
	if (rq->fanout.open > 0)
		return (NEXT_WAIT); /* a leg wakes us, at its deadline at last */
	return (go(rq, &STEP_MERGE));
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
				e->instances[n++] = e->instances[i];
				break;
			}
	if (rq->nneeded > 0)
		e->ninstances = n;
	return (e->ninstances > 0);
}

/* Reads and redacts one entity of a page into the merge. */
static enum hub_err
take_entity(struct request *rq, struct leg *leg, struct leg_use *use,
    const struct document *doc, uint32_t node, struct merge *m)
{
	struct redact_result res = { 0 };
	struct entity *e = arena_raw(rq->arena, sizeof(*e));
	enum hub_err err;

	if (doc == NULL)
		return (HUB_ENOENT);
	err = entity_read(doc, node, &rq->names, rq->arena, e);
	if (err != HUB_OK)
		return (err);
	if (!redact_entity(leg->policy, e, rq->now, &rq->names, rq->arena,
		&res) ||
	    !keep_needed(rq, e))
		return (HUB_OK);
	use->entities++;
	use->grants_used |= res.grants_used;
	merge_add(m, e);
	return (HUB_OK);
}

static enum hub_err
take_page(struct request *rq, struct leg *leg, struct leg_use *use,
    const struct leg_page *page, struct merge *m)
{
	const struct json *j = &page->doc.json;
	const struct document *doc = NULL;
	uint32_t first = page->single ? 0 : 1;
	enum hub_err err = HUB_OK;

	for (uint32_t n = first; err == HUB_OK && n < j->n;
	     n = j->nodes[n].next) {
		doc = fanout_entity_document(page, n, doc, &rq->names,
		    rq->arena);
		err = take_entity(rq, leg, use, doc, n, m);
	}
	return (err);
}

/* One bad entity makes the whole answer of that source unusable (warning 111
 * "rejected whole"): nothing partial of it stays. */
static void
take_leg(struct request *rq, unsigned i, struct merge *m)
{
	struct leg *leg = &rq->fanout.legs[i];
	size_t before = m->n;

	for (const struct leg_page *p = leg->pages; p != NULL; p = p->next)
		if (take_page(rq, leg, &rq->uses[i], p, m) != HUB_OK) {
			m->n = before;
			rq->uses[i] = (struct leg_use){ 0 };
			leg->warning = WARN_INVALID;
			return;
		}
}

static bool
has_id(const struct query *q, const struct entity *e)
{
	bool any = q->nids == 0;

	for (unsigned i = 0; i < q->nids && !any; i++)
		any = str_eq(q->ids[i], e->id);
	return (any && (q->id_pattern_re == NULL ||
			   pattern_match(q->id_pattern_re, e->id)));
}

static bool
has_attr(const struct query *q, const struct entity *e)
{
	for (unsigned i = 0; i < q->nattrs; i++)
		if (entity_attr(e, q->attrs[i]) != NULL)
			return (true);
	return (q->nattrs == 0);
}

/* The client's predicates, on the merged view and nothing else. */
static bool
matches(struct request *rq, const struct entity *e)
{
	const struct query *q = &rq->query;

	if (rq->retrieve)
		return (str_eq(e->id, rq->uri.segments[3]) && has_attr(q, e));
	return (query_type_match(q, e) && query_selectors_match(q, e) &&
	    has_id(q, e) && has_attr(q, e) && query_scope_match(q, e) &&
	    (q->q == NULL || q_match(q->q, e, &rq->names, rq->arena)) &&
	    (q->geo == NULL || geo_match(q->geo, e)));
}

static bool
strict_failure(const struct request *rq, enum problem *p_r)
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
	size_t from = q->offset < rq->nfound ? q->offset : rq->nfound;
	size_t n = rq->nfound - from;
	uint64_t received = 0;

	for (unsigned i = 0; i < rq->fanout.n; i++)
		received += rq->fanout.legs[i].bytes;
	buf_reserve(&rq->body, (size_t)received);
	if (rq->retrieve) {
		write_entity(rq, 0, &out);
		rq->nshown = 1;
		return;
	}
	if (n > q->limit)
		n = q->limit;
	if (rq->geo)
		write_collection(rq, from, n, &out);
	else
		write_list(rq, from, n, &out);
	rq->nshown = (uint32_t)n;
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
	const struct fanout *f = &rq->fanout;
	const struct name *const *attrs;
	unsigned nattrs, max = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (f->legs[i].policy->dataset->mode == MODE_EXCLUSIVE)
			max += f->legs[i].policy->dataset->nids;
	m->owners = arena_array(rq->arena, max, sizeof(*m->owners));
	for (unsigned i = 0; max > 0 && i < f->n; i++) {
		const struct region_dataset *ds = f->legs[i].policy->dataset;

		if (ds->mode != MODE_EXCLUSIVE)
			continue;
		nattrs = exclusive_attrs(f->legs[i].policy, rq->arena, &attrs);
		for (unsigned k = 0; nattrs > 0 && k < ds->nids; k++)
			m->owners[m->nowners++] = (struct merge_owner){
				ds->ids[k], ds->name, nattrs, attrs };
	}
}

static enum step_next
run_merge(struct request *rq)
{
	enum problem p;
	struct merge m;
	size_t n = 0;

	merge_init(&m, rq->arena);
	note_owners(rq, &m);
	for (unsigned i = 0; i < rq->fanout.n; i++)
		take_leg(rq, i, &m);
	merge_run(&m, &rq->found, &n);
	for (size_t i = 0; i < n; i++)
		if (matches(rq, rq->found[i])) {
			query_project(&rq->query, rq->found[i]);
			rq->found[rq->nfound++] = rq->found[i];
		}
	/* A retrieve fails strictly only when the entity was not found. */
	if (strict_failure(rq, &p) && !(rq->retrieve && rq->nfound > 0))
		return (refuse(rq, p, NULL));
	rq->status = rq->retrieve && rq->nfound == 0 ? 404 : 200;
	if (rq->status == 200)
		write_entities(rq);
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	return (go(rq, &STEP_ACCOUNT));
}

const struct step STEP_MERGE = { "merge", run_merge };
