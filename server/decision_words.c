/* server/decision_words.c - lines of the decision log in sentences; see
 * decision_words.h. */
#include "server/decision_words.h"

struct teller {
	struct decision_words *w;
	struct arena *arena;
	const struct decision *d;
};

static void
say(struct teller *t, const struct decision_source *source, struct str code,
    struct sentence s, struct both x, struct both y)
{
	const struct word_of words[] = { { 'x', x }, { 'y', y } };
	struct decision_words *w = t->w;

	assert(w->n < sizeof(w->v) / sizeof(w->v[0]));
	w->v[w->n++] = (struct decision_sentence){ source, code,
		words_fill(s, words, 2, t->arena) };
}

#define NOTHING both_plain(STR_NONE)

struct str
decision_short_name(struct str iri)
{
	size_t at = iri.len;

	while (at > 0 && iri.p[at - 1] != '/' && iri.p[at - 1] != '#')
		at--;
	return (at < iri.len ? str_from(iri, at) : iri);
}

static struct both
list(struct teller *t, const struct decision_names *l)
{
	struct both out;
	struct buf b;

	buf_init(&b, (size_t)64 << 10);
	for (unsigned i = 0; i < l->n; i++) {
		if (i > 0)
			BUF_LIT(&b, ", ");
		buf_adds(&b, decision_short_name(l->v[i]));
	}
	out = both_plain(arena_str(t->arena, buf_str(&b)));
	if (l->more > 0) {
		buf_clear(&b);
		out.en = str_of(arena_printf(t->arena, "%.*s and %lld more",
		    STR_FMT(out.en), (long long)l->more));
		out.de = str_of(arena_printf(t->arena, "%.*s und %lld weitere",
		    STR_FMT(out.de), (long long)l->more));
	}
	buf_clear(&b);
	return (out);
}

static struct both
number(struct teller *t, int64_t n)
{
	return (both_plain(str_of(arena_printf(t->arena, "%lld",
	    (long long)n))));
}

static struct both
or_dash(struct str s)
{
	return (both_plain(s.len > 0 ? s : STR("-")));
}

/* ---- the question */

static struct both
action(struct str name, struct arena *a)
{
	static const struct {
		const char *name;
		struct sentence words;
	} table[] = {
		{ "query", { "a query of entities",
		    "eine Abfrage von Entitäten" } },
		{ "retrieve", { "one entity by its id",
		    "eine Entität nach ihrer Kennung" } },
		{ "temporal", { "values of the past",
		    "Werte aus der Vergangenheit" } },
		{ "discover", { "which types and attributes there are",
		    "welche Typen und Attribute es gibt" } },
		{ "map-create", { "an entity map", "eine Entity-Map" } },
		{ "map", { "an entity map", "eine Entity-Map" } },
		{ "registrations", { "registrations",
		    "Registrierungen" } },
		{ "registration", { "a registration",
		    "eine Registrierung" } },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_eq(name, str_of(table[i].name)))
			return (words_fill(table[i].words, NULL, 0, a));
	return (or_dash(name));
}

static void
tell_question(struct teller *t)
{
	static const struct sentence who = {
		"Asked by $x with the client $y.",
		"Gefragt hat $x mit dem Client $y."
	}, nobody = { "Who asked is not known: the token was not accepted.",
		"Wer fragte, ist nicht bekannt: das Token galt nicht." },
		what = { "It asked for $x, for the purpose $y.",
		    "Gefragt wurde: $x, zum Zweck $y." },
		types = { "Of the types $x.", "Zu den Typen $x." },
		attrs = { "Of the attributes $x.", "Zu den Attributen $x." };
	const struct decision *d = t->d;

	if (d->tenant.len > 0)
		say(t, NULL, STR_NONE, who, both_plain(d->tenant),
		    or_dash(d->client));
	else
		say(t, NULL, STR_NONE, nobody, NOTHING, NOTHING);
	say(t, NULL, STR_NONE, what, action(d->action, t->arena),
	    or_dash(d->purpose));
	if (d->types.n > 0)
		say(t, NULL, STR_NONE, types, list(t, &d->types), NOTHING);
	if (d->attrs_asked.n > 0)
		say(t, NULL, STR_NONE, attrs, list(t, &d->attrs_asked),
		    NOTHING);
}

