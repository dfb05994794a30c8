/* server/hubctl/table.c - the same rows as a table, JSON, CSV or a page. */
#include <stdlib.h>

#include <jansson.h>
#include <libsmartcols.h>

#include "server/hubctl/hubctl.h"
#include "server/hubctl/progress.h"
#include "server/ledger/sheet.h"

/* No value of ours comes near: what is longer ends the program, rather than be
 * cut without a word. */
#define CELL_MAX ((size_t)64 << 20)
#define ROW_MAX	 ((size_t)256 << 20)

struct table {
	const struct column *columns;
	size_t ncolumns, ncells, cap;
	char **cells; /* row after row; NULL: no value */
};

static void print_table(const struct table *, const struct ctl *);
static void print_json(const struct table *, const struct ctl *);
static void print_csv(const struct table *, const struct ctl *);

struct table *
table_new(const struct column *columns, size_t ncolumns)
{
	struct table *t = xcalloc(1, sizeof(*t));

	assert(ncolumns > 0);
	t->columns = columns;
	t->ncolumns = ncolumns;
	return (t);
}

void
table_add(struct table *t, const char *const *cells)
{
	if (t->ncells + t->ncolumns > t->cap) {
		t->cap = t->cap * 2 + 16 * t->ncolumns;
		t->cells = xrealloc(t->cells, t->cap * sizeof(*t->cells));
	}
	for (size_t i = 0; i < t->ncolumns; i++)
		t->cells[t->ncells++] = cells[i] != NULL ? xstrdup(cells[i]) :
							   NULL;
}

void
table_add_result(struct table *t, const PGresult *res)
{
	const char **cells = xcalloc(t->ncolumns, sizeof(*cells));

	assert((size_t)PQnfields(res) == t->ncolumns);
	for (int row = 0; row < PQntuples(res); row++) {
		for (int i = 0; i < (int)t->ncolumns; i++)
			cells[i] = PQgetisnull(res, row, i) ?
			    NULL :
			    PQgetvalue(res, row, i);
		table_add(t, cells);
	}
	free(cells);
}

