/* server/systemd.c - the service manager; systemd.h says what it promises. */
#include "server/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/clock.h"

#define FIRST_FD 3

static uint64_t
number_of(const char *name, uint64_t max)
{
	uint64_t n;

	return (str_uint(str_of(getenv(name)), max, &n) == HUB_OK ? n : 0);
}

/* ---- what it hands over */

static bool
is_listening(int fd)
{
	int on = 0, type = 0;
	socklen_t len = sizeof(on);

	return (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 &&
	    on != 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_STREAM);
}

static bool
is_local(int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.sa, &len) != 0)
		return (false);
	switch (a.sa.sa_family) {
	case AF_UNIX:
		return (true);
	case AF_INET:
		return (ntohl(a.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET);
	case AF_INET6:
		return (IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr));
	default:
		return (false);
	}
}

static bool
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
}

static enum hub_err
take(struct systemd_sockets *s, int fd, struct str name, bool public_plain,
    bool admin_plain, struct buf *why)
{
	bool is_public = str_eq(name, STR("public"));

	if (!is_public && !str_eq(name, STR("admin"))) {
		buf_addf(why, "socket %d handed over has no name that is "
		    "known; allowed: public, admin\n", fd);
		return (HUB_ENOENT);
	}
	if (!is_listening(fd) || !prepare(fd) ||
	    (!is_public && s->admin >= 0)) {
		buf_addf(why, "socket %d handed over as \"%s\" is no listening "
		    "stream, or a second one\n", fd,
		    is_public ? "public" : "admin");
		return (HUB_EIO);
	}
	if ((is_public ? public_plain : admin_plain) && !is_local(fd)) {
		buf_addf(why, "socket %d handed over as \"%s\": without a "
		    "certificate allowed on loopback and unix sockets only\n",
		    fd, is_public ? "public" : "admin");
		return (HUB_EDENIED);
	}
	if (is_public)
		s->public_[s->npublic++] = fd;
	else
		s->admin = fd;
	return (HUB_OK);
}

/* How many are for this process: variables of a parent that forgot to clear
 * them are not. More than the hub has room for would stay open behind its
 * back, with clients waiting there for nobody. */
static enum hub_err
count_sockets(unsigned *n_r, struct buf *why)
{
	const char *text = getenv("LISTEN_FDS");
	uint64_t n = 0;

	*n_r = 0;
	if (text == NULL ||
	    number_of("LISTEN_PID", INT32_MAX) != (uint64_t)getpid())
		return (HUB_OK);
	if (str_uint(str_of(text), SYSTEMD_SOCKETS_MAX, &n) != HUB_OK) {
		buf_addf(why, "LISTEN_FDS: the number of sockets handed over "
		    "is not one from 0 to %d\n", SYSTEMD_SOCKETS_MAX);
		return (HUB_ERANGE);
	}
	*n_r = (unsigned)n;
	return (HUB_OK);
}

enum hub_err
systemd_sockets(struct systemd_sockets *s, bool public_plain, bool admin_plain,
    struct buf *why)
{
	struct str names = str_of(getenv("LISTEN_FDNAMES")), name;
	unsigned n;
	enum hub_err err = count_sockets(&n, why);

	*s = (struct systemd_sockets){ .admin = -1 };
	for (unsigned i = 0; i < n && err == HUB_OK; i++) {
		if (names.p == NULL || !str_cut(&names, ':', &name))
			name = STR_NONE;
		err = take(s, FIRST_FD + (int)i, name, public_plain, admin_plain,
		    why);
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return (err);
}

/* ---- what it wants to hear */

void
systemd_tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
	    (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)close(fd);
}

void
systemd_reloading(void)
{
	struct buf b;

	buf_init(&b, 128);
	buf_addf(&b, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_mono().us);
	systemd_tell(buf_cstr(&b));
	buf_clear(&b);
}

int
systemd_watchdog_ms(void)
{
	uint64_t us = number_of("WATCHDOG_USEC", INT64_C(86400000000));
	const char *pid = getenv("WATCHDOG_PID");

	if (pid != NULL &&
	    number_of("WATCHDOG_PID", INT32_MAX) != (uint64_t)getpid())
		return (0);
	return ((int)(us / 1000));
}
