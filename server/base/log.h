/* server/base/log.h - one line per event, logfmt, to a descriptor.
 *
 * A fixed phrase, then key=value pairs. Control characters become "?", so
 * that no byte from outside can start a new line; a value that may hold a
 * blank is quoted by its caller, and quotes in it become apostrophes. One
 * write(2) per line: from any thread.
 * Never log a token, a claim, an entity body or a query string. */
#ifndef HUB_BASE_LOG_H
#define HUB_BASE_LOG_H

#include "server/base/str.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Default: LOG_INFO to descriptor 2. */
void log_set_level(enum log_level);
enum log_level log_get_level(void);
/* Appends to path, reopened by the same call later (USR1); NULL: stderr. */
enum hub_err log_open(const char *path) HUB_MUST_CHECK;

/* log_kv(LOG_WARN, "broker answered late", "source=%s ms=%d", name, ms);
 * detail may be NULL. */
void log_kv(enum log_level, const char *phrase, const char *detail, ...)
    HUB_PRINTF(3, 4);

#define log_err(...) log_kv(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_kv(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_kv(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                        \
	do {                                                                  \
		if (log_get_level() >= LOG_DEBUG)                             \
			log_kv(LOG_DEBUG, __VA_ARGS__);                       \
	} while (0)

#endif
