/* server/hubctl/hubctl.c - the command line: one table of commands drives
 * dispatch, help and --list-commands, one of options the rest. */
#include "server/hubctl/hubctl.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "server/config.h"

#define DEFAULT_DATABASE "postgresql:///drehscheibe"
#define NEAR_ENOUGH	 3 /* edits that still count as a misspelling */

struct command {
	const char *name; /* one or two words */
	const char *args, *summary;
	unsigned options;
	int min, max; /* arguments */
	ctl_fn *run;
};

static const struct command commands[] = {
	{ "db init", "", "create the database if missing, then migrate it",
	    OPT_DRY_RUN, 0, 0, cmd_db_init },
	{ "db migrate", "", "apply the migrations that are missing",
	    OPT_DRY_RUN, 0, 0, cmd_db_migrate },
	{ "db status", "", "which migrations are applied; 3 when some are not",
	    0, 0, 0, cmd_db_status },
	{ "validate", "PATH...", "check region files", 0, 1, 4096,
	    cmd_validate },
	{ "apply", "PATH...", "store region files as the bundle in force",
	    OPT_NOTE | OPT_DRY_RUN, 1, 4096, cmd_apply },
	{ "bundles", "", "list the stored bundles", 0, 0, 0, cmd_bundles },
	{ "export", "[BUNDLE] DIR", "write the files of a bundle",
	    OPT_DRY_RUN, 1, 2, cmd_export },
	{ "usage", "PERIOD", "what was used in 2026, 2026-11 or 2026-11-03",
	    OPT_BY | OPT_TENANT, 1, 1, cmd_usage },
	{ "source list", "", "list the sources of the bundle in force", 0, 0, 0,
	    cmd_source_list },
	{ "source test", "NAME", "ask a source as the hub would, and say what "
	    "was seen", 0, 1, 1, cmd_source_test },
	{ "token mint", "CLAIMS", "sign claims for tests and the demo issuer",
	    OPT_KEY | OPT_ALG | OPT_KID | OPT_TYP, 1, 1, cmd_token_mint },
	{ "token inspect", "TOKEN|-", "show what a token says, verify nothing",
	    0, 1, 1, cmd_token_inspect },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Values of long options without a letter: above every character. */
enum { LONG_LANG = 256, LONG_LIST, LONG_VERSION, LONG_OWN };

struct own_option {
	const char *name, *arg, *summary;
	unsigned bit;
	size_t field; /* a const char * in struct ctl; unused without arg */
};

#define FIELD(name) offsetof(struct ctl, name)
static const struct own_option own_options[] = {
	{ "dry-run", NULL, "say what would happen, change nothing",
	    OPT_DRY_RUN, 0 },
	{ "note", "TEXT", "a remark kept with the bundle", OPT_NOTE,
	    FIELD(note) },
	{ "by", "WHAT", "tenant (default), provider, purpose, type or month",
	    OPT_BY, FIELD(by) },
	{ "tenant", "NAME", "only what this tenant used (name or AGS)",
	    OPT_TENANT, FIELD(tenant) },
	{ "key", "FILE", "PEM private key", OPT_KEY, FIELD(key) },
	{ "alg", "ALG", "RS256 or ES256", OPT_ALG, FIELD(alg) },
	{ "kid", "ID", "key id of the header", OPT_KID, FIELD(kid) },
	{ "typ", "TYPE", "type of the header, at+jwt unless given", OPT_TYP,
	    FIELD(typ) },
};
#define NOWN (sizeof(own_options) / sizeof(own_options[0]))

static enum ctl_exit dispatch(struct ctl *, int argc, char **argv);
static int parse_options(struct ctl *, int argc, char **argv);
static void help(FILE *);
static void list_commands(void);

int
main(int argc, char **argv)
{
	struct ctl ctl = { .typ = "at+jwt", .by = "tenant" };
	enum ctl_exit code;
	int done;

	/* Column widths need to know UTF-8 even where no locale is set. */
	if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	done = parse_options(&ctl, argc, argv);
	code = done >= 0 ? (enum ctl_exit)done :
			   dispatch(&ctl, argc - optind, argv + optind);
	/* A full disk must not look like an answer. */
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && code == CTL_OK) {
		ctl_warn("standard output: %s", strerror(errno));
		code = CTL_FAILED;
	}
	return ((int)code);
}

