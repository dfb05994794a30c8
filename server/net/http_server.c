/* http_server.c - listeners and the set of their connections; http_conn.h
 * says what they promise. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/net/h2.h"

#define ACCEPT_BATCH  64
#define PAUSE_MS      100 /* when descriptors have run out */
#define EXCHANGES_MAX 256 /* kept for reuse */
#define BACKLOG	      4096

static void on_accept(int, int, void *);
static bool server_accept(struct http_server *);
static void on_pause(void *);
static void on_drained(void *);

struct http_server *
http_server_new(struct loop *l, int fd, struct tls_server *tls,
    const struct http_limits *limits, http_handler_fn *fn, void *arg)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->tls = tls;
	http_server_set_limits(s, limits);
	s->fn = fn;
	s->arg = arg;
	s->fd = fd;
	s->date_s = -1;
	s->conns.prev = s->conns.next = &s->conns;
	s->dead.prev = s->dead.next = &s->dead;
	timer_init(&s->pause, l, on_pause, s);
	watch_init(&s->watch, l, fd, on_accept, s);
	watch_set(&s->watch, LOOP_READ);
	return (s);
}

static void
server_stop_listening(struct http_server *s)
{
	watch_clear(&s->watch);
	timer_clear(&s->pause);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

void
http_server_drain(struct http_server *s, loop_fn *fn, void *arg)
{
	struct conn *c, *next;

	/* Who connected in time may have asked already: closing the listener
	 * would reset them. */
	for (int i = 0; i < BACKLOG && s->fd >= 0 && !s->shared &&
	     server_accept(s); i++)
		continue;
	server_stop_listening(s);
	s->drained = fn;
	s->drained_arg = arg;
	for (c = s->conns.next; c != &s->conns; c = next) {
		next = c->next;
		if (c->h2 != NULL)
			h2_leave(c);
		else if (conn_is_idle(c))
			conn_leave(c);
	}
	if (s->nconns == 0)
		defer_set(s->loop, &s->drained_defer, on_drained, s);
}

static void
on_drained(void *arg)
{
	struct http_server *s = arg;
	loop_fn *fn = s->drained;

	s->drained = NULL;
	if (fn != NULL)
		fn(s->drained_arg);
}

void
http_server_free(struct http_server *s)
{
	struct http_exchange *ex;
	struct conn *c;

	if (s == NULL)
		return;
	s->drained = NULL;
	server_stop_listening(s);
	while ((c = s->conns.next) != &s->conns)
		conn_close(c);
	while ((c = s->dead.next) != &s->dead) {
		s->dead.next = c->next;
		c->next->prev = &s->dead;
		c->prev = c->next = c;
		c->server = NULL;
		if (c->running) /* we were called by its handler */
			continue;
		defer_clear(s->loop, &c->defer);
		free(c);
	}
	defer_clear(s->loop, &s->drained_defer);
	while ((ex = s->spare) != NULL) {
		s->spare = ex->next;
		free(ex);
	}
	free(s);
}

void
http_server_hold(struct http_server *s)
{
	s->shared = true;
	watch_set(&s->watch, 0);
}

void
http_server_go(struct http_server *s)
{
	if (s->fd >= 0)
		watch_set(&s->watch, LOOP_READ);
}

void
http_server_set_tls(struct http_server *s, struct tls_server *tls)
{
	s->tls = tls;
}

void
http_server_set_limits(struct http_server *s, const struct http_limits *limits)
{
	s->limits = *limits;
	if (s->limits.header > HTTP_HEAD_MAX)
		s->limits.header = HTTP_HEAD_MAX;
}

void
http_server_set_crowd(struct http_server *s, struct crowd *crowd)
{
	s->crowd = crowd;
}

void
http_server_on_refusal(struct http_server *s, http_refused_fn *fn)
{
	s->refused = fn;
}

unsigned
http_server_connections(const struct http_server *s)
{
	return (s->nconns);
}

void
server_bury(struct http_server *s, struct conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
	c->prev = &s->dead;
	c->next = s->dead.next;
	c->next->prev = c;
	s->dead.next = c;
	s->nconns--;
	if (s->nconns == 0 && s->drained != NULL)
		defer_set(s->loop, &s->drained_defer, on_drained, s);
}

/* ---- accepting ---- */

static void
on_pause(void *arg)
{
	struct http_server *s = arg;

	watch_set(&s->watch, LOOP_READ);
}

static void
server_accept_failed(struct http_server *s)
{
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		/* The listener stays readable: without a pause we would spin
		 * until some connection ends. */
		log_warn("cannot accept connections for a while", "errno=%d",
		    errno);
		watch_set(&s->watch, 0);
		timer_set(&s->pause, PAUSE_MS);
		break;
	default:
		break; /* that one is gone, or there is none */
	}
}

