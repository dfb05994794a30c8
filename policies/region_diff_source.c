/* policies/region_diff_source.c - where data come from: differences of
 * contexts, sources and datasets. */
#include "policies/region_diff_priv.h"

static const struct sentence CONTEXT = { "context $n", "Kontext $n" };
static const struct sentence SOURCE = { "source $n", "Quelle $n" };
static const struct sentence DATASET = { "dataset $n", "Datensatz $n" };

/* ---- contexts */

static const struct region_context *
context_find(const struct region *r, struct str url)
{
	for (unsigned i = 0; i < r->ncontexts; i++)
		if (str_eq(r->contexts[i].url, url))
			return (&r->contexts[i]);
	return (NULL);
}

/* What rules name is compared by IRI. What brokers will be understood to mean
 * by a term is beyond that. */
void
diff_contexts(struct diff *d)
{
	static const struct sentence changed = {
		"$s changed: names of brokers may mean something else.",
		"$s wurde geändert: Namen der Broker können anderes bedeuten."
	};
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->ncontexts; i++) {
		const struct region_context *is = &d->after->contexts[i],
		    *was = context_find(d->before, is->url);

		a.s = diff_subject(d, CONTEXT, is->url);
		if (was == NULL)
			diff_new(d, CHANGE_NEUTRAL, &a);
		else if (!str_eq(was->document, is->document))
			diff_say(d, CHANGE_WIDENS, changed, &a);
	}
	for (unsigned i = 0; i < d->before->ncontexts; i++)
		if (context_find(d->after, d->before->contexts[i].url) ==
		    NULL) {
			a.s = diff_subject(d, CONTEXT,
			    d->before->contexts[i].url);
			diff_gone(d, CHANGE_NEUTRAL, &a);
		}
}

/* ---- sources */

static const struct sentence source_kinds[] = {
	[SOURCE_NGSI_LD] = { "ngsi-ld", "ngsi-ld" },
	[SOURCE_NGSI_V2] = { "ngsi-v2", "ngsi-v2" },
};
static const struct sentence dialects[] = {
	[DIALECT_GENERIC] = { "generic", "generic" },
	[DIALECT_STELLIO] = { "stellio", "stellio" },
	[DIALECT_ORION_LD] = { "orion-ld", "orion-ld" },
	[DIALECT_SCORPIO] = { "scorpio", "scorpio" },
};
#define S(member) offsetof(struct region_source, member)
static const struct diff_field source_fields[] = {
	{ { "the kind", "die Art" }, S(kind), FT_WORD, RULE_WIDENS,
	    source_kinds },
	{ { "the dialect", "der Dialekt" }, S(dialect), FT_WORD, RULE_NEUTRAL,
	    dialects },
	{ { "the context", "der Kontext" }, S(context_url), FT_STR,
	    RULE_WIDENS, NULL },
	{ { "the timeout", "die Wartezeit" }, S(timeout_ms), FT_MS,
	    RULE_NEUTRAL, NULL },
	{ { "requests at once", "die Zahl gleichzeitiger Anfragen" },
	    S(in_flight), FT_INT, RULE_NEUTRAL, NULL },
	{ { "the page", "die Seitengröße" }, S(page), FT_INT, RULE_NEUTRAL,
	    NULL },
	{ { "push-down", "push-down" }, S(push_down), FT_BOOL, RULE_NEUTRAL,
	    NULL },
	{ { "failures that open the breaker",
	      "die Zahl der Fehler bis zur Sperre" },
	    S(breaker_failures), FT_INT, RULE_NEUTRAL, NULL },
	{ { "the time of the breaker", "die Dauer der Sperre" }, S(breaker_ms),
	    FT_MS, RULE_NEUTRAL, NULL },
	{ { "the CA", "die CA" }, S(ca), FT_STR, RULE_WIDENS, NULL },
	{ { "the credential (bearer-file)", "der Zugang (bearer-file)" },
	    S(bearer_file), FT_STR, RULE_WIDENS, NULL },
	{ { "the credential (client-certificate)",
	      "der Zugang (client-certificate)" },
	    S(client_certificate), FT_STR, RULE_WIDENS, NULL },
	{ { "the credential (client-key)", "der Zugang (client-key)" },
	    S(client_key), FT_STR, RULE_WIDENS, NULL },
	{ { "the credential (token-url)", "der Zugang (token-url)" },
	    S(oauth_token_url), FT_STR, RULE_WIDENS, NULL },
	{ { "the credential (client-id)", "der Zugang (client-id)" },
	    S(oauth_client_id), FT_STR, RULE_WIDENS, NULL },
	{ { "the credential (secret-file)", "der Zugang (secret-file)" },
	    S(oauth_secret_file), FT_STR, RULE_WIDENS, NULL },
	{ { "the credential (scope)", "der Zugang (scope)" }, S(oauth_scope),
	    FT_STR, RULE_WIDENS, NULL },
};

/* What tenants register has sources, too: those are no part of the files. */
static bool
registered(const struct region *r, const struct region_source *src)
{
	for (unsigned i = 0; i < r->nregistrations; i++)
		if (r->registrations[i].dataset != NULL &&
		    r->registrations[i].dataset->source == src)
			return (true);
	return (false);
}

