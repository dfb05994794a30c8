/* server/ngsild/context_priv.h - what the files of context.h share. */
#ifndef HUB_NGSILD_CONTEXT_PRIV_H
#define HUB_NGSILD_CONTEXT_PRIV_H

#include "server/ngsild/context.h"

#define TERMS_MAX    20000
#define PREFIXES_MAX 512  /* an IRI may be tried against each of them */
#define LAYERS_MAX   16   /* URLs in one "@context" of an answer */
#define IRI_MAX_LEN  2048 /* of what a context defines */

/* Positions in some array, found by a hash of what stands there. */
struct index {
	struct index_slot {
		uint32_t hash;
		uint32_t at; /* position + 1; 0: free */
	} * slots;
	uint32_t mask, used; /* no slots while mask is 0 */
};

/* Slots live in the arena; growing leaves the old ones there. */
void index_add(struct index *, struct arena *, uint32_t hash, uint32_t at);

/* Walks the positions + 1 under a hash; 0 at the end. *i starts as hash. */
static inline uint32_t
index_next(const struct index *ix, uint32_t hash, uint32_t *i)
{
	const struct index_slot *s;

	if (ix->mask == 0)
		return (0);
	do {
		s = &ix->slots[(*i)++ & ix->mask];
		if (s->at == 0)
			return (0);
	} while (s->hash != hash);
	return (s->at);
}

struct term {
	struct str text;
	const struct name *name; /* NULL: null, or @id or @type by another
				  * name */
	bool prefix;             /* may stand before a colon */
};

/* One document, the core's terms included; or, with layers, several of them,
 * the last first. */
struct context {
	struct str url; /* empty when there are layers */
	struct term *terms;
	uint32_t nterms;
	struct index by_text;
	uint32_t *best; /* by name id: the term to write + 1 */
	uint32_t nbest;
	const struct term **prefixes;
	uint32_t nprefixes;
	const struct context *const *layers;
	uint32_t nlayers;
	/* After vocab_seal: names of the default vocabulary by their spelling
	 * (at is the name's id - 1), and every name's spelling by its id
	 * (p NULL: to be worked out), also as a JSON string. */
	struct index plain;
	struct str *spelling, *quoted;
	uint32_t nspelling;
};

struct vocab {
	struct arena *arena;
	struct name **names; /* by id - 1 */
	uint32_t nnames, names_cap;
	struct index by_iri;
	struct context **contexts; /* 0 is the core */
	uint32_t ncontexts, contexts_cap;
	struct index by_url;
};

/* NULL when not found. */
const struct term *context_term(const struct context *, struct str text);
/* Is s, under c, read as the default vocabulary's s and nothing else? */
bool context_is_plain(const struct context *, struct str s);

/* A definition resolved: iri.p NULL when the term has no IRI. */
struct draft {
	struct str term, iri;
	bool prefix;
	bool keyword; /* @id or @type by another name */
	uint8_t state;
	uint32_t node; /* the definition while it is not resolved */
};

enum draft_state {
	DRAFT_DONE,
	DRAFT_WAITING,
	DRAFT_BUSY /* being resolved: met again, it leans on itself */
};

/* A document while it is read. */
struct reading {
	const struct vocab *vocab;
	struct json json;
	struct arena *arena;
	struct draft *drafts;
	uint32_t n, cap, prefixes;
	struct index by_term;
	struct str default_vocab; /* for definitions of this document only */
	struct buf *why;
};

/* The sentence for the operator; what names the place. Gives the error back. */
enum hub_err reading_refuse(const struct reading *, enum hub_err,
    const char *sentence, struct str what);
/* NULL when this document has no such term (yet). */
struct draft *draft_find(const struct reading *, struct str term);
/* Gives a waiting draft its IRI, after those that it leans on. */
enum hub_err draft_resolve(
    struct reading *, uint32_t draft, unsigned depth) HUB_MUST_CHECK;
/* What a text means among the drafts made so far. */
enum hub_err draft_iri(struct reading *, struct str, unsigned depth,
    struct str *iri_r) HUB_MUST_CHECK;

/* Makes the drafts, and the core beneath, the context of that URL. */
void vocab_commit(
    struct vocab *, struct str url, const struct draft *, uint32_t n);

/* Scheme and no blanks: what JSON-LD takes for an IRI by its form. */
bool iri_absolute(struct str);

extern const struct core_term {
	const char *term, *iri;
} core_terms[];
extern const size_t ncore_terms;
bool core_url(struct str);

#endif
