/* server/ngsild/entity_write.c - entities as clients get them: spans of the
 * brokers' own bytes under the client's names; see entity.h. */
#include "server/ngsild/entity_priv.h"

static void
write_name(const struct name *name, const struct entity_out *o, struct buf *b)
{
	context_write(o->context, name, o->names->arena, b);
}

/* One vocabulary value: written in the source's terms, wanted in the
 * client's. */
static void
write_vocab_one(const struct document *doc, uint32_t node,
    const struct entity_out *o, struct buf *b)
{
	const struct name *name = NULL;

	if (doc->json.nodes[node].kind == JSON_STRING)
		name = context_expand(doc->context, o->names,
		    json_text(&doc->json, node, o->names->arena));
	if (name != NULL)
		write_name(name, o, b);
	else
		buf_adds(b, json_span(&doc->json, node));
}

static void
write_vocab(const struct document *doc, uint32_t node,
    const struct entity_out *o, struct buf *b)
{
	const struct json *j = &doc->json;

	if (j->nodes[node].kind != JSON_ARRAY) {
		write_vocab_one(doc, node, o, b);
		return;
	}
	buf_addc(b, '[');
	for (uint32_t e = node + 1; e < j->nodes[node].next;
	     e = j->nodes[e].next) {
		if (e != node + 1)
			buf_addc(b, ',');
		write_vocab_one(doc, e, o, b);
	}
	buf_addc(b, ']');
}

static void
write_value(const struct document *doc, uint32_t value, enum attr_kind kind,
    const struct entity_out *o, struct buf *b)
{
	if (kind == ATTR_VOCAB && doc->context != o->context)
		write_vocab(doc, value, o, b);
	else
		buf_adds(b, json_span(&doc->json, value));
}

void
entity_write_value(const struct document *doc, uint32_t value,
    enum attr_kind kind, const struct entity_out *o, struct buf *b)
{
	write_value(doc, value, kind, o, b);
}

/* What a member of an attribute's object is, if it has a meaning of its own
 * in the core context. */
enum member_rule {
	MEMBER_SUB = 0, /* none: a sub-attribute */
	MEMBER_SKIP,	/* written otherwise, or never leaves */
	MEMBER_BARE,	/* its text travels with the attribute */
	MEMBER_DATASET, /* so does the name of the instance */
	MEMBER_CREATED,
	MEMBER_MODIFIED,
	MEMBER_EXPIRES, /* MEMBER_OWN, unless its entity expires earlier */
	MEMBER_OWN /* only in the owner's own data */
};

static enum member_rule
member_rule(struct str key)
{
	static const struct {
		struct str key;
		enum member_rule rule;
	} table[] = {
		/* those that most attributes have come first */
		{ { "type", 4 }, MEMBER_SKIP },
		{ { "observedAt", 10 }, MEMBER_BARE },
		{ { "unitCode", 8 }, MEMBER_BARE },
		{ { "modifiedAt", 10 }, MEMBER_MODIFIED },
		{ { "createdAt", 9 }, MEMBER_CREATED },
		{ { "datasetId", 9 }, MEMBER_DATASET },
		{ { "@type", 5 }, MEMBER_SKIP },
		{ { "value", 5 }, MEMBER_SKIP },
		{ { "object", 6 }, MEMBER_SKIP },
		{ { "languageMap", 11 }, MEMBER_SKIP },
		{ { "json", 4 }, MEMBER_SKIP },
		{ { "vocab", 5 }, MEMBER_SKIP },
		{ { "valueList", 9 }, MEMBER_SKIP },
		{ { "objectList", 10 }, MEMBER_SKIP },
		{ { "@context", 8 }, MEMBER_SKIP },
		{ { "@id", 3 }, MEMBER_SKIP },
		{ { "id", 2 }, MEMBER_SKIP },
		{ { "entity", 6 }, MEMBER_SKIP }, /* inlined: never */
		{ { "entityList", 10 }, MEMBER_SKIP },
		{ { "expiresAt", 9 }, MEMBER_EXPIRES },
		{ { "deletedAt", 9 }, MEMBER_OWN },
		{ { "instanceId", 10 }, MEMBER_OWN },
		{ { "objectType", 10 }, MEMBER_OWN },
		{ { "valueType", 9 }, MEMBER_OWN },
		{ { "previousValue", 13 }, MEMBER_OWN },
		{ { "previousObject", 14 }, MEMBER_OWN },
		{ { "previousLanguageMap", 19 }, MEMBER_OWN },
		{ { "previousJson", 12 }, MEMBER_OWN },
		{ { "previousVocab", 13 }, MEMBER_OWN },
		{ { "previousValueList", 17 }, MEMBER_OWN },
		{ { "previousObjectList", 18 }, MEMBER_OWN },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_eq(key, table[i].key))
			return (table[i].rule);
	return (MEMBER_SUB);
}

