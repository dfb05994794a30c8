/* server/hubctl/progress.c - a thread of its own draws the line, since work may
 * be a single question to the database; progress.h says what it promises. */
#include "server/hubctl/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

static struct {
	const char *command;
	bool runs; /* the thread; of the other thread */
	atomic_uint_fast64_t done, of;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool end; /* under the lock */
} progress = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
draw(long seconds)
{
	uint64_t done = atomic_load(&progress.done);
	uint64_t of = atomic_load(&progress.of);
	char text[160], count[64] = "";

	if (of > 0)
		(void)snprintf(count, sizeof(count), "%" PRIu64 " / %" PRIu64
		    ", ", done, of);
	else if (done > 0)
		(void)snprintf(count, sizeof(count), "%" PRIu64 ", ", done);
	(void)snprintf(text, sizeof(text), CLEAR_LINE "hubctl %s: %s%ld s",
	    progress.command, count, seconds);
	/* In one piece, past the buffers of who writes meanwhile. */
	(void)!write(STDERR_FILENO, text, strlen(text));
}

static void *
draw_lines(void *arg HUB_UNUSED)
{
	struct timespec at;
	long seconds = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	(void)pthread_mutex_lock(&progress.lock);
	while (!progress.end) {
		at.tv_sec++;
		while (!progress.end &&
		    pthread_cond_timedwait(&progress.wake, &progress.lock,
			&at) == 0)
			continue;
		if (!progress.end)
			draw(++seconds);
	}
	(void)pthread_mutex_unlock(&progress.lock);
	if (seconds > 0)
		(void)!write(STDERR_FILENO, CLEAR_LINE, strlen(CLEAR_LINE));
	return (NULL);
}

void
progress_begin(const struct ctl *ctl, const char *command)
{
	pthread_condattr_t mono;

	if (ctl->output == OUTPUT_JSON || isatty(STDERR_FILENO) == 0)
		return;
	progress.command = command;
	(void)pthread_condattr_init(&mono);
	(void)pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&progress.wake, &mono);
	(void)pthread_condattr_destroy(&mono);
	progress.runs = pthread_create(&progress.thread, NULL, draw_lines,
	    NULL) == 0;
}

void
progress_at(uint64_t done, uint64_t of)
{
	atomic_store_explicit(&progress.done, done, memory_order_relaxed);
	atomic_store_explicit(&progress.of, of, memory_order_relaxed);
}

void
progress_end(void)
{
	if (!progress.runs)
		return;
	progress.runs = false;
	(void)pthread_mutex_lock(&progress.lock);
	progress.end = true;
	(void)pthread_cond_signal(&progress.wake);
	(void)pthread_mutex_unlock(&progress.lock);
	(void)pthread_join(progress.thread, NULL);
	(void)pthread_cond_destroy(&progress.wake);
}
