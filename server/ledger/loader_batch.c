/* server/ledger/loader_batch.c - one batch of the spool in one transaction;
 * sql/schema/0003_ledger.sql has the other half (ledger.ingest_new and
 * ledger.ingest). */
#include <inttypes.h>
#include <stdio.h>

#include "server/base/log.h"
#include "server/ledger/loader_priv.h"
#include "server/ledger/spool_priv.h"
#include "sql/db.h"

/* Each message of a COPY is in memory whole, at both ends. */
#define COPY_PART ((size_t)64 << 10)

/* One batch on its way. */
struct batch {
	struct spool_pos to; /* behind it */
	uint64_t first;
	unsigned n;
	struct wall_us oldest, newest;
};

/* What became of it. */
struct outcome {
	uint64_t next_seq, inserted, conflicts;
};

enum hub_err
loader_numbers(struct db *db, const char *sql, int n, const uint64_t *in,
    const char *last, int nout, uint64_t *out)
{
	char text[8][24];
	const char *params[9];
	PGresult *res = NULL;
	enum hub_err err;

	assert(n <= 8);
	for (int i = 0; i < n; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%" PRIu64, in[i]);
		params[i] = text[i];
	}
	params[n] = last;
	err = db_exec(db, sql, last != NULL ? n + 1 : n, params, &res);
	if (err != HUB_OK)
		return (err);
	if (PQntuples(res) != 1 || PQnfields(res) < nout)
		err = HUB_ENOENT;
	for (int i = 0; err == HUB_OK && i < nout; i++)
		err = str_uint(str_of(PQgetvalue(res, 0, i)), INT64_MAX,
		    &out[i]);
	PQclear(res);
	return (err);
}

/* Partitions for the batch and for three months ahead; asked for when the
 * batch goes further back than before, and every six hours. */
static enum hub_err
partitions_ensure(struct loader *l, const struct batch *b)
{
	struct wall_us now = clock_wall();
	const char *params[1];
	char from[16];
	enum hub_err err;
	int y, m, d;

	wall_berlin_date(b->oldest, &y, &m, &d);
	if (y * 12 + m >= l->month_from &&
	    now.us - l->partitions_at.us < WALL_DAY_US / 4)
		return (HUB_OK);
	(void)snprintf(from, sizeof(from), "%04u-%02u-01", (unsigned)y % 10000,
	    (unsigned)m % 100);
	params[0] = from;
	err = db_exec(l->db, "SELECT ledger.ensure_partitions($1)", 1, params,
	    NULL);
	if (err == HUB_OK) {
		l->month_from = y * 12 + m < l->month_from ? y * 12 + m
							   : l->month_from;
		l->partitions_at = now;
	}
	return (err);
}

/* Rows of one month, which has a partition of its own, need not be told apart
 * by the database; asked once in a session, and again for another month. */
static enum hub_err
leaf_find(struct loader *l)
{
	const struct rows *rs = &l->rows;
	const char *params[1];
	PGresult *res = NULL;
	enum hub_err err;
	char month[16];

	if (rs->n == 0 || rs->one_period == -1 || rs->one_period == l->leaf_of)
		return (HUB_OK);
	(void)snprintf(month, sizeof(month), "%04u-%02u-01", rs->year,
	    rs->month);
	params[0] = month;
	err = db_exec(l->db, "SELECT ledger.event_leaf($1)", 1, params, &res);
	if (err != HUB_OK)
		return (err);
	l->leaf = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
	l->leaf_of = rs->one_period;
	PQclear(res);
	return (HUB_OK);
}

/* ---- the dictionary */

static const char *const kind_names[] = { "agreement", "purpose", "dataset",
	"type" };

/* Is row i of the dictionary in the database, id i + 1, the one we have? A
 * text that the disk lost may be any. */
static bool
id_same(struct loader *l, const PGresult *res, int i)
{
	enum spool_dict kind = DICT_TYPE;
	struct str text = STR_NONE;
	uint64_t id;

	return (str_uint(str_of(PQgetvalue(res, i, 0)), UINT32_MAX, &id) ==
		HUB_OK && id == (uint64_t)i + 1 &&
	    spool_dict_text(l->spool, (uint32_t)id, &kind, &text) &&
	    (text.len == 0 ||
		(str_eq(text, str_of(PQgetvalue(res, i, 2))) &&
		    strcmp(kind_names[kind], PQgetvalue(res, i, 1)) == 0)));
}

