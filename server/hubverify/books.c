/* server/hubverify/books.c - calculations and entries made again from what they
 * rest on; see shares.h. That they are those of the blocks, evidence.c says. */
#include "server/hubverify/shares.h"

#include <stdlib.h>
#include <string.h>

/* Columns of calculations. */
enum {
	R_ID,
	R_COST = 2,
	R_FROM = 4,
	R_TO,
	R_AMOUNT = 9,
	R_SUPERSEDES = 13,
	R_DOC,
	R_COLUMNS = 20
};

/* Columns of the journal. */
enum {
	J_ENTRY,
	J_TYPE = 2,
	J_FROM = 4,
	J_TO,
	J_COST,
	J_RUN,
	J_REVERSES,
	J_LINE = 15,
	J_ACCOUNT,
	J_AGS,
	J_COMPONENT = 19,
	J_AMOUNT = 21,
	J_COLUMNS
};

struct books {
	struct posted *posted;
	struct shares_task task;
	struct say *say;
	uint64_t last; /* number before, in the table that is read */
};

static const char *
cell(const struct csv *c, unsigned i)
{
	return (c->field[i] != NULL ? c->field[i] : "");
}

/* A row that is none; it is said. */
static void
say_bad(struct books *b, enum table t, const struct csv *c)
{
	say_tampered(b->say, "%s, Zeile %llu: keine Zeile dieser Tabelle",
	    "%s, line %llu: no row of this table", table_name(t),
	    (unsigned long long)c->line);
}

/* What could be seen of usage: all of the months up to the one that was closed
 * with it; else, too, what came until the next close. */
static struct seen
seen_by(const struct chain *ch, uint64_t id)
{
	const struct made *m = run_made(&ch->evidence, id);

	if (m == NULL || m->open == 0)
		return ((struct seen){ .sure = INT32_MIN });
	return ((struct seen){ m->open, m->closing });
}

/* The columns by which others find it are what it says itself. */
static bool
columns_right(const struct run *r, const struct csv *c)
{
	int32_t from, to;
	int64_t cents;

	return (strcmp(cell(c, R_COST), r->cost) == 0 &&
	    read_date(cell(c, R_FROM), &from) && from == r->from &&
	    read_date(cell(c, R_TO), &to) && to == r->to &&
	    read_int(cell(c, R_AMOUNT), &cents) && cents == r->cents);
}

static bool
run_row(struct books *b, const struct chain *ch, const struct csv *c)
{
	uint64_t id, supersedes = 0;
	struct run run;

	if (c->n != R_COLUMNS || c->field[R_DOC] == NULL ||
	    !read_uint(cell(c, R_ID), INT64_MAX, &id) || id <= b->last ||
	    (c->field[R_SUPERSEDES] != NULL &&
		!read_uint(c->field[R_SUPERSEDES], INT64_MAX, &supersedes)))
		return (false);
	b->last = id;
	if (run_read(&run, id, c->field[R_DOC], b->say)) {
		run.supersedes = supersedes;
		if (!columns_right(&run, c))
			say_tampered(b->say, "Berechnung %llu (%.60s): Kosten, "
			    "Tage oder Betrag sind nicht die ihrer Zeile",
			    "calculation %llu (%.60s): cost, days or amount "
			    "are not those of its row",
			    (unsigned long long)id, run.cost);
		run_check(&run, &b->task, seen_by(ch, id));
		posted_run(b->posted, &run);
	}
	run_clear(&run);
	return (true);
}

static void
check_runs(struct books *b, const struct chain *ch, struct source *src)
{
	struct csv c = { 0 };

	b->last = 0;
	if (source_table(src, TABLE_RUNS, &c, b->say))
		while (source_row(src, TABLE_RUNS, &c, b->say) == CSV_ROW)
			if (!run_row(b, ch, &c))
				say_bad(b, TABLE_RUNS, &c);
	source_done(src, TABLE_RUNS, &c);
}

/* ---- entries: a row for each line, those of one entry together */

struct entry {
	struct posting posting; /* id 0: none yet */
	size_t cap;
};

/* Days, cost and run, which all lines of an entry have in common; false: they
 * have not. */
static bool
posting_head(struct posting *p, const struct csv *c)
{
	struct posting head = { .id = p->id };

	if (!read_date(cell(c, J_FROM), &head.from) ||
	    !read_date(cell(c, J_TO), &head.to) ||
	    !read_uint(cell(c, J_RUN), INT64_MAX, &head.run) ||
	    (c->field[J_REVERSES] != NULL &&
		!read_uint(c->field[J_REVERSES], INT64_MAX, &head.reverses)) ||
	    strlen(cell(c, J_TYPE)) >= sizeof(head.type))
		return (false);
	if (p->cost != NULL)
		return (head.from == p->from && head.to == p->to &&
		    head.run == p->run && head.reverses == p->reverses &&
		    strcmp(p->type, cell(c, J_TYPE)) == 0 &&
		    strcmp(p->cost, cell(c, J_COST)) == 0);
	(void)snprintf(head.type, sizeof(head.type), "%s", cell(c, J_TYPE));
	head.cost = text_copy(cell(c, J_COST));
	*p = head;
	return (true);
}

