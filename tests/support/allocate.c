/* tests/support/allocate.c - hubtool allocate: models as lines of numbers,
 * shares as lines of numbers. What a line says is in the order in which
 * read_model() takes it; tests/reference/allocation.py writes them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/ledger/allocation.h"
#include "tests/support/hubtool.h"

struct numbers {
	struct str rest;
	bool bad;
};

static int64_t
number(struct numbers *n)
{
	struct str word;
	int64_t v = 0;

	if (n->bad || !str_cut(&n->rest, ' ', &word) ||
	    str_int(word, -INT64_MAX, INT64_MAX, &v) != HUB_OK)
		n->bad = true;
	return (v);
}

static unsigned
count(struct numbers *n, int64_t max)
{
	int64_t v = number(n);

	if (v < 0 || v > max)
		n->bad = true;
	return (n->bad ? 0 : (unsigned)v);
}

static struct wall_us
day_number(struct numbers *n)
{
	int64_t v = number(n);

	/* The outermost numbers: no such day. */
	return ((struct wall_us){
	    v == -INT64_MAX || v == INT64_MAX ? v : v * WALL_DAY_US });
}

/* As many as asked for, or none: "-1" stands for NULL. */
static uint64_t *
figures(struct numbers *n, size_t many, struct arena *a)
{
	uint64_t *v = arena_array(a, many + 1, sizeof(*v));
	int64_t first = number(n);

	if (first == -1)
		return (NULL);
	for (size_t i = 0; i < many; i++)
		v[i] = (uint64_t)(i == 0 ? first : number(n));
	return (v);
}

static void
read_members(struct numbers *n, struct region_model *m, struct arena *a)
{
	struct region_member *v =
	    arena_array(a, m->nmembers + (size_t)1, sizeof(*v));

	m->members = v;
	for (unsigned i = 0; i < m->nmembers; i++) {
		v[i].from = day_number(n);
		v[i].to = day_number(n);
		v[i].minimum.cents = number(n);
		v[i].maximum.cents = number(n);
		if (v[i].minimum.cents > 0 || v[i].maximum.cents < INT64_MAX)
			m->bounded = true;
	}
}

static void
read_component(struct numbers *n, const struct region_model *m,
    struct region_component *c, struct arena *a)
{
	struct cost_tier *tiers;
	struct cost_coalition *coalitions;

	c->basis_points = count(n, 10000);
	c->key = (enum cost_key)count(n, KEY_SHAPLEY);
	c->on_zero = (enum cost_zero)count(n, ZERO_POPULATION);
	c->inhabitants = figures(n, m->nmembers, a);
	c->given = figures(n, m->nmembers, a);
	c->ntiers = count(n, 100);
	tiers = arena_array(a, c->ntiers + (size_t)1, sizeof(*tiers));
	c->tiers = tiers;
	for (unsigned i = 0; i < c->ntiers; i++) {
		tiers[i].up_to = (uint64_t)number(n);
		tiers[i].weight = count(n, 1000000000);
	}
	c->ncoalitions = count(n, 1 << COST_SHAPLEY_MAX);
	coalitions =
	    arena_array(a, c->ncoalitions + (size_t)1, sizeof(*coalitions));
	c->coalitions = coalitions;
	for (unsigned i = 0; i < c->ncoalitions; i++) {
		coalitions[i].members = count(n, (1 << COST_SHAPLEY_MAX) - 1);
		coalitions[i].amount.cents = number(n);
	}
}

static bool
read_model(struct numbers *n, struct region_model *m,
    struct allocation_input *in, struct arena *a)
{
	struct region_component *components;
	struct period *ranges;

	in->model = m;
	in->cents = number(n);
	in->whole = number(n);
	in->period.from = day_number(n);
	in->period.to = day_number(n);
	in->bounds = count(n, 1) == 1;
	m->per = (enum cost_per)count(n, PER_MONTH);
	m->nmembers = count(n, 1000);
	m->ncomponents = count(n, COST_COMPONENTS_MAX);
	read_members(n, m, a);
	components =
	    arena_array(a, m->ncomponents + (size_t)1, sizeof(*components));
	m->components = components;
	for (unsigned c = 0; c < m->ncomponents; c++)
		read_component(n, m, &components[c], a);
	if (n->bad)
		return (false);
	in->nranges = model_ranges(m, in->period, a, &ranges);
	in->ranges = ranges;
	in->usage = figures(n, (size_t)in->nranges * m->nmembers, a);
	in->previous_usage = in->usage;
	/* All of the line, and nothing beside it. */
	return (!n->bad && n->rest.p == NULL);
}

static void
print_shares(const struct allocation *al)
{
	for (unsigned i = 0; i < al->nmembers; i++)
		printf("%s%" PRId64 " %" PRId64, i > 0 ? " " : "",
		    al->lines[i].raw, al->lines[i].share);
	(void)putchar('\n');
}

int
hubtool_allocate(int argc, char **argv HUB_UNUSED)
{
	struct arena *a = arena_new();
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int code = argc == 1 ? 0 : 64;

	while (code == 0 && (len = getline(&line, &cap, stdin)) > 0) {
		struct numbers n = { { line, (size_t)len - 1 }, false };
		struct region_model m = { .nmembers = 0 };
		struct allocation_input in = { .model = NULL };
		struct allocation_why why;
		struct allocation al;

		arena_reset(a);
		if (!read_model(&n, &m, &in, a)) {
			(void)fputs("hubtool: no model\n", stderr);
			code = 1;
		} else if (allocate(&in, a, &al, &why) == HUB_OK)
			print_shares(&al);
		else
			printf("fault %d\n", (int)why.fault);
	}
	free(line);
	arena_free(a);
	return (code);
}