/* ---- the outcome */

/* Reasons for all of a request; the other codes are those of policy.md. */
static const struct {
	const char *code;
	struct sentence words;
} reasons[] = {
	{ "NO_TOKEN", { "Refused ($x): there was no valid access token.",
			  "Abgelehnt ($x): es fehlte ein gültiges "
			  "Zugriffstoken." } },
	{ "NO_TENANT", { "Refused ($x): the token speaks for no tenant, or "
			 "for another one than the request.",
			   "Abgelehnt ($x): das Token spricht für keinen oder "
			   "für einen anderen Mandanten als die Anfrage." } },
	{ "NO_ROLE", { "Refused ($x): the token lacks the role or the scope "
		       "for it.",
			 "Abgelehnt ($x): dem Token fehlt die Rolle oder der "
			 "Scope dafür." } },
	{ "NO_PURPOSE", { "Refused ($x): the purpose is missing, unknown, or "
			  "not in the token.",
			    "Abgelehnt ($x): der Zweck fehlt, ist unbekannt "
			    "oder steht nicht im Token." } },
	{ "TENANT_SUSPENDED", { "Refused ($x): the tenant is suspended.",
				  "Abgelehnt ($x): der Mandant ist "
				  "gesperrt." } },
	{ "QUOTA", { "Refused ($x): the quotas of the agreements were spent.",
		       "Abgelehnt ($x): die Kontingente der Vereinbarungen "
		       "waren verbraucht." } },
	{ "STALE", { "Refused ($x): the policy had not been confirmed for too "
		     "long; restricted data then wait.",
		       "Abgelehnt ($x): das Regelwerk war zu lange nicht "
		       "bestätigt; beschränkte Daten warten dann." } },
	{ "SOURCE_FAILED", { "Refused ($x): a source failed, and all or "
			     "nothing was asked for.",
			       "Abgelehnt ($x): eine Quelle fiel aus, und "
			       "verlangt war alles oder nichts." } },
	{ "NOT_SERVED", { "Not answered ($x): the hub could not or does not "
			  "do it.",
			    "Nicht beantwortet ($x): die Drehscheibe konnte "
			    "oder kann es nicht." } },
	{ "BAD_REQUEST", { "Refused ($x): the request is not well-formed.",
			     "Abgelehnt ($x): die Anfrage ist nicht "
			     "wohlgeformt." } },
	{ "NO_GRANT", { "Nothing may be shown: there is no agreement for "
			"this purpose that releases any of it.",
			  "Nichts darf gezeigt werden: keine Vereinbarung zu "
			  "diesem Zweck gibt davon etwas frei." } },
};

static void
tell_denied(struct teller *t)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (str_eq(t->d->reason, str_of(reasons[i].code)))
			say(t, NULL, t->d->reason, reasons[i].words,
			    number(t, t->d->status), NOTHING);
}

static void
tell_outcome(struct teller *t)
{
	static const struct sentence answered = {
		"Answered ($x) with $y entities.",
		"Beantwortet ($x) mit $y Entitäten."
	}, gone = { "The client left before the answer.",
		"Der Client ging vor der Antwort." },
		released = { "Released for it: $x.",
		    "Dafür freigegeben: $x." },
		all = { "The tenant's own data are shown in full.",
		    "Eigene Daten des Mandanten werden vollständig gezeigt." };
	const struct decision *d = t->d;
	struct decision_names named = d->attrs_released;
	bool own = named.n > 0 && str_eq(named.v[0], STR("*"));

	if (d->verdict == DECIDED_DENY)
		tell_denied(t);
	else if (d->status == 0)
		say(t, NULL, STR_NONE, gone, NOTHING, NOTHING);
	else
		say(t, NULL, STR_NONE, answered, number(t, d->status),
		    number(t, d->entities));
	if (own)
		say(t, NULL, STR_NONE, all, NOTHING, NOTHING);
	if (own) {
		named.v++;
		named.n--;
	}
	if (named.n > 0)
		say(t, NULL, STR_NONE, released, list(t, &named), NOTHING);
}

