/* server/reports.h - reports of the ledger for requests: one thread with a
 * connection of its own, which reads as finance_ro and never writes, so that no
 * worker waits for the database and no report for a change of policy.
 *
 * Who waits is told on its loop. A few wait at once, fewer of one tenant. */
#ifndef HUB_SERVER_REPORTS_H
#define HUB_SERVER_REPORTS_H

#include "server/net/loop.h"
#include "server/snapshot.h"

struct reports;
struct reports *reports_start(const char *conninfo) HUB_MUST_CHECK;
/* What is under way is broken off; nobody may ask any more. */
void reports_stop(struct reports *);
void reports_free(struct reports *);

enum reports_kind {
	REPORTS_USAGE,
	REPORTS_COSTS,
	REPORTS_INDICATORS,
	REPORTS_INTEGRITY, /* no period, of nobody; kept a while */
	REPORTS_DIGESTS,   /* no period: before and limit */
	REPORTS_DIGEST,	   /* the last line, of nobody */
	REPORTS_STATEMENT
};
enum reports_form { REPORTS_JSON, REPORTS_CSV, REPORTS_HTML };

struct reports_ask {
	enum reports_kind kind;
	enum reports_form form;
	bool german;
	struct str by;		     /* of usage */
	struct str period;	     /* 2026, 2026-11; usage also 2026-11-03 */
	struct str purpose, type;    /* of usage; p NULL: all */
	struct wall_us before;	     /* of digests; WALL_ABSENT: now */
	unsigned limit;		     /* of digests */
	const struct tenant *asker;  /* in whose turn */
	const struct tenant *tenant; /* whose; NULL: of all */
};

/* err is HUB_OK and body the answer, or HUB_ENOENT: no such grouping, no
 * digest yet, HUB_ESYNTAX: no such period, HUB_ECONFLICT: a cost cannot be
 * shared, HUB_EFULL: too long, else: not to be had now. */
typedef void reports_fn(enum hub_err, struct str body, void *arg);
struct reports_job;
/* Tenants are of the snapshot, of which the job has a reference of its own;
 * texts are copied. fn is called once, unless given up before. NULL: too many
 * wait. */
struct reports_job *reports_submit(struct reports *,
    const struct reports_ask *, struct snapshot *, struct loop *, reports_fn *,
    void *arg) HUB_MUST_CHECK;
/* The loop's thread only; NULL is fine. */
void reports_give_up(struct reports_job *);

#endif
