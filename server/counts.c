/* server/counts.c - what a worker counts; counts.h says what it promises. */
#include "server/counts.h"

#include <stdlib.h>

#include "server/base/str.h"

static const short codes[COUNTS_CODES] = { 0, 200, 201, 204, 206, 207, 304,
	400, 401, 403, 404, 405, 406, 408, 409, 411, 413, 415, 421, 422, 429,
	431, 500, 501, 502, 503, 504, 508 };

unsigned
counts_code(int status)
{
	/* Most answers are among the first. */
	for (unsigned i = 1; i < COUNTS_CODES && codes[i] != 0; i++)
		if (codes[i] == status)
			return (i);
	return (0);
}

int
counts_code_status(unsigned index)
{
	return (index < COUNTS_CODES ? codes[index] : 0);
}

unsigned
histogram_bucket(uint64_t us)
{
	unsigned log, half;

	if (us <= 1U << HISTOGRAM_FIRST_LOG)
		return (0);
	us--; /* bounds belong to the bucket below */
	log = 63U - (unsigned)__builtin_clzll(us);
	if (log >= HISTOGRAM_FIRST_LOG + HISTOGRAM_OCTAVES)
		return (HISTOGRAM_BUCKETS - 1);
	half = (unsigned)(us >> (log - 1)) & 1;
	return (1 + 2 * (log - HISTOGRAM_FIRST_LOG) + half);
}

uint64_t
histogram_bound(unsigned bucket)
{
	unsigned log = HISTOGRAM_FIRST_LOG + (bucket - 1) / 2;

	if (bucket == 0)
		return (UINT64_C(1) << HISTOGRAM_FIRST_LOG);
	if (bucket >= HISTOGRAM_BUCKETS - 1)
		return (UINT64_MAX);
	return ((UINT64_C(1) << log) +
	    (UINT64_C(1) << (log - 1)) * (1 + (bucket - 1) % 2));
}

void
histogram_add(struct histogram *h, int64_t us)
{
	uint64_t took = us > 0 ? (uint64_t)us : 0;

	count_add(&h->buckets[histogram_bucket(took)], 1);
	count_add(&h->sum_us, took);
}

struct tenant_counts *
counts_tenant(struct counts *c, unsigned slot)
{
	_Atomic(struct tenant_counts *) *at =
	    &c->tenants[slot < COUNTS_TENANTS ? slot : 0];
	struct tenant_counts *t = atomic_load_explicit(at,
	    memory_order_relaxed);

	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		atomic_store_explicit(at, t, memory_order_release);
	}
	return (t);
}

struct source_counts *
counts_source(struct counts *c, unsigned slot)
{
	_Atomic(struct source_counts *) *at =
	    &c->sources[slot < COUNTS_SOURCES ? slot : 0];
	struct source_counts *s = atomic_load_explicit(at,
	    memory_order_relaxed);

	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		atomic_store_explicit(at, s, memory_order_release);
	}
	return (s);
}

struct counts *
counts_new(void)
{
	return (xcalloc(1, sizeof(struct counts)));
}

void
counts_free(struct counts *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < COUNTS_TENANTS; i++)
		free(atomic_load(&c->tenants[i]));
	for (unsigned i = 0; i < COUNTS_SOURCES; i++)
		free(atomic_load(&c->sources[i]));
	free(c);
}
