/* policies/crisis_store.h - crisis events in PostgreSQL. Blocking: for threads
 * that may wait. The rules of who may do what when are the database's. */
#ifndef HUB_POLICIES_CRISIS_STORE_H
#define HUB_POLICIES_CRISIS_STORE_H

#include "policies/crisis.h"
#include "sql/db.h"

/* As the database has them now. */
struct crisis_state {
	int64_t epoch;	 /* rises with each change; -1: the schema has none */
	int64_t overdue; /* events whose report is missing */
};

enum hub_err crisis_state_get(struct db *, struct crisis_state *)
    HUB_MUST_CHECK;
/* Those that are not over yet, in order of id; copied to the arena.
 * HUB_ERANGE: more than there can be. */
enum hub_err crisis_load(struct db *, struct arena *, struct crisis_row **,
    unsigned *n_r) HUB_MUST_CHECK;

struct crisis_declaration {
	const char *kind, *authority, *area, *reason, *by;
	int64_t length_us, report_us;
};
/* HUB_EDENIED: db_why says which rule forbids it. HUB_EFULL: so many of the
 * authority are not over that hubs would read none. NOTIFY comes from the
 * database. */
enum hub_err crisis_declare(struct db *, const struct crisis_declaration *,
    int64_t *id_r) HUB_MUST_CHECK;
/* step: confirm, end or report. HUB_EEXIST: done already. */
enum hub_err crisis_step(struct db *, int64_t id, const char *step,
    const char *by, const char *note) HUB_MUST_CHECK;

/* Notes that the provider is told of what the event makes wider. *new_r: nobody
 * had noted it before. */
enum hub_err crisis_note(struct db *, int64_t event,
    const struct region_agreement *, struct str widens, bool *new_r)
    HUB_MUST_CHECK;
/* A step by somebody of the authority itself. HUB_ENOENT: it has no such
 * event. */
enum hub_err crisis_step_of(struct db *, const char *authority, int64_t id,
    const char *step, const char *by) HUB_MUST_CHECK;
/* What a tenant may know of events: those of its own, and those that touch its
 * agreements; JSON, the latest first. */
enum hub_err crisis_list_json(struct db *, const char *tenant, struct buf *)
    HUB_MUST_CHECK;

#endif
