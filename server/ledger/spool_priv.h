/* server/ledger/spool_priv.h - the spool's files and shared state; for
 * spool*.c and the loader only.
 *
 * The directory holds (a second one node.lock, segments and spares alone)
 *   node.lock     flock: one process per spool
 *   boot          the last boot_epoch in decimal, replaced by rename
 *   dict          slots of 256 bytes: a header, then DICT records; the slot's
 *                 number is the id, so that an id can never be given twice
 *   %016x.seg     segments: a header slot, then records in fixed slots
 *   spare.tmp     a segment being zero-filled
 *
 * Segment header, 256 bytes, little endian:
 *   0 magic "URS1"  4 crc32c over 8..255  8 segment number (8)
 *   16 node_id (2)  18 zero (2)  20 boot_epoch (4)  24 first seq (8)
 *   32 created, UTC microseconds (8)  40 seq of the oldest OPEN without CLOSE
 *   or ABORT when the segment began, 0: none (8)  48 zero
 * Dictionary header: the same with magic "URD1"; number 0, boot_epoch is the
 * one in which the directory was born, first seq is 1.
 *
 * A segment file whose header is all zero is a spare: the header is synced
 * before the first record is written. seq starts with 1 in each boot and a
 * boot starts with a fresh segment, so seq - first is the slot. Where the
 * next segment of the same boot starts, a segment ends, whatever it holds
 * behind (a file whose sync failed). */
#ifndef HUB_LEDGER_SPOOL_PRIV_H
#define HUB_LEDGER_SPOOL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/ledger/spool.h"

#define SPOOL_SEGMENT	  (UINT64_C(64) << 20)
#define SPOOL_SEGMENT_MIN (UINT64_C(16) * RECORD_LEN)
#define SPOOL_SEGMENT_MAX (UINT64_C(1) << 30)
#define SPOOL_JOB_MAX	  256	/* records: leg is one byte */
#define SPOOL_BATCH	  2048	/* records per pwrite */
#define SPOOL_RESERVE	  16384 /* slots for denials: 4 MiB (ledger.md §4) */
#define SPOOL_LOOPS	  64	/* loops told in one batch */
#define SPOOL_KEEP_US	  (35 * WALL_DAY_US) /* re-feed after a restore */
#define SPOOL_TICK_MS	  60000
#define SPOOL_CROWD	  4 /* jobs of a batch: many clients at once */
#define SPOOL_PACE_US	  1500
#define SPOOL_BACK_US	  1000000 /* the clock may go back so far */
#define SPOOL_PLACES	  2
#define SPOOL_NAME_MAX	  24
#define DICT_TEXT_MAX	  150
#define DICT_IDS_MAX	  UINT16_MAX /* purpose ids have 16 bits */

struct segment {
	uint64_t no;
	uint64_t first, end; /* seq of its records; end is not among them */
	uint64_t bytes;	     /* of the file */
	uint64_t open;	     /* seq of the oldest OPEN when it began; or 0 */
	struct wall_us created;
	uint32_t boot;
	uint8_t place; /* its directory */
	bool counted; /* recovery has counted its bad slots */
};

enum spare_state {
	SPARE_COMING, /* being prepared: worth waiting for */
	SPARE_READY,
	SPARE_REFUSED /* no space within size, or none on the disk */
};

struct dict_entry { /* never changes, lives as long as the spool */
	uint32_t hash, id;
	uint16_t len;
	uint8_t kind;
	char text[];
};

/* Open addressing. Looked through without a lock: a slot is only ever filled,
 * and a larger table leaves the smaller one to those who are in it. */
struct dict_table {
	struct dict_table *smaller;
	size_t nslots;
	_Atomic(struct dict_entry *) slots[];
};

struct dict {
	_Atomic(struct dict_table *) table;
	int fd;
	uint32_t born; /* boot_epoch of the directory's birth */
	_Atomic uint32_t written; /* ids on disk */

	pthread_mutex_t lock; /* everything below, and changes above */
	_Atomic uint32_t count;	     /* ids given */
	struct dict_entry **entries; /* id - 1 */
	size_t cap;
};

/* Long answers under way: the writer's. */
struct opens {
	struct {
		struct uuid request;
		uint64_t seq;
	} *v;
	size_t n, cap;
};

/* What this machine's clock did: the writer's, and what others told of it. */
struct clock_watch {
	int64_t offset;	 /* wall - time since boot, when it was trusted */
	int64_t highest; /* wall */
	bool ahead, back, skewed;
};

struct spool {
	struct spool_place {
		int dir, lock; /* -1: none */
		bool failed;   /* refused a sync; with the lock held */
	} places[SPOOL_PLACES];	/* [0]: also numbers of names, and boots */
	int fd; /* the current segment, the writer's */
	uint16_t node;
	uint32_t boot;
	uint64_t size, seg_bytes, nslots; /* slots: records per segment */
	uint64_t next_seq, cur_first, cur_no; /* the writer's */
	unsigned char *batch;		  /* the writer's: SPOOL_BATCH slots */
	struct dict dict;
	struct opens opens;
	struct record *aborts; /* of the last boots, for the first batch */
	struct spool_job abort_job;
	pthread_t writer, preparer;
	_Atomic int level;     /* enum spool_level */
	_Atomic bool clock_odd;

