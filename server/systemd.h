/* server/systemd.h - what a service manager hands over and wants to hear
 * (sd_listen_fds(3), sd_notify(3)), without its library. */
#ifndef HUB_SERVER_SYSTEMD_H
#define HUB_SERVER_SYSTEMD_H

#include "server/base/buf.h"

#define SYSTEMD_SOCKETS_MAX 256

/* Listening sockets that stay with the manager over a restart: whoever connects
 * meanwhile waits in their queue. */
struct systemd_sockets {
	unsigned npublic;
	int public_[SYSTEMD_SOCKETS_MAX];
	int admin; /* -1: none */
};
/* Takes them over, by the names "public" and "admin"; none is fine. Each must
 * listen on a stream; HUB_EDENIED: a socket that is not local to this machine,
 * for a listener without a certificate; HUB_ERANGE: more than there is room for.
 * The environment is cleared of them. */
enum hub_err systemd_sockets(struct systemd_sockets *, bool public_plain,
    bool admin_plain, struct buf *why) HUB_MUST_CHECK;

/* "READY=1"; nobody may be there to hear it. */
void systemd_tell(const char *state);
/* RELOADING=1, with the moment it began; READY=1 ends it. */
void systemd_reloading(void);
/* Within how many ms it wants to hear WATCHDOG=1; 0: never. */
int systemd_watchdog_ms(void);

#endif
