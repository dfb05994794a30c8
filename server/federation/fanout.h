/* server/federation/fanout.h - asks N sources at once, each with its own
 * deadline, and collects what arrived (architecture.md, decision 8). */
#ifndef HUB_FEDERATION_FANOUT_H
#define HUB_FEDERATION_FANOUT_H

#include "server/federation/source.h"

/* NGSILD-Warning codes (ETSI GS CIM 009, 6.3.17; RFC 7234, 5.5). */
enum leg_warning {
	WARN_NONE = 0,
	WARN_INVALID = 111,
	WARN_NO_ANSWER = 199,
	WARN_STATUS = 299
};

/* One answer page of one source. */
struct leg_page {
	struct leg_page *next;
	struct buf body; /* what doc.json.text points into */
	struct document doc;
	bool single; /* the body is one entity, else an array of them */
};

struct fanout;

/* The requests for some of a leg's ids, one page after the other. */
struct leg_part {
	struct leg *leg;
	struct source_ask ask;
	struct http_call *call;
	struct leg_page *pages, **last_page;
	bool smaller; /* its page was halved since the source refused it */
};

struct leg {
	/* set by the caller */
	const struct policy_leg *policy;
	struct source_ask ask;
	/* the module's own */
	struct fanout *fanout;
	struct source_lane *lane;
	struct defer refused;
	struct mono_us begun;
	struct leg_part *parts;
	unsigned nparts, next_part; /* the first that has not begun */
	unsigned running, width;    /* parts at once, and at most */
	uint32_t pages_asked;
	bool asked, stuck; /* a request went out; could not be written */
	/* results, when open is false */
	bool open;
	bool late; /* WARN_NO_ANSWER since its time was up */
	bool sound; /* it failed us, but for what was asked of it */
	enum leg_warning warning;
	struct leg_page *pages; /* empty when it failed or had nothing */
	uint64_t bytes;		/* received, all pages */
	uint32_t upstream_us;
};

struct fanout {
	/* set by the caller */
	struct loop *loop;
	struct arena *arena;
	struct names *names;
	size_t answer_max;    /* bytes one source may send in all pages */
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
/* Cancels what is open, gives bodies and calls back; the arena stays. A
 * zeroed fanout is fine. */
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
