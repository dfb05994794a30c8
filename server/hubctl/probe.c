/* server/hubctl/probe.c - a source looked at from outside; see probe.h. */
#include <stdlib.h>

#include "server/hubctl/probe_priv.h"

#define ANSWER_MAX ((size_t)16 << 20) /* as source-answer has it */
#define PAGE_TRIED 1000

void
probe_say(struct probe *p, const char *check, enum probe_result result,
    const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 8192);
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	p->fn(check, result, buf_cstr(&b), p->arg);
	if (result > p->worst)
		p->worst = result;
	buf_clear(&b);
}

/* ---- requests, one at a time */

struct wait {
	struct loop *loop;
	enum hub_err err;
};

static void
on_answer(struct http_call *call HUB_UNUSED, enum hub_err err, void *arg)
{
	struct wait *w = arg;

	w->err = err;
	loop_stop(w->loop);
}

/* The call is the caller's to free, whatever came of it. */
static enum hub_err
ask(struct loop *loop, struct http_pool *pool, struct str bytes, bool is_safe,
    size_t max, struct http_call **call_r)
{
	struct http_call_conf conf = { .bytes = bytes,
		.is_safe = is_safe,
		.timeout_ms = WAIT_S * 1000,
		.body_max = max };
	struct wait w = { loop, HUB_OK };

	*call_r = http_call_start(pool, &conf, on_answer, &w);
	loop_run(loop);
	return (w.err);
}

/* ---- token */

static struct http_pool *
pool_new(
    struct probe *p, struct str host, uint16_t port, struct tls_client *tls)
{
	struct http_pool_conf conf = { .host = host,
		.port = port,
		.tls = tls,
		.in_flight = 1,
		.queued = 1,
		.queued_each = 1,
		.header_max = 32768 };

	return (http_pool_new(p->loop, &conf));
}

static bool
take_token(struct probe *p, const struct http_call *call)
{
	int status = http_call_head(call)->status;
	const char *why = "";

	if (oauth_answer_parse(status, http_call_body(call), &p->token, &why) !=
	    HUB_OK) {
		probe_say(p, "token", PROBE_FAILED,
		    "the token endpoint answers %d: %s", status, why);
		return (false);
	}
	probe_say(p, "token", PROBE_OK, "fetched, valid for %lld s",
	    (long long)p->token.life_s);
	return (true);
}

static bool
fetch_token(struct probe *p)
{
	const struct region_source *s = p->source;
	const struct oauth_client client = { s->oauth_client_id,
		p->access->secret, s->oauth_scope };
	struct http_pool *pool;
	struct http_call *call;
	struct url_parts url;
	struct buf b;
	enum hub_err err;
	bool ok = false;

	if (!url_split(s->oauth_token_url, &url)) {
		probe_say(p, "token", PROBE_FAILED, "token-url is no URL");
		return (false);
	}
	buf_init(&b, 131072);
	oauth_request(&client, &url, &b);
	pool = pool_new(p, url.host, url.port, p->access->token_tls);
	err = ask(p->loop, pool, buf_str(&b), false, OAUTH_ANSWER_MAX, &call);
	explicit_bzero(b.p, b.len);
	buf_clear(&b);
	if (err == HUB_OK)
		ok = take_token(p, call);
	else
		probe_say(p, "token", PROBE_FAILED,
		    "the token endpoint gives no answer (%s): not reached, "
		    "or its certificate is refused",
		    hub_err_str(err));
	http_call_free(call);
	http_pool_free(pool);
	return (ok);
}

static bool
look_at_token(struct probe *p)
{
	if (p->source->oauth_token_url.len > 0)
		return (fetch_token(p));
	probe_say(p, "token", PROBE_OK, "%s",
	    p->access->bearer.len > 0 ? "read from bearer-file"
				      : "none: the region file names none");
	return (true);
}

/* ---- the source's own answers */

static void
begin_get(const struct probe *p, struct buf *b)
{
	BUF_LIT(b, "GET ");
	buf_adds(b, p->source->base);
}

