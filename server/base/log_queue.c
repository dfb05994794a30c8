/* server/base/log_queue.c - see log_queue.h. */
#include "server/base/log_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "server/base/log.h"

#define QUEUE_BYTES ((size_t)512 << 10)
/* Between two looks, so that lines of many requests go in one write. */
#define PAUSE_NS 20000000L

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* there is a line, or the end */
	pthread_t thread;
	char *text, *spare; /* filled, and written by the thread */
	size_t len;
	uint64_t lost, told;
	bool running, ending;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER };

void
log_queue_add(struct str line)
{
	bool running;

	(void)pthread_mutex_lock(&queue.lock);
	running = queue.running;
	if (running && queue.len + line.len > QUEUE_BYTES)
		queue.lost++;
	else if (running) {
		if (queue.len == 0)
			(void)pthread_cond_signal(&queue.wake);
		memcpy(queue.text + queue.len, line.p, line.len);
		queue.len += line.len;
	}
	(void)pthread_mutex_unlock(&queue.lock);
	if (!running)
		log_write(line);
}

uint64_t
log_queue_lost(void)
{
	uint64_t n;

	(void)pthread_mutex_lock(&queue.lock);
	n = queue.lost;
	(void)pthread_mutex_unlock(&queue.lock);
	return (n);
}

/* Takes what is there; with the lock. */
static struct str
take(void)
{
	struct str text = { queue.text, queue.len };
	char *spare = queue.spare;

	queue.spare = queue.text;
	queue.text = spare;
	queue.len = 0;
	return (text);
}

static void
write_round(struct str text, uint64_t lost)
{
	const struct timespec pause = { 0, PAUSE_NS };

	log_write(text);
	if (lost > 0)
		log_warn("lines of requests were not written: the log is slow",
		    "lines=%llu", (unsigned long long)lost);
	(void)nanosleep(&pause, NULL);
}

static void *
write_lines(void *unused)
{
	struct str text;
	uint64_t lost;

	(void)pthread_mutex_lock(&queue.lock);
	while (queue.len > 0 || !queue.ending) {
		if (queue.len == 0) {
			(void)pthread_cond_wait(&queue.wake, &queue.lock);
			continue;
		}
		text = take();
		lost = queue.lost - queue.told;
		queue.told = queue.lost;
		(void)pthread_mutex_unlock(&queue.lock);
		write_round(text, lost);
		(void)pthread_mutex_lock(&queue.lock);
	}
	(void)pthread_mutex_unlock(&queue.lock);
	return (unused);
}

void
log_queue_start(void)
{
	queue.text = xmalloc(QUEUE_BYTES);
	queue.spare = xmalloc(QUEUE_BYTES);
	queue.len = 0;
	queue.ending = false;
	if (pthread_create(&queue.thread, NULL, write_lines, NULL) != 0)
		abort();
	(void)pthread_mutex_lock(&queue.lock);
	queue.running = true;
	(void)pthread_mutex_unlock(&queue.lock);
}

void
log_queue_stop(void)
{
	(void)pthread_mutex_lock(&queue.lock);
	if (!queue.running) {
		(void)pthread_mutex_unlock(&queue.lock);
		return;
	}
	queue.running = false;
	queue.ending = true;
	(void)pthread_cond_signal(&queue.wake);
	(void)pthread_mutex_unlock(&queue.lock);
	(void)pthread_join(queue.thread, NULL);
	free(queue.text);
	free(queue.spare);
}
