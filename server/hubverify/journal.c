/* server/hubverify/journal.c - what was posted when months were closed and
 * corrected, against the blocks that say so; see verify.h. */
#include "server/hubverify/verify.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 16
#define AMOUNT	15

bool
made_read(struct made_list *to, const json_t *list, uint64_t at)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return (false);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *id = json_array_get(item, 0);
		const char *hex =
		    json_string_value(json_array_get(item, 1));
		struct made m = { .at = at };

		if (json_array_size(item) != 2 || !json_is_integer(id) ||
		    json_integer_value(id) < 0 || hex == NULL ||
		    !hex_read(hex, m.sum, HASH_LEN))
			return (false);
		m.id = (uint64_t)json_integer_value(id);
		to->list = realloc(to->list, (to->n + 1) * sizeof(m));
		if (to->list == NULL)
			abort();
		to->list[to->n++] = m;
	}
	return (true);
}

static int
by_id(const void *pa, const void *pb)
{
	const struct made *a = pa, *b = pb;

	return (a->id < b->id ? -1 : a->id > b->id);
}

/* Both the table and the chain in order of numbers, side by side. */
struct side {
	struct made_list *list;
	size_t next;
	const char *de, *en; /* what it is */
	struct say *say;
};

/* What the table holds next; sum NULL: its end. */
static void
compare(struct side *sd, uint64_t id, EVP_MD_CTX *sum)
{
	const struct made *m;

	while (sd->next < sd->list->n) {
		m = &sd->list->list[sd->next];
		if (sum != NULL && m->id >= id)
			break;
		say_tampered(sd->say, "%s %llu fehlt, Block %llu nennt sie",
		    "%s %llu is missing, block %llu names it",
		    sd->say->german ? sd->de : sd->en,
		    (unsigned long long)m->id, (unsigned long long)m->at);
		sd->next++;
	}
	if (sum == NULL)
		return;
	m = sd->next < sd->list->n ? &sd->list->list[sd->next] : NULL;
	if (m == NULL || m->id != id) {
		say_tampered(sd->say, "%s %llu steht in keinem Block",
		    "%s %llu is in no block",
		    sd->say->german ? sd->de : sd->en,
		    (unsigned long long)id);
		return;
	}
	if (!sum_is(sum, m->sum))
		say_tampered(sd->say, "%s %llu ist nicht die, die Block %llu "
		    "nennt", "%s %llu is not the one that block %llu names",
		    sd->say->german ? sd->de : sd->en, (unsigned long long)id,
		    (unsigned long long)m->at);
	sd->next++;
}

/* A row that is none; it is said. */
static void
say_bad(struct side *sd, enum table t, const struct csv *c)
{
	say_tampered(sd->say, "%s, Zeile %llu: keine Zeile dieser Tabelle",
	    "%s, line %llu: no row of this table", table_name(t),
	    (unsigned long long)c->line);
}

static void
check_runs(struct chain *ch, struct source *src, struct say *s)
{
	struct side sd = { .list = &ch->runs, .de = "Berechnung",
		.en = "calculation", .say = s };
	enum csv_next got = CSV_BLIND;
	struct csv c = { 0 };
	EVP_MD_CTX *sum;
	uint64_t id;

	if (source_table(src, TABLE_RUNS, &c, s))
		while ((got = source_row(src, TABLE_RUNS, &c, s)) == CSV_ROW) {
			if (c.n != 2 || c.field[1] == NULL ||
			    !read_uint(c.field[0], INT64_MAX, &id)) {
				say_bad(&sd, TABLE_RUNS, &c);
				continue;
			}
			sum = sum_new();
			sum_add(sum, c.field[1], strlen(c.field[1]));
			compare(&sd, id, sum);
			EVP_MD_CTX_free(sum);
		}
	source_done(src, TABLE_RUNS, &c);
	if (got == CSV_END)
		compare(&sd, 0, NULL);
}

/* The entry whose lines are being read. */
struct entry {
	uint64_t id;
	EVP_MD_CTX *sum; /* NULL: none yet */
	__int128 cents;
};

static void
entry_end(struct side *sd, struct entry *e)
{
	if (e->sum == NULL)
		return;
	compare(sd, e->id, e->sum);
	if (e->cents != 0)
		say_tampered(sd->say, "Buchung %llu geht nicht auf",
		    "entry %llu does not sum to 0",
		    (unsigned long long)e->id);
	EVP_MD_CTX_free(e->sum);
	*e = (struct entry){ 0 };
}

/* As ledger.entry_hash has it: a line of text for each line. */
static bool
entry_line(struct side *sd, struct entry *e, const struct csv *c)
{
	int64_t cents;
	uint64_t id;

	if (c->n != COLUMNS || !read_uint(c->field[0], INT64_MAX, &id) ||
	    !read_int(c->field[AMOUNT], &cents))
		return (false);
	for (unsigned i = 0; i < COLUMNS; i++)
		if (c->field[i] == NULL)
			return (false);
	if (e->sum != NULL && e->id != id)
		entry_end(sd, e);
	if (e->sum == NULL)
		*e = (struct entry){ .id = id, .sum = sum_new() };
	for (unsigned i = 0; i < COLUMNS; i++) {
		sum_add(e->sum, c->field[i], strlen(c->field[i]));
		sum_add(e->sum, i + 1 < COLUMNS ? "\x1f" : "\n", 1);
	}
	e->cents += cents;
	return (true);
}

static void
check_entries(struct chain *ch, struct source *src, struct say *s)
{
	struct side sd = { .list = &ch->entries, .de = "Buchung",
		.en = "entry", .say = s };
	enum csv_next got = CSV_BLIND;
	struct entry e = { 0 };
	struct csv c = { 0 };

	if (source_table(src, TABLE_JOURNAL, &c, s))
		while ((got = source_row(src, TABLE_JOURNAL, &c, s)) ==
		    CSV_ROW)
			if (!entry_line(&sd, &e, &c))
				say_bad(&sd, TABLE_JOURNAL, &c);
	source_done(src, TABLE_JOURNAL, &c);
	if (got == CSV_END) {
		entry_end(&sd, &e);
		compare(&sd, 0, NULL);
	}
	EVP_MD_CTX_free(e.sum); /* of one that broke off */
}

void
journal_check(struct chain *ch, struct source *src, struct say *s)
{
	struct made_list *both[] = { &ch->entries, &ch->runs };

	for (size_t i = 0; i < 2; i++)
		if (both[i]->n > 0)
			qsort(both[i]->list, both[i]->n,
			    sizeof(*both[i]->list), by_id);
	check_runs(ch, src, s);
	check_entries(ch, src, s);
}
