/* server/request_reports.c - what finance staff read over HTTP: usage, costs,
 * statements, indicators, the ledger's integrity and digests, the comparison
 * (interfaces.md).
 *
 * A role comes from a tenant's own issuer, so it opens that tenant's figures
 * alone. All of them are open to tokens of the tenant that hubd.conf names as
 * operator, with the role hub-operator besides. */
#include "server/reports.h"
#include "server/request_hub.h"

#include "server/base/log.h"
#include "server/ledger/comparison.h"
#include "server/ledger/digest.h"

#define WAIT_MS	 20000
#define RETRY_S	 5
#define DIGESTS	 31 /* of a list, unless limit says how many */

static const struct {
	const char *path; /* the first segment below /hub/v1 */
	enum reports_kind kind;
} resources[] = {
	{ "usage", REPORTS_USAGE },
	{ "costs", REPORTS_COSTS },
	{ "indicators", REPORTS_INDICATORS },
	{ "integrity", REPORTS_INTEGRITY },
	{ "digests", REPORTS_DIGESTS },
	{ "statements", REPORTS_STATEMENT },
};

static const char *const types[] = {
	[REPORTS_JSON] = "application/json",
	[REPORTS_CSV] = "text/csv; charset=utf-8",
	[REPORTS_HTML] = "text/html; charset=utf-8",
};

static bool
sees_all(const struct request *rq)
{
	const char *name = rq->worker->config->operator_tenant;

	return (name != NULL &&
	    str_eq(rq->identity.tenant->name, str_of(name)) &&
	    (rq->identity.roles & ROLE_HUB_OPERATOR) != 0);
}

/* ---- the question */

static const char *
read_format(struct request *rq, struct str v, enum reports_form *form)
{
	*form = REPORTS_JSON;
	if (str_eq(v, STR("csv")) && rq->hub->csv)
		*form = REPORTS_CSV;
	else if (str_eq(v, STR("html")) && rq->hub->html)
		*form = REPORTS_HTML;
	else if (!str_eq(v, STR("json")))
		return ("format is json; csv or html where there is a "
			"table");
	return (NULL);
}

/* What part of the digests is asked for. */
static const char *
read_part(struct str limit, struct str before, struct reports_ask *ask)
{
	int64_t n = DIGESTS;

	ask->before = WALL_ABSENT;
	if ((limit.p != NULL &&
		str_int(limit, 1, DIGESTS_MAX, &n) != HUB_OK) ||
	    (before.p != NULL && wall_parse(before, &ask->before) != HUB_OK))
		return ("limit is 1 to 1000, before an instant such as "
			"2026-11-23T01:00:00Z");
	ask->limit = (unsigned)n;
	return (NULL);
}

/* Each once, those that the resource has. *tenant: as it was named. */
static const char *
read_params(struct request *rq, struct reports_ask *ask, struct str *tenant)
{
	bool path = ask->kind == REPORTS_STATEMENT;
	bool list = ask->kind == REPORTS_DIGESTS;
	bool whole = ask->kind == REPORTS_INTEGRITY ||
	    ask->kind == REPORTS_DIGEST;
	struct str format = STR_NONE, limit = STR_NONE, before = STR_NONE;
	const struct {
		struct str name;
		struct str *value;
		bool has;
	} known[] = {
		{ STR("format"), &format, true },
		{ STR("tenant"), tenant, !whole },
		{ STR("period"), &ask->period, !path && !whole && !list },
		{ STR("by"), &ask->by, ask->kind == REPORTS_USAGE },
		{ STR("purpose"), &ask->purpose, ask->kind == REPORTS_USAGE },
		{ STR("type"), &ask->type, ask->kind == REPORTS_USAGE },
		{ STR("limit"), &limit, list },
		{ STR("before"), &before, list },
	};
	const size_t n = sizeof(known) / sizeof(known[0]);
	const char *bad;

	for (unsigned i = 0; i < rq->uri.nparams; i++) {
		size_t k = 0;

		while (k < n && (!known[k].has ||
		    !str_eq(known[k].name, rq->uri.params[i].name)))
			k++;
		if (k == n || known[k].value->p != NULL ||
		    rq->uri.params[i].value.len == 0)
			return ("a parameter that this resource does not have, "
				"or twice, or empty");
		*known[k].value = rq->uri.params[i].value;
	}
	if (path)
		ask->period = rq->uri.segments[3];
	if (whole || list)
		ask->period = STR("");
	if (ask->period.p == NULL)
		return ("period is needed: 2026 or 2026-11; of usage also "
			"2026-11-03");
	bad = read_part(limit, before, ask);
	return (bad == NULL && format.p != NULL ?
		read_format(rq, format, &ask->form) : bad);
}

