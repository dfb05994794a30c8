/* tests/support/hub_bench.h - an HTTP server in a thread of its own, and blocking
 * clients of it. */
#ifndef HUB_TESTS_HUB_BENCH_H
#define HUB_TESTS_HUB_BENCH_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/net/http_conn.h"
#include "tests/support/net_bench.h"

struct hub {
	struct loop *loop;
	struct http_server *server;
	pthread_t thread;
	uint16_t port;
	struct http_limits limits;
	struct http_exchange *held;
	struct timer answer_later;
	atomic_int requests, aborts, drained;
	atomic_uint connections;
};

struct peer {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	struct buf got;
};

extern struct hub hub;

int hub_setup(void **state); /* the limits that a test may change */
void hub_start(struct tls_server *tls);
void hub_stop(void);
void do_drain(void *arg); /* to be posted to the loop */
unsigned hub_connections(void);

struct peer peer_open(bool tls, int max_version);
void peer_close(struct peer *p);
void peer_send(struct peer *p, struct str s);
/* false at the end; a silence of 5 s is a failed test. */
bool peer_recv(struct peer *p, size_t max);
size_t times_in(const struct buf *b, const char *what);
void peer_expect(struct peer *p, const char *what);
void peer_expect_end(struct peer *p);

#endif
