/* policies/catalogue.h - which data there are: a catalogue as JSON-LD in the
 * terms of DCAT-AP.de. Pure; the same region gives the same bytes. */
#ifndef HUB_POLICIES_CATALOGUE_H
#define HUB_POLICIES_CATALOGUE_H

#include "policies/region.h"

struct catalogue_wanted {
	/* What this tenant may know of: what is published, its own, and what
	 * it has a signed agreement about. NULL: what is published. */
	const struct tenant *viewer;
	struct str host; /* of the hub, in the addresses of its API */
	bool german; /* what the hub itself says; titles stay as they are */
};

void catalogue_write(const struct region *, const struct catalogue_wanted *,
    struct buf *);
/* May the viewer, as above, know that there is this dataset? */
bool catalogue_shows(const struct region *, const struct region_dataset *,
    const struct tenant *viewer);

/* "urn:drehscheibe:KIND:NAME" in the arena: names of what a region has, also in
 * policies/odrl.h. */
const char *urn_of(struct arena *, const char *kind, struct str name);
/* An AGS in the vocabulary of DCAT-AP.de: a Kreis, if it is that of a tenant
 * which is one, else a municipality; NULL: it is none. */
const char *place_of(struct arena *, const struct region *, struct str ags);

#endif
