/* server/hubctl/replay.h - what a region gives for a question of the decision
 * log, and how two regions differ in that. Pure; no source is asked. */
#ifndef HUB_HUBCTL_REPLAY_H
#define HUB_HUBCTL_REPLAY_H

#include "server/hubctl/explain_logged.h"

/* One dataset that would be asked. Texts are in an order of their own, so that
 * equal ones mean the same. */
struct replay_leg {
	struct str dataset;
	struct str agreements; /* "a;v=1, b;v=2"; empty: the tenant's own */
	struct str attributes; /* "Type.attr, ..." with what becomes of it */
	struct str limits;     /* areas, history, delay */
};
struct replay {
	unsigned n;
	struct replay_leg *legs; /* in order of name */
};

/* Nothing, if the region has no such tenant or purpose. Under no crisis. */
void replay_run(const struct decision *, const struct region *,
    const struct policy_set *, struct arena *, struct replay *);

enum replay_kind {
	REPLAY_ALLOWED,	   /* asked now, and was not */
	REPLAY_DENIED,	   /* the other way round */
	REPLAY_ATTRIBUTES, /* others, or changed in another way */
	REPLAY_LIMITS,	   /* of place and time */
	REPLAY_AGREEMENTS  /* others, or other versions */
};
#define REPLAY_KINDS 5
extern const char *const replay_words[REPLAY_KINDS];

struct replay_change {
	enum replay_kind kind;
	struct str dataset, before, after;
};
/* Of a question by id, whose ids the log does not have, datasets count that
 * were asked then, or that only one of the regions would ask. */
void replay_compare(const struct decision *, const struct replay *before,
    const struct replay *after, struct arena *,
    struct replay_change **changes_r, unsigned *n_r);

#endif
