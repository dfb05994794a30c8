/* server/decision_words.h - a line of the decision log in sentences, German
 * and English, for the one who asked and for operators. Pure.
 *
 * What is said here follows from the line alone, and may be told to the
 * tenant whose request it was: nothing of what was left out, of other
 * tenants, nor how many entities a source sent. */
#ifndef HUB_SERVER_DECISION_WORDS_H
#define HUB_SERVER_DECISION_WORDS_H

#include "policies/region_words.h"
#include "server/decision.h"

struct decision_sentence {
	const struct decision_source *source; /* NULL: the request as such */
	struct str code;		      /* or empty */
	struct both text;
};

struct decision_words {
	unsigned n;
	struct decision_sentence v[8 + 3 * DECISION_SOURCES_MAX];
};

/* In the arena: who asked what, what was decided, each source. */
struct decision_words *decision_words(const struct decision *, struct arena *)
    HUB_MUST_CHECK;

/* The last part of an IRI: what people call it. */
struct str decision_short_name(struct str iri);

#endif
