/* server/request_priv.h - what the files of the step engine share: the
 * request and its steps (request.c runs them; request_gate.c says who asks
 * and what for; request_media.c in which form; request_data.c asks and merges;
 * request_discover.c tells what there is; request_answer.c accounts and
 * answers). */
#ifndef HUB_SERVER_REQUEST_PRIV_H
#define HUB_SERVER_REQUEST_PRIV_H

#include "policies/redact.h"
#include "server/federation/fanout.h"
#include "server/federation/merge.h"
#include "server/problem.h"
#include "server/worker.h"

enum step_next {
	NEXT_MORE, /* rq->step says what comes */
	NEXT_WAIT, /* somebody will wake the request */
	NEXT_DONE  /* answered; the request is gone after this */
};

struct request;

struct step {
	const char *name;
	enum step_next (*run)(struct request *);
};

/* receive .. answer, as style.md names them. */
extern const struct step STEP_RECEIVE, STEP_AUTHENTICATE, STEP_ADMIT,
    STEP_QUERY, STEP_DECIDE, STEP_SCATTER, STEP_GATHER, STEP_MERGE,
    STEP_ACCOUNT, STEP_DURABLE, STEP_ANSWER, STEP_REFUSE;
/* What resources have instead of query .. merge. */
extern const struct step STEP_DISCOVER, STEP_IDENTITY, STEP_CONTEXTS,
    STEP_CONTEXT;

enum access {
	ACCESS_DATA, /* a token, a purpose, a @context */
	ACCESS_HUB,  /* a token: it is about the hub, not about data */
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
	struct mono_us begun;
	struct wall_us now; /* contracts are judged then */
	struct buf scratch; /* the decoded target */
	struct http_uri uri;
	const struct resource *resource;
	struct str client_request_id, via, token, purpose_name;
	bool retrieve, german, strict, problem_json;
	bool ld, geo;	  /* the answer; neither: JSON */
	bool prefer_json; /* GeoJSON without @context */
	bool body_ld;	  /* the question, if it is in a body */

	/* authenticate */
	struct identity identity;
	struct key_waiter waiter;
	struct timer key_timer;
	bool waited_for_keys;

	/* admit, decide */
	const struct context *context; /* the client's */
	struct names names;
	struct query query;
	const struct region_purpose *purpose; /* NULL: own data only */
	/* Attributes the request is about; none: all. */
	unsigned nneeded;
	const struct name *const *needed;

	/* scatter .. merge */
	struct fanout fanout;
	struct leg_use *uses;
	struct entity **found; /* on the view, all pages */
	size_t nfound;
	uint32_t nshown;
	uint32_t nnames; /* discover: types or attributes shown */

	/* account, answer */
	struct buf fields, body;
	int status;
	enum problem problem; /* STEP_REFUSE */
	const char *detail;
	const char *allow; /* 405 */
	struct record *records;
	struct spool_job job;
};

/* Sets what STEP_REFUSE answers; use as: return (refuse(rq, ...)). */
enum step_next refuse(struct request *, enum problem, const char *detail);
static inline enum step_next
go(struct request *rq, const struct step *step)
{
	rq->step = step;
	return (NEXT_MORE);
}
/* Wakes the request: from callbacks of its own waits only. */
void request_wake(void *arg);

/* Chooses the answer's media type; false: none that the client takes. */
bool media_choose(struct request *, const struct http_head *);
/* Does the @context stand in the answer's body? Else it is in its Link. */
bool media_context_inside(const struct request *);
/* Is there a body of a type that is taken? PROBLEM_MAX: yes. */
enum problem media_body(struct request *, const struct http_head *);
/* The body, an object, and in rq->context its @context if it brings one.
 * PROBLEM_MAX: fine; *why_r is set or stays. */
enum problem media_read_body(
    struct request *, struct json *, const char **why_r);

/* The pieces of an answer's header that refusals share. */
void answer_common_fields(struct request *);
/* Warning, agreement, licence and narrowing fields. */
void answer_source_fields(struct request *);
/* The media type of an answer and its @context. */
void answer_content_fields(struct request *);
/* Sends fields and body. */
enum step_next answer_send(struct request *);

#endif
