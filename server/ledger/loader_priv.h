/* server/ledger/loader_priv.h - the loader's state, and a batch of records as
 * rows of ledger.event and as what they add to the roll-ups; for loader*.c
 * only. */
#ifndef HUB_LEDGER_LOADER_PRIV_H
#define HUB_LEDGER_LOADER_PRIV_H

#include <pthread.h>

#include "server/ledger/chain.h"
#include "server/ledger/loader.h"

struct db;

/* The table's columns in the order that rows_add writes them. */
#define ROW_COLUMNS                                                           \
	"service_period,event_id,leg,booked_period,service_day,class,kind,"   \
	"ts,duration_us,http_status,decision,operation,consumer,provider,"    \
	"agreement,agreement_version,purpose,flags,entities,bytes_out,"       \
	"bytes_in,units,request_id,decision_id,policy_hash,type1,type2,"      \
	"type3,type4,ntypes,user_pseudonym,dataset,use_case,upstream_us,"     \
	"queue_us,rec_hash,node_id,boot_epoch,seq,dict_born,batch"

/* Of one batch. What a batch costs the database beside its rows (two rows of
 * the roll-ups for each sum, a block, a commit) is as much as some thousand of
 * them are. */
#define ROWS_MAX 32768
#define AGS_LEN	 8
#define ROLL_HIST 10

enum row_class { ROW_ACCESS, ROW_LEG, ROW_ESTIMATE };
extern const char *const row_class_names[];

/* What one sum of the roll-ups is of, every byte of it. */
struct roll_key {
	uint32_t agreement, purpose, dataset, types[4]; /* dictionary ids */
	uint16_t year;
	uint8_t month, day; /* in German time */
	char consumer[AGS_LEN], provider[AGS_LEN];
	uint8_t class, operation, more; /* more: than four types */
	uint8_t zero;
};

struct roll {
	struct roll_key key;
	uint64_t requests, denied, entities, bytes, units;
	uint64_t hist[ROLL_HIST];
};

/* What comes for a month that is closed is booked in this one; all 0: none is
 * closed. */
struct month_open {
	int32_t days; /* of its first day since 2000-01-01 */
	uint16_t year;
	uint8_t month;
};

/* The sums of a batch; embedded in struct rows. */
struct rolls {
	struct roll *sums;
	uint16_t *slots; /* open addressing: index + 1 or 0 */
	unsigned n, cap;
};

void rolls_init(struct rolls *);
void rolls_clear(struct rolls *);
void rolls_reset(struct rolls *);
/* r's counts go to the sum of its key. */
void rolls_add(struct rolls *, const struct roll_key *,
    const struct record *r, uint64_t units);
/* The JSON array that ledger.roll_up takes. */
void rolls_json(const struct rolls *, const struct month_open *, uint16_t node,
    uint32_t born, struct buf *);

/* ---- loader_use.c */

/* A record has two at most: a person, and that it was cut off. */
#define USES_MAX (2 * ROWS_MAX)

enum use_kind { USE_DOWNLOAD, USE_PERSON, USE_CUT };

/* Every byte of it; of a person or what was cut off, day is 1. */
struct use_key {
	uint64_t person;
	struct uuid request;
	uint32_t dataset; /* dictionary id */
	uint16_t year;
	uint8_t month, day; /* in German time */
	char consumer[AGS_LEN], provider[AGS_LEN];
	uint8_t kind; /* enum use_kind */
	uint8_t zero[7];
};

struct use {
	struct use_key key;
	uint32_t n;
};

/* Of a batch; embedded in struct rows. */
struct uses {
	struct use *v;
	uint32_t *slots; /* open addressing: index + 1 or 0; NULL: none yet */
	uint32_t n, cap;
};

void uses_init(struct uses *);
void uses_clear(struct uses *);
void uses_reset(struct uses *);
void uses_add(struct uses *, const struct roll_key *, const struct record *);
/* The JSON array that ledger.indicate takes. */
void uses_json(const struct uses *, uint16_t node, uint32_t born,
    struct buf *);

/* A row as a leaf of its block (loader_chain.c). */
struct row_leaf {
	uint64_t seq;
	uint16_t year;
	uint8_t month; /* of the service period */
	bool done;     /* in a block, or of none of this batch */
	unsigned char hash[SHA256_LEN];
};

