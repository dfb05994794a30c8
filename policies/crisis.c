/* policies/crisis.c - events and what they wake; see crisis.h. */
#include "policies/crisis.h"

static struct wall_us
earlier(struct wall_us a, struct wall_us b)
{
	return (a.us < b.us ? a : b);
}

static struct wall_us
later(struct wall_us a, struct wall_us b)
{
	return (a.us > b.us ? a : b);
}

void
crisis_window(const struct crisis_row *row, struct wall_us *from_r,
    struct wall_us *until_r)
{
	bool confirmed = row->confirmed.us != WALL_ABSENT.us;
	struct wall_us from = row->declared, until = row->until;

	if (until.us > from.us + CRISIS_MAX_US)
		until.us = from.us + CRISIS_MAX_US;
	if (row->follows)
		from = confirmed ? row->confirmed : until;
	if (!confirmed)
		until = earlier(until, row->deadline);
	if (row->ended.us != WALL_ABSENT.us)
		until = earlier(until, row->ended);
	*from_r = from;
	*until_r = later(from, until);
}

const char *
crisis_resolve(const struct region *region, const struct crisis_row *row,
    struct crisis_event *e)
{
	const struct tenant *t = tenant_find(&region->tenants, row->authority);

	if (t == NULL)
		return ("its authority is no tenant of the region");
	if (!t->crisis_authority)
		return ("its authority is none");
	if (t->suspended)
		return ("its authority is suspended");
	*e = (struct crisis_event){ .id = row->id, .kind = row->kind,
		.authority = t };
	for (unsigned i = 0; i < region->nareas; i++)
		if (str_eq(region->areas[i].name, row->area))
			e->area = &region->areas[i];
	if (e->area == NULL)
		return ("its area is not in the region");
	crisis_window(row, &e->from, &e->until);
	return (NULL);
}

const struct region_crisis *
crisis_block(const struct region_agreement *ag, const struct crisis_event *e,
    struct wall_us *from_r, struct wall_us *until_r)
{
	for (unsigned i = 0; i < ag->ncrises; i++) {
		const struct region_crisis *c = &ag->crises[i];

		if (c->authority != e->authority || !str_eq(c->name, e->kind))
			continue;
		*from_r = later(e->from, ag->from);
		*until_r = earlier(e->until, ag->until);
		until_r->us = until_r->us > e->from.us + c->max_us ?
		    e->from.us + c->max_us : until_r->us;
		return (c);
	}
	return (NULL);
}
