/* server/hubverify/shares_doc.c - what a calculation says of itself; see
 * shares.h. */
#include "server/hubverify/shares.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LONG_NUMBER 19 /* digits that may be too many for 64 bits */

const char *
cents_text(const struct say *s, int64_t cents, char out[32])
{
	uint64_t v = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;

	(void)snprintf(out, 32, "%s%llu%c%02u", cents < 0 ? "-" : "",
	    (unsigned long long)(v / 100), s->german ? ',' : '.',
	    (unsigned)(v % 100));
	return (out);
}

/* ---- readers of fields */

static void
bad(struct run *r, const char *key)
{
	if (r->wrong == NULL)
		r->wrong = key;
}

int64_t
run_int(struct run *r, const json_t *o, const char *key, int64_t min,
    int64_t max)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_integer(v) && json_integer_value(v) >= min &&
	    json_integer_value(v) <= max)
		return (json_integer_value(v));
	bad(r, key);
	return (min > 0 ? min : 0);
}

const char *
run_text(struct run *r, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (s == NULL)
		bad(r, key);
	return (s == NULL ? "" : s);
}

int32_t
run_date(struct run *r, const json_t *o, const char *key)
{
	int32_t day = 0;

	if (!read_date(run_text(r, o, key), &day))
		bad(r, key);
	return (day);
}

/* The index of a word in a list that ends with NULL. */
static unsigned
word(struct run *r, const json_t *o, const char *key,
    const char *const *words)
{
	const char *s = run_text(r, o, key);

	for (unsigned i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], s) == 0)
			return (i);
	bad(r, key);
	return (0);
}

/* n numbers; NULL: there are none. */
static uint64_t *
numbers(struct run *r, const json_t *o, const char *key, size_t n,
    int64_t max)
{
	const json_t *list = json_object_get(o, key);
	uint64_t *v;

	if (list == NULL || json_is_null(list))
		return (NULL);
	v = zeros(n, sizeof(*v));
	if (json_array_size(list) != n)
		bad(r, key);
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_array_get(list, i);

		if (!json_is_integer(x) || json_integer_value(x) < 0 ||
		    json_integer_value(x) > max)
			bad(r, key);
		else
			v[i] = (uint64_t)json_integer_value(x);
	}
	return (v);
}

/* ---- members */

static int
by_name(const void *pa, const void *pb, void *arg)
{
	const struct member *m = arg;
	const size_t *a = pa, *b = pb;

	return (strcmp(m[*a].tenant, m[*b].tenant));
}

