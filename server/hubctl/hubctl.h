/* server/hubctl/hubctl.h - what the commands of hubctl share: the command
 * line as read, the database, exit codes, tables. */
#ifndef HUB_HUBCTL_HUBCTL_H
#define HUB_HUBCTL_HUBCTL_H

#include <stdint.h>
#include <stdio.h>

#include "sql/db.h"

/* Exit codes; 64 and above as in sysexits.h. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_DIFFERS = 3,
	CTL_USAGE = 64,
	CTL_UNAVAILABLE = 69,
	CTL_AGAIN = 75,
	CTL_DENIED = 77,
	CTL_CONFIG = 78
};

enum ctl_output { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_CSV };
enum ctl_lang { LANG_EN, LANG_DE };

/* Options that only some commands take. */
#define OPT_DRY_RUN (1U << 0)
#define OPT_NOTE    (1U << 1)
#define OPT_BY	    (1U << 2)
#define OPT_TENANT  (1U << 3)
#define OPT_KEY	    (1U << 4)
#define OPT_ALG	    (1U << 5)
#define OPT_KID	    (1U << 6)
#define OPT_TYP	    (1U << 7)
#define OPT_CNF_X5T (1U << 12)
#define OPT_CNF_JKT (1U << 13)
#define OPT_TOKEN   (1U << 14)
#define OPT_VERIFY  (1U << 8)
#define OPT_SINCE   (1U << 9)
#define OPT_CHECK   (1U << 10)
#define OPT_ODRL    (1U << 11)
#define OPT_VVT	    (1U << 15)
#define OPT_DCAT    (1U << 26)
#define OPT_ESTIMATE (1U << 27) /* requests, entities, bytes, ... */
#define OPT_REVERSE (1U << 29)
#define OPT_LOG	    (1U << 28)
#define OPT_DIRECTORY (UINT64_C(1) << 33)
#define OPT_PARTIES (UINT64_C(1) << 34)
#define OPT_DATE    (UINT64_C(1) << 32)
#define OPT_ALL	    (UINT64_C(1) << 40)
#define OPT_HTML    (UINT64_C(1) << 41)
#define OPT_PERIOD  (1U << 24)
#define OPT_TRACE   (1U << 25)
#define OPT_UNTIL   (1U << 31)
#define OPT_ISSUER  (1U << 30)
#define OPT_AS	    (1U << 16)
#define OPT_AREA    (1U << 17)
#define OPT_REASON  (1U << 18)
#define OPT_FOR	    (1U << 19)
#define OPT_ACCEPT  (1U << 20)
#define OPT_PURPOSE (1U << 21)
#define OPT_REGION  (1U << 22)
#define OPT_CONTEXT (1U << 23)

/* The command line; texts are borrowed from argv and NULL when not given. */
struct ctl {
	const char *config, *database;
	enum ctl_output output;
	enum ctl_lang lang;
	bool lang_given, help;
	uint64_t given; /* OPT_... */
	bool dry_run;
	const char *note, *by, *tenant, *key, *alg, *kid, *typ;
	const char *cnf_x5t, *cnf_jkt, *token;
	const char *period, *reverse;
	const char *requests, *entities, *bytes, *provider, *reference, *node;
	const char *as, *area, *reason, *length;
	const char *log, *directory;
	const char *accept, *purpose, *region, *context, *since;
	const char *until, *issuer, *date, *parties;
};

/* argv holds what follows the command's own words. */
typedef enum ctl_exit ctl_fn(const struct ctl *, int argc, char **argv);
ctl_fn cmd_db_init, cmd_db_migrate, cmd_db_status;
ctl_fn cmd_validate, cmd_apply, cmd_bundles, cmd_export;
ctl_fn cmd_token_mint, cmd_token_inspect, cmd_token_proof;
ctl_fn cmd_source_list, cmd_source_test;
ctl_fn cmd_status, cmd_reload, cmd_drain, cmd_log_level;
ctl_fn cmd_completion;
ctl_fn cmd_estimate;
ctl_fn cmd_usage, cmd_allocate, cmd_statement, cmd_compare, cmd_indicators,
    cmd_export_xrechnung;
ctl_fn cmd_period_list, cmd_period_close, cmd_period_retire, cmd_correct,
    cmd_period_deferred,
    cmd_plan;
ctl_fn cmd_export_journal, cmd_export_bookings, cmd_export_statement,
    cmd_export_usage, cmd_export_focus, cmd_export_protocol;
