/* server/request_web.c - the files of the web page and where it sends people
 * to log in; request_web.h says what it promises. */
#include "server/request_web.h"

#include "server/request_hub.h"
#include "server/url.h"
#include "server/web.h"

#define WEB_SCOPE "openid hub.read"

static enum step_next run_page(struct request *);

static const struct step STEP_PAGE = { "page", run_page };
static const struct resource page = { .path = "/",
	.methods = 1U << HTTP_GET | 1U << HTTP_HEAD, .allow = "GET, HEAD",
	.next = &STEP_PAGE, .access = ACCESS_PAGE };

/* "/" is the first file; the others have the hash in their address. */
static const struct web_file *
file_find(const struct http_uri *u)
{
	if (u->nsegments == 0)
		return (&web_files[0]);
	if (u->nsegments != 3 || !str_eq(u->segments[0], STR("web")) ||
	    !str_eq(u->segments[1], str_of(web_hash)))
		return (NULL);
	for (const struct web_file *f = web_files + 1; f->name != NULL; f++)
		if (str_eq(u->segments[2], str_of(f->name)))
			return (f);
	return (NULL);
}

const struct resource *
web_resource_find(const struct http_uri *u)
{
	return (file_find(u) != NULL ? &page : NULL);
}

/* ---- header fields */

/* scheme://host[:port] of those by whom people log in. A URL of the region has
 * nothing in its authority that could end a directive. */
static void
add_origins(const struct request *rq, struct buf *b)
{
	const struct tenant_set *t;
	struct url_parts url;

	if (rq->snapshot == NULL)
		return;
	t = &rq->snapshot->region->tenants;
	for (unsigned i = 0; i < t->nissuers; i++)
		if (t->issuers[i].web_client.len > 0 &&
		    url_split(t->issuers[i].iss, &url))
			buf_addf(b, " %s://%.*s", url.https ? "https" : "http",
			    STR_FMT(url.authority));
}

static void
add_fields(struct request *rq, const struct web_file *f, bool coded)
{
	struct buf *b = &rq->fields;

	buf_addf(b, "Request-Id: %s\r\nContent-Type: %s\r\n"
	    "ETag: \"%s%s\"\r\nVary: Accept-Encoding\r\n"
	    "Cache-Control: %s\r\n", rq->id_text, f->type, web_hash,
	    coded ? "-gzip" : "", f == web_files ? "no-cache" :
		"public, max-age=31536000, immutable");
	if (coded && rq->status == 200)
		BUF_LIT(b, "Content-Encoding: gzip\r\n");
	BUF_LIT(b, "Content-Security-Policy: default-src 'none'; "
		   "script-src 'self'; style-src 'self'; "
		   "img-src 'self' data:; connect-src 'self'");
	add_origins(rq, b);
	BUF_LIT(b, "; base-uri 'none'; form-action 'none'; "
		   "frame-ancestors 'none'; "
		   "require-trusted-types-for 'script'; "
		   "trusted-types 'none'\r\n"
		   "X-Content-Type-Options: nosniff\r\n"
		   "Referrer-Policy: no-referrer\r\n"
		   "Cross-Origin-Opener-Policy: same-origin\r\n"
		   "Cross-Origin-Resource-Policy: same-origin\r\n");
	/* On localhost it would also bind whatever else is served there. */
	if (http_exchange_is_tls(rq->exchange) && !str_prefix(
	    http_exchange_head(rq->exchange)->host, STR("localhost")))
		BUF_LIT(b, "Strict-Transport-Security: max-age=31536000\r\n");
}

/* Comes straight from receive: nobody is known here, and nothing is noted. */
static enum step_next
run_page(struct request *rq)
{
	const struct web_file *f = file_find(&rq->uri);
	bool coded;

	assert(f != NULL);
	rq->decided.noted = true;
	coded = rq->gzip && rq->worker->config->gzip && f->coded != NULL;
	rq->status = conduct_is_known(http_exchange_head(rq->exchange),
			 str_of(web_hash)) ? 304 : 200;
	add_fields(rq, f, coded);
	if (rq->status == 200)
		buf_add(&rq->body, coded ? f->coded : f->bytes,
		    coded ? f->coded_len : f->len);
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	return (answer_send(rq));
}

/* ---- login */

static void
add_issuer(struct buf *b, const struct issuer *is, const char *sep)
{
	buf_addf(b, "%s{\"issuer\":", sep);
	buf_add_json(b, is->iss);
	BUF_LIT(b, ",\"clientId\":");
	buf_add_json(b, is->web_client);
	BUF_LIT(b, ",\"scope\":");
	buf_add_json(b, is->web_scope.len > 0 ? is->web_scope :
						STR(WEB_SCOPE));
	buf_addc(b, '}');
}

/* What anybody may know who wants to log in: what a browser would be sent to
 * anyhow. Issuers without the page's client are not named. */
static enum step_next
run_login(struct request *rq)
{
	const char *bad = hub_format(rq), *sep = "";
	struct buf *b = &rq->body;
	const struct tenant_set *t;

	rq->decided.noted = true;
	if (rq->snapshot == NULL)
		return (refuse(rq, PROBLEM_NOT_READY, NULL));
	if (bad != NULL)
		return (refuse(rq, PROBLEM_BAD_REQUEST, bad));
	t = &rq->snapshot->region->tenants;
	BUF_LIT(b, "{\"hub\":");
	buf_add_json(b, rq->worker->config->name);
	BUF_LIT(b, ",\"contact\":");
	if (rq->worker->config->contact != NULL)
		buf_add_json(b, str_of(rq->worker->config->contact));
	else
		BUF_LIT(b, "null");
	BUF_LIT(b, ",\"issuers\":[");
	for (unsigned i = 0; i < t->nissuers; i++)
		if (t->issuers[i].web_client.len > 0) {
			add_issuer(b, &t->issuers[i], sep);
			sep = ",";
		}
	BUF_LIT(b, "]}");
	return (hub_answer(rq, "application/json"));
}

const struct step STEP_HUB_LOGIN = { "login", run_login };
