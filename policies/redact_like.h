/* policies/redact_like.h - an entity that policy need not judge, since it judged
 * one like it; for redact.c alone.
 *
 * Mostly policy looks at an entity's id, which is judged each time, at its types
 * and at the names of its attributes, and at nothing else: no time, no place,
 * no value that is changed. Then what it released of one entity of an answer it
 * releases of the next one that has the same types and names, and that is kept
 * here, with the names of the request. Whoever judges says whether more was
 * looked at; nothing is kept then. */
#ifndef HUB_POLICIES_REDACT_LIKE_H
#define HUB_POLICIES_REDACT_LIKE_H

#include "policies/policy.h"

/* The types and system members that shares grant: always, for how many of
 * the entity's attributes came along is up to the source. */
struct granted {
	bool types[ENTITY_TYPES_MAX];
	bool scope, created, modified;
};

struct redacted;

/* Sets release and grants of all instances as was judged before, and takes out
 * those of which nothing is released. NULL: it must be judged, and nothing was
 * changed. */
const struct granted *redacted_apply(struct names *, const struct policy_leg *,
    struct entity *) HUB_MUST_CHECK;

/* What was kept before is forgotten. For the entity as it is judged: */
struct redacted *redacted_begin(struct names *, const struct entity *)
    HUB_MUST_CHECK;
/* what is released of its i-th instance (NULL: nothing), for each of them, */
void redacted_note(struct redacted *, unsigned i, const struct instance *);
/* and, unless more than ids, types and names was looked at, the rest: from here
 * on it holds. */
void redacted_keep(struct redacted *, const struct policy_leg *,
    const struct granted *);

#endif
