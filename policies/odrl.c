/* policies/odrl.c - agreements as ODRL; odrl.h says what it promises. */
#include "policies/odrl.h"

#include <inttypes.h>
#include <stdlib.h>

#include "policies/catalogue.h"
#include "policies/jsonld.h"
#include "policies/licence.h"
#include "policies/region_words.h"

#define PROFILE "urn:drehscheibe:odrl:"

struct writer {
	const struct region *region;
	struct arena *arena;
};

static struct json_t *
constraint(const char *left, const char *operator, struct json_t *right)
{
	struct json_t *o = ld_object();

	ld_set(o, "@type", ld_word("odrl:Constraint"));
	ld_set(o, "odrl:leftOperand", ld_reference(left));
	ld_set(o, "odrl:operator", ld_reference(operator));
	ld_set(o, "odrl:rightOperand", right);
	return (o);
}

/* A list of IRIs, of which any will do. */
static struct json_t *
any_of(const char *left, struct json_t *iris)
{
	return (constraint(left, "odrl:isAnyOf", iris));
}

static struct json_t *
moment(const char *operator, struct wall_us at)
{
	char then[WALL_STR_MAX];

	wall_format(at, then);
	return (constraint("odrl:dateTime", operator,
	    ld_value(str_of(then), "@type", "xsd:dateTime")));
}

static struct json_t *
duration(const struct writer *w, int64_t us)
{
	int64_t ms = us / 1000;
	const char *length;

	if (us % WALL_DAY_US == 0)
		length = arena_printf(w->arena, "P%" PRId64 "D",
		    us / WALL_DAY_US);
	else
		length = arena_printf(w->arena, "PT%" PRId64 ".%03dS",
		    ms / 1000, (int)(ms % 1000));
	return (ld_value(str_of(length), "@type", "xsd:duration"));
}

/* ---- the target */

static struct json_t *
target(const struct writer *w, const struct region_dataset *ds,
    struct json_t *refinements)
{
	struct json_t *o = ld_object();

	ld_set(o, "@type", ld_word("odrl:AssetCollection"));
	ld_set(o, "odrl:source",
	    ld_reference(urn_of(w->arena, "dataset", ds->name)));
	ld_set(o, "odrl:refinement", refinements);
	return (o);
}

static struct json_t *
iri(const struct name *name)
{
	struct json_t *o = ld_object();

	ld_set(o, "@id", ld_text(name->iri));
	return (o);
}

static struct json_t *
type_refinement(const struct name *type)
{
	return (constraint("ngsi-ld:entityType", "odrl:eq", iri(type)));
}

/* A sub-attribute that is released: of an attribute, behind it. */
static struct json_t *
sub_refinement(const struct region_path *path)
{
	struct json_t *o = ld_object();

	ld_set(o, "hub:property", iri(path->attr));
	ld_set(o, "hub:subProperty", iri(path->sub));
	return (constraint("hub:released", "odrl:eq", o));
}

static struct json_t *
transform_refinement(const struct writer *w, const struct region_transform *t)
{
	struct json_t *o = ld_object();

	ld_set(o, "hub:property", iri(t->attr));
	ld_set(o, "dct:description",
	    ld_text(words_transform(&t->t, w->arena).en));
	return (constraint("hub:transformed", "odrl:eq", o));
}

/* Attributes as they are; of one that is changed how, in words. */
static struct json_t *
share_refinements(const struct writer *w, const struct region_share *s)
{
	struct json_t *all = ld_list(), *names = ld_list();

	ld_add(all, type_refinement(s->type));
	for (unsigned i = 0; i < s->nallow; i++)
		if (s->allow[i].sub == NULL)
			ld_add(names, iri(s->allow[i].attr));
	for (unsigned i = 0; i < s->ntransforms; i++)
		if (!share_allows_iri(s, s->transforms[i].attr->iri, STR_NONE))
			ld_add(names, iri(s->transforms[i].attr));
	ld_add(all, any_of("ngsi-ld:property", names));
	for (unsigned i = 0; i < s->nallow; i++)
		if (s->allow[i].sub != NULL)
			ld_add(all, sub_refinement(&s->allow[i]));
	for (unsigned i = 0; i < s->ntransforms; i++)
		if (share_transform_find(s, s->transforms[i].attr->iri) ==
		    &s->transforms[i])
			ld_add(all, transform_refinement(w,
			    &s->transforms[i]));
	return (all);
}

/* ---- constraints and duties */

static struct json_t *
areas(const struct writer *w, const struct region_area *const *list, unsigned n)
{
	struct json_t *all = ld_list();
	const char *place;

	for (unsigned i = 0; i < n; i++) {
		place = place_of(w->arena, w->region, list[i]->ags);
		ld_add(all, ld_reference(place != NULL ? place :
		    urn_of(w->arena, "area", list[i]->name)));
	}
	return (all);
}

