/* server/base/log_limit.c - see log_limit.h. */
#include "server/base/log_limit.h"

#include "server/base/log.h"

#define MINUTE_US INT64_C(60000000)

void
log_limit_sweep(struct log_limit *l, struct mono_us now)
{
	if (now.us - l->since.us < MINUTE_US)
		return;
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].seen > LOG_LIMIT_EACH)
			log_info(l->phrase, "more=%u why=\"%s\"",
			    l->v[i].seen - LOG_LIMIT_EACH, l->v[i].cause);
	l->n = 0;
	l->since = now;
}

bool
log_limit_take(struct log_limit *l, const char *cause, struct mono_us now)
{
	unsigned i;

	log_limit_sweep(l, now);
	for (i = 0; i < l->n && strcmp(l->v[i].cause, cause) != 0; i++)
		if (i == LOG_LIMIT_CAUSES - 1)
			break;
	if (i == l->n) {
		l->v[i].cause = i == LOG_LIMIT_CAUSES - 1 ? "others" : cause;
		l->v[i].seen = 0;
		l->n++;
	}
	return (l->v[i].seen++ < LOG_LIMIT_EACH);
}
