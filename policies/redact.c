/* policies/redact.c - the consumer's view of one entity of one source;
 * redact.h says what it promises, policy.md §9 what it must do. */
#include "policies/redact.h"

#include "policies/redact_like.h"
#include "policies/redact_place.h"
#include "policies/registration.h"

/* What transforms make of an instance: rules that would make two things of
 * it (of two types of an entity, for validate refuses others) make nothing. */
struct masked {
	const struct transform *transform; /* NULL: no rule yet */
	bool raw; /* a rule releases it as it is, which beats all others */
	bool made, clash;
	struct instance in; /* with a transform only */
};

/* A share that holds for the entity, in one of the leg's grants. */
struct holding {
	const struct policy_share *share;
	const struct policy_grant *grant;
	uint64_t bit;
};
#define HOLDING_FEW 16 /* more are kept in the arena */

/* Some forbids bind what is released in quiet times only. */
enum forbidden { FORBIDDEN_NOT, FORBIDDEN_QUIET, FORBIDDEN_ALWAYS };

/* One look at one entity. */
struct view {
	const struct policy_leg *leg;
	struct entity *e;
	struct wall_us now;
	struct names *names;
	struct arena *arena;
	struct holding *holding; /* in order of the leg's grants */
	unsigned nholding;
	enum forbidden gone;	   /* the entity as a whole */
	struct wall_us observed;	 /* dateObserved of the entity */
	bool observed_known;
	bool misplaced; /* a location that says nothing */
	bool series;	/* the entity is an evolution */
	bool by_value; /* more than id, types and names was looked at */
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

/* Places. */
static bool
place_allowed(struct view *v, const struct region_share *s)
{
	const struct name *location;
	unsigned seen = 0, allowed = 0;

	if (place_is_any(s))
		return (true);
	v->by_value = true;
	if (v->misplaced && !v->series)
		return (false);
	location = names_location(v->names);
	for (unsigned i = 0; i < v->e->ninstances; i++) {
		if (v->e->instances[i].name != location)
			continue;
		seen++;
		allowed += place_holds(s, &v->e->instances[i], v->arena);
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

static bool
is_timed(const struct region_share *s)
{
	return (s->history_us != 0 || s->delay_us != 0);
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
	return (!v->series || place_is_any(s) || /* else place_allowed said so */
	    in->name != names_location(v->names) ||
	    place_holds(s, in, v->arena));
}

static bool
time_allowed(struct view *v, const struct region_share *s,
    const struct instance *in)
{
	struct wall_us at;

	if (!is_timed(s))
		return (true);
	v->by_value = true;
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

/* Of what attribute, or of NULL, the entity; judged on the types the source
 * gave. */
static enum forbidden
forbidden_of(const struct view *v, const struct name *attribute)
{
	enum forbidden found = FORBIDDEN_NOT;

	for (unsigned f = 0; f < v->leg->nforbids; f++) {
		const struct region_forbid *fb = v->leg->forbids[f];

		if (fb->attribute == attribute &&
		    (fb->type == NULL || entity_has_type(v->e, fb->type)))
			forbid(&found, fb);
	}
	return (found);
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

/* Does the rule let anything through of the instance? */
static bool
apply_transform(struct view *v, const struct instance *in,
    const struct transform *t, struct masked *m)
{
	if (t == NULL) {
		m->raw = true;
		return (true);
	}
	v->by_value = true;
	if (m->transform == NULL) {
		m->transform = t;
		m->in = *in;
		m->made = transform_apply(t, &m->in, v->arena);
	} else if (!transform_same(m->transform, t)) {
		m->clash = true;
	}
	return (m->made && !m->clash);
}

/* Makes of an instance what the shares that hold release of it; false:
 * nothing. A crisis, whose grants come last, gives only what quiet times do
 * not. */
static bool
release_instance(struct view *v, struct instance *in)
{
	const enum forbidden forbidden = forbidden_of(v, in->name);
	const struct holding *h = v->holding, *end = h + v->nholding;
	const struct release *release = NULL;
	const struct policy_attr *entry;
	uint64_t grants = 0;
	struct masked m;

	m.transform = NULL;
	m.raw = m.made = m.clash = false;
	/* for whoever watches the arena all of it is too much */
	for (; h < end && !arena_is_over(v->arena); h++) {
		if (is_forbidden(forbidden, h->grant) ||
		    (h->grant->event != NULL && grants != 0))
			continue;
		entry = policy_entry(h->share, in->name);
		if (entry == NULL || !time_allowed(v, h->share->share, in) ||
		    !stays_inside(v, h->share->share, in) ||
		    !apply_transform(v, in, entry->transform, &m))
			continue;
		release = release_union(release, entry->release, v->arena);
		grants |= h->bit;
	}
	if (release == NULL || (!m.raw && (!m.made || m.clash)))
		return (false);
	if (!m.raw)
		*in = m.in;
	in->grants = grants;
	in->release = release;
	if (!release->modified_at)
		in->modified_at = 0;
	return (true);
}

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

/* The shares that hold go to list, which has room for all of the leg's. */
static void
find_holding(struct view *v, struct holding *list, struct granted *g)
{
	v->holding = list;
	for (unsigned i = 0;
	     i < v->leg->ngrants && i < REDACT_GRANTS_MAX; i++) {
		const struct policy_grant *grant = v->leg->grants[i];

		if (is_forbidden(v->gone, grant))
			continue;
		for (unsigned s = 0; s < grant->nshares; s++) {
			const struct policy_share *ps = &grant->shares[s];

			if (!entity_has_type(v->e, ps->type) ||
			    !place_allowed(v, ps->share))
				continue;
			note_granted(v->e, ps, g);
			/* while all its instances are there, as they came */
			if (is_timed(ps->share) && !v->series)
				(void)date_observed(v);
			list[v->nholding++] = (struct holding){ ps, grant,
				UINT64_C(1) << i };
		}
	}
}

static unsigned
count_shares(const struct policy_leg *leg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < leg->ngrants && i < REDACT_GRANTS_MAX; i++)
		n += leg->grants[i]->nshares;
	return (n);
}

/* Takes out the instances that are not released, and keeps what was found for
 * the next entity like this one. */
static void
keep_released(struct view *v, const struct granted *g)
{
	struct entity *e = v->e;
	struct redacted *like = NULL;
	unsigned n = 0;

	if (!v->by_value && !v->series)
		like = redacted_begin(v->names, e);
	for (unsigned i = 0; i < e->ninstances; i++) {
		struct instance *in = &e->instances[i];
		bool kept = release_instance(v, in);

		if (like != NULL)
			redacted_note(like, i, kept ? in : NULL);
		if (kept)
			instance_keep(e->instances, n++, in);
	}
	e->ninstances = n;
	if (like != NULL && !v->by_value && !arena_is_over(v->arena))
		redacted_keep(like, v->leg, g);
}

/* Takes out the types and system members that are not granted; is anything
 * left? */
static bool
keep_granted(struct entity *e, const struct granted *g)
{
	unsigned t = 0;

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
	return (t > 0 && e->ninstances > 0);
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
		v->by_value |= in->kind == ATTR_NONE || in->expires_at != 0;
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

/* By the shares that hold for it. */
static bool
judge(struct view *v)
{
	const unsigned nshares = count_shares(v->leg);
	struct holding few[HOLDING_FEW];
	struct granted g = { 0 };

	v->gone = forbidden_of(v, NULL);
	if (v->gone == FORBIDDEN_ALWAYS)
		return (false);
	find_holding(v, nshares <= HOLDING_FEW ? few :
		arena_raw(v->arena, nshares * sizeof(*few)), &g);
	keep_released(v, &g);
	v->holding = NULL; /* it ends here */
	return (keep_granted(v->e, &g));
}

static bool
redact(struct view *v)
{
	const struct policy_leg *leg = v->leg;
	struct entity *e = v->e;
	const struct granted *before;

	if (!id_in_dataset(leg->dataset, e->id) ||
	    expired(e->expires_at.doc, e->expires_at.node, v->now))
		return (false);
	before = v->series || leg->own ? NULL :
					 redacted_apply(v->names, leg, e);
	if (before != NULL)
		return (keep_granted(e, before) && registered(leg->dataset, e));
	drop_void(v);
	if (leg->own) {
		for (unsigned i = 0; i < e->ninstances; i++)
			e->instances[i].release = &release_all;
		return (type_in_dataset(leg->dataset, e) &&
		    registered(leg->dataset, e) && e->ninstances > 0);
	}
	return (judge(v) && registered(leg->dataset, e));
}
