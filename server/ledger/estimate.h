/* server/ledger/estimate.h - uses under agreements that go on when the spool
 * is full (on-ledger-full = estimate): counted in memory by what they have in
 * common, written as ESTIMATE records when there is room again, shown apart.
 *
 * What is counted is gone when the process is killed; an end that finds no
 * room says in the log what was left, for "hubctl estimate". */
#ifndef HUB_LEDGER_ESTIMATE_H
#define HUB_LEDGER_ESTIMATE_H

#include "server/ledger/spool.h"

#define ESTIMATE_KEYS 4096

struct estimates;
struct estimates *estimates_new(void) HUB_MUST_CHECK;
/* After the spool was closed; NULL is fine. */
void estimates_free(struct estimates *);

/* From any thread. HUB_EFULL: more kinds of use than are kept apart. */
enum hub_err estimates_add(struct estimates *, const struct record *access)
    HUB_MUST_CHECK;
/* Uses counted and not yet given to the spool. */
uint64_t estimates_waiting(struct estimates *);
/* Gives the spool what it takes, while it is below SPOOL_HIGH; on the thread
 * of the loop, which hears what became of it. last: at the end, as long as
 * anything is taken, and the loop turns no more. */
void estimates_write(struct estimates *, struct spool *, struct loop *,
    bool last);
/* Records given to the spool and not known to be durable. */
uint64_t estimates_under_way(struct estimates *);

/* The i-th of n uses that came to total together: exact in sum. */
uint64_t estimate_share(uint64_t total, uint64_t i, uint64_t n);

#endif
