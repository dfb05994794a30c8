/* policies/registration_member.c - the members of a registration that the
 * standard has, one row each; registration_priv.h says what they promise. */
#include "policies/region_priv.h"
#include "policies/registration_priv.h"

#define VERTICES_MAX 1000

static bool
is_duration(struct str s)
{
	struct duration d;

	return (iso_duration_parse(s, &d) == HUB_OK);
}

static bool
read_id(struct reader *r, uint32_t node, struct registration *reg)
{
	bool good = reader_uri(r, node, &reg->id);

	for (size_t i = 0; good && i < reg->id.len; i++)
		good = (unsigned char)reg->id.p[i] < 0x80; /* RFC 3986 */
	return (good || reader_bad(r, "id is no URI"));
}

static bool
read_type(struct reader *r, uint32_t node, struct registration *reg)
{
	(void)reg;
	return ((kind_of(r, node) == JSON_STRING &&
		    json_is(r->j, node, STR("ContextSourceRegistration"))) ||
	    reader_bad(r, "type is ContextSourceRegistration"));
}

static bool
read_title(struct reader *r, uint32_t node, struct registration *reg)
{
	return (reader_text(r, node, &reg->title) ||
	    reader_bad(r, "registrationName is text of at most 1024 bytes"));
}

static bool
read_description(struct reader *r, uint32_t node, struct registration *reg)
{
	return (reader_text(r, node, &reg->description) ||
	    reader_bad(r, "description is text of at most 1024 bytes"));
}

/* It goes into a header field. */
static bool
read_tenant(struct reader *r, uint32_t node, struct registration *reg)
{
	if (!reader_text(r, node, &reg->tenant) || reg->tenant.len > 255)
		return (reader_bad(r, "tenant is text of at most 255 bytes"));
	for (size_t i = 0; i < reg->tenant.len; i++)
		if (reg->tenant.p[i] <= 0x20 || reg->tenant.p[i] >= 0x7f ||
		    strchr(",;\"", reg->tenant.p[i]) != NULL)
			return (reader_bad(r, "tenant has blanks, quotes, commas, "
				       "semicolons or letters beyond ASCII"));
	return (true);
}

static bool
read_endpoint(struct reader *r, uint32_t node, struct registration *reg)
{
	struct str text;
	struct url url;

	if (!reader_text(r, node, &text) || !url_parse(text, &url))
		return (reader_bad(r, "endpoint is an http or https URL: a host, a "
			       "port, a plain path; no user, query or "
			       "escapes"));
	reg->endpoint.text = text;
	reg->endpoint.https = url.https;
	reg->endpoint.host = url.host;
	reg->endpoint.port = url.port;
	reg->endpoint.base = source_base(r->how->arena, SOURCE_NGSI_LD,
	    url.path);
	return (true);
}

static const struct word *
word_find(const struct word *words, struct str text)
{
	for (; words->name != NULL; words++)
		if (str_eq(str_of(words->name), text))
			return (words);
	return (NULL);
}

static bool
read_mode(struct reader *r, uint32_t node, struct registration *reg)
{
	const struct word *w = NULL;
	struct str text;

	if (reader_text(r, node, &text))
		w = word_find(mode_words, text);
	if (w == NULL)
		return (reader_bad(r, "mode is inclusive, exclusive, redirect or "
			       "auxiliary"));
	reg->mode.given = true;
	reg->mode.value = (enum region_mode)w->value;
	return (true);
}

/* 4.20: what writes. The hub does not write, and a source may be able to. */
static const struct word write_words[] = { { "updateOps", 0 },
	{ "createEntity", 0 }, { "updateEntity", 0 }, { "appendAttrs", 0 },
	{ "updateAttrs", 0 }, { "deleteAttrs", 0 }, { "deleteEntity", 0 },
	{ "createBatch", 0 }, { "upsertBatch", 0 }, { "updateBatch", 0 },
	{ "deleteBatch", 0 }, { "mergeEntity", 0 }, { "replaceEntity", 0 },
	{ "replaceAttrs", 0 }, { "mergeBatch", 0 }, { "purgeEntity", 0 },
	{ "upsertTemporal", 0 }, { "appendAttrsTemporal", 0 },
	{ "deleteAttrsTemporal", 0 }, { "updateAttrInstanceTemporal", 0 },
	{ "deleteAttrInstanceTemporal", 0 }, { "deleteTemporal", 0 },
	{ NULL, 0 } };

