/* server/denials.c - what is revoked; see denials.h. */
#include "server/denials.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "server/base/buf.h"
#include "server/base/log.h"

#define BAD_LOGGED_MAX 20

void
denials_init(struct denials *d, const char *path)
{
	*d = (struct denials){ .path = path,
		.epoch = -1,
		.changed = true,
		.file_arena = arena_new(),
		.rows_arena = arena_new() };
	(void)pthread_mutex_init(&d->lock, NULL);
}

void
denials_clear(struct denials *d)
{
	arena_free(d->file_arena);
	arena_free(d->rows_arena);
	(void)pthread_mutex_destroy(&d->lock);
}

static void
on_bad(unsigned line, void *arg)
{
	struct denials *d = arg;

	if (d->bad++ < BAD_LOGGED_MAX)
		log_err("a line of the deny list is not understood: the "
			"others count", "file=\"%s\" line=%u", d->path, line);
}

static void
take_text(struct denials *d, struct str text)
{
	struct deny_entry *entries = NULL;
	struct arena *a = arena_new();
	unsigned n = 0;

	d->bad = 0;
	if (deny_list_read(text, a, &entries, &n, on_bad, d) != HUB_OK) {
		log_err("the deny list is too long, the old one stays",
		    "file=\"%s\" most=%d", d->path, DENY_ENTRIES_MAX);
		d->unread = true;
		arena_free(a);
		return;
	}
	if (n > 0 || d->nentries > 0)
		log_warn("deny list in force", "file=\"%s\" entries=%u",
		    d->path, n);
	(void)pthread_mutex_lock(&d->lock);
	arena_free(d->file_arena);
	d->file_arena = a;
	d->entries = entries;
	d->nentries = n;
	d->changed = true;
	(void)pthread_mutex_unlock(&d->lock);
}

/* All of it, of a plain file that is no longer than allowed. */
static bool
read_all(int fd, const struct stat *st, struct buf *b)
{
	char block[65536];
	ssize_t n = -1;

	while (S_ISREG(st->st_mode) && !b->failed &&
	    (n = read(fd, block, sizeof(block))) > 0)
		buf_add(b, block, (size_t)n);
	return (n == 0 && !b->failed);
}

/* Nobody can set the time of a change: a copy that keeps the old time of
 * writing is seen, too. */
static bool
same_file(const struct stat *a, const struct stat *b)
{
	return (a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec);
}

static void
read_open(struct denials *d, int fd, const struct stat *st)
{
	struct buf b;

	buf_init(&b, DENY_FILE_MAX);
	d->file = *st;
	d->unread = !read_all(fd, st, &b);
	if (d->unread)
		log_err("the deny list cannot be read, the old one stays",
		    "file=\"%s\"", d->path);
	else
		take_text(d, b.len > 0 ? buf_str(&b) : STR(""));
	buf_clear(&b);
}

/* They are told when the list comes into force. */
static void
on_bad_unsaid(unsigned line HUB_UNUSED, void *arg HUB_UNUSED)
{
}

static bool
is_readable(int fd)
{
	struct deny_entry *entries;
	struct arena *a = arena_new();
	struct stat st;
	struct buf b;
	bool good;
	unsigned n;

	buf_init(&b, DENY_FILE_MAX);
	good = fstat(fd, &st) == 0 && read_all(fd, &st, &b) &&
	    deny_list_read(buf_str(&b), a, &entries, &n, on_bad_unsaid,
		NULL) == HUB_OK;
	buf_clear(&b);
	arena_free(a);
	return (good);
}

enum hub_err
denials_check(const char *path, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool good = fd < 0 ? errno == ENOENT : is_readable(fd);

	if (fd >= 0)
		(void)close(fd);
	if (good)
		return (HUB_OK);
	buf_addf(why, "policy.deny-list: %s is there and cannot be read, or "
	    "is too long: whom it refuses would be let in\n", path);
	return (HUB_EIO);
}

void
denials_read_file(struct denials *d, bool again)
{
	struct stat st = { 0 };
	int fd;

	if (d->path == NULL)
		return;
	fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		d->unread = false;
		if (d->file.st_ino != 0)
			take_text(d, STR(""));
		d->file = st;
		return;
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		if (!d->unread || again)
			log_err("the deny list cannot be opened, the old one "
				"stays", "file=\"%s\" errno=%d", d->path,
			    errno);
		d->unread = true;
	} else if (again || d->unread || !same_file(&st, &d->file))
		read_open(d, fd, &st);
	if (fd >= 0)
		(void)close(fd);
}

enum hub_err
denials_read_rows(struct denials *d, struct db *db)
{
	struct deny_entry *rows = NULL;
	struct arena *a;
	unsigned n = 0, bad = 0;
	int64_t epoch;
	enum hub_err err = revocation_epoch_get(db, &epoch);

	if (err != HUB_OK || epoch == d->epoch)
		return (err);
	a = arena_new();
	err = epoch < 0 ? HUB_OK : revocation_load(db, a, &rows, &n,
	    &bad);
	if (err != HUB_OK) {
		log_err("revocations cannot be read", NULL);
		arena_free(a);
		return (err);
	}
	d->epoch = epoch;
	(void)pthread_mutex_lock(&d->lock);
	arena_free(d->rows_arena);
	d->rows_arena = a;
	d->rows = rows;
	d->nrows = n;
	d->changed = true;
	(void)pthread_mutex_unlock(&d->lock);
	if (bad > 0)
		log_err("revocations are not understood: the others count",
		    "rows=%u", bad);
	log_info("revocations in force", "entries=%u", n);
	return (HUB_OK);
}

struct deny_set *
denials_take(struct denials *d)
{
	struct deny_set *set = NULL;

	(void)pthread_mutex_lock(&d->lock);
	if (d->changed)
		set = deny_set_new(d->entries, d->nentries, d->rows, d->nrows);
	d->changed = false;
	(void)pthread_mutex_unlock(&d->lock);
	return (set);
}
