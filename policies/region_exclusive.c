/* policies/region_exclusive.c - an attribute of an entity has one exclusive
 * registration at most (GS CIM 009, 4.3.6.3). */
#include <stdlib.h>

#include "policies/region_priv.h"

/* Of all exclusive registrations, one for each id. */
struct exclusive {
	struct str id;
	unsigned dataset;
};

static int
exclusive_cmp(const void *a, const void *b)
{
	const struct exclusive *x = a, *y = b;
	int c = str_cmp(x->id, y->id);

	if (c != 0)
		return (c);
	return (x->dataset < y->dataset ? -1 : x->dataset > y->dataset);
}

/* Who has each attribute, by name id, of the id that is looked at. */
struct claim {
	unsigned turn, dataset;
};

/* Claims the attributes of one dataset for the id of that turn; what is taken
 * is reported, the first of it. */
static void
claim_attributes(struct build *b, const struct exclusive *e, unsigned turn,
    struct claim *claims)
{
	const struct region_dataset *ds = &b->datasets[e->dataset];
	unsigned t, i;

	for (t = 0; t < ds->ntypes; t++)
		for (i = 0; i < ds->types[t].nattributes; i++) {
			const struct name *attr = ds->types[t].attributes[i];
			struct claim *c;

			if (attr == NULL)
				continue; /* complained about already */
			c = &claims[attr->id];
			if (c->turn == turn && c->dataset != e->dataset) {
				sec_error(
				    &b->blocks[BLOCK_DATASET][e->dataset],
				    "mode",
				    "dataset %.*s has attribute <%.*s> of "
				    "%.*s exclusively already",
				    STR_FMT(b->datasets[c->dataset].name),
				    STR_FMT(attr->iri), STR_FMT(e->id));
				return;
			}
			*c = (struct claim){ turn, e->dataset };
		}
}

void
build_exclusive(struct build *b)
{
	struct exclusive *all;
	struct claim *claims;
	unsigned i, k, n = 0, turn = 0;

	for (i = 0; i < b->region->ndatasets; i++)
		if (b->datasets[i].mode == MODE_EXCLUSIVE)
			n += b->datasets[i].nids;
	if (n == 0)
		return;
	all = arena_array(b->scratch, n, sizeof(*all));
	claims = arena_array(b->scratch,
	    (size_t)vocab_size(b->region->vocab) + 1, sizeof(*claims));
	n = 0;
	for (i = 0; i < b->region->ndatasets; i++)
		for (k = 0; b->datasets[i].mode == MODE_EXCLUSIVE &&
		     k < b->datasets[i].nids; k++)
			all[n++] = (struct exclusive){ b->datasets[i].ids[k],
				i };
	qsort(all, n, sizeof(*all), exclusive_cmp);
	for (i = 0; i < n; i++) {
		turn += i == 0 || !str_eq(all[i].id, all[i - 1].id);
		claim_attributes(b, &all[i], turn, claims);
	}
}
