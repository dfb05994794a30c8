/* server/ledger/spool_segment.c - segments: one zero-filled spare always
 * ready, old ones removed, by a thread of its own, so that neither
 * zero-filling nor a full disk is met on the way of a commit. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/ledger/spool_priv.h"

static const char segment_magic[4] = { 'U', 'R', 'S', '1' };

bool
spool_cond_wait(struct spool *sp, pthread_cond_t *c, int ms)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return (pthread_cond_timedwait(c, &sp->lock, &ts) == 0);
}

void
spool_segs_add(struct spool *sp, const struct segment *s)
{
	if (sp->nsegs == sp->segs_cap) {
		sp->segs_cap = sp->segs_cap == 0 ? 64 : sp->segs_cap * 2;
		sp->segs = xrealloc(sp->segs,
		    sp->segs_cap * sizeof(*sp->segs));
	}
	sp->segs[sp->nsegs++] = *s;
}

/* HUB_EIO: its disk refused it. Another is made then, elsewhere if possible. */
static enum hub_err
spare_take(struct spool *sp)
{
	unsigned char head[RECORD_LEN];
	char name[SPOOL_NAME_MAX];
	struct segment s;
	bool ok;

	(void)pthread_mutex_lock(&sp->lock);
	while (sp->spare_state == SPARE_COMING)
		(void)pthread_cond_wait(&sp->work, &sp->lock);
	s = sp->spare;
	if (sp->spare_state != SPARE_READY) {
		(void)pthread_mutex_unlock(&sp->lock);
		return (HUB_EFULL);
	}
	(void)pthread_mutex_unlock(&sp->lock);

	if (sp->fd >= 0)
		(void)close(sp->fd);
	s.first = s.end = sp->next_seq;
	s.boot = sp->boot;
	s.bytes = sp->seg_bytes;
	s.open = opens_oldest(&sp->opens);
	s.created = clock_wall();
	spool_segment_name(s.no, name);
	spool_header_encode(segment_magic, &s, sp->node, head);
	sp->fd = openat(sp->places[s.place].dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	ok = sp->fd >= 0 &&
	    spool_write_at(sp->fd, head, RECORD_LEN, 0) == HUB_OK &&
	    fdatasync(sp->fd) == 0;
	if (ok) {
		sp->cur_first = s.first;
		sp->cur_no = s.no;
	}
	(void)pthread_mutex_lock(&sp->lock);
	if (ok)
		spool_segs_add(sp, &s);
	else
		spool_place_failed(sp, s.place);
	sp->spare_state = SPARE_COMING;
	(void)pthread_cond_signal(&sp->space);
	(void)pthread_mutex_unlock(&sp->lock);
	return (ok ? HUB_OK : HUB_EIO);
}

enum hub_err
spool_segment_start(struct spool *sp)
{
	enum hub_err err = spare_take(sp);

	return (err == HUB_EIO && sp->places[1].dir >= 0 ? spare_take(sp) :
							   err);
}

void
spool_place_failed(struct spool *sp, uint8_t place)
{
	sp->sync_failures++;
	sp->places[place].failed = true;
}

/* A zero-filled file, synced with its directory, under its final name. */
static enum hub_err
segment_fill(struct spool *sp, uint8_t place, uint64_t no)
{
	static const unsigned char zeros[1 << 18];
	const int dir = sp->places[place].dir;
	enum hub_err err = HUB_OK;
	char name[SPOOL_NAME_MAX];
	uint64_t off, n;
	int fd;

	fd = openat(dir, "spare.tmp",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return (HUB_EIO);
	for (off = 0; err == HUB_OK && off < sp->seg_bytes; off += n) {
		n = sp->seg_bytes - off;
		n = n < sizeof(zeros) ? n : sizeof(zeros);
		err = spool_write_at(fd, zeros, n, off);
	}
	if (err == HUB_OK && fsync(fd) != 0)
		err = HUB_EIO;
	(void)close(fd);
	spool_segment_name(no, name);
	if (err == HUB_OK &&
	    (renameat(dir, "spare.tmp", dir, name) != 0 || fsync(dir) != 0))
		err = HUB_EIO;
	if (err != HUB_OK) {
		int saved = errno;

		(void)unlinkat(dir, "spare.tmp", 0);
		errno = saved;
	}
	return (err);
}

enum hub_err
spool_first_segment(struct spool *sp, struct buf *why)
{
	enum hub_err err = segment_fill(sp, 0, sp->next_no);

	if (err == HUB_OK) {
		sp->spare.no = sp->next_no++;
		sp->spare.place = 0;
		sp->spare_state = SPARE_READY;
		sp->total_bytes += sp->seg_bytes;
		err = spare_take(sp); /* nobody makes another yet */
	}
	if (err != HUB_OK)
		buf_addf(why, "the first segment: %s", strerror(errno));
	return (err);
}

/* Whether a segment's records are all in PostgreSQL. The lock is held. */
static bool
segment_loaded(struct spool *sp, const struct segment *s)
{
	const struct spool_pos *p = &sp->loaded;

	return (p->boot_epoch > s->boot ||
	    (p->boot_epoch == s->boot && p->next_seq >= s->end));
}

/* Removes the oldest segment if it is loaded and either old or in the way.
 * The lock is held, and let go for the file. */
static bool
segment_drop(struct spool *sp, bool in_the_way)
{
	struct segment s = sp->segs[0];
	char name[SPOOL_NAME_MAX];
	bool gone;

	if (sp->nsegs < 2 || !segment_loaded(sp, &s) ||
	    (!in_the_way && clock_wall().us - s.created.us < SPOOL_KEEP_US))
		return (false);
	sp->nsegs--;
	memmove(sp->segs, sp->segs + 1, sp->nsegs * sizeof(*sp->segs));
	(void)pthread_mutex_unlock(&sp->lock);
	spool_segment_name(s.no, name);
	gone = unlinkat(sp->places[s.place].dir, name, 0) == 0 || errno == ENOENT;
	if (!gone)
		log_warn("cannot remove a segment", "segment=%s errno=%d",
		    name, errno);
	(void)pthread_mutex_lock(&sp->lock);
	if (gone)
		sp->total_bytes -= s.bytes;
	return (true);
}

/* Space within the configured size. The lock is held. */
static bool
spare_fits(struct spool *sp)
{
	while (sp->total_bytes + sp->seg_bytes > sp->size)
		if (!segment_drop(sp, true))
			return (false);
	return (true);
}

/* Not where the current segment is, so that the writer leaves a disk that fails
 * at once; but not where a sync has failed either. The lock is held. */
static uint8_t
spare_place(struct spool *sp)
{
	uint8_t here = current(sp)->place, there = !here;

	return (sp->places[there].dir < 0 ||
		(sp->places[there].failed && !sp->places[here].failed) ? here :
									 there);
}

/* Where it belongs, or else in the other place. The lock is held, and let go
 * while the file is written. *why_r: errno. */
static enum hub_err
spare_write(struct spool *sp, int *why_r)
{
	const uint8_t first = spare_place(sp);
	uint8_t place = first;
	enum hub_err err;
	bool refused;

	(void)pthread_mutex_unlock(&sp->lock);
	err = segment_fill(sp, place, sp->next_no);
	*why_r = errno;
	refused = err != HUB_OK && errno == EIO;
	if (err != HUB_OK && sp->places[!place].dir >= 0) {
		place = !place;
		err = segment_fill(sp, place, sp->next_no);
		if (err != HUB_OK && errno != EIO)
			*why_r = errno;
	}
	(void)pthread_mutex_lock(&sp->lock);
	if (refused && !sp->places[first].failed) /* it is tried again */
		spool_place_failed(sp, first);
	sp->spare.place = place;
	return (err);
}

/* On a disk that is fuller than the configured size, too, segments that are
 * loaded make room for the next. */
static enum hub_err
spare_fill(struct spool *sp, int *why_r)
{
	enum hub_err err = HUB_EFULL;

	*why_r = 0;
	if (!spare_fits(sp))
		return (err);
	do
		err = spare_write(sp, why_r);
	while (err != HUB_OK && (*why_r == ENOSPC || *why_r == EDQUOT) &&
	    segment_drop(sp, true));
	return (err);
}

/* The lock is held, and let go while the file is written. */
static void
spare_prepare(struct spool *sp)
{
	bool refused = sp->spare_state == SPARE_REFUSED;
	enum hub_err err;
	int why;

	err = spare_fill(sp, &why);
	if (err == HUB_OK) {
		sp->spare.no = sp->next_no++;
		sp->total_bytes += sp->seg_bytes;
		if (refused)
			log_info("the spool has space again", NULL);
	} else if (!refused) {
		log_err("no space for the next spool segment",
		    "bytes=%" PRIu64 " size=%" PRIu64 " errno=%d",
		    sp->total_bytes, sp->size, why);
	}
	sp->spare_state = err == HUB_OK ? SPARE_READY : SPARE_REFUSED;
	sp->refused &= err != HUB_OK;
	spool_level_update(sp);
	(void)pthread_cond_broadcast(&sp->work);
}

void *
spool_preparer(void *arg)
{
	struct spool *sp = arg;

	(void)pthread_mutex_lock(&sp->lock);
	/* failed: set by the writer, or by spool_close when it is through */
	while (!sp->failed) {
		while (segment_drop(sp, false))
			continue;
		if (sp->spare_state != SPARE_READY)
			spare_prepare(sp);
		if (!sp->failed && sp->spare_state != SPARE_COMING)
			(void)spool_cond_wait(sp, &sp->space,
			    sp->spare_state == SPARE_READY ? SPOOL_TICK_MS
							   : 1000);
	}
	(void)pthread_mutex_unlock(&sp->lock);
	return (NULL);
}
