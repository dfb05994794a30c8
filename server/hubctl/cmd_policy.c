/* server/hubctl/cmd_policy.c - what the policy in force means: agreements,
 * who-can, what-can. */
#include <inttypes.h>

#include "policies/policy_state.h"
#include "server/hubctl/bundle.h"

static const enum region_action all_actions[] = { ACTION_QUERY,
	ACTION_RETRIEVE, ACTION_TEMPORAL };
#define NACTIONS (sizeof(all_actions) / sizeof(all_actions[0]))

/* A region and what it compiles to, of files or in force. */
struct view {
	const struct ctl *ctl;
	struct bundle b;
	struct policy_set *set;
	struct wall_us now;
};

static enum ctl_exit
view_open(const struct ctl *ctl, struct view *v)
{
	char *path = (char *)(uintptr_t)ctl->region;
	struct db *db = NULL;
	enum ctl_exit code;

	*v = (struct view){ .ctl = ctl, .now = clock_wall() };
	if (path != NULL)
		code = bundle_read(ctl, &v->b, 1, &path);
	else {
		code = ctl_db(ctl, &db);
		if (code == CTL_OK)
			code = bundle_need_head(ctl, db, &v->b);
		db_close(db);
	}
	if (code == CTL_OK)
		v->set = policy_compile(v->b.region);
	return (code);
}

static void
view_close(struct view *v)
{
	policy_free(v->set);
	bundle_clear(&v->b);
}

static struct str
in_lang(const struct ctl *ctl, struct both text)
{
	return (ctl->lang == LANG_DE ? text.de : text.en);
}

/* "" is a text that is not there. */
static const char *
cell_of(struct view *v, struct str s)
{
	return (s.len > 0 ? arena_str(v->b.arena, s).p : NULL);
}

/* Days for CELL_DATE. */
static const char *
day(struct view *v, struct wall_us at)
{
	return (words_day(at, v->b.arena).en.p);
}

static const char *
last_day(struct view *v, struct wall_us until)
{
	return (day(v, (struct wall_us){ until.us - 1 }));
}

/* ---- agreements */

static const char *
signer(struct view *v, bool is_signed, struct str person)
{
	if (is_signed && person.len == 0)
		person = STR("?");
	return (cell_of(v, is_signed ? person : STR_NONE));
}

static void
add_agreement(struct view *v, struct table *t,
    const struct region_agreement *ag)
{
	struct arena *a = v->b.arena;
	const char *cells[] = {
		ag->name.p,
		arena_printf(a, "%u", ag->version),
		ag->provider->name.p,
		ag->consumer->name.p,
		cell_of(v, ag->dataset->name),
		ag->purpose->name.p,
		in_lang(v->ctl, words_actions(ag->actions, a)).p,
		day(v, ag->from),
		last_day(v, ag->until),
		in_lang(v->ctl, policy_state_words(policy_state(v->set, ag,
		    v->now, a))).p,
		signer(v, ag->signed_by_provider, ag->provider_signer),
		signer(v, ag->signed_by_consumer, ag->consumer_signer),
		arena_printf(a, "%.*s:%u", STR_FMT(ag->file), ag->line),
	};

	table_add(t, cells);
}

