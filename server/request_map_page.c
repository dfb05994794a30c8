/* server/request_map_page.c - a page of an entity map: the sources that hold
 * its entities are asked for these and no others, their filters are looked at
 * again, and what no longer fits is replaced by what follows (ETSI GS CIM 009,
 * 5.5.9.3).
 *
 * In rounds: the first asks for as many ids as the page has places, the next
 * ones for what is missing. An id is gone when all that hold it answered and
 * it is not in the view; with one of them silent it is undecided and keeps its
 * place, so that the pages behind it stay where they are. */
#include "server/request_priv.h"

/* A map of which nothing is left must not be searched to its end for one
 * page: the next page goes on. */
#define ROUNDS_MAX 16
#define ROUND_IDS  4000
#define FILL_US    INT64_C(5000000)

/* What was asked of all sources at once, and whose bytes entities point to. */
struct round {
	struct round *before;
	struct fanout fanout;
};

struct map_page {
	unsigned n;
	struct leg *legs; /* planned; with the results of all rounds */
	struct leg_use *uses;
	unsigned *which; /* of the legs under way: index in legs */
	uint32_t from;   /* place in the map */
	unsigned nrounds;
	struct round *rounds; /* the last first */
	uint32_t nat, *at;    /* places asked for in this round */
	uint32_t taken;       /* places of the page */
	size_t nshown;
	struct entity **shown;
	uint64_t bytes;
};

const struct leg *
request_plan(const struct request *rq, unsigned *n_r)
{
	*n_r = rq->page != NULL ? rq->page->n : rq->fanout.n;
	return (rq->page != NULL ? rq->page->legs : rq->fanout.legs);
}

void
map_release(struct request *rq)
{
	struct round *r = rq->page != NULL ? rq->page->rounds : NULL;

	for (; r != NULL; r = r->before)
		fanout_clear(&r->fanout);
	entity_map_unref(&rq->map);
}

/* ---- ask */

static void
page_new(struct request *rq)
{
	struct map_page *p = arena_alloc(rq->arena, sizeof(*p));
	struct entity **shown =
	    arena_array(rq->arena, rq->query.limit, sizeof(*shown));

	p->n = rq->fanout.n;
	p->legs = rq->fanout.legs;
	p->uses = rq->uses;
	p->which = arena_array(rq->arena, p->n, sizeof(*p->which));
	p->at = arena_raw(rq->arena, ROUND_IDS * sizeof(*p->at));
	p->shown = shown;
	/* Not asked for this page, and so as good as silent. */
	for (unsigned i = 0; i < p->n; i++)
		if (p->legs[i].withheld) {
			p->legs[i].asked = true;
			p->legs[i].warning = WARN_NO_ANSWER;
		}
	rq->page = p;
	rq->fanout = (struct fanout){ 0 };
}

/* The first rounds ask for what is missing, later ones for more: where so
 * much is gone, more will be. */
static uint32_t
round_size(const struct map_page *p, uint32_t limit)
{
	uint64_t n = limit - p->taken;

	for (unsigned i = 2; i < p->nrounds && n < ROUND_IDS; i++)
		n *= 2;
	return (n < ROUND_IDS ? (uint32_t)n : ROUND_IDS);
}

static bool
holds(const struct entity_map_item *it, const struct leg *leg)
{
	for (unsigned i = 0; i < it->ndatasets; i++)
		if (it->datasets[i] == leg->policy->dataset->index)
			return (true);
	return (false);
}

/* What one leg is asked for in this round. */
struct share {
	unsigned n;
	struct str *ids;
	uint32_t *index; /* in at */
};

static struct share
share_of(struct request *rq, const struct leg *leg)
{
	const struct map_page *p = rq->page;
	struct share s = { 0 };

	s.ids = arena_raw(rq->arena, p->nat * sizeof(*s.ids));
	s.index = arena_raw(rq->arena, p->nat * sizeof(*s.index));
	for (uint32_t i = 0; i < p->nat; i++) {
		struct entity_map_item it = entity_map_item(rq->map, p->at[i]);

		if (!holds(&it, leg))
			continue;
		s.index[s.n] = i;
		s.ids[s.n++] = it.id;
	}
	return (s);
}

