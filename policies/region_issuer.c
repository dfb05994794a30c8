/* policies/region_issuer.c - whose tokens are believed, what names mean, and
 * the URLs that both and sources are written with. */
#include "policies/region_priv.h"

#include "server/base/hash.h"

#define CONTEXT_ID_BYTES 8 /* of the SHA-256 of its URL */

static void build_issuer(const struct sec *, struct issuer *);

static const struct word algorithm_words[] = { { "RS256", ISSUER_RS256 },
	{ "ES256", ISSUER_ES256 }, { NULL, 0 } };
static const struct word typ_words[] = { { "at+jwt", ISSUER_AT_JWT },
	{ "legacy-bearer", ISSUER_LEGACY_BEARER }, { NULL, 0 } };
static const struct word sender_words[] = { { "none", SENDER_NONE },
	{ "mtls", SENDER_MTLS }, { "dpop", SENDER_DPOP },
	{ "any", SENDER_ANY }, { NULL, 0 } };

static const struct field issuer_fields[] = {
	{ "ca", F_TEXT, false, offsetof(struct issuer, jwks_ca), 0, 0, 0,
	    NULL },
	{ "audience", F_TEXT, true, offsetof(struct issuer, audience), 0, 0, 0,
	    NULL },
	{ "typ", F_WORD, false, offsetof(struct issuer, typ), 0, 0,
	    ISSUER_AT_JWT, typ_words },
	{ "sender", F_WORD, false, offsetof(struct issuer, sender), 0, 0,
	    SENDER_NONE, sender_words },
	{ "tenant-claim", F_TEXT, true, offsetof(struct issuer, tenant_claim),
	    0, 0, 0, NULL },
	{ "roles-path", F_TEXT, false, offsetof(struct issuer, roles_path), 0,
	    0, 0, NULL },
	{ "web-client", F_TEXT, false, offsetof(struct issuer, web_client), 0,
	    0, 0, NULL },
	{ "web-scope", F_TEXT, false, offsetof(struct issuer, web_scope), 0,
	    0, 0, NULL },
	{ "step-up-acr", F_TEXT, false, offsetof(struct issuer, step_up_acr), 0,
	    0, 0, NULL },
	{ "max-ttl", F_SECONDS, false, offsetof(struct issuer, max_ttl_s), 60,
	    3600, 3600, NULL },
	{ "skew", F_SECONDS, false, offsetof(struct issuer, skew_s), 0, 60, 30,
	    NULL },
	{ "tokens-before", F_INSTANT, false,
	    offsetof(struct issuer, tokens_before), 0, 0, 0, NULL },
	FIELDS_END
};

void
build_issuers(struct build *b)
{
	unsigned i, n = b->nblocks[BLOCK_ISSUER];
	struct issuer *issuers;

	issuers = arena_array(b->arena, (size_t)n + 1, sizeof(*issuers));
	for (i = 0; i < n; i++) {
		issuers[i].index = i;
		build_issuer(&b->blocks[BLOCK_ISSUER][i], &issuers[i]);
	}
	b->region->tenants.issuers = issuers;
	b->region->tenants.nissuers = n;
}

/* What this version can verify, and a plain word for what it cannot. */
static void
issuer_algorithms(const struct sec *s, struct issuer *is)
{
	unsigned i, value;

	if (sec_nitems(s, "algorithms") == 0)
		sec_error(s, "algorithms",
		    "issuer needs algorithms; allowed: RS256, ES256");
	for (i = 0; i < sec_nitems(s, "algorithms"); i++) {
		struct str a = sec_item(s, "algorithms", i);

		if (str_eq(a, STR("PS256")) || str_eq(a, STR("EdDSA")))
			sec_error(s, "algorithms",
			    "%.*s is not verified by this version; allowed: "
			    "RS256, ES256",
			    STR_FMT(a));
		else if (word_read(s, "algorithms", a, algorithm_words, &value))
			is->algorithms |= value;
	}
}

