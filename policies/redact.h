/* policies/redact.h - takes out of an entity what its reader may not see.
 * Runs per source, before merging. Pure. */
#ifndef HUB_POLICIES_REDACT_H
#define HUB_POLICIES_REDACT_H

#include "policies/policy.h"

#define REDACT_GRANTS_MAX 64

struct redact_result {
	uint64_t grants_used; /* bit i: leg->grants[i] released something */
};

/* Leaves in *e what leg releases at that time: types granted, instances
 * allowed (area, history, delay, forbids, expiry), and on each instance its
 * release. false: the entity is not in the view (no id of the dataset, no
 * granted type, no released attribute, outside, forbidden). */
bool redact_entity(const struct policy_leg *, struct entity *e,
    struct wall_us now, struct names *, struct arena *,
    struct redact_result *) HUB_MUST_CHECK;

#endif
