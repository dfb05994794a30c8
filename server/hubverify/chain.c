/* server/hubverify/chain.c - blocks from the first to the head, and the
 * digests that say what the head was on a day; see verify.h. */
#include "server/hubverify/verify.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

EVP_MD_CTX *
sum_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		abort();
	return (ctx);
}

void
sum_add(EVP_MD_CTX *ctx, const void *p, size_t n)
{
	if (EVP_DigestUpdate(ctx, p, n) != 1)
		abort();
}

/* Its fields, each with a NUL behind it. */
void
sum_row(EVP_MD_CTX *ctx, const struct csv *c)
{
	sum_add(ctx, c->row, c->len);
}

void
sum_end(EVP_MD_CTX *ctx, unsigned char out[HASH_LEN])
{
	if (EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
}

bool
sum_is(EVP_MD_CTX *ctx, const unsigned char want[HASH_LEN])
{
	unsigned char sum[HASH_LEN];

	sum_end(ctx, sum);
	return (memcmp(sum, want, HASH_LEN) == 0);
}

bool
fixed_add(struct chain *ch, const struct block *b, int32_t period,
    int32_t before, const char *days, const char *months)
{
	struct fixed f = { .at = b->no, .period = period, .before = before };

	if (!hex_read(days, f.day_sum, HASH_LEN) ||
	    !hex_read(months, f.month_sum, HASH_LEN))
		return (false);
	f.days = sum_new();
	f.months = sum_new();
	ch->fixed = realloc(ch->fixed, (ch->nfixed + 1) * sizeof(f));
	if (ch->fixed == NULL)
		abort();
	ch->fixed[ch->nfixed++] = f;
	return (true);
}

/* Rows are kept for 24 months: nobody can prune what is younger, not even by
 * writing a block about it. */
static bool
old_enough(int32_t period, int32_t before)
{
	unsigned m, d;
	int y;

	date_of_days(period, &y, &m, &d);
	return (d == 1 && before > days_of_date(y + 2, m, d) &&
	    before <= german_day((int64_t)time(NULL) * 1000000));
}

static bool
prune_read(struct chain *ch, const struct block *b)
{
	const char *blocks, *before, *days, *months, *period;
	json_int_t nblocks, nleaves;
	struct prune p = { .at = b->no };
	json_t *doc = json_loads(b->payload, JSON_REJECT_DUPLICATES, NULL);
	bool ok;

	ok = json_unpack_ex(doc, NULL, JSON_STRICT,
	    "{s:I,s:s,s:s,s:s,s:I,s:s,s:s}", "blocks", &nblocks,
	    "blocks_sha256", &blocks, "booked_before", &before, "day_sha256",
	    &days, "leaves", &nleaves, "month_sha256", &months, "period",
	    &period) == 0 && nblocks >= 0 && nleaves >= 0 &&
	    hex_read(blocks, p.blocks_sum, HASH_LEN) &&
	    read_date(before, &p.before) && read_date(period, &p.period) &&
	    old_enough(p.period, p.before) &&
	    fixed_add(ch, b, p.period, p.before, days, months);
	if (ok) {
		p.blocks = (uint64_t)nblocks;
		p.leaves = (uint64_t)nleaves;
		p.sum = sum_new();
		ch->prunes = realloc(ch->prunes,
		    (ch->nprunes + 1) * sizeof(p));
		if (ch->prunes == NULL)
			abort();
		ch->prunes[ch->nprunes++] = p;
	}
	json_decref(doc);
	return (ok);
}

static bool
baseline_read(struct chain *ch, const struct block *b)
{
	json_t *doc = json_loads(b->payload, JSON_REJECT_DUPLICATES, NULL);
	json_int_t bytes, entities, events, units;
	bool ok;

	ok = b->no == 1 && json_unpack_ex(doc, NULL, JSON_STRICT,
	    "{s:I,s:I,s:I,s:I}", "bytes", &bytes, "entities", &entities,
	    "events", &events, "units", &units) == 0;
	if (ok)
		ch->baseline = (struct baseline){ .there = true, .at = b->no,
			.events = (uint64_t)events,
			.entities = (uint64_t)entities,
			.bytes = (uint64_t)bytes, .units = (uint64_t)units };
	json_decref(doc);
	return (ok);
}

/* What the payload of a block says. */
static bool
payload_right(struct chain *ch, const struct block *b)
{
	unsigned char sum[HASH_LEN];

	if (b->kind == INGEST)
		return (true); /* rows.c */
	sha256_of(b->payload, strlen(b->payload), sum);
	if (memcmp(sum, b->payload_hash, HASH_LEN) != 0)
		return (false);
	switch (b->kind) {
	case DICT:
		return (names_add_block(ch->names, b->payload));
	case PRUNE:
		return (prune_read(ch, b));
	case BASELINE:
		return (baseline_read(ch, b));
	case CLOSE:
		return (close_read(ch, b));
	case CORRECT:
		return (correct_read(ch, b));
	default:
		return (false); /* nobody knows what it would say */
	}
}

static void
digests_at(struct chain *ch, const struct block *b, struct say *s)
{
	for (size_t i = 0; i < ch->ndigests; i++) {
		struct digest *d = &ch->digests[i];

		if (d->block != b->no)
			continue;
		d->seen = true;
		if (memcmp(d->hash, b->hash, HASH_LEN) != 0)
			say_tampered(s, "Block %llu ist nicht der, den der "
			    "Digest %s vom %s nennt", "block %llu is not the "
			    "one that the digest %s of %s names",
			    (unsigned long long)b->no, d->file, d->time);
	}
}

/* False: what follows would be measured against a broken link. */
static bool
block_check(struct chain *ch, const struct block *b, struct say *s)
{
	unsigned long long no = b->no, want = ch->blocks + 1;
	unsigned char hash[HASH_LEN];

	if (b->no != want) {
		say_tampered(s, "Block %llu fehlt (es folgt Block %llu)",
		    "block %llu is missing (block %llu comes next)", want, no);
		return (false);
	}
	if (memcmp(b->prev, ch->head, HASH_LEN) != 0)
		say_tampered(s, "Block %llu schließt nicht an Block %llu an",
		    "block %llu does not follow block %llu", no, no - 1);
	block_hash(b->no, b->prev, (uint16_t)b->kind, b->payload_hash, hash);
	if (memcmp(hash, b->hash, HASH_LEN) != 0)
		say_tampered(s, "Block %llu: sein Hash stimmt nicht",
		    "block %llu: its hash is wrong", no);
	else if (!payload_right(ch, b))
		say_tampered(s, "Block %llu: sein Inhalt stimmt nicht",
		    "block %llu: its content is wrong", no);
	digests_at(ch, b, s);
	if (ch->kept != NULL)
		kept_block(ch->kept, b, s);
	ch->blocks = b->no;
	memcpy(ch->head, b->hash, HASH_LEN);
	return (true);
}

bool
chain_check(struct chain *ch, struct source *src, struct say *s)
{
	enum csv_next got = CSV_BLIND;
	EVP_MD_CTX *sum = sum_new();
	struct csv c = { 0 };
	const char *bad;
	struct block b;

	ch->names = names_new();
	genesis_hash(ch->head);
	if (source_table(src, TABLE_BLOCKS, &c, s))
		while ((got = source_row(src, TABLE_BLOCKS, &c, s)) ==
		    CSV_ROW) {
			sum_row(sum, &c);
			bad = block_read(&c, &b);
			if (bad != NULL)
				say_tampered(s, "blocks, Zeile %llu (nach "
				    "Block %llu): %s hat keinen möglichen Wert",
				    "blocks, line %llu (after block %llu): %s "
				    "has no possible value",
				    (unsigned long long)c.line,
				    (unsigned long long)ch->blocks, bad);
			if (bad != NULL || !block_check(ch, &b, s))
				break;
		}
	source_done(src, TABLE_BLOCKS, &c);
	sum_end(sum, ch->bytes);
	EVP_MD_CTX_free(sum);
	ch->whole = got == CSV_END;
	for (size_t i = 0; ch->whole && i < ch->ndigests; i++)
		if (!ch->digests[i].seen)
			say_tampered(s, "die Kette endet mit Block %llu, der "
			    "Digest %s vom %s nennt schon Block %llu",
			    "the chain ends with block %llu, the digest %s of "
			    "%s already names block %llu",
			    (unsigned long long)ch->blocks,
			    ch->digests[i].file, ch->digests[i].time,
			    (unsigned long long)ch->digests[i].block);
	if (ch->whole && ch->kept != NULL)
		kept_end(ch->kept, ch->blocks, s);
	return (got != CSV_BLIND);
}

struct prune *
chain_pruned(struct chain *ch, const struct block *b)
{
	for (size_t i = 0; b->kind == INGEST && i < ch->nprunes; i++)
		if (ch->prunes[i].period == b->period &&
		    b->no < ch->prunes[i].at)
			return (&ch->prunes[i]);
	return (NULL);
}

void
chain_clear(struct chain *ch)
{
	for (size_t i = 0; i < ch->nprunes; i++)
		EVP_MD_CTX_free(ch->prunes[i].sum);
	for (size_t i = 0; i < ch->nfixed; i++) {
		EVP_MD_CTX_free(ch->fixed[i].days);
		EVP_MD_CTX_free(ch->fixed[i].months);
	}
	free(ch->fixed);
	evidence_clear(&ch->evidence);
	for (size_t i = 0; i < ch->ndigests; i++)
		free(ch->digests[i].file);
	kept_free(ch->kept);
	free(ch->prunes);
	free(ch->digests);
	names_free(ch->names);
	*ch = (struct chain){ 0 };
}
