/* server/hubctl/hubctl.c - the command line: the table of commands
 * (commands.c) drives dispatch, help and --list-commands, that of options the
 * rest. */
#include "server/hubctl/command.h"
#include "server/hubctl/progress.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>

#include "config.h"

#define NEAR_ENOUGH 3 /* edits that still count as a misspelling */
#define OPTIONS_MAX 64

static const struct command *commands;
static const struct own_option *own_options;
static size_t ncommands, nown;

/* Values of long options without a letter: above every character. */
enum { LONG_LANG = 256, LONG_LIST, LONG_VERSION, LONG_OWN };

static enum ctl_exit dispatch(struct ctl *, int argc, char **argv);
static int parse_options(struct ctl *, int argc, char **argv);
static void help(const struct ctl *, FILE *);
static void help_command(const struct ctl *, FILE *, const struct command *);
static void help_group(const struct ctl *, FILE *, const char *word);
static bool has_group(const char *word);
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
	commands = ctl_commands(&ncommands);
	own_options = ctl_options(&nown);
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
	if (o->bit == OPT_DRY_RUN)
		ctl->dry_run = true;
	else if (o->arg != NULL)
		memcpy((char *)ctl + o->field, &value, sizeof(value));
}

/* What the environment says (POSIX, 8.2). CSV is the same in all of them: it
 * is read by programs. */
static enum ctl_lang
lang_of_environment(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	const char *value;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = getenv(names[i]);
		if (value != NULL && value[0] != '\0')
			return (strncmp(value, "de", 2) == 0 ? LANG_DE :
							       LANG_EN);
	}
	return (LANG_EN);
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
		ctl->lang_given = true;
		ctl_speak(ctl->lang);
		return (-1);
	case 'h':
		ctl->help = true;
		return (-1);
	case LONG_LIST:
		list_commands();
		return (CTL_OK);
	case LONG_VERSION:
		printf("hubctl %s\n", PACKAGE_VERSION);
		return (CTL_OK);
	default:
		if (c < LONG_OWN || c >= LONG_OWN + (int)nown)
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
	struct option all[NCOMMON + OPTIONS_MAX + 1] = { 0 };
	int c, done = -1;

	assert(nown <= OPTIONS_MAX);
	memcpy(all, common, sizeof(common));
	for (size_t i = 0; i < nown; i++)
		all[NCOMMON + i] = (struct option){ own_options[i].name,
			own_options[i].arg != NULL ? required_argument :
						     no_argument,
			NULL, LONG_OWN + (int)i };
	ctl_speak(lang_of_environment()); /* of mistakes in options */
	while (done < 0 &&
	    (c = getopt_long(argc, argv, "c:d:o:hV", all, NULL)) != -1)
		done = take_option(ctl, c == 'V' ? LONG_VERSION : c);
	if (!ctl->lang_given && ctl->output != OUTPUT_CSV)
		ctl->lang = lang_of_environment();
	ctl_speak(ctl->lang);
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
static const char *
nearest(int argc, char **argv)
{
	const char *best = NULL;
	unsigned distance = NEAR_ENOUGH + 1;
	struct buf two;

	buf_init(&two, 256);
	buf_addf(&two, "%.64s", argv[0]);
	for (int words = 1; words <= 2 && words <= argc; words++) {
		if (words == 2)
			buf_addf(&two, " %.64s", argv[1]);
		for (size_t i = 0; i < ncommands; i++) {
			unsigned d = str_distance(str_of(commands[i].name),
			    buf_str(&two));

			if (d < distance) {
				distance = d;
				best = commands[i].name;
			}
		}
	}
	buf_clear(&two);
	return (best);
}

/* With the first of two words right, all second ones are told. */
static enum ctl_exit
unknown(const struct ctl *ctl, int argc, char **argv)
{
	const char *best;

	if (has_group(argv[0])) {
		ctl_warn("%s %s; there are:", argv[0],
		    argc > 1 ? "has no such command" : "is half a command");
		help_group(ctl, stderr, argv[0]);
	} else if ((best = nearest(argc, argv)) != NULL)
		ctl_warn("no command \"%.64s\"; the nearest is \"%s\"",
		    argv[0], best);
	else
		ctl_warn("no command \"%.64s\"; --help lists them", argv[0]);
	return (CTL_USAGE);
}

/* The command may take the options given and this many arguments. */
static bool
allowed(const struct ctl *ctl, const struct command *cmd, int argc)
{
	for (size_t i = 0; i < nown; i++)
		if ((ctl->given & ~cmd->options & own_options[i].bit) != 0) {
			ctl_warn("%s takes no --%s", cmd->name,
			    own_options[i].name);
			return (false);
		}
	/* A program that reads JSON must not be given a page for it. */
	if ((ctl->given & OPT_HTML) != 0 && ctl->output != OUTPUT_TABLE) {
		ctl_warn("--html and -o %s exclude each other",
		    output_names[ctl->output]);
		return (false);
	}
	if (argc < cmd->min || argc > cmd->max) {
		help_command(ctl, stderr, cmd);
		return (false);
	}
	return (true);
}

