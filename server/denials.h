/* server/denials.h - what is revoked, gathered from the database and from the
 * emergency file policy.deny-list.
 *
 * The control thread reads the file, since it must count also while the
 * database hangs; the helper thread of control.h, which may wait for that, the
 * rows. */
#ifndef HUB_SERVER_DENIALS_H
#define HUB_SERVER_DENIALS_H

#include <pthread.h>
#include <sys/stat.h>

#include "tenants/deny_store.h"

struct denials {
	const char *path; /* of the file; NULL: none */
	struct stat file; /* as it was read last */
	unsigned bad;	  /* lines of it that were not understood */
	bool unread;	  /* it is there and could not be read */
	int64_t epoch;	  /* of the rows, the helper's; -1: none yet */
	pthread_mutex_t lock; /* of what follows */
	bool changed;
	struct arena *file_arena, *rows_arena;
	struct deny_entry *entries, *rows;
	unsigned nentries, nrows;
};

void denials_init(struct denials *, const char *path);
void denials_clear(struct denials *);

/* At the start, by the account that runs: a file that is not there is no deny
 * list; HUB_EIO for one that cannot be read or has too many entries, since
 * nothing of it would hold. */
enum hub_err denials_check(const char *path, struct buf *why) HUB_MUST_CHECK;

/* Control thread: reads the file if it is another one than before, or if told
 * so. What cannot be read leaves what was in force; a file that is gone lifts
 * it. */
void denials_read_file(struct denials *, bool again);
/* Helper thread: reads the rows if they have changed. */
enum hub_err denials_read_rows(struct denials *, struct db *) HUB_MUST_CHECK;
/* Control thread: all of it, if it has changed since it was asked for last;
 * else NULL. */
struct deny_set *denials_take(struct denials *);

#endif
