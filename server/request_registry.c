/* server/request_registry.c - registrations of context sources (ETSI GS CIM
 * 009, 5.9, 6.8, 6.9): one is read from what is in force; a change is checked
 * against that, stored, and answered when all workers have it.
 *
 * All of it is about the tenant's own: what others registered does not exist
 * here, in no status and no conflict. */
#include "server/control.h"
#include "server/registry.h"
#include "server/request_priv.h"

#include "server/base/hash.h"
#include "server/base/log.h"

/* Another hub or request was faster: look again, so often. Of those who come
 * at once one gets through each time. */
#define TRIES_MAX 100

/* ---- which sources a request is about */

bool
registration_asked(struct request *rq, const struct policy_leg *pl)
{
	const struct registration *reg = pl->dataset->registration;
	struct registration_query q = { .query = &rq->query,
		.id = rq->retrieve ? request_entity_id(rq) : STR_NONE,
		.nattrs = rq->nneeded,
		.attrs = rq->needed,
		.via = rq->via,
		.places = true,
		.temporal = rq->temporal };
	struct entity e;

	if (reg != NULL && !registration_match(reg, &q, rq->arena))
		return (false);
	if (rq->query.csf == NULL)
		return (true);
	return ((reg != NULL && pl->own ?
			registration_entity(reg, NULL, &rq->names, rq->arena,
			    &e) :
			registration_entity_of(pl->dataset, &rq->names,
			    rq->arena, &e)) == HUB_OK &&
	    q_match(rq->query.csf, &e, &rq->names));
}

/* ---- one of them */

static struct wall_us
wall_or_absent(long long us)
{
	if (us == 0)
		return (WALL_ABSENT);
	return ((struct wall_us){ us });
}

struct registration_state
registration_state(const struct snapshot *s,
    const struct region_registration *rr)
{
	struct registration_state state = { .created = rr->created,
		.modified = rr->modified,
		.last_success = WALL_ABSENT,
		.last_failure = WALL_ABSENT };
	struct source_use *u = NULL;

	if (rr->dataset != NULL)
		u = s->access[rr->dataset->source->index].use;
	if (u == NULL)
		return (state);
	state.sent = atomic_load(&u->sent);
	state.failed = atomic_load(&u->failed);
	state.last_success = wall_or_absent(atomic_load(&u->succeeded_us));
	state.last_failure = wall_or_absent(atomic_load(&u->failed_us));
	return (state);
}

static const struct region_registration *
find_own(const struct request *rq)
{
	return (region_registration_find(rq->snapshot->region,
	    rq->identity.tenant, rq->uri.segments[3]));
}

/* Only options=sysAttrs. */
static const char *
read_options(const struct request *rq, bool *sys_attrs)
{
	const struct http_uri *u = &rq->uri;
	const struct str *options = http_uri_param(u, STR("options"));

	*sys_attrs = options != NULL && str_eq(*options, STR("sysAttrs"));
	return (u->nparams > (*sys_attrs ? 1U : 0U) ?
		"this resource takes options=sysAttrs and nothing else" :
		NULL);
}

static enum step_next
retrieve_one(struct request *rq)
{
	const struct region_registration *rr;
	struct registration_state state;
	struct registration_out out = { .context = rq->context,
		.arena = rq->arena,
		.ld = rq->ld,
		.state = &state };
	const char *bad = read_options(rq, &out.sys_attrs);

	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	rr = find_own(rq);
	if (rr == NULL)
		return (refuse(rq, PROBLEM_NO_REGISTRATION, NULL));
	state = registration_state(rq->snapshot, rr);
	registration_write(rr->registration, &out, &rq->body);
	rq->status = 200;
	answer_common_fields(rq);
	answer_content_fields(rq);
	return (answer_send(rq));
}

/* ---- a change: to the database and back */

static void
on_changed(enum hub_err err, void *arg)
{
	struct request *rq = arg;

	rq->registry = NULL; /* it ends with this call */
	rq->registry_err = err;
	request_wake(rq);
}

static enum step_next
submit(struct request *rq, enum registration_verb verb, struct str id,
    struct str context, struct str document)
{
	struct worker *w = rq->worker;
	struct registry_job *job;
	int64_t wait_us;

	/* Each change makes every hub a new region. */
	if (rq->registry_tries == 0 && !control_may_change(w->control,
		rq->identity.tenant, STR("registrations"), &wait_us)) {
		rq->retry_after = (uint32_t)(wait_us / 1000000 + 1);
		return (refuse(rq, PROBLEM_TOO_MANY_CHANGES, NULL));
	}
	job = registry_job_new(verb,
	    rq->identity.tenant->name, id, context, document,
	    rq->snapshot->registered, w->loop, on_changed, rq);
	if (!change_submit_take(rq, job))
		return (refuse(rq, PROBLEM_REGISTRY_AWAY, NULL));
	rq->step = &STEP_REGISTERED;
	return (NEXT_WAIT);
}

