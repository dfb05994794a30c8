/* server/hubctl/explain.c - a plan in sentences; explain.h says what is
 * promised. */
#include "server/hubctl/explain_priv.h"

static void explain_leg(struct explain *, const struct policy_leg *);
static void explain_parameters(struct explain *);

void
explain_say(struct explain *x, struct explain_line line)
{
	struct explain_line *bigger;

	if (x->n == x->cap) {
		x->cap = x->cap * 2 + 32;
		bigger = arena_array(x->arena, x->cap, sizeof(*bigger));
		if (x->n > 0)
			memcpy(bigger, x->v, x->n * sizeof(*bigger));
		x->v = bigger;
	}
	x->v[x->n++] = line;
}

void
explain_words(struct explain *x, struct explain_line line, struct sentence s,
    struct both a, struct both b)
{
	const struct word_of words[] = { { 'x', a }, { 'y', b } };

	line.text = words_fill(s, words, 2, x->arena);
	explain_say(x, line);
}

const char *
explain_place(const struct explain_line *l, struct arena *a)
{
	if (l->forbid != NULL)
		return (arena_printf(a, "%.*s:%u", STR_FMT(l->forbid->file),
		    l->forbid->line));
	if (l->agreement != NULL)
		return (arena_printf(a, "%.*s:%u",
		    STR_FMT(l->agreement->file), l->agreement->line));
	return (NULL);
}

void
explain_run(struct explain *x)
{
	static const struct sentence nothing = {
		"The hub holds nothing itself: type=* and local=true are about "
		"its own entities, and nobody is asked.",
		"Die Drehscheibe hält selbst nichts: type=* und local=true "
		"meinen ihre eigenen Entitäten, und niemand wird gefragt."
	};
	const struct policy_leg *legs = NULL;
	unsigned n = 0, at = 0;

	if (x->query->any_type || x->query->local) {
		explain_words(x, (struct explain_line){ .dataset = NULL },
		    nothing, both_plain(STR_NONE), both_plain(STR_NONE));
		return;
	}
	policy_plan(x->set, &x->pq, x->arena, &legs, &n);
	for (unsigned i = 0; i < x->region->ndatasets; i++)
		/* Both are in order of the datasets. */
		if (at < n && legs[at].dataset == &x->region->datasets[i])
			explain_leg(x, &legs[at++]);
		else
			explain_absent(x, &x->region->datasets[i]);
	explain_parameters(x);
}

/* ---- names */

struct names_list {
	const struct name **v;
	unsigned n, cap;
	struct arena *arena;
};

static void
list_add(const struct name *name, void *arg)
{
	struct names_list *l = arg;
	const struct name **bigger;

	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i] == name)
			return;
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 16;
		bigger = arena_array(l->arena, l->cap, sizeof(*bigger));
		if (l->n > 0)
			memcpy(bigger, l->v, l->n * sizeof(*bigger));
		l->v = bigger;
	}
	l->v[l->n++] = name;
}

static bool
list_has(const struct names_list *l, const struct name *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i] == name)
			return (true);
	return (false);
}

/* What predicates look at. */
static struct names_list
predicates(const struct explain *x)
{
	struct names_list l = { .arena = x->arena };

	if (x->query->q != NULL)
		q_names(x->query->q, list_add, &l);
	if (x->query->geo != NULL)
		list_add(geo_name(x->query->geo), &l);
	for (unsigned i = 0; i < x->npredicates; i++)
		list_add(x->predicates[i], &l);
	return (l);
}

static void
add_text(struct buf *b, struct str s)
{
	if (b->len > 0)
		BUF_LIT(b, ", ");
	buf_adds(b, s);
}

static bool
type_asked(const struct explain *x, const struct name *type)
{
	for (unsigned i = 0; i < x->pq.ntypes; i++)
		if (x->pq.types[i] == type)
			return (true);
	return (x->pq.ntypes == 0);
}

