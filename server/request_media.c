/* server/request_media.c - media types: which one the client takes (RFC 9110,
 * 12.5.1), and the question it sends in a body (ETSI GS CIM 009, 6.3.4,
 * 6.3.5, 6.23). */
#include "server/request_hub.h"

/* A query's own limits (query.h) need less. */
#define BODY_LIMITS ((struct json_limits){ 32, 1024, 100000 })

/* ---- Accept */

/* RFC 9110, 12.4.2, in thousandths: 0 to 1 with at most three decimals.
 * Anything else is no weight at all and refuses the range. */
static int
weight(struct str s)
{
	int w, unit = 100;

	if (s.len == 0 || s.len > 5 || (s.p[0] != '0' && s.p[0] != '1') ||
	    (s.len > 1 && s.p[1] != '.'))
		return (0);
	w = (s.p[0] - '0') * 1000;
	for (size_t i = 2; i < s.len; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return (0);
		w += (s.p[i] - '0') * unit;
	}
	return (w <= 1000 ? w : 0);
}

/* How closely a range names the type; -1: not at all. */
static int
range_rank(struct str range, struct str type)
{
	return (str_caseeq(range, type)		    ? 2
		: str_caseeq(range, STR("application/*")) ? 1
		: str_caseeq(range, STR("*/*"))	    ? 0
						    : -1);
}

static int
range_weight(struct str params)
{
	struct str param;
	int w = 1000;

	while (params.p != NULL && str_cut(&params, ';', &param)) {
		param = str_trim(param);
		if (param.len >= 2 && str_caseeq((struct str){ param.p, 2 },
					  STR("q=")))
			w = weight(str_from(param, 2));
	}
	return (w);
}

/* The weight of a type: that of the range which names it most closely. -1:
 * nothing does. */
static int
accept_weight(struct str accept, struct str type)
{
	int rank, best_rank = -1, w = -1;
	struct str params, range;

	while (str_cut(&accept, ',', &params)) {
		(void)str_cut(&params, ';', &range);
		rank = range_rank(str_trim(range), type);
		if (rank > best_rank) {
			best_rank = rank;
			w = range_weight(params);
		}
	}
	return (w);
}

/* ---- Accept-Encoding, Accept-Language */

/* The weight of a name in a list, or of "*" where it is not named; -1: neither
 * is. With sub also "name-...". */
static int
list_weight(struct str list, struct str name, bool sub)
{
	struct str params, item = STR_NONE;
	int any = -1, w = -1;

	while (list.p != NULL && str_cut(&list, ',', &params)) {
		(void)str_cut(&params, ';', &item);
		item = str_trim(item);
		if (sub && item.len > name.len && item.p[name.len] == '-')
			item.len = name.len;
		if (str_eq(item, STR("*")))
			any = range_weight(params);
		else if (str_caseeq(item, name) && range_weight(params) > w)
			w = range_weight(params);
	}
	return (w >= 0 ? w : any);
}

bool
media_gzip(const struct http_head *h)
{
	unsigned n = 0;
	struct str v = http_field_find(h, STR("Accept-Encoding"), &n);

	return (n == 1 && list_weight(v, STR("gzip"), false) > 0);
}

/* English unless German is wanted more, or as much and named first. */
bool
media_german(const struct http_head *h)
{
	unsigned n = 0;
	struct str v = http_field_find(h, STR("Accept-Language"), &n);
	int de, en;

	if (n != 1)
		return (false);
	de = list_weight(v, STR("de"), true);
	en = list_weight(v, STR("en"), true);
	v = str_trim(v);
	return (de > 0 && (de > en || (de == en && v.len >= 2 &&
	    str_caseeq((struct str){ v.p, 2 }, STR("de")))));
}

/* ---- which one */

/* Of equal weight are JSON, then JSON-LD, then GeoJSON. Only entities have a
 * place. */
