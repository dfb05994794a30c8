/* server/request_decision.c - what a request tells the decision log when it
 * ends (policy.md §4): names and counts, never a value. */
#include "server/decision_log.h"
#include "server/request_hub.h"

/* ---- who: written once for a bearer, not with each request */

#define BEARERS	    256
#define BEARER_TEXT 1024

struct bearer {
	uint64_t generation; /* of the snapshot that has the issuer; 0: free */
	const struct tenant *tenant;
	unsigned issuer, roles, bound;
	int64_t day; /* keys change with a month, so with a day */
	size_t subject, client, who; /* lengths; they stand in text in turn */
	char text[BEARER_TEXT];
};

struct decision_bearers {
	struct bearer slots[BEARERS];
};

static struct str
sender_word(unsigned bound)
{
	static const struct str words[4] = { STR("none"), STR("mtls"),
		STR("dpop"), STR("mtls+dpop") };

	return (words[bound & (BOUND_CERT | BOUND_KEY)]);
}

/* *named_r: a key for the person's name was there. */
static struct str
write_who(struct request *rq, bool *named_r)
{
	const struct identity *id = &rq->identity;
	char subject[DECISION_SUBJECT_MAX];
	struct str roles[32], text;
	struct decision d = { .issuer = id->issuer->iss,
		.client = id->client,
		.sender = sender_word(id->bound),
		.roles = { .v = roles } };
	struct buf b;

	decision_log_subject(rq->worker->decisions, rq->now, id->issuer->iss,
	    id->subject, subject);
	d.subject = str_of(subject);
	*named_r = d.subject.len > 0;
	if (id->tenant != NULL)
		d.tenant = id->tenant->name;
	for (unsigned i = 0; 1U << i <= ROLE_HUB_OPERATOR; i++)
		if ((id->roles >> i & 1) != 0)
			roles[d.roles.n++] = token_role_name(1U << i);
	buf_init(&b, 65536);
	decision_write_who(&d, &b);
	text = arena_str(rq->arena, buf_str(&b));
	buf_clear(&b);
	return (text);
}

static bool
is_bearer(const struct bearer *s, const struct request *rq, int64_t day)
{
	const struct identity *id = &rq->identity;

	return (s->generation == rq->snapshot->generation && s->day == day &&
	    s->tenant == id->tenant && s->issuer == id->issuer->index &&
	    s->roles == id->roles && s->bound == id->bound &&
	    str_eq((struct str){ s->text, s->subject }, id->subject) &&
	    str_eq((struct str){ s->text + s->subject, s->client },
		id->client));
}

static void
keep_bearer(struct bearer *s, const struct request *rq, int64_t day,
    struct str who)
{
	const struct identity *id = &rq->identity;

	s->generation = 0;
	if (id->subject.len + id->client.len + who.len > BEARER_TEXT)
		return;
	*s = (struct bearer){ .generation = rq->snapshot->generation,
		.tenant = id->tenant, .issuer = id->issuer->index,
		.roles = id->roles, .bound = id->bound, .day = day,
		.subject = id->subject.len, .client = id->client.len,
		.who = who.len };
	memcpy(s->text, id->subject.p, s->subject);
	if (s->client > 0)
		memcpy(s->text + s->subject, id->client.p, s->client);
	memcpy(s->text + s->subject + s->client, who.p, who.len);
}

void
decision_who(struct request *rq)
{
	struct worker *w = rq->worker;
	int64_t day = rq->now.us / WALL_DAY_US;
	struct bearer *s;
	bool named;

	if (w->decisions == NULL)
		return;
	if (w->bearers == NULL)
		w->bearers = xcalloc(1, sizeof(*w->bearers));
	s = &w->bearers->slots[hash_str(rq->identity.subject) % BEARERS];
	rq->decided.known = true;
	/* A copy: another's request may take the place while this one waits. */
	if (is_bearer(s, rq, day)) {
		rq->decided.who = arena_str(rq->arena, (struct str){
		    s->text + s->subject + s->client, s->who });
		return;
	}
	rq->decided.who = write_who(rq, &named);
	if (named) /* else the key may be there for the next one */
		keep_bearer(s, rq, day, rq->decided.who);
}

