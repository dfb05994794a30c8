/* server/ngsild/context.c - how a context reads and writes names; context.h
 * says what it promises. */
#include "server/ngsild/context.h"

#include "server/base/hash.h"
#include "server/ngsild/context_priv.h"

/* What a spelling means: a known name, or head and tail put together. */
struct meaning {
	const struct name *name;
	struct str head, tail;
};

/* ---- expanding */

static const struct term *
layer_term(const struct context *c, struct str text)
{
	uint32_t hash = (uint32_t)hash_fast(text), i = hash, at;

	while ((at = index_next(&c->by_text, hash, &i)) != 0)
		if (str_eq(c->terms[at - 1].text, text))
			return (&c->terms[at - 1]);
	return (NULL);
}

/* The core's terms are in every layer, so the first asked knows them. */
const struct term *
context_term(const struct context *c, struct str text)
{
	const struct term *t = NULL;

	if (c->nlayers == 0)
		return (layer_term(c, text));
	for (uint32_t i = 0; t == NULL && i < c->nlayers; i++)
		t = layer_term(c->layers[i], text);
	return (t);
}

/* RFC 3986, 3.1: does it begin with a scheme and a colon? */
static bool
has_scheme(struct str s)
{
	size_t colon = str_chr(s, ':');
	char c;

	if (colon == 0 || colon == s.len)
		return (false);
	for (size_t i = 0; i < colon; i++) {
		c = s.p[i];
		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			continue;
		if (i == 0 || !((c >= '0' && c <= '9') || c == '+' ||
				  c == '-' || c == '.'))
			return (false);
	}
	return (true);
}

bool
iri_absolute(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return (false);
	return (has_scheme(s));
}

/* The meaning of prefix:rest, when there is such a prefix. */
static bool
prefix_meaning(const struct context *c, struct str s, struct meaning *m)
{
	size_t colon = str_chr(s, ':');
	const struct term *t;
	struct str rest;

	if (colon == s.len)
		return (false);
	rest = str_from(s, colon + 1);
	if (str_prefix(rest, STR("//")))
		return (false);
	t = context_term(c, (struct str){ s.p, colon });
	if (t == NULL || !t->prefix)
		return (false);
	*m = (struct meaning){ NULL, t->name->iri, rest };
	return (true);
}

/* <IRI> is our own spelling of an IRI that would be read as something else: as
 * prefix:rest, as a term, or (with a blank in it, which a prefix lets in) as
 * part of the vocabulary. JSON-LD has none; without it two names could be
 * written alike. */
static bool
bracket_meaning(const struct context *c, struct str s, struct meaning *m)
{
	struct str iri;

	if (s.len < 2 || s.p[0] != '<' || s.p[s.len - 1] != '>')
		return (false);
	iri = (struct str){ s.p + 1, s.len - 2 };
	if (!has_scheme(iri) ||
	    (iri_absolute(iri) && context_term(c, iri) == NULL &&
		!prefix_meaning(c, iri, m)))
		return (false);
	*m = (struct meaning){ NULL, iri, STR_NONE };
	return (true);
}

/* False: it is no name. */
static bool
meaning_of(const struct context *c, struct str s, struct meaning *m)
{
	const struct term *t = context_term(c, s);

	if (t != NULL) {
		*m = (struct meaning){ t->name, STR_NONE, STR_NONE };
		return (t->name != NULL);
	}
	if (s.len == 0 || s.p[0] == '@' || str_prefix(s, STR("_:")))
		return (false);
	if (bracket_meaning(c, s, m) || prefix_meaning(c, s, m))
		return (true);
	if (iri_absolute(s))
		*m = (struct meaning){ NULL, s, STR_NONE };
	else /* the core context is last, so the vocabulary is its own */
		*m = (struct meaning){ NULL, STR(NGSILD_DEFAULT), s };
	return (true);
}

/* Head and tail in one piece: in the room given, or in the arena. */
static struct str
meaning_iri(
    const struct meaning *m, char *room, size_t size, struct arena *arena)
{
	size_t n = m->head.len + m->tail.len;
	char *p = room;

	if (m->tail.len == 0)
		return (m->head);
	if (p == NULL || n > size)
		p = arena_raw(arena, n);
	memcpy(p, m->head.p, m->head.len);
	memcpy(p + m->head.len, m->tail.p, m->tail.len);
	return ((struct str){ p, n });
}

bool
context_is_plain(const struct context *c, struct str s)
{
	struct meaning m;

	return (meaning_of(c, s, &m) && m.name == NULL && m.tail.p == s.p &&
	    str_eq(m.head, STR(NGSILD_DEFAULT)));
}

