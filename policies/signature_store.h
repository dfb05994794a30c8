/* policies/signature_store.h - signatures under agreements, in PostgreSQL:
 * given once, never changed. Blocking: for threads that may wait. */
#ifndef HUB_POLICIES_SIGNATURE_STORE_H
#define HUB_POLICIES_SIGNATURE_STORE_H

#include "policies/region_sign.h"
#include "sql/db.h"

/* How many there are: rises with each; -1: the schema has none yet. */
enum hub_err signature_count(struct db *, int64_t *count_r) HUB_MUST_CHECK;
/* All of them in the order in which they were given. HUB_ERANGE: too many. */
enum hub_err signature_load(struct db *, struct arena *,
    struct region_signature **, unsigned *n_r) HUB_MUST_CHECK;

struct signature_new {
	const char *agreement, *tenant, *person;
	unsigned version;
	bool provider; /* else the consumer */
	int64_t bundle; /* whose text was signed */
	unsigned char hash[32];
};
/* HUB_ECONFLICT: that side, or that person, has signed this content already;
 * HUB_EDENIED: the person has made the bundle, the bundle is not in force any
 * more, or the account may not. NOTIFY comes from the database. */
enum hub_err signature_store(struct db *, const struct signature_new *)
    HUB_MUST_CHECK;

#endif
