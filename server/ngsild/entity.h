/* server/ngsild/entity.h - an entity as a list of spans over a broker's
 * answer, and its representations (ETSI GS CIM 009, 4.5).
 *
 * Reading never copies a value. What policy does not release is taken out of
 * the lists (policies/redact.c); everything later sees only what is left. */
#ifndef HUB_NGSILD_ENTITY_H
#define HUB_NGSILD_ENTITY_H

#include "server/base/clock.h"
#include "server/ngsild/context.h"
#include "server/ngsild/json.h"

enum attr_kind {
	ATTR_NONE = 0, /* no value member of a known kind: is dropped */
	ATTR_PROPERTY,
	ATTR_RELATIONSHIP,
	ATTR_GEO,
	ATTR_LANGUAGE,
	ATTR_JSON,
	ATTR_VOCAB,
	ATTR_LIST,
	ATTR_LIST_RELATIONSHIP
};

/* One answer of one source. */
struct document {
	struct json json;
	const struct context *context; /* in which its names are written */
	int64_t priority;	       /* merge order; smaller wins */
	struct str dataset;	       /* then this, in byte order */
	bool auxiliary; /* only adds what no other document has */
};

/* "Property", "Relationship", ... and "value", "object", ...; kind is not
 * ATTR_NONE. */
struct str attr_kind_type(enum attr_kind);
struct str attr_kind_member(enum attr_kind);

/* What of an attribute beyond type, value, observedAt, unitCode and datasetId
 * is released. all: every sub-attribute; own: what its source says of it
 * besides (expiresAt, deletedAt, previousValue, ...), to its owner alone. */
struct release {
	bool all, own;
	bool created_at, modified_at; /* system members of the attribute */
	unsigned nsubs;
	const struct name *const *subs; /* sub-attributes by path */
};
extern const struct release release_all, release_bare;
/* What is released of a sub-attribute that is: all below it, but of its system
 * members those that its attribute shows too, since they tell the same. */
const struct release *release_below(const struct release *);

struct instance {
	const struct name *name;
	struct str dataset_id; /* p NULL: the default instance */
	const struct document *doc;
	const struct release *release;
	uint64_t grants; /* which release it (policies/redact.h) */
	uint32_t node;	/* the attribute's object */
	uint32_t value; /* its value, object, languageMap, ... member */
	/* value nodes or 0; expires_at may be the entity's (merging) */
	uint32_t observed_at, modified_at, expires_at;
	enum attr_kind kind;
	/* Its bytes are those that entity_write would put together of it in
	 * normalized form, whatever its release: it has nothing to withhold
	 * and nothing to write otherwise. */
	bool whole;
	/* It says by its type or a value member that it is an attribute, and is
	 * none: its value is missing, or a target is an inlined entity. */
	bool broken;
};

/* Keeps an instance as the n-th of its list, when others before it were taken
 * out: mostly none was, and it stands there already. */
static inline void
instance_keep(struct instance *list, unsigned n, const struct instance *in)
{
	if (&list[n] != in)
		list[n] = *in;
}

#define ENTITY_TYPES_MAX     16
#define ENTITY_INSTANCES_MAX 1024
#define ENTITY_SERIES_MAX    250000

/* A value somewhere in an answer: a merged entity's members need not come
 * from one source. */
struct member {
	const struct document *doc;
	uint32_t node; /* 0: none */
};

struct entity {
	struct str id;
	unsigned ntypes, ninstances;
	struct instance *instances; /* grouped by name in order of the source */
	bool ends; /* as read: it, or an instance, says when it expires */
	/* System members; node 0 when absent or not released. */
	struct member scope, created_at, modified_at, expires_at;
	/* Last: what of it is not used need not be in a cache. */
	const struct name *types[ENTITY_TYPES_MAX];
};

/* Reads the object at node. Accepts what real brokers send (sources.md §1):
 * attributes as arrays of one instance, attributes without "type" (inferred
 * from the value member). HUB_ESYNTAX: no object, no id that is a URI of at
 * most 1024 bytes, no type, too many types or instances, one attribute
 * under two spellings. "@context" inside is skipped (the
 * caller handled it). A member that is no attribute by its form (a number,
 * say) is an instance of kind ATTR_NONE. An entity of a list is read sooner
 * behind the one before it (json.h, alike): documents stay as long as names. */
enum hub_err entity_read(const struct document *, uint32_t node,
    struct names *, struct arena *, struct entity *) HUB_MUST_CHECK;

/* The same of an evolution (5.2.20), whose attributes may have up to
 * ENTITY_SERIES_MAX instances together; names are no more than there. */
enum hub_err entity_read_series(const struct document *, uint32_t node,
    struct names *, struct arena *, struct entity *) HUB_MUST_CHECK;

/* Fills kind, value, times and datasetId of an instance whose doc and node
 * are set; release and name stay. */
void instance_classify(struct instance *, struct arena *);
/* The string that is meant where one belongs: node itself, or the "@value" or
 * "value" of an object around it (sources.md §2); 0: none. */
uint32_t member_text(const struct json *, uint32_t node);
/* The time in a member, or WALL_ABSENT when node is 0 or it is no DateTime. */
struct wall_us entity_time(const struct document *, uint32_t node);
/* A sub-attribute or member of an instance that is released; 0 if none. A
 * broken one is none, and an inlined entity is never released. */
uint32_t instance_sub(const struct instance *, struct names *,
    const struct name *sub);
/* Is sub among what r releases beside the bare instance? */
bool release_has(const struct release *r, const struct name *sub);
/* First instance of an attribute (its default instance if it has one). */
const struct instance *entity_attr(const struct entity *, const struct name *);
bool entity_has_type(const struct entity *, const struct name *);

enum entity_format { ENTITY_NORMALIZED, ENTITY_KEY_VALUES, ENTITY_CONCISE };

struct entity_out {
	enum entity_format format;
	bool sys_attrs;
	bool ld; /* application/ld+json: "@context" goes into the entity */
	bool hide_id, hide_type; /* left out by pick or omit */
	/* LanguageProperty as a Property in one language: ranges as a query
	 * has them (RFC 4647); p NULL: in all. */
	struct str lang;
	const struct context *context; /* the client's */
	struct names *names;
	unsigned nattrs; /* projection; attrs NULL: all */
	const struct name *const *attrs;
};

/* Appends the entity as one JSON object. Concise leaves "type" out where the
 * value member or the value tells it, and a Property or GeoProperty without
 * members is its value alone, unless that could be read as anything else. */
void entity_write(const struct entity *, const struct entity_out *,
    struct buf *);
/* The same as a GeoJSON Feature. Its geometry is that of the GeoProperty named,
 * preferably of the default instance; null when that is not there, not among
 * the attributes to show or no geometry. */
void entity_write_feature(const struct entity *, const struct entity_out *,
    const struct name *geometry_property, struct buf *);

#endif
