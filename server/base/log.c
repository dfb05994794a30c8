/* server/base/log.c - the log; log.h says what it promises. */
#include "server/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "server/base/clock.h"

#define LINE_MAX_BYTES 2048

static atomic_int level = LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;

static const char *const level_names[] = { "err", "warn", "info", "debug" };

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

/* No control character survives: a line is one line, whatever came in. */
static size_t
clean(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			s[i] = '?';
	return (len);
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
log_kv(enum log_level l, const char *phrase, const char *detail, ...)
{
	char line[LINE_MAX_BYTES], when[WALL_STR_MAX];
	size_t len, head;
	va_list ap;
	int n;

	if ((int)l > atomic_load_explicit(&level, memory_order_relaxed))
		return;
	wall_format(clock_wall(), when);
	n = snprintf(line, sizeof(line), "ts=%s level=%s msg=\"%s\"", when,
	    level_names[l], phrase);
	assert(n > 0 && (size_t)n < sizeof(line));
	len = (size_t)n;
	head = len;
	if (detail != NULL) {
		line[len++] = ' ';
		va_start(ap, detail);
		n = vsnprintf(line + len, sizeof(line) - len - 1, detail, ap);
		va_end(ap);
		if (n > 0)
			len += (size_t)n < sizeof(line) - len - 1
			    ? (size_t)n
			    : sizeof(line) - len - 2;
	}
	clean_quotes(line + head, len - head);
	len = clean(line, len);
	line[len++] = '\n';
	if (write(atomic_load(&log_fd), line, len) < 0)
		return; /* a log that cannot be written stops nobody */
}
