/* server/hubverify/balance.c - what is posted of a cost for some days, by
 * member and component; see shares.h. */
#include "server/hubverify/shares.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct balance {
	char *ags, *component;
	wide_cents cents;
};

char *
text_copy(const char *s)
{
	char *c = strdup(s);

	if (c == NULL)
		abort();
	return (c);
}

static void
balance_free(void *arg)
{
	struct balance *b = arg;

	free(b->ags);
	free(b->component);
	free(b);
}

void
unit_free(void *arg)
{
	struct unit *u = arg;

	tdestroy(u->balances, balance_free);
	free(u->cost);
	free(u);
}

static int
by_days(const void *pa, const void *pb)
{
	const struct unit *a = pa, *b = pb;
	int order = strcmp(a->cost, b->cost);

	if (order == 0)
		order = (a->from > b->from) - (a->from < b->from);
	if (order == 0)
		order = (a->to > b->to) - (a->to < b->to);
	return (order);
}

struct unit *
unit_of(void **tree, const char *cost, int32_t from, int32_t to, bool *new_r)
{
	struct unit *u = calloc(1, sizeof(*u)), **at;

	if (u == NULL)
		abort();
	*u = (struct unit){ .cost = text_copy(cost), .from = from, .to = to };
	at = tsearch(u, tree, by_days);
	if (at == NULL)
		abort();
	if (new_r != NULL)
		*new_r = *at == u;
	if (*at != u)
		unit_free(u);
	return (*at);
}

static int
by_key(const void *pa, const void *pb)
{
	const struct balance *a = pa, *b = pb;
	int order = strcmp(a->ags, b->ags);

	return (order != 0 ? order : strcmp(a->component, b->component));
}

void
unit_add(struct unit *u, const struct line *l)
{
	struct balance *b = calloc(1, sizeof(*b)), **at;

	if (b == NULL)
		abort();
	*b = (struct balance){ text_copy(l->ags), text_copy(l->component), 0 };
	at = tsearch(b, &u->balances, by_key);
	if (at == NULL)
		abort();
	if (*at != b)
		balance_free(b);
	u->nonzero -= (*at)->cents != 0;
	(*at)->cents += l->cents;
	u->nonzero += (*at)->cents != 0;
}

wide_cents
unit_has(const struct unit *u, char *ags, char *component)
{
	struct balance key = { ags, component, 0 };
	struct balance *const *at = tfind(&key, &u->balances, by_key);

	return (at == NULL ? 0 : (*at)->cents);
}
