/* server/crises.h - each provider whose agreement a crisis makes wider is told,
 * once (policy.md §4): a row, which GET /hub/v1/crises and the report show, and
 * a line in the log. Blocking: for the helper thread of control.h. */
#ifndef HUB_SERVER_CRISES_H
#define HUB_SERVER_CRISES_H

#include "policies/crisis_store.h"

/* Of n events of a region that comes into force. */
void crises_tell_providers(struct db *, const struct region *,
    const struct crisis_row *, unsigned n);

#endif
