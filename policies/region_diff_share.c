/* policies/region_diff_share.c - what an agreement shares of one type:
 * attributes, how they are changed, from where and from when. */
#include "policies/region_diff_priv.h"

struct pair {
	struct diff *d;
	const struct region_dataset *dwas, *dis;
	const struct region_share *was, *is;
	struct about *a;
};

/* ---- areas */

/* By name, since changed borders are told of the area; else by geometry. */
static bool
area_in(const struct region_area *const *list, unsigned n,
    const struct region_area *area)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(list[i]->name, area->name) ||
		    geometry_same(&list[i]->geometry, &area->geometry))
			return (true);
	return (false);
}

static void
areas_missing(struct pair *p, const struct region_area *const *list,
    unsigned n, const struct region_area *const *other, unsigned nother,
    enum change_kind kind, struct sentence s)
{
	for (unsigned i = 0; i < n; i++)
		if (!area_in(other, nother, list[i])) {
			p->a->n = both_plain(list[i]->name);
			diff_say(p->d, kind, s, p->a);
		}
}

/* No list is no limit: from everywhere. */
static void
diff_inside(struct pair *p)
{
	static const struct sentence more = {
		"$p additionally gives $c $t from the area $n for $z.",
		"$p gibt $c für $z $t zusätzlich aus dem Gebiet $n weiter."
	}, less = {
		"$p no longer gives $c $t from the area $n for $z.",
		"$p gibt $c für $z $t nicht mehr aus dem Gebiet $n weiter."
	}, limited = {
		"$p now gives $c $t for $z only from inside $n.",
		"$p gibt $c für $z $t nur noch aus $n weiter."
	}, unlimited = {
		"$p now gives $c $t for $z from everywhere, not only from "
		"inside $n.",
		"$p gibt $c für $z $t jetzt von überall weiter, nicht nur "
		"aus $n."
	};
	const struct region_share *was = p->was, *is = p->is;

	if (was->ninside == 0 && is->ninside == 0)
		return;
	if (was->ninside == 0 || is->ninside == 0) {
		p->a->n = both_plain(is->ninside == 0 ?
			words_areas(was->inside, was->ninside, p->d->arena) :
			words_areas(is->inside, is->ninside, p->d->arena));
		diff_say(p->d, is->ninside == 0 ? CHANGE_WIDENS :
						  CHANGE_NARROWS,
		    is->ninside == 0 ? unlimited : limited, p->a);
		return;
	}
	areas_missing(p, is->inside, is->ninside, was->inside, was->ninside,
	    CHANGE_WIDENS, more);
	areas_missing(p, was->inside, was->ninside, is->inside, is->ninside,
	    CHANGE_NARROWS, less);
}

static void
diff_outside(struct pair *p)
{
	static const struct sentence more = {
		"$p no longer withholds $t in the area $n from $c for $z.",
		"$p hält $c für $z $t im Gebiet $n nicht mehr zurück."
	}, less = {
		"$p now withholds $t in the area $n from $c for $z.",
		"$p hält $c für $z $t im Gebiet $n jetzt zurück."
	};

	areas_missing(p, p->was->outside, p->was->noutside, p->is->outside,
	    p->is->noutside, CHANGE_WIDENS, more);
	areas_missing(p, p->is->outside, p->is->noutside, p->was->outside,
	    p->was->noutside, CHANGE_NARROWS, less);
}

static void
say_value(struct pair *p, enum change_kind kind, struct sentence what,
    struct both was, struct both is)
{
	static const struct sentence s = {
		"$p to $c, $z: $x of $t is now $n, was $o.",
		"$p an $c, $z: $x von $t ist jetzt $n, war $o."
	};

	p->a->x = (struct both){ str_of(what.en), str_of(what.de) };
	p->a->o = was;
	p->a->n = is;
	diff_say(p->d, kind, s, p->a);
}

/* The buffer widens what lies inside and narrows what lies outside; where
 * there was no limit, or is none, it was told that. */
