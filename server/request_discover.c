/* server/request_discover.c - what there is: types and attributes of the
 * consumer's view, the hub itself, the region's contexts. No source is asked,
 * so all of it is there when they are not. */
#include "server/discover.h"
#include "server/request_priv.h"

/* ---- parameters: of the request, each with the words it takes */

struct parameter {
	struct str name;
	const char *const *words;
	unsigned *value; /* index of the word given; else untouched */
};

static const char *
read_parameter(const struct http_param *given, const struct parameter *p,
    unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!str_eq(given->name, p[i].name))
			continue;
		for (unsigned k = 0; p[i].words[k] != NULL; k++)
			if (str_eq(given->value, str_of(p[i].words[k]))) {
				*p[i].value = k;
				return (NULL);
			}
		return ("a parameter has a value that it does not take");
	}
	return ("a parameter that this resource does not have");
}

/* NULL, or what is wrong. */
static const char *
read_parameters(const struct http_uri *u, const struct parameter *p,
    unsigned n)
{
	const char *bad = NULL;

	for (unsigned i = 0; bad == NULL && i < u->nparams; i++)
		bad = read_parameter(&u->params[i], p, n);
	return (bad);
}

static const char *const truth[] = { "false", "true", NULL };
/* What a context can be (5.13.3.5); ours are all of the first kind. */
static const char *const kinds[] = { "Hosted", "Cached", "ImplicitlyCreated",
	NULL };

/* ---- types and attributes */

/* Whoever may query or retrieve may know what for. */
static void
discover_view(struct request *rq, struct discovery *d)
{
	static const enum region_action actions[] = { ACTION_QUERY,
		ACTION_RETRIEVE };
	struct policy_query pq = { .consumer = rq->identity.tenant,
		.purpose = rq->purpose,
		.at = rq->now,
		.nvoid = rq->nvoid,
		.voids = rq->voids };
	const struct policy_leg *legs;
	unsigned n;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		pq.action = actions[i];
		policy_plan(rq->snapshot->policy, &pq, rq->arena, &legs, &n);
		discover_legs(d, legs, n);
	}
}

/* A name that means nothing is in nobody's view, like one that is hidden. */
static void
write_one(struct request *rq, const struct discover_out *o)
{
	const struct name *name = context_expand(rq->context, &rq->names,
	    rq->uri.segments[3]);

	rq->status = 404;
	if (name == NULL)
		return;
	if (o->what->by == DISCOVER_TYPES) { /* for the ledger */
		rq->query.types = arena_array(rq->arena, 1,
		    sizeof(*rq->query.types));
		rq->query.types[0] = name;
		rq->query.ntypes = 1;
	}
	if (!discover_one(o, name, &rq->body))
		return;
	rq->nnames = 1;
	rq->status = 200;
}

static enum step_next
run_discover(struct request *rq)
{
	bool one = rq->uri.nsegments == 4;
	enum discover_by by = str_eq(rq->uri.segments[2], STR("types")) ?
	    DISCOVER_TYPES : DISCOVER_ATTRIBUTES;
	unsigned local = 0, details = 0;
	const struct parameter known[] = { { STR("local"), truth, &local },
		{ STR("details"), truth, &details } };
	struct discovery d;
	struct discover_out o = { .what = &d,
		.hub_name = rq->worker->config->name };
	const char *bad = read_parameters(&rq->uri, known, one ? 1 : 2);

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	discover_init(&d, by, rq->context, rq->arena);
	if (!local) /* the hub holds nothing itself (federation.md §1.2) */
		discover_view(rq, &d);
	discover_sort(&d);
	if (rq->ld)
		o.ld = context_url(rq->context);
	rq->status = 200;
	if (one)
		write_one(rq, &o);
	else
		rq->nnames = discover_list(&o, details, &rq->body);
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	return (go(rq, &STEP_ACCOUNT));
}

const struct step STEP_DISCOVER = { "discover", run_discover };

/* ---- the hub */

