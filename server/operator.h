/* server/operator.h - the control socket (hubd.conf, control): what hubctl
 * asks of a running hub.
 *
 * One line of a connection, "status", "reload", "drain" or "log-level WORD",
 * the last three also with " dry-run" behind, to hear what would happen; one
 * JSON object for an answer, then it is closed. {"ok":true,...}, or
 * {"error":"denied"|"usage"|"failed","detail":"..."}. Who asks must be root,
 * the hub's own user or in control-group, as the kernel says. Control thread
 * only. */
#ifndef HUB_SERVER_OPERATOR_H
#define HUB_SERVER_OPERATOR_H

#include "server/control.h"

struct operator;
struct operator_calls {
	/* false, and why in lines: the old configuration stays. On success
	 * *why may say what needs a restart. dry: nothing changes. */
	bool (*reload)(void *arg, bool dry, struct buf *why);
	/* false: the hub drains already. dry: nothing changes. *ms_r: how long
	 * it would take at most. */
	bool (*drain)(void *arg, bool dry, int *ms_r);
	void *arg;
};

/* Makes the socket while the process may still give it to the group; fd_r: -1
 * where the configuration has none. */
enum hub_err operator_listen(const struct config *, int *fd_r,
    struct buf *why) HUB_MUST_CHECK;
/* Takes fd over; NULL for -1. */
struct operator *operator_new(struct loop *, int fd, const struct config *,
    struct control *, const struct operator_calls *) HUB_MUST_CHECK;
void operator_free(struct operator *);

#endif
