/* server/month_keys.h - keys that persons are named by, another one each
 * month, in files that nobody else may read. Who has deleted a key cannot tell
 * any more who it was. */
#ifndef HUB_SERVER_MONTH_KEYS_H
#define HUB_SERVER_MONTH_KEYS_H

#include <pthread.h>

#include "server/base/clock.h"
#include "server/base/hash.h"

#define MONTH_KEY_LEN 32

struct month_key {
	int month; /* year * 12 + month - 1; 0: none */
	unsigned char bytes[MONTH_KEY_LEN];
};

struct month_keys_kind {
	const char *prefix; /* of the files: what follows is 2026-11 */
	const char *missing, *there, *deleted; /* said in the log */
};

/* Embedded. */
struct month_keys {
	const struct month_keys_kind *kind;
	const char *folder;
	pthread_mutex_t lock;
	struct month_key keys[2]; /* of a month and the next; under the lock */
	/* the thread's that turns */
	struct wall_us tried;
	bool unread;
};

/* Both are borrowed. No file is touched yet. */
void month_keys_init(struct month_keys *, const struct month_keys_kind *,
    const char *folder);
void month_keys_clear(struct month_keys *);

/* From one thread: makes or reads the keys of this month and the next, and
 * deletes the files of months before the oldest. */
void month_keys_turn(struct month_keys *, struct wall_us now, int month,
    int oldest);
/* One could not be read, and the last try is a while ago. */
bool month_keys_due(const struct month_keys *, struct wall_us now);
void month_keys_delete(const struct month_keys_kind *, const char *folder,
    int before);

/* From any thread: an HMAC of issuer and subject. False: there is no key of
 * that month, or no subject. */
bool month_keys_name(struct month_keys *, int month, struct str issuer,
    struct str subject, unsigned char mac[SHA256_LEN]) HUB_MUST_CHECK;

/* HUB_ENOENT: the file is shorter than a key, so its key was never used and
 * may be made anew. HUB_EIO: it may be there, and names persons already. */
enum hub_err month_key_read(int fd, struct month_key *) HUB_MUST_CHECK;

#endif
