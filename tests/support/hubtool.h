/* tests/support/hubtool.h - the helpers of tests, demo and bench, in one
 * program: hubtool COMMAND ARGUMENT... Each command is a function that takes
 * what follows "hubtool", its own name first, and returns the exit code:
 * 0 done, 1 failed, 64 wrong usage. */
#ifndef HUB_TESTS_SUPPORT_HUBTOOL_H
#define HUB_TESTS_SUPPORT_HUBTOOL_H

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/net/http_parse.h"

/* A modest NGSI-LD broker with faults on demand. */
int hubtool_broker(int argc, char **argv);
/* A load client over keep-alive connections. */
int hubtool_load(int argc, char **argv);
/* A private CA, a server certificate and issuer keys, freshly made. */
int hubtool_certs(int argc, char **argv);
/* Shares of models on standard input, one line each: for a second
 * implementation to compare with (tests/reference/allocation.py). */
int hubtool_allocate(int argc, char **argv);

/* Reads a whole file of at most max bytes; else says why and returns 1. */
int hubtool_read(const char *path, size_t max, struct buf *);

/* ---- what a fake broker holds (broker_data.c) */

struct broker_data;

struct broker_paging {
	unsigned cap; /* the largest page it gives */
	bool off;     /* limit and offset are ignored */
};

/* entities: a JSON array; context: the document of context_url. Both must
 * outlive the result. NULL: said why on stderr. */
struct broker_data *broker_data_new(struct str entities, struct str context,
    struct str context_url, struct broker_paging) HUB_MUST_CHECK;
void broker_data_free(struct broker_data *);

/* Answers GET /ngsi-ld/v1/...: the status; fields gets header lines, body the
 * entities as spans of the file. */
int broker_data_answer(const struct broker_data *, const struct http_uri *,
    struct buf *fields, struct buf *body);

#endif
