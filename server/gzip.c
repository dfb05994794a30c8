/* server/gzip.c - see gzip.h; the only user of zlib. */
#include "server/gzip.h"

#include <stdlib.h>
#include <zlib.h>

/* Level 1 leaves a fifth more than the best level, and takes a quarter of its
 * time. */
#define LEVEL	    1
#define WINDOW_GZIP (15 + 16)
#define MEMORY	    8

struct gzip {
	z_stream z;
};

struct gzip *
gzip_new(void)
{
	struct gzip *g = xcalloc(1, sizeof(*g));

	if (deflateInit2(&g->z, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY,
		Z_DEFAULT_STRATEGY) != Z_OK)
		assert(!"zlib");
	return (g);
}

void
gzip_free(struct gzip *g)
{
	if (g == NULL)
		return;
	(void)deflateEnd(&g->z);
	free(g);
}

bool
gzip_code(struct gzip *g, struct str s, struct buf *b)
{
	char *room = buf_room(b, s.len);
	bool whole;

	assert(s.len >= GZIP_LEAST && s.len <= GZIP_MOST);
	if (room == NULL || deflateReset(&g->z) != Z_OK)
		return (false);
	g->z.next_in = (z_const Bytef *)(uintptr_t)s.p;
	g->z.avail_in = (uInt)s.len;
	g->z.next_out = (Bytef *)room;
	g->z.avail_out = (uInt)s.len - 1;
	whole = deflate(&g->z, Z_FINISH) == Z_STREAM_END;
	if (whole)
		b->len += s.len - 1 - g->z.avail_out;
	return (whole);
}
