/* server/metrics_priv.h - what the files of metrics.h share: metrics.c (names
 * and their slots, the hub and the process), metrics_request.c (what the
 * workers count) and metrics_text.c (the formats). */
#ifndef HUB_SERVER_METRICS_PRIV_H
#define HUB_SERVER_METRICS_PRIV_H

#include "server/counts.h"
#include "server/metrics.h"

struct page {
	struct buf *b;
	bool open; /* OpenMetrics */
};

/* A family's head. OpenMetrics names it without the suffix of its samples;
 * info is a gauge where there is no such type. */
void page_family(struct page *, const char *name, const char *suffix,
    const char *type, const char *help);
void page_counter(struct page *, const char *name, const char *help);
void page_gauge(struct page *, const char *name, const char *help);
/* The first one of a sample opens the brace; who writes the value closes it. */
void page_label(struct page *, bool *first, const char *name, struct str value);
/* The value behind a name, or behind what closes the labels. */
void page_whole(struct page *, const char *name, uint64_t n);
/* Of microseconds, exactly: no locale has a say in it. */
void page_seconds(struct page *, const char *name, int64_t us);

struct histogram_sum {
	uint64_t buckets[HISTOGRAM_BUCKETS], sum_us, n;
};
void histogram_sum_add(struct histogram_sum *, const struct histogram *);
/* labels: such as `broker="a"`, or empty. step 2: octaves only. */
void page_histogram(struct page *, const char *name, struct str labels,
    const struct histogram_sum *, unsigned step);

void metrics_requests(struct page *, const struct metrics *);
void metrics_decisions(struct page *, const struct metrics *);
/* s: in force; may be NULL. */
void metrics_sources(struct page *, const struct metrics *,
    const struct snapshot *s);

#endif
