/* server/ngsild/context_parse.c - reading a context document (JSON-LD 1.1,
 * 4.1 and 9.15).
 *
 * A document is read into drafts first: a definition may use another that
 * stands below it, and a document that is refused must leave nothing behind. */
#include "server/ngsild/context.h"

#include "server/base/hash.h"
#include "server/ngsild/context_priv.h"

#define DOCUMENT_MAX ((size_t)1024 * 1024)
#define PARTS_MAX    64 /* contexts in one document's array */

static enum hub_err read_value(struct reading *, uint32_t node);

enum hub_err
reading_refuse(const struct reading *rd, enum hub_err err, const char *sentence,
    struct str what)
{
	if (what.len > 120)
		what.len = 120;
	buf_add(rd->why, sentence, strlen(sentence));
	if (what.p != NULL) {
		BUF_LIT(rd->why, ": ");
		buf_add_json(rd->why, str_utf8(what) ? what : STR("?"));
	}
	return (err);
}

static enum hub_err
read_document(struct reading *rd, struct str document)
{
	const struct json_limits limits = { 32, TERMS_MAX + 16, 400000 };
	enum hub_err err;
	uint32_t node;

	if (document.len > DOCUMENT_MAX)
		return (reading_refuse(rd, HUB_EFULL,
		    "the context is larger than 1 MiB", STR_NONE));
	err = json_parse(&rd->json, document, &limits, rd->arena);
	if (err != HUB_OK)
		return (reading_refuse(rd, err,
		    err == HUB_EFULL
			? "the context has too many members or is nested too "
			  "deeply"
			: "the context is not valid JSON",
		    STR_NONE));
	node = json_member(&rd->json, 0, STR("@context"));
	if (node == 0)
		return (reading_refuse(rd, HUB_ESYNTAX,
		    "the document is no JSON object with an \"@context\"",
		    STR_NONE));
	return (read_value(rd, node));
}

enum hub_err
vocab_add(struct vocab *v, struct str url, struct str document, struct buf *why)
{
	struct reading rd = {
		.vocab = v, .default_vocab = STR(NGSILD_DEFAULT), .why = why
	};
	enum hub_err err;

	if (core_url(url))
		return (reading_refuse(&rd, HUB_EEXIST,
		    "the core context is built in and not read from a file",
		    url));
	if (vocab_context(v, url) != NULL)
		return (reading_refuse(&rd, HUB_EEXIST,
		    "there is a context with this URL already", url));
	if (!iri_absolute(url) || url.len > IRI_MAX_LEN)
		return (reading_refuse(
		    &rd, HUB_ESYNTAX, "a context needs an absolute URL", url));
	rd.arena = arena_new();
	err = read_document(&rd, document);
	if (err == HUB_OK)
		vocab_commit(v, url, rd.drafts, rd.n);
	arena_free(rd.arena);
	return (err);
}

/* ---- drafts */

struct draft *
draft_find(const struct reading *rd, struct str term)
{
	uint32_t hash = (uint32_t)hash_str(term), i = hash, at;

	while ((at = index_next(&rd->by_term, hash, &i)) != 0)
		if (str_eq(rd->drafts[at - 1].term, term))
			return (&rd->drafts[at - 1]);
	return (NULL);
}

/* The draft of a term, empty: what an earlier context said of it is gone.
 * NULL when there are too many. */
static struct draft *
draft_add(struct reading *rd, struct str term)
{
	struct draft *d = draft_find(rd, term), *grown;

	if (d == NULL) {
		if (rd->n == TERMS_MAX)
			return (NULL);
		if (rd->n == rd->cap) {
			rd->cap = rd->cap == 0 ? 64 : rd->cap * 2;
			grown = arena_array(rd->arena, rd->cap, sizeof(*grown));
			if (rd->n > 0)
				memcpy(
				    grown, rd->drafts, rd->n * sizeof(*grown));
			rd->drafts = grown;
		}
		index_add(
		    &rd->by_term, rd->arena, (uint32_t)hash_str(term), rd->n);
		d = &rd->drafts[rd->n++];
	}
	*d = (struct draft){ .term = term };
	return (d);
}

static enum hub_err
too_many(const struct reading *rd)
{
	return (reading_refuse(
	    rd, HUB_EFULL, "the context has too many terms", STR_NONE));
}

/* ---- strings, arrays, objects */

/* Takes over the terms of a context named by its URL. */
static enum hub_err
read_url(struct reading *rd, uint32_t node)
{
	struct str url = json_text(&rd->json, node, rd->arena);
	const struct context *c = vocab_context(rd->vocab, url);
	struct draft *d;

	if (c == NULL)
		return (reading_refuse(rd, HUB_ENOENT,
		    "the context refers to one that is not known", url));
	for (uint32_t i = (uint32_t)ncore_terms; i < c->nterms; i++) {
		d = draft_add(rd, c->terms[i].text);
		if (d == NULL)
			return (too_many(rd));
		if (c->terms[i].name != NULL)
			d->iri = c->terms[i].name->iri;
		d->prefix = c->terms[i].prefix;
		rd->prefixes += d->prefix;
	}
	return (HUB_OK);
}

