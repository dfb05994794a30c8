/* server/hubverify/shares.c - a calculation made again, step by step, from its
 * weights and days; see shares.h.
 *
 * The trace is read beside: weights are taken from it, all else it must say as
 * it comes out here. After a step that it does not, the shares alone are
 * compared, since every later step follows from it. */
#include "server/hubverify/shares.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A weight below 2^63. */
static bool
weight_read(const json_t *o, uint64_t *v_r)
{
	const json_t *v = json_object_get(o, "weight");

	if (json_is_integer(v) && json_integer_value(v) >= 0)
		*v_r = (uint64_t)json_integer_value(v);
	else if (!json_is_string(v) ||
	    !read_uint(json_string_value(v), INT64_MAX, v_r))
		return (false);
	return (true);
}

/* ---- components and ranges */

/* The parts of a component in a range; they say who is a member in it. */
static size_t
read_parts(struct again *a, const struct component *c, uint64_t *weights,
    size_t *who, const json_t **steps)
{
	const json_t *o;
	size_t n = 0;

	while (!a->lost && (o = step_peek(a, "part")) != NULL &&
	    step_date(o, "from", a->from) &&
	    step_text(o, "component", c->name)) {
		size_t m = run_member(a->r, json_string_value(
		    json_object_get(o, "tenant")) == NULL ? "" :
		    json_string_value(json_object_get(o, "tenant")));

		a->at++;
		if (m == a->r->nmembers || (n > 0 && m <= who[n - 1]) ||
		    !step_date(o, "to", a->to) ||
		    !weight_read(o, &weights[n]))
			step_lost(a);
		else {
			steps[n] = o;
			who[n++] = m;
		}
	}
	return (n);
}

/* All components of a range are shared by the same members. */
static bool
same_members(struct again *a, const size_t *who, size_t n)
{
	if (a->nwho == 0) {
		a->nwho = n;
		memcpy(a->who, who, n * sizeof(*who));
	}
	return (n > 0 && n == a->nwho &&
	    memcmp(a->who, who, n * sizeof(*who)) == 0);
}

static void
share_parts(struct again *a, size_t component, int64_t cents, bool zero)
{
	struct component *c = &a->r->components[component];
	size_t n = a->r->nmembers;
	uint64_t *weights = zeros(n, sizeof(*weights));
	size_t *who = zeros(n, sizeof(*who));
	const json_t **steps = zeros(n, sizeof(*steps));
	int64_t *out = zeros(n, sizeof(*out));
	size_t before = a->at;
	wide sum = 0;

	n = read_parts(a, c, weights, who, steps);
	for (size_t k = 0; k < n; k++)
		sum += weights[k];
	if (!a->lost && (!same_members(a, who, n) ||
	    !split(cents, weights, n, a->turn, out))) {
		a->at = before + 1;
		step_lost(a);
	}
	if (!a->lost)
		weights_check(a, component, zero, weights);
	for (size_t k = 0; !a->lost && k < n; k++) {
		a->parts[who[k] * a->r->ncomponents + component] += out[k];
		a->at = before + k + 1;
		step_cents(a, steps[k], out[k]);
		if (!step_number(steps[k], "of", sum))
			step_wrong(a, "die Summe der Gewichte stimmt nicht",
			    "the sum of the weights is wrong");
	}
	free(weights);
	free(who);
	free(steps);
	free(out);
}

static void
share_component(struct again *a, size_t component, int64_t cents)
{
	const struct component *c = &a->r->components[component];
	const json_t *o = step_next(a, "component");
	bool zero = false;

	if (o == NULL)
		return;
	if (!step_date(o, "from", a->from) || !step_date(o, "to", a->to) ||
	    !step_text(o, "component", c->name)) {
		step_lost(a);
		return;
	}
	if (!step_number(o, "weight", c->points) ||
	    !step_number(o, "of", 10000))
		step_wrong(a, "die Basispunkte stimmen nicht",
		    "the basis points are wrong");
	step_cents(a, o, cents);
	if (cents == 0)
		return;
	if ((o = step_peek(a, "zero")) != NULL) {
		a->at++;
		zero = true;
		if (!step_date(o, "from", a->from) ||
		    !step_date(o, "to", a->to) ||
		    !step_text(o, "component", c->name))
			step_lost(a);
		step_cents(a, o, 0);
	}
	share_parts(a, component, cents, zero);
}

