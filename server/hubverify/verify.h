/* server/hubverify/verify.h - what the parts of hubverify share. This program checks
 * the ledger and therefore has nothing in common with the programs that write
 * it: no header and no function of theirs, only libc, libpq, libcrypto and
 * jansson. What is checked is written down in ledger.md, 5.1. */
#ifndef HUB_HUBVERIFY_VERIFY_H
#define HUB_HUBVERIFY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HASH_LEN 32
#define HEX_LEN	 (2 * HASH_LEN + 1)
#define LEAF_LEN 256

enum verdict { INTACT = 0, TAMPERED = 1, CANNOT_CHECK = 2 };

/* ---- say.c: sentences, German or English */

struct say {
	FILE *out, *err;
	bool german, quiet, all; /* all: every finding is printed */
	unsigned findings; /* what is not as it should be */
	bool blind;	   /* something could not be read */
	bool watched;	   /* err is a terminal: progress is shown */
	uint64_t rows;	   /* that were read */
	const char *table; /* of the last one */
	int64_t shown;	   /* ms; when that was told last */
	bool drawn;	   /* it stands there */
};
#define SAY_FORMAT                                                            \
	__attribute__((format(printf, 2, 4), format(printf, 3, 4)))
/* Something was changed. The first ones are printed, all are counted. */
void say_tampered(struct say *, const char *de, const char *en, ...)
    SAY_FORMAT;
/* Worth knowing, nothing wrong. */
void say_note(struct say *, const char *de, const char *en, ...) SAY_FORMAT;
/* It cannot be checked. */
void say_blind(struct say *, const char *de, const char *en, ...) SAY_FORMAT;
enum verdict say_verdict(const struct say *);
void say_progress_begin(struct say *);
/* Another row of this table was read: once a second who watches is told how
 * many, in a line that goes before anything else is said. */
void say_progress(struct say *, const char *table);
void say_progress_end(struct say *);

/* ---- hash.c: SHA-256, trees and blocks (RFC 9162, 2.1) */

void sha256_of(const void *, size_t, unsigned char out[HASH_LEN]);
void leaf_hash(const unsigned char *leaf, size_t, unsigned char out[HASH_LEN]);
/* The root over n leaf hashes, n > 0; by the standard's own recursion. */
void tree_root(const unsigned char (*leaves)[HASH_LEN], size_t n,
    unsigned char out[HASH_LEN]);
/* The path that proves leaf i (2.1.3.1), from the leaf upwards; the number of
 * hashes, at most 64. */
unsigned tree_path(const unsigned char (*leaves)[HASH_LEN], size_t n, size_t i,
    unsigned char path[][HASH_LEN]);
/* What root the path leads to (2.1.3.2); false: it is no path of leaf i of
 * n. */
bool path_root(const unsigned char hash[HASH_LEN], uint64_t i, uint64_t n,
    const unsigned char (*path)[HASH_LEN], unsigned npath,
    unsigned char out[HASH_LEN]);
void genesis_hash(unsigned char out[HASH_LEN]);
void block_hash(uint64_t no, const unsigned char prev[HASH_LEN], uint16_t kind,
    const unsigned char payload[HASH_LEN], unsigned char out[HASH_LEN]);
/* Lower case only; exactly n bytes. */
bool hex_read(const char *, unsigned char *, size_t n);
void hex_write(const unsigned char *, size_t n, char *out);

/* ---- text.c: strict readers of fields */

/* Digits without leading zeros, at most max. */
bool read_uint(const char *, uint64_t max, uint64_t *);
/* The same with a sign. */
bool read_int(const char *, int64_t *);
/* YYYY-MM-DD, days since 1970. */
bool read_date(const char *, int32_t *days);
bool read_uuid(const char *, unsigned char out[16]);
void date_of_days(int32_t days, int *year, unsigned *month, unsigned *day);
int32_t days_of_date(int year, unsigned month, unsigned day);
/* The German date of an instant (directive 2000/84/EC). */
int32_t german_day(int64_t us);