static void
diff_buffer(struct pair *p)
{
	bool inside = p->was->ninside > 0 && p->is->ninside > 0,
	     outside = p->was->noutside > 0 && p->is->noutside > 0,
	     more = p->is->buffer_m > p->was->buffer_m;
	enum change_kind kind = CHANGE_WIDENS;

	if ((!inside && !outside) ||
	    !(more || p->is->buffer_m < p->was->buffer_m))
		return;
	if (!outside)
		kind = more ? CHANGE_WIDENS : CHANGE_NARROWS;
	else if (!inside)
		kind = more ? CHANGE_NARROWS : CHANGE_WIDENS;
	say_value(p, kind,
	    (struct sentence){ "the buffer", "der Pufferabstand" },
	    words_metres(p->was->buffer_m, p->d->arena),
	    words_metres(p->is->buffer_m, p->d->arena));
}

static void
diff_place(struct pair *p)
{
	static const struct sentence keep = {
		"$p now gives $c $t without a location, too, for $z.",
		"$p gibt $c für $z $t jetzt auch ohne Ortsangabe weiter."
	}, drop = {
		"$p no longer gives $c $t without a location for $z.",
		"$p gibt $c für $z $t ohne Ortsangabe nicht mehr weiter."
	};
	bool limited = p->is->ninside + p->is->noutside > 0 &&
	    p->was->ninside + p->was->noutside > 0;

	diff_inside(p);
	diff_outside(p);
	diff_buffer(p);
	if (limited &&
	    p->was->keep_without_location != p->is->keep_without_location)
		diff_say(p->d, p->is->keep_without_location ? CHANGE_WIDENS :
							      CHANGE_NARROWS,
		    p->is->keep_without_location ? keep : drop, p->a);
}

/* ---- times */

static struct both
history_words(int64_t us, struct arena *a)
{
	return (us == 0 ? BOTH("unlimited", "unbegrenzt") :
			  words_duration(us, a));
}

static void
diff_times(struct pair *p)
{
	const struct region_share *was = p->was, *is = p->is;
	struct arena *a = p->d->arena;
	bool longer = is->history_us == 0 ||
	    (was->history_us != 0 && is->history_us > was->history_us);

	if (was->history_us != is->history_us)
		say_value(p, longer ? CHANGE_WIDENS : CHANGE_NARROWS,
		    (struct sentence){ "the history", "die Rückschau" },
		    history_words(was->history_us, a),
		    history_words(is->history_us, a));
	if (was->delay_us != is->delay_us)
		say_value(p, is->delay_us > was->delay_us ? CHANGE_NARROWS :
							    CHANGE_WIDENS,
		    (struct sentence){ "the delay", "die Verzögerung" },
		    words_duration(was->delay_us, a),
		    words_duration(is->delay_us, a));
}

/* ---- attributes */

/* How an attribute is released. */
struct state {
	bool released;
	const struct transform *t; /* NULL: as it is */
};

static struct state
state_of(const struct region_share *s, struct str iri)
{
	const struct region_transform *rt = share_transform_find(s, iri);

	return ((struct state){
	    rt != NULL || share_allows_iri(s, iri, STR_NONE),
	    rt != NULL ? &rt->t : NULL });
}

static struct both
state_words(struct state st, struct arena *a)
{
	return (st.t != NULL ? words_transform(st.t, a) :
			       BOTH("unchanged", "unverändert"));
}

/* Is a whole multiple of b, both decimals? Then what a makes of values can be
 * made of what b makes of them, near enough. */
static bool
is_multiple(const struct transform *a, const struct transform *b)
{
	unsigned __int128 x = a->step, y = b->step;

	for (unsigned i = a->places; i < b->places; i++)
		x *= 10;
	for (unsigned i = b->places; i < a->places; i++)
		y *= 10;
	return (y != 0 && x % y == 0);
}