bool
media_choose(struct request *rq, const struct http_head *h)
{
	unsigned n = 0;
	struct str accept = http_field_find(h, STR("Accept"), &n);
	int json, ld, geo = -1, csv = -1, html = -1;

	if (n != 1)
		return (true); /* none: json; several: take json as well */
	json = accept_weight(accept, STR("application/json"));
	ld = accept_weight(accept, STR("application/ld+json"));
	if (rq->resource->next == &STEP_QUERY)
		geo = accept_weight(accept, STR("application/geo+json"));
	if (rq->hub != NULL && rq->hub->csv)
		csv = accept_weight(accept, STR("text/csv"));
	if (rq->hub != NULL && rq->hub->html)
		html = accept_weight(accept, STR("text/html"));
	rq->problem_json =
	    accept_weight(accept, STR("application/problem+json")) > json;
	rq->geo = geo > json && geo > ld;
	rq->ld = !rq->geo && ld > json;
	rq->html = html > json && html > ld && html >= csv;
	rq->csv = !rq->html && csv > json && csv > ld;
	return (json > 0 || ld > 0 || geo > 0 || csv > 0 || html > 0);
}

bool
media_context_inside(const struct request *rq)
{
	return (rq->ld || (rq->geo && !rq->prefer_json));
}

/* ---- the body */

enum problem
media_body(struct request *rq, const struct http_head *h)
{
	struct str params, type = STR_NONE, coding;
	unsigned n = 0, coded = 0;

	if (h->framing == HTTP_BODY_NONE)
		return (PROBLEM_LENGTH_REQUIRED);
	coding = http_field_find(h, STR("Content-Encoding"), &coded);
	params = http_field_find(h, STR("Content-Type"), &n);
	if (n != 1 || coded > 1 ||
	    (coded == 1 && !str_caseeq(coding, STR("identity"))))
		return (PROBLEM_MEDIA_TYPE);
	(void)str_cut(&params, ';', &type);
	type = str_trim(type);
	rq->body_ld = str_caseeq(type, STR("application/ld+json"));
	if (h->method == HTTP_PATCH &&
	    str_caseeq(type, STR("application/merge-patch+json")))
		return (PROBLEM_MAX);
	return (rq->body_ld || str_caseeq(type, STR("application/json")) ?
		PROBLEM_MAX : PROBLEM_MEDIA_TYPE);
}

/* 6.3.5: with application/ld+json the @context is in the body, with
 * application/json in a Link (admit has seen to that), never in both. */
static enum problem
body_context(struct request *rq, const struct json *j, const char **why_r)
{
	uint32_t node = json_member(j, 0, STR("@context"));
	struct str url;

	if (!rq->body_ld && node == 0)
		return (PROBLEM_MAX);
	*why_r = node == 0 ? "a body of application/ld+json needs @context" :
			     "the @context in the body needs "
			     "application/ld+json";
	if (!rq->body_ld || node == 0)
		return (PROBLEM_BAD_REQUEST);
	*why_r = NULL;
	if (context_of_json(&rq->names, j, node, &rq->context, &url) != HUB_OK)
		return (PROBLEM_CONTEXT_UNAVAILABLE);
	return (PROBLEM_MAX);
}

enum problem
media_read_body(struct request *rq, struct json *j, const char **why_r)
{
	static const struct json_limits limits = BODY_LIMITS;

	switch (json_parse(j, http_exchange_body(rq->exchange), &limits,
	    rq->arena)) {
	case HUB_OK:
		break;
	case HUB_EFULL:
		*why_r = "the body is nested too deeply or has too many parts";
		return (PROBLEM_BAD_REQUEST);
	default:
		return (PROBLEM_INVALID_REQUEST);
	}
	*why_r = rq->resource->access == ACCESS_REGISTRY ?
	    "the body is no registration" : "the body is no Query";
	if (j->nodes[0].kind != JSON_OBJECT)
		return (PROBLEM_BAD_REQUEST);
	*why_r = NULL;
	return (body_context(rq, j, why_r));
}
