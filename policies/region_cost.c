/* policies/region_cost.c - prices, costs and the models that share them, as
 * far as a region file can be checked before there is a period to allocate
 * (ledger.md §6). Money is decimal text read by money_parse. */
#include "policies/region_priv.h"

#define SHAPLEY_MAX	  12

static void check_price(const struct sec *);
static void check_cost(const struct sec *);
static void check_model(const struct sec *);
static unsigned check_component(const struct sec *model, const struct sec *);
static void check_key_parts(const struct sec *, unsigned key);
static void check_populations(const struct sec *model, const struct sec *);
static void check_coalition(const struct sec *model, const struct sec *);
static bool is_member(const struct sec *model, struct str name);

struct price {
	struct money flat_month, per_request;
};
static const struct field price_fields[] = {
	{ "flat-month", F_MONEY, false, offsetof(struct price, flat_month), 0,
	    0, 0, NULL },
	{ "per-request", F_MONEY, false, offsetof(struct price, per_request), 0,
	    0, 0, NULL },
	FIELDS_END
};

struct cost {
	struct str title;
	struct money amount;
	struct wall_us from, to;
};
static const struct field cost_fields[] = {
	{ "title", F_TEXT, true, offsetof(struct cost, title), 0, 0, 0, NULL },
	{ "amount", F_MONEY, true, offsetof(struct cost, amount), 0, 0, 0,
	    NULL },
	{ "from", F_DATE, true, offsetof(struct cost, from), 0, 0, 0, NULL },
	{ "to", F_DATE, true, offsetof(struct cost, to), 0, 0, 0, NULL },
	FIELDS_END
};

static const struct word per_words[] = { { "year", 0 }, { "month", 1 },
	{ NULL, 0 } };
static const struct word tie_words[] = { { "rotate", 0 }, { NULL, 0 } };
static const struct word party_words[] = { { "consumer", 0 },
	{ "provider", 1 }, { NULL, 0 } };

struct bounds {
	struct money minimum, maximum;
	struct wall_us from, to;
};
struct model {
	unsigned version, per, tie, party;
	struct str clause;
	struct bounds bounds;
};
static const struct field model_fields[] = {
	{ "version", F_UINT, true, offsetof(struct model, version), 1, 1000000,
	    0, NULL },
	{ "clause", F_TEXT, false, offsetof(struct model, clause), 0, 0, 0,
	    NULL },
	{ "per", F_WORD, false, offsetof(struct model, per), 0, 0, 0,
	    per_words },
	{ "tie", F_WORD, false, offsetof(struct model, tie), 0, 0, 0,
	    tie_words },
	{ "usage-party", F_WORD, false, offsetof(struct model, party), 0, 0, 0,
	    party_words },
	FIELDS_END
};
static const struct field bounds_fields[] = {
	{ "minimum", F_MONEY, false, offsetof(struct bounds, minimum), 0, 0, 0,
	    NULL },
	{ "maximum", F_MONEY, false, offsetof(struct bounds, maximum), 0, 0, 0,
	    NULL },
	FIELDS_END
};
static const struct field membership_fields[] = {
	{ "from", F_DATE, false, offsetof(struct bounds, from), 0, 0, 0, NULL },
	{ "to", F_DATE, false, offsetof(struct bounds, to), 0, 0, 0, NULL },
	FIELDS_END
};

struct meter {
	unsigned access, entity, kib;
};
static const struct field meter_fields[] = {
	{ "access", F_UINT, false, offsetof(struct meter, access), 0, 1000000,
	    0, NULL },
	{ "entity", F_UINT, false, offsetof(struct meter, entity), 0, 1000000,
	    0, NULL },
	{ "kib", F_UINT, false, offsetof(struct meter, kib), 0, 1000000, 0,
	    NULL },
	FIELDS_END
};

enum key {
	KEY_EQUAL,
	KEY_POPULATION,
	KEY_USAGE,
	KEY_PREVIOUS_USAGE,
	KEY_FIXED,
	KEY_WEIGHTS,
	KEY_STEPDOWN,
	KEY_SHAPLEY
};
static const struct word key_words[] = { { "equal", KEY_EQUAL },
	{ "population", KEY_POPULATION }, { "usage", KEY_USAGE },
	{ "previous-year-usage", KEY_PREVIOUS_USAGE }, { "fixed", KEY_FIXED },
	{ "weights", KEY_WEIGHTS }, { "stepdown", KEY_STEPDOWN },
	{ "shapley", KEY_SHAPLEY }, { NULL, 0 } };
