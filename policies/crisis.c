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

struct crisis_wakes
crisis_wakes(const struct region *region, const struct crisis_event *e)
{
	struct crisis_wakes w = { 0, 0, INT64_MAX };
	struct wall_us from, until;

	for (unsigned i = 0; i < region->nagreements; i++) {
		const struct region_crisis *c = crisis_block(
		    &region->agreements[i], e, &from, &until);

		if (c == NULL)
			continue;
		w.n++;
		if (c->max_us > w.max_us)
			w.max_us = c->max_us;
		if (c->report_us < w.report_us)
			w.report_us = c->report_us;
	}
	return (w);
}

#define LENGTH_MIN_US INT64_C(60000000)

const char *
crisis_may_declare(const struct region *region, struct str authority,
    struct str kind, struct str area, int64_t length_us, bool *denied_r,
    struct crisis_wakes *wakes_r)
{
	const struct crisis_row row = { .kind = kind,
		.authority = authority,
		.area = area,
		.until = { INT64_MAX },
		.deadline = { INT64_MAX },
		.confirmed = WALL_ABSENT,
		.ended = WALL_ABSENT };
	const struct tenant *t = tenant_find(&region->tenants, authority);
	struct crisis_event e;
	const char *why = crisis_resolve(region, &row, &e);

	*denied_r = t != NULL && (!t->crisis_authority || t->suspended);
	if (why != NULL)
		return (why);
	*wakes_r = crisis_wakes(region, &e);
	if (wakes_r->n == 0)
		return ("no agreement has such a block of this authority: "
			"there is nothing to widen");
	*denied_r = true;
	if (length_us < LENGTH_MIN_US)
		return ("a crisis lasts a minute at least");
	if (length_us > CRISIS_MAX_US || length_us > wakes_r->max_us)
		return ("this is longer than the agreements allow");
	return (NULL);
}

/* ---- what it makes wider, in words */

static void
add_duration(int64_t us, struct buf *b)
{
	static const struct {
		int64_t us;
		const char *unit;
	} units[] = { { WALL_DAY_US, "d" }, { INT64_C(3600000000), "h" },
		{ 60000000, "min" }, { 1000000, "s" } };
	size_t i = 0;

	if (us == 0) {
		BUF_LIT(b, "unlimited");
		return;
	}
	while (i < 3 && us % units[i].us != 0)
		i++;
	buf_addf(b, "%lld %s", (long long)(us / units[i].us), units[i].unit);
}

/* The shortest of its shares; they may differ. */
static int64_t
history_of(const struct region_agreement *ag)
{
	int64_t us = 0;

	for (unsigned i = 0; i < ag->nshares; i++)
		if (ag->shares[i].history_us > 0 &&
		    (us == 0 || ag->shares[i].history_us < us))
			us = ag->shares[i].history_us;
	return (us);
}

static bool
binds(const struct region_forbid *f, const struct region_agreement *ag)
{
	return (f->crisis_override &&
	    (f->dataset == NULL || f->dataset == ag->dataset) &&
	    (f->consumer == NULL || f->consumer == ag->consumer) &&
	    (f->purpose == NULL || f->purpose == ag->purpose));
}

/* A forbid of the file may stand there once for each of its types. */
static bool
named_before(const struct region *region, unsigned i,
    const struct region_agreement *ag)
{
	for (unsigned k = 0; k < i; k++)
		if (binds(&region->forbids[k], ag) &&
		    str_eq(region->forbids[k].name, region->forbids[i].name))
			return (true);
	return (false);
}

void
crisis_widens(const struct region *region, const struct region_agreement *ag,
    const struct region_crisis *c, struct buf *b)
{
	size_t begin = b->len;

	if (c->history_us > 0) {
		BUF_LIT(b, "history ");
		add_duration(history_of(ag), b);
		BUF_LIT(b, " -> ");
		add_duration(c->history_us, b);
	}
	if (c->rate.count > 0) {
		buf_adds(b, b->len > begin ? STR("; quota ") : STR("quota "));
		buf_adds(b, ag->quota.len > 0 ? ag->quota : STR("none"));
		BUF_LIT(b, " -> ");
		buf_adds(b, c->quota);
	}
	for (unsigned i = 0; i < region->nforbids; i++) {
		if (!binds(&region->forbids[i], ag) ||
		    named_before(region, i, ag))
			continue;
		buf_adds(b, b->len > begin ? STR("; without forbid ") :
					     STR("without forbid "));
		buf_adds(b, region->forbids[i].name);
	}
}
