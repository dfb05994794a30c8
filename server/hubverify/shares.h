/* server/hubverify/shares.h - calculations made again: what a run says it was
 * made of, and what comes out of that here. Private to shares*.c, posted.c and
 * books.c. The rules are those of ledger.md, 6; nothing here is taken from
 * the program that made the run.
 *
 * A run comes from a database that may lie: each number has a range, in which
 * nothing here can overflow, and the work is that of its length. */
#ifndef HUB_HUBVERIFY_SHARES_H
#define HUB_HUBVERIFY_SHARES_H

#include "server/hubverify/verify.h"

typedef unsigned __int128 wide;
typedef __int128 wide_cents;

#define CENTS_MAX      INT64_C(1000000000000)
#define MEMBERS_MAX    4096
#define COMPONENTS_MAX 64
#define SHAPLEY_MAX    12
#define TIERS_MAX      1000

/* ---- shares_split.c: arithmetic */

/* n of them and one more, so that none is no case of its own. */
void *zeros(size_t n, size_t size);
/* Largest remainder: |cents| <= CENTS_MAX by n weights below 2^63, n > 0. Of
 * equal remainders the one of the smallest (k - turn) mod n goes first. False:
 * all weights are 0. */
bool split(int64_t cents, const uint64_t *weights, size_t n, unsigned turn,
    int64_t *out);
/* What month 1 to 12 pays of a year. */
int64_t twelfth(int64_t share, unsigned month);
/* Percent, half a cent away from 0. */
int64_t tax_of(int64_t net, unsigned percent);
/* Inhabitants in tiers that rise, the last one 0 for no end. */
struct tier {
	uint64_t to, weight;
};
uint64_t tiers_weigh(const struct tier *, size_t n, uint64_t inhabitants);
/* The Shapley value of each of n members, times a number that all have in
 * common. cost: of each set of members (bits), negative where it is not
 * declared; it is filled. False: some value is below 0, or a single member's
 * cost is not declared. */
bool shapley(int64_t *cost, unsigned n, uint64_t *out);

/* ---- shares_doc.c: what a run says */

enum key {
	EQUAL,
	POPULATION,
	USAGE,
	PREVIOUS,
	FIXED,
	WEIGHTS,
	STEPDOWN,
	SHAPLEY,
	NKEYS
};
enum on_zero { ZERO_ERROR, ZERO_EQUAL, ZERO_POPULATION };
enum limit { LIMIT_NONE, LIMIT_MINIMUM, LIMIT_MAXIMUM };
enum bounds { BOUNDS_NONE, BOUNDS_WAITING, BOUNDS_APPLIED };

struct component {
	const char *name;
	enum key key;
	enum on_zero zero;
	uint64_t points;
	int64_t cents;
	const struct json_t *json;
	/* One per member, NULL: the run does not say. */
	uint64_t *inhabitants, *given;
	struct tier *tiers;
	size_t ntiers;
	int64_t *alone; /* of each set of members, for SHAPLEY */
};
struct member {
	const char *ags, *tenant;
	int64_t days, raw, share;
	int64_t *parts; /* by component */
	enum limit bound;
	bool bounds_said; /* in the run; else 0 and INT64_MAX */
	int64_t minimum, maximum;
};
/* One calculation while it is looked at. */
struct run {
	struct say *say;
	struct json_t *json;
	const char *wrong; /* what has no possible value; NULL: all has */
	uint64_t id;
	const char *cost;
	int32_t from, to; /* days, both included */
	int64_t cents, whole;
	uint64_t plan; /* of an instalment; 0: it is none */
	uint64_t supersedes; /* of a correction, by its row; 0: it is none */
	char *booking; /* its accounts; NULL: it names none */
	enum bounds bounds;
	bool meter_said;
	bool consumer;	   /* who bears usage, if that is said */
	uint64_t meter[3]; /* thousandths for access, entity, kibibyte */
	size_t nmembers, ncomponents;
	struct member *members;	  /* in order of AGS */
	size_t *by_name;	  /* members in order of tenant names */
	struct component *components;
	const struct json_t *trace;
};
/* False: it is no calculation, and it was said. run_clear in any case. */
bool run_read(struct run *, uint64_t id, const char *doc, struct say *);
void run_clear(struct run *);
/* A member by its name; run->nmembers: there is none. */
size_t run_member(const struct run *, const char *tenant);
/* Readers of members of an object; what is not in range becomes *wrong. */
int64_t run_int(struct run *, const struct json_t *, const char *key,
    int64_t min, int64_t max);
const char *run_text(struct run *, const struct json_t *, const char *key);
int32_t run_date(struct run *, const struct json_t *, const char *key);
/* 1234 as "12.34", in German "12,34". */
const char *cents_text(const struct say *, int64_t cents, char out[32]);

