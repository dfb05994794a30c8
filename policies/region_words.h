/* policies/region_words.h - what a region says, in words for people: German
 * and English texts of durations, days, attributes and transforms. Pure; all
 * texts live in the arena or are borrowed from the region. */
#ifndef HUB_POLICIES_REGION_WORDS_H
#define HUB_POLICIES_REGION_WORDS_H

#include "policies/region.h"

struct both {
	struct str en, de;
};

/* A text that needs no translation, and one from literals. */
static inline struct both
both_plain(struct str s)
{
	return ((struct both){ s, s });
}
#define BOTH(en, de) ((struct both){ STR(en), STR(de) })

/* An English template with its German one. $s, $p and so on stand for the
 * words of that letter; "$$" is a dollar. */
struct sentence {
	const char *en, *de;
};
struct word_of {
	char letter;
	struct both text;
};
/* Control characters in the words become blanks. */
struct both words_fill(struct sentence, const struct word_of *, unsigned n,
    struct arena *);

/* "90 days", "90 Tage"; a decimal number; "2 km"; 01.06.2026. */
struct both words_duration(int64_t us, struct arena *);
struct both words_decimal(uint64_t step, unsigned places, struct arena *);
struct both words_metres(double, struct arena *);
struct both words_day(struct wall_us, struct arena *);
/* The days of validity, both included; until is exclusive. */
struct both words_period(struct wall_us from, struct wall_us until,
    struct arena *);
/* "query, retrieve", "Abfrage, Abruf". */
struct both words_actions(unsigned actions, struct arena *);
/* "rounded to 0.05", "gerundet auf 0,05". */
struct both words_transform(const struct transform *, struct arena *);

/* The short name of a type or attribute of a dataset. */
struct str words_name(const struct region_dataset *, const struct name *,
    struct arena *);
/* What a share block releases: "a, b (rounded to 1)". */
struct both words_share(const struct region_dataset *,
    const struct region_share *, struct arena *);
/* Where and when it is narrowed to: "inside a, b, history 90 days"; empty: it
 * is not. */
struct both words_limits(const struct region_share *, struct arena *);
/* All areas of a list. */
struct str words_areas(const struct region_area *const *, unsigned n,
    struct arena *);

/* The transform that holds for an attribute: NULL when there is none, or when
 * allow releases the value as it is. */
const struct region_transform *share_transform_find(
    const struct region_share *, struct str attr_iri);
/* Is the attribute (sub NULL) or sub-attribute in allow? Compares IRIs, for
 * names of two regions. */
bool share_allows_iri(const struct region_share *, struct str attr_iri,
    struct str sub_iri);

#endif
