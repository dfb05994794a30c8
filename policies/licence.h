/* policies/licence.h - the licences that a dataset can have. Pure. */
#ifndef HUB_POLICIES_LICENCE_H
#define HUB_POLICIES_LICENCE_H

#include "server/base/str.h"

struct licence {
	const char *name;  /* in region files */
	const char *title; /* for people */
	const char *uri;   /* its text */
	const char *dcat;  /* in the list of DCAT-AP.de */
};

/* NULL: not known, or one that is nobody's to link to. */
const struct licence *licence_find(struct str name);

#endif
