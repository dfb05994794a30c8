/* tests/support/disk.c - another disk under hubd, for LD_PRELOAD
 * (tests/flow/durable.t, contrib/bench/ledger.py).
 *
 *   HUB_DISK_SYNC=US	each fdatasync takes so many microseconds longer;
 *			"none": it does nothing
 *   HUB_DISK_COUNT=FILE	two times 8 bytes, of this machine's order: how
 *			many there were, and for how many microseconds */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t *counter;
static const char *how;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("HUB_DISK_COUNT");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *p;

	how = getenv("HUB_DISK_SYNC");
	if (fd < 0)
		return;
	p = mmap(NULL, 2 * sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (p != MAP_FAILED)
		counter = p;
	(void)close(fd);
}

static int64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

int
fdatasync(int fd)
{
	int64_t at = now_us();
	int rc = 0;

	if (how == NULL || strcmp(how, "none") != 0) {
		if (how != NULL)
			(void)usleep((useconds_t)strtoul(how, NULL, 10));
		rc = (int)syscall(SYS_fdatasync, fd);
	}
	if (counter != NULL) {
		atomic_fetch_add(&counter[0], 1);
		atomic_fetch_add(&counter[1], (uint64_t)(now_us() - at));
	}
	return (rc);
}
