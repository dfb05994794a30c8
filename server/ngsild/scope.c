/* server/ngsild/scope.c - scopeQ (ETSI GS CIM 009, 4.19); query.h says what it
 * promises.
 *
 * An atom is a path of levels: "+" stands for any one level, "#" in the last
 * place for the path before it and everything below that. */
#include "server/ngsild/boolexpr.h"
#include "server/ngsild/narrow.h"

#define SCOPE_MAX   1024 /* bytes of one path */
#define SCOPE_Q_MAX 4096

/* One path of a scopeQ, without its leading slash. */
struct scope_path {
	struct str levels;
};

static bool
is_level(struct str s, bool last)
{
	if (str_eq(s, STR("+")) || (last && str_eq(s, STR("#"))))
		return (true);
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f ||
		    strchr("\"'<>\\^`{}+#*=!~&?%", s.p[i]) != NULL)
			return (false);
	return (s.len > 0);
}

static enum hub_err
read_path(struct str text, void *arg, const void **atom_r, const char **why_r)
{
	struct scope_path *path = arena_alloc(arg, sizeof(*path));
	struct str rest, level;

	*why_r = "scopeQ is no path of the form /a/b, /a/+ or /a/#";
	if (text.len > SCOPE_MAX || text.p[0] != '/')
		return (HUB_ESYNTAX);
	rest = path->levels = str_from(text, 1);
	while (str_cut(&rest, '/', &level))
		if (!is_level(level, rest.p == NULL))
			return (HUB_ESYNTAX);
	*atom_r = path;
	return (HUB_OK);
}

enum hub_err
scope_q_parse(struct str text, struct arena *arena, struct boolexpr **expr_r,
    const char **why_r)
{
	if (text.len > SCOPE_Q_MAX) {
		*why_r = "scopeQ is longer than 4096 bytes";
		return (HUB_EFULL);
	}
	if (!str_utf8(text)) {
		*why_r = "scopeQ is not UTF-8";
		return (HUB_ESYNTAX);
	}
	return (boolexpr_parse(text, read_path, arena, arena, expr_r, why_r));
}

/* A scope that a source wrote without its slash is read as if it had one. */
static bool
path_covers(struct str path, struct str scope)
{
	struct str want, have;

	if (scope.len > 0 && scope.p[0] == '/')
		scope = str_from(scope, 1);
	if (scope.len == 0)
		return (false);
	while (str_cut(&path, '/', &want)) {
		if (path.p == NULL && str_eq(want, STR("#")))
			return (true);
		if (!str_cut(&scope, '/', &have))
			return (false);
		if (!str_eq(want, have) && !str_eq(want, STR("+")))
			return (false);
	}
	return (scope.p == NULL);
}

struct scopes {
	unsigned n;
	struct str *v;
};

static bool
test_path(const void *atom, const void *arg)
{
	const struct scope_path *path = atom;
	const struct scopes *s = arg;

	for (unsigned i = 0; i < s->n; i++)
		if (path_covers(path->levels, s->v[i]))
			return (true);
	return (false);
}

/* The strings at node: itself or the elements of an array. */
static struct scopes
read_scopes(const struct json *j, uint32_t node, struct arena *arena)
{
	const struct json_node *n = j->nodes;
	struct scopes s = { 0, NULL };
	uint32_t first = node;

	if (n[node].kind == JSON_ARRAY)
		first = node + 1;
	else if (n[node].kind != JSON_STRING)
		return (s);
	s.v = arena_array(arena, n[node].kind == JSON_ARRAY ? n[node].count : 1,
	    sizeof(*s.v));
	for (uint32_t e = first; e < n[node].next; e = n[e].next)
		if (n[e].kind == JSON_STRING)
			s.v[s.n++] = json_text(j, e, arena);
	return (s);
}

/* Memory is scratch: an answer may have thousands of entities. */
bool
query_scope_match(const struct query *q, const struct entity *e)
{
	struct arena *scratch;
	struct scopes s;
	bool hit;

	if (q->scope_q == NULL)
		return (true);
	if (e->scope.node == 0)
		return (false);
	scratch = arena_new();
	s = read_scopes(&e->scope.doc->json, e->scope.node, scratch);
	hit = s.n > 0 && boolexpr_test(q->scope_q, test_path, &s);
	arena_free(scratch);
	return (hit);
}

/* ---- registered scopes */

/* One of them begins with the other, or the path has a wildcard before they
 * differ. */
static bool
path_meets(struct str path, struct str scope)
{
	struct str want, have;

	if (scope.len > 0 && scope.p[0] == '/')
		scope = str_from(scope, 1);
	while (str_cut(&path, '/', &want) && str_cut(&scope, '/', &have)) {
		if (str_eq(want, STR("#")))
			return (true);
		if (!str_eq(want, have) && !str_eq(want, STR("+")))
			return (false);
	}
	return (true);
}

static bool
test_meets(const void *atom, const void *arg)
{
	const struct scope_path *path = atom;
	const struct scopes *s = arg;

	for (unsigned i = 0; i < s->n; i++)
		if (path_meets(path->levels, s->v[i]))
			return (true);
	return (false);
}

bool
scope_q_may_hold(const struct boolexpr *expr, unsigned n, const struct str *v)
{
	struct scopes s = { n, (struct str *)(uintptr_t)v };

	return (boolexpr_test(expr, test_meets, &s));
}

/* ---- for a source */

static void
write_path(const void *atom, struct buf *b)
{
	const struct scope_path *path = atom;

	buf_addc(b, '/');
	buf_adds(b, path->levels);
}

struct str
narrow_scope(const struct boolexpr *expr, struct arena *a)
{
	struct str s = STR_NONE;
	struct buf b;

	buf_init(&b, NARROW_TEXT_MAX);
	boolexpr_write(expr, write_path, &b);
	if (!b.failed)
		s = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (s);
}
