/* server/ngsild/context_names.c - the names of a vocab and of a request; see
 * context.h. */
#include "server/ngsild/context.h"

#include <stdlib.h>

#include "server/base/hash.h"
#include "server/ngsild/context_priv.h"

struct name_slot {
	uint64_t hash;
	const struct name *name; /* NULL: free */
};

/* ---- index */

static void
index_put(struct index *ix, uint32_t hash, uint32_t at)
{
	uint32_t i = hash & ix->mask;

	while (ix->slots[i].at != 0)
		i = (i + 1) & ix->mask;
	ix->slots[i] = (struct index_slot){ hash, at + 1 };
}

void
index_add(struct index *ix, struct arena *arena, uint32_t hash, uint32_t at)
{
	struct index grown = { NULL, 63, ix->used };

	if (ix->mask == 0 || ix->used >= ix->mask / 2) {
		if (ix->mask != 0)
			grown.mask = ix->mask * 2 + 1;
		grown.slots = arena_array(
		    arena, (size_t)grown.mask + 1, sizeof(*grown.slots));
		for (uint32_t i = 0; ix->mask != 0 && i <= ix->mask; i++)
			if (ix->slots[i].at != 0)
				index_put(&grown, ix->slots[i].hash,
				    ix->slots[i].at - 1);
		*ix = grown;
	}
	index_put(ix, hash, at);
	ix->used++;
}

/* Room for one more pointer in a list that doubles. */
static void *
list_room(struct arena *arena, void *list, uint32_t n, uint32_t *cap)
{
	void **grown;

	if (n < *cap)
		return (list);
	*cap = *cap == 0 ? 64 : *cap * 2;
	grown = arena_array(arena, *cap, sizeof(*grown));
	if (n > 0)
		memcpy(grown, list, n * sizeof(*grown));
	return (grown);
}

/* ---- vocab */

struct vocab *
vocab_new(void)
{
	struct vocab *v = xcalloc(1, sizeof(*v));

	v->arena = arena_new();
	vocab_commit(v, STR(NGSILD_CORE_URL), NULL, 0);
	return (v);
}

void
vocab_free(struct vocab *v)
{
	if (v == NULL)
		return;
	arena_free(v->arena);
	free(v);
}

static const struct name *
vocab_find(const struct vocab *v, struct str iri)
{
	uint32_t hash = (uint32_t)hash_fast(iri), i = hash, at;

	while ((at = index_next(&v->by_iri, hash, &i)) != 0)
		if (str_eq(v->names[at - 1]->iri, iri))
			return (v->names[at - 1]);
	return (NULL);
}

const struct name *
vocab_intern(struct vocab *v, struct str iri)
{
	const struct name *known = vocab_find(v, iri);
	struct name *name;

	if (known != NULL)
		return (known);
	name = arena_alloc(v->arena, sizeof(*name));
	name->iri = arena_str(v->arena, iri);
	v->names = list_room(v->arena, v->names, v->nnames, &v->names_cap);
	index_add(&v->by_iri, v->arena, (uint32_t)hash_fast(iri), v->nnames);
	v->names[v->nnames] = name;
	name->id = ++v->nnames;
	return (name);
}

uint32_t
vocab_size(const struct vocab *v)
{
	return (v->nnames);
}

const struct context *
vocab_core(const struct vocab *v)
{
	return (v->contexts[0]);
}

const struct context *
vocab_context(const struct vocab *v, struct str url)
{
	uint32_t hash = (uint32_t)hash_fast(url), i = hash, at;

	if (core_url(url))
		return (vocab_core(v));
	while ((at = index_next(&v->by_url, hash, &i)) != 0)
		if (str_eq(v->contexts[at - 1]->url, url))
			return (v->contexts[at - 1]);
	return (NULL);
}

struct str
context_url(const struct context *c)
{
	return (c->url);
}

/* ---- building */

static void
term_add(struct context *c, struct vocab *v, struct str text, struct str iri,
    bool prefix)
{
	struct term *t = &c->terms[c->nterms];

	t->text = arena_str(v->arena, text);
	t->name = iri.p != NULL ? vocab_intern(v, iri) : NULL;
	t->prefix = prefix && t->name != NULL;
	index_add(&c->by_text, v->arena, (uint32_t)hash_fast(text), c->nterms);
	c->nterms++;
}

/* Of two terms for one name the shorter is written, then the smaller. */
static bool
term_better(const struct term *a, const struct term *b)
{
	if (a->text.len != b->text.len)
		return (a->text.len < b->text.len);
	return (str_cmp(a->text, b->text) < 0);
}

