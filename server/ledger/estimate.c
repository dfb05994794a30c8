/* server/ledger/estimate.c - see estimate.h. */
#include "server/ledger/estimate.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "server/base/log.h"

#define SLOTS	 (2 * ESTIMATE_KEYS)
#define JOB_SIZE 16 /* records of one job */

struct sum {
	unsigned char key[RECORD_LEN]; /* what its uses have in common */
	struct record like;	       /* the first of them */
	uint64_t uses, entities, bytes;
	uint64_t written; /* of uses */
};

/* Records that the spool was given; gone once they are durable. If the disk
 * refuses they are given again, with the same ids, so that none is booked
 * twice. */
struct parcel {
	struct parcel *next, **at;
	struct estimates *estimates;
	bool refused;
	struct spool_job job;
	struct record records[JOB_SIZE];
};

struct estimates {
	pthread_mutex_t lock;
	struct sum **slots; /* open addressing */
	struct sum *sums[ESTIMATE_KEYS];
	unsigned n;
	uint64_t waiting;
	struct parcel *parcels;
};

struct estimates *
estimates_new(void)
{
	struct estimates *e = xcalloc(1, sizeof(*e));

	e->slots = xcalloc(SLOTS, sizeof(struct sum *));
	(void)pthread_mutex_init(&e->lock, NULL);
	return (e);
}

void
estimates_free(struct estimates *e)
{
	struct parcel *p;

	if (e == NULL)
		return;
	while ((p = e->parcels) != NULL) {
		e->parcels = p->next;
		free(p);
	}
	for (unsigned i = 0; i < e->n; i++)
		free(e->sums[i]);
	(void)pthread_mutex_destroy(&e->lock);
	free(e->slots);
	free(e);
}

uint64_t
estimate_share(uint64_t total, uint64_t i, uint64_t n)
{
	__extension__ typedef unsigned __int128 wide;

	return ((uint64_t)((wide)total * (i + 1) / n -
	    (wide)total * i / n));
}

/* All of the record but who it was and how much; the German day instead of
 * the time, which decides the period. */
static void
key_make(const struct record *r, unsigned char key[RECORD_LEN])
{
	struct record k = *r;
	int y, m, d;

	wall_berlin_date(r->start, &y, &m, &d);
	k.kind = RECORD_ESTIMATE;
	k.start.us = (int64_t)y * 10000 + m * 100 + d;
	k.event_id = k.request_id = (struct uuid){ { 0 } };
	k.duration_us = k.upstream_us = k.queue_us = k.entities = 0;
	k.bytes_out = k.bytes_in = k.user_pseudonym = 0;
	k.flags &= (uint8_t)~RECORD_PROFESSIONAL;
	record_encode(&k, key);
}

static struct sum *
sum_find(struct estimates *e, const struct record *r)
{
	unsigned char key[RECORD_LEN];
	struct sum *s;
	size_t i;

	key_make(r, key);
	i = hash_str((struct str){ (const char *)key, RECORD_LEN }) %
	    SLOTS;
	while ((s = e->slots[i]) != NULL) {
		if (memcmp(s->key, key, RECORD_LEN) == 0)
			return (s);
		i = (i + 1) % SLOTS;
	}
	if (e->n == ESTIMATE_KEYS)
		return (NULL);
	s = xcalloc(1, sizeof(*s));
	memcpy(s->key, key, RECORD_LEN);
	s->like = *r;
	s->like.user_pseudonym = 0; /* of the first alone */
	s->like.flags &= (uint8_t)~RECORD_PROFESSIONAL;
	e->slots[i] = e->sums[e->n++] = s;
	return (s);
}

enum hub_err
estimates_add(struct estimates *e, const struct record *r)
{
	enum hub_err err = HUB_EFULL;
	struct sum *s;

	(void)pthread_mutex_lock(&e->lock);
	s = sum_find(e, r);
	if (s != NULL) {
		s->uses++;
		s->entities += r->entities;
		s->bytes += r->bytes_out;
		e->waiting++;
		err = HUB_OK;
	}
	(void)pthread_mutex_unlock(&e->lock);
	return (err);
}

uint64_t
estimates_waiting(struct estimates *e)
{
	uint64_t n;

	(void)pthread_mutex_lock(&e->lock);
	n = e->waiting;
	(void)pthread_mutex_unlock(&e->lock);
	return (n);
}

uint64_t
estimates_under_way(struct estimates *e)
{
	uint64_t n = 0;

	(void)pthread_mutex_lock(&e->lock);
	for (const struct parcel *p = e->parcels; p != NULL; p = p->next)
		n += p->job.n;
	(void)pthread_mutex_unlock(&e->lock);
	return (n);
}

/* The next use of a sum, with its share of what they came to. A sum that goes
 * on growing afterwards is shared out again from where it is. */
