/* server/federation/fanout.h - asks N sources at once, each with its own
 * deadline, and collects what arrived (architecture.md, decision 8). */
#ifndef HUB_FEDERATION_FANOUT_H
#define HUB_FEDERATION_FANOUT_H

#include "server/federation/answer_cache.h"
#include "server/federation/source.h"

/* NGSILD-Warning codes (ETSI GS CIM 009, 6.3.17; RFC 7234, 5.5). */
enum leg_warning {
	WARN_NONE = 0,
	WARN_STALE = 110, /* it failed; pages are there, past their time */
	WARN_INVALID = 111,
	WARN_NO_ANSWER = 199,
	WARN_STATUS = 299
};

/* One answer page of one source. */
struct leg_page {
	struct leg_page *next;
	struct buf body; /* what doc.json.text points into */
	size_t held;	 /* bytes of the leg's memory taken for it */
	uint32_t nodes_max; /* of its tape; 0: what JSON_LIMITS_BROKER says */
	struct document doc;
	bool single; /* the body is one entity, else an array of them */
	bool translated;	/* it did not come as it stands here */
	bool keyed; /* it may be kept under this key */
	struct answer_key key;
};

/* An answer of one page whose content somebody knows already. */
struct leg_known {
	struct str body;
	const struct context *context; /* in which its names are written */
	uint32_t count;		       /* entities in it */
};

struct fanout;

/* The requests for some of a leg's ids, one page after the other. */
struct leg_part {
	struct leg *leg;
	struct source_ask ask;
	struct http_call *call;
	bool keyed; /* the page asked for may be kept under this key */
	struct answer_key key;
	const struct kept_answer *kept; /* it is; held; or NULL */
	struct defer arrived;		/* then it comes so */
	struct leg_page *pages, **last_page;
	bool bare; /* its predicates were left out since the source refused */
	bool smaller; /* its page was halved since the source refused it */
	/* While a page that was cut in time is followed: */
	bool cut;
	bool more;		 /* there are pages of entities behind it */
	uint32_t got;		 /* entities on it */
	struct source_ask whole; /* as it was asked for */
};

struct leg {
	/* set by the caller */
	const struct policy_leg *policy;
	struct source_ask ask;
	bool spent;    /* some agreement's quota is: not all it has is asked */
	bool withheld; /* nothing is: the source is not asked */
	bool unconfirmed; /* withheld, since nobody confirms the policy */
	const struct leg_known *known; /* not to be read again; or NULL */
	/* It is asked for what policy must know to judge the next leg's answer,
	 * and gives nothing itself. */
	bool aside;
	/* the module's own */
	struct fanout *fanout;
	struct source_lane *lane; /* held while open; else NULL */
	struct defer refused;
	struct mono_us begun; /* 0: it was not, or was withheld */
	struct budget_claim memory; /* answers, tapes and what is read */
	struct leg_part *parts;
	unsigned nparts, next_part; /* the first that has not begun */
	unsigned running, width;    /* parts at once, and at most */
	uint32_t pages_asked;
	loop_fn *refusal; /* it may not be asked, this would be the end; all
			   * that is kept may be given; or NULL */
	bool trial; /* its breaker let it through to see */
	bool asked, stuck; /* a request went out; could not be written */
	/* results, when open is false */
	bool open;
	bool late; /* WARN_NO_ANSWER since its time was up */
	bool recalled; /* it is what is known, and its page was not read */
	bool cached;   /* some page was kept, */
	bool outdated; /* and that past its time */
	bool sound; /* it failed us, but for what was asked of it */
	bool untold; /* it failed for want of room here: the source was not
		      * heard and cannot be judged */
	enum leg_warning warning;
	/* empty when it failed (unless WARN_STALE) or had nothing */
	struct leg_page *pages;
	uint64_t bytes;		/* received, all pages */
	size_t translated;	/* of NGSI-v2, as NGSI-LD text, all pages */
	uint32_t upstream_us;
	struct mono_us breaker_until; /* of its source; 0: closed */
	int status; /* of its last answer; 0: there was none */
};

/* The memory that one leg may take, in answer_max: its bytes, their tape (up
 * to 20 bytes a node, built anew once), and its entities read and merged. */
#define LEG_MEMORY 12

struct fanout {
	/* set by the caller */
	struct loop *loop;
	struct arena *arena;
	struct names *names;
	uint64_t party;	      /* who asks: tenants take turns at a source */
	size_t answer_max;    /* bytes one source may send in all pages */
	struct answer_cache *cache; /* NULL: nothing is kept */
	struct budget *memory; /* what all answers share; NULL: no ceiling */
	void (*wake)(void *); /* each time a leg has ended */
	/* A source has answered 401: the hub's credentials are not good. May
	 * be NULL. */
	void (*unauthorized)(const struct region_source *, void *);
	void *arg;
	unsigned n;
	struct leg *legs;
	/* results */
	unsigned open; /* legs under way */
};

/* Starts all legs. wake is never called before it returned. */
void fanout_start(struct fanout *, struct source_pools *);
/* More memory for what is read of a leg's answer; HUB_EFULL, HUB_EAGAIN:
 * there is none for it. */
enum hub_err fanout_take_memory(struct leg *, size_t n) HUB_MUST_CHECK;
/* How much more it may take at most. */
size_t fanout_memory_left(const struct leg *);
/* Reads the page of a leg that is recalled, after all; as above, or
 * HUB_ESYNTAX. */
enum hub_err fanout_read(struct leg *) HUB_MUST_CHECK;
/* The leg's answer is not used: it did not fit, or it is invalid. */
void fanout_reject(struct leg *, enum hub_err);
/* Cancels what is open, gives bodies, calls and memory back; the arena, which
 * must end now, stays. A zeroed fanout is fine. */
void fanout_clear(struct fanout *);

/* One answer: the tape of a body and the context its names are written in. For
 * fuzzing and tests; used by the legs. single: the body is one entity, else
 * an array. HUB_ENOENT: an @context unknown to the region. */
enum hub_err fanout_parse(struct leg_page *, const struct http_head *,
    const struct policy_leg *, bool single, struct names *, struct arena *)
    HUB_MUST_CHECK;
/* The document of one entity of the page: the page's own, or one of its own
 * where the entity carries another "@context". NULL: unknown context. */
const struct document *fanout_entity_document(const struct leg_page *,
    uint32_t node, const struct document *last, struct names *,
    struct arena *);

#endif
