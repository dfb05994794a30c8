/* server/snapshot.c - what is in force; see snapshot.h. */
#include "server/snapshot.h"

#include <stdlib.h>

static void
print_messages(const struct region_message *m, unsigned n, struct buf *why)
{
	for (unsigned i = 0; i < n; i++)
		if (!m[i].warning)
			buf_addf(why, "%.*s:%u:%u: %.*s\n", STR_FMT(m[i].file),
			    m[i].line, m[i].column, STR_FMT(m[i].text));
}

enum hub_err
snapshot_new(const struct region_file *files, unsigned n, int64_t bundle,
    uint64_t generation, const char *folder, struct snapshot **snapshot_r,
    struct buf *why)
{
	struct region_message *messages = NULL;
	struct source_access *access = NULL;
	struct arena *a = arena_new();
	struct region *region = NULL;
	struct snapshot *s;
	unsigned nmessages = 0;
	enum hub_err err;

	err = region_parse(files, n, &region, a, &messages, &nmessages);
	if (err != HUB_OK) {
		print_messages(messages, nmessages, why);
		goto out;
	}
	err = source_access_new(region, folder, &access, why);
	if (err != HUB_OK)
		goto out;
	s = xcalloc(1, sizeof(*s));
	atomic_init(&s->refs, 1);
	s->generation = generation;
	s->bundle = bundle;
	region_hash(files, n, s->hash);
	s->policy = policy_compile(region);
	s->access = access;
	s->region = region;
	region = NULL;
	*snapshot_r = s;
out:
	region_free(region);
	arena_free(a);
	return (err);
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return (s);
}

void
snapshot_unref(struct snapshot **sp)
{
	struct snapshot *s = *sp;

	*sp = NULL;
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	policy_free(s->policy);
	source_access_free(s->access, s->region->nsources);
	region_free(s->region);
	free(s);
}

/* ---- tokens towards sources */

static bool
was_last(atomic_uint *refs)
{
	return (atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1);
}

struct source_token *
source_token_new(struct str text)
{
	struct source_token *t = xcalloc(1, sizeof(*t) + text.len);
	char *copy = (char *)(t + 1);

	atomic_init(&t->refs, 1);
	memcpy(copy, text.p, text.len);
	t->text = (struct str){ copy, text.len };
	return (t);
}

struct source_token *
source_token_ref(struct source_token *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return (t);
}

void
source_token_unref(struct source_token **tp)
{
	struct source_token *t = *tp;

	*tp = NULL;
	if (t == NULL || !was_last(&t->refs))
		return;
	explicit_bzero(t + 1, t->text.len);
	free(t);
}

struct source_tokens *
source_tokens_new(unsigned n, struct source_token *const *list)
{
	struct source_tokens *ts =
	    xcalloc(1, sizeof(*ts) + n * sizeof(ts->list[0]));

	atomic_init(&ts->refs, 1);
	ts->n = n;
	for (unsigned i = 0; i < n; i++)
		if (list[i] != NULL)
			ts->list[i] = source_token_ref(list[i]);
	return (ts);
}

struct source_tokens *
source_tokens_ref(struct source_tokens *ts)
{
	atomic_fetch_add_explicit(&ts->refs, 1, memory_order_relaxed);
	return (ts);
}

void
source_tokens_unref(struct source_tokens **tsp)
{
	struct source_tokens *ts = *tsp;

	*tsp = NULL;
	if (ts == NULL || !was_last(&ts->refs))
		return;
	for (unsigned i = 0; i < ts->n; i++)
		source_token_unref(&ts->list[i]);
	free(ts);
}

struct str
source_tokens_get(const struct source_tokens *ts, unsigned index)
{
	if (ts == NULL || index >= ts->n || ts->list[index] == NULL)
		return (STR_NONE);
	return (ts->list[index]->text);
}
