/* server/request_conduct.c - what HTTP expects of any answer: its name (ETag)
 * and whether the client has it already (RFC 9110, 8.8.3 and 13.1.2), its
 * coding, and which pages in a browser may read it (CORS). */
#include "server/base/hash.h"
#include "server/gzip.h"
#include "server/request_priv.h"

/* Larger answers go without a name: of a thousand entities one has mostly
 * changed, and to hash them costs more than to send them. */
#define ETAG_BODY_MAX ((size_t)262144)

/* ---- pages of other origins */

/* Once somebody is known, what that tenant lists counts; before, what anybody
 * lists, so that a page can see that its token is refused. */
static bool
origin_listed(const struct request *rq)
{
	const struct tenant *t = rq->identity.tenant;

	if (rq->origin.p == NULL || rq->snapshot == NULL)
		return (false);
	return (t != NULL ? tenant_has_origin(t, rq->origin) :
	    tenants_have_origin(&rq->snapshot->region->tenants, rq->origin));
}

/* Never with credentials: no cookie opens anything here, a page has to bring
 * its token. */
void
cors_fields(const struct request *rq, struct buf *b)
{
	if (rq->resource != NULL && rq->resource->access == ACCESS_OPEN)
		BUF_LIT(b, "Access-Control-Allow-Origin: *\r\n");
	else if (origin_listed(rq)) {
		BUF_LIT(b, "Access-Control-Allow-Origin: ");
		buf_adds(b, rq->origin);
		BUF_LIT(b, "\r\n");
	} else
		return;
	BUF_LIT(b, "Access-Control-Expose-Headers: NGSILD-Results-Count, "
		   "NGSILD-Warning, NGSILD-EntityMap, Link, Location, ETag, "
		   "Request-Id, Client-Request-Id, Hub-Agreement, "
		   "Hub-Narrowing, Hub-Crisis, RateLimit, RateLimit-Policy, "
		   "Retry-After, Server-Timing\r\n");
}

bool
cors_is_preflight(const struct request *rq, const struct http_head *h)
{
	unsigned n = 0;

	(void)http_field_find(h, STR("Access-Control-Request-Method"), &n);
	return (h->method == HTTP_OPTIONS && n == 1 && origin_listed(rq));
}

enum step_next
cors_preflight(struct request *rq)
{
	struct buf *b = &rq->fields;

	rq->status = 204;
	rq->decided.noted = true; /* a browser asks, nobody yet */
	buf_addf(b, "Request-Id: %s\r\nAccess-Control-Allow-Origin: ",
	    rq->id_text);
	buf_adds(b, rq->origin);
	buf_addf(b, "\r\nAccess-Control-Allow-Methods: %s\r\n",
	    rq->resource->allow != NULL ? rq->resource->allow : "GET, HEAD");
	BUF_LIT(b, "Access-Control-Allow-Headers: Authorization, DPoP, "
		   "Accept-Language, Content-Type, Hub-Purpose, "
		   "If-None-Match, Link, NGSILD-EntityMap, NGSILD-Tenant, "
		   "Prefer, X-Request-Id, traceparent, tracestate\r\n"
		   "Access-Control-Max-Age: 600\r\n"
		   "Vary: Origin, Access-Control-Request-Method, "
		   "Access-Control-Request-Headers\r\n");
	return (answer_send(rq));
}

/* ---- Server-Timing */

static void
add_duration(struct buf *b, const char *name, int64_t us)
{
	if (us >= 0)
		buf_addf(b, "%s;dur=%lld.%03lld", name, (long long)us / 1000,
		    (long long)us % 1000);
}

void
timing_field(const struct request *rq, int status, struct buf *b)
{
	const struct identity *id = &rq->identity;
	struct spent t;

	/* A refused token is nobody's, whatever was read of it. */
	if (id->tenant == NULL || status == 401 ||
	    (id->roles & ROLE_TENANT_ADMIN) == 0)
		return;
	t = request_spent(rq);
	BUF_LIT(b, "Server-Timing: ");
	add_duration(b, "total", t.all);
	add_duration(b, ", sources", t.sources);
	add_duration(b, ", ledger", t.ledger);
	BUF_LIT(b, "\r\n");
}

/* ---- ETag */

/* Over what is sent and who it is sent to, and nothing else: the body, the
 * header fields that tell what it is (media type, @context, paging, agreements
 * with their versions, licences, narrowing) and the tenant. Not the number of
 * the bundle: it changes with what others agreed. */
