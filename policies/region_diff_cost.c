/* policies/region_diff_cost.c - what is paid and by whom: differences of costs
 * and models. Nobody sees more or less data for them: all is NEUTRAL. */
#include "policies/region_diff_priv.h"

#include <inttypes.h>

#define MODEL_MAX ((size_t)16 << 20)

static const struct sentence COST = { "cost $n", "Kosten $n" };
static const struct sentence MODEL = { "model $n", "Kostenmodell $n" };

static const struct region_cost *
cost_find(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->ncosts; i++)
		if (str_eq(r->costs[i].name, name))
			return (&r->costs[i]);
	return (NULL);
}

static const struct region_model *
model_find(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->nmodels; i++)
		if (str_eq(r->models[i].name, name))
			return (&r->models[i]);
	return (NULL);
}

static struct both
euros(struct diff *d, struct money m)
{
	const char *sign = m.cents < 0 ? "-" : "";
	uint64_t cents = m.cents < 0 ? -(uint64_t)m.cents : (uint64_t)m.cents;
	struct both n = words_decimal(cents, 2, d->arena);

	return ((struct both){ str_of(arena_printf(d->arena, "%s%.*s EUR", sign,
				   STR_FMT(n.en))),
	    str_of(arena_printf(d->arena, "%s%.*s EUR", sign,
		STR_FMT(n.de))) });
}

/* ---- items */

static const struct region_item *
item_find(const struct region_cost *cost, struct str name)
{
	for (unsigned i = 0; i < cost->nitems; i++)
		if (str_eq(cost->items[i].name, name))
			return (&cost->items[i]);
	return (NULL);
}

static struct both
item_subject(struct diff *d, const struct region_cost *cost,
    const struct region_item *item)
{
	const struct word_of words[] = { { 'n', both_plain(cost->name) },
		{ 'x', both_plain(item->name) } };

	return (words_fill((struct sentence){ "item $x of cost $n",
	    "Position $x der Kosten $n" }, words, 2, d->arena));
}

/* "-500.00 EUR, from 2026-01-01 to 2026-03-31, GS-7, Hosting" */
static struct both
item_text(struct diff *d, const struct region_item *item)
{
	const struct word_of words[] = { { 'n', euros(d, item->amount) },
		{ 'p', words_period(item->from,
		    (struct wall_us){ item->to.us + 1 }, d->arena) },
		{ 'x', both_plain(item->voucher) },
		{ 't', both_plain(item->title) } };
	bool voucher = item->voucher.len > 0, title = item->title.len > 0;
	const char *form = voucher && title ? "$n, $p, $x, $t" :
	    voucher			    ? "$n, $p, $x" :
	    title			    ? "$n, $p, $t" :
					      "$n, $p";

	return (words_fill((struct sentence){ form, form }, words, 4,
	    d->arena));
}

static void
diff_cost_items(struct diff *d, const struct region_cost *was,
    const struct region_cost *is)
{
	static const struct sentence changed = { "$s is now $n, was $o.",
		"$s ist jetzt $n, war $o." }, new = { "$s is new: $n.",
		"$s ist neu: $n." };
	struct about a = { 0 };

	for (unsigned i = 0; i < is->nitems; i++) {
		const struct region_item *item = &is->items[i],
		    *before = item_find(was, item->name);

		a.s = item_subject(d, is, item);
		a.n = item_text(d, item);
		if (before != NULL)
			a.o = item_text(d, before);
		if (before == NULL)
			diff_say(d, CHANGE_NEUTRAL, new, &a);
		else if (!str_eq(a.o.en, a.n.en))
			diff_say(d, CHANGE_NEUTRAL, changed, &a);
	}
	for (unsigned i = 0; i < was->nitems; i++)
		if (item_find(is, was->items[i].name) == NULL) {
			a.s = item_subject(d, was, &was->items[i]);
			diff_gone(d, CHANGE_NEUTRAL, &a);
		}
}

/* ---- costs */

static void
diff_booking(struct diff *d, const struct region_cost *was,
    const struct region_cost *is, struct about *a)
{
	static const struct sentence centre = { "the cost centre",
		"die Kostenstelle" }, unit = { "the cost unit",
		"der Kostenträger" }, account = { "the account",
		"das Sachkonto" };

	diff_text(d, CHANGE_NEUTRAL, centre, was->cost_centre, is->cost_centre,
	    a);
	diff_text(d, CHANGE_NEUTRAL, unit, was->cost_unit, is->cost_unit, a);
	diff_text(d, CHANGE_NEUTRAL, account, was->account, is->account, a);
}

