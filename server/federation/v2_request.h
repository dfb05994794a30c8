/* server/federation/v2_request.h - what an NGSI-v2 source (telefonicaid/
 * fiware-orion) is asked; source_request.c calls this for such sources.
 *
 * Names are those of the source's context, ids as v2_id.h has them. The hub
 * evaluates geo and scopeQ itself, and of q all that narrow.h does not leave to
 * a source; it asks for the times of entities and
 * attributes as well, which v2 does not give unless they are named. */
#ifndef HUB_FEDERATION_V2_REQUEST_H
#define HUB_FEDERATION_V2_REQUEST_H

#include "server/federation/source.h"

/* Turns the ids of the ask, if it has any, into what the source may call
 * them: one or two for each. false: it can hold none of them, or no type. */
bool v2_take_ids(struct source_ask *, struct arena *) HUB_MUST_CHECK;
/* The form in which such a source answers best what form would ask: a retrieve
 * of what it may hold more than once (under several paths, types or ids) is a
 * query, where the dataset offers that; an id with a comma is not listed in a
 * URL. */
enum source_form v2_form(const struct source_ask *, enum source_form form);
/* Path and parameters behind the base. */
void v2_add_target(const struct source_ask *, struct arena *, struct buf *);
/* Fiware-Service and Fiware-ServicePath; each behind a CRLF. */
void v2_add_fields(const struct region_dataset *, struct buf *);
/* FORM_BATCH: the body of POST /v2/op/query. */
void v2_add_body(const struct source_ask *, struct arena *, struct buf *);
/* Does it hold an id once, as far as is asked: of one type, in one path? */
bool v2_holds_once(const struct source_ask *);
/* The scope of what the dataset holds: its path if it is one, and not all.
 * Else p is NULL. */
struct str v2_scope(const struct region_dataset *);

#endif