/* With attrs, or the predicates beside them, only what is named is wanted. */
static bool
is_wanted(const struct explain *x, const struct name *attr)
{
	struct names_list l = predicates(x);

	for (unsigned i = 0; i < x->query->nattrs; i++)
		if (x->query->attrs[i] == attr)
			return (true);
	return (x->query->nattrs == 0 || list_has(&l, attr));
}

/* ---- what is asked */

static struct explain_line
line_of(const struct policy_leg *leg, const struct policy_grant *g,
    const char *code)
{
	return ((struct explain_line){ .dataset = leg->dataset,
	    .agreement = g != NULL ? g->agreement : NULL,
	    .code = code });
}

static struct both
type_words(struct explain *x, const struct policy_leg *leg,
    const struct name *type)
{
	return (both_plain(words_name(leg->dataset, type, x->arena)));
}

/* Attributes by what becomes of them. */
struct fates {
	struct buf released, forbidden, dropped;
};

static void
transformed(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps,
    const struct policy_attr *e)
{
	static const struct sentence s = { "$x is shown changed: $y.",
		"$x wird verändert gezeigt: $y." };

	explain_words(x,
	    line_of(leg, g, e->transform->kind == TRANSFORM_SUPPRESS ?
		"K_SUPPRESSED" : "ATTR_TRANSFORMED"), s,
	    both_plain(str_of(arena_printf(x->arena, "%.*s.%.*s",
		STR_FMT(words_name(leg->dataset, ps->type, x->arena)),
		STR_FMT(words_name(leg->dataset, e->name, x->arena))))),
	    words_transform(e->transform, x->arena));
}

static void
one_fate(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps,
    const struct name *attr, struct fates *f)
{
	const struct policy_attr *e = policy_entry(ps, attr);
	const struct region_forbid *fb = policy_forbid(leg, g, ps->type, attr);
	struct str text = words_name(leg->dataset, attr, x->arena);

	if (e == NULL) {
		add_text(&f->dropped, text);
		return;
	}
	if (fb != NULL) {
		add_text(&f->forbidden, text);
		buf_addf(&f->forbidden, " (%.*s, %.*s:%u)", STR_FMT(fb->name),
		    STR_FMT(fb->file), fb->line);
		return;
	}
	if (e->transform != NULL)
		transformed(x, leg, g, ps, e);
	else
		add_text(&f->released, text);
}

/* Those that the dataset has by its registration, else those of the share
 * block; and what the request names beside them. */
static void
all_fates(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps,
    struct fates *f)
{
	const struct region_dataset *ds = leg->dataset;
	struct names_list l = { .arena = x->arena };

	for (unsigned i = 0; i < ps->share->nallow; i++)
		list_add(ps->share->allow[i].attr, &l);
	for (unsigned i = 0; i < ps->share->ntransforms; i++)
		list_add(ps->share->transforms[i].attr, &l);
	for (unsigned i = 0; i < ds->ntypes; i++)
		for (unsigned k = 0; ds->types[i].type == ps->type &&
		     k < ds->types[i].nattributes; k++)
			list_add(ds->types[i].attributes[k], &l);
	for (unsigned i = 0; i < x->query->nattrs; i++)
		list_add(x->query->attrs[i], &l);
	for (unsigned i = 0; i < l.n; i++)
		one_fate(x, leg, g, ps, l.v[i], f);
}

static void
say_list(struct explain *x, struct explain_line line, struct sentence s,
    struct both type, struct buf *list)
{
	if (list->len > 0)
		explain_words(x, line, s,
		    both_plain(arena_str(x->arena, buf_str(list))), type);
	buf_clear(list);
}

static void
explain_attributes(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps)
{
	static const struct sentence released = {
		"Of $y these are shown as they are: $x.",
		"Von $y werden unverändert gezeigt: $x."
	}, forbidden = { "Of $y these are forbidden: $x.",
		"Von $y sind untersagt: $x." },
		dropped = { "Of $y these are not released: $x.",
		    "Von $y sind nicht freigegeben: $x." };
	struct both type = type_words(x, leg, ps->type);
	struct fates f;

	buf_init(&f.released, (size_t)1 << 20);
	buf_init(&f.forbidden, (size_t)1 << 20);
	buf_init(&f.dropped, (size_t)1 << 20);
	all_fates(x, leg, g, ps, &f);
	say_list(x, line_of(leg, g, NULL), released, type, &f.released);
	say_list(x, line_of(leg, g, "FORBIDDEN"), forbidden, type,
	    &f.forbidden);
	say_list(x, line_of(leg, g, "ATTR_DROPPED"), dropped, type,
	    &f.dropped);
}