/* ---- csv.c: rows of a table, from a file or from COPY */

#define FIELDS_MAX  48
#define CSV_ROW_MAX ((size_t)64 << 20) /* a DICT block may be long */

struct csv {
	/* Gives the next bytes: 0 at the end, -1 cannot be read. */
	ptrdiff_t (*more)(void *from, const char **p);
	void *from;
	const char *chunk;
	size_t left;
	char *row;
	size_t len, cap;
	char *field[FIELDS_MAX]; /* NULL: no value */
	unsigned n;
	uint64_t line; /* of the file, the header is 1 */
};
enum csv_next { CSV_ROW, CSV_END, CSV_BAD, CSV_BLIND };
/* PostgreSQL's CSV as it writes it and in no other form. */
enum csv_next csv_next(struct csv *);
void csv_clear(struct csv *);

/* ---- source.c: where the tables come from */

enum table {
	TABLE_BLOCKS,
	TABLE_EVENTS,
	TABLE_DICTIONARY,
	TABLE_DAYS,
	TABLE_MONTHS,
	TABLE_CHECKPOINTS,
	TABLE_CONFLICTS,
	TABLE_JOURNAL,
	TABLE_RUNS,
	TABLE_SHARES,
	TABLE_DEFERRALS,
	TABLE_PROPOSALS,
	TABLE_CLOSES,
	TABLE_RETIRED,
	TABLE_ESTIMATES,
	TABLE_DIGESTS,
	TABLE_RECEIPTS,
	TABLE_RUN_DIGESTS,
	NTABLES
};
struct source;
/* One of both is not NULL. NULL: it was said why not. */
struct source *source_open(const char *dsn, const char *dir, struct say *);
void source_close(struct source *);
/* The only month that is there, as YYYY-MM; NULL: all. */
const char *source_month(const struct source *);
const char *table_name(enum table);
/* A table from its first row on; blocks and events can be open side by side.
 * False: it was said why not. */
bool source_table(struct source *, enum table, struct csv *, struct say *);
/* The next row; after CSV_BAD and CSV_BLIND it was said. */
enum csv_next source_row(struct source *, enum table, struct csv *,
    struct say *);
void source_done(struct source *, enum table, struct csv *);
/* The files are those that were exported. */
void source_files(struct source *, struct say *);

/* ---- row.c: events and blocks as the tables have them */

struct block {
	uint64_t no, kind, batch, node, boot, first, last, leaves;
	int32_t period; /* days since 1970 */
	unsigned char prev[HASH_LEN], payload_hash[HASH_LEN], hash[HASH_LEN];
	const char *payload; /* NULL: none; in the row */
};
/* Kinds of blocks. */
enum { INGEST = 1, CLOSE = 2, CORRECT = 3, PRUNE = 4, DICT = 5, BASELINE = 6 };
/* NULL, or the column that is not what it can be. */
const char *block_read(const struct csv *, struct block *);

struct event {
	uint64_t block, kind, leg, duration, status, decision, operation;
	uint64_t agreement, version, purpose, flags, entities;
	uint64_t bytes_out, bytes_in, units, types[4], ntypes, dataset;
	uint64_t use_case, upstream, queue, node, boot, seq, born, batch;
	int64_t at, pseudonym; /* us since 1970 */
	int32_t period, booked, day;
	const char *class, *consumer, *provider; /* in the row */
	unsigned char event[16], request[16], decision_id[16], policy[16];
	unsigned char rec_hash[HASH_LEN];
};
const char *event_read(const struct csv *, struct event *);
/* The leaf that the row stands for. NULL, or the column that contradicts the
 * others. */
const char *event_leaf(const struct event *, unsigned char leaf[LEAF_LEN]);

/* ---- names.c: the dictionary */

struct names;
struct names *names_new(void);
void names_free(struct names *);
/* A DICT block's payload. False: it is none. */
bool names_add_block(struct names *, const char *payload);
/* The table is what the blocks say. */
void names_check(struct names *, struct source *, struct say *);
/* "" where there is none. */
const char *names_find(const struct names *, uint64_t node, uint64_t born,
    uint64_t id);

