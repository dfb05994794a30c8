/* server/hubverify/shares_weight.c - are the weights of a component those of
 * its key? See shares.h. */
#include "server/hubverify/shares.h"

#include <inttypes.h>
#include <string.h>

static bool
fixed_key(enum key key)
{
	return (key == POPULATION || key == FIXED || key == WEIGHTS ||
	    key == STEPDOWN);
}

/* What a key gives a member, where the run says what of; false: it does not. */
static bool
figure_of(const struct component *c, enum key key, size_t member,
    uint64_t *v_r)
{
	if (key == EQUAL)
		*v_r = 1;
	else if (key == POPULATION && c->inhabitants != NULL)
		*v_r = c->inhabitants[member];
	else if ((key == FIXED || key == WEIGHTS) && c->given != NULL)
		*v_r = c->given[member];
	else if (key == STEPDOWN && c->inhabitants != NULL &&
	    c->tiers != NULL)
		*v_r = tiers_weigh(c->tiers, c->ntiers,
		    c->inhabitants[member]);
	else
		return (false);
	return (true);
}

static void
say_weight(struct again *a, const struct component *c, size_t member,
    uint64_t is, wide want, const char *de, const char *en)
{
	say_tampered(a->r->say, "Berechnung %llu (%.60s): das Gewicht von "
	    "%.60s in %.60s ist %" PRIu64 ", %s %" PRIu64,
	    "calculation %llu (%.60s): the weight of %.60s in %.60s is %"
	    PRIu64 ", %s %" PRIu64, OF(a), a->r->members[member].ags, c->name,
	    is, a->r->say->german ? de : en, (uint64_t)want);
}

/* weights NULL: on-zero took their place, so they were 0. */
static void
check_shapley(struct again *a, struct component *c, const uint64_t *weights)
{
	int64_t cost[1 << SHAPLEY_MAX];
	uint64_t values[SHAPLEY_MAX];

	if (c->alone == NULL || a->nwho > SHAPLEY_MAX) {
		a->no_figures = true;
		return;
	}
	for (size_t s = 0; s < (size_t)1 << a->nwho; s++) {
		size_t set = 0;

		for (size_t k = 0; k < a->nwho; k++)
			if ((s & (size_t)1 << k) != 0)
				set |= (size_t)1 << a->who[k];
		cost[s] = c->alone[set];
	}
	if (!shapley(cost, (unsigned)a->nwho, values)) {
		say_tampered(a->r->say, "Berechnung %llu (%.60s): %.60s hat "
		    "keinen Shapley-Wert", "calculation %llu (%.60s): %.60s "
		    "has no Shapley value", OF(a), c->name);
		return;
	}
	for (size_t k = 0; k < a->nwho; k++)
		if ((weights == NULL ? 0 : weights[k]) != values[k])
			say_weight(a, c, a->who[k],
			    weights == NULL ? 0 : weights[k], values[k],
			    "nach den Kosten der Gruppen",
			    "by the costs of the groups");
}

/* The days of which usage weighs. */
static void
usage_days(const struct again *a, enum key key, int32_t *from, int32_t *to)
{
	unsigned m, d;
	int y;

	*from = a->from;
	*to = a->to;
	if (key == PREVIOUS) {
		date_of_days(a->from, &y, &m, &d);
		*from = days_of_date(y - 1, 1, 1);
		*to = days_of_date(y, 1, 1) - 1;
	}
}

/* The usage of a month is there, in an export of that month alone. */
static bool
usage_there(const struct again *a, int32_t from, int32_t to)
{
	const char *month = a->task->month;
	unsigned m[2], d;
	char text[16];
	int y[2];

	if (a->task->usage == NULL)
		return (false);
	if (month == NULL)
		return (true);
	date_of_days(from, &y[0], &m[0], &d);
	date_of_days(to, &y[1], &m[1], &d);
	(void)snprintf(text, sizeof(text), "%04d-%02u", y[0], m[0]);
	return (y[0] == y[1] && m[0] == m[1] && strcmp(text, month) == 0);
}

