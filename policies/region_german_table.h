/* policies/region_german_table.h - the German of what region files are told.
 * tests/messages.t fails when the parser says something that has no row. */
#ifndef HUB_POLICIES_REGION_GERMAN_TABLE_H
#define HUB_POLICIES_REGION_GERMAN_TABLE_H

struct german {
	const char *english, *german;
};

/* Templates as the parser has them; in German $1, $2 ... for what fills them.
 * Both tables end with NULL. */
extern const struct german german_templates[];
/* Fixed texts that fill them; "*" stands for anything, in the same order. */
extern const struct german german_forms[];

#endif