/* ---- chain.c: order and hashes of blocks, digests */

struct digest {
	char *file; /* where it was read; NULL: in the ledger */
	uint64_t block;
	unsigned char hash[HASH_LEN];
	unsigned char sum[HASH_LEN]; /* of its text */
	char time[24];
	bool seen;
};
struct kept; /* kept.c */
struct prune {
	uint64_t at; /* its block */
	int32_t period, before;
	uint64_t blocks, leaves, seen_blocks, seen_leaves;
	unsigned char blocks_sum[HASH_LEN];
	struct evp_md_ctx_st *sum;
};
/* Of a CLOSE or PRUNE block: the roll-ups of a month that were booked before
 * another one, which never change again. */
struct fixed {
	uint64_t at; /* its block */
	int32_t period, before;
	unsigned char day_sum[HASH_LEN], month_sum[HASH_LEN];
	struct evp_md_ctx_st *days, *months;
};
/* What a block says of an entry, a calculation, a close and the like: which
 * it is, and its hash, by the rules of version 1 or 2. */
struct made {
	unsigned version, kind; /* evidence.c lists the kinds */
	char *id;
	uint64_t at;
	int32_t open; /* the first month that was open then; 0: unknown */
	bool closing; /* its block closes the month before that */
	unsigned char sum[HASH_LEN];
	bool seen;
};
/* How far a node had reported when a month was closed. */
struct reported {
	uint64_t at, node;
	int64_t us;
};
struct evidence {
	struct made *made;
	size_t nmade;
	struct reported *nodes;
	size_t nnodes;
	uint64_t conflicts; /* so many there were when a month was closed */
	uint64_t since; /* the first block of version 2; 0: none */
};
struct baseline {
	bool there;
	uint64_t at, events, entities, bytes, units;
	uint64_t seen[4];
};
struct chain {
	struct digest *digests; /* of the municipality */
	size_t ndigests;
	struct kept *kept; /* those of the ledger; NULL: not looked at */
	struct prune *prunes;
	size_t nprunes;
	struct fixed *fixed;
	size_t nfixed;
	struct evidence evidence;
	int32_t open; /* after the last month that is closed; 0: none is */
	struct baseline baseline;
	struct names *names;
	uint64_t blocks; /* the head's number */
	unsigned char head[HASH_LEN];
	bool whole; /* every block was read; their bytes: */
	unsigned char bytes[HASH_LEN];
};
/* False: the blocks could not be read, and it was said. */
bool chain_check(struct chain *, struct source *, struct say *);
void chain_clear(struct chain *);
/* That which took the rows of this block; NULL: they are there. */
struct prune *chain_pruned(struct chain *, const struct block *);

/* Texts of blocks, sums of roll-ups: a context for SHA-256, and its end. */
struct evp_md_ctx_st *sum_new(void);
void sum_add(struct evp_md_ctx_st *, const void *, size_t);
void sum_row(struct evp_md_ctx_st *, const struct csv *);
void sum_end(struct evp_md_ctx_st *, unsigned char out[HASH_LEN]);
bool sum_is(struct evp_md_ctx_st *, const unsigned char want[HASH_LEN]);

/* ---- journal.c: what the payloads of CLOSE and CORRECT blocks say. False:
 * it is none. */

bool close_read(struct chain *, const struct block *);
bool correct_read(struct chain *, const struct block *);
/* days, months: hashes of the roll-ups of period booked before a month
 * (chain.c). */
bool fixed_add(struct chain *, const struct block *, int32_t period,
    int32_t before, const char *days, const char *months);

/* ---- evidence.c: that against the tables */

struct json_t;
/* Version 1: [[ID,"HASH"],...] of one kind; version 2:
 * [["KIND","ID","HASH"],...]; each with what proto says of its block. False:
 * it is none. */
bool made_read_old(struct evidence *, const char *kind, const struct json_t *,
    const struct made *proto);
