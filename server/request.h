/* server/request.h - one client request from TLS to answer: the step engine
 * (style.md, "A request that asks N brokers"). */
#ifndef HUB_SERVER_REQUEST_H
#define HUB_SERVER_REQUEST_H

#include "server/worker.h"

/* The handler of a worker's http_server; arg is its struct worker. */
void request_start(struct http_exchange *, void *arg);
/* The line of the log for what was refused before it was a request. */
void request_log_refused(int status, void *worker);

#endif
