/* server/hubverify/source.c - where the tables come from: PostgreSQL, by COPY
 * and in one snapshot, or a directory that "hubctl export audit-data" wrote.
 * Both give the same bytes. */
#include "server/hubverify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK	     65536
#define MANIFEST_MAX 65536
#define FORMAT	     "drehscheibe-audit/3"

#define BEGIN_SNAPSHOT                                                        \
	"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"                    \
	"SET LOCAL search_path = pg_catalog;"                                 \
	"SET LOCAL statement_timeout = 0;"                                    \
	"SET LOCAL TimeZone = 'UTC';"

/* Tables only: views and functions belong to what is checked. Each column
 * in the one form that row.c takes. Lines without what they belong to are
 * there, too, and have no id. */
#define DATE(c) "to_char(" c ",'YYYY-MM-DD') AS " c
#define HEX(c)	"encode(" c ",'hex') AS " c
#define US(c)	"(extract(epoch FROM " c ")*1000000)::bigint AS " c
#define SUMS                                                                  \
	"class,consumer,provider,agreement,purpose,dataset,types,operation,"  \
	"requests,denied,entities,bytes,units,"                               \
	"array_to_string(latency_hist,' ') AS latency_hist"
#define SUMS_ORDER                                                            \
	"booked_period,class COLLATE \"C\",consumer COLLATE \"C\","           \
	"provider COLLATE \"C\",agreement COLLATE \"C\","                     \
	"purpose COLLATE \"C\",dataset COLLATE \"C\",types COLLATE \"C\","    \
	"operation"
#define SUMS_HEADER                                                           \
	"class,consumer,provider,agreement,purpose,dataset,types,operation,"  \
	"requests,denied,entities,bytes,units,latency_hist"

