/* server/recall.h - what a worker made of its sources' answers lately, so that
 * the same bytes need not be read, redacted, merged and written again
 * (policy.md, 3.3).
 *
 * It spares work, not questions: every source is asked each time, and what was
 * made is used only if each of them sent the very body that it was made of,
 * for the same view. Most sensors speak every few minutes, and those who draw
 * them ask every few seconds. One per worker; bounded: RECALL_SLOTS of at most
 * RECALL_BYTES, none older than RECALL_US. */
#ifndef HUB_SERVER_RECALL_H
#define HUB_SERVER_RECALL_H

#include "server/federation/fanout.h"

#define RECALL_SLOTS 128
#define RECALL_BYTES ((size_t)65536) /* of one, all in all */
#define RECALL_LEGS  16
#define RECALL_US    INT64_C(60000000)
#define ETAG_LEN     32 /* hexadecimal digits */

/* One source's part. */
struct recalled_leg {
	struct leg_known known;
	uint32_t entities;    /* of them in the view */
	uint64_t grants_used; /* bits of policy_leg.grants */
};

struct recalled {
	struct str key;	  /* all that makes the answer what it is, but data */
	struct str answer; /* the body */
	uint64_t found;   /* entities on the view, all pages */
	uint32_t shown;
	char etag[ETAG_LEN + 1]; /* of the answer */
	unsigned nlegs;
	struct recalled_leg legs[RECALL_LEGS];
};

struct recall;
struct recall *recall_new(void) HUB_MUST_CHECK;
void recall_free(struct recall *);
/* Forgets everything: another snapshot is in force. */
void recall_forget(struct recall *);

/* Forgets what is older than RECALL_US. */
void recall_sweep(struct recall *, struct mono_us now);

/* What is known under the key, or NULL; yours until recalled_unref, also when
 * it is forgotten meanwhile. */
const struct recalled *recall_find(struct recall *, struct str key,
    struct mono_us now);
void recalled_unref(const struct recalled **);
/* Copies everything; what is too large is not kept. It takes the place of
 * what is there. */
void recall_put(struct recall *, const struct recalled *, struct mono_us now);

/* The answer with gzip, once somebody had it made and put it there; else
 * empty. Copied. */
struct str recalled_coded(const struct recalled *);
void recalled_put_coded(const struct recalled *, struct str);

#endif