static void
issuer_keys(const struct sec *s, struct issuer *is)
{
	struct str jwks = sec_text(s, "jwks");
	const struct region_file *file;
	struct url url;

	if ((jwks.p != NULL) == sec_has(s, "jwks-file")) {
		sec_error(s, jwks.p != NULL ? "jwks-file" : NULL,
		    "issuer needs one of jwks (a URL) and jwks-file");
		return;
	}
	if (jwks.p == NULL) {
		if ((file = sec_file(s, "jwks-file")) != NULL)
			is->jwks_file = sec_keep(s, file->bytes);
	} else if (url_read(s, "jwks", jwks, &url)) {
		if (!url.https && !url.loopback)
			sec_error(s, "jwks",
			    "keys are fetched by https; http is for loopback");
		is->jwks_url = sec_keep(s, jwks);
	}
}

static void
issuer_map_add(const struct sec *s, const char *key, struct issuer *is,
    struct issuer_map *map, struct str value, int tenant)
{
	unsigned i;

	if (tenant < 0)
		return;
	for (i = 0; i < is->nmap; i++)
		if (str_eq(map[i].value, value)) {
			sec_error(s, key, "claim value '%.*s' is mapped twice",
			    STR_FMT(nearest_to(value).wrong));
			return;
		}
	map[is->nmap++] = (struct issuer_map){ sec_keep(s, value),
		&s->b->tenants[tenant] };
}

static void
issuer_maps(const struct sec *s, struct issuer *is)
{
	unsigned i, nspeaks = sec_nitems(s, "speaks-for");
	unsigned nmaps = sec_nblocks(s, "map");
	struct issuer_map *map;

	if (nmaps > REGION_ITEMS_MAX) {
		sec_error(s, "map", "over %d map blocks in one issuer",
		    REGION_ITEMS_MAX);
		return;
	}
	map = arena_array(s->b->arena, (size_t)nspeaks + nmaps + 1,
	    sizeof(*map));
	for (i = 0; i < nspeaks; i++) {
		struct str name = sec_item(s, "speaks-for", i);

		issuer_map_add(s, "speaks-for", is, map, name,
		    build_find(s, "speaks-for", name, BLOCK_TENANT));
	}
	for (i = 0; i < nmaps; i++) {
		struct sec sub = sec_block(s, "map", i);

		issuer_map_add(&sub, NULL, is, map, sec_title(&sub),
		    sec_ref(&sub, "tenant", BLOCK_TENANT));
	}
	is->map = map;
	if (nspeaks + nmaps == 0)
		sec_warn(s, NULL, "issuer speaks for no tenant: its tokens "
				  "are refused");
}

static void
build_issuer(const struct sec *s, struct issuer *is)
{
	struct url url;

	is->iss = sec_keep(s, sec_title(s));
	is->tokens_before = WALL_ABSENT;
	if (!url_parse(is->iss, &url))
		sec_error(s, NULL, "the name of an issuer is its iss, an http "
				   "or https URL");
	fields_read(s, issuer_fields, is);
	issuer_algorithms(s, is);
	issuer_keys(s, is);
	issuer_maps(s, is);
}

/* ---- contexts */

/* For those who fetch it from us. */
static void
context_keep(const struct sec *s, const struct region_file *file,
    struct region_context *c)
{
	struct arena *a = s->b->arena;
	unsigned char hash[SHA256_LEN];
	char hex[2 * CONTEXT_ID_BYTES + 1];

	c->url = arena_str(a, sec_title(s));
	sha256(c->url, hash);
	hex_encode(hash, CONTEXT_ID_BYTES, hex);
	c->id = arena_str(a, str_of(hex));
	c->document = arena_str(a, file->bytes);
}

/* One try; false: it waits for a context that is not there yet. */
static bool
context_add(const struct sec *s, const struct region_file *file, bool last,
    struct region_context *kept)
{
	struct build *b = s->b;
	enum hub_err err;
	struct buf why;

	buf_init(&why, 4096);
	err = vocab_add(b->region->vocab, sec_title(s), file->bytes, &why);
	if (err != HUB_OK && (err != HUB_ENOENT || last))
		sec_error(s, "file", "%.*s: %s%s", STR_FMT(file->path),
		    why.len > 0 ? buf_cstr(&why) : hub_err_str(err),
		    err == HUB_ENOENT ? " (not among the region's contexts, "
					"or they refer to each other in a "
					"circle)"
				      : "");
	buf_clear(&why);
	if (err == HUB_OK)
		context_keep(s, file, &kept[b->region->ncontexts++]);
	return (err != HUB_ENOENT || last);
}

