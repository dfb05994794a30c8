/* server/ledger/allocation.c - shares of a cost; allocation.h says what is
 * promised. The keys are in allocation_key.c, minimum and maximum in
 * allocation_bound.c, days in allocation_days.c. */
#include "server/ledger/allocation.h"

#include <stdlib.h>

#include "server/ledger/allocation_priv.h"

/* ---- largest remainder */

struct claim {
	uint128 rest;
	unsigned k, place; /* place in the order of ties */
};

static int
claim_cmp(const void *a, const void *b)
{
	const struct claim *ca = a, *cb = b;

	if (ca->rest != cb->rest)
		return (ca->rest > cb->rest ? -1 : 1);
	return ((ca->place > cb->place) - (ca->place < cb->place));
}

void
apportion(int64_t cents, const uint64_t *weights, unsigned n, unsigned turn,
    int64_t *shares_r)
{
	uint64_t amount = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;
	struct claim *claims = xcalloc(n, sizeof(*claims));
	uint64_t missing = amount;
	uint128 sum = 0;

	assert(n > 0 && n <= ALLOCATION_MEMBERS_MAX);
	for (unsigned k = 0; k < n; k++) {
		assert(weights[k] <= INT64_MAX);
		sum += weights[k]; /* < 2^75 */
	}
	assert(sum > 0 && amount <= (uint64_t)MONEY_MAX_CENTS);
	for (unsigned k = 0; k < n; k++) {
		uint128 product = (uint128)amount * weights[k]; /* < 2^103 */

		shares_r[k] = (int64_t)(product / sum);
		missing -= (uint64_t)shares_r[k];
		claims[k] =
		    (struct claim){ product % sum, k, (k + n - turn % n) % n };
	}
	qsort(claims, n, sizeof(*claims), claim_cmp);
	/* The remainders sum to missing * sum and each is below sum: more than
	 * missing of them are not 0, or none is. */
	assert(missing < n);
	for (unsigned i = 0; i < missing; i++)
		shares_r[claims[i].k]++;
	for (unsigned k = 0; k < n && cents < 0; k++)
		shares_r[k] = -shares_r[k];
	free(claims);
}

int64_t
instalment(int64_t share, unsigned month)
{
	int64_t amount = share < 0 ? -share : share, paid;

	assert(month >= 1 && month <= 12);
	paid =
	    amount * (int64_t)month / 12 - amount * (int64_t)(month - 1) / 12;
	return (share < 0 ? -paid : paid);
}

/* ---- a run */

void
run_note(struct run *run, struct allocation_step step)
{
	struct allocation_step *bigger;

	if (run->nsteps == run->cap) {
		run->cap = run->cap * 2 + 64;
		bigger = arena_array(run->arena, run->cap, sizeof(*bigger));
		if (run->nsteps > 0)
			memcpy(
			    bigger, run->steps, run->nsteps * sizeof(*bigger));
		run->steps = bigger;
	}
	run->steps[run->nsteps++] = step;
}

/* The members who take part in all days of a range. */
static unsigned
members_in(const struct run *run, struct period range, unsigned *who)
{
	const struct region_model *m = run->in->model;
	unsigned n = 0;

	for (unsigned i = 0; i < m->nmembers; i++)
		if (member_present(&m->members[i], range))
			who[n++] = i;
	return (n);
}

static enum hub_err
share_component(struct run *run, unsigned range, unsigned component,
    int64_t cents, const unsigned *who, unsigned n)
{
	uint64_t *weights = arena_array(run->arena, n, sizeof(*weights));
	int64_t *shares = arena_array(run->arena, n, sizeof(*shares));
	enum hub_err err;
	uint128 sum = 0;

	run_note(run,
	    (struct allocation_step){ .did = DID_COMPONENT,
		.range = range,
		.component = component,
		.weight = run->in->model->components[component].basis_points,
		.sum = 10000,
		.cents = cents });
	run->components[component] += cents;
	/* A component of nothing needs no weights. */
	if (cents == 0)
		return (HUB_OK);
	err = key_weights(run, range, component, who, n, weights);
	if (err != HUB_OK)
		return (err);
	apportion(cents, weights, n, run->turn, shares);
	for (unsigned k = 0; k < n; k++)
		sum += weights[k];
	for (unsigned k = 0; k < n; k++) {
		struct allocation_line *line = &run->lines[who[k]];

		line->parts[component] += shares[k];
		run_note(run, (struct allocation_step){ .did = DID_PART,
				  .range = range,
				  .component = component,
				  .member = who[k],
				  .weight = weights[k],
				  .sum = sum,
				  .cents = shares[k] });
	}
	return (HUB_OK);
}

/* cents by basis points, in order of the file. */
static void
component_cents(const struct run *run, int64_t cents, int64_t *parts_r)
{
	const struct region_model *m = run->in->model;
	uint64_t points[COST_COMPONENTS_MAX];

	for (unsigned c = 0; c < m->ncomponents; c++)
		points[c] = m->components[c].basis_points;
	apportion(cents, points, m->ncomponents, 0, parts_r);
}

