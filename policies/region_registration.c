/* policies/region_registration.c - what tenants registered through the API
 * becomes sources and datasets of the region.
 *
 * Nothing in here is an error of the region: what a tenant registers must not
 * keep others from their data. A row that does not hold stays out of force,
 * and says why. */
#include "policies/registration.h"
#include "policies/region_priv.h"

#define TIMEOUT_MIN 50
#define TIMEOUT_MAX 60000

/* ---- a row */

/* names: those that the tenant's rows before this one have brought. */
static const char *
read_row(struct build *b, const struct registration_row *row, uint32_t names,
    struct region_registration *rr)
{
	static const struct json_limits limits = { 32, 1024, 20000 };
	struct vocab *vocab = b->region->vocab;
	struct registration_reader how = { .context = vocab_core(vocab),
		.vocab = vocab,
		.arena = b->arena };
	struct registration *reg;
	const char *why = NULL;
	struct str text;
	struct json j;

	rr->tenant = tenant_find(&b->region->tenants, row->tenant);
	if (rr->tenant == NULL)
		return ("its tenant is not in the region");
	if (names >= REGISTRATION_NEW_NAMES_MAX)
		return ("its tenant has registered too many names");
	reg = arena_alloc(b->arena, sizeof(*reg));
	text = arena_str(b->arena, row->document);
	if (json_parse(&j, text, &limits, b->arena) != HUB_OK)
		return ("its document is no JSON");
	if (registration_read(&j, &how, false, reg, &why) != HUB_OK)
		return (why);
	if (!str_eq(reg->id, row->id))
		return ("its document has another id");
	rr->registration = reg;
	rr->context_url = arena_str(b->arena, row->context);
	return (NULL);
}

/* Rows come in order of tenant and id. */
static const char *
judge(const struct build *b, const struct region_registration *rr)
{
	const struct registration *reg = rr->registration;
	const struct region *r = b->region;

	if (!tenant_may_register(rr->tenant, reg->endpoint.https,
		reg->endpoint.host, reg->endpoint.port))
		return ("the tenant's may-register does not have its "
			"endpoint");
	for (unsigned i = 0; i < r->ndatasets; i++) {
		const struct region_dataset *ds = &b->datasets[i];

		if (ds->source == NULL || ds->source->owner != rr->tenant)
			continue;
		if (ds->registration != NULL ?
			registration_conflict(reg, ds->registration) :
			registration_conflict_dataset(reg, ds))
			return ("another source of the tenant has one of its "
				"attributes exclusively");
	}
	return (NULL);
}

/* ---- a source */

static int
timeout_of(const struct registration *reg)
{
	int64_t ms = reg->management.timeout_ms;

	return (ms == 0		      ? 2000
		: ms < TIMEOUT_MIN    ? TIMEOUT_MIN
		: ms > TIMEOUT_MAX    ? TIMEOUT_MAX
				      : (int)ms);
}

/* A month is 30 days here: that much is not kept anyway. */
static int64_t
cache_of(const struct registration *reg)
{
	struct duration d = { 0, 0 };

	if (reg->management.cache_duration.p == NULL ||
	    iso_duration_parse(reg->management.cache_duration, &d) != HUB_OK)
		return (0);
	return (d.months > 0 || d.us > CACHE_US_MAX ? CACHE_US_MAX : d.us);
}

static void
fill_source(struct build *b, const struct region_registration *rr,
    struct region_source *src)
{
	const struct registration *reg = rr->registration;
	const struct vocab *vocab = b->region->vocab;
	struct str url = registration_info_value(reg, STR("jsonldContext"));

