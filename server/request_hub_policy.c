/* server/request_hub_policy.c - agreements of the caller, and which data it
 * may know of: below /hub/v1. */

#include "policies/catalogue.h"
#include "policies/policy_state.h"
#include "server/request_hub.h"

/* ---- agreements */

/* The texts of one agreement, in the order of the columns. */
enum column {
	C_AGREEMENT,
	C_VERSION,
	C_PROVIDER,
	C_CONSUMER,
	C_DATASET,
	C_PURPOSE,
	C_ACTIONS,
	C_FROM,
	C_UNTIL,
	C_STATE,
	C_DOCUMENT,
	C_QUOTA,
	C_PRICE,
	C_SIGNED_PROVIDER,
	C_SIGNED_CONSUMER,
	COLUMNS
};
static const char *const columns[COLUMNS] = { "agreement", "version",
	"provider", "consumer", "dataset", "purpose", "actions", "from",
	"until", "state", "document", "quota", "price", "signedByProvider",
	"signedByConsumer" };

static struct str
signer(bool is_signed, struct str person)
{
	if (!is_signed)
		return (STR_NONE);
	return (person.len > 0 ? person : STR("?"));
}

static void
agreement_texts(struct request *rq, const struct region_agreement *ag,
    struct str texts[COLUMNS])
{
	struct arena *a = rq->arena;

	texts[C_AGREEMENT] = ag->name;
	texts[C_VERSION] = str_of(arena_printf(a, "%u", ag->version));
	texts[C_PROVIDER] = ag->provider->name;
	texts[C_CONSUMER] = ag->consumer->name;
	texts[C_DATASET] = ag->dataset->name;
	texts[C_PURPOSE] = ag->purpose->name;
	texts[C_ACTIONS] = words_actions(ag->actions, a).en;
	texts[C_FROM] = words_day(ag->from, a).en;
	texts[C_UNTIL] =
	    words_day((struct wall_us){ ag->until.us - 1 }, a).en;
	texts[C_STATE] = policy_state_words(
	    policy_state(rq->snapshot->policy, ag, rq->now, a)).en;
	texts[C_DOCUMENT] = ag->document;
	texts[C_QUOTA] = ag->quota;
	texts[C_PRICE] = ag->price;
	texts[C_SIGNED_PROVIDER] =
	    signer(ag->signed_by_provider, ag->provider_signer);
	texts[C_SIGNED_CONSUMER] =
	    signer(ag->signed_by_consumer, ag->consumer_signer);
}

/* RFC 4180; what a spreadsheet would take for a formula gets an apostrophe. */
static void
add_csv(struct buf *b, struct str s)
{
	buf_addc(b, '"');
	if (s.len > 0 && strchr("=+-@\t\r", s.p[0]) != NULL)
		buf_addc(b, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"')
			buf_addc(b, '"');
		buf_addc(b, s.p[i]);
	}
	buf_addc(b, '"');
}

static void
csv_row(struct buf *b, const struct str texts[COLUMNS])
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		if (i > 0)
			buf_addc(b, ',');
		add_csv(b, texts[i]);
	}
	BUF_LIT(b, "\r\n");
}

/* What of it is shared, in words. */
static void
json_shares(struct request *rq, const struct region_agreement *ag)
{
	struct buf *b = &rq->body;
	struct both released, limits;

	BUF_LIT(b, ",\"shares\":[");
	for (unsigned i = 0; i < ag->nshares; i++) {
		const struct region_share *s = &ag->shares[i];

		released = words_share(ag->dataset, s, rq->arena);
		limits = words_limits(s, rq->arena);
		if (i > 0)
			buf_addc(b, ',');
		BUF_LIT(b, "{\"type\":");
		buf_add_json(b, words_name(ag->dataset, s->type, rq->arena));
		BUF_LIT(b, ",\"attributes\":");
		buf_add_json(b, rq->german ? released.de : released.en);
		BUF_LIT(b, ",\"limits\":");
		buf_add_json(b, rq->german ? limits.de : limits.en);
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

/* For people, and to tell in whose name figures are. */
static void
json_titles(struct buf *b, const struct region_agreement *ag)
{
	BUF_LIT(b, ",\"providerTitle\":");
	buf_add_json(b, ag->provider->title);
	BUF_LIT(b, ",\"consumerTitle\":");
	buf_add_json(b, ag->consumer->title);
	BUF_LIT(b, ",\"providerAgs\":");
	buf_add_json(b, ag->provider->ags);
	BUF_LIT(b, ",\"consumerAgs\":");
	buf_add_json(b, ag->consumer->ags);
	BUF_LIT(b, ",\"datasetTitle\":");
	buf_add_json(b, ag->dataset->title);
	BUF_LIT(b, ",\"purposeTitle\":");
	buf_add_json(b, ag->purpose->title);
}

static void
json_row(struct request *rq, const struct region_agreement *ag,
    const struct str texts[COLUMNS])
{
	struct buf *b = &rq->body;

	if (b->len > 1)
		buf_addc(b, ',');
	for (unsigned i = 0; i < COLUMNS; i++) {
		buf_addf(b, "%s\"%s\":", i == 0 ? "{" : ",", columns[i]);
		if (i == C_VERSION)
			buf_adds(b, texts[i]);
		else if (texts[i].len == 0)
			BUF_LIT(b, "null");
		else
			buf_add_json(b, texts[i]);
	}
	json_shares(rq, ag);
	json_titles(b, ag);
	buf_addc(b, '}');
}

static void
add_agreement(struct request *rq, const struct region_agreement *ag)
{
	struct str texts[COLUMNS];

	agreement_texts(rq, ag, texts);
	if (rq->csv)
		csv_row(&rq->body, texts);
	else
		json_row(rq, ag, texts);
}

/* Those to which the caller is a party, drafts too: it is to sign them. */
static enum step_next
run_agreements(struct request *rq)
{
	const struct region *r = rq->snapshot->region;
	const struct tenant *t = rq->identity.tenant;
	const char *bad = hub_format(rq);
	struct str heads[COLUMNS];

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	for (unsigned i = 0; i < COLUMNS; i++)
		heads[i] = str_of(columns[i]);
	if (rq->csv)
		csv_row(&rq->body, heads);
	else
		buf_addc(&rq->body, '[');
	for (unsigned i = 0; i < r->nagreements; i++)
		if (r->agreements[i].provider == t ||
		    r->agreements[i].consumer == t)
			add_agreement(rq, &r->agreements[i]);
	if (!rq->csv)
		buf_addc(&rq->body, ']');
	return (hub_answer(rq, rq->csv ? "text/csv; charset=utf-8" :
					 "application/json"));
}

const struct step STEP_HUB_AGREEMENTS = { "agreements", run_agreements };

/* ---- catalogue */

static enum step_next
run_catalogue(struct request *rq)
{
	const struct catalogue_wanted wanted = {
		.viewer = rq->identity.tenant,
		.host = rq->worker->config->name,
		.german = rq->german
	};
	const char *bad = hub_format(rq);

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	catalogue_write(rq->snapshot->region, &wanted, &rq->body);
	return (hub_answer(rq, rq->ld ? "application/ld+json" :
					"application/json"));
}

const struct step STEP_HUB_CATALOGUE = { "catalogue", run_catalogue };
