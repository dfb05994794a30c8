/* tests/support/net_bench.h - what tests of the network share: a certificate of
 * this run and a socket to somebody on loopback. */
#ifndef HUB_TESTS_NET_BENCH_H
#define HUB_TESTS_NET_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/net/loop.h"
#include "server/net/tls.h"

#define BIG ((size_t)5 << 20)
#define GET(path, more) STR("GET " path " HTTP/1.1\r\nHost: h\r\n" more "\r\n")

extern char net_dir[], cert_file[64], key_file[64];
extern struct tls_server *tls_server;
extern struct tls_client *tls_client;

int net_setup(void **state);
int net_teardown(void **state);
/* A blocking socket whose reads take five seconds at most. */
int dial(uint16_t port);
int64_t ms_since(struct mono_us from);

#endif
