/* server/hubctl/logged.c - a question read back from the decision log; see
 * explain_logged.h. */
#include "server/hubctl/explain_logged.h"

bool
logged_planned(const struct decision *d)
{
	static const char *const codes[] = { "", "NO_GRANT", "QUOTA",
		"SOURCE_FAILED", "STALE" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (str_eq(d->reason, str_of(codes[i])))
			return (d->tenant.len > 0);
	return (false);
}

const struct decision_source *
logged_source(const struct decision *d, struct str dataset)
{
	for (unsigned i = 0; i < d->nsources; i++)
		if (str_eq(d->sources[i].dataset, dataset))
			return (&d->sources[i]);
	return (NULL);
}

static bool
action_of(struct str name, enum region_action *action_r)
{
	static const struct {
		const char *name;
		enum region_action action;
	} table[] = { { "query", ACTION_QUERY }, { "map-create", ACTION_QUERY },
		{ "retrieve", ACTION_RETRIEVE },
		{ "temporal", ACTION_TEMPORAL } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_eq(name, str_of(table[i].name))) {
			*action_r = table[i].action;
			return (true);
		}
	return (false);
}

static const struct name **
names_of(struct logged *l, const struct decision_names *from, struct arena *a)
{
	const struct name **v = arena_array(a, from->n + 1, sizeof(*v));

	for (unsigned i = 0; i < from->n; i++)
		v[i] = names_iri(&l->names, from->v[i]);
	return (v);
}

bool
logged_question(const struct decision *d, const struct region *region,
    struct arena *a, struct logged *l)
{
	*l = (struct logged){ .pq = { .at = d->at } };
	l->pq.consumer = tenant_find(&region->tenants, d->tenant);
	if (!logged_planned(d) || !action_of(d->action, &l->pq.action) ||
	    l->pq.consumer == NULL || l->pq.consumer->suspended)
		return (false);
	if (d->purpose.len > 0)
		l->pq.purpose = region_purpose_find(region, d->purpose);
	if (d->purpose.len > 0 && l->pq.purpose == NULL)
		return (false);
	names_init(&l->names, region->vocab, a);
	l->query.types = names_of(l, &d->types, a);
	l->query.ntypes = l->pq.ntypes = d->types.n;
	l->pq.types = l->query.types;
	l->query.attrs = names_of(l, &d->attrs_asked, a);
	l->query.nattrs = d->attrs_asked.n;
	l->predicates = arena_array(a, d->npredicates + 1,
	    sizeof(*l->predicates));
	for (unsigned i = 0; i < d->npredicates; i++)
		l->predicates[l->npredicates++] = names_iri(&l->names,
		    d->predicates[i].attr);
	return (true);
}
