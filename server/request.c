/* server/request.c - the step engine, and the steps before anybody is known:
 * receive and refuse. See request.h. */
#include "server/request.h"

#include <stdlib.h>

#include "server/base/log.h"
#include "server/decision_log.h"
#include "server/registry.h"
#include "server/reports.h"
#include "server/request_hub.h"
#include "server/request_openapi.h"
#include "server/request_web.h"

#define TARGET_SCRATCH (2 * HTTP_TARGET_MAX)
#define FIELDS_MAX     ((size_t)65536)

static void
request_free(struct request *rq)
{
	struct worker *w = rq->worker;

	decision_note(rq);
	request_count(rq);
	worker_forget_keys(w, &rq->waiter);
	timer_clear(&rq->key_timer);
	fanout_clear(&rq->fanout);
	map_release(rq);
	registry_job_give_up(rq->registry);
	decision_job_give_up(rq->looking);
	reports_give_up(rq->report);
	timer_clear(&rq->registry_timer);
	buf_clear(&rq->scratch);
	buf_clear(&rq->fields);
	buf_clear(&rq->body);
	recalled_unref(&rq->recalled);
	snapshot_unref(&rq->snapshot);
	keyring_unref(&rq->keyring);
	source_tokens_unref(&rq->source_tokens);
	worker_arena_put(w, rq->arena); /* rq itself lives there */
	atomic_fetch_sub_explicit(&w->open, 1, memory_order_relaxed);
}

/* Runs steps until one waits. A wake-up that comes while it runs (a leg that
 * was refused at once) lets a waiting step look again. */
static void
request_run(struct request *rq)
{
	enum step_next next;

	rq->running = true;
	do {
		rq->woken = false;
		next = rq->step->run(rq);
	} while (next == NEXT_MORE || (next == NEXT_WAIT && rq->woken));
	rq->running = false;
	if (next == NEXT_DONE)
		request_free(rq);
}

void
request_wake(void *arg)
{
	struct request *rq = arg;

	rq->woken = true;
	if (!rq->running)
		request_run(rq);
}

/* The client has gone. What waits for the disk must stay until it is told;
 * everything else ends here. */
static void
on_abort(void *arg)
{
	struct request *rq = arg;

	rq->exchange = NULL;
	if (rq->step == &STEP_DURABLE)
		return;
	request_free(rq);
}

void
request_start(struct http_exchange *x, void *arg)
{
	struct worker *w = arg;
	struct arena *a = worker_arena_get(w);
	struct request *rq = arena_alloc(a, sizeof(*rq));

	rq->worker = w;
	rq->exchange = x;
	rq->method = http_exchange_head(x)->method;
	rq->arena = a;
	rq->begun = loop_now(w->loop);
	rq->now = loop_wall(w->loop);
	trace_begin(&rq->trace, http_exchange_head(x), a);
	rq->id = uuid7(rq->now);
	uuid_format(&rq->id, rq->id_text);
	buf_init(&rq->scratch, TARGET_SCRATCH);
	buf_init(&rq->fields, FIELDS_MAX);
	buf_init(&rq->body, w->config->answer_max);
	timer_init(&rq->key_timer, w->loop, request_wake, rq);
	timer_init(&rq->registry_timer, w->loop, request_wake, rq);
	if (w->snapshot != NULL)
		rq->snapshot = snapshot_ref(w->snapshot);
	if (w->keyring != NULL)
		rq->keyring = keyring_ref(w->keyring);
	if (w->source_tokens != NULL)
		rq->source_tokens = source_tokens_ref(w->source_tokens);
	rq->step = &STEP_RECEIVE;
	atomic_fetch_add_explicit(&w->open, 1, memory_order_relaxed);
	http_exchange_on_abort(x, on_abort, rq);
	request_run(rq);
}

/* ---- refuse */

enum step_next
refuse(struct request *rq, enum problem problem, const char *detail)
{
	rq->problem = problem;
	rq->detail = detail;
	return (go(rq, &STEP_REFUSE));
}

