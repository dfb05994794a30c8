/* server/request_hub.h - what the hub tells of itself below /hub/v1: one table
 * of resources, as request.c has one for /ngsi-ld/v1.
 *
 * A row names its step, which runs after admit; the token's tenant is known
 * then, and that it has one of the roles. What a step tells is about that
 * tenant alone: a role comes from the tenant's own issuer, so none of them
 * opens what is another's. */
#ifndef HUB_SERVER_REQUEST_HUB_H
#define HUB_SERVER_REQUEST_HUB_H

#include "server/request_priv.h"

struct hub_route {
	struct resource resource; /* access is ACCESS_ROLES */
	unsigned roles; /* ROLE_...: one of them; 0: nobody may */
	bool html; /* also as text/html */
	bool csv; /* also as text/csv, by Accept or ?format=csv */
};

/* NULL: there is nothing at this path. */
const struct hub_route *hub_route_find(const struct http_uri *);
/* The path of the target below a base of two segments. */
bool resource_fits(const char *path, const struct http_uri *);

/* Sends rq->body with 200 as that media type. */
enum step_next hub_answer(struct request *, const char *type);
/* Reads ?format=json|csv|html into rq->csv and rq->html; every other parameter is one that this
 * resource does not have. NULL, or what is wrong. */
const char *hub_format(struct request *);

extern const struct step STEP_HUB_REPORTS, STEP_HUB_REPORTED,
    STEP_HUB_COMPARISON;
/* A tenant keeps a digest (request_digests.c). */
extern const struct step STEP_HUB_RECEIPT, STEP_HUB_RECEIVED;
extern const struct step STEP_HUB_EXPLAIN, STEP_HUB_EXPLAINED;
extern const struct step STEP_HUB_CRISES, STEP_HUB_CRISIS_DONE;
/* Open: where the web page sends people to log in (request_web.c). */
extern const struct step STEP_HUB_LOGIN;
/* Outlines for the page's map (request_areas.c). */
extern const struct step STEP_HUB_AREAS;
extern const struct step STEP_HUB_ME, STEP_HUB_AGREEMENTS, STEP_HUB_CATALOGUE;

#endif
