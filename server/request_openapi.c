/* server/request_openapi.c - see request_openapi.h. */
#include "server/request_openapi.h"

/* Made by contrib/dev/embed-text.sh. */
extern const unsigned char openapi_json[];
extern const size_t openapi_json_len;

/* Comes straight from receive: nobody is known here, and nothing is noted. */
static enum step_next
run_openapi(struct request *rq)
{
	rq->decided.noted = true;
	if (rq->uri.nparams > 0)
		return (refuse(rq, PROBLEM_BAD_REQUEST,
		    "this resource takes no parameters"));
	buf_add(&rq->body, openapi_json, openapi_json_len);
	if (rq->body.failed)
		return (refuse(rq, PROBLEM_ANSWER_TOO_LARGE, NULL));
	rq->status = 200;
	answer_common_fields(rq);
	BUF_LIT(&rq->fields, "Content-Type: application/json\r\n");
	return (answer_send(rq));
}

static const struct step STEP_OPENAPI = { "openapi", run_openapi };
static const struct resource document = { .path = "/openapi.json",
	.methods = 1U << HTTP_GET | 1U << HTTP_HEAD, .allow = "GET, HEAD",
	.next = &STEP_OPENAPI, .access = ACCESS_OPEN };

const struct resource *
openapi_resource_find(const struct http_uri *u)
{
	return (u->nsegments == 1 &&
		str_eq(u->segments[0], STR("openapi.json")) ?
	    &document : NULL);
}
