/* server/request_explain.c - GET /hub/v1/explain/{request-id}: what became of
 * a request of the caller's own tenant (policy.md §4).
 *
 * It is read from the decision log, not from memory: what is asked about is
 * mostly older than what a worker could keep, another worker may have had it,
 * and there is one truth for this and for hubctl. */
#include "server/decision_log.h"
#include "server/decision_words.h"
#include "server/request_hub.h"

#define LOOK_MS 10000
#define RETRY_S 5

static void
on_line(struct str line, void *arg)
{
	struct request *rq = arg;

	rq->looking = NULL;
	rq->line = arena_str(rq->arena, line);
	rq->step = &STEP_HUB_EXPLAINED;
	request_wake(rq);
}

static enum step_next
refuse_away(struct request *rq)
{
	rq->retry_after = RETRY_S;
	return (refuse(rq, PROBLEM_EXPLAIN_AWAY, NULL));
}

static enum step_next
run_explain(struct request *rq)
{
	struct decision_log *log = rq->worker->decisions;
	const char *bad = hub_format(rq);
	struct uuid id;

	if (rq->looking != NULL) /* woken by the timer */
		return (rq->key_timer.armed ? NEXT_WAIT : refuse_away(rq));
	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	if (log == NULL)
		return (refuse(rq, PROBLEM_NOT_IMPLEMENTED,
		    "this hub keeps no decision log"));
	if (uuid_parse(rq->uri.segments[3], &id) != HUB_OK)
		return (refuse(rq, PROBLEM_NO_REQUEST, NULL));
	/* The cached token may go while we wait. */
	rq->explain_client = arena_str(rq->arena, rq->identity.client);
	rq->looking = decision_log_find(log, &id, rq->identity.tenant->name,
	    rq->worker->loop, on_line, rq);
	if (rq->looking == NULL)
		return (refuse_away(rq));
	timer_set(&rq->key_timer, LOOK_MS);
	return (NEXT_WAIT);
}

const struct step STEP_HUB_EXPLAIN = { "explain", run_explain };

/* ---- whose it is */

/* Who administers a tenant may look at what it asked; anybody else at what
 * came by the same client. Another tenant's is like none. */
static bool
is_theirs(const struct request *rq, const struct decision *d)
{
	const struct identity *id = &rq->identity;

	if (d->tenant.len == 0 || !str_eq(d->tenant, id->tenant->name))
		return (false);
	if ((id->roles & (ROLE_TENANT_ADMIN | ROLE_AUDITOR)) != 0)
		return (true);
	return (rq->explain_client.len > 0 &&
	    str_eq(d->client, rq->explain_client) &&
	    str_eq(d->issuer, id->issuer->iss));
}

/* ---- the document */

static void
add_member(struct buf *b, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	buf_addf(b, ",\"%s\":", name);
	buf_add_json(b, value);
}

static void
add_names(struct buf *b, const char *name, const struct decision_names *l)
{
	buf_addf(b, ",\"%s\":[", name);
	for (unsigned i = 0; i < l->n; i++) {
		buf_adds(b, i > 0 ? STR(",") : STR_NONE);
		buf_add_json(b, l->v[i]);
	}
	buf_addc(b, ']');
}

static void
add_grants(struct buf *b, const struct decision_source *s)
{
	BUF_LIT(b, ",\"agreements\":[");
	for (unsigned i = 0; i < s->ngrants; i++) {
		const struct decision_grant *g = &s->grants[i];

		buf_adds(b, i > 0 ? STR(",{\"name\":") : STR("{\"name\":"));
		buf_add_json(b, g->agreement);
		buf_addf(b, ",\"version\":%lld", (long long)g->version);
		if (g->crisis > 0)
			buf_addf(b, ",\"crisis\":%lld", (long long)g->crisis);
		buf_addf(b, ",\"used\":%s}", g->used ? "true" : "false");
	}
	buf_addc(b, ']');
}

/* Not what came from it, how long it took, or what it said: all of that can
 * tell of what is hidden. */
static void
add_sources(struct buf *b, const struct decision *d)
{
	BUF_LIT(b, ",\"sources\":[");
	for (unsigned i = 0; i < d->nsources; i++) {
		const struct decision_source *s = &d->sources[i];

		buf_adds(b, i > 0 ? STR(",{\"source\":") :
				    STR("{\"source\":"));
		buf_add_json(b, s->source);
		add_member(b, "dataset", s->dataset);
		add_grants(b, s);
		add_member(b, "kind", s->kind);
		add_member(b, "reason", s->reason);
		buf_addf(b, ",\"entities\":%lld}",
		    (long long)s->entities_out);
	}
	buf_addc(b, ']');
}

static void
add_predicates(struct buf *b, const struct decision *d)
{
	BUF_LIT(b, ",\"predicates\":[");
	for (unsigned i = 0; i < d->npredicates; i++) {
		buf_adds(b, i > 0 ? STR(",{\"attribute\":") :
				    STR("{\"attribute\":"));
		buf_add_json(b, d->predicates[i].attr);
		/* What was left to sources is nobody's but the operator's. */
		buf_addf(b, ",\"absent\":%s}",
		    d->predicates[i].mode == PREDICATE_ABSENT ? "true" :
								"false");
	}
	buf_addc(b, ']');
}

static void
add_sentences(struct buf *b, const struct decision *d, bool german,
    struct arena *a)
{
	const struct decision_words *w = decision_words(d, a);

	buf_addf(b, ",\"language\":\"%s\",\"sentences\":[",
	    german ? "de" : "en");
	for (unsigned i = 0; i < w->n; i++) {
		const struct decision_sentence *s = &w->v[i];

		buf_adds(b, i > 0 ? STR(",{\"text\":") : STR("{\"text\":"));
		buf_add_json(b, german ? s->text.de : s->text.en);
		add_member(b, "code", s->code);
		if (s->source != NULL)
			add_member(b, "dataset", s->source->dataset);
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static void
write_document(struct request *rq, const struct decision *d)
{
	struct buf *b = &rq->body;
	char at[WALL_STR_MAX];

	wall_format(d->at, at);
	buf_addf(b, "{\"at\":\"%s\"", at);
	add_member(b, "requestId", d->request_id);
	add_member(b, "clientRequestId", d->client_request_id);
	add_member(b, "tenant", d->tenant);
	add_member(b, "client", d->client);
	add_member(b, "purpose", d->purpose);
	add_member(b, "action", d->action);
	add_names(b, "types", &d->types);
	add_names(b, "attributesAsked", &d->attrs_asked);
	add_names(b, "attributesReleased", &d->attrs_released);
	add_predicates(b, d);
	add_sources(b, d);
	buf_addf(b, ",\"bundle\":%lld,\"decision\":\"%s\"",
	    (long long)d->bundle, decision_verdicts[d->verdict]);
	add_member(b, "reason", d->reason);
	buf_addf(b, ",\"status\":%lld,\"entities\":%lld,\"bytes\":%lld",
	    (long long)d->status, (long long)d->entities,
	    (long long)d->bytes);
	add_sentences(b, d, rq->german, rq->arena);
	buf_addc(b, '}');
}

static enum step_next
run_explained(struct request *rq)
{
	struct decision d;

	timer_clear(&rq->key_timer);
	if (rq->line.len == 0 ||
	    decision_read(rq->line, rq->arena, &d) != HUB_OK ||
	    !is_theirs(rq, &d))
		return (refuse(rq, PROBLEM_NO_REQUEST, NULL));
	write_document(rq, &d);
	return (hub_answer(rq, "application/json"));
}

const struct step STEP_HUB_EXPLAINED = { "explain", run_explained };
