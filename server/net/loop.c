/* loop.c - libevent behind a small door; loop.h says what it promises.
 *
 * The wheel is hierarchical: level L holds timers whose tick first differs
 * from the wheel's own in the L-th group of six bits. So the earliest slot is
 * the lowest set bit of the lowest level in use, a timer moves down at most
 * LEVELS times, and setting and clearing never search. One libevent timer
 * wakes the wheel, and it is moved only when something earlier comes. */
#include "server/net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_US	  INT64_C(5000)
#define LEVELS	  6	/* 2^36 ticks: ten years from loop_new */
#define SLOTS	  64u
#define TIMER_MAX INT64_C(31536000000) /* ms; a year */
#define NEVER	  UINT64_MAX
#define BUFS_KEPT 256

struct wheel {
	uint64_t cur;		/* ticks done */
	uint64_t armed;		/* tick the libevent timer waits for */
	int64_t zero_us;	/* of tick 0 */
	uint64_t used[LEVELS];	/* slots that are not empty, a bit each */
	struct timer heads[LEVELS * SLOTS];
	struct event *ev;
};

struct post {
	struct post *next;
	loop_fn *fn;
	void *arg;
};

/* Read when first asked for in a turn; apart from struct loop, because asking
 * does not change the loop. */
struct turn {
	struct mono_us now;
	struct wall_us wall;
	bool read;
};

struct loop {
	struct event_base *base;
	struct turn *turn;
	struct wheel wheel;
	struct defer defers;	/* circular */
	void *slots[LOOP_SLOTS];
	char *bufs[BUFS_KEPT];	/* not lent out */
	unsigned nbufs;
	bool stopping;

	int wake_fd;
	struct event *wake_ev;
	pthread_mutex_t lock;	/* of what follows */
	struct post *posts, **posts_end;
	bool stop;
};

static void on_wake(evutil_socket_t, short, void *);
static void on_wheel(evutil_socket_t, short, void *);
static void wheel_init(struct wheel *, struct loop *);

