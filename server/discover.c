/* server/discover.c - what there is to ask for; discover.h says what it
 * promises. */
#include "server/discover.h"

#include <stdlib.h>

/* ---- collecting */

void
discover_init(struct discovery *d, enum discover_by by,
    const struct context *context, struct arena *arena)
{
	*d = (struct discovery){ .by = by, .context = context,
		.arena = arena };
}

/* Where a pair is, or belongs. All names are the region's, with ids. */
static uint32_t
slot_find(const struct discovery *d, const struct name *name,
    const struct name *other)
{
	uint32_t id = other != NULL ? other->id : 0;
	uint32_t at = (name->id * UINT32_C(2654435769) ^
			  id * UINT32_C(2246822519)) >> 7 & d->mask;
	const struct discovered *p;

	for (; d->slots[at] != 0; at = (at + 1) & d->mask) {
		p = &d->v[d->slots[at] - 1];
		if (p->name == name && p->other == other)
			break;
	}
	return (at);
}

static void
grow(struct discovery *d)
{
	struct discovered *bigger;

	d->cap = d->cap > 0 ? d->cap * 2 : 64;
	bigger = arena_array(d->arena, d->cap, sizeof(*bigger));
	if (d->n > 0)
		memcpy(bigger, d->v, d->n * sizeof(*bigger));
	d->v = bigger;
	d->mask = d->cap * 2 - 1;
	d->slots = arena_array(d->arena, (size_t)d->mask + 1,
	    sizeof(*d->slots));
	for (uint32_t i = 0; i < d->n; i++)
		d->slots[slot_find(d, d->v[i].name, d->v[i].other)] = i + 1;
}

/* attr NULL: the type itself, which is of no use to a list of attributes.
 * Many datasets have the same names, so a pair is looked up before it costs
 * anything. */
static void
add(struct discovery *d, const struct name *type, const struct name *attr)
{
	bool types = d->by == DISCOVER_TYPES;
	const struct name *name = types ? type : attr;
	const struct name *other = types ? attr : type;
	uint32_t at;

	if (name == NULL)
		return;
	if (d->n == d->cap)
		grow(d);
	at = slot_find(d, name, other);
	if (d->slots[at] != 0)
		return;
	d->v[d->n] = (struct discovered){ .name = name, .other = other };
	d->slots[at] = ++d->n;
}

static void
add_own(struct discovery *d, const struct region_dataset *ds)
{
	for (unsigned i = 0; i < ds->ntypes; i++) {
		const struct region_type *t = &ds->types[i];

		add(d, t->type, NULL);
		for (unsigned k = 0; k < t->nattributes; k++)
			add(d, t->type, t->attributes[k]);
	}
}

static bool
forbidden(const struct policy_leg *leg, const struct policy_grant *grant,
    const struct name *type, const struct name *attr)
{
	for (unsigned i = 0; i < leg->nforbids; i++) {
		const struct region_forbid *f = leg->forbids[i];

		if (policy_forbid_binds(f, grant) &&
		    (f->type == NULL || f->type == type) &&
		    (f->attribute == NULL || f->attribute == attr))
			return (true);
	}
	return (false);
}

/* A type of which nothing is released has no entity in the view. */
static void
add_share(struct discovery *d, const struct policy_leg *leg,
    const struct policy_grant *grant, const struct policy_share *ps)
{
	bool any = false;

	for (uint32_t i = 0; i <= ps->mask; i++) {
		if (ps->attrs[i].release == NULL ||
		    forbidden(leg, grant, ps->type, ps->attrs[i].name))
			continue;
		add(d, ps->type, ps->attrs[i].name);
		any = true;
	}
	if (any)
		add(d, ps->type, NULL);
}

void
discover_legs(struct discovery *d, const struct policy_leg *legs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (legs[i].own)
			add_own(d, legs[i].dataset);
		for (unsigned g = 0; g < legs[i].ngrants; g++)
			for (unsigned s = 0; s < legs[i].grants[g]->nshares;
			     s++)
				add_share(d, &legs[i], legs[i].grants[g],
				    &legs[i].grants[g]->shares[s]);
	}
}

static int
discovered_cmp(const void *a, const void *b)
{
	const struct discovered *x = a, *y = b;
	int c = str_cmp(x->text, y->text);

	return (c != 0 ? c : str_cmp(x->other_text, y->other_text));
}

/* A context writes two names in two ways, so equal texts are one name. */
void
discover_sort(struct discovery *d)
{
	struct discovered *p;

	for (uint32_t i = 0; i < d->n; i++) {
		p = &d->v[i];
		p->text = context_compact(d->context, p->name, d->arena);
		if (p->other != NULL)
			p->other_text = context_compact(d->context, p->other,
			    d->arena);
	}
	if (d->n > 0)
		qsort(d->v, d->n, sizeof(*d->v), discovered_cmp);
}

