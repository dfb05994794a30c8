/* server/control.h - the control thread (the process's first): signals, the
 * bundle in force (LISTEN and poll), issuers' keys, the admin listener.
 *
 * Blocking work (PostgreSQL, parsing) is done by one helper thread. */
#ifndef HUB_SERVER_CONTROL_H
#define HUB_SERVER_CONTROL_H

#include "server/ledger/loader.h"
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
 * comes when all workers have it in force. false: too many wait, and the job
 * stays the caller's. */
bool control_register(struct control *, struct registry_job *) HUB_MUST_CHECK;

/* Not ready from now on: the hub is about to end. */
void control_drain(struct control *);
/* Why the hub is (not) ready, a line each; true: ready. */
bool control_ready(struct control *, struct buf *);
/* Control thread only: check the database for a new bundle now. */
void control_poke(struct control *);

#endif
