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
const char *zero_word(enum cost_zero);
/* Of a word that is in the ledger: a key, or what stands for bounds or an
 * instalment. */
const char *word_phrase(const char *word, enum ctl_lang);
/* S, E, O; NULL: not known. */
const char *tax_code(enum cost_tax);
/* The tax of every member's share, summed. */
int64_t tax_on_notices(const struct cost_run *);
void add_tax_line(struct buf *, const char *code, unsigned percent,
    struct str basis, enum ctl_lang);
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
/* "booking":{...}, where it is booked; nothing of a cost that says nothing. */
void add_booking(struct buf *, const struct region_cost *);
/* The object that it prints. */
void add_shares(struct buf *, const struct cost_run *, bool trace,
    const char *state);

/* ---- statement: the runs in which a tenant is a member */

/* What is closed of a period for a tenant (cost_closed.c): as it was then, and
 * all that was posted for the period by now. */
struct closed {
	PGresult *costs;   /* of each run: JSON, then cells */
	PGresult *lines;   /* of these runs, as statement_table has them */
	PGresult *entries; /* JSON, then cells */
	int64_t share;     /* of the runs */
	int64_t corrections, posted;
	int64_t deferred;  /* corrections that wait for the year's end */
};
enum hub_err closed_read(struct db *, const struct asked *,
    const struct tenant *, struct closed *) HUB_MUST_CHECK;
void closed_clear(struct closed *);
bool closed_has(const struct closed *, struct str cost);
/* The word of an entry's type for people. */
const char *entry_type(const char *word, enum ctl_lang);
/* What stands above the lines of closed runs, and below all lines. */
void closed_head(const struct ctl *, const struct closed *);
void closed_entries(const struct ctl *, const struct closed *);

void statement_table(const struct ctl *, const struct closed *,
    const struct cost_run *, unsigned n, const struct tenant *);
void statement_json(const struct closed *, const struct cost_run *, unsigned n,
    const struct tenant *);
/* Its index in the model, or -1. */
int run_member(const struct cost_run *, const struct tenant *);

/* ---- for several commands (cmd_cost.c) */

/* The region in force, or of the bundle with that number, with its costs. */
enum ctl_exit costs_in_force(struct db *, struct arena *, struct region **,
    int64_t *bundle_r) HUB_MUST_CHECK;
enum ctl_exit costs_of_bundle(struct db *, int64_t bundle, struct arena *,
    struct region **) HUB_MUST_CHECK;
/* A year or a month; NULL is the whole. */
enum ctl_exit cost_period(const char *text, struct asked *) HUB_MUST_CHECK;
/* Reads usage and shares; says what is wrong. */
enum ctl_exit cost_share(struct db *, struct cost_run *, struct arena *)
    HUB_MUST_CHECK;
/* Says the first year that the period touches in which the costs that were
 * decided to be outside of tax are above the mark of alone.h: the hub judges no
 * tax, but whoever decided wants to know. */
void warn_untaxed(const struct ctl *, const struct region *, struct period);
/* By name or AGS; says that there is none. */
const struct tenant *cost_tenant(const struct region *, const char *name);

/* ---- runs to be posted (cost_close.c): the JSON array that the functions of
 * 0013_period.sql take, and what it comes to */
struct posting {
	struct buf json;
	struct table *table; /* a row for each run */
	unsigned n;
	bool german; /* words of the table */
};
void posting_init(struct posting *);
void posting_clear(struct posting *);
/* All that the month closes: its parts of costs, those of closed months that
 * were not known then, and years of which it is the last. */
enum ctl_exit posting_close(struct db *, const struct region *, int64_t bundle,
    struct period month, struct posting *) HUB_MUST_CHECK;
/* What is closed of a period, made again from usage and amounts as they are
 * now. */
enum ctl_exit posting_correct(struct db *, const struct region *,
    const struct asked *, const char *text, struct posting *) HUB_MUST_CHECK;
/* A whole year of a cost, as it looks now. */
enum ctl_exit posting_plan(struct db *, const struct region_cost *,
    int64_t bundle, struct period year, struct posting *) HUB_MUST_CHECK;

#endif
