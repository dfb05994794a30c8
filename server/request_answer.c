/* server/request_answer.c - the usage record and the answer: the steps
 * account and answer. The answer leaves when its record is on the disk
 * (architecture.md, decision 6). */
#include "server/request_priv.h"

#include "server/base/log.h"

static void build_fields(struct request *);

/* ---- account */

static void
copy_ags(char to[8], struct str ags)
{
	memset(to, '0', 8);
	if (ags.len == 8)
		memcpy(to, ags.p, 8);
}

static enum record_decision
decision(const struct request *rq)
{
	if (rq->nshown == 0 && rq->nnames == 0)
		return (DECISION_DENY);
	for (unsigned i = 0; i < rq->fanout.n; i++)
		if (rq->fanout.legs[i].warning != WARN_NONE)
			return (DECISION_PARTIAL);
	return (DECISION_PERMIT);
}

/* Has any dataset entities of that type? */
static bool
type_known(const struct region *region, const struct name *type)
{
	for (unsigned i = 0; type->id != 0 && i < region->ndatasets; i++)
		for (unsigned k = 0; k < region->datasets[i].ntypes; k++)
			if (region->datasets[i].types[k].type == type)
				return (true);
	return (false);
}

/* The first types asked for. One that the region does not have gets no
 * number: the dictionary is kept for good, and what clients invent would fill
 * it until nothing new could be booked. */
static void
note_types(struct request *rq, struct record *r)
{
	const struct query *q = &rq->query;

	for (unsigned i = 0; i < q->ntypes && i < 4; i++)
		if (type_known(rq->snapshot->region, q->types[i]))
			r->types[i] = spool_dict_id(rq->worker->spool,
			    DICT_TYPE, q->types[i]->iri);
	r->ntypes = (uint8_t)(q->ntypes < 255 ? q->ntypes : 255);
}

/* The record of the access; its legs have most of it in common. */
static struct record
record_access(struct request *rq)
{
	struct record r = { .kind = RECORD_ACCESS,
		.event_id = rq->id,
		.request_id = rq->id,
		.start = rq->now,
		.duration_us = (uint32_t)(loop_now(rq->worker->loop).us -
		    rq->begun.us),
		.http_status = (uint16_t)rq->status,
		.operation = rq->temporal != NULL ? OPERATION_TEMPORAL :
			     rq->retrieve	  ? OPERATION_ENTITY :
						    OPERATION_QUERY };

	copy_ags(r.consumer_ags, rq->identity.tenant->ags);
	copy_ags(r.provider_ags, STR_NONE);
	memcpy(r.policy_hash, rq->snapshot->hash, sizeof(r.policy_hash));
	if (rq->purpose != NULL)
		r.purpose = (uint16_t)spool_dict_id(rq->worker->spool,
		    DICT_PURPOSE, rq->purpose->name);
	note_types(rq, &r);
	return (r);
}

/* Is it a download of this leg's open data? One without a body, or that the
 * client has already, is none. Several pages are one, the first; of a time
 * series that comes in parts (206), the last. */
static bool
is_download(const struct request *rq, unsigned i)
{
	const struct http_head *h = http_exchange_head(rq->exchange);

	return (rq->fanout.legs[i].policy->dataset->publish == DATASET_OPEN &&
	    rq->uses[i].entities > 0 && rq->nshown > 0 && rq->status == 200 &&
	    rq->query.offset == 0 && h->method != HTTP_HEAD);
}

static struct record
record_leg(struct request *rq, const struct record *access, unsigned i)
{
	const struct leg *leg = &rq->fanout.legs[i];
	const struct leg_use *use = &rq->uses[i];
	const struct policy_leg *pl = leg->policy;
	const struct region_agreement *ag;
	struct record r = *access;

	r.kind = RECORD_LEG;
	r.leg = (uint8_t)(i + 1);
	copy_ags(r.provider_ags, pl->dataset->source->owner->ags);
	r.decision = use->entities > 0 ? DECISION_PERMIT : DECISION_DENY;
	r.entities = use->entities;
	r.bytes_in = leg->bytes;
	if (i > 0 && leg[-1].aside)
		r.bytes_in += leg[-1].bytes;
	r.upstream_us = leg->upstream_us;
	if (leg->cached)
		r.flags |= RECORD_CACHE_HIT;
	if (is_download(rq, i))
		r.flags |= RECORD_OPEN_DATA;
	r.dataset = spool_dict_id(rq->worker->spool, DICT_DATASET,
	    pl->dataset->name);
	for (unsigned g = 0; g < pl->ngrants && g < REDACT_GRANTS_MAX; g++) {
		ag = pl->grants[g]->agreement;
		if (ag == NULL || (use->grants_used >> g & 1) == 0)
			continue;
		if (pl->grants[g]->event != NULL)
			r.flags |= RECORD_CRISIS;
		if (r.agreement != 0)
			continue;
		r.agreement = spool_dict_id(rq->worker->spool, DICT_AGREEMENT,
		    ag->name);
		r.agreement_version = ag->version;
	}
	return (r);
}

