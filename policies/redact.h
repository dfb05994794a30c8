/* policies/redact.h - takes out of an entity what its reader may not see.
 * Runs per source, before merging. Pure. */
#ifndef HUB_POLICIES_REDACT_H
#define HUB_POLICIES_REDACT_H

#include "policies/policy.h"

#define REDACT_GRANTS_MAX 64

/* Leaves in *e what leg releases at that time: types granted, instances
 * allowed (area, history, delay, forbids, expiry), changed where only a
 * transform releases them, and on each instance its release and in grants
 * (bit i: leg->grants[i]) which of the grants release it. false: the
 * entity is not in the view (no id of the dataset, no granted type, no
 * released attribute, outside, forbidden). Once arena_is_over nothing more is
 * released: what is left then is of no use. */
bool redact_entity(const struct policy_leg *, struct entity *e,
    struct wall_us now, struct names *, struct arena *) HUB_MUST_CHECK;
/* The same of an evolution (server/ngsild/temporal.h). Each instance stands
 * for itself: history and delay bind its own time (observedAt, else
 * modifiedAt, else createdAt; without one it is not released), and an instance
 * of the location outside is not released, while the rest is if one lies
 * inside. */
bool redact_series(const struct policy_leg *, struct entity *e,
    struct wall_us now, struct names *, struct arena *) HUB_MUST_CHECK;
/* The grants that release any of the instances that are there (yet). */
uint64_t redact_grants(const struct entity *);

#endif
