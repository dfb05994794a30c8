/* server/ledger/spool.c - opening, closing and submitting; spool.h says what
 * they promise, spool_priv.h what the files look like. */
#include "server/ledger/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/ledger/spool_priv.h"

static void
cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(c, &attr);
	(void)pthread_condattr_destroy(&attr);
}

/* ---- opening and closing */

static enum hub_err
conf_check(const struct spool_conf *conf, struct buf *why)
{
	uint64_t seg = conf->segment != 0 ? conf->segment : SPOOL_SEGMENT;

	if (seg % RECORD_LEN != 0 || seg < SPOOL_SEGMENT_MIN ||
	    seg > SPOOL_SEGMENT_MAX) {
		buf_addf(why, "segment must be a multiple of 256 bytes");
		return (HUB_ERANGE);
	}
	if (conf->size / 4 < seg || conf->size > INT64_MAX) {
		buf_addf(why, "size must be at least %" PRIu64 " bytes",
		    4 * seg);
		return (HUB_ERANGE);
	}
	return (HUB_OK);
}

static enum hub_err
place_open(struct spool_place *p, const char *path, struct buf *why)
{
	p->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir >= 0)
		p->lock = openat(p->dir, "node.lock",
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (p->lock < 0) {
		buf_addf(why, "%s", strerror(errno));
		return (HUB_EIO);
	}
	if (flock(p->lock, LOCK_EX | LOCK_NB) != 0) {
		buf_addf(why, "another process uses this spool");
		return (HUB_EEXIST);
	}
	return (HUB_OK);
}

static enum hub_err
places_open(struct spool *sp, const struct spool_conf *conf, struct buf *why)
{
	enum hub_err err = place_open(&sp->places[0], conf->directory, why);

	if (err != HUB_OK || conf->second == NULL)
		return (err);
	err = place_open(&sp->places[1], conf->second, why);
	if (err != HUB_OK)
		buf_addf(why, " (the second directory, %s)", conf->second);
	return (err);
}

static void
spool_free(struct spool *sp)
{
	if (sp->fd >= 0)
		(void)close(sp->fd);
	spool_dict_close(sp);
	opens_clear(&sp->opens);
	free(sp->aborts);
	for (unsigned i = 0; i < SPOOL_PLACES; i++) {
		if (sp->places[i].lock >= 0)
			(void)close(sp->places[i].lock); /* unlocks */
		if (sp->places[i].dir >= 0)
			(void)close(sp->places[i].dir);
	}
	(void)pthread_cond_destroy(&sp->work);
	(void)pthread_cond_destroy(&sp->space);
	(void)pthread_cond_destroy(&sp->news);
	(void)pthread_mutex_destroy(&sp->lock);
	free(sp->segs);
	free(sp->batch);
	free(sp);
}

static struct spool *
spool_new(const struct spool_conf *conf)
{
	struct spool *sp = xcalloc(1, sizeof(*sp));

	sp->fd = sp->dict.fd = -1;
	for (unsigned i = 0; i < SPOOL_PLACES; i++)
		sp->places[i].dir = sp->places[i].lock = -1;
	sp->node = conf->node_id;
	sp->size = conf->size;
	sp->seg_bytes = conf->segment != 0 ? conf->segment : SPOOL_SEGMENT;
	sp->nslots = sp->seg_bytes / RECORD_LEN - 1;
	sp->batch = xmalloc(SPOOL_BATCH * RECORD_LEN);
	sp->tail = &sp->head;
	sp->news_at = UINT64_MAX;
	(void)pthread_mutex_init(&sp->lock, NULL);
	(void)pthread_mutex_init(&sp->dict.lock, NULL);
	cond_init(&sp->work);
	cond_init(&sp->space);
	cond_init(&sp->news);
	return (sp);
}

/* Signals belong to the threads that run loops. */
static void
threads_start(struct spool *sp)
{
	sigset_t all, old;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&sp->writer, NULL, spool_writer, sp) != 0 ||
	    pthread_create(&sp->preparer, NULL, spool_preparer, sp) != 0)
		assert(!"threads at start");
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

enum hub_err
spool_open(const struct spool_conf *conf, struct spool **sp_r, struct buf *why)
{
	struct spool *sp;
	enum hub_err err;

	err = conf_check(conf, why);
	if (err != HUB_OK)
		return (err);
	sp = spool_new(conf);
	err = places_open(sp, conf, why);
	if (err == HUB_OK)
		err = spool_recover(sp, why);
	if (err == HUB_OK)
		err = spool_dict_open(sp, why);
	if (err == HUB_OK)
		err = spool_first_segment(sp, why);
	if (err == HUB_OK)
		err = spool_aborts(sp);
	if (err != HUB_OK) {
		spool_free(sp);
		return (err);
	}
	spool_clock_begin(sp);
	spool_unloaded_count(sp);
	threads_start(sp);
	*sp_r = sp;
	return (HUB_OK);
}

void
spool_close(struct spool *sp)
{
	if (sp == NULL)
		return;
	(void)pthread_mutex_lock(&sp->lock);
	sp->stop = true;
	(void)pthread_cond_broadcast(&sp->work);
	(void)pthread_cond_broadcast(&sp->news);
	(void)pthread_mutex_unlock(&sp->lock);
	/* The writer may need another spare before it is through. */
	(void)pthread_join(sp->writer, NULL);
	(void)pthread_mutex_lock(&sp->lock);
	(void)pthread_cond_broadcast(&sp->space);
	sp->failed = true;
	(void)pthread_mutex_unlock(&sp->lock);
	(void)pthread_join(sp->preparer, NULL);
	spool_free(sp);
}

/* ---- submitting */

/* Denials may use a last reserve, so that they are on record when nothing
 * chargeable is served any more; and so may the end of an answer, whose
 * beginning was taken. */
static bool
job_chargeable(const struct spool_job *job)
{
	for (unsigned i = 0; i < job->n; i++)
		if (job->records[i].decision != DECISION_DENY &&
		    job->records[i].kind != RECORD_CLOSE &&
		    job->records[i].kind != RECORD_ABORT)
			return (true);
	return (false);
}

static bool
has_room(struct spool *sp, const struct spool_job *job)
{
	uint64_t room = current_left(sp), need = sp->pending + job->n;

	if (sp->spare_state == SPARE_READY)
		room += sp->nslots;
	if (need <= room && sp->spare_state != SPARE_REFUSED)
		return (true);
	if (sp->spare_state == SPARE_COMING)
		return (need <= room + sp->nslots);
	if (job_chargeable(job))
		need += spool_reserve(sp);
	return (need <= room);
}

enum hub_err
spool_submit(struct spool *sp, struct spool_job *job)
{
	enum hub_err err = HUB_OK;
	bool wake = false;

	assert(job->n > 0 && job->n <= SPOOL_JOB_MAX);
	(void)pthread_mutex_lock(&sp->lock);
	if (sp->failed || sp->stop) {
		err = HUB_EIO;
	} else if (!has_room(sp, job)) {
		err = HUB_EFULL;
		sp->refused = true;
		spool_level_update(sp);
	} else {
		job->next = NULL;
		*sp->tail = job;
		sp->tail = &job->next;
		sp->pending += job->n;
		wake = sp->idle;
		sp->idle = false;
	}
	(void)pthread_mutex_unlock(&sp->lock);
	if (wake)
		(void)pthread_cond_signal(&sp->work);
	return (err);
}
