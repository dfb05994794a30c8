/* server/hubverify/evidence.c - what blocks say was made, against the tables
 * that hold it: entries, calculations, closes and what else decides an amount
 * or when a month was complete; see verify.h. */
#include "server/hubverify/verify.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* The first column is the id; rows of one id stand together. */
static const struct kind {
	const char *word;
	enum table table;
	unsigned columns;
	const char *de, *en; /* feminine, for the sentences below */
} kinds[] = {
	{ "entry", TABLE_JOURNAL, 22, "Buchung", "entry" },
	{ "run", TABLE_RUNS, 20, "Berechnung", "calculation" },
	{ "share", TABLE_SHARES, 7, "Aufteilung der Berechnung",
	    "the shares of calculation" },
	{ "deferral", TABLE_DEFERRALS, 6, "Zurückstellung der Berechnung",
	    "the deferral of calculation" },
	{ "proposal", TABLE_PROPOSALS, 7, "Vorlage zum Abschluss",
	    "proposal to close" },
	{ "close", TABLE_CLOSES, 7, "Schließung des Monats",
	    "the close of month" },
	{ "retired", TABLE_RETIRED, 8, "Abmeldung des Knotens",
	    "the retirement of node" },
	{ "estimate", TABLE_ESTIMATES, 14, "Schätzung", "estimate" },
};
#define NKINDS	     (sizeof(kinds) / sizeof(kinds[0]))
#define KIND_ENTRY   0
#define KIND_RUN     1
#define ENTRY_AMOUNT 21
#define RUN_DOC	     14

static bool
kind_find(const char *word, unsigned *kind_r)
{
	for (unsigned i = 0; word != NULL && i < NKINDS; i++)
		if (strcmp(kinds[i].word, word) == 0) {
			*kind_r = i;
			return (true);
		}
	return (false);
}

static void
made_add(struct evidence *ev, struct made m, const char *id)
{
	m.id = strdup(id);
	ev->made = realloc(ev->made, (ev->nmade + 1) * sizeof(m));
	if (ev->made == NULL || m.id == NULL)
		abort();
	ev->made[ev->nmade++] = m;
}

bool
made_read_old(struct evidence *ev, const char *kind, const json_t *list,
    const struct made *proto)
{
	size_t n = json_array_size(list);
	struct made m = *proto;
	char id[24];

	m.version = 1;
	if (!json_is_array(list) || !kind_find(kind, &m.kind))
		return (false);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *no = json_array_get(item, 0);
		const char *hex =
		    json_string_value(json_array_get(item, 1));

		if (json_array_size(item) != 2 || !json_is_integer(no) ||
		    json_integer_value(no) < 0 || hex == NULL ||
		    !hex_read(hex, m.sum, HASH_LEN))
			return (false);
		(void)snprintf(id, sizeof(id), "%lld",
		    (long long)json_integer_value(no));
		made_add(ev, m, id);
	}
	return (true);
}

bool
made_read(struct evidence *ev, const json_t *list, const struct made *proto)
{
	size_t n = json_array_size(list);
	struct made m = *proto;

	m.version = 2;
	if (!json_is_array(list))
		return (false);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);
		const char *cell[3];

		for (size_t k = 0; k < 3; k++)
			cell[k] = json_string_value(json_array_get(item, k));
		if (json_array_size(item) != 3 ||
		    !kind_find(cell[0], &m.kind) || cell[1] == NULL ||
		    cell[2] == NULL || !hex_read(cell[2], m.sum, HASH_LEN))
			return (false);
		made_add(ev, m, cell[1]);
	}
	return (true);
}

bool
made_by(const struct evidence *ev, uint64_t at, const char *kind,
    const char *id)
{
	for (size_t i = ev->nmade; i > 0 && ev->made[i - 1].at == at; i--)
		if (strcmp(kinds[ev->made[i - 1].kind].word, kind) == 0 &&
		    strcmp(ev->made[i - 1].id, id) == 0)
			return (true);
	return (false);
}

static int
by_id(const void *pa, const void *pb)
{
	const struct made *a = pa, *b = pb;

	if (a->version != b->version)
		return (a->version < b->version ? -1 : 1);
	if (a->kind != b->kind)
		return (a->kind < b->kind ? -1 : 1);
	return (strcmp(a->id, b->id));
}

static struct made *
made_find(const struct evidence *ev, unsigned version, unsigned kind,
    char *id)
{
	struct made key = { .version = version, .kind = kind, .id = id };

	if (ev->nmade == 0)
		return (NULL);
	return (bsearch(&key, ev->made, ev->nmade, sizeof(key), by_id));
}

/* The block of the migration to version 2 names older ones once more. */
const struct made *
run_made(const struct evidence *ev, uint64_t no)
{
	const struct made *m;
	char id[24];

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)no);
	m = made_find(ev, 1, KIND_RUN, id);
	return (m != NULL ? m : made_find(ev, 2, KIND_RUN, id));
}

