/* server/request_temporal.c - what differs where a request is about the past:
 * its step query, what sources are asked for, what is taken of their answers
 * and how it is written. decide, scatter, gather and merge are those of
 * entities. */
#include "server/request_priv.h"

#include <stdlib.h>

/* Entities on one page of a source: each may be long. */
#define PAGE_MAX 50U

/* ---- query */

static enum hub_err
parse(struct request *rq, const struct json *j, struct temporal *t,
    struct query_error *e)
{
	enum hub_err err;

	if (j == NULL)
		return (temporal_parse(&rq->uri, rq->retrieve, rq->context,
		    &rq->names, rq->arena, &rq->query, t, e));
	err = temporal_parse_body(j, &rq->uri, rq->context, &rq->names,
	    rq->arena, &rq->query, t, e);
	/* No Link can name several contexts: then names are IRIs. */
	if (context_url(rq->context).len == 0)
		rq->context = vocab_core(rq->snapshot->region->vocab);
	return (err);
}

static const char *
undone(const struct query *q)
{
	if (q->entity_map)
		return ("this version does not do entity maps of evolutions");
	return (NULL);
}

static enum step_next
run_temporal(struct request *rq)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	struct temporal *t = arena_alloc(rq->arena, sizeof(*t));
	struct query_error e = { 0 };
	const char *why = NULL;
	struct json body, *j = NULL;
	enum problem p;

	if ((rq->identity.scopes & SCOPE_HUB_TEMPORAL) == 0)
		return (refuse(rq, PROBLEM_FORBIDDEN, NULL));
	if (h->method == HTTP_POST) {
		j = &body;
		p = media_read_body(rq, j, &why);
		if (p != PROBLEM_MAX)
			return (refuse(rq, p, why));
	}
	if (parse(rq, j, t, &e) != HUB_OK)
		return (refuse_query(rq, &e));
	why = undone(&rq->query);
	if (why != NULL)
		return (refuse(rq, PROBLEM_NOT_IMPLEMENTED, why));
	rq->temporal = t;
	return (go(rq, &STEP_DECIDE));
}

const struct step STEP_TEMPORAL = { "temporal", run_temporal };

/* ---- what a source is asked for */

/* The time by which instances are asked for, where a share shows it. */
static bool
shows_time(const struct region_share *s, enum time_property p)
{
	return (p == TIME_CREATED  ? s->system_created_at :
		p == TIME_MODIFIED ? s->system_modified_at :
				     true);
}

/* How far a share's transforms move times down. */
static int64_t
moves_time(const struct region_share *s)
{
	int64_t us = 0;

	for (unsigned i = 0; i < s->ntransforms; i++)
		if (s->transforms[i].t.kind == TRANSFORM_TRUNC_TIME &&
		    s->transforms[i].t.us > us)
			us = s->transforms[i].t.us;
	return (us);
}

/* What of the range a share can show. Policy binds observedAt, so that only a
 * range of that can be narrowed. */
static struct time_range
window(const struct request *rq, const struct region_share *s)
{
	struct time_range r = rq->temporal->range;
	int64_t oldest = rq->now.us - s->history_us;
	int64_t newest = rq->now.us - s->delay_us + 1;

	if (rq->temporal->property != TIME_OBSERVED)
		return (r);
	if (r.until.us != INT64_MAX)
		r.until.us += moves_time(s);
	if (s->history_us > 0 && r.from.us < oldest)
		r.from.us = oldest;
	if (s->delay_us > 0 && r.until.us > newest)
		r.until.us = newest;
	return (r);
}

/* The least range that holds all that the leg can show; false: nothing. */
static bool
leg_window(const struct request *rq, const struct policy_leg *pl,
    struct time_range *all)
{
	const struct region_share *s;
	struct time_range r;
	bool any = false;

	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned i = 0; i < pl->grants[g]->nshares; i++) {
			s = pl->grants[g]->shares[i].share;
			r = window(rq, s);
			if (!shows_time(s, rq->temporal->property) ||
			    r.from.us >= r.until.us)
				continue;
			if (!any || r.from.us < all->from.us)
				all->from = r.from;
			if (!any || r.until.us > all->until.us)
				all->until = r.until;
			any = true;
		}
	return (any);
}

