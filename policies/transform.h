/* policies/transform.h - values that a consumer sees only changed: rounded,
 * truncated, replaced (policy.md §9, "Transforms"). Pure.
 *
 * Numbers are decimals of any length, never floating point; only the grid,
 * whose cells are on the globe, computes with doubles. */
#ifndef HUB_POLICIES_TRANSFORM_H
#define HUB_POLICIES_TRANSFORM_H

#include "server/base/hash.h"
#include "server/ngsild/entity.h"

enum transform_kind {
	TRANSFORM_ROUND,     /* the nearest multiple, halves away from zero */
	TRANSFORM_GRID,	     /* the centre of the cell that a Point is in */
	TRANSFORM_BUCKET,    /* the multiple below */
	TRANSFORM_TRUNC_TIME, /* the value and its observedAt, in UTC */
	TRANSFORM_SUPPRESS,  /* numbers below a limit are dropped */
	TRANSFORM_PSEUDONYM, /* another name, always the same one */
	TRANSFORM_CONSTANT
};
#define TRANSFORM_KINDS 7

/* step < 10^18: a number of 18 characters, as region files have them. */
#define TRANSFORM_STEP_CHARS 18
/* A number that has more digits before the place that is rounded to is
 * dropped like a value of the wrong kind; doubles have up to 309. */
#define TRANSFORM_DIGITS_MAX 400
#define PSEUDONYM_KEY_LEN    SHA256_LEN

struct transform {
	enum transform_kind kind;
	uint64_t step;	 /* round, bucket: step / 10^places; not 0 */
	unsigned places;
	double metres;	 /* grid: the side of a cell */
	int64_t us;	 /* trunc-time: a multiple of seconds */
	unsigned below;	 /* suppress */
	struct str text; /* constant */
	/* pseudonym: PSEUDONYM_KEY_LEN bytes; NULL: none, drops everything */
	const unsigned char *key;
};

/* "0.05" as a step: digits with at most one point inside, not zero, at most
 * TRANSFORM_STEP_CHARS long (region_value.c has checked that). */
void transform_step(struct transform *, struct str decimal);
/* Do both make the same of every value? */
bool transform_same(const struct transform *, const struct transform *);

/* Changes an instance of a source into the one that may be seen: its value,
 * and of its members those that travel with every released attribute, on a
 * document of its own in the arena. false: it is dropped, since the value is
 * not of the kind that the transform is for, or suppressed. */
bool transform_apply(const struct transform *, struct instance *,
    struct arena *) HUB_MUST_CHECK;

/* round and bucket alone: a JSON number, checked already, to another one
 * without exponent and superfluous zeros. false: too many digits. */
bool transform_number(const struct transform *, struct str number,
    struct buf *out) HUB_MUST_CHECK;
/* grid alone. */
struct point;
struct point transform_cell(const struct transform *, struct point);

/* The key of one attribute under one agreement, from the hub's own. */
void pseudonym_key(struct str master, struct str agreement, struct str attr_iri,
    unsigned char key_r[PSEUDONYM_KEY_LEN]);

#endif
