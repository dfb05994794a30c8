/* server/hubctl/cmd_control.c - what is asked of the hub that runs here, over
 * its control socket (operator.h). */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/config.h"
#include "server/hubctl/hubctl.h"

#define ANSWER_MAX ((size_t)16 << 20)
#define WAIT_S	   30

/* Either may be a format: with the same arguments in both. */
__attribute__((format_arg(2), format_arg(3))) static const char *
by_lang(const struct ctl *ctl, const char *en, const char *de)
{
	return (ctl->lang == LANG_DE ? de : en);
}

/* Of hubd.conf, in the buf. */
static enum ctl_exit
socket_path(const struct ctl *ctl, struct buf *path)
{
	struct config *config = NULL;
	enum ctl_exit code = ctl_config(ctl, true, &config);

	if (code == CTL_OK && config->control == NULL) {
		ctl_warn(by_lang(ctl, "%s has no \"control\": hubd listens to "
			"nobody", "%s hat kein \"control\": hubd hört auf "
			"niemanden"), config->path);
		code = CTL_CONFIG;
	} else if (code == CTL_OK)
		buf_adds(path, str_of(config->control));
	config_free(config);
	return (code);
}

static enum ctl_exit
not_there(const struct ctl *ctl, const char *path, int fd, int error)
{
	if (fd >= 0)
		(void)close(fd);
	if (error == EACCES || error == EPERM) {
		ctl_warn(by_lang(ctl, "%s: only root, the hub's own user and "
			"members of control-group may use it",
			"%s: nur root, der Benutzer der Drehscheibe und "
			"Mitglieder von control-group dürfen ihn benutzen"),
		    path);
		return (CTL_DENIED);
	}
	ctl_warn(by_lang(ctl, "hubd does not run here, or not with this "
		"configuration: nobody listens on %s (%s)", "hubd läuft hier "
		"nicht oder nicht mit dieser Konfiguration: an %s hört "
		"niemand (%s)"), path, strerror(error));
	return (CTL_UNAVAILABLE);
}

static enum ctl_exit
reach(const struct ctl *ctl, int *fd_r)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	enum ctl_exit code;
	struct buf path;
	int fd;

	buf_init(&path, sizeof(to.sun_path) - 1);
	code = socket_path(ctl, &path);
	if (code == CTL_OK && (path.failed || path.len == 0)) {
		ctl_warn("control: not a path of a socket");
		code = CTL_CONFIG;
	}
	if (code == CTL_OK) {
		memcpy(to.sun_path, path.p, path.len);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 ||
		    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
			sizeof(wait)) != 0 ||
		    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
			code = not_there(ctl, to.sun_path, fd, errno);
		else
			*fd_r = fd;
	}
	buf_clear(&path);
	return (code);
}

/* The answer, or NULL. */
static json_t *
talk(int fd, struct str line)
{
	struct buf b;
	ssize_t n = 1;
	json_t *answer = NULL;
	char *room;

	buf_init(&b, ANSWER_MAX);
	/* Refused, it answers before it reads. */
	(void)send(fd, line.p, line.len, MSG_NOSIGNAL);
	while (n > 0 && (room = buf_room(&b, 65536)) != NULL) {
		n = recv(fd, room, 65536, 0);
		if (n > 0)
			b.len += (size_t)n;
	}
	if (n == 0 || (n < 0 && errno == ECONNRESET && b.len > 0))
		answer = json_loadb(b.p, b.len, JSON_REJECT_DUPLICATES, NULL);
	buf_clear(&b);
	return (answer);
}

/* What it says of errors, on standard error. */
static enum ctl_exit
judge(const struct ctl *ctl, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *detail = json_string_value(
	    json_object_get(answer, "detail"));

	if (answer == NULL) {
		ctl_warn("%s", by_lang(ctl, "hubd gave no answer",
		    "hubd hat nicht geantwortet"));
		return (CTL_UNAVAILABLE);
	}
	if (detail != NULL && detail[0] != '\0')
		ctl_warn("%.*s", (int)strcspn(detail, "\n"), detail);
	if (error == NULL)
		return (CTL_OK);
	return (strcmp(error, "denied") == 0 ? CTL_DENIED :
	    strcmp(error, "usage") == 0	     ? CTL_USAGE :
					       CTL_FAILED);
}

static enum ctl_exit
ask(const struct ctl *ctl, const char *command, const char *word,
    json_t **answer_r)
{
	enum ctl_exit code;
	struct buf line;
	json_t *answer;
	int fd = -1;

	code = reach(ctl, &fd);
	if (code != CTL_OK)
		return (code);
	buf_init(&line, 65536);
	buf_addf(&line, "%s%s%s\n", command, word != NULL ? " " : "",
	    word != NULL ? word : "");
	answer = talk(fd, buf_str(&line));
	buf_clear(&line);
	(void)close(fd);
	code = judge(ctl, answer);
	if (code == CTL_OK && answer_r != NULL)
		*answer_r = answer;
	else
		json_decref(answer);
	return (code);
}

