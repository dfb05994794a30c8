/* server/ngsild/q_match.c - asking an entity a q; query.h says what it
 * promises.
 *
 * Of several instances any may answer. An array is equal to a value when one
 * of its elements is, and unequal when none is; arrays have no order. A value
 * of another kind than the one asked for is neither smaller nor greater, and
 * unequal. A date without a time is its midnight in UTC. */
#include "server/ngsild/q_priv.h"

#define PATTERN_VALUE_MAX ((size_t)4096) /* longer: no pattern applies */

struct matcher {
	const struct q *q;
	const struct q_term *term;
	struct names *names;
	/* Of one comparison: a source's long texts are not kept once for each
	 * value that they are compared to. */
	struct arena *scratch;
};

/* One value that a path led to. */
struct target {
	const struct document *doc;
	uint32_t node;
	enum attr_kind kind; /* of the attribute it belongs to */
};

typedef bool (*test_fn)(const struct matcher *, const struct target *);

static bool instance_match(const struct matcher *, const struct instance *,
    unsigned part);

static bool
text_instant(struct str s, struct wall_us *at_r)
{
	return (wall_parse(s, at_r) == HUB_OK ||
	    wall_parse_date(s, at_r) == HUB_OK);
}

static bool
text_time(struct str s, struct wall_us *at_r)
{
	char text[64] = "1970-01-01T";

	if (s.len < 9 || s.len > 32)
		return (false);
	memcpy(text + 11, s.p, s.len);
	return (wall_parse((struct str){ text, s.len + 11 }, at_r) == HUB_OK);
}

static int
cmp_wall(struct wall_us a, struct wall_us b)
{
	return ((a.us > b.us) - (a.us < b.us));
}

/* Vocabulary is compared by what it means: the client may write a term or its
 * IRI, the source another term. */
static bool
compare_vocab(const struct matcher *m, const struct target *t,
    const struct q_value *v, struct str text, int *cmp_r)
{
	const struct name *mine, *theirs;

	if (v->kind != Q_STRING && v->kind != Q_URI)
		return (false);
	mine = context_expand(m->q->context, m->names, v->text);
	theirs = context_expand(t->doc->context, m->names, text);
	*cmp_r = 0;
	return (mine != NULL && mine == theirs);
}

static bool
compare_string(const struct matcher *m, const struct target *t,
    const struct q_value *v, int *cmp_r)
{
	struct str text;
	struct wall_us at;

	arena_reset(m->scratch);
	text = json_text(&t->doc->json, t->node, m->scratch);

	if (t->kind == ATTR_VOCAB)
		return (compare_vocab(m, t, v, text, cmp_r));
	switch (v->kind) {
	case Q_STRING:
	case Q_URI:
		*cmp_r = str_cmp(text, v->text);
		return (true);
	case Q_INSTANT:
		if (!text_instant(text, &at))
			return (false);
		break;
	case Q_TIME:
		if (!text_time(text, &at))
			return (false);
		break;
	default:
		return (false);
	}
	*cmp_r = cmp_wall(at, v->at);
	return (true);
}

/* The target's place to the value's; false when they have none. */
static bool
compare(const struct matcher *m, const struct target *t,
    const struct q_value *v, int *cmp_r)
{
	const struct json *j = &t->doc->json;

	*cmp_r = 0;
	switch ((enum json_kind)j->nodes[t->node].kind) {
	case JSON_NUMBER:
		if (v->kind != Q_NUMBER)
			return (false);
		*cmp_r = json_number_cmp(json_span(j, t->node), v->text);
		return (true);
	case JSON_STRING:
		return (compare_string(m, t, v, cmp_r));
	case JSON_TRUE:
		return (v->kind == Q_TRUE);
	case JSON_FALSE:
		return (v->kind == Q_FALSE);
	default:
		return (false);
	}
}

static bool
test_equal(const struct matcher *m, const struct target *t)
{
	const struct q_operand *o;
	int cmp;

	for (unsigned i = 0; i < m->term->noperands; i++) {
		o = &m->term->operands[i];
		if (!compare(m, t, &o->lo, &cmp))
			continue;
		if (!o->range && cmp == 0)
			return (true);
		if (o->range && cmp >= 0 && compare(m, t, &o->hi, &cmp) &&
		    cmp <= 0)
			return (true);
	}
	return (false);
}