enum hub_err
loader_ids_known(struct loader *l)
{
	char node[8], born[16];
	const char *params[] = { node, born };
	PGresult *res = NULL;
	enum hub_err err;
	int n = 0, same;

	(void)snprintf(node, sizeof(node), "%u",
	    (unsigned)spool_node(l->spool));
	(void)snprintf(born, sizeof(born), "%" PRIu32, l->born);
	err = db_exec(l->db,
	    "SELECT id, kind, text FROM ledger.dictionary "
	    "WHERE node_id = $1 AND born = $2 ORDER BY id", 2, params, &res);
	if (err != HUB_OK)
		return (err);
	for (same = 0, n = PQntuples(res); same < n; same++)
		if (!id_same(l, res, same))
			break;
	PQclear(res);
	l->ids_sent = (uint32_t)same;
	if (same == n || l->born == l->spool->boot)
		return (HUB_OK);
	log_warn("the spool's dictionary is not the one in the database, "
		 "going on under another birth",
	    "born=%" PRIu32 " boot=%" PRIu32 " same=%d of=%d", l->born,
	    l->spool->boot, same, n);
	l->born = l->spool->boot;
	return (loader_ids_known(l));
}

/* The texts of ids that records may use from now on. They are durable in the
 * spool's dictionary before any record that has them. */
static enum hub_err
ids_insert(struct loader *l, uint32_t to)
{
	char node[8], born[16], id[16], text[DICT_TEXT_MAX + 1];
	const char *params[] = { node, born, id, NULL, text };
	enum spool_dict kind = DICT_TYPE;
	enum hub_err err = HUB_OK;
	struct str s;

	(void)snprintf(node, sizeof(node), "%u",
	    (unsigned)spool_node(l->spool));
	(void)snprintf(born, sizeof(born), "%" PRIu32, l->born);
	for (uint32_t i = l->ids_sent + 1; err == HUB_OK && i <= to; i++) {
		if (!spool_dict_text(l->spool, i, &kind, &s))
			assert(!"a durable id");
		(void)snprintf(id, sizeof(id), "%" PRIu32, i);
		(void)snprintf(text, sizeof(text), "%.*s", STR_FMT(s));
		params[3] = kind_names[kind];
		err = db_exec(l->db,
		    "INSERT INTO ledger.dictionary (node_id, born, id, kind, "
		    "text) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
		    5, params, NULL);
	}
	return (err);
}

/* ---- one batch */

/* Turns the raw slots into rows and sums. */
static void
batch_encode(struct loader *l, struct batch *b)
{
	struct record r;

	rows_begin(&l->rows);
	b->oldest = (struct wall_us){ INT64_MAX };
	b->newest = (struct wall_us){ 0 };
	for (unsigned i = 0; i < b->n; i++) {
		const unsigned char *slot = l->raw + (size_t)i * RECORD_LEN;
		struct wall_us at;

		if (record_decode(slot, &r) != HUB_OK)
			assert(!"spool_read gives valid records");
		at = record_time_clamped(&r);
		b->oldest = at.us < b->oldest.us ? at : b->oldest;
		b->newest = at.us > b->newest.us ? at : b->newest;
		rows_add(&l->rows, &r, slot, l->born);
	}
	rows_end(&l->rows);
}

/* The end of a COPY. HUB_EEXIST: an event is there already. */
static enum hub_err
copy_result(struct db *db, unsigned rows)
{
	enum hub_err err = HUB_OK;
	const char *state;
	PGresult *res;
	uint64_t n;

	while ((res = PQgetResult(db_conn(db))) != NULL) {
		if (PQresultStatus(res) == PGRES_COMMAND_OK) {
			if (str_uint(str_of(PQcmdTuples(res)), ROWS_MAX, &n) !=
				HUB_OK || n != rows)
				err = HUB_EIO;
			PQclear(res);
			continue;
		}
		err = db_failed(db, res);
		state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
		if (state != NULL && strcmp(state, "23505") == 0) {
			err = HUB_EEXIST; /* unique_violation */
		} else if (state != NULL && strcmp(state, "23514") == 0) {
			err = HUB_ECONFLICT; /* check_violation */
			log_info("a month was closed meanwhile", NULL);
		} else {
			log_err("the ledger refused a batch",
			    "reason=\"%s\"", db_why(db));
		}
		PQclear(res);
	}
	return (err);
}

