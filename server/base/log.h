/* server/base/log.h - one line per event, logfmt or JSON, to a descriptor.
 *
 * A fixed phrase, then key=value pairs. Control characters become "?", so
 * that no byte from outside can start a new line; a value that may hold a
 * blank is quoted by its caller, and quotes in it become apostrophes. As JSON
 * the pairs are the members of an object (log_line.h). One write(2) per line:
 * from any thread.
 *
 * Where standard error is the journal (systemd.exec(5), JOURNAL_STREAM), each
 * line begins with its priority, as sd-daemon(3) has it.
 * Never log a token, a claim, an entity body or a query string. */
#ifndef HUB_BASE_LOG_H
#define HUB_BASE_LOG_H

#include "server/base/str.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Default: LOG_INFO to descriptor 2. */
void log_set_level(enum log_level);
enum log_level log_get_level(void);
enum log_format { LOG_LOGFMT, LOG_JSON };
void log_set_format(enum log_format);
enum log_format log_get_format(void);
/* Appends to path, reopened by the same call later (USR1); NULL: stderr. */
enum hub_err log_open(const char *path) HUB_MUST_CHECK;
/* Does the journal read what is written? Known since log_open. */
bool log_is_journal(void);
/* Bytes that end in a line's end, as they are. */
void log_write(struct str);

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
