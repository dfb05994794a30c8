/* policies/region_source.c - where data is: sources and their datasets. */
#include "policies/region_priv.h"

static void build_source(const struct sec *, struct region_source *);
static void build_dataset(const struct sec *, struct region_dataset *);

static const struct word source_kinds[] = { { "ngsi-ld", SOURCE_NGSI_LD },
	{ "ngsi-v2", SOURCE_NGSI_V2 }, { NULL, 0 } };

static const struct word source_dialects[] = { { "generic", DIALECT_GENERIC },
	{ "stellio", DIALECT_STELLIO }, { "orion-ld", DIALECT_ORION_LD },
	{ "scorpio", DIALECT_SCORPIO }, { NULL, 0 } };

/* Entities a page: when the region does not say, and at most. */
static const struct {
	unsigned dflt, max;
} dialect_pages[] = {
	[DIALECT_GENERIC] = { 100, 1000 },
	[DIALECT_STELLIO] = { 100, 100 },
	[DIALECT_ORION_LD] = { 1000, 1000 },
	[DIALECT_SCORPIO] = { 1000, 1000 },
};
#define V2_PAGE 1000 /* Orion's own limit */

static const struct field source_fields[] = {
	{ "kind", F_WORD, false, offsetof(struct region_source, kind), 0, 0,
	    SOURCE_NGSI_LD, source_kinds },
	{ "dialect", F_WORD, false, offsetof(struct region_source, dialect), 0,
	    0, DIALECT_GENERIC, source_dialects },
	{ "timeout", F_MS, false, offsetof(struct region_source, timeout_ms),
	    50, 60000, 2000, NULL },
	{ "in-flight", F_UINT, false,
	    offsetof(struct region_source, in_flight), 1, 1024, 32, NULL },
	{ "page", F_UINT, false, offsetof(struct region_source, page), 1, 1000,
	    0, NULL },
	{ "push-down", F_BOOL, false,
	    offsetof(struct region_source, push_down), 0, 0, 1, NULL },
	{ "ca", F_TEXT, false, offsetof(struct region_source, ca), 0, 0, 0,
	    NULL },
	{ "bearer-file", F_TEXT, false,
	    offsetof(struct region_source, bearer_file), 0, 0, 0, NULL },
	{ "client-certificate", F_TEXT, false,
	    offsetof(struct region_source, client_certificate), 0, 0, 0, NULL },
	{ "client-key", F_TEXT, false,
	    offsetof(struct region_source, client_key), 0, 0, 0, NULL },
	FIELDS_END
};
static const struct field oauth_fields[] = {
	{ "token-url", F_TEXT, true,
	    offsetof(struct region_source, oauth_token_url), 0, 0, 0, NULL },
	{ "client-id", F_TEXT, true,
	    offsetof(struct region_source, oauth_client_id), 0, 0, 0, NULL },
	{ "secret-file", F_TEXT, true,
	    offsetof(struct region_source, oauth_secret_file), 0, 0, 0, NULL },
	{ "scope", F_TEXT, false, offsetof(struct region_source, oauth_scope),
	    0, 0, 0, NULL },
	FIELDS_END
};

struct source_extra {
	bool plain;
};
static const struct field source_extra_fields[] = {
	{ "plain", F_BOOL, false, offsetof(struct source_extra, plain), 0, 0, 0,
	    NULL },
	FIELDS_END
};

void
build_sources(struct build *b)
{
	unsigned i, n = b->nblocks[BLOCK_SOURCE];

	b->sources = arena_array(b->arena, (size_t)n + b->nrows + 1,
	    sizeof(*b->sources));
	for (i = 0; i < n; i++) {
		b->sources[i].index = i;
		build_source(&b->blocks[BLOCK_SOURCE][i], &b->sources[i]);
	}
	b->region->sources = b->sources;
	b->region->nsources = n;
}

/* The base that requests are built on, whichever spelling was written:
 * "", "/", "/ngsi-ld", "/ngsi-ld/v1" behind any prefix; for v2 "", "/v2". */