static void
posting_line(struct entry *e, const struct csv *c, int64_t cents)
{
	struct posting *p = &e->posting;

	if (p->n == e->cap) {
		e->cap = e->cap == 0 ? 16 : e->cap * 2;
		p->lines = realloc(p->lines, e->cap * sizeof(*p->lines));
		if (p->lines == NULL)
			abort();
	}
	p->lines[p->n++] = (struct line){ text_copy(cell(c, J_ACCOUNT)),
		text_copy(cell(c, J_AGS)), text_copy(cell(c, J_COMPONENT)),
		cents };
}

static void
entry_end(struct books *b, struct entry *e)
{
	if (e->posting.cost != NULL)
		posted_entry(b->posted, &e->posting);
	*e = (struct entry){ 0 };
}

static bool
entry_line(struct books *b, struct entry *e, const struct csv *c)
{
	int64_t cents = 0;
	uint64_t id;

	if (c->n != J_COLUMNS ||
	    !read_uint(cell(c, J_ENTRY), INT64_MAX, &id) || id < b->last ||
	    (c->field[J_LINE] != NULL && !read_int(cell(c, J_AMOUNT), &cents)))
		return (false);
	if (id != b->last)
		entry_end(b, e);
	b->last = e->posting.id = id;
	if (!posting_head(&e->posting, c))
		return (false);
	/* An entry without lines has one row. */
	if (c->field[J_LINE] != NULL)
		posting_line(e, c, cents);
	return (true);
}

static void
check_entries(struct books *b, struct source *src)
{
	enum csv_next got = CSV_BLIND;
	struct entry e = { .cap = 0 };
	struct csv c = { 0 };

	b->last = 0;
	if (source_table(src, TABLE_JOURNAL, &c, b->say))
		while ((got = source_row(src, TABLE_JOURNAL, &c, b->say)) ==
		    CSV_ROW)
			if (!entry_line(b, &e, &c))
				say_bad(b, TABLE_JOURNAL, &c);
	source_done(src, TABLE_JOURNAL, &c);
	entry_end(b, &e);
	if (got == CSV_END)
		posted_end(b->posted);
}

/* What of the calculations nobody can tell from the ledger. */
static void
say_unchecked(const struct shares_task *t, struct say *s)
{
	if (t->runs == 0)
		return;
	say_note(s, "%u Berechnungen nachgerechnet. Nicht geprüft: ob Kosten, "
	    "Mitglieder, Schlüsselwerte und Grenzen die der vereinbarten "
	    "Regionsdateien sind; sie stehen nicht im Ledger.",
	    "%u calculations worked out again. Not checked: whether costs, "
	    "members, figures of keys and bounds are those of the agreed "
	    "region files, which are not in the ledger.", t->runs);
	if (t->no_figures > 0)
		say_note(s, "Nicht geprüft: Gewichte von %u Berechnungen, die "
		    "nicht nennen, woraus sie sind.", "Not checked: weights "
		    "of %u calculations that do not say what they are made "
		    "of.", t->no_figures);
	if (t->no_bounds > 0)
		say_note(s, "Nicht geprüft: nicht erreichte Grenzen von %u "
		    "Berechnungen, die sie nicht nennen.", "Not checked: "
		    "bounds that were not reached, of %u calculations that do "
		    "not name them.", t->no_bounds);
	if (t->no_usage > 0)
		say_note(s, "Nicht geprüft: Nutzung in %u Fällen, deren Tage "
		    "oder deren Zeilen hier fehlen.", "Not checked: usage in "
		    "%u cases whose days or whose rows are not here.",
		    t->no_usage);
	if (t->late > 0)
		say_note(s, "Nur eingegrenzt: %u Werte der Nutzung, zu denen "
		    "vor dem nächsten Abschluss noch Nachzügler kamen.",
		    "Only within limits: %u figures of usage to which late "
		    "records came before the next close.", t->late);
}

void
books_check(struct chain *ch, struct source *src, struct usage *usage,
    struct say *s)
{
	struct books b = { .posted = posted_new(s), .say = s,
		.task = { .usage = usage, .month = source_month(src) } };

	check_runs(&b, ch, src);
	check_entries(&b, src);
	say_unchecked(&b.task, s);
	posted_free(b.posted);
}