static void
add_place(const struct writer *w, const struct region_share *s, struct json_t *list)
{
	if (s->ninside > 0)
		ld_add(list, any_of("odrl:spatial",
		    areas(w, s->inside, s->ninside)));
	if (s->noutside > 0)
		ld_add(list, constraint("odrl:spatial", "odrl:isNoneOf",
		    areas(w, s->outside, s->noutside)));
	if (s->ninside + s->noutside > 0 && s->buffer_m > 0)
		ld_add(list, constraint("hub:buffer", "odrl:lteq",
		    ld_text(words_metres(s->buffer_m, w->arena).en)));
}

static struct json_t *
share_constraints(const struct writer *w, const struct region_agreement *ag,
    const struct region_share *s)
{
	struct json_t *list = ld_list();

	ld_add(list, constraint("odrl:purpose", "odrl:eq",
	    ld_reference(urn_of(w->arena, "purpose", ag->purpose->name))));
	ld_add(list, moment("odrl:gteq", ag->from));
	ld_add(list, moment("odrl:lt", ag->until));
	add_place(w, s, list);
	if (s->history_us > 0)
		ld_add(list, constraint("hub:history", "odrl:lteq",
		    duration(w, s->history_us)));
	if (s->delay_us > 0)
		ld_add(list, constraint("odrl:delayPeriod", "odrl:gteq",
		    duration(w, s->delay_us)));
	if (ag->quota.len > 0)
		ld_add(list, constraint("hub:requestRate", "odrl:lteq",
		    ld_text(ag->quota)));
	return (list);
}

/* Naming the provider, if the licence asks for it. */
static struct json_t *
duty(const struct writer *w, const struct region_dataset *ds)
{
	struct json_t *o = ld_object();

	ld_set(o, "@type", ld_word("odrl:Duty"));
	ld_set(o, "odrl:action", ld_reference("odrl:attribute"));
	ld_set(o, "odrl:attributedParty", ld_reference(urn_of(w->arena,
	    "tenant", ds->source->owner->name)));
	ld_set(o, "dct:description", ld_text(ds->attribution));
	return (o);
}

/* ODRL knows reading; what of NGSI-LD is meant by it is a refinement. */
static struct json_t *
action(unsigned actions)
{
	static const struct {
		unsigned action;
		const char *name;
	} table[] = { { ACTION_QUERY, "query" },
		{ ACTION_RETRIEVE, "retrieve" },
		{ ACTION_TEMPORAL, "temporal" },
		{ ACTION_SUBSCRIBE, "subscribe" } };
	struct json_t *o = ld_object(), *names = ld_list();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((actions & table[i].action) != 0)
			ld_add(names, ld_word(table[i].name));
	ld_set(o, "rdf:value", ld_reference("odrl:read"));
	ld_set(o, "odrl:refinement", any_of("hub:operation", names));
	return (o);
}

static struct json_t *
permission(const struct writer *w, const struct region_agreement *ag,
    const struct region_share *s)
{
	const struct region_dataset *ds = ag->dataset;
	struct json_t *o = ld_object();

	ld_set(o, "@type", ld_word("odrl:Permission"));
	ld_set(o, "odrl:target", target(w, ag->dataset,
	    share_refinements(w, s)));
	ld_set(o, "odrl:action", action(ag->actions));
	ld_set(o, "odrl:constraint", share_constraints(w, ag, s));
	if (licence_find(ds->licence) != NULL && ds->attribution.len > 0)
		ld_set(o, "odrl:duty", duty(w, ds));
	return (o);
}

/* What the same permissions become while an authority has declared it. */
static struct json_t *
crisis(const struct writer *w, const struct region_agreement *ag,
    const struct region_crisis *c)
{
	struct json_t *o = ld_object(), *list = ld_list();

	ld_add(list, constraint("hub:crisis", "odrl:eq", ld_text(c->name)));
	ld_add(list, constraint("hub:crisisAuthority", "odrl:eq",
	    ld_reference(urn_of(w->arena, "tenant", c->authority->name))));
	ld_add(list, constraint("odrl:elapsedTime", "odrl:lteq",
	    duration(w, c->max_us)));
	if (c->history_us > 0)
		ld_add(list, constraint("hub:history", "odrl:lteq",
		    duration(w, c->history_us)));
	if (c->quota.len > 0)
		ld_add(list, constraint("hub:requestRate", "odrl:lteq",
		    ld_text(c->quota)));
	ld_set(o, "@type", ld_word("odrl:Permission"));
	ld_set(o, "odrl:target", ld_reference(urn_of(w->arena, "dataset",
	    ag->dataset->name)));
	ld_set(o, "odrl:action", action(ag->actions));
	ld_set(o, "odrl:constraint", list);
	return (o);
}

static bool
binds(const struct region_forbid *f, const struct region_agreement *ag)
{
	return ((f->dataset == NULL || f->dataset == ag->dataset) &&
	    (f->consumer == NULL || f->consumer == ag->consumer) &&
	    (f->purpose == NULL || f->purpose == ag->purpose));
}

