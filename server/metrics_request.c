/* server/metrics_request.c - of the page of metrics what the workers count:
 * requests, decisions, sources. See metrics_priv.h. */
#include <inttypes.h>
#include <stdio.h>

#include "server/metrics_priv.h"
#include "server/worker.h"

/* ---- requests */

static const struct tenant_counts *
tenant_counts(const struct worker *w, unsigned slot)
{
	return (atomic_load_explicit(&w->counts->tenants[slot],
	    memory_order_acquire));
}

static const struct source_counts *
source_counts(const struct worker *w, unsigned slot)
{
	return (atomic_load_explicit(&w->counts->sources[slot],
	    memory_order_acquire));
}

static uint64_t
answered(const struct metrics *m, unsigned slot, unsigned method,
    unsigned code)
{
	const struct tenant_counts *t;
	uint64_t n = 0;

	for (unsigned i = 0; i < m->nworkers; i++)
		if ((t = tenant_counts(&m->workers[i], slot)) != NULL)
			n += atomic_load_explicit(&t->n[method][code],
			    memory_order_relaxed);
	return (n);
}

static void
request_row(struct page *p, const struct metrics *m, unsigned slot,
    unsigned method, unsigned code)
{
	static const struct str methods[] = { [HTTP_GET] = STR("GET"),
		[HTTP_HEAD] = STR("HEAD"), [HTTP_POST] = STR("POST"),
		[HTTP_PUT] = STR("PUT"), [HTTP_PATCH] = STR("PATCH"),
		[HTTP_DELETE] = STR("DELETE"), [HTTP_OPTIONS] = STR("OPTIONS"),
		[HTTP_OTHER] = STR("other") };
	uint64_t n = answered(m, slot, method, code);
	bool first = true;
	char text[12];

	if (n == 0)
		return;
	(void)snprintf(text, sizeof(text), "%d", counts_code_status(code));
	BUF_LIT(p->b, "hub_http_requests_total");
	page_label(p, &first, "listener", STR("public"));
	page_label(p, &first, "method", methods[method]);
	page_label(p, &first, "code", code == 0 ? STR("other") : str_of(text));
	page_label(p, &first, "tenant", metric_names_get(&m->tenants, slot));
	page_whole(p, "}", n);
}

void
metrics_requests(struct page *p, const struct metrics *m)
{
	struct histogram_sum took = { 0 };
	uint64_t aborted = 0, open = 0;

	page_counter(p, "hub_http_requests", "Requests answered.");
	for (unsigned slot = 0; slot < m->tenants.n; slot++)
		for (unsigned method = 0; method <= HTTP_OTHER; method++)
			for (unsigned code = 0; code < COUNTS_CODES; code++)
				request_row(p, m, slot, method, code);
	for (unsigned i = 0; i < m->nworkers; i++) {
		histogram_sum_add(&took, &m->workers[i].counts->took);
		aborted += atomic_load(&m->workers[i].counts->aborted);
		open += atomic_load(&m->workers[i].open);
	}
	page_family(p, "hub_http_request_duration_seconds", "", "histogram",
	    "From a request's last byte to its answer.");
	page_histogram(p, "hub_http_request_duration_seconds",
	    STR("listener=\"public\""), &took, 1);
	page_counter(p, "hub_http_requests_aborted",
	    "Requests whose client had gone before the answer.");
	page_whole(p, "hub_http_requests_aborted_total", aborted);
	page_gauge(p, "hub_http_requests_open", "Requests under way.");
	page_whole(p, "hub_http_requests_open", open);
	page_counter(p, "hub_rate_limited",
	    "Requests refused with 429, by tenant.");
	for (unsigned slot = 0; slot < m->tenants.n; slot++) {
		uint64_t n = 0;
		bool first = true;

		for (unsigned method = 0; method <= HTTP_OTHER; method++)
			n += answered(m, slot, method, counts_code(429));
		if (n == 0)
			continue;
		BUF_LIT(p->b, "hub_rate_limited_total");
		page_label(p, &first, "tenant",
		    metric_names_get(&m->tenants, slot));
		page_whole(p, "}", n);
	}
}

