/* server/hubctl/cmd_completion.c - hubctl completion: what a shell needs to
 * complete hubctl's command line, made of the tables that drive it. The three
 * scripts work alike: the words so far without options and their values say
 * which commands and options can come next. Summaries are English: scripts are
 * made when hubctl is built. */
#include "server/hubctl/command.h"

#include <string.h>

/* Those that every command takes; parse_options() reads them. */
static const struct {
	const char *letter, *name, *values, *summary;
} common[] = {
	{ "c", "config", "FILE", "take the database from this hubd.conf" },
	{ "d", "database", "", "the database, as libpq takes it" },
	{ "o", "output", "table json csv", "how answers are printed" },
	{ "", "lang", "de en", "language of headings, kind of CSV" },
	{ "h", "help", NULL, "commands and options" },
	{ "V", "version", NULL, "print the version" },
};
#define NCOMMON (sizeof(common) / sizeof(common[0]))

static const struct command *commands;
static const struct own_option *options;
static size_t ncommands, noptions;

/* ---- words */

static bool
names_file(const char *what)
{
	return (strstr(what, "FILE") != NULL || strstr(what, "PATH") != NULL ||
	    strstr(what, "DIR") != NULL);
}

/* For quotes of each of the three shells: ' cannot stand in them. */
static void
put_text(const char *text)
{
	for (; *text != '\0'; text++)
		(void)putchar(*text == '\'' ? '"' : *text);
}

/* The first word of a command's name; the length of it. */
static int
first_word(const struct command *c)
{
	return ((int)strcspn(c->name, " "));
}

static bool
has_second(const struct command *c)
{
	return (strchr(c->name, ' ') != NULL);
}

/* Is this the first command of the table that begins with this word? */
static bool
begins(size_t at)
{
	int len = first_word(&commands[at]);

	for (size_t i = 0; i < at; i++)
		if (first_word(&commands[i]) == len &&
		    memcmp(commands[i].name, commands[at].name,
			(size_t)len) == 0)
			return (false);
	return (true);
}

static bool
same_first(const struct command *a, const struct command *b)
{
	int len = first_word(a);

	return (first_word(b) == len &&
	    memcmp(a->name, b->name, (size_t)len) == 0);
}

/* ---- bash and zsh: the patterns of case */

enum option_kind { WITH_VALUE, WITH_FILE, WITH_TEXT };

static bool
is_kind(const char *value, enum option_kind kind)
{
	if (value == NULL)
		return (false);
	return (kind == WITH_VALUE || names_file(value) == (kind == WITH_FILE));
}

/* --a|--b|-c: the options that have a value of this kind. */
static void
put_pattern(enum option_kind kind)
{
	const char *between = "";

	for (size_t i = 0; i < NCOMMON; i++) {
		if (!is_kind(common[i].values, kind))
			continue;
		printf("%s--%s", between, common[i].name);
		between = "|";
		if (common[i].letter[0] != '\0')
			printf("|-%s", common[i].letter);
	}
	for (size_t i = 0; i < noptions; i++)
		if (is_kind(options[i].arg, kind)) {
			printf("%s--%s", between, options[i].name);
			between = "|";
		}
}

/* A line of case for each option with a list of values. */
static void
put_values(const char *before, const char *behind)
{
	for (size_t i = 0; i < NCOMMON; i++) {
		if (common[i].values == NULL ||
		    strchr(common[i].values, ' ') == NULL)
			continue;
		printf("\t--%s", common[i].name);
		if (common[i].letter[0] != '\0')
			printf("|-%s", common[i].letter);
		printf(") %s%s%s ;;\n", before, common[i].values, behind);
	}
}

/* "said" is what was said so far; bash and zsh read it alike. */
static void
put_said(const char *words)
{
	printf("\tfor w in %s; do\n"
	       "\t\tif [ \"$w\" = = ]; then skip=1; continue; fi\n"
	       "\t\tif [ -n \"$skip\" ]; then skip=; continue; fi\n"
	       "\t\tcase $w in\n\t\t",
	    words);
	put_pattern(WITH_VALUE);
	printf(") skip=1 ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*) said=\"${said:+$said }$w\" ;;\n"
	       "\t\tesac\n"
	       "\tdone\n");
}

/* A case of each command, those of two words first: "export" alone is a
 * command, too. */
static void
each_command(void (*put)(const struct command *))
{
	for (int two = 1; two >= 0; two--)
		for (size_t i = 0; i < ncommands; i++)
			if (has_second(&commands[i]) == (two != 0)) {
				printf("\t'%s'|'%s '*) ", commands[i].name,
				    commands[i].name);
				put(&commands[i]);
				(void)puts(" ;;");
			}
}

