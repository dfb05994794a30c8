/* server/jwks.c - issuers' keys; jwks.h says what it promises. */
#include "server/jwks.h"

#include <stdlib.h>

#include "server/base/log.h"
#include "server/url.h"

#define REFRESH_MS  600000 /* policy.md §5: TTL 10 min */
#define COOLDOWN_US INT64_C(30000000)
#define STALE_US    INT64_C(86400000000)
#define FETCH_MS    5000
#define REQUEST_MAX ((size_t)8192)

/* One issuer of the region in force. */
struct entry {
	struct jwks *jwks;
	const struct issuer *issuer; /* of the pinned snapshot */
	struct keyset *set;	     /* NULL: none yet */
	struct mono_us fetched, tried; /* 0: never */
	struct http_pool *pool;	       /* URL only */
	struct http_call *call;
	struct url_parts url;
	struct tls_client *tls;
};

struct jwks {
	struct loop *loop;
	char *folder;
	void (*on_keyring)(struct keyring *, void *);
	void *arg;
	struct timer refresh;
	struct snapshot *snapshot;
	struct entry *entries;
	unsigned n;
	uint64_t generation;
};

static void fetch(struct entry *);

/* Keys of an issuer that has been away for a day are believed no more: it may
 * have withdrawn them. */
static bool
is_usable(const struct entry *e)
{
	return (e->set != NULL && (e->issuer->jwks_url.len == 0 ||
	    loop_now(e->jwks->loop).us - e->fetched.us <= STALE_US));
}

static void
publish(struct jwks *j)
{
	struct keyset **sets = xcalloc(j->n, sizeof(struct keyset *));
	struct keyring *ring;

	for (unsigned i = 0; i < j->n; i++)
		if (is_usable(&j->entries[i]))
			sets[i] = j->entries[i].set;
	ring = keyring_new(++j->generation, j->n, sets);
	free(sets);
	j->on_keyring(ring, j->arg);
	keyring_unref(&ring);
}

static void
on_refresh(void *arg)
{
	struct jwks *j = arg;

	for (unsigned i = 0; i < j->n; i++)
		fetch(&j->entries[i]);
	timer_set(&j->refresh, REFRESH_MS);
}

struct jwks *
jwks_new(struct loop *loop, const char *folder,
    void (*on_keyring)(struct keyring *, void *), void *arg)
{
	struct jwks *j = xcalloc(1, sizeof(*j));

	j->loop = loop;
	j->folder = xstrdup(folder);
	j->on_keyring = on_keyring;
	j->arg = arg;
	timer_init(&j->refresh, loop, on_refresh, j);
	timer_set(&j->refresh, REFRESH_MS);
	return (j);
}

static void
entry_clear(struct entry *e)
{
	http_call_free(e->call);
	http_pool_free(e->pool);
	tls_client_free(e->tls);
	keyset_unref(&e->set);
}

static void
entries_free(struct entry *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		entry_clear(&e[i]);
	free(e);
}

void
jwks_free(struct jwks *j)
{
	if (j == NULL)
		return;
	timer_clear(&j->refresh);
	entries_free(j->entries, j->n);
	snapshot_unref(&j->snapshot);
	free(j->folder);
	free(j);
}

/* ---- fetching */

static const char *
ca_path(const struct jwks *j, struct str ca, struct buf *b)
{
	if (ca.len == 0)
		return (NULL);
	if (ca.p[0] != '/')
		buf_addf(b, "%s/", j->folder);
	buf_adds(b, ca);
	return (buf_cstr(b));
}

/* The connection to an issuer, made when its region comes into force. */
static void
entry_connect(struct entry *e)
{
	struct http_pool_conf conf = { .in_flight = 1,
		.queued = 1, .queued_each = 1,
		.idle_max = 1, .idle_ms = 1000, .header_max = 16384 };
	const char *why = "";
	struct buf path;

	if (!url_split(e->issuer->jwks_url, &e->url)) {
		log_err("not a key set URL", "issuer=%.*s",
		    STR_FMT(e->issuer->iss));
		return;
	}
	buf_init(&path, 4096);
	if (e->url.https && tls_client_new(ca_path(e->jwks, e->issuer->jwks_ca,
		&path), NULL, NULL, &e->tls, &why) != HUB_OK) {
		log_err("no TLS to the issuer", "issuer=%.*s why=\"%s\"",
		    STR_FMT(e->issuer->iss), why);
		buf_clear(&path);
		return;
	}
	buf_clear(&path);
	conf.host = e->url.host;
	conf.port = e->url.port;
	conf.tls = e->tls;
	e->pool = http_pool_new(e->jwks->loop, &conf);
}

