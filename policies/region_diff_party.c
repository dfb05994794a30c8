/* policies/region_diff_party.c - who takes part, who may speak for whom, and
 * for what: differences of tenants, issuers and purposes. */
#include "policies/region_diff_priv.h"

static const struct sentence TENANT = { "tenant $n", "Mandant $n" };
static const struct sentence ISSUER = { "issuer $n", "Aussteller $n" };
static const struct sentence PURPOSE = { "purpose $n", "Zweck $n" };

static const struct sentence tenant_kinds[] = {
	[TENANT_MUNICIPALITY] = { "municipality", "Gemeinde" },
	[TENANT_DISTRICT] = { "district", "Kreis" },
	[TENANT_CITY] = { "city", "kreisfreie Stadt" },
	[TENANT_UTILITY] = { "utility", "Versorger" },
	[TENANT_RESEARCH] = { "research", "Forschung" },
	[TENANT_SERVICE] = { "service", "Dienstleister" },
};
static const struct sentence suspended_words[] = { { "active", "aktiv" },
	{ "suspended", "gesperrt" } };

#define T(member) offsetof(struct tenant, member)
/* The ledger books by AGS: with another one a tenant would see the usage of
 * somebody else. */
static const struct diff_field tenant_fields[] = {
	{ { "the name", "der Name" }, T(title), FT_STR, RULE_NEUTRAL, NULL },
	{ { "the AGS", "der AGS" }, T(ags), FT_STR, RULE_WIDENS, NULL },
	{ { "the kind", "die Art" }, T(kind), FT_WORD, RULE_NEUTRAL,
	    tenant_kinds },
	{ { "crisis authority", "Krisenstab-Befugnis" }, T(crisis_authority),
	    FT_BOOL, RULE_MORE, NULL },
	{ { "failed-sources = error", "failed-sources = error" },
	    T(failed_sources_error), FT_BOOL, RULE_NEUTRAL, NULL },
};

static void
diff_status(struct diff *d, const struct tenant *was, const struct tenant *is,
    struct about *a)
{
	if (was->suspended == is->suspended)
		return;
	a->o = (struct both){ str_of(suspended_words[was->suspended].en),
		str_of(suspended_words[was->suspended].de) };
	a->n = (struct both){ str_of(suspended_words[is->suspended].en),
		str_of(suspended_words[is->suspended].de) };
	diff_say(d, is->suspended ? CHANGE_NARROWS : CHANGE_WIDENS,
	    (struct sentence){ "$s: now $n, was $o.",
		"$s: jetzt $n, war $o." }, a);
}

void
diff_parties(struct diff *d)
{
	const struct tenant_set *b = &d->before->tenants,
				*n = &d->after->tenants;
	struct about a = { 0 };

	for (unsigned i = 0; i < n->ntenants; i++) {
		const struct tenant *is = &n->tenants[i],
				    *was = tenant_find(b, is->name);

		a.s = diff_subject(d, TENANT, is->name);
		/* Alone it has nothing: others must agree to give. */
		if (was == NULL && is->nmay_register == 0 &&
		    is->norigins == 0) {
			diff_new(d, CHANGE_NEUTRAL, &a);
			continue;
		}
		if (was != NULL) {
			diff_fields(d, tenant_fields,
			    sizeof(tenant_fields) / sizeof(tenant_fields[0]),
			    was, is, &a);
			diff_status(d, was, is, &a);
		} else
			diff_new(d, CHANGE_NEUTRAL, &a);
		diff_list(d, (struct sentence){ "may-register",
				 "may-register" },
		    was != NULL ? was->may_register : NULL,
		    was != NULL ? was->nmay_register : 0, is->may_register,
		    is->nmay_register, false, &a);
		diff_list(d, (struct sentence){ "origins", "origins" },
		    was != NULL ? was->origins : NULL,
		    was != NULL ? was->norigins : 0, is->origins,
		    is->norigins, false, &a);
	}
	for (unsigned i = 0; i < b->ntenants; i++)
		if (tenant_find(n, b->tenants[i].name) == NULL) {
			a.s = diff_subject(d, TENANT, b->tenants[i].name);
			diff_gone(d, CHANGE_NARROWS, &a);
		}
}

/* ---- issuers */

static const struct sentence typ_words[] = {
	[ISSUER_AT_JWT] = { "at+jwt", "at+jwt" },
	[ISSUER_LEGACY_BEARER] = { "legacy-bearer", "legacy-bearer" },
};
static const struct sentence algorithm_words[] = { { "RS256", "RS256" },
	{ "ES256", "ES256" }, { NULL, NULL } };

#define I(member) offsetof(struct issuer, member)
static const struct diff_field issuer_fields[] = {
	{ { "the address of the keys", "die Adresse der Schlüssel" },
	    I(jwks_url), FT_STR, RULE_WIDENS, NULL },
	{ { "the key file", "die Schlüsseldatei" }, I(jwks_file), FT_BYTES,
	    RULE_WIDENS, NULL },
	{ { "the CA", "die CA" }, I(jwks_ca), FT_STR, RULE_WIDENS, NULL },
	{ { "the audience", "die Audience" }, I(audience), FT_STR, RULE_WIDENS,
	    NULL },
	{ { "the kind of token", "die Art der Token" }, I(typ), FT_WORD,
	    RULE_MORE, typ_words },
	{ { "the claim of the tenant", "der Claim des Mandanten" },
	    I(tenant_claim), FT_STR, RULE_WIDENS, NULL },
	{ { "the path of the roles", "der Pfad der Rollen" }, I(roles_path),
	    FT_STR, RULE_WIDENS, NULL },
	{ { "the acr that crises need", "der acr, den Krisen brauchen" },
	    I(step_up_acr), FT_STR, RULE_WIDENS, NULL },
	{ { "the client of the web page", "der Client der Webseite" },
	    I(web_client), FT_STR, RULE_NEUTRAL, NULL },
	{ { "the scope of the web page", "der Scope der Webseite" },
	    I(web_scope), FT_STR, RULE_NEUTRAL, NULL },
	{ { "the lifetime of tokens", "die Gültigkeit der Token" },
	    I(max_ttl_s), FT_SECONDS, RULE_MORE, NULL },
	{ { "the skew of clocks", "die Toleranz der Uhren" }, I(skew_s),
	    FT_SECONDS, RULE_MORE, NULL },
	{ { "the time before which tokens are void",
	      "der Zeitpunkt, vor dem Token ungültig sind" },
	    I(tokens_before), FT_WALL, RULE_LESS, NULL },
};

