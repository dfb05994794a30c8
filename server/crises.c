/* server/crises.c - telling providers of crises; see crises.h. */
#include "server/crises.h"

#include "policies/policy.h"
#include "server/base/log.h"

static void
tell_one(struct db *db, const struct region *region,
    const struct crisis_event *e, const struct region_agreement *ag,
    const struct region_crisis *block)
{
	bool first = false;
	enum hub_err err;
	struct buf b;

	buf_init(&b, 4000);
	crisis_widens(region, ag, block, &b);
	err = crisis_note(db, e->id, ag, b.failed ? STR_NONE : buf_str(&b),
	    &first);
	if (err != HUB_OK)
		log_err("the provider could not be told of a crisis",
		    "event=%lld agreement=%.*s", (long long)e->id,
		    STR_FMT(ag->name));
	else if (first)
		log_warn("a crisis widens an agreement: its provider is told",
		    "event=%lld kind=%.*s agreement=%.*s provider=%.*s "
		    "consumer=%.*s", (long long)e->id, STR_FMT(e->kind),
		    STR_FMT(ag->name), STR_FMT(ag->provider->name),
		    STR_FMT(ag->consumer->name));
	buf_clear(&b);
}

void
crises_tell_providers(struct db *db, const struct region *region,
    const struct crisis_row *rows, unsigned n)
{
	struct wall_us from, until;
	struct crisis_event e;

	for (unsigned i = 0; i < n; i++) {
		if (crisis_resolve(region, &rows[i], &e) != NULL ||
		    e.from.us >= e.until.us)
			continue;
		for (unsigned k = 0; k < region->nagreements; k++) {
			const struct region_agreement *ag =
			    &region->agreements[k];
			const struct region_crisis *block = crisis_block(ag,
			    &e, &from, &until);

			if (block != NULL && policy_in_force(ag))
				tell_one(db, region, &e, ag, block);
		}
	}
}