void
answer_common_fields(struct request *rq)
{
	struct buf *b = &rq->fields;

	BUF_LIT(b, "Request-Id: ");
	buf_adds(b, str_of(rq->id_text));
	if (rq->client_request_id.len > 0) {
		BUF_LIT(b, "\r\nClient-Request-Id: ");
		buf_adds(b, rq->client_request_id);
	}
	BUF_LIT(b, "\r\nCache-Control: private\r\n"
		   "Vary: Authorization, Hub-Purpose, Accept, "
		   "Accept-Encoding, Accept-Language, Link, NGSILD-Tenant, "
		   "NGSILD-EntityMap, Origin, Prefer\r\n");
	if (http_exchange_is_tls(rq->exchange))
		BUF_LIT(b, "Strict-Transport-Security: max-age=31536000\r\n");
	cors_fields(rq, b);
	rq->common_len = b->len;
}

static void
refusal_fields(struct request *rq)
{
	bool under_api = str_prefix(rq->uri.path, STR("/ngsi-ld/v1"));
	struct buf *b = &rq->fields;

	answer_common_fields(rq);
	/* 6.3.2: application/json under the API, unless asked otherwise. */
	buf_addf(b, "Content-Language: %s\r\n", rq->german ? "de" : "en");
	if (under_api && !rq->problem_json)
		BUF_LIT(b, "Content-Type: application/json\r\n");
	else
		BUF_LIT(b, "Content-Type: application/problem+json\r\n");
	if (rq->problem == PROBLEM_UNAUTHORIZED)
		BUF_LIT(b, "WWW-Authenticate: Bearer "
			   "error=\"invalid_token\", DPoP "
			   "error=\"invalid_token\", "
			   "algs=\"ES256 RS256\"\r\n");
	if (rq->problem == PROBLEM_STEP_UP) /* RFC 9470, 3 */
		BUF_LIT(b, "WWW-Authenticate: Bearer error=\"insufficient_"
			   "user_authentication\", max_age=300\r\n");
	if (rq->allow != NULL)
		buf_addf(b, "Allow: %s\r\n", rq->allow);
	if (rq->problem == PROBLEM_NOT_READY ||
	    rq->problem == PROBLEM_LEDGER_FULL ||
	    rq->problem == PROBLEM_REGISTRY_AWAY)
		BUF_LIT(b, "Retry-After: 5\r\n");
	if (rq->retry_after > 0)
		buf_addf(b, "Retry-After: %u\r\n", rq->retry_after);
	if (rq->problem == PROBLEM_QUOTA_SPENT)
		quota_fields(rq, b);
	timing_field(rq, problem_status(rq->problem), b);
}

static enum step_next
run_refuse(struct request *rq)
{
	struct buf *b = &rq->fields;

	buf_reset(b); /* an answer's fields may stand there already */
	refusal_fields(rq);
	if (rq->problem == PROBLEM_NOT_FOUND ||
	    rq->problem == PROBLEM_SOURCES_FAILED ||
	    rq->problem == PROBLEM_SOURCES_LATE)
		answer_source_fields(rq);
	if (b->failed) { /* more warnings than a header can hold */
		buf_reset(b);
		refusal_fields(rq);
	}
	buf_clear(&rq->body);
	problem_write(rq->problem, rq->german, rq->detail,
	    str_of(rq->id_text), &rq->body);
	log_debug("refused", "request=%s status=%d", rq->id_text,
	    problem_status(rq->problem));
	rq->status = problem_status(rq->problem);
	decision_note(rq);
	http_reply(rq->exchange, rq->status, buf_str(b), &rq->body);
	return (NEXT_DONE);
}

/* ---- receive */

#define READ (1U << HTTP_GET | 1U << HTTP_HEAD), "GET, HEAD"
#define ASK  (1U << HTTP_POST), "POST"
#define ANY  0, NULL
#define LIST                                                                   \
	(1U << HTTP_GET | 1U << HTTP_HEAD | 1U << HTTP_POST),                  \
	    "GET, HEAD, POST"
#define MAPS (1U << HTTP_GET | 1U << HTTP_POST), "GET, POST"
#define MAP                                                                    \
	(1U << HTTP_GET | 1U << HTTP_HEAD | 1U << HTTP_PATCH |                 \
	    1U << HTTP_DELETE),                                                \
	    "GET, HEAD, PATCH, DELETE"

/* The first row that fits decides. The last ones are what of the standard this
 * version does not do. Contexts are open: they are no secret, and whoever got
 * an answer that names one must be able to fetch it. */