static void
make_etag(struct request *rq)
{
	const struct tenant *t = rq->identity.tenant;
	struct str who = t != NULL ? t->name : STR("");
	struct str what = { rq->fields.p + rq->common_len,
		rq->fields.len - rq->common_len };
	unsigned char body[SHA256_LEN], all[SHA256_LEN];
	size_t n = sizeof(who.len) + who.len + sizeof(body) + what.len;
	char *from = arena_raw(rq->arena, n), *to = from;

	sha256(buf_str(&rq->body), body);
	memcpy(to, &who.len, sizeof(who.len));
	to += sizeof(who.len);
	memcpy(to, who.p, who.len);
	to += who.len;
	memcpy(to, body, sizeof(body));
	to += sizeof(body);
	if (what.len > 0)
		memcpy(to, what.p, what.len);
	sha256((struct str){ from, n }, all);
	hex_encode(all, ETAG_LEN / 2, rq->etag);
}

/* Is it that of the state we have, in whichever coding? */
static bool
is_ours(struct str ours, struct str tag)
{
	tag = str_trim(tag);
	if (str_eq(tag, STR("*")))
		return (true);
	if (str_prefix(tag, STR("W/")))
		tag = str_from(tag, 2);
	if (tag.len < 2 || tag.p[0] != '"' || tag.p[tag.len - 1] != '"')
		return (false);
	tag = (struct str){ tag.p + 1, tag.len - 2 };
	return (str_prefix(tag, ours) && (tag.len == ours.len ||
	    str_eq(str_from(tag, ours.len), STR("-gzip"))));
}

bool
conduct_is_known(const struct http_head *h, struct str etag)
{
	struct str rest, tag;

	for (unsigned i = 0; i < h->nfields; i++) {
		if (!str_caseeq(h->fields[i].name, STR("If-None-Match")))
			continue;
		rest = h->fields[i].value;
		while (rest.p != NULL && str_cut(&rest, ',', &tag))
			if (is_ours(etag, tag))
				return (true);
	}
	return (false);
}

/* ---- coding */

/* Only what holds nothing of the request but names of what was found, and
 * was asked for with a token, which no page can have a browser send (BREACH);
 * not what is below /hub/v1, nor errors. */
static bool
may_code(const struct request *rq)
{
	enum access a = rq->resource->access;

	return (rq->gzip && rq->worker->config->gzip && rq->hub == NULL &&
	    (a == ACCESS_DATA || a == ACCESS_OPEN) && !rq->map_only &&
	    rq->body.len >= GZIP_LEAST && rq->body.len <= GZIP_MOST);
}

static bool
code_body(struct request *rq)
{
	struct str made = recall_used(rq) ? recalled_coded(rq->recalled) :
					    STR_NONE;
	struct worker *w = rq->worker;
	struct buf coded;

	buf_init(&coded, rq->body.len);
	if (made.len > 0)
		buf_adds(&coded, made);
	else {
		if (w->gzip == NULL)
			w->gzip = gzip_new();
		if (!gzip_code(w->gzip, buf_str(&rq->body), &coded)) {
			buf_clear(&coded);
			return (false);
		}
		if (recall_used(rq))
			recalled_put_coded(rq->recalled, buf_str(&coded));
	}
	buf_clear(&rq->body);
	rq->body = coded;
	return (true);
}

bool
conduct_name(struct request *rq)
{
	const struct http_head *h = http_exchange_head(rq->exchange);
	bool reads = h->method == HTTP_GET || h->method == HTTP_HEAD;

	rq->named = true;
	if (!reads || rq->status != 200 || rq->fields.failed)
		return (false);
	if (rq->etag[0] == '\0' && rq->body.len > ETAG_BODY_MAX)
		return (false);
	if (rq->etag[0] == '\0')
		make_etag(rq);
	if (!conduct_is_known(h, (struct str){ rq->etag, ETAG_LEN }))
		return (false);
	rq->status = 304;
	return (true);
}

void
conduct_body(struct request *rq)
{
	bool coded = false;

	if (rq->status == 304)
		buf_clear(&rq->body);
	else if ((rq->status == 200 || rq->status == 206) && may_code(rq))
		coded = code_body(rq);
	if (coded)
		BUF_LIT(&rq->fields, "Content-Encoding: gzip\r\n");
	if (rq->etag[0] != '\0')
		buf_addf(&rq->fields, "ETag: \"%s%s\"\r\n", rq->etag,
		    coded ? "-gzip" : "");
}
