/* policies/registration_store.h - what tenants have registered, in
 * PostgreSQL. Blocking: for threads that may wait. */
#ifndef HUB_POLICIES_REGISTRATION_STORE_H
#define HUB_POLICIES_REGISTRATION_STORE_H

#include "policies/registration.h"
#include "sql/db.h"

/* How often registrations have changed; -1: the schema has none yet. */
enum hub_err registration_epoch_get(struct db *, int64_t *epoch_r)
    HUB_MUST_CHECK;
/* All of them in order of tenant and id, with the epoch they belong to. *cut_r:
 * they are more than a region can have, and the tenants have the same share of
 * that: who keeps within it loses nothing by what others register. */
enum hub_err registration_load(struct db *, struct arena *,
    struct registration_row **rows_r, unsigned *n_r, int64_t *epoch_r,
    bool *cut_r) HUB_MUST_CHECK;

enum registration_verb {
	REGISTRATION_CREATE,
	REGISTRATION_UPDATE,
	REGISTRATION_DELETE
};

struct registration_change {
	enum registration_verb verb;
	const char *tenant, *id;
	int64_t epoch; /* what was checked holds for this one */
	const char *context, *document; /* not for a deletion */
};
/* HUB_EAGAIN: the epoch is another one by now; HUB_EEXIST, HUB_ENOENT,
 * HUB_EFULL (the tenant has REGISTRATIONS_MAX); HUB_EIO. NOTIFY comes from the
 * database. */
enum hub_err registration_store(struct db *,
    const struct registration_change *) HUB_MUST_CHECK;

#endif