static const char *const output_names[] = { "table", "json", "csv" };
static const char *const lang_names[] = { "en", "de" };

/* The index of a word in a list of n, or -1 with a message. */
static int
choose(const char *what, const char *word, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(word, names[i]) == 0)
			return (i);
	ctl_warn("%s %s is not known; allowed: %s, %s%s%s", what, word,
	    names[0], names[1], n > 2 ? ", " : "", n > 2 ? names[2] : "");
	return (-1);
}

static void
take_own(struct ctl *ctl, const struct own_option *o, const char *value)
{
	ctl->given |= o->bit;
	if (o->arg == NULL)
		ctl->dry_run = true;
	else
		memcpy((char *)ctl + o->field, &value, sizeof(value));
}

/* One option; -1 to go on, else the exit code. */
static int
take_option(struct ctl *ctl, int c)
{
	int i;

	switch (c) {
	case 'c':
		ctl->config = optarg;
		return (-1);
	case 'd':
		ctl->database = optarg;
		return (-1);
	case 'o':
		if ((i = choose("output", optarg, output_names, 3)) < 0)
			return (CTL_USAGE);
		ctl->output = (enum ctl_output)i;
		return (-1);
	case LONG_LANG:
		if ((i = choose("language", optarg, lang_names, 2)) < 0)
			return (CTL_USAGE);
		ctl->lang = (enum ctl_lang)i;
		return (-1);
	case 'h':
		help(stdout);
		return (CTL_OK);
	case LONG_LIST:
		list_commands();
		return (CTL_OK);
	case LONG_VERSION:
		printf("hubctl %s\n", PACKAGE_VERSION);
		return (CTL_OK);
	default:
		if (c < LONG_OWN || c >= LONG_OWN + (int)NOWN)
			return (CTL_USAGE);
		take_own(ctl, &own_options[c - LONG_OWN], optarg);
		return (-1);
	}
}

static int
parse_options(struct ctl *ctl, int argc, char **argv)
{
	static const struct option common[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "database", required_argument, NULL, 'd' },
		{ "output", required_argument, NULL, 'o' },
		{ "lang", required_argument, NULL, LONG_LANG },
		{ "help", no_argument, NULL, 'h' },
		{ "list-commands", no_argument, NULL, LONG_LIST },
		{ "version", no_argument, NULL, LONG_VERSION },
	};
	enum { NCOMMON = sizeof(common) / sizeof(common[0]) };
	struct option all[NCOMMON + NOWN + 1] = { 0 };
	int c, done = -1;

	memcpy(all, common, sizeof(common));
	for (size_t i = 0; i < NOWN; i++)
		all[NCOMMON + i] = (struct option){ own_options[i].name,
			own_options[i].arg != NULL ? required_argument :
						     no_argument,
			NULL, LONG_OWN + (int)i };
	while (done < 0 &&
	    (c = getopt_long(argc, argv, "c:d:o:hV", all, NULL)) != -1)
		done = take_option(ctl, c == 'V' ? LONG_VERSION : c);
	return (done);
}

/* How many of the words make up this command's name; 0: another command. */
static int
words_matched(const struct command *cmd, int argc, char **argv)
{
	struct str rest = str_of(cmd->name), word;
	int n = 0;

	while (str_cut(&rest, ' ', &word)) {
		if (n >= argc || !str_eq(word, str_of(argv[n])))
			return (0);
		n++;
	}
	return (n);
}

