/* http_call.c - one request to a broker and the answer to it; http_client.h
 * says what is promised. */
#include <stdlib.h>

#include "server/net/http_client_priv.h"

#define INTERIM_MAX  8	  /* 1xx before an answer */
#define SPARE_MAX    64	  /* calls kept for reuse, per pool */
#define REQUEST_KEEP 8192 /* bytes of request memory kept with them */
/* Bytes at once of a long body: what is read before memory is asked for. */
#define READ_MAX ((size_t)256 << 10)

static void on_deadline(void *);
static void call_detach(struct http_call *);

static struct http_call *
call_new(struct http_pool *p)
{
	struct http_call *call = p->spare;
	struct buf request;

	if (call == NULL) {
		call = xmalloc(sizeof(*call));
		buf_init(&request, SIZE_MAX / 2);
	} else {
		p->spare = call->next;
		p->nspare--;
		request = call->request;
		buf_reset(&request);
	}
	/* Not the head: it is 2 KiB and written as a whole. */
	memset(call, 0, offsetof(struct http_call, head));
	memset(&call->chunked, 0, sizeof(call->chunked));
	call->body_str = STR_NONE;
	call->request = request;
	call->pool = p;
	call->loop = p->loop;
	call->prev = p->calls.prev;
	call->next = &p->calls;
	call->prev->next = call->next->prev = call;
	return (call);
}

void
call_go(struct http_call *call)
{
	struct http_pool *p = call->pool;
	struct link *k;
	int64_t left;

	left = (call->until.us - loop_now(p->loop).us) / 1000;
	if (!call->was_out)
		timer_set(&call->deadline, left > 0 ? left : 0);
	call->state = CALL_WIRE;
	call->was_out = true;
	p->in_flight++;
	while (!call->retried && (k = p->idle.next) != &p->idle) {
		if (link_is_quiet(k)) {
			link_reuse(k, call);
			return;
		}
		link_free(k);
	}
	link_start(p, call);
}

struct http_call *
http_call_start(struct http_pool *p, const struct http_call_conf *conf,
    http_call_fn *fn, void *arg)
{
	struct http_call *call = call_new(p), *surplus;

	assert(conf->bytes.len > 0);
	call->fn = fn;
	call->arg = arg;
	call->is_head = conf->is_head;
	call->is_safe = conf->is_safe;
	call->party = conf->party;
	call->body_max = conf->body_max > 0 ? conf->body_max : 1;
	call->memory = conf->memory;
	buf_init(&call->body, call->body_max);
	buf_adds(&call->request, conf->bytes);
	call->from = clock_mono();
	call->until.us = loop_now(p->loop).us +
	    (int64_t)conf->timeout_ms * 1000;
	timer_init(&call->deadline, p->loop, on_deadline, call);
	if (!p->closing && p->in_flight < p->conf.in_flight) {
		assert(p->nqueued == 0);
		call_go(call);
		return (call);
	}
	call->state = CALL_QUEUED;
	timer_set(&call->deadline, conf->timeout_ms / 2);
	queue_add(p, call);
	if (p->closing)
		call_fail(call, HUB_ECLOSED);
	else if ((surplus = queue_surplus(p, call)) != NULL)
		call_fail(surplus, HUB_EAGAIN);
	return (call);
}

/* Off the queue or the wire; the link, if any, ends: bytes of an answer that
 * nobody waits for may be on their way. */
static void
call_detach(struct http_call *call)
{
	struct http_pool *p = call->pool;

	timer_clear(&call->deadline);
	if (call->state == CALL_QUEUED) {
		queue_remove(p, call);
	} else if (call->state == CALL_WIRE) {
		if (call->link != NULL)
			link_free(call->link);
		p->in_flight--;
		pool_pump(p);
	}
}

void
call_fail(struct http_call *call, enum hub_err err)
{
	call_detach(call);
	call->state = CALL_FAILED;
	call->err = err;
	call->to = clock_mono();
	defer_set(call->loop, &call->defer, call_on_failed, call);
}

void
call_on_failed(void *arg)
{
	struct http_call *call = arg;

	call->fn(call, call->err, call->arg);
}

static void
on_deadline(void *arg)
{
	call_fail(arg, HUB_ELATE);
}

void
call_done(struct http_call *call, bool keep)
{
	struct http_pool *p = call->pool;
	struct link *k = call->link;

	timer_clear(&call->deadline);
	if (call->body.len > 0)
		call->body_str = buf_str(&call->body);
	call->state = CALL_DONE;
	call->to = clock_mono();
	call->link = NULL;
	k->call = NULL;
	p->in_flight--;
	if (keep)
		link_idle(k);
	else
		link_free(k);
	pool_pump(p);
	call->fn(call, HUB_OK, call->arg);
}

void
http_call_free(struct http_call *call)
{
	struct http_pool *p;

	if (call == NULL)
		return;
	p = call->pool;
	defer_clear(call->loop, &call->defer);
	if (p != NULL) {
		call_detach(call);
		call->prev->next = call->next;
		call->next->prev = call->prev;
	}
	loop_buf_return(call->loop, call->in);
	buf_clear(&call->body);
	budget_give(call->memory, call->claimed);
	if (call->request.cap > REQUEST_KEEP)
		buf_clear(&call->request);
	if (p != NULL && p->nspare < SPARE_MAX) {
		call->next = p->spare;
		p->spare = call;
		p->nspare++;
		return;
	}
	buf_clear(&call->request);
	free(call);
}

