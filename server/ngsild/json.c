/* server/ngsild/json.c - one strict pass over JSON; see json.h.
 *
 * An open container keeps its parent in node.next until its end is known, and
 * what else its parent needs back lies in the tape too (parent_store); so
 * there is no stack, and depth is only a counter.
 *
 * Most answers are small and made of short strings, so a node must cost few
 * instructions: what is usual (no blanks, plain ASCII, room for a vector
 * load) is inlined into one loop, what is not is a function of its own. */
#include "server/ngsild/json.h"

#include "server/ngsild/json_alike.h"
#include "server/ngsild/json_names.h"
#include "server/ngsild/json_priv.h"
#include "server/ngsild/json_scan.h"

#define NO_PARENT  JSON_NODES_MAX /* tells from every node */
#define NO_BLOCK   ((size_t)-64)
#define NODE_BYTES 6 /* most answers have fewer nodes than one in so many */

/* The state of the pass. Its address is given to INLINE functions only, so
 * that the compiler may keep it in registers. */
struct scan {
	const char *text;
	size_t at, len;
	size_t base;   /* the block of 64 bytes looked at last, and */
	uint64_t bits; /* which of them are special */
	struct json_node *nodes;
	uint32_t n, cap;
	uint32_t open;  /* the innermost open container, or NO_PARENT */
	uint32_t count; /* its members so far */
	uint64_t seen;  /* marks of its names (0 in an array); SUSPECT: compare
			 * them all */
	char close;     /* the bracket that ends it; NUL: none is open */
	uint32_t depth;
	uint32_t last;    /* the container closed last, or NO_PARENT */
	bool odd_names;
	size_t won, lost; /* bytes found alike, and looked at in vain */
	struct json_limits limits;
	struct arena *arena;
};

static enum hub_err scan_text(struct scan, struct json *);

enum hub_err
json_parse(struct json *j, struct str text, const struct json_limits *limits,
    struct arena *arena)
{
	struct scan s = { .text = text.p,
		.len = text.len,
		.base = NO_BLOCK,
		.open = NO_PARENT,
		.last = NO_PARENT,
		.limits = *limits,
		.arena = arena };

	if (text.len == 0)
		return (HUB_ESYNTAX);
	if (text.len >= UINT32_MAX)
		return (HUB_EFULL);
	if (s.limits.nodes > JSON_NODES_MAX)
		s.limits.nodes = JSON_NODES_MAX;
	s.cap = (uint32_t)text.len / NODE_BYTES + 1;
	if (s.cap > s.limits.nodes)
		s.cap = s.limits.nodes;
	s.nodes = arena_raw(arena, (size_t)s.cap * sizeof(*s.nodes));
	return (scan_text(s, j));
}

/* A node stands behind a bracket, comma or colon of its own and has a byte
 * itself, but for the root and for what is open. */
uint32_t
json_nodes_fit(size_t len, size_t room, const struct json_limits *limits)
{
	size_t most = len / 2 + 2 + limits->depth;
	size_t first = len / NODE_BYTES + 1 + 2; /* thrown away; rounding */
	size_t fit = room / sizeof(struct json_node);

	if (fit <= first)
		return (0);
	fit -= first;
	if (most > limits->nodes)
		most = limits->nodes;
	if (most > JSON_NODES_MAX)
		most = JSON_NODES_MAX;
	return ((uint32_t)(most < fit ? most : fit));
}

size_t
json_tape_bytes(size_t len, uint32_t nodes)
{
	return ((len / NODE_BYTES + 1 + 2 + (size_t)nodes) *
	    sizeof(struct json_node));
}

/* ---- the tape */

/* How many bytes a value can stand behind; those in strings count too. */
static size_t
count_marks(struct str s)
{
	size_t n = 0, i = 0;

#if JSON_SSE2
	for (; s.len - i >= 16; i += 16)
		n += (size_t)__builtin_popcount(marks16(s.p + i));
#endif
	for (; i < s.len; i++)
		n += s.p[i] == ',' || s.p[i] == ':' || s.p[i] == '[' ||
		     s.p[i] == '{';
	return (n);
}

struct tape {
	struct json_node *nodes;
	uint32_t cap;
};

/* A tape for n nodes, one more and all that rest may hold. Every value but the
 * root stands behind a mark of its own: so this happens once, and what it takes
 * is bounded by the text. */
UNUSUAL struct tape
tape_grow(const struct json_node *nodes, uint32_t n, struct str rest,
    uint32_t limit, struct arena *arena)
{
	size_t bound = (size_t)n + 1 + count_marks(rest);
	struct tape t = { .cap = bound > limit ? limit : (uint32_t)bound };

	t.nodes = arena_raw(arena, (size_t)t.cap * sizeof(*nodes));
	memcpy(t.nodes, nodes, n * sizeof(*nodes));
	return (t);
}

