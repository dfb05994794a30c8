/* server/denials.h - what is revoked, gathered from the database and from the
 * emergency file policy.deny-list. For the helper thread of control.h alone. */
#ifndef HUB_SERVER_DENIALS_H
#define HUB_SERVER_DENIALS_H

#include <sys/stat.h>

#include "tenants/deny_store.h"

struct denials {
	const char *path; /* of the file; NULL: none */
	struct stat file; /* as it was read last */
	unsigned bad;	  /* lines of it that were not understood */
	bool unread;	  /* it is there and could not be read */
	int64_t epoch;	  /* of the rows; -1: none yet */
	bool changed;
	struct arena *file_arena, *rows_arena;
	struct deny_entry *entries, *rows;
	unsigned nentries, nrows;
};

void denials_init(struct denials *, const char *path);
void denials_clear(struct denials *);

/* At the start, by the account that runs: a file that is not there is no deny
 * list; HUB_EIO for one that cannot be read, since nothing of it would hold. */
enum hub_err denials_check(const char *path, struct buf *why) HUB_MUST_CHECK;

/* Reads the file if it is another one than before, or if told so. What cannot
 * be read leaves what was in force; a file that is gone lifts it. */
void denials_read_file(struct denials *, bool again);
/* Reads the rows if they have changed. */
enum hub_err denials_read_rows(struct denials *, struct db *) HUB_MUST_CHECK;
/* All of it, if it has changed since it was asked for last; else NULL. */
struct deny_set *denials_take(struct denials *);

#endif
