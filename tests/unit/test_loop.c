/* test_loop.c - the event loop: watches, timers, defers, posts. */
#include "server/net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *l;

static int
setup(void **state HUB_UNUSED)
{
	l = loop_new();
	return (0);
}

static int
teardown(void **state HUB_UNUSED)
{
	loop_free(l);
	return (0);
}

static void
on_stop(void *arg HUB_UNUSED)
{
	loop_stop(l);
}

/* ---- timers ---- */

struct alarm {
	struct timer timer;
	int64_t ms, late_us;
	int fired;
};

static unsigned alarms_left;

static void
on_alarm(void *arg)
{
	struct alarm *a = arg;

	a->fired++;
	a->late_us = clock_mono().us - a->timer.at.us;
	assert_false(a->timer.armed);
	if (--alarms_left == 0)
		loop_stop(l);
}

static void
fires_timers_on_time_whatever_their_length(void **state HUB_UNUSED)
{
	static const int64_t ms[] = { 0, 1, 4, 5, 6, 20, 63, 64, 100, 315, 320,
		325, 400, 640, 645, 700 };
	struct alarm alarms[sizeof(ms) / sizeof(ms[0])] = { 0 };
	const unsigned n = sizeof(ms) / sizeof(ms[0]);

	alarms_left = n;
	for (unsigned i = 0; i < n; i++) {
		timer_init(&alarms[i].timer, l, on_alarm, &alarms[i]);
		timer_set(&alarms[i].timer, ms[i]);
	}
	loop_run(l);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(alarms[i].fired, 1);
		assert_true(alarms[i].late_us >= 0);
		/* 10 ms promised; the machine may be busy. */
		assert_true(alarms[i].late_us < 40000);
	}
}

static void
fires_no_cleared_timer(void **state HUB_UNUSED)
{
	struct alarm a = { 0 }, b = { 0 }, c = { 0 };

	alarms_left = 1;
	timer_init(&a.timer, l, on_alarm, &a);
	timer_init(&b.timer, l, on_alarm, &b);
	timer_set(&a.timer, 10);
	timer_set(&b.timer, 30);
	timer_clear(&a.timer);
	timer_clear(&a.timer);
	timer_clear(&c.timer);
	loop_run(l);
	assert_int_equal(a.fired, 0);
	assert_int_equal(b.fired, 1);
}

static struct alarm victim;

static void
on_murder(void *arg HUB_UNUSED)
{
	timer_clear(&victim.timer);
}

static void
lets_a_timer_clear_another_of_the_same_slot(void **state HUB_UNUSED)
{
	struct timer murderer, end;

	victim = (struct alarm){ 0 };
	timer_init(&murderer, l, on_murder, NULL);
	timer_init(&victim.timer, l, on_alarm, &victim);
	timer_init(&end, l, on_stop, NULL);
	timer_set(&murderer, 20);
	timer_set(&victim.timer, 20);
	timer_set(&end, 50);
	loop_run(l);
	assert_int_equal(victim.fired, 0);
}

static struct timer again;
static int again_count;

static void
on_again(void *arg HUB_UNUSED)
{
	if (++again_count == 5)
		loop_stop(l);
	else
		timer_set(&again, 0);
}

static void
rearms_a_timer_from_its_own_callback(void **state HUB_UNUSED)
{
	struct mono_us from = clock_mono();

	again_count = 0;
	timer_init(&again, l, on_again, NULL);
	timer_set(&again, 0);
	loop_run(l);
	assert_int_equal(again_count, 5);
	assert_true(clock_mono().us - from.us < 300000);
}

/* Against a model: what is armed at the end has fired, in order, once. */
static void
keeps_many_timers_apart(void **state HUB_UNUSED)
{
	enum { N = 2000 };
	struct alarm *alarms = xcalloc(N, sizeof(*alarms));
	unsigned seed = 1;

	alarms_left = 0;
	for (unsigned i = 0; i < N; i++) {
		seed = seed * 1103515245 + 12345;
		timer_init(&alarms[i].timer, l, on_alarm, &alarms[i]);
		timer_set(&alarms[i].timer, (seed >> 8) % 1000000);
		timer_set(&alarms[i].timer, (seed >> 8) % 400);
		if (i % 3 == 0)
			timer_clear(&alarms[i].timer);
		else
			alarms_left++;
	}
	loop_run(l);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(alarms[i].fired, i % 3 != 0);
		assert_true(alarms[i].late_us >= 0);
		assert_true(alarms[i].late_us < 60000);
	}
	free(alarms);
}

/* ---- watches ---- */

static struct watch left, right;
static int fds_a[2], fds_b[2], seen;

static void
on_first_clears_the_other(int fd HUB_UNUSED, int what, void *arg)
{
	struct watch *mine = arg;

	assert_int_equal(what, LOOP_READ);
	seen++;
	watch_clear(mine == &left ? &right : &left);
	watch_set(mine, 0);
	loop_post(l, on_stop, NULL);
}

static void
delivers_no_event_of_a_cleared_watch(void **state HUB_UNUSED)
{
	seen = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds_a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds_b), 0);
	watch_init(&left, l, fds_a[0], on_first_clears_the_other, &left);
	watch_init(&right, l, fds_b[0], on_first_clears_the_other, &right);
	watch_set(&left, LOOP_READ);
	watch_set(&right, LOOP_READ);
	/* Both are ready in one batch. */
	assert_int_equal(write(fds_a[1], "x", 1), 1);
	assert_int_equal(write(fds_b[1], "x", 1), 1);
	loop_run(l);
	assert_int_equal(seen, 1);
	watch_clear(&left);
	watch_clear(&right);
	watch_clear(&right);
	for (int i = 0; i < 2; i++) {
		(void)close(fds_a[i]);
		(void)close(fds_b[i]);
	}
}