/* ---- usage.c: what was used, by the roll-ups that rolls.c checks */

/* What a run could see: rows booked before the day sure, and maybe those of
 * the days up to maybe. Thousandths of units on the days. */
struct seen {
	int32_t sure; /* every row booked before was there */
	bool exact;   /* and no other one */
};
struct used {
	wide least, most;
};
struct asked {
	const char *ags;
	bool consumer;
	int32_t from, to; /* days, both included */
	struct seen seen;
};
/* By the usual meter, which the roll-ups have (NULL), or by another one, which
 * needs events. False: they are not all there any more. */
bool usage_of(struct usage *, const struct asked *, const uint64_t *meter,
    struct used *);

/* ---- a run while it is made again */

/* usage NULL: it is not there, or only of a month. */
struct shares_task {
	struct usage *usage;
	const char *month; /* the only one there is usage of; NULL: all */
	unsigned runs, no_figures, no_bounds, no_usage, late;
};
struct again {
	struct run *r;
	struct shares_task *task;
	struct seen seen;
	size_t at;  /* in the trace */
	bool off;   /* a step was otherwise, and it was said */
	bool lost;  /* the trace cannot be followed */
	unsigned turn;
	bool may[2]; /* who may bear usage: consumers, providers */
	int32_t from, to; /* of the range */
	size_t nwho, *who; /* its members; nwho 0: not known yet */
	bool *joined, *left; /* in the ranges before */
	bool known; /* who was in the last one */
	int64_t *parts, *shares; /* parts by member and component */
	int64_t *days, nameless; /* of membership; of ranges without parts */
	enum limit *sides;
	uint64_t *first; /* fixed weights where first seen, plus 1 */
	bool no_figures; /* some weight is only as it says itself */
};
/* What a finding begins with: number and cost. */
#define OF(a) (unsigned long long)(a)->r->id, (a)->r->cost

/* shares_step.c: the trace beside what is worked out. */

/* The step is otherwise. Said once: all later ones follow from it. */
void step_wrong(struct again *, const char *de, const char *en);
/* It is another one, and the trace cannot be followed. */
void step_lost(struct again *);
/* The next step, if it has this name. */
const struct json_t *step_peek(const struct again *, const char *name);
/* The next step, which has this name; NULL: lost. */
const struct json_t *step_next(struct again *, const char *name);
/* Does the step say so? */
bool step_number(const struct json_t *, const char *key, wide want);
bool step_text(const struct json_t *, const char *key, const char *want);
bool step_date(const struct json_t *, const char *key, int32_t want);
/* Its cents are wrong if it does not. */
void step_cents(struct again *, const struct json_t *, int64_t want);

/* shares_weight.c: the weights of a component for the members of the range;
 * zero: on-zero took their key's place. */
void weights_check(struct again *, size_t component, bool zero,
    const uint64_t *weights);
/* shares_bound.c: from parts to shares and the bounds that they have. */
void bounds_make(struct again *);

/* shares_item.c: items, where there are some, and references where they are
 * said. */
void items_check(const struct again *);
void alone_check(const struct again *);

/* ---- shares.c */

/* "WHAT WHOSE is IS, worked out again WANT" */
void say_amounts(const struct again *, const char *de, const char *en,
    const char *whose, int64_t is, int64_t want);
void run_check(struct run *, struct shares_task *, struct seen);

/* ---- balance.c: what is posted of a cost for some days */

struct line {
	char *account, *ags, *component;
	int64_t cents;
};
struct unit {
	char *cost;
	int32_t from, to; /* a month or a year */
	void *balances;	  /* by member and component */
	size_t nonzero;	  /* of them */
	bool broken;	  /* it was said that they are wrong */
};
/* In a tree of tsearch(3), where it is made if it is not there. new_r may be
 * NULL. */
struct unit *unit_of(void **tree, const char *cost, int32_t from, int32_t to,
    bool *new_r);
void unit_add(struct unit *, const struct line *);
/* 0 where nothing is posted. */
wide_cents unit_has(const struct unit *, char *ags, char *component);
void unit_free(void *);
char *text_copy(const char *);

/* ---- posted.c: entries against runs */

struct posted *posted_new(struct say *);
void posted_free(struct posted *);
/* In order of numbers; what it keeps it copies. Of an instalment it is
 * compared with its plan. */
void posted_run(struct posted *, const struct run *);
struct posting {
	uint64_t id, run, reverses; /* 0: none */
	char type[16], *cost;
	int32_t from, to; /* service, both included */
	struct line *lines;
	size_t n;
};
/* In order of numbers, after the runs. It takes what is in it. */
void posted_entry(struct posted *, struct posting *);
/* After the last one. */
void posted_end(struct posted *);

#endif
