/* server/admin.h - the admin listener: /livez, /readyz, /version. */
#ifndef HUB_SERVER_ADMIN_H
#define HUB_SERVER_ADMIN_H

#include "server/control.h"

struct admin;
/* Listens on config.admin; HUB_OK and NULL when there is none. */
enum hub_err admin_new(struct loop *, const struct config *, struct control *,
    struct admin **, struct buf *why) HUB_MUST_CHECK;
void admin_free(struct admin *);

#endif