struct str
source_base(struct arena *a, enum region_kind kind, struct str path)
{
	struct str tail = kind == SOURCE_NGSI_LD ? STR("/ngsi-ld/v1")
						 : STR("/v2");

	while (str_suffix(path, STR("/")))
		path.len--;
	if (str_suffix(path, tail))
		path.len -= tail.len;
	else if (kind == SOURCE_NGSI_LD && str_suffix(path, STR("/ngsi-ld")))
		path.len -= strlen("/ngsi-ld");
	return (str_of(arena_printf(a, "%.*s%.*s", STR_FMT(path),
	    STR_FMT(tail))));
}

static void
source_endpoint(const struct sec *s, struct region_source *src)
{
	struct source_extra extra = { false };
	struct str text = sec_need(s, "endpoint");
	struct url url;

	fields_read(s, source_extra_fields, &extra);
	if (text.p == NULL || !url_read(s, "endpoint", text, &url))
		return;
	if (!url.https && !url.loopback && !extra.plain)
		sec_error(s, "endpoint",
		    "http to another machine can be read on the way: use "
		    "https, or say plain = true");
	src->https = url.https;
	src->host = sec_keep(s, url.host);
	src->port = url.port;
	src->base = source_base(s->b->arena, src->kind, url.path);
}

/* "5/5s": opens after 5 failures in a row, tries again after 5 s. */
static void
source_breaker(const struct sec *s, struct region_source *src)
{
	struct str rest = sec_text(s, "breaker"), count;
	uint64_t n = 5;
	int64_t us = 5000000;

	if (rest.p != NULL &&
	    (!str_cut(&rest, '/', &count) || rest.p == NULL ||
		str_uint(count, 1000, &n) != HUB_OK || n == 0 ||
		duration_parse(rest, &us) != HUB_OK || us < 100000 ||
		us > INT64_C(600000000)))
		sec_error(s, "breaker",
		    "bad value of breaker; allowed: FAILURES/PAUSE such as "
		    "\"5/5s\", 1 to 1000 failures, 100ms to 10min");
	src->breaker_failures = (unsigned)n;
	src->breaker_ms = (int)(us / 1000);
}

static void
source_context(const struct sec *s, struct region_source *src)
{
	const struct vocab *vocab = s->b->region->vocab;
	struct str url = sec_text(s, "context");

	src->context = vocab_core(vocab);
	if (url.p == NULL)
		return;
	src->context_url = sec_keep(s, url);
	src->context = vocab_context(vocab, url);
	if (src->context != NULL)
		return;
	src->context = vocab_core(vocab); /* names are still checked */
	if (build_find(s, "context", url, BLOCK_CONTEXT) >= 0)
		sec_error(s, "context", "the context was not accepted");
}

/* One way to authenticate, with all its parts. */
static void
source_credentials(const struct sec *s, struct region_source *src)
{
	struct url url;

	if (sec_nblocks(s, "oauth") > 0) {
		struct sec oauth = sec_block(s, "oauth", 0);

		fields_read(&oauth, oauth_fields, src);
		if (src->oauth_token_url.len > 0 &&
		    url_read(&oauth, "token-url", src->oauth_token_url, &url) &&
		    !url.https && !url.loopback)
			sec_error(&oauth, "token-url",
			    "tokens are fetched by https; http is for "
			    "loopback");
		if (src->bearer_file.len > 0)
			sec_error(s, "bearer-file",
			    "either oauth or bearer-file, not both");
	}
	if ((src->client_certificate.len > 0) != (src->client_key.len > 0))
		sec_error(s, "client-certificate",
		    "client-certificate and client-key go together");
}

static void
source_page(const struct sec *s, struct region_source *src)
{
	unsigned max = dialect_pages[src->dialect].max;

	if (src->kind == SOURCE_NGSI_V2 && src->dialect != DIALECT_GENERIC)
		sec_error(s, "dialect", "dialect is for kind = ngsi-ld");
	if (src->page == 0)
		src->page = src->kind == SOURCE_NGSI_V2 ?
		    V2_PAGE : dialect_pages[src->dialect].dflt;
	if (src->page <= max)
		return;
	sec_warn(s, "page", "such a source gives at most %u entities a page",
	    max);
	src->page = max;
}

