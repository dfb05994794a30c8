/* server/ngsild/pattern_parse.c - reading patterns; query.h says which.
 *
 * A backslash makes the punctuation character behind it literal, in a set
 * too; behind it a letter or digit is refused, because it means something
 * else everywhere (backreference, class, boundary). So are two quantifiers in
 * a row. */
#include "server/ngsild/pattern_priv.h"

struct parser {
	struct str rest;
	struct arena *arena;
	unsigned depth;
	const char *why;
	enum hub_err err;
};

static struct piece *parse_alt(struct parser *);

uint32_t
pattern_char(struct str *s)
{
	const unsigned char *p = (const unsigned char *)s->p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (p[0] < 0x80 || p[0] < 0xc2 || n > s->len) {
		*s = str_from(*s, 1);
		return (p[0] < 0x80 ? p[0] : UINT32_MAX);
	}
	c = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*s = str_from(*s, 1);
			return (UINT32_MAX);
		}
		c = c << 6 | (p[i] & 0x3fU);
	}
	*s = str_from(*s, n);
	return (c);
}

static struct piece *
refuse(struct parser *p, enum hub_err err, const char *why)
{
	if (p->err == HUB_OK) {
		p->err = err;
		p->why = why;
	}
	return (NULL);
}

static struct piece *
piece_new(struct parser *p, enum piece_kind kind)
{
	struct piece *piece = arena_alloc(p->arena, sizeof(*piece));

	piece->kind = kind;
	return (piece);
}

static bool
next_is(const struct parser *p, char c)
{
	return (p->rest.len > 0 && p->rest.p[0] == c);
}

static bool
take(struct parser *p, char c)
{
	if (!next_is(p, c))
		return (false);
	p->rest = str_from(p->rest, 1);
	return (true);
}

static bool
is_alnum(uint32_t c)
{
	return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'));
}

/* What stands behind a backslash. */
static bool
parse_escape(struct parser *p, uint32_t *c_r)
{
	if (p->rest.len == 0) {
		(void)refuse(p, HUB_ESYNTAX, "a pattern ends in a backslash");
		return (false);
	}
	*c_r = pattern_char(&p->rest);
	if (is_alnum(*c_r) || *c_r >= 0x80) {
		(void)refuse(p, HUB_ESYNTAX,
		    "a backslash in a pattern stands before punctuation only");
		return (false);
	}
	return (true);
}

static void
set_add_ascii(struct set *set, uint32_t lo, uint32_t hi)
{
	for (uint32_t c = lo; c <= hi && c < 0x80; c++)
		set->ascii[c / 32] |= UINT32_C(1) << (c % 32);
}

static bool
set_add(struct parser *p, struct set *set, uint32_t lo, uint32_t hi)
{
	if (lo > hi) {
		(void)refuse(p, HUB_ESYNTAX, "a range in a set runs backwards");
		return (false);
	}
	set_add_ascii(set, lo, hi);
	if (hi < 0x80)
		return (true);
	if (set->nranges == PATTERN_RANGES_MAX) {
		(void)refuse(p, HUB_EFULL, "a set has too many characters");
		return (false);
	}
	set->ranges[set->nranges++] = (struct range){ lo, hi };
	return (true);
}

/* POSIX classes, ASCII only. */
static const struct class {
	struct str name;
	unsigned n;
	struct range ranges[4];
} classes[] = {
	{ STR("alnum"), 3, { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
	{ STR("alpha"), 2, { { 'A', 'Z' }, { 'a', 'z' } } },
	{ STR("blank"), 2, { { ' ', ' ' }, { '\t', '\t' } } },
	{ STR("digit"), 1, { { '0', '9' } } },
	{ STR("lower"), 1, { { 'a', 'z' } } },
	{ STR("punct"), 4,
	    { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } } },
	{ STR("space"), 2, { { ' ', ' ' }, { '\t', '\r' } } },
	{ STR("upper"), 1, { { 'A', 'Z' } } },
	{ STR("xdigit"), 3, { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } },
};

/* Behind "[:" in a set. */
static bool
parse_class(struct parser *p, struct set *set)
{
	struct str name = { p->rest.p, str_chr(p->rest, ':') };

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (!str_eq(name, classes[i].name))
			continue;
		p->rest = str_from(p->rest, name.len);
		if (!take(p, ':') || !take(p, ']'))
			break;
		for (unsigned k = 0; k < classes[i].n; k++)
			set_add_ascii(set, classes[i].ranges[k].lo,
			    classes[i].ranges[k].hi);
		return (true);
	}
	(void)refuse(p, HUB_ESYNTAX, "an unknown class in a set");
	return (false);
}

