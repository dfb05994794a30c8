/* server/hubctl/progress.h - how far long work is, for who waits for it at a
 * terminal: one line on standard error, from the first second on, written over
 * each second and gone at the end. Nothing where standard error is no
 * terminal, or with -o json. One work at a time. */
#ifndef HUB_HUBCTL_PROGRESS_H
#define HUB_HUBCTL_PROGRESS_H

#include "server/hubctl/hubctl.h"

void progress_begin(const struct ctl *, const char *command);
/* So much is done, of so much; 0: nobody knows of how much. Counts are not
 * needed: the line tells the seconds, too. Cheap; also without a line. */
void progress_at(uint64_t done, uint64_t of);
/* Before anything else is printed: ctl_warn() and table_print_take() do it
 * themselves. Again without harm. */
void progress_end(void);

#endif
