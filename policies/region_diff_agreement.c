/* policies/region_diff_agreement.c - who gives what to whom, until when and
 * under which terms; and what nobody may give. */
#include "policies/policy.h"
#include "policies/region_diff_priv.h"
#include "policies/region_sign.h"

static const struct sentence AGREEMENT = { "agreement $n",
	"Vereinbarung $n" };
static const struct sentence FORBID = { "forbid $n", "Verbot $n" };

static const struct region_agreement *
agreement_find(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->nagreements; i++)
		if (str_eq(r->agreements[i].name, name))
			return (&r->agreements[i]);
	return (NULL);
}

bool
diff_shares_dataset(const struct region *r, struct str dataset)
{
	for (unsigned i = 0; i < r->nagreements; i++)
		if (policy_in_force(&r->agreements[i]) &&
		    str_eq(r->agreements[i].dataset->name, dataset))
			return (true);
	return (false);
}

static void
about(struct diff *d, const struct region_agreement *ag, struct about *a)
{
	*a = (struct about){ .s = diff_subject(d, AGREEMENT, ag->name),
		.p = both_plain(ag->provider->title),
		.c = both_plain(ag->consumer->title),
		.z = both_plain(ag->purpose->title) };
}

/* "a, b of T; c of U" */
static struct both
all_shares(struct diff *d, const struct region_agreement *ag)
{
	struct both text;
	struct buf en, de;

	buf_init(&en, (size_t)1 << 20);
	buf_init(&de, (size_t)1 << 20);
	for (unsigned i = 0; i < ag->nshares; i++) {
		const struct region_share *s = &ag->shares[i];
		struct both list = words_share(ag->dataset, s, d->arena);
		struct str type = words_name(ag->dataset, s->type, d->arena);

		buf_addf(&en, "%s%.*s of ", i > 0 ? "; " : "",
		    STR_FMT(list.en));
		buf_addf(&de, "%s%.*s von ", i > 0 ? "; " : "",
		    STR_FMT(list.de));
		buf_adds(&en, type);
		buf_adds(&de, type);
	}
	text = (struct both){ arena_str(d->arena, buf_str(&en)),
		arena_str(d->arena, buf_str(&de)) };
	buf_clear(&en);
	buf_clear(&de);
	return (text);
}

static void
say_begins(struct diff *d, const struct region_agreement *ag, struct about *a)
{
	static const struct sentence s = {
		"$p now gives $c for $z $o $n ($s).",
		"$p gibt $c für $z $o neu weiter: $n ($s)."
	};

	a->n = all_shares(d, ag);
	a->o = words_period(ag->from, ag->until, d->arena);
	diff_say(d, CHANGE_WIDENS, s, a);
}

static void
say_ends(struct diff *d, const struct region_agreement *was,
    const struct region_agreement *is, struct about *a)
{
	static const struct sentence s = {
		"$p no longer gives $c anything for $z under this agreement "
		"($s): $x.",
		"$p gibt $c für $z nach dieser Vereinbarung nichts mehr "
		"weiter ($s): $x."
	};

	about(d, was, a);
	a->x = is == NULL ? BOTH("it is gone", "sie ist entfallen") :
	    !is->signed_by_provider || !is->signed_by_consumer ?
	    BOTH("a signature is missing", "eine Unterschrift fehlt") :
	    BOTH("a party is suspended", "eine Partei ist gesperrt");
	diff_say(d, CHANGE_NARROWS, s, a);
}

/* ---- terms */

/* Faster, or more at once, widens; count 0 is without limit. */
static enum change_kind
quota_judge(const struct quota_rate *was, const struct quota_rate *is)
{
	uint64_t x = (uint64_t)was->count * is->window_s,
		 y = (uint64_t)is->count * was->window_s;

	if (was->count == 0 || is->count == 0)
		return (is->count == 0 ? CHANGE_WIDENS : CHANGE_NARROWS);
	if (x == y && was->burst == is->burst && was->daily == is->daily &&
	    was->strict == is->strict)
		return (CHANGE_NEUTRAL);
	if (was->daily != 0 && (is->daily == 0 || is->daily > was->daily))
		return (CHANGE_WIDENS);
	return (y <= x && is->burst <= was->burst &&
		    is->strict >= was->strict ? CHANGE_NARROWS :
						CHANGE_WIDENS);
}

