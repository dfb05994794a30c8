/* server/request_priv.h - what the files of the step engine share: the
 * request and its steps (request.c runs them; request_gate.c says who asks
 * and what for; request_media.c in which form; request_decide.c what they may
 * have; request_data.c asks; request_merge.c makes one answer;
 * request_map.c keeps results and pages through them;
 * request_temporal.c what differs of the past;
 * request_discover.c tells what there is; request_answer.c accounts and
 * answers). */
#ifndef HUB_SERVER_REQUEST_PRIV_H
#define HUB_SERVER_REQUEST_PRIV_H

#include "policies/redact.h"
#include "policies/registration.h"
#include "server/federation/fanout.h"
#include "server/entity_map.h"
#include "server/federation/merge.h"
#include "server/problem.h"
#include "server/recall.h"
#include "server/net/trace.h"
#include "server/worker.h"

enum step_next {
	NEXT_MORE, /* rq->step says what comes */
	NEXT_WAIT, /* somebody will wake the request */
	NEXT_DONE  /* answered; the request is gone after this */
};

struct request;
struct decision_job;
struct hub_route;
struct reports_job;
struct map_page;
struct quota_uses;

struct step {
	const char *name;
	enum step_next (*run)(struct request *);
};

/* receive .. answer, as style.md names them. */
extern const struct step STEP_RECEIVE, STEP_AUTHENTICATE, STEP_ADMIT,
    STEP_QUERY, STEP_DECIDE, STEP_SCATTER, STEP_GATHER, STEP_MERGE,
    STEP_RECALLED, STEP_ACCOUNT, STEP_DURABLE, STEP_ANSWER, STEP_REFUSE;
/* Pages of an entity map: instead of scatter, and of merge. */
extern const struct step STEP_MAP_ASK, STEP_MAP_TAKE;
/* What resources have before query: the result is the map itself. */
extern const struct step STEP_MAP_CREATE;
/* What resources have instead of query .. merge. */
extern const struct step STEP_MAP;
extern const struct step STEP_REGISTRATIONS, STEP_REGISTRATION,
    STEP_REGISTERED;
extern const struct step STEP_TEMPORAL, STEP_DISCOVER, STEP_IDENTITY, STEP_CONTEXTS,
    STEP_CONTEXT;

enum access {
	ACCESS_DATA, /* a token, a purpose, a @context */
	ACCESS_HUB,  /* a token: it is about the hub, not about data */
	ACCESS_REGISTRY, /* a token with the role source-admin, a @context */
	ACCESS_ROLES, /* a token with a role of rq->hub: below /hub/v1 */
	ACCESS_PAGE, /* anybody, whatever Accept says: files of the web page */
	ACCESS_OPEN  /* anybody */
};

/* A row of the table in request.c. */
struct resource {
	/* Below /ngsi-ld/v1: "*" is any segment, "**" the rest, if any. */
	const char *path;
	unsigned methods; /* 1 << HTTP_...; 0: any */
	const char *allow; /* the same as a field value */
	const struct step *next; /* after admit; NULL: not in this version */
	enum access access;
	bool retrieve; /* one entity by its id */
};

/* What one source contributed; beside its leg. */
struct leg_use {
	uint32_t entities;    /* in the view, before merging */
	uint64_t grants_used; /* bits of policy_leg.grants */
	bool taken;	      /* read and redacted already, into views: */
	struct merge views;
};

struct request {
	struct worker *worker;
	struct http_exchange *exchange; /* NULL: the client has gone */
	struct arena *arena;
	struct snapshot *snapshot; /* pinned */
	struct keyring *keyring;   /* pinned */
	struct source_tokens *source_tokens; /* pinned, of the snapshot */
	const struct step *step;
	bool running, woken;

	/* receive */
	struct uuid id;
	char id_text[UUID_STR_MAX];
	enum http_method method;
	struct trace trace;
	struct mono_us begun;
	struct {
		struct mono_us asked, heard; /* sources; 0: none was */
		struct mono_us booked; /* handed to the ledger; 0: not */
	} times;
	struct wall_us now; /* contracts are judged then */
	struct buf scratch; /* the decoded target */
	struct http_uri uri;
	const struct resource *resource;
	const struct hub_route *hub; /* of ACCESS_ROLES; else NULL */
	struct str client_request_id, via, token, purpose_name;
	bool retrieve, german, strict, problem_json;
	bool ld, geo;	  /* the answer; neither: JSON */
	bool prefer_json; /* GeoJSON without @context */
	bool body_ld;	  /* the question, if it is in a body */
	bool csv, html;	  /* the answer, of resources that have it */
	bool gzip;	  /* the client takes it */
	struct str origin; /* of a page in a browser; p NULL: none */

