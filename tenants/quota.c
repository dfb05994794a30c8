/* tenants/quota.c - token buckets; quota.h says what they promise. */
#include "tenants/quota.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/base/hash.h"

#define CACHE_LINE 64
#define SECOND_NS  INT64_C(1000000000)
#define DAY_NS	   (86400 * SECOND_NS)
#define FILL_MAX   (INT64_C(366) * DAY_NS)
#define COUNT_MAX  1000000000
#define BURST_MAX  1000000
#define LEASE_NS   (QUOTA_LEASE_US * 1000)

/* What a request touches is on cache lines of its own. */
struct quota {
	_Alignas(CACHE_LINE) pthread_mutex_t lock;
	int64_t at_ns;	     /* level is of then; by who asks */
	int64_t level_ns;    /* tokens times interval_ns */
	int64_t cap_ns;	     /* the level's most */
	int64_t used, first_ns; /* since the last report; the first of it */
	int64_t day_left, day_ends_ns;
	int64_t leased_ns;   /* 0: never */
	unsigned share, live; /* see struct quota_lease */
	bool asked;
	struct quota_rate rate;
	int64_t depth_ns; /* of a full bucket */
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

/* " WORD COUNT" at the start of *rest, if it is that word. */
static bool
read_option(struct str *rest, struct str word, uint64_t max, uint64_t *n_r)
{
	struct str r = *rest, w, count;

	if (r.p == NULL || !str_cut(&r, ' ', &w) || !str_eq(w, word))
		return (true);
	if (r.p == NULL || !str_cut(&r, ' ', &count) ||
	    str_uint(count, max, n_r) != HUB_OK || *n_r == 0)
		return (false);
	*rest = r;
	return (true);
}

enum hub_err
quota_parse(struct str text, struct quota_rate *rate_r)
{
	struct str rest = text, count, window;
	uint64_t n, burst, daily = 0;
	uint32_t seconds;
	int64_t interval;
	bool strict;

	if (!str_cut(&rest, '/', &count) || rest.p == NULL ||
	    str_uint(count, COUNT_MAX, &n) != HUB_OK || n == 0 ||
	    !str_cut(&rest, ' ', &window) ||
	    read_window(window, &seconds) != HUB_OK)
		return (HUB_ESYNTAX);
	burst = n;
	if (!read_option(&rest, STR("burst"), BURST_MAX, &burst) ||
	    !read_option(&rest, STR("daily"), COUNT_MAX, &daily))
		return (HUB_ESYNTAX);
	strict = rest.p != NULL && str_eq(rest, STR("strict"));
	if (rest.p != NULL && !strict)
		return (HUB_ESYNTAX);
	/* Rounded up: never more than was agreed. */
	interval = (seconds * SECOND_NS + (int64_t)n - 1) / (int64_t)n;
	if (interval > FILL_MAX / (int64_t)burst)
		return (HUB_ERANGE);
	*rate_r = (struct quota_rate){ (uint32_t)n, seconds, (uint32_t)burst,
		interval, (uint32_t)daily, strict };
	return (HUB_OK);
}

/* ---- taking; under the lock */

static int64_t
least(int64_t a, int64_t b)
{
	return (a < b ? a : b);
}

/* The last lease is over: what each hub had of it goes on, shared by those
 * that were there, so that together they have no more than before. */
static void
lapse(struct quota *q, int64_t now_ns)
{
	if (q->leased_ns == 0 || now_ns - q->leased_ns <= LEASE_NS)
		return;
	q->share = q->live;
	if (q->day_ends_ns <= now_ns) {
		q->day_left = q->rate.daily / q->live;
		q->day_ends_ns += DAY_NS;
	}
}

/* The clock of another thread may be a turn behind. */
static void
refill(struct quota *q, int64_t now_ns)
{
	int64_t more;

	if (now_ns <= q->at_ns)
		return;
	more = q->share > 0 ? (now_ns - q->at_ns) / q->share : 0;
	q->at_ns = now_ns;
	if (q->level_ns < q->cap_ns)
		q->level_ns = least(q->level_ns + more, q->cap_ns);
}

static bool
is_cut_off(const struct quota *q, int64_t now_ns)
{
	return (q->rate.strict && (q->leased_ns == 0 ||
	    now_ns - q->leased_ns > LEASE_NS));
}

static struct quota_state
state_of(const struct quota *q, int64_t now_ns)
{
	int64_t level = q->level_ns > 0 ? q->level_ns : 0, rest;
	struct quota_state s = { (uint32_t)(level / q->rate.interval_ns), 0 };

	if (q->rate.daily > 0 && q->day_left < s.left)
		s.left = q->day_left > 0 ? (uint32_t)q->day_left : 0;
	if (q->rate.daily > 0 && q->day_left <= 0) {
		rest = q->day_ends_ns - now_ns;
		s.next_us = rest > SECOND_NS ? rest / 1000 : 1000000;
		return (s);
	}
	if (q->level_ns >= q->depth_ns)
		return (s);
	/* Who has no share is given one within a second. */
	rest = q->rate.interval_ns - (q->level_ns - level + level %
	    q->rate.interval_ns);
	if (q->share == 0)
		rest = SECOND_NS;
	else if (__builtin_mul_overflow(rest, (int64_t)q->share, &rest))
		rest = INT64_MAX - 999;
	s.next_us = (rest + 999) / 1000;
	return (s);
}

static bool
take(struct quota *q, int64_t now_ns, struct quota_state *state)
{
	lapse(q, now_ns);
	refill(q, now_ns);
	q->asked = true;
	if (is_cut_off(q, now_ns)) {
		*state = (struct quota_state){ 0, 1000000 };
		return (false);
	}
	*state = state_of(q, now_ns);
	if (state->left == 0)
		return (false);
	if (q->used == 0)
		q->first_ns = now_ns;
	q->used++;
	q->level_ns -= q->rate.interval_ns;
	q->day_left -= q->rate.daily > 0;
	*state = state_of(q, now_ns);
	return (true);
}

bool
quota_take(struct quota *q, struct mono_us now, struct quota_state *state)
{
	bool taken;

	(void)pthread_mutex_lock(&q->lock);
	taken = take(q, now.us * 1000, state);
	(void)pthread_mutex_unlock(&q->lock);
	return (taken);
}

void
quota_give(struct quota *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->level_ns = least(q->level_ns + q->rate.interval_ns, q->depth_ns);
	q->day_left += q->rate.daily > 0;
	if (q->used-- == 0)
		q->first_ns = q->at_ns;
	(void)pthread_mutex_unlock(&q->lock);
}

/* ---- leases */

struct quota_report
quota_report(struct quota *q, struct mono_us now)
{
	struct quota_report r;
	int64_t ago;

	(void)pthread_mutex_lock(&q->lock);
	ago = q->used != 0 ? now.us - q->first_ns / 1000 : 0;
	r = (struct quota_report){ q->used, ago > 0 ? ago : 0, q->asked };
	q->used = 0;
	q->asked = false;
	(void)pthread_mutex_unlock(&q->lock);
	return (r);
}

void
quota_unreport(struct quota *q, const struct quota_report *r)
{
	(void)pthread_mutex_lock(&q->lock);
	if (q->used == 0 || r->used != 0)
		q->first_ns = (clock_mono().us - r->since_us) * 1000;
	q->used += r->used;
	q->asked |= r->asked;
	(void)pthread_mutex_unlock(&q->lock);
}

/* Another hub that is out of its mind has a part in what leases say. */
static int64_t
sane_level(const struct quota *q, int64_t level_ns)
{
	return (level_ns < -2 * q->depth_ns ? -2 * q->depth_ns :
					      least(level_ns, q->depth_ns));
}

/* What was used since the report is not in the lease yet. */
void
quota_set_lease(struct quota *q, const struct quota_lease *l,
    struct mono_us now)
{
	int64_t now_ns = now.us * 1000, part, level;

