/* server/health.h - how the hub is, in sentences for people: /readyz?verbose.
 * Control thread only. */
#ifndef HUB_SERVER_HEALTH_H
#define HUB_SERVER_HEALTH_H

#include "server/control.h"

/* A line each; "!" before what somebody should look at. Returns as
 * control_ready: sources that fail and a database that is away are told, and
 * the hub is ready all the same. */
bool health_tell(struct control *, bool german, struct buf *);

#endif