enum ctl_exit
cmd_agreements(const struct ctl *ctl, int argc HUB_UNUSED,
    char **argv HUB_UNUSED)
{
	static const struct column columns[] = {
		{ "agreement", "AGREEMENT", "VEREINBARUNG", CELL_TEXT },
		{ "version", "VERSION", "FASSUNG", CELL_INT },
		{ "provider", "PROVIDER", "ANBIETER", CELL_TEXT },
		{ "consumer", "CONSUMER", "NUTZER", CELL_TEXT },
		{ "dataset", "DATASET", "DATENSATZ", CELL_TEXT },
		{ "purpose", "PURPOSE", "ZWECK", CELL_TEXT },
		{ "actions", "ACTIONS", "ZUGRIFFE", CELL_TEXT },
		{ "from", "FROM", "VON", CELL_DATE },
		{ "until", "UNTIL", "BIS", CELL_DATE },
		{ "state", "STATE", "STAND", CELL_TEXT },
		{ "signed_provider", "SIGNED (PROVIDER)",
		    "UNTERSCHRIFT (ANBIETER)", CELL_TEXT },
		{ "signed_consumer", "SIGNED (CONSUMER)",
		    "UNTERSCHRIFT (NUTZER)", CELL_TEXT },
		{ "at", "AT", "STELLE", CELL_TEXT },
	};
	struct table *t;
	struct view v;
	enum ctl_exit code = view_open(ctl, &v);

	if (code == CTL_OK) {
		t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
		for (unsigned i = 0; i < v.b.region->nagreements; i++)
			add_agreement(&v, t, &v.b.region->agreements[i]);
		table_print_take(t, ctl);
	}
	view_close(&v);
	return (code);
}

/* ---- who-can, what-can */

/* What is asked about; what is not given does not restrain. */
struct wanted {
	const struct tenant *consumer;
	struct str type, attr;
};

/* One share block of one grant, and for which actions it holds. */
struct line {
	const struct policy_leg *leg;
	const struct policy_grant *grant; /* NULL: the owner's own */
	const struct policy_share *share;
	const struct region_type *type; /* of own data */
	unsigned actions;
};

struct lines {
	struct line *v;
	unsigned n, cap;
};

static void
lines_add(struct lines *l, struct arena *a, struct line line)
{
	struct line *bigger;

	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].grant == line.grant &&
		    l->v[i].share == line.share &&
		    l->v[i].type == line.type &&
		    l->v[i].leg->dataset == line.leg->dataset) {
			l->v[i].actions |= line.actions;
			return;
		}
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 64;
		bigger = arena_array(a, l->cap, sizeof(*bigger));
		if (l->n > 0)
			memcpy(bigger, l->v, l->n * sizeof(*bigger));
		l->v = bigger;
	}
	l->v[l->n++] = line;
}

/* As the dataset's source writes it, or the whole IRI; "" is any. */
static bool
is_named(struct view *v, const struct region_dataset *ds,
    const struct name *name, struct str text)
{
	return (text.len == 0 || str_eq(name->iri, text) ||
	    str_eq(words_name(ds, name, v->b.arena), text));
}

static void
add_leg(struct view *v, const struct wanted *w, const struct policy_leg *leg,
    enum region_action action, struct lines *l)
{
	const struct region_dataset *ds = leg->dataset;

	for (unsigned i = 0; leg->own && i < ds->ntypes; i++)
		if (is_named(v, ds, ds->types[i].type, w->type))
			lines_add(l, v->b.arena, (struct line){ leg, NULL, NULL,
			    &ds->types[i], action });
	for (unsigned g = 0; g < leg->ngrants; g++)
		for (unsigned s = 0; s < leg->grants[g]->nshares; s++) {
			const struct policy_share *ps =
			    &leg->grants[g]->shares[s];

			if (is_named(v, ds, ps->type, w->type))
				lines_add(l, v->b.arena, (struct line){ leg,
				    leg->grants[g], ps, NULL, action });
		}
}

/* All that the compiled policy would plan now, own data once. */
static void
collect(struct view *v, const struct wanted *w, const struct tenant *consumer,
    const struct region_purpose *purpose, struct lines *l)
{
	struct policy_query q = { .consumer = consumer, .purpose = purpose,
		.at = v->now };
	const struct policy_leg *legs;
	unsigned n;

	for (size_t a = 0; a < NACTIONS; a++) {
		q.action = all_actions[a];
		policy_plan(v->set, &q, v->b.arena, &legs, &n);
		for (unsigned i = 0; i < n; i++)
			if (legs[i].own == (purpose == NULL))
				add_leg(v, w, &legs[i], all_actions[a], l);
	}
}