static void
explain_area(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps)
{
	static const struct sentence inside = { "$y only from inside $x.",
		"$y nur aus $x." },
		outside = { "$y not from $x.", "$y nicht aus $x." },
		buffer = { "For $y the areas are widened by $x.",
		    "Für $y gelten die Gebiete mit $x Puffer." },
		drop = { "$y without a location is not shown.",
		    "$y ohne Ortsangabe wird nicht gezeigt." };
	const struct region_share *s = ps->share;
	struct both type = type_words(x, leg, ps->type);

	if (s->ninside > 0)
		explain_words(x, line_of(leg, g, "AREA"), inside,
		    both_plain(words_areas(s->inside, s->ninside, x->arena)),
		    type);
	if (s->noutside > 0)
		explain_words(x, line_of(leg, g, "AREA"), outside,
		    both_plain(words_areas(s->outside, s->noutside, x->arena)),
		    type);
	if (s->ninside + s->noutside == 0)
		return;
	if (s->buffer_m > 0)
		explain_words(x, line_of(leg, g, "AREA"), buffer,
		    words_metres(s->buffer_m, x->arena), type);
	if (!s->keep_without_location)
		explain_words(x, line_of(leg, g, "NO_LOCATION"), drop,
		    both_plain(STR_NONE), type);
}

static void
explain_times(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps)
{
	static const struct sentence history = {
		"Values of $y not older than $x.",
		"Werte von $y nicht älter als $x."
	}, late = { "Values of $y only after $x.",
		"Werte von $y erst nach $x." };
	struct both type = type_words(x, leg, ps->type);

	if (ps->share->history_us > 0)
		explain_words(x, line_of(leg, g, "HISTORY"), history,
		    words_duration(ps->share->history_us, x->arena), type);
	if (ps->share->delay_us > 0)
		explain_words(x, line_of(leg, g, "DELAY"), late,
		    words_duration(ps->share->delay_us, x->arena), type);
}

static void
explain_share(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps)
{
	static const struct sentence gone = {
		"Entities of type $y are forbidden: $x.",
		"Entitäten des Typs $y sind untersagt: $x."
	};
	const struct region_forbid *fb = policy_forbid(leg, g, ps->type, NULL);
	struct explain_line line = line_of(leg, g, "FORBIDDEN");

	if (fb != NULL) {
		line.forbid = fb;
		explain_words(x, line, gone, both_plain(fb->reason),
		    type_words(x, leg, ps->type));
		return;
	}
	explain_attributes(x, leg, g, ps);
	explain_area(x, leg, g, ps);
	explain_times(x, leg, g, ps);
}

/* How a predicate is judged: on the view, by the hub. */
static void
explain_predicates(struct explain *x, const struct policy_leg *leg)
{
	static const struct sentence local = {
		"The filter on $x is judged by the hub, on what is shown.",
		"Den Filter über $x wertet die Drehscheibe aus, auf dem, was "
		"gezeigt wird."
	}, absent = {
		"The filter on $x finds nothing: it is not in this view.",
		"Der Filter über $x findet nichts: es gibt das in dieser Sicht "
		"nicht."
	};
	struct names_list l = predicates(x);
	bool there;

	for (unsigned i = 0; i < l.n; i++) {
		there = policy_may_show(leg, l.v[i]);
		explain_words(x, line_of(leg, NULL, there ? "PREDICATE_LOCAL" :
						  "PREDICATE_ABSENT"),
		    there ? local : absent, both_plain(words_name(leg->dataset,
		    l.v[i], x->arena)), both_plain(STR_NONE));
	}
}