void
table_print_take(struct table *t, const struct ctl *ctl)
{
	static void (*const printers[])(const struct table *,
	    const struct ctl *) = {
		[OUTPUT_TABLE] = print_table,
		[OUTPUT_JSON] = print_json,
		[OUTPUT_CSV] = print_csv,
	};

	progress_end();
	printers[ctl->output](t, ctl);
	table_free(t);
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

static bool
is_number(const struct column *c)
{
	return (c->kind == CELL_INT || c->kind == CELL_MILLI ||
	    c->kind == CELL_DECIMAL || c->kind == CELL_CENTS);
}

/* "-1234" thousandths as -1.234; the text is digits from the database. */
static void
add_places(struct buf *b, const char *cell, size_t places, char mark)
{
	const char *digits = cell[0] == '-' ? cell + 1 : cell;
	size_t n = strlen(digits), whole = n > places ? n - places : 0;

	if (digits != cell)
		buf_addc(b, '-');
	if (whole == 0)
		buf_addc(b, '0');
	buf_add(b, digits, whole);
	buf_addc(b, mark);
	for (size_t i = n; i < places; i++)
		buf_addc(b, '0');
	buf_add(b, digits + whole, n - whole);
}

/* 2026-11-03 as 03.11.2026, 2026-11 as 11.2026. */
static void
add_german_date(struct buf *b, const char *cell)
{
	struct str s = str_of(cell);

	if (s.len == 10)
		buf_addf(b, "%.2s.%.2s.%.4s", cell + 8, cell + 5, cell);
	else if (s.len == 7)
		buf_addf(b, "%.2s.%.4s", cell + 5, cell);
	else
		buf_adds(b, s);
}

static void
add_german_decimal(struct buf *b, const char *cell)
{
	for (; *cell != '\0'; cell++)
		buf_addc(b, *cell == '.' ? ',' : *cell);
}

/* For people and for CSV. */
static void
add_cell(struct buf *b, const struct column *c, const char *cell,
    enum ctl_lang lang)
{
	static const char *const words[2][2] = { { "no", "yes" },
		{ "nein", "ja" } };

	if (cell == NULL)
		return;
	if (c->kind == CELL_MILLI)
		add_places(b, cell, 3, lang == LANG_DE ? ',' : '.');
	else if (c->kind == CELL_CENTS)
		add_places(b, cell, 2, lang == LANG_DE ? ',' : '.');
	else if (c->kind == CELL_DECIMAL && lang == LANG_DE)
		add_german_decimal(b, cell);
	else if (c->kind == CELL_DATE && lang == LANG_DE)
		add_german_date(b, cell);
	else if (c->kind == CELL_BOOL)
		buf_adds(b, str_of(words[lang][cell[0] == 't']));
	else
		buf_adds(b, str_of(cell));
}

static void
print_table(const struct table *t, const struct ctl *ctl)
{
	struct libscols_table *st = scols_new_table();
	struct buf b;
	bool ok = st != NULL;

	assert(t->ncolumns > 0);
	buf_init(&b, CELL_MAX);
	for (size_t i = 0; ok && i < t->ncolumns; i++)
		ok = scols_table_new_column(st,
			 ctl->lang == LANG_DE ? t->columns[i].de :
						t->columns[i].en,
			 0,
			 is_number(&t->columns[i]) ? SCOLS_FL_RIGHT : 0) !=
		    NULL;
	for (size_t i = 0; ok && i < t->ncells; i++) {
		size_t col = i % t->ncolumns;
		struct libscols_line *line = col == 0 ?
		    scols_table_new_line(st, NULL) :
		    scols_table_get_line(st, i / t->ncolumns);

		buf_reset(&b);
		add_cell(&b, &t->columns[col], t->cells[i], ctl->lang);
		assert(!b.failed);
		ok = line != NULL &&
		    scols_line_set_data(line, col, buf_cstr(&b)) == 0;
	}
	/* libsmartcols fails for want of memory alone. */
	assert(ok);
	/* A failure to write shows in ferror(stdout) at the end. */
	(void)scols_print_table(st);
	buf_clear(&b);
	scols_unref_table(st);
}

static json_t *
json_cell(const struct column *c, const char *cell)
{
	int64_t n;

	if (cell == NULL)
		return (json_null());
	if (c->kind == CELL_BOOL)
		return (json_boolean(cell[0] == 't'));
	if (is_number(c) &&
	    str_int(str_of(cell), INT64_MIN, INT64_MAX, &n) == HUB_OK)
		return (json_integer(n));
	return (json_string(cell));
}

static void
print_json(const struct table *t, const struct ctl *ctl HUB_UNUSED)
{
	json_t *rows = json_array(), *row = NULL;
	char key[128];

	for (size_t i = 0; i < t->ncells; i++) {
		const struct column *c = &t->columns[i % t->ncolumns];

		if (i % t->ncolumns == 0) {
			row = json_object();
			(void)json_array_append_new(rows, row);
		}
		(void)snprintf(key, sizeof(key), "%s%s", c->key,
		    c->kind == CELL_CENTS ? "_cents" : "");
		(void)json_object_set_new(row, key, json_cell(c, t->cells[i]));
	}
	(void)json_dumpf(rows, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(rows);
}

/* RFC 4180, 2. A text that a spreadsheet would take for a formula gets a
 * leading apostrophe; numbers may begin with a minus. */
static void
csv_field(struct buf *b, struct str s, bool text, char mark)
{
	char special[] = { mark, '"', '\r', '\n', '\0' };
	bool quote = false;

	for (size_t i = 0; i < s.len; i++)
		quote = quote || (s.p[i] != '\0' &&
				     strchr(special, s.p[i]) != NULL);
	if (quote)
		buf_addc(b, '"');
	if (text && s.len > 0 && strchr("=+-@\t\r", s.p[0]) != NULL)
		buf_addc(b, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"')
			buf_addc(b, '"');
		buf_addc(b, s.p[i]);
	}
	if (quote)
		buf_addc(b, '"');
}

static void
csv_cell(struct buf *line, const struct table *t, size_t i,
    const struct ctl *ctl)
{
	const struct column *c = &t->columns[i % t->ncolumns];
	char mark = ctl->lang == LANG_DE ? ';' : ',';
	struct buf cell;

	buf_init(&cell, CELL_MAX);
	add_cell(&cell, c, t->cells[i], ctl->lang);
	assert(!cell.failed);
	if (i % t->ncolumns > 0)
		buf_addc(line, mark);
	csv_field(line, buf_str(&cell), !is_number(c), mark);
	buf_clear(&cell);
}

static void
print_csv(const struct table *t, const struct ctl *ctl)
{
	bool german = ctl->lang == LANG_DE;
	struct buf line;

	assert(t->ncolumns > 0);
	buf_init(&line, ROW_MAX);
	if (german)
		BUF_LIT(&line, "\xef\xbb\xbf");
	for (size_t i = 0; i < t->ncolumns; i++) {
		if (i > 0)
			buf_addc(&line, german ? ';' : ',');
		csv_field(&line,
		    str_of(german ? t->columns[i].de : t->columns[i].key),
		    true, german ? ';' : ',');
	}
	for (size_t i = 0; i < t->ncells; i++) {
		if (i % t->ncolumns == 0) {
			BUF_LIT(&line, "\r\n");
			assert(!line.failed);
			(void)fwrite(line.p, 1, line.len, stdout);
			buf_reset(&line);
		}
		csv_cell(&line, t, i, ctl);
	}
	BUF_LIT(&line, "\r\n");
	assert(!line.failed);
	(void)fwrite(line.p, 1, line.len, stdout);
	buf_clear(&line);
}

static void
page_row(struct buf *row, const struct table *t, size_t first,
    const struct ctl *ctl)
{
	struct buf cell;

	buf_init(&cell, CELL_MAX);
	BUF_LIT(row, "<tr>");
	for (size_t i = 0; i < t->ncolumns; i++) {
		buf_reset(&cell);
		add_cell(&cell, &t->columns[i], t->cells[first + i],
		    ctl->lang);
		assert(!cell.failed);
		sheet_cell(row, buf_cstr(&cell), is_number(&t->columns[i]));
	}
	BUF_LIT(row, "</tr>\n");
	buf_clear(&cell);
}

static void
print_reset(struct buf *b)
{
	assert(!b->failed);
	(void)fwrite(b->p, 1, b->len, stdout);
	buf_reset(b);
}

void
table_report_take(struct table *t, const struct ctl *ctl, const char *en,
    const char *de, const char *of)
{
	bool german = ctl->lang == LANG_DE;
	struct buf b;

	if ((ctl->given & OPT_HTML) == 0) {
		table_print_take(t, ctl);
		return;
	}
	progress_end();
	buf_init(&b, ROW_MAX);
	sheet_begin(&b, german ? de : en, of, t->ncolumns, german);
	sheet_table(&b);
	for (size_t i = 0; i < t->ncolumns; i++)
		sheet_heading(&b, german ? t->columns[i].de : t->columns[i].en,
		    is_number(&t->columns[i]));
	BUF_LIT(&b, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < t->ncells; i += t->ncolumns) {
		page_row(&b, t, i, ctl);
		print_reset(&b);
	}
	sheet_table_end(&b, t->ncells == 0, german);
	sheet_end(&b);
	print_reset(&b);
	buf_clear(&b);
	table_free(t);
}