static bool
is_coarser(const struct transform *a, const struct transform *b)
{
	int64_t x, y;

	if (a->kind != b->kind)
		return (false);
	switch (a->kind) {
	case TRANSFORM_ROUND:
	case TRANSFORM_BUCKET:
		return (is_multiple(a, b));
	case TRANSFORM_TRUNC_TIME:
		return (b->us != 0 && a->us % b->us == 0);
	case TRANSFORM_SUPPRESS:
		return (a->below >= b->below);
	case TRANSFORM_GRID:
		x = (int64_t)(a->metres * 1000 + 0.5);
		y = (int64_t)(b->metres * 1000 + 0.5);
		return (y != 0 && x % y == 0);
	case TRANSFORM_PSEUDONYM:
	case TRANSFORM_CONSTANT:
	default:
		return (false);
	}
}

/* Both released; unlike rules cannot be compared. */
static enum change_kind
judge(struct state was, struct state is)
{
	if (was.t == NULL)
		return (CHANGE_NARROWS);
	if (is.t == NULL)
		return (CHANGE_WIDENS);
	return (is_coarser(is.t, was.t) ? CHANGE_NARROWS : CHANGE_WIDENS);
}

static void
diff_attribute(struct pair *p, struct str iri)
{
	static const struct sentence more = {
		"$p additionally gives $c $x of $t for $z.",
		"$p gibt $c für $z zusätzlich $x von $t weiter."
	}, more_so = {
		"$p additionally gives $c $x of $t for $z, $n.",
		"$p gibt $c für $z zusätzlich $x von $t weiter, $n."
	}, less = {
		"$p no longer gives $c $x of $t for $z.",
		"$p gibt $c für $z $x von $t nicht mehr weiter."
	}, other = {
		"$p now gives $c $x of $t for $z $n, not $o.",
		"$p gibt $c für $z $x von $t jetzt $n weiter, nicht $o."
	};
	struct state was = state_of(p->was, iri), is = state_of(p->is, iri);
	struct arena *a = p->d->arena;

	p->a->o = state_words(was, a);
	p->a->n = state_words(is, a);
	if (!was.released && is.released)
		diff_say(p->d, CHANGE_WIDENS, is.t != NULL ? more_so : more,
		    p->a);
	else if (was.released && !is.released)
		diff_say(p->d, CHANGE_NARROWS, less, p->a);
	else if ((was.t == NULL) != (is.t == NULL) ||
	    (was.t != NULL && !transform_same(was.t, is.t)))
		diff_say(p->d, judge(was, is), other, p->a);
}

/* Attributes and sub-attributes of one side; of the other only those that are
 * not there. */
static void
walk_allow(struct pair *p, const struct region_share *side,
    const struct region_dataset *ds, bool second)
{
	static const struct sentence more = {
		"$p additionally gives $c the sub-attribute $x of $t for $z.",
		"$p gibt $c für $z zusätzlich das Unterattribut $x von $t "
		"weiter."
	}, less = {
		"$p no longer gives $c the sub-attribute $x of $t for $z.",
		"$p gibt $c für $z das Unterattribut $x von $t nicht mehr "
		"weiter."
	};
	struct arena *a = p->d->arena;

	for (unsigned i = 0; i < side->nallow; i++) {
		const struct region_path *path = &side->allow[i];
		struct str name = words_name(ds, path->attr, a);
		bool both;

		if (path->sub == NULL) {
			p->a->x = both_plain(name);
			if (!second ||
			    !state_of(p->was, path->attr->iri).released)
				diff_attribute(p, path->attr->iri);
			continue;
		}
		p->a->x = both_plain(str_of(arena_printf(a, "%.*s.%.*s",
		    STR_FMT(name), STR_FMT(words_name(ds, path->sub, a)))));
		both = share_allows_iri(second ? p->was : p->is,
		    path->attr->iri, path->sub->iri);
		if (!both)
			diff_say(p->d, second ? CHANGE_WIDENS : CHANGE_NARROWS,
			    second ? more : less, p->a);
	}
	for (unsigned i = 0; i < side->ntransforms; i++) {
		const struct region_transform *rt = &side->transforms[i];

		if (share_transform_find(side, rt->attr->iri) != rt ||
		    (second && state_of(p->was, rt->attr->iri).released))
			continue;
		p->a->x = both_plain(words_name(ds, rt->attr, a));
		diff_attribute(p, rt->attr->iri);
	}
}

