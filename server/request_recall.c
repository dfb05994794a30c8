/* server/request_recall.c - an answer that was made before: finds what is
 * known for a request, uses it when each source sent the bytes that it was
 * made of, and keeps what was made anew. See recall.h. */
#include "server/recall.h"
#include "server/request_priv.h"

/* Does the hour decide what policy releases? Then the same bytes are another
 * answer later. */
static bool
is_timed(const struct policy_leg *pl)
{
	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned s = 0; s < pl->grants[g]->nshares; s++) {
			const struct region_share *sh =
			    pl->grants[g]->shares[s].share;

			if (sh->history_us > 0 || sh->delay_us > 0)
				return (true);
		}
	return (false);
}

static bool
may_recall(const struct request *rq)
{
	const struct fanout *f = &rq->fanout;
	const struct http_head *h = http_exchange_head(rq->exchange);
	bool ok = f->n > 0 && f->n <= RECALL_LEGS && h->method != HTTP_POST &&
	    rq->temporal == NULL && rq->map == NULL && !rq->query.entity_map;

	for (unsigned i = 0; ok && i < f->n; i++)
		ok = !is_timed(f->legs[i].policy);
	return (ok);
}

/* What stands first in a key. Pointers are into the snapshot, which its
 * generation names for good; lengths keep the rest unambiguous. */
struct key_head {
	uint64_t generation;
	const void *tenant, *purpose, *context;
	size_t target, nlegs;
	uint32_t retrieve, ld, geo, prefer_json;
};

static size_t
leg_key_len(const struct policy_leg *pl)
{
	return (sizeof(void *) + 3 * sizeof(unsigned) +
	    (pl->ngrants + pl->nforbids) * sizeof(void *));
}

static char *
add(char *to, const void *from, size_t n)
{
	if (n > 0)
		memcpy(to, from, n);
	return (to + n);
}

static char *
add_leg(char *to, const struct policy_leg *pl)
{
	const unsigned counts[3] = { pl->own, pl->ngrants, pl->nforbids };

	to = add(to, &pl->dataset, sizeof(pl->dataset));
	to = add(to, counts, sizeof(counts));
	to = add(to, pl->grants, pl->ngrants * sizeof(*pl->grants));
	return (add(to, pl->forbids, pl->nforbids * sizeof(*pl->forbids)));
}

static struct str
make_key(struct request *rq)
{
	const struct fanout *f = &rq->fanout;
	struct str target = http_exchange_head(rq->exchange)->target;
	struct key_head head;
	size_t size = sizeof(head) + target.len;
	char *key, *to;

	for (unsigned i = 0; i < f->n; i++)
		size += leg_key_len(f->legs[i].policy);
	memset(&head, 0, sizeof(head)); /* its padding, too */
	head.generation = rq->snapshot->generation;
	head.tenant = rq->identity.tenant;
	head.purpose = rq->purpose;
	head.context = rq->context;
	head.target = target.len;
	head.nlegs = f->n;
	head.retrieve = rq->retrieve;
	head.ld = rq->ld;
	head.geo = rq->geo;
	head.prefer_json = rq->prefer_json;
	to = key = arena_raw(rq->arena, size);
	to = add(to, &head, sizeof(head));
	to = add(to, target.p, target.len);
	for (unsigned i = 0; i < f->n; i++)
		to = add_leg(to, f->legs[i].policy);
	return ((struct str){ key, size });
}

void
recall_begin(struct request *rq)
{
	struct fanout *f = &rq->fanout;

	if (!may_recall(rq))
		return;
	rq->recall_key = make_key(rq);
	rq->recalled = recall_find(rq->worker->recall, rq->recall_key,
	    loop_now(rq->worker->loop));
	for (unsigned i = 0; rq->recalled != NULL && i < f->n; i++)
		f->legs[i].known = &rq->recalled->legs[i].known;
}

/* Is it what all sources sent? Else what was passed over is read now. */
bool
recall_holds(struct request *rq)
{
	struct fanout *f = &rq->fanout;
	unsigned same = 0;
	enum hub_err err;

	for (unsigned i = 0; i < f->n; i++)
		same += f->legs[i].recalled;
	if (same > 0 && same == f->n)
		return (true);
	for (unsigned i = 0; same > 0 && i < f->n; i++)
		if (f->legs[i].recalled) {
			err = fanout_read(&f->legs[i]);
			if (err != HUB_OK)
				fanout_reject(&f->legs[i], err);
		}
	return (false);
}

static enum step_next
run_recalled(struct request *rq)
{
	const struct recalled *k = rq->recalled;

	for (unsigned i = 0; i < rq->fanout.n; i++)
		rq->uses[i] = (struct leg_use){
			.entities = k->legs[i].entities,
			.grants_used = k->legs[i].grants_used };
	rq->nfound = k->found;
	request_choose_page(rq);
	rq->nshown = k->shown;
	memcpy(rq->etag, k->etag, sizeof(rq->etag));
	rq->recall_key = STR_NONE; /* it is kept already */
	rq->status = 200;
	atomic_fetch_add_explicit(&rq->worker->recalled, 1,
	    memory_order_relaxed);
	buf_adds(&rq->body, k->answer);
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	return (go(rq, &STEP_ACCOUNT));
}

const struct step STEP_RECALLED = { "recalled", run_recalled };

static bool
note_leg(const struct leg *leg, const struct leg_use *use,
    struct recalled_leg *k)
{
	const struct leg_page *page = leg->pages;
	struct str body;

	if (leg->warning != WARN_NONE || page == NULL || page->next != NULL ||
	    page->doc.json.odd_names || page->translated)
		return (false);
	body = buf_str(&page->body);
	*k = (struct recalled_leg){ .known = { body, page->doc.context,
					page->doc.json.nodes[0].count },
		.entities = use->entities,
		.grants_used = use->grants_used };
	return (body.len > 0);
}

void
recall_keep(struct request *rq)
{
	struct recalled k = { .key = rq->recall_key,
		.answer = buf_str(&rq->body),
		.found = rq->nfound,
		.shown = rq->nshown,
		.nlegs = rq->fanout.n };

	if (rq->recall_key.p == NULL || rq->timed || rq->status != 200 ||
	    rq->etag[0] == '\0')
		return;
	memcpy(k.etag, rq->etag, sizeof(k.etag));
	for (unsigned i = 0; i < k.nlegs; i++)
		if (!note_leg(&rq->fanout.legs[i], &rq->uses[i], &k.legs[i]))
			return;
	recall_put(rq->worker->recall, &k, loop_now(rq->worker->loop));
}