/* ---- reload, drain, log-level */

static int64_t
number(const json_t *o, const char *key)
{
	return (json_integer_value(json_object_get(o, key)));
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return (s != NULL ? s : "");
}

static bool
truth(const json_t *o, const char *key)
{
	return (json_is_true(json_object_get(o, key)));
}

/* The command, with " dry-run" behind where only that is wanted. */
static enum ctl_exit
change(const struct ctl *ctl, const char *command, json_t **answer_r)
{
	return (ask(ctl, command, ctl->dry_run ? "dry-run" : NULL, answer_r));
}

enum ctl_exit
cmd_reload(const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	enum ctl_exit code = change(ctl, "reload", NULL);

	if (code == CTL_OK && ctl->dry_run)
		(void)puts(by_lang(ctl, "the configuration is good and would "
			"be read again", "die Einstellungen sind in Ordnung "
			"und würden neu gelesen"));
	return (code);
}

enum ctl_exit
cmd_drain(const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	json_t *answer = NULL;
	enum ctl_exit code = change(ctl, "drain", &answer);

	if (code == CTL_OK && truth(answer, "already"))
		ctl_warn(by_lang(ctl, "the hub is about to end already: "
			"%" PRId64 " requests under way", "der Hub wird schon "
			"beendet: %" PRId64 " Anfragen in Arbeit"),
		    number(answer, "open"));
	else if (code == CTL_OK && ctl->dry_run)
		printf(by_lang(ctl, "the hub would end: %" PRId64 " requests "
			"under way, at most %" PRId64 " ms\n", "der Hub würde "
			"beendet: %" PRId64 " Anfragen in Arbeit, höchstens "
			"%" PRId64 " ms\n"),
		    number(answer, "open"), number(answer, "within"));
	json_decref(answer);
	return (code);
}

enum ctl_exit
cmd_log_level(const struct ctl *ctl, int argc HUB_UNUSED, char **argv)
{
	json_t *answer = NULL;
	enum ctl_exit code;
	struct buf command;

	buf_init(&command, 256);
	buf_addf(&command, "log-level %.64s", argv[0]);
	code = change(ctl, buf_cstr(&command), &answer);
	if (code == CTL_OK && ctl->dry_run)
		printf(by_lang(ctl, "the log level would change from %s to "
			"%s\n", "die Protokollstufe würde von %s zu %s\n"),
		    text(answer, "from"), argv[0]);
	buf_clear(&command);
	json_decref(answer);
	return (code);
}

/* ---- status */

struct rows {
	const struct ctl *ctl;
	struct table *table;
};

static void
row(struct rows *r, const char *en, const char *de, const char *fmt, ...)
    HUB_PRINTF(4, 5);
static void
row(struct rows *r, const char *en, const char *de, const char *fmt, ...)
{
	const char *cells[2] = { by_lang(r->ctl, en, de), NULL };
	struct buf b;
	va_list ap;

	buf_init(&b, 65536);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	cells[1] = buf_cstr(&b);
	table_add(r->table, cells);
	buf_clear(&b);
}

static void
worker_rows(struct rows *r, const json_t *status)
{
	const json_t *list = json_object_get(status, "workers"), *w;
	int64_t connections = 0, open = 0, answered = 0;
	size_t i;

	json_array_foreach(list, i, w) {
		connections += number(w, "connections");
		open += number(w, "open");
		answered += number(w, "answered");
	}
	row(r, "workers", "Arbeiter", "%zu", json_array_size(list));
	row(r, "connections", "Verbindungen", "%" PRId64, connections);
	row(r, "requests under way", "Anfragen in Arbeit", "%" PRId64, open);
	row(r, "requests answered", "Anfragen beantwortet", "%" PRId64,
	    answered);
}

static void
source_rows(struct rows *r, const json_t *status, bool all)
{
	const json_t *list = json_object_get(status, "sources"), *s;
	struct buf name;
	size_t i;

	json_array_foreach(list, i, s) {
		if (!all && !truth(s, "paused"))
			continue;
		buf_init(&name, 65536);
		buf_addf(&name, "%s %s", by_lang(r->ctl, "source", "Quelle"),
		    text(s, "name"));
		row(r, buf_cstr(&name), buf_cstr(&name), "%s",
		    truth(s, "paused") ? by_lang(r->ctl,
			"paused: it failed several times in a row",
			"Pause: mehrmals nacheinander ausgefallen") :
		    by_lang(r->ctl, "asked", "wird gefragt"));
		buf_clear(&name);
	}
}