/* Who it was is said once, in the record that no provider reads. */
static void
note_user(const struct request *rq, struct record *access)
{
	if (rq->identity.person == 0)
		return;
	access->user_pseudonym = rq->identity.person;
	access->flags |= RECORD_PROFESSIONAL;
}

static void
on_durable(void *arg)
{
	struct request *rq = arg;

	rq->step = &STEP_ANSWER;
	request_wake(rq);
}

static enum step_next
run_account(struct request *rq)
{
	unsigned n = 0, max = rq->fanout.n < 255 ? rq->fanout.n : 255;
	struct record *r = arena_raw(rq->arena, (max + 1) * sizeof(*r));
	const struct http_head *h = http_exchange_head(rq->exchange);

	/* What is booked as answered must be what is answered, as it is sent:
	 * what the client has already costs no bytes. */
	if (rq->status != 404)
		build_fields(rq);
	if (rq->fields.failed)
		return (refuse(rq, PROBLEM_INTERNAL, NULL));
	r[0] = record_access(rq);
	for (unsigned i = 0; i < rq->fanout.n && n < max; i++)
		if (!rq->fanout.legs[i].aside) {
			r[n + 1] = record_leg(rq, &r[0], i);
			r[n + 1].leg = (uint8_t)(n + 1);
			n++;
		}
	for (unsigned i = 1; i <= n; i++)
		r[0].flags |= r[i].flags & (RECORD_CRISIS | RECORD_OPEN_DATA);
	note_user(rq, &r[0]);
	r[0].decision = (uint8_t)decision(rq);
	r[0].entities = rq->nshown;
	r[0].bytes_out = h->method == HTTP_HEAD ? 0 : rq->body.len;
	if (n == 1)
		memcpy(r[0].provider_ags, r[1].provider_ags, 8);
	rq->records = r;
	rq->job = (struct spool_job){ .records = r,
		.n = n + 1,
		.loop = rq->worker->loop,
		.fn = on_durable,
		.arg = rq };
	return (ledger_submit(rq));
}

const struct step STEP_ACCOUNT = { "account", run_account };

/* Waits for the disk; nothing but on_durable leads out of here. */
static enum step_next
run_durable(struct request *rq)
{
	(void)rq;
	return (NEXT_WAIT);
}

const struct step STEP_DURABLE = { "durable", run_durable };

/* ---- answer */

/* A source that is not asked since nobody confirms the policy. */
static void
add_unconfirmed(const struct request *rq, struct buf *b)
{
	for (unsigned i = 0; i < rq->fanout.n; i++)
		if (rq->fanout.legs[i].unconfirmed && !rq->fanout.legs[i].aside)
			buf_addf(b, "NGSILD-Warning: %d %.*s \"the policy "
			    "could not be confirmed\"\r\n", WARN_NO_ANSWER,
			    STR_FMT(rq->fanout.legs[i]
				.policy->dataset->source->name));
}

/* A source that is not asked, or not for all, since it was asked often. */
static void
add_spent(const struct request *rq, struct buf *b)
{
	for (unsigned i = 0; i < rq->fanout.n; i++)
		if (rq->fanout.legs[i].spent && !rq->fanout.legs[i].aside)
			buf_addf(b, "NGSILD-Warning: %d %.*s \"the quota of "
			    "an agreement is spent\"\r\n", WARN_NO_ANSWER,
			    STR_FMT(rq->fanout.legs[i]
				.policy->dataset->source->name));
}

static void
add_warnings(const struct request *rq, struct buf *b)
{
	static const struct {
		enum leg_warning code;
		const char *text;
	} texts[] = {
		{ WARN_INVALID, "the answer could not be used" },
		{ WARN_NO_ANSWER, "no answer" },
		{ WARN_STATUS, "the source refused" },
		{ WARN_STALE, "the source failed, this is what it gave "
			"before" },
	};

	for (unsigned i = 0; i < rq->fanout.n; i++)
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			const struct leg *leg = &rq->fanout.legs[i];

			if (leg->warning != texts[t].code || leg->withheld)
				continue;
			buf_addf(b, "NGSILD-Warning: %d %.*s \"%s\"\r\n",
			    (int)leg->warning,
			    STR_FMT(leg->policy->dataset->source->name),
			    leg->late && leg->warning == WARN_NO_ANSWER ?
				"no answer in time" : texts[t].text);
		}
}

static void
add_troubles(struct request *rq)
{
	add_warnings(rq, &rq->fields);
	add_unconfirmed(rq, &rq->fields);
	add_spent(rq, &rq->fields);
	quota_fields(rq, &rq->fields);
}

