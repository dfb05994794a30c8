/* server/hubverify/posted.c - what was posted is what calculations gave, less
 * what was posted before; see shares.h.
 *
 * For each cost and month or year there is a balance by member and component.
 * An entry is added to that of its days, and to the year's; then the balance
 * must be the calculation's result: so each entry costs what it is long. After
 * one that is not, nothing more is said of those days. */
#include "server/hubverify/shares.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct result {
	char *ags, *component;
	int64_t cents; /* not 0 */
};
/* What is kept of a calculation. */
struct kept {
	uint64_t id, plan;
	char *cost, *booking; /* of a correction: of what it corrects */
	int32_t from, to;
	struct result *results;
	size_t n;
	/* Of what can be a plan: shares, in order of AGS. */
	char **ags;
	int64_t *shares;
	size_t nmembers;
	bool posted, planned; /* an entry, an instalment names it */
	bool again; /* another one before has these days */
};
struct posted {
	struct say *say;
	struct kept *runs;
	size_t nruns, runs_cap;
	struct posting *entries;
	size_t nentries, entries_cap;
	bool *reversed;
	void *units, *spans;
};

struct posted *
posted_new(struct say *s)
{
	struct posted *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->say = s;
	return (p);
}

static void *
grown(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return (list);
	*cap = *cap == 0 ? 64 : *cap * 2;
	list = realloc(list, *cap * size);
	if (list == NULL)
		abort();
	return (list);
}

static void
posting_clear(struct posting *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->lines[i].account);
		free(e->lines[i].ags);
		free(e->lines[i].component);
	}
	free(e->lines);
	free(e->cost);
}

static void
kept_clear(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->results[i].ags);
		free(k->results[i].component);
	}
	for (size_t i = 0; i < k->nmembers; i++)
		free(k->ags[i]);
	free(k->results);
	free(k->ags);
	free(k->shares);
	free(k->cost);
	free(k->booking);
}

void
posted_free(struct posted *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->nruns; i++)
		kept_clear(&p->runs[i]);
	for (size_t i = 0; i < p->nentries; i++)
		posting_clear(&p->entries[i]);
	tdestroy(p->units, unit_free);
	tdestroy(p->spans, unit_free);
	free(p->runs);
	free(p->entries);
	free(p->reversed);
	free(p);
}

/* ---- calculations */

static int
by_id(const void *pa, const void *pb)
{
	const uint64_t *id = pa;
	const struct kept *k = pb;

	return (*id < k->id ? -1 : *id > k->id);
}

static struct kept *
kept_find(const struct posted *p, uint64_t id)
{
	if (p->nruns == 0)
		return (NULL);
	return (bsearch(&id, p->runs, p->nruns, sizeof(*p->runs), by_id));
}

static void
add_result(struct kept *k, size_t *cap, const char *ags,
    const char *component, int64_t cents)
{
	if (cents == 0)
		return;
	k->results = grown(k->results, k->n, cap, sizeof(*k->results));
	k->results[k->n++] = (struct result){ text_copy(ags),
		text_copy(component), cents };
}

static void
keep_results(struct kept *k, const struct run *r)
{
	size_t cap = 0;

	k->ags = calloc(r->nmembers + 1, sizeof(*k->ags));
	k->shares = calloc(r->nmembers + 1, sizeof(*k->shares));
	if (k->ags == NULL || k->shares == NULL)
		abort();
	k->nmembers = r->nmembers;
	for (size_t i = 0; i < r->nmembers; i++) {
		const struct member *m = &r->members[i];

		k->ags[i] = text_copy(m->ags);
		k->shares[i] = m->share;
		for (size_t c = 0; c < r->ncomponents; c++)
			add_result(k, &cap, m->ags, r->components[c].name,
			    m->parts[c]);
		add_result(k, &cap, m->ags, r->plan != 0 ? "(instalment)" :
		    "(bounds)", m->share - m->raw);
	}
}

static bool
one_month(int32_t from, int32_t to)
{
	unsigned m[2], d;
	int y[2];

	date_of_days(from, &y[0], &m[0], &d);
	date_of_days(to, &y[1], &m[1], &d);
	return (y[0] == y[1] && m[0] == m[1]);
}

