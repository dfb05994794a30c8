/* server/hubverify/kept.c - what the ledger itself keeps of digests: the lines
 * that were signed, who said that he keeps one, and which was the last one
 * before a calculation; see verify.h. Whoever writes the chain anew or cuts it
 * off has to change these, too, and cannot sign them. */
#include "server/hubverify/verify.h"

#include <stdlib.h>
#include <string.h>

struct kept {
	struct digest *v; /* by block */
	size_t n, at;	  /* at: the first of a block that comes yet */
	uint64_t foreign; /* signed with another key */
};

static const char *
cell(const struct csv *c, unsigned i)
{
	return (c->field[i] != NULL ? c->field[i] : "");
}

static void
say_bad(struct say *s, enum table t, const struct csv *c)
{
	say_tampered(s, "%s, Zeile %llu: keine Zeile dieser Tabelle",
	    "%s, line %llu: no row of this table", table_name(t),
	    (unsigned long long)c->line);
}

/* ---- the lines */

static void
keep(struct kept *k, const struct digest *d)
{
	k->v = realloc(k->v, (k->n + 1) * sizeof(*k->v));
	if (k->v == NULL)
		abort();
	k->v[k->n++] = *d;
}

/* False: it is no row. */
static bool
line_row(struct kept *k, const struct csv *c, struct evp_pkey_st *key,
    struct say *s)
{
	const struct digest_fault *fault;
	struct digest d = { .block = 0 };
	const char *doc;
	uint64_t block;

	if (c->n != 2 || !read_uint(cell(c, 0), INT64_MAX, &block) ||
	    (k->n > 0 && block < k->v[k->n - 1].block))
		return (false);
	doc = cell(c, 1);
	fault = digest_read(doc, strlen(doc), key, &d);
	if (d.block != block) /* 0: it has not the form of one */
		return (false);
	keep(k, &d);
	if (fault == NULL)
		return (true);
	k->foreign += fault->other_key;
	if (!fault->other_key)
		say_tampered(s, "der Digest von Block %llu im Ledger %s",
		    "the ledger's digest of block %llu %s",
		    (unsigned long long)block,
		    s->german ? fault->de : fault->en);
	return (true);
}

struct kept *
kept_read(struct source *src, struct evp_pkey_st *key, struct say *s)
{
	struct kept *k = calloc(1, sizeof(*k));
	struct csv c = { 0 };

	if (k == NULL)
		abort();
	if (source_table(src, TABLE_DIGESTS, &c, s))
		while (source_row(src, TABLE_DIGESTS, &c, s) == CSV_ROW)
			if (!line_row(k, &c, key, s))
				say_bad(s, TABLE_DIGESTS, &c);
	source_done(src, TABLE_DIGESTS, &c);
	return (k);
}

void
kept_free(struct kept *k)
{
	if (k != NULL)
		free(k->v);
	free(k);
}

/* ---- against the chain */

void
kept_block(struct kept *k, const struct block *b, struct say *s)
{
	while (k->at < k->n && k->v[k->at].block <= b->no) {
		const struct digest *d = &k->v[k->at++];

		if (d->block != b->no || memcmp(d->hash, b->hash, HASH_LEN) != 0)
			say_tampered(s, "Block %llu ist nicht der, den der "
			    "Digest des Ledgers vom %s nennt", "block %llu is "
			    "not the one that the ledger's digest of %s names",
			    (unsigned long long)b->no, d->time);
	}
}

void
kept_end(struct kept *k, uint64_t head, struct say *s)
{
	for (; k->at < k->n; k->at++)
		say_tampered(s, "die Kette endet mit Block %llu, der Digest "
		    "des Ledgers vom %s nennt schon Block %llu", "the chain "
		    "ends with block %llu, the ledger's digest of %s already "
		    "names block %llu", (unsigned long long)head,
		    k->v[k->at].time, (unsigned long long)k->v[k->at].block);
}

/* ---- against the digests of the municipality */

static bool
is_kept(const struct kept *k, uint64_t block,
    const unsigned char sum[HASH_LEN])
{
	size_t lo = 0, hi = k->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->v[mid].block < block)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < k->n && k->v[lo].block == block; lo++)
		if (memcmp(k->v[lo].sum, sum, HASH_LEN) == 0)
			return (true);
	return (false);
}

/* What is here was read after it was signed. */
static bool
is_younger(const struct kept *k, const struct digest *d)
{
	for (size_t i = k->n; i > 0 && k->v[i - 1].block >= d->block; i--)
		if (k->v[i - 1].block > d->block ||
		    strcmp(k->v[i - 1].time, d->time) >= 0)
			return (true);
	return (false);
}

