/* server/hubverify/csv.c - rows of a table; see verify.h.
 *
 * What PostgreSQL writes: fields by comma, rows by line feed, quotes only
 * around what needs them, no value as nothing, the empty text as "". Other
 * forms of the same are refused, so that no byte can be another one. */
#include "server/hubverify/verify.h"

#include <stdlib.h>
#include <string.h>

#define NOTHING (-1)
#define BLIND	(-2)

/* The next byte without taking it. */
static int
peek(struct csv *c)
{
	if (c->left == 0) {
		ptrdiff_t n = c->more(c->from, &c->chunk);

		if (n <= 0)
			return (n == 0 ? NOTHING : BLIND);
		c->left = (size_t)n;
	}
	return ((unsigned char)*c->chunk);
}

static void
take(struct csv *c)
{
	c->chunk++;
	c->left--;
}

static bool
put(struct csv *c, char ch)
{
	if (c->len == c->cap) {
		size_t cap = c->cap == 0 ? 4096 : c->cap * 2;
		char *row;

		if (cap > CSV_ROW_MAX || (row = realloc(c->row, cap)) == NULL)
			return (false);
		c->row = row;
		c->cap = cap;
	}
	c->row[c->len++] = ch;
	return (true);
}

/* A quoted field is so for a reason. */
static bool
needs_quotes(const char *s)
{
	return (s[0] == '\0' || s[strcspn(s, ",\"\n\r")] != '\0');
}

static enum csv_next
quoted(struct csv *c, size_t from)
{
	take(c);
	for (;;) {
		int ch = peek(c);

		if (ch == BLIND)
			return (CSV_BLIND);
		if (ch == NOTHING || ch == '\0')
			return (CSV_BAD);
		take(c);
		if (ch == '"') {
			if (peek(c) != '"')
				break;
			take(c);
		}
		c->line += ch == '\n';
		if (!put(c, (char)ch))
			return (CSV_BAD);
	}
	if (!put(c, '\0'))
		return (CSV_BAD);
	return (needs_quotes(c->row + from) ? CSV_ROW : CSV_BAD);
}

static enum csv_next
plain(struct csv *c)
{
	for (;;) {
		int ch = peek(c);

		if (ch == BLIND)
			return (CSV_BLIND);
		if (ch == NOTHING || ch == '\0' || ch == '"' || ch == '\r')
			return (CSV_BAD);
		if (ch == ',' || ch == '\n')
			return (put(c, '\0') ? CSV_ROW : CSV_BAD);
		take(c);
		if (!put(c, (char)ch))
			return (CSV_BAD);
	}
}

enum csv_next
csv_next(struct csv *c)
{
	size_t at[FIELDS_MAX];
	bool none[FIELDS_MAX];
	int ch = peek(c);

	if (ch == NOTHING || ch == BLIND)
		return (ch == NOTHING ? CSV_END : CSV_BLIND);
	c->len = 0;
	c->n = 0;
	c->line++;
	do {
		enum csv_next got;
		bool quotes = peek(c) == '"';

		if (c->n == FIELDS_MAX)
			return (CSV_BAD);
		at[c->n] = c->len;
		got = quotes ? quoted(c, c->len) : plain(c);
		if (got != CSV_ROW)
			return (got);
		none[c->n] = !quotes && c->len == at[c->n] + 1;
		c->n++;
		ch = peek(c);
		if (ch == ',' || ch == '\n')
			take(c);
	} while (ch == ',');
	if (ch != '\n')
		return (ch == BLIND ? CSV_BLIND : CSV_BAD);
	/* The row stays where it is from here on. */
	for (unsigned i = 0; i < c->n; i++)
		c->field[i] = none[i] ? NULL : c->row + at[i];
	return (CSV_ROW);
}

void
csv_clear(struct csv *c)
{
	free(c->row);
	*c = (struct csv){ 0 };
}
