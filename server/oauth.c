/* server/oauth.c - the hub's tokens towards sources; oauth.h says what it
 * promises. */
#include "server/oauth.h"

#include <stdlib.h>

#include "server/base/hash.h"
#include "server/base/log.h"
#include "server/oauth_token.h"

#define COOLDOWN_US INT64_C(10000000)
#define FETCH_MS    5000
#define REQUEST_MAX ((size_t)131072)
#define NEVER       INT64_MAX

/* One source of the region in force; unused unless it has oauth { }. */
struct entry {
	struct oauth *oauth;
	const struct region_source *source; /* of the pinned snapshot */
	const struct source_access *access;
	struct source_token *token; /* NULL: none */
	struct mono_us tried;       /* 0: never */
	struct mono_us expires, next;
	unsigned failures; /* in a row */
	struct timer timer;
	struct url_parts url;
	struct http_pool *pool;
	struct http_call *call;
};

struct oauth {
	struct loop *loop;
	void (*on_tokens)(struct source_tokens *, void *);
	void *arg;
	struct snapshot *snapshot;
	struct entry *entries; /* by source index */
	unsigned n;
};

static void fetch(struct entry *);

static bool
is_used(const struct entry *e)
{
	return (e->source->oauth_token_url.len > 0);
}

static struct source_tokens *
collect(const struct oauth *o)
{
	struct source_token **list = xcalloc(o->n, sizeof(list[0]));
	struct source_tokens *tokens;

	for (unsigned i = 0; i < o->n; i++)
		list[i] = o->entries[i].token;
	tokens = source_tokens_new(o->n, list);
	free(list);
	return (tokens);
}

static void
publish(struct oauth *o)
{
	struct source_tokens *tokens = collect(o);

	o->on_tokens(tokens, o->arg);
	source_tokens_unref(&tokens);
}

/* Wakes at the next try or at the token's end, whichever is first. */
static void
plan(struct entry *e)
{
	int64_t at = e->call != NULL ? NEVER : e->next.us;
	int64_t wait;

	if (e->token != NULL && e->expires.us < at)
		at = e->expires.us;
	if (at == NEVER) {
		timer_clear(&e->timer);
		return;
	}
	wait = (at - loop_now(e->oauth->loop).us + 999) / 1000;
	timer_set(&e->timer, wait > 0 ? wait : 0);
}

static void
on_timer(void *arg)
{
	struct entry *e = arg;
	int64_t now = loop_now(e->oauth->loop).us;

	if (e->token != NULL && now >= e->expires.us) {
		log_err("token of the source has ended without a new one",
		    "source=%.*s", STR_FMT(e->source->name));
		source_token_unref(&e->token);
		publish(e->oauth);
	}
	if (e->call == NULL && now >= e->next.us)
		fetch(e);
	else
		plan(e);
}

struct oauth *
oauth_new(struct loop *loop, void (*on_tokens)(struct source_tokens *, void *),
    void *arg)
{
	struct oauth *o = xcalloc(1, sizeof(*o));

	o->loop = loop;
	o->on_tokens = on_tokens;
	o->arg = arg;
	return (o);
}

static void
entries_free(struct entry *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		timer_clear(&e[i].timer);
		http_call_free(e[i].call);
		http_pool_free(e[i].pool);
		source_token_unref(&e[i].token);
	}
	free(e);
}

void
oauth_free(struct oauth *o)
{
	if (o == NULL)
		return;
	entries_free(o->entries, o->n);
	snapshot_unref(&o->snapshot);
	free(o);
}

/* ---- fetching */

static void
take(struct entry *e, const struct oauth_answer *answer)
{
	int64_t ms = oauth_refresh_ms(answer->life_s);

	source_token_unref(&e->token);
	e->token = source_token_new(answer->token);
	e->failures = 0;
	/* From when it was asked for: it was made later than that. */
	e->expires.us = e->tried.us + answer->life_s * 1000000;
	e->next.us = e->tried.us + ms * 1000;
	log_info("token of the source taken", "source=%.*s life_s=%lld",
	    STR_FMT(e->source->name), (long long)answer->life_s);
}

static void
retry(struct entry *e, int status, const char *why)
{
	uint32_t random;
	int64_t ms;

	random_bytes(&random, sizeof(random));
	ms = oauth_retry_ms(++e->failures, random);
	e->next.us = loop_now(e->oauth->loop).us + ms * 1000;
	log_warn("token of the source not fetched",
	    "source=%.*s status=%d why=\"%s\" retry_ms=%lld valid=%d",
	    STR_FMT(e->source->name), status, why, (long long)ms,
	    (int)(e->token != NULL));
}

/* Reads the answer and leaves nothing of it in memory. */
static void
take_answer(struct entry *e)
{
	int status = http_call_head(e->call)->status;
	struct oauth_answer answer = { STR_NONE, 0 };
	const char *why = "";
	struct buf body;

	if (http_call_body_take(e->call, &body) != HUB_OK)
		return; /* never: it has no claim on memory */
	if (oauth_answer_parse(status, buf_str(&body), &answer, &why) == HUB_OK)
		take(e, &answer);
	else
		retry(e, status, why);
	oauth_answer_clear(&answer);
	if (body.p != NULL)
		explicit_bzero(body.p, body.len);
	buf_clear(&body);
}

