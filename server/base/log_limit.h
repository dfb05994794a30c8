/* server/base/log_limit.h - the first lines of each cause in a minute, then
 * how many more there were: nobody outside fills the log. One thread's own. */
#ifndef HUB_BASE_LOG_LIMIT_H
#define HUB_BASE_LOG_LIMIT_H

#include "server/base/clock.h"

#define LOG_LIMIT_EACH	 20 /* lines of a cause in a minute */
#define LOG_LIMIT_CAUSES 64 /* further ones are one */

struct log_limit {
	const char *phrase; /* of the count's line */
	struct mono_us since;
	unsigned n;
	struct {
		const char *cause;
		unsigned seen;
	} v[LOG_LIMIT_CAUSES];
};

/* A zeroed limit with its phrase is ready. cause: a static text. */
bool log_limit_take(struct log_limit *, const char *cause, struct mono_us now)
    HUB_MUST_CHECK;
/* Logs the counts of a minute that is over. */
void log_limit_sweep(struct log_limit *, struct mono_us now);

#endif
