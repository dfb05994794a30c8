/* tenants/quota.h - how often a consumer may ask under one agreement, such as
 * "600/h burst 60 daily 5000": a bucket that tokens come back into, and what
 * may be taken of it on one German calendar day.
 *
 * Time is handed in. A bucket is shared by all threads. Where several hubs
 * share a database, a bucket has a part of what all have together, its lease
 * (quota_store.h renews it about once a second); without one, as when the
 * database is away, it goes on with the part that it had last. */
#ifndef HUB_TENANTS_QUOTA_H
#define HUB_TENANTS_QUOTA_H

#include "server/base/clock.h"

struct quota_rate {
	uint32_t count; /* tokens that come back in a window; 0: no quota */
	uint32_t window_s;
	uint32_t burst; /* tokens that a full bucket holds */
	int64_t interval_ns; /* in which one comes back, rounded up */
	uint32_t daily;	 /* tokens of a calendar day; 0: as many as come */
	bool strict;	 /* nothing without a lease */
};

/* COUNT/s, /min, /h or /d, then perhaps " burst COUNT" (else all of a window
 * may come at once), " daily COUNT", " strict", in this order. HUB_ESYNTAX;
 * HUB_ERANGE: the bucket would take over a year to fill. */
enum hub_err quota_parse(struct str, struct quota_rate *) HUB_MUST_CHECK;

/* A bucket as one request has found it. */
struct quota_state {
	uint32_t left;	 /* whole tokens */
	int64_t next_us; /* until there is one more, or the day is over;
			    0: it is full */
};

struct quota;

/* One token. false: it was spent, and nothing has changed. */
bool quota_take(struct quota *, struct mono_us now, struct quota_state *)
    HUB_MUST_CHECK;
/* Gives one back that was taken for nothing. */
void quota_give(struct quota *);
const struct quota_rate *quota_rate(const struct quota *);
void quota_unref(struct quota **);

/* What has happened to a bucket since it was asked last. */
struct quota_report {
	int64_t used;	  /* below zero: more was given back than taken */
	int64_t since_us; /* the first of it was taken so long ago */
	bool asked;	  /* a token was taken or refused */
};
/* What all hubs together let this one have. */
struct quota_lease {
	int64_t level_ns; /* tokens times interval_ns; below zero: a debt */
	unsigned share;	  /* of what comes back it has one part in so many;
			     0: nothing, nobody asks here */
	unsigned live;	  /* hubs that are there: its share without a lease */
	int64_t day_left, day_ends_us;
};
#define QUOTA_LEASE_US INT64_C(10000000) /* so long is a lease believed */

/* Takes what there is to report. A report that reaches nobody is given back
 * by quota_unreport; on the one that did, quota_set_lease follows. One thread
 * only for these. */
struct quota_report quota_report(struct quota *, struct mono_us now)
    HUB_MUST_CHECK;
void quota_unreport(struct quota *, const struct quota_report *);
void quota_set_lease(struct quota *, const struct quota_lease *,
    struct mono_us now);
/* The lease that it has is good for as long again. */
void quota_renew(struct quota *, struct mono_us now);
/* Has it something to report, or never had a lease? */
bool quota_is_due(struct quota *);
/* Whose it is, as given to quota_book_get. */
void quota_names(const struct quota *, struct str *consumer_r,
    struct str *agreement_r, struct str *what_r);

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
/* Each in turn; after NULL comes the first, after the last one NULL. */
struct quota *quota_book_next(const struct quota_book *, const struct quota *);
/* Drops those that nobody has but the book; all of them. */
void quota_book_trim(struct quota_book *);
void quota_book_clear(struct quota_book *);

#endif
