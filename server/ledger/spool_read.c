/* server/ledger/spool_read.c - the spool's other end: reading what is durable,
 * and how much of it is not loaded yet. */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/ledger/spool_priv.h"

/* The segment that pos is in, or the first one behind it; pos moves there.
 * The lock is held. NULL: nothing durable beyond pos. */
static const struct segment *
pos_find(struct spool *sp, struct spool_pos *pos)
{
	bool lost = false;

	if (pos->boot_epoch > sp->boot) {
		log_err("the checkpoint is ahead of the spool, reading all",
		    "checkpoint_boot=%" PRIu32 " boot=%" PRIu32,
		    pos->boot_epoch, sp->boot);
		*pos = (struct spool_pos){ 0 };
	}
	for (size_t i = 0; i < sp->nsegs; i++) {
		const struct segment *s = &sp->segs[i];

		if (s->boot < pos->boot_epoch || s->end == s->first ||
		    (s->boot == pos->boot_epoch && s->end <= pos->next_seq))
			continue;
		if (s->boot == pos->boot_epoch && s->first <= pos->next_seq) {
			pos->segment = s->no;
			return (s);
		}
		lost = pos->boot_epoch != 0 &&
		    (s->boot != pos->boot_epoch ? s->first != 1
						: s->first > pos->next_seq);
		if (lost)
			log_err("records are missing before a segment",
			    "segment=%" PRIu64 " boot=%" PRIu32
			    " seq=%" PRIu64, s->no, s->boot, s->first);
		*pos = (struct spool_pos){ s->boot, s->no, s->first };
		return (s);
	}
	return (NULL);
}