/* ---- one kind: its table */

struct looking {
	struct evidence *ev;
	unsigned kind;
	struct say *say;
	uint64_t unfixed; /* in no block, and in none it need be */
	/* What is being read; id NULL: nothing. */
	char *id;
	EVP_MD_CTX *sums[2]; /* of version 1 and 2 */
	__int128 cents;
};

static const char *
name_of(const struct looking *l)
{
	return (l->say->german ? kinds[l->kind].de : kinds[l->kind].en);
}

static void
add_text(EVP_MD_CTX *ctx, const char *s)
{
	sum_add(ctx, s, strlen(s));
}

/* As entries were hashed at first: not each column, no value as the empty
 * text. */
static void
add_old_entry(EVP_MD_CTX *ctx, const struct csv *c)
{
	static const unsigned columns[] = { 0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12,
		15, 16, 17, 19, ENTRY_AMOUNT };
	const size_t n = sizeof(columns) / sizeof(columns[0]);

	for (size_t i = 0; i < n; i++) {
		const char *s = c->field[columns[i]];

		add_text(ctx, s != NULL ? s : "");
		add_text(ctx, i + 1 < n ? "\x1f" : "\n");
	}
}

/* Each cell behind its length, so that no two rows have one text. */
static void
add_row(EVP_MD_CTX *ctx, const struct csv *c)
{
	char len[24];

	for (unsigned i = 0; i < c->n; i++) {
		if (c->field[i] == NULL)
			add_text(ctx, "-");
		else {
			(void)snprintf(len, sizeof(len), "%zu:",
			    strlen(c->field[i]));
			add_text(ctx, len);
			add_text(ctx, c->field[i]);
		}
		add_text(ctx, ",");
	}
	add_text(ctx, "\n");
}

static void
compare(struct looking *l, struct made *m, EVP_MD_CTX *sum)
{
	if (m->seen)
		say_tampered(l->say, "%s %s steht zweimal da",
		    "%s %s is there twice", name_of(l), l->id);
	else if (!sum_is(sum, m->sum))
		say_tampered(l->say, "%s %s ist nicht die, die Block %llu "
		    "nennt", "%s %s is not the one that block %llu names",
		    name_of(l), l->id, (unsigned long long)m->at);
	m->seen = true;
}

/* Version 1 had entries and calculations alone; from the first block of
 * version 2 on everything is in one. */
static void
item_end(struct looking *l)
{
	struct made *old, *new;

	if (l->id == NULL)
		return;
	old = made_find(l->ev, 1, l->kind, l->id);
	new = made_find(l->ev, 2, l->kind, l->id);
	if (new != NULL)
		compare(l, new, l->sums[1]);
	if (old != NULL)
		compare(l, old, l->sums[0]);
	if (new == NULL && (l->ev->since > 0 ||
	    (old == NULL && l->kind <= KIND_RUN)))
		say_tampered(l->say, "%s %s steht in keinem Block",
		    "%s %s is in no block", name_of(l), l->id);
	l->unfixed += new == NULL && old == NULL;
	if (l->cents != 0)
		say_tampered(l->say, "%s %s geht nicht auf",
		    "%s %s does not sum to 0", name_of(l), l->id);
	for (unsigned i = 0; i < 2; i++)
		EVP_MD_CTX_free(l->sums[i]);
	free(l->id);
	l->id = NULL;
	l->cents = 0;
}

static void
item_begin(struct looking *l, const char *id)
{
	l->id = strdup(id);
	if (l->id == NULL)
		abort();
	for (unsigned i = 0; i < 2; i++)
		l->sums[i] = sum_new();
}

static bool
item_row(struct looking *l, const struct csv *c)
{
	int64_t cents = 0;

	if (c->n != kinds[l->kind].columns || c->field[0] == NULL ||
	    (l->kind == KIND_ENTRY && c->field[ENTRY_AMOUNT] != NULL &&
	    !read_int(c->field[ENTRY_AMOUNT], &cents)) ||
	    (l->kind == KIND_RUN && c->field[RUN_DOC] == NULL))
		return (false);
	if (l->id != NULL && strcmp(l->id, c->field[0]) != 0)
		item_end(l);
	if (l->id == NULL)
		item_begin(l, c->field[0]);
	if (l->kind == KIND_ENTRY)
		add_old_entry(l->sums[0], c);
	else if (l->kind == KIND_RUN)
		add_text(l->sums[0], c->field[RUN_DOC]);
	add_row(l->sums[1], c);
	l->cents += cents;
	return (true);
}

static void
say_missing(const struct looking *l)
{
	for (size_t i = 0; i < l->ev->nmade; i++) {
		const struct made *m = &l->ev->made[i];

		/* Once, where both versions name it. */
		if (m->kind == l->kind && !m->seen && (m->version == 2 ||
		    made_find(l->ev, 2, m->kind, m->id) == NULL))
			say_tampered(l->say, "%s %s fehlt, Block %llu nennt "
			    "sie", "%s %s is missing, block %llu names it",
			    name_of(l), m->id, (unsigned long long)m->at);
	}
}

