/* server/net/crowd.h - how many connections each has: of an address, or
 * whatever else they are counted by. One for a process; from any thread. */
#ifndef HUB_NET_CROWD_H
#define HUB_NET_CROWD_H

#include "server/base/str.h"

struct crowd;
struct crowd_seat; /* one connection's place */

struct crowd *crowd_new(void) HUB_MUST_CHECK;
/* When all have left. NULL is fine. */
void crowd_free(struct crowd *);

/* NULL: max are there already. Names of different kinds must differ. */
struct crowd_seat *crowd_enter(struct crowd *, struct str who, unsigned max)
    HUB_MUST_CHECK;
/* Clears your pointer; NULL is fine. */
void crowd_leave(struct crowd *, struct crowd_seat **);
bool crowd_is(const struct crowd_seat *, struct str who);

#endif
