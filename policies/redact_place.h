/* policies/redact_place.h - the places of a share; for redact.c alone.
 *
 * Every vertex of a location must lie in one of the areas (the border belongs to
 * them), and in none of the areas outside which it must be. */
#ifndef HUB_POLICIES_REDACT_PLACE_H
#define HUB_POLICIES_REDACT_PLACE_H

#include "policies/policy.h"

/* Does the share name no place? Then no location is looked at. */
bool place_is_any(const struct region_share *);
/* Does the instance say where it is, and is all of that in the share's places?
 * False once arena_is_over. */
bool place_holds(const struct region_share *, const struct instance *,
    struct arena *);

#endif
