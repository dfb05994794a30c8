/* policies/region_agreement.c - who shares what with whom, for how long, and
 * who signed it. What is shared is in region_share.c. */
#include <stdlib.h>

#include "policies/region_priv.h"

static void build_agreement(const struct sec *, struct region_agreement *);
static bool names_registration(const struct sec *);
static bool is_void(const struct sec *, const struct region_agreement *);
static void agreement_registration(const struct sec *,
    struct region_agreement *);
static void agreement_parties(const struct sec *, struct region_agreement *);
static void agreement_period(const struct sec *, struct region_agreement *);
static void agreement_signatures(const struct sec *,
    struct region_agreement *);
static void agreement_terms(const struct sec *, struct region_agreement *);
static void agreement_shares(const struct sec *, struct region_agreement *);
static void agreement_crises(const struct sec *, struct region_agreement *);
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

static const struct field terms_fields[] = {
	{ "bill-aborted", F_BOOL, false,
	    offsetof(struct region_agreement, bill_aborted), 0, 0, 0, NULL },
	{ "quota", F_QUOTA, false, offsetof(struct region_agreement, quota), 0,
	    0, 0, NULL },
	FIELDS_END
};

/* When the ledger is full. */
static const struct word full_words[] = { { "refuse", 0 }, { "estimate", 1 },
	{ NULL, 0 } };

static const struct field crisis_fields[] = {
	{ "history", F_US, false, offsetof(struct region_crisis, history_us),
	    0, 0, 0, NULL },
	{ "quota", F_QUOTA, false, offsetof(struct region_crisis, quota), 0, 0,
	    0, NULL },
	{ "max", F_US, true, offsetof(struct region_crisis, max_us), 60000000,
	    3 * WALL_DAY_US, 0, NULL },
	{ "report", F_US, true, offsetof(struct region_crisis, report_us),
	    60000000, 366 * WALL_DAY_US, 0, NULL },
	FIELDS_END
};

void
build_agreements(struct build *b)
{
	unsigned i, kept = 0, n = b->nblocks[BLOCK_AGREEMENT];

	b->agreements = arena_array(b->arena, (size_t)n + 1,
	    sizeof(*b->agreements));
	for (i = 0; i < n; i++) {
		struct region_agreement *ag = &b->agreements[kept];

		memset(ag, 0, sizeof(*ag));
		ag->index = i;
		build_agreement(&b->blocks[BLOCK_AGREEMENT][i], ag);
		kept += !is_void(&b->blocks[BLOCK_AGREEMENT][i], ag);
	}
	b->region->agreements = b->agreements;
	b->region->nagreements = kept;
	if (b->nerrors == 0)
		check_crowds(b);
	if (b->nerrors == 0)
		check_transforms(b);
}

static void
build_agreement(const struct sec *s, struct region_agreement *ag)
{
	ag->name = sec_slug(s);
	ag->file = sec_keep(s, s->doc->path);
	ag->line = s->node->line;
	fields_read(s, agreement_fields, ag);
	agreement_parties(s, ag);
	if (sec_nitems(s, "actions") == 0)
		sec_error(s, "actions",
		    "agreement needs actions; allowed: query, retrieve, "
		    "temporal, subscribe");
	ag->actions = sec_flags(s, "actions", action_words);
	agreement_period(s, ag);
	agreement_signatures(s, ag);
	agreement_terms(s, ag);
	s->b->lenient = ag->dataset != NULL && ag->dataset->registration != NULL;
	s->b->nlenient = 0;
	agreement_shares(s, ag);
	if (s->b->nlenient > 0) /* it is not what was agreed upon */
		ag->dataset = NULL;
	s->b->lenient = false;
	agreement_crises(s, ag);
}

/* A dataset is named by a slug, what a tenant has registered by its id, which
 * is a URI. */
static bool
names_registration(const struct sec *s)
{
	struct str title = sec_text(s, "dataset");

	return (title.p != NULL && str_chr(title, ':') < title.len);
}

/* An agreement over a registration that is not there (any more) waits for
 * it. */
static bool
is_void(const struct sec *s, const struct region_agreement *ag)
{
	return (ag->dataset == NULL && names_registration(s));
}

static void
agreement_registration(const struct sec *s, struct region_agreement *ag)
{
	const struct region_registration *rr = NULL;

	if (ag->provider != NULL)
		rr = region_registration_find(s->b->region, ag->provider,
		    sec_text(s, "dataset"));
	if (rr != NULL)
		ag->dataset = rr->dataset;
	if (ag->dataset == NULL)
		sec_warn(s, "dataset",
		    "agreement %.*s is over a registration that is not known "
		    "here: its shares are not checked, and it shares nothing "
		    "until %.*s has registered it",
		    STR_FMT(ag->name),
		    STR_FMT(ag->provider != NULL ? ag->provider->name :
						   STR("its provider")));
}

