/* server/request_ledger.c - what a spool without room takes from a request,
 * and long answers, whose record is closed when they are sent.
 *
 * Answers are whole in memory before their first byte leaves, so a short one
 * needs a single record. Of a long one (1 MiB and more) the client may take
 * only a part: it is recorded as begun before it leaves, and how much the
 * client took afterwards (ledger.md §4, mode B). */
#include "server/request_priv.h"

#include <stdlib.h>

#include "server/base/log.h"
#include "server/ledger/estimate.h"

#define LONG_BYTES ((size_t)1 << 20)

/* ---- the spool is full */

/* Of all agreements of a leg: what they say of a full ledger, and of answers
 * that were cut off. Own data has no agreement: no. */
static bool
leg_says(const struct policy_leg *pl, size_t offset)
{
	const struct region_agreement *ag;

	if (pl->own || pl->ngrants == 0)
		return (false);
	for (unsigned g = 0; g < pl->ngrants; g++) {
		ag = pl->grants[g]->agreement;
		if (ag == NULL ||
		    !*(const bool *)(const void *)((const char *)ag + offset))
			return (false);
	}
	return (true);
}

static bool
agreements_say(const struct request *rq, size_t offset)
{
	for (unsigned i = 0; i < rq->fanout.n; i++)
		if (!leg_says(rq->fanout.legs[i].policy, offset))
			return (false);
	return (rq->fanout.n > 0);
}

static bool
may_estimate(const struct request *rq)
{
	return (agreements_say(rq,
	    offsetof(struct region_agreement, full_estimate)));
}

bool
ledger_admits(const struct request *rq)
{
	return (rq->fanout.n == 0 ||
	    spool_level(rq->worker->spool) < SPOOL_FULL || may_estimate(rq));
}

/* The records that the spool refused, as one estimate. */
static enum step_next
estimate(struct request *rq)
{
	struct record r = rq->records[0];

	r.kind = RECORD_ACCESS;
	if (rq->job.n > 1) {
		r.agreement = rq->records[1].agreement;
		r.agreement_version = rq->records[1].agreement_version;
		r.dataset = rq->records[1].dataset;
	}
	if (!may_estimate(rq) ||
	    estimates_add(rq->worker->estimates, &r) != HUB_OK)
		return (refuse(rq, PROBLEM_LEDGER_FULL, NULL));
	rq->records[0].kind = RECORD_ESTIMATE; /* none is open */
	return (go(rq, &STEP_ANSWER));
}

enum step_next
ledger_submit(struct request *rq)
{
	bool full = spool_level(rq->worker->spool) >= SPOOL_HIGH;
	struct record *r = &rq->records[0];
	enum hub_err err;

	if (r->bytes_out >= LONG_BYTES) {
		if (full && !may_estimate(rq))
			return (refuse(rq, PROBLEM_LEDGER_FULL, NULL));
		r->kind = RECORD_OPEN;
		r->event_id = uuid7(rq->now);
		if (agreements_say(rq,
			offsetof(struct region_agreement, bill_aborted)))
			r->flags |= RECORD_BILLABLE;
	}
	rq->times.booked = loop_now(rq->worker->loop);
	err = spool_submit(rq->worker->spool, &rq->job);
	if (err == HUB_EFULL)
		return (estimate(rq));
	if (err != HUB_OK)
		return (refuse(rq, PROBLEM_LEDGER_FULL, NULL));
	rq->step = &STEP_DURABLE;
	return (NEXT_WAIT);
}

/* ---- long answers */

/* Lives until its end is on the disk. */
struct long_answer {
	struct worker *worker;
	struct mono_us begun;
	struct record record; /* as it was opened */
	struct spool_job job;
};

static void
on_closed(void *arg)
{
	free(arg);
}

static void
on_sent(void *arg, uint64_t bytes, bool whole)
{
	struct long_answer *la = arg;
	struct record *r = &la->record;

	r->kind = whole ? RECORD_CLOSE : RECORD_ABORT;
	r->event_id = uuid7(clock_wall());
	r->duration_us = (uint32_t)(loop_now(la->worker->loop).us -
	    la->begun.us);
	if (!whole) {
		r->flags |= RECORD_ABORTED;
		r->entities = (uint32_t)(r->entities * bytes / r->bytes_out);
		r->bytes_out = bytes;
	}
	la->job = (struct spool_job){ .records = r,
		.n = 1,
		.loop = la->worker->loop,
		.fn = on_closed,
		.arg = la };
	/* Without room even in the reserve it stays open, and becomes an ABORT
	 * when the spool is opened again. */
	if (spool_submit(la->worker->spool, &la->job) != HUB_OK)
		free(la);
}

void
ledger_watch_sent(struct request *rq)
{
	struct long_answer *la;

	if (rq->records == NULL || rq->records[0].kind != RECORD_OPEN)
		return;
	la = xcalloc(1, sizeof(*la));
	la->worker = rq->worker;
	la->begun = rq->begun;
	la->record = rq->records[0];
	if (rq->exchange == NULL) /* gone while the disk worked */
		on_sent(la, 0, false);
	else
		http_exchange_on_sent(rq->exchange, on_sent, la);
}
