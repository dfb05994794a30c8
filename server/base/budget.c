/* server/base/budget.c - shared ceilings; budget.h says what they promise. */
#include "server/base/budget.h"

static size_t
add(atomic_size_t *count, size_t n)
{
	return (atomic_fetch_add_explicit(count, n, memory_order_relaxed) + n);
}

static void
sub(atomic_size_t *count, size_t n)
{
	size_t was = atomic_fetch_sub_explicit(count, n, memory_order_relaxed);

	assert(was >= n);
}

/* Added before it is judged, so that two threads cannot both take the last of
 * it; at worst both are refused. */
enum hub_err
budget_take(struct budget_claim *c, size_t n)
{
	size_t all, mine = 0;

	if (c == NULL || n == 0)
		return (HUB_OK);
	if (n > c->max - c->held)
		return (HUB_EFULL);
	if (c->budget != NULL) {
		if (n > c->budget->max)
			return (HUB_EAGAIN);
		all = add(&c->budget->used, n);
		if (c->share != NULL)
			mine = add(&c->share->used, n);
		if (all > c->budget->max || mine > c->budget->max - all) {
			sub(&c->budget->used, n);
			if (c->share != NULL)
				sub(&c->share->used, n);
			return (HUB_EAGAIN);
		}
	}
	c->held += n;
	return (HUB_OK);
}

void
budget_give(struct budget_claim *c, size_t n)
{
	if (c == NULL || n == 0)
		return;
	assert(n <= c->held);
	c->held -= n;
	if (c->budget == NULL)
		return;
	sub(&c->budget->used, n);
	if (c->share != NULL)
		sub(&c->share->used, n);
}

void
budget_end(struct budget_claim *c)
{
	budget_give(c, c->held);
}