const struct http_head *
http_call_head(const struct http_call *call)
{
	assert(call->state == CALL_DONE);
	return (&call->head);
}

struct str
http_call_body(const struct http_call *call)
{
	assert(call->state == CALL_DONE);
	return (call->body_str);
}

enum hub_err
http_call_body_take(struct http_call *call, struct buf *body_r)
{
	enum hub_err err;

	assert(call->state == CALL_DONE);
	err = budget_take(call->memory, call->body_str.len - call->claimed);
	if (err != HUB_OK)
		return (err);
	call->claimed = 0;
	*body_r = call->body;
	if (call->body.len == 0)
		buf_adds(body_r, call->body_str);
	buf_init(&call->body, call->body_max);
	call->body_str = STR_NONE;
	return (HUB_OK);
}

bool
http_call_was_out(const struct http_call *call)
{
	return (call->was_out);
}

int64_t
http_call_us(const struct http_call *call)
{
	return (call->to.us - call->from.us);
}

/* ---- answers ---- */

static enum got
answer_framed(struct http_call *call)
{
	const struct http_head *h = &call->head;

	call->in_from = h->size;
	call->headed = true;
	if (h->framing == HTTP_BODY_NONE)
		return (GOT_ALL);
	if (h->framing != HTTP_BODY_LENGTH)
		return (GOT_MORE);
	if (h->content_length > call->body_max)
		return (GOT_TOO_MUCH);
	return (GOT_MORE);
}

static enum got
answer_head(struct http_call *call)
{
	for (;;) {
		const struct str bytes = { call->in, call->in_len };

		switch (http_parse_response(bytes, &call->scanned,
		    call->pool->conf.header_max, call->is_head, &call->head)) {
		case HTTP_MORE:
			return (GOT_MORE);
		case HTTP_DONE:
			break;
		case HTTP_BAD:
		default:
			return (GOT_BAD);
		}
		if (call->head.status >= 200)
			return (answer_framed(call));
		if (++call->interim > INTERIM_MAX)
			return (GOT_BAD);
		call->in_len -= call->head.size;
		memmove(call->in, call->in + call->head.size, call->in_len);
		call->scanned = 0;
	}
}

static enum got
answer_length(struct http_call *call)
{
	size_t want = (size_t)call->head.content_length;
	size_t here = call->in_len - call->in_from;

	if (call->body.len == 0 && here >= want) {
		call->body_str = (struct str){ call->in + call->in_from, want };
		call->in_from += want;
		return (GOT_ALL);
	}
	if (here > 0) {
		/* All of it at once: no copying as it grows, and pages that
		 * are never filled cost nothing. */
		(void)buf_room(&call->body, want);
		buf_add(&call->body, call->in + call->in_from, here);
		call->in_from = call->in_len;
	}
	return (call->body.len == want ? GOT_ALL : GOT_MORE);
}

static enum got
answer_chunked(struct http_call *call)
{
	const struct str here = { call->in + call->in_from,
		call->in_len - call->in_from };
	enum http_parsed r;
	size_t used = 0;

	if (here.len == 0)
		return (GOT_MORE);
	r = http_chunked_feed(&call->chunked, here, &used, &call->body);
	call->in_from += used;
	if (call->body.failed)
		return (GOT_TOO_MUCH);
	if (r == HTTP_BAD)
		return (GOT_BAD);
	if (r == HTTP_DONE)
		return (GOT_ALL);
	assert(call->in_from == call->in_len);
	call->in_from = call->in_len = call->head.size;
	return (GOT_MORE);
}

static enum got
answer_eof(struct http_call *call)
{
	buf_add(&call->body, call->in + call->in_from,
	    call->in_len - call->in_from);
	call->in_from = call->in_len = call->head.size;
	return (call->body.failed ? GOT_TOO_MUCH : GOT_MORE);
}

/* As it comes and not as it is announced: pages that are never filled cost
 * nothing. */
static enum got
answer_claim(struct http_call *call, enum got got)
{
	enum hub_err err;

	err = budget_take(call->memory, call->body.len - call->claimed);
	if (err != HUB_OK)
		return (err == HUB_EFULL ? GOT_TOO_MUCH : GOT_NO_ROOM);
	call->claimed = call->body.len;
	return (got);
}

enum got
answer_take(struct http_call *call)
{
	static enum got (*const takes[])(struct http_call *) = {
		[HTTP_BODY_LENGTH] = answer_length,
		[HTTP_BODY_CHUNKED] = answer_chunked,
		[HTTP_BODY_EOF] = answer_eof,
	};
	enum got got;

	if (!call->headed) {
		got = answer_head(call);
		if (got != GOT_MORE || !call->headed)
			return (got);
	}
	got = takes[call->head.framing](call);
	return (got == GOT_MORE || got == GOT_ALL ? answer_claim(call, got) :
						    got);
}

char *
answer_room(struct http_call *call, size_t *n_r)
{
	char *p;

	if (call->in == NULL)
		call->in = loop_buf_borrow(call->loop);
	if (call->headed && call->head.framing == HTTP_BODY_LENGTH) {
		*n_r = (size_t)call->head.content_length - call->body.len;
		p = buf_room(&call->body, *n_r);
		if (*n_r > READ_MAX)
			*n_r = READ_MAX;
		return (p);
	}
	*n_r = LOOP_BUF_SIZE - call->in_len;
	return (call->in + call->in_len);
}

void
answer_add(struct http_call *call, size_t n)
{
	if (call->headed && call->head.framing == HTTP_BODY_LENGTH)
		call->body.len += n;
	else
		call->in_len += n;
}
