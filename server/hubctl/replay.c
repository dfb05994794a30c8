/* server/hubctl/replay.c - questions of the decision log under other rules;
 * see replay.h. */
#include "server/hubctl/replay.h"

#include <stdlib.h>

const char *const replay_words[REPLAY_KINDS] = { "now-allowed", "now-denied",
	"other-attributes", "other-limits", "other-agreements" };

#define TEXT_MAX ((size_t)1 << 20)

/* ---- texts */

struct texts {
	struct str *v;
	unsigned n, cap;
	struct arena *arena;
};

static void
texts_add(struct texts *t, struct str s)
{
	struct str *bigger;

	for (unsigned i = 0; i < t->n; i++)
		if (str_eq(t->v[i], s))
			return;
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 16;
		bigger = arena_array(t->arena, t->cap, sizeof(*bigger));
		if (t->n > 0)
			memcpy(bigger, t->v, t->n * sizeof(*bigger));
		t->v = bigger;
	}
	t->v[t->n++] = s;
}

static int
by_text(const void *a, const void *b)
{
	return (str_cmp(*(const struct str *)a, *(const struct str *)b));
}

static struct str
texts_join(struct texts *t)
{
	struct str out;
	struct buf b;

	if (t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), by_text);
	buf_init(&b, TEXT_MAX);
	for (unsigned i = 0; i < t->n; i++) {
		buf_adds(&b, i > 0 ? STR(", ") : STR_NONE);
		buf_adds(&b, t->v[i]);
	}
	out = arena_str(t->arena, buf_str(&b));
	buf_clear(&b);
	return (out);
}

/* ---- one region */

struct run {
	const struct logged *q;
	struct arena *arena;
	struct texts agreements, attributes, limits;
};

static bool
is_wanted(const struct logged *q, const struct name *attr)
{
	for (unsigned i = 0; i < q->query.nattrs; i++)
		if (q->query.attrs[i] == attr)
			return (true);
	for (unsigned i = 0; q->query.nattrs > 0 && i < q->npredicates; i++)
		if (q->predicates[i] == attr)
			return (true);
	return (q->query.nattrs == 0);
}

static bool
type_asked(const struct logged *q, const struct name *type)
{
	for (unsigned i = 0; i < q->pq.ntypes; i++)
		if (q->pq.types[i] == type)
			return (true);
	return (q->pq.ntypes == 0);
}

static void
add_attribute(struct run *r, const struct policy_leg *leg,
    const struct policy_share *ps, const struct name *attr)
{
	const struct policy_attr *e = policy_entry(ps, attr);
	struct str type = words_name(leg->dataset, ps->type, r->arena);
	struct str name = words_name(leg->dataset, attr, r->arena);
	struct str how = e->transform == NULL ? STR_NONE :
	    words_transform(e->transform, r->arena).en;

	texts_add(&r->attributes, str_of(arena_printf(r->arena,
	    "%.*s.%.*s%s%.*s%s", STR_FMT(type), STR_FMT(name),
	    how.len > 0 ? " (" : "", STR_FMT(how), how.len > 0 ? ")" : "")));
}

static void
add_limits(struct run *r, const struct policy_leg *leg,
    const struct policy_share *ps)
{
	const struct region_share *s = ps->share;
	struct str type = words_name(leg->dataset, ps->type, r->arena);
	struct texts t = { .arena = r->arena };
	struct arena *a = r->arena;

	if (s->ninside > 0)
		texts_add(&t, str_of(arena_printf(a, "inside %.*s",
		    STR_FMT(words_areas(s->inside, s->ninside, a)))));
	if (s->noutside > 0)
		texts_add(&t, str_of(arena_printf(a, "outside %.*s",
		    STR_FMT(words_areas(s->outside, s->noutside, a)))));
	if (s->buffer_m > 0)
		texts_add(&t, str_of(arena_printf(a, "buffer %.*s",
		    STR_FMT(words_metres(s->buffer_m, a).en))));
	if (s->ninside + s->noutside > 0 && s->keep_without_location)
		texts_add(&t, STR("or without location"));
	if (s->history_us > 0)
		texts_add(&t, str_of(arena_printf(a, "history %.*s",
		    STR_FMT(words_duration(s->history_us, a).en))));
	if (s->delay_us > 0)
		texts_add(&t, str_of(arena_printf(a, "delay %.*s",
		    STR_FMT(words_duration(s->delay_us, a).en))));
	if (t.n > 0)
		texts_add(&r->limits, str_of(arena_printf(a, "%.*s: %.*s",
		    STR_FMT(type), STR_FMT(texts_join(&t)))));
}

