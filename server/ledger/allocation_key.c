/* server/ledger/allocation_key.c - the weights by which a component is shared.
 */
#include "server/ledger/allocation_priv.h"

/* Marginal: the first inhabitants weigh as the first tier says, those above
 * it as the second, and so on. At most 10^8 * 10^9. */
static uint64_t
stepdown(const struct region_component *c, uint64_t inhabitants)
{
	uint64_t weight = 0, below = 0;

	for (unsigned t = 0; t < c->ntiers; t++) {
		uint64_t end = c->tiers[t].up_to;

		if (end == 0 || end > inhabitants)
			end = inhabitants;
		if (end > below) {
			weight += (end - below) * c->tiers[t].weight;
			below = end;
		}
	}
	return (weight);
}

/* ---- Shapley */

/* n * lcm(C(n-1, 0) ... C(n-1, n-1)) = lcm(1 ... n): that is the smallest
 * number by which every Shapley value becomes an integer. */
static uint64_t
lcm_to(unsigned n)
{
	uint64_t lcm = 1;

	for (uint64_t i = 2; i <= n; i++) {
		uint64_t a = lcm, b = i;

		while (b != 0) {
			uint64_t rest = a % b;

			a = b;
			b = rest;
		}
		lcm = lcm / a * i;
	}
	return (lcm);
}

static uint64_t
choose(unsigned n, unsigned k)
{
	uint64_t c = 1;

	for (unsigned i = 1; i <= k; i++)
		c = c * (n - k + i) / i;
	return (c);
}

/* The cost of every subset of those present: as declared, else that of its
 * cheapest division, of which one side holds the first member. */
static void
coalition_costs(
    const struct region_component *c, uint32_t present, int64_t *cost)
{
	for (uint32_t s = 0; s <= present; s++)
		cost[s] = s == 0 ? 0 : INT64_MAX;
	for (unsigned i = 0; i < c->ncoalitions; i++)
		if ((c->coalitions[i].members & ~present) == 0)
			cost[c->coalitions[i].members] =
			    c->coalitions[i].amount.cents;
	for (uint32_t s = 1; s <= present; s++) {
		if ((s & ~present) != 0 || cost[s] != INT64_MAX)
			continue;
		for (uint32_t t = (s - 1) & s; t > s - t; t = (t - 1) & s)
			if (cost[t] + cost[s - t] < cost[s])
				cost[s] = cost[t] + cost[s - t];
		assert(cost[s] != INT64_MAX); /* each single one is there */
	}
}

bool
shapley_weights(const struct region_component *c, unsigned nmembers,
    uint32_t present, uint64_t *weights_r)
{
	unsigned n = (unsigned)__builtin_popcount(present);
	uint64_t lcm = lcm_to(n);
	int64_t cost[1 << COST_SHAPLEY_MAX];

	assert(nmembers <= COST_SHAPLEY_MAX);
	coalition_costs(c, present, cost);
	for (unsigned i = 0; i < nmembers; i++) {
		uint32_t bit = UINT32_C(1) << i;
		int64_t value = 0; /* |value| <= 12 * 10^12 * lcm(1..12) */

		weights_r[i] = 0;
		if ((present & bit) == 0)
			continue;
		for (uint32_t s = 0; s <= present; s++) {
			unsigned size = (unsigned)__builtin_popcount(s);

			if ((s & bit) != 0 || (s & ~present) != 0)
				continue;
			value += (cost[s | bit] - cost[s]) *
				 (int64_t)(lcm / (n * choose(n - 1, size)));
		}
		if (value < 0)
			return (false);
		weights_r[i] = (uint64_t)value;
	}
	return (true);
}

/* ---- all keys */

static uint32_t
bits_of(const unsigned *who, unsigned n)
{
	uint32_t bits = 0;

	for (unsigned k = 0; k < n; k++)
		bits |= UINT32_C(1) << who[k];
	return (bits);
}

static enum hub_err
shapley(struct run *run, unsigned range, unsigned component,
    const unsigned *who, unsigned n, uint64_t *weights)
{
	const struct region_model *m = run->in->model;
	uint64_t all[COST_SHAPLEY_MAX];

	if (!shapley_weights(
		&m->components[component], m->nmembers, bits_of(who, n), all)) {
		*run->why = (struct allocation_why){ .fault = FAULT_SHAPLEY,
			.range = range,
			.component = component };
		return (HUB_ERANGE);
	}
	for (unsigned k = 0; k < n; k++)
		weights[k] = all[who[k]];
	return (HUB_OK);
}

static uint64_t
weight_of(const struct run *run, unsigned range,
    const struct region_component *c, enum cost_key key, unsigned member)
{
	size_t at = (size_t)range * run->in->model->nmembers + member;

	switch (key) {
	case KEY_EQUAL:
		return (1);
	case KEY_POPULATION:
		return (c->inhabitants[member]);
	case KEY_USAGE:
		return (run->in->usage[at]);
	case KEY_PREVIOUS_USAGE:
		return (run->in->previous_usage[at]);
	case KEY_STEPDOWN:
		return (stepdown(c, c->inhabitants[member]));
	case KEY_FIXED:
	case KEY_WEIGHTS:
		return (c->given[member]);
	case KEY_SHAPLEY:
		break;
	}
	assert(!"a key without weights");
	return (0);
}

static bool
all_zero(const uint64_t *weights, unsigned n)
{
	for (unsigned k = 0; k < n; k++)
		if (weights[k] != 0)
			return (false);
	return (true);
}

static void
fill(const struct run *run, unsigned range, const struct region_component *c,
    enum cost_key key, const unsigned *who, unsigned n, uint64_t *weights)
{
	for (unsigned k = 0; k < n; k++)
		weights[k] = weight_of(run, range, c, key, who[k]);
}

enum hub_err
key_weights(struct run *run, unsigned range, unsigned component,
    const unsigned *who, unsigned n, uint64_t *weights_r)
{
	const struct region_component *c =
	    &run->in->model->components[component];
	enum hub_err err = HUB_OK;

	if (c->key == KEY_SHAPLEY)
		err = shapley(run, range, component, who, n, weights_r);
	else
		fill(run, range, c, c->key, who, n, weights_r);
	if (err != HUB_OK || !all_zero(weights_r, n))
		return (err);
	if (c->on_zero != ZERO_ERROR) {
		fill(run, range, c,
		    c->on_zero == ZERO_EQUAL ? KEY_EQUAL : KEY_POPULATION, who,
		    n, weights_r);
		run_note(run, (struct allocation_step){ .did = DID_ZERO,
				  .range = range,
				  .component = component });
	}
	if (all_zero(weights_r, n)) {
		*run->why = (struct allocation_why){ .fault = FAULT_ZERO_WEIGHT,
			.range = range,
			.component = component };
		return (HUB_ERANGE);
	}
	return (HUB_OK);
}
