/* server/hubverify/shares_split.c - the arithmetic of shares; see shares.h. */
#include "server/hubverify/shares.h"

#include <stdlib.h>

void *
zeros(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p == NULL)
		abort();
	return (p);
}

struct rest {
	wide rest;
	size_t k, place;
};

static int
by_claim(const void *pa, const void *pb)
{
	const struct rest *a = pa, *b = pb;

	if (a->rest != b->rest)
		return (a->rest > b->rest ? -1 : 1);
	return (a->place < b->place ? -1 : a->place > b->place);
}

bool
split(int64_t cents, const uint64_t *weights, size_t n, unsigned turn,
    int64_t *out)
{
	wide amount = (wide)(cents < 0 ? -cents : cents), sum = 0, given = 0;
	struct rest *rests;

	for (size_t k = 0; k < n; k++)
		sum += weights[k]; /* < 2^75 */
	if (sum == 0)
		return (false);
	rests = zeros(n, sizeof(*rests));
	for (size_t k = 0; k < n; k++) {
		wide product = amount * weights[k]; /* < 2^103 */

		out[k] = (int64_t)(product / sum);
		given += product / sum;
		rests[k] = (struct rest){ product % sum, k,
			(k + n - turn % n) % n };
	}
	qsort(rests, n, sizeof(*rests), by_claim);
	for (size_t i = 0; given < amount; i++, given++)
		out[rests[i].k]++; /* fewer than n are missing */
	for (size_t k = 0; k < n && cents < 0; k++)
		out[k] = -out[k];
	free(rests);
	return (true);
}

int64_t
twelfth(int64_t share, unsigned month)
{
	int64_t m = month, amount = share < 0 ? -share : share;
	int64_t paid = amount * m / 12 - amount * (m - 1) / 12;

	return (share < 0 ? -paid : paid);
}

int64_t
tax_of(int64_t net, unsigned percent)
{
	int64_t amount = net < 0 ? -net : net, tax;

	tax = (2 * amount * percent + 100) / 200;
	return (net < 0 ? -tax : tax);
}

uint64_t
tiers_weigh(const struct tier *tiers, size_t n, uint64_t inhabitants)
{
	uint64_t weight = 0, done = 0;

	for (size_t i = 0; i < n && done < inhabitants; i++) {
		uint64_t end = tiers[i].to;

		if (end == 0 || end > inhabitants)
			end = inhabitants;
		if (end <= done)
			continue;
		weight += (end - done) * tiers[i].weight;
		done = end;
	}
	return (weight);
}

/* What is not declared costs what its cheapest division costs. */
static bool
fill_costs(int64_t *cost, unsigned n)
{
	cost[0] = 0;
	for (unsigned s = 1; s < 1U << n; s++) {
		unsigned first = s & -s;

		if (cost[s] >= 0)
			continue;
		if (s == first)
			return (false);
		/* The part without the first member, each once. */
		for (unsigned t = s & (s - 1); t != 0;
		    t = (t - 1) & (s & (s - 1)))
			if (cost[s] < 0 || cost[t] + cost[s & ~t] < cost[s])
				cost[s] = cost[t] + cost[s & ~t];
	}
	return (true);
}

bool
shapley(int64_t *cost, unsigned n, uint64_t *out)
{
	/* (size)! (n - 1 - size)! of n!, all divided by what they have in
	 * common, so that a value is at most 12 * 10^12 * 27720. */
	uint64_t factor[SHAPLEY_MAX], factorial[SHAPLEY_MAX + 1] = { 1 };
	uint64_t common = 0;

	if (!fill_costs(cost, n))
		return (false);
	for (unsigned i = 1; i <= n; i++)
		factorial[i] = factorial[i - 1] * i;
	for (unsigned i = 0; i < n; i++) {
		uint64_t b = common, rest;

		factor[i] = factorial[i] * factorial[n - 1 - i];
		for (common = factor[i]; b != 0; b = rest) {
			rest = common % b;
			common = b;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		__int128 value = 0;

		for (unsigned s = 0; s < 1U << n; s++)
			if ((s & 1U << i) == 0)
				value += (__int128)(cost[s |
				    1U << i] - cost[s]) *
				    (int64_t)(factor[__builtin_popcount(s)] /
					common);
		if (value < 0 || value > INT64_MAX)
			return (false);
		out[i] = (uint64_t)value;
	}
	return (true);
}