static void
given_check(const struct kept *k, const struct chain *ch, struct say *s)
{
	for (size_t i = 0; i < ch->ndigests; i++) {
		const struct digest *d = &ch->digests[i];

		if (!is_kept(k, d->block, d->sum) && is_younger(k, d))
			say_tampered(s, "der Digest %s vom %s steht nicht mehr "
			    "im Ledger", "the digest %s of %s is no longer in "
			    "the ledger", d->file, d->time);
	}
}

/* ---- what others said of them */

/* Columns of receipts. */
enum { A_BLOCK, A_AGS, A_SUM = 4, A_COLUMNS = 6 };

/* False: it is no row. */
static bool
receipt_row(const struct kept *k, const struct csv *c, struct say *s)
{
	unsigned char sum[HASH_LEN];
	uint64_t block;

	if (c->n != A_COLUMNS ||
	    !read_uint(cell(c, A_BLOCK), INT64_MAX, &block) ||
	    strlen(cell(c, A_SUM)) != HEX_LEN - 1 ||
	    !hex_read(cell(c, A_SUM), sum, HASH_LEN))
		return (false);
	if (!is_kept(k, block, sum))
		say_tampered(s, "%.20s hat einen Digest von Block %llu "
		    "bestätigt, den das Ledger nicht hat", "%.20s has "
		    "acknowledged a digest of block %llu that the ledger does "
		    "not have", cell(c, A_AGS), (unsigned long long)block);
	return (true);
}

/* Columns of run_digests. */
enum { G_RUN, G_BLOCK, G_DOC, G_COLUMNS };

static bool
noted_row(const struct kept *k, const struct chain *ch, const struct csv *c,
    struct say *s)
{
	unsigned char sum[HASH_LEN];
	const struct made *made;
	uint64_t run, block;

	if (c->n != G_COLUMNS ||
	    !read_uint(cell(c, G_RUN), INT64_MAX, &run) ||
	    !read_uint(cell(c, G_BLOCK), INT64_MAX, &block))
		return (false);
	sha256_of(cell(c, G_DOC), strlen(cell(c, G_DOC)), sum);
	made = run_made(&ch->evidence, run);
	if (!is_kept(k, block, sum))
		say_tampered(s, "Berechnung %llu: den Digest davor (Block "
		    "%llu) hat das Ledger nicht", "calculation %llu: the "
		    "ledger does not have the digest before it (block %llu)",
		    (unsigned long long)run, (unsigned long long)block);
	else if (made != NULL && made->at <= block)
		say_tampered(s, "Berechnung %llu: der Digest davor nennt Block "
		    "%llu, sie selbst steht schon in Block %llu",
		    "calculation %llu: the digest before it names block %llu, "
		    "it is already in block %llu", (unsigned long long)run,
		    (unsigned long long)block, (unsigned long long)made->at);
	return (true);
}

static uint64_t
rows_of(const struct kept *k, const struct chain *ch, struct source *src,
    enum table t, struct say *s)
{
	struct csv c = { 0 };
	uint64_t n = 0;

	if (source_table(src, t, &c, s))
		while (source_row(src, t, &c, s) == CSV_ROW) {
			n++;
			if (!(t == TABLE_RECEIPTS ? receipt_row(k, &c, s) :
				noted_row(k, ch, &c, s)))
				say_bad(s, t, &c);
		}
	source_done(src, t, &c);
	return (n);
}

void
kept_check(const struct kept *k, const struct chain *ch, struct source *src,
    struct say *s)
{
	uint64_t receipts;

	given_check(k, ch, s);
	receipts = rows_of(k, ch, src, TABLE_RECEIPTS, s);
	(void)rows_of(k, ch, src, TABLE_RUN_DIGESTS, s);
	if (k->n > 0)
		say_note(s, "Digests im Ledger: %zu, Bestätigungen von "
		    "Kommunen dazu: %llu.", "Digests in the ledger: %zu, "
		    "acknowledged by municipalities: %llu times.", k->n,
		    (unsigned long long)receipts);
	if (k->foreign > 0)
		say_note(s, "Hinweis: %llu davon sind mit einem anderen "
		    "Schlüssel unterschrieben; ihre Unterschrift ist nicht "
		    "geprüft.", "Note: %llu of them are signed with another "
		    "key; their signature is not checked.",
		    (unsigned long long)k->foreign);
}