static void
diff_cost(struct diff *d, const struct region_cost *was,
    const struct region_cost *is, struct about *a)
{
	static const struct sentence basis = { "the tax basis",
		"die Steuergrundlage" };
	static const struct sentence tax = {
		"$s: the value added tax is decided otherwise.",
		"$s: über die Umsatzsteuer ist anders entschieden."
	};
	static const struct sentence title = { "the title", "die Bezeichnung" },
		model = { "the model", "das Modell" };
	static const struct sentence amount = {
		"$s: the amount is now $n, was $o.",
		"$s: der Betrag ist jetzt $n, war $o."
	}, correct_from = {
		"$s: corrections are posted from $n for a member on, was $o.",
		"$s: berichtigt wird ab $n für ein Mitglied, bisher $o."
	}, period = { "$s now runs $n, was $o.",
		"$s: der Zeitraum geht jetzt $n, bisher $o." };

	diff_text(d, CHANGE_NEUTRAL, title, was->title, is->title, a);
	diff_text(d, CHANGE_NEUTRAL, model, was->model->name, is->model->name,
	    a);
	diff_text(d, CHANGE_NEUTRAL, basis, was->tax_basis, is->tax_basis, a);
	diff_booking(d, was, is, a);
	diff_cost_items(d, was, is);
	if (was->tax != is->tax || was->tax_rate != is->tax_rate)
		diff_say(d, CHANGE_NEUTRAL, tax, a);
	a->o = euros(d, was->amount);
	a->n = euros(d, is->amount);
	if (was->amount.cents != is->amount.cents)
		diff_say(d, CHANGE_NEUTRAL, amount, a);
	a->o = euros(d, was->correct_from);
	a->n = euros(d, is->correct_from);
	if (was->correct_from.cents != is->correct_from.cents)
		diff_say(d, CHANGE_NEUTRAL, correct_from, a);
	if (was->from.us == is->from.us && was->to.us == is->to.us)
		return;
	/* Days at midnight UTC, both included. */
	a->o = words_period(was->from,
	    (struct wall_us){ was->to.us + 1 }, d->arena);
	a->n = words_period(is->from, (struct wall_us){ is->to.us + 1 },
	    d->arena);
	diff_say(d, CHANGE_NEUTRAL, period, a);
}

/* ---- models: too much for a sentence each; all that they say, as text */

static void
add_list(struct buf *b, const uint64_t *v, unsigned n)
{
	for (unsigned i = 0; v != NULL && i < n; i++)
		buf_addf(b, "%" PRIu64 ",", v[i]);
	buf_addc(b, ';');
}

static void
add_component(struct buf *b, const struct region_model *m,
    const struct region_component *c)
{
	buf_adds(b, c->name);
	buf_addf(b, " %u %d %d %" PRId64 ";", c->basis_points, (int)c->key,
	    (int)c->on_zero, c->key_date.us);
	add_list(b, c->inhabitants, m->nmembers);
	add_list(b, c->given, m->nmembers);
	for (unsigned i = 0; i < c->ntiers; i++)
		buf_addf(b, "%" PRIu64 " %u,", c->tiers[i].up_to,
		    c->tiers[i].weight);
	for (unsigned i = 0; i < c->ncoalitions; i++)
		buf_addf(b, "%" PRIu32 " %" PRId64 ",",
		    c->coalitions[i].members, c->coalitions[i].amount.cents);
}

/* alone: with what no share rests on. */
static struct str
model_text(const struct region_model *m, bool alone, struct arena *a)
{
	struct str text;
	struct buf b;

	buf_init(&b, MODEL_MAX);
	buf_addf(&b, "%u %d %d %u %u %u %zu;", m->version, (int)m->per,
	    (int)m->party, m->meter.access, m->meter.entity, m->meter.kib,
	    m->clause.len);
	buf_adds(&b, m->clause);
	for (unsigned i = 0; i < m->nmembers; i++) {
		const struct region_member *rm = &m->members[i];

		buf_adds(&b, rm->tenant->name);
		buf_addf(&b, " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
		    " %" PRId64 ";", rm->from.us, rm->to.us,
		    rm->minimum.cents, rm->maximum.cents,
		    alone ? rm->alone.cents : 0);
	}
	for (unsigned i = 0; i < m->ncomponents; i++)
		add_component(&b, m, &m->components[i]);
	text = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (text);
}

struct str
region_model_text(const struct region_model *m, struct arena *a)
{
	return (model_text(m, true, a));
}

static void
diff_model(struct diff *d, const struct region_model *was,
    const struct region_model *is, struct about *a)
{
	static const struct sentence changed = {
		"$s changed: costs are shared otherwise.",
		"$s wurde geändert: die Kosten werden anders geteilt."
	}, alone = { "$s changed: what members would pay alone.",
		"$s wurde geändert: was Mitglieder allein zahlen würden." };

	if (!str_eq(model_text(was, false, d->arena),
		model_text(is, false, d->arena)))
		diff_say(d, CHANGE_NEUTRAL, changed, a);
	else if (!str_eq(region_model_text(was, d->arena),
		     region_model_text(is, d->arena)))
		diff_say(d, CHANGE_NEUTRAL, alone, a);
}

static void
diff_models(struct diff *d)
{
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->nmodels; i++) {
		const struct region_model *is = &d->after->models[i],
		    *was = model_find(d->before, is->name);

		a.s = diff_subject(d, MODEL, is->name);
		if (was == NULL)
			diff_new(d, CHANGE_NEUTRAL, &a);
		else
			diff_model(d, was, is, &a);
	}
	for (unsigned i = 0; i < d->before->nmodels; i++)
		if (model_find(d->after, d->before->models[i].name) == NULL) {
			a.s = diff_subject(d, MODEL, d->before->models[i].name);
			diff_gone(d, CHANGE_NEUTRAL, &a);
		}
}

void
diff_costs(struct diff *d)
{
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->ncosts; i++) {
		const struct region_cost *is = &d->after->costs[i],
					 *was = cost_find(d->before, is->name);

		a.s = diff_subject(d, COST, is->name);
		if (was == NULL)
			diff_new(d, CHANGE_NEUTRAL, &a);
		else
			diff_cost(d, was, is, &a);
	}
	for (unsigned i = 0; i < d->before->ncosts; i++)
		if (cost_find(d->after, d->before->costs[i].name) == NULL) {
			a.s = diff_subject(d, COST, d->before->costs[i].name);
			diff_gone(d, CHANGE_NEUTRAL, &a);
		}
	diff_models(d);
}
