/* server/federation/merge_priv.h - what merging entities (merge.c) and merging
 * evolutions (merge_series.c) share. */
#ifndef HUB_FEDERATION_MERGE_PRIV_H
#define HUB_FEDERATION_MERGE_PRIV_H

#include "server/federation/merge.h"

/* Does b, of a later view, beat a? */
bool merge_beats(const struct instance *b, const struct instance *a);

/* All instances of the views of one entity, as series: names in order of
 * arrival, of each the default instances and then those of each datasetId,
 * the oldest first, each instant once. Lives in the arena; *n_r is their
 * number. */
struct instance *merge_series(const struct merge *,
    struct entity *const *views, size_t nviews, unsigned *n_r);

#endif