bool
entity_is_sub(struct str key, const struct release *r)
{
	enum member_rule rule = member_rule(key);

	return (rule == MEMBER_SUB || (rule == MEMBER_OWN && r->own));
}

static void write_instance(const struct instance *, const struct entity_out *,
    struct buf *);

/* A sub-attribute of what is released by r: an attribute again, one level
 * down. */
static void
write_sub(const struct document *doc, uint32_t node, const struct release *r,
    bool many, const struct entity_out *o, struct buf *b)
{
	struct instance in = { .doc = doc,
		.node = node,
		.release = release_below(r) };
	const struct json *j = &doc->json;

	if (j->nodes[node].kind == JSON_ARRAY) {
		buf_addc(b, '[');
		for (uint32_t e = node + 1; e < j->nodes[node].next;
		     e = j->nodes[e].next) {
			if (e != node + 1)
				buf_addc(b, ',');
			write_sub(doc, e, r, true, o, b);
		}
		buf_addc(b, ']');
		return;
	}
	if (j->nodes[node].kind == JSON_OBJECT) {
		instance_classify(&in, o->names->arena);
		if (in.kind != ATTR_NONE && entity_plain(o)) {
			write_instance(&in, o, b);
			return;
		}
		if (in.kind != ATTR_NONE) {
			entity_write_form(&in, many, o, b);
			return;
		}
	}
	buf_adds(b, json_span(j, node));
}

/* The place that "lang" has beside a value in one language is ours. */
static bool
is_language_of(const struct instance *in, struct str key,
    const struct entity_out *o)
{
	return (o->lang.p != NULL && in->kind == ATTR_LANGUAGE &&
	    str_eq(key, STR("lang")));
}

/* Is the time at which it expires not its own but its entity's? */
static bool
expires_with_entity(const struct instance *in)
{
	return (in->expires_at != 0 &&
	    (in->expires_at < in->node ||
		in->expires_at >= in->doc->json.nodes[in->node].next));
}

static void
write_member(const struct instance *in, uint32_t key,
    const struct entity_out *o, struct buf *b)
{
	const struct json *j = &in->doc->json;
	struct str text = json_text(j, key, o->names->arena);
	const struct release *r = in->release;
	const struct name *name;
	uint32_t value = key + 1;
	bool shown = false;

	switch (member_rule(text)) {
	case MEMBER_SKIP:
		break;
	case MEMBER_BARE:
		/* An object here could carry anything: its text leaves. */
		value = member_text(j, value);
		shown = value != 0;
		break;
	case MEMBER_DATASET:
		shown = in->dataset_id.p != NULL;
		break;
	case MEMBER_CREATED:
		shown = o->sys_attrs && r->created_at;
		break;
	case MEMBER_MODIFIED:
		shown = o->sys_attrs && r->modified_at;
		break;
	case MEMBER_EXPIRES:
		shown = r->own && !expires_with_entity(in);
		break;
	case MEMBER_OWN:
		shown = r->own;
		break;
	case MEMBER_SUB:
		name = context_expand(in->doc->context, o->names, text);
		if (name == NULL || !release_has(r, name) ||
		    is_language_of(in, text, o) ||
		    !entity_sub_sound(in->doc, value, o->names->arena))
			break;
		buf_addc(b, ',');
		write_name(name, o, b);
		buf_addc(b, ':');
		write_sub(in->doc, key + 1, r, false, o, b);
		break;
	}
	if (!shown)
		return;
	buf_addc(b, ',');
	buf_adds(b, json_span(j, key));
	buf_addc(b, ':');
	buf_adds(b, json_span(j, value));
}

