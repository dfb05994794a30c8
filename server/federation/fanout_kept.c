/* server/federation/fanout_kept.c - pages that need not be asked for, since
 * they were kept; see answer_cache.h and fanout.h. */
#include "server/federation/fanout_priv.h"

bool
leg_keeps(const struct leg *leg)
{
	return (leg->fanout->cache != NULL &&
	    leg->policy->dataset->cache_us > 0);
}

static void
add_text(struct str s, struct buf *b)
{
	buf_addu(b, s.len);
	buf_addc(b, ' ');
	buf_adds(b, s);
}

/* All that goes to the source, and to which; but not the token, which comes
 * anew each time and says no more than the source's name, nor the trace, which
 * changes nothing in an answer. */
static bool
make_key(struct leg_part *part)
{
	struct source_ask ask = part->ask;
	const struct region_source *s = ask.leg->dataset->source;
	struct buf b;
	bool ok;

	ask.token = STR_NONE;
	ask.trace = NULL;
	part->key.source = hash_str(s->name);
	buf_init(&b, REQUEST_MAX);
	add_text(s->owner != NULL ? s->owner->name : STR(""), &b);
	add_text(s->name, &b);
	buf_addu(&b, s->https);
	buf_addc(&b, ' ');
	buf_addu(&b, ask.access->serial);
	buf_addc(&b, ' ');
	source_request(&ask, part->leg->fanout->arena, &b);
	ok = !b.failed;
	if (ok)
		sha256(buf_str(&b), part->key.b);
	buf_clear(&b);
	return (ok);
}

bool
kept_find(struct leg_part *part)
{
	struct leg *leg = part->leg;
	struct fanout *f = leg->fanout;

	assert(part->kept == NULL);
	part->keyed = leg_keeps(leg) && make_key(part);
	if (part->keyed)
		part->kept = answer_cache_find(f->cache, &part->key,
		    loop_now(f->loop),
		    leg->refusal != NULL && !leg_lacks_token(leg));
	return (part->kept != NULL);
}

bool
kept_find_stale(struct leg_part *part)
{
	struct fanout *f = part->leg->fanout;

	if (!part->keyed || part->kept != NULL)
		return (false);
	part->kept = answer_cache_find(f->cache, &part->key,
	    loop_now(f->loop), true);
	return (part->kept != NULL);
}

/* A copy: others may read it, and it may be forgotten. */
enum hub_err
kept_take(struct leg_part *part, struct leg_page *page)
{
	struct leg *leg = part->leg;
	const struct kept_answer *k = part->kept;
	enum hub_err err = budget_take(&leg->memory, k->body.len);

	if (err != HUB_OK)
		return (err);
	buf_init(&page->body, k->body.len + 1);
	buf_adds(&page->body, k->body);
	page->translated = k->translated;
	if (k->translated)
		leg->translated += k->body.len;
	leg->cached = true;
	leg->outdated |= loop_now(leg->fanout->loop).us >= k->until.us;
	return (HUB_OK);
}

void
kept_put(struct leg_part *part, struct leg_page *page,
    const struct http_head *h)
{
	struct fanout *f = part->leg->fanout;

	if (!part->keyed || h->status != 200)
		return;
	page->keyed = true;
	page->key = part->key;
	if (part->kept == NULL)
		answer_cache_put(f->cache, &part->key, h,
		    buf_str(&page->body), page->translated,
		    part->leg->policy->dataset->cache_us, loop_now(f->loop));
}

void
kept_release(struct leg_part *part)
{
	defer_clear(part->leg->fanout->loop, &part->arrived);
	if (part->kept != NULL)
		kept_answer_unref(&part->kept);
}

void
kept_forget(const struct leg_part *part)
{
	if (part->keyed)
		answer_cache_forget(part->leg->fanout->cache,
		    part->key.source);
}

/* What could not be used shall not come again. */
void
kept_reject(const struct leg *leg)
{
	for (const struct leg_page *p = leg->pages; p != NULL; p = p->next)
		if (p->keyed)
			answer_cache_drop(leg->fanout->cache, &p->key);
}
