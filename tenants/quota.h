/* tenants/quota.h - how often a consumer may ask under one agreement, such as
 * "600/h burst 60": a bucket that tokens come back into.
 *
 * Time is handed in. A bucket is shared by all threads without a lock: what it
 * holds is one number, the instant at which it will be full again. */
#ifndef HUB_TENANTS_QUOTA_H
#define HUB_TENANTS_QUOTA_H

#include "server/base/clock.h"

struct quota_rate {
	uint32_t count; /* tokens that come back in a window; 0: no quota */
	uint32_t window_s;
	uint32_t burst; /* tokens that a full bucket holds */
	int64_t interval_ns; /* in which one comes back, rounded up */
};

/* COUNT/s, /min, /h or /d, then perhaps " burst COUNT" (else all of a window
 * may come at once). HUB_ESYNTAX; HUB_ERANGE: the bucket would take over a
 * year to fill. */
enum hub_err quota_parse(struct str, struct quota_rate *) HUB_MUST_CHECK;

/* A bucket as one request has found it. */
struct quota_state {
	uint32_t left;	 /* whole tokens */
	int64_t next_us; /* until there is one more; 0: it is full */
};

struct quota;

/* One token. false: it was spent, and nothing has changed. */
bool quota_take(struct quota *, struct mono_us now, struct quota_state *)
    HUB_MUST_CHECK;
/* Gives one back that was taken for nothing. */
void quota_give(struct quota *);
const struct quota_rate *quota_rate(const struct quota *);
void quota_unref(struct quota **);

/* The buckets of a process. They outlive a region as long as the next one has
 * the same agreement with the same rate. One thread only; references may be
 * dropped by any. A zeroed book is empty. */
#define QUOTA_CHAINS 256
struct quota_book {
	struct quota *chains[QUOTA_CHAINS];
};
/* That of a consumer under an agreement, or (what not empty) of what else the
 * agreement counts by itself. The reference is the caller's. */
struct quota *quota_book_get(struct quota_book *, struct str consumer,
    struct str agreement, struct str what, const struct quota_rate *)
    HUB_MUST_CHECK;
/* Drops those that nobody has but the book; all of them. */
void quota_book_trim(struct quota_book *);
void quota_book_clear(struct quota_book *);

#endif