/* ---- writing */

static const struct {
	const char *list, *names; /* EntityTypeList and its member */
	const char *type, *name, *others; /* EntityType and its members */
} words[] = {
	[DISCOVER_TYPES] = { "EntityTypeList", "typeList", "EntityType",
	    "typeName", "attributeNames" },
	[DISCOVER_ATTRIBUTES] = { "AttributeList", "attributeList",
	    "Attribute", "attributeName", "typeNames" },
};

/* One past the entries of the name at i. */
static uint32_t
run_end(const struct discovery *d, uint32_t i)
{
	const struct name *name = d->v[i].name;

	while (i < d->n && d->v[i].name == name)
		i++;
	return (i);
}

static void
write_head(const char *type, struct str name_iri, const char *member,
    struct str text, struct buf *b)
{
	BUF_LIT(b, "{\"id\":");
	buf_add_json(b, name_iri);
	buf_addf(b, ",\"type\":\"%s\",\"%s\":", type, member);
	buf_add_json(b, text);
}

static void
write_others(const struct discovery *d, uint32_t i, uint32_t end, struct buf *b)
{
	const char *sep = "";

	buf_addf(b, ",\"%s\":[", words[d->by].others);
	for (; i < end; i++) {
		if (d->v[i].other == NULL)
			continue;
		buf_adds(b, str_of(sep));
		buf_add_json(b, d->v[i].other_text);
		sep = ",";
	}
	buf_addc(b, ']');
}

static void
write_end(const struct discover_out *o, struct buf *b)
{
	if (o->ld.p != NULL) {
		BUF_LIT(b, ",\"@context\":");
		buf_add_json(b, o->ld);
	}
	buf_addc(b, '}');
}

static uint32_t
list_names(const struct discover_out *o, struct buf *b)
{
	const struct discovery *d = o->what;
	uint32_t n = 0;

	buf_addf(b, "{\"id\":\"urn:ngsi-ld:%s:", words[d->by].list);
	buf_add_url(b, o->hub_name, "");
	buf_addf(b, "\",\"type\":\"%s\",\"%s\":[", words[d->by].list,
	    words[d->by].names);
	for (uint32_t i = 0; i < d->n; i = run_end(d, i)) {
		if (n++ > 0)
			buf_addc(b, ',');
		buf_add_json(b, d->v[i].text);
	}
	buf_addc(b, ']');
	write_end(o, b);
	return (n);
}

static uint32_t
list_details(const struct discover_out *o, struct buf *b)
{
	const struct discovery *d = o->what;
	uint32_t n = 0;

	buf_addc(b, '[');
	for (uint32_t i = 0, end; i < d->n; i = end) {
		end = run_end(d, i);
		if (n++ > 0)
			buf_addc(b, ',');
		write_head(words[d->by].type, d->v[i].name->iri,
		    words[d->by].name, d->v[i].text, b);
		write_others(d, i, end, b);
		write_end(o, b);
	}
	buf_addc(b, ']');
	return (n);
}

uint32_t
discover_list(const struct discover_out *o, bool details, struct buf *b)
{
	return (details ? list_details(o, b) : list_names(o, b));
}

static void
write_type(const struct discover_out *o, uint32_t i, uint32_t end,
    struct buf *b)
{
	const struct discovery *d = o->what;
	const char *sep = "";

	write_head("EntityTypeInfo", d->v[i].name->iri, "typeName",
	    d->v[i].text, b);
	BUF_LIT(b, ",\"entityCount\":0,\"attributeDetails\":[");
	for (; i < end; i++) {
		if (d->v[i].other == NULL)
			continue;
		buf_adds(b, str_of(sep));
		write_head("Attribute", d->v[i].other->iri, "attributeName",
		    d->v[i].other_text, b);
		BUF_LIT(b, ",\"attributeTypes\":[]}");
		sep = ",";
	}
	buf_addc(b, ']');
	write_end(o, b);
}

static void
write_attribute(const struct discover_out *o, uint32_t i, uint32_t end,
    struct buf *b)
{
	const struct discovery *d = o->what;

	write_head("Attribute", d->v[i].name->iri, "attributeName",
	    d->v[i].text, b);
	BUF_LIT(b, ",\"attributeCount\":0,\"attributeTypes\":[]");
	write_others(d, i, end, b);
	write_end(o, b);
}

bool
discover_one(const struct discover_out *o, const struct name *name,
    struct buf *b)
{
	const struct discovery *d = o->what;

	for (uint32_t i = 0, end; i < d->n; i = end) {
		end = run_end(d, i);
		if (d->v[i].name != name)
			continue;
		if (d->by == DISCOVER_TYPES)
			write_type(o, i, end, b);
		else
			write_attribute(o, i, end, b);
		return (true);
	}
	return (false);
}
