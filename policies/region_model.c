/* policies/region_model.c - models: who shares a cost, within which bounds.
 * The components are in region_component.c. */
#include <stdlib.h>

#include "policies/region_priv.h"

static void read_members(const struct sec *, struct region_model *);
static void read_meter(const struct sec *, struct region_model *);
static void read_components(const struct sec *, struct region_model *);

static const struct word per_words[] = { { "year", PER_YEAR },
	{ "month", PER_MONTH }, { NULL, 0 } };
static const struct word tie_words[] = { { "rotate", 0 }, { NULL, 0 } };
static const struct word party_words[] = { { "consumer", PARTY_CONSUMER },
	{ "provider", PARTY_PROVIDER }, { NULL, 0 } };

static const struct field model_fields[] = {
	{ "version", F_UINT, true, offsetof(struct region_model, version), 1,
	    1000000, 0, NULL },
	{ "clause", F_TEXT, false, offsetof(struct region_model, clause), 0, 0,
	    0, NULL },
	{ "per", F_WORD, false, offsetof(struct region_model, per), 0, 0,
	    PER_YEAR, per_words },
	{ "usage-party", F_WORD, false, offsetof(struct region_model, party), 0,
	    0, PARTY_CONSUMER, party_words },
	FIELDS_END
};
/* There is one rule so far; the file may name it. */
struct tie {
	unsigned rule;
};
static const struct field tie_fields[] = { { "tie", F_WORD, false,
					       offsetof(struct tie, rule), 0, 0,
					       0, tie_words },
	FIELDS_END };
static const struct field bounds_fields[] = {
	{ "minimum", F_MONEY, false, offsetof(struct region_member, minimum), 0,
	    0, 0, NULL },
	{ "maximum", F_MONEY, false, offsetof(struct region_member, maximum), 0,
	    0, 0, NULL },
	FIELDS_END
};
static const struct field membership_fields[] = {
	{ "from", F_DATE, false, offsetof(struct region_member, from), 0, 0, 0,
	    NULL },
	{ "to", F_DATE, false, offsetof(struct region_member, to), 0, 0, 0,
	    NULL },
	{ "alone", F_MONEY, false, offsetof(struct region_member, alone), 0, 0,
	    0, NULL },
	FIELDS_END
};
static const struct field meter_fields[] = {
	{ "access", F_UINT, false, offsetof(struct region_meter, access), 0,
	    1000000, 0, NULL },
	{ "entity", F_UINT, false, offsetof(struct region_meter, entity), 0,
	    1000000, 0, NULL },
	{ "kib", F_UINT, false, offsetof(struct region_meter, kib), 0, 1000000,
	    0, NULL },
	FIELDS_END
};

void
model_read(const struct sec *s, struct region_model *model)
{
	struct tie tie = { 0 };

	model->name = sec_slug(s);
	fields_read(s, model_fields, model);
	fields_read(s, tie_fields, &tie);
	read_members(s, model);
	read_meter(s, model);
	read_components(s, model);
}

int
model_member(const struct region_model *model, struct str name)
{
	for (unsigned i = 0; i < model->nmembers; i++)
		if (str_eq(model->members[i].tenant->name, name))
			return ((int)i);
	return (-1);
}

static int
member_cmp(const void *a, const void *b)
{
	const struct tenant *ta = ((const struct region_member *)a)->tenant;
	const struct tenant *tb = ((const struct region_member *)b)->tenant;

	return (str_eq(ta->ags, tb->ags) ? str_cmp(ta->name, tb->name)
					 : str_cmp(ta->ags, tb->ags));
}

static void
read_bounds(const struct sec *s, struct region_member *member)
{
	fields_read(s, bounds_fields, member);
	if (member->maximum.cents < member->minimum.cents)
		sec_error(s, sec_has(s, "maximum") ? "maximum" : "minimum",
		    "maximum is below minimum");
}

/* The members in order of AGS, which is also that of ties: where they stand
 * in the file says nothing (ledger.md, P5). */
