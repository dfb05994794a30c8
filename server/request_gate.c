/* server/request_gate.c - who asks, for what, and what they may have: the
 * steps authenticate, admit, query and decide. */
#include "server/control.h"
#include "server/request_priv.h"

#include "server/base/log.h"

#define KEY_WAIT_MS 500

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

	log_info("token refused", "request=%s why=\"%s\"", rq->id_text,
	    rq->identity.forbidden);
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
	log_info("token refused", "request=%s why=\"%s\"", rq->id_text, why);
	return (refuse(rq, PROBLEM_UNAUTHORIZED, NULL));
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
		return (identified(rq, &c));
	}
	switch (token_verify(&rq->snapshot->region->tenants, rq->keyring,
	    c.token, rq->now, rq->arena, &rq->identity, &why)) {
	case TOKEN_VALID:
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
	bool several = false;

	if (rq->purpose_name.p != NULL) {
		rq->purpose = region_purpose_find(s->region, rq->purpose_name);
		if (rq->purpose == NULL ||
		    !purpose_in_scope(&rq->identity, rq->purpose_name))
			return (PROBLEM_FORBIDDEN);
		return (PROBLEM_MAX);
	}
	rq->purpose = policy_only_purpose(s->policy, rq->identity.tenant,
	    rq->now, &several);
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

static unsigned
role_needed(const struct resource *r)
{
	return (r->access == ACCESS_REGISTRY ? ROLE_SOURCE_ADMIN :
					       ROLE_DATA_READER);
}

static enum step_next
run_admit(struct request *rq)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	const char *why = NULL;
	enum problem p;

	if (rq->identity.tenant->suspended)
		return (refuse(rq, PROBLEM_TENANT_SUSPENDED, NULL));
	p = check_tenant_field(rq, h);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, NULL));
	if ((rq->identity.roles & role_needed(rq->resource)) == 0 ||
	    (rq->identity.scopes & SCOPE_HUB_READ) == 0)
		return (refuse(rq, PROBLEM_FORBIDDEN, NULL));
	names_init(&rq->names, rq->snapshot->region->vocab, rq->arena);
	rq->context = vocab_core(rq->snapshot->region->vocab);
	if (rq->resource->access == ACCESS_HUB)
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

/* ---- decide */

/* A list of names without repetition, in the arena. */
struct name_list {
	const struct name **v;
	unsigned n, cap;
	struct arena *arena;
};

static void
list_add(struct name_list *l, const struct name *name)
{
	const struct name **bigger;

	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i] == name)
			return;
	if (l->n == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 16;
		bigger = arena_raw(l->arena, l->cap * sizeof(*bigger));
		if (l->n > 0)
			memcpy(bigger, l->v, l->n * sizeof(*bigger));
		l->v = bigger;
	}
	l->v[l->n++] = name;
}

static void
list_add_cb(const struct name *name, void *arg)
{
	list_add(arg, name);
}

/* What the client's query needs to see: its attrs and its predicates; empty
 * when everything. */
static void
names_needed(const struct request *rq, struct name_list *l)
{
	const struct query *q = &rq->query;

	for (unsigned i = 0; i < q->nattrs; i++)
		list_add(l, q->attrs[i]);
	if (l->n == 0)
		return;
	if (q->q != NULL)
		q_names(q->q, list_add_cb, l);
	if (q->geo != NULL)
		list_add(l, geo_name(q->geo));
}

static bool
type_asked(const struct query *q, const struct name *type)
{
	for (unsigned i = 0; i < q->ntypes; i++)
		if (q->types[i] == type)
			return (true);
	return (q->ntypes == 0);
}

/* What the policy itself must see of an entity to decide. */
static void
add_policy_names(struct request *rq, const struct policy_leg *leg,
    const struct region_share *s, struct name_list *l)
{
	const struct name *name;

	if (s->ninside > 0 || s->noutside > 0 || s->within != NULL)
		list_add(l, names_location(&rq->names));
	if (s->history_us == 0 && s->delay_us == 0)
		return;
	name = context_expand(leg->dataset->source->context, &rq->names,
	    STR("dateObserved"));
	if (name != NULL)
		list_add(l, name);
}

/* The source does not know what of it is registered: it is asked for that
 * alone (GS CIM 009, 4.3.6.1). */
static void
ask_registered(const struct request *rq, const struct registration *reg,
    struct name_list *attrs)
{
	bool all;
	struct registration_names names =
	    registration_attrs(reg, &all, rq->arena);

	for (unsigned i = 0; !all && i < names.n; i++)
		for (unsigned k = 0; k < rq->nneeded || k == 0; k++)
			if (rq->nneeded == 0 || rq->needed[k] == names.v[i])
				list_add(attrs, names.v[i]);
	for (unsigned i = 0; all && i < rq->nneeded; i++)
		list_add(attrs, rq->needed[i]);
}

static void
ask_own(const struct request *rq, const struct policy_leg *leg,
    struct name_list *types, struct name_list *attrs)
{
	const struct region_dataset *ds = leg->dataset;
	const struct query *q = &rq->query;

	for (unsigned i = 0; i < ds->ntypes; i++)
		if (type_asked(q, ds->types[i].type))
			list_add(types, ds->types[i].type);
	for (unsigned i = 0; ds->any_type && i < q->ntypes; i++)
		list_add(types, q->types[i]);
	if (ds->registration != NULL)
		ask_registered(rq, ds->registration, attrs);
	for (unsigned i = 0; ds->registration == NULL && i < rq->nneeded; i++)
		list_add(attrs, rq->needed[i]);
}

