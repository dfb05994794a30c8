/* policies/region_german.h - complaints about region files in German. The
 * parser writes them in English; a table has the German template of each, with
 * the same words in the same order. Pure. */
#ifndef HUB_POLICIES_REGION_GERMAN_H
#define HUB_POLICIES_REGION_GERMAN_H

#include <stdarg.h>

#include "server/base/buf.h"

/* The German of an English template or fixed text; that itself, if the table
 * lacks it. */
const char *region_german(const char *english);
/* Both texts of a template and what fills it. Fixed texts among that (where
 * something is, what is allowed) are put into German, too; names stay. */
void region_german_write(const char *fmt, va_list, struct buf *english,
    struct buf *german);

#endif