static const struct word zero_words[] = { { "error", 0 }, { "equal", 1 },
	{ "population", 2 }, { NULL, 0 } };

struct component {
	unsigned basis_points, key, on_zero;
	struct wall_us key_date;
};
static const struct field component_fields[] = {
	{ "basis-points", F_UINT, true,
	    offsetof(struct component, basis_points), 0, 10000, 0, NULL },
	{ "key", F_WORD, true, offsetof(struct component, key), 0, 0, KEY_EQUAL,
	    key_words },
	{ "key-date", F_DATE, false, offsetof(struct component, key_date), 0, 0,
	    0, NULL },
	{ "on-zero", F_WORD, false, offsetof(struct component, on_zero), 0, 0,
	    0, zero_words },
	FIELDS_END
};

struct part {
	struct money amount;
	unsigned weight;
};
static const struct field amount_fields[] = {
	{ "amount", F_MONEY, true, offsetof(struct part, amount), 0, 0, 0,
	    NULL },
	FIELDS_END
};
static const struct field weight_fields[] = {
	{ "weight", F_UINT, true, offsetof(struct part, weight), 0, 1000000000,
	    0, NULL },
	FIELDS_END
};

void
build_costs(struct build *b)
{
	unsigned i;

	for (i = 0; i < b->nblocks[BLOCK_PRICE]; i++)
		check_price(&b->blocks[BLOCK_PRICE][i]);
	for (i = 0; i < b->nblocks[BLOCK_MODEL]; i++)
		check_model(&b->blocks[BLOCK_MODEL][i]);
	for (i = 0; i < b->nblocks[BLOCK_COST]; i++)
		check_cost(&b->blocks[BLOCK_COST][i]);
	b->region->nprices = b->nblocks[BLOCK_PRICE];
	b->region->ncosts = b->nblocks[BLOCK_COST];
	b->region->nmodels = b->nblocks[BLOCK_MODEL];
}

static void
check_price(const struct sec *s)
{
	struct price price = { { 0 }, { 0 } };

	(void)sec_slug(s);
	fields_read(s, price_fields, &price);
	if (!sec_has(s, "flat-month") && !sec_has(s, "per-request"))
		sec_error(s, NULL, "price needs flat-month or per-request");
}

static void
check_cost(const struct sec *s)
{
	struct cost cost = { .amount = { 0 } };

	(void)sec_slug(s);
	(void)sec_ref(s, "model", BLOCK_MODEL);
	fields_read(s, cost_fields, &cost);
	if (cost.to.us < cost.from.us)
		sec_error(s, "to", "the cost ends before it begins");
}

static void
check_bounds(const struct sec *s, struct bounds *bounds)
{
	fields_read(s, bounds_fields, bounds);
	if (sec_has(s, "maximum") &&
	    bounds->maximum.cents < bounds->minimum.cents)
		sec_error(s, "maximum", "maximum is below minimum");
}

static void
check_members(const struct sec *s)
{
	unsigned i, k, n = sec_nitems(s, "members");

	if (n == 0)
		sec_error(s, "members", "model needs members");
	for (i = 0; i < n; i++) {
		struct str name = sec_item(s, "members", i);

		(void)build_find(s, "members", name, BLOCK_TENANT);
		for (k = 0; k < i; k++)
			if (str_eq(sec_item(s, "members", k), name))
				sec_error(s, "members", "'%.*s' is there twice",
				    STR_FMT(nearest_to(name).wrong));
	}
	for (i = 0; i < sec_nblocks(s, "member"); i++) {
		struct sec sub = sec_block(s, "member", i);
		struct bounds bounds = { .to = { INT64_MAX } };

		if (!is_member(s, sec_title(&sub)))
			sec_error(&sub, NULL, "'%.*s' is not among members",
			    STR_FMT(nearest_to(sec_title(&sub)).wrong));
		check_bounds(&sub, &bounds);
		fields_read(&sub, membership_fields, &bounds);
		if (sec_has(&sub, "from") && bounds.to.us < bounds.from.us)
			sec_error(&sub, "to", "ends before it begins");
	}
}

static void
check_model(const struct sec *s)
{
	unsigned i, n = sec_nblocks(s, "component"), points = 0;
	struct model model = { .version = 0 };
	struct meter meter = { 0, 0, 0 };

	(void)sec_slug(s);
	fields_read(s, model_fields, &model);
	check_bounds(s, &model.bounds);
	check_members(s);
	if (sec_nblocks(s, "meter") > 0) {
		struct sec sub = sec_block(s, "meter", 0);

		fields_read(&sub, meter_fields, &meter);
		if (meter.access + meter.entity + meter.kib == 0)
			sec_error(&sub, NULL, "a meter of zeros");
	}
	for (i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "component", i);

		points += check_component(s, &sub);
	}
	if (points != 10000)
		sec_error(s, "component",
		    "the basis-points of all components must be 10000, not %u",
		    points);
}

