/* server/ngsild/narrow.h - what of a query's predicates may be left to a
 * source, as that source reads them (policy.md, 3.2: 4 and 5).
 *
 * What is written selects a superset of what the query selects, in any view
 * of the source's entities: the hub asks the view again. So it has no negation
 * (brokers differ in what is unequal, and a view may lack what the source
 * has), no pattern (theirs are other languages, and slow ones), no order of
 * texts and no times (brokers hold them as text or as instants and compare
 * accordingly), no way into values. ">" goes as ">=": doubles may not tell
 * apart what the hub does. Pure. */
#ifndef HUB_NGSILD_NARROW_H
#define HUB_NGSILD_NARROW_H

#include "server/ngsild/geometry.h"
#include "server/ngsild/query.h"

/* What a predicate on an attribute is to a source. */
enum narrow_use {
	NARROW_LOCAL = 0, /* for the hub alone */
	NARROW_ABSENT,	  /* nobody who asks sees it: it is not there */
	NARROW_PUSH
};

struct narrow {
	const struct context *context; /* the source's */
	bool alternatives;	       /* it knows "|" and parentheses */
	bool uris;	 /* ids are to it what they are to the hub */
	char quote;	 /* around its strings */
	struct names *names;
	struct arena *arena;
	enum narrow_use (*use)(const struct name *, void *arg);
	void *arg;
};

#define NARROW_TEXT_MAX ((size_t)1000)

/* q in the arena; p NULL: nothing of it can be left to the source. */
struct str narrow_q(const struct q *, const struct narrow *);

/* A term that every source takes for what it is: letters, digits, "_", "-";
 * else p is NULL. */
struct str narrow_name(const struct name *, const struct context *,
    struct arena *);

/* scopeQ in the arena; p NULL: it is too long. */
struct str narrow_scope(const struct boolexpr *, struct arena *);

/* Where all lies that a geo-query selects. The programs of the field measure
 * on other earths and draw other lines between two points: it is wider than
 * it was. */
struct geo_reach {
	bool circle;
	struct point centre; /* of a circle */
	double metres;
	struct point min, max; /* of a box */
	bool within; /* all of an entity lies in the box; else some */
};
/* false: it may lie anywhere. */
bool geo_reach(const struct geo *, struct geo_reach *);
/* The box for what lies between the corners or so many metres around; false:
 * it is too large to be drawn well, or none. */
bool geo_reach_box(struct point min, struct point max, double metres,
    struct geo_reach *);

/* The parameters of a geo-query, in the arena. */
struct geo_text {
	struct str georel, geometry, coordinates;
};
struct geo_text geo_reach_text(const struct geo_reach *, struct arena *);

#endif
