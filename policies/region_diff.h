/* policies/region_diff.h - what is different between two regions, as far as
 * it means anything, in sentences. Pure.
 *
 * Regions are compared, not files: layout, comments, order and the files that
 * blocks stand in show nothing. A change WIDENS when somebody may get data
 * that was not to be had before, or when that cannot be told; it NARROWS when
 * somebody gets less; else it is NEUTRAL. Agreements that share nothing (not
 * signed by both, a party suspended) may change as they like: NEUTRAL. */
#ifndef HUB_POLICIES_REGION_DIFF_H
#define HUB_POLICIES_REGION_DIFF_H

#include "policies/region.h"

enum change_kind { CHANGE_NEUTRAL, CHANGE_NARROWS, CHANGE_WIDENS };
#define CHANGE_KINDS 3
extern const char *const region_change_words[CHANGE_KINDS]; /* "WIDENS", ... */

struct region_change {
	enum change_kind kind;
	struct str subject; /* the block: "agreement schwerte-pegel" */
	struct str en, de;  /* a sentence; one line */
};

/* before may be NULL: there was nothing. What widens comes first. */
void region_diff(const struct region *before, const struct region *after,
    struct arena *, const struct region_change **changes_r, unsigned *n_r);
bool region_widens(const struct region_change *, unsigned n);
/* All that a model says, inhabitants too: equal texts, equal shares. */
struct str region_model_text(const struct region_model *, struct arena *);
/* What is accepted when a change that widens is accepted: this text instead of
 * that one, with these consequences. before and after are region_hash's. */
void region_diff_hash(const unsigned char before[32],
    const unsigned char after[32], const struct region_change *, unsigned n,
    unsigned char out[32]);

#endif
