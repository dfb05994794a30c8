/* server/control.h - the control thread (the process's first): signals, the
 * bundle in force (LISTEN and poll), issuers' keys, the admin listener.
 *
 * Blocking work (PostgreSQL, parsing) is done by one helper thread. */
#ifndef HUB_SERVER_CONTROL_H
#define HUB_SERVER_CONTROL_H

#include "server/ledger/loader.h"
#include "server/metrics.h"
#include "server/worker.h"

struct control;
struct registry_job;

/* Borrows all; workers are started already. */
struct control *control_new(struct loop *, const struct config *,
    struct worker *, unsigned nworkers, struct spool *, struct loader *)
    HUB_MUST_CHECK;
void control_free(struct control *);

/* From any thread: an issuer's key set lacks a kid; fetch it if the last try
 * is over 30 s ago. Everybody waiting is woken by the next keyring. */
void control_want_keys(struct control *, const struct issuer *);
/* From any thread: is there no point in waiting (fetched within 30 s)? */
bool control_keys_fresh(struct control *, const struct issuer *);

/* From any thread: a source of the snapshot of that generation has answered
 * 401; another token is fetched, if the last try is over 10 s ago. */
void control_want_token(struct control *, uint64_t generation,
    const struct region_source *);

/* From a worker's thread: a change of a registration, done in turn; its end
 * comes when all workers have it in force. false: too many wait, or too many
 * of that tenant, and the job stays the caller's. */
bool control_register(struct control *, struct registry_job *) HUB_MUST_CHECK;

/* From any thread: may the tenant make another change of that kind in this
 * minute (limits.registration-changes, each kind for itself)? Else *wait_us_r
 * says when. */
bool control_may_change(struct control *, const struct tenant *,
    struct str kind, int64_t *wait_us_r) HUB_MUST_CHECK;

/* From any thread: is it too long ago that the database said that the policy
 * in force is the latest (policy.md §2)? */
bool control_is_stale(const struct control *);

/* Not ready from now on: the hub is about to end. */
void control_drain(struct control *);
/* Why the hub is (not) ready, a line each; true: ready. */
bool control_ready(struct control *, struct buf *);

/* What the control thread knows, for those who tell it: /readyz, /metrics and
 * hubctl status. Control thread only; texts live until the next turn. */
struct control_state {
	const struct snapshot *snapshot; /* NULL: no region is in force */
	int64_t bundle;			 /* 0: none */
	int64_t age_ms; /* since the database confirmed the policy */
	bool ready, draining, db_up, stale, degraded, reload_failed;
	bool unread_denials;
	unsigned bad_denials, keys_missing, tokens_missing, nworkers;
	uint64_t estimates; /* uses that wait for room */
	int64_t lag_us;	    /* age of the oldest record not loaded; 0: none */
	int64_t digest_us;  /* since the last digest; -1: nothing to sign */
	struct wall_us began;
	struct spool_stats spool;
	struct loader_stats loader;
};
void control_state(struct control *, struct control_state *);
const struct metrics *control_metrics(const struct control *);
/* As jwks_age. */
bool control_key_age(const struct control *, unsigned i, struct str *iss_r,
    int64_t *us_r) HUB_MUST_CHECK;
/* With this configuration, which must outlive it; NULL: a reload was refused. */
void control_reloaded(struct control *, const struct config *);
/* Control thread only: check the database for a new bundle now. */
void control_poke(struct control *);
/* The same, and read the region in force and the files that it names again. */
void control_reload(struct control *);

#endif
