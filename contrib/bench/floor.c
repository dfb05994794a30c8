/* floor.c - the least that forwarding a request through TLS can cost.
 *
 *	floor PORT CERTIFICATE KEY UPSTREAM-PORT
 *
 * TLS 1.3, keep-alive on both sides, one epoll, answers with Content-Length
 * from 127.0.0.1. It has no limits and no timeouts, checks nothing and
 * believes what it reads: a yardstick, never a product. Every proxy must
 * read the request and the answer and write both, so what bench.sh counts is
 * how much a contender costs above this. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX  4096
#define PIECE_MAX 65536
#define BATCH	  256

enum kind { CLIENT, UPSTREAM, DEAD };

/* Either end of a request. Only a client has ssl and head, only an upstream
 * has piece. peer is the other end while a request is on its way. */
struct side {
	enum kind kind;
	int fd;
	struct side *peer;
	struct side *next; /* in idle or in dead */
	SSL *ssl;
	char *head, *piece;
	size_t nhead, npiece, written; /* of head, of piece */
	size_t left;			/* bytes of the answer to be read */
	bool begun;			/* left is known */
};

static SSL_CTX *tls;
static int epoll_fd, upstream_port;
static struct side *idle, *dead;

static void
die(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* One registration for life: edges cost no epoll_ctl per request. */
static struct side *
side_new(enum kind kind, int fd)
{
	struct side *s = calloc(1, sizeof(*s));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.ptr = s };
	int on = 1;

	s->kind = kind;
	s->fd = fd;
	if (kind == CLIENT)
		s->head = malloc(HEAD_MAX);
	else
		s->piece = malloc(PIECE_MAX);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		die("epoll_ctl");
	return (s);
}

/* Freed after the batch of events, which may name it again. */
static void
side_bury(struct side *s)
{
	if (s == NULL || s->kind == DEAD)
		return;
	if (s->peer != NULL)
		s->peer->peer = NULL;
	SSL_free(s->ssl);
	close(s->fd);
	s->kind = DEAD;
	s->next = dead;
	dead = s;
}

static void
free_dead(void)
{
	for (struct side *s = dead; s != NULL; s = dead) {
		dead = s->next;
		free(s->head);
		free(s->piece);
		free(s);
	}
}

static struct side *
upstream_get(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)upstream_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct side *u = idle;
	int fd;

	if (u != NULL) {
		idle = u->next;
		return (u);
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("upstream");
	return (side_new(UPSTREAM, fd));
}

/* 1: done, 0: not now, -1: gone. */
static int
tls_state(struct side *c, int r)
{
	int e;

	if (r > 0)
		return (1);
	e = SSL_get_error(c->ssl, r);
	return (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 :
									-1);
}

/* The length of the whole answer from its head. */
static bool
answer_begins(struct side *u)
{
	static const char field[] = "\r\nContent-Length: ";
	const char *end = memmem(u->piece, u->npiece, "\r\n\r\n", 4), *at;

	if (end == NULL)
		return (false);
	at = memmem(u->piece, (size_t)(end - u->piece), field,
	    sizeof(field) - 1);
	if (at == NULL)
		die("an answer without Content-Length");
	u->left = strtoul(at + sizeof(field) - 1, NULL, 10) +
	    (size_t)(end + 4 - u->piece);
	u->left -= u->npiece;
	u->begun = true;
	return (true);
}

/* Writes what was read; false when the client cannot take it now. */
static bool
answer_write(struct side *u)
{
	struct side *c = u->peer;
	int r, state;

	while (u->written < u->npiece) {
		r = SSL_write(c->ssl, u->piece + u->written,
		    (int)(u->npiece - u->written));
		state = tls_state(c, r);
		if (state < 0) {
			side_bury(c);
			side_bury(u); /* its answer has no reader */
		}
		if (state <= 0)
			return (false);
		u->written += (size_t)r;
	}
	u->npiece = u->written = 0;
	return (true);
}

