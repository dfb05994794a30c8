/* server/ngsild/narrow.c - q for a source; narrow.h says what it promises.
 *
 * Each part of q comes to one of three things: all (it may hold for any
 * entity), none (for no entity of the view), or a text. */
#include "server/ngsild/narrow.h"

#include "server/ngsild/q_priv.h"

#define NUMBER_MAX 24 /* bytes: longer ones no double is like */
#define STRING_MAX 200

enum part_kind { PART_ALL = 0, PART_NONE, PART_TEXT };

struct part {
	enum part_kind kind;
	bool joined; /* of several: to be put in parentheses */
	struct str text;
};

static struct part part_of(const struct q *, const struct narrow *,
    const struct q_node *);

static bool
is_plain(unsigned char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-');
}

/* Words that mean something else at the beginning of a path. */
static bool
is_reserved(struct str s)
{
	static const struct str words[] = { { "createdAt", 9 },
		{ "modifiedAt", 10 }, { "expiresAt", 9 }, { "deletedAt", 9 },
		{ "scope", 5 }, { "id", 2 }, { "type", 4 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(s, words[i]))
			return (true);
	return (false);
}

struct str
narrow_name(const struct name *name, const struct context *context,
    struct arena *a)
{
	struct str s = context_compact(context, name, a);

	if (s.len == 0 || s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9') ||
	    is_reserved(s))
		return (STR_NONE);
	for (size_t i = 0; i < s.len; i++)
		if (!is_plain((unsigned char)s.p[i]))
			return (STR_NONE);
	return (s);
}

/* ---- values */

static bool
is_number(struct str s)
{
	return (s.len <= NUMBER_MAX && str_chr(s, 'e') == s.len &&
	    str_chr(s, 'E') == s.len);
}

/* No sign of any query language in it, and no time. */
static bool
is_string(struct str s)
{
	struct wall_us at;

	if (s.len == 0 || s.len > STRING_MAX || s.p[0] == ' ' ||
	    s.p[s.len - 1] == ' ')
		return (false);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (!is_plain(c) && c < 0x80 &&
		    (c == '\0' || strchr(" ./:", c) == NULL))
			return (false);
	}
	return (wall_parse(s, &at) != HUB_OK &&
	    wall_parse_date(s, &at) != HUB_OK &&
	    !(s.len >= 3 && s.p[2] == ':'));
}

/* Of a vocabulary it would be another word to the source. */
static bool
means_the_same(const struct q *q, const struct narrow *n, struct str s)
{
	return (context_expand(q->context, n->names, s) ==
	    context_expand(n->context, n->names, s));
}

static bool
add_value(const struct q *q, const struct narrow *n, const struct q_value *v,
    struct buf *b)
{
	switch (v->kind) {
	case Q_NUMBER:
		buf_adds(b, v->text);
		return (is_number(v->text));
	case Q_TRUE:
	case Q_FALSE:
		buf_adds(b, v->kind == Q_TRUE ? STR("true") : STR("false"));
		return (true);
	case Q_URI:
		buf_adds(b, v->text);
		return (n->uris && is_string(v->text) &&
		    str_chr(v->text, ' ') == v->text.len &&
		    means_the_same(q, n, v->text));
	case Q_STRING:
		buf_addc(b, n->quote);
		buf_adds(b, v->text);
		buf_addc(b, n->quote);
		return (is_string(v->text) &&
		    (n->uris || str_chr(v->text, ':') == v->text.len) &&
		    means_the_same(q, n, v->text));
	default:
		return (false);
	}
}

static bool
add_operand(const struct q *q, const struct narrow *n,
    const struct q_operand *o, struct buf *b)
{
	if (!add_value(q, n, &o->lo, b))
		return (false);
	if (!o->range)
		return (true);
	BUF_LIT(b, "..");
	return (o->lo.kind == Q_NUMBER && add_value(q, n, &o->hi, b));
}

/* ---- terms */

