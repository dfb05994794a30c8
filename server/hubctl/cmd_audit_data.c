/* server/hubctl/cmd_audit_data.c - hubctl export audit-data: what an auditor
 * takes along, for hubverify --export and to read. Tables as PostgreSQL
 * writes CSV, sums of the files in audit.json, and a page that says what is
 * what. All of one snapshot; made again it is the same. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/hash.h"
#include "server/hubctl/hubctl.h"
#include "server/hubctl/progress.h"

#define DATE(c) "to_char(" c ",'YYYY-MM-DD') AS " c
#define HEX(c)	"encode(" c ",'hex') AS " c
#define US(c)	"(extract(epoch FROM " c ")*1000000)::bigint AS " c
#define SUMS                                                                  \
	"class,consumer,provider,agreement,purpose,dataset,types,operation,"  \
	"requests,denied,entities,bytes,units,"                               \
	"array_to_string(latency_hist,' ') AS latency_hist"
#define SUMS_ORDER                                                            \
	"u.booked_period,class COLLATE \"C\",consumer COLLATE \"C\","         \
	"provider COLLATE \"C\",agreement COLLATE \"C\","                     \
	"purpose COLLATE \"C\",dataset COLLATE \"C\",types COLLATE \"C\","    \
	"operation"

/* What the tables are asked. */
static const struct audit_file {
	const char *name, *sql, *month; /* the column that has the month */
	const char *order;
} files[] = {
	{ "blocks", "SELECT block_no,kind," HEX("prev_hash") ","
	    HEX("payload_hash") "," HEX("hash") ",batch,"
	    DATE("service_period") ",node_id,boot_epoch,first_seq,last_seq,"
	    "n_leaves,payload FROM ledger.block", NULL, "block_no" },
	{ "events", "SELECT coalesce(b.block_no,0) AS block_no,e.batch,"
	    "to_char(e.service_period,'YYYY-MM-DD') AS service_period,"
	    "event_id,leg," DATE("booked_period") "," DATE("service_day")
	    ",class,e.kind," US("ts") ",duration_us,http_status,decision,"
	    "operation,consumer,provider,agreement,agreement_version,purpose,"
	    "flags,entities,bytes_out,bytes_in,units,request_id,decision_id,"
	    HEX("policy_hash") ",type1,type2,type3,type4,ntypes,"
	    "user_pseudonym,dataset,use_case,upstream_us,queue_us,"
	    HEX("rec_hash") ",e.node_id,e.boot_epoch,seq,dict_born "
	    "FROM ledger.event e LEFT JOIN ledger.block b ON b.batch=e.batch "
	    "AND b.service_period=e.service_period", "e.service_period",
	    "1,e.seq,e.event_id,e.leg" },
	{ "dictionary", "SELECT node_id,born,id,kind,text "
	    "FROM ledger.dictionary", NULL, "node_id,born,id" },
	{ "usage_day", "SELECT " DATE("day") "," DATE("booked_period") ","
	    SUMS " FROM ledger.usage_day u", "date_trunc('month',u.day)",
	    "u.day," SUMS_ORDER },
	{ "usage_month", "SELECT " DATE("service_period") ","
	    DATE("booked_period") "," SUMS " FROM ledger.usage_month u",
	    "u.service_period", "u.service_period," SUMS_ORDER },
	{ "checkpoints", "SELECT node_id,boot_epoch,segment_no,next_seq,"
	    "missing," US("ts_watermark") " FROM ledger.spool_checkpoint",
	    NULL, "node_id,boot_epoch" },
	{ "conflicts", "SELECT " DATE("service_period") ",event_id,leg,"
	    HEX("rec_hash") ",node_id,boot_epoch,seq "
	    "FROM ledger.ledger_conflict c", "c.service_period",
	    "c.service_period,event_id,leg,c.rec_hash" },
	{ "journal", "SELECT j.entry_id,ext_key,type," DATE("booked_period")
	    "," DATE("service_from") "," DATE("service_to") ",cost,run_id,"
	    "reverses,reason,issuer,tenant,person," US("posted_at")
	    ",db_user,line_no,account,ags,name,component,key,amount_cents "
	    "FROM ledger.journal j FULL JOIN ledger.journal_line l "
	    "ON l.entry_id=j.entry_id", NULL, "j.entry_id,line_no" },
	{ "runs", "SELECT run_id,kind,cost,title," DATE("period_from") ","
	    DATE("period_to") ",bundle_id,model,model_version,amount_cents,"
	    "tax,tax_rate,tax_basis,supersedes,doc," HEX("doc_sha256")
	    ",tenant,person," US("made_at") ",db_user "
	    "FROM ledger.allocation_run", NULL, "run_id" },
	{ "shares", "SELECT run_id,line_no,ags,name,component,key,cents "
	    "FROM ledger.allocation_line", NULL, "run_id,line_no" },
	{ "deferrals", "SELECT d.run_id,below_cents,reason,ags,name,cents "
	    "FROM ledger.deferral d FULL JOIN ledger.deferral_line l "
	    "ON l.run_id=d.run_id", NULL, "d.run_id,ags COLLATE \"C\"" },
	{ "proposals", "SELECT proposal_id," DATE("period") ","
	    HEX("figures_sha256") ",tenant,person," US("proposed_at")
	    ",db_user FROM ledger.period_proposal", NULL, "proposal_id" },
	{ "closes", "SELECT " DATE("period") ",proposal_id,"
	    HEX("usage_sha256") ",tenant,person," US("closed_at") ",db_user "
	    "FROM ledger.period_close c", NULL, "c.period" },
	{ "retired", "SELECT node_id||'/'||(extract(epoch FROM ts_watermark)"
	    "*1000000)::bigint AS id,node_id," US("ts_watermark") ",reason,"
	    "tenant,person," US("retired_at") ",db_user "
	    "FROM ledger.node_retired r", NULL, "node_id,r.ts_watermark" },
	{ "estimates", "SELECT id,reference,reason,by_person," DATE("day")
	    ",consumer,provider,requests,entities,bytes,node_id,missing,"
	    US("noted_at") ",noted_by FROM ledger.estimate_note", NULL,
	    "id" },
	{ "digests", "SELECT block_no,doc FROM ledger.digest", NULL,
	    "block_no,doc COLLATE \"C\"" },
	{ "receipts", "SELECT block_no,ags," US("received_at") ",receipt,"
	    HEX("doc_sha256") ",db_user FROM ledger.digest_ack a", NULL,
	    "block_no,ags COLLATE \"C\"" },
	{ "run_digests", "SELECT run_id,block_no,doc FROM ledger.run_digest",
	    NULL, "run_id" },
};
#define NFILES (sizeof(files) / sizeof(files[0]))