/* Twelfths of the plan's shares, for the same members. */
static void
check_plan(struct posted *p, const struct run *r)
{
	struct kept *plan = kept_find(p, r->plan);
	unsigned m, m2, d;
	int y, y2 = 0;

	date_of_days(r->from, &y, &m, &d);
	if (plan != NULL)
		date_of_days(plan->from, &y2, &m2, &d);
	if (plan == NULL || plan->plan != 0 || y != y2 ||
	    strcmp(plan->cost, r->cost) != 0 || !one_month(r->from, r->to) ||
	    plan->nmembers != r->nmembers) {
		say_tampered(p->say, "Berechnung %llu (%.60s): ihr "
		    "Abschlagsplan %llu passt nicht", "calculation %llu "
		    "(%.60s): its plan %llu does not fit",
		    (unsigned long long)r->id, r->cost,
		    (unsigned long long)r->plan);
		return;
	}
	plan->planned = true;
	for (size_t i = 0; i < r->nmembers; i++) {
		int64_t want = twelfth(plan->shares[i], m);
		char x[32], z[32];

		if (strcmp(plan->ags[i], r->members[i].ags) != 0 ||
		    r->members[i].raw != 0 || r->members[i].share != want)
			say_tampered(p->say, "Berechnung %llu (%.60s): der "
			    "Abschlag von %.60s ist %s, nachgerechnet %s",
			    "calculation %llu (%.60s): the instalment of "
			    "%.60s is %s, worked out again %s",
			    (unsigned long long)r->id, r->cost,
			    r->members[i].ags, cents_text(p->say,
			    r->members[i].share, x),
			    cents_text(p->say, want, z));
	}
}

/* A correction is booked where that was booked which it corrects, if that was
 * said. */
static void
keep_booking(struct posted *p, struct kept *k, const struct run *r)
{
	const struct kept *was = r->supersedes == 0 ? NULL :
	    kept_find(p, r->supersedes);
	const char *booking = was != NULL ? was->booking : r->booking;

	if (r->supersedes != 0 && (was == NULL || was->plan != 0 ||
	    strcmp(was->cost, r->cost) != 0))
		say_tampered(p->say, "Berechnung %llu (%.60s): Berechnung "
		    "%llu, die sie berichtigt, passt nicht", "calculation "
		    "%llu (%.60s): calculation %llu, which it corrects, does "
		    "not fit", (unsigned long long)r->id, r->cost,
		    (unsigned long long)r->supersedes);
	else if (was != NULL && booking != NULL &&
	    (r->booking == NULL || strcmp(booking, r->booking) != 0))
		say_tampered(p->say, "Berechnung %llu (%.60s): Kostenstelle, "
		    "Kostenträger oder Konto sind nicht die der Berechnung "
		    "%llu, die sie berichtigt", "calculation %llu (%.60s): "
		    "cost centre, cost unit or account are not those of "
		    "calculation %llu, which it corrects",
		    (unsigned long long)r->id, r->cost,
		    (unsigned long long)r->supersedes);
	k->booking = booking == NULL ? NULL : text_copy(booking);
}

void
posted_run(struct posted *p, const struct run *r)
{
	struct kept kept = { .id = r->id, .plan = r->plan, .from = r->from,
		.to = r->to }, *k = &kept;
	bool first;

	/* books.c says what is out of order. */
	if (p->nruns > 0 && p->runs[p->nruns - 1].id >= r->id)
		return;
	if (r->plan != 0)
		check_plan(p, r);
	keep_booking(p, k, r);
	p->runs = grown(p->runs, p->nruns, &p->runs_cap, sizeof(*p->runs));
	k = &p->runs[p->nruns++];
	*k = kept;
	k->cost = text_copy(r->cost);
	keep_results(k, r);
	(void)unit_of(&p->spans, r->cost, r->from, r->to, &first);
	k->again = !first;
}

/* ---- entries */

static void
say_entry(struct posted *p, const struct posting *e, const char *de,
    const char *en)
{
	say_tampered(p->say, "Buchung %llu (%.60s): %s",
	    "entry %llu (%.60s): %s", (unsigned long long)e->id, e->cost,
	    p->say->german ? de : en);
}

