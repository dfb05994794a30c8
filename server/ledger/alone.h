/* server/ledger/alone.h - a share beside what its member would pay on its own
 * (ledger.md, 2.3): references for people, no part of any share. Pure. */
#ifndef HUB_LEDGER_ALONE_H
#define HUB_LEDGER_ALONE_H

#include "server/ledger/statement.h"

#define ALONE_UNKNOWN INT64_MAX

/* For the member's days in the period of a run that is shared, up to a cent.
 * ALONE_UNKNOWN: the model does not say so, or it is a credit. */
int64_t alone_cents(const struct cost_run *, unsigned member);
/* Shapley values of a common base and own cost, one for each member, their sum
 * is the run's: what sharing saves, in equal parts. False: not all members are
 * there all the time with a figure, or it does not fit that picture. */
bool alone_shapley(const struct cost_run *, int64_t *cents_r) HUB_MUST_CHECK;

/* The mark of sec. 2b (2) no. 1 UStG, for a calendar year. */
#define UNTAXED_MARK_CENTS INT64_C(1750000)
/* What the costs that are decided not to be taxable come to in the calendar
 * year of a day. */
int64_t untaxed_cents(const struct region *, struct wall_us day);

#endif
