/* server/ledger/allocation_priv.h - a run of the allocation while it is made.
 * Private to server/ledger/allocation*.c. */
#ifndef HUB_LEDGER_ALLOCATION_PRIV_H
#define HUB_LEDGER_ALLOCATION_PRIV_H

#include "server/ledger/allocation.h"

struct run {
	const struct allocation_input *in;
	struct arena *arena;
	struct allocation_why *why;
	unsigned turn;

	struct allocation_line *lines;
	int64_t *components;
	struct allocation_step *steps;
	unsigned nsteps, cap;
};

void run_note(struct run *, struct allocation_step);

/* allocation_key.c: the weights of a component in a range, for the members
 * listed in who. HUB_ERANGE: *why is filled. */
enum hub_err key_weights(struct run *, unsigned range, unsigned component,
    const unsigned *who, unsigned n, uint64_t *weights_r) HUB_MUST_CHECK;

/* allocation_bound.c: an amount for a year or month in proportion to the days
 * of membership in each, down or up to a cent; a member's minimum and maximum
 * for its days in the period; from raw to share, for the members listed in
 * who. */
int64_t member_part(const struct region_member *, enum cost_per, struct period,
    int64_t cents, bool up);
void member_bounds(const struct region_member *, enum cost_per, struct period,
    struct allocation_line *);
enum hub_err bounds_apply(
    struct run *, const unsigned *who, unsigned n) HUB_MUST_CHECK;

/* allocation_days.c */
struct period period_meet(struct period, struct period);
int64_t period_days(struct period);
bool member_present(const struct region_member *, struct period);

#endif