static const struct resource resources[] = {
	{ "entities", READ, &STEP_QUERY, ACCESS_DATA, false },
	{ "entities/*", READ, &STEP_QUERY, ACCESS_DATA, true },
	{ "entityOperations/query", ASK, &STEP_QUERY, ACCESS_DATA, false },
	{ "types", READ, &STEP_DISCOVER, ACCESS_DATA, false },
	{ "types/*", READ, &STEP_DISCOVER, ACCESS_DATA, false },
	{ "attributes", READ, &STEP_DISCOVER, ACCESS_DATA, false },
	{ "attributes/*", READ, &STEP_DISCOVER, ACCESS_DATA, false },
	{ "info/sourceIdentity", READ, &STEP_IDENTITY, ACCESS_HUB, false },
	{ "jsonldContexts", READ, &STEP_CONTEXTS, ACCESS_HUB, false },
	{ "jsonldContexts/*", READ, &STEP_CONTEXT, ACCESS_OPEN, false },
	{ "entities/**", ANY, NULL, ACCESS_DATA, false },
	{ "entityOperations/**", ANY, NULL, ACCESS_DATA, false },
	{ "entityMaps", MAPS, &STEP_MAP_CREATE, ACCESS_DATA, false },
	{ "entityMaps/*", MAP, &STEP_MAP, ACCESS_DATA, false },
	{ "temporal/entities", READ, &STEP_TEMPORAL, ACCESS_DATA, false },
	{ "temporal/entities/*", READ, &STEP_TEMPORAL, ACCESS_DATA, true },
	{ "temporal/entityOperations/query", ASK, &STEP_TEMPORAL, ACCESS_DATA,
	    false },
	{ "temporal/**", ANY, NULL, ACCESS_DATA, false },
	{ "csourceRegistrations", LIST, &STEP_REGISTRATIONS, ACCESS_REGISTRY,
	    false },
	{ "csourceRegistrations/*", MAP, &STEP_REGISTRATION, ACCESS_REGISTRY,
	    false },
	{ "csourceSubscriptions/**", ANY, NULL, ACCESS_DATA, false },
	{ "subscriptions/**", ANY, NULL, ACCESS_DATA, false },
	{ "snapshots/**", ANY, NULL, ACCESS_DATA, false },
};

bool
resource_fits(const char *path, const struct http_uri *u)
{
	struct str rest = str_of(path), part;
	unsigned i = 2;

	for (; rest.p != NULL && str_cut(&rest, '/', &part); i++) {
		if (str_eq(part, STR("**")))
			return (true);
		if (i == u->nsegments ||
		    (!str_eq(part, STR("*")) &&
			!str_eq(part, u->segments[i])))
			return (false);
	}
	return (i == u->nsegments);
}

static const struct resource *
resource_find(const struct http_uri *u)
{
	if (u->nsegments < 3 || !str_eq(u->segments[0], STR("ngsi-ld")) ||
	    !str_eq(u->segments[1], STR("v1")))
		return (NULL);
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		if (resource_fits(resources[i].path, u))
			return (&resources[i]);
	return (NULL);
}

/* The resource, and whether this version can do to it what is asked. */
static enum problem
find_resource(struct request *rq, enum http_method method)
{
	const struct resource *r = resource_find(&rq->uri);

	rq->hub = hub_route_find(&rq->uri);
	if (rq->hub != NULL)
		r = &rq->hub->resource;
	else if (r == NULL)
		r = web_resource_find(&rq->uri);
	if (r == NULL)
		r = openapi_resource_find(&rq->uri);
	if (r == NULL)
		return (PROBLEM_NO_ROUTE);
	rq->resource = r;
	if (r->methods != 0 && (r->methods >> method & 1) == 0) {
		rq->allow = r->allow;
		return (PROBLEM_METHOD);
	}
	return (r->next != NULL ? PROBLEM_MAX : PROBLEM_NOT_IMPLEMENTED);
}

/* The authority without its port. */
static struct str
host_name(struct str host)
{
	size_t end;

	if (host.len > 0 && host.p[0] == '[') {
		end = str_chr(host, ']');
		return ((struct str){ host.p + 1, end > 0 ? end - 1 : 0 });
	}
	return ((struct str){ host.p, str_chr(host, ':') });
}

bool
request_host_ours(const struct request *rq, struct str host)
{
	const struct config_listen *l = &rq->worker->config->public_;
	struct str name = host_name(host);

	for (unsigned i = 0; i < l->nhosts; i++)
		if (str_caseeq(l->hosts[i], name))
			return (true);
	if (http_exchange_is_tls(rq->exchange))
		return (tls_server_is_host(rq->worker->tls, name));
	/* Plain listeners are there for this machine. */
	return (str_caseeq(name, STR("localhost")) ||
	    str_eq(name, STR("127.0.0.1")) || str_eq(name, STR("::1")));
}

