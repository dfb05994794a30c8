/* server/reports.c - the thread that reads reports; reports.h says what it
 * promises. */
#include "server/reports.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/base/arena.h"
#include "server/base/log.h"
#include "server/ledger/digest.h"
#include "server/ledger/notice.h"
#include "server/ledger/report.h"

#define JOBS_MAX	16
#define JOBS_PER_TENANT 4
#define BODY_MAX	((size_t)16 << 20)
#define WORD_MAX	32
#define KEEP_US		((int64_t)60 * 1000000)
#define KEEP_TIMES	20

struct reports {
	char *conninfo;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct reports_job *first; /* the rest is under the lock */
	unsigned n;
	bool stopping;
	struct db *db; /* the thread's; here only to interrupt it */
	/* The thread's: how the ledger stands. */
	struct report integrity; /* rows NULL: it could not be read */
	struct mono_us integrity_until;
};

struct reports_job {
	struct reports_job *next;
	struct reports_ask ask;
	char by[WORD_MAX], period[WORD_MAX];
	struct buf purpose, type;
	struct snapshot *snapshot;
	struct loop *loop;
	reports_fn *fn;
	void *arg; /* NULL: nobody waits */
	atomic_bool given_up;
	enum hub_err err;
	struct buf body;
};

static void
job_free(struct reports_job *job)
{
	snapshot_unref(&job->snapshot);
	buf_clear(&job->body);
	buf_clear(&job->purpose);
	buf_clear(&job->type);
	free(job);
}

/* Longer than any word that is good for something: none. */
static struct str
copy_word(struct str s, char out[WORD_MAX])
{
	if (s.len >= WORD_MAX || memchr(s.p, '\0', s.len) != NULL)
		return (STR_NONE);
	if (s.len > 0)
		memcpy(out, s.p, s.len);
	return ((struct str){ out, s.len });
}

/* Of a request's target, so neither long nor with a NUL. */
static struct str
copy_text(struct str s, struct buf *b)
{
	buf_init(b, s.len + 1);
	buf_adds(b, s);
	return (s.p != NULL ? buf_str(b) : STR_NONE);
}

struct reports_job *
reports_submit(struct reports *r, const struct reports_ask *ask,
    struct snapshot *snapshot, struct loop *loop, reports_fn *fn, void *arg)
{
	struct reports_job *job = xcalloc(1, sizeof(*job)), **end = &r->first;
	unsigned mine = 0;
	bool room;

	job->ask = *ask;
	job->ask.by = copy_word(ask->by, job->by);
	job->ask.period = copy_word(ask->period, job->period);
	job->ask.purpose = copy_text(ask->purpose, &job->purpose);
	job->ask.type = copy_text(ask->type, &job->type);
	job->snapshot = snapshot_ref(snapshot);
	job->loop = loop;
	job->fn = fn;
	job->arg = arg;
	atomic_init(&job->given_up, false);
	buf_init(&job->body, BODY_MAX);
	(void)pthread_mutex_lock(&r->lock);
	for (; *end != NULL; end = &(*end)->next)
		mine += str_eq((*end)->ask.asker->name, ask->asker->name);
	room = !r->stopping && r->n < JOBS_MAX && mine < JOBS_PER_TENANT;
	if (room) {
		*end = job;
		r->n++;
		(void)pthread_cond_signal(&r->wake);
	}
	(void)pthread_mutex_unlock(&r->lock);
	if (room)
		return (job);
	job_free(job);
	return (NULL);
}

void
reports_give_up(struct reports_job *job)
{
	if (job == NULL)
		return;
	job->arg = NULL;
	atomic_store(&job->given_up, true);
}

/* ---- the thread */

/* To be interrupted at the end. */
static void
show_db(struct reports *r, struct db *db)
{
	(void)pthread_mutex_lock(&r->lock);
	r->db = db;
	if (r->stopping && db != NULL)
		db_interrupt(db);
	(void)pthread_mutex_unlock(&r->lock);
}

static void
drop_db(struct reports *r, struct db **db)
{
	show_db(r, NULL);
	db_close(*db);
	*db = NULL;
}

