/* server/hubctl/command.h - the two tables that hubctl is driven by. */
#ifndef HUB_HUBCTL_COMMAND_H
#define HUB_HUBCTL_COMMAND_H

#include "server/hubctl/hubctl.h"

struct command {
	const char *name; /* one or two words */
	const char *args;
	const char *en, *de; /* what it does, in a line */
	uint64_t options;
	int min, max; /* arguments */
	ctl_fn *run;
	bool slow; /* may take long: progress.h */
};

struct own_option {
	const char *name, *arg;
	const char *en, *de;
	uint64_t bit;
	size_t field; /* a const char * in struct ctl; unused without arg */
};

const struct command *ctl_commands(size_t *n_r);
const struct own_option *ctl_options(size_t *n_r);

#endif
