/* server/registry.c - changes of registrations; see registry.h. */
#include "server/registry.h"

#include <stdlib.h>

#include "server/worker.h"

/* ---- jobs */

struct registry_job *
registry_job_new(enum registration_verb verb, struct str tenant,
    struct str id, struct str context, struct str document, int64_t epoch,
    struct loop *loop, registry_fn *fn, void *arg)
{
	struct registry_job *job = xcalloc(1, sizeof(*job));

	job->change = (struct registration_change){ .verb = verb,
		.tenant = str_dup(tenant),
		.id = str_dup(id),
		.epoch = epoch,
		.context = str_dup(context),
		.document = str_dup(document) };
	job->loop = loop;
	job->fn = fn;
	job->arg = arg;
	atomic_init(&job->given_up, false);
	return (job);
}

struct registry_job *
registry_job_work_take(struct str tenant, registry_work_fn *run, void *work,
    void (*work_free)(void *), struct loop *loop, registry_fn *fn, void *arg)
{
	struct registry_job *job = xcalloc(1, sizeof(*job));

	job->change.tenant = str_dup(tenant);
	job->run = run;
	job->work = work;
	job->work_free = work_free;
	job->loop = loop;
	job->fn = fn;
	job->arg = arg;
	atomic_init(&job->given_up, false);
	return (job);
}

static void
job_free(struct registry_job *job)
{
	if (job->work != NULL)
		job->work_free(job->work);
	free((char *)(uintptr_t)job->change.tenant);
	free((char *)(uintptr_t)job->change.id);
	free((char *)(uintptr_t)job->change.context);
	free((char *)(uintptr_t)job->change.document);
	free(job);
}

void
registry_jobs_free(struct registry_job *job)
{
	struct registry_job *next;

	for (; job != NULL; job = next) {
		next = job->next;
		job_free(job);
	}
}

void
registry_job_give_up(struct registry_job *job)
{
	if (job == NULL)
		return;
	job->arg = NULL;
	atomic_store(&job->given_up, true);
}

void
registry_jobs_run(struct registry_job *job, struct db *db)
{
	for (; job != NULL; job = job->next) {
		job->err = HUB_EIO;
		if (db != NULL && !atomic_load(&job->given_up))
			job->err = job->run != NULL ?
			    job->run(db, job->work) :
			    registration_store(db, &job->change);
	}
}

/* ---- their end */

struct round {
	atomic_uint left;
	struct registry_job *jobs;
};

static void
on_done(void *arg)
{
	struct registry_job *job = arg;

	if (job->arg != NULL)
		job->fn(job->err, job->arg);
	job_free(job);
}

/* The last worker ends them. One that was given up may have lost its loop. */
static void
on_taken(void *arg)
{
	struct round *r = arg;
	struct registry_job *job, *next;

	if (atomic_fetch_sub(&r->left, 1) != 1)
		return;
	for (job = r->jobs; job != NULL; job = next) {
		next = job->next;
		if (atomic_load(&job->given_up))
			job_free(job);
		else
			loop_post(job->loop, on_done, job);
	}
	free(r);
}

void
registry_jobs_end(struct registry_job *jobs, struct worker *workers,
    unsigned n)
{
	struct round *r;

	if (jobs == NULL)
		return;
	r = xcalloc(1, sizeof(*r));
	atomic_init(&r->left, n);
	r->jobs = jobs;
	for (unsigned i = 0; i < n; i++)
		loop_post(workers[i].loop, on_taken, r);
}

/* ---- counters */

struct source_use *
source_uses_get(struct source_uses *uses, const struct region_registration *rr)
{
	struct source_use *u;

	for (u = uses->first; u != NULL; u = u->next)
		if (u->created.us == rr->created.us &&
		    str_eq(u->id, rr->registration->id) &&
		    str_eq(u->tenant, rr->tenant->name))
			return (source_use_ref(u));
	u = source_use_new(rr->tenant->name, rr->registration->id,
	    rr->created);
	u->next = uses->first;
	uses->first = u;
	return (source_use_ref(u));
}

void
source_uses_trim(struct source_uses *uses)
{
	struct source_use **at = &uses->first, *u;

	while ((u = *at) != NULL) {
		if (atomic_load(&u->refs) > 1) {
			at = &u->next;
			continue;
		}
		*at = u->next;
		source_use_unref(&u);
	}
}

void
source_uses_clear(struct source_uses *uses)
{
	struct source_use *u, *next;

	for (u = uses->first; u != NULL; u = next) {
		next = u->next;
		source_use_unref(&u);
	}
	uses->first = NULL;
}
