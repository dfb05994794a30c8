/* server/base/budget.h - memory that many may fill at the same time, under one
 * ceiling, so that none of them can fill it alone.
 *
 * What is about to be held is taken first and given back later; taking can be
 * refused, and then nothing was taken. A party may not come to hold more than
 * what is left to take: so one that takes all it can gets a half, two get a
 * third each, and always as much as each of them has is left for the others.
 * Threads share budgets and shares, a claim belongs to one. */
#ifndef HUB_BASE_BUDGET_H
#define HUB_BASE_BUDGET_H

#include <stdatomic.h>

#include "server/base/err.h"

struct budget {
	size_t max; /* bytes */
	atomic_size_t used;
};

/* What one party holds, of all its claims. */
struct budget_share {
	atomic_size_t used;
};

/* What one request holds for one party. */
struct budget_claim {
	struct budget *budget;	    /* NULL: only max counts */
	struct budget_share *share; /* may be NULL, too */
	size_t held, max;
};

/* HUB_EFULL: over the claim's own ceiling. HUB_EAGAIN: over what the party may
 * have now. A NULL claim takes anything. */
enum hub_err budget_take(struct budget_claim *, size_t n) HUB_MUST_CHECK;
void budget_give(struct budget_claim *, size_t n);
/* All of it. A zeroed claim is fine. */
void budget_end(struct budget_claim *);

#endif