static inline void
write_members(const struct instance *in, const struct entity_out *o,
    struct buf *b)
{
	const struct json *j = &in->doc->json;

	for (uint32_t k = in->node + 1; k < j->nodes[in->node].next;
	     k = j->nodes[k + 1].next)
		if (k + 1 != in->value)
			write_member(in, k, o, b);
	if (in->release->own && expires_with_entity(in)) {
		BUF_LIT(b, ",\"expiresAt\":");
		buf_adds(b, json_span(j, in->expires_at));
	}
}

void
entity_write_members(const struct instance *in, const struct entity_out *o,
    struct buf *b)
{
	write_members(in, o, b);
}

static void
write_instance(const struct instance *in, const struct entity_out *o,
    struct buf *b)
{
	if (in->whole && in->expires_at == 0) {
		buf_adds(b, json_span(&in->doc->json, in->node));
		return;
	}
	BUF_LIT(b, "{\"type\":\"");
	buf_adds(b, attr_kind_type(in->kind));
	BUF_LIT(b, "\",\"");
	buf_adds(b, attr_kind_member(in->kind));
	BUF_LIT(b, "\":");
	write_value(in->doc, in->value, in->kind, o, b);
	write_members(in, o, b);
	buf_addc(b, '}');
}

/* The instances of one attribute, first..end. */
static void
write_attr(const struct instance *first, const struct instance *end,
    bool plain, const struct entity_out *o, struct buf *b)
{
	bool many = end - first > 1;

	buf_addc(b, ',');
	write_name(first->name, o, b);
	buf_addc(b, ':');
	if (!plain) {
		entity_write_forms(first, end, o, b);
		return;
	}
	if (many)
		buf_addc(b, '[');
	for (const struct instance *in = first; in < end; in++) {
		if (in != first)
			buf_addc(b, ',');
		write_instance(in, o, b);
	}
	if (many)
		buf_addc(b, ']');
}

static void
write_types(const struct entity *e, const struct entity_out *o, struct buf *b)
{
	BUF_LIT(b, ",\"type\":");
	if (e->ntypes > 1)
		buf_addc(b, '[');
	for (unsigned i = 0; i < e->ntypes; i++) {
		if (i > 0)
			buf_addc(b, ',');
		write_name(e->types[i], o, b);
	}
	if (e->ntypes > 1)
		buf_addc(b, ']');
}

static void
write_system(const char *key, struct member m, struct buf *b)
{
	if (m.node == 0)
		return;
	buf_addc(b, ',');
	buf_add_json(b, str_of(key));
	buf_addc(b, ':');
	buf_adds(b, json_span(&m.doc->json, m.node));
}

void
entity_write(const struct entity *e, const struct entity_out *o, struct buf *b)
{
	const struct instance *in = e->instances,
			      *end = in + e->ninstances, *next;
	bool plain = entity_plain(o);
	size_t start = b->len;

	if (!o->hide_id) {
		/* a URI has nothing to escape */
		BUF_LIT(b, ",\"id\":\"");
		buf_adds(b, e->id);
		buf_addc(b, '"');
	}
	if (!o->hide_type)
		write_types(e, o, b);
	write_system("scope", e->scope, b);
	if (o->sys_attrs) {
		write_system("createdAt", e->created_at, b);
		write_system("modifiedAt", e->modified_at, b);
		write_system("expiresAt", e->expires_at, b);
	}
	for (; in < end; in = next) {
		for (next = in + 1; next < end && next->name == in->name;)
			next++;
		if (entity_wanted(o, in->name))
			write_attr(in, next, plain, o, b);
	}
	if (o->ld) {
		BUF_LIT(b, ",\"@context\":");
		buf_add_json(b, context_url(o->context));
	}
	/* Each member came with a comma; the first one makes the brace. */
	if (b->len > start)
		b->p[start] = '{';
	else
		buf_addc(b, '{');
	buf_addc(b, '}');
}