/* One member of a set; *class_r when it was a whole class. */
static bool
parse_set_member(struct parser *p, struct set *set, uint32_t *c_r,
    bool *class_r)
{
	*class_r = false;
	if (p->rest.len == 0) {
		(void)refuse(p, HUB_ESYNTAX, "a set is not closed");
		return (false);
	}
	*c_r = pattern_char(&p->rest);
	if (*c_r == '\\')
		return (parse_escape(p, c_r));
	if (*c_r != '[')
		return (true);
	if (next_is(p, '.') || next_is(p, '=')) {
		(void)refuse(p, HUB_ESYNTAX, "collation in a set");
		return (false);
	}
	if (!take(p, ':'))
		return (true);
	*class_r = true;
	return (parse_class(p, set));
}

static bool
parse_set_range(struct parser *p, struct set *set)
{
	uint32_t lo, hi;
	bool class;

	if (!parse_set_member(p, set, &lo, &class))
		return (false);
	if (class)
		return (true);
	hi = lo;
	/* A "-" before the end is itself. */
	if (p->rest.len >= 2 && p->rest.p[0] == '-' && p->rest.p[1] != ']') {
		(void)take(p, '-');
		if (!parse_set_member(p, set, &hi, &class))
			return (false);
		if (class) {
			(void)refuse(p, HUB_ESYNTAX, "a range ends in a class");
			return (false);
		}
	}
	return (set_add(p, set, lo, hi));
}

/* Behind "[". A "]" in first place is itself. */
static struct piece *
parse_set(struct parser *p)
{
	struct piece *piece = piece_new(p, PIECE_SET);

	piece->set = arena_alloc(p->arena, sizeof(*piece->set));
	piece->set->negated = take(p, '^');
	do {
		if (!parse_set_range(p, piece->set))
			return (NULL);
	} while (!take(p, ']'));
	return (piece);
}

static struct piece *
parse_group(struct parser *p)
{
	struct piece *piece;

	if (++p->depth > PATTERN_DEPTH_MAX)
		return (refuse(p, HUB_EFULL, "groups are nested too deeply"));
	piece = parse_alt(p);
	p->depth--;
	if (piece != NULL && !take(p, ')'))
		return (refuse(p, HUB_ESYNTAX, "a group is not closed"));
	return (piece);
}

static struct piece *
parse_atom(struct parser *p)
{
	static const struct {
		char c;
		enum piece_kind kind;
	} plain[] = { { '.', PIECE_ANY }, { '^', PIECE_BEGIN },
		{ '$', PIECE_END } };
	struct piece *piece;

	if (take(p, '('))
		return (parse_group(p));
	if (take(p, '['))
		return (parse_set(p));
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (take(p, plain[i].c))
			return (piece_new(p, plain[i].kind));
	if (next_is(p, '*') || next_is(p, '+') || next_is(p, '?') ||
	    next_is(p, '{'))
		return (refuse(p, HUB_ESYNTAX,
		    "a quantifier has nothing to repeat"));
	piece = piece_new(p, PIECE_CHAR);
	piece->c = pattern_char(&p->rest);
	if (piece->c == '\\' && !parse_escape(p, &piece->c))
		return (NULL);
	return (piece);
}