/* It says nothing of anybody's data, and brokers that registered the hub ask
 * again and again: not in the ledger. */
static enum step_next
run_identity(struct request *rq)
{
	int64_t s = (loop_now(rq->worker->loop).us - rq->worker->began.us) /
	    1000000;
	const char *bad = read_parameters(&rq->uri, NULL, 0);
	char now[WALL_STR_MAX];
	struct buf *b = &rq->body;

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	wall_format(rq->now, now);
	BUF_LIT(b, "{\"id\":\"urn:ngsi-ld:ContextSourceIdentity:");
	buf_add_url(b, rq->worker->config->name, "");
	BUF_LIT(b, "\",\"type\":\"ContextSourceIdentity\","
		   "\"contextSourceAlias\":");
	buf_add_json(b, rq->worker->config->name);
	buf_addf(b, ",\"contextSourceUptime\":\"P%dDT%dH%dM%dS\","
	    "\"contextSourceTimeAt\":\"%s\"", (int)(s / 86400),
	    (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60), now);
	if (rq->ld) {
		BUF_LIT(b, ",\"@context\":");
		buf_add_json(b, context_url(rq->context));
	}
	buf_addc(b, '}');
	rq->status = 200;
	answer_common_fields(rq);
	answer_content_fields(rq);
	return (answer_send(rq));
}

const struct step STEP_IDENTITY = { "identity", run_identity };

/* ---- contexts: they come from region files, so nobody adds or deletes one */

static void
write_context(const struct region_context *c, bool details, struct buf *b)
{
	if (!details) {
		buf_add_json(b, c->url);
		return;
	}
	BUF_LIT(b, "{\"URL\":");
	buf_add_json(b, c->url);
	BUF_LIT(b, ",\"localId\":");
	buf_add_json(b, c->id);
	buf_addf(b, ",\"kind\":\"%s\"}", kinds[0]);
}

static enum step_next
send_as(struct request *rq, const char *type)
{
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	rq->status = 200;
	answer_common_fields(rq);
	buf_addf(&rq->fields, "Content-Type: %s\r\n", type);
	return (answer_send(rq));
}

static enum step_next
run_contexts(struct request *rq)
{
	const struct region *r = rq->snapshot->region;
	unsigned details = 0, kind = 0;
	const struct parameter known[] = { { STR("details"), truth, &details },
		{ STR("kind"), kinds, &kind } };
	const char *bad = read_parameters(&rq->uri, known, 2);

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	buf_addc(&rq->body, '[');
	for (unsigned i = 0; kind == 0 && i < r->ncontexts; i++) {
		if (i > 0)
			buf_addc(&rq->body, ',');
		write_context(&r->contexts[i], details, &rq->body);
	}
	buf_addc(&rq->body, ']');
	return (send_as(rq, "application/json"));
}

const struct step STEP_CONTEXTS = { "contexts", run_contexts };

static const struct region_context *
context_find(const struct region *r, struct str id)
{
	for (unsigned i = 0; i < r->ncontexts; i++)
		if (str_eq(r->contexts[i].id, id) ||
		    str_eq(r->contexts[i].url, id))
			return (&r->contexts[i]);
	return (NULL);
}

/* Comes straight from receive: nobody is known here. */
static enum step_next
run_context(struct request *rq)
{
	unsigned details = 0;
	const struct parameter known[] = { { STR("details"), truth,
	    &details } };
	const char *bad = read_parameters(&rq->uri, known, 1);
	const struct region_context *c;

	if (rq->snapshot == NULL)
		return (refuse(rq, PROBLEM_NOT_READY, NULL));
	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	c = context_find(rq->snapshot->region, rq->uri.segments[3]);
	if (c == NULL)
		return (refuse(rq, PROBLEM_NO_ROUTE, NULL));
	if (details) {
		write_context(c, true, &rq->body);
		return (send_as(rq, "application/json"));
	}
	buf_adds(&rq->body, c->document);
	return (send_as(rq, "application/ld+json"));
}

const struct step STEP_CONTEXT = { "context", run_context };
