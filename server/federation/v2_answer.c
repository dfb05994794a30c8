/* server/federation/v2_answer.c - NGSI-v2 entities as NGSI-LD; see
 * v2_answer.h. */
#include "server/federation/v2_answer.h"

#include "server/base/clock.h"
#include "server/federation/v2_geo.h"
#include "server/federation/v2_id.h"

#define TIME_MAX 40 /* characters; longer fractions are no time */

struct answer {
	struct json j;
	struct arena *arena;   /* of the whole */
	struct arena *scratch; /* of one value */
	struct str scope;
	struct str observed; /* of the entity under way; empty: not known */
	struct buf *out;
};

static bool write_value(struct answer *, struct str name, uint32_t attr);

static bool
is_in(struct str s, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(s, list[i]))
			return (true);
	return (false);
}

/* The "value" of an attribute or metadata; 0: none, or null. */
static uint32_t
value_of(const struct json *j, uint32_t attr)
{
	uint32_t value = json_member(j, attr, STR("value"));

	return (value != 0 && j->nodes[value].kind != JSON_NULL ? value : 0);
}

static struct str
text_at(const struct answer *v, uint32_t node)
{
	if (node == 0 || v->j.nodes[node].kind != JSON_STRING)
		return (STR_NONE);
	return (json_text(&v->j, node, v->arena));
}

/* ---- times */

/* A time as NGSI-LD writes it: UTC. p NULL: it is none. */
static struct str
time_text(const struct answer *v, uint32_t node)
{
	struct str s = text_at(v, node);
	struct wall_us at;
	char text[WALL_STR_MAX];

	if (s.p == NULL || s.len > TIME_MAX || wall_parse(s, &at) != HUB_OK)
		return (STR_NONE);
	if (str_suffix(s, STR("Z")) && s.p[10] == 'T' &&
	    str_chr(s, ',') == s.len)
		return (s);
	wall_format(at, text);
	return (arena_str(v->arena, str_of(text)));
}

static bool
write_time(const struct answer *v, const char *member, uint32_t attr)
{
	struct str text = time_text(v, value_of(&v->j, attr));

	if (text.len == 0)
		return (false);
	buf_addf(v->out, ",\"%s\":\"%.*s\"", member, STR_FMT(text));
	return (true);
}

/* ---- values */

/* What a value must look like to be what its type says. */
enum form {
	AS_ANY,
	AS_OBJECT,
	AS_ARRAY,
	AS_WORDS, /* a string or strings */
	AS_URIS,  /* a URI or URIs */
	AS_URI_LIST,
	AS_DATETIME,
	AS_DATE,
	AS_TIME,
	AS_GEO
};

/* By the attribute's type, whatever its case; else it is a Property. */
static const struct rule {
	struct str type; /* of v2 */
	const char *kind, *member;
	enum form form;
	enum v2_geo geo;
} rules[] = {
#define RULE(type, kind, member, form)                                        \
	{ { type, sizeof(type) - 1 }, kind, member, form, V2_GEO_JSON }
#define GEO(type, geo)                                                        \
	{ { type, sizeof(type) - 1 }, "GeoProperty", "value", AS_GEO, geo }
	RULE("DateTime", "Property", "value", AS_DATETIME),
	RULE("ISO8601", "Property", "value", AS_DATETIME),
	RULE("Date", "Property", "value", AS_DATE),
	RULE("Time", "Property", "value", AS_TIME),
	GEO("geo:json", V2_GEO_JSON),
	GEO("geo:point", V2_GEO_POINT),
	GEO("geo:line", V2_GEO_LINE),
	GEO("geo:polygon", V2_GEO_POLYGON),
	GEO("geo:box", V2_GEO_BOX),
	GEO("GeoProperty", V2_GEO_JSON),
	GEO("Point", V2_GEO_JSON),
	GEO("MultiPoint", V2_GEO_JSON),
	GEO("LineString", V2_GEO_JSON),
	GEO("MultiLineString", V2_GEO_JSON),
	GEO("Polygon", V2_GEO_JSON),
	GEO("MultiPolygon", V2_GEO_JSON),
	RULE("Relationship", "Relationship", "object", AS_URIS),
	RULE("LanguageProperty", "LanguageProperty", "languageMap",
	    AS_OBJECT),
	RULE("JsonProperty", "JsonProperty", "json", AS_ANY),
	RULE("VocabProperty", "VocabProperty", "vocab", AS_WORDS),
	RULE("ListProperty", "ListProperty", "valueList", AS_ARRAY),
	RULE("ListRelationship", "ListRelationship", "objectList",
	    AS_URI_LIST),
#undef RULE
#undef GEO
};
static const struct rule plain_rule = { { "", 0 }, "Property", "value",
	AS_ANY, V2_GEO_JSON };