static void
build_source(const struct sec *s, struct region_source *src)
{
	int owner = sec_ref(s, "owner", BLOCK_TENANT);

	src->name = sec_slug(s);
	if (owner >= 0)
		src->owner = &s->b->tenants[owner];
	fields_read(s, source_fields, src);
	source_page(s, src);
	source_endpoint(s, src);
	source_breaker(s, src);
	source_context(s, src);
	source_credentials(s, src);
}

/* ---- datasets */

/* ETSI GS CIM 009, 4.20. Operations that this hub never asks of a source
 * (discovery, subscriptions, maps, writes) are known and give no bit. */
#define OPS_READ (OP_QUERY | OP_RETRIEVE)
const struct word operation_words[] = {
	{ "federationOps", OPS_READ | OP_QUERY_BATCH },
	{ "associationOps", OPS_READ | OP_QUERY_BATCH },
	{ "redirectionOps", OPS_READ | OP_QUERY_BATCH },
	{ "retrieveOps", OPS_READ }, { "retrieveEntity", OP_RETRIEVE },
	{ "queryEntity", OP_QUERY }, { "queryBatch", OP_QUERY_BATCH },
	{ "queryTemporal", OP_QUERY_TEMPORAL },
	{ "retrieveTemporal", OP_RETRIEVE_TEMPORAL },
	{ "retrieveEntityTypes", 0 }, { "retrieveEntityTypeDetails", 0 },
	{ "retrieveEntityTypeInfo", 0 }, { "retrieveAttrTypes", 0 },
	{ "retrieveAttrTypeDetails", 0 }, { "retrieveAttrTypeInfo", 0 },
	{ "createSubscription", 0 }, { "updateSubscription", 0 },
	{ "retrieveSubscription", 0 }, { "querySubscription", 0 },
	{ "deleteSubscription", 0 }, { "createEntityMap", 0 },
	{ "retrieveEntityMap", 0 }, { "updateEntityMap", 0 },
	{ "deleteEntityMap", 0 }, { "retrieveSourceIdentity", 0 }, { NULL, 0 }
};
const struct word mode_words[] = { { "inclusive", MODE_INCLUSIVE },
	{ "auxiliary", MODE_AUXILIARY }, { "redirect", MODE_REDIRECT },
	{ "exclusive", MODE_EXCLUSIVE }, { NULL, 0 } };
/* The value says whether the licence asks for an attribution. */
static const struct word licence_words[] = { { "dl-de-by-2-0", 1 },
	{ "dl-de-zero-2-0", 0 }, { "cc-by-4-0", 1 }, { "cc-by-sa-4-0", 1 },
	{ "cc-zero-1-0", 0 }, { "odbl-1-0", 1 }, { "internal", 0 },
	{ NULL, 0 } };
static const struct word personal_words[] = { { "none", 0 },
	{ "indirect", 1 }, { "direct", 2 }, { NULL, 0 } };
static const struct word publish_words[] = { { "hidden", 0 },
	{ "listed", 1 }, { "open", 2 }, { NULL, 0 } };

static const struct field dataset_fields[] = {
	{ "upstream-tenant", F_TEXT, false,
	    offsetof(struct region_dataset, upstream_tenant), 0, 0, 0, NULL },
	{ "service-path", F_TEXT, false,
	    offsetof(struct region_dataset, service_path), 0, 0, 0, NULL },
	{ "title", F_TEXT, false, offsetof(struct region_dataset, title), 0, 0,
	    0, NULL },
	{ "licence", F_TEXT, false, offsetof(struct region_dataset, licence), 0,
	    0, 0, NULL },
	{ "attribution", F_TEXT, false,
	    offsetof(struct region_dataset, attribution), 0, 0, 0, NULL },
	{ "mode", F_WORD, false, offsetof(struct region_dataset, mode), 0, 0,
	    MODE_INCLUSIVE, mode_words },
	{ "priority", F_INT64, false,
	    offsetof(struct region_dataset, priority), 0, 1000000, 100, NULL },
	{ "local-only", F_BOOL, false,
	    offsetof(struct region_dataset, local_only), 0, 0, 0, NULL },
	{ "cache", F_US, false, offsetof(struct region_dataset, cache_us), 0,
	    CACHE_US_MAX, 0, NULL },
	FIELDS_END
};

