/* server/hubverify/rolls.c - the sums of events against the roll-ups by day
 * and by month; see verify.h. */
#include "server/hubverify/verify.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define HIST	10
#define KEY_MAX 4096
#define NUMBERS 5

/* What events are summed up by, before numbers get names. */
struct key {
	uint64_t node, born, agreement, purpose, dataset, types[4], operation;
	int32_t day, booked;
	char class[12], consumer[12], provider[12];
	bool more;
};

struct sum {
	void *key;
	size_t len;
	int64_t n[NUMBERS], hist[HIST];
	int64_t used[NUSAGE]; /* of events with units */
	bool seen; /* in the table */
};

/* Open addressing; slots are indexes into list, plus 1. */
struct sums {
	struct sum *list;
	size_t n, cap, nslots;
	size_t *slots;
};

struct rolls {
	struct sums events, days, months;
};

static const uint64_t bounds[HIST - 1] = { 5000, 10000, 25000, 50000, 100000,
	250000, 500000, 1000000, 2500000 };

/* FNV-1a. */
static size_t
hash(const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return ((size_t)(h ^ h >> 32));
}

static size_t *
slot_of(const struct sums *t, const void *key, size_t len)
{
	size_t i = hash(key, len) & (t->nslots - 1);

	for (; t->slots[i] != 0; i = (i + 1) & (t->nslots - 1)) {
		const struct sum *s = &t->list[t->slots[i] - 1];

		if (s->len == len && memcmp(s->key, key, len) == 0)
			break;
	}
	return (&t->slots[i]);
}

static void
grow(struct sums *t)
{
	t->cap = t->cap == 0 ? 1024 : t->cap * 2;
	t->nslots = t->cap * 2;
	t->list = realloc(t->list, t->cap * sizeof(*t->list));
	free(t->slots);
	t->slots = calloc(t->nslots, sizeof(*t->slots));
	if (t->list == NULL || t->slots == NULL)
		abort();
	for (size_t i = 0; i < t->n; i++)
		*slot_of(t, t->list[i].key, t->list[i].len) = i + 1;
}

static struct sum *
sum_of(struct sums *t, const void *key, size_t len)
{
	size_t *slot;

	if (t->n == t->cap)
		grow(t);
	slot = slot_of(t, key, len);
	if (*slot == 0) {
		t->list[t->n] = (struct sum){ .key = malloc(len), .len = len };
		if (t->list[t->n].key == NULL)
			abort();
		memcpy(t->list[t->n].key, key, len);
		*slot = ++t->n;
	}
	return (&t->list[*slot - 1]);
}

/* Above what a column can hold nothing is equal to it. */
static void
add(int64_t *to, int64_t v)
{
	if (*to < 0 || __builtin_add_overflow(*to, v, to))
		*to = INT64_MIN;
}

struct rolls *
rolls_new(void)
{
	struct rolls *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	return (r);
}

static void
sums_clear(struct sums *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->list[i].key);
	free(t->list);
	free(t->slots);
}

void
rolls_free(struct rolls *r)
{
	if (r == NULL)
		return;
	sums_clear(&r->events);
	sums_clear(&r->days);
	sums_clear(&r->months);
	free(r);
}

void
rolls_add(struct rolls *r, const struct event *e)
{
	struct sum *s;
	struct key k;
	unsigned i = 0;

	memset(&k, 0, sizeof(k));
	k.node = e->node;
	k.born = e->born;
	k.agreement = e->agreement;
	k.purpose = e->purpose;
	k.dataset = e->dataset;
	memcpy(k.types, e->types, sizeof(k.types));
	k.operation = e->operation;
	k.day = e->day;
	k.booked = e->booked;
	(void)snprintf(k.class, sizeof(k.class), "%s", e->class);
	(void)snprintf(k.consumer, sizeof(k.consumer), "%s", e->consumer);
	(void)snprintf(k.provider, sizeof(k.provider), "%s", e->provider);
	k.more = e->ntypes > 4;
	s = sum_of(&r->events, &k, sizeof(k));
	add(&s->n[0], 1);
	add(&s->n[1], e->decision == 0);
	add(&s->n[2], (int64_t)e->entities);
	add(&s->n[3], (int64_t)e->bytes_out);
	add(&s->n[4], (int64_t)e->units);
	if (e->units > 0) {
		add(&s->used[USAGE_UNITS], (int64_t)e->units);
		add(&s->used[USAGE_ACCESSES], 1);
		add(&s->used[USAGE_ENTITIES], (int64_t)e->entities);
		add(&s->used[USAGE_KIB], (int64_t)(e->bytes_out / 1024 +
		    (e->bytes_out % 1024 != 0)));
	}
	while (i < HIST - 1 && e->duration > bounds[i])
		i++;
	s->hist[i]++;
}

