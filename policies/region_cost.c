/* policies/region_cost.c - prices, costs and what they are made of. How a cost
 * is shared is in region_model.c. Money is decimal text read by money_parse. */
#include <inttypes.h>

#include "policies/region_priv.h"

static void check_price(const struct sec *);
static void read_cost(const struct sec *, struct region_cost *);
static void read_items(const struct sec *, struct region_cost *);
static void check_tax(const struct sec *, const struct region_cost *);
static void check_fixed(const struct sec *, const struct region_cost *);

#define CORRECT_FROM_CENTS 100 /* ledger.md, section 4 */

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

static const struct word tax_words[] = { { "standard", TAX_STANDARD },
	{ "exempt", TAX_EXEMPT }, { "outside", TAX_OUTSIDE }, { NULL, 0 } };

static const struct field cost_fields[] = {
	{ "title", F_TEXT, true, offsetof(struct region_cost, title), 0, 0, 0,
	    NULL },
	{ "cost-centre", F_TEXT, false,
	    offsetof(struct region_cost, cost_centre), 0, 0, 0, NULL },
	{ "cost-unit", F_TEXT, false, offsetof(struct region_cost, cost_unit),
	    0, 0, 0, NULL },
	{ "account", F_TEXT, false, offsetof(struct region_cost, account), 0, 0,
	    0, NULL },
	{ "amount", F_MONEY, false, offsetof(struct region_cost, amount), 0, 0,
	    0, NULL },
	{ "from", F_DATE, true, offsetof(struct region_cost, from), 0, 0, 0,
	    NULL },
	{ "to", F_DATE, true, offsetof(struct region_cost, to), 0, 0, 0, NULL },
	{ "tax", F_WORD, false, offsetof(struct region_cost, tax), 0, 0,
	    TAX_UNKNOWN, tax_words },
	{ "tax-rate", F_UINT, false, offsetof(struct region_cost, tax_rate), 1,
	    99, 0, NULL },
	{ "tax-basis", F_TEXT, false, offsetof(struct region_cost, tax_basis),
	    0, 0, 0, NULL },
	{ "correct-from", F_MONEY, false,
	    offsetof(struct region_cost, correct_from), 0, 0, 0, NULL },
	FIELDS_END
};

static const struct field item_fields[] = {
	{ "title", F_TEXT, false, offsetof(struct region_item, title), 0, 0, 0,
	    NULL },
	{ "voucher", F_TEXT, false, offsetof(struct region_item, voucher), 0, 0,
	    0, NULL },
	{ "amount", F_MONEY, true, offsetof(struct region_item, amount), 0, 0,
	    0, NULL },
	{ "from", F_DATE, false, offsetof(struct region_item, from), 0, 0, 0,
	    NULL },
	{ "to", F_DATE, false, offsetof(struct region_item, to), 0, 0, 0,
	    NULL },
	FIELDS_END
};
/* An amount has no sign in the file: what it is does. */
enum item_kind { ITEM_CHARGE, ITEM_CREDIT };
static const struct word item_words[] = { { "charge", ITEM_CHARGE },
	{ "credit", ITEM_CREDIT }, { NULL, 0 } };
struct item_sign {
	enum item_kind kind;
};
static const struct field sign_fields[] = {
	{ "kind", F_WORD, false, offsetof(struct item_sign, kind), 0, 0,
	    ITEM_CHARGE, item_words },
	FIELDS_END
};