/* As finance_ro, since what a report needs is all it may read. */
static enum hub_err
connect_db(struct reports *r, struct db **db)
{
	struct buf why;
	enum hub_err err;

	if (*db != NULL)
		return (HUB_OK);
	buf_init(&why, 4096);
	err = db_open(r->conninfo, db, &why);
	buf_clear(&why);
	show_db(r, *db);
	if (err == HUB_OK)
		err = db_exec(*db, "SET ROLE finance_ro", 0, NULL, NULL);
	if (err == HUB_OK)
		err = db_exec(*db, "SET statement_timeout = '10s'", 0, NULL,
		    NULL);
	if (err != HUB_OK) {
		log_warn("reports cannot be read", "why=\"%s\"",
		    *db != NULL ? db_why(*db) : "no connection");
		drop_db(r, db);
	}
	return (err);
}

/* A year, a month or a day; its first day and the one after its last. */
static enum hub_err
days_of(struct str text, char from[WALL_STR_MAX], char before[WALL_STR_MAX])
{
	struct asked asked = { .kind = ASKED_MONTH };
	enum hub_err err;

	if (text.len == 10) {
		err = wall_parse_date(text, &asked.days.from);
		asked.days.to = asked.days.from;
	} else
		err = asked_parse(text, &asked);
	if (err != HUB_OK)
		return (HUB_ESYNTAX);
	wall_format(asked.days.from, from);
	wall_format((struct wall_us){ asked.days.to.us + WALL_DAY_US }, before);
	from[10] = before[10] = '\0';
	return (HUB_OK);
}

static void
write_table(const struct report *report, const struct reports_ask *ask,
    struct buf *out)
{
	static const struct {
		const char *en, *de;
	} titles[] = {
		[REPORTS_USAGE] = { "Usage", "Nutzung" },
		[REPORTS_COSTS] = { "Costs booked", "Gebuchte Kosten" },
		[REPORTS_INDICATORS] = { "Indicators", "Kennzahlen" },
		[REPORTS_INTEGRITY] = { "The ledger", "Das Ledger" },
	};
	char period[16]; /* it was read as one */

	switch (ask->form) {
	case REPORTS_JSON:
		report_json(report, out);
		break;
	case REPORTS_CSV:
		report_csv(report, ask->german, out);
		break;
	case REPORTS_HTML:
		(void)snprintf(period, sizeof(period), "%.*s",
		    STR_FMT(ask->period));
		report_page(report, ask->german ? titles[ask->kind].de :
		    titles[ask->kind].en, period, ask->german, out);
		break;
	}
}

static enum hub_err
make_table(struct db *db, const struct reports_ask *ask, struct arena *a,
    struct buf *out)
{
	char from[WALL_STR_MAX], before[WALL_STR_MAX];
	struct report_ask q = { from, before, ask->tenant != NULL ?
		arena_str(a, ask->tenant->ags).p : NULL,
		ask->purpose.p != NULL ? arena_str(a, ask->purpose).p : NULL,
		ask->type.p != NULL ? arena_str(a, ask->type).p : NULL };
	struct report report = { 0 };
	enum hub_err err = days_of(ask->period, from, before);

	if (err == HUB_OK)
		err = ask->kind == REPORTS_USAGE ?
		    report_usage(db, &q, ask->by, &report) :
		    ask->kind == REPORTS_COSTS ?
		    report_costs(db, &q, &report) :
		    report_indicators(db, &q, &report);
	if (err == HUB_OK)
		write_table(&report, ask, out);
	report_clear(&report);
	return (err);
}

/* The whole chain is looked at, which takes its time: once a minute, or in
 * twenty times what it took, however many ask and however it ended, so that
 * nobody's other reports wait. */
static enum hub_err
make_integrity(struct reports *r, struct db *db, const struct reports_ask *ask,
    struct buf *out)
{
	struct mono_us now = clock_mono();
	enum hub_err err;
	int64_t took;

	if (now.us >= r->integrity_until.us) {
		report_clear(&r->integrity);
		err = report_integrity(db, &r->integrity);
		took = clock_mono().us - now.us;
		r->integrity_until.us = now.us + KEEP_US + took * KEEP_TIMES;
		if (err != HUB_OK) {
			report_clear(&r->integrity);
			return (err);
		}
	}
	if (r->integrity.rows == NULL)
		return (HUB_EAGAIN);
	write_table(&r->integrity, ask, out);
	return (HUB_OK);
}

static enum hub_err
make_digests(struct db *db, const struct reports_ask *ask, struct arena *a,
    struct buf *out)
{
	const char *ags = ask->tenant != NULL ?
	    arena_str(a, ask->tenant->ags).p : NULL;
	struct report report = { 0 };
	enum hub_err err;