static struct record
use_take(struct sum *s)
{
	struct record r = s->like;
	uint64_t left = s->uses - s->written;

	r.kind = RECORD_ESTIMATE;
	r.leg = 0;
	r.flags |= RECORD_ESTIMATED;
	r.event_id = uuid7(r.start);
	r.request_id = r.event_id;
	r.entities = (uint32_t)estimate_share(s->entities, 0, left);
	r.bytes_out = estimate_share(s->bytes, 0, left);
	s->entities -= r.entities;
	s->bytes -= r.bytes_out;
	s->written++;
	return (r);
}

static void
use_untake(struct sum *s, const struct record *r)
{
	s->entities += r->entities;
	s->bytes += r->bytes_out;
	s->written--;
}

/* ---- parcels */

static void
parcel_remove(struct parcel *p)
{
	*p->at = p->next;
	if (p->next != NULL)
		p->next->at = p->at;
	free(p);
}

/* Durable, or the disk refused. */
static void
on_parcel(void *arg)
{
	struct parcel *p = arg;
	struct estimates *e = p->estimates;

	(void)pthread_mutex_lock(&e->lock);
	if (p->job.err == HUB_OK) {
		parcel_remove(p);
	} else {
		p->refused = true;
		e->waiting += p->job.n;
	}
	(void)pthread_mutex_unlock(&e->lock);
}

static void
parcels_again(struct estimates *e, struct spool *sp, bool last)
{
	for (struct parcel *p = e->parcels; p != NULL; p = p->next) {
		if (!p->refused)
			continue;
		if ((!last && spool_level(sp) >= SPOOL_HIGH) ||
		    spool_submit(sp, &p->job) != HUB_OK)
			return;
		p->refused = false;
		e->waiting -= p->job.n;
	}
}

/* false: the sum is written, or the spool takes no more. */
static bool
sum_write(struct estimates *e, struct sum *s, struct spool *sp,
    struct loop *loop)
{
	uint64_t left = s->uses - s->written;
	struct parcel *p;
	unsigned n;

	if (left == 0)
		return (false);
	n = left < JOB_SIZE ? (unsigned)left : JOB_SIZE;
	p = xcalloc(1, sizeof(*p));
	for (unsigned i = 0; i < n; i++)
		p->records[i] = use_take(s);
	p->estimates = e;
	p->job = (struct spool_job){ .records = p->records, .n = n,
		.loop = loop, .fn = on_parcel, .arg = p };
	if (spool_submit(sp, &p->job) != HUB_OK) {
		for (unsigned i = 0; i < n; i++)
			use_untake(s, &p->records[i]);
		free(p);
		return (false);
	}
	p->next = e->parcels;
	p->at = &e->parcels;
	if (p->next != NULL)
		p->next->at = &p->next;
	e->parcels = p;
	e->waiting -= n;
	return (true);
}

static void
left_report(const struct record *like, uint64_t uses, uint64_t entities,
    uint64_t bytes)
{
	int y, m, d;

	wall_berlin_date(like->start, &y, &m, &d);
	log_err("uses were not recorded, book them by hubctl estimate",
	    "day=%04d-%02d-%02d tenant=%.8s provider=%.8s requests=%" PRIu64
	    " entities=%" PRIu64 " bytes=%" PRIu64, y, m, d,
	    like->consumer_ags, like->provider_ags, uses, entities, bytes);
}

static void
parcel_report(const struct parcel *p)
{
	uint64_t entities = 0, bytes = 0;

	for (unsigned i = 0; i < p->job.n; i++) {
		entities += p->records[i].entities;
		bytes += p->records[i].bytes_out;
	}
	left_report(&p->records[0], p->job.n, entities, bytes);
}

static void
sum_report(const struct sum *s)
{
	left_report(&s->like, s->uses - s->written, s->entities, s->bytes);
}

void
estimates_write(struct estimates *e, struct spool *sp, struct loop *loop,
    bool last)
{
	uint64_t before;

	(void)pthread_mutex_lock(&e->lock);
	before = e->waiting;
	parcels_again(e, sp, last);
	for (unsigned i = 0; i < e->n && e->waiting > 0; i++) {
		while ((last || spool_level(sp) < SPOOL_HIGH) &&
		    sum_write(e, e->sums[i], sp, loop))
			continue;
		if (last && e->sums[i]->uses > e->sums[i]->written)
			sum_report(e->sums[i]);
	}
	for (const struct parcel *p = e->parcels; last && p != NULL;
	     p = p->next)
		if (p->refused)
			parcel_report(p);
	if (before > e->waiting)
		log_warn("uses of the time without room are recorded as "
			 "estimates", "uses=%" PRIu64, before - e->waiting);
	(void)pthread_mutex_unlock(&e->lock);
}
