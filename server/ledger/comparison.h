/* server/ledger/comparison.h - what a platform costs over years in several
 * ways of having one (ledger.md, 7): what is not known stays unknown, and
 * instead of a winner it says at which price two ways cost the same.
 *
 * Pure: figures in, cells out. No discounting, no price rise. */
#ifndef HUB_LEDGER_COMPARISON_H
#define HUB_LEDGER_COMPARISON_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/buf.h"

#define COMPARISON_MAX 64 /* scenarios */
#define COMPARISON_UNKNOWN (-1)
/* The years of the columns, and those that break-even is taken over. */
#define COMPARISON_YEARS 4
#define COMPARISON_SPAN	 5
extern const unsigned comparison_years[COMPARISON_YEARS];

/* Texts are borrowed and end with a NUL; amounts are cents, 0 to 10^12, or
 * COMPARISON_UNKNOWN. */
struct scenario {
	struct str name, title;
	struct str title_de; /* empty: title is in every language */
	int64_t setup, yearly;
	int64_t staff;	  /* a year, of the town itself: shown beside */
	int64_t alone;	  /* a year of doing it alone; unknown: no such test */
	int64_t inhabitants; /* or unknown */
	struct str influence, location, leaving; /* empty: unknown */
};

struct comparison {
	unsigned n;
	struct scenario v[COMPARISON_MAX];
};

/* The ten of the specification. */
void comparison_default(struct comparison *);
struct str scenario_title(const struct scenario *, bool german);

/* Set-up and that many years; what is unknown is 0. *years_r: how many times
 * the unknown amount of a year (f) comes on top, *setup_r: the unknown set-up
 * (s), too. */
int64_t scenario_total(const struct scenario *, unsigned years,
    unsigned *years_r, bool *setup_r);
/* "205000.00" or with a comma; of a page "205,000.00" or "205.000,00". */
enum scenario_form {
	SCENARIO_PLAIN,
	SCENARIO_DE,
	SCENARIO_PAGE,
	SCENARIO_PAGE_DE
};
/* "205000.00", "25000.00+3f", "3f", "s+165000.00". */
void scenario_cell(const struct scenario *, unsigned years,
    enum scenario_form, struct buf *);
/* The year's price at which it costs over COMPARISON_SPAN years what the
 * other does, rounded down to a cent; false: its own price is known, more is
 * not known than that, or the other is always cheaper. */
bool scenario_break_even(const struct scenario *, const struct scenario *other,
    int64_t *cents_r) HUB_MUST_CHECK;
/* The first year, up to 50, from which on it is cheaper than the other, which
 * was not dearer before; 0: none, or something is not known. */
unsigned scenario_cheaper_from(const struct scenario *,
    const struct scenario *other);
/* Cents a head and year over COMPARISON_SPAN years, half up; false: unknown. */
bool scenario_per_head(const struct scenario *, int64_t *cents_r)
    HUB_MUST_CHECK;

/* All of it as one JSON object. */
void comparison_json(const struct comparison *, struct buf *);
/* A row for each scenario (report.h says of which form). */
void comparison_csv(const struct comparison *, bool german, struct buf *);
/* A page to print, without script and without anything to fetch. */
void comparison_page(const struct comparison *, bool german, struct buf *);

#endif
