/* policies/region_scan.c - where everything stands in a region file.
 *
 * libConfuse reports a line at best, merges what is written twice, reads the
 * environment and accepts a file that ends inside a block. The scan takes a
 * smaller language that it cannot misread, and remembers places. */
#include "policies/region_priv.h"

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_PUNCT,
	TOKEN_BAD
};

struct scan {
	struct arena *arena;
	char *text; /* a copy: comments are blanked as they are passed */
	size_t len, at, line_start;
	size_t counted;	 /* bytes of this line that column covers */
	unsigned column; /* characters, not bytes */
	unsigned line;
	unsigned nblocks, nkeys;
	struct scan_fault *fault;

	/* the token read last */
	enum token token;
	struct str word; /* without quotes */
	char punct;
	unsigned token_line, token_column;
};

static bool scan_text(struct scan *);
static bool scan_body(struct scan *, struct node *parent, unsigned depth);
static bool scan_statement(struct scan *, struct node *parent, unsigned depth);
static bool scan_value(struct scan *, struct node *);
static bool scan_list(struct scan *, struct node *);
static bool scan_call(struct scan *, struct node *);
static void scan_next(struct scan *);
static void scan_place(struct scan *);
static void scan_blank(struct scan *);
static void scan_comment(struct scan *, bool block);
static void scan_word(struct scan *);
static void scan_string(struct scan *, char quote);
static bool scan_fail(struct scan *, const char *text);
static struct node *node_add(struct scan *, struct node *parent);

enum hub_err
region_scan(const struct region_file *file, struct arena *arena,
    struct doc *doc, struct scan_fault *fault)
{
	struct scan sc = { .arena = arena, .line = 1, .fault = fault };

	*fault = (struct scan_fault){ 0, 0, NULL };
	if (file->bytes.len > REGION_FILE_MAX) {
		fault->text = "over 4 MiB";
		return (HUB_ESYNTAX);
	}
	sc.len = file->bytes.len;
	sc.text = arena_raw(arena, sc.len + 1);
	if (sc.len > 0)
		memcpy(sc.text, file->bytes.p, sc.len);
	sc.text[sc.len] = '\0';
	doc->path = file->path;
	doc->text = (struct str){ sc.text, sc.len };
	if (!scan_text(&sc) || !scan_body(&sc, &doc->root, 0))
		return (HUB_ESYNTAX);
	return (HUB_OK);
}

const struct node *
node_find(const struct node *parent, struct str name)
{
	const struct node *n;

	for (n = parent->child; n != NULL; n = n->next)
		if (str_eq(n->name, name))
			return (n);
	return (NULL);
}

/* What no part of a file may hold, comments included. */
static bool
scan_text(struct scan *sc)
{
	static const char bom[] = "\xef\xbb\xbf";
	const char *why = NULL;
	size_t i;

	if (sc->len >= 3 && memcmp(sc->text, bom, 3) == 0)
		memset(sc->text, ' ', 3);
	for (i = 0; i < sc->len && why == NULL; i++) {
		unsigned char c = (unsigned char)sc->text[i];

		if (c == '\n') {
			sc->line++;
			sc->line_start = i + 1;
		} else if (c == '\0')
			why = "a NUL byte";
		else if (c == '$' && sc->text[i + 1] == '{')
			why = "\"${\" is not allowed: region files do not read "
			      "the environment";
		else if (c == '\r' && sc->text[i + 1] == '\n')
			sc->text[i] = ' ';
		else if ((c < 0x20 && c != '\t') || c == 0x7f)
			why = "a control character";
	}
	sc->at = i == 0 ? 0 : i - 1;
	if (why == NULL && !str_utf8((struct str){ sc->text, sc->len }))
		why = "not UTF-8", sc->line = 0;
	sc->token_line = sc->line;
	sc->token_column = (unsigned)(sc->at - sc->line_start) + 1;
	if (why != NULL)
		return (scan_fail(sc, why));
	sc->at = sc->line_start = 0;
	sc->line = 1;
	return (true);
}

static bool
scan_fail(struct scan *sc, const char *text)
{
	if (sc->fault->text == NULL) {
		sc->fault->line = sc->token_line;
		sc->fault->column = sc->token_line == 0 ? 0 : sc->token_column;
		sc->fault->text = text;
	}
	return (false);
}

