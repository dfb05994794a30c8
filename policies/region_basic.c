/* policies/region_basic.c - the blocks that refer to little: tenants, purposes,
 * areas, and the tests inside region files. */
#include "policies/region_priv.h"

static void *
blocks_array(struct build *b, enum block kind, size_t size, unsigned *n_r)
{
	*n_r = b->nblocks[kind];
	return (arena_array(b->arena, (size_t)b->nblocks[kind] + 1, size));
}

static const struct word tenant_kinds[] = {
	{ "municipality", TENANT_MUNICIPALITY },
	{ "district", TENANT_DISTRICT }, { "city", TENANT_CITY },
	{ "utility", TENANT_UTILITY },
	{ "research", TENANT_RESEARCH }, { "service", TENANT_SERVICE },
	{ NULL, 0 }
};
/* A closed tenant's name stays known to the ledger; it may do nothing. */
static const struct word tenant_status[] = { { "active", 0 },
	{ "suspended", 1 }, { "closed", 1 }, { NULL, 0 } };
static const struct word failed_words[] = { { "warning", 0 }, { "error", 1 },
	{ NULL, 0 } };

struct tenant_extra {
	unsigned suspended, failed_error;
};

static const struct field tenant_fields[] = {
	{ "name", F_TEXT, true, offsetof(struct tenant, title), 0, 0, 0, NULL },
	{ "ags", F_AGS, false, offsetof(struct tenant, ags), 0, 0, 0, NULL },
	{ "kind", F_WORD, true, offsetof(struct tenant, kind), 0, 0,
	    TENANT_MUNICIPALITY, tenant_kinds },
	{ "crisis-authority", F_BOOL, false,
	    offsetof(struct tenant, crisis_authority), 0, 0, 0, NULL },
	FIELDS_END
};
static const struct field tenant_extra_fields[] = {
	{ "status", F_WORD, false, offsetof(struct tenant_extra, suspended), 0,
	    0, 0, tenant_status },
	{ "failed-sources", F_WORD, false,
	    offsetof(struct tenant_extra, failed_error), 0, 0, 0,
	    failed_words },
	FIELDS_END
};

struct population {
	unsigned inhabitants;
	struct str source;
};
static const struct field population_fields[] = {
	{ "inhabitants", F_UINT, true, offsetof(struct population, inhabitants),
	    0, 100000000, 0, NULL },
	{ "source", F_TEXT, false, offsetof(struct population, source), 0, 0, 0,
	    NULL },
	FIELDS_END
};

static void
population_read(const struct sec *s)
{
	struct population p = { 0 };
	struct wall_us day;

	if (wall_parse_date(sec_title(s), &day) != HUB_OK)
		sec_error(s, NULL,
		    "bad day \"%.*s\" of population; allowed: a day of the "
		    "calendar such as 2018-12-31",
		    STR_FMT(nearest_to(sec_title(s)).wrong));
	fields_read(s, population_fields, &p);
}

/* Hosts that a tenant could reach by pretending to be the hub itself. */
static bool
is_loopback(struct str host)
{
	static const char *const names[] = { "127.0.0.1", "localhost",
		"[::1]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_prefix(host, str_of(names[i])) &&
		    (host.len == strlen(names[i]) ||
			host.p[strlen(names[i])] == ':'))
			return (true);
	return (false);
}

/* "https:" and "*.schwerte.example", perhaps with a port: the host may hold
 * "*". Without TLS only on this machine, as for sources. */
static bool
may_register_ok(struct str url)
{
	struct str host = str_prefix(url, STR("https://")) ? str_from(url, 8) :
	    str_prefix(url, STR("http://"))		   ? str_from(url, 7) :
							     STR_NONE;
	size_t end = str_chr(host, ']');
	size_t colon = end < host.len ? end + 1 : str_chr(host, ':');
	uint64_t port;

	if (host.len == 0 || url.len > REGION_TEXT_MAX ||
	    strcspn(host.p, " \t\n/?#@%\\") < host.len)
		return (false);
	if (colon < host.len &&
	    (host.p[colon] != ':' ||
		str_uint(str_from(host, colon + 1), 65535, &port) != HUB_OK))
		return (false);
	if (is_loopback(host))
		return (true);
	host.len = colon;
	return (str_prefix(url, STR("https://")) && host.len >= 4 &&
	    memchr(host.p, '.', host.len) != NULL &&
	    !str_eq(host, STR("*.*")));
}

static void
may_register_read(const struct sec *s, struct tenant *t)
{
	unsigned i, n = sec_nitems(s, "may-register");
	struct str *v = arena_array(s->b->arena, n + 1, sizeof(*v));

	for (i = 0; i < n; i++) {
		struct str url = sec_item(s, "may-register", i);

		if (!may_register_ok(url))
			sec_error(s, "may-register",
			    "bad value \"%.*s\" of may-register; allowed: "
			    "https://HOST, where * stands for a part of HOST",
			    STR_FMT(nearest_to(url).wrong));
		v[i] = sec_keep(s, url);
	}
	t->may_register = v;
	t->nmay_register = n;
}

