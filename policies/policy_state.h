/* policies/policy_state.h - how an agreement stands at a time. Pure. */
#ifndef HUB_POLICIES_POLICY_STATE_H
#define HUB_POLICIES_POLICY_STATE_H

#include "policies/policy.h"
#include "policies/region_words.h"

enum policy_state {
	STATE_DRAFT = 0,  /* a signature is missing: shares nothing */
	STATE_SUSPENDED,  /* one of the two is */
	STATE_NOT_YET,	  /* its first day is to come */
	STATE_EXPIRED,
	STATE_NOT_SERVED, /* signed and valid, but the dataset offers none of
			     its actions */
	STATE_IN_FORCE,
	STATE_MAX
};

enum policy_state policy_state(const struct policy_set *,
    const struct region_agreement *, struct wall_us at, struct arena *);
/* "draft", "Entwurf"; the word for programs is the English one. */
struct both policy_state_words(enum policy_state);

#endif
