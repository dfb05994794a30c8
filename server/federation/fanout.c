/* server/federation/fanout.c - N sources at once; see fanout.h. */
#include "server/federation/fanout.h"

#include <stdlib.h>

#include "server/base/log.h"

/* Ids and Via come from one request head, tripled at most by escapes. */
#define REQUEST_MAX ((size_t)4 << 20)
/* A source that never reaches the end of its pages costs its byte ceiling or
 * this, whichever comes first. */
#define PAGES_MAX 1000
/* At most one line of a failing source in this time. */
#define LOG_US INT64_C(10000000)

/* Parts of one leg under way at once, if its source takes that many: a
 * client with a long list of ids leaves room for others. */
#define WIDTH_MAX 8
/* Halving ends here: who refuses so few does not mean the limit. */
#define PAGE_MIN 10

static void part_ask(struct leg_part *);
static void leg_continue(struct leg *);

static void
pages_clear(struct leg_page **pages)
{
	for (struct leg_page *p = *pages; p != NULL; p = p->next)
		buf_clear(&p->body);
	*pages = NULL;
}

static void
leg_drop_pages(struct leg *leg)
{
	pages_clear(&leg->pages);
	for (unsigned i = 0; i < leg->nparts; i++)
		pages_clear(&leg->parts[i].pages);
}

/* In order of the parts, whichever ended first. */
static void
leg_join_pages(struct leg *leg)
{
	struct leg_page **end = &leg->pages;

	for (unsigned i = 0; i < leg->nparts; i++)
		if (leg->parts[i].pages != NULL) {
			*end = leg->parts[i].pages;
			end = leg->parts[i].last_page;
			leg->parts[i].pages = NULL;
		}
}

static void
leg_stop_calls(struct leg *leg)
{
	defer_clear(leg->fanout->loop, &leg->refused);
	for (unsigned i = 0; i < leg->nparts; i++) {
		http_call_free(leg->parts[i].call);
		leg->parts[i].call = NULL;
	}
}

static void
leg_end(struct leg *leg, enum leg_warning warning)
{
	struct mono_us now = loop_now(leg->fanout->loop);
	const struct region_source *s = leg->policy->dataset->source;

	assert(leg->open);
	if (warning != WARN_NONE) {
		leg_drop_pages(leg); /* nothing partial from a broken source */
		if (leg->lane->failures == 0 &&
		    now.us >= leg->lane->quiet_until.us) {
			leg->lane->quiet_until.us = now.us + LOG_US;
			log_warn("source failed",
			    "source=%.*s dataset=%.*s warning=%d late=%d",
			    STR_FMT(s->name), STR_FMT(leg->policy->dataset->name),
			    (int)warning, (int)leg->late);
		}
	}
	leg_stop_calls(leg);
	leg_join_pages(leg);
	if (leg->asked) /* not merely refused */
		source_lane_result(leg->lane, s,
		    warning == WARN_NONE || leg->sound, now);
	leg->warning = warning;
	leg->upstream_us = (uint32_t)(now.us - leg->begun.us);
	leg->lane->users--;
	leg->open = false;
	leg->fanout->open--;
	leg->fanout->wake(leg->fanout->arg);
}

static const struct context *
page_context(const struct http_head *h, const struct policy_leg *pl,
    const struct names *names, enum hub_err *err_r)
{
	const struct context *ctx;
	struct str url = STR_NONE;
	unsigned count = 0;
	struct str link = http_field_find(h, STR("Link"), &count);

	*err_r = HUB_OK;
	/* Of several Link fields one may be the context; look at each. */
	for (unsigned i = 0; count > 1 && i < h->nfields; i++)
		if (str_caseeq(h->fields[i].name, STR("Link")) &&
		    context_link_parse(h->fields[i].value, &url) == HUB_OK &&
		    url.p != NULL)
			break;
	if (count == 1 && context_link_parse(link, &url) != HUB_OK)
		url = STR_NONE;
	if (url.p == NULL)
		return (pl->dataset->source->context);
	ctx = vocab_context(names->vocab, url);
	if (ctx == NULL) {
		log_warn("answer under an unknown @context",
		    "source=%.*s context=\"%.*s\"",
		    STR_FMT(pl->dataset->source->name),
		    (int)(url.len < 200 ? url.len : 200), url.p);
		*err_r = HUB_ENOENT;
	}
	return (ctx);
}

