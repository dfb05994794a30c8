/* server/snapshot.c - what is in force; see snapshot.h. */
#include "server/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "policies/region_sign.h"
#include "server/base/log.h"
#include "server/region_test.h"
#include "server/registry.h"

/* Of the file that pseudonyms are made with, in bytes. */
#define KEY_MIN 32
#define KEY_MAX 4096

static void
print_messages(const struct region_message *m, unsigned n, struct buf *why)
{
	for (unsigned i = 0; i < n; i++)
		if (!m[i].warning)
			buf_addf(why, "%.*s:%u:%u: %.*s\n", STR_FMT(m[i].file),
			    m[i].line, m[i].column, STR_FMT(m[i].text));
}

/* One line: the key is what stands before its end. */
static enum hub_err
read_key(const char *path, char key[KEY_MAX], struct str *key_r,
    struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, key, KEY_MAX);

	if (n < 0)
		buf_addf(why, "pseudonym-key-file %s: %s\n", path,
		    strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return (HUB_ENOENT);
	key_r->p = key;
	key_r->len = str_chr((struct str){ key, (size_t)n }, '\n');
	if (n < KEY_MAX && key_r->len >= KEY_MIN)
		return (HUB_OK);
	buf_addf(why, "pseudonym-key-file %s: not a line of %d to %d bytes\n",
	    path, KEY_MIN, KEY_MAX - 1);
	return (HUB_ERANGE);
}

/* Without a key pseudonyms are not released, and the rest goes on. */
static enum hub_err
give_key(struct policy_set *set, const char *path, struct buf *why)
{
	char key[KEY_MAX];
	struct str text = STR_NONE;
	enum hub_err err;

	if (!policy_has_pseudonyms(set))
		return (HUB_OK);
	if (path == NULL) {
		log_warn("attributes with pseudonyms are not shown: "
			 "policy.pseudonym-key-file is not set", NULL);
		return (HUB_OK);
	}
	err = read_key(path, key, &text, why);
	if (err == HUB_OK)
		policy_pseudonym_key(set, text);
	OPENSSL_cleanse(key, sizeof(key));
	return (err);
}

static void
on_failure(struct str file, unsigned line, struct str text, void *arg)
{
	buf_addf(arg, "%.*s:%u: %.*s\n", STR_FMT(file), line, STR_FMT(text));
}

/* ---- registrations */

/* Not more of them at a time: tenants make them, and each reload says it. */
#define OUT_LOGGED_MAX 100

static void
log_out_of_force(const struct region *region)
{
	unsigned n = 0;

	for (unsigned i = 0; i < region->nregistrations; i++) {
		const struct region_registration *rr =
		    &region->registrations[i];

		if (rr->why != NULL && n++ < OUT_LOGGED_MAX)
			log_warn("registration is not in force",
			    "tenant=%.*s id=\"%.*s\" why=\"%s\"",
			    STR_FMT(rr->tenant != NULL ? rr->tenant->name :
							 STR("?")),
			    STR_FMT(rr->registration != NULL ?
				    rr->registration->id : STR("?")),
			    rr->why);
	}
	if (n > OUT_LOGGED_MAX)
		log_warn("more registrations are not in force", "more=%u",
		    n - OUT_LOGGED_MAX);
}

/* The region with its registrations instead of the plain one, which has shown
 * that the files are good: what tenants register cannot spoil them. */
static void
add_registered(const struct region_file *files, unsigned n,
    const struct snapshot_registered *reg, struct region **regionp)
{
	struct region_message *messages = NULL;
	struct arena *a = arena_new();
	struct region *region = NULL;
	unsigned nmessages = 0;

	if (region_parse_registered(files, n, reg->rows, reg->n, &region, a,
		&messages, &nmessages) == HUB_OK) {
		region_free(*regionp);
		*regionp = region;
		log_out_of_force(region);
	} else
		log_err("registrations do not go with the region: none of "
			"them is in force", "rows=%u", reg->n);
	arena_free(a);
}

static void
count_registered(const struct region *region, struct source_uses *uses,
    struct source_access *access)
{
	for (unsigned i = 0; i < region->nregistrations; i++) {
		const struct region_registration *rr =
		    &region->registrations[i];

		if (rr->dataset != NULL)
			access[rr->dataset->source->index].use =
			    source_uses_get(uses, rr);
	}
}

