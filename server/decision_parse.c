/* server/decision_parse.c - reading lines of the decision log, by a table of
 * what can be in them; see decision.h. */
#include "server/decision.h"

#include "server/ngsild/json.h"

enum kind {
	TEXT,	 /* struct str */
	WORD,	 /* struct str, of the characters of our own words */
	NUMBER,	 /* int64_t, not below 0 */
	INSTANT, /* struct wall_us */
	NAMES,	 /* struct decision_names: its list */
	MORE,	 /* struct decision_names: what it has beside */
	VERDICT, /* enum decision_verdict */
	TRUTH,	 /* bool */
	MODE,	 /* enum decision_mode */
	NUMBERS, GRANTS, PREDICATES, SOURCES /* count, then the pointer */
};

struct member {
	const char *name;
	enum kind kind;
	bool needed;
	size_t at, array; /* array: of those with a count, the pointer's */
};

struct reader {
	const struct json *j;
	struct arena *arena;
};

static enum hub_err read_object(struct reader *, uint32_t node,
    const struct member *, size_t n, void *);

static const struct member grant_members[] = {
#define AT(field) offsetof(struct decision_grant, field)
	{ "agreement", TEXT, true, AT(agreement), 0 },
	{ "ver", NUMBER, true, AT(version), 0 },
	{ "crisis", NUMBER, false, AT(crisis), 0 },
	{ "used", TRUTH, false, AT(used), 0 },
#undef AT
};

static const struct member predicate_members[] = {
#define AT(field) offsetof(struct decision_predicate, field)
	{ "attr", TEXT, true, AT(attr), 0 },
	{ "mode", MODE, true, AT(mode), 0 },
#undef AT
};

static const struct member source_members[] = {
#define AT(field) offsetof(struct decision_source, field)
	{ "source", TEXT, true, AT(source), 0 },
	{ "dataset", TEXT, true, AT(dataset), 0 },
	{ "agreements", GRANTS, false, AT(ngrants), AT(grants) },
	{ "kind", WORD, true, AT(kind), 0 },
	{ "reason", WORD, false, AT(reason), 0 },
	{ "upstream_status", NUMBER, false, AT(upstream_status), 0 },
	{ "ms", NUMBER, true, AT(ms), 0 },
	{ "entities_in", NUMBER, true, AT(entities_in), 0 },
	{ "entities_out", NUMBER, true, AT(entities_out), 0 },
#undef AT
};

