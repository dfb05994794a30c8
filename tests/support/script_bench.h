/* tests/support/script_bench.h - a broker that does what a script says, in a
 * thread of its own. */
#ifndef HUB_TESTS_SCRIPT_BENCH_H
#define HUB_TESTS_SCRIPT_BENCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/net_bench.h"

/* One line of a script: what the broker does on its n-th connection. */
struct act {
	enum { ACT_END, ACT_ACCEPT, ACT_READ, ACT_SEND, ACT_CLOSE, ACT_SLEEP,
		ACT_DRIP, ACT_BIG } what;
	const char *text;
	int ms;
};

struct broker {
	pthread_t thread;
	const struct act *script;
	bool tls;
	int listener;
	uint16_t port;
	atomic_int accepted, read;
};

extern struct broker broker;

/* The script ends with ACT_END and lives until the stop, which waits for it. */
void broker_start(const struct act *script, bool tls);
void broker_stop(void);

#endif
