/* server/ledger/loader_chain.c - the blocks of a batch, in its transaction:
 * one for each service period that rows were inserted of. Mostly that is one;
 * a month that is pruned later then takes whole blocks with it. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "server/ledger/loader_priv.h"
#include "sql/db.h"

/* PostgreSQL's days begin in 2000, those of leaves in 1970. */
#define PG_EPOCH_DAYS 10957

/* Rows to leaves: the bytes of the record as its row has it. */
void
rows_leaf(struct rows *rs, const struct record *as_read,
    const struct roll_key *k, uint64_t units, uint32_t born,
    const unsigned char *rec_hash)
{
	struct row_leaf *to = &rs->leaves[rs->n];
	unsigned char leaf[RECORD_LEN];
	struct record r = *as_read;
	struct chain_extra extra = {
		.dict_born = born,
		.service_day = rs->today + PG_EPOCH_DAYS,
		.booked_period = rows_booked(rs) + PG_EPOCH_DAYS,
		.units = units > INT64_MAX ? INT64_MAX : units,
		.rec_hash = rec_hash,
	};

	r.seq = r.seq > INT64_MAX ? INT64_MAX : r.seq;
	r.start = record_time_clamped(&r);
	r.bytes_out = r.bytes_out > INT64_MAX ? INT64_MAX : r.bytes_out;
	r.bytes_in = r.bytes_in > INT64_MAX ? INT64_MAX : r.bytes_in;
	memcpy(r.consumer_ags, k->consumer, sizeof(r.consumer_ags));
	memcpy(r.provider_ags, k->provider, sizeof(r.provider_ags));
	chain_leaf(&r, &extra, leaf);
	chain_leaf_hash(rs->hash, leaf, to->hash);
	to->seq = r.seq;
	to->year = k->year;
	to->month = k->month;
	to->done = false;
}

/* Leaves of rows that were there before are no leaves of these blocks. */
static enum hub_err
leaves_sift(struct loader *l)
{
	struct rows *rs = &l->rows;
	enum hub_err err;
	PGresult *res = NULL;
	const char *bits;

	err = db_exec(l->db, "SELECT ledger.stage_inserted()", 0, NULL, &res);
	if (err != HUB_OK)
		return (err);
	bits = PQntuples(res) == 1 ? PQgetvalue(res, 0, 0) : "";
	if (strlen(bits) != rs->n || strspn(bits, "01") != rs->n)
		err = HUB_EIO;
	for (unsigned i = 0; err == HUB_OK && i < rs->n; i++)
		rs->leaves[i].done = bits[i] == '0';
	PQclear(res);
	return (err);
}

static enum hub_err
block_insert(struct loader *l, uint32_t boot, const struct row_leaf *first,
    const struct row_leaf *last, const struct chain_tree *tree)
{
	unsigned char root[SHA256_LEN];
	char text[7][24], hex[2 + 2 * SHA256_LEN + 1] = "\\x";
	const char *params[8];

	chain_tree_root(tree, root);
	hex_encode(root, sizeof(root), hex + 2);
	(void)snprintf(text[0], 24, "%u", (unsigned)spool_node(l->spool));
	(void)snprintf(text[1], 24, "%" PRIu32, boot);
	(void)snprintf(text[2], 24, "%" PRIu64, l->rows.batch);
	(void)snprintf(text[3], 24, "%04u-%02u-01", first->year,
	    first->month);
	(void)snprintf(text[4], 24, "%" PRIu64, first->seq);
	(void)snprintf(text[5], 24, "%" PRIu64, last->seq);
	(void)snprintf(text[6], 24, "%" PRIu32, tree->n);
	for (size_t i = 0; i < 7; i++)
		params[i] = text[i];
	params[7] = hex;
	return (db_exec(l->db, "SELECT ledger.block_ingest($1::int, "
	    "$2::bigint, $3::bigint, $4::date, $5::bigint, $6::bigint, "
	    "$7::int, $8::bytea)", 8, params, NULL));
}

static enum hub_err
ids_block(struct loader *l, uint32_t to)
{
	const uint64_t in[] = { spool_node(l->spool), l->born, l->ids_sent + 1,
		to };

	if (to <= l->ids_sent)
		return (HUB_OK);
	return (loader_numbers(l->db, "SELECT ledger.block_dict($1::int, "
	    "$2::bigint, $3::bigint, $4::bigint)", 4, in, NULL, 0, NULL));
}

enum hub_err
loader_blocks(struct loader *l, uint32_t boot, uint32_t ids)
{
	struct rows *rs = &l->rows;
	enum hub_err err = HUB_OK;
	struct chain_tree tree;

	if (rs->n > 0 && l->careful)
		err = leaves_sift(l);
	for (unsigned i = 0; err == HUB_OK && i < rs->n; i++) {
		struct row_leaf *first = &rs->leaves[i], *last = first;

		if (first->done)
			continue;
		chain_tree_init(&tree, rs->hash);
		for (unsigned j = i; j < rs->n; j++) {
			struct row_leaf *leaf = &rs->leaves[j];

			if (leaf->done || leaf->year != first->year ||
			    leaf->month != first->month)
				continue;
			chain_tree_add(&tree, leaf->hash);
			leaf->done = true;
			last = leaf;
		}
		err = block_insert(l, boot, first, last, &tree);
	}
	if (err == HUB_OK)
		err = ids_block(l, ids);
	/* The batch may be tried again, carefully. */
	for (unsigned i = 0; err != HUB_OK && i < rs->n; i++)
		rs->leaves[i].done = false;
	return (err);
}