static enum hub_err
batch_copy(struct loader *l, const char *sql)
{
	PGconn *pg = db_conn(l->db);
	size_t len = l->rows.copy.len, n;
	PGresult *res;
	enum hub_err err = HUB_OK;
	bool ok = true;

	if (l->rows.n == 0)
		return (HUB_OK);
	res = PQexec(pg, sql);
	if (PQresultStatus(res) != PGRES_COPY_IN)
		err = db_failed(l->db, res);
	PQclear(res);
	if (err != HUB_OK)
		return (err);
	for (size_t at = 0; ok && at < len; at += n) {
		n = len - at < COPY_PART ? len - at : COPY_PART;
		ok = PQputCopyData(pg, l->rows.copy.p + at, (int)n) == 1;
	}
	if (!ok || PQputCopyEnd(pg, NULL) != 1)
		return (db_failed(l->db, NULL));
	return (copy_result(l->db, l->rows.n));
}

/* A function of the database with the batch's place, and perhaps its sums. */
static enum hub_err
batch_ingest(struct loader *l, const struct batch *b, const char *sql,
    const char *rolled, int nout, struct outcome *out)
{
	/* Whole microseconds since 1970: no floating point in between. */
	const uint64_t in[] = { spool_node(l->spool), b->to.boot_epoch,
		b->to.segment, l->expected, b->first, b->to.next_seq,
		(uint64_t)b->newest.us };
	uint64_t numbers[3] = { 0 };
	enum hub_err err;

	err = loader_numbers(l->db, sql, 7, in, rolled, nout, numbers);
	if (err == HUB_OK)
		*out = (struct outcome){ numbers[0], numbers[1], numbers[2] };
	return (err);
}

#define INGEST_PARAMS                                                         \
	"($1::int, $2::bigint, $3::bigint, $4::bigint, $5::bigint, "          \
	"$6::bigint, timestamptz 'epoch' + $7::bigint * interval "            \
	"'1 microsecond'"

/* All its events are new, or HUB_EEXIST. */
static enum hub_err
batch_new(struct loader *l, const struct batch *b, struct outcome *out)
{
	const struct rows *rs = &l->rows;
	char sql[sizeof(ROW_COLUMNS) + 80], leaf[16] = "";
	enum hub_err err = HUB_OK;

	if (l->leaf && l->leaf_of == rs->one_period) {
		(void)snprintf(leaf, sizeof(leaf), "_%04u%02u", rs->year,
		    rs->month);
		/* Before its partition, as those do who close or prune. */
		err = db_exec(l->db,
		    "LOCK TABLE ONLY ledger.event IN ROW EXCLUSIVE MODE", 0,
		    NULL, NULL);
	}
	(void)snprintf(sql, sizeof(sql), "COPY ledger.event%s (" ROW_COLUMNS
	    ") FROM STDIN (FORMAT binary)", leaf);
	if (err == HUB_OK)
		err = batch_copy(l, sql);
	if (err != HUB_OK)
		return (err);
	buf_reset(&l->rolled);
	rolls_json(&l->rows.rolls, &l->rows.open, spool_node(l->spool),
	    l->born, &l->rolled);
	assert(!l->rolled.failed);
	err = batch_ingest(l, b,
	    "SELECT ledger.ingest_new" INGEST_PARAMS ", $8::json)",
	    buf_cstr(&l->rolled), 1, out);
	out->inserted = l->rows.n;
	return (err);
}

/* Any of its events may be there. */
static enum hub_err
batch_again(struct loader *l, const struct batch *b, struct outcome *out)
{
	enum hub_err err;

	err = batch_copy(l,
	    "COPY pg_temp.stage (" ROW_COLUMNS ") FROM STDIN (FORMAT binary)");
	if (err != HUB_OK)
		return (err);
	return (batch_ingest(l, b,
	    "SELECT next_seq, inserted, conflicts FROM "
	    "ledger.ingest" INGEST_PARAMS ")",
	    NULL, 3, out));
}

/* What the batch says for the indicators: of its events that are new. */
static enum hub_err
batch_indicate(struct loader *l)
{
	const char *params[1];

	if (l->rows.uses.n == 0)
		return (HUB_OK);
	if (l->careful)
		return (db_exec(l->db, "SELECT ledger.indicate_stage()", 0,
		    NULL, NULL));
	buf_reset(&l->rolled);
	uses_json(&l->rows.uses, spool_node(l->spool), l->born, &l->rolled);
	assert(!l->rolled.failed);
	params[0] = buf_cstr(&l->rolled);
	return (db_exec(l->db, "SELECT ledger.indicate($1::json)", 1, params,
	    NULL));
}

