/* server/ledger/loader_watch.c - what the loader asks the database beside its
 * batches: that it is the only one of its node, what time it is there, whether
 * something is wrong in the ledger, and when its end was signed last. */
#include <inttypes.h>

#include "server/base/log.h"
#include "server/ledger/loader_priv.h"
#include "server/ledger/spool_priv.h"
#include "sql/db.h"

#define LOOK_US	     INT64_C(600000000)
#define LOOK_ODD_US  INT64_C(5000000) /* while the clock is in doubt */

/* Two spools of one node would take each other's positions. Held as long as
 * the session lives. */
enum hub_err
loader_node_take(struct loader *l)
{
	const uint64_t in[] = { spool_node(l->spool) };
	uint64_t taken = 0;
	enum hub_err err;

	err = loader_numbers(l->db,
	    "SELECT pg_try_advisory_lock(hashtextextended('ledger.node', "
	    "$1::bigint))::int", 1, in, NULL, 1, &taken);
	if (err != HUB_OK || taken == 1)
		return (err);
	log_err("another loader is at work for this node: each hub needs its "
		"own spool.node", "node=%u", (unsigned)spool_node(l->spool));
	return (HUB_ECONFLICT);
}

static enum hub_err
clock_compare(struct loader *l)
{
	uint64_t us = 0;
	enum hub_err err;

	err = loader_numbers(l->db,
	    "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
	    0, NULL, NULL, 1, &us);
	if (err == HUB_OK)
		spool_clock_told(l->spool, (struct wall_us){ (int64_t)us });
	return (err);
}

/* Each alarm is said again when it grew. */
static enum hub_err
alarms_read(struct loader *l)
{
	uint64_t sums[3] = { 0 };
	enum hub_err err;

	err = loader_numbers(l->db,
	    "SELECT coalesce(sum(records) FILTER (WHERE kind = 'missing'), 0),"
	    " coalesce(sum(records) FILTER (WHERE kind = 'conflict'), 0),"
	    " coalesce(sum(records) FILTER (WHERE kind = 'outside'), 0) "
	    "FROM report.capture_alarm", 0, NULL, NULL, 3, sums);
	if (err != HUB_OK)
		return (err);
	if (sums[0] > l->alarms[0])
		log_err("usage records are missing, their months cannot be "
			"closed", "records=%" PRIu64, sums[0]);
	if (sums[1] > l->alarms[1])
		log_err("usage events contradict loaded ones",
		    "events=%" PRIu64, sums[1]);
	if (sums[2] > l->alarms[2])
		log_err("usage events lie outside all partitions",
		    "events=%" PRIu64, sums[2]);
	memcpy(l->alarms, sums, sizeof(sums));
	return (HUB_OK);
}

/* A schema of before digests were told knows nothing of it. */
static enum hub_err
digest_read(struct loader *l)
{
	struct wall_us at = WALL_ABSENT;
	bool there = false;
	uint64_t out[2] = { 0 }; /* us, signed */
	enum hub_err err = db_has(l->db, "ledger.digest_ack", &there);

	if (err == HUB_OK && there)
		err = loader_numbers(l->db, "SELECT us, signed FROM "
		    "ledger.digest_last()", 0, NULL, NULL, 2, out);
	if (err != HUB_OK)
		return (err);
	if (out[0] != 0)
		at.us = (int64_t)out[0];
	(void)pthread_mutex_lock(&l->lock);
	l->stats.digest = at;
	l->stats.digest_signed = out[1] != 0;
	(void)pthread_mutex_unlock(&l->lock);
	return (HUB_OK);
}

enum hub_err
loader_look(struct loader *l)
{
	int64_t now = clock_mono().us;
	enum hub_err err;

	if (l->looked_at != 0 && now - l->looked_at <
		(spool_clock_odd(l->spool) ? LOOK_ODD_US : LOOK_US))
		return (HUB_OK);
	err = clock_compare(l);
	if (err == HUB_OK)
		err = alarms_read(l);
	if (err == HUB_OK)
		err = digest_read(l);
	if (err == HUB_OK)
		l->looked_at = now;
	return (err);
}