static void
end_get(const struct probe *p, const struct region_dataset *ds, struct buf *b)
{
	const struct region_source *s = p->source;
	bool v2 = s->kind == SOURCE_NGSI_V2;
	bool v6 = str_chr(s->host, ':') < s->host.len;
	struct str token =
	    p->token.token.len > 0 ? p->token.token : p->access->bearer;

	buf_addf(b,
	    " HTTP/1.1\r\nHost: %s%.*s%s:%u\r\n"
	    "Accept: application/json\r\nUser-Agent: drehscheibe\r\n",
	    v6 ? "[" : "", STR_FMT(s->host), v6 ? "]" : "", (unsigned)s->port);
	if (s->context_url.len > 0 && !v2)
		buf_addf(b,
		    "Link: <%.*s>; rel=\"http://www.w3.org/ns/"
		    "json-ld#context\"; type=\"application/ld+json"
		    "\"\r\n",
		    STR_FMT(s->context_url));
	if (ds != NULL && ds->upstream_tenant.len > 0)
		buf_addf(b, "%s: %.*s\r\n",
		    v2 ? "Fiware-Service" : "NGSILD-Tenant",
		    STR_FMT(ds->upstream_tenant));
	if (ds != NULL && v2)
		buf_addf(b, "Fiware-ServicePath: %.*s\r\n",
		    STR_FMT(ds->service_path));
	if (token.len > 0) {
		BUF_LIT(b, "Authorization: Bearer ");
		buf_adds(b, token);
		BUF_LIT(b, "\r\n");
	}
	BUF_LIT(b, "\r\n");
}

/* NULL: a sentence about it was said. */
static struct http_call *
get(struct probe *p, const char *check, struct buf *b)
{
	struct http_call *call = NULL;
	enum hub_err err;
	int64_t ms;

	assert(!b->failed);
	err = ask(p->loop, p->pool, buf_str(b), true, ANSWER_MAX, &call);
	explicit_bzero(b->p, b->len);
	buf_clear(b);
	if (err != HUB_OK) {
		probe_say(p, check, PROBE_FAILED, "no usable answer: %s",
		    hub_err_str(err));
		http_call_free(call);
		return (NULL);
	}
	ms = http_call_us(call) / 1000;
	if (ms > p->source->timeout_ms)
		probe_say(p, check, PROBE_FAILED,
		    "the answer took %lld ms; the region waits %d ms",
		    (long long)ms, p->source->timeout_ms);
	return (call);
}

static void
look_at_identity(struct probe *p)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct str alias = STR_NONE;
	struct http_call *call;
	struct json j;
	struct buf b;
	uint32_t at;
	int status;

	buf_init(&b, 65536);
	begin_get(p, &b);
	BUF_LIT(&b, "/info/sourceIdentity");
	end_get(p, p->dataset, &b);
	call = get(p, "identity", &b);
	if (call == NULL)
		return;
	status = http_call_head(call)->status;
	if (status == 200 &&
	    json_parse(&j, http_call_body(call), &limits, p->arena) == HUB_OK &&
	    j.nodes[0].kind == JSON_OBJECT &&
	    (at = json_member(&j, 0, STR("contextSourceAlias"))) > 0 &&
	    j.nodes[at].kind == JSON_STRING)
		alias = json_raw(&j, at);
	for (size_t i = 0; i < alias.len; i++)
		if (alias.p[i] < 0x20 || alias.p[i] >= 0x7f || i == 200)
			alias.len = i; /* it may be written to a terminal */
	if (status == 401 || status == 403)
		probe_say(p, "identity", PROBE_FAILED,
		    "status %d: the hub's credentials are refused", status);
	else if (alias.len > 0)
		probe_say(p, "identity", PROBE_OK, "it calls itself %.*s",
		    STR_FMT(alias));
	else
		probe_say(p, "identity", PROBE_NOTE,
		    "info/sourceIdentity is not offered (status %d); the hub "
		    "does without",
		    status);
	http_call_free(call);
}

