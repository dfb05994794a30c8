/* server/ngsild/q.c - reading q (ETSI GS CIM 009, 4.9); query.h says what it
 * promises.
 *
 * ";" binds tighter than "|". A quoted value is a JSON string. So is a quoted
 * pattern, unless it is none ("a\.b"): then it is taken as it stands. */
#include "server/ngsild/q_priv.h"

#define Q_TEXT_MAX     4096
#define Q_OPERANDS_MAX 200 /* of the whole expression */

struct parser {
	struct str rest;
	const struct context *context;
	struct names *names;
	struct arena *arena;
	unsigned depth, nterms, noperands;
	enum hub_err err;
	const char *why;
};

static struct q_node *parse_or(struct parser *);

static bool
refuse(struct parser *p, enum hub_err err, const char *why)
{
	if (p->err == HUB_OK) {
		p->err = err;
		p->why = why;
	}
	return (false);
}

static bool
take(struct parser *p, struct str s)
{
	if (!str_prefix(p->rest, s))
		return (false);
	p->rest = str_from(p->rest, s.len);
	return (true);
}

/* The front of the rest, cut off. */
static struct str
cut(struct parser *p, size_t n)
{
	struct str s = { p->rest.p, n };

	p->rest = str_from(p->rest, n);
	return (s);
}

/* Bytes up to the first of those in stop, or to the end. */
static size_t
span_until(struct str s, const char *stop)
{
	size_t n = 0;

	while (n < s.len && (s.p[n] == '\0' || strchr(stop, s.p[n]) == NULL))
		n++;
	return (n);
}

static bool
at_end(const struct parser *p)
{
	return (span_until(p->rest, ";|)") == 0);
}

/* ---- attribute paths */

static bool
is_name_byte(unsigned char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-' || c >= 0x80);
}

static enum q_system
find_system(struct str text, bool first)
{
	static const struct {
		struct str text;
		enum q_system system;
		bool entity, attribute; /* where it stands */
	} table[] = {
		{ { "observedAt", 10 }, Q_OBSERVED_AT, false, true },
		{ { "unitCode", 8 }, Q_UNIT_CODE, false, true },
		{ { "datasetId", 9 }, Q_DATASET_ID, false, true },
		{ { "createdAt", 9 }, Q_CREATED_AT, true, true },
		{ { "modifiedAt", 10 }, Q_MODIFIED_AT, true, true },
		{ { "expiresAt", 9 }, Q_EXPIRES_AT, true, true },
		{ { "scope", 5 }, Q_SCOPE, true, false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((first ? table[i].entity : table[i].attribute) &&
		    str_eq(text, table[i].text))
			return (table[i].system);
	return (Q_ATTRIBUTE);
}

static bool
parse_part(struct parser *p, struct q_term *t)
{
	struct q_part *part = &t->parts[t->nparts];
	struct str text;
	size_t n = 0;

	while (n < p->rest.len && is_name_byte((unsigned char)p->rest.p[n]))
		n++;
	if (n < p->rest.len && (p->rest.p[n] == ':' || p->rest.p[n] == '/'))
		return (refuse(p, HUB_ESYNTAX,
		    "q takes no IRI as an attribute name"));
	if (n == 0)
		return (refuse(p, HUB_ESYNTAX, "q lacks an attribute name"));
	if (t->nparts == Q_PATH_MAX)
		return (refuse(p, HUB_EFULL, "a path in q is too long"));
	text = cut(p, n);
	part->system = find_system(text, t->nparts == 0);
	if (part->system == Q_ATTRIBUTE) {
		part->name = context_expand(p->context, p->names, text);
		if (part->name == NULL)
			return (refuse(p, HUB_ESYNTAX,
			    "q names something that is no attribute"));
	}
	t->nparts++;
	return (true);
}

/* Behind "[": the way into a value. */
static bool
parse_members(struct parser *p, struct q_term *t)
{
	size_t n;

	do {
		n = span_until(p->rest, ".[]();|=!<>~\", ");
		if (n == 0)
			return (refuse(p, HUB_ESYNTAX,
			    "a path in brackets is malformed in q"));
		if (t->nmembers == Q_PATH_MAX)
			return (refuse(p, HUB_EFULL,
			    "a path in q is too long"));
		t->members[t->nmembers++] = cut(p, n);
	} while (take(p, STR(".")));
	if (!take(p, STR("]")))
		return (refuse(p, HUB_ESYNTAX,
		    "a path in brackets is malformed in q"));
	return (true);
}

static bool
parse_path(struct parser *p, struct q_term *t)
{
	do {
		if (!parse_part(p, t))
			return (false);
	} while (take(p, STR(".")));
	return (!take(p, STR("[")) || parse_members(p, t));
}

/* ---- values */

/* Bytes of a quoted string with its quotes; 0 when it does not end. */
static size_t
quoted_len(struct str s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.p[i] == '"')
			return (i + 1);
		if (s.p[i] == '\\')
			i++;
	}
	return (0);
}

/* One JSON scalar of that kind, and nothing around it. */
static bool
parse_json(struct parser *p, struct str text, enum json_kind kind,
    struct json *j)
{
	const struct json_limits limits = { 1, 1, 1 };

