/* server/federation/source.h - one context source as the hub talks to it:
 * credentials, connection pools, circuit breaker, the bytes of a request. */
#ifndef HUB_FEDERATION_SOURCE_H
#define HUB_FEDERATION_SOURCE_H

#include <stdatomic.h>

#include "policies/policy.h"
#include "server/net/http_client.h"
#include "server/net/trace.h"
#include "server/ngsild/narrow.h"
#include "server/ngsild/temporal.h"

/* How a registered source does, since this process knows it; shared by all
 * workers and by the snapshots that have it. */
struct source_use {
	atomic_uint refs;
	atomic_ullong sent, failed; /* legs */
	atomic_llong succeeded_us, failed_us; /* wall; 0: never */
	atomic_llong rest_until_us; /* mono: its cooldown (5.2.34) */
	/* whose it is; for the thread that builds snapshots */
	struct str tenant, id;
	struct wall_us created;
	struct source_use *next;
};
struct source_use *source_use_new(struct str tenant, struct str id,
    struct wall_us created) HUB_MUST_CHECK;
struct source_use *source_use_ref(struct source_use *) HUB_MUST_CHECK;
void source_use_unref(struct source_use **);

/* What was read from files for one source, by the thread that builds a
 * snapshot; shared read-only by the workers. */
struct source_access {
	struct tls_client *tls; /* NULL: plain http */
	uint64_t serial; /* of tls, never given twice; 0: none */
	struct str bearer;	/* token text; empty: none */
	struct str secret;	/* of oauth { }; empty: none */
	struct tls_client *token_tls; /* to its token-url; NULL: plain http */
	struct budget_share *share; /* what its answers hold of memory */
	struct source_use *use; /* of a registration; else NULL */
};
/* One entry per region source, by index. Reads ca, certificate, key, bearer
 * and secret files (relative to folder). HUB_ENOENT and a sentence in *why
 * when one is missing or bad. */
enum hub_err source_access_new(const struct region *, const char *folder,
    struct source_access **, struct buf *why) HUB_MUST_CHECK;
void source_access_free(struct source_access *, unsigned n);

/* The pools and breakers of one worker. They outlive snapshots: a source
 * whose address and credentials stay keeps its connections. */
struct source_pools;
struct source_lane {
	struct http_pool *pool;
	unsigned users;	   /* legs that hold it */
	unsigned failures; /* in a row */
	struct mono_us open_until; /* 0: the breaker is closed */
	struct mono_us quiet_until; /* failures before then are not logged */
	uint32_t page_max; /* it refuses larger pages; 0: not known to */
	struct mono_us push_from; /* it refused predicates: none before then */
};
struct source_pools *source_pools_new(struct loop *, size_t header_max)
    HUB_MUST_CHECK;
void source_pools_free(struct source_pools *);
/* Never NULL; kept by source_pools_trim while its users count is not 0. */
struct source_lane *source_pools_lane(struct source_pools *,
    const struct region_source *, const struct source_access *);
/* Drops the lanes that region (the one in force) no longer names and that no
 * call uses. */
void source_pools_trim(struct source_pools *, const struct region *,
    const struct source_access *);
/* May it be asked now? After a breaker's pause one call may try. */
bool source_lane_ready(struct source_lane *, struct mono_us now);
void source_lane_result(struct source_lane *, const struct region_source *,
    bool ok, struct mono_us now);
/* A call that was let through ended without telling anything: if it was the
 * breaker's trial, the next may try. */
void source_lane_unused(struct source_lane *, struct mono_us now);

/* The operations (GS CIM 009, 4.20) by which a source is asked; each serves
 * retrievals and queries. */
enum source_form {
	FORM_NONE = 0,
	FORM_RETRIEVE, /* GET entities/{id} */
	FORM_QUERY,    /* GET entities?type=... */
	FORM_BATCH     /* POST entityOperations/query */
};
/* Requests into which one leg may be split, pages not counted. */
#define SOURCE_PARTS_MAX 100

/* The past that is asked for (GS CIM 009, 4.11). Sent is a little more than the
 * range, since sources do not agree on whose its ends are. */
struct source_time {
	enum time_property property;
	struct time_range range;
	uint32_t last_n; /* 0: all */
};

/* What of the client's predicates, and of the policy's area, the source may
 * select by: a superset of what is in the answer, as the source reads it. */
struct source_push {
	struct str q, scope_q; /* p NULL: none */
	struct geo_text geo;   /* georel.p NULL: none */
	struct str geoproperty; /* p NULL: location */
};

/* What to ask of one leg. */
struct source_ask {
	const struct policy_leg *leg;
	const struct source_access *access;
	struct str token;	   /* fetched for it by oauth { }, or empty */
	const struct query *query; /* of the client */
	struct str id;		   /* retrieve: p not NULL */
	struct str via;		   /* the client's Via chain, or empty */
	const struct http_head *client; /* of whom a registration may copy
					 * harmless fields; NULL: nobody */
	const struct trace *trace; /* that the request belongs to; or NULL */
	enum trace_to trace_to;	   /* what of it the source is told */
	struct str hub_name;
	uint32_t offset, limit;	   /* page */
	const struct name *const *types; /* granted and requested */
	unsigned ntypes;
	const struct name *const *attrs; /* to ask for; 0: all */
	unsigned nattrs;
	/* NULL: the present. Else FORM_RETRIEVE and FORM_QUERY are those of
	 * temporal/entities. */
	const struct source_time *time;
	const struct source_push *push; /* NULL: it gives all */
	bool ids_chosen; /* by the caller: ids below, at least one */
	/* set by source_plan */
	enum source_form form;
	unsigned nids; /* ids to ask for; 0: any */
	const struct str *ids;
};
/* Chooses form and ids: the client's that the dataset can hold, or those that
 * it registers if it has no patterns. The form is the cheapest offered; a
 * query whose URL would be too long is a batch query where that is offered.
 * false: it cannot be asked for this (retrieveEntity alone and no ids). */
bool source_plan(struct source_ask *, struct arena *) HUB_MUST_CHECK;
/* How it reads q: fills in what does not depend on who asks. geo_r, scope_r:
 * does it know these parameters? false: it selects by none of them. */
bool source_reads(const struct region_source *, struct narrow *, bool *geo_r,
    bool *scope_r) HUB_MUST_CHECK;
/* After source_plan: leaves that to the source, if its requests have room. */
void source_push(struct source_ask *, const struct source_push *,
    struct arena *);
/* For source_request.c: to a target, and to the body of a batch query. */
void source_push_target(const struct source_push *, enum region_kind,
    struct buf *);
void source_push_body(const struct source_push *, struct buf *);
/* How many of the ids, from the first on, go into one request; at least one
 * if there are any. */
unsigned source_ids_fit(const struct source_ask *, struct arena *);
/* The whole request. Names are written as the source's context has them; no
 * client header travels; the tenant is the dataset's. FORM_RETRIEVE: of one
 * id. */
void source_request(const struct source_ask *, struct arena *, struct buf *);

/* After a page that its source cut in time (206, 6.3.10): what to ask next for
 * the same entities; again: it was asked in this way already. SOURCE_REST_NONE:
 * that was all; SOURCE_REST_BAD: what is missing cannot be asked for, since the
 * range is none or does not move. */
enum source_rest { SOURCE_REST_BAD = 0, SOURCE_REST_MORE, SOURCE_REST_NONE };
enum source_rest source_ask_rest(struct source_ask *, const struct json *page,
    struct str content_range, bool again, struct arena *) HUB_MUST_CHECK;
/* Adds the time to a target. */
void source_add_time(const struct source_time *, struct buf *);

#endif