	src->name = reg->id;
	src->owner = rr->tenant;
	src->kind = SOURCE_NGSI_LD;
	src->https = reg->endpoint.https;
	src->host = reg->endpoint.host;
	src->port = reg->endpoint.port;
	src->base = reg->endpoint.base;
	src->timeout_ms = timeout_of(reg);
	src->in_flight = 32;
	src->page = 100;
	src->push_down = true;
	src->breaker_failures = 5;
	src->breaker_ms = 5000;
	src->context = vocab_core(vocab);
	if (url.p == NULL)
		url = rr->context_url;
	if (url.len > 0 && vocab_context(vocab, url) != NULL &&
	    vocab_context(vocab, url) != src->context) {
		src->context = vocab_context(vocab, url);
		src->context_url = url;
	}
}

/* ---- a dataset */

static void
add_text(struct str *v, unsigned *n, struct str text)
{
	for (unsigned i = 0; i < *n; i++)
		if (str_eq(v[i], text))
			return;
	v[(*n)++] = text;
}

/* Ids as globs: a pattern may be any id here, registration_limit knows. */
static void
fill_ids(struct build *b, const struct registration *reg,
    struct region_dataset *ds)
{
	unsigned i, k, n = 0, most = 1;
	struct str *v;

	for (i = 0; i < reg->information.n; i++)
		most += reg->information.v[i].nentities;
	v = arena_array(b->arena, most, sizeof(*v));
	for (i = 0; i < reg->information.n; i++) {
		const struct registration_info *info = &reg->information.v[i];

		for (k = 0; k < info->nentities; k++)
			add_text(v, &n, info->entities[k].id.p != NULL ?
				info->entities[k].id : STR("*"));
		if (info->nentities == 0)
			add_text(v, &n, STR("*"));
	}
	ds->ids = v;
	ds->nids = n;
}

static struct region_type *
type_slot(struct region_type *v, unsigned *n, const struct name *name)
{
	for (unsigned i = 0; i < *n; i++)
		if (v[i].type == name)
			return (&v[i]);
	v[*n].type = name;
	return (&v[(*n)++]);
}

/* The parts that have a type, as bits. */
struct parts {
	uint64_t bits[(REGISTRATION_INFOS_MAX + 63) / 64];
};

static bool
part_has(const struct registration_info *info, const struct name *type)
{
	for (unsigned e = 0; e < info->nentities; e++)
		for (unsigned k = 0; k < info->entities[e].types.n; k++)
			if (info->entities[e].types.v[k] == type)
				return (true);
	return (info->nentities == 0);
}

static struct parts
parts_of(const struct registration *reg, const struct name *type)
{
	struct parts p = { { 0 } };

	for (unsigned i = 0; i < reg->information.n; i++)
		if (part_has(&reg->information.v[i], type))
			p.bits[i / 64] |= UINT64_C(1) << (i % 64);
	return (p);
}

/* What the parts that have this type name; none when one of them names none. */
static void
fill_type(struct build *b, const struct registration *reg,
    const struct parts *p, struct region_type *t)
{
	struct registration_info *some = arena_array(b->scratch,
	    reg->information.n, sizeof(*some));
	struct registration of_type = *reg;
	struct registration_names names;
	unsigned n = 0;
	bool all;

	for (unsigned i = 0; i < reg->information.n; i++)
		if ((p->bits[i / 64] >> (i % 64) & 1) != 0)
			some[n++] = reg->information.v[i];
	of_type.information.v = some;
	of_type.information.n = n;
	names = registration_attrs(&of_type, &all, b->arena);
	t->attributes = names.v;
	t->nattributes = all ? 0 : names.n;
}

/* Types of the same parts share one list: 500 of them with 500 names each would
 * be megabytes, made of a document of 64 KiB. */
static void
fill_attributes(struct build *b, const struct registration *reg,
    struct region_type *v, unsigned n)
{
	struct parts *p = arena_array(b->scratch, n, sizeof(*p));
	unsigned k;

	for (unsigned i = 0; i < n; i++) {
		p[i] = parts_of(reg, v[i].type);
		for (k = 0; memcmp(&p[k], &p[i], sizeof(p[i])) != 0;)
			k++;
		if (k == i) {
			fill_type(b, reg, &p[i], &v[i]);
			continue;
		}
		v[i].attributes = v[k].attributes;
		v[i].nattributes = v[k].nattributes;
	}
}