/* What ends TLS in front of a plain listener knows its own names. */
static bool
host_served(const struct request *rq, struct str host)
{
	return (!http_exchange_is_tls(rq->exchange) ||
	    request_host_ours(rq, host));
}

/* One value of a header that may come once; false: several, or empty. */
static bool
take_single(const struct http_head *h, struct str name, struct str *value_r)
{
	unsigned n = 0;
	struct str v = http_field_find(h, name, &n);

	if (n > 1 || (n == 1 && v.len == 0))
		return (false);
	*value_r = n == 1 ? v : STR_NONE;
	return (true);
}

static bool
is_token(struct str s, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return (false);
	return (s.len > 0 && s.len <= max);
}

/* RFC 7240, 2: a list, in one field or several. */
static bool
prefers(const struct http_head *h, struct str preference)
{
	struct str rest, part;

	for (unsigned i = 0; i < h->nfields; i++) {
		if (!str_caseeq(h->fields[i].name, STR("Prefer")))
			continue;
		rest = h->fields[i].value;
		while (rest.p != NULL && str_cut(&rest, ',', &part))
			if (str_caseeq(str_trim(part), preference))
				return (true);
	}
	return (false);
}

static const char *
read_fields(struct request *rq, const struct http_head *h)
{
	struct str id;

	for (unsigned i = 0; i < h->nfields; i++)
		if (str_chr(h->fields[i].name, '_') < h->fields[i].name.len)
			return ("a header name with an underscore");
	if (!take_single(h, STR("Hub-Purpose"), &rq->purpose_name))
		return ("Hub-Purpose must be one name");
	if (!take_single(h, STR("X-Request-Id"), &id))
		return ("X-Request-Id must be one value");
	if (is_token(id, 128))
		rq->client_request_id = id;
	if (!take_single(h, STR("Origin"), &rq->origin))
		return ("Origin must be one value");
	if (!take_single(h, STR("Via"), &rq->via))
		return ("Via must be one field");
	rq->gzip = media_gzip(h);
	rq->strict = prefers(h, STR("handling=strict"));
	rq->prefer_json = prefers(h, STR("body=json"));
	return (NULL);
}

/* Is our name in the chain? Entries are "HTTP/1.1 name" or "1.1 name". */
static bool
via_names_us(struct str via, struct str us)
{
	struct str part;

	while (via.p != NULL && str_cut(&via, ',', &part)) {
		part = str_trim(part);
		part = str_from(part, str_chr(part, ' '));
		part = str_trim(part);
		part.len = str_chr(part, ' ');
		if (str_caseeq(part, us))
			return (true);
	}
	return (false);
}

static enum step_next
run_receive(struct request *rq)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	struct str dup = STR_NONE;
	enum problem problem;
	const char *bad;

	rq->german = media_german(h);
	if (!host_served(rq, h->host))
		return (refuse(rq, PROBLEM_MISDIRECTED, NULL));
	switch (http_uri_parse(h->target, &rq->scratch, &rq->uri, &dup)) {
	case HUB_OK:
		break;
	case HUB_EEXIST:
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "a parameter is given twice"));
	default:
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "the request target is malformed"));
	}
	bad = read_fields(rq, h);
	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	problem = find_resource(rq, h->method);
	if (problem == PROBLEM_METHOD && cors_is_preflight(rq, h))
		return (cors_preflight(rq));
	if (problem != PROBLEM_MAX)
		return (refuse(rq, problem, NULL));
	if (rq->resource->access != ACCESS_PAGE && !media_choose(rq, h))
		return (refuse(rq, PROBLEM_NOT_ACCEPTABLE, NULL));
	problem = h->method == HTTP_POST || h->method == HTTP_PUT ||
		h->method == HTTP_PATCH ?
	    media_body(rq, h) : PROBLEM_MAX;
	if (problem != PROBLEM_MAX)
		return (refuse(rq, problem, NULL));
	if (via_names_us(rq->via, rq->worker->config->name))
		return (refuse(rq, PROBLEM_LOOP, NULL));
	rq->retrieve = rq->resource->retrieve;
	return (go(rq, rq->resource->access >= ACCESS_PAGE ?
		rq->resource->next : &STEP_AUTHENTICATE));
}

const struct step STEP_RECEIVE = { "receive", run_receive };
const struct step STEP_REFUSE = { "refuse", run_refuse };