struct loop *
loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *conf = event_config_new();

	/* OpenSSL writes with write(2): a closed peer is an error there. */
	(void)signal(SIGPIPE, SIG_IGN);
	assert(conf != NULL);
	(void)event_config_set_flag(
	    conf, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	l->base = event_base_new_with_config(conf);
	event_config_free(conf);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert(l->base != NULL && l->wake_fd >= 0);
	l->turn = xcalloc(1, sizeof(*l->turn));
	l->defers.prev = l->defers.next = &l->defers;
	l->posts_end = &l->posts;
	(void)pthread_mutex_init(&l->lock, NULL);
	l->wake_ev = event_new(
	    l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
	assert(l->wake_ev != NULL && event_add(l->wake_ev, NULL) == 0);
	wheel_init(&l->wheel, l);
	return (l);
}

/* What is queued now; what these queue runs in the next turn. */
static void
loop_defers(struct loop *l)
{
	struct defer batch, *d;

	if (l->defers.next == &l->defers)
		return;
	batch = l->defers;
	batch.next->prev = batch.prev->next = &batch;
	l->defers.prev = l->defers.next = &l->defers;
	while ((d = batch.next) != &batch) {
		defer_clear(l, d);
		d->fn(d->arg);
	}
}

void
loop_run(struct loop *l)
{
	int flags;

	l->turn->read = false;
	l->stopping = false;
	while (!l->stopping) {
		flags = EVLOOP_ONCE;
		if (l->defers.next != &l->defers)
			flags |= EVLOOP_NONBLOCK;
		if (event_base_loop(l->base, flags) < 0)
			break;
		loop_defers(l);
		l->turn->read = false;
	}
}

void
loop_free(struct loop *l)
{
	struct post *p;

	if (l == NULL)
		return;
	while ((p = l->posts) != NULL) {
		l->posts = p->next;
		free(p);
	}
	while (l->nbufs > 0)
		free(l->bufs[--l->nbufs]);
	event_free(l->wheel.ev);
	event_free(l->wake_ev);
	event_base_free(l->base);
	(void)close(l->wake_fd);
	(void)pthread_mutex_destroy(&l->lock);
	free(l->turn);
	free(l);
}

static const struct turn *
loop_turn(const struct loop *l)
{
	struct turn *t = l->turn;

	if (!t->read) {
		t->now = clock_mono();
		t->wall = clock_wall();
		t->read = true;
	}
	return (t);
}

struct mono_us
loop_now(const struct loop *l)
{
	return (loop_turn(l)->now);
}

struct wall_us
loop_wall(const struct loop *l)
{
	return (loop_turn(l)->wall);
}

struct event_base *
loop_base(struct loop *l)
{
	return (l->base);
}

void **
loop_slot(struct loop *l, enum loop_slot slot)
{
	assert(slot < LOOP_SLOTS);
	return (&l->slots[slot]);
}

/* ---- buffers ---- */

char *
loop_buf_borrow(struct loop *l)
{
	if (l->nbufs > 0)
		return (l->bufs[--l->nbufs]);
	return (xmalloc(LOOP_BUF_SIZE));
}

void
loop_buf_return(struct loop *l, char *p)
{
	if (p != NULL && l->nbufs < BUFS_KEPT)
		l->bufs[l->nbufs++] = p;
	else
		free(p);
}

/* ---- other threads ---- */

static void
loop_wake(struct loop *l)
{
	const uint64_t one = 1;

	/* A full counter is already a pending wake-up. */
	while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void
loop_stop(struct loop *l)
{
	(void)pthread_mutex_lock(&l->lock);
	l->stop = true;
	loop_wake(l);
	(void)pthread_mutex_unlock(&l->lock);
}

void
loop_post(struct loop *l, loop_fn *fn, void *arg)
{
	struct post *p = xmalloc(sizeof(*p));

	*p = (struct post){ .fn = fn, .arg = arg };
	(void)pthread_mutex_lock(&l->lock);
	/* Within the lock: once the post can run, the loop may go away. */
	if (l->posts == NULL)
		loop_wake(l);
	*l->posts_end = p;
	l->posts_end = &p->next;
	(void)pthread_mutex_unlock(&l->lock);
}

static void
on_wake(evutil_socket_t fd, short what HUB_UNUSED, void *arg)
{
	struct loop *l = arg;
	struct post *p, *next;
	uint64_t count;

	while (read((int)fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	(void)pthread_mutex_lock(&l->lock);
	p = l->posts;
	l->posts = NULL;
	l->posts_end = &l->posts;
	l->stopping = l->stop;
	l->stop = false;
	(void)pthread_mutex_unlock(&l->lock);
	for (; p != NULL; p = next) {
		next = p->next;
		p->fn(p->arg);
		free(p);
	}
}

/* ---- descriptors ---- */

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	w->fn((int)fd, (what & EV_READ) != 0 ? LOOP_READ : LOOP_WRITE, w->arg);
}

void
watch_init(struct watch *w, struct loop *l, int fd, loop_io_fn *fn, void *arg)
{
	*w = (struct watch){ .fn = fn, .arg = arg, .loop = l, .fd = fd };
}

static void
watch_one(struct watch *w, struct event **ev, bool on, short what)
{
	int rc;

	if (*ev == NULL) {
		if (!on)
			return;
		*ev = event_new(w->loop->base, w->fd,
		    (short)(what | EV_PERSIST), on_watch, w);
		assert(*ev != NULL);
	}
	rc = on ? event_add(*ev, NULL) : event_del(*ev);
	assert(rc == 0);
}

void
watch_set(struct watch *w, int what)
{
	int changed = w->what ^ what;

	if (changed == 0)
		return;
	/* Adding first spares the kernel a removal in between. */
	w->what = what;
	if ((changed & what & LOOP_READ) != 0)
		watch_one(w, &w->ev_read, true, EV_READ);
	if ((changed & what & LOOP_WRITE) != 0)
		watch_one(w, &w->ev_write, true, EV_WRITE);
	if ((changed & ~what & LOOP_READ) != 0)
		watch_one(w, &w->ev_read, false, EV_READ);
	if ((changed & ~what & LOOP_WRITE) != 0)
		watch_one(w, &w->ev_write, false, EV_WRITE);
}

void
watch_clear(struct watch *w)
{
	/* libevent also takes an event off the batch that is being run. */
	if (w->ev_read != NULL)
		event_free(w->ev_read);
	if (w->ev_write != NULL)
		event_free(w->ev_write);
	w->ev_read = w->ev_write = NULL;
	w->what = 0;
}

/* ---- timers ---- */

static void
wheel_init(struct wheel *w, struct loop *l)
{
	for (size_t i = 0; i < LEVELS * SLOTS; i++)
		w->heads[i].prev = w->heads[i].next = &w->heads[i];
	w->zero_us = clock_mono().us;
	w->armed = NEVER;
	w->ev = evtimer_new(l->base, on_wheel, l);
	assert(w->ev != NULL);
}

static uint64_t
wheel_tick(const struct wheel *w, int64_t us)
{
	return (us <= w->zero_us ? 0 : (uint64_t)(us - w->zero_us) / TICK_US);
}

/* The first tick at which something is to do: a timer is due, or a slot of a
 * higher level must be spread; NEVER if there is nothing. */
static uint64_t
wheel_next(const struct wheel *w, unsigned *index_r)
{
	unsigned shift, slot;

	for (unsigned level = 0; level < LEVELS; level++) {
		if (w->used[level] == 0)
			continue;
		slot = (unsigned)__builtin_ctzll(w->used[level]);
		shift = 6 * level;
		*index_r = level * SLOTS + slot;
		return ((((w->cur >> shift) & ~UINT64_C(63)) | slot) << shift);
	}
	return (NEVER);
}

static void
wheel_insert(struct wheel *w, struct timer *t, uint64_t tick)
{
	uint64_t differs = tick ^ w->cur;
	unsigned level, slot;
	struct timer *head;

	/* "| 1" changes no level and spares clz its undefined zero. */
	level = (63 - (unsigned)__builtin_clzll(differs | 1)) / 6;
	assert(level < LEVELS);
	slot = (unsigned)(tick >> (6 * level)) & 63;
	head = &w->heads[level * SLOTS + slot];
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
	w->used[level] |= UINT64_C(1) << slot;
}

static void
wheel_remove(struct wheel *w, struct timer *t)
{
	size_t index;

	assert(t->prev != NULL && t->next != NULL); /* it is set */
	t->prev->next = t->next;
	t->next->prev = t->prev;
	if (t->next == t->prev) { /* the head alone is left */
		index = (size_t)(t->next - w->heads);
		w->used[index / SLOTS] &= ~(UINT64_C(1) << index % SLOTS);
	}
	t->prev = t->next = NULL;
}

/* The tick at whose beginning the deadline has passed. */
static uint64_t
timer_tick(const struct wheel *w, const struct timer *t)
{
	return (wheel_tick(w, t->at.us + TICK_US - 1));
}

static void
wheel_arm(struct loop *l, uint64_t tick)
{
	struct wheel *w = &l->wheel;
	int64_t us;
	struct timeval tv;

	if (tick >= w->armed)
		return;
	us = w->zero_us + (int64_t)tick * TICK_US - loop_now(l).us;
	if (us < 0)
		us = 0;
	tv.tv_sec = us / 1000000;
	tv.tv_usec = us % 1000000;
	assert(evtimer_add(w->ev, &tv) == 0);
	w->armed = tick;
}

/* Does what is due until now. A callback that arms a timer gets a later tick,
 * so this ends. */
static void
wheel_turn(struct loop *l, uint64_t now)
{
	struct wheel *w = &l->wheel;
	struct timer *head, *t;
	unsigned index = 0;
	uint64_t tick;

	while ((tick = wheel_next(w, &index)) <= now) {
		w->cur = tick;
		head = &w->heads[index];
		while ((t = head->next) != head) {
			wheel_remove(w, t);
			if (index < SLOTS) {
				t->armed = false;
				t->fn(t->arg);
			} else {
				tick = timer_tick(w, t);
				if (tick < w->cur)
					tick = w->cur;
				wheel_insert(w, t, tick);
			}
		}
	}
	if (now > w->cur)
		w->cur = now;
}

static void
on_wheel(evutil_socket_t fd HUB_UNUSED, short what HUB_UNUSED, void *arg)
{
	struct loop *l = arg;
	unsigned index;
	uint64_t tick;

	l->wheel.armed = 0; /* callbacks need not arm: that comes below */
	wheel_turn(l, wheel_tick(&l->wheel, loop_now(l).us));
	l->wheel.armed = NEVER;
	tick = wheel_next(&l->wheel, &index);
	if (tick != NEVER)
		wheel_arm(l, tick);
}

void
timer_init(struct timer *t, struct loop *l, loop_fn *fn, void *arg)
{
	*t = (struct timer){ .fn = fn, .arg = arg, .loop = l };
}

void
timer_set(struct timer *t, int64_t ms)
{
	struct wheel *w = &t->loop->wheel;
	uint64_t tick;

	timer_clear(t);
	if (ms < 0)
		ms = 0;
	if (ms > TIMER_MAX)
		ms = TIMER_MAX;
	t->at.us = loop_now(t->loop).us + ms * 1000;
	tick = timer_tick(w, t);
	if (tick <= w->cur)
		tick = w->cur + 1;
	t->armed = true;
	wheel_insert(w, t, tick);
	wheel_arm(t->loop, tick);
}

void
timer_clear(struct timer *t)
{
	if (!t->armed)
		return;
	wheel_remove(&t->loop->wheel, t);
	t->armed = false;
}

/* ---- the end of the turn ---- */

void
defer_set(struct loop *l, struct defer *d, loop_fn *fn, void *arg)
{
	defer_clear(l, d);
	d->fn = fn;
	d->arg = arg;
	d->prev = l->defers.prev;
	d->next = &l->defers;
	d->prev->next = d;
	l->defers.prev = d;
	d->queued = true;
}

void
defer_clear(struct loop *l HUB_UNUSED, struct defer *d)
{
	if (!d->queued)
		return;
	d->prev->next = d->next;
	d->next->prev = d->prev;
	d->prev = d->next = NULL;
	d->queued = false;
}

/* ---- signals ---- */

struct signal_arg {
	loop_fn *fn;
	void *arg;
};

static void
on_signal(evutil_socket_t signo HUB_UNUSED, short what HUB_UNUSED, void *arg)
{
	struct signal_arg *s = arg;

	s->fn(s->arg);
}

struct event *
loop_signal(struct loop *l, int signo, loop_fn *fn, void *arg)
{
	struct signal_arg *s = xcalloc(1, sizeof(*s));
	struct event *ev;

	s->fn = fn;
	s->arg = arg;
	ev = evsignal_new(l->base, signo, on_signal, s);
	assert(ev != NULL && event_add(ev, NULL) == 0);
	return (ev);
}

void
loop_signal_free(struct event *ev)
{
	struct signal_arg *s;

	if (ev == NULL)
		return;
	s = event_get_callback_arg(ev);
	event_free(ev);
	free(s);
}