/* As browsers write it: scheme, host, perhaps a port, in lower case. */
static bool
origin_ok(struct str url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.p[i] == '*' || (url.p[i] >= 'A' && url.p[i] <= 'Z'))
			return (false);
	return (may_register_ok(url));
}

static void
origins_read(const struct sec *s, struct tenant *t)
{
	unsigned n = sec_nitems(s, "origins");
	struct str *v = arena_array(s->b->arena, n + 1, sizeof(*v));

	for (unsigned i = 0; i < n; i++) {
		struct str url = sec_item(s, "origins", i);

		if (!origin_ok(url))
			sec_error(s, "origins",
			    "bad value \"%.*s\" of origins; allowed: "
			    "https://HOST or https://HOST:PORT in lower case",
			    STR_FMT(nearest_to(url).wrong));
		v[i] = sec_keep(s, url);
	}
	t->origins = v;
	t->norigins = n;
}

void
build_tenants(struct build *b)
{
	unsigned i, k;

	b->tenants = blocks_array(b, BLOCK_TENANT, sizeof(*b->tenants),
	    &b->region->tenants.ntenants);
	b->region->tenants.tenants = b->tenants;
	for (i = 0; i < b->nblocks[BLOCK_TENANT]; i++) {
		const struct sec *s = &b->blocks[BLOCK_TENANT][i];
		struct tenant *t = &b->tenants[i];
		struct tenant_extra extra = { 0, 0 };

		t->index = i;
		t->name = sec_slug(s);
		fields_read(s, tenant_fields, t);
		fields_read(s, tenant_extra_fields, &extra);
		t->suspended = extra.suspended != 0;
		t->failed_sources_error = extra.failed_error != 0;
		may_register_read(s, t);
		origins_read(s, t);
		for (k = 0; k < sec_nblocks(s, "population"); k++) {
			struct sec sub = sec_block(s, "population", k);

			population_read(&sub);
		}
	}
}

static const struct field purpose_fields[] = {
	{ "title", F_TEXT, true, offsetof(struct region_purpose, title), 0, 0,
	    0, NULL },
	{ "legal-basis", F_TEXT, false,
	    offsetof(struct region_purpose, legal_basis), 0, 0, 0, NULL },
	FIELDS_END
};

void
build_purposes(struct build *b)
{
	unsigned i;

	b->purposes = blocks_array(b, BLOCK_PURPOSE, sizeof(*b->purposes),
	    &b->region->npurposes);
	b->region->purposes = b->purposes;
	for (i = 0; i < b->nblocks[BLOCK_PURPOSE]; i++) {
		const struct sec *s = &b->blocks[BLOCK_PURPOSE][i];

		b->purposes[i].index = i;
		b->purposes[i].name = sec_slug(s);
		fields_read(s, purpose_fields, &b->purposes[i]);
	}
}

static const struct field area_fields[] = {
	{ "ags", F_AGS, false, offsetof(struct region_area, ags), 0, 0, 0,
	    NULL },
	FIELDS_END
};

/* The geometry of a GeoJSON document: itself, a Feature's, or that of a
 * FeatureCollection with one feature. 0 is the root; UINT32_MAX: none. */
static uint32_t
geojson_geometry(const struct json *j)
{
	uint32_t at = 0, type, list;

	type = json_member(j, 0, STR("type"));
	if (type == 0 || j->nodes[type].kind != JSON_STRING)
		return (UINT32_MAX);
	if (json_is(j, type, STR("FeatureCollection"))) {
		list = json_member(j, 0, STR("features"));
		if (list == 0 || j->nodes[list].kind != JSON_ARRAY ||
		    j->nodes[list].count != 1)
			return (UINT32_MAX);
		at = list + 1;
		if (j->nodes[at].kind != JSON_OBJECT)
			return (UINT32_MAX);
		type = json_member(j, at, STR("type"));
		if (type == 0 || j->nodes[type].kind != JSON_STRING)
			return (UINT32_MAX);
	}
	if (!json_is(j, type, STR("Feature")))
		return (at == 0 ? 0 : UINT32_MAX);
	at = json_member(j, at, STR("geometry"));
	return (at != 0 && j->nodes[at].kind == JSON_OBJECT ? at : UINT32_MAX);
}

static void
area_geometry(const struct sec *s, struct region_area *area)
{
	const struct region_file *file = sec_file(s, "geojson-file");
	struct json_limits limits = { 32, 1024, 1000000 };
	struct json j;
	uint32_t at;

	if (file == NULL)
		return;
	if (file->bytes.len > REGION_FILE_MAX ||
	    json_parse(&j, file->bytes, &limits, s->b->scratch) != HUB_OK ||
	    j.nodes[0].kind != JSON_OBJECT) {
		sec_error(s, "geojson-file", "%.*s is not a JSON object",
		    STR_FMT(file->path));
		return;
	}
	at = geojson_geometry(&j);
	if (at == UINT32_MAX ||
	    geometry_parse(&j, at, REGION_VERTICES_MAX, s->b->arena,
		&area->geometry) != HUB_OK ||
	    (area->geometry.kind != GEOMETRY_POLYGON &&
		area->geometry.kind != GEOMETRY_MULTI_POLYGON))
		sec_error(s, "geojson-file",
		    "%.*s holds no Polygon or MultiPolygon with closed rings "
		    "and coordinates in range (itself, a Feature, or a "
		    "FeatureCollection of one)",
		    STR_FMT(file->path));
}

