/* policies/region_diff_priv.h - the parts of a comparison. Private to
 * policies/region_diff*.c. */
#ifndef HUB_POLICIES_REGION_DIFF_PRIV_H
#define HUB_POLICIES_REGION_DIFF_PRIV_H

#include "policies/region_diff.h"
#include "policies/region_words.h"

struct diff {
	const struct region *before, *after; /* before may be NULL */
	struct arena *arena;
	struct region_change *v;
	unsigned n, cap;
};

/* The words of a sentence: $s subject, $p provider, $c consumer, $z purpose,
 * $t type, $x what, $o old value, $n new value. */
struct about {
	struct both s, p, c, z, t, x, o, n;
};

void diff_say(struct diff *, enum change_kind, struct sentence,
    const struct about *);

/* The members of a block that are judged one by one. */
enum field_type {
	FT_STR,	    /* struct str */
	FT_BYTES,   /* struct str, too long to show */
	FT_BOOL,    /* bool */
	FT_INT,	    /* int or unsigned below 2^31 */
	FT_I64,	    /* int64_t */
	FT_SECONDS, /* int64_t */
	FT_US,	    /* int64_t */
	FT_MS,	    /* int */
	FT_WALL,    /* struct wall_us; WALL_ABSENT: none */
	FT_WORD	    /* an enum or unsigned, shown by words */
};
enum field_rule {
	RULE_NEUTRAL, /* nobody gets more or less */
	RULE_WIDENS,  /* cannot be judged */
	RULE_MORE,    /* more widens, less narrows */
	RULE_LESS     /* more narrows, less widens */
};
struct diff_field {
	struct sentence name;
	size_t offset;
	enum field_type type;
	enum field_rule rule;
	const struct sentence *words; /* FT_WORD */
};
/* a->s is the subject. */
void diff_fields(struct diff *, const struct diff_field *, unsigned n,
    const void *before, const void *after, struct about *);
/* One value that was and is given as text; equal ones say nothing. */
void diff_text(struct diff *, enum change_kind, struct sentence name,
    struct str before, struct str after, struct about *);

/* A list: what is new of it widens, what is gone narrows; unless neutral.
 * Items are compared by key and shown as text. */
struct diff_item {
	struct str key, text;
};
void diff_items(struct diff *, struct sentence name, const struct diff_item *,
    unsigned nbefore, const struct diff_item *, unsigned nafter, bool neutral,
    struct about *);
/* The same of texts that are their own keys. */
void diff_list(struct diff *, struct sentence name, const struct str *before,
    unsigned nbefore, const struct str *after, unsigned nafter, bool neutral,
    struct about *);
/* Bits with names in order, ending in an empty one. */
void diff_bits(struct diff *, struct sentence name,
    const struct sentence *words, unsigned before, unsigned after,
    bool neutral, struct about *);

/* A block that is new or gone. */
void diff_new(struct diff *, enum change_kind, struct about *);
void diff_gone(struct diff *, enum change_kind, struct about *);

/* "tenant kamen", "Mandant kamen". */
struct both diff_subject(struct diff *, struct sentence kind, struct str name);

bool geometry_same(const struct geometry *, const struct geometry *);
/* Does an agreement in force use it? */
bool diff_shares_dataset(const struct region *, struct str dataset);

void diff_parties(struct diff *);    /* region_diff_party.c */
void diff_issuers(struct diff *);
void diff_purposes(struct diff *);
void diff_contexts(struct diff *);   /* region_diff_source.c */
void diff_sources(struct diff *);
void diff_datasets(struct diff *);
void diff_areas(struct diff *);	     /* region_diff_area.c */
/* region_diff_share.c */
void diff_shares(struct diff *, const struct region_agreement *,
    const struct region_agreement *, struct about *);
void diff_agreements(struct diff *); /* region_diff_agreement.c */
void diff_forbids(struct diff *);
void diff_costs(struct diff *);	     /* region_diff_cost.c */

#endif
