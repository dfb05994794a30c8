/* server/decision_log_priv.h - what the files of the decision log share. */
#ifndef HUB_SERVER_DECISION_LOG_PRIV_H
#define HUB_SERVER_DECISION_LOG_PRIV_H

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/decision_file.h"
#include "server/decision_log.h"
#include "server/month_keys.h"

/* Of a line without its chain, so that with it it can be read. */
#define DECISION_BODY_MAX (DECISION_LINE_MAX - 256)

/* What a worker has said since the thread looked last. */
struct decision_lane {
	pthread_mutex_t lock; /* of lines: held for one line, or a swap */
	struct buf lines;     /* a line break behind each */
	struct buf spare;     /* the thread's */
	int64_t unknown_second; /* the worker's own */
	unsigned unknown;
};

struct decision_log {
	struct decision_log_conf conf;
	struct decision_lane *lanes;
	pthread_t thread, jobs_thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, done, jobs_wake;
	/* under the lock */
	bool dirty, urgent, reopen, stopping, jobs_stopping;
	uint64_t rounds_wanted, rounds_done;
	struct decision_job *jobs; /* the first first */
	unsigned njobs;
	bool jobs_ended; /* who closes */

	struct month_keys keys; /* of persons; turned by the thread */

	atomic_ullong written, lost, skipped;
	atomic_bool half; /* of the size is used: none of unknown callers */
	/* the thread's */
	int dir;
	struct decision_file file;
	char swept[DECISION_DAY_MAX];
	uint64_t others; /* bytes of files beside today's */
	uint64_t lines;	 /* in the block, marks not counted */
	uint64_t told_lost, told_skipped, telling_lost, telling_skipped;
	bool failing, full;
	int why; /* errno */
	int64_t said_us;
};

/* NULL: it cannot be read. */
DIR *decision_log_list(int dir);

/* Before all others. */
void decision_keys_init(struct decision_log *);
/* Makes or reads the keys of this month and the next, deletes those whose
 * lines are deleted. */
void decision_keys_turn(struct decision_log *, struct wall_us now);
/* Once more after a while, if one could not be read. */
void decision_keys_again(struct decision_log *, struct wall_us now);

void *decision_jobs_main(void *log);

#endif
