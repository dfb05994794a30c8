/* server/hubctl/explain_absent.c - why a dataset is not asked. The plan has
 * decided; here it is found out what would have changed its mind. */
#include "server/hubctl/explain_priv.h"

static bool
planned(struct explain *x, const struct policy_query *pq,
    const struct region_dataset *ds, const struct region_agreement *ag)
{
	const struct policy_leg *legs;
	unsigned n;

	policy_plan(x->set, pq, x->arena, &legs, &n);
	for (unsigned i = 0; i < n; i++) {
		if (legs[i].dataset != ds)
			continue;
		if (ag == NULL)
			return (true);
		for (unsigned g = 0; g < legs[i].ngrants; g++)
			if (legs[i].grants[g]->agreement == ag)
				return (true);
	}
	return (false);
}

/* Would it be asked if the request were about everything? */
static struct policy_query
wider(const struct explain *x, bool types, bool ids)
{
	struct policy_query pq = x->pq;

	if (types)
		pq.ntypes = 0;
	if (ids) {
		pq.nids = 0;
		pq.id = STR_NONE;
	}
	return (pq);
}

static const struct sentence OTHER_TYPE = {
	"Not asked: no type of the request is in it$x.",
	"Nicht gefragt: kein Typ der Anfrage kommt darin vor$x."
};
static const struct sentence OTHER_ID = {
	"Not asked: its ids are other ones than those of the request$x.",
	"Nicht gefragt: seine Kennungen sind andere als die der Anfrage$x."
};
static const struct sentence NO_OPERATION = {
	"Not asked: the source does not offer this kind of request$x.",
	"Nicht gefragt: die Quelle bietet diese Art der Anfrage nicht$x."
};

/* ag NULL: the tenant's own. */
static void
explain_selection(struct explain *x, const struct region_dataset *ds,
    const struct region_agreement *ag)
{
	static const struct {
		const char *code;
		const struct sentence *text;
		bool types, ids;
	} causes[] = {
		{ "TYPE_DROPPED", &OTHER_TYPE, true, false },
		{ "ID_PREFIX", &OTHER_ID, false, true },
		{ "TYPE_DROPPED", &OTHER_TYPE, true, true },
	};
	struct explain_line line = { .dataset = ds, .agreement = ag };
	struct both by = both_plain(STR_NONE);

	if (ag != NULL)
		by = words_fill((struct sentence){ " (agreement $x)",
		    " (Vereinbarung $x)" }, &(struct word_of){ 'x',
		    both_plain(ag->name) }, 1, x->arena);
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		struct policy_query pq = wider(x, causes[i].types,
		    causes[i].ids);

		if (!planned(x, &pq, ds, ag))
			continue;
		line.code = causes[i].code;
		explain_words(x, line, *causes[i].text, by,
		    both_plain(STR_NONE));
		return;
	}
	line.code = "NO_GRANT";
	explain_words(x, line, NO_OPERATION, by, both_plain(STR_NONE));
}

/* Why one agreement of the tenant over that dataset gives nothing here. */
static void
explain_agreement(struct explain *x, const struct region_dataset *ds,
    const struct region_agreement *ag)
{
	static const struct sentence draft = {
		"Not asked: agreement $x is a draft, the signature of $y is "
		"missing.",
		"Nicht gefragt: die Vereinbarung $x ist ein Entwurf, die "
		"Unterschrift von $y fehlt."
	}, suspended = { "Not asked: $y is suspended (agreement $x).",
		"Nicht gefragt: $y ist gesperrt (Vereinbarung $x)." },
		purpose = { "Not asked: agreement $x is for $y only.",
		    "Nicht gefragt: die Vereinbarung $x gilt nur für $y." },
		action = { "Not asked: agreement $x allows only: $y.",
		    "Nicht gefragt: die Vereinbarung $x erlaubt nur: $y." },
		period = { "Not asked: agreement $x is valid $y.",
		    "Nicht gefragt: die Vereinbarung $x gilt $y." };
	struct explain_line line = { .dataset = ds, .agreement = ag,
		.code = "NO_GRANT" };
	struct both name = both_plain(ag->name);

	if (!ag->signed_by_provider || !ag->signed_by_consumer)
		explain_words(x, line, draft, name,
		    both_plain(ag->signed_by_provider ? ag->consumer->title :
							ag->provider->title));
	else if (!policy_in_force(ag)) {
		line.code = "TENANT_SUSPENDED";
		explain_words(x, line, suspended, name,
		    both_plain(ag->provider->suspended ? ag->provider->title :
							 ag->consumer->title));
	} else if (ag->purpose != x->pq.purpose)
		explain_words(x, line, purpose, name,
		    both_plain(ag->purpose->title));
	else if ((ag->actions & x->pq.action) == 0)
		explain_words(x, line, action, name,
		    words_actions(ag->actions, x->arena));
	else if (x->pq.at.us < ag->from.us || x->pq.at.us >= ag->until.us) {
		line.code = "PERIOD";
		explain_words(x, line, period, name,
		    words_period(ag->from, ag->until, x->arena));
	} else
		explain_selection(x, ds, ag);
}

void
explain_absent(struct explain *x, const struct region_dataset *ds)
{
	static const struct sentence none = {
		"Not asked: $x and $y have no agreement over it.",
		"Nicht gefragt: $x und $y haben darüber keine Vereinbarung."
	};
	const struct region *r = x->region;
	unsigned n = 0;

	if (ds->source->owner == x->pq.consumer) {
		explain_selection(x, ds, NULL);
		return;
	}
	for (unsigned i = 0; i < r->nagreements; i++)
		if (r->agreements[i].dataset == ds &&
		    r->agreements[i].consumer == x->pq.consumer) {
			explain_agreement(x, ds, &r->agreements[i]);
			n++;
		}
	if (n == 0)
		explain_words(x, (struct explain_line){ .dataset = ds,
			.code = "NO_GRANT" }, none,
		    both_plain(ds->source->owner->title),
		    both_plain(x->pq.consumer->title));
}