static struct diff_item *
filterables(struct pair *p, const struct region_dataset *ds,
    const struct region_share *s)
{
	struct diff_item *v = arena_array(p->d->arena,
	    (size_t)s->nfilterable + 1, sizeof(*v));

	for (unsigned i = 0; i < s->nfilterable; i++)
		v[i] = (struct diff_item){ s->filterable[i]->iri,
			words_name(ds, s->filterable[i], p->d->arena) };
	return (v);
}

static void
diff_system(struct pair *p)
{
	static const struct sentence more = {
		"$p additionally gives $c $x of $t for $z.",
		"$p gibt $c für $z zusätzlich $x von $t weiter."
	}, less = {
		"$p no longer gives $c $x of $t for $z.",
		"$p gibt $c für $z $x von $t nicht mehr weiter."
	};
	const struct {
		const char *name;
		bool was, is;
	} members[] = {
		{ "scope", p->was->system_scope, p->is->system_scope },
		{ "createdAt", p->was->system_created_at,
		    p->is->system_created_at },
		{ "modifiedAt", p->was->system_modified_at,
		    p->is->system_modified_at },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		p->a->x = both_plain(str_of(members[i].name));
		if (members[i].was != members[i].is)
			diff_say(p->d, members[i].is ? CHANGE_WIDENS :
						       CHANGE_NARROWS,
			    members[i].is ? more : less, p->a);
	}
}

static void
diff_share(struct pair *p)
{
	struct both list = words_fill(
	    (struct sentence){ "what may be filtered by of $t",
		"die Liste der Filter über $t" },
	    &(struct word_of){ 't', p->a->t }, 1, p->d->arena);

	walk_allow(p, p->was, p->dwas, false);
	walk_allow(p, p->is, p->dis, true);
	diff_place(p);
	diff_times(p);
	diff_system(p);
	diff_items(p->d, (struct sentence){ list.en.p, list.de.p },
	    filterables(p, p->dwas, p->was), p->was->nfilterable,
	    filterables(p, p->dis, p->is), p->is->nfilterable, false, p->a);
}

static const struct region_share *
share_find(const struct region_agreement *ag, struct str type)
{
	for (unsigned i = 0; i < ag->nshares; i++)
		if (str_eq(ag->shares[i].type->iri, type))
			return (&ag->shares[i]);
	return (NULL);
}

void
diff_shares(struct diff *d, const struct region_agreement *was,
    const struct region_agreement *is, struct about *a)
{
	static const struct sentence more = {
		"$p additionally gives $c $t for $z: $n.",
		"$p gibt $c für $z zusätzlich $t weiter: $n."
	}, less = {
		"$p no longer gives $c $t for $z.",
		"$p gibt $c für $z $t nicht mehr weiter."
	};
	struct pair p = { .d = d, .dwas = was->dataset, .dis = is->dataset,
		.a = a };

	for (unsigned i = 0; i < is->nshares; i++) {
		p.is = &is->shares[i];
		p.was = share_find(was, p.is->type->iri);
		a->t = both_plain(words_name(p.dis, p.is->type, d->arena));
		if (p.was != NULL)
			diff_share(&p);
		else {
			a->n = words_share(p.dis, p.is, d->arena);
			diff_say(d, CHANGE_WIDENS, more, a);
		}
	}
	for (unsigned i = 0; i < was->nshares; i++)
		if (share_find(is, was->shares[i].type->iri) == NULL) {
			a->t = both_plain(words_name(p.dwas,
			    was->shares[i].type, d->arena));
			diff_say(d, CHANGE_NARROWS, less, a);
		}
}