struct dataset_extra {
	unsigned personal, publish;
	struct str dpia;
};
static const struct field dataset_extra_fields[] = {
	{ "personal-data", F_WORD, false,
	    offsetof(struct dataset_extra, personal), 0, 0, 0, personal_words },
	{ "publish", F_WORD, false, offsetof(struct dataset_extra, publish), 0,
	    0, 0, publish_words },
	{ "dpia", F_TEXT, false, offsetof(struct dataset_extra, dpia), 0, 0, 0,
	    NULL },
	FIELDS_END
};

void
build_datasets(struct build *b)
{
	unsigned i, n = b->nblocks[BLOCK_DATASET];

	b->datasets = arena_array(b->arena, (size_t)n + b->nrows + 1,
	    sizeof(*b->datasets));
	for (i = 0; i < n; i++) {
		b->datasets[i].index = i;
		build_dataset(&b->blocks[BLOCK_DATASET][i], &b->datasets[i]);
	}
	b->region->datasets = b->datasets;
	b->region->ndatasets = n;
}

const struct name *
sec_name(const struct sec *s, const char *key, const struct region_source *src,
    struct str term)
{
	struct vocab *vocab = s->b->region->vocab;
	const struct name *name = NULL;

	if (term.len > 0 && term.len <= REGION_TEXT_MAX &&
	    strcspn(term.p, " \t\n\r\"'\\{}<>") >= term.len)
		name = context_expand_build(src->context, vocab, term);
	if (name == NULL)
		sec_error(s, key, "'%.*s' is no type or attribute name",
		    STR_FMT(nearest_to(term).wrong));
	return (name);
}

const struct name *
sec_term(const struct sec *s, const char *key, const struct region_source *src,
    struct str term)
{
	const struct name *name = sec_name(s, key, src, term);

	if (name != NULL &&
	    src->context != vocab_core(s->b->region->vocab) &&
	    str_prefix(name->iri, STR(NGSILD_DEFAULT)))
		sec_warn(s, key,
		    "'%.*s' is not a term of %.*s: it means <%.*s>",
		    STR_FMT(nearest_to(term).wrong),
		    STR_FMT(nearest_to(src->context_url).wrong),
		    STR_FMT(name->iri));
	return (name);
}

static void
dataset_ids(const struct sec *s, struct region_dataset *ds)
{
	unsigned i, n = sec_nitems(s, "ids");
	struct str *ids = arena_array(s->b->arena, n + 1, sizeof(*ids));

	for (i = 0; i < n; i++) {
		ids[i] = sec_keep(s, sec_item(s, "ids", i));
		if (ids[i].len > REGION_TEXT_MAX ||
		    memchr(ids[i].p, ':', ids[i].len) == NULL ||
		    strcspn(ids[i].p, " \t\n\"\\<>") < ids[i].len)
			sec_error(s, "ids",
			    "bad value \"%.*s\" of ids; allowed: a URI in "
			    "which * stands for anything, with its scheme",
			    STR_FMT(nearest_to(ids[i]).wrong));
	}
	if (n == 0)
		sec_error(s, "ids", "dataset needs ids: the entity ids it may "
				    "hold, such as {\"urn:ngsi-ld:X:*\"}");
	ds->ids = ids;
	ds->nids = n;
}

static void
dataset_type(const struct sec *s, const struct region_dataset *ds,
    struct region_type *type)
{
	unsigned i, k, n = sec_nitems(s, "attributes");
	const struct name **names = arena_array(s->b->arena, n + 1,
	    sizeof(*names));

	type->type = sec_term(s, NULL, ds->source, sec_title(s));
	for (i = 0; i < n; i++) {
		names[i] = sec_term(s, "attributes", ds->source,
		    sec_item(s, "attributes", i));
		for (k = 0; k < i && names[i] != NULL; k++)
			if (names[k] == names[i])
				sec_error(s, "attributes",
				    "'%s' is there twice",
				    sec_item(s, "attributes", i).p);
	}
	if (n == 0 && sec_has(s, "attributes"))
		sec_error(s, "attributes",
		    "an empty list registers nothing; without the key any "
		    "attribute may be there");
	type->attributes = names;
	type->nattributes = n;
}