static const char about[] =
    "Prüfdaten des Nutzungs-Ledgers / audit data of the usage ledger\n"
    "\n"
    "blocks       Kette der Blöcke: Nummer, Art, Hash des Vorgängers, Hash\n"
    "             des Inhalts, eigener Hash; bei Art 1 die Zeilen des Blocks\n"
    "events       ein Ereignis je Zeile, nach Block und laufender Nummer;\n"
    "             ts in Mikrosekunden seit 1970 (UTC), units in Tausendsteln\n"
    "dictionary   wofür die Nummern in events stehen\n"
    "usage_day    Summen je Tag      usage_month  Summen je Monat\n"
    "checkpoints  wie weit die Knoten geladen sind; missing: nie angekommen\n"
    "conflicts    Ereignisse, die geladenen widersprachen\n"
    "journal      Buchungen geschlossener Monate, eine Zeile je Posten\n"
    "runs         Berechnungen dazu, jede mit allem, worauf sie beruht\n"
    "shares       was sie ergaben, je Mitglied und Bestandteil\n"
    "deferrals    Berichtigungen, die zu klein waren und warten\n"
    "proposals    wer welchen Monat zum Abschluss vorschlug\n"
    "closes       wer ihn abschloss   retired  abgemeldete Knoten\n"
    "estimates    von Hand gebuchte Nutzung und warum\n"
    "digests      unterschriebene Enden der Kette, wie Kommunen sie bekamen\n"
    "receipts     wer bestätigt hat, einen Digest zu verwahren\n"
    "run_digests  der letzte Digest vor jeder Berechnung\n"
    "audit.json   SHA-256 jeder Datei und der Monat, leer für alle\n"
    "\n"
    "CSV nach RFC 4180 mit Zeilenvorschub, UTF-8, kein Wert bleibt leer.\n"
    "Prüfen / to check:  hubverify --export . --digest DATEI --key DATEI\n"
    "Der öffentliche Schlüssel und die Digests müssen aus den Akten der\n"
    "Kommune stammen, nicht aus diesem Ordner.\n";

static enum ctl_exit
failed(const char *dir, const char *name)
{
	ctl_warn("%s/%s: %s", dir, name, strerror(errno));
	return (CTL_FAILED);
}

static FILE *
file_new(const char *dir, const char *name, const char *suffix)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return (NULL);
	}
	return (fopen(path, "wbxe"));
}

static enum ctl_exit
copy_rows(struct db *db, FILE *f, EVP_MD_CTX *hash)
{
	PGconn *pg = db_conn(db);
	enum ctl_exit code = CTL_OK;
	PGresult *res;
	char *row = NULL;
	static uint64_t rows; /* of all files */
	int n;

	while ((n = PQgetCopyData(pg, &row, 0)) > 0) {
		if (fwrite(row, 1, (size_t)n, f) != (size_t)n)
			code = CTL_FAILED;
		if (EVP_DigestUpdate(hash, row, (size_t)n) != 1)
			assert(!"SHA-256");
		PQfreemem(row);
		progress_at(++rows, 0);
	}
	while ((res = PQgetResult(pg)) != NULL) {
		if (PQresultStatus(res) != PGRES_COMMAND_OK)
			code = ctl_db_failed(db, HUB_EIO);
		PQclear(res);
	}
	return (n == -1 ? code : CTL_UNAVAILABLE);
}

