/* server/federation/fanout_page.c - one page of one source: in which context it
 * is written, what it means, and the memory for reading it; see fanout.h. */
#include "server/base/log.h"
#include "server/federation/fanout_priv.h"
#include "server/federation/v2_answer.h"
#include "server/federation/v2_request.h"

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
	if (url.p == NULL || pl->dataset->source->kind == SOURCE_NGSI_V2)
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

/* All of a page that can be known without reading its body. */
enum hub_err
page_begin(struct leg_page *page, const struct http_head *h,
    const struct policy_leg *pl, bool single, const struct names *names)
{
	enum hub_err err;

	page->single = single;
	page->doc.context = page_context(h, pl, names, &err);
	page->doc.priority = pl->dataset->priority;
	page->doc.dataset = pl->dataset->name;
	page->doc.auxiliary = pl->dataset->mode == MODE_AUXILIARY;
	return (err);
}

static enum hub_err
page_read(struct leg_page *page, struct arena *a)
{
	struct json_limits limits = JSON_LIMITS_BROKER;
	enum hub_err err;

	if (page->nodes_max > 0)
		limits.nodes = page->nodes_max;
	err = json_parse(&page->doc.json, buf_str(&page->body), &limits, a);
	if (err != HUB_OK)
		return (err);
	if (page->doc.json.nodes[0].kind !=
	    (page->single ? JSON_OBJECT : JSON_ARRAY))
		return (HUB_ESYNTAX);
	return (HUB_OK);
}

enum hub_err
fanout_parse(struct leg_page *page, const struct http_head *h,
    const struct policy_leg *pl, bool single, struct names *names,
    struct arena *a)
{
	enum hub_err err = page_begin(page, h, pl, single, names);

	return (err != HUB_OK ? err : page_read(page, a));
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

	if (j->odd_names && j->nodes[node].kind == JSON_OBJECT)
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

/* Memory for the worst is taken first, and what was not needed given back:
 * "[1,1,1" is read into ten times its bytes. */
enum hub_err
leg_read(struct leg *leg, struct leg_page *page)
{
	static const struct json_limits limits = JSON_LIMITS_BROKER;
	struct fanout *f = leg->fanout;
	struct budget_claim *m = &leg->memory;
	size_t before = arena_used(f->arena), bytes, used;
	enum hub_err err, more = HUB_OK;

	page->nodes_max = json_nodes_fit(page->body.len, m->max - m->held,
	    &limits);
	if (page->nodes_max == 0)
		return (HUB_EFULL);
	bytes = json_tape_bytes(page->body.len, page->nodes_max);
	err = budget_take(m, bytes);
	if (err != HUB_OK)
		return (err);
	err = page_read(page, f->arena);
	used = arena_used(f->arena) - before;
	if (used > bytes)
		more = budget_take(m, used - bytes);
	else
		budget_give(m, bytes - used);
	return (err != HUB_OK ? err : more);
}

bool
speaks_v2(const struct leg *leg)
{
	return (leg->policy->dataset->source->kind == SOURCE_NGSI_V2);
}

/* The text of what came from an NGSI-v2 source; its own tape is gone when this
 * returns. */
static enum hub_err
translate(struct leg *leg, struct str body, struct buf *text)
{
	const struct region_dataset *ds = leg->policy->dataset;
	struct budget_claim *m = &leg->memory;
	struct json_limits limits = JSON_LIMITS_BROKER;
	enum hub_err err;
	size_t tape;

	limits.nodes = json_nodes_fit(body.len, m->max - m->held, &limits);
	if (limits.nodes == 0)
		return (HUB_EFULL);
	tape = json_tape_bytes(body.len, limits.nodes);
	err = budget_take(m, tape);
	if (err != HUB_OK)
		return (err);
	err = v2_answer(body, &limits, v2_scope(ds), text);
	budget_give(m, tape);
	return (err);
}

/* What an NGSI-v2 source sent becomes the NGSI-LD that it means; all pages
 * together are of no more than one answer may have. */
enum hub_err
page_translate(struct leg *leg, struct leg_page *page)
{
	struct buf text;
	enum hub_err err;

	if (!speaks_v2(leg) || page->translated)
		return (HUB_OK);
	if (leg->translated >= leg->fanout->answer_max)
		return (HUB_EFULL);
	buf_init(&text, leg->fanout->answer_max - leg->translated);
	err = translate(leg, buf_str(&page->body), &text);
	buf_clear(&page->body);
	budget_give(&leg->memory, page->held);
	page->held = 0;
	page->body = text;
	page->translated = true;
	leg->translated += text.len;
	if (err == HUB_OK)
		err = budget_take(&leg->memory, text.len);
	if (err == HUB_OK)
		page->held = text.len;
	return (err);
}

enum hub_err
fanout_read(struct leg *leg)
{
	return (leg_read(leg, leg->pages));
}

size_t
fanout_memory_left(const struct leg *leg)
{
	return (leg->memory.max - leg->memory.held);
}

enum hub_err
fanout_take_memory(struct leg *leg, size_t n)
{
	return (budget_take(&leg->memory, n));
}