	return (json_parse(j, text, &limits, p->arena) == HUB_OK &&
	    j->nodes[0].kind == kind && j->nodes[0].len == text.len);
}

static bool
parse_quoted(struct parser *p, struct q_value *v)
{
	size_t n = quoted_len(p->rest);
	struct json j;

	if (n == 0 || !parse_json(p, cut(p, n), JSON_STRING, &j))
		return (refuse(p, HUB_ESYNTAX,
		    "a string in q is not closed or no JSON string"));
	v->kind = Q_STRING;
	v->text = json_text(&j, 0, p->arena);
	return (true);
}

/* "hh:mm:ssZ" */
static bool
parse_time(struct parser *p, struct str text, struct wall_us *at_r)
{
	if (text.len < 9 || text.len > 32 || text.p[2] != ':')
		return (false);
	return (wall_parse(str_of(arena_printf(p->arena, "1970-01-01T%.*s",
			       STR_FMT(text))),
		    at_r) == HUB_OK);
}

static bool
parse_bare(struct parser *p, struct q_value *v)
{
	size_t n = span_until(p->rest, ";|),"), dots = 0;
	struct str text = { p->rest.p, n };
	struct json j;

	if (query_is_uri(text)) {
		v->kind = Q_URI;
		v->text = cut(p, n);
		return (true);
	}
	while (dots + 1 < n && (text.p[dots] != '.' || text.p[dots + 1] != '.'))
		dots++;
	v->text = text = cut(p, dots + 1 < n ? dots : n);
	if (str_eq(text, STR("true")))
		v->kind = Q_TRUE;
	else if (str_eq(text, STR("false")))
		v->kind = Q_FALSE;
	else if (wall_parse(text, &v->at) == HUB_OK ||
	    wall_parse_date(text, &v->at) == HUB_OK)
		v->kind = Q_INSTANT;
	else if (parse_time(p, text, &v->at))
		v->kind = Q_TIME;
	else if (parse_json(p, text, JSON_NUMBER, &j))
		v->kind = Q_NUMBER;
	else
		return (refuse(p, HUB_ESYNTAX,
		    "a value in q is no number, date, boolean or URI; strings "
		    "stand in quotes"));
	return (true);
}

static bool
parse_value(struct parser *p, struct q_value *v)
{
	return (p->rest.len > 0 && p->rest.p[0] == '"' ? parse_quoted(p, v) :
							 parse_bare(p, v));
}

static bool
is_ordered(enum q_kind kind)
{
	return (kind <= Q_TIME);
}

static bool
parse_operand(struct parser *p, struct q_operand *o)
{
	if (++p->noperands > Q_OPERANDS_MAX)
		return (refuse(p, HUB_EFULL, "q has too many values"));
	if (!parse_value(p, &o->lo))
		return (false);
	o->range = take(p, STR(".."));
	if (!o->range)
		return (true);
	if (!parse_value(p, &o->hi))
		return (false);
	if (o->lo.kind != o->hi.kind || !is_ordered(o->lo.kind))
		return (refuse(p, HUB_ESYNTAX,
		    "a range in q needs two numbers, strings, dates or times"));
	return (true);
}

/* For == and !=: values and ranges. */
static bool
parse_operands(struct parser *p, struct q_term *t)
{
	struct q_operand *room = arena_array(p->arena,
	    Q_OPERANDS_MAX - p->noperands + 1, sizeof(*room));

	t->operands = room;
	do {
		if (!parse_operand(p, &room[t->noperands]))
			return (false);
		t->noperands++;
	} while (take(p, STR(",")));
	return (true);
}

/* For <, <=, > and >=: one value that has an order. */
static bool
parse_bound(struct parser *p, struct q_term *t)
{
	t->operands = arena_array(p->arena, 1, sizeof(*t->operands));
	t->noperands = 1;
	if (!parse_operand(p, t->operands))
		return (false);
	if (t->operands->range || !is_ordered(t->operands->lo.kind))
		return (refuse(p, HUB_ESYNTAX,
		    "q compares by order with a number, string, date or time"));
	return (true);
}

/* Bytes of a pattern without quotes: to the first ";", "|" or ")" outside its
 * own groups and sets. */
static size_t
bare_pattern_len(struct str s)
{
	unsigned groups = 0;
	bool set = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (set)
			set = s.p[i] != ']';
		else if (s.p[i] == '[')
			set = true;
		else if (s.p[i] == '(')
			groups++;
		else if (s.p[i] == ')' && groups > 0)
			groups--;
		else if (groups == 0 && strchr(";|)", s.p[i]) != NULL)
			break;
	}
	return (i < s.len ? i : s.len);
}

