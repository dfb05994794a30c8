/* policies/region_fmt.h - region files in their usual form: what a file says
 * and its comments stay, blanks and line breaks are made anew. A file that has
 * the form already comes out as it is. Pure. */
#ifndef HUB_POLICIES_REGION_FMT_H
#define HUB_POLICIES_REGION_FMT_H

#include "policies/region.h"

/* One setting a line, a tab for each block around it; a block of up to three
 * settings that fits into 80 columns stands on one line, a longer list is
 * broken. At most one empty line in a row is kept. HUB_ESYNTAX: it cannot be
 * read, *fault says where and why (texts are fixed). */
enum hub_err region_fmt(const struct region_file *, struct buf *out,
    struct region_message *fault) HUB_MUST_CHECK;

#endif