	/* authenticate */
	struct identity identity;
	struct key_waiter waiter;
	struct timer key_timer;
	bool waited_for_keys;
	bool proved; /* the token is used by whom it is bound to */

	/* admit: agreements that are revoked, of the snapshot's region */
	unsigned nvoid;
	const struct region_agreement *const *voids;

	/* admit, decide */
	const struct context *context; /* the client's */
	struct names names;
	struct query query;
	const struct region_purpose *purpose; /* NULL: own data only */
	/* Attributes the request is about; none: all. */
	unsigned nneeded;
	const struct name *const *needed;

	/* The past; NULL: the present. What is beside it: the answer was cut
	 * to what is between. */
	const struct temporal *temporal;
	bool cut;
	struct wall_us cut_first, cut_last;
	/* Where entities are now, by id: of the leg that is taken. */
	struct {
		size_t n;
		struct entity **v;
	} places;

	/* query, merge: entity maps */
	struct entity_map *map; /* held: the one used or made; or NULL */
	struct entity_map_query map_query; /* of entityMap=true */
	struct map_page *page; /* of a map that was there; else NULL */
	bool map_only; /* the answer is the map, not its entities */

	/* decide */
	struct quota_uses *quotas; /* NULL: no quota governs the request */
	uint32_t retry_after;	   /* seconds, once something has refused it */

	/* scatter .. merge */
	struct fanout fanout;
	struct leg_use *uses;
	struct entity **found; /* on the view, all pages; of a map: this one */
	size_t nfound;
	size_t first; /* of the page, in found */
	uint64_t total; /* NGSILD-Results-Count */
	uint64_t next; /* offset of the next page; 0: there is none */
	uint32_t nshown;
	uint32_t nnames; /* discover: types or attributes shown */

	/* for the decision log; names that are used by a leg at least */
	struct {
		bool known;    /* who asks */
		bool admitted; /* with a role for it */
		bool planned;  /* decide was reached */
		bool all;      /* own data, and no attribute was named */
		bool noted;    /* there, or it is none of its business */
		bool logged;   /* in the log, which has all */
		struct str who; /* as the log has it */
		unsigned nreleased;
		const struct name *const *released;
	} decided;
	struct decision_job *looking; /* for a line of it; or NULL */
	struct str line, explain_client;
	struct reports_job *report; /* under way; else NULL */
	unsigned report_form;

	/* a change of a registration, or another one (change_...) */
	struct registry_job *registry; /* under way; else NULL */
	unsigned crisis_verb; /* what such a job is about, and the event */
	int64_t crisis_id;
	unsigned digest_said; /* enum digest_said */
	enum hub_err registry_err;
	unsigned registry_tries;
	struct timer registry_timer;
	struct str registered_id;

	/* scatter .. account: what was made before */
	struct str recall_key; /* p NULL: of no use */
	bool timed; /* something that was read ends by the clock */
	const struct recalled *recalled; /* held; or NULL */

	/* account, answer */
	struct buf fields, body;
	size_t common_len; /* of fields: those that every answer has */
	bool named;	   /* what follows was worked out */
	char etag[ETAG_LEN + 1]; /* empty: none */
	int status;
	enum problem problem; /* STEP_REFUSE */
	const char *detail;
	const char *allow; /* 405 */
	struct record *records;
	struct spool_job job;
};

/* May the use be recorded, or estimated, as far as is known before anybody is
 * asked? */
bool ledger_admits(const struct request *);
/* rq->job with rq->records, the access first: goes on when they are durable. */
enum step_next ledger_submit(struct request *);
/* They are, and the answer leaves now, or nobody is there to take it. */
void ledger_watch_sent(struct request *);

/* Sets what STEP_REFUSE answers; use as: return (refuse(rq, ...)). */
enum step_next refuse(struct request *, enum problem, const char *detail);
static inline enum step_next
go(struct request *rq, const struct step *step)
{
	rq->step = step;
	return (NEXT_MORE);
}
/* Pins what is in force now instead of what it began with; what came from that
 * (identity, names) is to be worked out again. */
void request_pin(struct request *);
/* Wakes the request: from callbacks of its own waits only. */
void request_wake(void *arg);

/* A job of registry.h, which is this module's now: its end sets rq->registry to
 * NULL and rq->registry_err. false: there are too many. */
