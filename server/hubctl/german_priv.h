/* server/hubctl/german_priv.h - the table behind german.h. */
#ifndef HUB_HUBCTL_GERMAN_PRIV_H
#define HUB_HUBCTL_GERMAN_PRIV_H

#include <stddef.h>

#define GERMAN_PARTS 5 /* of a message that vary */

/* In English * is what varies, in German $1 to $5 are these in their order, and
 * $$ is a dollar. The first phrase that fits is taken: narrow ones stand before
 * wide ones. */
struct phrase {
	const char *en, *de;
};
extern const struct phrase german_phrases[];
extern const size_t german_nphrases;

#endif