	if (ask->kind == REPORTS_DIGEST)
		return (digest_latest(db, out));
	err = digest_list(db, ags, ask->before, ask->limit, &report);
	if (err == HUB_OK)
		write_table(&report, ask, out);
	report_clear(&report);
	return (err);
}

static enum hub_err
make_statement(struct db *db, const struct reports_job *job, struct arena *a,
    struct buf *out)
{
	const struct reports_ask *ask = &job->ask;
	struct notice n;
	enum hub_err err = notice_read(db, job->snapshot->region, ask->tenant,
	    ask->period, a, &n);

	if (err != HUB_OK)
		return (err);
	switch (ask->form) {
	case REPORTS_JSON:
		notice_json(&n, out);
		break;
	case REPORTS_CSV:
		notice_csv(&n, ask->german, out);
		break;
	case REPORTS_HTML:
		notice_html(&n, ask->german, out);
		break;
	}
	return (HUB_OK);
}

static enum hub_err
make_kind(struct reports *r, struct db *db, struct reports_job *job,
    struct arena *a)
{
	switch (job->ask.kind) {
	case REPORTS_STATEMENT:
		return (make_statement(db, job, a, &job->body));
	case REPORTS_INTEGRITY:
		return (make_integrity(r, db, &job->ask, &job->body));
	case REPORTS_DIGESTS:
	case REPORTS_DIGEST:
		return (make_digests(db, &job->ask, a, &job->body));
	default:
		return (make_table(db, &job->ask, a, &job->body));
	}
}

/* All of a report is read at one moment. */
static enum hub_err
make(struct reports *r, struct db *db, struct reports_job *job)
{
	struct arena *a;
	enum hub_err err = db_exec(db, "BEGIN ISOLATION LEVEL REPEATABLE READ "
	    "READ ONLY", 0, NULL, NULL);

	if (err != HUB_OK)
		return (HUB_EIO);
	a = arena_new();
	err = make_kind(r, db, job, a);
	arena_free(a);
	db_rollback(db);
	return (err == HUB_OK && job->body.failed ? HUB_EFULL : err);
}

static void
on_done(void *arg)
{
	struct reports_job *job = arg;

	if (job->arg != NULL)
		job->fn(job->err, buf_str(&job->body), job->arg);
	job_free(job);
}

static void
run(struct reports *r, struct db **db, struct reports_job *job)
{
	job->err = connect_db(r, db);
	if (job->err == HUB_OK)
		job->err = make(r, *db, job);
	if (*db != NULL && (job->err == HUB_EIO || job->err == HUB_EDENIED)) {
		log_warn("report failed", "why=\"%s\"", db_why(*db));
		drop_db(r, db);
	}
	loop_post(job->loop, on_done, job);
}

static struct reports_job *
next_job(struct reports *r)
{
	struct reports_job *job;

	(void)pthread_mutex_lock(&r->lock);
	while (r->first == NULL && !r->stopping)
		(void)pthread_cond_wait(&r->wake, &r->lock);
	job = r->stopping ? NULL : r->first;
	if (job != NULL) {
		r->first = job->next;
		r->n--;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return (job);
}

static void *
thread_main(void *arg)
{
	struct reports *r = arg;
	struct reports_job *job;
	struct db *db = NULL;

	while ((job = next_job(r)) != NULL)
		if (atomic_load(&job->given_up))
			job_free(job);
		else
			run(r, &db, job);
	drop_db(r, &db);
	return (NULL);
}

struct reports *
reports_start(const char *conninfo)
{
	struct reports *r = xcalloc(1, sizeof(*r));

	r->conninfo = xstrdup(conninfo);
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->wake, NULL);
	if (pthread_create(&r->thread, NULL, thread_main, r) != 0)
		assert(!"no thread");
	return (r);
}

void
reports_stop(struct reports *r)
{
	if (r == NULL)
		return;
	(void)pthread_mutex_lock(&r->lock);
	r->stopping = true;
	(void)pthread_cond_signal(&r->wake);
	if (r->db != NULL)
		db_interrupt(r->db);
	(void)pthread_mutex_unlock(&r->lock);
	(void)pthread_join(r->thread, NULL);
}

void
reports_free(struct reports *r)
{
	struct reports_job *job;

	if (r == NULL)
		return;
	while ((job = r->first) != NULL) {
		r->first = job->next;
		job_free(job);
	}
	(void)pthread_cond_destroy(&r->wake);
	(void)pthread_mutex_destroy(&r->lock);
	report_clear(&r->integrity);
	free(r->conninfo);
	free(r);
}
