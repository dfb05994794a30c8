/* server/request_quota.c - what agreements let a consumer ask in a time
 * (policy.md §9): each that the plan uses gives one token, and of one that is
 * spent nothing is asked. */
#include "server/request_priv.h"

/* One bucket that the plan has looked into. */
struct quota_use {
	const struct policy_grant *grant;
	bool taken;
	struct quota_state state;
};

struct quota_uses {
	unsigned n, max;
	struct quota_use v[];
};

static struct quota *
bucket_of(const struct request *rq, const struct policy_grant *grant)
{
	return (rq->snapshot->buckets[grant->bucket]);
}

/* An agreement and what a crisis adds to it may have one bucket: then it is
 * looked into once. */
static bool
take(struct request *rq, const struct policy_grant *grant)
{
	struct quota_uses *u = rq->quotas;
	struct quota_use *use;

	if (grant->bucket == NO_BUCKET)
		return (true);
	for (unsigned i = 0; i < u->n; i++)
		if (u->v[i].grant->bucket == grant->bucket)
			return (u->v[i].taken);
	assert(u->n < u->max);
	use = &u->v[u->n++];
	use->grant = grant;
	use->taken = quota_take(bucket_of(rq, grant),
	    loop_now(rq->worker->loop), &use->state);
	return (use->taken);
}

static bool
has_agreement(const struct policy_grant *const *grants, unsigned n,
    const struct region_agreement *ag)
{
	for (unsigned i = 0; i < n; i++)
		if (grants[i]->agreement == ag)
			return (true);
	return (false);
}

/* Leaves in the leg what is not spent. Without any it stays in the plan, since
 * what an exclusive source owns does not change by asking often. */
static void
charge(struct request *rq, struct leg *leg)
{
	const struct policy_leg *pl = leg->policy;
	const struct policy_grant **left = arena_array(rq->arena, pl->ngrants,
	    sizeof(*left));
	struct policy_leg *less;
	unsigned n = 0;

	for (unsigned g = 0; g < pl->ngrants; g++)
		if (take(rq, pl->grants[g]))
			left[n++] = pl->grants[g];
	if (n == pl->ngrants)
		return;
	for (unsigned g = 0; g < pl->ngrants; g++)
		leg->spent |= !has_agreement(left, n, pl->grants[g]->agreement);
	leg->withheld = n == 0 && !pl->own;
	if (leg->withheld)
		return;
	less = arena_alloc(rq->arena, sizeof(*less));
	*less = *pl;
	less->grants = left;
	less->ngrants = n;
	leg->policy = leg->ask.leg = less;
}

static bool
has_bucket(const struct policy_leg *pl)
{
	for (unsigned g = 0; g < pl->ngrants; g++)
		if (pl->grants[g]->bucket != NO_BUCKET)
			return (true);
	return (false);
}

static unsigned
count_grants(const struct fanout *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++)
		n += f->legs[i].policy->ngrants;
	return (n);
}

/* Nothing is asked: what was taken is given back. After the first token that
 * comes, or (all needed) after the last one. */
static void
give_back(struct request *rq, bool all)
{
	const struct quota_uses *u = rq->quotas;
	int64_t wait = -1, us;

	for (unsigned i = 0; i < u->n; i++) {
		us = u->v[i].state.next_us;
		if (u->v[i].taken)
			quota_give(bucket_of(rq, u->v[i].grant));
		else if (wait < 0 || (all ? us > wait : us < wait))
			wait = us;
	}
	rq->retry_after = wait > 0 ? (uint32_t)((wait + 999999) / 1000000) : 1;
}

bool
quota_admit(struct request *rq)
{
	struct fanout *f = &rq->fanout;
	bool all = rq->strict || rq->identity.tenant->failed_sources_error;
	unsigned spent = 0, withheld = 0, max = 0;

	for (unsigned i = 0; i < f->n && max == 0; i++)
		max = has_bucket(f->legs[i].policy) ? count_grants(f) : 0;
	if (max == 0)
		return (true);
	rq->quotas = arena_alloc(rq->arena, sizeof(*rq->quotas) +
	    max * sizeof(rq->quotas->v[0]));
	rq->quotas->max = max;
	for (unsigned i = 0; i < f->n; i++) {
		if (!f->legs[i].unconfirmed)
			charge(rq, &f->legs[i]);
		spent += f->legs[i].spent;
		withheld += f->legs[i].withheld;
	}
	if (withheld < f->n && (spent == 0 || !all))
		return (true);
	give_back(rq, all);
	return (false);
}

/* A policy is named by its agreement; what a crisis gives has its own. */
static void
add_name(const struct policy_grant *g, struct buf *b)
{
	buf_addc(b, '"');
	buf_adds(b, g->agreement->name);
	if (g->event != NULL)
		buf_addf(b, " crisis %lld", (long long)g->event->id);
	buf_addc(b, '"');
}

/* draft-ietf-httpapi-ratelimit-headers-10: lists of structured fields. r is
 * what is left, t the seconds until there is more. */
void
quota_fields(const struct request *rq, struct buf *b)
{
	const struct quota_uses *u = rq->quotas;
	const struct quota_rate *rate;

	if (u == NULL)
		return;
	for (unsigned i = 0; i < u->n; i++) {
		buf_adds(b, i == 0 ? STR("RateLimit-Policy: ") : STR(", "));
		add_name(u->v[i].grant, b);
		rate = quota_rate(bucket_of(rq, u->v[i].grant));
		buf_addf(b, ";q=%u;w=%u", rate->count, rate->window_s);
	}
	for (unsigned i = 0; i < u->n; i++) {
		buf_adds(b, i == 0 ? STR("\r\nRateLimit: ") : STR(", "));
		add_name(u->v[i].grant, b);
		buf_addf(b, ";r=%u;t=%lld", u->v[i].state.left,
		    (long long)((u->v[i].state.next_us + 999999) / 1000000));
	}
	BUF_LIT(b, "\r\n");
}
