/* server/hubctl/cost.h - shares of costs for people and programs: what
 * hubctl allocate and hubctl statement print. */
#ifndef HUB_HUBCTL_COST_H
#define HUB_HUBCTL_COST_H

#include "server/base/buf.h"
#include "server/hubctl/hubctl.h"
#include "server/ledger/statement.h"

/* ---- words and figures (cost_text.c) */

/* Cents as "5807.19", in German prose "5807,19". */
void add_cents(struct buf *, int64_t cents, char mark);
/* A day as 2026-12-31, in German prose as 31.12.2026. */
void add_day(struct buf *, struct wall_us day, enum ctl_lang);
void add_uint128(struct buf *, uint128);
/* A weight in the unit of its key: units (thousandths), euros of fixed
 * amounts, else a number; with a decimal point. zero: its on-zero was used. */
void add_weight(
    struct buf *, const struct region_component *, bool zero, uint128 weight);
/* What a component is shared by: the words of region files, and those of
 * people. */
const char *key_word(enum cost_key);
const char *key_phrase(
    const struct region_component *, bool zero, enum ctl_lang);
const char *bound_word(enum allocation_bound); /* NULL: none */
const char *bound_phrase(enum allocation_bound, enum ctl_lang);
/* Whether on-zero took the key's place in that range. */
bool was_zero(const struct cost_run *, unsigned range, unsigned component);
/* Thousandths of units that tenants used which are no members. */
uint128 units_of_others(const struct cost_run *);
/* Says on standard error why there are no shares. */
void say_fault(const struct cost_run *, const struct allocation_why *);
/* "betrieb-2026: ..." and what must be known of the run, in lines. */
void print_head(const struct ctl *, const struct cost_run *);

/* ---- allocate */
void shares_table(const struct ctl *, const struct cost_run *);
void trace_table(const struct ctl *, const struct cost_run *);
void shares_json(const struct cost_run *, bool trace);

/* ---- statement: the runs in which a tenant is a member */
void statement_table(const struct ctl *, const struct cost_run *, unsigned n,
    const struct tenant *);
void statement_json(const struct cost_run *, unsigned n, const struct tenant *);
/* Its index in the model, or -1. */
int run_member(const struct cost_run *, const struct tenant *);

#endif