/* What the connections of one client have in common; empty: nothing. */
static struct str
client_of(const union conn_peer *peer, char text[9])
{
	const struct in6_addr *a = &peer->in6.sin6_addr;

	switch (peer->sa.sa_family) {
	case AF_INET:
		text[0] = '4';
		memcpy(text + 1, &peer->in.sin_addr, 4);
		return ((struct str){ text, 5 });
	case AF_INET6:
		text[0] = IN6_IS_ADDR_V4MAPPED(a) ? '4' : '6';
		if (text[0] == '4')
			memcpy(text + 1, a->s6_addr + 12, 4);
		else
			memcpy(text + 1, a->s6_addr, 8);
		return ((struct str){ text, text[0] == '4' ? 5 : 9 });
	default:
		return (STR_NONE);
	}
}

/* false: its client has as many as it may have. */
static bool
take_seat(struct http_server *s, const union conn_peer *peer,
    struct crowd_seat **seat_r)
{
	char text[9];
	struct str who = client_of(peer, text);

	*seat_r = NULL;
	if (s->crowd == NULL || s->limits.per_address == 0 || who.len == 0)
		return (true);
	*seat_r = crowd_enter(s->crowd, who, s->limits.per_address);
	return (*seat_r != NULL);
}

static bool
server_accept(struct http_server *s)
{
	struct crowd_seat *seat;
	union conn_peer peer;
	socklen_t len = sizeof(peer);
	int client;

	memset(&peer, 0, sizeof(peer));
	client = accept4(
	    s->fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (client < 0) {
		server_accept_failed(s);
		return (false);
	}
	if (s->nconns >= s->limits.connections ||
	    !take_seat(s, &peer, &seat))
		(void)close(client);
	else
		conn_new(s, client, &peer, seat);
	return (true);
}

static void
on_accept(int fd HUB_UNUSED, int what HUB_UNUSED, void *arg)
{
	for (int i = 0; i < ACCEPT_BATCH; i++)
		if (!server_accept(arg))
			return;
}

/* ---- listening ---- */

struct listen_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
	socklen_t len;
};

static enum hub_err
parse_unix(struct str path, struct listen_address *a)
{
	if (path.len == 0 || path.p[0] != '/' ||
	    memchr(path.p, '\0', path.len) != NULL)
		return (HUB_ESYNTAX);
	if (path.len >= sizeof(a->u.un.sun_path))
		return (HUB_ERANGE);
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path.p, path.len);
	a->len = sizeof(a->u.un);
	return (HUB_OK);
}

static enum hub_err
parse_inet(struct str text, struct listen_address *a)
{
	char host[INET6_ADDRSTRLEN];
	bool brackets = str_prefix(text, STR("["));
	enum hub_err err;
	uint64_t port;
	size_t colon;

	for (colon = text.len; colon > 0; colon--)
		if (text.p[colon - 1] == ':')
			break;
	if (colon < 2)
		return (HUB_ESYNTAX);
	err = str_uint(str_from(text, colon), UINT16_MAX, &port);
	if (err != HUB_OK)
		return (err);
	text.len = colon - 1;
	if (brackets) {
		if (text.len < 3 || text.p[text.len - 1] != ']')
			return (HUB_ESYNTAX);
		text = (struct str){ text.p + 1, text.len - 2 };
	}
	if (text.len >= sizeof(host))
		return (HUB_ESYNTAX);
	memcpy(host, text.p, text.len);
	host[text.len] = '\0';
	if (brackets) {
		a->u.in6.sin6_family = AF_INET6;
		a->u.in6.sin6_port = htons((uint16_t)port);
		a->len = sizeof(a->u.in6);
		return (inet_pton(AF_INET6, host, &a->u.in6.sin6_addr) == 1 ?
			HUB_OK : HUB_ESYNTAX);
	}
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_port = htons((uint16_t)port);
	a->len = sizeof(a->u.in);
	return (inet_pton(AF_INET, host, &a->u.in.sin_addr) == 1 ?
		HUB_OK : HUB_ESYNTAX);
}