static bool
read_operations(struct reader *r, uint32_t node, struct registration *reg)
{
	struct registration_texts list;
	const struct word *w;
	unsigned bits = 0;

	if (!reader_texts(r, node, &list) || list.single)
		return (reader_bad(r, "operations is a list of names"));
	for (unsigned i = 0; i < list.n; i++) {
		w = word_find(operation_words, list.v[i]);
		if (w == NULL)
			w = word_find(write_words, list.v[i]);
		if (w == NULL)
			return (reader_bad(r, "operations has a name that is none of "
				       "the standard's"));
		bits |= w->value;
	}
	reg->operations.list = list;
	reg->operations.bits = bits;
	return (true);
}

static bool
read_expires(struct reader *r, uint32_t node, struct registration *reg)
{
	return ((reader_text(r, node, &reg->expires.text) &&
		    wall_parse(reg->expires.text, &reg->expires.at) ==
			HUB_OK) ||
	    reader_bad(r, "expiresAt is no DateTime"));
}

static bool
read_refresh_rate(struct reader *r, uint32_t node, struct registration *reg)
{
	return ((reader_text(r, node, &reg->refresh_rate) &&
		    is_duration(reg->refresh_rate)) ||
	    reader_bad(r, "refreshRate is a duration of ISO 8601"));
}

static bool
read_scopes(struct reader *r, uint32_t node, struct registration *reg)
{
	bool good = reader_texts(r, node, &reg->scopes);

	for (unsigned i = 0; good && i < reg->scopes.n; i++)
		good = strcspn(reg->scopes.v[i].p, " \"'<>\\^`{}+#*,;|()") >=
		    reg->scopes.v[i].len;
	return (good || reader_bad(r, "scope is a path such as /a/b, or a list of "
			       "them"));
}

static bool
read_datasets(struct reader *r, uint32_t node, struct registration *reg)
{
	bool good = reader_texts(r, node, &reg->datasets);

	for (unsigned i = 0; good && i < reg->datasets.n; i++)
		good = query_is_uri(reg->datasets.v[i]) ||
		    str_eq(reg->datasets.v[i], STR("@none"));
	return (good || reader_bad(r, "datasetId is a URI or \"@none\", or a list "
			       "of them"));
}

static bool
read_place(struct reader *r, uint32_t node, struct registration_place *p)
{
	p->raw = json_span(r->j, node);
	return ((kind_of(r, node) == JSON_OBJECT &&
		    geometry_parse(r->j, node, VERTICES_MAX, r->how->arena,
			&p->geometry) == HUB_OK) ||
	    reader_bad(r, "location, observationSpace and operationSpace are "
		   "geometries of GeoJSON of at most 1000 vertices"));
}

static bool
read_location(struct reader *r, uint32_t node, struct registration *reg)
{
	return (read_place(r, node, &reg->location));
}

static bool
read_observation_space(struct reader *r, uint32_t node,
    struct registration *reg)
{
	return (read_place(r, node, &reg->observation_space));
}

static bool
read_operation_space(struct reader *r, uint32_t node,
    struct registration *reg)
{
	return (read_place(r, node, &reg->operation_space));
}

static bool
interval_start(struct reader *r, uint32_t node, void *to)
{
	return (reader_text(r, node,
	    &((struct registration_interval *)to)->start));
}

static bool
interval_end(struct reader *r, uint32_t node, void *to)
{
	return (reader_text(r, node,
	    &((struct registration_interval *)to)->end));
}

