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
			e->instances[n++] = e->instances[i];
	e->ninstances = n;
	if (q->hide_scope)
		e->scope = (struct member){ 0 };
}
