/* policies/catalogue.c - a catalogue of datasets; catalogue.h says what it
 * promises. */
#include "policies/catalogue.h"

#include <stdlib.h>

#include "policies/jsonld.h"
#include "policies/licence.h"
#include "policies/region_words.h"

#define GEOCODING "http://dcat-ap.de/def/politicalGeocoding/"
#define RIGHTS	  "http://publications.europa.eu/resource/authority/access-right/"

struct writer {
	const struct region *region;
	const struct catalogue_wanted *wanted;
	struct arena *arena;
};

/* Titles are as the region has them: German. */
static struct json_t *
german(struct str s)
{
	return (ld_value(s, "@language", "de"));
}

static struct json_t *
said(const struct writer *w, struct both b)
{
	return (w->wanted->german ? ld_value(b.de, "@language", "de") :
				    ld_value(b.en, "@language", "en"));
}

const char *
urn_of(struct arena *a, const char *kind, struct str name)
{
	struct buf b;
	const char *urn;

	buf_init(&b, 8192);
	buf_addf(&b, "urn:drehscheibe:%s:", kind);
	buf_add_url(&b, name, ":");
	urn = arena_str(a, buf_str(&b)).p;
	buf_clear(&b);
	return (urn);
}

const char *
place_of(struct arena *a, const struct region *r, struct str ags)
{
	if (ags.len != 8)
		return (NULL);
	for (unsigned i = 0; i < r->tenants.ntenants; i++)
		if (r->tenants.tenants[i].kind == TENANT_DISTRICT &&
		    str_eq(r->tenants.tenants[i].ags, ags))
			return (arena_printf(a, GEOCODING "districtKey/%.5s",
			    ags.p));
	return (arena_printf(a, GEOCODING "municipalityKey/%.8s", ags.p));
}

static bool
signed_about(const struct region *r, const struct region_dataset *ds,
    const struct tenant *t)
{
	for (unsigned i = 0; i < r->nagreements; i++) {
		const struct region_agreement *ag = &r->agreements[i];

		if (ag->dataset == ds && ag->consumer == t &&
		    ag->signed_by_provider && ag->signed_by_consumer)
			return (true);
	}
	return (false);
}

bool
catalogue_shows(const struct region *r, const struct region_dataset *ds,
    const struct tenant *viewer)
{
	const struct tenant *owner = ds->source->owner;

	if (viewer == owner)
		return (true);
	return (!owner->suspended &&
	    (ds->publish > 0 ||
		(viewer != NULL && signed_about(r, ds, viewer))));
}

static struct json_t *
agent(const struct writer *w, const struct tenant *t)
{
	struct json_t *o = ld_reference(urn_of(w->arena, "tenant", t->name));

	ld_set(o, "@type", ld_word("foaf:Agent"));
	ld_set(o, "foaf:name", ld_text(t->title.len > 0 ? t->title : t->name));
	return (o);
}

static struct json_t *
service(const struct writer *w)
{
	struct str host = w->wanted->host;
	struct json_t *o = ld_reference(urn_of(w->arena, "service", STR("ngsi-ld")));

	ld_set(o, "@type", ld_word("dcat:DataService"));
	ld_set(o, "dct:title", said(w, BOTH("NGSI-LD interface of the hub",
	    "NGSI-LD-Schnittstelle der Drehscheibe")));
	ld_set(o, "dcat:endpointURL", ld_reference(arena_printf(w->arena,
	    "https://%.*s/ngsi-ld/v1", STR_FMT(host))));
	return (o);
}

/* One per type: a query that an agreement lets its party send. */
static struct json_t *
distribution(const struct writer *w, const struct region_dataset *ds,
    const struct name *type)
{
	const struct licence *l = licence_find(ds->licence);
	struct str name = words_name(ds, type, w->arena),
		   by = ds->attribution.len > 0 ? ds->attribution :
						   ds->source->owner->title;
	struct json_t *o = ld_object();
	struct buf url;

	buf_init(&url, 16384);
	buf_addf(&url, "https://%.*s/ngsi-ld/v1/entities?type=",
	    STR_FMT(w->wanted->host));
	buf_add_url(&url, type->iri, ":/");
	ld_set(o, "@type", ld_word("dcat:Distribution"));
	ld_set(o, "dct:title", ld_text(name));
	ld_set(o, "dcat:accessURL", ld_reference(buf_cstr(&url)));
	ld_set(o, "dcat:accessService",
	    ld_reference(urn_of(w->arena, "service", STR("ngsi-ld"))));
	ld_set(o, "dcat:mediaType", ld_reference("https://www.iana.org/assignments/"
	    "media-types/application/ld+json"));
	if (l != NULL)
		ld_set(o, "dct:license", ld_reference(l->dcat));
	if (l != NULL && by.len > 0)
		ld_set(o, "dcatde:licenseAttributionByText", german(by));
	buf_clear(&url);
	return (o);
}