/* A range begins where somebody comes or goes, and who went is gone: another
 * division of the same days would round otherwise. */
static void
check_members(struct again *a)
{
	bool changed = !a->known, again = false;

	for (size_t i = 0, k = 0; a->nwho > 0 && i < a->r->nmembers; i++) {
		bool here = k < a->nwho && a->who[k] == i;
		bool was = a->joined[i] && !a->left[i];

		k += here;
		changed |= here != was;
		again |= here && a->left[i];
		a->joined[i] |= here;
		a->left[i] |= was && !here;
	}
	if (a->nwho > 0 && (!changed || again))
		say_tampered(a->r->say, "Berechnung %llu (%.60s): die "
		    "Mitglieder wechseln nicht, wie die Tage geteilt sind", "calculation "
		    "%llu (%.60s): members do not come and go as the days are "
		    "divided", OF(a));
	a->known = a->nwho > 0;
}

static void
share_range(struct again *a, int64_t cents, int64_t length)
{
	const struct run *r = a->r;
	const int64_t days = (int64_t)r->to - r->from + 1;
	const json_t *o = step_next(a, "days");
	uint64_t points[COMPONENTS_MAX];
	int64_t parts[COMPONENTS_MAX];

	if (o == NULL)
		return;
	a->from = a->to = 0;
	(void)read_date(json_string_value(json_object_get(o, "from")),
	    &a->from);
	(void)read_date(json_string_value(json_object_get(o, "to")), &a->to);
	if (!step_number(o, "weight", (wide)length) ||
	    !step_number(o, "of", (wide)days))
		step_wrong(a, "die Zahl der Tage stimmt nicht",
		    "the number of days is wrong");
	step_cents(a, o, cents);
	a->nwho = 0;
	for (size_t c = 0; c < r->ncomponents; c++)
		points[c] = r->components[c].points;
	(void)split(cents, points, r->ncomponents, 0, parts);
	for (size_t c = 0; c < r->ncomponents && !a->lost; c++)
		share_component(a, c, parts[c]);
	for (size_t k = 0; k < a->nwho; k++)
		a->days[a->who[k]] += length;
	if (a->nwho == 0)
		a->nameless += length;
	if (!a->lost)
		check_members(a);
}

/* The ranges, which follow one another from the first day to the last. How
 * many; 0: they do not. */
static size_t
find_ranges(struct again *a, uint64_t *lengths, size_t max)
{
	const json_t *trace = a->r->trace;
	int32_t day = a->r->from, to = 0;
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(trace); i++) {
		const json_t *o = json_array_get(trace, i);

		if (!step_text(o, "step", "days"))
			continue;
		a->at = i + 1;
		if (n == max || !step_date(o, "from", day) ||
		    !read_date(json_string_value(json_object_get(o, "to")),
			&to) || to < day || to > a->r->to)
			break;
		lengths[n++] = (uint64_t)(to - day) + 1;
		day = to + 1;
	}
	if (n > 0 && day == a->r->to + 1)
		return (n);
	step_wrong(a, "die Tage schließen nicht aneinander an oder sind nicht "
	    "die der Kosten", "the days do not follow one another, or are not "
	    "those of the cost");
	a->lost = true;
	return (0);
}

static void
share_ranges(struct again *a)
{
	size_t max = 2 * a->r->nmembers + 2, n;
	uint64_t *lengths = zeros(max, sizeof(*lengths));
	int64_t *cents = zeros(max, sizeof(*cents));

	n = find_ranges(a, lengths, max);
	a->at = 0;
	if (n > 0)
		(void)split(a->r->cents, lengths, n, 0, cents);
	for (size_t i = 0; i < n && !a->lost; i++)
		share_range(a, cents[i], (int64_t)lengths[i]);
	free(lengths);
	free(cents);
}

/* Fixed amounts are set by the whole cost; members who have no day here may
 * have the rest of them. */