static void
note_who(const struct request *rq, struct decision *d)
{
	const struct identity *id = &rq->identity;

	if (!rq->decided.known)
		return;
	if (id->tenant != NULL)
		d->tenant = id->tenant->name;
	d->who = rq->decided.who;
	if (rq->purpose != NULL)
		d->purpose = rq->purpose->name;
}

/* ---- what */

static struct decision_names
names_of(struct request *rq, const struct name *const *v, unsigned n)
{
	struct decision_names l = { .n = n };

	if (n > DECISION_NAMES_MAX) {
		l.n = DECISION_NAMES_MAX;
		l.more = n - l.n;
	}
	l.v = arena_raw(rq->arena, (l.n + 1) * sizeof(*l.v));
	for (unsigned i = 0; i < l.n; i++)
		l.v[i] = v[i]->iri;
	return (l);
}

struct predicates {
	struct request *rq;
	struct decision *d;
	bool pushed;
};

/* Is it in the view of any source, going by policy alone? */
static bool
may_show(const struct request *rq, const struct name *name)
{
	unsigned n;
	const struct leg *legs = request_plan(rq, &n);

	for (unsigned i = 0; i < n; i++)
		if (policy_may_show(legs[i].policy, name))
			return (true);
	return (false);
}

static void
add_predicate(const struct name *name, void *arg)
{
	struct predicates *p = arg;
	struct decision *d = p->d;

	for (unsigned i = 0; i < d->npredicates; i++)
		if (str_eq(d->predicates[i].attr, name->iri))
			return;
	if (d->npredicates < DECISION_NAMES_MAX)
		d->predicates[d->npredicates++] = (struct decision_predicate){
			name->iri, !may_show(p->rq, name) ? PREDICATE_ABSENT :
			    p->pushed ? PREDICATE_PUSHED : PREDICATE_LOCAL };
}

static void
note_predicates(struct request *rq, struct decision *d)
{
	struct predicates p = { .rq = rq, .d = d };
	bool geo = false;

	if (rq->query.q == NULL && rq->query.geo == NULL)
		return;
	d->predicates = arena_raw(rq->arena,
	    DECISION_NAMES_MAX * sizeof(*d->predicates));
	for (unsigned i = 0; i < rq->fanout.n; i++) {
		const struct source_push *push = rq->fanout.legs[i].ask.push;

		p.pushed |= push != NULL && push->q.p != NULL;
		geo |= push != NULL && push->geo.georel.p != NULL;
	}
	if (rq->query.q != NULL)
		q_names(rq->query.q, add_predicate, &p);
	p.pushed = geo;
	if (rq->query.geo != NULL)
		add_predicate(geo_name(rq->query.geo), &p);
}

/* "*" stands first: own data, of which nothing is held back. */
static struct decision_names
released_names(struct request *rq)
{
	struct decision_names l = names_of(rq, rq->decided.released,
	    rq->decided.nreleased), all;

	if (!rq->decided.all)
		return (l);
	all = (struct decision_names){ .more = l.more };
	all.v = arena_raw(rq->arena, DECISION_NAMES_MAX * sizeof(*all.v));
	all.v[all.n++] = STR("*");
	for (unsigned i = 0; i < l.n; i++)
		if (all.n < DECISION_NAMES_MAX)
			all.v[all.n++] = l.v[i];
		else
			all.more++;
	return (all);
}

static void
note_query(struct request *rq, struct decision *d)
{
	const struct query *q = &rq->query;

	d->types = names_of(rq, q->types, q->ntypes);
	d->attrs_asked = q->nattrs > 0 ? names_of(rq, q->attrs, q->nattrs) :
	    names_of(rq, q->pick, q->npick);
	d->ids = rq->retrieve ? 1 : q->nids;
	d->attrs_released = released_names(rq);
	note_predicates(rq, d);
}

/* What the steps are called, as far as they are resources. */
static struct str
action_word(const struct request *rq)
{
	const struct resource *r = rq->resource;

	if (r == NULL || r->next == NULL)
		return (STR_NONE);
	return (r->retrieve && rq->temporal == NULL &&
		    r->next == &STEP_QUERY ? STR("retrieve") :
					     str_of(r->next->name));
}

/* ---- the sources */

