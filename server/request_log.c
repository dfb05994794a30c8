/* server/request_log.c - the line that the log has of each request: names and
 * numbers, none of which a client can choose but the id of its trace. No path,
 * no query, no name or address of a person. */
#include "server/base/log_line.h"
#include "server/base/log_queue.h"
#include "server/decision.h"
#include "server/request.h"
#include "server/request_priv.h"

#define ROUTE_MAX 128

/* Lines of unknown callers in a second, of each worker: nobody outside fills
 * the disk. */
#define UNKNOWN_MAX 100

bool
request_logs(const struct request *rq)
{
	return (rq->worker->config->log_requests &&
	    log_get_level() >= LOG_INFO);
}

/* The row of the table that fitted, with "*" for what the client has written
 * there. false: none did. */
static bool
write_route(const struct request *rq, struct buf *b)
{
	const struct resource *r = rq->resource;

	if (r == NULL)
		return (false);
	if (rq->hub != NULL)
		BUF_LIT(b, "/hub/v1/");
	else if (r->path[0] != '/')
		BUF_LIT(b, "/ngsi-ld/v1/");
	buf_adds(b, str_of(r->path));
	return (!b->failed);
}

/* A method that is none of ours may be any word. */
static struct str
method_word(enum http_method m)
{
	static const struct str words[] = { [HTTP_GET] = STR("GET"),
		[HTTP_HEAD] = STR("HEAD"), [HTTP_POST] = STR("POST"),
		[HTTP_PUT] = STR("PUT"), [HTTP_PATCH] = STR("PATCH"),
		[HTTP_DELETE] = STR("DELETE"),
		[HTTP_OPTIONS] = STR("OPTIONS"), [HTTP_OTHER] = STR("OTHER") };

	return (words[m]);
}

/* Is there a tenant whose token was good? */
static bool
is_known(const struct request *rq)
{
	return (rq->identity.tenant != NULL && rq->status != 401);
}

static void
add_head(struct log_line *l, const struct request *rq)
{
	struct buf route;

	log_line_text(l, "request", str_of(rq->id_text));
	log_line_text(l, "trace", str_of(rq->trace.id));
	log_line_text(l, "span", str_of(rq->trace.span));
	log_line_text(l, "parent", str_of(rq->trace.parent));
	if (is_known(rq))
		log_line_text(l, "tenant", rq->identity.tenant->name);
	log_line_text(l, "method", method_word(rq->method));
	buf_init(&route, ROUTE_MAX);
	if (write_route(rq, &route))
		log_line_text(l, "route", buf_str(&route));
	buf_clear(&route);
}

/* 0: one of the ends is not known. */
static int64_t
between(struct mono_us from, struct mono_us to)
{
	return (from.us > 0 && to.us > from.us ? to.us - from.us : 0);
}

struct spent
request_spent(const struct request *rq)
{
	struct mono_us now = loop_now(rq->worker->loop);
	struct spent t = { between(rq->begun, now), -1, -1 };

	if (rq->times.asked.us > 0)
		t.sources = between(rq->times.asked,
		    rq->times.heard.us > 0 ? rq->times.heard : now);
	if (rq->times.booked.us > 0)
		t.ledger = between(rq->times.booked, now);
	return (t);
}

static void
add_times(struct log_line *l, const struct request *rq)
{
	struct spent t = request_spent(rq);

	log_line_number(l, "us", t.all);
	if (t.sources >= 0)
		log_line_number(l, "sources_us", t.sources);
	if (t.ledger >= 0)
		log_line_number(l, "ledger_us", t.ledger);
}

static void
add_outcome(struct log_line *l, const struct request *rq,
    const struct decision *d)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < d->nsources; i++)
		failed += d->sources[i].reason.len > 0;
	if (rq->decided.planned) {
		log_line_number(l, "sources", d->nsources);
		log_line_number(l, "failed", failed);
		log_line_number(l, "entities", d->entities);
	}
	log_line_text(l, "decision", str_of(decision_verdicts[d->verdict]));
	log_line_text(l, "reason", d->reason);
}

/* May one of an unknown caller, or of who is known, have its line? Says how many
 * had none, once their second is over. */
static bool
take_turn(struct worker *w, bool known)
{
	int64_t second = loop_now(w->loop).us / 1000000;

	if (second != w->unknown.second) {
		if (w->unknown.skipped > 0)
			log_info("requests of unknown callers without a line",
			    "more=%llu",
			    (unsigned long long)w->unknown.skipped);
		w->unknown.second = second;
		w->unknown.n = 0;
		w->unknown.skipped = 0;
	}
	if (known || w->unknown.n++ < UNKNOWN_MAX)
		return (true);
	w->unknown.skipped++;
	return (false);
}

void
request_log(const struct request *rq, const struct decision *d)
{
	struct log_line l;

	if (!take_turn(rq->worker, is_known(rq)))
		return;
	log_line_begin(&l, LOG_INFO, "request");
	add_head(&l, rq);
	log_line_number(&l, "status", d->status);
	log_line_number(&l, "bytes", d->bytes);
	add_times(&l, rq);
	add_outcome(&l, rq, d);
	log_queue_add(log_line_end(&l));
}

void
request_log_refused(int status, void *worker)
{
	struct worker *w = worker;
	struct log_line l;

	if (!w->config->log_requests || log_get_level() < LOG_INFO ||
	    !take_turn(w, false))
		return;
	log_line_begin(&l, LOG_INFO, "request not read");
	log_line_number(&l, "status", status);
	log_queue_add(log_line_end(&l));
}
