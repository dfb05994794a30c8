/* policies/policy_priv.h - a compiled policy, between compiling and planning.
 *
 * A cell is one consumer with one purpose; a group is what a cell may have of
 * one dataset. Both are sorted, so a plan is one walk over a group list and
 * the list of the consumer's own datasets. */
#ifndef HUB_POLICIES_POLICY_PRIV_H
#define HUB_POLICIES_POLICY_PRIV_H

#include "policies/policy.h"

struct group {
	const struct region_dataset *dataset;
	unsigned ngrants;
	const struct policy_grant *const *grants;
	unsigned nforbids;
	const struct region_forbid *const *forbids;
	/* While from <= at < until and with these actions every grant holds,
	 * and the list above needs no copy. */
	struct wall_us from, until;
	unsigned actions;
};

struct cell {
	const struct region_purpose *purpose;
	unsigned ngroups;
	struct group *groups; /* by dataset index */
};

struct consumer {
	unsigned ncells, nown;
	struct cell *cells; /* by purpose index */
	const struct region_dataset **own;
};

/* A pseudonym that waits for its key. */
struct pseudonym {
	struct pseudonym *next;
	struct transform *transform;
	struct str agreement;
	const struct name *attr;
};

struct policy_set {
	struct arena *arena;
	unsigned nevents;
	const struct crisis_event *events;
	struct pseudonym *pseudonyms;
	unsigned npseudonyms;
	unsigned char *keys; /* PSEUDONYM_KEY_LEN for each; NULL: none */
	unsigned nconsumers;
	struct consumer *consumers; /* by tenant index */
};

/* Where the search for a name begins in a share's table. */
static inline uint32_t
attr_slot(const struct name *name, uint32_t mask)
{
	return ((name->id * UINT32_C(2654435769)) >> 7 & mask);
}

#endif
