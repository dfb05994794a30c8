/* server/request_gate.c - who asks, and for what: the steps authenticate, admit
 * and query. */
#include "server/control.h"
#include "server/persons.h"
#include "server/request_hub.h"

#include "server/base/log.h"
#include "server/base/log_limit.h"

#define KEY_WAIT_MS 500
#define CONNECTIONS_RETRY_S 10

/* ---- authenticate */

/* What follows "Bearer " or "DPoP " in the only Authorization field. */
static struct credentials
credentials(const struct http_head *h)
{
	unsigned n = 0;
	struct str v = http_field_find(h, STR("Authorization"), &n);

	if (n == 1 && v.len > 7 &&
	    str_caseeq((struct str){ v.p, 7 }, STR("Bearer ")))
		return ((struct credentials){ str_from(v, 7), false });
	if (n == 1 && v.len > 5 &&
	    str_caseeq((struct str){ v.p, 5 }, STR("DPoP ")))
		return ((struct credentials){ str_from(v, 5), true });
	return ((struct credentials){ STR_NONE, false });
}

static void
tell_refused(const struct request *rq, const char *why)
{
	struct worker *w = rq->worker;

	if (log_limit_take(w->refused, why, loop_now(w->loop)))
		log_info("token refused", "request=%s why=\"%s\"",
		    rq->id_text, why);
}

static enum step_next
forbidden(struct request *rq)
{
	static const struct {
		const char *name;
		enum problem problem;
	} table[] = {
		{ "issuer-not-entitled", PROBLEM_ISSUER_NOT_ENTITLED },
		{ "ambiguous-tenant", PROBLEM_AMBIGUOUS_TENANT },
		{ "tenant-suspended", PROBLEM_TENANT_SUSPENDED },
	};

	tell_refused(rq, rq->identity.forbidden);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(rq->identity.forbidden, table[i].name) == 0)
			return (refuse(rq, table[i].problem, NULL));
	return (refuse(rq, PROBLEM_FORBIDDEN, NULL));
}

/* The key set may just be old: ask for a new one, once, and wait a little. */
static enum step_next
await_keys(struct request *rq)
{
	struct worker *w = rq->worker;

	if (rq->waited_for_keys ?
		!rq->key_timer.armed :
		control_keys_fresh(w->control, rq->identity.issuer))
		return (refuse(rq, PROBLEM_UNAUTHORIZED, NULL));
	worker_await_keys(w, &rq->waiter, request_wake, rq);
	/* Woken by the keys of another issuer, it waits on for its own. */
	if (!rq->waited_for_keys) {
		timer_set(&rq->key_timer, KEY_WAIT_MS);
		control_want_keys(w->control, rq->identity.issuer);
	}
	rq->waited_for_keys = true;
	return (NEXT_WAIT);
}

/* The keys of the token's issuer in a pair, or NULL. */
static const struct keyset *
keys_of(const struct request *rq, const struct keyring *k)
{
	unsigned i = rq->identity.issuer->index;

	return (i < k->n ? k->sets[i] : NULL);
}

void
request_pin(struct request *rq)
{
	struct worker *w = rq->worker;

	rq->decided.known = false;
	snapshot_unref(&rq->snapshot);
	keyring_unref(&rq->keyring);
	source_tokens_unref(&rq->source_tokens);
	rq->snapshot = snapshot_ref(w->snapshot);
	rq->keyring = keyring_ref(w->keyring);
	rq->source_tokens = source_tokens_ref(w->source_tokens);
}

/* After the wait the pair in force may be another one. Once the token's
 * issuer has other keys, there is nothing more to wait for. */
static void
repin(struct request *rq)
{
	struct worker *w = rq->worker;

	worker_forget_keys(w, &rq->waiter);
	if (rq->snapshot == w->snapshot &&
	    keys_of(rq, rq->keyring) != keys_of(rq, w->keyring))
		timer_clear(&rq->key_timer);
	request_pin(rq);
}

static enum step_next
unauthorized(struct request *rq, const char *why)
{
	tell_refused(rq, why);
	return (refuse(rq, PROBLEM_UNAUTHORIZED, NULL));
}

/* Once for a token, and again when another month has begun. */
static void
note_person(struct request *rq)
{
	struct persons *persons = rq->worker->persons;

	if (persons != NULL && rq->now.us >= rq->identity.person_until.us)
		persons_name(persons, rq->now, &rq->identity);
}

