/* server/decision_log.c - the decision log: lanes of the workers and the
 * thread that empties them; decision_log.h says what is promised. */
#include "server/decision_log_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/log.h"

#define LANE_MAX    ((size_t)4 << 20) /* of one worker, in 0.2 s */
#define LANE_URGENT ((size_t)1 << 18)
#define WAIT_MS	    200
#define SAY_AGAIN_US INT64_C(60000000)
/* Of callers that nobody knows, a second and worker: they may send what they
 * like, and must not fill the disk, nor the half of the log's size that is kept
 * for those who are known. */
#define UNKNOWN_MAX 100

/* ---- the workers' side */

static void
wake_up(struct decision_log *log, bool urgent)
{
	(void)pthread_mutex_lock(&log->lock);
	log->dirty = true;
	log->urgent |= urgent;
	(void)pthread_cond_signal(&log->wake);
	(void)pthread_mutex_unlock(&log->lock);
}

static bool
may_add(struct decision_log *log, struct decision_lane *lane,
    const struct decision *d)
{
	int64_t second = d->at.us / 1000000;

	if (d->tenant.len > 0)
		return (true);
	if (atomic_load_explicit(&log->half, memory_order_relaxed))
		return (false);
	if (second != lane->unknown_second) {
		lane->unknown_second = second;
		lane->unknown = 0;
	}
	return (lane->unknown++ < UNKNOWN_MAX);
}

/* Without what can be long: what is left always fits. */
static void
write_short(const struct decision *d, struct buf *b)
{
	struct decision less = *d;

	less.types.n = less.attrs_asked.n = less.attrs_released.n = 0;
	less.types.more += d->types.n;
	less.attrs_asked.more += d->attrs_asked.n;
	less.attrs_released.more += d->attrs_released.n;
	less.npredicates = less.nsources = less.ncrises = 0;
	decision_write(&less, b);
}

static bool
write_line(const struct decision *d, struct buf *b)
{
	size_t begin = b->len;

	decision_write(d, b);
	if (b->len - begin > DECISION_BODY_MAX) {
		b->len = begin;
		write_short(d, b);
	}
	buf_addc(b, '\n');
	if (!b->failed)
		return (true);
	b->len = begin;
	b->failed = false;
	return (false);
}

void
decision_log_add(struct decision_log *log, unsigned worker,
    const struct decision *d)
{
	struct decision_lane *lane = &log->lanes[worker];
	size_t before, after;

	if (!may_add(log, lane, d)) {
		atomic_fetch_add_explicit(&log->skipped, 1,
		    memory_order_relaxed);
		return;
	}
	(void)pthread_mutex_lock(&lane->lock);
	before = lane->lines.len;
	if (!write_line(d, &lane->lines))
		atomic_fetch_add(&log->lost, 1);
	after = lane->lines.len;
	(void)pthread_mutex_unlock(&lane->lock);
	if (before == 0 || (before < LANE_URGENT && after >= LANE_URGENT))
		wake_up(log, after >= LANE_URGENT);
}

/* ---- the file */

