/* server/ledger/spool_write.c - the writer thread: makes batches of jobs
 * durable and tells their loops; spool_priv.h says what the files look
 * like. */
#include "server/ledger/spool_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "server/base/log.h"

/* ---- durable */

static enum hub_err
batch_sync(struct spool *sp, unsigned n)
{
	uint64_t slot = sp->next_seq - sp->cur_first + 1;

	if (spool_write_at(sp->fd, sp->batch, (size_t)n * RECORD_LEN,
		slot * RECORD_LEN) != HUB_OK ||
	    fdatasync(sp->fd) != 0)
		return (HUB_EIO);
	return (HUB_OK);
}

/* Makes the batch durable. After a failed sync the kernel may have dropped
 * the pages and would report success the next time (PostgreSQL wiki, "Fsync
 * Errors"): that file is never synced again, the same bytes go to the spare. */
static enum hub_err
batch_commit(struct spool *sp, unsigned n)
{
	enum hub_err err = batch_sync(sp, n);

	if (err != HUB_OK) {
		log_err("spool sync failed, going on in a fresh segment",
		    "segment=%" PRIu64 " records=%u errno=%d",
		    sp->cur_no, n, errno);
		(void)pthread_mutex_lock(&sp->lock);
		spool_place_failed(sp, current(sp)->place);
		(void)pthread_mutex_unlock(&sp->lock);
		err = spool_segment_start(sp);
		if (err == HUB_OK)
			err = batch_sync(sp, n);
	}
	(void)pthread_mutex_lock(&sp->lock);
	sp->pending -= n;
	if (err == HUB_OK) {
		sp->next_seq += n;
		current(sp)->end = sp->next_seq;
		sp->written += n;
		sp->unloaded += n;
		sp->synced++;
		spool_level_update(sp);
		if (sp->written >= sp->news_at) {
			sp->news_at = UINT64_MAX;
			(void)pthread_cond_broadcast(&sp->news);
		}
	} else if (!sp->failed) {
		log_err("the spool failed: no usage can be recorded", NULL);
		sp->failed = true;
	}
	(void)pthread_mutex_unlock(&sp->lock);
	return (err);
}

/* ---- telling the loops */

struct told {
	struct loop *loop;
	struct spool_job *head, **tail;
};

struct tell {
	struct told to[SPOOL_LOOPS];
	unsigned n;
};

/* On the loop's thread: all its jobs of one batch. */
static void
on_jobs_done(void *arg)
{
	struct spool_job *job = arg, *next;

	for (; job != NULL; job = next) {
		next = job->next; /* fn may submit the job again */
		job->fn(job->arg);
	}
}

static void
tell_flush(struct tell *t)
{
	for (unsigned i = 0; i < t->n; i++)
		loop_post(t->to[i].loop, on_jobs_done, t->to[i].head);
	t->n = 0;
}

static void
tell_add(struct tell *t, struct spool_job *job, enum hub_err err)
{
	unsigned i;

	job->err = err;
	job->next = NULL;
	if (job->loop == NULL) /* the spool's own */
		return;
	for (i = 0; i < t->n && t->to[i].loop != job->loop; i++)
		continue;
	if (i == SPOOL_LOOPS) {
		tell_flush(t);
		i = 0;
	}
	if (i == t->n) {
		t->to[i].loop = job->loop;
		t->to[i].tail = &t->to[i].head;
		t->n++;
	}
	*t->to[i].tail = job;
	t->to[i].tail = &job->next;
}

/* ---- batches */

/* What one turn writes, in order: new dictionary ids, then the jobs. */
struct stream {
	uint32_t id, id_end;
	struct spool_job *job;	/* not yet taken completely */
	unsigned taken;		/* records of it */
	struct spool_job *open; /* first that is not told */
	unsigned told;		/* jobs */
	bool tick, failed;
};

static void
slot_encode(struct spool *sp, const struct record *from, unsigned slot)
{
	struct record r = *from;

	r.seq = sp->next_seq + slot;
	r.node_id = sp->node;
	r.boot_epoch = sp->boot;
	if (atomic_load(&sp->clock_odd) && r.kind != RECORD_DICT)
		r.flags |= RECORD_LATE_CLOCK;
	opens_note(&sp->opens, &r, r.seq);
	record_encode(&r, sp->batch + (size_t)slot * RECORD_LEN);
}

