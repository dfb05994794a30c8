/* server/ngsild/boolexpr.c - and and or over atoms; boolexpr.h says what it
 * promises. */
#include "server/ngsild/boolexpr.h"

enum kind { ATOM, AND, OR };

struct boolexpr {
	enum kind kind;
	const void *atom;
	struct boolexpr *below, *beside; /* operands of AND and OR */
};

struct parser {
	struct str rest;
	boolexpr_atom_fn atom;
	void *arg;
	struct arena *arena;
	unsigned depth, natoms;
	enum hub_err err;
	const char *why;
};

static struct boolexpr *parse_or(struct parser *);

static struct boolexpr *
refuse(struct parser *p, enum hub_err err, const char *why)
{
	p->err = err;
	p->why = why;
	return (NULL);
}

static bool
take(struct parser *p, const char *signs)
{
	if (p->rest.len == 0 || p->rest.p[0] == '\0' ||
	    strchr(signs, p->rest.p[0]) == NULL)
		return (false);
	p->rest = str_from(p->rest, 1);
	return (true);
}

static struct boolexpr *
parse_atom(struct parser *p)
{
	struct boolexpr *e = arena_alloc(p->arena, sizeof(*e));
	struct str text = { p->rest.p, 0 };
	enum hub_err err;

	while (text.len < p->rest.len &&
	       (text.p[text.len] == '\0' ||
		   strchr(",|;()", text.p[text.len]) == NULL))
		text.len++;
	if (text.len == 0)
		return (refuse(p, HUB_ESYNTAX,
		    "an expression of , | ; and parentheses lacks an operand"));
	if (++p->natoms > BOOLEXPR_ATOMS_MAX)
		return (refuse(
		    p, HUB_EFULL, "an expression has more than 200 operands"));
	p->rest = str_from(p->rest, text.len);
	err = p->atom(text, p->arg, &e->atom, &p->why);
	if (err != HUB_OK)
		return (refuse(p, err, p->why));
	return (e);
}

static struct boolexpr *
parse_unit(struct parser *p)
{
	struct boolexpr *e;

	if (!take(p, "("))
		return (parse_atom(p));
	if (++p->depth > BOOLEXPR_DEPTH_MAX)
		return (
		    refuse(p, HUB_EFULL, "an expression is nested too deeply"));
	e = parse_or(p);
	p->depth--;
	if (e != NULL && !take(p, ")"))
		return (refuse(p, HUB_ESYNTAX,
		    "an expression lacks a closing parenthesis"));
	return (e);
}

static struct boolexpr *
parse_joined(struct parser *p, enum kind kind, const char *signs,
    struct boolexpr *(*next)(struct parser *))
{
	struct boolexpr *join = arena_alloc(p->arena, sizeof(*join));
	struct boolexpr **end = &join->below;

	join->kind = kind;
	do {
		*end = next(p);
		if (*end == NULL)
			return (NULL);
		end = &(*end)->beside;
	} while (take(p, signs));
	return (join->below->beside != NULL ? join : join->below);
}

static struct boolexpr *
parse_and(struct parser *p)
{
	return (parse_joined(p, AND, ";", parse_unit));
}

static struct boolexpr *
parse_or(struct parser *p)
{
	return (parse_joined(p, OR, ",|", parse_and));
}

enum hub_err
boolexpr_parse(struct str text, boolexpr_atom_fn atom, void *arg,
    struct arena *arena, struct boolexpr **expr_r, const char **why_r)
{
	struct parser p = {
		.rest = text, .atom = atom, .arg = arg, .arena = arena
	};
	struct boolexpr *e = parse_or(&p);

	if (e != NULL && p.rest.len > 0)
		e = refuse(&p, HUB_ESYNTAX,
		    "an expression is malformed at a parenthesis");
	if (e == NULL) {
		*why_r = p.why;
		return (p.err);
	}
	*expr_r = e;
	return (HUB_OK);
}

bool
boolexpr_test(const struct boolexpr *e, boolexpr_test_fn test, const void *arg)
{
	bool any = e->kind == OR;

	if (e->kind == ATOM)
		return (test(e->atom, arg));
	for (e = e->below; e != NULL; e = e->beside)
		if (boolexpr_test(e, test, arg) == any)
			return (any);
	return (!any);
}

bool
boolexpr_has_and(const struct boolexpr *e)
{
	if (e->kind == AND)
		return (true);
	for (e = e->below; e != NULL; e = e->beside)
		if (boolexpr_has_and(e))
			return (true);
	return (false);
}

void
boolexpr_write(const struct boolexpr *e, boolexpr_write_fn fn, struct buf *b)
{
	char sign = e->kind == OR ? ',' : ';';

	if (e->kind == ATOM) {
		fn(e->atom, b);
		return;
	}
	for (const struct boolexpr *o = e->below; o != NULL; o = o->beside) {
		bool group = o->kind != ATOM;

		if (o != e->below)
			buf_addc(b, sign);
		if (group)
			buf_addc(b, '(');
		boolexpr_write(o, fn, b);
		if (group)
			buf_addc(b, ')');
	}
}