/* Statements up to the closing brace, or to the end at depth 0. */
static bool
scan_body(struct scan *sc, struct node *parent, unsigned depth)
{
	for (;;) {
		scan_next(sc);
		if (sc->token == TOKEN_BAD)
			return (false);
		if (sc->token == TOKEN_END) {
			if (depth == 0)
				return (true);
			sc->token_line = parent->line;
			sc->token_column = parent->column;
			return (scan_fail(sc,
			    "the file ends inside this block: } is missing"));
		}
		if (sc->token == TOKEN_PUNCT && sc->punct == '}' && depth > 0)
			return (true);
		if (!scan_statement(sc, parent, depth))
			return (false);
	}
}

static bool
scan_statement(struct scan *sc, struct node *parent, unsigned depth)
{
	struct node *n;

	if (sc->token != TOKEN_WORD)
		return (scan_fail(sc, "expected the name of a block or key"));
	if (++sc->nkeys > REGION_KEYS_MAX)
		return (scan_fail(sc, "too many keys in one file"));
	n = node_add(sc, parent);
	scan_next(sc);
	if (sc->token == TOKEN_PUNCT && sc->punct == '=')
		return (scan_value(sc, n));
	if (sc->token == TOKEN_PUNCT && sc->punct == '(')
		return (scan_call(sc, n));
	if (sc->token == TOKEN_WORD || sc->token == TOKEN_STRING) {
		n->title = sc->word;
		scan_next(sc);
	}
	if (sc->token == TOKEN_BAD)
		return (false);
	if (sc->token != TOKEN_PUNCT || sc->punct != '{')
		return (scan_fail(sc, "expected \"=\" or \"{\""));
	n->kind = NODE_BLOCK;
	if (++sc->nblocks > REGION_BLOCKS_MAX)
		return (scan_fail(sc, "too many blocks (20000 at most)"));
	if (depth + 1 > REGION_DEPTH_MAX)
		return (scan_fail(sc, "blocks nested too deeply"));
	return (scan_body(sc, n, depth + 1));
}

static bool
scan_value(struct scan *sc, struct node *n)
{
	scan_next(sc);
	if (sc->token == TOKEN_PUNCT && sc->punct == '{')
		return (scan_list(sc, n));
	if (sc->token != TOKEN_WORD && sc->token != TOKEN_STRING)
		return (scan_fail(sc, "expected a value"));
	n->kind = NODE_VALUE;
	n->value = sc->word;
	return (true);
}

static bool
scan_list(struct scan *sc, struct node *n)
{
	n->kind = NODE_LIST;
	for (;;) {
		scan_next(sc);
		if (sc->token == TOKEN_PUNCT && sc->punct == '}')
			return (true);
		if (sc->token != TOKEN_WORD && sc->token != TOKEN_STRING)
			return (scan_fail(sc, "expected a value or \"}\""));
		if (++n->nitems > REGION_ITEMS_MAX)
			return (scan_fail(sc, "over 1000 values in one list"));
		scan_next(sc);
		if (sc->token == TOKEN_PUNCT && sc->punct == '}')
			return (true);
		if (sc->token != TOKEN_PUNCT || sc->punct != ',')
			return (scan_fail(sc, "expected \",\" or \"}\""));
	}
}

static bool
scan_call(struct scan *sc, struct node *n)
{
	n->kind = NODE_CALL;
	scan_next(sc);
	if (sc->token != TOKEN_STRING)
		return (scan_fail(sc, "expected a file name in quotes"));
	n->value = sc->word;
	scan_next(sc);
	if (sc->token != TOKEN_PUNCT || sc->punct != ')')
		return (scan_fail(sc, "expected \")\""));
	return (true);
}

static struct node *
node_add(struct scan *sc, struct node *parent)
{
	struct node *n = arena_alloc(sc->arena, sizeof(*n));

	n->name = sc->word;
	n->line = sc->token_line;
	n->column = sc->token_column;
	n->parent = parent;
	if (parent->last != NULL)
		parent->last->next = n;
	else
		parent->child = n;
	parent->last = n;
	return (n);
}

/* Unquoted bytes: the letters, digits and signs of interfaces.md. */
static bool
is_word(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("_.:/-", c)));
}

