/* server/federation/source_time.c - asking sources about the past; source.h
 * says what is promised. */
#include "server/federation/source.h"

/* Some sources leave out what is exactly at timeAt or endTimeAt, some cut
 * times to milliseconds: asked is this much more on both sides. */
#define TIME_SLACK_US 1000

static void
add_time(const char *key, struct wall_us at, int64_t slack, struct buf *b)
{
	buf_adds(b, str_of(key));
	at.us += slack;
	temporal_write_time(at, b);
}

void
source_add_time(const struct source_time *t, struct buf *b)
{
	bool from = t->range.from.us != INT64_MIN;
	bool until = t->range.until.us != INT64_MAX;

	if (from && until) {
		add_time("&timerel=between&timeAt=", t->range.from,
		    -TIME_SLACK_US, b);
		add_time("&endTimeAt=", t->range.until, TIME_SLACK_US, b);
	} else if (from) {
		add_time("&timerel=after&timeAt=", t->range.from,
		    -TIME_SLACK_US, b);
	} else if (until) {
		add_time("&timerel=before&timeAt=", t->range.until,
		    TIME_SLACK_US, b);
	}
	if (t->property != TIME_OBSERVED) {
		BUF_LIT(b, "&timeproperty=");
		buf_adds(b, time_property_name(t->property));
	}
	if (t->last_n > 0) {
		BUF_LIT(b, "&lastN=");
		buf_addu(b, t->last_n);
	}
}

/* The ids of a page of entities. false: not all have one. */
static bool
take_page_ids(struct source_ask *ask, const struct json *j, struct arena *a)
{
	struct str *ids;
	uint32_t id;
	unsigned n = 0;

	if (ask->form == FORM_RETRIEVE)
		return (true); /* it is asked for by its id already */
	if (j->nodes[0].kind != JSON_ARRAY)
		return (false);
	ids = arena_array(a, j->nodes[0].count, sizeof(*ids));
	for (uint32_t e = 1; e < j->nodes[0].next; e = j->nodes[e].next) {
		id = j->nodes[e].kind == JSON_OBJECT ?
		    json_member(j, e, STR("id")) : 0;
		if (id == 0 || j->nodes[id].kind != JSON_STRING)
			return (false);
		ids[n++] = json_text(j, id, a);
	}
	ask->ids = ids;
	ask->nids = n;
	ask->offset = 0;
	return (n > 0);
}

/* Headers may cut times to seconds. */
#define SECOND_US 1000000

static bool
overlaps(const struct time_range *r, struct wall_us a, struct wall_us b)
{
	struct wall_us oldest = a.us < b.us ? a : b;
	struct wall_us newest = a.us < b.us ? b : a;

	return (newest.us + SECOND_US >= r->from.us &&
	    oldest.us - SECOND_US <= r->until.us);
}

enum source_rest
source_ask_rest(struct source_ask *ask, const struct json *page,
    struct str content_range, bool again, struct arena *a)
{
	struct source_time *t = arena_alloc(a, sizeof(*t));
	struct wall_us first, last;
	bool moved;

	*t = *ask->time;
	if (t->last_n > 0) { /* it has not all of the newest: all, then */
		t->last_n = 0;
		ask->time = t;
		return (SOURCE_REST_MORE);
	}
	if (temporal_span_parse(content_range, &first, &last) != HUB_OK)
		return (SOURCE_REST_BAD);
	/* It must lie in what was asked for; and what is asked for again must
	 * not begin where it did before. */
	if (!overlaps(&t->range, first, last))
		return (SOURCE_REST_BAD);
	if (first.us <= last.us) {
		if (again && first.us + SECOND_US < t->range.from.us)
			return (SOURCE_REST_BAD);
		moved = last.us > t->range.from.us;
		if (last.us >= t->range.until.us)
			return (SOURCE_REST_NONE);
		t->range.from = last;
	} else { /* the newest first */
		if (again && first.us - SECOND_US > t->range.until.us)
			return (SOURCE_REST_BAD);
		moved = last.us + 1 < t->range.until.us;
		if (last.us < t->range.from.us)
			return (SOURCE_REST_NONE);
		t->range.until = (struct wall_us){ last.us + 1 };
	}
	if (!moved)
		return (again ? SOURCE_REST_NONE : SOURCE_REST_BAD);
	if (!take_page_ids(ask, page, a))
		return (SOURCE_REST_BAD);
	ask->time = t;
	return (SOURCE_REST_MORE);
}
