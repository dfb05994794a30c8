/* server/ngsild/query.h - the parameters of an entity query, in a URL or in a
 * body, the query language q, the geo-query and scopeQ (ETSI GS CIM 009, 4.9,
 * 4.10, 4.17, 4.19, 4.21, 5.2.23, 6.4.3.2, 6.23.3.1).
 *
 * Pure. Parsed once, evaluated on the consumer's view only: what is not in
 * the view does not exist (a comparison is false, "!name" is true). */
#ifndef HUB_NGSILD_QUERY_H
#define HUB_NGSILD_QUERY_H

#include "server/net/http_parse.h"
#include "server/ngsild/context.h"
#include "server/ngsild/entity.h"

#define QUERY_IDS_MAX       1000
#define QUERY_NAMES_MAX     200
#define QUERY_SELECTORS_MAX 100
#define QUERY_PATTERNS_MAX  10 /* of all selectors */
#define QUERY_DATASETS_MAX  100
#define QUERY_LIMIT_DEFAULT 20
#define QUERY_LIMIT_MAX     1000
#define Q_DEPTH_MAX         16
#define Q_TERMS_MAX         64
#define GEO_VERTICES_MAX    1000

struct q;        /* a parsed q expression */
struct geo;      /* a parsed geo-query */
struct geometry;
struct boolexpr; /* a parsed type selection or scopeQ */

/* One element of "entities" in a body; what is not given restrains nothing. */
struct selector {
	struct boolexpr *type_expr;    /* NULL: any type */
	struct str id;                 /* p NULL: none */
	struct pattern *id_pattern_re; /* NULL: none */
};

struct query {
	/* Every name that type mentions, which is what planning needs: no
	 * entity without one of them matches. 0: type not given, "*", or not
	 * in every selector. */
	unsigned ntypes;
	const struct name **types;
	struct boolexpr *type_expr; /* what is meant; NULL: none */
	bool any_type; /* type=* : the answer is [] (federation.md §1.2) */
	unsigned nselectors; /* of a body; any of them may match */
	struct selector *selectors;
	unsigned nids; /* of a body: only if every selector has one */
	struct str *ids;
	struct str id_pattern;         /* p NULL: none; text as sent */
	struct pattern *id_pattern_re; /* compiled */
	unsigned nattrs;
	const struct name **attrs; /* NULL: none given */
	/* Projection to attributes (4.21); it selects no entity. An attribute
	 * is shown if pick is NULL or has it, and omit has it not. */
	unsigned npick, nomit;
	const struct name **pick, **omit;    /* NULL: none given */
	bool hide_id, hide_type, hide_scope; /* the outcome of both */
	/* Instances to show; ndatasets 0 and not default_instance: all. */
	unsigned ndatasets;
	struct str *datasets;
	bool default_instance; /* "@none" */
	struct str lang; /* p NULL: none; language ranges as sent (RFC 4647) */
	struct q *q;
	struct geo *geo;
	struct boolexpr *scope_q;
	struct q *csf; /* over registrations, not over entities */
	const struct name *geometry_property; /* of GeoJSON; NULL: location */
	uint32_t limit, offset;
	bool count;
	bool local;
	bool split_entities, split_entities_given;
	bool entity_map; /* the result is to be kept (5.5.9.3) */
	int64_t entity_map_us; /* for so long; 0: not said */
	enum entity_format format;
	bool sys_attrs;
};

/* A URI as ids and q have it (RFC 3986, 3): a scheme, a colon, something
 * behind it; no blanks, quotes, controls, brackets of any kind but round and
 * square ones; at most 1024 bytes. */
bool query_is_uri(struct str);

/* What is wrong with a request, for the problem document. */
struct query_error {
	int status;         /* 400, 403 (limit), 501 */
	const char *type;   /* "BadRequestData", "TooManyResults", ... */
	const char *detail; /* English, fixed text or in the arena */
};

/* retrieve: the parameters of GET entities/{id} (attrs, options, ...), not of
 * a query. Known to the standard but not to this version: 501 with the name.
 * Unknown: 400 with the name. A query needs one of type, attrs, q, georel or
 * local=true, id alone is 400 "too wide" unless a type or attrs stands beside
 * it (5.7.2.4; id, idPattern, scopeQ, pick and omit do not count). orderBy,
 * collation, orderFrom: 400. limit above 1000: 403 TooManyResults; limit=0
 * only with count=true. count and local take true or false only. pick beside
 * attrs: 400; a nested projection a{b}: 501. All in the arena. */
enum hub_err query_parse(const struct http_uri *, bool retrieve,
    const struct context *, struct names *, struct arena *, struct query *,
    struct query_error *) HUB_MUST_CHECK;

