/* tests/support/broker_priv.h - what the files of the fake broker share. */
#ifndef HUB_TESTS_SUPPORT_BROKER_PRIV_H
#define HUB_TESTS_SUPPORT_BROKER_PRIV_H

#include "server/net/loop.h"
#include "tests/support/hubtool.h"

enum fault {
	FAULT_NONE,
	FAULT_HANG,
	FAULT_DRIP,
	FAULT_DELAY,
	FAULT_STATUS,
	FAULT_GARBAGE,
	FAULT_HTML,
	FAULT_TRUNCATE,
	FAULT_OVERSIZE,
	FAULT_RESET,
	FAULT_DUPLICATE,
	FAULT_STALE
};

#define BROKER_LOG_MAX ((size_t)16 << 20)

struct broker {
	struct loop *loop;
	struct watch accept;
	int fd;
	struct broker_data *data;
	const char *name;
	enum fault fault;
	unsigned number; /* of delay and status */
	struct buf log;
	struct conn *conns;
};

/* Takes one connection off the listening socket; a loop_io_fn. */
void broker_accept(int lfd, int what, void *broker);
/* Closes all connections. */
void broker_close(struct broker *);
/* One line as PUT /_fault has it; false: no such fault. */
bool broker_set_fault(struct broker *, struct str line);

#endif