/* What vocab_seal prepared: a term, or a known name of the default
 * vocabulary. False: look further. */
static bool
expand_known(const struct context *c, const struct vocab *v, struct str term,
    const struct name **name_r)
{
	uint32_t hash = (uint32_t)hash_fast(term), i = hash, at;

	while ((at = index_next(&c->by_text, hash, &i)) != 0)
		if (str_eq(c->terms[at - 1].text, term)) {
			*name_r = c->terms[at - 1].name;
			return (true);
		}
	i = hash;
	while ((at = index_next(&c->plain, hash, &i)) != 0)
		if (str_eq(c->spelling[at - 1], term)) {
			*name_r = v->names[at - 1];
			return (true);
		}
	return (false);
}

static const struct name *
expand_unprepared(const struct context *c, struct names *n, struct str term)
{
	const struct name *known;
	struct meaning m;
	char room[512];

	if (c->nlayers == 0 && expand_known(c, n->vocab, term, &known))
		return (known);
	if (!meaning_of(c, term, &m))
		return (NULL);
	if (m.name != NULL)
		return (m.name);
	return (names_iri(n, meaning_iri(&m, room, sizeof(room), n->arena)));
}

/* Where a spelling stands if it was seen last of those that go there; else it
 * may stand next door. */
static uint32_t
recent_place(struct str term)
{
	const unsigned char *p = (const unsigned char *)term.p;
	uint32_t h = p[0] | (uint32_t)p[term.len - 1] << 8 |
	    (uint32_t)p[term.len / 2] << 16 | (uint32_t)term.len << 24;

	return (h * UINT32_C(0x9e3779b1) / (UINT32_MAX / NAMES_RECENT + 1));
}

static bool
recent_is(const struct name_recent *r, const struct context *c, struct str term)
{
	return (r->context == c && r->len == term.len &&
		memcmp(r->term, term.p, term.len) == 0);
}

const struct name *
context_expand(const struct context *c, struct names *n, struct str term)
{
	const struct name *name;
	struct name_recent *r, *next;

	if (term.len == 0 || term.len > NAMES_RECENT_LEN)
		return (expand_unprepared(c, n, term));
	if (n->recent == NULL)
		n->recent = arena_array(n->arena, NAMES_RECENT,
		    sizeof(*n->recent));
	r = &n->recent[recent_place(term)];
	if (recent_is(r, c, term))
		return (r->name);
	next = &n->recent[recent_place(term) ^ 1];
	if (recent_is(next, c, term))
		return (next->name);
	name = expand_unprepared(c, n, term);
	*next = *r;
	r->context = c;
	r->name = name;
	r->len = (uint32_t)term.len;
	memcpy(r->term, term.p, term.len);
	return (name);
}

const struct name *
context_expand_build(const struct context *c, struct vocab *v, struct str term)
{
	struct meaning m;
	char room[512];

	if (!meaning_of(c, term, &m))
		return (NULL);
	if (m.name != NULL)
		return (m.name);
	return (vocab_intern(v, meaning_iri(&m, room, sizeof(room), v->arena)));
}

/* ---- compacting */

/* Would s be read as this name? */
static bool
means(const struct context *c, struct str s, const struct name *name)
{
	struct meaning m;

	if (!meaning_of(c, s, &m))
		return (false);
	if (m.name != NULL)
		return (m.name == name);
	return (m.head.len + m.tail.len == name->iri.len &&
		str_prefix(name->iri, m.head) && str_suffix(name->iri, m.tail));
}

static const struct term *
layer_best(const struct context *c, const struct name *name)
{
	uint32_t at =
	    name->id != 0 && name->id <= c->nbest ? c->best[name->id - 1] : 0;

	return (at != 0 ? &c->terms[at - 1] : NULL);
}

static const struct term *
best_term(const struct context *c, const struct name *name)
{
	const struct term *t;

	if (c->nlayers == 0)
		return (layer_best(c, name));
	for (uint32_t i = 0; i < c->nlayers; i++) {
		t = layer_best(c->layers[i], name);
		if (t != NULL && context_term(c, t->text)->name == name)
			return (t);
	}
	return (NULL);
}

/* The shortest prefix, then the smallest, that leaves the least behind. */
static const struct term *
layer_prefix(const struct context *c, struct str iri, const struct term *best)
{
	size_t saved, most;
	const struct term *t;

	for (uint32_t i = 0; i < c->nprefixes; i++) {
		t = c->prefixes[i];
		if (iri.len <= t->name->iri.len ||
		    !str_prefix(iri, t->name->iri))
			continue;
		/* text + rest, both sides free of what they share */
		saved = t->name->iri.len + (best ? best->text.len : 0);
		most = (best ? best->name->iri.len : 0) + t->text.len;
		if (best == NULL || saved > most ||
		    (saved == most && str_cmp(t->text, best->text) < 0))
			best = t;
	}
	return (best);
}