/* Does the share give anything of what was asked for? */
static bool
run_share(struct run *r, const struct policy_leg *leg,
    const struct policy_grant *g, const struct policy_share *ps)
{
	const struct region_share *s = ps->share;
	bool any = false;

	for (unsigned i = 0; i < s->nallow + s->ntransforms; i++) {
		const struct name *attr = i < s->nallow ? s->allow[i].attr :
		    s->transforms[i - s->nallow].attr;

		if (policy_attr(ps, attr) == NULL || !is_wanted(r->q, attr) ||
		    policy_forbid(leg, g, ps->type, attr) != NULL)
			continue;
		any = true;
		if (type_asked(r->q, ps->type))
			add_attribute(r, leg, ps, attr);
	}
	if (any && type_asked(r->q, ps->type))
		add_limits(r, leg, ps);
	return (any);
}

static bool
run_leg(struct run *r, const struct policy_leg *leg, struct replay_leg *out)
{
	bool any = leg->own, given;

	r->agreements = r->attributes = r->limits =
	    (struct texts){ .arena = r->arena };
	if (leg->own)
		texts_add(&r->attributes, STR("*"));
	for (unsigned g = 0; g < leg->ngrants; g++) {
		const struct policy_grant *grant = leg->grants[g];

		given = false;
		for (unsigned s = 0; s < grant->nshares; s++)
			given |= run_share(r, leg, grant, &grant->shares[s]);
		if (given && grant->agreement != NULL)
			texts_add(&r->agreements, str_of(arena_printf(
			    r->arena, "%.*s;v=%u",
			    STR_FMT(grant->agreement->name),
			    grant->agreement->version)));
		any |= given;
	}
	*out = (struct replay_leg){ leg->dataset->name,
		texts_join(&r->agreements), texts_join(&r->attributes),
		texts_join(&r->limits) };
	return (any);
}

static int
by_dataset(const void *a, const void *b)
{
	const struct replay_leg *x = a, *y = b;

	return (str_cmp(x->dataset, y->dataset));
}

void
replay_run(const struct decision *d, const struct region *region,
    const struct policy_set *set, struct arena *a, struct replay *out)
{
	const struct policy_leg *legs = NULL;
	struct logged q;
	struct run r = { .q = &q, .arena = a };
	unsigned n = 0;

	*out = (struct replay){ .n = 0 };
	if (!logged_question(d, region, a, &q))
		return;
	policy_plan(set, &q.pq, a, &legs, &n);
	out->legs = arena_array(a, n + 1, sizeof(*out->legs));
	for (unsigned i = 0; i < n; i++)
		out->n += run_leg(&r, &legs[i], &out->legs[out->n]);
	qsort(out->legs, out->n, sizeof(*out->legs), by_dataset);
}

/* ---- two regions */

struct comparison {
	const struct decision *d;
	struct replay_change *v;
	unsigned n;
};

static void
note(struct comparison *c, enum replay_kind kind, struct str dataset,
    struct str before, struct str after)
{
	if (!str_eq(before, after))
		c->v[c->n++] = (struct replay_change){ kind, dataset, before,
			after };
}

static void
compare_leg(struct comparison *c, const struct replay_leg *before,
    const struct replay_leg *after)
{
	if (before == NULL && after == NULL)
		return;
	if (before == NULL)
		note(c, REPLAY_ALLOWED, after->dataset, STR_NONE,
		    after->attributes);
	else if (after == NULL)
		note(c, REPLAY_DENIED, before->dataset, before->attributes,
		    STR_NONE);
	else if (c->d->ids == 0 ||
	    logged_source(c->d, before->dataset) != NULL) {
		note(c, REPLAY_ATTRIBUTES, before->dataset,
		    before->attributes, after->attributes);
		note(c, REPLAY_LIMITS, before->dataset, before->limits,
		    after->limits);
		note(c, REPLAY_AGREEMENTS, before->dataset,
		    before->agreements, after->agreements);
	}
}

void
replay_compare(const struct decision *d, const struct replay *before,
    const struct replay *after, struct arena *a,
    struct replay_change **changes_r, unsigned *n_r)
{
	struct comparison c = { .d = d };
	unsigned i = 0, k = 0;
	int order;

	c.v = arena_array(a, 3 * ((size_t)before->n + after->n) + 1,
	    sizeof(*c.v));
	while (i < before->n || k < after->n) {
		order = i == before->n ? 1 :
		    k == after->n ?
				     -1 :
				     str_cmp(before->legs[i].dataset,
					 after->legs[k].dataset);
		compare_leg(&c, order <= 0 ? &before->legs[i] : NULL,
		    order >= 0 ? &after->legs[k] : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	*changes_r = c.v;
	*n_r = c.n;
}