enum hub_err
fanout_parse(struct leg_page *page, const struct http_head *h,
    const struct policy_leg *pl, bool single, struct names *names,
    struct arena *a)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	enum hub_err err;

	page->single = single;
	page->doc.context = page_context(h, pl, names, &err);
	if (err != HUB_OK)
		return (err);
	page->doc.priority = pl->dataset->priority;
	page->doc.dataset = pl->dataset->name;
	page->doc.auxiliary = pl->dataset->mode == MODE_AUXILIARY;
	err = json_parse(&page->doc.json, buf_str(&page->body), &limits, a);
	if (err != HUB_OK)
		return (err);
	if (page->doc.json.nodes[0].kind !=
	    (single ? JSON_OBJECT : JSON_ARRAY))
		return (HUB_ESYNTAX);
	return (HUB_OK);
}

const struct document *
fanout_entity_document(const struct leg_page *page, uint32_t node,
    const struct document *last, struct names *names, struct arena *a)
{
	const struct json *j = &page->doc.json;
	const struct context *ctx;
	struct document *doc;
	struct str url = STR_NONE;
	uint32_t at = 0;

	if (j->nodes[node].kind == JSON_OBJECT)
		at = json_member(j, node, STR("@context"));
	if (at == 0)
		return (&page->doc);
	if (context_of_json(names, j, at, &ctx, &url) != HUB_OK) {
		log_warn("entity under an unknown @context",
		    "dataset=%.*s context=\"%.*s\"",
		    STR_FMT(page->doc.dataset),
		    (int)(url.len < 200 ? url.len : 200),
		    url.p != NULL ? url.p : "");
		return (NULL);
	}
	if (ctx == page->doc.context)
		return (&page->doc);
	if (last != NULL && last->context == ctx)
		return (last);
	doc = arena_alloc(a, sizeof(*doc));
	*doc = page->doc;
	doc->context = ctx;
	return (doc);
}

/* Is there another page? The source's own total tells (a source may give
 * fewer per page than asked); without one a short page is the last, and a
 * source that ignores the limit sent everything at once. */
static bool
more_pages(
    const struct source_ask *ask, const struct http_head *h, uint32_t got)
{
	uint64_t total;
	struct str count = http_field_find(h, STR("NGSILD-Results-Count"),
	    NULL);

	if (ask->form == FORM_RETRIEVE || got == 0)
		return (false);
	if (count.p != NULL && str_uint(count, UINT32_MAX, &total) == HUB_OK)
		return (ask->offset + got < total);
	return (got == ask->limit);
}

/* A source that ignores the offset sends its first page again and again. */
static bool
is_repeated(const struct leg_part *part, const struct leg_page *page)
{
	const struct leg_page *first = part->pages;

	return (first != NULL && first != page &&
	    str_eq(buf_str(&first->body), buf_str(&page->body)));
}

static void
part_end(struct leg_part *part)
{
	http_call_free(part->call);
	part->call = NULL;
	part->leg->running--;
	leg_continue(part->leg);
}

/* The source took a smaller page than it had refused. */
static void
note_smaller(struct leg *leg, uint32_t limit)
{
	if (leg->lane->page_max > 0 && leg->lane->page_max <= limit)
		return;
	leg->lane->page_max = limit;
	log_info("source wants smaller pages", "source=%.*s page=%u",
	    STR_FMT(leg->policy->dataset->source->name), limit);
}

