/* server/hubctl/german.h - messages in German: hubctl's own, and those of the
 * database that the treasury meets, which hubctl translates as it is told
 * them. */
#ifndef HUB_HUBCTL_GERMAN_H
#define HUB_HUBCTL_GERMAN_H

#include "server/base/buf.h"

/* The German of a whole message into out; false: it is not known, and out is
 * as it was. What varies in it (a month, a name) stays as it is. */
bool german_of(struct str english, struct buf *out) HUB_MUST_CHECK;

#endif
