/* server/federation/fanout_answer.c - what a source sends back, or fails to:
 * taken, asked for otherwise, or the end of its leg; see fanout.h. */
#include "server/federation/fanout_priv.h"

#include "server/base/log.h"

/* Halving ends here: who refuses so few does not mean the limit. */
#define PAGE_MIN 10
/* So long a source that refused predicates is asked for none. */
#define PUSH_US INT64_C(600000000)

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

/* The source gave all where it had refused to select. */
static void
note_bare(struct leg *leg)
{
	struct mono_us now = loop_now(leg->fanout->loop);

	if (now.us >= leg->lane->push_from.us)
		log_info("source does not select, it is asked for all",
		    "source=%.*s", STR_FMT(leg->policy->dataset->source->name));
	leg->lane->push_from.us = now.us + PUSH_US;
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
	    !leg->outdated &&
	    leg->bytes <= leg->fanout->answer_max &&
	    k->context == page->doc.context &&
	    str_eq(k->body, buf_str(&page->body)) &&
	    !more_pages(&part->ask, h, k->count));
}

/* What was kept of it is better than nothing, and said to be old. */
static void
part_fail(struct leg_part *part, enum leg_warning warning)
{
	if (kept_find_stale(part))
		part_take_page(part);
	else
		leg_end(part->leg, warning);
}

/* The page is good: is there something behind it? */
static void
part_go_on(struct leg_part *part, const struct leg_page *page,
    const struct http_head *h)
{
	uint32_t got = page->doc.json.nodes[0].count;

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

void
part_take_page(struct leg_part *part)
{
	struct leg *leg = part->leg;
	struct fanout *f = leg->fanout;
	const struct http_head *h = part->kept != NULL ?
	    &part->kept->head : http_call_head(part->call);
	struct leg_page *page = arena_alloc(f->arena, sizeof(*page));
	enum hub_err err;

	if (part->smaller && part->kept == NULL)
		note_smaller(leg, part->ask.limit);
	if (part->bare && part->kept == NULL)
		note_bare(leg);
	err = part->kept != NULL ? kept_take(part, page) :
				   http_call_body_take(part->call, &page->body);
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
		kept_put(part, page, h);
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
		part_drop_last(part);
		part_fail(part, WARN_INVALID);
		return;
	}
	kept_put(part, page, h);
	part_go_on(part, page, h);
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

/* It does not take what it was to select by, or not in this form; a first page
 * only, since on others it has done so. */
static bool
refuses_push(const struct leg_part *part, int status)
{
	return (part->ask.push != NULL && part->pages == NULL &&
	    (status == 400 || status == 414 || status == 422 ||
		status == 501));
}

/* All is asked for at once; if that succeeds, the others of the next time will
 * not be asked twice. Who did not take a predicate has said nothing of pages,
 * whichever of its words the refusal repeats. */
static void
part_ask_all(struct leg_part *part)
{
	part->ask.push = NULL;
	part->ask.limit = leg_page_limit(part->leg);
	part->smaller = false;
	part->bare = true;
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

	leg->status = status;
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
	else if (refuses_push(part, status))
		part_ask_all(part);
	else {
		leg->sound = is_clients_fault(status);
		if (status == 401 || status == 403)
			kept_forget(part);
		/* Who is refused gets nothing that was kept, either. */
		if (leg->sound || status == 508)
			leg_end(leg, status == 508 ? WARN_NO_ANSWER :
						     WARN_STATUS);
		else
			part_fail(part, WARN_STATUS);
	}
}

void
part_on_call(struct http_call *call, enum hub_err err, void *arg)
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
		part_fail(part, WARN_NO_ANSWER);
		break;
	case HUB_EFULL:
	case HUB_EAGAIN:
		leg_no_room(leg, err);
		break;
	case HUB_ESYNTAX:
	case HUB_ECLOSED:
	case HUB_ERANGE:
		part_fail(part, WARN_INVALID);
		break;
	default:
		part_fail(part, WARN_NO_ANSWER);
		break;
	}
}