static const struct rule ref_rule = { { "", 0 }, "Relationship", "object",
	AS_URIS, V2_GEO_JSON };

/* refDevice, not reference. */
static bool
is_ref(struct str name)
{
	return (name.len > 3 && str_prefix(name, STR("ref")) &&
	    name.p[3] >= 'A' && name.p[3] <= 'Z');
}

static const struct rule *
find_rule(struct str name, struct str type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (str_caseeq(type, rules[i].type))
			return (&rules[i]);
	return (is_ref(name) ? &ref_rule : &plain_rule);
}

static bool
is_word(const struct answer *v, uint32_t node, bool uri)
{
	return (v->j.nodes[node].kind == JSON_STRING &&
	    (!uri || v2_id_is_uri(json_text(&v->j, node, v->arena))));
}

static bool
are_words(const struct answer *v, uint32_t node, bool uri)
{
	const struct json_node *n = v->j.nodes;

	if (n[node].kind != JSON_ARRAY)
		return (is_word(v, node, uri));
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next)
		if (!is_word(v, e, uri))
			return (false);
	return (n[node].count > 0);
}

static bool
has_form(const struct answer *v, uint32_t value, enum form form)
{
	enum json_kind kind = (enum json_kind)v->j.nodes[value].kind;
	struct wall_us day;

	switch (form) {
	case AS_OBJECT:
		return (kind == JSON_OBJECT);
	case AS_ARRAY:
		return (kind == JSON_ARRAY);
	case AS_WORDS:
		return (are_words(v, value, false));
	case AS_URI_LIST:
		return (kind == JSON_ARRAY && are_words(v, value, true));
	case AS_URIS:
		return (are_words(v, value, true));
	case AS_DATETIME:
		return (time_text(v, value).len > 0);
	case AS_DATE:
		return (wall_parse_date(text_at(v, value), &day) == HUB_OK);
	case AS_TIME:
		return (kind == JSON_STRING);
	case AS_ANY:
	case AS_GEO:
	default:
		return (true);
	}
}

/* Of a value that has the form of the rule. */
static bool
write_formed(struct answer *v, const struct rule *r, uint32_t value)
{
	struct str span = json_span(&v->j, value);
	struct buf *b = v->out;

	switch (r->form) {
	case AS_GEO:
		arena_reset(v->scratch);
		return (v2_geo_write(&v->j, value, r->geo, v->scratch, b));
	case AS_DATETIME:
		BUF_LIT(b, "{\"@type\":\"DateTime\",\"@value\":");
		buf_add_json(b, time_text(v, value));
		buf_addc(b, '}');
		return (true);
	case AS_DATE:
	case AS_TIME:
		buf_addf(b, "{\"@type\":\"%s\",\"@value\":",
		    r->form == AS_DATE ? "Date" : "Time");
		buf_adds(b, span);
		buf_addc(b, '}');
		return (true);
	default:
		buf_adds(b, span);
		return (true);
	}
}

/* Type and value; false and nothing written: there is no usable value. */
static bool
write_value(struct answer *v, struct str name, uint32_t attr)
{
	uint32_t value = value_of(&v->j, attr);
	size_t before = v->out->len;
	const struct rule *r;

	if (value == 0)
		return (false);
	r = find_rule(name,
	    text_at(v, json_member(&v->j, attr, STR("type"))));
	if (!has_form(v, value, r->form))
		r = &plain_rule;
	buf_addf(v->out, "\"type\":\"%s\",\"%s\":", r->kind, r->member);
	if (write_formed(v, r, value))
		return (true);
	v->out->len = before;
	return (false);
}

/* ---- metadata */

enum member { OBSERVED_AT, UNIT_CODE, CREATED_AT, MODIFIED_AT, MEMBERS };
static const char *const member_names[MEMBERS] = { "observedAt", "unitCode",
	"createdAt", "modifiedAt" };

