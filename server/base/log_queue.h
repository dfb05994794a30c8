/* server/base/log_queue.h - lines that their threads do not wait for: one
 * thread writes them, in their order, some at a time.
 *
 * For the lines of requests: a slow disk, or a reader behind a pipe that
 * stands still, holds up no worker. What does not fit is counted and said in
 * the log. Lines of log_kv are written at once and may come before older ones
 * of the queue, by some hundredths of a second. */
#ifndef HUB_BASE_LOG_QUEUE_H
#define HUB_BASE_LOG_QUEUE_H

#include "server/base/str.h"

/* Starts the thread. Before that, and after the end, lines are written at
 * once. */
void log_queue_start(void);
/* From any thread; the line ends in a line's end. */
void log_queue_add(struct str line);
/* Writes what is there and ends the thread. */
void log_queue_stop(void);
/* Lines that did not fit, since the start. */
uint64_t log_queue_lost(void);

#endif