static struct http_call *
get_entities(struct probe *p, const char *check,
    const struct region_dataset *ds, unsigned limit)
{
	struct buf b;

	buf_init(&b, 65536);
	begin_get(p, &b);
	BUF_LIT(&b, "/entities?type=");
	buf_add_url(&b,
	    context_compact(p->source->context, ds->types[0].type, p->arena),
	    "");
	buf_addf(&b, "&limit=%u&%s", limit,
	    p->source->kind == SOURCE_NGSI_V2 ? "options=count" : "count=true");
	end_get(p, ds, &b);
	return (get(p, check, &b));
}

/* The total that came with an answer; false: none did. */
static bool
total_of(const struct http_call *call, uint64_t *total_r)
{
	static const char *const names[] = { "NGSILD-Results-Count",
		"Fiware-Total-Count" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct str v = http_field_find(
		    http_call_head(call), str_of(names[i]), NULL);

		if (v.p != NULL && str_uint(v, UINT32_MAX, total_r) == HUB_OK)
			return (true);
	}
	return (false);
}

/* Entities in the body, -1: not an array. The tape lives in the arena. */
static int64_t
count_entities(struct probe *p, struct str body, struct json *j)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;

	if (json_parse(j, body, &limits, p->arena) != HUB_OK ||
	    j->nodes[0].kind != JSON_ARRAY)
		return (-1);
	return (j->nodes[0].count);
}

/* ---- contexts: an answer under one that the region lacks is discarded */

/* HUB_ENOENT: *url_r names it. */
static enum hub_err
context_of_fields(struct probe *p, const struct http_head *h, struct str *url_r)
{
	for (unsigned i = 0; i < h->nfields; i++) {
		struct str url = STR_NONE;

		if (!str_caseeq(h->fields[i].name, STR("Link")) ||
		    context_link_parse(h->fields[i].value, &url) != HUB_OK ||
		    url.p == NULL)
			continue;
		*url_r = url;
		if (vocab_context(p->region->vocab, url) == NULL)
			return (HUB_ENOENT);
	}
	return (HUB_OK);
}

static void
look_at_context(
    struct probe *p, const struct http_call *call, const struct json *j)
{
	const struct context *ctx = NULL;
	struct str url = STR_NONE;
	enum hub_err err = context_of_fields(p, http_call_head(call), &url);
	uint32_t at = 0;

	if (err == HUB_OK && j->nodes[0].count > 0 &&
	    j->nodes[1].kind == JSON_OBJECT)
		at = json_member(j, 1, STR("@context"));
	if (at > 0)
		err = context_of_json(&p->names, j, at, &ctx, &url);
	url.len = url.len < 300 ? url.len : 300;
	for (size_t i = 0; i < url.len; i++)
		if (url.p[i] <= 0x20 || url.p[i] >= 0x7f)
			url.len = i;
	if (err == HUB_ENOENT)
		probe_say(p, "context", PROBE_FAILED,
		    "answers come under %.*s, which no context block has: the "
		    "hub would discard them",
		    STR_FMT(url));
	else if (err != HUB_OK)
		probe_say(p, "context", PROBE_FAILED,
		    "the @context of the entities cannot be used: %s",
		    hub_err_str(err));
	else
		probe_say(p, "context", PROBE_OK,
		    url.len > 0
			? "answers come under %.*s, known to the region"
			: "answers name none%.*s: that of the source holds",
		    STR_FMT(url));
}

/* ---- entities, pages */

static bool
is_good(struct probe *p, const char *check, const struct http_call *call)
{
	int status = http_call_head(call)->status;

	if (status == 200)
		return (true);
	if (status == 401 || status == 403)
		probe_say(p, check, PROBE_FAILED,
		    "status %d: the hub's credentials are refused", status);
	else
		probe_say(p, check, PROBE_FAILED, "status %d", status);
	return (false);
}

