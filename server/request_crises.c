/* server/request_crises.c - crises over HTTP (policy.md §4): a tenant reads
 * those that touch it, an authority declares, confirms and ends its own.
 *
 * POST crises {"kind", "area", "reason", "for"}; POST crises/EVENT/confirm and
 * crises/EVENT/end {}. What changes needs its role and a login of the last
 * five minutes. All of it goes through the helper thread of control.h: a
 * change is answered when it is in force in all workers. */
#include "server/control.h"
#include "server/registry.h"
#include "server/request_hub.h"

#include <inttypes.h>
#include <stdlib.h>

#include "policies/crisis_store.h"
#include "server/base/log.h"

#define FRESH_S	   300
#define REASON_MAX 2000

enum crisis_verb { CRISIS_LIST, CRISIS_DECLARE, CRISIS_CONFIRM, CRISIS_END };

/* Its texts are its own: the request may be gone before it is done. */
struct crisis_work {
	enum crisis_verb verb;
	char *tenant, *person, *kind, *area, *reason;
	int64_t id, length_us, report_us;
	struct buf out;
};

static const struct {
	const char *name; /* in the path and in the database */
	unsigned roles;
} verbs[] = {
	[CRISIS_DECLARE] = { "declare", ROLE_CRISIS_OFFICER },
	[CRISIS_CONFIRM] = { "confirm", ROLE_CRISIS_CONFIRMER },
	[CRISIS_END] = { "end", ROLE_CRISIS_OFFICER | ROLE_CRISIS_CONFIRMER },
};

/* ---- the work, in the helper thread */

static void
work_free(void *arg)
{
	struct crisis_work *w = arg;

	if (w == NULL)
		return;
	free(w->tenant);
	free(w->person);
	free(w->kind);
	free(w->area);
	free(w->reason);
	buf_clear(&w->out);
	free(w);
}

static enum hub_err
work_run(struct db *db, void *arg)
{
	struct crisis_work *w = arg;
	const struct crisis_declaration d = { .kind = w->kind,
		.authority = w->tenant,
		.area = w->area,
		.reason = w->reason,
		.by = w->person,
		.length_us = w->length_us,
		.report_us = w->report_us };

	switch (w->verb) {
	case CRISIS_LIST:
		return (crisis_list_json(db, w->tenant, &w->out));
	case CRISIS_DECLARE:
		return (crisis_declare(db, &d, &w->id));
	default:
		return (crisis_step_of(db, w->tenant, w->id,
		    verbs[w->verb].name, w->person));
	}
}

/* ---- there and back */

static void
on_done(enum hub_err err, void *arg)
{
	struct request *rq = arg;
	struct crisis_work *w = rq->registry->work;

	/* The job ends with this call; what it found lives with the request. */
	buf_reset(&rq->body);
	if (w->verb == CRISIS_LIST)
		buf_adds(&rq->body, buf_str(&w->out));
	rq->crisis_id = w->id;
	rq->registry = NULL;
	rq->registry_err = err;
	request_wake(rq);
}

static enum step_next
submit_take(struct request *rq, struct crisis_work *w)
{
	struct registry_job *job;

	w->tenant = str_dup(rq->identity.tenant->name);
	w->person = str_dup(rq->identity.subject);
	job = registry_job_work_take(rq->identity.tenant->name, work_run, w,
	    work_free, rq->worker->loop, on_done, rq);
	rq->crisis_verb = w->verb;
	if (!change_submit_take(rq, job))
		return (refuse(rq, PROBLEM_CRISIS_AWAY, NULL));
	rq->step = &STEP_HUB_CRISIS_DONE;
	return (NEXT_WAIT);
}

static struct crisis_work *
work_new(enum crisis_verb verb, size_t max)
{
	struct crisis_work *w = xcalloc(1, sizeof(*w));

	w->verb = verb;
	buf_init(&w->out, max);
	return (w);
}

static enum step_next
answer_change(struct request *rq)
{
	bool made = rq->crisis_verb == CRISIS_DECLARE;

	log_warn("crisis changed over HTTP", "request=%s tenant=%.*s event=%"
	    PRId64 " step=%s", rq->id_text, STR_FMT(rq->identity.tenant->name),
	    rq->crisis_id, verbs[rq->crisis_verb].name);
	rq->status = made ? 201 : 204;
	answer_common_fields(rq);
	if (!made)
		return (answer_send(rq));
	buf_addf(&rq->fields, "Location: /hub/v1/crises/%" PRId64 "\r\n"
	    "Content-Type: application/json\r\n", rq->crisis_id);
	buf_addf(&rq->body, "{\"event\":%" PRId64 "}", rq->crisis_id);
	return (answer_send(rq));
}

