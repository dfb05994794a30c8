/* server/ngsild/json_alike.h - an element of an array that differs from the one
 * before it in its values only; for json.c alone.
 *
 * What stands between two values (names, punctuation, blanks) was judged in the
 * element before: where the same bytes stand again behind a value, the grammar
 * is at the same place, and names that did not repeat do not repeat. So what is
 * the same is found in one go, only values that differ are scanned, and the
 * nodes are those of the other element, moved. */
#ifndef HUB_NGSILD_JSON_ALIKE_H
#define HUB_NGSILD_JSON_ALIKE_H

#include "server/ngsild/json_scan.h"

/* The scalar build reads each element for itself: what tests compare with. */
#ifdef HUB_JSON_SCALAR
#define JSON_ALIKE 0
#else
#define JSON_ALIKE 1
#endif

/* What fits the fields of a node. */
#define INDEX(n) ((n)&JSON_NODES_MAX)
#define KIND(k)	 ((uint32_t)(k)&7)

/* So many bytes may be looked at in vain without any success before. */
#define ALIKE_CREDIT 4096

struct alike {
	const char *text;
	size_t len;
	size_t at;   /* behind the last value that differs, and */
	size_t from; /* the same place in the element before */
};

struct alike_end {
	size_t at;  /* where it stopped */
	bool whole; /* that is behind the element, which is alike */
};

/* How many bytes are the same, of n at most; a is before b. */
INLINE size_t
same_bytes(const char *a, const char *b, size_t n)
{
	size_t i = 0;
#if JSON_SSE2
	unsigned same;

	for (; n - i >= 16; i += 16) {
		same = (unsigned)_mm_movemask_epi8(
		    _mm_cmpeq_epi8(load16(a + i), load16(b + i)));
		if (same != 0xffff)
			return (i + (unsigned)__builtin_ctz(~same));
	}
#endif
	while (i < n && a[i] == b[i])
		i++;
	return (i);
}

/* Up to where in the element before, which ends there, all is the same. A few
 * bytes more are looked at, since blocks are faster than bytes. */
INLINE size_t
alike_bytes(const struct alike *a, size_t end)
{
	size_t n = a->len - a->at, more = end - a->from + 16;

	n = same_bytes(
	    a->text + a->from, a->text + a->at, n < more ? n : more);
	return (n < end - a->from ? a->from + n : end);
}

/* By what the nodes of an element differ from those of the one before it, but
 * for containers' lengths and values that differ. */
#if JSON_SSE2
/* x86-64 gives a field the lowest bits that are left, so next has those of the
 * last word: the sum stays below JSON_NODES_MAX. */
struct node_shift {
	__m128i by, mark;
};

INLINE struct node_shift
node_shift(uint32_t moved, uint32_t rows)
{
	static const struct json_node same = { .same = true };

	return ((struct node_shift){
	    _mm_set_epi32((int)rows, 0, 0, (int)moved),
	    load16((const char *)&same) });
}

INLINE void
node_move(const struct json_node *t, struct json_node *to,
    const struct node_shift *s)
{
	_mm_storeu_si128((__m128i *)(void *)to,
	    _mm_or_si128(
		_mm_add_epi32(load16((const char *)t), s->by), s->mark));
}
#else
struct node_shift {
	uint32_t moved, rows;
};

INLINE struct node_shift
node_shift(uint32_t moved, uint32_t rows)
{
	return ((struct node_shift){ moved, rows });
}

INLINE void
node_move(const struct json_node *t, struct json_node *to,
    const struct node_shift *s)
{
	*to = *t;
	to->off += s->moved;
	to->next = INDEX(t->next + s->rows);
	to->same = true;
}
#endif

/* Scans the value in place of t, into a copy of t that has its new place: of
 * the same kind, where null, true, false and numbers are one, and with escapes
 * if t has some. False also where it was scanned already, so that no value is
 * what differs. */
INLINE bool
alike_value(struct alike *a, const struct json_node *t, struct json_node *to)
{
	struct string_end end = { 0, false };
	enum json_kind kind = JSON_STRING;
	size_t at = to->off;

	if (t->name || t->kind >= JSON_ARRAY || at < a->at || at >= a->len)
		return (false);
	a->at = at;
	if (t->kind != JSON_STRING) {
		end.at = scan_bare(a->text, at, a->len, &kind);
	} else if (a->text[at] == '"') {
		at = skip_plain(a->text, at + 1, a->len);
		if (USUAL(at < a->len && a->text[at] == '"'))
			end.at = at + 1;
		else
			end = scan_string_on(a->text, at, a->len);
	}
	if (end.at == 0 || end.escaped != t->escaped)
		return (false);
	to->len = (uint32_t)(end.at - a->at);
	to->kind = KIND(kind);
	to->same = false;
	a->at = end.at;
	a->from = t->off + t->len;
	return (true);
}

/* How long the containers are, from the last one on, by how far the last value
 * in each has moved against the element before; each has the one before it in
 * len. */
INLINE void
alike_close(struct json_node *nodes, uint32_t rows, uint32_t first, uint32_t c)
{
	const struct json_node *t, *last;
	struct json_node *o;

	for (uint32_t before; c >= first; c = before) {
		o = &nodes[c];
		t = o - rows;
		last = &nodes[o->next - 1];
		before = o->len;
		o->len = t->len;
		if (last != o)
			o->len += (last->off + last->len - o->off) -
				  (last[-(ptrdiff_t)rows].off +
				      last[-(ptrdiff_t)rows].len - t->off);
	}
}

/* Whether the object at `at` is like the one before it, which is the end of the
 * tape, from node `like` on; if so, its nodes stand behind it now, where there
 * is room. */
UNUSUAL struct alike_end
scan_alike(const char *text, size_t at, size_t len, struct json_node *nodes,
    uint32_t like)
{
	const uint32_t rows = nodes[like].next - like, first = like + rows;
	const struct json_node *t = nodes + like;
	struct alike a = { .text = text, .at = at, .len = len, .from = t->off };
	const size_t end = a.from + t->len;
	struct json_node *to = nodes + first;
	uint32_t open = first - 1, moved;
	struct node_shift shift;
	size_t same;

	for (;;) {
		moved = (uint32_t)(a.at - a.from);
		shift = node_shift(moved, rows);
		same = alike_bytes(&a, end);
		/* Ends in front of nodes[first] at the latest: it was copied
		 * from the first of them and stands behind the end. */
		for (; t->off <= same; t++, to++) {
			node_move(t, to, &shift);
			if (t->kind >= JSON_ARRAY) {
				to->len = open;
				open = (uint32_t)(to - nodes);
			}
		}
		if (same == end)
			break;
		/* what differs begins in or right behind the last of them */
		if (!alike_value(&a, t - 1, to - 1))
			return ((struct alike_end){ a.at, false });
	}
	a.at = end + moved;
	alike_close(nodes, rows, first, open);
	nodes[first].alike = true;
	return ((struct alike_end){ a.at, true });
}

#endif
