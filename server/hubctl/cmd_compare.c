/* server/hubctl/cmd_compare.c - hubctl compare: what ways of having the
 * platform cost over years; without a file those of the tender. */
#include <confuse.h>
#include <inttypes.h>
#include <stdlib.h>

#include "server/base/arena.h"
#include "server/base/money.h"
#include "server/hubctl/hubctl.h"
#include "server/ledger/comparison.h"

#define FILE_MAX ((size_t)1 << 20)
#define TEXT_MAX 200
#define LAST	 "end-of-file"
#define NO	 COMPARISON_UNKNOWN

/* ---- the file */

static void
on_fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[300];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	ctl_warn("line %d: %s", cfg->line, text);
}

/* "55000.00" or unknown; heads: a whole number. */
static bool
take_number(cfg_t *sec, const char *key, bool heads, int64_t *out)
{
	const char *text = cfg_getstr(sec, key);
	struct money money;
	uint64_t n = 0;

	*out = NO;
	if (strcmp(text, "unknown") == 0)
		return (true);
	if (heads && str_uint(str_of(text), UINT64_C(1000000000), &n) ==
	    HUB_OK && n > 0) {
		*out = (int64_t)n;
		return (true);
	}
	if (!heads && money_parse(str_of(text), &money) == HUB_OK) {
		*out = money.cents;
		return (true);
	}
	ctl_warn("scenario %s: %s is %s, or unknown", cfg_title(sec), key,
	    heads ? "a whole number above 0" : "an amount such as 55000.00");
	return (false);
}

/* A line for people. */
static bool
take_text(cfg_t *sec, const char *key, struct arena *a, struct str *out)
{
	const char *text = key != NULL ? cfg_getstr(sec, key) : cfg_title(sec);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			len = TEXT_MAX + 1;
	if (len > TEXT_MAX || !str_utf8(str_of(text))) {
		ctl_warn("scenario: %s is one line of at most %d bytes",
		    key != NULL ? key : "its name", TEXT_MAX);
		return (false);
	}
	*out = arena_str(a, str_of(text));
	return (true);
}

static bool
take_scenario(cfg_t *sec, struct arena *a, struct scenario *s)
{
	return (take_text(sec, NULL, a, &s->name) &&
	    take_text(sec, "title", a, &s->title) &&
	    take_text(sec, "influence", a, &s->influence) &&
	    take_text(sec, "location", a, &s->location) &&
	    take_text(sec, "leaving", a, &s->leaving) &&
	    take_number(sec, "set-up", false, &s->setup) &&
	    take_number(sec, "per-year", false, &s->yearly) &&
	    take_number(sec, "staff", false, &s->staff) &&
	    take_number(sec, "alone", false, &s->alone) &&
	    take_number(sec, "inhabitants", true, &s->inhabitants));
}

static bool
take_file(cfg_t *cfg, struct arena *a, struct comparison *c)
{
	unsigned n = cfg_size(cfg, "scenario");

	if (n == 0 || n > COMPARISON_MAX) {
		ctl_warn("there must be 1 to %d scenarios", COMPARISON_MAX);
		return (false);
	}
	for (c->n = 0; c->n < n; c->n++)
		if (!take_scenario(cfg_getnsec(cfg, "scenario", c->n), a,
			&c->v[c->n]))
			return (false);
	return (true);
}