static void
check_fixed(struct again *a)
{
	const struct run *r = a->r;
	uint64_t points[COMPONENTS_MAX];
	int64_t parts[COMPONENTS_MAX];

	for (size_t c = 0; c < r->ncomponents; c++)
		points[c] = r->components[c].points;
	(void)split(r->whole, points, r->ncomponents, 0, parts);
	for (size_t c = 0; c < r->ncomponents; c++) {
		int64_t whole = parts[c] < 0 ? -parts[c] : parts[c];
		wide sum = 0;

		for (size_t i = 0; i < r->nmembers; i++)
			if (a->first[c * r->nmembers + i] != 0)
				sum += a->first[c * r->nmembers + i] - 1;
		if (r->components[c].key == FIXED && sum > (wide)whole)
			say_tampered(r->say, "Berechnung %llu (%.60s): die "
			    "festen Beträge von %.60s sind mehr als die Kosten",
			    "calculation %llu (%.60s): the fixed amounts of "
			    "%.60s are more than the cost", OF(a),
			    r->components[c].name);
	}
}

/* A part of a year waits for the rest of it. */
static void
check_waiting(struct again *a)
{
	unsigned m, d, m2;
	int y, y2;

	date_of_days(a->r->from, &y, &m, &d);
	date_of_days(a->r->to, &y2, &m2, &d);
	if (a->r->bounds == BOUNDS_WAITING && (y != y2 || m != m2))
		say_tampered(a->r->say, "Berechnung %llu (%.60s): Mindest- "
		    "und Höchstbetrag sind nicht angewandt, obwohl sie kein "
		    "Monat ist", "calculation %llu (%.60s): minimum and "
		    "maximum are not applied, though it is no month", OF(a));
}

/* ---- what comes out */

void
say_amounts(const struct again *a, const char *de, const char *en,
    const char *whose, int64_t is, int64_t want)
{
	const struct say *s = a->r->say;
	char x[32], y[32];

	say_tampered(a->r->say, "Berechnung %llu (%.60s): %s%.60s ist %s, "
	    "nachgerechnet %s", "calculation %llu (%.60s): %s%.60s is %s, "
	    "worked out again %s", OF(a), s->german ? de : en, whose,
	    cents_text(s, is, x), cents_text(s, want, y));
}

static int64_t
raw_of(const struct again *a, size_t i)
{
	int64_t sum = 0;

	for (size_t c = 0; c < a->r->ncomponents; c++)
		sum += a->parts[i * a->r->ncomponents + c];
	return (sum);
}

static void
check_steps(struct again *a, const char *step, bool share)
{
	for (size_t i = 0; i < a->r->nmembers && !a->lost; i++) {
		const json_t *o = step_next(a, step);

		if (o == NULL)
			return;
		if (!step_text(o, "tenant", a->r->members[i].tenant))
			step_lost(a);
		step_cents(a, o, share ? a->shares[i] : raw_of(a, i));
	}
}

static void
check_member(struct again *a, size_t i)
{
	const struct member *m = &a->r->members[i];
	size_t n = a->r->ncomponents;

	for (size_t c = 0; c < n; c++)
		if (m->parts[c] != a->parts[i * n + c])
			say_amounts(a, "der Teil für ", "the part for ",
			    m->ags, m->parts[c], a->parts[i * n + c]);
	if (m->raw != raw_of(a, i))
		say_amounts(a, "der Anteil vor Grenzen von ",
		    "the share before bounds of ", m->ags, m->raw,
		    raw_of(a, i));
	if (m->share != a->shares[i])
		say_amounts(a, "der Anteil von ", "the share of ", m->ags,
		    m->share, a->shares[i]);
	/* Days of which nothing was shared name no members. */
	if (m->days < a->days[i] || m->days > a->days[i] + a->nameless)
		say_tampered(a->r->say, "Berechnung %llu (%.60s): %.60s ist "
		    "an %" PRId64 " Tagen Mitglied, nicht an %" PRId64,
		    "calculation %llu (%.60s): %.60s is a member on %" PRId64
		    " days, not on %" PRId64, OF(a), m->ags, a->days[i],
		    m->days);
	else if (m->bound != a->sides[i])
		say_tampered(a->r->say, "Berechnung %llu (%.60s): Mindest- "
		    "oder Höchstbetrag von %.60s stimmt nicht", "calculation "
		    "%llu (%.60s): minimum or maximum of %.60s is wrong",
		    OF(a), m->ags);
}

static void
check_components(struct again *a)
{
	const struct run *r = a->r;

	for (size_t c = 0; c < r->ncomponents; c++) {
		int64_t sum = 0;

		for (size_t i = 0; i < r->nmembers; i++)
			sum += a->parts[i * r->ncomponents + c];
		if (sum != r->components[c].cents)
			say_amounts(a, "der Betrag von ", "the amount of ",
			    r->components[c].name, r->components[c].cents,
			    sum);
	}
}

