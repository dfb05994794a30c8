/* server/decision_log.h - the decision log: workers hand over lines, one
 * thread writes them, a day to a file.
 *
 * A line is in the file at most 0.2 s after its answer left. Answers never
 * wait for it: what does not fit (a full disk, the size of the folder, a
 * worker's buffer) is counted, said in the hub's log, and a mark in the file
 * tells how many lines are missing there.
 *
 *	DIR/decision-2026-11-23.log	by UTC; a JSON object a line
 *
 * Each line ends in ,"prev_hash":"...","hash":"..."}: hash is SHA-256 of the
 * bytes before ,"hash", prev_hash that of the line before; the first of a file
 * has zeros. Marks are lines of the log itself: {"ts":...,"mark":"begin"} when
 * a process begins to write there, "lost" with the number "lost". */
#ifndef HUB_SERVER_DECISION_LOG_H
#define HUB_SERVER_DECISION_LOG_H

#include "server/base/hash.h"
#include "server/decision.h"
#include "server/net/loop.h"

struct decision_log;

struct decision_log_conf {
	const char *directory;
	const char *keys; /* folder of the keys that subjects are named by */
	int64_t keep_us;  /* files of days that ended before are deleted */
	uint64_t size;	  /* of all files together */
	unsigned workers;
};

/* Opens the folder, which must be there and belong to this process alone, and
 * starts the thread. */
enum hub_err decision_log_open(const struct decision_log_conf *,
    struct decision_log **, struct buf *why) HUB_MUST_CHECK;
/* Nobody looks for lines any more; before the loops end. Then, after the last
 * line: writes what is there, and ends. NULL is fine. */
void decision_log_stop_jobs(struct decision_log *);
void decision_log_close(struct decision_log *);

/* From the worker's thread alone. */
void decision_log_add(struct decision_log *, unsigned worker,
    const struct decision *);
/* What stands for a person in the log: an HMAC of issuer and subject under a
 * key of the month; "" if there is no key. Keys are deleted with the files, so
 * then nobody can tell any more who it was. */
#define DECISION_SUBJECT_MAX 33
void decision_log_subject(struct decision_log *, struct wall_us now,
    struct str issuer, struct str subject, char out[DECISION_SUBJECT_MAX]);

/* From any thread: write now; the same, and wait for it; open the file anew
 * (USR1). */
void decision_log_flush(struct decision_log *);
void decision_log_sync(struct decision_log *);
void decision_log_reopen(struct decision_log *);

struct decision_log_stats {
	uint64_t lines, lost;
	uint64_t skipped; /* of unknown callers, beyond some in a second */
};
void decision_log_stats(struct decision_log *, struct decision_log_stats *);

/* A line looked for by its request's id, for somebody who is on a loop: read
 * by a thread of its own, since most of them are long on the disk. */
struct decision_job;
/* line: as decision_read has it, or none (p NULL); lives for the call. */
typedef void decision_found_fn(struct str line, void *arg);
/* NULL: too many wait, or too many of that tenant. fn(line, arg) is called once
 * on the loop, unless given up before. */
struct decision_job *decision_log_find(struct decision_log *,
    const struct uuid *, struct str tenant, struct loop *,
    decision_found_fn *, void *arg) HUB_MUST_CHECK;
/* The loop's thread only: nobody waits any more, and what is under way ends
 * with the line it is at. NULL is fine. */
void decision_job_give_up(struct decision_job *);

#endif