static const struct {
	const char *name, *header, *sql;
} tables[NTABLES] = {
	[TABLE_BLOCKS] = { "blocks",
	    "block_no,kind,prev_hash,payload_hash,hash,batch,service_period,"
	    "node_id,boot_epoch,first_seq,last_seq,n_leaves,payload",
	    "SELECT block_no,kind," HEX("prev_hash") "," HEX("payload_hash")
	    "," HEX("hash") ",batch," DATE("service_period") ",node_id,"
	    "boot_epoch,first_seq,last_seq,n_leaves,payload "
	    "FROM ledger.block ORDER BY block_no" },
	[TABLE_EVENTS] = { "events",
	    "block_no,batch,service_period,event_id,leg,booked_period,"
	    "service_day,class,kind,ts,duration_us,http_status,decision,"
	    "operation,consumer,provider,agreement,agreement_version,purpose,"
	    "flags,entities,bytes_out,bytes_in,units,request_id,decision_id,"
	    "policy_hash,type1,type2,type3,type4,ntypes,user_pseudonym,"
	    "dataset,use_case,upstream_us,queue_us,rec_hash,node_id,"
	    "boot_epoch,seq,dict_born",
	    "SELECT coalesce(b.block_no,0) AS block_no,e.batch,"
	    "to_char(e.service_period,'YYYY-MM-DD') AS service_period,"
	    "event_id,leg," DATE("booked_period") "," DATE("service_day")
	    ",class,e.kind," US("ts") ",duration_us,http_status,decision,"
	    "operation,consumer,provider,agreement,agreement_version,purpose,"
	    "flags,entities,bytes_out,bytes_in,units,request_id,decision_id,"
	    HEX("policy_hash") ",type1,type2,type3,type4,ntypes,"
	    "user_pseudonym,dataset,use_case,upstream_us,queue_us,"
	    HEX("rec_hash") ",e.node_id,e.boot_epoch,seq,dict_born "
	    "FROM ledger.event e LEFT JOIN ledger.block b "
	    "ON b.batch=e.batch AND b.service_period=e.service_period "
	    "ORDER BY 1,e.seq,e.event_id,e.leg" },
	[TABLE_DICTIONARY] = { "dictionary", "node_id,born,id,kind,text",
	    "SELECT node_id,born,id,kind,text FROM ledger.dictionary "
	    "ORDER BY node_id,born,id" },
	[TABLE_DAYS] = { "usage_day", "day,booked_period," SUMS_HEADER,
	    "SELECT " DATE("day") "," DATE("booked_period") "," SUMS
	    " FROM ledger.usage_day d "
	    "ORDER BY d.day,d." SUMS_ORDER },
	[TABLE_MONTHS] = { "usage_month",
	    "service_period,booked_period," SUMS_HEADER,
	    "SELECT " DATE("service_period") "," DATE("booked_period") ","
	    SUMS " FROM ledger.usage_month d "
	    "ORDER BY d.service_period,d." SUMS_ORDER },
	[TABLE_CHECKPOINTS] = { "checkpoints",
	    "node_id,boot_epoch,segment_no,next_seq,missing,ts_watermark",
	    "SELECT node_id,boot_epoch,segment_no,next_seq,missing,"
	    US("ts_watermark") " FROM ledger.spool_checkpoint "
	    "ORDER BY node_id,boot_epoch" },
	[TABLE_CONFLICTS] = { "conflicts",
	    "service_period,event_id,leg,rec_hash,node_id,boot_epoch,seq",
	    "SELECT " DATE("service_period") ",event_id,leg," HEX("rec_hash")
	    ",node_id,boot_epoch,seq FROM ledger.ledger_conflict c "
	    "ORDER BY c.service_period,event_id,leg,c.rec_hash" },
	[TABLE_JOURNAL] = { "journal",
	    "entry_id,ext_key,type,booked_period,service_from,service_to,cost,"
	    "run_id,reverses,reason,issuer,tenant,person,posted_at,db_user,"
	    "line_no,account,ags,name,component,key,amount_cents",
	    "SELECT j.entry_id,ext_key,type," DATE("booked_period") ","
	    DATE("service_from") "," DATE("service_to") ",cost,run_id,"
	    "reverses,reason,issuer,tenant,person," US("posted_at")
	    ",db_user,line_no,account,ags,name,component,key,amount_cents "
	    "FROM ledger.journal j "
	    "FULL JOIN ledger.journal_line l ON l.entry_id=j.entry_id "
	    "ORDER BY j.entry_id,line_no" },
	[TABLE_RUNS] = { "runs",
	    "run_id,kind,cost,title,period_from,period_to,bundle_id,model,"
	    "model_version,amount_cents,tax,tax_rate,tax_basis,supersedes,doc,"
	    "doc_sha256,tenant,person,made_at,db_user",
	    "SELECT run_id,kind,cost,title," DATE("period_from") ","
	    DATE("period_to") ",bundle_id,model,model_version,amount_cents,"
	    "tax,tax_rate,tax_basis,supersedes,doc," HEX("doc_sha256")
	    ",tenant,person," US("made_at") ",db_user "
	    "FROM ledger.allocation_run ORDER BY run_id" },
	[TABLE_SHARES] = { "shares",
	    "run_id,line_no,ags,name,component,key,cents",
	    "SELECT run_id,line_no,ags,name,component,key,cents "
	    "FROM ledger.allocation_line ORDER BY run_id,line_no" },
	[TABLE_DEFERRALS] = { "deferrals",
	    "run_id,below_cents,reason,ags,name,cents",
	    "SELECT d.run_id,below_cents,reason,ags,name,cents "
	    "FROM ledger.deferral d "
	    "FULL JOIN ledger.deferral_line l ON l.run_id=d.run_id "
	    "ORDER BY d.run_id,ags COLLATE \"C\"" },
	[TABLE_PROPOSALS] = { "proposals",
	    "proposal_id,period,figures_sha256,tenant,person,proposed_at,"
	    "db_user",
	    "SELECT proposal_id," DATE("period") "," HEX("figures_sha256")
	    ",tenant,person," US("proposed_at") ",db_user "
	    "FROM ledger.period_proposal ORDER BY proposal_id" },
	[TABLE_CLOSES] = { "closes",
	    "period,proposal_id,usage_sha256,tenant,person,closed_at,db_user",
	    "SELECT " DATE("period") ",proposal_id," HEX("usage_sha256")
	    ",tenant,person," US("closed_at") ",db_user "
	    "FROM ledger.period_close c ORDER BY c.period" },
	[TABLE_RETIRED] = { "retired",
	    "id,node_id,ts_watermark,reason,tenant,person,retired_at,db_user",
	    "SELECT node_id||'/'||(extract(epoch FROM ts_watermark)*1000000)"
	    "::bigint AS id,node_id," US("ts_watermark") ",reason,tenant,"
	    "person," US("retired_at") ",db_user FROM ledger.node_retired r "
	    "ORDER BY node_id,r.ts_watermark" },
	[TABLE_ESTIMATES] = { "estimates",
	    "id,reference,reason,by_person,day,consumer,provider,requests,"
	    "entities,bytes,node_id,missing,noted_at,noted_by",
	    "SELECT id,reference,reason,by_person," DATE("day") ",consumer,"
	    "provider,requests,entities,bytes,node_id,missing,"
	    US("noted_at") ",noted_by FROM ledger.estimate_note ORDER BY id" },
	[TABLE_DIGESTS] = { "digests", "block_no,doc",
	    "SELECT block_no,doc FROM ledger.digest "
	    "ORDER BY block_no,doc COLLATE \"C\"" },
	[TABLE_RECEIPTS] = { "receipts",
	    "block_no,ags,received_at,receipt,doc_sha256,db_user",
	    "SELECT block_no,ags," US("received_at") ",receipt,"
	    HEX("doc_sha256") ",db_user FROM ledger.digest_ack a "
	    "ORDER BY block_no,ags COLLATE \"C\"" },
	[TABLE_RUN_DIGESTS] = { "run_digests", "run_id,block_no,doc",
	    "SELECT run_id,block_no,doc FROM ledger.run_digest "
	    "ORDER BY run_id" },
};

