/* server/hubctl/explain_priv.h - the parts of an explanation. */
#ifndef HUB_HUBCTL_EXPLAIN_PRIV_H
#define HUB_HUBCTL_EXPLAIN_PRIV_H

#include "server/hubctl/explain.h"

/* A sentence about a dataset in which $x and $y stand for texts. */
void explain_words(struct explain *, struct explain_line, struct sentence,
    struct both x, struct both y);
/* Of a dataset that is not in the plan. */
void explain_absent(struct explain *, const struct region_dataset *);

#endif