static void
dataset_types(const struct sec *s, struct region_dataset *ds)
{
	unsigned i, k, n = sec_nblocks(s, "type");
	struct region_type *types;

	if (n == 0 || n > REGION_ITEMS_MAX) {
		sec_error(s, NULL, "dataset %.*s needs 1 to %d type blocks",
		    STR_FMT(sec_title(s)), REGION_ITEMS_MAX);
		return;
	}
	types = arena_array(s->b->arena, n, sizeof(*types));
	for (i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "type", i);

		dataset_type(&sub, ds, &types[i]);
		for (k = 0; k < i && types[i].type != NULL; k++)
			if (types[k].type == types[i].type)
				sec_error(&sub, NULL,
				    "type %.*s is there twice",
				    STR_FMT(sec_title(&sub)));
	}
	ds->types = types;
	ds->ntypes = n;
}

/* Words with consequences: what a licence or a class of data demands. */
static void
dataset_duties(const struct sec *s, struct region_dataset *ds)
{
	struct dataset_extra extra = { 0, 0, STR_NONE };
	unsigned attributed = 0;

	fields_read(s, dataset_extra_fields, &extra);
	ds->personal_data = extra.personal;
	ds->publish = extra.publish;
	ds->dpia = extra.dpia;
	if (extra.personal != 0 && extra.dpia.len == 0)
		sec_error(s, "personal-data",
		    "personal data needs dpia = \"...\": where the impact "
		    "assessment (DSGVO Art. 35) is found");
	if (ds->licence.len > 0 &&
	    word_read(s, "licence", ds->licence, licence_words, &attributed) &&
	    attributed != 0 && ds->attribution.len == 0) {
		if (ds->source->owner != NULL)
			ds->attribution = ds->source->owner->title;
		sec_warn(s, "licence",
		    "the licence asks for an attribution: the owner's name is "
		    "taken");
	}
}

/* An exclusive registration is of single entities and named attributes
 * (GS CIM 009, 4.3.6.3). */
static void
dataset_exclusive(const struct sec *s, const struct region_dataset *ds)
{
	unsigned i;

	for (i = 0; i < ds->nids; i++)
		if (memchr(ds->ids[i].p, '*', ds->ids[i].len) != NULL)
			sec_error(s, "ids",
			    "mode exclusive is for single entities: \"%.*s\" "
			    "is a pattern",
			    STR_FMT(nearest_to(ds->ids[i]).wrong));
	for (i = 0; i < ds->ntypes; i++)
		if (ds->types[i].nattributes == 0) {
			struct sec sub = sec_block(s, "type", i);

			sec_error(&sub, NULL,
			    "mode exclusive needs the attributes of type "
			    "%.*s", STR_FMT(sec_title(&sub)));
		}
}

static void
build_dataset(const struct sec *s, struct region_dataset *ds)
{
	int src = sec_ref(s, "source", BLOCK_SOURCE);

	ds->name = sec_slug(s);
	if (src < 0)
		return; /* without it no name has a meaning */
	ds->source = &s->b->sources[src];
	fields_read(s, dataset_fields, ds);
	if (strcspn(ds->upstream_tenant.len > 0 ? ds->upstream_tenant.p : "",
		" \t,;\"") < ds->upstream_tenant.len)
		sec_error(s, "upstream-tenant",
		    "a tenant's name has no blanks, quotes, \",\" or \";\"");
	dataset_ids(s, ds);
	dataset_types(s, ds);
	ds->operations = sec_has(s, "operations")
	    ? sec_flags(s, "operations", operation_words)
	    : OPS_READ | OP_QUERY_BATCH;
	if (ds->operations == 0)
		sec_warn(s, "operations",
		    "no operation here reads entities: it is never asked");
	dataset_v2(s, ds);
	if (ds->mode == MODE_EXCLUSIVE)
		dataset_exclusive(s, ds);
	dataset_duties(s, ds);
}
