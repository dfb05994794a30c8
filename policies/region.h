/* policies/region.h - what region files (*.hub) say, checked and in memory.
 *
 * A region is built from a set of files by region_parse (libConfuse), never
 * changed, and freed in one stroke. Names are resolved: pointers instead of
 * text. interfaces.md "Region files" is the language. */
#ifndef HUB_POLICIES_REGION_H
#define HUB_POLICIES_REGION_H

#include "policies/region_cost.h"
#include "policies/transform.h"
#include "server/base/arena.h"
#include "server/base/clock.h"
#include "server/base/money.h"
#include "server/ngsild/context.h"
#include "server/ngsild/geometry.h"
#include "tenants/quota.h"
#include "tenants/tenant.h"

/* One file of a bundle, by the path under which region files name it
 * ("region.hub", "areas/schwerte.geojson"): relative, no "..", UTF-8. */
struct region_file {
	struct str path;
	struct str bytes;
};

/* A complaint: "demo.hub:12:3: ...", in both languages. */
struct region_message {
	struct str file;
	unsigned line, column; /* from 1; 0: unknown */
	bool warning;	       /* does not stop an apply */
	struct str text, german;
};

struct registration;

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
	 * SOURCE_NGSI_LD, whichever of the four spellings was written, and in
	 * "/v2" for SOURCE_NGSI_V2 */
	bool https;
	struct str host;
	uint16_t port;
	struct str base;
	int timeout_ms;	    /* default 2000 */
	unsigned in_flight; /* default 32 */
	unsigned page; /* 1..1000; default and ceiling by dialect */
	bool push_down; /* it may be left to select by q, geo and scopeQ */
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

#define CACHE_US_MAX INT64_C(86400000000) /* longer is as long as this */

struct region_dataset {
	struct str name, title, licence, attribution;
	const struct region_source *source; /* source->owner is the provider */
	struct str upstream_tenant;	    /* empty: none sent */
	struct str service_path; /* of SOURCE_NGSI_V2; "/#" unless said */
	unsigned nids;
	const struct str *ids; /* globs; at least one */
	unsigned ntypes;
	const struct region_type *types; /* at least one */
	unsigned operations;		 /* OP_... */
	enum region_mode mode;
	int64_t priority;   /* default 100 */
	bool local_only;
	int64_t cache_us; /* its answers are kept for so long; 0: not */
	bool any_type; /* also entities of types that are not among these */
	unsigned personal_data; /* 0 none, 1 indirect, 2 direct */
	unsigned publish;	/* 0 hidden, 1 listed, 2 open */
#define DATASET_OPEN 2U
	struct str dpia;
	/* Of the API, not of a region file; NULL: none. What it limits, it
	 * limits more closely than the members here say. */
	const struct registration *registration;
	unsigned index; /* dense */
};

/* A registration as it is stored: the document has names as IRIs. */
struct registration_row {
	struct str tenant, id;
	struct str context; /* URL of the source's own @context, or empty */
	struct str document;
	int64_t version;
	struct wall_us created, modified;
};

/* The same in a region; registration.h reads and writes it. */
struct region_registration {
	const struct tenant *tenant;
	const struct registration *registration; /* NULL: unreadable */
	struct str context_url;
	int64_t version;
	struct wall_us created, modified;
	const struct region_dataset *dataset; /* NULL: not in force, */
	const char *why;		      /* for this reason */
	uint32_t nnames; /* that the region did not have before it */
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

/* What becomes of an attribute before it is released. */
struct region_transform {
	const struct name *attr;
	struct transform t; /* without its key */
	unsigned line, column;
};

struct region_share {
	const struct name *type;
	unsigned ninside, noutside;
	const struct region_area *const *inside, *const *outside;
	/* What only a crisis releases lies in its area as well; NULL: it does
	 * not come of a crisis. Never in a region itself. */
	const struct region_area *within;
	double buffer_m;
	bool keep_without_location; /* default: drop */
	int64_t history_us;	    /* 0: no limit */
	int64_t delay_us;	    /* 0: none */
	unsigned nallow;
	const struct region_path *allow;
	unsigned nfilterable;
	const struct name *const *filterable;
	unsigned ntransforms; /* one per attribute; allow beats it */
	const struct region_transform *transforms;
	bool system_scope, system_created_at, system_modified_at;
};

/* Dormant until its authority declares an event of this kind, then wider. */
struct region_crisis {
	struct str name; /* the kind of event */
	const struct tenant *authority;
	int64_t history_us, max_us, report_us; /* history 0: as without */
	struct str quota;
	struct quota_rate rate; /* of quota; count 0: as without */
	unsigned bucket;	/* below region.nbuckets, if there is a rate */
};

struct region_agreement {
	struct str name;
	struct str file; /* where its block begins */
	unsigned line;
	unsigned version;
	const struct tenant *provider, *consumer;
	const struct region_dataset *dataset;
	const struct region_purpose *purpose;
	unsigned actions; /* ACTION_... */
	struct wall_us from, until; /* until is exclusive */
	struct str document;
	bool signed_by_provider, signed_by_consumer; /* both or it is a draft */
	/* Who, as the file has it; empty: not there, or in region_sign.h. */
	struct str provider_signer, consumer_signer;
	struct str price, quota; /* a price block; "600/h burst 60" */
	bool full_estimate; /* uses go on when the ledger is full */
	bool bill_aborted;  /* what is taken of an answer cut off counts */
	unsigned ncrises;
	const struct region_crisis *crises;
	unsigned nshares;
	const struct region_share *shares;
	struct quota_rate rate; /* of quota; count 0: none */
	unsigned bucket;	/* below region.nbuckets, if there is a rate */
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
	bool crisis_override;
	struct str file; /* where its block begins */
	unsigned line;
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
	unsigned nregistrations;
	const struct region_registration *registrations;
	unsigned ncontexts;
	const struct region_context *contexts;
	unsigned nbuckets; /* of agreements and of their crises */
	unsigned nprices, ncosts, nmodels; /* prices are checked only */
	const struct region_cost *costs;
	const struct region_model *models;
};

/* Parses all files ending in ".hub" and what they refer to (other files must
 * be among files). Either *region_r is a whole region, or NULL is left and
 * messages say why; warnings may come with both. Not thread-safe (libConfuse):
 * one call at a time in the process. */
enum hub_err region_parse(const struct region_file *files, unsigned n,
    struct region **region_r, struct arena *message_arena,
    struct region_message **messages_r, unsigned *nmessages_r) HUB_MUST_CHECK;
/* The same with what tenants have registered, in order of tenant and id. Rows
 * that do not hold are not in force, and no error. An agreement may name a
 * registration of its provider by its id; without one in force, or when it
 * does not fit, the agreement shares nothing. */
enum hub_err region_parse_registered(const struct region_file *files,
    unsigned n, const struct registration_row *, unsigned nrows,
    struct region **region_r, struct arena *message_arena,
    struct region_message **messages_r, unsigned *nmessages_r) HUB_MUST_CHECK;
/* NULL: that tenant has none of that id, or an unreadable one. */
const struct region_registration *region_registration_find(
    const struct region *, const struct tenant *, struct str id);
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

/* "90d", "2h", "15min" as microseconds. */
enum hub_err duration_parse(struct str, int64_t *us_r) HUB_MUST_CHECK;

const struct region_purpose *region_purpose_find(const struct region *,
    struct str);

#endif