/* libConfuse would put the environment where "${" stands. */
static enum ctl_exit
read_file(const char *path, struct arena *a, struct comparison *c)
{
	static cfg_opt_t scenario[] = {
		CFG_STR("title", "", CFGF_NONE),
		CFG_STR("set-up", "unknown", CFGF_NONE),
		CFG_STR("per-year", "unknown", CFGF_NONE),
		CFG_STR("staff", "unknown", CFGF_NONE),
		CFG_STR("alone", "unknown", CFGF_NONE),
		CFG_STR("inhabitants", "unknown", CFGF_NONE),
		CFG_STR("influence", "", CFGF_NONE),
		CFG_STR("location", "", CFGF_NONE),
		CFG_STR("leaving", "", CFGF_NONE), CFG_END() };
	static cfg_opt_t file[] = { CFG_SEC("scenario", scenario,
		CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_STR(LAST, NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_t *cfg = cfg_init(file, CFGF_NONE);
	enum ctl_exit code;
	struct buf text;
	const char *all;

	buf_init(&text, FILE_MAX);
	(void)cfg_set_error_function(cfg, on_fault);
	code = ctl_read(path, &text);
	/* libConfuse takes a file that ends inside a block. */
	if (code == CTL_OK)
		buf_addf(&text, "\n%s = 1\n", LAST);
	all = buf_cstr(&text);
	if (code == CTL_OK && (strlen(all) != text.len ||
	    strstr(all, "${") != NULL)) {
		ctl_warn("%s: not a text, or \"${\" in it", path);
		code = CTL_CONFIG;
	}
	if (code == CTL_OK && cfg_parse_buf(cfg, all) != CFG_SUCCESS)
		code = CTL_CONFIG;
	if (code == CTL_OK && cfg_size(cfg, LAST) == 0) {
		ctl_warn("%s ends inside a block or a text", path);
		code = CTL_CONFIG;
	}
	if (code == CTL_OK && !take_file(cfg, a, c))
		code = CTL_CONFIG;
	cfg_free(cfg);
	buf_clear(&text);
	return (code);
}

/* ---- tables */

static const struct column columns[] = {
	{ "scenario", "SCENARIO", "VARIANTE", CELL_TEXT },
	{ "title", "TITLE", "BEZEICHNUNG", CELL_TEXT },
	{ "setup", "SET-UP", "EINRICHTUNG", CELL_CENTS },
	{ "yearly", "A YEAR", "IM JAHR", CELL_CENTS },
	{ "years_1", "1 YEAR", "1 JAHR", CELL_DECIMAL },
	{ "years_3", "3 YEARS", "3 JAHRE", CELL_DECIMAL },
	{ "years_5", "5 YEARS", "5 JAHRE", CELL_DECIMAL },
	{ "years_10", "10 YEARS", "10 JAHRE", CELL_DECIMAL },
	{ "head", "A HEAD AND YEAR", "JE EINWOHNER UND JAHR", CELL_CENTS },
	{ "alone", "NOT DEARER THAN ALONE", "NICHT TEURER ALS ALLEIN",
	    CELL_BOOL },
	{ "staff", "OWN STAFF", "EIGENES PERSONAL", CELL_CENTS },
	{ "influence", "INFLUENCE", "EINFLUSS", CELL_TEXT },
	{ "location", "DATA ARE", "DATEN LIEGEN", CELL_TEXT },
	{ "leaving", "LEAVING COSTS", "AUSSTIEG KOSTET", CELL_TEXT },
};
#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *
amount(struct arena *a, int64_t cents)
{
	return (cents != NO ? arena_printf(a, "%" PRId64, cents) : NULL);
}

/* Programs get no value where people read that it is unknown. */
static const char *
words(const struct ctl *ctl, struct arena *a, struct str text)
{
	if (text.len > 0)
		return (arena_str(a, text).p);
	if (ctl->output == OUTPUT_CSV)
		return (NULL);
	return (ctl->lang == LANG_DE ? "unbekannt" : "unknown");
}

static void
add_row(const struct ctl *ctl, struct table *t, const struct scenario *s,
    struct arena *a)
{
	const char *cells[NCOLUMNS];
	size_t n = 0;
	int64_t head;
	struct buf b;

	buf_init(&b, 256);
	cells[n++] = arena_str(a, s->name).p;
	cells[n++] = arena_str(a,
	    scenario_title(s, ctl->lang == LANG_DE)).p;
	cells[n++] = amount(a, s->setup);
	cells[n++] = amount(a, s->yearly);
	for (unsigned i = 0; i < COMPARISON_YEARS; i++) {
		buf_reset(&b);
		scenario_cell(s, comparison_years[i], SCENARIO_PLAIN, &b);
		cells[n++] = arena_str(a, buf_str(&b)).p;
	}
	cells[n++] = scenario_per_head(s, &head) ? amount(a, head) : NULL;
	cells[n++] = s->alone == NO || s->yearly == NO ? NULL :
	    s->yearly <= s->alone ? "t" : "f";
	cells[n++] = amount(a, s->staff);
	cells[n++] = words(ctl, a, s->influence);
	cells[n++] = words(ctl, a, s->location);
	cells[n++] = words(ctl, a, s->leaving);
	table_add(t, cells);
	buf_clear(&b);
}

static const struct column pair_columns[] = {
	{ "scenario", "SCENARIO", "VARIANTE", CELL_TEXT },
	{ "other", "AND", "UND", CELL_TEXT },
	{ "yearly", "COST THE SAME IN 5 YEARS AT f =",
	    "KOSTEN IN 5 JAHREN GLEICH VIEL BEI f =", CELL_CENTS },
	{ "year", "THE FIRST IS CHEAPER FROM YEAR", "DIE ERSTE IST GÜNSTIGER "
	    "AB JAHR", CELL_INT },
};
#define NPAIR (sizeof(pair_columns) / sizeof(pair_columns[0]))

static void
print_pairs(const struct ctl *ctl, const struct comparison *c, struct arena *a)
{
	struct table *t = table_new(pair_columns, NPAIR);
	const char *cells[NPAIR];

	for (unsigned i = 0; i < c->n; i++)
		for (unsigned k = 0; k < c->n; k++) {
			const struct scenario *s = &c->v[i], *o = &c->v[k];
			unsigned year = scenario_cheaper_from(s, o);
			int64_t cents = NO;

			if (!scenario_break_even(s, o, &cents) && year == 0)
				continue;
			cells[0] = arena_str(a, s->name).p;
			cells[1] = arena_str(a, o->name).p;
			cells[2] = amount(a, cents);
			cells[3] = year == 0 ? NULL :
			    arena_printf(a, "%u", year);
			table_add(t, cells);
		}
	table_print_take(t, ctl);
}

static void
print(const struct ctl *ctl, const struct comparison *c, struct arena *a)
{
	bool de = ctl->lang == LANG_DE;
	struct table *t = table_new(columns, NCOLUMNS);

	for (unsigned i = 0; i < c->n; i++)
		add_row(ctl, t, &c->v[i], a);
	table_print_take(t, ctl);
	/* A file of CSV is one table. */
	if (ctl->output == OUTPUT_CSV)
		return;
	fputs(de ? "\nEUR, ohne Verzinsung und Preissteigerung. f: unbekannter "
		   "Betrag im Jahr, s: unbekannte Einrichtung; leer: "
		   "unbekannt.\n\n" :
		   "\nEUR, without interest or rise of prices. f: unknown "
		   "amount of a year, s: unknown set-up; empty: unknown.\n\n",
	    stdout);
	print_pairs(ctl, c, a);
}

/* What is written at once: JSON with a line's end, or a page. */
static void
print_whole(const struct ctl *ctl, const struct comparison *c)
{
	struct buf b;

	buf_init(&b, FILE_MAX * 16);
	if ((ctl->given & OPT_HTML) != 0) {
		comparison_page(c, ctl->lang == LANG_DE, &b);
	} else {
		comparison_json(c, &b);
		buf_addc(&b, '\n');
	}
	assert(!b.failed);
	(void)fwrite(b.p, 1, b.len, stdout);
	buf_clear(&b);
}

enum ctl_exit
cmd_compare(const struct ctl *ctl, int argc, char **argv)
{
	struct comparison *c = xcalloc(1, sizeof(*c));
	struct arena *a = arena_new();
	enum ctl_exit code = CTL_OK;

	if (argc > 0)
		code = read_file(argv[0], a, c);
	else
		comparison_default(c);
	if (code == CTL_OK &&
	    ((ctl->given & OPT_HTML) != 0 || ctl->output == OUTPUT_JSON))
		print_whole(ctl, c);
	else if (code == CTL_OK)
		print(ctl, c, a);
	arena_free(a);
	free(c);
	return (code);
}
