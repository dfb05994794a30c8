/* server/ledger/spool.h - the durable queue of usage records on the local
 * disk (ledger.md §4). One writer thread; any thread may submit.
 *
 * Group commit: a batch is what arrived while the previous fdatasync ran, and,
 * when many submit at once to a disk that is quicker than that, within a
 * millisecond of the previous one's start. A failed fdatasync is never
 * repeated on the same file.
 *
 * An OPEN (a long answer begins) that neither CLOSE nor ABORT with the same
 * request_id follows becomes an ABORT when the directory is opened again.
 * Records written while the clock is in doubt get RECORD_LATE_CLOCK. */
#ifndef HUB_LEDGER_SPOOL_H
#define HUB_LEDGER_SPOOL_H

#include "server/base/buf.h"
#include "server/ledger/record.h"
#include "server/net/loop.h"

struct spool;

struct spool_conf {
	const char *directory; /* exists, writable; locked by flock */
	uint64_t size;	       /* bytes for all segments, >= 4 segments */
	uint64_t segment;      /* bytes; 0: 64 MiB (tests take less) */
	uint16_t node_id;
	/* NULL, or likewise on another disk: segments lie in turn here and
	 * there, so that one disk that fails is left at once. */
	const char *second;
};

/* Recovers (ledger.md §4), takes the next boot_epoch durably: old + 1, or the
 * time in seconds when that is more, so that a directory restored from a
 * backup repeats no boot. Prepares the first segment and one spare, starts the
 * writer. *why says what failed. */
enum hub_err spool_open(const struct spool_conf *, struct spool **,
    struct buf *why) HUB_MUST_CHECK;
/* Writes what was submitted, stops the thread. NULL is fine. */
void spool_close(struct spool *);

/* One submission: n records that become durable together. Embedded by the
 * caller and left alone until done. fn(arg) runs on loop's thread (loop_post
 * or batched like it) when durable, with .err set first: HUB_OK, or HUB_EIO
 * when the disk refused (the records are not usage; the answer must not go
 * out). records must stay valid until then. */
struct spool_job {
	struct spool_job *next; /* the module's own */
	const struct record *records;
	unsigned n;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	enum hub_err err;
};
/* HUB_EFULL: the spool is full (503); nothing was taken. A reserve is kept for
 * denials, and for the CLOSE and ABORT of what was taken before. */
enum hub_err spool_submit(struct spool *, struct spool_job *) HUB_MUST_CHECK;

/* How much of its size waits for the database; a level is left 5 points below
 * where it begins. A disk that has no space for the next segment is HIGH, and
 * FULL once something was refused. */
enum spool_level {
	SPOOL_ROOM,
	SPOOL_WARN, /* 70 % */
	SPOOL_HIGH, /* 90 %: no long answers */
	SPOOL_FULL  /* nothing that must be recorded */
};
/* From any thread, without a lock. */
enum spool_level spool_level(const struct spool *);
const char *spool_level_name(enum spool_level);
/* What another clock says now (the database's): further away than
 * SPOOL_SKEW_US the clock is in doubt, nearer it is trusted again. */
#define SPOOL_SKEW_US INT64_C(300000000)
void spool_clock_told(struct spool *, struct wall_us other);
/* Is the clock in doubt? */
bool spool_clock_odd(struct spool *);

/* A number for a text (agreement, purpose, dataset, type), the same for the
 * life of the spool directory; new ones are written as DICT records ahead of
 * the record that uses them. Thread-safe; cheap when known. kind keeps name
 * spaces apart. Texts over 150 bytes are cut. */
enum spool_dict { DICT_AGREEMENT, DICT_PURPOSE, DICT_DATASET, DICT_TYPE };
uint32_t spool_dict_id(struct spool *, enum spool_dict kind, struct str text);

struct spool_stats {
	uint64_t bytes_used, bytes_max; /* records not yet loaded */
	uint64_t written, synced;	/* records, batches */
	struct wall_us oldest_unloaded; /* absent: none */
	uint64_t quarantined; /* bad slots found since start */
	uint64_t sync_failures; /* after each the disk is in doubt */
	uint64_t aborted; /* answers that the last end cut off */
	enum spool_level level;
	bool failed, clock_odd;
};
void spool_stats(struct spool *, struct spool_stats *);

/* Reading, for the loader and for recovery. */
struct spool_pos {
	uint32_t boot_epoch;
	uint64_t segment; /* number */
	uint64_t next_seq;
};
/* Up to max durable records from *pos on (zeroed: the oldest kept), as raw
 * 256-byte slots into out; moves *pos. *n_r 0: nothing new. HUB_ECONFLICT: a
 * bad slot before a good one (quarantined; *pos steps over it). */
enum hub_err spool_read(struct spool *, struct spool_pos *, unsigned char *out,
    unsigned max, unsigned *n_r) HUB_MUST_CHECK;
/* Everything before pos is in PostgreSQL: old segments may go. A position in
 * a boot still to come says nothing and is ignored. */
void spool_loaded(struct spool *, const struct spool_pos *);
/* Durable records beyond pos. */
uint64_t spool_waiting(struct spool *, const struct spool_pos *);
/* Blocks until so many are durable, ms passed or spool_wait_end was called. */
void spool_wait(struct spool *, const struct spool_pos *, uint64_t enough,
    int ms);
/* From any thread: spool_wait returns, now and later. */
void spool_wait_end(struct spool *);
uint16_t spool_node(const struct spool *);

#endif
