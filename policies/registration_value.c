/* policies/registration_value.c - the values in a registration, bounded and
 * checked; registration_priv.h says what they promise. */
#include "policies/registration_priv.h"

#define TEXT_MAX 1024
#define MS_MAX	 86400000

bool
reader_bad(struct reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
	return (false);
}

/* ---- values */

/* A string of 1 to 1024 bytes without control characters, with a NUL behind
 * it. */
bool
reader_text(struct reader *r, uint32_t node, struct str *text_r)
{
	struct str s;

	if (kind_of(r, node) != JSON_STRING)
		return (false);
	s = json_text(r->j, node, r->how->arena);
	if (s.len == 0 || s.len > TEXT_MAX)
		return (false);
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (false);
	*text_r = arena_str(r->how->arena, s);
	return (true);
}

bool
reader_uri(struct reader *r, uint32_t node, struct str *uri_r)
{
	return (reader_text(r, node, uri_r) && query_is_uri(*uri_r));
}

bool
reader_bool(const struct reader *r, uint32_t node, bool *value_r)
{
	*value_r = kind_of(r, node) == JSON_TRUE;
	return (*value_r || kind_of(r, node) == JSON_FALSE);
}

bool
reader_ms(const struct reader *r, uint32_t node, int64_t *ms_r)
{
	double ms;

	if (kind_of(r, node) != JSON_NUMBER || !json_double(r->j, node, &ms) ||
	    !(ms >= 1 && ms <= MS_MAX))
		return (false);
	*ms_r = (int64_t)ms;
	return (true);
}

static const struct name *
expand(struct reader *r, struct str term)
{
	const struct registration_reader *how = r->how;

	if (strcspn(term.p, " \"'<>\\^`{|};()") < term.len ||
	    ++r->nnames > REGISTRATION_NAMES_MAX)
		return (NULL);
	return (how->vocab != NULL
		    ? context_expand_build(how->context, how->vocab, term)
		    : context_expand(how->context, how->names, term));
}

const struct name *
reader_name(struct reader *r, uint32_t node)
{
	struct str term;

	return (reader_text(r, node, &term) ? expand(r, term) : NULL);
}

/* A list of names, or (single_ok) one. Not empty. */
bool
reader_names(struct reader *r, uint32_t node, bool single_ok,
    struct registration_names *names_r)
{
	const struct json_node *n = r->j->nodes;
	bool list = n[node].kind == JSON_ARRAY;
	const struct name **v;
	uint32_t e = list ? node + 1 : node;
	unsigned i = 0;

	if ((!list && !single_ok) || (list && n[node].count == 0) ||
	    (list && n[node].count > REGISTRATION_NAMES_MAX))
		return (false);
	v = arena_array(r->how->arena, list ? n[node].count : 1, sizeof(*v));
	for (; e < n[node].next; e = n[e].next) {
		v[i] = reader_name(r, e);
		if (v[i] == NULL)
			return (false);
		for (unsigned k = 0; k < i; k++)
			if (v[k] == v[i])
				return (false);
		i++;
	}
	names_r->v = v;
	names_r->n = i;
	return (true);
}

/* A list of texts, or one of them. Not empty. */
bool
reader_texts(struct reader *r, uint32_t node, struct registration_texts *texts_r)
{
	const struct json_node *n = r->j->nodes;
	bool list = n[node].kind == JSON_ARRAY;
	uint32_t e = list ? node + 1 : node;
	struct str *v;
	unsigned i = 0;

	if (list && (n[node].count == 0 ||
			n[node].count > REGISTRATION_LIST_MAX))
		return (false);
	v = arena_array(r->how->arena, list ? n[node].count : 1, sizeof(*v));
	for (; e < n[node].next; e = n[e].next)
		if (!reader_text(r, e, &v[i++]))
			return (false);
	*texts_r = (struct registration_texts){ i, v, !list };
	return (true);
}

/* ---- one object of fixed members */

/* Each member must be in the table. */
bool
reader_parts(struct reader *r, uint32_t obj, const struct reader_part *parts, size_t n,
    void *to)
{
	const struct json_node *nodes = r->j->nodes;
	size_t i;

	if (nodes[obj].kind != JSON_OBJECT)
		return (false);
	for (uint32_t k = obj + 1; k < nodes[obj].next;
	     k = nodes[k + 1].next) {
		for (i = 0; i < n && !json_is(r->j, k, parts[i].name); i++)
			;
		if (i == n || !parts[i].read(r, k + 1, to))
			return (false);
	}
	return (true);
}