static bool
parse_pattern(struct parser *p, struct q_term *t)
{
	struct str text;
	struct json j;
	size_t n;
	enum hub_err err;
	const char *why;

	if (p->rest.len > 0 && p->rest.p[0] == '"') {
		n = quoted_len(p->rest);
		if (n == 0)
			return (refuse(p, HUB_ESYNTAX,
			    "a pattern in q is not closed"));
		text = cut(p, n);
		if (parse_json(p, text, JSON_STRING, &j))
			text = json_text(&j, 0, p->arena);
		else
			text = (struct str){ text.p + 1, n - 2 };
	} else
		text = cut(p, bare_pattern_len(p->rest));
	if (text.len == 0)
		return (refuse(p, HUB_ESYNTAX, "a pattern in q is empty"));
	err = pattern_new(text, p->arena, &t->pattern, &why);
	return (err == HUB_OK || refuse(p, err, why));
}

/* ---- terms and what joins them */

static enum q_op
parse_op(struct parser *p)
{
	/* A longer one stands before its beginning. */
	static const struct {
		struct str text;
		enum q_op op;
	} ops[] = {
		{ { "!~=", 3 }, Q_UNLIKE },
		{ { "~=", 2 }, Q_LIKE },
		{ { "==", 2 }, Q_EQ },
		{ { "!=", 2 }, Q_NE },
		{ { ">=", 2 }, Q_GE },
		{ { "<=", 2 }, Q_LE },
		{ { ">", 1 }, Q_GT },
		{ { "<", 1 }, Q_LT },
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (take(p, ops[i].text))
			return (ops[i].op);
	return (Q_EXISTS);
}

static bool
parse_comparison(struct parser *p, struct q_term *t)
{
	t->op = parse_op(p);
	switch (t->op) {
	case Q_EXISTS:
		return (true);
	case Q_EQ:
	case Q_NE:
		return (parse_operands(p, t));
	case Q_LIKE:
	case Q_UNLIKE:
		return (parse_pattern(p, t));
	default:
		return (parse_bound(p, t));
	}
}

static struct q_node *
parse_term(struct parser *p)
{
	struct q_node *node = arena_alloc(p->arena, sizeof(*node));
	struct q_term *t = arena_alloc(p->arena, sizeof(*t));

	if (++p->nterms > Q_TERMS_MAX) {
		(void)refuse(p, HUB_EFULL, "q has more than 64 terms");
		return (NULL);
	}
	node->kind = Q_TERM;
	node->term = t;
	t->negated = take(p, STR("!"));
	if (!parse_path(p, t))
		return (NULL);
	if (!t->negated && !parse_comparison(p, t))
		return (NULL);
	if (!at_end(p)) {
		(void)refuse(p, HUB_ESYNTAX,
		    "q is malformed behind a path or a value");
		return (NULL);
	}
	return (node);
}

static struct q_node *
parse_unit(struct parser *p)
{
	struct q_node *node;

	if (!take(p, STR("(")))
		return (parse_term(p));
	if (++p->depth > Q_DEPTH_MAX) {
		(void)refuse(p, HUB_EFULL, "q is nested too deeply");
		return (NULL);
	}
	node = parse_or(p);
	p->depth--;
	if (node != NULL && !take(p, STR(")"))) {
		(void)refuse(p, HUB_ESYNTAX, "q lacks a closing parenthesis");
		return (NULL);
	}
	return (node);
}

static struct q_node *
parse_joined(struct parser *p, enum q_node_kind kind, struct str sign,
    struct q_node *(*next)(struct parser *))
{
	struct q_node *join = arena_alloc(p->arena, sizeof(*join));
	struct q_node **end = &join->below;

	join->kind = kind;
	do {
		*end = next(p);
		if (*end == NULL)
			return (NULL);
		end = &(*end)->beside;
	} while (take(p, sign));
	return (join);
}

static struct q_node *
parse_and(struct parser *p)
{
	return (parse_joined(p, Q_AND, STR(";"), parse_unit));
}

static struct q_node *
parse_or(struct parser *p)
{
	return (parse_joined(p, Q_OR, STR("|"), parse_and));
}

enum hub_err
q_parse(struct str text, const struct context *context, struct names *names,
    struct arena *arena, struct q **q_r, const char **why_r)
{
	struct parser p = { .rest = text,
		.context = context,
		.names = names,
		.arena = arena };
	struct q *q;

	if (text.len > Q_TEXT_MAX) {
		*why_r = "q is longer than 4096 bytes";
		return (HUB_EFULL);
	}
	if (!str_utf8(text)) {
		*why_r = "q is not UTF-8";
		return (HUB_ESYNTAX);
	}
	q = arena_alloc(arena, sizeof(*q));
	q->context = context;
	q->root = parse_or(&p);
	if (q->root != NULL && p.rest.len > 0) {
		(void)refuse(&p, HUB_ESYNTAX, "q closes no parenthesis");
		q->root = NULL;
	}
	if (q->root == NULL) {
		*why_r = p.why;
		return (p.err);
	}
	*q_r = q;
	return (HUB_OK);
}

static void
node_names(const struct q_node *node, void (*fn)(const struct name *, void *),
    void *arg)
{
	if (node->kind == Q_TERM && node->term->parts[0].name != NULL)
		fn(node->term->parts[0].name, arg);
	for (node = node->below; node != NULL; node = node->beside)
		node_names(node, fn, arg);
}

void
q_names(const struct q *q, void (*fn)(const struct name *, void *), void *arg)
{
	node_names(q->root, fn, arg);
}
