/* server/federation/source.c - sources as the hub talks to them; source.h
 * says what it promises. */
#include "server/federation/source.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/base/hash.h"
#include "server/base/log.h"

#define BEARER_MAX   16384
#define LANE_IDLE    64
#define LANE_IDLE_MS 30000
/* Calls that wait for one of in-flight places: of all tenants, of each. */
#define QUEUED_ALL  32
#define QUEUED_EACH 16

static atomic_ullong tls_serial;

/* ---- credentials */

static const char *
path_in(const char *folder, struct str name, struct arena *a)
{
	if (name.len == 0)
		return (NULL);
	if (name.p[0] == '/')
		return (arena_printf(a, "%.*s", STR_FMT(name)));
	return (arena_printf(a, "%s/%.*s", folder, STR_FMT(name)));
}

/* A file with a token or secret: its first line, visible characters only. */
static enum hub_err
read_secret(const char *path, struct str *secret_r)
{
	char *text = xcalloc(1, BEARER_MAX + 1);
	FILE *f = fopen(path, "re");
	struct str s;
	size_t n;

	if (f == NULL) {
		free(text);
		return (HUB_ENOENT);
	}
	n = fread(text, 1, BEARER_MAX, f);
	(void)fclose(f);
	s = (struct str){ text, str_chr((struct str){ text, n }, '\n') };
	if (s.len > 0 && s.p[s.len - 1] == '\r')
		s.len--;
	s = str_trim(s);
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			s.len = 0;
	if (s.len == 0) {
		free(text);
		return (HUB_ESYNTAX);
	}
	memmove(text, s.p, s.len);
	*secret_r = (struct str){ text, s.len };
	return (HUB_OK);
}

/* What it takes to ask for tokens. The client certificate is for the source,
 * not for its token endpoint. */
static enum hub_err
access_oauth(const struct region_source *src, const char *folder,
    struct arena *a, struct source_access *acc, struct buf *why)
{
	const char *secret = path_in(folder, src->oauth_secret_file, a);
	const char *phrase = "";
	enum hub_err err;

	if (src->oauth_token_url.len == 0)
		return (HUB_OK);
	if (read_secret(secret, &acc->secret) != HUB_OK) {
		buf_addf(why,
		    "source %.*s: cannot read a secret from secret-file %s\n",
		    STR_FMT(src->name), secret);
		return (HUB_ENOENT);
	}
	if (!str_prefix(src->oauth_token_url, STR("https://")))
		return (HUB_OK);
	err = tls_client_new(path_in(folder, src->ca, a), NULL, NULL,
	    &acc->token_tls, &phrase);
	if (err != HUB_OK)
		buf_addf(why, "source %.*s: token-url: %s\n",
		    STR_FMT(src->name), phrase);
	return (err);
}

static enum hub_err
access_one(const struct region_source *src, const char *folder,
    struct arena *a, struct source_access *acc, struct buf *why)
{
	const char *bearer = path_in(folder, src->bearer_file, a);
	const char *phrase = "";
	enum hub_err err = access_oauth(src, folder, a, acc, why);

	acc->share = xcalloc(1, sizeof(*acc->share));
	if (err != HUB_OK)
		return (err);
	if (bearer != NULL && read_secret(bearer, &acc->bearer) != HUB_OK) {
		buf_addf(why,
		    "source %.*s: cannot read a token from bearer-file %s\n",
		    STR_FMT(src->name), bearer);
		return (HUB_ENOENT);
	}
	if (!src->https)
		return (HUB_OK);
	acc->serial = atomic_fetch_add(&tls_serial, 1) + 1;
	err = tls_client_new(path_in(folder, src->ca, a),
	    path_in(folder, src->client_certificate, a),
	    path_in(folder, src->client_key, a), &acc->tls, &phrase);
	if (err != HUB_OK)
		buf_addf(why, "source %.*s: %s\n", STR_FMT(src->name),
		    phrase);
	return (err);
}