static const struct region_source *
source_find(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->nsources; i++)
		if (str_eq(r->sources[i].name, name) &&
		    !registered(r, &r->sources[i]))
			return (&r->sources[i]);
	return (NULL);
}

static struct str
endpoint(const struct region_source *s, struct arena *a)
{
	return (str_of(arena_printf(a, "%s://%.*s:%u%.*s",
	    s->https ? "https" : "http", STR_FMT(s->host), s->port,
	    STR_FMT(s->base))));
}

void
diff_sources(struct diff *d)
{
	static const struct sentence where = { "the endpoint",
		"der Endpunkt" }, owner = { "the owner", "der Eigentümer" };
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->nsources; i++) {
		const struct region_source *is = &d->after->sources[i], *was;

		if (registered(d->after, is))
			continue;
		was = source_find(d->before, is->name);
		a.s = diff_subject(d, SOURCE, is->name);
		/* Nobody gets from it what no dataset and agreement says. */
		if (was == NULL) {
			diff_new(d, CHANGE_NEUTRAL, &a);
			continue;
		}
		diff_text(d, CHANGE_WIDENS, owner, was->owner->name,
		    is->owner->name, &a);
		diff_text(d, CHANGE_WIDENS, where, endpoint(was, d->arena),
		    endpoint(is, d->arena), &a);
		diff_fields(d, source_fields,
		    sizeof(source_fields) / sizeof(source_fields[0]), was, is,
		    &a);
	}
	for (unsigned i = 0; i < d->before->nsources; i++) {
		const struct region_source *was = &d->before->sources[i];

		if (registered(d->before, was) ||
		    source_find(d->after, was->name) != NULL)
			continue;
		a.s = diff_subject(d, SOURCE, was->name);
		diff_gone(d, CHANGE_NEUTRAL, &a);
	}
}

/* ---- datasets */

static const struct sentence modes[] = {
	[MODE_INCLUSIVE] = { "inclusive", "inclusive" },
	[MODE_AUXILIARY] = { "auxiliary", "auxiliary" },
	[MODE_REDIRECT] = { "redirect", "redirect" },
	[MODE_EXCLUSIVE] = { "exclusive", "exclusive" },
};
static const struct sentence operations[] = {
	{ "queryEntity", "queryEntity" },
	{ "retrieveEntity", "retrieveEntity" },
	{ "queryBatch", "queryBatch" },
	{ "queryTemporal", "queryTemporal" },
	{ "retrieveTemporal", "retrieveTemporal" },
	{ NULL, NULL },
};
static const struct sentence personal[] = { { "none", "keiner" },
	{ "indirect", "mittelbar" }, { "direct", "unmittelbar" } };
static const struct sentence publish[] = { { "hidden", "verborgen" },
	{ "listed", "gelistet" }, { "open", "offen" } };

#define D(member) offsetof(struct region_dataset, member)
static const struct diff_field dataset_fields[] = {
	{ { "the title", "der Titel" }, D(title), FT_STR, RULE_NEUTRAL, NULL },
	{ { "the licence", "die Lizenz" }, D(licence), FT_STR, RULE_WIDENS,
	    NULL },
	{ { "the attribution", "der Quellenvermerk" }, D(attribution), FT_STR,
	    RULE_NEUTRAL, NULL },
	{ { "the tenant asked for at the source",
	      "der Mandant bei der Quelle" },
	    D(upstream_tenant), FT_STR, RULE_WIDENS, NULL },
	{ { "the service path", "der Servicepfad" }, D(service_path), FT_STR,
	    RULE_WIDENS, NULL },
	{ { "the mode", "die Betriebsart" }, D(mode), FT_WORD, RULE_WIDENS,
	    modes },
	{ { "the priority", "der Vorrang" }, D(priority), FT_I64, RULE_NEUTRAL,
	    NULL },
	{ { "local-only", "local-only" }, D(local_only), FT_BOOL, RULE_NEUTRAL,
	    NULL },
	{ { "the time that answers are kept",
	      "die Zeit, für die Antworten behalten werden" },
	    D(cache_us), FT_US, RULE_NEUTRAL, NULL },
	{ { "the reference to persons", "der Personenbezug" },
	    D(personal_data), FT_WORD, RULE_MORE, personal },
	{ { "the visibility in the catalogue",
	      "die Sichtbarkeit im Katalog" },
	    D(publish), FT_WORD, RULE_MORE, publish },
	{ { "the impact assessment", "die Folgenabschätzung" }, D(dpia),
	    FT_STR, RULE_NEUTRAL, NULL },
};

static const struct region_dataset *
dataset_find(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->ndatasets; i++)
		if (r->datasets[i].registration == NULL &&
		    str_eq(r->datasets[i].name, name))
			return (&r->datasets[i]);
	return (NULL);
}

static const struct region_type *
type_find(const struct region_dataset *ds, struct str iri)
{
	for (unsigned i = 0; i < ds->ntypes; i++)
		if (str_eq(ds->types[i].type->iri, iri))
			return (&ds->types[i]);
	return (NULL);
}

