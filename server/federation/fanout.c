/* server/federation/fanout.c - N sources at once: legs and what they ask, from
 * start to end; see fanout.h. */
#include "server/federation/fanout_priv.h"

#include <stdlib.h>

#include "policies/registration.h"
#include "server/base/log.h"

/* A source that never reaches the end of its pages costs its byte ceiling or
 * this, whichever comes first. */
#define PAGES_MAX 1000
/* At most one line of a failing source in this time. */
#define LOG_US INT64_C(10000000)

/* Parts of one leg under way at once, if its source takes that many: a
 * client with a long list of ids leaves room for others. */
#define WIDTH_MAX 8

void
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
		kept_release(&leg->parts[i]);
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

/* Trimmed pools may free the lane as soon as no leg holds it. */
static void
leg_leave_lane(struct leg *leg)
{
	leg->breaker_until = leg->lane->open_until;
	leg->lane->users--;
	leg->lane = NULL;
}

void
leg_end(struct leg *leg, enum leg_warning warning)
{
	struct mono_us now = loop_now(leg->fanout->loop);
	const struct region_source *s = leg->policy->dataset->source;

	assert(leg->open);
	if (warning == WARN_NONE && leg->outdated)
		warning = WARN_STALE;
	if (warning != WARN_NONE) {
		if (warning != WARN_STALE) /* nothing partial from a broken */
			leg_drop_pages(leg);
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
	if ((leg->asked && leg->untold) || (!leg->asked && leg->trial))
		source_lane_unused(leg->lane, now);
	else if (leg->asked) /* not merely refused */
		source_lane_result(leg->lane, s,
		    warning == WARN_NONE || leg->sound, now);
	leg->warning = warning;
	leg->upstream_us = (uint32_t)(now.us - leg->begun.us);
	leg_leave_lane(leg);
	leg->open = false;
	leg->fanout->open--;
	leg->fanout->wake(leg->fanout->arg);
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

bool
leg_lacks_token(const struct leg *leg)
{
	return (leg->policy->dataset->source->oauth_token_url.len > 0 &&
	    leg->ask.token.len == 0);
}

static void
on_kept(void *arg)
{
	part_take_page(arg);
}

void
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
	kept_release(part);
	if (kept_find(part)) {
		defer_set(f->loop, &part->arrived, on_kept, part);
		buf_clear(&b);
		return;
	}
	if (leg->refusal != NULL) {
		leg->stuck = true;
		defer_set(f->loop, &leg->refused, leg->refusal, leg);
		buf_clear(&b);
		return;
	}
	leg->asked = true;
	conf.bytes = buf_str(&b);
	conf.party = f->party;
	conf.memory = &leg->memory;
	/* One budget for all pages of a leg. */
	conf.timeout_ms = spent < s->timeout_ms - 1 ?
	    s->timeout_ms - (int)spent : 1;
	conf.body_max = (f->answer_max - leg->bytes) / leg->width + 1;
	part->call = http_call_start(leg->lane->pool, &conf, part_on_call,
	    part);
	buf_clear(&b);
}

/* As many parts as may run; the leg ends with the last. Not before
 * fanout_start has returned: it begins with one part at least. */
void
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

uint32_t
leg_page_limit(const struct leg *leg)
{
	uint32_t most = leg->lane->page_max;

	return (most > 0 && most < leg->ask.limit ? most : leg->ask.limit);
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

	rest.limit = leg_page_limit(leg);
	if (leg->begun.us < leg->lane->push_from.us)
		rest.push = NULL;
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

/* Why it may not be asked now, or NULL. */
static loop_fn *
leg_refusal(struct leg *leg)
{
	if (!leg_split(leg)) {
		leg->nparts = 0;
		return (on_refused);
	}
	if (is_resting(leg))
		return (on_refused);
	if (leg_lacks_token(leg))
		return (on_no_token);
	if (!source_lane_ready(leg->lane, leg->begun))
		return (on_refused);
	leg->trial = leg->lane->open_until.us != 0;
	return (NULL);
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
		leg->refusal = leg_refusal(leg);
		if (leg->refusal == NULL || (leg_keeps(leg) && leg->nparts > 0))
			leg_continue(leg);
		else
			defer_set(f->loop, &leg->refused, leg->refusal, leg);
	}
}

void
fanout_clear(struct fanout *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct leg *leg = &f->legs[i];

		if (leg->open) {
			leg_stop_calls(leg);
			if (leg->asked || leg->trial)
				source_lane_unused(leg->lane,
				    loop_now(f->loop));
			leg_leave_lane(leg);
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
	kept_reject(leg);
	leg->warning = err == HUB_EAGAIN ? WARN_NO_ANSWER : WARN_INVALID;
}
