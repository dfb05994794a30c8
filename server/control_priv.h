/* server/control_priv.h - what the files of control.h share: control.c (what is
 * in force, and whatever the control thread waits for), control_helper.c (the
 * thread that may block, and its jobs), control_read.c (what that reads of the
 * database) and control_state.c (how the hub is). */
#ifndef HUB_SERVER_CONTROL_PRIV_H
#define HUB_SERVER_CONTROL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "policies/crisis_store.h"
#include "server/base/log_limit.h"
#include "server/control.h"
#include "server/denials.h"
#include "server/registry.h"
#include "tenants/quota_store.h"

#define CONTROL_POLL_MS	    10000
#define CONTROL_ISSUERS_MAX 256

struct control {
	struct loop *loop;
	const struct config *_Atomic config; /* another after a reload */
	struct worker *workers;
	unsigned nworkers;
	struct spool *spool;
	struct loader *loader;
	char *folder; /* of hubd.conf; credentials are relative to it */

	struct jwks *jwks;
	struct oauth *oauth;
	/* In force, and what belongs to it. */
	struct snapshot *snapshot;
	struct keyring *keyring;
	struct source_tokens *source_tokens;
	struct db_listener *listener;
	struct timer poll, file_timer;
	struct denials denials;
	bool db_up, draining, reload_failed;
	struct metrics metrics;
	struct wall_us began;
	/* When the database last told its head, by the helper. */
	atomic_llong confirmed_us;
	atomic_bool unconfirmed; /* by the helper's last look */
	atomic_llong key_tried[CONTROL_ISSUERS_MAX]; /* mono us; 0: never */

	/* The helper thread that may block. */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool wanted, stopping, reload, left;
	struct db *db; /* the helper's; under the lock only to interrupt it */
	int64_t bundle; /* the last one that was read, good or bad */
	int64_t good;	/* the last good one; 0: none yet */
	int64_t epoch;	/* of the head that was read last */
	bool latest;	/* all that the database had then was read */
	int64_t tick_us; /* mono: when the next tick is due */
	int64_t registered; /* epoch of the registrations read last */
	int64_t signatures, signatures_read; /* how many; -1: no such table */
	struct source_uses uses;
	struct quota_book quotas;
	struct quota_node node; /* this hub among others, with its leases */
	char boot[UUID_STR_MAX];
	struct log_limit trouble; /* with other hubs, or their leases */
	struct quota_book changes; /* by kind; under the lock */
	struct crisis_state crises; /* as of the last look */
	int64_t crises_read; /* epoch of the events read last */
	struct registry_job *jobs; /* under the lock; the first first */
	unsigned njobs;
};

/* What the helper has found, for the control thread, which frees it. */
struct finding {
	struct control *control;
	bool db_up;
	struct snapshot *snapshot; /* NULL: nothing new, or refused */
	struct registry_job *jobs; /* done with it */
};
void control_on_finding(void *finding);

/* control_helper.c: the thread and its lock. It is told to leave, and has left
 * when stop is over; the lock may be needed until clear. */
void control_helper_start(struct control *);
void control_helper_stop(struct control *);
void control_helper_clear(struct control *);
/* To be interrupted at the end; NULL: it is about to be closed. */
void control_show_db(struct control *, struct db *);

/* control_read.c, for the helper thread alone. One look at the database, which
 * is opened if *db is NULL, and NULL again if it does not answer (false) or is
 * not believed. *snapshot_r is set if there is a new one. */
bool control_look(struct control *, struct db **db,
    struct snapshot **snapshot_r) HUB_MUST_CHECK;
/* A failure leaves this hub its last part, and is logged. */
enum hub_err control_renew_leases(struct control *, struct db *)
    HUB_MUST_CHECK;
/* The database has just said that there is nothing later than what was read. */
void control_confirm(struct control *);

#endif