/* One file; its sum goes to the list. first: of the month, or NULL. */
static enum ctl_exit
file_write(struct db *db, const struct audit_file *a, const char *dir,
    const char *first, struct buf *sums)
{
	unsigned char sum[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	FILE *f = file_new(dir, a->name, ".csv");
	enum ctl_exit code = CTL_OK;
	PGresult *res = NULL;
	struct buf sql;

	buf_init(&sql, 8192);
	if (f == NULL) {
		code = failed(dir, a->name);
		goto out;
	}
	/* The month was parsed: nothing else can stand in it. */
	buf_addf(&sql, "COPY (%s", a->sql);
	if (first != NULL && a->month != NULL)
		buf_addf(&sql, " WHERE %s=DATE '%s'", a->month, first);
	buf_addf(&sql, " ORDER BY %s) TO STDOUT (FORMAT csv, HEADER, "
	    "ENCODING 'UTF8')", a->order);
	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		assert(!"SHA-256");
	res = PQexec(db_conn(db), buf_cstr(&sql));
	code = PQresultStatus(res) == PGRES_COPY_OUT ?
	    copy_rows(db, f, hash) : ctl_db_failed(db, HUB_EIO);
	if (fflush(f) != 0 && code == CTL_OK)
		code = failed(dir, a->name);
	if (EVP_DigestFinal_ex(hash, sum, NULL) != 1)
		assert(!"SHA-256");
	hex_encode(sum, sizeof(sum), hex);
	buf_addf(sums, "%s\"%s\":\"%s\"", sums->len > 0 ? "," : "", a->name,
	    hex);
out:
	if (f != NULL && fclose(f) != 0 && code == CTL_OK)
		code = failed(dir, a->name);
	PQclear(res);
	EVP_MD_CTX_free(hash);
	buf_clear(&sql);
	return (code);
}

static enum ctl_exit
text_write(const char *dir, const char *name, const char *suffix,
    struct str text)
{
	FILE *f = file_new(dir, name, suffix);
	bool ok = f != NULL &&
	    fwrite(text.p, 1, text.len, f) == text.len;

	if (f != NULL && fclose(f) != 0)
		ok = false;
	return (ok ? CTL_OK : failed(dir, name));
}

static enum ctl_exit
files_write(struct db *db, const char *dir, const char *month)
{
	char first[16];
	enum ctl_exit code = CTL_OK;
	struct buf sums, doc;

	buf_init(&sums, 4096);
	buf_init(&doc, 8192);
	(void)snprintf(first, sizeof(first), "%.7s-01",
	    month != NULL ? month : "");
	for (size_t i = 0; code == CTL_OK && i < NFILES; i++)
		code = file_write(db, &files[i], dir,
		    month != NULL ? first : NULL, &sums);
	buf_addf(&doc, "{\"files\":{%s},\"format\":\"drehscheibe-audit/3\","
	    "\"month\":\"%s\"}\n", buf_cstr(&sums), month != NULL ? month : "");
	if (code == CTL_OK)
		code = text_write(dir, "LIESMICH", ".txt",
		    (struct str){ about, sizeof(about) - 1 });
	/* Last: without it hubverify takes the folder for unfinished. */
	if (code == CTL_OK)
		code = text_write(dir, "audit", ".json", buf_str(&doc));
	buf_clear(&sums);
	buf_clear(&doc);
	return (code);
}

static enum ctl_exit
export_from(struct db *db, const char *dir, const char *month)
{
	static const char *const begin[] = {
		"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
		"SET LOCAL statement_timeout = 0",
		"SET LOCAL search_path = pg_catalog",
		"SET LOCAL TimeZone = 'UTC'",
	};
	enum hub_err err = db_begin(db);

	for (size_t i = 0; err == HUB_OK && i < 4; i++)
		err = db_exec(db, begin[i], 0, NULL, NULL);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	/* It says who asked for what: whose it is decides who else reads it. */
	if (mkdir(dir, 0700) != 0) {
		ctl_warn("%s: %s", dir, strerror(errno));
		return (CTL_FAILED);
	}
	return (files_write(db, dir, month));
}

enum ctl_exit
cmd_export_audit_data(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct db *db = NULL;
	struct wall_us day;
	enum ctl_exit code;
	char first[16];

	(void)snprintf(first, sizeof(first), "%.7s-01",
	    ctl->period != NULL ? ctl->period : "");
	if (ctl->period != NULL && (strlen(ctl->period) != 7 ||
	    wall_parse_date(str_of(first), &day) != HUB_OK)) {
		ctl_warn("%s is no month (2026-11)", ctl->period);
		return (CTL_USAGE);
	}
	if (ctl->dry_run) {
		printf("would write %zu tables to the new folder %s\n", NFILES,
		    argv[0]);
		return (CTL_OK);
	}
	code = ctl_db(ctl, &db);
	if (code == CTL_OK)
		code = export_from(db, argv[0], ctl->period);
	db_close(db);
	return (code);
}
