/* server/net/loop.h - one event loop: descriptors, timers, wake-ups.
 *
 * Hides libevent (event_base on epoll). A loop belongs to the thread that
 * runs it; only loop_post and loop_stop may be called from another one. */
#ifndef HUB_NET_LOOP_H
#define HUB_NET_LOOP_H

#include "server/base/clock.h"

struct loop;
struct event;
struct event_base;

/* Also ignores SIGPIPE: a write to a closed socket is an error. */
struct loop *loop_new(void) HUB_MUST_CHECK;
/* Runs until loop_stop. */
void loop_run(struct loop *);
/* From any thread; also before loop_run. */
void loop_stop(struct loop *);
/* All watches, timers and defers must have been cleared. Accepts NULL. */
void loop_free(struct loop *);

/* The clocks as read at the start of this loop turn. */
struct mono_us loop_now(const struct loop *);
struct wall_us loop_wall(const struct loop *);

typedef void loop_fn(void *arg);

/* From any thread: fn(arg) runs once on the loop's thread, in order of
 * posting. Posts still queued at loop_free are dropped unrun. */
void loop_post(struct loop *, loop_fn *, void *arg);

/* Descriptors. Persistent; level-triggered. The fn gets what is ready. */
#define LOOP_READ  1
#define LOOP_WRITE 2
typedef void loop_io_fn(int fd, int what, void *arg);
struct watch {
	struct event *ev_read, *ev_write; /* the module's own */
	loop_io_fn *fn;
	void *arg;
	struct loop *loop;
	int fd, what;
};
/* Not yet watching anything. The descriptor stays the caller's. */
void watch_init(struct watch *, struct loop *, int fd, loop_io_fn *, void *);
/* what: LOOP_READ | LOOP_WRITE, or 0 to pause. Cheap when unchanged. */
void watch_set(struct watch *, int what);
/* Must come before close(fd). After it, fn is not called again, not even for
 * events of the same epoll batch. Harmless on zeroed or cleared watches. */
void watch_clear(struct watch *);

/* Timers: a wheel of 5 ms slots, O(1) to set and clear, so that every wait
 * of every request can have one. Fires at or up to 10 ms after the deadline
 * on an idle loop, once. */
struct timer {
	struct timer *prev, *next; /* the module's own */
	loop_fn *fn;
	void *arg;
	struct loop *loop;
	struct mono_us at;
	bool armed;
};
void timer_init(struct timer *, struct loop *, loop_fn *, void *arg);
/* (Re)arms; ms from loop_now. */
void timer_set(struct timer *, int64_t ms);
/* Harmless on zeroed or unarmed timers. */
void timer_clear(struct timer *);

/* Runs fn(arg) at the end of this loop turn, after all ready callbacks:
 * how an asynchronous function reports early failure without calling back
 * before it returned, and how objects are freed after their batch. */
struct defer {
	struct defer *prev, *next; /* the module's own */
	loop_fn *fn;
	void *arg;
	bool queued;
};
void defer_set(struct loop *, struct defer *, loop_fn *, void *arg);
void defer_clear(struct loop *, struct defer *);

/* Signals, for the one loop that handles them (the control thread). */
struct event *loop_signal(struct loop *, int signo, loop_fn *, void *arg);
void loop_signal_free(struct event *);

/* Buffers for what is in flight: lent out while bytes are moving, so that an
 * idle connection holds none. Their content is anything. NULL may be
 * returned. */
#define LOOP_BUF_SIZE ((size_t)65536)
char *loop_buf_borrow(struct loop *) HUB_MUST_CHECK;
void loop_buf_return(struct loop *, char *);

/* What a module of net/ keeps once per loop; NULL at first. The module frees
 * it before loop_free. */
enum loop_slot { LOOP_RESOLVER, LOOP_SLOTS };
void **loop_slot(struct loop *, enum loop_slot);

/* libevent's base, for net/ and sql/db.c only. */
struct event_base *loop_base(struct loop *);

#endif
