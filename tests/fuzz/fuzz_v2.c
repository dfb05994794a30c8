/* tests/fuzz/fuzz_v2.c - any answer of an NGSI-v2 source: what is made of it
 * is an array of entities, as many as came, under ids that are URIs, and of a
 * size that what came explains; and each id that was made leads back. The
 * first byte chooses a scope and how much may be written. */
#include <stdlib.h>

#include "server/federation/v2_answer.h"
#include "server/federation/v2_id.h"
#include "server/ngsild/entity.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define SCOPE "/ruhr/pegel"
/* An entity without attributes, {"id":"","type":""}, gets a scope and the
 * prefix of its id; a bare attribute, "a":{"value":1}, the entity's time. */
#define GROWS 8

static const struct json_limits as_sent = JSON_LIMITS_BROKER;
static struct vocab *vocab;

static void
check_entity(const struct document *doc, uint32_t node, struct names *names,
    struct arena *a)
{
	struct str type, id;
	struct entity e;
	struct buf b;

	if (entity_read(doc, node, names, a, &e) != HUB_OK)
		return;
	for (unsigned i = 0; i < e.ninstances; i++)
		if (e.instances[i].kind == ATTR_GEO)
			assert(doc->json.nodes[e.instances[i].value].kind ==
			    JSON_OBJECT);
	if (!v2_id_read(e.id, a, &type, &id))
		return;
	buf_init(&b, 4096);
	v2_id_write(id, type, &b);
	assert(str_eq(buf_str(&b), e.id));
	buf_clear(&b);
}

static void
check_answer(struct str in, struct str out, struct arena *a)
{
	static const struct json_limits limits = { 64, 2048, 8000000 };
	struct document doc = { .context = vocab_core(vocab) };
	struct names names;
	struct json sent;

	names_init(&names, vocab, a);
	if (json_parse(&doc.json, out, &limits, a) != HUB_OK ||
	    json_parse(&sent, in, &as_sent, a) != HUB_OK)
		abort();
	assert(doc.json.nodes[0].kind == JSON_ARRAY);
	assert(doc.json.nodes[0].count ==
	    (sent.nodes[0].kind == JSON_ARRAY ? sent.nodes[0].count : 1));
	for (uint32_t e = 1; e < doc.json.n; e = doc.json.nodes[e].next) {
		assert(doc.json.nodes[e].kind == JSON_OBJECT);
		assert(json_member(&doc.json, e, STR("@context")) == 0);
		check_entity(&doc, e, &names, a);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct str in, scope;
	struct buf b;
	enum hub_err err;

	if (vocab == NULL) {
		vocab = vocab_new();
		vocab_seal(vocab);
	}
	if (size < 2)
		goto out;
	in = (struct str){ (const char *)data + 1, size - 1 };
	scope = (data[0] & 1) != 0 ? STR(SCOPE) : STR_NONE;
	buf_init(&b, (data[0] & 2) != 0 ? 100 : 1 << 24);
	err = v2_answer(in, &as_sent, scope, &b);
	assert(err == HUB_OK || err == HUB_ESYNTAX || err == HUB_EFULL);
	assert(err != HUB_OK || (!b.failed && b.len <= b.max));
	if (err == HUB_OK) {
		assert(b.len <= GROWS * in.len + 2);
		check_answer(in, buf_str(&b), a);
	}
	buf_clear(&b);
out:
	arena_free(a);
	return (0);
}
