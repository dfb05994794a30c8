/* h2_mem.c - nghttp2's memory: malloc's, but for the one large block of a
 * session, in which it makes frames. It is 16 KiB, of which only the first page
 * is ever touched where heads are short, since bodies are not copied there. In
 * pages of its own, the others cost an idle connection nothing. */
#include <stdlib.h>
#include <sys/mman.h>

#include "server/net/h2_priv.h"

#define LARGE ((size_t)16384) /* bytes and more */

static void *
block_map(struct h2 *h2, size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return (malloc(n));
	h2->block = p;
	h2->block_len = n;
	return (p);
}

static void
block_unmap(struct h2 *h2)
{
	(void)munmap(h2->block, h2->block_len);
	h2->block = NULL;
}

static void *
mem_malloc(size_t n, void *arg)
{
	struct h2 *h2 = arg;

	return (n >= LARGE && h2->block == NULL ? block_map(h2, n) : malloc(n));
}

static void
mem_free(void *p, void *arg)
{
	struct h2 *h2 = arg;

	if (p != NULL && p == h2->block)
		block_unmap(h2);
	else
		free(p);
}

static void *
mem_calloc(size_t n, size_t size, void *arg HUB_UNUSED)
{
	return (calloc(n, size));
}

static void *
mem_realloc(void *p, size_t n, void *arg)
{
	struct h2 *h2 = arg;
	void *q;

	if (p == NULL)
		return (mem_malloc(n, arg));
	if (p != h2->block)
		return (realloc(p, n));
	q = malloc(n);
	if (q == NULL)
		return (NULL);
	memcpy(q, p, n < h2->block_len ? n : h2->block_len);
	block_unmap(h2);
	return (q);
}

nghttp2_mem
h2_mem(struct h2 *h2)
{
	return (
	    (nghttp2_mem){ h2, mem_malloc, mem_free, mem_calloc, mem_realloc });
}
