/* server/hubctl/explain.h - why a request gets what it gets: the plan that the
 * hub would make, in sentences with the reason codes of the decision log.
 * Pure; no source is asked. */
#ifndef HUB_HUBCTL_EXPLAIN_H
#define HUB_HUBCTL_EXPLAIN_H

#include "policies/policy.h"
#include "policies/region_words.h"
#include "server/ngsild/query.h"

struct explain {
	/* what is asked; given by the caller */
	const struct region *region;
	const struct policy_set *set;
	struct policy_query pq; /* as the hub makes it of the query */
	const struct query *query;
	const struct http_uri *uri;
	/* What predicates look at, where the query does not have them. */
	unsigned npredicates;
	const struct name *const *predicates;
	struct arena *arena;
	/* what comes of it */
	struct explain_line *v;
	unsigned n, cap;
};

struct explain_line {
	const struct region_dataset *dataset; /* NULL: the request as such */
	const struct region_agreement *agreement; /* or NULL */
	const struct region_forbid *forbid;	  /* or NULL */
	const char *code; /* "AREA", ...; NULL: nothing is narrowed */
	struct both text;
};

void explain_run(struct explain *);
/* "pegel.hub:48", of the rule that decided; or NULL. */
const char *explain_place(const struct explain_line *, struct arena *);
/* A line of the caller's own. */
void explain_say(struct explain *, struct explain_line);

#endif
