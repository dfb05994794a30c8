/* server/base/err.h - what can go wrong, and the words for it.
 *
 * Three kinds of failure, three answers (style.md):
 *   a bug here           assert(), never compiled out;
 *   memory gone          xcalloc() and friends end the process, since every
 *                        outside size was bounded before it was allocated;
 *   anything from outside a returned enum hub_err, and the caller decides.
 */
#ifndef HUB_BASE_ERR_H
#define HUB_BASE_ERR_H

#undef NDEBUG /* an assertion is part of the program */
#include <assert.h>
#include <stddef.h>

#define HUB_MUST_CHECK __attribute__((warn_unused_result))
#define HUB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define HUB_UNUSED __attribute__((unused))

enum hub_err {
	HUB_OK = 0,
	HUB_ESYNTAX,	/* bytes that no grammar of ours accepts */
	HUB_ERANGE,	/* well formed, outside what is allowed */
	HUB_EFULL,	/* a limit of ours is reached */
	HUB_ENOENT,	/* no such thing */
	HUB_EEXIST,	/* there is one already */
	HUB_EDENIED,	/* not allowed */
	HUB_ELATE,	/* a deadline passed */
	HUB_EIO,	/* the other side, the disk or the network failed */
	HUB_ECLOSED,	/* the other side went away */
	HUB_EAGAIN,	/* not now; the same call may work later */
	HUB_ELOOP,	/* a request came back to us */
	HUB_ECONFLICT,	/* the state changed under us */
	HUB_ENOTSUP,	/* understood, and not done here */
	HUB_ERR_MAX
};

/* A short English phrase, never NULL. */
const char *hub_err_str(enum hub_err);

/* Zeroed (calloc) or not; never NULL: memory gone ends the process with a
 * message and abort(). Sizes must have been bounded by the caller. */
void *xcalloc(size_t n, size_t size) HUB_MUST_CHECK;
void *xmalloc(size_t size) HUB_MUST_CHECK;
void *xrealloc(void *p, size_t size) HUB_MUST_CHECK;
char *xstrdup(const char *) HUB_MUST_CHECK;

#endif