bool change_submit_take(struct request *, struct registry_job *) HUB_MUST_CHECK;
/* Is it still under way? After 8 s from the request's first change it is not
 * waited for: HUB_ELATE, and it may still be done. */
bool change_waits(struct request *) HUB_MUST_CHECK;

/* Is the source of that leg one of those that the request is about: by csf,
 * and by what is registered? */
bool registration_asked(struct request *, const struct policy_leg *);
/* What the hub counts of a registration. */
struct registration_state registration_state(const struct snapshot *,
    const struct region_registration *);
/* GET csourceRegistrations. */
enum step_next registrations_list(struct request *);

/* The token is good: what the decision log will call its bearer. */
void decision_who(struct request *);
/* The answer leaves, or cannot leave any more. */
void decision_note(struct request *);
struct decision;
/* Does the log have a line for each request now? */
bool request_logs(const struct request *);
/* That line; d: what came of it, and of its sources. */
void request_log(const struct request *, const struct decision *d);
/* In microseconds so far, and where they went: waiting for the sources together,
 * and for the ledger's disk; -1: for neither. */
struct spent {
	int64_t all, sources, ledger;
};
struct spent request_spent(const struct request *);
/* It is over: into its worker's counts. */
void request_count(const struct request *);

/* What stands in Authorization. */
struct credentials {
	struct str token; /* empty: nothing that we take */
	bool dpop;	  /* the scheme is DPoP, else Bearer */
};
/* The token, verified and in rq->identity, is bound or sent as DPoP: is that
 * proved? Uses up the proof. *why_r: a static phrase for the log. */
bool request_proved(struct request *, const struct credentials *,
    const char **why_r) HUB_MUST_CHECK;
/* Is host, with or without port, one that this listener goes by? */
bool request_host_ours(const struct request *, struct str host);

/* Chooses the answer's media type; false: none that the client takes. */
bool media_choose(struct request *, const struct http_head *);
/* Does the client take gzip, and prefer German to English? */
bool media_gzip(const struct http_head *);
bool media_german(const struct http_head *);
/* Does the @context stand in the answer's body? Else it is in its Link. */
bool media_context_inside(const struct request *);
/* Is there a body of a type that is taken? PROBLEM_MAX: yes. */
enum problem media_body(struct request *, const struct http_head *);
/* The body, an object, and in rq->context its @context if it brings one.
 * PROBLEM_MAX: fine; *why_r is set or stays. */
enum problem media_read_body(
    struct request *, struct json *, const char **why_r);

/* Reads and redacts what a leg has brought into its leg_use, once. */
void take_leg(struct request *, unsigned i);
/* Whose view is whose before views become entities: for entity maps. */
struct map_views {
	size_t n;
	struct map_view {
		struct str id;
		uint32_t dataset; /* index in the region */
	} *v;
};
/* What the legs gave, redacted, merged and filtered, but not projected: in
 * rq->found. views: NULL, or filled. */
void request_merge(struct request *, struct map_views *);
/* Status and body: rq->found from rq->first on, or the map; goes on to
 * account. */
enum step_next request_conclude(struct request *, int status);
/* Of rq->nfound, by offset and limit. */
void request_choose_page(struct request *);

/* After decide: says for each leg what of the request's predicates and of the
 * policy's areas its source may select by (policy.md, 3.2). */
void request_push(struct request *);
/* May a source drop, by the client's word, what does not match by itself
 * (splitEntities=false)? Then each source's view is asked alone, too, so that
 * it makes no difference which of them do. */
static inline bool
request_unsplit(const struct request *rq)
{
	return (rq->query.split_entities_given && !rq->query.split_entities &&
	    rq->temporal == NULL && !rq->retrieve);
}

/* What was made before of the same answers (recall.h). Before the sources are
 * asked: finds what is known. */
void recall_begin(struct request *);
/* They have answered: is it what is known? Goes on to STEP_RECALLED then; else
 * every leg was read. */
bool recall_holds(struct request *);
/* Is the answer one that was made before? */
static inline bool
recall_used(const struct request *rq)
{
	return (rq->recalled != NULL && rq->recall_key.p == NULL);
}
/* The answer is written and named: keeps it, if it can be made of the same bytes again. */
void recall_keep(struct request *);

/* Has a source failed, and is that for an error? */
bool request_failed_strictly(const struct request *, enum problem *p_r);
/* The legs planned, whether they were asked yet or not. */
const struct leg *request_plan(const struct request *, unsigned *n_r);