static bool
add_comparison(const struct q *q, const struct narrow *n,
    const struct q_term *t, struct buf *b)
{
	switch (t->op) {
	case Q_EXISTS:
		return (true);
	case Q_EQ:
		for (unsigned i = 0; i < t->noperands; i++) {
			buf_adds(b, i == 0 ? STR("==") : STR(","));
			if (!add_operand(q, n, &t->operands[i], b))
				return (false);
		}
		return (true);
	case Q_GE:
	case Q_GT:
	case Q_LE:
	case Q_LT:
		buf_adds(b, t->op == Q_GE || t->op == Q_GT ? STR(">=") :
							     STR("<="));
		return (t->operands[0].lo.kind == Q_NUMBER &&
		    add_operand(q, n, &t->operands[0], b));
	default:
		return (false);
	}
}

static struct part
term_text(const struct q *q, const struct narrow *n, const struct q_term *t)
{
	struct str name = narrow_name(t->parts[0].name, n->context, n->arena);
	struct part p = { PART_ALL, false, STR_NONE };
	struct buf b;

	if (name.p == NULL || t->negated || t->nparts > 1 || t->nmembers > 0)
		return (p);
	buf_init(&b, NARROW_TEXT_MAX);
	buf_adds(&b, name);
	if (add_comparison(q, n, t, &b) && !b.failed) {
		p.kind = PART_TEXT;
		p.text = arena_str(n->arena, buf_str(&b));
	}
	buf_clear(&b);
	return (p);
}

static struct part
term_part(const struct q *q, const struct narrow *n, const struct q_term *t)
{
	static const struct part all = { PART_ALL, false, { NULL, 0 } },
				 none = { PART_NONE, false, { NULL, 0 } };

	if (t->parts[0].system != Q_ATTRIBUTE)
		return (all);
	switch (n->use(t->parts[0].name, n->arg)) {
	case NARROW_ABSENT:
		return (t->negated ? all : none);
	case NARROW_PUSH:
		return (term_text(q, n, t));
	case NARROW_LOCAL:
	default:
		return (all);
	}
}

/* ---- what joins them */

static void
add_part(const struct part *p, char sign, struct buf *b)
{
	if (b->len > 0)
		buf_addc(b, sign);
	if (p->joined)
		buf_addc(b, '(');
	buf_adds(b, p->text);
	if (p->joined)
		buf_addc(b, ')');
}

/* "and" leaves out what says nothing, "or" what cannot be; all in an "or" is
 * all, none in an "and" is none. */
static struct part
join_part(const struct q *q, const struct narrow *n, const struct q_node *node)
{
	bool or = node->kind == Q_OR;
	enum part_kind ends = or ? PART_ALL : PART_NONE;
	struct part one = { or ? PART_NONE : PART_ALL, false, STR_NONE }, p;
	unsigned ntexts = 0;
	struct buf b;

	buf_init(&b, NARROW_TEXT_MAX);
	for (node = node->below; node != NULL; node = node->beside) {
		p = part_of(q, n, node);
		if (p.kind == ends) {
			one = p;
			ntexts = 0;
			break;
		}
		if (p.kind != PART_TEXT)
			continue;
		add_part(&p, or ? '|' : ';', &b);
		one = p;
		ntexts++;
	}
	if (ntexts > 1 && (b.failed || (or && !n->alternatives)))
		one = (struct part){ PART_ALL, false, STR_NONE };
	else if (ntexts > 1)
		one = (struct part){ PART_TEXT, true,
			arena_str(n->arena, buf_str(&b)) };
	buf_clear(&b);
	return (one);
}

static struct part
part_of(const struct q *q, const struct narrow *n, const struct q_node *node)
{
	return (node->kind == Q_TERM ? term_part(q, n, node->term) :
				       join_part(q, n, node));
}

struct str
narrow_q(const struct q *q, const struct narrow *n)
{
	struct part p = part_of(q, n, q->root);

	return (p.kind == PART_TEXT ? p.text : STR_NONE);
}
