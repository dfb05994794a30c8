/* server/gzip.h - answers in fewer bytes (RFC 1952): a worker's one
 * compressor, of which each answer makes use in turn. The same bytes in give
 * the same bytes out. */
#ifndef HUB_SERVER_GZIP_H
#define HUB_SERVER_GZIP_H

#include "server/base/buf.h"

/* Less is not worth it; more would keep the loop from others too long (a
 * MiB takes about ten milliseconds). */
#define GZIP_LEAST ((size_t)1024)
#define GZIP_MOST  ((size_t)1 << 20)

struct gzip;
struct gzip *gzip_new(void) HUB_MUST_CHECK;
void gzip_free(struct gzip *); /* NULL is fine */

/* Appends the coded form to an empty buf; false, and nothing is in it: it would
 * be no shorter. s has GZIP_LEAST to GZIP_MOST bytes. */
bool gzip_code(struct gzip *, struct str s, struct buf *) HUB_MUST_CHECK;

#endif
