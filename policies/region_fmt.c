/* policies/region_fmt.c - the usual form of region files; region_fmt.h says
 * what it promises. */
#include "policies/region_fmt.h"

#include "policies/region_german.h"
#include "policies/region_priv.h"

#define COLUMNS	     80
#define TAB	     8
#define ONE_LINE_MAX 3 /* settings of a block that stands on one line */

enum kind { PART_WORD, PART_SIGN, PART_COMMENT, PART_END };

/* A piece of the file, as it is written there. */
struct part {
	enum kind kind;
	struct str text;
	unsigned breaks; /* line breaks before it */
};

struct fmt {
	const struct part *parts;
	size_t at;
	struct buf *out;
};

static void fmt_body(struct fmt *, unsigned depth);

/* ---- pieces: region_scan has taken the file, so that nothing can be wrong */

static size_t
string_end(struct str s, size_t at)
{
	char quote = s.p[at++];

	while (at < s.len && s.p[at] != quote)
		at += s.p[at] == '\\' && quote == '"' ? 2 : 1;
	return (at < s.len ? at + 1 : s.len);
}

static size_t
comment_end(struct str s, size_t at)
{
	const char *p = s.p + at,
		   *stop = p[0] == '/' && p[1] == '*' ?
	    memmem(p + 2, s.len - at - 2, "*/", 2) :
	    memchr(p, '\n', s.len - at);

	if (stop == NULL)
		return (s.len);
	return ((size_t)(stop - s.p) + (*stop == '*' ? 2 : 0));
}

static bool
is_comment(struct str s, size_t at)
{
	return (s.p[at] == '#' || (s.p[at] == '/' && at + 1 < s.len &&
	    (s.p[at + 1] == '/' || s.p[at + 1] == '*')));
}

static size_t
word_end(struct str s, size_t at)
{
	while (at < s.len && strchr(" \t\r\n{}()=,#", s.p[at]) == NULL)
		at++;
	return (at);
}

static struct str
trimmed(struct str s)
{
	while (s.len > 0 && strchr(" \t\r", s.p[s.len - 1]) != NULL)
		s.len--;
	return (s);
}

/* The piece at *at, which is moved behind it. */
static struct part
part_next(struct str s, size_t *at)
{
	struct part part = { .kind = PART_END };
	size_t from, end;

	for (; *at < s.len && strchr(" \t\r\n", s.p[*at]) != NULL; ++*at)
		part.breaks += s.p[*at] == '\n';
	if (*at >= s.len)
		return (part);
	from = *at;
	if (is_comment(s, from)) {
		part.kind = PART_COMMENT;
		end = comment_end(s, from);
	} else if (strchr("{}()=,", s.p[from]) != NULL) {
		part.kind = PART_SIGN;
		end = from + 1;
	} else {
		part.kind = PART_WORD;
		end = s.p[from] == '"' || s.p[from] == '\'' ?
		    string_end(s, from) : word_end(s, from);
	}
	*at = end;
	part.text = trimmed((struct str){ s.p + from, end - from });
	return (part);
}

static struct part *
parts_of(struct str s, struct arena *a, size_t *n_r)
{
	size_t at = 0, n = 0;
	struct part *parts, part;

	do {
		part = part_next(s, &at);
		n++;
	} while (part.kind != PART_END);
	parts = arena_array(a, n, sizeof(*parts));
	at = n = 0;
	do {
		parts[n] = part_next(s, &at);
	} while (parts[n++].kind != PART_END);
	*n_r = n;
	return (parts);
}

/* ---- writing */

static const struct part *
now(const struct fmt *f)
{
	return (&f->parts[f->at]);
}

static bool
is_sign(const struct part *p, char c)
{
	return (p->kind == PART_SIGN && p->text.p[0] == c);
}

static unsigned
width(struct str s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return (n);
}

static void
line_begin(struct fmt *f, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_addc(f->out, '\t');
}

/* Comments inside a statement go before it. */
static void
comments_first(struct fmt *f, size_t until, unsigned depth)
{
	for (size_t i = f->at; i < until; i++)
		if (f->parts[i].kind == PART_COMMENT) {
			line_begin(f, depth);
			buf_adds(f->out, f->parts[i].text);
			buf_addc(f->out, '\n');
		}
}