/* A COPY or a file that is being read. */
struct stream {
	PGconn *pg;
	char *copied; /* libpq's */
	int fd;
	char *buf;
};

struct source {
	PGconn *pg[2]; /* the second reads events beside blocks */
	char *dir;
	char month[8];
	json_t *sums; /* of the files */
	struct stream open[2];
};

const char *
table_name(enum table t)
{
	return (tables[t].name);
}

const char *
source_month(const struct source *src)
{
	return (src->month[0] != '\0' ? src->month : NULL);
}

/* ---- the database */

static void
ignore_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

/* The server's words may hold anything: what is no text is not shown. */
static void
say_database(struct say *s, PGconn *pg)
{
	char why[200];
	size_t n = 0;

	for (const char *p = PQerrorMessage(pg); *p != '\0' && *p != '\n' &&
	    n < sizeof(why) - 1; p++)
		why[n++] = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
	why[n] = '\0';
	say_blind(s, "die Datenbank antwortet nicht wie erwartet: %s",
	    "the database does not answer as it should: %s", why);
}

static bool
run(PGconn *pg, const char *sql)
{
	PGresult *res = PQexec(pg, sql);
	bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;

	PQclear(res);
	return (ok);
}

static PGconn *
connect_to(const char *dsn, struct say *s)
{
	const char *const keys[] = { "dbname", "connect_timeout",
		"application_name", "client_encoding", NULL };
	const char *const values[] = { dsn, "10", "hubverify", "UTF8", NULL };
	PGconn *pg = PQconnectdbParams(keys, values, 1);

	(void)PQsetNoticeReceiver(pg, ignore_notice, NULL);
	if (PQstatus(pg) == CONNECTION_OK && run(pg, BEGIN_SNAPSHOT))
		return (pg);
	say_database(s, pg);
	PQfinish(pg);
	return (NULL);
}