/* Nobody shares what is someone else's, and nobody shares with itself. */
static void
agreement_parties(const struct sec *s, struct region_agreement *ag)
{
	struct build *b = s->b;
	int provider = sec_ref(s, "provider", BLOCK_TENANT);
	int consumer = sec_ref(s, "consumer", BLOCK_TENANT);
	int dataset = names_registration(s) ? -1 :
	    sec_ref(s, "dataset", BLOCK_DATASET);
	int purpose = sec_ref(s, "purpose", BLOCK_PURPOSE);

	if (provider >= 0)
		ag->provider = &b->tenants[provider];
	if (consumer >= 0)
		ag->consumer = &b->tenants[consumer];
	if (dataset >= 0)
		ag->dataset = &b->datasets[dataset];
	else if (names_registration(s))
		agreement_registration(s, ag);
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
		if (t == ag->provider) {
			ag->signed_by_provider = true;
			ag->provider_signer = sec_keep(s,
			    str_from(text, who.len + 1));
		} else if (t == ag->consumer) {
			ag->signed_by_consumer = true;
			ag->consumer_signer = sec_keep(s,
			    str_from(text, who.len + 1));
		} else
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

/* A bucket for a quota that was read; its number. */
static unsigned
take_bucket(const struct sec *s, struct str quota, struct quota_rate *rate_r)
{
	if (quota_parse(quota, rate_r) != HUB_OK)
		assert(!"a quota that was read");
	return (s->b->region->nbuckets++);
}

/* What has a price is not given away by estimate. */
static void
agreement_full(const struct sec *s, struct region_agreement *ag)
{
	struct str text = sec_text(s, "on-ledger-full");
	unsigned estimate = 0;

	if (text.p == NULL ||
	    !word_read(s, "on-ledger-full", text, full_words, &estimate))
		return;
	if (estimate && ag->price.len > 0)
		sec_error(s, "on-ledger-full",
		    "an agreement with a price cannot be estimated");
	ag->full_estimate = estimate != 0;
}

static void
agreement_terms(const struct sec *s, struct region_agreement *ag)
{
	fields_read(s, terms_fields, ag);
	if (sec_has(s, "price") && sec_ref(s, "price", BLOCK_PRICE) >= 0)
		ag->price = sec_keep(s, sec_text(s, "price"));
	if (ag->quota.len > 0)
		ag->bucket = take_bucket(s, ag->quota, &ag->rate);
	agreement_full(s, ag);
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

/* A crisis widens: what is narrower than without it is a slip of the pen. */
static void
crisis_widens(const struct sec *s, const struct region_agreement *ag,
    const struct region_crisis *c)
{
	bool wider = false;

	for (unsigned i = 0; i < ag->nshares; i++)
		wider |= ag->shares[i].history_us > 0 &&
		    c->history_us > ag->shares[i].history_us;
	if (c->history_us > 0 && ag->nshares > 0 && !wider)
		sec_warn(s, "history",
		    "crisis %.*s: history widens nothing, no share is limited "
		    "to less", STR_FMT(c->name));
	if (c->rate.count > 0 && (ag->rate.count == 0 ||
		c->rate.interval_ns >= ag->rate.interval_ns))
		sec_warn(s, "quota",
		    "crisis %.*s: quota widens nothing, the agreement's own "
		    "is not smaller", STR_FMT(c->name));
}

static void
agreement_crisis(const struct sec *s, const struct region_agreement *ag,
    struct region_crisis *c)
{
	int authority = sec_ref(s, "authority", BLOCK_TENANT);

	c->name = sec_slug(s);
	fields_read(s, crisis_fields, c);
	if (authority >= 0)
		c->authority = &s->b->tenants[authority];
	if (authority >= 0 && !c->authority->crisis_authority)
		sec_error(s, "authority",
		    "%.*s is no crisis authority (crisis-authority = true in "
		    "its tenant block)",
		    STR_FMT(c->authority->name));
	if (c->quota.len > 0)
		c->bucket = take_bucket(s, c->quota, &c->rate);
	crisis_widens(s, ag, c);
}

/* Signed in advance, dormant until their authority declares an event. */
static void
agreement_crises(const struct sec *s, struct region_agreement *ag)
{
	unsigned i, k, n = sec_nblocks(s, "crisis");
	struct region_crisis *crises;

	if (n > REGION_ITEMS_MAX) {
		sec_error(s, NULL, "over %d crisis blocks", REGION_ITEMS_MAX);
		return;
	}
	crises = arena_array(s->b->arena, (size_t)n + 1, sizeof(*crises));
	for (i = 0; i < n; i++) {
		struct sec sub = sec_block(s, "crisis", i);

		agreement_crisis(&sub, ag, &crises[i]);
		for (k = 0; k < i; k++)
			if (str_eq(crises[k].name, crises[i].name) &&
			    crises[k].authority == crises[i].authority)
				sec_error(&sub, NULL,
				    "crisis %.*s of one authority is there "
				    "twice", STR_FMT(crises[i].name));
	}
	ag->crises = crises;
	ag->ncrises = n;
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