/* In any order in the files: a context that refers to another waits for it.
 * A round that adds none is the last. */
void
build_contexts(struct build *b)
{
	unsigned i, n = b->nblocks[BLOCK_CONTEXT], left = 0, before;
	const struct region_file **files;
	struct region_context *kept;

	if (n > REGION_CONTEXTS_MAX) {
		sec_error(&b->blocks[BLOCK_CONTEXT][REGION_CONTEXTS_MAX], NULL,
		    "over %d contexts", REGION_CONTEXTS_MAX);
		return;
	}
	files = arena_array(b->scratch, (size_t)n + 1, sizeof(*files));
	kept = arena_array(b->arena, (size_t)n + 1, sizeof(*kept));
	for (i = 0; i < n; i++) {
		files[i] = sec_file(&b->blocks[BLOCK_CONTEXT][i], "file");
		left += files[i] != NULL;
	}
	b->region->contexts = kept;
	do {
		before = left;
		for (i = 0; i < n; i++)
			if (files[i] != NULL &&
			    context_add(&b->blocks[BLOCK_CONTEXT][i], files[i],
				false, kept)) {
				files[i] = NULL;
				left--;
			}
	} while (left > 0 && left < before);
	for (i = 0; i < n; i++)
		if (files[i] != NULL)
			(void)context_add(&b->blocks[BLOCK_CONTEXT][i],
			    files[i], true, kept);
}

/* ---- URLs */

static bool
url_authority(struct str text, struct url *url)
{
	struct str port = STR_NONE;
	uint64_t n = url->https ? 443 : 80;
	size_t end;

	if (text.len > 0 && text.p[0] == '[') {
		end = str_chr(text, ']');
		url->host = (struct str){ text.p + 1, end - (end > 0) };
		if (end == text.len ||
		    strspn(url->host.p, "0123456789abcdefABCDEF:.") !=
			url->host.len)
			return (false);
		text = str_from(text, end + 1);
		if (text.len > 0 && text.p[0] != ':')
			return (false);
	} else {
		end = str_chr(text, ':');
		url->host = (struct str){ text.p, end };
		if (strspn(url->host.p,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789.-") < end)
			return (false);
		text = str_from(text, end);
	}
	if (text.len > 0)
		port = str_from(text, 1);
	if (port.p != NULL && (str_uint(port, 65535, &n) != HUB_OK || n == 0))
		return (false);
	url->port = (uint16_t)n;
	return (url->host.len > 0 && url->host.len <= 255);
}

/* The host is loopback by its text; a name is never looked up for that. */
static bool
host_is_loopback(struct str host)
{
	size_t i;

	if (str_caseeq(host, STR("localhost")) || str_eq(host, STR("::1")))
		return (true);
	if (!str_prefix(host, STR("127.")))
		return (false);
	for (i = 0; i < host.len; i++)
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			return (false);
	return (true);
}

bool
url_parse(struct str text, struct url *url)
{
	struct str rest, authority, part;

	memset(url, 0, sizeof(*url));
	url->https = str_prefix(text, STR("https://"));
	if ((!url->https && !str_prefix(text, STR("http://"))) ||
	    text.len > REGION_TEXT_MAX)
		return (false);
	rest = str_from(text, url->https ? 8 : 7);
	authority = (struct str){ rest.p, str_chr(rest, '/') };
	if (!url_authority(authority, url))
		return (false);
	url->path = str_from(rest, authority.len);
	if (strspn(url->path.p,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789/-._~") < url->path.len)
		return (false);
	for (rest = url->path; str_cut(&rest, '/', &part);)
		if (str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return (false);
	url->loopback = host_is_loopback(url->host);
	return (true);
}

bool
url_read(const struct sec *s, const char *key, struct str text,
    struct url *url)
{
	if (url_parse(text, url))
		return (true);
	sec_error(s, key,
	    "bad value \"%.*s\" of %s; allowed: http or https, a host, a "
	    "port, a plain path; no user, query or escapes",
	    STR_FMT(nearest_to(text).wrong), key);
	return (false);
}
