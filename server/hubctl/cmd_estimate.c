/* server/hubctl/cmd_estimate.c - hubctl estimate: uses that a hub served and
 * could not record, after a disk was lost or a log line said so. They go the
 * way of all usage, as ESTIMATE records through a spool of their own (a
 * temporary directory, a node number that no hub has) and the loader: units,
 * roll-ups and whatever proves the ledger come from the same code. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/arena.h"
#include "server/base/log.h"
#include "server/hubctl/hubctl.h"
#include "server/hubctl/progress.h"
#include "server/ledger/estimate.h"
#include "server/ledger/loader.h"

#define NODE	     65535 /* above every spool.node */
#define REQUESTS_MAX UINT64_C(100000)
#define SEGMENT	     (UINT64_C(1) << 20)
#define JOB	     64	      /* records */
#define WAIT_MS	     300000   /* for the database */
#define STEP_US	     20000

struct booking {
	const char *day, *consumer, *provider;
	const char *reference, *reason, *person;
	const char *node; /* NULL: no loss is settled */
	uint64_t requests, entities, bytes;
	struct wall_us at; /* noon of the day */
	struct uuid id;
};

/* ---- the command line */

static bool
number(const char *option, const char *text, uint64_t min, uint64_t max,
    uint64_t *value_r)
{
	if (text == NULL && min == 0)
		return (true); /* 0, as it is */
	if (text != NULL && str_uint(str_of(text), max, value_r) == HUB_OK &&
	    *value_r >= min)
		return (true);
	ctl_warn("--%s must be a number from %" PRIu64 " to %" PRIu64, option,
	    min, max);
	return (false);
}

static bool
needed(const char *option, const char *text)
{
	if (text != NULL && text[0] != '\0')
		return (true);
	ctl_warn("estimate needs --%s", option);
	return (false);
}

static bool
booking_read(const struct ctl *ctl, const char *day, struct booking *b)
{
	unsigned char hash[SHA256_LEN];
	struct wall_us date;
	uint64_t node;

	if (wall_parse_date(str_of(day), &date) != HUB_OK) {
		ctl_warn("%s is not a day (2026-11-03)", day);
		return (false);
	}
	if (!needed("tenant", ctl->tenant) ||
	    !needed("reference", ctl->reference) ||
	    !needed("reason", ctl->reason) ||
	    !needed("by", (ctl->given & OPT_BY) != 0 ? ctl->by : NULL) ||
	    !number("requests", ctl->requests, ctl->node == NULL,
		REQUESTS_MAX, &b->requests) ||
	    (ctl->node != NULL &&
		!number("node", ctl->node, 1, NODE - 1, &node)) ||
	    !number("entities", ctl->entities, 0, UINT32_MAX, &b->entities) ||
	    !number("bytes", ctl->bytes, 0, UINT64_C(1) << 50, &b->bytes))
		return (false);
	b->day = day;
	b->reference = ctl->reference;
	b->reason = ctl->reason;
	b->person = ctl->by;
	b->node = ctl->node;
	b->at.us = wall_berlin_day(date).us + WALL_DAY_US / 2;
	sha256(str_of(b->reference), hash);
	memcpy(b->id.b, hash, sizeof(b->id.b));
	return (true);
}

/* ---- in the database */

/* HUB_EEXIST: the reference is another booking's. */
static enum hub_err
note(struct db *db, const struct booking *b)
{
	char id[UUID_STR_MAX], n[3][24];
	const char *params[] = { id, b->reference, b->reason, b->person,
		b->day, b->consumer, b->provider, n[0], n[1], n[2], b->node };
	PGresult *res = NULL;
	enum hub_err err;

	uuid_format(&b->id, id);
	(void)snprintf(n[0], sizeof(n[0]), "%" PRIu64, b->requests);
	(void)snprintf(n[1], sizeof(n[1]), "%" PRIu64, b->entities);
	(void)snprintf(n[2], sizeof(n[2]), "%" PRIu64, b->bytes);
	err = db_exec(db,
	    "INSERT INTO ledger.estimate_note (id, reference, reason, "
	    "by_person, day, consumer, provider, requests, entities, bytes, "
	    "node_id, missing) "
	    "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::int, "
	    "(SELECT missing FROM report.capture c WHERE c.node_id = $11::int) "
	    "ON CONFLICT DO NOTHING", 11, params, NULL);
	if (err != HUB_OK)
		return (err);
	err = db_exec(db,
	    "SELECT FROM ledger.estimate_note WHERE id = $1 AND "
	    "reference = $2 AND reason = $3 AND by_person = $4 AND day = $5 "
	    "AND consumer = $6 AND provider = $7 AND requests = $8 AND "
	    "entities = $9 AND bytes = $10 AND "
	    "node_id IS NOT DISTINCT FROM $11", 11, params, &res);
	if (err == HUB_OK && PQntuples(res) != 1)
		err = HUB_EEXIST;
	PQclear(res);
	return (err);
}

