/* policies/region_cost.h - what the platform costs and how the cost is shared,
 * as region files have it (blocks cost and model; hub-policy.5). All figures
 * are resolved: one per member, members in order of AGS. server/ledger/
 * allocation.h makes shares of it. */
#ifndef HUB_POLICIES_REGION_COST_H
#define HUB_POLICIES_REGION_COST_H

#include "server/base/clock.h"
#include "server/base/money.h"
#include "tenants/tenant.h"

#define COST_DAYS_MAX       36525 /* a cost runs for a hundred years at most */
#define COST_COMPONENTS_MAX 64
#define COST_ITEMS_MAX      1000
#define COST_SHAPLEY_MAX    12 /* members; 2^12 coalitions */

/* What a component is shared by. */
enum cost_key {
	KEY_EQUAL,
	KEY_POPULATION,
	KEY_USAGE,
	KEY_PREVIOUS_USAGE, /* of the calendar year before */
	KEY_FIXED,
	KEY_WEIGHTS,
	KEY_STEPDOWN,
	KEY_SHAPLEY
};
/* What takes its place where every weight is 0. */
enum cost_zero { ZERO_ERROR, ZERO_EQUAL, ZERO_POPULATION };
enum cost_party { PARTY_CONSUMER, PARTY_PROVIDER };
enum cost_per { PER_YEAR, PER_MONTH };

/* Inhabitants above the tier before and up to this number weigh so much each;
 * the last tier has no end. */
struct cost_tier {
	uint64_t up_to; /* 0: no end */
	unsigned weight;
};

/* What these members (bits by their index) would pay on their own. */
struct cost_coalition {
	uint32_t members;
	struct money amount;
};

struct region_component {
	struct str name;
	unsigned basis_points;
	enum cost_key key;
	enum cost_zero on_zero;
	struct wall_us key_date;     /* of inhabitants; absent: none needed */
	const uint64_t *inhabitants; /* one per member, or NULL */
	/* KEY_FIXED (cents) and KEY_WEIGHTS: one per member, else NULL */
	const uint64_t *given;
	unsigned ntiers, ncoalitions;
	const struct cost_tier *tiers;
	const struct cost_coalition *coalitions; /* each single one is there */
};

struct region_member {
	const struct tenant *tenant;
	struct wall_us from, to;       /* days, both included */
	struct money minimum, maximum; /* INT64_MAX cents: no maximum */
	/* What it would pay on its own, for a year or month as the bounds; no
	 * part of any share. INT64_MAX cents: not known. */
	struct money alone;
};

struct region_meter {
	unsigned access, entity, kib; /* thousandths of a unit */
};

struct region_model {
	struct str name, clause;
	unsigned version;
	enum cost_per per; /* what minimum and maximum are for */
	enum cost_party party;
	struct region_meter meter;
	bool bounded; /* some member has a minimum or maximum */
	unsigned nmembers, ncomponents;
	const struct region_member *members;
	const struct region_component *components; /* as in the file */
};

/* Value added tax as finance staff decided it; the hub decides nothing. The
 * letters are those of UNTDID 5305. */
enum cost_tax {
	TAX_UNKNOWN,
	TAX_STANDARD, /* S: at tax_rate */
	TAX_EXEMPT,   /* E */
	TAX_OUTSIDE   /* O: not subject to it */
};

/* A charge or a credit that a cost is made of. */
struct region_item {
	struct str name, title, voucher; /* the last two may be empty */
	struct money amount;             /* below 0: a credit */
	struct wall_us from, to;         /* days of the cost, both included */
};

struct region_cost {
	struct str name, title;
	/* Where finance staff book it (Kostenstelle, Kostentraeger, Sachkonto);
	 * each may be empty. */
	struct str cost_centre, cost_unit, account;
	enum cost_tax tax;
	unsigned tax_rate;    /* percent, 0 but for TAX_STANDARD */
	struct str tax_basis; /* what the decision rests on; may be empty */
	/* The sum of the items where there are any; below 0: a credit. */
	struct money amount;
	unsigned nitems;
	const struct region_item *items; /* as in the file */
	/* A correction that differs by less for every member waits for the
	 * year's end; 0: none does. */
	struct money correct_from;
	struct wall_us from, to; /* days, both included */
	const struct region_model *model;
};

#endif
