/* policies/crisis.h - events that an authority declares, and what they make of
 * agreements with a crisis block (policy.md §4). Pure: clock handed in. */
#ifndef HUB_POLICIES_CRISIS_H
#define HUB_POLICIES_CRISIS_H

#include "policies/region.h"
#include "server/base/buf.h"

/* In all, whatever the blocks say; and until a second person must have
 * confirmed it. */
#define CRISIS_MAX_US	  (3 * WALL_DAY_US)
#define CRISIS_CONFIRM_US INT64_C(3600000000)

/* An event as it is stored. Times that are not yet: WALL_ABSENT. */
struct crisis_row {
	int64_t id;
	struct str kind, authority, area;
	struct wall_us declared, until, deadline, confirmed, ended;
	bool follows; /* soon after another: not in force unconfirmed */
};

/* The same where it means something: in force from <= at < until. */
struct crisis_event {
	int64_t id;
	struct str kind;
	const struct tenant *authority;
	const struct region_area *area;
	struct wall_us from, until;
};

/* When it is in force: at once after it was declared, unless it follows on
 * another; without confirmation until the deadline; until it is ended, and
 * for CRISIS_MAX_US at most. from == until: never. */
void crisis_window(const struct crisis_row *, struct wall_us *from_r,
    struct wall_us *until_r);

/* What an event is in this region; NULL, or why it is nothing: its tenant or
 * its area is not there, or its tenant is no authority, or suspended. */
const char *crisis_resolve(const struct region *, const struct crisis_row *,
    struct crisis_event *) HUB_MUST_CHECK;

/* The block of an agreement that the event wakes, or NULL; and for how
 * long. */
const struct region_crisis *crisis_block(const struct region_agreement *,
    const struct crisis_event *, struct wall_us *from_r,
    struct wall_us *until_r);

/* What an event would wake. */
struct crisis_wakes {
	unsigned n; /* agreements */
	int64_t max_us, report_us; /* the longest; the shortest */
};
struct crisis_wakes crisis_wakes(const struct region *,
    const struct crisis_event *);

/* May the tenant declare an event of that kind there, for so long? NULL and
 * *wakes_r, or a static phrase that says why not; *denied_r: by the rules, else
 * there is no such thing. */
const char *crisis_may_declare(const struct region *, struct str authority,
    struct str kind, struct str area, int64_t length_us, bool *denied_r,
    struct crisis_wakes *wakes_r);

/* What the block makes wider, in words for the provider: "history 1 h -> 90 d;
 * quota 600/h -> 6000/h; without forbid kennzeichen". */
void crisis_widens(const struct region *, const struct region_agreement *,
    const struct region_crisis *, struct buf *);

#endif
