/* policies/redact_like.c - see redact_like.h. Of the merge of 3 x 1000 entities
 * an eighth of the instructions went into judging alike what is alike. */
#include "policies/redact_like.h"

struct verdict {
	const struct name *name;
	const struct release *release; /* NULL: nothing */
	uint64_t grants;
};

struct redacted {
	const struct policy_leg *leg; /* NULL: nothing is kept */
	struct granted granted;
	unsigned ntypes, n, cap;
	const struct name *types[ENTITY_TYPES_MAX];
	struct verdict *of; /* per instance */
};

/* Is there nothing that was not there before, neither? An instance that is void
 * or may have expired is for redact.c to see. */
static bool
is_like(const struct redacted *r, const struct entity *e)
{
	if (e->ninstances != r->n || e->ntypes != r->ntypes)
		return (false);
	for (unsigned i = 0; i < r->ntypes; i++)
		if (e->types[i] != r->types[i])
			return (false);
	for (unsigned i = 0; i < r->n; i++)
		if (e->instances[i].name != r->of[i].name ||
		    e->instances[i].kind == ATTR_NONE ||
		    e->instances[i].expires_at != 0)
			return (false);
	return (true);
}

const struct granted *
redacted_apply(struct names *names, const struct policy_leg *leg,
    struct entity *e)
{
	const struct redacted *r = names->redacted;
	unsigned n = 0;

	if (r == NULL || r->leg != leg || !is_like(r, e))
		return (NULL);
	for (unsigned i = 0; i < r->n; i++) {
		struct instance *in = &e->instances[i];

		if (r->of[i].release == NULL)
			continue;
		in->release = r->of[i].release;
		in->grants = r->of[i].grants;
		if (!in->release->modified_at)
			in->modified_at = 0;
		instance_keep(e->instances, n++, in);
	}
	e->ninstances = n;
	return (&r->granted);
}

struct redacted *
redacted_begin(struct names *names, const struct entity *e)
{
	struct redacted *r = names->redacted;

	if (r == NULL)
		r = names->redacted = arena_alloc(names->arena, sizeof(*r));
	r->leg = NULL;
	if (e->ninstances > r->cap) {
		r->cap = e->ninstances > 2 * r->cap ? e->ninstances :
						      2 * r->cap;
		r->of = arena_raw(names->arena, r->cap * sizeof(*r->of));
	}
	r->n = e->ninstances;
	for (unsigned i = 0; i < r->n; i++)
		r->of[i] = (struct verdict){ .name = e->instances[i].name };
	r->ntypes = e->ntypes;
	memcpy(r->types, e->types, r->ntypes * sizeof(r->types[0]));
	return (r);
}

void
redacted_note(struct redacted *r, unsigned i, const struct instance *in)
{
	assert(i < r->n);
	if (in == NULL)
		return;
	r->of[i].release = in->release;
	r->of[i].grants = in->grants;
}

void
redacted_keep(struct redacted *r, const struct policy_leg *leg,
    const struct granted *g)
{
	r->granted = *g;
	r->leg = leg;
}
