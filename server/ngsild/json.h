/* server/ngsild/json.h - a broker's JSON as a tape of spans (RFC 8259).
 *
 * One strict pass checks the text (grammar, UTF-8, depth, duplicate member
 * names after decoding, lone surrogates) and notes where each value stands;
 * no value is converted, so bytes leave as they came. A tape is an array of
 * nodes in document order: an object is followed by key, value, key, value;
 * an array by its elements; node.next steps over a whole subtree.
 *
 *   for (k = obj + 1; k < j->nodes[obj].next; k = j->nodes[k + 1].next)
 *   	use key k and value k + 1;
 *   for (e = arr + 1; e < j->nodes[arr].next; e = j->nodes[e].next)
 *   	use element e;
 */
#ifndef HUB_NGSILD_JSON_H
#define HUB_NGSILD_JSON_H

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/str.h"

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* The most nodes of a tape, whatever its limit. */
#define JSON_NODES_MAX UINT32_C(0xffffff)

/* Sixteen bytes, one vector: of large answers the tape is what leaves the
 * caches first, since it is larger than the text. */
struct json_node {
	uint32_t off;	/* first byte of the value; strings: the opening quote */
	uint32_t len;	/* of the whole value with its quotes or brackets */
	uint32_t count; /* members (pairs) or elements */
	uint32_t next : 24; /* index of the node behind this value's subtree */
	uint32_t kind : 3;  /* enum json_kind */
	bool escaped : 1;   /* a string that holds a backslash */
	bool name : 1;	    /* of a member */
	/* An object in an array that has the same names in the same order and
	 * the same kinds of values as the element before it, all the way down
	 * (null, true, false and numbers are one kind; a string with escapes is
	 * another one). It was found by comparing bytes: false says nothing.
	 * So its nodes are as many, and in the same places, as the other's. */
	bool alike : 1;
	/* Anything but an array or object, in an element that is alike: its
	 * bytes are those in the same place of the element before. Where such
	 * elements are in each other it tells of the outermost. */
	bool same : 1;
};
_Static_assert(sizeof(struct json_node) == 16, "one vector");

struct json {
	const char *text; /* borrowed; must outlive the tape */
	uint32_t len;
	uint32_t n;		 /* nodes in use; node 0 is the root */
	struct json_node *nodes; /* in the arena */
	/* Some member's name begins with "@", or has escapes. */
	bool odd_names;
};

struct json_limits {
	uint32_t depth;	  /* nesting of arrays and objects; 32 */
	uint32_t members; /* of one object; 1024 */
	uint32_t nodes;	  /* of the whole text; at most JSON_NODES_MAX count */
};
#define JSON_LIMITS_BROKER ((struct json_limits){ 32, 1024, 8000000 })

/* HUB_ESYNTAX: not JSON, not UTF-8, duplicate member names or bytes behind
 * the value. HUB_EFULL: over a limit (or text of 4 GiB). The tape lives in
 * the arena. */
enum hub_err json_parse(struct json *, struct str text,
    const struct json_limits *, struct arena *) HUB_MUST_CHECK;

/* The nodes to allow for a text of len bytes so that its tape takes at most
 * room bytes of the arena: as many as it can have, or fewer; 0: it cannot be
 * read in there. And what json_parse takes at most when so many are allowed
 * (decoded names apart, which are no longer than the text). */
uint32_t json_nodes_fit(size_t len, size_t room, const struct json_limits *);
size_t json_tape_bytes(size_t len, uint32_t nodes);

/* The value's bytes as sent. */
static inline struct str
json_span(const struct json *j, uint32_t node)
{
	return ((struct str){ j->text + j->nodes[node].off,
	    j->nodes[node].len });
}

/* A string between its quotes, as sent (escapes not decoded). */
static inline struct str
json_raw(const struct json *j, uint32_t node)
{
	return ((struct str){ j->text + j->nodes[node].off + 1,
	    j->nodes[node].len - 2 });
}

/* A string decoded; copied to the arena only when it holds escapes. */
struct str json_text(const struct json *, uint32_t node, struct arena *);
/* Does string node (decoded) equal s? Never allocates. */
bool json_is(const struct json *, uint32_t node, struct str s);
/* The value of a member of object obj, or 0 (the root is no member). */
uint32_t json_member(const struct json *, uint32_t obj, struct str name);
/* Exact comparison of two JSON number texts as decimals: <0, 0, >0. Linear,
 * whatever the exponents (their size is compared, not expanded). */
int json_number_cmp(struct str, struct str);
/* A number as double, for geometry only. */
bool json_double(const struct json *, uint32_t node, double *) HUB_MUST_CHECK;

#endif
