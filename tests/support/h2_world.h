/* tests/support/h2_world.h - a server's side of HTTP/2 without TLS or threads:
 * a connection that is one end of a socket pair, and single turns of its loop.
 * For test_h2.c and fuzz_h2.c. */
#ifndef HUB_TESTS_H2_WORLD_H
#define HUB_TESTS_H2_WORLD_H

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/h2_priv.h"

struct h2_world {
	struct loop *loop;
	struct http_server *server;
	struct defer stop;
	int fd; /* the client's end, non-blocking; -1: closed */
	bool drained;
};

static void
world_open(struct h2_world *w, const struct http_limits *limits,
    http_handler_fn *fn, void *arg)
{
	uint16_t port;
	int fd;

	memset(w, 0, sizeof(*w));
	w->loop = loop_new();
	w->fd = -1;
	if (http_listen(STR("127.0.0.1:0"), &fd, &port) != HUB_OK)
		assert(!"listening");
	w->server = http_server_new(w->loop, fd, NULL, limits, fn, arg);
}

/* As accept and ALPN would have it. */
static struct conn *
world_connect(struct h2_world *w)
{
	union conn_peer peer = { .sa.sa_family = AF_UNIX };
	struct conn *c;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		fds) != 0)
		assert(!"socketpair");
	conn_new(w->server, fds[0], &peer, NULL);
	c = w->server->conns.prev;
	h2_begin(c);
	conn_run(c);
	w->fd = fds[1];
	return (c);
}

static void
on_world_stop(void *arg)
{
	struct h2_world *w = arg;

	loop_stop(w->loop);
}

/* What is ready now, and what that leads to at once. */
static void
world_turn(struct h2_world *w)
{
	defer_set(w->loop, &w->stop, on_world_stop, w);
	loop_run(w->loop);
}

static void
world_hang_up(struct h2_world *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}

static void
world_close(struct h2_world *w)
{
	world_hang_up(w);
	http_server_free(w->server);
	loop_free(w->loop);
}

#endif