/* Metadata that become members; the first usable of a member counts. */
static const struct {
	struct str name;
	enum member member;
} meta_rules[] = {
	{ { "TimeInstant", 11 }, OBSERVED_AT },
	{ { "timestamp", 9 }, OBSERVED_AT },
	{ { "observedAt", 10 }, OBSERVED_AT },
	{ { "unitCode", 8 }, UNIT_CODE },
	{ { "unit", 4 }, UNIT_CODE },
	{ { "dateCreated", 11 }, CREATED_AT },
	{ { "dateModified", 12 }, MODIFIED_AT },
};
#define NMETA (sizeof(meta_rules) / sizeof(meta_rules[0]))

/* Never shown as sub-attributes: members of attributes, and times. */
static const struct str reserved_subs[] = { { "type", 4 }, { "value", 5 },
	{ "object", 6 }, { "objectType", 10 }, { "objectList", 10 },
	{ "languageMap", 11 }, { "lang", 4 }, { "json", 4 }, { "vocab", 5 },
	{ "valueList", 9 }, { "valueType", 9 }, { "observedAt", 10 },
	{ "unitCode", 8 }, { "datasetId", 9 }, { "instanceId", 10 },
	{ "createdAt", 9 }, { "modifiedAt", 10 }, { "expiresAt", 9 },
	{ "deletedAt", 9 }, { "entity", 6 }, { "entityList", 10 },
	{ "previousValue", 13 }, { "previousObject", 14 },
	{ "previousLanguageMap", 19 }, { "previousJson", 12 },
	{ "previousVocab", 13 }, { "previousValueList", 17 },
	{ "previousObjectList", 18 }, { "id", 2 }, { "scope", 5 },
	{ "TimeInstant", 11 }, { "timestamp", 9 }, { "dateCreated", 11 },
	{ "dateModified", 12 } };

static bool
write_unit(const struct answer *v, uint32_t meta)
{
	uint32_t value = value_of(&v->j, meta);

	if (value == 0 || v->j.nodes[value].kind != JSON_STRING ||
	    json_raw(&v->j, value).len == 0)
		return (false);
	BUF_LIT(v->out, ",\"unitCode\":");
	buf_adds(v->out, json_span(&v->j, value));
	return (true);
}

static bool
write_member(const struct answer *v, enum member member, uint32_t meta)
{
	if (meta == 0)
		return (false);
	return (member == UNIT_CODE ? write_unit(v, meta) :
		write_time(v, member_names[member], meta));
}

/* used_r: the metadata taken, by row. */
static void
write_members(const struct answer *v, uint32_t metadata, bool used_r[NMETA])
{
	bool there[MEMBERS] = { false };

	for (size_t i = 0; i < NMETA; i++) {
		enum member m = meta_rules[i].member;

		used_r[i] = !there[m] && metadata != 0 &&
		    write_member(v, m,
			json_member(&v->j, metadata, meta_rules[i].name));
		there[m] |= used_r[i];
	}
	if (!there[OBSERVED_AT] && v->observed.len > 0) {
		BUF_LIT(v->out, ",\"observedAt\":");
		buf_add_json(v->out, v->observed);
	}
}

static bool
is_sub(struct str name, const bool used[NMETA])
{
	for (size_t i = 0; i < NMETA; i++)
		if (used[i] && str_eq(name, meta_rules[i].name))
			return (false);
	return (name.len > 0 && name.p[0] != '@' &&
	    !is_in(name, reserved_subs,
		sizeof(reserved_subs) / sizeof(reserved_subs[0])));
}

static void
write_subs(struct answer *v, uint32_t metadata, const bool used[NMETA])
{
	const struct json *j = &v->j;
	size_t before;

	for (uint32_t k = metadata + 1; k < j->nodes[metadata].next;
	     k = j->nodes[k + 1].next) {
		struct str name = json_text(j, k, v->arena);

		if (!is_sub(name, used))
			continue;
		before = v->out->len;
		buf_addc(v->out, ',');
		buf_adds(v->out, json_span(j, k));
		BUF_LIT(v->out, ":{");
		if (write_value(v, name, k + 1))
			buf_addc(v->out, '}');
		else
			v->out->len = before;
	}
}

/* ---- entities */