static void
add_place(const struct writer *w, const struct tenant *owner, struct json_t *o)
{
	const char *place = place_of(w->arena, w->region, owner->ags);

	if (place == NULL)
		return;
	ld_set(o, "dcatde:politicalGeocodingURI", ld_reference(place));
	ld_set(o, "dcatde:politicalGeocodingLevelURI", ld_reference(
	    strstr(place, "districtKey") != NULL ?
		GEOCODING "Level/administrativeDistrict" :
		GEOCODING "Level/municipality"));
	/* What cities of North Rhine-Westphalia publish is passed on to GovData
	 * by the portal of the Land. */
	if (str_prefix(owner->ags, STR("05")))
		ld_set(o, "dcatde:contributorID", ld_reference(
		    "http://dcat-ap.de/def/contributors/openNRW"));
}

static struct json_t *
dataset(const struct writer *w, const struct region_dataset *ds)
{
	static const char *const rights[] = { RIGHTS "NON_PUBLIC",
		RIGHTS "RESTRICTED", RIGHTS "PUBLIC" };
	const struct tenant *owner = ds->source->owner;
	struct str title = ds->title.len > 0 ? ds->title : ds->name;
	struct json_t *o = ld_reference(urn_of(w->arena, "dataset", ds->name)),
	       *forms = ld_list(), *words = ld_list();

	for (unsigned i = 0; i < ds->ntypes; i++) {
		ld_add(words, ld_text(words_name(ds,
		    ds->types[i].type, w->arena)));
		ld_add(forms, distribution(w, ds,
		    ds->types[i].type));
	}
	ld_set(o, "@type", ld_word("dcat:Dataset"));
	ld_set(o, "dct:identifier", ld_text(ds->name));
	ld_set(o, "dct:title", german(title));
	ld_set(o, "dct:description", german(title));
	ld_set(o, "dct:publisher", agent(w, owner));
	ld_set(o, "dct:contributor", ld_reference(urn_of(w->arena, "tenant",
	    owner->name)));
	add_place(w, owner, o);
	ld_set(o, "dct:accessRights", ld_reference(rights[ds->publish]));
	ld_set(o, "dcat:keyword", words);
	ld_set(o, "dcat:distribution", forms);
	return (o);
}

static struct json_t *
prefixes(void)
{
	struct json_t *o = ld_object();

	ld_set(o, "dcat", ld_word("http://www.w3.org/ns/dcat#"));
	ld_set(o, "dct", ld_word("http://purl.org/dc/terms/"));
	ld_set(o, "dcatde", ld_word("http://dcat-ap.de/def/dcatde/"));
	ld_set(o, "foaf", ld_word("http://xmlns.com/foaf/0.1/"));
	return (o);
}

static int
name_cmp(const void *a, const void *b)
{
	const struct region_dataset *const *da = a, *const *db = b;

	return (str_cmp((*da)->name, (*db)->name));
}

/* In byte order of name, whatever files they are in. */
static struct json_t *
datasets(const struct writer *w)
{
	const struct region *r = w->region;
	const struct region_dataset **list = arena_array(w->arena,
	    r->ndatasets + 1, sizeof(struct region_dataset *));
	struct json_t *all = ld_list();
	unsigned n = 0;

	for (unsigned i = 0; i < r->ndatasets; i++)
		if (catalogue_shows(r, &r->datasets[i], w->wanted->viewer))
			list[n++] = &r->datasets[i];
	qsort(list, n, sizeof(struct region_dataset *), name_cmp);
	for (unsigned i = 0; i < n; i++)
		ld_add(all, dataset(w, list[i]));
	return (all);
}

static struct json_t *
catalogue(const struct writer *w)
{
	struct json_t *o = ld_object(), *hub;

	hub = ld_reference(urn_of(w->arena, "hub", w->wanted->host));
	ld_set(hub, "@type", ld_word("foaf:Agent"));
	ld_set(hub, "foaf:name", ld_text(w->wanted->host));
	ld_set(o, "@context", prefixes());
	ld_set(o, "@id", ld_word(urn_of(w->arena, "catalogue",
	    w->wanted->host)));
	ld_set(o, "@type", ld_word("dcat:Catalog"));
	ld_set(o, "dct:title", said(w, BOTH("Data of the region",
	    "Daten der Region")));
	ld_set(o, "dct:description", said(w, BOTH(
	    "What the cities of the region share through the hub; which of it "
	    "one may ask for is said by the agreements.",
	    "Was die Städte der Region über die Drehscheibe teilen; was davon "
	    "abgefragt werden darf, sagen die Vereinbarungen.")));
	ld_set(o, "dct:publisher", hub);
	ld_set(o, "dcat:service", service(w));
	ld_set(o, "dcat:dataset", datasets(w));
	return (o);
}

void
catalogue_write(const struct region *region,
    const struct catalogue_wanted *wanted, struct buf *b)
{
	struct writer w = { region, wanted, arena_new() };

	ld_write_take(catalogue(&w), b);
	arena_free(w.arena);
}
