/* server/ngsild/query_priv.h - reading a query's members one by one; between
 * query.c (from a URL), query_body.c (from JSON) and query_read.c, which knows
 * the members. */
#ifndef HUB_NGSILD_QUERY_PRIV_H
#define HUB_NGSILD_QUERY_PRIV_H

#include "server/ngsild/query.h"

/* Members of an entity that a projection names beside attributes. */
struct projection {
	bool given, id, type, scope;
};

struct query_reader {
	struct query *query;
	const struct context *context;
	struct names *names;
	struct arena *arena;
	struct query_error *error;
	/* What only makes sense together is judged at the end. */
	struct str georel, geometry, coordinates, geoproperty;
	struct projection pick, omit;
	bool format_given; /* format= stands above options= */
	bool type_given;
};

/* Fill in *r->error. */
enum hub_err query_refuse(
    struct query_reader *, enum hub_err, const char *detail);
enum hub_err query_bad(struct query_reader *, const char *detail);
/* A parameter or member of which the standard does not know ("what"), or
 * which this version does not do, by its name. */
enum hub_err query_unknown(
    struct query_reader *, const char *what, struct str name);
enum hub_err query_refuse_known(
    struct query_reader *, enum hub_err, struct str name);

/* Texts are in the arena or outlive the query. */
enum hub_err query_read_type(
    struct query_reader *, struct str, struct boolexpr **);
enum hub_err query_read_pattern(
    struct query_reader *, struct str, struct pattern **);
enum hub_err query_add_attr(struct query_reader *, struct str);
enum hub_err query_add_pick(struct query_reader *, struct str);
enum hub_err query_add_omit(struct query_reader *, struct str);
enum hub_err query_add_dataset(struct query_reader *, struct str);
enum hub_err query_read_q(struct query_reader *, struct str);
enum hub_err query_read_csf(struct query_reader *, struct str);
enum hub_err query_read_scope_q(struct query_reader *, struct str);
enum hub_err query_read_lang(struct query_reader *, struct str);
enum hub_err query_read_geometry_property(struct query_reader *, struct str);
enum hub_err query_read_map_life(struct query_reader *, struct str);

/* The URL's parameters that go with a body (where is in query.c). */
enum hub_err query_read_page(struct query_reader *, const struct http_uri *);
/* query_parse_body where *temporal_q_r, unless that is NULL, gets the node of
 * the member temporalQ if there is one, unread. */
enum hub_err query_parse_body_temporal(const struct json *,
    const struct http_uri *, const struct context *, struct names *,
    struct arena *, struct query *, uint32_t *temporal_q_r,
    struct query_error *) HUB_MUST_CHECK;

/* What is judged together: geo, projection, width, limit. */
enum hub_err query_finish(struct query_reader *, bool retrieve);

#endif
