/* server/metrics_text.c - the text formats of the page of metrics, and which of
 * the two it is. See metrics_priv.h. */
#include <inttypes.h>

#include "server/metrics_priv.h"

void
page_family(struct page *p, const char *name, const char *suffix,
    const char *type, const char *help)
{
	if (p->open)
		suffix = "";
	else if (strcmp(type, "info") == 0)
		type = "gauge";
	buf_addf(p->b, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help,
	    name, suffix, type);
}

void
page_counter(struct page *p, const char *name, const char *help)
{
	page_family(p, name, "_total", "counter", help);
}

void
page_gauge(struct page *p, const char *name, const char *help)
{
	page_family(p, name, "", "gauge", help);
}

void
page_label(struct page *p, bool *first, const char *name, struct str value)
{
	buf_addc(p->b, *first ? '{' : ',');
	*first = false;
	buf_addf(p->b, "%s=\"", name);
	for (size_t i = 0; i < value.len; i++)
		switch (value.p[i]) {
		case '\\':
			BUF_LIT(p->b, "\\\\");
			break;
		case '"':
			BUF_LIT(p->b, "\\\"");
			break;
		case '\n':
			BUF_LIT(p->b, "\\n");
			break;
		default:
			buf_addc(p->b, value.p[i]);
		}
	buf_addc(p->b, '"');
}

void
page_whole(struct page *p, const char *name, uint64_t n)
{
	buf_addf(p->b, "%s %" PRIu64 "\n", name, n);
}

void
page_seconds(struct page *p, const char *name, int64_t us)
{
	if (us < 0)
		us = 0;
	buf_addf(p->b, "%s %" PRId64 ".%06" PRId64 "\n", name, us / 1000000,
	    us % 1000000);
}

static void
bound(struct page *p, uint64_t us)
{
	if (us == UINT64_MAX)
		BUF_LIT(p->b, "+Inf");
	else
		buf_addf(p->b, "%" PRIu64 ".%06" PRIu64, us / 1000000,
		    us % 1000000);
}

void
histogram_sum_add(struct histogram_sum *to, const struct histogram *h)
{
	uint64_t n;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
		to->buckets[i] += n;
		to->n += n;
	}
	to->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}

void
page_histogram(struct page *p, const char *name, struct str labels,
    const struct histogram_sum *h, unsigned step)
{
	const char *comma = labels.len > 0 ? "," : "";
	uint64_t n = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n += h->buckets[i];
		if (i % step != 0 && i < HISTOGRAM_BUCKETS - 1)
			continue;
		buf_addf(p->b, "%s_bucket{", name);
		buf_adds(p->b, labels);
		buf_addf(p->b, "%sle=\"", comma);
		bound(p, histogram_bound(i));
		buf_addf(p->b, "\"} %" PRIu64 "\n", n);
	}
	for (unsigned i = 0; i < 2; i++) {
		buf_addf(p->b, "%s_%s", name, i == 0 ? "sum" : "count");
		if (labels.len > 0) {
			buf_addc(p->b, '{');
			buf_adds(p->b, labels);
			buf_addc(p->b, '}');
		}
		if (i == 0)
			page_seconds(p, "", (int64_t)h->sum_us);
		else
			page_whole(p, "", n);
	}
}

/* ---- which of the two */

/* The weight of one range of Accept, in thousandths; 1000 if it has none. */
static unsigned
weight_of(struct str range)
{
	struct str part, digits;
	unsigned w = 1000;

	while (range.p != NULL && str_cut(&range, ';', &part)) {
		part = str_trim(part);
		if (part.len < 3 || !str_caseeq_bytes(part.p, "q=", 2))
			continue;
		digits = str_from(part, 2);
		w = digits.p[0] == '1' ? 1000 : 0;
		for (size_t i = 2, unit = 100; digits.p[0] == '0' &&
		    i < digits.len && i < 5; i++, unit /= 10)
			if (digits.p[i] >= '0' && digits.p[i] <= '9')
				w += (unsigned)(digits.p[i] - '0') *
				    (unsigned)unit;
	}
	return (w);
}

bool
metrics_wants_open(struct str accept)
{
	unsigned open = 0, text = 0;
	struct str range, type;

	while (accept.p != NULL && str_cut(&accept, ',', &range)) {
		type = str_trim((struct str){ range.p, str_chr(range, ';') });
		if (str_caseeq(type, STR("application/openmetrics-text")))
			open = weight_of(range);
		else if (str_caseeq(type, STR("text/plain")))
			text = weight_of(range);
	}
	return (open > 0 && open >= text);
}
