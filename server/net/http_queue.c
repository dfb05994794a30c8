/* http_queue.c - the calls that wait for a broker, fairly; http_client.h says
 * what is promised.
 *
 * Each party that waits has a line of its own, and the lines stand in a ring:
 * its first is served next and goes to the end of the ring. There are as many
 * lines as parties waiting, a few; so they are searched one by one. */
#include <stdlib.h>

#include "server/net/http_client_priv.h"

struct line {
	struct line *prev, *next; /* of the ring, from the first to the last */
	uint64_t party;
	struct http_call *first, *last;
	unsigned n;
};

/* To the end of the ring, or out of it. */
static void
ring_add(struct http_pool *p, struct line *q)
{
	q->prev = p->lines_end;
	q->next = NULL;
	*(p->lines_end != NULL ? &p->lines_end->next : &p->lines) = q;
	p->lines_end = q;
}

static void
ring_remove(struct http_pool *p, struct line *q)
{
	*(q->prev != NULL ? &q->prev->next : &p->lines) = q->next;
	*(q->next != NULL ? &q->next->prev : &p->lines_end) = q->prev;
}

static struct line *
line_of(struct http_pool *p, uint64_t party)
{
	struct line *q;

	for (q = p->lines; q != NULL; q = q->next)
		if (q->party == party)
			return (q);
	q = xcalloc(1, sizeof(*q));
	q->party = party;
	ring_add(p, q);
	return (q);
}

void
queue_add(struct http_pool *p, struct http_call *call)
{
	struct line *q = line_of(p, call->party);

	call->line = q;
	call->qprev = q->last;
	call->qnext = NULL;
	*(q->last != NULL ? &q->last->qnext : &q->first) = call;
	q->last = call;
	q->n++;
	p->nqueued++;
}

void
queue_remove(struct http_pool *p, struct http_call *call)
{
	struct line *q = call->line;

	*(call->qprev != NULL ? &call->qprev->qnext : &q->first) =
	    call->qnext;
	*(call->qnext != NULL ? &call->qnext->qprev : &q->last) = call->qprev;
	call->qprev = call->qnext = NULL;
	call->line = NULL;
	p->nqueued--;
	if (--q->n > 0)
		return;
	ring_remove(p, q);
	free(q);
}

struct http_call *
queue_take(struct http_pool *p)
{
	struct line *q = p->lines;
	struct http_call *call;

	if (q == NULL)
		return (NULL);
	call = q->first;
	if (q->n > 1) {
		ring_remove(p, q);
		ring_add(p, q);
	}
	queue_remove(p, call);
	return (call);
}

struct http_call *
queue_surplus(const struct http_pool *p, const struct http_call *added)
{
	const struct line *longest = added->line;

	if (longest->n > p->conf.queued_each)
		return (longest->last);
	if (p->nqueued <= p->conf.queued)
		return (NULL);
	for (const struct line *q = p->lines; q != NULL; q = q->next)
		if (q->n > longest->n)
			longest = q;
	return (longest->last);
}
