/* policies/region_diff_area.c - differences of areas: what they are called and
 * where their borders are. */
#include "policies/policy.h"
#include "policies/region_diff_priv.h"

static const struct region_area *
area_find(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->nareas; i++)
		if (str_eq(r->areas[i].name, name))
			return (&r->areas[i]);
	return (NULL);
}

static bool
share_uses(const struct region_share *s, struct str area)
{
	for (unsigned i = 0; i < s->ninside; i++)
		if (str_eq(s->inside[i]->name, area))
			return (true);
	for (unsigned i = 0; i < s->noutside; i++)
		if (str_eq(s->outside[i]->name, area))
			return (true);
	return (false);
}

static bool
area_used(const struct region *r, struct str area)
{
	for (unsigned i = 0; i < r->nagreements; i++)
		for (unsigned k = 0; policy_in_force(&r->agreements[i]) &&
		     k < r->agreements[i].nshares; k++)
			if (share_uses(&r->agreements[i].shares[k], area))
				return (true);
	return (false);
}

static bool
points_same(const struct point *a, const struct point *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a[i].lon != b[i].lon || a[i].lat != b[i].lat)
			return (false);
	return (true);
}

bool
geometry_same(const struct geometry *a, const struct geometry *b)
{
	if (a->kind != b->kind || a->npoints != b->npoints ||
	    a->npolygons != b->npolygons || a->nlines != b->nlines ||
	    !points_same(a->points, b->points, a->npoints))
		return (false);
	for (unsigned i = 0; i < a->nlines; i++)
		if (a->lines[i].n != b->lines[i].n)
			return (false);
	for (unsigned i = 0; i < a->npolygons; i++) {
		const struct polygon *x = &a->polygons[i],
				     *y = &b->polygons[i];

		if (x->nrings != y->nrings)
			return (false);
		for (unsigned k = 0; k < x->nrings; k++)
			if (x->rings[k].n != y->rings[k].n)
				return (false);
	}
	return (true);
}

void
diff_areas(struct diff *d)
{
	static const struct sentence AREA = { "area $n", "Gebiet $n" };
	static const struct sentence moved = { "$s: its borders changed.",
		"$s: die Grenzen sind andere." };
	static const struct sentence ags = { "the AGS", "der AGS" };
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->nareas; i++) {
		const struct region_area *is = &d->after->areas[i],
					 *was = area_find(d->before, is->name);

		a.s = diff_subject(d, AREA, is->name);
		if (was == NULL) {
			diff_new(d, CHANGE_NEUTRAL, &a);
			continue;
		}
		diff_text(d, CHANGE_NEUTRAL, ags, was->ags, is->ags, &a);
		if (!geometry_same(&was->geometry, &is->geometry))
			diff_say(d, area_used(d->after, is->name) ?
				CHANGE_WIDENS : CHANGE_NEUTRAL, moved, &a);
	}
	for (unsigned i = 0; i < d->before->nareas; i++)
		if (area_find(d->after, d->before->areas[i].name) == NULL) {
			a.s = diff_subject(d, AREA, d->before->areas[i].name);
			diff_gone(d, CHANGE_NEUTRAL, &a);
		}
}