/* Whose figures; one answer for what is another's and what is nobody's. */
static enum problem
read_tenant(struct request *rq, struct str named, struct reports_ask *ask)
{
	const struct tenant *own = rq->identity.tenant, *t;

	ask->asker = own;
	ask->tenant = sees_all(rq) && ask->kind != REPORTS_STATEMENT ? NULL :
								      own;
	if (named.p == NULL)
		return (PROBLEM_MAX);
	t = tenant_find(&rq->snapshot->region->tenants, named);
	if (t != NULL && (t == own || sees_all(rq))) {
		ask->tenant = t;
		return (PROBLEM_MAX);
	}
	log_warn("figures of another tenant refused",
	    "request=%s tenant=%.*s other=%.*s", rq->id_text,
	    STR_FMT(own->name), STR_FMT(t != NULL ? t->name : STR("(none)")));
	return (PROBLEM_FORBIDDEN);
}

/* ---- there and back */

static void
on_report(enum hub_err err, struct str body, void *arg)
{
	struct request *rq = arg;

	rq->report = NULL;
	rq->registry_err = err;
	buf_reset(&rq->body);
	buf_adds(&rq->body, body);
	request_wake(rq);
}

static enum step_next
refuse_away(struct request *rq)
{
	rq->retry_after = RETRY_S;
	return (refuse(rq, PROBLEM_REPORTS_AWAY, NULL));
}

static enum step_next
run_reported(struct request *rq)
{
	if (rq->report != NULL && rq->registry_timer.armed)
		return (NEXT_WAIT);
	if (rq->report != NULL) {
		reports_give_up(rq->report);
		rq->report = NULL;
		return (refuse_away(rq));
	}
	switch (rq->registry_err) {
	case HUB_OK:
		return (hub_answer(rq, types[rq->report_form]));
	case HUB_ENOENT:
		if (str_eq(rq->uri.segments[2], STR("digests")))
			return (refuse(rq, PROBLEM_NO_DIGEST, NULL));
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "by is tenant, provider, purpose, type, month or flow"));
	case HUB_ESYNTAX:
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "a period is 2026 or 2026-11; of usage also 2026-11-03"));
	case HUB_EFULL:
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	default:
		return (refuse_away(rq));
	}
}

const struct step STEP_HUB_REPORTED = { "reported", run_reported };

/* A page is German unless another language is asked for. */
static bool
in_german(const struct request *rq)
{
	unsigned n = 0;

	(void)http_field_find(http_exchange_head(rq->exchange),
	    STR("Accept-Language"), &n);
	return (rq->german || (rq->html && n == 0));
}

static enum step_next
run_reports(struct request *rq)
{
	struct reports_ask ask = { .german = in_german(rq),
		.form = rq->html ? REPORTS_HTML :
		    rq->csv ? REPORTS_CSV : REPORTS_JSON };
	struct str tenant = STR_NONE;
	const char *bad;
	enum problem p;

	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (str_eq(rq->uri.segments[2], str_of(resources[i].path)))
			ask.kind = resources[i].kind;
	if (ask.kind == REPORTS_DIGESTS && rq->uri.nsegments == 4)
		ask.kind = REPORTS_DIGEST; /* latest */
	bad = read_params(rq, &ask, &tenant);
	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	if (ask.by.p == NULL)
		ask.by = STR("tenant");
	p = read_tenant(rq, tenant, &ask);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, NULL));
	rq->report_form = ask.form;
	rq->report = reports_submit(rq->worker->reports, &ask, rq->snapshot,
	    rq->worker->loop, on_report, rq);
	if (rq->report == NULL)
		return (refuse_away(rq));
	timer_set(&rq->registry_timer, WAIT_MS);
	rq->step = &STEP_HUB_REPORTED;
	return (NEXT_WAIT);
}

const struct step STEP_HUB_REPORTS = { "reports", run_reports };

/* The same for all tenants: no figure of the ledger is in it. */
static enum step_next
run_comparison(struct request *rq)
{
	const char *bad = hub_format(rq);
	struct comparison c;

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	comparison_default(&c);
	if (rq->html)
		comparison_page(&c, in_german(rq), &rq->body);
	else if (rq->csv)
		comparison_csv(&c, rq->german, &rq->body);
	else
		comparison_json(&c, &rq->body);
	return (hub_answer(rq, types[rq->html ? REPORTS_HTML :
	    rq->csv ? REPORTS_CSV : REPORTS_JSON]));
}

const struct step STEP_HUB_COMPARISON = { "comparison", run_comparison };