/* A batch on its way, used again for the next one. */
struct rows {
	struct buf copy; /* COPY (FORMAT binary) */
	struct rolls rolls;
	struct uses uses;
	unsigned n;	 /* rows */
	int32_t one_period; /* of all of them; -1: they differ */
	uint64_t batch;	 /* names the batch: 63 random bits */
	struct row_leaf *leaves; /* ROWS_MAX */
	struct evp_md_st *sha256;
	struct evp_md_ctx_st *hash;
	int64_t hour;	 /* since 1970, of which the next four are */
	int32_t period, today; /* days since 2000-01-01 */
	uint16_t year;
	uint8_t month, day;
	struct month_open open; /* of the session */
};

/* The booked period of the row at hand, days since 2000-01-01. */
int32_t rows_booked(const struct rows *);
void rows_init(struct rows *);
void rows_clear(struct rows *);
void rows_begin(struct rows *);
/* raw: the record as read; born: of the spool's dictionary. At most ROWS_MAX.
 * A kind that is no row adds nothing (TICK, DICT, and OPEN, whose CLOSE or
 * ABORT counts). */
void rows_add(struct rows *, const struct record *,
    const unsigned char raw[RECORD_LEN], uint32_t born);
void rows_end(struct rows *);

/* Thousandths of a usage unit, rounded up per record (ledger.md §3, §10a). */
uint64_t record_units(const struct record *);
/* Within what both calendars here and PostgreSQL take. */
struct wall_us record_time_clamped(const struct record *);

struct loader {
	struct spool *spool;
	char *conninfo;
	pthread_t thread;

	/* The thread's own. */
	struct db *db; /* NULL: not connected */
	struct spool_pos pos;
	struct spool_pos committed; /* by this process */
	uint64_t expected;  /* next_seq in the database for pos.boot_epoch */
	uint32_t ids_sent;  /* of the dictionary, committed */
	uint32_t born;	    /* what the database knows the dictionary by */
	struct wall_us partitions_at;
	int64_t looked_at;  /* monotonic; 0: not in this session */
	uint64_t alarms[3]; /* missing, conflict, outside: as last said */
	int month_from; /* earliest made sure of: year * 12 + month */
	int32_t leaf_of; /* a period, or INT32_MIN, of which ... */
	bool leaf;	 /* ... rows go straight into their partition */
	unsigned char *raw;
	struct rows rows;
	struct buf rolled;
	bool careful; /* events were there already: look at each */
	bool staged;  /* the session has its stage */

	pthread_mutex_t lock; /* everything below */
	pthread_cond_t wake;
	pthread_cond_t gone;
	struct db *open; /* db, for loader_stop to interrupt */
	struct loader_stats stats;
	bool stop, hurry, ended;
};

/* ---- loader_chain.c */

/* The leaf of the row that is next in rs. */
void rows_leaf(struct rows *, const struct record *, const struct roll_key *,
    uint64_t units, uint32_t born, const unsigned char *rec_hash);
/* Blocks of what this transaction has inserted: the rows, and the texts of
 * ids up to this one. Comes last, so that nobody waits for the lock that they
 * take and holds it already. */
enum hub_err loader_blocks(struct loader *, uint32_t boot, uint32_t ids)
    HUB_MUST_CHECK;

/* ---- loader_watch.c */

/* HUB_ECONFLICT: another hub loads as this node. */
enum hub_err loader_node_take(struct loader *) HUB_MUST_CHECK;
/* Now and then: the database's clock, and what it knows to be wrong. */
enum hub_err loader_look(struct loader *) HUB_MUST_CHECK;

/* ---- loader_batch.c */

/* The next batch from l->pos on. HUB_OK and *n_r 0: nothing is left. After an
 * error the session is of no use any more. */
enum hub_err loader_batch(struct loader *, unsigned *n_r) HUB_MUST_CHECK;
/* What the database has of the dictionary. A directory restored from a backup
 * gives numbers again that later texts had: then this boot's number is the
 * birth of another dictionary, whose texts are all sent. */
enum hub_err loader_ids_known(struct loader *) HUB_MUST_CHECK;
/* A statement whose parameters are numbers, and a text behind them if last is
 * not NULL; one row of numbers comes back. */
enum hub_err loader_numbers(struct db *, const char *sql, int n,
    const uint64_t *in, const char *last, int nout, uint64_t *out)
    HUB_MUST_CHECK;

#endif
