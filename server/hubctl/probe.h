/* server/hubctl/probe.h - one source, asked as the hub would ask it, and what
 * was seen, in sentences. Blocks; waits 10 s at most for each answer. */
#ifndef HUB_HUBCTL_PROBE_H
#define HUB_HUBCTL_PROBE_H

#include "server/federation/source.h"

enum probe_result {
	PROBE_OK,
	PROBE_NOTE, /* works, and should be known */
	PROBE_FAILED,
	PROBE_UNREACHABLE, /* nothing further was tried */
	PROBE_RESULTS
};

/* check names what was looked at; sentence lives for the call. */
typedef void probe_fn(
    const char *check, enum probe_result, const char *sentence, void *arg);

/* fn is called once for each finding; the worst of them is returned. No token
 * and no secret is in any of them. */
enum probe_result probe_source(const struct region *,
    const struct region_source *, const struct source_access *, probe_fn *,
    void *arg);

#endif
