/* server/ngsild/context_define.c - what one term of a context document means
 * (JSON-LD 1.1, 9.15.1; JSON-LD API, 4.2.2 and 5.2). */
#include "server/ngsild/context_priv.h"

#define CHAIN_MAX 32 /* definitions that lean on one another */

/* A term as it stands now: of this document (resolved first), else of the
 * core. *iri_r is NULL when there is no such term or it has no IRI. */
static enum hub_err
lookup(struct reading *rd, struct str text, unsigned depth, struct str *iri_r,
    bool *prefix_r)
{
	const struct term *t = context_term(vocab_core(rd->vocab), text);
	struct draft *d = draft_find(rd, text);
	enum hub_err err;

	*iri_r = STR_NONE;
	*prefix_r = false;
	if (t != NULL && t->name != NULL) {
		*iri_r = t->name->iri;
		*prefix_r = t->prefix;
	}
	if (t != NULL || d == NULL)
		return (HUB_OK);
	err = draft_resolve(rd, (uint32_t)(d - rd->drafts), depth + 1);
	if (err != HUB_OK)
		return (err);
	assert(d->iri.p != NULL || d->iri.len == 0);
	*iri_r = d->iri;
	*prefix_r = d->prefix;
	return (HUB_OK);
}

static enum hub_err
join(struct reading *rd, struct str head, struct str tail, struct str *iri_r)
{
	struct str iri;
	char *p;

	if (head.len + tail.len > IRI_MAX_LEN)
		return (reading_refuse(
		    rd, HUB_EFULL, "an IRI is longer than 2048 bytes", tail));
	p = arena_raw(rd->arena, head.len + tail.len);
	memcpy(p, head.p, head.len);
	if (tail.len > 0)
		memcpy(p + head.len, tail.p, tail.len);
	iri = (struct str){ p, head.len + tail.len };
	if (!iri_absolute(iri))
		return (reading_refuse(rd, HUB_ESYNTAX, "this is no IRI", iri));
	*iri_r = iri;
	return (HUB_OK);
}

/* JSON-LD API, 5.2, without the first look for a term of that very text. */
static enum hub_err
iri_of_parts(
    struct reading *rd, struct str s, unsigned depth, struct str *iri_r)
{
	size_t colon = str_chr(s, ':');
	enum hub_err err;
	struct str head, rest;
	bool prefix;

	if (colon > 0 && colon < s.len) {
		rest = str_from(s, colon + 1);
		if (!str_prefix(rest, STR("//"))) {
			err = lookup(rd, (struct str){ s.p, colon }, depth,
			    &head, &prefix);
			if (err != HUB_OK)
				return (err);
			if (prefix)
				return (join(rd, head, rest, iri_r));
		}
		if (iri_absolute(s))
			return (join(rd, s, STR_NONE, iri_r));
	}
	return (join(rd, rd->default_vocab, s, iri_r));
}

enum hub_err
draft_iri(struct reading *rd, struct str s, unsigned depth, struct str *iri_r)
{
	enum hub_err err;
	struct str iri;
	bool prefix;

	err = lookup(rd, s, depth, &iri, &prefix);
	if (err != HUB_OK)
		return (err);
	if (iri.p == NULL)
		return (iri_of_parts(rd, s, depth, iri_r));
	*iri_r = iri;
	return (HUB_OK);
}