static void
add_item(struct buf *b, struct str s)
{
	if (b->len > 0)
		BUF_LIT(b, ", ");
	buf_adds(b, s);
}

/* What is released of a share, that is wanted and not forbidden. */
static void
add_released(struct view *v, const struct line *line, const struct name *attr,
    struct str wanted, struct buf *b)
{
	const struct region_dataset *ds = line->leg->dataset;
	const struct policy_attr *e = policy_entry(line->share, attr);
	struct both how;

	if (e == NULL || !is_named(v, ds, attr, wanted) ||
	    policy_forbid(line->leg, line->grant, line->share->type, attr) !=
		NULL)
		return;
	add_item(b, words_name(ds, attr, v->b.arena));
	if (e->transform == NULL)
		return;
	how = words_transform(e->transform, v->b.arena);
	BUF_LIT(b, " (");
	buf_adds(b, in_lang(v->ctl, how));
	BUF_LIT(b, ")");
}

static const char *
released(struct view *v, const struct line *line, struct str wanted)
{
	const struct region_share *s;
	const char *text = NULL;
	struct buf b;

	if (line->share == NULL)
		return (wanted.len > 0 ? cell_of(v, wanted) :
			in_lang(v->ctl, BOTH("all", "alle")).p);
	buf_init(&b, (size_t)1 << 20);
	s = line->share->share;
	for (unsigned i = 0; i < s->nallow; i++)
		if (s->allow[i].sub == NULL)
			add_released(v, line, s->allow[i].attr, wanted, &b);
	for (unsigned i = 0; i < s->ntransforms; i++)
		if (!share_allows_iri(s, s->transforms[i].attr->iri, STR_NONE))
			add_released(v, line, s->transforms[i].attr, wanted,
			    &b);
	if (b.len > 0)
		text = cell_of(v, buf_str(&b));
	buf_clear(&b);
	return (text);
}

/* Where and when it is narrowed to. */
static const char *
limits(struct view *v, const struct line *line)
{
	if (line->share == NULL)
		return (NULL);
	return (cell_of(v, in_lang(v->ctl,
	    words_limits(line->share->share, v->b.arena))));
}

static void
add_line(struct view *v, const struct wanted *w,
    const struct tenant *consumer, const struct region_purpose *purpose,
    const struct line *line, struct table *t)
{
	const struct region_dataset *ds = line->leg->dataset;
	const struct region_agreement *ag = line->grant != NULL ?
	    line->grant->agreement : NULL;
	const char *attrs = released(v, line, w->attr);
	const struct name *type = line->share != NULL ? line->share->type :
						       line->type->type;

	if (attrs == NULL || (line->share != NULL &&
		policy_forbid(line->leg, line->grant, type, NULL) != NULL))
		return;
	table_add(t, (const char *[]){ consumer->name.p,
			 ds->source->owner->name.p, cell_of(v, ds->name),
			 cell_of(v, words_name(ds, type, v->b.arena)), attrs,
			 purpose != NULL ? purpose->name.p : NULL,
			 in_lang(v->ctl,
			     words_actions(line->actions, v->b.arena)).p,
			 limits(v, line), ag != NULL ? ag->name.p : NULL,
			 ag != NULL ? arena_printf(v->b.arena, "%u",
					  ag->version) : NULL,
			 ag != NULL ? last_day(v, ag->until) : NULL });
}

