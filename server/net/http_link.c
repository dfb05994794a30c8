/* http_link.c - one connection to a broker: resolving, connecting, TLS, bytes
 * both ways; http_client.h says what is promised. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/net/http_client_priv.h"

#define READ_BATCH 16 /* full reads before others have a turn */

static void on_link(int, int, void *);
static void on_link_timer(void *);
static void on_resolved(struct resolve *, enum hub_err,
    const struct addresses *, void *);
static void link_connect(struct link *);
static void link_send(struct link *);
static void link_receive(struct link *);

bool
link_is_quiet(const struct link *k)
{
	char byte;

	return (recv(k->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    (errno == EAGAIN || errno == EINTR));
}

static void
link_unlist(struct link *k)
{
	k->prev->next = k->next;
	k->next->prev = k->prev;
	k->pool->nidle--;
}

void
link_reuse(struct link *k, struct http_call *call)
{
	link_unlist(k);
	timer_clear(&k->timer);
	k->state = LINK_BUSY;
	k->reused = true;
	k->call = call;
	call->link = k;
	link_send(k);
}

void
link_start(struct http_pool *p, struct http_call *call)
{
	struct link *k = xcalloc(1, sizeof(*k));
	enum hub_err err;

	k->pool = p;
	k->fd = -1;
	k->call = call;
	call->link = k;
	timer_init(&k->timer, p->loop, on_link_timer, k);
	err = resolve_start(&k->resolve, p->loop, p->host, p->conf.port,
	    &k->addrs, on_resolved, k);
	if (err == HUB_OK)
		link_connect(k);
	else if (err != HUB_EAGAIN)
		call_fail(call, err);
}

static void
link_close(struct link *k)
{
	watch_clear(&k->watch);
	SSL_free(k->ssl);
	k->ssl = NULL;
	if (k->fd >= 0)
		(void)close(k->fd);
	k->fd = -1;
}

void
link_free(struct link *k)
{
	if (k->state == LINK_IDLE) {
		link_unlist(k);
		if (k->ssl != NULL) {
			ERR_clear_error();
			(void)SSL_shutdown(k->ssl);
			ERR_clear_error();
		}
	}
	if (k->call != NULL)
		k->call->link = NULL;
	resolve_cancel(&k->resolve);
	timer_clear(&k->timer);
	link_close(k);
	free(k);
}

void
link_idle(struct link *k)
{
	struct http_pool *p = k->pool;

	if (p->conf.idle_max == 0) {
		link_free(k);
		return;
	}
	if (p->nidle >= p->conf.idle_max)
		link_free(p->idle.prev); /* the longest unused */
	k->state = LINK_IDLE;
	k->next = p->idle.next;
	k->prev = &p->idle;
	k->next->prev = k->prev->next = k;
	p->nidle++;
	timer_set(&k->timer, p->conf.idle_ms);
}

/* Not an answer's fault: the broker closed an idle connection while the
 * request was on its way. Once more, on a fresh one (RFC 9112, 9.3.1). */
static void
link_lost(struct link *k, enum hub_err err)
{
	struct http_call *call = k->call;

	if (!k->reused || call->retried || !call->is_safe ||
	    call->in_len > 0 || call->headed || call->interim > 0) {
		call_fail(call, err);
		return;
	}
	link_free(k);
	call->retried = true;
	call->sent = 0;
	call->pool->in_flight--;
	call_go(call);
}

static void
link_try_next(struct link *k)
{
	link_close(k);
	timer_clear(&k->timer);
	if (++k->addr < k->addrs.n)
		link_connect(k);
	else
		call_fail(k->call, HUB_EIO);
}

static void
on_link_timer(void *arg)
{
	struct link *k = arg;

	if (k->state == LINK_CONNECTING)
		link_try_next(k);
	else
		link_free(k);
}

static void
on_resolved(struct resolve *q HUB_UNUSED, enum hub_err err,
    const struct addresses *addrs, void *arg)
{
	struct link *k = arg;

	if (err != HUB_OK) {
		call_fail(k->call, err);
		return;
	}
	k->addrs = *addrs;
	link_connect(k);
}

/* A host that swallows packets must not use up the time of its next address,
 * so each but the last gets its share. */
static void
link_share_time(struct link *k)
{
	int64_t left = k->call->deadline.at.us - loop_now(k->pool->loop).us;

	if (k->addr + 1 < k->addrs.n)
		timer_set(&k->timer, left / 1000 / (k->addrs.n - k->addr));
}

static bool
link_open(struct link *k)
{
	const union address *a = &k->addrs.a[k->addr];
	const socklen_t len = a->sa.sa_family == AF_INET ? sizeof(a->in) :
							   sizeof(a->in6);
	const int on = 1;

	k->fd = socket(a->sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0)
		return (false);
	(void)setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return (connect(k->fd, &a->sa, len) == 0 || errno == EINPROGRESS);
}

static void
link_connect(struct link *k)
{
	k->state = LINK_CONNECTING;
	while (!link_open(k)) {
		link_close(k);
		if (++k->addr >= k->addrs.n) {
			call_fail(k->call, HUB_EIO);
			return;
		}
	}
	link_share_time(k);
	watch_init(&k->watch, k->pool->loop, k->fd, on_link, k);
	watch_set(&k->watch, LOOP_WRITE);
}

static void
link_connected(struct link *k)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ||
	    error != 0) {
		link_try_next(k);
		return;
	}
	timer_clear(&k->timer);
	k->state = LINK_BUSY;
	if (k->pool->conf.tls != NULL) {
		k->ssl = tls_client_ssl(k->pool->conf.tls, k->pool->host);
		if (SSL_set_fd(k->ssl, k->fd) != 1) {
			call_fail(k->call, HUB_EIO);
			return;
		}
	}
	watch_set(&k->watch, LOOP_READ);
	link_send(k);
}

