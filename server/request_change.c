/* server/request_change.c - what a request changes in the database, on its way
 * through the helper thread of control.h and back. See request_priv.h. */
#include "server/control.h"
#include "server/registry.h"
#include "server/request_priv.h"

/* The database is given so long. */
#define CHANGE_MS 8000

bool
change_submit_take(struct request *rq, struct registry_job *job)
{
	if (!control_register(rq->worker->control, job)) {
		registry_jobs_free(job);
		return (false);
	}
	rq->registry = job;
	if (rq->registry_tries++ == 0)
		timer_set(&rq->registry_timer, CHANGE_MS);
	return (true);
}

bool
change_waits(struct request *rq)
{
	if (rq->registry == NULL || rq->registry_timer.armed)
		return (rq->registry != NULL);
	registry_job_give_up(rq->registry);
	rq->registry = NULL;
	rq->registry_err = HUB_ELATE;
	return (false);
}
