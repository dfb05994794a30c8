/* tests/fuzz/fuzz_json.c - any bytes as a broker's JSON: both builds of the
 * scanner agree, the tape covers the text, and decoding keeps its word. */
#include <stdlib.h>

#include "server/ngsild/json.h"

enum hub_err scalar_parse(
    struct json *, struct str, const struct json_limits *, struct arena *);
uint32_t scalar_nodes_fit(size_t, size_t, const struct json_limits *);
size_t scalar_tape_bytes(size_t, uint32_t);
#define HUB_JSON_SCALAR
#define json_parse scalar_parse
#define json_nodes_fit scalar_nodes_fit
#define json_tape_bytes scalar_tape_bytes
#include "server/ngsild/json.c"
#undef json_parse
#undef json_nodes_fit
#undef json_tape_bytes

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A node lies in its parent, behind its elder sibling, and ends as its first
 * byte promises. */
static void
check_node(const struct json *j, uint32_t i, uint32_t behind, uint32_t end)
{
	static const char ends[] = {
		[JSON_STRING] = '"', [JSON_ARRAY] = ']', [JSON_OBJECT] = '}'
	};
	const struct json_node *n = &j->nodes[i];
	struct str s = json_span(j, i);

	assert(n->off >= behind && n->len > 0 && n->off + n->len <= end);
	assert(n->next > i && n->next <= j->n);
	assert(n->kind < JSON_STRING || s.p[s.len - 1] == ends[n->kind]);
	assert(n->kind < JSON_ARRAY ? n->next == i + 1 && n->count == 0 : true);
	assert(n->escaped ==
	       (n->kind == JSON_STRING && memchr(s.p, '\\', s.len) != NULL));
}

static void
check_children(const struct json *j, uint32_t i, struct arena *arena)
{
	uint32_t behind = j->nodes[i].off + 1, count = 0, c;
	const uint32_t end = j->nodes[i].off + j->nodes[i].len - 1;
	bool object = j->nodes[i].kind == JSON_OBJECT;

	for (c = i + 1; c < j->nodes[i].next; c = j->nodes[c].next) {
		check_node(j, c, behind, end);
		behind = j->nodes[c].off + j->nodes[c].len;
		if (object && count % 2 == 0) {
			assert(j->nodes[c].kind == JSON_STRING);
			/* the first of that name: there is no other */
			assert(j->nodes[i].count > 64 ||
			       json_member(j, i, json_text(j, c, arena)) ==
				   c + 1);
		}
		count++;
	}
	assert(c == j->nodes[i].next);
	assert(count == j->nodes[i].count * (object ? 2 : 1));
}

/* What was read as the element before it is what reading it for itself gives;
 * so the other build reads. */
static void
check_same(const struct json_node *a, const struct json_node *b)
{
	assert(a->off == b->off && a->len == b->len && a->next == b->next &&
	       a->count == b->count && a->kind == b->kind &&
	       a->escaped == b->escaped && a->name == b->name && !b->alike &&
	       !b->same);
}

/* Elements that are alike do not tell of those in them what is the same; the
 * end of the last one is the result. */
static uint32_t
check_alike(const struct json *j, uint32_t i, uint32_t outer_end)
{
	const uint32_t rows = j->nodes[i].next - i;
	const struct json_node *a = &j->nodes[i - rows], *b = &j->nodes[i];

	assert(rows <= i && a->kind == JSON_OBJECT && a->next == i);
	for (uint32_t k = 0; k < rows; k++, a++, b++) {
		assert(a->next + rows == b->next && a->count == b->count &&
		       a->name == b->name && a->escaped == b->escaped);
		assert(a->kind == b->kind ||
		       (a->kind < JSON_STRING && b->kind < JSON_STRING));
		if (a->name)
			assert(str_eq(json_raw(j, i - rows + k),
			    json_raw(j, i + k)));
		if (b->same && i >= outer_end)
			assert(b->kind >= JSON_ARRAY ||
			    str_eq(json_span(j, i - rows + k),
				json_span(j, i + k)));
	}
	return (i >= outer_end ? i + rows : outer_end);
}

static void
check_string(const struct json *j, uint32_t i, struct arena *arena)
{
	struct str s = json_text(j, i, arena);
	struct json again;
	struct buf b;

	assert(str_utf8(s));
	assert(json_is(j, i, s));
	buf_init(&b, 1 << 24);
	buf_add_json(&b, s);
	assert(json_parse(&again, buf_str(&b), &JSON_LIMITS_BROKER, arena) ==
	       HUB_OK);
	assert(json_is(&again, 0, s));
	buf_clear(&b);
}

static void
check_number(const struct json *j, uint32_t i, uint32_t last)
{
	struct str a = json_span(j, i), b = json_span(j, last);
	double da, db;
	int c = json_number_cmp(a, b);

	assert(json_number_cmp(a, a) == 0);
	assert(json_number_cmp(b, a) == -c);
	/* rounding keeps the order, though it may lose a difference */
	if (json_double(j, i, &da) && json_double(j, last, &db))
		assert(c < 0   ? da <= db
		       : c > 0 ? da >= db
			       : !(da < db) && !(da > db));
}

/* What it takes for the tape was known before; with all the room there is, no
 * more is refused than without a limit of nodes. */
static void
check_memory(struct str text, size_t room)
{
	struct json_limits limits = { 8, 40, UINT32_MAX / 4 }, less = limits;
	struct arena *arena = arena_new();
	enum hub_err err;
	struct json j;

	less.nodes = json_nodes_fit(text.len, room, &limits);
	assert(less.nodes == 0 ||
	       json_tape_bytes(text.len, less.nodes) <= room);
	err = json_parse(&j, text, &less, arena);
	if (memchr(text.p, '\\', text.len) == NULL)
		assert(arena_used(arena) <=
		       json_tape_bytes(text.len, less.nodes));
	if (room == SIZE_MAX)
		assert(err == json_parse(&j, text, &limits, arena));
	arena_free(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct json_limits limits = { 8, 40, 500 };
	struct str text = { (const char *)data, len };
	struct arena *arena = arena_new();
	struct json j, k;
	uint32_t number = 0, alike_end = 0;
	enum hub_err err = json_parse(&j, text, &limits, arena);

	assert(err == scalar_parse(&k, text, &limits, arena));
	assert(err == HUB_OK || err == HUB_ESYNTAX || err == HUB_EFULL);
	if (len > 0) {
		check_memory(text, SIZE_MAX);
		check_memory(text, (size_t)data[0] * 20);
	}
	if (err == HUB_OK) {
		assert(str_utf8(text));
		assert(j.n == k.n && j.n > 0 && j.nodes[0].next == j.n);
		assert(j.odd_names == k.odd_names);
		check_node(&j, 0, 0, j.len);
		for (uint32_t i = 0; i < j.n; i++) {
			check_same(&j.nodes[i], &k.nodes[i]);
			if (j.nodes[i].alike)
				alike_end = check_alike(&j, i, alike_end);
			if (j.nodes[i].kind >= JSON_ARRAY)
				check_children(&j, i, arena);
			else if (j.nodes[i].kind == JSON_STRING)
				check_string(&j, i, arena);
			else if (j.nodes[i].kind == JSON_NUMBER) {
				check_number(&j, i, number > 0 ? number : i);
				number = i;
			}
		}
	}
	arena_free(arena);
	return (0);
}