static const struct part *
next_word(struct fmt *f)
{
	while (now(f)->kind == PART_COMMENT)
		f->at++;
	return (&f->parts[f->at++]);
}

/* Behind the "=" of a list: the index behind its "}". */
static size_t
list_end(const struct fmt *f, size_t at)
{
	while (!is_sign(&f->parts[at], '}'))
		at++;
	return (at + 1);
}

static void
fmt_list(struct fmt *f, unsigned depth, unsigned column)
{
	const struct part *p;

	buf_addc(f->out, '{');
	column++;
	(void)next_word(f); /* the { */
	for (p = next_word(f); !is_sign(p, '}'); p = next_word(f)) {
		if (is_sign(p, ',')) {
			buf_addc(f->out, ',');
			column++;
			continue;
		}
		/* Behind it comes a comma or brace. */
		if (f->out->p[f->out->len - 1] == ',' &&
		    column + width(p->text) + 2 > COLUMNS) {
			buf_addc(f->out, '\n');
			line_begin(f, depth);
			buf_adds(f->out, STR("    "));
			column = depth * TAB + 4;
		} else if (f->out->p[f->out->len - 1] == ',') {
			buf_addc(f->out, ' ');
			column++;
		}
		buf_adds(f->out, p->text);
		column += width(p->text);
	}
	buf_addc(f->out, '}');
}

/* The index behind a statement that is no block. */
static size_t
setting_end(const struct fmt *f)
{
	size_t at = f->at + 1;

	while (f->parts[at].kind == PART_COMMENT)
		at++;
	if (is_sign(&f->parts[at], '(')) {
		while (!is_sign(&f->parts[at], ')'))
			at++;
		return (at + 1);
	}
	do
		at++;
	while (f->parts[at].kind == PART_COMMENT);
	return (is_sign(&f->parts[at], '{') ? list_end(f, at) : at + 1);
}

/* name = value, name = {list} or name ("file"), without indent or line end.
 * Lists are broken by the depth they stand at. */
static void
fmt_setting(struct fmt *f, unsigned depth)
{
	struct str name = next_word(f)->text, value;

	buf_adds(f->out, name);
	if (is_sign(next_word(f), '(')) {
		value = next_word(f)->text;
		buf_adds(f->out, STR(" ("));
		buf_adds(f->out, value);
		buf_addc(f->out, ')');
		(void)next_word(f);
		return;
	}
	buf_adds(f->out, STR(" = "));
	while (now(f)->kind == PART_COMMENT)
		f->at++;
	if (is_sign(now(f), '{'))
		fmt_list(f, depth, depth * TAB + width(name) + 3);
	else
		buf_adds(f->out, next_word(f)->text);
}

/* Is the statement here a block? */
static bool
at_block(const struct fmt *f)
{
	size_t at = f->at + 1;

	while (f->parts[at].kind == PART_COMMENT)
		at++;
	return (!is_sign(&f->parts[at], '=') && !is_sign(&f->parts[at], '('));
}

/* The body behind "{" on one line, if that is how it stands: short, flat,
 * without comments. true: written, with its brace. */
static bool
fmt_short(struct fmt *f, size_t line)
{
	size_t at = f->at, len = f->out->len;
	unsigned n = 0;

	while (now(f)->kind == PART_WORD && n <= ONE_LINE_MAX &&
	    !at_block(f)) {
		size_t end = setting_end(f);

		for (size_t i = f->at; i < end; i++)
			if (f->parts[i].kind == PART_COMMENT)
				goto no;
		buf_adds(f->out, n++ == 0 ? STR(" ") : STR("  "));
		fmt_setting(f, 0);
	}
	if (n <= ONE_LINE_MAX && is_sign(now(f), '}')) {
		struct str text;
		unsigned tabs = 0;

		buf_adds(f->out, STR(" }"));
		text = (struct str){ f->out->p + line, f->out->len - line };
		while (tabs < text.len && text.p[tabs] == '\t')
			tabs++;
		if (!f->out->failed && memchr(text.p, '\n', text.len) == NULL &&
		    width(text) + tabs * (TAB - 1) <= COLUMNS) {
			f->at++;
			return (true);
		}
	}
no:
	f->at = at;
	f->out->len = len;
	return (false);
}

