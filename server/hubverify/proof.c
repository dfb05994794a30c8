/* server/hubverify/proof.c - the proof that the ledger holds a request: leaf,
 * path and root, and the blocks from there to a digest; see verify.h.
 *
 *	{"format":"drehscheibe-proof/1","request":"UUID",
 *	 "first":N,"prev":"HASH","headers":[[KIND,"PAYLOAD HASH"],...],
 *	 "leaves":[{"block":N,"index":I,"of":N,"leaf":"HEX","path":[HASH...]}]}
 *
 * headers are those of the blocks first, first + 1 and so on. It holds what
 * one request was, and hashes of all else. */
#include "server/hubverify/verify.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT	   "drehscheibe-proof/1"
#define PATH_MAX_N 64
#define PROOF_MAX  ((size_t)256 << 20)

struct hit {
	unsigned char leaf[LEAF_LEN];
	size_t index, of;
	uint64_t block; /* 0: of the block that comes */
	unsigned char path[PATH_MAX_N][HASH_LEN];
	unsigned npath;
};

struct header {
	uint16_t kind;
	unsigned char payload[HASH_LEN];
};

struct proof {
	unsigned char request[16];
	const struct digest *digests;
	size_t ndigests;
	struct hit *hits;
	size_t nhits;
	struct header *headers; /* from the first hit's block on */
	size_t nheaders, cap;
	uint64_t first;
	unsigned char prev[HASH_LEN];
};

struct proof *
proof_new(const unsigned char request[16], const struct digest *digests,
    size_t n)
{
	struct proof *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	memcpy(p->request, request, 16);
	p->digests = digests;
	p->ndigests = n;
	return (p);
}

void
proof_free(struct proof *p)
{
	if (p == NULL)
		return;
	free(p->hits);
	free(p->headers);
	free(p);
}

void
proof_leaf(struct proof *p, const struct event *e,
    const unsigned char leaf[LEAF_LEN], size_t i)
{
	struct hit *hit;

	if (memcmp(e->request, p->request, 16) != 0)
		return;
	p->hits = realloc(p->hits, (p->nhits + 1) * sizeof(*p->hits));
	if (p->hits == NULL)
		abort();
	hit = &p->hits[p->nhits++];
	*hit = (struct hit){ .index = i };
	memcpy(hit->leaf, leaf, LEAF_LEN);
}

void
proof_block(struct proof *p, const struct block *b,
    const unsigned char (*leaves)[HASH_LEN], size_t n)
{
	for (size_t i = 0; i < p->nhits; i++) {
		struct hit *hit = &p->hits[i];

		if (hit->block != 0)
			continue;
		hit->block = b->no;
		hit->of = n;
		hit->npath = tree_path(leaves, n, hit->index, hit->path);
	}
	if (p->nhits == 0)
		return;
	if (p->nheaders == 0) {
		p->first = b->no;
		memcpy(p->prev, b->prev, HASH_LEN);
	}
	if (p->nheaders == p->cap) {
		p->cap = p->cap == 0 ? 1024 : p->cap * 2;
		p->headers = realloc(p->headers, p->cap * sizeof(*p->headers));
		if (p->headers == NULL)
			abort();
	}
	p->headers[p->nheaders].kind = (uint16_t)b->kind;
	memcpy(p->headers[p->nheaders++].payload, b->payload_hash, HASH_LEN);
}

/* The block up to which headers are needed: that of the next digest. */
static uint64_t
last_block(const struct proof *p)
{
	uint64_t last = p->hits[p->nhits - 1].block, best = 0;

	for (size_t i = 0; i < p->ndigests; i++)
		if (p->digests[i].block >= last &&
		    (best == 0 || p->digests[i].block < best))
			best = p->digests[i].block;
	return (best != 0 ? best : last);
}

static void
hex_out(const unsigned char *p, size_t n, FILE *out)
{
	(void)fputc('"', out);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(out, "%02x", p[i]);
	(void)fputc('"', out);
}

