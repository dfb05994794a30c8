/* tenants/deny_store.h - revocations in PostgreSQL. Blocking: for threads that
 * may wait. */
#ifndef HUB_TENANTS_DENY_STORE_H
#define HUB_TENANTS_DENY_STORE_H

#include "sql/db.h"
#include "tenants/deny.h"

/* Rises with each change; -1: the schema has none. */
enum hub_err revocation_epoch_get(struct db *, int64_t *epoch_r)
    HUB_MUST_CHECK;
/* Those that have not ended, copied to the arena. *bad_r: rows beside them that
 * say nothing; as in a file, the others count. HUB_ERANGE: more than there can
 * be. */
enum hub_err revocation_load(struct db *, struct arena *,
    struct deny_entry **, unsigned *n_r, unsigned *bad_r) HUB_MUST_CHECK;

/* NOTIFY comes from the database. issuer may be ""; until is a time that
 * PostgreSQL reads, or NULL: for good. */
enum hub_err revocation_add(struct db *, const char *kind, const char *value,
    const char *issuer, const char *reason, const char *until, int64_t *id_r)
    HUB_MUST_CHECK;
/* HUB_EEXIST: it was lifted before. HUB_ENOENT: there is none. */
enum hub_err revocation_lift(struct db *, int64_t id, const char *reason)
    HUB_MUST_CHECK;

#endif
