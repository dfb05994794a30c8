/* server/request_hub.c - the resources below /hub/v1 and who the caller is;
 * request_hub.h says what it promises. */
#include "server/request_hub.h"

#include "tenants/token.h"

#define READ .methods = 1U << HTTP_GET | 1U << HTTP_HEAD, .allow = "GET, HEAD"
#define HUB(p, step)                                                          \
	.resource = { .path = (p), READ, .next = &(step),                     \
		.access = ACCESS_ROLES }
/* Who reads figures. */
#define ROLE_FIGURES (ROLE_FINANCE_READER | ROLE_AUDITOR)
/* Whoever has any role of the hub. */
#define ROLE_ANY (2U * ROLE_HUB_OPERATOR - 1)

static const struct hub_route routes[] = {
	{ HUB("me", STEP_HUB_ME), .roles = ROLE_ANY },
	{ .resource = { .path = "login", READ, .next = &STEP_HUB_LOGIN,
	      .access = ACCESS_OPEN } },
	{ HUB("areas", STEP_HUB_AREAS), .roles = ROLE_ANY },
	{ HUB("agreements", STEP_HUB_AGREEMENTS), .roles = ROLE_ANY,
	    .csv = true },
	{ HUB("catalogue", STEP_HUB_CATALOGUE), .roles = ROLE_ANY },
	{ .resource = { .path = "crises",
	      .methods = 1U << HTTP_GET | 1U << HTTP_HEAD | 1U << HTTP_POST,
	      .allow = "GET, HEAD, POST", .next = &STEP_HUB_CRISES,
	      .access = ACCESS_ROLES },
	    .roles = ROLE_ANY },
	{ .resource = { .path = "crises/*/*", .methods = 1U << HTTP_POST,
	      .allow = "POST", .next = &STEP_HUB_CRISES,
	      .access = ACCESS_ROLES },
	    .roles = ROLE_CRISIS_OFFICER | ROLE_CRISIS_CONFIRMER },
	{ HUB("usage", STEP_HUB_REPORTS), .roles = ROLE_FIGURES,
	    .csv = true, .html = true },
	{ HUB("costs", STEP_HUB_REPORTS), .roles = ROLE_FIGURES,
	    .csv = true, .html = true },
	{ HUB("indicators", STEP_HUB_REPORTS), .roles = ROLE_FIGURES,
	    .csv = true, .html = true },
	{ HUB("integrity", STEP_HUB_REPORTS), .roles = ROLE_FIGURES,
	    .csv = true, .html = true },
	{ HUB("digests", STEP_HUB_REPORTS), .roles = ROLE_FIGURES,
	    .csv = true },
	{ HUB("digests/latest", STEP_HUB_REPORTS), .roles = ROLE_FIGURES },
	{ .resource = { .path = "digests/*/receipt",
	      .methods = 1U << HTTP_PUT, .allow = "PUT",
	      .next = &STEP_HUB_RECEIPT, .access = ACCESS_ROLES },
	    .roles = ROLE_FINANCE_READER },
	{ HUB("statements/*", STEP_HUB_REPORTS), .roles = ROLE_FIGURES,
	    .csv = true, .html = true },
	{ HUB("comparison", STEP_HUB_COMPARISON), .roles = ROLE_FIGURES,
	    .csv = true, .html = true },
	{ HUB("explain/*", STEP_HUB_EXPLAIN),
	    .roles = ROLE_DATA_READER | ROLE_TENANT_ADMIN | ROLE_AUDITOR },
};

const struct hub_route *
hub_route_find(const struct http_uri *u)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (resource_fits(routes[i].resource.path, u))
			return (&routes[i]);
	return (NULL);
}

enum step_next
hub_answer(struct request *rq, const char *type)
{
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	rq->status = 200;
	answer_common_fields(rq);
	buf_addf(&rq->fields, "Content-Type: %s\r\n", type);
	if (strncmp(type, "text/html", 9) == 0) /* it has its style inside */
		BUF_LIT(&rq->fields, "Content-Security-Policy: default-src "
		    "'none'; style-src 'unsafe-inline'; base-uri 'none'; "
		    "form-action 'none'; frame-ancestors 'none'\r\n");
	return (answer_send(rq));
}

const char *
hub_format(struct request *rq)
{
	const struct http_uri *u = &rq->uri;

	for (unsigned i = 0; i < u->nparams; i++) {
		struct str value = u->params[i].value;

		if (!str_eq(u->params[i].name, STR("format")))
			return ("a parameter that this resource does not have");
		rq->csv = rq->hub->csv && str_eq(value, STR("csv"));
		rq->html = rq->hub->html && str_eq(value, STR("html"));
		if (!rq->csv && !rq->html && !str_eq(value, STR("json")))
			return ("format is json; csv or html where there is a "
				"table");
	}
	return (NULL);
}

/* ---- me: what the hub makes of the token */

static void
add_texts(struct buf *b, const char *name, const struct str *v, unsigned n)
{
	buf_addf(b, ",\"%s\":[", name);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		buf_add_json(b, v[i]);
	}
	buf_addc(b, ']');
}

static void
add_roles(const struct identity *id, struct buf *b)
{
	struct str names[32];
	unsigned n = 0;

	for (unsigned i = 0; 1U << i <= ROLE_HUB_OPERATOR; i++)
		if ((id->roles >> i & 1) != 0)
			names[n++] = token_role_name(1U << i);
	add_texts(b, "roles", names, n);
}

static void
add_scopes(const struct identity *id, struct buf *b)
{
	static const struct {
		unsigned scope;
		const char *name;
	} table[] = { { SCOPE_HUB_READ, "hub.read" },
		{ SCOPE_HUB_TEMPORAL, "hub.temporal" },
		{ SCOPE_HUB_SUBSCRIBE, "hub.subscribe" } };
	struct str names[3];
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((id->scopes & table[i].scope) != 0)
			names[n++] = str_of(table[i].name);
	add_texts(b, "scopes", names, n);
}

/* Those of the token that the region knows; others are good for nothing. */
static void
add_purposes(const struct request *rq, struct buf *b)
{
	const struct identity *id = &rq->identity;
	const char *sep = "";

	BUF_LIT(b, ",\"purposes\":[");
	for (unsigned i = 0; i < id->npurposes; i++) {
		const struct region_purpose *p = region_purpose_find(
		    rq->snapshot->region, id->purposes[i]);

		if (p == NULL)
			continue;
		buf_adds(b, str_of(sep));
		BUF_LIT(b, "{\"name\":");
		buf_add_json(b, p->name);
		BUF_LIT(b, ",\"title\":");
		buf_add_json(b, p->title);
		BUF_LIT(b, ",\"legalBasis\":");
		buf_add_json(b, p->legal_basis);
		buf_addc(b, '}');
		sep = ",";
	}
	buf_addc(b, ']');
}

static enum step_next
run_me(struct request *rq)
{
	const struct tenant *t = rq->identity.tenant;
	const char *bad = hub_format(rq);
	struct buf *b = &rq->body;

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	BUF_LIT(b, "{\"tenant\":");
	buf_add_json(b, t->name);
	BUF_LIT(b, ",\"title\":");
	buf_add_json(b, t->title);
	BUF_LIT(b, ",\"ags\":");
	buf_add_json(b, t->ags);
	add_roles(&rq->identity, b);
	add_scopes(&rq->identity, b);
	add_purposes(rq, b);
	buf_addc(b, '}');
	return (hub_answer(rq, "application/json"));
}

const struct step STEP_HUB_ME = { "me", run_me };