bool made_read(struct evidence *, const struct json_t *,
    const struct made *proto);
/* Block at has made this. */
bool made_by(const struct evidence *, uint64_t at, const char *kind,
    const char *id);
void evidence_check(struct chain *, struct source *, struct say *);
/* After that. What says first that this calculation was made; NULL: nothing. */
const struct made *run_made(const struct evidence *, uint64_t id);
void evidence_clear(struct evidence *);

/* ---- books.c: what calculations and entries come to (shares.h) */

/* usage NULL: the roll-ups could not be read. After evidence_check(). */
struct usage; /* usage.c */
void books_check(struct chain *, struct source *, struct usage *,
    struct say *);

/* ---- digest.c */

struct evp_pkey_st *key_read(const char *file, struct say *);
/* The text of a digest; NULL, or what is wrong with it (two languages). Where
 * it has not the form of one, *d_r is not changed. key NULL: the form only. */
struct digest_fault {
	const char *de, *en;
	bool other_key; /* who signed it cannot be checked with this one */
};
const struct digest_fault *digest_read(const char *text, size_t,
    struct evp_pkey_st *, struct digest *);
/* Reads a file. False: it was said why not. */
bool digest_load(const char *file, struct evp_pkey_st *, struct digest *,
    struct say *);

/* ---- kept.c: digests in the ledger, and what was said of them */

/* Before chain_check(), which compares them with its blocks. key may be
 * NULL. */
struct kept *kept_read(struct source *, struct evp_pkey_st *key, struct say *);
void kept_free(struct kept *);
/* Each block in order; then the head of a chain that was read whole. */
void kept_block(struct kept *, const struct block *, struct say *);
void kept_end(struct kept *, uint64_t head, struct say *);
/* After evidence_check(): the municipality's digests are among them, receipts
 * are of one of them, and calculations came after the one they note. */
void kept_check(const struct kept *, const struct chain *, struct source *,
    struct say *);

/* ---- usage.c: what rows of usage_day say was used, for shares */

struct usage *usage_new(void);
void usage_free(struct usage *);
void usage_add(struct usage *, const struct csv *row);
/* Of events with units: what a meter counts. */
enum { USAGE_UNITS, USAGE_ACCESSES, USAGE_ENTITIES, USAGE_KIB, NUSAGE };
struct usage_event {
	const char *class, *consumer, *provider;
	int32_t booked, day;
	uint64_t n[NUSAGE];
};
void usage_add_event(struct usage *, const struct usage_event *);

/* ---- rolls.c: the sums of events against the roll-ups */

struct rolls;
struct rolls *rolls_new(void);
void rolls_free(struct rolls *);
void rolls_add(struct rolls *, const struct event *);
/* The rows by day are kept in usage, unless that is NULL. */
void rolls_check(struct rolls *, struct chain *, struct source *,
    struct usage *, struct say *);

/* ---- rows.c: roots from rows; proof.c: what proves one of them */

struct proof;
struct rows_seen {
	uint64_t rows, blocks, pruned, absent; /* the last three: blocks */
};
/* proof may be NULL. False: not all could be read, and it was said. */
bool rows_check(struct chain *, struct source *, struct rolls *,
    struct proof *, struct rows_seen *, struct say *);

struct proof *proof_new(const unsigned char request[16],
    const struct digest *digests, size_t n);
void proof_free(struct proof *);
/* Leaf i of the block that comes next. */
void proof_leaf(struct proof *, const struct event *,
    const unsigned char leaf[LEAF_LEN], size_t i);
/* Every block, in order; leaves NULL: of no interest. */
void proof_block(struct proof *, const struct block *,
    const unsigned char (*leaves)[HASH_LEN], size_t n);
/* JSON on out; false: no row has this request. */
bool proof_write(const struct proof *, FILE *out);
/* A proof of a file, with digests or without. */
void proof_check(const char *file, struct chain *, struct say *);
/* The text of one; for proof_check, and for tests. */
void proof_check_text(const char *text, size_t, struct chain *, struct say *);

#endif
