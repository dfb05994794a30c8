/* server/ledger/loader.c - from the spool into PostgreSQL: its thread and its
 * session; loader.h says what it promises, loader_batch.c loads a batch.
 *
 * The position lives in the database and moves in the transaction that
 * inserts the rows. After any error the session is thrown away and the
 * position read again, so that a commit whose answer got lost is no
 * question. */
#include "server/ledger/loader.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/base/hash.h"
#include "server/base/log.h"
#include "server/ledger/loader_priv.h"
#include "server/ledger/spool_priv.h"
#include "sql/db.h"

#define ROLLED_MAX     ((size_t)64 << 20) /* ROWS_MAX sums as JSON */
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000
#define GATHER_MS      1000 /* the first record of a batch waits so long */
#define IDLE_MS	       60000
#define FINISH_MS      5000 /* of loader_stop; the rest stays in the spool */

/* ---- the session */

static enum hub_err
session_prepare(struct db *db)
{
	/* Less is enough, where the operator granted it. */
	return (db_exec(db,
	    "SELECT set_config('role', 'hub_ingest', false) "
	    "WHERE pg_has_role('hub_ingest', 'MEMBER')", 0, NULL, NULL));
}

static bool
pos_before(const struct spool_pos *a, const struct spool_pos *b)
{
	return (a->boot_epoch != b->boot_epoch ?
	    a->boot_epoch < b->boot_epoch : a->next_seq < b->next_seq);
}

/* A backup took the database's place: what it lacks is loaded again from the
 * segments that are kept. */
static void
restored_note(struct loader *l)
{
	if (!pos_before(&l->pos, &l->committed))
		return;
	log_warn("the ledger's database is older than it was, its records are "
		 "loaded again",
	    "boot=%" PRIu32 " next_seq=%" PRIu64, l->pos.boot_epoch,
	    l->pos.next_seq);
	l->committed = l->pos;
	(void)pthread_mutex_lock(&l->lock);
	l->stats.restored++;
	(void)pthread_mutex_unlock(&l->lock);
}

/* Where to go on; the oldest kept record when the database knows nothing. */
static enum hub_err
checkpoint_read(struct loader *l)
{
	uint64_t in[1] = { spool_node(l->spool) }, out[3];
	enum hub_err err;

	err = loader_numbers(l->db,
	    "SELECT boot_epoch, segment_no, next_seq "
	    "FROM ledger.spool_checkpoint WHERE node_id = $1 "
	    "ORDER BY boot_epoch DESC LIMIT 1", 1, in, NULL, 3, out);
	l->pos = (struct spool_pos){ 0 };
	l->expected = 0;
	if (err != HUB_OK && err != HUB_ENOENT)
		return (err);
	if (err == HUB_OK) {
		l->pos = (struct spool_pos){ (uint32_t)out[0], out[1],
			out[2] };
		l->expected = out[2];
		spool_loaded(l->spool, &l->pos);
	}
	restored_note(l);
	return (HUB_OK);
}

/* The month in which is booked what comes too late. That of a close while this
 * session lasts shows in a batch that is refused, and then in the next
 * session. */
static enum hub_err
open_read(struct loader *l)
{
	uint64_t out[3];
	enum hub_err err;

	l->rows.open = (struct month_open){ 0 };
	err = loader_numbers(l->db,
	    "SELECT m - date '2000-01-01', extract(year FROM m)::int, "
	    "extract(month FROM m)::int FROM ledger.first_open() AS m "
	    "WHERE m IS NOT NULL", 0, NULL, NULL, 3, out);
	if (err == HUB_OK)
		l->rows.open = (struct month_open){ (int32_t)out[0],
			(uint16_t)out[1], (uint8_t)out[2] };
	return (err == HUB_ENOENT ? HUB_OK : err);
}

/* False: there is no time left. */
static bool
show_db(struct loader *l, struct db *db)
{
	bool hurry;

	(void)pthread_mutex_lock(&l->lock);
	l->open = db;
	hurry = l->hurry;
	(void)pthread_mutex_unlock(&l->lock);
	return (!hurry);
}

static enum hub_err
session_open(struct loader *l)
{
	struct buf why;
	enum hub_err err;

	buf_init(&why, 1024);
	err = db_open(l->conninfo, &l->db, &why);
	if (err == HUB_OK) {
		err = show_db(l, l->db) ? session_prepare(l->db) : HUB_ELATE;
		if (err == HUB_OK)
			err = loader_node_take(l);
		if (err == HUB_OK)
			err = loader_ids_known(l);
		if (err == HUB_OK)
			err = checkpoint_read(l);
		if (err == HUB_OK)
			err = open_read(l);
		if (err != HUB_OK)
			buf_adds(&why, str_of(db_why(l->db)));
	}
	l->staged = false;
	l->leaf_of = INT32_MIN;
	l->looked_at = 0;
	l->month_from = INT_MAX;
	l->partitions_at = (struct wall_us){ 0 };
	if (err == HUB_OK)
		log_info("ledger loader connected",
		    "boot=%" PRIu32 " next_seq=%" PRIu64, l->pos.boot_epoch,
		    l->pos.next_seq);
	else
		log_warn("the ledger's database does not answer",
		    "reason=\"%s\"", buf_cstr(&why));
	buf_clear(&why);
	return (err);
}

static void
session_close(struct loader *l)
{
	(void)show_db(l, NULL);
	db_close(l->db);
	l->db = NULL;
}

/* ---- the thread */

static struct timespec
ms_from_now(int64_t ms)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return (ts);
}