static void
diff_period(struct diff *d, const struct region_agreement *was,
    const struct region_agreement *is, struct about *a)
{
	static const struct sentence s = { "$s is now valid $n, was $o.",
		"$s gilt jetzt $n, bisher $o." };

	if (was->from.us == is->from.us && was->until.us == is->until.us)
		return;
	a->o = words_period(was->from, was->until, d->arena);
	a->n = words_period(is->from, is->until, d->arena);
	diff_say(d, is->from.us >= was->from.us &&
		is->until.us <= was->until.us ? CHANGE_NARROWS : CHANGE_WIDENS,
	    s, a);
}

static const struct sentence action_names[] = { { "query", "Abfrage" },
	{ "retrieve", "Einzelabruf" }, { "temporal", "Zeitreihen" },
	{ "subscribe", "Abonnement" }, { NULL, NULL } };

static struct str
full_text(const struct region_agreement *ag)
{
	return (ag->full_estimate ? STR("estimate") : STR("refuse"));
}

static struct str
aborted_text(const struct region_agreement *ag)
{
	return (ag->bill_aborted ? STR("bill-aborted = true")
				 : STR("bill-aborted = false"));
}

static void
diff_terms(struct diff *d, const struct region_agreement *was,
    const struct region_agreement *is, struct about *a)
{
	static const struct sentence version = { "the version",
		"die Fassung" }, document = { "the document", "das Dokument" },
		price = { "the price", "der Preis" },
		full = { "what a full ledger means",
		    "was ein volles Nutzungsbuch bedeutet" },
		aborted = { "what an answer cut off costs",
		    "was eine abgebrochene Antwort kostet" },
		quota = { "the quota", "das Kontingent" },
		actions = { "what may be done",
		    "die Liste erlaubter Zugriffe" },
		provider = { "the provider", "der Anbieter" },
		consumer = { "the consumer", "der Nutzer" },
		dataset = { "the dataset", "der Datensatz" },
		purpose = { "the purpose", "der Zweck" },
		signers[2] = { { "the signature of the provider",
				   "die Unterschrift des Anbieters" },
		    { "the signature of the consumer",
			"die Unterschrift des Nutzers" } };

	diff_text(d, CHANGE_WIDENS, provider, was->provider->name,
	    is->provider->name, a);
	diff_text(d, CHANGE_WIDENS, consumer, was->consumer->name,
	    is->consumer->name, a);
	diff_text(d, CHANGE_WIDENS, dataset, was->dataset->name,
	    is->dataset->name, a);
	diff_text(d, CHANGE_WIDENS, purpose, was->purpose->name,
	    is->purpose->name, a);
	diff_text(d, CHANGE_NEUTRAL, version,
	    str_of(arena_printf(d->arena, "%u", was->version)),
	    str_of(arena_printf(d->arena, "%u", is->version)), a);
	diff_text(d, CHANGE_NEUTRAL, document, was->document, is->document, a);
	diff_text(d, CHANGE_NEUTRAL, price, was->price, is->price, a);
	diff_text(d, CHANGE_NEUTRAL, full, full_text(was), full_text(is), a);
	diff_text(d, CHANGE_NEUTRAL, aborted, aborted_text(was),
	    aborted_text(is), a);
	diff_text(d, CHANGE_NEUTRAL, signers[0], was->provider_signer,
	    is->provider_signer, a);
	diff_text(d, CHANGE_NEUTRAL, signers[1], was->consumer_signer,
	    is->consumer_signer, a);
	diff_text(d, quota_judge(&was->rate, &is->rate), quota, was->quota,
	    is->quota, a);
	diff_period(d, was, is, a);
	diff_bits(d, actions, action_names, was->actions, is->actions, false,
	    a);
}

/* ---- crises */

static const struct region_crisis *
crisis_find(const struct region_agreement *ag, struct str name)
{
	for (unsigned i = 0; i < ag->ncrises; i++)
		if (str_eq(ag->crises[i].name, name))
			return (&ag->crises[i]);
	return (NULL);
}

static struct sentence
of_crisis(struct diff *d, struct sentence what, struct str name)
{
	struct word_of x = { 'x', both_plain(name) };
	struct both text = words_fill(what, &x, 1, d->arena);

	return ((struct sentence){ text.en.p, text.de.p });
}

static void
crisis_time(struct diff *d, struct sentence what, struct str name,
    int64_t was, int64_t is, struct about *a)
{
	diff_fields(d, &(struct diff_field){ of_crisis(d, what, name), 0,
			   FT_SECONDS, RULE_MORE, NULL },
	    1, &(int64_t){ was / 1000000 }, &(int64_t){ is / 1000000 }, a);
}

/* The quota while the crisis lasts. */
static const struct quota_rate *
rate_of(const struct region_agreement *ag, const struct region_crisis *c)
{
	return (c->rate.count > 0 ? &c->rate : &ag->rate);
}

