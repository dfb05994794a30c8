/* tests/support/faults.c - a disk and a clock that fail when told to, for
 * LD_PRELOAD under hubd (tests/flow/faults.t).
 *
 *   HUB_FAULT=CALL:N:WHAT	the Nth call of its kind on a file below
 *				HUB_FAULT_DIR; CALL is pwrite, fdatasync,
 *				fsync, renameat, openat or any; WHAT is eio,
 *				enospc, kill, or tear (a pwrite: half of it,
 *				then the end)
 *   HUB_FAULT_CLOCK=FILE	seconds in FILE are added to the wall clock */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;

/* Is the descriptor below HUB_FAULT_DIR? */
static int
is_ours(int fd)
{
	const char *dir = getenv("HUB_FAULT_DIR");
	char link[64], path[4096];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (dir == NULL || n < 0)
		return (0);
	path[n] = '\0';
	return (strncmp(path, dir, strlen(dir)) == 0);
}

/* 0, or the error number to fail with; -1: tear. */
static int
fault(const char *call, int fd)
{
	const char *spec = getenv("HUB_FAULT"), *what;
	size_t len = strlen(call);
	long nth;

	if (spec == NULL ||
	    (strncmp(spec, "any:", 4) != 0 &&
		(strncmp(spec, call, len) != 0 || spec[len] != ':')) ||
	    !is_ours(fd))
		return (0);
	nth = strtol(strchr(spec, ':') + 1, NULL, 10);
	if (atomic_fetch_add(&calls, 1) + 1 != nth)
		return (0);
	what = strrchr(spec, ':') + 1;
	if (strcmp(what, "kill") == 0 ||
	    (strcmp(what, "tear") == 0 && strcmp(call, "pwrite") != 0))
		(void)kill(getpid(), SIGKILL);
	return (strcmp(what, "tear") == 0     ? -1 :
		strcmp(what, "enospc") == 0 ? ENOSPC :
					      EIO);
}

static int
failed(const char *call, int fd)
{
	int err = fault(call, fd);

	if (err > 0)
		errno = err;
	return (err > 0);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	int err = fault("pwrite", fd);

	if (err > 0) {
		errno = err;
		return (-1);
	}
	if (err < 0) {
		(void)syscall(SYS_pwrite64, fd, p, n / 2, at);
		(void)kill(getpid(), SIGKILL);
	}
	return ((ssize_t)syscall(SYS_pwrite64, fd, p, n, at));
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return (pwrite(fd, p, n, at));
}

int
fdatasync(int fd)
{
	return (failed("fdatasync", fd) ? -1 :
					  (int)syscall(SYS_fdatasync, fd));
}

int
fsync(int fd)
{
	return (failed("fsync", fd) ? -1 : (int)syscall(SYS_fsync, fd));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (failed("renameat", from_dir) ? -1 :
		(int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0));
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	if (dir >= 0 && failed("openat", dir))
		return (-1);
	return ((int)syscall(SYS_openat, dir, path, flags, mode));
}

int
openat64(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	return (openat(dir, path, flags, mode));
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	const char *path = getenv("HUB_FAULT_CLOCK");
	int rc = (int)syscall(SYS_clock_gettime, id, ts), fd;
	char text[32] = "";

	if (rc != 0 || id != CLOCK_REALTIME || path == NULL)
		return (rc);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return (rc);
	if (read(fd, text, sizeof(text) - 1) > 0)
		ts->tv_sec += strtol(text, NULL, 10);
	(void)close(fd);
	return (rc);
}
