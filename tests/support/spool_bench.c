/* spool_bench.c - see spool_bench.h. */
#include "tests/support/spool_bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/usage_record.h"

/* ---- the disk */

atomic_int fail_syncs;
atomic_bool disk_full;
const char *disk_dir;
atomic_uint disk_files;
atomic_int synced_failed_again;
ino_t failed_file;
const char *_Atomic sick_dir;

int fdatasync(int fd);
int fsync(int fd);
ssize_t pwrite(int fd, const void *p, size_t n, off_t off);

static bool
is_sick(int fd)
{
	const char *sick = atomic_load(&sick_dir);
	char link[64], path[512];
	ssize_t n;

	if (sick == NULL)
		return (false);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return (n > 0 && (size_t)n >= strlen(sick) &&
	    memcmp(path, sick, strlen(sick)) == 0);
}

int
fsync(int fd)
{
	if (is_sick(fd)) {
		errno = EIO;
		return (-1);
	}
	return ((int)syscall(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
	struct stat st;

	if (is_sick(fd)) {
		errno = EIO;
		return (-1);
	}
	if (fstat(fd, &st) == 0 && failed_file != 0 &&
	    st.st_ino == failed_file)
		atomic_fetch_add(&synced_failed_again, 1);
	if (atomic_load(&fail_syncs) > 0) {
		atomic_fetch_sub(&fail_syncs, 1);
		failed_file = st.st_ino;
		errno = EIO;
		return (-1);
	}
	return ((int)syscall(SYS_fdatasync, fd));
}

unsigned
files_there(void)
{
	DIR *d = opendir(disk_dir);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strlen(e->d_name) == 20;
	(void)closedir(d);
	return (n);
}

static bool
no_space(void)
{
	unsigned most = atomic_load(&disk_files);

	return (atomic_load(&disk_full) ||
	    (most > 0 && files_there() >= most));
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t off)
{
	if (off == 0 && n > RECORD_LEN && no_space()) {
		errno = ENOSPC;
		return (-1);
	}
	return ((ssize_t)syscall(SYS_pwrite64, fd, p, n, off));
}

/* ---- the hub */

void
hub_make(struct hub *h)
{
	*h = (struct hub){ 0 };
	(void)strcpy(h->dir, "/tmp/hubspool.XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	h->loop = loop_new();
}

enum hub_err
hub_open(struct hub *h, uint64_t size)
{
	struct spool_conf conf = { h->dir, size, SEGMENT, 7, h->second };
	struct buf why;
	enum hub_err err;

	buf_init(&why, 512);
	err = spool_open(&conf, &h->sp, &why);
	if (err != HUB_OK)
		h->sp = NULL;
	assert_int_equal(err == HUB_OK, why.len == 0);
	buf_clear(&why);
	return (err);
}

void
hub_close(struct hub *h)
{
	spool_close(h->sp);
	h->sp = NULL;
}

void
file_remove(const char *dir, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

static void
directory_remove(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			file_remove(dir, e->d_name);
	(void)closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

void
hub_remove(struct hub *h)
{
	hub_close(h);
	loop_free(h->loop);
	directory_remove(h->dir);
	if (h->second != NULL)
		directory_remove(h->second);
}

void
hub_on_done(void *arg)
{
	struct job *j = arg;

	j->hub->done++;
	if (j->job.err != HUB_OK)
		j->hub->failed++;
	loop_stop(j->hub->loop);
	free(j);
}

enum hub_err
hub_submit(struct hub *h, unsigned n, struct uuid id)
{
	struct job *j = xcalloc(1, sizeof(*j));
	enum hub_err err;

	for (unsigned i = 0; i < n; i++)
		j->records[i] = usage(i == 0 ? RECORD_ACCESS : RECORD_LEG,
		    (uint8_t)i, id);
	j->hub = h;
	j->job = (struct spool_job){ .records = j->records, .n = n,
		.loop = h->loop, .fn = hub_on_done, .arg = j };
	err = spool_submit(h->sp, &j->job);
	if (err != HUB_OK)
		free(j);
	return (err);
}

void
hub_wait(struct hub *h, unsigned done)
{
	while (h->done < done)
		loop_run(h->loop);
	assert_int_equal(h->done, done);
}

void
hub_write(struct hub *h, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(hub_submit(h, 1, uuid7(clock_wall())),
		    HUB_OK);
		hub_wait(h, h->done + 1);
	}
}

unsigned
hub_read(struct hub *h, struct spool_pos *pos, unsigned *bad_r)
{
	static unsigned char raw[64 * RECORD_LEN];
	unsigned n, usage_records = 0;
	enum hub_err err;
	struct record r;

	do {
		err = spool_read(h->sp, pos, raw, 64, &n);
		if (err == HUB_ECONFLICT && bad_r != NULL)
			++*bad_r;
		else
			assert_int_equal(err, HUB_OK);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(record_decode(raw + i * RECORD_LEN,
					     &r), HUB_OK);
			usage_records += r.kind == RECORD_ACCESS ||
			    r.kind == RECORD_LEG;
		}
	} while (n > 0 || err == HUB_ECONFLICT);
	return (usage_records);
}

void
poke(struct hub *h, const char *name, off_t at, const void *p, size_t n)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", h->dir, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
	(void)close(fd);
}
