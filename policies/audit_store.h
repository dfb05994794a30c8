/* policies/audit_store.h - the chain of changes in PostgreSQL. */
#ifndef HUB_POLICIES_AUDIT_STORE_H
#define HUB_POLICIES_AUDIT_STORE_H

#include "policies/audit.h"
#include "server/base/arena.h"
#include "sql/db.h"

/* Where the database says that the chain ends. */
enum hub_err audit_end_get(struct db *, struct audit_end *) HUB_MUST_CHECK;
/* The rows behind that number, in order, at most a thousand at a time; in the
 * arena. *n_r 0: there are no more. A row that cannot be one (a hash of
 * another length) is HUB_ECONFLICT, *n_r counts those before it. */
enum hub_err audit_load(struct db *, int64_t behind, struct arena *,
    struct audit_row **rows_r, unsigned *n_r) HUB_MUST_CHECK;

#endif