	pthread_mutex_t lock; /* everything below */
	pthread_cond_t work;  /* to the writer: jobs, a spare, stop */
	pthread_cond_t space; /* to the preparer */
	pthread_cond_t news;  /* to spool_wait: enough became durable */
	struct spool_job *head, **tail;
	uint64_t pending; /* slots promised and not yet durable */
	struct segment *segs;
	size_t nsegs, segs_cap; /* the last one is current */
	struct segment spare;
	enum spare_state spare_state;
	uint64_t next_no, total_bytes;
	struct spool_pos loaded;
	uint64_t unloaded; /* records beyond loaded */
	uint64_t written, synced, quarantined, sync_failures;
	uint64_t news_at; /* of written: somebody waits for it */
	struct clock_watch clock;
	bool idle, stop, failed, wait_end;
	bool refused; /* something, since there is no spare */
};

/* The segment that is written to; with the lock held. */
static inline struct segment *
current(struct spool *sp)
{
	return (&sp->segs[sp->nsegs - 1]);
}

/* Slots of the current segment that hold nothing durable. */
static inline uint64_t
current_left(struct spool *sp)
{
	const struct segment *s = current(sp);

	return (sp->nslots - (s->end - s->first));
}

/* spool_write.c: the writer thread, until sp->stop and nothing is left. */
void *spool_writer(void *);

/* spool_recover.c: reads the directory's segments into sp, cuts torn tails,
 * takes the next boot_epoch. */
enum hub_err spool_recover(struct spool *, struct buf *why) HUB_MUST_CHECK;
void spool_segment_name(uint64_t no, char out[SPOOL_NAME_MAX]);
void spool_header_encode(const char magic[4], const struct segment *,
    uint16_t node, unsigned char out[RECORD_LEN]);
enum hub_err spool_header_decode(const unsigned char in[RECORD_LEN],
    const char magic[4], struct segment *, uint16_t *node_r) HUB_MUST_CHECK;
/* All of it or HUB_EIO. */
enum hub_err spool_write_at(int fd, const void *, size_t, uint64_t off)
    HUB_MUST_CHECK;
/* Up to n bytes, fewer only at the end of the file. */
enum hub_err spool_read_at(int fd, void *, size_t n, uint64_t off,
    size_t *got_r) HUB_MUST_CHECK;
/* The slot holds the record that belongs there. */
bool spool_slot_ok(const unsigned char *, uint16_t node, uint32_t boot,
    uint64_t seq);

/* spool_segment.c. The next two belong to the writer (and spool_open): makes
 * the spare the current segment, whose header is durable before the first
 * record is written; HUB_EFULL when there is no spare and no space for one. */
enum hub_err spool_segment_start(struct spool *) HUB_MUST_CHECK;
enum hub_err spool_first_segment(struct spool *, struct buf *why)
    HUB_MUST_CHECK;
/* It refused a write or a sync. The lock is held. */
void spool_place_failed(struct spool *, uint8_t place);
void *spool_preparer(void *);
void spool_segs_add(struct spool *, const struct segment *);
/* With the lock held; false when ms passed. */
bool spool_cond_wait(struct spool *, pthread_cond_t *, int ms);

/* spool_watch.c. With the lock held: after sp->unloaded, the spare or what is
 * refused changed. */
void spool_level_update(struct spool *);
void spool_unloaded_count(struct spool *);
/* Slots of the last segment that only denials and ends may use. */
uint64_t spool_reserve(const struct spool *);
/* Looks at the clock, before a batch is encoded. */
void spool_clock_check(struct spool *);
void spool_clock_begin(struct spool *);

/* spool_abort.c */
void opens_note(struct opens *, const struct record *, uint64_t seq);
uint64_t opens_oldest(const struct opens *);
void opens_clear(struct opens *);
/* Finds what the last boots left open; the writer's first job are its ABORTs.
 * After recovery, before the threads. */
enum hub_err spool_aborts(struct spool *) HUB_MUST_CHECK;

/* spool_read.c: n slots from seq on, what the file lacks as zeros. */
enum hub_err spool_slots_read(struct spool *, const struct segment *,
    uint64_t seq, unsigned char *out, unsigned n) HUB_MUST_CHECK;

/* spool_dict.c */
enum hub_err spool_dict_open(struct spool *, struct buf *why) HUB_MUST_CHECK;
void spool_dict_close(struct spool *);
/* Writes and syncs the ids given since the last call; the range to put into
 * the segments is *from_r <= id < *to_r. */
enum hub_err spool_dict_flush(struct spool *, uint32_t *from_r,
    uint32_t *to_r) HUB_MUST_CHECK;
/* False for an unknown id. The text stays valid until spool_close. */
bool spool_dict_text(struct spool *, uint32_t id, enum spool_dict *kind_r,
    struct str *text_r);
/* Ids 1 to this are on the disk, so that no crash gives them again. */
uint32_t spool_dict_durable(struct spool *);
/* The record that carries an id. */
struct record spool_dict_record(struct spool *, uint32_t id,
    struct wall_us now);

#endif
