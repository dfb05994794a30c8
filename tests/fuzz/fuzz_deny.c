/* tests/fuzz/fuzz_deny.c - any deny list. Checked beside memory: each entry
 * that was read is found again, under its issuer and no other kind; entries
 * and bad lines are no more than there are lines. */
#include <stdlib.h>

#include "tenants/deny.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
on_bad(unsigned line, void *arg)
{
	unsigned *n = arg;

	assert(line > 0);
	++*n;
}

static void
check(const struct deny_set *s, const struct deny_entry *e)
{
	const struct wall_us now = { 0 };
	struct str issuer = e->issuer;

	assert(e->value.len > 0 && e->value.len <= DENY_VALUE_MAX);
	assert(e->until.us == WALL_ABSENT.us);
	assert(deny_count(s, e->kind) > 0);
	assert(deny_find(s, e->kind, e->value, issuer, now));
	if (issuer.len == 0)
		assert(deny_find(s, e->kind, e->value, STR("any"), now));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct deny_entry *list = NULL;
	struct arena *a = arena_new();
	unsigned n = 0, bad = 0;
	size_t lines = 1;
	struct deny_set *s;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (deny_list_read(text, a, &list, &n, on_bad, &bad) == HUB_OK) {
		assert(n + bad <= lines);
		s = deny_set_new(list, n, NULL, 0);
		for (unsigned i = 0; i < n; i++)
			check(s, &list[i]);
		deny_set_unref(&s);
	} else
		assert(lines > DENY_ENTRIES_MAX);
	arena_free(a);
	return (0);
}