static bool
weighs(const struct used *u, wide weight)
{
	return (weight >= u->least && weight <= u->most);
}

static bool
usual_meter(const struct run *r)
{
	return (!r->meter_said || (r->meter[0] == 1000 && r->meter[1] == 10 &&
	    r->meter[2] == 1));
}

static void
say_usage(struct again *a, const struct component *c, size_t member,
    uint64_t is, const struct used *u)
{
	if (a->r->meter_said)
		say_weight(a, c, member, is, is < u->least ? u->least :
		    u->most, "genutzt nach den Summen der Tage",
		    "used by the sums of days");
	else
		say_blind(a->r->say, "Berechnung %llu (%.60s): die Gewichte "
		    "von %.60s sind nicht die genutzten Einheiten, und sie "
		    "nennt ihren Zähler nicht", "calculation %llu (%.60s): "
		    "the weights of %.60s are not the units used, and it does "
		    "not name its meter", OF(a), c->name);
}

static void
check_usage(struct again *a, const struct component *c,
    const uint64_t *weights)
{
	bool may[2] = { a->may[0], a->may[1] };
	struct used bad[2] = { { 0, 0 } };
	size_t who[2] = { 0 };
	int32_t from, to;

	usage_days(a, c->key, &from, &to);
	if (!usage_there(a, from, to)) {
		a->task->no_usage++;
		return;
	}
	for (size_t k = 0; k < a->nwho; k++)
		for (unsigned p = 0; p < 2; p++) {
			struct asked asked = {
				a->r->members[a->who[k]].ags, p == 0, from,
				to, a->seen };
			struct used u;

			if (may[p] && !usage_of(a->task->usage, &asked,
				usual_meter(a->r) ? NULL : a->r->meter, &u)) {
				a->task->no_usage++;
				return;
			}
			if (may[p] && !weighs(&u,
				weights == NULL ? 0 : weights[k])) {
				may[p] = false;
				bad[p] = u;
				who[p] = k;
			}
			if (may[p] && u.least != u.most)
				a->task->late++;
		}
	if (!may[0] && !may[1]) {
		unsigned p = a->may[0] ? 0 : 1;

		say_usage(a, c, a->who[who[p]], weights == NULL ? 0 :
		    weights[who[p]], &bad[p]);
	} else
		memcpy(a->may, may, sizeof(may));
}

/* Fixed figures are the same on all days. */
static void
check_first(struct again *a, size_t component, size_t member, uint64_t weight)
{
	uint64_t *first = &a->first[component * a->r->nmembers + member];

	if (*first == 0)
		*first = weight + 1;
	else if (*first != weight + 1)
		say_weight(a, &a->r->components[component], member, weight,
		    *first - 1, "an anderen Tagen", "on other days");
}

void
weights_check(struct again *a, size_t component, bool zero,
    const uint64_t *weights)
{
	struct component *c = &a->r->components[component];
	enum key key = !zero ? c->key : c->zero == ZERO_EQUAL ? EQUAL :
	    POPULATION;

	if (zero && c->zero == ZERO_ERROR)
		step_wrong(a, "on-zero ist error", "on-zero is error");
	if (c->key == USAGE || c->key == PREVIOUS)
		check_usage(a, c, zero ? NULL : weights);
	if (c->key == SHAPLEY)
		check_shapley(a, c, zero ? NULL : weights);
	for (size_t k = 0; k < a->nwho; k++) {
		size_t member = a->who[k];
		uint64_t want;

		if (figure_of(c, key, member, &want)) {
			if (weights[k] != want)
				say_weight(a, c, member, weights[k], want,
				    "nach ihrem Schlüssel", "by its key");
		} else if (fixed_key(key))
			a->no_figures = true;
		if (!zero && fixed_key(key))
			check_first(a, component, member, weights[k]);
		if (zero && figure_of(c, c->key, member, &want) && want != 0)
			say_weight(a, c, member, 0, want,
			    "nach ihrem Schlüssel", "by its key");
	}
}