void
answer_source_fields(struct request *rq)
{
	answer_terms(rq, &rq->fields);
	add_troubles(rq);
}

/* The client's own query with another offset (never a source's). Of a query
 * in a body: the same body again, sent there. */
static void
add_page_link(const struct request *rq, const char *rel, uint64_t offset,
    struct buf *b)
{
	const struct http_uri *u = &rq->uri;
	const char *sep = "?";

	BUF_LIT(b, "Link: </ngsi-ld/v1/");
	buf_adds(b, str_of(rq->resource->path));
	for (unsigned i = 0; i < u->nparams; i++) {
		if (str_eq(u->params[i].name, STR("limit")) ||
		    str_eq(u->params[i].name, STR("offset")))
			continue;
		buf_adds(b, str_of(sep));
		buf_add_url(b, u->params[i].name, "");
		buf_addc(b, '=');
		buf_add_url(b, u->params[i].value, ":,;=/");
		sep = "&";
	}
	buf_addf(b, "%slimit=%u&offset=%llu>; rel=\"%s\"\r\n", sep,
	    rq->query.limit, (unsigned long long)offset, rel);
}

void
answer_paging(const struct request *rq, struct buf *b)
{
	const struct query *q = &rq->query;

	if (q->count)
		buf_addf(b, "NGSILD-Results-Count: %llu\r\n",
		    (unsigned long long)rq->total);
	if (q->limit > 0 && rq->next > 0)
		add_page_link(rq, "next", rq->next, b);
	if (q->limit > 0 && q->offset > 0)
		add_page_link(rq, "prev",
		    q->offset > q->limit ? q->offset - q->limit : 0, b);
}

void
answer_content_fields(struct request *rq)
{
	struct buf *b = &rq->fields;

	if (rq->geo)
		BUF_LIT(b, "Content-Type: application/geo+json\r\n");
	else if (rq->ld)
		BUF_LIT(b, "Content-Type: application/ld+json\r\n");
	else
		BUF_LIT(b, "Content-Type: application/json\r\n");
	if (media_context_inside(rq))
		return;
	BUF_LIT(b, "Link: <");
	buf_adds(b, context_url(rq->context));
	BUF_LIT(b, ">; rel=\"http://www.w3.org/ns/json-ld#context\"; "
		   "type=\"application/ld+json\"\r\n");
}

/* What the answer is, and under which terms: what its ETag is made of, beside
 * the body. */
static void
add_described(struct request *rq)
{
	map_fields(rq, &rq->fields);
	temporal_fields(rq, &rq->fields);
	if (!rq->retrieve && !rq->map_only)
		answer_paging(rq, &rq->fields);
	answer_terms(rq, &rq->fields);
}

static void
build_fields(struct request *rq)
{
	buf_reserve(&rq->fields, 2048);
	answer_common_fields(rq);
	answer_content_fields(rq);
	add_described(rq);
	if (conduct_name(rq)) {
		/* RFC 9110, 15.4.5: nothing about a body that is not sent. */
		rq->fields.len = rq->common_len;
		add_described(rq);
	} else
		recall_keep(rq);
	add_troubles(rq);
	conduct_body(rq);
}

enum step_next
answer_send(struct request *rq)
{
	struct buf *b = &rq->fields;

	/* The page's files have names of their own. */
	if (!rq->named && rq->common_len > 0) {
		if (conduct_name(rq))
			b->len = rq->common_len;
		conduct_body(rq);
	}
	timing_field(rq, rq->status, b);
	if (b->failed) { /* more warnings and links than a header can hold */
		buf_reset(b);
		return (refuse(rq, PROBLEM_INTERNAL, NULL));
	}
	log_debug("answered", "request=%s status=%d entities=%u bytes=%zu",
	    rq->id_text, rq->status, rq->nshown, rq->body.len);
	decision_note(rq);
	http_reply(rq->exchange, rq->status, buf_str(b), &rq->body);
	atomic_fetch_add_explicit(&rq->worker->requests, 1,
	    memory_order_relaxed);
	return (NEXT_DONE);
}

static enum step_next
run_answer(struct request *rq)
{
	if (rq->job.err == HUB_OK)
		ledger_watch_sent(rq);
	if (rq->exchange == NULL)
		return (NEXT_DONE); /* gone while the disk worked */
	if (rq->job.err != HUB_OK)
		return (refuse(rq, PROBLEM_LEDGER_FULL, NULL));
	if (rq->status == 404)
		return (refuse(rq,
		    rq->retrieve ? PROBLEM_NOT_FOUND : PROBLEM_NO_ROUTE, NULL));
	return (answer_send(rq));
}

const struct step STEP_ANSWER = { "answer", run_answer };