static enum hub_err
share_range(struct run *run, unsigned range, int64_t cents)
{
	const struct region_model *m = run->in->model;
	unsigned *who =
	    arena_array(run->arena, m->nmembers + (size_t)1, sizeof(*who));
	unsigned n = members_in(run, run->in->ranges[range], who);
	int64_t parts[COST_COMPONENTS_MAX];
	enum hub_err err = HUB_OK;

	run_note(
	    run, (struct allocation_step){ .did = DID_RANGE,
		     .range = range,
		     .weight = (uint64_t)period_days(run->in->ranges[range]),
		     .sum = (uint128)period_days(run->in->period),
		     .cents = cents });
	if (n == 0) {
		*run->why = (struct allocation_why){ .fault = FAULT_NO_MEMBER,
			.range = range };
		return (HUB_ERANGE);
	}
	component_cents(run, cents, parts);
	for (unsigned c = 0; c < m->ncomponents && err == HUB_OK; c++)
		err = share_component(run, range, c, parts[c], who, n);
	return (err);
}

/* Fixed amounts are those of the whole cost. */
static enum hub_err
check_fixed(struct run *run)
{
	const struct region_model *m = run->in->model;
	int64_t parts[COST_COMPONENTS_MAX];

	component_cents(run, run->in->whole, parts);
	for (unsigned c = 0; c < m->ncomponents; c++) {
		int64_t sum = 0;

		if (m->components[c].key != KEY_FIXED)
			continue;
		for (unsigned i = 0; i < m->nmembers; i++)
			sum += (int64_t)m->components[c].given[i];
		if (sum == (parts[c] < 0 ? -parts[c] : parts[c]))
			continue;
		*run->why = (struct allocation_why){ .fault = FAULT_FIXED,
			.component = c,
			.low = sum,
			.high = parts[c] };
		return (HUB_ERANGE);
	}
	return (HUB_OK);
}

static enum hub_err
share_ranges(struct run *run)
{
	const struct allocation_input *in = run->in;
	uint64_t *days = arena_array(run->arena, in->nranges, sizeof(*days));
	int64_t *parts = arena_array(run->arena, in->nranges, sizeof(*parts));
	enum hub_err err = HUB_OK;

	for (unsigned r = 0; r < in->nranges; r++)
		days[r] = (uint64_t)period_days(in->ranges[r]);
	apportion(in->cents, days, in->nranges, 0, parts);
	for (unsigned r = 0; r < in->nranges && err == HUB_OK; r++)
		err = share_range(run, r, parts[r]);
	return (err);
}

/* ---- from parts to shares */

static void
sum_parts(struct run *run)
{
	const struct allocation_input *in = run->in;

	for (unsigned i = 0; i < in->model->nmembers; i++) {
		struct allocation_line *line = &run->lines[i];

		for (unsigned r = 0; r < in->nranges; r++)
			if (member_present(
				&in->model->members[i], in->ranges[r]))
				line->days +=
				    (unsigned)period_days(in->ranges[r]);
		for (unsigned c = 0; c < in->model->ncomponents; c++)
			line->raw += line->parts[c];
		line->share = line->raw;
		if (line->days > 0)
			run_note(run, (struct allocation_step){ .did = DID_RAW,
					  .member = i,
					  .cents = line->raw });
	}
}

static enum hub_err
bound_shares(struct run *run)
{
	const struct region_model *m = run->in->model;
	unsigned *who =
	    arena_array(run->arena, m->nmembers + (size_t)1, sizeof(*who));
	unsigned n = 0;

	/* Credits follow the run that they correct; nothing is nothing. */
	if (!run->in->bounds || !m->bounded || run->in->cents <= 0)
		return (HUB_OK);
	for (unsigned i = 0; i < m->nmembers; i++)
		if (run->lines[i].days > 0) {
			member_bounds(&m->members[i], m->per, run->in->period,
			    &run->lines[i]);
			who[n++] = i;
		}
	return (bounds_apply(run, who, n));
}

static struct allocation_line *
lines_new(const struct region_model *m, struct arena *a)
{
	struct allocation_line *v =
	    arena_array(a, m->nmembers + (size_t)1, sizeof(*v));

	for (unsigned i = 0; i < m->nmembers; i++) {
		v[i].parts = arena_array(
		    a, m->ncomponents + (size_t)1, sizeof(*v[i].parts));
		v[i].maximum = INT64_MAX;
	}
	return (v);
}

enum hub_err
allocate(const struct allocation_input *in, struct arena *a,
    struct allocation *allocation_r, struct allocation_why *why)
{
	const struct region_model *m = in->model;
	struct run run = { .in = in, .arena = a, .why = why };
	enum hub_err err;

	*why = (struct allocation_why){ .fault = FAULT_NONE };
	run.turn = period_turn(in->period);
	run.lines = lines_new(m, a);
	run.components =
	    arena_array(a, m->ncomponents + (size_t)1, sizeof(*run.components));
	if ((err = check_fixed(&run)) != HUB_OK ||
	    (err = share_ranges(&run)) != HUB_OK)
		return (err);
	sum_parts(&run);
	if ((err = bound_shares(&run)) != HUB_OK)
		return (err);
	for (unsigned i = 0; i < m->nmembers; i++)
		if (run.lines[i].days > 0)
			run_note(
			    &run, (struct allocation_step){ .did = DID_SHARE,
				      .member = i,
				      .bound = run.lines[i].bound,
				      .cents = run.lines[i].share });
	*allocation_r = (struct allocation){ m->ncomponents, m->nmembers,
		run.nsteps, run.components, run.lines, run.steps };
	return (HUB_OK);
}
