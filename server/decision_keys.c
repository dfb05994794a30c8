/* server/decision_keys.c - what persons are called in the decision log: keys
 * by the month, and the HMAC made with them. See decision_log.h. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/decision_log_priv.h"

#define KEY_PREFIX "decision-key-"
#define AGAIN_US   INT64_C(10000000)

static int
month_of(struct wall_us at)
{
	char day[DECISION_DAY_MAX];

	decision_day(at, day);
	return (((day[0] - '0') * 1000 + (day[1] - '0') * 100 +
		    (day[2] - '0') * 10 + (day[3] - '0')) * 12 +
	    (day[5] - '0') * 10 + (day[6] - '0') - 1);
}

static void
key_name(int month, char out[32])
{
	(void)snprintf(out, 32, KEY_PREFIX "%04u-%02u",
	    (unsigned)(month / 12) % 10000, (unsigned)(month % 12) + 1);
}

/* The month of such a name; -1: it is none. */
static int
key_month(const char *name)
{
	struct str s = str_of(name);
	uint64_t y, m;

	if (!str_prefix(s, STR(KEY_PREFIX)))
		return (-1);
	s = str_from(s, sizeof(KEY_PREFIX) - 1);
	if (s.len != 7 || s.p[4] != '-' ||
	    str_uint((struct str){ s.p, 4 }, 9999, &y) != HUB_OK ||
	    str_uint((struct str){ s.p + 5, 2 }, 12, &m) != HUB_OK || m < 1)
		return (-1);
	return ((int)(y * 12 + m - 1));
}

enum hub_err
decision_key_read(int fd, struct decision_key *key)
{
	size_t have = 0;
	ssize_t n;

	do {
		n = read(fd, key->bytes + have, DECISION_KEY_LEN - have);
		if (n < 0)
			return (HUB_EIO);
		have += (size_t)n;
	} while (n > 0 && have < DECISION_KEY_LEN);
	return (have < DECISION_KEY_LEN ? HUB_ENOENT : HUB_OK);
}

static bool
make_key(int fd, struct decision_key *key)
{
	random_bytes(key->bytes, DECISION_KEY_LEN);
	return (pwrite(fd, key->bytes, DECISION_KEY_LEN, 0) ==
		DECISION_KEY_LEN && fsync(fd) == 0);
}

static bool
load_key(int dir, int month, struct decision_key *key)
{
	enum hub_err err;
	char name[32];
	bool good;
	int fd;

	key_name(month, name);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		return (false);
	err = decision_key_read(fd, key);
	good = err == HUB_OK || (err == HUB_ENOENT && make_key(fd, key));
	(void)close(fd);
	key->month = good ? month : 0;
	return (good);
}

static void
delete_keys(int dir, int before)
{
	DIR *d = decision_log_list(dir);
	struct dirent *e;
	int month;

	while (d != NULL && (e = readdir(d)) != NULL) {
		month = key_month(e->d_name);
		if (month >= 0 && month < before &&
		    unlinkat(dir, e->d_name, 0) == 0)
			log_info("key of the decision log deleted, its time "
				 "is over", "file=%s", e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
}

void
decision_keys_turn(struct decision_log *log, struct wall_us now)
{
	struct decision_key keys[2] = { 0 };
	bool missed = log->keys_missing;
	int month = month_of(now), dir;

	log->keys_tried = now;
	dir = open(log->conf.keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	log->keys_missing = dir < 0 || !load_key(dir, month, &keys[0]) ||
	    !load_key(dir, month + 1, &keys[1]);
	if (log->keys_missing && !missed)
		log_err("no key for the persons in the decision log: they are "
			"left out until it can be read", "why=\"%s\"",
		    strerror(errno));
	else if (missed && !log->keys_missing)
		log_warn("the key for the persons in the decision log is "
			 "there again", NULL);
	if (dir >= 0) {
		delete_keys(dir, month_of((struct wall_us){
		    now.us - log->conf.keep_us }));
		(void)close(dir);
	}
	(void)pthread_mutex_lock(&log->key_lock);
	memcpy(log->keys, keys, sizeof(keys));
	(void)pthread_mutex_unlock(&log->key_lock);
	OPENSSL_cleanse(keys, sizeof(keys));
}

void
decision_keys_again(struct decision_log *log, struct wall_us now)
{
	int64_t since = now.us - log->keys_tried.us;

	if (log->keys_missing && (since < 0 || since >= AGAIN_US))
		decision_keys_turn(log, now);
}

void
decision_keys_clear(struct decision_log *log)
{
	OPENSSL_cleanse(log->keys, sizeof(log->keys));
}

void
decision_log_subject(struct decision_log *log, struct wall_us now,
    struct str issuer, struct str subject, char out[DECISION_SUBJECT_MAX])
{
	struct decision_key key = { 0 };
	unsigned char mac[SHA256_LEN];
	int month = month_of(now);
	struct buf b;

	out[0] = '\0';
	(void)pthread_mutex_lock(&log->key_lock);
	for (int i = 0; i < 2; i++)
		if (log->keys[i].month == month)
			key = log->keys[i];
	(void)pthread_mutex_unlock(&log->key_lock);
	if (key.month == 0 || subject.len == 0)
		return;
	buf_init(&b, 65536);
	buf_addu(&b, issuer.len); /* so that no two pairs are one text */
	buf_addc(&b, ':');
	buf_adds(&b, issuer);
	buf_adds(&b, subject);
	if (!b.failed) {
		hmac_sha256((struct str){ (const char *)key.bytes,
		    DECISION_KEY_LEN }, buf_str(&b), mac);
		hex_encode(mac, (DECISION_SUBJECT_MAX - 1) / 2, out);
	}
	buf_clear(&b);
	OPENSSL_cleanse(&key, sizeof(key));
}
