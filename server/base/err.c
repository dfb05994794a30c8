/* server/base/err.c - error phrases and memory that never fails. */
#include "server/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const phrases[HUB_ERR_MAX] = {
	[HUB_OK] = "ok",
	[HUB_ESYNTAX] = "malformed",
	[HUB_ERANGE] = "out of range",
	[HUB_EFULL] = "limit reached",
	[HUB_ENOENT] = "not found",
	[HUB_EEXIST] = "exists already",
	[HUB_EDENIED] = "denied",
	[HUB_ELATE] = "too late",
	[HUB_EIO] = "input/output failed",
	[HUB_ECLOSED] = "closed by the other side",
	[HUB_EAGAIN] = "try again",
	[HUB_ELOOP] = "loop",
	[HUB_ECONFLICT] = "changed meanwhile",
	[HUB_ENOTSUP] = "not supported",
};

const char *
hub_err_str(enum hub_err err)
{
	if ((unsigned)err >= HUB_ERR_MAX)
		return ("unknown error");
	return (phrases[err]);
}

static void *
check(void *p)
{
	if (p == NULL) {
		(void)fputs("out of memory\n", stderr);
		abort();
	}
	return (p);
}

void *
xcalloc(size_t n, size_t size)
{
	return (check(calloc(n > 0 ? n : 1, size > 0 ? size : 1)));
}

void *
xmalloc(size_t size)
{
	return (check(malloc(size > 0 ? size : 1)));
}

void *
xrealloc(void *p, size_t size)
{
	return (check(realloc(p, size > 0 ? size : 1)));
}

char *
xstrdup(const char *s)
{
	return (check(strdup(s)));
}
