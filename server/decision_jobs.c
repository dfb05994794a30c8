/* server/decision_jobs.c - lines of the decision log for those who wait on a
 * loop: found by one thread, so that no disk makes a worker wait. */
#include <stdlib.h>

#include "server/decision_log_priv.h"

/* Each may read some megabytes. */
#define JOBS_MAX	16
#define JOBS_PER_TENANT 4

struct decision_job {
	struct decision_job *next;
	struct uuid id;
	char *tenant;
	struct loop *loop;
	decision_found_fn *fn;
	void *arg; /* NULL: nobody waits */
	atomic_bool given_up;
	char *line; /* NULL: there is none */
	size_t len;
};

static void
job_free(struct decision_job *job)
{
	free(job->tenant);
	free(job->line);
	free(job);
}

/* How many of a tenant wait; those that nobody waits for are taken out. */
static unsigned
count_waiting(struct decision_log *log, struct str tenant,
    struct decision_job ***end_r)
{
	struct decision_job **end = &log->jobs, *job;
	unsigned n = 0;

	while ((job = *end) != NULL)
		if (atomic_load(&job->given_up)) {
			*end = job->next;
			log->njobs--;
			job_free(job);
		} else {
			n += str_eq(str_of(job->tenant), tenant);
			end = &job->next;
		}
	*end_r = end;
	return (n);
}

struct decision_job *
decision_log_find(struct decision_log *log, const struct uuid *id,
    struct str tenant, struct loop *loop, decision_found_fn *fn, void *arg)
{
	struct decision_job *job = xcalloc(1, sizeof(*job)), **end;
	unsigned mine;
	bool room;

	job->tenant = xcalloc(1, tenant.len + 1);
	memcpy(job->tenant, tenant.p, tenant.len);
	job->id = *id;
	job->loop = loop;
	job->fn = fn;
	job->arg = arg;
	atomic_init(&job->given_up, false);
	(void)pthread_mutex_lock(&log->lock);
	mine = count_waiting(log, tenant, &end);
	room = log->njobs < JOBS_MAX && mine < JOBS_PER_TENANT &&
	    !log->jobs_stopping;
	if (room) {
		*end = job;
		log->njobs++;
		(void)pthread_cond_signal(&log->jobs_wake);
	}
	(void)pthread_mutex_unlock(&log->lock);
	if (room)
		return (job);
	job_free(job);
	return (NULL);
}

void
decision_job_give_up(struct decision_job *job)
{
	if (job == NULL)
		return;
	job->arg = NULL;
	atomic_store(&job->given_up, true);
}

static void
on_done(void *arg)
{
	struct decision_job *job = arg;

	if (job->arg != NULL)
		job->fn((struct str){ job->line, job->len }, job->arg);
	job_free(job);
}

static void
run(struct decision_log *log, struct decision_job *job)
{
	struct arena *a = arena_new();
	struct str line;

	/* It may have ended a moment ago. */
	decision_log_sync(log);
	if (decision_find_quick(log->dir, &job->id, &job->given_up, a,
		&line) == HUB_OK) {
		job->line = xmalloc(line.len + 1);
		memcpy(job->line, line.p, line.len);
		job->len = line.len;
	}
	arena_free(a);
}

static struct decision_job *
next_job(struct decision_log *log)
{
	struct decision_job *job;

	(void)pthread_mutex_lock(&log->lock);
	while (log->jobs == NULL && !log->jobs_stopping)
		(void)pthread_cond_wait(&log->jobs_wake, &log->lock);
	job = log->jobs;
	if (job != NULL) {
		log->jobs = job->next;
		log->njobs--;
	}
	(void)pthread_mutex_unlock(&log->lock);
	return (job);
}

/* Once the log is about to end, who still waits is told that there is none:
 * their loops go on until this thread has ended. */
void *
decision_jobs_main(void *arg)
{
	struct decision_log *log = arg;
	struct decision_job *job;

	while ((job = next_job(log)) != NULL) {
		if (atomic_load(&job->given_up)) {
			job_free(job);
			continue;
		}
		run(log, job);
		loop_post(job->loop, on_done, job);
	}
	return (NULL);
}
