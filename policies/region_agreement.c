/* policies/region_agreement.c - who shares what with whom, for how long, and
 * who signed it. What is shared is in region_share.c. */
#include <stdlib.h>

#include "policies/region_priv.h"

static void build_agreement(const struct sec *, struct region_agreement *);
static void agreement_parties(const struct sec *, struct region_agreement *);
static void agreement_period(const struct sec *, struct region_agreement *);
static void agreement_signatures(const struct sec *,
    struct region_agreement *);
static void agreement_terms(const struct sec *);
static void agreement_shares(const struct sec *, struct region_agreement *);
static void agreement_crises(const struct sec *);
static void check_crowds(struct build *);

static const struct word action_words[] = { { "query", ACTION_QUERY },
	{ "retrieve", ACTION_RETRIEVE }, { "temporal", ACTION_TEMPORAL },
	{ "subscribe", ACTION_SUBSCRIBE }, { NULL, 0 } };

static const struct field agreement_fields[] = {
	{ "version", F_UINT, true, offsetof(struct region_agreement, version),
	    1, 1000000, 0, NULL },
	{ "document", F_TEXT, false,
	    offsetof(struct region_agreement, document), 0, 0, 0, NULL },
	FIELDS_END
};

struct terms {
	struct str quota;
};
static const struct field terms_fields[] = {
	{ "quota", F_QUOTA, false, offsetof(struct terms, quota), 0, 0, 0,
	    NULL },
	FIELDS_END
};

struct crisis {
	int64_t history_us, max_us, report_us;
	struct str quota;
};
static const struct field crisis_fields[] = {
	{ "history", F_US, false, offsetof(struct crisis, history_us), 0, 0, 0,
	    NULL },
	{ "quota", F_QUOTA, false, offsetof(struct crisis, quota), 0, 0, 0,
	    NULL },
	{ "max", F_US, true, offsetof(struct crisis, max_us), 60000000,
	    3 * WALL_DAY_US, 0, NULL },
	{ "report", F_US, true, offsetof(struct crisis, report_us), 60000000,
	    366 * WALL_DAY_US, 0, NULL },
	FIELDS_END
};

void
build_agreements(struct build *b)
{
	unsigned i, n = b->nblocks[BLOCK_AGREEMENT];

	b->agreements = arena_array(b->arena, (size_t)n + 1,
	    sizeof(*b->agreements));
	for (i = 0; i < n; i++) {
		b->agreements[i].index = i;
		build_agreement(&b->blocks[BLOCK_AGREEMENT][i],
		    &b->agreements[i]);
	}
	b->region->agreements = b->agreements;
	b->region->nagreements = n;
	if (b->nerrors == 0)
		check_crowds(b);
}

static void
build_agreement(const struct sec *s, struct region_agreement *ag)
{
	ag->name = sec_slug(s);
	fields_read(s, agreement_fields, ag);
	agreement_parties(s, ag);
	if (sec_nitems(s, "actions") == 0)
		sec_error(s, "actions",
		    "agreement needs actions; allowed: query, retrieve, "
		    "temporal, subscribe");
	ag->actions = sec_flags(s, "actions", action_words);
	agreement_period(s, ag);
	agreement_signatures(s, ag);
	agreement_terms(s);
	agreement_shares(s, ag);
	agreement_crises(s);
}

/* Nobody shares what is someone else's, and nobody shares with itself. */
static void
agreement_parties(const struct sec *s, struct region_agreement *ag)
{
	struct build *b = s->b;
	int provider = sec_ref(s, "provider", BLOCK_TENANT);
	int consumer = sec_ref(s, "consumer", BLOCK_TENANT);
	int dataset = sec_ref(s, "dataset", BLOCK_DATASET);
	int purpose = sec_ref(s, "purpose", BLOCK_PURPOSE);

	if (provider >= 0)
		ag->provider = &b->tenants[provider];
	if (consumer >= 0)
		ag->consumer = &b->tenants[consumer];
	if (dataset >= 0)
		ag->dataset = &b->datasets[dataset];
	if (purpose >= 0)
		ag->purpose = &b->purposes[purpose];
	if (provider >= 0 && provider == consumer)
		sec_error(s, "consumer",
		    "provider and consumer are the same: an owner needs no "
		    "agreement");
	if (provider >= 0 && dataset >= 0 && ag->dataset->source != NULL &&
	    ag->dataset->source->owner != NULL &&
	    ag->dataset->source->owner != ag->provider)
		sec_error(s, "dataset",
		    "dataset %.*s belongs to %.*s: %.*s cannot share it",
		    STR_FMT(ag->dataset->name),
		    STR_FMT(ag->dataset->source->owner->name),
		    STR_FMT(ag->provider->name));
}

static void
agreement_period(const struct sec *s, struct region_agreement *ag)
{
	struct str valid = sec_need(s, "valid");
	enum hub_err err;

	if (valid.p == NULL)
		return;
	err = period_parse(valid, &ag->from, &ag->until);
	if (err == HUB_ERANGE)
		sec_error(s, "valid", "valid ends before it begins");
	else if (err != HUB_OK)
		sec_error(s, "valid",
		    "bad value \"%.*s\" of valid; allowed: two days of the "
		    "calendar, both included, such as "
		    "\"2026-06-01..2027-05-31\"",
		    STR_FMT(nearest_to(valid).wrong));
}