static void
scan_next(struct scan *sc)
{
	char c;

	scan_blank(sc);
	scan_place(sc);
	c = sc->text[sc->at];
	if (sc->token == TOKEN_BAD)
		return;
	if (sc->at == sc->len)
		sc->token = TOKEN_END;
	else if (is_word(c))
		scan_word(sc);
	else if (c == '"' || c == '\'')
		scan_string(sc, c);
	else if (strchr("{}()=,", c) != NULL) {
		sc->token = TOKEN_PUNCT;
		sc->punct = c;
		sc->at++;
	} else {
		sc->token = TOKEN_BAD;
		(void)scan_fail(sc, "a character that needs quotes around its "
				    "value");
	}
}

/* The token begins here. Counts on from the last one: a line may be long. */
static void
scan_place(struct scan *sc)
{
	if (sc->counted < sc->line_start) {
		sc->counted = sc->line_start;
		sc->column = 0;
	}
	for (; sc->counted < sc->at; sc->counted++)
		sc->column +=
		    ((unsigned char)sc->text[sc->counted] & 0xc0) != 0x80;
	sc->token_line = sc->line;
	sc->token_column = sc->column + 1;
}

static void
scan_blank(struct scan *sc)
{
	for (;;) {
		const char *p = sc->text + sc->at;

		if (*p == '\n') {
			sc->line++;
			sc->line_start = ++sc->at;
		} else if (*p == ' ' || *p == '\t')
			sc->at++;
		else if (*p == '#' || (p[0] == '/' && p[1] == '/'))
			scan_comment(sc, false);
		else if (p[0] == '/' && p[1] == '*')
			scan_comment(sc, true);
		else
			return;
	}
}

/* Blanked in the text: libConfuse takes comments in fewer places. */
static void
scan_comment(struct scan *sc, bool block)
{
	char *p = sc->text + sc->at, *from = p, *stop;
	const char *end = sc->text + sc->len;

	if (!block) {
		stop = memchr(p, '\n', (size_t)(end - p));
	} else {
		stop = memmem(p + 2, (size_t)(end - p) - 2, "*/", 2);
		if (stop != NULL)
			stop += 2;
		else {
			scan_place(sc);
			sc->token = TOKEN_BAD;
			(void)scan_fail(sc, "the file ends inside a comment");
		}
	}
	if (stop == NULL)
		stop = sc->text + sc->len;
	for (; p < stop; p++) {
		if (*p == '\n') {
			sc->line++;
			sc->line_start = (size_t)(p - sc->text) + 1;
		} else
			*p = ' ';
	}
	sc->at += (size_t)(stop - from);
}

static void
scan_word(struct scan *sc)
{
	size_t from = sc->at;
	char c;

	while (is_word(sc->text[sc->at]))
		sc->at++;
	sc->word = (struct str){ sc->text + from, sc->at - from };
	sc->token = TOKEN_WORD;
	c = sc->text[sc->at];
	if (c != '\0' && strchr(" \t\n{}()=,#", c) == NULL) {
		sc->token = TOKEN_BAD;
		(void)scan_fail(sc, "put quotes around a value with characters "
				    "beyond letters, digits, _ . : / -");
	} else if (c == '#') {
		sc->token = TOKEN_BAD;
		(void)scan_fail(sc, "put a blank before the comment");
	}
}

/* Escapes are the few that mean the same to everyone: \" \\ \n \t between
 * double quotes; between single quotes a backslash is itself. */
static void
scan_string(struct scan *sc, char quote)
{
	size_t from = ++sc->at;

	for (; sc->at < sc->len && sc->text[sc->at] != quote; sc->at++) {
		char c = sc->text[sc->at];

		if (c == '\n') {
			sc->line++;
			sc->line_start = sc->at + 1;
		} else if (c == '\\') {
			c = sc->text[sc->at + 1];
			if (quote == '"' ? c == '\0' || !strchr("\"\\nt", c)
					 : c == '\'' || c == '\\' || c == '\n')
				break;
			sc->at += quote == '"';
		}
	}
	sc->word = (struct str){ sc->text + from, sc->at - from };
	sc->token = TOKEN_STRING;
	if (sc->text[sc->at] == quote) {
		sc->at++;
		return;
	}
	sc->token = TOKEN_BAD;
	(void)scan_fail(sc, sc->at < sc->len
		? "escapes between double quotes are \\\" \\\\ \\n \\t, none "
		  "between single quotes"
		: "the file ends inside this string");
}
