/* tenants/replay.h - proofs that were taken, so that none is taken twice
 * (RFC 9449, 11.1). One for a process, shared by its workers.
 *
 * Bounded: it never drops what could still be repeated, so that it refuses new
 * proofs when it is full. What was taken before the process began it cannot
 * know: proofs older than it are refused. */
#ifndef HUB_TENANTS_REPLAY_H
#define HUB_TENANTS_REPLAY_H

#include "tenants/dpop.h"

struct replay;

/* entries: 256 to 2^26, rounded up to a power of two, 24 bytes each; memory
 * grows with use. It is full when five in eight are used. */
struct replay *replay_new(unsigned entries, struct wall_us began)
    HUB_MUST_CHECK;
void replay_free(struct replay *);

/* Of all it holds nobody has more than one part in so many, so that no tenant
 * can shut the others out. */
#define REPLAY_PARTS  8
#define REPLAY_OWNERS 1024U

/* owner: the tenant's index; of more than REPLAY_OWNERS some share their part.
 * HUB_OK: it is the first time. HUB_EEXIST: it was taken before. HUB_ELATE: it
 * is from before the process began. HUB_EFULL: no room, or none
 * for this owner. From any thread. */
enum hub_err replay_add(struct replay *, unsigned owner,
    const struct dpop_mark *, struct wall_us now) HUB_MUST_CHECK;

#endif