/* hubctl --help, hubctl db --help, hubctl db init --help */
static enum ctl_exit
help_wanted(const struct ctl *ctl, const struct command *cmd, int argc,
    char **argv)
{
	if (cmd != NULL)
		help_command(ctl, stdout, cmd);
	else if (argc == 0)
		help(ctl, stdout);
	else if (has_group(argv[0]))
		help_group(ctl, stdout, argv[0]);
	else
		return (unknown(ctl, argc, argv));
	return (CTL_OK);
}

static enum ctl_exit
dispatch(struct ctl *ctl, int argc, char **argv)
{
	const struct command *cmd = NULL;
	enum ctl_exit code;
	int n = 0;

	for (size_t i = 0; n == 0 && i < ncommands; i++)
		if ((n = words_matched(&commands[i], argc, argv)) > 0)
			cmd = &commands[i];
	if (ctl->help)
		return (help_wanted(ctl, cmd, argc, argv));
	if (argc == 0) {
		help(ctl, stderr);
		return (CTL_USAGE);
	}
	if (cmd == NULL)
		return (unknown(ctl, argc, argv));
	if (!allowed(ctl, cmd, argc - n))
		return (CTL_USAGE);
	if (cmd->slow)
		progress_begin(ctl, cmd->name);
	code = cmd->run(ctl, argc - n, argv + n);
	progress_end();
	return (code);
}

static const char *
by_lang(const struct ctl *ctl, const char *en, const char *de)
{
	return (ctl->lang == LANG_DE ? de : en);
}

static void
help_row(const struct ctl *ctl, FILE *out, const struct command *cmd)
{
	fprintf(out, "  %-14s %-13s %s\n", cmd->name, cmd->args,
	    by_lang(ctl, cmd->en, cmd->de));
}

/* The options of a command, or all. */
static void
help_options(const struct ctl *ctl, FILE *out, uint64_t bits)
{
	char left[64];

	for (size_t i = 0; i < nown; i++) {
		const struct own_option *o = &own_options[i];

		if ((o->bit & bits) == 0)
			continue;
		(void)snprintf(left, sizeof(left), "--%s %s", o->name,
		    o->arg != NULL ? o->arg : "");
		fprintf(out, "  %-22s %s\n", left, by_lang(ctl, o->en, o->de));
	}
}

static void
help(const struct ctl *ctl, FILE *out)
{
	fprintf(out, "%s: hubctl [-c hubd.conf] [-d CONNINFO] "
	    "[-o table|json|csv]\n              [--lang de|en] %s\n\n%s:\n",
	    by_lang(ctl, "usage", "Aufruf"), by_lang(ctl, "COMMAND", "BEFEHL"),
	    by_lang(ctl, "commands", "Befehle"));
	for (size_t i = 0; i < ncommands; i++)
		help_row(ctl, out, &commands[i]);
	fprintf(out, "\n%s:\n",
	    by_lang(ctl, "options of commands", "Optionen der Befehle"));
	help_options(ctl, out, ~UINT64_C(0));
	fprintf(out, "\n%s\n", by_lang(ctl, "hubctl COMMAND --help tells which "
		"of them it takes; hubctl(1) has the rest.", "Welche davon "
		"ein Befehl nimmt, sagt hubctl BEFEHL --help; alles Weitere "
		"steht in hubctl(1)."));
}

static void
help_command(const struct ctl *ctl, FILE *out, const struct command *cmd)
{
	fprintf(out, "%s: hubctl %s%s%s%s\n  %s\n",
	    by_lang(ctl, "usage", "Aufruf"), cmd->name,
	    cmd->args[0] != '\0' ? " " : "", cmd->args,
	    cmd->options != 0 ? " [OPTION...]" : "",
	    by_lang(ctl, cmd->en, cmd->de));
	help_options(ctl, out, cmd->options);
}

/* Of "db init" the word "db". */
static bool
in_group(const struct command *cmd, const char *word)
{
	size_t len = strlen(word);

	return (strncmp(cmd->name, word, len) == 0 && cmd->name[len] == ' ');
}

static bool
has_group(const char *word)
{
	assert(commands != NULL);
	for (size_t i = 0; i < ncommands; i++)
		if (in_group(&commands[i], word))
			return (true);
	return (false);
}

static void
help_group(const struct ctl *ctl, FILE *out, const char *word)
{
	for (size_t i = 0; i < ncommands; i++)
		if (in_group(&commands[i], word))
			help_row(ctl, out, &commands[i]);
}

static void
list_commands(void)
{
	for (size_t i = 0; i < ncommands; i++)
		printf("%s\n", commands[i].name);
}