enum hub_err
source_access_new(const struct region *region, const char *folder,
    struct source_access **access_r, struct buf *why)
{
	struct source_access *all;
	struct arena *a = arena_new();
	enum hub_err err = HUB_OK;

	all = xcalloc(region->nsources, sizeof(*all));
	for (unsigned i = 0; i < region->nsources && err == HUB_OK; i++)
		err = access_one(&region->sources[i], folder, a, &all[i], why);
	arena_free(a);
	if (err != HUB_OK) {
		source_access_free(all, region->nsources);
		return (err);
	}
	*access_r = all;
	return (HUB_OK);
}

static void
secret_free(struct str s)
{
	char *p = (char *)(uintptr_t)s.p;

	if (p != NULL)
		explicit_bzero(p, s.len);
	free(p);
}

void
source_access_free(struct source_access *all, unsigned n)
{
	if (all == NULL)
		return;
	for (unsigned i = 0; i < n; i++) {
		tls_client_free(all[i].tls);
		tls_client_free(all[i].token_tls);
		free(all[i].share);
		source_use_unref(&all[i].use);
		secret_free(all[i].bearer);
		secret_free(all[i].secret);
	}
	free(all);
}

/* ---- how registered sources do */

struct source_use *
source_use_new(struct str tenant, struct str id, struct wall_us created)
{
	struct source_use *u = xcalloc(1, sizeof(*u) + tenant.len + id.len);
	char *text = (char *)(u + 1);

	atomic_init(&u->refs, 1);
	memcpy(text, tenant.p, tenant.len);
	memcpy(text + tenant.len, id.p, id.len);
	u->tenant = (struct str){ text, tenant.len };
	u->id = (struct str){ text + tenant.len, id.len };
	u->created = created;
	return (u);
}

struct source_use *
source_use_ref(struct source_use *u)
{
	atomic_fetch_add(&u->refs, 1);
	return (u);
}

void
source_use_unref(struct source_use **up)
{
	struct source_use *u = *up;

	*up = NULL;
	if (u != NULL && atomic_fetch_sub(&u->refs, 1) == 1)
		free(u);
}

/* ---- pools and breakers of one worker */

struct lane {
	struct source_lane pub;
	struct lane *next;
	char *key;
	unsigned generation; /* of the trim that last saw it */
};

struct source_pools {
	struct loop *loop;
	size_t header_max;
	struct lane *lanes;
	unsigned generation;
	/* The lanes of one snapshot's sources by index, so that a request
	 * does not search: of that access array, until the next trim. */
	const struct source_access *of;
	struct source_lane **by_index;
	unsigned nby_index;
};

struct source_pools *
source_pools_new(struct loop *loop, size_t header_max)
{
	struct source_pools *p = xcalloc(1, sizeof(*p));

	p->loop = loop;
	p->header_max = header_max;
	return (p);
}

static void
lane_free(struct lane *l)
{
	http_pool_free(l->pub.pool);
	free(l->key);
	free(l);
}

void
source_pools_free(struct source_pools *p)
{
	struct lane *next;

	if (p == NULL)
		return;
	for (struct lane *l = p->lanes; l != NULL; l = next) {
		next = l->next;
		lane_free(l);
	}
	free(p->by_index);
	free(p);
}

/* What makes two sources the same lane. The serial stands for CA and client
 * certificate: a new snapshot has new TLS contexts, so https lanes last as
 * long as their snapshot, plain ones across snapshots. (The context's address
 * may come again while a lane of an old snapshot still stands.) */
static char *
lane_key(const struct region_source *s, const struct source_access *acc)
{
	/* Two tenants may have registered one id. */
	struct str owner = s->owner != NULL ? s->owner->name : STR("");
	char *key = NULL;

	if (asprintf(&key, "%.*s %.*s %.*s %u %llu %u", STR_FMT(owner),
		STR_FMT(s->name), STR_FMT(s->host), (unsigned)s->port,
		(unsigned long long)acc->serial, s->in_flight) < 0)
		abort();
	return (key);
}

