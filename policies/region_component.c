/* policies/region_component.c - the components of a model: what each is shared
 * by, with one figure per member. */
#include "policies/region_priv.h"

static void read_parts(
    const struct sec *, const struct region_model *, struct region_component *);
static void read_inhabitants(const struct sec *model, const struct sec *,
    const struct region_model *, struct region_component *);

static const struct word key_words[] = { { "equal", KEY_EQUAL },
	{ "population", KEY_POPULATION }, { "usage", KEY_USAGE },
	{ "previous-year-usage", KEY_PREVIOUS_USAGE }, { "fixed", KEY_FIXED },
	{ "weights", KEY_WEIGHTS }, { "stepdown", KEY_STEPDOWN },
	{ "shapley", KEY_SHAPLEY }, { NULL, 0 } };
static const struct word zero_words[] = { { "error", ZERO_ERROR },
	{ "equal", ZERO_EQUAL }, { "population", ZERO_POPULATION },
	{ NULL, 0 } };

static const struct field component_fields[] = {
	{ "basis-points", F_UINT, true,
	    offsetof(struct region_component, basis_points), 0, 10000, 0,
	    NULL },
	{ "key", F_WORD, true, offsetof(struct region_component, key), 0, 0,
	    KEY_EQUAL, key_words },
	{ "key-date", F_DATE, false,
	    offsetof(struct region_component, key_date), 0, 0, 0, NULL },
	{ "on-zero", F_WORD, false, offsetof(struct region_component, on_zero),
	    0, 0, ZERO_ERROR, zero_words },
	FIELDS_END
};

/* What a block inside a component says; of weight or amount the one that its
 * field table names. */
struct part {
	struct money amount;
	unsigned weight;
};
static const struct field amount_fields[] = { { "amount", F_MONEY, true,
						  offsetof(struct part, amount),
						  0, 0, 0, NULL },
	FIELDS_END };
static const struct field weight_fields[] = { { "weight", F_UINT, true,
						  offsetof(struct part, weight),
						  0, 1000000000, 0, NULL },
	FIELDS_END };

void
component_read(const struct sec *model_sec, const struct sec *s,
    const struct region_model *model, struct region_component *c)
{
	c->name = sec_slug(s);
	c->key_date = WALL_ABSENT;
	fields_read(s, component_fields, c);
	read_parts(s, model, c);
	read_inhabitants(model_sec, s, model, c);
}

/* ---- blocks beside the key */

typedef void part_fn(const struct sec *, const struct region_model *,
    struct region_component *, unsigned n);

static part_fn read_given, read_tiers, read_coalitions;

/* Which blocks a key wants. */
static const struct key_part {
	const char *block; /* NULL: none */
	const struct field *fields;
	part_fn *read;
} key_parts[] = {
	[KEY_EQUAL] = { NULL, NULL, NULL },
	[KEY_POPULATION] = { NULL, NULL, NULL },
	[KEY_USAGE] = { NULL, NULL, NULL },
	[KEY_PREVIOUS_USAGE] = { NULL, NULL, NULL },
	[KEY_FIXED] = { "member", amount_fields, read_given },
	[KEY_WEIGHTS] = { "member", weight_fields, read_given },
	[KEY_STEPDOWN] = { "tier", weight_fields, read_tiers },
	[KEY_SHAPLEY] = { "coalition", amount_fields, read_coalitions },
};

static void
read_parts(const struct sec *s, const struct region_model *model,
    struct region_component *c)
{
	static const char *const blocks[] = { "member", "tier", "coalition" };
	const struct key_part *part = &key_parts[c->key];
	unsigned n;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (sec_nblocks(s, blocks[i]) > 0 &&
		    (part->block == NULL ||
			strcmp(part->block, blocks[i]) != 0))
			sec_error(s, blocks[i],
			    "%s blocks do not belong to this key", blocks[i]);
	if (part->block == NULL)
		return;
	n = sec_nblocks(s, part->block);
	if (n == 0)
		sec_error(s, "key", "this key needs %s blocks", part->block);
	part->read(s, model, c, n);
}

static struct part
part_read(const struct sec *sub, const struct region_component *c)
{
	struct part value = { { 0 }, 0 };

	fields_read(sub, key_parts[c->key].fields, &value);
	return (value);
}

/* Members that are not named have 0. */
static void
read_given(const struct sec *s, const struct region_model *model,
    struct region_component *c, unsigned n)
{
	uint64_t *v =
	    arena_array(s->b->arena, (size_t)model->nmembers + 1, sizeof(*v));

	c->given = v;
	for (unsigned i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "member", i);
		struct part value = part_read(&sub, c);
		int at = model_member(model, sec_title(&sub));

		if (at < 0)
			sec_error(&sub, NULL, "'%.*s' is not among members",
			    STR_FMT(nearest_to(sec_title(&sub)).wrong));
		else
			v[at] = c->key == KEY_FIXED
				    ? (uint64_t)value.amount.cents
				    : value.weight;
	}
}

/* In the file any order will do. */
static void
tier_insert(struct cost_tier *v, unsigned n, struct cost_tier tier)
{
	for (; n > 0 && (v[n - 1].up_to == 0 ||
			    (tier.up_to != 0 && v[n - 1].up_to > tier.up_to));
	     n--)
		v[n] = v[n - 1];
	v[n] = tier;
}