/* The token is good, whether seen before or not: the proof of what it is bound
 * to is another one each time. */
static enum step_next
identified(struct request *rq, const struct credentials *c)
{
	const char *why = "";

	if ((c->dpop || rq->identity.bound != 0) && !rq->proved &&
	    !request_proved(rq, c, &why))
		return (unauthorized(rq, why));
	if (request_is_revoked(rq, &why))
		return (unauthorized(rq, why));
	decision_who(rq);
	return (rq->identity.forbidden == NULL ? go(rq, &STEP_ADMIT) :
						 forbidden(rq));
}

static enum step_next
run_authenticate(struct request *rq)
{
	struct worker *w = rq->worker;
	const struct identity *known;
	const char *why = "";
	struct credentials c;

	if (rq->snapshot == NULL || rq->keyring == NULL)
		return (refuse(rq, PROBLEM_NOT_READY, NULL));
	if (rq->waited_for_keys)
		repin(rq);
	c = credentials(http_exchange_head(rq->exchange));
	if (c.token.len == 0 || c.token.len > TOKEN_BYTES_MAX)
		return (refuse(rq, PROBLEM_UNAUTHORIZED, NULL));
	known = token_cache_find(w->tokens, c.token, rq->now,
	    rq->snapshot->generation, rq->keyring->generation);
	if (known != NULL) {
		rq->identity = *known;
		note_person(rq);
		return (identified(rq, &c));
	}
	switch (token_verify(&rq->snapshot->region->tenants, rq->keyring,
	    c.token, rq->now, rq->arena, &rq->identity, &why)) {
	case TOKEN_VALID:
		note_person(rq);
		token_cache_put(w->tokens, c.token, &rq->identity, rq->now,
		    rq->snapshot->generation, rq->keyring->generation);
		return (identified(rq, &c));
	case TOKEN_FORBIDDEN:
		return (identified(rq, &c));
	case TOKEN_UNKNOWN_KID:
		return (await_keys(rq));
	case TOKEN_DENIED:
	default:
		return (unauthorized(rq, why));
	}
}

const struct step STEP_AUTHENTICATE = { "authenticate", run_authenticate };

/* ---- admit */

static bool
purpose_in_scope(const struct identity *id, struct str name)
{
	for (unsigned i = 0; i < id->npurposes; i++)
		if (str_eq(id->purposes[i], name))
			return (true);
	return (false);
}

/* The purpose named, else the only one that can be meant, else none: own data
 * need no purpose. PROBLEM_MAX: fine. */
static enum problem
find_purpose(struct request *rq)
{
	const struct snapshot *s = rq->snapshot;
	const struct policy_query pq = { .consumer = rq->identity.tenant,
		.at = rq->now,
		.nvoid = rq->nvoid,
		.voids = rq->voids };
	bool several = false;

	if (rq->purpose_name.p != NULL) {
		rq->purpose = region_purpose_find(s->region, rq->purpose_name);
		if (rq->purpose == NULL ||
		    !purpose_in_scope(&rq->identity, rq->purpose_name))
			return (PROBLEM_FORBIDDEN);
		return (PROBLEM_MAX);
	}
	rq->purpose = policy_query_purpose(s->policy, &pq, &several);
	if (several)
		return (PROBLEM_PURPOSE_REQUIRED);
	if (rq->purpose != NULL &&
	    !purpose_in_scope(&rq->identity, rq->purpose->name))
		rq->purpose = NULL; /* not asked for, not in the token */
	return (PROBLEM_MAX);
}

/* A client's NGSILD-Tenant must name its own tenant (decision 3). */
static enum problem
check_tenant_field(const struct request *rq, const struct http_head *h)
{
	unsigned n = 0;
	struct str v = http_field_find(h, STR("NGSILD-Tenant"), &n);

	if (n == 0)
		return (PROBLEM_MAX);
	if (n > 1 || v.len == 0)
		return (PROBLEM_BAD_REQUEST);
	return (str_eq(v, rq->identity.tenant->name) ?
	    PROBLEM_MAX : PROBLEM_NONEXISTENT_TENANT);
}

/* The client's @context: from Link, unless its body brings one (6.3.5), and
 * known to the region. */
