/* policies/registration_conflict.c - may a registration be beside another, or
 * beside a dataset (ETSI GS CIM 009, 4.3.6.3)? registration.h says what it
 * promises. */
#include "policies/registration_priv.h"

/* Is there an attribute that both name, or name by naming none? */
static bool
share_attr(const struct registration_info *a,
    const struct registration_info *b)
{
	for (unsigned i = 0; i < a->properties.n; i++)
		if (info_has_attr(b, a->properties.v[i]))
			return (true);
	for (unsigned i = 0; i < a->relationships.n; i++)
		if (info_has_attr(b, a->relationships.v[i]))
			return (true);
	return (a->properties.n + a->relationships.n == 0);
}

static bool
same_type(const struct registration_names *a,
    const struct registration_names *b)
{
	for (unsigned i = 0; i < a->n; i++)
		if (has_name(b, a->v[i]))
			return (true);
	return (false);
}

/* info has an entity of that id (of those types, if the other says types
 * only: an id of another type is another entity then). */
static bool
info_claims(const struct registration_info *info,
    const struct registration_entity *e)
{
	for (unsigned i = 0; i < info->nentities; i++) {
		const struct registration_entity *o = &info->entities[i];

		if (o->id.p != NULL ? str_eq(o->id, e->id) :
				      same_type(&o->types, &e->types) &&
			    entity_has_id(o, e->id))
			return (true);
	}
	return (info->nentities == 0);
}

/* ---- one attribute in common, whatever the entity: of a thousand registrations
 * most are told apart by that, with one look at each name */

#define SEEN_BITS 11
_Static_assert(REGISTRATION_NAMES_MAX < 1 << (SEEN_BITS - 1),
    "a table of names must stay half empty");

struct seen {
	const struct name *v[1 << SEEN_BITS];
};

/* The place of a name, or the free one where it belongs. */
static const struct name **
seen_place(struct seen *s, const struct name *name)
{
	uint64_t h = (uint64_t)(uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = h >> (64 - SEEN_BITS);

	while (s->v[at] != NULL && s->v[at] != name)
		at = (at + 1) & ((1 << SEEN_BITS) - 1);
	return (&s->v[at]);
}

static bool
seen_any(struct seen *s, const struct registration_names *names, bool add)
{
	bool any = false;

	for (unsigned i = 0; i < names->n; i++) {
		const struct name **at = seen_place(s, names->v[i]);

		any |= *at != NULL;
		if (add)
			*at = names->v[i];
	}
	return (any);
}

/* true also where one of them names none: then it has all. */
static bool
may_share_attr(const struct registration *a, const struct registration *b)
{
	const struct registration *both[2] = { a, b };
	struct seen s = { { NULL } };
	bool any = false;

	for (unsigned r = 0; r < 2; r++)
		for (unsigned i = 0; i < both[r]->information.n; i++) {
			const struct registration_info *info =
			    &both[r]->information.v[i];
			bool met = seen_any(&s, &info->properties, r == 0);

			met |= seen_any(&s, &info->relationships, r == 0);
			any |= (r == 1 && met) ||
			    info->properties.n + info->relationships.n == 0;
		}
	return (any);
}

static bool
info_claims_any(const struct registration_info *info,
    const struct registration_info *mine)
{
	for (unsigned e = 0; e < mine->nentities; e++)
		if (info_claims(info, &mine->entities[e]))
			return (true);
	return (false);
}

/* x is exclusive: every entity of it has an id, every part its attributes. */
static bool
exclusive_conflict(const struct registration *x, const struct registration *o)
{
	if (!may_share_attr(x, o))
		return (false);
	for (unsigned i = 0; i < x->information.n; i++)
		for (unsigned k = 0; k < o->information.n; k++) {
			const struct registration_info *mine =
			    &x->information.v[i];
			const struct registration_info *theirs =
			    &o->information.v[k];

			if (share_attr(mine, theirs) &&
			    info_claims_any(theirs, mine))
				return (true);
		}
	return (false);
}

static bool
claims(enum region_mode mode)
{
	return (mode == MODE_EXCLUSIVE || mode == MODE_REDIRECT);
}

bool
registration_conflict(const struct registration *a,
    const struct registration *b)
{
	if (!claims(a->mode.value) || !claims(b->mode.value))
		return (false);
	if (a->mode.value == MODE_EXCLUSIVE)
		return (exclusive_conflict(a, b));
	return (b->mode.value == MODE_EXCLUSIVE && exclusive_conflict(b, a));
}

static bool
type_has_attr(const struct region_type *t, const struct name *attr)
{
	for (unsigned i = 0; i < t->nattributes; i++)
		if (t->attributes[i] == attr)
			return (true);
	return (t->nattributes == 0);
}

static bool
dataset_shares(const struct registration_info *info,
    const struct region_type *t)
{
	bool any = info->properties.n + info->relationships.n == 0;

	for (unsigned i = 0; i < info->properties.n && !any; i++)
		any = type_has_attr(t, info->properties.v[i]);
	for (unsigned i = 0; i < info->relationships.n && !any; i++)
		any = type_has_attr(t, info->relationships.v[i]);
	return (any);
}

/* An entity of the part that the dataset holds, too. Where one of them is a
 * pattern the other is an id: exclusive ones have ids. */
static bool
dataset_claims(const struct region_dataset *ds, const struct region_type *t,
    const struct registration_entity *e)
{
	for (unsigned i = 0; i < ds->nids; i++) {
		bool glob = str_chr(ds->ids[i], '*') < ds->ids[i].len;

		if (e->id.p != NULL ? str_glob(ds->ids[i], e->id) &&
				(!glob || has_name(&e->types, t->type)) :
			!glob && entity_has_id(e, ds->ids[i]) &&
				has_name(&e->types, t->type))
			return (true);
	}
	return (false);
}

static bool
dataset_part(const struct registration_info *info,
    const struct region_dataset *ds, const struct region_type *t)
{
	for (unsigned i = 0; i < info->nentities; i++)
		if (dataset_claims(ds, t, &info->entities[i]))
			return (true);
	return (info->nentities == 0);
}

bool
registration_conflict_dataset(const struct registration *reg,
    const struct region_dataset *ds)
{
	if (!claims(reg->mode.value) || !claims(ds->mode) ||
	    (reg->mode.value != MODE_EXCLUSIVE && ds->mode != MODE_EXCLUSIVE))
		return (false);
	for (unsigned i = 0; i < reg->information.n; i++)
		for (unsigned t = 0; t < ds->ntypes; t++)
			if (dataset_shares(&reg->information.v[i],
				&ds->types[t]) &&
			    dataset_part(&reg->information.v[i], ds,
				&ds->types[t]))
				return (true);
	return (false);
}