/* The template of the plan with these ids. false: it cannot be asked. */
static bool
ask_for(struct request *rq, const struct leg *leg, const struct share *s,
    struct source_ask *ask)
{
	*ask = leg->ask;
	ask->ids_chosen = true;
	ask->ids = s->ids;
	ask->nids = s->n;
	return (s->n > 0 && source_plan(ask, rq->arena));
}

/* How many of the ids go into the requests that one leg may make. */
static unsigned
ids_that_fit(const struct source_ask *ask, struct arena *a)
{
	struct source_ask rest = *ask;
	unsigned n, sum = 0;

	for (unsigned i = 0; i < SOURCE_PARTS_MAX && rest.nids > 0; i++) {
		n = source_ids_fit(&rest, a);
		rest.ids += n;
		rest.nids -= n;
		sum += n;
	}
	return (sum);
}

/* The round ends before the first id that would be too many for its leg. */
static void
cut_round(struct request *rq, const struct share *shares)
{
	struct map_page *p = rq->page;
	uint32_t end = p->nat;
	struct source_ask ask;
	unsigned fit;

	for (unsigned i = 0; i < p->n; i++) {
		if (!ask_for(rq, &p->legs[i], &shares[i], &ask))
			continue;
		fit = ids_that_fit(&ask, rq->arena);
		if (fit < ask.nids && shares[i].index[fit] < end)
			end = shares[i].index[fit];
	}
	if (end == p->nat)
		return;
	p->from = p->at[end];
	p->nat = end;
}

static void
add_leg(struct request *rq, unsigned i, struct share s)
{
	struct map_page *p = rq->page;
	struct leg *leg = &rq->fanout.legs[rq->fanout.n];

	while (s.n > 0 && s.index[s.n - 1] >= p->nat)
		s.n--;
	*leg = (struct leg){ .policy = p->legs[i].policy };
	if (ask_for(rq, &p->legs[i], &s, &leg->ask))
		p->which[rq->fanout.n++] = i;
}

/* Who has failed once is not waited for again. */
static bool
is_silent(const struct leg *leg)
{
	return (leg->warning != WARN_NONE);
}

static void
begin_round(struct request *rq)
{
	struct map_page *p = rq->page;
	struct share *shares = arena_array(rq->arena, p->n, sizeof(*shares));

	rq->fanout = (struct fanout){ .legs = arena_array(rq->arena, p->n,
					  sizeof(struct leg)) };
	rq->uses = arena_array(rq->arena, p->n, sizeof(*rq->uses));
	for (unsigned i = 0; i < p->n; i++)
		if (!is_silent(&p->legs[i]))
			shares[i] = share_of(rq, &p->legs[i]);
	cut_round(rq, shares);
	for (unsigned i = 0; i < p->n; i++)
		add_leg(rq, i, shares[i]);
}

static enum step_next conclude(struct request *);

static enum step_next
run_ask(struct request *rq)
{
	uint32_t skip = 0;
	struct map_page *p;

	if (rq->page == NULL) {
		page_new(rq);
		skip = rq->query.offset;
	}
	p = rq->page;
	p->nrounds++;
	p->nat = rq->query.limit == 0
		     ? 0
		     : entity_map_places(rq->map, &p->from, skip, p->at,
			   round_size(p, rq->query.limit));
	if (p->nat == 0)
		return (conclude(rq));
	begin_round(rq);
	return (go(rq, &STEP_SCATTER));
}

const struct step STEP_MAP_ASK = { "map-ask", run_ask };

/* ---- take */

/* The results of the round go to those of the page; its bytes stay, since
 * entities are spans of them. */
