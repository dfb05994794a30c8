/* policies/region_sign.h - signatures under agreements that are not in the
 * region files: what they bind, and which of them count. Pure. */
#ifndef HUB_POLICIES_REGION_SIGN_H
#define HUB_POLICIES_REGION_SIGN_H

#include "policies/region.h"

/* A signature as it is stored. */
struct region_signature {
	struct str agreement, tenant, person;
	unsigned char hash[32]; /* region_agreement_hash when it was given */
};

/* What is signed: all that the agreement says but signed-by, and the borders
 * of its areas. Layout and order say nothing; names count by their IRIs. */
void region_agreement_hash(const struct region_agreement *,
    unsigned char out[32]);

/* Counts signatures together with those of the files: each that is of this
 * very content, of provider or consumer, and not of the person who signed for
 * the other side. To be called once, before the region is compiled or seen by
 * anybody else. */
void region_signatures_apply(struct region *, const struct region_signature *,
    unsigned n);

#endif
