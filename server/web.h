/* server/web.h - the files of the web page, compiled in: contrib/web through
 * contrib/dev/embed-web.sh. */
#ifndef HUB_SERVER_WEB_H
#define HUB_SERVER_WEB_H

#include <stddef.h>

struct web_file {
	const char *name, *type, *bytes;
	size_t len;
	const char *coded; /* with gzip; NULL: that saves nothing */
	size_t coded_len;
};

/* Of all files together, in hexadecimal; part of their address. */
extern const char web_hash[];
/* The first one is the page itself; the last one has no name. */
extern const struct web_file web_files[];

#endif