static void
read_tiers(const struct sec *s, const struct region_model *model HUB_UNUSED,
    struct region_component *c, unsigned n)
{
	struct cost_tier *v =
	    arena_array(s->b->arena, (size_t)n + 1, sizeof(*v));
	unsigned i;

	c->tiers = v;
	for (i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "tier", i);
		struct cost_tier tier = { 0, part_read(&sub, c).weight };

		if (str_uint(sec_title(&sub), 1000000000, &tier.up_to) !=
		    HUB_OK)
			sec_error(&sub, NULL,
			    "the title of a tier is a number of inhabitants");
		tier_insert(v, c->ntiers++, tier);
	}
	for (i = 1; i < n; i++) {
		if (v[i].up_to == v[i - 1].up_to)
			sec_error(s, "tier", "one tier is there twice");
		if (v[i].weight > v[i - 1].weight)
			sec_error(s, "tier",
			    "the weight of a tier is above that of the one "
			    "before");
	}
	if (n > 0 && v[n - 1].up_to != 0)
		sec_error(
		    s, "tier", "what is above the last tier needs tier 0");
}

/* "unna,kamen" as bits; 0 and a complaint when it is none. */
static uint32_t
coalition_members(const struct sec *s, const struct region_model *model)
{
	struct str rest = sec_title(s), name;
	uint32_t members = 0, bit;

	while (str_cut(&rest, ',', &name)) {
		int at = model_member(model, str_trim(name));

		if (at < 0) {
			sec_error(s, NULL, "'%.*s' is not among members",
			    STR_FMT(nearest_to(str_trim(name)).wrong));
			return (0);
		}
		bit = UINT32_C(1) << at;
		if (members & bit) {
			sec_error(s, NULL, "'%.*s' is there twice",
			    STR_FMT(nearest_to(str_trim(name)).wrong));
			return (0);
		}
		members |= bit;
	}
	return (members);
}

static void
read_coalition(const struct sec *s, const struct region_model *model,
    struct region_component *c, struct cost_coalition *v)
{
	uint32_t members = coalition_members(s, model);
	struct money amount = part_read(s, c).amount;

	for (unsigned i = 0; i < c->ncoalitions; i++)
		if (members != 0 && v[i].members == members)
			sec_error(s, NULL, "this coalition is there twice");
	v[c->ncoalitions++] = (struct cost_coalition){ members, amount };
}

/* What a member would pay alone must be known: what is not declared costs
 * what its cheapest division into declared coalitions costs. */
static void
read_coalitions(const struct sec *s, const struct region_model *model,
    struct region_component *c, unsigned n)
{
	struct cost_coalition *v =
	    arena_array(s->b->arena, (size_t)n + 1, sizeof(*v));
	uint32_t alone = 0;

	if (model->nmembers > COST_SHAPLEY_MAX) {
		sec_error(s, "key", "shapley takes at most %d members",
		    COST_SHAPLEY_MAX);
		return;
	}
	c->coalitions = v;
	for (unsigned i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "coalition", i);

		read_coalition(&sub, model, c, v);
		if ((v[i].members & (v[i].members - 1)) == 0)
			alone |= v[i].members;
	}
	for (unsigned i = 0; i < model->nmembers && n > 0; i++)
		if ((alone & UINT32_C(1) << i) == 0)
			sec_error(s, "coalition",
			    "coalition %.*s is missing: what it would pay "
			    "alone",
			    STR_FMT(model->members[i].tenant->name));
}

/* ---- inhabitants */

/* The key date of the model's only population component. */
static struct str
only_key_date(const struct sec *model)
{
	struct str found = STR_NONE;
	unsigned i, n = 0;

	for (i = 0; i < sec_nblocks(model, "component"); i++) {
		struct sec sub = sec_block(model, "component", i);

		if (str_eq(sec_text(&sub, "key"), STR("population"))) {
			found = sec_text(&sub, "key-date");
			n++;
		}
	}
	return (n == 1 ? found : STR_NONE);
}

/* Each member needs the population of the day that the model names. */
static void
read_inhabitants(const struct sec *model_sec, const struct sec *s,
    const struct region_model *model, struct region_component *c)
{
	bool needed = c->key == KEY_POPULATION || c->key == KEY_STEPDOWN ||
		      c->on_zero == ZERO_POPULATION;
	struct str day = sec_text(s, "key-date");
	uint64_t *v;

	if (!needed)
		return;
	if (day.p == NULL && c->key != KEY_POPULATION)
		day = only_key_date(model_sec);
	if (day.p == NULL || wall_parse_date(day, &c->key_date) != HUB_OK) {
		sec_error(s, NULL, "component %.*s needs key-date",
		    STR_FMT(s->node->title));
		return;
	}
	v = arena_array(s->b->arena, (size_t)model->nmembers + 1, sizeof(*v));
	c->inhabitants = v;
	for (unsigned i = 0; i < model->nmembers; i++) {
		struct str name = model->members[i].tenant->name;
		const struct sec *t = build_peek(s->b, BLOCK_TENANT, name);
		cfg_t *population =
		    t == NULL ? NULL : cfg_gettsec(t->cfg, "population", day.p);

		/* A bad number was reported where it stands. */
		if (population == NULL)
			sec_error(s, "key-date",
			    "tenant %.*s has no population of %.*s",
			    STR_FMT(name), STR_FMT(nearest_to(day).wrong));
		else if (str_uint(str_of(cfg_getstr(population, "inhabitants")),
			     100000000, &v[i]) != HUB_OK)
			v[i] = 0;
	}
}