static void
fmt_block(struct fmt *f, unsigned depth)
{
	size_t line, end = f->at;

	while (!is_sign(&f->parts[end], '{'))
		end++;
	comments_first(f, end, depth);
	line = f->out->len;
	line_begin(f, depth);
	buf_adds(f->out, next_word(f)->text);
	for (const struct part *p = next_word(f); !is_sign(p, '{');
	    p = next_word(f)) {
		buf_addc(f->out, ' ');
		buf_adds(f->out, p->text);
	}
	buf_adds(f->out, STR(" {"));
	if (fmt_short(f, line))
		return;
	buf_addc(f->out, '\n');
	fmt_body(f, depth + 1);
	line_begin(f, depth);
	buf_addc(f->out, '}');
	f->at++; /* its brace */
}

/* A comment, on a line of its own or behind what stands on its line. */
static void
fmt_comment(struct fmt *f, unsigned depth, bool first)
{
	struct buf *b = f->out;

	if (now(f)->breaks == 0 && !first && b->len > 0) {
		b->len--; /* the line end */
		buf_adds(b, STR("  "));
	} else
		line_begin(f, depth);
	buf_adds(b, now(f)->text);
	buf_addc(b, '\n');
	f->at++;
}

static void
fmt_body(struct fmt *f, unsigned depth)
{
	bool first = true;

	for (; now(f)->kind != PART_END && !is_sign(now(f), '}');
	    first = false) {
		if (now(f)->breaks > 1 && !first)
			buf_addc(f->out, '\n');
		if (now(f)->kind == PART_COMMENT) {
			fmt_comment(f, depth, first);
			continue;
		}
		if (at_block(f))
			fmt_block(f, depth);
		else {
			comments_first(f, setting_end(f), depth);
			line_begin(f, depth);
			fmt_setting(f, depth);
		}
		buf_addc(f->out, '\n');
	}
}

/* ---- the same is said: no piece was lost, changed or moved but comments */

static const struct part *
said(const struct part *p)
{
	while (p->kind == PART_COMMENT)
		p++;
	return (p);
}

static bool
says_the_same(const struct part *a, const struct part *b)
{
	size_t na = 0, nb = 0;
	const struct part *x = said(a), *y = said(b);

	for (; x->kind != PART_END && y->kind != PART_END;
	    x = said(x + 1), y = said(y + 1))
		if (x->kind != y->kind || !str_eq(x->text, y->text))
			return (false);
	if (x->kind != y->kind)
		return (false);
	for (; a->kind != PART_END; a++)
		na += a->kind == PART_COMMENT;
	for (; b->kind != PART_END; b++)
		nb += b->kind == PART_COMMENT;
	return (na == nb);
}

static struct str
without_bom(struct str s)
{
	return (str_prefix(s, STR("\xef\xbb\xbf")) ? str_from(s, 3) : s);
}

enum hub_err
region_fmt(const struct region_file *file, struct buf *out,
    struct region_message *fault)
{
	struct str bytes = without_bom(file->bytes);
	struct arena *a = arena_new();
	struct scan_fault why;
	struct fmt f = { .out = out };
	struct doc doc = { .cfg = NULL };
	enum hub_err err = region_scan(file, a, &doc, &why);
	bool same = true;
	size_t n;

	if (err == HUB_OK) {
		f.parts = parts_of(bytes, a, &n);
		fmt_body(&f, 0);
		if (out->failed)
			err = HUB_EFULL;
		else
			same = says_the_same(f.parts,
			    parts_of(buf_str(out), a, &n));
		assert(same);
	} else
		*fault = (struct region_message){ .file = file->path,
			.line = why.line,
			.column = why.column,
			.text = str_of(why.text),
			.german = str_of(region_german(why.text)) };
	arena_free(a);
	return (err);
}
