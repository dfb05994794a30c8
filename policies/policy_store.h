/* policies/policy_store.h - bundles in PostgreSQL: immutable, numbered,
 * hashed sets of region files, and the head that names the one in force. */
#ifndef HUB_POLICIES_POLICY_STORE_H
#define HUB_POLICIES_POLICY_STORE_H

#include "policies/region_diff.h"
#include "server/base/hash.h"
#include "sql/db.h"

#define POLICY_CHANNEL "hub_policy"

struct bundle_head {
	int64_t bundle; /* 0: none yet */
	int64_t epoch;
};

enum hub_err bundle_head_get(struct db *, struct bundle_head *) HUB_MUST_CHECK;
/* What a bundle says, for those who read the database: which datasets there
 * are, which agreements, and what changes. */
struct bundle_facts {
	const struct region *region;
	bool widens;
	unsigned nchanges; /* none of the first bundle: everything is new */
	const struct region_change *changes;
};

/* Stores the files as a new bundle and makes it the head, in one transaction
 * with compare-and-swap on the epoch that the caller has seen: another one by
 * now is HUB_ECONFLICT. Same hash as the head's: HUB_EEXIST, *bundle_r is the
 * head. NOTIFY comes from the database. */
enum hub_err bundle_apply(struct db *, const struct region_file *, unsigned n,
    const struct bundle_facts *, const char *by, const char *note,
    int64_t seen_epoch, int64_t *bundle_r) HUB_MUST_CHECK;
/* The bundle behind which it was applied; 0: none, it was the first. */
enum hub_err bundle_parent(struct db *, int64_t bundle, int64_t *parent_r)
    HUB_MUST_CHECK;
/* The files of a bundle; HUB_ECONFLICT when their hash is not the stored one
 * (tampered with). */
enum hub_err bundle_load(struct db *, int64_t bundle, struct arena *,
    struct region_file **, unsigned *n_r) HUB_MUST_CHECK;

#endif