enum hub_err
spool_slots_read(struct spool *sp, const struct segment *s, uint64_t seq,
    unsigned char *out, unsigned n)
{
	char name[SPOOL_NAME_MAX];
	enum hub_err err = HUB_EIO;
	size_t got = 0;
	int fd;

	spool_segment_name(s->no, name);
	fd = openat(sp->places[s->place].dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return (HUB_EIO);
	err = spool_read_at(fd, out, (size_t)n * RECORD_LEN,
	    (seq - s->first + 1) * RECORD_LEN, &got);
	(void)close(fd);
	/* What a shorter file lacks is as bad as what a disk forgot. */
	memset(out + got, 0, (size_t)n * RECORD_LEN - got);
	return (err);
}

enum hub_err
spool_read(struct spool *sp, struct spool_pos *pos, unsigned char *out,
    unsigned max, unsigned *n_r)
{
	const struct segment *found;
	struct segment s = { 0 };
	unsigned want, good = 0, bad = 0;
	enum hub_err err;

	(void)pthread_mutex_lock(&sp->lock);
	found = pos_find(sp, pos);
	if (found != NULL)
		s = *found;
	(void)pthread_mutex_unlock(&sp->lock);
	*n_r = 0;
	if (found == NULL || max == 0)
		return (HUB_OK);
	want = s.end - pos->next_seq < max ? (unsigned)(s.end - pos->next_seq)
					   : max;
	err = spool_slots_read(sp, &s, pos->next_seq, out, want);
	if (err != HUB_OK)
		return (err);
	while (good < want && spool_slot_ok(out + (size_t)good * RECORD_LEN,
				  sp->node, s.boot, pos->next_seq + good))
		good++;
	while (good == 0 && bad < want &&
	    !spool_slot_ok(out + (size_t)bad * RECORD_LEN, sp->node, s.boot,
		pos->next_seq + bad))
		bad++;
	if (bad > 0) {
		log_err("bad slots in a segment, quarantined",
		    "segment=%" PRIu64 " boot=%" PRIu32 " seq=%" PRIu64
		    " slots=%u", s.no, s.boot, pos->next_seq, bad);
		(void)pthread_mutex_lock(&sp->lock);
		sp->quarantined += s.counted ? 0 : bad;
		(void)pthread_mutex_unlock(&sp->lock);
		pos->next_seq += bad;
		return (HUB_ECONFLICT);
	}
	pos->next_seq += good;
	*n_r = good;
	return (HUB_OK);
}

void
spool_loaded(struct spool *sp, const struct spool_pos *pos)
{
	/* The checkpoint of another directory's life (the clock went back when
	 * it was replaced): nothing here is loaded by it. */
	if (pos->boot_epoch > sp->boot)
		return;
	(void)pthread_mutex_lock(&sp->lock);
	sp->loaded = *pos;
	spool_unloaded_count(sp);
	if (sp->spare_state == SPARE_REFUSED)
		(void)pthread_cond_signal(&sp->space);
	(void)pthread_mutex_unlock(&sp->lock);
}

/* Records beyond the position. The lock is held. */
static uint64_t
unloaded(struct spool *sp, const struct spool_pos *pos,
    const struct segment **first_r)
{
	struct spool_pos none = { 0 };
	uint64_t n = 0, from;

	*first_r = NULL;
	if (pos->boot_epoch > sp->boot)
		pos = &none; /* as spool_read takes it */
	for (size_t i = 0; i < sp->nsegs; i++) {
		const struct segment *s = &sp->segs[i];

		if (s->boot < pos->boot_epoch)
			continue;
		from = s->boot == pos->boot_epoch && pos->next_seq > s->first
		    ? pos->next_seq
		    : s->first;
		if (from >= s->end)
			continue;
		n += s->end - from;
		if (*first_r == NULL)
			*first_r = s;
	}
	return (n);
}

void
spool_unloaded_count(struct spool *sp)
{
	const struct segment *first;

	sp->unloaded = unloaded(sp, &sp->loaded, &first);
	spool_level_update(sp);
}

uint64_t
spool_waiting(struct spool *sp, const struct spool_pos *pos)
{
	const struct segment *first;
	uint64_t n;

	(void)pthread_mutex_lock(&sp->lock);
	n = unloaded(sp, pos, &first);
	(void)pthread_mutex_unlock(&sp->lock);
	return (n);
}

void
spool_wait(struct spool *sp, const struct spool_pos *pos, uint64_t enough,
    int ms)
{
	int64_t end = clock_mono().us + (int64_t)ms * 1000, left;
	const struct segment *first;
	uint64_t have;

	(void)pthread_mutex_lock(&sp->lock);
	while (!sp->stop && !sp->wait_end &&
	    (have = unloaded(sp, pos, &first)) < enough &&
	    (left = end - clock_mono().us) > 0) {
		/* The writer wakes nobody before. */
		if (sp->written + (enough - have) < sp->news_at)
			sp->news_at = sp->written + (enough - have);
		(void)spool_cond_wait(sp, &sp->news, (int)(left / 1000) + 1);
	}
	(void)pthread_mutex_unlock(&sp->lock);
}

void
spool_wait_end(struct spool *sp)
{
	(void)pthread_mutex_lock(&sp->lock);
	sp->wait_end = true;
	(void)pthread_cond_broadcast(&sp->news);
	(void)pthread_mutex_unlock(&sp->lock);
}

/* The start of the first record beyond pos in s. */
static struct wall_us
record_time(struct spool *sp, const struct segment *s,
    const struct spool_pos *pos)
{
	unsigned char slot[RECORD_LEN];
	uint64_t seq = s->first;
	struct record r;

	if (pos->boot_epoch == s->boot && pos->next_seq > seq)
		seq = pos->next_seq;
	if (spool_slots_read(sp, s, seq, slot, 1) != HUB_OK ||
	    record_decode(slot, &r) != HUB_OK)
		return (s->created);
	return (r.start);
}

void
spool_stats(struct spool *sp, struct spool_stats *out)
{
	const struct segment *first;
	struct spool_pos pos;
	struct segment s = { 0 };

	(void)pthread_mutex_lock(&sp->lock);
	pos = sp->loaded;
	*out = (struct spool_stats){
		.bytes_used = unloaded(sp, &pos, &first) * RECORD_LEN,
		.bytes_max = sp->size,
		.written = sp->written,
		.synced = sp->synced,
		.quarantined = sp->quarantined,
		.sync_failures = sp->sync_failures,
		.aborted = sp->abort_job.n,
		.oldest_unloaded = WALL_ABSENT,
		.level = spool_level(sp),
		.failed = sp->failed,
		.clock_odd = atomic_load(&sp->clock_odd),
	};
	if (first != NULL)
		s = *first;
	(void)pthread_mutex_unlock(&sp->lock);
	if (first != NULL)
		out->oldest_unloaded = record_time(sp, &s, &pos);
}

uint16_t
spool_node(const struct spool *sp)
{
	return (sp->node);
}
