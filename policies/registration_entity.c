/* policies/registration_entity.c - a registration or a dataset as an entity,
 * so that csf can ask it; registration.h says what it promises. */
#include "policies/registration.h"

#define TEXT_MAX ((size_t)1 << 20)

static const struct json_limits limits = { 40, 4096, 100000 };

/* Does the value say itself what it is: an attribute, as entities have? */
static bool
is_attribute(const struct json *j, uint32_t node)
{
	return (j->nodes[node].kind == JSON_OBJECT &&
	    json_member(j, node, STR("type")) != 0 &&
	    (json_member(j, node, STR("value")) != 0 ||
		json_member(j, node, STR("object")) != 0));
}

/* Members of an entity, not attributes of it. */
static bool
is_system(const struct json *j, uint32_t key)
{
	static const struct str words[] = { { "id", 2 }, { "type", 4 },
		{ "scope", 5 }, { "createdAt", 9 }, { "modifiedAt", 10 },
		{ "expiresAt", 9 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (json_is(j, key, words[i]))
			return (true);
	return (false);
}

static void
wrap_members(const struct json *j, struct buf *b)
{
	const struct json_node *n = j->nodes;

	for (uint32_t k = 1; k < n[0].next; k = n[k + 1].next) {
		buf_adds(b, k == 1 ? STR("{") : STR(","));
		buf_adds(b, json_span(j, k));
		buf_addc(b, ':');
		if (is_system(j, k) || is_attribute(j, k + 1)) {
			buf_adds(b, json_span(j, k + 1));
			continue;
		}
		BUF_LIT(b, "{\"type\":\"Property\",\"value\":");
		buf_adds(b, json_span(j, k + 1));
		buf_addc(b, '}');
	}
	buf_addc(b, '}');
}

/* The text stays in the arena, where the entity points into it. */
static enum hub_err
read_entity(struct str text, struct names *names, struct arena *a,
    struct entity *e)
{
	struct document *doc = arena_alloc(a, sizeof(*doc));
	enum hub_err err = json_parse(&doc->json, text, &limits, a);

	doc->context = vocab_core(names->vocab);
	if (err == HUB_OK)
		err = entity_read(doc, 0, names, a, e);
	for (unsigned i = 0; err == HUB_OK && i < e->ninstances; i++)
		e->instances[i].release = &release_all;
	return (err);
}

static enum hub_err
wrap(const struct buf *plain, struct names *names, struct arena *a,
    struct entity *e)
{
	struct json j;
	struct buf b;
	enum hub_err err = HUB_EFULL;

	buf_init(&b, TEXT_MAX);
	if (!plain->failed)
		err = json_parse(&j, buf_str(plain), &limits, a);
	if (err == HUB_OK) {
		wrap_members(&j, &b);
		err = b.failed ? HUB_EFULL :
		    read_entity(arena_str(a, buf_str(&b)), names, a, e);
	}
	buf_clear(&b);
	return (err);
}

enum hub_err
registration_entity(const struct registration *reg,
    const struct registration_state *state, struct names *names,
    struct arena *a, struct entity *e)
{
	const struct registration_out out = { .context =
						  vocab_core(names->vocab),
		.arena = a,
		.sys_attrs = true,
		.state = state };
	struct buf b;
	enum hub_err err;

	buf_init(&b, TEXT_MAX);
	registration_write(reg, &out, &b);
	err = wrap(&b, names, a, e);
	buf_clear(&b);
	return (err);
}

static void
add_text(struct buf *b, const char *key, struct str value)
{
	if (value.len == 0)
		return;
	buf_addf(b, ",\"%s\":", key);
	buf_add_json(b, value);
}

enum hub_err
registration_entity_of(const struct region_dataset *ds, struct names *names,
    struct arena *a, struct entity *e)
{
	struct buf b;
	enum hub_err err;

	buf_init(&b, TEXT_MAX);
	BUF_LIT(&b, "{\"id\":\"urn:ngsi-ld:ContextSourceRegistration:x\","
		    "\"type\":\"ContextSourceRegistration\"");
	add_text(&b, "title", ds->title);
	add_text(&b, "owner", ds->source->owner->name);
	add_text(&b, "licence", ds->licence);
	add_text(&b, "attribution", ds->attribution);
	buf_addc(&b, '}');
	err = wrap(&b, names, a, e);
	buf_clear(&b);
	return (err);
}