static void
on_answer(struct http_call *call, enum hub_err err, void *arg)
{
	struct entry *e = arg;
	const struct source_token *had = e->token;

	assert(call == e->call);
	if (err == HUB_OK)
		take_answer(e);
	else
		retry(e, 0, hub_err_str(err));
	http_call_free(e->call);
	e->call = NULL;
	plan(e);
	if (e->token != had)
		publish(e->oauth);
}

static void
fetch(struct entry *e)
{
	struct http_call_conf conf = { .timeout_ms = FETCH_MS,
		.body_max = OAUTH_ANSWER_MAX };
	const struct oauth_client client = { e->source->oauth_client_id,
		e->access->secret, e->source->oauth_scope };
	struct buf b;

	assert(e->call == NULL);
	if (e->pool == NULL) {
		e->next.us = NEVER;
		plan(e);
		return;
	}
	e->tried = loop_now(e->oauth->loop);
	if (e->tried.us == 0)
		e->tried.us = 1;
	buf_init(&b, REQUEST_MAX);
	oauth_request(&client, &e->url, &b);
	if (b.failed) {
		retry(e, 0, "client-id, secret and scope are too long");
	} else {
		conf.bytes = buf_str(&b);
		e->call = http_call_start(e->pool, &conf, on_answer, e);
	}
	if (b.p != NULL)
		explicit_bzero(b.p, b.len);
	buf_clear(&b);
	plan(e);
}

/* ---- regions */

/* Would the same words be said to the same endpoint, for the same source? */
static bool
is_same(const struct entry *a, const struct entry *b)
{
	const struct region_source *s = a->source, *t = b->source;

	return (str_eq(s->name, t->name) && str_eq(s->host, t->host) &&
		s->port == t->port && s->https == t->https &&
		str_eq(s->oauth_token_url, t->oauth_token_url) &&
		str_eq(s->oauth_client_id, t->oauth_client_id) &&
		str_eq(s->oauth_scope, t->oauth_scope) &&
		str_eq(s->ca, t->ca) &&
		str_eq(a->access->secret, b->access->secret));
}

static void
entry_connect(struct entry *e)
{
	/* A connection is seldom needed again before it would be closed. */
	struct http_pool_conf conf = {
		.in_flight = 1, .queued = 1, .queued_each = 1,
		.idle_max = 0, .header_max = 16384
	};

	if (!url_split(e->source->oauth_token_url, &e->url)) {
		log_err(
		    "not a token URL", "source=%.*s", STR_FMT(e->source->name));
		return;
	}
	conf.host = e->url.host;
	conf.port = e->url.port;
	conf.tls = e->access->token_tls;
	e->pool = http_pool_new(e->oauth->loop, &conf);
}

static void
entry_begin(struct entry *e, const struct entry *old, unsigned nold)
{
	entry_connect(e);
	for (unsigned i = 0; i < nold; i++) {
		if (!is_used(&old[i]) || !is_same(&old[i], e))
			continue;
		if (old[i].token != NULL)
			e->token = source_token_ref(old[i].token);
		e->tried = old[i].tried;
		e->expires = old[i].expires;
		e->next = old[i].next;
		e->failures = old[i].failures;
		if (old[i].call != NULL) /* its answer is lost with it */
			e->next.us = 0;
	}
	plan(e); /* what is due is asked for at the next tick */
}

struct source_tokens *
oauth_region(struct oauth *o, struct snapshot *s)
{
	struct snapshot *was = o->snapshot;
	struct entry *old = o->entries;
	unsigned nold = o->n;

	o->snapshot = snapshot_ref(s);
	o->n = s->region->nsources;
	o->entries = xcalloc(o->n, sizeof(*o->entries));
	for (unsigned i = 0; i < o->n; i++) {
		struct entry *e = &o->entries[i];

		e->oauth = o;
		e->source = &s->region->sources[i];
		e->access = &s->access[i];
		timer_init(&e->timer, o->loop, on_timer, e);
		if (is_used(e))
			entry_begin(e, old, nold);
	}
	entries_free(old, nold);
	snapshot_unref(&was);
	return (collect(o));
}

void
oauth_want(struct oauth *o, unsigned index)
{
	struct entry *e = index < o->n ? &o->entries[index] : NULL;
	int64_t now = loop_now(o->loop).us;

	/* The cool-down counts tries, whatever came of them. */
	if (e == NULL || !is_used(e) || e->call != NULL ||
	    (e->tried.us != 0 && now - e->tried.us < COOLDOWN_US))
		return;
	fetch(e);
}

unsigned
oauth_missing(const struct oauth *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->n; i++)
		n += is_used(&o->entries[i]) && o->entries[i].token == NULL;
	return (n);
}