static void
list(struct view *v, const struct wanted *w)
{
	static const struct column columns[] = {
		{ "consumer", "CONSUMER", "NUTZER", CELL_TEXT },
		{ "provider", "PROVIDER", "ANBIETER", CELL_TEXT },
		{ "dataset", "DATASET", "DATENSATZ", CELL_TEXT },
		{ "type", "TYPE", "TYP", CELL_TEXT },
		{ "attributes", "ATTRIBUTES", "ATTRIBUTE", CELL_TEXT },
		{ "purpose", "PURPOSE", "ZWECK", CELL_TEXT },
		{ "actions", "ACTIONS", "ZUGRIFFE", CELL_TEXT },
		{ "limits", "LIMITS", "GRENZEN", CELL_TEXT },
		{ "agreement", "AGREEMENT", "VEREINBARUNG", CELL_TEXT },
		{ "version", "VERSION", "FASSUNG", CELL_INT },
		{ "until", "UNTIL", "BIS", CELL_DATE },
	};
	const struct region *r = v->b.region;
	struct table *t = table_new(columns,
	    sizeof(columns) / sizeof(columns[0]));

	for (unsigned c = 0; c < r->tenants.ntenants; c++) {
		const struct tenant *consumer = &r->tenants.tenants[c];

		if (w->consumer != NULL && w->consumer != consumer)
			continue;
		/* First what it owns, which needs no purpose. */
		for (unsigned p = 0; p <= r->npurposes; p++) {
			const struct region_purpose *purpose =
			    p > 0 ? &r->purposes[p - 1] : NULL;
			struct lines l = { NULL, 0, 0 };

			collect(v, w, consumer, purpose, &l);
			for (unsigned i = 0; i < l.n; i++)
				add_line(v, w, consumer, purpose, &l.v[i], t);
		}
	}
	table_print_take(t, v->ctl);
}

static bool
type_known(struct view *v, struct str type)
{
	const struct region *r = v->b.region;

	for (unsigned i = 0; i < r->ndatasets; i++)
		for (unsigned k = 0; k < r->datasets[i].ntypes; k++)
			if (is_named(v, &r->datasets[i],
				r->datasets[i].types[k].type, type))
				return (true);
	return (false);
}

enum ctl_exit
cmd_who_can(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct str text = str_of(argv[0]);
	struct wanted w = { .type = text };
	const char *dot = strrchr(argv[0], '.');
	struct view v;
	enum ctl_exit code = view_open(ctl, &v);

	/* An IRI has dots of its own: the whole may be a type. */
	if (code == CTL_OK && dot != NULL && !type_known(&v, text)) {
		w.type.len = (size_t)(dot - argv[0]);
		w.attr = str_of(dot + 1);
	}
	if (code == CTL_OK && (w.type.len == 0 || !type_known(&v, w.type))) {
		ctl_warn(ctl->lang == LANG_DE ?
			"kein Datensatz hat den Typ %.*s" :
			"no dataset has the type %.*s",
		    STR_FMT(w.type));
		code = CTL_FAILED;
	}
	if (code == CTL_OK)
		list(&v, &w);
	view_close(&v);
	return (code);
}

/* By name; says which is near. */
static const struct tenant *
need_tenant(const struct region *r, const char *name)
{
	const struct tenant *t = tenant_find(&r->tenants, str_of(name)),
			    *near = NULL;
	unsigned d, best = 4;

	if (t != NULL)
		return (t);
	for (unsigned i = 0; i < r->tenants.ntenants; i++) {
		d = str_distance(r->tenants.tenants[i].name, str_of(name));
		if (d < best) {
			best = d;
			near = &r->tenants.tenants[i];
		}
	}
	ctl_warn("no tenant %s%s%.*s", name, near != NULL ? "; nearest: " : "",
	    STR_FMT(near != NULL ? near->name : STR_NONE));
	return (NULL);
}

enum ctl_exit
cmd_what_can(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct wanted w = { .consumer = NULL };
	struct view v;
	enum ctl_exit code = view_open(ctl, &v);

	if (code == CTL_OK) {
		w.consumer = need_tenant(v.b.region, argv[0]);
		if (w.consumer == NULL)
			code = CTL_FAILED;
		else
			list(&v, &w);
	}
	view_close(&v);
	return (code);
}
