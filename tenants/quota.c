/* tenants/quota.c - token buckets; quota.h says what they promise. */
#include "tenants/quota.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "server/base/hash.h"

#define CACHE_LINE 64
#define SECOND_NS  INT64_C(1000000000)
#define FILL_MAX   (INT64_C(366) * 86400 * SECOND_NS)
#define COUNT_MAX  1000000000
#define BURST_MAX  1000000

/* What a request touches is on one cache line of its own. */
struct quota {
	_Alignas(CACHE_LINE) atomic_llong full_at; /* ns, by who asks */
	struct quota_rate rate;
	int64_t depth_ns; /* in which an empty bucket fills */
	_Alignas(CACHE_LINE) atomic_uint refs;
	struct quota *next;
	struct str consumer, agreement, what; /* behind the struct */
};

static enum hub_err
read_window(struct str word, uint32_t *window_r)
{
	static const struct {
		const char *word;
		uint32_t seconds;
	} table[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 },
		{ "d", 86400 } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (str_eq(word, str_of(table[i].word))) {
			*window_r = table[i].seconds;
			return (HUB_OK);
		}
	return (HUB_ESYNTAX);
}

enum hub_err
quota_parse(struct str text, struct quota_rate *rate_r)
{
	struct str rest = text, count, window, word;
	uint64_t n, burst;
	uint32_t seconds;
	int64_t interval;

	if (!str_cut(&rest, '/', &count) || rest.p == NULL ||
	    str_uint(count, COUNT_MAX, &n) != HUB_OK || n == 0 ||
	    !str_cut(&rest, ' ', &window) ||
	    read_window(window, &seconds) != HUB_OK)
		return (HUB_ESYNTAX);
	burst = n;
	if (rest.p != NULL &&
	    (!str_cut(&rest, ' ', &word) || !str_eq(word, STR("burst")) ||
		rest.p == NULL ||
		str_uint(rest, BURST_MAX, &burst) != HUB_OK || burst == 0))
		return (HUB_ESYNTAX);
	/* Rounded up: never more than was agreed. */
	interval = (seconds * SECOND_NS + (int64_t)n - 1) / (int64_t)n;
	if (interval > FILL_MAX / (int64_t)burst)
		return (HUB_ERANGE);
	*rate_r = (struct quota_rate){ (uint32_t)n, seconds, (uint32_t)burst,
		interval };
	return (HUB_OK);
}

/* spent: what is missing until full, at most the depth. */
static struct quota_state
state_of(const struct quota *q, int64_t spent)
{
	struct quota_state s = { q->rate.burst, 0 };
	int64_t rest;

	if (spent <= 0)
		return (s);
	s.left = (uint32_t)((q->depth_ns - spent) / q->rate.interval_ns);
	rest = spent - (q->depth_ns - (s.left + 1) * q->rate.interval_ns);
	s.next_us = (rest + 999) / 1000;
	return (s);
}

bool
quota_take(struct quota *q, struct mono_us now, struct quota_state *state)
{
	long long full = atomic_load_explicit(&q->full_at,
	    memory_order_relaxed);
	int64_t now_ns = now.us * 1000, spent;

	do {
		spent = full > now_ns ? full - now_ns : 0;
		if (spent > q->depth_ns - q->rate.interval_ns) {
			/* The clock of another thread may be a turn ahead. */
			if (spent > q->depth_ns)
				spent = q->depth_ns;
			*state = state_of(q, spent);
			return (false);
		}
		spent += q->rate.interval_ns;
	} while (!atomic_compare_exchange_weak_explicit(&q->full_at, &full,
	    now_ns + spent, memory_order_relaxed, memory_order_relaxed));
	*state = state_of(q, spent);
	return (true);
}

void
quota_give(struct quota *q)
{
	atomic_fetch_sub_explicit(&q->full_at, q->rate.interval_ns,
	    memory_order_relaxed);
}

const struct quota_rate *
quota_rate(const struct quota *q)
{
	return (&q->rate);
}

void
quota_unref(struct quota **qp)
{
	struct quota *q = *qp;

	*qp = NULL;
	if (q != NULL && atomic_fetch_sub_explicit(&q->refs, 1,
			     memory_order_acq_rel) == 1)
		free(q);
}

/* ---- the book */

static struct quota *
quota_ref(struct quota *q)
{
	atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed);
	return (q);
}

static struct str
keep(char **at, struct str s)
{
	struct str kept = { *at, s.len };

	if (s.len > 0)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return (kept);
}

static struct quota *
quota_new(struct str consumer, struct str agreement, struct str what,
    const struct quota_rate *rate)
{
	size_t size = sizeof(struct quota) + consumer.len + agreement.len +
	    what.len;
	struct quota *q;
	char *at;

	size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	q = aligned_alloc(CACHE_LINE, size);
	if (q == NULL)
		abort(); /* memory gone: as xcalloc does */
	memset(q, 0, size);
	atomic_init(&q->full_at, 0);
	atomic_init(&q->refs, 1);
	q->rate = *rate;
	q->depth_ns = rate->interval_ns * rate->burst;
	at = (char *)(q + 1);
	q->consumer = keep(&at, consumer);
	q->agreement = keep(&at, agreement);
	q->what = keep(&at, what);
	return (q);
}

struct quota *
quota_book_get(struct quota_book *book, struct str consumer,
    struct str agreement, struct str what, const struct quota_rate *rate)
{
	struct quota **chain, *q;

	chain = &book->chains[hash_str(agreement) % QUOTA_CHAINS];
	for (q = *chain; q != NULL; q = q->next)
		if (str_eq(q->agreement, agreement) &&
		    str_eq(q->consumer, consumer) && str_eq(q->what, what) &&
		    q->rate.count == rate->count &&
		    q->rate.window_s == rate->window_s &&
		    q->rate.burst == rate->burst)
			return (quota_ref(q));
	q = quota_new(consumer, agreement, what, rate);
	q->next = *chain;
	*chain = q;
	return (quota_ref(q));
}

void
quota_book_trim(struct quota_book *book)
{
	for (unsigned i = 0; i < QUOTA_CHAINS; i++) {
		struct quota **at = &book->chains[i], *q;

		while ((q = *at) != NULL) {
			if (atomic_load(&q->refs) > 1) {
				at = &q->next;
				continue;
			}
			*at = q->next;
			quota_unref(&q);
		}
	}
}

void
quota_book_clear(struct quota_book *book)
{
	for (unsigned i = 0; i < QUOTA_CHAINS; i++) {
		struct quota *q, *next;

		for (q = book->chains[i]; q != NULL; q = next) {
			next = q->next;
			quota_unref(&q);
		}
		book->chains[i] = NULL;
	}
}
