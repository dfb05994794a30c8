/* h2_calm.c - buckets that leak; h2_priv.h says what they are for. */
#include "server/net/h2_priv.h"

bool
calm_ok(struct h2_calm *calm, struct mono_us now, unsigned burst,
    unsigned per_second)
{
	int64_t us = now.us - calm->at.us;
	uint64_t leaked;

	/* Whole drops only, so that frequent looks do not lose parts of them;
	 * a second is enough to empty what counts. */
	leaked = us <= 0          ? 0
		 : us >= 60000000 ? UINT64_MAX / 2
				  : (uint64_t)us * per_second / 1000000;
	if (leaked > 0) {
		calm_credit(
		    calm, leaked > UINT32_MAX ? UINT32_MAX : (unsigned)leaked);
		calm->at = now;
	}
	return (++calm->level <= burst);
}

void
calm_credit(struct h2_calm *calm, unsigned n)
{
	calm->level -= calm->level < n ? calm->level : n;
}
