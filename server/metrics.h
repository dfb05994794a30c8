/* server/metrics.h - what monitoring reads at /metrics: the text format 0.0.4
 * of Prometheus, or OpenMetrics 1.0.0.
 *
 * Labels are names of the region alone, never a text of a request; a name keeps
 * its slot in the workers' counts (counts.h) as long as the process lives, so
 * that a counter never goes back. Who comes when all slots are given is
 * "other". Control thread only. */
#ifndef HUB_SERVER_METRICS_H
#define HUB_SERVER_METRICS_H

#include "server/base/buf.h"
#include "server/snapshot.h"

#define METRICS_BYTES_MAX ((size_t)64 << 20)

struct control;
struct control_state;
struct worker;

/* Slots given to names, from 1 on. */
struct metric_names {
	unsigned n, max;
	struct str *list;
};
void metric_names_init(struct metric_names *, unsigned max);
void metric_names_clear(struct metric_names *);
/* The slot of the name, a new one if it has none; 0: there is no room. */
unsigned metric_names_slot(struct metric_names *, struct str name);
/* Of a slot that was given, or "other". */
struct str metric_names_get(const struct metric_names *, unsigned slot);

struct metrics {
	struct metric_names tenants, sources;
	const struct worker *workers;
	unsigned nworkers;
};
/* A snapshot that is not published yet learns its slots. */
void metrics_region(struct metrics *, struct snapshot *);
/* Is a source's breaker open, in any worker? */
bool metrics_is_open(const struct metrics *, unsigned slot, int64_t mono_us);

/* Does Accept (RFC 9110, 12.5.1) ask for OpenMetrics rather than for text? */
bool metrics_wants_open(struct str accept);
void metrics_write(struct control *, bool openmetrics, struct buf *);

#endif
