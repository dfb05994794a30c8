/* server/ledger/chain.h - the chain over the ledger (ledger.md §5.1): what a
 * leaf is, the root of a batch, the kinds of blocks. The one place where the
 * kinds are listed; sql/schema/0011_chain.sql has the other half, and
 * hubverify(1) is written without any of it. Pure. */
#ifndef HUB_LEDGER_CHAIN_H
#define HUB_LEDGER_CHAIN_H

#include "server/ledger/record.h"

/* INGEST: payload_hash is the root of its leaves. Every other kind has a
 * payload, canonical JSON, and payload_hash is its SHA-256. */
enum chain_kind {
	CHAIN_INGEST = 1,  /* rows of one batch and one service period */
	CHAIN_CLOSE = 2,   /* a period is closed: "period", roll-ups, who, what
			    * was made, how far the nodes were */
	CHAIN_CORRECT = 3, /* what is made outside a close */
	CHAIN_PRUNE = 4,   /* the rows of a period are gone, the roots stay */
	CHAIN_DICT = 5,	   /* texts that numbers stand for */
	CHAIN_BASELINE = 6 /* what was there before the chain */
};

/* What the loader adds to a record when it becomes a row. Days since
 * 1970-01-01. */
struct chain_extra {
	uint32_t dict_born;
	int32_t service_day, booked_period;
	uint64_t units;
	const unsigned char *rec_hash; /* SHA256_LEN bytes */
};

/* A leaf: the record as the row holds it (what loader_row.c makes fit is in
 * it as it was made to fit), with
 *	4	zero: the crc says nothing beside a hash
 *	200	dict_born u32, service_day i32, booked_period i32, zero u32,
 *		units u64, rec_hash
 * so that every column of ledger.event is under the hash, or follows from
 * what is: class from kind, service_period from service_day; batch and
 * service_period name the block. */
void chain_leaf(const struct record *, const struct chain_extra *,
    unsigned char leaf[RECORD_LEN]);

/* RFC 9162, 2.1.1: SHA-256(00 || leaf), SHA-256(01 || left || right). */
struct chain_tree {
	struct evp_md_ctx_st *hash; /* borrowed, made ready for SHA-256 */
	uint32_t n;
	unsigned char peaks[32][SHA256_LEN];
};
void chain_leaf_hash(struct evp_md_ctx_st *,
    const unsigned char leaf[RECORD_LEN], unsigned char out[SHA256_LEN]);
void chain_tree_init(struct chain_tree *, struct evp_md_ctx_st *);
void chain_tree_add(struct chain_tree *, const unsigned char leaf_hash[]);
/* At least one leaf must be in it. */
void chain_tree_root(const struct chain_tree *, unsigned char out[SHA256_LEN]);

#endif