/* Encodes up to max records into the batch. */
static unsigned
stream_take(struct spool *sp, struct stream *st, uint64_t max)
{
	struct wall_us now = clock_wall();
	struct record r;
	unsigned n = 0;

	spool_clock_check(sp);
	for (; st->id < st->id_end && n < max; st->id++) {
		r = spool_dict_record(sp, st->id, now);
		slot_encode(sp, &r, n++);
	}
	if (st->tick && n < max) {
		r = (struct record){ .kind = RECORD_TICK, .start = now };
		slot_encode(sp, &r, n++);
		st->tick = false;
	}
	while (st->job != NULL && n < max) {
		slot_encode(sp, &st->job->records[st->taken++], n++);
		if (st->taken == st->job->n) {
			st->job = st->job->next;
			st->taken = 0;
		}
	}
	return (n);
}

/* Jobs before st->job are complete. */
static void
stream_tell(struct stream *st, enum hub_err err)
{
	struct tell t = { .n = 0 };
	struct spool_job *job, *next;

	for (job = st->open; job != st->job; job = next) {
		next = job->next;
		tell_add(&t, job, err);
		st->told++;
	}
	st->open = st->job;
	tell_flush(&t);
}

/* The disk refused: nothing of what is left is usage. for_good: nothing more
 * is taken. */
static void
stream_fail(struct spool *sp, struct stream *st, bool for_good)
{
	uint64_t left = st->id_end - st->id + (st->tick ? 1 : 0);

	for (const struct spool_job *j = st->job; j != NULL; j = j->next)
		left += j->n;
	left -= st->taken;
	(void)pthread_mutex_lock(&sp->lock);
	sp->failed |= for_good;
	sp->pending -= left;
	(void)pthread_mutex_unlock(&sp->lock);
	st->job = NULL;
	stream_tell(st, HUB_EIO);
}

static void
stream_write(struct spool *sp, struct stream *st)
{
	enum hub_err err = HUB_OK;
	bool full = false;
	uint64_t left;
	unsigned n;

	if (st->failed ||
	    spool_dict_flush(sp, &st->id, &st->id_end) != HUB_OK) {
		stream_fail(sp, st, true);
		return;
	}
	while (err == HUB_OK) {
		left = sp->nslots - (sp->next_seq - sp->cur_first);
		if (st->id == st->id_end && st->job == NULL && !st->tick)
			return;
		if (left == 0) {
			err = spool_segment_start(sp);
			full = err == HUB_EFULL;
			continue;
		}
		n = stream_take(sp, st, left < SPOOL_BATCH ? left
							   : SPOOL_BATCH);
		err = batch_commit(sp, n);
		if (err == HUB_OK)
			stream_tell(st, HUB_OK);
	}
	log_err("the spool cannot write", "reason=\"%s\"", hub_err_str(err));
	stream_fail(sp, st, !full);
}

/* A sync costs as much CPU as some hundred records, and a disk that takes
 * less than a millisecond for it would be asked for one per few requests. So
 * in a crowd the next batch starts no sooner than SPOOL_PACE_US after the
 * last; who is alone waits for nothing. */
static void
crowd_wait(unsigned jobs, struct mono_us begun)
{
	int64_t at = begun.us + SPOOL_PACE_US;
	struct timespec ts = { at / 1000000, (long)(at % 1000000) * 1000 };

	if (jobs >= SPOOL_CROWD)
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts,
		    NULL);
}

/* Everything that arrived while the last batch was synced; after a quiet
 * minute a TICK, so that the time up to which the records are complete moves
 * on without traffic. False: stop. */
static bool
stream_next(struct spool *sp, struct stream *st)
{
	bool more;

	(void)pthread_mutex_lock(&sp->lock);
	while (sp->head == NULL && !sp->stop && !st->tick) {
		sp->idle = true;
		st->tick = !spool_cond_wait(sp, &sp->work, SPOOL_TICK_MS) &&
		    sp->head == NULL && !sp->stop && !sp->failed &&
		    sp->pending < current_left(sp);
	}
	sp->idle = false;
	st->failed = sp->failed;
	st->job = st->open = sp->head;
	if (st->tick)
		sp->pending++;
	sp->head = NULL;
	sp->tail = &sp->head;
	more = st->job != NULL || st->tick;
	(void)pthread_mutex_unlock(&sp->lock);
	return (more);
}

void *
spool_writer(void *arg)
{
	struct spool *sp = arg;
	struct stream st = { 0 };
	struct mono_us begun;

	while (stream_next(sp, &st)) {
		begun = clock_mono();
		stream_write(sp, &st);
		crowd_wait(st.told, begun);
		st = (struct stream){ 0 };
	}
	return (NULL);
}