/* One number of a query about the booking. */
static enum hub_err
ask_number(struct db *db, const char *sql, const struct booking *b,
    uint64_t *n_r)
{
	char id[UUID_STR_MAX];
	const char *params[] = { id };
	PGresult *res = NULL;
	enum hub_err err;

	uuid_format(&b->id, id);
	err = db_exec(db, sql, 1, params, &res);
	if (err == HUB_OK && (PQntuples(res) != 1 ||
		str_uint(str_of(PQgetvalue(res, 0, 0)), INT64_MAX, n_r) !=
		    HUB_OK))
		err = HUB_ENOENT;
	PQclear(res);
	return (err);
}

/* ---- its records */

static void
ags_copy(char to[8], const char *ags)
{
	memcpy(to, ags, strnlen(ags, 8));
}

static struct record
use(const struct booking *b, uint64_t i)
{
	struct record r = { .kind = RECORD_ESTIMATE, .start = b->at,
		.http_status = 200, .decision = DECISION_PERMIT,
		.operation = OPERATION_QUERY, .flags = RECORD_ESTIMATED,
		.decision_id = b->id };
	unsigned char text[sizeof(b->id.b) + 8], hash[SHA256_LEN];

	memcpy(text, b->id.b, sizeof(b->id.b));
	for (unsigned k = 0; k < 8; k++)
		text[sizeof(b->id.b) + k] = (unsigned char)(i >> (8 * k));
	sha256((struct str){ (const char *)text, sizeof(text) }, hash);
	memcpy(r.event_id.b, hash, sizeof(r.event_id.b));
	r.request_id = r.event_id;
	ags_copy(r.consumer_ags, b->consumer);
	ags_copy(r.provider_ags, b->provider);
	r.entities = (uint32_t)estimate_share(b->entities, i, b->requests);
	r.bytes_out = estimate_share(b->bytes, i, b->requests);
	return (r);
}

/* All of them into the spool; jobs and records stay until it is closed. */
static enum hub_err
submit(struct spool *sp, const struct booking *b, struct record *records,
    struct spool_job *jobs)
{
	enum hub_err err = HUB_OK;
	uint64_t i;
	unsigned n;

	for (i = 0; i < b->requests; i++)
		records[i] = use(b, i);
	for (i = 0; err == HUB_OK && i < b->requests; i += n) {
		n = b->requests - i < JOB ? (unsigned)(b->requests - i) : JOB;
		*jobs = (struct spool_job){ .records = records + i, .n = n };
		/* Full is only that the next segment is not made yet. */
		for (int tries = 0; tries < WAIT_MS; tries++) {
			err = spool_submit(sp, jobs);
			if (err != HUB_EFULL)
				break;
			(void)usleep(1000);
		}
		jobs++;
	}
	return (err);
}

/* All of it is in the database. */
static bool
load(struct spool *sp, const char *conninfo, uint64_t n)
{
	struct loader_stats st = { 0 };
	struct loader *l;

	log_set_level(LOG_WARN); /* that it is connected is hubd's to tell */
	l = loader_start(sp, conninfo);
	for (int64_t us = 0; us < INT64_C(1000) * WAIT_MS && st.loaded < n;
	     us += STEP_US) {
		(void)usleep(STEP_US);
		loader_stats(l, &st);
		progress_at(st.loaded, n);
	}
	loader_stop(l);
	return (st.loaded >= n);
}

/* The boot that the spool counts on from: no number twice, also within a
 * second. */
static bool
boot_write(const char *dir, uint64_t boot)
{
	char path[512];
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/boot", dir);
	f = fopen(path, "w");
	if (f == NULL)
		return (false);
	ok = fprintf(f, "%" PRIu64, boot) > 0;
	return (fclose(f) == 0 && ok);
}