static void
check_tax(struct again *a)
{
	const json_t *tax = json_object_get(a->r->json, "tax");
	const json_t *sums = json_object_get(a->r->json, "tax_cents");
	int64_t percent = 0, notices = 0, total;

	if (sums == NULL)
		return;
	if (json_is_object(tax))
		percent = run_int(a->r, tax, "percent", 0, 99);
	for (size_t i = 0; i < a->r->nmembers; i++)
		notices += tax_of(a->shares[i], (unsigned)percent);
	total = tax_of(a->r->cents, (unsigned)percent);
	if (run_int(a->r, sums, "notices", INT64_MIN, INT64_MAX) != notices ||
	    run_int(a->r, sums, "total", INT64_MIN, INT64_MAX) != total ||
	    run_int(a->r, sums, "difference", INT64_MIN, INT64_MAX) !=
	    notices - total || a->r->wrong != NULL)
		say_tampered(a->r->say, "Berechnung %llu (%.60s): die Steuer "
		    "stimmt nicht", "calculation %llu (%.60s): the tax is "
		    "wrong", OF(a));
}

/* Whatever became of the steps: shares are the cost, and never against it. A
 * month can have more of credits than the whole cost has, by its items. */
static void
check_sum(struct again *a)
{
	const struct run *r = a->r;
	int64_t sum = 0;

	for (size_t i = 0; i < r->nmembers; i++)
		sum += r->members[i].share;
	if (sum != r->cents)
		say_amounts(a, "die Summe der Anteile", "the sum of the shares",
		    "", sum, r->cents);
	if (json_object_get(r->json, "items") != NULL)
		items_check(a);
	else if (r->plan == 0 && ((r->cents < 0) != (r->whole < 0) ||
	    llabs(r->cents) > llabs(r->whole)) && r->cents != 0)
		say_amounts(a, "der Betrag der ganzen Kosten",
		    "the amount of the whole cost", "", r->whole, r->cents);
}

void
run_check(struct run *r, struct shares_task *task, struct seen seen)
{
	size_t cells = r->nmembers * r->ncomponents;
	struct again a = { .r = r, .task = task, .seen = seen,
		.may = { true, true } };
	unsigned m, d;
	int y;

	check_sum(&a);
	task->runs++;
	if (r->plan != 0)
		return;	/* posted.c */
	if (r->nmembers == 0 || r->ncomponents == 0) {
		step_lost(&a);
		return;
	}
	if (r->meter_said)
		a.may[r->consumer ? 1 : 0] = false;
	date_of_days(r->from, &y, &m, &d);
	a.turn = 12 * (unsigned)y + m - 1;
	a.who = zeros(r->nmembers, sizeof(*a.who));
	a.parts = zeros(cells, sizeof(*a.parts));
	a.first = zeros(cells, sizeof(*a.first));
	a.shares = zeros(r->nmembers, sizeof(*a.shares));
	a.days = zeros(r->nmembers, sizeof(*a.days));
	a.sides = zeros(r->nmembers, sizeof(*a.sides));
	a.joined = zeros(r->nmembers, sizeof(*a.joined));
	a.left = zeros(r->nmembers, sizeof(*a.left));
	check_waiting(&a);
	share_ranges(&a);
	check_steps(&a, "raw", false);
	for (size_t i = 0; i < r->nmembers; i++)
		a.shares[i] = raw_of(&a, i);
	if (!a.lost && r->bounds == BOUNDS_APPLIED && r->cents > 0)
		bounds_make(&a);
	check_steps(&a, "share", true);
	if (!a.lost && a.at != json_array_size(r->trace)) {
		a.at++;
		step_lost(&a);
	}
	if (!a.lost) {
		for (size_t i = 0; i < r->nmembers; i++)
			check_member(&a, i);
		check_components(&a);
		check_fixed(&a);
		check_tax(&a);
		alone_check(&a);
	}
	task->no_figures += a.no_figures;
	free(a.who);
	free(a.parts);
	free(a.first);
	free(a.shares);
	free(a.days);
	free(a.sides);
	free(a.joined);
	free(a.left);
}