/* Is there room for a node? */
INLINE bool
tape_room(struct scan *s)
{
	struct tape t;

	if (USUAL(s->n < s->cap))
		return (true);
	if (s->cap == s->limits.nodes)
		return (false);
	t = tape_grow(s->nodes, s->n,
	    (struct str){ s->text + s->at, s->len - s->at }, s->limits.nodes,
	    s->arena);
	s->nodes = t.nodes;
	s->cap = t.cap;
	return (true);
}

/* ---- strings */

#if JSON_SSE2
/* As skip_plain, by a block's mask: so where a string ends does not wait for
 * where the one before it did. False: there is none. */
INLINE bool
find_special(struct scan *s, size_t from, size_t *at_r)
{
	uint64_t hits;

	if (from - s->base >= 64) {
		s->base = from & ~(size_t)63;
		if (s->base >= s->len)
			return (false);
		s->bits = scan_block(s->text, s->base, s->len);
	}
	hits = s->bits >> (from & 63);
	while (hits == 0) {
		from = s->base += 64;
		if (from >= s->len)
			return (false);
		hits = s->bits = scan_block(s->text, from, s->len);
	}
	*at_r = from + (unsigned)__builtin_ctzll(hits);
	return (true);
}
#else
INLINE bool
find_special(struct scan *s, size_t from, size_t *at_r)
{
	*at_r = skip_plain(s->text, from, s->len);
	return (*at_r < s->len);
}
#endif

/* ---- the pass */

UNUSUAL size_t
skip_blanks(const char *text, size_t at, size_t len)
{
	while (at < len && (text[at] == ' ' || text[at] == '\n' ||
			       text[at] == '\r' || text[at] == '\t'))
		at++;
	return (at);
}

/* The first byte behind blanks, where at goes. NUL at the end: like a NUL in
 * the text it begins nothing. */
INLINE char
peek(struct scan *s)
{
	if (USUAL(s->at < s->len && (unsigned char)s->text[s->at] > ' '))
		return (s->text[s->at]);
	s->at = skip_blanks(s->text, s->at, s->len);
	return (s->at < s->len ? s->text[s->at] : '\0');
}

/* Is c, which is not NUL, the first byte behind blanks? */
INLINE bool
peek_is(struct scan *s, char c)
{
	return (USUAL(s->at < s->len && s->text[s->at] == c) || peek(s) == c);
}

/* A node for the scalar from at to behind; at goes there. Fields are set one by
 * one, since an initializer clears the node first. */
INLINE enum hub_err
add_node(struct scan *s, enum json_kind kind, size_t behind, bool escaped,
    bool name)
{
	struct json_node *node;

	if (!tape_room(s))
		return (HUB_EFULL);
	node = &s->nodes[s->n++];
	node->off = (uint32_t)s->at;
	node->len = (uint32_t)(behind - s->at);
	node->count = 0;
	node->next = INDEX(s->n);
	node->kind = KIND(kind);
	node->escaped = escaped;
	node->name = name;
	node->alike = false;
	node->same = false;
	s->at = behind;
	return (HUB_OK);
}

/* at is at the opening quote. A name that is not plain is suspect: it may be
 * spelt otherwise elsewhere, or spell anything. */
INLINE enum hub_err
add_string(struct scan *s, bool name)
{
	struct string_end end;
	size_t at;

	if (!find_special(s, s->at + 1, &at))
		return (HUB_ESYNTAX);
	if (USUAL(s->text[at] == '"')) {
		at++;
		if (name) {
			s->odd_names |= s->text[s->at + 1] == '@';
			s->seen =
			    names_add(s->seen, s->text + s->at, at - s->at);
		}
		return (add_node(s, JSON_STRING, at, false, name));
	}
	end = scan_string_on(s->text, at, s->len);
	if (end.at == 0)
		return (HUB_ESYNTAX);
	if (name) {
		s->odd_names = true;
		s->seen = SUSPECT;
	}
	return (add_node(s, JSON_STRING, end.at, end.escaped, name));
}

/* A member's name and colon. */
INLINE enum hub_err
scan_key(struct scan *s)
{
	enum hub_err err;

	if (!peek_is(s, '"'))
		return (HUB_ESYNTAX);
	if (s->count == s->limits.members)
		return (HUB_EFULL);
	err = add_string(s, true);
	if (err != HUB_OK)
		return (err);
	if (!peek_is(s, ':'))
		return (HUB_ESYNTAX);
	s->at++;
	return (HUB_OK);
}

/* What belongs to the open container goes to the tape while another is open
 * in it: the count where it stays, the names seen to the key behind which the
 * other will stand, and to the other, which has no length yet. There is room
 * for it. */
INLINE void
parent_store(struct scan *s)
{
	if (s->open == NO_PARENT)
		return;
	s->nodes[s->open].count = s->count;
	if (s->close == '}') {
		s->nodes[s->n].len = (uint32_t)s->seen;
		s->nodes[s->n - 1].count = (uint32_t)(s->seen >> 32);
	}
}

