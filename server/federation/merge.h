/* server/federation/merge.h - many views, one list of entities, in order of
 * id (federation.md §1.3; interfaces.md, Rulings). Pure: the same views give
 * the same entities in whatever order they are added.
 *
 * A view of an auxiliary document adds instances that no other view has, and
 * nothing else, unless all views are auxiliary. */
#ifndef HUB_FEDERATION_MERGE_H
#define HUB_FEDERATION_MERGE_H

#include "server/ngsild/temporal.h"

/* These attributes of this entity come from this dataset alone: what other
 * views have of them is dropped, also when the dataset gave nothing. */
struct merge_owner {
	struct str id, dataset;
	unsigned nattrs;
	const struct name *const *attrs;
};

struct merge {
	struct arena *arena;
	/* set by the caller after merge_init; merge_run sorts them */
	size_t nowners;
	struct merge_owner *owners;
	/* NULL: entities. Else evolutions, whose instances stand side by side
	 * (temporal.h): each has a time, and of one name, datasetId and
	 * instant the one is kept that would win in an entity. */
	const struct temporal *series;
	/* Of the list that results, entities from, from+1 .. to-1 are put
	 * together; of the others there is the id and one source's view, which
	 * does for counting them and is most of the work saved where a page is
	 * shown. merge_init: all. */
	size_t from, to;
	/* the module's own */
	size_t n, cap;
	struct entity **views; /* as added; merge_run sorts them */
};

void merge_init(struct merge *, struct arena *);
/* Takes the entity, which may be changed, and must live in the arena. */
void merge_add(struct merge *, struct entity *);
/* *entities_r: in byte order of id, each id once, none without an attribute
 * (see from); lives in the arena. */
void merge_run(struct merge *, struct entity ***entities_r, size_t *n_r);

#endif