static int64_t
entities_in(const struct leg *leg)
{
	int64_t n = 0;

	if (leg->open)
		return (0);
	if (leg->recalled && leg->known != NULL)
		return (leg->known->count);
	for (const struct leg_page *p = leg->pages; p != NULL; p = p->next)
		n += p->single	       ? 1 :
		    p->doc.json.n > 0 ? p->doc.json.nodes[0].count :
					0;
	return (n);
}

static void
note_grants(struct request *rq, const struct policy_leg *pl, uint64_t used,
    struct decision_source *s)
{
	unsigned n = pl->ngrants < DECISION_GRANTS_MAX ? pl->ngrants :
							 DECISION_GRANTS_MAX;

	s->grants = arena_raw(rq->arena, n * sizeof(*s->grants) + 1);
	for (unsigned g = 0; g < n; g++) {
		const struct policy_grant *grant = pl->grants[g];

		if (grant->agreement == NULL)
			continue;
		s->grants[s->ngrants++] = (struct decision_grant){
			.agreement = grant->agreement->name,
			.version = grant->agreement->version,
			.crisis = grant->event != NULL ? grant->event->id : 0,
			.used = (used >> g & 1) != 0 };
	}
}

static struct str
source_reason(const struct leg *leg)
{
	if (leg->unconfirmed)
		return (STR("STALE"));
	if (leg->withheld || leg->spent)
		return (STR("QUOTA"));
	return (leg->warning != WARN_NONE ? STR("SOURCE_FAILED") : STR_NONE);
}

static void
note_source(struct request *rq, unsigned i, struct decision_source *s)
{
	const struct leg *leg = &rq->fanout.legs[i];
	const struct leg_use *use = &rq->uses[i];

	*s = (struct decision_source){ .dataset = leg->policy->dataset->name,
		.source = leg->policy->dataset->source->name,
		.kind = leg->policy->own ? STR("FULL") : STR("CONDITIONAL"),
		.reason = source_reason(leg),
		.upstream_status = leg->status,
		.ms = leg->upstream_us / 1000,
		.entities_in = entities_in(leg),
		.entities_out = use->entities };
	note_grants(rq, leg->policy, use->grants_used, s);
}

static void
note_sources(struct request *rq, struct decision *d)
{
	unsigned n = rq->fanout.n;

	d->sources = arena_raw(rq->arena, n * sizeof(*d->sources) + 1);
	for (unsigned i = 0; i < n && d->nsources < DECISION_SOURCES_MAX; i++)
		if (!rq->fanout.legs[i].aside)
			note_source(rq, i, &d->sources[d->nsources++]);
}

static void
note_crises(struct request *rq, struct decision *d)
{
	unsigned k;

	d->crises = arena_raw(rq->arena,
	    DECISION_GRANTS_MAX * sizeof(*d->crises));
	for (unsigned i = 0; i < d->nsources; i++)
		for (unsigned g = 0; g < d->sources[i].ngrants; g++) {
			int64_t id = d->sources[i].grants[g].crisis;

			for (k = 0; k < d->ncrises && d->crises[k] != id;)
				k++;
			if (id > 0 && k == d->ncrises &&
			    k < DECISION_GRANTS_MAX)
				d->crises[d->ncrises++] = id;
		}
}

/* ---- what came of it */

/* A bad token and a bad purpose are answered alike; here they are not. */
static struct str
forbidden_reason(const struct request *rq)
{
	return (rq->decided.admitted ? STR("NO_PURPOSE") : STR("NO_ROLE"));
}

static struct str
refusal_reason(const struct request *rq)
{
	switch (rq->problem) {
	case PROBLEM_UNAUTHORIZED:
		return (STR("NO_TOKEN"));
	case PROBLEM_FORBIDDEN:
		return (forbidden_reason(rq));
	case PROBLEM_ISSUER_NOT_ENTITLED:
	case PROBLEM_AMBIGUOUS_TENANT:
	case PROBLEM_NONEXISTENT_TENANT:
		return (STR("NO_TENANT"));
	case PROBLEM_TENANT_SUSPENDED:
		return (STR("TENANT_SUSPENDED"));
	case PROBLEM_PURPOSE_REQUIRED:
		return (STR("NO_PURPOSE"));
	case PROBLEM_QUOTA_SPENT:
		return (STR("QUOTA"));
	case PROBLEM_POLICY_STALE:
		return (STR("STALE"));
	case PROBLEM_SOURCES_FAILED:
	case PROBLEM_SOURCES_LATE:
		return (STR("SOURCE_FAILED"));
	default:
		return (problem_status(rq->problem) >= 500 ?
			STR("NOT_SERVED") : STR("BAD_REQUEST"));
	}
}

