/* policies/policy_state.c - how agreements stand; policy_state.h says what it
 * promises. */
#include "policies/policy_state.h"

/* Is it in a plan for its own consumer and purpose then? */
static bool
is_planned(const struct policy_set *set, const struct region_agreement *ag,
    struct wall_us at, struct arena *a)
{
	static const enum region_action actions[] = { ACTION_QUERY,
		ACTION_RETRIEVE, ACTION_TEMPORAL };
	const struct policy_leg *legs;
	struct policy_query q = { .consumer = ag->consumer,
		.purpose = ag->purpose, .at = at };
	unsigned n;

	for (size_t k = 0; k < sizeof(actions) / sizeof(actions[0]); k++) {
		q.action = actions[k];
		policy_plan(set, &q, a, &legs, &n);
		for (unsigned i = 0; i < n; i++)
			for (unsigned g = 0; g < legs[i].ngrants; g++)
				if (legs[i].grants[g]->agreement == ag)
					return (true);
	}
	return (false);
}

enum policy_state
policy_state(const struct policy_set *set, const struct region_agreement *ag,
    struct wall_us at, struct arena *a)
{
	if (is_planned(set, ag, at, a))
		return (STATE_IN_FORCE);
	if (!ag->signed_by_provider || !ag->signed_by_consumer)
		return (STATE_DRAFT);
	if (!policy_in_force(ag))
		return (STATE_SUSPENDED);
	if (at.us < ag->from.us)
		return (STATE_NOT_YET);
	return (at.us >= ag->until.us ? STATE_EXPIRED : STATE_NOT_SERVED);
}

struct both
policy_state_words(enum policy_state state)
{
	static const struct sentence words[STATE_MAX] = {
		[STATE_DRAFT] = { "draft", "Entwurf" },
		[STATE_SUSPENDED] = { "suspended", "gesperrt" },
		[STATE_NOT_YET] = { "not yet", "künftig" },
		[STATE_EXPIRED] = { "expired", "abgelaufen" },
		[STATE_NOT_SERVED] = { "not served", "nicht bedient" },
		[STATE_IN_FORCE] = { "in force", "in Kraft" },
	};

	assert(state < STATE_MAX);
	return ((struct both){ str_of(words[state].en),
	    str_of(words[state].de) });
}