/* Sleeps ms or until loader_stop. */
static void
pause_ms(struct loader *l, int64_t ms)
{
	struct timespec ts = ms_from_now(ms);

	(void)pthread_mutex_lock(&l->lock);
	while (!l->stop &&
	    pthread_cond_timedwait(&l->wake, &l->lock, &ts) != ETIMEDOUT)
		continue;
	(void)pthread_mutex_unlock(&l->lock);
}

static void
set_up(struct loader *l, bool up)
{
	(void)pthread_mutex_lock(&l->lock);
	l->stats.up = up;
	(void)pthread_mutex_unlock(&l->lock);
}

/* Loads what is durable now, but for what would only begin another batch, or
 * until something fails. */
static enum hub_err
drain(struct loader *l)
{
	enum hub_err err = HUB_OK;
	uint64_t due = 0;
	unsigned n = 0;

	if (l->db == NULL)
		err = session_open(l);
	if (err == HUB_OK)
		err = loader_look(l);
	if (err == HUB_OK)
		due = spool_waiting(l->spool, &l->pos);
	while (err == HUB_OK && due > 0) {
		err = loader_batch(l, &n);
		due = n > 0 && n < due ? due - n : 0;
		/* A short batch ended with its segment or boot. */
		if (n == ROWS_MAX && due < ROWS_MAX)
			break;
	}
	if (err != HUB_OK)
		session_close(l);
	set_up(l, err == HUB_OK);
	return (err);
}

/* Full jitter above half, so that hubs do not come back in step. */
static int64_t
jitter(int64_t ms)
{
	uint32_t r;

	random_bytes(&r, sizeof(r));
	return (ms / 2 + (int64_t)(r % (uint32_t)(ms / 2 + 1)));
}

static void
loader_finish(struct loader *l)
{
	while (drain(l) == HUB_OK && spool_waiting(l->spool, &l->pos) > 0)
		continue;
	session_close(l);
}

static bool
stopping(struct loader *l)
{
	bool stop;

	(void)pthread_mutex_lock(&l->lock);
	stop = l->stop;
	(void)pthread_mutex_unlock(&l->lock);
	return (stop);
}

/* A transaction costs the database as much as hundreds of rows: a batch is
 * worth it when it is full or its first record waited long enough. Without
 * traffic nothing runs. */
static void
gather(struct loader *l)
{
	spool_wait(l->spool, &l->pos, 1, IDLE_MS);
	if (!stopping(l) && spool_waiting(l->spool, &l->pos) > 0)
		spool_wait(l->spool, &l->pos, ROWS_MAX, GATHER_MS);
}

static void *
loader_main(void *arg)
{
	struct loader *l = arg;
	int64_t backoff = BACKOFF_MIN_MS;

	while (!stopping(l)) {
		if (drain(l) == HUB_OK) {
			backoff = BACKOFF_MIN_MS;
			gather(l);
			continue;
		}
		pause_ms(l, jitter(backoff));
		backoff = backoff * 2 < BACKOFF_MAX_MS ? backoff * 2
						       : BACKOFF_MAX_MS;
	}
	loader_finish(l);
	(void)pthread_mutex_lock(&l->lock);
	l->ended = true;
	(void)pthread_cond_signal(&l->gone);
	(void)pthread_mutex_unlock(&l->lock);
	return (NULL);
}

struct loader *
loader_start(struct spool *sp, const char *conninfo)
{
	struct loader *l = xcalloc(1, sizeof(*l));
	pthread_condattr_t attr;
	sigset_t all, old;

	l->spool = sp;
	l->born = sp->dict.born;
	l->conninfo = xstrdup(conninfo);
	l->raw = xmalloc((size_t)ROWS_MAX * RECORD_LEN);
	rows_init(&l->rows);
	buf_init(&l->rolled, ROLLED_MAX);
	(void)pthread_mutex_init(&l->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	l->stats.digest = WALL_ABSENT;
	(void)pthread_cond_init(&l->wake, &attr);
	(void)pthread_cond_init(&l->gone, &attr);
	(void)pthread_condattr_destroy(&attr);
	/* Signals belong to the threads that run loops. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&l->thread, NULL, loader_main, l) != 0)
		assert(!"threads at start");
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return (l);
}

void
loader_stop(struct loader *l)
{
	struct timespec end = ms_from_now(FINISH_MS);

	if (l == NULL)
		return;
	(void)pthread_mutex_lock(&l->lock);
	l->stop = true;
	(void)pthread_cond_signal(&l->wake);
	spool_wait_end(l->spool);
	while (!l->ended &&
	    pthread_cond_timedwait(&l->gone, &l->lock, &end) != ETIMEDOUT)
		continue;
	/* A database that hangs would hold up the end for as long. */
	if (!l->ended) {
		l->hurry = true;
		if (l->open != NULL)
			db_interrupt(l->open);
		log_warn("what is not loaded stays in the spool", NULL);
	}
	(void)pthread_mutex_unlock(&l->lock);
	(void)pthread_join(l->thread, NULL);
	(void)pthread_cond_destroy(&l->wake);
	(void)pthread_cond_destroy(&l->gone);
	(void)pthread_mutex_destroy(&l->lock);
	buf_clear(&l->rolled);
	rows_clear(&l->rows);
	free(l->raw);
	free(l->conninfo);
	free(l);
}

void
loader_stats(struct loader *l, struct loader_stats *out)
{
	(void)pthread_mutex_lock(&l->lock);
	*out = l->stats;
	(void)pthread_mutex_unlock(&l->lock);
}