/* The database's position in another boot than the last batch was of. */
static enum hub_err
expected_read(struct loader *l, uint32_t boot)
{
	const uint64_t in[] = { spool_node(l->spool), boot };
	enum hub_err err;

	err = loader_numbers(l->db,
	    "SELECT next_seq FROM ledger.spool_checkpoint "
	    "WHERE node_id = $1 AND boot_epoch = $2", 2, in, NULL, 1,
	    &l->expected);
	if (err == HUB_ENOENT) {
		l->expected = 1;
		err = HUB_OK;
	}
	return (err);
}

static enum hub_err
batch_transaction(struct loader *l, const struct batch *b, struct outcome *out)
{
	uint32_t ids = spool_dict_durable(l->spool);
	enum hub_err err;

	if (l->careful && !l->staged) {
		err = db_exec(l->db, "SELECT ledger.stage_new()", 0, NULL,
		    NULL);
		if (err != HUB_OK)
			return (err);
		l->staged = true;
	}
	err = db_begin(l->db);
	if (err == HUB_OK)
		err = ids_insert(l, ids);
	if (err == HUB_OK)
		err = l->careful ? batch_again(l, b, out)
				 : batch_new(l, b, out);
	if (err == HUB_OK)
		err = batch_indicate(l);
	if (err == HUB_OK)
		err = loader_blocks(l, b->to.boot_epoch, ids);
	if (err == HUB_OK)
		err = db_commit(l->db);
	if (err == HUB_OK)
		l->ids_sent = ids;
	return (err);
}

/* Once in one transaction; carefully when an event turns out to be there (the
 * checkpoint was lost, or came back from a backup), and as long as there are
 * such. */
static enum hub_err
batch_store(struct loader *l, const struct batch *b, struct outcome *out)
{
	enum hub_err err = HUB_OK;

	if (b->to.boot_epoch != l->pos.boot_epoch || l->expected == 0)
		err = expected_read(l, b->to.boot_epoch);
	if (err == HUB_OK)
		err = partitions_ensure(l, b);
	if (err == HUB_OK)
		err = leaf_find(l);
	if (err != HUB_OK)
		return (err);
	l->careful |= b->first < l->expected;
	err = batch_transaction(l, b, out);
	if (err == HUB_EEXIST && !l->careful) {
		log_info("events are loaded again", "first_seq=%" PRIu64,
		    b->first);
		db_rollback(l->db);
		l->careful = true;
		err = batch_transaction(l, b, out);
	}
	if (err == HUB_OK && out->inserted == l->rows.n)
		l->careful = false;
	return (err);
}

enum hub_err
loader_batch(struct loader *l, unsigned *n_r)
{
	struct batch b = { .to = l->pos };
	struct outcome out = { 0 };
	enum hub_err err;

	do
		err = spool_read(l->spool, &b.to, l->raw, ROWS_MAX, &b.n);
	while (err == HUB_ECONFLICT); /* stepped over; ingest counts the gap */
	*n_r = b.n;
	if (err != HUB_OK)
		return (err);
	if (b.n == 0) {
		/* Perhaps over bad slots at the end: not to be read again. */
		l->pos = b.to;
		l->expected = 0;
		return (HUB_OK);
	}
	b.first = b.to.next_seq - b.n;
	batch_encode(l, &b);
	err = batch_store(l, &b, &out);
	if (err != HUB_OK) {
		log_warn("a batch was not loaded", "records=%u reason=\"%s\"",
		    b.n, db_why(l->db));
		return (err);
	}
	l->expected = out.next_seq;
	l->pos = l->committed = b.to;
	spool_loaded(l->spool, &l->pos);
	if (out.conflicts > 0)
		log_err("usage events contradict loaded ones, kept in "
			"ledger.ledger_conflict", "events=%" PRIu64,
		    out.conflicts);
	(void)pthread_mutex_lock(&l->lock);
	l->stats.loaded += b.n;
	l->stats.conflicts += out.conflicts;
	(void)pthread_mutex_unlock(&l->lock);
	return (HUB_OK);
}