/* What there is only when something is wrong. */
static void
ledger_rows(struct rows *r, const json_t *spool, const json_t *ledger)
{
	if (truth(spool, "failed"))
		row(r, "spool's disk", "Platte dazu", "%s",
		    by_lang(r->ctl, "has failed", "ist ausgefallen"));
	else if (number(spool, "sync-failures") > 0)
		row(r, "spool's disk", "Platte dazu", by_lang(r->ctl,
		    "refused %" PRId64 " write(s), nothing was lost",
		    "verweigerte %" PRId64 "-mal das Schreiben, nichts ging "
		    "verloren"), number(spool, "sync-failures"));
	if (number(spool, "damaged") > 0)
		row(r, "damaged records", "Beschädigte Sätze", "%" PRId64,
		    number(spool, "damaged"));
	if (truth(spool, "clock-odd"))
		row(r, "clock", "Uhr", "%s", by_lang(r->ctl,
		    "in doubt, records are marked",
		    "zweifelhaft, Sätze sind markiert"));
	if (number(ledger, "estimates") > 0)
		row(r, "estimates that wait", "Wartende Schätzungen",
		    "%" PRId64, number(ledger, "estimates"));
	if (!truth(ledger, "up"))
		row(r, "loader", "Buchung", "%s", by_lang(r->ctl,
		    "waits for the database", "wartet auf die Datenbank"));
	if (number(ledger, "restored") > 0)
		row(r, "database found older", "Datenbank war älter",
		    "%" PRId64, number(ledger, "restored"));
}

static void
digest_row(struct rows *r, const json_t *ledger)
{
	int64_t h = number(ledger, "digest") / 3600;

	if (truth(ledger, "digest-signed"))
		row(r, "digest signed", "Digest unterschrieben",
		    by_lang(r->ctl, "%" PRId64 " h ago", "vor %" PRId64 " h"),
		    h);
	else if (number(ledger, "digest") >= 0)
		row(r, "digest signed", "Digest unterschrieben",
		    by_lang(r->ctl, "never, in use for %" PRId64 " h",
			"noch keiner, in Betrieb seit %" PRId64 " h"), h);
}

static void
status_rows(struct rows *r, const json_t *o)
{
	const struct ctl *c = r->ctl;
	const json_t *spool = json_object_get(o, "spool");
	const json_t *ledger = json_object_get(o, "ledger");

	row(r, "hub", "Drehscheibe", "%s", text(o, "name"));
	row(r, "version", "Version", "%s", text(o, "version"));
	row(r, "state", "Zustand", "%s", truth(o, "draining") ?
		by_lang(c, "about to end", "wird beendet") :
	    truth(o, "ready") ? by_lang(c, "ready", "bereit") :
				by_lang(c, "not ready", "nicht bereit"));
	row(r, "running for", "läuft seit", "%" PRId64 " s",
	    number(o, "uptime"));
	row(r, "bundle", "Stand", "%" PRId64, number(o, "bundle"));
	row(r, "policy confirmed", "Regeln bestätigt",
	    by_lang(c, "%" PRId64 " s ago", "vor %" PRId64 " s"),
	    number(o, "policy-age"));
	row(r, "database", "Datenbank", "%s", truth(o, "database") ?
		by_lang(c, "reached", "erreichbar") :
		by_lang(c, "away", "nicht erreichbar"));
	worker_rows(r, o);
	row(r, "spool", "Zwischenspeicher", "%" PRId64 " / %" PRId64
	    " bytes, %s", number(spool, "bytes"), number(spool, "size"),
	    text(spool, "level"));
	ledger_rows(r, spool, ledger);
	row(r, "loader lag", "Buchungsrückstand", "%" PRId64 " s",
	    number(ledger, "lag"));
	row(r, "conflicts", "Widersprüche", "%" PRId64,
	    number(ledger, "conflicts"));
	digest_row(r, ledger);
	row(r, "issuers without keys", "Aussteller ohne Schlüssel",
	    "%" PRId64, number(o, "keys-missing"));
	row(r, "log level", "Protokollstufe", "%s", text(o, "log-level"));
	source_rows(r, o, (c->given & OPT_ALL) != 0);
}

enum ctl_exit
cmd_status(const struct ctl *ctl, int argc HUB_UNUSED, char **argv HUB_UNUSED)
{
	static const struct column columns[] = {
		{ "what", "WHAT", "WAS", CELL_TEXT },
		{ "value", "VALUE", "WERT", CELL_TEXT },
	};
	json_t *answer = NULL;
	enum ctl_exit code;
	struct rows r = { ctl, NULL };

	code = ask(ctl, "status", NULL, &answer);
	if (code != CTL_OK)
		return (code);
	if (ctl->output == OUTPUT_JSON) {
		(void)json_object_del(answer, "ok");
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else {
		r.table = table_new(columns, 2);
		status_rows(&r, answer);
		table_print_take(r.table, ctl);
	}
	json_decref(answer);
	return (CTL_OK);
}