/* By policy, not by what sources hold: an answer without entities may be all
 * that there is. */
static void
note_planned(const struct request *rq, struct decision *d)
{
	unsigned failed = 0;

	d->verdict = DECIDED_PERMIT;
	for (unsigned i = 0; i < d->nsources; i++)
		if (d->sources[i].reason.len > 0) {
			d->verdict = DECIDED_PARTIAL;
			d->reason = d->sources[i].reason;
			failed++;
		}
	if (rq->decided.planned && d->nsources == 0 && !rq->query.any_type &&
	    !rq->query.local) {
		d->verdict = DECIDED_DENY;
		d->reason = STR("NO_GRANT");
	}
}

/* What is not there was looked for, and might have been shown. */
static bool
is_refused(const struct request *rq)
{
	switch (rq->problem) {
	case PROBLEM_NOT_FOUND:
	case PROBLEM_NO_REGISTRATION:
	case PROBLEM_NO_REQUEST:
		return (false);
	case PROBLEM_NO_ROUTE:
		return (rq->resource == NULL);
	default:
		return (true);
	}
}

static void
note_outcome(struct request *rq, struct decision *d)
{
	bool refused = rq->step == &STEP_REFUSE && is_refused(rq);

	d->status = rq->exchange != NULL ? rq->status : 0;
	d->entities = rq->nshown;
	d->ms = (loop_now(rq->worker->loop).us - rq->begun.us) / 1000;
	if (refused) {
		d->verdict = DECIDED_DENY;
		d->reason = refusal_reason(rq);
	} else
		note_planned(rq, d);
	if (rq->exchange != NULL && rq->method != HTTP_HEAD)
		d->bytes = (int64_t)rq->body.len;
}

static void
note_bundle(const struct request *rq, struct decision *d)
{
	if (rq->snapshot == NULL)
		return;
	d->bundle = rq->snapshot->bundle;
	d->bundle_hash = (struct str){ rq->snapshot->hash_text,
		2 * SHA256_LEN };
	d->registered = rq->snapshot->registered;
}

/* Who asked for what: what the decision log alone has. */
static void
note_asked(struct request *rq, struct decision *d)
{
	static const struct str methods[] = { [HTTP_GET] = STR("GET"),
		[HTTP_HEAD] = STR("HEAD"), [HTTP_POST] = STR("POST"),
		[HTTP_PUT] = STR("PUT"), [HTTP_PATCH] = STR("PATCH"),
		[HTTP_DELETE] = STR("DELETE"),
		[HTTP_OPTIONS] = STR("OPTIONS"), [HTTP_OTHER] = STR("OTHER") };

	/* Of a client that has gone nothing can be read any more. */
	if (rq->exchange != NULL) {
		d->client_request_id = rq->client_request_id;
		d->method = methods[http_exchange_head(rq->exchange)->method];
	}
	note_bundle(rq, d);
	note_who(rq, d);
	d->action = action_word(rq);
	if (rq->decided.planned)
		note_query(rq, d);
}

/* Once, when the answer leaves; or when it cannot leave any more. */
void
decision_note(struct request *rq)
{
	struct decision d = { .at = rq->now,
		.request_id = str_of(rq->id_text),
		.trace = str_of(rq->trace.id) };
	bool kept = rq->worker->decisions != NULL && !rq->decided.noted;
	bool logged = request_logs(rq) && !rq->decided.logged;

	rq->decided.noted = true;
	rq->decided.logged = true;
	if (!kept && !logged)
		return;
	if (kept)
		note_asked(rq, &d);
	if (rq->decided.planned) {
		note_sources(rq, &d);
		note_crises(rq, &d);
	}
	note_outcome(rq, &d);
	if (kept)
		decision_log_add(rq->worker->decisions, rq->worker->index,
		    &d);
	if (logged)
		request_log(rq, &d);
}
