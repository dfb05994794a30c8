/* server/ledger/loader.h - the thread that moves the spool into PostgreSQL:
 * COPY, exactly once, with roll-ups and checkpoint in one transaction
 * (ledger.md §4). The database may be away for hours: it tries again after
 * 1 s to 60 s with jitter. */
#ifndef HUB_LEDGER_LOADER_H
#define HUB_LEDGER_LOADER_H

#include "server/ledger/spool.h"

struct loader;
struct loader *loader_start(struct spool *, const char *conninfo)
    HUB_MUST_CHECK;
/* Loads what is durable now if the database answers, for some seconds at
 * most, then stops. */
void loader_stop(struct loader *);

struct loader_stats {
	bool up;	 /* the last attempt reached the database */
	uint64_t loaded; /* records since start */
	uint64_t conflicts; /* same key, other content: alarms */
	uint64_t restored; /* the database turned out to be an older one */
	/* When the last digest was signed; before the first one, the day of
	 * the first use. WALL_ABSENT: not known, or nothing to sign. Looked at
	 * every ten minutes. */
	struct wall_us digest;
	bool digest_signed; /* there was one */
};
void loader_stats(struct loader *, struct loader_stats *);

#endif