static bool
narrows(const struct policy_leg *leg)
{
	for (unsigned g = 0; g < leg->ngrants; g++)
		if (leg->grants[g]->nshares > 0)
			return (true);
	return (false);
}

/* An entity of a type that is asked for may have another one as well, under
 * which something is released: the hub asks for that, too. */
static bool
gives(const struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps)
{
	const struct region_share *s = ps->share;

	for (unsigned i = 0; i < s->nallow + s->ntransforms; i++) {
		const struct name *attr = i < s->nallow ? s->allow[i].attr :
		    s->transforms[i - s->nallow].attr;

		if (policy_attr(ps, attr) != NULL && is_wanted(x, attr) &&
		    policy_forbid(leg, g, ps->type, attr) == NULL)
			return (true);
	}
	return (false);
}

static void
explain_grant(struct explain *x, const struct policy_leg *leg,
    const struct policy_grant *g, bool *any)
{
	static const struct sentence asked = {
		"By agreement $x, $y.",
		"Nach der Vereinbarung $x, $y."
	};
	const struct region_agreement *ag = g->agreement;

	explain_words(x, line_of(leg, g, NULL), asked,
	    both_plain(str_of(arena_printf(x->arena, "%.*s;v=%u",
		STR_FMT(ag->name), ag->version))),
	    words_period(ag->from, ag->until, x->arena));
	for (unsigned s = 0; s < g->nshares; s++) {
		if (type_asked(x, g->shares[s].type))
			explain_share(x, leg, g, &g->shares[s]);
		*any |= gives(x, leg, g, &g->shares[s]);
	}
}

static void
explain_leg(struct explain *x, const struct policy_leg *leg)
{
	static const struct sentence own = {
		"Asked: the tenant's own data, shown in full.",
		"Gefragt: eigene Daten des Mandanten, vollständig gezeigt."
	}, asked = { "Asked.", "Gefragt." }, idle = {
		"Not asked: nothing of what is wanted is released.",
		"Nicht gefragt: nichts von dem, was gewünscht ist, ist "
		"freigegeben."
	};
	unsigned at = x->n;
	bool any = leg->own;

	/* The verdict stands first and is known last. */
	explain_say(x, (struct explain_line){ .dataset = leg->dataset });
	for (unsigned g = 0; g < leg->ngrants; g++)
		explain_grant(x, leg, leg->grants[g], &any);
	if (any)
		explain_predicates(x, leg);
	x->v[at].code = !any ? "ATTR_DROPPED" :
	    narrows(leg)     ? "CONDITIONAL" :
			       "FULL";
	x->v[at].text = words_fill(!any ? idle : leg->own ? own : asked, NULL,
	    0, x->arena);
}

/* ---- parameters */

static void
explain_parameters(struct explain *x)
{
	static const struct sentence both = {
		"Parameter $x: sent to the sources, as far as released, and "
		"judged again by the hub.",
		"Parameter $x: geht an die Quellen, soweit freigegeben, und "
		"wird von der Drehscheibe noch einmal ausgewertet."
	}, hub = { "Parameter $x: judged by the hub, on the merged view.",
		"Parameter $x: wertet die Drehscheibe aus, auf der "
		"zusammengeführten Sicht." };
	/* What sources see of a request; all else stays in the hub. */
	static const char *const sent[] = { "type", "id", "attrs", "pick",
		"timerel", "timeAt", "endTimeAt", "timeproperty", "lastN" };
	bool is_sent;

	for (unsigned i = 0; i < x->uri->nparams; i++) {
		is_sent = false;
		for (size_t k = 0; k < sizeof(sent) / sizeof(sent[0]); k++)
			is_sent |= str_eq(x->uri->params[i].name,
			    str_of(sent[k]));
		explain_words(x, (struct explain_line){ .code = is_sent ? NULL :
			"PREDICATE_LOCAL" }, is_sent ? both : hub,
		    both_plain(x->uri->params[i].name), both_plain(STR_NONE));
	}
}