/* "schwerte:datenkoordination": a tenant and the person or office. */
static void
agreement_signatures(const struct sec *s, struct region_agreement *ag)
{
	unsigned i;

	for (i = 0; i < sec_nitems(s, "signed-by"); i++) {
		struct str text = sec_item(s, "signed-by", i);
		struct str who = { text.p, str_chr(text, ':') };
		const struct tenant *t;
		int tenant;

		if (who.len == 0 || who.len + 1 >= text.len ||
		    text.len > REGION_TEXT_MAX) {
			sec_error(s, "signed-by",
			    "bad value \"%.*s\" of signed-by; allowed: "
			    "TENANT:PERSON",
			    STR_FMT(nearest_to(text).wrong));
			continue;
		}
		tenant = build_find(s, "signed-by", who, BLOCK_TENANT);
		if (tenant < 0 || ag->provider == NULL || ag->consumer == NULL)
			continue;
		t = &s->b->tenants[tenant];
		if (t == ag->provider)
			ag->signed_by_provider = true;
		else if (t == ag->consumer)
			ag->signed_by_consumer = true;
		else
			sec_error(s, "signed-by",
			    "%.*s is neither provider nor consumer",
			    STR_FMT(t->name));
	}
	if (ag->provider == NULL || ag->consumer == NULL)
		return;
	if (!ag->signed_by_provider || !ag->signed_by_consumer)
		sec_warn(s, "signed-by",
		    "agreement %.*s is a draft and shares nothing: the "
		    "signature of %.*s is missing",
		    STR_FMT(ag->name),
		    STR_FMT(ag->signed_by_provider ? ag->consumer->name
						   : ag->provider->name));
}

static void
agreement_terms(const struct sec *s)
{
	struct terms terms = { STR_NONE };

	fields_read(s, terms_fields, &terms);
	if (sec_has(s, "price"))
		(void)sec_ref(s, "price", BLOCK_PRICE);
	if (terms.quota.len > 0)
		sec_warn(s, "quota",
		    "quota %.*s: counted, not enforced by this version",
		    STR_FMT(terms.quota));
}

static void
agreement_shares(const struct sec *s, struct region_agreement *ag)
{
	unsigned i, k, n = sec_nblocks(s, "share");
	struct region_share *shares;

	if (n == 0 || n > REGION_ITEMS_MAX) {
		sec_error(s, NULL, "agreement %.*s needs 1 to %d share blocks",
		    STR_FMT(ag->name), REGION_ITEMS_MAX);
		return;
	}
	if (ag->dataset == NULL || ag->dataset->source == NULL)
		return; /* reported: no name has a meaning */
	shares = arena_array(s->b->arena, n, sizeof(*shares));
	for (i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "share", i);

		share_read(&sub, ag->dataset, &shares[i]);
		for (k = 0; k < i && shares[i].type != NULL; k++)
			if (shares[k].type == shares[i].type)
				sec_error(&sub, NULL,
				    "type %.*s is shared twice",
				    STR_FMT(sec_title(&sub)));
	}
	ag->shares = shares;
	ag->nshares = n;
}

/* Signed in advance, dormant, and in this version nothing wakes them. */
static void
agreement_crises(const struct sec *s)
{
	unsigned i;

	for (i = 0; i < sec_nblocks(s, "crisis"); i++) {
		struct sec sub = sec_block(s, "crisis", i);
		struct crisis crisis = { 0, 0, 0, STR_NONE };
		int authority = sec_ref(&sub, "authority", BLOCK_TENANT);

		(void)sec_slug(&sub);
		fields_read(&sub, crisis_fields, &crisis);
		if (authority >= 0 &&
		    !s->b->tenants[authority].crisis_authority)
			sec_error(&sub, "authority",
			    "%.*s is no crisis authority (crisis-authority = "
			    "true in its tenant block)",
			    STR_FMT(s->b->tenants[authority].name));
		sec_warn(&sub, NULL,
		    "crisis %.*s: dormant, this version cannot activate it",
		    STR_FMT(sec_title(&sub)));
	}
}

static int
crowd_cmp(const void *a, const void *b)
{
	const struct region_agreement *x = *(
	    const struct region_agreement *const *)a;
	const struct region_agreement *y = *(
	    const struct region_agreement *const *)b;
	unsigned kx[3] = { x->consumer->index, x->purpose->index,
		x->dataset->index };
	unsigned ky[3] = { y->consumer->index, y->purpose->index,
		y->dataset->index };
	int i;

	for (i = 0; i < 3; i++)
		if (kx[i] != ky[i])
			return (kx[i] < ky[i] ? -1 : 1);
	return (x->index < y->index ? -1 : x->index > y->index);
}

static bool
same_crowd(const struct region_agreement *a, const struct region_agreement *b)
{
	return (a->consumer == b->consumer && a->purpose == b->purpose &&
	    a->dataset == b->dataset);
}

/* One leg of a request takes at most REGION_GRANTS_MAX agreements. */
static void
check_crowds(struct build *b)
{
	unsigned i, n = b->region->nagreements;
	const struct region_agreement **sorted = arena_array(b->scratch,
	    (size_t)n + 1, sizeof(*sorted));

	for (i = 0; i < n; i++)
		sorted[i] = &b->agreements[i];
	qsort(sorted, n, sizeof(*sorted), crowd_cmp);
	for (i = REGION_GRANTS_MAX; i < n; i++) {
		if (!same_crowd(sorted[i - REGION_GRANTS_MAX], sorted[i]))
			continue;
		sec_error(&b->blocks[BLOCK_AGREEMENT][sorted[i]->index], NULL,
		    "over %d agreements of one consumer and purpose over one "
		    "dataset",
		    REGION_GRANTS_MAX);
		return;
	}
}
