/* server/hubverify/shares_item.c - what a calculation says beside its steps:
 * items, accounts, and what members would pay alone; see shares.h. */
#include "server/hubverify/shares.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MONTHS_MAX 4096

static int32_t
month_after(int32_t day)
{
	unsigned m, d;
	int y;

	date_of_days(day, &y, &m, &d);
	return (days_of_date(m == 12 ? y + 1 : y, m == 12 ? 1 : m + 1, 1));
}

/* Months of the days from to to, the first and the last maybe in part: their
 * first days and lengths. How many; whole_r: none is in part. */
static size_t
months(int32_t from, int32_t to, int32_t *first, uint64_t *length,
    bool *whole_r)
{
	size_t n = 0;
	unsigned m, d;
	int y;

	date_of_days(from, &y, &m, &d);
	*whole_r = d == 1 && month_after(to) == to + 1;
	for (int32_t day = from; day <= to && n < MONTHS_MAX; n++) {
		int32_t next = month_after(day);

		first[n] = day;
		length[n] = (uint64_t)((next <= to ? next : to + 1) - day);
		day = next;
	}
	return (n);
}

struct span {
	int32_t from, to;
};

/* What falls into some days of a cost: each month the same, unless one is in
 * part. */
static int64_t
item_part(struct span asked, int64_t cents, int32_t from, int32_t to)
{
	size_t most = (size_t)(to - from) / 28 + 2;
	int32_t *first = zeros(most, sizeof(*first));
	uint64_t *weights = zeros(most, sizeof(*weights));
	int64_t *parts = zeros(most, sizeof(*parts)), sum = 0;
	bool whole;
	size_t n = months(from, to, first, weights, &whole);

	for (size_t i = 0; i < n && whole; i++)
		weights[i] = 1;
	(void)split(cents, weights, n, 0, parts);
	for (size_t i = 0; i < n; i++)
		if (first[i] >= asked.from && first[i] <= asked.to)
			sum += parts[i];
	free(first);
	free(weights);
	free(parts);
	return (sum);
}

/* Items of a correction are those of now, and may have more days than the cost
 * had then: all of the month or the year are asked for. */
static bool
corrected(const struct run *r, int64_t cents, int64_t whole, int32_t from,
    int32_t to)
{
	int32_t next = month_after(r->from);
	struct span month = { r->from, next - 1 }, year;
	unsigned m, d;
	int y;

	if (r->supersedes == 0)
		return (false);
	date_of_days(r->from, &y, &m, &d);
	month.from = days_of_date(y, m, 1);
	year = (struct span){ days_of_date(y, 1, 1),
		days_of_date(y + 1, 1, 1) - 1 };
	return ((r->to < next && item_part(month, whole, from, to) == cents) ||
	    item_part(year, whole, from, to) == cents);
}

/* Its whole amount and what is shared of it, added to sums. */
static void
check_item(const struct again *a, const json_t *o, int64_t sums[2])
{
	struct run *r = a->r;
	int64_t whole = run_int(r, o, "whole_cents", -CENTS_MAX, CENTS_MAX);
	int64_t cents = run_int(r, o, "cents", -CENTS_MAX, CENTS_MAX), want;
	int32_t from = run_date(r, o, "from"), to = run_date(r, o, "to");
	const char *kind = run_text(r, o, "kind");
	const char *name = run_text(r, o, "item");

	(void)run_text(r, o, "voucher");
	if (r->wrong != NULL || to < from || to - from >= 28 * MONTHS_MAX ||
	    strcmp(kind, whole < 0 ? "credit" : "charge") != 0) {
		r->wrong = "items";
		return;
	}
	sums[0] += whole;
	sums[1] += cents;
	want = item_part((struct span){ r->from, r->to }, whole, from, to);
	if (cents != want && !corrected(r, cents, whole, from, to))
		say_amounts(a, "der Betrag der Position ",
		    "the amount of the item ", name, cents, want);
}

void
items_check(const struct again *a)
{
	struct run *r = a->r;
	const json_t *list = json_object_get(r->json, "items");
	int64_t sums[2] = { 0, 0 };

	if (json_array_size(list) == 0 || json_array_size(list) > MEMBERS_MAX)
		r->wrong = "items";
	for (size_t i = 0; i < json_array_size(list) && r->wrong == NULL; i++)
		check_item(a, json_array_get(list, i), sums);
	if (r->wrong != NULL) {
		say_tampered(r->say, "Berechnung %llu (%.60s): %s hat keinen "
		    "möglichen Wert", "calculation %llu (%.60s): %s has no "
		    "possible value", OF(a), r->wrong);
		r->wrong = NULL;
		return;
	}
	if (sums[0] != r->whole)
		say_amounts(a, "der Betrag der ganzen Kosten",
		    "the amount of the whole cost", "", r->whole, sums[0]);
	if (sums[1] != r->cents)
		say_amounts(a, "der Betrag der Kosten", "the amount of the "
		    "cost", "", r->cents, sums[1]);
}

/* ---- what members would pay alone */

/* Of c(S) = F + sum of v_i, where alone_i = F + v_i, the value is alone_i less
 * an equal part of what is saved; here times n. False: it is not said of all,
 * or it is not of that kind. */
static bool
alone_weights(const struct again *a, const json_t *list, uint64_t *weights)
{
	int64_t n = (int64_t)a->r->nmembers, saved = -a->r->cents;
	int64_t *alone = zeros((size_t)n, sizeof(*alone));
	bool good = a->r->cents > 0;

	for (int64_t i = 0; i < n; i++) {
		alone[i] = run_int(a->r, json_array_get(list, (size_t)i),
		    "alone_cents", 0, 100 * CENTS_MAX);
		saved += alone[i];
	}
	good = good && a->r->wrong == NULL;
	for (int64_t i = 0; i < n && good; i++) {
		good = alone[i] * n >= saved;
		weights[i] = good ? (uint64_t)(alone[i] * n - saved) : 0;
	}
	free(alone);
	return (good);
}

void
alone_check(const struct again *a)
{
	const json_t *list = json_object_get(a->r->json, "shares");
	size_t n = a->r->nmembers, said = 0;
	uint64_t *weights;
	int64_t *want;

	for (size_t i = 0; i < n; i++)
		said += json_object_get(json_array_get(list, i),
		    "shapley_cents") != NULL;
	if (said == 0)
		return;
	a->r->wrong = NULL; /* of the tax, and said */
	weights = zeros(n, sizeof(*weights));
	want = zeros(n, sizeof(*want));
	if (said < n || !alone_weights(a, list, weights) ||
	    !split(a->r->cents, weights, n, a->turn, want))
		say_tampered(a->r->say, "Berechnung %llu (%.60s): sie hat "
		    "keinen Shapley-Wert", "calculation %llu (%.60s): it has "
		    "no Shapley value", OF(a));
	else
		for (size_t i = 0; i < n; i++) {
			int64_t is = run_int(a->r, json_array_get(list, i),
			    "shapley_cents", INT64_MIN, INT64_MAX);

			if (is != want[i])
				say_amounts(a, "der Shapley-Wert von ",
				    "the Shapley value of ",
				    a->r->members[i].ags, is, want[i]);
		}
	free(weights);
	free(want);
}