static uint64_t
size_of_others(const struct decision_log *log)
{
	struct wall_us day;
	struct dirent *e;
	struct stat st;
	uint64_t sum = 0;
	DIR *d = decision_log_list(log->dir);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (decision_file_day(e->d_name, &day) &&
		    strncmp(e->d_name + 9, log->file.day,
			DECISION_DAY_MAX - 1) != 0 &&
		    fstatat(log->dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			sum += (uint64_t)st.st_size;
	if (d != NULL)
		(void)closedir(d);
	return (sum);
}

/* What is deleted is told, so that it can be shown that it was. */
static void
delete_old(struct decision_log *log, struct wall_us now)
{
	struct wall_us day;
	struct dirent *e;
	DIR *d = decision_log_list(log->dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!decision_file_day(e->d_name, &day) ||
		    day.us + WALL_DAY_US > now.us - log->conf.keep_us)
			continue;
		if (unlinkat(log->dir, e->d_name, 0) == 0)
			log_info("decision log deleted, its time is over",
			    "file=%s", e->d_name);
		else
			log_err("old decision log cannot be deleted",
			    "file=%s", e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
}

static bool
put_mark(struct decision_log *log, struct wall_us now, const char *mark,
    uint64_t lost, uint64_t skipped)
{
	char at[WALL_STR_MAX];
	struct buf b;
	bool done;

	wall_format(now, at);
	buf_init(&b, 512);
	buf_addf(&b, "{\"ts\":\"%s\",\"mark\":\"%s\"", at, mark);
	if (lost > 0 || skipped > 0)
		buf_addf(&b, ",\"lost\":%llu,\"skipped\":%llu",
		    (unsigned long long)lost, (unsigned long long)skipped);
	done = decision_file_put(&log->file, buf_str(&b));
	buf_clear(&b);
	return (done);
}

static void
today(struct decision_log *log, struct wall_us now)
{
	char day[DECISION_DAY_MAX];

	decision_day(now, day);
	if (log->file.fd >= 0 && strcmp(day, log->file.day) == 0)
		return;
	if (strcmp(day, log->swept) != 0) {
		memcpy(log->swept, day, sizeof(log->swept));
		delete_old(log, now);
		decision_keys_turn(log, now);
	}
	if (decision_file_open(&log->file, day) != HUB_OK) {
		log->why = errno;
		return;
	}
	log->others = size_of_others(log);
	(void)put_mark(log, now, "begin", 0, 0);
}

static void
say_lost(struct decision_log *log, uint64_t n)
{
	int64_t now = clock_mono().us;

	atomic_fetch_add(&log->lost, n);
	if (log->failing && now - log->said_us < SAY_AGAIN_US)
		return;
	log->failing = true;
	log->said_us = now;
	log_err("the decision log cannot be written, lines are lost",
	    "lost=%llu why=\"%s\"",
	    (unsigned long long)atomic_load(&log->lost),
	    log->full ? "decision-log.size is reached" : strerror(log->why));
}

static void
write_block(struct decision_log *log)
{
	uint64_t lines = log->lines;
	enum hub_err err;

	log->lines = 0;
	atomic_store_explicit(&log->half, log->others + log->file.size >
	    log->conf.size / 2, memory_order_relaxed);
	log->full = log->others + log->file.size + log->file.out.len >
	    log->conf.size;
	if (log->full) {
		decision_file_drop(&log->file);
		err = HUB_EFULL;
	} else {
		err = decision_file_write(&log->file);
		if (err != HUB_OK && log->file.fd >= 0)
			log->why = errno;
	}
	if (err != HUB_OK) {
		if (lines > 0)
			say_lost(log, lines);
		return;
	}
	atomic_fetch_add(&log->written, lines);
	log->told_lost = log->telling_lost;
	log->told_skipped = log->telling_skipped;
	if (log->failing && lines > 0) {
		log->failing = false;
		log_warn("the decision log is written again", "lost=%llu",
		    (unsigned long long)atomic_load(&log->lost));
	}
}

/* Before what follows: so many are missing here. */
static void
tell_lost(struct decision_log *log, struct wall_us now)
{
	uint64_t lost = atomic_load(&log->lost);
	uint64_t skipped = atomic_load(&log->skipped);

	if (lost == log->told_lost && skipped == log->told_skipped)
		return;
	if (!put_mark(log, now, "lost", lost - log->told_lost,
		skipped - log->told_skipped))
		return;
	log->telling_lost = lost;
	log->telling_skipped = skipped;
}

static void
write_lane(struct decision_log *log, struct decision_lane *lane)
{
	struct str rest, line;
	struct buf taken;

	(void)pthread_mutex_lock(&lane->lock);
	taken = lane->lines;
	lane->lines = lane->spare;
	(void)pthread_mutex_unlock(&lane->lock);
	rest = buf_str(&taken);
	while (rest.len > 0 && str_cut(&rest, '\n', &line)) {
		if (!decision_file_put(&log->file, line)) {
			write_block(log);
			if (!decision_file_put(&log->file, line))
				assert(!"a line that no block holds");
		}
		log->lines++;
	}
	buf_reset(&taken);
	lane->spare = taken;
}

static void
one_round(struct decision_log *log, bool reopen)
{
	struct wall_us now = clock_wall();

	if (reopen)
		decision_file_close(&log->file);
	today(log, now);
	decision_keys_again(log, now);
	tell_lost(log, now);
	for (unsigned i = 0; i < log->conf.workers; i++)
		write_lane(log, &log->lanes[i]);
	write_block(log);
}

/* ---- the thread */

static void
wait_for_lines(struct decision_log *log)
{
	struct timespec until;

	while (!log->dirty && !log->urgent && !log->stopping)
		(void)pthread_cond_wait(&log->wake, &log->lock);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	while (!log->urgent && !log->stopping &&
	    pthread_cond_timedwait(&log->wake, &log->lock, &until) !=
		ETIMEDOUT)
		;
}

static void *
log_main(void *arg)
{
	struct decision_log *log = arg;
	bool stopping = false, reopen;
	uint64_t wanted;

	while (!stopping) {
		(void)pthread_mutex_lock(&log->lock);
		wait_for_lines(log);
		stopping = log->stopping;
		reopen = log->reopen;
		wanted = log->rounds_wanted;
		log->dirty = log->urgent = log->reopen = false;
		(void)pthread_mutex_unlock(&log->lock);
		one_round(log, reopen);
		(void)pthread_mutex_lock(&log->lock);
		log->rounds_done = wanted;
		(void)pthread_cond_broadcast(&log->done);
		(void)pthread_mutex_unlock(&log->lock);
	}
	return (NULL);
}

void
decision_log_flush(struct decision_log *log)
{
	wake_up(log, true);
}

void
decision_log_sync(struct decision_log *log)
{
	uint64_t mine;

	(void)pthread_mutex_lock(&log->lock);
	mine = ++log->rounds_wanted;
	log->urgent = true;
	(void)pthread_cond_signal(&log->wake);
	while (log->rounds_done < mine)
		(void)pthread_cond_wait(&log->done, &log->lock);
	(void)pthread_mutex_unlock(&log->lock);
}

void
decision_log_reopen(struct decision_log *log)
{
	(void)pthread_mutex_lock(&log->lock);
	log->reopen = log->urgent = true;
	(void)pthread_cond_signal(&log->wake);
	(void)pthread_mutex_unlock(&log->lock);
}

void
decision_log_stats(struct decision_log *log, struct decision_log_stats *s)
{
	s->lines = atomic_load(&log->written);
	s->lost = atomic_load(&log->lost);
	s->skipped = atomic_load(&log->skipped);
}

/* ---- life */

DIR *
decision_log_list(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		(void)close(fd);
	return (d);
}

/* Two processes in one folder would break each other's chain. */
static enum hub_err
open_folder(struct decision_log *log, struct buf *why)
{
	const char *path = log->conf.directory;

	if (mkdir(path, 0750) != 0 && errno != EEXIST) {
		buf_addf(why, "%s", strerror(errno));
		return (HUB_EIO);
	}
	log->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dir < 0 || faccessat(log->dir, ".", W_OK, AT_EACCESS) != 0) {
		buf_addf(why, "%s", strerror(errno));
		return (HUB_EIO);
	}
	if (flock(log->dir, LOCK_EX | LOCK_NB) != 0) {
		BUF_LIT(why, "another process writes its decision log there");
		return (HUB_EEXIST);
	}
	return (HUB_OK);
}

static void
init_locks(struct decision_log *log)
{
	pthread_condattr_t mono;

	(void)pthread_condattr_init(&mono);
	(void)pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&log->lock, NULL);
	decision_keys_init(log);
	(void)pthread_cond_init(&log->wake, &mono);
	(void)pthread_cond_init(&log->done, NULL);
	(void)pthread_cond_init(&log->jobs_wake, NULL);
	(void)pthread_condattr_destroy(&mono);
	for (unsigned i = 0; i < log->conf.workers; i++) {
		(void)pthread_mutex_init(&log->lanes[i].lock, NULL);
		buf_init(&log->lanes[i].lines, LANE_MAX);
		buf_init(&log->lanes[i].spare, LANE_MAX);
	}
}

static void
log_free(struct decision_log *log)
{
	for (unsigned i = 0; i < log->conf.workers; i++) {
		(void)pthread_mutex_destroy(&log->lanes[i].lock);
		buf_clear(&log->lanes[i].lines);
		buf_clear(&log->lanes[i].spare);
	}
	(void)pthread_mutex_destroy(&log->lock);
	(void)pthread_cond_destroy(&log->wake);
	(void)pthread_cond_destroy(&log->done);
	(void)pthread_cond_destroy(&log->jobs_wake);
	month_keys_clear(&log->keys);
	decision_file_close(&log->file);
	if (log->dir >= 0)
		(void)close(log->dir);
	free(log->lanes);
	free(log);
}

enum hub_err
decision_log_open(const struct decision_log_conf *conf,
    struct decision_log **log_r, struct buf *why)
{
	struct decision_log *log = xcalloc(1, sizeof(*log));
	enum hub_err err;

	log->conf = *conf;
	log->lanes = xcalloc(conf->workers, sizeof(*log->lanes));
	init_locks(log);
	err = open_folder(log, why);
	decision_file_init(&log->file, log->dir);
	if (err != HUB_OK) {
		log_free(log);
		return (err);
	}
	/* Keys are there before anybody asks for one. */
	today(log, clock_wall());
	write_block(log);
	if (log->file.fd < 0) {
		BUF_LIT(why, "today's file cannot be written");
		log_free(log);
		return (HUB_EIO);
	}
	if (pthread_create(&log->thread, NULL, log_main, log) != 0 ||
	    pthread_create(&log->jobs_thread, NULL, decision_jobs_main,
		log) != 0)
		assert(!"no thread");
	*log_r = log;
	return (HUB_OK);
}

void
decision_log_stop_jobs(struct decision_log *log)
{
	if (log == NULL || log->jobs_ended)
		return;
	(void)pthread_mutex_lock(&log->lock);
	log->jobs_stopping = true;
	(void)pthread_cond_signal(&log->jobs_wake);
	(void)pthread_mutex_unlock(&log->lock);
	(void)pthread_join(log->jobs_thread, NULL);
	log->jobs_ended = true;
}

void
decision_log_close(struct decision_log *log)
{
	if (log == NULL)
		return;
	decision_log_stop_jobs(log);
	(void)pthread_mutex_lock(&log->lock);
	log->stopping = true;
	(void)pthread_cond_signal(&log->wake);
	(void)pthread_mutex_unlock(&log->lock);
	(void)pthread_join(log->thread, NULL);
	log_free(log);
}
