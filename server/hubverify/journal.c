/* server/hubverify/journal.c - what CLOSE and CORRECT blocks say: which sums are
 * fixed, what was made, who closed and how far the nodes were; see verify.h.
 * Blocks of before version 2 say less. */
#include "server/hubverify/verify.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Nobody goes back to version 1, under which columns can be changed. */
static unsigned
version_of(const struct chain *ch, const json_t *doc)
{
	const json_t *v = json_object_get(doc, "v");

	if (v == NULL)
		return (ch->evidence.since == 0 ? 1 : 0);
	return (json_is_integer(v) && json_integer_value(v) == 2 ? 2 : 0);
}

static void
begin_version(struct chain *ch, const struct block *b)
{
	if (ch->evidence.since == 0)
		ch->evidence.since = b->no;
}

/* The first day of the month, and that of the next. */
static bool
month_read(const char *text, int32_t *first, int32_t *next)
{
	unsigned m, d;
	int y;

	if (!read_date(text, first))
		return (false);
	date_of_days(*first, &y, &m, &d);
	*next = days_of_date(m == 12 ? y + 1 : y, m == 12 ? 1 : m + 1, 1);
	return (d == 1);
}

/* [NODE,WATERMARK,MISSING,"STATE"]: one that reports must have reported all
 * of the month. */
static bool
node_read(struct evidence *ev, json_t *item, uint64_t at, int32_t next)
{
	struct reported r = { .at = at };
	json_int_t node, us, missing;
	const char *state;
	bool whole;

	if (json_unpack_ex(item, NULL, JSON_STRICT, "[I,I,I,s]", &node, &us,
		&missing, &state) != 0 || node < 0 || us < 0 || missing < 0)
		return (false);
	whole = german_day(us) >= next;
	if (strcmp(state, whole ? "reported" : "retired") != 0)
		return (false);
	r.node = (uint64_t)node;
	r.us = us;
	ev->nodes = realloc(ev->nodes, (ev->nnodes + 1) * sizeof(r));
	if (ev->nodes == NULL)
		abort();
	ev->nodes[ev->nnodes++] = r;
	return (true);
}

static bool
nodes_read(struct evidence *ev, const json_t *list, uint64_t at, int32_t next)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		if (!node_read(ev, json_array_get(list, i), at, next))
			return (false);
	return (json_is_array(list));
}

/* What is made by a block that closes the month before next. */
static struct made
made_closing(struct chain *ch, const struct block *b, int32_t next)
{
	ch->open = next;
	return ((struct made){ .at = b->no, .open = next, .closing = true });
}

static bool
close_read_old(struct chain *ch, const struct block *b, json_t *doc)
{
	const char *days, *months, *period, *figures;
	json_t *entries, *runs;
	int32_t first, next;
	struct made proto;

	if (json_unpack_ex(doc, NULL, JSON_STRICT,
		"{s:s,s:o,s:s,s:s,s:s,s:o}", "day_sha256", &days, "entries",
		&entries, "figures_sha256", &figures, "month_sha256", &months,
		"period", &period, "runs", &runs) != 0 ||
	    !month_read(period, &first, &next))
		return (false);
	proto = made_closing(ch, b, next);
	return (fixed_add(ch, b, first, next, days, months) &&
	    made_read_old(&ch->evidence, "entry", entries, &proto) &&
	    made_read_old(&ch->evidence, "run", runs, &proto));
}

/* Two persons, not one twice (ledger.md 5, closing). */
static bool
close_read_new(struct chain *ch, const struct block *b, json_t *doc)
{
	const char *days, *months, *period, *figures, *tenant[2], *person[2];
	json_int_t at[2], conflicts;
	unsigned char sum[HASH_LEN];
	json_t *made, *nodes;
	int32_t first, next;
	struct made proto;

	if (json_unpack_ex(doc, NULL, JSON_STRICT,
		"{s:[s,s,I],s:I,s:s,s:s,s:o,s:s,s:o,s:s,s:[s,s,I],s:i}",
		"closed", &tenant[0], &person[0], &at[0], "conflicts",
		&conflicts, "day_sha256", &days, "figures_sha256", &figures,
		"made", &made, "month_sha256", &months, "nodes", &nodes,
		"period", &period, "proposed", &tenant[1], &person[1], &at[1],
		"v", &(int){ 0 }) != 0 || conflicts < 0 || at[0] < at[1] ||
	    !hex_read(figures, sum, HASH_LEN) ||
	    strcasecmp(person[0], person[1]) == 0 ||
	    !month_read(period, &first, &next))
		return (false);
	begin_version(ch, b);
	proto = made_closing(ch, b, next);
	if (ch->evidence.conflicts < (uint64_t)conflicts)
		ch->evidence.conflicts = (uint64_t)conflicts;
	return (fixed_add(ch, b, first, next, days, months) &&
	    made_read(&ch->evidence, made, &proto) &&
	    made_by(&ch->evidence, b->no, "close", period) &&
	    nodes_read(&ch->evidence, nodes, b->no, next));
}

bool
close_read(struct chain *ch, const struct block *b)
{
	json_t *doc = json_loads(b->payload, JSON_REJECT_DUPLICATES, NULL);
	unsigned version = version_of(ch, doc);
	bool ok = false;

	if (version == 1)
		ok = close_read_old(ch, b, doc);
	else if (version == 2)
		ok = close_read_new(ch, b, doc);
	json_decref(doc);
	return (ok);
}

static bool
correct_read_old(struct chain *ch, const struct block *b, json_t *doc)
{
	const struct made proto = { .at = b->no, .open = ch->open };
	json_t *entries, *runs;

	return (json_unpack_ex(doc, NULL, JSON_STRICT, "{s:o,s:o}", "entries",
	    &entries, "runs", &runs) == 0 &&
	    made_read_old(&ch->evidence, "entry", entries, &proto) &&
	    made_read_old(&ch->evidence, "run", runs, &proto));
}

static bool
correct_read_new(struct chain *ch, const struct block *b, json_t *doc)
{
	const struct made proto = { .at = b->no, .open = ch->open };
	json_t *made;

	if (json_unpack_ex(doc, NULL, JSON_STRICT, "{s:o,s:i}", "made", &made,
		"v", &(int){ 0 }) != 0)
		return (false);
	begin_version(ch, b);
	return (made_read(&ch->evidence, made, &proto));
}

bool
correct_read(struct chain *ch, const struct block *b)
{
	json_t *doc = json_loads(b->payload, JSON_REJECT_DUPLICATES, NULL);
	unsigned version = version_of(ch, doc);
	bool ok = false;

	if (version == 1)
		ok = correct_read_old(ch, b, doc);
	else if (version == 2)
		ok = correct_read_new(ch, b, doc);
	json_decref(doc);
	return (ok);
}