static void
fill_types(struct build *b, const struct registration *reg,
    struct region_dataset *ds)
{
	unsigned i, e, k, n = 0, most = 1;
	struct region_type *v;

	for (i = 0; i < reg->information.n; i++)
		for (e = 0; e < reg->information.v[i].nentities; e++)
			most += reg->information.v[i].entities[e].types.n;
	v = arena_array(b->arena, most, sizeof(*v));
	for (i = 0; i < reg->information.n; i++)
		for (e = 0; e < reg->information.v[i].nentities; e++)
			for (k = 0;
			     k < reg->information.v[i].entities[e].types.n; k++)
				(void)type_slot(v, &n,
				    reg->information.v[i].entities[e].types
					.v[k]);
	fill_attributes(b, reg, v, n);
	ds->types = v;
	ds->ntypes = n;
	ds->any_type = registration_any_type(reg);
}

/* Its id; two tenants may have chosen the same one, and the ledger and the
 * order of merging know datasets by name. */
static struct str
dataset_name(struct build *b, const struct region_registration *rr)
{
	struct str id = rr->registration->id;

	for (unsigned i = 0; i < b->region->ndatasets; i++)
		if (str_eq(b->datasets[i].name, id))
			return (str_of(arena_printf(b->arena, "%.*s (%.*s)",
			    STR_FMT(id), STR_FMT(rr->tenant->name))));
	return (id);
}

static void
put_in_force(struct build *b, struct region_registration *rr)
{
	const struct registration *reg = rr->registration;
	struct region_source *src = &b->sources[b->region->nsources];
	struct region_dataset *ds = &b->datasets[b->region->ndatasets];

	src->index = b->region->nsources++;
	fill_source(b, rr, src);
	ds->name = dataset_name(b, rr);
	ds->index = b->region->ndatasets++;
	ds->title = reg->title.p != NULL ? reg->title : reg->id;
	ds->source = src;
	ds->upstream_tenant = reg->tenant;
	fill_ids(b, reg, ds);
	fill_types(b, reg, ds);
	ds->operations = reg->operations.bits;
	ds->mode = reg->mode.value;
	ds->priority = 100;
	ds->cache_us = cache_of(reg);
	ds->local_only = reg->management.local_only || reg->local_only.value;
	ds->registration = reg;
	rr->dataset = ds;
}

void
build_registrations(struct build *b)
{
	struct region_registration *v = arena_array(b->arena,
	    (size_t)b->nrows + 1, sizeof(*v));
	uint32_t before, names = 0;

	for (unsigned i = 0; i < b->nrows; i++) {
		if (i > 0 && !str_eq(b->rows[i].tenant, b->rows[i - 1].tenant))
			names = 0;
		before = vocab_size(b->region->vocab);
		v[i].version = b->rows[i].version;
		v[i].created = b->rows[i].created;
		v[i].modified = b->rows[i].modified;
		v[i].why = read_row(b, &b->rows[i], names, &v[i]);
		v[i].nnames = vocab_size(b->region->vocab) - before;
		names += v[i].nnames;
		if (v[i].why == NULL)
			v[i].why = judge(b, &v[i]);
		if (v[i].why == NULL)
			put_in_force(b, &v[i]);
	}
	b->region->registrations = v;
	b->region->nregistrations = b->nrows;
}

const struct region_registration *
region_registration_find(const struct region *r, const struct tenant *tenant,
    struct str id)
{
	for (unsigned i = 0; i < r->nregistrations; i++)
		if (r->registrations[i].tenant == tenant &&
		    r->registrations[i].registration != NULL &&
		    str_eq(r->registrations[i].registration->id, id))
			return (&r->registrations[i]);
	return (NULL);
}