/* After a query was read (from a body: j, else NULL): finds the entity map
 * that the client names, or notes that one is to be made; goes on to
 * decide. */
enum step_next map_begin(struct request *, const struct json *j);
/* Makes the map of rq->found, if one is wanted. PROBLEM_MAX: fine. */
enum problem map_make(struct request *, const struct map_views *,
    const char **why_r);
/* Gives back what pages of maps hold. */
void map_release(struct request *);
/* The map's own document. */
void map_write(struct request *);
/* Its header field, if the answer has a map. */
void map_fields(const struct request *, struct buf *);

/* What a bad query is answered with. */
enum step_next refuse_query(struct request *, const struct query_error *);
/* The id in the path of a retrieve. */
static inline struct str
request_entity_id(const struct request *rq)
{
	return (rq->uri.segments[rq->uri.nsegments - 1]);
}

/* Of requests with rq->temporal. What the leg is asked of the past, before
 * source_plan; alone: no other source is asked. false: nothing it could have
 * would be in the answer. */
bool temporal_ask(struct request *, bool alone, struct source_ask *)
    HUB_MUST_CHECK;
/* Makes *aside of the leg, if policy needs to know where its entities are and
 * its past need not tell: stations do not move. */
bool temporal_ask_places(struct request *, const struct leg *,
    struct leg *aside) HUB_MUST_CHECK;
/* Reads what that leg gave. */
void temporal_take_places(struct request *, struct leg *);
/* What entity_read and redact_entity are to entities. HUB_ENOENT: there is
 * nothing of it in the view. */
enum hub_err temporal_read(struct request *, const struct policy_leg *,
    const struct document *, uint32_t node, struct entity *) HUB_MUST_CHECK;
/* Leaves what is in the range, before merging; false: nothing. */
bool temporal_take(const struct request *, struct entity *) HUB_MUST_CHECK;
/* Writes n entities found; sets the status if it had to leave some out. */
void temporal_answer(struct request *, const struct entity_out *, size_t from,
    size_t n);
void temporal_fields(const struct request *, struct buf *);

/* Was the token in rq->identity revoked, by itself or by who uses it? *why_r:
 * a static phrase for the log. */
bool request_is_revoked(const struct request *, const char **why_r)
    HUB_MUST_CHECK;
/* Is its tenant suspended or revoked? */
bool request_is_shut_out(const struct request *) HUB_MUST_CHECK;
/* Fills rq->voids. */
void request_find_voids(struct request *);
/* Takes out of the plan what may only be given while the policy is confirmed,
 * if it is not. false: nothing is left, or not all of what must be. */
bool request_confirmed(struct request *) HUB_MUST_CHECK;

/* Takes a token of each agreement that the plan uses, and out of the plan what
 * is spent. false: nothing is left, or not all of what must be; nothing was
 * taken then. */
bool quota_admit(struct request *) HUB_MUST_CHECK;
/* RateLimit and RateLimit-Policy, if a quota governs the answer. */
void quota_fields(const struct request *, struct buf *);

/* The pieces of an answer's header that refusals share. */
void answer_common_fields(struct request *);
/* Warning, agreement, licence and narrowing fields. */
void answer_source_fields(struct request *);
/* The last three of them (request_terms.c). */
void answer_terms(const struct request *, struct buf *);
/* Count, Link next and prev. */
void answer_paging(const struct request *, struct buf *);
/* The media type of an answer and its @context. */
void answer_content_fields(struct request *);
/* The body and the fields that describe it stand: gives it its ETag, if it has
 * one. true: the client has it already; status is 304 then, and what describes
 * the body is to be left out. */
bool conduct_name(struct request *) HUB_MUST_CHECK;
/* Does the client have it already (If-None-Match: RFC 9110, 13.1.2)? */
bool conduct_is_known(const struct http_head *, struct str etag);
/* Afterwards, and before the body is booked: codes it, or drops it for 304;
 * adds the fields that say so. */
void conduct_body(struct request *);
/* Server-Timing (W3C), which tells the admins of the caller's own tenant where
 * the time went; nothing for others. Behind the fields that an ETag is made
 * of. */
void timing_field(const struct request *, int status, struct buf *);
/* What lets pages of other origins read the answer (CORS). */
void cors_fields(const struct request *, struct buf *);
/* A browser asks first whether a page of an origin that is listed may ask. */
bool cors_is_preflight(const struct request *, const struct http_head *);
enum step_next cors_preflight(struct request *);

/* Sends fields and body. */
enum step_next answer_send(struct request *);

#endif