/* The same for POST entityOperations/query: a Query object, parsed by the same
 * rules, whose page and representation (limit, offset, count, local, options,
 * format, geometryProperty) are in the URL. "@context" is skipped, the caller
 * handled it. A selector may be empty; type counts as given if every selector
 * has one. The tape must outlive the query. */
enum hub_err query_parse_body(const struct json *, const struct http_uri *,
    const struct context *, struct names *, struct arena *, struct query *,
    struct query_error *) HUB_MUST_CHECK;

/* Each is true when the query does not ask. One of the types that it names at
 * all; */
bool query_names_type(const struct query *, const struct name *type);
/* the type selection (4.17); */
bool query_type_match(const struct query *, const struct entity *);
/* one of the types that it names at all, one of its ids, and its idPattern:
 * what each source's part of an entity must satisfy; */
bool query_asked(const struct query *, const struct entity *);
/* any of a body's selectors; */
bool query_selectors_match(const struct query *, const struct entity *);
/* scopeQ on the entity's own scope, a string or an array of them. */
bool query_scope_match(const struct query *, const struct entity *);
/* attrs: one of them; */
bool query_attrs_match(const struct query *, const struct entity *);
/* q, geo and scopeQ, which may be left to a source; */
bool query_filter_match(const struct query *, const struct entity *,
    struct names *);
/* all of these and ids. */
bool query_match(const struct query *, const struct entity *, struct names *);
/* May the whole of an entity fail query_match though its parts were asked for
 * (query_asked) and have one of the attributes? */
bool query_selects_late(const struct query *);

/* Takes out of the entity, in place, the attributes, instances and scope that
 * pick, omit and datasetId leave out. attrs is entity_write's; hide_id and
 * hide_type are for who writes. To be done last: predicates see the whole. */
void query_project(const struct query *, struct entity *);

/* q alone. Grammar 4.9: ; (which binds tighter) and |, parentheses, == != >
 * >= < <= ~= !~=, unary existence and !existence, attribute paths a.b
 * (sub-attribute or observedAt, unitCode, datasetId, createdAt, modifiedAt),
 * a[b.c] (value path), values: numbers, "strings", true, false, dates, lists
 * a,b and ranges a..b, URIs for relationships. IRIs as attribute names in q
 * are refused. ~= and !~= take the pattern language of pattern_new and are
 * both false for values of more than 4 KiB. At most 4096 bytes, 200 values. */
enum hub_err q_parse(struct str text, const struct context *, struct names *,
    struct arena *, struct q **, const char **why_r) HUB_MUST_CHECK;
bool q_match(const struct q *, const struct entity *, struct names *);
/* Calls fn for each attribute name that q mentions (its first path part). */
void q_names(const struct q *, void (*fn)(const struct name *, void *), void *);

/* scopeQ: paths /a/b, /a/+ (any one level), /a/# (/a and all below), joined
 * as boolexpr.h has it. At most 4096 bytes. */
enum hub_err scope_q_parse(struct str text, struct arena *, struct boolexpr **,
    const char **why_r) HUB_MUST_CHECK;
/* Could an entity match whose scopes are among these or below them? True
 * where that is not sure. */
bool scope_q_may_hold(const struct boolexpr *, unsigned n, const struct str *);

/* georel (near;maxDistance==, near;minDistance==, equals, disjoint,
 * intersects, contains, within, overlaps), geometry (Point, LineString,
 * Polygon and the Multi forms), coordinates, geoproperty
 * (names->"location"). What the relations mean, borders above all, is in
 * geometry.h; "within": the entity within the reference. Of several instances
 * any may hold; none that is no geometry, is larger than 10,000 vertices or
 * too tangled to judge does. */
enum hub_err geo_parse(struct str georel, struct str geometry,
    struct str coordinates, const struct name *geoproperty, struct arena *,
    struct geo **, const char **why_r) HUB_MUST_CHECK;
bool geo_match(const struct geo *, const struct entity *);
/* Could an entity match whose location lies in that area? True where that is
 * not sure, and for another geoproperty. */
bool geo_may_hold(const struct geo *, const struct geometry *, struct arena *);
/* Does the geometry stand in the relation, whatever geoproperty says? */
bool geo_holds(const struct geo *, const struct geometry *, struct arena *);
const struct name *geo_name(const struct geo *);

/* Patterns of idPattern and ~=: the linear-time subset of POSIX ERE without
 * backreferences: literals, ., [sets], (groups), |, * + ?, {m,n} (n <= 100),
 * ^ and $. At most 512 bytes, 2,000 states. Unanchored unless ^ or $. Matching
 * costs O(states * length), never more, and no memory. A "." and a set take
 * one whole UTF-8 character. */
struct pattern;
enum hub_err pattern_new(struct str text, struct arena *, struct pattern **,
    const char **why_r) HUB_MUST_CHECK;
bool pattern_match(const struct pattern *, struct str text);

#endif
