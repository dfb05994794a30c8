/* server/hubctl/explain_logged.h - a request that was, by its line in the
 * decision log, under the bundle that was in force then. */
#ifndef HUB_HUBCTL_EXPLAIN_LOGGED_H
#define HUB_HUBCTL_EXPLAIN_LOGGED_H

#include "server/decision.h"
#include "server/hubctl/explain.h"
#include "server/hubctl/hubctl.h"

/* Is it a request's id, and no request? */
bool explain_is_id(const char *);
/* hubctl explain REQUEST-ID. */
enum ctl_exit explain_logged(const struct ctl *, const char *id);
/* For rows of that, and of hubctl explain --as. */
struct table *explain_table(void) HUB_MUST_CHECK;

/* The same question again, as far as the log has it: everything but its ids
 * and the values of its filters. */
struct logged {
	struct names names;
	struct query query;
	struct http_uri uri;
	struct policy_query pq;
	unsigned npredicates;
	const struct name **predicates;
};
/* Of that region. false: what is in the log cannot be asked there: it was no
 * question for data, or the tenant or purpose is not there. */
bool logged_question(const struct decision *, const struct region *,
    struct arena *, struct logged *) HUB_MUST_CHECK;
/* Did the request come so far that agreements were looked at? */
bool logged_planned(const struct decision *);
/* The entry of a dataset, or NULL: it was not asked. */
const struct decision_source *logged_source(const struct decision *,
    struct str dataset);

#endif