static enum step_next
send_empty(struct request *rq)
{
	bool created = http_exchange_head(rq->exchange)->method == HTTP_POST;

	rq->status = created ? 201 : 204;
	log_info("registration changed", "request=%s tenant=%.*s verb=%s",
	    rq->id_text, STR_FMT(rq->identity.tenant->name),
	    created ? "create" : "update or delete");
	answer_common_fields(rq);
	if (created) {
		BUF_LIT(&rq->fields,
		    "Location: /ngsi-ld/v1/csourceRegistrations/");
		buf_add_url(&rq->fields, rq->registered_id, ":");
		BUF_LIT(&rq->fields, "\r\n");
	}
	return (answer_send(rq));
}

/* Somebody was faster: the change is checked against what is in force now. */
static enum step_next
start_over(struct request *rq)
{
	if (rq->registry_tries == TRIES_MAX || !rq->registry_timer.armed)
		return (refuse(rq, PROBLEM_REGISTRY_AWAY, NULL));
	request_pin(rq);
	return (go(rq, &STEP_AUTHENTICATE));
}

static enum step_next
run_registered(struct request *rq)
{
	if (change_waits(rq))
		return (NEXT_WAIT);
	switch (rq->registry_err) {
	case HUB_OK:
		return (send_empty(rq));
	case HUB_EAGAIN:
		return (start_over(rq));
	case HUB_EEXIST:
		return (refuse(rq, PROBLEM_REGISTRATION_EXISTS, NULL));
	case HUB_ENOENT:
		return (refuse(rq, PROBLEM_NO_REGISTRATION, NULL));
	case HUB_EFULL:
		return (refuse(rq, PROBLEM_REGISTRATIONS_FULL, NULL));
	default:
		return (refuse(rq, PROBLEM_REGISTRY_AWAY, NULL));
	}
}

const struct step STEP_REGISTERED = { "registered", run_registered };

/* ---- create, update, delete */

/* The only context of a list that is not the core's. */
static struct str
only_context(const struct request *rq, const struct json *j, uint32_t node)
{
	const struct vocab *vocab = rq->snapshot->region->vocab;
	struct str url = STR_NONE, text;

	if (node == 0 || j->nodes[node].kind != JSON_ARRAY)
		return (STR_NONE);
	for (uint32_t e = node + 1; e < j->nodes[node].next;
	     e = j->nodes[e].next) {
		if (j->nodes[e].kind != JSON_STRING)
			return (STR_NONE);
		text = json_text(j, e, rq->arena);
		if (vocab_context(vocab, text) == vocab_core(vocab))
			continue;
		if (url.p != NULL)
			return (STR_NONE);
		url = text;
	}
	return (url);
}

/* The context in which the source is asked; empty: the core's, so that names
 * beyond it are written as IRIs. */
static struct str
upstream_context(const struct request *rq, const struct json *j)
{
	const struct vocab *vocab = rq->snapshot->region->vocab;
	struct str url = context_url(rq->context);

	if (url.len == 0)
		url = only_context(rq, j, json_member(j, 0, STR("@context")));
	if (url.len == 0 || vocab_context(vocab, url) == vocab_core(vocab))
		return (STR_NONE);
	return (url);
}

/* Is the consumer shown something of this dataset, now or with a purpose? */
static bool
is_partner(const struct request *rq, const struct region_dataset *ds)
{
	const struct region *r = rq->snapshot->region;

	for (unsigned i = 0; i < r->nagreements; i++) {
		const struct region_agreement *ag = &r->agreements[i];

		if (ag->dataset == ds && ag->consumer == rq->identity.tenant &&
		    ag->signed_by_provider && ag->signed_by_consumer &&
		    ag->from.us <= rq->now.us && rq->now.us < ag->until.us)
			return (true);
	}
	return (false);
}

/* With what this tenant may know of: its own, and what it has agreements
 * over. */
static bool
has_conflict(const struct request *rq, const struct registration *reg)
{
	const struct region *r = rq->snapshot->region;

	for (unsigned i = 0; i < r->ndatasets; i++) {
		const struct region_dataset *ds = &r->datasets[i];
		bool own = ds->source->owner == rq->identity.tenant;

		if (own && ds->registration != NULL &&
		    str_eq(ds->registration->id, reg->id))
			continue; /* it is the one to be changed */
		if ((ds->registration != NULL ?
			    registration_conflict(reg, ds->registration) :
			    registration_conflict_dataset(reg, ds)) &&
		    (own || is_partner(rq, ds)))
			return (true);
	}
	return (false);
}

/* More names than all the tenant's registrations may bring would stay out of
 * force. */
static bool
has_too_many_names(const struct request *rq, const struct registration *reg)
{
	const struct region *r = rq->snapshot->region;
	uint32_t n = registration_new_names(reg);

	if (n == 0)
		return (false);
	for (unsigned i = 0; i < r->nregistrations; i++)
		if (r->registrations[i].tenant == rq->identity.tenant)
			n += r->registrations[i].nnames;
	return (n > REGISTRATION_NEW_NAMES_MAX);
}