/* A calendar month, or a calendar year; 0: neither. */
static unsigned
months_of(int32_t from, int32_t to)
{
	unsigned m, d;
	int y;

	date_of_days(from, &y, &m, &d);
	if (d != 1)
		return (0);
	if (to + 1 == days_of_date(m == 12 ? y + 1 : y, m == 12 ? 1 : m + 1,
		1))
		return (1);
	return (m == 1 && to + 1 == days_of_date(y + 1, 1, 1) ? 12 : 0);
}

static void
add_lines(struct posted *p, const struct posting *e)
{
	struct unit *u[2] = { unit_of(&p->units, e->cost, e->from, e->to,
	    NULL), NULL };
	unsigned m, d;
	int y;

	date_of_days(e->from, &y, &m, &d);
	if (months_of(e->from, e->to) == 1)
		u[1] = unit_of(&p->units, e->cost, days_of_date(y, 1, 1),
		    days_of_date(y + 1, 1, 1) - 1, NULL);
	for (size_t i = 0; i < e->n; i++)
		for (unsigned k = 0; k < 2; k++)
			if (u[k] != NULL &&
			    strcmp(e->lines[i].account, "share") == 0)
				unit_add(u[k], &e->lines[i]);
}

static bool
lines_right(const struct posting *e)
{
	size_t costs = 0;

	for (size_t i = 0; i < e->n; i++) {
		const struct line *l = &e->lines[i];
		bool cost = strcmp(l->account, "cost") == 0;

		costs += cost;
		if ((!cost && strcmp(l->account, "share") != 0) ||
		    (l->ags[0] == '\0') != cost || l->cents == 0)
			return (false);
	}
	return (costs <= 1);
}

static bool
type_right(const struct posting *e, const struct kept *k)
{
	unsigned months = months_of(e->from, e->to);

	if (strcmp(e->type, "INSTALMENT") == 0)
		return (k->plan != 0 && months == 1);
	if (k->plan != 0)
		return (false);
	if (strcmp(e->type, "ALLOCATION") == 0)
		return (months == 1);
	if (strcmp(e->type, "SETTLEMENT") == 0)
		return (months == 12);
	return (strcmp(e->type, "CORRECTION") == 0);
}

/* What is posted for these days is now what the calculation gave. */
static void
check_balance(struct posted *p, const struct posting *e, const struct kept *k)
{
	struct unit *u = unit_of(&p->units, e->cost, e->from, e->to, NULL);
	bool good = u->nonzero == k->n;

	if (u->broken)
		return;
	for (size_t i = 0; i < k->n; i++) {
		const struct result *r = &k->results[i];
		wide_cents has = unit_has(u, r->ags, r->component);
		char x[32], y[32];

		if (has == r->cents)
			continue;
		good = false;
		u->broken = true;
		say_tampered(p->say, "Buchung %llu (%.60s): für %.60s, %.60s "
		    "sind damit %s gebucht, nach Berechnung %llu sind es %s",
		    "entry %llu (%.60s): for %.60s, %.60s with it %s is "
		    "posted, by calculation %llu it is %s",
		    (unsigned long long)e->id, e->cost, r->ags, r->component,
		    cents_text(p->say, has < INT64_MIN || has > INT64_MAX ?
			INT64_MAX : (int64_t)has, x),
		    (unsigned long long)k->id,
		    cents_text(p->say, r->cents, y));
	}
	if (!good && !u->broken)
		say_entry(p, e, "gebucht ist mehr, als ihre Berechnung ergibt",
		    "more is posted than its calculation gives");
	u->broken = !good;
}

static bool
same_line(const struct line *a, const struct line *b)
{
	return (strcmp(a->account, b->account) == 0 &&
	    strcmp(a->ags, b->ags) == 0 &&
	    strcmp(a->component, b->component) == 0 &&
	    a->cents != INT64_MIN && -a->cents == b->cents);
}

static int
by_entry(const void *pa, const void *pb)
{
	const uint64_t *id = pa;
	const struct posting *e = pb;

	return (*id < e->id ? -1 : *id > e->id);
}