void
metrics_decisions(struct page *p, const struct metrics *m)
{
	static const char *const rows[DECIDED_MAX] = {
		[DECIDED_OWN] = "effect=\"permit\",rule_class=\"own\"",
		[DECIDED_AGREED] =
		    "effect=\"permit\",rule_class=\"agreement\"",
		[DECIDED_NONE] = "effect=\"deny\",rule_class=\"none\"",
		[DECIDED_SPENT] = "effect=\"deny\",rule_class=\"quota\"",
		[DECIDED_STALE] = "effect=\"deny\",rule_class=\"stale\""
	};
	uint64_t n;

	page_counter(p, "hub_policy_decisions",
	    "What policy said of a request's datasets.");
	for (unsigned d = 0; d < DECIDED_MAX; d++) {
		n = 0;
		for (unsigned i = 0; i < m->nworkers; i++)
			n += atomic_load(&m->workers[i].counts->decisions[d]);
		buf_addf(p->b, "hub_policy_decisions_total{%s} %" PRIu64 "\n",
		    rows[d], n);
	}
}

/* ---- sources */

bool
metrics_is_open(const struct metrics *m, unsigned slot, int64_t mono_us)
{
	const struct source_counts *s;

	for (unsigned i = 0; i < m->nworkers; i++)
		if ((s = source_counts(&m->workers[i], slot)) != NULL &&
		    atomic_load_explicit(&s->open_until_us,
			memory_order_relaxed) > mono_us)
			return (true);
	return (false);
}

static void
outcome_rows(struct page *p, const struct metrics *m, unsigned slot)
{
	static const struct str outcomes[OUTCOME_MAX] = {
		[OUTCOME_OK] = STR("ok"), [OUTCOME_KEPT] = STR("cached"),
		[OUTCOME_STALE] = STR("stale"), [OUTCOME_LATE] = STR("late"),
		[OUTCOME_REFUSED] = STR("no_answer"),
		[OUTCOME_INVALID] = STR("invalid"),
		[OUTCOME_STATUS] = STR("error_status")
	};
	const struct source_counts *s;

	for (unsigned o = 0; o < OUTCOME_MAX; o++) {
		bool first = true;
		uint64_t n = 0;

		for (unsigned i = 0; i < m->nworkers; i++)
			if ((s = source_counts(&m->workers[i], slot)) != NULL)
				n += atomic_load(&s->outcomes[o]);
		if (n == 0)
			continue;
		BUF_LIT(p->b, "hub_upstream_requests_total");
		page_label(p, &first, "broker",
		    metric_names_get(&m->sources, slot));
		page_label(p, &first, "outcome", outcomes[o]);
		page_whole(p, "}", n);
	}
}

static void
took_rows(struct page *p, const struct metrics *m, unsigned slot)
{
	static const struct str ops[OP_COUNT_MAX] = {
		[OP_COUNT_RETRIEVE] = STR("retrieve"),
		[OP_COUNT_QUERY] = STR("query"),
		[OP_COUNT_BATCH] = STR("batch"),
		[OP_COUNT_TEMPORAL] = STR("temporal")
	};
	const struct source_counts *s;
	struct buf labels;
	struct page l = { &labels, p->open };

	for (unsigned op = 0; op < OP_COUNT_MAX; op++) {
		struct histogram_sum took = { 0 };
		bool first = true;

		for (unsigned i = 0; i < m->nworkers; i++)
			if ((s = source_counts(&m->workers[i], slot)) != NULL)
				histogram_sum_add(&took, &s->took[op]);
		if (took.n == 0)
			continue;
		buf_init(&labels, 4096);
		page_label(&l, &first, "broker",
		    metric_names_get(&m->sources, slot));
		page_label(&l, &first, "op", ops[op]);
		page_histogram(p, "hub_upstream_request_duration_seconds",
		    str_from(buf_str(&labels), 1), &took, 2);
		buf_clear(&labels);
	}
}

void
metrics_sources(struct page *p, const struct metrics *m,
    const struct snapshot *s)
{
	int64_t now = clock_mono().us;

	page_counter(p, "hub_upstream_requests",
	    "Parts of requests that went to a source, by what came of it.");
	for (unsigned slot = 0; slot < m->sources.n; slot++)
		outcome_rows(p, m, slot);
	page_family(p, "hub_upstream_request_duration_seconds", "", "histogram",
	    "From asking a source to its whole answer.");
	for (unsigned slot = 0; slot < m->sources.n; slot++)
		took_rows(p, m, slot);
	page_gauge(p, "hub_upstream_up",
	    "Whether a source is asked: 0 while its circuit breaker is open.");
	for (unsigned i = 0; s != NULL && i < s->region->nsources; i++) {
		bool first = true;

		if (s->source_slots[i] == 0)
			continue;
		BUF_LIT(p->b, "hub_upstream_up");
		page_label(p, &first, "broker", s->region->sources[i].name);
		page_whole(p, "}",
		    !metrics_is_open(m, s->source_slots[i], now));
	}
}
