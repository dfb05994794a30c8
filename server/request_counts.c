/* server/request_counts.c - a request that is over goes into its worker's
 * counts (counts.h). */
#include "server/counts.h"
#include "server/request_priv.h"

static enum count_op
op_of(const struct leg *leg)
{
	if (leg->ask.time != NULL)
		return (OP_COUNT_TEMPORAL);
	switch (leg->ask.form) {
	case FORM_RETRIEVE:
		return (OP_COUNT_RETRIEVE);
	case FORM_BATCH:
		return (OP_COUNT_BATCH);
	default:
		return (OP_COUNT_QUERY);
	}
}

static enum count_outcome
outcome_of(const struct leg *leg)
{
	switch (leg->warning) {
	case WARN_NONE:
		return (leg->asked ? OUTCOME_OK : OUTCOME_KEPT);
	case WARN_STALE:
		return (OUTCOME_STALE);
	case WARN_INVALID:
		return (OUTCOME_INVALID);
	case WARN_STATUS:
		return (OUTCOME_STATUS);
	case WARN_NO_ANSWER:
		break;
	}
	return (leg->late ? OUTCOME_LATE : OUTCOME_REFUSED);
}

/* A leg that is still open was cut off by its client: it tells nothing. */
static void
count_leg(const struct request *rq, const struct leg *leg)
{
	const struct snapshot *s = rq->snapshot;
	unsigned source = leg->policy->dataset->source->index;
	struct source_counts *c;

	if (leg->begun.us == 0 || leg->open || s == NULL ||
	    s->source_slots == NULL)
		return;
	assert(source < s->region->nsources);
	c = counts_source(rq->worker->counts, s->source_slots[source]);
	count_add(&c->outcomes[outcome_of(leg)], 1);
	if (leg->asked)
		histogram_add(&c->took[op_of(leg)], leg->upstream_us);
	atomic_store_explicit(&c->open_until_us, leg->breaker_until.us,
	    memory_order_relaxed);
}

static enum count_decision
decision_of(const struct leg *leg)
{
	if (leg->withheld)
		return (leg->unconfirmed ? DECIDED_STALE : DECIDED_SPENT);
	return (leg->policy->own ? DECIDED_OWN : DECIDED_AGREED);
}

static void
count_decisions(const struct request *rq)
{
	struct counts *c = rq->worker->counts;
	const struct leg *legs;
	unsigned n;

	if (!rq->decided.planned)
		return;
	legs = request_plan(rq, &n);
	if (n == 0)
		count_add(&c->decisions[DECIDED_NONE], 1);
	for (unsigned i = 0; i < n; i++)
		if (!legs[i].aside)
			count_add(&c->decisions[decision_of(&legs[i])], 1);
}

void
request_count(const struct request *rq)
{
	const struct tenant *who = rq->identity.tenant;
	const struct snapshot *s = rq->snapshot;
	struct counts *c = rq->worker->counts;
	unsigned slot = 0;

	if (rq->status != 401 && who != NULL && s != NULL &&
	    s->tenant_slots != NULL && who->index < s->region->tenants.ntenants)
		slot = s->tenant_slots[who->index];
	count_decisions(rq);
	for (unsigned i = 0; i < rq->fanout.n; i++)
		count_leg(rq, &rq->fanout.legs[i]);
	if (rq->exchange == NULL) {
		count_add(&c->aborted, 1);
		return;
	}
	count_add(&counts_tenant(c, slot)->n[rq->method]
	    [counts_code(rq->status)], 1);
	histogram_add(&c->took, loop_now(rq->worker->loop).us - rq->begun.us);
}