static struct region_member *
list_members(const struct sec *s, struct region_model *model,
    const struct region_member *all)
{
	unsigned i, k, n = sec_nitems(s, "members");
	struct region_member *v =
	    arena_array(s->b->arena, (size_t)n + 1, sizeof(*v));

	if (n == 0)
		sec_error(s, "members", "model needs members");
	model->members = v;
	for (i = 0; i < n; i++) {
		struct str name = sec_item(s, "members", i);
		int t = build_find(s, "members", name, BLOCK_TENANT);

		if (t < 0)
			continue;
		if (model_member(model, name) >= 0) {
			sec_error(s, "members", "'%.*s' is there twice",
			    STR_FMT(nearest_to(name).wrong));
			continue;
		}
		k = model->nmembers++;
		v[k] = *all;
		v[k].tenant = &s->b->tenants[t];
		if (v[k].tenant->ags.len == 0)
			sec_error(s, "members",
			    "'%.*s' has no ags, by which usage is counted",
			    STR_FMT(nearest_to(name).wrong));
	}
	qsort(v, model->nmembers, sizeof(*v), member_cmp);
	for (i = 1; i < model->nmembers; i++)
		if (v[i].tenant->ags.len > 0 &&
		    str_eq(v[i - 1].tenant->ags, v[i].tenant->ags))
			sec_error(s, "members",
			    "'%.*s' and '%.*s' have the same ags",
			    STR_FMT(v[i - 1].tenant->name),
			    STR_FMT(v[i].tenant->name));
	return (v);
}

/* A member's own bounds, days and cost alone: what it does not say is the
 * model's. */
static void
read_member(const struct sec *s, const struct region_model *model,
    struct region_member *members)
{
	int i = model_member(model, sec_title(s));

	if (i < 0) {
		sec_error(s, NULL, "'%.*s' is not among members",
		    STR_FMT(nearest_to(sec_title(s)).wrong));
		return;
	}
	read_bounds(s, &members[i]);
	fields_read(s, membership_fields, &members[i]);
	if (members[i].to.us < members[i].from.us)
		sec_error(s, "to", "ends before it begins");
}

static void
read_members(const struct sec *s, struct region_model *model)
{
	struct region_member all = { .maximum = { INT64_MAX },
		.alone = { INT64_MAX },
		.from = { INT64_MIN },
		.to = { INT64_MAX } };
	struct region_member *members;
	unsigned i;

	read_bounds(s, &all);
	members = list_members(s, model, &all);
	for (i = 0; i < sec_nblocks(s, "member"); i++) {
		struct sec sub = sec_block(s, "member", i);

		read_member(&sub, model, members);
	}
	for (i = 0; i < model->nmembers; i++)
		if (model->members[i].minimum.cents > 0 ||
		    model->members[i].maximum.cents < INT64_MAX)
			model->bounded = true;
}

/* Weights that are not named are 0 once there is a meter block. */
static void
read_meter(const struct sec *s, struct region_model *model)
{
	struct sec sub;

	model->meter = (struct region_meter){ 1000, 10, 1 };
	if (sec_nblocks(s, "meter") == 0)
		return;
	model->meter = (struct region_meter){ 0, 0, 0 };
	sub = sec_block(s, "meter", 0);
	fields_read(&sub, meter_fields, &model->meter);
	if (model->meter.access + model->meter.entity + model->meter.kib == 0)
		sec_error(&sub, NULL, "a meter of zeros");
}

static void
read_components(const struct sec *s, struct region_model *model)
{
	unsigned i, n = sec_nblocks(s, "component"), points = 0;
	struct region_component *v;

	if (n > COST_COMPONENTS_MAX) {
		sec_error(
		    s, "component", "over %d components", COST_COMPONENTS_MAX);
		return;
	}
	v = arena_array(s->b->arena, (size_t)n + 1, sizeof(*v));
	model->components = v;
	model->ncomponents = n;
	for (i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "component", i);

		component_read(s, &sub, model, &v[i]);
		points += v[i].basis_points;
	}
	if (points != 10000)
		sec_error(s, "component",
		    "the basis-points of all components must be 10000, not %u",
		    points);
}
