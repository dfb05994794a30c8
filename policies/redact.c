/* policies/redact.c - the consumer's view of one entity of one source;
 * redact.h says what it promises, policy.md §9 what it must do. */
#include "policies/redact.h"

#define AREA_VERTICES  10000

/* One look at one entity. */
struct view {
	const struct policy_leg *leg;
	struct entity *e;
	struct wall_us now;
	struct names *names;
	struct arena *arena;
	const struct release **releases; /* per instance; NULL: not released */
	bool *forbidden;		 /* per instance */
	struct wall_us observed;	 /* dateObserved of the entity */
	bool observed_known;
	bool misplaced; /* a location that says nothing */
};

static bool
id_in_dataset(const struct region_dataset *ds, struct str id)
{
	for (unsigned i = 0; i < ds->nids; i++)
		if (str_glob(ds->ids[i], id))
			return (true);
	return (false);
}

static bool
type_in_dataset(const struct region_dataset *ds, const struct entity *e)
{
	for (unsigned i = 0; i < ds->ntypes; i++)
		if (entity_has_type(e, ds->types[i].type))
			return (true);
	return (false);
}

static bool
expired(const struct document *doc, uint32_t node, struct wall_us now)
{
	struct wall_us at = entity_time(doc, node);

	return (at.us != WALL_ABSENT.us && at.us <= now.us);
}

/* Places. Every vertex of every location must lie in one of the areas (the
 * border belongs to them), or in none of the areas outside which it must be. */
static bool
vertex_allowed(const struct region_share *s, struct point p)
{
	bool in = s->ninside == 0;

	for (unsigned i = 0; i < s->ninside && !in; i++)
		in = geometry_distance_to(&s->inside[i]->geometry, p) <=
		    s->buffer_m;
	for (unsigned i = 0; i < s->noutside && in; i++)
		in = geometry_distance_to(&s->outside[i]->geometry, p) >
		    s->buffer_m;
	return (in);
}

static bool
location_allowed(const struct region_share *s, const struct instance *in,
    struct arena *a)
{
	struct geometry g;

	if (in->kind != ATTR_GEO ||
	    geometry_parse(&in->doc->json, in->value, AREA_VERTICES, a, &g) !=
		HUB_OK)
		return (false);
	for (unsigned i = 0; i < g.npoints; i++)
		if (!vertex_allowed(s, g.points[i]))
			return (false);
	return (g.npoints > 0);
}

static bool
place_allowed(const struct view *v, const struct region_share *s)
{
	const struct name *location;
	unsigned seen = 0;

	if (s->ninside == 0 && s->noutside == 0)
		return (true);
	if (v->misplaced)
		return (false);
	location = names_location(v->names);
	for (unsigned i = 0; i < v->e->ninstances; i++) {
		if (v->e->instances[i].name != location)
			continue;
		seen++;
		if (!location_allowed(s, &v->e->instances[i], v->arena))
			return (false);
	}
	return (seen > 0 || s->keep_without_location);
}

/* Times. */
static struct wall_us
date_observed(struct view *v)
{
	const struct name *name;
	const struct instance *in;

	if (v->observed_known)
		return (v->observed);
	v->observed_known = true;
	v->observed = WALL_ABSENT;
	if (v->e->ninstances == 0)
		return (v->observed);
	in = v->e->instances;
	name = context_expand(in->doc->context, v->names,
	    STR("dateObserved"));
	in = name != NULL ? entity_attr(v->e, name) : NULL;
	if (in != NULL && in->kind == ATTR_PROPERTY)
		v->observed = entity_time(in->doc, in->value);
	return (v->observed);
}

static bool
time_allowed(struct view *v, const struct region_share *s,
    const struct instance *in)
{
	struct wall_us at;

	if (s->history_us == 0 && s->delay_us == 0)
		return (true);
	at = entity_time(in->doc, in->observed_at);
	if (at.us == WALL_ABSENT.us)
		at = date_observed(v);
	if (s->history_us > 0 && at.us != WALL_ABSENT.us &&
	    at.us < v->now.us - s->history_us)
		return (false);
	if (s->delay_us == 0)
		return (true);
	if (at.us == WALL_ABSENT.us)
		at = entity_time(in->doc, in->modified_at);
	return (at.us != WALL_ABSENT.us && at.us <= v->now.us - s->delay_us);
}

/* Forbids: judged on the types the source gave; true: the entity is gone. */
static bool
apply_forbids(struct view *v)
{
	for (unsigned f = 0; f < v->leg->nforbids; f++) {
		const struct region_forbid *fb = v->leg->forbids[f];

		if (fb->type != NULL && !entity_has_type(v->e, fb->type))
			continue;
		if (fb->attribute == NULL)
			return (true);
		for (unsigned i = 0; i < v->e->ninstances; i++)
			if (v->e->instances[i].name == fb->attribute)
				v->forbidden[i] = true;
	}
	return (false);
}

/* What either of two rules releases. */
static const struct release *
release_union(const struct release *a, const struct release *b,
    struct arena *arena)
{
	const struct name **subs;
	struct release *r;