size_t
run_member(const struct run *r, const char *tenant)
{
	size_t low = 0, high = r->nmembers;

	while (low < high) {
		size_t mid = low + (high - low) / 2, i = r->by_name[mid];
		int order = strcmp(tenant, r->members[i].tenant);

		if (order == 0)
			return (i);
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return (r->nmembers);
}

static void
read_parts(struct run *r, const json_t *o, struct member *m)
{
	const json_t *parts = json_object_get(o, "parts_cents");

	m->parts = zeros(r->ncomponents, sizeof(*m->parts));
	if (!json_is_array(parts) ||
	    json_array_size(parts) != r->ncomponents)
		bad(r, "parts_cents");
	for (size_t c = 0; c < r->ncomponents; c++) {
		const json_t *v = json_array_get(parts, c);

		if (!json_is_integer(v) ||
		    json_integer_value(v) < -CENTS_MAX ||
		    json_integer_value(v) > CENTS_MAX)
			bad(r, "parts_cents");
		else
			m->parts[c] = json_integer_value(v);
	}
}

static enum limit
read_side(struct run *r, const json_t *o)
{
	static const char *const words[] = { "minimum", "maximum", NULL };

	if (json_object_get(o, "bound") == NULL ||
	    json_is_null(json_object_get(o, "bound")))
		return (LIMIT_NONE);
	return (word(r, o, "bound", words) == 0 ? LIMIT_MINIMUM :
	    LIMIT_MAXIMUM);
}

static void
read_bounds(struct run *r, const json_t *o, struct member *m)
{
	m->maximum = INT64_MAX;
	m->bounds_said = json_object_get(o, "minimum_cents") != NULL;
	if (!m->bounds_said)
		return;
	m->minimum = run_int(r, o, "minimum_cents", 0, 100 * CENTS_MAX);
	if (!json_is_null(json_object_get(o, "maximum_cents")))
		m->maximum = run_int(r, o, "maximum_cents", m->minimum,
		    100 * CENTS_MAX + 100);
}

static void
read_members(struct run *r)
{
	const json_t *list = json_object_get(r->json, "shares");

	if (!json_is_array(list) || json_array_size(list) > MEMBERS_MAX) {
		bad(r, "shares");
		return;
	}
	r->nmembers = json_array_size(list);
	r->members = zeros(r->nmembers, sizeof(*r->members));
	r->by_name = zeros(r->nmembers, sizeof(*r->by_name));
	for (size_t i = 0; i < r->nmembers; i++) {
		const json_t *o = json_array_get(list, i);
		struct member *m = &r->members[i];

		m->ags = run_text(r, o, "ags");
		m->tenant = run_text(r, o, "tenant");
		m->raw = run_int(r, o, "raw_cents", -CENTS_MAX, CENTS_MAX);
		m->share = run_int(r, o, "share_cents", -CENTS_MAX, CENTS_MAX);
		read_parts(r, o, m);
		if (r->plan == 0) {
			m->days = run_int(r, o, "days", 1, 36525);
			m->bound = read_side(r, o);
			read_bounds(r, o, m);
		}
		if (m->bounds_said != r->members[0].bounds_said ||
		    (m->bounds_said && r->bounds != BOUNDS_APPLIED))
			bad(r, "minimum_cents");
		/* Their order decides which of equal remainders is first. */
		if (i > 0 && strcmp(r->members[i - 1].ags, m->ags) >= 0)
			bad(r, "ags");
		r->by_name[i] = i;
	}
	qsort_r(r->by_name, r->nmembers, sizeof(*r->by_name), by_name,
	    r->members);
	for (size_t i = 1; i < r->nmembers; i++)
		if (by_name(&r->by_name[i - 1], &r->by_name[i], r->members) ==
		    0)
			bad(r, "tenant");
}

/* ---- components */

static void
read_component(struct run *r, const json_t *o, struct component *c)
{
	static const char *const keys[] = { "equal", "population", "usage",
		"previous-year-usage", "fixed", "weights", "stepdown",
		"shapley", NULL };
	static const char *const zero[] = { "error", "equal", "population",
		NULL };

	c->json = o;
	c->name = run_text(r, o, "name");
	c->key = (enum key)word(r, o, "key", keys);
	c->zero = (enum on_zero)word(r, o, "on_zero", zero);
	c->points = (uint64_t)run_int(r, o, "basis_points", 0, 10000);
	c->cents = run_int(r, o, "cents", -CENTS_MAX, CENTS_MAX);
}

static void
read_components(struct run *r)
{
	const json_t *list = json_object_get(r->json, "components");
	uint64_t points = 0;

	if (!json_is_array(list) || json_array_size(list) > COMPONENTS_MAX) {
		bad(r, "components");
		return;
	}
	r->ncomponents = json_array_size(list);
	r->components = zeros(r->ncomponents, sizeof(*r->components));
	for (size_t c = 0; c < r->ncomponents; c++) {
		read_component(r, json_array_get(list, c), &r->components[c]);
		points += r->components[c].points;
		for (size_t k = 0; k < c; k++)
			if (strcmp(r->components[k].name,
				r->components[c].name) == 0)
				bad(r, "components");
	}
	if (points != (r->plan == 0 ? 10000 : 0))
		bad(r, "basis_points");
}

/* ---- what weights are made of: said since that is checked */

static void
read_tiers(struct run *r, struct component *c)
{
	const json_t *list = json_object_get(c->json, "tiers");
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return;
	if (n == 0 || n > TIERS_MAX) {
		bad(r, "tiers");
		return;
	}
	c->tiers = zeros(n, sizeof(*c->tiers));
	c->ntiers = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);

		c->tiers[i].to = (uint64_t)run_int(r, o, "to", 0, 1000000000);
		c->tiers[i].weight = (uint64_t)run_int(r, o, "weight", 0,
		    1000000000);
		if ((c->tiers[i].to == 0) != (i + 1 == n) ||
		    (i > 0 && c->tiers[i].to != 0 &&
			c->tiers[i].to <= c->tiers[i - 1].to))
			bad(r, "tiers");
	}
}

static void
read_coalitions(struct run *r, struct component *c)
{
	const json_t *list = json_object_get(c->json, "coalitions");
	size_t sets = (size_t)1 << r->nmembers;

	if (!json_is_array(list))
		return;
	if (r->nmembers > SHAPLEY_MAX || json_array_size(list) >= sets) {
		bad(r, "coalitions");
		return;
	}
	c->alone = zeros(sets, sizeof(*c->alone));
	for (size_t s = 0; s < sets; s++)
		c->alone[s] = -1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		const json_t *who = json_object_get(o, "members");
		int64_t cents = run_int(r, o, "cents", 0, CENTS_MAX);
		size_t set = 0;

		for (size_t k = 0; k < json_array_size(who) &&
		    k <= SHAPLEY_MAX; k++) {
			const char *name =
			    json_string_value(json_array_get(who, k));
			size_t m = name == NULL ? r->nmembers :
			    run_member(r, name);

			if (m == r->nmembers || (set & (size_t)1 << m) != 0)
				bad(r, "coalitions");
			else
				set |= (size_t)1 << m;
		}
		if (set == 0 || c->alone[set] >= 0)
			bad(r, "coalitions");
		else
			c->alone[set] = cents;
	}
}