/* Attributes that are of the entity itself. */
static const struct {
	struct str attr;
	const char *member;
} system_attrs[] = {
	{ { "dateCreated", 11 }, "createdAt" },
	{ { "dateModified", 12 }, "modifiedAt" },
	{ { "dateExpires", 11 }, "expiresAt" },
};

/* What is no attribute, or would be no attribute any more. */
static const struct str reserved_attrs[] = { { "id", 2 }, { "type", 4 },
	{ "scope", 5 }, { "createdAt", 9 }, { "modifiedAt", 10 },
	{ "expiresAt", 9 }, { "deletedAt", 9 }, { "TimeInstant", 11 },
	{ "dateCreated", 11 }, { "dateModified", 12 }, { "dateExpires", 11 } };

static void
write_attr(struct answer *v, uint32_t key, struct str name)
{
	uint32_t attr = key + 1;
	uint32_t metadata = json_member(&v->j, attr, STR("metadata"));
	bool used[NMETA];

	buf_addc(v->out, ',');
	buf_adds(v->out, json_span(&v->j, key));
	BUF_LIT(v->out, ":{");
	if (metadata != 0 && v->j.nodes[metadata].kind != JSON_OBJECT)
		metadata = 0;
	if (write_value(v, name, attr)) {
		write_members(v, metadata, used);
		if (metadata != 0)
			write_subs(v, metadata, used);
	}
	buf_addc(v->out, '}');
}

static void
write_system(struct answer *v, uint32_t node)
{
	uint32_t attr;

	if (v->scope.len > 0) {
		BUF_LIT(v->out, ",\"scope\":");
		buf_add_json(v->out, v->scope);
	}
	for (size_t i = 0; i < sizeof(system_attrs) / sizeof(system_attrs[0]);
	     i++) {
		attr = json_member(&v->j, node, system_attrs[i].attr);
		if (attr != 0)
			(void)write_time(v, system_attrs[i].member, attr);
	}
	attr = json_member(&v->j, node, STR("TimeInstant"));
	v->observed = attr != 0 ? time_text(v, value_of(&v->j, attr)) :
				  STR_NONE;
}

static enum hub_err
write_entity(struct answer *v, uint32_t node)
{
	const struct json *j = &v->j;
	uint32_t id = json_member(j, node, STR("id"));
	uint32_t type = json_member(j, node, STR("type"));

	if (id == 0 || type == 0 || j->nodes[id].kind != JSON_STRING ||
	    j->nodes[type].kind != JSON_STRING)
		return (HUB_ESYNTAX);
	BUF_LIT(v->out, "{\"id\":\"");
	v2_id_write(text_at(v, id), text_at(v, type), v->out);
	BUF_LIT(v->out, "\",\"type\":");
	buf_adds(v->out, json_span(j, type));
	write_system(v, node);
	for (uint32_t k = node + 1; k < j->nodes[node].next;
	     k = j->nodes[k + 1].next) {
		struct str name = json_text(j, k, v->arena);

		if (name.len > 0 && name.p[0] != '@' &&
		    !is_in(name, reserved_attrs,
			sizeof(reserved_attrs) / sizeof(reserved_attrs[0])))
			write_attr(v, k, name);
	}
	buf_addc(v->out, '}');
	return (HUB_OK);
}

static enum hub_err
write_entities(struct answer *v)
{
	const struct json_node *n = v->j.nodes;
	bool many = n[0].kind == JSON_ARRAY;
	enum hub_err err = HUB_OK;

	buf_addc(v->out, '[');
	for (uint32_t e = many ? 1 : 0; err == HUB_OK && e < v->j.n;
	     e = n[e].next) {
		if (e > 1)
			buf_addc(v->out, ',');
		err = write_entity(v, e);
	}
	buf_addc(v->out, ']');
	return (err);
}

enum hub_err
v2_answer(struct str body, const struct json_limits *limits, struct str scope,
    struct buf *out)
{
	struct answer v = { .arena = arena_new(), .scratch = arena_new(),
		.scope = scope, .out = out };
	enum hub_err err;

	err = json_parse(&v.j, body, limits, v.arena);
	if (err == HUB_OK)
		err = write_entities(&v);
	if (err == HUB_OK && out->failed)
		err = HUB_EFULL;
	arena_free(v.scratch);
	arena_free(v.arena);
	return (err);
}
