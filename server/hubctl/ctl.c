/* server/hubctl/ctl.c - what commands share, as hubctl.h tells: messages, the
 * database and why it fails, files. */
#include "server/hubctl/hubctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "server/config.h"
#include "server/hubctl/german.h"
#include "server/hubctl/progress.h"

#define DEFAULT_DATABASE "postgresql:///drehscheibe"
#define DEFAULT_NAME	 "drehscheibe" /* as in server/config_setting.c */

/* Of the process: whom it talks to. */
static enum ctl_lang spoken = LANG_EN;

void
ctl_speak(enum ctl_lang lang)
{
	spoken = lang;
}

void
ctl_warn(const char *fmt, ...)
{
	struct buf german;
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	buf_init(&german, 8192);
	progress_end();
	(void)fprintf(stderr, "hubctl: %s\n",
	    spoken == LANG_DE && german_of(str_of(text), &german) &&
		    !german.failed ? buf_cstr(&german) : text);
	buf_clear(&german);
	free(text);
}

enum ctl_exit
ctl_exit_of(enum hub_err err)
{
	static const enum ctl_exit codes[HUB_ERR_MAX] = {
		[HUB_OK] = CTL_OK,
		[HUB_ESYNTAX] = CTL_CONFIG,
		[HUB_ERANGE] = CTL_CONFIG,
		[HUB_EFULL] = CTL_FAILED,
		[HUB_ENOENT] = CTL_FAILED,
		[HUB_EEXIST] = CTL_FAILED,
		[HUB_EDENIED] = CTL_DENIED,
		[HUB_ELATE] = CTL_AGAIN,
		[HUB_EIO] = CTL_UNAVAILABLE,
		[HUB_ECLOSED] = CTL_UNAVAILABLE,
		[HUB_EAGAIN] = CTL_AGAIN,
		[HUB_ELOOP] = CTL_FAILED,
		[HUB_ECONFLICT] = CTL_AGAIN,
		[HUB_ENOTSUP] = CTL_FAILED,
	};

	return (codes[err]);
}

enum ctl_exit
ctl_config(const struct ctl *ctl, bool needed, struct config **config_r)
{
	const char *path = ctl->config != NULL ? ctl->config :
						 CTL_DEFAULT_CONFIG;
	enum ctl_exit code = CTL_OK;
	struct buf why;

	*config_r = NULL;
	if (ctl->config == NULL && !needed && access(path, R_OK) != 0)
		return (CTL_OK);
	buf_init(&why, 65536);
	if (config_load(path, config_r, &why) != HUB_OK) {
		/* It ends with a line break, as ctl_warn() does. */
		ctl_warn("%.*s", (int)strcspn(buf_cstr(&why), "\n"),
		    buf_cstr(&why));
		code = CTL_CONFIG;
	}
	buf_clear(&why);
	return (code);
}

enum ctl_exit
ctl_conninfo(const struct ctl *ctl, struct buf *out)
{
	const char *env = getenv("HUB_DATABASE");
	struct config *config = NULL;
	enum ctl_exit code;

	if (ctl->database != NULL || (env != NULL && env[0] != '\0')) {
		buf_adds(out, str_of(ctl->database != NULL ? ctl->database :
							     env));
		return (CTL_OK);
	}
	code = ctl_config(ctl, false, &config);
	if (code == CTL_OK)
		buf_adds(out, str_of(config != NULL ? config->database :
						      DEFAULT_DATABASE));
	config_free(config);
	return (code);
}

enum ctl_exit
ctl_hub_name(const struct ctl *ctl, struct buf *out)
{
	struct config *config = NULL;
	enum ctl_exit code = ctl_config(ctl, false, &config);

	if (code == CTL_OK)
		buf_adds(out, config != NULL ? config->name :
					       STR(DEFAULT_NAME));
	config_free(config);
	return (code);
}

/* Of hubd.conf, in the buf; empty: none is kept. */
static enum ctl_exit
configured_decisions(const struct ctl *ctl, struct buf *folder)
{
	struct config *config = NULL;
	enum ctl_exit code = ctl_config(ctl, false, &config);

	if (config != NULL)
		buf_adds(folder, str_of(config->decision_directory));
	config_free(config);
	return (code);
}

