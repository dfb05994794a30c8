/* server/ledger/allocation_bound.c - minimum and maximum: the loop of CSS
 * Flexible Box Layout 1, 9.7 ("resolve the flexible lengths"). In each round
 * those are frozen whose side is violated more; a clamp of all at once would
 * freeze members that the next round frees of their violation. */
#include "server/ledger/allocation_priv.h"

int64_t
member_part(const struct region_member *m, enum cost_per per,
    struct period period, int64_t cents, bool up)
{
	struct period days =
	    period_meet(period, (struct period){ m->from, m->to });
	struct wall_us day = days.from;
	int64_t sum = 0;

	while (day.us <= days.to.us) {
		struct period unit = calendar_unit(day, per);
		struct period mine = period_meet(unit, days);
		uint128 n = (uint128)period_days(mine);
		uint128 of = (uint128)period_days(unit);

		sum += (int64_t)(((uint64_t)cents * n + (up ? of - 1 : 0)) /
		    of);
		day.us = unit.to.us + WALL_DAY_US;
	}
	return (sum);
}

/* The minimum down and the maximum up to a cent: so that bounds which can hold
 * for the whole still can for a part. */
void
member_bounds(const struct region_member *m, enum cost_per per,
    struct period period, struct allocation_line *line)
{
	line->minimum = member_part(m, per, period, m->minimum.cents, false);
	if (m->maximum.cents < INT64_MAX)
		line->maximum =
		    member_part(m, per, period, m->maximum.cents, true);
}

/* The members not frozen yet, and what this round gives them. */
struct loop {
	struct run *run;
	unsigned *who, n, round;
	int64_t rest; /* the cost without the frozen */
	uint64_t *weights;
	int64_t *tried;
	int64_t low, high; /* total violations */
};

static void
freeze(
    struct loop *l, unsigned member, int64_t cents, enum allocation_bound bound)
{
	struct allocation_line *line = &l->run->lines[member];

	line->share = cents;
	line->bound = bound;
	l->rest -= cents;
	run_note(l->run, (struct allocation_step){ .did = DID_FREEZE,
			     .member = member,
			     .round = l->round,
			     .bound = bound,
			     .cents = cents });
}

static void
try_round(struct loop *l)
{
	uint64_t sum = 0;

	l->round++;
	l->low = l->high = 0;
	for (unsigned k = 0; k < l->n; k++) {
		l->weights[k] = (uint64_t)l->run->lines[l->who[k]].raw;
		sum |= l->weights[k];
	}
	for (unsigned k = 0; k < l->n && sum == 0; k++)
		l->weights[k] = 1;
	apportion(l->rest, l->weights, l->n, l->run->turn, l->tried);
	for (unsigned k = 0; k < l->n; k++) {
		const struct allocation_line *line = &l->run->lines[l->who[k]];

		if (l->tried[k] < line->minimum)
			l->low += line->minimum - l->tried[k];
		if (l->tried[k] > line->maximum)
			l->high += l->tried[k] - line->maximum;
	}
}

static void
note_round(const struct loop *l)
{
	run_note(l->run, (struct allocation_step){ .did = DID_ROUND,
			     .round = l->round,
			     .cents = l->rest,
			     .low = l->low,
			     .high = l->high });
	for (unsigned k = 0; k < l->n; k++)
		run_note(l->run, (struct allocation_step){ .did = DID_TRY,
				     .member = l->who[k],
				     .round = l->round,
				     .cents = l->tried[k] });
}

/* Equal violations: what is too much here is missing there, so that clamping
 * everybody leaves the sum as it is. */
static void
end_round(struct loop *l)
{
	unsigned kept = 0;

	for (unsigned k = 0; k < l->n; k++) {
		unsigned who = l->who[k];
		const struct allocation_line *line = &l->run->lines[who];

		if (l->tried[k] < line->minimum && l->low >= l->high)
			freeze(l, who, line->minimum, BOUND_MINIMUM);
		else if (l->tried[k] > line->maximum && l->high >= l->low)
			freeze(l, who, line->maximum, BOUND_MAXIMUM);
		else if (l->low == l->high) {
			l->run->lines[who].share = l->tried[k];
			l->rest -= l->tried[k];
		} else
			l->who[kept++] = who;
	}
	l->n = kept;
}

static enum hub_err
check_feasible(struct run *run, const unsigned *who, unsigned n)
{
	int64_t low = 0, high = 0;

	for (unsigned k = 0; k < n; k++) {
		const struct allocation_line *line = &run->lines[who[k]];

		/* 4096 minima of 10^14 cents at most fit; maxima may be none */
		low += line->minimum;
		if (__builtin_add_overflow(high, line->maximum, &high))
			high = INT64_MAX;
	}
	if (low <= run->in->cents && run->in->cents <= high)
		return (HUB_OK);
	*run->why = (struct allocation_why){
		.fault = FAULT_INFEASIBLE, .low = low, .high = high
	};
	return (HUB_ERANGE);
}

enum hub_err
bounds_apply(struct run *run, const unsigned *who, unsigned n)
{
	struct loop l = { .run = run, .n = n, .rest = run->in->cents };
	enum hub_err err = check_feasible(run, who, n);

	if (err != HUB_OK)
		return (err);
	l.who = arena_array(run->arena, n, sizeof(*l.who));
	memcpy(l.who, who, n * sizeof(*who));
	l.weights = arena_array(run->arena, n, sizeof(*l.weights));
	l.tried = arena_array(run->arena, n, sizeof(*l.tried));
	while (l.n > 0) {
		try_round(&l);
		note_round(&l);
		end_round(&l);
	}
	assert(l.rest == 0);
	return (HUB_OK);
}