static void
part_take_page(struct leg_part *part)
{
	struct leg *leg = part->leg;
	struct fanout *f = leg->fanout;
	const struct http_head *h = http_call_head(part->call);
	struct leg_page *page = arena_alloc(f->arena, sizeof(*page));
	enum hub_err err;
	uint32_t got;

	if (part->smaller)
		note_smaller(leg, part->ask.limit);
	http_call_body_take(part->call, &page->body);
	*part->last_page = page;
	part->last_page = &page->next;
	leg->bytes += page->body.len;
	err = fanout_parse(page, h, leg->policy,
	    part->ask.form == FORM_RETRIEVE, f->names, f->arena);
	if (err != HUB_OK || leg->bytes > f->answer_max) {
		leg->sound = err == HUB_OK;
		leg_end(leg, WARN_INVALID);
		return;
	}
	got = page->doc.json.nodes[0].count;
	if (is_repeated(part, page) || !more_pages(&part->ask, h, got)) {
		part_end(part);
		return;
	}
	part->ask.offset += got;
	part_ask(part);
}

/* 403 TooManyResults as the standard has it (6.3.2), 400 as some do; another
 * 400 is not about the page. */
static bool
refuses_page(const struct leg_part *part, int status)
{
	const char *word = status == 403 ? "TooManyResults" :
	    status == 400		 ? "limit" :
					   NULL;
	struct str body = http_call_body(part->call);

	return (word != NULL && part->ask.form != FORM_RETRIEVE &&
	    part->ask.limit / 2 >= PAGE_MIN && body.len > 0 &&
	    memmem(body.p, body.len, word, strlen(word)) != NULL);
}

/* Half is tried at once; what then succeeds is remembered. */
static void
part_ask_smaller(struct leg_part *part)
{
	part->ask.limit /= 2;
	part->smaller = true;
	part_ask(part);
}

/* Whom one request does not suit (too long a list of ids, say) has not
 * failed: else a client could make it rest for everybody. */
static bool
is_clients_fault(int status)
{
	return (status >= 400 && status < 500 && status != 408 &&
	    status != 429);
}

static void
part_take_status(struct leg_part *part, int status)
{
	struct leg *leg = part->leg;

	if (status == 401 && leg->fanout->unauthorized != NULL)
		leg->fanout->unauthorized(leg->policy->dataset->source,
		    leg->fanout->arg);
	if (status == 200)
		part_take_page(part);
	else if (status == 404)
		part_end(part); /* it has nothing */
	else if (refuses_page(part, status))
		part_ask_smaller(part);
	else {
		leg->sound = is_clients_fault(status);
		leg_end(leg, status == 508 ? WARN_NO_ANSWER : WARN_STATUS);
	}
}

static void
on_call(struct http_call *call, enum hub_err err, void *arg)
{
	struct leg_part *part = arg;
	struct leg *leg = part->leg;

	switch (err) {
	case HUB_OK:
		part_take_status(part, http_call_head(call)->status);
		break;
	case HUB_ELATE:
		leg->late = true;
		leg_end(leg, WARN_NO_ANSWER);
		break;
	case HUB_EFULL:
		leg->sound = true; /* who asks for less gets an answer */
		leg_end(leg, WARN_INVALID);
		break;
	case HUB_ESYNTAX:
	case HUB_ECLOSED:
	case HUB_ERANGE:
		leg_end(leg, WARN_INVALID);
		break;
	default:
		leg_end(leg, WARN_NO_ANSWER);
		break;
	}
}

static void
on_refused(void *arg)
{
	leg_end(arg, WARN_NO_ANSWER);
}

/* What never reaches the end of its pages is not taken in part. */
static void
on_endless(void *arg)
{
	leg_end(arg, WARN_INVALID);
}

/* The hub's own lack, and no sign of the source's health. */
static void
on_no_token(void *arg)
{
	struct leg *leg = arg;
	struct source_lane *lane = leg->lane;
	struct mono_us now = loop_now(leg->fanout->loop);

	if (now.us >= lane->quiet_until.us) {
		lane->quiet_until.us = now.us + LOG_US;
		log_warn("no token for the source, it is not asked",
		    "source=%.*s", STR_FMT(leg->policy->dataset->source->name));
	}
	leg_end(leg, WARN_STATUS);
}

static bool
lacks_token(const struct leg *leg)
{
	return (leg->policy->dataset->source->oauth_token_url.len > 0 &&
	    leg->ask.token.len == 0);
}