/* Includes the TLS handshake, which OpenSSL does within the first write. The
 * read watch stays on: an answer may come before the request is complete. */
static void
link_send(struct link *k)
{
	struct http_call *call = k->call;
	int want = LOOP_WRITE;
	ssize_t r;

	while (call->sent < call->request.len) {
		r = tls_write(k->ssl, k->fd, call->request.p + call->sent,
		    call->request.len - call->sent, &want);
		if (r < 0 && k->ssl != NULL) {
			link_lost(k, HUB_EIO);
			return;
		}
		if (r < 0) {
			/* It may have refused the request, and then closed:
			 * that can be read, and is, as an event. */
			watch_set(&k->watch, LOOP_READ);
			return;
		}
		if (r == 0) {
			watch_set(&k->watch, want | LOOP_READ);
			return;
		}
		call->sent += (size_t)r;
	}
	watch_set(&k->watch, LOOP_READ);
}

/* ---- answers ---- */

static void
link_ended(struct link *k, bool clean)
{
	struct http_call *call = k->call;

	if (clean && call->headed && call->head.framing == HTTP_BODY_EOF)
		call_done(call, false);
	else if (call->headed || call->in_len > 0 || clean)
		link_lost(k, HUB_ECLOSED);
	else
		link_lost(k, HUB_EIO);
}

/* false: the link and the call are not ours any more. */
static bool
link_took(struct link *k)
{
	struct http_call *call = k->call;

	switch (answer_take(call)) {
	case GOT_MORE:
		return (true);
	case GOT_ALL:
		/* Bytes behind the answer belong to nothing we asked. */
		call_done(call, call->head.keep_alive &&
		    call->in_from == call->in_len &&
		    call->sent == call->request.len &&
		    (k->ssl == NULL || SSL_has_pending(k->ssl) == 0));
		return (false);
	case GOT_TOO_MUCH:
		call_fail(call, HUB_EFULL);
		return (false);
	case GOT_NO_ROOM:
		call_fail(call, HUB_EAGAIN);
		return (false);
	case GOT_BAD:
	default:
		call_fail(call, HUB_ESYNTAX);
		return (false);
	}
}

static void
link_receive(struct link *k)
{
	struct http_call *call = k->call;
	int want = LOOP_READ;
	size_t room;
	ssize_t r;
	char *p;

	for (int i = 0; i < READ_BATCH ||
	    (k->ssl != NULL && SSL_has_pending(k->ssl) == 1); i++) {
		p = answer_room(call, &room);
		assert(p != NULL && room > 0);
		r = tls_read(k->ssl, k->fd, p, room, &want);
		if (r < 0) {
			link_ended(k, r == -1);
			return;
		}
		if (r == 0) {
			if (want == LOOP_WRITE)
				watch_set(&k->watch, LOOP_READ | LOOP_WRITE);
			return;
		}
		answer_add(call, (size_t)r);
		if (!link_took(k))
			return;
		if (k->ssl != NULL ? SSL_has_pending(k->ssl) == 0 :
				     (size_t)r < room)
			return; /* empty; epoll tells when it is not */
	}
}

/* Closed by the broker, or it talks unasked; TLS may have tickets to give. */
static void
link_idle_event(struct link *k)
{
	int want = LOOP_READ;
	char byte;

	if (tls_read(k->ssl, k->fd, &byte, 1, &want) != 0)
		link_free(k);
}

static void
on_link(int fd HUB_UNUSED, int what, void *arg)
{
	struct link *k = arg;

	switch (k->state) {
	case LINK_CONNECTING:
		link_connected(k);
		break;
	case LINK_BUSY:
		/* The handshake is part of sending and waits for either. */
		if (k->call->sent < k->call->request.len &&
		    (what == LOOP_WRITE ||
			(k->ssl != NULL && !SSL_is_init_finished(k->ssl))))
			link_send(k);
		else
			link_receive(k);
		break;
	default:
		link_idle_event(k);
	}
}