/* The keys of a context that begin with '@' and are harmless. */
static enum hub_err
read_keyword(const struct reading *rd, uint32_t key)
{
	static const char *const refused[] = { "@base", "@direction", "@import",
		"@language", "@propagate" };
	const struct json *j = &rd->json;
	uint8_t kind = j->nodes[key + 1].kind;

	if (json_is(j, key, STR("@vocab")))
		return (HUB_OK); /* read_vocab was there before */
	if (json_is(j, key, STR("@version")) && kind == JSON_NUMBER &&
	    json_number_cmp(json_span(j, key + 1), STR("1.1")) == 0)
		return (HUB_OK);
	if (json_is(j, key, STR("@protected")) &&
	    (kind == JSON_TRUE || kind == JSON_FALSE))
		return (HUB_OK);
	if (json_is(j, key, STR("@type")) && kind == JSON_OBJECT)
		return (HUB_OK); /* only ever {"@container": "@set"} */
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (json_is(j, key, str_of(refused[i])))
			return (reading_refuse(rd, HUB_ENOTSUP,
			    "this part of JSON-LD is not supported",
			    json_raw(j, key)));
	return (reading_refuse(rd, HUB_ESYNTAX,
	    "a context cannot have this member", json_raw(j, key)));
}

/* First a waiting draft for each term, so that order does not matter. */
static enum hub_err
read_terms(struct reading *rd, uint32_t obj)
{
	const struct json *j = &rd->json;
	struct draft *d;
	enum hub_err err;
	struct str term;

	for (uint32_t k = obj + 1; k < j->nodes[obj].next;
	     k = j->nodes[k + 1].next) {
		term = json_text(j, k, rd->arena);
		if (term.len > 0 && term.p[0] == '@') {
			err = read_keyword(rd, k);
			if (err != HUB_OK)
				return (err);
			continue;
		}
		if (term.len == 0 || term.p[0] == '<')
			return (reading_refuse(
			    rd, HUB_ESYNTAX, "this cannot be a term", term));
		if (context_term(vocab_core(rd->vocab), term) != NULL)
			continue; /* the core's meaning stays */
		d = draft_add(rd, term);
		if (d == NULL)
			return (too_many(rd));
		d->state = DRAFT_WAITING;
		d->node = k + 1;
	}
	return (HUB_OK);
}

static enum hub_err
read_vocab(struct reading *rd, uint32_t obj)
{
	uint32_t node = json_member(&rd->json, obj, STR("@vocab"));
	struct str s, iri;
	enum hub_err err;

	if (node == 0)
		return (HUB_OK);
	if (rd->json.nodes[node].kind == JSON_NULL) {
		rd->default_vocab = STR(NGSILD_DEFAULT);
		return (HUB_OK);
	}
	if (rd->json.nodes[node].kind != JSON_STRING)
		return (reading_refuse(
		    rd, HUB_ESYNTAX, "@vocab must be an IRI", STR_NONE));
	s = json_text(&rd->json, node, rd->arena);
	if (s.len == 0)
		return (reading_refuse(rd, HUB_ENOTSUP,
		    "an @vocab relative to the document is not supported",
		    STR_NONE));
	err = draft_iri(rd, s, 0, &iri);
	if (err != HUB_OK)
		return (err);
	rd->default_vocab = iri;
	return (HUB_OK);
}

static enum hub_err
read_object(struct reading *rd, uint32_t obj)
{
	enum hub_err err = read_vocab(rd, obj);

	if (err == HUB_OK)
		err = read_terms(rd, obj);
	for (uint32_t i = 0; err == HUB_OK && i < rd->n; i++)
		err = draft_resolve(rd, i, 0);
	return (err);
}

static enum hub_err
read_part(struct reading *rd, uint32_t node)
{
	switch (rd->json.nodes[node].kind) {
	case JSON_STRING:
		return (read_url(rd, node));
	case JSON_OBJECT:
		return (read_object(rd, node));
	default:
		return (reading_refuse(rd, HUB_ESYNTAX,
		    "an @context must be a URL, an object or an array of them",
		    STR_NONE));
	}
}

static enum hub_err
read_value(struct reading *rd, uint32_t node)
{
	const struct json *j = &rd->json;
	enum hub_err err;

	if (j->nodes[node].kind != JSON_ARRAY)
		return (read_part(rd, node));
	if (j->nodes[node].count > PARTS_MAX)
		return (reading_refuse(rd, HUB_EFULL,
		    "the @context has too many parts", STR_NONE));
	for (uint32_t e = node + 1; e < j->nodes[node].next;
	     e = j->nodes[e].next) {
		err = read_part(rd, e);
		if (err != HUB_OK)
			return (err);
	}
	return (HUB_OK);
}
