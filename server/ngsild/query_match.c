/* server/ngsild/query_match.c - the parts of a query that look at types, ids
 * and lists of names; query.h says what they promise. */
#include "server/ngsild/boolexpr.h"
#include "server/ngsild/query.h"

static bool
test_type(const void *name, const void *entity)
{
	return (entity_has_type(entity, name));
}

static bool
has_type(const struct boolexpr *expr, const struct entity *e)
{
	return (expr == NULL || boolexpr_test(expr, test_type, e));
}

bool
query_type_match(const struct query *q, const struct entity *e)
{
	return (has_type(q->type_expr, e));
}

bool
query_selectors_match(const struct query *q, const struct entity *e)
{
	const struct selector *s;

	for (unsigned i = 0; i < q->nselectors; i++) {
		s = &q->selectors[i];
		if (has_type(s->type_expr, e) &&
		    (s->id.p == NULL || str_eq(s->id, e->id)) &&
		    (s->id_pattern_re == NULL ||
			pattern_match(s->id_pattern_re, e->id)))
			return (true);
	}
	return (q->nselectors == 0);
}

static bool
has_id(const struct query *q, const struct entity *e)
{
	for (unsigned i = 0; i < q->nids; i++)
		if (str_eq(q->ids[i], e->id))
			return (true);
	return (q->nids == 0);
}

bool
query_asked(const struct query *q, const struct entity *e)
{
	bool any = q->ntypes == 0;

	for (unsigned i = 0; i < q->ntypes && !any; i++)
		any = entity_has_type(e, q->types[i]);
	return (any && has_id(q, e) &&
	    (q->id_pattern_re == NULL ||
		pattern_match(q->id_pattern_re, e->id)));
}

bool
query_selects_late(const struct query *q)
{
	return (q->q != NULL || q->geo != NULL || q->scope_q != NULL ||
	    q->nselectors > 0 ||
	    (q->type_expr != NULL && boolexpr_has_and(q->type_expr)));
}

bool
query_names_type(const struct query *q, const struct name *type)
{
	for (unsigned i = 0; i < q->ntypes; i++)
		if (q->types[i] == type)
			return (true);
	return (q->ntypes == 0);
}

bool
query_attrs_match(const struct query *q, const struct entity *e)
{
	for (unsigned i = 0; i < q->nattrs; i++)
		if (entity_attr(e, q->attrs[i]) != NULL)
			return (true);
	return (q->nattrs == 0);
}

bool
query_filter_match(const struct query *q, const struct entity *e,
    struct names *names)
{
	return (query_scope_match(q, e) &&
	    (q->q == NULL || q_match(q->q, e, names)) &&
	    (q->geo == NULL || geo_match(q->geo, e)));
}

bool
query_match(const struct query *q, const struct entity *e, struct names *names)
{
	return (query_type_match(q, e) && query_selectors_match(q, e) &&
	    has_id(q, e) &&
	    (q->id_pattern_re == NULL ||
		pattern_match(q->id_pattern_re, e->id)) &&
	    query_attrs_match(q, e) && query_filter_match(q, e, names));
}

/* ---- projection */

static bool
in_list(const struct name *const *list, unsigned n, const struct name *name)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == name)
			return (true);
	return (false);
}

static bool
shows_dataset(const struct query *q, struct str id)
{
	if (q->ndatasets == 0 && !q->default_instance)
		return (true);
	if (id.p == NULL)
		return (q->default_instance);
	for (unsigned i = 0; i < q->ndatasets; i++)
		if (str_eq(q->datasets[i], id))
			return (true);
	return (false);
}

static bool
shows(const struct query *q, const struct instance *in)
{
	return ((q->pick == NULL || in_list(q->pick, q->npick, in->name)) &&
		!in_list(q->omit, q->nomit, in->name) &&
		shows_dataset(q, in->dataset_id));
}

void
query_project(const struct query *q, struct entity *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->ninstances; i++)
		if (shows(q, &e->instances[i]))
			instance_keep(e->instances, n++, &e->instances[i]);
	e->ninstances = n;
	if (q->hide_scope)
		e->scope = (struct member){ 0 };
}