static unsigned
check_component(const struct sec *model, const struct sec *s)
{
	struct component c = { .key = KEY_EQUAL };

	fields_read(s, component_fields, &c);
	check_key_parts(s, c.key);
	if (c.key == KEY_POPULATION)
		check_populations(model, s);
	if (c.key == KEY_SHAPLEY)
		check_coalition(model, s);
	return (c.basis_points);
}

/* What stands in a component beside its key, and under which keys. */
static const struct key_part {
	const char *block;
	const struct field *fields;
	unsigned keys; /* 1 << enum key */
} key_parts[] = {
	{ "member", amount_fields, 1U << KEY_FIXED },
	{ "member", weight_fields, 1U << KEY_WEIGHTS },
	{ "tier", weight_fields, 1U << KEY_STEPDOWN },
	{ "coalition", amount_fields, 1U << KEY_SHAPLEY },
};

static void
check_key_part(const struct sec *s, const struct key_part *part)
{
	unsigned i;
	uint64_t v;

	if (sec_nblocks(s, part->block) == 0)
		sec_error(s, "key", "this key needs %s blocks", part->block);
	for (i = 0; i < sec_nblocks(s, part->block); i++) {
		struct sec sub = sec_block(s, part->block, i);
		struct part value = { { 0 }, 0 };

		fields_read(&sub, part->fields, &value);
		if (strcmp(part->block, "member") == 0)
			(void)build_find(&sub, NULL, sec_title(&sub),
			    BLOCK_TENANT);
		else if (strcmp(part->block, "tier") == 0 &&
		    str_uint(sec_title(&sub), 1000000000, &v) != HUB_OK)
			sec_error(&sub, NULL,
			    "the title of a tier is a number of inhabitants");
	}
}

static void
check_key_parts(const struct sec *s, unsigned key)
{
	static const char *const blocks[] = { "member", "tier", "coalition" };
	const char *wanted = NULL;
	size_t i;

	for (i = 0; i < sizeof(key_parts) / sizeof(key_parts[0]); i++)
		if (key_parts[i].keys & 1U << key) {
			check_key_part(s, &key_parts[i]);
			wanted = key_parts[i].block;
		}
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (sec_nblocks(s, blocks[i]) > 0 &&
		    (wanted == NULL || strcmp(wanted, blocks[i]) != 0))
			sec_error(s, blocks[i],
			    "%s blocks do not belong to this key", blocks[i]);
}

/* Each member needs the population of the day that the model names. */
static void
check_populations(const struct sec *model, const struct sec *s)
{
	struct str day = sec_need(s, "key-date");
	unsigned i;

	if (day.p == NULL)
		return;
	for (i = 0; i < sec_nitems(model, "members"); i++) {
		struct str name = sec_item(model, "members", i);
		const struct sec *t = build_peek(s->b, BLOCK_TENANT, name);

		if (t != NULL &&
		    cfg_gettsec(t->cfg, "population", day.p) == NULL)
			sec_error(s, "key-date",
			    "tenant %.*s has no population of %.*s",
			    STR_FMT(name), STR_FMT(nearest_to(day).wrong));
	}
}

/* "unna,kamen": members, few enough for every order of joining. */
static void
check_coalition(const struct sec *model, const struct sec *s)
{
	unsigned i;

	if (sec_nitems(model, "members") > SHAPLEY_MAX)
		sec_error(s, "key", "shapley takes at most %d members",
		    SHAPLEY_MAX);
	for (i = 0; i < sec_nblocks(s, "coalition"); i++) {
		struct sec sub = sec_block(s, "coalition", i);
		struct str rest = sec_title(&sub), name;

		while (str_cut(&rest, ',', &name))
			if (!is_member(model, str_trim(name)))
				sec_error(&sub, NULL,
				    "'%.*s' is not among members",
				    STR_FMT(nearest_to(name).wrong));
	}
}

static bool
is_member(const struct sec *model, struct str name)
{
	unsigned i;

	for (i = 0; i < sec_nitems(model, "members"); i++)
		if (str_eq(sec_item(model, "members", i), name))
			return (true);
	return (false);
}