static struct diff_item
item_of(struct diff *d, const struct region_dataset *ds,
    const struct name *name)
{
	return ((struct diff_item){ name->iri,
	    words_name(ds, name, d->arena) });
}

static struct diff_item *
type_names(struct diff *d, const struct region_dataset *ds)
{
	struct diff_item *v = arena_array(d->arena, (size_t)ds->ntypes + 1,
	    sizeof(*v));

	for (unsigned i = 0; i < ds->ntypes; i++)
		v[i] = item_of(d, ds, ds->types[i].type);
	return (v);
}

static struct diff_item *
attribute_names(struct diff *d, const struct region_dataset *ds,
    const struct region_type *t)
{
	struct diff_item *v = arena_array(d->arena,
	    (size_t)t->nattributes + 1, sizeof(*v));

	for (unsigned i = 0; i < t->nattributes; i++)
		v[i] = item_of(d, ds, t->attributes[i]);
	return (v);
}

/* One type of both. An empty list is no limit. */
static void
diff_attributes(struct diff *d, const struct region_dataset *dwas,
    const struct region_type *was, const struct region_dataset *dis,
    const struct region_type *is, bool neutral, struct about *a)
{
	static const struct sentence any = {
		"$s: any attribute of $t is registered now.",
		"$s: von $t ist jetzt jedes Attribut registriert."
	};
	static const struct sentence some = {
		"$s: only the attributes $n of $t are registered now.",
		"$s: von $t sind jetzt nur die Attribute $n registriert."
	};
	struct str type = words_name(dis, is->type, d->arena);
	struct both name;
	struct buf list;

	a->t = both_plain(type);
	if ((was->nattributes == 0) == (is->nattributes == 0)) {
		name = words_fill((struct sentence){ "the list of attributes "
		    "of $t", "die Attributliste von $t" },
		    &(struct word_of){ 't', a->t }, 1, d->arena);
		diff_items(d, (struct sentence){ name.en.p, name.de.p },
		    attribute_names(d, dwas, was), was->nattributes,
		    attribute_names(d, dis, is), is->nattributes, neutral, a);
		return;
	}
	if (is->nattributes == 0) {
		diff_say(d, neutral ? CHANGE_NEUTRAL : CHANGE_WIDENS, any, a);
		return;
	}
	buf_init(&list, 65536);
	for (unsigned i = 0; i < is->nattributes; i++) {
		if (i > 0)
			BUF_LIT(&list, ", ");
		buf_adds(&list,
		    words_name(dis, is->attributes[i], d->arena));
	}
	a->n = both_plain(arena_str(d->arena, buf_str(&list)));
	buf_clear(&list);
	diff_say(d, neutral ? CHANGE_NEUTRAL : CHANGE_NARROWS, some, a);
}

static void
diff_dataset(struct diff *d, const struct region_dataset *was,
    const struct region_dataset *is, struct about *a)
{
	static const struct sentence source = { "the source", "die Quelle" },
		ids = { "the list of ids", "die Liste der Kennungen" },
		types = { "the list of types", "die Liste der Typen" },
		ops = { "the list of operations",
		    "die Liste der Operationen" };
	/* What nobody shares is the owner's affair. */
	bool neutral = !diff_shares_dataset(d->after, is->name);

	diff_text(d, CHANGE_WIDENS, source, was->source->name,
	    is->source->name, a);
	diff_fields(d, dataset_fields,
	    sizeof(dataset_fields) / sizeof(dataset_fields[0]), was, is, a);
	diff_list(d, ids, was->ids, was->nids, is->ids, is->nids, neutral, a);
	diff_items(d, types, type_names(d, was), was->ntypes,
	    type_names(d, is), is->ntypes, neutral, a);
	diff_bits(d, ops, operations, was->operations, is->operations, neutral,
	    a);
	for (unsigned i = 0; i < is->ntypes; i++) {
		const struct region_type *t = type_find(was,
		    is->types[i].type->iri);

		if (t != NULL)
			diff_attributes(d, was, t, is, &is->types[i], neutral,
			    a);
	}
}

void
diff_datasets(struct diff *d)
{
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->ndatasets; i++) {
		const struct region_dataset *is = &d->after->datasets[i], *was;

		if (is->registration != NULL)
			continue;
		was = dataset_find(d->before, is->name);
		a.s = diff_subject(d, DATASET, is->name);
		/* An exclusive one takes its attributes from all others. */
		if (was == NULL)
			diff_new(d, CHANGE_NEUTRAL, &a);
		else
			diff_dataset(d, was, is, &a);
	}
	for (unsigned i = 0; i < d->before->ndatasets; i++) {
		const struct region_dataset *was = &d->before->datasets[i];

		if (was->registration != NULL ||
		    dataset_find(d->after, was->name) != NULL)
			continue;
		a.s = diff_subject(d, DATASET, was->name);
		/* Others' values come through where it owned attributes. */
		diff_gone(d, was->mode == MODE_EXCLUSIVE ? CHANGE_WIDENS :
							   CHANGE_NEUTRAL, &a);
	}
}
