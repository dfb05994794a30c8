/* policies/redact.c - the consumer's view of one entity of one source;
 * redact.h says what it promises, policy.md §9 what it must do. */
#include "policies/redact.h"

#include "policies/registration.h"

#define AREA_VERTICES  10000

/* What transforms make of an instance: rules that would make two things of
 * it (of two types of an entity, for validate refuses others) make nothing. */
struct masked {
	const struct transform *transform; /* NULL: no rule yet */
	bool raw; /* a rule releases it as it is, which beats all others */
	bool made, clash;
	struct instance in;
};

/* Some forbids bind what is released in quiet times only. */
enum forbidden { FORBIDDEN_NOT, FORBIDDEN_QUIET, FORBIDDEN_ALWAYS };

/* What was found about an instance. */
struct finding {
	const struct release *release; /* NULL: not released */
	uint64_t grants;	       /* by which */
	enum forbidden forbidden;
};

/* One look at one entity. */
struct view {
	const struct policy_leg *leg;
	struct entity *e;
	struct wall_us now;
	struct names *names;
	struct arena *arena;
	struct finding *of; /* per instance */
	struct masked *masked; /* per instance; NULL: none of them yet */
	enum forbidden gone;	   /* the entity as a whole */
	struct wall_us observed;	 /* dateObserved of the entity */
	bool observed_known;
	bool misplaced; /* a location that says nothing */
	bool series;	/* the entity is an evolution */
};

static bool redact(struct view *);

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
	return (ds->any_type);
}

/* What of the entity is registered, where that says more than types and ids.
 * Last: policy judges what the source gave. */
static bool
registered(const struct region_dataset *ds, struct entity *e)
{
	return (ds->registration == NULL ||
	    registration_limit(ds->registration, e));
}

static bool
expired(const struct document *doc, uint32_t node, struct wall_us now)
{
	struct wall_us at;

	if (node == 0) /* mostly: it says nothing */
		return (false);
	at = entity_time(doc, node);
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
	if (s->within != NULL && in)
		in = geometry_distance_to(&s->within->geometry, p) <= 0;
	return (in);
}

static bool
is_anywhere(const struct region_share *s)
{
	return (s->ninside == 0 && s->noutside == 0 && s->within == NULL);
}

static bool
location_allowed(const struct region_share *s, const struct instance *in,
    struct arena *a)
{
	struct geometry g;

