/* tests/fuzz/fuzz_entity.c - any entity of a broker, in every form: each is
 * JSON again with no name twice, and says the same attributes; and any list of
 * them, where those alike are read as each for itself. The first byte chooses
 * what is released, asked for and in which language. */
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

static void
check_instance(const struct instance *a, const struct instance *b)
{
	assert(a->name == b->name && a->doc == b->doc && a->node == b->node &&
	       a->release == b->release && a->grants == b->grants &&
	       a->value == b->value && a->observed_at == b->observed_at &&
	       a->modified_at == b->modified_at &&
	       a->expires_at == b->expires_at && a->kind == b->kind &&
	       a->whole == b->whole && a->broken == b->broken &&
	       (a->dataset_id.p == NULL) == (b->dataset_id.p == NULL) &&
	       str_eq(a->dataset_id, b->dataset_id));
}

static void
check_member(struct member a, struct member b)
{
	assert(a.node == b.node && (a.node == 0 || a.doc == b.doc));
}

/* The entities of a list: what the one before told about each is what reading
 * it for itself tells. Evolutions are read so, and may only be longer. */
static void
check_list(const struct document *doc, struct names *names, struct arena *a)
{
	const struct json *j = &doc->json;
	struct entity e, alone;

	for (uint32_t n = 1; n < j->n; n = j->nodes[n].next) {
		enum hub_err err = entity_read(doc, n, names, a, &e);

		if (entity_read_series(doc, n, names, a, &alone) != HUB_OK) {
			assert(err != HUB_OK);
			continue;
		}
		assert(err == HUB_OK ||
		       j->nodes[n].next - n > ENTITY_INSTANCES_MAX);
		if (err != HUB_OK)
			continue;
		assert(str_eq(e.id, alone.id) && e.ntypes == alone.ntypes &&
		       e.ninstances == alone.ninstances &&
		       e.ends == alone.ends);
		for (unsigned t = 0; t < e.ntypes; t++)
			assert(e.types[t] == alone.types[t]);
		check_member(e.scope, alone.scope);
		check_member(e.created_at, alone.created_at);
		check_member(e.modified_at, alone.modified_at);
		check_member(e.expires_at, alone.expires_at);
		for (unsigned i = 0; i < e.ninstances; i++)
			check_instance(&e.instances[i], &alone.instances[i]);
		e.ninstances /= 2; /* policy takes some out */
		memset(e.instances, 0, e.ninstances * sizeof(*e.instances));
	}
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
	    HUB_OK)
		goto out;
	if (doc.json.nodes[0].kind == JSON_ARRAY)
		check_list(&doc, &names, a);
	if (entity_read(&doc, 0, &names, a, &e) != HUB_OK)
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
