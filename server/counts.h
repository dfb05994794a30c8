/* server/counts.h - what a worker counts of its requests.
 *
 * One writer, its thread; anybody reads, at any time, without a lock. A count
 * is a relaxed load and store, which is what ++ costs: nothing is locked on
 * the path of a request. Tenants and sources go by slots, which the control
 * thread gives to names once and for good (metrics.h); slot 0 is "other", of
 * who has none or came when all were given. */
#ifndef HUB_SERVER_COUNTS_H
#define HUB_SERVER_COUNTS_H

#include <stdatomic.h>

#include "server/base/clock.h"
#include "server/net/http_parse.h"

#define COUNTS_TENANTS 1024
#define COUNTS_SOURCES 2048

/* Log-linear: two buckets an octave from 256 us to 67 s, one for all above.
 * Bucket i holds what is at most histogram_bound(i). */
#define HISTOGRAM_FIRST_LOG 8
#define HISTOGRAM_OCTAVES   18
#define HISTOGRAM_BUCKETS   (2 * HISTOGRAM_OCTAVES + 2)
struct histogram {
	atomic_ullong buckets[HISTOGRAM_BUCKETS];
	atomic_ullong sum_us;
};
unsigned histogram_bucket(uint64_t us);
/* In us; of the last bucket UINT64_MAX. */
uint64_t histogram_bound(unsigned bucket);

/* Statuses that are told apart; index 0: any other. */
#define COUNTS_CODES 30
unsigned counts_code(int status);
int counts_code_status(unsigned index); /* 0 for index 0 */

enum count_decision {
	DECIDED_OWN,	  /* permit: data of one's own */
	DECIDED_AGREED,	  /* permit: by agreements */
	DECIDED_NONE,	  /* deny: no rule permits */
	DECIDED_SPENT,	  /* deny: a quota is */
	DECIDED_STALE,	  /* deny: the policy is not confirmed */
	DECIDED_MAX
};

enum count_outcome {
	OUTCOME_OK,
	OUTCOME_KEPT,	 /* from the cache, nobody was asked */
	OUTCOME_STALE,	 /* the same, past its time, since it failed */
	OUTCOME_LATE,
	OUTCOME_REFUSED, /* no answer, or not asked: breaker, cap */
	OUTCOME_INVALID,
	OUTCOME_STATUS,
	OUTCOME_MAX
};

enum count_op { OP_COUNT_RETRIEVE, OP_COUNT_QUERY, OP_COUNT_BATCH,
	OP_COUNT_TEMPORAL, OP_COUNT_MAX };

struct tenant_counts {
	atomic_ullong n[HTTP_OTHER + 1][COUNTS_CODES];
};

struct source_counts {
	struct histogram took[OP_COUNT_MAX];
	atomic_ullong outcomes[OUTCOME_MAX];
	atomic_llong open_until_us; /* mono; its breaker's; 0: closed */
};

struct counts {
	struct histogram took; /* of all requests */
	atomic_ullong aborted; /* the client had gone before the answer */
	atomic_ullong decisions[DECIDED_MAX];
	/* Made when first counted; NULL until then. */
	_Atomic(struct tenant_counts *) tenants[COUNTS_TENANTS];
	_Atomic(struct source_counts *) sources[COUNTS_SOURCES];
};

struct counts *counts_new(void) HUB_MUST_CHECK;
void counts_free(struct counts *);

static inline void
count_add(atomic_ullong *c, unsigned long long n)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/* Worker's thread. */
void histogram_add(struct histogram *, int64_t us);
struct tenant_counts *counts_tenant(struct counts *, unsigned slot);
struct source_counts *counts_source(struct counts *, unsigned slot);

#endif