/* PROBLEM_MAX: the region lets the tenant have it. */
static enum problem
judge(const struct request *rq, const struct registration *reg,
    const char **why_r)
{
	const struct tenant *t = rq->identity.tenant;
	struct str url = registration_info_value(reg, STR("jsonldContext"));

	if (!tenant_may_register(t, reg->endpoint.https, reg->endpoint.host,
		reg->endpoint.port))
		return (PROBLEM_MAY_NOT_REGISTER);
	if (url.p != NULL &&
	    vocab_context(rq->snapshot->region->vocab, url) == NULL)
		return (PROBLEM_CONTEXT_UNAVAILABLE);
	*why_r = "expiresAt is in the past";
	if (reg->expires.text.p != NULL && reg->expires.at.us <= rq->now.us)
		return (PROBLEM_BAD_REQUEST);
	*why_r = NULL;
	if (has_too_many_names(rq, reg))
		return (PROBLEM_REGISTRATIONS_FULL);
	return (has_conflict(rq, reg) ? PROBLEM_REGISTRATION_CONFLICT :
					PROBLEM_MAX);
}

static enum step_next
store(struct request *rq, enum registration_verb verb,
    const struct registration *reg, struct str context)
{
	const struct registration_out out = { .context =
		    vocab_core(rq->snapshot->region->vocab),
		.arena = rq->arena };
	const char *why = NULL;
	enum problem p = judge(rq, reg, &why);
	enum step_next next;
	struct buf b;

	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	buf_init(&b, REGISTRATION_BYTES_MAX);
	registration_write(reg, &out, &b);
	next = b.failed ?
	    refuse(rq, PROBLEM_BAD_REQUEST,
		"the registration is larger than 64 KiB") :
	    submit(rq, verb, reg->id, context, buf_str(&b));
	buf_clear(&b);
	return (next);
}

static struct str
new_id(struct request *rq)
{
	struct uuid id = uuid7(rq->now);
	char text[UUID_STR_MAX];

	uuid_format(&id, text);
	return (str_of(arena_printf(rq->arena,
	    "urn:ngsi-ld:ContextSourceRegistration:%s", text)));
}

static enum problem
read_body(struct request *rq, bool update, struct registration *reg,
    struct str *context_r, const char **why_r)
{
	struct registration_reader how = { .names = &rq->names,
		.arena = rq->arena };
	enum problem p;
	struct json j;

	if (rq->uri.nparams > 0) {
		*why_r = "this request takes no parameters";
		return (PROBLEM_BAD_REQUEST);
	}
	p = media_read_body(rq, &j, why_r);
	if (p != PROBLEM_MAX)
		return (p);
	how.context = rq->context;
	if (registration_read(&j, &how, update, reg, why_r) != HUB_OK)
		return (PROBLEM_BAD_REQUEST);
	*context_r = upstream_context(rq, &j);
	return (PROBLEM_MAX);
}

static enum step_next
create(struct request *rq)
{
	struct registration reg = { .id = STR_NONE };
	struct str context = STR_NONE;
	const char *why = NULL;
	enum problem p = read_body(rq, false, &reg, &context, &why);

	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	if (reg.id.p == NULL && rq->registered_id.p == NULL)
		rq->registered_id = new_id(rq);
	if (reg.id.p == NULL)
		reg.id = rq->registered_id; /* the same one at each try */
	rq->registered_id = reg.id;
	if (region_registration_find(rq->snapshot->region,
		rq->identity.tenant, reg.id) != NULL)
		return (refuse(rq, PROBLEM_REGISTRATION_EXISTS, NULL));
	return (store(rq, REGISTRATION_CREATE, &reg, context));
}

/* A fragment under the core context leaves the source's own as it was. */
static enum step_next
update(struct request *rq)
{
	const struct region_registration *rr = find_own(rq);
	struct str context = STR_NONE;
	struct registration reg;
	const char *why = NULL;
	enum problem p;

	if (rr == NULL)
		return (refuse(rq, PROBLEM_NO_REGISTRATION, NULL));
	reg = *rr->registration;
	p = read_body(rq, true, &reg, &context, &why);
	if (p != PROBLEM_MAX)
		return (refuse(rq, p, why));
	return (store(rq, REGISTRATION_UPDATE, &reg,
	    context.len > 0 ? context : rr->context_url));
}

static enum step_next
run_registration(struct request *rq)
{
	switch (http_exchange_head(rq->exchange)->method) {
	case HTTP_PATCH:
		return (update(rq));
	case HTTP_DELETE:
		if (rq->uri.nparams > 0)
			return (refuse(rq, PROBLEM_BAD_REQUEST,
			    "this request takes no parameters"));
		return (submit(rq, REGISTRATION_DELETE, rq->uri.segments[3],
		    STR_NONE, STR_NONE));
	default:
		return (retrieve_one(rq));
	}
}

const struct step STEP_REGISTRATION = { "registration", run_registration };

static enum step_next
run_registrations(struct request *rq)
{
	if (http_exchange_head(rq->exchange)->method == HTTP_POST)
		return (create(rq));
	return (registrations_list(rq));
}

const struct step STEP_REGISTRATIONS = { "registrations", run_registrations };
