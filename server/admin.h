/* server/admin.h - the admin listener: /livez, /readyz[?verbose],
 * /metrics, /version. */
#ifndef HUB_SERVER_ADMIN_H
#define HUB_SERVER_ADMIN_H

#include "server/control.h"

struct admin;
/* Listens on fd, else (-1) on config.admin; HUB_OK and NULL when there is none.
 * tls is borrowed, NULL: plain. */
enum hub_err admin_new(struct loop *, const struct config *, struct control *,
    int fd, struct tls_server *tls, struct admin **, struct buf *why) HUB_MUST_CHECK;
/* For connections from now on. */
void admin_set_tls(struct admin *, struct tls_server *);
void admin_free(struct admin *);

#endif