void
build_costs(struct build *b)
{
	unsigned i, nmodels = b->nblocks[BLOCK_MODEL];
	unsigned ncosts = b->nblocks[BLOCK_COST];

	b->models =
	    arena_array(b->arena, (size_t)nmodels + 1, sizeof(*b->models));
	b->costs = arena_array(b->arena, (size_t)ncosts + 1, sizeof(*b->costs));
	for (i = 0; i < b->nblocks[BLOCK_PRICE]; i++)
		check_price(&b->blocks[BLOCK_PRICE][i]);
	for (i = 0; i < nmodels; i++)
		model_read(&b->blocks[BLOCK_MODEL][i], &b->models[i]);
	for (i = 0; i < ncosts; i++)
		read_cost(&b->blocks[BLOCK_COST][i], &b->costs[i]);
	b->region->nprices = b->nblocks[BLOCK_PRICE];
	b->region->ncosts = ncosts;
	b->region->costs = b->costs;
	b->region->nmodels = nmodels;
	b->region->models = b->models;
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
read_cost(const struct sec *s, struct region_cost *cost)
{
	unsigned before = s->b->nerrors;
	int model = sec_ref(s, "model", BLOCK_MODEL);

	cost->name = sec_slug(s);
	cost->correct_from.cents = CORRECT_FROM_CENTS;
	fields_read(s, cost_fields, cost);
	if (cost->to.us < cost->from.us)
		sec_error(s, "to", "the cost ends before it begins");
	else if ((cost->to.us - cost->from.us) / WALL_DAY_US >= COST_DAYS_MAX)
		sec_error(s, "to", "the cost runs for over a hundred years");
	read_items(s, cost);
	check_tax(s, cost);
	if (s->b->nerrors > before)
		return;
	cost->model = &s->b->models[model];
	check_fixed(s, cost);
}

/* What an item does not say of its days is what the cost says. */
static void
read_item(const struct sec *s, const struct region_cost *cost,
    struct region_item *item)
{
	struct item_sign sign;

	item->name = sec_slug(s);
	item->from = cost->from;
	item->to = cost->to;
	fields_read(s, item_fields, item);
	fields_read(s, sign_fields, &sign);
	if (sign.kind == ITEM_CREDIT)
		item->amount.cents = -item->amount.cents;
	if (item->to.us < item->from.us)
		sec_error(s, "to", "ends before it begins");
	else if (item->from.us < cost->from.us || item->to.us > cost->to.us)
		sec_error(s, item->from.us < cost->from.us ? "from" : "to",
		    "the cost does not run on these days");
}

/* The amount, or items of which it is the sum. Charges and credits are bounded
 * each: so is what falls into any part of the time. */
static void
read_items(const struct sec *s, struct region_cost *cost)
{
	unsigned n = sec_nblocks(s, "item");
	int64_t charges = 0, credits = 0; /* of at most 1000 times 10^12 */
	struct region_item *v;

	if ((n > 0) == sec_has(s, "amount"))
		sec_error(s, "amount",
		    "a cost has either amount or item blocks");
	if (n > COST_ITEMS_MAX) {
		sec_error(s, "item", "over %d items", COST_ITEMS_MAX);
		return;
	}
	v = arena_array(s->b->arena, (size_t)n + 1, sizeof(*v));
	cost->items = v;
	cost->nitems = n;
	for (unsigned i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "item", i);

		read_item(&sub, cost, &v[i]);
		*(v[i].amount.cents < 0 ? &credits : &charges) +=
		    v[i].amount.cents;
	}
	if (charges > MONEY_MAX_CENTS || credits < -MONEY_MAX_CENTS)
		sec_error(s, "item", "charges or credits are over "
		    "10000000000.00 in all");
	if (n > 0)
		cost->amount.cents = charges + credits;
}

static void
check_tax(const struct sec *s, const struct region_cost *cost)
{
	if ((cost->tax == TAX_STANDARD) != (cost->tax_rate != 0))
		sec_error(s, "tax-rate", "tax-rate goes with tax = standard");
	if (cost->tax == TAX_UNKNOWN && cost->tax_basis.len > 0)
		sec_error(s, "tax-basis", "tax-basis goes with tax");
	if (cost->tax != TAX_UNKNOWN && cost->tax_basis.len == 0)
		sec_error(s, "tax", "tax needs a tax-basis");
}

/* Fixed amounts are the whole of their component, to the cent: what is not
 * exact here can be but the one cent that the split of the cost may give to
 * one component or another. */
static void
check_fixed(const struct sec *s, const struct region_cost *cost)
{
	const struct region_model *m = cost->model;
	int64_t cents = cost->amount.cents;

	for (unsigned k = 0; k < m->ncomponents; k++) {
		const struct region_component *c = &m->components[k];
		int64_t sum = 0, part, off;

		if (c->key != KEY_FIXED || c->given == NULL)
			continue;
		for (unsigned i = 0; i < m->nmembers; i++)
			sum += (int64_t)c->given[i];
		/* amount <= 10^12 cents, basis points <= 10^4 */
		part = (cents < 0 ? -cents : cents) *
		    (int64_t)c->basis_points;
		off = sum > INT64_MAX / 10000 ? INT64_MAX : sum * 10000 - part;
		if (off <= -10000 || off >= 10000)
			sec_error(s, cost->nitems > 0 ? "item" : "amount",
			    "component %.*s of model %.*s is fixed at %" PRId64
			    ".%02d, which is not %u basis points of this "
			    "amount",
			    STR_FMT(c->name), STR_FMT(m->name), sum / 100,
			    (int)(sum % 100), c->basis_points);
	}
}