static void
kind_check(struct chain *ch, unsigned kind, struct source *src,
    struct say *s)
{
	struct looking l = { .ev = &ch->evidence, .kind = kind, .say = s };
	enum table t = kinds[kind].table;
	enum csv_next got = CSV_BLIND;
	struct csv c = { 0 };

	if (source_table(src, t, &c, s))
		while ((got = source_row(src, t, &c, s)) == CSV_ROW)
			if (!item_row(&l, &c))
				say_tampered(s, "%s, Zeile %llu: keine Zeile "
				    "dieser Tabelle", "%s, line %llu: no row "
				    "of this table", table_name(t),
				    (unsigned long long)c.line);
	source_done(src, t, &c);
	item_end(&l);
	if (got == CSV_END)
		say_missing(&l);
	if (l.unfixed > 0 && ch->evidence.since == 0)
		say_note(s, "Hinweis: %llu Zeilen von %s sind noch nicht in "
		    "der Kette.", "Note: %llu rows of %s are not in the chain "
		    "yet.", (unsigned long long)l.unfixed, table_name(t));
}

/* ---- watermarks: what a node had reported it has reported since */

static bool
checkpoint_read(const struct csv *c, uint64_t *node, int64_t *us)
{
	return (c->n == 6 && read_uint(c->field[0], INT32_MAX, node) &&
	    read_int(c->field[5], us));
}

/* The furthest of a node's boots; the place of those still below in below. */
static void
nodes_seen(const struct evidence *ev, bool *below, uint64_t node, int64_t us)
{
	for (size_t i = 0; i < ev->nnodes; i++)
		if (ev->nodes[i].node == node && us >= ev->nodes[i].us)
			below[i] = false;
}

static void
nodes_check(const struct evidence *ev, struct source *src, struct say *s)
{
	bool *below = malloc(ev->nnodes + 1);
	enum csv_next got = CSV_BLIND;
	struct csv c = { 0 };
	uint64_t node;
	int64_t us;

	if (below == NULL)
		abort();
	memset(below, true, ev->nnodes + 1);
	if (source_table(src, TABLE_CHECKPOINTS, &c, s))
		while ((got = source_row(src, TABLE_CHECKPOINTS, &c, s)) ==
		    CSV_ROW)
			if (checkpoint_read(&c, &node, &us))
				nodes_seen(ev, below, node, us);
	source_done(src, TABLE_CHECKPOINTS, &c);
	for (size_t i = 0; got == CSV_END && i < ev->nnodes; i++)
		if (below[i])
			say_tampered(s, "Knoten %llu war bei Block %llu "
			    "weiter, als checkpoints sagt", "node %llu was "
			    "further at block %llu than checkpoints says",
			    (unsigned long long)ev->nodes[i].node,
			    (unsigned long long)ev->nodes[i].at);
	free(below);
}

static void
say_doubles(const struct evidence *ev, struct say *s)
{
	for (size_t i = 1; i < ev->nmade; i++)
		if (by_id(&ev->made[i - 1], &ev->made[i]) == 0)
			say_tampered(s, "Block %llu und Block %llu nennen "
			    "beide %s %s", "block %llu and block %llu both "
			    "name %s %s",
			    (unsigned long long)ev->made[i - 1].at,
			    (unsigned long long)ev->made[i].at,
			    kinds[ev->made[i].kind].word, ev->made[i].id);
}

static void
note_old(const struct evidence *ev, struct say *s)
{
	unsigned long long n = 0;

	for (size_t i = 0; i < ev->nmade; i++)
		n += ev->made[i].version == 1;
	if (n > 0 && ev->since > 0)
		say_note(s, "Hinweis: %llu Buchungen und Berechnungen sind von "
		    "vor Block %llu; erst er hält alle ihre Spalten fest.",
		    "Note: %llu entries and calculations are from before block "
		    "%llu; all of their columns are fixed by that block only.",
		    n, (unsigned long long)ev->since);
}

void
evidence_check(struct chain *ch, struct source *src, struct say *s)
{
	struct evidence *ev = &ch->evidence;

	if (ev->nmade > 0)
		qsort(ev->made, ev->nmade, sizeof(*ev->made), by_id);
	say_doubles(ev, s);
	for (unsigned i = 0; i < NKINDS; i++)
		kind_check(ch, i, src, s);
	nodes_check(ev, src, s);
	note_old(ev, s);
}

void
evidence_clear(struct evidence *ev)
{
	for (size_t i = 0; i < ev->nmade; i++)
		free(ev->made[i].id);
	free(ev->made);
	free(ev->nodes);
	*ev = (struct evidence){ 0 };
}