static void
diff_crisis(struct diff *d, const struct region_agreement *agwas,
    const struct region_crisis *was, const struct region_agreement *agis,
    const struct region_crisis *is, struct about *a)
{
	static const struct sentence authority = { "the authority in crisis $x",
		"die Leitung im Krisenfall $x" },
		history = { "the history in crisis $x",
		    "die Rückschau im Krisenfall $x" },
		most = { "the longest duration of crisis $x",
		    "die längste Dauer des Krisenfalls $x" },
		report = { "the time for the report on crisis $x",
		    "die Frist für den Bericht zum Krisenfall $x" },
		quota = { "the quota in crisis $x",
		    "das Kontingent im Krisenfall $x" };

	diff_text(d, CHANGE_WIDENS, of_crisis(d, authority, is->name),
	    was->authority->name, is->authority->name, a);
	crisis_time(d, history, is->name, was->history_us, is->history_us, a);
	crisis_time(d, most, is->name, was->max_us, is->max_us, a);
	diff_text(d, CHANGE_NEUTRAL, of_crisis(d, report, is->name),
	    words_duration(was->report_us, d->arena).en,
	    words_duration(is->report_us, d->arena).en, a);
	diff_text(d, quota_judge(rate_of(agwas, was), rate_of(agis, is)),
	    of_crisis(d, quota, is->name), was->quota, is->quota, a);
}

static void
diff_crises(struct diff *d, const struct region_agreement *was,
    const struct region_agreement *is, struct about *a)
{
	static const struct sentence more = {
		"$s: in a crisis $x of $n it may be widened.",
		"$s: im Krisenfall $x von $n kann sie erweitert werden."
	}, less = {
		"$s: a crisis $x of $n no longer widens it.",
		"$s: der Krisenfall $x von $n erweitert sie nicht mehr."
	};

	for (unsigned i = 0; i < is->ncrises; i++) {
		const struct region_crisis *c = crisis_find(was,
		    is->crises[i].name);

		if (c != NULL) {
			diff_crisis(d, was, c, is, &is->crises[i], a);
			continue;
		}
		a->x = both_plain(is->crises[i].name);
		a->n = both_plain(is->crises[i].authority->title);
		diff_say(d, CHANGE_WIDENS, more, a);
	}
	for (unsigned i = 0; i < was->ncrises; i++)
		if (crisis_find(is, was->crises[i].name) == NULL) {
			a->x = both_plain(was->crises[i].name);
			a->n = both_plain(was->crises[i].authority->title);
			diff_say(d, CHANGE_NARROWS, less, a);
		}
}

/* ---- agreements */

/* Of two that share nothing: was it touched at all? */
static void
diff_drafts(struct diff *d, const struct region_agreement *was,
    const struct region_agreement *is, struct about *a)
{
	static const struct sentence s = {
		"$s changed; it still shares nothing.",
		"$s wurde geändert; sie gibt weiterhin nichts weiter."
	};
	unsigned char x[32], y[32];

	region_agreement_hash(was, x);
	region_agreement_hash(is, y);
	if (memcmp(x, y, sizeof(x)) != 0 ||
	    was->signed_by_provider != is->signed_by_provider ||
	    was->signed_by_consumer != is->signed_by_consumer)
		diff_say(d, CHANGE_NEUTRAL, s, a);
}

static void
diff_agreement(struct diff *d, const struct region_agreement *was,
    const struct region_agreement *is)
{
	bool lived = policy_in_force(was), lives = policy_in_force(is);
	struct about a;

	about(d, is, &a);
	if (!lived && !lives)
		diff_drafts(d, was, is, &a);
	else if (!lived)
		say_begins(d, is, &a);
	else if (!lives)
		say_ends(d, was, is, &a);
	else {
		diff_terms(d, was, is, &a);
		diff_shares(d, was, is, &a);
		diff_crises(d, was, is, &a);
	}
}

void
diff_agreements(struct diff *d)
{
	static const struct sentence draft = {
		"$s is new and shares nothing yet.",
		"$s ist neu und gibt noch nichts weiter."
	};
	struct about a;

	for (unsigned i = 0; i < d->after->nagreements; i++) {
		const struct region_agreement *is = &d->after->agreements[i],
		    *was = agreement_find(d->before, is->name);

		about(d, is, &a);
		if (was != NULL)
			diff_agreement(d, was, is);
		else if (policy_in_force(is))
			say_begins(d, is, &a);
		else
			diff_say(d, CHANGE_NEUTRAL, draft, &a);
	}
	for (unsigned i = 0; i < d->before->nagreements; i++) {
		const struct region_agreement *was = &d->before->agreements[i];

		if (agreement_find(d->after, was->name) != NULL)
			continue;
		about(d, was, &a);
		if (policy_in_force(was))
			say_ends(d, was, NULL, &a);
		else
			diff_gone(d, CHANGE_NEUTRAL, &a);
	}
}