static bool
test_order(const struct matcher *m, const struct target *t)
{
	int cmp;

	if (t->kind == ATTR_VOCAB ||
	    !compare(m, t, &m->term->operands[0].lo, &cmp))
		return (false);
	switch (m->term->op) {
	case Q_GE:
		return (cmp >= 0);
	case Q_LE:
		return (cmp <= 0);
	case Q_GT:
		return (cmp > 0);
	default:
		return (cmp < 0);
	}
}

/* Is it text that a pattern is tried on? */
static bool
test_text(const struct matcher *m, const struct target *t)
{
	const struct json_node *n = &t->doc->json.nodes[t->node];

	(void)m;
	return (n->kind == JSON_STRING && n->len <= PATTERN_VALUE_MAX);
}

static bool
test_like(const struct matcher *m, const struct target *t)
{
	arena_reset(m->scratch);
	return (test_text(m, t) &&
	    pattern_match(m->term->pattern,
		json_text(&t->doc->json, t->node, m->scratch)));
}

/* {"@type": "DateTime", "@value": ...} stands for its value, {"object": ...}
 * in a list of relationships for its object. */
static bool
test_scalar(const struct matcher *m, const struct target *t, test_fn test)
{
	const struct json *j = &t->doc->json;
	struct target inner = *t;

	if (j->nodes[t->node].kind != JSON_OBJECT)
		return (test(m, t));
	inner.node = json_member(j, t->node,
	    t->kind == ATTR_LIST_RELATIONSHIP ? STR("object") : STR("@value"));
	return (inner.node != 0 && test(m, &inner));
}

/* Does any element of an array, any language of a map, or the value pass? */
static bool
test_any(const struct matcher *m, const struct target *t, test_fn test)
{
	const struct json_node *n = t->doc->json.nodes;
	struct target e = *t;
	uint32_t end = n[t->node].next;

	if (n[t->node].kind == JSON_ARRAY) {
		for (e.node = t->node + 1; e.node < end;
		     e.node = n[e.node].next)
			if (test_scalar(m, &e, test))
				return (true);
		return (false);
	}
	if (n[t->node].kind == JSON_OBJECT && t->kind == ATTR_LANGUAGE) {
		e.kind = ATTR_PROPERTY; /* a language may hold an array */
		for (e.node = t->node + 2; e.node < end;
		     e.node = n[e.node].next + 1)
			if (test_any(m, &e, test))
				return (true);
		return (false);
	}
	return (test_scalar(m, t, test));
}

static bool
value_match(const struct matcher *m, const struct target *t)
{
	switch (m->term->op) {
	case Q_EXISTS:
		return (true);
	case Q_EQ:
		return (test_any(m, t, test_equal));
	case Q_NE:
		return (!test_any(m, t, test_equal));
	case Q_LIKE:
		return (test_any(m, t, test_like));
	case Q_UNLIKE:
		return (test_any(m, t, test_text) &&
		    !test_any(m, t, test_like));
	default:
		return (t->doc->json.nodes[t->node].kind != JSON_ARRAY &&
		    test_any(m, t, test_order));
	}
}

/* Into the value along a[b.c]. Members are called as the view shows them,
 * since values leave as they came. Any element of an array may lead on. */
static bool
member_match(const struct matcher *m, const struct target *t, unsigned i)
{
	const struct json *j = &t->doc->json;
	struct target inner = *t;

	if (i == m->term->nmembers)
		return (value_match(m, t));
	if (j->nodes[t->node].kind == JSON_ARRAY) {
		for (inner.node = t->node + 1;
		     inner.node < j->nodes[t->node].next;
		     inner.node = j->nodes[inner.node].next)
			if (j->nodes[inner.node].kind == JSON_OBJECT &&
			    member_match(m, &inner, i))
				return (true);
		return (false);
	}
	if (j->nodes[t->node].kind != JSON_OBJECT)
		return (false);
	inner.node = json_member(j, t->node, m->term->members[i]);
	if (t->kind == ATTR_LANGUAGE)
		inner.kind = ATTR_PROPERTY; /* within one language */
	return (inner.node != 0 && member_match(m, &inner, i + 1));
}

