/* server/hubctl/hubctl.c - the command line: one table of commands drives
 * dispatch, help and --list-commands, one of options the rest. */
#include "server/hubctl/command.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>

#include "config.h"

#define NEAR_ENOUGH	 3 /* edits that still count as a misspelling */

static const struct command commands[] = {
	{ "db init", "", "create the database if missing, then migrate it",
	    OPT_DRY_RUN, 0, 0, cmd_db_init },
	{ "db migrate", "", "apply the migrations that are missing",
	    OPT_DRY_RUN, 0, 0, cmd_db_migrate },
	{ "db status", "", "which migrations are applied; exit code 3: not all",
	    0, 0, 0, cmd_db_status },
	{ "validate", "PATH...", "check region files", 0, 1, 4096,
	    cmd_validate },
	{ "apply", "PATH...", "store region files as the bundle in force",
	    OPT_NOTE | OPT_ACCEPT | OPT_DRY_RUN, 1, 4096, cmd_apply },
	{ "diff", "[PATH...]", "what an apply would change; exit code 3: it "
	    "widens", 0, 0, 4096, cmd_diff },
	{ "rollback", "BUNDLE", "put the text of an older bundle in force again",
	    OPT_NOTE | OPT_ACCEPT | OPT_DRY_RUN, 1, 1, cmd_rollback },
	{ "bundles", "", "list the stored bundles", 0, 0, 0, cmd_bundles },
	{ "export journal", "PERIOD", "entries booked in 2026 or 2026-11", 0, 1,
	    1, cmd_export_journal },
	{ "export statement", "PERIOD", "all members' closed statements of it",
	    0, 1, 1, cmd_export_statement },
	{ "export usage", "PERIOD", "the roll-ups booked in it", 0, 1, 1,
	    cmd_export_usage },
	{ "export focus", "PERIOD", "the charges booked in it, as FOCUS 1.2", 0,
	    1, 1, cmd_export_focus },
	{ "export xrechnung", "TENANT MONTH", "what was booked for it in a "
	    "closed month, as an invoice (XRechnung, UBL)", OPT_PARTIES, 2, 2,
	    cmd_export_xrechnung },
	{ "export audit-data", "DIR", "the ledger and its chain, for hubverify",
	    OPT_PERIOD | OPT_DRY_RUN, 1, 1, cmd_export_audit_data },
	{ "export", "[BUNDLE] DIR", "write the files of a bundle; or of the one "
	    "in force", OPT_DRY_RUN | OPT_ODRL | OPT_VVT | OPT_DCAT |
	    OPT_TENANT | OPT_REGION, 0, 2, cmd_export },
	{ "fmt", "PATH...", "put region files into their usual form",
	    OPT_CHECK | OPT_DRY_RUN, 1, 4096, cmd_fmt },
	{ "digest keygen", "FILE", "make the key that digests are signed with",
	    OPT_DRY_RUN, 1, 1, cmd_digest_keygen },
	{ "digest", "", "sign the end of the ledger's chain, once a day; or show "
	    "that of a day", OPT_DATE | OPT_DRY_RUN, 0, 0, cmd_digest },
	{ "integrity", "", "how the ledger and its chain stand", 0, 0, 0,
	    cmd_integrity },
	{ "audit", "", "who changed what", OPT_VERIFY | OPT_SINCE, 0, 0,
	    cmd_audit },
	{ "sign", "AGREEMENT", "sign its present text for provider or consumer",
	    OPT_AS | OPT_BY | OPT_DRY_RUN, 1, 1, cmd_sign },
	{ "agreements", "", "all agreements and whether they are in force",
	    OPT_REGION, 0, 0, cmd_agreements },
	{ "who-can", "TYPE[.ATTR]", "who may see it, of whom, until when",
	    OPT_REGION, 1, 1, cmd_who_can },
	{ "what-can", "TENANT", "what a tenant may see, of whom, until when",
	    OPT_REGION, 1, 1, cmd_what_can },
	{ "explain", "REQUEST-ID | 'GET /...'", "why a request got what it "
	    "got, or would get; nobody is asked", OPT_AS | OPT_PURPOSE |
	    OPT_REGION | OPT_CONTEXT | OPT_LOG, 1, 2, cmd_explain },
	{ "simulate", "PATH...", "what these region files would have changed "
	    "for the requests of that time; exit code 3: something",
	    OPT_LOG | OPT_DIRECTORY, 1, 4096, cmd_simulate },
	{ "usage", "PERIOD", "what was used in 2026, 2026-11 or 2026-11-03",
	    OPT_BY | OPT_TENANT, 1, 1, cmd_usage },
	{ "estimate", "DAY", "book uses of a day that no hub recorded",
	    OPT_TENANT | OPT_ESTIMATE | OPT_REASON | OPT_BY | OPT_DRY_RUN, 1, 1,
	    cmd_estimate },
	{ "allocate", "COST", "how a cost is shared, by its model and by usage",
	    OPT_PERIOD | OPT_TRACE, 1, 1, cmd_allocate },
	{ "statement", "TENANT PERIOD", "what a tenant bears of all costs of "
	    "2026 or 2026-11", OPT_HTML, 2, 2, cmd_statement },
	{ "indicators", "PERIOD", "what the platform is good for, in figures, of "
	    "2026 or 2026-11", OPT_TENANT, 1, 1, cmd_indicators },
	{ "compare", "[FILE]", "ways of having a platform and what they cost "
	    "over years", 0, 0, 1, cmd_compare },
	{ "period list", "", "months: open, over or closed, and what came late",
	    0, 0, 0, cmd_period_list },
	{ "period close", "MONTH", "propose, or as a second person close",
	    OPT_AS | OPT_DRY_RUN, 1, 1, cmd_period_close },
	{ "period retire", "NODE", "let no close wait for a hub that is gone",
	    OPT_AS | OPT_REASON | OPT_DRY_RUN, 1, 1, cmd_period_retire },
	{ "period deferred", "", "corrections too small to be posted at once",
	    0, 0, 0, cmd_period_deferred },
	{ "correct", "[PERIOD]", "post what a closed month or year differs by "
	    "now", OPT_AS | OPT_REASON | OPT_REVERSE | OPT_DRY_RUN, 0, 1,
	    cmd_correct },
	{ "plan", "COST YEAR", "fix the instalments of a year",
	    OPT_AS | OPT_DRY_RUN, 2, 2, cmd_plan },
	{ "crisis declare", "KIND", "widen what agreements foresee for a crisis",
	    OPT_AS | OPT_BY | OPT_AREA | OPT_REASON | OPT_FOR | OPT_DRY_RUN, 1,
	    1, cmd_crisis_declare },
	{ "crisis confirm", "EVENT", "as the second person, within 60 minutes",
	    OPT_BY | OPT_DRY_RUN, 1, 1, cmd_crisis_confirm },
	{ "crisis end", "EVENT", "before its time is up", OPT_BY | OPT_DRY_RUN,
	    1, 1, cmd_crisis_end },
	{ "crisis report", "EVENT", "draw up who asked what; with --note: it "
	    "was handed in", OPT_BY | OPT_NOTE | OPT_DRY_RUN, 1, 1,
	    cmd_crisis_report },
	{ "crisis list", "", "all events and how they stand", 0, 0, 0,
	    cmd_crisis_list },
	{ "revoke", "KIND VALUE", "refuse a jti, client, subject, certificate, "
	    "tenant or agreement from now on", OPT_REASON | OPT_UNTIL |
	    OPT_ISSUER | OPT_DRY_RUN, 2, 2, cmd_revoke },
	{ "unrevoke", "REVOCATION", "lift what was revoked in error",
	    OPT_REASON | OPT_DRY_RUN, 1, 1, cmd_unrevoke },
	{ "revocations", "", "all of them, and which are in force", 0, 0, 0,
	    cmd_revocations },
	{ "status", "", "how the hub is that runs here", OPT_ALL, 0, 0,
	    cmd_status },
	{ "reload", "", "let it read its configuration, certificates and "
	    "region again", 0, 0, 0, cmd_reload },
	{ "drain", "", "let it answer what is under way, and end", 0, 0, 0,
	    cmd_drain },
	{ "log-level", "LEVEL", "err, warn, info or debug, until it ends", 0, 1,
	    1, cmd_log_level },
	{ "source list", "", "list the sources of the bundle in force", 0, 0, 0,
	    cmd_source_list },
	{ "source test", "NAME", "ask a source as the hub would, and say what "
	    "was seen", 0, 1, 1, cmd_source_test },
	{ "token mint", "CLAIMS", "sign claims for tests and the demo issuer",
	    OPT_KEY | OPT_ALG | OPT_KID | OPT_TYP | OPT_CNF_X5T | OPT_CNF_JKT,
	    1, 1, cmd_token_mint },
	{ "token proof", "METHOD URL", "make a DPoP proof for one request",
	    OPT_KEY | OPT_ALG | OPT_TOKEN, 2, 2, cmd_token_proof },
	{ "token inspect", "TOKEN|-", "show what a token says, verify nothing",
	    0, 1, 1, cmd_token_inspect },
	{ "completion", "SHELL", "the script that completes hubctl in bash, zsh "
	    "or fish", 0, 1, 1, cmd_completion },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Values of long options without a letter: above every character. */
enum { LONG_LANG = 256, LONG_LIST, LONG_VERSION, LONG_OWN };

#define FIELD(name) offsetof(struct ctl, name)
static const struct own_option own_options[] = {
	{ "dry-run", NULL, "say what would happen, change nothing",
	    OPT_DRY_RUN, 0 },
	{ "accept-widening", "HASH", "take the changes that this hash was shown "
	    "for", OPT_ACCEPT, FIELD(accept) },
	{ "purpose", "NAME", "for which purpose is asked", OPT_PURPOSE,
	    FIELD(purpose) },
	{ "region", "PATH", "these region files, not the bundle in force",
	    OPT_REGION, FIELD(region) },
	{ "context", "URL", "the @context that the request names", OPT_CONTEXT,
	    FIELD(context) },
	{ "log", "WHERE", "of explain: the folder of the decision log; of "
	    "simulate: FROM..TO, or the last 14d", OPT_LOG, FIELD(log) },
	{ "directory", "DIR", "the folder of the decision log", OPT_DIRECTORY,
	    FIELD(directory) },
	{ "as", "TENANT", "for whom: who asks, signs or declares; TENANT:PERSON "
	    "who closes", OPT_AS,
	    FIELD(as) },
	{ "area", "AREA", "where it is, an area of the region", OPT_AREA,
	    FIELD(area) },
	{ "reason", "TEXT", "why", OPT_REASON, FIELD(reason) },
	{ "until", "TIME", "until when, such as 2026-12-31T12:00:00Z; else for "
	    "good", OPT_UNTIL, FIELD(until) },
	{ "issuer", "URL", "of this issuer only", OPT_ISSUER, FIELD(issuer) },
	{ "for", "TIME", "how long at most, 72h at the very most", OPT_FOR,
	    FIELD(length) },
	{ "note", "TEXT", "a remark that is kept with it", OPT_NOTE,
	    FIELD(note) },
	{ "by", "WHAT", "of usage: tenant, provider, purpose, type, month "
	    "or flow; else who acts", OPT_BY, FIELD(by) },
	{ "tenant", "NAME", "only what this tenant used (name or AGS)",
	    OPT_TENANT, FIELD(tenant) },
	{ "odrl", NULL, "agreements as ODRL 2.2 (JSON-LD)", OPT_ODRL, 0 },
	{ "vvt", NULL, "the register of processing activities (Art. 30 GDPR)",
	    OPT_VVT, 0 },
	{ "dcat", NULL, "the catalogue as DCAT-AP.de (JSON-LD)", OPT_DCAT, 0 },
	{ "date", "DATE", "the digest of this day", OPT_DATE, FIELD(date) },
	{ "check", NULL, "only say which files have another form", OPT_CHECK,
	    0 },
	{ "all", NULL, "also sources of which nothing is to be said", OPT_ALL,
	    0 },
	{ "verify", NULL, "work out the chain of hashes again", OPT_VERIFY, 0 },
	{ "since", "TIME", "from this day or moment on", OPT_SINCE,
	    FIELD(since) },
	{ "requests", "N", "so many uses", OPT_ESTIMATE, FIELD(requests) },
	{ "entities", "N", "so many entities in all of them", OPT_ESTIMATE,
	    FIELD(entities) },
	{ "bytes", "N", "so many bytes in all of them", OPT_ESTIMATE,
	    FIELD(bytes) },
	{ "provider", "NAME", "of whom (name or AGS)", OPT_ESTIMATE,
	    FIELD(provider) },
	{ "node", "N", "settles what is missing of this node's records; "
	    "--requests may be 0 then", OPT_ESTIMATE, FIELD(node) },
	{ "reference", "TEXT", "names the booking; the same again books "
	    "nothing twice", OPT_ESTIMATE, FIELD(reference) },
	{ "period", "PERIOD", "of a cost only what falls into 2026 or 2026-11",
	    OPT_PERIOD, FIELD(period) },
	{ "reverse", "ENTRY", "post the exact negative of this entry",
	    OPT_REVERSE, FIELD(reverse) },
	{ "parties", "FILE", "who invoices are from and to", OPT_PARTIES,
	    FIELD(parties) },
	{ "html", NULL, "a page to print", OPT_HTML, 0 },
	{ "trace", NULL, "each step of the calculation", OPT_TRACE, 0 },
	{ "key", "FILE", "PEM private key", OPT_KEY, FIELD(key) },
	{ "alg", "ALG", "RS256 or ES256", OPT_ALG, FIELD(alg) },
	{ "kid", "ID", "key id of the header", OPT_KID, FIELD(kid) },
	{ "typ", "TYPE", "type of the header, at+jwt unless given", OPT_TYP,
	    FIELD(typ) },
	{ "cnf-x5t", "FILE", "bind the token to this client certificate",
	    OPT_CNF_X5T, FIELD(cnf_x5t) },
	{ "cnf-jkt", "FILE", "bind the token to this client's private key",
	    OPT_CNF_JKT, FIELD(cnf_jkt) },
	{ "token", "FILE", "the access token that the proof goes with",
	    OPT_TOKEN, FIELD(token) },
};
#define NOWN (sizeof(own_options) / sizeof(own_options[0]))

static enum ctl_exit dispatch(struct ctl *, int argc, char **argv);
static int parse_options(struct ctl *, int argc, char **argv);
static void help(FILE *), help_command(FILE *, const struct command *);
static void help_group(FILE *, const char *word);
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
		for (size_t i = 0; i < NCOMMANDS; i++) {
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
unknown(int argc, char **argv)
{
	const char *best;

	if (has_group(argv[0])) {
		ctl_warn("%s %s; there are:", argv[0],
		    argc > 1 ? "has no such command" : "is half a command");
		help_group(stderr, argv[0]);
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
	for (size_t i = 0; i < NOWN; i++)
		if ((ctl->given & ~cmd->options & own_options[i].bit) != 0) {
			ctl_warn("%s takes no --%s", cmd->name,
			    own_options[i].name);
			return (false);
		}
	if (argc < cmd->min || argc > cmd->max) {
		help_command(stderr, cmd);
		return (false);
	}
	return (true);
}

/* hubctl --help, hubctl db --help, hubctl db init --help */
static enum ctl_exit
help_wanted(const struct command *cmd, int argc, char **argv)
{
	if (cmd != NULL)
		help_command(stdout, cmd);
	else if (argc == 0)
		help(stdout);
	else if (has_group(argv[0]))
		help_group(stdout, argv[0]);
	else
		return (unknown(argc, argv));
	return (CTL_OK);
}

static enum ctl_exit
dispatch(struct ctl *ctl, int argc, char **argv)
{
	const struct command *cmd = NULL;
	int n = 0;

	for (size_t i = 0; n == 0 && i < NCOMMANDS; i++)
		if ((n = words_matched(&commands[i], argc, argv)) > 0)
			cmd = &commands[i];
	if (ctl->help)
		return (help_wanted(cmd, argc, argv));
	if (argc == 0) {
		help(stderr);
		return (CTL_USAGE);
	}
	if (cmd == NULL)
		return (unknown(argc, argv));
	if (!allowed(ctl, cmd, argc - n))
		return (CTL_USAGE);
	return (cmd->run(ctl, argc - n, argv + n));
}

static void
help_row(FILE *out, const struct command *cmd)
{
	fprintf(out, "  %-14s %-13s %s\n", cmd->name, cmd->args,
	    cmd->summary);
}

/* The options of a command, or all. */
static void
help_options(FILE *out, uint64_t bits)
{
	char left[64];

	for (size_t i = 0; i < NOWN; i++) {
		const struct own_option *o = &own_options[i];

		if ((o->bit & bits) == 0)
			continue;
		(void)snprintf(left, sizeof(left), "--%s %s", o->name,
		    o->arg != NULL ? o->arg : "");
		fprintf(out, "  %-22s %s\n", left, o->summary);
	}
}

static void
help(FILE *out)
{
	fputs("usage: hubctl [-c hubd.conf] [-d CONNINFO] "
	      "[-o table|json|csv]\n              [--lang de|en] COMMAND"
	      "\n\ncommands:\n", out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		help_row(out, &commands[i]);
	fputs("\noptions of commands:\n", out);
	help_options(out, ~UINT64_C(0));
	fputs("\nhubctl COMMAND --help tells which of them it takes; hubctl(1) "
	      "has the rest.\n", out);
}

static void
help_command(FILE *out, const struct command *cmd)
{
	fprintf(out, "usage: hubctl %s%s%s%s\n  %s\n", cmd->name,
	    cmd->args[0] != '\0' ? " " : "", cmd->args,
	    cmd->options != 0 ? " [OPTION...]" : "", cmd->summary);
	help_options(out, cmd->options);
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
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (in_group(&commands[i], word))
			return (true);
	return (false);
}

static void
help_group(FILE *out, const char *word)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (in_group(&commands[i], word))
			help_row(out, &commands[i]);
}

static void
list_commands(void)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		printf("%s\n", commands[i].name);
}

const struct command *
ctl_commands(size_t *n_r)
{
	*n_r = NCOMMANDS;
	return (commands);
}

const struct own_option *
ctl_options(size_t *n_r)
{
	*n_r = NOWN;
	return (own_options);
}