static bool
container_ok(const struct json *j, uint32_t node)
{
	static const char *const known[] = { "@list", "@set", "@index",
		"@language", "@id", "@graph", "@type" };

	if (j->nodes[node].kind == JSON_ARRAY) {
		for (uint32_t e = node + 1; e < j->nodes[node].next;
		     e = j->nodes[e].next)
			if (j->nodes[e].kind != JSON_STRING ||
			    !container_ok(j, e))
				return (false);
		return (true);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (json_is(j, node, str_of(known[i])))
			return (true);
	return (j->nodes[node].kind == JSON_NULL);
}

static bool
is_string(const struct json *j, uint32_t node)
{
	return (j->nodes[node].kind == JSON_STRING);
}

static bool
is_string_or_null(const struct json *j, uint32_t node)
{
	return (is_string(j, node) || j->nodes[node].kind == JSON_NULL);
}

static bool
is_bool(const struct json *j, uint32_t node)
{
	return (j->nodes[node].kind == JSON_TRUE ||
		j->nodes[node].kind == JSON_FALSE);
}

/* What a definition may say. How values are to be read (@type, @container)
 * is checked and not kept: the hub does not convert values. */
static enum hub_err
check_members(const struct reading *rd, uint32_t obj)
{
	static const struct {
		const char *key;
		bool (*ok)(const struct json *, uint32_t); /* NULL: refused */
	} members[] = { { "@id", is_string_or_null }, { "@type", is_string },
		{ "@container", container_ok }, { "@prefix", is_bool },
		{ "@protected", is_bool }, { "@index", is_string },
		{ "@context", NULL }, { "@reverse", NULL },
		{ "@language", NULL }, { "@direction", NULL },
		{ "@nest", NULL } };
	const size_t n = sizeof(members) / sizeof(members[0]);
	const struct json *j = &rd->json;
	size_t i;

	for (uint32_t k = obj + 1; k < j->nodes[obj].next;
	     k = j->nodes[k + 1].next) {
		for (i = 0; i < n; i++)
			if (json_is(j, k, str_of(members[i].key)))
				break;
		if (i < n && members[i].ok == NULL)
			return (reading_refuse(rd, HUB_ENOTSUP,
			    "a term has a part that is not supported",
			    json_raw(j, k)));
		if (i == n || !members[i].ok(j, k + 1))
			return (reading_refuse(rd, HUB_ESYNTAX,
			    "a term has a part that makes no sense",
			    json_raw(j, k)));
	}
	return (HUB_OK);
}

/* JSON-LD 1.1, 4.1.5: a plain term whose IRI ends like this is a prefix. */
static bool
ends_open(struct str iri)
{
	return (iri.p != NULL && iri.len > 0 &&
	    strchr(":/?#[]@", iri.p[iri.len - 1]) != NULL);
}

static bool
compound(struct str term)
{
	return (str_chr(term, ':') < term.len || str_chr(term, '/') < term.len);
}

/* The IRI a definition gives, where id is NULL when it names none. */
static enum hub_err
set_iri(struct reading *rd, uint32_t draft, struct str id, bool plain,
    unsigned depth)
{
	struct str term = rd->drafts[draft].term;
	struct str iri = STR_NONE, own = STR_NONE;
	struct draft *d = &rd->drafts[draft];
	enum hub_err err;

	if (str_eq(id, STR("@id")) || str_eq(id, STR("@type"))) {
		d->keyword = true;
		return (HUB_OK);
	}
	if (id.len > 0 && id.p[0] == '@')
		return (reading_refuse(rd, HUB_ENOTSUP,
		    "only @id and @type may have another name", term));
	err = id.p == NULL || str_eq(id, term)
		  ? iri_of_parts(rd, term, depth, &iri)
		  : draft_iri(rd, id, depth, &iri);
	if (err != HUB_OK)
		return (err);
	if (compound(term)) {
		/* else the term would hide what the same text means */
		err = iri_of_parts(rd, term, depth, &own);
		if (err != HUB_OK)
			return (err);
		if (own.p == NULL || iri.p == NULL ? own.p != iri.p :
						     !str_eq(own, iri))
			return (reading_refuse(rd, HUB_ESYNTAX,
			    "a term that is an IRI must mean itself", term));
	}
	d->iri = iri;
	d->prefix = plain && !compound(term) && ends_open(iri);
	return (HUB_OK);
}

static enum hub_err
set_object(struct reading *rd, uint32_t draft, unsigned depth)
{
	uint32_t obj = rd->drafts[draft].node, id, prefix;
	const struct json *j = &rd->json;
	struct str iri = STR_NONE;
	enum hub_err err;

	err = check_members(rd, obj);
	if (err != HUB_OK)
		return (err);
	id = json_member(j, obj, STR("@id"));
	if (id != 0 && j->nodes[id].kind == JSON_NULL)
		return (HUB_OK);
	if (id != 0)
		iri = json_text(j, id, rd->arena);
	err = set_iri(rd, draft, iri, false, depth);
	if (err != HUB_OK)
		return (err);
	prefix = json_member(j, obj, STR("@prefix"));
	if (prefix == 0 || j->nodes[prefix].kind == JSON_FALSE)
		return (HUB_OK);
	if (compound(rd->drafts[draft].term))
		return (reading_refuse(rd, HUB_ESYNTAX,
		    "this cannot be a prefix", rd->drafts[draft].term));
	rd->drafts[draft].prefix = !rd->drafts[draft].keyword;
	return (HUB_OK);
}

enum hub_err
draft_resolve(struct reading *rd, uint32_t draft, unsigned depth)
{
	struct draft *d = &rd->drafts[draft];
	enum hub_err err = HUB_OK;

	if (d->state == DRAFT_DONE)
		return (HUB_OK);
	if (d->state == DRAFT_BUSY)
		return (reading_refuse(
		    rd, HUB_ESYNTAX, "a term is defined by itself", d->term));
	if (depth > CHAIN_MAX)
		return (reading_refuse(rd, HUB_EFULL,
		    "too many terms are defined by one another", d->term));
	d->state = DRAFT_BUSY;
	switch (rd->json.nodes[d->node].kind) {
	case JSON_NULL:
		break;
	case JSON_STRING:
		err = set_iri(rd, draft,
		    json_text(&rd->json, d->node, rd->arena), true, depth);
		break;
	case JSON_OBJECT:
		err = set_object(rd, draft, depth);
		break;
	default:
		err = reading_refuse(rd, HUB_ESYNTAX,
		    "a term must be an IRI, an object or null", d->term);
	}
	if (err == HUB_OK && d->prefix && ++rd->prefixes > PREFIXES_MAX)
		err = reading_refuse(rd, HUB_EFULL,
		    "the context has too many prefixes", STR_NONE);
	d->state = DRAFT_DONE;
	return (err);
}