static const struct term *
best_prefix(const struct context *c, struct str iri)
{
	const struct term *best = NULL;

	if (c->nlayers == 0)
		return (layer_prefix(c, iri, NULL));
	for (uint32_t i = 0; i < c->nlayers; i++)
		best = layer_prefix(c->layers[i], iri, best);
	return (best);
}

struct str
context_compact(
    const struct context *c, const struct name *name, struct arena *arena)
{
	struct str iri = name->iri, s;
	const struct term *t;

	if (name->id != 0 && name->id <= c->nspelling &&
	    c->spelling[name->id - 1].p != NULL)
		return (c->spelling[name->id - 1]);
	t = best_term(c, name);
	if (t != NULL)
		return (t->text);
	if (str_prefix(iri, STR(NGSILD_DEFAULT))) {
		s = str_from(iri, sizeof(NGSILD_DEFAULT) - 1);
		if (means(c, s, name))
			return (s);
	}
	t = best_prefix(c, iri);
	if (t != NULL) {
		s = str_of(arena_printf(arena, "%.*s:", STR_FMT(t->text)));
		s = meaning_iri(&(struct meaning){ NULL, s,
				    str_from(iri, t->name->iri.len) },
		    NULL, 0, arena);
		if (means(c, s, name))
			return (s);
	}
	if (means(c, iri, name) || !has_scheme(iri))
		return (iri);
	s = meaning_iri(
	    &(struct meaning){ NULL, STR("<"), iri }, NULL, 0, arena);
	return (meaning_iri(
	    &(struct meaning){ NULL, s, STR(">") }, NULL, 0, arena));
}

void
context_write(const struct context *c, const struct name *name,
    struct arena *arena, struct buf *b)
{
	if (name->id != 0 && name->id <= c->nspelling &&
	    c->quoted[name->id - 1].p != NULL)
		buf_adds(b, c->quoted[name->id - 1]);
	else
		buf_add_json(b, context_compact(c, name, arena));
}

/* ---- the context of an answer */

static enum hub_err
layer_of(struct names *n, const struct json *j, uint32_t node,
    const struct context **layer_r, struct str *url_r)
{
	struct str url;

	if (j->nodes[node].kind != JSON_STRING)
		return (HUB_ENOTSUP);
	url = json_text(j, node, n->arena);
	*layer_r = vocab_context(n->vocab, url);
	if (*layer_r != NULL)
		return (HUB_OK);
	*url_r = url;
	return (HUB_ENOENT);
}

/* The core needs no layer of its own, and a URL again none behind itself. */
static enum hub_err
layers_of(struct names *n, const struct json *j, uint32_t array,
    const struct context *layers[LAYERS_MAX], uint32_t *n_r, struct str *url_r)
{
	const struct context *layer;
	uint32_t used = 0, e;
	enum hub_err err;

	for (e = array + 1; e < j->nodes[array].next; e = j->nodes[e].next) {
		if (json_is(j, e, STR_NONE)) /* some brokers add "" */
			continue;
		err = layer_of(n, j, e, &layer, url_r);
		if (err != HUB_OK)
			return (err);
		if (layer == vocab_core(n->vocab) ||
		    (used > 0 && layers[used - 1] == layer))
			continue;
		if (used == LAYERS_MAX)
			return (HUB_ENOTSUP);
		layers[used++] = layer;
	}
	*n_r = used;
	return (HUB_OK);
}

enum hub_err
context_of_json(struct names *n, const struct json *j, uint32_t node,
    const struct context **context_r, struct str *url_r)
{
	const struct context *in_order[LAYERS_MAX], **layers;
	struct context *c;
	uint32_t used = 0;
	enum hub_err err;

	if (j->nodes[node].kind != JSON_ARRAY)
		return (layer_of(n, j, node, context_r, url_r));
	err = layers_of(n, j, node, in_order, &used, url_r);
	if (err != HUB_OK)
		return (err);
	if (used <= 1) {
		*context_r = used == 0 ? vocab_core(n->vocab) : in_order[0];
		return (HUB_OK);
	}
	layers = arena_array(n->arena, used, sizeof(struct context *));
	for (uint32_t i = 0; i < used; i++)
		layers[used - 1 - i] = in_order[i];
	c = arena_alloc(n->arena, sizeof(*c));
	c->layers = layers;
	c->nlayers = used;
	*context_r = c;
	return (HUB_OK);
}