/* The nearest name to what was written, if near enough. */
static enum ctl_exit
unknown(int argc, char **argv)
{
	const char *best = NULL;
	unsigned distance = NEAR_ENOUGH + 1;
	struct buf two;

	buf_init(&two, 256);
	buf_addf(&two, "%.64s", argv[0]);
	for (int words = 1; words <= 2 && words <= argc; words++) {
		if (words == 2)
			buf_addf(&two, " %.64s", argv[1]);
		for (size_t i = 0; i < NCOMMANDS; i++) {
			unsigned d = str_distance(str_of(commands[i].name),
			    buf_str(&two));

			if (d < distance) {
				distance = d;
				best = commands[i].name;
			}
		}
	}
	if (best != NULL)
		ctl_warn("no command \"%s\"; the nearest is \"%s\"",
		    buf_cstr(&two), best);
	else
		ctl_warn("no command \"%s\"; --help lists them", argv[0]);
	buf_clear(&two);
	return (CTL_USAGE);
}

/* The command may take the options given and this many arguments. */
static bool
allowed(const struct ctl *ctl, const struct command *cmd, int argc)
{
	for (size_t i = 0; i < NOWN; i++)
		if ((ctl->given & ~cmd->options & own_options[i].bit) != 0) {
			ctl_warn("%s takes no --%s", cmd->name,
			    own_options[i].name);
			return (false);
		}
	if (argc < cmd->min || argc > cmd->max) {
		ctl_warn("usage: hubctl %s %s", cmd->name, cmd->args);
		return (false);
	}
	return (true);
}

static enum ctl_exit
dispatch(struct ctl *ctl, int argc, char **argv)
{
	if (argc == 0) {
		help(stderr);
		return (CTL_USAGE);
	}
	for (size_t i = 0; i < NCOMMANDS; i++) {
		int n = words_matched(&commands[i], argc, argv);

		if (n == 0)
			continue;
		if (!allowed(ctl, &commands[i], argc - n))
			return (CTL_USAGE);
		return (commands[i].run(ctl, argc - n, argv + n));
	}
	return (unknown(argc, argv));
}

static void
help(FILE *out)
{
	fputs("usage: hubctl [-c hubd.conf] [-d CONNINFO] "
	      "[-o table|json|csv] [--lang de|en] COMMAND\n\ncommands:\n",
	    out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-14s %-13s %s\n", commands[i].name,
		    commands[i].args, commands[i].summary);
	fputs("\noptions of commands:\n", out);
	for (size_t i = 0; i < NOWN; i++)
		fprintf(out, "  --%-8s %-5s %s\n", own_options[i].name,
		    own_options[i].arg != NULL ? own_options[i].arg : "",
		    own_options[i].summary);
	fputs("\nhubctl(1) has the rest.\n", out);
}

static void
list_commands(void)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		printf("%s\n", commands[i].name);
}

void
ctl_warn(const char *fmt, ...)
{
	va_list ap;

	fputs("hubctl: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
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
ctl_conninfo(const struct ctl *ctl, struct buf *out)
{
	const char *path = ctl->config, *env = getenv("HUB_DATABASE");
	struct config *config = NULL;
	struct buf why;

	if (ctl->database != NULL || (env != NULL && env[0] != '\0')) {
		buf_adds(out, str_of(ctl->database != NULL ? ctl->database :
							     env));
		return (CTL_OK);
	}
	if (path == NULL && access(CTL_DEFAULT_CONFIG, R_OK) == 0)
		path = CTL_DEFAULT_CONFIG;
	if (path == NULL) {
		buf_adds(out, str_of(DEFAULT_DATABASE));
		return (CTL_OK);
	}
	buf_init(&why, 65536);
	if (config_load(path, &config, &why) != HUB_OK) {
		ctl_warn("%s", buf_cstr(&why));
		buf_clear(&why);
		return (CTL_CONFIG);
	}
	buf_clear(&why);
	buf_adds(out, str_of(config->database != NULL ? config->database :
							DEFAULT_DATABASE));
	config_free(config);
	return (CTL_OK);
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

enum ctl_exit
ctl_db_failed(struct db *db, enum hub_err err)
{
	const char *why = db_why(db);

	ctl_warn("%s", why[0] != '\0' ? why : hub_err_str(err));
	return (ctl_exit_of(err));
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