bool
temporal_ask(struct request *rq, bool alone, struct source_ask *ask)
{
	const struct temporal *t = rq->temporal;
	struct source_time *time = arena_alloc(rq->arena, sizeof(*time));

	if (ask->leg->dataset->source->kind != SOURCE_NGSI_LD)
		return (false); /* NGSI-v2 knows the present only */
	time->property = t->property;
	time->range = t->range;
	if (!ask->leg->own && !leg_window(rq, ask->leg, &time->range))
		return (false);
	/* Of the newest values in the view its source knows only if all that
	 * it has are in the view. */
	if (alone && ask->leg->own && rq->query.ndatasets == 0 &&
	    !rq->query.default_instance && rq->query.q == NULL &&
	    rq->query.geo == NULL)
		time->last_n = t->last_n;
	ask->time = time;
	if (ask->limit > PAGE_MAX)
		ask->limit = PAGE_MAX;
	return (time->range.from.us < time->range.until.us);
}

/* ---- where things are */

static bool
binds_place(const struct policy_leg *pl)
{
	const struct region_share *s;

	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned i = 0; i < pl->grants[g]->nshares; i++) {
			s = pl->grants[g]->shares[i].share;
			if (s->ninside > 0 || s->noutside > 0 ||
			    s->within != NULL)
				return (true);
		}
	return (false);
}

bool
temporal_ask_places(struct request *rq, const struct leg *leg,
    struct leg *aside)
{
	const struct name **location;

	if (leg->policy->own || !binds_place(leg->policy))
		return (false);
	location = arena_raw(rq->arena, sizeof(const struct name *));
	*location = names_location(&rq->names);
	*aside = *leg;
	aside->aside = true;
	aside->ask.time = NULL;
	aside->ask.limit = leg->policy->dataset->source->page;
	aside->ask.attrs = location;
	aside->ask.nattrs = 1;
	if (source_plan(&aside->ask, rq->arena))
		return (true);
	*aside = (struct leg){ 0 };
	return (false);
}

static int
place_cmp(const void *a, const void *b)
{
	const struct entity *const *x = a, *const *y = b;

	return (str_cmp((*x)->id, (*y)->id));
}

static enum hub_err
take_places(struct request *rq, const struct leg_page *p, size_t max)
{
	const struct json *j = &p->doc.json;
	const struct document *doc = NULL;
	enum hub_err err = HUB_OK;
	struct entity *e;

	for (uint32_t n = p->single ? 0 : 1; err == HUB_OK && n < j->n;
	     n = j->nodes[n].next) {
		assert(rq->places.n < max);
		doc = fanout_entity_document(p, n, doc, &rq->names, rq->arena);
		if (doc == NULL)
			return (HUB_ENOENT);
		e = arena_raw(rq->arena, sizeof(*e));
		err = entity_read(doc, n, &rq->names, rq->arena, e);
		if (err == HUB_OK)
			rq->places.v[rq->places.n++] = e;
	}
	return (err);
}

void
temporal_take_places(struct request *rq, struct leg *leg)
{
	size_t max = 0, before = arena_used(rq->arena);
	enum hub_err err = HUB_OK;

	for (const struct leg_page *p = leg->pages; p != NULL; p = p->next)
		max += p->single ? 1 : p->doc.json.nodes[0].count;
	rq->places.n = 0;
	rq->places.v = arena_raw(rq->arena,
	    (max + 1) * sizeof(*rq->places.v));
	for (const struct leg_page *p = leg->pages; err == HUB_OK && p != NULL;
	     p = p->next)
		err = take_places(rq, p, max);
	if (err == HUB_OK && leg->pages != NULL) /* else it may have none */
		err = fanout_take_memory(leg, arena_used(rq->arena) - before);
	if (err != HUB_OK) {
		rq->places.n = 0;
		fanout_reject(leg, err);
	}
	qsort(rq->places.v, rq->places.n, sizeof(*rq->places.v), place_cmp);
}

