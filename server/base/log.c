/* server/base/log.c - the log; log.h says what it promises. */
#include "server/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/log_line.h"

#define DETAIL_MAX 1900 /* bytes of a line's own fields; more are cut */

static atomic_int level = LOG_INFO;
static atomic_int format = LOG_LOGFMT;
static atomic_int log_fd = STDERR_FILENO;
static atomic_bool journal;

void
log_set_level(enum log_level l)
{
	atomic_store(&level, (int)l);
}

enum log_level
log_get_level(void)
{
	return ((enum log_level)atomic_load_explicit(&level,
	    memory_order_relaxed));
}

void
log_set_format(enum log_format f)
{
	atomic_store(&format, (int)f);
}

enum log_format
log_get_format(void)
{
	return ((enum log_format)atomic_load_explicit(&format,
	    memory_order_relaxed));
}

bool
log_is_journal(void)
{
	return (atomic_load_explicit(&journal, memory_order_relaxed));
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the journal's end; what
 * was inherited from a parent may be another one. */
static bool
is_journal(int fd)
{
	const char *env = getenv("JOURNAL_STREAM");
	struct str inode = str_of(env), device;
	uint64_t dev, ino;
	struct stat st;

	return (env != NULL && str_cut(&inode, ':', &device) &&
	    str_uint(device, UINT64_MAX, &dev) == HUB_OK &&
	    inode.p != NULL && str_uint(inode, UINT64_MAX, &ino) == HUB_OK &&
	    fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino);
}

enum hub_err
log_open(const char *path)
{
	int fd = STDERR_FILENO, at = atomic_load(&log_fd), rc;

	if (path != NULL) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		    0640);
		if (fd < 0)
			return (HUB_EIO);
	}
	atomic_store(&journal, is_journal(fd));
	if (at == STDERR_FILENO) {
		atomic_store(&log_fd, fd);
		return (HUB_OK);
	}
	/* In place: closed, the number could be a client's connection by the
	 * time another thread writes its line. */
	rc = dup3(fd, at, O_CLOEXEC);
	if (fd != STDERR_FILENO)
		(void)close(fd);
	return (rc >= 0 ? HUB_OK : HUB_EIO);
}

/* Texts of others have quotes, too: inside a quoted value each becomes an
 * apostrophe. A value ends where the line does or where "key=" follows. */
static void
clean_quotes(char *s, size_t len)
{
	bool inside = false;

	for (size_t i = 0; i < len; i++) {
		size_t key = i + 2;

		if (s[i] != '"')
			continue;
		if (!inside && i > 0 && s[i - 1] == '=') {
			inside = true;
			continue;
		}
		while (key < len &&
		    ((s[key] >= 'a' && s[key] <= 'z') || s[key] == '_'))
			key++;
		if (i + 1 == len || (s[i + 1] == ' ' && key > i + 2 &&
					key < len && s[key] == '='))
			inside = false;
		else
			s[i] = '\'';
	}
}

void
log_write(struct str line)
{
	ssize_t n;

	while (line.len > 0) {
		n = write(atomic_load(&log_fd), line.p, line.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* a log that cannot be written stops nobody */
		line = str_from(line, (size_t)n);
	}
}

void
log_kv(enum log_level l, const char *phrase, const char *detail, ...)
{
	struct log_line line;
	char text[DETAIL_MAX];
	size_t len = 0;
	va_list ap;
	int n;

	if ((int)l > atomic_load_explicit(&level, memory_order_relaxed))
		return;
	log_line_begin(&line, l, phrase);
	if (detail != NULL) {
		va_start(ap, detail);
		n = vsnprintf(text, sizeof(text), detail, ap);
		va_end(ap);
		if (n > 0)
			len = (size_t)n < sizeof(text) ? (size_t)n :
							 sizeof(text) - 1;
		clean_quotes(text, len);
		log_line_fields(&line, (struct str){ text, len });
	}
	log_write(log_line_end(&line));
}