/* 5.2.11 */
static bool
read_interval(struct reader *r, uint32_t node, struct registration_interval *v)
{
	static const struct reader_part parts[] = {
		{ { "startAt", 7 }, interval_start },
		{ { "endAt", 5 }, interval_end } };
	struct wall_us start, end;

	*v = (struct registration_interval){ STR_NONE, STR_NONE };
	return ((READER_PARTS(r, node, parts, v) && v->start.p != NULL &&
		    wall_parse(v->start, &start) == HUB_OK &&
		    (v->end.p == NULL ||
			(wall_parse(v->end, &end) == HUB_OK &&
			    start.us <= end.us))) ||
	    reader_bad(r, "observationInterval and managementInterval have startAt "
		   "and, if it ended, endAt after it"));
}

static bool
read_observed(struct reader *r, uint32_t node, struct registration *reg)
{
	return (read_interval(r, node, &reg->observed));
}

static bool
read_managed(struct reader *r, uint32_t node, struct registration *reg)
{
	return (read_interval(r, node, &reg->managed));
}

/* It is compared with what stands in Via (RFC 9110, 7.6.3). */
static bool
read_alias(struct reader *r, uint32_t node, struct registration *reg)
{
	return ((reader_text(r, node, &reg->alias) &&
		    strcspn(reg->alias.p, " ,;\"()") >= reg->alias.len) ||
	    reader_bad(r, "contextSourceAlias is a pseudonym as Via has it"));
}

static bool
pair_key(struct reader *r, uint32_t node, void *to)
{
	return (reader_text(r, node, &((struct registration_pair *)to)->key));
}

static bool
pair_value(struct reader *r, uint32_t node, void *to)
{
	return (reader_text(r, node, &((struct registration_pair *)to)->value));
}

/* RFC 9110, 5.6.2 and 5.5, and nothing that could end a field line. */
static bool
is_field(const struct registration_pair *p)
{
	for (size_t i = 0; i < p->key.len; i++)
		if (p->key.p[i] <= 0x20 || p->key.p[i] >= 0x7f ||
		    strchr("\"(),/:;<=>?@[\\]{}", p->key.p[i]) != NULL)
			return (false);
	for (size_t i = 0; i < p->value.len; i++)
		if (p->value.p[i] < 0x20 || p->value.p[i] >= 0x7f)
			return (false);
	return (p->key.len > 0 && p->value.len > 0);
}

static bool
read_source_info(struct reader *r, uint32_t node, struct registration *reg)
{
	static const struct reader_part parts[] = { { { "key", 3 }, pair_key },
		{ { "value", 5 }, pair_value } };
	const struct json_node *n = r->j->nodes;
	struct registration_pair *v;
	unsigned i = 0;

	if (n[node].kind != JSON_ARRAY || n[node].count == 0 ||
	    n[node].count > REGISTRATION_PAIRS_MAX)
		return (reader_bad(r, "contextSourceInfo is a list of 1 to 50 "
			       "objects"));
	v = arena_array(r->how->arena, n[node].count, sizeof(*v));
	for (uint32_t e = node + 1; e < n[node].next; e = n[e].next, i++) {
		if (!READER_PARTS(r, e, parts, &v[i]) || !is_field(&v[i]))
			return (reader_bad(r, "contextSourceInfo: each has a key, "
				       "the name of a header field, and a "
				       "value that fits into one"));
		for (unsigned k = 0; k < i; k++)
			if (str_caseeq(v[k].key, v[i].key))
				return (reader_bad(r, "contextSourceInfo: a key is "
					       "there twice"));
	}
	reg->source_info.v = v;
	reg->source_info.n = i;
	return (true);
}

static bool
management_local(struct reader *r, uint32_t node, void *to)
{
	return (reader_bool(r, node,
	    &((struct registration_management *)to)->local_only));
}

static bool
management_timeout(struct reader *r, uint32_t node, void *to)
{
	return (reader_ms(r, node,
	    &((struct registration_management *)to)->timeout_ms));
}