/* ... and comes back; child is the other, and had low. */
INLINE void
parent_load(struct scan *s, uint32_t child, uint32_t low)
{
	const struct json_node *c = &s->nodes[s->open];
	struct json_node *key = &s->nodes[child - 1];

	s->count = c->count;
	s->close = ']';
	s->seen = 0;
	if (c->kind == JSON_OBJECT) {
		s->close = '}';
		s->seen = (uint64_t)key->count << 32 | low;
		key->count = 0;
	}
}

/* Until it is closed, len is not known and next is its parent. */
INLINE enum hub_err
container_open(struct scan *s, char c)
{
	struct json_node *node;

	if (s->depth == s->limits.depth || !tape_room(s))
		return (HUB_EFULL);
	parent_store(s);
	node = &s->nodes[s->n];
	node->off = (uint32_t)s->at;
	node->next = INDEX(s->open);
	node->kind = c == '{' ? JSON_OBJECT : JSON_ARRAY;
	node->escaped = false;
	node->name = false;
	node->alike = false;
	node->same = false;
	s->open = s->n++;
	s->count = 0;
	s->seen = 0;
	s->close = (char)(c + 2); /* '[' + 2 is ']', '{' so too */
	s->depth++;
	s->at++;
	return (HUB_OK);
}

/* at is at its bracket; its parent is open again. */
INLINE enum hub_err
container_close(struct scan *s)
{
	const uint32_t child = s->open;
	struct json_node *c = &s->nodes[child];
	const uint32_t low = c->len;

	s->at++;
	s->depth--;
	s->open = c->next;
	c->len = (uint32_t)s->at - c->off;
	c->next = INDEX(s->n);
	c->count = s->count;
	if (s->seen == SUSPECT && s->count > 1 &&
	    names_repeat(s->text, s->nodes, child, s->arena))
		return (HUB_ESYNTAX);
	s->close = '\0';
	s->last = child;
	if (s->open != NO_PARENT)
		parent_load(s, child, low);
	return (HUB_OK);
}

/* at is at its first byte. */
INLINE enum hub_err
add_bare(struct scan *s)
{
	enum json_kind kind;
	size_t end;

	if (s->at == s->len)
		return (HUB_ESYNTAX);
	end = scan_bare(s->text, s->at, s->len, &kind);
	if (end == 0)
		return (HUB_ESYNTAX);
	return (add_node(s, kind, end, false, false));
}

/* Is the object at `at` like the element before it? Then it is read. What is
 * looked at in vain costs no more than what was won before. */
INLINE bool
add_alike(struct scan *s)
{
	struct alike_end end;
	uint32_t rows;

	if (!JSON_ALIKE || s->close != ']' || s->last == NO_PARENT ||
	    s->nodes[s->last].next != s->n ||
	    s->nodes[s->last].kind != JSON_OBJECT ||
	    s->lost > s->won + ALIKE_CREDIT)
		return (false);
	rows = s->n - s->last;
	if (s->cap - s->n < rows)
		return (false);
	end = scan_alike(s->text, s->at, s->len, s->nodes, s->last);
	if (!end.whole) {
		s->lost += end.at - s->at;
		return (false);
	}
	s->won += end.at - s->at;
	s->at = end.at;
	s->last = s->n;
	s->n += rows;
	return (true);
}

/* A value, or the beginning of a container up to its first value; *whole_r
 * tells. */
INLINE enum hub_err
scan_value(struct scan *s, bool *whole_r)
{
	enum hub_err err;
	char c;

	*whole_r = true;
	if (peek_is(s, '"'))
		return (add_string(s, false));
	c = s->at < s->len ? s->text[s->at] : '\0';
	if (c != '{' && c != '[')
		return (add_bare(s));
	if (c == '{' && add_alike(s))
		return (HUB_OK);
	err = container_open(s, c);
	if (err != HUB_OK)
		return (err);
	if (peek_is(s, s->close))
		return (container_close(s));
	*whole_r = false;
	return (c == '{' ? scan_key(s) : HUB_OK);
}

/* Behind a value: closes what ends here, up to the next value; none follows
 * if nothing is open then. */
INLINE enum hub_err
scan_behind(struct scan *s)
{
	enum hub_err err;

	for (s->count++; !peek_is(s, ','); s->count++) {
		if (s->open == NO_PARENT)
			return (s->at == s->len ? HUB_OK : HUB_ESYNTAX);
		if (s->at == s->len || s->text[s->at] != s->close)
			return (HUB_ESYNTAX);
		err = container_close(s);
		if (err != HUB_OK)
			return (err);
	}
	s->at++;
	if (s->close == '}')
		return (scan_key(s));
	return (s->close == ']' ? HUB_OK : HUB_ESYNTAX);
}

static enum hub_err
scan_text(struct scan s, struct json *j)
{
	enum hub_err err;
	bool whole;

	do {
		err = scan_value(&s, &whole);
		if (err == HUB_OK && whole)
			err = scan_behind(&s);
		if (err != HUB_OK)
			return (err);
	} while (s.open != NO_PARENT);
	*j = (struct json){ s.text, (uint32_t)s.len, s.n, s.nodes,
		s.odd_names };
	return (HUB_OK);
}