ctl_fn cmd_diff, cmd_rollback, cmd_sign;
ctl_fn cmd_audit, cmd_fmt, cmd_export_as;
ctl_fn cmd_agreements, cmd_who_can, cmd_what_can, cmd_explain;
ctl_fn cmd_simulate;
ctl_fn cmd_digest, cmd_digest_keygen, cmd_integrity, cmd_export_audit_data;
ctl_fn cmd_revoke, cmd_unrevoke, cmd_revocations;
ctl_fn cmd_crisis_declare, cmd_crisis_confirm, cmd_crisis_end,
    cmd_crisis_report, cmd_crisis_list;

#define CTL_DEFAULT_CONFIG HUB_SYSCONFDIR "/hubd.conf"

/* "hubctl: ..." on standard error, in the language of ctl_speak where
 * german_table.c has it (tests/flow/german.t: every format has), else in
 * English. */
void ctl_speak(enum ctl_lang);
void ctl_warn(const char *fmt, ...) HUB_PRINTF(1, 2);
enum ctl_exit ctl_exit_of(enum hub_err);

/* A person's name as the database takes it: one line, 1 to 255 bytes. */
#define CTL_PERSON_MAX 255
bool ctl_person(struct str);

/* The folder of the decision log: this one, if it is not NULL, else that of
 * hubd.conf; opened. Says on standard error why not. */
enum ctl_exit ctl_decisions(const struct ctl *, const char *folder, int *dir_r)
    HUB_MUST_CHECK;

struct config;
/* hubd.conf: the one that -c names, else the usual one. *config_r is NULL,
 * unless it is needed, when none is named and the usual one is not there. Says
 * on standard error what is wrong with it: CTL_CONFIG. */
enum ctl_exit ctl_config(const struct ctl *, bool needed,
    struct config **config_r) HUB_MUST_CHECK;
/* Which database: -d, else HUB_DATABASE, else hubd.conf, else
 * postgresql:///drehscheibe. CTL_CONFIG when hubd.conf is named and wrong. */
enum ctl_exit ctl_conninfo(const struct ctl *, struct buf *) HUB_MUST_CHECK;
/* The hub's name in hubd.conf, the one that -c names or the usual; else
 * "drehscheibe". Added to the buf. */
enum ctl_exit ctl_hub_name(const struct ctl *, struct buf *) HUB_MUST_CHECK;
/* Opens it, or says on standard error why not. */
enum ctl_exit ctl_db(const struct ctl *, struct db **) HUB_MUST_CHECK;
/* hubctl usage --by flow (cmd_report.c). */
enum ctl_exit report_flow(const struct ctl *, struct db *, const char *period,
    const char *from, const char *before, const char *ags) HUB_MUST_CHECK;
struct arena;
/* An AGS as it is, else that of the tenant of this name in the bundle in
 * force; NULL, and said on standard error: there is none. */
const char *ctl_tenant_ags(struct db *, const char *name, struct arena *);
/* Says what the database said; the exit code for it. */
enum ctl_exit ctl_db_failed(struct db *, enum hub_err);

/* A whole file, or standard input for "-", at most the ceiling of the buf.
 * Says on standard error why not. */
enum ctl_exit ctl_read(const char *path, struct buf *) HUB_MUST_CHECK;

/* Rows of text cells for people (-o table) and programs (json, csv). */
enum cell_kind {
	CELL_TEXT,
	CELL_INT,   /* decimal digits, perhaps with '-' */
	CELL_MILLI, /* an integer in thousandths; as such in JSON */
	CELL_DECIMAL, /* a number with a point, such as an amount */
	CELL_CENTS,   /* an integer of cents; as such in JSON, KEY_cents */
	CELL_DATE,  /* YYYY-MM-DD or YYYY-MM */
	CELL_BOOL   /* "t" or "f" */
};
struct column {
	const char *key;     /* in JSON and in English CSV */
	const char *en, *de; /* headings */
	enum cell_kind kind;
};
struct table;
struct table *table_new(const struct column *, size_t ncolumns) HUB_MUST_CHECK;
/* One cell per column, copied; NULL: no value. */
void table_add(struct table *, const char *const *cells);
/* All rows of a result whose columns are those of the table. */
void table_add_result(struct table *, const PGresult *);
void table_free(struct table *); /* may be NULL */
/* To standard output, then freed. */
void table_print_take(struct table *, const struct ctl *);
/* The same; with --html as a page to print, of that title in either language
 * and of a period, none of them with markup. */
void table_report_take(struct table *, const struct ctl *, const char *en,
    const char *de, const char *of);

/* A query whose columns are those of the table it is shown as. */
struct ctl_query {
	const char *sql;
	int nparams;
	const struct column *columns;
	size_t ncolumns;
	const char *en, *de, *of; /* as of table_report_take, or NULL */
};
/* Asks and prints; says on standard error why not. */
enum ctl_exit ctl_print_query(const struct ctl *, struct db *,
    const struct ctl_query *, const char *const *params) HUB_MUST_CHECK;

#endif