static int writable, readable;

static void
on_ready(int fd, int what, void *arg)
{
	struct watch *w = arg;
	char byte;

	if (what == LOOP_WRITE) {
		writable++;
		watch_set(w, LOOP_READ);
		assert_int_equal(write(fds_a[1], "x", 1), 1);
	} else {
		readable++;
		assert_int_equal(read(fd, &byte, 1), 1);
		loop_stop(l);
	}
}

static void
watches_what_is_asked_for(void **state HUB_UNUSED)
{
	struct watch w;

	writable = readable = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds_a), 0);
	watch_init(&w, l, fds_a[0], on_ready, &w);
	watch_set(&w, LOOP_READ | LOOP_WRITE);
	loop_run(l);
	assert_int_equal(writable, 1);
	assert_int_equal(readable, 1);
	watch_clear(&w);
	(void)close(fds_a[0]);
	(void)close(fds_a[1]);
}

/* ---- defers, posts, clocks, signals ---- */

static struct defer d1, d2, d3;
static char order[16];
static size_t norder;

static void
on_defer(void *arg)
{
	const char *name = arg;

	order[norder++] = *name;
	if (*name == '1') {
		defer_clear(l, &d2);
		defer_set(l, &d3, on_defer, "3");
	} else {
		loop_stop(l);
	}
}

static void
on_post_defers(void *arg HUB_UNUSED)
{
	defer_set(l, &d1, on_defer, "1");
	defer_set(l, &d2, on_defer, "2");
	order[norder++] = '0';
}

static void
runs_defers_after_the_batch_unless_cleared(void **state HUB_UNUSED)
{
	norder = 0;
	loop_post(l, on_post_defers, NULL);
	loop_run(l);
	assert_int_equal(norder, 3);
	assert_memory_equal(order, "013", 3);
}

enum { THREADS = 4, POSTS = 500 };
static int posted[THREADS], posts_seen;

static void
on_post(void *arg)
{
	int *number = arg;
	int thread = *number / POSTS, n = *number % POSTS;

	assert_int_equal(posted[thread], n); /* in order */
	posted[thread]++;
	free(number);
	if (++posts_seen == THREADS * POSTS)
		loop_stop(l);
}

static void *
post_many(void *arg)
{
	int *first = arg;

	for (int i = 0; i < POSTS; i++) {
		int *number = xmalloc(sizeof(*number));

		*number = *first + i;
		loop_post(l, on_post, number);
	}
	free(first);
	return (NULL);
}

static void
runs_posts_of_other_threads_in_order(void **state HUB_UNUSED)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		int *first = xmalloc(sizeof(*first));

		posted[i] = 0;
		*first = i * POSTS;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, post_many, first), 0);
	}
	posts_seen = 0;
	loop_run(l);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(posts_seen, THREADS * POSTS);
}

static void
stops_when_told_before_it_ran(void **state HUB_UNUSED)
{
	loop_stop(l);
	loop_run(l);
	loop_post(l, on_stop, NULL);
	loop_run(l); /* and can run again */
}

static struct mono_us turn_now;
static int clock_posts;

static void
on_clock(void *arg HUB_UNUSED)
{
	if (clock_posts++ == 0) {
		turn_now = loop_now(l);
		(void)usleep(20000);
		assert_int_equal(loop_now(l).us, turn_now.us);
		loop_post(l, on_clock, NULL);
	} else {
		assert_true(loop_now(l).us >= turn_now.us + 20000);
		assert_true(llabs(loop_wall(l).us - clock_wall().us) < 1000000);
		loop_stop(l);
	}
}

static void
reads_the_clock_once_a_turn(void **state HUB_UNUSED)
{
	clock_posts = 0;
	loop_post(l, on_clock, NULL);
	loop_run(l);
	assert_int_equal(clock_posts, 2);
}

static void
hands_signals_to_the_loop(void **state HUB_UNUSED)
{
	struct event *ev = loop_signal(l, SIGUSR1, on_stop, NULL);

	assert_int_equal(raise(SIGUSR1), 0);
	loop_run(l);
	loop_signal_free(ev);
	loop_signal_free(NULL);
}

static void
lends_buffers_again(void **state HUB_UNUSED)
{
	char *a = loop_buf_borrow(l), *b = loop_buf_borrow(l);

	assert_ptr_not_equal(a, b);
	memset(a, 1, LOOP_BUF_SIZE);
	memset(b, 2, LOOP_BUF_SIZE);
	loop_buf_return(l, a);
	loop_buf_return(l, NULL);
	assert_ptr_equal(loop_buf_borrow(l), a);
	loop_buf_return(l, a);
	loop_buf_return(l, b);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(fires_timers_on_time_whatever_their_length),
		T(fires_no_cleared_timer),
		T(lets_a_timer_clear_another_of_the_same_slot),
		T(rearms_a_timer_from_its_own_callback),
		T(keeps_many_timers_apart),
		T(delivers_no_event_of_a_cleared_watch),
		T(watches_what_is_asked_for),
		T(runs_defers_after_the_batch_unless_cleared),
		T(runs_posts_of_other_threads_in_order),
		T(stops_when_told_before_it_ran),
		T(reads_the_clock_once_a_turn),
		T(hands_signals_to_the_loop),
		T(lends_buffers_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
