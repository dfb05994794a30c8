/* policies/audit.h - the chain of changes (sql/schema/0009_audit.sql): each row
 * has the hash of the one before it, and one of its own over that and all it
 * says. Works out the hashes again, without the database that made them. Pure.
 */
#ifndef HUB_POLICIES_AUDIT_H
#define HUB_POLICIES_AUDIT_H

#include "server/base/hash.h"

struct audit_row {
	int64_t id;    /* from 1, without gaps */
	struct str at; /* UTC, microseconds */
	/* p NULL: there is none */
	struct str actor, tenant, db_user, table, key, op, before, after;
	unsigned char prev[SHA256_LEN], hash[SHA256_LEN];
};

enum audit_fault {
	AUDIT_BROKEN = 0, /* the row is not what was written */
	AUDIT_GAP,	  /* a row is missing before it */
	AUDIT_TORN,	  /* it does not follow on the row before it */
	AUDIT_GOOD
};

/* How far a chain was followed; all zero: not at all. */
struct audit_end {
	int64_t id;
	unsigned char hash[SHA256_LEN];
};

void audit_hash(const struct audit_row *, unsigned char out[SHA256_LEN]);
/* The next row, if it is good. */
enum audit_fault audit_follow(struct audit_end *, const struct audit_row *)
    HUB_MUST_CHECK;

#endif