bool
proof_write(const struct proof *p, FILE *out)
{
	const unsigned char *r = p->request;
	uint64_t last;

	if (p->nhits == 0)
		return (false);
	last = last_block(p);
	(void)fprintf(out, "{\"format\":\"" FORMAT "\",\n\"request\":\"%02x"
	    "%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x"
	    "\",\n\"first\":%llu,\"prev\":", r[0], r[1], r[2], r[3], r[4],
	    r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
	    r[15], (unsigned long long)p->first);
	hex_out(p->prev, HASH_LEN, out);
	(void)fputs(",\n\"headers\":[", out);
	for (size_t i = 0; i < p->nheaders && p->first + i <= last; i++) {
		(void)fprintf(out, "%s[%u,", i > 0 ? ",\n" : "",
		    p->headers[i].kind);
		hex_out(p->headers[i].payload, HASH_LEN, out);
		(void)fputc(']', out);
	}
	(void)fputs("],\n\"leaves\":[", out);
	for (size_t i = 0; i < p->nhits; i++) {
		const struct hit *hit = &p->hits[i];

		(void)fprintf(out, "%s{\"block\":%llu,\"index\":%zu,\"of\":"
		    "%zu,\"leaf\":", i > 0 ? ",\n" : "",
		    (unsigned long long)hit->block, hit->index, hit->of);
		hex_out(hit->leaf, LEAF_LEN, out);
		(void)fputs(",\"path\":[", out);
		for (unsigned k = 0; k < hit->npath; k++) {
			(void)fputs(k > 0 ? "," : "", out);
			hex_out(hit->path[k], HASH_LEN, out);
		}
		(void)fputs("]}", out);
	}
	(void)fputs("]}\n", out);
	return (true);
}

/* ---- checking one */

/* The blocks of a proof, whose hashes follow from each other. */
struct claim {
	unsigned char request[16];
	uint64_t first, last;
	json_t *headers, *leaves;
	unsigned char hash[HASH_LEN]; /* of the last block */
	bool anchored;		      /* a digest names one of them */
};

static bool
header_get(const json_t *headers, uint64_t i, uint64_t *kind,
    unsigned char payload[HASH_LEN])
{
	const json_t *item = json_array_get(headers, (size_t)i);
	const json_t *k = json_array_get(item, 0), *p = json_array_get(item, 1);

	if (json_array_size(item) != 2 || !json_is_integer(k) ||
	    !json_is_string(p) || json_integer_value(k) < 0 ||
	    json_integer_value(k) > INT16_MAX)
		return (false);
	*kind = (uint64_t)json_integer_value(k);
	return (hex_read(json_string_value(p), payload, HASH_LEN));
}

static bool
leaf_right(const struct claim *c, const json_t *item)
{
	json_int_t block, index, of;
	const char *hex;
	unsigned char leaf[LEAF_LEN], hash[HASH_LEN], root[HASH_LEN];
	unsigned char path[PATH_MAX_N][HASH_LEN], want[HASH_LEN];
	const json_t *step;
	json_t *steps;
	uint64_t kind;
	size_t n, i;

	/* json_unpack does not change what it reads. */
	if (json_unpack_ex((json_t *)(uintptr_t)item, NULL, JSON_STRICT,
		"{s:I,s:I,s:I,s:s,s:o}", "block", &block, "index", &index,
		"of", &of, "leaf", &hex, "path", &steps) != 0 || block < 0 ||
	    index < 0 || of <= 0 || (uint64_t)block < c->first ||
	    (uint64_t)block > c->last || !hex_read(hex, leaf, LEAF_LEN) ||
	    memcmp(leaf + 40, c->request, 16) != 0 ||
	    !json_is_array(steps) || json_array_size(steps) > PATH_MAX_N)
		return (false);
	n = json_array_size(steps);
	for (i = 0; i < n; i++) {
		step = json_array_get(steps, i);
		if (!json_is_string(step) ||
		    !hex_read(json_string_value(step), path[i], HASH_LEN))
			return (false);
	}
	leaf_hash(leaf, LEAF_LEN, hash);
	return (path_root(hash, (uint64_t)index, (uint64_t)of,
		    (const unsigned char (*)[HASH_LEN])path, (unsigned)n,
		    root) &&
	    header_get(c->headers, (uint64_t)block - c->first, &kind, want) &&
	    kind == INGEST && memcmp(root, want, HASH_LEN) == 0);
}

