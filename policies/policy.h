/* policies/policy.h - may this consumer see this provider's data, and what
 * of it? Compiled from a region; pure; never changes (policy.md §3.1).
 *
 * Deny by default: a dataset without a grant is not in any plan; within a
 * grant an attribute without an entry is not released. */
#ifndef HUB_POLICIES_POLICY_H
#define HUB_POLICIES_POLICY_H

#include <limits.h>

#include "policies/crisis.h"
#include "server/ngsild/entity.h"

struct policy_set;

/* What one share block releases of one type. */
struct policy_share {
	const struct region_share *share; /* area, history, delay, system */
	const struct name *type;
	/* open addressing, power of two, by name id; release NULL: not there */
	uint32_t mask;
	const struct policy_attr {
		const struct name *name;
		const struct release *release;
		const struct transform *transform; /* NULL: as it is */
	} *attrs;
};

/* An agreement, or what a crisis adds to it. The latter comes behind all of
 * the former. */
struct policy_grant {
	const struct region_agreement *agreement; /* NULL: the owner itself */
	const struct crisis_event *event; /* NULL: in quiet times */
	struct wall_us from, until;	  /* until is exclusive */
	unsigned bucket; /* of the region's; NO_BUCKET: none is needed */
	unsigned nshares;
	const struct policy_share *shares;
};
#define NO_BUCKET UINT_MAX

/* A crisis lifts the forbids that say so from what it adds, and no others. */
static inline bool
policy_forbid_binds(const struct region_forbid *f, const struct policy_grant *g)
{
	return (g->event == NULL || !f->crisis_override);
}

/* What may be asked of one dataset and how its answer is filtered. */
struct policy_leg {
	const struct region_dataset *dataset;
	bool own; /* the consumer is the provider: everything, no forbid */
	unsigned ngrants;
	const struct policy_grant *const *grants; /* valid at query.at */
	unsigned nforbids;
	const struct region_forbid *const *forbids; /* that bind this leg */
};

struct policy_query {
	const struct tenant *consumer;
	const struct region_purpose *purpose;
	enum region_action action;
	struct wall_us at;
	unsigned ntypes; /* 0: any type granted */
	const struct name *const *types;
	unsigned nids; /* 0: any id; else a dataset must match one of them */
	const struct str *ids;
	struct str id; /* retrieve: the id; else p NULL */
	/* Agreements that were revoked since the set was made: as if there were
	 * none. */
	unsigned nvoid;
	const struct region_agreement *const *voids;
};

/* Signed by both, neither of them suspended, and the provider's own data. Its
 * period is judged by policy_plan. */
bool policy_in_force(const struct region_agreement *);
struct policy_set *policy_compile(const struct region *) HUB_MUST_CHECK;
/* With events (crisis_resolve), which begin and end by the time of a query. */
struct policy_set *policy_compile_crises(const struct region *,
    const struct crisis_event *, unsigned n) HUB_MUST_CHECK;
/* Gives the set's pseudonyms their keys, all made of this one; before the set
 * is used. Without it attributes to be replaced by pseudonyms are dropped. */
void policy_pseudonym_key(struct policy_set *, struct str master);
/* Has the set pseudonyms at all? */
bool policy_has_pseudonyms(const struct policy_set *);
void policy_free(struct policy_set *);

/* Legs in order of dataset index; those whose dataset offers the operation
 * (OP_QUERY, OP_RETRIEVE or OP_QUERY_BATCH, each serves the others), has a
 * requested type that is granted (or owned) and an id pattern that can match.
 * The legs and their lists live in the arena or the set. */
void policy_plan(const struct policy_set *, const struct policy_query *,
    struct arena *, const struct policy_leg **legs_r, unsigned *n_r);

/* The entry of a name, or NULL: not released. */
const struct policy_attr *policy_entry(const struct policy_share *,
    const struct name *);
const struct release *policy_attr(const struct policy_share *,
    const struct name *);

/* Might the consumer see another value than the source holds? Then no
 * predicate on that attribute may be left to the source. */
bool policy_transforms(const struct policy_leg *, const struct name *attr);

/* The forbid that keeps an attribute of that type back from a grant of this
 * leg, or (attr NULL) whole entities of it; NULL: none. */
const struct region_forbid *policy_forbid(const struct policy_leg *,
    const struct policy_grant *, const struct name *type,
    const struct name *attr);

/* Could the view of this dataset have that attribute, going by registration,
 * agreements and forbids, whatever the source holds now? */
bool policy_may_show(const struct policy_leg *, const struct name *attr);

/* The purposes for which a consumer has any valid grant, to choose the only
 * one: NULL when there are none or several (*several_r). A tenant with no
 * grants but own datasets needs none: also NULL, !several. */
const struct region_purpose *policy_only_purpose(const struct policy_set *,
    const struct tenant *consumer, struct wall_us at, bool *several_r);
/* The same by a query's consumer, at and voids. */
const struct region_purpose *policy_query_purpose(const struct policy_set *,
    const struct policy_query *, bool *several_r);

#endif