	(void)pthread_mutex_lock(&q->lock);
	level = sane_level(q, l->level_ns);
	q->live = l->live > 0 ? l->live : 1;
	q->share = l->share;
	part = q->depth_ns / q->live;
	q->cap_ns = level > part ? level : part;
	q->level_ns = least(level - q->used * q->rate.interval_ns,
	    q->depth_ns);
	q->day_left = l->day_left - (q->rate.daily > 0 ? q->used : 0);
	q->day_ends_ns = now_ns + l->day_ends_us * 1000;
	q->at_ns = now_ns;
	q->leased_ns = now_ns > 0 ? now_ns : 1;
	(void)pthread_mutex_unlock(&q->lock);
}

void
quota_renew(struct quota *q, struct mono_us now)
{
	(void)pthread_mutex_lock(&q->lock);
	if (q->leased_ns != 0)
		q->leased_ns = now.us * 1000;
	(void)pthread_mutex_unlock(&q->lock);
}

bool
quota_is_due(struct quota *q)
{
	bool due;

	(void)pthread_mutex_lock(&q->lock);
	due = q->used != 0 || q->asked || q->leased_ns == 0;
	(void)pthread_mutex_unlock(&q->lock);
	return (due);
}

void
quota_names(const struct quota *q, struct str *consumer_r,
    struct str *agreement_r, struct str *what_r)
{
	*consumer_r = q->consumer;
	*agreement_r = q->agreement;
	*what_r = q->what;
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
	if (q == NULL || atomic_fetch_sub_explicit(&q->refs, 1,
			     memory_order_acq_rel) != 1)
		return;
	(void)pthread_mutex_destroy(&q->lock);
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
	(void)pthread_mutex_init(&q->lock, NULL);
	atomic_init(&q->refs, 1);
	q->rate = *rate;
	q->depth_ns = rate->interval_ns * rate->burst;
	q->level_ns = q->cap_ns = q->depth_ns;
	q->share = q->live = 1;
	q->day_left = rate->daily;
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
		    q->rate.burst == rate->burst &&
		    q->rate.daily == rate->daily &&
		    q->rate.strict == rate->strict)
			return (quota_ref(q));
	q = quota_new(consumer, agreement, what, rate);
	q->next = *chain;
	*chain = q;
	return (quota_ref(q));
}

struct quota *
quota_book_next(const struct quota_book *book, const struct quota *q)
{
	unsigned i = 0;

	if (q != NULL && q->next != NULL)
		return (q->next);
	if (q != NULL)
		i = hash_str(q->agreement) % QUOTA_CHAINS + 1;
	for (; i < QUOTA_CHAINS; i++)
		if (book->chains[i] != NULL)
			return (book->chains[i]);
	return (NULL);
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
