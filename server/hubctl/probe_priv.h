/* server/hubctl/probe_priv.h - what the parts of a probe share. */
#ifndef HUB_HUBCTL_PROBE_PRIV_H
#define HUB_HUBCTL_PROBE_PRIV_H

#include "server/hubctl/probe.h"
#include "server/oauth_token.h"

#define WAIT_S 10 /* for each answer */

struct probe {
	const struct region *region;
	const struct region_source *source;
	const struct source_access *access;
	const struct region_dataset *dataset; /* its first */
	struct loop *loop;
	struct http_pool *pool;
	struct arena *arena;
	struct names names;
	struct oauth_answer token; /* of oauth { } */
	probe_fn *fn;
	void *arg;
	enum probe_result worst;
};

/* Hands a finding on. */
void probe_say(struct probe *, const char *check, enum probe_result,
    const char *fmt, ...) HUB_PRINTF(4, 5);
/* Address and TLS; false: there is no point in going on. */
bool probe_reach(struct probe *);

#endif
