/* server/federation/fanout.c - N sources at once; see fanout.h. */
#include "server/federation/fanout_priv.h"

#include <stdlib.h>

#include "policies/registration.h"
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
pages_clear(struct leg *leg, struct leg_page **pages)
{
	for (struct leg_page *p = *pages; p != NULL; p = p->next) {
		buf_clear(&p->body);
		budget_give(&leg->memory, p->held);
	}
	*pages = NULL;
}

static void
leg_drop_pages(struct leg *leg)
{
	pages_clear(leg, &leg->pages);
	for (unsigned i = 0; i < leg->nparts; i++)
		pages_clear(leg, &leg->parts[i].pages);
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

/* What a registration says of itself (5.2.9), and its cooldown. */
static void
note_use(const struct leg *leg, bool failed)
{
	const struct registration *reg = leg->policy->dataset->registration;
	struct source_use *u = leg->ask.access->use;
	struct loop *loop = leg->fanout->loop;

	if (u == NULL || !leg->asked || leg->untold)
		return;
	atomic_fetch_add(&u->sent, 1);
	if (!failed) {
		atomic_store(&u->succeeded_us, loop_wall(loop).us);
		return;
	}
	atomic_fetch_add(&u->failed, 1);
	atomic_store(&u->failed_us, loop_wall(loop).us);
	if (reg->management.cooldown_ms > 0 && !leg->sound)
		atomic_store(&u->rest_until_us, loop_now(loop).us +
			reg->management.cooldown_ms * 1000);
}

/* After a failure it counts as not answering until that is over. */
static bool
is_resting(const struct leg *leg)
{
	const struct source_use *u = leg->ask.access->use;

	return (u != NULL &&
	    leg->begun.us < atomic_load(&u->rest_until_us));
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
			log_warn(leg->untold ? "no room to ask the source" :
					       "source failed",
			    "source=%.*s dataset=%.*s warning=%d late=%d",
			    STR_FMT(s->name), STR_FMT(leg->policy->dataset->name),
			    (int)warning, (int)leg->late);
		}
	}
	leg_stop_calls(leg);
	leg_join_pages(leg);
	note_use(leg, warning != WARN_NONE);
	if (leg->asked && leg->untold)
		source_lane_unused(leg->lane, now);
	else if (leg->asked) /* not merely refused */
		source_lane_result(leg->lane, s,
		    warning == WARN_NONE || leg->sound, now);
	leg->warning = warning;
	leg->upstream_us = (uint32_t)(now.us - leg->begun.us);
	leg->lane->users--;
	leg->open = false;
	leg->fanout->open--;
	leg->fanout->wake(leg->fanout->arg);
}

/* Is there another page? The source's own total tells (a source may give
 * fewer per page than asked); without one a short page is the last, and a
 * source that ignores the limit sent everything at once. */