/* ---- bash */

static void
bash_options(const struct command *c)
{
	printf("words=\"$words");
	for (size_t i = 0; i < noptions; i++)
		if ((options[i].bit & c->options) != 0)
			printf(" --%s", options[i].name);
	printf("\"");
}

static void
bash_next(void)
{
	printf("\t'') words='");
	for (size_t i = 0; i < ncommands; i++)
		if (begins(i))
			printf(" %.*s", first_word(&commands[i]),
			    commands[i].name);
	printf("' ;;\n");
	for (size_t i = 0; i < ncommands; i++) {
		if (!begins(i))
			continue;
		printf("\t%.*s) words='", first_word(&commands[i]),
		    commands[i].name);
		for (size_t k = i; k < ncommands; k++)
			if (same_first(&commands[i], &commands[k]) &&
			    has_second(&commands[k]))
				printf(" %s",
				    strchr(commands[k].name, ' ') + 1);
		printf("' ;;\n");
	}
}

static void
bash_common(void)
{
	printf("\t\twords='");
	for (size_t i = 0; i < NCOMMON; i++)
		printf(" %s%s --%s", common[i].letter[0] != '\0' ? "-" : "",
		    common[i].letter, common[i].name);
	printf("'\n");
}

static void
put_bash(void)
{
	printf("# bash completion of hubctl(1): hubctl completion bash\n"
	       "_hubctl()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} w skip= said= words=\n"
	       "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]}\n\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [ \"$cur\" = = ]; then cur=; fi\n"
	       "\tif [ \"$prev\" = = ]; then "
	       "prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n");
	put_said("\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"");
	printf("\tcase $prev in\n");
	put_values("COMPREPLY=($(compgen -W '", "' -- \"$cur\")); return");
	printf("\t");
	put_pattern(WITH_FILE);
	printf(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n\t");
	put_pattern(WITH_TEXT);
	printf(") return ;;\n\tesac\n\tif [[ $cur == -* ]]; then\n");
	bash_common();
	printf("\t\tcase $said in\n");
	each_command(bash_options);
	printf("\t\tesac\n\t\tCOMPREPLY=($(compgen -W \"$words\" -- "
	       "\"$cur\"))\n\t\treturn\n\tfi\n\tcase $said in\n");
	bash_next();
	printf("\tesac\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	       "\tif [ ${#COMPREPLY[@]} -eq 0 ] && [ -n \"$said\" ]; then\n"
	       "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	       "\tfi\n}\n"
	       "complete -o filenames -F _hubctl hubctl\n");
}

/* ---- zsh */

static void
zsh_choice(const char *name, int len, const char *summary)
{
	printf(" '%.*s:", len, name);
	put_text(summary);
	printf("'");
}

static void
zsh_options(const struct command *c)
{
	char name[64];
	int len;

	printf("list+=(");
	for (size_t i = 0; i < noptions; i++) {
		if ((options[i].bit & c->options) == 0)
			continue;
		len = snprintf(name, sizeof(name), "--%s", options[i].name);
		zsh_choice(name, len, options[i].en);
	}
	printf(" )");
}

static const char *
summary_of(size_t at)
{
	return (has_second(&commands[at]) ? "..." : commands[at].en);
}

static void
zsh_next(void)
{
	printf("\t'') list=(");
	for (size_t i = 0; i < ncommands; i++)
		if (begins(i))
			zsh_choice(commands[i].name, first_word(&commands[i]),
			    summary_of(i));
	printf(" ) ;;\n");
	for (size_t i = 0; i < ncommands; i++) {
		if (!begins(i))
			continue;
		printf("\t%.*s) list=(", first_word(&commands[i]),
		    commands[i].name);
		for (size_t k = i; k < ncommands; k++)
			if (same_first(&commands[i], &commands[k]) &&
			    has_second(&commands[k]))
				zsh_choice(strchr(commands[k].name, ' ') + 1,
				    64, commands[k].en);
		printf(" ) ;;\n");
	}
}

static void
put_zsh(void)
{
	printf("#compdef hubctl\n"
	       "# zsh completion of hubctl(1): hubctl completion zsh\n"
	       "_hubctl() {\n"
	       "\tlocal w skip= said=\n\tlocal -a list\n\n");
	put_said("\"${(@)words[2,CURRENT-1]}\"");
	printf("\tcase $words[CURRENT-1] in\n");
	put_values("compadd ", "; return");
	printf("\t");
	put_pattern(WITH_FILE);
	printf(") _files; return ;;\n\t");
	put_pattern(WITH_TEXT);
	printf(") return ;;\n\tesac\n\tif [[ $PREFIX == -* ]]; then\n"
	       "\t\tlist=(");
	for (size_t i = 0; i < NCOMMON; i++) {
		char name[64];
		int len = snprintf(name, sizeof(name), "--%s", common[i].name);

		zsh_choice(name, len, common[i].summary);
	}
	printf(" )\n\t\tcase $said in\n");
	each_command(zsh_options);
	printf("\t\tesac\n\t\t_describe -o option list\n\t\treturn\n"
	       "\tfi\n\tcase $said in\n");
	zsh_next();
	printf("\tesac\n"
	       "\tif (( $#list )); then _describe command list; fi\n"
	       "\tif [ -n \"$said\" ]; then _files; fi\n}\n"
	       "_hubctl \"$@\"\n");
}

/* ---- fish */

static void
fish_commands(void)
{
	for (size_t i = 0; i < ncommands; i++) {
		const struct command *c = &commands[i];

		if (begins(i)) {
			printf("complete -c hubctl -f -n '__hubctl_said' "
			       "-a '%.*s' -d '", first_word(c), c->name);
			put_text(summary_of(i));
			printf("'\n");
		}
		if (has_second(c)) {
			printf("complete -c hubctl -f -n '__hubctl_said %.*s' "
			       "-a '%s' -d '", first_word(c), c->name,
			    strchr(c->name, ' ') + 1);
			put_text(c->en);
			printf("'\n");
		}
		if (names_file(c->args))
			printf("complete -c hubctl -F -n '__hubctl_in %s'\n",
			    c->name);
	}
}

static void
fish_options(void)
{
	for (size_t i = 0; i < noptions; i++) {
		const struct own_option *o = &options[i];

		printf("complete -c hubctl -l %s %s -d '", o->name,
		    o->arg == NULL	  ? "" :
			names_file(o->arg) ? "-r -F" :
					     "-x");
		put_text(o->en);
		printf("' -n '");
		for (size_t k = 0, n = 0; k < ncommands; k++)
			if ((commands[k].options & o->bit) != 0)
				printf("%s__hubctl_in %s",
				    n++ > 0 ? "; or " : "", commands[k].name);
		printf("'\n");
	}
}

static void
put_fish(void)
{
	printf("# fish completion of hubctl(1): hubctl completion fish\n"
	       "function __hubctl_words\n"
	       "\tset -l skip 0\n"
	       "\tfor w in (commandline -opc)[2..-1]\n"
	       "\t\tif test $skip = 1; set skip 0; continue; end\n"
	       "\t\tswitch $w\n\t\tcase");
	for (size_t i = 0; i < NCOMMON; i++)
		if (common[i].values != NULL)
			printf(" %s%s --%s",
			    common[i].letter[0] != '\0' ? "-" : "",
			    common[i].letter, common[i].name);
	for (size_t i = 0; i < noptions; i++)
		if (options[i].arg != NULL)
			printf(" --%s", options[i].name);
	printf("\n\t\t\tset skip 1\n\t\tcase '-*'\n"
	       "\t\tcase '*'\n\t\t\techo $w\n\t\tend\n\tend\nend\n"
	       "function __hubctl_said\n"
	       "\ttest \"$(__hubctl_words | string join ' ')\" = \"$argv\"\n"
	       "end\n"
	       "function __hubctl_in\n"
	       "\tstring match -q -- \"$argv *\" "
	       "\"$(__hubctl_words | string join ' ') \"\n"
	       "end\n"
	       "complete -c hubctl -f\n");
	for (size_t i = 0; i < NCOMMON; i++) {
		const char *v = common[i].values;

		printf("complete -c hubctl %s%s -l %s",
		    common[i].letter[0] != '\0' ? "-s " : "",
		    common[i].letter, common[i].name);
		if (v != NULL && names_file(v))
			printf(" -r -F");
		else if (v != NULL)
			printf(" -x -a '%s'", v);
		printf(" -d '%s'\n", common[i].summary);
	}
	fish_commands();
	fish_options();
}

/* ---- the command */

enum ctl_exit
cmd_completion(const struct ctl *ctl, int argc, char **argv)
{
	static const struct {
		const char *shell;
		void (*put)(void);
	} shells[] = { { "bash", put_bash }, { "zsh", put_zsh },
		{ "fish", put_fish } };

	(void)ctl;
	(void)argc;
	commands = ctl_commands(&ncommands);
	options = ctl_options(&noptions);
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(argv[0], shells[i].shell) == 0) {
			shells[i].put();
			return (CTL_OK);
		}
	ctl_warn("no completion for %.64s; allowed: bash, zsh, fish", argv[0]);
	return (CTL_USAGE);
}