static void
check_reversal(struct posted *p, const struct posting *e)
{
	const struct posting *was = p->nentries == 0 ? NULL :
	    bsearch(&e->reverses, p->entries, p->nentries,
		sizeof(*p->entries), by_entry);
	bool good = was != NULL && was->reverses == 0 &&
	    strcmp(e->type, "REVERSAL") == 0 &&
	    !p->reversed[was - p->entries] && was->n == e->n &&
	    was->run == e->run && was->from == e->from &&
	    was->to == e->to && strcmp(was->cost, e->cost) == 0;

	for (size_t i = 0; good && i < e->n; i++)
		good = same_line(&was->lines[i], &e->lines[i]);
	if (was != NULL)
		p->reversed[was - p->entries] = true;
	if (!good)
		say_entry(p, e, "sie ist nicht genau das Gegenteil der "
		    "Buchung, die sie storniert", "it is not exactly the "
		    "opposite of the entry that it reverses");
}

static void
check_entry(struct posted *p, const struct posting *e)
{
	struct kept *k = kept_find(p, e->run);

	if (k == NULL || strcmp(k->cost, e->cost) != 0 ||
	    months_of(e->from, e->to) == 0 || k->from < e->from ||
	    k->to > e->to || !type_right(e, k) || !lines_right(e))
		say_entry(p, e, "sie passt nicht zu ihrer Berechnung",
		    "it does not fit its calculation");
	else if (k->posted)
		say_entry(p, e, "ihre Berechnung ist schon gebucht",
		    "its calculation is posted already");
	else
		check_balance(p, e, k);
	if (k != NULL)
		k->posted = true;
}

void
posted_entry(struct posted *p, struct posting *e)
{
	size_t cap = p->entries_cap;

	if (p->nentries > 0 && p->entries[p->nentries - 1].id >= e->id) {
		posting_clear(e);
		return;
	}
	add_lines(p, e);
	if (e->reverses != 0 || strcmp(e->type, "REVERSAL") == 0)
		check_reversal(p, e);
	else
		check_entry(p, e);
	p->entries = grown(p->entries, p->nentries, &cap,
	    sizeof(*p->entries));
	p->reversed = grown(p->reversed, p->nentries, &p->entries_cap,
	    sizeof(*p->reversed));
	p->entries[p->nentries] = *e;
	p->reversed[p->nentries++] = false;
}

static bool
unit_is(struct unit *u, const struct kept *k)
{
	bool same = u->nonzero == k->n;

	for (size_t i = 0; same && i < k->n; i++)
		same = unit_has(u, k->results[i].ags,
		    k->results[i].component) == k->results[i].cents;
	return (same);
}

/* It gave what is posted for its month or its year. */
static bool
changed_nothing(struct posted *p, const struct kept *k)
{
	unsigned m, d;
	int y;

	date_of_days(k->from, &y, &m, &d);
	return ((one_month(k->from, k->to) && unit_is(unit_of(&p->units,
	    k->cost, days_of_date(y, m, 1), days_of_date(m == 12 ? y + 1 : y,
		m == 12 ? 1 : m + 1, 1) - 1, NULL), k)) ||
	    unit_is(unit_of(&p->units, k->cost, days_of_date(y, 1, 1),
		days_of_date(y + 1, 1, 1) - 1, NULL), k));
}

void
posted_end(struct posted *p)
{
	unsigned long long left = 0;

	for (size_t i = 0; i < p->nruns; i++) {
		const struct kept *k = &p->runs[i];

		if (k->posted || k->planned || k->n == 0)
			continue;
		/* A month's first calculation never waits. */
		if (one_month(k->from, k->to) && !k->again)
			say_tampered(p->say, "Berechnung %llu (%.60s) ist "
			    "nicht gebucht", "calculation %llu (%.60s) is not "
			    "posted", (unsigned long long)k->id, k->cost);
		else if (!changed_nothing(p, k))
			left++;
	}
	if (left > 0)
		say_note(p->say, "Nicht geprüft: warum %llu Berechnungen nicht "
		    "gebucht sind; so ist es bei Abschlagsplänen und bei "
		    "Berichtigungen, die warteten.", "Not checked: why %llu "
		    "calculations are not posted; that is so of plans and of "
		    "corrections that waited.", left);
}