static void
part_ask(struct leg_part *part)
{
	struct leg *leg = part->leg;
	struct fanout *f = leg->fanout;
	const struct region_source *s = leg->policy->dataset->source;
	int64_t spent = (loop_now(f->loop).us - leg->begun.us) / 1000;
	struct http_call_conf conf = { .is_safe = true }; /* POST, too: reads */
	struct buf b;

	buf_init(&b, REQUEST_MAX);
	buf_reserve(&b, 1024);
	source_request(&part->ask, f->arena, &b);
	http_call_free(part->call);
	part->call = NULL;
	if (b.failed || leg->pages_asked == PAGES_MAX) {
		leg->stuck = true;
		defer_set(f->loop, &leg->refused,
		    b.failed ? on_refused : on_endless, leg);
		buf_clear(&b);
		return;
	}
	leg->pages_asked++;
	leg->asked = true;
	conf.bytes = buf_str(&b);
	/* One budget for all pages of a leg. */
	conf.timeout_ms = spent < s->timeout_ms - 1 ?
	    s->timeout_ms - (int)spent : 1;
	conf.body_max = (f->answer_max - leg->bytes) / leg->width + 1;
	part->call = http_call_start(leg->lane->pool, &conf, on_call, part);
	buf_clear(&b);
}

/* As many parts as may run; the leg ends with the last. Not before
 * fanout_start has returned: it begins with one part at least. */
static void
leg_continue(struct leg *leg)
{
	while (!leg->stuck && leg->running < leg->width &&
	    leg->next_part < leg->nparts) {
		leg->running++;
		part_ask(&leg->parts[leg->next_part++]);
	}
	if (leg->running == 0)
		leg_end(leg, WARN_NONE);
}

/* Distributes the ids. false: they are too many for one leg. */
static bool
leg_split(struct leg *leg)
{
	struct arena *a = leg->fanout->arena;
	const struct region_source *s = leg->policy->dataset->source;
	struct source_ask rest = leg->ask;
	struct leg_part *part;
	unsigned n;

	if (leg->lane->page_max > 0 && leg->lane->page_max < rest.limit)
		rest.limit = leg->lane->page_max;
	leg->width = rest.form != FORM_RETRIEVE ? 1 :
	    s->in_flight < WIDTH_MAX		? s->in_flight :
						  WIDTH_MAX;
	if (leg->width > rest.nids)
		leg->width = rest.nids > 0 ? rest.nids : 1;
	leg->parts = arena_array(a, rest.nids < SOURCE_PARTS_MAX ?
		rest.nids + 1 : SOURCE_PARTS_MAX, sizeof(*leg->parts));
	do {
		if (leg->nparts == SOURCE_PARTS_MAX)
			return (false);
		n = source_ids_fit(&rest, a);
		part = &leg->parts[leg->nparts++];
		part->leg = leg;
		part->ask = rest;
		part->ask.nids = n;
		part->last_page = &part->pages;
		rest.ids += n;
		rest.nids -= n;
	} while (rest.nids > 0);
	return (true);
}

void
fanout_start(struct fanout *f, struct source_pools *pools)
{
	f->open = f->n;
	for (unsigned i = 0; i < f->n; i++) {
		struct leg *leg = &f->legs[i];

		leg->fanout = f;
		leg->open = true;
		leg->begun = loop_now(f->loop);
		leg->lane = source_pools_lane(pools,
		    leg->policy->dataset->source, leg->ask.access);
		leg->lane->users++;
		if (lacks_token(leg))
			defer_set(f->loop, &leg->refused, on_no_token, leg);
		else if (leg_split(leg) &&
		    source_lane_ready(leg->lane, leg->begun))
			leg_continue(leg);
		else
			defer_set(f->loop, &leg->refused, on_refused, leg);
	}
}

void
fanout_clear(struct fanout *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct leg *leg = &f->legs[i];

		if (leg->open) {
			leg_stop_calls(leg);
			/* If it was the breaker's trial, the next may try. */
			if (leg->lane->open_until.us != 0)
				leg->lane->open_until = loop_now(f->loop);
			leg->lane->users--;
			leg->open = false;
			f->open--;
		}
		leg_drop_pages(leg);
	}
}