static bool
parse_count(struct parser *p, uint32_t *n_r)
{
	size_t digits = 0;
	uint64_t n;

	while (digits < p->rest.len && p->rest.p[digits] >= '0' &&
	    p->rest.p[digits] <= '9')
		digits++;
	if (digits == 0 ||
	    str_uint((struct str){ p->rest.p, digits }, PATTERN_REPEAT_MAX,
		&n) != HUB_OK) {
		(void)refuse(p, HUB_ESYNTAX,
		    "a repetition is no number from 0 to 100");
		return (false);
	}
	p->rest = str_from(p->rest, digits);
	*n_r = (uint32_t)n;
	return (true);
}

/* Behind "{": m}, m,} or m,n}. */
static bool
parse_counts(struct parser *p, uint32_t *min_r, uint32_t *max_r)
{
	if (!parse_count(p, min_r))
		return (false);
	*max_r = *min_r;
	if (take(p, ',')) {
		*max_r = PATTERN_NO_LIMIT;
		if (!next_is(p, '}') && !parse_count(p, max_r))
			return (false);
	}
	if (!take(p, '}') || *max_r < *min_r) {
		(void)refuse(p, HUB_ESYNTAX, "a repetition is malformed");
		return (false);
	}
	return (true);
}

/* An atom and what repeats it. */
static struct piece *
parse_repeat(struct parser *p)
{
	struct piece *piece = parse_atom(p), *repeat;
	uint32_t min = 0, max = PATTERN_NO_LIMIT;

	if (piece == NULL)
		return (NULL);
	if (take(p, '?'))
		max = 1;
	else if (take(p, '+'))
		min = 1;
	else if (take(p, '{')) {
		if (!parse_counts(p, &min, &max))
			return (NULL);
	} else if (!take(p, '*'))
		return (piece);
	if (piece->kind == PIECE_BEGIN || piece->kind == PIECE_END)
		return (refuse(p, HUB_ESYNTAX, "an anchor is repeated"));
	if (next_is(p, '*') || next_is(p, '+') || next_is(p, '?') ||
	    next_is(p, '{'))
		return (refuse(p, HUB_ESYNTAX, "two quantifiers in a row"));
	repeat = piece_new(p, PIECE_REPEAT);
	repeat->below = piece;
	repeat->min = min;
	repeat->max = max;
	return (repeat);
}

static struct piece *
parse_cat(struct parser *p)
{
	struct piece *cat = piece_new(p, PIECE_CAT), *part;

	while (p->rest.len > 0 && !next_is(p, '|') && !next_is(p, ')')) {
		part = parse_repeat(p);
		if (part == NULL)
			return (NULL);
		part->beside = cat->below;
		cat->below = part;
	}
	if (cat->below == NULL)
		cat->kind = PIECE_EMPTY;
	return (cat);
}

static struct piece *
parse_alt(struct parser *p)
{
	struct piece *alt = piece_new(p, PIECE_ALT), *branch;

	do {
		branch = parse_cat(p);
		if (branch == NULL)
			return (NULL);
		branch->beside = alt->below;
		alt->below = branch;
	} while (take(p, '|'));
	return (alt);
}

enum hub_err
pattern_parse(struct str text, struct arena *arena, struct piece **root_r,
    const char **why_r)
{
	struct parser p = { .rest = text, .arena = arena };
	struct piece *root;

	if (text.len > PATTERN_TEXT_MAX || !str_utf8(text)) {
		*why_r = "a pattern is longer than 512 bytes or not UTF-8";
		return (text.len > PATTERN_TEXT_MAX ? HUB_EFULL : HUB_ESYNTAX);
	}
	root = parse_alt(&p);
	if (root != NULL && p.rest.len > 0)
		root = refuse(&p, HUB_ESYNTAX, "a pattern closes no group");
	if (root == NULL) {
		*why_r = p.why;
		return (p.err);
	}
	*root_r = root;
	return (HUB_OK);
}