/* Once all terms are there: the way back from a name. */
static void
context_finish(struct context *c, struct arena *arena, uint32_t nnames)
{
	uint32_t *best;

	c->nbest = nnames;
	c->best = arena_array(arena, nnames, sizeof(*c->best));
	c->prefixes = arena_array(arena, c->nterms, sizeof(*c->prefixes));
	for (uint32_t i = 0; i < c->nterms; i++) {
		if (c->terms[i].name == NULL)
			continue;
		best = &c->best[c->terms[i].name->id - 1];
		if (*best == 0 ||
		    term_better(&c->terms[i], &c->terms[*best - 1]))
			*best = i + 1;
		if (c->terms[i].prefix)
			c->prefixes[c->nprefixes++] = &c->terms[i];
	}
}

void
vocab_commit(
    struct vocab *v, struct str url, const struct draft *drafts, uint32_t n)
{
	struct context *c = arena_alloc(v->arena, sizeof(*c));
	struct str iri;

	c->url = arena_str(v->arena, url);
	c->terms = arena_array(v->arena, ncore_terms + n, sizeof(*c->terms));
	for (size_t i = 0; i < ncore_terms; i++) {
		iri = str_of(core_terms[i].iri);
		if (iri.p[0] == '@') /* id and type */
			iri = STR_NONE;
		term_add(c, v, str_of(core_terms[i].term), iri,
		    str_suffix(iri, STR("/")) || str_suffix(iri, STR("#")));
	}
	for (uint32_t i = 0; i < n; i++)
		term_add(c, v, drafts[i].term, drafts[i].iri, drafts[i].prefix);
	context_finish(c, v->arena, v->nnames);
	v->contexts =
	    list_room(v->arena, v->contexts, v->ncontexts, &v->contexts_cap);
	index_add(&v->by_url, v->arena, (uint32_t)hash_fast(url), v->ncontexts);
	v->contexts[v->ncontexts++] = c;
}

static struct str
quote(struct str s, struct arena *a)
{
	struct str quoted;
	struct buf b;

	buf_init(&b, 6 * s.len + 2);
	buf_add_json(&b, s);
	quoted = arena_str(a, buf_str(&b));
	buf_clear(&b);
	return (quoted);
}

static void
context_seal(struct context *c, const struct vocab *v)
{
	struct str plain;

	c->nspelling = v->nnames;
	c->spelling = arena_array(v->arena, v->nnames, sizeof(*c->spelling));
	for (uint32_t i = 0; i < v->nnames; i++) {
		if (i < c->nbest && c->best[i] != 0) {
			c->spelling[i] = c->terms[c->best[i] - 1].text;
			continue;
		}
		if (!str_prefix(v->names[i]->iri, STR(NGSILD_DEFAULT)))
			continue;
		plain = str_from(v->names[i]->iri, sizeof(NGSILD_DEFAULT) - 1);
		if (!context_is_plain(c, plain))
			continue;
		c->spelling[i] = plain;
		index_add(&c->plain, v->arena, (uint32_t)hash_fast(plain), i);
	}
	c->quoted = arena_array(v->arena, v->nnames, sizeof(*c->quoted));
	for (uint32_t i = 0; i < v->nnames; i++)
		if (c->spelling[i].p != NULL)
			c->quoted[i] = quote(c->spelling[i], v->arena);
}

void
vocab_seal(struct vocab *v)
{
	for (uint32_t i = 0; i < v->ncontexts; i++)
		context_seal(v->contexts[i], v);
}

/* ---- names of a request */

void
names_init(struct names *n, const struct vocab *v, struct arena *arena)
{
	*n = (struct names){ .vocab = v, .arena = arena };
}

static void
names_grow(struct names *n)
{
	uint32_t size = n->nslots == 0 ? 64 : n->nslots * 2, i;
	struct name_slot *slots = arena_array(n->arena, size, sizeof(*slots));

	for (uint32_t k = 0; k < n->nslots; k++) {
		if (n->slots[k].name == NULL)
			continue;
		i = (uint32_t)n->slots[k].hash & (size - 1);
		while (slots[i].name != NULL)
			i = (i + 1) & (size - 1);
		slots[i] = n->slots[k];
	}
	n->slots = slots;
	n->nslots = size;
}

const struct name *
names_iri(struct names *n, struct str iri)
{
	const struct name *known = vocab_find(n->vocab, iri);
	struct name *name;
	uint64_t hash;
	uint32_t i;

	if (known != NULL)
		return (known);
	if (n->used >= n->nslots / 2)
		names_grow(n);
	hash = hash_str(iri);
	for (i = (uint32_t)hash & (n->nslots - 1); n->slots[i].name != NULL;
	     i = (i + 1) & (n->nslots - 1))
		if (n->slots[i].hash == hash &&
		    str_eq(n->slots[i].name->iri, iri))
			return (n->slots[i].name);
	name = arena_alloc(n->arena, sizeof(*name));
	name->iri = arena_str(n->arena, iri);
	n->slots[i] = (struct name_slot){ hash, name };
	n->used++;
	return (name);
}

const struct name *
names_location(struct names *n)
{
	if (n->location == NULL)
		n->location = names_iri(n,
		    STR("https://uri.etsi.org/ngsi-ld/location"));
	return (n->location);
}
