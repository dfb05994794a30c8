/* server/month_keys.c - keys by the month, and the HMAC made with them; see
 * month_keys.h. */
#include "server/month_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/buf.h"
#include "server/base/log.h"

#define AGAIN_US INT64_C(10000000)

void
month_keys_init(struct month_keys *k, const struct month_keys_kind *kind,
    const char *folder)
{
	*k = (struct month_keys){ .kind = kind, .folder = folder };
	(void)pthread_mutex_init(&k->lock, NULL);
}

void
month_keys_clear(struct month_keys *k)
{
	(void)pthread_mutex_destroy(&k->lock);
	OPENSSL_cleanse(k->keys, sizeof(k->keys));
}

/* ---- files */

static void
key_name(const struct month_keys_kind *kind, int month, char out[64])
{
	(void)snprintf(out, 64, "%s%04u-%02u", kind->prefix,
	    (unsigned)(month / 12) % 10000, (unsigned)(month % 12) + 1);
}

/* The month of such a name; -1: it is none. */
static int
key_month(const struct month_keys_kind *kind, const char *name)
{
	struct str s = str_of(name), prefix = str_of(kind->prefix);
	uint64_t y, m;

	if (!str_prefix(s, prefix))
		return (-1);
	s = str_from(s, prefix.len);
	if (s.len != 7 || s.p[4] != '-' ||
	    str_uint((struct str){ s.p, 4 }, 9999, &y) != HUB_OK ||
	    str_uint((struct str){ s.p + 5, 2 }, 12, &m) != HUB_OK || m < 1)
		return (-1);
	return ((int)(y * 12 + m - 1));
}

enum hub_err
month_key_read(int fd, struct month_key *key)
{
	size_t have = 0;
	ssize_t n;

	do {
		n = read(fd, key->bytes + have, MONTH_KEY_LEN - have);
		if (n < 0)
			return (HUB_EIO);
		have += (size_t)n;
	} while (n > 0 && have < MONTH_KEY_LEN);
	return (have < MONTH_KEY_LEN ? HUB_ENOENT : HUB_OK);
}

static bool
make_key(int fd, struct month_key *key)
{
	random_bytes(key->bytes, MONTH_KEY_LEN);
	return (pwrite(fd, key->bytes, MONTH_KEY_LEN, 0) == MONTH_KEY_LEN &&
	    fsync(fd) == 0);
}

static bool
load_key(const struct month_keys_kind *kind, int dir, int month,
    struct month_key *key)
{
	enum hub_err err;
	char name[64];
	bool good;
	int fd;

	key_name(kind, month, name);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		return (false);
	err = month_key_read(fd, key);
	good = err == HUB_OK || (err == HUB_ENOENT && make_key(fd, key));
	(void)close(fd);
	key->month = good ? month : 0;
	return (good);
}

static int
open_folder(const char *path)
{
	return (open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

void
month_keys_delete(const struct month_keys_kind *kind, const char *folder,
    int before)
{
	int fd = open_folder(folder), month;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		month = key_month(kind, e->d_name);
		if (month >= 0 && month < before &&
		    unlinkat(fd, e->d_name, 0) == 0)
			log_info(kind->deleted, "file=%s", e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
	else if (fd >= 0)
		(void)close(fd);
}

void
month_keys_turn(struct month_keys *k, struct wall_us now, int month,
    int oldest)
{
	struct month_key keys[2] = { 0 };
	bool before = k->unread;
	int dir = open_folder(k->folder);

	k->tried = now;
	k->unread = dir < 0 || !load_key(k->kind, dir, month, &keys[0]) ||
	    !load_key(k->kind, dir, month + 1, &keys[1]);
	if (k->unread && !before)
		log_err(k->kind->missing, "why=\"%s\"", strerror(errno));
	else if (before && !k->unread)
		log_warn(k->kind->there, NULL);
	if (dir >= 0)
		(void)close(dir);
	month_keys_delete(k->kind, k->folder, oldest);
	(void)pthread_mutex_lock(&k->lock);
	memcpy(k->keys, keys, sizeof(keys));
	(void)pthread_mutex_unlock(&k->lock);
	OPENSSL_cleanse(keys, sizeof(keys));
}

bool
month_keys_due(const struct month_keys *k, struct wall_us now)
{
	int64_t since = now.us - k->tried.us;

	return (k->unread && (since < 0 || since >= AGAIN_US));
}

/* ---- names */

bool
month_keys_name(struct month_keys *k, int month, struct str issuer,
    struct str subject, unsigned char mac[SHA256_LEN])
{
	struct month_key key = { 0 };
	struct buf b;
	bool made;

	(void)pthread_mutex_lock(&k->lock);
	for (int i = 0; i < 2; i++)
		if (k->keys[i].month == month)
			key = k->keys[i];
	(void)pthread_mutex_unlock(&k->lock);
	if (key.month == 0 || subject.len == 0)
		return (false);
	buf_init(&b, 65536);
	buf_addu(&b, issuer.len); /* so that no two pairs are one text */
	buf_addc(&b, ':');
	buf_adds(&b, issuer);
	buf_adds(&b, subject);
	made = !b.failed;
	if (made)
		hmac_sha256((struct str){ (const char *)key.bytes,
		    MONTH_KEY_LEN }, buf_str(&b), mac);
	buf_clear(&b);
	OPENSSL_cleanse(&key, sizeof(key));
	return (made);
}
