/* server/ngsild/temporal_priv.h - what the files that write evolutions share:
 * temporal_write.c (the whole, values) and temporal_aggregate.c. */
#ifndef HUB_NGSILD_TEMPORAL_PRIV_H
#define HUB_NGSILD_TEMPORAL_PRIV_H

#include "server/ngsild/temporal.h"

/* Instances of one name, datasetId and kind, the oldest first; at least one. */
struct series {
	const struct instance *const *v;
	size_t n;
};

/* The aggregates asked for, each a member behind a comma. Numbers are those of
 * a Property; a method with nothing to work on gives an empty array. */
void temporal_write_aggregates(const struct series *, const struct temporal *,
    const struct entity_out *, struct buf *);

/* The duration's k-th multiple after origin, saturated at the year 9999. */
struct wall_us duration_after(
    struct wall_us origin, struct duration, int64_t k);
/* The last multiple that is not after at (which is not before origin). */
int64_t duration_count(
    struct wall_us origin, struct duration, struct wall_us at);

/* The value node of the time, or 0. */
uint32_t temporal_time_node(const struct temporal *, const struct instance *);

#endif