/* ---- forbids: one name may be several rules */

static bool
forbid_there(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->nforbids; i++)
		if (str_eq(r->forbids[i].name, name))
			return (true);
	return (false);
}

static bool
name_covers(const struct name *a, const struct name *b)
{
	return (a == NULL || (b != NULL && str_eq(a->iri, b->iri)));
}

static bool
text_covers(const struct str *a, const struct str *b)
{
	return (a == NULL || (b != NULL && str_eq(*a, *b)));
}

/* Does a forbid all that b forbids? */
static bool
forbid_covers(const struct region_forbid *a, const struct region_forbid *b)
{
	return (name_covers(a->type, b->type) &&
	    name_covers(a->attribute, b->attribute) &&
	    text_covers(a->dataset != NULL ? &a->dataset->name : NULL,
		b->dataset != NULL ? &b->dataset->name : NULL) &&
	    text_covers(a->consumer != NULL ? &a->consumer->name : NULL,
		b->consumer != NULL ? &b->consumer->name : NULL) &&
	    text_covers(a->purpose != NULL ? &a->purpose->name : NULL,
		b->purpose != NULL ? &b->purpose->name : NULL) &&
	    (!a->crisis_override || b->crisis_override));
}

/* Every rule of that name in b is covered by one of that name in a. */
static bool
forbids_cover(const struct region *a, const struct region *b, struct str name)
{
	for (unsigned i = 0; i < b->nforbids; i++) {
		bool covered = !str_eq(b->forbids[i].name, name);

		for (unsigned k = 0; k < a->nforbids && !covered; k++)
			covered = str_eq(a->forbids[k].name, name) &&
			    forbid_covers(&a->forbids[k], &b->forbids[i]);
		if (!covered)
			return (false);
	}
	return (true);
}

static struct str
reason_of(const struct region *r, struct str name)
{
	for (unsigned i = 0; i < r->nforbids; i++)
		if (str_eq(r->forbids[i].name, name))
			return (r->forbids[i].reason);
	return (STR_NONE);
}

static void
diff_forbid(struct diff *d, struct str name, struct about *a)
{
	static const struct sentence more = { "$s forbids more than before.",
		"$s untersagt mehr als bisher." },
		other = { "$s no longer forbids all that it did.",
		    "$s untersagt nicht mehr alles wie bisher." },
		reason = { "the reason", "die Begründung" };
	bool all = forbids_cover(d->after, d->before, name),
	     same = all && forbids_cover(d->before, d->after, name);

	if (!same)
		diff_say(d, all ? CHANGE_NARROWS : CHANGE_WIDENS,
		    all ? more : other, a);
	diff_text(d, CHANGE_NEUTRAL, reason, reason_of(d->before, name),
	    reason_of(d->after, name), a);
}

static bool
first_of_name(const struct region *r, unsigned i)
{
	return (i == 0 || !str_eq(r->forbids[i].name, r->forbids[i - 1].name));
}

void
diff_forbids(struct diff *d)
{
	static const struct sentence more = { "$s is new: $x.",
		"Neues Verbot: $n: $x." },
		less = { "$s is lifted.", "Das Verbot $n ist aufgehoben." };
	struct about a = { 0 };

	for (unsigned i = 0; i < d->after->nforbids; i++) {
		const struct region_forbid *f = &d->after->forbids[i];

		if (!first_of_name(d->after, i))
			continue;
		a.s = diff_subject(d, FORBID, f->name);
		a.n = both_plain(f->name);
		a.x = both_plain(f->reason);
		if (forbid_there(d->before, f->name))
			diff_forbid(d, f->name, &a);
		else
			diff_say(d, CHANGE_NARROWS, more, &a);
	}
	for (unsigned i = 0; i < d->before->nforbids; i++) {
		const struct region_forbid *f = &d->before->forbids[i];

		if (!first_of_name(d->before, i) ||
		    forbid_there(d->after, f->name))
			continue;
		a.s = diff_subject(d, FORBID, f->name);
		a.n = both_plain(f->name);
		diff_say(d, CHANGE_WIDENS, less, &a);
	}
}