/* ---- quotas and crises */

static struct quota **
take_buckets(const struct region *region, struct quota_book *book)
{
	struct quota **buckets = xcalloc((size_t)region->nbuckets + 1,
	    sizeof(const void *));

	for (unsigned i = 0; i < region->nagreements; i++) {
		const struct region_agreement *ag = &region->agreements[i];

		if (ag->rate.count > 0)
			buckets[ag->bucket] = quota_book_get(book,
			    ag->consumer->name, ag->name, STR_NONE, &ag->rate);
		for (unsigned k = 0; k < ag->ncrises; k++)
			if (ag->crises[k].rate.count > 0)
				buckets[ag->crises[k].bucket] =
				    quota_book_get(book, ag->consumer->name,
				    ag->name, ag->crises[k].name,
				    &ag->crises[k].rate);
	}
	return (buckets);
}

static void
drop_buckets(struct quota **buckets, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		quota_unref(&buckets[i]);
	free(buckets);
}

/* With the events that mean something in the region. */
static struct policy_set *
compile(const struct region *region, const struct snapshot_registered *reg,
    bool tell)
{
	struct crisis_event *events = xcalloc((size_t)reg->ncrises + 1,
	    sizeof(*events));
	struct policy_set *set;
	const char *why;
	unsigned n = 0;

	for (unsigned i = 0; i < reg->ncrises; i++) {
		why = crisis_resolve(region, &reg->crises[i], &events[n]);
		if (tell && why != NULL)
			log_warn("crisis is not in force",
			    "event=%lld why=\"%s\"",
			    (long long)reg->crises[i].id, why);
		else if (tell)
			log_info("crisis", "event=%lld kind=%.*s "
			    "authority=%.*s area=%.*s confirmed=%d",
			    (long long)events[n].id, STR_FMT(events[n].kind),
			    STR_FMT(events[n].authority->name),
			    STR_FMT(events[n].area->name),
			    (int)(reg->crises[i].confirmed.us !=
				WALL_ABSENT.us));
		n += why == NULL;
	}
	set = policy_compile_crises(region, events, n);
	free(events);
	return (set);
}

enum hub_err
snapshot_new(const struct region_file *files, unsigned n,
    const struct snapshot_registered *registered, int64_t bundle,
    uint64_t generation, const char *folder, const char *key_file,
    struct snapshot **snapshot_r, struct buf *why)
{
	struct region_message *messages = NULL;
	struct source_access *access = NULL;
	struct policy_set *policy = NULL;
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
	policy = compile(region, registered, true);
	err = give_key(policy, key_file, why);
	/* What the region itself says of it must hold (policy.md 3.1). */
	if (err == HUB_OK &&
	    region_tests_run(region, false, on_failure, why) > 0)
		err = HUB_ESYNTAX;
	/* The files' own tests go by the files' own signatures. */
	if (err == HUB_OK && registered->n + registered->nsignatures > 0) {
		policy_free(policy);
		if (registered->n > 0)
			add_registered(files, n, registered, &region);
		region_signatures_apply(region, registered->signatures,
		    registered->nsignatures);
		policy = compile(region, registered, false);
		err = give_key(policy, key_file, why);
	}
	if (err == HUB_OK)
		err = source_access_new(region, folder, &access, why);
	if (err != HUB_OK)
		goto out;
	s = xcalloc(1, sizeof(*s));
	atomic_init(&s->refs, 1);
	s->generation = generation;
	s->bundle = bundle;
	s->registered = registered->epoch;
	count_registered(region, registered->uses, access);
	region_hash(files, n, s->hash);
	hex_encode(s->hash, sizeof(s->hash), s->hash_text);
	s->buckets = take_buckets(region, registered->quotas);
	s->policy = policy;
	s->access = access;
	s->region = region;
	policy = NULL;
	region = NULL;
	*snapshot_r = s;
out:
	policy_free(policy);
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
	drop_buckets(s->buckets, s->region->nbuckets);
	free(s->tenant_slots);
	free(s->source_slots);
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
