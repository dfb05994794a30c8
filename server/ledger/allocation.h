/* server/ledger/allocation.h - shares of a cost, to the cent (ledger.md §6).
 *
 * Pure: a model and figures in, shares and a trace out. Integers only; the
 * shares always sum to the cost. Days are midnight UTC as in region files.
 *
 * A run goes like this: the cost is divided among ranges of days with the same
 * members, each part among the components, each of these by its key; what a
 * member got of all is bounded once. Every division is apportion(). */
#ifndef HUB_LEDGER_ALLOCATION_H
#define HUB_LEDGER_ALLOCATION_H

#include "policies/region_cost.h"
#include "server/base/arena.h"

#define ALLOCATION_MEMBERS_MAX 4096

__extension__ typedef unsigned __int128 uint128;

/* Largest remainder (Hare-Niemeyer): cents among n weights below 2^63, of
 * which at least one is not 0. |cents| <= 10^12. Of equal remainders that of
 * the smallest (k - turn) mod n gets the cent; turn rotates who that is. A
 * weight of 0 gets nothing. */
void apportion(int64_t cents, const uint64_t *weights, unsigned n,
    unsigned turn, int64_t *shares_r);
/* What month 1..12 pays of a yearly share; twelve of them are the share. */
int64_t instalment(int64_t share, unsigned month);

/* Days of a period, both included. */
struct period {
	struct wall_us from, to;
};
/* The part of a cost that falls into a period: equal months where the cost has
 * only whole ones, else by days; then the parts of the months that begin in
 * the period. False: none does. *part_r are the days of the cost in it. */
bool cost_part(int64_t cents, struct period cost, struct period asked,
    int64_t *cents_r, struct period *part_r) HUB_MUST_CHECK;
/* The calendar year or month that a day is in. */
struct period calendar_unit(struct wall_us day, enum cost_per);
/* 12 * year + month - 1 of its first day. */
unsigned period_turn(struct period);

/* Ranges of a period in which the same members take part, in order; at most
 * 2 * members + 1. */
unsigned model_ranges(const struct region_model *, struct period,
    struct arena *, struct period **ranges_r);

struct allocation_input {
	const struct region_model *model;
	struct period period;
	int64_t cents; /* of the period; negative: a credit, never bounded */
	int64_t whole; /* of the whole cost, by which fixed amounts are set */
	bool bounds;   /* apply minimum and maximum */
	unsigned nranges; /* of model_ranges */
	const struct period *ranges;
	/* Thousandths of units, by [range * nmembers + member]; NULL where no
	 * component asks for it. */
	const uint64_t *usage, *previous_usage;
};

enum allocation_bound { BOUND_NONE, BOUND_MINIMUM, BOUND_MAXIMUM };

struct allocation_line {
	unsigned days;            /* of membership in the period */
	int64_t *parts;           /* one per component, cents */
	int64_t raw;              /* their sum */
	int64_t minimum, maximum; /* as applied; 0 and INT64_MAX: none */
	enum allocation_bound bound;
	int64_t share;
};

/* What was done, in order; with each, which fields of the step say so. */
enum allocation_did {
	DID_RANGE,     /* range: cents for days */
	DID_COMPONENT, /* component of a range: cents by weight of 10000 */
	DID_ZERO,      /* all weights were 0: on_zero took their place */
	DID_PART,      /* member: weight of sum gives cents */
	DID_RAW,       /* member: cents before bounds */
	DID_ROUND,     /* cents to divide, of which low is missing to minima and
			* high is above maxima */
	DID_TRY,       /* member: cents of this round */
	DID_FREEZE,    /* member: cents are its bound */
	DID_SHARE      /* member: cents */
};
struct allocation_step {
	enum allocation_did did;
	unsigned range, component, member, round; /* round from 1 */
	enum allocation_bound bound;
	uint64_t weight;
	uint128 sum;
	int64_t cents, low, high;
};

struct allocation {
	unsigned ncomponents, nmembers, nsteps;
	const int64_t *components;           /* cents of each, all ranges */
	const struct allocation_line *lines; /* one per member */
	const struct allocation_step *steps;
};

enum allocation_fault {
	FAULT_NONE,
	FAULT_ZERO_WEIGHT, /* LEDGER_ZERO_WEIGHT: and on-zero is error */
	FAULT_INFEASIBLE,  /* LEDGER_INFEASIBLE: the bounds cannot hold */
	FAULT_FIXED,       /* fixed amounts are not the component */
	FAULT_SHAPLEY,     /* a Shapley value is below zero */
	FAULT_NO_MEMBER    /* days on which nobody is a member */
};
struct allocation_why {
	enum allocation_fault fault;
	unsigned range, component;
	int64_t low, high; /* sums of minima and maxima; of FAULT_FIXED: the
			    * fixed sum and the component */
};

/* HUB_ERANGE and *why, or all of *allocation_r in the arena. */
enum hub_err allocate(const struct allocation_input *, struct arena *,
    struct allocation *allocation_r, struct allocation_why *why) HUB_MUST_CHECK;

/* The weights of a key for the members of a range (bits as in present); for
 * tests. */
bool shapley_weights(const struct region_component *, unsigned nmembers,
    uint32_t present, uint64_t *weights_r) HUB_MUST_CHECK;

#endif