/* Both connections see the same instant. */
static bool
share_snapshot(struct source *src)
{
	PGresult *res = PQexec(src->pg[0], "SELECT pg_export_snapshot()");
	bool ok = PQresultStatus(res) == PGRES_TUPLES_OK &&
	    PQntuples(res) == 1;
	char sql[128] = "", *id;

	id = ok ? PQescapeLiteral(src->pg[1], PQgetvalue(res, 0, 0),
	    strlen(PQgetvalue(res, 0, 0))) : NULL;
	if (id != NULL)
		(void)snprintf(sql, sizeof(sql), "SET TRANSACTION SNAPSHOT %s",
		    id);
	PQfreemem(id);
	PQclear(res);
	/* Before any other statement of that transaction. */
	return (sql[0] != '\0' && run(src->pg[1], "ROLLBACK") &&
	    run(src->pg[1], "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	    && run(src->pg[1], sql) &&
	    run(src->pg[1], "SET LOCAL search_path = pg_catalog;"
		"SET LOCAL statement_timeout = 0;"
		"SET LOCAL TimeZone = 'UTC';"));
}

static ptrdiff_t
more_copied(void *from, const char **p)
{
	struct stream *st = from;
	int n;

	PQfreemem(st->copied);
	st->copied = NULL;
	n = PQgetCopyData(st->pg, &st->copied, 0);
	*p = st->copied;
	if (n > 0)
		return (n);
	if (n == -1) {
		PGresult *res = PQgetResult(st->pg);
		bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;

		PQclear(res);
		while ((res = PQgetResult(st->pg)) != NULL)
			PQclear(res);
		return (ok ? 0 : -1);
	}
	return (-1);
}

/* ---- a directory */

static ptrdiff_t
more_read(void *from, const char **p)
{
	struct stream *st = from;
	ssize_t n;

	do
		n = read(st->fd, st->buf, CHUNK);
	while (n < 0 && errno == EINTR);
	*p = st->buf;
	return (n);
}

static int
open_file(const struct source *src, const char *name, const char *suffix,
    struct say *s)
{
	char path[4096];
	int fd = -1, n;

	n = snprintf(path, sizeof(path), "%s/%s%s", src->dir, name, suffix);
	if (n > 0 && (size_t)n < sizeof(path))
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		say_blind(s, "%s%s: %s", "%s%s: %s", name, suffix,
		    strerror(errno));
	return (fd);
}

/* What was written before tables and columns came to it. */
static bool
is_older(const char *format)
{
	return (strcmp(format, "drehscheibe-audit/1") == 0 ||
	    strcmp(format, "drehscheibe-audit/2") == 0);
}

/* audit.json: {"files":{NAME:SHA-256,...},"format":...,"month":""}. */
static bool
manifest_read(struct source *src, struct say *s)
{
	char *text = malloc(MANIFEST_MAX);
	int fd = open_file(src, "audit", ".json", s);
	const char *format = "", *month = "";
	size_t n = 0;
	ssize_t got;
	json_t *doc = NULL;
	int32_t day;
	bool ok = false, old = false;

	if (text == NULL || fd < 0)
		goto out;
	while (n < MANIFEST_MAX &&
	    (got = read(fd, text + n, MANIFEST_MAX - n)) > 0)
		n += (size_t)got;
	doc = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	ok = json_unpack_ex(doc, NULL, JSON_STRICT, "{s:s,s:s,s:o}", "format",
	    &format, "month", &month, "files", &src->sums) == 0 &&
	    json_is_object(src->sums) && strcmp(format, FORMAT) == 0;
	json_incref(src->sums);
	old = is_older(format);
	if (ok && month[0] != '\0') {
		char first[16];

		(void)snprintf(first, sizeof(first), "%.7s-01", month);
		ok = strlen(month) == 7 && read_date(first, &day);
		(void)snprintf(src->month, sizeof(src->month), "%.7s", month);
	}
	if (old)
		say_blind(s, "dieser Export ist von einer älteren Fassung und "
		    "hat nicht alle Spalten; er ist neu zu erstellen",
		    "this export is of an older version and has not all "
		    "columns; it has to be made again");
	else if (!ok)
		say_blind(s, "audit.json ist keine Beschreibung eines Exports",
		    "audit.json does not describe an export");
out:
	if (fd >= 0)
		(void)close(fd);
	json_decref(doc);
	free(text);
	return (ok);
}

static void
file_check(struct source *src, enum table t, struct say *s)
{
	const char *want = json_string_value(
	    json_object_get(src->sums, table_name(t)));
	int fd = open_file(src, table_name(t), ".csv", s);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sum[HASH_LEN], given[HASH_LEN];
	char *buf = malloc(CHUNK);
	ssize_t n = -1;

	if (ctx == NULL || buf == NULL || fd < 0 ||
	    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		goto out;
	while ((n = read(fd, buf, CHUNK)) > 0)
		if (EVP_DigestUpdate(ctx, buf, (size_t)n) != 1)
			abort();
	if (n == 0 && EVP_DigestFinal_ex(ctx, sum, NULL) != 1)
		abort();
	if (n == 0 && (want == NULL || !hex_read(want, given, HASH_LEN) ||
	    memcmp(sum, given, HASH_LEN) != 0))
		say_tampered(s, "%s.csv ist nicht die Datei, die exportiert "
		    "wurde", "%s.csv is not the file that was exported",
		    table_name(t));
	if (n < 0)
		say_blind(s, "%s.csv ist nicht lesbar",
		    "%s.csv cannot be read", table_name(t));
out:
	if (fd >= 0)
		(void)close(fd);
	free(buf);
	EVP_MD_CTX_free(ctx);
}

void
source_files(struct source *src, struct say *s)
{
	for (int t = 0; src->dir != NULL && t < NTABLES; t++)
		file_check(src, (enum table)t, s);
}

/* ---- both */

struct source *
source_open(const char *dsn, const char *dir, struct say *s)
{
	struct source *src = calloc(1, sizeof(*src));
	bool ok;

	if (src == NULL)
		abort();
	src->open[0].fd = src->open[1].fd = -1;
	if (dir != NULL) {
		src->dir = strdup(dir);
		ok = src->dir != NULL && manifest_read(src, s);
	} else {
		ok = (src->pg[0] = connect_to(dsn, s)) != NULL &&
		    (src->pg[1] = connect_to(dsn, s)) != NULL;
		if (ok && !share_snapshot(src)) {
			say_database(s, src->pg[1]);
			ok = false;
		}
	}
	if (ok)
		return (src);
	source_close(src);
	return (NULL);
}

void
source_close(struct source *src)
{
	if (src == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (src->pg[i] != NULL)
			PQfinish(src->pg[i]);
	json_decref(src->sums);
	free(src->dir);
	free(src);
}

static void
say_unread(const struct source *src, enum table t, struct say *s)
{
	if (src->dir != NULL)
		say_blind(s, "%s.csv ist nicht lesbar",
		    "%s.csv cannot be read", table_name(t));
	else
		say_database(s, src->pg[t == TABLE_EVENTS]);
}

static bool
header_right(enum table t, const struct csv *c)
{
	const char *p = tables[t].header;

	for (unsigned i = 0; i < c->n; i++) {
		size_t n = strcspn(p, ",");

		if (c->field[i] == NULL || strlen(c->field[i]) != n ||
		    memcmp(c->field[i], p, n) != 0)
			return (false);
		p += n;
		if (*p == ',')
			p++;
		else if (i + 1 < c->n)
			return (false);
	}
	return (*p == '\0');
}

bool
source_table(struct source *src, enum table t, struct csv *c, struct say *s)
{
	struct stream *st = &src->open[t == TABLE_EVENTS];
	enum csv_next got;
	char sql[4096];

	*c = (struct csv){ .from = st };
	if (src->dir != NULL) {
		c->more = more_read;
		st->buf = malloc(CHUNK);
		st->fd = open_file(src, table_name(t), ".csv", s);
		if (st->fd < 0 || st->buf == NULL)
			return (false);
	} else {
		PGresult *res;
		bool ok;

		c->more = more_copied;
		st->pg = src->pg[t == TABLE_EVENTS];
		(void)snprintf(sql, sizeof(sql),
		    "COPY (%s) TO STDOUT (FORMAT csv, HEADER, ENCODING "
		    "'UTF8')", tables[t].sql);
		res = PQexec(st->pg, sql);
		ok = PQresultStatus(res) == PGRES_COPY_OUT;
		PQclear(res);
		if (!ok) {
			say_database(s, st->pg);
			return (false);
		}
	}
	got = csv_next(c);
	if (got == CSV_ROW && header_right(t, c))
		return (true);
	if (got == CSV_BLIND) {
		say_unread(src, t, s);
		return (false);
	}
	say_tampered(s, "%s: die Überschrift ist nicht die dieser Tabelle",
	    "%s: the heading is not the one of this table", table_name(t));
	return (false);
}

enum csv_next
source_row(struct source *src, enum table t, struct csv *c, struct say *s)
{
	enum csv_next got = csv_next(c);

	say_progress(s, table_name(t));
	if (got == CSV_BAD)
		say_tampered(s, "%s, Zeile %llu: keine Zeile, wie die "
		    "Datenbank sie schreibt", "%s, line %llu: no row as the "
		    "database writes it", table_name(t),
		    (unsigned long long)c->line);
	if (got == CSV_BLIND)
		say_unread(src, t, s);
	return (got);
}

void
source_done(struct source *src, enum table t, struct csv *c)
{
	struct stream *st = &src->open[t == TABLE_EVENTS];
	const char *rest;

	/* A COPY is read to its end: the connection is used again. */
	if (src->dir == NULL && st->pg != NULL)
		while (PQtransactionStatus(st->pg) == PQTRANS_ACTIVE &&
		    more_copied(st, &rest) > 0)
			continue;
	PQfreemem(st->copied);
	if (st->fd >= 0)
		(void)close(st->fd);
	free(st->buf);
	*st = (struct stream){ .fd = -1 };
	csv_clear(c);
}