/* How much is demanded; of those that demand alike, each lets in what the
 * other did not. */
static const struct {
	struct str word;
	int demand;
} senders[] = {
	[SENDER_NONE] = { { "none", 4 }, 0 },
	[SENDER_ANY] = { { "any", 3 }, 1 },
	[SENDER_MTLS] = { { "mtls", 4 }, 2 },
	[SENDER_DPOP] = { { "dpop", 4 }, 2 },
};

static void
diff_sender(struct diff *d, const struct issuer *was, const struct issuer *is,
    struct about *a)
{
	diff_text(d, senders[is->sender].demand > senders[was->sender].demand ?
		CHANGE_NARROWS : CHANGE_WIDENS,
	    (struct sentence){ "the proof that tokens need",
		"der Nachweis, den Token brauchen" },
	    senders[was->sender].word, senders[is->sender].word, a);
}

static const struct issuer_map *
map_find(const struct issuer *is, struct str value)
{
	for (unsigned i = 0; is != NULL && i < is->nmap; i++)
		if (str_eq(is->map[i].value, value))
			return (&is->map[i]);
	return (NULL);
}

static void
map_say(struct diff *d, enum change_kind kind, const struct issuer_map *m,
    struct about *a)
{
	static const struct sentence may = {
		"$s may now speak for $n (claim value $x).",
		"$s darf jetzt für $n sprechen (Wert $x)."
	};
	static const struct sentence may_not = {
		"$s may no longer speak for $n (claim value $x).",
		"$s darf nicht mehr für $n sprechen (Wert $x)."
	};

	a->x = both_plain(m->value);
	a->n = both_plain(m->tenant->name);
	diff_say(d, kind, kind == CHANGE_WIDENS ? may : may_not, a);
}

/* A value that stands for another tenant is both at once. */
static void
diff_map(struct diff *d, const struct issuer *was, const struct issuer *is,
    struct about *a)
{
	const struct issuer_map *m;

	for (unsigned i = 0; i < is->nmap; i++) {
		m = map_find(was, is->map[i].value);
		if (m == NULL || !str_eq(m->tenant->name,
			is->map[i].tenant->name))
			map_say(d, CHANGE_WIDENS, &is->map[i], a);
	}
	for (unsigned i = 0; was != NULL && i < was->nmap; i++) {
		m = map_find(is, was->map[i].value);
		if (m == NULL || !str_eq(m->tenant->name,
			was->map[i].tenant->name))
			map_say(d, CHANGE_NARROWS, &was->map[i], a);
	}
}

void
diff_issuers(struct diff *d)
{
	const struct tenant_set *b = &d->before->tenants,
				*n = &d->after->tenants;
	struct about a = { 0 };

	for (unsigned i = 0; i < n->nissuers; i++) {
		const struct issuer *is = &n->issuers[i],
				    *was = issuer_find(b, is->iss);

		a.s = diff_subject(d, ISSUER, is->iss);
		if (was == NULL)
			diff_new(d, CHANGE_WIDENS, &a);
		else {
			diff_fields(d, issuer_fields,
			    sizeof(issuer_fields) / sizeof(issuer_fields[0]),
			    was, is, &a);
			diff_bits(d, (struct sentence){ "the algorithms",
					 "die Liste der Verfahren" },
			    algorithm_words, was->algorithms, is->algorithms,
			    false, &a);
			diff_sender(d, was, is, &a);
		}
		diff_map(d, was, is, &a);
	}
	for (unsigned i = 0; i < b->nissuers; i++)
		if (issuer_find(n, b->issuers[i].iss) == NULL) {
			a.s = diff_subject(d, ISSUER, b->issuers[i].iss);
			diff_gone(d, CHANGE_NARROWS, &a);
		}
}

/* ---- purposes: without an agreement they let nobody do anything */

void
diff_purposes(struct diff *d)
{
	static const struct sentence title = { "the title", "die Bezeichnung" },
		basis = { "the legal basis", "die Rechtsgrundlage" };
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->npurposes; i++) {
		const struct region_purpose *is = &d->after->purposes[i],
		    *was = region_purpose_find(d->before, is->name);

		a.s = diff_subject(d, PURPOSE, is->name);
		if (was == NULL) {
			diff_new(d, CHANGE_NEUTRAL, &a);
			continue;
		}
		diff_text(d, CHANGE_NEUTRAL, title, was->title, is->title, &a);
		diff_text(d, CHANGE_NEUTRAL, basis, was->legal_basis,
		    is->legal_basis, &a);
	}
	for (unsigned i = 0; i < d->before->npurposes; i++)
		if (region_purpose_find(d->after,
			d->before->purposes[i].name) == NULL) {
			a.s = diff_subject(d, PURPOSE,
			    d->before->purposes[i].name);
			diff_gone(d, CHANGE_NEUTRAL, &a);
		}
}
