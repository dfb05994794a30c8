/* tenants/quota_store.h - the part that a hub has in what several hubs on one
 * database share: buckets of quotas, renewed about once a second. Blocking: for
 * a thread that may wait, never for a request.
 *
 * Together the hubs never take more than a bucket has, as long as each of them
 * reaches the database. One that does not goes on with its last part, and after
 * QUOTA_LEASE_US the others share that part, too: until it is back it may come
 * on top. What a hub has taken and not yet told when it is killed, a second's
 * worth, is forgotten. */
#ifndef HUB_TENANTS_QUOTA_STORE_H
#define HUB_TENANTS_QUOTA_STORE_H

#include "sql/db.h"
#include "tenants/quota.h"

/* This process among the hubs. Zeroed, with node and boot: not there yet. */
struct quota_node {
	unsigned node;	 /* number of the hub's spool */
	const char *boot; /* of this process, and no other */
	unsigned live;	 /* hubs that are there, this one included */
	unsigned full;	 /* rounds in which all buckets are asked for */
	unsigned rounds;
	bool beaten;	 /* the database knows us */
	bool none;	 /* it has no tables for this: older schema */
};

/* "I am here"; *epoch_r is the head's. HUB_EEXIST: so is another process with
 * our number (all is done all the same). */
enum hub_err quota_node_beat(struct quota_node *, struct db *,
    int64_t *epoch_r) HUB_MUST_CHECK;
/* After a beat: tells what was used and gets the next leases. On failure
 * nothing is lost. */
enum hub_err quota_leases_renew(struct quota_node *, struct quota_book *,
    struct db *) HUB_MUST_CHECK;
/* The process ends: what it holds is free. */
enum hub_err quota_node_leave(struct quota_node *, struct quota_book *,
    struct db *) HUB_MUST_CHECK;

#endif