	if (in->kind != ATTR_GEO || arena_is_over(a) ||
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
	unsigned seen = 0, allowed = 0;

	if (is_anywhere(s))
		return (true);
	if (v->misplaced && !v->series)
		return (false);
	location = names_location(v->names);
	for (unsigned i = 0; i < v->e->ninstances; i++) {
		if (v->e->instances[i].name != location)
			continue;
		seen++;
		allowed += location_allowed(s, &v->e->instances[i], v->arena);
		if (v->series ? allowed > 0 : allowed < seen)
			break;
	}
	if (seen == 0 && !v->misplaced)
		return (s->keep_without_location);
	return (v->series ? allowed > 0 : allowed == seen);
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

/* An instance of an evolution; it does not share the entity's time. */
static struct wall_us
own_time(const struct instance *in)
{
	const struct json *j = &in->doc->json;
	struct wall_us at = entity_time(in->doc, in->observed_at);

	if (at.us == WALL_ABSENT.us)
		at = entity_time(in->doc, in->modified_at);
	if (at.us == WALL_ABSENT.us)
		at = entity_time(in->doc,
		    json_member(j, in->node, STR("createdAt")));
	return (at);
}

/* Is an instance of the location inside, as the whole evolution need not be? */
static bool
stays_inside(const struct view *v, const struct region_share *s,
    const struct instance *in)
{
	return (!v->series || is_anywhere(s) ||
	    in->name != names_location(v->names) ||
	    location_allowed(s, in, v->arena));
}

static bool
time_allowed(struct view *v, const struct region_share *s,
    const struct instance *in)
{
	struct wall_us at;

	if (s->history_us == 0 && s->delay_us == 0)
		return (true);
	at = v->series ? own_time(in) : entity_time(in->doc, in->observed_at);
	if (at.us == WALL_ABSENT.us && v->series)
		return (false);
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

static void
forbid(enum forbidden *f, const struct region_forbid *fb)
{
	if (!fb->crisis_override)
		*f = FORBIDDEN_ALWAYS;
	else if (*f == FORBIDDEN_NOT)
		*f = FORBIDDEN_QUIET;
}

static bool
is_forbidden(enum forbidden f, const struct policy_grant *grant)
{
	return (f == FORBIDDEN_ALWAYS ||
	    (f == FORBIDDEN_QUIET && grant->event == NULL));
}

/* Judged on the types the source gave. */
static void
apply_forbids(struct view *v)
{
	for (unsigned f = 0; f < v->leg->nforbids; f++) {
		const struct region_forbid *fb = v->leg->forbids[f];

		if (fb->type != NULL && !entity_has_type(v->e, fb->type))
			continue;
		if (fb->attribute == NULL)
			forbid(&v->gone, fb);
		for (unsigned i = 0; i < v->e->ninstances; i++)
			if (v->e->instances[i].name == fb->attribute)
				forbid(&v->of[i].forbidden, fb);
	}
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

/* Does the rule let anything through of instance i? */
static bool
apply_transform(struct view *v, unsigned i, const struct transform *t)
{
	struct masked *m;

	if (t == NULL && v->masked == NULL)
		return (true);
	if (v->masked == NULL) {
		v->masked = arena_array(v->arena, v->e->ninstances,
		    sizeof(*v->masked));
		for (unsigned k = 0; k < v->e->ninstances; k++)
			v->masked[k].raw = v->of[k].release != NULL;
	}
	m = &v->masked[i];
	if (t == NULL) {
		m->raw = true;
		return (true);
	}
	if (m->transform == NULL) {
		m->transform = t;
		m->in = v->e->instances[i];
		m->made = transform_apply(t, &m->in, v->arena);
	} else if (!transform_same(m->transform, t)) {
		m->clash = true;
	}
	return (m->made && !m->clash);
}

/* Of an entity for which the share holds. A crisis, whose grants come last,
 * gives only what quiet times do not. */
static void
apply_share(struct view *v, const struct policy_share *ps,
    const struct policy_grant *grant, uint64_t bit)
{
	const struct policy_attr *entry;

	for (unsigned i = 0; i < v->e->ninstances; i++) {
		const struct instance *in = &v->e->instances[i];
		struct finding *of = &v->of[i];

		if (arena_is_over(v->arena))
			return; /* for whoever watches all of it is too much */
		if (is_forbidden(of->forbidden, grant) ||
		    (grant->event != NULL && of->grants != 0))
			continue;
		entry = policy_entry(ps, in->name);
		if (entry == NULL || !time_allowed(v, ps->share, in) ||
		    !stays_inside(v, ps->share, in) ||
		    !apply_transform(v, i, entry->transform))
			continue;
		of->release = release_union(of->release, entry->release,
		    v->arena);
		of->grants |= bit;
	}
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
apply_grants(struct view *v, struct granted *g)
{
	for (unsigned i = 0;
	     i < v->leg->ngrants && i < REDACT_GRANTS_MAX; i++) {
		const struct policy_grant *grant = v->leg->grants[i];

		for (unsigned s = 0; s < grant->nshares; s++) {
			const struct policy_share *ps = &grant->shares[s];

			if (is_forbidden(v->gone, grant) ||
			    !entity_has_type(v->e, ps->type) ||
			    !place_allowed(v, ps->share))
				continue;
			note_granted(v->e, ps, g);
			apply_share(v, ps, grant, UINT64_C(1) << i);
		}
	}
}

/* Instance i as it may be seen; false: not at all. */
static bool
released(const struct view *v, unsigned i, struct instance *in)
{
	const struct masked *m = v->masked != NULL ? &v->masked[i] : NULL;

	if (v->of[i].release == NULL)
		return (false);
	if (m == NULL || m->raw)
		return (true);
	*in = m->in;
	return (m->made && !m->clash);
}

/* Takes out what was not released; how much is left. */
static unsigned
keep_released(struct view *v, const struct granted *g)
{
	struct entity *e = v->e;
	unsigned n = 0, t = 0;

	for (unsigned i = 0; i < e->ninstances; i++) {
		struct instance *in = &e->instances[i];

		if (!released(v, i, in))
			continue;
		in->grants = v->of[i].grants;
		in->release = v->of[i].release;
		if (!in->release->modified_at)
			in->modified_at = 0;
		instance_keep(e->instances, n++, in);
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
			instance_keep(e->instances, n++, in);
	}
	e->ninstances = n;
}

bool
redact_entity(const struct policy_leg *leg, struct entity *e,
    struct wall_us now, struct names *names, struct arena *a)
{
	struct view v = { .leg = leg, .e = e, .now = now, .names = names,
		.arena = a };

	return (redact(&v));
}

bool
redact_series(const struct policy_leg *leg, struct entity *e,
    struct wall_us now, struct names *names, struct arena *a)
{
	struct view v = { .leg = leg, .e = e, .now = now, .names = names,
		.arena = a, .series = true };

	return (redact(&v));
}

uint64_t
redact_grants(const struct entity *e)
{
	uint64_t grants = 0;

	for (unsigned i = 0; i < e->ninstances; i++)
		grants |= e->instances[i].grants;
	return (grants);
}

static bool
redact(struct view *v)
{
	const struct policy_leg *leg = v->leg;
	struct entity *e = v->e;
	struct granted g = { 0 };

	if (!id_in_dataset(leg->dataset, e->id) ||
	    expired(e->expires_at.doc, e->expires_at.node, v->now))
		return (false);
	drop_void(v);
	if (leg->own) {
		for (unsigned i = 0; i < e->ninstances; i++)
			e->instances[i].release = &release_all;
		return (type_in_dataset(leg->dataset, e) &&
		    registered(leg->dataset, e) && e->ninstances > 0);
	}
	v->of = arena_array(v->arena, e->ninstances, sizeof(*v->of));
	apply_forbids(v);
	if (v->gone == FORBIDDEN_ALWAYS)
		return (false);
	apply_grants(v, &g);
	return (keep_released(v, &g) > 0 && registered(leg->dataset, e));
}
