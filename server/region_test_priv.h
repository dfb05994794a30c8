/* server/region_test_priv.h - one test of a region under way: region_test.c
 * makes the answer, region_expect.c compares it. */
#ifndef HUB_SERVER_REGION_TEST_PRIV_H
#define HUB_SERVER_REGION_TEST_PRIV_H

#include "server/ngsild/query.h"
#include "server/region_test.h"

enum saying {
	SAY_PURPOSE,
	SAY_REQUEST,
	SAY_ENTITY,
	SAY_LARGE,
	SAY_NO_ENTITY,
	SAY_MORE_ENTITY,
	SAY_MISSING,
	SAY_MORE,
	SAY_DIFFERS,
	SAY_ABSENT
};

struct trial {
	const struct region_test *t;
	const struct region *region;
	const struct policy_set *set;
	struct arena *arena;
	struct names names;
	struct buf decoded; /* of the request; the query looks into it */
	struct query query;
	bool german;
	unsigned said;
	void (*say)(struct str, unsigned, struct str, void *);
	void *arg;
};

/* In one line; a text that is too long is cut. */
void trial_say(struct trial *, enum saying, struct str entity,
    struct str member, struct str got, struct str want);
/* Says where the answer, an array, is not what was expected, or has what must
 * be absent. */
void trial_compare(struct trial *, const struct json *want,
    const struct json *got);
void trial_absent(struct trial *, const struct json *got);

#endif