static void
end_round(struct request *rq)
{
	struct map_page *p = rq->page;
	struct round *r = arena_alloc(rq->arena, sizeof(*r));

	for (unsigned k = 0; k < rq->fanout.n; k++) {
		const struct leg *from = &rq->fanout.legs[k];
		struct leg *to = &p->legs[p->which[k]];
		struct leg_use *use = &p->uses[p->which[k]];

		to->asked = true;
		to->warning = from->warning;
		to->late = from->late;
		to->cached |= from->cached;
		to->bytes += from->bytes;
		to->upstream_us += from->upstream_us;
		p->bytes += from->bytes;
		use->entities += rq->uses[k].entities;
		use->grants_used |= rq->uses[k].grants_used;
	}
	r->fanout = rq->fanout;
	r->before = p->rounds;
	p->rounds = r;
	rq->fanout = (struct fanout){ 0 };
}

/* Could a silent source have it? */
static bool
is_undecided(const struct map_page *p, const struct entity_map_item *it)
{
	for (unsigned i = 0; i < p->n; i++)
		if (is_silent(&p->legs[i]) && holds(it, &p->legs[i]))
			return (true);
	return (false);
}

/* The map and what was found are both in order of id. */
static void
take_round(struct request *rq)
{
	struct map_page *p = rq->page;
	uint32_t ngone = 0,
		 *gone = arena_raw(rq->arena, p->nat * sizeof(*gone));
	size_t f = 0;

	for (uint32_t i = 0; i < p->nat && p->taken < rq->query.limit; i++) {
		struct entity_map_item it = entity_map_item(rq->map, p->at[i]);

		while (f < rq->nfound && str_cmp(rq->found[f]->id, it.id) < 0)
			f++;
		if (f < rq->nfound && str_eq(rq->found[f]->id, it.id)) {
			p->shown[p->nshown++] = rq->found[f];
			p->taken++;
		} else if (is_undecided(p, &it))
			p->taken++;
		else
			gone[ngone++] = p->at[i];
	}
	entity_map_drop(rq->map, gone, ngone);
}

/* For warnings, ledger and agreements: the legs that were asked, each once. */
static void
gather_legs(struct request *rq)
{
	struct map_page *p = rq->page;
	struct fanout *f = &rq->fanout;

	*f = (struct fanout){ .legs = arena_array(
				  rq->arena, p->n, sizeof(struct leg)) };
	rq->uses = arena_array(rq->arena, p->n, sizeof(*rq->uses));
	for (unsigned i = 0; i < p->n; i++) {
		if (!p->legs[i].asked)
			continue;
		f->legs[f->n] = p->legs[i];
		rq->uses[f->n++] = p->uses[i];
	}
}

static enum step_next
conclude(struct request *rq)
{
	struct map_page *p = rq->page;
	uint64_t next = (uint64_t)rq->query.offset + p->taken;
	enum problem problem;

	gather_legs(rq);
	rq->found = p->shown;
	rq->nfound = p->nshown;
	rq->first = 0;
	rq->total = entity_map_count(rq->map);
	rq->next = next < entity_map_left(rq->map) ? next : 0;
	if (request_failed_strictly(rq, &problem))
		return (refuse(rq, problem, NULL));
	return (request_conclude(rq, 200));
}

static bool
may_go_on(const struct request *rq)
{
	const struct map_page *p = rq->page;

	return (p->taken < rq->query.limit && p->nrounds < ROUNDS_MAX &&
		p->bytes < rq->worker->config->source_answer_max &&
		loop_now(rq->worker->loop).us - rq->begun.us < FILL_US);
}

static enum step_next
run_take(struct request *rq)
{
	request_merge(rq, NULL);
	end_round(rq);
	take_round(rq);
	return (may_go_on(rq) ? go(rq, &STEP_MAP_ASK) : conclude(rq));
}

const struct step STEP_MAP_TAKE = { "map-take", run_take };
