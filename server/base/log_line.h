/* server/base/log_line.h - one line of the log, field by field: logfmt, or a
 * JSON object (RFC 8259), with the same names and texts in both.
 *
 * Whatever a text holds, the line stays one line, and valid UTF-8. In JSON
 * control characters are escaped, in logfmt each becomes "?" and a quote an
 * apostrophe; what is no UTF-8 becomes U+FFFD or "?". A field that does not
 * fit is cut or left out; the line is complete in any case. */
#ifndef HUB_BASE_LOG_LINE_H
#define HUB_BASE_LOG_LINE_H

#include "server/base/log.h"

#define LOG_LINE_MAX 4096

struct log_line {
	char text[LOG_LINE_MAX];
	size_t len;
	bool json;
};

/* With time, level and msg, in the format that is set, and before that the
 * priority where the journal reads. phrase: ours, of plain characters. */
void log_line_begin(struct log_line *, enum log_level, const char *phrase);
/* key: ours, and given once. An empty text is left out. */
void log_line_text(struct log_line *, const char *key, struct str);
void log_line_number(struct log_line *, const char *key, int64_t);
/* Fields as log_kv has them, "key=value key=\"value\"", at the end; in JSON all
 * of them are texts, and what is no field, or names a key again, is the text of
 * a last one, "rest". */
void log_line_fields(struct log_line *, struct str);
/* With its line end. */
struct str log_line_end(struct log_line *);

#endif