static enum step_next
run_crisis_done(struct request *rq)
{
	if (change_waits(rq))
		return (NEXT_WAIT);
	switch (rq->registry_err) {
	case HUB_OK:
		return (rq->crisis_verb == CRISIS_LIST ?
			hub_answer(rq, "application/json") :
			answer_change(rq));
	case HUB_EDENIED:
		return (refuse(rq, PROBLEM_CRISIS_DENIED, NULL));
	case HUB_EEXIST:
		return (refuse(rq, PROBLEM_CRISIS_DONE, NULL));
	case HUB_ENOENT:
		return (refuse(rq, PROBLEM_NO_CRISIS, NULL));
	case HUB_EFULL: /* a list, or the events of an authority */
		return (refuse(rq, rq->crisis_verb == CRISIS_LIST ?
			PROBLEM_ANSWER_TOO_LARGE : PROBLEM_CRISIS_DENIED,
		    NULL));
	default:
		return (refuse(rq, PROBLEM_CRISIS_AWAY, NULL));
	}
}

const struct step STEP_HUB_CRISIS_DONE = { "crisis-done", run_crisis_done };

/* ---- who may, and what */

/* RFC 9470: a login that is fresh and strong enough. */
static bool
is_fresh(const struct request *rq)
{
	const struct identity *id = &rq->identity;
	int64_t now_s = rq->now.us / 1000000;
	struct str acr = id->issuer->step_up_acr;

	return (id->auth_s > 0 && now_s - id->auth_s <= FRESH_S &&
	    id->auth_s <= now_s + id->issuer->skew_s &&
	    (acr.len == 0 || str_eq(acr, id->acr)));
}

/* PROBLEM_MAX: fine. What others declared does not exist for them. */
static enum problem
may_change(const struct request *rq, enum crisis_verb verb)
{
	if ((rq->identity.roles & verbs[verb].roles) == 0 ||
	    !rq->identity.tenant->crisis_authority)
		return (PROBLEM_FORBIDDEN);
	return (is_fresh(rq) ? PROBLEM_MAX : PROBLEM_STEP_UP);
}

/* Line by line text for people, nothing else: it is shown to others. */
static bool
is_reason(struct str s)
{
	if (s.len == 0 || s.len > REASON_MAX || s.p[0] == ' ' ||
	    s.p[s.len - 1] == ' ')
		return (false);
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return (false);
	return (true);
}

static struct str
text_member(struct request *rq, const struct json *j, struct str name)
{
	uint32_t node = json_member(j, 0, name);

	return (node != 0 && j->nodes[node].kind == JSON_STRING ?
		json_text(j, node, rq->arena) : STR_NONE);
}

static enum step_next
declare(struct request *rq, const struct json *j)
{
	const struct region *region = rq->snapshot->region;
	struct str kind = text_member(rq, j, STR("kind"));
	struct str area = text_member(rq, j, STR("area"));
	struct str reason = text_member(rq, j, STR("reason"));
	struct str length = text_member(rq, j, STR("for"));
	struct crisis_wakes wakes = { 0 };
	struct crisis_work *w;
	bool denied = false;
	int64_t us = 0;
	const char *why;

	if (kind.len == 0 || area.len == 0 || !is_reason(reason) ||
	    duration_parse(length, &us) != HUB_OK)
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "needed: kind, area, reason, and for, such as \"2h\""));
	why = crisis_may_declare(region, rq->identity.tenant->name, kind, area,
	    us, &denied, &wakes);
	if (why != NULL)
		return (refuse(rq, denied ? PROBLEM_CRISIS_DENIED :
					    PROBLEM_BAD_REQUEST, why));
	w = work_new(CRISIS_DECLARE, 1);
	w->kind = str_dup(kind);
	w->area = str_dup(area);
	w->reason = str_dup(reason);
	w->length_us = us;
	w->report_us = wakes.report_us;
	return (submit_take(rq, w));
}

static enum step_next
step_event(struct request *rq, enum crisis_verb verb)
{
	struct crisis_work *w;
	int64_t id;

	if (str_int(rq->uri.segments[3], 1, INT64_MAX, &id) != HUB_OK)
		return (refuse(rq, PROBLEM_NO_CRISIS, NULL));
	w = work_new(verb, 1);
	w->id = id;
	return (submit_take(rq, w));
}

static bool
find_verb(const struct request *rq, enum crisis_verb *verb)
{
	*verb = CRISIS_DECLARE;
	if (rq->uri.nsegments == 3)
		return (true);
	for (unsigned v = CRISIS_CONFIRM; v <= CRISIS_END; v++)
		if (str_eq(rq->uri.segments[4], str_of(verbs[v].name))) {
			*verb = (enum crisis_verb)v;
			return (true);
		}
	return (false);
}

static enum step_next
run_crises(struct request *rq)
{
	enum crisis_verb verb;
	const char *why = NULL;
	enum problem p;
	struct json j;

	if (rq->uri.nparams > 0)
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "this resource takes no parameters"));
	if (http_exchange_head(rq->exchange)->method != HTTP_POST)
		return (submit_take(rq, work_new(CRISIS_LIST,
		    rq->worker->config->answer_max)));
	if (!find_verb(rq, &verb))
		return (refuse(rq, PROBLEM_NO_ROUTE, NULL));
	p = may_change(rq, verb);
	if (p == PROBLEM_MAX)
		p = media_read_body(rq, &j, &why);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	return (verb == CRISIS_DECLARE ? declare(rq, &j) :
					 step_event(rq, verb));
}

const struct step STEP_HUB_CRISES = { "crises", run_crises };