static struct lane *
lane_find(struct source_pools *p, const char *key)
{
	for (struct lane *l = p->lanes; l != NULL; l = l->next)
		if (strcmp(l->key, key) == 0)
			return (l);
	return (NULL);
}

static struct source_lane *
lane_get(struct source_pools *p, const struct region_source *s,
    const struct source_access *acc)
{
	struct http_pool_conf conf = { .host = s->host,
		.port = s->port,
		.tls = acc->tls,
		.in_flight = s->in_flight,
		.queued = s->in_flight * QUEUED_ALL,
		.queued_each = s->in_flight * QUEUED_EACH,
		.idle_max = LANE_IDLE,
		.idle_ms = LANE_IDLE_MS,
		.header_max = p->header_max };
	char *key = lane_key(s, acc);
	struct lane *l = lane_find(p, key);

	if (l != NULL) {
		free(key);
		return (&l->pub);
	}
	l = xcalloc(1, sizeof(*l));
	l->key = key;
	l->generation = p->generation;
	l->pub.pool = http_pool_new(p->loop, &conf);
	l->next = p->lanes;
	p->lanes = l;
	return (&l->pub);
}

struct source_lane *
source_pools_lane(struct source_pools *p, const struct region_source *s,
    const struct source_access *acc)
{
	size_t size = sizeof(p->by_index[0]);

	if (p->of != acc - s->index) {
		p->of = acc - s->index;
		if (p->nby_index > 0)
			memset(p->by_index, 0, p->nby_index * size);
	}
	if (s->index >= p->nby_index) {
		p->by_index = xrealloc(p->by_index, (s->index + 1) * size);
		memset(p->by_index + p->nby_index, 0,
		    (s->index + 1 - p->nby_index) * size);
		p->nby_index = s->index + 1;
	}
	if (p->by_index[s->index] == NULL)
		p->by_index[s->index] = lane_get(p, s, acc);
	return (p->by_index[s->index]);
}

void
source_pools_trim(struct source_pools *p, const struct region *region,
    const struct source_access *access)
{
	struct lane **at = &p->lanes, *l;

	p->of = NULL; /* its snapshot may be gone, and its address reused */
	p->generation++;
	for (unsigned i = 0; region != NULL && i < region->nsources; i++) {
		char *key = lane_key(&region->sources[i], &access[i]);

		l = lane_find(p, key);
		if (l != NULL)
			l->generation = p->generation;
		free(key);
	}
	while ((l = *at) != NULL) {
		if (l->generation == p->generation || l->pub.users > 0) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		lane_free(l);
	}
}

bool
source_lane_ready(struct source_lane *l, struct mono_us now)
{
	if (l->open_until.us == 0 || now.us < l->open_until.us)
		return (l->open_until.us == 0);
	/* The pause is over: this call tries; others wait for its result. */
	l->open_until.us = now.us + INT64_C(60000000);
	return (true);
}

void
source_lane_unused(struct source_lane *l, struct mono_us now)
{
	if (l->open_until.us != 0)
		l->open_until = now;
}

void
source_lane_result(struct source_lane *l, const struct region_source *s,
    bool ok, struct mono_us now)
{
	if (ok) {
		if (l->open_until.us != 0)
			log_info("source answers again", "source=%.*s",
			    STR_FMT(s->name));
		l->failures = 0;
		l->open_until.us = 0;
		return;
	}
	if (++l->failures < s->breaker_failures)
		return;
	if (l->failures == s->breaker_failures)
		log_warn("source failed in a row, pausing",
		    "source=%.*s failures=%u pause_ms=%d", STR_FMT(s->name),
		    l->failures, s->breaker_ms);
	l->open_until.us = now.us + (int64_t)s->breaker_ms * 1000;
}