/* ---- with names */

static int
by_bytes(const void *a, const void *b)
{
	const char *const *pa = a, *const *pb = b;

	return (strcmp(*pa, *pb));
}

/* The names of an event's types, each once, in the order of their bytes. */
static void
types_text(const struct key *k, const struct names *names, char *out,
    size_t max)
{
	const char *text[5];
	size_t n = 0, at = 0;

	for (unsigned i = 0; i < 4; i++) {
		bool again = false;

		for (unsigned j = 0; j < i; j++)
			again |= k->types[j] == k->types[i];
		text[n] = names_find(names, k->node, k->born, k->types[i]);
		n += !again && text[n][0] != '\0';
	}
	qsort(text, n, sizeof(text[0]), by_bytes);
	out[0] = '\0';
	for (size_t i = 0; i < n && at < max; i++)
		at += (size_t)snprintf(out + at, max - at, "%s%s",
		    i > 0 ? "," : "", text[i]);
	if (k->more && at < max)
		(void)snprintf(out + at, max - at, ",...");
}

static void
date_text(int32_t days, char out[16])
{
	unsigned m, d;
	int y;

	date_of_days(days, &y, &m, &d);
	(void)snprintf(out, 16, "%04d-%02u-%02u", y % 10000, m % 100, d % 100);
}

static void
named_add(struct sums *to, int32_t date, const struct sum *from,
    const struct names *names)
{
	const struct key *k = from->key;
	char key[KEY_MAX], types[1024], at[16], booked[16];
	struct sum *s;
	int n;

	date_text(date, at);
	date_text(k->booked, booked);
	types_text(k, names, types, sizeof(types));
	n = snprintf(key, sizeof(key),
	    "%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%llu", at,
	    booked, k->class, k->consumer, k->provider,
	    names_find(names, k->node, k->born, k->agreement),
	    names_find(names, k->node, k->born, k->purpose),
	    names_find(names, k->node, k->born, k->dataset), types,
	    (unsigned long long)k->operation);
	if (n < 0 || (size_t)n >= sizeof(key))
		return; /* no table has such a key: its sum will lack there */
	s = sum_of(to, key, (size_t)n);
	for (unsigned i = 0; i < NUMBERS; i++)
		add(&s->n[i], from->n[i]);
	for (unsigned i = 0; i < HIST; i++)
		add(&s->hist[i], from->hist[i]);
}

static void
give_names(struct rolls *r, const struct names *names)
{
	for (size_t i = 0; i < r->events.n; i++) {
		const struct sum *s = &r->events.list[i];
		const struct key *k = s->key;
		unsigned m, d;
		int y;

		named_add(&r->days, k->day, s, names);
		date_of_days(k->day, &y, &m, &d);
		named_add(&r->months, days_of_date(y, m, 1), s, names);
	}
}

/* ---- against a table */

#define KEYS	10
#define COLUMNS (KEYS + NUMBERS + 1)

static bool
numbers_equal(const struct sum *s, const struct csv *c)
{
	char hist[HIST * 21], *p = hist;
	uint64_t v;

	for (unsigned i = 0; i < NUMBERS; i++)
		if (!read_uint(c->field[KEYS + i], INT64_MAX, &v) ||
		    (int64_t)v != s->n[i])
			return (false);
	for (unsigned i = 0; i < HIST; i++)
		p += snprintf(p, 22, "%s%lld", i > 0 ? " " : "",
		    (long long)s->hist[i]);
	return (strcmp(hist, c->field[KEYS + NUMBERS]) == 0);
}

/* The row as one text; false: it is none. */
static bool
row_text(const struct csv *c, unsigned n, char *out, size_t *len_r)
{
	size_t at = 0;

	if (c->n != COLUMNS)
		return (false);
	for (unsigned i = 0; i < c->n; i++)
		if (c->field[i] == NULL)
			return (false);
	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(c->field[i]);

		if (len + 1 > KEY_MAX - at)
			return (false);
		if (i > 0)
			out[at++] = '\x1f';
		memcpy(out + at, c->field[i], len);
		at += len;
	}
	*len_r = at;
	return (true);
}