/* Moves the answer on as far as both sides allow. */
static void
answer_pump(struct side *u)
{
	ssize_t r;

	for (;;) {
		if (u->begun && !answer_write(u))
			return;
		if (u->begun && u->left == 0)
			break;
		r = recv(u->fd, u->piece + u->npiece, PIECE_MAX - u->npiece,
		    MSG_DONTWAIT);
		if (r < 0 && errno == EAGAIN)
			return;
		if (r <= 0) {
			side_bury(u->peer);
			side_bury(u);
			return;
		}
		u->npiece += (size_t)r;
		if (u->begun)
			u->left -= (size_t)r;
		else
			(void)answer_begins(u);
	}
	u->begun = false;
	u->peer->peer = NULL;
	u->peer = NULL;
	u->next = idle;
	idle = u;
}

/* The request line as it came, under a Host of ours. */
static void
request_forward(struct side *c)
{
	static const char rest[] = " HTTP/1.1\r\nHost: upstream\r\n\r\n";
	const char *line = memmem(c->head, c->nhead, " HTTP/1.1\r\n", 11);
	char out[HEAD_MAX + sizeof(rest)];
	struct side *u;
	size_t n;

	if (line == NULL)
		die("no request line");
	n = (size_t)(line - c->head);
	memcpy(out, c->head, n);
	memcpy(out + n, rest, sizeof(rest) - 1);
	n += sizeof(rest) - 1;
	c->nhead = 0;
	u = upstream_get();
	u->peer = c;
	c->peer = u;
	if (send(u->fd, out, n, MSG_DONTWAIT) != (ssize_t)n) {
		side_bury(c);
		side_bury(u);
	}
}

static void
on_client(struct side *c)
{
	int r, state;

	if (c->peer != NULL) { /* it can take more of the answer */
		answer_pump(c->peer);
		return;
	}
	do {
		r = SSL_read(c->ssl, c->head + c->nhead,
		    (int)(HEAD_MAX - c->nhead));
		state = tls_state(c, r);
		if (state < 0)
			side_bury(c);
		if (state <= 0)
			return;
		c->nhead += (size_t)r;
	} while (memmem(c->head, c->nhead, "\r\n\r\n", 4) == NULL);
	request_forward(c);
}

static void
on_upstream(struct side *u)
{
	struct side **at = &idle;

	if (u->peer != NULL) {
		answer_pump(u);
		return;
	}
	if (recv(u->fd, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
		return; /* an edge without data */
	while (*at != NULL && *at != u)
		at = &(*at)->next;
	if (*at != NULL)
		*at = u->next;
	side_bury(u);
}

static void
on_listener(int listener)
{
	struct side *c;
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		c = side_new(CLIENT, fd);
		c->ssl = SSL_new(tls);
		SSL_set_fd(c->ssl, fd);
		SSL_set_accept_state(c->ssl);
	}
}

static int
listen_on(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev = { .events = EPOLLIN };
	int on = 1, fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 4096) != 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		die("listen");
	return (fd);
}

static void
tls_init(const char *certificate, const char *key)
{
	tls = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_num_tickets(tls, 1);
	if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("certificate");
}

int
main(int argc, char **argv)
{
	struct epoll_event evs[BATCH];
	struct side *s;
	int listener, n;

	if (argc != 5) {
		fputs("usage: floor PORT CERTIFICATE KEY UPSTREAM-PORT\n",
		    stderr);
		return (64);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	tls_init(argv[2], argv[3]);
	upstream_port = atoi(argv[4]);
	listener = listen_on(atoi(argv[1]));
	for (;;) {
		n = epoll_wait(epoll_fd, evs, BATCH, -1);
		for (int i = 0; i < n; i++) {
			s = evs[i].data.ptr;
			if (s == NULL)
				on_listener(listener);
			else if (s->kind == CLIENT)
				on_client(s);
			else if (s->kind == UPSTREAM)
				on_upstream(s);
		}
		free_dead();
	}
}
