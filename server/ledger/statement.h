/* server/ledger/statement.h - one cost of the region in one period, shared:
 * which part of it falls into the period, what was used, who bears what.
 *
 * statement.c is pure; statement_store.c reads usage from the roll-ups. A run
 * is made of what the ledger has now, so it is provisional; what was closed is
 * in the journal (sql/schema/0013_period.sql). */
#ifndef HUB_LEDGER_STATEMENT_H
#define HUB_LEDGER_STATEMENT_H

#include "policies/region.h"
#include "server/ledger/allocation.h"
#include "sql/db.h"

enum asked_kind { ASKED_WHOLE, ASKED_YEAR, ASKED_MONTH };
struct asked {
	enum asked_kind kind;
	struct period days; /* not of ASKED_WHOLE */
};
/* "2026" or "2026-11". */
enum hub_err asked_parse(struct str, struct asked *) HUB_MUST_CHECK;

struct cost_run {
	const struct region_cost *cost;
	struct period period; /* the days of the cost that are shared */
	struct allocation_input in;
	int64_t *items; /* cents of each of the cost's; NULL: it has none */
	uint64_t *usage, *previous; /* what in points to */
	/* By range: what tenants used that are no members. */
	uint64_t *others, *previous_others;
	/* Minimum and maximum are for the year and this is a part of one. */
	bool bounds_wait;
	struct allocation result;
};

/* Value added tax on a net amount: percent, half a cent up, of a credit as of
 * a charge. It is taken of each notice's total and never shared. */
int64_t tax_on(int64_t net_cents, unsigned percent);

const struct region_cost *region_cost_find(
    const struct region *, struct str name);
/* What of a cost falls into what was asked, and on which days; of each item,
 * where items is not NULL. False: nothing does. */
bool cost_cents(const struct region_cost *, const struct asked *,
    int64_t *items, int64_t *cents_r, struct period *part_r) HUB_MUST_CHECK;
/* False: nothing of the cost falls into what was asked. Usage is 0 until
 * cost_run_usage; cost_run_share comes last. */
bool cost_run_begin(const struct region_cost *, const struct asked *,
    struct arena *, struct cost_run *) HUB_MUST_CHECK;
/* Does a component ask for usage of the period, of the year before? */
bool model_asks(const struct region_model *, enum cost_key);
/* The calendar year before the one in which the range begins: known before
 * the first day of a year, and the same for each of its months. */
struct period year_before(struct period range);

/* HUB_ECONFLICT: the model has a meter of its own, and the events that it
 * would have to count are no longer all there. */
enum hub_err cost_run_usage(struct db *, struct cost_run *) HUB_MUST_CHECK;

/* allocate() with what is in the run. */
enum hub_err cost_run_share(
    struct cost_run *, struct arena *, struct allocation_why *) HUB_MUST_CHECK;

#endif