/* Released and wanted: what no agreement releases is not even asked for. An
 * entity of several types may be found under the one and show what is released
 * under another: types are asked as the request has them, attributes for all.
 * false: nothing could be in the answer. */
static bool
ask_share(struct request *rq, const struct policy_leg *leg,
    const struct policy_grant *grant, const struct policy_share *ps,
    struct name_list *types, struct name_list *attrs)
{
	const struct region_share *s = ps->share;
	bool any = false;

	for (unsigned i = 0;
	     rq->nneeded == 0 && i < s->nallow + s->ntransforms; i++) {
		const struct name *attr = i < s->nallow ? s->allow[i].attr :
		    s->transforms[i - s->nallow].attr;

		if (policy_forbid(leg, grant, ps->type, attr) == NULL) {
			list_add(attrs, attr);
			any = true;
		}
	}
	for (unsigned i = 0; i < rq->nneeded; i++)
		if (policy_attr(ps, rq->needed[i]) != NULL &&
		    policy_forbid(leg, grant, ps->type, rq->needed[i]) ==
			NULL) {
			list_add(attrs, rq->needed[i]);
			any = true;
		}
	if (type_asked(&rq->query, ps->type))
		list_add(types, ps->type);
	add_policy_names(rq, leg, s, attrs);
	return (any);
}

/* Fills the ask of one leg; false: no use in asking. */
static bool
ask_leg(struct request *rq, const struct policy_leg *pl, bool alone,
    struct leg *leg)
{
	struct name_list types = { .arena = rq->arena };
	struct name_list attrs = { .arena = rq->arena };
	const struct region_source *src = pl->dataset->source;
	bool any = pl->own;

	if (!registration_asked(rq, pl))
		return (false);
	if (pl->own)
		ask_own(rq, pl, &types, &attrs);
	for (unsigned g = 0; g < pl->ngrants; g++)
		for (unsigned s = 0; s < pl->grants[g]->nshares; s++)
			any |= ask_share(rq, pl, pl->grants[g],
			    &pl->grants[g]->shares[s], &types, &attrs);
	leg->policy = pl;
	leg->ask = (struct source_ask){ .leg = pl,
		.access = &rq->snapshot->access[src->index],
		.token = source_tokens_get(rq->source_tokens, src->index),
		.query = &rq->query,
		.via = rq->via,
		.client = http_exchange_head(rq->exchange),
		.hub_name = rq->worker->config->name,
		.limit = src->page,
		.types = types.v,
		.ntypes = types.n,
		.attrs = attrs.v,
		.nattrs = attrs.n };
	if (rq->retrieve)
		leg->ask.id = request_entity_id(rq);
	if (rq->temporal != NULL && !temporal_ask(rq, alone, &leg->ask))
		return (false);
	/* What is registered without types is asked for its attributes. */
	return (any && (types.n > 0 || (pl->own && pl->dataset->any_type &&
				       attrs.n > 0)) &&
	    source_plan(&leg->ask, rq->arena));
}

static void
add_leg(struct request *rq, const struct policy_leg *pl, bool alone)
{
	struct leg *at = &rq->fanout.legs[rq->fanout.n];
	struct leg leg = { 0 };

	if (!ask_leg(rq, pl, alone, &leg))
		return;
	if (rq->temporal != NULL && temporal_ask_places(rq, &leg, at)) {
		at++;
		rq->fanout.n++;
	}
	*at = leg;
	rq->fanout.n++;
}

static enum step_next
run_decide(struct request *rq)
{
	const struct query *q = &rq->query;
	struct policy_query pq = { .consumer = rq->identity.tenant,
		.purpose = rq->purpose,
		.action = rq->temporal != NULL ? ACTION_TEMPORAL :
			  rq->retrieve	       ? ACTION_RETRIEVE :
						 ACTION_QUERY,
		.at = rq->now,
		.ntypes = q->ntypes,
		.types = q->types,
		.nids = q->nids,
		.ids = q->ids };
	struct name_list needed = { .arena = rq->arena };
	const struct policy_leg *legs = NULL;
	unsigned n = 0;

	if (rq->retrieve)
		pq.id = request_entity_id(rq);
	names_needed(rq, &needed);
	rq->needed = needed.v;
	rq->nneeded = needed.n;
	/* The hub holds nothing itself (federation.md §1.2). */
	if (!q->any_type && !q->local)
		policy_plan(rq->snapshot->policy, &pq, rq->arena, &legs, &n);
	/* Twice as many: of the past there may be one beside each. */
	rq->fanout.legs = arena_array(rq->arena, 2 * (size_t)n,
	    sizeof(struct leg));
	rq->uses = arena_array(rq->arena, 2 * (size_t)n,
	    sizeof(struct leg_use));
	for (unsigned i = 0; i < n; i++)
		add_leg(rq, &legs[i], n == 1);
	if (!quota_admit(rq))
		return (refuse(rq, PROBLEM_QUOTA_SPENT, NULL));
	return (go(rq, rq->map != NULL ? &STEP_MAP_ASK : &STEP_SCATTER));
}

const struct step STEP_DECIDE = { "decide", run_decide };
