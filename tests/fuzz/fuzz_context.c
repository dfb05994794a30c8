/* tests/fuzz/fuzz_context.c - a context document, a line "--", then names one
 * a line: whatever a document defines, a name that is written is read back as
 * that same name, and two names are never written alike. The whole input is
 * tried as a Link header too. */
#include <stdlib.h>

#include "server/ngsild/context.h"

#define URL       "https://fuzz.example/"
#define FIXED     "https://fixed.example/"
#define NAMES_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct run {
	struct vocab *vocab;
	struct arena *arena;
	struct names names;
	const struct context *contexts[5];
	size_t ncontexts;
	const struct name *seen[NAMES_MAX * 4];
	size_t nseen;
};

static enum hub_err
add(struct vocab *v, struct str url, struct str document)
{
	uint32_t before = vocab_size(v);
	enum hub_err err;
	struct buf why;

	buf_init(&why, 65536);
	err = vocab_add(v, url, document, &why);
	assert((err != HUB_OK) == (why.len > 0));
	assert(str_utf8(buf_str(&why)));
	assert(err == HUB_OK || vocab_size(v) == before);
	assert((err == HUB_OK) == (vocab_context(v, url) != NULL));
	buf_clear(&why);
	return (err);
}

static void
run_add_pair(struct run *r, struct str array)
{
	struct str url = STR_NONE;
	struct json j;

	assert(json_parse(&j, array, &JSON_LIMITS_BROKER, r->arena) == HUB_OK);
	assert(context_of_json(&r->names, &j, 0, &r->contexts[r->ncontexts],
		   &url) == HUB_OK);
	r->ncontexts++;
}

static void
run_open(struct run *r, struct str document)
{
	r->vocab = vocab_new();
	r->arena = arena_new();
	assert(
	    add(r->vocab, STR(FIXED),
		STR("{\"@context\":{\"p\":\"https://p.example/\","
		    "\"a\":\"p:a\",\"urn\":\"https://u.example/\","
		    "\"n\":null,\"b\":\"https://b.example/x/\"}}")) == HUB_OK);
	names_init(&r->names, r->vocab, r->arena);
	r->contexts[r->ncontexts++] = vocab_core(r->vocab);
	r->contexts[r->ncontexts++] = vocab_context(r->vocab, STR(FIXED));
	if (add(r->vocab, STR(URL), document) != HUB_OK)
		return;
	r->contexts[r->ncontexts++] = vocab_context(r->vocab, STR(URL));
	run_add_pair(r, STR("[\"" URL "\",\"" FIXED "\"]"));
	run_add_pair(r, STR("[\"" FIXED "\",\"" URL "\"]"));
}

static void
run_name(struct run *r, struct str term)
{
	const struct name *n;

	for (size_t i = 0; i < r->ncontexts; i++) {
		n = context_expand(r->contexts[i], &r->names, term);
		if (n == NULL)
			continue;
		assert(n->iri.len > 0 && str_chr(n->iri, ':') < n->iri.len);
		assert(n == names_iri(&r->names, n->iri));
		assert(n->id <= vocab_size(r->vocab));
		if (r->nseen < sizeof(r->seen) / sizeof(r->seen[0]))
			r->seen[r->nseen++] = n;
	}
}

static void
run_check(struct run *r)
{
	struct str text;

	for (size_t i = 0; i < r->ncontexts; i++)
		for (size_t k = 0; k < r->nseen; k++) {
			text = context_compact(
			    r->contexts[i], r->seen[k], r->arena);
			assert(context_expand(r->contexts[i], &r->names,
				   text) == r->seen[k]);
		}
}

static void
check_link(struct str value)
{
	struct str url = STR_NONE;

	if (context_link_parse(value, &url) != HUB_OK || url.p == NULL)
		return;
	assert(url.len > 0 && url.p > value.p &&
	       url.p + url.len < value.p + value.len);
	assert(url.p[-1] == '<' && url.p[url.len] == '>');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str all = { (const char *)data, len }, term, rest;
	struct run r = { 0 };
	const char *cut;

	check_link(all);
	cut = len > 0 ? memmem(data, len, "\n--\n", 4) : NULL;
	if (cut == NULL)
		cut = all.p + len;
	run_open(&r, (struct str){ all.p, (size_t)(cut - all.p) });
	rest = str_from(all, (size_t)(cut - all.p));
	rest = rest.len > 4 ? str_from(rest, 4) : STR_NONE;
	for (int i = 0; i < NAMES_MAX && str_cut(&rest, '\n', &term); i++)
		run_name(&r, term);
	run_check(&r);
	arena_free(r.arena);
	vocab_free(r.vocab);
	return (0);
}