static void
look_at_dataset(struct probe *p, const struct region_dataset *ds)
{
	char *check = arena_printf(p->arena, "dataset %.*s", STR_FMT(ds->name));
	struct http_call *call = get_entities(p, check, ds, 1);
	struct str type =
	    context_compact(p->source->context, ds->types[0].type, p->arena);
	uint64_t total = 0;
	int64_t got = -1;
	struct json j;

	if (call == NULL)
		return;
	if (is_good(p, check, call)) {
		got = count_entities(p, http_call_body(call), &j);
		if (got < 0)
			probe_say(p, check, PROBE_FAILED,
			    "the answer is not a JSON array of entities");
		else if (!total_of(call, &total))
			probe_say(p, check, PROBE_NOTE,
			    "%lld of type %.*s; no total is given, so pages "
			    "are asked for until a short one",
			    (long long)got, STR_FMT(type));
		else
			probe_say(p, check, total == 0 ? PROBE_NOTE : PROBE_OK,
			    "%llu of type %.*s", (unsigned long long)total,
			    STR_FMT(type));
	}
	if (got > 0 && ds == p->dataset && p->source->kind == SOURCE_NGSI_LD)
		look_at_context(p, call, &j);
	http_call_free(call);
}

/* A source may refuse large pages, or quietly give smaller ones. */
static void
say_page(struct probe *p, const struct http_call *call)
{
	int status = http_call_head(call)->status;
	unsigned page = p->source->page;
	uint64_t total = 0;
	struct json j;
	int64_t got = -1;

	if (status == 200)
		got = count_entities(p, http_call_body(call), &j);
	if (got < 0)
		probe_say(p, "page",
		    page == PAGE_TRIED ? PROBE_FAILED : PROBE_NOTE,
		    "limit=%d gives no list (status %d); the region asks for "
		    "%u",
		    PAGE_TRIED, status, page);
	else if (!total_of(call, &total) || (uint64_t)got >= total)
		probe_say(p, "page", PROBE_OK,
		    "%lld entities came in one page; the region asks for %u",
		    (long long)got, page);
	else if (got < (int64_t)page)
		probe_say(p, "page", PROBE_NOTE,
		    "at most %lld entities a page are given; the region asks "
		    "for %u: set page to %lld",
		    (long long)got, page, (long long)got);
	else
		probe_say(p, "page", PROBE_OK,
		    "%lld entities a page are given; the region asks for %u",
		    (long long)got, page);
}

static void
look_at_pages(struct probe *p)
{
	struct http_call *call =
	    get_entities(p, "page", p->dataset, PAGE_TRIED);

	if (call != NULL)
		say_page(p, call);
	http_call_free(call);
}

static void
look_at_entities(struct probe *p)
{
	const struct region *r = p->region;

	if (p->dataset == NULL) {
		probe_say(p, "dataset", PROBE_NOTE,
		    "no dataset is registered there: the hub never asks it");
		return;
	}
	for (unsigned i = 0; i < r->ndatasets; i++)
		if (r->datasets[i].source == p->source)
			look_at_dataset(p, &r->datasets[i]);
	look_at_pages(p);
}

enum probe_result
probe_source(const struct region *region, const struct region_source *source,
    const struct source_access *access, probe_fn *fn, void *arg)
{
	struct probe p = { .region = region,
		.source = source,
		.access = access,
		.loop = loop_new(),
		.arena = arena_new(),
		.fn = fn,
		.arg = arg };

	for (unsigned i = region->ndatasets; i-- > 0;)
		if (region->datasets[i].source == source)
			p.dataset = &region->datasets[i];
	names_init(&p.names, region->vocab, p.arena);
	if (probe_reach(&p) && look_at_token(&p)) {
		p.pool = pool_new(&p, source->host, source->port, access->tls);
		if (source->kind == SOURCE_NGSI_LD)
			look_at_identity(&p);
		look_at_entities(&p);
		http_pool_free(p.pool);
	}
	oauth_answer_clear(&p.token);
	http_client_shutdown(p.loop);
	loop_free(p.loop);
	arena_free(p.arena);
	return (p.worst);
}
