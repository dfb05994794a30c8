/* server/request_data.c - asking, waiting, redacting: the steps scatter and
 * gather, and how a leg is taken. */
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

	if (!ledger_admits(rq))
		return (refuse(rq, PROBLEM_LEDGER_FULL, NULL));
	f->loop = rq->worker->loop;
	f->arena = rq->arena;
	f->names = &rq->names;
	f->party = hash_str(rq->identity.tenant->name);
	f->answer_max = rq->worker->config->source_answer_max;
	f->memory = rq->worker->memory;
	f->cache = rq->worker->kept;
	f->wake = request_wake;
	f->unauthorized = on_unauthorized;
	f->arg = rq;
	rq->step = &STEP_GATHER;
	rq->times.asked = loop_now(f->loop);
	recall_begin(rq);
	fanout_start(f, rq->worker->pools);
	return (NEXT_MORE);
}

const struct step STEP_SCATTER = { "scatter", run_scatter };

/* ---- gather */

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
	rq->times.heard = loop_now(rq->worker->loop);
	if (recall_holds(rq))
		return (go(rq, &STEP_RECALLED));
	return (go(rq, rq->map != NULL ? &STEP_MAP_TAKE : &STEP_MERGE));
}

const struct step STEP_GATHER = { "gather", run_gather };

/* ---- taking a leg */

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
	    (rq->temporal != NULL && !temporal_take(rq, e)) ||
	    (request_unsplit(rq) &&
		!query_filter_match(&rq->query, e, &rq->names)))
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
void
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
