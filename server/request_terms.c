/* server/request_terms.c - under which terms an answer was given: agreements,
 * licences, and how policy narrows what is shown. */
#include "policies/licence.h"
#include "server/request_priv.h"

/* How policy narrows, as Hub-Narrowing has it, and what of that changes the
 * data, as a licence notice has it (dl-de/by-2-0, 2: changes are to be named
 * as such). */
enum narrowing {
	NARROWING_ATTRS,
	NARROWING_AREA,
	NARROWING_HISTORY,
	NARROWING_DELAY,
	NARROWING_TRANSFORM /* and the kinds behind it */
};
#define NARROWINGS (NARROWING_TRANSFORM + TRANSFORM_KINDS)

static const char *const narrowing_words[NARROWINGS] = {
	[NARROWING_ATTRS] = "attrs",
	[NARROWING_AREA] = "area",
	[NARROWING_HISTORY] = "history",
	[NARROWING_DELAY] = "delay",
	[NARROWING_TRANSFORM + TRANSFORM_ROUND] = "rounding",
	[NARROWING_TRANSFORM + TRANSFORM_GRID] = "grid",
	[NARROWING_TRANSFORM + TRANSFORM_BUCKET] = "bucket",
	[NARROWING_TRANSFORM + TRANSFORM_TRUNC_TIME] = "trunc-time",
	[NARROWING_TRANSFORM + TRANSFORM_SUPPRESS] = "suppress",
	[NARROWING_TRANSFORM + TRANSFORM_PSEUDONYM] = "pseudonym",
	[NARROWING_TRANSFORM + TRANSFORM_CONSTANT] = "constant",
};
static const char *const change_words[TRANSFORM_KINDS] = {
	[TRANSFORM_ROUND] = "gerundet",
	[TRANSFORM_GRID] = "Ort vergröbert",
	[TRANSFORM_BUCKET] = "in Klassen",
	[TRANSFORM_TRUNC_TIME] = "Zeit vergröbert",
	[TRANSFORM_SUPPRESS] = "kleine Werte entfernt",
	[TRANSFORM_PSEUDONYM] = "pseudonymisiert",
	[TRANSFORM_CONSTANT] = "ersetzt",
};

static unsigned
share_narrowing(const struct region_share *s)
{
	unsigned set = 1U << NARROWING_ATTRS;

	set |= (unsigned)(s->ninside + s->noutside > 0 || s->within != NULL)
	    << NARROWING_AREA;
	set |= (unsigned)(s->history_us > 0) << NARROWING_HISTORY;
	set |= (unsigned)(s->delay_us > 0) << NARROWING_DELAY;
	for (unsigned i = 0; i < s->ntransforms; i++)
		set |= 1U << (NARROWING_TRANSFORM + s->transforms[i].t.kind);
	return (set);
}

/* From policy alone, never from data: what any rule of the leg does. */
static unsigned
leg_narrowing(const struct policy_leg *pl)
{
	unsigned set = 0;

	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned s = 0; s < pl->grants[g]->nshares; s++)
			set |= share_narrowing(pl->grants[g]->shares[s].share);
	return (set);
}

static void
add_narrowing(const struct request *rq, struct buf *b)
{
	const char *sep = "Hub-Narrowing: ";
	unsigned n, set = 0;
	const struct leg *legs = request_plan(rq, &n);

	for (unsigned i = 0; i < n; i++)
		set |= leg_narrowing(legs[i].policy);
	for (unsigned i = 0; i < NARROWINGS; i++)
		if ((set >> i & 1) != 0) {
			buf_adds(b, str_of(sep));
			buf_adds(b, str_of(narrowing_words[i]));
			sep = ", ";
		}
	if (set != 0)
		BUF_LIT(b, "\r\n");
}

/* Is there, from g on, a grant of the agreement that released something? With
 * crisis: one that a crisis gives; its event. */
static const struct policy_grant *
used_grant(const struct policy_leg *pl, uint64_t used, unsigned g,
    const struct region_agreement *a, bool crisis)
{
	for (; g < pl->ngrants && g < REDACT_GRANTS_MAX; g++)
		if (pl->grants[g]->agreement == a && (used >> g & 1) != 0 &&
		    (!crisis || pl->grants[g]->event != NULL))
			return (pl->grants[g]);
	return (NULL);
}

/* One value per agreement that released something, with the crisis without
 * which it would have been less. */
