/* server/registry.h - changes of registrations on their way from a request to
 * the database and back, and what is counted of each source registered.
 *
 * A job is made by a worker, done by the helper thread of control.h, and ends
 * on the worker's loop. */
#ifndef HUB_SERVER_REGISTRY_H
#define HUB_SERVER_REGISTRY_H

#include <stdatomic.h>

#include "policies/registration_store.h"
#include "server/federation/source.h"

/* Jobs that wait at once, so that no tenant shuts the others out. */
#define REGISTRY_JOBS_MAX	 64
#define REGISTRY_JOBS_PER_TENANT 16

struct worker;

typedef void registry_fn(enum hub_err, void *arg);
/* Other work with the database that ends like a change of a registration: when
 * all workers have what came of it. */
typedef enum hub_err registry_work_fn(struct db *, void *work);

struct registry_job {
	struct registry_job *next;
	/* Texts are the job's own; its tenant is there with other work, too. */
	struct registration_change change;
	registry_work_fn *run; /* instead of the change; or NULL */
	void *work;	       /* freed by work_free with the job */
	void (*work_free)(void *);
	struct loop *loop;
	registry_fn *fn;
	void *arg; /* NULL: nobody waits */
	atomic_bool given_up;
	enum hub_err err;
};

/* fn(err, arg) is called once on the loop, unless given up before; err is
 * registration_store's. */
struct registry_job *registry_job_new(enum registration_verb,
    struct str tenant, struct str id, struct str context, struct str document,
    int64_t epoch, struct loop *, registry_fn *, void *arg) HUB_MUST_CHECK;
/* work is the job's; fn may look at it. */
struct registry_job *registry_job_work_take(struct str tenant,
    registry_work_fn *, void *work, void (*work_free)(void *), struct loop *,
    registry_fn *, void *arg) HUB_MUST_CHECK;
/* The loop's thread only: nobody waits any more. A job not begun is not done;
 * one that is under way comes to its end. NULL is fine. */
void registry_job_give_up(struct registry_job *);
void registry_jobs_free(struct registry_job *);
/* Each job in order, on a connection that answers (NULL: HUB_EIO); what
 * became of it is in err. */
void registry_jobs_run(struct registry_job *, struct db *);
/* Ends the jobs once each worker has taken what was posted to it before. */
void registry_jobs_end(struct registry_job *, struct worker *, unsigned n);

/* The counters of the sources registered, by tenant, id and time of creation:
 * they outlive snapshots, as long as one has them. Helper thread only. */
struct source_uses {
	struct source_use *first;
};
/* A reference of the caller's. */
struct source_use *source_uses_get(struct source_uses *,
    const struct region_registration *) HUB_MUST_CHECK;
/* Drops those that no snapshot has; all of them. */
void source_uses_trim(struct source_uses *);
void source_uses_clear(struct source_uses *);

#endif
