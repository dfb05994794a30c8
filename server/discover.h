/* server/discover.h - which types and attributes a consumer may see for a
 * purpose: from registrations and agreements alone, no source is asked. What
 * is listed is possibly available (ETSI GS CIM 009, 5.7.11). Pure. */
#ifndef HUB_SERVER_DISCOVER_H
#define HUB_SERVER_DISCOVER_H

#include "policies/policy.h"

/* Whose names come first: the same pairs are read in both ways. */
enum discover_by { DISCOVER_TYPES, DISCOVER_ATTRIBUTES };

/* A name, and another that goes with it: of a type an attribute, of an
 * attribute a type. other is NULL in the one entry of a type itself. */
struct discovered {
	const struct name *name, *other;
	struct str text, other_text; /* as the client's context writes them */
};

/* What the legs show, by text, then by other, in byte order, nothing twice.
 * Own data is shown as registered, other data as far as a grant releases an
 * attribute that no forbid takes back. */
struct discovery {
	enum discover_by by;
	const struct context *context;
	struct arena *arena;
	struct discovered *v;
	uint32_t n, cap;
	uint32_t *slots; /* by both names: place in v + 1; 0: free */
	uint32_t mask;
};
void discover_init(struct discovery *, enum discover_by,
    const struct context *, struct arena *);
/* Several calls for one view: what either list of legs shows. */
void discover_legs(struct discovery *, const struct policy_leg *, unsigned n);
/* After the last legs: writes the names and brings them in order. */
void discover_sort(struct discovery *);

/* How the answer is written. */
struct discover_out {
	const struct discovery *what;
	struct str hub_name; /* for the id of a list */
	struct str ld;	     /* the URL for "@context"; p NULL: none */
};
/* The names (EntityTypeList, AttributeList; 5.2.24, 5.2.27), or the details of
 * each (EntityType, Attribute; 5.2.25, 5.2.28). How many there are. */
uint32_t discover_list(const struct discover_out *, bool details, struct buf *);
/* One of them (EntityTypeInfo, Attribute; 5.2.26, 5.2.28); false: it is not
 * there. Counts are estimates, and ours is 0: the hub holds no entity, and
 * asking for them is what 5.7.11 spares. */
bool discover_one(const struct discover_out *, const struct name *,
    struct buf *) HUB_MUST_CHECK;

#endif