static void
take_set(struct entry *e, struct str json)
{
	struct keyset *set = NULL;
	const char *why = "";

	if (keyset_parse(json, &set, &why) != HUB_OK) {
		log_warn("key set refused", "issuer=%.*s why=\"%s\"",
		    STR_FMT(e->issuer->iss), why);
		return;
	}
	keyset_unref(&e->set);
	e->set = set;
	e->fetched = loop_now(e->jwks->loop);
	if (e->fetched.us == 0)
		e->fetched.us = 1;
	log_info("key set taken", "issuer=%.*s keys=%u",
	    STR_FMT(e->issuer->iss), keyset_size(set));
}

static void
on_fetched(struct http_call *call, enum hub_err err, void *arg)
{
	struct entry *e = arg;

	if (err != HUB_OK || http_call_head(call)->status != 200)
		log_warn("key set not fetched", "issuer=%.*s why=\"%s\"",
		    STR_FMT(e->issuer->iss),
		    err != HUB_OK ? hub_err_str(err) : "status is not 200");
	else
		take_set(e, http_call_body(call));
	http_call_free(call);
	e->call = NULL;
	publish(e->jwks); /* also wakes those who wait in vain */
}

static void
fetch(struct entry *e)
{
	struct http_call_conf conf = { .is_safe = true,
		.timeout_ms = FETCH_MS,
		.body_max = KEYSET_BYTES_MAX };
	struct buf b;

	if (e->pool == NULL || e->call != NULL)
		return;
	e->tried = loop_now(e->jwks->loop);
	buf_init(&b, REQUEST_MAX);
	BUF_LIT(&b, "GET ");
	buf_adds(&b, e->url.target);
	BUF_LIT(&b, " HTTP/1.1\r\nHost: ");
	buf_adds(&b, e->url.authority);
	BUF_LIT(&b, "\r\nAccept: application/jwk-set+json, "
		    "application/json\r\nUser-Agent: drehscheibe\r\n\r\n");
	if (!b.failed) {
		conf.bytes = buf_str(&b);
		e->call = http_call_start(e->pool, &conf, on_fetched, e);
	}
	buf_clear(&b);
}

/* ---- regions */

static bool
same_issuer(const struct issuer *a, const struct issuer *b)
{
	return (str_eq(a->iss, b->iss) && str_eq(a->jwks_url, b->jwks_url) &&
	    str_eq(a->jwks_file, b->jwks_file) &&
	    str_eq(a->jwks_ca, b->jwks_ca));
}

static void
entry_begin(struct entry *e, const struct entry *old, unsigned nold)
{
	bool asked = false; /* the answer would be lost with the old one */

	for (unsigned i = 0; i < nold; i++) {
		if (!same_issuer(old[i].issuer, e->issuer))
			continue;
		asked = old[i].call != NULL;
		if (old[i].set != NULL) {
			e->set = keyset_ref(old[i].set);
			e->fetched = old[i].fetched;
			e->tried = old[i].tried;
		}
	}
	if (e->issuer->jwks_url.len > 0)
		entry_connect(e);
	else if (e->set == NULL)
		take_set(e, e->issuer->jwks_file);
	if (e->set == NULL || asked)
		fetch(e);
}

void
jwks_region(struct jwks *j, struct snapshot *s)
{
	const struct tenant_set *ts = &s->region->tenants;
	struct entry *old = j->entries;
	struct snapshot *was = j->snapshot;
	unsigned nold = j->n;

	j->snapshot = snapshot_ref(s);
	j->n = ts->nissuers;
	j->entries = xcalloc(j->n, sizeof(*j->entries));
	for (unsigned i = 0; i < j->n; i++) {
		j->entries[i].jwks = j;
		j->entries[i].issuer = &ts->issuers[i];
		entry_begin(&j->entries[i], old, nold);
	}
	entries_free(old, nold);
	snapshot_unref(&was);
	publish(j);
}

void
jwks_want(struct jwks *j, unsigned i)
{
	struct entry *e = i < j->n ? &j->entries[i] : NULL;
	int64_t now = loop_now(j->loop).us;

	/* The cool-down counts tries, whatever came of them (J6). */
	if (e == NULL || (e->tried.us != 0 && now - e->tried.us < COOLDOWN_US))
		return;
	fetch(e);
}

unsigned
jwks_missing(const struct jwks *j)
{
	unsigned n = 0;

	for (unsigned i = 0; i < j->n; i++)
		n += !is_usable(&j->entries[i]);
	return (n);
}

bool
jwks_age(const struct jwks *j, unsigned i, struct str *iss_r, int64_t *us_r)
{
	const struct entry *e;

	if (i >= j->n)
		return (false);
	e = &j->entries[i];
	*iss_r = e->issuer->iss;
	*us_r = e->set == NULL || e->issuer->jwks_url.len == 0 ? -1 :
	    loop_now(j->loop).us - e->fetched.us;
	return (true);
}