static bool
headers_right(struct claim *c, const char *prev_hex, struct chain *ch,
    struct say *s)
{
	unsigned char payload[HASH_LEN];
	uint64_t kind;

	if (!hex_read(prev_hex, c->hash, HASH_LEN))
		return (false);
	for (uint64_t no = c->first; no <= c->last; no++) {
		if (!header_get(c->headers, no - c->first, &kind, payload))
			return (false);
		block_hash(no, c->hash, (uint16_t)kind, payload, c->hash);
		for (size_t i = 0; i < ch->ndigests; i++) {
			struct digest *d = &ch->digests[i];

			if (d->block != no)
				continue;
			c->anchored = true;
			if (memcmp(d->hash, c->hash, HASH_LEN) != 0)
				say_tampered(s, "der Nachweis führt nicht zum "
				    "Digest %s", "the proof does not lead to "
				    "the digest %s", d->file);
		}
	}
	return (true);
}

static bool
claim_right(json_t *doc, struct chain *ch, struct claim *c, struct say *s)
{
	const char *format, *request, *prev;
	json_int_t first;
	json_t *item;
	size_t i;

	if (json_unpack_ex(doc, NULL, JSON_STRICT,
		"{s:s,s:s,s:I,s:s,s:o,s:o}", "format", &format, "request",
		&request, "first", &first, "prev", &prev, "headers",
		&c->headers, "leaves", &c->leaves) != 0 ||
	    strcmp(format, FORMAT) != 0 || !read_uuid(request, c->request) ||
	    first < 1 || !json_is_array(c->headers) ||
	    !json_is_array(c->leaves) || json_array_size(c->headers) == 0 ||
	    json_array_size(c->leaves) == 0)
		return (false);
	c->first = (uint64_t)first;
	if (__builtin_add_overflow(c->first,
		json_array_size(c->headers) - 1, &c->last) ||
	    c->last > INT64_MAX)
		return (false);
	json_array_foreach(c->leaves, i, item)
		if (!leaf_right(c, item))
			return (false);
	return (headers_right(c, prev, ch, s));
}

void
proof_check_text(const char *text, size_t len, struct chain *ch,
    struct say *s)
{
	json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	struct claim c = { 0 };
	char hex[HEX_LEN];

	if (!claim_right(doc, ch, &c, s)) {
		say_tampered(s, "der Nachweis ist nicht schlüssig",
		    "the proof does not hold");
		goto out;
	}
	hex_write(c.hash, HASH_LEN, hex);
	say_note(s, "Der Nachweis ist in sich schlüssig und führt zu Block "
	    "%llu mit dem Hash %s.", "The proof holds in itself and leads to "
	    "block %llu with the hash %s.", (unsigned long long)c.last, hex);
	if (!c.anchored)
		say_blind(s, "kein angegebener Digest nennt einen Block dieses "
		    "Nachweises: ohne ihn beweist er nichts", "no given digest "
		    "names a block of this proof: without one it proves "
		    "nothing");
out:
	json_decref(doc);
}

void
proof_check(const char *file, struct chain *ch, struct say *s)
{
	FILE *f = fopen(file, "rbe");
	char *text = NULL;
	size_t n = 0, cap = 0;

	if (f == NULL) {
		say_blind(s, "%s: %s", "%s: %s", file, strerror(errno));
		return;
	}
	do {
		cap = cap == 0 ? 65536 : cap * 2;
		text = realloc(text, cap);
		if (text == NULL)
			abort();
		n += fread(text + n, 1, cap - n, f);
	} while (n == cap && cap < PROOF_MAX);
	if (ferror(f) != 0 || n == cap)
		say_blind(s, "%s: nicht lesbar", "%s: cannot be read", file);
	else
		proof_check_text(text, n, ch, s);
	(void)fclose(f);
	free(text);
}
