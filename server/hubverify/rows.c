/* server/hubverify/rows.c - each block's root from the rows of the ledger, and
 * each row in one block; see verify.h. */
#include "server/hubverify/verify.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES_MAX ((size_t)1 << 24) /* of one block; a batch has 32,768 */

struct walk {
	struct chain *chain;
	struct source *src;
	struct say *say;
	struct rolls *rolls;
	struct proof *proof;
	struct rows_seen *seen;

	struct csv rows;
	struct event event; /* the one to look at */
	bool have, ended, blind;

	/* Of the block at hand. */
	unsigned char (*leaves)[HASH_LEN];
	size_t n, cap;
	uint64_t first, last;
	uint64_t suspect; /* line of a row whose own hash is wrong, or 0 */
	uint64_t suspect_seq;
};

static void
uuid_text(const unsigned char id[16], char out[37])
{
	char hex[33];

	hex_write(id, 16, hex);
	(void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

/* Goes on to the next row that can be read. */
static void
advance(struct walk *w)
{
	const char *bad;

	w->have = false;
	while (!w->ended && !w->have) {
		enum csv_next got = source_row(w->src, TABLE_EVENTS, &w->rows,
		    w->say);

		if (got != CSV_ROW) {
			w->ended = true;
			w->blind = got == CSV_BLIND;
			return;
		}
		w->seen->rows++;
		bad = event_read(&w->rows, &w->event);
		w->have = bad == NULL;
		if (bad != NULL)
			say_tampered(w->say, "events, Zeile %llu (Block %s): "
			    "%s hat keinen möglichen Wert", "events, line "
			    "%llu (block %s): %s has no possible value",
			    (unsigned long long)w->rows.line,
			    w->rows.field[0] != NULL ? w->rows.field[0] : "?",
			    bad);
	}
}

static void
say_row(struct walk *w, const char *de, const char *en)
{
	const struct event *e = &w->event;
	char request[37];

	uuid_text(e->request, request);
	say_tampered(w->say, "Block %llu, Zeile %llu von events (Knoten %llu, "
	    "Lauf %llu, Satz %llu, Anfrage %s): %s", "block %llu, line %llu of "
	    "events (node %llu, boot %llu, record %llu, request %s): %s",
	    (unsigned long long)e->block, (unsigned long long)w->rows.line,
	    (unsigned long long)e->node, (unsigned long long)e->boot,
	    (unsigned long long)e->seq, request, w->say->german ? de : en);
}

/* The hash that the hub took of the record itself (of a record that had to be
 * made to fit a row it is another): tells which row it is when a root is
 * wrong. */
static bool
own_hash_right(const struct event *e, const unsigned char leaf[LEAF_LEN])
{
	unsigned char content[180], sum[HASH_LEN];

	memcpy(content, leaf + 16, 4);
	memcpy(content + 4, leaf + 24, 176);
	sha256_of(content, sizeof(content), sum);
	return (memcmp(sum, e->rec_hash, HASH_LEN) == 0);
}

static void
leaf_add(struct walk *w, const unsigned char leaf[LEAF_LEN])
{
	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 1024 : w->cap * 2;
		if (w->cap > LEAVES_MAX)
			abort();
		w->leaves = realloc(w->leaves, w->cap * sizeof(*w->leaves));
		if (w->leaves == NULL)
			abort();
	}
	leaf_hash(leaf, LEAF_LEN, w->leaves[w->n++]);
}

/* A row of the block at hand. */
static void
take_row(struct walk *w, const struct block *b)
{
	const struct event *e = &w->event;
	unsigned char leaf[LEAF_LEN];
	const char *bad = event_leaf(e, leaf);

	if (bad != NULL) {
		char de[80], en[80];

		(void)snprintf(de, sizeof(de),
		    "%s widerspricht den anderen Spalten", bad);
		(void)snprintf(en, sizeof(en),
		    "%s contradicts the other columns", bad);
		say_row(w, de, en);
	}
	if (e->batch != b->batch || e->period != b->period ||
	    e->node != b->node || e->boot != b->boot ||
	    (w->n > 0 && e->seq <= w->last))
		say_row(w, "gehört nicht in diesen Block",
		    "does not belong to this block");
	if (w->suspect == 0 && !own_hash_right(e, leaf)) {
		w->suspect = w->rows.line;
		w->suspect_seq = e->seq;
	}
	if (w->n == 0)
		w->first = e->seq;
	w->last = e->seq;
	if (w->n + 1 >= LEAVES_MAX)
		return;
	if (w->proof != NULL)
		proof_leaf(w->proof, e, leaf, w->n);
	leaf_add(w, leaf);
	rolls_add(w->rolls, e);
}

/* A row that says block 0 has none: it is from before the chain, or from
 * nowhere. */
static void
take_stray(struct walk *w)
{
	const struct event *e = &w->event;
	struct baseline *base = &w->chain->baseline;
	unsigned char leaf[LEAF_LEN];

	if (e->block != 0 || e->batch != 0 || !base->there) {
		say_row(w, "diese Zeile ist in keinem Block",
		    "this row is in no block");
		return;
	}
	if (event_leaf(e, leaf) != NULL)
		say_row(w, "die Spalten widersprechen sich",
		    "the columns contradict each other");
	base->seen[0]++;
	base->seen[1] += e->entities;
	base->seen[2] += e->bytes_out;
	base->seen[3] += e->units;
	rolls_add(w->rolls, e);
}

static void
check_rows(struct walk *w, const struct block *b)
{
	unsigned long long no = b->no;
	unsigned char root[HASH_LEN];

	if (w->n != b->leaves) {
		say_tampered(w->say, "Block %llu: %zu Zeilen statt %llu "
		    "(Knoten %llu, Lauf %llu, Sätze %llu bis %llu)",
		    "block %llu: %zu rows instead of %llu (node %llu, boot "
		    "%llu, records %llu to %llu)", no, w->n,
		    (unsigned long long)b->leaves, (unsigned long long)b->node,
		    (unsigned long long)b->boot, (unsigned long long)b->first,
		    (unsigned long long)b->last);
		return;
	}
	tree_root((const unsigned char (*)[HASH_LEN])w->leaves, w->n, root);
	if (memcmp(root, b->payload_hash, HASH_LEN) != 0 && w->suspect != 0)
		say_tampered(w->say, "Block %llu: verändert ist Zeile %llu von "
		    "events (Knoten %llu, Lauf %llu, Satz %llu)", "block %llu: "
		    "changed is line %llu of events (node %llu, boot %llu, "
		    "record %llu)", no, (unsigned long long)w->suspect,
		    (unsigned long long)b->node, (unsigned long long)b->boot,
		    (unsigned long long)w->suspect_seq);
	else if (memcmp(root, b->payload_hash, HASH_LEN) != 0)
		say_tampered(w->say, "Block %llu: verändert ist eine seiner "
		    "%llu Zeilen (Knoten %llu, Lauf %llu, Sätze %llu bis "
		    "%llu)", "block %llu: one of its %llu rows was changed "
		    "(node %llu, boot %llu, records %llu to %llu)", no,
		    (unsigned long long)b->leaves, (unsigned long long)b->node,
		    (unsigned long long)b->boot, (unsigned long long)w->first,
		    (unsigned long long)w->last);
	else if (w->first != b->first || w->last != b->last)
		say_tampered(w->say, "Block %llu: first_seq oder last_seq "
		    "stimmt nicht", "block %llu: first_seq or last_seq is "
		    "wrong", no);
}

/* As ledger.prune writes it. */
static void
prune_add(struct prune *p, const struct block *b)
{
	char line[160];
	int n = snprintf(line, sizeof(line),
	    "%llu %llu %llu %llu %llu %llu %llu\n", (unsigned long long)b->no,
	    (unsigned long long)b->batch, (unsigned long long)b->node,
	    (unsigned long long)b->boot, (unsigned long long)b->first,
	    (unsigned long long)b->last, (unsigned long long)b->leaves);

	if (n < 0 || (size_t)n >= sizeof(line))
		abort();
	sum_add(p->sum, line, (size_t)n);
	p->seen_blocks++;
	p->seen_leaves += b->leaves;
}

static bool
absent(const struct walk *w, const struct block *b)
{
	const char *month = source_month(w->src);
	char text[16];
	unsigned m, d;
	int y;

	date_of_days(b->period, &y, &m, &d);
	(void)snprintf(text, sizeof(text), "%04d-%02u", y % 10000, m % 100);
	return (month != NULL && strcmp(month, text) != 0);
}

static void
check_block(struct walk *w, const struct block *b)
{
	struct prune *p = chain_pruned(w->chain, b);

	w->n = 0;
	w->suspect = 0;
	while (w->have && w->event.block < b->no) {
		take_stray(w);
		advance(w);
	}
	while (b->kind == INGEST && w->have && w->event.block == b->no) {
		take_row(w, b);
		advance(w);
	}
	if (w->blind)
		return; /* its rows are not all there */
	if (p != NULL)
		prune_add(p, b);
	if (b->kind != INGEST)
		;
	else if (w->n == 0 && p != NULL)
		w->seen->pruned++;
	else if (w->n == 0 && absent(w, b))
		w->seen->absent++;
	else {
		w->seen->blocks++;
		check_rows(w, b);
	}
	if (w->proof != NULL)
		proof_block(w->proof, b,
		    (const unsigned char (*)[HASH_LEN])w->leaves, w->n);
}

static void
check_ends(struct walk *w)
{
	const struct baseline *base = &w->chain->baseline;

	for (size_t i = 0; i < w->chain->nprunes; i++) {
		struct prune *p = &w->chain->prunes[i];

		if (!sum_is(p->sum, p->blocks_sum) ||
		    p->seen_blocks != p->blocks ||
		    p->seen_leaves != p->leaves)
			say_tampered(w->say, "die Blöcke des gelöschten Monats "
			    "sind nicht die, die Block %llu nennt", "the "
			    "blocks of the pruned month are not those that "
			    "block %llu names", (unsigned long long)p->at);
	}
	if (base->there && source_month(w->src) == NULL &&
	    (base->seen[0] != base->events || base->seen[1] != base->entities ||
		base->seen[2] != base->bytes || base->seen[3] != base->units))
		say_tampered(w->say, "die Zeilen von vor der Kette ergeben "
		    "nicht, was Block 1 nennt", "the rows from before the "
		    "chain do not come to what block 1 names");
}

/* The blocks once more, with their rows. They are those that were found in
 * order: whoever answers could answer otherwise now. */
static void
walk_blocks(struct walk *w, struct csv *c)
{
	enum csv_next got = CSV_END;
	EVP_MD_CTX *sum = sum_new();
	struct block b;

	advance(w);
	while (!w->blind) {
		/* What is wrong with a row of a broken chain was said. */
		got = w->chain->whole ? source_row(w->src, TABLE_BLOCKS, c,
		    w->say) : csv_next(c);
		if (got != CSV_ROW || block_read(c, &b) != NULL)
			break;
		sum_row(sum, c);
		check_block(w, &b);
	}
	w->blind |= got == CSV_BLIND;
	if (w->chain->whole && !w->blind && !sum_is(sum, w->chain->bytes))
		say_tampered(w->say, "die Blöcke waren beim zweiten Lesen "
		    "andere als beim ersten", "the blocks were others when "
		    "they were read again");
	EVP_MD_CTX_free(sum);
}

bool
rows_check(struct chain *ch, struct source *src, struct rolls *rolls,
    struct proof *proof, struct rows_seen *seen, struct say *s)
{
	struct walk w = { .chain = ch, .src = src, .say = s, .rolls = rolls,
		.proof = proof, .seen = seen, .blind = true };
	struct csv c = { 0 };

	*seen = (struct rows_seen){ 0 };
	if (source_table(src, TABLE_BLOCKS, &c, s) &&
	    source_table(src, TABLE_EVENTS, &w.rows, s)) {
		w.blind = false;
		walk_blocks(&w, &c);
		while (w.have && !w.blind) {
			take_stray(&w);
			advance(&w);
		}
		if (!w.blind)
			check_ends(&w);
	}
	source_done(src, TABLE_BLOCKS, &c);
	source_done(src, TABLE_EVENTS, &w.rows);
	free(w.leaves);
	return (!w.blind);
}
