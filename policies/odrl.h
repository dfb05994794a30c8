/* policies/odrl.h - agreements as ODRL 2.2 policies in JSON-LD, for data spaces
 * to read. Pure; the same region gives the same bytes.
 *
 * An agreement that lacks a signature is an odrl:Offer. What ODRL has no word
 * for (history, delay, transforms, quotas) is said in the hub's own profile;
 * types and attributes are refinements of the target as FIWARE's policies have
 * them. It is an export: what the hub does is said by the region files. */
#ifndef HUB_POLICIES_ODRL_H
#define HUB_POLICIES_ODRL_H

#include "policies/region.h"

/* party: only agreements of this tenant, on either side; NULL: all. */
void odrl_write(const struct region *, const struct tenant *party,
    struct buf *);

#endif