/* What an attribute's object carries beside its value, if it is released. */
static uint32_t
instance_system(const struct instance *in, enum q_system system)
{
	const struct json *j = &in->doc->json;
	uint32_t node;

	switch (system) {
	case Q_OBSERVED_AT: /* of these two only the text is in the view */
	case Q_UNIT_CODE:
		node = system == Q_OBSERVED_AT ? in->observed_at :
		    json_member(j, in->node, STR("unitCode"));
		return (node != 0 ? member_text(j, node) : 0);
	case Q_DATASET_ID:
		return (in->dataset_id.p == NULL ? 0 :
			    json_member(j, in->node, STR("datasetId")));
	case Q_CREATED_AT:
		return (in->release->created_at ?
			json_member(j, in->node, STR("createdAt")) :
			0);
	case Q_MODIFIED_AT:
		return (in->release->modified_at ? in->modified_at : 0);
	case Q_EXPIRES_AT:
		return (in->release->own ? in->expires_at : 0);
	default:
		return (0);
	}
}

/* A sub-attribute of above at node: one, or an array of its instances. */
static bool
sub_match(const struct matcher *m, const struct instance *above, uint32_t node,
    unsigned part)
{
	const struct document *doc = above->doc;
	const struct json_node *n = doc->json.nodes;
	struct instance in = { .doc = doc,
		.node = node,
		.release = release_below(above->release) };
	struct target t = { doc, node, ATTR_PROPERTY };

	if (n[node].kind == JSON_ARRAY && n[node].count > 0 &&
	    n[node + 1].kind == JSON_OBJECT) {
		for (uint32_t e = node + 1; e < n[node].next; e = n[e].next)
			if (n[e].kind == JSON_OBJECT &&
			    sub_match(m, above, e, part))
				return (true);
		return (false);
	}
	if (n[node].kind == JSON_OBJECT) {
		arena_reset(m->scratch); /* no datasetId is looked at */
		instance_classify(&in, m->scratch);
		if (in.kind != ATTR_NONE)
			return (instance_match(m, &in, part));
	}
	return (part == m->term->nparts && member_match(m, &t, 0));
}

static bool
instance_match(const struct matcher *m, const struct instance *in,
    unsigned part)
{
	const struct q_part *p = &m->term->parts[part];
	struct target t = { in->doc, in->value, in->kind };

	if (part == m->term->nparts)
		return (member_match(m, &t, 0));
	if (p->system == Q_ATTRIBUTE) {
		t.node = instance_sub(in, m->names, p->name);
		return (t.node != 0 &&
		    sub_match(m, in, t.node, part + 1));
	}
	t.kind = ATTR_PROPERTY;
	t.node = instance_system(in, p->system);
	return (t.node != 0 && part + 1 == m->term->nparts &&
	    member_match(m, &t, 0));
}

static struct member
entity_system(const struct entity *e, enum q_system system)
{
	switch (system) {
	case Q_CREATED_AT:
		return (e->created_at);
	case Q_MODIFIED_AT:
		return (e->modified_at);
	case Q_EXPIRES_AT:
		return (e->expires_at);
	case Q_SCOPE:
		return (e->scope);
	default:
		return ((struct member){ NULL, 0 });
	}
}

static bool
term_match(const struct matcher *m, const struct entity *e)
{
	const struct q_part *first = &m->term->parts[0];
	struct target t = { .kind = ATTR_PROPERTY };
	struct member at;

	if (first->system != Q_ATTRIBUTE) {
		at = entity_system(e, first->system);
		t.doc = at.doc;
		t.node = at.node;
		return (at.node != 0 && m->term->nparts == 1 &&
		    member_match(m, &t, 0));
	}
	for (unsigned i = 0; i < e->ninstances; i++)
		if (e->instances[i].name == first->name &&
		    e->instances[i].kind != ATTR_NONE &&
		    instance_match(m, &e->instances[i], 1))
			return (true);
	return (false);
}

static bool
node_match(struct matcher *m, const struct q_node *node,
    const struct entity *e)
{
	bool any = node->kind == Q_OR;

	if (node->kind == Q_TERM) {
		m->term = node->term;
		return (term_match(m, e) != node->term->negated);
	}
	for (node = node->below; node != NULL; node = node->beside)
		if (node_match(m, node, e) == any)
			return (any);
	return (!any);
}

bool
q_match(const struct q *q, const struct entity *e, struct names *names)
{
	struct matcher m = { .q = q, .names = names, .scratch = arena_new() };
	bool match = node_match(&m, q->root, e);

	arena_free(m.scratch);
	return (match);
}