static bool
management_cooldown(struct reader *r, uint32_t node, void *to)
{
	return (reader_ms(r, node,
	    &((struct registration_management *)to)->cooldown_ms));
}

static bool
management_cache(struct reader *r, uint32_t node, void *to)
{
	struct registration_management *m = to;

	return (reader_text(r, node, &m->cache_duration) &&
	    is_duration(m->cache_duration));
}

static bool
read_management(struct reader *r, uint32_t node, struct registration *reg)
{
	static const struct reader_part parts[] = {
		{ { "localOnly", 9 }, management_local },
		{ { "timeout", 7 }, management_timeout },
		{ { "cooldown", 8 }, management_cooldown },
		{ { "cacheDuration", 13 }, management_cache },
	};

	reg->management = (struct registration_management){ .given = true };
	return (READER_PARTS(r, node, parts, &reg->management) ||
	    reader_bad(r, "management has localOnly (true or false), timeout and "
		   "cooldown (milliseconds) and cacheDuration (ISO 8601)"));
}

static bool
read_local_only(struct reader *r, uint32_t node, struct registration *reg)
{
	reg->local_only.given = true;
	return (reader_bool(r, node, &reg->local_only.value) ||
	    reader_bad(r, "localOnly is true or false"));
}

/* ---- the table */

#define FIELD(f)                                                              \
	offsetof(struct registration, f), sizeof(((struct registration *)0)->f), \
	    false
#define NEEDED 0, 0, false /* cannot be taken away */
#define OURS   NULL, 0, 0, true /* passed over */

static const struct reader_member members[] = {
	{ { "id", 2 }, read_id, NEEDED },
	{ { "type", 4 }, read_type, NEEDED },
	{ { "information", 11 }, read_information, NEEDED },
	{ { "endpoint", 8 }, read_endpoint, NEEDED },
	{ { "registrationName", 16 }, read_title, FIELD(title) },
	{ { "description", 11 }, read_description, FIELD(description) },
	{ { "tenant", 6 }, read_tenant, FIELD(tenant) },
	{ { "mode", 4 }, read_mode, FIELD(mode) },
	{ { "operations", 10 }, read_operations, FIELD(operations) },
	{ { "expiresAt", 9 }, read_expires, FIELD(expires) },
	{ { "refreshRate", 11 }, read_refresh_rate, FIELD(refresh_rate) },
	{ { "scope", 5 }, read_scopes, FIELD(scopes) },
	{ { "datasetId", 9 }, read_datasets, FIELD(datasets) },
	{ { "location", 8 }, read_location, FIELD(location) },
	{ { "observationSpace", 16 }, read_observation_space,
	    FIELD(observation_space) },
	{ { "operationSpace", 14 }, read_operation_space,
	    FIELD(operation_space) },
	{ { "observationInterval", 19 }, read_observed, FIELD(observed) },
	{ { "managementInterval", 18 }, read_managed, FIELD(managed) },
	{ { "contextSourceAlias", 18 }, read_alias, FIELD(alias) },
	{ { "contextSourceInfo", 17 }, read_source_info, FIELD(source_info) },
	{ { "management", 10 }, read_management, FIELD(management) },
	{ { "localOnly", 9 }, read_local_only, FIELD(local_only) },
	{ { "@context", 8 }, OURS },
	{ { "createdAt", 9 }, OURS },
	{ { "modifiedAt", 10 }, OURS },
	{ { "status", 6 }, OURS },
	{ { "timesSent", 9 }, OURS },
	{ { "timesFailed", 11 }, OURS },
	{ { "lastSuccess", 11 }, OURS },
	{ { "lastFailure", 11 }, OURS },
};

const struct reader_member *
reader_member_find(const struct json *j, uint32_t key)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_is(j, key, members[i].name))
			return (&members[i]);
	return (NULL);
}

bool
reader_is_member(struct str name)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (str_eq(name, members[i].name))
			return (true);
	return (false);
}