static void
directory_remove(const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%.255s", dir,
		    e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(path);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

static enum ctl_exit
send_from(const char *dir, const char *conninfo, const struct booking *b)
{
	struct spool_conf conf = { .directory = dir, .segment = SEGMENT,
		.size = (b->requests * RECORD_LEN / SEGMENT + 8) * SEGMENT,
		.node_id = NODE };
	struct record *records = xcalloc(b->requests, sizeof(*records));
	struct spool_job *jobs = xcalloc(b->requests / JOB + 1,
	    sizeof(*jobs));
	enum ctl_exit code = CTL_FAILED;
	struct spool *sp = NULL;
	struct buf why;

	buf_init(&why, 1024);
	if (spool_open(&conf, &sp, &why) != HUB_OK)
		ctl_warn("%s: %s", dir, buf_cstr(&why));
	else if (submit(sp, b, records, jobs) != HUB_OK)
		ctl_warn("%s: %s", dir, strerror(errno));
	else
		code = load(sp, conninfo, b->requests) ? CTL_OK
						       : CTL_UNAVAILABLE;
	spool_close(sp);
	buf_clear(&why);
	free(jobs);
	free(records);
	return (code);
}

static enum ctl_exit
send(const char *conninfo, const struct booking *b, uint64_t boot)
{
	const char *tmp = getenv("TMPDIR");
	enum ctl_exit code = CTL_FAILED;
	char dir[256];

	(void)snprintf(dir, sizeof(dir), "%.200s/hubestimate.XXXXXX",
	    tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL) {
		ctl_warn("%s: %s", dir, strerror(errno));
		return (CTL_FAILED);
	}
	if (boot_write(dir, boot))
		code = send_from(dir, conninfo, b);
	else
		ctl_warn("%s: %s", dir, strerror(errno));
	directory_remove(dir);
	return (code);
}

/* ---- the command */

static enum ctl_exit
book(struct db *db, const char *conninfo, const struct booking *b)
{
	uint64_t boot = 0, booked = 0;
	enum ctl_exit code;
	enum hub_err err = note(db, b);

	if (err == HUB_EEXIST) {
		ctl_warn("the reference %s is that of another booking",
		    b->reference);
		return (CTL_FAILED);
	}
	if (err == HUB_OK)
		err = ask_number(db,
		    "SELECT coalesce(max(boot_epoch), 0) FROM "
		    "ledger.spool_checkpoint WHERE node_id = 65535 AND "
		    "$1::uuid IS NOT NULL", b, &boot);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	code = b->requests > 0 ? send(conninfo, b, boot) : CTL_OK;
	if (code != CTL_OK)
		return (code);
	err = ask_number(db,
	    "SELECT count(*) FROM ledger.event WHERE decision_id = $1 AND "
	    "class = 'estimate'", b, &booked);
	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	if (booked != b->requests) {
		ctl_warn("%" PRIu64 " of %" PRIu64 " uses are booked; the "
			 "same command goes on", booked, b->requests);
		return (CTL_AGAIN);
	}
	return (CTL_OK);
}

static void
say(const struct ctl *ctl, const struct booking *b)
{
	bool german = ctl->lang == LANG_DE;
	const char *done = german ? "sind als Schätzung verbucht"
				  : "are booked as estimates";

	progress_end();
	if (ctl->dry_run)
		done = german ? "würden als Schätzung verbucht"
			      : "would be booked as estimates";
	printf("%s: %" PRIu64 " %s %s, %s %s, %s\n", b->day, b->requests,
	    german ? "Nutzungen von" : "uses of", b->consumer,
	    german ? "Anbieter" : "provider", b->provider, done);
}

enum ctl_exit
cmd_estimate(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	struct booking b = { .provider = "00000000" };
	struct arena *a = arena_new();
	struct db *db = NULL;
	enum ctl_exit code;
	struct buf conninfo;

	buf_init(&conninfo, 4096);
	code = booking_read(ctl, argv[0], &b) ? CTL_OK : CTL_USAGE;
	if (code == CTL_OK)
		code = ctl_conninfo(ctl, &conninfo);
	if (code == CTL_OK)
		code = ctl_db(ctl, &db);
	if (code == CTL_OK) {
		b.consumer = ctl_tenant_ags(db, ctl->tenant, a);
		if (ctl->provider != NULL)
			b.provider = ctl_tenant_ags(db, ctl->provider, a);
		if (b.consumer == NULL || b.provider == NULL)
			code = CTL_FAILED;
	}
	if (code == CTL_OK && !ctl->dry_run)
		code = book(db, buf_cstr(&conninfo), &b);
	if (code == CTL_OK)
		say(ctl, &b);
	db_close(db);
	buf_clear(&conninfo);
	arena_free(a);
	return (code);
}