static struct json_t *
prohibition(const struct writer *w, const struct region_agreement *ag,
    const struct region_forbid *f)
{
	struct json_t *o = ld_object(), *list = ld_list();

	if (f->type != NULL)
		ld_add(list, type_refinement(f->type));
	if (f->attribute != NULL)
		ld_add(list, constraint("ngsi-ld:property", "odrl:eq",
		    iri(f->attribute)));
	ld_set(o, "@type", ld_word("odrl:Prohibition"));
	ld_set(o, "@id", ld_word(arena_printf(w->arena, "%s:%s",
	    urn_of(w->arena, "agreement", ag->name),
	    urn_of(w->arena, "forbid", f->name) + sizeof("urn:drehscheibe"))));
	ld_set(o, "odrl:target", target(w, ag->dataset, list));
	ld_set(o, "odrl:action", ld_reference("odrl:use"));
	if (f->reason.len > 0)
		ld_set(o, "dct:description", ld_text(f->reason));
	return (o);
}

/* ---- the policy */

static struct json_t *
party(const struct writer *w, const struct tenant *t)
{
	struct json_t *o = ld_reference(urn_of(w->arena, "tenant", t->name));

	ld_set(o, "@type", ld_word("odrl:Party"));
	ld_set(o, "foaf:name", ld_text(t->title.len > 0 ? t->title : t->name));
	return (o);
}

static struct json_t *
policy(const struct writer *w, const struct region_agreement *ag)
{
	bool both = ag->signed_by_provider && ag->signed_by_consumer;
	struct json_t *o = ld_reference(arena_printf(w->arena, "%s:%u",
	    urn_of(w->arena, "agreement", ag->name), ag->version));
	struct json_t *permissions = ld_list(), *prohibitions = ld_list();

	for (unsigned i = 0; i < ag->nshares; i++)
		ld_add(permissions, permission(w, ag, &ag->shares[i]));
	for (unsigned i = 0; i < ag->ncrises; i++)
		ld_add(permissions, crisis(w, ag, &ag->crises[i]));
	for (unsigned i = 0; i < w->region->nforbids; i++)
		if (binds(&w->region->forbids[i], ag))
			ld_add(prohibitions, prohibition(w, ag,
			    &w->region->forbids[i]));
	ld_set(o, "@type", ld_word(both ? "odrl:Agreement" : "odrl:Offer"));
	ld_set(o, "odrl:profile", ld_reference(PROFILE));
	ld_set(o, "odrl:conflict", ld_reference("odrl:prohibit"));
	ld_set(o, "dct:identifier", ld_text(ag->name));
	ld_set(o, "dct:hasVersion", ld_integer(ag->version));
	if (ag->document.len > 0)
		ld_set(o, "dct:source", ld_text(ag->document));
	ld_set(o, "odrl:assigner", party(w, ag->provider));
	ld_set(o, "odrl:assignee", party(w, ag->consumer));
	ld_set(o, "odrl:permission", permissions);
	if (ld_count(prohibitions) > 0)
		ld_set(o, "odrl:prohibition", prohibitions);
	else
		ld_drop(prohibitions);
	return (o);
}

static struct json_t *
prefixes(void)
{
	static const char *const table[][2] = {
		{ "odrl", "http://www.w3.org/ns/odrl/2/" },
		{ "dct", "http://purl.org/dc/terms/" },
		{ "foaf", "http://xmlns.com/foaf/0.1/" },
		{ "rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#" },
		{ "xsd", "http://www.w3.org/2001/XMLSchema#" },
		{ "ngsi-ld", "https://uri.etsi.org/ngsi-ld/" },
		{ "hub", PROFILE },
	};
	struct json_t *o = ld_object();

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		ld_set(o, table[i][0], ld_word(table[i][1]));
	return (o);
}

static int
name_cmp(const void *a, const void *b)
{
	const struct region_agreement *const *x = a, *const *y = b;

	return (str_cmp((*x)->name, (*y)->name));
}

void
odrl_write(const struct region *region, const struct tenant *who,
    struct buf *b)
{
	struct writer w = { region, arena_new() };
	const struct region_agreement **list = arena_array(w.arena,
	    region->nagreements + 1, sizeof(struct region_agreement *));
	struct json_t *o = ld_object(), *all = ld_list();
	unsigned n = 0;

	for (unsigned i = 0; i < region->nagreements; i++) {
		const struct region_agreement *ag = &region->agreements[i];

		if (who == NULL || ag->provider == who || ag->consumer == who)
			list[n++] = ag;
	}
	/* In byte order of name, whatever files they are in. */
	qsort(list, n, sizeof(struct region_agreement *), name_cmp);
	for (unsigned i = 0; i < n; i++)
		ld_add(all, policy(&w, list[i]));
	ld_set(o, "@context", prefixes());
	ld_set(o, "@graph", all);
	ld_write_take(o, b);
	arena_free(w.arena);
}