/* Puts where it is now into an evolution that does not say where it was; true:
 * that stands there and has to go again. */
static bool
add_place(struct request *rq, struct entity *e)
{
	const struct name *location = names_location(&rq->names);
	struct entity **found = NULL;
	struct instance *all;
	unsigned n = e->ninstances;

	if (rq->places.n == 0 || entity_attr(e, location) != NULL)
		return (false);
	found = bsearch(&e, rq->places.v, rq->places.n,
	    sizeof(*rq->places.v), place_cmp);
	if (found == NULL)
		return (false);
	all = arena_raw(rq->arena,
	    (n + (size_t)(*found)->ninstances) * sizeof(*all));
	if (n > 0)
		memcpy(all, e->instances, n * sizeof(*all));
	for (unsigned i = 0; i < (*found)->ninstances; i++)
		if ((*found)->instances[i].name == location)
			all[n++] = (*found)->instances[i];
	e->instances = all;
	e->ninstances = n;
	return (true);
}

static void
drop_place(struct request *rq, struct entity *e)
{
	const struct name *location = names_location(&rq->names);
	unsigned n = 0;

	for (unsigned i = 0; i < e->ninstances; i++)
		if (e->instances[i].name != location)
			e->instances[n++] = e->instances[i];
	e->ninstances = n;
}

/* ---- what is taken and written */

enum hub_err
temporal_read(struct request *rq, const struct policy_leg *pl,
    const struct document *doc, uint32_t node, struct entity *e)
{
	enum hub_err err =
	    entity_read_series(doc, node, &rq->names, rq->arena, e);
	bool placed;

	if (err != HUB_OK)
		return (err);
	placed = add_place(rq, e);
	if (!redact_series(pl, e, rq->now, &rq->names, rq->arena))
		return (HUB_ENOENT);
	if (placed)
		drop_place(rq, e);
	return (HUB_OK);
}

bool
temporal_take(const struct request *rq, struct entity *e)
{
	temporal_narrow(rq->temporal, e);
	return (e->ninstances > 0);
}

static void
shorten(struct request *rq, struct entity **page, size_t n)
{
	const struct query *q = &rq->query;
	const struct temporal *t = rq->temporal;

	for (size_t i = 0; i < n; i++) {
		if (q->nattrs > 0)
			temporal_keep(page[i], q->attrs, q->nattrs);
		temporal_last(t, page[i]);
	}
	if (t->form != TEMPORAL_AGGREGATED)
		rq->cut = temporal_cut(t, page, n, TEMPORAL_ANSWER_MAX,
		    rq->arena, &rq->cut_first, &rq->cut_last);
}

void
temporal_answer(struct request *rq, const struct entity_out *out, size_t from,
    size_t n)
{
	struct entity **page = rq->found + from;
	struct buf *b = &rq->body;

	shorten(rq, page, n);
	if (!rq->retrieve)
		buf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		temporal_write(page[i], rq->temporal, out, b);
	}
	if (!rq->retrieve)
		buf_addc(b, ']');
	if (rq->cut)
		rq->status = 206;
}

/* 6.3.10: where to ask on. */
void
temporal_fields(const struct request *rq, struct buf *b)
{
	if (!rq->cut)
		return;
	BUF_LIT(b, "Content-Range: date-time ");
	temporal_write_time(rq->cut_first, b);
	buf_addc(b, '-');
	temporal_write_time(rq->cut_last, b);
	buf_addc(b, '/');
	if (rq->temporal->last_n > 0)
		buf_addu(b, rq->temporal->last_n);
	else
		buf_addc(b, '*');
	BUF_LIT(b, "\r\n");
}
