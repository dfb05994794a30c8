/* tests/support/spool_bench.h - a small hub that books uses, on a disk that fails
 * when told to. */
#ifndef HUB_TESTS_SPOOL_BENCH_H
#define HUB_TESTS_SPOOL_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "server/ledger/spool.h"

#define SEGMENT (32 * RECORD_LEN) /* 31 records */

extern atomic_int fail_syncs;	/* so many fdatasync calls fail */
extern atomic_bool disk_full;	/* fsync and writes of zeros: ENOSPC */
extern const char *disk_dir;	/* so does another segment there ... */
extern atomic_uint disk_files;	/* ... than so many; 0: any */
extern atomic_int synced_failed_again;
extern ino_t failed_file;
extern const char *_Atomic sick_dir; /* every sync below it fails */

unsigned files_there(void); /* segments in disk_dir */

struct hub {
	char dir[64];
	struct loop *loop;
	struct spool *sp;
	unsigned done, failed; /* jobs told */
	const char *second;    /* NULL, or the other directory */
};

/* On the heap; hub_on_done, with it as arg, counts it and frees it. */
struct job {
	struct spool_job job;
	struct record records[4];
	struct hub *hub;
};

void hub_make(struct hub *h);
enum hub_err hub_open(struct hub *h, uint64_t size);
void hub_close(struct hub *h);
void hub_remove(struct hub *h);
void file_remove(const char *dir, const char *name);
/* One job of n records, at most four. */
enum hub_err hub_submit(struct hub *h, unsigned n, struct uuid id);
void hub_on_done(void *job);
void hub_wait(struct hub *h, unsigned done);
/* n jobs of one record, one after the other. */
void hub_write(struct hub *h, unsigned n);
/* Usage records that can be read from *pos on; *bad_r: quarantines met. */
unsigned hub_read(struct hub *h, struct spool_pos *pos, unsigned *bad_r);
void poke(struct hub *h, const char *name, off_t at, const void *p, size_t n);

#endif
