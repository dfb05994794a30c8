/* server/ngsild/json_priv.h - escapes, for the pass and for its readers. */
#ifndef HUB_NGSILD_JSON_PRIV_H
#define HUB_NGSILD_JSON_PRIV_H

#include "server/base/arena.h"

/* Four hex digits, or -1. */
int json_hex4(const char *);
/* Writes the bytes of the escape at *pp, which is well formed, and goes behind
 * it. */
size_t json_unescape(const char **pp, char out[4]);
/* A string's bytes without its escapes, which are well formed. */
struct str json_decode(struct str raw, struct arena *);

#endif
