/* tests/fuzz/fuzz_entity.c - any entity of a broker, in every form: each is
 * JSON again with no name twice, and says the same attributes. The first byte
 * chooses what is released, asked for and in which language. */
#include <stdlib.h>

#include "server/ngsild/entity.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct vocab *vocab;
static const char terms[] =
    "{\"@context\":{\"w\":\"https://water.example/\",\"level\":\"w:level\","
    "\"state\":\"w:state\",\"high\":\"w:high\"}}";
#define URL "https://water.example/context.jsonld"

static const struct context *
context_once(void)
{
	struct buf why;

	if (vocab == NULL) {
		vocab = vocab_new();
		buf_init(&why, 1000);
		if (vocab_add(vocab, STR(URL), str_of(terms), &why) != HUB_OK)
			abort();
		buf_clear(&why);
		vocab_seal(vocab);
	}
	return (vocab_context(vocab, STR(URL)));
}

/* The output is one object; *j is its tape. */
static void
read_back(const struct buf *b, struct json *j, struct arena *a)
{
	static const struct json_limits limits = { 64, 8192, 8000000 };

	assert(!b->failed);
	if (json_parse(j, buf_str(b), &limits, a) != HUB_OK)
		abort();
	assert(j->nodes[0].kind == JSON_OBJECT);
}

static void
check_feature(const struct entity *e, const struct entity_out *o,
    uint32_t members, struct arena *a)
{
	const struct name *place =
	    names_iri(o->names, STR("https://uri.etsi.org/ngsi-ld/location"));
	uint32_t geometry, properties;
	struct json j;
	struct buf b;

	buf_init(&b, 1 << 24);
	entity_write_feature(e, o, place, &b);
	read_back(&b, &j, a);
	assert(j.nodes[0].count == 4);
	geometry = json_member(&j, 0, STR("geometry"));
	assert(j.nodes[geometry].kind == JSON_NULL ||
	       j.nodes[geometry].kind == JSON_OBJECT);
	properties = json_member(&j, 0, STR("properties"));
	assert(j.nodes[properties].count + 1 == members); /* but the id */
	buf_clear(&b);
}

static void
check_forms(const struct entity *e, struct entity_out *o, struct arena *a)
{
	static const enum entity_format formats[] = { ENTITY_NORMALIZED,
		ENTITY_KEY_VALUES, ENTITY_CONCISE };
	uint32_t members = 0;
	struct entity again;
	struct document doc = { .context = o->context };
	struct buf b;

	buf_init(&b, 1 << 24);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		o->format = formats[i];
		buf_reset(&b);
		entity_write(e, o, &b);
		read_back(&b, &doc.json, a);
		if (i == 0) {
			members = doc.json.nodes[0].count;
			if (entity_read(&doc, 0, o->names, a, &again) !=
			    HUB_OK)
				abort();
			assert(again.ninstances == e->ninstances);
			for (unsigned k = 0; k < e->ninstances; k++)
				assert(again.instances[k].kind != ATTR_NONE);
		}
		assert(doc.json.nodes[0].count == members);
		check_feature(e, o, members, a);
	}
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const langs[] = { NULL, "de", "en-GB,de-*;q=0.5",
		"*" };
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	const struct context *c = context_once();
	struct arena *a = arena_new();
	struct document doc = { .context = c };
	struct entity_out out = { .names = NULL };
	struct names names;
	struct entity e;
	unsigned n = 0;

	names_init(&names, vocab, a);
	if (size < 2 || json_parse(&doc.json,
	    (struct str){ (const char *)data + 1, size - 1 }, &limits, a) !=
	    HUB_OK || entity_read(&doc, 0, &names, a, &e) != HUB_OK)
		goto out;
	/* What redaction does: no attribute without a value. */
	for (unsigned i = 0; i < e.ninstances; i++)
		if (e.instances[i].kind != ATTR_NONE)
			e.instances[n++] = e.instances[i];
	e.ninstances = n;
	for (unsigned i = 0; i < n; i++)
		e.instances[i].release = &release_bare;
	out.names = &names;
	out.context = (data[0] & 1) != 0 ? c : vocab_core(vocab);
	out.sys_attrs = (data[0] & 2) != 0;
	out.lang = str_of(langs[data[0] >> 2 & 3]);
	check_forms(&e, &out, a);
out:
	arena_free(a);
	return (0);
}
