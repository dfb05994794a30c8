/* server/ledger/alone.c - references beside shares; alone.h says which. */
#include "server/ledger/alone.h"

#include <stdlib.h>

#include "server/ledger/allocation_priv.h"

int64_t
alone_cents(const struct cost_run *run, unsigned member)
{
	const struct region_model *m = run->in.model;
	const struct region_member *rm = &m->members[member];

	if (rm->alone.cents == ALONE_UNKNOWN || run->in.cents <= 0)
		return (ALONE_UNKNOWN);
	return (member_part(rm, m->per, run->period, rm->alone.cents, true));
}

/* Of c(S) = F + sum of v_i the value is F/n + v_i, and alone_i is F + v_i: so
 * it is alone_i less an equal part of what sharing saves. Each times n is a
 * weight, so that cents go as everywhere; n <= 4096 and figures below 2^51. */
bool
alone_shapley(const struct cost_run *run, int64_t *cents_r)
{
	unsigned n = run->in.model->nmembers;
	uint64_t *weights = xcalloc(n, sizeof(*weights));
	int64_t saved = -run->in.cents;
	bool known = run->in.nranges == 1 && run->in.cents > 0;

	for (unsigned i = 0; known && i < n; i++) {
		known = run->result.lines[i].days > 0 &&
		    alone_cents(run, i) < ALONE_UNKNOWN;
		if (known)
			saved += alone_cents(run, i);
	}
	for (unsigned i = 0; known && i < n; i++) {
		int64_t weight = alone_cents(run, i) * (int64_t)n - saved;

		known = weight >= 0;
		weights[i] = known ? (uint64_t)weight : 0;
	}
	if (known)
		apportion(run->in.cents, weights, n,
		    period_turn(run->period), cents_r);
	free(weights);
	return (known);
}

int64_t
untaxed_cents(const struct region *region, struct wall_us day)
{
	struct asked asked = { ASKED_YEAR, calendar_unit(day, PER_YEAR) };
	int64_t sum = 0, cents;
	struct period part;

	for (unsigned i = 0; i < region->ncosts; i++)
		if (region->costs[i].tax == TAX_OUTSIDE &&
		    cost_cents(&region->costs[i], &asked, NULL, &cents, &part))
			sum += cents;
	return (sum);
}