static void
tell_predicates(struct teller *t)
{
	static const struct sentence local = {
		"Filters on $x were judged on what may be shown.",
		"Filter über $x galten dem, was gezeigt werden darf."
	}, absent = { "Filters on $x find nothing: it is not in this view.",
		"Filter über $x finden nichts: das gibt es in dieser Sicht "
		"nicht." };
	const struct decision *d = t->d;
	struct decision_names there = { 0 }, gone = { 0 };

	there.v = arena_array(t->arena, d->npredicates, sizeof(*there.v));
	gone.v = arena_array(t->arena, d->npredicates, sizeof(*gone.v));
	for (unsigned i = 0; i < d->npredicates; i++)
		if (d->predicates[i].mode == PREDICATE_ABSENT)
			gone.v[gone.n++] = d->predicates[i].attr;
		else
			there.v[there.n++] = d->predicates[i].attr;
	if (there.n > 0)
		say(t, NULL, STR("PREDICATE_LOCAL"), local, list(t, &there),
		    NOTHING);
	if (gone.n > 0)
		say(t, NULL, STR("PREDICATE_ABSENT"), absent, list(t, &gone),
		    NOTHING);
}

/* ---- sources */

static struct both
grants(struct teller *t, const struct decision_source *s)
{
	struct both out;
	struct buf b;

	buf_init(&b, (size_t)64 << 10);
	for (unsigned i = 0; i < s->ngrants; i++) {
		const struct decision_grant *g = &s->grants[i];

		buf_adds(&b, i > 0 ? STR(", ") : STR_NONE);
		buf_adds(&b, g->agreement);
		buf_addf(&b, ";v=%lld", (long long)g->version);
		if (g->crisis > 0)
			buf_addf(&b, ";crisis=%lld", (long long)g->crisis);
	}
	out = both_plain(arena_str(t->arena, buf_str(&b)));
	buf_clear(&b);
	return (out);
}

static void
tell_source(struct teller *t, const struct decision_source *s)
{
	static const struct sentence own = {
		"The tenant's own data.", "Eigene Daten des Mandanten."
	}, by = { "Asked by agreement $x.",
		"Gefragt nach der Vereinbarung $x." },
		came = { "$x entities of it could be shown.",
		    "$x Entitäten davon konnten gezeigt werden." },
		failed = { "It did not answer, or not with anything that "
			   "could be used.",
		    "Sie antwortete nicht, oder mit nichts Brauchbarem." },
		spent = { "The quota of an agreement was spent: not "
			  "everything was asked for.",
		    "Das Kontingent einer Vereinbarung war verbraucht: nicht "
		    "alles wurde gefragt." },
		stale = { "But it was not asked: the policy had not been "
			  "confirmed for too long.",
		    "Sie wurde aber nicht gefragt: das Regelwerk war zu lange "
		    "nicht bestätigt." };

	if (s->ngrants == 0)
		say(t, s, s->kind, own, NOTHING, NOTHING);
	else
		say(t, s, s->kind, by, grants(t, s), NOTHING);
	if (str_eq(s->reason, STR("SOURCE_FAILED")))
		say(t, s, s->reason, failed, NOTHING, NOTHING);
	else if (str_eq(s->reason, STR("QUOTA")))
		say(t, s, s->reason, spent, NOTHING, NOTHING);
	else if (str_eq(s->reason, STR("STALE")))
		say(t, s, s->reason, stale, NOTHING, NOTHING);
	if (s->reason.len == 0 || s->entities_out > 0)
		say(t, s, STR_NONE, came, number(t, s->entities_out),
		    NOTHING);
}

struct decision_words *
decision_words(const struct decision *d, struct arena *a)
{
	struct teller t = { arena_alloc(a, sizeof(struct decision_words)), a,
		d };

	tell_question(&t);
	tell_outcome(&t);
	tell_predicates(&t);
	for (unsigned i = 0; i < d->nsources; i++)
		tell_source(&t, &d->sources[i]);
	return (t.w);
}