static const struct member line_members[] = {
#define AT(field) offsetof(struct decision, field)
	{ "ts", INSTANT, true, AT(at), 0 },
	{ "request_id", WORD, true, AT(request_id), 0 },
	{ "client_request_id", TEXT, false, AT(client_request_id), 0 },
	{ "trace", WORD, false, AT(trace), 0 },
	{ "bundle", NUMBER, false, AT(bundle), 0 },
	{ "bundle_hash", WORD, false, AT(bundle_hash), 0 },
	{ "registered", NUMBER, false, AT(registered), 0 },
	{ "tenant", TEXT, false, AT(tenant), 0 },
	{ "issuer", TEXT, false, AT(issuer), 0 },
	{ "client", TEXT, false, AT(client), 0 },
	{ "subject", WORD, false, AT(subject), 0 },
	{ "roles", NAMES, false, AT(roles), 0 },
	{ "roles_more", MORE, false, AT(roles), 0 },
	{ "sender", WORD, false, AT(sender), 0 },
	{ "purpose", TEXT, false, AT(purpose), 0 },
	{ "method", WORD, false, AT(method), 0 },
	{ "action", WORD, false, AT(action), 0 },
	{ "types", NAMES, false, AT(types), 0 },
	{ "types_more", MORE, false, AT(types), 0 },
	{ "attrs_asked", NAMES, false, AT(attrs_asked), 0 },
	{ "attrs_asked_more", MORE, false, AT(attrs_asked), 0 },
	{ "attrs_released", NAMES, false, AT(attrs_released), 0 },
	{ "attrs_released_more", MORE, false, AT(attrs_released), 0 },
	{ "ids", NUMBER, false, AT(ids), 0 },
	{ "predicates", PREDICATES, false, AT(npredicates), AT(predicates) },
	{ "per_source", SOURCES, false, AT(nsources), AT(sources) },
	{ "decision", VERDICT, true, AT(verdict), 0 },
	{ "reason", WORD, false, AT(reason), 0 },
	{ "status", NUMBER, true, AT(status), 0 },
	{ "entities", NUMBER, true, AT(entities), 0 },
	{ "bytes", NUMBER, true, AT(bytes), 0 },
	{ "ms", NUMBER, true, AT(ms), 0 },
	{ "crisis", NUMBERS, false, AT(ncrises), AT(crises) },
	{ "prev_hash", WORD, false, AT(prev_hash), 0 },
	{ "hash", WORD, false, AT(hash), 0 },
#undef AT
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static enum hub_err
read_text(struct reader *r, uint32_t node, struct str *to)
{
	struct str s;

	if (r->j->nodes[node].kind != JSON_STRING)
		return (HUB_ESYNTAX);
	s = json_text(r->j, node, r->arena);
	if (s.len > DECISION_TEXT_MAX)
		return (HUB_EFULL);
	if (s.len == 0) /* would have been left out */
		return (HUB_ESYNTAX);
	*to = s;
	return (HUB_OK);
}

static enum hub_err
read_own_word(struct reader *r, uint32_t node, struct str *to)
{
	struct str s = STR_NONE;
	enum hub_err err = read_text(r, node, &s);

	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return (HUB_ESYNTAX);
	if (err == HUB_OK)
		*to = s;
	return (err);
}

static enum hub_err
read_number(struct reader *r, uint32_t node, int64_t *to)
{
	if (r->j->nodes[node].kind != JSON_NUMBER)
		return (HUB_ESYNTAX);
	return (str_int(json_span(r->j, node), 0, INT64_MAX, to));
}

static enum hub_err
read_instant(struct reader *r, uint32_t node, struct wall_us *to)
{
	char again[WALL_STR_MAX];
	struct wall_us at;
	struct str s;

	if (r->j->nodes[node].kind != JSON_STRING)
		return (HUB_ESYNTAX);
	s = json_raw(r->j, node);
	if (s.len != WALL_STR_MAX - 1 || wall_parse(s, &at) != HUB_OK)
		return (HUB_ESYNTAX);
	wall_format(at, again);
	if (memcmp(again, s.p, s.len) != 0)
		return (HUB_ESYNTAX); /* another spelling than ours */
	*to = at;
	return (HUB_OK);
}

static enum hub_err
read_word(struct reader *r, uint32_t node, const char *const *words,
    unsigned n, unsigned *i_r)
{
	if (r->j->nodes[node].kind != JSON_STRING)
		return (HUB_ESYNTAX);
	for (unsigned i = 0; i < n; i++)
		if (json_is(r->j, node, str_of(words[i]))) {
			*i_r = i;
			return (HUB_OK);
		}
	return (HUB_ESYNTAX);
}

/* The elements of an array, each of that size and by fn. */
static enum hub_err
read_array(struct reader *r, uint32_t node, unsigned max, size_t size,
    enum hub_err (*fn)(struct reader *, uint32_t, void *), unsigned *n_r,
    void *array_r)
{
	const struct json_node *at = &r->j->nodes[node];
	enum hub_err err = HUB_OK;
	unsigned n = 0;
	char *v;

	if (at->kind != JSON_ARRAY || at->count == 0)
		return (HUB_ESYNTAX);
	if (at->count > max)
		return (HUB_EFULL);
	v = arena_array(r->arena, at->count, size);
	for (uint32_t e = node + 1; err == HUB_OK && e < at->next;
	     e = r->j->nodes[e].next)
		err = fn(r, e, v + size * n++);
	*n_r = n;
	memcpy(array_r, &v, sizeof(v));
	return (err);
}

static enum hub_err
read_name(struct reader *r, uint32_t node, void *to)
{
	return (read_text(r, node, to));
}

static enum hub_err
read_event(struct reader *r, uint32_t node, void *to)
{
	return (read_number(r, node, to));
}

static enum hub_err
read_grant(struct reader *r, uint32_t node, void *to)
{
	return (read_object(r, node, grant_members, COUNT(grant_members), to));
}

static enum hub_err
read_predicate(struct reader *r, uint32_t node, void *to)
{
	return (read_object(r, node, predicate_members,
	    COUNT(predicate_members), to));
}

static enum hub_err
read_source(struct reader *r, uint32_t node, void *to)
{
	return (read_object(r, node, source_members, COUNT(source_members),
	    to));
}

static enum hub_err
read_names(struct reader *r, uint32_t node, struct decision_names *to)
{
	return (read_array(r, node, DECISION_NAMES_MAX, sizeof(struct str),
	    read_name, &to->n, &to->v));
}

static enum hub_err
read_list(struct reader *r, uint32_t node, const struct member *m, char *base)
{
	unsigned *n = (unsigned *)(void *)(base + m->at);
	void *v = base + m->array;

	switch (m->kind) {
	case NUMBERS:
		return (read_array(r, node, DECISION_GRANTS_MAX,
		    sizeof(int64_t), read_event, n, v));
	case GRANTS:
		return (read_array(r, node, DECISION_GRANTS_MAX,
		    sizeof(struct decision_grant), read_grant, n, v));
	case PREDICATES:
		return (read_array(r, node, DECISION_NAMES_MAX,
		    sizeof(struct decision_predicate), read_predicate, n, v));
	default:
		return (read_array(r, node, DECISION_SOURCES_MAX,
		    sizeof(struct decision_source), read_source, n, v));
	}
}

static enum hub_err
read_member(struct reader *r, uint32_t node, const struct member *m,
    char *base)
{
	void *to = base + m->at;
	unsigned i = 0;
	enum hub_err err;

	switch (m->kind) {
	case TEXT:
		return (read_text(r, node, to));
	case WORD:
		return (read_own_word(r, node, to));
	case NUMBER:
		return (read_number(r, node, to));
	case MORE:
		return (read_number(r, node,
		    &((struct decision_names *)to)->more));
	case INSTANT:
		return (read_instant(r, node, to));
	case NAMES:
		return (read_names(r, node, to));
	case TRUTH:
		*(bool *)to = true;
		return (r->j->nodes[node].kind == JSON_TRUE ? HUB_OK :
							      HUB_ESYNTAX);
	case MODE:
		err = read_word(r, node, decision_modes, DECISION_MODES, &i);
		*(enum decision_mode *)to = (enum decision_mode)i;
		return (err);
	case VERDICT:
		err = read_word(r, node, decision_verdicts, DECISION_VERDICTS,
		    &i);
		*(enum decision_verdict *)to = (enum decision_verdict)i;
		return (err);
	default:
		return (read_list(r, node, m, base));
	}
}

static enum hub_err
read_object(struct reader *r, uint32_t node, const struct member *members,
    size_t n, void *base)
{
	const struct json *j = r->j;
	uint64_t seen = 0;
	enum hub_err err;
	size_t m;

	if (j->nodes[node].kind != JSON_OBJECT)
		return (HUB_ESYNTAX);
	for (uint32_t k = node + 1; k < j->nodes[node].next;
	     k = j->nodes[k + 1].next) {
		for (m = 0; m < n && !json_is(j, k, str_of(members[m].name));)
			m++;
		if (m == n)
			return (HUB_ESYNTAX);
		seen |= UINT64_C(1) << m;
		err = read_member(r, k + 1, &members[m], base);
		if (err != HUB_OK)
			return (err);
	}
	for (m = 0; m < n; m++)
		if (members[m].needed && (seen >> m & 1) == 0)
			return (HUB_ESYNTAX);
	return (HUB_OK);
}
_Static_assert(COUNT(line_members) <= 64, "seen has a bit for each");

enum hub_err
decision_read(struct str line, struct arena *a, struct decision *d_r)
{
	static const struct json_limits limits = { 6, 64, 16384 };
	struct json j;
	struct reader r = { &j, a };
	struct decision d = { 0 };
	enum hub_err err;

	if (line.len > DECISION_LINE_MAX)
		return (HUB_EFULL);
	err = json_parse(&j, line, &limits, a);
	if (err != HUB_OK)
		return (err);
	if (j.nodes[0].kind == JSON_OBJECT &&
	    json_member(&j, 0, STR("mark")) != 0)
		return (HUB_ENOENT);
	err = read_object(&r, 0, line_members, COUNT(line_members), &d);
	if (err == HUB_OK)
		*d_r = d;
	return (err);
}