void
build_areas(struct build *b)
{
	unsigned i;

	b->areas = blocks_array(b, BLOCK_AREA, sizeof(*b->areas),
	    &b->region->nareas);
	b->region->areas = b->areas;
	for (i = 0; i < b->nblocks[BLOCK_AREA]; i++) {
		const struct sec *s = &b->blocks[BLOCK_AREA][i];

		b->areas[i].name = sec_slug(s);
		fields_read(s, area_fields, &b->areas[i]);
		area_geometry(s, &b->areas[i]);
	}
}

/* ---- tests inside region files */

static const struct field test_fields[] = {
	{ "at", F_INSTANT, true, offsetof(struct region_test, at), 0, 0, 0,
	    NULL },
	{ "entity", F_LONG, true, offsetof(struct region_test, entity), 0, 0, 0,
	    NULL },
	{ "request", F_TEXT, false, offsetof(struct region_test, request), 0, 0,
	    0, NULL },
	{ "expect", F_LONG, false, offsetof(struct region_test, expect), 0, 0,
	    0, NULL },
	FIELDS_END
};

/* false: absent or no JSON of objects. */
static bool
test_json(const struct sec *s, const char *key, struct str text,
    struct json *j)
{
	struct json_limits limits = { 32, 1024, 100000 };
	uint32_t e;
	bool ok;

	if (text.len == 0)
		return (false);
	ok = json_parse(j, text, &limits, s->b->scratch) == HUB_OK &&
	    (j->nodes[0].kind == JSON_OBJECT ||
		j->nodes[0].kind == JSON_ARRAY);
	if (ok && j->nodes[0].kind == JSON_ARRAY)
		for (e = 1; e < j->nodes[0].next; e = j->nodes[e].next)
			ok = ok && j->nodes[e].kind == JSON_OBJECT;
	if (!ok)
		sec_error(s, key,
		    "%s is no JSON entity or array of entities", key);
	return (ok);
}

/* The names of a test mean what the entity's own @context makes of them, else
 * the region's context when there is but one, else the core. */
static const struct context *
test_context(const struct sec *s, const struct json *j)
{
	const struct build *b = s->b;
	const struct context *context = NULL;
	uint32_t at = 0;

	if (j != NULL && j->nodes[0].kind == JSON_OBJECT)
		at = json_member(j, 0, STR("@context"));
	if (at != 0 && j->nodes[at].kind == JSON_STRING) {
		context = vocab_context(b->region->vocab,
		    json_text(j, at, b->scratch));
		if (context == NULL)
			sec_error(s, "entity",
			    "its @context is not one of the region's");
	} else if (b->nblocks[BLOCK_CONTEXT] == 1)
		context = vocab_context(b->region->vocab,
		    b->blocks[BLOCK_CONTEXT][0].node->title);
	return (context != NULL ? context : vocab_core(b->region->vocab));
}

static void
test_absent(const struct sec *s, struct region_test *t)
{
	unsigned i, n = sec_nitems(s, "absent");
	const struct name **names = arena_array(s->b->arena, n + 1,
	    sizeof(*names));

	for (i = 0; i < n; i++) {
		struct str term = sec_item(s, "absent", i);

		names[i] = context_expand_build(t->context, s->b->region->vocab,
		    term);
		if (names[i] == NULL)
			sec_error(s, "absent", "'%.*s' is no attribute name",
			    STR_FMT(nearest_to(term).wrong));
	}
	t->absent = names;
	t->nabsent = n;
}

static void
build_test(const struct sec *s, struct region_test *t)
{
	struct build *b = s->b;
	struct json j, expect;
	int i;

	t->title = sec_keep(s, sec_title(s));
	t->file = sec_keep(s, s->doc->path);
	t->line = s->node->line;
	fields_read(s, test_fields, t);
	if ((i = sec_ref(s, "as", BLOCK_TENANT)) >= 0)
		t->as = &b->tenants[i];
	if (sec_has(s, "purpose") &&
	    (i = sec_ref(s, "purpose", BLOCK_PURPOSE)) >= 0)
		t->purpose = &b->purposes[i];
	t->context = test_context(s,
	    test_json(s, "entity", t->entity, &j) ? &j : NULL);
	(void)test_json(s, "expect", t->expect, &expect);
	test_absent(s, t);
	if (t->expect.len == 0 && t->nabsent == 0)
		sec_error(s, NULL, "test %.*s expects nothing: it needs "
				   "expect or absent",
		    STR_FMT(t->title));
}

void
build_tests(struct build *b)
{
	struct region_test *tests;
	unsigned i;

	tests = blocks_array(b, BLOCK_TEST, sizeof(*tests),
	    &b->region->ntests);
	b->region->tests = tests;
	for (i = 0; i < b->nblocks[BLOCK_TEST]; i++)
		build_test(&b->blocks[BLOCK_TEST][i], &tests[i]);
}