static enum problem
find_context(
    struct request *rq, const struct http_head *h, const char **why_r)
{
	const struct vocab *vocab = rq->snapshot->region->vocab;
	unsigned n = 0;
	struct str url = STR_NONE, v = http_field_find(h, STR("Link"), &n);

	if (n == 0)
		return (PROBLEM_MAX);
	if (n > 1 || context_link_parse(v, &url) != HUB_OK)
		return (PROBLEM_BAD_REQUEST);
	if (url.p == NULL)
		return (PROBLEM_MAX);
	if (rq->body_ld) {
		*why_r = "a body of application/ld+json brings its @context; "
			 "there must be none in Link";
		return (PROBLEM_BAD_REQUEST);
	}
	rq->context = vocab_context(vocab, url);
	return (rq->context != NULL ? PROBLEM_MAX :
				      PROBLEM_CONTEXT_UNAVAILABLE);
}

/* One of these. */
static unsigned
roles_needed(const struct request *rq)
{
	switch (rq->resource->access) {
	case ACCESS_ROLES:
		return (rq->hub->roles);
	case ACCESS_REGISTRY:
		return (ROLE_SOURCE_ADMIN);
	default:
		return (ROLE_DATA_READER);
	}
}

static enum step_next
run_admit(struct request *rq)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	const char *why = NULL;
	enum problem p;

	if (request_is_shut_out(rq))
		return (refuse(rq, PROBLEM_TENANT_SUSPENDED, NULL));
	if (!http_exchange_seat(rq->exchange, rq->identity.tenant->name,
		rq->worker->config->per_tenant)) {
		rq->retry_after = CONNECTIONS_RETRY_S;
		return (refuse(rq, PROBLEM_TOO_MANY_CONNECTIONS, NULL));
	}
	request_find_voids(rq);
	p = check_tenant_field(rq, h);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, NULL));
	if ((rq->identity.roles & roles_needed(rq)) == 0 ||
	    (rq->identity.scopes & SCOPE_HUB_READ) == 0)
		return (refuse(rq, PROBLEM_FORBIDDEN, NULL));
	rq->decided.admitted = true;
	names_init(&rq->names, rq->snapshot->region->vocab, rq->arena);
	rq->context = vocab_core(rq->snapshot->region->vocab);
	if (rq->resource->access == ACCESS_HUB ||
	    rq->resource->access == ACCESS_ROLES)
		return (go(rq, rq->resource->next));
	p = rq->resource->access == ACCESS_REGISTRY ? PROBLEM_MAX :
						      find_purpose(rq);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, NULL));
	p = find_context(rq, h, &why);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	return (go(rq, rq->resource->next));
}

const struct step STEP_ADMIT = { "admit", run_admit };

/* ---- query */

enum step_next
refuse_query(struct request *rq, const struct query_error *e)
{
	switch (e->status) {
	case 403:
		return (refuse(rq, PROBLEM_TOO_MANY_RESULTS, NULL));
	case 501:
		return (refuse(rq, PROBLEM_NOT_IMPLEMENTED, e->detail));
	default:
		return (refuse(rq, PROBLEM_BAD_REQUEST, e->detail));
	}
}

static enum hub_err
parse_body(struct request *rq, const struct json *j, struct query_error *e)
{
	enum hub_err err = query_parse_body(j, &rq->uri, rq->context,
	    &rq->names, rq->arena, &rq->query, e);

	/* No Link can name several contexts: then names are IRIs. */
	if (context_url(rq->context).len == 0)
		rq->context = vocab_core(rq->snapshot->region->vocab);
	return (err);
}

static enum step_next
run_query(struct request *rq)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	struct query_error e = { 0 };
	const char *why = NULL;
	enum problem p;
	enum hub_err err;
	struct json j;

	if (h->method == HTTP_POST) {
		p = media_read_body(rq, &j, &why);
		if (p != PROBLEM_MAX)
			return (refuse(rq, p, why));
		err = parse_body(rq, &j, &e);
	} else
		err = query_parse(&rq->uri, rq->retrieve, rq->context,
		    &rq->names, rq->arena, &rq->query, &e);
	if (err != HUB_OK)
		return (refuse_query(rq, &e));
	return (map_begin(rq, h->method == HTTP_POST ? &j : NULL));
}

const struct step STEP_QUERY = { "query", run_query };
