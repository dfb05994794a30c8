/* server/persons.h - how many people use the hub: what the usage record calls
 * a person, so that a person of a month can be counted once (ledger.md §3).
 *
 * Eight bytes of an HMAC of issuer and subject under a key of the German month,
 * which is in a file "person-key-2026-11" and deleted when its month is over:
 * then nobody can tell who it was, or that it is one of another month. */
#ifndef HUB_SERVER_PERSONS_H
#define HUB_SERVER_PERSONS_H

#include "tenants/token.h"

struct persons;

/* folder: of the keys, borrowed. Deletes those of months that are over. */
struct persons *persons_open(const char *folder, struct wall_us now)
    HUB_MUST_CHECK;
void persons_free(struct persons *); /* NULL is fine */
/* Every few seconds, from the thread that opened it: the keys of another month;
 * once more, if one could not be read. */
void persons_turn(struct persons *, struct wall_us now);

/* From any thread: sets id->person, which is good until id->person_until. None
 * (0) is a program, and all are as long as there is no key. */
void persons_name(struct persons *, struct wall_us now, struct identity *id);

/* Where persons are not counted: no key is left of a time when they were. */
void persons_forget(const char *folder);

#endif
