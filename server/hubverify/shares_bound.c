/* server/hubverify/shares_bound.c - minimum and maximum, round for round
 * (ledger.md, 6, 5); see shares.h. */
#include "server/hubverify/shares.h"

#include <jansson.h>
#include <stdlib.h>

struct loop {
	int64_t *low, *high; /* by member */
	size_t n, *who;
	int64_t rest, *tried;
	int64_t below, above;
	unsigned round;
};

/* Bounds that are not said can be seen where they were reached. */
static void
find_bounds(struct again *a, struct loop *l)
{
	const struct run *r = a->r;

	for (size_t i = 0; i < r->nmembers; i++) {
		l->low[i] = r->members[i].minimum;
		l->high[i] = r->members[i].maximum;
	}
	if (r->members[0].bounds_said)
		return;
	a->task->no_bounds++;
	for (size_t i = a->at; i < json_array_size(r->trace); i++) {
		const json_t *o = json_array_get(r->trace, i);
		const char *name = json_string_value(json_object_get(o,
		    "tenant"));
		const json_t *v = json_object_get(o, "cents");
		size_t m = name == NULL ? r->nmembers : run_member(r, name);

		if (!step_text(o, "step", "freeze") || m == r->nmembers ||
		    !json_is_integer(v) || json_integer_value(v) < 0 ||
		    json_integer_value(v) > CENTS_MAX)
			continue;
		if (step_text(o, "bound", "minimum"))
			l->low[m] = json_integer_value(v);
		else
			l->high[m] = json_integer_value(v);
	}
}

static void
sum_violations(const struct loop *l, int64_t *below, int64_t *above)
{
	*below = *above = 0;
	for (size_t k = 0; k < l->n; k++) {
		size_t i = l->who[k];

		if (l->tried[k] < l->low[i])
			*below += l->low[i] - l->tried[k];
		if (l->tried[k] > l->high[i])
			*above += l->tried[k] - l->high[i];
	}
}

/* What the round says is missing and too much. Where bounds are not said it
 * may know of more violations than can be seen, but only of those of the side
 * that is not frozen now. */
static void
read_round(struct again *a, struct loop *l)
{
	const json_t *o = step_next(a, "round");
	const json_t *below = json_object_get(o, "below_cents");
	const json_t *above = json_object_get(o, "above_cents");
	bool said = a->r->members[0].bounds_said;
	int64_t low, high;

	if (o == NULL)
		return;
	sum_violations(l, &low, &high);
	l->below = json_is_integer(below) ? json_integer_value(below) : -1;
	l->above = json_is_integer(above) ? json_integer_value(above) : -1;
	if (!step_number(o, "round", l->round))
		step_lost(a);
	step_cents(a, o, l->rest);
	if (l->below < low || l->above < high ||
	    ((said || l->below >= l->above) && l->below != low) ||
	    ((said || l->above >= l->below) && l->above != high))
		step_wrong(a, "was unter den Mindest- oder über den "
		    "Höchstbeträgen liegt, stimmt nicht", "what is below the "
		    "minima or above the maxima is wrong");
	if (said || a->off) {
		l->below = low;
		l->above = high;
	}
}

static void
try_round(struct again *a, struct loop *l)
{
	uint64_t *weights = zeros(l->n, sizeof(*weights));
	uint64_t any = 0;

	for (size_t k = 0; k < l->n; k++) {
		for (size_t c = 0; c < a->r->ncomponents; c++)
			weights[k] += (uint64_t)a->parts[l->who[k] *
			    a->r->ncomponents + c];
		any |= weights[k];
	}
	for (size_t k = 0; k < l->n && any == 0; k++)
		weights[k] = 1;
	(void)split(l->rest, weights, l->n, a->turn, l->tried);
	free(weights);
	read_round(a, l);
	for (size_t k = 0; k < l->n && !a->lost; k++) {
		const json_t *o = step_next(a, "attempt");

		if (o == NULL)
			break;
		if (!step_text(o, "tenant", a->r->members[l->who[k]].tenant) ||
		    !step_number(o, "round", l->round))
			step_lost(a);
		step_cents(a, o, l->tried[k]);
	}
}

static void
freeze(struct again *a, struct loop *l, size_t i, enum limit side)
{
	const json_t *o = step_next(a, "freeze");
	int64_t cents = side == LIMIT_MINIMUM ? l->low[i] : l->high[i];

	a->shares[i] = cents;
	a->sides[i] = side;
	l->rest -= cents;
	if (o == NULL)
		return;
	if (!step_text(o, "tenant", a->r->members[i].tenant) ||
	    !step_number(o, "round", l->round) || !step_text(o, "bound",
		side == LIMIT_MINIMUM ? "minimum" : "maximum"))
		step_lost(a);
	step_cents(a, o, cents);
}

static void
end_round(struct again *a, struct loop *l)
{
	int64_t below = l->below, above = l->above;
	size_t kept = 0;

	for (size_t k = 0; k < l->n && !a->lost; k++) {
		size_t i = l->who[k];

		if (l->tried[k] < l->low[i] && below >= above)
			freeze(a, l, i, LIMIT_MINIMUM);
		else if (l->tried[k] > l->high[i] && above >= below)
			freeze(a, l, i, LIMIT_MAXIMUM);
		else if (below == above) {
			a->shares[i] = l->tried[k];
			l->rest -= l->tried[k];
		} else
			l->who[kept++] = i;
	}
	/* A round that freezes nobody would come again for ever. */
	if (kept == l->n || l->rest < 0 || (kept == 0 && l->rest != 0))
		step_lost(a);
	l->n = kept;
}

void
bounds_make(struct again *a)
{
	size_t n = a->r->nmembers;
	struct loop l = { .low = zeros(n, sizeof(int64_t)),
		.high = zeros(n, sizeof(int64_t)), .n = n,
		.who = zeros(n, sizeof(size_t)), .rest = a->r->cents,
		.tried = zeros(n, sizeof(int64_t)), .round = 1 };

	for (size_t i = 0; i < n; i++)
		l.who[i] = i;
	find_bounds(a, &l);
	for (; l.n > 0 && !a->lost; l.round++) {
		try_round(a, &l);
		if (!a->lost)
			end_round(a, &l);
	}
	free(l.low);
	free(l.high);
	free(l.who);
	free(l.tried);
}