/* A row of a month that is closed or pruned goes to the sum of that block.
 * True: its events are not there any more. */
static bool
fixed_row(struct chain *ch, enum table which, const struct csv *c,
    const char *text, size_t len)
{
	int32_t date, booked;
	bool pruned = false;
	unsigned m, d;
	int y;

	if (!read_date(c->field[0], &date) || !read_date(c->field[1], &booked))
		return (false);
	date_of_days(date, &y, &m, &d);
	date = days_of_date(y, m, 1);
	for (size_t i = 0; i < ch->nfixed; i++) {
		struct fixed *f = &ch->fixed[i];
		EVP_MD_CTX *ctx = which == TABLE_DAYS ? f->days : f->months;

		if (f->period != date || booked >= f->before)
			continue;
		sum_add(ctx, text, len);
		sum_add(ctx, "\n", 1);
	}
	for (size_t i = 0; i < ch->nprunes; i++)
		pruned |= ch->prunes[i].period == date &&
		    booked < ch->prunes[i].before;
	return (pruned);
}

static void
check_row(struct sums *t, struct chain *ch, enum table which,
    const struct csv *c, struct say *s)
{
	const char *what = NULL;
	char text[KEY_MAX];
	struct sum *sum;
	size_t len;
	bool found;

	if (row_text(c, COLUMNS, text, &len) &&
	    fixed_row(ch, which, c, text, len))
		return; /* its events are pruned */
	found = row_text(c, KEYS, text, &len);
	if (found && t->n > 0 && *slot_of(t, text, len) != 0) {
		sum = sum_of(t, text, len);
		if (!sum->seen && numbers_equal(sum, c))
			what = "";
		sum->seen = true;
	}
	if (what == NULL)
		say_tampered(s, "%s, Zeile %llu (%s, %s): nicht die Summe der "
		    "Ereignisse", "%s, line %llu (%s, %s): not the sum of the "
		    "events", table_name(which), (unsigned long long)c->line,
		    found ? c->field[0] : "?", found ? c->field[3] : "?");
}

static void
check_table(struct sums *t, struct chain *ch, enum table which,
    struct source *src, struct usage *usage, struct say *s)
{
	enum csv_next got = CSV_BLIND;
	struct csv c = { 0 };
	size_t left = 0;

	if (source_table(src, which, &c, s))
		while ((got = source_row(src, which, &c, s)) == CSV_ROW) {
			check_row(t, ch, which, &c, s);
			if (usage != NULL)
				usage_add(usage, &c);
		}
	source_done(src, which, &c);
	for (size_t i = 0; got == CSV_END && i < t->n; i++)
		left += !t->list[i].seen;
	if (left > 0)
		say_tampered(s, "in %s fehlen Summen von Ereignissen: %zu",
		    "%s lacks sums of events: %zu", table_name(which), left);
}

static void
keep_used(const struct rolls *r, struct usage *usage)
{
	for (size_t i = 0; i < r->events.n; i++) {
		const struct sum *s = &r->events.list[i];
		const struct key *k = s->key;
		struct usage_event e = { k->class, k->consumer, k->provider,
			k->booked, k->day, { 0 } };

		for (unsigned n = 0; n < NUSAGE; n++)
			e.n[n] = s->used[n] < 0 ? 0 : (uint64_t)s->used[n];
		usage_add_event(usage, &e);
	}
}

static bool
in_source(const struct source *src, int32_t period)
{
	const char *month = source_month(src);
	char text[16];

	date_text(period, text);
	return (month == NULL || strncmp(month, text, 7) == 0);
}

void
rolls_check(struct rolls *r, struct chain *ch, struct source *src,
    struct usage *usage, struct say *s)
{
	give_names(r, ch->names);
	if (usage != NULL)
		keep_used(r, usage);
	check_table(&r->days, ch, TABLE_DAYS, src, usage, s);
	check_table(&r->months, ch, TABLE_MONTHS, src, NULL, s);
	for (size_t i = 0; i < ch->nfixed; i++) {
		struct fixed *f = &ch->fixed[i];
		char text[16];

		if (!in_source(src, f->period))
			continue;
		date_text(f->period, text);
		if (!sum_is(f->days, f->day_sum) ||
		    !sum_is(f->months, f->month_sum))
			say_tampered(s, "die Summen von %.7s sind nicht mehr "
			    "die, die Block %llu nennt", "the sums of %.7s are "
			    "no longer those that block %llu names", text,
			    (unsigned long long)f->at);
	}
}
