/* server/control_helper.c - the helper thread: what is given it to do, and what
 * it does between. See control_priv.h. */
#include <stdlib.h>

#include "server/base/log.h"
#include "server/control_priv.h"

#define TICK_US INT64_C(1000000) /* between beats */
#define LEAVE_S 2 /* a database that hangs is given so long at the end */

/* ---- what it does */

static void
report(struct control *c, bool db_up, struct snapshot *s,
    struct registry_job *jobs)
{
	struct finding *f = xcalloc(1, sizeof(*f));

	*f = (struct finding){ c, db_up, s, jobs };
	atomic_store(&c->unconfirmed, !db_up || !c->latest);
	loop_post(c->loop, control_on_finding, f);
}

/* With the database hung, an end would wait for it as long as it likes. */
void
control_show_db(struct control *c, struct db *db)
{
	(void)pthread_mutex_lock(&c->lock);
	c->db = db;
	if (db != NULL && c->stopping)
		db_interrupt(db);
	(void)pthread_mutex_unlock(&c->lock);
}

/* A connection may have died since it was used last: it is tried first, and a
 * new one then. What the jobs have changed is looked at before they end. */
static void
work(struct control *c, struct db **db, struct registry_job *jobs)
{
	struct snapshot *s = NULL, *newer = NULL;
	bool up = control_look(c, db, &s);

	if (!up && jobs != NULL)
		up = control_look(c, db, &s);
	if (jobs != NULL) {
		registry_jobs_run(jobs, *db);
		if (up)
			up = control_look(c, db, &newer);
	}
	if (newer != NULL) {
		snapshot_unref(&s);
		s = newer;
	}
	report(c, up, s, jobs);
}

/* Once a second, whatever else there is to do: leases of quotas, and whether
 * anything of the policy has moved. */
static void
tick(struct control *c, struct db **db)
{
	int64_t epoch = c->epoch;
	enum hub_err err = HUB_OK;

	c->tick_us = clock_mono().us + TICK_US;
	if (*db != NULL) {
		err = quota_node_beat(&c->node, *db, &epoch);
		if (err == HUB_OK || err == HUB_EEXIST)
			err = control_renew_leases(c, *db);
		if (err == HUB_OK && epoch == c->epoch && c->latest)
			control_confirm(c);
	}
	if (err != HUB_OK && err != HUB_ENOTSUP)
		work(c, db, NULL); /* it finds out, and connects again */
	else if (epoch != c->epoch)
		work(c, db, NULL);
}

/* The lock is held. Until there is something to do, or a tick is due. */
static void
await(struct control *c)
{
	const struct timespec until = { c->tick_us / 1000000,
		c->tick_us % 1000000 * 1000 };

	while (!c->wanted && !c->stopping && c->jobs == NULL &&
	    pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
		continue;
}

/* What it has of quotas goes to the others at once. */
static void
leave(struct control *c, struct db *db)
{
	if (db != NULL &&
	    quota_node_leave(&c->node, &c->quotas, db) != HUB_OK)
		log_warn("leases of quotas not given back", NULL);
	(void)pthread_mutex_lock(&c->lock);
	c->left = true;
	(void)pthread_cond_broadcast(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

static void *
helper_main(void *arg)
{
	struct control *c = arg;
	struct registry_job *jobs;
	struct db *db = NULL;
	bool stopping, wanted, reload;

	for (;;) {
		(void)pthread_mutex_lock(&c->lock);
		await(c);
		wanted = c->wanted;
		reload = c->reload;
		c->wanted = c->reload = false;
		jobs = c->jobs;
		c->jobs = NULL;
		c->njobs = 0;
		stopping = c->stopping;
		(void)pthread_mutex_unlock(&c->lock);
		if (stopping)
			break;
		if (reload) /* files that the region names may be new */
			c->bundle = 0;
		if (wanted || jobs != NULL)
			work(c, &db, jobs);
		if (clock_mono().us >= c->tick_us)
			tick(c, &db);
	}
	leave(c, db);
	registry_jobs_free(jobs);
	control_show_db(c, NULL);
	db_close(db);
	return (NULL);
}

/* ---- its life */

void
control_helper_start(struct control *c)
{
	pthread_condattr_t monotonic;

	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->wake, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	if (pthread_create(&c->thread, NULL, helper_main, c) != 0)
		assert(!"no thread");
}

void
control_helper_stop(struct control *c)
{
	struct timespec until;

	(void)pthread_mutex_lock(&c->lock);
	c->stopping = true;
	(void)pthread_cond_broadcast(&c->wake);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LEAVE_S;
	while (!c->left &&
	    pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
		continue;
	if (c->db != NULL)
		db_interrupt(c->db);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);
}

void
control_helper_clear(struct control *c)
{
	(void)pthread_mutex_destroy(&c->lock);
	(void)pthread_cond_destroy(&c->wake);
}

/* ---- what it is asked to do */

bool
control_register(struct control *c, struct registry_job *job)
{
	struct registry_job **end;
	unsigned mine = 0;
	bool room;

	(void)pthread_mutex_lock(&c->lock);
	for (end = &c->jobs; *end != NULL; end = &(*end)->next)
		mine += strcmp((*end)->change.tenant, job->change.tenant) == 0;
	room = c->njobs < REGISTRY_JOBS_MAX &&
	    mine < REGISTRY_JOBS_PER_TENANT && !c->stopping;
	if (room) {
		*end = job;
		c->njobs++;
		(void)pthread_cond_signal(&c->wake);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return (room);
}

bool
control_may_change(struct control *c, const struct tenant *t,
    struct str kind, int64_t *wait_us_r)
{
	const unsigned n = c->config->registration_changes;
	const struct quota_rate rate = { n, 60, n,
		(INT64_C(60000000000) + n - 1) / n, 0, false };
	struct quota_state state;
	struct quota *q;
	bool may;

	(void)pthread_mutex_lock(&c->lock);
	q = quota_book_get(&c->changes, t->name, kind, STR_NONE, &rate);
	may = quota_take(q, clock_mono(), &state);
	quota_unref(&q);
	(void)pthread_mutex_unlock(&c->lock);
	*wait_us_r = state.next_us;
	return (may);
}

void
control_reload(struct control *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->reload = true;
	(void)pthread_mutex_unlock(&c->lock);
	control_poke(c);
}

void
control_poke(struct control *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->wanted = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}