enum ctl_exit
ctl_decisions(const struct ctl *ctl, const char *folder, int *dir_r)
{
	enum ctl_exit code = CTL_OK;
	struct buf b;

	buf_init(&b, 65536);
	if (folder != NULL)
		buf_adds(&b, str_of(folder));
	else
		code = configured_decisions(ctl, &b);
	if (code == CTL_OK && b.len == 0) {
		ctl_warn("%s", ctl->lang == LANG_DE ?
		    "es wird kein Entscheidungsprotokoll geführt "
		    "(decision-log.directory in hubd.conf)" :
		    "no decision log is kept (decision-log.directory in "
		    "hubd.conf)");
		code = CTL_FAILED;
	}
	if (code == CTL_OK) {
		*dir_r = open(buf_cstr(&b), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*dir_r < 0) {
			ctl_warn("%s: %s", buf_cstr(&b), strerror(errno));
			code = CTL_FAILED;
		}
	}
	buf_clear(&b);
	return (code);
}

enum ctl_exit
ctl_db(const struct ctl *ctl, struct db **db_r)
{
	struct buf conninfo, why;
	enum ctl_exit code;

	buf_init(&conninfo, 65536);
	buf_init(&why, 4096);
	code = ctl_conninfo(ctl, &conninfo);
	if (code == CTL_OK &&
	    db_open(buf_cstr(&conninfo), db_r, &why) != HUB_OK) {
		ctl_warn("%s", buf_cstr(&why));
		code = CTL_UNAVAILABLE;
	}
	buf_clear(&conninfo);
	buf_clear(&why);
	return (code);
}

/* A table that is not there is most often a schema of before. Where the
 * connection is gone, or a transaction has failed, this says nothing. */
static void
hint_migrations(struct db *db)
{
	int applied, known;

	if (db_migrate_status(db, &applied, &known) == HUB_OK &&
	    applied < known)
		ctl_warn("the database lacks %d of %d migrations; run \"hubctl "
			 "db migrate\"", known - applied, known);
}

enum ctl_exit
ctl_db_failed(struct db *db, enum hub_err err)
{
	const char *why = db_why(db);

	ctl_warn("%s", why[0] != '\0' ? why : hub_err_str(err));
	if (err == HUB_EDENIED && strncmp(why, "permission ", 11) == 0)
		ctl_warn("the account %s lacks a role of the hub; hubctl(1), "
			 "Database, names them", PQuser(db_conn(db)));
	else if (err == HUB_EIO)
		hint_migrations(db);
	return (ctl_exit_of(err));
}

enum ctl_exit
ctl_print_query(const struct ctl *ctl, struct db *db,
    const struct ctl_query *q, const char *const *params)
{
	PGresult *res = NULL;
	enum hub_err err = db_exec(db, q->sql, q->nparams, params, &res);
	struct table *t;

	if (err != HUB_OK)
		return (ctl_db_failed(db, err));
	t = table_new(q->columns, q->ncolumns);
	table_add_result(t, res);
	PQclear(res);
	if (q->en != NULL)
		table_report_take(t, ctl, q->en, q->de, q->of);
	else
		table_print_take(t, ctl);
	return (CTL_OK);
}

enum ctl_exit
ctl_read(const char *path, struct buf *out)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	enum ctl_exit code = CTL_OK;
	char chunk[4096];
	size_t n;

	if (f == NULL) {
		ctl_warn("%s: %s", path, strerror(errno));
		return (CTL_FAILED);
	}
	while (!out->failed && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	if (out->failed) {
		ctl_warn("%s: larger than %zu bytes", path, out->max);
		code = CTL_CONFIG;
	} else if (ferror(f) != 0) {
		ctl_warn("%s: cannot be read", path);
		code = CTL_FAILED;
	}
	if (f != stdin)
		(void)fclose(f);
	return (code);
}

bool
ctl_person(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (false);
	return (s.len > 0 && s.len <= CTL_PERSON_MAX && str_utf8(s) &&
	    str_trim(s).len == s.len);
}