	if (a == NULL || a == b || b->all)
		return (b);
	if (a->all)
		return (a);
	r = arena_alloc(arena, sizeof(*r));
	subs = arena_array(arena, a->nsubs + b->nsubs, sizeof(const void *));
	r->created_at = a->created_at || b->created_at;
	r->modified_at = a->modified_at || b->modified_at;
	for (unsigned i = 0; i < a->nsubs; i++)
		subs[r->nsubs++] = a->subs[i];
	for (unsigned i = 0; i < b->nsubs; i++)
		if (!release_has(a, b->subs[i]))
			subs[r->nsubs++] = b->subs[i];
	r->subs = subs;
	return (r);
}

/* Of an entity for which the share holds. false: it released nothing. */
static bool
apply_share(struct view *v, const struct policy_share *ps)
{
	const struct release *r;
	bool any = false;

	for (unsigned i = 0; i < v->e->ninstances; i++) {
		const struct instance *in = &v->e->instances[i];

		if (v->forbidden[i])
			continue;
		r = policy_attr(ps, in->name);
		if (r == NULL || !time_allowed(v, ps->share, in))
			continue;
		v->releases[i] = release_union(v->releases[i], r, v->arena);
		any = true;
	}
	return (any);
}

/* The types and system members that shares grant: always, for how many of
 * the entity's attributes came along is up to the source. */
struct granted {
	bool types[ENTITY_TYPES_MAX];
	bool scope, created, modified;
};

static void
note_granted(const struct entity *e, const struct policy_share *ps,
    struct granted *g)
{
	for (unsigned t = 0; t < e->ntypes; t++)
		if (e->types[t] == ps->type)
			g->types[t] = true;
	g->scope |= ps->share->system_scope;
	g->created |= ps->share->system_created_at;
	g->modified |= ps->share->system_modified_at;
}

static void
apply_grants(struct view *v, struct granted *g, struct redact_result *res)
{
	for (unsigned i = 0;
	     i < v->leg->ngrants && i < REDACT_GRANTS_MAX; i++) {
		const struct policy_grant *grant = v->leg->grants[i];

		for (unsigned s = 0; s < grant->nshares; s++) {
			const struct policy_share *ps = &grant->shares[s];

			if (!entity_has_type(v->e, ps->type) ||
			    !place_allowed(v, ps->share))
				continue;
			note_granted(v->e, ps, g);
			if (apply_share(v, ps))
				res->grants_used |= UINT64_C(1) << i;
		}
	}
}

/* Takes out what was not released; how much is left. */
static unsigned
keep_released(struct view *v, const struct granted *g)
{
	struct entity *e = v->e;
	unsigned n = 0, t = 0;

	for (unsigned i = 0; i < e->ninstances; i++) {
		struct instance *in = &e->instances[i];

		if (v->releases[i] == NULL)
			continue;
		in->release = v->releases[i];
		if (!in->release->modified_at)
			in->modified_at = 0;
		e->instances[n++] = *in;
	}
	e->ninstances = n;
	for (unsigned i = 0; i < e->ntypes; i++)
		if (g->types[i])
			e->types[t++] = e->types[i];
	e->ntypes = t;
	if (!g->scope)
		e->scope = (struct member){ 0 };
	if (!g->created)
		e->created_at = (struct member){ 0 };
	if (!g->modified)
		e->modified_at = (struct member){ 0 };
	e->expires_at = (struct member){ 0 };
	return (t > 0 ? n : 0);
}

/* Instances that are in nobody's view. A location without a value is no
 * missing one: nobody can say that it lies inside. */
static void
drop_void(struct view *v)
{
	const struct name *location = names_location(v->names);
	struct entity *e = v->e;
	unsigned n = 0;

	for (unsigned i = 0; i < e->ninstances; i++) {
		const struct instance *in = &e->instances[i];

		if (in->kind == ATTR_NONE && in->name == location)
			v->misplaced = true;
		if (in->kind != ATTR_NONE &&
		    !expired(in->doc, in->expires_at, v->now))
			e->instances[n++] = *in;
	}
	e->ninstances = n;
}

bool
redact_entity(const struct policy_leg *leg, struct entity *e,
    struct wall_us now, struct names *names, struct arena *a,
    struct redact_result *res)
{
	struct view v = { .leg = leg, .e = e, .now = now, .names = names,
		.arena = a };
	struct granted g = { 0 };

	if (!id_in_dataset(leg->dataset, e->id) ||
	    expired(e->expires_at.doc, e->expires_at.node, now))
		return (false);
	drop_void(&v);
	if (leg->own) {
		for (unsigned i = 0; i < e->ninstances; i++)
			e->instances[i].release = &release_all;
		return (type_in_dataset(leg->dataset, e) &&
		    e->ninstances > 0);
	}
	v.releases = arena_array(a, e->ninstances, sizeof(const void *));
	v.forbidden = arena_array(a, e->ninstances, sizeof(bool));
	if (apply_forbids(&v))
		return (false);
	apply_grants(&v, &g, res);
	return (keep_released(&v, &g) > 0);
}