static void
add_agreement(const struct policy_leg *pl, uint64_t used, unsigned g,
    struct buf *b)
{
	const struct region_agreement *a = pl->grants[g]->agreement;
	const struct policy_grant *crisis;

	for (unsigned k = 0; k < g; k++)
		if (pl->grants[k]->agreement == a)
			return;
	if (a == NULL || used_grant(pl, used, g, a, false) == NULL)
		return;
	crisis = used_grant(pl, used, g, a, true);
	BUF_LIT(b, "Hub-Agreement: ");
	buf_adds(b, a->name);
	BUF_LIT(b, ";v=");
	buf_addu(b, a->version);
	if (crisis != NULL)
		buf_addf(b, ";crisis=%lld", (long long)crisis->event->id);
	BUF_LIT(b, "\r\n");
}

static void
add_agreements(const struct request *rq, struct buf *b)
{
	for (unsigned i = 0; i < rq->fanout.n; i++) {
		const struct policy_leg *pl = rq->fanout.legs[i].policy;

		for (unsigned g = 0; g < pl->ngrants; g++)
			add_agreement(pl, rq->uses[i].grants_used, g, b);
	}
}

/* The events under which the answer is given, from policy alone. */
static void
add_crises(const struct request *rq, struct buf *b)
{
	const char *sep = "Hub-Crisis: ";
	unsigned n, seen = 0;
	const struct leg *legs = request_plan(rq, &n);
	int64_t *ids, id;

	for (unsigned i = 0; i < n; i++)
		seen += legs[i].policy->ngrants;
	ids = arena_array(rq->arena, seen, sizeof(*ids));
	seen = 0;
	for (unsigned i = 0; i < n; i++)
		for (unsigned g = 0; g < legs[i].policy->ngrants; g++) {
			unsigned k = 0;

			if (legs[i].policy->grants[g]->event == NULL)
				continue;
			id = legs[i].policy->grants[g]->event->id;
			while (k < seen && ids[k] != id)
				k++;
			if (k < seen)
				continue;
			ids[seen++] = id;
			buf_addf(b, "%s%lld", sep, (long long)id);
			sep = ", ";
		}
	if (seen > 0)
		BUF_LIT(b, "\r\n");
}

/* "Stadt Schwerte, dl-de/by-2-0, Daten geändert (gerundet)". The title may
 * hold umlauts, hence title* (RFC 8288, 3.4.1; RFC 8187). */
static void
add_licence(const struct region_dataset *ds, unsigned changes, struct buf *b)
{
	const struct licence *l = licence_find(ds->licence);
	const char *sep = ", Daten geändert (";

	BUF_LIT(b, "Link: <");
	buf_adds(b, str_of(l->uri));
	BUF_LIT(b, ">; rel=\"license\"; title*=UTF-8''");
	buf_add_url(b, ds->attribution, "");
	if (ds->attribution.len > 0)
		BUF_LIT(b, "%2C%20");
	buf_add_url(b, str_of(l->title), "");
	for (unsigned k = 0; k < TRANSFORM_KINDS; k++)
		if ((changes >> k & 1) != 0) {
			buf_add_url(b, str_of(sep), "");
			buf_add_url(b, str_of(change_words[k]), "");
			sep = ", ";
		}
	if (changes != 0)
		buf_add_url(b, STR(")"), "");
	BUF_LIT(b, "\r\n");
}

/* One per licence, attribution and change. */
static void
add_licences(const struct request *rq, struct buf *b)
{
	const struct region_dataset *ds, *before;
	unsigned *changes = arena_array(rq->arena, rq->fanout.n,
	    sizeof(*changes));

	for (unsigned i = 0; i < rq->fanout.n; i++) {
		const struct policy_leg *pl = rq->fanout.legs[i].policy;
		bool seen = false;

		ds = pl->dataset;
		changes[i] = leg_narrowing(pl) >> NARROWING_TRANSFORM;
		for (unsigned k = 0; k < i && !seen; k++) {
			before = rq->fanout.legs[k].policy->dataset;
			seen = rq->uses[k].entities > 0 &&
			    changes[k] == changes[i] &&
			    str_eq(before->licence, ds->licence) &&
			    str_eq(before->attribution, ds->attribution);
		}
		if (!seen && rq->uses[i].entities > 0 &&
		    licence_find(ds->licence) != NULL)
			add_licence(ds, changes[i], b);
	}
}

void
answer_terms(const struct request *rq, struct buf *b)
{
	add_agreements(rq, b);
	add_crises(rq, b);
	add_licences(rq, b);
	add_narrowing(rq, b);
}