static bool
more_pages(
    const struct source_ask *ask, const struct http_head *h, uint32_t got)
{
	uint64_t total;
	bool v2 = ask->leg->dataset->source->kind == SOURCE_NGSI_V2;
	struct str count = http_field_find(h,
	    v2 ? STR("Fiware-Total-Count") : STR("NGSILD-Results-Count"),
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

/* Its page is there already: else everything on it would count twice. */
static void
part_drop_last(struct leg_part *part)
{
	struct leg_page **at = &part->pages;

	while ((*at)->next != NULL)
		at = &(*at)->next;
	pages_clear(part->leg, at);
	part->last_page = at;
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

/* There is no room for its answer: since it is too large itself, or since
 * others are here. */
static void
leg_no_room(struct leg *leg, enum hub_err err)
{
	if (err == HUB_EFULL) {
		leg->sound = true; /* who asks for less gets an answer */
		leg_end(leg, WARN_INVALID);
	} else {
		leg->untold = true;
		leg_end(leg, WARN_NO_ANSWER);
	}
}

/* There is nothing more of the entities that were on the page. */
static void
part_end_cut(struct leg_part *part)
{
	part->cut = false;
	part->ask = part->whole;
	part->ask.offset += part->got;
	if (part->more)
		part_ask(part);
	else
		part_end(part);
}

/* A page of evolutions that ends before the range does is asked on for its
 * entities, by their ids and from where it ends; then the next page comes. */
static void
part_take_cut(struct leg_part *part, const struct leg_page *page,
    const struct http_head *h, uint32_t got)
{
	struct source_ask next = part->ask;
	enum source_rest rest = SOURCE_REST_NONE;

	if (h->status == 206)
		rest = source_ask_rest(&next, &page->doc.json,
		    http_field_find(h, STR("Content-Range"), NULL), part->cut,
		    part->leg->fanout->arena);
	if (rest == SOURCE_REST_BAD) {
		leg_end(part->leg, WARN_INVALID);
		return;
	}
	if (!part->cut) {
		part->whole = part->ask;
		part->got = got;
		part->more = more_pages(&part->ask, h, got);
	}
	part->cut = true;
	part->ask = next;
	if (rest == SOURCE_REST_MORE)
		part_ask(part);
	else
		part_end_cut(part);
}

/* Is the page the whole answer, and the one that is known? */
static bool
part_is_known(const struct leg_part *part, const struct leg_page *page,
    const struct http_head *h)
{
	const struct leg *leg = part->leg;
	const struct leg_known *k = leg->known;

	return (k != NULL && leg->nparts == 1 && part->pages == page &&
	    part->ask.time == NULL && !page->translated &&
	    leg->bytes <= leg->fanout->answer_max &&
	    k->context == page->doc.context &&
	    str_eq(k->body, buf_str(&page->body)) &&
	    !more_pages(&part->ask, h, k->count));
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
	err = http_call_body_take(part->call, &page->body);
	if (err != HUB_OK) {
		leg_no_room(leg, err);
		return;
	}
	page->held = page->body.len;
	*part->last_page = page;
	part->last_page = &page->next;
	leg->bytes += page->body.len;
	err = page_translate(leg, page);
	if (err == HUB_OK)
		err = page_begin(page, h, leg->policy,
		    part->ask.form == FORM_RETRIEVE && !speaks_v2(leg),
		    f->names);
	if (err == HUB_OK && part_is_known(part, page, h)) {
		leg->recalled = true;
		part_end(part);
		return;
	}
	if (err == HUB_OK)
		err = leg_read(leg, page);
	if (err == HUB_OK && leg->bytes > f->answer_max)
		err = HUB_EFULL;
	if (err == HUB_EFULL || err == HUB_EAGAIN) {
		leg_no_room(leg, err);
		return;
	}
	if (err != HUB_OK) {
		leg_end(leg, WARN_INVALID);
		return;
	}
	got = page->doc.json.nodes[0].count;
	if (part->ask.time != NULL && (h->status == 206 || part->cut)) {
		part_take_cut(part, page, h, got);
		return;
	}
	if (is_repeated(part, page)) {
		part_drop_last(part);
		part_end(part);
		return;
	}
	if (!more_pages(&part->ask, h, got)) {
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

	/* Of entities asked for by their ids half would be lost. */
	return (word != NULL && !part->cut &&
	    part->ask.form != FORM_RETRIEVE &&
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
	if (status == 200 || (status == 206 && part->ask.time != NULL))
		part_take_page(part);
	else if (status == 404 && part->cut)
		part_end_cut(part);
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
		leg->untold = !http_call_was_out(call);
		leg_end(leg, WARN_NO_ANSWER);
		break;
	case HUB_EFULL:
	case HUB_EAGAIN:
		leg_no_room(leg, err);
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
	conf.party = f->party;
	conf.memory = &leg->memory;
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
		if (leg->withheld) {
			leg->warning = WARN_NO_ANSWER;
			f->open--;
			continue;
		}
		leg->open = true;
		leg->begun = loop_now(f->loop);
		leg->memory = (struct budget_claim){ .budget = f->memory,
			.share = leg->ask.access->share,
			.max = f->answer_max * LEG_MEMORY };
		leg->lane = source_pools_lane(pools,
		    leg->policy->dataset->source, leg->ask.access);
		leg->lane->users++;
		if (is_resting(leg))
			defer_set(f->loop, &leg->refused, on_refused, leg);
		else if (lacks_token(leg))
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
			if (leg->asked)
				source_lane_unused(leg->lane,
				    loop_now(f->loop));
			leg->lane->users--;
			leg->open = false;
			f->open--;
		}
		leg_drop_pages(leg);
		budget_end(&leg->memory);
	}
}

void
fanout_reject(struct leg *leg, enum hub_err err)
{
	assert(!leg->open && err != HUB_OK);
	leg->warning = err == HUB_EAGAIN ? WARN_NO_ANSWER : WARN_INVALID;
}