/* A socket file that nobody listens on is left over from a crash. */
static bool
unix_is_left_over(const struct listen_address *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool left_over;

	if (fd < 0)
		return (false);
	left_over = connect(fd, &a->u.sa, a->len) != 0 && errno == ECONNREFUSED;
	(void)close(fd);
	return (left_over);
}

static bool
listen_bind(int fd, const struct listen_address *a)
{
	const int on = 1;

	if (a->u.sa.sa_family != AF_UNIX) {
		if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
			sizeof(on)) != 0 ||
		    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on,
			sizeof(on)) != 0 ||
		    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
			sizeof(on)) != 0)
			return (false);
		return (bind(fd, &a->u.sa, a->len) == 0);
	}
	if (bind(fd, &a->u.sa, a->len) == 0)
		return (true);
	return (errno == EADDRINUSE && unix_is_left_over(a) &&
	    unlink(a->u.un.sun_path) == 0 && bind(fd, &a->u.sa, a->len) == 0);
}

uint16_t
http_listen_port(int fd)
{
	struct listen_address a;
	socklen_t len = sizeof(a.u);

	memset(&a, 0, sizeof(a));
	if (getsockname(fd, &a.u.sa, &len) != 0)
		return (0);
	if (a.u.sa.sa_family == AF_INET)
		return (ntohs(a.u.in.sin_port));
	return (a.u.sa.sa_family == AF_INET6 ? ntohs(a.u.in6.sin6_port) : 0);
}

enum hub_err
http_listen(struct str address, int *fd_r, uint16_t *port_r)
{
	struct listen_address a;
	enum hub_err err;
	int fd;

	memset(&a, 0, sizeof(a));
	err = str_prefix(address, STR("unix:")) ?
	    parse_unix(str_from(address, 5), &a) : parse_inet(address, &a);
	if (err != HUB_OK)
		return (err);
	fd = socket(a.u.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (HUB_EIO);
	if (!listen_bind(fd, &a) || listen(fd, BACKLOG) != 0) {
		err = errno == EACCES ? HUB_EDENIED : HUB_EIO;
		(void)close(fd);
		return (err);
	}
	*fd_r = fd;
	*port_r = http_listen_port(fd);
	return (HUB_OK);
}

/* ---- what connections borrow ---- */

struct http_exchange *
server_exchange(struct http_server *s)
{
	struct http_exchange *ex = s->spare;

	if (ex == NULL)
		return (xcalloc(1, sizeof(*ex)));
	s->spare = ex->next;
	s->nspare--;
	return (ex);
}

void
server_exchange_put(struct http_server *s, struct http_exchange *ex)
{
	if (s->nspare == EXCHANGES_MAX) {
		free(ex);
		return;
	}
	ex->next = s->spare;
	s->spare = ex;
	s->nspare++;
}

const char *
server_date(struct http_server *s)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t now = loop_wall(s->loop).us / 1000000;
	time_t t = (time_t)now;
	struct tm tm;
	int n;

	if (now == s->date_s)
		return (s->date);
	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	/* Not strftime: it would follow the locale. The remainders change
	 * nothing; they show the compiler that all of it fits. */
	n = snprintf(s->date, sizeof(s->date),
	    "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
	    (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	assert(n == HTTP_DATE_LEN);
	s->date_s = now;
	return (s->date);
}
