/* server/ledger/spool_abort.c - long answers under way, and what becomes of
 * those that a crash cut off (ledger.md §4, mode B). */
#include <stdlib.h>

#include "server/base/log.h"
#include "server/ledger/spool_priv.h"

/* ---- the writer: which are open */

static bool
same_request(const struct uuid *a, const struct uuid *b)
{
	return (memcmp(a->b, b->b, sizeof(a->b)) == 0);
}

void
opens_note(struct opens *o, const struct record *r, uint64_t seq)
{
	size_t i = 0;

	if (r->kind == RECORD_OPEN) {
		if (o->n == o->cap) {
			o->cap = o->cap == 0 ? 16 : o->cap * 2;
			o->v = xrealloc(o->v, o->cap * sizeof(*o->v));
		}
		o->v[o->n].request = r->request_id;
		o->v[o->n++].seq = seq;
	} else if (r->kind == RECORD_CLOSE || r->kind == RECORD_ABORT) {
		while (i < o->n &&
		    !same_request(&o->v[i].request, &r->request_id))
			i++;
		if (i < o->n)
			o->v[i] = o->v[--o->n];
	}
}

uint64_t
opens_oldest(const struct opens *o)
{
	uint64_t oldest = 0;

	for (size_t i = 0; i < o->n; i++)
		if (oldest == 0 || o->v[i].seq < oldest)
			oldest = o->v[i].seq;
	return (oldest);
}

void
opens_clear(struct opens *o)
{
	free(o->v);
	*o = (struct opens){ 0 };
}

/* ---- after a crash */

/* OPENs met and not ended; embedded. */
struct found {
	struct record *v;
	size_t n, cap;
};

static void
found_note(struct found *f, const struct record *r)
{
	size_t i = 0;

	if (r->kind == RECORD_OPEN) {
		if (f->n == f->cap) {
			f->cap = f->cap == 0 ? 16 : f->cap * 2;
			f->v = xrealloc(f->v, f->cap * sizeof(*f->v));
		}
		f->v[f->n++] = *r;
	} else if (r->kind == RECORD_CLOSE || r->kind == RECORD_ABORT) {
		while (i < f->n &&
		    !same_request(&f->v[i].request_id, &r->request_id))
			i++;
		if (i < f->n)
			f->v[i] = f->v[--f->n];
	}
}

static enum hub_err
segment_look(struct spool *sp, const struct segment *s, uint64_t from,
    struct found *f)
{
	uint64_t seq = from > s->first ? from : s->first;
	enum hub_err err = HUB_OK;
	struct record r;
	unsigned n;

	for (; err == HUB_OK && seq < s->end; seq += n) {
		n = s->end - seq < SPOOL_BATCH ? (unsigned)(s->end - seq)
					       : SPOOL_BATCH;
		err = spool_slots_read(sp, s, seq, sp->batch, n);
		for (unsigned i = 0; err == HUB_OK && i < n; i++)
			if (record_decode(sp->batch + (size_t)i * RECORD_LEN,
				&r) == HUB_OK)
				found_note(f, &r);
	}
	return (err);
}

/* The segments of a boot, from the oldest that can hold an OPEN of an answer
 * which the boot's end cut off: its last segment says from where. */
static enum hub_err
boot_look(struct spool *sp, size_t from, size_t end, struct found *f)
{
	const struct segment *last = &sp->segs[end - 1];
	uint64_t open = last->open != 0 ? last->open : last->first;
	enum hub_err err = HUB_OK;

	for (size_t i = from; err == HUB_OK && i < end; i++)
		if (sp->segs[i].end > open)
			err = segment_look(sp, &sp->segs[i], open, f);
	return (err);
}

/* Its id follows from the OPEN's: twice the same ABORT is one event. How much
 * arrived nobody knows. */
static void
abort_of(struct record *r)
{
	r->kind = RECORD_ABORT;
	r->event_id.b[15] ^= 1;
	r->flags |= RECORD_ABORTED;
	r->bytes_out = 0;
	r->entities = 0;
}

enum hub_err
spool_aborts(struct spool *sp)
{
	size_t end = sp->nsegs - 1, last, before; /* without the current one */
	struct found f = { 0 };
	enum hub_err err = HUB_OK;

	if (end == 0)
		return (HUB_OK);
	for (last = end - 1; last > 0 &&
	     sp->segs[last - 1].boot == sp->segs[end - 1].boot; last--)
		continue;
	/* The ABORTs of the boot before may be what the last one was about to
	 * write when it ended. */
	if (last > 0) {
		for (before = last - 1; before > 0 &&
		     sp->segs[before - 1].boot == sp->segs[last - 1].boot;
		     before--)
			continue;
		err = boot_look(sp, before, last, &f);
	}
	if (err == HUB_OK)
		err = boot_look(sp, last, end, &f);
	if (err != HUB_OK || f.n == 0) {
		free(f.v);
		return (err);
	}
	for (size_t i = 0; i < f.n; i++)
		abort_of(&f.v[i]);
	log_warn("answers were cut off when the hub ended", "answers=%zu",
	    f.n);
	sp->aborts = f.v;
	sp->abort_job = (struct spool_job){ .records = f.v,
		.n = (unsigned)f.n };
	sp->head = &sp->abort_job;
	sp->tail = &sp->abort_job.next;
	sp->pending += f.n;
	return (HUB_OK);
}
