/* policies/region.h - what region files (*.hub) say, checked and in memory.
 *
 * A region is built from a set of files by region_parse (libConfuse), never
 * changed, and freed in one stroke. Names are resolved: pointers instead of
 * text. interfaces.md "Region files" is the language. */
#ifndef HUB_POLICIES_REGION_H
#define HUB_POLICIES_REGION_H

#include "server/base/arena.h"
#include "server/base/clock.h"
#include "server/base/money.h"
#include "server/ngsild/context.h"
#include "server/ngsild/geometry.h"
#include "tenants/tenant.h"

/* One file of a bundle, by the path under which region files name it
 * ("region.hub", "areas/schwerte.geojson"): relative, no "..", UTF-8. */
struct region_file {
	struct str path;
	struct str bytes;
};

/* A complaint: "demo.hub:12:3: ..." in English. */
struct region_message {
	struct str file;
	unsigned line, column; /* from 1; 0: unknown */
	bool warning;	       /* does not stop an apply */
	struct str text;
};

enum region_kind { SOURCE_NGSI_LD, SOURCE_NGSI_V2 };

/* Which program answers, for what it has of its own. */
enum region_dialect {
	DIALECT_GENERIC,
	DIALECT_STELLIO,
	DIALECT_ORION_LD,
	DIALECT_SCORPIO
};

struct region_source {
	struct str name;
	const struct tenant *owner;
	enum region_kind kind;
	enum region_dialect dialect;
	/* endpoint, taken apart; base always ends in "/ngsi-ld/v1" for
	 * SOURCE_NGSI_LD, whichever of the four spellings was written */
	bool https;
	struct str host;
	uint16_t port;
	struct str base;
	int timeout_ms;	    /* default 2000 */
	unsigned in_flight; /* default 32 */
	unsigned page; /* 1..1000; default and ceiling by dialect */
	struct str context_url; /* empty: core */
	const struct context *context;
	struct str ca, bearer_file, client_certificate, client_key;
	struct str oauth_token_url, oauth_client_id, oauth_secret_file,
	    oauth_scope; /* oauth { } : kept; empty when absent */
	unsigned breaker_failures; /* default 5 */
	int breaker_ms;		   /* default 5000 */
	unsigned index;		   /* dense */
};

struct region_type {
	const struct name *type;
	unsigned nattributes; /* 0: not restricted by the registration */
	const struct name *const *attributes;
};

enum region_operations {
	OP_QUERY = 1 << 0,
	OP_RETRIEVE = 1 << 1,
	OP_QUERY_BATCH = 1 << 2,
	OP_QUERY_TEMPORAL = 1 << 3,
	OP_RETRIEVE_TEMPORAL = 1 << 4
};

enum region_mode {
	MODE_INCLUSIVE,
	MODE_AUXILIARY,
	MODE_REDIRECT,
	MODE_EXCLUSIVE
};

struct region_dataset {
	struct str name, title, licence, attribution;
	const struct region_source *source; /* source->owner is the provider */
	struct str upstream_tenant;	    /* empty: none sent */
	unsigned nids;
	const struct str *ids; /* globs; at least one */
	unsigned ntypes;
	const struct region_type *types; /* at least one */
	unsigned operations;		 /* OP_... */
	enum region_mode mode;
	int64_t priority;   /* default 100 */
	bool local_only;
	unsigned index; /* dense */
};

struct region_purpose {
	struct str name, title, legal_basis;
	unsigned index; /* dense */
};

struct region_area {
	struct str name, ags;
	struct geometry geometry;
};

enum region_action {
	ACTION_QUERY = 1 << 0,
	ACTION_RETRIEVE = 1 << 1,
	ACTION_TEMPORAL = 1 << 2,
	ACTION_SUBSCRIBE = 1 << 3
};

/* An attribute, or a sub-attribute of it (sub not NULL). */
struct region_path {
	const struct name *attr, *sub;
};

struct region_share {
	const struct name *type;
	unsigned ninside, noutside;
	const struct region_area *const *inside, *const *outside;
	double buffer_m;
	bool keep_without_location; /* default: drop */
	int64_t history_us;	    /* 0: no limit */
	int64_t delay_us;	    /* 0: none */
	unsigned nallow;
	const struct region_path *allow;
	unsigned nfilterable;
	const struct name *const *filterable;
	bool system_scope, system_created_at, system_modified_at;
};

struct region_agreement {
	struct str name;
	unsigned version;
	const struct tenant *provider, *consumer;
	const struct region_dataset *dataset;
	const struct region_purpose *purpose;
	unsigned actions; /* ACTION_... */
	struct wall_us from, until; /* until is exclusive */
	struct str document;
	bool signed_by_provider, signed_by_consumer; /* both or it is a draft */
	unsigned nshares;
	const struct region_share *shares;
	unsigned index; /* dense */
};

struct region_forbid {
	struct str name;
	const struct name *type; /* NULL: any */
	const struct name *attribute; /* NULL: the whole entity */
	const struct region_dataset *dataset; /* NULL: any */
	const struct tenant *consumer;	      /* NULL: any */
	const struct region_purpose *purpose; /* NULL: any */
	struct str reason;
};

/* A test "..." block. */
struct region_test {
	struct str title, file;
	unsigned line;
	const struct tenant *as;
	const struct region_purpose *purpose;
	struct wall_us at;
	struct str entity, request, expect;
	const struct context *context; /* in which its names are written */
	unsigned nabsent;
	const struct name *const *absent;
};

/* A context as its file has it, byte for byte. */
struct region_context {
	struct str url;
	struct str id; /* its name in our API: a hash of the URL, in hex */
	struct str document;
};

struct region {
	struct arena *arena; /* holds everything below */
	struct vocab *vocab;
	struct tenant_set tenants;
	unsigned nsources, ndatasets, npurposes, nareas, nagreements, nforbids,
	    ntests;
	const struct region_source *sources;
	const struct region_dataset *datasets;
	const struct region_purpose *purposes;
	const struct region_area *areas;
	const struct region_agreement *agreements;
	const struct region_forbid *forbids;
	const struct region_test *tests;
	unsigned ncontexts;
	const struct region_context *contexts;
	/* Checked for form and references, used by the allocation later. */
	unsigned nprices, ncosts, nmodels;
};

/* Parses all files ending in ".hub" and what they refer to (other files must
 * be among files). Either *region_r is a whole region, or NULL is left and
 * messages say why; warnings may come with both. Not thread-safe (libConfuse):
 * one call at a time in the process. */
enum hub_err region_parse(const struct region_file *files, unsigned n,
    struct region **region_r, struct arena *message_arena,
    struct region_message **messages_r, unsigned *nmessages_r) HUB_MUST_CHECK;
void region_free(struct region *);

/* Reads PATHs of the command line (files, or folders with all their *.hub),
 * with everything they include or refer to, for region_parse and for storing.
 * Paths are made relative to the folder of the first. A file over 4 MiB, a
 * path leading out of that folder: HUB_ERANGE, *why says which. */
enum hub_err region_load(const char *const *paths, unsigned npaths,
    struct arena *, struct region_file **files_r, unsigned *n_r,
    struct buf *why) HUB_MUST_CHECK;
/* SHA-256 over the length-prefixed paths and bytes in byte order of path: the
 * bundle's hash. */
void region_hash(const struct region_file *, unsigned n, unsigned char out[32]);

const struct region_purpose *region_purpose_find(const struct region *,
    struct str);

#endif