static void
read_figures(struct run *r)
{
	for (size_t i = 0; i < r->ncomponents; i++) {
		struct component *c = &r->components[i];

		c->inhabitants = numbers(r, c->json, "inhabitants",
		    r->nmembers, 100000000);
		c->given = numbers(r, c->json, "given", r->nmembers,
		    CENTS_MAX);
		if (c->key == STEPDOWN)
			read_tiers(r, c);
		if (c->key == SHAPLEY)
			read_coalitions(r, c);
	}
}

static void
read_meter(struct run *r)
{
	static const char *const parties[] = { "consumer", "provider", NULL };
	const json_t *model = json_object_get(r->json, "model");
	uint64_t *meter = numbers(r, model, "meter", 3, 1000000);

	r->meter_said = meter != NULL;
	if (meter != NULL) {
		memcpy(r->meter, meter, sizeof(r->meter));
		r->consumer = word(r, model, "usage_party", parties) == 0;
	}
	free(meter);
}

/* ---- all of it */

static void
read_booking(struct run *r)
{
	static const char *const keys[] = { "cost_centre", "cost_unit",
		"account" };
	const json_t *o = json_object_get(r->json, "booking");

	if (o == NULL)
		return;
	for (size_t i = 0; i < 3; i++)
		(void)run_text(r, o, keys[i]);
	if (json_object_size(o) != 3)
		bad(r, "booking");
	r->booking = json_dumps(o, JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (r->booking == NULL)
		abort();
}

static void
read_head(struct run *r)
{
	static const char *const words[] = { "waiting", "applied", NULL };

	r->cost = run_text(r, r->json, "cost");
	r->from = run_date(r, r->json, "from");
	r->to = run_date(r, r->json, "to");
	if (r->to < r->from || r->to - r->from >= 36525)
		bad(r, "to");
	r->cents = run_int(r, r->json, "amount_cents", -CENTS_MAX, CENTS_MAX);
	read_booking(r);
	if (json_object_get(r->json, "plan") != NULL) {
		r->plan = (uint64_t)run_int(r, r->json, "plan", 1, INT64_MAX);
		return;
	}
	r->whole = run_int(r, r->json, "whole_cents", -CENTS_MAX, CENTS_MAX);
	if (json_object_get(r->json, "bounds") == NULL)
		bad(r, "bounds");
	else if (!json_is_null(json_object_get(r->json, "bounds")))
		r->bounds = word(r, r->json, "bounds", words) == 0 ?
		    BOUNDS_WAITING : BOUNDS_APPLIED;
}

/* The text with quotes around numbers of many digits: jansson takes none
 * above 64 bits, and sums of weights can be longer. */
static char *
quote_long(const char *doc)
{
	char *out = malloc(strlen(doc) * 2 + 1), *to = out;
	bool inside = false;

	if (out == NULL)
		abort();
	while (*doc != '\0') {
		size_t n = inside ? 0 : strspn(doc, "0123456789");

		if (n >= LONG_NUMBER)
			*to++ = '"';
		if (*doc == '"')
			inside = !inside;
		else if (*doc == '\\' && doc[1] != '\0')
			*to++ = *doc++;
		n = n == 0 ? 1 : n;
		memcpy(to, doc, n);
		to += n;
		doc += n;
		if (n >= LONG_NUMBER)
			*to++ = '"';
	}
	*to = '\0';
	return (out);
}

bool
run_read(struct run *r, uint64_t id, const char *doc, struct say *s)
{
	char *text = quote_long(doc);

	*r = (struct run){ .id = id, .say = s, .cost = "" };
	r->json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (!json_is_object(r->json))
		bad(r, "doc");
	if (r->wrong == NULL)
		read_head(r);
	if (r->wrong == NULL)
		read_components(r);
	if (r->wrong == NULL)
		read_members(r);
	if (r->wrong == NULL && r->plan == 0) {
		read_figures(r);
		read_meter(r);
	}
	r->trace = json_object_get(r->json, "trace");
	if (r->wrong == NULL && (!json_is_array(r->trace) || (r->plan != 0 &&
	    (json_array_size(r->trace) > 0 || r->ncomponents > 0))))
		bad(r, "trace");
	if (r->wrong != NULL)
		say_tampered(s, "Berechnung %llu: %s hat keinen möglichen Wert",
		    "calculation %llu: %s has no possible value",
		    (unsigned long long)id, r->wrong);
	return (r->wrong == NULL);
}

void
run_clear(struct run *r)
{
	for (size_t i = 0; i < r->nmembers && r->members != NULL; i++)
		free(r->members[i].parts);
	for (size_t c = 0; c < r->ncomponents && r->components != NULL; c++) {
		free(r->components[c].inhabitants);
		free(r->components[c].given);
		free(r->components[c].tiers);
		free(r->components[c].alone);
	}
	free(r->members);
	free(r->by_name);
	free(r->components);
	free(r->booking);
	json_decref(r->json);
}
